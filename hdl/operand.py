"""What the floating-point multipliers share: an operand taken apart, and a product put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from ..golden.formats import FloatFormat, Specials
from .part import MultiplierPart

if TYPE_CHECKING:
    from ..golden import floats
    from ..golden.spec import WideFormat


def named(m: Module, name: str, value: Value | int) -> Signal:
    """``value`` on a signal of that name: computed once, however often it is used."""
    value = Value.cast(value)
    signal = Signal(value.shape(), name=name)
    m.d.comb += signal.eq(value)
    return signal


def ignored(m: Module, name: str, bits: Value) -> None:
    """Bits that nothing reads, on a signal called ``unused_``: named, and kept by that name, so that a linter sees that
    they are ignored on purpose."""
    if len(bits):
        unused = Signal(len(bits), name=f"unused_{name}", attrs={"keep": 1})
        m.d.comb += unused.eq(bits)


def passed(m: Module, name: str, value: Value, enable: Value) -> Signal:
    """``value`` a cycle with ``enable`` later, in registers of that name, which have no reset."""
    register = Signal(len(value), reset_less=True, name=name)
    with m.If(enable):
        m.d.sync += register.eq(value)
    return register


def looked_up(index: Value, values: Sequence[Value]) -> Value:
    """The value at an index, by a tree of choices."""
    if len(values) == 1:
        return values[0]
    pairs = zip(values[::2], values[1::2], strict=True)
    return looked_up(index[1:], [Mux(index[0], high, low) for low, high in pairs])


class FloatMultiplier(MultiplierPart):
    """What multipliers of floats have in common: operands taken apart."""

    spec: floats.FloatMultiplier

    def operands(self, m: Module) -> Iterator[Operand]:
        """Both operands, taken apart."""
        return (Operand(m, name, fmt, code, self.spec.subnormals)
                for name, fmt, code in (("a", self.spec.a, self.a), ("b", self.spec.b, self.b)))


class Operand:
    """A code taken apart: its fields and its class.

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

    def __init__(self, m: Module, name: str, fmt: FloatFormat, code: Value, subnormals: str) -> None:
        self.name, self.fmt = name, fmt
        self.field, self.sign = code[:-1], code[-1]
        self.man, self.exp = self.field[: fmt.man_bits], self.field[fmt.man_bits :]
        self.normal = named(m, f"{name}_normal", self.exp.any())
        self.zero = ~self.normal if subnormals == "flush" else named(m, f"{name}_zero", ~(self.normal | self.man.any()))
        self.inf = self.nan = self.special = Const(0)
        if fmt.specials is Specials.IEEE:
            fraction = self.man.any()
            self.special = named(m, f"{name}_special", self.exp.all())
            self.inf, self.nan = self.special & ~fraction, self.special & fraction
        elif fmt.specials is Specials.NAN_ONLY:
            self.special = self.nan = named(m, f"{name}_nan", self.field.all())


def special_flags(a: Operand, b: Operand) -> dict[str, Value]:
    """``zero``, ``inf`` and ``nan`` of the product of two operands, before any priority among them."""
    return {
        "zero": a.zero | b.zero,
        "inf": a.inf | b.inf,
        "nan": a.nan | b.nan | (a.inf & b.zero) | (b.inf & a.zero),
    }


def pack_wide(wide: WideFormat, sig: Value, exp: Value, sign: Value, flags: dict[str, Value]) -> Value:
    """The packed wide product, field by field in the order of `WideFormat.fields`."""
    values = {"sig": sig, "exp": exp, "sign": sign, **flags}
    return Cat(values[name][:width] for name, width in wide.fields)


def narrow_sum(m: Module, spec: floats.FloatMultiplier, a: Operand, b: Operand, man: Value, exp: Value) -> Value:
    """The field of a narrow product that is a sum of the operands' fields, special cases and all; below the smallest
    normal number zero. The range is judged before the bias of ``b`` is off: there the limits are round numbers.

    Parameters
    ----------
    man, exp : Value
        The sum, at the mantissa of ``spec.a``; signed where ``spec.wide`` has such exponents.
    """
    fmt, bias = spec.a, spec.b.bias
    if spec.wide.exp_signed:
        exp = exp.as_signed()
    beyond = fmt.exp_mask if fmt.has_inf else fmt.exp_mask + 1
    alive = ~(a.zero | b.zero | (exp <= bias))
    field = Cat(man, (exp - bias)[: fmt.exp_bits])
    return select_narrow(m, spec, a, b, field, exp >= bias + beyond, alive)


def select_narrow(m: Module, spec: floats.FloatMultiplier, a: Operand, b: Operand, field: Value, over: Value,
                  alive: Value) -> Value:
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
    over, alive = named(m, "over", over), named(m, "alive", alive)
    return select[fmt.specials](m, spec, a, b, field, over, alive)


def _select_finite(m, spec, a, b, field, over, alive):
    width = spec.a.field_bits
    return (field | over.replicate(width)) & alive.replicate(width)


def _select_nan_only(m, spec, a, b, field, over, alive):
    width = spec.a.field_bits
    nan = named(m, "nan", a.nan | b.nan)
    keep = named(m, "keep", alive | nan)
    lift = named(m, "lift", over | nan)
    if spec.overflow == "ieee":
        return (field | lift.replicate(width)) & keep.replicate(width)
    # The largest finite field is all ones but the lowest, whether field is all ones or beyond.
    raised = named(m, "raised", field[1:] | lift.replicate(width - 1))
    lowest = (field[0] & ~raised.all() & keep) | nan
    return Cat(lowest, raised & keep.replicate(width - 1))


def _select_ieee(m, spec, a, b, field, over, alive):
    man_bits, exp_bits = spec.a.man_bits, spec.a.exp_bits
    man, exp = field[:man_bits], field[man_bits:]
    special = named(m, "special", a.special | b.special)
    finite = named(m, "finite", alive & ~special)
    if spec.overflow == "ieee":
        man = man & (finite & ~over).replicate(man_bits)
        lowest = exp[0] | over | special
    else:
        man = (man | over.replicate(man_bits)) & finite.replicate(man_bits)
        lowest = (exp[0] & ~over) | special
    keep = named(m, "keep", alive | special)
    exp = (exp[1:] | (over | special).replicate(exp_bits - 1)) & keep.replicate(exp_bits - 1)
    return Cat(man[:-1], man[-1] | special_flags(a, b)["nan"], lowest & keep, exp)
