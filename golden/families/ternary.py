"""Integers times ternary weights: add, subtract or leave (MatMul-free language models, arXiv 2406.02528)."""

from __future__ import annotations

from dataclasses import dataclass

from ..formats import Format, IntFormat, Ternary
from ..integers import IntegerMultiplier
from .integer import Integer


@dataclass(frozen=True)
class TernaryWeight(IntegerMultiplier):
    """The product of an integer and a weight that is -1, 0 or 1."""

    a: IntFormat
    b: Ternary

    kind = "ternary"
    summary = "integer times -1, 0 or 1: int8xternary"
    spelled = False

    @classmethod
    def takes(cls, a: Format, b: Format) -> bool:
        return a.binary and b == Ternary()

    @property
    def title(self) -> str:
        return f"{self.a} x ternary"

    @property
    def rival(self) -> Integer:
        """The multiplier of integers with weights of as many bits."""
        return Integer(self.a, IntFormat("int2", 2))


MEMBERS = (TernaryWeight,)
