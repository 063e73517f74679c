"""The floating-point adder for addends of few bits, such as products: small, and quiet while it adds."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from ..golden.formats import FloatFormat
from .addend import Addend, Fields
from .operand import named
from .part import Part
from .shift import normalise, shift_right

#: What `Rounded` tells of a sum: whether rounding carries, and where the top bit is.
FOUND = ("carry", "above", "same", "under", "cancels")


@dataclass(frozen=True)
class ShortSum:
    """A sum of a float format and what is added to it, as the parts of its adder see them.

    Parameters
    ----------
    fmt : FloatFormat
        Of the sum: no number of it is subnormal, and none overflows.
    addend : Addend
        Numbers of no more bits than the sum's mantissa.
    offset : int
        What turns an addend's exponent into one biased as ``fmt``'s is, of the top bit.
    first, last : int
        Biased exponents of the smallest step of a sum, and of the largest sum.
    high : int
        Biased exponent of the largest addend.
    has_inf : bool
        Whether sums can be Inf.
    """

    fmt: FloatFormat
    addend: Addend
    offset: int
    first: int
    last: int
    high: int
    has_inf: bool

    @property
    def bits(self) -> int:
        """Of the significand, with two more to round by when a bit cancels."""
        return self.fmt.man_bits + 3

    @property
    def exp_bits(self) -> int:
        """Bits that tell the exponents of sums apart: those of e4m3 in fp32, for one, are fewer than 64."""
        return min((self.last - self.first).bit_length(), self.fmt.exp_bits)

    @property
    def stages(self) -> int:
        """Of a shifter that can shift everything out."""
        return self.bits.bit_length()

    def special(self, exp: Value) -> Value:
        """Whether a sum is Inf or NaN, by as few bits of its exponent as tell these from all other sums."""
        mask = self.fmt.exp_mask
        bits = next(n for n in range(1, len(exp) + 1) if self.last < mask - (mask >> n))
        return exp[-bits:].all()


class Distance(Part):
    """How far accumulator and addend are apart, and which of them is the larger.

    Members
    -------
    man, exp : ``In``
        Of the accumulator; of ``man`` as many bits from the top as the addend has.
    sig, exp_p, zero : ``In``
        Of the addend.
    normal : ``Out``
        The addend's significand, its top bit set, or 0.
    places : ``Out(exp_bits)``
        By how much the accumulator's exponent is above the addend's, modulo a power of two.
    below : ``Out(1)``
        Whether the accumulator is the smaller.
    adjacent : ``Out(1)``
        Whether the exponents are no more than one apart.
    larger : ``Out(exp_bits)``
        The larger exponent, modulo a power of two.
    """

    man: Signal
    exp: Signal
    sig: Signal
    exp_p: Signal
    zero: Signal
    normal: Signal
    places: Signal
    below: Signal
    adjacent: Signal
    larger: Signal

    def __init__(self, case: ShortSum) -> None:
        self.case = case
        layout, bits = case.addend.layout, case.addend.sig_bits
        super().__init__({
            "man": In(bits - 1), "exp": In(case.fmt.exp_bits), "sig": In(bits), "exp_p": In(layout.exp_bits),
            "zero": In(1), "normal": Out(bits), "places": Out(case.exp_bits), "below": Out(1), "adjacent": Out(1),
            "larger": Out(case.exp_bits),
        })

    def elaborate(self, platform: object) -> Module:
        m, case, count = Module(), self.case, self.case.exp_bits
        sig = named(m, "number", self.sig & (~self.zero).replicate(len(self.sig)))
        exp = self.exp_p.as_signed() if case.addend.layout.exp_signed else self.exp_p
        if case.addend.leading:
            sig, exp = normalise(m, sig, exp, case.addend.leading)
        # The offset comes off the exponent that stands in a register, so that the product's has a short way.
        held, met = Signal(count + 1, name="held"), Signal(count + 1, name="met")
        m.d.comb += [held.eq(self.exp - case.offset), met.eq(exp)]
        apart = named(m, "apart", (held - met)[: count + 1])
        # The sign of this difference would do, and change a few times before it settles, and all the sum with it.
        less = _less(m, Cat(self.man, held[:-1], ~held[-1]), Cat(sig[:-1], met[:-1], ~met[-1]))
        m.d.comb += [
            self.normal.eq(sig), self.places.eq(apart), self.below.eq(~self.zero & (less | ~self.exp.any())),
            self.adjacent.eq(~apart[1:].any() | apart.all()),
            self.larger.eq(Mux(self.below, exp + case.offset, self.exp)),
        ]
        return m


def _less(m, x, y):
    """Whether ``x < y``, unsigned, by a tree: of each block of bits, whether it is less and whether it is the same."""
    blocks = [(~a & b, ~(a ^ b)) for a, b in zip(x, y, strict=True)]
    while len(blocks) > 1:
        joined = []
        for (less_low, same_low), (less_high, same_high) in zip(blocks[::2], blocks[1::2], strict=False):
            joined.append((named(m, "less", less_high | (same_high & less_low)),
                           named(m, "same", same_high & same_low)))
        blocks = joined + blocks[len(joined) * 2 :]
    return blocks[0][0]


FINE = 2  # stages of the addend's shifter; what is left of the way is decoded


class Placed(Part):
    """The addend at its place among the accumulator's bits, which takes no more than its few bits and a decoder.

    Members
    -------
    sig, places, below : ``In``
        As `Distance` gives them.
    word : ``Out(bits)``
    lost : ``Out(1)``
        Whether a one is below the word.
    """

    sig: Signal
    places: Signal
    below: Signal
    word: Signal
    lost: Signal

    def __init__(self, case: ShortSum) -> None:
        self.case = case
        super().__init__({"sig": In(case.addend.sig_bits), "places": In(case.exp_bits), "below": In(1),
                          "word": Out(case.bits), "lost": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m, bits, fine = Module(), self.case.bits, FINE
        group = self.sig
        for stage in range(fine):
            none = Const(0, 1 << stage)
            group = named(m, f"fine_{1 << stage}", Mux(self.places[stage], Cat(group, none), Cat(none, group)))
        step, count = 1 << fine, -(-bits // (1 << fine))
        lines = [named(m, f"line_{n}", (self.places[fine:] == n) & ~self.below) for n in range(count)]
        # Top bits first: those of a group at line n are n steps below the top.
        shifted = [group & line.replicate(len(group)) for line in lines]
        placed = []
        for place in range((count - 1) * step + len(group)):
            terms = [word[-1 - (place - n * step)] for n, word in enumerate(shifted)
                     if 0 <= place - n * step < len(group)]
            placed.append(Cat(terms).any())
        top = Cat(Const(0, bits - len(self.sig)), self.sig & self.below.replicate(len(self.sig)))
        beyond = named(m, "beyond", (self.places[fine:] >= count) & ~self.below & self.sig[-1])
        m.d.comb += [self.word.eq(Cat(reversed(placed[:bits])) | top), self.lost.eq(beyond | Cat(placed[bits:]).any())]
        return m


class Shifted(Part):
    """The accumulator's significand, shifted right where the addend is the larger.

    Members
    -------
    sig : ``In(man_bits + 1)``
    places, below : ``In``
        As `Distance` gives them.
    word : ``Out(bits)``
    lost : ``Out(1)``
        Whether a one was shifted out.
    """

    sig: Signal
    places: Signal
    below: Signal
    word: Signal
    lost: Signal

    def __init__(self, case: ShortSum) -> None:
        self.case = case
        super().__init__({"sig": In(case.fmt.man_bits + 1), "places": In(case.exp_bits), "below": In(1),
                          "word": Out(case.bits), "lost": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m, case = Module(), self.case
        amount = named(m, "back", -self.places)[: case.exp_bits]
        beyond = amount[case.stages :].any()
        amount = named(m, "amount", (amount[: case.stages] | beyond.replicate(case.stages))
                       & self.below.replicate(case.stages))
        # Sums are whole multiples of a step: those below the largest addend have so many bits less.
        more = case.high - case.first + 1 - case.bits
        word = Cat(Const(0, 2), self.sig)
        if more > case.bits // 2:
            word, lost = shift_right(m, word, amount, self.sig[-1])
            m.d.comb += [self.word.eq(word), self.lost.eq(lost)]
            return m
        word = Cat(Const(0, max(more, 0)), word)
        for stage in range(case.stages):
            word = named(m, f"right_{1 << stage}", Mux(amount[stage], word[1 << stage :], word))
        m.d.comb += [self.word.eq(word[max(more, 0) :]), self.lost.eq(word[: max(more, 0)].any())]
        return m


class AddOrSubtract(Part):
    """``x + y``, or ``x - y`` by a chain of borrows: bits of ``x`` above those of ``y`` are not inverted and back.

    Members
    -------
    x, y : ``In(bits)``
    subtract, carry : ``In(1)``
        ``carry`` is added, or taken away as well.
    invert : ``In(1)``
        Whether to invert the total.
    total : ``Out(bits + 1)``
        A difference modulo ``2**bits``.
    """

    x: Signal
    y: Signal
    subtract: Signal
    carry: Signal
    invert: Signal
    total: Signal

    def __init__(self, bits: int) -> None:
        super().__init__({"x": In(bits), "y": In(bits), "subtract": In(1), "carry": In(1), "invert": In(1),
                          "total": Out(bits + 1)})

    def elaborate(self, platform: object) -> Module:
        m, carry, total = Module(), self.carry, []
        for n, (x, y) in enumerate(zip(self.x, self.y, strict=True)):
            total.append(x ^ y ^ carry ^ self.invert)
            gives = x ^ self.subtract
            carry = named(m, f"carry_{n}", (gives & y) | (carry & (gives | y)))
        m.d.comb += self.total.eq(Cat(*total, carry & ~self.subtract))
        return m


class Rounded(Part):
    """A sum rounded whose top bit is where it was, one place above or one below; 0 where it is lower.

    Members
    -------
    total : ``In(bits + 1)``
        As `AddOrSubtract` gives it.
    lost : ``In(1)``
        Whether there is more below.
    adjacent : ``In(1)``
        Whether a top bit that is lower than where it was has cancelled, by more.
    special : ``In(1)``
        Whether the sum is no number; all is 0 then.
    man : ``Out(man_bits)``
    carry : ``Out(1)``
        Whether rounding takes the mantissa to 0 and the exponent up.
    above, same, under : ``Out(1)``
        Where the top bit is, rounding aside.
    cancels : ``Out(1)``
        Whether the top bit has cancelled, by more.
    """

    total: Signal
    lost: Signal
    adjacent: Signal
    special: Signal
    man: Signal
    carry: Signal
    above: Signal
    same: Signal
    under: Signal
    cancels: Signal

    def __init__(self, man_bits: int) -> None:
        self.man_bits = man_bits
        super().__init__({
            "total": In(man_bits + 4), "lost": In(1), "adjacent": In(1), "special": In(1), "man": Out(man_bits),
            **dict.fromkeys(FOUND, Out(1)),
        })

    def elaborate(self, platform: object) -> Module:
        m, total = Module(), self.total
        number, lower = ~self.special, ~(total[-1] | total[-2])
        above = named(m, "is_above", total[-1] & number)
        same = named(m, "is_same", total[-2] & ~total[-1] & number)
        under = named(m, "is_under", lower & ~self.adjacent & total[-3] & number)
        kept = [total[n : n + self.man_bits + 1] & where.replicate(self.man_bits + 1)
                for n, where in enumerate((under, same, above))]
        kept = named(m, "kept", kept[0] | kept[1] | kept[2])
        rest = self.lost | (same & total[0]) | (above & total[:2].any())
        man, up = kept[1:], named(m, "up", kept[0] & (rest | kept[1]))
        m.d.comb += [
            self.man.eq(man + up), self.carry.eq(man.all() & up), self.above.eq(above), self.same.eq(same),
            self.under.eq(under), self.cancels.eq(lower & self.adjacent & number),
        ]
        return m


def _normalised(m, word):
    """A word with its leading zeros shifted out and, by stage, whether there was a one to stop it: inverted, these tell
    how far it was shifted."""
    bits, some = len(word), []
    for stage in reversed(range((bits - 1).bit_length())):
        distance = 1 << stage
        stop = named(m, f"stop_{distance}", word[-distance:].any())
        keep, move = stop.replicate(bits), (~stop).replicate(bits)
        # What moves to the top meets zeros there: an OR will do.
        top, stays, moved = bits - distance, word & keep, Cat(Const(0, distance), word & move)
        word = named(m, f"left_{distance}", Cat(stays[:top] | moved[:top], word[top:] | moved[top:bits]))
        some.insert(0, stop)
    return word, Cat(some)


class Coded(Part):
    """The code of a sum: normalised, if its upper bits cancel, which leaves nothing to round.

    Members
    -------
    man, carry, above, same, under, cancels : ``In``
        As `Rounded` gives them.
    left : ``In(man_bits + 1)``
        The bits below the cancelled ones.
    exp : ``In``
        The larger exponent of the operands, as `Distance` gives it.
    sign : ``In(1)``
        Of the sum, if it is not 0.
    subtract : ``In(1)``
        Whether a sum that is 0 is +0.
    nan, special : ``In(1)``
        ``special`` is Inf or NaN.
    sum : ``Out``
    """

    man: Signal
    left: Signal
    exp: Signal
    carry: Signal
    above: Signal
    same: Signal
    under: Signal
    cancels: Signal
    sign: Signal
    subtract: Signal
    special: Signal
    nan: Signal
    sum: Signal

    def __init__(self, case: ShortSum) -> None:
        self.case, bits = case, case.fmt.man_bits + 1
        super().__init__({
            "man": In(bits - 1), "left": In(bits), "exp": In(case.exp_bits),
            **dict.fromkeys((*FOUND, "sign", "subtract", "special", "nan"), In(1)),
            "sum": Out(case.fmt.width),
        })

    def elaborate(self, platform: object) -> Module:
        m, case, fmt = Module(), self.case, self.case.fmt
        count = case.exp_bits
        normal, some = _normalised(m, named(m, "cancelled", self.left & self.cancels.replicate(len(self.left))))
        # One more, one less, or the places of the normalisation less and one: inverted they are `some`.
        less = Cat(some | self.under.replicate(len(some)),
                   (self.cancels | self.under).replicate(max(count - len(some), 1)))
        exp = named(m, "changed", (self.exp + (less[:count] | self.above) + self.carry)[:count])
        number = named(m, "number", self.above | self.same | self.under | normal[-1])
        if count < fmt.exp_bits:  # the upper bits follow from the lower ones
            low, high, upper = case.first & ((1 << count) - 1), case.first >> count, fmt.exp_bits - count
            exp = Cat(exp, Mux(exp >= low, Const(high, upper), Const(high + 1, upper)))
        exp = (exp & number.replicate(fmt.exp_bits)) | self.special.replicate(fmt.exp_bits)
        man = self.man | normal[:-1]
        sign = self.sign & ~(self.subtract & ~number & ~self.special) & ~self.nan
        m.d.comb += self.sum.eq(Cat(man[:-1], man[-1] | self.nan, exp, sign))
        return m


def add_short(m: Module, case: ShortSum, acc: Value, p: Fields) -> Value:
    """The code of ``acc`` plus ``p``.

    The addend is put at its place among the accumulator's bits; the accumulator moves only where the addend is the
    larger. Only what can cancel, a difference of numbers no more than a place apart, is normalised; it needs no
    rounding then.
    """
    fmt = case.fmt
    m.submodules.distance = distance = Distance(case)
    m.submodules.placed = placed = Placed(case)
    m.submodules.shifted = shifted = Shifted(case)
    m.submodules.add = add = AddOrSubtract(case.bits)
    m.submodules.rounded = rounded = Rounded(fmt.man_bits)
    m.submodules.coded = coded = Coded(case)
    man, exp, sign = acc[: fmt.man_bits], acc[fmt.man_bits : fmt.field_bits], acc[-1]
    subtract, top = named(m, "subtract", sign ^ p.sign), case.special(exp)
    lost, special = named(m, "lost", placed.lost | shifted.lost), named(m, "special", top | p.inf | p.nan)
    acc_nan = top & man.any() if case.has_inf else top
    nan = named(m, "nan", p.nan | acc_nan | (top & p.inf & subtract))
    special_sign = Mux(top, sign, p.sign) if case.has_inf else Const(0)
    m.d.comb += [
        distance.man.eq(man[1 - len(p.sig) :]), distance.exp.eq(exp), distance.sig.eq(p.sig),
        distance.exp_p.eq(p.exp), distance.zero.eq(p.zero),
        placed.sig.eq(distance.normal), placed.places.eq(distance.places), placed.below.eq(distance.below),
        shifted.sig.eq(Cat(man, exp.any())), shifted.places.eq(distance.places), shifted.below.eq(distance.below),
        # The difference to a smaller accumulator is the inverse of what is one lower.
        add.x.eq(shifted.word), add.y.eq(placed.word), add.subtract.eq(subtract),
        add.invert.eq(subtract & distance.below), add.carry.eq(subtract & (distance.below ^ lost)),
        rounded.total.eq(add.total), rounded.lost.eq(lost), rounded.adjacent.eq(subtract & distance.adjacent),
        rounded.special.eq(special),
        *(getattr(coded, name).eq(getattr(rounded, name)) for name in ("man", *FOUND)),
        coded.left.eq(add.total[1:-2]), coded.exp.eq(distance.larger),
        coded.sign.eq(Mux(special, special_sign, Mux(distance.below, p.sign, sign))), coded.subtract.eq(subtract),
        coded.special.eq(special), coded.nan.eq(nan),
    ]
    return coded.sum
