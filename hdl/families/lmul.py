"""L-Mul: a product by one integer addition."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal

from ...golden.families.lmul import FieldSum
from ..operand import FloatMultiplier, named, narrow_sum, pack_wide, special_flags
from ..shift import normalise


class LMul(FloatMultiplier):
    """Approximate product of floats: one addition of the fields, exponent and mantissa as one integer, and a
    constant (arXiv 2410.00907); with the constant 0, Mitchell's multiplier (1962).

    The sum is ``x + (y << align) + offset``, where ``x`` and ``y`` are the codes without their signs. The mantissa's
    carry runs into the exponent. The sign is the XOR of the signs, also of zeros, Inf and NaN. Inf times zero is NaN.
    Subnormal operands are zeros (``flush``), or are normalised first (``exact``). Bit-exact with
    :func:`lmul.golden.products.multiply` (narrow) and :func:`~lmul.golden.products.product` (wide).

    Narrow: the bias of ``b`` is subtracted from the sum. Below the smallest normal number the product is zero; above
    the largest it is the largest (``saturate``), or else Inf, or NaN where the format has no Inf (``ieee``). Inf
    operands give Inf under either policy. Wide: the sum as it is, and flags; an offset of half a place more stands as a
    constant 1 below the sum.

    Timing: combinational.

    Parameters
    ----------
    spec : :class:`~lmul.golden.spec.Multiplier`
        Of kind ``lmul`` or ``mitchell``.
    wide : bool
        Whether the product is the unrounded one.

    Members
    -------
    a, b : ``In(spec.a.width)``, ``In(spec.b.width)``
        Operand codes.
    p : ``Out(spec.wide.width if wide else spec.narrow_width)``
        Code of the product: of ``spec.a``, or packed as :class:`~lmul.golden.spec.WideFormat` says.
    """

    spec: FieldSum

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self.spec
        a, b = self.operands(m)
        total = Signal(spec.a.man_bits + spec.wide.exp_bits, name="total")
        offset = spec.offset_halves >> 1 if self.wide else spec.offset_value
        m.d.comb += total.eq(self._addend(m, a) + self._addend(m, b).shift_left(spec.align) + offset)
        man, exp = total[: spec.a.man_bits], total[spec.a.man_bits :]
        if self.wide:
            sig = Cat(Const(1, spec.half), man)  # half a place is a 1 below the sum: no bit of the adder
            m.d.comb += self.p.eq(pack_wide(spec.wide, sig, exp, a.sign ^ b.sign, special_flags(a, b)))
        else:
            m.d.comb += self.p.eq(Cat(narrow_sum(m, spec, a, b, man, exp), a.sign ^ b.sign))
        return m

    def _addend(self, m, operand):
        """The field of an operand, of a subnormal one the field that its normalised value would have."""
        if self.spec.subnormals == "flush":
            return operand.field
        man_bits = operand.fmt.man_bits
        man, exp = normalise(m, operand.man, Const(0, 1), man_bits - 1)
        subnormal = Cat(man.shift_left(1)[:man_bits], exp).as_signed()
        field = Mux(operand.normal | operand.zero, operand.field, subnormal)
        return named(m, f"{operand.name}_field", field)


component = LMul
