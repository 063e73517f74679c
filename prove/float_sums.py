"""Floating-point accumulators by comparison: small formats exhausted, fp32 against numpy; gates and golden alike.

A float accumulator is proved for the sums that its products can have, and that sums of such sums are such sums: so for
every sum from +0 or -0 on, however long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from ..golden import kernels
from ..golden.accumulate import target
from ..golden.codec import decode, encode
from ..golden.formats import FORMATS, FloatFormat, float_format
from ..golden.products import pack, product, unpack, wide_value
from ..golden.spec import Multiplier
from ..golden.stimulus import all_pairs, corners, random_codes
from ..hdl.addend import Addend, expand
from ..hdl.fpadd import FloatAdder
from ..hdl.part import Part
from . import exhaust
from .obligation import COMPARED, PROVED, REFUTED, Answer, Obligation, Source

if TYPE_CHECKING:
    from ..golden.spec import WideFormat
    from .exhaust import Circuit

FP32 = FORMATS["fp32"]


class CodeAdder(Part):
    """Two codes of one format, as a tree of adders adds them: an IEEE adder.

    Members
    -------
    acc, p : ``In(fmt.width)``
    sum : ``Out(fmt.width)``
    """

    acc: Signal
    p: Signal
    sum: Signal

    def __init__(self, fmt: FloatFormat) -> None:
        self.fmt = fmt
        super().__init__({"acc": In(fmt.width), "p": In(fmt.width), "sum": Out(fmt.width)})

    def elaborate(self, platform: Any) -> Module:
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
    def name(self) -> str:
        return f"{self.multiplier.name if self.multiplier else 'codes'} into {self.fmt}"

    @property
    def addend(self) -> Addend:
        return Addend.product(self.multiplier) if self.multiplier else Addend.code(self.fmt)

    @property
    def source(self) -> Source:
        """The adder as gates: ports ``acc``, ``p`` and ``sum``."""
        return Source(exhaust.load, CodeAdder, (self.fmt,)) if not self.multiplier else Source(
            exhaust.load, FloatAdder, (self.fmt, self.addend))

    @property
    def step(self) -> int:
        """Base-two logarithm of what all sums are multiples of."""
        return max(self.addend.unit, 1 - self.fmt.bias - self.fmt.man_bits)

    @property
    def specials(self) -> tuple[bool, bool]:
        """Whether sums can be Inf, and NaN."""
        wide, adder = self.addend.wide, FloatAdder(self.fmt, self.addend)
        return adder.has_inf, adder.has_inf and wide.has_inf or wide.has_nan

    @property
    def largest(self) -> int:
        """Field of the largest sum that is a number: the power of two of which the largest product is below half the
        last place, so that the sum grows no more."""
        top = FloatAdder(self.fmt, self.addend).high + self.fmt.man_bits + 2
        return min(top << self.fmt.man_bits, self.fmt.max_finite)

    def values(self, p: np.ndarray) -> np.ndarray:
        """The values of addends, float64."""
        return wide_value(self.multiplier, unpack(self.multiplier, p)) if self.multiplier else decode(self.fmt, p)

    def golden(self, acc: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The sums' codes by golden."""
        acc, p, out = acc.astype(np.int64), p.astype(np.int64), np.empty(len(acc), np.int64)
        if not self.multiplier:
            _codes_added(target(self.fmt), acc, p, out)
            return out
        wide, spec = unpack(self.multiplier, p), cast("WideFormat", self.multiplier.wide)
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


def nearest_sum(fmt: FloatFormat, acc: np.ndarray, values: np.ndarray) -> np.ndarray:
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
    return np.where(np.isnan(odd), cast(int, fmt.nan), codes)


def compare(case: Sum, circuit: Circuit, acc: np.ndarray, p: np.ndarray) -> dict[str, Any]:
    """The first sum that gates, golden and float64 arithmetic do not all give alike.

    Parameters
    ----------
    case : Sum
    circuit : Circuit
        The case's adder.
    acc, p : arrays of codes

    Returns
    -------
    dict of str to int or str
        A witness, empty if there is none.
    """
    if case.multiplier is None and case.fmt == FP32:
        with np.errstate(all="ignore"):
            right = (acc.astype(np.uint32).view(np.float32) + p.astype(np.uint32).view(np.float32))
        right = np.where(np.isnan(right), cast(int, FP32.nan), right.view(np.uint32).astype(np.int64))
    else:
        right = nearest_sum(case.fmt, acc, case.values(p))
    for who, found in (("gates", circuit(acc=acc, p=p)["sum"]), ("golden", case.golden(acc, p))):
        wrong = np.flatnonzero(found != right)
        if len(wrong):
            i = wrong[0]
            return {"by": who, "acc": acc[i], "p": p[i], "gives": found[i], "not": right[i]}
    return {}


# Small formats, exhausted

_POLICIES = [("lmul", {}), ("lmul", {"subnormals": "exact"}), ("exact", {}), ("exact", {"subnormals": "flush"})]
#: Every multiplier of three formats into accumulators with few and with many exponents.
_E3M2 = FloatFormat("e3m2", 3, 2, 3)  # with Inf and NaN, which the catalogue's has not
SMALL = [Sum(fmt, Multiplier.make(kind, operand, **policies)) for fmt in (_E3M2, float_format("e4m2"))
         for operand in ("e2m1", "e3m2", "e4m3") for kind, policies in _POLICIES]
#: Accumulators of so many exponents that no sum is subnormal or overflows: those have an adder of their own.
SMALL += [Sum(float_format(fmt), Multiplier.make(kind, operand)) for kind, operand, fmt in [
    ("lmul", "e2m1", "e5m2"), ("exact", "e2m1", "e5m4"), ("lmul", "e3m2", "e6m3"), ("exact", "e3m2", "e6m6"),
    ("lmul", "e5m2", "e7m3")]]
SMALL += [Sum(fmt) for fmt in (_E3M2, float_format("e4m2"), float_format("e4m4"))]


def addends(case: Sum) -> np.ndarray:
    """All that an accumulator may be given."""
    if case.multiplier is None:
        return np.arange(1 << case.fmt.width)
    return np.unique(pack(case.multiplier, product(case.multiplier, *all_pairs(case.multiplier)))).astype(np.int64)


def exhausted(circuits: Mapping[str, Circuit], seconds: float, case: Sum) -> Answer:
    """Every sum that can be reached from +0 or -0, and every addend; tells how many additions."""
    every, reached, count = addends(case), np.array([], np.int64), 0
    new = np.array([0, case.fmt.sign_mask]) if case.multiplier else every
    while len(new):
        acc, p = (codes.ravel() for codes in np.meshgrid(new, every))
        count += len(acc)
        witness = compare(case, circuits["adder"], acc, p)
        if witness:
            return Answer(REFUTED, witness, (count,))
        reached = np.union1d(reached, new)
        new = np.setdiff1d(case.golden(acc, p), reached)
    return Answer(PROVED, told=(count,))


# fp32 against numpy

#: What is added in fp32: codes, products that have every sum of fp32, and products that do not.
AGAINST_NUMPY = [Sum(FP32), Sum(FP32, Multiplier.make("exact", "bf16")), Sum(FP32, Multiplier.make("lmul", "fp32")),
                 Sum(FP32, Multiplier.make("lmul", "e4m3"))]


def directed(generator: np.random.Generator, case: Sum, p: np.ndarray) -> np.ndarray:
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


def operands(generator: np.random.Generator, case: Sum, count: int) -> np.ndarray:
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


def against_numpy(circuits: Mapping[str, Circuit], seconds: float, case: Sum, count: int, seed: int,
                  block: int = 1 << 18) -> Answer:
    """fp32 addition, gates and golden, against numpy's: codes by float32 addition, products by `nearest_sum`; tells
    how many of which seed."""
    generator = np.random.default_rng(seed)
    for start in range(0, count, block):
        p = operands(generator, case, min(block, count - start))
        witness = compare(case, circuits["adder"], directed(generator, case, p), p)
        if witness:
            return Answer(REFUTED, witness, (start + len(p), seed))
    return Answer(COMPARED, told=(count, seed))


def of(case: Sum) -> Obligation:
    """The obligation of a small sum."""
    return Obligation(case.name, "every sum is the exact one, rounded once", "exhaustion, {:,} additions", exhausted,
                      (case,), {"adder": case.source})


def compared(case: Sum, count: int, seed: int) -> Obligation:
    """The obligation of a sum of fp32 that is compared ``count`` times."""
    return Obligation(case.name, "sums are numpy's", "{:,} additions, seed {}", against_numpy, (case, count, seed),
                      {"adder": case.source}, weight=100)


def obligations(count: int = 10_000_000, seed: int = 20241008) -> Iterator[Obligation]:
    """Small formats exhausted, and ``count`` additions of fp32 compared: half of codes, the rest shared out among
    products."""
    yield from map(of, SMALL)
    codes, *products = AGAINST_NUMPY
    yield compared(codes, count // 2, seed)
    yield from (compared(case, -(-count // (2 * len(products))), seed) for case in products)
