"""L-Mul: the product is the integer addition of the fields and a constant (arXiv 2410.00907); Mitchell's without."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..floats import OVERFLOW, SUBNORMALS, FloatMultiplier, factors
from ..formats import FloatFormat
from ..offsets import best_offset
from ..refusal import Refusal
from ..spec import Policy, WideFormat
from .exact import Exact

OFFSET = Policy("offset", {"paper": "paper", "none": "none", "best": "best"}, number="off", halves=True)

_HALVED_MAN_BITS = 10  # up to which the best offset of wide products may be half a place; beyond, a half is nothing


@dataclass(frozen=True)
class FieldSum(FloatMultiplier):
    """Products by one integer addition of the fields. Narrow products below the smallest normal number are zero."""

    form = "fields"

    @cached_property
    def offset_value(self) -> int:
        """The constant that the addition adds, in units of the last place of ``a``'s mantissa."""
        return 0

    @property
    def offset_halves(self) -> int:
        """The constant of wide products, in halves of the last place of ``a``'s mantissa. An odd one costs the addition
        nothing: of 3, a 1 is added, and below the sum stands another."""
        return 2 * self.offset_value

    @property
    def half(self) -> int:
        """Places that wide products have below ``a``'s mantissa: 1, always 1, under an odd number of halves, else 0."""
        return self.offset_halves & 1

    @property
    def wide_offset(self) -> int:
        """The constant of wide products, in units of their own last place."""
        return self.offset_halves >> (1 - self.half)

    def constants(self) -> dict[str, str | int | float]:
        halves = self.offset_halves
        return {"offset": self.offset, "offset_value": halves / 2 if self.half else self.offset_value}

    @property
    def rival(self) -> Exact:
        return Exact(self.a, self.b, self.subnormals, self.overflow)

    @property
    def rivals(self) -> tuple[Exact, ...]:
        """The exact one; and in sums the exact ones that hand on as many bits as this one adds."""
        bits = self.a.man_bits + 1
        exact = self.rival
        return exact, replace(exact, rounded=bits), replace(exact, cut=bits)

    @property
    def products_key(self) -> Hashable:
        return self.form, self.a, self.b, self.subnormals, self.wide_offset, self.half

    @cached_property
    def wide(self) -> WideFormat:
        a, b = self.a, self.b
        # Normalised subnormals have exponents down to 1 - man_bits: the sum's exponent is then two's complement.
        signed = self.subnormals == "exact"
        added = self.offset_halves >> 1
        largest = a.max_finite + (b.max_finite << self.align) + added
        smallest = ((2 - a.man_bits - b.man_bits) << a.man_bits) + added
        below = (~(smallest >> a.man_bits)).bit_length() if signed else 0
        exp_bits = max(largest.bit_length() - a.man_bits, below) + signed
        return WideFormat(a.man_bits + self.half, a.man_bits + self.half, exp_bits, a.bias + b.bias, signed, True,
                          has_inf=a.has_inf or b.has_inf, has_nan=a.has_nan or b.has_nan)

    @cached_property
    def exp_range(self) -> tuple[int, int]:
        a, b = self.a, self.b
        lowest, highest = (x + (y << self.align) + (self.offset_halves >> 1)
                           for x, y in ((a.min_normal, b.min_normal), (a.max_finite, b.max_finite)))
        if self.subnormals == "exact":  # the smallest subnormal, normalised, is man_bits exponents lower
            lowest -= (a.man_bits + b.man_bits) << a.man_bits
        return lowest >> a.man_bits, highest >> a.man_bits

    @cached_property
    def largest(self) -> int:
        a, b = self.a, self.b
        field = ((a.max_finite + (b.max_finite << self.align)) << self.half) + self.wide_offset
        one = 1 << self.wide.frac_bits
        return one | (field & (one - 1))

    def factors(self, fmt: FloatFormat, field: np.ndarray) -> tuple[np.ndarray, int]:
        """What the fields of one operand add, in units of the wide product's last place, and no exponents."""
        return addends(fmt, field, self.subnormals) << (self.wide.frac_bits - fmt.man_bits), 0

    def narrow_fields(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        field = self._sum(x, y) + self.offset_value - (self.b.bias << self.a.man_bits)
        return field, field < self.a.min_normal

    def wide_parts(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        total = (self._sum(x, y) << self.half) + self.wide_offset
        return self.wide.wrapped(total >> self.wide.frac_bits), total & ((1 << self.wide.frac_bits) - 1)

    def _sum(self, x, y):
        return addends(self.a, x, self.subnormals) + (addends(self.b, y, self.subnormals) << self.align)


@dataclass(frozen=True)
class LMul(FieldSum):
    """L-Mul.

    Parameters
    ----------
    a, b, subnormals, overflow
        As for every `FloatMultiplier`.
    offset : str, int or float
        ``paper``, ``none``, ``best`` (which minimises the mean squared relative error: the integer, and for wide
        products of mantissas of up to 10 bits the number of halves), or a number in units of the last place of ``a``'s
        mantissa: an integer, or half of an odd one, which only wide products have.

    Raises
    ------
    Refusal
        If the combination means nothing; the sentence names the value.
    """

    offset: str | int | float = "paper"

    kind = "lmul"
    title = "L-Mul"
    summary = ("integer addition of the fields, the paper's offset (_best, _none, _off3, _offh3 in halves: others; "
               "_sub: keeps subnormals)")
    policies = (SUBNORMALS, OVERFLOW, OFFSET)

    def __post_init__(self) -> None:
        super().__post_init__()
        known = self.offset in ("paper", "none", "best") if isinstance(self.offset, str) else _in_halves(self.offset)
        if not known:
            raise Refusal("Offset must be 'paper', 'none', 'best', an integer or half of an odd one, not "
                          f"{self.offset!r}")
        if not isinstance(self.offset, str) and abs(self.offset) >= 1 << self.a.man_bits:
            reach = (1 << self.a.man_bits) - (0.5 if isinstance(self.offset, float) else 1)
            raise Refusal(f"Offset must be within +-{reach} for {self.a}, not {self.offset!r}")

    @cached_property
    def offset_value(self) -> int:
        """The constant that the addition adds for a narrow product, in units of the last place of ``a``'s mantissa."""
        if self.offset == "paper":
            return 1 << (self.a.man_bits - self.a.l_m)
        if self.offset == "best":
            return best_offset(self.a.man_bits, self.b.man_bits)
        return 0 if isinstance(self.offset, str) else int(self.offset // 1)

    @cached_property
    def offset_halves(self) -> int:
        a, b = self.a, self.b
        if self.offset == "best" and a.man_bits <= _HALVED_MAN_BITS:
            return best_offset(a.man_bits, b.man_bits, guard_bits=1)
        return 2 * self.offset_value if isinstance(self.offset, str) else int(2 * self.offset)

    @property
    def wide_only(self) -> str | None:
        if isinstance(self.offset, float):
            return (f"An offset of half a place must go with a wide product, whose significand has it below: "
                    f"a narrow one takes {self.offset_value} or {self.offset_value + 1}, not {self.offset}")
        return None


@dataclass(frozen=True)
class Mitchell(FieldSum):
    """Mitchell's multiplier (1962): L-Mul without offset."""

    kind = "mitchell"
    title = "Mitchell"
    summary = "the same addition without an offset"


def _in_halves(offset):
    """Whether an offset is an integer, or a float that is half of an odd one: no number has two spellings."""
    return (2 * offset) % 2 == 1 if isinstance(offset, float) else isinstance(offset, int)


def addends(fmt: FloatFormat, field: np.ndarray, subnormals: str) -> np.ndarray:
    """The integers that L-Mul adds: fields, those of ``exact`` subnormals normalised, their exponent below 1."""
    if subnormals == "flush":
        return field
    small = field < fmt.min_normal
    sig, exp = factors(fmt, field[small], subnormals, normalise=True)
    field = field.copy()
    # The hidden bit adds one to the exponent.
    field[small] = ((exp - 1) << fmt.man_bits) + sig
    return field


MEMBERS = (LMul, Mitchell)
