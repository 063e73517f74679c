"""Self-tests after place and route: the netlist that nextpnr wrote, in Icarus, with models of its cells. Each runs
with the right design, and with a fault in the design."""

import importlib.util
import json
import re
import subprocess

import pytest
from lmul.boards import build
from lmul.boards.catalogue import BOARDS
from lmul.boards.flow import FLOWS
from lmul.boards.project import Project
from lmul.hdl import yosys
from lmul.hdl.designs import parse
from routed import models, prepare
from test_hdl_selftest import with_fault

pytestmark = [pytest.mark.regress, pytest.mark.icarus, pytest.mark.skipif(
    importlib.util.find_spec("amaranth_boards") is None, reason=".venv/bin/pip install -e '.[boards]'")]

BENCH = """
`timescale 1ns / 1ps
module bench;
  reg clk = 0; wire good, bad; integer on = 0, off = 0;
  wire pin; assign pin = clk;  // nextpnr calls it an inout
  top dut (.{clock}(pin), .good(good), .bad(bad));
  always #50 clk = ~clk;
  always @(posedge clk) if (good === {lit}) on = on + 1; else if (good === {dark}) off = off + 1;
  initial begin #500000; $display("%b %0d %0d", bad === {lit}, on > 100, off > 100); $finish; end
endmodule
"""


@pytest.mark.parametrize("fault", [None, "bit", "missing"])
@pytest.mark.parametrize("slug", ["mac_lmul_e4m3_fixed"])
@pytest.mark.parametrize(("name", "vectors"), [("icebreaker", 64), ("ulx3s_25f", 256)])  # these in block RAM
def test_the_placed_netlist_says_what_the_verilog_says(name, vectors, slug, fault, tmp_path, seed):
    board = BOARDS[name]
    project = Project(parse(slug), board, tmp_path, seed=seed % 1000, vectors=vectors)
    project.write()
    try:
        build.check(project)
    except ValueError as error:
        pytest.skip(str(error))
    wrapper = tmp_path / "selftest.v"
    wrapper.write_text(re.sub(r"BLINK\(\d+\)", "BLINK(3)", wrapper.read_text()))
    if fault:
        about = json.loads((tmp_path / f"{slug}.json").read_text())
        (tmp_path / f"{slug}.v").write_text(with_fault(tmp_path, about, fault))
    placed = f"selftest.{FLOWS[board.family].suffixes[1]}"
    done = subprocess.run(["make", "-s", "-C", tmp_path, placed, "OPTIONS=--timing-allow-fail --write routed.json"],
                          env=build._environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    prepare(board.family, tmp_path / "routed.json")
    yosys.run(["read_json routed.json", "write_verilog -noattr routed.v"], tmp_path)
    lit = ("1'b1", "1'b0")[board.pins["good"].inverted], ("1'b0", "1'b1")[board.pins["good"].inverted]
    (tmp_path / "bench.v").write_text(BENCH.format(clock=board.clock, lit=lit[0], dark=lit[1]))
    (tmp_path / "models.v").write_text(models(board.family))
    subprocess.run(["iverilog", "-g2012", "-DNO_ICE40_DEFAULT_ASSIGNMENTS", "-o", "a", "bench.v", "routed.v",
                    "models.v"], cwd=tmp_path, check=True, capture_output=True)
    said = subprocess.run(["vvp", "a"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()[-3:]
    if fault:
        assert said[0] == "1", (seed, said)
    else:
        assert said == ["0", "1", "1"], (seed, said)
