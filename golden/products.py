"""Products of codes, narrow and wide, by the integer arithmetic that the hardware does.

What a product is follows from its `Multiplier` alone. The sign is always the XOR of the signs.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .codec import as_codes, code_dtype, decode, is_nan, overflow_field, round_shift, signed
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
    Refusal
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
    Refusal
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
    Refusal
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


def flags(fmt, field, subnormals):
    """Which fields count as zero, and are Inf, and NaN."""
    zero = field < fmt.min_normal if subnormals == "flush" else field == 0
    inf = field == fmt.inf if fmt.has_inf else np.zeros(field.shape, bool)
    return zero, inf, is_nan(fmt, field)


def factors(fmt, field, subnormals, normalise=False):
    """Significands, hidden bit included, and exponents of fields. An ``exact`` subnormal has exponent 1 and no hidden
    bit, or is shifted until it has one; ``flush`` takes all fields as if of normal numbers."""
    exp = field >> fmt.man_bits
    if subnormals == "exact":
        exp = np.maximum(exp, 1)
    sig = field - ((exp - 1) << fmt.man_bits)
    if normalise and subnormals == "exact":
        small = sig < fmt.min_normal
        if small.any():
            shift = _leading_zeros(sig[small], fmt.man_bits + 1)
            sig[small] <<= shift
            exp[small] -= shift
    return sig, exp


def addends(fmt, field, subnormals):
    """The integers that L-Mul adds: fields, those of ``exact`` subnormals normalised, their exponent below 1."""
    if subnormals == "flush":
        return field
    small = field < fmt.min_normal
    sig, exp = factors(fmt, field[small], subnormals, normalise=True)
    field = field.copy()
    # The hidden bit adds one to the exponent.
    field[small] = ((exp - 1) << fmt.man_bits) + sig
    return field


def _leading_zeros(integers, width):
    """Zeros above the highest one of integers seen as ``width`` bits; of 0 none."""
    zeros = np.zeros_like(integers)
    for step in (16, 8, 4, 2, 1):
        if step < width:
            zeros += step * ((integers << zeros) >> (width - step) == 0)
    return zeros * (integers > 0)


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


def _work(spec, a, b):
    """Sign of the product, and the operands' fields as integers in which no step overflows."""
    bits = max(spec.a.field_bits + 2, spec.wide.sig_bits + 2)
    dtype = np.int32 if bits < 32 else np.int64
    sign = ((a >> spec.a.field_bits) ^ (b >> spec.b.field_bits)).astype(np.uint8)
    return sign, a.astype(dtype) & spec.a.field_mask, b.astype(dtype) & spec.b.field_mask


def _product_flags(spec, x, y):
    """Flags of the product: zero, inf, nan."""
    zero_x, inf_x, nan_x = flags(spec.a, x, spec.subnormals)
    zero_y, inf_y, nan_y = flags(spec.b, y, spec.subnormals)
    return zero_x | zero_y, inf_x | inf_y, nan_x | nan_y | (inf_x & zero_y) | (inf_y & zero_x)


def _field_sum(spec, x, y):
    y = addends(spec.b, y, spec.subnormals) << spec.align
    return addends(spec.a, x, spec.subnormals) + y + spec.offset_value


def _wide(spec, a, b):
    sign, x, y = _work(spec, a, b)
    if spec.is_add:
        s = _field_sum(spec, x, y)
        exp, sig = _wrapped(spec.wide, s >> spec.a.man_bits), s & spec.a.man_mask
    else:
        (sig_x, exp_x), (sig_y, exp_y) = factors(spec.a, x, spec.subnormals), factors(spec.b, y, spec.subnormals)
        exp, sig = exp_x + exp_y, sig_x * sig_y
    return sign, exp, sig, *_product_flags(spec, x, y)


def _wrapped(wide, exp):
    """Exponents as the wide format's field has them: only under a flag may they not fit, and then wrap."""
    exp = exp & ((1 << wide.exp_bits) - 1)
    return exp - ((exp >> (wide.exp_bits - 1)) << wide.exp_bits) if wide.exp_signed else exp


def _narrow(spec, a, b):
    if spec.kind == "int8":
        return [signed(spec.a, a) * signed(spec.b, b)]
    fmt = spec.a
    sign, x, y = _work(spec, a, b)
    zero, inf, nan = _product_flags(spec, x, y)
    field = _field_sum(spec, x, y) - (spec.b.bias << fmt.man_bits) if spec.is_add else _rounded(spec, x, y)
    if spec.is_add or spec.subnormals == "flush":
        zero |= field < fmt.min_normal
    field[field > fmt.max_finite] = overflow_field(fmt, spec.overflow)
    field[zero] = 0
    if fmt.has_inf:
        field[inf] = fmt.inf
    if fmt.has_nan:
        field[nan] = fmt.nan
    dtype = code_dtype(fmt.width)
    return [field.astype(dtype) | (sign.astype(dtype) << fmt.field_bits)]


def _rounded(spec, x, y):
    """Fields of exact products, rounded to nearest even; unbounded above. Below the smallest normal they are subnormal
    if subnormals are ``exact``, else the exponent goes on."""
    sig_x, exp_x = factors(spec.a, x, spec.subnormals, normalise=True)
    sig_y, exp_y = factors(spec.b, y, spec.subnormals, normalise=True)
    sig, exp = sig_x * sig_y, exp_x + exp_y - spec.b.bias
    below_two = 1 - (sig >> (spec.wide.sig_bits - 1))
    sig, exp, shift = sig << below_two, exp + 1 - below_two, spec.b.man_bits + 1
    field = ((exp - 1) << spec.a.man_bits) + round_shift(sig, shift)
    if spec.subnormals == "exact":
        small = exp < 1
        all_bits = spec.wide.sig_bits + 1  # shifted by so many, nothing is left
        field[small] = round_shift(sig[small], np.minimum(shift + 1 - exp[small], all_bits))
    return field
