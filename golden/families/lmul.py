"""L-Mul: the product is the integer addition of the fields and a constant (arXiv 2410.00907); Mitchell's without."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..floats import OVERFLOW, SUBNORMALS, FloatMultiplier, factors
from ..formats import FloatFormat
from ..offsets import best_offset
from ..refusal import Refusal
from ..spec import Policy, WideFormat
from .exact import Exact

OFFSET = Policy("offset", {"paper": "paper", "none": "none", "best": "best"}, number="off")


@dataclass(frozen=True)
class FieldSum(FloatMultiplier):
    """Products by one integer addition of the fields. Narrow products below the smallest normal number are zero."""

    form = "fields"

    @cached_property
    def offset_value(self) -> int:
        """The constant that the addition adds, in units of the last place of ``a``'s mantissa."""
        return 0

    def constants(self) -> dict[str, str | int]:
        return {"offset": self.offset, "offset_value": self.offset_value}

    @property
    def rival(self) -> Exact:
        return Exact(self.a, self.b, self.subnormals, self.overflow)

    @cached_property
    def wide(self) -> WideFormat:
        a, b = self.a, self.b
        # Normalised subnormals have exponents down to 1 - man_bits: the sum's exponent is then two's complement.
        signed = self.subnormals == "exact"
        largest = a.max_finite + (b.max_finite << self.align) + self.offset_value
        smallest = ((2 - a.man_bits - b.man_bits) << a.man_bits) + self.offset_value
        below = (~(smallest >> a.man_bits)).bit_length() if signed else 0
        exp_bits = max(largest.bit_length() - a.man_bits, below) + signed
        return WideFormat(a.man_bits, a.man_bits, exp_bits, a.bias + b.bias, signed, True,
                          has_inf=a.has_inf or b.has_inf, has_nan=a.has_nan or b.has_nan)

    @cached_property
    def exp_range(self) -> tuple[int, int]:
        a, b = self.a, self.b
        lowest, highest = (x + (y << self.align) + self.offset_value
                           for x, y in ((a.min_normal, b.min_normal), (a.max_finite, b.max_finite)))
        if self.subnormals == "exact":  # the smallest subnormal, normalised, is man_bits exponents lower
            lowest -= (a.man_bits + b.man_bits) << a.man_bits
        return lowest >> a.man_bits, highest >> a.man_bits

    @cached_property
    def largest(self) -> int:
        a, b = self.a, self.b
        field = a.max_finite + (b.max_finite << self.align) + self.offset_value
        return (1 << a.man_bits) | (field & a.man_mask)

    def factors(self, fmt: FloatFormat, field: np.ndarray) -> tuple[np.ndarray, int]:
        """What the fields of one operand add, and no exponents."""
        return addends(fmt, field, self.subnormals) << (self.a.man_bits - fmt.man_bits), 0

    def narrow_fields(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        field = self._sum(x, y) - (self.b.bias << self.a.man_bits)
        return field, field < self.a.min_normal

    def wide_parts(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        total = self._sum(x, y)
        return self.wide.wrapped(total >> self.a.man_bits), total & self.a.man_mask

    def _sum(self, x, y):
        y = addends(self.b, y, self.subnormals) << self.align
        return addends(self.a, x, self.subnormals) + y + self.offset_value


@dataclass(frozen=True)
class LMul(FieldSum):
    """L-Mul.

    Parameters
    ----------
    a, b, subnormals, overflow
        As for every `FloatMultiplier`.
    offset : str or int
        ``paper``, ``none``, ``best`` (the integer that minimises the mean squared relative error), or an integer in
        units of the last place of ``a``'s mantissa.

    Raises
    ------
    Refusal
        If the combination means nothing; the sentence names the value.
    """

    offset: str | int = "paper"

    kind = "lmul"
    title = "L-Mul"
    summary = "integer addition of the fields, the paper's offset (_best, _none, _off3: others; _sub: keeps subnormals)"
    policies = (SUBNORMALS, OVERFLOW, OFFSET)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.offset, str) and self.offset not in ("paper", "none", "best"):
            raise Refusal(f"Offset must be 'paper', 'none', 'best' or an integer, not {self.offset!r}")
        if abs(self.offset_value) >= 1 << self.a.man_bits:
            raise Refusal(f"Offset must be within +-{(1 << self.a.man_bits) - 1} for {self.a}, not {self.offset!r}")

    @cached_property
    def offset_value(self) -> int:
        """The constant that the addition adds, in units of the last place of ``a``'s mantissa."""
        if self.offset == "paper":
            return 1 << (self.a.man_bits - self.a.l_m)
        if self.offset == "none":
            return 0
        if self.offset == "best":
            return best_offset(self.a.man_bits, self.b.man_bits)
        return int(self.offset)


@dataclass(frozen=True)
class Mitchell(FieldSum):
    """Mitchell's multiplier (1962): L-Mul without offset."""

    kind = "mitchell"
    title = "Mitchell"
    summary = "the same addition without an offset"


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
