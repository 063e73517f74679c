"""Multipliers of any width, over all inputs: the words of the Verilog against the specification, and against the
solver's own theory of IEEE 754."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from ..golden.formats import Specials
from ..golden.refusal import Refusal
from ..hdl.verilog import component
from . import cells
from .families import specification
from .logic import Logic
from .obligation import PROVED, UNDECIDED, Answer, Obligation, Source
from .solver import Question
from .specification import Operand
from .words import DOUBLE, Number, any_of, concat, free

if TYPE_CHECKING:
    from ..golden.formats import FloatFormat
    from ..golden.spec import Multiplier
    from ..hdl.designs import Design
    from .cells import WordCircuit
    from .words import Word

PLAIN_SECONDS = 2  # after which a product of significands is no longer multiplied out

MEANS = "SMT over all inputs{}"
_DOUBLE_BIAS = 1023
_BOUNDS = "; for the product of significands any number in its bounds"


def by_specification(design: Design) -> Obligation:
    """The obligation that a multiplier gives what its family's specification says."""
    return obligation(design, "what the specification says", MEANS, specified, cells.load)


def by_theory(design: Design) -> Obligation:
    """The obligation that an exact multiplier gives what the solver's theory of IEEE 754 says."""
    return obligation(design, "what the solver's theory of IEEE 754 says", MEANS, ieee, cells.load)


def obligation(design: Design, claim: str, means: str, examine: Callable[..., Answer],
               read: Callable[[dict[str, str]], dict[str, Any]]) -> Obligation:
    """What is claimed of a multiplier: ``examine`` is given its Verilog as ``read`` reads it, and the design."""
    spec = design.multiplier
    return Obligation(design.slug, claim, means, examine, (design,), {design.slug: Source(read, component, (design,))},
                      {**spec.operands, "gives": design.result, "not": design.result},
                      batch=f"multipliers of {spec.formats}", weight=spec.a.width)


def operands(question: Question, spec: Multiplier) -> dict[str, Word]:
    """Free operand codes of a multiplier, by port."""
    return {name: free(question, fmt.width, name) for name, fmt in spec.operands.items()}


def specified(circuits: Mapping[str, WordCircuit], seconds: float, design: Design) -> Answer:
    """A multiplier gives what the specification says, for all inputs.

    First as it is. Where a solver cannot decide that for the multiplication inside, that is taken apart: a query shows
    that the circuit multiplies the significands that the specification does, or those shifted until they begin with a
    one; then any number within the bounds of such a product stands for it on both sides. What is proved for all of
    them holds for the product.
    """
    circuit, spec, question = circuits[design.slug], design.multiplier, Question(Logic())
    says = specification(spec)
    assert says is not None  # a family without a specification has no such obligation
    given = operands(question, spec)
    found, wanted = circuit.build(given)["p"], says.product(spec, design.wide, *given.values())
    return _in_turn(question, circuit, spec, given, seconds, ~found.equals(wanted), {"gives": found, "not": wanted},
                    says.multiplies and (lambda found, bounded: found.equals(
                        says.product(spec, design.wide, *given.values(), bounded.specified))))


def _in_turn(question, circuit, spec, given: dict[str, Word], seconds, wrong, shown, right):
    """Whether something wrong never comes: as it is; where that is not decided soon, by ``right`` with a `_Bounded`
    product, if that is given; and for as long as may be."""
    shown = given | shown
    verdict, witness = question.never(wrong, limit=min(seconds, PLAIN_SECONDS) if right else seconds, shown=shown)
    if verdict == UNDECIDED and right:
        if _by_bounds(question, circuit, spec, given, seconds, right):
            return Answer(PROVED, told=(_BOUNDS,))
        verdict, witness = question.never(wrong, limit=seconds, shown=shown)
    return Answer(verdict, witness, ("",))


class _Bounded:
    """Stands for the product of the significands of two operands: any number that lies between the products of the
    powers of two about them, and is zero if one of them is.

    Attributes
    ----------
    factors, begun : list of Word
        The significands, and as shifted until they begin with a one, a zero made one; of the product's width.
    some : Word
        Whether neither is zero.
    product, shifted : Word
        What stands for the product of ``factors``, and of ``begun``.
    places : Word
        How many places one lies above the other.
    holds : Word
        The condition that makes them what they stand for.
    """

    def __init__(self, question, spec, a, b):
        self.question = question
        bits = spec.a.man_bits + spec.b.man_bits + 2
        self.operands = [Operand(fmt, code, spec.subnormals) for fmt, code in ((spec.a, a), (spec.b, b))]
        zeros = [_zeros(each.significand).extend(bits) for each in self.operands]
        self.factors = [each.significand.extend(bits) for each in self.operands]
        self.begun = [factor.any().choose(factor << places, factor.value(1 << each.fmt.man_bits))
                      for factor, places, each in zip(self.factors, zeros, self.operands, strict=True)]
        self.some = self.factors[0].any() & self.factors[1].any()
        shifts = [factor.any().choose(places, places.value(0))
                  for factor, places in zip(self.factors, zeros, strict=True)]
        self.places = shifts[0] + shifts[1]
        self.shifted = free(question, bits, "product")
        self.product = self.some.choose(self.shifted >> self.places, self.shifted.value(0))
        largest = ((2 << spec.a.man_bits) - 1) * ((2 << spec.b.man_bits) - 1)
        self.holds = (((self.shifted >> self.places) << self.places).equals(self.shifted)
                      & self.shifted[bits - 2:].any() & ~self.shifted.value(largest).below(self.shifted))

    def specified(self, left, right):
        """What stands for a product in a specification: of the significands, or with a one in place of a zero."""
        return (left.any() & right.any()).choose(self.shifted >> self.places, self.shifted.value(0))

    def multiply(self, left, right, seconds):
        """What stands for the product of two words of the circuit; raises _Other if they are not the significands."""
        if _always(self.question, left.equals(self.factors[0]) & right.equals(self.factors[1]), seconds):
            return self.product
        begun = left.equals(self.begun[0]) & right.equals(self.begun[1])
        if _always(self.question, begun, seconds):
            return self.shifted
        if _always(self.question, begun | ~self.some, seconds):
            return self.some.choose(self.shifted, free(self.question, self.product.width, "any"))
        raise _Other


def _zeros(word):
    """How many zeros are above a word's first one."""
    count = word.value(word.width, 16)
    for place in range(word.width):  # the highest one counts last
        count = word[place].choose(count.value(word.width - 1 - place), count)
    return count


def _by_bounds(question, circuit, spec, given, seconds, right):
    """Whether ``right(found, bounded)`` holds of the product found, with a `_Bounded` number for that of the
    significands."""
    bounded = _Bounded(question, spec, *given.values())

    def multiply(left, other):
        if left.width != bounded.product.width:
            raise _Other
        return bounded.multiply(left, other, seconds)

    try:
        found = circuit.build(given, multiply)["p"]
    except _Other:
        return False
    return _always(question, right(found, bounded) | ~bounded.holds, seconds)


class _Other(Exception):
    """The circuit multiplies something else."""


def _always(question, condition, seconds):
    return question.never(~condition, limit=seconds)[0] == PROVED


def ieee(circuits: Mapping[str, WordCircuit], seconds: float, design: Design) -> Answer:
    """A narrow exact multiplier of one format with Inf and NaN, subnormals kept, gives what IEEE 754 says.

    The solver's theory multiplies and rounds to nearest even; on top of it come the sign and code of a NaN, and under
    ``saturate`` the largest number for an Inf that no operand was.

    Raises
    ------
    Refusal
        If the multiplier is none of which `ieee_applies`.
    """
    circuit, spec, question = circuits[design.slug], design.multiplier, Question(Logic())
    if not ieee_applies(spec):
        raise Refusal(f"Multiplier must be exact, of one IEEE format, with subnormals, not {spec.name!r}")
    given = operands(question, spec)
    theory = _Theory(spec, *given.values())
    found = circuit.build(given)["p"]
    wrong = ~theory.right(found, theory.x * theory.y)
    return _in_turn(question, circuit, spec, given, seconds, wrong, {"gives": found},
                    lambda found, bounded: theory.right(found, theory.rounded(bounded)))


def ieee_applies(spec: Multiplier) -> bool:
    """Whether `ieee` speaks of such a multiplier."""
    return (spec.form == "significands" and spec.a == spec.b and cast("FloatFormat", spec.a).specials is Specials.IEEE
            and spec.subnormals == "exact")


class _Theory:
    """Products of two codes in the solver's theory of floats, rounded to nearest even."""

    def __init__(self, spec, a, b):
        self.spec, self.fmt = spec, spec.a
        self.x, self.y = self.number(a), self.number(b)
        self.sign = a[self.fmt.field_bits] ^ b[self.fmt.field_bits]

    def number(self, code):
        return Number.read(code, (self.fmt.exp_bits, self.fmt.man_bits + 1))

    def rounded(self, bounded):
        """The theory's rounding of the exact product: a double, which is wide enough for it, made of the product of
        the significands and the exponents. Zeros, Inf and NaN have no such product."""
        bits = bounded.product.width
        above = bounded.shifted[bits - 1]
        man = above.choose(bounded.shifted, bounded.shifted << 1)[:bits - 1]
        exp = above.extend(DOUBLE[0]) - bounded.places.extend(DOUBLE[0]) + (_DOUBLE_BIAS - 2 * self.fmt.bias)
        for operand in bounded.operands:
            exp = exp + operand.exponent.extend(DOUBLE[0])
        exact = Number.read(concat(man.value(0, DOUBLE[1] - bits), man, exp, self.sign), DOUBLE)
        plain = ~any_of([each for number in (self.x, self.y)
                         for each in (number.is_zero, number.is_inf, number.is_nan)])
        return plain.choose(exact.rounded(self.x.sort), self._special())

    def _special(self):
        """The product where an operand is zero, Inf or NaN, by the rules of IEEE 754, section 6.1 to 6.3."""
        x, y, fmt = self.x, self.y, self.fmt
        none = x.is_nan | y.is_nan | (x.is_inf & y.is_zero) | (y.is_inf & x.is_zero)
        field = self.sign.value(0, fmt.field_bits)
        field = (x.is_inf | y.is_inf).choose(field.value(fmt.inf), field)
        return self.number(concat(none.choose(field.value(fmt.nan), field), self.sign))

    def right(self, code, exact):
        """Whether a code is what a product of the theory must become."""
        fmt = self.fmt
        same = exact.equals(self.number(code))
        if self.spec.overflow == "saturate":
            over = exact.is_inf & ~self.x.is_inf & ~self.y.is_inf
            same = over.choose(code.equals(concat(code.value(fmt.max_finite, fmt.field_bits), self.sign)), same)
        return exact.is_nan.choose(code.equals(concat(code.value(fmt.nan, fmt.field_bits), self.sign)), same)
