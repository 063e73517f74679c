"""What families of floating-point products share: policies, operands taken apart, special values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .formats import FloatFormat, Specials, code_dtype
from .refusal import Refusal
from .signed_fields import FieldMultiplier
from .spec import Policy, WideFormat

SUBNORMALS = Policy("subnormals", {"sub": "exact", "flush": "flush"})
OVERFLOW = Policy("overflow", {"saturate": "saturate", "ieee": "ieee"})


@dataclass(frozen=True)
class FloatMultiplier(FieldMultiplier):
    """A family of products of floats.

    Parameters
    ----------
    a, b : FloatFormat
        ``a`` is the wider one of a mixed pair and the format of the narrow product.
    subnormals : str
        ``flush`` takes subnormal operands as zero; ``exact`` keeps them.
    overflow : str
        ``saturate`` to the largest finite code, or ``ieee``: Inf, or NaN where the format has no Inf.

    Raises
    ------
    Refusal
        If the combination means nothing; the sentence names the value.
    """

    a: FloatFormat
    b: FloatFormat
    subnormals: str = "flush"
    overflow: str = "saturate"

    policies = (SUBNORMALS, OVERFLOW)
    # Of the form ``fields``: what is added to the sum, and the same of wide products, in units of their own last place.
    offset_value: ClassVar[int]
    wide_offset: ClassVar[int]

    def __post_init__(self) -> None:
        if not (self.a.floating and self.b.floating):
            raise Refusal(f"Operand formats of {self.kind} must be floats, not {self.a} and {self.b}")
        if self.subnormals not in ("flush", "exact"):
            raise Refusal(f"Subnormals must be 'flush' or 'exact', not {self.subnormals!r}")
        if self.overflow not in ("saturate", "ieee"):
            raise Refusal(f"Overflow must be 'saturate' or 'ieee', not {self.overflow!r}")
        self._check_widths()
        if (self.b.has_inf and not self.a.has_inf) or (self.b.has_nan and not self.a.has_nan):
            raise Refusal(f"The first operand must have the specials of the second, not {self.a} by {self.b}")
        if self.overflow == "ieee" and self.a.specials is Specials.FINITE:
            raise Refusal(f"Overflow must be 'saturate' for {self.a}, which has neither Inf nor NaN, not 'ieee'")

    @property
    def narrow(self) -> FloatFormat:
        return self.a

    @property
    def wide(self) -> WideFormat:
        raise NotImplementedError

    @property
    def work_bits(self) -> int:
        """Bits of the largest significand that is computed on the way to a product."""
        return self.wide.sig_bits

    def narrow_products(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        fmt = self.a
        sign, x, y = self._work(a, b)
        zero, inf, nan = self._flags(x, y)
        field, flushed = self.narrow_fields(x, y)
        zero |= flushed
        field[field > fmt.max_finite] = fmt.overflow_field(self.overflow)
        field[zero] = 0
        if fmt.has_inf:
            field[inf] = fmt.inf
        if fmt.has_nan:
            field[nan] = fmt.nan
        dtype = code_dtype(fmt.width)
        return field.astype(dtype) | (sign.astype(dtype) << fmt.field_bits)

    def wide_products(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        sign, x, y = self._work(a, b)
        exp, sig = self.wide_parts(x, y)
        return sign, exp, sig, *self._flags(x, y)

    def factors(self, fmt: FloatFormat, field: np.ndarray) -> tuple[np.ndarray, np.ndarray | int]:
        """What the fields of one operand, of format ``fmt``, give to a term, and their exponents: for a ``form``."""
        raise NotImplementedError

    def narrow_fields(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fields of the narrow products of fields, unbounded above, and which of them are flushed to zero."""
        raise NotImplementedError

    def wide_parts(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Exponents and significands of the wide products of fields."""
        raise NotImplementedError

    def _work(self, a, b):
        """Sign of the product, and the operands' fields as integers in which no step overflows."""
        bits = max(self.a.field_bits + 2, self.work_bits + 2)
        dtype = np.int32 if bits < 32 else np.int64
        sign = ((a >> self.a.field_bits) ^ (b >> self.b.field_bits)).astype(np.uint8)
        return sign, a.astype(dtype) & self.a.field_mask, b.astype(dtype) & self.b.field_mask

    def _flags(self, x, y):
        """Flags of the product: zero, inf, nan."""
        zero_x, inf_x, nan_x = flags(self.a, x, self.subnormals)
        zero_y, inf_y, nan_y = flags(self.b, y, self.subnormals)
        return zero_x | zero_y, inf_x | inf_y, nan_x | nan_y | (inf_x & zero_y) | (inf_y & zero_x)


def flags(fmt: FloatFormat, field: np.ndarray, subnormals: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which fields count as zero, and are Inf, and NaN."""
    zero = field < fmt.min_normal if subnormals == "flush" else field == 0
    inf = field == fmt.inf if fmt.has_inf else np.zeros(field.shape, bool)
    return zero, inf, fmt.is_nan(field)


def factors(fmt: FloatFormat, field: np.ndarray, subnormals: str,
            normalise: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Significands, hidden bit included, and exponents of fields. An ``exact`` subnormal has exponent 1 and no hidden
    bit, or is shifted until it has one; ``flush`` takes all fields as if of normal numbers."""
    exp = field >> fmt.man_bits
    if subnormals == "exact":
        exp = np.maximum(exp, 1)
    sig = field - ((exp - 1) << fmt.man_bits)
    if normalise and subnormals == "exact":
        small = sig < fmt.min_normal
        if small.any():
            shift = _leading_zeros(sig[small], fmt.man_bits + 1)
            sig[small] <<= shift
            exp[small] -= shift
    return sig, exp


def _leading_zeros(integers, width):
    """Zeros above the highest one of integers seen as ``width`` bits; of 0 none."""
    zeros = np.zeros_like(integers)
    for step in (16, 8, 4, 2, 1):
        if step < width:
            zeros += step * ((integers << zeros) >> (width - step) == 0)
    return zeros * (integers > 0)
