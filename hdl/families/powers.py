"""Integers times sums of signed powers of two: a shift for each power, and an addition between them."""

from amaranth.hdl import Module, Mux, Signal, Value

from ...golden.families.powers import PowerWeight
from ..integers import IntegerPart, number
from ..partials import Partial, word


class PowersMultiplier(IntegerPart):
    """``p`` is the sum of ``a`` shifted by each power's exponent, with its sign; a field of 0 is no power."""

    spec: PowerWeight

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = 0
        size = 1 + self.spec.b.exp_bits
        for place in range(self.spec.b.count):
            code = self.b[place * size : (place + 1) * size]
            signed = Signal(self.spec.wide.width, name=f"power_{place}")
            m.d.comb += signed.eq(shifted(m, self.spec, self.a, place, code) + code[-1])
            total = total + signed
        m.d.comb += self.p.eq(total)
        return m


def shifted(m: Module, spec: PowerWeight, a: Value, place: int, code: Value) -> Value:
    """``a`` times the power at ``place``, as wide as the product; if negative 1 short, all bits being inverted."""
    field, negative, width = code[:-1], code[-1], spec.wide.width
    some = field.any()
    moved = Signal(width, name=f"kept_{place}")
    m.d.comb += moved.eq(number(spec.a, a & some.replicate(spec.a.width)))
    # The exponent is one less than the field: up by the field without its lowest bit, and where that is 0, one down
    # again. Of a field of 0b100: 4 places up, 1 down, 8 times.
    for stage in range(1, spec.b.exp_bits):
        up = Signal(width, name=f"shifted_{place}_{1 << stage}")
        m.d.comb += up.eq(Mux(field[stage], moved << (1 << stage), moved))
        moved = up
    down = moved.as_signed() >> 1 if spec.a.signed else moved >> 1
    power = Signal(width, name=f"size_{place}")
    m.d.comb += power.eq(Mux(field[0], moved, down))
    return power ^ negative.replicate(width)


def partials(m: Module, spec: PowerWeight, a: Value, b: Value) -> list[Partial]:
    """The bits of each power, inverted where it is negative, and 1 for its sign."""
    size = 1 + spec.b.exp_bits
    found = []
    for place in range(spec.b.count):
        code = b[place * size : (place + 1) * size]
        power = Signal(spec.wide.width, name=f"power_{place}")
        m.d.comb += power.eq(shifted(m, spec, a, place, code))
        found += [*word(power), Partial(code[-1], 0)]
    return found


component = PowersMultiplier
