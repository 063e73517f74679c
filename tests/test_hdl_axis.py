"""The matrix multiplier behind AXI4-Stream: golden products, latency, reset, no paths between streams."""

import hdl_bench
import numpy as np
import pytest
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.hdl.axis import Matmul
from lmul.hdl.designs import parse
from lmul.hdl.verilog import component

SLUGS = [f"matmul_{arithmetic}_{dataflow}" for dataflow in ("os", "ws")
         for arithmetic in ("lmul_e3m2_fp16_2x3", "lmul_bf16xe4m3_carrysave_1x2", "int8_int32_3x2")]


@pytest.mark.parametrize("slug", SLUGS)
def test_products_under_stalls(slug, seed):
    """Runs of odd depths one after another, all three streams stalling at random."""
    design, generator = parse(slug), np.random.default_rng(seed)
    words = hdl_bench.array_runs(design, [5, 1, 3, 1, 4], generator)
    moved, expected = hdl_bench.run_array(component(design), design, words, generator, stalls=0.3)
    assert moved.results == expected


@pytest.mark.parametrize("slug", SLUGS)
def test_latency_and_throughput(slug, seed):
    design, generator = parse(slug), np.random.default_rng(seed)
    core = component(design)
    words = hdl_bench.array_runs(design, [4 * design.rows, 2 * design.rows], generator, "specials")
    moved, expected = hdl_bench.run_array(core, design, words, generator)
    assert moved.results == expected
    assert moved.times[2][-1] - moved.times[0][-1] == core.latency
    assert np.diff(moved.times[0]).tolist() == [1] * (6 * design.rows - 1)


@pytest.mark.parametrize("slug", SLUGS)
def test_reset_in_mid_run(slug, seed):
    design, generator = parse(slug), np.random.default_rng(seed)
    words = hdl_bench.array_runs(design, [3, 5], generator)
    moved, expected = hdl_bench.run_array(component(design), design, words, generator, reset_after=8)
    assert moved.results == expected


@pytest.mark.parametrize("dataflow", ["os", "ws"])
def test_no_output_follows_an_input_within_a_cycle(dataflow, seed):
    core = component(parse(f"matmul_int8_int32_2x2_{dataflow}"))
    generator, bench = np.random.default_rng(seed), hdl_bench.Bench(core)
    names = [name for name in core.signature.members if name[:6] in ("s_axis", "m_axis")]
    outputs = [name for name in names if name.endswith("c_tdata") or name.endswith(("c_tvalid", "c_tlast", "a_tready",
                                                                                  "b_tready"))]
    inputs = [name for name in names if name not in outputs]

    async def main(ctx):
        await bench.follows_nothing(ctx, outputs, inputs, generator)

    bench.run(main)
    assert len(outputs) == 5


def test_refused():
    with pytest.raises(ValueError, match="Dataflow must be 'os' or 'ws', not 'rs'"):
        Matmul(Multiplier.make("lmul", "e4m3"), parse_accumulator("fp32"), 2, 2, "rs")
    with pytest.raises(ValueError, match="Array cols must be 1 to 64, not 0"):
        Matmul(Multiplier.make("lmul", "e4m3"), parse_accumulator("fp32"), 2, 0, "os")
