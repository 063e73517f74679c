"""Floating-point formats: the catalogue, and codec."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np

from ..refusal import Refusal
from .base import SignedFields, code_dtype


class Specials(enum.Enum):
    """What the largest exponents encode."""

    IEEE = "ieee"  # top exponent: Inf and NaN
    NAN_ONLY = "nan_only"  # only the all-ones field is NaN; no Inf (OFP8 E4M3)
    FINITE = "finite"  # every code is a number (OCP MX FP6 and FP4)


_IN_WORDS = {Specials.IEEE: "Inf and NaN", Specials.NAN_ONLY: "NaN, no Inf", Specials.FINITE: "neither Inf nor NaN"}


@dataclass(frozen=True)
class FloatFormat(SignedFields):
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

    floating = True

    def __post_init__(self) -> None:
        if not 2 <= self.exp_bits <= 8:
            raise Refusal(f"Exponent bits must be 2 to 8, not {self.exp_bits!r}")
        if not 1 <= self.man_bits <= 23:
            raise Refusal(f"Mantissa bits must be 1 to 23, not {self.man_bits!r}")

    @property
    def summary(self) -> str:
        """The format in words: its fields, its bias, and what its largest exponents encode."""
        return (f"{self.exp_bits} exponent, {self.man_bits} mantissa bits, bias {self.bias}, "
                f"{_IN_WORDS[self.specials]}")

    @property
    def exp_mask(self) -> int:
        """The exponent's largest value, all ones (not shifted into place)."""
        return (1 << self.exp_bits) - 1

    @property
    def has_inf(self) -> bool:
        return self.specials is Specials.IEEE

    @property
    def has_nan(self) -> bool:
        return self.specials is not Specials.FINITE

    @property
    def min_normal(self) -> int:
        """Field of the smallest normal number."""
        return 1 << self.man_bits

    @property
    def max_finite(self) -> int:
        """Field of the largest finite number."""
        return {
            Specials.IEEE: (self.exp_mask << self.man_bits) - 1,
            Specials.NAN_ONLY: self.field_mask - 1,
            Specials.FINITE: self.field_mask,
        }[self.specials]

    @property
    def inf(self) -> int | None:
        """Field of infinity, or None."""
        return self.exp_mask << self.man_bits if self.has_inf else None

    @property
    def nan(self) -> int | None:
        """Field of the NaN that arithmetic produces (quiet, top mantissa bit set), or None."""
        return {
            Specials.IEEE: (self.exp_mask << self.man_bits) | (1 << (self.man_bits - 1)),
            Specials.NAN_ONLY: self.field_mask,
            Specials.FINITE: None,
        }[self.specials]

    @property
    def l_m(self) -> int:
        """The paper's l(m): the exponent of L-Mul's correction term (arXiv 2410.00907, equation 1)."""
        return self.man_bits if self.man_bits <= 3 else 3 if self.man_bits == 4 else 4

    @property
    def magnitude(self) -> float:
        return float(self.decode(self.max_finite))

    def scale_for(self, values: np.ndarray) -> float:
        """A power of two, so that scaling loses nothing.

        Up to 8 bits the smallest that clips no value: the range is short, so the largest magnitude belongs in its upper
        binade. Wider formats have range to spare, and what would spend it is the sum of the products: there the largest
        magnitude comes to lie in [1, 2).
        """
        largest = float(np.abs(values).max())
        mantissa, exponent = np.frexp(largest)  # largest = mantissa * 2**exponent, mantissa in [.5, 1)
        top = 1
        if self.width <= 8:
            significand = (self.max_finite & self.man_mask) + self.min_normal
            top = (self.max_finite >> self.man_bits) - self.bias + 1
            exponent += mantissa > significand / (2 * self.min_normal)
        return float(np.ldexp(1.0, max(exponent - top, -1022)))

    def is_nan(self, field: np.ndarray) -> np.ndarray:
        """Which fields, codes without their sign, are NaN."""
        if not self.has_nan:
            return np.zeros(field.shape, bool)
        return field > self.inf if self.has_inf else field == self.nan

    def overflow_field(self, overflow: str) -> int:
        """The field that a finite result too large for the format gets under an overflow policy."""
        return self.max_finite if overflow == "saturate" else cast(int, self.inf if self.has_inf else self.nan)

    def _values(self, codes):
        if self.exp_bits == 8 and self.specials is Specials.IEEE and self.bias == 127:  # the upper bits of a float32
            with np.errstate(invalid="ignore"):  # signalling NaN
                return (codes.astype(np.uint32) << (23 - self.man_bits)).view(np.float32).astype(np.float64)
        codes = codes.astype(np.int64)
        field = codes & self.field_mask
        exp = field >> self.man_bits
        significand = (field & self.man_mask) | ((exp != 0).astype(np.int64) << self.man_bits)
        exponent = (np.maximum(exp, 1) - self.bias - self.man_bits).astype(np.int32)
        value = np.ldexp(significand.astype(np.float64), exponent)
        if self.has_inf:
            value = np.where(field == self.inf, np.inf, value)
        if self.has_nan:
            value = np.where(self.is_nan(field), np.nan, value)
        return np.where(codes & self.sign_mask, -value, value)

    def _nearest(self, values, overflow):
        """Round to nearest, ties to even, once; whatever rounds beyond the largest number, infinities too, saturates
        (the saturating conversion of OCP OFP8) or overflows. Signs are kept, also of zeros and NaN."""
        if values.size < _MANY or self.man_bits > _ODD_BITS - 2:
            return self._rounded(values, overflow)
        bits = values.view(np.int64)
        odd = bits >> _BELOW | (bits & ((1 << _BELOW) - 1) != 0)
        return _odd_codes(self, overflow)[odd & ((1 << _ODD_BITS + 12) - 1)]

    def _rounded(self, values, overflow):
        size = np.abs(values)
        # Of a normal number float64's bits, rounded; the exponent's biases differ.
        normal = round_shift(size.view(np.int64), 52 - self.man_bits) - ((1023 - self.bias) << self.man_bits)
        # Of a smaller one the bits that are added to a power of two whose last place is that of subnormals.
        power = np.ldexp(1.0, 53 - self.bias - self.man_bits)
        with np.errstate(invalid="ignore"):  # signalling NaN
            small = (size + power).view(np.int64) - power.view(np.int64)
        field = np.where(size < np.ldexp(1.0, 1 - self.bias), small, normal)
        field = np.where(field > self.max_finite, self.overflow_field(overflow), field)
        if self.nan is not None:
            field = np.where(np.isnan(values), self.nan, field)
        return field | np.where(np.signbit(values), self.sign_mask, 0)

    def corners(self) -> np.ndarray:
        """The codes of a format where arithmetic goes wrong first, ascending and each once.

        Of either sign: zero, the ends of the subnormals, the ends of the normals, 1 and the powers of two about it, the
        ends of the binades about 1, the smallest and largest exponents, Inf, NaN with the usual and the largest
        payload; and, with the exponents of subnormals and of NaN, each bit of the mantissa alone.
        """
        one, binade = self.bias << self.man_bits, self.min_normal
        powers = range(one - 2 * binade, one + 3 * binade, binade)
        starts = [0, binade, *powers, (one + binade) // 2, self.max_finite + 1]
        fields = [field for start in starts for field in range(start - 2, start + 3)]
        fields += [one | binade >> 1, self.max_finite & ~self.man_mask, self.field_mask]
        fields += [exponent << self.man_bits | 1 << bit for exponent in (0, self.exp_mask)
                   for bit in range(self.man_bits)]
        if self.nan is not None:
            fields.append(self.nan)
        codes = {field | sign for field in fields if 0 <= field <= self.field_mask for sign in (0, self.sign_mask)}
        return np.array(sorted(codes), code_dtype(self.width))

    def sample(self, kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        low, high = {"random": (0, self.max_finite), "nothing": (0, 0), "subnormals": (0, self.min_normal - 1),
                     "smallest": (self.min_normal, self.min_normal + self.man_mask),
                     "largest": (self.max_finite, self.max_finite)}[kind]
        return self._drawn(kind, low, high, shape, rng)

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "kind": "float", "width": self.width, "exp_bits": self.exp_bits,
                "man_bits": self.man_bits, "bias": self.bias, "specials": self.specials.value}


def round_shift(integers: np.ndarray, shift: np.ndarray | int) -> np.ndarray:
    """``integers / 2**shift``, rounded to nearest, ties to even; ``shift`` at least 1, integers below 2**62."""
    odd = (integers >> shift) & 1
    return (integers + (np.left_shift(1, shift - 1) - 1 + odd)) >> shift


#: Numbers to be rounded, from so many on, are first rounded to so many bits of mantissa, cut with a 1 for what is not 0
#: below: with two bits more than a format has they are rounded as before (S. Boldo and G. Melquiond, "Emulation of FMA
#: and correctly rounded sums: proved algorithms using rounding to odd", 2008), and are few enough for a table.
_MANY, _ODD_BITS = 1 << 12, 8
_BELOW = 52 - _ODD_BITS


@lru_cache(maxsize=16)
def _odd_codes(fmt, overflow):
    """Codes of all float64 with so short a mantissa, by their upper bits."""
    every = (np.arange(1 << _ODD_BITS + 12) << _BELOW).view(np.float64)
    return fmt._rounded(every, overflow).astype(code_dtype(fmt.width))


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


def float_format(name: str) -> FloatFormat:
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
