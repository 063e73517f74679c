"""Products of codes, narrow and wide, by the integer arithmetic that the hardware does.

What a product is follows from its `Multiplier` alone. The sign is always the XOR of the signs.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .codec import as_codes, code_dtype, decode, is_nan, overflow_field, round_shift
from .parallel import in_chunks

_TABLE_BITS = 16  # pairs of up to this many bits together are multiplied by a table


class Wide(NamedTuple):
    """Unrounded products, one array for each field of a `WideFormat`: ``sign`` uint8, ``exp`` int16 with its sign,
    ``sig`` of the smallest unsigned dtype, flags bool."""

    sign: np.ndarray
    exp: np.ndarray
    sig: np.ndarray
    zero: np.ndarray
    inf: np.ndarray
    nan: np.ndarray


class Operands(NamedTuple):
    """Codes taken apart. ``exp`` and ``sig`` (int64, hidden bit included) are as a datapath without special cases
    has them, also for flushed operands and specials; ``zero`` includes flushed subnormals."""

    sign: np.ndarray
    exp: np.ndarray
    sig: np.ndarray
    zero: np.ndarray
    inf: np.ndarray
    nan: np.ndarray


def multiply(spec, a, b):
    """The narrow product of ``a`` and ``b``, element by element.

    Parameters
    ----------
    spec : Multiplier
    a, b : arrays of codes of ``spec.a`` and ``spec.b``
        They broadcast.

    Returns
    -------
    array of codes of ``spec.a``; for int8, of 16-bit two's complement codes

    Raises
    ------
    ValueError
        If a code does not fit its format, or the shapes do not broadcast.
    """
    return _each(_narrow, spec, a, b, [code_dtype(spec.narrow_width)])[0]


def product(spec, a, b):
    """The wide product of ``a`` and ``b``, element by element: a `Wide`, or for int8 what `multiply` gives.

    Parameters and errors are those of `multiply`.
    """
    if spec.kind == "int8":
        return multiply(spec, a, b)
    return Wide(*_each(_wide, spec, a, b, [np.uint8, np.int16, code_dtype(spec.wide.sig_bits), bool, bool, bool]))


def pack(spec, products):
    """`Wide` products as codes of ``spec.wide.width`` bits, laid out as `WideFormat` says; int8 codes as they are.

    Raises
    ------
    ValueError
        If an int8 product does not fit 16 bits.
    """
    if spec.kind == "int8":
        return as_codes(spec.wide, products)
    codes, position = np.uint64(0), 0
    for name, width in spec.wide.fields:
        field = np.asarray(getattr(products, name)).astype(np.int64) & ((1 << width) - 1)
        codes = codes | (field.astype(np.uint64) << np.uint64(position))
        position += width
    return codes.astype(code_dtype(spec.wide.width))


def unpack(spec, codes):
    """`Wide` products from their codes: the inverse of `pack`.

    Raises
    ------
    ValueError
        If a code does not fit ``spec.wide.width`` bits.
    """
    codes = as_codes(spec.wide, codes)
    if spec.kind == "int8":
        return codes
    absent = np.zeros(codes.shape, bool)
    fields = {"inf": absent, "nan": absent}
    for name, width in spec.wide.fields:
        fields[name] = codes & codes.dtype.type((1 << width) - 1)
        codes = codes >> codes.dtype.type(width)
    exp = _wrapped(spec.wide, fields["exp"].astype(np.int16))
    return Wide(fields["sign"].astype(np.uint8), exp, fields["sig"].astype(code_dtype(spec.wide.sig_bits)),
                *(fields[flag].astype(bool) for flag in ("zero", "inf", "nan")))


def wide_value(spec, products):
    """The exact values of wide products (for int8 of 16-bit codes), float64: signed zeros, Inf and NaN by the flags."""
    wide = spec.wide
    if spec.kind == "int8":
        return decode(wide, products)
    significand = products.sig + np.float64(wide.implicit_one << wide.frac_bits)
    value = np.ldexp(significand, products.exp.astype(np.int32) - wide.exp_bias - wide.frac_bits)
    value = np.where(products.nan, np.nan, np.where(products.inf, np.inf, np.where(products.zero, 0.0, value)))
    return np.where(products.sign, -value, value)


def operands(fmt, codes, subnormals):
    """`Operands` of codes, under a policy: an ``exact`` subnormal has exponent 1 and no hidden bit; ``flush`` takes
    the fields raw, the hidden bit set."""
    codes = codes.astype(np.int64)
    field = codes & fmt.field_mask
    exp, hidden = field >> fmt.man_bits, fmt.min_normal
    zero = exp == 0 if subnormals == "flush" else field == 0
    if subnormals == "exact":
        hidden = np.where(exp == 0, 0, hidden)
        exp = np.maximum(exp, 1)
    inf = field == fmt.inf if fmt.has_inf else np.zeros(codes.shape, bool)
    return Operands(codes >> fmt.field_bits, exp, (field & fmt.man_mask) | hidden, zero, inf, is_nan(fmt, codes))


def normalised(fmt, parts):
    """`Operands` with subnormals shifted until their hidden bit is set; zeros stay."""
    exp, sig = parts.exp.copy(), parts.sig.copy()
    small = np.flatnonzero((sig < fmt.min_normal) & ~parts.zero)
    shift = _leading_zeros(sig.flat[small], fmt.man_bits + 1)
    exp.flat[small] -= shift
    sig.flat[small] <<= shift
    return parts._replace(exp=exp, sig=sig)


def fields(fmt, parts):
    """The integers that L-Mul adds: exponent and mantissa as one, of subnormals normalised."""
    parts = normalised(fmt, parts)
    # The hidden bit adds one to the exponent.
    return ((parts.exp - 1) << fmt.man_bits) + parts.sig


def _leading_zeros(integers, width):
    """Zeros above the highest one of positive integers seen as ``width`` bits."""
    zeros = np.zeros_like(integers)
    for step in (16, 8, 4, 2, 1):
        if step < width:
            zeros += np.where((integers << zeros) >> (width - step) == 0, step, 0)
    return zeros


def _each(function, spec, a, b, dtypes):
    """``function(spec, a, b)`` over broadcast codes, by table where all pairs are few: one array per dtype."""
    a, b = np.broadcast_arrays(as_codes(spec.a, a), as_codes(spec.b, b))
    outputs = [np.empty(a.size, dtype) for dtype in dtypes]
    if spec.a.width + spec.b.width <= _TABLE_BITS:
        tables = _tables(function, spec)

        def by_pair(a, b):
            pairs = (a.astype(np.intp) << spec.b.width) | b
            return (table[pairs] for table in tables)
    else:
        def by_pair(a, b):
            return function(spec, a, b)
    in_chunks(by_pair, [a.ravel(), b.ravel()], outputs)
    return [output.reshape(a.shape) for output in outputs]


@lru_cache(maxsize=64)
def _tables(function, spec):
    pairs = np.arange(1 << (spec.a.width + spec.b.width))
    return function(spec, pairs >> spec.b.width, pairs & ((1 << spec.b.width) - 1))


def _flags(a, b):
    """Flags of a product: zero, inf, nan."""
    return a.zero | b.zero, a.inf | b.inf, a.nan | b.nan | (a.inf & b.zero) | (b.inf & a.zero)


def _wrapped(wide, exp):
    """Exponents as the wide format's field has them: only under a flag may they not fit, and then wrap."""
    exp = exp & ((1 << wide.exp_bits) - 1)
    return exp - ((exp >> (wide.exp_bits - 1)) << wide.exp_bits) if wide.exp_signed else exp


def _field_sum(spec, a, b):
    return fields(spec.a, a) + (fields(spec.b, b) << spec.align) + spec.offset_value


def _wide(spec, a, b):
    a, b = operands(spec.a, a, spec.subnormals), operands(spec.b, b, spec.subnormals)
    if spec.is_add:
        s = _field_sum(spec, a, b)
        exp, sig = _wrapped(spec.wide, s >> spec.a.man_bits), s & spec.a.man_mask
    else:
        exp, sig = a.exp + b.exp, a.sig * b.sig
    return a.sign ^ b.sign, exp, sig, *_flags(a, b)


def _narrow(spec, a, b):
    if spec.kind == "int8":
        return [_signed(spec.a, a) * _signed(spec.b, b)]
    fmt = spec.a
    a, b = operands(spec.a, a, spec.subnormals), operands(spec.b, b, spec.subnormals)
    zero, inf, nan = _flags(a, b)
    if spec.is_add:
        field = _field_sum(spec, a, b) - (spec.b.bias << fmt.man_bits)
    else:
        field = _rounded(spec, normalised(spec.a, a), normalised(spec.b, b))
    if spec.is_add or spec.subnormals == "flush":
        zero = zero | (field < fmt.min_normal)
    field = np.where(field > fmt.max_finite, overflow_field(fmt, spec.overflow), field)
    field = np.where(zero, 0, field)
    if fmt.has_inf:
        field = np.where(inf, fmt.inf, field)
    if fmt.has_nan:
        field = np.where(nan, fmt.nan, field)
    return [field | ((a.sign ^ b.sign) << fmt.field_bits)]


def _rounded(spec, a, b):
    """Fields of exact products of normalised operands, rounded to nearest even; unbounded above. Below the smallest
    normal they are subnormal if subnormals are ``exact``, else the exponent goes on."""
    man_bits = spec.a.man_bits
    sig = a.sig * b.sig
    top = sig >> (spec.wide.sig_bits - 1)  # whether the product of significands is 2 or more
    exp = a.exp + b.exp - spec.b.bias + top
    shift = spec.b.man_bits + top
    if spec.subnormals == "exact":
        shift = np.minimum(shift + np.maximum(1 - exp, 0), 62)
        exp = np.maximum(exp, 1)
    return ((exp - 1) << man_bits) + round_shift(sig, shift)


def _signed(fmt, codes):
    """Two's complement codes as int64."""
    codes = codes.astype(np.int64)
    return codes - ((codes >> (fmt.width - 1)) << fmt.width)
