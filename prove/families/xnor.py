"""Sums of the products of signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...golden.families.xnor import Xnor
    from ..words import Word


def product(spec: Xnor, is_wide: bool, a: Word, b: Word) -> Word:
    """1 for each pair of signs that agree, -1 for each that do not, as wide as port ``p``."""
    differ = a ^ b
    one = a[0].value(1, spec.wide.width)
    total = one.value(0)
    for place in range(spec.a.width):
        total = differ[place].choose(total - one, total + one)
    return total
