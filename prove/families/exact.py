"""Exact products of floats: IEEE 754, one rounding to nearest even; wide ones as they are, or rounded or cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import theorems
from ..specification import Operand, narrow, wide
from ..words import concat

if TYPE_CHECKING:
    from ...golden.families.exact import Exact
    from ...hdl.designs import Design
    from ..obligation import Obligation
    from ..words import Word


def product(spec: Exact, is_wide: bool, a: Word, b: Word,
            multiply: Callable[[Word, Word], Word] = lambda a, b: a * b) -> Word:
    """The product that an exact multiplier must give, as wide as port ``p``.

    Parameters
    ----------
    multiply : callable
        Of two significands, widened to their product's width: `theorems.specified` puts something else in its place
        where a solver does not see through a multiplication.
    """
    x, y = Operand(spec.a, a, spec.subnormals), Operand(spec.b, b, spec.subnormals)
    bits, exp_bits = spec.a.man_bits + spec.b.man_bits + 2, spec.wide.exp_bits
    if is_wide and spec.kept is not None:
        return wide(spec, x, y, *_shortened(spec, x, y, multiply))
    exact = multiply(x.significand.extend(bits), y.significand.extend(bits))
    if is_wide:
        return wide(spec, x, y, exact, x.exponent.extend(exp_bits) + y.exponent.extend(exp_bits))
    return narrow(spec, x, y, _rounded(spec, x, y, exact), flushed=spec.subnormals == "flush")


#: Products of significands are in the specification, to be cut where a solver does not see through them.
multiplies = True


def further(design: Design) -> list[Obligation]:
    """What more is claimed of an exact multiplier: of IEEE's own formats, that the solver's theory says the same."""
    return [theorems.by_theory(design)] if not design.wide and theorems.ieee_applies(design.multiplier) else []


def _shortened(spec, x, y, multiply):
    """Significand without its first one, and exponent, of the exact product rounded or cut to ``spec.kept`` bits.

    With p the exponent of the product's first one, the last place kept weighs 2**(p - kept + 1). A zero is taken for
    the number of which `_stand_in` tells: nothing reads what becomes of its product.
    """
    bits, width = spec.a.man_bits + spec.b.man_bits + 2, spec.wide.exp_bits + 2
    (sig_x, exp_x), (sig_y, exp_y) = (_stand_in(spec, each, width) for each in (x, y))
    first = multiply(sig_x.extend(bits), sig_y.extend(bits))
    exp = exp_x + exp_y + 1  # if the first one is uppermost
    for step in reversed(range((bits - 1).bit_length())):
        places = 1 << step
        clear = first[bits - places:].equals(0)
        first = clear.choose(first << places, first)
        exp = clear.choose(exp - places, exp)
    kept, rest = first[bits - spec.kept:].extend(spec.kept + 1), first[: bits - spec.kept]
    if spec.cut is None:
        half, below = rest[rest.width - 1], rest[: rest.width - 1]
        more = below.any() | kept[0] if below.width else kept[0]
        kept = kept + (half & more).extend(spec.kept + 1)
    power = kept[spec.kept]  # rounded up to the next power of two, of which all bits below are 0
    return kept[: spec.kept - 1], (exp + power.extend(width))[: spec.wide.exp_bits]


def _stand_in(spec, operand, width):
    """Significand and exponent of an operand as its policy has it. A zero, where subnormals are kept, is 1 with the
    exponent that a count of the zeros of its mantissa ends at: of three bits two places are counted by two bits of a
    binary number, whose largest is 3 places."""
    man_bits = operand.fmt.man_bits
    exponent = operand.exponent.extend(width)
    if spec.subnormals == "flush":
        # An exponent of 0 counts as it stands.
        return operand.significand, operand.exp.extend(width)
    one = operand.significand.value(1 << man_bits)
    lowest = exponent.value(1 - (1 << (man_bits - 1).bit_length()))
    return operand.zero.choose(one, operand.significand), operand.zero.choose(lowest, exponent)


def _rounded(spec, x, y, exact):
    """The exact product of the significands rounded to nearest even, as an integer that may lie beyond the format's
    fields.

    With p the exponent of the product's first one, the last place kept weighs 2**(p - man_bits), but no less than the
    smallest subnormal where those are kept.
    """
    man, bits = spec.a.man_bits, exact.width
    width = max(spec.a.exp_bits, bits.bit_length()) + 3
    exp = x.exponent.extend(width) + y.exponent.extend(width) - spec.b.bias + 1  # if the first one is uppermost
    first, zeros = exact, exp.value(0)
    for place in range(bits - 1):
        here = exact[place] & exact[place + 1:].equals(0)  # the first one
        first = here.choose(exact << (bits - 1 - place), first)
        zeros = here.choose(zeros.value(bits - 1 - place), zeros)
    exp = exp - zeros
    small = exp.below(1, signed=True)
    # Room below for all that a shift to the smallest subnormal's place moves down; further, nothing would be left.
    below = man + 2
    room = concat(first.value(0, below), first)
    if spec.subnormals == "exact":
        places = exp.value(1) - exp
        places = exp.value(below).below(places, signed=True).choose(exp.value(below), places)
        gone = small.choose(places, exp.value(0)).extend(room.width)
        shifted = room >> gone
        lost = ~(shifted << gone).equals(room)
        room = concat(shifted[0] | lost, shifted[1:])
        exp = small.choose(exp.value(1), exp)
    kept, rest = room[room.width - man - 1:], room[:room.width - man - 1]
    half = rest[rest.width - 1]
    more = rest[:rest.width - 1].any()
    up = half & (more | kept[0])
    total = width + man
    field = ((exp.extend(total, signed=True) - 1) << man) + kept.extend(total) + up.extend(total)
    return field
