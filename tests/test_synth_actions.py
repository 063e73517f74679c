"""Energy per action: of one netlist, by what it is given; and the files that other tools read of it."""

import csv
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from lmul.cli import exports
from lmul.cli.main import main
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import parse
from lmul.synth.actions import MEANINGS, Characterised, _last_run, measure
from lmul.synth.measure import run_report
from lmul.synth.options import Options

ROOT = Path(__file__).parent.parent
OPTIONS = Options(effort="low", vectors=400)
UNITS = [
    Characterised("mac_lmul_e4m3_fp32", "asap7", 56.5, 1000.0, 12.0, 1, (1,),
         {"new_operand": 416.25, "held_weight": 300.0, "zero_operand": 107.0, "idle": 62.0, "gated": 0.00032}, {},
         "new_operand", {"command": "lmul export", "library": "a test's\ncells"}),
    Characterised("tile_lmul_e4m3_best_4x2_w8", "asap7", 160.0, 900.0, 12.0, 8, (4, 2),
         {"new_operand": 60.0, "held_weight": 40.0, "idle": 2.0, "gated": 0.01}, {"zero_operand": "there is none"},
         "held_weight", {"command": "lmul export", "library": "a test's cells"})]

#: What readers of YAML must find, comments aside.
TIMELOOP = {
    "ERT": {"version": 0.4, "tables": [{"name": "system.PE", "actions": [
        {"name": "compute", "arguments": {}, "energy": 0.04},
        {"name": "compute_gated", "arguments": {}, "energy": 0.00001}]}]},
    "ART": {"version": 0.4, "tables": [{"name": "system.PE", "area": 20.0}]}}
ZIGZAG = {"name": "tile_lmul_e4m3_best_4x2_w8", "operational_array": {
    "input_precision": [8, 8], "unit_energy": 0.04, "unit_area": 20.0, "dimensions": ["D1", "D2"], "sizes": [4, 2]}}


def test_the_last_of_several_runs_is_found():
    assert _last_run(np.array([0, 1, 1, 0, 0, 1, 1, 1, 0])) == (5, 8)
    assert _last_run(np.array([0, 1, 1])) == (1, 3)


@pytest.mark.parametrize(("slug", "sizes"), [
    ("mul_lmul_e4m3", (1,)), ("mac_int8_int32", (1,)), ("dot_int8_int32_16", (16,)),
    ("tile_int8_16x4", (16, 4)), ("array_int8_int32_4x2_os", (4, 2))])
def test_a_unit_has_its_multiply_accumulates_along_its_dimensions(slug, sizes):
    assert parse(slug).sizes == sizes


def test_timeloop_gets_tables_of_the_level_that_is_named():
    files = exports.timeloop_files(UNITS, component="PE")
    assert list(files) == ["mac_lmul_e4m3_fp32.asap7.yaml", "tile_lmul_e4m3_best_4x2_w8.asap7.yaml"]
    text = files["tile_lmul_e4m3_best_4x2_w8.asap7.yaml"]
    assert yaml.safe_load(text) == TIMELOOP and "e-" not in text.split("ERT")[1]
    assert "# compute is held weight, compute_gated is gated\n" in text and "# idle, " in text
    assert "energy: 0.41625\n" in files["mac_lmul_e4m3_fp32.asap7.yaml"]


def test_accelergy_gets_a_set_of_tables_for_each_technology():
    files = exports.accelergy_files(UNITS)
    assert list(files) == ["lmul_asap7.table.yaml", "asap7/mac_lmul_e4m3_fp32.csv",
                           "asap7/tile_lmul_e4m3_best_4x2_w8.csv"]
    assert yaml.safe_load(files["lmul_asap7.table.yaml"]) == {
        "name": "lmul_asap7", "technology": "asap7", "accuracy": 90, "path_to_data_dir": "./asap7"}
    rows = list(csv.DictReader(files["asap7/mac_lmul_e4m3_fp32.csv"].splitlines()))
    assert [row["action"] for row in rows] == ["mac_random", "mac_reused", "mac_zero", "idle", "mac_gated"]
    assert [float(row["energy"]) for row in rows] == pytest.approx([.41625, .3, .107, .062, 3.2e-7])
    assert {(row["technology"], row["area"]) for row in rows} == {("asap7", "56.5")}


def test_zigzag_gets_an_accelerator_whose_memory_costs_nothing():
    text = exports.zigzag_files(UNITS)["tile_lmul_e4m3_best_4x2_w8.asap7.yaml"]
    read = yaml.safe_load(text)
    assert {key: read[key] for key in ZIGZAG} == ZIGZAG and list(read["memories"]) == ["outside"]
    assert "r_cost: 0.0\n" in text and "w_cost: 0.0\n" in text


def test_the_table_has_every_action_and_its_source():
    rows = list(csv.DictReader(exports.csv_files(UNITS)["actions.csv"].splitlines()))
    assert [row["action"] for row in rows[:5]] == list(MEANINGS) and len(rows) == 9
    assert (rows[5]["energy_pj_per_mac"], rows[5]["energy_pj_per_cycle"]) == ("0.06", "0.48")
    assert rows[5]["area_um2_per_mac"] == "20.0" and rows[5]["library"] == "a test's cells"


@pytest.mark.parametrize("name", list(exports.TARGETS))
def test_their_own_readers_take_the_files(name):
    """ZigZag's, where it is installed."""
    read = {file: yaml.safe_load(text) for file, text in exports.TARGETS[name](UNITS, component="mac").items()
            if file.endswith(".yaml")}
    numbers = json.loads(json.dumps(read))  # nothing but dicts, lists, strings and numbers
    assert numbers == read
    if name == "timeloop":
        [table] = read["mac_lmul_e4m3_fp32.asap7.yaml"]["ERT"]["tables"]
        assert table["actions"][1] == {"name": "compute_gated", "arguments": {}, "energy": 3.2e-7}
    if name == "zigzag":
        reader = pytest.importorskip("zigzag.parser.accelerator_validator", reason="zigzag-dse must be installed")
        from zigzag.parser.accelerator_factory import AcceleratorFactory

        for unit, tree in zip(UNITS, read.values(), strict=True):
            validator = reader.AcceleratorValidator(tree)
            assert validator.validate()
            array = AcceleratorFactory(validator.normalized_data).create().operational_array
            assert array.total_unit_count == unit.macs
            assert array.unit.energy_cost == pytest.approx(unit.energies[unit.usual] / 1000)
            assert array.total_area == pytest.approx(unit.area_um2)


def test_a_unit_is_measured_and_written_as_the_document_says(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [command] = re.findall(r"^    \$ lmul (.*)$", (ROOT / "docs" / "export.md").read_text(encoding="utf-8"), re.M)
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(command))
    assert not stop.value.code
    rows = list(csv.DictReader(Path("units/actions.csv").read_text().splitlines()))
    found = {row["action"]: float(row["energy_pj_per_mac"]) for row in rows}
    assert list(found) == list(MEANINGS)
    assert found["gated"] < found["idle"] < found["zero_operand"] < found["held_weight"] < found["new_operand"]
    said = capsys.readouterr().out
    assert "mac_int4_int16" in said and said.splitlines()[-1] == "written: units/actions.csv"


@pytest.mark.parametrize(("arguments", "words"), [
    (["matmul_int8_int32_4x4_os"], "is not: its bus is driven by"), (["mul_int8", "--tech", "ice40"], "not 'ice40'"),
    (["mul_int9999"], "must be")])
def test_what_has_no_energy_is_refused_before_it_starts(arguments, words, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["export", *arguments, "--to", "csv", "-o", str(tmp_path)])
    said = capsys.readouterr().err
    assert stop.value.code == 2 and words in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.regress
@pytest.mark.parametrize("slug", ["mul_lmul_e4m3", "mac_lmul_e4m3_fp32", "dot_exact_e4m3_flush_fixed_4",
                                  "array_int8_int32_2x2_os", "array_lmul_e4m3_carrysave_2x2_ws", "tile_int8_4x2",
                                  "tile_lmul_e4m3_best_4x2_w8", "tile_log_l3f4_4x2_w8", "mac_xnor_sign8_int16"])
def test_actions_of_every_structure_hold_to_golden_and_to_the_report(slug):
    """Every action's results are checked on the way; new operands are those of a report where no weight is loaded."""
    [unit] = measure([slug], ["asap7"], options=OPTIONS)
    [row] = run_report([slug], ["asap7"], options=OPTIONS)["rows"]
    design = parse(slug)
    zero = unit.energies.get("zero_operand")
    assert (zero is None) == ("zero_operand" in unit.reasons) == ("sign" in slug)
    assert unit.area_um2 == row["area_um2"] and unit.clock_ps == row["clock_ps"]
    assert unit.energies["gated"] == pytest.approx(1e-6 * row["leakage_nw"] * unit.clock_ps / unit.macs, rel=0.25)
    assert unit.energies["gated"] <= unit.energies["idle"] < unit.energies["new_operand"]
    assert zero is None or zero < unit.energies["new_operand"]
    if design.declared.tiled:
        assert unit.energies["held_weight"] < row["energy_fj_per_op"] < unit.energies["new_operand"]
    else:
        assert unit.energies["new_operand"] == row["energy_fj_per_op"]


@pytest.mark.regress
def test_a_clock_that_no_netlist_reaches_is_refused():
    with pytest.raises(Refusal, match="mul_exact_e2m1 must have an energy in asap7, and has none: no netlist reaches"):
        measure(["mul_exact_e2m1"], ["asap7"], options=Options(effort="low", vectors=200, clock_ps=5.0))
