"""Floating-point accumulators by the solver's theory of IEEE 754, over every sum and addend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ..golden.formats import FORMATS, float_format
from ..golden.spec import Multiplier
from ..hdl.addend import Addend
from ..hdl.multipliers import multiplier
from . import exhaust
from .float_sums import Sum
from .logic import Logic
from .obligation import Answer, Obligation, Source
from .solver import Question
from .words import DOUBLE, SINGLE, Number, any_of, concat, free

if TYPE_CHECKING:
    from ..golden.formats import FloatFormat
    from ..golden.spec import WideFormat
    from .exhaust import Circuit
    from .words import Word

SOLVED_BITS = 11  # of a product's significand; sums of wider ones were not decided in minutes

#: Sums of other designs than the catalogue's, and trees' sums of codes, that a solver decides.
SOLVED = [Sum(float_format(name), Multiplier.make("lmul", operand)) for operand, name in [
    ("e4m3", "bf16"), ("e5m2", "fp16"), ("fp16", "fp16")]]
SOLVED += [Sum(FORMATS[name]) for name in ("bf16", "fp16", "fp32")]


def split(wide: WideFormat, p: Word) -> dict[str, Word]:
    """The fields of a wide product, by name, out of its word."""
    fields, start = {}, 0
    for name, width in wide.fields:
        fields[name] = p[start : start + width]
        start += width
    return fields


def significand(wide: WideFormat, fields: Mapping[str, Word]) -> Word:
    """With its hidden bit where it has one."""
    return concat(fields["sig"], fields["sign"].value(1)) if wide.implicit_one else fields["sig"]


def number_of_product(wide: WideFormat, p: Word) -> Number:
    """The number that a wide product is, in double precision, which holds every one."""
    fields = split(wide, p)
    exp = fields["exp"].extend(DOUBLE[0], wide.exp_signed) - (wide.exp_bias + wide.frac_bits)
    size = Number.integer(significand(wide, fields), DOUBLE) * Number.power(exp, DOUBLE)
    for flag in ("zero", "inf", "nan"):
        if flag in fields:
            size = fields[flag].choose(Number.special(p.question, flag, DOUBLE), size)
    return fields["sign"].choose(-size, size)


def number_of_code(fmt: FloatFormat, code: Word) -> Number:
    """A code as a number; of bf16 in single precision."""
    if fmt.name == "bf16":
        return Number.read(concat(code.value(0, 16), code), SINGLE)
    return Number.read(code, (fmt.exp_bits, fmt.man_bits + 1))


def differs(code: Word, value: Number, fmt: FloatFormat) -> Word:
    """Whether a code of ``fmt`` is not that of a number, zeros and NaN included."""
    if fmt.name == "bf16":  # the upper half of fp32, rounded as an integer
        single = free(code.question, 32)
        whole = single + 0x7FFF + single[16].extend(32)
        same, given = code.equals(whole[16:]), Number.read(single, SINGLE).equals(value)
    else:
        same = number_of_code(fmt, code).equals(value)
        given = code.value(1, 1)
    return given & ~value.is_nan.choose(code.equals(cast(int, fmt.nan)), same)


def _subnormal(fmt, *codes):
    """Whether no code has an exponent: all are multiples of the format's smallest number, by their other bits."""
    return ~any_of([code[fmt.man_bits : -1] for code in codes])


def _differs_as_integer(fmt, x, y, total):
    """Whether a code is not the sum of two such codes, which is exact; -0 is the sum of none but -0 and -0."""
    width = fmt.width + 1
    signed = total[-1] ^ (x[-1] & y[-1])
    x, y, found = (code[-1].choose(-code[:-1].extend(width), code[:-1].extend(width)) for code in (x, y, total))
    same = found.equals(x + y)
    return ~found.equals(0).choose(same & ~signed, same)


def is_sum(case: Any, code: Word) -> Word:
    """Whether a code is a sum that can be, by the ``fmt``, ``specials``, ``step`` and ``largest`` of a case."""
    fmt, (inf, nan) = case.fmt, case.specials
    field, width = code[:-1], fmt.field_bits + 1
    man, exp = code[: fmt.man_bits].extend(width), code[fmt.man_bits : -1].extend(width)
    first = case.step + fmt.bias  # the exponent field of the smallest step, if it is that of a normal number
    number = ~field.value(case.largest).below(field)
    if first > 1 - fmt.man_bits:  # else every number of the format is a multiple of the step
        scale = exp.equals(0).choose(exp.value(1), exp)  # subnormals have that of 1
        finer = scale.value(max(first + fmt.man_bits, 0)) - scale
        normal, coarse = (~exp.below(max(bound, 0)) for bound in (first, first + fmt.man_bits))
        whole = (man & ((man.value(1) << finer) - 1)).equals(0)
        number = number & normal & (coarse | whole)
    allowed = [field.equals(0), number]
    if inf:
        allowed.append(field.equals(fmt.inf))
    if nan:
        allowed.append(field.value(fmt.inf).below(field))
    return any_of(allowed)


def _is_product(addend, p):
    """Whether a code is zero, Inf, NaN or a number that the `Addend` of products admits, as accumulators rely on."""
    wide, fields = addend.wide, split(addend.wide, p)
    sig, exp = significand(wide, fields), fields["exp"].extend(wide.exp_bits + 1, wide.exp_signed)
    least = 1 << (addend.sig_bits - 1 - addend.leading)
    inside = exp.below(addend.highest, signed=True) | (
        exp.equals(addend.highest) & ~sig.value(addend.largest).below(sig))
    number = ~exp.below(addend.lowest, signed=True) & ~sig.below(least) & inside
    return any_of([number, *(fields[name] for name in ("zero", "inf", "nan") if name in fields)])


def admitted(circuits: Mapping[str, Circuit], seconds: float, spec: Multiplier) -> Answer:
    """Every product, by the gates of the multiplier, is one that accumulators rely on."""
    logic = Logic()
    given = {"a": logic.inputs(spec.a.width), "b": logic.inputs(spec.b.width)}
    given["p"] = circuits["multiplier"].build(logic, dict(given))["p"]
    question = Question(logic)
    shown = {name: question.word(bits) for name, bits in given.items()}
    return Answer(*question.never(~_is_product(Addend.product(spec), shown["p"]), limit=seconds, shown=shown))


def added(circuits: Mapping[str, Circuit], seconds: float, case: Sum) -> Answer:
    """A sum of the accumulator and any product, by its gates, is what the solver's theory of IEEE addition says,
    rounded to nearest even once; and is again a sum that can be. Tells how many cases were decided."""
    logic, fmt, spec = Logic(), case.fmt, case.multiplier
    given = {"acc": logic.inputs(fmt.width), "p": logic.inputs(spec.wide.width if spec else fmt.width)}
    given["sum"] = circuits["adder"].build(logic, dict(given))["sum"]
    question = Question(logic)
    acc, p, total = (question.word(bits) for bits in given.values())
    x, native = number_of_code(fmt, acc), SINGLE if fmt.name == "bf16" else (fmt.exp_bits, fmt.man_bits + 1)
    if not spec:
        wrong = differs(total, x + number_of_code(fmt, p), fmt)
        wrong = _subnormal(fmt, acc, p).choose(_differs_as_integer(fmt, acc, p, total), wrong)
    else:
        y = number_of_product(cast("WideFormat", spec.wide), p)
        right = x + y.rounded(native) if _fits(case) else (x.rounded(DOUBLE) + y).rounded(native)
        possible = is_sum(case, acc) & _is_product(case.addend, p)
        wrong = possible & (differs(total, right, fmt) | ~is_sum(case, total))
    verdict, witness, count = question.never_in_cases(wrong, cases(case, acc, p, total), seconds,
                                                      {"acc": acc, "p": p, "gives": total})
    return Answer(verdict, witness, (count,))


def cases(case: Any, acc: Word, p: Word, total: Word) -> list[list[Word]]:
    """What sums are told apart by, if a solver does not see through all at once: how far the exponents are apart and
    whether the signs are alike; then how far the sum's exponent is from the accumulator's. Each a list of conditions of
    which one always holds."""
    fmt, spec = case.fmt, case.multiplier
    width, reach = fmt.exp_bits + 3, fmt.man_bits + 4
    exp, exp_sum = (code[fmt.man_bits : -1].extend(width) for code in (acc, total))
    if spec:
        fields = split(spec.wide, p)
        exp_p, sign = fields["exp"].extend(width, spec.wide.exp_signed), fields["sign"]
    else:
        exp_p, sign = p[fmt.man_bits : -1].extend(width), p[-1]
    offset = fmt.bias - spec.wide.exp_bias if spec else 0

    def apart(x, y, low, offset):
        near = [(x - y).equals(n + offset) for n in range(low, reach + 1)]
        return [*near, ~any_of(near)]

    alike = ~(acc[-1] ^ sign)
    return [[far & signs for far in apart(exp, exp_p, -reach, offset) for signs in (alike, ~alike)],
            apart(exp, exp_sum, -1, 0)]


def _fits(case):
    """Whether products are numbers of the accumulator's format, or for bf16 of fp32. Those of others are added in
    double precision: with more than twice the bits of the format, and products of no more bits than it has, rounding
    once more changes nothing (Figueroa, "When is double rounding innocuous?", 1995)."""
    fmt, addend = case.fmt, case.addend
    man_bits = 23 if fmt.name == "bf16" else fmt.man_bits
    return (addend.sig_bits <= man_bits + 1 and addend.unit >= 1 - fmt.bias - man_bits
            and addend.highest - addend.wide.exp_bias + 2 < fmt.bias)


def of(case: Sum) -> list[Obligation]:
    """The obligations of a sum: that products are what it relies on, and that it adds.

    Returns
    -------
    list of Obligation
        None of products that are wider than `SOLVED_BITS`.
    """
    spec = case.multiplier
    if spec and case.addend.sig_bits > SOLVED_BITS:
        return []
    adds = Obligation(case.name, "every sum is IEEE's, rounded once", "SMT, floating-point theory, {:,} cases"
                      + (", by induction" if spec else ""), added, (case,), {"adder": case.source},
                      {"acc": case.fmt, "gives": case.fmt} | ({} if spec else {"p": case.fmt}), weight=1000)
    if not spec:
        return [adds]
    return [products(case.name, spec), adds]


def products(name: str, spec: Multiplier) -> Obligation:
    """The obligation that the products of a multiplier are such as a sum called ``name`` relies on."""
    return Obligation(name, "every product is one that the sum is made for", "SMT, bit vectors", admitted, (spec,),
                      {"multiplier": Source(exhaust.load, multiplier, (spec, True))}, {"a": spec.a, "b": spec.b})


def obligations() -> list[Obligation]:
    """Those of `SOLVED`."""
    return [each for case in SOLVED for each in of(case)]
