"""Properties of numbers and products: of any format, of any pair that a multiplier takes, under every policy."""

from fractions import Fraction

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from lmul.golden.accumulate import accumulate
from lmul.golden.codec import decode, encode
from lmul.golden.formats import FORMATS, float_format
from lmul.golden.products import multiply, pack, product, wide_value
from lmul.golden.spec import Multiplier, parse_accumulator

MITCHELL_WORST = Fraction(-1, 9)  # at mantissas of one half (Mitchell 1962)


def holds(seed, *strategies, examples=100):
    """Decorator: try a statement on draws that depend on the seed alone; the smallest that breaks it is printed."""
    def run(statement):
        seeded(seed)(settings(max_examples=examples, database=None, deadline=None,
                              suppress_health_check=list(HealthCheck))(given(*strategies)(statement)))()
    return run


def fraction(fmt, code):
    """The exact value of a finite code, by the definition of a format."""
    exponent, man = (code & fmt.field_mask) >> fmt.man_bits, code & fmt.man_mask
    significand = man + (fmt.min_normal if exponent else 0)
    sign = -1 if code & fmt.sign_mask else 1
    return sign * significand * Fraction(2) ** (max(exponent, 1) - fmt.bias - fmt.man_bits)


any_format = st.one_of(
    st.sampled_from(list(FORMATS.values())),
    st.builds(lambda e, m: float_format(f"e{e}m{m}"), st.integers(2, 8), st.integers(1, 23)),
)


def fields(fmt):
    """Fields of finite numbers, the ends of the range and neighbours of powers of two often among them."""
    ends = [0, 1, fmt.min_normal - 1, fmt.min_normal, fmt.bias << fmt.man_bits, fmt.max_finite - 1, fmt.max_finite]
    near = st.builds(lambda e, m: min((e << fmt.man_bits) + m, fmt.max_finite),
                     st.integers(1, fmt.max_finite >> fmt.man_bits), st.sampled_from([0, 1, fmt.man_mask]))
    return st.one_of(st.sampled_from(ends), near, st.integers(0, fmt.max_finite))


def codes(fmt):
    """Codes of finite numbers."""
    return st.builds(lambda field, sign: field | sign * fmt.sign_mask, fields(fmt), st.integers(0, 1))


@st.composite
def multipliers(draw, kinds=("lmul", "mitchell", "exact")):
    """Any multiplier of floats: one format or a pair, every policy, any offset."""
    kind, a = draw(st.sampled_from(kinds)), draw(any_format)
    b = draw(st.one_of(st.just(a), any_format))
    policies = {"subnormals": draw(st.sampled_from(["flush", "exact"])),
                "overflow": draw(st.sampled_from(["saturate", "ieee"]))}
    if kind == "lmul":
        limit = (1 << a.man_bits) - 1
        policies["offset"] = draw(st.one_of(st.sampled_from(["paper", "none", "best"]), st.integers(-limit, limit)))
    try:
        return Multiplier.make(kind, a, b, **policies)
    except ValueError:
        assume(False)


@st.composite
def pairs(draw, specs=None, numbers=codes):
    """A multiplier, and a code of each operand."""
    spec = draw(multipliers() if specs is None else specs)
    return spec, draw(numbers(spec.a)), draw(numbers(spec.b))


def any_code(fmt):
    """Codes of any kind, Inf and NaN too."""
    return st.integers(0, (1 << fmt.width) - 1)


def narrow(spec, a, b):
    return int(multiply(spec, a, b))


def packed(spec, a, b):
    return int(pack(spec, product(spec, np.array([a]), np.array([b])))[0])


# Formats


@st.composite
def coded(draw, numbers=codes):
    fmt = draw(any_format)
    return fmt, draw(numbers(fmt))


@st.composite
def valued(draw, count=1):
    """A format and numbers of about its range."""
    fmt = draw(any_format)
    low, high = -fmt.bias - fmt.man_bits - 3, (fmt.max_finite >> fmt.man_bits) - fmt.bias + 2
    value = st.builds(lambda m, e: float(np.ldexp(m, e)), st.floats(-2, 2), st.integers(low, high))
    return fmt, *(draw(value) for _ in range(count))


def test_codes_come_back(seed):
    @holds(seed, coded(), examples=200)
    def _(case):
        fmt, code = case
        assert int(encode(fmt, decode(fmt, code))) == code
        assert Fraction(float(decode(fmt, code))) == fraction(fmt, code)


def test_rounding_is_to_the_nearest(seed):
    @holds(seed, valued(), examples=200)
    def _(case):
        fmt, value = case
        code = int(encode(fmt, value))
        off = abs(fraction(fmt, code) - Fraction(value))
        field = code & fmt.field_mask
        for other in (field - 1, field + 1):
            if 0 <= other <= fmt.max_finite:
                rival = abs(abs(fraction(fmt, other)) - abs(Fraction(value)))
                assert off < rival or (off == rival and not field & 1)


def test_rounding_keeps_order_and_sign(seed):
    @holds(seed, valued(2), examples=200)
    def _(case):
        fmt, *values = case
        low, high = sorted(values)
        assert decode(fmt, encode(fmt, low)) <= decode(fmt, encode(fmt, high))
        assert int(encode(fmt, -low)) == int(encode(fmt, low)) ^ fmt.sign_mask


def test_twice_a_number_is_the_next_exponent(seed):
    @holds(seed, valued())
    def _(case):
        fmt, value = case
        code = int(encode(fmt, value))
        assume(fmt.min_normal < code & fmt.field_mask <= fmt.max_finite - fmt.min_normal)
        assert int(encode(fmt, 2 * value)) == code + fmt.min_normal


# Products


def test_signs_multiply(seed):
    """Of every code: zeros, Inf and NaN too."""
    @holds(seed, pairs(numbers=any_code))
    def _(case):
        spec, a, b = case
        for result, sign in ((narrow, spec.a.sign_mask), (packed, 1 << spec.wide.sig_bits + spec.wide.exp_bits)):
            both = result(spec, a, b)
            assert result(spec, a ^ spec.a.sign_mask, b) == result(spec, a, b ^ spec.b.sign_mask) == both ^ sign


def test_operands_commute(seed):
    @holds(seed, pairs(numbers=any_code))
    def _(case):
        spec, a, b = case
        assume(spec.a == spec.b)
        assert narrow(spec, a, b) == narrow(spec, b, a) and packed(spec, a, b) == packed(spec, b, a)


def test_larger_operands_give_no_smaller_products(seed):
    @st.composite
    def cases(draw):
        spec, a, b = draw(pairs(numbers=fields))
        return spec, a, b, draw(fields(spec.a)), draw(fields(spec.b))

    @holds(seed, cases())
    def _(case):
        spec, a, b, other_a, other_b = case
        assert narrow(spec, min(a, other_a), min(b, other_b)) <= narrow(spec, max(a, other_a), max(b, other_b))
        low, high = (wide_value(spec, product(spec, np.array([how(a, other_a)]), np.array([how(b, other_b)])))[0]
                     for how in (min, max))
        assert low <= high


def normal(fmt):
    return fields(fmt).filter(lambda field: field >= fmt.min_normal)


def test_powers_of_two_are_exact_without_offset(seed):
    @holds(seed, pairs(multipliers(("mitchell",)), normal))
    def _(case):
        spec, a, b = case
        b &= ~spec.b.man_mask
        true = fraction(spec.a, a) * fraction(spec.b, b)
        assert wide(spec, a, b) == true
        if fraction(spec.a, spec.a.min_normal) <= true <= fraction(spec.a, spec.a.max_finite):
            assert fraction(spec.a, narrow(spec, a, b)) == true


def test_twice_an_operand_is_twice_the_product(seed):
    """Away from the ends of the range, whatever the kind and the offset."""
    @holds(seed, pairs(numbers=normal))
    def _(case):
        spec, a, b = case
        fmt, once = spec.a, narrow(spec, a, b)
        assume(a + fmt.min_normal <= fmt.max_finite and fmt.min_normal < once <= fmt.max_finite - fmt.min_normal)
        assert narrow(spec, a + fmt.min_normal, b) == once + fmt.min_normal
        assert wide(spec, a + fmt.min_normal, b) == 2 * wide(spec, a, b)


def wide(spec, a, b):
    """The value of the wide product of two codes."""
    found = product(spec, np.array([a]), np.array([b]))
    return Fraction(float(wide_value(spec, found)[0]))


def test_wide_exact_products_are_exact(seed):
    @holds(seed, pairs(multipliers(("exact",)), normal))
    def _(case):
        spec, a, b = case
        assert wide(spec, a, b) == fraction(spec.a, a) * fraction(spec.b, b)


def test_exact_products_are_within_half_a_place(seed):
    @holds(seed, pairs(multipliers(("exact",)), normal))
    def _(case):
        spec, a, b = case
        result, true = narrow(spec, a, b), fraction(spec.a, a) * fraction(spec.b, b)
        assume(spec.a.min_normal <= result < spec.a.max_finite)
        place = fraction(spec.a, spec.a.min_normal + 1) - fraction(spec.a, spec.a.min_normal)
        place *= Fraction(2) ** ((result >> spec.a.man_bits) - 1)
        assert abs(fraction(spec.a, result) - true) <= place / 2


def test_error_of_the_addition_is_what_its_mantissas_say(seed):
    """With x, y the mantissas in [0, 1) and d the offset in the same units: the addition computes f(x + y + d), where
    f(t) = 2**floor(t) (1 + t - floor(t)). Without offset its relative error is -xy / ((1 + x) (1 + y)) below a carry
    and -(1 - x) (1 - y) / ((1 + x) (1 + y)) from there on, so within [-1/9, 0]. An offset d > 0 multiplies by
    f(t + d) / f(t), which is within [2 / (2 - d), 1 + d]; d < 0 by something within [1 / (1 - d), 1 + d / 2]."""
    @holds(seed, pairs(multipliers(("lmul", "mitchell")), normal), examples=300)
    def _(case):
        spec, a, b = case
        x, y = Fraction(a & spec.a.man_mask, spec.a.min_normal), Fraction(b & spec.b.man_mask, spec.b.min_normal)
        d = Fraction(spec.offset_halves, 2 * spec.a.min_normal)
        error = wide(spec, a, b) / (fraction(spec.a, a) * fraction(spec.b, b)) - 1
        assert error == addition(x + y + d) / ((1 + x) * (1 + y)) - 1
        mitchell = -(x * y if x + y < 1 else (1 - x) * (1 - y)) / ((1 + x) * (1 + y))
        assert MITCHELL_WORST <= mitchell <= 0
        if d == 0:
            assert error == mitchell
        low, high = (2 / (2 - d), 1 + d) if d >= 0 else (1 / (1 - d), 1 + d / 2)
        assert (1 + mitchell) * low <= 1 + error <= (1 + mitchell) * high
        assert (1 + MITCHELL_WORST) * low - 1 <= error <= high - 1


def addition(t):
    return Fraction(2) ** (t // 1) * (1 + t % 1)


def test_the_worst_error_of_mitchell_is_one_ninth():
    """It is reached, so the bound of the test above is the least one."""
    spec = Multiplier.make("mitchell", "e4m3")
    a = (7 << 3) + 4  # 1.5
    assert wide(spec, a, a) / fraction(spec.a, a) ** 2 - 1 == MITCHELL_WORST


# Sums


def test_a_sum_of_opposites_is_the_opposite(seed):
    """Rounding to nearest even knows no sign; only that of a zero, which may be exact or rounded, is another matter."""
    @st.composite
    def cases(draw):
        spec = draw(multipliers())
        assume(spec.overflow == "saturate")
        name = draw(st.sampled_from(["fp32", "bf16", "fp16", "e5m4"]))
        count = draw(st.integers(1, 12))
        return spec, name, *(draw(st.lists(codes(fmt), min_size=count, max_size=count)) for fmt in (spec.a, spec.b))

    @holds(seed, cases(), examples=40)
    def _(case):
        spec, name, a, b = case
        a, b, accumulator = np.array(a), np.array(b), parse_accumulator(name)
        total, other = (int(accumulate(spec, accumulator, each, b)) for each in (a, a ^ spec.a.sign_mask))
        fmt = accumulator.result
        assert other == total ^ fmt.sign_mask or other == total and total in (0, fmt.nan)
