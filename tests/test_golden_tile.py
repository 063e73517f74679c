"""Tiles against the definition of docs/tile.md, written down again in fractions: words of all pairs of 8-bit codes,
sums, blocks at the ends of their scales, NaN, results; and float matrices."""

from fractions import Fraction
from functools import lru_cache
from itertools import product as product_of
from math import floor, log2

import ml_dtypes
import numpy as np
import pytest
from lmul.golden import tile_sums
from lmul.golden.errors import result_errors
from lmul.golden.formats import FORMATS, block_format, code_dtype
from lmul.golden.operands import load_recording, quantise
from lmul.golden.refusal import Refusal
from lmul.golden.tile import Tile
from lmul.golden.tile_cut import cut
from lmul.golden.tile_matrices import Quantised, matmul_floats, numbers, quantised, ready
from lmul.golden.tile_sums import (
    Scales,
    drained,
    partial_sums,
    place_for,
    room_above,
    tile_matmul,
    top_for,
    words,
)
from lmul.hdl.designs import parse

TYPES = {"e4m3": (ml_dtypes.float8_e4m3fn, 7), "e5m2": (ml_dtypes.float8_e5m2, 15), "e3m4": (ml_dtypes.float8_e3m4, 3),
         "e2m1": (ml_dtypes.float4_e2m1fn, 1), "e3m2": (ml_dtypes.float6_e3m2fn, 3),
         "e2m3": (ml_dtypes.float6_e2m3fn, 1), "bf16": (ml_dtypes.bfloat16, 127)}


def tile_of(words):
    return parse(f"tile_{words}").tile


def number(fmt, code):
    """A code's number by ml_dtypes: a fraction, or None of what is none."""
    kind, _ = TYPES[fmt.name]
    value = float(np.array([code], np.uint16 if fmt.width > 8 else np.uint8).view(kind)[0])
    return Fraction(value) if np.isfinite(value) else None


def exponent(value):
    """Of a positive fraction's leading bit."""
    found = round(log2(value))
    return found if Fraction(2) ** found <= value else found - 1


@lru_cache(maxsize=1 << 16)
def parts(fmt, code):
    """Significand and exponent field of a float: 1 and more, or of a subnormal less, with field 1."""
    value, bias = abs(number(fmt, code)), TYPES[fmt.name][1]
    field = max(exponent(value) + bias, 1) if value else 1
    return value / Fraction(2) ** (field - bias), field


def product(spec, x, y, offset=Fraction(0)):
    """Significand and exponent of the product of fields ``x`` and ``y``; None of zero."""
    if spec.kind == "log":
        if not x or not y:
            return None
        total = Fraction(x, 1 << spec.a.man_bits) + Fraction(y, 1 << spec.b.man_bits) + offset
        fraction = total - floor(total)
        if spec.table:
            one = 1 << (spec.table - 1)
            return Fraction(floor(2.0 ** float(fraction) * one + 0.5), one), floor(total)
        return 1 + fraction, floor(total)
    (a, of_a), (b, of_b) = parts(spec.a, x), parts(spec.b, y)
    flush = spec.kind != "exact" or spec.subnormals == "flush"
    if not a or not b or (flush and min(a, b) < 1):
        return None
    if spec.kind == "exact":
        return a * b, of_a + of_b
    total = a - 1 + b - 1 + offset
    return 1 + total - floor(total), of_a + of_b + floor(total)


def word(tile, place, x, y, offset=Fraction(0)):
    """The word of a product of fields, of positive numbers."""
    found = product(tile.multiplier, x, y, offset)
    if found is None:
        return 0
    significand, exp = found
    p, top = exp - place, tile.window - (3 if tile.multiplier.kind == "exact" else 2)
    if not -2 <= p <= top:
        return 0
    return 2 * (floor(significand * (1 << p)) if p >= 0 else floor(significand / (1 << -p))) + 1


#: Tiles, and the constant that their products have on top of the sum of the fields.
WORDS = {"lmul_e4m3_4x1_w10": Fraction(1, 8), "lmul_e4m3_offh1_4x1_w8": Fraction(1, 16),
         "lmul_e5m2_4x1_w9": Fraction(1, 4),
         "mitchell_e4m3_4x1_w24": 0, "exact_e4m3_4x1_w10": 0, "exact_e4m3_flush_4x1_w7": 0, "exact_e5m2_4x1_w12": 0,
         "exact_e3m4_4x1_w10": 0, "log_l3f4_none_4x1_w10": 0, "log_l3f4_off2_4x1_w6": Fraction(1, 8),
         "log_l3f4_t6_4x1_w12": 0, "exact_e4m3xe2m1_4x1_w10": 0, "exact_mxe3m2_4x1_w8": 0, "exact_mxe2m3_4x1_w10": 0}


@pytest.mark.parametrize("words_of", WORDS)
def test_words_of_all_pairs(words_of):
    """At the first, the last and a middle place; with every sign."""
    tile, offset = tile_of(words_of), WORDS[words_of]
    spec = tile.multiplier
    x, y = (np.arange(fmt.max_finite + 1) for fmt in (spec.a, spec.b))
    for place in sorted({tile.places[0], tile.places[len(tile.places) // 2], tile.places[-1]}):
        found = words(tile, place, x.astype(np.uint8)[:, None], y.astype(np.uint8)[None])
        wanted = np.zeros((len(x), len(y)), np.int64)
        step = 1 if place == tile.places[-1] else 3
        for n in range(0, len(x), step):
            wanted[n] = [word(tile, place, n, m, Fraction(offset)) for m in y.tolist()]
        assert np.array_equal(found[::step], wanted[::step]), place
        for signs in ((1, 0), (0, 1), (1, 1)):
            a, b = ((codes | sign * fmt.sign_mask).astype(np.uint8)
                    for codes, sign, fmt in zip((x, y), signs, (spec.a, spec.b), strict=True))
            sign = -1 if sum(signs) == 1 else 1
            assert np.array_equal(words(tile, place, a[:, None], b[None]), sign * found)


def test_words_of_wider_codes(seed):
    rng = np.random.default_rng(seed)
    for words_of, offset in (("lmul_bf16_4x1_w12", Fraction(8, 128)), ("exact_bf16xe4m3_4x1_w12", Fraction(0)),
                             ("lmul_bf16xe4m3_4x1_w12", Fraction(8, 128))):
        tile = tile_of(words_of)
        spec, place = tile.multiplier, tile.places[len(tile.places) // 2]
        a = rng.integers(0, spec.a.max_finite + 1, 3000).astype(np.uint16)
        b = rng.integers(0, spec.b.max_finite + 1, 3000).astype(code_dtype(spec.b.width))
        found = words(tile, place, a, b)
        assert found.any()
        assert found.tolist() == [word(tile, place, x, y, offset) for x, y in zip(a.tolist(), b.tolist(), strict=True)]


def test_words_of_integers():
    tile = tile_of("int8xint4_4x1")
    a, b = np.meshgrid(np.arange(-128, 128), np.arange(-8, 8))
    assert np.array_equal(words(tile, 0, a.astype(np.uint8), (b & 15).astype(np.uint8)), a * b)
    assert tile.word_range == (-1016, 1024) and tile.exponent(0) == 0 and not tile.flagged and tile.flags == 0


# Sums.


def rounded(value):
    """A fraction to 24 bits, ties to even: what fp32 makes of it."""
    if not value:
        return Fraction(0)
    place = Fraction(2) ** (exponent(abs(value)) - 23)
    return round(value / place) * place


SCALES = {"e8m0": lambda code: (1, code, 127), "ue4m3": lambda code: ((8 if code > 7 else 0) + code % 8,
                                                                      max(code >> 3, 1), 10)}


def total(tile, place, top, a, b, of_a, of_b):
    """The partial sum of one row and column, by passes."""
    lanes, found = tile.lanes, 0
    table = {}
    for n in range(0, len(a), lanes):
        lane_sum = 0
        for x, y in zip(a[n : n + lanes], b[n : n + lanes], strict=True):
            if (x, y) not in table:
                table[x, y] = int(words(tile, place, np.array([x], np.uint8), np.array([y], np.uint8))[0])
            lane_sum += table[x, y]
        if not tile.blocks:
            found += lane_sum
            continue
        sigs, exps = 1, 0
        for block, codes in ((tile.a_block, of_a), (tile.b_block, of_b)):
            if block:
                sig, exp, _ = SCALES[block.scale.name](codes[n // block.size])
                sigs, exps = sigs * sig, exps + exp
        found += floor(Fraction(lane_sum * sigs << 16) / Fraction(2) ** (top - exps))
    return found


def is_nan(fmt, code):
    return (fmt.has_nan or fmt.has_inf) and number(fmt, code) is None


DESIGNS = ["lmul_e4m3_4x3_w10", "int8_8x2", "log_mxl3f4_8x2_w10", "exact_nvfp4_4x2_w10", "mxint8_16x2",
           "exact_mxe5m2_32x1_w12", "exact_mxe4m3xmxe2m1_16x2_w9", "exact_mxe4m3xnvfp4_8x2_w9",
           "lmul_e5m2xmxe2m1_16x2_w10"]


@pytest.mark.parametrize("words_of", DESIGNS)
@pytest.mark.parametrize("ends", [False, True])
def test_matrix_products(words_of, ends, seed):
    """Scales near each other, and at their ends: the smallest, the largest, NaN."""
    tile, rng = tile_of(words_of), np.random.default_rng(seed)
    spec, rows, cols, depth = tile.multiplier, 5, 3, 64
    a = rng.integers(0, 1 << spec.a.width, (rows, depth)).astype(np.uint8)
    b = rng.integers(0, 1 << spec.b.width, (depth, cols)).astype(np.uint8)
    for codes, fmt in ((a[:3], spec.a), (b[:, :2], spec.b)):  # without NaN
        codes[[[is_nan(fmt, code) for code in row] for row in codes.tolist()]] = 0
    scales = []
    for block, shape in ((tile.a_block, (rows, -1)), (tile.b_block, (-1, cols))):
        if block is None:
            scales.append(None)
            continue
        shape = [depth // block.size if size < 0 else size for size in shape]
        last = {"e8m0": 255, "ue4m3": 127}[block.scale.name]
        some = rng.choice([0, 1, 2, last - 2, last - 1], shape) if ends else rng.integers(50, 75, shape)
        if ends:
            some[-1, -1] = last
        scales.append(some.astype(np.uint8))
    result = tile_matmul(tile, a, b, Scales(*scales))
    top = 0
    for block, codes in ((tile.a_block, scales[0]), (tile.b_block, scales[1])):
        top += max((SCALES[block.scale.name](code)[1] for code in codes.ravel().tolist()), default=0) if block else 0
    assert result.top == top == top_for(tile, Scales(*scales))
    some_nan = False
    for i in range(rows):
        for j in range(cols):
            of_a = None if scales[0] is None else scales[0][i].tolist()
            of_b = None if scales[1] is None else scales[1][:, j].tolist()
            wanted = total(tile, result.place, top, a[i].tolist(), b[:, j].tolist(), of_a, of_b)
            nan = any(is_nan(spec.a, code) for code in a[i].tolist()) or any(
                is_nan(spec.b, code) for code in b[:, j].tolist())
            for block, codes in ((tile.a_block, of_a), (tile.b_block, of_b)):
                nan |= block is not None and {"e8m0": 255, "ue4m3": 127}[block.scale.name] in codes
            some_nan |= nan
            if tile.result.integer:
                assert result.codes.view(np.int32)[i, j] == wanted
            elif nan:
                assert result.codes[i, j] == 0x7FC00000
            else:
                assert Fraction(float(result.codes.view(np.float32)[i, j])) == rounded(Fraction(wanted))
    assert some_nan == (tile.flags == 1) or not ends


@pytest.mark.parametrize("words_of", ["lmul_bf16_64x1_w12", "exact_bf16_64x1_w12", "lmul_bf16_sub_64x1_w9",
                                      "exact_bf16_flush_64x1_w12", "lmul_fp16_offh1_64x1_w14", "log_l8f7_64x1_w12",
                                      "exact_fp16_64x1_w24", "exact_bf16_r8_64x1_w12", "int16_64x1"])
def test_sums_of_wide_codes_are_those_of_their_words(words_of, seed):
    """Of numbers about the window, zeros and subnormals; and where a NaN or an Inf is among them."""
    tile, rng = tile_of(words_of), np.random.default_rng(seed)
    spec = tile.multiplier
    a, b = (rng.integers(0, 1 << 16, shape).astype(np.uint16) for shape in ((6, 64), (64, 4)))
    if tile.window is not None:
        middle = tile.places[len(tile.places) // 2] >> 1
        for codes, fmt in ((a, spec.a), (b, spec.b)):
            fields = (middle << fmt.man_bits) + rng.integers(-(5 << fmt.man_bits), 9 << fmt.man_bits, codes.shape)
            codes[:] = np.clip(fields, 0, fmt.max_finite) | codes & fmt.sign_mask
            codes.flat[:9] = [0, fmt.sign_mask, 1, 2, fmt.man_mask, fmt.man_mask + 1, fmt.max_finite, 0, 5]
    for special in (False, tile.flags == 1):
        if special:
            a[2, 3], b[5, 1] = spec.a.max_finite + 1, spec.b.field_mask
        for place in {tile.places[0], tile.places[len(tile.places) // 2], tile.places[-1]}:
            found = partial_sums(tile, place, a, b, np.zeros((6, 4), np.uint64))
            wanted = words(tile, place, a[..., None], b[None]).sum(axis=1)
            assert np.array_equal(found & np.uint64((1 << tile.word_bits) - 1),
                                  wanted.view(np.uint64) & np.uint64((1 << tile.word_bits) - 1))
            assert ((found >> np.uint64(tile.word_bits)) == 1).sum() == (9 if special else 0)


#: Tiles whose sums are made by one operation of the processor for each product, in fp32 and in float64; by table.
MADE = ["lmul_e4m3_16x1_w10", "lmul_e4m3_sub_16x1_w10", "lmul_e4m3_offh1_16x1_w24", "exact_e4m3_16x1_w10",
        "exact_e5m2_flush_16x1_w12", "log_l3f4_16x1_w10", "log_l8f7_16x1_w12", "lmul_bf16_16x1_w12",
        "lmul_bf16_sub_16x1_w9", "exact_bf16_16x1_w24", "exact_fp16_16x1_w24", "mitchell_fp32_16x1_w20",
        "exact_fp32_16x1_w24", "exact_e8m12xe8m11_16x1_w24", "lmul_mxe4m3_16x1_w10", "exact_nvfp4_8x1_w10",
        "log_mxl3f4_32x1_w10", "exact_bf16xmxe4m3_16x1_w12"]
LOOKED_UP = ["log_mxl3f5_t7_32x1_w10", "exact_e4m3_r4_16x1_w10", "mxint8_32x1"]


@pytest.mark.parametrize("words_of", [*MADE, *LOOKED_UP])
def test_compiled_sums_are_those_of_words(words_of, seed, monkeypatch):
    """Of numbers in the octaves that count and beyond either end, zeros and subnormals, with both signs; of more rows
    and columns than are made together, and a depth that is no multiple of lanes; at places from the lowest on."""
    tile, rng = tile_of(words_of), np.random.default_rng(seed)
    spec, shapes = tile.multiplier, ((17, 65), (65, 257)) if not tile.blocks else ((17, 64), (64, 257))
    codes = []
    for fmt, shape in zip((spec.a, spec.b), shapes, strict=True):
        if spec.wide.integer:
            codes.append(rng.integers(0, 256, shape).astype(np.uint8))
            continue
        down = rng.integers(0, ((tile.span + 4) << fmt.man_bits), shape) >> rng.integers(0, 2, shape)
        some = np.maximum(fmt.max_finite - down, 0) | rng.integers(0, 2, shape) * fmt.sign_mask
        some.flat[:9] = [0, fmt.sign_mask, 1, fmt.man_mask, fmt.man_mask + 1, fmt.max_finite, 2, 5, 1 | fmt.sign_mask]
        codes.append(some.astype(code_dtype(fmt.width)))
    a, b = codes
    scales = Scales(*(block and rng.integers(60, 90, shape(64 // block.size)).astype(np.uint8)
                      for block, shape in ((tile.a_block, lambda n: (17, n)), (tile.b_block, lambda n: (n, 257)))))
    lowest = place_for(tile, a, b)
    for place in sorted({lowest, lowest + 3, lowest + 40} & set(tile.places)):
        given = tile, place, a, b, scales, top_for(tile, scales)
        assert (cut(tile, place, a, b) is None) == (words_of in LOOKED_UP)
        found, _ = tile_sums._sums(*given)
        with monkeypatch.context() as patched:
            patched.setattr(tile_sums, "_kernel", lambda *_: (None, None))
            wanted, _ = tile_sums._sums(*given)
        assert np.array_equal(found, wanted) and (found.any() or place > lowest)


@pytest.mark.parametrize("words_of", ["lmul_e4m3_4x1_w10", "exact_e4m3_4x1_w10", "exact_e5m2_4x1_w12",
                                      "lmul_e3m4_sub_4x1_w9", "exact_mxe2m3_4x1_w10", "log_l3f4_4x1_w10"])
def test_words_of_all_pairs_by_compiled_sums(words_of):
    """Sums of one product, at every place where none is above the window."""
    tile = tile_of(words_of)
    tile = Tile(tile.multiplier, tile.lanes, tile.window)
    a, b = (np.flatnonzero((np.arange(1 << fmt.width) & fmt.field_mask) <= fmt.max_finite).astype(np.uint8)
            for fmt in (tile.multiplier.a, tile.multiplier.b))
    rows = np.array_split(a, 16)  # with fewer codes in a matrix the largest product is another
    for some, place in product_of(rows, tile.places):
        if cut(tile, place, some[:, None], b[None]) is not None:
            found, _ = tile_sums._sums(tile, place, some[:, None], b[None], Scales(), 0)
            assert np.array_equal(found, words(tile, place, some[:, None], b[None]))
    assert cut(tile, tile.places[-1], a[:, None], b[None]) is not None


def in_passes(tile, a, b, scales, result):
    """The partial sums of a product, pass by pass."""
    c = np.zeros((len(a), b.shape[1]), np.uint64)
    for n in range(0, a.shape[1], tile.lanes):
        some = [block and codes.take([n // block.size], axis)
                for block, codes, axis in ((tile.a_block, scales.a, 1), (tile.b_block, scales.b, 0))]
        here = slice(n, n + tile.lanes)
        c = partial_sums(tile, result.place, a[:, here], b[here], c, result.top, Scales(*some))
    return c


@pytest.mark.parametrize("words_of", ["lmul_e4m3_4x3_w10", "int16_4x2", "exact_nvfp4_4x2_w10", "exact_mxe5m2_16x2_w12",
                                      "lmul_bf16xmxe4m3_8x2_w12"])
def test_passes_add_up_to_the_product(words_of, seed):
    """Also by a place higher than golden's, and with the scales' place above the lowest."""
    tile, rng = tile_of(words_of), np.random.default_rng(seed)
    spec = tile.multiplier
    a = rng.integers(0, 1 << spec.a.width, (40, 64)).astype(code_dtype(spec.a.width))
    b = rng.integers(0, 1 << spec.b.width, (64, 5)).astype(code_dtype(spec.b.width))
    scales = Scales(*(block and rng.integers(60, 70, shape(64 // block.size)).astype(np.uint8)
                      for block, shape in ((tile.a_block, lambda n: (40, n)), (tile.b_block, lambda n: (n, 5)))))
    lowest = tile_matmul(tile, a, b, scales)
    for place, top in ((None, None), (tile.places[-1], lowest.top + 3 * bool(tile.blocks))):
        result = tile_matmul(tile, a, b, scales, place, top)
        assert np.array_equal(drained(tile, in_passes(tile, a, b, scales, result)), result.codes)


def test_partial_sums_wrap_and_keep_flags():
    tile = tile_of("lmul_e4m3_4x1_w6")
    bits = tile.word_bits
    assert bits == 17 and tile.flags == 1
    a, b = np.array([[0b0_1111_110] * 4], np.uint8), np.array([[0b0_1111_110]] * 4, np.uint8)
    [[one]] = partial_sums(tile, tile.places[-1], a, b, np.zeros((1, 1), np.uint64)).tolist()
    # Fields 126 + 126 + 1 = 31 x 8 + 5: significand 1.625, and at p = 4 the size is 26.
    assert one == 4 * (2 * 26 + 1)
    largest = (1 << (bits - 1)) - 1
    [[wrapped]] = partial_sums(tile, tile.places[-1], a, b, np.array([[largest]], np.uint64)).tolist()
    assert wrapped == largest + one
    [[end]] = partial_sums(tile, tile.places[-1], a, b, np.array([[(1 << bits) - 1]], np.uint64)).tolist()
    assert end == one - 1
    [[kept]] = partial_sums(tile, tile.places[-1], a, b, np.array([[1 << bits]], np.uint64)).tolist()
    assert kept == one + (1 << bits)
    assert drained(tile, np.array([[(1 << bits) + 5, 5, (1 << bits) - 1]], np.uint64)).tolist() == [
        [0x7FC00000, 0x40A00000, 0xBF800000]]
    a[0, 1] = 0x7F
    [[flagged]] = partial_sums(tile, tile.places[-1], a, b, np.zeros((1, 1), np.uint64)).tolist()
    assert flagged >> bits == 1
    a[0, 1], b[2, 0] = 0x00, 0xFF
    [[flagged]] = partial_sums(tile, tile.places[-1], a, b, np.zeros((1, 1), np.uint64)).tolist()
    assert flagged >> bits == 1


def test_results_are_rounded_once_to_even():
    tile = tile_of("log_mxl3f4_32x1_w10")
    assert tile.word_bits == 40
    for number_of in (2**24 + 1, 2**24 + 3, -(2**24) - 1, 2**30 + 2**6, 2**30 + 2**6 + 1, 2**39 - 1, -(2**39), 0):
        [[code]] = drained(tile, np.array([[number_of % (1 << 40)]], np.uint64)).view(np.float32)
        assert Fraction(float(code)) == rounded(Fraction(number_of))


@pytest.mark.parametrize(("words_of", "a", "b"), [("lmul_e4m3_16x1_w4", 0x7E, 0x7E), ("log_l3f4_16x1_w10", 0x7F, 0xFF),
                                                  ("mxint8_16x1", 0x80, 0x80)])
def test_the_deepest_sum_of_the_largest_products_does_not_wrap(words_of, a, b):
    tile = tile_of(words_of)
    a, b = np.full((1, tile.depth), a, np.uint8), np.full((tile.depth, 1), b, np.uint8)
    scales = Scales(*(block and np.full((1, tile.depth // block.size), 254, np.uint8) for block in [tile.a_block]),
                    tile.b_block and np.full((tile.depth // tile.b_block.size, 1), 254, np.uint8))
    result = tile_matmul(tile, a, b, scales)
    [one] = words(tile, result.place, a[0, :1], b[0, :1]).tolist()
    assert one
    sums = in_passes(tile, a, b, scales, result)
    wanted = one * tile.depth << (16 if tile.blocks else 0)
    assert int(sums[0, 0]) == wanted % (1 << tile.word_bits)
    assert -(1 << (tile.word_bits - 1)) <= wanted < 1 << (tile.word_bits - 1)
    assert np.array_equal(drained(tile, sums), result.codes)
    with pytest.raises(Refusal, match=f"Depth must be 1 to {tile.depth} for a tile of 16 lanes, not {tile.depth + 1}"):
        tile_matmul(tile, np.zeros((1, tile.depth + 1), np.uint8), np.zeros((tile.depth + 1, 1), np.uint8), scales)


# Places.


def test_the_lowest_place_without_a_product_above():
    tile = tile_of("lmul_e4m3_4x2_w6")
    for field in range(60, 127):
        a, b = np.array([[field, 3]], np.uint8), np.array([[0x80 | 100], [0]], np.uint8)
        exp = (field + 100 + 1) >> 3
        if exp - 20 < -2:
            with pytest.raises(Refusal, match="Operands of lmul_e4m3 must be scaled up: their largest product has "
                                              f"exponent {exp}, and the lowest window begins at 18"):
                place_for(tile, a, b)
            continue
        assert place_for(tile, a, b) == min(max(exp - 4, 20), 27)
        assert room_above(tile, a, b) == max(24 - exp, 0)
    nan = np.array([[0x7F, 0xFF]], np.uint8)
    assert place_for(tile, nan, nan.T) == 20 and room_above(tile, nan, nan.T) == 0
    largest = np.array([[0x7F, 0x7E, 0xFE]], np.uint8)
    assert place_for(tile, largest, largest.T) == place_for(tile, largest[:, 1:], largest[:, 1:].T) > 20
    assert place_for(tile_of("int8_4x2"), nan, nan.T) == 0 == room_above(tile_of("int8_4x2"), nan, nan.T)


@pytest.mark.parametrize(("words_of", "places", "flagged"), [
    ("lmul_e4m3_16x16_w10", range(20, 24), False), ("log_l3f4_16x16_w10", range(7, 8), True),
    ("exact_e4m3_16x16_w10", range(20, 24), False), ("exact_mxe2m1_16x16_w10", range(0, 1), True),
    ("lmul_e4m3_16x16_w24", range(9, 10), True), ("exact_mxe2m1_16x16_w6", range(3, 4), True),
    ("lmul_bf16_16x16_w12", range(261, 501), False), ("lmul_e4m3_sub_16x16_w10", range(21, 24), False)])
def test_places(words_of, places, flagged):
    tile = tile_of(words_of)
    assert tile.places == places and tile.flagged == flagged
    spec, first = tile.multiplier, tile.places[0]
    if not flagged and spec.a.width == 8:  # zeros, flushed and kept subnormals are below the window
        a, b = np.arange(8, dtype=np.uint8), np.arange(spec.b.max_finite + 1, dtype=np.uint8)
        assert not words(tile, first, a[:, None], b[None]).any()


@pytest.mark.parametrize(("words_of", "widths"), [
    ("lmul_e4m3_16x16_w10", (15, 0, 23, 1)), ("int8_16x16", (20, 0, 32, 0)), ("log_mxl3f4_32x8_w10", (16, 0, 40, 1)),
    ("exact_nvfp4_16x16_w10", (15, 8, 47, 1)), ("log_l3f4_8x8_w10", (14, 0, 22, 0)), ("mxint8_32x8", (21, 0, 45, 1)),
    ("exact_bf16xnvfp4_16x2_w10", (15, 4, 43, 1)), ("int8xint4_3x2", (13, 0, 32, 0))])
def test_widths(words_of, widths):
    tile = tile_of(words_of)
    assert (tile.sum_bits, tile.scale_bits, tile.word_bits, tile.flags) == widths
    assert tile.depth == 256 * tile.lanes
    assert tile.window is None or tile.word_range == (-(2**tile.window) + 1, 2**tile.window - 1)
    assert tile.result.name == ("int32" if words_of.startswith("int") else "fp32")


def test_exponents_that_count():
    for words_of, highest in (("lmul_e4m3_4x1_w10", 8), ("exact_e4m3_4x1_w10", 7), ("exact_e4m3_r4_4x1_w10", 8)):
        tile = tile_of(words_of)
        assert (tile.lowest, tile.highest, tile.span) == (-2, highest, highest + 2)


ALL = {"a": np.zeros((2, 64), np.uint8), "b": np.zeros((64, 3), np.uint8)}


@pytest.mark.parametrize(("words_of", "given", "complaint"), [
    ("lmul_e4m3_4x1_w10", {"a": np.zeros(3, np.uint8)}, r"The first operand must be a matrix, not of shape \(3,\)"),
    ("lmul_e4m3_4x1_w10", {"b": np.zeros((2, 2, 2), np.uint8)}, r"The second operand must be a matrix, not of shape"),
    ("lmul_e4m3_4x1_w10", {"b": np.zeros((63, 3), np.uint8)}, "Inner dimensions must be equal, not 64 and 63"),
    ("lmul_e4m3_4x1_w10", {"a": np.zeros((2, 0), np.uint8), "b": np.zeros((0, 2), np.uint8)}, "Depth must be 1 to"),
    ("lmul_e4m3_4x1_w10", {"place": 19}, "Place of the window must be 20 to 23, not 19"),
    ("log_mxl3f4_4x1_w10", {}, "Scales of a must be given for mxl3f4"),
    ("log_l3f4_4x1_w10", {"scales": Scales(np.zeros((2, 2)))}, "Scales of a must be left out for l3f4"),
    ("log_mxl3f4_4x1_w10", {"scales": Scales(np.zeros((2, 2), int), np.zeros((3, 3), int))},
     r"Scales of b must be of shape \(2, 3\), one for each whole block of 32, not \(3, 3\) for a depth of 64"),
    ("log_mxl3f4_4x1_w10", {"scales": Scales(np.full((2, 2), 9), np.full((2, 3), 9)), "top": 17},
     "Place of the scales must be at least 18, that of their largest product, not 17"),
])
def test_refused_products(words_of, given, complaint):
    with pytest.raises(Refusal, match=complaint):
        tile_matmul(tile_of(words_of), **(ALL | given))


@pytest.mark.parametrize(("slug", "complaint"), [
    ("tile_lmul_e4m3_1x4_w10", "Lanes of a tile must be 2 to 64, not 1"),
    ("tile_lmul_e4m3_65x4_w10", "Lanes of a tile must be 2 to 64, not 65"),
    ("tile_lmul_e4m3_ieee_4x4_w10", "which never overflow: 'ieee' must be left out"),
    ("tile_xnor_sign1_4x4", "A tile needs a pair of codes whose product is 0, which xnor_sign1 has not"),
    ("tile_int8_4x4_w10", "Products of integers are not cut to a window: w10 must be left out"),
    ("tile_lmul_e4m3_4x4", "A tile of lmul_e4m3 must say its window, as in _w10"),
    ("tile_lmul_e4m3_4x4_w3", "Window must be 4 to 24 bits for lmul_e4m3, not 3"),
    ("tile_lmul_e4m3_4x4_w25", "Window must be 4 to 24 bits for lmul_e4m3, not 25"),
    ("tile_lmul_mxe4m3_24x4_w10", "A block of mxe4m3 must be a whole number of vectors: lanes must divide 32, not be"),
])
def test_refused_tiles(slug, complaint):
    with pytest.raises(Refusal, match=complaint):
        parse(slug)
    for lanes, window in ((2, 4), (64, 24)):
        assert Tile(parse("prod_lmul_e4m3").multiplier, lanes, window)


#: All elements of OCP Microscaling, blocks of log codes, NVFP4, and mixed pairs.
BLOCKS = ["exact_mxe5m2_32x2_w12", "exact_mxe4m3_32x2_w10", "exact_mxe3m2_32x2_w10", "exact_mxe2m3_32x2_w10",
          "exact_mxe2m1_32x2_w10", "mxint8_32x2", "lmul_mxe4m3_16x2_w10", "lmul_mxe5m2_16x2_w10", "log_mxl3f4_32x2_w10",
          "log_mxl3f5_t7_32x2_w10", "exact_nvfp4_16x2_w10", "lmul_bf16xmxe4m3_16x2_w12", "exact_mxe4m3xmxe2m1_32x2_w10"]


@pytest.mark.parametrize("words_of", BLOCKS)
def test_blocks_are_parsed_and_compute(words_of, seed):
    """Float matrices by every kind of blocks come out, within what such codes can."""
    design = parse(f"tile_{words_of}")
    assert design.slug == f"tile_{words_of}" and design.tile.blocks
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(8, 100)), rng.normal(size=(100, 6))
    found = matmul_floats(design.tile, a, b)
    coarse = any(name in words_of for name in ("e2m1", "e5m2", "nvfp4"))
    assert result_errors(found.values, a @ b).error < (0.25 if coarse else 0.15)


# Floats.


def test_floats_are_quantised_by_block_and_scaled_back(seed):
    """As by hand: 3 blocks of 32 of a depth of 70, the last filled with zeros."""
    rng, tile = np.random.default_rng(seed), tile_of("exact_mxe4m3_16x2_w10")
    a, b = rng.normal(size=(4, 70)), 1e6 * rng.normal(size=(70, 3))
    block = block_format("mxe4m3")
    of_a, of_b = (block.encode(np.pad(values, ((0, 0), (0, 26)))) for values in (a, b.T))
    result = tile_matmul(tile, of_a.elements, of_b.elements.T, Scales(of_a.scales, of_b.scales.T))
    found = matmul_floats(tile, a, b)
    assert found.result.place == result.place and found.result.top == result.top
    assert (found.a.scale, found.b.scale) == (1, 1)
    assert np.array_equal(found.values, result.codes.view(np.float32) * 2.0**result.exponent)
    assert result.exponent == result.place - 14 - 1 + result.top - 254 - 16
    assert found.a.codes.shape == (4, 96) and found.b.scales.shape == (3, 3)


def test_floats_under_one_scale(seed):
    rng, tile = np.random.default_rng(seed), tile_of("lmul_e4m3_16x2_w12")
    a, b = rng.normal(size=(4, 20)), rng.normal(size=(20, 3))
    (of_a, a_scale), (of_b, b_scale) = quantise(FORMATS["e4m3"], a), quantise(FORMATS["e4m3"], b)
    result, found = tile_matmul(tile, of_a, of_b), matmul_floats(tile, a, b)
    assert found.a.scales is None and found.a.scale == a_scale and found.b.scale == b_scale
    assert np.array_equal(found.values, result.codes.view(np.float32) * 2.0**result.exponent * a_scale * b_scale)
    own = FORMATS["e4m3"].decode(of_a)
    kept = matmul_floats(tile, own, own.T, FORMATS["e4m3"], FORMATS["e4m3"])
    assert kept.a.scale == kept.b.scale == 1 and np.array_equal(kept.a.codes, of_a)


@pytest.mark.parametrize("words_of", ["lmul_bf16_16x2_w12", "lmul_fp16_16x2_w14", "exact_bf16xe4m3_16x2_w12"])
def test_floats_are_scaled_into_the_window(words_of, seed):
    """Numbers about 1 would make products below its lowest place; a power of two higher they do not."""
    rng, tile = np.random.default_rng(seed), tile_of(words_of)
    a, b = rng.normal(size=(4, 64)), rng.normal(size=(64, 3))
    for size in (1.0, 1e-30):
        found = matmul_floats(tile, size * a, b)
        assert result_errors(found.values / size, a @ b).error < 0.1
        assert room_above(tile, found.a.codes, found.b.codes) == 0
        largest = np.abs(tile.multiplier.a.decode(found.a.codes)).max()
        assert "fp16" not in words_of or largest > FORMATS["fp16"].magnitude / 2  # as far as the format goes
        back = tile.multiplier.a.decode(found.a.codes) * found.a.scale
        assert np.allclose(back, size * a, rtol=2**-8, atol=0)
    kept = ready(tile, Quantised(found.a.codes, None, None), Quantised(found.b.codes, None, None))
    assert np.array_equal(kept[0].codes, found.a.codes) and kept[0].scale is None


def test_a_mixed_pair_is_filled_to_whole_blocks(seed):
    rng, tile = np.random.default_rng(seed), tile_of("exact_bf16xmxe4m3_16x2_w12")
    a, b = rng.normal(size=(2, 33)), rng.normal(size=(33, 2))
    found = matmul_floats(tile, a, b)
    assert found.a.codes.shape == (2, 64) and (found.a.codes[:, 33:] == 0x8000).all()
    assert found.b.codes.shape == (64, 2) and (found.b.codes[33:] == 0).all() and found.b.scales.shape == (2, 2)
    assert result_errors(found.values, a @ b).error < 0.1


def test_tensors_that_scales_do_not_reach(seed):
    values = np.random.default_rng(seed).normal(size=(3, 64))
    for name in ("mxe4m3", "nvfp4"):
        block = block_format(name)
        one = quantised(block.element, block, values)
        for size in (2.0**-300, 2.0**300):
            found = quantised(block.element, block, size * values)
            assert np.allclose(_decoded(block, found), size * _decoded(block, one), rtol=1e-12, atol=0)
    empty = quantised(block.element, block, np.zeros((1, 16)))
    assert empty.scale == 1 and not empty.codes.any()


def _decoded(block, tensor):
    scales = np.repeat(block.scale.decode(tensor.scales), block.size, 1)
    return block.element.decode(tensor.codes) * scales * tensor.scale


def test_zero_blocks_add_nothing():
    for words_of in ("exact_nvfp4_8x2_w10", "log_mxl3f4_8x2_w10", "mxint8_8x2"):
        tile, size = tile_of(words_of), tile_of(words_of).a_block.size
        a, b = np.zeros((2, 2 * size)), np.ones((2 * size, 2))
        a[0, :size] = 1
        found = matmul_floats(tile, a, b).values
        assert found[1].tolist() == [0, 0]
        assert np.array_equal(found[0], matmul_floats(tile, a[:, :size], b[:size]).values[0])


@pytest.mark.parametrize(("a", "b", "complaint"), [
    (np.ones(3), np.ones((3, 1)), r"The first operand must be a matrix with at least one number, not of shape \(3,\)"),
    (np.ones((2, 3)), np.ones((3, 0)), "The second operand must be a matrix with at least one number"),
    (np.ones((1, 2)), [[1], [np.nan]], "The second operand must have finite numbers, not nan or inf"),
    (np.full((1, 2), np.inf), np.ones((2, 1)), "The first operand must have finite numbers"),
    (np.ones((1, 2)), np.ones((3, 1)), "Inner dimensions must be equal, not 2 and 3"),
    (np.ones((1, 1025)), np.ones((1025, 1)), "Depth must be 1 to 1024 for a tile of 4 lanes, not 1025: longer"),
])
def test_refused_floats(a, b, complaint):
    with pytest.raises(Refusal, match=complaint):
        matmul_floats(tile_of("log_mxl3f4_4x2_w10"), a, b)


def test_integers_give_their_numbers(seed):
    a, b = np.random.default_rng(seed).integers(-128, 128, (2, 4, 4))
    tile = tile_of("int8_4x2")
    result = tile_matmul(tile, (a & 255).astype(np.uint8), (b & 255).astype(np.uint8))
    whole = Quantised(None, None, None)
    assert np.array_equal(numbers(tile, result, whole, whole), a @ b)


@pytest.mark.parametrize(("words_of", "most"), [("log_mxl3f4_16x2_w10", (2.2, 2.6, 1.9)),
                                                ("log_mxl3f5_t7_16x2_w10", (1.2, 1.8, 1.2))])
def test_errors_on_the_recording(words_of, most):
    """As docs/measured/tile-errors.md has them."""
    tile = tile_of(words_of)
    for kind, limit in zip(("qk", "pv", "ffn"), most, strict=True):
        pairs = [(each.a, each.b) for each in load_recording().products if each.kind == kind]
        pairs = [(np.asarray(a, float), np.asarray(b, float)) for a, b in pairs]
        actual = np.concatenate([matmul_floats(tile, a, b).values.ravel() for a, b in pairs])
        assert 100 * result_errors(actual, np.concatenate([(a @ b).ravel() for a, b in pairs])).error < limit
