"""L-Mul: a product by one integer addition."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib.wiring import In, Out

from .operand import Operand, pack_wide, special_flags
from .part import Part


class LMul(Part):
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
        a, b = Operand(spec.a, self.a, spec.subnormals), Operand(spec.b, self.b, spec.subnormals)
        flags = special_flags(a, b)
        sign = a.sign ^ b.sign
        x, y = self._addend(m, a), self._addend(m, b)
        offset = spec.offset_value - (0 if self.wide else spec.b.bias << fmt.man_bits)
        width = fmt.field_bits + 4
        s = Signal(signed(width))
        m.d.comb += s.eq(x + (y << spec.align) + offset)
        if self.wide:
            total = Signal(fmt.man_bits + spec.wide.exp_bits)
            m.d.comb += total.eq(s)
            m.d.comb += self.p.eq(pack_wide(spec.wide, total[: fmt.man_bits], total[fmt.man_bits :], sign, flags))
            return m
        large = fmt.max_finite
        if spec.overflow == "ieee":
            large = fmt.inf if fmt.has_inf else fmt.nan
        field = Mux(s > fmt.max_finite, large, s[: fmt.field_bits])
        field = Mux((s < fmt.min_normal) | flags["zero"], 0, field)
        if fmt.has_inf:
            field = Mux(flags["inf"], fmt.inf, field)
        if fmt.has_nan:
            field = Mux(flags["nan"], fmt.nan, field)
        m.d.comb += self.p.eq(Cat(field[: fmt.field_bits], sign))
        return m

    def _addend(self, m, operand):
        if self.spec.subnormals == "flush":
            return operand.field
        fmt = operand.fmt
        shifted = Signal(signed(fmt.field_bits + 2))
        m.d.comb += shifted.eq(operand.field)
        for shift in range(1, fmt.man_bits + 1):
            bit = operand.man[fmt.man_bits - shift]
            above = operand.man[fmt.man_bits - shift + 1 :].any() if shift > 1 else Const(0)
            man = (operand.man << shift)[: fmt.man_bits]
            value = Cat(man, Const(1 - shift, signed(fmt.exp_bits + 2)))
            with m.If(~operand.normal & bit & ~above):
                m.d.comb += shifted.eq(value)
        return shifted
