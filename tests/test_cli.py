"""Every refusal is one line and a status; what the commands print is what there is."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from lmul.cli.main import CRASH, cli, main
from lmul.golden.pool import WorkerDied
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import catalogue
from lmul.hdl.yosys import YosysError


def run(capsys, *arguments):
    """Exit status, standard output and standard error of one command line."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


def refused(capsys, *arguments):
    """The one line with which a command line is refused, status 2."""
    status, _, err = run(capsys, *arguments)
    lines = [line for line in err.splitlines() if line.startswith("lmul: ")]
    assert status == 2, err
    assert len(lines) == 1 and "Traceback" not in err
    return lines[0]


def test_list_names_every_design(capsys):
    status, out, _ = run(capsys, "list", "--json")
    sections = json.loads(out)
    assert status == 0
    assert list(sections["designs"]) == catalogue()
    assert {"e4m3", "bf16", "tf32"} <= set(sections["formats"])
    assert {"mxe4m3", "mxint8", "mxl3f4", "nvfp4"} <= set(sections["blocks"])
    status, out, _ = run(capsys, "list")
    assert status == 0 and "array_lmul_e4m3_fp32_8x8_os" in out


@pytest.mark.parametrize("command", ["generate", "simulate", "report"])
def test_unknown_slug(capsys, tmp_path, command):
    line = refused(capsys, command, "mul_lmul_e4m33", "-o", tmp_path / "out")
    assert "'mul_lmul_e4m33'" in line and "nearest: mul_lmul_e4m3" in line
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize(("arguments", "expected"), [
    (["bogus"], "No such command 'bogus'."),
    (["generate"], "Missing argument 'SLUG...'."),
    (["generate", "mul_lmul_e4m3"], "Missing option '-o' / '--output'."),
    (["simulate", "mul_lmul_e4m3", "--simulator", "vcs"],
     "Invalid value for '--simulator': 'vcs' is not one of 'verilator', 'icarus'."),
])
def test_usage(capsys, arguments, expected):
    assert refused(capsys, *arguments) == f"lmul: {expected}"


def test_unknown_format(capsys, tmp_path):
    assert "Format must be one of e4m3" in refused(capsys, "generate", "mul_lmul_e4", "-o", tmp_path)
    assert "Exponent bits must be 2 to 8, not 9" in refused(capsys, "generate", "mul_lmul_e9m3", "-o", tmp_path)


def test_unknown_technology(capsys, tmp_path):
    line = refused(capsys, "report", "mul_lmul_e4m3", "--tech", "sky90", "-o", tmp_path)
    assert "sky130hd" in line and "asap7" in line and "'sky90'" in line


@pytest.mark.parametrize("command", ["generate", "report"])
def test_unwritable_output(capsys, tmp_path, command):
    (tmp_path / "file").write_text("")
    line = refused(capsys, command, "mul_lmul_e4m3", "-o", tmp_path / "file" / "sub")
    assert "Output folder must be writable" in line and "Not a directory" in line


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(("arrays", "words"), [
    ({"a": np.array([1.0, np.nan]), "b": np.ones(2)}, "NaN"),
    ({"a": np.array([]), "b": np.array([])}, "at least one number"),
    ({"a": np.ones(3), "b": np.ones(4)}, "shape"),
    ({"a": np.ones(3)}, "arrays a and b"),
])
def test_bad_operands(capsys, tmp_path, arrays, words):
    path = save(tmp_path / "operands.npz", **arrays)
    assert words in refused(capsys, "report", "mul_lmul_e4m3", "--operands", path, "-o", tmp_path / "out")


def test_missing_operands(capsys, tmp_path):
    assert "none.npz" in refused(capsys, "report", "mul_lmul_e4m3", "--operands", tmp_path / "none.npz", "-o", tmp_path)


def test_missing_liberty(capsys, tmp_path):
    line = refused(capsys, "report", "mul_lmul_e4m3", "--liberty", tmp_path / "none.lib", "-o", tmp_path / "out")
    assert "none.lib" in line


def test_liberty_cut_in_half(capsys, tmp_path):
    text = (Path(__file__).parent / "fixtures" / "small.lib").read_text()
    (tmp_path / "half.lib").write_text(text[:len(text) // 2])
    line = refused(capsys, "report", "mul_lmul_e4m3", "--liberty", tmp_path / "half.lib", "-o", tmp_path / "out")
    assert "half.lib:" in line


def test_liberty_without_a_needed_cell(capsys, tmp_path):
    (tmp_path / "none.lib").write_text("library (none) {\n  voltage_unit : \"1V\";\n}\n")
    line = refused(capsys, "report", "mul_lmul_e4m3", "--liberty", tmp_path / "none.lib", "-o", tmp_path / "out")
    assert "none.lib" in line


def test_full_disk_leaves_the_old_file(capsys, tmp_path, monkeypatch):
    assert run(capsys, "generate", "mul_lmul_e2m1", "-o", tmp_path)[0] == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in refused(capsys, "generate", "mul_lmul_e2m1", "-o", tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_missing_simulator(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    line = refused(capsys, "simulate", "mul_lmul_e2m1", "--simulator", "icarus", "-o", tmp_path / "out")
    assert "iverilog" in line or "Icarus" in line


@pytest.mark.parametrize(("a", "b", "words"), [
    (np.ones((2, 3)), np.ones((4, 2)), "Inner dimensions must be equal, not 3 and 4"),
    (np.ones((2, 0)), np.ones((0, 2)), "0"),
    (np.full((2, 2), np.nan), np.ones((2, 2)), "NaN"),
])
def test_bad_matrices(capsys, tmp_path, a, b, words):
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", b)
    line = refused(capsys, "matmul", tmp_path / "a.npy", tmp_path / "b.npy", "--design",
                   "matmul_lmul_e4m3_fp32_2x2_os", "-o", tmp_path / "c.npy")
    assert words in line
    assert not (tmp_path / "c.npy").exists()


@pytest.mark.parametrize("error, status", [
    (Refusal("A thing must be so, not otherwise"), 2), (OSError(errno.ENOSPC, "No space left on device", "f"), 2),
    (ValueError("min() arg is an empty sequence"), CRASH), (OSError(errno.ENOENT, "No such file", "f"), CRASH),
    (KeyError("x"), CRASH)])
def test_only_refusals_exit_with_2(monkeypatch, capsys, error, status):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(cli, "main", fails)
    with pytest.raises(SystemExit) as stop:
        main(["list"])
    said = capsys.readouterr().err
    assert stop.value.code == status
    assert ("Traceback" in said and "This is a fault in lmul" in said and "report it" in said) == (status == CRASH)


@pytest.mark.parametrize("debug", [False, True])
def test_a_yosys_that_died_is_one_line(monkeypatch, capsys, debug):
    """Its own words and how to report it; the traceback for whoever asks."""
    words = 'Yosys failed: ABC: execution of command "abc" failed: return code 139.; it said last: ABC: + &nf'

    def dies(*_, **__):
        raise YosysError(words)

    monkeypatch.setattr(cli, "main", dies)
    if debug:
        monkeypatch.setenv("LMUL_DEBUG", "1")
    status, out, err = run(capsys, "list")
    assert (status, out) == (CRASH, "") and ("Traceback" in err) is debug
    last = err.splitlines()[-1]
    assert last.startswith(f"lmul: {words}. ") and "please report it" in last and (debug or err.count("\n") == 1)


def test_a_worker_that_died_is_one_line(monkeypatch, capsys):
    def dies(*_, **__):
        raise WorkerDied("The process that worked on x was ended by y")

    monkeypatch.setattr(cli, "main", dies)
    assert run(capsys, "list") == (CRASH, "", "lmul: The process that worked on x was ended by y\n")
