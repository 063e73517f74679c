"""cocotb on the generated Verilog of registered designs, in both simulators: streams, stalls, resets, timing."""

import pytest
from lmul.hdl.designs import parse
from lmul.sim.runner import simulate
from lmul.sim.tools import SIMULATORS

# Each structure, dataflow and kind of accumulator at least once.
QUICK = {
    "verilator": ["matmul_lmul_e4m3_fp32_2x3_os", "array_lmul_bf16xe4m3_fixed_3x2_ws"],
    "icarus": ["mac_lmul_e4m3_fp32", "dot_exact_e4m3_fp32_4", "array_int8_int32_1x1_os", "array_exact_e5m2_fp16_1x4_ws",
               "matmul_lmul_e4m3_fp32_2x3_os", "matmul_lmul_e5m2_carrysave_4x1_ws"],
}
SHAPES = ("1x1", "1x6", "6x1", "3x5", "8x8", "16x4")
FORMATS = ("e4m3", "e5m2", "e2m1", "bf16", "fp16", "bf16xe4m3")


def numbers(*accumulators):
    return ["int8_int32", "lmul_e4m3_sub_fp32",
            *(f"{kind}_{formats}_{accumulator}" for kind in ("lmul", "exact") for formats in FORMATS
              for accumulator in accumulators)]


EVERY = [
    *(f"array_{each}_{shape}_{dataflow}" for each in ("lmul_e4m3_fp32", "int8_int32") for shape in SHAPES
      for dataflow in ("os", "ws")),
    *(f"matmul_lmul_bf16xe4m3_fp32_{shape}_{dataflow}" for shape in SHAPES for dataflow in ("os", "ws")),
    *(f"matmul_{each}_3x4_{dataflow}" for each in numbers("fp32") for dataflow in ("os", "ws")),
    *(f"matmul_{each}_4x2_os" for each in numbers("carrysave")),
    *(f"mac_{each}" for each in numbers("fp32", "bf16", "fp16", "fixed", "carrysave")),
    *(f"dot_{each}_16" for each in numbers("fp32", "fixed")),
    *(f"dot_{kind}_e4m3_fp32_{lanes}" for kind in ("lmul", "exact")
      for lanes in ("2", "5_w24", "5_tree", "16_tree")),
]


@pytest.mark.parametrize(("simulator", "slug"), [(name, slug) for name, slugs in QUICK.items() for slug in slugs])
def test_design(simulator, slug, sim_folder, seed, waves):
    _simulate(simulator, slug, sim_folder, seed, waves)


@pytest.mark.regress
@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("slug", EVERY)
def test_every_design(simulator, slug, sim_folder, seed, waves):
    _simulate(simulator, slug, sim_folder, seed, waves)


def _simulate(simulator, slug, folder, seed, waves):
    result = simulate(parse(slug), folder=folder, simulator=simulator, seed=seed, waves=waves)
    assert result.passed, result.line
    assert result.tests == {"mac": 7, "dot": 7, "array": 9, "matmul": 13}[slug.partition("_")[0]]
    assert result.figures["macs"] > 500
