"""The format table: every width, limit and special code used anywhere is derived from one `FloatFormat`."""

import enum
import re
from dataclasses import dataclass

from .refusal import Refusal


class Specials(enum.Enum):
    """What the largest exponents encode."""

    IEEE = "ieee"  # top exponent: Inf and NaN
    NAN_ONLY = "nan_only"  # only the all-ones field is NaN; no Inf (OFP8 E4M3)
    FINITE = "finite"  # every code is a number (OCP MX FP6 and FP4)


@dataclass(frozen=True)
class FloatFormat:
    """A binary floating-point format with subnormals.

    A *code* is the bit pattern, sign uppermost. A *field* is the code without its sign bit: exponent and
    mantissa read as one integer of ``field_bits`` bits, which is the integer that L-Mul adds.

    Parameters
    ----------
    name : str
        The format's name in slugs, a plain identifier without underscores.
    exp_bits, man_bits : int
        Field widths in bits; ``man_bits`` leaves out the hidden bit.
    bias : int
        Exponent bias.
    specials : Specials

    Raises
    ------
    Refusal
        If a width is out of range: 2..8 exponent bits, 1..23 mantissa bits.
    """

    name: str
    exp_bits: int
    man_bits: int
    bias: int
    specials: Specials = Specials.IEEE

    def __post_init__(self):
        if not 2 <= self.exp_bits <= 8:
            raise Refusal(f"Exponent bits must be 2 to 8, not {self.exp_bits!r}")
        if not 1 <= self.man_bits <= 23:
            raise Refusal(f"Mantissa bits must be 1 to 23, not {self.man_bits!r}")

    @property
    def field_bits(self):
        return self.exp_bits + self.man_bits

    @property
    def width(self):
        return 1 + self.field_bits

    @property
    def sign_mask(self):
        return 1 << self.field_bits

    @property
    def field_mask(self):
        return (1 << self.field_bits) - 1

    @property
    def man_mask(self):
        return (1 << self.man_bits) - 1

    @property
    def exp_mask(self):
        """The exponent's largest value, all ones (not shifted into place)."""
        return (1 << self.exp_bits) - 1

    @property
    def has_inf(self):
        return self.specials is Specials.IEEE

    @property
    def has_nan(self):
        return self.specials is not Specials.FINITE

    @property
    def min_normal(self):
        """Field of the smallest normal number."""
        return 1 << self.man_bits

    @property
    def max_finite(self):
        """Field of the largest finite number."""
        return {
            Specials.IEEE: (self.exp_mask << self.man_bits) - 1,
            Specials.NAN_ONLY: self.field_mask - 1,
            Specials.FINITE: self.field_mask,
        }[self.specials]

    @property
    def inf(self):
        """Field of infinity, or None."""
        return self.exp_mask << self.man_bits if self.has_inf else None

    @property
    def nan(self):
        """Field of the NaN that arithmetic produces (quiet, top mantissa bit set), or None."""
        return {
            Specials.IEEE: (self.exp_mask << self.man_bits) | (1 << (self.man_bits - 1)),
            Specials.NAN_ONLY: self.field_mask,
            Specials.FINITE: None,
        }[self.specials]

    @property
    def l_m(self):
        """The paper's l(m): the exponent of L-Mul's correction term (arXiv 2410.00907, equation 1)."""
        return self.man_bits if self.man_bits <= 3 else 3 if self.man_bits == 4 else 4

    def __str__(self):
        return self.name


@dataclass(frozen=True)
class IntFormat:
    """A two's complement integer of ``width`` bits."""

    name: str
    width: int

    @property
    def max_finite(self):
        """Code of the largest number."""
        return (1 << (self.width - 1)) - 1

    def __str__(self):
        return self.name


INT8 = IntFormat("int8", 8)

FORMATS = {
    fmt.name: fmt
    for fmt in (
        FloatFormat("e4m3", 4, 3, 7, Specials.NAN_ONLY),
        FloatFormat("e5m2", 5, 2, 15),
        FloatFormat("e3m4", 3, 4, 3),
        FloatFormat("e2m3", 2, 3, 1, Specials.FINITE),
        FloatFormat("e3m2", 3, 2, 3, Specials.FINITE),
        FloatFormat("e2m1", 2, 1, 1, Specials.FINITE),
        FloatFormat("bf16", 8, 7, 127),
        FloatFormat("fp16", 5, 10, 15),
        FloatFormat("tf32", 8, 10, 127),
        FloatFormat("fp32", 8, 23, 127),
    )
}

#: Wide activation times narrow weight: the pairs of the catalogue.
MIXED_PAIRS = tuple((a, b) for a in ("bf16", "fp16", "fp32") for b in ("e4m3", "e5m2", "e2m1"))


def float_format(name):
    """The format called ``name``: one of `FORMATS`, or any ``e{E}m{M}`` with IEEE specials and the IEEE bias.

    Raises
    ------
    Refusal
        If the name is neither, or its widths are out of range.
    """
    if name in FORMATS:
        return FORMATS[name]
    match = re.fullmatch(r"e([1-9]\d?)m([1-9]\d?)", name)
    if not match:
        raise Refusal(f"Format must be one of {', '.join(FORMATS)} or e{{E}}m{{M}}, not {name!r}")
    exp_bits, man_bits = map(int, match.groups())
    return FloatFormat(name, exp_bits, man_bits, (1 << (exp_bits - 1)) - 1)
