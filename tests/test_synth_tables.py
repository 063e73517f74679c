"""Compact tables beside the Liberty files they were made of: the same netlist, and the same report, cost the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gates import SMALL, real_paths
from lmul.cli.main import main
from lmul.golden.operands import operands
from lmul.hdl.designs import parse
from lmul.hdl.verilog import generate_many
from lmul.synth import liberty_writer, library
from lmul.synth.activity import simulate
from lmul.synth.cells import Table
from lmul.synth.characterise import characterise
from lmul.synth.defaults import default_designs
from lmul.synth.drive import drive
from lmul.synth.energy import estimate
from lmul.synth.mapping import map_design
from lmul.synth.measure import run_report
from lmul.synth.netlist import Netlist
from lmul.synth.options import Options
from lmul.synth.timing import analyse
from lmul.synth.verilog_kept import Written

AREA, DELAY, ENERGY = 0.02, 0.05, 0.05  # what a table may be off
GLITCHES = 0.15  # the energy of the fastest netlists: 1 % of a delay decides whether a short glitch is swallowed
VECTORS = 400


def figures(path, design, lib, cycles):
    """Area, delay and energy per op of a mapped netlist, and the outputs of its simulation."""
    netlist = Netlist.read(path, lib)
    timing = analyse(netlist)
    driven = drive(design, cycles, operands("recording", 1), VECTORS, 1)
    activity = simulate(netlist, timing, driven.inputs, "timed", 20 * timing.delay_ps, driven.warmup)
    driven.check(activity.outputs)
    energy = estimate(netlist, timing, activity, 1e6, driven.ops / activity.cycles)  # one period for both
    return np.array([netlist.area_um2, timing.delay_ps, energy.energy_fj_per_op])


def same_netlists(slugs, pairs, folder):
    """Map designs by the tables, and weigh their smallest and fastest netlists by the table and in full."""
    designs = [parse(slug) for slug in slugs]
    generate_many(designs, folder)
    checked = 0
    for design in designs:
        tables = {name: table for name, (table, _) in pairs.items()}
        cycles = Written.read(folder, design.slug).latency
        mapped = map_design(design, folder / f"{design.slug}.v", tables, "low", folder)
        for name, (table, full) in pairs.items():
            found = [(figures(each.source, design, table, cycles), each.source) for each in mapped.netlists[name]]
            for extreme, limits in enumerate(((AREA, DELAY, ENERGY), (AREA, DELAY, GLITCHES))):
                compact, path = min(found, key=lambda each, extreme=extreme: each[0][extreme])
                off = np.abs(compact / figures(path, design, full, cycles) - 1)
                assert (off <= limits).all(), f"{design.slug} in {name}: off by {off}"
                checked += 1
    return checked


def both(technology):
    return library.load(technology), library.load(None, real_paths(technology))


def test_a_sample_of_rows_costs_what_the_full_libraries_say(tmp_path):
    pairs = {technology: both(technology) for technology in library.EMBEDDED}
    assert same_netlists(["mul_lmul_e2m1"], pairs, tmp_path) == 4


@pytest.mark.regress
@pytest.mark.parametrize("slug", default_designs())
def test_every_default_row_costs_what_the_full_libraries_say(slug, tmp_path):
    assert same_netlists([slug], {technology: both(technology) for technology in library.EMBEDDED}, tmp_path) == 4


def same_reports(slugs, table, full, options):
    """Two reports, by the table and by the Liberty files, to which `measure` gives the mapper the same view."""
    one, two = (run_report(slugs, liberty=paths, options=options)["rows"] for paths in ([table], full))
    for a, b in zip(one, two, strict=True):
        assert a["design"] == b["design"] and a["at"].keys() == b["at"].keys()
        assert a["fmax_mhz"] == pytest.approx(b["fmax_mhz"], rel=DELAY)
        for name, limit in (("area_um2", AREA), ("energy_fj_per_op", ENERGY)):
            assert a["at"]["relaxed"][name] == pytest.approx(b["at"]["relaxed"][name], rel=limit), a["design"]


def test_our_own_library_by_its_table(tmp_path, capsys):
    table = tmp_path / "tiny.json"
    with pytest.raises(SystemExit) as left:
        main(["characterise", str(SMALL), "-o", str(table), "--source", "tests", "--licence", "Apache-2.0"])
    assert left.value.code == 0 and "tiny: 14 cells, " in capsys.readouterr().out
    assert table.stat().st_size < 100_000
    lib = library.load(None, [table])
    assert lib.source.startswith("tests: small.lib (sha256 ") and lib.licence == "Apache-2.0"
    assert lib.corner == library.load(None, [SMALL]).corner and lib.corner
    assert same_netlists(["mul_exact_e2m1_flush"], {"small": (lib, library.load(None, [SMALL]))}, tmp_path) == 2


@pytest.mark.regress
def test_reports_on_our_own_library(tmp_path):
    characterise([SMALL], tmp_path / "tiny.json")
    same_reports(["mul_lmul_e4m3", "mac_lmul_e2m1_fixed16"], tmp_path / "tiny.json", [SMALL],
                 Options(effort="low", vectors=500))


@pytest.mark.regress
@pytest.mark.parametrize("technology", library.EMBEDDED)
def test_reports_by_table_and_in_full(technology, tmp_path):
    table = library._DATA / f"{technology}.json"
    slugs = ["mul_lmul_e4m3", "mul_exact_e4m3_flush", "mac_lmul_e4m3_fp32"]
    same_reports(slugs, table, real_paths(technology), Options(effort="low", vectors=500))


def test_what_is_no_table_is_refused(tmp_path):
    path = tmp_path / "t.json"
    for text in ("{", "{}", "[]"):
        path.write_text(text)
        with pytest.raises(ValueError, match="^Cell table must be whole, not '.*t.json': "):
            library.load(None, [path])


def test_tables_of_two_points_are_mapped_with(tmp_path, monkeypatch):
    """ABC fails of tables of two points on an axis; it is given a third between them, which says the same."""
    own = library.load(None, [Path(__file__).parents[1] / "examples" / "cells.lib"])

    def ends(table):
        x, y = (axis if len(axis) == 1 else axis[[0, -1]] for axis in (table.x, table.y))
        return Table(x, y, table(x[:, None], y))

    cells = {name: replace(cell, arcs=[replace(arc, delay=tuple(map(ends, arc.delay)), slew=tuple(map(ends, arc.slew)))
                                       for arc in cell.arcs]) for name, cell in own.cells.items()}
    with monkeypatch.context() as patch:
        patch.setattr(liberty_writer, "_of_three", lambda table: table)
        replace(own, cells=cells).write_liberty(tmp_path / "two.lib", full=True)
    two = library.load(None, [tmp_path / "two.lib"])
    assert {table.values.shape for cell in two.cells.values() for arc in cell.arcs for table in arc.delay} == {(2, 2)}
    two.write_liberty(tmp_path / "three.lib", full=True)
    three = library.load(None, [tmp_path / "three.lib"])
    for name, cell in two.cells.items():
        for arc, found in zip(cell.arcs, three.cell(name).arcs, strict=True):
            for table, written in zip((*arc.delay, *arc.slew), (*found.delay, *found.slew), strict=True):
                assert written.values.shape == (3, 3)
                assert written(table.x[:, None], table.y) == pytest.approx(table.values)
    record = run_report(["mul_lmul_e2m1"], liberty=[tmp_path / "two.lib"], options=Options(effort="low", vectors=200))
    assert record["rows"][0]["energy_fj_per_op"] > 0
