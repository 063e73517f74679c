"""Integer accumulators: that numbers are added, modulo the width of the sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from ..hdl.accumulator import Sum
from ..hdl.addend import Addend
from ..hdl.integer_sum import Halves, HalvesAdder
from ..hdl.part import Part
from . import exhaust, linear
from .logic import Logic
from .obligation import PROVED, UNDECIDED, Answer, Obligation, Source
from .partials import add_partials
from .solver import Question

if TYPE_CHECKING:
    from ..golden.formats import IntFormat
    from .exhaust import Circuit
    from .linear import Tree
    from .words import Word


def _adder(fmt, addend):
    return Sum(fmt, addend).adder()


def added(circuits: Mapping[str, Circuit], seconds: float, fmt: IntFormat, number: IntFormat) -> Answer:
    """The adder of a sum of integers of format ``fmt`` adds any of format ``number``, modulo its own width."""
    logic = Logic()
    given = {"acc": logic.inputs(fmt.width), "p": logic.inputs(number.width)}
    given["gives"] = circuits["adder"].build(logic, dict(given))["sum"]
    question = Question(logic)
    shown = {name: question.word(bits) for name, bits in given.items()}
    right = shown["acc"] + shown["p"].extend(fmt.width, number.signed)
    return Answer(*question.never(~shown["gives"].equals(right), limit=seconds, shown=shown))


def of(name: str, claim: str, fmt: IntFormat, number: IntFormat) -> Obligation:
    """The obligation of such a sum.

    Parameters
    ----------
    name, claim : str
    fmt, number : IntFormat
        Of the sum, and of what is added.
    """
    return Obligation(name, claim, "SMT, bit vectors", added, (fmt, number),
                      {"adder": Source(exhaust.load, _adder, (fmt, Addend(number)))},
                      {"acc": fmt, "p": number, "gives": fmt})


class Gathered(Part):
    """What `Halves.gathered` makes of a lower half and a product."""

    low: Signal
    p: Signal
    gathered: Signal

    def __init__(self, halves: Halves) -> None:
        self.halves = halves
        super().__init__({"low": In(halves.low), "p": In(len(halves.partials.places)), "gathered": Out(halves.gathers)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.gathered.eq(self.halves.gathered(m, self.low, self.p))
        return m


def gathers(circuits: Mapping[str, Tree], seconds: float, halves: Halves) -> Answer:
    """The tree of a sum in halves gives the lower half, the product, and as much as keeps both from being negative,
    modulo its width; undecided if the algebra leaves anything over."""
    (circuit, signed), logic = circuits["gathered"], Logic()
    given = {"low": logic.inputs(halves.low), "p": logic.inputs(len(halves.partials.places))}
    found, written = linear.outputs(circuit, signed, logic, given)
    total = written(found["gathered"])
    total.simplify()
    total.add_word(given["low"], -1)
    add_partials(total, given["p"], halves.partials, -1)
    total.constant = total.constant - _more(halves) & total.mask
    return Answer(UNDECIDED if total.weights or total.constant else PROVED)


def _more(halves):
    """What is gathered besides the lower half and the product: so much that the least of products leaves 0."""
    return 1 << halves.low if halves.partials.low < 0 and halves.low < halves.bits else 0


def _number(halves: Halves, raw: Word) -> Word:
    """The number that is held."""
    bits, low = halves.bits, halves.low
    number = raw[:bits]
    if raw.width == bits:
        return number
    return number + (raw[bits:].extend(bits, halves.partials.low < 0) << low)


def halved(circuits: Mapping[str, Circuit], seconds: float, halves: Halves) -> Answer:
    """A step of a sum in halves adds what is gathered to the upper half, whole, or to nothing; and its total is the
    number that was held.

    What is gathered, by the same gates in the adder as in `Gathered`, is cut: any number that the lower half and a
    product can give.
    """
    logic, low, bits = Logic(), halves.low, halves.bits
    acc, keep, p = logic.inputs(halves.width), logic.input(), logic.inputs(len(halves.partials.places))
    masked = [logic.and_(bit, keep) for bit in acc[:low]]
    gathered = circuits["gathered"].build(logic, {"low": masked, "p": p})["gathered"]
    found = circuits["adder"].build(logic, {"acc": acc, "keep": [keep], "p": p})
    question = Question(logic)
    question.cut(gathered)
    raw, after, total, sum_ = (question.word(bits) for bits in (acc, found["sum"], found["total"], gathered))
    kept = question.word([keep])
    if low == bits:
        wrong = ~after.equals(sum_) | ~total.equals(raw)
        return Answer(PROVED if question.never(wrong, limit=seconds)[0] == PROVED else UNDECIDED)
    most = (1 << low) - 1 + halves.partials.high + _more(halves)  # of the lower half, a product and what goes with them
    # The lower half and a product reach from 0 to `most`, which the bits that are gathered must hold.
    if not (-_more(halves) <= halves.partials.low and most < 1 << len(gathered)):
        return Answer(UNDECIDED)
    number, low_part = _number(halves, raw), raw[:low].extend(bits)
    upper = kept.choose(number - low_part, number.value(0))
    wrong = ~_number(halves, after).equals(upper + sum_.extend(bits) - _more(halves)) | ~total.equals(number)
    possible = ~sum_.value(most).below(sum_)
    return Answer(PROVED if question.never(possible & wrong, limit=seconds)[0] == PROVED else UNDECIDED)


def of_halves(name: str, halves: Halves) -> list[Obligation]:
    """The obligations of a sum in halves: what is gathered below, and what becomes of it."""
    gathered = Source(exhaust.load, Gathered, (halves,))
    return [Obligation(name, "every product is added exactly to the lower half",
                       "algebra: full adders put for what they add", gathers, (halves,),
                       {"gathered": Source(linear.load, Gathered, (halves,))}),
            Obligation(name, "the halves are the sum", "SMT, bit vectors", halved, (halves,),
                       {"gathered": gathered, "adder": Source(exhaust.load, HalvesAdder, (halves,))})]
