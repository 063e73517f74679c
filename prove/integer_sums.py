"""Integer accumulators: that numbers are added, modulo the width of the sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..hdl.accumulator import Sum
from ..hdl.addend import Addend
from . import exhaust
from .logic import Logic
from .obligation import Answer, Obligation, Source
from .solver import Question

if TYPE_CHECKING:
    from ..golden.formats import IntFormat
    from .exhaust import Circuit


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
