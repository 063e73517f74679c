"""Operands of tiles as floats, of which one operation of the processor makes a product in places of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .accumulate import factors
from .tile_kernels import Cut

if TYPE_CHECKING:
    from .formats import SignedFields
    from .tile import Tile

_REACH = 32  # octaves below an operand's largest number, with which all its products are below the window
_LOW = -4  # an exponent below every window


def cut(tile: Tile, place: int, a: np.ndarray, b: np.ndarray) -> tuple[int, Cut, Cut] | None:
    """What `tile_kernels.add_products` takes of codes without NaN and Inf, (rows, depth) and (depth, cols); None where
    products have no form, or where one is above the window.

    A *size* is an exponent; or, where fields are added, a field. Sizes are counted from `_REACH` octaves below the
    operand's largest, where zeros and all that is lower stand too. With L-Mul of e4m3, 48 and 56 have the fields 100
    and 102. If they are the largest, both have the size 32 * 8; their product, of field 100 + 102 + 1 and at place 17
    of 203 - 17 * 8 = 67 or 8 * 8 + 3, is the float of exponent 127 + 8 and mantissa 3 of 8, or 1.375 * 2**8.
    """
    spec: Any = tile.multiplier
    if tile.window is None or not spec.form:
        return None
    # No product has more bits than a float64's significand: formats have up to 24.
    bits = spec.layout.sig_bits + spec.layout.implicit_one
    real = np.finfo(np.float32 if bits <= np.finfo(np.float32).nmant + 1 else np.float64)
    fields, frac = spec.form == "fields", spec.layout.frac_bits
    point = frac if fields else 0  # the bits of a size that are no exponent
    operands = (spec.a, a), (spec.b, b)
    tops = [int(_factors(spec, fmt, np.array([[largest_field(fmt, codes)]]))[1][0, 0]) for fmt, codes in operands]
    highest = sum(tops) + (spec.wide_offset if fields else 0) - (place << point)
    if highest >> point > tile.highest:
        return None
    highest, reach = max(highest, _LOW << point), _REACH << point
    # What the words of both have together: the place of the largest product, and the bias of a float's exponent; or
    # what turns significands as integers into numbers.
    moved = -reach, highest - reach + (((real.maxexp - 1) << frac) if fields else -frac)

    def of(fmt, codes, top, move):
        found, size = _factors(spec, fmt, codes)
        size = np.where(found.flags, 0, np.clip(size - top + reach, 0, reach))
        word = _shares(real, frac, found, size + move) if fields else _numbers(real, found, size + move)
        return Cut(word, size.astype(np.int32))

    of_a, of_b = (_of_codes(of, *operand, top, move) for operand, top, move in zip(operands, tops, moved, strict=True))
    return (tile.lowest << point) - highest + 2 * reach, of_a, of_b


def largest_field(fmt: SignedFields, codes: np.ndarray) -> int:
    """The largest field of codes that are finite numbers, or 0."""
    field = codes & codes.dtype.type(fmt.field_mask)
    largest = field.max(initial=0)
    return int(largest if largest <= fmt.max_finite else field[field <= fmt.max_finite].max(initial=0))


def _factors(spec, fmt, codes):
    """Codes taken apart, and their sizes."""
    found = factors(spec, fmt, codes)
    return found, found.sig if spec.form == "fields" else found.exp.astype(np.int64)


def _of_codes(function, fmt, codes, *others):
    """What a function makes of codes: looked up where there are more of them than there can be different ones."""
    if codes.size <= 1 << fmt.width:
        return function(fmt, codes, *others)
    tables = function(fmt, np.arange(1 << fmt.width, dtype=codes.dtype)[None], *others)
    return Cut(*(table[0][codes] for table in tables))


def _shares(real, frac, operand, fields):
    """Shares of a float's bits, integers of its width: fields and signs."""
    bits = (fields << (real.nmant - frac)) + (operand.sign.astype(np.int64) << (real.bits - 1))
    return bits.astype(f"i{real.bits // 8}")


def _numbers(real, operand, exponents):
    """Numbers as floats: significands, at exponents, and signs."""
    size = np.ldexp(operand.sig.astype(np.float64), exponents.astype(np.int32))
    return np.where(operand.sign, -size, size).astype(real.dtype)
