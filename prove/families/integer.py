"""Products of integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...golden.families.integer import Integer
    from ...golden.formats import IntFormat
    from ..logic import Logic
    from ..words import Word


def product(spec: Integer, is_wide: bool, a: Word, b: Word) -> Word:
    """The product of two integers, as wide as port ``p``."""
    x, y = (code.extend(spec.wide.width, signed=fmt.signed) for fmt, code in ((spec.a, a), (spec.b, b)))
    return x * y


def written_out(spec: Integer, logic: Logic, a: Sequence[int], b: Sequence[int]) -> Iterator[tuple[int, int]]:
    """A product of sums of powers of two, each with its bit, by the distributive law."""
    for x, weight in _powers(spec.a, a):
        for y, other in _powers(spec.b, b):
            yield logic.and_(x, y), weight * other


def _powers(fmt: IntFormat, bits: Sequence[int]) -> list[tuple[int, int]]:
    """Bits of an integer with their weights: that of a sign is negative."""
    return [(bit, fmt.low if fmt.signed and place == fmt.width - 1 else 1 << place) for place, bit in enumerate(bits)]
