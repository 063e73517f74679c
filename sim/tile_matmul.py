"""Real matrices through a tile: floats quantised, by block where the tile has blocks, and scaled back; or codes, with
those of the scales of blocks in tensors of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..golden import matmul, tensors
from ..golden.codec import as_codes, code_dtype
from ..golden.refusal import Refusal
from ..golden.spec import parse_accumulator
from ..golden.tile_matrices import Quantised, numbers, quantised, ready
from ..golden.tile_sums import Scales, check_depth
from .codes import code_operand

if TYPE_CHECKING:
    from ..golden.formats import Block, Format
    from ..golden.tensors import Tensor
    from ..golden.tile import Tile
    from ..golden.tile_sums import TileResult


def operands(tile: Tile, a: Tensor, b: Tensor, a_scales: Tensor | None = None,
             b_scales: Tensor | None = None) -> tuple[Quantised, Quantised]:
    """Two matrices, `Tensor`, as a tile takes them.

    Parameters
    ----------
    tile : Tile
    a, b : Tensor
        (rows, depth) and (depth, cols): both floats, or both unsigned codes. Of a format of integers without blocks
        signed integers are numbers, each of which must be the format's.
    a_scales, b_scales : Tensor or None
        Codes of the scales of blocks that come as codes: (rows, blocks), (blocks, cols).

    Raises
    ------
    Refusal
        If dtypes or shapes are not such; scales are missing or too many; a float is not finite, a code does not fit,
        a sum of integers leaves its range, or products would all be below the window.
    """
    if a.array.shape[1] != b.array.shape[0]:
        raise Refusal(f"Inner dimensions must be equal, not {a.array.shape[1]} and {b.array.shape[0]}")
    check_depth(tile, a.array.shape[1])
    spec = tile.multiplier
    first = _operand("A", spec.a, tile.a_block, a, a_scales, -1)
    second = _operand("B", spec.b, tile.b_block, b, b_scales, -2)
    if (first.scale is None) != (second.scale is None):
        kinds = ["codes" if each.scale is None else "floats" for each in (first, second)]
        raise Refusal(f"Matrices must be both floats or both codes, not {kinds[0]} and {kinds[1]}")
    if tile.result.integer:
        matmul.refuse_wrapped(spec, parse_accumulator(tile.result.name), first.codes, second.codes)
    return ready(tile, first, second)


def scales(a: Quantised, b: Quantised) -> Scales:
    """Those of the blocks of two operands."""
    return Scales(a.scales, b.scales)


def told(tile: Tile, result: TileResult, a: Quantised, b: Quantised) -> str:
    """Where the window was, and what results are to be multiplied by, in words."""
    words = []
    if tile.window is not None:
        words.append(f"window at {result.place}")
    if tile.blocks:
        words.append(f"scales of blocks at {result.top}")
    if not tile.result.integer:
        words.append(f"codes of results times 2**{result.exponent}")
    if a.scale is not None:
        words.append(f"scales {a.scale:.6g} and {b.scale:.6g}")
    return "".join(f"; {word}" for word in words)


def product(tile: Tile, result: TileResult, a: Quantised, b: Quantised, dtypes: set[str]) -> np.ndarray:
    """A result as matrices of these types, names, call for: float64 or float32 of floats, else codes, or numbers of
    signed integers."""
    if a.scale is not None:
        with np.errstate(over="ignore"):
            return numbers(tile, result, a, b).astype(np.float64 if "float64" in dtypes else np.float32)
    if any(name.startswith("int") for name in dtypes):
        return result.codes.view(np.int32)
    return result.codes


def _operand(name: str, fmt: Format, block: Block | None, tensor: Tensor, given: Tensor | None,
             axis: int) -> Quantised:
    codes = code_operand(name, fmt, tensor, axis, exactly=block is None)
    if given is not None and (block is None or codes is None):
        raise Refusal(f"Scales of {name} must be left out: " + (
            "the design has no blocks there" if block is None else "floats are quantised, scales and all"))
    if codes is None:
        found = tensors.numbers(f"Matrix {name}", tensor, [fmt])
        return quantised(fmt, block, found.values.astype(np.float64), found.own, axis)
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
