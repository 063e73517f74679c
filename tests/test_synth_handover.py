"""What is handed over for sign-off: every line is a documented command, and OpenSTA, where it is, gives our figures."""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gates import SMALL, multiplier, small
from lmul.synth import opensta
from lmul.synth.activity import simulate
from lmul.synth.energy import estimate
from lmul.synth.handover import hand_over
from lmul.synth.timing import Constraints, analyse

LIB = small()
FILES = {"netlist.v", "constraints.sdc", "activity.saif", "opensta.tcl", "openroad.tcl"}
PERIOD = 5000.0

#: Of each command: options with a value, options without, least and most other words. From OpenSTA's doc/Commands.md at
#: 4b11a12c (3.x) and OpenROAD's src/OpenRoad.tcl and src/rsz/README.md; Tcl's own commands are of the Tcl 8 manual.
DOCUMENTED = {
    "all_outputs": ((), (), 0, 0),
    "create_clock": (("-name", "-period", "-waveform", "-comment"), ("-add",), 0, 1),
    "get_cells": (("-hsc", "-filter", "-of_objects"), ("-hierarchical", "-regexp", "-nocase", "-quiet"), 0, 1),
    "get_clocks": (("-filter",), ("-regexp", "-nocase", "-quiet"), 1, 1),
    "get_nets": (("-hsc", "-filter", "-of_objects"), ("-hierarchical", "-regexp", "-nocase", "-quiet"), 0, 1),
    "get_ports": (("-filter", "-of_objects"), ("-regexp", "-nocase", "-quiet"), 0, 1),
    "get_property": (("-object_type",), (), 2, 2),
    "link_design": ((), ("-no_black_boxes",), 0, 1),
    "read_liberty": (("-corner",), ("-min", "-max", "-infer_latches"), 1, 1),
    "read_saif": (("-scope",), (), 1, 1),
    "read_sdc": (("-mode",), ("-echo",), 1, 1),
    "read_verilog": ((), (), 1, 1),
    "report_activity_annotation": ((), ("-report_unannotated", "-report_annotated"), 0, 0),
    "report_checks": (("-path_delay", "-format", "-fields", "-digits", "-group_path_count"),
                      ("-unconstrained", "-no_line_splits"), 0, 0),
    "report_power": (("-instances", "-highest_power_instances", "-scene", "-digits", "-format"), (), 0, 0),
    "set_clock_transition": ((), ("-rise", "-fall", "-min", "-max"), 2, 2),
    "set_cmd_units": (("-time", "-capacitance", "-resistance", "-voltage", "-current", "-power"), (), 0, 0),
    "set_driving_cell": (("-lib_cell", "-library", "-pin", "-from_pin"), ("-rise", "-fall", "-min", "-max"), 1, 1),
    "set_input_delay": (("-clock", "-reference_pin"), ("-rise", "-fall", "-min", "-max", "-clock_fall", "-add_delay"),
                        2, 2),
    "set_input_transition": ((), ("-rise", "-fall", "-min", "-max"), 2, 2),
    "set_load": ((), ("-rise", "-fall", "-min", "-max", "-subtract_pin_load", "-pin_load", "-wire_load"), 2, 2),
    "set_output_delay": (("-clock", "-reference_pin"), ("-rise", "-fall", "-min", "-max", "-clock_fall", "-add_delay"),
                         2, 2),
    "expr": ((), (), 1, 1), "foreach": ((), (), 3, 3), "if": ((), (), 2, 2), "info": ((), (), 2, 2),
    "puts": ((), (), 1, 1), "set": ((), (), 2, 2),
}
OPENROAD = {"read_lef": ((), ("-tech", "-library"), 1, 1), "report_design_area": ((), (), 0, 0)}
_CLOSING = {"{": "}", "[": "]", '"': '"'}


def words(line):
    """The words of a Tcl command, with their braces, brackets and quotes."""
    found, word, open_ = [], "", []
    for sign in line:
        if open_ and sign == open_[-1]:
            open_.pop()
        elif sign in _CLOSING:
            open_.append(_CLOSING[sign])
        if sign == " " and not open_:
            found.append(word)
            word = ""
        else:
            word += sign
    assert not open_, f"{line!r} must close what it opens"
    return [word for word in [*found, word] if word]


def check(line, commands):
    """See that a line, and every command inside it, is documented; gives the names of them all."""
    name, *rest = words(line)
    assert name in commands, f"{name} must be a documented command: {line}"
    valued, flags, least, most = commands[name]
    names, others = [name], []
    while rest:
        word = rest.pop(0)
        if word in valued:
            rest.pop(0)
        elif re.match(r"-[a-z]", word):
            assert word in flags, f"{word} must be an option of {name}: {line}"
        else:
            others.append(word)
    assert least <= len(others) <= most, f"{name} takes {least} to {most} words: {line}"
    if name in ("foreach", "if"):
        names += check(others.pop()[1:-1], commands)
    run = [word for word in others if name in ("expr", "if") or word[0] != "{"]  # others leave braces as they are
    return names + [each for word in run for inner in brackets(word) for each in check(inner, commands)]


def brackets(text):
    """The commands in the outermost [...] of a word."""
    found, depth = [""], 0
    for sign in text:
        depth -= sign == "]"
        if depth:
            found[-1] += sign
        elif found[-1]:
            found.append("")
        depth += sign == "["
    return found[:-1]


def handed_over(folder, registered=True, constraints=None):
    netlist = multiplier(LIB, 4, registered)
    timing = analyse(netlist, constraints=constraints)
    rng = np.random.default_rng(1)
    inputs = {name: rng.integers(0, 16, 100) for name in "ab"}
    activity = simulate(netlist, timing, inputs, warmup=4, period_ps=PERIOD)
    hand_over(folder, timing, activity, PERIOD)
    return timing, activity


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("constraints", [
    None, replace(Constraints.default(LIB, "short"), clock_slew_ps=30.0),
    Constraints(output_load_ff=3.0, input_slew_ps=20.0)])
def test_every_line_is_a_documented_command(tmp_path, registered, constraints):
    handed_over(tmp_path, registered, constraints)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    seen = {}
    for name, commands in (("opensta.tcl", DOCUMENTED), ("openroad.tcl", DOCUMENTED | OPENROAD),
                           ("constraints.sdc", DOCUMENTED)):
        lines = [line for line in (tmp_path / name).read_text().splitlines() if not line.startswith("#")]
        seen[name] = [command for line in lines for command in check(line, commands)]
    assert {"read_liberty", "info", "get_property", "read_saif", "report_power", "puts"} <= set(seen["opensta.tcl"])
    assert {"read_lef", "report_design_area", "report_checks"} <= set(seen["openroad.tcl"])
    assert {"create_clock", "set_load", "get_nets", "all_outputs"} <= set(seen["constraints.sdc"])


@pytest.mark.parametrize("line, complaint", [
    ("report_speed", "report_speed must be a documented command"),
    ("read_saif -scop x activity.saif", "-scop must be an option of read_saif"),
    ("read_saif a b", "read_saif takes 1 to 1 words"),
    ("set_load 0 [get_wires *]", "get_wires must be a documented command"),
    ("foreach f $x { read_lib $f }", "read_lib must be a documented command"),
    ("get_ports {a b", "must close what it opens"),
])
def test_the_check_can_fail(line, complaint):
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        check(line, DOCUMENTED)


def test_no_pin_is_left_to_the_tool(tmp_path):
    """``report_activity_annotation -report_unannotated`` has nothing to list: the SAIF has each pin of the netlist."""
    timing, _ = handed_over(tmp_path)
    netlist = timing.netlist
    pins = sum(len(cell.pins) * netlist.count[cell.name] for cell in netlist.cells)
    ports = sum(len(nets) for _, nets in netlist.ports.values())
    assert (tmp_path / "activity.saif").read_text().count("(TC ") == pins + ports
    assert "report_activity_annotation -report_unannotated" in (tmp_path / "opensta.tcl").read_text().splitlines()


def test_scripts_end_with_our_figures(tmp_path):
    timing, activity = handed_over(tmp_path)
    power = estimate(timing.netlist, timing, activity, PERIOD, 1).signoff["total"] / PERIOD * 1e-3
    for name in ("opensta.tcl", "openroad.tcl"):
        last = (tmp_path / name).read_text().splitlines()[-1]
        figures = re.fullmatch(r'puts "lmul: area (\S+) um2, longest path (\S+) ps, power (\S+) W"', last).groups()
        assert tuple(map(float, figures)) == pytest.approx((timing.netlist.area_um2, timing.delay_ps, power), rel=1e-5)


def test_the_library_beside_the_rows_is_enough(tmp_path, native_sta):
    folder = tmp_path / "design" / "relaxed"
    timing, _ = handed_over(folder)
    LIB.write_liberty(tmp_path / "cells.lib", full=True)
    assert opensta.sign_off(folder, native_sta)["delay_ps"] == pytest.approx(timing.delay_ps, rel=1e-4)


def test_without_activity_there_is_no_power(tmp_path):
    timing = analyse(multiplier(LIB, 4))
    hand_over(tmp_path, timing, None, PERIOD)
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"activity.saif"}
    text = (tmp_path / "opensta.tcl").read_text()
    assert "saif" not in text and "power" not in text.replace("-power nW", "") and "area" in text


@pytest.mark.parametrize("registered", [False, True])
def test_opensta_signs_the_figures_off(tmp_path, registered, native_sta):
    """The very script; old versions lack the commands of activity and the property of area, and are not asked."""
    timing, _ = handed_over(tmp_path, registered)
    late = "foreach name {read_saif report_activity_annotation} { if {[info commands $name] == {}} "
    (tmp_path / "run.tcl").write_text(late + '{ proc $name {args} "puts {lacks $name}" } }\nsource opensta.tcl\nexit\n')
    done = subprocess.run([native_sta, "-no_splash", "-exit", "run.tcl"], cwd=tmp_path, capture_output=True, text=True,
                          env={"LIBERTY": str(SMALL), "PATH": str(Path(native_sta).parent)}, timeout=60, check=True)
    said = done.stdout + done.stderr
    found = opensta.read(said)
    assert "lmul: area" in said and found["delay_ps"] == pytest.approx(timing.delay_ps, rel=1e-4)
    if "do not have a area property" not in said:
        assert found["area_um2"] == pytest.approx(timing.netlist.area_um2)
    if "lacks read_saif" not in said:
        assert found["power_w"] == pytest.approx(float(re.search(r"power (\S+) W", said)[1]), rel=0.01)


@pytest.fixture
def native_sta():
    path = shutil.which("sta")
    if not path:
        pytest.skip("sta (OpenSTA) is not on PATH")
    return path


# A native OpenSTA, played by a script


SAID = """area 284.2
   12.30   51.20  100.00 1631.9396   u7/Y (XOR2X1)
                              1631.9396   data arrival time

                     -51.5860 4948.4141   library setup time
                              4948.4141   data required time
                              -1631.9396   data arrival time
Group                  Internal  Switching    Leakage      Total
Sequential             1.34e-04   3.13e-07   3.68e-07   1.35e-04  87.5%
Total                  1.47e-04   5.56e-06   1.05e-06   1.54e-04 100.0%
                          95.7%       3.6%       0.7%
"""


@pytest.fixture
def played(tmp_path, monkeypatch):
    """Put an ``sta`` on PATH that says a version and, to a script, what it is told to."""
    def play(version, said=SAID):
        path = tmp_path / "bin" / "sta"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n[ $1 = -version ] && echo '{version}' || cat <<'END'\n{said}\nEND\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)
        return path

    opensta.opensta.cache_clear()
    yield play
    opensta.opensta.cache_clear()


@pytest.mark.parametrize("version, used", [("3.0.0", True), ("3.1.0 1a2b3c", True), ("2.7.0", False), ("2.0.17", False),
                                           ("no version", False)])
def test_a_native_opensta_is_used_when_new_enough(version, used, played):
    path = played(version)
    assert opensta.opensta() == ((str(path), version.split()[0]) if used else None)
    assert opensta.versions(kept=True) == ({"opensta": f"{version.split()[0]} (on PATH)"} if used else {})
    assert opensta.versions(kept=False) == {}


def test_none_is_used_where_there_is_none(monkeypatch, played):
    monkeypatch.setenv("PATH", "")
    assert opensta.opensta() is None


def test_what_opensta_says_is_read(tmp_path, played):
    handed_over(tmp_path / "row")
    found = opensta.sign_off(tmp_path / "row", str(played("3.0.0")))
    assert found == {"area_um2": 284.2, "delay_ps": pytest.approx(1683.5256), "power_w": 1.54e-4}
    assert opensta.read("Error: nothing\n") == {"area_um2": None, "delay_ps": None, "power_w": None}


def test_figures_as_wide_as_their_column_are_read():
    wide = SAID.replace("       1631.9396   data", "123451631.9396   data").replace("                     -51", "-51")
    assert wide != SAID and opensta.read(wide)["delay_ps"] == pytest.approx(123451631.9396 + 51.586, abs=1e-3)


@pytest.mark.parametrize("liberty", [(), ("a.lib", "b c.lib.gz")])
def test_the_liberty_files_of_a_report_are_what_is_signed_off_on(tmp_path, liberty, played, monkeypatch):
    monkeypatch.setenv("LIBERTY", "another's")
    files = [str(tmp_path / name) for name in liberty]
    sta = played("3.0.0")
    sta.write_text(f'#!/bin/sh\necho "${{LIBERTY-none}}" > {tmp_path}/seen\n')
    opensta.sign_off(tmp_path, str(sta), files)
    assert (tmp_path / "seen").read_text().strip() == (" ".join(f"{{{file}}}" for file in files) or "none")
