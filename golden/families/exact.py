"""Exact products of floats, rounded once to nearest even; wide ones as they are, or rounded or cut to fewer bits."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..floats import OVERFLOW, SUBNORMALS, FloatMultiplier, factors
from ..formats import IntFormat
from ..formats.floats import FloatFormat, round_shift
from ..refusal import Refusal
from ..spec import Policy, WideFormat

ROUNDED = Policy("rounded", {}, number="r")
CUT = Policy("cut", {}, number="t")


@dataclass(frozen=True)
class Exact(FloatMultiplier):
    """The exact product. ``subnormals`` also says whether narrow results below the smallest normal number are rounded
    to subnormals or flushed.

    Parameters
    ----------
    a, b, subnormals, overflow
        As for every `FloatMultiplier`.
    rounded, cut : int or None
        Bits of significand, the hidden one included, to which wide products are rounded to nearest even, or cut
        towards zero: at least 2, and fewer than they have. Their exponent is unbounded, and a one always leads them.

    Raises
    ------
    Refusal
        If the combination means nothing; the sentence names the value.
    """

    subnormals: str = "exact"
    rounded: int | None = None
    cut: int | None = None

    kind = "exact"
    summary = ("round to nearest even, keeps subnormals (_flush: takes them as zero; _r4, _t4: wide products rounded "
               "or cut to 4 bits)")
    policies = (SUBNORMALS, OVERFLOW, ROUNDED, CUT)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rounded is not None and self.cut is not None:
            raise Refusal(f"A wide product must be rounded or cut, not both: 'r{self.rounded}' or 't{self.cut}' must "
                          "be left out")
        for name in ("rounded", "cut"):
            bits = getattr(self, name)
            if bits is not None and not 2 <= bits < self.work_bits:
                raise Refusal(f"Bits to which wide products are {name} must be 2 to {self.work_bits - 1} for "
                              f"{self.formats}, not {bits}")

    @property
    def kept(self) -> int | None:
        """Bits of significand to which wide products are rounded or cut, or None."""
        return self.cut if self.rounded is None else self.rounded

    @property
    def form(self) -> str | None:
        return "significands" if self.kept is None else None

    @property
    def title(self) -> str:
        return "exact" if self.kept is None else f"{'rounded' if self.cut is None else 'cut'} exact"

    @property
    def detail(self) -> str:
        return "" if self.kept is None else f"{self.kept} bits"

    @property
    def multiplication(self) -> tuple[int, int]:
        return self.a.man_bits + 1, self.b.man_bits + 1

    @property
    def work_bits(self) -> int:
        return self.a.man_bits + self.b.man_bits + 2

    @property
    def wide_only(self) -> str | None:
        if self.kept is None:
            return None
        word = (ROUNDED if self.cut is None else CUT).write(self.kept)
        return (f"Products rounded or cut to {self.kept} bits are wide ones, so {word!r} must be left out of a narrow "
                "one")

    @property
    def rival(self) -> Exact | None:
        """Of a rounded product the one that is not; of this none."""
        return None if self.kept is None else Exact(self.a, self.b, self.subnormals, self.overflow)

    @property
    def products_key(self) -> Hashable:
        return self.form, self.a, self.b, self.subnormals, self.rounded, self.cut

    @cached_property
    def wide(self) -> WideFormat:
        a, b = self.a, self.b
        specials = {"has_inf": a.has_inf or b.has_inf, "has_nan": a.has_nan or b.has_nan}
        if self.kept is None:
            return WideFormat(self.work_bits, a.man_bits + b.man_bits, a.exp_bits + 1, a.bias + b.bias,
                              False, False, **specials)
        # Normalised subnormals have exponents down to 1 - man_bits: the sum's exponent is then two's complement.
        exp, bits = IntFormat.holding(*self.exp_range), self.kept - 1
        return WideFormat(bits, bits, exp.width, a.bias + b.bias, exp.signed, True, **specials)

    @cached_property
    def exp_range(self) -> tuple[int, int]:
        a, b = self.a, self.b
        highest = (a.max_finite >> a.man_bits) + (b.max_finite >> b.man_bits)
        if self.kept is None:
            return 2, highest
        lowest = 2 if self.subnormals == "flush" else 2 - a.man_bits - b.man_bits
        return lowest, highest + int(self._shortened(self._largest_product)[1])

    @cached_property
    def largest(self) -> int:
        product = self._largest_product
        return int(product if self.kept is None else self._shortened(product)[0])

    @property
    def _largest_product(self):
        sizes = ((1 << fmt.man_bits) | (fmt.max_finite & fmt.man_mask) for fmt in (self.a, self.b))
        return next(sizes) * next(sizes)

    @property
    def leading(self) -> int:
        if self.kept is not None:
            return 0
        return 1 if self.subnormals == "flush" else self.wide.sig_bits - 1

    def factors(self, fmt: FloatFormat, field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Significands and exponents of one operand's fields."""
        return factors(fmt, field, self.subnormals)

    def wide_parts(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.kept is None:
            (sig_x, exp_x), (sig_y, exp_y) = self.factors(self.a, x), self.factors(self.b, y)
            return exp_x + exp_y, sig_x * sig_y
        (sig_x, exp_x), (sig_y, exp_y) = self._normalised(self.a, x), self._normalised(self.b, y)
        sig, carry = self._shortened(sig_x * sig_y)
        return self.wide.wrapped(exp_x + exp_y + carry), sig & ((1 << self.wide.sig_bits) - 1)

    def _normalised(self, fmt, field):
        """Significands with a hidden bit, and their exponents. Nothing reads what comes of a zero that is normalised:
        1, with as many places as its count of zeros can have."""
        sig, exp = factors(fmt, field, self.subnormals, normalise=True)
        if self.subnormals == "exact":
            none = field == 0
            sig = np.where(none, 1 << fmt.man_bits, sig)
            exp = np.where(none, 1 - (1 << (fmt.man_bits - 1).bit_length()), exp)
        return sig, exp

    def _shortened(self, product):
        """Products of normalised significands, rounded or cut to the bits that are kept, and what that adds to the
        exponent: 1 from 2 on, 2 where 4 is reached."""
        above = product >> (self.work_bits - 1)
        assert self.kept is not None
        left, shift = product << (1 - above), self.work_bits - self.kept
        sig = left >> shift if self.rounded is None else round_shift(left, shift)
        carry = sig >> self.kept
        return sig >> carry, above + carry

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
