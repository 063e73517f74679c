"""Sums of integers held in two halves: the carry of the lower one waits a cycle before the upper one takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib.wiring import In, Out

from .heap import gather
from .part import Part
from .partials import PartialProducts, Partials

if TYPE_CHECKING:
    from ..golden.formats import Format
    from ..golden.spec import Multiplier


@dataclass(frozen=True)
class Halves:
    """How such a sum is held: ``low`` bits, the bits above them, and on top ``waiting`` bits of the carry.

    A product is added to the lower half, whose carry is -1, 0 or 1, since it is as wide as a product's magnitude. The
    upper half, which seldom changes, is not reached by what settles below. With 4 bits below, 0b0011 and a product of
    -5 become 0b1110 and a carry of -1.

    Parameters
    ----------
    bits : int
        Of the sum.
    partials : Partials
        Of the products.
    """

    bits: int
    partials: Partials

    @property
    def signed(self) -> bool:
        return self.partials.low < 0

    @property
    def low(self) -> int:
        """Bits of a product's magnitude, at least one; a sum has no fewer."""
        return max(1, self.partials.high.bit_length(), (~self.partials.low).bit_length() * self.signed)

    @property
    def waiting(self) -> int:
        return min(1 + self.signed, self.bits - self.low)

    @property
    def width(self) -> int:
        """Of all that is held."""
        return self.bits + self.waiting

    @property
    def gathers(self) -> int:
        """Bits of the lower half and a product together."""
        return self.low + 1 + self.signed if self.waiting else self.bits

    def gathered(self, m: Module, low: Value, p: Value) -> Value:
        """The lower half, a product, and ``2**low`` if products may be negative, so that nothing is below 0; or, where
        no bits are above the lower half, the sum."""
        return gather(m, self.partials, [p], self.gathers, low, self.signed << self.low if self.waiting else 0)


class HalvesAdder(Part):
    """A step of a sum as `Halves` are held: ``sum`` is ``acc``, or 0 if ``keep`` is low, plus ``p``.

    Timing: combinational; the two halves of ``acc`` do not meet.

    Members
    -------
    acc, sum : ``In(halves.width)``, ``Out(halves.width)``
    keep : ``In(1)``
    p : ``In(len(halves.partials.places))``
        Partials of a product.
    total : ``Out(halves.bits)``
        The number that ``acc`` is.
    """

    acc: Signal
    keep: Signal
    p: Signal
    sum: Signal
    total: Signal

    def __init__(self, halves: Halves) -> None:
        self.halves = halves
        super().__init__({"acc": In(halves.width), "keep": In(1), "p": In(len(halves.partials.places)),
                          "sum": Out(halves.width), "total": Out(halves.bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        halves, low, high = self.halves, self.halves.low, self.halves.bits - self.halves.low
        gathered = halves.gathered(m, self.acc[:low] & self.keep.replicate(low), self.p)
        # The upper half takes the carry that waits before it is masked, so that a finished sum is whole without more.
        waiting, upper = self.acc[halves.bits :], Signal(high, name="upper")
        m.d.comb += upper.eq(self.acc[low : halves.bits] + (waiting.as_signed() if halves.signed else waiting))
        carry = gathered[low:]
        if halves.signed:  # 0, 1 and 2 stand for -1, 0 and 1
            carry = Cat(~carry[0], ~carry.any())
        m.d.comb += [
            self.total.eq(Cat(self.acc[:low], upper)),
            self.sum.eq(Cat(gathered[:low], upper & self.keep.replicate(high), carry[: halves.waiting])),
        ]
        return m


@dataclass(frozen=True)
class HalvesSum:
    """A sum of integers, to which products are added as partials."""

    fmt: Format
    partials: Partials
    drain_latency = 0

    @property
    def halves(self) -> Halves:
        return Halves(self.fmt.width, self.partials)

    @property
    def width(self) -> int:
        return self.halves.width

    @property
    def shown(self) -> int:
        return self.fmt.width

    def multiplier(self, spec: Multiplier) -> PartialProducts:
        return PartialProducts(spec)

    def gated(self, b: Value, p: Value, on: Value) -> tuple[Value, Value]:
        return b & on.replicate(len(b)), p

    def step(self, m: Module, acc: Value, keep: Value, p: Value) -> tuple[Value, Value]:
        m.submodules.accumulator = adder = HalvesAdder(self.halves)
        m.d.comb += [adder.p.eq(p), adder.acc.eq(acc), adder.keep.eq(keep)]
        return adder.sum, adder.total

    def drain(self) -> None:
        return None
