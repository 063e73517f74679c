"""The floating-point adder in stages, for sums that are interleaved over as many partial sums as it takes cycles."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from ..golden.formats import FloatFormat
from .addend import Addend
from .fpadd import FloatAdder
from .part import Part
from .shift import leading_zeros, shift_right

#: By the number of stages, where registers stand but for those of the sum.
CUTS = {
    1: (),
    2: ("aligned",),
    4: ("apart", "aligned", "added"),
    8: ("read", "met", "apart", "aligned", "added", "chosen", "rounded"),
}


class StagedAdder(Part):
    """The addition of a `FloatAdder`, with the same result for all that it takes, over ``stages`` cycles.

    Where addends have no more bits than the sum's significand and nothing is subnormal, there are two ways: of numbers
    that are no more than a place apart the difference is taken at once, while others are shifted, and normalised, while
    these are added; what then cancels needs no rounding, and what is rounded has its top bit no more than a place from
    where it was.

    Timing: ``stages`` cycles with ``en``, one sum per such cycle; the last registers are those of ``sum``. With ``en``
    low everything holds. Nothing is reset.

    Parameters
    ----------
    fmt : FloatFormat
    addend : Addend
        As of a `FloatAdder`.
    stages : int
        1, 2, 4 or 8.

    Members
    -------
    en : ``In(1)``
    acc : ``In(fmt.width)``
    p : ``In(addend.wide.width)``
    sum : ``Out(fmt.width)``
    """

    en: Signal
    acc: Signal
    p: Signal
    sum: Signal

    def __init__(self, fmt: FloatFormat, addend: Addend, stages: int) -> None:
        self.fmt, self.addend, self.latency = fmt, addend, stages
        self.case = case = FloatAdder(fmt, addend)
        self.two_ways = addend.sig_bits <= fmt.man_bits + 1 and not (case.gradual or case.crossing)
        super().__init__({
            "en": In(1), "acc": In(fmt.width), "p": In(addend.wide.width), "sum": Out(fmt.width),
        })

    def elaborate(self, platform: object) -> Module:
        m, case, fmt, bits = Module(), self.case, self.fmt, self.case.bits
        man, exp, sign = self.acc[: fmt.man_bits], self.acc[fmt.man_bits : fmt.field_bits], self.acc[-1]
        p, normal = self.addend.fields(self.p), exp.any()
        sig, exp = Cat(man, normal), Cat(exp[0] | ~normal, exp[1:]) if case.gradual else exp
        p_sig, p_exp = case.normal_addend(m, p)
        sig, exp, p_sig, p_exp, zero, sign, p_sign, special = self._cut(
            m, "read", sig, exp, p_sig, p_exp, p.zero, sign, p.sign, self._special(p))

        width = max(fmt.exp_bits, len(p_exp)) + 1
        below, beyond = (Signal(signed(width), name=name) for name in ("below", "beyond"))
        less = Signal(name="less")  # exponents first, and of the significand as many bits as the addend has
        upper = sig[len(sig) - len(p_sig) :] if len(sig) > len(p_sig) else Cat(Const(0, len(p_sig) - len(sig)), sig)
        m.d.comb += [
            below.eq(exp - p_exp), beyond.eq(p_exp - exp),
            less.eq(Cat(upper, exp, Const(0, 1)).as_signed() < Cat(p_sig, p_exp).as_signed()),
        ]
        sig, exp, p_sig, p_exp, below, beyond, less, zero, sign, p_sign, special = self._cut(
            m, "met", sig, exp, p_sig, p_exp, below, beyond, less, zero, sign, p_sign, special)

        # The larger operand stays, the smaller is shifted.
        swap = Signal(name="swap")
        large, small = Signal(bits, name="large"), Signal(bits, name="small")
        larger = Signal(range(max(case.high, fmt.exp_mask) + 1), name="larger")
        distance = Signal(width, name="distance")
        aligned, p_aligned = (Cat(Const(0, bits - len(each)), each) for each in (sig, p_sig))
        m.d.comb += [
            swap.eq(~zero & less),
            large.eq(Mux(swap, p_aligned, aligned)), small.eq(Mux(swap, aligned, p_aligned)),
            larger.eq(Mux(swap, p_exp, exp)), distance.eq(Mux(less, beyond, below)),
        ]
        large, small, larger, distance, subtract, sum_sign, special = self._cut(
            m, "apart", large, small, larger, distance, sign ^ p_sign, Mux(swap, p_sign, sign), special)

        ways = self._two_ways if self.two_ways else self._one_way
        field, none, sum_sign, special = ways(m, large, small, larger, distance, subtract, sum_sign, special)
        number = Cat(field, sum_sign & ~none)
        nan, inf, inf_sign = special
        if case.has_inf or self.addend.wide.has_nan:
            assert fmt.inf is not None and fmt.nan is not None
            number = Mux(nan, fmt.nan, Mux(inf, Cat(Const(fmt.inf, fmt.field_bits), inf_sign), number))
        m.d.comb += self.sum.eq(self._registers(m, "held", number)[0])
        return m

    def _cut(self, m, place, *values):
        """The values, a cycle later where this is a place for registers."""
        return self._registers(m, place, *values) if place in CUTS[self.latency] else values

    def _registers(self, m, place, *values):
        held = []
        for value in map(Value.cast, values):
            if isinstance(value, Const):
                held.append(value)
                continue
            register = Signal(value.shape(), reset_less=True, name=place)
            with m.If(self.en):
                m.d.sync += register.eq(value)
            held.append(register)
        return held

    def _special(self, p):
        """Whether the sum is NaN, whether it is Inf, and the sign of that."""
        fmt, wide = self.fmt, self.addend.wide
        if not (self.case.has_inf or wide.has_nan):
            return Const(0, 3)
        top, some, sign = self.acc[fmt.man_bits : fmt.field_bits].all(), self.acc[: fmt.man_bits].any(), self.acc[-1]
        if not self.case.has_inf:
            return Cat(p.nan | top, Const(0, 2))
        acc_inf = top & ~some
        nan = p.nan | (top & some) | (acc_inf & p.inf & (sign ^ p.sign))
        return Cat(nan, acc_inf | p.inf, Mux(acc_inf, sign, p.sign))

    def _one_way(self, m, large, small, exp, distance, subtract, sign, special):
        """Of any addends: shifted, added, normalised, rounded."""
        case, fmt, bits = self.case, self.fmt, self.case.bits
        small, sticky = shift_right(m, small, distance, small.any() if case.gradual else small[-1])
        large, small, exp, sticky, subtract, sign, special = self._cut(
            m, "aligned", large, small, exp, sticky, subtract, sign, special)
        total = Signal(bits + 1, name="total")
        m.d.comb += total.eq(large + Cat(small ^ subtract.replicate(bits), subtract) + (subtract & ~sticky))
        value, exp, subtract, sign, special = self._cut(m, "added", Cat(sticky, total), exp, subtract, sign, special)
        if case.crossing:
            negative, absolute = Signal(name="negative"), Signal(bits + 2, name="absolute")
            m.d.comb += [negative.eq(subtract & value[-1]), absolute.eq(Mux(negative, -value, value))]
            value, sign = absolute, sign ^ negative
        zeros = leading_zeros(m, value)
        value, exp, zeros, subtract, sign, special = self._cut(
            m, "chosen", value, exp, zeros, subtract, sign, special)
        if case.gradual:
            short = Signal(name="short")
            m.d.comb += short.eq(exp < zeros)
            zeros = Mux(short, exp, zeros)[: len(zeros)]
        lifted, base = self._lifted(m, value, zeros), Signal(len(exp), name="base")
        m.d.comb += base.eq(exp - zeros)
        lifted, base, subtract, sign, special = self._cut(m, "rounded", lifted, base, subtract, sign, special)
        kept, guard, rest = lifted[-fmt.man_bits - 1 :], lifted[-fmt.man_bits - 2], lifted[: -fmt.man_bits - 2]
        # What is left of a zero's exponent means nothing.
        field = self._field(m, kept, guard & (rest.any() | kept[0]), Mux(kept[-1], base, 0))
        return field, subtract & ~(lifted.any() if case.gradual else lifted[-1]), sign, special

    def _two_ways(self, m, large, small, exp, distance, subtract, sign, special):
        """Of addends that are no longer than the sum, and where nothing is subnormal."""
        fmt, bits = self.fmt, self.case.bits
        near = Signal(fmt.man_bits + 2, name="near")
        low = bits - len(near)
        m.d.comb += near.eq(large[low:] - Mux(distance[0], small[low + 1 :], small[low:]))
        cancels = Signal(name="cancels")
        m.d.comb += cancels.eq(subtract & ~distance[1:].any() & ~near[-1])
        small, sticky = shift_right(m, small, distance, small[-1])
        large, small, sticky, near, cancels, exp, subtract, sign, special = self._cut(
            m, "aligned", large, small, sticky, near, cancels, exp, subtract, sign, special)

        total = Signal(bits + 1, name="total")
        m.d.comb += total.eq(large + Cat(small ^ subtract.replicate(bits), subtract) + (subtract & ~sticky))
        zeros = leading_zeros(m, near)
        total, sticky, near, zeros, cancels, exp, subtract, sign, special = self._cut(
            m, "added", total, sticky, near, zeros, cancels, exp, subtract, sign, special)

        # By where the top bit is: a place above, where it was, a place below; the hidden bit adds one to the exponent.
        places = [(total[3:], total[2], total[:2].any() | sticky, exp),
                  (total[2:-1], total[1], total[0] | sticky, exp - 1),
                  (total[1:-2], total[0], sticky, exp - 2)]
        kept, guard, rest, base = (_chosen(total[-1], total[-2], *each) for each in zip(*places, strict=True))
        up, base = guard & (rest | kept[0]), Mux(kept[-1], base, 0)[: len(exp)]
        changed = Signal(fmt.exp_bits, name="changed")
        m.d.comb += changed.eq(exp - zeros)
        kept, up, base, near, zeros, changed, cancels, subtract, sign, special = self._cut(
            m, "chosen", kept, up, base, near, zeros, changed, cancels, subtract, sign, special)
        # At least one place is shifted out, so that what is lowest then means nothing.
        lifted, field = self._lifted(m, near, zeros, 1), self._field(m, kept, up, base)
        field, some, lifted, changed, cancels, subtract, sign, special = self._cut(
            m, "rounded", field, kept[-1], lifted, changed, cancels, subtract, sign, special)
        difference = Cat(lifted[:-1], changed & lifted[-1].replicate(len(changed)))
        return Mux(cancels, difference, field), subtract & ~Mux(cancels, lifted[-1], some), sign, special

    def _lifted(self, m, value, zeros, lowest=0):
        """A value without so many of its leading bits; of what comes out the bits from ``lowest`` on."""
        for stage in reversed(range(len(zeros))):
            first, bits = 0 if stage else lowest, len(value)
            lifted = Signal(bits - first, name=f"left_{1 << stage}")
            m.d.comb += lifted.eq(Mux(zeros[stage], value << (1 << stage), value)[first:bits])
            value = lifted
        return value

    def _field(self, m, kept, up, base):
        """The field of the format: a significand with its hidden bit, which adds one to the exponent ``base`` as a
        carry does, rounded up or not."""
        fmt = self.fmt
        field = Signal(len(base) + fmt.man_bits + 1, name="field")
        m.d.comb += field.eq(Cat(Const(0, fmt.man_bits), base) + kept + up)
        if not self.case.overflow:
            return field[: fmt.field_bits]
        assert fmt.inf is not None
        return Mux(field[fmt.man_bits :] >= fmt.exp_mask, fmt.inf, field[: fmt.field_bits])


def _chosen(above, same, first, second, third):
    return Mux(above, first, Mux(same, second, third))
