"""Sweeps: lists crossed into designs, measured by processes or by Dask, stopped and resumed, none measured twice."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lmul.cli.main import main
from lmul.golden.pool import TooLong
from lmul.golden.refusal import Refusal
from lmul.synth import sweep_spec
from lmul.synth.schedulers import Cluster, Cores
from lmul.synth.sweep import Plan, perform
from sweep_jobs import job

HEAD = 'technologies = ["asap7", "ice40"]\nefforts = ["low"]\nvectors = 200\n'
SPEC = HEAD + '[[designs]]\nslug = "mul_{term}"\nterm = ["lmul_e2m1", "exact_e2m1_flush"]\n'
LONG = HEAD + '[[designs]]\nslug = "mul_{term}"\nterm = ["lmul_e2m1", "exact_e2m1_flush", "lmul_e3m2", "lmul_e2m3"]\n'


def spec(folder, text=SPEC):
    path = Path(folder) / "sweep.toml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as found:
        found.wait_for_workers(2)
        yield found


@pytest.fixture(params=["cores", pytest.param("cluster", marks=pytest.mark.filterwarnings("ignore"))])
def scheduler(request):
    return Cores() if request.param == "cores" else Cluster(request.getfixturevalue("cluster").scheduler_address)


def test_jobs_that_die_hang_or_raise_end_no_other(scheduler, tmp_path):
    found = {number: (result, error) for number, result, error in
             scheduler.attempts(job, range(8), (str(tmp_path),), 4.0, 1)}
    assert {number: result for number, (result, error) in found.items() if not error} == {
        number: number * 10 for number in (0, 1, 3, 5, 6, 7)}
    assert isinstance(found[2][1], TooLong) and "longer than 4 s" in str(found[2][1])
    assert isinstance(found[4][1], ValueError)
    tries = {number: len((tmp_path / str(number)).read_text().splitlines()) for number in range(8)}
    assert tries[1] >= 2 and tries[2] == 2 and tries[3] == 2
    assert {number: tries[number] for number in (0, 4, 5, 6, 7)} == dict.fromkeys((0, 4, 5, 6, 7), 1)


# Designs


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept")
    assert run("sweep", str(spec(folder)), "--cache", "none", "-o", str(folder / "out")) == 0
    return folder


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return stop.value.code


def record(folder):
    return json.loads((folder / "report.json").read_text())


def test_rows_of_a_sweep(swept):
    rows = record(swept / "out")["rows"]
    assert {(row["design"], row["technology"]) for row in rows} == {
        (f"mul_{term}", technology) for term in ("lmul_e2m1", "exact_e2m1_flush") for technology in ("asap7", "ice40")}
    assert all(row["energy_fj_per_op"] if row["technology"] == "asap7" else row["luts"] for row in rows)
    assert len({row["at"]["relaxed"]["clock_ps"] for row in rows if row["at"]}) == 1


def test_nothing_is_measured_again(swept, capsys):
    results = {path: path.stat().st_mtime_ns for path in (swept / "out" / "results").iterdir()}
    rows = record(swept / "out")["rows"]
    (swept / "out" / "report.json").unlink()
    assert run("sweep", str(swept / "sweep.toml"), "--dry-run", "-o", str(swept / "out")) == 0
    assert "2 designs, 0 of them" in capsys.readouterr().out
    assert run("sweep", str(swept / "sweep.toml"), "--cache", "none", "-o", str(swept / "out")) == 0
    assert record(swept / "out")["rows"] == rows
    assert {path: path.stat().st_mtime_ns for path in results} == results


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_finds_the_same(swept, cluster, tmp_path):
    """Cells; counts on FPGAs are compared in the next test."""
    path = spec(tmp_path, SPEC.replace(', "ice40"', ""))
    assert run("sweep", str(path), "--scheduler", cluster.scheduler_address, "--cache", "none", "-o",
               str(tmp_path / "out")) == 0
    rows = record(tmp_path / "out")["rows"]
    assert rows == [row for row in record(swept / "out")["rows"] if row["technology"] == "asap7"] and len(rows) == 2


@pytest.mark.filterwarnings("ignore")
@pytest.mark.regress
def test_a_client_that_is_killed_loses_nothing(cluster, tmp_path):
    """Killed after its first result, and begun again."""
    path, out = spec(tmp_path, LONG), tmp_path / "out"
    arguments = ["sweep", str(path), "--scheduler", cluster.scheduler_address, "--cache", "none", "-o", str(out)]
    client = subprocess.Popen([sys.executable, "-m", "lmul.cli.main", *arguments])
    deadline = time.monotonic() + 120
    while not (first := list((out / "results").glob("*.json"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    client.kill()
    client.wait()
    before = {path: path.stat().st_mtime_ns for path in first}
    assert 1 <= len(before) < 4
    assert run(*arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert run("sweep", str(path), "--cache", "none", "-o", str(tmp_path / "cores")) == 0
    assert record(out)["rows"] == record(tmp_path / "cores")["rows"]


def test_a_design_that_takes_too_long_has_a_row_that_says_so(tmp_path, capsys):
    path = spec(tmp_path, SPEC.replace("[[designs]]", "[limit]\nseconds = 1\nretries = 0\n[[designs]]"))
    assert run("sweep", str(path), "--cache", "none", "-o", str(tmp_path / "out")) == 1
    assert "2 of 2 designs could not be measured" in capsys.readouterr().err
    for row in record(tmp_path / "out")["rows"]:
        assert row["area_um2"] is None and row["reasons"]["area_um2"] == "It took longer than 1 s"


# Files


@pytest.mark.parametrize("text, says", [
    ("", "a sweep must have at least one"),
    ("x = [", "Sweep must be a TOML file"),
    ("colour = 1\n" + SPEC, "not 'colour'"),
    (SPEC.replace("lmul_e2m1", "lmul_e2m1x"), "designs 1: .*lmul_e2m1x"),
    (SPEC.replace("{term}", "lmul_e2m1"), "'term' has not"),
    (SPEC.replace("{term}", "{term}{width}"), "'width' has not"),
    (SPEC + 'without = [{ window = [8] }]', "not 'window'"),
    (SPEC.replace('"low"', '"lowest"'), "efforts must be of low, default, high, not 'lowest'"),
    (SPEC.replace("200", "20"), "vectors must be 200 or more"),
    (SPEC.replace("asap7", "asap8"), "Technology must be one of"),
    (SPEC.replace('["low"]', '"low"'), "must be a list"),
])
def test_wrong_files_are_refused_before_anything_starts(text, says, tmp_path):
    with pytest.raises(Refusal, match=says):
        sweep_spec.read(spec(tmp_path, text))


def test_lists_are_crossed_with_conditions(tmp_path):
    text = """
        technologies = ["asap7"]
        [[designs]]
        slug = "tile_{term}_{lanes}x4_w{window}"
        term = ["lmul_e4m3", "exact_e4m3"]
        lanes = [8, 16]
        window = [8, 10]
        only = [{ lanes = [16] }, { window = 8 }]
        without = [{ term = "lmul_e4m3", window = [8] }]
        [[designs]]
        slug = "tile_{term}_16x4_w10"
        term = ["lmul_e4m3"]
        technologies = ["sky130hd", "ecp5"]
    """
    sweep = sweep_spec.read(spec(tmp_path, text))
    found = {design.slug: (keys, targets) for design, keys, targets in sweep.designs}
    assert found == {"tile_lmul_e4m3_16x4_w10": (("asap7", "sky130hd"), ("ecp5",)),
                     "tile_exact_e4m3_8x4_w8": (("asap7",), ()), "tile_exact_e4m3_16x4_w8": (("asap7",), ()),
                     "tile_exact_e4m3_16x4_w10": (("asap7",), ())}


def test_liberty_files_travel(tmp_path):
    shipped = Path(__file__).parents[1] / "examples" / "cells.lib"
    text = f'liberty = [["{shipped}"]]\n' + SPEC.replace('technologies = ["asap7", "ice40"]\n', "")
    plan = Plan(sweep_spec.read(spec(tmp_path, text)), tmp_path / "out")
    [(name, content)] = plan.files.values()
    assert name == shipped.name and content == shipped.read_bytes()
    [(setting, [job, *_])] = plan.jobs.items()
    found = perform(job._replace(libraries=job.libraries[-1:], cache="none"), plan.sources[setting], plan.files)
    assert found["libraries"][0]["points"][0]["area_um2"] > 0 and found["seconds"] > 0
    with pytest.raises(Refusal, match="Workers must have the lmul"):
        perform(job._replace(identity=["another"]), plan.sources[setting], plan.files)


def test_a_scheduler_that_is_not_there(tmp_path, capsys):
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    assert run("sweep", str(spec(tmp_path)), "--scheduler", "nonsense", "-o", str(tmp_path / "out")) == 2
    line = capsys.readouterr().err
    assert line.startswith("lmul: Scheduler must be the address of a running Dask scheduler") and line.count("\n") == 1
