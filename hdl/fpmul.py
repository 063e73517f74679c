"""The exact floating-point multiplier: the baseline."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import In, Out

from .operand import Operand, pack_wide, special_flags
from .part import Part


class ExactMultiplier(Part):
    def __init__(self, spec, wide=False):
        self.spec, self.wide = spec, wide
        super().__init__({
            "a": In(spec.a.width),
            "b": In(spec.b.width),
            "p": Out(spec.wide.width if wide else spec.narrow_width),
        })

    def elaborate(self, platform):
        m = Module()
        spec, fmt = self.spec, self.spec.a
        keep = spec.subnormals == "exact"
        a, b = Operand(spec.a, self.a, spec.subnormals), Operand(spec.b, self.b, spec.subnormals)
        flags = special_flags(a, b)
        sign = a.sign ^ b.sign
        sig = Signal(spec.wide.sig_bits)
        exp = Signal(signed(fmt.exp_bits + 3))
        m.d.comb += sig.eq(Cat(a.man, a.normal if keep else 1) * Cat(b.man, b.normal if keep else 1))
        ea = Cat(a.exp[0] | ~a.normal, a.exp[1:]) if keep else a.exp
        eb = Cat(b.exp[0] | ~b.normal, b.exp[1:]) if keep else b.exp
        if self.wide:
            m.d.comb += exp.eq(ea + eb)
            m.d.comb += self.p.eq(pack_wide(spec.wide, sig, exp, sign, flags))
            return m
        m.d.comb += exp.eq(ea + eb - spec.b.bias)
        # Leading zeros of the product; its top bit weighs 2 ** (exp + 1).
        n = spec.wide.sig_bits
        lz = Signal(range(n + 1))
        for i in range(n):
            with m.If(sig[i]):
                m.d.comb += lz.eq(n - 1 - i)
        norm_exp = Signal(signed(fmt.exp_bits + 5))
        m.d.comb += norm_exp.eq(exp + 1 - lz)
        norm = Signal(n)
        m.d.comb += norm.eq(sig << lz)
        right = Signal(fmt.exp_bits + 5)
        if keep:
            m.d.comb += right.eq(Mux(norm_exp < 1, 1 - norm_exp, 0))
        shifted = Signal(2 * n + 1)
        clip = Signal(range(n + 2))
        m.d.comb += clip.eq(Mux(right > n + 1, n + 1, right))
        m.d.comb += shifted.eq((norm << (n + 1)) >> clip)
        man = fmt.man_bits
        kept = shifted[-(man + 1) :]
        guard, sticky = shifted[-(man + 2)], shifted[: -(man + 2)].any()
        up = guard & (sticky | kept[0])
        total = Signal(signed(fmt.field_bits + 7))
        # The hidden bit adds one to the exponent field.
        base = Mux(right == 0, norm_exp - 1, 0) if keep else norm_exp - 1
        m.d.comb += total.eq((base << man) + kept + up)
        large = fmt.max_finite
        if spec.overflow == "ieee":
            large = fmt.inf if fmt.has_inf else fmt.nan
        field = Mux(total > fmt.max_finite, large, total[: fmt.field_bits])
        zero = flags["zero"] if keep else flags["zero"] | (total < fmt.min_normal)
        field = Mux(zero, 0, field)
        if fmt.has_inf:
            field = Mux(flags["inf"], fmt.inf, field)
        if fmt.has_nan:
            field = Mux(flags["nan"], fmt.nan, field)
        m.d.comb += self.p.eq(Cat(field[: fmt.field_bits], sign))
        return m
