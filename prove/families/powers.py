"""Integers times sums of signed powers of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...golden.families.powers import PowerWeight
    from ..words import Word


def product(spec: PowerWeight, is_wide: bool, a: Word, b: Word) -> Word:
    """The sum over the powers of ``a`` times each, case by case of its field, as wide as port ``p``."""
    number = a.extend(spec.wide.width, signed=spec.a.signed)
    total, size = number.value(0), 1 + spec.b.exp_bits
    for place in range(spec.b.count):
        field, sign = b[place * size : place * size + spec.b.exp_bits], b[place * size + spec.b.exp_bits]
        power = number.value(0)
        for exponent in range(spec.b.largest_shift + 1):
            power = field.equals(exponent + 1).choose(number << exponent, power)
        total = sign.choose(total - power, total + power)
    return total
