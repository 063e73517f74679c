"""Integers times sums of signed powers of two: shifts and additions (QFX)."""

from __future__ import annotations

from dataclasses import dataclass

from ..formats import Format, IntFormat, Powers
from ..integers import IntegerMultiplier
from .integer import Integer


@dataclass(frozen=True)
class PowerWeight(IntegerMultiplier):
    """The product of an integer and a sum of signed powers of two, exact."""

    a: IntFormat
    b: Powers

    kind = "powers"
    summary = "integer times a sum of signed powers of two: int8xpot3, int8xpot3k2"
    spelled = False

    @classmethod
    def takes(cls, a: Format, b: Format) -> bool:
        return a.binary and b.powers > 0

    @property
    def title(self) -> str:
        return f"{self.a} x {self.b.count} powers of two"

    @property
    def rival(self) -> Integer:
        """The multiplier of integers that has room for every weight."""
        return Integer(self.a, IntFormat(f"int{self.b.high.bit_length() + 1}", self.b.high.bit_length() + 1))


MEMBERS = (PowerWeight,)
