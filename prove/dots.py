"""Sums of the lanes of a `dot` that are exact: carry-save trees, by algebra on the gates of their Verilog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ..golden.formats import IntFormat
from ..hdl.accumulator import running_sum
from ..hdl.addend import Addend
from ..hdl.dot import FixedTree, IntTree, PartialTree, PlacedAdder
from ..hdl.fixed import Window
from ..hdl.partials import Partials
from . import exact_sums, exhaust, integer_sums
from .exact_sums import Placed, wrong_total
from .exhaust import Circuit
from .linear import Tree, load, outputs
from .logic import TRUE, Logic
from .obligation import PROVED, UNDECIDED, Answer, Obligation, Source
from .partials import add_partials
from .solver import Question

if TYPE_CHECKING:
    from ..golden.spec import Accumulator, Multiplier
    from ..hdl.accumulator import FixedSum


def _summed(circuit, signed, logic, given):
    """What a tree with ``en`` high holds a cycle later: its bits, and a function that writes a word of them as a
    `Linear`, as `linear.outputs` does."""
    given = given | {name: logic.inputs(size) for name, size in circuit.inputs.items() if name not in given}
    found, written = outputs(circuit, signed, logic, given | {"en": [TRUE]})
    after = dict(zip(given["$state"], found["$next"], strict=True))
    # What no register holds becomes free, so that nothing can be shown of it.
    return [after[literal] if literal in after else logic.input() for literal in found["sum"]], written


def integers(circuits: Mapping[str, Tree], seconds: float, fmt: IntFormat, count: int) -> Answer:
    """A tree gives the sum of ``count`` integers a cycle later, whatever they are; undecided if the algebra leaves
    anything over: it finds no witness."""
    (circuit, signed), logic, width = circuits["tree"], Logic(), fmt.width
    p = logic.inputs(width * count)
    after, linear = _summed(circuit, signed, logic, {"p": p})
    total = linear(after)
    total.simplify()
    for lane in range(count):
        total.add_word(p[lane * width : (lane + 1) * width], -1, fmt.signed, len(after))
    return Answer(UNDECIDED if total.weights or total.constant else PROVED)


def partials(circuits: Mapping[str, Tree], seconds: float, partials: Partials, bits: int, count: int) -> Answer:
    """A tree gives a cycle later the sum of ``count`` products whose partials it is given, modulo ``2**bits``;
    undecided if the algebra leaves anything over."""
    (circuit, signed), logic, size = circuits["tree"], Logic(), len(partials.places)
    p = logic.inputs(size * count)
    after, linear = _summed(circuit, signed, logic, {"p": p})
    total = linear(after)
    total.simplify()
    for lane in range(count):
        add_partials(total, p[lane * size : (lane + 1) * size], partials, -1)
    return Answer(UNDECIDED if total.weights or total.constant or len(after) != bits else PROVED)


def placed(circuits: Mapping[str, Any], seconds: float, window: Window, count: int) -> Answer:
    """A tree gives, a cycle later, the sum of what `Placed` makes of each of ``count`` float products, modulo the
    window's width, and the OR of their flags."""
    logic, width, (circuit, signed) = Logic(), window.addend.wide.width, circuits["tree"]
    p = logic.inputs(width * count)
    lanes = [circuits["placed"].build(logic, {"p": p[lane * width : (lane + 1) * width]})["placed"]
             for lane in range(count)]
    after, linear = _summed(circuit, signed, logic, {"p": p})
    bits = window.bits
    total = linear(after[:bits])
    total.add(after[bits], 1)
    total.simplify({literal >> 1 for lane in lanes for literal in lane[: bits + 1]})
    for lane in lanes:
        total.add_word(lane[:bits], -1)
        total.add(lane[bits], -1)
    seen = [logic.any(flags) for flags in zip(*(lane[bits + 1 :] for lane in lanes), strict=True)]
    if total.weights or total.constant:
        return Answer(UNDECIDED)
    return Answer(*Question(logic).never_one(*map(logic.xor, after[bits + 1 :], seen), limit=seconds))


def joined(circuits: Mapping[str, Circuit], seconds: float, window: Window, words: int, narrow: Window) -> Answer:
    """The adder of a fixed-point sum adds what a `FixedTree` gives, and joins the flags."""
    logic = Logic()
    raw, p = logic.inputs(words * window.bits + window.flags), logic.inputs(narrow.bits + 1 + narrow.flags)
    after = circuits["adder"].build(logic, {"acc": raw, "p": p})["sum"]
    question = Question(logic)
    raw, p, after = (question.word(bits) for bits in (raw, p, after))
    number = p[: narrow.bits].extend(window.bits, signed=True) + p[narrow.bits].extend(window.bits)
    flags = [p[n] for n in range(narrow.bits + 1, p.width)]
    wrong = wrong_total(window, words, raw, after, number, flags)
    return Answer(*question.never(wrong, limit=seconds, shown={"acc": raw, "p": p}))


_ALGEBRA = "algebra: full adders of the carry-save tree put for what they add"


def of_integers(name: str, fmt: IntFormat, count: int) -> Obligation:
    """The obligation of a tree of ``count`` integers."""
    return Obligation(name, "the sum of all lanes is exact", _ALGEBRA, integers, (fmt, count),
                      {"tree": Source(load, IntTree, (fmt, count))})


def of_partials(name: str, partials_: Partials, bits: int, count: int) -> Obligation:
    """The obligation of a tree of ``count`` products, given as partials."""
    return Obligation(name, "the sum of all lanes is exact", _ALGEBRA, partials, (partials_, bits, count),
                      {"tree": Source(load, PartialTree, (partials_, bits, count))})


def of_placed(name: str, window: Window, count: int) -> Obligation:
    """The obligation of a tree of ``count`` products in a window."""
    return Obligation(name, "the sum of all that is placed is exact", _ALGEBRA, placed, (window, count), {
        "tree": Source(load, FixedTree, (window, count)), "placed": Source(exhaust.load, Placed, (window,))})


def of_joined(name: str, window: Window, words: int, narrow: Window) -> Obligation:
    """The obligation of the adder behind such a tree."""
    return Obligation(name, "the sum of lanes is added exactly", "SMT, bit vectors", joined, (window, words, narrow),
                      {"adder": Source(exhaust.load, PlacedAdder, (window, words, narrow))})


def of(name: str, spec: Multiplier, accumulator: Accumulator, count: int) -> list[Obligation]:
    """The obligations of the sum of ``count`` lanes, called ``name``, and of its way into the running sum: of integers
    and of exact sums.

    Returns
    -------
    list of Obligation
    """
    product = Addend.product(spec)
    if accumulator.integer:
        wide, held = cast(IntFormat, spec.wide), cast(IntFormat, accumulator.result)
        total = IntFormat("sum", wide.width + (count - 1).bit_length(), wide.signed)
        each = Partials.of(spec, negative=True)
        return [of_partials(name, each, total.width, count) if each else of_integers(name, wide, count),
                integer_sums.of(name, "the sum of lanes is added exactly", held, total)]
    if accumulator.rounds:
        return []
    held, narrow = cast("FixedSum", running_sum(accumulator, product)), Window(product, count)
    return [exact_sums.places(name, spec, narrow), of_placed(name, narrow, count),
            of_joined(name, held.window, held.words, narrow)]
