"""What the products are."""

from dataclasses import dataclass

import numpy as np
from lmul.golden.families.exact import Exact
from lmul.golden.floats import OVERFLOW, SUBNORMALS, FloatMultiplier
from lmul.golden.refusal import Refusal
from lmul.golden.spec import Policy


@dataclass(frozen=True)
class Cut(FloatMultiplier):
    """The exact product of the operands without the last ``drop`` bits of their mantissas."""

    drop: int = 1

    kind = "cut"
    title = "cut"
    summary = "exact product of operands whose last mantissa bit is cut off (_drop2: two)"
    policies = (SUBNORMALS, OVERFLOW, Policy("drop", {}, number="drop"))

    def __post_init__(self):
        super().__post_init__()
        if not 1 <= self.drop <= self.b.man_bits:
            raise Refusal(f"Dropped bits must be 1 to {self.b.man_bits} for {self.b}, not {self.drop}")

    @property
    def rival(self):
        return Exact(self.a, self.b, self.subnormals, self.overflow)

    @property
    def wide(self):
        return self.rival.wide

    @property
    def exp_range(self):
        return self.rival.exp_range

    @property
    def largest(self):
        """No more than of exact products."""
        return self.rival.largest

    def narrow_products(self, a, b):
        return self.rival.narrow_products(self._cut(self.a, a), self._cut(self.b, b))

    def wide_products(self, a, b):
        return self.rival.wide_products(self._cut(self.a, a), self._cut(self.b, b))

    def _cut(self, fmt, codes):
        whole = ~np.isfinite(fmt.decode(codes))
        return np.where(whole, codes, codes >> self.drop << self.drop).astype(codes.dtype)


MEMBERS = (Cut,)
