"""The examples run, and what they say is so."""

import json
import os
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from lmul.golden.expected import expected
from lmul.golden.tile_sums import tile_matmul
from lmul.hdl.designs import parse
from lmul.hdl.verilog import generate
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
        "multiply.py", "multiply.ipynb", "own_design.py", "own_soc.py", "own_cells.py", "pynq_matmul.py", "cells.lib",
        "sweep.toml",
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


def test_own_soc(run):
    said = run("own_soc.py")
    assert "4 rows of 4 results as the model has them" in said and "module queued(" in said


@pytest.mark.regress
def test_own_cells(run):
    header, *rows = run("own_cells.py").splitlines()
    assert [row.split()[0] for row in rows] == ["mul_lmul_e4m3", "mul_exact_e4m3_flush"]
    assert all(float(figure) > 0 for row in rows for figure in row.split()[1:]) and "area_um2" in header


def test_sweep_is_one_of_three_hundred_designs():
    sweep = sweep_spec.read(EXAMPLES / "sweep.toml")
    assert len(sweep.designs) >= 300
    assert {design.structure for design, *_ in sweep.designs} == {"tile", "dot", "mac"}


class Board:
    """A Zynq with a core as the model has it: the module `pynq`, its overlay, and its engines."""

    def __init__(self, slug, folder):
        self.design, self.streams = parse(slug), json.loads((folder / f"{slug}.json").read_text())["streams"]
        self.given, self.taking, self.results = {"dma_a": [], "dma_b": []}, None, 0
        for name in ("dma_a", "dma_b"):
            setattr(self, name, SimpleNamespace(sendchannel=Channel(lambda data, name=name: self.take(name, data))))
        self.dma_c = SimpleNamespace(recvchannel=Channel(self.prepare, self.compute))

    def module(self):
        return SimpleNamespace(Overlay=lambda path: self, allocate=lambda shape, dtype: np.full(shape, 0xA5, dtype))

    def take(self, name, data):
        assert self.taking is not None, "the engine of results must be told first"
        self.given[name].append(np.array(data))

    def prepare(self, data):
        self.taking = data

    def codes(self, beats, stream):
        """The codes of beats, by the manifest and by arithmetic alone."""
        wide = 1 << (stream["data_bits"] // 8 - 1).bit_length()
        assert beats.shape[1] == wide
        mask = (1 << stream["element_bits"]) - 1
        return np.array([[int.from_bytes(beat.tobytes(), "little") >> stream["stride"] * i & mask
                          for i in range(stream["elements"])] for beat in beats])

    def compute(self):
        """What the core gives for the run that has come, by the order of `docs/ARCHITECTURE.md`."""
        a, b, c = self.streams
        passes = [self.codes(beats, a) for beats in self.given["dma_a"]]
        [weights] = self.given["dma_b"]
        left = np.hstack(passes) if self.design.declared.tiled else passes[0].T
        right = self.codes(weights, b)
        product = results(self.design, left.astype(np.uint8), right.astype(np.uint8))
        assert self.taking.shape == (len(product), 1 << (c["data_bits"] // 8 - 1).bit_length())
        self.taking[:] = 0
        for row, line in zip(self.taking, np.asarray(product, np.uint64), strict=True):
            for i, code in enumerate(line):
                size = c["stride"] // 8
                row[size * i : size * (i + 1)] = np.frombuffer(int(code).to_bytes(size, "little"), np.uint8)
        self.given, self.taking, self.results = {"dma_a": [], "dma_b": []}, None, self.results + 1


def results(design, a, b):
    """The codes that golden has."""
    return tile_matmul(design.tile, a, b).codes if design.declared.tiled else expected(design, a, b)


class Channel:
    """Of an engine: one transfer at a time."""

    def __init__(self, begun, ended=lambda: None):
        self.begun, self.ended, self.idle = begun, ended, True

    def transfer(self, data):
        assert self.idle, "a transfer is still under way"
        self.idle = False
        self.begun(data)

    def wait(self):
        assert not self.idle
        self.idle = True
        self.ended()


@pytest.mark.parametrize(("slug", "runs"), [("matmul_int8_int32_3x2_os", 6), ("matmul_lmul_e4m3_fp32_2x3_ws", 8),
                                            ("matmul_int8_4x3", 2)])
def test_pynq(slug, runs, tmp_path, monkeypatch, seed):
    generate(parse(slug), tmp_path)
    rng = np.random.default_rng(seed)
    design = parse(slug)
    a, b = (fmt.sample("random", shape, rng) for fmt, shape in (
        (design.multiplier.a, (7, 9)), (design.multiplier.b, (9, 4))))
    np.save(tmp_path / "A.npy", a)
    np.save(tmp_path / "B.npy", b)
    board = Board(slug, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "pynq", board.module())
    monkeypatch.setattr(sys, "argv", ["pynq_matmul.py", f"{slug}.json", "A.npy", "B.npy", "--overlay", "x.bit"])
    runpy.run_path(str(EXAMPLES / "pynq_matmul.py"), run_name="__main__")
    assert np.array_equal(np.load("C.npy"), results(design, a, b))
    assert board.results == runs


def test_pynq_refuses_other_streams(tmp_path, monkeypatch):
    generate(parse("matmul_exact_mxe4m3_32x1_w10"), tmp_path)
    monkeypatch.setattr(sys, "argv", ["x", str(tmp_path / "matmul_exact_mxe4m3_32x1_w10.json"), "A.npy", "B.npy"])
    with pytest.raises(SystemExit, match="s_axis_bs, m_axis_c, place, top: this script is for"):
        runpy.run_path(str(EXAMPLES / "pynq_matmul.py"), run_name="__main__")
