"""Products of codes, narrow and wide, by the integer arithmetic that the hardware does.

What a product is follows from its `Multiplier` alone, whose family computes it.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .formats import as_codes, code_dtype
from .parallel import in_chunks

if TYPE_CHECKING:
    from .spec import Multiplier, WideFormat

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


def multiply(spec: Multiplier, a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """The narrow product of ``a`` and ``b``, element by element.

    Parameters
    ----------
    spec : Multiplier
    a, b : arrays of codes of ``spec.a`` and ``spec.b``
        They broadcast.

    Returns
    -------
    array of codes of ``spec.narrow``

    Raises
    ------
    Refusal
        If a code does not fit its format, the shapes do not broadcast, or the products are wide ones only.
    """
    spec.check_narrow()
    return _each(_narrow, spec, a, b, [code_dtype(spec.narrow_width)])[0]


def product(spec: Multiplier, a: ArrayLike, b: ArrayLike) -> Any:
    """The wide product of ``a`` and ``b``, element by element: a `Wide`, or of integers codes of ``spec.wide``.

    Parameters and errors are those of `multiply`.
    """
    if spec.wide.integer:
        return _each(_wide, spec, a, b, [code_dtype(spec.wide.width)])[0]
    return Wide(*_each(_wide, spec, a, b, [np.uint8, np.int16, code_dtype(spec.layout.sig_bits), bool, bool, bool]))


def pack(spec: Multiplier, products: Any) -> np.ndarray:
    """`Wide` products as codes of ``spec.wide.width`` bits, as `WideFormat` lays them out; integers' codes as they are.

    Raises
    ------
    Refusal
        If the code of an integer does not fit.
    """
    if spec.wide.integer:
        return as_codes(spec.wide, products)
    codes, position = np.uint64(0), 0
    for name, width in spec.layout.fields:
        field = np.asarray(getattr(products, name)).astype(np.int64) & ((1 << width) - 1)
        codes = codes | (field.astype(np.uint64) << np.uint64(position))
        position += width
    return codes.astype(code_dtype(spec.wide.width))


def unpack(spec: Multiplier, codes: np.ndarray) -> Any:
    """`Wide` products from their codes: the inverse of `pack`.

    Raises
    ------
    Refusal
        If a code does not fit ``spec.wide.width`` bits.
    """
    return as_codes(spec.wide, codes) if spec.wide.integer else unpack_wide(spec.layout, codes)


def unpack_wide(wide: WideFormat, codes: ArrayLike) -> Wide:
    """`Wide` products from codes of a `WideFormat`."""
    left = as_codes(wide, codes)
    absent = np.zeros(left.shape, bool)
    fields = {"inf": absent, "nan": absent}
    for name, width in wide.fields:
        fields[name] = left & left.dtype.type((1 << width) - 1)
        left = left >> left.dtype.type(width)
    exp = wide.wrapped(fields["exp"].astype(np.int16))
    return Wide(fields["sign"].astype(np.uint8), exp, fields["sig"].astype(code_dtype(wide.sig_bits)),
                *(fields[flag].astype(bool) for flag in ("zero", "inf", "nan")))


def wide_value(spec: Multiplier, products: Any) -> np.ndarray:
    """The exact values of what `product` gives, float64: signed zeros, Inf and NaN by the flags."""
    return spec.wide.decode(products) if spec.wide.integer else value(spec.layout, products)


def value(wide: WideFormat, products: Wide) -> np.ndarray:
    """The exact values of `Wide` products of a `WideFormat`, float64."""
    significand = products.sig + np.float64(wide.implicit_one << wide.frac_bits)
    number = np.ldexp(significand, products.exp.astype(np.int32) - wide.exp_bias - wide.frac_bits)
    number = np.where(products.nan, np.nan, np.where(products.inf, np.inf, np.where(products.zero, 0.0, number)))
    return np.where(products.sign, -number, number)


def _each(function, spec, a, b, dtypes):
    """``function(spec, a, b)`` over broadcast codes, by table where all pairs are few: one array per dtype."""
    a, b = np.broadcast_arrays(as_codes(spec.a, a), as_codes(spec.b, b))
    outputs = [np.empty(a.size, dtype) for dtype in dtypes]
    if spec.a.width + spec.b.width <= _TABLE_BITS:
        tables = _tables(function, spec)

        def from_tables(a, b):
            pairs = (a.astype(np.intp) << spec.b.width) | b
            return (table[pairs] for table in tables)

        by_pair = from_tables
    else:
        by_pair = partial(function, spec)
    in_chunks(by_pair, [a.ravel(), b.ravel()], outputs)
    return [output.reshape(a.shape) for output in outputs]


@lru_cache(maxsize=64)
def _tables(function, spec):
    pairs = np.arange(1 << (spec.a.width + spec.b.width))
    a, b = pairs >> spec.b.width, pairs & ((1 << spec.b.width) - 1)
    return function(spec, a.astype(code_dtype(spec.a.width)), b.astype(code_dtype(spec.b.width)))


def _narrow(spec, a, b):
    return [spec.narrow_products(a, b)]


def _wide(spec, a, b):
    return spec.wide_products(a, b)
