"""cocotb on the generated Verilog of registered designs, in both simulators: streams, stalls, resets, timing."""

import re

import pytest
from lmul.hdl.designs import catalogue, parse
from lmul.hdl.verilog import verilog
from lmul.sim.runner import simulate
from lmul.sim.tools import SIMULATORS

# Each structure, and both dataflows; `array_int8_int32_1x1_os` is below, not spoilt.
QUICK = {
    "verilator": ["matmul_lmul_e4m3_fp32_2x3_os"],
    "icarus": ["mac_lmul_e4m3_fp32", "dot_xnor_sign8_int32_4", "array_exact_e5m2_fp16_1x4_ws",
               "matmul_lmul_e5m2_carrysave_4x1_ws"],
}
SHAPES = ("1x1", "1x6", "6x1", "3x5", "8x8", "16x4")
FORMATS = ("e4m3", "e5m2", "e2m1", "bf16", "fp16", "bf16xe4m3")


def numbers(*accumulators):
    return ["int8_int32", "lmul_e4m3_sub_fp32",
            *(f"{kind}_{formats}_{accumulator}" for kind in ("lmul", "exact") for formats in FORMATS
              for accumulator in accumulators)]


# Products of integers: the catalogue's designs, and every family of them in small ones of every structure.
INTEGERS = [design for design in map(parse, catalogue()) if design.multiplier.wide.integer]
SMALL = ("mac_{}_int32", "dot_{}_int32_4", "array_{}_int32_2x3_os", "array_{}_int32_3x2_ws", "matmul_{}_int32_2x1_ws")

EVERY = list(dict.fromkeys([
    *(f"array_{each}_{shape}_{dataflow}" for each in ("lmul_e4m3_fp32", "int8_int32") for shape in SHAPES
      for dataflow in ("os", "ws")),
    *(f"matmul_lmul_bf16xe4m3_fp32_{shape}_{dataflow}" for shape in SHAPES for dataflow in ("os", "ws")),
    *(f"matmul_{each}_3x4_{dataflow}" for each in numbers("fp32") for dataflow in ("os", "ws")),
    *(f"matmul_{each}_4x2_os" for each in numbers("carrysave")), "matmul_lmul_e4m3_fp32_2x3_os",
    "array_lmul_bf16xe4m3_fixed_3x2_ws", "dot_exact_e4m3_fp32_4", "array_exact_e5m2_fp16_1x4_ws",
    "matmul_lmul_e5m2_carrysave_4x1_ws",
    *(f"mac_{each}" for each in numbers("fp32", "bf16", "fp16", "fixed", "carrysave")),
    *(f"dot_{each}_16" for each in numbers("fp32", "fixed")),
    *(f"dot_{kind}_e4m3_fp32_{lanes}" for kind in ("lmul", "exact")
      for lanes in ("2", "5_w24", "5_tree", "16_tree")),
    *(slug for slug in catalogue() if parse(slug).multiplier.wide_only and not parse(slug).combinational),
    "dot_lmul_e4m3_offh1_fixed_4", "mac_exact_e4m3_r4_fp32", "mac_exact_bf16_r8_bf16", "dot_exact_e2m1_r3_fixed_4",
    "dot_exact_e4m3_t2_fp32_5_w24",
    "array_exact_e5m2_r3_carrysave_2x3_os", "array_exact_e4m3_r4_fp32_3x2_ws", "mac_lmul_e4m3_best_fp32",
    "dot_lmul_fp16_best_fixed_4", "matmul_lmul_e4m3_sub_offhm3_fp32_2x1_ws", "matmul_exact_e4m3_flush_r4_fp32_2x1_os",
    "dot_lmul_e2m1_fixed8_2", "array_lmul_e2m1_carrysave2_2x2_os", "array_lmul_e2m1_fixed4_2x3_ws",  # short runs
    *(design.slug for design in INTEGERS if not design.combinational),
    *(slug.format(name) for name in dict.fromkeys(design.multiplier.name for design in INTEGERS) for slug in SMALL),
]))


@pytest.mark.parametrize(("simulator", "slug"), [(name, slug) for name, slugs in QUICK.items() for slug in slugs])
def test_design(simulator, slug, sim_folder, seed, waves):
    _simulate(simulator, slug, sim_folder, seed, waves)


# Minutes each in Icarus, which has their parts elsewhere: 64 elements, and elements with sums of hundreds of bits.
SLOW_IN_ICARUS = re.compile("matmul_(.*_16x4_|.*bf16.*_carrysave_)")


@pytest.mark.regress
@pytest.mark.parametrize(("slug", "simulator"), [
    (slug, simulator) for slug in EVERY for simulator in SIMULATORS
    if simulator != "icarus" or not SLOW_IN_ICARUS.match(slug)])
def test_every_design(simulator, slug, sim_folder, seed, waves):
    _simulate(simulator, slug, sim_folder, seed, waves)


def _simulate(simulator, slug, folder, seed, waves):
    result = simulate(parse(slug), folder=folder, simulator=simulator, seed=seed, waves=waves)
    assert result.passed, result.line
    assert result.tests == {"mac": 6, "dot": 6, "array": 10, "matmul": 14}[slug.partition("_")[0]]
    assert result.figures["macs"] > 500


WRAPPER = """
module array_int8_int32_1x1_os(
    input clk, rst,
    input [7:0] i_a__data, input i_a__last, i_a__valid, output i_a__ready,
    input [7:0] i_b__data, input i_b__last, i_b__valid, output i_b__ready,
    output [31:0] o__data, output o__last, o__valid, input o__ready
);
  wire [31:0] data;
  wire last, valid;
  reg [3:0] tick = 0, waited = 0;
  always @(posedge clk) begin
    tick <= tick + 1;
    waited <= o__valid & ~o__ready ? waited + 1 : 0;
  end
  unspoilt core(.clk(clk), .rst(rst), .i_a__data(i_a__data), .i_a__last(i_a__last), .i_a__valid(i_a__valid),
                .i_a__ready(i_a__ready), .i_b__data(i_b__data), .i_b__last(i_b__last), .i_b__valid(i_b__valid),
                .i_b__ready(i_b__ready), .o__data(data), .o__last(last), .o__valid(valid), .o__ready(o__ready));
  assign o__data = DATA;
  assign o__last = LAST;
  assign o__valid = VALID;
endmodule
"""


@pytest.mark.icarus
@pytest.mark.parametrize(("spoilt", "complaint"), [
    ({}, None),
    ({"DATA": "data ^ (tick == 7)"}, "wrong\n  row 0 of 1, depth .*, column 0: expected"),
    ({"VALID": "valid & waited != 3"}, "result in cycle .* a waiting beat was withdrawn"),
    ({"VALID": "tick == 9 ? 1'bx : valid"}, "result valid must be known after reset, not X"),
    *(pytest.param(*each, marks=pytest.mark.regress) for each in (
        ({"DATA": "data ^ (waited == 3)"}, "result in cycle .* a waiting beat changed from"),
        ({"LAST": "1'b0"}, "wrong\n  row 0 of 1, depth .*: expected Beat"),
        ({"VALID": "valid | tick == 3"}, "result valid must be 0 while nothing is asked for"))),
])
def test_spoilt_streams_are_caught(spoilt, complaint, sim_folder, seed):
    """Every complaint of the bench is heard when there is reason for it, and none when there is not."""
    design = parse("array_int8_int32_1x1_os")
    wrapper = WRAPPER
    for name, plain in (("DATA", "data"), ("LAST", "last"), ("VALID", "valid")):
        wrapper = wrapper.replace(name, spoilt.get(name, plain))
    source = verilog(design).replace(f"module {design.slug}(", "module unspoilt(") + wrapper
    result = simulate(design, folder=sim_folder / "spoilt", simulator="icarus", seed=seed, source=source)
    assert result.passed is (complaint is None), result.line
    if complaint:
        log = result.log.read_text()
        assert re.search(complaint.replace("\n", r"\n *"), log), log
