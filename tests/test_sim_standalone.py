"""`lmul bench`: the reference that goes with it agrees with golden; the folder runs where there is no lmul, in either
simulator, covers what it says, and finds a fault, whose vector fails alone."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lmul.cli.main import main
from lmul.golden.expected import expected
from lmul.golden.stimulus import all_pairs, corner_pairs, random_pairs
from lmul.golden.tile_sums import Scales, partial_sums, tile_matmul
from lmul.hdl.designs import parse
from lmul.sim import runner, standalone, tools

#: Products of every rule and policy; of up to 16 bits of operands every pair is compared.
LONE = ("mul_lmul_e4m3", "mul_lmul_e5m2_sub_ieee", "mul_exact_e4m3", "mul_exact_e5m2_flush", "mul_mitchell_e3m4_sub",
        "mul_exact_e5m2xe2m1", "mul_lmul_bf16_sub", "mul_exact_fp16_ieee", "mul_exact_bf16xe4m3_flush",
        "mul_lmul_fp32", "mul_int8", "mul_int16xint4", "mul_log_l3f4", "conv_e4m3_l3f4",
        "prod_lmul_e4m3", "prod_lmul_e4m3_sub_offh1", "prod_exact_e5m2", "prod_exact_e4m3_r4", "prod_exact_e4m3_t3",
        "prod_lmul_fp16_best", "prod_exact_bf16xe4m3_flush_r8", "prod_int8xternary")
SUMS = ("mac_lmul_e4m3_fp32", "mac_lmul_e4m3_fp32i4", "mac_exact_e5m2_fp16", "mac_exact_e5m2_bf16",
        "mac_lmul_bf16_fp32", "mac_exact_e5m2_fixed", "mac_lmul_bf16xe4m3_carrysave", "mac_int8_int32",
        "mac_int8_int16", "mac_log_l3f4_t6_fp32", "mac_xnor_sign8_int32", "dot_exact_e4m3_fp32_5",
        "dot_exact_e5m2_fp32_4_w12",
        "dot_exact_e5m2_fp16_5_tree", "dot_lmul_e4m3_fixed64_4", "dot_int8_int32_3", "array_exact_e5m2_fp32_2x3_ws",
        "array_int8_int32_2x2_os", "matmul_lmul_bf16xe4m3_fp32_2x2_os")
TILES = ("tile_lmul_e4m3_4x3_w10", "tile_lmul_bf16_sub_4x2_w12", "tile_exact_bf16xe4m3_4x2_w12",
         "tile_log_l3f5_t7_4x3_w10", "tile_exact_e4m3_flush_r4_4x3_w10", "tile_int8_4x3", "tile_mxint8_4x3",
         "tile_exact_mxe4m3_4x3_w10", "matmul_exact_nvfp4_4x3_w10", "matmul_int8_4x3",
         "matmul_lmul_bf16xmxe4m3_4x3_w12", "matmul_exact_e5m2_4x3_w10")
#: Of these one of each rule and each kind of sum are compared by default.
QUICK = ("mul_lmul_e4m3", "mul_exact_e4m3", "mul_lmul_bf16_sub", "mul_log_l3f4", "prod_exact_bf16xe4m3_flush_r8",
         "mac_lmul_e4m3_fp32", "mac_exact_e5m2_fixed", "mac_int8_int16", "dot_exact_e4m3_fp32_5",
         "dot_exact_e5m2_fp16_5_tree", "tile_lmul_e4m3_4x3_w10", "tile_mxint8_4x3", "matmul_exact_nvfp4_4x3_w10")


def slugs(several):
    return pytest.mark.parametrize("slug", [
        slug if slug in QUICK else pytest.param(slug, marks=pytest.mark.regress) for slug in several])


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """``bench(design)``: the module of tests of its stand-alone bench, imported from a folder without Verilog."""

    def load(design):
        about, tables = standalone.described(design)
        files = tables | standalone.package(design) | {"bench.json": json.dumps(about)}
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        return importlib.import_module(about["module"])

    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    yield load
    forget()


def forget():
    for name in [name for name in sys.modules if name.split(".")[0] == "bench"]:
        del sys.modules[name]


@slugs(LONE)
def test_products_are_those_of_golden(slug, bench, seed):
    design, module = parse(slug), bench(parse(slug))
    spec = design.multiplier
    if spec.a.width + spec.b.width <= 16:
        a, b = all_pairs(spec)
    else:
        pairs = corner_pairs(spec), random_pairs(spec, 3000, seed)
        a, b = (np.concatenate(codes) for codes in zip(*pairs, strict=True))
    found = [module.expected(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    wanted = expected(design, a, b).tolist()
    if design.wide and not spec.wide.integer:
        found, wanted = (list(map(module._result.what_counts, codes)) for codes in (found, wanted))
    assert found == wanted


@slugs(SUMS)
def test_sums_are_those_of_golden(slug, bench, seed):
    design, module = parse(slug), bench(parse(slug))
    for number in range(120 if design.protocol == "runs" else 24):
        a, b = module.vector(seed, number)
        if design.protocol == "runs":
            a, b = a.ravel(), b.ravel()
            found = module._sums(a.tolist(), b.tolist())
        else:
            found = [[module._sums(row, col) for col in b.T.tolist()] for row in a.tolist()]
        assert np.array_equal(found, expected(design, a, b)), f"seed {seed}, vector {number}"


@slugs(TILES)
def test_tiles_are_those_of_golden(slug, bench, seed):
    design, module = parse(slug), bench(parse(slug))
    for number in range(48):
        given = module.vector(seed, number)
        if design.protocol == "passes":
            found, before, given = given.after, given.before, given.given
            wanted = partial_sums(design.tile, given.place, given.a, given.b, before, given.top,
                                  Scales(given.a_scales, given.b_scales))
        else:
            found = module.tiles.Tile().product(given)
            wanted = tile_matmul(design.tile, given.a, given.b, Scales(given.a_scales, given.b_scales), given.place,
                                 given.top).codes
        assert np.array_equal(found, wanted), f"seed {seed}, vector {number}"


def test_vectors_are_functions_of_seed_and_number(bench):
    module = bench(parse("mac_lmul_e4m3_fp32"))
    first, again, other, next_one = (module.vector(*which) for which in ((3, 57), (3, 57), (4, 57), (3, 58)))
    assert all(map(np.array_equal, first, again))
    assert not all(map(np.array_equal, first, other)) and not all(map(np.array_equal, first, next_one))


def test_vectors_of_short_operands_are_every_pair_once(bench):
    module = bench(parse("mul_lmul_e2m1"))
    assert sorted(module.pair(7, number) for number in range(256)) == [divmod(n, 16) for n in range(256)]


@pytest.mark.parametrize(("name", "value", "numbers"), [
    ("SEEDS", "3", [3]), ("SEEDS", "1..4", [1, 2, 3, 4]), ("SEEDS", "", [1]), ("SEEDS", "4..1", None),
    ("SEEDS", "x", None), ("SEEDS", "-1", None)])
def test_seeds_are_read(name, value, numbers, bench, monkeypatch):
    module = bench(parse("mul_lmul_e2m1"))
    monkeypatch.setenv(name, value)
    if numbers is None:
        with pytest.raises(ValueError, match=f"{name} must be a number or a range"):
            module.settings.seeds()
    else:
        assert module.settings.seeds() == numbers


def test_vectors_to_run_are_read(bench, monkeypatch):
    settings = bench(parse("mul_lmul_e2m1")).settings
    assert settings.numbers() == list(range(256)) and not settings.some()
    monkeypatch.setenv("COUNT", "7")
    assert settings.numbers() == list(range(7)) and not settings.some()
    monkeypatch.setenv("VECTOR", "1200..1202")
    assert settings.numbers() == [1200, 1201, 1202] and settings.some()
    monkeypatch.setenv("COUNT", "0")
    with pytest.raises(ValueError, match="COUNT must be a number above 0"):
        settings.count()


# In a folder, without lmul.


def written(slug, folder):
    """The folder, whole."""
    standalone.write(parse(slug), folder)
    return folder


@pytest.fixture
def ran(tmp_path, sim_folder):
    """``ran(folder, *arguments, by="make")``: a run of a bench in an environment in which there is no lmul: its status,
    and what it says."""
    nowhere = tmp_path / "nowhere" / "lmul"
    nowhere.mkdir(parents=True)
    (nowhere / "__init__.py").write_text("raise ImportError('there is no lmul here')\n")

    def run(folder, *arguments, by="make"):
        simulator = next((each[4:] for each in arguments if each.startswith("SIM=")), "verilator")
        tool = tools.find(simulator)
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("LMUL_", "COCOTB", "PYTEST", "MAKE", "MFLAGS"))}
        # Of Verilator's run-time library what our own benches have compiled.
        environment |= runner._build_settings(tool, sim_folder / "standalone" / simulator, False)
        environment["PYTHONPATH"] = str(nowhere.parent)
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        del environment["WAVES"]
        lacking = subprocess.run([sys.executable, "-c", "import lmul"], env=environment, capture_output=True, text=True)
        assert "there is no lmul here" in lacking.stderr
        if by == "pytest":
            environment |= dict(each.split("=") for each in arguments)
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
        else:
            command = ["make", "-C", str(folder), *arguments]
            command += ["EXTRA_ARGS=-CFLAGS -O0"] if simulator == "verilator" else []
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
        return done.returncode, done.stdout + done.stderr

    return run


def covered(folder):
    return json.loads((folder / "coverage.json").read_text())


def broken(folder, slug):
    """Spoil the Verilog in the folder: products of two negative codes of 8 bits are negative."""
    path = folder / f"{slug}.v"
    text, count = re.subn(r"(\w+\[7\]) \^ (\w+\[7\])", r"\1 | \2", path.read_text())
    assert count
    path.write_text(text)


def finds_a_fault(ran, folder, slug, *arguments):
    """A fault is found, in a vector that is named, and that fails alone."""
    broken(folder, slug)
    status, said = ran(folder, *arguments, "SEEDS=1..2")
    assert status and "FAIL=0" not in said, said[-4000:]
    named = re.search(r"seed (\d+), vector (\d+) \(again: make (SEEDS=\1) (VECTOR=\2)\)", said)
    assert named, said[-4000:]
    status, said = ran(folder, *arguments, named[3], named[4])
    assert status and f"seed {named[1]}, vector {named[2]} " in said, said[-4000:]
    assert not re.search(rf"vector (?!{named[2]}\b)\d", said), "others ran too"


def test_multiplier_by_make_in_verilator(ran, tmp_path):
    folder = written("mul_lmul_e3m2", tmp_path / "out")
    status, said = ran(folder, "SEEDS=2..3", "HOLES=fail")
    assert not status and "PASS=3 FAIL=0" in said, said[-4000:]
    assert covered(folder)["holes"] == {} and covered(folder)["seeds"] == [2, 3]
    assert set(covered(folder)["left_out"]["result"]) == {"+subnormal", "-subnormal"}


@pytest.mark.icarus
def test_sum_in_icarus(ran, tmp_path):
    """By pytest; with holes; and with a fault."""
    slug = "mac_lmul_e4m3_fp32"
    folder = written(slug, tmp_path / "out")
    status, said = ran(folder, "SIM=icarus", "HOLES=fail", by="pytest")
    assert not status and "1 passed" in said, said[-4000:]
    assert covered(folder)["holes"] == {}
    status, said = ran(folder, "SIM=icarus", "COUNT=3")
    assert not status
    assert "hole: 9 and more" in said and "9 and more" in covered(folder)["holes"]["steps"]
    finds_a_fault(ran, folder, slug, "SIM=icarus", "COUNT=64")


@pytest.mark.regress
@pytest.mark.parametrize("slug", [
    "mul_exact_e5m2", "mul_lmul_bf16", "mul_exact_bf16_flush", "mul_lmul_bf16xe4m3", "prod_lmul_bf16xe4m3", "mul_int8",
    "mul_log_l3f4", "conv_e4m3_l3f4", "mac_exact_e5m2_fp16", "mac_lmul_e4m3_fp32i4", "mac_int8_int32",
    "mac_log_l3f4_fp32", "dot_exact_e4m3_fp32_4", "dot_lmul_e4m3_carrysave_4",
    "dot_exact_e5m2_fp32_4_tree", "array_lmul_e4m3_fp32_3x4_os", "array_int8_int32_3x2_ws",
    "matmul_lmul_bf16xe4m3_fp32_4x2_ws", "tile_lmul_e4m3_4x3_w10", "tile_exact_mxe4m3_4x3_w10", "tile_int8_4x3",
    "matmul_lmul_e4m3_4x3_w10", "matmul_exact_nvfp4_4x3_w10_p2", "matmul_int8_4x3"])
@pytest.mark.parametrize("simulator", [pytest.param("icarus", marks=pytest.mark.icarus), "verilator"])
def test_every_protocol_runs_and_has_no_holes(slug, simulator, ran, tmp_path):
    folder = written(slug, tmp_path / "out")
    status, said = ran(folder, f"SIM={simulator}", "HOLES=fail")
    assert not status and "FAIL=0" in said, said[-4000:]
    assert covered(folder)["holes"] == {}


@pytest.mark.regress
@pytest.mark.icarus
@pytest.mark.parametrize("slug", ["mul_lmul_e4m3", "dot_lmul_e4m3_fp32_4", "array_lmul_e4m3_fp32_3x4_os",
                                  "matmul_lmul_e4m3_fp32_4x2_ws", "tile_lmul_e4m3_4x3_w10", "matmul_lmul_e4m3_4x3_w10"])
def test_faults_are_found_and_fail_alone(slug, ran, tmp_path):
    finds_a_fault(ran, written(slug, tmp_path / "out"), slug, "SIM=icarus")


# The command.


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main([*map(str, arguments)])
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_what_has_no_bench_is_refused(tmp_path, capsys):
    said = refused(capsys, "bench", "conv_fp32_l3f4", "-o", tmp_path / "out")
    assert said.splitlines()[-1] == (
        "lmul: A bench must be of floats, of integers or of operands of up to 18 bits together, not of the 32 bits of "
        "fp32_l3f4")
    assert not list((tmp_path / "out").iterdir())


def test_the_bench_of_another_design_is_not_written_over(tmp_path, capsys):
    written("mul_lmul_e2m1", tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert "has that of mul_lmul_e2m1" in refused(capsys, "bench", "mul_lmul_e3m2", "-o", tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
