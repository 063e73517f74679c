"""Tiles in parts: lanes, the sums of a column, scales and flags, and the way of vectors and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..hdl.tile_column import Column
from ..hdl.tile_core import Word, drain_steps
from . import (
    exact_drain,
    handshake,
    tile_joined,
    tile_lanes,
    tile_order,
    tile_queue,
    tile_scales,
    tile_streams,
    tile_sums,
)

if TYPE_CHECKING:
    from ..hdl.designs import Design
    from .obligation import Obligation


def parts(design: Design) -> dict[str, list[Obligation]]:
    """What is to be proved of a design that is a tile, by part in words."""
    tile, stages = design.tile, design.stages
    window = f" in a window of {tile.window} bits" if tile.window else ""
    product = f"{tile.multiplier.name}{window}"
    name = f"{tile.lanes} lanes of {tile.multiplier.named(tile.formats)}{window}"
    summed = name + f", in {stages} stages" * (stages > 1)
    late = Column(tile, stages=stages).lane.late
    lane = product + ", its sign put in behind it" * late
    found = {f"lane, {lane}": tile_lanes.of(lane, tile, late), f"sum, {summed}": tile_sums.of(summed, tile, stages)}
    if edge := tile_scales.of(name, tile):
        found[f"edge, {name}"] = edge
    small = tile_streams.followed(tile, stages, ahead=design.declared.bus)
    found[f"streams, as of {', '.join(each.name for each in small)}"] = [
        each for one in small for each in tile_streams.of(one)]
    if design.declared.bus:
        if not tile.result.integer:
            word = Word(tile.word_bits, tile.flags)
            steps = drain_steps(stages)
            words = f"{word.bits} bits" + f", rounded in {steps} cycles" * (steps > 1)
            found[f"results, words of {words}"] = [exact_drain.of(f"word of {words}", word, 1, steps)]
        found["stream registers"] = handshake.registers()
        # In several stages it goes with a vector through the tile which pass this is of, and no queue has it.
        depths = sorted({2, tile_queue.depth(design)} if stages == 1 else {2})
        queues = "queues" if len(depths) > 1 else "queue"
        found[f"{queues} of {' and '.join(map(str, depths))}"] = [tile_queue.of(depth) for depth in depths]
        cores = tile_order.followed(tile, stages)
        if tile.blocks and cores:  # behind their scales, as cores without blocks
            for each in tile_joined.followed(tile, stages):
                found[f"vectors and weights with their scales, as of {each.name}"] = tile_joined.of(each)
        order = f"order of passes, as of {', '.join(each.name for each in cores)}" if cores else "order of passes"
        found[order] = [each for one in cores for each in tile_order.of(one)]
        if staged := tile_order.staged(stages):
            found[f"sums in time, as of {', '.join(each.name for each in staged)}"] = [
                each for one in staged for each in tile_order.of_staged(one)]
    return found
