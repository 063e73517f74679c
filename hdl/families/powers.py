"""Integers times sums of signed powers of two: a shift for each power, and an addition between them."""

from amaranth.hdl import Module, Mux, Signal

from ...golden.families.powers import PowerWeight
from ..integers import IntegerPart, number


class PowersMultiplier(IntegerPart):
    """``p`` is the sum of ``a`` shifted by each power's exponent, with its sign; a field of 0 is no power."""

    spec: PowerWeight

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = 0
        size = 1 + self.spec.b.exp_bits
        for place in range(self.spec.b.count):
            total = total + self._power(m, place, self.b[place * size : (place + 1) * size])
        m.d.comb += self.p.eq(total)
        return m

    def _power(self, m, place, code):
        field, negative, width = code[:-1], code[-1], self.spec.wide.width
        some = field.any()
        moved = Signal(width, name=f"kept_{place}")
        m.d.comb += moved.eq(number(self.spec.a, self.a & some.replicate(self.spec.a.width)))
        # The exponent is one less than the field: up by the field without its lowest bit, and where that is 0, one down
        # again. Of a field of 0b100: 4 places up, 1 down, 8 times.
        for stage in range(1, self.spec.b.exp_bits):
            shifted = Signal(width, name=f"shifted_{place}_{1 << stage}")
            m.d.comb += shifted.eq(Mux(field[stage], moved << (1 << stage), moved))
            moved = shifted
        down = moved.as_signed() >> 1 if self.spec.a.signed else moved >> 1
        power = Signal(width, name=f"size_{place}")
        m.d.comb += power.eq(Mux(field[0], moved, down))
        signed = Signal(width, name=f"power_{place}")
        m.d.comb += signed.eq((power ^ negative.replicate(width)) + negative)
        return signed


component = PowersMultiplier
