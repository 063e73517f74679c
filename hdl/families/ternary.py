"""Integers times -1, 0 or 1: all bits inverted and 1 added, or none at all."""

from amaranth.hdl import Cat, Const, Module, Signal, Value

from ...golden.families.ternary import TernaryWeight
from ..integers import IntegerPart, number
from ..partials import Partial, word


class TernaryMultiplier(IntegerPart):
    """``p`` is ``a``, ``-a`` or 0: bit 0 of ``b`` says whether there is a product, bit 1 its sign."""

    spec: TernaryWeight

    def elaborate(self, platform: object) -> Module:
        m = Module()
        some, negative = self.b[0], self.b[1]
        kept = Signal(self.spec.wide.width, name="kept")
        m.d.comb += [
            kept.eq(number(self.spec.a, self.a & some.replicate(self.spec.a.width))),
            # -a is ~a + 1: with a = 0b0011, 0b1100 + 1 = 0b1101; and of 0 it is 0.
            self.p.eq((kept ^ negative.replicate(self.spec.wide.width)) + negative),
        ]
        return m


def partials(m: Module, spec: TernaryWeight, a: Value, b: Value) -> list[Partial]:
    """The bits of ``a`` or of ``~a``, or none, and 1 for the sign."""
    some, negative = b[0], b[1]
    kept = Cat(a & some.replicate(len(a)), Const(0, 1 - spec.a.signed))
    signed = Signal(len(kept), name="signed")
    m.d.comb += signed.eq(kept ^ negative.replicate(len(kept)))
    return [*word(signed), Partial(negative, 0)]


component = TernaryMultiplier
