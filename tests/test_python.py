"""`import lmul`: its names, matrices by slugs, operands by formats, reports as rows; and the package, installed."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import lmul
import ml_dtypes
import numpy as np
import pytest
from lmul.golden.accumulate import dot
from lmul.golden.operands import quantise as codes_of
from lmul.golden.tile_matrices import matmul_floats
from lmul.synth.record import new_row

ROOT = Path(__file__).parent.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_names():
    """All are there, documented, and loaded only when they are used."""
    assert sorted({name for names in lmul._HOMES.values() for name in names}) == lmul.__all__
    assert all(getattr(lmul, name).__doc__ for name in lmul.__all__) and set(lmul.__all__) < set(dir(lmul))
    with pytest.raises(AttributeError, match="zork"):
        lmul.zork  # noqa: B018
    loaded = "import lmul, sys; print({name for name in ('numpy', 'amaranth', 'lmul.golden') if name in sys.modules})"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout == "set()\n"


def test_versions():
    """One version in the package, its citation and the newest entry of the changelog."""
    assert lmul.__version__ == VERSION
    assert re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.M)[1] == VERSION
    released = re.findall(r"^## (\d[\d.]*)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert released[0] == VERSION


@pytest.fixture
def matrices(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(5, 40)), rng.normal(size=(40, 7))


@pytest.mark.parametrize("slug", ["dot_lmul_e4m3_fp32_8_w20", "dot_lmul_e5m2_bf16_4_tree"])
def test_dot_products(slug, matrices):
    """In the order of the lanes, element by element."""
    design, (a, b) = lmul.parse(slug), matrices
    product = lmul.matmul(a, b, slug)
    (x, x_scale), (w, w_scale) = codes_of(design.multiplier.a, a), codes_of(design.multiplier.b, b)
    for row, col in ((0, 0), (4, 6), (2, 3)):
        wanted = dot(design.multiplier, design.accumulator, design.lanes, x[row], w[:, col], design.window, design.tree)
        assert product.codes[row, col] == wanted
        assert product.values[row, col] == design.result.decode(wanted) * x_scale * w_scale


@pytest.mark.parametrize("slug", ["tile_exact_mxe4m3_32x8_w10", "tile_lmul_bf16xmxe4m3_16x8_w12", "tile_int8_16x8"])
def test_tiles(slug, matrices):
    found, wanted = lmul.matmul(*matrices, slug), matmul_floats(lmul.parse(slug).tile, *matrices)
    assert np.array_equal(found.values, wanted.values)
    a, b = matrices
    assert found.error == pytest.approx(np.linalg.norm(wanted.values - a @ b) / np.linalg.norm(a @ b))


@pytest.mark.parametrize(("slug", "fmt"), [("tile_exact_mxe4m3_32x8_w10", "mxe4m3"), ("mac_lmul_e4m3_fp32", "e4m3"),
                                           ("array_xnor_sign8_int32_4x4_os", "sign8"), ("tile_int8_16x8", "int8")])
def test_operands(slug, fmt, matrices):
    """The same result as of floats, and an error that is without theirs."""
    a, b = matrices
    x, w = lmul.quantise(a, fmt), lmul.quantise(b, fmt, axis=-2)
    by_hand = np.linalg.norm(x.values - a) / np.linalg.norm(a)
    assert x.values.shape == a.shape and x.error == pytest.approx(by_hand)
    for operands in ((x, w), (a, w), (x, b)):
        product = lmul.matmul(*operands, slug)
        assert np.array_equal(product.values, lmul.matmul(a, b, slug).values)
    assert np.array_equal(lmul.matmul(x, w, slug).exact, x.values @ w.values)
    assert lmul.matmul(x, w, slug).error < lmul.matmul(a, b, slug).error


def test_operands_that_do_not_fit(matrices):
    a, b = matrices
    with pytest.raises(lmul.Refusal, match="Matrix A must be quantised to e4m3 for 'mac_lmul_e4m3_fp32', not e5m2"):
        lmul.matmul(lmul.quantise(a, "e5m2"), b, "mac_lmul_e4m3_fp32")
    with pytest.raises(lmul.Refusal, match="Matrix B must be quantised along its axis -2, not -1"):
        lmul.matmul(a, lmul.quantise(b, "mxe4m3"), "tile_exact_mxe4m3_32x8_w10")
    with pytest.raises(lmul.Refusal, match=r"Inner dimensions must be equal, not 40 and 7"):
        lmul.matmul(a, lmul.quantise(b.T, "mxe4m3", axis=-2), "tile_exact_mxe4m3_32x8_w10")
    with pytest.raises(lmul.Refusal, match="Design must have sums, .*, not 'mul_lmul_e4m3'"):
        lmul.matmul(a, b, "mul_lmul_e4m3")
    for axis, values in ((0, b), (-2, b[0])):
        with pytest.raises(lmul.Refusal, match=f"Axis must be -1 or -2 .*, not {axis}"):
            lmul.quantise(values, "e4m3", axis=axis)
    with pytest.raises(lmul.Refusal, match="finite numbers, not 1 NaN or Inf in 1"):
        lmul.quantise([np.nan], "e4m3")


def test_other_types(matrices):
    """Lists are floats; codes are what they stand for, exactly; floats of the design's format keep their codes."""
    assert lmul.matmul([[1, 2]], [[3], [4]], "mac_exact_e4m3_fp32").values.tolist() == [[11]]
    codes = np.array([[0x38, 0x40]], np.uint8)  # 1 and 2 in e4m3
    product = lmul.matmul(codes, codes.T, "mac_exact_e4m3_fp32")
    assert product.values.tolist() == product.exact.tolist() == [[5]] and product.error == 0
    a, b = (each.astype(ml_dtypes.bfloat16) for each in matrices)
    product = lmul.matmul(a, b, "mac_lmul_bf16_fp32")
    assert product.a.scale == 1 and np.array_equal(product.a.codes, a.view(np.uint16))
    assert np.array_equal(product.exact, a.astype(float) @ b.astype(float))
    assert np.array_equal(lmul.quantise(a, "bf16").codes, a.view(np.uint16)) and lmul.quantise(a, "bf16").error == 0
    assert lmul.matmul([[0.0]], [[0.0]], "mac_exact_e4m3_fp32").error is None


def test_many_dot_products_are_made_in_parts(matrices, monkeypatch):
    whole = lmul.matmul(*matrices, "dot_lmul_e4m3_fp32_8")
    monkeypatch.setattr("lmul.golden.matrix_product._RUNS", 600)
    assert np.array_equal(lmul.matmul(*matrices, "dot_lmul_e4m3_fp32_8").codes, whole.codes)


def test_rows(monkeypatch):
    """Plain values under the same keys, of every structure, figures at shared clocks among them."""
    record = {"rows": [new_row(lmul.parse(slug), "asap7") for slug in ("mul_lmul_e4m3", "tile_int8_16x4",
                                                                       "mac_log_l3f4_t6_fp32")]}
    record["rows"][0] |= {"at": {"fast": {"clock_ps": 10.0, "area_um2": 2.0, "script": "x"}}, "area_um2": 1.0}
    asked = {}
    monkeypatch.setattr("lmul.reports.run_report", lambda *given, **named: asked.update(given=given) or record)
    found = lmul.report("mul_lmul_e4m3", ["asap7"], rivals=True, effort="low")
    assert asked["given"][:2] == (["mul_lmul_e4m3", "mul_exact_e4m3_flush"], ["asap7"])
    assert len({tuple(row) for row in found}) == 1
    assert all(value is None or isinstance(value, str | float | int) for row in found for value in row.values())
    assert {"design": "mul_lmul_e4m3", "kind": "lmul", "a": "e4m3", "area_um2": 1.0, "fast_clock_ps": 10.0,
            "fast_area_um2": 2.0}.items() <= found[0].items()
    for nothing, rivals in (([], False), (None, True)):
        with pytest.raises(lmul.Refusal, match="one slug or more"):
            lmul.report(nothing, rivals=rivals)
    assert (found[1]["lanes"], found[2]["accumulator"], found[2]["table"]) == (16, "fp32", 6)


def test_a_script_needs_no_guard(tmp_path):
    """Workers do not begin the program again that began them."""
    (tmp_path / "script.py").write_text(
        "from lmul.golden.pool import Pool\nimport os\nprint('begun')\n"
        "with Pool() as pool:\n    print(list(pool.run([(os.path.basename, 'a/b')], 'jobs')), __file__[-9:])\n")
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("begun\n['b'] script.py\n", "")


def test_first_use_says_that_loops_are_compiled(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("lmul.golden.compiled._told", False)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("lmul.arrays.multiply", lambda *_: None)
    for _ in range(2):
        lmul.matmul([[1.0]], [[1.0]], "mac_exact_e4m3_fp32")
    assert capfd.readouterr() == ("", "lmul: Compiling the model's loops for this machine: a minute, once\n")


@pytest.mark.regress
def test_wheel(tmp_path):
    """Built and installed as a user's would be, it is whole: names, data, the command."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        target = tmp_path / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
                           "--no-build-isolation", "--disable-pip-version-check", "--target", tmp_path / "site",
                           tmp_path / "source"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    program = "from lmul.synth import program; print(program.digest())"
    script = ("import sys; sys.path.insert(0, sys.argv[1])\nimport lmul, lmul.cli.main, lmul.golden.operands as o\n"
              "assert all(m.__file__.startswith(sys.argv[1]) for m in (lmul, lmul.cli.main, o))\n"
              "o.load_recording(); print(lmul.matmul([[1, 2]], [[3], [4]], 'mac_exact_e4m3_fp32').values)\n" + program)
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "site"], cwd=tmp_path, capture_output=True,
                          text=True)
    here = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[[11.]]\n" + here.stdout, done.stderr  # the same program, whichever way it is installed
