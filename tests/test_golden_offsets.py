"""The best constant, and the paper's printed formula."""

from fractions import Fraction

import numpy as np
import pytest
import rational
from lmul.golden import offsets
from lmul.golden.accumulate import accumulate
from lmul.golden.codec import decode
from lmul.golden.errors import mean_relative_error, result_errors
from lmul.golden.formats import FORMATS, float_format
from lmul.golden.formula import lmul_formula
from lmul.golden.products import product, wide_value
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.golden.stimulus import all_pairs, random_codes


def mean_square(man_a, man_b, offset, guard_bits=0):
    """Mean squared relative error of the addition, exactly, from the definition of the product of two numbers."""
    total = Fraction(0)
    for x in range(1 << man_a):
        for y in range(1 << man_b):
            a, b = 1 + Fraction(x, 1 << man_a), 1 + Fraction(y, 1 << man_b)
            total += (rational.mitchell(a, b, Fraction(offset, 1 << (man_a + guard_bits))) / (a * b) - 1) ** 2
    return total


@pytest.mark.parametrize("man_a, man_b, guard_bits", [
    (1, 1, 0), (2, 2, 0), (3, 3, 0), (4, 4, 0), (2, 1, 0), (3, 1, 0), (4, 2, 0), (3, 3, 2), (2, 2, 3)])
def test_best_of_all_offsets(man_a, man_b, guard_bits):
    reach = 1 << (man_a + guard_bits)
    errors = {offset: mean_square(man_a, man_b, offset, guard_bits) for offset in range(1 - reach, reach)}
    best = offsets.best_offset(man_a, man_b, guard_bits)
    assert errors[best] == min(errors.values())


@pytest.mark.parametrize("man_a, man_b", [(5, 5), (7, 7), (9, 9), (10, 10), (7, 3), (10, 1), (11, 3), (11, 2), (10, 4)])
def test_quadrature_agrees_with_enumeration(man_a, man_b):
    assert offsets._by_quadrature(man_a, man_b) == offsets._enumerated(man_a, man_b)


@pytest.mark.parametrize("man_a, man_b", [(11, 11), (20, 1), (18, 3), (13, 8)])
def test_quadrature_is_a_minimum(man_a, man_b):
    """Of the sum over all pairs themselves, the quadrature's offset has a smaller one than its neighbours."""
    one = 1 << man_a
    best = offsets.best_offset(man_a, man_b)
    x = np.arange(one) / one
    errors = np.zeros(3)
    for y in np.arange(1 << man_b) / (1 << man_b):
        for index, step in enumerate((-1, 0, 1)):
            total = x + y + (best + step) / one
            value = np.where(total < 1, 1 + total, np.where(total < 2, 2 * total, 4 * (total - 1)))
            errors[index] += np.square(value / ((1 + x) * (1 + y)) - 1).sum()
    assert errors[1] == errors.min()


@pytest.mark.parametrize("man_a, man_b", [(8, 1), (8, 3), (10, 2), (8, 8), (11, 7), (11, 10), (11, 11), (12, 12)])
def test_slope_is_that_of_all_pairs_to_second_order(man_a, man_b):
    """Where carries fall between the mantissas, the cells about these have them at their edges."""
    x, y = (np.arange(1 << bits) / (1 << bits) for bits in (man_a, man_b))
    for step in (-5, 13):
        offset, slopes = (step + 0.5) / (1 << man_a), []
        for some in np.array_split(x[:, None], 16):
            exact, total = (1 + some) * (1 + y), some + y + offset
            scale = np.select([total < 0, total < 1, total < 2], [0.5, 1, 2], 4)
            value = scale * (1 + total - np.log2(scale))
            slopes.append(np.mean((value / exact - 1) * scale / exact))
        assert offsets._slope(offset, man_a, man_b) == pytest.approx(np.mean(slopes), abs=0.02 * 0.25**man_a)


def test_quadrature_converges():
    """The best offset, as a fraction, tends to that of reals no slower than the mantissa's step."""
    limit = offsets.best_offset(23, 23) / 2**23
    for man_bits in range(6, 23):
        assert abs(offsets.best_offset(man_bits, man_bits) / 2**man_bits - limit) < 1.5 * 0.5**man_bits


def test_guard_bits_of_the_longest_enumerated_mantissa():
    assert offsets.best_offset(10, 10, 1) == pytest.approx(0.05525 * 2**11, abs=1)


def test_best_offset_in_a_multiplier():
    assert Multiplier.make("lmul", "bf16", offset="best").offset_value == 7
    assert Multiplier.make("lmul", "e4m3", offset="best").offset_value == 0
    # About 0.055 of 1, whatever the width.
    assert Multiplier.make("lmul", "fp32", offset="best").offset_value / 2**23 == pytest.approx(0.05525, abs=1e-5)


def formula(fmt, x, y):
    """The printed formula for two fields, in fractions."""
    sizes = [rational.operand(fmt, field, "flush") for field in (x, y)]
    if rational.NAN in sizes or set(sizes) == {rational.INF, 0}:
        return np.nan
    if rational.INF in sizes:
        return np.inf
    if 0 in sizes:
        return 0.0
    a, b = sizes
    exps = rational.exponent(a), rational.exponent(b)
    mantissas = a / rational.power(exps[0]) + b / rational.power(exps[1]) - 2
    return float((1 + mantissas + Fraction(1, 1 << fmt.l_m)) * rational.power(sum(exps)))


@pytest.mark.parametrize("name", ["e4m3", "e5m2", "e2m1"])
def test_formula_everywhere(name):
    fmt = FORMATS[name]
    expected = np.array([[formula(fmt, x, y) for y in range(fmt.sign_mask)] for x in range(fmt.sign_mask)])
    fields = np.arange(fmt.sign_mask)
    for sign_a in (0, fmt.sign_mask):
        for sign_b in (0, fmt.sign_mask):
            actual = lmul_formula(fmt, fields[:, None] | sign_a, fields | sign_b)
            signed = -expected if sign_a ^ sign_b else expected
            assert np.array_equal(actual, signed, equal_nan=True)
            assert np.array_equal(np.signbit(actual[expected == 0]), np.signbit(signed[expected == 0]))


@pytest.mark.parametrize("name", ["bf16", "fp16", "tf32", "fp32", "e8m4"])
def test_formula_of_long_formats(name, seed):
    fmt = float_format(name)
    generator = np.random.default_rng(seed)
    a, b = (random_codes(fmt, 2000, generator) & fmt.field_mask for _ in range(2))
    expected = [formula(fmt, int(x), int(y)) for x, y in zip(a, b, strict=True)]
    assert np.array_equal(lmul_formula(fmt, a, b), expected, equal_nan=True)


def test_formula_is_not_the_addition():
    """They agree until the mantissas carry; then the addition has twice what lies above 2."""
    spec = Multiplier.make("lmul", "e4m3")
    a, b = all_pairs(spec)
    formula, wide = lmul_formula(spec.a, a, b), product(spec, a, b)
    number = ~(wide.zero | wide.nan)
    carries = number & ((a & 7) + (b & 7) + spec.offset_value >= 8)
    added = wide_value(spec, wide)
    assert np.array_equal(added[number & ~carries], formula[number & ~carries])
    binade = np.exp2((a >> 3 & 15).astype(float) + (b >> 3 & 15) - 14)
    assert np.array_equal((abs(added) - 2 * binade)[carries], (2 * (abs(formula) - 2 * binade))[carries])


def test_guard_bits_refused():
    with pytest.raises(ValueError, match="^Guard bits must be 0 for mantissas of more than 10 bits, not 2$"):
        offsets.best_offset(23, 23, 2)


def test_formula_refuses_codes_that_do_not_fit():
    with pytest.raises(ValueError, match="^Codes of e4m3 must be 0 to 255, not 256$"):
        lmul_formula(FORMATS["e4m3"], 0, 256)


def test_half_a_place_lowers_the_error_of_sums(seed):
    """Of dot products of e4m3 codes, whose best integer is 0 and whose paper's constant is a whole place: the
    significand's constant one below lowers the error at no cost in the adder."""
    assert Multiplier.make("lmul", "e4m3", offset="best").offset_halves == 1
    generator = np.random.default_rng(seed)
    specs = {offset: Multiplier.make("lmul", "e4m3", offset=offset) for offset in ("paper", "none", 0.5)}
    fmt = specs[0.5].a
    a, b = (fmt.encode(generator.standard_normal((200, 64))) for _ in range(2))
    right = (fmt.decode(a) * fmt.decode(b)).sum(axis=-1)
    fp32 = parse_accumulator("fp32")
    error = {offset: result_errors(decode(fp32.result, accumulate(spec, fp32, a, b)), right).error
             for offset, spec in specs.items()}
    mean = {offset: mean_relative_error(spec, wide=True) for offset, spec in specs.items()}
    assert error[0.5] < 0.6 * error["paper"] and error[0.5] < error["none"]
    assert mean[0.5] < 0.6 * mean["paper"] and mean[0.5] < 0.8 * mean["none"]


@pytest.mark.parametrize("formats", [("e4m3",), ("e5m2",), ("e2m1",), ("e3m4",), ("e4m3", "e2m1")], ids="x".join)
def test_the_best_of_sums_may_be_half_a_place(formats):
    """Of wide products no number of halves is better than ``best``; narrow ones keep the best integer."""
    best = Multiplier.make("lmul", *formats, offset="best")
    man_a, man_b = best.a.man_bits, best.b.man_bits
    reach = 2 << man_a
    errors = {halves: mean_square(man_a, man_b, halves, 1) for halves in range(1 - reach, reach)}
    assert errors[best.offset_halves] == min(errors.values())
    assert best.offset_value == offsets.best_offset(man_a, man_b)
    assert best.wide.frac_bits == man_a + best.offset_halves % 2


def test_halves_are_below_the_sum():
    """1.375 and 1.5 in e4m3: 0x3B + 0x3C is 0x77, exponent 14 and mantissa 7. With half a place the significand is
    1.1111, and the sum of the fields the same; with three halves the carry comes of the whole place in it."""
    spec = {halves: product(Multiplier.make("lmul", "e4m3", offset=halves / 2), 0x3B, 0x3C) for halves in (1, 3, -1)}
    assert [(int(wide.exp), int(wide.sig)) for wide in spec.values()] == [(14, 0b1111), (15, 0b0001), (14, 0b1101)]
