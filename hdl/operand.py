"""What the multipliers share: reading an operand's code, and the special values of a product."""

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
    zero, inf, nan : Value
        Class of the operand. ``zero`` also covers subnormals when they are flushed.
    """

    def __init__(self, fmt, code, subnormals):
        self.fmt = fmt
        self.field, self.sign = code[:-1], code[-1]
        self.man, self.exp = self.field[: fmt.man_bits], self.field[fmt.man_bits :]
        self.normal = self.exp.any()
        self.zero = ~self.normal if subnormals == "flush" else ~self.field.any()
        top = self.exp.all()
        self.inf = top & ~self.man.any() if fmt.has_inf else Const(0)
        self.nan = {
            Specials.IEEE: top & self.man.any(),
            Specials.NAN_ONLY: self.field.all(),
            Specials.FINITE: Const(0),
        }[fmt.specials]


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
