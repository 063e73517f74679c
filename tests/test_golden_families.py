"""Families of integer products and their formats, against Python's integers and numpy's matrix products."""

import json

import ml_dtypes
import numpy as np
import pytest
from lmul.golden import families
from lmul.golden.accumulate import accumulate
from lmul.golden.errors import mean_relative_error
from lmul.golden.families.integer import Integer
from lmul.golden.families.powers import PowerWeight
from lmul.golden.families.ternary import TernaryWeight
from lmul.golden.families.xnor import Xnor
from lmul.golden.formats import SCALES, block_format, format_named
from lmul.golden.integers import IntegerMultiplier
from lmul.golden.matmul import matmul, out_of_range
from lmul.golden.operands import census, gaussian, matrices, pairs, quantise
from lmul.golden.products import multiply, pack, product, unpack, wide_value
from lmul.golden.refusal import Refusal
from lmul.golden.spec import parse_accumulator
from lmul.golden.stimulus import all_pairs, corner_pairs, random_pairs
from lmul.hdl.designs import catalogue, parse

INT32 = parse_accumulator("int32")


def numbers(name, code):
    """What a code of a format stands for, worked out digit by digit."""
    width = format_named(name).width
    bits = [code >> place & 1 for place in range(width)]
    if name.startswith("int"):
        return sum(bit << place for place, bit in enumerate(bits)) - (bits[-1] << width)
    if name.startswith("uint"):
        return code
    if name == "ternary":
        return {0b00: 0, 0b01: 1, 0b10: 0, 0b11: -1}[code]
    exp_bits, count = int(name[3]), int(name[5:] or 1)
    total = 0
    for place in range(count):
        part = bits[place * (exp_bits + 1) : (place + 1) * (exp_bits + 1)]
        field = sum(bit << n for n, bit in enumerate(part[:-1]))
        total += (0 if field == 0 else 2 ** (field - 1)) * (-1 if part[-1] else 1)
    return total


@pytest.mark.parametrize("name", [f"{sign}int{width}" for sign in ("", "u") for width in range(1, 9)]
                         + ["ternary", "pot1", "pot3", "pot4", "pot2k2", "pot3k2", "int16", "uint13"])
def test_every_code_of_a_format(name):
    fmt = format_named(name)
    codes = np.arange(1 << fmt.width)
    values = fmt.decode(codes)
    assert values.tolist() == [numbers(name, code) for code in codes.tolist()]
    assert fmt.integer and fmt.name == name and fmt.decode(fmt.max_finite) == values.max()
    assert np.array_equal(fmt.decode(fmt.encode(values)), values)
    ends = fmt.decode(fmt.encode([-1e9, 1e9, -np.inf, np.inf]))
    assert ends.tolist() == [values.min(), values.max()] * 2
    with pytest.raises(Refusal, match="must be numbers, not nan"):
        fmt.encode([np.nan])
    with pytest.raises(Refusal, match="has neither Inf nor NaN"):
        fmt.encode([0.0], "ieee")
    assert np.isin(fmt.corners(), codes).all() and (np.diff(fmt.corners().astype(int)) > 0).all()
    json.dumps(fmt.describe())


@pytest.mark.parametrize("name", ["int4", "uint4", "ternary", "pot3", "pot2k2"])
def test_the_nearest_code(name, seed):
    fmt = format_named(name)
    values = np.random.default_rng(seed).uniform(-20, 20, 500)
    every = fmt.decode(np.arange(1 << fmt.width))
    nearest = abs(values[:, None] - every).min(axis=1)
    assert np.array_equal(abs(fmt.decode(fmt.encode(values)) - values), nearest)


def test_halves():
    """Integers to even, other formats to the smaller magnitude."""
    assert format_named("int4").decode(format_named("int4").encode([0.5, 1.5, -2.5])).tolist() == [0, 2, -2]
    assert format_named("pot3").decode(format_named("pot3").encode([0.5, 3, -6, -1.5])).tolist() == [0, 2, -4, -1]


def test_signs():
    fmt = format_named("sign4")
    assert fmt.decode([0b0110]).tolist() == [[1, -1, -1, 1]]
    assert fmt.encode([[0.5, -3, -0.1, 0.0]]).tolist() == [0b0110]
    a = np.array([[1.0, -1, -1, 1, 1, 1, 1, 1]])
    assert fmt.pack(a).tolist() == [[0b0110, 0]] and fmt.pack(a.T, -2).tolist() == [[0b0110], [0]]
    assert fmt.along(fmt.pack(a), -1).tolist() == a.tolist()
    assert fmt.along(fmt.pack(a.T, -2), -2).tolist() == a.T.tolist()
    with pytest.raises(Refusal, match="must come 4 to a code, not 6"):
        fmt.pack(np.ones((1, 6)))


@pytest.mark.parametrize("kind", ["random", "nothing", "subnormals", "smallest", "largest"])
@pytest.mark.parametrize("name", ["int1", "int8", "uint4", "ternary", "pot3k2", "sign8"])
def test_samples(name, kind, seed):
    fmt, rng = format_named(name), np.random.default_rng(seed)
    codes = fmt.sample(kind, (50, 7), rng)
    values = fmt.decode(codes)
    every = fmt.decode(np.arange(1 << fmt.width))
    assert codes.shape == (50, 7) and codes.dtype == fmt.encode(np.zeros(values.shape)).dtype
    if fmt.per_code == 1:
        allowed = {"random": every, "nothing": [0], "largest": [every.min(), every.max()]}.get(kind, [-1, 0, 1])
        assert set(values.ravel()) <= set(np.asarray(allowed, float))
        assert kind != "random" or len(np.unique(values)) > len(np.unique(every)) // 4


PRODUCTS = ("int1", "int2", "int4", "uint4", "int8", "uint8", "int8xint4", "int4xint8", "uint8xint3", "int8xternary",
            "uint4xternary", "int8xpot3", "int8xpot3k2", "uint6xpot2k2", "int3xpot4")


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_product(name):
    spec, rest = families.parse([name, "int32"])
    assert rest == ["int32"] and spec.name == name
    a, b = all_pairs(spec)
    first, _, second = name.partition("x")
    tables = [[numbers(each, code) for code in range(1 << format_named(each).width)]
              for each in (first, second or first)]
    wanted = np.array(tables[0])[a] * np.array(tables[1])[b]
    codes = multiply(spec, a, b)
    assert np.array_equal(spec.wide.decode(codes), wanted) and np.array_equal(product(spec, a, b), codes)
    assert np.array_equal(wide_value(spec, product(spec, a, b)), wanted)
    assert np.array_equal(unpack(spec, pack(spec, codes)), codes)
    low, high = spec.range
    assert low == wanted.min() and high == wanted.max() and spec.wide.low <= low and spec.wide.high >= high
    assert mean_relative_error(spec) == 0 and spec.neutral == (0, 0)
    assert not wide_value(spec, product(spec, *spec.neutral))


INTEGERS = [f"{sign}int{width}" for sign in ("", "u") for width in range(1, 7)]


@pytest.mark.parametrize("first", INTEGERS)
def test_wide_products_have_no_bit_too_many(first):
    """Every product fits, and does not with one bit less; of uint3 and uint3 49 is largest: 0b110001, six bits."""
    for second in (*INTEGERS, "ternary", "pot1", "pot3", "pot2k2"):
        a, b = format_named(first), format_named(second)
        spec = IntegerMultiplier(a, b)
        every = [x * y for x in (numbers(first, code) for code in range(1 << a.width))
                 for y in (numbers(second, code) for code in range(1 << b.width))]
        low, high, width, signed = min(every), max(every), spec.wide.width, spec.wide.signed
        assert spec.range == (low, high) and signed == (low < 0)
        assert spec.wide.name == f"{'' if signed else 'u'}int{width}" and spec.narrow == spec.wide
        for bits, room in ((width, True), (width - 1, False)):
            ends = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
            assert (width == 1 and not room) or (ends[0] <= low and high <= ends[1]) == room
        made = families.make(first) if first == second else families.make(f"{first}x{second}")
        if b.binary:  # the usual multiplier has all the bits of its operands
            assert (made.wide.width, made.wide.signed) == (a.width + b.width, a.signed or b.signed)
            assert made.multiplication == (a.width, b.width) and made.title == made.formats.replace("x", " x ")
        else:
            assert made.wide == spec.wide
        assert spec.neutral == (0, 0) and not spec.integers(np.array([0]), np.array([0])).any()


def test_classes_refuse_floats():
    int8, e4m3, sign4 = (format_named(name) for name in ("int8", "e4m3", "sign4"))
    for family in (Integer, TernaryWeight, PowerWeight):
        for a, b in ((e4m3, int8), (int8, e4m3), (e4m3, e4m3)):
            with pytest.raises(Refusal, match=f"Operand formats of {family.kind} must be integers, not {a} and {b}"):
                family(a, b)
    for a, b in ((sign4, int8), (int8, sign4), (sign4, format_named("sign3")), (int8, int8), (e4m3, sign4)):
        with pytest.raises(Refusal, match=f"must be one of signs, as in xnor_sign8, not {a} and {b}"):
            Xnor(a, b)


def test_rivals_of_weights():
    """Of ternary weights the integer of as many bits; of powers the one with room for every weight and its negative."""
    for name, rival in (("int8xternary", "int8xint2"), ("uint4xternary", "uint4xint2"), ("int8xpot3", "int8"),
                        ("int8xpot3k2", "int8xint9"), ("int4xpot1", "int4xint2"), ("int8xpot4", "int8xint16")):
        spec = families.make(name)
        assert spec.rival == families.make(rival) and spec.rivals == (spec.rival,)
        assert spec.rival.b.high >= spec.b.high and spec.title.startswith(f"{spec.a} x ")
    assert families.make("int8").rival is None


@pytest.mark.parametrize("width", [1, 2, 3, 7, 8])
def test_xnor(width):
    spec = families.make("xnor", f"sign{width}")
    a, b = all_pairs(spec)
    pairs = [(1 - 2 * (x >> n & 1)) * (1 - 2 * (y >> n & 1)) for n in range(width)
             for x, y in [(a.astype(int), b.astype(int))]]
    assert np.array_equal(wide_value(spec, product(spec, a, b)), sum(pairs))
    assert spec.per_code == width and spec.range == (-width, width)
    if width % 2:
        assert spec.neutral is None
    else:
        assert wide_value(spec, product(spec, *spec.neutral)) == 0


@pytest.mark.parametrize("name", ["int16", "int12xint6", "int16xternary", "uint16", "int16xpot3k2"])
def test_wide_operands(name, seed):
    spec = families.make(name)
    for a, b in (corner_pairs(spec), random_pairs(spec, 3000, seed)):
        wanted = [int(x) * int(y) for x, y in zip(spec.a.decode(a), spec.b.decode(b), strict=True)]
        assert wide_value(spec, product(spec, a, b)).tolist() == wanted
    assert mean_relative_error(spec) == 0


@pytest.mark.parametrize(("name", "accumulator"), [
    *((name, "int32") for name in (*PRODUCTS, "int16")), ("int4", "int16"), ("int16", "int48"), ("int16", "int64"),
    ("xnor_sign8", "int32"), ("xnor_sign3", "int16")])
def test_sums(name, accumulator, seed):
    spec, accumulator = families.parse(name.split("_"))[0], parse_accumulator(accumulator)
    a, b = random_pairs(spec, 6 * 40, seed)
    a, b = a.reshape(6, 40), b.reshape(40, 6)
    exact = spec.a.along(a, -1).astype(object) @ spec.b.along(b, -2).astype(object)
    half = 1 << (accumulator.bits - 1)
    wrapped = [[(int(total) + half) % (2 * half) - half for total in row] for row in exact]
    got = matmul(spec, accumulator, a, b)
    assert accumulator.result.numbers(got).tolist() == wrapped
    assert accumulate(spec, accumulator, a[:, None], b.T[None]).tolist() == got.tolist()
    places = {tuple(place) for place in out_of_range(spec, accumulator, a, b).places.tolist()}
    assert places == {(i, j) for i, row in enumerate(exact) for j, total in enumerate(row) if not -half <= total < half}


def test_operands_of_packed_signs(seed):
    spec, source = families.make("xnor", "sign8"), gaussian(4096, seed)
    drawn = pairs(source, spec, 100, seed)
    assert drawn.a.codes.shape == (100,) and drawn.a.values.shape == (800,)
    assert np.array_equal(spec.a.decode(drawn.a.codes).ravel(), np.where(drawn.a.values < 0, -1, 1))
    shaped = drawn.reshape((10, 1, 10), (10, 10, 1))
    assert shaped.a.values.shape == (10, 1, 80) and shaped.b.values.shape == (10, 80, 1)
    assert np.array_equal(spec.b.along(shaped.b.codes, -2), np.where(shaped.b.values < 0, -1, 1))
    blocks = matrices(source, spec, 2, 3, 4, 5, seed)
    assert blocks.a.codes.shape == (5, 2, 3) and blocks.b.codes.shape == (5, 3, 4)
    assert np.array_equal(spec.b.along(blocks.b.codes, -2), np.where(blocks.b.values < 0, -1, 1))
    found = census(spec.a, spec.subnormals, drawn.a)
    assert (found.zero, found.flushed, found.total) == (0, 0, 800)
    codes, scale = quantise(spec.b, np.ones((16, 3)), axis=-2)
    assert codes.shape == (2, 3) and scale == 1


def test_scales():
    e8m0, ue4m3 = SCALES["e8m0"], SCALES["ue4m3"]
    codes = np.arange(256, dtype=np.uint8)
    assert np.array_equal(e8m0.decode(codes), codes.view(ml_dtypes.float8_e8m0fnu).astype(float), equal_nan=True)
    assert np.array_equal(e8m0.encode(e8m0.decode(codes)), codes)
    assert e8m0.encode([0.75, 0.74, 3.0, 1e300, 0.0]).tolist() == [127, 126, 129, 254, 0]
    assert np.array_equal(ue4m3.decode(codes[:128]), codes[:128].view(ml_dtypes.float8_e4m3fn).astype(float),
                          equal_nan=True)
    assert ue4m3.encode([448.0, 1000.0, 1.0, -1.0]).tolist() == [126, 126, 56, 0]


def test_blocks(seed):
    """Scales are those of OCP MX: two to the exponent of the largest magnitude, less that of the elements' largest."""
    fmt = block_format("mxe4m3")
    values = np.random.default_rng(seed).standard_normal((3, 64)) * 100
    blocks = fmt.encode(values)
    assert blocks.elements.shape == (3, 64) and blocks.scales.shape == (3, 2)
    largest = abs(values.reshape(3, 2, 32)).max(axis=2)
    scale = 2.0 ** (np.floor(np.log2(largest)) - 8)
    assert np.array_equal(fmt.scale.decode(blocks.scales), scale)
    wanted = np.clip(values.reshape(3, 2, 32) / scale[..., None], -448, 448)
    wanted = wanted.astype(ml_dtypes.float8_e4m3fn).astype(float) * scale[..., None]
    assert np.array_equal(fmt.decode(blocks), wanted.reshape(3, 64))
    small = block_format("nvfp4")
    assert small.size == 16 and abs(small.decode(small.encode(values)) / values - 1).mean() < 0.25
    assert not block_format("mxint8").decode(block_format("mxint8").encode(np.zeros(32))).any()
    with pytest.raises(Refusal, match="blocks of 32, not in shape"):
        fmt.encode(np.ones(33))
    with pytest.raises(Refusal, match="must be nvfp4 or mx"):
        block_format("e4m3")


def test_slugs_read_back():
    for slug in catalogue():
        assert parse(slug).slug == slug


@pytest.mark.parametrize(("name", "message"), [
    ("int0", "1 to 16 bits, not 0"), ("int17", "1 to 16 bits, not 17"), ("int8xe4m3", "Multiplier must be one of"),
    ("ternary", "Multiplier must be one of"), ("int8xpot5", "fields of 1 to 4 bits")])
def test_refused(name, message):
    with pytest.raises(Refusal, match=message):
        families.make(name)


def test_refused_designs():
    for slug, message in (("array_xnor_sign3_int32_4x4_ws", "_os must stand for _ws"),
                          ("mac_int16_int16", "at least 32 bits"), ("mac_int8_fp32", "Accumulator must be int32"),
                          ("mac_int8_int99", "Accumulator must be fp32"), ("mul_xnor_int8", "must be one of signs")):
        with pytest.raises(Refusal, match=message):
            parse(slug)
