"""Exact fixed-point sums: products placed in a window, carry-save addition, and the way out to fp32."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from ..golden.formats import FORMATS
from .addend import Addend
from .operand import passed
from .part import Part
from .shift import round_to


@dataclass(frozen=True)
class Window:
    """The fixed-point numbers that hold every sum of ``depth`` addends: two's complement, in units of
    ``2**addend.unit``; above them the flags of the specials that the addends know. Sums of more addends may wrap.

    With Inf, two flags say which signs were seen, and both together mean NaN; without, one flag says NaN.
    """

    addend: Addend
    depth: int

    @property
    def bits(self) -> int:
        """Width of a sum, its sign included."""
        return (self.depth * (self.addend.largest << (self.addend.highest - self.addend.lowest))).bit_length() + 1

    @property
    def flags(self) -> int:
        return 2 if self.addend.wide.has_inf else 1 if self.addend.wide.has_nan else 0

    @property
    def unit(self) -> int:
        return self.addend.unit

    def place(self, m: Module, code: Value) -> tuple[Value, Value, Value]:
        """An addend in the window, its sign taken out of it.

        Returns
        -------
        number : Value of ``bits`` bits
            The addend, but all bits inverted if it is negative: 1 short.
        negative : Value
        flags : Value
        """
        addend, wide, p = self.addend, self.addend.layout, self.addend.fields(code)
        # The exponent, counted from the lowest that it can encode, is the shift; bits that this leaves below the lowest
        # that occurs are dropped at the end.
        lowest = -(1 << (wide.exp_bits - 1)) if wide.exp_signed else 0
        exp = Cat(p.exp[:-1], ~p.exp[-1]) if wide.exp_signed else p.exp
        sig = p.sig & (~p.zero).replicate(len(p.sig))
        skipped = addend.lowest - lowest
        for stage in range(wide.exp_bits):
            width, drop = min(len(sig) + (1 << stage), self.bits - 1 + skipped), stage == wide.exp_bits - 1 and skipped
            shifted = Signal(width - drop, name=f"place_{1 << stage}")
            m.d.comb += shifted.eq(Mux(exp[stage], sig << (1 << stage), sig)[drop:])
            sig = shifted
        number, negative = Signal(self.bits, name="number"), Signal(name="negative")
        m.d.comb += [
            negative.eq(p.sign & ~p.zero),  # -0 as no bits at all, not as all of them and a carry
            number.eq(Cat(sig, Const(0, self.bits))[: self.bits] ^ negative.replicate(self.bits)),
        ]
        nan, inf = p.nan, p.inf
        flags = Cat(nan | (inf & ~p.sign), nan | (inf & p.sign)) if wide.has_inf else nan
        return number, negative, flags[: self.flags]

    def add(self, acc: Value, words: int, number: Value, negative: Value, flags: Value) -> Value:
        """A sum of one or two words, with its flags, plus what `place` gives."""
        if words == 2:
            total = Cat(carry_save(acc[: self.bits], acc[self.bits : 2 * self.bits], number, negative))
        else:
            total = (acc[: self.bits] + number + negative)[: self.bits]
        return Cat(total, acc[words * self.bits :] | flags)


class Sum(Protocol):
    """What a drain knows of a sum: its bits, its sign included, of which the lowest counts ``2**unit``; and the flags
    above, 2 of the signs of Inf, or 1 of NaN. Of 4 bits it is never 1000, whose magnitude has no room in three."""

    @property
    def bits(self) -> int: ...
    @property
    def flags(self) -> int: ...
    @property
    def unit(self) -> int: ...


def carry_save(x: Value, y: Value, z: Value, carry: Value) -> tuple[Value, Value]:
    """Sum and carry words of three words of one width and a bit, modulo that width: one full adder deep."""
    return x ^ y ^ z, Cat(carry, (x & y) | (x & z) | (y & z))[: len(x)]


def full_adders(words: int) -> int:
    """How many full adders deep `compress` is, of so many words."""
    depth = 0
    while words > 2:
        words, depth = words - words // 3, depth + 1
    return depth


def compress(m: Module, words: Iterable[Value], carries: Iterable[Value],
             cut: Callable[[int, list[Value]], list[Value]] | None = None) -> tuple[list[Value], list[Value]]:
    """A carry-save tree: adds at least two words of one width, modulo it, and as many bits of weight 1.

    Parameters
    ----------
    words, carries : iterables of Value
    cut : callable, optional
        Of how many full adders deep the tree has come, and all that it then has: the same, or the same a cycle later.

    Returns
    -------
    words : list of Value
        The two words that are left.
    carries : list of Value
        The two bits that found no place in the tree.
    """
    words, carries, level = list(words), list(carries), 0
    while len(words) > 2:
        full, level, summed = len(words) // 3 * 3, level + 1, []
        for i in range(0, full, 3):
            x, y, z = words[i : i + 3]
            for value in carry_save(x, y, z, carries.pop()):
                word = Signal(len(value), name=f"level{level}_{len(summed)}")
                m.d.comb += word.eq(value)
                summed.append(word)
        words = summed + words[full:]
        if cut:
            held = cut(level, [*words, *carries])
            words, carries = held[: len(words)], held[len(words) :]
    return words, carries


class FixedAdder(Part):
    """``sum = acc + p`` in a window: exact, Inf and NaN sticky.

    Timing: combinational; in carry-save form, ``acc`` is one full adder away from ``sum``.

    Parameters
    ----------
    window : Window
    words : int
        1, or 2 for sums in carry-save form: two words whose sum, modulo their width, is meant.

    Members
    -------
    acc, sum : ``In(words * window.bits + window.flags)``, ``Out`` of the same width
        The words, lowest first, and the flags.
    p : ``In(window.addend.wide.width)``
    """

    acc: Signal
    p: Signal
    sum: Signal

    def __init__(self, window: Window, words: int) -> None:
        self.window, self.words = window, words
        width = words * window.bits + window.flags
        super().__init__({"acc": In(width), "p": In(window.addend.wide.width), "sum": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.sum.eq(self.window.add(self.acc, self.words, *self.window.place(m, self.p)))
        return m


class FixedDrain(Part):
    """Rounds a sum in a window to the nearest fp32, ties to even: subnormals kept, overflow to Inf, zero as +0.

    Timing: ``latency`` cycles with ``en``, one number per such cycle.

    Parameters
    ----------
    window : Sum
        Such as a `Window`.
    words : int
        1, or 2 for a sum in carry-save form.
    steps : int
        Cycles of rounding: with more than 1 there are registers in the shift and after it.

    Members
    -------
    en : ``In(1)``
        Low stops it.
    raw : ``In(words * window.bits + window.flags)``
        The sum as `FixedAdder` has it.
    c : ``Out(32)``
    """

    fmt = FORMATS["fp32"]

    en: Signal
    raw: Signal
    c: Signal

    def __init__(self, window: Sum, words: int, steps: int = 1) -> None:
        self.window, self.words, self.steps = window, words, steps
        self.latency = words + steps
        # Biased exponents, as fp32 has them, of the lowest and of the highest bit of a magnitude.
        self.lowest = window.unit + self.fmt.bias
        self.highest = self.lowest + window.bits - 2
        self.gradual, self.overflow = self.lowest < 1, self.highest >= self.fmt.exp_mask
        super().__init__({"en": In(1), "raw": In(words * window.bits + window.flags), "c": Out(self.fmt.width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits, flags = self.window.bits, self.window.flags
        total, special = self.raw[:bits], self.raw[self.words * bits :]
        if self.words == 2:
            resolved = Signal(bits + flags, reset_less=True, name="resolved")
            with m.If(self.en):
                m.d.sync += resolved.eq(Cat((total + self.raw[bits : 2 * bits])[:bits], special))
            total, special = resolved[:bits], resolved[bits:]
        sign = total[-1]
        magnitude = Signal(bits - 1, reset_less=True, name="magnitude")
        held = Signal(1 + flags, reset_less=True, name="held")
        with m.If(self.en):
            m.d.sync += [magnitude.eq((total ^ sign.replicate(bits)) + sign), held.eq(Cat(sign, special))]
        field = self._round(m, magnitude)
        for cut in self._cuts(m):
            held = cut("flags", held)
        with m.If(self.en):
            m.d.sync += self.c.eq(self._special(Cat(field, held[0]), held[1:]))
        return m

    def _cuts(self, m):
        return [lambda name, value, n=n: passed(m, f"{name}_{n}", value, self.en) for n in range(self.steps - 1)]

    def _round(self, m, magnitude):
        fmt, exp = self.fmt, self.highest - 1
        value = Cat(Const(0, max(fmt.man_bits + 2 - len(magnitude), 0)), magnitude)
        exp_bits = max(exp.bit_length(), fmt.exp_bits)
        field, _ = round_to(m, fmt, value, Const(exp, exp_bits), len(magnitude) - 1, self.gradual, self.overflow,
                            self._cuts(m))
        return field

    def _special(self, number, flags):
        if not len(flags):
            return number
        assert self.fmt.inf is not None and self.fmt.nan is not None
        if len(flags) == 1:
            return Mux(flags, self.fmt.nan, number)
        inf = Cat(Const(self.fmt.inf, self.fmt.field_bits), flags[1])
        return Mux(flags.all(), self.fmt.nan, Mux(flags.any(), inf, number))
