"""Codes and values: against ml_dtypes and numpy over every code, and rounding at every midpoint between neighbours."""

import ml_dtypes
import numpy as np
import pytest
import rational
from lmul.golden.codec import as_codes, code_dtype, decode, encode
from lmul.golden.formats import FORMATS, INT8, FloatFormat, IntFormat, Specials, float_format

OUTSIDERS = {
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
    "e3m4": ml_dtypes.float8_e3m4,
    "e2m3": ml_dtypes.float6_e2m3fn,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "e2m1": ml_dtypes.float4_e2m1fn,
    "bf16": ml_dtypes.bfloat16,
    "fp16": np.float16,
    "fp32": np.float32,
}
SHORT = [name for name in OUTSIDERS if name != "fp32"]
POLICIES = [(name, overflow) for name in [*SHORT, "e4m2", "e8m3", "e2m5"] for overflow in ("saturate", "ieee")
            if overflow == "saturate" or float_format(name).has_nan]


def identical(actual, expected):
    """Whether arrays hold the same numbers, zeros told apart by their sign, NaN equal to NaN."""
    both_nan = np.isnan(actual) & np.isnan(expected)
    return np.array_equal(actual[~both_nan], expected[~both_nan]) and np.array_equal(
        np.signbit(actual), np.signbit(expected))


def outside_value(fmt, codes):
    """Values of codes by somebody else's cast."""
    with np.errstate(invalid="ignore"):  # casts of signalling NaNs
        return codes.view(OUTSIDERS[fmt.name]).astype(np.float64)


def every_code(fmt):
    return np.arange(1 << fmt.width).astype(code_dtype(fmt.width))


@pytest.mark.parametrize("name", SHORT)
def test_every_code_decodes_as_elsewhere(name):
    fmt = FORMATS[name]
    codes = every_code(fmt)
    assert identical(decode(fmt, codes), outside_value(fmt, codes))


@pytest.mark.parametrize("name, overflow", POLICIES)
def test_every_code_comes_back(name, overflow):
    fmt = float_format(name)
    codes = every_code(fmt)
    field = codes & fmt.field_mask
    expected = np.where(fmt.is_nan(field), fmt.nan or 0, field) | (codes & fmt.sign_mask)
    if overflow == "saturate" and fmt.has_inf:
        expected = np.where(field == fmt.inf, fmt.max_finite | (codes & fmt.sign_mask), expected)
    assert np.array_equal(encode(fmt, decode(fmt, codes), overflow), expected)


def test_fp32_codes_are_numpys(seed):
    fmt = FORMATS["fp32"]
    codes = np.random.default_rng(seed).integers(0, 1 << 32, 200_000, np.uint32)
    values = outside_value(fmt, codes)
    assert identical(decode(fmt, codes), values)
    number = ~np.isnan(values)
    assert np.array_equal(encode(fmt, values[number], "ieee"), codes[number])


@pytest.mark.parametrize("name, overflow", POLICIES)
def test_midpoints_round_to_even(name, overflow):
    """The midpoint above a field goes to the even one of its neighbours, and one ulp of float64 beside it to the
    nearer; the midpoint above the largest finite field is where overflow begins."""
    fmt = float_format(name)
    field = np.arange(fmt.max_finite + 1)
    # Of a format with twice the precision the odd codes are the midpoints.
    double = FloatFormat("double", fmt.exp_bits, fmt.man_bits + 1, fmt.bias, Specials.FINITE)
    middle = decode(double, 2 * field + 1)
    over = fmt.max_finite if overflow == "saturate" else fmt.inf if fmt.has_inf else fmt.nan

    def bounded(field):
        return np.where(field > fmt.max_finite, over, field)

    for sign in (1, -1):
        bit = fmt.sign_mask if sign < 0 else 0
        assert np.array_equal(encode(fmt, sign * middle, overflow), bounded(field + field % 2) | bit)
        assert np.array_equal(encode(fmt, sign * np.nextafter(middle, 0), overflow), field | bit)
        assert np.array_equal(encode(fmt, sign * np.nextafter(middle, np.inf), overflow), bounded(field + 1) | bit)


@pytest.mark.parametrize("name", ["e4m3", "e5m2", "e3m4", "bf16", "fp16", "fp32"])
def test_values_are_encoded_as_elsewhere(name, seed):
    fmt = FORMATS[name]
    generator = np.random.default_rng(seed)
    # fp32 values: a cast of float64 to a short format may go through float32, which then rounds nothing.
    values = (generator.normal(size=50_000) * np.exp2(generator.integers(-40, 40, 50_000))).astype(np.float32)
    with np.errstate(over="ignore", under="ignore"):
        expected = values.astype(OUTSIDERS[name]).view(code_dtype(fmt.width))
    assert np.array_equal(encode(fmt, values, "ieee"), expected)


def test_far_away_values():
    tiny, huge = 5e-324, 1.7e308
    for fmt in FORMATS.values():
        top = fmt.max_finite
        assert encode(fmt, [tiny, -tiny, huge, -huge]).tolist() == [0, fmt.sign_mask, top, top | fmt.sign_mask]


def test_special_values():
    e4m3, e5m2, e2m1 = (FORMATS[name] for name in ("e4m3", "e5m2", "e2m1"))
    values = [np.inf, -np.inf, np.nan, -np.nan]
    assert encode(e4m3, values).tolist() == [0x7E, 0xFE, 0x7F, 0xFF]
    assert encode(e4m3, values, "ieee").tolist() == [0x7F, 0xFF, 0x7F, 0xFF]
    assert encode(e5m2, values).tolist() == [0x7B, 0xFB, 0x7E, 0xFE]
    assert encode(e5m2, values, "ieee").tolist() == [0x7C, 0xFC, 0x7E, 0xFE]
    assert encode(e2m1, values[:2]).tolist() == [0x7, 0xF]


def test_literals():
    e4m3, e2m1, bf16 = (FORMATS[name] for name in ("e4m3", "e2m1", "bf16"))
    assert decode(e4m3, [0x00, 0x01, 0x08, 0x38, 0x7E, 0xB9]).tolist() == [0, 2**-9, 2**-6, 1, 448, -1.125]
    assert decode(e2m1, range(8)).tolist() == [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    assert encode(bf16, [1.0, -2.0, 3.140625]).tolist() == [0x3F80, 0xC000, 0x4049]


def test_decoding_is_the_definition():
    for name in ("tf32", "e8m1", "e2m10"):
        fmt = float_format(name)
        for code in (0, 1, fmt.man_mask, fmt.min_normal, fmt.max_finite, fmt.sign_mask | 5 * fmt.min_normal // 2):
            assert decode(fmt, code) == rational.value(fmt, code)


def test_integers():
    assert decode(INT8, [0, 1, 127, 128, 255]).tolist() == [0, 1, 127, -128, -1]
    assert encode(INT8, [-1000, -128.4, -0.5, 0.5, 1.5, 126.5, 1000]).tolist() == [128, 128, 0, 0, 2, 126, 127]
    codes = every_code(INT8)
    assert np.array_equal(encode(INT8, decode(INT8, codes)), codes)
    assert decode(IntFormat("int16", 16), 0x8001) == -32767
    assert encode(IntFormat("int4", 4), [-9, -8, -1, 7, 8]).tolist() == [8, 8, 15, 7, 7]


def test_shapes_and_dtypes():
    assert [code_dtype(width) for width in (4, 8, 9, 16, 19, 32, 33, 64)] == [
        np.uint8, np.uint8, np.uint16, np.uint16, np.uint32, np.uint32, np.uint64, np.uint64]
    fmt = FORMATS["fp16"]
    codes = encode(fmt, np.zeros((2, 0, 3)))
    assert codes.shape == (2, 0, 3) and codes.dtype == np.uint16
    assert decode(fmt, codes).shape == (2, 0, 3)
    assert decode(fmt, 0x3C00).shape == ()


@pytest.mark.parametrize("fmt, codes, message", [
    (FORMATS["e2m1"], [0, 16], "Codes of e2m1 must be 0 to 15, not 16"),
    (FORMATS["e4m3"], [-1], "Codes of e4m3 must be 0 to 255, not -1"),
    (FORMATS["e4m3"], np.array([256], np.uint16), "Codes of e4m3 must be 0 to 255, not 256"),
    (FORMATS["tf32"], np.array([1 << 19], np.uint32), "Codes of tf32 must be 0 to 524287, not 524288"),
    (float_format("e3m3"), np.array([128], np.uint8), "Codes of e3m3 must be 0 to 127, not 128"),
    (float_format("e4m5"), np.array([1 << 10], np.uint16), "Codes of e4m5 must be 0 to 1023, not 1024"),
    (INT8, np.array([-1], np.int8), "Codes of int8 must be 0 to 255, not -1"),
    (FORMATS["fp32"], [0.5], "Codes of fp32 must be integers, not float64"),
    (FORMATS["bf16"], [True], "Codes of bf16 must be integers, not bool"),
])
def test_codes_refused(fmt, codes, message):
    for function in (as_codes, decode):
        with pytest.raises(ValueError) as error:
            function(fmt, codes)
        assert str(error.value) == message


@pytest.mark.parametrize("fmt, values, overflow, message", [
    (FORMATS["e2m1"], [np.nan], "saturate", "Values for e2m1 must be numbers, not nan"),
    (INT8, [np.nan], "saturate", "Values for int8 must be numbers, not nan"),
    (FORMATS["e3m2"], [1.0], "ieee", "Overflow must be 'saturate' for e3m2, which has neither Inf nor NaN, not 'ieee'"),
    (FORMATS["e4m3"], [1.0], "wrap", "Overflow must be 'saturate' or 'ieee', not 'wrap'"),
])
def test_values_refused(fmt, values, overflow, message):
    with pytest.raises(ValueError) as error:
        encode(fmt, values, overflow)
    assert str(error.value) == message
