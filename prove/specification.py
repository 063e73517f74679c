"""What products of floats have in common, as terms of the solver: written from the definitions of the formats, apart
from golden and the RTL. What a family's fields are is in `prove.families`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..golden.formats import Specials
from .words import concat

if TYPE_CHECKING:
    from ..golden.floats import FloatMultiplier
    from ..golden.formats import FloatFormat
    from .words import Word


class Operand:
    """A code taken apart.

    Attributes
    ----------
    sign, field, exp, man : Word
    zero, inf, nan : Word
        Conditions; a subnormal counts as zero when they are flushed.
    significand, exponent : Word
        ``significand`` has a hidden bit above the mantissa: of a normal number, or always when subnormals are flushed.
        The exponent of a subnormal that is kept is 1.
    """

    def __init__(self, fmt: FloatFormat, code: Word, subnormals: str) -> None:
        self.fmt = fmt
        self.sign, self.field = code[fmt.field_bits], code[:fmt.field_bits]
        self.man, self.exp = self.field[:fmt.man_bits], self.field[fmt.man_bits:]
        normal = ~self.exp.equals(0)
        self.zero = ~normal if subnormals == "flush" else self.field.equals(0)
        never = normal.value(0)
        top = self.exp.equals(fmt.exp_mask)
        self.inf = top & self.man.equals(0) if fmt.specials is Specials.IEEE else never
        self.nan = {Specials.IEEE: top & ~self.man.equals(0), Specials.NAN_ONLY: self.field.equals(fmt.field_mask),
                    Specials.FINITE: never}[fmt.specials]
        hidden = normal if subnormals == "exact" else ~never
        self.significand = concat(self.man, hidden)
        self.exponent = (normal if subnormals == "exact" else ~never).choose(self.exp, self.exp.value(1))

    def normalised(self) -> Iterator[tuple[int, Word]]:
        """(places, significand) for each way to shift a subnormal's first one into the hidden bit, with a condition."""
        bits = self.fmt.man_bits
        for places in range(1, bits + 1):
            below = bits - places
            first = self.man[below]
            if places > 1:
                first = first & self.man[below + 1:].equals(0)
            yield places, self.exp.equals(0) & first


def flags(x: Operand, y: Operand) -> dict[str, Word]:
    """What is said of a product of two `Operand`: zero, inf and nan."""
    return {"zero": x.zero | y.zero, "inf": x.inf | y.inf, "nan": x.nan | y.nan | (x.inf & y.zero) | (y.inf & x.zero)}


def wide(spec: FloatMultiplier, x: Operand, y: Operand, sig: Word, exp: Word) -> Word:
    """The wide product of two operands, as port ``p`` has it, from its significand and its exponent."""
    parts = {"sig": sig, "exp": exp, "sign": x.sign ^ y.sign, **flags(x, y)}
    return concat(*(parts[name] for name, _ in spec.wide.fields))


def narrow(spec: FloatMultiplier, x: Operand, y: Operand, field: Word, flushed: bool) -> Word:
    """The narrow product, as port ``p`` has it, from its field as a signed integer: range and special values minded.

    Parameters
    ----------
    field : Word
        Exponent and mantissa, which may lie beyond those of the format on either side.
    flushed : bool
        Whether what is below the smallest normal number is zero.
    """
    fmt, said = spec.a, flags(x, y)
    zero = said["zero"] | field.below(fmt.min_normal, signed=True) if flushed else said["zero"]
    beyond = fmt.max_finite if spec.overflow == "saturate" else fmt.inf if fmt.has_inf else fmt.nan
    assert beyond is not None  # "ieee" is refused for formats with neither Inf nor NaN
    result = field.value(fmt.max_finite).below(field, signed=True).choose(field.value(beyond), field)
    result = zero.choose(field.value(0), result)
    if fmt.inf is not None:
        result = said["inf"].choose(field.value(fmt.inf), result)
    if fmt.nan is not None:
        result = said["nan"].choose(field.value(fmt.nan), result)
    return concat(result[: fmt.field_bits], x.sign ^ y.sign)
