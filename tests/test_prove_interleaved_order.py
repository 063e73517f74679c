"""The order of partial sums: proved of small units, refuted where it is broken, and golden's."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
from lmul.golden.accumulate import accumulate
from lmul.golden.products import pack, product
from lmul.golden.stimulus import random_codes
from lmul.hdl import interleaved
from lmul.hdl.designs import parse
from lmul.hdl.verilog import convert
from lmul.prove import interleaved_order
from lmul.prove.float_sums import Sum
from lmul.prove.obligation import PROVED, REFUTED, discharge

SMALL = "mac_lmul_e2m1_fp16i4"


def proof(slug, unit=None):
    [found] = discharge(interleaved_order.of(parse(slug)), 60, convert({"unit": unit}) if unit else None)
    return found


_LONGER = [pytest.param(slug, marks=pytest.mark.regress) for slug in (
    "mac_lmul_e2m1_fp16i2", "mac_exact_e4m3_fp32i4", "mac_exact_bf16_fp32i4", "mac_lmul_e4m3_fp32i8",
    "dot_exact_e2m1_bf16i2_2_tree", "dot_exact_e4m3_fp32i4_16")]


@pytest.mark.parametrize("slug", [SMALL, "dot_exact_e2m1_fp16i2_3", *_LONGER])
def test_order_is_proved(slug):
    assert proof(slug).verdict == PROVED


@pytest.mark.parametrize(("right", "wrong"), [
    ("begins[before : before + stages]", "begins[before : before + stages - 1]"),  # a sum kept for a run too long
    ("for _ in range(distance)", "for _ in range(distance + 1)"),  # of another pair of sums
    *(pytest.param(*fault, marks=pytest.mark.regress) for fault in (
        ("begins[before : before + stages]", "begins[before : before + stages + 1]"),
        ("begins[age : age + distance]", "begins[age + 1 : age + 1 + distance]"),
        ("join.acc.eq(code)", "join.acc.eq(earlier)"),
        ("loop.acc.eq(loop.sum & kept.replicate(self.fmt.width))", "loop.acc.eq(loop.sum)"),
        ('cut("addend", addend)', 'cut("addend", cut("addend", addend))'),  # a stage too many
        ("self.valid.eq(ended[-1])", "self.valid.eq(ended[-2])"),
        ("self.c.eq(code & self.valid.replicate(self.fmt.width))", "self.c.eq(code)"),
        ("Signal(init=1,", "Signal("),  # the first run goes on from before reset
        ("m.d.sync += [next_first.eq(last)", "m.d.sync += [next_first.eq(next_first ^ last)"))),
])
def test_broken_order_is_refuted(right, wrong):
    source = inspect.getsource(interleaved)
    assert source.count(right) == 1
    names = dict(vars(interleaved))
    exec(source.replace(right, wrong), names)
    design = parse(SMALL)
    assert proof(SMALL, names["InterleavedMac"](design.multiplier, design.accumulator)).verdict == REFUTED


@pytest.mark.parametrize("slug", [SMALL, "mac_exact_e4m3_bf16i8", "mac_lmul_e3m2_fp16i2"])
def test_what_is_proved_is_golden_s_order(slug, seed):
    """As the proof has it: addend by addend, out of what the same adders gave before."""
    design, generator = parse(slug), np.random.default_rng(seed)
    spec, parts = design.multiplier, design.accumulator.interleave
    products, codes = Sum(design.result, spec), Sum(design.result)

    def added(case, x, y):
        return int(case.golden(np.array([x]), np.array([y]))[0])

    for depth in range(1, 3 * parts + 2):
        a, b = (random_codes(fmt, depth, generator) for fmt in (spec.a, spec.b))
        sums = []
        for t, p in enumerate(pack(spec, product(spec, a, b)).astype(np.int64)):
            sums.append(added(products, sums[t - parts] if t >= parts else 0, p))
        distance = 1
        while distance < parts:
            sums = [added(codes, x, sums[t - distance] if t >= distance else 0) for t, x in enumerate(sums)]
            distance *= 2
        assert sums[-1] == int(accumulate(spec, design.accumulator, a, b)), SimpleNamespace(depth=depth, a=a, b=b)
