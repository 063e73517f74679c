"""The tile behind AXI4-Stream: which slugs it has, what it refuses, no paths between streams, the size of Verilog."""

import hdl_bench
import numpy as np
import pytest
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import parse
from lmul.hdl.tile_core import TileMatmul
from lmul.hdl.verilog import component, verilog


@pytest.mark.parametrize(("slug", "structure"), [
    ("matmul_lmul_e4m3_fp32_2x2_os", "matmul"), ("matmul_lmul_e4m3_2x2_w10", "core"), ("matmul_int8_2x2", "core"),
    ("matmul_int8_int32_2x2_ws", "matmul"), ("matmul_exact_nvfp4_16x2_w10_p2", "core")])
def test_what_follows_the_multiplier_says_which_matmul(slug, structure):
    assert (parse(slug).structure, parse(slug).slug) == (structure, slug)


@pytest.mark.parametrize(("slug", "message"), [
    ("core_lmul_e4m3_2x2_w10", "a design begins with .*matmul or tile, not 'core'"),
    ("matmul_lmul_e4m3_2x2", "A tile of lmul_e4m3 must say its window"),
    ("matmul_lmul_e4m3_fp32_2x2", "a matmul ends with its shape and dataflow"),
    ("matmul_exact_mxe4m3xbf16_8x2_w12", "The first operand of a mixed pair must be the wider"),
    ("matmul_exact_mxe4m3_8x2_w12_", "nothing may follow, but '' does"),
])
def test_refused_slugs(slug, message):
    with pytest.raises(Refusal, match=message):
        parse(slug)


def test_refused():
    tile = parse("tile_int8_2x2").tile
    for rows in (0, 1, 3, 1 << 17):
        with pytest.raises(Refusal, match=f"Rows of partial sums must be a power of two from 2 to 65536, not {rows}"):
            TileMatmul(tile, 2, rows=rows)
    with pytest.raises(Refusal, match="Columns of a tile must be 1 to 64, not 65"):
        TileMatmul(tile, 65)


def test_no_output_follows_an_input_within_a_cycle(seed):
    core = component(parse("matmul_exact_nvfp4_2x1_w10"))
    generator, bench = np.random.default_rng(seed), hdl_bench.Bench(core)
    outputs = ["m_axis_c_tdata", "m_axis_c_tvalid", "m_axis_c_tlast", "error",
               *(f"s_axis_{name}_tready" for name in ("a", "b", "as", "bs"))]
    inputs = [name for name in core.signature.members if name not in (*outputs, "aclk", "aresetn")]

    async def main(ctx):
        await bench.reset(ctx)
        await bench.follows_nothing(ctx, outputs, inputs, generator)

    bench.run(main)


def test_columns_are_one_module():
    """The Verilog of many columns is hardly larger than that of a few."""
    few, many = (len(verilog(parse(f"tile_lmul_e4m3_4x{cols}_w10"))) for cols in (2, 8))
    assert many < 1.6 * few


@pytest.mark.regress
@pytest.mark.parametrize("slug", ["tile_lmul_e4m3_64x64_w10", "matmul_lmul_e4m3_64x64_w10", "matmul_int8_64x64"])
def test_large_tiles_become_verilog(slug):
    assert len(verilog(parse(slug))) < 1_200_000
