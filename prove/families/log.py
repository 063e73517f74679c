"""Products of logarithms: the sum of the fields, and its antilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..words import concat

if TYPE_CHECKING:
    from ...golden.families.log import Log
    from ..words import Word


def product(spec: Log, is_wide: bool, a: Word, b: Word) -> Word:
    """The product of two logarithms, as wide as port ``p``."""
    x, y = (code[: fmt.field_bits] for fmt, code in ((spec.a, a), (spec.b, b)))
    sign = a[spec.a.field_bits] ^ b[spec.b.field_bits]
    zero = x.equals(0) | y.equals(0)
    width, man_bits = spec.a.field_bits + 3, spec.a.man_bits
    total = x.extend(width) + (y.extend(width) << (man_bits - spec.b.man_bits))
    if is_wide:
        total = total + spec.offset_value
        sig = _by_cases(total[:man_bits], spec.table) if spec.table else total[:man_bits]
        return concat(sig, total[man_bits : man_bits + spec.wide.exp_bits], sign, zero)
    field = total - (spec.b.bias << man_bits)
    largest = spec.a.field_mask
    field = field.value(largest).below(field, signed=True).choose(field.value(largest), field)
    field = (zero | field.below(0, signed=True)).choose(field.value(0), field)
    return concat(field[: spec.a.field_bits], sign)


def _by_cases(fraction, bits):
    """``2**f`` to the nearest of ``bits`` bits, without the first of these: a case for each fraction."""
    steps, found = 1 << fraction.width, fraction.value(0, bits - 1)
    for place in range(steps):
        power = 1 << (place + bits * steps)  # (2**bits * 2**f)**steps, f being place / steps
        [nearest] = [size for size in range(1 << (bits - 1), 1 << bits)
                     if (2 * size - 1) ** steps < power < (2 * size + 1) ** steps]
        found = fraction.equals(place).choose(found.value(nearest - (1 << (bits - 1))), found)
    return found
