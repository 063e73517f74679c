"""Products of integers as partial products: bits with weights, for whoever sums them together with others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib.wiring import In, Out

from .families import partials
from .part import Part

if TYPE_CHECKING:
    from ..golden.integers import IntegerMultiplier
    from ..golden.spec import Multiplier


class Partial(NamedTuple):
    """A bit that counts ``2**place``, or with ``minus`` as much less."""

    bit: Value
    place: int
    minus: bool = False


def offered(spec: Multiplier, m: Module, a: Value, b: Value) -> list[Partial] | None:
    """The partials that a multiplier's family makes in a module of operand codes; None if it offers none."""
    m._MustUse__silence = True  # it may be made for their number alone
    make = partials(spec)
    return make and make(m, spec, a, b)


def word(value: Value) -> list[Partial]:
    """The bits of a number in two's complement."""
    return [Partial(bit, place, place == len(value) - 1) for place, bit in enumerate(value)]


@dataclass(frozen=True)
class Partials:
    """What the partials of a product are: the product is ``constant`` and ``2**place`` for each bit that is 1.

    Parameters
    ----------
    places : tuple of int
    constant : int
        What bits that count less than nothing owe: in place of -x stands ~x, which is 1 - x.
    low, high : int
        The smallest and the largest product.
    negative : bool
        Whether the partials are those of the product with its sign changed. Then most bits of a product of integers are
        NAND of two bits, which are smaller than AND.
    """

    places: tuple[int, ...]
    constant: int
    low: int
    high: int
    negative: bool = False

    @classmethod
    def of(cls, spec: Multiplier, negative: bool = False) -> Partials | None:
        """The partials of a multiplier's products, or None where its family offers none."""
        a, b = Signal(spec.a.width, name="a"), Signal(spec.b.width, name="b")
        found = offered(spec, Module(), a, b)
        if found is None:
            return None
        places = tuple(partial.place for partial in found)
        constant = -sum(1 << partial.place for partial in found if partial.minus != negative)
        return cls(places, constant, *cast("IntegerMultiplier", spec).range, negative)


class PartialProducts(Part):
    """The partials of a product.

    Timing: combinational.

    Parameters
    ----------
    spec : Multiplier
        Of integers.
    negative : bool
        As of `Partials`.

    Members
    -------
    a, b : ``In(spec.a.width)``, ``In(spec.b.width)``
        Operand codes. With 0 for ``b`` the product is 0.
    p : ``Out``
        A bit for each of ``Partials.of(spec, negative).places``.
    """

    a: Signal
    b: Signal
    p: Signal

    def __init__(self, spec: Multiplier, negative: bool = False) -> None:
        self.spec, self.negative = spec, negative
        self.partials = cast(Partials, Partials.of(spec, negative))  # who is without has no such part
        super().__init__({"a": In(spec.a.width), "b": In(spec.b.width), "p": Out(len(self.partials.places))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        found = cast("list[Partial]", offered(self.spec, m, self.a, self.b))
        m.d.comb += self.p.eq(Cat(~partial.bit if partial.minus != self.negative else partial.bit for partial in found))
        return m

    @property
    def module_name(self) -> str:
        return f"partials_{self.spec.name}"
