"""Codes and the numbers they stand for."""

from functools import lru_cache

import numpy as np

from .formats import FloatFormat, IntFormat
from .refusal import Refusal

_TABLE_BITS = 16  # formats up to this width are decoded by a table


def code_dtype(width):
    """The smallest unsigned numpy dtype that holds ``width`` bits."""
    return np.dtype(f"u{next(size for size in (1, 2, 4, 8) if 8 * size >= width)}")


def as_codes(fmt, codes):
    """``codes`` as an array of ``code_dtype(fmt.width)``.

    Raises
    ------
    Refusal
        If they are not integers, or one does not fit the format's width.
    """
    codes = np.asarray(codes)
    if codes.dtype.kind not in "iu":
        raise Refusal(f"Codes of {fmt} must be integers, not {codes.dtype}")
    dtype = code_dtype(fmt.width)
    # A dtype as wide as the format has no code that could fail to fit.
    if codes.size and not (codes.dtype == dtype and 8 * dtype.itemsize == fmt.width):
        for extreme in (codes.min(), codes.max()):
            if not 0 <= extreme < 1 << fmt.width:
                raise Refusal(f"Codes of {fmt} must be 0 to {(1 << fmt.width) - 1}, not {extreme}")
    return codes.astype(dtype, copy=False)


def decode(fmt, codes):
    """The values of ``codes``, exactly.

    Parameters
    ----------
    fmt : FloatFormat or IntFormat
    codes : array of int

    Returns
    -------
    array of float64, of the same shape
        Signed zeros, Inf and NaN where the format has them.

    Raises
    ------
    Refusal
        If a code does not fit the format.
    """
    codes = as_codes(fmt, codes)
    return _decode_table(fmt)[codes] if fmt.width <= _TABLE_BITS else _decode(fmt, codes)


@lru_cache(maxsize=64)
def _decode_table(fmt):
    table = _decode(fmt, np.arange(1 << fmt.width))
    table.setflags(write=False)
    return table


def _decode(fmt, codes):
    if isinstance(fmt, IntFormat):
        return signed(fmt, codes).astype(np.float64)
    codes = codes.astype(np.int64)
    field = codes & fmt.field_mask
    exp = field >> fmt.man_bits
    significand = (field & fmt.man_mask) | ((exp != 0).astype(np.int64) << fmt.man_bits)
    value = np.ldexp(significand.astype(np.float64), (np.maximum(exp, 1) - fmt.bias - fmt.man_bits).astype(np.int32))
    if fmt.has_inf:
        value = np.where(field == fmt.inf, np.inf, value)
    if fmt.has_nan:
        value = np.where(is_nan(fmt, field), np.nan, value)
    return np.where(codes & fmt.sign_mask, -value, value)


def signed(fmt, codes):
    """Two's complement codes of an integer format as int64."""
    codes = codes.astype(np.int64)
    return codes - ((codes >> (fmt.width - 1)) << fmt.width)


def is_nan(fmt, field):
    """Which fields, codes without their sign, are NaN."""
    if not fmt.has_nan:
        return np.zeros(field.shape, bool)
    return field > fmt.inf if fmt.has_inf else field == fmt.nan


def encode(fmt, values, overflow="saturate"):
    """The codes nearest to ``values``: round to nearest, ties to even, once.

    Parameters
    ----------
    fmt : FloatFormat or IntFormat
        Integers are rounded alike, and always saturate.
    values : array of float
    overflow : str
        ``saturate``: whatever rounds beyond the largest finite code becomes that code, infinities too (the
        saturating conversion of OCP OFP8). ``ieee``: Inf, or NaN in a format without Inf.

    Returns
    -------
    array of ``code_dtype(fmt.width)``, of the same shape
        Signs are kept, also of zeros and NaN.

    Raises
    ------
    Refusal
        If a value is NaN and the format has none, or ``overflow`` is not possible.
    """
    if overflow not in ("saturate", "ieee"):
        raise Refusal(f"Overflow must be 'saturate' or 'ieee', not {overflow!r}")
    values = np.asarray(values, np.float64)
    nan = np.isnan(values)
    has_nan = isinstance(fmt, FloatFormat) and fmt.has_nan
    if not has_nan and nan.any():
        raise Refusal(f"Values for {fmt} must be numbers, not nan")
    if isinstance(fmt, IntFormat):
        limit = 1 << (fmt.width - 1)
        integers = np.clip(np.rint(values), -limit, limit - 1).astype(np.int64)
        return (integers & ((1 << fmt.width) - 1)).astype(code_dtype(fmt.width))
    if overflow == "ieee" and not has_nan:
        raise Refusal(f"Overflow must be 'saturate' for {fmt}, which has neither Inf nor NaN, not 'ieee'")
    field = _round_field(fmt, values.view(np.int64) & ~np.int64(-1 << 63))
    field = np.where(field > fmt.max_finite, overflow_field(fmt, overflow), field)
    if has_nan:
        field = np.where(nan, fmt.nan, field)
    return (field | np.where(np.signbit(values), fmt.sign_mask, 0)).astype(code_dtype(fmt.width))


def overflow_field(fmt, overflow):
    """The field that a finite result too large for ``fmt`` gets under an overflow policy."""
    return fmt.max_finite if overflow == "saturate" else fmt.inf if fmt.has_inf else fmt.nan


def _round_field(fmt, bits):
    """Field of ``fmt`` nearest to the non-negative float64s with these ``bits``; beyond ``max_finite`` unbounded."""
    # Zero and float64's subnormals, far below any format, are rounded to 0 whatever their significand.
    significand = (bits & ((1 << 52) - 1)) | (1 << 52)
    exp = (bits >> 52) - 1023 + fmt.bias
    shift = np.minimum(52 - fmt.man_bits + np.maximum(1 - exp, 0), 62)
    # The hidden bit of a normal number adds one to the exponent field.
    return ((np.maximum(exp, 1) - 1) << fmt.man_bits) + round_shift(significand, shift)


def round_shift(integers, shift):
    """``integers / 2**shift``, rounded to nearest, ties to even; ``shift`` at least 1, integers below 2**62."""
    odd = (integers >> shift) & 1
    return (integers + (np.left_shift(1, shift - 1) - 1 + odd)) >> shift
