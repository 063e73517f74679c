"""Matrices of floats through a tile: quantised, by block where the tile has blocks, multiplied, and scaled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .formats import Block, Format
from .operands import quantise
from .refusal import Refusal
from .tile_sums import Scales, TileResult, check_depth, room_above, tile_matmul

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .tile import Tile


class Quantised(NamedTuple):
    """A tensor as codes: those of the elements; those of the scales of its blocks, along the depth, or None of a tensor
    without blocks; and the scale of the whole tensor, by which the numbers of its codes are multiplied, or None of a
    tensor that was codes to begin with."""

    codes: np.ndarray
    scales: np.ndarray | None
    scale: float | None


class TileProduct(NamedTuple):
    """A product of matrices by a tile.

    Attributes
    ----------
    values : float64 array, (rows, cols)
        The numbers of ``result.codes``, times two to the power of ``result.exponent``, times both tensors' scales.
    result : TileResult
        What the tile gives, the window's place and that of the scales.
    a, b : Quantised
        The operands as the tile takes them.
    """

    values: np.ndarray
    result: TileResult
    a: Quantised
    b: Quantised


def matmul_floats(tile: Tile, a: ArrayLike, b: ArrayLike, a_own: Format | None = None,
                  b_own: Format | None = None) -> TileProduct:
    """The product of matrices of floats by a tile.

    A tensor in blocks is cut into them along the depth, which is filled with zeros to a whole number of blocks; any
    other becomes codes under one scale (`operands.quantise`). Where products would then be below the lowest place of
    the window, as of bf16, whose largest number gets exponent 0, tensors are scaled up by powers of two.

    Parameters
    ----------
    tile : Tile
    a, b : arrays of finite floats, (rows, depth) and (depth, cols)
    a_own, b_own : Format or None
        The format whose codes a tensor was to begin with.

    Raises
    ------
    Refusal
        If an operand is not a matrix, or has no number or one that is not finite; inner dimensions differ; or the depth
        is more than the tile's.
    """
    a, b = (np.asarray(each, np.float64) for each in (a, b))
    for name, operand in (("first", a), ("second", b)):
        if operand.ndim != 2 or not operand.size:
            raise Refusal(f"The {name} operand must be a matrix with at least one number, not of shape {operand.shape}")
        if not np.isfinite(operand).all():
            raise Refusal(f"The {name} operand must have finite numbers, not nan or inf")
    if a.shape[1] != b.shape[0]:
        raise Refusal(f"Inner dimensions must be equal, not {a.shape[1]} and {b.shape[0]}")
    check_depth(tile, a.shape[1])
    spec = tile.multiplier
    of_a, of_b = ready(tile, quantised(spec.a, tile.a_block, a, a_own, -1),
                       quantised(spec.b, tile.b_block, b, b_own, -2))
    result = tile_matmul(tile, of_a.codes, of_b.codes, Scales(of_a.scales, of_b.scales))
    return TileProduct(numbers(tile, result, of_a, of_b), result, of_a, of_b)


def quantised(fmt: Format, block: Block | None, values: np.ndarray, own: Format | None = None,
              axis: int = -1) -> Quantised:
    """A tensor of finite floats as codes of ``fmt``: in blocks along an ``axis`` (-1 or -2) where it has any, filled up
    with zeros to a whole number of them."""
    values = np.asarray(values, np.float64)
    if block is None:
        codes, scale = quantise(fmt, values, own, axis)
        return Quantised(codes, None, scale)
    along = np.moveaxis(values, axis, -1)
    scale = block.tensor_scale(along)
    if scale != 1:
        along = along / scale
    if missing := -along.shape[-1] % block.size:
        along = np.pad(along, [(0, 0)] * (along.ndim - 1) + [(0, missing)])
    found = block.encode(along)
    codes, scales = (np.ascontiguousarray(np.moveaxis(each, -1, axis)) for each in found)
    return Quantised(codes, scales, scale)


def ready(tile: Tile, a: Quantised, b: Quantised) -> tuple[Quantised, Quantised]:
    """Two operands as a tile takes them: filled up with zeros to whole blocks of either; and of tensors that were
    floats, and have no blocks, the numbers scaled up where their products would be below the window."""
    depth = max(a.codes.shape[1], b.codes.shape[0])
    size = max((block.size for block in tile.blocks), default=1)
    depth = -(-depth // size) * size
    a = a._replace(codes=_filled(a.codes, depth, 1, tile.multiplier.neutral))
    b = b._replace(codes=_filled(b.codes, depth, 0, tile.multiplier.neutral))
    if _has_one_scale(a):
        a = _raised(tile.multiplier.a, a, room_above(tile, a.codes, b.codes))
    if _has_one_scale(b):
        b = _raised(tile.multiplier.b, b, room_above(tile, a.codes, b.codes))
    return a, b


def numbers(tile: Tile, result: TileResult, a: Quantised, b: Quantised) -> np.ndarray:
    """What the codes of a result of these operands stand for, float64."""
    with np.errstate(over="ignore"):
        return np.ldexp(tile.result.decode(result.codes), result.exponent) * (a.scale or 1.0) * (b.scale or 1.0)


def _filled(codes, depth, axis, neutral):
    """Codes with as many zeros more along an axis as a depth lacks."""
    missing = depth - codes.shape[axis]
    if not missing:
        return codes
    places = ((0, 0), (0, missing)) if axis else ((0, missing), (0, 0))
    return np.pad(codes, places, constant_values=neutral[1 - axis])


def _has_one_scale(tensor):
    return tensor.scale is not None and tensor.scales is None


def _raised(fmt, tensor, octaves):
    """A tensor under one scale with codes so many octaves higher, or as many as its format has: the same numbers."""
    if not octaves:
        return tensor
    largest = np.abs(fmt.decode(tensor.codes)).max()
    _, above = np.frexp(fmt.magnitude / largest)
    octaves = min(octaves, int(above) - 1)
    higher = fmt.encode(np.ldexp(fmt.decode(tensor.codes), octaves))
    return Quantised(higher, None, tensor.scale * 0.5**octaves)
