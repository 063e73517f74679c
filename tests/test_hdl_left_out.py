"""Logic that adders leave out because no sum needs it: there where one does, and only there.

The designs stand at the edges of the conditions. Of the adders every sum that can be reached from +0 is known, so what
is needed is known too. The conditions are then broken in the source, one at a time, and each fault must be found."""

import ast
import inspect
import math
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import rational
from amaranth.sim import Simulator
from broken_source import broken, faults
from lmul.golden.formats import float_format
from lmul.golden.products import unpack, wide_value
from lmul.golden.spec import Multiplier
from lmul.hdl import fixed, fpadd
from lmul.hdl.addend import Addend
from lmul.hdl.verilog import convert
from lmul.prove import exhaust
from test_hdl_accumulator import step, wide_codes

#: Multiplier and format of the sum. Biased as the sum's, the exponents of the smallest step, of the smallest product
#: and of the largest sum are 0 or 1, or at the mask and one off.
ADDERS = [(Multiplier.make(kind, *formats, subnormals=subnormals), name) for kind, formats, subnormals, name in [
    ("lmul", ("e3m1", "e2m1"), "flush", "e3m1"),  # smallest step 0, smallest product 1
    ("exact", ("e2m2", "e2m1"), "exact", "e3m1"),  # both 0
    ("lmul", ("e2m2", "e2m1"), "exact", "e3m1"),  # smallest step -2, smallest product 0
    ("exact", ("e2m1",), "exact", "e3m1"),  # both 1
    ("lmul", ("e2m1",), "flush", "e4m1"),  # just reaches Inf
    ("exact", ("e2m1",), "exact", "e4m1"),
    ("lmul", ("e3m2",), "flush", "e5m4"),  # just does not
]]
#: Multiplier and depth: the lowest bit of a window is fp32's smallest normal (1), or half of it (0); the highest is one
#: below what fp32 holds (254), or just beyond (255).
DRAINS = [(Multiplier.make("lmul", a, b), depth) for a, b, depth in [
    ("e7m2", "e7m1", 1), ("e7m2", "e7m1", 2), ("e7m3", "e7m1", 1), ("e7m3", "e7m1", 2)]]


@pytest.fixture(scope="module")
def sums():
    """Of each adder every sum that can be: the operands, golden's sum, and what was reached."""
    found = []
    for spec, name in ADDERS:
        fmt, products = float_format(name), wide_codes(spec)
        reached, new, tried = np.zeros(1, np.int64), np.zeros(1, np.int64), []
        while len(new):
            acc, p = (codes.ravel() for codes in np.meshgrid(new, products))
            tried.append((acc, p, step(fmt, spec, acc, p)))
            new = np.setdiff1d(tried[-1][2], reached)
            reached = np.union1d(reached, new)
        acc, p, expected = (np.concatenate(parts) for parts in zip(*tried, strict=True))
        wide = unpack(spec, p)
        finite = ((acc & (fmt.sign_mask - 1)) < fmt.inf) & ~wide.inf & ~wide.nan
        result = expected[finite] & (fmt.sign_mask - 1)
        values = np.abs(wide_value(spec, wide)[finite])
        needs = {"gradual": np.any((result > 0) & (result < fmt.min_normal)), "overflow": np.any(result == fmt.inf),
                 "crossing": np.any((values > 0) & (values < 2.0 ** (1 - fmt.bias)))}
        found.append(SimpleNamespace(spec=spec, fmt=fmt, acc=acc, p=p, expected=expected,
                                     needs={name: bool(need) for name, need in needs.items()}))
    return found


def left_out(component):
    return {name: getattr(component, name) for name in ("gradual", "overflow", "crossing")}


def test_designs_stand_at_the_edges(sums):
    """Each kind of logic is needed by one design and not by another that is one step away."""
    seen = [(adder.low, adder.high + adder.fmt.man_bits + 3 - adder.fmt.exp_mask, adder.addend.unit + adder.fmt.bias)
            for adder in (fpadd.FloatAdder(case.fmt, Addend.product(case.spec)) for case in sums)]
    assert {0, 1} <= {low for low, _, _ in seen} and {0, 1} <= {over for _, over, _ in seen}
    assert {0, 1} <= {step for _, _, step in seen}
    drains = [fixed.FixedDrain(fixed.Window(Addend.product(spec), depth), 1) for spec, depth in DRAINS]
    assert {(drain.lowest, drain.highest) for drain in drains} == {(1, 254), (1, 255), (0, 254), (0, 255)}


def test_an_adder_has_what_its_sums_need(sums):
    adders = [fpadd.FloatAdder(case.fmt, Addend.product(case.spec)) for case in sums]
    assert [left_out(adder) for adder in adders] == [case.needs for case in sums]
    assert not wrong_sums({"": adders}, sums)


def wrong_sums(adders, sums):
    """Names of lists of adders of which one gives a wrong sum."""
    gates = exhaust.load(convert({f"adder{n}_{i}": adder for n, some in enumerate(adders.values())
                                  for i, adder in enumerate(some)}))
    return {name for n, name in enumerate(adders)
            if any(np.any(gates[f"adder{n}_{i}"](acc=case.acc, p=case.p)["sum"] != case.expected)
                   for i, case in enumerate(sums))}


def conditions(module, cls):
    """The faults in the constructor of a class: their numbers and words, and the module with one of them."""
    tree = ast.parse(inspect.getsource(module))
    lines, first = inspect.getsourcelines(getattr(module, cls).__init__)
    for number, (_, _, words) in enumerate(faults(tree)):
        line = int(words.split()[1].rstrip(":"))
        if first < line < first + len(lines) - 1:  # without its head, and the call that gives the ports
            names = dict(vars(module))
            exec(compile(broken(tree, number), module.__file__, "exec"), names)
            yield f"{lines[line - first].strip()}: {words.split(': ')[1]}", names[cls]


@pytest.mark.regress
def test_broken_conditions_of_adders_are_found(sums):
    """Of those that leave the logic as it is, by wrong sums. None is left over: every fault changes an adder."""
    doubtful = {}
    for words, cls in conditions(fpadd, "FloatAdder"):
        try:
            adders = [cls(case.fmt, Addend.product(case.spec)) for case in sums]
            convert({"adder": adders[0]})
        except Exception:  # what cannot be built is found
            continue
        if [left_out(adder) for adder in adders] == [case.needs for case in sums]:
            doubtful[words] = adders
    assert doubtful and set(doubtful) == wrong_sums(doubtful, sums)


def needed(spec, depth):
    """What the way out of a window needs: logic for sums below fp32's smallest normal, and for those beyond its range;
    with the biased exponents of its lowest and highest bit."""
    addend = Addend.product(spec)
    step = rational.power(addend.unit)
    largest = depth * (addend.largest << (addend.highest - addend.lowest))
    top = 1 << (largest.bit_length() - 1)
    exponents = [math.log2(bit * step) + 127 for bit in (1, top)]
    return *exponents, step < rational.power(-126), top * step >= rational.power(128)


def held(drain):
    return drain.lowest, drain.highest, drain.gradual, drain.overflow


def test_a_drain_has_what_its_window_needs():
    broken_ones = dict(conditions(fixed, "FixedDrain"))
    wanted = [needed(*case) for case in DRAINS]
    windows = [fixed.Window(Addend.product(spec), depth) for spec, depth in DRAINS]
    assert [held(fixed.FixedDrain(window, 1)) for window in windows] == wanted
    assert sum("latency" not in words for words in broken_ones) > 8
    for words, cls in broken_ones.items():
        if "latency" not in words:  # which benches measure
            assert [held(cls(window, 1)) for window in windows] != wanted, words


@pytest.mark.parametrize(("spec", "depth"), DRAINS, ids=str)
def test_sums_at_the_edges_leave_as_fp32(spec, depth):
    window = fixed.Window(Addend.product(spec), depth)
    drain, top = fixed.FixedDrain(window, 1), (1 << (window.bits - 1)) - 1
    ties = [(3 << 24 + n) + (1 << n) for n in range(4)]
    totals = [1, 2, 3, -1, top, -top, top ^ (1 << (window.bits - 2)), 1 << (window.bits - 2), *ties,
              top - (1 << (window.bits - 26)), -(top >> 1)]
    step = rational.power(window.addend.unit)

    async def bench(ctx):
        ctx.set(drain.en, 1)
        for total in totals:
            ctx.set(drain.raw, total & ((1 << window.bits) - 1))
            await ctx.tick().repeat(drain.latency)
            assert ctx.get(drain.c) == rational.rounded(drain.fmt, Fraction(total * step)), hex(total)

    simulator = Simulator(drain)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
