"""The accumulators: how a running sum is held, added to, and made a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from ..golden.formats import FloatFormat, Format
from ..golden.spec import Accumulator
from .addend import Addend
from .fixed import FixedAdder, FixedDrain, Window
from .fpadd import FloatAdder
from .integers import number
from .part import Part


class IntAdder(Part):
    """``sum = acc + p``, two's complement, modulo ``2**fmt.width``.

    Timing: combinational.

    Parameters
    ----------
    fmt : IntFormat
        Of ``acc`` and ``sum``.
    addend : Addend
        What ``p`` is: an integer.

    Members
    -------
    acc : ``In(fmt.width)``
    p : ``In(addend.wide.width)``
    sum : ``Out(fmt.width)``
    """

    acc: Signal
    p: Signal
    sum: Signal

    def __init__(self, fmt: Format, addend: Addend) -> None:
        self.addend = addend
        super().__init__({"acc": In(fmt.width), "p": In(addend.wide.width), "sum": Out(fmt.width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.sum.eq(self.acc + number(self.addend.integers, self.p))
        return m


@dataclass(frozen=True)
class Sum:
    """A sum held as its result: the code of a format."""

    fmt: Format
    addend: Addend
    drain_latency = 0

    @property
    def width(self) -> int:
        return self.fmt.width

    def adder(self) -> IntAdder | FloatAdder:
        if self.fmt.integer:
            return IntAdder(self.fmt, self.addend)
        return FloatAdder(cast(FloatFormat, self.fmt), self.addend)

    def drain(self) -> None:
        return None


@dataclass(frozen=True)
class FixedSum:
    """An exact sum, held as one word or, in carry-save form, as two."""

    window: Window
    words: int

    @property
    def addend(self) -> Addend:
        return self.window.addend

    @property
    def width(self) -> int:
        return self.words * self.window.bits + self.window.flags

    @property
    def drain_latency(self) -> int:
        return 1 + self.words

    def adder(self) -> FixedAdder:
        return FixedAdder(self.window, self.words)

    def drain(self) -> FixedDrain:
        return FixedDrain(self.window, self.words)


def running_sum(accumulator: Accumulator, addend: Addend) -> Sum | FixedSum:
    """How an `Accumulator` holds a sum of numbers that are ``addend``.

    Its ``adder()`` is combinational, the running sum ``acc`` and the number ``p`` in, ``sum`` out; all are ``width``
    bits wide, and all zeros are +0. Its ``drain()`` is the component that makes a result of a sum, in
    ``drain_latency`` cycles, or None where the sum is the result.

    Parameters
    ----------
    accumulator : Accumulator
    addend : Addend

    Raises
    ------
    Refusal
        If the accumulator does not take such numbers.
    """
    accumulator.check(addend.wide, f"addends that are {addend.wide}")
    if accumulator.exact:
        return FixedSum(Window(addend, cast(int, accumulator.depth)), accumulator.words)
    return Sum(accumulator.result, addend)
