"""Multipliers of any width, over all inputs: the words of the Verilog against the specification, and against the
solver's own theory of IEEE 754."""

from bitwuzla import Kind, RoundingMode

from ..golden.formats import Specials
from ..golden.refusal import Refusal
from .families import specification
from .logic import Logic
from .solver import PROVED, UNDECIDED, Question
from .specification import Operand
from .words import Word, concat

PLAIN_SECONDS = 2  # after which a product of significands is no longer multiplied out

MEANS = "SMT over all inputs"
_DOUBLE, _DOUBLE_BIAS = (11, 53), 1023  # exponent and significand bits
_BOUNDS = "; for the product of significands any number in its bounds"


def operands(question, spec):
    """Free operand codes of a multiplier."""
    return [_free(question, fmt.width, name) for name, fmt in (("a", spec.a), ("b", spec.b))]


def specified(circuit, spec, wide, seconds=60.0):
    """Whether a multiplier gives what the specification says, for all inputs.

    First as it is. Where a solver cannot decide that for the multiplication inside, that is taken apart: a query shows
    that the circuit multiplies the significands that the specification does, or those shifted until they begin with a
    one; then any number within the bounds of such a product stands for it on both sides. What is proved for all of
    them holds for the product.

    Parameters
    ----------
    circuit : WordCircuit
    spec : Multiplier
    wide : bool
    seconds : float
        Time limit of each query.

    Returns
    -------
    (verdict, means, witness) : tuple of str
    """
    question = Question(Logic())
    a, b = operands(question, spec)
    found, wanted = circuit.build({"a": a, "b": b})["p"], specification(spec)(spec, wide, a, b)
    shown = [("a", a.term), ("b", b.term), ("p", found.term), ("not", wanted.term)]
    differs = (~found.equals(wanted)).true
    multiplies = spec.form == "significands"
    verdict, witness = question.never(differs, min(seconds, PLAIN_SECONDS) if multiplies else seconds, shown)
    if verdict != UNDECIDED or not multiplies:
        return verdict, MEANS, witness
    if _by_bounds(question, circuit, spec, a, b, seconds, lambda found, bounded: found.equals(
            specification(spec)(spec, wide, a, b, lambda left, right: bounded.product))):
        return PROVED, MEANS + _BOUNDS, ""
    verdict, witness = question.never(differs, seconds, shown)
    return verdict, MEANS, witness


class _Bounded:
    """Stands for the product of the significands of two operands: any number that is zero if one of them is, and else
    lies between the products of the powers of two about them.

    Attributes
    ----------
    factors, begun : list of Word
        The significands, and as shifted until they begin with a one; of the product's width.
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
        self.begun = [factor << places for factor, places in zip(self.factors, zeros, strict=True)]
        self.some = self.factors[0].any() & self.factors[1].any()
        self.places = zeros[0] + zeros[1]
        self.shifted = _free(question, bits, "product")
        self.product = self.some.choose(self.shifted >> self.places, self.shifted.value(0))
        largest = ((2 << spec.a.man_bits) - 1) * ((2 << spec.b.man_bits) - 1)
        self.holds = ~self.some | ((self.product << self.places).equals(self.shifted) & self.shifted[bits - 2:].any()
                                   & ~self.shifted.value(largest).below(self.shifted))

    def multiply(self, left, right, seconds):
        """What stands for the product of two words of the circuit; raises _Other if they are not the significands."""
        if _always(self.question, left.equals(self.factors[0]) & right.equals(self.factors[1]), seconds):
            return self.product
        begun = left.equals(self.begun[0]) & right.equals(self.begun[1])
        if _always(self.question, begun | ~self.some, seconds):
            return self.some.choose(self.shifted, _free(self.question, self.product.width, "any"))
        raise _Other


def _zeros(word):
    """How many zeros are above a word's first one."""
    count = word.value(word.width, 16)
    for place in range(word.width):  # the highest one counts last
        count = word[place].choose(count.value(word.width - 1 - place), count)
    return count


def _free(question, width, name):
    return Word(question, question.terms.mk_const(question.terms.mk_bv_sort(width), name), width)


def _by_bounds(question, circuit, spec, a, b, seconds, right):
    """Whether ``right(found, bounded)`` holds of the product found, with a `_Bounded` number for that of the
    significands."""
    bounded = _Bounded(question, spec, a, b)

    def multiply(left, other):
        if left.width != bounded.product.width:
            raise _Other
        return bounded.multiply(left, other, seconds)

    try:
        found = circuit.build({"a": a, "b": b}, multiply)["p"]
    except _Other:
        return False
    return _always(question, right(found, bounded) | ~bounded.holds, seconds)


class _Other(Exception):
    """The circuit multiplies something else."""


def _always(question, condition, seconds):
    return question.never((~condition).true, seconds)[0] == PROVED


def ieee(circuit, spec, seconds=60.0):
    """Whether a narrow exact multiplier of one format with Inf and NaN, subnormals kept, gives what IEEE 754 says.

    The solver's theory multiplies and rounds to nearest even; on top of it come the sign and code of a NaN, and under
    ``saturate`` the largest number for an Inf that no operand was.

    Parameters, and what is returned, are those of `specified`.
    """
    if not ieee_applies(spec):
        raise Refusal(f"Multiplier must be exact, of one IEEE format, with subnormals, not {spec.name!r}")
    question = Question(Logic())
    a, b = operands(question, spec)
    theory = _Theory(question, spec, a, b)
    found = circuit.build({"a": a, "b": b})["p"]
    shown = [("a", a.term), ("b", b.term), ("p", found.term)]
    wrong = (~theory.right(found, theory.multiplied())).true
    verdict, witness = question.never(wrong, min(seconds, PLAIN_SECONDS), shown)
    if verdict != UNDECIDED:
        return verdict, MEANS, witness
    if _by_bounds(question, circuit, spec, a, b, seconds,
                  lambda found, bounded: theory.right(found, theory.rounded(bounded))):
        return PROVED, MEANS + _BOUNDS, ""
    verdict, witness = question.never(wrong, seconds, shown)
    return verdict, MEANS, witness


def ieee_applies(spec):
    """Whether `ieee` speaks of such a multiplier."""
    return (spec.form == "significands" and spec.a == spec.b and spec.a.specials is Specials.IEEE
            and spec.subnormals == "exact")


class _Theory:
    """Products of two codes in the solver's theory of floats, rounded to nearest even."""

    def __init__(self, question, spec, a, b):
        self.question, self.spec, self.fmt = question, spec, spec.a
        self.nearest = question.terms.mk_rm_value(RoundingMode.RNE)
        self.x, self.y = self.number(a), self.number(b)
        self.sign = a[self.fmt.field_bits] ^ b[self.fmt.field_bits]

    def number(self, code):
        return self.question(Kind.FP_TO_FP_FROM_BV, code.term, indices=self._shape)

    @property
    def _shape(self):
        return self.fmt.exp_bits, self.fmt.man_bits + 1

    def _is(self, kind, *arguments):
        one, zero = self.question.constant(1, 1), self.question.constant(0, 1)
        return Word(self.question, self.question(Kind.ITE, self.question(kind, *arguments), one, zero), 1)

    def multiplied(self):
        """The theory's product."""
        return self.question(Kind.FP_MUL, self.nearest, self.x, self.y)

    def rounded(self, bounded):
        """The theory's rounding of the exact product: a double, which is wide enough for it, made of the product of
        the significands and the exponents. Zeros, Inf and NaN have no such product."""
        bits = bounded.product.width
        above = bounded.shifted[bits - 1]
        man = above.choose(bounded.shifted, bounded.shifted << 1)[:bits - 1]
        exp = above.extend(_DOUBLE[0]) - bounded.places.extend(_DOUBLE[0]) + (_DOUBLE_BIAS - 2 * self.fmt.bias)
        for operand in bounded.operands:
            exp = exp + operand.exponent.extend(_DOUBLE[0])
        code = concat(man.value(0, _DOUBLE[1] - bits), man, exp, self.sign)
        exact = self.question(Kind.FP_TO_FP_FROM_BV, code.term, indices=_DOUBLE)
        value = self.question(Kind.FP_TO_FP_FROM_FP, self.nearest, exact, indices=self._shape)
        return self.question(Kind.ITE, self._plain().true, value, self._special())

    def _plain(self):
        """Whether both operands are numbers other than zero."""
        special = [self._is(kind, each) for each in (self.x, self.y)
                   for kind in (Kind.FP_IS_ZERO, Kind.FP_IS_INF, Kind.FP_IS_NAN)]
        return ~concat(*special).any()

    def _special(self):
        """The product where an operand is zero, Inf or NaN, by the rules of IEEE 754, section 6.1 to 6.3."""
        zero, inf, nan = ([self._is(kind, each) for each in (self.x, self.y)]
                          for kind in (Kind.FP_IS_ZERO, Kind.FP_IS_INF, Kind.FP_IS_NAN))
        none = nan[0] | nan[1] | (inf[0] & zero[1]) | (inf[1] & zero[0])
        field = self.sign.value(0, self.fmt.field_bits)
        field = (inf[0] | inf[1]).choose(field.value(self.fmt.inf), field)
        return self.number(concat(none.choose(field.value(self.fmt.nan), field), self.sign))

    def right(self, code, exact):
        """Whether a code is what a product of the theory must become."""
        fmt, spec = self.fmt, self.spec
        same = self._is(Kind.EQUAL, exact, self.number(code))
        if spec.overflow == "saturate":
            inf = [self._is(Kind.FP_IS_INF, each) for each in (exact, self.x, self.y)]
            over = inf[0] & ~inf[1] & ~inf[2]
            same = over.choose(code.equals(concat(code.value(fmt.max_finite, fmt.field_bits), self.sign)), same)
        nan = code.equals(concat(code.value(fmt.nan, fmt.field_bits), self.sign))
        return self._is(Kind.FP_IS_NAN, exact).choose(nan, same)
