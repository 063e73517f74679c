"""Integers: two's complement, or unsigned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..refusal import Refusal
from .base import Format, _signs, code_dtype
from .fitting import least_squares

MAX_OPERAND_BITS = 16
UNCLIPPED_BITS = 8


@dataclass(frozen=True)
class IntFormat(Format):
    """An integer of ``width`` bits, in two's complement or unsigned."""

    name: str
    width: int
    signed: bool = True

    integer = binary = True

    @classmethod
    def holding(cls, low: int, high: int) -> IntFormat:
        """The narrowest that has every integer from ``low`` to ``high``; signed where there are negative ones."""
        signed = low < 0
        width = max(high, ~low).bit_length() + signed  # -8 takes as many bits as 7: ~-8 is 7
        return cls(f"{'' if signed else 'u'}int{width}", width, signed)

    @property
    def low(self) -> int:
        """The smallest number."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """The largest number."""
        return (1 << (self.width - self.signed)) - 1

    @property
    def max_finite(self) -> int:
        """Code of the largest number."""
        return self.high

    @property
    def magnitude(self) -> float:
        return float(self.high or 1)  # one signed bit has 0 and -1

    def _values(self, codes):
        return self.numbers(codes).astype(np.float64)

    def numbers(self, codes: np.ndarray) -> np.ndarray:
        """Codes as int64."""
        codes = codes.astype(np.int64)
        return codes - ((codes >> (self.width - 1)) << self.width) if self.signed else codes

    def codes(self, numbers: np.ndarray) -> np.ndarray:
        """Integers as codes, modulo ``2**width``."""
        mask = (1 << self.width) - 1
        return (np.asarray(numbers).astype(np.int64).view(np.uint64) & np.uint64(mask)).astype(code_dtype(self.width))

    def scale_for(self, values: np.ndarray) -> float:
        """From `UNCLIPPED_BITS` on the largest magnitude is the largest number; of fewer bits the least squares, which
        clip what is far from the rest."""
        return super().scale_for(values) if self.width >= UNCLIPPED_BITS else least_squares(self, values)

    def _nearest(self, values, overflow):
        return self.codes(np.clip(np.rint(values), self.low, self.high))

    def corners(self) -> np.ndarray:
        """The powers of two, one less, and both negated."""
        sizes = [(1 << bit) - step for bit in range(self.width) for step in (0, 1)]
        codes = {sign * size % (1 << self.width) for size in sizes for sign in (1, -1)}
        return np.array(sorted(codes), code_dtype(self.width))

    def sample(self, kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        if kind == "largest":
            numbers = np.array([self.low, self.high])[_signs(shape, rng)]
        else:
            low, high = {"random": (self.low, self.high), "nothing": (0, 0)}.get(kind, (-1, 1))
            numbers = rng.integers(max(low, self.low), min(high, self.high), shape, endpoint=True)
        return self.codes(np.broadcast_to(numbers, shape))

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "kind": "integer", "width": self.width, "signed": self.signed}


INT8 = IntFormat("int8", 8)


def read(name: str) -> IntFormat | None:
    """The operand format called ``int{n}`` or ``uint{n}``, or None.

    Raises
    ------
    Refusal
        If it has no bits, or too many.
    """
    match = re.fullmatch(r"(u?)int(\d{1,3})", name)
    if not match:
        return None
    width = int(match[2])
    if width > MAX_OPERAND_BITS or match[2].startswith("0"):
        raise Refusal(f"Integer operands must have 1 to {MAX_OPERAND_BITS} bits, not {match[2]}")
    return IntFormat(name, width, not match[1])
