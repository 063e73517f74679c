"""The exact floating-point multiplier: the baseline."""

from typing import NamedTuple

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from ...golden.families.exact import Exact
from .. import rounding
from ..operand import FloatMultiplier, named, narrow_sum, pack_wide, select_narrow, special_flags
from ..shift import leading_zeros, normalise, shift_right

# From here on, subnormal products are shifted after the multiplication instead of subnormal operands before it.
_LATE_MAN_BITS = 10


class Unrounded(NamedTuple):
    """A product that is still to be rounded.

    ``sig`` is the product of the significands, shifted so that its top bit weighs 2 in a normal product and the
    smallest normal number in a subnormal one; ``lost`` is whether a one was shifted out below. ``exp`` is the sum of
    the exponent fields that goes with it, ``normal`` whether that is a normal product's, and ``alive`` whether the
    product is not zero.
    """

    sig: Value
    exp: Value
    lost: Value = Const(0)
    normal: Value = Const(1)
    alive: Value = Const(1)


def adds(spec: Exact) -> bool:
    """Whether the narrow product is an addition of the fields and a carry. One bit by one bit is an AND: where
    subnormals are kept that is smaller than what rounds a sum twice."""
    return (1 if spec.subnormals == "flush" else 2) <= spec.a.man_bits <= rounding.MAN_BITS


class ExactMultiplier(FloatMultiplier):
    """Product of floats, exact and then rounded once to nearest even, as IEEE 754 has it.

    The sign is the XOR of the signs, also of zeros, Inf and NaN. Inf times zero is NaN. With subnormals ``exact``
    operands and products keep them (gradual underflow); with ``flush`` subnormal operands are zeros, and a product
    that is below the smallest normal number after rounding to the format's precision is zero. Above the largest
    number the product is the largest (``saturate``), or else Inf, or NaN where the format has no Inf (``ieee``); Inf
    operands give Inf under either policy. Bit-exact with :func:`lmul.golden.products.multiply` (narrow) and
    :func:`~lmul.golden.products.product` (wide: the product of the significands, not rounded, and the sum of the
    exponents; or where the specification says so, rounded or cut to fewer bits that begin with a one).

    Timing: combinational.

    Parameters
    ----------
    spec : :class:`~lmul.golden.spec.Multiplier`
        Of kind ``exact``.
    wide : bool
        Whether the product is the wide one.
    multiplied : bool
        Whether a narrow product multiplies the significands and rounds, though an addition and a carry would do: the
        larger of two circuits for the same products, to be measured beside the other.

    Members
    -------
    a, b : ``In(spec.a.width)``, ``In(spec.b.width)``
        Operand codes.
    p : ``Out(spec.wide.width if wide else spec.narrow_width)``
        Code of the product: of ``spec.a``, or packed as :class:`~lmul.golden.spec.WideFormat` says.
    """

    spec: Exact

    def __init__(self, spec: Exact, wide: bool = False, multiplied: bool = False) -> None:
        super().__init__(spec, wide)
        self.added = not multiplied and adds(spec)
        self.bias_bits = spec.b.bias.bit_length()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self.spec
        a, b = self.operands(m)
        sign = a.sign ^ b.sign
        if self.wide:
            sig, exp = self._raw(m, a, b)[:2] if spec.kept is None else self._shortened(m, a, b)
            m.d.comb += self.p.eq(pack_wide(spec.wide, sig, exp, sign, special_flags(a, b)))
        else:
            field = self._added(m, a, b) if self.added else self._rounded(m, a, b, self._unrounded(m, a, b))
            m.d.comb += self.p.eq(Cat(field, sign))
        return m

    def _added(self, m, a, b):
        """The field of the product, special cases and all, by one addition of the fields and a carry."""
        spec, fmt, bias = self.spec, self.spec.a, self.spec.b.bias
        nearest = rounding.Rounding(m, fmt.man_bits, spec.b.man_bits)
        if spec.subnormals == "flush":
            total = named(m, "total", a.field + b.field.shift_left(spec.align) + nearest.carry(a.man, b.man))
            return narrow_sum(m, spec, a, b, total[: fmt.man_bits], total[fmt.man_bits :])
        (man_a, exp_a), (man_b, exp_b) = self._begun(m, a), self._begun(m, b)
        total = named(m, "man_sum", man_a + man_b.shift_left(spec.align) + nearest.carry(man_a, man_b))
        man = total[: fmt.man_bits]
        exp = named(m, "exp_sum", exp_a + exp_b + total[fmt.man_bits])
        normal = named(m, "normal", ~exp[-1] & exp[self.bias_bits :].any())  # one more than the bias is a power of two
        # The significand of a subnormal product is shifted and rounded once more, a tie as the exact product lies: if
        # 1.010 was rounded up from less, its half 0.101 stands for less, and 0.10 is nearer than 0.11.
        places = named(m, "places", (bias + 1 - exp).as_unsigned())
        stages = (fmt.man_bits + 1).bit_length()
        shifted, lost = shift_right(m, Cat(Const(0, 1), man, Const(1, 1)), places[:stages], Const(0))
        half, kept = shifted[0], shifted[1:]
        up = half & (lost | nearest.below(man_a, man_b) | (kept[0] & ~nearest.above(man_a, man_b)))
        subnormal = named(m, "rounded", kept + up)
        field = Mux(normal, Cat(man, (exp - bias)[: fmt.exp_bits]), subnormal)[: fmt.field_bits]
        limit = bias + (fmt.exp_mask if fmt.has_inf else fmt.exp_mask + 1)
        alive = ~(a.zero | b.zero) & (normal | ~places[stages:].any())
        return select_narrow(m, spec, a, b, field, ~exp[-1] & (exp[:-1] >= limit), alive)

    def _shortened(self, m, a, b):
        """Significand without its first one, and exponent, of a wide product that is rounded or cut."""
        spec, bits = self.spec, self.spec.wide.sig_bits
        (man_a, exp_a), (man_b, exp_b) = self._begun(m, a), self._begun(m, b)
        if spec.kept == spec.a.man_bits + 1 <= rounding.MAN_BITS + 1:
            nearest = rounding.Rounding(m, spec.a.man_bits, spec.b.man_bits, cut=spec.rounded is None)
            fields = _joined(man_a, exp_a) + _joined(man_b.shift_left(spec.align), exp_b)
            total = named(m, "total", fields + nearest.carry(man_a, man_b))
            return total[:bits], total[bits:]
        # A cut product has no use for what is below; a rounded one has for all.
        unused = spec.work_bits - bits - 2 if spec.rounded is None else 0
        sig, below = Signal(spec.work_bits - unused, name="sig_product"), Signal(unused, name="unused_below")
        m.d.comb += Cat(below, sig).eq(Cat(man_a, 1) * Cat(man_b, 1))
        above = sig[-1]
        # 1.xxx or 1x.xx: of 0b01100011 and 0b10100110 the four bits from the first one are kept.
        if spec.rounded is None:
            kept = Mux(above, sig[1:-1], sig[:-2])
            return kept, named(m, "exp_sum", exp_a + exp_b + above)
        sig = named(m, "sig", Mux(above, sig, sig.shift_left(1)[: len(sig)]))
        kept, below = sig[-1 - bits : -1], sig[: -1 - bits]
        rounded = named(m, "rounded", kept + (below[-1] & (below[:-1].any() | kept[0])))
        if self._reaches_four:
            return rounded[:-1], named(m, "exp_sum", exp_a + exp_b + above + rounded[-1])
        return rounded[:-1], named(m, "exp_sum", exp_a + exp_b + (above | rounded[-1]))

    @property
    def _reaches_four(self):
        """Whether a product of 2 or more can be rounded up to 4, two exponents above."""
        spec, bits = self.spec, self.spec.work_bits
        largest = ((2 << spec.a.man_bits) - 1) * ((2 << spec.b.man_bits) - 1)
        return largest + (1 << (bits - spec.wide.sig_bits - 2)) >= 1 << bits

    def _begun(self, m, operand):
        """Mantissa behind a first one, and exponent, of an operand as its policy has it."""
        if self.spec.subnormals == "flush":
            return operand.man, operand.exp
        man, exp = self._normalised(m, operand)
        name, bits = operand.name, operand.fmt.man_bits
        return named(m, f"{name}_man", man)[:bits], named(m, f"{name}_exp", exp)

    def _unrounded(self, m, a, b):
        if self.spec.subnormals == "flush":
            return self._raw(m, a, b)
        # With such a bias the product of two subnormals is too small to count, so that there is but one to normalise.
        late = self.spec.a.man_bits >= _LATE_MAN_BITS and self.spec.b.bias >= self.spec.a.man_bits + 2
        return self._shifted_after(m, a, b) if late else self._shifted_before(m, a, b)

    def _raw(self, m, a, b):
        """Nothing shifted. An exact subnormal has exponent 1 and no hidden bit."""
        exact = self.spec.subnormals == "exact"
        hidden_a, hidden_b = (a.normal, b.normal) if exact else (Const(1), Const(1))
        exp = named(m, "exp_sum", _first(a) + _first(b) if exact else a.exp + b.exp)
        sig = named(m, "sig_product", Cat(a.man, hidden_a) * Cat(b.man, hidden_b))
        return Unrounded(sig, exp, alive=~(a.zero | b.zero))

    def _shifted_before(self, m, a, b):
        """Normalises the operands, multiplies, and shifts a subnormal product right."""
        (man_a, exp_a), (man_b, exp_b) = self._normalised(m, a), self._normalised(m, b)
        exp = named(m, "exp_sum", exp_a + exp_b)
        normal = named(m, "normal", ~exp[-1] & exp[self.bias_bits :].any())
        # Beyond the first place, which a subnormal product has already.
        places = named(m, "places", (self.spec.b.bias - exp) & (~normal).replicate(len(exp)))
        stages = (self.spec.a.man_bits + 1).bit_length()
        sig = named(m, "sig_product", Cat(man_a, 1) * Cat(man_b, 1))
        sig, lost = shift_right(m, sig, places[:stages], Const(0))
        return Unrounded(sig, exp, lost, normal, ~(a.zero | b.zero | places[stages:].any()))

    def _normalised(self, m, operand):
        """Mantissa and exponent of an operand, of a subnormal one as if it were normal."""
        shifted, minus_zeros = normalise(m, operand.man, Const(0, 1), operand.fmt.man_bits - 1)
        man = Mux(operand.normal, operand.man, shifted.shift_left(1)[: operand.fmt.man_bits])
        return man, Mux(operand.normal, operand.exp, minus_zeros.as_signed())

    def _shifted_after(self, m, a, b):
        """Multiplies subnormals as they are, and meanwhile finds the distance for one shift, left or right.

        The zeros that a subnormal's mantissa begins with, and the exponent, limit the shift to the left. It is done
        as a fixed one by ``1 << stages``, then one to the right.
        """
        fmt = self.spec.a
        product = self._raw(m, a, b)
        subnormal = named(m, "subnormal", ~(a.normal & b.normal))
        man = Mux(a.normal, 0, a.man) | Mux(b.normal, 0, b.man.shift_left(self.spec.align))
        # ~z is -1 - z: of man 010, z = 1, and the leading one is two places below the hidden bit, so the shift is -2.
        minus = Cat(~leading_zeros(m, named(m, "man", man)), 1)
        shift = named(m, "shift", Mux(subnormal, minus, 0).as_signed())
        exp = named(m, "exp", product.exp + shift)
        normal = named(m, "normal", ~exp[-1] & exp[self.bias_bits :].any())
        high = named(m, "high", product.exp[self.bias_bits :].any())
        stages = (fmt.man_bits + 1).bit_length()
        limit = ~product.exp[: self.bias_bits]
        places = named(m, "places", Mux(normal, shift[:stages], limit[:stages]))
        sig = Mux(high & subnormal, product.sig.shift_left(1 << stages), product.sig)
        sig, lost = shift_right(m, named(m, "sig_left", sig), places, Const(0))
        alive = product.alive & (a.normal | b.normal) & (high | ~limit[stages:].any())
        return Unrounded(sig[: len(product.sig)], exp, lost, normal, alive)

    def _rounded(self, m, a, b, product):
        """The field of the product, special cases and all."""
        spec, fmt, bias = self.spec, self.spec.a, self.spec.b.bias
        above = product.sig[-1]
        sig = named(m, "sig", Mux(product.normal & ~above, product.sig.shift_left(1)[: len(product.sig)], product.sig))
        hidden, kept, below = sig[-1], sig[-1 - fmt.man_bits : -1], sig[: -1 - fmt.man_bits]
        up = below[-1] & (below[:-1].any() | product.lost | kept[0])
        rounded = named(m, "rounded", kept + up)
        man, carry = rounded[:-1], rounded[-1]
        # A product of 2 or more never rounds up to 4, so that one carry is all there can be.
        carry = named(m, "carry", carry | (product.normal & above))
        # One more than the bias is a power of two.
        exp = named(m, "exp_product", (product.exp + Cat(~carry, carry) - (bias + 1))[: fmt.exp_bits])
        alive = product.alive
        if spec.subnormals == "flush":
            alive &= (product.exp > bias) | ((product.exp == bias) & carry)
        else:
            exp = Mux(product.normal, exp, hidden | carry)
        limit = bias + (fmt.exp_mask if fmt.has_inf else fmt.exp_mask + 1)
        over = (product.exp >= limit) | ((product.exp == limit - 1) & carry)
        return select_narrow(m, spec, a, b, Cat(man, exp), over, alive)


def _joined(man, exp):
    """Mantissa and exponent as one field, with a sign where the exponent has one."""
    field = Cat(man, exp)
    return field.as_signed() if exp.shape().signed else field


def _first(operand):
    """The exponent, at least 1."""
    return Cat(operand.exp[0] | ~operand.normal, operand.exp[1:])


component = ExactMultiplier
