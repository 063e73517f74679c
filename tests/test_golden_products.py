"""Products, narrow and wide: against exact rational arithmetic, numpy and hand-worked sums."""

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
import rational
from lmul.golden.codec import code_dtype, decode, encode
from lmul.golden.formats import FORMATS, MIXED_PAIRS, float_format
from lmul.golden.products import Wide, multiply, pack, product, unpack, wide_value
from lmul.golden.spec import Multiplier
from lmul.golden.stimulus import all_pairs, corner_pairs, corners, random_codes, random_pairs

INT8 = Multiplier.make("int8", None)


def every_policy(a, b=None):
    """Every multiplier of a pair of formats: kinds, both policies, and offsets up to the ends of their range."""
    fmt = float_format(a)
    reach = fmt.man_mask
    offsets = {"lmul": dict.fromkeys(["paper", "none", "best", reach, -reach, -1]), "mitchell": ["none"],
               "exact": ["none"]}
    return [
        Multiplier.make(kind, a, b, subnormals=subnormals, overflow=overflow, offset=offset)
        for kind, values in offsets.items()
        for offset in values
        for subnormals in ("flush", "exact")
        for overflow in (("saturate", "ieee") if fmt.has_nan else ("saturate",))
    ]


EXHAUSTED = [spec for pair in (["e4m3"], ["e5m2"], ["e3m4"], ["e2m3"], ["e3m2"], ["e2m1"], ["e4m3", "e2m1"],
                               ["e5m2", "e3m2"], ["e4m2"]) for spec in every_policy(*pair)]
# Those that have no narrow product.
WIDE = [Multiplier.make(kind, *pair, subnormals=subnormals, **policies)
        for kind, pair, policies in [
            *(("exact", [fmt], {how: bits}) for fmt, most in (("e4m3", 7), ("e5m2", 5), ("e2m1", 3))
              for bits in range(2, most + 1) for how in ("rounded", "cut")),
            ("exact", ["e4m3", "e2m1"], {"rounded": 4}), ("exact", ["e5m2", "e3m2"], {"cut": 3}),
            ("exact", ["e2m3"], {"rounded": 2}), ("exact", ["e3m4"], {"rounded": 5}),
            *(("lmul", ["e4m3"], {"offset": halves / 2}) for halves in (-15, -1, 1, 15)),
            ("lmul", ["e5m2"], {"offset": 0.5}), ("lmul", ["e4m3", "e2m1"], {"offset": 1.5})]
        for subnormals in ("flush", "exact")]


def values_of(sizes):
    """Magnitudes as float64, in which every product is exact."""
    special = {rational.INF: np.inf, rational.NAN: np.nan}
    return np.array([float(special.get(size, size)) for size in sizes])


def same_numbers(actual, expected):
    nan = np.isnan(expected)
    return (np.array_equal(np.isnan(actual), nan) and np.array_equal(actual[~nan], expected[~nan])
            and np.array_equal(np.signbit(actual[~nan]), np.signbit(expected[~nan])))


def classes(fmt, subnormals):
    """Of each field the significand's number among the format's significands (specials are significands of their
    own), and the exponent."""
    sizes = [rational.operand(fmt, field, subnormals) for field in range(fmt.field_mask + 1)]
    numbers = [isinstance(size, Fraction) and size > 0 for size in sizes]
    exps = [rational.exponent(size) if number else 0 for size, number in zip(sizes, numbers, strict=True)]
    significands = [size / rational.power(exp) if number else size
                    for size, exp, number in zip(sizes, exps, numbers, strict=True)]
    order = list(dict.fromkeys(significands))
    return np.array([order.index(significand) for significand in significands]), np.array(exps)


@pytest.mark.parametrize("spec", EXHAUSTED + WIDE, ids=lambda spec: spec.name)
def test_every_pair_by_definition(spec):
    """Both products of all pairs. By definition the product of two magnitudes depends on their significands and the
    sum of their exponents, so the definition is evaluated once for each of those."""
    a, b = all_pairs(spec)
    x, y = a & spec.a.field_mask, b & spec.b.field_mask
    (sig_a, exp_a), (sig_b, exp_b) = classes(spec.a, spec.subnormals), classes(spec.b, spec.subnormals)
    keys = (sig_a[x] * 1000 + sig_b[y]) * 1000 + exp_a[x] + exp_b[y]
    _, firsts, which = np.unique(keys, return_index=True, return_inverse=True)
    narrow, sizes = ([rational.product(spec, int(x[first]), int(y[first]), wide) for first in firsts]
                     for wide in (False, True))
    value = values_of(sizes)[which]
    sign = ((a >> spec.a.field_bits) ^ (b >> spec.b.field_bits)).astype(np.int64)
    if spec.wide_only:
        with pytest.raises(ValueError, match="must (be left out of a narrow one|go with a wide product)"):
            multiply(spec, a, b)
    else:
        field = np.array([rational.narrow(spec, size) for size in narrow])[which]
        assert np.array_equal(multiply(spec, a, b), field | (sign << spec.a.field_bits))
    wide = product(spec, a, b)
    assert same_numbers(wide_value(spec, wide), np.where(sign, -value, value))
    assert np.array_equal(wide.sign, sign)


@pytest.mark.parametrize("spec", [spec for spec in EXHAUSTED if spec.overflow == "saturate"],
                         ids=lambda spec: spec.name)
def test_wide_fields_under_flags(spec):
    """Flags are independent of each other, and exponent and significand are what the datapath computes without them."""
    a, b = all_pairs(spec)
    wide = product(spec, a, b)
    parts = {}
    for name, fmt, codes in (("a", spec.a, a.astype(int)), ("b", spec.b, b.astype(int))):
        sizes = [rational.operand(fmt, code, spec.subnormals) for code in range(1 << fmt.width)]
        kinds = {kind: np.array([size == kind for size in sizes])[codes] for kind in (0, rational.INF, rational.NAN)}
        exp, man = (codes & fmt.field_mask) >> fmt.man_bits, codes & fmt.man_mask
        parts[name] = kinds, exp, man
    (kinds_a, exp_a, man_a), (kinds_b, exp_b, man_b) = parts["a"], parts["b"]
    zero, inf, nan = (kinds_a[kind] | kinds_b[kind] for kind in (0, rational.INF, rational.NAN))
    assert np.array_equal(wide.zero, zero)
    assert np.array_equal(wide.inf, inf)
    assert np.array_equal(wide.nan, nan | (inf & zero))
    if spec.kind == "exact":
        keep = spec.subnormals == "exact"
        sig_a, sig_b = ((man + np.where(keep & (exp == 0), 0, 1 << fmt.man_bits))
                        for man, exp, fmt in ((man_a, exp_a, spec.a), (man_b, exp_b, spec.b)))
        low = 1 if keep else 0
        assert np.array_equal(wide.sig, sig_a * sig_b)
        assert np.array_equal(wide.exp, np.maximum(exp_a, low) + np.maximum(exp_b, low))
    else:
        normalised = np.zeros(a.shape, bool) if spec.subnormals == "flush" else (
            ((exp_a == 0) & (man_a > 0)) | ((exp_b == 0) & (man_b > 0)))
        raw = ~normalised
        x, y = a.astype(int) & spec.a.field_mask, b.astype(int) & spec.b.field_mask
        halves = 2 * (x + y * (1 << (spec.a.man_bits - spec.b.man_bits))) + spec.offset_halves
        total = halves if spec.offset_halves % 2 else halves // 2
        modulus, one = 1 << spec.wide.exp_bits, 1 << spec.wide.frac_bits
        assert np.array_equal(wide.sig[raw], total[raw] % one)
        assert np.array_equal(wide.exp[raw] % modulus, (total[raw] // one) % modulus)


LONG = [Multiplier.make(kind, *pair, subnormals=subnormals, overflow=overflow)
        for pair in [("bf16",), ("fp16",), ("tf32",), ("fp32",), ("e2m10",), *MIXED_PAIRS, ("e8m23", "e2m20"),
                     ("e8m22",), ("e5m15",)]  # just too long for the shorter integers
        for kind in ("lmul", "mitchell", "exact")
        for subnormals in ("flush", "exact")
        for overflow in ("saturate", "ieee")]


LONG_WIDE = [Multiplier.make("exact", *pair, subnormals=subnormals, **policies)
             for pair, policies in [(["bf16"], {"rounded": 8}), (["fp16"], {"cut": 11}), (["fp32"], {"rounded": 24}),
                                    (["fp32"], {"cut": 47}), (["bf16", "e4m3"], {"rounded": 4})]
             for subnormals in ("flush", "exact")]


def some_pairs(spec, seed):
    """Corners with corners, and random pairs."""
    generator = np.random.default_rng(seed)
    a, b = corner_pairs(spec)
    chosen = generator.choice(len(a), 300)
    a = np.concatenate([a[chosen], random_codes(spec.a, 200, generator)])
    b = np.concatenate([b[chosen], random_codes(spec.b, 200, generator)])
    return a, b


@pytest.mark.parametrize("spec", LONG_WIDE, ids=lambda spec: spec.name)
def test_long_rounded_products_by_definition(spec, seed):
    """As below, and that a wide product has a leading one: its significand is written without it."""
    a, b = some_pairs(spec, seed)
    signs, sizes = zip(*rational.products(spec, a, b), strict=True)
    wide = product(spec, a, b)
    assert same_numbers(wide_value(spec, wide), values_of(sizes) * np.where(signs, -1, 1))
    numbers = [size not in (0, rational.INF, rational.NAN) for size in sizes]
    exps = [rational.exponent(size) for size, number in zip(sizes, numbers, strict=True) if number]
    assert np.array_equal(wide.exp[numbers] - spec.wide.exp_bias, exps)


@pytest.mark.parametrize("spec", LONG, ids=lambda spec: spec.name)
def test_long_formats_by_definition(spec, seed):
    a, b = some_pairs(spec, seed)
    expected = rational.products(spec, a, b)
    narrow = rational.products(spec, a, b, wide=False)
    fields = [rational.narrow(spec, size) | (sign << spec.a.field_bits) for sign, size in narrow]
    assert np.array_equal(multiply(spec, a, b), fields)
    signs, sizes = zip(*expected, strict=True)
    assert same_numbers(wide_value(spec, product(spec, a, b)), values_of(sizes) * np.where(signs, -1, 1))


@pytest.mark.parametrize("name, outsider", [("fp16", np.float16), ("fp32", np.float32), ("bf16", ml_dtypes.bfloat16)])
def test_exact_products_are_ieee(name, outsider, seed):
    """Round to nearest even, gradual underflow, Inf and NaN: corners with random codes, against numpy."""
    spec = Multiplier.make("exact", name, overflow="ieee")
    fmt = spec.a
    a, b = np.broadcast_arrays(corners(fmt)[:, None], random_codes(fmt, 4000, seed))
    pairs = [corner_pairs(spec), (a.ravel(), b.ravel()), random_pairs(spec, 200_000, seed)]
    a, b = (np.concatenate(codes) for codes in zip(*pairs, strict=True))
    with np.errstate(all="ignore"):
        # A product of bfloat16s is exact in float64, and its cast from there rounds once.
        wider = np.float64 if name == "bf16" else outsider
        expected = (a.view(outsider).astype(wider) * b.view(outsider).astype(wider)).astype(outsider)
        expected = expected.astype(np.float64)
    actual = decode(fmt, multiply(spec, a, b))
    assert np.array_equal(actual, expected, equal_nan=True)
    number = ~np.isnan(expected)
    assert np.array_equal(np.signbit(actual[number]), np.signbit(expected[number]))


def test_int8_products():
    a, b = all_pairs(INT8)
    expected = a.view(np.int8).astype(int) * b.view(np.int8)
    for codes in (multiply(INT8, a, b), product(INT8, a, b), pack(INT8, product(INT8, a, b))):
        assert codes.dtype == np.uint16
        assert np.array_equal(codes.view(np.int16), expected)
    assert np.array_equal(wide_value(INT8, product(INT8, a, b)), expected)
    assert np.array_equal(unpack(INT8, product(INT8, a, b)), product(INT8, a, b))


@pytest.mark.parametrize("name, overflow, a, b, expected", [
    # 1 * 1 is one unit of l(m) too large: e4m3's l is 3, so 1 + 1/8.
    ("lmul_e4m3", None, 0x38, 0x38, 0x39),
    # 1.5 * 1.5: fields 60 + 60 - 56 + 1 = 65, which is 2.25: right by chance.
    ("lmul_e4m3", None, 0x3C, 0xBC, 0xC1),
    # Mitchell's 1.75 * 1.75: 62 + 62 - 56 = 68 is 3.0 instead of 3.0625.
    ("mitchell_e4m3", None, 0x3E, 0x3E, 0x44),
    # 448 * 448 saturates below the NaN code, or overflows to it.
    ("lmul_e4m3", None, 0x7E, 0x7E, 0x7E),
    ("lmul_e4m3", "ieee", 0x7E, 0xFE, 0xFF),
    # 2**-6 squared is far below the range; a subnormal counts as zero; so does their sign.
    ("lmul_e4m3", None, 0x08, 0x88, 0x80),
    ("lmul_e4m3", None, 0x07, 0x77, 0x00),
    # 0x07 is 1.75 * 2**-7, normalised field 6; with 256 (0x78): 6 + 120 - 56 + 1 = 71.
    ("lmul_e4m3_sub", None, 0x07, 0x78, 0x47),
    # Zero times NaN, and times a number.
    ("lmul_e4m3", None, 0x00, 0x7F, 0x7F),
    ("lmul_e5m2", None, 0x00, 0x7C, 0x7E),
    ("lmul_e5m2", None, 0x3C, 0xFC, 0xFC),
    ("lmul_e5m2", None, 0x7B, 0x7B, 0x7B),
    ("lmul_e5m2", "ieee", 0x7B, 0x7B, 0x7C),
    # The constants of the paper's fields: 1 * 1 is 1 + 1/16 for long mantissas.
    ("lmul_bf16", None, 0x3F80, 0x3F80, 0x3F88),
    ("lmul_fp16", None, 0x3C00, 0x3C00, 0x3C40),
    ("lmul_fp32", None, 0x3F800000, 0x3F800000, 0x3F880000),
    # 3 (0x4040) times e4m3's 5 (0x4A): 0x4040 + (2 << 7) + (2 << 4) + 8 = 0x4168 is 14.5.
    ("lmul_bf16xe4m3", None, 0x4040, 0x4A, 0x4168),
    # Exact: 1.125**2 = 1.265625 to 1.25; 1.875 * 1.125 = 2.109375 to 2; 9 * 2**-9 * 0.5 is a tie, to even.
    ("exact_e4m3", None, 0x39, 0x39, 0x3A),
    ("exact_e4m3", None, 0x3F, 0x39, 0x40),
    ("exact_e4m3", None, 0x09, 0x30, 0x04),
    ("exact_e4m3", None, 0x0B, 0x30, 0x06),
    ("exact_e4m3_flush", None, 0x0B, 0x30, 0x00),
    # 1.75 * 2**-6 * 1.125 / 2 is 1.96875 * 2**-7: with an unbounded exponent that rounds to the smallest normal.
    ("exact_e4m3_flush", None, 0x0E, 0x31, 0x08),
])
def test_by_hand(name, overflow, a, b, expected):
    kind, pair, *words = name.split("_")
    policies = {"subnormals": {"sub": "exact"}.get(words[0], words[0])} if words else {}
    if overflow:
        policies["overflow"] = overflow
    spec = Multiplier.make(kind, *pair.split("x"), **policies)
    assert multiply(spec, a, b) == multiply(spec, a, b).dtype.type(expected)


def test_offsets_of_the_paper():
    """The one constant of the paper's integer formulation, bias and offset together."""
    constants = {"fp32": 0x3F780000, "bf16": 0x3F78, "fp16": 0x3BC0, "e4m3": 55, "e5m2": 59}
    for name, constant in constants.items():
        spec = Multiplier.make("lmul", name)
        assert (spec.a.bias << spec.a.man_bits) - spec.offset_value == constant


@pytest.mark.parametrize("spec", [*EXHAUSTED[::7], *LONG[::5]], ids=lambda spec: spec.name)
def test_pack_and_unpack(spec, seed):
    a, b = corner_pairs(spec)
    wide = product(spec, a, b)
    codes = pack(spec, wide)
    assert codes.dtype == code_dtype(spec.wide.width)
    assert int(codes.max()) < 1 << spec.wide.width
    for field, again in zip(wide, unpack(spec, codes), strict=True):
        assert np.array_equal(field, again) and field.dtype == again.dtype
    position, width = 0, dict(spec.wide.fields)["exp"]
    for name, bits in spec.wide.fields:
        part = (codes.astype(object) >> position) & ((1 << bits) - 1)
        field = getattr(wide, name).astype(object) * 1
        assert np.array_equal(part, field % (1 << width) if name == "exp" else field)
        position += bits


def test_shapes():
    spec = Multiplier.make("lmul", "bf16")
    a, b = np.full((3, 1, 2), 0x3F80), np.full((4, 1), 0x4000)
    assert multiply(spec, a, b).shape == (3, 4, 2)
    assert multiply(spec, a, b).dtype == np.uint16
    wide = product(spec, a, b)
    assert isinstance(wide, Wide) and {field.shape for field in wide} == {(3, 4, 2)}
    assert multiply(spec, 0x3F80, 0x3F80).shape == ()
    assert multiply(spec, np.zeros((0, 2), int), 0).shape == (0, 2)


def test_long_arrays_are_many_short_ones(seed):
    for spec in (Multiplier.make("exact", "e5m2"), Multiplier.make("lmul", "fp32")):
        a, b = random_pairs(spec, 100_003, seed)
        for whole, part in zip(product(spec, a, b), product(spec, a[70_000:], b[70_000:]), strict=True):
            assert np.array_equal(whole[70_000:], part)
        assert np.array_equal(multiply(spec, a, b)[70_000:], multiply(spec, a[70_000:], b[70_000:]))


def test_refusals():
    e4m3, mixed = Multiplier.make("lmul", "e4m3"), Multiplier.make("exact", "bf16", "e2m1")
    for function in (multiply, product):
        with pytest.raises(ValueError, match="^Codes of e4m3 must be 0 to 255, not 256$"):
            function(e4m3, 0, 256)
        with pytest.raises(ValueError, match="^Codes of e2m1 must be 0 to 15, not 16$"):
            function(mixed, 0x3F80, [0, 16])
        with pytest.raises(ValueError, match="shape mismatch"):
            function(e4m3, np.zeros(3, int), np.zeros(4, int))
    with pytest.raises(ValueError, match="^Codes of int16 must be 0 to 65535, not 65536$"):
        pack(INT8, [1 << 16])


def test_rational_reference_by_hand():
    """The reference of these tests is itself pinned to a few numbers."""
    fmt = FORMATS["e4m3"]
    assert rational.magnitude(fmt, 0xB9) == Fraction(9, 8)
    assert rational.mitchell(Fraction(3, 2), Fraction(3, 2), Fraction(1, 8)) == Fraction(9, 4)
    assert rational.mitchell(Fraction(1), Fraction(1), Fraction(-1, 8)) == Fraction(15, 16)
    assert [rational.nearest(fmt, Fraction(n, 1 << 10)) for n in (1, 2, 3, 15, 16)] == [0, 1, 2, 8, 8]
    assert encode(fmt, 1.0625) == rational.nearest(fmt, Fraction(17, 16)) == 0x38
