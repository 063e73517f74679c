"""Accumulators: all sums of small formats, corners and random sums of large ones, exact sums and how they end."""

from fractions import Fraction

import numpy as np
import pytest
import rational
from amaranth.sim import Simulator
from lmul.golden import kernels
from lmul.golden.accumulate import target
from lmul.golden.codec import encode
from lmul.golden.formats import FORMATS, float_format
from lmul.golden.products import pack, product, unpack
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.golden.stimulus import corners, random_codes
from lmul.hdl.accumulator import running_sum
from lmul.hdl.addend import Addend
from lmul.hdl.fixed import FixedAdder, FixedDrain, Window
from lmul.hdl.fpadd import FloatAdder
from lmul.hdl.verilog import convert
from lmul.prove import exhaust
from lmul.prove.float_sums import CodeAdder

# Multiplier and format of the sum: with and without subnormal sums, overflow, specials; every alignment and rounding.
SMALL = [
    (Multiplier.make("lmul", "e3m2"), "e4m2"),
    (Multiplier.make("lmul", "e3m2", subnormals="exact"), "e3m3"),
    (Multiplier.make("exact", "e3m2"), "e4m2"),
    (Multiplier.make("exact", "e3m2", subnormals="flush"), "e5m1"),
    (Multiplier.make("exact", "e4m2"), "e4m2"),
    (Multiplier.make("lmul", "e4m2"), "e4m2"),
    (Multiplier.make("lmul", "e4m3"), "e4m2"),
    (Multiplier.make("lmul", "e2m1"), "e5m2"),
    (Multiplier.make("exact", "e2m1"), "e8m1"),
    (Multiplier.make("exact", "e2m3"), "e5m3"),
    (Multiplier.make("mitchell", "e3m2"), "e5m4"),
    (Multiplier.make("lmul", "e4m2", "e2m1"), "e4m4"),
    # Sums that their exponents leave without subnormals and overflow, of addends of few bits.
    (Multiplier.make("lmul", "e3m2"), "e6m5"),
    (Multiplier.make("exact", "e2m1"), "e5m4"),
    (Multiplier.make("exact", "e3m2"), "e6m6"),
    (Multiplier.make("lmul", "e5m2"), "e7m3"),
]
LARGE = [("lmul", "e4m3", "fp32"), ("exact", "e4m3", "fp32"), ("lmul", "e5m2", "bf16"), ("exact", "bf16", "fp32"),
         ("lmul", "bf16", "bf16"), ("exact", "fp16", "fp16"), ("lmul", "fp32", "fp32"), ("exact", "fp16", "bf16"),
         ("lmul", "e4m3", "fp16"), ("exact", "e4m3", "fp16")]


@kernels.compiled
def added(fmt, acc, sign, mag, exp, flags, out):
    """golden's step, one sum for each element."""
    for i in range(len(out)):
        out[i] = kernels.added(fmt, acc[i], sign[i], mag[i], exp[i], flags[i])


def step(fmt, spec, acc, p):
    """``acc`` plus wide products, by golden."""
    wide = unpack(spec, p)
    sig = wide.sig.astype(np.int64) + (spec.wide.implicit_one << spec.wide.frac_bits)
    special = wide.inf | wide.nan
    flags = np.where(wide.nan, kernels.NAN, np.where(wide.inf, kernels.INF, 0))
    out = np.empty(len(acc), np.int64)
    added(target(fmt), acc.astype(np.int64), wide.sign.astype(np.int64), np.where(wide.zero | special, 0, sig),
          wide.exp.astype(np.int64) - spec.wide.exp_bias - spec.wide.frac_bits, flags, out)
    return out


def wide_codes(spec):
    """Every wide product that there is."""
    a, b = np.meshgrid(np.arange(1 << spec.a.width), np.arange(1 << spec.b.width))
    return np.unique(pack(spec, product(spec, a.ravel(), b.ravel())))


def circuits(adders):
    """Components as gates, by name."""
    return exhaust.load(convert(adders))


@pytest.fixture(scope="module")
def small():
    return circuits({f"small_{i}": FloatAdder(float_format(name), Addend.product(spec))
                     for i, (spec, name) in enumerate(SMALL)})


@pytest.mark.parametrize("case", range(len(SMALL)), ids=[f"{spec.name}-{name}" for spec, name in SMALL])
def test_every_sum_of_small_formats(case, small):
    """Every sum that can be reached from +0, plus every product."""
    spec, fmt = SMALL[case][0], float_format(SMALL[case][1])
    products, reached, new = wide_codes(spec), np.zeros(1, np.int64), np.zeros(1, np.int64)
    while len(new):
        acc, p = (codes.ravel() for codes in np.meshgrid(new, products))
        expected = step(fmt, spec, acc, p)
        wrong = np.flatnonzero(small[f"small_{case}"](acc=acc, p=p)["sum"] != expected)
        assert not len(wrong), f"{acc[wrong[0]]:#x} plus {p[wrong[0]]:#x} must be {expected[wrong[0]]:#x}"
        new = np.setdiff1d(expected, reached)
        reached = np.union1d(reached, new)
    assert len(reached) > 40


@pytest.mark.parametrize(("kind", "operand", "name", "short"), [
    ("lmul", "e4m3", "fp32", True), ("exact", "e4m3", "fp32", True), ("exact", "fp16", "fp32", True),
    ("lmul", "e5m2", "bf16", True), ("lmul", "e4m3", "e8m4", True),
    ("lmul", "e4m3", "e8m3", False),  # as many bits as the sum, hidden one included
    ("lmul", "bf16", "fp32", False), ("lmul", "e4m3", "fp16", False),  # subnormal sums, and such as overflow
])
def test_which_addends_are_short(kind, operand, name, short):
    adder = FloatAdder(float_format(name), Addend.product(Multiplier.make(kind, operand)))
    assert bool(adder.short) == short


@pytest.fixture(scope="module")
def large():
    return circuits({f"large_{i}": FloatAdder(float_format(name), Addend.product(Multiplier.make(kind, operand)))
                     for i, (kind, operand, name) in enumerate(LARGE)})


@pytest.mark.parametrize("case", range(len(LARGE)), ids=["-".join(names) for names in LARGE])
def test_sums_of_large_formats(case, large, seed):
    """Corner and random products, added to sums of any size, many of their own size, so that they cancel."""
    kind, operand, name = LARGE[case]
    spec, fmt = Multiplier.make(kind, operand), float_format(name)
    generator, count = np.random.default_rng(seed), 150_000
    a, b = (np.where(generator.random(count) < 0.2, generator.choice(corners(f), count),
                     random_codes(f, count, generator)) for f in (spec.a, spec.b))
    p = pack(spec, product(spec, a, b))
    acc = _sums(generator, Addend.product(spec), spec, fmt, p)
    expected = step(fmt, spec, acc, p)
    wrong = np.flatnonzero(large[f"large_{case}"](acc=acc, p=p)["sum"] != expected)
    assert not len(wrong), f"{acc[wrong[0]]:#x} plus {p[wrong[0]]:#x} must be {expected[wrong[0]]:#x}"


def _sums(generator, addend, spec, fmt, p):
    """Sums that products can have: multiples of the smallest step, up to where a sum no longer grows."""
    wide = unpack(spec, p)
    count = len(p)
    near = wide.exp.astype(np.int64) - spec.wide.exp_bias + generator.integers(-30, 30, count)
    anywhere = generator.integers(addend.unit, addend.highest - spec.wide.exp_bias + fmt.man_bits, count)
    exp = np.where(generator.random(count) < 0.7, near, anywhere)
    exp = np.clip(exp, addend.unit, addend.highest - spec.wide.exp_bias + fmt.man_bits)
    step = np.ldexp(1.0, np.maximum(addend.unit, exp - fmt.man_bits))
    value = np.round(np.ldexp(1 + generator.random(count), exp) / step) * step
    # A few share their upper bits with the product, and cancel far down.
    close = np.ldexp(wide.sig.astype(float) + (spec.wide.implicit_one << spec.wide.frac_bits),
                     wide.exp.astype(np.int32) - spec.wide.exp_bias - spec.wide.frac_bits)
    shared = (generator.random(count) < 0.2) & ~wide.zero  # the fields of a zero are not a number's
    value = np.where(shared, close + step * generator.integers(-2, 3, count), value)
    with np.errstate(over="ignore"):
        acc = encode(fmt, np.where(generator.random(count) < 0.5, value, -value), overflow="ieee").astype(np.int64)
    special = [code for code, there in ((fmt.nan, spec.wide.has_nan), (fmt.inf, spec.wide.has_inf),
                                        (fmt.inf and fmt.inf | fmt.sign_mask, spec.wide.has_inf), (0, True)) if there]
    return np.where(generator.random(count) < 0.05, generator.choice(special, count), acc)


def test_every_sum_of_codes():
    fmt = float_format("e4m2")
    circuit = circuits({"codes": CodeAdder(fmt)})["codes"]
    x, y = (codes.ravel() for codes in np.meshgrid(*[np.arange(1 << fmt.width)] * 2))
    expected = [rational.accumulated(fmt, a, b >> fmt.field_bits, rational.magnitude(fmt, b))
                for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    wrong = np.flatnonzero(circuit(acc=x, p=y)["sum"] != expected)
    assert not len(wrong), f"{x[wrong[0]]:#x} plus {y[wrong[0]]:#x} must be {expected[wrong[0]]:#x}"


EXACT = [(Multiplier.make("lmul", "e4m3"), 1), (Multiplier.make("lmul", "e4m3", subnormals="exact"), 1),
         (Multiplier.make("exact", "e4m3"), 1), (Multiplier.make("lmul", "e5m2", "e2m1"), 1),
         (Multiplier.make("lmul", "e3m4"), 2), (Multiplier.make("exact", "e3m2"), 2)]
DEPTH = 5


@pytest.fixture(scope="module")
def exact():
    return circuits({f"exact_{i}": FixedAdder(Window(Addend.product(spec), DEPTH), words)
                     for i, (spec, words) in enumerate(EXACT)})


@pytest.mark.parametrize("case", range(len(EXACT)), ids=[f"{spec.name}-{words}" for spec, words in EXACT])
def test_exact_sums(case, exact, seed):
    """Every product, added to random sums and to the largest that leave room for one more."""
    spec, words = EXACT[case]
    addend = Addend.product(spec)
    window, generator = Window(addend, DEPTH), np.random.default_rng(seed)
    largest = (DEPTH - 1) * addend.largest << (addend.highest - addend.lowest)
    sums = np.concatenate([[0, largest, -largest], generator.integers(-largest, largest, 60)])
    acc, p = (codes.ravel() for codes in np.meshgrid(sums, wide_codes(spec)))
    mask, split = (1 << window.bits) - 1, generator.integers(0, 1 << 62, len(acc)) if words == 2 else 0
    flags = generator.integers(0, 1 << window.flags, len(acc))
    raw = ((acc - split) & mask) | (split & mask if words == 2 else 0) << window.bits | flags << words * window.bits

    result = exact[f"exact_{case}"](acc=raw.astype(np.uint64), p=p)["sum"].astype(np.int64)
    total, seen = sum(result >> i * window.bits for i in range(words)) & mask, result >> words * window.bits
    wide = unpack(spec, p)
    number = (wide.sig.astype(np.int64) + (spec.wide.implicit_one << spec.wide.frac_bits)) << np.maximum(
        wide.exp.astype(np.int64) - addend.lowest, 0)
    expected = acc + np.where(wide.zero, 0, np.where(wide.sign, -number, number))
    finite = ~(wide.inf | wide.nan)
    assert (total == expected & mask)[finite].all()
    new = np.where(wide.nan, 3, np.where(wide.inf, 1 << wide.sign, 0)) if window.flags == 2 else wide.nan
    assert (seen & ((1 << window.flags) - 1) == flags | new).all()


@pytest.mark.parametrize(("kind", "fmt", "words", "steps"), [
    ("lmul", "e4m3", 1, 1), ("exact", "e5m2", 2, 1), ("exact", "bf16", 1, 4), ("exact", "bf16", 1, 1),
    ("lmul", "bf16", 2, 2), ("lmul", "e2m1", 1, 3)])
def test_drain(kind, fmt, words, steps, seed):
    """Ties, powers of two and random sums of all sizes, rounded once; specials; a number each cycle, ``en`` or not."""
    window = Window(Addend.product(Multiplier.make(kind, fmt)), 100)
    drain, generator = FixedDrain(window, words, steps), np.random.default_rng(seed)
    fp32, sums = FORMATS["fp32"], [0]
    for top in range(window.bits - 1):
        tie = (1 << top) | (1 << max(top - fp32.man_bits - 1, 0))
        below = int(generator.integers(1 << 24))
        sums += [tie, tie - 1, tie + 1, -tie, 3 * tie // 2, (2 << top) - 1, -(1 << top) - below]
    sums = [total for total in sums if abs(total) < 1 << (window.bits - 1)]
    sums = [sums[i] for i in generator.permutation(len(sums))[:400]]
    flags = generator.integers(0, 1 << window.flags, len(sums)) * (generator.random(len(sums)) < 0.1)
    step = rational.power(window.addend.unit)
    expected = [_drained(fp32, total * step, int(flag), window.flags) for total, flag in zip(sums, flags, strict=True)]

    async def bench(ctx):
        results, offered = [], 0
        for cycle in range(10_000):
            en = bool(generator.integers(4)) and cycle > 0
            total, flag = (sums[offered], int(flags[offered])) if offered < len(sums) else (0, 0)
            split = int(generator.integers(1 << 62)) if words == 2 else 0
            mask = (1 << window.bits) - 1
            ctx.set(drain.raw, ((total - split) & mask) | (split & mask) << window.bits * (words - 1)
                    | flag << window.bits * words)
            ctx.set(drain.en, en)
            _, _, code = await ctx.tick().sample(drain.c)
            if en:
                offered += 1
                results.append(code)
            if offered == len(sums) + drain.latency:
                break
        assert results[drain.latency :] == expected

    simulator = Simulator(drain)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def _drained(fmt, total, flags, width):
    """fp32 of an exact sum whose flags are as `Window` has them."""
    if flags == (1 << width) - 1 and width:
        return fmt.nan
    return fmt.inf | (flags == 2) << fmt.field_bits if flags else rational.rounded(fmt, Fraction(total))


@pytest.mark.parametrize("name", ["fixed", "carrysave", "carrysave1", "fixed100000"])
def test_exact_sum_is_no_wider_than_it_must_be(name):
    spec, accumulator = Multiplier.make("lmul", "e4m3"), parse_accumulator(name)
    held = running_sum(accumulator, Addend.product(spec))
    largest = rational.product(spec, spec.a.max_finite, spec.b.max_finite) / rational.power(held.addend.unit)
    smallest = rational.product(spec, spec.a.min_normal, spec.b.min_normal) / rational.power(held.addend.unit)
    assert smallest.denominator == largest.denominator == 1
    assert 1 << (held.window.bits - 2) <= accumulator.depth * largest < 1 << (held.window.bits - 1)


@pytest.mark.parametrize(("name", "spec", "message"), [
    ("int32", Multiplier.make("lmul", "e4m3"),
     "Accumulator must be a float format, fixed or carrysave for .*, not 'int32'"),
    ("fp32", Multiplier.make("int8", None), "Accumulator must be int32 for .*, not 'fp32'"),
])
def test_refused(name, spec, message):
    with pytest.raises(ValueError, match=message):
        running_sum(parse_accumulator(name), Addend.product(spec))
