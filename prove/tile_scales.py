"""The edge of tiles: what scales of blocks become, and which codes make a sum NaN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from ..golden.codec import code_dtype
from ..hdl.part import Part
from ..hdl.tile import factor, no_scale, special, top_bits
from ..hdl.tile_column import down_bits
from . import cells, exhaust
from .logic import Logic
from .obligation import PROVED, REFUTED, Answer, Obligation, Source
from .solver import Question
from .words import free

if TYPE_CHECKING:
    from ..golden.tile import Tile
    from .cells import WordCircuit
    from .exhaust import Circuit


class Factor(Part):
    """What a tile makes of the codes of two scales; of an operand without blocks a code has no bits."""

    a: Signal
    b: Signal
    top: Signal
    sig: Signal
    down: Signal

    def __init__(self, tile: Tile) -> None:
        self.tile = tile
        widths = [block.scale.width if block else 0 for block in (tile.a_block, tile.b_block)]
        super().__init__({"a": In(widths[0]), "b": In(widths[1]), "top": In(top_bits(tile)),
                          "sig": Out(tile.scale_bits), "down": Out(down_bits(tile))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sig, down = factor(m, self.tile, "far", self.a, self.b, self.top)
        m.d.comb += [self.sig.eq(sig), self.down.eq(down)]
        return m


class Special(Part):
    """Whether a tile takes a code of either operand, or of its scale, for no number."""

    def __init__(self, tile: Tile) -> None:
        self.tile, spec = tile, tile.multiplier
        self.blocks = {name: block for name, block in (("a_scale", tile.a_block), ("b_scale", tile.b_block)) if block}
        self.codes = {"a": spec.a, "b": spec.b} | {name: block.scale for name, block in self.blocks.items()}
        ports = {name: In(fmt.width) for name, fmt in self.codes.items()}
        super().__init__(ports | {f"{name}_special": Out(1) for name in self.codes})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, fmt in self.codes.items():
            code = getattr(self, name)
            found = no_scale(self.blocks[name], code) if name in self.blocks else special(fmt, code)
            m.d.comb += getattr(self, f"{name}_special").eq(found)
        return m


def factored(circuits: Mapping[str, Circuit], seconds: float, tile: Tile) -> Answer:
    """Of every pair of scales, and every place that is not below their product, the significand and the distance are
    golden's; a distance that cuts all off may be another that does."""
    scales = [block.scale if block else None for block in (tile.a_block, tile.b_block)]
    codes = np.meshgrid(*(np.arange(1 << scale.width if scale else 1) for scale in scales))
    a, b = (each.ravel() for each in codes)
    sig, exp = np.ones(len(a), np.int64), np.zeros(len(a), np.int64)
    for scale, each in zip(scales, (a, b), strict=True):
        if scale:
            its_sig, its_exp = scale.parts(each)
            sig, exp = sig * its_sig, exp + its_exp
    most, count = (1 << down_bits(tile)) - 1, 0
    given = {name: each.astype(code_dtype(scale.width)) for name, scale, each in
             zip("ab", scales, (a, b), strict=True) if scale}
    for top in range(1 << top_bits(tile)):
        found = circuits["factor"](**given, top=np.full(len(a), top, code_dtype(top_bits(tile))))
        legal = exp <= top
        wrong = found["down"] != np.minimum(top - exp, most)
        if tile.scale_bits:
            wrong |= found["sig"] != sig
        wrong &= legal
        if wrong.any():
            first = np.flatnonzero(wrong)[0]
            return Answer(REFUTED, {**{name: int(each[first]) for name, each in given.items()}, "top": str(top)}, (0,))
        count += int(legal.sum())
    return Answer(PROVED, told=(count,))


def told_apart(circuits: Mapping[str, WordCircuit], seconds: float, tile: Tile) -> Answer:
    """A code is special where its magnitude is above the largest number of its format, which only NaN and Inf are."""
    question, part = Question(Logic()), Special(tile)
    given = {name: free(question, fmt.width, name) for name, fmt in part.codes.items()}
    found = circuits["special"].build(given)
    wrong = []
    for name, fmt in part.codes.items():
        field = given[name] if name in part.blocks else given[name][:-1]  # scales have no sign
        special_ones = fmt.has_nan or fmt.has_inf
        above = field.value(fmt.max_finite).below(field) if special_ones else field.value(0, 1)
        wrong.append(found[f"{name}_special"] ^ above)
    return Answer(*question.never(*wrong, limit=seconds, shown=given))


def of(name: str, tile: Tile) -> list[Obligation]:
    """The obligations of scales and of what is no number; none of a tile that has neither."""
    found = []
    if tile.blocks:
        found.append(Obligation(name, "scales become what golden makes of them", "exhaustion, {:,} scales and places",
                                factored, (tile,), {"factor": Source(exhaust.load, Factor, (tile,))},
                                {"a": tile.a_block and tile.a_block.scale, "b": tile.b_block and tile.b_block.scale}))
    if tile.flags:
        found.append(Obligation(name, "NaN and Inf, of codes and of scales, and nothing else set the flag",
                                "SMT, bit vectors", told_apart, (tile,),
                                {"special": Source(cells.load, Special, (tile,))}, Special(tile).codes))
    return found
