"""Conversion of floats to logarithms: every number that lies between two codes goes to the nearer."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from ...golden.formats import FloatFormat, LogFormat
from ..specification import Operand
from ..words import concat

if TYPE_CHECKING:
    from ...golden.families.conversion import Conversion
    from ..words import Word


def product(spec: Conversion, is_wide: bool, a: Word) -> Word:
    """The log code nearest to a float, as wide as port ``p``: of normal floats the exponent in steps of the logarithm,
    and a step for each halfway point that the mantissa has passed."""
    source, target = spec.a, spec.narrow
    assert isinstance(source, FloatFormat) and isinstance(target, LogFormat)  # codes of logarithms are few: exhausted
    operand, width = Operand(source, a, "exact"), source.exp_bits + target.field_bits + 2
    one, steps = source.bias << source.man_bits, 1 << target.man_bits
    unity = target.bias << target.man_bits  # codes of 1
    found, man = operand.exp.value(0, width), operand.man.extend(source.man_bits + 1)
    for step in range(1, steps + 1):
        passed = ~man.below(_first(source, target, unity + step) - one)
        found = passed.choose(found.value(step), found)
    found = found + (operand.exp.extend(width) << target.man_bits) + (unity - (source.bias << target.man_bits))
    small = found.value(0)
    for code in range(1, target.max_finite + 1):
        first = _first(source, target, code)
        if code == 1:
            some = ~operand.field.below(first)
        if first >= source.min_normal:
            break
        small = operand.field.below(first).choose(small, small.value(code))
    found = operand.exp.equals(0).choose(small, found)
    found = found.below(1, signed=True).choose(found.value(1), found)
    over = operand.inf | operand.nan | found.value(target.max_finite).below(found, signed=True)
    found = some.choose(over.choose(found.value(target.max_finite), found), found.value(0))
    return concat(found[: target.field_bits], operand.sign)


def _first(source: FloatFormat, target: LogFormat, code: int) -> int:
    """The least field of a float nearer to a log code than to the one below, which is found by halving."""
    low, high = 0, source.max_finite + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_above(_number(source, middle), target, code) else (middle, high)
    return high


def _number(fmt, field):
    """The number of a float's field."""
    exp, man = field >> fmt.man_bits, field & fmt.man_mask
    whole = man + (1 << fmt.man_bits if exp else 0)
    return Fraction(whole) * Fraction(2) ** (max(exp, 1) - fmt.bias - fmt.man_bits)


def _is_above(number, target, code):
    """Whether twice a number is more than a log code and the one below, which is zero for the first, together."""
    place, bias = code - 1, target.bias
    low, high = _sizes(target.man_bits, place % (1 << target.man_bits))
    if code == 1:  # twice half of the number above place 0
        low, high = _sizes(target.man_bits, 1)
    else:
        above = _sizes(target.man_bits, place % (1 << target.man_bits) + 1)
        low, high = low + above[0], high + above[1]
    size = 2 * number / Fraction(2) ** ((place >> target.man_bits) - bias) * (1 << _DIGITS)
    assert not low <= size <= high
    return size > high


_DIGITS = 96


@lru_cache(maxsize=1024)
def _sizes(places: int, step: int) -> tuple[int, int]:
    """``2**(step / 2**places)`` in units of ``2**-_DIGITS``: an integer below and one above."""
    low, high = 1 << _DIGITS, (2 << _DIGITS) + 1
    while high - low > 1:
        middle = (low + high) // 2
        below = middle ** (1 << places) <= 1 << ((_DIGITS << places) + step)
        low, high = (middle, high) if below else (low, middle)
    return low, low + 1
