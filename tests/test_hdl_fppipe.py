"""Adders in stages: all sums of small formats as the exact ones, rounded once, for every number of stages."""

import pytest
from lmul.golden.formats import FORMATS, float_format
from lmul.golden.spec import Multiplier
from lmul.hdl.addend import Addend
from lmul.hdl.fppipe import CUTS, Normal, StagedAdder
from lmul.hdl.verilog import convert
from lmul.prove import machine
from lmul.prove.exhaust import from_planes, to_planes
from lmul.prove.float_sums import AGAINST_NUMPY, SMALL, Sum, against_numpy, exhausted
from lmul.prove.interleaved import PairAdder, ProductAdder, Staged
from lmul.prove.logic import Logic
from lmul.prove.obligation import COMPARED, PROVED


class Circuit:
    """An adder in stages as if it were none, called as `exhaust.Circuit` is."""

    def __init__(self, case, stages):
        kind = ProductAdder if case.multiplier else PairAdder
        verilog = convert({"adder": kind(case.fmt, case.addend, stages)})
        adder, logic = machine.load(verilog)["adder"], Logic()
        self.given = {name: logic.inputs(adder.inputs[name]) for name in ("acc", "p")}
        found = Staged(adder, stages).build(logic, self.given)["sum"]
        self.program = logic.compiled([bit for bits in self.given.values() for bit in bits], found)

    def __call__(self, **codes):
        planes = [plane for name, bits in self.given.items() for plane in to_planes(codes[name], len(bits))]
        return {"sum": from_planes(self.program.evaluate(planes), len(codes["acc"]))}


@pytest.mark.parametrize(("case", "stages"), [
    (Sum(float_format("e4m2"), Multiplier.make("exact", "e4m3")), 4),  # sums can be subnormal, products below them
    (Sum(float_format("e5m4"), Multiplier.make("exact", "e2m1")), 8),  # neither, and no overflow
    (Sum(float_format("e4m2")), 2),
], ids=str)
def test_every_sum_of_small_formats(case, stages):
    assert exhausted({"adder": Circuit(case, stages)}, 60, case).verdict == PROVED


@pytest.mark.regress
@pytest.mark.parametrize("stages", CUTS)
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_every_sum_of_all_small_formats(case, stages):
    assert exhausted({"adder": Circuit(case, stages)}, 60, case).verdict == PROVED


@pytest.mark.parametrize("case", [AGAINST_NUMPY[1], *(
    pytest.param(case, marks=pytest.mark.regress) for case in AGAINST_NUMPY if case != AGAINST_NUMPY[1])],
    ids=lambda case: case.name)
def test_sums_of_fp32_are_numpy_s(case, seed):
    answer = against_numpy({"adder": Circuit(case, 4)}, 60, case, 20_000, seed)
    assert answer.verdict == COMPARED, answer.witness


@pytest.mark.parametrize(("kind", "formats", "fmt", "latency", "bits"), [
    ("lmul", ("e4m3",), "fp32", 0, 4), ("exact", ("e4m3",), "fp32", 1, 8), ("exact", ("bf16",), "fp32", 3, 26),
    ("lmul", ("bf16",), "fp32", 2, 26), ("lmul", ("e4m3",), "e4m2", 2, 5)])
def test_what_addends_go_through(kind, formats, fmt, latency, bits):
    normal = Normal(float_format(fmt), Addend.product(Multiplier.make(kind, *formats)))
    assert (normal.latency, normal.addend.sig_bits) == (latency, bits)
    assert normal.addend.lowest >= 1 and not normal.addend.leading
    assert Normal(float_format(fmt), normal.addend).addend == normal.addend


def test_addends_must_be_normal():
    with pytest.raises(AssertionError):
        StagedAdder(FORMATS["fp32"], Addend.product(Multiplier.make("exact", "e4m3")), 4)
