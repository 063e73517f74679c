"""Integers times -1, 0 or 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...golden.families.ternary import TernaryWeight
    from ..words import Word


def product(spec: TernaryWeight, is_wide: bool, a: Word, b: Word) -> Word:
    """``a``, ``-a`` or 0, as wide as port ``p``."""
    number = a.extend(spec.wide.width, signed=spec.a.signed)
    signed = b[1].choose(number.value(0) - number, number)
    return b[0].choose(signed, number.value(0))
