"""What the floating-point multipliers share: an operand taken apart, and a product put together."""

from amaranth.hdl import Cat, Const

from ..golden.formats import Specials


class Operand:
    """A code taken apart: expressions for its fields and its class.

    Attributes
    ----------
    field, exp, man, sign : Value
        ``field`` is ``exp`` and ``man`` as one integer.
    normal : Value
        Whether the exponent field is not 0: the hidden bit.
    zero : Value
        Whether it counts as zero; subnormals do when they are flushed.
    special, inf, nan : Value
        ``special`` is either of the others.
    """

    def __init__(self, fmt, code, subnormals):
        self.fmt = fmt
        self.field, self.sign = code[:-1], code[-1]
        self.man, self.exp = self.field[: fmt.man_bits], self.field[fmt.man_bits :]
        self.normal = self.exp.any()
        self.zero = ~self.normal if subnormals == "flush" else ~(self.normal | self.man.any())
        self.inf = self.nan = Const(0)
        if fmt.specials is Specials.IEEE:
            self.special, rest = self.exp.all(), self.man.any()
            self.inf, self.nan = self.special & ~rest, self.special & rest
        elif fmt.specials is Specials.NAN_ONLY:
            self.special = self.nan = self.field.all()
        else:
            self.special = Const(0)


def special_flags(a, b):
    """``zero``, ``inf`` and ``nan`` of the product of two operands, before any priority among them."""
    return {
        "zero": a.zero | b.zero,
        "inf": a.inf | b.inf,
        "nan": a.nan | b.nan | (a.inf & b.zero) | (b.inf & a.zero),
    }


def pack_wide(wide, sig, exp, sign, flags):
    """The packed wide product, field by field in the order of `WideFormat.fields`."""
    values = {"sig": sig, "exp": exp, "sign": sign, **flags}
    return Cat(values[name][:width] for name, width in wide.fields)


def select_narrow(spec, a, b, field, over, alive):
    """The field of a narrow product, special cases and all, by one OR and one AND for most bits.

    Parameters
    ----------
    a, b : Operand
    field : Value
        The product when nothing is special.
    over : Value
        Whether ``field`` has overflowed. Where NaN is the all-ones field only, whether it has passed that.
    alive : Value
        Whether the product is neither zero nor flushed to it.
    """
    fmt = spec.a
    select = {Specials.IEEE: _select_ieee, Specials.NAN_ONLY: _select_nan_only, Specials.FINITE: _select_finite}
    return select[fmt.specials](spec, a, b, field, over, alive)


def _select_finite(spec, a, b, field, over, alive):
    width = spec.a.field_bits
    return (field | over.replicate(width)) & alive.replicate(width)


def _select_nan_only(spec, a, b, field, over, alive):
    width = spec.a.field_bits
    nan = a.nan | b.nan
    keep = alive | nan
    raised = field | (over | nan).replicate(width)
    if spec.overflow == "ieee":
        return raised & keep.replicate(width)
    # The largest finite field is all ones but the lowest, whether field is all ones or beyond.
    lowest = (field[0] & ~raised[1:].all() & keep) | nan
    return Cat(lowest, raised[1:] & keep.replicate(width - 1))


def _select_ieee(spec, a, b, field, over, alive):
    man_bits, exp_bits = spec.a.man_bits, spec.a.exp_bits
    man, exp = field[:man_bits], field[man_bits:]
    special = a.special | b.special
    nan = special_flags(a, b)["nan"]
    finite = alive & ~special
    if spec.overflow == "ieee":
        man = man & (finite & ~over).replicate(man_bits)
        lowest = exp[0] | over | special
    else:
        man = (man | over.replicate(man_bits)) & finite.replicate(man_bits)
        lowest = (exp[0] & ~over) | special
    keep = alive | special
    exp = (exp[1:] | (over | special).replicate(exp_bits - 1)) & keep.replicate(exp_bits - 1)
    return Cat(man[:-1], man[-1] | nan, lowest & keep, exp)
