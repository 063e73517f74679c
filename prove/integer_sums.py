"""Integer accumulators: that numbers are added, modulo the width of the sum."""

from ..hdl.accumulator import Sum
from ..hdl.addend import Addend
from . import exhaust
from .logic import Logic
from .obligation import Answer, Obligation, Source
from .solver import Question


def _adder(fmt, addend):
    return Sum(fmt, addend).adder()


def added(circuits, seconds, fmt, number):
    """The adder of a sum of integers of format ``fmt`` adds any of format ``number``, modulo its own width."""
    logic = Logic()
    given = {"acc": logic.inputs(fmt.width), "p": logic.inputs(number.width)}
    given["gives"] = circuits["adder"].build(logic, dict(given))["sum"]
    question = Question(logic)
    shown = {name: question.word(bits) for name, bits in given.items()}
    right = shown["acc"] + shown["p"].extend(fmt.width, number.signed)
    return Answer(*question.never(~shown["gives"].equals(right), limit=seconds, shown=shown))


def of(name, claim, fmt, number):
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
