"""Sums of a few signed powers of two."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..refusal import Refusal
from .base import Format
from .fitting import least_squares


@dataclass(frozen=True)
class Powers(Format):
    """The sum of ``count`` signed powers of two, each with a field of ``exp_bits`` bits and a sign above the field:
    a field of 0 is no power, a field of f is ``2**(f - 1)``. The first power is lowest.

    With three field bits ``0b1_100_0_001`` is -8 + 1 = -7. Weights of this form, with one to three powers, are those
    of quantised networks whose products are shifts (QFX: Miyashita et al. 2016, Zhou et al. 2017).
    """

    name: str
    exp_bits: int
    count: int

    integer = True

    @property
    def powers(self) -> int:
        return self.count

    @property
    def width(self) -> int:
        return self.count * (1 + self.exp_bits)

    @property
    def largest_shift(self) -> int:
        return (1 << self.exp_bits) - 2

    @property
    def high(self) -> int:
        """The largest number."""
        return self.count << self.largest_shift

    @property
    def low(self) -> int:
        """The smallest number."""
        return -self.high

    def _values(self, codes):
        codes, total = codes.astype(np.int64), np.zeros(codes.shape, np.int64)
        for place in range(self.count):
            part = codes >> (place * (1 + self.exp_bits))
            field, sign = part & ((1 << self.exp_bits) - 1), (part >> self.exp_bits) & 1
            total = total + (1 - 2 * sign) * ((1 << field) >> 1)
        return total.astype(np.float64)

    def scale_for(self, values: np.ndarray) -> float:
        return least_squares(self, values)

    def describe(self) -> dict[str, Any]:
        return super().describe() | {"exp_bits": self.exp_bits, "powers": self.count}


def read(name: str) -> Powers | None:
    """The format called ``pot{E}``, or ``pot{E}k{K}`` for a sum of K powers, or None.

    Raises
    ------
    Refusal
        If it has too many bits.
    """
    match = re.fullmatch(r"pot([1-9])(?:k([2-9]))?", name)
    if not match:
        return None
    fmt = Powers(name, int(match[1]), int(match[2] or 1))
    if fmt.exp_bits > 4 or fmt.width > 16:
        raise Refusal(f"Powers of two must have fields of 1 to 4 bits and at most 16 bits together, not {name!r}")
    return fmt
