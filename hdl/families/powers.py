"""Integers times sums of signed powers of two: a shift for each power, and an addition between them."""

from amaranth.hdl import Module, Signal

from ..integers import IntegerPart, number


class PowersMultiplier(IntegerPart):
    """``p`` is the sum of ``a`` shifted by each power's exponent, with its sign; a field of 0 is no power."""

    def elaborate(self, platform):
        m = Module()
        total = 0
        size = 1 + self.spec.b.exp_bits
        for place in range(self.spec.b.count):
            total = total + self._power(m, place, self.b[place * size : (place + 1) * size])
        m.d.comb += self.p.eq(total)
        return m

    def _power(self, m, place, code):
        field, negative, width = code[:-1], code[-1], self.spec.wide.width
        # Shifted by the field itself, one more than the exponent: the lowest bit is dropped.
        some = field.any()
        kept = number(self.spec.a, self.a & some.replicate(self.spec.a.width))
        shifted = Signal(width, name=f"shifted_{place}")
        moved = (kept << field)[1:]
        m.d.comb += shifted.eq(moved.as_signed() if self.spec.a.signed else moved)
        signed = Signal(width, name=f"power_{place}")
        invert = negative & some
        m.d.comb += signed.eq((shifted ^ invert.replicate(width)) + invert)
        return signed


component = PowersMultiplier
