"""Lanes of tiles: that each adds what golden says, for every activation, weight and place of the window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from amaranth.hdl import Const, Module, Signal
from amaranth.lib.wiring import In, Out

from ..golden import tile_sums
from ..golden.stimulus import all_pairs
from ..hdl.part import Part
from ..hdl.tile_lanes import lane, place_width
from . import exhaust
from .obligation import PROVED, REFUTED, Answer, Obligation, Source

if TYPE_CHECKING:
    from ..golden.tile import Tile
    from .exhaust import Circuit

EXHAUSTED_BITS = 16  # of both operands together


class WholeLane(Part):
    """A lane from codes: the activation prepared, the weight held, and the word that comes of them."""

    a: Signal
    b: Signal
    place: Signal
    word: Signal

    def __init__(self, tile: Tile) -> None:
        self.tile, self.lane = tile, lane(tile)
        spec = tile.multiplier
        super().__init__({"a": In(spec.a.width), "b": In(spec.b.width), "place": In(place_width(tile)),
                          "word": Out(len(self.lane.weights))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.lane = self.lane
        place = self.place.as_signed() if len(self.place) else Const(self.tile.places[0], 16)
        m.d.comb += [self.lane.x.eq(self.lane.activation(m, "a", self.a)), self.lane.place.eq(place),
                     self.lane.y.eq(self.lane.held(m, "b", self.b, place)), self.word.eq(self.lane.word)]
        return m


def number(tile: Tile, words: np.ndarray) -> np.ndarray:
    """What the bits of words count, int64."""
    found = np.full(words.shape, lane(tile).constant, np.int64)
    for n, place in enumerate(lane(tile).weights):
        found += (words.astype(np.int64) >> n & 1) << place
    return found


def exhausted(circuits: Mapping[str, Circuit], seconds: float, tile: Tile) -> Answer:
    """A lane gives what golden says, for every pair of codes at every place."""
    a, b = all_pairs(tile.multiplier)
    for place in tile.places:
        given = {"a": a, "b": b}
        if place_width(tile):
            given["place"] = np.full(a.shape, place & ((1 << place_width(tile)) - 1), np.uint16)
        found = number(tile, circuits["lane"](**given)["word"])
        wrong = np.flatnonzero(found != tile_sums.words(tile, place, a, b))
        if wrong.size:
            first = wrong[:1]
            shown = {"a": int(a[first][0]), "b": int(b[first][0]), "place": str(place),
                     "gives": str(found[first][0]),
                     "not": str(tile_sums.words(tile, place, a[first], b[first])[0])}
            return Answer(REFUTED, shown, (0,))
    return Answer(PROVED, told=(len(a) * len(tile.places),))


def of(name: str, tile: Tile) -> list[Obligation]:
    """The obligations of a tile's lane; none where its operands are too many to take all."""
    spec = tile.multiplier
    if spec.a.width + spec.b.width > EXHAUSTED_BITS:
        return []
    return [Obligation(name, "a lane adds what golden says", "exhaustion, {:,} pairs and places", exhausted, (tile,),
                       {"lane": Source(exhaust.load, WholeLane, (tile,))}, {"a": spec.a, "b": spec.b})]



