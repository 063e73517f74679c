"""Dot products of signs: XNOR and popcount, several pairs to a code (BiBench, arXiv 2301.11233)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..integers import IntegerMultiplier
from ..refusal import Refusal


@dataclass(frozen=True)
class Xnor(IntegerMultiplier):
    """The sum of the products of ``a.width`` pairs of signs: as many pairs that agree as there are, less those that do
    not. ``0b0110`` and ``0b0011`` agree in two places and differ in two: 0."""

    kind = "xnor"
    title = "XNOR"
    summary = "sum of the products of n signs: xnor_sign8"
    absorbing = False

    def __post_init__(self) -> None:
        if not (self.a.signs and self.a == self.b):
            raise Refusal(f"Operand formats of xnor must be one of signs, as in xnor_sign8, not {self.a} and {self.b}")

    @property
    def range(self) -> tuple[int, int]:
        return -self.per_code, self.per_code

    @property
    def neutral(self) -> tuple[int, int] | None:
        """A pair half of whose signs differ; None where their number is odd, and no sum of products is 0."""
        return None if self.per_code % 2 else (0, (1 << self.per_code // 2) - 1)

    def integers(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return self.per_code - 2 * np.bitwise_count(a ^ b).astype(np.int64)


MEMBERS = (Xnor,)
