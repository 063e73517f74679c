"""Dot-product units: golden sums, latency, reset, window and tree."""

import hdl_bench
import numpy as np
import pytest
from lmul.golden.codec import encode
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.hdl.addend import Addend
from lmul.hdl.aligned import AlignedSum
from lmul.hdl.designs import parse
from lmul.hdl.dot import Dot
from lmul.hdl.verilog import component

SLUGS = ["dot_lmul_e4m3_fp32_3", "dot_exact_e4m3_fp32_4_w8", "dot_lmul_e5m2_bf16_2_w12", "dot_lmul_e4m3_sub_fp32_5",
         "dot_exact_bf16_fp32_3_tree", "dot_lmul_e4m3_bf16_4_tree", "dot_exact_e4m3_fixed_5",
         "dot_lmul_e5m2_carrysave_2", "dot_int8_int32_7", "dot_lmul_e4m3_fp32i4_3", "dot_exact_e5m2_bf16i2_5_w20",
         "dot_exact_e2m1_fp16i4_9", "dot_exact_e4m3_bf16i2_3_tree"]


@pytest.mark.parametrize("slug", SLUGS)
def test_sums_of_runs(slug, seed):
    """Runs of vectors of every kind one after another, with stalls."""
    design, generator = parse(slug), np.random.default_rng(seed)
    unit = component(design)
    steps, expected = hdl_bench.unit_runs(design, [1, 4, 1, 2, 9], generator, "random", "specials", "zeros")
    results, delays = hdl_bench.run_unit(unit, design, steps, generator, stalls=0.3)
    assert results == expected
    assert set(delays) == {unit.latency}


@pytest.mark.parametrize("slug", [slug for slug in SLUGS if "int8" not in slug])
def test_smallest_products(slug, seed):
    """Sums of the smallest products of either sign, where the last place shows."""
    design, generator = parse(slug), np.random.default_rng(seed)
    steps, expected = hdl_bench.unit_runs(design, [1, 2, 3, 6], generator, "smallest")
    assert hdl_bench.run_unit(component(design), design, steps, generator)[0] == expected


@pytest.mark.parametrize(("lanes", "cycles"), [(2, 8), (3, 9), (16, 10), (32, 12), (64, 12), (256, 14)])
def test_cycles_of_an_aligned_sum_in_stages(lanes, cycles):
    """Two comparisons and six full adders a cycle at the most; `test_sums_of_runs` has what units say of themselves."""
    assert AlignedSum(Addend.product(Multiplier.make("lmul", "e4m3")), lanes, 32, True).latency == cycles
    assert AlignedSum(Addend.product(Multiplier.make("lmul", "e4m3")), lanes, 32).latency == 2


@pytest.mark.parametrize("slug", ["dot_lmul_e4m3_fp32_3", "dot_exact_e4m3_fixed_5", "dot_lmul_e4m3_bf16_4_tree",
                                  "dot_exact_e4m3_bf16i2_3"])
def test_reset_in_mid_run(slug, seed):
    design, generator = parse(slug), np.random.default_rng(seed)
    steps, expected = hdl_bench.unit_runs(design, [5, 3], generator)
    results, _ = hdl_bench.run_unit(component(design), design, steps, generator, reset_after=7)
    assert results == expected


MINUS = 1 << 31


@pytest.mark.parametrize(("slug", "alone", "padded"), [
    ("mac_exact_bf16_fp32", MINUS, MINUS), ("dot_exact_bf16_fp32_2", MINUS, 0), ("dot_exact_bf16_fp32_2_tree", 0, 0),
    ("dot_exact_bf16_fixed_2", MINUS, MINUS)])
def test_neutral_pairs_after_a_sum_of_minus_zero(slug, alone, padded, seed):
    """-2**-100 times 2**-100 is too small for fp32, and a sum of -0; to which lanes that are aligned add their zeros as
    +0. A tree rounds the product before it is added to +0; an exact sum is rounded at its end."""
    design = parse(slug)
    spec, lanes = design.multiplier, design.lanes or 1
    tiny, minus = int(encode(spec.a, 2.0**-100)), spec.a.sign_mask
    neutral = sum(minus << spec.a.width * lane for lane in range(lanes)), 0
    first = neutral[0] & ~((1 << spec.a.width) - 1) | minus | tiny, tiny
    steps = [(*first, False), (*neutral, True), (*first, True), (*neutral, True)]
    results, _ = hdl_bench.run_unit(component(design), design, steps, np.random.default_rng(seed))
    assert results == [padded, alone, 0]


def test_window_matters(seed):
    """A narrow window cuts off what a wide one keeps."""
    results = {}
    for slug in ("dot_lmul_e4m3_fp32_4", "dot_lmul_e4m3_fp32_4_w6"):
        design = parse(slug)
        steps, expected = hdl_bench.unit_runs(design, [3, 3, 3], np.random.default_rng(seed))
        results[slug], _ = hdl_bench.run_unit(component(design), design, steps, np.random.default_rng(seed))
        assert results[slug] == expected
    wide, narrow = results.values()
    assert wide != narrow


@pytest.mark.parametrize(("count", "window", "message"), [
    (1, 32, "Dot product lanes must be at least 2, not 1"),
    (4, 3, "Window must be at least 4 bits for such products, not 3"),
])
def test_refused(count, window, message):
    with pytest.raises(ValueError, match=message):
        Dot(Multiplier.make("lmul", "e4m3"), parse_accumulator("fp32"), count, window)


@pytest.mark.parametrize(("slug", "message"), [
    ("dot_lmul_e4m3_fp32_16_w3", "Window must be 4 to 53 bits for lmul_e4m3, not 3"),
    ("dot_exact_fp32_fp32_16", "Window must be 48 to 53 bits for exact_fp32, not 32"),
    ("dot_lmul_e4m3_fixed_16_w24", "A window or a tree of adders must go with a float accumulator, not 'fixed'"),
    ("dot_int8_int32_16_tree", "A window or a tree of adders must go with a float accumulator, not 'int32'"),
    ("dot_lmul_e4m3_fp32_16_w24_tree", "A tree of adders has no window, so 24 must be left out"),
    ("dot_lmul_e4m3_fp32_16_w32", "its one spelling is 'dot_lmul_e4m3_fp32_16'"),
])
def test_impossible_designs(slug, message):
    with pytest.raises(ValueError, match=message):
        parse(slug)
    assert parse("dot_lmul_e4m3_fp32_16_w24").window == 24
