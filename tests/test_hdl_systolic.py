"""Systolic arrays: golden products under random stalls, latency, throughput, reset, hierarchy and scale."""

import os
import re

import hdl_bench
import numpy as np
import pytest
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.hdl.designs import parse
from lmul.hdl.systolic import OutputStationaryArray, WeightStationaryArray
from lmul.hdl.verilog import component, verilog

SLUGS = [f"array_{arithmetic}_{shape}_{dataflow}" for dataflow in ("os", "ws")
         for arithmetic, shape in [("int8_int32", "1x1"), ("int8_int32", "2x3"), ("lmul_e4m3_fp32", "2x3"),
                                   ("exact_e4m3_fixed", "3x2"), ("lmul_e5m2_carrysave", "1x2"), ("int8_int32", "5x1")]]
SLUGS += [pytest.param(f"array_int8_int32_3x2_{dataflow}", marks=pytest.mark.regress) for dataflow in ("os", "ws")]
#: When beats move does not hang on what is in them: of all but integers that is for the long tests.
MOVING = [slug if "_int8_" in slug else pytest.param(slug, marks=pytest.mark.regress) for slug in SLUGS[:-2]]


@pytest.mark.parametrize("slug", SLUGS)
def test_products_under_stalls(slug, seed):
    """Runs of odd depths one after another, all three streams stalling at random."""
    design, generator = parse(slug), np.random.default_rng(seed)
    words = hdl_bench.array_runs(design, [5, 1, 3, 1, 2, 8], generator)
    moved, expected = hdl_bench.run_array(component(design), design, words, generator, stalls=0.3)
    assert moved.results == expected


@pytest.mark.parametrize(("slug", "depth"), [*((slug, 1) for slug in SLUGS[:-2]), *(
    pytest.param(slug, 7, marks=pytest.mark.regress) for slug in SLUGS[:-2])])
def test_latency(slug, depth, seed):
    design, generator = parse(slug), np.random.default_rng(seed)
    array = component(design)
    words = hdl_bench.array_runs(design, [depth], generator, "specials")
    moved, expected = hdl_bench.run_array(array, design, words, generator)
    assert moved.results == expected
    filled = max(design.rows - depth, 0) if design.dataflow == "ws" else 0
    assert moved.times[2][-1] - moved.times[0][-1] == array.latency + filled


@pytest.mark.parametrize("slug", MOVING)
def test_back_to_back_runs_leave_no_gap(slug, seed):
    """From the first beat to the last, one in every cycle: peak throughput at any depth from R up."""
    design, generator = parse(slug), np.random.default_rng(seed)
    depths = [8 * (design.rows + design.cols), design.rows, 3 * design.rows, 2 * design.rows, design.rows]
    words = hdl_bench.array_runs(design, depths, generator)
    moved, expected = hdl_bench.run_array(component(design), design, words, generator)
    assert moved.results == expected
    assert np.diff(moved.times[0]).tolist() == [1] * (len(words[0]) - 1)


@pytest.mark.parametrize("dataflow", ["os", "ws"])
def test_runs_shorter_than_the_array_take_one_cycle_a_row(dataflow, seed):
    design, generator = parse(f"array_int8_int32_4x2_{dataflow}"), np.random.default_rng(seed)
    words = hdl_bench.array_runs(design, [1, 2, 3, 1, 1], generator)
    moved, expected = hdl_bench.run_array(component(design), design, words, generator)
    assert moved.results == expected
    assert np.diff(moved.times[2]).tolist() == [1] * (5 * 4 - 1)


@pytest.mark.parametrize("cls", [OutputStationaryArray, WeightStationaryArray])
@pytest.mark.parametrize("after", [2, 7, 12])
def test_reset_in_mid_run(cls, after, seed):
    design = parse(f"array_lmul_e4m3_fp32_2x3_{'os' if cls is OutputStationaryArray else 'ws'}")
    generator = np.random.default_rng(seed)
    words = hdl_bench.array_runs(design, [3, 5, 2], generator)
    moved, expected = hdl_bench.run_array(component(design), design, words, generator, reset_after=after)
    assert moved.results == expected


def test_a_run_that_is_not_fed_does_not_hold_the_results_before(seed):
    """Output-stationary only: half a run after a whole one, and the whole one's results come out."""
    design, generator = parse("array_int8_int32_2x3_os"), np.random.default_rng(seed)
    words = hdl_bench.array_runs(design, [6, 6], generator)
    words = [stream[: len(stream) * 3 // 4] for stream in words[:2]] + [words[2][: design.rows]]
    moved, expected = hdl_bench.run_array(component(design), design, words, generator)
    assert moved.results == expected


@pytest.mark.regress
def test_scale():
    """64 x 64 elements: every part once, little more text than for 8 x 8, and written in 20 s of processor time."""
    before, texts = sum(os.times()[:4]), {}
    for side in (8, 64):
        slug = f"array_lmul_e4m3_fp32_{side}x{side}_os"
        texts[side] = verilog(parse(slug))
        modules = re.findall(rf"(?m)^module {slug}(\w*)\(", texts[side])
        assert len(modules) == len(set(modules))
        assert {"", "_pe", "_row"} <= set(modules)
    assert sum(os.times()[:4]) - before < 20
    assert texts[64].count("\nmodule ") - texts[8].count("\nmodule ") == 3  # halves of 64, 32 and 16 rows
    assert len(texts[64]) < 4 * len(texts[8])


@pytest.mark.parametrize("cls", [OutputStationaryArray, WeightStationaryArray])
@pytest.mark.parametrize(("rows", "cols", "message"), [
    (0, 4, "Array rows must be 1 to 64, not 0"),
    (4, 65, "Array cols must be 1 to 64, not 65"),
])
def test_refused(cls, rows, cols, message):
    with pytest.raises(ValueError, match=message):
        cls(Multiplier.make("lmul", "e4m3"), parse_accumulator("fp32"), rows, cols)
