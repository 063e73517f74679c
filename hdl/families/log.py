"""Products of logarithms: one addition of the fields, and the antilog for sums."""

from amaranth.hdl import Cat, Const, Module

from ...golden.families.log import Log
from ..antilog import nearest
from ..operand import looked_up, named, pack_wide
from ..part import MultiplierPart


class LogMultiplier(MultiplierPart):
    """Product of two signed logarithms.

    The sign is the XOR of the signs, also of zeros, and an operand with field 0 makes the product zero. Narrow: the sum
    of the fields less the bias, which is exact; below the smallest number zero, above the largest the largest. Wide:
    the integer part of the sum is the exponent, and its fraction the significand below the hidden one, after a constant
    is added (linear antilog), or by table. Bit-exact with :func:`lmul.golden.products.multiply` and
    :func:`~lmul.golden.products.product`.

    Timing: combinational.

    Parameters
    ----------
    spec : :class:`~lmul.golden.spec.Multiplier`
        Of kind ``log``.
    wide : bool
        Whether the product is the antilog.

    Members
    -------
    a, b : ``In(spec.a.width)``, ``In(spec.b.width)``
        Operand codes.
    p : ``Out(spec.wide.width if wide else spec.narrow_width)``
        Code of the product: of ``spec.a``, or packed as :class:`~lmul.golden.spec.WideFormat` says.
    """

    spec: Log

    def elaborate(self, platform: object) -> Module:
        m = Module()
        x, y = self.a[:-1], self.b[:-1]
        sign = named(m, "sign", self.a[-1] ^ self.b[-1])
        some = named(m, "some", x.any() & y.any())
        if self.wide:
            exp, sig = self._antilog(m, x, y)
            m.d.comb += self.p.eq(pack_wide(self.spec.wide, sig, exp, sign, {"zero": ~some}))
        else:
            m.d.comb += self.p.eq(Cat(self._field(m, x, y, some), sign))
        return m

    def _field(self, m, x, y, some):
        """The field of the narrow product. The range is judged before the bias is off: there the limits are round
        numbers, and the sum one bit wider than a field."""
        fmt, bias = self.spec.a, self.spec.b.bias
        total = named(m, "total", x + y.shift_left(self.spec.align))
        fraction, exp = total[: fmt.man_bits], total[fmt.man_bits :]
        kept = named(m, "kept", some & (exp >= bias))
        over = named(m, "over", exp >= bias + (1 << fmt.exp_bits))
        field = Cat(fraction, (exp - bias)[: fmt.exp_bits])
        return (field | over.replicate(fmt.field_bits)) & kept.replicate(fmt.field_bits)

    def _antilog(self, m, x, y):
        """Exponent and significand of the wide product, without the hidden one."""
        spec = self.spec
        width = spec.a.man_bits + spec.wide.exp_bits
        constant = Const(spec.offset_value % (1 << width), width)
        total = named(m, "total", (x + y.shift_left(spec.align) + constant)[:width])
        fraction, exp = total[: spec.a.man_bits], total[spec.a.man_bits :]
        if not spec.table:
            return exp, fraction
        bits, places = spec.table - 1, spec.a.man_bits
        below = [nearest(places, n, bits) - (1 << bits) for n in range(1 << places)]  # without the hidden one
        return exp, looked_up(fraction, [Const(each, bits) for each in below])


component = LogMultiplier
