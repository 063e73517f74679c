"""Formats of few numbers: signs alone, several to a code, and signs with zero."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..refusal import Refusal
from .base import SMALLEST_SCALE, Format
from .fitting import least_squares

MAX_SIGNS = 16


@dataclass(frozen=True)
class Signs(Format):
    """``width`` numbers that are 1 or -1, one bit each: 0 for 1, 1 for -1, the first number lowest.

    ``0b0110`` is 1, -1, -1, 1."""

    name: str
    width: int

    integer = signs = True

    @property
    def per_code(self) -> int:
        return self.width

    def _values(self, codes):
        places = np.arange(self.width)
        values = 1.0 - 2.0 * ((codes.astype(np.int64)[..., None] >> places) & 1)
        return values if self.per_code > 1 else values.reshape(codes.shape)

    def _nearest(self, values, overflow):
        if self.per_code == 1:
            values = values[..., None]
        if values.shape[-1:] != (self.width,):
            raise Refusal(f"Values for {self} must come {self.width} to a code, not in shape {values.shape}")
        return ((values < 0).astype(np.int64) << np.arange(self.width)).sum(axis=-1)

    def scale_for(self, values: np.ndarray) -> float:
        """The mean magnitude, of which the least squares are (XNOR-Net, arXiv 1603.05279, section 3.1)."""
        sizes = np.sort(np.abs(values), axis=None).astype(np.float64)
        return max(float(np.mean(sizes / sizes[-1]) * sizes[-1]), SMALLEST_SCALE)

    @property
    def max_finite(self) -> int:
        return 0


@dataclass(frozen=True)
class Ternary(Format):
    """-1, 0 or 1 in two bits: the lower says whether the number is not 0, the upper is its sign; 0b10 is one more 0."""

    name: str = "ternary"
    width: int = 2

    integer = True
    low, high = -1, 1

    def _values(self, codes):
        codes = codes.astype(np.int64)
        return ((codes & 1) * (1 - (codes & 2))).astype(np.float64)

    def scale_for(self, values: np.ndarray) -> float:
        return least_squares(self, values)


def read(name: str) -> Format | None:
    """The format called ``ternary`` or ``sign{n}``, or None."""
    if name == "ternary":
        return Ternary()
    match = re.fullmatch(r"sign([1-9]\d?)", name)
    if not match:
        return None
    if int(match[1]) > MAX_SIGNS:
        raise Refusal(f"Signs in a code must be 1 to {MAX_SIGNS}, not {match[1]}")
    return Signs(name, int(match[1]))


