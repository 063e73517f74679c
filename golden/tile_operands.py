"""Real matrices as a tile takes them: floats quantised, by block where the tile has blocks; or codes, with those of the
scales of blocks in tensors of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import matmul, tensors
from .code_operands import code_operand
from .codec import as_codes, code_dtype
from .refusal import Refusal
from .spec import parse_accumulator
from .tile_matrices import Quantised, quantised, ready
from .tile_sums import check_depth

if TYPE_CHECKING:
    from .formats import Block, Format
    from .tensors import Tensor
    from .tile import Tile


def operands(tile: Tile, a: Tensor | Quantised, b: Tensor | Quantised, a_scales: Tensor | None = None,
             b_scales: Tensor | None = None) -> tuple[Quantised, Quantised]:
    """Two matrices of one inner dimension as a tile takes them.

    Parameters
    ----------
    tile : Tile
    a, b : Tensor or Quantised
        (rows, depth) and (depth, cols): both floats, or both unsigned codes. Of a format of integers without blocks
        signed integers are numbers, each of which must be the format's. What is `Quantised` is taken as it is.
    a_scales, b_scales : Tensor or None
        Codes of the scales of blocks that come as codes: (rows, blocks), (blocks, cols).

    Raises
    ------
    Refusal
        If dtypes or shapes are not such; scales are missing or too many; a float is not finite, a code does not fit,
        a sum of integers leaves its range, or products would all be below the window.
    """
    for each, axis in ((a, 1), (b, 0)):
        if not isinstance(each, Quantised):
            check_depth(tile, each.array.shape[axis])
    spec = tile.multiplier
    first = _operand("A", spec.a, tile.a_block, a, a_scales, -1)
    second = _operand("B", spec.b, tile.b_block, b, b_scales, -2)
    check_alike(first, second)
    if tile.result.integer:
        matmul.refuse_wrapped(spec, parse_accumulator(tile.result.name), first.codes, second.codes)
    return ready(tile, first, second)


def check_alike(a: Quantised, b: Quantised) -> None:
    """Refuse one operand that was floats and another that was codes: what would the result be?"""
    if (a.scale is None) != (b.scale is None):
        kinds = ["codes" if each.scale is None else "floats" for each in (a, b)]
        raise Refusal(f"Matrices must be both floats or both codes, not {kinds[0]} and {kinds[1]}")


def _operand(name: str, fmt: Format, block: Block | None, tensor: Tensor | Quantised, given: Tensor | None,
             axis: int) -> Quantised:
    if isinstance(tensor, Quantised):
        return tensor
    codes = code_operand(name, fmt, tensor, axis, exactly=block is None)
    if given is not None and (block is None or codes is None):
        raise Refusal(f"Scales of {name} must be left out: " + (
            "the design has no blocks there" if block is None else "floats are quantised, scales and all"))
    if codes is None:
        found = tensors.numbers(f"Matrix {name}", tensor, [fmt])
        return quantised(fmt, block, found.values, found.own, axis)
    if block is None:
        return Quantised(codes, None, None)
    if given is None:
        raise Refusal(f"Scales of {name} must be given, as --{name.lower()}-scales F.npy, where its codes are in "
                      f"blocks of {block}")
    if given.dtype != code_dtype(block.scale.width):
        raise Refusal(f"Scales of {name} must be {code_dtype(block.scale.width)} codes of {block.scale}, "
                      f"not {given.dtype}")
    shape = list(codes.shape)
    shape[axis] = -(-shape[axis] // block.size)
    if given.array.shape != tuple(shape):
        raise Refusal(f"Scales of {name} must be of shape {tuple(shape)}, one for each block of {block.size}, not "
                      f"{given.array.shape}")
    return Quantised(codes, as_codes(block.scale, given.array), None)
