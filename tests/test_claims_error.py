"""Errors by mantissa width, the paper's expectations and the claims of precision."""

from fractions import Fraction

import numpy as np
import pytest
from lmul.claims import error
from lmul.claims.verdict import RULE, check, claim, verdict
from lmul.golden.errors import mantissa_errors


def test_expectations_are_the_papers():
    rows = [error.expectations(7, kept) for kept in range(1, 7)]
    assert [round(row["f1"], 3) for row in rows] == [.676, .348, .172, .081, .035, .012]
    assert [round(row["lmul"], 3) for row in rows] == [.238, .238, .238, .176, .207, .191]


@pytest.mark.parametrize("kept", [1, 3, 4, 6])
def test_expectations_are_means_over_all_pairs(kept):
    values = [Fraction(x, 128) for x in range(128)]
    short = [Fraction(x >> (7 - kept), 1 << kept) for x in range(128)]
    mean, mean_short = (sum(each) / 128 for each in (values, short))
    term = Fraction(1, 1 << (kept if kept <= 3 else 3 if kept == 4 else 4))
    # The mean of a product of independent numbers is the product of their means.
    found = error.expectations(7, kept)
    assert found["f1"] == (1 + mean) ** 2 - (1 + mean_short) ** 2
    assert found["lmul"] == abs((1 + mean) ** 2 - (1 + 2 * mean_short + term))


def test_errors_by_width():
    found = {(row["man_bits"], row["way"]): row["mean"] for row in error.by_width("uniform")}
    assert len(found) == 10 * 6
    ways = ("add, offset paper", "printed formula", "add, offset none", "exact, rounded")
    for bits, expected in ((2, (.1467, .1111, .0357, .0357)), (3, (.0524, .0689, .0378, .0190)),
                           (4, (.0514, .0694, .0383, .0107)), (7, (.0266, .0751, .0385, .0014))):
        assert [round(found[bits, way], 4) for way in ways] == list(expected)


def test_best_offset_is_never_worse():
    found = {(row["man_bits"], row["way"]): row["mean_square"] for row in error.by_width("uniform")}
    for bits in error.WIDTHS:
        least = min(found[bits, f"add, offset {name}"] for name in ("paper", "none"))
        assert found[bits, "add, offset best"] <= least


def test_shorten():
    mantissas, carries = error.shorten(np.array([1, 1.9375, 1.96875, 1.0625, 1.1875]), 3, "round")
    assert mantissas.tolist() == [0, 0, 0, 0, 2] and carries.tolist() == [0, 1, 1, 0, 0]  # ties go to even
    mantissas, carries = error.shorten(np.array([1, 1.9375, 1.96875, 1.0625, 1.1875]), 3, "truncate")
    assert mantissas.tolist() == [0, 7, 7, 0, 1] and not carries.any()


@pytest.mark.parametrize("how", ["truncate", "round"])
def test_framing_of_shortened_operands(how):
    total, kept = [], 2
    for x in range(128):
        for y in range(128):
            short = [(1 + Fraction(each, 128)) * 4 for each in (x, y)]
            short = [int(each) if how == "truncate" else round(each) for each in short]
            exact, product = (128 + x) * (128 + y), Fraction(short[0] * short[1], 16)
            last = kept + 1 - len(bin(int(product))) + 2  # bits after the point that a product of kept + 1 bits has
            scaled = product * 2**last
            product = Fraction(int(scaled) if how == "truncate" else round(scaled)) / 2**last
            total.append(abs(product / Fraction(exact, 1 << 14) - 1))
    name = f"operands {'truncated' if how == 'truncate' else 'rounded'}, mean error"
    assert error.framed(name, "exact", kept, "uniform") == pytest.approx(float(sum(total) / len(total)), rel=1e-12)


def test_framing_of_the_operation_alone():
    name = "operation alone, mean error"
    assert error.framed(name, "exact", 3, "uniform") == mantissa_errors("round", 3).mean
    assert error.framed(name, "add", 4, "uniform") == mantissa_errors("add", 4, offset=2).mean


def test_significands_lie_in_1_to_2():
    for each in error.significands("recording"):
        assert each.min() >= 1 and each.max() < 2 and each.size > 10_000


def test_agreement_of_formula_and_addition():
    equal = sum((x + y + 1 < 4) or (x + y + 1 == 4) for x in range(4) for y in range(4))  # 4: both give 2
    assert error.agreement(2) == equal / 16


def test_claims_of_precision_turn_on_the_framing():
    found = {each["name"]: each for each in error.claims()}
    assert found["integer-addition"]["verdict"] == "does not hold"
    assert found["precision-4-bit"]["verdict"] == found["precision-3-bit"]["verdict"] == "holds only for"
    for name in ("precision-4-bit", "precision-3-bit"):
        checks = {each["condition"]: each["holds"] for each in found[name]["checks"]}
        assert all(held for condition, held in checks.items() if "truncated" in condition)
        assert not any(held for condition, held in checks.items() if "alone" in condition)
        assert len(checks) == 1 + 4 * 2 * 3


def test_verdict():
    yes, no = check("a", "c", "1", True), check("b", "c", "2", False)
    unknown = check("d", "c", "", None, "no tool")
    assert verdict([yes, unknown]) == "holds"
    assert verdict([yes, no, unknown]) == "holds only for"
    assert verdict([no, unknown]) == "does not hold"
    assert verdict([unknown]) == "not measured"
    assert claim("n", "t", "error", [yes, no, unknown])["conditions"] == "a"
    assert claim("n", "t", "error", [yes, no, unknown])["count"] == "1 of 2 checks hold, 1 not made"
    assert "holds" in RULE


def test_many_conditions_are_named_by_group():
    checks = [check(f"{name}, {n}", "c", "", held) for name, held in (("x", True), ("y", False)) for n in range(5)]
    assert claim("n", "t", "error", checks)["conditions"] == "x"
    checks[0] = check("x, 0", "c", "", False)
    checks[5] = check("y, 0", "c", "", True)
    assert claim("n", "t", "error", checks)["conditions"] == "x (4 of 5); y (1 of 5)"


def test_a_check_says_what_is_missing():
    with pytest.raises(ValueError, match="A check must hold or not, or say what is missing or why it is unclear, not "
                                         "None, None and None"):
        check("a", "c", "", None)
