"""The accumulators: how a running sum is held, added to, and made a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import In, Out

from ..golden.formats import FloatFormat, Format
from ..golden.spec import Accumulator, Multiplier
from .addend import Addend
from .fixed import FixedAdder, FixedDrain, Window
from .fpadd import FloatAdder
from .integer_sum import HalvesSum
from .integers import number
from .multipliers import multiplier
from .part import MultiplierPart, Part


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


class Coded:
    """What sums have in common that add codes to a sum which is whole."""

    addend: Addend
    width: int

    @property
    def shown(self) -> int:
        return self.width

    def multiplier(self, spec: Multiplier) -> MultiplierPart:
        return multiplier(spec, wide=True)

    def gated(self, b: Value, p: Value, on: Value) -> tuple[Value, Value]:
        return b, self.addend.gated(p, on)

    def step(self, m: Module, acc: Value, keep: Value, p: Value) -> tuple[Value, Value]:
        m.submodules.accumulator = adder = self.adder()
        m.d.comb += [adder.p.eq(p), adder.acc.eq(acc & keep.replicate(self.width))]
        return adder.sum, acc

    def adder(self) -> IntAdder | FloatAdder | FixedAdder:
        raise NotImplementedError


@dataclass(frozen=True)
class Sum(Coded):
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
class FixedSum(Coded):
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


#: Any of the above.
RunningSum = Sum | FixedSum | HalvesSum


def running_sum(accumulator: Accumulator, addend: Addend) -> RunningSum:
    """How an `Accumulator` holds a sum of numbers that are ``addend``.

    ``multiplier(spec)`` is the component that gives products as they are added; ``gated(b, p, on)`` an operand for it
    and its product, such that while ``on`` is low nothing is added. ``step(m, acc, keep, p)`` puts the adder into a
    module, as ``accumulator``, and gives the sum ``acc``, or +0 if ``keep`` is low, plus ``p``; and ``acc`` as it is
    shown when finished. Sums are ``width`` bits wide, shown ones ``shown``, and all zeros are +0. ``drain()`` is the
    component that makes a result of a shown sum, in ``drain_latency`` cycles, or None where that is the result.

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
    if addend.partials is not None:
        return HalvesSum(accumulator.result, addend.partials)
    return Sum(accumulator.result, addend)
