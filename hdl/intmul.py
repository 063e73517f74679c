"""The integer baseline."""

from amaranth.hdl import Module
from amaranth.lib.wiring import In, Out

from .part import Part


class IntMultiplier(Part):
    """Signed 8x8 multiplier: ``p = a * b``, two's complement, exact.

    Timing: combinational.

    Parameters
    ----------
    spec : :class:`~lmul.golden.spec.Multiplier`
        Of kind ``int8``.
    wide : bool
        Without effect: the product is 16 bits wide either way.

    Members
    -------
    a, b : ``In(8)``
        Operands.
    p : ``Out(16)``
        The product.
    """

    def __init__(self, spec, wide=False):
        self.spec = spec
        super().__init__({"a": In(spec.a.width), "b": In(spec.b.width), "p": Out(spec.narrow_width)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.p.eq(self.a.as_signed() * self.b.as_signed())
        return m
