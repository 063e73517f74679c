"""Floating-point accumulators: small ones exhausted, large ones proved, fp32 against numpy; broken ones found out."""

import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import rational
from lmul.golden.formats import FORMATS, FloatFormat, float_format
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.hdl.addend import Addend
from lmul.hdl.designs import parse
from lmul.hdl.verilog import component, convert
from lmul.prove import float_sums, float_theory, interleaved, interleaved_order, solver
from lmul.prove.float_sums import Sum
from lmul.prove.obligation import COMPARED, PROVED, REFUTED, discharge

E4M2 = float_format("e4m2")
LMUL = Sum(E4M2, Multiplier.make("lmul", "e3m2"))
QUICK = [LMUL, Sum(E4M2, Multiplier.make("exact", "e2m1")), Sum(FloatFormat("e3m2", 3, 2, 3))]
_E2M1 = Multiplier.make("lmul", "e2m1")
_SMALL = parse("mac_lmul_e2m1_fp16i2")


def text(case):
    """The Verilog of a case's adder."""
    source = case.source
    return convert({"adder": source.make(*source.arguments)})["adder"]


def faulty(case):
    """With one sum wrong: of 1 and 1, in units of the smallest number."""
    right = text(case)
    port = re.search(r"assign sum = (.*);", right)
    return right.replace(port[0], f"assign sum = ({port[1]}) ^ (acc == 1 && ({port[1]}) == 2);")


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_exhausted(case):
    [proof] = discharge([float_sums.of(case)])
    assert proof.verdict == PROVED
    assert int(re.search(r"([\d,]+) additions", proof.means)[1].replace(",", "")) > 2000


@pytest.mark.regress
@pytest.mark.parametrize("case", float_sums.SMALL, ids=lambda case: case.name)
def test_all_small_formats_exhausted(case):
    [proof] = discharge([float_sums.of(case)])
    assert proof.verdict == PROVED, proof


def test_exhaustion_finds_one_wrong_sum():
    case = QUICK[-1]
    [proof] = discharge([float_sums.of(case)], texts={"adder": faulty(case)})
    assert proof.verdict == REFUTED and proof.case == "by=gates acc=0x1 p=0x1 gives 0x3, not 0x2"


@pytest.mark.parametrize("name", ["e4m2", "e8m3", "bf16", "fp16", "fp32"])
def test_float64_sums_are_exact_sums_rounded_once(name, seed):
    """The reference itself, against fractions: values around halfway, and so small that they only break a tie."""
    fmt, generator = float_format(name), np.random.default_rng(seed)
    acc = generator.integers(0, fmt.max_finite, 400) | generator.integers(0, 2, 400) << fmt.field_bits
    last = [float(rational.power(max(int(code) >> fmt.man_bits & fmt.exp_mask, 1) - fmt.bias - fmt.man_bits))
            for code in acc]
    values = np.array(last) * generator.choice([.5, -.5, .25, 1.5, 3.75, 2.0**-60], 400)
    values += np.array(last) * generator.choice([0, 2.0**-40, -(2.0**-40)], 400)
    found = float_sums.nearest_sum(fmt, acc, values)
    for code, value, total in zip(acc.tolist(), values.tolist(), found.tolist(), strict=True):
        assert total == rational.accumulated(fmt, code, int(value < 0), Fraction(abs(value)))


def against_numpy(count, seed):
    return [proof for each in float_sums.obligations(count, seed) if each.claim == "sums are numpy's"
            for proof in discharge([each])]


def test_fp32_against_numpy(seed):
    proofs = against_numpy(300_000, seed)
    assert [proof.verdict for proof in proofs] == [COMPARED] * 4 and all(str(seed) in proof.means for proof in proofs)


def test_a_wrong_sum_is_not_numpy_s(seed):
    case = float_sums.AGAINST_NUMPY[0]
    wrong = re.sub(r"assign sum = (.*);", r"assign sum = (\1) ^ (acc[22:0] == p[22:0]);", text(case))
    assert wrong != text(case)
    [proof] = discharge([float_sums.compared(case, 100_000, seed)], texts={"adder": wrong})
    assert proof.verdict == REFUTED and "by=gates" in proof.case


@pytest.mark.regress
def test_ten_million_sums_against_numpy(seed):
    assert [proof.verdict for proof in against_numpy(10_000_000, seed)] == [COMPARED] * 4


def test_directed_sums_meet_every_case(seed):
    """Cancellation, ties, subnormals, overflow and specials are all there, hundreds of each."""
    generator, case = np.random.default_rng(seed), Sum(FORMATS["fp32"])
    p = float_sums.operands(generator, case, 100_000)
    acc = float_sums.directed(generator, case, p)
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


def solved(case, texts=None):
    return discharge(float_theory.of(case), 120, texts)


def test_small_float_sum_is_proved():
    proofs = solved(Sum(FORMATS["fp16"], _E2M1))
    assert [proof.verdict for proof in proofs] == [PROVED] * 2, proofs


def test_solver_finds_a_broken_adder():
    case = Sum(FORMATS["fp16"])
    port = re.search(r"assign sum = (.*);", text(case))[0]
    wrong = text(case).replace(port, port.replace("sum", "wire [15:0] right", 1).replace("assign", "").replace(
        ";", ";\n  assign sum = {right[15:1], right[0] | (right[1] & right[2])};"))
    [proof] = solved(case, {"adder": wrong})
    assert proof.verdict == REFUTED and proof.case.startswith("acc=0x")


def test_small_interleaved_sum_is_proved():
    spec, accumulator = _E2M1, parse_accumulator("fp16i2")
    obligations = [*interleaved.of("small", spec, accumulator), interleaved.unit(_SMALL), *interleaved_order.of(_SMALL)]
    proofs = [proof for each in obligations for proof in discharge([each], 120)]
    assert [proof.verdict for proof in proofs] == [PROVED] * 5, proofs


@pytest.mark.parametrize("fault", [(r"assign cancels = .*;", "assign cancels = 1'h0;"),
                                   (r"assign left_2 = .*;", "assign left_2 = left_4;")])
def test_faults_of_staged_adders_are_found(fault):
    """One that takes near numbers for far ones, one that normalises by a place too little."""
    spec, accumulator = _E2M1, parse_accumulator("fp16i2")
    text = convert({"adder": interleaved.ProductAdder(FORMATS["fp16"], Addend.product(spec), 2)})["adder"]
    wrong, count = re.subn(*fault, text)
    assert count == 1
    [proof] = discharge(interleaved.of("small", spec, accumulator)[1:2], 120, {"adder": wrong})
    assert proof.verdict == REFUTED and proof.case.startswith("acc=0x")


def test_a_register_without_enable_is_found():
    text = convert({"unit": component(_SMALL)})["unit"]
    wrong, count = re.subn(r"(?m)= en \? a : a_\w+;", "= a;", text, count=1)
    assert count == 1
    [proof] = discharge([interleaved.unit(_SMALL)], 120, {"unit": wrong})
    assert proof.verdict == REFUTED


@pytest.mark.parametrize("change", [("largest", -1), ("highest", -1), ("lowest", 1)])
def test_products_beyond_what_a_sum_is_made_for_are_found(change, monkeypatch):
    """Told that the products are fewer than they are, the obligation on them fails."""
    name, step = change
    right = Addend.product(_E2M1)
    wrong = replace(right, **{name: getattr(right, name) + step})
    monkeypatch.setattr(float_theory.Addend, "product", lambda spec: wrong)
    [proof] = discharge([float_theory.products("e2m1", _E2M1)])
    assert proof.verdict == REFUTED


def test_a_question_divided_into_cases_is_the_same_question(monkeypatch):
    monkeypatch.setattr(solver, "SOON", 0.0)  # the terminator ends every question at once, but the last ones
    case = QUICK[2]
    [proof] = solved(case)
    assert proof.verdict == PROVED, proof
    assert " 1 cases" not in proof.means
    assert " ^ " in text(case)
    [proof] = solved(case, {"adder": text(case).replace(" ^ ", " | ", 1)})
    assert proof.verdict == REFUTED
