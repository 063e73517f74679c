"""Operands of tiles as floats, of which one operation of the processor makes a product in places of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .accumulate import factors
from .tile_kernels import Cut

if TYPE_CHECKING:
    from .tile import Tile

_REACH = 32  # octaves below an operand's largest number, with which all its products are below the window
_LOW = -4  # an exponent below every window


def cut(tile: Tile, place: int, a: np.ndarray, b: np.ndarray) -> tuple[int, Cut, Cut] | None:
    """What `tile_kernels.add_products` takes of codes without NaN and Inf, (rows, depth) and (depth, cols); None where
    products have no form or more bits than a float's significand, or where one is above the window.

    A *size* is an exponent; or, where fields are added, a field. Sizes are counted from `_REACH` octaves below the
    operand's largest, where zeros and all that is lower stand too. With a window of 10 bits and L-Mul of e4m3, 48 and 56
    have the fields 100 and 102. If they are the largest, both have the size 32 * 8; their product, at place 17 of field
    100 + 102 + 1 - 17 * 8 = 67 or 8 * 8 + 3, is the float of exponent 127 + 8 and mantissa 3 of 8, or 1.375 * 2**8.
    """
    spec: Any = tile.multiplier
    if tile.window is None or not spec.form:
        return None
    bits = spec.layout.sig_bits + spec.layout.implicit_one
    real = next((real for real in map(np.finfo, (np.float32, np.float64)) if bits <= real.nmant + 1), None)
    if real is None:
        return None
    fields, frac = spec.form == "fields", spec.layout.frac_bits
    point = frac if fields else 0  # the bits of a size that are no exponent
    found = factors(spec, spec.a, a), factors(spec, spec.b, b)
    zeros = [each.flags != 0 for each in found]
    sizes = [each.sig if fields else each.exp.astype(np.int64) for each in found]
    tops = [int(size.max(where=~zero, initial=0)) for size, zero in zip(sizes, zeros, strict=True)]
    highest = sum(tops) + (spec.wide_offset if fields else 0) - (place << point)
    if highest >> point > tile.highest:
        return None
    highest, reach = max(highest, _LOW << point), _REACH << point
    sizes = [np.where(zero, 0, np.maximum(size - top + reach, 0))
             for size, zero, top in zip(sizes, zeros, tops, strict=True)]
    # What the words of both have together: the place of the largest product, and the bias of a float's exponent; or
    # what turns significands as integers into numbers.
    moved = -reach, highest - reach + (((real.maxexp - 1) << frac) if fields else -frac)
    make = _shares if fields else _numbers
    of_a, of_b = (Cut(make(real, frac, each, size + move), size.astype(np.int32))
                  for each, size, move in zip(found, sizes, moved, strict=True))
    return (tile.lowest << point) - highest + 2 * reach, of_a, of_b


def _shares(real, frac, operand, fields):
    """Shares of a float's bits, integers of its width: fields and signs."""
    bits = (fields << (real.nmant - frac)) + (operand.sign.astype(np.int64) << (real.bits - 1))
    return bits.astype(f"i{real.bits // 8}")


def _numbers(real, _, operand, exponents):
    """Numbers as floats: significands, at exponents, and signs."""
    size = np.ldexp(operand.sig.astype(np.float64), exponents.astype(np.int32))
    return np.where(operand.sign, -size, size).astype(real.dtype)
