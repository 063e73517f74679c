"""Narrow products by one addition of the fields, with no more around it than is asked for: what others have built."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .formats import FloatFormat
from .refusal import Refusal


@dataclass(frozen=True)
class Bare:
    """The sum of two fields less the bias, and what is made of it at the ends of the range and of special operands.

    With everything asked for these are the products of ``mul_lmul_*`` or ``mul_exact_*_flush``; with nothing the sum
    wraps: of e4m3, 0x40 by 0x40 (2 by 2) is ``0x40 + 0x40 - 0x38 + 1`` = 0x49, 4.5, and 0x08 by 0x08 wraps to 0x59.

    Parameters
    ----------
    fmt : FloatFormat
        Of both operands.
    rounded : bool
        Add what makes the sum the product rounded to nearest even (arXiv 2406.18441) in place of L-Mul's constant.
    spare : int
        Bits of the product's exponent above the format's, below its sign.
    zero : str or None
        Whose products are 0: ``fields``, operands that are zero; ``exponents``, subnormal operands as well.
    floor, ceiling : int or None
        Sums below the one are 0, sums above the other are the other; None: they wrap.
    specials : bool
        Inf and NaN operands give what IEEE 754 says, as far as the format has them.

    Raises
    ------
    Refusal
        If ``zero`` is none of these.
    """

    fmt: FloatFormat
    rounded: bool = False
    spare: int = 0
    zero: str | None = None
    floor: int | None = None
    ceiling: int | None = None
    specials: bool = False

    def __post_init__(self) -> None:
        if self.zero not in (None, "fields", "exponents"):
            raise Refusal(f"Operands that count as zero must be 'fields', 'exponents' or None, not {self.zero!r}")

    @property
    def offset(self) -> int:
        """L-Mul's constant, in units of the last place."""
        return 1 << (self.fmt.man_bits - self.fmt.l_m)

    @property
    def field_bits(self) -> int:
        """Of the product below its sign."""
        return self.fmt.field_bits + self.spare

    @property
    def product_bits(self) -> int:
        return self.field_bits + 1

    def multiply(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Products of codes, as integers of ``product_bits`` bits; int64, of the shape to which both broadcast."""
        fmt = self.fmt
        a, b = np.asarray(a, np.int64), np.asarray(b, np.int64)
        x, y = a & fmt.field_mask, b & fmt.field_mask
        total = x + y - (fmt.bias << fmt.man_bits) + (self.carry(x, y) if self.rounded else self.offset)
        field = total & ((1 << self.field_bits) - 1)
        if self.ceiling is not None:
            field = np.where(total > self.ceiling, self.ceiling, field)
        small = fmt.min_normal if self.zero == "exponents" else 1
        dead = (x < small) | (y < small) if self.zero else np.zeros(total.shape, bool)
        field = np.where(dead if self.floor is None else dead | (total < self.floor), 0, field)
        inf, nan = fmt.inf, fmt.nan
        if self.specials and nan is not None:
            if inf is not None:
                infinite = (x == inf) | (y == inf)
                field = np.where(infinite, np.where(dead, nan, inf), field)
            field = np.where(fmt.is_nan(x) | fmt.is_nan(y), nan, field)
        return field | (((a ^ b) >> fmt.field_bits) << self.field_bits)

    def carry(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """What the product of two significands, rounded to nearest even, is above the sum of their mantissas, in last
        places. Of 1.010 and 1.010, 25 / 16, the sum is 1.100 and so is the nearest."""
        bits, one = self.fmt.man_bits, self.fmt.min_normal
        man_x, man_y = x & (one - 1), y & (one - 1)
        exact = (one + man_x) * (one + man_y)
        last = bits + (exact >= 2 * one * one)  # places of the product below its last kept one
        kept, rest = exact >> last, exact & ((1 << last) - 1)
        half = 1 << (last - 1)
        kept = kept + ((rest > half) | ((rest == half) & (kept & 1 == 1)))
        return np.where(last > bits, kept, kept - one) - man_x - man_y


def steps(fmt: FloatFormat, rounded: bool = False) -> dict[str, Bare]:
    """From the sum alone to what ``mul_lmul_*`` computes (``mul_exact_*_flush``, if ``rounded``), a special at a time:
    by what each has more than the one before."""
    found, now = {}, Bare(fmt, rounded)
    for words, more in (("the sum of the fields, wrapping", {}),
                        ("zero operands give zero", {"zero": "fields"}),
                        ("above the largest number, the largest", {"ceiling": fmt.max_finite}),
                        ("below the smallest normal number, zero", {"floor": fmt.min_normal}),
                        ("subnormal operands count as zero", {"zero": "exponents"}),
                        ("Inf and NaN" if fmt.has_inf else "NaN", {"specials": True})):
        now = replace(now, **more)
        found[words] = now
    return found
