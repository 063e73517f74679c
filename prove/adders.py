"""Accumulators: floating-point adders, exact sums and their way out to fp32, on the gates of their Verilog.

Small formats are exhausted. Large ones are put to a solver, whose theory of IEEE floating point says what the sum is;
and fp32 is compared with numpy. A float accumulator is proved for the sums that its products can have, and that sums
of such sums are such sums: so for every sum from +0 or -0 on, however long.
"""

import re
from dataclasses import dataclass
from functools import cached_property

import bitwuzla
import numpy as np
from amaranth.hdl import Cat, Module
from amaranth.lib.wiring import In, Out
from bitwuzla import Kind

from ..golden import kernels
from ..golden.accumulate import target
from ..golden.codec import decode, encode
from ..golden.formats import FORMATS, FloatFormat, float_format
from ..golden.products import pack, product, unpack, wide_value
from ..golden.spec import Accumulator, Multiplier
from ..golden.stimulus import all_pairs, corners, random_codes
from ..hdl.accumulator import running_sum
from ..hdl.addend import Addend, expand
from ..hdl.fixed import FixedAdder, FixedDrain, Window
from ..hdl.fpadd import FloatAdder
from ..hdl.multipliers import multiplier
from ..hdl.part import Part
from ..hdl.verilog import convert
from . import exhaust, machine
from .logic import FALSE, TRUE, Logic
from .solver import COMPARED, PROVED, REFUTED, UNDECIDED, Question, proof

FP32 = FORMATS["fp32"]


class CodeAdder(Part):
    """Two codes of one format, as a tree of adders adds them: an IEEE adder.

    Members
    -------
    acc, p : ``In(fmt.width)``
    sum : ``Out(fmt.width)``
    """

    def __init__(self, fmt):
        self.fmt = fmt
        super().__init__({"acc": In(fmt.width), "p": In(fmt.width), "sum": Out(fmt.width)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.adder = adder = FloatAdder(self.fmt, Addend.code(self.fmt))
        m.d.comb += [adder.acc.eq(self.acc), adder.p.eq(expand(self.fmt, self.p)), self.sum.eq(adder.sum)]
        return m


@dataclass(frozen=True)
class Sum:
    """A float accumulator and what it adds: the products of a multiplier or, without one, codes of its own format."""

    fmt: FloatFormat
    multiplier: Multiplier | None = None

    @property
    def name(self):
        return f"{self.multiplier.name if self.multiplier else 'codes'} into {self.fmt}"

    @property
    def addend(self):
        return Addend.product(self.multiplier) if self.multiplier else Addend.code(self.fmt)

    @property
    def component(self):
        return FloatAdder(self.fmt, self.addend) if self.multiplier else CodeAdder(self.fmt)

    @cached_property
    def circuit(self):
        """The adder as gates: ports ``acc``, ``p`` and ``sum``."""
        return exhaust.load(convert({"adder": self.component}))["adder"]

    @property
    def step(self):
        """Base-two logarithm of what all sums are multiples of."""
        return max(self.addend.unit, 1 - self.fmt.bias - self.fmt.man_bits)

    @property
    def specials(self):
        """Whether sums can be Inf, and NaN."""
        wide, adder = self.addend.wide, FloatAdder(self.fmt, self.addend)
        return adder.has_inf, adder.has_inf and wide.has_inf or wide.has_nan

    @property
    def largest(self):
        """Field of the largest sum that is a number: the power of two of which the largest product is below half the
        last place, so that the sum grows no more."""
        top = FloatAdder(self.fmt, self.addend).high + self.fmt.man_bits + 2
        return min(top << self.fmt.man_bits, self.fmt.max_finite)

    def values(self, p):
        """The values of addends, float64."""
        return wide_value(self.multiplier, unpack(self.multiplier, p)) if self.multiplier else decode(self.fmt, p)

    def golden(self, acc, p):
        """The sums' codes by golden."""
        acc, p, out = acc.astype(np.int64), p.astype(np.int64), np.empty(len(acc), np.int64)
        if not self.multiplier:
            _codes_added(target(self.fmt), acc, p, out)
            return out
        wide, spec = unpack(self.multiplier, p), self.multiplier.wide
        sig = wide.sig.astype(np.int64) + (spec.implicit_one << spec.frac_bits)
        flags = np.where(wide.nan, kernels.NAN, np.where(wide.inf, kernels.INF, 0))
        _added(target(self.fmt), acc, wide.sign.astype(np.int64), np.where(wide.zero | (flags > 0), 0, sig),
               wide.exp.astype(np.int64) - spec.exp_bias - spec.frac_bits, flags, out)
        return out


@kernels.compiled
def _added(fmt, acc, sign, mag, exp, flags, out):
    for i in range(len(out)):
        out[i] = kernels.added(fmt, acc[i], sign[i], mag[i], exp[i], flags[i])


@kernels.compiled
def _codes_added(fmt, acc, p, out):
    for i in range(len(out)):
        out[i] = kernels.added_code(fmt, acc[i], p[i])


def nearest_sum(fmt, acc, values):
    """Codes nearest to ``acc`` plus float64 values, by float64 arithmetic alone.

    The sum and its rounding error (Knuth's two-sum) give the exact sum rounded to odd, which a second rounding, numpy's
    own where it has the format, takes to the nearest code: with two bits to spare, rounding twice changes nothing
    (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
    """
    x = decode(fmt, acc)
    with np.errstate(all="ignore"):
        total = x + values
        part = total - x
        error = (x - (total - part)) + (values - part)
        inexact = np.isfinite(total) & (error != 0) & (total.view(np.int64) & 1 == 0)
        odd = np.where(inexact, np.nextafter(total, np.where(error > 0, np.inf, -np.inf)), total)
        if fmt.name in ("fp16", "fp32"):
            codes = odd.astype(f"f{fmt.width // 8}").view(f"u{fmt.width // 8}").astype(np.int64)
        else:
            codes = encode(fmt, odd, overflow="ieee").astype(np.int64)
    return np.where(np.isnan(odd), fmt.nan, codes)


def compare(case, acc, p, circuit=None):
    """The first sum that gates, golden and float64 arithmetic do not all give alike.

    Parameters
    ----------
    case : Sum
    acc, p : arrays of codes
    circuit : Circuit
        By default the case's own.

    Returns
    -------
    str
        Empty if there is none.
    """
    if case.multiplier is None and case.fmt is FP32:
        with np.errstate(all="ignore"):
            right = (acc.astype(np.uint32).view(np.float32) + p.astype(np.uint32).view(np.float32))
        right = np.where(np.isnan(right), FP32.nan, right.view(np.uint32).astype(np.int64))
    else:
        right = nearest_sum(case.fmt, acc, case.values(p))
    for who, found in (("gates", (circuit or case.circuit)(acc=acc, p=p)["sum"]), ("golden", case.golden(acc, p))):
        wrong = np.flatnonzero(found != right)
        if len(wrong):
            i = wrong[0]
            return f"{who}: {acc[i]:#x} plus {p[i]:#x} must be {right[i]:#x}, not {found[i]:#x}"
    return ""


# Small formats, exhausted

_POLICIES = [("lmul", {}), ("lmul", {"subnormals": "exact"}), ("exact", {}), ("exact", {"subnormals": "flush"})]
#: Every multiplier of three formats into accumulators with few and with many exponents.
_E3M2 = FloatFormat("e3m2", 3, 2, 3)  # with Inf and NaN, which the catalogue's has not
SMALL = [Sum(fmt, Multiplier.make(kind, operand, **policies)) for fmt in (_E3M2, float_format("e4m2"))
         for operand in ("e2m1", "e3m2", "e4m3") for kind, policies in _POLICIES]
SMALL += [Sum(fmt) for fmt in (_E3M2, float_format("e4m2"), float_format("e4m4"))]


def addends(case):
    """All that an accumulator may be given."""
    if case.multiplier is None:
        return np.arange(1 << case.fmt.width)
    return np.unique(pack(case.multiplier, product(case.multiplier, *all_pairs(case.multiplier)))).astype(np.int64)


def exhausted(case, circuit=None):
    """Every sum that can be reached from +0 or -0, and every addend.

    Returns
    -------
    count : int
        How many additions.
    witness : str
        Empty, or the first that is wrong.
    """
    every, reached, count = addends(case), np.array([], np.int64), 0
    new = np.array([0, case.fmt.sign_mask]) if case.multiplier else every
    while len(new):
        acc, p = (codes.ravel() for codes in np.meshgrid(new, every))
        count += len(acc)
        witness = compare(case, acc, p, circuit)
        if witness:
            return count, witness
        reached = np.union1d(reached, new)
        new = np.setdiff1d(case.golden(acc, p), reached)
    return count, ""


# fp32 against numpy

#: What is added in fp32: codes, products that have every sum of fp32, and products that do not.
AGAINST_NUMPY = [Sum(FP32), Sum(FP32, Multiplier.make("exact", "bf16")), Sum(FP32, Multiplier.make("lmul", "fp32")),
                 Sum(FP32, Multiplier.make("lmul", "e4m3"))]


def directed(generator, case, p):
    """Sums to add addends to: of any size, of about the addend's own, its negative give or take a few last places, a
    sum of which it is half a last place, subnormals, the largest, and specials."""
    fmt, count = case.fmt, len(p)
    with np.errstate(all="ignore"):
        near = encode(fmt, case.values(p), overflow="ieee").astype(np.int64) & fmt.field_mask
    exp, man = near >> fmt.man_bits, near & fmt.man_mask
    mans = [generator.integers(0, fmt.man_mask + 1, count), man, np.zeros_like(man), np.full_like(man, fmt.man_mask),
            1 << generator.integers(0, fmt.man_bits, count), fmt.man_mask ^ (man >> generator.integers(0, 8, count))]
    some = np.choose(generator.integers(0, len(mans), count), mans)

    def at(exponents):
        return (np.clip(exponents, 0, fmt.exp_mask - 1) << fmt.man_bits) | some

    kinds = [
        random_codes(fmt, count, generator).astype(np.int64) & fmt.field_mask,
        at(exp + generator.integers(-3, 4, count)),
        at(exp + generator.integers(-fmt.man_bits - 4, fmt.man_bits + 5, count)),
        np.maximum(near + generator.integers(-4, 5, count), 0),
        at(exp + fmt.man_bits + 1),
        at(generator.integers(0, 3, count)),
        at(fmt.exp_mask - generator.integers(1, 4, count)),
        generator.choice(corners(fmt), count).astype(np.int64) & fmt.field_mask,
    ]
    field = np.choose(generator.integers(0, len(kinds), count), kinds)
    return _reachable(case, field) | generator.integers(0, 2, count) << fmt.field_bits


def _reachable(case, field):
    """Fields made such as sums can have."""
    fmt, (inf, nan) = case.fmt, case.specials
    number = np.minimum(field, case.largest)
    exp = np.maximum(number >> fmt.man_bits, 1)
    finer = np.clip(case.step + fmt.bias + fmt.man_bits - exp, 0, fmt.man_bits + 1)  # places below the smallest step
    number = np.where(finer > fmt.man_bits, 0, number & ~((1 << np.minimum(finer, fmt.man_bits)) - 1))
    keep = (inf & (field == fmt.inf)) | (nan & (field > fmt.inf))
    return np.where(keep, field, number)


def operands(generator, case, count):
    """Addends: random ones, a fifth of them of corner codes, and for codes many near 0 and near the largest."""
    def codes(fmt):
        near_ends = generator.choice([0, fmt.max_finite - 4 * fmt.min_normal], count) + generator.integers(
            0, 4 * fmt.min_normal, count)
        kinds = [random_codes(fmt, count, generator).astype(np.int64)] * 6 + [
            near_ends, generator.choice(corners(fmt), count).astype(np.int64)]
        return np.choose(generator.integers(0, len(kinds), count), kinds)

    if case.multiplier is None:
        return codes(case.fmt)
    return pack(case.multiplier, product(case.multiplier, codes(case.multiplier.a), codes(case.multiplier.b)))


def against_numpy(count, seed, cases=AGAINST_NUMPY, block=1 << 18):
    """fp32 addition, gates and golden, against numpy's: codes by float32 addition, products by `nearest_sum`.

    Parameters
    ----------
    count : int
        Of additions, at least; half of codes, the rest shared out among products.
    seed : int

    Returns
    -------
    count : int
    witness : str
        Empty, or the first addition that is wrong.
    """
    generator, done = np.random.default_rng(seed), 0
    for case in cases:
        share = count // 2 if case.multiplier is None and len(cases) > 1 else -(-count // max(1, 2 * (len(cases) - 1)))
        for start in range(0, share, block):
            p = operands(generator, case, min(block, share - start))
            witness = compare(case, directed(generator, case, p), p)
            done += len(p)
            if witness:
                return done, f"{case.name}: {witness}, seed {seed}"
    return done, ""


# Large formats, by a solver

SOLVED_BITS = 11  # of a product's significand; sums of wider ones were not decided in minutes

#: Sums of other designs than the catalogue's (`of`), and trees' sums of codes, that a solver decides.
SOLVED = [Sum(float_format(name), Multiplier.make("lmul", operand)) for operand, name in [
    ("e4m3", "bf16"), ("e5m2", "fp16"), ("fp16", "fp16")]]
SOLVED += [Sum(FORMATS[name]) for name in ("bf16", "fp16", "fp32")]


class Theory(Question):
    """A question in which codes are numbers of the solver's theory of floating point. A format is (exponent bits,
    precision); the solver has those of IEEE 754 with 16, 32, 64 and 128 bits."""

    SINGLE, DOUBLE = (8, 24), (11, 53)

    def __init__(self, logic):
        super().__init__(logic)
        self.rne = self.terms.mk_rm_value(bitwuzla.RoundingMode.RNE)

    def equal(self, x, y):
        return self(Kind.EQUAL, x, y)

    def is_one(self, literal):
        return self.equal(self.vector([literal]), self.constant(1, 1))

    def choose(self, literal, then, other):
        return self(Kind.ITE, self.is_one(literal), then, other)

    def extend(self, term, width, signed=False):
        kind = Kind.BV_SIGN_EXTEND if signed else Kind.BV_ZERO_EXTEND
        return self(kind, term, indices=(width - term.sort().bv_size(),))

    def number(self, code, fmt):
        return self(Kind.FP_TO_FP_FROM_BV, code, indices=fmt)

    def rounded(self, value, fmt):
        return self(Kind.FP_TO_FP_FROM_FP, self.rne, value, indices=fmt)

    def power(self, exponent, fmt):
        """2 to a power, a vector as wide as the exponent of ``fmt``."""
        biased = self(Kind.BV_ADD, exponent, self.constant((1 << (fmt[0] - 1)) - 1, fmt[0]))
        return self(Kind.FP_FP, self.constant(0, 1), biased, self.constant(0, fmt[1] - 1))

    def product(self, wide, fields):
        """The number that a wide product is, in double precision, which holds every one."""
        fmt, make = self.DOUBLE, self.terms
        sort = make.mk_fp_sort(*fmt)
        exp = self(Kind.BV_SUB, self.extend(self.vector(fields["exp"]), fmt[0], wide.exp_signed),
                   self.constant(wide.exp_bias + wide.frac_bits, fmt[0]))
        sig = self(Kind.FP_TO_FP_FROM_UBV, self.rne, self.vector(fields["sig"] + [TRUE] * wide.implicit_one),
                   indices=fmt)
        size = self(Kind.FP_MUL, self.rne, sig, self.power(exp, fmt))
        for flag, value in (("zero", make.mk_fp_pos_zero(sort)), ("inf", make.mk_fp_pos_inf(sort)),
                            ("nan", make.mk_fp_nan(sort))):
            size = self.choose(fields[flag][0], value, size) if flag in fields else size
        return self.choose(fields["sign"][0], self(Kind.FP_NEG, size), size)

    def differs(self, code, value, fmt):
        """Whether a code of ``fmt`` is not that of a number, zeros and NaN included."""
        if fmt.name == "bf16":  # the upper half of fp32, rounded as an integer
            single = self.terms.mk_const(self.terms.mk_bv_sort(32))
            odd = self.extend(self(Kind.BV_EXTRACT, single, indices=(16, 16)), 32)
            whole = self(Kind.BV_ADD, single, self.constant(0x7FFF, 32), odd)
            same = self.equal(code, self(Kind.BV_EXTRACT, whole, indices=(31, 16)))
            given = self.equal(self.number(single, self.SINGLE), value)
        else:
            same, given = self.equal(self.number(code, (fmt.exp_bits, fmt.man_bits + 1)), value), self.terms.mk_true()
        nan = self.equal(code, self.constant(fmt.nan, fmt.width))
        return self(Kind.AND, given, self(Kind.NOT, self(Kind.ITE, self(Kind.FP_IS_NAN, value), nan, same)))


    def subnormal(self, fmt, *codes):
        """Whether no code has an exponent: all are multiples of the format's smallest number, by their other bits."""
        return self.equal(self.vector([bit for code in codes for bit in code[fmt.man_bits : -1]]),
                          self.constant(0, len(codes) * fmt.exp_bits))

    def differs_as_integer(self, fmt, x, y, total):
        """Whether a code is not the sum of two such codes, which is exact; -0 is the sum of none but -0 and -0."""
        width, signs, sign = fmt.width + 1, (x[-1], y[-1]), total[-1]
        x, y, found = (self.choose(code[-1], self(Kind.BV_NEG, size), size) for code, size in (
            (code, self.extend(self.vector(code[:-1]), width)) for code in (x, y, total)))
        same = self.equal(found, self(Kind.BV_ADD, x, y))
        zero = self.equal(found, self.constant(0, width))
        signed = self.is_one(self.logic.xor(sign, self.logic.and_(*signs)))
        return self(Kind.NOT, self(Kind.ITE, zero, self(Kind.AND, same, self(Kind.NOT, signed)), same))


def split(wide, code):
    """The fields of a wide product, by name, out of its literals."""
    fields, start = {}, 0
    for name, width in wide.fields:
        fields[name] = code[start : start + width]
        start += width
    return fields


def _is_sum(question, case, code):
    """Whether a code is a sum that can be."""
    fmt, (inf, nan), make = case.fmt, case.specials, question.constant
    field = question.vector(code[:-1])
    width = fmt.field_bits + 1
    man = question.extend(question.vector(code[: fmt.man_bits]), width)
    exp = question.extend(question.vector(code[fmt.man_bits : -1]), width)
    zero = question.equal(field, make(0, fmt.field_bits))
    first = case.step + fmt.bias  # the exponent field of the smallest step, if it is that of a normal number
    scale = question(Kind.ITE, question.equal(exp, make(0, width)), make(1, width), exp)  # subnormals have that of 1
    finer = question(Kind.BV_SUB, make(max(first + fmt.man_bits, 0), width), scale)
    normal = question(Kind.BV_ULE, make(max(first, 0), width), exp)
    below = question(Kind.BV_SUB, question(Kind.BV_SHL, make(1, width), finer), make(1, width))
    coarse = question(Kind.BV_ULE, make(max(first + fmt.man_bits, 0), width), exp)
    whole = question.equal(question(Kind.BV_AND, man, below), make(0, width))
    number = question(Kind.AND, question(Kind.BV_ULE, field, make(case.largest, fmt.field_bits)), normal,
                      question(Kind.OR, coarse, whole))
    if first <= 1 - fmt.man_bits:  # every number of the format is a multiple of the step
        number = question(Kind.BV_ULE, field, make(case.largest, fmt.field_bits))
    allowed = [zero, number]
    if inf:
        allowed.append(question.equal(field, make(fmt.inf, fmt.field_bits)))
    if nan:
        allowed.append(question(Kind.BV_ULT, make(fmt.inf, fmt.field_bits), field))
    return question(Kind.OR, *allowed)


def _is_product(question, addend, p):
    """Whether a code is zero, Inf, NaN or a number that the `Addend` of products admits, as accumulators rely on."""
    wide, fields, make = addend.wide, split(addend.wide, p), question.constant
    width = wide.exp_bits + 1
    sig = question.vector(fields["sig"] + [TRUE] * wide.implicit_one)
    exp = question.extend(question.vector(fields["exp"]), width, wide.exp_signed)
    highest = make(addend.highest, width)
    allowed = [question(Kind.AND, question(Kind.BV_SLE, make(addend.lowest, width), exp),
                        question(Kind.BV_ULE, make(1 << (addend.sig_bits - 1 - addend.leading), addend.sig_bits), sig),
                        question(Kind.OR, question(Kind.BV_SLT, exp, highest), question(
                            Kind.AND, question.equal(exp, highest),
                            question(Kind.BV_ULE, sig, make(addend.largest, addend.sig_bits)))))]
    allowed += [question.is_one(fields[name][0]) for name in ("zero", "inf", "nan") if name in fields]
    return question(Kind.OR, *allowed)


def admitted(spec, limit=600):
    """Every product, by the gates of the multiplier, is one that accumulators rely on.

    Returns
    -------
    (verdict, witness)
    """
    logic = Logic()
    gates = exhaust.load(convert({"multiplier": multiplier(spec, wide=True)}))["multiplier"]
    operands = {"a": logic.inputs(spec.a.width), "b": logic.inputs(spec.b.width)}
    p = gates.build(logic, operands)["p"]
    question = Theory(logic)
    return question.never(question(Kind.NOT, _is_product(question, Addend.product(spec), p)), limit,
                          [(name, question.vector(bits)) for name, bits in (operands | {"p": p}).items()])


def solved(case, limit=600, circuit=None):
    """A sum of the accumulator and any product, by its gates, is what the solver's theory of IEEE addition says,
    rounded to nearest even once; and is again a sum that can be.

    Returns
    -------
    Proof
    """

    def examine():
        logic, fmt, spec = Logic(), case.fmt, case.multiplier
        acc, p = logic.inputs(fmt.width), logic.inputs(spec.wide.width if spec else fmt.width)
        if spec and (refused := admitted(spec, limit))[0] != PROVED:
            return *refused, 0
        total = (circuit or case.circuit).build(logic, {"acc": acc, "p": p})["sum"]
        question = Theory(logic)
        code, shown = question.vector(total), [(name, question.vector(bits)) for name, bits in
                                               (("acc", acc), ("p", p), ("sum", total))]
        native = question.SINGLE if fmt.name == "bf16" else (fmt.exp_bits, fmt.man_bits + 1)
        x, y = (_number(question, fmt, bits) for bits in (acc, p)) if not spec else (
            _number(question, fmt, acc), question.product(spec.wide, split(spec.wide, p)))
        if not spec:
            wrong = question.differs(code, question(Kind.FP_ADD, question.rne, x, y), fmt)
            wrong = question(Kind.ITE, question.subnormal(fmt, acc, p),
                             question.differs_as_integer(fmt, acc, p, total), wrong)
        else:
            if _fits(case):
                right = question(Kind.FP_ADD, question.rne, x, question.rounded(y, native))
            else:
                right = question(Kind.FP_ADD, question.rne, question.rounded(x, question.DOUBLE), y)
                right = question.rounded(right, native)
            given = question(Kind.AND, _is_sum(question, case, acc), _is_product(question, case.addend, p))
            wrong = question(Kind.AND, given, question(
                Kind.OR, question.differs(code, right, fmt), question(Kind.NOT, _is_sum(question, case, total))))
        return question.never_in_cases(wrong, _cases(question, case, acc, p, total), limit, shown)

    return proof(case.name, "every sum is IEEE's, rounded once", "SMT, floating-point theory, {:,} cases"
                 + (", by induction" if case.multiplier else ""), examine)


def _cases(question, case, acc, p, total):
    """What sums are told apart by, if a solver does not see through all at once: how far the exponents are apart and
    whether the signs are alike; then how far the sum's exponent is from the accumulator's. Each a list of conditions of
    which one always holds."""
    fmt, spec = case.fmt, case.multiplier
    width, reach = fmt.exp_bits + 3, fmt.man_bits + 4
    exp, exp_sum = (question.extend(question.vector(bits[fmt.man_bits : -1]), width) for bits in (acc, total))
    if spec:
        fields = split(spec.wide, p)
        exp_p, sign = question.extend(question.vector(fields["exp"]), width, spec.wide.exp_signed), fields["sign"][0]
    else:
        exp_p, sign = question.extend(question.vector(p[fmt.man_bits : -1]), width), p[-1]
    offset = fmt.bias - spec.wide.exp_bias if spec else 0

    def apart(x, y, low, offset):
        difference = question(Kind.BV_SUB, x, y)
        near = [question.equal(difference, question.constant(n + offset, width)) for n in range(low, reach + 1)]
        return [*near, question(Kind.NOT, question(Kind.OR, *near))]

    alike = question.equal(question.vector([acc[-1]]), question.vector([sign]))
    return [[question(Kind.AND, far, signs) for far in apart(exp, exp_p, -reach, offset)
             for signs in (alike, question(Kind.NOT, alike))], apart(exp, exp_sum, -1, 0)]


def _number(question, fmt, code):
    """A code as a number; of bf16 in single precision."""
    if fmt.name == "bf16":
        return question.number(question.vector([FALSE] * 16 + code), question.SINGLE)
    return question.number(question.vector(code), (fmt.exp_bits, fmt.man_bits + 1))


def _fits(case):
    """Whether products are numbers of the accumulator's format, or for bf16 of fp32. Those of others are added in
    double precision: with more than twice the bits of the format, and products of no more bits than it has, rounding
    once more changes nothing (Figueroa, "When is double rounding innocuous?", 1995)."""
    fmt, addend = case.fmt, case.addend
    man_bits = 23 if fmt.name == "bf16" else fmt.man_bits
    return (addend.sig_bits <= man_bits + 1 and addend.unit >= 1 - fmt.bias - man_bits
            and addend.highest - addend.wide.exp_bias + 2 < fmt.bias)


# Exact sums

def _exact_name(spec, depth, words):
    return sum_name(spec, Accumulator("carrysave" if words == 2 else "fixed", depth=depth))


def in_window(question, window, p):
    """What a product is in a window: the term of its value in units of the smallest, modulo the window's width; one
    that is true if its magnitude is none that the window knows; literals of its flags and of whether it has any."""
    logic, addend, wide = question.logic, window.addend, window.addend.wide
    fields, width = split(wide, p), window.bits + wide.exp_bits + 1
    shift = question(Kind.BV_SUB, question.extend(question.vector(fields["exp"]), width, wide.exp_signed),
                     question.constant(addend.lowest, width))
    sig = question.extend(question.vector(fields["sig"] + [TRUE] * wide.implicit_one), width)
    size = question(Kind.BV_SHL, sig, shift)
    reach = addend.highest - addend.lowest
    large = question(Kind.OR, question(Kind.BV_ULT, question.constant(reach, width), shift),
                     question(Kind.BV_ULT, question.constant(addend.largest << reach, width), size))
    size = question(Kind.BV_EXTRACT, size, indices=(window.bits - 1, 0))
    number = question.choose(fields["zero"][0], question.constant(0, window.bits), question.choose(
        fields["sign"][0], question(Kind.BV_NEG, size), size))
    inf, nan, sign = (fields.get(name, [FALSE])[0] for name in ("inf", "nan", "sign"))
    seen = [logic.or_(nan, logic.and_(inf, sign ^ 1)), logic.or_(nan, logic.and_(inf, sign))][: window.flags]
    large = question(Kind.AND, question.is_one(fields["zero"][0] ^ 1), large)
    return number, large, seen, logic.or_(inf, nan)


class Placed(Part):
    """One product in a window: what `Window.place` gives, one after the other."""

    def __init__(self, window):
        self.window = window
        super().__init__({"p": In(window.addend.wide.width), "placed": Out(window.bits + 1 + window.flags)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.placed.eq(Cat(self.window.place(m, self.p)))
        return m


def placement(spec, window, limit=120):
    """Whether `Placed` makes of every product of a multiplier, by the gates of both, its value in units of the window,
    1 short where it is negative, which no sum of as many as the window is for exceeds; and its flags."""
    logic = Logic()
    gates = exhaust.load(convert({"placed": Placed(window), "multiplier": multiplier(spec, wide=True)}))
    a, b = logic.inputs(spec.a.width), logic.inputs(spec.b.width)
    p = gates["multiplier"].build(logic, {"a": a, "b": b})["p"]
    found, bits = gates["placed"].build(logic, {"p": p})["placed"], window.bits
    question = Theory(logic)
    value, large, seen, special = in_window(question, window, p)
    total = question(Kind.BV_ADD, question.vector(found[:bits]), question.extend(question.vector([found[bits]]), bits))
    wrong = question(Kind.OR, large, question(Kind.NOT, question.equal(total, value)))
    flagged = question.is_one(logic.any(map(logic.xor, found[bits + 1 :], seen)))
    wrong = question(Kind.OR, flagged, question(Kind.AND, question.is_one(special ^ 1), wrong))
    reach = window.addend.largest << (window.addend.highest - window.addend.lowest)
    if window.depth * reach >= 1 << (bits - 1):
        return UNDECIDED, ""
    return question.never(wrong, limit, [("a", question.vector(a)), ("b", question.vector(b)),
                                         ("p", question.vector(p))])


def total_of(question, raw, window, words):
    """The words of a sum as one."""
    parts = [question.vector(raw[n * window.bits : (n + 1) * window.bits]) for n in range(words)]
    return parts[0] if words == 1 else question(Kind.BV_ADD, *parts)


def wrong_total(question, window, words, raw, after, number, flags):
    """A term that is true where a sum ``after`` is not the sum ``raw`` with a number added and flags joined."""
    logic, start = question.logic, words * window.bits
    right = question(Kind.BV_ADD, total_of(question, raw, window, words), number)
    joined = (logic.xor(logic.or_(old, new), found)
              for old, new, found in zip(raw[start:], flags, after[start:], strict=True))
    same = question.equal(total_of(question, after, window, words), right)
    return question(Kind.OR, question.is_one(logic.any(joined)), question(Kind.NOT, same))


def _possible(question, window, total):
    """A term that is true for every sum that can be: all numbers of the window but the least. Of 4 bits, 1000 is -8 and
    its negative is 1000 again, so that the magnitude would be wrong; the window is made so wide that the sum of
    ``depth`` products never gets there (here it stays within -7 and 7)."""
    return question(Kind.NOT, question.equal(total, question.constant(1 << (window.bits - 1), window.bits)))


def exact_step(spec, depth, words, limit=120, text=None):
    """A step of an exact sum adds the product in units of the smallest, modulo the width; flags stay and join.

    In two parts: `placement`; and whatever is placed, by the same gates in the adder as in `Placed`, is added.

    Parameters
    ----------
    text : str
        Verilog of a module ``adder`` to be examined; by default that of `FixedAdder`.
    """

    def examine():
        window, logic = Window(Addend.product(spec), depth), Logic()
        refused = placement(spec, window, limit)
        if refused[0] != PROVED:
            return refused
        gates = exhaust.load({"placed": convert({"placed": Placed(window)})["placed"],
                              "adder": text or convert({"adder": FixedAdder(window, words)})["adder"]})
        p, raw = logic.inputs(spec.wide.width), logic.inputs(words * window.bits + window.flags)
        found, bits = gates["placed"].build(logic, {"p": p})["placed"], window.bits
        after = gates["adder"].build(logic, {"acc": raw, "p": p})["sum"]
        question = Theory(logic)
        question.cut(found)
        number, short = question.vector(found[:bits]), question.extend(question.vector([found[bits]]), bits)
        number = question(Kind.BV_ADD, number, short)
        wrong = wrong_total(question, window, words, raw, after, number, found[bits + 1 :])
        return (PROVED if question.never(wrong, limit)[0] == PROVED else UNDECIDED), ""

    return proof(_exact_name(spec, depth, words), "every product is added exactly", "SMT, bit vectors", examine)


def drained(spec, depth, words, limit=300, text=None):
    """What leaves an exact sum is its value, rounded to nearest even to fp32 once, out of whatever state before.

    Parameters
    ----------
    text : str
        Verilog of a module ``drain`` to be examined; by default that of `FixedDrain`.
    """

    def examine():
        window, logic = Window(Addend.product(spec), depth), Logic()
        unit = FixedDrain(window, words)
        drain = machine.load({"drain": text or convert({"drain": unit})["drain"]})["drain"]
        raw, state = logic.inputs(words * window.bits + window.flags), logic.inputs(drain.registers)
        _, state = drain.step(logic, state, {"raw": raw, "en": [TRUE]} | drain.running)
        for _ in range(unit.latency - 1):
            _, state = drain.step(logic, state, {"en": [TRUE]} | drain.running)
        found, _ = drain.step(logic, state, {"en": [FALSE]} | drain.running)
        question = Theory(logic)
        assert _in_fp32(window)  # so rounding as an integer, then scaling, is exact
        fmt, code, flags = question.SINGLE, question.vector(found["c"]), raw[words * window.bits :]
        value = question(Kind.FP_TO_FP_FROM_SBV, question.rne, total_of(question, raw, window, words), indices=fmt)
        value = question(Kind.FP_MUL, question.rne, value,
                         question.power(question.constant(window.addend.unit, fmt[0]), fmt))
        sort = question.terms.mk_fp_sort(*fmt)
        if len(flags) == 2:
            value = question.choose(flags[0], question.terms.mk_fp_pos_inf(sort), value)
            value = question.choose(flags[1], question.terms.mk_fp_neg_inf(sort), value)
        if flags:
            value = question.choose(logic.and_(flags[0], flags[-1]), question.terms.mk_fp_nan(sort), value)
        sums = _possible(question, window, total_of(question, raw, window, words))
        return question.never(question(Kind.AND, sums, question.differs(code, value, FP32)), limit,
                              [("raw", question.vector(raw)), ("c", code)])

    return proof(_exact_name(spec, depth, words), "its sum leaves as fp32, rounded once", "SMT, floating-point theory",
                 examine)


def drained_in_cases(spec, depth, words, limit=300, text=None):
    """As `drained`, for sums beyond fp32's range, which a solver's theory has no numbers for: from register to
    register, and the rounding for each place that the leading one of a magnitude may have.

    Parameters
    ----------
    text : str
        As of `drained`.
    """

    def examine():
        window = Window(Addend.product(spec), depth)
        drain = machine.load({"drain": text or convert({"drain": FixedDrain(window, words)})["drain"]})["drain"]
        for step in [_resolved] * (words == 2) + [_magnitude]:
            verdict, witness = step(drain, window, words, limit)
            if verdict != PROVED:
                return verdict, witness, 0
        for top in range(-1, window.bits - 1):
            verdict, witness = _rounded(drain, window, top, limit)
            if verdict != PROVED:
                return verdict, witness, top + 1
        return PROVED, "", window.bits

    return proof(_exact_name(spec, depth, words), "its sum leaves as fp32, rounded once",
                 "SMT, bit vectors, {:,} places of the leading one", examine)


def _held(drain, state, name):
    """The bits of a register, by its name, out of those of a state."""
    return [state[place] for place in _places(drain, name)]


def _places(drain, name):
    """Where the bits of a register are in a state; one alone has no number."""
    found = {int(match[1] or 0): place for place, each in enumerate(drain.names)
             if (match := re.fullmatch(rf"{name}(?:_(\d+))?", each))}
    return [found[bit] for bit in range(len(found))]


def _resolved(drain, window, words, limit):
    """Two words are added up, and the flags kept, in the first cycle."""
    logic, bits = Logic(), window.bits
    raw = logic.inputs(words * bits + window.flags)
    _, state = drain.step(logic, logic.inputs(drain.registers), {"raw": raw, "en": [TRUE]} | drain.running)
    found, question = _held(drain, state, "resolved"), Theory(logic)
    wrong = question(Kind.OR, question(Kind.NOT, question.equal(question.vector(found[:bits]),
                                                                total_of(question, raw, window, words))),
                     question.is_one(logic.any(map(logic.xor, found[bits:], raw[words * bits :]))))
    return question.never(wrong, limit, [("raw", question.vector(raw))])


def _magnitude(drain, window, words, limit):
    """A word becomes sign and magnitude, and the flags are kept, in the next cycle."""
    logic, bits = Logic(), window.bits
    raw, state = logic.inputs(drain.inputs["raw"]), logic.inputs(drain.registers)
    word = raw if words == 1 else _held(drain, state, "resolved")
    _, state = drain.step(logic, state, {"raw": raw, "en": [TRUE]} | drain.running)
    question, value, found = Theory(logic), word[:bits], _held(drain, state, "magnitude")
    size = question.choose(value[-1], question(Kind.BV_NEG, question.vector(value)), question.vector(value))
    lost = logic.any(map(logic.xor, _held(drain, state, "held"), [value[-1], *word[bits:]]))
    wrong = question(Kind.OR, question(Kind.NOT, question.equal(question.vector([*found, FALSE]), size)),
                     question.is_one(lost))
    sums = _possible(question, window, question.vector(value))
    return question.never(question(Kind.AND, sums, wrong), limit, [("raw", question.vector(word))])


def _rounded(drain, window, top, limit):
    """A magnitude with its leading one at ``top``, or 0 (-1), becomes the code of the nearest fp32, ties to even."""
    logic = Logic()
    below = logic.inputs(max(top, 0))
    magnitude = [*below, TRUE] if top >= 0 else []
    magnitude += [FALSE] * (window.bits - 1 - len(magnitude))
    sign, *flags = [logic.input() if top >= 0 else FALSE, *logic.inputs(window.flags)]
    state = logic.inputs(drain.registers)
    for name, literals in (("magnitude", magnitude), ("held", [sign, *flags])):
        for place, literal in zip(_places(drain, name), literals, strict=True):
            state[place] = literal
    _, state = drain.step(logic, state, {"en": [TRUE]} | drain.running)
    found = drain.step(logic, state, {"en": [FALSE]} | drain.running)[0]["c"]

    # A place of fp32 at this exponent, as a place of the magnitude: what is below is rounded off.
    exp = top + window.addend.unit
    place = max(exp - FP32.man_bits, 1 - FP32.bias - FP32.man_bits) - window.addend.unit
    kept = [FALSE] * -place + magnitude[max(place, 0) : top + 1]
    half = magnitude[place - 1] if 0 < place <= top + 1 else FALSE
    rest = logic.any(magnitude[: max(place - 1, 0)])
    up = logic.and_(half, logic.or_(rest, kept[0] if kept else FALSE))
    question, width = Theory(logic), 48
    # The leading one adds 1 to the exponent of a normal number.
    base = max(exp + FP32.bias - 1, 0) << FP32.man_bits if top >= 0 else 0
    kept, up = (question.extend(question.vector(bits), width) for bits in ([*kept, FALSE], [up]))
    code = question(Kind.BV_ADD, question.constant(base, width), question(Kind.BV_ADD, kept, up))
    inf = question.constant(FP32.inf, width)
    code = question(Kind.ITE, question(Kind.BV_ULT, inf, code), inf, code)
    code = question(Kind.BV_CONCAT, question.vector([sign]), question(
        Kind.BV_EXTRACT, code, indices=(FP32.field_bits - 1, 0)))
    if len(flags) == 2:
        for flag, sign_of in zip(flags, (0, FP32.sign_mask), strict=True):
            code = question.choose(flag, question.constant(FP32.inf | sign_of, FP32.width), code)
    if flags:
        code = question.choose(logic.and_(flags[0], flags[-1]), question.constant(FP32.nan, FP32.width), code)
    return question.never(question(Kind.NOT, question.equal(question.vector(found), code)), limit,
                          [("magnitude", question.vector(magnitude)), ("c", question.vector(found))])


def _counted(name, claim, means, examine, good=PROVED):
    """The `Proof` of ``examine()``, which gives a count and a witness; ``means`` has a place for the count."""

    def counted():
        count, witness = examine()
        return REFUTED if witness else good, witness, count

    return proof(name, claim, means, counted)


def integer_step(spec, accumulator, limit=120):
    """A step of an integer sum adds a product, whichever it is, modulo its width."""

    def examine():
        logic, fmt, wide = Logic(), accumulator.result, spec.wide
        adder = running_sum(accumulator, Addend.product(spec)).adder()
        acc, p = logic.inputs(fmt.width), logic.inputs(wide.width)
        total = exhaust.load(convert({"adder": adder}))["adder"].build(logic, {"acc": acc, "p": p})["sum"]
        question = Theory(logic)
        number = question.extend(question.vector(p), fmt.width, signed=wide.signed)
        right = question(Kind.BV_ADD, question.vector(acc), number)
        shown = [(name, question.vector(bits)) for name, bits in (("acc", acc), ("p", p), ("sum", total))]
        return question.never(question(Kind.NOT, question.equal(question.vector(total), right)), limit, shown)

    return proof(sum_name(spec, accumulator), "every product is added exactly", "SMT, bit vectors", examine)


def of(spec, accumulator, limit=600):
    """Proofs of the sum into which a `mac`, `array` or `matmul` adds its products.

    Parameters
    ----------
    spec : Multiplier
    accumulator : Accumulator
    limit : float
        Seconds that the solver may take for one query.

    Yields
    ------
    Proof
        By the name that `sum_name` gives. None of wider products than `SOLVED_BITS` into a float.
    """
    if accumulator.kind == "float":
        if Addend.product(spec).sig_bits <= SOLVED_BITS:
            yield solved(Sum(accumulator.fmt, spec), limit)
    elif accumulator.integer:
        yield integer_step(spec, accumulator, limit)
    else:
        window = Window(Addend.product(spec), accumulator.depth)
        words = running_sum(accumulator, window.addend).words
        yield exact_step(spec, accumulator.depth, words, limit)
        yield (drained if _in_fp32(window) else drained_in_cases)(spec, accumulator.depth, words, limit)


def _in_fp32(window):
    """Whether all sums other than 0 are in the range of normal numbers of fp32."""
    return 1 - FP32.bias <= window.addend.unit <= FP32.bias - window.bits


def sum_name(spec, accumulator):
    return f"{spec.name} into {accumulator.name}"


def results(count=10_000_000, seed=20241008, limit=600):
    """All proofs of this module, one after the other.

    Parameters
    ----------
    count, seed : int
        How many additions are compared with numpy, and of which seed.
    limit : float
        Seconds that the solver may take for one proof.

    Yields
    ------
    Proof
    """
    for case in SMALL:
        yield _counted(case.name, "every sum is the exact one, rounded once", "exhaustion, {:,} additions",
                       lambda case=case: exhausted(case))
    yield _counted("codes into fp32", "sums are numpy's", "{:,} additions", lambda: against_numpy(count, seed),
                   COMPARED)
    for case in SOLVED:
        yield solved(case, limit)
