"""The language of what is put to the solver: words, as hardware has them, and numbers of its theory of IEEE 754."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

import bitwuzla
from bitwuzla import Kind

if TYPE_CHECKING:
    from .solver import Question

Sort = tuple[int, int]
Chosen = TypeVar("Chosen", "Word", "Number")

SINGLE, DOUBLE = (8, 24), (11, 53)  # sorts of numbers: bits of the exponent, and of the significand


class Word:
    """A vector of bits as a term, with the operators of hardware. Conditions are words of one bit.

    Operands of one operation have one width; a slice counts from bit 0 and leaves out its end, as in Amaranth.
    """

    def __init__(self, question: Question, term: bitwuzla.Term, width: int) -> None:
        self.question, self.term, self.width = question, term, width

    def like(self, term: bitwuzla.Term) -> Word:
        """A term of this width."""
        return Word(self.question, term, self.width)

    def _make(self, kind, *others, width=None, indices=()):
        for other in others:
            assert other.width == self.width, (kind, self.width, other.width)
        term = self.question(kind, self.term, *(other.term for other in others), indices=indices)
        return Word(self.question, term, width or self.width)

    def _same(self, other):
        return self.value(other) if isinstance(other, int) else other

    def value(self, value: int, width: int | None = None) -> Word:
        """A constant."""
        width = width or self.width
        return Word(self.question, self.question.constant(value, width), width)

    def __invert__(self) -> Word:
        return self._make(Kind.BV_NOT)

    def __and__(self, other: Word | int) -> Word:
        return self._make(Kind.BV_AND, self._same(other))

    def __or__(self, other: Word | int) -> Word:
        return self._make(Kind.BV_OR, self._same(other))

    def __xor__(self, other: Word | int) -> Word:
        return self._make(Kind.BV_XOR, self._same(other))

    def __add__(self, other: Word | int) -> Word:
        return self._make(Kind.BV_ADD, self._same(other))

    def __sub__(self, other: Word | int) -> Word:
        return self._make(Kind.BV_SUB, self._same(other))

    def __mul__(self, other: Word | int) -> Word:
        return self._make(Kind.BV_MUL, self._same(other))

    def __lshift__(self, other: Word | int) -> Word:
        return self._make(Kind.BV_SHL, self._same(other))

    def __rshift__(self, other: Word | int) -> Word:
        return self._make(Kind.BV_SHR, self._same(other))

    def equals(self, other: Word | int) -> Word:
        return self._make(Kind.BV_COMP, self._same(other), width=1)

    def __neg__(self) -> Word:
        return self._make(Kind.BV_NEG)

    def below(self, other: Word | int, signed: bool = False) -> Word:
        """Whether it is less than another."""
        return _condition(self.question, Kind.BV_SLT if signed else Kind.BV_ULT, self.term, self._same(other).term)

    def any(self) -> Word:
        return self._make(Kind.BV_REDOR, width=1)

    def all(self) -> Word:
        return self._make(Kind.BV_REDAND, width=1)

    @property
    def true(self) -> bitwuzla.Term:
        """The Boolean term of a condition."""
        return self.question(Kind.EQUAL, self.term, self.question.constant(1, 1))

    def choose(self, high: Chosen, low: Chosen) -> Chosen:
        """A condition's choice of two words, or of two numbers: ``high`` if it holds."""
        assert self.width == 1 and high.sort == low.sort
        return high.like(self.question(Kind.ITE, self.true, high.term, low.term))

    @property
    def sort(self) -> int:
        return self.width

    def __getitem__(self, bits: int | slice) -> Word:
        bits = bits if isinstance(bits, slice) else slice(bits, bits + 1 or None)
        start, stop, _ = bits.indices(self.width)
        return self._make(Kind.BV_EXTRACT, width=stop - start, indices=(stop - 1, start))

    def extend(self, width: int, signed: bool = False) -> Word:
        """At ``width`` bits; a wider one loses its upper bits."""
        if width <= self.width:
            return self[:width]
        kind = Kind.BV_SIGN_EXTEND if signed else Kind.BV_ZERO_EXTEND
        return self._make(kind, width=width, indices=(width - self.width,))


def concat(*words: Word) -> Word:
    """Words as one, lowest first."""
    if len(words) == 1:
        return words[0]
    term = words[0].question(Kind.BV_CONCAT, *(word.term for word in reversed(words)))
    return Word(words[0].question, term, sum(word.width for word in words))


def free(question: Question, width: int, name: str | None = None) -> Word:
    """A word that may be any."""
    sort = question.terms.mk_bv_sort(width)
    return Word(question, question.terms.mk_const(sort, name) if name else question.terms.mk_const(sort), width)


def any_of(conditions: Iterable[Word]) -> Word:
    """Whether one of some conditions, at least one, holds."""
    return concat(*conditions).any()


def _condition(question, kind, *terms):
    """A Boolean term as a word of one bit."""
    one, zero = question.constant(1, 1), question.constant(0, 1)
    return Word(question, question(Kind.ITE, question(kind, *terms), one, zero), 1)


class Number:
    """A number of the solver's theory of floating point, which is that of IEEE 754: it adds, multiplies and rounds to
    nearest even.

    Parameters
    ----------
    sort : (int, int)
        Bits of the exponent and of the significand, its hidden bit included; of one operation alike. The solver knows
        those of IEEE 754 with 16, 32, 64 and 128 bits.
    """

    def __init__(self, question: Question, term: bitwuzla.Term, sort: Sort) -> None:
        self.question, self.term, self.sort = question, term, sort

    def like(self, term: bitwuzla.Term) -> Number:
        """A term of this sort."""
        return Number(self.question, term, self.sort)

    @classmethod
    def read(cls, code: Word, sort: Sort) -> Number:
        """The number that a code of IEEE 754 stands for."""
        return cls(code.question, code.question(Kind.FP_TO_FP_FROM_BV, code.term, indices=sort), sort)

    @classmethod
    def integer(cls, word: Word, sort: Sort, signed: bool = False) -> Number:
        """The number that is nearest to an integer."""
        kind = Kind.FP_TO_FP_FROM_SBV if signed else Kind.FP_TO_FP_FROM_UBV
        return cls(word.question, word.question(kind, _nearest(word.question), word.term, indices=sort), sort)

    @classmethod
    def power(cls, exponent: Word, sort: Sort) -> Number:
        """2 to a power, a signed word as wide as the exponents of ``sort``, within what is normal there."""
        question = exponent.question
        biased = exponent + ((1 << (sort[0] - 1)) - 1)
        parts = question.constant(0, 1), biased.term, question.constant(0, sort[1] - 1)
        return cls(question, question(Kind.FP_FP, *parts), sort)

    @classmethod
    def special(cls, question: Question, name: str, sort: Sort) -> Number:
        """``zero``, ``inf`` (both positive) or ``nan``."""
        terms = question.terms
        make = {"zero": terms.mk_fp_pos_zero, "inf": terms.mk_fp_pos_inf, "nan": terms.mk_fp_nan}[name]
        return cls(question, make(terms.mk_fp_sort(*sort)), sort)

    def __neg__(self) -> Number:
        return self.like(self.question(Kind.FP_NEG, self.term))

    def __add__(self, other: Number) -> Number:
        return self._rounding(Kind.FP_ADD, other)

    def __mul__(self, other: Number) -> Number:
        return self._rounding(Kind.FP_MUL, other)

    def _rounding(self, kind, other):
        assert self.sort == other.sort
        return self.like(self.question(kind, _nearest(self.question), self.term, other.term))

    def rounded(self, sort: Sort) -> Number:
        """The nearest number of another sort."""
        term = self.question(Kind.FP_TO_FP_FROM_FP, _nearest(self.question), self.term, indices=sort)
        return Number(self.question, term, sort)

    def equals(self, other: Number) -> Word:
        """Whether two numbers are the same: -0 is not +0, and NaN is NaN."""
        return _condition(self.question, Kind.EQUAL, self.term, other.term)

    @property
    def is_zero(self) -> Word:
        return _condition(self.question, Kind.FP_IS_ZERO, self.term)

    @property
    def is_inf(self) -> Word:
        return _condition(self.question, Kind.FP_IS_INF, self.term)

    @property
    def is_nan(self) -> Word:
        return _condition(self.question, Kind.FP_IS_NAN, self.term)


def _nearest(question):
    return question.terms.mk_rm_value(bitwuzla.RoundingMode.RNE)
