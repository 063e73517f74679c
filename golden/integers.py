"""What families of integer products share: the product of a pair is an integer, and never rounded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .formats import IntFormat
from .refusal import Refusal
from .spec import Multiplier


@dataclass(frozen=True)
class IntegerMultiplier(Multiplier):
    """A family of integer products: narrow and wide are the same integer, with room for every product."""

    def __post_init__(self) -> None:
        if not (self.a.integer and self.b.integer):
            raise Refusal(f"Operand formats of {self.kind} must be integers, not {self.a} and {self.b}")

    @property
    def range(self) -> tuple[int, int]:
        """The smallest and the largest product."""
        ends = [x * y for x in (self.a.low, self.a.high) for y in (self.b.low, self.b.high)]
        return min(ends), max(ends)

    @cached_property
    def wide(self) -> IntFormat:
        return IntFormat.holding(*self.range)

    @property
    def narrow(self) -> IntFormat:
        return self.wide

    @property
    def neutral(self) -> tuple[int, int] | None:
        return 0, 0

    def integers(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The products of codes, int64: here of the two numbers."""
        return self.a.decode(a).astype(np.int64) * self.b.decode(b).astype(np.int64)

    def narrow_products(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return self.wide.codes(self.integers(a, b))

    def wide_products(self, a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
        return [self.narrow_products(a, b)]
