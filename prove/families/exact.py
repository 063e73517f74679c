"""Exact products of floats: IEEE 754, one rounding to nearest even."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import theorems
from ..specification import Operand, narrow, wide
from ..words import concat

if TYPE_CHECKING:
    from ...golden.floats import FloatMultiplier
    from ...hdl.designs import Design
    from ..obligation import Obligation
    from ..words import Word


def product(spec: FloatMultiplier, is_wide: bool, a: Word, b: Word,
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
    exact = multiply(x.significand.extend(bits), y.significand.extend(bits))
    if is_wide:
        return wide(spec, x, y, exact, x.exponent.extend(exp_bits) + y.exponent.extend(exp_bits))
    return narrow(spec, x, y, _rounded(spec, x, y, exact), flushed=spec.subnormals == "flush")


#: Products of significands are in the specification, to be cut where a solver does not see through them.
multiplies = True


def further(design: Design) -> list[Obligation]:
    """What more is claimed of an exact multiplier: of IEEE's own formats, that the solver's theory says the same."""
    return [theorems.by_theory(design)] if not design.wide and theorems.ieee_applies(design.multiplier) else []


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
