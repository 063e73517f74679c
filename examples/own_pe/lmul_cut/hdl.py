"""The component."""

from amaranth.hdl import Cat, Const, Module, Mux
from lmul.hdl.multipliers import multiplier
from lmul.hdl.operand import FloatMultiplier, Operand


class CutMultiplier(FloatMultiplier):
    """The exact multiplier, behind operands whose last mantissa bits are zero; those of Inf and NaN stay.

    Timing: combinational. Parameters and members are those of every multiplier.
    """

    def elaborate(self, platform):
        m = Module()
        m.submodules.exact = exact = multiplier(self.spec.rival, self.wide)
        drop = self.spec.drop
        for name, fmt, code, port in (("a", self.spec.a, self.a, exact.a), ("b", self.spec.b, self.b, exact.b)):
            special = Operand(m, name, fmt, code, self.spec.subnormals).special
            m.d.comb += port.eq(Cat(Mux(special, code[:drop], Const(0, drop)), code[drop:]))
        m.d.comb += self.p.eq(exact.p)
        return m


component = CutMultiplier
