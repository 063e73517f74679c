"""A family of another package, installed by pip and found by its entry point, in every command; and packages that are
not whole."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

PLUGIN = Path(__file__).parent.parent / "examples" / "own_pe"


@pytest.fixture(scope="session")
def lmul(tmp_path_factory):
    """The command, where the package is installed beside ours: gives its output."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(PLUGIN, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))  # pip builds in its source
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
                           "--no-build-isolation", "--disable-pip-version-check", "--target", folder / "site",
                           folder / "source"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return partial(run, folder / "site")


def run(path, *arguments, cwd=None, status=0):
    """The command's output, with the packages of a folder beside ours."""
    environment = os.environ | {"PYTHONPATH": str(path)}
    done = subprocess.run([sys.executable, "-m", "lmul.cli.main", *map(str, arguments)], env=environment, cwd=cwd,
                          capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_list(lmul):
    shown = json.loads(lmul("list", "--json"))
    assert "cut" in shown["multipliers"]
    assert "cut off" in lmul("list") and "cut off" not in run("/nowhere", "list")


def test_prove_and_generate(lmul, tmp_path):
    slugs = ["mul_cut_e4m3", "prod_cut_e5m2_sub_drop2", "mul_cut_bf16xe4m3"]
    assert "not" not in (said := lmul("prove", *slugs)) and said.count("proved") >= 3
    lmul("generate", "mac_cut_e4m3_fp32", "-o", tmp_path)
    manifest = json.loads((tmp_path / "mac_cut_e4m3_fp32.json").read_text())
    assert manifest["parameters"]["multiplier"] == "cut" and manifest["parameters"]["drop"] == 1
    assert "module mac_cut_e4m3_fp32" in (tmp_path / "mac_cut_e4m3_fp32.v").read_text()


@pytest.mark.parametrize("slug", ["mac_cut_e2m1_fixed16", *(pytest.param(slug, marks=pytest.mark.regress) for slug in (
    "mac_cut_e4m3_fp32", "dot_cut_e5m2_drop2_fixed_4", "array_cut_e2m1_carrysave_2x2_os"))])
def test_simulate(slug, lmul, tmp_path):
    assert "passed" in lmul("simulate", slug, "-o", tmp_path)


def test_report(lmul, tmp_path):
    lmul("report", "mul_cut_e4m3", "mul_exact_e4m3_flush", "--tech", "asap7", "--effort", "low", "-o", tmp_path)
    rows = {row["design"]: row for row in json.loads((tmp_path / "report.json").read_text())["rows"]}
    row = rows["mul_cut_e4m3"]
    assert row["specification"]["multiplier"] == {"kind": "cut", "a": "e4m3", "b": "e4m3", "subnormals": "flush",
                                                  "overflow": "saturate", "drop": 1}
    assert row["energy_fj_per_op"] > 0 and row["mean_relative_error"] > 0
    page = (tmp_path / "report.md").read_text()
    assert "cut" in page and "exact" in page


def test_matmul(lmul, tmp_path, seed):
    rng = np.random.default_rng(seed)
    for name, shape in (("a", (5, 20)), ("b", (20, 7))):
        np.save(tmp_path / f"{name}.npy", rng.standard_normal(shape).astype(np.float32))
    for design in ("matmul_cut_e4m3_fp32_2x2_os", "matmul_cut_bf16_fixed_2x2_os"):
        lmul("matmul", tmp_path / "a.npy", tmp_path / "b.npy", "--design", design, "-o", tmp_path / "c.npy")
        exact = np.load(tmp_path / "a.npy").astype(float) @ np.load(tmp_path / "b.npy")
        error = np.load(tmp_path / "c.npy") - exact
        assert 0 < np.sqrt((error**2).mean() / (exact**2).mean()) < 0.3


@pytest.mark.parametrize(("point", "modules", "message"), [
    ("cut = nowhere_at_all", {}, "needs nowhere_at_all, which is not installed"),
    ("cut = lmul_bad", {"golden.py": "import nowhere_at_all"}, "needs nowhere_at_all, which is not installed"),
    ("cut = lmul_bad", {}, "must have a module lmul_bad.golden"),
    ("lmul = lmul_bad", {}, "must have names of their own"),
    ("cut = lmul_bad", {"golden.py": "from lmul.golden.families.exact import MEMBERS"}, "must have kinds of their own"),
])
def test_packages_that_are_not_whole(point, modules, message, tmp_path):
    """One line, status 2, naming the package."""
    (tmp_path / "lmul_bad-1.0.dist-info").mkdir()
    (tmp_path / "lmul_bad-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: lmul-bad\nVersion: 1\n")
    (tmp_path / "lmul_bad-1.0.dist-info" / "entry_points.txt").write_text(f"[lmul.families]\n{point}\n")
    (tmp_path / "lmul_bad").mkdir()
    (tmp_path / "lmul_bad" / "__init__.py").write_text("")
    for name, text in modules.items():
        (tmp_path / "lmul_bad" / name).write_text(text + "\n")
    said = run(tmp_path, "list", status=2)
    assert message in said and len(said.splitlines()) == 1, said
