"""The floating-point adder in stages, for sums that are interleaved over as many partial sums as it takes cycles."""

from __future__ import annotations

from dataclasses import replace

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from ..golden.formats import FloatFormat
from .addend import Addend
from .fpadd import FloatAdder
from .operand import passed
from .part import Part
from .shift import Cut, leading_zeros, shift_left, shift_right

#: By the number of stages, where registers stand but for those of the sum. What may cancel goes a way of its own, as
#: many cycles long as that of all the rest: there "blocks" or "differ", "zeros" and "lifted" stand for "aligned",
#: "added" and "chosen".
CUTS = {
    1: (),
    2: ("aligned", "blocks"),
    4: ("apart", "aligned", "blocks", "added", "lifted"),
    8: ("read", "met", "apart", "aligned", "differ", "added", "zeros", "chosen", "lifted", "rounded"),
}


class Normal:
    """Addends as a `StagedAdder` takes them: exponents are biased as the sum's and not below 1, as a sum's are not; of
    every greater exponent the significand's top bit is set, and that of zero is 0.

    What is smaller than a subnormal's last place becomes one bit below it, which rounds as it does.

    Parameters
    ----------
    fmt : FloatFormat
        Of the sum.
    addend : Addend

    Attributes
    ----------
    addend : Addend
        What comes of it; the same where this is such already.
    latency : int
        Cycles that it should have: one to shift to the left a significand that may begin with zeros, two to see how far
        one is to be shifted to the right whose exponent may be below 1, and to do so.
    """

    def __init__(self, fmt: FloatFormat, addend: Addend) -> None:
        self.fmt, self._given, self._case = fmt, addend, FloatAdder(fmt, addend)
        case, layout = self._case, addend.layout
        self._sinks = case.low < 1
        self._same = not (case.offset or addend.leading or layout.implicit_one or self._sinks)
        self.latency = bool(addend.leading) + 2 * self._sinks
        self.addend = addend
        if not self._same:
            bits = max(addend.sig_bits, fmt.man_bits + 3) if self._sinks else addend.sig_bits
            highest = max(case.high, 1)
            wide = replace(layout, sig_bits=bits, frac_bits=bits - 1, exp_bits=highest.bit_length(),
                           exp_bias=fmt.bias, exp_signed=False, implicit_one=False)
            self.addend = Addend(wide, max(case.low, 1), highest, (1 << bits) - 1)

    def code(self, m: Module, code: Value, cut: Cut = lambda name, value: value) -> Value:
        """The code of ``addend`` for one of what is given; between two cycles it goes through ``cut``."""
        if self._same:
            return code
        p, layout = self._given.fields(code), self.addend.layout
        sig, exp = self._case.normal_addend(m, p)
        rest = Cat(p.sign, p.zero, p.inf if layout.has_inf else Const(0, 0), p.nan if layout.has_nan else Const(0, 0))
        if self._sinks:
            if self._given.leading:
                sig, exp, rest = cut("normal", sig), cut("normal", exp).as_signed(), cut("normal", rest)
            deep, under = Signal(len(exp), name="deep"), Signal(name="under")
            m.d.comb += [deep.eq(1 - exp), under.eq(exp < 1)]
            sunk = deep & under.replicate(len(deep)), Mux(under, 1, exp)[: layout.exp_bits]
            sig, places, exp, rest = (cut("sunk", each) for each in (sig, *sunk, rest))
            wider = Cat(Const(0, layout.sig_bits - len(sig)), sig)
            shifted, lost = shift_right(m, wider, places, sig[-1], longest=True)
            sig = Cat(shifted[0] | lost, shifted[1:])
        return Cat(sig, exp[: layout.exp_bits], rest)


class StagedAdder(Part):
    """The addition of a `FloatAdder`, with the same result for all that it takes, over ``stages`` cycles.

    There are two ways. Of numbers of unlike signs that are no more than a place apart the difference is taken at once,
    and normalised while others are shifted and added. Of these the top bit is no more than a place from where it was.
    Both are rounded in one place.

    Timing: ``stages`` cycles with ``en``, one sum per such cycle; the last registers are those of ``sum``. With ``en``
    low everything holds. Nothing is reset.

    Parameters
    ----------
    fmt : FloatFormat
    addend : Addend
        As of a `FloatAdder`, but such as `Normal` gives.
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
        assert Normal(fmt, addend).addend == addend
        self.case = FloatAdder(fmt, addend)
        super().__init__({
            "en": In(1), "acc": In(fmt.width), "p": In(addend.wide.width), "sum": Out(fmt.width),
        })

    def elaborate(self, platform: object) -> Module:
        m, case, fmt, bits = Module(), self.case, self.fmt, self.case.bits
        man, exp, sign = self.acc[: fmt.man_bits], self.acc[fmt.man_bits : fmt.field_bits], self.acc[-1]
        p, normal = self.addend.fields(self.p), exp.any()
        exp = Cat(exp[0] | ~normal, exp[1:]) if case.gradual else exp
        sig, exp, p_sig, p_exp, zero, sign, p_sign, special = self._cut(
            m, "read", Cat(man, normal), exp, p.sig, p.exp, p.zero, sign, p.sign, self._special(p))

        width = max(len(exp), len(p_exp))
        below, beyond = (Signal(width, name=name) for name in ("below", "beyond"))
        less = Signal(name="less")  # exponents first, and of the significand as many bits as the addend has
        upper = sig[len(sig) - len(p_sig) :] if len(sig) > len(p_sig) else Cat(Const(0, len(p_sig) - len(sig)), sig)
        m.d.comb += [below.eq(exp - p_exp), beyond.eq(p_exp - exp), less.eq(Cat(upper, exp) < Cat(p_sig, p_exp))]
        sig, exp, p_sig, p_exp, below, beyond, less, zero, sign, p_sign, special = self._cut(
            m, "met", sig, exp, p_sig, p_exp, below, beyond, less, zero, sign, p_sign, special)

        # The larger operand stays, the smaller is shifted.
        swap = Signal(name="swap")
        large, small = Signal(bits, name="large"), Signal(bits, name="small")
        larger, distance = Signal(width, name="larger"), Signal(width, name="distance")
        aligned, p_aligned = (Cat(Const(0, bits - len(each)), each) for each in (sig, p_sig))
        m.d.comb += [
            swap.eq(~zero & less),
            large.eq(Mux(swap, p_aligned, aligned)), small.eq(Mux(swap, aligned, p_aligned)),
            larger.eq(Mux(swap, p_exp, exp)), distance.eq(Mux(less, beyond, below)),
        ]
        large, small, larger, distance, subtract, sum_sign, special = self._cut(
            m, "apart", large, small, larger, distance, sign ^ p_sign, Mux(swap, p_sign, sign), special)

        near, few = self._near(m, large, small, distance)
        cancels = Signal(name="cancels")
        m.d.comb += cancels.eq(subtract & few & ~near[-1])
        small, sticky = shift_right(m, small, distance, small.any() if case.gradual else small[-1], longest=True)
        large, small, sticky, exp, cancels, subtract, sum_sign, special = self._cut(
            m, "aligned", large, small, sticky, larger, cancels, subtract, sum_sign, special)
        total = Signal(bits + 1, name="total")
        m.d.comb += total.eq(large + Cat(small ^ subtract.replicate(bits), subtract) + (subtract & ~sticky))
        total, sticky, exp, cancels, subtract, sum_sign, special = self._cut(
            m, "added", total, sticky, exp, cancels, subtract, sum_sign, special)

        # By where the top bit is: a place above, where it was, a place below; the hidden bit adds one to the exponent.
        places = [self._rounded_at(total, sticky, place) for place in range(3)]
        same = total[-2] | ~exp[1:].any() if case.gradual else total[-2]
        kept, guard, rest, base = (Mux(total[-1], first, Mux(same, second, third)) for first, second, third in (
            *zip(*places, strict=True), (exp, exp - 1, exp - 2)))
        kept, guard, rest, base, cancels, subtract, sum_sign, special = self._cut(
            m, "chosen", kept, guard, rest, base[:width], cancels, subtract, sum_sign, special)
        kept, guard, rest, base = (Mux(cancels, low, high) for low, high in zip(
            self._difference(m, near, larger), (kept, guard, rest, base), strict=True))
        some = kept.any() | guard | rest if case.gradual else kept[-1]
        # What is left of a zero's exponent means nothing.
        field = self._field(m, kept, guard & (rest | kept[0]), Mux(kept[-1], base, 0)[:width])
        field, none, sum_sign, special = self._cut(m, "rounded", field, subtract & ~some, sum_sign, special)
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
        """The values a cycle later, but for constants."""
        return [value if isinstance(value, Const) else passed(m, place, value, self.en)
                for value in map(Value.cast, values)]

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

    def _near(self, m, large, small, distance):
        """The difference, should the operands be no more than a place apart, and whether they are."""
        low = len(large) - max(self.fmt.man_bits + 2, self.addend.sig_bits + 1)  # there a place is left below both
        near = Signal(len(large) - low, name="difference")
        m.d.comb += near.eq(large[low:] - Mux(distance[0], small[low + 1 :], small[low:]))
        return near, ~distance[1:].any()

    def _difference(self, m, near, exp):
        """A difference, normalised, as `_rounded_at` gives numbers; and its exponent less 1. It is exact where addends
        are no longer than the sum, and need not be rounded."""
        fmt, bits = self.fmt, len(near)
        # Where sums can be subnormal a one in the place of the smallest exponent ends the count there.
        ends = Cat(exp == bits - place for place in range(bits)) if self.case.gradual else 0
        near, counted, exp = self._cut(m, "differ", near, near | ends, exp)
        zeros = leading_zeros(m, counted, lambda value: self._cut(m, "blocks", value)[0])
        near, exp = self._cut(m, "blocks", near, exp)
        near, zeros, exp = self._cut(m, "zeros", near, zeros, exp)
        base = Signal(len(exp), name="lowered")
        m.d.comb += base.eq(exp + ~Cat(zeros, Const(0, 1)).as_signed())
        exact = self.addend.sig_bits <= fmt.man_bits + 1  # then the lowest place is always 0
        lifted, base = self._cut(m, "lifted", shift_left(m, near, zeros, int(exact)), base)
        if exact:
            return lifted, Const(0), Const(0), base
        return lifted[-fmt.man_bits - 1 :], lifted[-fmt.man_bits - 2], lifted[: -fmt.man_bits - 2].any(), base

    def _rounded_at(self, total, sticky, place):
        """The significand that begins so many places below the top, the bit below it, and whether there is more."""
        low = len(total) - place - self.fmt.man_bits - 1
        return total[low : low + self.fmt.man_bits + 1], total[low - 1], total[: low - 1].any() | sticky

    def _field(self, m, kept, up, base):
        """The field of the format: a significand with its hidden bit, which adds one to the exponent ``base`` as a
        carry does, rounded up or not."""
        fmt = self.fmt
        field = Signal(len(base) + fmt.man_bits + 1, name="field")
        m.d.comb += field.eq(Cat(Const(0, fmt.man_bits), base) + kept + up)
        if not self.case.overflow:
            return field[: fmt.field_bits]
        assert fmt.inf is not None
        # What is just rounded up beyond the largest number is the field of Inf by itself.
        return Mux(base >= fmt.exp_mask - 1, fmt.inf, field[: fmt.field_bits])
