"""Integers times -1, 0 or 1: all bits inverted and 1 added, or none at all."""

from amaranth.hdl import Module, Signal

from ...golden.families.ternary import TernaryWeight
from ..integers import IntegerPart, number


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


component = TernaryMultiplier
