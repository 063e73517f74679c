"""The floating-point adder of the accumulators and of adder trees."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from ..golden.formats import FloatFormat
from .addend import Addend, Fields
from .fpshort import ShortSum, add_short
from .part import Part
from .shift import normalise, round_to, shift_right


class FloatAdder(Part):
    """Fused addition: ``sum = acc + p``, the wide ``p`` taken exactly and the sum rounded once.

    Rounds to nearest even; subnormals are kept; overflow gives Inf. NaN operands, and Inf - Inf, give the NaN
    ``fmt.nan`` with sign 0. x + (-x) is +0, and (-0) + (-0) is -0.

    ``acc`` must be a sum of such numbers, built from +0 or -0 by this adder: logic for subnormals, overflow and
    specials is there only where such sums can have them (``gradual``, ``overflow``, ``has_inf``), and likewise what
    turns a difference round (``crossing``). Where there is none of the first two and addends are short, such as 8-bit
    products in fp32, the adder is another (`fpshort`): larger, but far quieter.

    Timing: combinational.

    Parameters
    ----------
    fmt : FloatFormat
        Of ``acc`` and ``sum``; has IEEE specials.
    addend : Addend
        What ``p`` is.

    Members
    -------
    acc : ``In(fmt.width)``
    p : ``In(addend.wide.width)``
    sum : ``Out(fmt.width)``
    """

    acc: Signal
    p: Signal
    sum: Signal

    def __init__(self, fmt: FloatFormat, addend: Addend) -> None:
        self.fmt, self.addend = fmt, addend
        # Exponents below are biased as fmt's are, of the top bit: `offset` turns p's into such.
        self.offset = fmt.bias - addend.layout.exp_bias + addend.sig_bits - 1 - addend.layout.frac_bits
        lsb = addend.unit + fmt.bias
        self.low = lsb if addend.leading else addend.lowest + self.offset
        self.high = addend.highest + self.offset
        self.gradual = lsb < 1
        # An acc below the smallest normal may be smaller than a p of lower exponent.
        self.crossing = self.low < 1
        # An accumulator stops growing when p falls below half its last place.
        self.overflow = self.high + fmt.man_bits + 3 > fmt.exp_mask
        self.has_inf = self.overflow or addend.wide.has_inf
        super().__init__({"acc": In(fmt.width), "p": In(addend.wide.width), "sum": Out(fmt.width)})

    @property
    def bits(self) -> int:
        """Width of the datapath, without the carry and the sticky bit: two more than the result's significand tell
        how to round it even when one bit cancels, and when more cancel nothing was shifted out by more than a place."""
        return max(self.fmt.man_bits + 3, self.addend.sig_bits + 1)

    @property
    def short(self) -> ShortSum | None:
        """What `add_short` must know, where all that it leaves out is left out here: no sum is subnormal or overflows,
        and no addend has more bits than the mantissa."""
        if self.gradual or self.crossing or self.overflow or not 1 < self.addend.sig_bits <= self.fmt.man_bits:
            return None
        return ShortSum(self.fmt, self.addend, self.offset, self.addend.unit + self.fmt.bias,
                        self.high + self.fmt.man_bits + 2, self.high, self.has_inf)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        fmt, p = self.fmt, self.addend.fields(self.p)
        if self.short:
            m.d.comb += self.sum.eq(add_short(m, self.short, self.acc, p))
            return m
        man, exp, sign = self.acc[: fmt.man_bits], self.acc[fmt.man_bits : fmt.field_bits], self.acc[-1]
        normal = exp.any()
        acc_sig, acc_exp = Cat(man, normal), Cat(exp[0] | ~normal, exp[1:]) if self.gradual else exp
        p_sig, p_exp = self.normal_addend(m, p)

        difference = Signal(signed(max(fmt.exp_bits, len(p_exp)) + 1), name="difference")
        m.d.comb += difference.eq(acc_exp - p_exp)
        below = difference[-1]
        distance = Signal(len(difference), name="distance")
        m.d.comb += distance.eq((difference ^ below.replicate(len(difference))) + below)

        # The larger operand stays, the smaller is shifted.
        swap = Signal(name="swap")
        m.d.comb += swap.eq(~p.zero & (below | (~difference.any() & self._smaller(acc_sig, p_sig))))
        large, small = Signal(self.bits, name="large"), Signal(self.bits, name="small")
        exp = Signal(range(max(self.high, fmt.exp_mask) + 1), name="exp")
        aligned_acc, aligned_p = (Cat(Const(0, self.bits - len(sig)), sig) for sig in (acc_sig, p_sig))
        m.d.comb += [
            large.eq(Mux(swap, aligned_p, aligned_acc)),
            small.eq(Mux(swap, aligned_acc, aligned_p)),
            exp.eq(Mux(swap, p_exp, acc_exp)),
        ]
        small, sticky = shift_right(m, small, distance, small.any() if self.gradual else small[-1])

        subtract = sign ^ p.sign
        total, addend = Signal(self.bits + 1, name="total"), Cat(small ^ subtract.replicate(self.bits), subtract)
        magnitude = Signal(self.bits + 2, name="magnitude")
        m.d.comb += [
            total.eq(large + addend + (subtract & ~sticky)),
            magnitude.eq(Cat(sticky, total)),
        ]
        sum_sign = Mux(swap, p.sign, sign)
        if self.crossing:
            negative = Signal(name="negative")
            m.d.comb += negative.eq(subtract & magnitude[-1])
            magnitude, signed_magnitude = Signal(self.bits + 2, name="absolute"), magnitude
            m.d.comb += magnitude.eq(Mux(negative, -signed_magnitude, signed_magnitude))
            sum_sign = sum_sign ^ negative
        field, zero = round_to(m, fmt, magnitude, exp, self.bits, self.gradual, self.overflow)
        sum_sign = sum_sign & ~(subtract & zero)
        m.d.comb += self.sum.eq(self._special(p, Cat(field, sum_sign)))
        return m

    def normal_addend(self, m: Module, p: Fields) -> tuple[Value, Value]:
        """Significand with its top bit set, or 0, and exponent biased as the accumulator's."""
        sig, exp = Signal(self.addend.sig_bits, name="sig"), p.exp
        m.d.comb += sig.eq(p.sig & (~p.zero).replicate(len(sig)))
        if self.addend.leading:
            sig, exp = normalise(m, sig, exp, self.addend.leading)
        biased = Signal(signed(max(-self.low, self.high).bit_length() + 2), name="biased")
        m.d.comb += biased.eq(exp + self.offset)
        return sig, biased

    def _smaller(self, acc_sig, p_sig):
        """Whether acc's significand is below p's, their top bits being aligned."""
        spare = len(acc_sig) - len(p_sig)
        return acc_sig[spare:] < p_sig if spare >= 0 else Cat(Const(0, -spare), acc_sig) < p_sig

    def _special(self, p, number):
        """The sum with Inf and NaN in their places."""
        fmt, wide = self.fmt, self.addend.wide
        if not (self.has_inf or wide.has_nan):
            return number
        assert fmt.inf is not None and fmt.nan is not None
        top, some = self.acc[fmt.man_bits : fmt.field_bits].all(), self.acc[: fmt.man_bits].any()
        if not self.has_inf:
            return Mux(p.nan | top, fmt.nan, number)
        acc_inf, sign = top & ~some, self.acc[-1]
        nan = p.nan | (top & some) | (acc_inf & p.inf & (sign ^ p.sign))
        inf = Cat(Const(fmt.inf, fmt.field_bits), Mux(acc_inf, sign, p.sign))
        return Mux(nan, fmt.nan, Mux(acc_inf | p.inf, inf, number))
