"""Sums of integers whose products come as partials: golden sums of every width, wrapping, and of every family."""

import hdl_bench
import numpy as np
import pytest
from amaranth.sim import Simulator
from lmul.golden.families import make
from lmul.hdl.designs import parse
from lmul.hdl.integer_sum import Halves, HalvesAdder
from lmul.hdl.partials import Partials
from lmul.hdl.verilog import component

# The lower half as wide as the sum, one bit narrower, two bits, and much; unsigned, where no carry is negative.
SLUGS = ["mac_int8_int16", "mac_uint8_int16", "mac_uint8xint7_int17", "mac_int4_int16",
         "mac_uint4_int16", "mac_int1_int16", "mac_int1xuint1_int16", "mac_uint1xint3_int16", "mac_int8xternary_int16",
         "mac_uint4xternary_int16", "mac_int8xpot3k2_int20", "mac_uint6xpot2k2_int16", "dot_int4_int16_5",
         "dot_uint4xint3_int16_4", "dot_int8xternary_int16_3", "dot_int4xpot2k2_int20_3"]


@pytest.mark.parametrize("kind", ["random", "largest"])
@pytest.mark.parametrize("slug", SLUGS)
def test_sums_of_runs(slug, kind, seed):
    """Runs one after another, with stalls; the largest products make the narrow sums wrap."""
    design, generator = parse(slug), np.random.default_rng(seed)
    steps, expected = hdl_bench.unit_runs(design, [1, 2, 40, 1, 9], generator, kind)
    results, _ = hdl_bench.run_unit(component(design), design, steps, generator, stalls=0.2)
    assert results == expected


@pytest.mark.parametrize("slug", ["mac_int8_int32", "dot_int8_int32_2", "mac_int8xternary_int16"])
def test_reset_in_mid_run(slug, seed):
    design, generator = parse(slug), np.random.default_rng(seed)
    steps, expected = hdl_bench.unit_runs(design, [6, 3], generator, "largest")
    results, _ = hdl_bench.run_unit(component(design), design, steps, generator, reset_after=4)
    assert results == expected


def test_partials_of_int8():
    """57 of the 64 are ANDs of two bits, or of the negated product NANDs; those of one sign bit the other way round."""
    spec = make("int8")
    partials, negated = Partials.of(spec), Partials.of(spec, negative=True)
    assert partials is not None and negated is not None
    assert sorted(partials.places) == sorted(i + j for i in range(8) for j in range(8))
    assert -partials.constant == sum(2 << 7 + i for i in range(7)) and (partials.low, partials.high) == (-16256, 16384)
    assert partials.constant + negated.constant == -(255 * 255)
    assert Partials.of(make("xnor", "sign8")) is None


def test_example_of_halves():
    """The one that `Halves` tells: int3 times int3 into 16 bits, of which 5 are below."""
    halves = Halves(16, Partials((0, 1, 2, 3), -5, -5, 10))  # a product of -5 has no partial
    assert (halves.low, halves.waiting, halves.width) == (4, 2, 18)
    adder = HalvesAdder(halves)

    async def bench(ctx):
        ctx.set(adder.keep, 1)
        ctx.set(adder.acc, 0b0011)
        assert ctx.get(adder.total) == 3
        after = ctx.get(adder.sum)
        assert after & 0b1111 == 0b1110 and after >> 16 == 0b11
        ctx.set(adder.acc, after)
        assert ctx.get(adder.total) == 0x10000 - 2

    simulator = Simulator(adder)
    simulator.add_testbench(bench)
    simulator.run()
