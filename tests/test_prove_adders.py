"""Accumulators: small ones exhausted, large ones proved, fp32 against numpy; and broken ones found out."""

from fractions import Fraction

import numpy as np
import pytest
import rational
from lmul.golden.formats import FORMATS, FloatFormat, float_format
from lmul.golden.spec import Multiplier
from lmul.hdl.addend import Addend
from lmul.hdl.fixed import FixedAdder, FixedDrain, Window
from lmul.hdl.verilog import convert
from lmul.prove import adders, exhaust, solver
from lmul.prove.adders import Sum
from lmul.prove.solver import PROVED, REFUTED

E4M2 = float_format("e4m2")
LMUL = Sum(E4M2, Multiplier.make("lmul", "e3m2"))
QUICK = [LMUL, Sum(E4M2, Multiplier.make("exact", "e2m1")), Sum(FloatFormat("e3m2", 3, 2, 3))]
_E2M1 = Multiplier.make("lmul", "e2m1")


def faulty(case):
    """The case's gates with bit 0 of the sum inverted for one pair of inputs."""
    circuit = case.circuit

    class Faulty:
        def __call__(self, acc, p):
            return {"sum": circuit(acc=acc, p=p)["sum"] ^ ((acc == 1) & (p == p.max()))}

    return Faulty()


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_exhausted(case):
    count, witness = adders.exhausted(case)
    assert not witness
    assert count > 2000


@pytest.mark.regress
@pytest.mark.parametrize("case", adders.SMALL, ids=lambda case: case.name)
def test_all_small_formats_exhausted(case):
    assert adders.exhausted(case)[1] == ""


def test_exhaustion_finds_one_wrong_sum():
    case = QUICK[-1]
    assert "gates: 0x1 plus" in adders.exhausted(case, faulty(case))[1]


@pytest.mark.parametrize("name", ["e4m2", "e8m3", "bf16", "fp16", "fp32"])
def test_float64_sums_are_exact_sums_rounded_once(name, seed):
    """The reference itself, against fractions: values around halfway, and so small that they only break a tie."""
    fmt, generator = float_format(name), np.random.default_rng(seed)
    acc = generator.integers(0, fmt.max_finite, 400) | generator.integers(0, 2, 400) << fmt.field_bits
    last = [float(rational.power(max(int(code) >> fmt.man_bits & fmt.exp_mask, 1) - fmt.bias - fmt.man_bits))
            for code in acc]
    values = np.array(last) * generator.choice([.5, -.5, .25, 1.5, 3.75, 2.0**-60], 400)
    values += np.array(last) * generator.choice([0, 2.0**-40, -(2.0**-40)], 400)
    found = adders.nearest_sum(fmt, acc, values)
    for code, value, total in zip(acc.tolist(), values.tolist(), found.tolist(), strict=True):
        assert total == rational.accumulated(fmt, code, int(value < 0), Fraction(abs(value)))


def test_fp32_against_numpy(seed):
    count, witness = adders.against_numpy(300_000, seed)
    assert not witness
    assert count >= 300_000


@pytest.mark.regress
def test_ten_million_sums_against_numpy(seed):
    count, witness = adders.against_numpy(10_000_000, seed)
    assert not witness
    assert count >= 10_000_000


def test_directed_sums_meet_every_case(seed):
    """Cancellation, ties, subnormals, overflow and specials are all there, hundreds of each."""
    generator, case = np.random.default_rng(seed), Sum(FORMATS["fp32"])
    p = adders.operands(generator, case, 100_000)
    acc = adders.directed(generator, case, p)
    with np.errstate(all="ignore"):
        x, y = (codes.astype(np.uint32).view(np.float32).astype(np.float64) for codes in (acc, p))
        single = (x.astype(np.float32) + y.astype(np.float32)).astype(np.float64)
        total, finite = x + y, np.isfinite(x) & np.isfinite(y)
        seen = {
            "cancellation": finite & (np.abs(total) < np.abs(x) / 1024) & (total != 0),
            "zero": finite & (total == 0) & (x != 0),
            "ties": finite & (np.abs(total - single) == np.spacing(single.astype(np.float32)) / 2),
            "subnormals": finite & (total != 0) & (np.abs(total) < 2.0**-126),
            "overflow": finite & np.isinf(single),
            "specials": ~finite,
        }
    counts = {name: int(found.sum()) for name, found in seen.items()}
    assert all(number > 200 for number in counts.values()), counts


def test_small_float_sum_is_proved():
    proof = adders.solved(Sum(FORMATS["fp16"], _E2M1), limit=120)
    assert proof.verdict == PROVED, proof


def test_solver_finds_a_broken_adder():
    case = Sum(FORMATS["fp16"])
    proof = adders.solved(case, limit=120, circuit=_inverted(case))
    assert proof.verdict == REFUTED
    assert proof.witness.startswith("acc 0x")


def _inverted(case):
    """The case's gates, with the result's last bit the OR of the last two."""
    circuit = case.circuit

    class Wrong:
        def build(self, logic, inputs):
            total = circuit.build(logic, inputs)["sum"]
            return {"sum": [logic.or_(total[0], logic.and_(*total[1:3])), *total[1:]]}

    return Wrong()


@pytest.mark.parametrize("words", [1, 2])
def test_exact_sums_are_proved(words):
    for prove in (adders.exact_step, adders.drained, adders.drained_in_cases):
        proof = prove(_E2M1, 16, words)
        assert proof.verdict == PROVED, proof


@pytest.mark.parametrize("right, wrong", [(" + ", " | "), (" ^ ", " | "), (" | ", " & ")])
def test_broken_steps_of_exact_sums_are_not_proved(right, wrong):
    spec = Multiplier.make("exact", "e5m2")
    text = convert({"adder": FixedAdder(Window(Addend.product(spec), 16), 1)})["adder"]
    assert right in text
    assert adders.exact_step(spec, 16, 1, text=text.replace(right, wrong, 1)).verdict != PROVED


@pytest.mark.regress
def test_sums_beyond_fp32_are_proved_to_overflow_and_to_lose_places():
    """Their smallest products are below fp32's smallest, and their largest above its largest."""
    spec = Multiplier.make("exact", "e8m1")
    window = Window(Addend.product(spec), 4)
    assert window.addend.unit < -149 and window.addend.unit + window.bits > 128
    assert adders.drained_in_cases(spec, 4, 1).verdict == PROVED


@pytest.mark.parametrize("prove", [adders.drained, adders.drained_in_cases])
def test_solver_finds_a_broken_drain(prove):
    text = convert({"drain": FixedDrain(Window(Addend.product(_E2M1), 16), 1)})["drain"]
    assert " + " in text
    assert prove(_E2M1, 16, 1, text=text.replace(" + ", " | ")).verdict == REFUTED


@pytest.mark.parametrize("right, wrong", [(" + ", " | "), (" & ", " | "), (" | ", " & "), (" ? ", " ? ~")])
def test_solver_finds_a_broken_drain_of_two_words(right, wrong):
    spec = Multiplier.make("exact", "e5m2")
    text = convert({"drain": FixedDrain(Window(Addend.product(spec), 16), 2)})["drain"]
    assert right in text
    assert adders.drained_in_cases(spec, 16, 2, text=text.replace(right, wrong, 1)).verdict == REFUTED


def test_a_question_divided_into_cases_is_the_same_question(monkeypatch):
    monkeypatch.setattr(solver, "SOON", 0.0)  # the terminator ends every question at once, but the last ones
    case = QUICK[2]
    proof = adders.solved(case)
    assert proof.verdict == PROVED, proof
    assert "1 cases" not in proof.means
    broken = convert({"adder": case.component})["adder"]
    assert " ^ " in broken
    circuit = exhaust.load({"adder": broken.replace(" ^ ", " | ", 1)})["adder"]
    assert adders.solved(case, circuit=circuit).verdict == REFUTED
