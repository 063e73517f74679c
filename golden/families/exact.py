"""Exact products of floats, rounded once to nearest even."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..floats import FloatMultiplier, factors
from ..formats.floats import FloatFormat, round_shift
from ..spec import WideFormat


@dataclass(frozen=True)
class Exact(FloatMultiplier):
    """The exact product. ``subnormals`` also says whether narrow results below the smallest normal number are rounded
    to subnormals or flushed."""

    subnormals: str = "exact"

    kind = "exact"
    title = "exact"
    summary = "round to nearest even, keeps subnormals (_flush: takes them as zero)"
    form = "significands"

    @property
    def multiplication(self) -> tuple[int, int]:
        return self.a.man_bits + 1, self.b.man_bits + 1

    @cached_property
    def wide(self) -> WideFormat:
        a, b = self.a, self.b
        return WideFormat(a.man_bits + b.man_bits + 2, a.man_bits + b.man_bits, a.exp_bits + 1, a.bias + b.bias,
                          False, False, has_inf=a.has_inf or b.has_inf, has_nan=a.has_nan or b.has_nan)

    @cached_property
    def exp_range(self) -> tuple[int, int]:
        a, b = self.a, self.b
        return 2, (a.max_finite >> a.man_bits) + (b.max_finite >> b.man_bits)

    @cached_property
    def largest(self) -> int:
        sizes = ((1 << fmt.man_bits) | (fmt.max_finite & fmt.man_mask) for fmt in (self.a, self.b))
        return next(sizes) * next(sizes)

    @property
    def leading(self) -> int:
        return 1 if self.subnormals == "flush" else self.wide.sig_bits - 1

    def factors(self, fmt: FloatFormat, field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Significands and exponents of one operand's fields."""
        return factors(fmt, field, self.subnormals)

    def wide_parts(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        (sig_x, exp_x), (sig_y, exp_y) = self.factors(self.a, x), self.factors(self.b, y)
        return exp_x + exp_y, sig_x * sig_y

    def narrow_fields(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sig_x, exp_x = factors(self.a, x, self.subnormals, normalise=True)
        sig_y, exp_y = factors(self.b, y, self.subnormals, normalise=True)
        sig, exp = sig_x * sig_y, exp_x + exp_y - self.b.bias
        below_two = 1 - (sig >> (self.wide.sig_bits - 1))
        sig, exp, shift = sig << below_two, exp + 1 - below_two, self.b.man_bits + 1
        field = ((exp - 1) << self.a.man_bits) + round_shift(sig, shift)
        if self.subnormals == "flush":  # below the smallest normal number the exponent goes on
            return field, field < self.a.min_normal
        small = exp < 1
        all_bits = self.wide.sig_bits + 1  # shifted by so many, nothing is left
        field[small] = round_shift(sig[small], np.minimum(shift + 1 - exp[small], all_bits))
        return field, np.zeros(field.shape, bool)


MEMBERS = (Exact,)
