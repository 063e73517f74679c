"""Exact sums: that every product is placed in their window, and added, without an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.wiring import In, Out

from ..golden.spec import Accumulator
from ..hdl.accumulator import running_sum
from ..hdl.addend import Addend
from ..hdl.fixed import FixedAdder
from ..hdl.multipliers import multiplier
from ..hdl.part import Part
from . import exact_drain, exhaust
from .exact_drain import total_of
from .float_theory import significand, split
from .logic import Logic
from .obligation import PROVED, UNDECIDED, Answer, Obligation, Source
from .solver import Question
from .words import any_of, concat

if TYPE_CHECKING:
    from ..golden.spec import Multiplier, WideFormat
    from ..hdl.accumulator import FixedSum
    from ..hdl.fixed import Window
    from .exhaust import Circuit
    from .words import Word


class Placed(Part):
    """One product in a window: what `Window.place` gives, one after the other."""

    p: Signal
    placed: Signal

    def __init__(self, window: Window) -> None:
        self.window = window
        super().__init__({"p": In(window.addend.wide.width), "placed": Out(window.bits + 1 + window.flags)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.placed.eq(Cat(self.window.place(m, self.p)))
        return m


def in_window(window: Window, p: Word) -> tuple[Word, Word, Word, list[Word]]:
    """What a product is in a window.

    Returns
    -------
    number : Word
        Its value in units of the smallest, modulo the window's width.
    large, special : Word
        Whether its magnitude is none that the window knows, and whether it has flags.
    flags : list of Word
    """
    addend, wide = window.addend, cast("WideFormat", window.addend.wide)
    fields, width, reach = split(wide, p), window.bits + wide.exp_bits + 1, addend.highest - addend.lowest
    shift = fields["exp"].extend(width, wide.exp_signed) - addend.lowest
    size = significand(wide, fields).extend(width) << shift
    large = shift.value(reach).below(shift) | size.value(addend.largest << reach).below(size)
    size = size[: window.bits]
    number = fields["zero"].choose(size.value(0), fields["sign"].choose(-size, size))
    inf, nan = (fields.get(name, large.value(0)) for name in ("inf", "nan"))
    flags = [nan | (inf & ~fields["sign"]), nan | (inf & fields["sign"])][: window.flags]
    return number, ~fields["zero"] & large, inf | nan, flags


def taken(placed: Word, bits: int) -> tuple[Word, list[Word]]:
    """What is placed, as a number and its flags: all bits inverted, and one to be added, where it is negative."""
    return placed[:bits] + placed[bits].extend(bits), [placed[n] for n in range(bits + 1, placed.width)]


def placement(circuits: Mapping[str, Circuit], seconds: float, spec: Multiplier, window: Window) -> Answer:
    """`Placed` makes of every product of a multiplier, by the gates of both, its value in units of the window, 1 short
    where it is negative, which no sum of as many as the window is for exceeds; and its flags."""
    logic = Logic()
    given = {"a": logic.inputs(spec.a.width), "b": logic.inputs(spec.b.width)}
    given["p"] = circuits["multiplier"].build(logic, dict(given))["p"]
    found = circuits["placed"].build(logic, {"p": given["p"]})["placed"]
    question = Question(logic)
    shown = {name: question.word(bits) for name, bits in given.items()}
    value, large, special, wanted = in_window(window, shown["p"])
    number, flags = taken(question.word(found), window.bits)
    wrong = any_of([*(flag ^ other for flag, other in zip(flags, wanted, strict=True)),
                    ~special & (large | ~number.equals(value))])
    reach = window.addend.largest << (window.addend.highest - window.addend.lowest)
    if window.depth * reach >= 1 << (window.bits - 1):
        return Answer(UNDECIDED)
    return Answer(*question.never(wrong, limit=seconds, shown=shown))


def wrong_total(window: Window, words: int, raw: Word, after: Word, number: Word, flags: Sequence[Word]) -> Word:
    """Whether a sum ``after`` is not the sum ``raw`` with a number added and flags joined."""
    bits, start = window.bits, words * window.bits
    same = total_of(after, bits, words).equals(total_of(raw, bits, words) + number)
    if not flags:
        return ~same
    return ~same | ~after[start:].equals(raw[start:] | concat(*flags))


def step(circuits: Mapping[str, Circuit], seconds: float, spec: Multiplier, window: Window, words: int) -> Answer:
    """A step of an exact sum adds the product in units of the smallest, modulo the width; flags stay and join.

    What is placed, by the same gates in the adder as in `Placed`, is cut: whatever it is, it is added.
    """
    logic = Logic()
    p, raw = logic.inputs(spec.wide.width), logic.inputs(words * window.bits + window.flags)
    found = circuits["placed"].build(logic, {"p": p})["placed"]
    after = circuits["adder"].build(logic, {"acc": raw, "p": p})["sum"]
    question = Question(logic)
    question.cut(found)
    number, flags = taken(question.word(found), window.bits)
    wrong = wrong_total(window, words, question.word(raw), question.word(after), number, flags)
    return Answer(PROVED if question.never(wrong, limit=seconds)[0] == PROVED else UNDECIDED)


def places(name: str, spec: Multiplier, window: Window) -> Obligation:
    """The obligation that products are placed."""
    return Obligation(name, "every product is placed exactly", "SMT, bit vectors", placement, (spec, window), {
        "placed": Source(exhaust.load, Placed, (window,)),
        "multiplier": Source(exhaust.load, multiplier, (spec, True))}, {"a": spec.a, "b": spec.b})


def of(name: str, spec: Multiplier, accumulator: Accumulator) -> list[Obligation]:
    """The obligations of an exact sum: that products are placed in it, that what is placed is added, and that its value
    leaves as fp32."""
    held = cast("FixedSum", running_sum(accumulator, Addend.product(spec)))
    window, words = held.window, held.words
    return [places(name, spec, window),
            Obligation(name, "every product is added exactly", "SMT, bit vectors", step, (spec, window, words), {
                "placed": Source(exhaust.load, Placed, (window,)),
                "adder": Source(exhaust.load, FixedAdder, (window, words))}),
            exact_drain.of(name, window, words)]
