"""Matrices as what moves through a tile's core: the order of passes, vectors and rows of weights."""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING, cast

import numpy as np

from . import beats
from .beats import Beats

if TYPE_CHECKING:
    from ..golden.formats import Format
    from ..hdl.designs import Design
    from .passes import Operands


def formats(design: Design) -> dict[str, Format]:
    """The streams that go in, and the format of the elements of each."""
    found = {"b": design.multiplier.b, "a": design.multiplier.a}
    blocks = {"bs": design.b_block, "as": design.a_block}
    return found | {name: block.scale for name, block in blocks.items() if block}


def element_bits(fmt: Format) -> int:
    """Bits that an element takes: whole bytes."""
    return beats.whole_bytes(fmt.width)


def depth_step(design: Design) -> int:
    """What depths are multiples of: whole blocks."""
    return lcm(*(block.size for block in design.tile.blocks))


def run(design: Design, given: Operands) -> dict[str, Beats]:
    """A run: by stream its beats. What is missing of the last pass is neutral."""
    tile, spec, (a, b, scales, place, top) = design.tile, design.multiplier, given
    fill_a, fill_b = cast("tuple[int, int]", spec.neutral)
    missing = -a.shape[1] % tile.lanes
    a = np.pad(a, ((0, 0), (0, missing)), constant_values=fill_a)
    b = np.pad(b, ((0, missing), (0, 0)), constant_values=fill_b)
    count = len(b) // tile.lanes
    found = {"b": Beats(b, beats.lasts(len(b)), place),
             "a": Beats(a.reshape(len(a), count, -1).swapaxes(0, 1).reshape(-1, tile.lanes),
                        beats.lasts(len(a)) * count, top)}
    firsts = np.arange(count) * tile.lanes
    if tile.b_block:
        assert scales.b is not None
        found["bs"] = Beats(scales.b[firsts // tile.b_block.size], [0] * count)
    if tile.a_block:
        assert scales.a is not None
        of_a = scales.a.T[firsts // tile.a_block.size].reshape(-1, 1)
        found["as"] = Beats(of_a, [0] * len(of_a))
    return found
