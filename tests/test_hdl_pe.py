"""Multiply-accumulate units and processing elements: golden sums, latency, holding, reset, and one module for all."""

import re

import hdl_bench
import numpy as np
import pytest
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.hdl.addend import Addend
from lmul.hdl.designs import parse
from lmul.hdl.interleaved import InterleavedMac
from lmul.hdl.pe import PE, Mac, WeightStationaryPE
from lmul.hdl.verilog import component, verilog

SLUGS = ["mac_lmul_e4m3_fp32", "mac_exact_e4m3_fixed", "mac_lmul_e4m3_carrysave", "mac_exact_e5m2_carrysave",
         "mac_lmul_bf16xe4m3_bf16", "mac_lmul_e3m2_sub_fp16", "mac_int8_int32", "mac_lmul_e4m3_fp32i4",
         "mac_exact_e4m3_bf16i8", "mac_lmul_e3m2_sub_fp16i2", "mac_exact_bf16_fp32i4", "mac_exact_e5m2_fp16i4"]


@pytest.mark.parametrize("slug", SLUGS)
def test_sums_of_runs(slug, seed):
    """Runs of all lengths one after another, with stalls."""
    design, generator = parse(slug), np.random.default_rng(seed)
    unit = component(design)
    steps, expected = hdl_bench.unit_runs(design, [1, 1, 7, 2, 12, 1, 30], generator, "random", "specials")
    results, delays = hdl_bench.run_unit(unit, design, steps, generator, stalls=0.3)
    assert results == expected
    assert set(delays) == {unit.latency}


@pytest.mark.parametrize("slug", ["mac_lmul_e4m3_fp32", "mac_lmul_e4m3_carrysave", "mac_lmul_e2m1_fp16i4"])
@pytest.mark.parametrize("after", [1, 3, 9])
def test_reset_in_mid_run(slug, after, seed):
    design, generator = parse(slug), np.random.default_rng(seed)
    steps, expected = hdl_bench.unit_runs(design, [5, 3], generator)
    results, _ = hdl_bench.run_unit(component(design), design, steps, generator, reset_after=after)
    assert results == expected


def test_largest_depth(seed):
    """As many of the largest products as the accumulator is made for, of either sign."""
    design, generator = parse("mac_lmul_e4m3_fixed40"), np.random.default_rng(seed)
    steps, expected = hdl_bench.unit_runs(design, [40], generator, "largest")
    top = steps[0][0] & 0x7F
    steps = [(top, top, last) for _, _, last in steps] + [(top, top | 0x80, last) for _, _, last in steps]
    results, _ = hdl_bench.run_unit(component(design), design, steps, generator)
    assert results[1] == results[0] | 1 << 31
    assert np.uint32(results[0]).view(np.float32) == 40 * 2.0**17 * 1.625


def test_mac_is_made_of_the_array_element():
    """The same module, but for its name's first part, in the MAC and in the array."""
    modules = []
    for slug in "mac_lmul_e4m3_fp32", "array_lmul_e4m3_fp32_4x5_os":
        text = verilog(parse(slug))
        [module] = re.findall(rf"(?ms)^module {slug}_pe\(.*?^endmodule", text)
        modules.append(sorted(module.replace(slug, "").splitlines()))
    assert modules[0] == modules[1]


@pytest.mark.parametrize("element", [Mac, InterleavedMac, PE, WeightStationaryPE])
def test_accumulator_that_cannot_take_the_product(element):
    with pytest.raises(ValueError, match="Accumulator must be int32 for .*, not 'fp32'"):
        element(Multiplier.make("int8", None), parse_accumulator("fp32"))


@pytest.mark.parametrize(("slug", "before"), [("mac_lmul_e2m1_fp16i4", 2), ("mac_exact_e2m1_fp16i4", 3)])
def test_interleaved_sums_take_runs_of_any_length(slug, before, seed):
    """Every length up to twice the partial sums, each behind each other: what is of the run before stays out."""
    design, generator = parse(slug), np.random.default_rng(seed)
    depths = [depth for first in range(1, 10) for second in range(1, 10) for depth in (first, second)]
    steps, expected = hdl_bench.unit_runs(design, depths, generator)
    results, delays = hdl_bench.run_unit(component(design), design, steps, generator)
    assert results == expected
    assert set(delays) == {component(design).latency} == {before + 4 * 3}


def test_new_multiplier_drops_in(seed):
    """An element takes any multiplier: here one with an offset of the user's own."""
    design, generator = parse("mac_lmul_e4m3_off3_fp32"), np.random.default_rng(seed)
    steps, expected = hdl_bench.unit_runs(design, [9], generator)
    assert hdl_bench.run_unit(component(design), design, steps, generator)[0] == expected
    assert Addend.product(design.multiplier).largest == 8 + (6 + 6 + 3) % 8
