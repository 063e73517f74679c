"""Passes that exercise a tile: operands, scales and partial sums of every kind, and the places that these are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from ..golden.refusal import Refusal
from ..golden.tile_sums import Scales, place_for, top_for
from . import tiles

if TYPE_CHECKING:
    from ..golden.formats import Block
    from ..golden.tile import Tile
    from ..hdl.designs import Design

KINDS = (*tiles.KINDS, "nothing")
SCALE_KINDS = ("near", "near", "any", "ends", "lowest")


class Operands(NamedTuple):
    """Operands of a tile: codes ``a`` (rows, depth) and ``b`` (depth, cols), scales, and the places of the window and
    of the scales."""

    a: np.ndarray
    b: np.ndarray
    scales: Scales
    place: int
    top: int


def operands(design: Design, kind: str, rows: int, depth: int, rng: np.random.Generator) -> Operands:
    """Operands of a kind of `KINDS`; of blocks, scales of random kinds; and any place that the tile may have."""
    tile, cols = design.tile, cast(int, design.cols)
    a, b = tiles.matrices(tile.multiplier, kind, rows, depth, cols, rng)
    scales = Scales(_scales(tile.a_block, (rows, -1), depth, rng), _scales(tile.b_block, (-1, cols), depth, rng))
    return Operands(a, b, scales, _place(tile, a, b, rng), _top(tile, scales, rng))


def sums(tile: Tile, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Partial sums of an earlier pass: any, or all 0; one in eight of them NaN where that can be."""
    words = rng.integers(1 << 63, size=shape, dtype=np.uint64) & np.uint64((1 << tile.word_bits) - 1)
    flags = (rng.random(shape) < 1 / 8).astype(np.uint64) * np.uint64(tile.flags)
    return words * np.uint64(rng.random() < 0.75) | flags << np.uint64(tile.word_bits)


def top_limit(tile: Tile) -> int:
    """The largest place of the scales that a tile can be told."""
    highest = sum(int(block.scale.parts(np.array([(1 << block.scale.width) - 1]))[1][0]) for block in tile.blocks)
    return (1 << highest.bit_length()) - 1


def _scales(block: Block | None, shape: tuple[int, int], depth: int, rng: np.random.Generator) -> np.ndarray | None:
    """Codes of scales; where ``shape`` has -1 as many as a depth has blocks."""
    if block is None:
        return None
    count = -(-depth // block.size)
    shape = (shape[0], count) if shape[1] < 0 else (count, shape[1])
    scale, kind = block.scale, rng.choice(SCALE_KINDS)
    last = (1 << scale.width) - 1  # NaN
    if kind == "lowest":
        return np.zeros(shape, np.uint8)
    if kind == "any":
        return rng.integers(last + 1, size=shape, dtype=np.uint8)
    if kind == "ends":
        return rng.choice(np.array([0, 1, scale.max_finite - 1, scale.max_finite, last], np.uint8), shape)
    middle = int(rng.integers(last))
    return np.clip(middle + rng.integers(-12, 13, shape), 0, scale.max_finite).astype(np.uint8)


def _place(tile, a, b, rng):
    """The place that golden would choose, one near to it, or any."""
    try:
        chosen = place_for(tile, a, b)
    except Refusal:  # too small for any
        chosen = tile.places[0]
    found = rng.choice([chosen, chosen, chosen + rng.integers(-3, 4), rng.choice(tile.places)])
    return int(np.clip(found, tile.places[0], tile.places[-1]))


def _top(tile, scales, rng):
    """The lowest that is allowed, or a higher one."""
    if not tile.blocks:
        return 0
    needed = top_for(tile, scales)
    return int(rng.choice([needed, needed, min(needed + rng.integers(1, 40), top_limit(tile))]))
