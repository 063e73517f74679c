"""cocotb on the generated Verilog of tiles and their cores, in both simulators: passes, stalls, resets, timing."""

import numpy as np
import pytest
from lmul.hdl.designs import parse
from lmul.hdl.verilog import verilog
from lmul.sim.matmul import matmul_files
from lmul.sim.runner import simulate
from lmul.sim.tools import SIMULATORS

QUICK = {"icarus": ["tile_exact_nvfp4_4x1_w10", "matmul_log_l3f4_2x1_w10"]}

# Every lane, with and without blocks; one operand in blocks; windows with one place and with many; specials or none.
EVERY = [f"tile_{words}" for words in (
    "log_l3f4_4x2_w10", "log_l3f5_t7_4x2_w10", "log_mxl3f4_16x2_w10", "log_l3f4xl3f2_4x2_w10",
    "lmul_e4m3_4x2_w10", "lmul_e4m3_offh1_16x3_w10", "lmul_mxe5m2_8x2_w12", "lmul_bf16xe4m3_4x2_w12",
    "lmul_fp16_2x3_w14",
    "exact_e4m3_4x2_w10", "exact_e5m2_flush_4x1_w24", "exact_mxe4m3_16x2_w10", "exact_nvfp4_16x2_w10",
    "exact_mxe2m1_32x1_w6", "exact_bf16xmxe4m3_8x2_w12", "exact_mxe4m3xe4m3_4x2_w10", "exact_bf16_4x1_w12",
    "exact_e4m3_flush_r4_4x2_w10", "mitchell_e4m3_4x2_w10", "int8_4x3", "int4_8x2", "mxint8_16x2", "int8xint4_4x2",
    "int8xternary_16x2", "lmul_e4m3_4x2_w10_p2", "exact_mxe4m3_8x2_w10_p3", "exact_e4m3_flush_r4_4x2_w10_p3",
    "int8_3x2_p3", "exact_nvfp4_2x2_w10_p2")]
# Cores of the same; of the smallest passes, and of one column.
EVERY += [slug.replace("tile", "matmul", 1) for slug in EVERY] + ["matmul_log_l3f4_8x4_w10", "matmul_int8_2x1"]


@pytest.mark.parametrize(("simulator", "slug"), [(name, slug) for name, slugs in QUICK.items() for slug in slugs])
def test_tile(simulator, slug, sim_folder, seed, waves):
    _simulate(simulator, slug, sim_folder, seed, waves)


@pytest.mark.regress
@pytest.mark.parametrize(("slug", "simulator"), [(slug, simulator) for slug in EVERY for simulator in SIMULATORS])
def test_every_tile(simulator, slug, sim_folder, seed, waves):
    _simulate(simulator, slug, sim_folder, seed, waves)


def _simulate(simulator, slug, folder, seed, waves):
    result = simulate(parse(slug), folder=folder, simulator=simulator, seed=seed, waves=waves)
    assert result.passed, result.line
    assert result.tests == {"tile": 9, "matmul": 15}[slug.partition("_")[0]]
    assert result.figures["macs"] > 500


@pytest.mark.regress
@pytest.mark.icarus
@pytest.mark.parametrize(("slug", "old", "new"), [
    ("tile_exact_nvfp4_4x1_w10", "{ 1'h0, top_taken }", "{ 1'h0, top }"),  # of another vector, or rubbish
    ("tile_exact_nvfp4_4x1_w10", "i_c__ready = some[1] & free", "i_c__ready = some[1]"),  # taken twice
    ("tile_exact_nvfp4_4x1_w10", "free ? en : o__valid", "en"),  # a sum that waits is lost
    ("matmul_log_l3f4_2x1_w10", "memory[written[7:0]]", "memory[{1'b0, written[6:0]}]"),  # sums are lost
    ("matmul_log_l3f4_2x1_w10", "index[8] & ", "1'b0 & "),  # too many vectors are not told of
    ("matmul_log_l3f4_2x1_w10", "uneven = ", "uneven = 1'b0 & "),
])
def test_spoilt_tiles_are_caught(slug, old, new, sim_folder, seed):
    design = parse(slug)
    text = verilog(design)
    assert old in text
    result = simulate(design, folder=sim_folder / "spoilt", simulator="icarus", seed=seed,
                      source=text.replace(old, new, 1))
    assert not result.passed


@pytest.mark.icarus
@pytest.mark.parametrize(("slug", "shape"), [
    ("matmul_exact_nvfp4_8x2_w10", (5, 32, 3)),
    pytest.param("tile_log_l3f4_4x2_w10", (300, 9, 5), marks=pytest.mark.regress),  # more rows than partial sums
    pytest.param("matmul_int8_4x3", (7, 9, 4), marks=pytest.mark.regress),
    pytest.param("matmul_exact_bf16xmxe4m3_8x2_w12_p2", (300, 64, 3), marks=pytest.mark.regress),
    pytest.param("matmul_lmul_bf16_4x2_w12", (1, 1, 1), marks=pytest.mark.regress),
])
def test_product_by_the_core(slug, shape, tmp_path, sim_folder, seed):
    """`lmul matmul` gives the same by the simulated core as by golden, whatever the shape."""
    design, (rows, depth, cols) = parse(slug), shape
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((rows, depth)), rng.standard_normal((depth, cols)).astype(np.float32)
    if design.result.integer:
        a, b = rng.integers(-128, 128, a.shape, np.int8), rng.integers(-128, 128, b.shape, np.int8)
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", b)
    found = {}
    for backend in ("golden", "rtl"):
        line = matmul_files(tmp_path / "a.npy", tmp_path / "b.npy", design, backend, tmp_path / "c.npy",
                            folder=sim_folder, simulator="icarus").line
        found[backend] = np.load(tmp_path / "c.npy")
        assert f"{a.shape} x {b.shape}" in line
    assert "utilisation" in line
    assert found["rtl"].dtype == found["golden"].dtype
    assert found["rtl"].tobytes() == found["golden"].tobytes()
