"""Products of logarithms: the sum of the fields. It is exact; only a number with a significand, the antilog, is not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ..formats import IntFormat, LogFormat, code_dtype
from ..formats.logs import power
from ..refusal import Refusal
from ..signed_fields import FieldMultiplier
from ..spec import Policy, WideFormat

OFFSET = Policy("offset", {"best": "best", "none": "none"}, number="off")
TABLE = Policy("table", {}, number="t")
MAX_TABLE_BITS = 12


@dataclass(frozen=True)
class Log(FieldMultiplier):
    """The product of two signed logarithms.

    The narrow product is the sum of the fields less a bias, exact in its own format: below the smallest number it is
    zero, above the largest it saturates. The sign is the XOR of the signs, also of zeros.

    The wide product is a number with a significand, for sums: with the sum of the fields an integer part and a fraction
    ``f``, the antilog ``2**f`` is taken as ``1 + f``, after a constant is added to the sum (``offset``); or from a
    table, to the nearest of ``table`` bits.

    Parameters
    ----------
    a, b : LogFormat
        ``a`` is the wider one of a mixed pair and the format of the narrow product.
    offset : str or int
        ``best`` (the integer that minimises the mean squared relative error of the antilog over all fractions),
        ``none``, or an integer in units of the last place of ``a``'s fraction.
    table : int
        Bits of a significand from the table, the hidden one included; 0 for the linear antilog.

    Raises
    ------
    Refusal
        If the combination means nothing; the sentence names the value.
    """

    a: LogFormat
    b: LogFormat
    offset: str | int = "best"
    table: int = 0

    kind = "log"
    summary = "sum of logarithms (l3f4); wide: antilog 1 + f and a constant (_none, _off3: others; _t6: by table)"
    policies = (OFFSET, TABLE)
    wide_policies = ("offset", "table")

    def __post_init__(self) -> None:
        if not (self.a.logarithmic and self.b.logarithmic):
            raise Refusal(f"Operand formats of {self.kind} must be logarithms, as l3f4, not {self.a} and {self.b}")
        self._check_widths()
        if isinstance(self.offset, str) and self.offset not in ("best", "none"):
            raise Refusal(f"Offset must be 'best', 'none' or an integer, not {self.offset!r}")
        if abs(self.offset_value) > self.a.man_mask:
            raise Refusal(f"Offset must be within +-{self.a.man_mask} for {self.a}, not {self.offset!r}")
        # With fewer bits the largest entry would be rounded to 2.
        if self.table and not max(self.a.man_bits, 2) <= self.table <= MAX_TABLE_BITS:
            raise Refusal(f"Table must be of {max(self.a.man_bits, 2)} to {MAX_TABLE_BITS} bits for {self.a}, "
                          f"not {self.table}")
        if self.table and self.offset != "best":
            raise Refusal(f"Offset must be left out where the antilog is by table, not {self.offset!r}")

    @property
    def title(self) -> str:
        if self.table:
            return f"log codes, antilog by a table of {self.table} bits"
        return "log codes, linear antilog"

    @property
    def form(self) -> str | None:
        return None if self.table else "fields"

    @cached_property
    def offset_value(self) -> int:
        """The constant that the addition adds for the linear antilog, in last places of ``a``'s fraction."""
        if isinstance(self.offset, int):
            return self.offset
        return best_offset(self.a.man_bits) if self.offset == "best" and not self.table else 0

    @property
    def wide_offset(self) -> int:
        """The constant of wide products, in units of their own last place."""
        return self.offset_value

    def constants(self) -> dict[str, Any]:
        if self.table:
            return {"antilog": "table", "significands": significands(self.a.man_bits, self.table).tolist()}
        return {"antilog": "linear", "offset_value": self.offset_value}

    @property
    def narrow(self) -> LogFormat:
        return self.a

    @cached_property
    def wide(self) -> WideFormat:
        bits = self.table - 1 if self.table else self.a.man_bits
        exp, bias = IntFormat.holding(*self.exp_range), self.a.bias + self.b.bias
        return WideFormat(bits, bits, exp.width, bias, exp.signed, True, has_inf=False, has_nan=False)

    @cached_property
    def exp_range(self) -> tuple[int, int]:
        lowest = self.offset_value + 1 + (1 << self.align)
        return lowest >> self.a.man_bits, self._highest >> self.a.man_bits

    @cached_property
    def largest(self) -> int:
        return (1 << self.wide.frac_bits) | self._significand(np.array(self._highest)).item()

    @property
    def _highest(self):
        return self.a.max_finite + (self.b.max_finite << self.align) + self.offset_value

    def factors(self, fmt: LogFormat, field: np.ndarray) -> tuple[np.ndarray, int]:
        """What the fields of one operand add, and no exponents."""
        return field << (self.a.man_bits - fmt.man_bits), 0

    def narrow_products(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        sign, total, zero = self._sum(a, b)
        field = total - (self.b.bias << self.a.man_bits)
        field = np.where(zero, 0, np.clip(field, 0, self.a.max_finite))
        return (field | sign.astype(np.int64) << self.a.field_bits).astype(code_dtype(self.a.width))

    def wide_products(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        sign, total, zero = self._sum(a, b)
        total = total + self.offset_value
        exp = self.wide.wrapped(total >> self.a.man_bits)
        never = np.zeros(zero.shape, bool)
        return sign, exp, self._significand(total), zero, never, never

    def true_products(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The nearest float64: what a narrow product in range stands for."""
        sign, total, zero = self._sum(np.asarray(a), np.asarray(b))
        size = np.where(zero, 0.0, self.a.size(total - ((self.a.bias + self.b.bias) << self.a.man_bits)))
        return np.where(sign, -size, size)

    def _sum(self, a, b):
        """Signs of the products, sums of the fields, and which products are zero."""
        x, y = a.astype(np.int64) & self.a.field_mask, b.astype(np.int64) & self.b.field_mask
        sign = ((a >> self.a.field_bits) ^ (b >> self.b.field_bits)).astype(np.uint8)
        return sign, x + (y << self.align), (x == 0) | (y == 0)

    def _significand(self, total):
        """The antilog of the fraction of a sum, without its hidden one."""
        fraction = total & self.a.man_mask
        if not self.table:
            return fraction
        return significands(self.a.man_bits, self.table)[fraction] - (1 << (self.table - 1))


@lru_cache(maxsize=64)
def significands(man_bits: int, bits: int) -> np.ndarray:
    """``2**f`` for each fraction of ``man_bits`` bits, to the nearest integer in units that give 1 so many bits."""
    return np.array([(power(place, man_bits, bits) + 1) >> 1 for place in range(1 << man_bits)])


@lru_cache(maxsize=64)
def best_offset(man_bits: int) -> int:
    """The integer offset, in last places, with the least mean squared relative error of ``1 + f`` for ``2**f``, over
    all fractions; of -1 the fraction 0 becomes the largest one, an exponent lower. Never above 0: already with 0 no
    antilog is too small."""
    one = 1 << man_bits
    fraction = np.arange(one)
    exact = 2.0 ** (fraction / one)
    errors = []
    for offset in range(0, -one, -1):
        total = fraction + offset
        found = np.ldexp(1 + (total & (one - 1)) / one, total >> man_bits)
        errors.append(np.mean((found / exact - 1) ** 2))
    return -int(np.argmin(errors))


MEMBERS = (Log,)
