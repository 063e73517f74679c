"""Sums of tiles: the trees of columns by algebra, blocks' sums by their scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..golden.tile import GUARD_BITS
from ..hdl.tile_column import Added, Scaled, Tree, down_bits
from ..hdl.tile_lanes import lane
from . import cells, linear
from .logic import Logic
from .obligation import PROVED, UNDECIDED, Answer, Obligation, Source
from .solver import Question
from .words import free

if TYPE_CHECKING:
    from ..golden.tile import Tile
    from .cells import WordCircuit


def lanes_added(circuits: Mapping[str, linear.Tree], seconds: float, tile: Tile) -> Answer:
    """A column's tree gives what the bits of all lanes count, as one word or as two that are added behind it, and that
    width holds every such sum; undecided if the algebra leaves anything over: it finds no witness."""
    (circuit, signed), logic, its = circuits["tree"], Logic(), lane(tile)
    count = len(its.weights)
    words = logic.inputs(tile.lanes * count)
    found, written = linear.outputs(circuit, signed, logic, {"words": words})
    total = written(found["sum"][: tile.sum_bits])
    total.add_word(found["sum"][tile.sum_bits :])
    total.simplify()
    for n in range(tile.lanes):
        for bit, place in zip(words[n * count : (n + 1) * count], its.weights, strict=True):
            total.add(bit, -(1 << place))
    total.constant = total.constant - tile.lanes * its.constant & total.mask
    low, high = (tile.lanes * end for end in tile.word_range)
    half = 1 << tile.sum_bits - 1
    fits = -half <= low and high < half and len(found["sum"]) in (tile.sum_bits, 2 * tile.sum_bits)
    return Answer(PROVED if fits and not (total.weights or total.constant) else UNDECIDED)


def added(circuits: Mapping[str, WordCircuit], seconds: float, tile: Tile) -> Answer:
    """A partial sum and the sum of the lanes, modulo the word's width."""
    circuit, question = circuits["adder"], Question(Logic())
    given = {"sum": free(question, tile.sum_bits, "sum"), "c": free(question, tile.word_bits, "c")}
    found = circuit.build(given)["o"]
    right = given["c"] + given["sum"].extend(tile.word_bits, signed=True)
    shown = given | {"gives": found, "not": right}
    return Answer(*question.never(~found.equals(right), limit=seconds, shown=shown))


def scaled(circuits: Mapping[str, WordCircuit], seconds: float, tile: Tile) -> Answer:
    """A partial sum, plus a block's sum by the significand of its scales and `GUARD_BITS` places up, then divided by
    two to the power of the distance and rounded towards minus infinity, by cases; modulo the word's width."""
    circuit, question, width = circuits["scaled"], Question(Logic()), tile.word_bits
    given = {"sum": free(question, tile.sum_bits, "sum")}
    if tile.scale_bits:
        given["sig"] = free(question, tile.scale_bits, "sig")
    given |= {"down": free(question, down_bits(tile), "down"), "c": free(question, width, "c")}
    found = circuit.build(given)["o"]
    whole = tile.sum_bits + tile.scale_bits + GUARD_BITS + 2  # bits of what is divided, and more
    value = given["sum"].extend(whole, signed=True)
    if "sig" in given:
        value = value * given["sig"].extend(whole)
    value = value << GUARD_BITS
    quotient = value
    for distance in range(1, 1 << down_bits(tile)):
        quotient = given["down"].equals(distance).choose(_halved(value, distance), quotient)
    right = given["c"] + quotient.extend(width, signed=True)
    shown = given | {"gives": found, "not": right}
    return Answer(*question.never(~found.equals(right), limit=seconds, shown=shown))


def _halved(value, distance):
    """A signed word by two to the power of a distance, towards minus infinity."""
    sign = value[-1]
    if distance >= value.width:
        return sign.choose(value.value(-1), value.value(0))
    return value[distance:].extend(value.width, signed=True)


def of(name: str, tile: Tile, stages: int = 1) -> list[Obligation]:
    """The obligations of the sums of a column, but for its lanes."""
    found = [Obligation(name, "the sum of all lanes is exact",
                        "algebra: full adders of the carry-save tree put for what they add", lanes_added, (tile,),
                        {"tree": Source(linear.load, Tree, (tile, stages < 3))}, weight=tile.lanes)]
    if not tile.blocks:
        return [*found, Obligation(name, "the partial sum is added exactly", "SMT, bit vectors", added, (tile,),
                                   {"adder": Source(cells.load, Added, (tile,))})]
    return [*found, Obligation(name, "a block's sum by its scales is cut once and added", "SMT, bit vectors", scaled,
                               (tile,), {"scaled": Source(cells.load, Scaled, (tile,))}, weight=20)]
