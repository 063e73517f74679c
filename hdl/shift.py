"""Shifters in logarithmic stages, and rounding: what floating-point datapaths are made of.

Each function adds its logic to a module and gives values of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

if TYPE_CHECKING:
    from ..golden.formats import FloatFormat

#: Gives a value, under a name, as it is a cycle later.
Cut = Callable[[str, Value], Value]


def _stages(most):
    """(stage, distance) of a shifter by up to ``most`` places, longest first."""
    return [(stage, 1 << stage) for stage in reversed(range(most.bit_length()))]


def shift_right(m: Module, value: Value, amount: Value, some: Value, longest: bool = False) -> tuple[Value, Value]:
    """``value >> amount``, and whether a one was shifted out; ``some`` says whether there is one. The shortest shift
    comes first, which moves less, or the ``longest``, which finds what is shifted out sooner."""
    stages = _stages(min(len(value), (1 << len(amount)) - 1))
    far = amount[len(stages) :].any()
    lost = far & some
    value = value & (~far).replicate(len(value))
    for stage, distance in stages if longest else reversed(stages):
        shifted = Signal(len(value), name=f"right_{distance}")
        some_lost = Signal(name=f"lost_{distance}")
        m.d.comb += [
            shifted.eq(Mux(amount[stage], value[distance:], value)),
            some_lost.eq(lost | (amount[stage] & value[:distance].any())),
        ]
        value, lost = shifted, some_lost
    return value, lost


def shift_left(m: Module, value: Value, amount: Value, lowest: int = 0) -> Value:
    """``value << amount`` without the bits that leave it; of what comes out the bits from ``lowest`` on."""
    for stage in reversed(range(len(amount))):
        first, bits = 0 if stage else lowest, len(value)
        shifted = Signal(bits - first, name=f"left_{1 << stage}")
        m.d.comb += shifted.eq(Mux(amount[stage], value << (1 << stage), value)[first:bits])
        value = shifted
    return value


def normalise(m: Module, value: Value, exp: Value, most: int, gradual: bool = False,
              cuts: Sequence[Cut] = ()) -> tuple[Value, Value]:
    """Shift leading zeros out of ``value``, ``most`` at the most, and take their count off ``exp``.

    With ``gradual`` the shift ends where ``exp``, then not negative, is 0. Of ``cuts`` the last comes after the shift
    and the others in it, with as many stages between them; ``exp`` must then be a constant.
    """
    counts, stages = [], _stages(most)
    ends = [-(-len(stages) * n // len(cuts)) for n in range(1, len(cuts) + 1)]
    for done, (stage, distance) in enumerate(stages, 1):
        zeros = Signal(name=f"zeros_{distance}")
        shifted = Signal(len(value), name=f"left_{distance}")
        m.d.comb += [
            zeros.eq(~value[-distance:].any() & (exp[stage:].any() if gradual else 1)),
            shifted.eq(Mux(zeros, value << distance, value)),
        ]
        value = shifted
        if gradual:
            rest = Signal(len(exp), name=f"exp_{distance}")
            m.d.comb += rest.eq(exp - (zeros << stage))
            exp = rest
        counts.insert(0, zeros)
        for cut in [cut for cut, end in zip(cuts, ends, strict=True) if end == done]:
            value, counts = cut("left", value), list(cut("zeros", Cat(counts)))
            exp = cut("exp", exp) if gradual else exp
    return value, exp if gradual else exp - Cat(counts)


def leading_zeros(m: Module, value: Value, cut: Callable[[Value], Value] = lambda value: value) -> Value:
    """How many zeros a value other than 0 begins with. What is known of blocks of up to 8 bits, half the way, goes
    through ``cut``."""
    bits = (len(value) - 1).bit_length()
    # For each block of bits: whether it has a one, and how many zeros come before that.
    blocks = [(bit, Const(0, 0)) for bit in Cat(Const(0, (1 << bits) - len(value)), value)]
    for stage in range(bits):
        pairs = zip(blocks[::2], blocks[1::2], strict=True)
        blocks = []
        for (some_low, low), (some_high, high) in pairs:
            some, zeros = Signal(name=f"some_{2 << stage}"), Signal(stage + 1, name=f"zeros_{2 << stage}")
            m.d.comb += [some.eq(some_high | some_low), zeros.eq(Cat(Mux(some_high, high, low), ~some_high))]
            blocks.append((some, zeros))
        if stage == min(3, bits) - 1:
            blocks = [(cut(some), cut(zeros)) for some, zeros in blocks]
    return blocks[0][1]


def round_to(m: Module, fmt: FloatFormat, value: Value, exp: Value, most: int, gradual: bool,
             overflow: bool, cuts: Sequence[Cut] = ()) -> tuple[Value, Value]:
    """The field of ``fmt`` nearest to a magnitude, ties to even; and whether the magnitude is 0.

    Parameters
    ----------
    fmt : FloatFormat
        Of IEEE specials.
    value : Value
        The magnitude, any number of leading zeros up to ``most``; the lowest bit may stand for all below it.
    exp : Value
        The biased exponent of the top bit, less 1; not negative.
    gradual, overflow : bool
        Whether results below the smallest normal, other than 0, and above the largest number can occur.
    cuts : sequence of Cut
        As of `normalise`. With them and ``gradual`` the second value is of the magnitude that comes, not of the field.
    """
    some = value.any()
    value, rest_exp = normalise(m, value, exp, most, gradual, cuts)
    kept, guard, rest = value[-fmt.man_bits - 1 :], value[-fmt.man_bits - 2], value[: -fmt.man_bits - 2]
    base = Signal(len(exp), name="base")
    m.d.comb += base.eq(Mux(kept[-1], rest_exp, 0))  # what is left of a zero's exponent means nothing
    # The hidden bit adds one to the exponent, a carry out of the mantissa another.
    up = guard & (rest.any() | kept[0])
    field = Signal(len(exp) + fmt.man_bits + 1, name="field")
    m.d.comb += field.eq(Cat(Const(0, fmt.man_bits), base) + kept + up)
    zero = ~some if gradual else ~kept[-1]
    if not overflow:
        return field[: fmt.field_bits], zero
    assert fmt.inf is not None
    return Mux(field[fmt.man_bits :] >= fmt.exp_mask, fmt.inf, field[: fmt.field_bits]), zero
