"""What an accumulator must know of the numbers that it adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, cast

from amaranth.hdl import Cat, Const, Value

from ..golden.formats import FloatFormat, IntFormat
from ..golden.spec import Multiplier, WideFormat
from .partials import Partials


class Fields(NamedTuple):
    """A number taken apart: significand, exponent, sign and flags."""

    sig: Value
    exp: Value
    sign: Value
    zero: Value
    inf: Value = Const(0)
    nan: Value = Const(0)


@dataclass(frozen=True)
class Addend:
    """Unrounded numbers as they reach an accumulator: their format, and what values they take.

    Parameters
    ----------
    wide : WideFormat or IntFormat
        Format of the code.
    lowest, highest : int
        Exponents that occur in numbers other than 0.
    largest : int
        Significand, hidden one included, of the largest magnitude; its exponent is ``highest``.
    leading : int
        Zeros that the significand of a number other than 0 may begin with.
    partials : Partials or None
        Of products of integers that can be had as partials: what these are.
    """

    wide: WideFormat | IntFormat
    lowest: int = 0
    highest: int = 0
    largest: int = 0
    leading: int = 0
    partials: Partials | None = None

    @classmethod
    def product(cls, multiplier: Multiplier) -> Addend:
        """The wide products of a `Multiplier`."""
        if multiplier.wide.integer:
            return cls(multiplier.wide, partials=Partials.of(multiplier))
        return cls(multiplier.wide, *multiplier.exp_range, multiplier.largest, multiplier.leading)

    @classmethod
    def code(cls, fmt: FloatFormat) -> Addend:
        """Codes of a float format, as `expand` widens them. The significands of subnormals are not normalised, but
        all have the lowest exponent that a sum of the same format can have."""
        wide = WideFormat(fmt.man_bits + 1, fmt.man_bits, fmt.exp_bits, fmt.bias, exp_signed=False, implicit_one=False,
                          has_inf=fmt.has_inf, has_nan=fmt.has_nan)
        return cls(wide, 1, fmt.max_finite >> fmt.man_bits, (2 << fmt.man_bits) - 1)

    @property
    def layout(self) -> WideFormat:
        """``wide`` of an addend that is a float: where the fields of the code are."""
        return cast(WideFormat, self.wide)

    @property
    def integers(self) -> IntFormat:
        """``wide`` of an addend that is an integer."""
        return cast(IntFormat, self.wide)

    @property
    def sig_bits(self) -> int:
        """Significand bits, the hidden one included."""
        return self.layout.sig_bits + self.layout.implicit_one

    @property
    def unit(self) -> int:
        """Base-two logarithm of the smallest step between two numbers, all being multiples of it."""
        return self.lowest - self.layout.exp_bias - self.layout.frac_bits

    def fields(self, code: Value) -> Fields:
        """The fields of a code as values: ``sig`` (with the hidden one), ``exp``, ``sign`` and the flags; a flag that
        the format lacks is constant 0."""
        fields, start = {}, 0
        for name, width in self.layout.fields:
            fields[name] = code[start : start + width]
            start += width
        if self.layout.implicit_one:
            fields["sig"] = Cat(fields["sig"], Const(1))
        if self.layout.exp_signed:
            fields["exp"] = fields["exp"].as_signed()
        return Fields(**fields)

    def gated(self, code: Value, enable: Value) -> Value:
        """The code while ``enable``, else a zero that leaves any sum as it is: -0."""
        if self.wide.integer:
            return code & enable.replicate(self.wide.width)
        number = self.layout.sig_bits + self.layout.exp_bits
        flags = self.wide.has_inf + self.wide.has_nan
        return Cat(code[:number], code[number : number + 2] | (~enable).replicate(2),
                   code[number + 2 :] & enable.replicate(flags))


def expand(fmt: FloatFormat, code: Value, wide: WideFormat | None = None) -> Value:
    """A float code as the wide code of `Addend.code`; or as ``wide``, the same with less flags."""
    man, exp, sign = code[: fmt.man_bits], code[fmt.man_bits : fmt.field_bits], code[-1]
    top, some = exp.all(), man.any()
    # The exponent of the wide code is max(exp, 1): only the lowest bit differs from the code's, 0000 becoming 0001.
    # Every bit is made from the code's bits alone. Were the lowest one made from the hidden bit beside it, the vector
    # would read a bit of its own, which simulators take for a loop.
    inf, nan = [top & ~some] * (not wide or wide.has_inf), [top & some] * (not wide or wide.has_nan)
    return Cat(man, exp.any(), exp[0] | ~exp[1:].any(), exp[1:], sign, ~code[:-1].any(), *inf, *nan)
