"""Whatever the machine does: commands that are left leave nothing running, and closed streams, full disks and users
without a home are lines, not crashes."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from lmul.cli import caches
from lmul.cli.main import CRASH
from test_golden_pool import gone

LMUL = [sys.executable, "-m", "lmul.cli.main"]

#: A Yosys that never ends and hears no signal, with a child of its own.
HANGS = """#!/bin/sh
[ "$1" = -V ] && echo "Yosys 0.99" && exit
trap "" INT TERM HUP
sleep 1000 & echo $$ $! > FOLDER/$$.new; mv FOLDER/$$.new FOLDER/$$
wait; wait
"""

COMMANDS = {
    "report": ["report", "mul_lmul_e2m1", "mul_exact_e2m1_flush", "-o", "out"],
    "scatter": ["scatter", "mul_lmul_e2m1", "mul_exact_e2m1_flush", "-o", "runs.json"],
    "prove": ["prove", "mul_lmul_e2m1", "-o", "out"],
    "claims": ["claims", "--only", "gates", "-o", "out"],
    "simulate": ["simulate", "mul_lmul_e2m1", "-o", "out"],
    "matmul": ["matmul", "m.npy", "m.npy", "--design", "matmul_lmul_e2m1_fixed_1x1_os", "--backend", "rtl",
               "-o", "c.npy"],
}

QUICK = {("report", signal.SIGTERM), ("prove", signal.SIGINT), ("simulate", signal.SIGTERM)}


def tool(folder, name, text):
    """An executable file."""
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("command", "number"), [
    pytest.param(command, number, marks=[pytest.mark.regress] * ((command, number) not in QUICK))
    for command in COMMANDS for number in (signal.SIGINT, signal.SIGTERM)])
def test_leaving_a_command_leaves_nothing(command, number, tmp_path):
    np.save(tmp_path / "m.npy", np.ones((1, 1)))
    (tmp_path / "began").mkdir()
    (tmp_path / "temporary").mkdir()
    yosys = tool(tmp_path, "yosys", HANGS.replace("FOLDER", str(tmp_path / "began")))
    process = subprocess.Popen([*LMUL, *COMMANDS[command]], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
                               env=os.environ | {"YOSYS": str(yosys), "TMPDIR": str(tmp_path / "temporary")})
    while not [path for path in (tmp_path / "began").iterdir() if path.suffix != ".new"]:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert [line for line in err.splitlines() if line.startswith("lmul: ")] == err.splitlines()[-1:]
    assert "lmul: interrupted" in err and "Traceback" not in err
    assert gone(tmp_path / "began")
    assert not list((tmp_path / "temporary").iterdir())
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".json", ".html", ".md")]
    assert not (tmp_path / "c.npy").exists()


def shell(command, folder, **environment):
    """Status, standard output and error of a line of shell, in which $L is the command line's program."""
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=240,
                          env={name: value for name, value in (os.environ | environment).items() if value is not None}
                          | {"L": f"{sys.executable} -m lmul.cli.main"})
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", *(
    pytest.param(each, marks=pytest.mark.regress) for each in ("<&-", ">&-", "2>&-", "2>/dev/full"))])
def test_closed_streams(tmp_path, streams):
    status, out, err = shell(f"$L list {streams} && $L generate mul_lmul_e2m1 -o out {streams}; s=$?; "
                             f"$L bogus {streams}; echo $s $? >status", tmp_path)
    assert (tmp_path / "status").read_text() == "0 2\n", err
    assert (tmp_path / "out" / "mul_lmul_e2m1.json").exists()
    assert "Traceback" not in err and "Exception" not in err
    assert bool(out) == (">&- " not in f" {streams} ".replace("2>&-", ""))


def test_standard_output_is_full(tmp_path):
    status, _, err = shell("$L list >/dev/full", tmp_path)
    assert (status, err) == (2, "lmul: No space left on device\n")


@pytest.mark.parametrize("environment", [
    {"HOME": "/dev/null/none"}, *(pytest.param(each, marks=pytest.mark.regress) for each in (
        {"HOME": None}, {"XDG_CACHE_HOME": "/dev/null/none"}, {"TMPDIR": "/dev/null/none"}))], ids=str)
def test_no_place_of_ones_own(tmp_path, environment):
    """Libraries want one for what they compile, and warn or fail without. The folder that they get is used again."""
    for name in ("YOWASP_CACHE_DIR", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"):
        environment = environment | {name: None}
    program = ("from lmul.cli.caches import find_places; find_places(); import matplotlib.font_manager, numba, os; "
               "from lmul.golden import kernels; print(os.environ.get('YOWASP_CACHE_DIR'))")
    status, out, err = shell(f'{sys.executable} -W error -c "{program}"', tmp_path, **environment)
    assert (status, err) == (0, "")
    if "/dev/null/none" in (environment.get("HOME"), environment.get("XDG_CACHE_HOME")):
        assert Path(out.strip()).is_dir()
        assert Path(out.strip()).parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("mine", [True, False])
def test_compiled_code_is_read_from_nobody_elses_folder(tmp_path, monkeypatch, mine):
    folder = tmp_path / f"lmul-cache-{os.getuid()}"
    folder.mkdir(mode=0o700)
    folder.chmod(0o700 if mine else 0o777)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert (caches._own_folder() == folder) is mine


def test_nowhere_at_all(monkeypatch):
    def fails():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(caches, "_writable", lambda _: False)
    monkeypatch.setattr(caches.tempfile, "gettempdir", fails)
    monkeypatch.delenv("YOWASP_CACHE_DIR", raising=False)
    caches.find_places()
    assert "YOWASP_CACHE_DIR" not in os.environ


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own: ``small_disk(kilobytes)`` is its folder."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(kilobytes):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "lmul", folder], capture_output=True)
        if done.returncode:
            pytest.skip("a file system can be mounted by root alone")
        return folder

    yield mount
    subprocess.run(["umount", folder], capture_output=True)


@pytest.mark.parametrize(("command", "kilobytes"), [
    ("generate mul_lmul_e4m3 -o out", 40),
    pytest.param("generate mul_lmul_e4m3 -o disk", 8, marks=pytest.mark.regress),
    pytest.param("simulate mul_lmul_e2m1 -o disk", 300, marks=pytest.mark.regress),
    pytest.param("report mul_lmul_e2m1 --tech asap7 --effort low -o out", 200, marks=pytest.mark.regress)])
def test_a_full_disk_is_one_line(tmp_path, small_disk, command, kilobytes):
    """That of the output, or of the temporary files."""
    disk = small_disk(kilobytes)
    status, _, err = shell(f"$L {command}", tmp_path, TMPDIR=str(tmp_path if "-o disk" in command else disk))
    said = [line for line in err.splitlines() if line.startswith("lmul: ")]
    assert status == 2, err
    assert len(said) == 1 and "No space left on device" in said[0] and "Traceback" not in err
    for folder in (disk, tmp_path / "out"):
        assert not [path for path in folder.rglob("*") if path.suffix in (".json", ".html", ".core", ".sdc")]


@pytest.mark.parametrize(("says", "expected"), [
    ("echo 'Reading things' >&2; kill -9 $$",
     "Yosys failed: it was ended by SIGKILL (as systems do when memory runs out); it said last: Reading things."),
    ("echo 'About to' >yosys.log; echo 'ERROR: Found a thing' >&2; exit 1",
     "Yosys failed: Found a thing; it said last: About to. "),
    *(pytest.param(*each, marks=pytest.mark.regress) for each in (
        ("echo 'ERROR: Found a thing' >&2; exit 1", "Yosys failed: Found a thing. "),
        ("exit 3", "Yosys failed: it was ended by itself, with status 3. "))),
])
def test_last_words_of_yosys_are_passed_on(tmp_path, says, expected):
    yosys = tool(tmp_path, "yosys", f'#!/bin/sh\n[ "$1" = -V ] && echo "Yosys 0.99" && exit\n{says}\n')
    status, _, err = shell("$L generate mul_lmul_e2m1 -o out", tmp_path, YOSYS=str(yosys))
    assert status == CRASH
    assert expected in err.splitlines()[-1] and "Traceback" not in err


def test_compiling_yosys_is_said(tmp_path):
    yosys = tool(tmp_path, "yosys", "#!/bin/sh\necho 'Preparing to run yosys. This might take a while' >&2; exit 1\n")
    _, _, err = shell("$L generate mul_lmul_e2m1 -o out", tmp_path, YOSYS=str(yosys))
    assert re.search("^Compiling Yosys for this machine: a minute or two, once$", err, re.M)
    assert err.splitlines()[-1].startswith("lmul: Yosys must be runnable as ")


def test_progress_names_what_it_waits_for_and_how_long(tmp_path):
    status, _, err = shell("$L prove mul_lmul_e2m1 mul_lmul_e2m3 mul_lmul_e3m2", tmp_path)
    lines = [line for line in err.splitlines() if line.startswith("prove ")]
    assert status == 0 and re.fullmatch("prove 0/3 proofs: mul_lmul_e.m., mul_lmul_e.m.", lines[1]), err
    assert re.search(r"; about \d+ s left$", lines[2])
