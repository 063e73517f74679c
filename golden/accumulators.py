"""How products are summed: the kinds of accumulator, what each offers, and the one way in which slugs spell it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from .formats import FORMATS, FloatFormat, Format, IntFormat, Specials, format_named
from .refusal import Refusal

MIN_INT_BITS, MAX_INT_BITS = 16, 64  # of integer sums
INTERLEAVES = (2, 4, 8)  # over how many partial sums a float sum may be interleaved


@dataclass(frozen=True)
class Kind:
    """A way to hold a sum; a new one is a subclass and a line in `KINDS`.

    Attributes
    ----------
    example : str
        A spelling of it.
    summary : str
        One line of ``lmul list``.
    rounds, integer, exact : bool
        What an `Accumulator` offers; one of them holds.
    words : int
        How many words hold the sum.
    """

    example: str
    summary: str
    rounds: bool = False
    integer: bool = False
    exact: bool = False
    words: int = 1

    def write(self, accumulator: Accumulator) -> str:
        """The accumulator's part of a slug."""
        raise NotImplementedError

    def read(self, kind: str, word: str) -> Accumulator | None:
        """The accumulator of this kind that a word spells, or None."""
        raise NotImplementedError

    def result(self, accumulator: Accumulator) -> Format:
        """Format of the sum that is handed out."""
        raise NotImplementedError


class Rounded(Kind):
    """A float, rounded to nearest even at each step: any format with Inf and NaN; interleaved or not."""

    def write(self, accumulator: Accumulator) -> str:
        ways = f"i{accumulator.interleave}" if accumulator.interleave > 1 else ""
        return self.result(accumulator).name + ways

    def read(self, kind: str, word: str) -> Accumulator | None:
        match = re.fullmatch(rf"(.+?)(?:i({'|'.join(map(str, INTERLEAVES))}))?", word)
        if not match:
            return None
        try:
            fmt = cast(FloatFormat, format_named(match[1]))  # if it is `floating`, which is asked first
        except ValueError:
            return None
        if not (fmt.floating and fmt.specials is Specials.IEEE):
            return None
        return Accumulator(kind, fmt, interleave=int(match[2] or 1))

    def result(self, accumulator: Accumulator) -> FloatFormat:
        return cast(FloatFormat, accumulator.fmt)


class Exact(Kind):
    """A fixed-point sum with room for ``depth`` of the largest products, rounded once to fp32 when it is handed out."""

    def write(self, accumulator: Accumulator) -> str:
        plain = accumulator.depth == Accumulator.DEFAULT_DEPTH
        return accumulator.kind if plain else f"{accumulator.kind}{accumulator.depth}"

    def read(self, kind: str, word: str) -> Accumulator | None:
        match = re.fullmatch(rf"{kind}([1-9]\d{{0,5}})?", word)
        return Accumulator(kind, depth=int(match[1] or Accumulator.DEFAULT_DEPTH)) if match else None

    def result(self, accumulator: Accumulator) -> FloatFormat:
        return FORMATS["fp32"]


class Wrapping(Kind):
    """An integer of ``bits`` bits, modulo a power of two."""

    def write(self, accumulator: Accumulator) -> str:
        return f"int{accumulator.bits}"

    def read(self, kind: str, word: str) -> Accumulator | None:
        match = re.fullmatch(r"int([1-9]\d?)", word)
        if match and MIN_INT_BITS <= int(match[1]) <= MAX_INT_BITS:
            return Accumulator(kind, bits=int(match[1]))
        return None

    def result(self, accumulator: Accumulator) -> IntFormat:
        return IntFormat(accumulator.name, accumulator.bits)


KINDS = {
    "float": Rounded("fp32", "rounded to nearest even at each step; also bf16, fp16 and any e{E}m{M}; fp32i4 is "
                     "interleaved over 4 partial sums (2, 4 or 8)", rounds=True),
    "fixed": Exact("fixed", "exact fixed-point sum, drained to fp32 with one rounding; fixed256 holds 256 products",
                   exact=True),
    "carrysave": Exact("carrysave", "the fixed sum as two words, its loop one full adder deep", exact=True, words=2),
    "int": Wrapping("int32", "for products of integers; also int16 to int64", integer=True),
}


@dataclass(frozen=True)
class Accumulator:
    """How products are summed.

    Parameters
    ----------
    kind : str
        ``float``: rounded to nearest even into ``fmt`` at each step, in the hardware's order. ``fixed``: an exact
        fixed-point sum. ``carrysave``: the same sum held as two words, its loop one full adder deep.
        ``int``: an integer of ``bits`` bits, for integer products; wraps.
    fmt : FloatFormat or None
        The float accumulator's format.
    depth : int or None
        How many products of the largest magnitude an exact sum holds without overflow.
    bits : int
        Of an integer.
    interleave : int
        Over how many partial sums a float sum is interleaved, a power of two: each product is added to the oldest, so
        that an adder may take as many cycles. Partial sum j has the products whose distance from the end of the sum is
        j modulo their number, and in the end they are added in pairs: with 4, (0 + 1) + (2 + 3). Missing ones are +0.
    """

    kind: str
    fmt: FloatFormat | None = None
    depth: int | None = None
    bits: int = 32
    interleave: int = 1

    DEFAULT_DEPTH = 4096

    @property
    def name(self) -> str:
        """The accumulator's part of a slug; `parse_accumulator` reads it back."""
        return KINDS[self.kind].write(self)

    @property
    def result(self) -> Format:
        """Format of the sum that is handed out."""
        return KINDS[self.kind].result(self)

    @property
    def rounds(self) -> bool:
        """Whether each step rounds into the accumulator's format."""
        return KINDS[self.kind].rounds

    @property
    def integer(self) -> bool:
        """Whether the accumulator sums integers, modulo a power of two."""
        return KINDS[self.kind].integer

    @property
    def exact(self) -> bool:
        """Whether the accumulator sums products of floats exactly, in fixed point."""
        return KINDS[self.kind].exact

    @property
    def words(self) -> int:
        """How many words hold the sum."""
        return KINDS[self.kind].words

    def check(self, wide: Format, name: str) -> None:
        """Refuse products of format ``wide`` that the accumulator does not take; ``name`` says whose they are.

        Raises
        ------
        Refusal
        """
        if self.integer != wide.integer:
            wanted = "int32" if wide.integer else "a float format, fixed or carrysave"
            raise Refusal(f"Accumulator must be {wanted} for {name}, not {self.name!r}")
        if self.integer and self.bits < wide.width:
            raise Refusal(f"Accumulator must have at least {wide.width} bits for {name}, not {self.name!r}")


def parse_accumulator(word: str) -> Accumulator:
    """The accumulator called ``word``: ``fp32``, ``bf16``, ``fp16`` or another float format with IEEE specials, also
    interleaved (``fp32i4``), ``fixed``, ``carrysave`` (either with a depth, as in ``fixed256``), ``int32`` or another
    width.

    Raises
    ------
    Refusal
        If there is none of that name.
    """
    for name, kind in KINDS.items():
        if (found := kind.read(name, word)) is not None:
            return found
    raise Refusal(f"Accumulator must be fp32, bf16, fp16, fixed, carrysave, int32 or an e{{E}}m{{M}} with "
                  f"Inf and NaN, floats also interleaved over 2, 4 or 8 partial sums as in fp32i4, not {word!r}")
