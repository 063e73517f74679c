"""The command line with hostile input, strange paths, company in its folder, and when it is killed."""

import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import test_fuzz_readers as readers
from fuzz import SECONDS, alarm, spoilt_text
from lmul.cli.main import main
from lmul.synth import library
from test_cli_pages import invented

LMUL = [sys.executable, "-m", "lmul.cli.main"]
SMALL = Path(__file__).parent / "fixtures" / "small.lib"
STRANGE = "a b/ü'ñ/日本 $HOME;#&()"  # a folder


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setattr(library, "_cache_folder", lambda: tmp_path_factory.getbasetemp() / "cache")


def run(capsys, *arguments):
    """Exit status, standard output and standard error of one command line."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


def made(command, data, folder):
    """The command line that reads a spoilt file, and what it would write."""
    path, out = folder / "given", folder / "out"
    path.write_bytes(data)
    return {
        "matmul": ["matmul", path, folder / "b.npy", "--design", "matmul_lmul_e4m3_fp32_2x2_os", "-o", out / "c.npy"],
        "report": ["report", "mul_lmul_e2m1", "--tech", "ice40", "--operands", path, "-o", out],
        "claims": ["claims", "--only", "others", "--record", path, "-o", out],
        "characterise": ["characterise", path, "-o", out / "t.json"],
    }[command]


#: What each command reads, as the readers' own test spoils it.
GIVEN = {"matmul": readers.matrices, "report": readers.archives, "claims": readers.records,
         "characterise": readers.liberty}


@pytest.mark.parametrize("command", GIVEN)
@pytest.mark.parametrize("count", [6, pytest.param(100, marks=pytest.mark.regress)])
def test_a_spoilt_file_is_one_line(command, count, tmp_path, capsys, seed):
    read, spoil = GIVEN[command](tmp_path)
    np.save(tmp_path / "b.npy", np.ones((3, 2)))
    rng = random.Random(seed)
    while count:
        given = spoil(rng)
        data = given.encode(errors="surrogatepass") if isinstance(given, str) else given
        try:
            read(given)
            if command == "claims" and rng.random() < 0.3:  # what is accepted can be worked with
                status, _, err = run(capsys, *made(command, data, tmp_path)[:-1], tmp_path / "good")
                assert status == 0, (err, data)
            continue
        except ValueError:
            count -= 1
        with alarm(4 * SECONDS):
            status, out, err = run(capsys, *made(command, data, tmp_path))
        lines = err.splitlines()
        assert (status, len(lines), out) == (2, 1, "") and lines[0].startswith("lmul: "), (status, out, err, data)
        assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("count", [6, pytest.param(300, marks=pytest.mark.regress)])
@pytest.mark.parametrize("command", ["generate", "simulate", "report"])
def test_a_spoilt_slug_is_one_line(command, count, tmp_path, capsys, seed):
    rng = random.Random(seed)
    for _ in range(count):
        slug = "mul_" + spoilt_text("lmul_e4m3_sub", rng) + "_"
        status, out, err = run(capsys, command, "--", slug, "-o", tmp_path)
        assert status == 2 and not out and len(err.splitlines()) == 1, (slug, err)


def test_the_real_command_line_refuses_in_one_line(tmp_path):
    """As a process of its own, with bytes that are no text."""
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00\x02\x00{\n")
    for arguments in (["generate", b"mul_lmul_\xff\xfe", "-o", tmp_path], ["matmul", tmp_path / "bad.npy",
                      tmp_path / "bad.npy", "--design", "matmul_lmul_e4m3_fp32_2x2_os", "-o", tmp_path / "c.npy"]):
        done = subprocess.run([*LMUL, *arguments], capture_output=True, timeout=60)
        assert done.returncode == 2 and not done.stdout
        assert done.stderr.startswith(b"lmul: ") and done.stderr.count(b"\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.npy"]


def strange(folder):
    """Command lines that read and write in a folder, by what they write."""
    report = ["report", "mul_lmul_e2m1", "--liberty", folder / "l b.lib", "--operands", folder / "o p.npz",
              "--vectors", 200, "--effort", "low", "--keep"]
    return {
        "gen/mul_lmul_e2m1.json": ["generate", "mul_lmul_e2m1", "-o", folder / "gen"],
        "ö c.npy": ["matmul", folder / "ä b.npy", folder / "ä b.npy", "--design", "matmul_lmul_e4m3_fp32_2x2_os",
                    "-o", folder / "ö c.npy"],
        "t t.json": ["characterise", folder / "l b.lib", "-o", folder / "t t.json"],
        "cla/claims.html": ["claims", "--only", "others", "--record", folder / "r é.json", "-o", folder / "cla"],
        "sim/mul_lmul_e2m1/icarus/results.xml": ["simulate", "mul_lmul_e2m1", "--simulator", "icarus",
                                                 "-o", folder / "sim"],
        "rep/report.html": [*report, "-o", folder / "rep"],
    }


LONG = "sim/mul_lmul_e2m1/icarus/results.xml", "rep/report.html"


@pytest.mark.parametrize("written", [pytest.param(name, marks=[pytest.mark.regress] * (name in LONG)
                                                  + [pytest.mark.icarus] * ("icarus" in name))
                                     for name in strange(Path())])
def test_strange_paths(written, tmp_path, capsys, monkeypatch):
    """Folders and files whose names a shell, a Makefile or an old program would trip over."""
    folder = tmp_path / STRANGE
    folder.mkdir(parents=True)
    np.save(folder / "ä b.npy", np.ones((2, 2)))
    np.savez(folder / "o p.npz", a=np.linspace(-1, 1, 50), b=np.linspace(1, 2, 50))
    (folder / "l b.lib").write_bytes(SMALL.read_bytes())
    (folder / "r é.json").write_text(json.dumps(invented(1)), encoding="utf-8")
    status, _, err = run(capsys, *strange(folder)[written])
    assert status == 0, err
    assert (folder / written).stat().st_size
    assert {path.name for path in tmp_path.iterdir()} == {"a b"}


def test_lines_in_a_strange_place(tmp_path, capsys):
    """`lmul trace` reads text; one without sentences is refused before the network is wanted."""
    folder = tmp_path / STRANGE
    folder.mkdir(parents=True)
    for content, words in ((b"\n", "Sentences must be at least one, not none"), (b"\xff\xfe", "text file in UTF-8")):
        (folder / "lïnes.txt").write_bytes(content)
        status, _, err = run(capsys, "trace", folder / "lïnes.txt", "-o", folder / "t.npz")
        assert status == 2 and words in err
        assert [path.name for path in folder.iterdir()] == ["lïnes.txt"]


def test_a_path_that_is_no_text(tmp_path):
    """File names on Linux are bytes; a record of the command line holds them escaped."""
    folder = os.fsencode(tmp_path) + b"/\xff\xfe"
    os.mkdir(folder)
    (tmp_path / "r.json").write_text(json.dumps(invented(1)))
    done = subprocess.run([*LMUL, "claims", "--only", "others", "--record", tmp_path / "r.json", "-o", folder],
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    with open(folder + b"/claims.json", encoding="utf-8") as file:
        assert r"\udcff\udcfe" in json.load(file)["command"]


# Two at once


TWO = {
    "claims": [["claims", "--only", "others", "--record", name] for name in ("r.json", "s.json")],
    "generate": [["generate", "mul_lmul_e2m1", "mul_lmul_e2m3"]] * 2,
    "simulate": [["simulate", "mul_lmul_e2m1"]] * 2,
    "report": [["report", f"mul_{kind}_e2m1", "--tech", "ice40"] for kind in ("lmul", "mitchell")],
}


@pytest.mark.parametrize("command", [pytest.param(name, marks=[pytest.mark.regress] * (name in ("simulate", "report")))
                                     for name in TWO])
def test_two_runs_in_one_folder(command, tmp_path):
    """Both end well, and what is there is whole: of each set, that of one of them."""
    for name, seed in (("r.json", 1), ("s.json", 2)):
        (tmp_path / name).write_text(json.dumps(invented(seed)))
    runs = [subprocess.Popen([*LMUL, *arguments, "-o", "out"], cwd=tmp_path, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE) for arguments in TWO[command]]
    for each in runs:
        _, err = each.communicate(timeout=180)
        assert each.returncode == 0, err
    out = tmp_path / "out"
    if command in ("claims", "report"):
        assert_set(out, command)
    for about in map(json.loads, (path.read_text() for path in out.glob("mul_*.json"))):
        assert about["sha256"] == hashlib.sha256((out / about["verilog"]).read_bytes()).hexdigest()
    assert not list(out.glob(".lmul-*"))


def assert_set(folder, name):
    """The pages show the record that is beside them."""
    digest = hashlib.sha256((folder / f"{name}.json").read_bytes()).hexdigest()
    for suffix in (".md", ".html"):
        assert re.findall(r"\b[0-9a-f]{64}\b", (folder / f"{name}{suffix}").read_text())[-1] == digest


# Killed

#: Two writers that never end, in one folder, killed again and again at a random moment. Then every file is one of those
#: that were to be written, whole; and the last writer, which is let finish, leaves a set.
_KILLED = """
import hashlib, os, random, re, signal, sys, time
from pathlib import Path
from lmul.cli.document import Page, to_html, write
from lmul.hdl import verilog
from lmul.golden.files import atomic_write, write_together

folder, kills, rng = Path(sys.argv[1]), int(sys.argv[2]), random.Random(sys.argv[3])
to_html(Page("warm", "", []))

def page(number):
    write("report", {"n": number, "long": "x" * 5000}, Page(f"page {number}", "lead", []), folder)

def lone(number):
    with atomic_write(folder / "lone", "wb") as file:
        for _ in range(50):
            file.write(b"%d" % number * 200)
            file.flush()

whole = {}
for number in range(8):
    page(number)
    lone(number)
    for path in folder.iterdir():
        whole.setdefault(path.name, set()).add(path.read_bytes())
for _ in range(kills):
    children = []
    for start in (0, 1):
        child = os.fork()
        if not child:
            for number in range(start, 10**9):
                page(number % 8)
                lone(number % 8)
        children.append(child)
    time.sleep(rng.uniform(0, 0.03))
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    for name, contents in whole.items():
        assert (folder / name).read_bytes() in contents, name
page(3)
left = [path.name for path in folder.iterdir() if path.name not in whole]
assert all(name.startswith(".lmul-") for name in left), left
assert len(whole) == 4
"""


@pytest.mark.parametrize("kills", [25, pytest.param(1000, marks=pytest.mark.regress)])
def test_killed_while_it_writes(kills, tmp_path, seed):
    subprocess.run([sys.executable, "-c", _KILLED, tmp_path, str(kills), str(seed)], check=True, timeout=60 + kills)
    assert_set(tmp_path, "report")
    assert "page 3" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("kills", [1, pytest.param(40, marks=pytest.mark.regress)])
def test_generate_killed_at_any_moment(kills, tmp_path, seed):
    """Each file is the old one, here one that says so, or the new one."""
    slug, rng = "mul_lmul_e2m1", random.Random(seed)
    start = time.monotonic()
    subprocess.run([*LMUL, "generate", slug, "-o", tmp_path / "new"], check=True, capture_output=True)
    whole = time.monotonic() - start
    new = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    for name in new:
        (tmp_path / name).write_bytes(b"old")
    for _ in range(kills):
        process = subprocess.Popen([*LMUL, "generate", slug, "-o", tmp_path], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.5, 1.1) * whole)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for name, content in new.items():
            assert (tmp_path / name).read_bytes() in (b"old", content), name
