"""Sums, dot products and matrix products, bit by bit: against exact rational arithmetic and numpy's own additions."""

from fractions import Fraction

import numpy as np
import pytest
import rational
from lmul.golden import kernels
from lmul.golden import matmul as matmul_module
from lmul.golden.accumulate import accumulate, dot, exact_int_sums, extent, sums, target
from lmul.golden.codec import as_codes, decode, encode
from lmul.golden.formats import FORMATS, FloatFormat
from lmul.golden.matmul import matmul, out_of_range
from lmul.golden.products import product, wide_value
from lmul.golden.spec import Accumulator, Multiplier, parse_accumulator
from lmul.golden.stimulus import all_pairs, corners, random_codes

INT8 = Multiplier.make("int8", None)
FP32, BF16, FIXED, INT32 = (parse_accumulator(name) for name in ("fp32", "bf16", "fixed", "int32"))
# The smallest accumulator there is: every sum is near an end of its range.
TINY = Accumulator("float", FloatFormat("tiny", 2, 1, 1))
ACCUMULATORS = {"tiny": TINY} | {name: parse_accumulator(name) for name in
                                 ("fp32", "bf16", "fp16", "e4m2", "e8m10", "fixed", "carrysave")}
MULTIPLIERS = [Multiplier.make(kind, *pair, **policies) for kind, pair, policies in [
    ("lmul", ["e4m3"], {}),
    ("lmul", ["e5m2"], {"subnormals": "exact"}),
    ("exact", ["e5m2"], {}),
    ("exact", ["e4m3"], {"subnormals": "flush"}),
    ("lmul", ["e2m1"], {"subnormals": "exact"}),
    ("lmul", ["e3m2"], {"subnormals": "exact", "offset": -3}),
    ("lmul", ["bf16"], {}),
    ("exact", ["fp16"], {}),
    ("lmul", ["fp32"], {"subnormals": "exact"}),
    ("lmul", ["fp32"], {"offset": 0x7FFFFF}),
    ("exact", ["fp32"], {}),
    ("exact", ["fp32"], {"subnormals": "flush"}),
    ("exact", ["bf16", "e4m3"], {}),
    ("lmul", ["fp32", "e5m2"], {"subnormals": "exact"}),
    ("exact", ["e4m3"], {"rounded": 4}),
    ("exact", ["bf16"], {"subnormals": "flush", "rounded": 8}),
    ("exact", ["fp16"], {"cut": 5}),
    ("lmul", ["e4m3"], {"offset": 0.5}),
    ("lmul", ["fp16"], {"offset": "best"}),
    ("lmul", ["bf16"], {"subnormals": "exact", "offset": -0.5}),
]]


def some_codes(generator, fmt, shape, spread, finite):
    """Codes with exponents within ``spread`` of 1's, a tenth of them corners; ``finite`` ones only, or not."""
    exps = generator.integers(fmt.bias - spread, fmt.bias + spread + 1, shape)
    field = (np.clip(exps, 0, fmt.exp_mask) << fmt.man_bits) | generator.integers(0, fmt.man_mask + 1, shape)
    codes = np.where(generator.random(shape) < 0.1, generator.choice(corners(fmt), shape),
                     field | generator.choice([0, fmt.sign_mask], shape))
    return np.where(finite & ((codes & fmt.field_mask) > fmt.max_finite), fmt.min_normal, codes)


def operands(generator, spec, shape):
    """Operands of very different spreads, so that sums cancel, absorb, overflow and underflow."""
    groups = [[some_codes(generator, fmt, shape, spread, finite) for fmt in (spec.a, spec.b)]
              for spread in (1, 4, 12, 130) for finite in (True, False)]
    return tuple(np.concatenate(codes) for codes in zip(*groups, strict=True))


@pytest.mark.parametrize("spec", MULTIPLIERS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("name", ACCUMULATORS)
def test_sums_by_definition(spec, name, seed):
    accumulator = ACCUMULATORS[name]
    a, b = operands(np.random.default_rng(seed), spec, (4, 12))
    expected = [rational.accumulate(spec, accumulator, x, y) for x, y in zip(a, b, strict=True)]
    assert accumulate(spec, accumulator, a, b).tolist() == expected


@pytest.mark.parametrize("spec", MULTIPLIERS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("lanes, name", [(1, "fp32"), (4, "bf16"), (5, "e4m2"), (16, "fp32"), (3, "tiny")])
def test_dots_by_definition(spec, lanes, name, seed):
    """Groups of lanes, the last one not full, in windows from the narrowest to the widest; and in a tree."""
    accumulator = ACCUMULATORS[name]
    fmt, depth = accumulator.fmt, 2 * lanes + 1
    a, b = operands(np.random.default_rng(seed), spec, (2, depth))
    width = spec.wide.sig_bits + spec.wide.implicit_one
    ways = {window: {"window": window} for window in (width, width + 1, max(width, 32), 53)} | {"tree": {"tree": True}}
    for way, options in ways.items():
        actual = dot(spec, accumulator, lanes, a, b, **options)
        for x, y, code in zip(a, b, actual, strict=True):
            expected = 0
            for first in range(0, depth, lanes):
                group = [[*x[first : first + lanes], *[spec.a.sign_mask] * lanes][:lanes],
                         [*y[first : first + lanes], *[0] * lanes][:lanes]]
                expected = (rational.tree(spec, fmt, expected, *group) if way == "tree"
                            else rational.aligned(spec, fmt, way, expected, *group))
            assert code == expected, (way, x, y)


def test_default_window_is_32_bits(seed):
    spec = Multiplier.make("exact", "fp16")
    a, b = operands(np.random.default_rng(seed), spec, (4, 16))
    assert np.array_equal(dot(spec, FP32, 16, a, b), dot(spec, FP32, 16, a, b, window=32))
    assert not np.array_equal(dot(spec, FP32, 16, a, b), dot(spec, FP32, 16, a, b, window=22))


@pytest.mark.parametrize("kind", ["lmul", "exact"])
@pytest.mark.parametrize("name, outsider", [("fp32", np.float32), ("fp16", np.float16)])
def test_steps_are_numpys_additions(kind, name, outsider, seed):
    """Where a product is a number of the accumulator's format, a step is numpy's addition."""
    spec, accumulator = Multiplier.make(kind, "e4m3"), parse_accumulator(name)
    generator = np.random.default_rng(seed)
    a, b = (encode(spec.a, generator.normal(size=(300, 200))) for _ in range(2))
    terms = wide_value(spec, product(spec, a, b)).astype(outsider)
    assert np.array_equal(terms, wide_value(spec, product(spec, a, b)))
    acc = np.zeros(len(a), outsider)
    for column in terms.T:
        acc = acc + column
    assert acc.dtype == outsider
    assert np.array_equal(accumulate(spec, accumulator, a, b), acc.view(np.uint16 if name == "fp16" else np.uint32))


def chain(spec, accumulator, *pairs):
    """The sum of products of pairs of values."""
    a, b = zip(*pairs, strict=True)
    return decode(accumulator.result, accumulate(spec, accumulator, encode(spec.a, a), encode(spec.b, b)))


def test_products_are_not_rounded_before_the_sum():
    """By hand. 1 + 2**-24 is a tie; anything below it decides, however small."""
    spec = Multiplier.make("exact", "fp32")
    half_ulp, ulp = (2.0**-12, 2.0**-12), 2.0**-23
    assert chain(spec, FP32, (1, 1), half_ulp) == 1
    assert chain(spec, FP32, (1 + ulp, 1), half_ulp) == 1 + 2 * ulp
    assert chain(spec, FP32, (1, 1), (2.0**-12 * (1 + ulp), 2.0**-12)) == 1 + ulp
    assert chain(spec, FP32, (-1, 1), (2.0**-13, 2.0**-12)) == -1
    assert chain(spec, FP32, (-1, 1), (2.0**-13 * (1 + ulp), 2.0**-12)) == -(1 - ulp / 2)
    # Products beyond the accumulator's range, cancelled before they are rounded: (2 - 2 ulp) * 2**127 - 2**128.
    assert chain(spec, FP32, (-(2 - ulp), 2.0**127), (2.0**64, 2.0**64)) == 2.0**104
    assert chain(spec, FP32, (2.0**64, 2.0**64), (-(2 - ulp), 2.0**127)) == np.inf
    # 48-bit products that cancel but for their last place.
    odd = 1 + ulp
    assert chain(spec, FIXED, (odd, odd), (-odd, 1), (-odd, ulp)) == 0
    assert chain(spec, FIXED, (odd, odd), (-odd, 1), (-1, ulp)) == 2.0**-46
    # Below the smallest subnormal a single product is gone, the exact sum of two is not.
    tiny = (2.0**-75, 2.0**-75)
    assert chain(spec, FP32, tiny, tiny) == 0 and chain(spec, FIXED, tiny, tiny) == 2.0**-149


@pytest.mark.parametrize("accumulator", [FP32, FIXED], ids=lambda accumulator: accumulator.name)
def test_ties_broken_from_afar(accumulator):
    """(1 + 2**-12)**2 is halfway between numbers; a term however small, however far below, breaks the tie. So it does
    when the halfway number is itself the smaller term, and the last of its bits decide."""
    spec = Multiplier.make("exact", "fp32")
    half = 1 + 2.0**-12
    even, odd = 1 + 2.0**-11, 1 + 2.0**-11 + 2.0**-23
    for scale in range(-20, 21):
        for below in range(13, 60):
            for sign, expected in ((1, odd), (-1, even)):
                tiny, tie = (sign * 2.0**-below, 2.0 ** (scale - below)), (half, half * 2.0**scale)
                assert chain(spec, accumulator, tiny, tie) == expected * 2.0**scale
                assert chain(spec, FIXED, tie, tiny) == expected * 2.0**scale
    # A product just above a power of two, its last bits 46 places below the first.
    a, b = 0x801001, 0xFFE002
    assert a * b == 2**47 + 2
    assert chain(spec, accumulator, (1, 1), (a * 2.0**-36, b * 2.0**-35)) == 1 + 2.0**-23
    assert chain(spec, accumulator, (-1, 1), (a * 2.0**-36, -b * 2.0**-35)) == -1 - 2.0**-23


def about_halfway(generator, number, cut):
    """The number down to its place ``cut``, and half of that place, or one more or less."""
    return (number >> cut << cut) + (1 << cut >> 1) + int(generator.integers(-1, 2))


def test_rounding_of_long_magnitudes(seed):
    """One number to one code: magnitudes of up to 63 bits, many of them halfway or one beside it, any exponent."""
    generator = np.random.default_rng(seed)
    for accumulator in (FP32, BF16, TINY):
        fmt = accumulator.fmt
        for _ in range(3000):
            bits = int(generator.integers(1, 64))
            mag = int(generator.integers(1 << (bits - 1), 1 << bits))
            cut = int(generator.integers(0, 63))
            mag = max(1, min(about_halfway(generator, mag, cut), (1 << 63) - 1))
            lowest = 1 - fmt.bias - fmt.man_bits
            exp = int(generator.choice([generator.integers(-66, 5) + lowest, generator.integers(-70, 70)]))
            for sign, size in ((0, mag), (1, -mag)):
                assert kernels.rounded(target(fmt), sign, mag, exp) == rational.rounded(fmt, size * rational.power(exp))
                assert kernels.rounded(target(fmt), sign, 0, exp) == sign << fmt.field_bits


def test_long_sums_are_rounded_once(seed):
    """Limbs that hold more than their bits, of either sign; many of the sums halfway between numbers or one beside."""
    generator = np.random.default_rng(seed)
    for accumulator in (FP32, BF16, TINY):
        fmt = accumulator.fmt
        for _ in range(3000):
            length = int(generator.integers(2, 6))
            bits = int(generator.integers(0, kernels.LIMB_BITS * length))
            if generator.integers(2):  # a highest limb about as long as fp32's significand
                bits = kernels.LIMB_BITS * (length - 1) + int(generator.integers(20, 28))
            total = int.from_bytes(generator.bytes(32), "little") >> (256 - bits) | 1 << bits >> 1
            cut = int(generator.choice([generator.integers(0, max(bits, 1)), max(bits - fmt.man_bits - 1, 0)]))
            total = about_halfway(generator, total, cut) * int(generator.choice([-1, 1]))
            parts = [abs(total) >> kernels.LIMB_BITS * n & (1 << kernels.LIMB_BITS) - 1 for n in range(length)]
            limbs = np.array(parts) * (1 if total >= 0 else -1)
            lent = generator.integers(-(1 << 20), 1 << 20, length - 1)
            limbs[:-1] += lent << kernels.LIMB_BITS
            limbs[1:] -= lent
            exp = int(generator.choice([1 - fmt.bias - fmt.man_bits, -bits])) + int(generator.integers(-70, 20))
            assert kernels.drained(target(fmt), limbs, exp) == rational.rounded(fmt, total * rational.power(exp)), total


@pytest.mark.parametrize("spec", MULTIPLIERS, ids=lambda spec: spec.name)
def test_sums_that_are_zero(spec):
    one, other, minus = spec.a.bias << spec.a.man_bits, spec.b.bias << spec.b.man_bits, spec.a.sign_mask
    for accumulator in (FP32, FIXED):
        for a in ([0], [minus, 0], [one, one | minus]):
            assert accumulate(spec, accumulator, a, [other] * len(a)) == 0


def test_signs_of_zero():
    spec = Multiplier.make("exact", "bf16")
    plus, minus, small = (0.0, 1.0), (-0.0, 1.0), (-(2.0**-100), 2.0**-100)
    for accumulator in (FP32, FIXED):
        for pairs in ([plus], [minus], [minus, minus], [(1.0, 1.0), (-1.0, 1.0)], [(-1.0, 1.0), (1.0, 1.0), minus]):
            assert not np.signbit(chain(spec, accumulator, *pairs)), pairs
    # A negative sum too small for the format keeps its sign, until +0 is added.
    assert np.signbit(chain(spec, FP32, small, minus))
    assert not np.signbit(chain(spec, FP32, small, plus))
    # So does a group of lanes.
    tiny, sign = encode(spec.a, 2.0**-100), spec.a.sign_mask
    assert dot(spec, FP32, 2, [tiny | sign, 0], [tiny, 0]) == FP32.fmt.sign_mask
    for zero in (0, sign):
        assert dot(spec, FP32, 2, [tiny | sign, 0, zero, zero], [tiny, 0, 0, 0]) == 0


def test_dots_of_the_smallest_products():
    """Significands of 1, of either sign."""
    spec = Multiplier.make("exact", "e5m2")
    for a, total in (([1, 0], 1), ([1 | spec.a.sign_mask, 0], -1), ([1, 1], 2), ([1 | spec.a.sign_mask] * 2, -2)):
        assert decode(FP32.fmt, dot(spec, FP32, 2, a, [1, 1])) == total * 2.0**-32


@pytest.mark.parametrize("accumulator", [FP32, BF16, FIXED], ids=lambda accumulator: accumulator.name)
def test_special_values(accumulator):
    spec = Multiplier.make("lmul", "bf16")
    inf, nan, fmt = np.inf, np.nan, accumulator.result

    def code(*pairs):
        a, b = zip(*pairs, strict=True)
        return int(accumulate(spec, accumulator, encode(spec.a, a, "ieee"), encode(spec.b, b, "ieee")))

    assert code((inf, 1), (5, 5)) == code((5, 5), (-inf, -1)) == fmt.inf
    assert code((1, -inf), (5, 5)) == fmt.inf | fmt.sign_mask
    for pairs in ([(inf, 1), (-inf, 1)], [(-inf, 1), (1, 1), (inf, 1)], [(inf, 0)], [(-nan, 1)], [(nan, 1), (inf, 1)]):
        assert code(*pairs) == fmt.nan


def test_special_values_of_dots():
    """Within a group of lanes, and between groups."""
    spec = Multiplier.make("exact", "fp16")
    inf, one, zero, nan = 0x7C00, 0x3C00, 0, 0x7E00
    minus = spec.a.sign_mask
    for options in ({}, {"tree": True}):
        for a, expected in [
            ([inf, one, one, one, one], FP32.fmt.inf), ([one, one, one, one, inf | minus], FP32.fmt.inf | 1 << 31),
            ([one, inf, inf | minus, one, one], FP32.fmt.nan), ([one, inf, one, one, inf | minus], FP32.fmt.nan),
            ([inf, inf, one, inf, inf], FP32.fmt.inf), ([nan | minus, one, one, one, one], FP32.fmt.nan),
            ([one, one, one, inf, nan], FP32.fmt.nan), ([minus] * 5, 0), ([zero] * 5, 0),
        ]:
            assert dot(spec, FP32, 4, a, [one] * 5, **options) == expected


def test_overflow_of_an_accumulator():
    spec = Multiplier.make("exact", "bf16")
    huge = (2.0**127, 1.0)
    assert chain(spec, FP32, huge, huge, (-(2.0**127), 1.0)) == np.inf
    assert chain(spec, FIXED, huge, huge, (-(2.0**127), 1.0)) == 2.0**127
    assert chain(spec, FIXED, huge, huge) == np.inf


@pytest.mark.parametrize("spec, code", [
    (Multiplier.make("lmul", "e5m2"), 0x7B), (Multiplier.make("exact", "e4m3"), 0x7E),
    (Multiplier.make("exact", "fp32"), 0x7F7FFFFF), (Multiplier.make("lmul", "fp32", offset=0x7FFFFF), 0x7F7FFFFF)],
    ids=lambda value: getattr(value, "name", hex(value) if isinstance(value, int) else None))
def test_exact_sums_hold_their_depth(spec, code):
    """As many of the largest products as the greatest depth allows, then all but the last cancelled."""
    accumulator = parse_accumulator("fixed999999")
    a = np.full(999_999, code)
    largest = rational.product(spec, code, code)
    assert accumulate(spec, accumulator, a, a) == rational.rounded(FORMATS["fp32"], 999_999 * largest)
    assert accumulate(spec, accumulator, a ^ spec.a.sign_mask, a) == rational.rounded(
        FORMATS["fp32"], -999_999 * largest)
    a[::2] ^= spec.a.sign_mask
    b = np.full(999_999, code)
    assert accumulate(spec, accumulator, a, b) == rational.rounded(FORMATS["fp32"], -largest)
    if spec.a.width == 8:
        assert matmul(spec, accumulator, a[None], b[:, None])[0, 0] == rational.rounded(FORMATS["fp32"], -largest)


def test_exact_sums_are_as_long_as_they_must_be():
    """From the last place of the smallest product to a limb beyond the first bit of the largest."""
    for exp_bits in range(2, 9):
        for man_bits in range(1, 24):
            for kind, subnormals in (("exact", "exact"), ("lmul", "exact"), ("lmul", "flush")):
                spec = Multiplier.make(kind, f"e{exp_bits}m{man_bits}", subnormals=subnormals)
                lowest, limbs = extent(spec)
                largest = rational.product(spec, spec.a.max_finite, spec.b.max_finite) / rational.power(lowest)
                assert largest.denominator == 1
                assert limbs == largest.numerator.bit_length() // kernels.LIMB_BITS + 2, spec.name


def test_order_matters_to_floats_only(seed):
    spec = Multiplier.make("lmul", "bf16")
    a, b = (some_codes(np.random.default_rng(seed), spec.a, (50, 100), 12, True) for _ in range(2))
    for accumulator, same in ((FIXED, True), (parse_accumulator("carrysave"), True), (BF16, False)):
        forwards, backwards = accumulate(spec, accumulator, a, b), accumulate(spec, accumulator, a[:, ::-1], b[:, ::-1])
        assert np.array_equal(forwards, backwards) == same


def test_int32_wraps(seed):
    a, b = (random_codes(INT8.a, (3, 1000), seed + index) for index in range(2))
    expected = (a.view(np.int8).astype(int) * b.view(np.int8)).sum(axis=1)
    assert np.array_equal(accumulate(INT8, INT32, a, b).view(np.int32), expected)
    assert np.array_equal(dot(INT8, INT32, 16, a, b).view(np.int32), expected)
    least = np.full(140_000, 0x80)
    assert accumulate(INT8, INT32, least, least) == (140_000 << 14) % (1 << 32)


# Matrix products


@pytest.mark.parametrize("cols", [5, 515])
def test_matmul_is_accumulate(cols, seed):
    """Whatever path a product takes: columns at a time, tables, or one sum after the other."""
    generator = np.random.default_rng(seed)
    wide_spread = Multiplier.make("lmul", "e8m3", "e2m1")
    for spec in [*MULTIPLIERS, wide_spread, Multiplier.make("exact", "bf16"), Multiplier.make("exact", "e3m4"),
                 Multiplier.make("exact", "e8m11"), Multiplier.make("exact", "e8m12", "e8m11"),  # of 24 and 25 bits
                 Multiplier.make("lmul", "bf16", subnormals="exact", offset="best")]:
        for spread, finite in ((2, True), (12, True), (150, True), (40, False)):
            a = some_codes(generator, spec.a, (9, 30), spread, finite)
            b = some_codes(generator, spec.b, (30, cols), spread, finite)
            # Whole runs that stay on the fast path, and rows that leave it in between.
            a[:, 10:20], b[10:20] = (np.where(part & (fmt.exp_mask << fmt.man_bits), fmt.bias << fmt.man_bits, part)
                                     for part, fmt in ((a[:, 10:20], spec.a), (b[10:20], spec.b)))
            for accumulator in (FP32, FIXED):
                expected = sums(spec, accumulator, as_codes(spec.a, a), as_codes(spec.b, b).T, every_pair=True)
                actual = matmul(spec, accumulator, a, b)
                assert np.array_equal(actual, expected.reshape(9, cols)), (spec.name, accumulator.name, spread, finite)
    spec = Multiplier.make("exact", "fp16")
    a, b = some_codes(generator, spec.a, (3, 8), 4, True), some_codes(generator, spec.b, (8, 5), 4, True)
    for accumulator in ACCUMULATORS.values():
        assert np.array_equal(matmul(spec, accumulator, a, b), accumulate(spec, accumulator, a[:, None], b.T))


def test_fast_paths_are_taken(monkeypatch):
    """Sums one after the other are not what these go through."""
    monkeypatch.setattr(matmul_module, "sums", None)
    for name, accumulators in (("e4m3", (FP32, FIXED)), ("e5m2", (FP32, FIXED)), ("bf16", (FP32,)), ("fp16", (FP32,)),
                               ("e8m11", (FP32,))):
        for kind in ("mitchell", "exact"):
            for accumulator in accumulators:
                assert_four_products(Multiplier.make(kind, name), accumulator, 1.0)
    assert_four_products(Multiplier.make("mitchell", "fp32"), FP32, 1.0)


def test_the_largest_numbers_take_fast_paths(monkeypatch):
    monkeypatch.setattr(matmul_module, "sums", None)
    for name in ("e4m3", "e5m2"):
        for kind in ("mitchell", "exact"):
            spec = Multiplier.make(kind, name)
            for accumulator in (FP32, FIXED):
                assert_four_products(spec, accumulator, decode(spec.a, spec.a.max_finite))


def assert_four_products(spec, accumulator, value):
    """Every element of this matrix product is four times the product of one value with itself."""
    codes = encode(spec.a, np.full((4, 4), value))
    expected = 4 * wide_value(spec, product(spec, codes, codes))
    assert np.array_equal(decode(FORMATS["fp32"], matmul(spec, accumulator, codes, codes)), expected)
    assert value != 1 or (expected == 4).all()


@pytest.mark.parametrize("spec", [*(spec for spec in MULTIPLIERS if spec.wide.sig_bits <= 24),
                                  *(Multiplier.make(kind, "bf16") for kind in ("exact", "mitchell"))],
                         ids=lambda spec: spec.name)
def test_where_products_become_no_numbers_of_fp32(spec, seed):
    generator = np.random.default_rng(seed)
    powers = (np.arange(1, spec.a.exp_mask + 1) << spec.a.man_bits).reshape(1, -1, 1)
    factors = [*(np.clip(spec.b.bias + exp, 1, spec.b.exp_mask) << spec.b.man_bits for exp in (-20, 0, 20)),
               spec.b.max_finite]
    for a, b in (*((powers, np.full((1, 1, 1), factor)) for factor in factors),
                 *((some_codes(generator, spec.a, (3, 40, 8), spread, finite),
                    some_codes(generator, spec.b, (3, 8, cols), spread, finite))
                   for spread, finite in ((2, True), (60, True), (130, True), (60, False)) for cols in (1, 2, 9))):
        a, b = as_codes(spec.a, a), as_codes(spec.b, b)
        wanted = [sums(spec, FP32, x, y.T, every_pair=True) for x, y in zip(a, b, strict=True)]
        assert np.array_equal(matmul(spec, FP32, a, b).ravel(), np.concatenate(wanted))


@pytest.mark.parametrize("spec", [Multiplier.make(kind, fmt) for kind in ("lmul", "exact")
                                  for fmt in ("e4m3", "e5m2", "e3m4", "bf16")], ids=lambda spec: spec.name)
def test_sums_of_attention(spec, seed):
    """Weights of a causal softmax, most of them zero or subnormal codes, those of bf16 down to the smallest numbers,
    by values; a NaN stands where all weights are zero but the last row's."""
    rng = np.random.default_rng(seed)
    scores = np.tril(np.exp(12 * rng.normal(size=(2, 20, 20)) - 80 * (rng.random((2, 20, 20)) < 0.3)))
    weights, values = scores / scores.max(axis=2, keepdims=True), rng.normal(size=(2, 20, 9)) * 2.0**-5
    a, b = spec.a.encode(weights), spec.b.encode(values)
    assert (a == 0).mean() > 0.4 and ((a > 0) & (a < spec.a.min_normal)).any()
    b[1, 19, 3] = spec.b.nan or spec.b.inf
    found = matmul(spec, FP32, a, b)
    for pair in zip(a, b, found, strict=True):
        assert np.array_equal(pair[2].ravel(), sums(spec, FP32, pair[0], pair[1].T, every_pair=True))
    assert np.isnan(found[1, :, 3].view(np.float32)).all()


@pytest.mark.parametrize("kind", ["lmul", "exact"])
def test_tables_of_exact_products(kind):
    """Every product of numbers is the sum of its limbs, of which there are no more than it takes."""
    short = [(f"e{exp_bits}m{man_bits}",) for exp_bits in range(2, 7) for man_bits in range(1, 8 - exp_bits)]
    for pair in [*short, ("e5m4", "e2m1")]:  # the last one's L-Mul products end two bits above a limb
        spec = Multiplier.make(kind, *pair, subnormals="exact")
        table = matmul_module._exact_table(spec)
        values = wide_value(spec, product(spec, *all_pairs(spec)))
        sums = sum(limb.ravel().astype(object) << kernels.LIMB_BITS * n for n, limb in enumerate(table))
        assert np.array_equal(sums, np.nan_to_num(values, posinf=0, neginf=0) / 2.0 ** extent(spec)[0])
        assert table[-1].any(), spec.name


def test_int_matmul(seed):
    a, b = random_codes(INT8.a, (20, 300), seed), random_codes(INT8.b, (300, 7), seed)
    expected = a.view(np.int8).astype(np.int64) @ b.view(np.int8).astype(np.int64)
    assert np.array_equal(matmul(INT8, INT32, a, b).view(np.int32), expected)


@pytest.mark.parametrize("name, accumulator", [("bf16", FP32), ("fp32", FP32), ("e4m3", FIXED)])
def test_matmul_algebra(name, accumulator, seed):
    """Through Mitchell's product 1 is neutral; a row of zeros stays zero; columns keep to themselves."""
    spec = Multiplier.make("mitchell", name, subnormals="exact")
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(5, 5)).astype(np.float32)
    codes = encode(spec.a, values)
    one = encode(spec.a, np.eye(5))
    assert np.array_equal(decode(FORMATS["fp32"], matmul(spec, accumulator, codes, one)), decode(spec.a, codes))
    codes[2] = 0
    other = encode(spec.b, generator.normal(size=(5, 600)))
    whole = matmul(spec, accumulator, codes, other)
    assert not whole[2].any()
    order = generator.permutation(600)
    assert np.array_equal(matmul(spec, accumulator, codes, other[:, order]), whole[:, order])


def test_shapes():
    spec = Multiplier.make("lmul", "e4m3")
    one = np.full((3, 1, 7), 0x38)
    assert accumulate(spec, FP32, one, one[:1].reshape(1, 7)).shape == (3, 1)
    assert accumulate(spec, BF16, one, np.full((2, 7), 0x38)).shape == (3, 2)
    assert accumulate(spec, BF16, one, one).dtype == np.uint16
    assert accumulate(spec, FP32, [0x38, 0x38], [0x38, 0x38]).shape == ()
    assert accumulate(spec, FP32, np.zeros((0, 3), int), np.zeros(3, int)).shape == (0,)
    for shape in ((0, 3, 4), (4, 3, 0), (1, 1, 1), (513, 2, 1)):
        rows, depth, cols = shape
        result = matmul(spec, FP32, np.zeros((rows, depth), int), np.zeros((depth, cols), int))
        assert result.shape == (rows, cols) and result.dtype == np.uint32


E4M3, EXACT32 = Multiplier.make("lmul", "e4m3"), Multiplier.make("exact", "fp32")
ROW, EMPTY = np.zeros(4, int), np.zeros((2, 0), int)


@pytest.mark.parametrize("call, message", [
    (lambda: accumulate(E4M3, FP32, EMPTY, EMPTY), "Depth must be at least 1, not 0"),
    (lambda: accumulate(E4M3, parse_accumulator("fixed3"), ROW, ROW), "Depth must be at most 3 for fixed3, not 4"),
    (lambda: accumulate(E4M3, INT32, ROW, ROW),
     "Accumulator must be a float format, fixed or carrysave for lmul_e4m3, not 'int32'"),
    (lambda: accumulate(INT8, FP32, ROW, ROW), "Accumulator must be int32 for int8, not 'fp32'"),
    (lambda: accumulate(E4M3, FP32, [256], [0]), "Codes of e4m3 must be 0 to 255, not 256"),
    (lambda: accumulate(E4M3, FP32, 0x38, 0x38), "Operands must have a last axis to sum over, not be single codes"),
    (lambda: dot(E4M3, FP32, 0, ROW, ROW), "Dot product lanes must be 1 to 256, not 0"),
    (lambda: dot(E4M3, FP32, 257, ROW, ROW), "Dot product lanes must be 1 to 256, not 257"),
    (lambda: dot(E4M3, FP32, 4, ROW, ROW, window=3), "Window must be 4 to 53 bits for lmul_e4m3, not 3"),
    (lambda: dot(EXACT32, FP32, 4, ROW, ROW), "Window must be 48 to 53 bits for exact_fp32, not 32"),
    (lambda: dot(E4M3, FP32, 4, ROW, ROW, window=54), "Window must be 4 to 53 bits for lmul_e4m3, not 54"),
    (lambda: dot(E4M3, FP32, 4, EMPTY, EMPTY), "Depth must be at least 1, not 0"),
    (lambda: matmul(E4M3, FP32, ROW, ROW), "The first operand must be a matrix, not of shape (4,)"),
    (lambda: matmul(E4M3, FP32, ROW[None], ROW), "The second operand must be a matrix, not of shape (4,)"),
    (lambda: matmul(E4M3, FP32, ROW[None], ROW[None]), "Inner dimensions must be equal, not 4 and 1"),
    (lambda: matmul(E4M3, FP32, EMPTY, EMPTY.T), "Depth must be at least 1, not 0"),
    (lambda: matmul(E4M3, parse_accumulator("carrysave3"), ROW[None], ROW[:, None]),
     "Depth must be at most 3 for carrysave3, not 4"),
    (lambda: matmul(E4M3, FP32, ROW[None] + 300, ROW[:, None]), "Codes of e4m3 must be 0 to 255, not 300"),
])
def test_refusals(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message


def test_shapes_that_do_not_broadcast():
    with pytest.raises(ValueError, match="shape mismatch"):
        accumulate(E4M3, FP32, ROW, ROW[:3])


def test_rational_sums_by_hand():
    """The reference of these tests is itself pinned to a few numbers."""
    fmt = TINY.fmt  # 0, 0.5, 1, 1.5, 2, 3
    assert [rational.value(fmt, code) for code in range(6)] == [0, 0.5, 1, 1.5, 2, 3]
    assert [rational.rounded(fmt, Fraction(n, 4)) for n in (0, 1, 3, 5, 7, 9, 10, 11, 13, 14)] == [
        0, 0, 2, 2, 4, 4, 4, 5, 5, 6]
    assert rational.accumulated(fmt, 0b1000, 1, 0) == 0b1000 and rational.accumulated(fmt, 0b1000, 0, 0) == 0


@pytest.mark.parametrize("spec", [*MULTIPLIERS, INT8], ids=lambda spec: spec.name)
def test_neutral_pairs_leave_any_sum_as_it_is(spec, seed):
    generator = np.random.default_rng(seed)
    a, b = (random_codes(fmt, (50, 6), generator) for fmt in (spec.a, spec.b))
    code_a, code_b = spec.neutral
    longer = [np.insert(codes, [0, 3, 6], np.asarray(code, codes.dtype), axis=1)
              for codes, code in ((a, code_a), (b, code_b))]
    for accumulator in ("int32",) if spec is INT8 else ("fp32", "bf16", "fixed"):
        accumulator = parse_accumulator(accumulator)
        assert np.array_equal(accumulate(spec, accumulator, *longer), accumulate(spec, accumulator, a, b))


def test_sums_out_of_range_are_told(seed):
    """Against int64: which sums of int8 leave int32, where, and what they are; of shorter ones, none can."""
    spec, accumulator, generator = Multiplier.make("int8", None), Accumulator("int"), np.random.default_rng(seed)
    for depth in (131072, 150_000):
        a, b = (generator.choice([-128, -127, 127], shape, p=[0.98, 0.01, 0.01]).astype(np.int8)
                for shape in ((3, 2, depth), (3, depth, 2)))
        a[0, 1], a[1] = 127, a[1] // 2
        true = a.astype(np.int64) @ b.astype(np.int64)
        outside = (true > 2**31 - 1) | (true < -2**31)
        places, values, safe = out_of_range(spec, accumulator, a.view(np.uint8), b.view(np.uint8))
        assert np.array_equal(places, np.argwhere(outside)) and np.array_equal(values, true[outside]) and safe == 131071
        assert depth == 131072 or 0 < len(values) < true.size
        assert np.array_equal(matmul(spec, accumulator, a.view(np.uint8), b.view(np.uint8)),
                              (true & 0xFFFFFFFF).astype(np.uint32))
    most = np.full((1, 131071), 0x80, np.uint8)
    assert not len(out_of_range(spec, accumulator, most, most.T).values)
    one = np.full((1, 131072), 0x80, np.uint8)
    assert out_of_range(spec, accumulator, one, one.T).values.tolist() == [2**31]
    low, high = np.full((2, 132105), -128, np.int8), np.full((132105, 1), 127, np.int8)
    low[:, -1], high[-1] = (-32, -33), 32  # -128 * 127 * 132104 - 32 * 32 = -2**31, which fits
    below = out_of_range(spec, accumulator, low.view(np.uint8), high.view(np.uint8))
    assert below.values.tolist() == [-2**31 - 32] and below.places.tolist() == [[1, 0]]
    for name in ("fp32", "fixed"):
        codes = np.full((2, 4), 0x7E, np.uint8)
        assert not len(out_of_range(Multiplier.make("lmul", "e4m3"), parse_accumulator(name), codes, codes.T).values)


def test_deep_sums_of_integers():
    """In parts of 2**20 products, each of which float64 sums exactly."""
    depth = (1 << 20) + 3
    ones, minus = np.ones((1, depth), np.uint8), np.full((depth, 1), 0xFF, np.uint8)
    assert exact_int_sums(Multiplier.make("int8"), ones, minus).tolist() == [[-depth]]


@pytest.mark.parametrize("kind", ["lmul", "exact"])
@pytest.mark.parametrize("parts", [2, 4, 8])
def test_interleaved_fp32_is_numpy_s_additions_in_that_order(kind, parts, seed):
    """Partial sum j of those that are j from the end modulo their number, then pairs: by accumulation and by tiles."""
    generator, spec = np.random.default_rng(seed), Multiplier.make(kind, "e4m3")
    accumulator = parse_accumulator(f"fp32i{parts}")
    for depth in [1, 2, parts - 1, parts, parts + 1, 3 * parts + 1, 50]:
        a, b = (generator.integers(0, 256, shape).astype(np.uint8) for shape in ((9, depth), (depth, 13)))
        a[1:] &= 0xF7  # a row with NaN
        values = wide_value(spec, product(spec, a[:, None, :], b.T[None])).astype(np.float32)
        sums = [np.zeros(values.shape[:2], np.float32) for _ in range(parts)]
        for k in range(depth):
            sums[(depth - 1 - k) % parts] += values[..., k]
        while len(sums) > 1:
            sums = [x + y for x, y in zip(sums[::2], sums[1::2], strict=True)]
        wanted = np.where(np.isnan(sums[0]), FORMATS["fp32"].nan, sums[0].view(np.uint32))
        assert (matmul(spec, accumulator, a, b) == wanted).all()
        assert (accumulate(spec, accumulator, a[:, None, :], b.T[None]) == wanted).all()


@pytest.mark.parametrize("name", ["bf16i2", "e4m2i4"])
def test_interleaved_sums_in_exact_arithmetic(name, seed):
    """Each step in fractions, rounded by itself; the same of dot products of two lanes, of which one is zero."""
    generator, spec = np.random.default_rng(seed), Multiplier.make("exact", "e4m3")
    accumulator = parse_accumulator(name)
    fmt, parts = accumulator.result, accumulator.interleave

    def added(x, y):
        return rational.value(fmt, rational.rounded(fmt, x + y))

    for depth in (1, 3, 5, 11):
        a, b = (generator.integers(0x28, 0x50, (4, depth)).astype(np.uint8) | generator.choice([0, 128], (4, depth))
                for _ in range(2))
        found = accumulate(spec, accumulator, a, b)
        for row in range(4):
            sums = [Fraction(0)] * parts
            for k in range(depth):
                exact = Fraction(float(decode(spec.a, a[row, k]))) * Fraction(float(decode(spec.b, b[row, k])))
                sums[(depth - 1 - k) % parts] = added(sums[(depth - 1 - k) % parts], exact)
            while len(sums) > 1:
                sums = [added(x, y) for x, y in zip(sums[::2], sums[1::2], strict=True)]
            assert Fraction(float(decode(fmt, found[row]))) == sums[0]
        lanes = [np.stack([codes, np.zeros_like(codes)], -1).reshape(4, -1) for codes in (a, b)]
        assert (dot(spec, accumulator, 2, *lanes) == found).all()


def test_interleaved_sums_have_one_spelling():
    for name in ("fp32i2", "bf16i4", "e5m10i8"):
        assert parse_accumulator(name).name == name
    for name in ("fp32i1", "fp32i3", "fp32i16", "fixedi4", "int32i4", "carrysavei2", "e4m3i4"):
        with pytest.raises(ValueError, match=f"not '{name}'"):
            parse_accumulator(name)
