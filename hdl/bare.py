"""Products by one addition of the fields, bare: for look-up tables, beside what others have built of them."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from ..golden.bare import Bare
from ..golden.formats import FloatFormat
from . import rounding
from .operand import named
from .part import Part


class FieldChain(Part):
    """``x + y + c`` and a constant: what fits one carry chain, for the constant needs no position of its own.

    Timing: combinational.

    Parameters
    ----------
    fmt : FloatFormat
        Of whose fields.
    constant : int
        At most 0.

    Members
    -------
    x, y : ``In(fmt.field_bits)``
    c : ``In(1)``
    s : ``Out(fmt.field_bits + 2)``
        Two's complement.
    """

    x: Signal
    y: Signal
    c: Signal
    s: Signal

    def __init__(self, fmt: FloatFormat, constant: int) -> None:
        self.fmt, self.constant = fmt, constant
        super().__init__({"x": In(fmt.field_bits), "y": In(fmt.field_bits), "c": In(1), "s": Out(fmt.field_bits + 2)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.s.eq(self.x + self.y + self.c + Const(self.constant, len(self.s) + 1))
        return m


class BareMultiplier(Part):
    """Product as :class:`~lmul.golden.bare.Bare` defines it, bit-exact with its ``multiply``.

    Timing: combinational.

    Parameters
    ----------
    spec : Bare
        Of a format of at most `rounding.MAN_BITS` mantissa bits.
    exponent : int
        What the chain subtracts from the sum of the exponents; what is missing of the bias is subtracted behind it.
    cleared : bool
        Whether ``clear`` says that the product's field is to be 0, in place of the product itself: for registers whose
        reset does that.

    Members
    -------
    a, b : ``In(spec.fmt.width)``
    p : ``Out(spec.product_bits)``
    clear : ``Out(1)``
        Where ``cleared``.
    """

    a: Signal
    b: Signal
    p: Signal
    clear: Signal

    def __init__(self, spec: Bare, exponent: int, cleared: bool = False) -> None:
        self.spec, self.exponent, self.cleared = spec, exponent, cleared
        super().__init__({"a": In(spec.fmt.width), "b": In(spec.fmt.width), "p": Out(spec.product_bits)}
                         | ({"clear": Out(1)} if cleared else {}))

    @property
    def constant(self) -> int:
        """Of the chain, beside the carry that goes into it."""
        return (0 if self.spec.rounded else self.spec.offset - 1) - (self.exponent << self.spec.fmt.man_bits)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, fmt = self.spec, self.spec.fmt
        x, y = self.a[:-1], self.b[:-1]
        m.submodules.chain = chain = FieldChain(fmt, self.constant)
        carry = Const(1, 1)
        if spec.rounded:
            nearest = rounding.Rounding(m, fmt.man_bits, fmt.man_bits)
            carry = nearest.carry(x[: fmt.man_bits], y[: fmt.man_bits])
        m.d.comb += [chain.x.eq(x), chain.y.eq(y), chain.c.eq(carry)]
        man, exp = chain.s[: fmt.man_bits], chain.s[fmt.man_bits :].as_signed()
        exp = named(m, "exp", (exp + (self.exponent - fmt.bias))[: len(exp)])
        total = Cat(man, exp).as_signed()
        field = named(m, "field", total[: spec.field_bits])
        if spec.ceiling is not None:
            field = named(m, "bounded", Mux(total > spec.ceiling, spec.ceiling, field))
        dead = self._zero(x) | self._zero(y) if spec.zero else Const(0, 1)
        clear = named(m, "dead", dead | (total < spec.floor) if spec.floor is not None else dead)
        if spec.specials:
            field, clear = self._special(m, x, y, dead, field, clear)
        sign = self.a[-1] ^ self.b[-1]
        if self.cleared:
            m.d.comb += [self.p.eq(Cat(field, sign)), self.clear.eq(clear)]
        else:
            m.d.comb += self.p.eq(Cat(Mux(clear, 0, field), sign))
        return m

    def _zero(self, field: Value) -> Value:
        """Whether an operand counts as zero."""
        return ~(field if self.spec.zero == "fields" else field[self.spec.fmt.man_bits :]).any()

    def _special(self, m, x, y, dead, field, clear):
        """Field, and whether it is 0, where operands may be Inf or NaN."""
        inf, nan = self.spec.fmt.inf, self.spec.fmt.nan
        if nan is None:
            return field, clear
        infinite, invalid = Const(0, 1), Const(0, 1)
        for operand in (x, y):
            if inf is None:
                invalid |= operand == nan
            else:
                infinite |= operand == inf
                invalid |= operand > inf
        invalid = named(m, "invalid", invalid | (infinite & dead))
        if inf is not None:
            field = Mux(infinite, inf, field)
        return Mux(invalid, nan, field), named(m, "clear_field", clear & ~(infinite | invalid))
