"""Products of integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...golden.families.integer import Integer
    from ..words import Word


def product(spec: Integer, is_wide: bool, a: Word, b: Word) -> Word:
    """The product of two integers, as wide as port ``p``."""
    x, y = (code.extend(spec.wide.width, signed=fmt.signed) for fmt, code in ((spec.a, a), (spec.b, b)))
    return x * y
