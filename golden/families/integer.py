"""Products of integers of any width, signed or not."""

from __future__ import annotations

from dataclasses import dataclass

from ..formats import Format, IntFormat
from ..integers import IntegerMultiplier
from ..spec import Multiplier


@dataclass(frozen=True)
class Integer(IntegerMultiplier):
    """The product of two integers, exact. Two signed operands of m and n bits give m + n bits."""

    a: IntFormat
    b: IntFormat

    kind = "int"
    summary = "exact product of integers: int8, uint4, int8xint4, ..."
    spelled = False

    @classmethod
    def takes(cls, a: Format, b: Format) -> bool:
        return a.binary and b.binary

    @property
    def title(self) -> str:
        return self.formats.replace("x", " x ")

    @property
    def multiplication(self) -> tuple[int, int]:
        return self.a.width, self.b.width

    @property
    def wide(self) -> IntFormat:
        signed = self.a.signed or self.b.signed
        width = self.a.width + self.b.width
        return IntFormat(f"{'' if signed else 'u'}int{width}", width, signed)


MEMBERS: tuple[type[Multiplier], ...] = (Integer,)
