"""What families of integer products share: the product of a pair is an integer, and never rounded."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .formats import IntFormat
from .refusal import Refusal
from .spec import Multiplier


@dataclass(frozen=True)
class IntegerMultiplier(Multiplier):
    """A family of integer products: narrow and wide are the same integer, with room for every product."""

    def __post_init__(self):
        if not (self.a.integer and self.b.integer):
            raise Refusal(f"Operand formats of {self.kind} must be integers, not {self.a} and {self.b}")

    @property
    def range(self):
        """The smallest and the largest product."""
        ends = [x * y for x in (self.a.low, self.a.high) for y in (self.b.low, self.b.high)]
        return min(ends), max(ends)

    @cached_property
    def wide(self):
        low, high = self.range
        signed = low < 0
        width = max(high.bit_length(), (~low).bit_length() if signed else 0) + signed
        return IntFormat(f"{'' if signed else 'u'}int{width}", width, signed)

    @property
    def narrow(self):
        return self.wide

    @property
    def neutral(self):
        return 0, 0

    def integers(self, a, b):
        """The products of codes, int64: here of the two numbers."""
        return self.a.decode(a).astype(np.int64) * self.b.decode(b).astype(np.int64)

    def narrow_products(self, a, b):
        return self.wide.codes(self.integers(a, b))

    def wide_products(self, a, b):
        return [self.narrow_products(a, b)]
