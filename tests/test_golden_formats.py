"""Formats, and the exponents that families of floats state, against figures by hand and against all pairs of codes."""

import pickle

import numpy as np
import pytest
from lmul.golden.accumulators import Accumulator, parse_accumulator
from lmul.golden.families.exact import Exact
from lmul.golden.families.lmul import LMul, Mitchell
from lmul.golden.formats import FORMATS, SCALES, IntFormat, Ternary, block_format, float_format, format_named
from lmul.golden.formats import blocks as block_formats
from lmul.golden.formats.base import LARGEST_SCALE, SMALLEST_SCALE, as_codes, code_dtype, sorted_values
from lmul.golden.formats.fitting import least_squares
from lmul.golden.formats.signs import MAX_SIGNS, Signs
from lmul.golden.matrix_product import named
from lmul.golden.products import multiply, product, wide_value
from lmul.golden.refusal import Refusal
from lmul.golden.stimulus import all_pairs


def drawn(name, kind, rng, count=40, shape=(30,)):
    """Numbers of several draws of a kind, a row each."""
    fmt = format_named(name)
    return np.array([fmt.decode(fmt.sample(kind, shape, rng)) for _ in range(count)])


def test_integers_of_every_width():
    for width in range(1, 17):
        half = 2 ** (width - 1)
        signed, plain = format_named(f"int{width}"), format_named(f"uint{width}")
        assert (signed.low, signed.high, plain.low, plain.high) == (-half, half - 1, 0, 2 * half - 1)
        assert (signed.max_finite, plain.max_finite) == (half - 1, 2 * half - 1)
        assert (signed.magnitude, plain.magnitude) == (half - 1 or 1, 2 * half - 1)
        assert signed.decode([0, half - 1, half, 2 * half - 1]).tolist() == [0, half - 1, -half, -1]
        assert plain.decode([0, half, 2 * half - 1]).tolist() == [0, half, 2 * half - 1]
        assert signed.codes([-1, half, 2 * half]).tolist() == [2 * half - 1, half, 0]
        for fmt, says in ((signed, True), (plain, False)):
            assert (fmt.width, fmt.signed, fmt.per_code) == (width, says, 1) and fmt.integer and fmt.binary
            assert fmt.describe() == {"name": fmt.name, "kind": "integer", "width": width, "signed": says}
    assert IntFormat("int32", 32).numbers(np.array([2**31, 2**32 - 1, 1])).tolist() == [-(2**31), -1, 1]
    assert IntFormat("int64", 64).codes([-1, 5]).tolist() == [2**64 - 1, 5]
    assert IntFormat("int48", 48).decode([2**48 - 1, 5]).tolist() == [-1, 5]  # no table could hold all of them


@pytest.mark.parametrize("name", ["int0", "int17", "uint0", "uint17", "int08", "uint01"])
def test_integers_refused(name):
    with pytest.raises(Refusal, match=f"Integer operands must have 1 to 16 bits, not {name.lstrip('uint')}"):
        format_named(name)


def test_corners():
    """Powers of two and one less, and both negated: of four bits 1, 2, 4, 8, 0, 3, 7, and modulo 16 their negatives."""
    for name in ("int4", "uint4"):
        assert format_named(name).corners().tolist() == [0, 1, 2, 3, 4, 7, 8, 9, 12, 13, 14, 15]
    assert format_named("int1").corners().tolist() == [0, 1]
    assert format_named("uint8").corners().dtype == np.uint8 and format_named("int9").corners().dtype == np.uint16
    # Other formats: all codes, or 256 evenly spaced ones.
    assert format_named("ternary").corners().tolist() == [0, 1, 2, 3]
    assert format_named("sign8").corners().tolist() == list(range(256))
    assert format_named("sign9").corners().tolist() == [int(place * 511 / 255) for place in range(256)]


@pytest.mark.parametrize(("name", "wanted"), [
    ("int4", {"largest": [-8, 7], "nothing": [0], "smallest": [-1, 0, 1], "random": range(-8, 8)}),
    ("uint4", {"largest": [0, 15], "nothing": [0], "smallest": [0, 1], "random": range(16)}),
    ("int1", {"largest": [-1, 0], "nothing": [0], "subnormals": [-1, 0], "random": [-1, 0]}),
    ("ternary", {"largest": [-1, 1], "nothing": [0], "smallest": [-1, 0, 1], "random": [-1, 0, 1]}),
    ("pot3", {"largest": [-64, 64], "nothing": [0], "smallest": [-1, 0, 1],
              "random": [0, *(sign * 2**n for n in range(7) for sign in (1, -1))]}),
    ("pot2k2", {"largest": [-8, 8], "nothing": [0], "subnormals": [-1, 0, 1],
                "random": [-8, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 8]}),
    ("pot3k2", {"largest": [-128, 128], "nothing": [0], "smallest": [-1, 0, 1]}),
    ("e8m0", {"nothing": [2.0**-127], "smallest": [2.0**-127, 2.0**-126], "largest": [2.0**-127, 2.0**127]}),
    ("ue4m3", {"nothing": [0], "smallest": [0, 2.0**-9], "largest": [0, 448]}),
])
def test_samples_hold_exactly(name, wanted, seed):
    rng = np.random.default_rng(seed)
    for kind, numbers in wanted.items():
        rows = drawn(name, kind, rng)
        assert sorted(set(rows.ravel().tolist())) == sorted(set(map(float, numbers)))
        if kind == "largest":  # either end throughout a draw, or one as likely as the other
            mixed = [len(set(row.tolist())) == 2 for row in rows]
            assert any(mixed) and not all(mixed)
    codes = format_named(name).sample("largest", (2, 3), rng)
    assert codes.shape == (2, 3) and codes.dtype == code_dtype(format_named(name).width)


def test_samples_of_packed_signs(seed):
    """The ends are all signs alike; next to nothing are codes half of whose signs differ."""
    rng = np.random.default_rng(seed)
    for kind, sums in (("largest", {-4, 4}), ("nothing", {0}), ("smallest", {-2, 0, 2}),
                       ("random", {-4, -2, 0, 2, 4})):
        assert set(drawn("sign4", kind, rng).sum(axis=-1).ravel()) == sums
        assert set(drawn("sign1", kind, rng).ravel()) == {-1, 1}  # of one magnitude


@pytest.mark.parametrize(("name", "kind", "low", "high"), [
    ("e4m3", "random", 0, 0x7E), ("e4m3", "nothing", 0, 0), ("e4m3", "subnormals", 0, 7), ("e4m3", "smallest", 8, 15),
    ("e4m3", "largest", 0x7E, 0x7E), ("e5m2", "random", 0, 0x7B), ("e2m1", "random", 0, 7),
    ("e2m1", "smallest", 2, 3), ("l3f4", "random", 0, 127), ("l3f4", "nothing", 0, 0), ("l3f4", "subnormals", 0, 1),
    ("l3f4", "smallest", 1, 16), ("l3f4", "largest", 127, 127)])
def test_samples_of_signed_fields(name, kind, low, high, seed):
    """Every field from the lowest to the highest occurs, under either sign."""
    fmt, rng = format_named(name), np.random.default_rng(seed)
    codes = np.array([fmt.sample(kind, (100,), rng) for _ in range(60)])
    assert codes.dtype == code_dtype(fmt.width)
    assert sorted(set((codes & (fmt.sign_mask - 1)).ravel().tolist())) == list(range(low, high + 1))
    alike = [len(set(row.tolist())) == 1 for row in codes >> (fmt.width - 1)]
    assert set((codes >> (fmt.width - 1)).ravel().tolist()) == {0, 1}
    assert any(alike) == (kind == "largest") and not all(alike)
    counts = np.bincount(fmt.sample(kind, (40_000,), rng) & (fmt.sign_mask - 1))[low:]
    assert counts.max() < 1.5 * counts.mean()  # none more often than others


def test_codes():
    assert [code_dtype(width).itemsize for width in (1, 8, 9, 16, 17, 32, 33, 64)] == [1, 1, 2, 2, 4, 4, 8, 8]
    four, eight, ten = format_named("int4"), format_named("int8"), format_named("int10")
    assert as_codes(four, [0, 15]).dtype == np.uint8 and as_codes(four, np.array([], int)).shape == (0,)
    given = np.array([255], np.uint8)
    assert as_codes(eight, given) is given
    for fmt, codes, wrong in ((four, [16], 16), (four, [-1], -1), (four, [3, 16, 0], 16), (eight, [256], 256),
                              (four, np.array([16], np.uint8), 16), (ten, np.array([1024], np.uint16), 1024),
                              (eight, np.array([-1], np.int8), -1)):
        with pytest.raises(Refusal, match=f"must be 0 to {2**fmt.width - 1}, not {wrong}$"):
            as_codes(fmt, codes)
    with pytest.raises(Refusal, match="must be integers, not float64"):
        as_codes(four, [1.0])
    for overflow in ("wrap", ""):
        with pytest.raises(Refusal, match="Overflow must be 'saturate' or 'ieee'"):
            four.encode([0.0], overflow)
    assert four.read(15) == "-1" and format_named("sign3").read(0b110) == "1, -1, -1"
    assert format_named("pot3").read(0b1011) == "-4" and str(four) == "int4"


def test_what_all_formats_share():
    """Of many codes for a number the lowest; halves to the smaller magnitude; scales that clip nothing."""
    numbers, codes = sorted_values(format_named("ternary"))
    assert numbers.tolist() == [-1, 0, 1] and codes.tolist() == [3, 0, 1]
    numbers, codes = sorted_values(format_named("sign2"))
    assert numbers.tolist() == [-2, 0, 2] and codes.tolist() == [3, 1, 0]
    pot = format_named("pot3")
    assert pot.max_finite == 0b0111 and pot.magnitude == 64 and pot.describe() == {
        "name": "pot3", "kind": "powers", "width": 4, "exp_bits": 3, "powers": 1}
    assert pot.decode(pot.encode([0.5, -0.5, 0.51, 3, -3, 3.1, -3.1, 48, 49, 1e9, -1e9])).tolist() == [
        0, 0, 1, 2, -2, 4, -4, 32, 64, 64, -64]
    ue4m3 = SCALES["ue4m3"]
    assert ue4m3.magnitude == 448 and ue4m3.scale_for(np.array([-896.0, 3])) == 2
    assert ue4m3.scale_for(np.array([1e-307])) == SMALLEST_SCALE
    assert format_named("ternary").describe() == {"name": "ternary", "kind": "ternary", "width": 2}
    for name in ("int4", "uint3", "ternary", "pot3", "pot2k2", "e4m3", "l3f4"):
        fmt = format_named(name)
        assert fmt.powers == {"pot3": 1, "pot2k2": 2}.get(name, 0) and fmt.decode(fmt.neutral) == 0


def test_axes_of_packed_codes():
    fmt = format_named("sign2")
    a = np.where(np.arange(24).reshape(2, 3, 4) % 3, 1.0, -1.0)
    packed = fmt.pack(a)
    assert packed.shape == (2, 3, 2) and np.array_equal(fmt.along(packed, -1), a)
    b = a.transpose(0, 2, 1)
    assert np.array_equal(fmt.pack(b, -2), packed.transpose(0, 2, 1))
    assert np.array_equal(fmt.along(fmt.pack(b, -2), -2), b)
    with pytest.raises(Refusal, match="must come 2 to a code, not 3 in a row"):
        fmt.pack(a, -2)
    with pytest.raises(Refusal, match=r"must come 2 to a code, not in shape \(3,\)"):
        fmt.encode(np.ones(3))
    plain = format_named("int4")
    assert plain.pack(np.array([[1.0, -1]])).tolist() == [[1, 15]]
    assert plain.along(np.array([[1, 15]]), -2).tolist() == [[1, -1]]


def test_signs_of_every_width():
    """0 and -0 are coded as 1."""
    for width in range(1, MAX_SIGNS + 1):
        fmt = format_named(f"sign{width}")
        assert fmt == Signs(f"sign{width}", width) and fmt.per_code == width and fmt.max_finite == 0
        assert fmt.signs and fmt.integer and not fmt.binary
        values = np.where(np.arange(width) % 3 == 1, -1.0, 1.0)
        code = int(fmt.encode(values if width > 1 else values[0]))
        assert code == sum(1 << place for place in range(width) if place % 3 == 1)
        assert np.atleast_1d(fmt.decode(code)).tolist() == values.tolist()
        small = np.array([0.0, -0.0, -5e-324, 5e-324] * 4)[:width]
        found = int(fmt.encode(small if width > 1 else small[0]))
        assert found == sum(4 << place for place in range(0, 16, 4)) % (1 << width)
    for name in (f"sign{MAX_SIGNS + 1}", "sign99"):
        with pytest.raises(Refusal, match=f"must be 1 to 16, not {name[4:]}"):
            format_named(name)
    for name in ("sign0", "sign100", "sign01", "sign"):
        with pytest.raises(Refusal, match="Format must be one of"):
            format_named(name)
    one, four = format_named("sign1"), format_named("sign4")
    assert one.decode([[0, 1]]).tolist() == [[1, -1]] and one.encode([[2.0, -2]]).tolist() == [[0, 1]]
    assert four.scale_for(np.array([[1.0, -2], [3, -6]])) == 3 and four.magnitude == 1
    assert four.scale_for(np.array([SMALLEST_SCALE, 0, 0])) == SMALLEST_SCALE
    assert four.scale_for(np.full(4, LARGEST_SCALE)) == LARGEST_SCALE
    assert four.describe() == {"name": "sign4", "kind": "signs", "width": 4}


def test_ternary():
    fmt = format_named("ternary")
    assert fmt == Ternary() and (fmt.low, fmt.high, fmt.width, fmt.per_code, fmt.max_finite) == (-1, 1, 2, 1, 1)
    assert fmt.integer and not fmt.binary and not fmt.signs and fmt.decode(range(4)).tolist() == [0, 1, 0, -1]
    assert fmt.encode([0.0, -0.0, 0.5, -0.5, 0.51, -0.51, 7, -7]).tolist() == [0, 0, 0, 0, 1, 3, 1, 3]
    assert fmt.scale_for(np.array([2.0, -2, 0, 0])) == pytest.approx(2, rel=1e-12)


def test_powers():
    for exp_bits, count in ((1, 1), (4, 1), (4, 2), (4, 3), (3, 4), (2, 5), (1, 8), (1, 2)):
        fmt = format_named(f"pot{exp_bits}" + f"k{count}" * (count > 1))
        assert (fmt.exp_bits, fmt.count, fmt.powers, fmt.width) == (exp_bits, count, count, count * (exp_bits + 1))
        assert fmt.largest_shift == 2**exp_bits - 2
        assert (fmt.low, fmt.high) == (-count * 2**fmt.largest_shift, count * 2**fmt.largest_shift)
        assert fmt.decode(sum(1 << place * (exp_bits + 1) for place in range(count))) == count
        assert fmt.decode((1 << exp_bits) - 1) == 2**fmt.largest_shift
    assert format_named("pot3k2").decode(0b1_100_0_001) == -7
    for name in ("pot5", "pot4k4", "pot3k5", "pot9"):
        with pytest.raises(Refusal, match="fields of 1 to 4 bits and at most 16 bits"):
            format_named(name)
    for name in ("pot0", "pot3k1", "pot"):
        with pytest.raises(Refusal, match="Format must be one of"):
            format_named(name)


def test_least_squares(seed):
    """No scale of a fine grid has a smaller error; of a tensor that is codes times a scale nothing is left."""
    rng = np.random.default_rng(seed)
    for name in ("ternary", "pot3", "int4", "int2", "uint3", "int1"):
        fmt = format_named(name)
        values = rng.standard_normal(300)
        values = abs(values) if name.startswith("u") else -abs(values) if name == "int1" else values

        def error(scale, fmt=fmt, values=values):
            return ((values - scale * fmt.decode(fmt.encode(values / scale))) ** 2).sum()

        found = fmt.scale_for(values)
        least = min(error(abs(values).max() / fmt.magnitude * 2.0 ** (-step / 60)) for step in range(-60, 240))
        assert error(found) <= least * 1.001 and found == least_squares(fmt, rng.permutation(values))
        exact = fmt.decode(fmt.encode(values * 3 / abs(values).max() * fmt.magnitude / 2))
        scale = fmt.scale_for(exact * 0.37)
        assert np.allclose(scale * fmt.decode(fmt.encode(exact * 0.37 / scale)), exact * 0.37, rtol=1e-9)
    int4, pot3 = format_named("int4"), format_named("pot3")
    for step in rng.uniform(1, 2, 20):  # to the last bit: what rounding would gain is not taken
        assert int4.scale_for(np.arange(-7, 8) * step) == 7 * step / 7
    found = pot3.scale_for(np.array([1, 0.8]))  # both become one power of two: the mean is best
    assert np.allclose(found * pot3.decode(pot3.encode([1 / found, 0.8 / found])), 0.9, rtol=1e-12)
    assert format_named("int8").scale_for(np.array([254.0, 0.1])) == 2
    assert format_named("int8").scale_for(np.array([127.5] + [0.6] * 500)) == 127.5 / 127
    assert format_named("int7").scale_for(np.array([127.5] + [1.0] * 500)) != 127.5 / 63
    assert least_squares(format_named("ternary"), np.array([5e-324])) == SMALLEST_SCALE
    assert least_squares(format_named("ternary"), np.array([LARGEST_SCALE, -LARGEST_SCALE])) <= LARGEST_SCALE


@pytest.mark.parametrize(("name", "largest", "scale"), [
    ("e4m3", 448, 1), ("e4m3", np.nextafter(448, 449), 2), ("e4m3", 224, 0.5), ("e4m3", np.nextafter(224, 225), 1),
    ("e4m3", 256, 1), ("e5m2", 57344, 1), ("e5m2", np.nextafter(57344, 1e9), 2), ("e5m2", 28672, 0.5),
    ("e2m1", 6, 1), ("e2m1", 6.01, 2), ("e2m1", 3, 0.5), ("e2m1", 4, 1), ("e3m4", 15.5, 1), ("e3m4", 15.6, 2),
    ("bf16", 1, 1), ("bf16", 1.99, 1), ("bf16", 2, 2), ("bf16", 0.99, 0.5), ("fp16", 65504, 32768),
    ("e4m4", 1.5, 1), ("e4m4", 2, 2), ("bf16", 5e-324, 2.0**-1022), ("e4m3", 1e-320, 2.0**-1022)])
def test_scales_of_floats(name, largest, scale):
    fmt = format_named(name)
    assert fmt.scale_for(np.array([0.0, largest])) == fmt.scale_for(np.array([[-largest], [largest / 2]])) == scale


@pytest.mark.parametrize(("name", "figures"), [
    # width, min_normal, max_finite, inf, nan, l_m, magnitude
    ("e4m3", (8, 8, 0x7E, None, 0x7F, 3, 448)), ("e5m2", (8, 4, 0x7B, 0x7C, 0x7E, 2, 57344)),
    ("e3m4", (8, 16, 0x6F, 0x70, 0x78, 3, 15.5)), ("e2m3", (6, 8, 0x1F, None, None, 3, 7.5)),
    ("e3m2", (6, 4, 0x1F, None, None, 2, 28)), ("e2m1", (4, 2, 7, None, None, 1, 6)),
    ("bf16", (16, 128, 0x7F7F, 0x7F80, 0x7FC0, 4, 255 * 2.0**120)),
    ("fp16", (16, 1024, 0x7BFF, 0x7C00, 0x7E00, 4, 65504)), ("e3m5", (9, 32, 0xDF, 0xE0, 0xF0, 4, 15.75))])
def test_figures_of_floats(name, figures):
    fmt = format_named(name)
    assert (fmt.width, fmt.min_normal, fmt.max_finite, fmt.inf, fmt.nan, fmt.l_m, fmt.magnitude) == figures
    assert fmt.neutral == fmt.sign_mask == 1 << (fmt.width - 1) == fmt.field_mask + 1
    assert (fmt.man_mask, fmt.exp_mask) == (2**fmt.man_bits - 1, 2**fmt.exp_bits - 1)
    assert fmt.decode(fmt.min_normal) == 2.0 ** (1 - fmt.bias) and fmt.decode(fmt.bias << fmt.man_bits) == 1
    assert fmt.overflow_field("saturate") == fmt.max_finite
    if fmt.nan is not None:
        assert fmt.overflow_field("ieee") == (fmt.nan if fmt.inf is None else fmt.inf)
        assert fmt.encode([-1e300], "ieee") == fmt.overflow_field("ieee") | fmt.sign_mask
    assert fmt.encode([-1e300]) == fmt.max_finite | fmt.sign_mask
    assert fmt.describe() == {"name": name, "kind": "float", "width": fmt.width, "exp_bits": fmt.exp_bits,
                              "man_bits": fmt.man_bits, "bias": fmt.bias, "specials": fmt.specials.value}
    fields = np.arange(1 << (fmt.width - 1))
    nans = fmt.is_nan(fields)
    assert nans.sum() == (0 if fmt.nan is None else 1 if fmt.inf is None else fmt.man_mask)
    finite = fields[: fmt.max_finite + 1]
    assert np.array_equal(fmt.encode(fmt.decode(finite)), finite)
    middle = (fmt.decode(finite[1:]) + fmt.decode(finite[:-1])) / 2
    assert np.array_equal(fmt.encode(middle), finite[:-1] + (finite[:-1] & 1))
    for toward, wanted in ((0, finite[:-1]), (np.inf, finite[1:])):
        assert np.array_equal(fmt.encode(np.nextafter(middle, toward)), wanted)


def test_corners_of_floats():
    assert format_named("e2m1").corners().tolist() == list(range(16))
    assert sorted(set(range(32)) - set(format_named("e3m2").corners().tolist())) == [23, 24, 25, 26, 27]
    e5m2 = {*range(7), *range(0x1E, 0x23), *range(0x32, 0x47), 0x78, *range(0x7A, 0x80)}
    assert set(format_named("e5m2").corners().tolist()) == {field | sign for field in e5m2 for sign in (0, 0x80)}
    fmt = format_named("e4m3")
    one = 0x38
    wanted = {*range(0, 3), *range(6, 11), *range(0x7C, 0x80), *range(one // 2 + 4 - 2, one // 2 + 4 + 3), one | 4,
              0x78, *(1 << bit for bit in range(3)), *(0x78 | 1 << bit for bit in range(3))}
    for start in (one - 16, one - 8, one, one + 8, one + 16):
        wanted |= set(range(start - 2, start + 3))
    assert set(fmt.corners().tolist()) == {field | sign for field in wanted | {0x7D} for sign in (0, 0x80)}


def test_floats_refused():
    for name, message in (("e1m3", "Exponent bits must be 2 to 8, not 1"), ("e9m3", "must be 2 to 8, not 9"),
                          ("e4m24", "Mantissa bits must be 1 to 23, not 24"), ("e4m0", "Format must be one of"),
                          ("e04m3", "Format must be one of")):
        with pytest.raises(Refusal, match=message):
            float_format(name)
    assert (float_format("e2m23").bias, float_format("e8m1").bias, float_format("e4m4").bias) == (1, 127, 7)
    assert all(float_format(name) is fmt for name, fmt in FORMATS.items())


def test_scales():
    e8m0, ue4m3 = SCALES["e8m0"], SCALES["ue4m3"]
    for overflow, beyond in (("saturate", 254), ("ieee", 255)):
        assert e8m0.encode([2.0**127, 1.49 * 2.0**127, 1.5 * 2.0**127, np.nan, np.inf], overflow).tolist() == [
            254, 254, beyond, 255, beyond]
    assert e8m0.encode([-3.0, -np.inf, 0, 2.0**-127, 2.0**-140, 1.5, 1.49]).tolist() == [0, 0, 0, 0, 0, 128, 127]
    assert e8m0.encode([2.0**-126]).tolist() == [1]
    assert (e8m0.width, e8m0.neutral, e8m0.max_finite, ue4m3.width, ue4m3.max_finite) == (8, 127, 254, 7, 126)
    assert e8m0.has_nan and ue4m3.has_nan and format_named("e8m0") is e8m0 and format_named("ue4m3") is ue4m3
    for overflow, beyond in (("saturate", 126), ("ieee", 127)):
        assert ue4m3.encode([1e9, np.nan, -1, -0.0, 2.0**-9], overflow).tolist() == [beyond, 127, 0, 0, 1]


def test_blocks():
    fmt, small = block_format("mxe2m1"), block_format("nvfp4")
    assert (fmt.name, fmt.element, fmt.scale, fmt.size) == ("mxe2m1", FORMATS["e2m1"], SCALES["e8m0"], 32)
    assert (small.element, small.scale, small.size, str(small)) == (FORMATS["e2m1"], SCALES["ue4m3"], 16, "nvfp4")
    # 7 has exponent 2, as has 6: the scale is 1 and 7 saturates. 8 has exponent 3: the scale is 2.
    for largest, scale in ((7.0, 127), (8.0, 128), (4.0, 127), (3.9, 126), (2.0**-130, 0), (0.0, 0), (-8.0, 128)):
        blocks = fmt.encode(np.array([largest] + [0.0] * 31))
        assert blocks.scales.tolist() == [scale] and blocks.elements.shape == (32,)
    values = np.zeros((2, 32))
    values[0, 3], values[0, 20], values[1, 0] = 6, -12, 1e-9
    blocks = small.encode(values)
    assert small.scale.decode(blocks.scales).tolist() == [[1, 2], [0, 0]]
    assert small.decode(blocks)[0, [3, 20]].tolist() == [6, -12] and not small.decode(blocks)[1].any()
    for wrong, message in ((np.ones(31), "blocks of 32, not in shape"), (np.array(1.0), "blocks of 32"),
                           (np.full(32, np.nan), "must be finite"), (np.full(32, np.inf), "must be finite")):
        with pytest.raises(Refusal, match=message):
            fmt.encode(wrong)
    assert block_formats.read("e2m1", format_named) is None


def test_accumulators():
    for word, kind, depth, bits in (("fixed", "fixed", 4096, 32), ("fixed7", "fixed", 7, 32), ("carrysave", "carrysave",
                                    4096, 32), ("fixed999999", "fixed", 999999, 32), ("int16", "int", None, 16),
                                    ("int64", "int", None, 64), ("fp32", "float", None, 32)):
        acc = parse_accumulator(word)
        assert (acc.kind, acc.depth, acc.bits, acc.name) == (kind, depth, bits, word)
        assert (acc.rounds, acc.integer, acc.exact) == (kind == "float", kind == "int", "d" in word or "c" in word)
        assert acc.words == (2 if kind == "carrysave" else 1)
        assert acc.result == (IntFormat(word, bits) if kind == "int" else FORMATS["fp32"])
    for word in ("int15", "int65", "fixed0", "fixed1000000", "fixed4m", "e2m1", "e4m3", "int8", "l3f4", "ternary"):
        with pytest.raises(Refusal, match="Accumulator must be fp32"):
            parse_accumulator(word)
    assert parse_accumulator("fixed4096").name == "fixed" and Accumulator("int").bits == 32
    wide = IntFormat("int17", 17)
    Accumulator("int", bits=17).check(wide, "it")
    for acc, fmt, message in ((Accumulator("int", bits=16), wide, "at least 17 bits for it"),
                              (parse_accumulator("fp32"), wide, "must be int32 for it"),
                              (parse_accumulator("int32"), FORMATS["e4m3"], "must be a float format")):
        with pytest.raises(Refusal, match=message):
            acc.check(fmt, "it")


PAIRS = [("e4m3", "e4m3"), ("e5m2", "e5m2"), ("e2m3", "e2m3"), ("e2m1", "e2m1"), ("e4m3", "e2m1"), ("e5m2", "e3m2")]


def fits(low, high, bits, signed):
    """Whether integers from ``low`` to ``high`` have room in so many bits."""
    return -(1 << (bits - 1)) <= low and high < 1 << (bits - 1) if signed else low >= 0 and high < 1 << bits


def logarithms(fmt, codes):
    """Mitchell's: exponent and fraction of the magnitudes of codes, in one number."""
    fraction, exponent = np.frexp(abs(fmt.decode(codes)))
    return exponent - 1 + 2 * fraction - 1


def best_halves(man_a, man_b, step):
    """The offset, in halves and a multiple of ``step``, of the least mean squared relative error over all mantissas."""
    x, y = (np.arange(1 << bits) / (1 << bits) for bits in (man_a, man_b))
    total, exact = x[:, None] + y, (1 + x[:, None]) * (1 + y)

    def error(halves):
        moved = total + halves / (2 << man_a)
        return ((np.ldexp(1 + moved % 1, np.floor(moved).astype(np.int32)) / exact - 1) ** 2).mean()

    return min(range(0, 1 << man_a, step), key=error)  # from none to half a mantissa


def check_range(spec):
    """What a family states of its wide products, against all of them that are numbers other than 0."""
    a, b = all_pairs(spec)
    products, values = product(spec, a, b), abs(wide_value(spec, product(spec, a, b)))
    some = ~(products.zero | products.inf | products.nan)
    low, high = int(products.exp[some].min()), int(products.exp[some].max())
    assert spec.exp_range == (low, high)
    bits, signed = spec.wide.exp_bits, spec.wide.exp_signed
    assert fits(low, high, bits, signed) and not fits(low, high, bits - 1, signed) and (signed or low >= 0)
    top = values[some].max()
    assert np.ldexp(float(spec.largest), high - spec.wide.exp_bias - spec.wide.frac_bits) == top
    ones = np.array([int(sig).bit_length() for sig in np.unique(products.sig[some])])
    assert spec.leading == (0 if spec.wide.implicit_one else spec.wide.sig_bits - ones.min())
    return a[some], b[some], values[some]


@pytest.mark.parametrize("subnormals", ["flush", "exact"])
@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_sums_of_fields_over_all_pairs(a, b, subnormals):
    first, second = format_named(a), format_named(b)
    one, reach = 1 << first.man_bits, (1 << first.man_bits) - 1
    offsets = {"paper": 1, "none": 0, reach: reach, -reach: -reach, reach + 0.5: reach + 0.5,
               -reach - 0.5: -reach - 0.5, 0.5: 0.5, -0.5: -0.5, "best": None}
    for offset, places in offsets.items():
        spec = LMul(first, second, subnormals, offset=offset)
        x, y, values = check_range(spec)
        if places is None:
            places = best_halves(first.man_bits, second.man_bits, 1) / 2
            assert 2 * spec.offset_value == best_halves(first.man_bits, second.man_bits, 2)
        assert spec.wide_offset / (1 << spec.half) == places
        for fmt, codes in ((first, np.unique(x)), (second, np.unique(y))):
            addends, exponents = spec.factors(fmt, codes.astype(int) & fmt.field_mask)
            assert exponents == 0
            assert np.array_equal(addends, (logarithms(fmt, codes) + fmt.bias) * (1 << spec.wide.frac_bits))
        assert spec.offset_value == (places if places % 1 == 0 else spec.offset_value)
        assert spec.offset_halves == 2 * places and spec.half == (places % 1 != 0)
        total = logarithms(first, x) + logarithms(second, y) + places / one
        assert np.array_equal(values, np.ldexp(1 + total % 1, np.floor(total).astype(np.int32)))
        assert spec.constants() == {"offset": offset, "offset_value": places}
        if spec.half and offset != "best":
            assert spec.offset_value == places - 0.5 and "half a place" in spec.wide_only
            continue
        assert offset == "best" or spec.wide_only is None
        total = total - (places - spec.offset_value) / one
        size = np.ldexp(1 + total % 1, np.floor(total).astype(np.int32))
        size = np.where(size < first.decode(first.min_normal), 0, np.minimum(size, first.magnitude))
        assert np.array_equal(abs(first.decode(multiply(spec, x, y))), size)
    plain = Mitchell(first, second, subnormals)
    assert (plain.offset_value, plain.offset_halves, plain.half, plain.wide_offset) == (0, 0, 0, 0)
    for spec in (plain, LMul(first, second, subnormals)):
        bits = first.man_bits + 1
        assert spec.rival == Exact(first, second, subnormals)
        if bits < spec.rival.work_bits:
            assert spec.rivals == (spec.rival, Exact(first, second, subnormals, rounded=bits),
                                   Exact(first, second, subnormals, cut=bits))
    check_range(plain)


@pytest.mark.parametrize("subnormals", ["flush", "exact"])
@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_exact_products_over_all_pairs(a, b, subnormals):
    first, second = format_named(a), format_named(b)
    most = first.man_bits + second.man_bits + 2
    plain = Exact(first, second, subnormals)
    assert (plain.work_bits, plain.wide.sig_bits, plain.wide.frac_bits) == (most, most, most - 2)
    assert (plain.detail, plain.title, plain.rival, plain.form) == ("", "exact", None, "significands")
    assert plain.multiplication == (first.man_bits + 1, second.man_bits + 1) and plain.wide_only is None
    x, y, values = check_range(plain)
    for fmt, codes in ((first, np.unique(x)), (second, np.unique(y))):
        significands, exponents = plain.factors(fmt, codes.astype(int) & fmt.field_mask)
        assert np.array_equal(np.ldexp(significands.astype(float), exponents - fmt.bias - fmt.man_bits),
                              abs(fmt.decode(codes)))
    exact = abs(first.decode(x) * second.decode(y))
    assert np.array_equal(values, exact)
    narrow = abs(first.decode(multiply(plain, x, y)))
    if subnormals == "exact":
        assert np.array_equal(narrow, first.decode(first.encode(exact)))
    else:
        mantissa, exponent = np.frexp(exact)  # rounded with the exponent unbounded, then flushed
        rounded = np.ldexp(np.rint(np.ldexp(mantissa, first.man_bits + 1)), exponent - first.man_bits - 1)
        rounded = np.where(rounded < first.decode(first.min_normal), 0, np.minimum(rounded, first.magnitude))
        assert np.array_equal(narrow, rounded)
    for bits in range(2, most):
        for name, whole in (("rounded", np.rint), ("cut", np.floor)):
            spec = Exact(first, second, subnormals, **{name: bits})
            x, y, values = check_range(spec)
            mantissa, exponent = np.frexp(abs(first.decode(x) * second.decode(y)))
            assert np.array_equal(values, np.ldexp(whole(np.ldexp(mantissa, bits)), exponent - bits))
            assert spec.wide.exp_signed == (spec.exp_range[0] < 0) and spec.wide.sig_bits == bits - 1
            assert (spec.kept, spec.detail, spec.title) == (bits, f"{bits} bits", f"{name} exact")
            assert spec.rival == plain and spec.form is None
            assert f"{bits} bits are wide ones, so '{name[0] if name == 'rounded' else 't'}{bits}'" in spec.wide_only
    for name in ("rounded", "cut"):
        for bits in (1, most):
            with pytest.raises(Refusal, match=f"wide products are {name} must be 2 to {most - 1} for"):
                Exact(first, second, subnormals, **{name: bits})
    with pytest.raises(Refusal, match="rounded or cut, not both"):
        Exact(first, second, rounded=2, cut=2)


def test_what_stands_under_the_flag_of_zero():
    """What the hardware computes: flushed, a zero is 1.0 of exponent 0; normalised, 1.0 as many places below exponent 1
    as a shifter in stages of 1, 2, 4 places has for the mantissa: of 3 or 4 bits 4, of 2 bits 2. Here times 1.5."""
    for name, places in (("e4m3", 4), ("e5m2", 2), ("e2m1", 1), ("e3m4", 4)):
        fmt = FORMATS[name]
        one_and_half = (fmt.bias << fmt.man_bits) + (1 << (fmt.man_bits - 1))
        for subnormals, least in (("exact", 1 - places), ("flush", 0)):
            spec = Exact(fmt, fmt, subnormals, rounded=2)
            found = product(spec, [0, one_and_half, 0], [one_and_half, 0, 0])
            assert found.zero.all() and found.sig.tolist() == [1, 1, 0]
            exps = np.array([fmt.bias + least, fmt.bias + least, 2 * least])
            assert np.array_equal(found.exp, spec.wide.wrapped(exps))


def test_offsets_by_figures():
    """The paper's is 2**-l(m), in last places: of a mantissa of 4 bits 2, of 7 bits 8. The best of 10 bits may be half
    a place, of 11 not."""
    best = LMul(FORMATS["fp16"], FORMATS["e3m2"], offset="best")
    assert best.offset_halves == best_halves(10, 2, 1) and best.half == 1
    assert LMul(format_named("e5m11"), FORMATS["e3m2"], offset="best").half == 0
    for name, places in (("e4m3", 1), ("e5m2", 1), ("e3m4", 2), ("bf16", 8), ("fp16", 64), ("fp32", 2**19)):
        spec = LMul(FORMATS[name], FORMATS[name])
        assert (spec.offset_value, spec.offset_halves, spec.wide_offset, spec.half) == (places, 2 * places, places, 0)
        reach = 1 << FORMATS[name].man_bits
        for offset, largest in ((reach, reach - 1), (-reach, reach - 1), (reach + 0.5, reach - 0.5)):
            with pytest.raises(Refusal, match=rf"within \+-{largest} for {name}, not {offset}"):
                LMul(FORMATS[name], FORMATS[name], offset=offset)
    for offset in (1.0, 0.25, "half"):
        with pytest.raises(Refusal, match="Offset must be 'paper', 'none', 'best', an integer or half"):
            LMul(FORMATS["e4m3"], FORMATS["e4m3"], offset=offset)
    for policy in ({"subnormals": "keep"}, {"overflow": "wrap"}):
        with pytest.raises(Refusal, match="must be '.*' or '.*', not"):
            LMul(FORMATS["e4m3"], FORMATS["e4m3"], **policy)


def test_pairs_of_floats_refused():
    e4m3, e5m2, e3m2, e2m1 = (FORMATS[name] for name in ("e4m3", "e5m2", "e3m2", "e2m1"))
    for family in (LMul, Mitchell, Exact):
        for a, b in ((format_named("int8"), e4m3), (e4m3, format_named("int8")), (format_named("l3f4"), e2m1)):
            with pytest.raises(Refusal, match=f"must be floats, not {a} and {b}"):
                family(a, b)
        for a, b in ((e4m3, e5m2), (e5m2, e4m3), (e2m1, e3m2), (e2m1, e4m3), (e3m2, FORMATS["e2m3"])):
            with pytest.raises(Refusal, match=f"must be the wider, not {a} by {b}"):
                family(a, b)
        with pytest.raises(Refusal, match="must have the specials of the second, not e4m3 by e3m3"):
            family(e4m3, format_named("e3m3"))
        with pytest.raises(Refusal, match="which has neither Inf nor NaN, not 'ieee'"):
            family(e2m1, e2m1, overflow="ieee")
        assert family(e4m3, e4m3, overflow="ieee").neutral == (0x80, 0) and family(e4m3, e2m1).align == 2


@pytest.mark.parametrize("name", ["mxe4m3", "mxint8", "mxl3f4", "nvfp4"])
def test_a_block_format_that_went_to_another_process_is_the_same(name, seed):
    """Jobs of a pool get formats that were pickled, which are equal and not identical."""
    block = named(name)
    values = np.random.default_rng(seed).normal(size=(40, block.size))
    here, there = block.encode(values), pickle.loads(pickle.dumps(block)).encode(values)
    assert np.array_equal(here.elements, there.elements) and np.array_equal(here.scales, there.scales)
