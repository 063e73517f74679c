"""Error measures, against figures worked out in fractions and the table of mean relative errors."""

import time
from fractions import Fraction

import numpy as np
import pytest
import rational
from lmul.golden.codec import encode
from lmul.golden.errors import (
    exact_product,
    mantissa_errors,
    mantissa_pairs,
    mean_relative_error,
    measure,
    operand_errors,
    result_errors,
    significand_product,
)
from lmul.golden.formats import FORMATS, MIXED_PAIRS
from lmul.golden.refusal import Refusal
from lmul.golden.spec import Multiplier
from lmul.golden.stimulus import all_pairs, random_pairs

# Mean relative error over all pairs of mantissas: add and formula with the paper's offset, add without, exact rounded.
TABLE = {
    2: (0.1467, 0.1111, 0.0357, 0.0357),
    3: (0.0524, 0.0689, 0.0378, 0.0190),
    4: (0.0514, 0.0694, 0.0383, 0.0107),
    7: (0.0266, 0.0751, 0.0385, 0.0014),
}
PAPER = {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 10: 64}


@pytest.mark.parametrize("man_bits", TABLE)
def test_table_of_mean_errors(man_bits):
    methods = [("add", PAPER[man_bits]), ("formula", PAPER[man_bits]), ("add", 0), ("round", 0)]
    means = [mantissa_errors(method, man_bits, offset=offset).mean for method, offset in methods]
    assert means == pytest.approx(TABLE[man_bits], abs=5e-5)


def kept(exact, man_bits, rounding):
    """A number to so many bits after its first."""
    unit = rational.power(rational.exponent(exact) - man_bits)
    return rounding(exact / unit) * unit


@pytest.mark.parametrize("man_a, man_b, offset, guard_bits", [
    (1, 1, 1, 0), (2, 2, 1, 0), (3, 3, -2, 0), (4, 2, 3, 0), (3, 3, 5, 3), (5, 5, 2, 0)])
def test_measures_in_fractions(man_a, man_b, offset, guard_bits):
    constant = Fraction(offset, 1 << (man_a + guard_bits))
    ways = {
        "add": lambda a, b: rational.mitchell(a, b, constant),
        "formula": lambda a, b: a + b - 1 + constant,
        "round": lambda a, b: kept(a * b, man_a, round),
        "truncate": lambda a, b: kept(a * b, man_a, int),
    }
    pairs = [(1 + Fraction(x, 1 << man_a), 1 + Fraction(y, 1 << man_b))
             for x in range(1 << man_a) for y in range(1 << man_b)]
    for method, way in ways.items():
        for scale in (1.0, 0.75):
            errors = [Fraction(scale) * way(a, b) / (a * b) - 1 for a, b in pairs]
            n = len(errors)
            expected = (sum(map(abs, errors)) / n, sum(errors) / n, sum(error**2 for error in errors) / n,
                        max(map(abs, errors)), n)
            actual = mantissa_errors(method, man_a, man_b, offset, guard_bits, scale)
            assert actual == pytest.approx([float(value) for value in expected], rel=1e-12, abs=1e-15)


def test_given_mantissas():
    x, y = np.array([0, 5, 7]), np.array([1, 5, 7])
    assert significand_product("add", 3, 3, x, y, offset=1).tolist() == [1.25, 2.75, 3.75]
    assert mantissa_errors("add", 3, offset=1, mantissas=(x, y)).count == 3
    assert mantissa_errors("add", 3) == mantissa_errors("add", 3, offset=0)
    assert significand_product("add", 3, 3, 4, 4) == 2  # Mitchell's 1.5 * 1.5


@pytest.mark.parametrize("name", ["lmul_e4m3", "exact_e5m2", "mitchell_bf16", "lmul_fp16", "exact_fp32", "lmul_fp32"])
def test_operands_in_fractions(name, seed):
    spec = Multiplier.make(*name.split("_"))
    a, b = random_pairs(spec, 400, seed)
    for wide in (False, True):
        errors = []
        for x, y in zip(a.tolist(), b.tolist(), strict=True):
            exact = [rational.magnitude(spec.a, code) for code in (x, y)]
            if not all(isinstance(size, Fraction) and size for size in exact):
                continue
            size = rational.product(spec, x, y)
            if not wide:
                size = rational.magnitude(spec.a, rational.narrow(spec, size))
            errors.append(size / (exact[0] * exact[1]) - 1)
        actual = operand_errors(spec, a, b, wide)
        assert actual.count == len(errors)
        assert actual.mean == pytest.approx(float(sum(map(abs, errors)) / len(errors)), rel=1e-12, abs=1e-15)
        assert actual.worst == pytest.approx(float(max(map(abs, errors))), rel=1e-12, abs=1e-15)


def test_error_of_a_design():
    """Of long formats the mean over mantissas; of short ones over codes, so that range has a small part in it."""
    for name, man_bits in (("bf16", 7), ("e4m3", 3), ("e5m2", 2)):
        tolerance = 1e-12 if name == "bf16" else 2e-3
        for kind, method, offset in (("lmul", "add", PAPER[man_bits]), ("exact", "round", 0)):
            expected = mantissa_errors(method, man_bits, offset=offset).mean
            assert mean_relative_error(Multiplier.make(kind, name)) == pytest.approx(expected, abs=tolerance)
    assert mean_relative_error(Multiplier.make("mitchell", "e4m3"), wide=True) == pytest.approx(0.0378, abs=1e-4)
    assert mean_relative_error(Multiplier.make("exact", "fp32")) < 2**-24
    assert mean_relative_error(Multiplier.make("int8", None)) == 0


@pytest.mark.parametrize("slug", ["lmul_e2m1", "exact_e3m2", "lmul_e4m3", "mitchell_e5m2", "exact_e4m3xe2m1"])
def test_error_of_short_designs_in_fractions(slug):
    """Of all pairs of normal numbers whose exact product lies among the normal numbers, the ends included."""
    kind, formats = slug.split("_")
    spec, errors = Multiplier.make(kind, *formats.split("x")), []
    sizes = [[(field, rational.magnitude(fmt, field)) for field in range(fmt.min_normal, fmt.max_finite + 1)]
             for fmt in (spec.a, spec.b)]
    least, largest = sizes[0][0][1], sizes[0][-1][1]
    for x, a in sizes[0]:
        for y, b in sizes[1]:
            if least <= a * b <= largest:
                field = rational.narrow(spec, rational.product(spec, x, y))
                errors.append(float(abs(rational.magnitude(spec.a, field) / (a * b) - 1)))
    assert mean_relative_error(spec) == pytest.approx(sum(errors) / len(errors), rel=1e-12)


def test_error_of_17_bits_is_that_of_the_mantissas():
    assert mean_relative_error(Multiplier.make("exact", "e4m4", "e4m3")) == mantissa_errors("round", 4, 3).mean


def test_exact_wide_products_are_exact():
    for pair in (["e4m3"], ["bf16"], ["fp32"], *MIXED_PAIRS):
        assert mean_relative_error(Multiplier.make("exact", *pair), wide=True) == 0


def test_quick_and_repeatable():
    for pair in (["fp16"], ["fp32"], ["fp32", "e4m3"]):
        for kind in ("lmul", "exact"):
            spec = Multiplier.make(kind, *pair)
            start = time.process_time()
            first = mean_relative_error(spec)
            assert time.process_time() - start < 3
            assert mean_relative_error(spec) == first


def test_grid_of_wide_mantissas():
    x, y = mantissa_pairs(23, 23)
    assert x.shape == (1009, 1) and y.shape == (1009,)
    assert x.min() >= 0 and x.max() < 1 << 23
    assert len(set((x % 64).ravel().tolist())) == 64
    assert mantissa_pairs(10, 10)[0].shape == (1024, 1)
    assert y[504] == 1 << 22  # the middle one of 1009
    assert mantissa_pairs(23, 3)[1].tolist() == list(range(8))
    fine, exact = mantissa_errors("add", 12, offset=256), mantissa_errors("add", 10, offset=64)
    assert fine.mean == pytest.approx(exact.mean, rel=2e-3)


def test_int8_has_no_error():
    spec = Multiplier.make("int8", None)
    assert operand_errors(spec, *all_pairs(spec)).worst == 0


def test_refusals():
    spec = Multiplier.make("lmul", "e4m3")
    with pytest.raises(ValueError, match="^Exact products must have at least one number other than zero$"):
        operand_errors(spec, [0, 0x7F], [0x38, 0x38])
    with pytest.raises(ValueError, match="^Method must be one of add, formula, round, truncate, not 'floor'$"):
        mantissa_errors("floor", 3)
    assert exact_product(spec, 0x7F, 0x38) != exact_product(spec, 0x7F, 0x38)
    assert measure(np.array([2.0, 5.0]), np.array([1.0, 0.0])).count == 1
    assert encode(FORMATS["e4m3"], 1.0) == 0x38


@pytest.mark.parametrize("formats", ["e4m3", "e5m2"])
def test_mean_relative_error_does_not_depend_on_overflow(formats):
    """L-Mul overflows where the exact product does not: counted as the largest number, not as an Inf or a NaN."""
    saturating, ieee = (Multiplier.make("lmul", formats, overflow=overflow) for overflow in ("saturate", "ieee"))
    assert mean_relative_error(ieee) == mean_relative_error(saturating) < 0.2


def test_result_errors_in_fractions(seed):
    """The error in root mean squares; the gain is that of the least squares, which no other factor undercuts."""
    rng = np.random.default_rng(seed)
    for scale in (1.0, 2.0**-600, 2.0**600):
        reference = rng.standard_normal(40) * scale
        actual = reference * 1.25 + rng.standard_normal(40) * scale / 8
        x, y = ([Fraction(value) for value in array.tolist()] for array in (actual, reference))
        power = sum(want**2 for want in y)
        error, gain = result_errors(actual, reference)
        assert error**2 == pytest.approx(float(sum((got - want)**2 for got, want in zip(x, y, strict=True)) / power))
        assert gain == pytest.approx(float(sum(got * want for got, want in zip(x, y, strict=True)) / power))
        left = [np.square((actual - factor * reference) / scale).sum() for factor in (gain * 0.999, gain, gain * 1.001)]
        assert left[1] < min(left[0], left[2])


def test_result_errors_of_simple_results():
    reference = np.array([[3.0, -4.0]])
    assert result_errors(reference, reference) == (0, 1)
    assert result_errors(-reference, reference) == (2, -1)
    assert result_errors(0 * reference, reference) == (1, 0)
    assert result_errors(np.array([3.0, -3.0]), reference[0]) == pytest.approx((1 / 5, 21 / 25))


def test_result_errors_refuse():
    with pytest.raises(Refusal, match="^Results must have at least one that should be other than zero$"):
        result_errors(np.ones(3), np.zeros(3))
    with pytest.raises(Refusal, match="^Results must be finite to have an error, not 2 Inf or NaN in 3$"):
        result_errors(np.array([np.inf, np.nan, 1]), np.ones(3))
