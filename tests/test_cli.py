"""Every refusal is one line and a status; what the commands print is what there is."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from lmul.cli.main import main
from lmul.hdl.designs import catalogue


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
    ({"a": np.ones(3)}, "'b'"),
])
def test_bad_operands(capsys, tmp_path, arrays, words):
    path = save(tmp_path / "operands.npz", **arrays)
    assert words in refused(capsys, "report", "mul_lmul_e4m3", "--operands", path, "-o", tmp_path / "out")


def test_missing_operands(capsys, tmp_path):
    assert "none.npz" in refused(capsys, "report", "mul_lmul_e4m3", "--operands", tmp_path / "none.npz", "-o", tmp_path)


def test_missing_liberty(capsys, tmp_path):
    line = refused(capsys, "report", "mul_lmul_e4m3", "--liberty", tmp_path / "none.lib", "-o", tmp_path / "out")
    assert "none.lib" in line


def test_interrupt_leaves_nothing(tmp_path):
    """ctrl-C in the middle of a report: status 130, one line, no report."""
    command = [sys.executable, "-m", "lmul.cli.main", "report", "-o", str(tmp_path / "out")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes, start_new_session=True)
    time.sleep(4)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in err and "lmul: interrupted" in err
    assert not [path for path in (tmp_path / "out").iterdir() if path.suffix in (".json", ".html", ".md")]
