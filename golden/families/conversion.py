"""Conversion of codes, floats to logarithms and back: what an accelerator of log codes pays once per activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ..formats import FloatFormat, Format, LogFormat, SignedFields, format_named
from ..refusal import Refusal
from ..spec import Multiplier, Policy

TARGET = Policy("to", {}, formats=True)


@dataclass(frozen=True)
class One(SignedFields):
    """The one number 1, of no bits: what a conversion multiplies by."""

    name: str = "one"
    width: int = 0  # pyright: ignore[reportIncompatibleMethodOverride]
    exp_bits: int = 0
    man_bits: int = 0

    bias = min_normal = max_finite = neutral = 0  # pyright: ignore[reportAssignmentType]

    def _values(self, codes):
        return np.ones(codes.shape)

    def _nearest(self, values, overflow):
        return np.zeros(values.shape, np.uint8)


ONE = One()


@dataclass(frozen=True)
class Conversion(Multiplier):
    """The code of the format ``to`` that is nearest in value to a code of ``a``: a float to a logarithm, or back.

    A halfway case, which a logarithm that is a power of two can be among the subnormal floats, goes to even. What is
    beyond the largest number, Inf too, becomes the largest; NaN, which no logarithm has, as well. What is nearest to
    zero becomes zero. The sign is kept.

    Parameters
    ----------
    a : FloatFormat or LogFormat
    b : One
    to : str
        Name of the result's format.

    Raises
    ------
    Refusal
        If not one of the formats is a logarithm and the other a float, or there is a second operand.
    """

    a: FloatFormat | LogFormat
    b: One = ONE
    to: str = ""

    kind = "conv"
    title = "conversion"
    summary = "float to log code, or back, to the nearest: conv_e4m3_l3f4, conv_l3f4_e4m3, ..."
    spelled = False
    policies = (TARGET,)
    absorbing = False

    def __post_init__(self) -> None:
        if not self.to:
            raise Refusal(f"The format to convert {self.a} to must be given, as in conv_{self.a}_l3f4")
        if not ((self.a.floating and self.narrow.logarithmic) or (self.a.logarithmic and self.narrow.floating)):
            raise Refusal(f"A conversion must be of a float to a logarithm, as e4m3 to l3f4, or back, not of {self.a} "
                          f"to {self.to}")
        if self.b != ONE:
            raise Refusal(f"A conversion of {self.a} must have no second operand, not {self.b}")

    @classmethod
    def partner(cls, a: Format) -> Format:
        return ONE

    @property
    def formats(self) -> str:
        return f"{self.a} to {self.to}"

    @property
    def name(self) -> str:
        return f"{self.a}_{self.to}"

    @property
    def ranges(self) -> tuple[Format, Format]:
        """Activations fit both formats."""
        return min((self.a, self.narrow), key=lambda fmt: fmt.magnitude), self.b

    @property
    def label(self) -> str:
        return self.kind

    @property
    def neutral(self) -> None:
        return None

    @property
    def narrow(self) -> FloatFormat | LogFormat:
        return cast("FloatFormat | LogFormat", format_named(self.to))

    @property
    def wide(self) -> Any:
        """Codes have no further form."""
        return self.narrow

    def narrow_products(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        values = self.a.decode(a)
        largest = np.where(a >> self.a.field_bits, -self.narrow.magnitude, self.narrow.magnitude)
        return self.narrow.encode(np.where(np.isnan(values), largest, values))


MEMBERS = (Conversion,)


def read(name: str) -> Format | None:
    """The format of a conversion's second operand, or None."""
    return ONE if name == ONE.name else None


FORMATS = (read,)
