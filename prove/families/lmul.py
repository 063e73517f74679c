"""L-Mul and Mitchell: arXiv 2410.00907, equation 1, as one addition of the fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..specification import Operand, narrow, wide
from ..words import concat

if TYPE_CHECKING:
    from ...golden.families.lmul import FieldSum
    from ..words import Word


def product(spec: FieldSum, is_wide: bool, a: Word, b: Word) -> Word:
    """The product that an L-Mul or Mitchell multiplier must give, as wide as port ``p``."""
    x, y = Operand(spec.a, a, spec.subnormals), Operand(spec.b, b, spec.subnormals)
    width, man_bits = spec.a.field_bits + 6, spec.a.man_bits
    total = _addend(spec, x, width) + (_addend(spec, y, width) << spec.align)
    if is_wide:
        # In halves of a last place, of which a wide product keeps the last if the offset is an odd number of them.
        halves = concat(total.value(0, 1), total) + spec.offset_halves
        end = man_bits + 1
        return wide(spec, x, y, halves[end - spec.wide.sig_bits : end], halves[end : end + spec.wide.exp_bits])
    return narrow(spec, x, y, total + spec.offset_value - (spec.b.bias << man_bits), flushed=True)


def _addend(spec, operand, width):
    """The integer that L-Mul adds: the field, or that of the normalised value, whose exponent is below 1."""
    field = operand.field.extend(width)
    if spec.subnormals == "exact":
        plain = operand.field.extend(width)
        for places, here in operand.normalised():
            # A hidden bit counts as one exponent, so that `places` of them are taken off.
            moved = (plain << places) - (places << operand.fmt.man_bits)
            field = here.choose(moved, field)
    return field
