"""What families share whose operands are a sign above a field: floats, and logarithms."""

from __future__ import annotations

from dataclasses import dataclass

from .formats import SignedFields
from .refusal import Refusal
from .spec import Multiplier


@dataclass(frozen=True)
class FieldMultiplier(Multiplier):
    """A family of products of such operands; ``a`` is the wider one of a mixed pair."""

    a: SignedFields
    b: SignedFields

    def _check_widths(self):
        if self.a.exp_bits < self.b.exp_bits or self.a.man_bits < self.b.man_bits:
            raise Refusal(f"The first operand of a mixed pair must be the wider, not {self.a} by {self.b}")

    @property
    def neutral(self) -> tuple[int, int]:
        """-0 and +0."""
        return self.a.sign_mask, 0

    @property
    def align(self) -> int:
        """Left shift that aligns ``b``'s mantissa, or fraction, to ``a``'s."""
        return self.a.man_bits - self.b.man_bits
