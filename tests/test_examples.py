"""The examples run, and what they say is so."""

import json
import os
import runpy
import sys
from pathlib import Path

import pytest
from lmul.synth import sweep_spec

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """``run(name, *arguments)``: what an example prints, run as its first lines say."""
    def printed(name, *arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out
    return printed


def test_every_example_is_run_here():
    assert {path.name for path in EXAMPLES.iterdir()} - {"__pycache__"} == {
        "multiply.py", "multiply.ipynb", "own_design.py", "own_cells.py", "cells.lib", "sweep.toml",
        "own_pe"}  # in test_plugin


def test_multiply(run, tmp_path):
    lines = run("multiply.py", "errors.svg").splitlines()
    errors = {line[:14].strip(): [float(word) for word in line[14:].replace("%", "").split()] for line in lines}
    assert (tmp_path / "errors.svg").read_text().count("window, bits") == 1
    assert len(errors) == 4
    for name, values in errors.items():  # the widest window is no worse than the narrowest
        assert values[-1] < values[0], name
    assert errors["exact e4m3"][-1] < errors["L-Mul e4m3"][-1] < 15


def test_notebook(tmp_path, monkeypatch):
    """Its code, cell after cell."""
    import matplotlib

    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    notebook = json.loads((EXAMPLES / "multiply.ipynb").read_text(encoding="utf-8"))
    session = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), session)  # noqa: S102
    assert session["product"].error < 0.15 and len(session["axes"].lines) == 4
    assert os.listdir(tmp_path) == []


def test_own_design(run):
    said = run("own_design.py")
    assert "sums as the model has them" in said and "module relu(" in said


@pytest.mark.regress
def test_own_cells(run):
    header, *rows = run("own_cells.py").splitlines()
    assert [row.split()[0] for row in rows] == ["mul_lmul_e4m3", "mul_exact_e4m3_flush"]
    assert all(float(figure) > 0 for row in rows for figure in row.split()[1:]) and "area_um2" in header


def test_sweep_is_one_of_three_hundred_designs():
    sweep = sweep_spec.read(EXAMPLES / "sweep.toml")
    assert len(sweep.designs) >= 300
    assert {design.structure for design, *_ in sweep.designs} == {"tile", "dot", "mac"}
