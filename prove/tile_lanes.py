"""Lanes of tiles: that each adds what is defined, for every activation, weight and place of the window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

import numpy as np
from amaranth.hdl import Const, Module, Signal
from amaranth.lib.wiring import In, Out

from ..golden import tile_sums
from ..golden.stimulus import all_pairs
from ..hdl.part import Part
from ..hdl.tile_lanes import lane, place_width
from . import cells, exhaust
from .families import specification
from .linear import Linear
from .logic import Logic
from .obligation import PROVED, REFUTED, UNDECIDED, Answer, Obligation, Source
from .solver import Question
from .words import concat, free

if TYPE_CHECKING:
    from ..golden.formats import IntFormat
    from ..golden.tile import Tile
    from .cells import WordCircuit
    from .exhaust import Circuit
    from .words import Word

EXHAUSTED_BITS = 16  # of both operands together
_EXP = 16  # bits of exponents and places, with room
_ANY_PRODUCT = "; for the product of significands any number"


class WholeLane(Part):
    """A lane from codes: the activation prepared, the weight held, and the word that comes of them."""

    a: Signal
    b: Signal
    place: Signal
    word: Signal

    def __init__(self, tile: Tile, late: bool = False) -> None:
        self.tile, self.lane = tile, lane(tile, late)
        spec = tile.multiplier
        super().__init__({"a": In(spec.a.width), "b": In(spec.b.width), "place": In(place_width(tile)),
                          "word": Out(len(self.lane.weights))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.lane = self.lane
        place = self.place.as_signed() if len(self.place) else Const(self.tile.places[0], 16)
        m.d.comb += [self.lane.x.eq(self.lane.activation(m, "a", self.a)), self.lane.place.eq(place),
                     self.lane.y.eq(self.lane.held(m, "b", self.b, place)),
                     self.word.eq(self.lane.finished(self.lane.word))]
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


def specified(circuits: Mapping[str, WordCircuit], seconds: float, tile: Tile) -> Answer:
    """A lane adds what the definition says of the product that its family's specification gives, for all codes and
    every place.

    Where a lane multiplies, a query shows that products in the window are of the significands that the specification
    multiplies; then any number stands for the product on both sides.
    """
    answer = _specified(circuits["lane"], seconds, tile, _Product())
    if answer.verdict == REFUTED and answer.told[0]:  # no witness of the lane's own: that may need another product
        return _specified(circuits["lane"], seconds, tile, None)
    return answer


def _specified(circuit, seconds, tile, stands):
    """The answer, a `_Product` put for that of the significands, or with None these multiplied."""
    spec, question = tile.multiplier, Question(Logic())
    says = specification(spec)
    assert says is not None  # `of` asks for nothing without one
    given = {name: free(question, fmt.width, name) for name, fmt in (("a", spec.a), ("b", spec.b))}
    a, b = given.values()
    place, legal = a.value(tile.places[0], _EXP), a.value(1, 1)
    if bits := place_width(tile):
        given["place"] = free(question, bits, "place")
        place = given["place"].extend(_EXP, signed=True)
        legal = ~(place.below(tile.places[0], signed=True) | place.value(tile.places[-1]).below(place, signed=True))
    found = _counted(circuit.build(given, stands and stands.of("lane"))["word"], lane(tile))
    further = [stands.of("specification")] if stands and stands.seen and says.multiplies else []
    inside, right = in_window(tile, says.product(spec, True, a, b, *further), place)
    pairs = [legal & inside & ~x.equals(y) for x, y in (stands.factors() if stands else [])]
    shown = given | {"gives": found, "not": right}
    verdict, witness = question.never(*pairs, legal & ~found.equals(right), limit=seconds, shown=shown)
    witness = {name: code if name in ("a", "b") else str(_signed(code, shown[name].width))
               for name, code in witness.items()}
    return Answer(verdict, witness, (_ANY_PRODUCT if stands and stands.seen else "",))


def _signed(code, width):
    return code - ((code >> (width - 1)) << width)


class _Product:
    """One number that may be any, for the product of two significands in a lane and in its specification.

    Attributes
    ----------
    seen : dict of str to (Word, Word)
        What is multiplied, by side; a side multiplies but once.
    """

    def __init__(self) -> None:
        self.seen: dict[str, tuple[Word, Word]] = {}
        self._number = None

    def of(self, side: str) -> Callable[[Word, Word], Word]:
        """What stands for the product of two words on one side."""
        def multiply(x, y):
            assert side not in self.seen
            self.seen[side] = x, y
            self._number = self._number or free(x.question, x.width, "product")
            return self._number

        return multiply

    def factors(self) -> Iterator[tuple[Word, Word]]:
        """Pairs of words that must be equal, where both sides multiply."""
        return zip(*self.seen.values(), strict=True) if len(self.seen) == 2 else iter(())


def in_window(tile: Tile, product: Word, place: Word) -> tuple[Word, Word]:
    """Whether a wide product, as its port has it, is in a tile's window at a place, and what it then adds, signed, as
    wide as a lane's word and a bit: by cases of its exponent."""
    layout, position, parts = tile.multiplier.layout, 0, {}
    for name, width in layout.fields:
        parts[name] = product[position : position + width]
        position += width
    significand = parts["sig"].extend(layout.sig_bits + 1)
    if layout.implicit_one:
        significand = concat(parts["sig"], significand.value(1, 1))
    exp = parts["exp"].extend(_EXP, layout.exp_signed) - place
    window = cast(int, tile.window)
    width = max(window + 2, significand.width + window)
    size, inside = significand.value(0, width), significand.value(0, 1)
    for p in range(tile.lowest, tile.highest + 1):
        here, up = exp.equals(p), p - layout.frac_bits
        wide = significand.extend(width)
        size = here.choose(wide << up if up >= 0 else wide >> -up, size)
        inside = inside | here
    inside = inside & ~parts["zero"]
    half = (size << 1) | 1
    total = inside.choose(parts["sign"].choose(-half, half), half.value(0))
    return inside, total[: window + 2]


def _counted(word, its):
    """What the bits of a lane's word count, of two more bits than the window's size has."""
    width = len(its.weights) + 1
    total = word.value(its.constant, width)
    for n, place in enumerate(its.weights):
        total = total + (word[n].extend(width) << place)
    return total


def written_out(circuits: Mapping[str, Circuit], seconds: float, tile: Tile) -> Answer:
    """The bits of a lane of integers count the product as the family writes it out, modulo more than it can be;
    undecided if anything is left over."""
    spec, its, logic = tile.multiplier, lane(tile), Logic()
    says = specification(spec)
    assert says is not None and says.written_out is not None  # else `of` goes another way
    a, b = logic.inputs(spec.a.width), logic.inputs(spec.b.width)
    total = Linear(logic, spec.wide.width + 2)
    total.constant = its.constant & total.mask
    word = circuits["lane"].build(logic, {"a": a, "b": b})["word"]
    for bit, place in zip(word, its.weights, strict=True):
        total.add(bit, 1 << place)
    for literal, weight in says.written_out(spec, logic, a, b):
        total.add(literal, -weight)
    return Answer(UNDECIDED if total.weights or total.constant else PROVED)


def solved(circuits: Mapping[str, WordCircuit], seconds: float, tile: Tile) -> Answer:
    """A lane of integers adds the product that its specification gives, for all codes."""
    spec, its, question = tile.multiplier, lane(tile), Question(Logic())
    says = specification(spec)
    assert says is not None  # `of` asks for nothing without one
    given = {name: free(question, fmt.width, name) for name, fmt in (("a", spec.a), ("b", spec.b))}
    word, width = circuits["lane"].build(given)["word"], spec.wide.width + 2
    total = word.value(its.constant, width)
    for n, place in enumerate(its.weights):
        total = total + (word[n].extend(width) << place)
    wanted = says.product(spec, True, *given.values()).extend(width, cast("IntFormat", spec.wide).signed)
    shown = given | {"gives": total, "not": wanted}
    return Answer(*question.never(~total.equals(wanted), limit=seconds, shown=shown))


def of(name: str, tile: Tile, late: bool = False) -> list[Obligation]:
    """The obligations of a tile's lane, ``late`` or not, its word finished; none where its operands are too many to
    take all and the family has no specification."""
    spec = tile.multiplier
    says = specification(spec)
    if spec.a.width + spec.b.width <= EXHAUSTED_BITS:
        claim, means, examine, read = ("a lane adds what golden says", "exhaustion, {:,} pairs and places", exhausted,
                                       exhaust.load)
    elif says is None:
        return []
    else:
        claim = "a lane adds what the definition says, at every place"
        if not spec.wide.integer:
            means, examine, read = "SMT over all inputs{}", specified, cells.load
        elif says.written_out:
            means, examine, read = "algebra: the product written out", written_out, exhaust.load
        else:
            means, examine, read = "SMT, bit vectors", solved, cells.load
    return [Obligation(name, claim, means, examine, (tile,), {"lane": Source(read, WholeLane, (tile, late))},
                       {"a": spec.a, "b": spec.b}, weight=spec.a.width)]
