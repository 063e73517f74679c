"""Products of integers, exact: Yosys chooses the structure of the multiplier."""

from amaranth.hdl import Module

from ...golden.families.integer import Integer
from ..integers import IntegerPart, number


class IntMultiplier(IntegerPart):
    """``p = a * b``, exact, of integers in two's complement or unsigned."""

    spec: Integer

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.p.eq(number(self.spec.a, self.a) * number(self.spec.b, self.b))
        return m


component = IntMultiplier
