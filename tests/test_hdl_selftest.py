"""Self-tests: operands and results in ROMs around a design. They pass, and with any kind of fault they say so."""

import json
import re
import subprocess

import pytest
from lmul.boards.tops import bench
from lmul.hdl.designs import parse
from lmul.hdl.selftest import GROUP, selftest
from lmul.hdl.verilog import generate
from lmul.sim import tools
from lmul.sim.rounds import ROM_BITS, round_of

#: One of each protocol, and what ports and streams there are besides.
SLUGS = ["mul_lmul_e4m3", "mac_lmul_e4m3_fixed", "array_lmul_e4m3_fp32_2x2_ws", "matmul_lmul_e2m1_fixed16_2x2_os",
         "tile_exact_mxe4m3_4x4_w10", "matmul_exact_mxe4m3_4x4_w10"]
QUICK = ["mul_lmul_e4m3", "mac_lmul_e4m3_fixed", "matmul_exact_mxe4m3_4x4_w10"]
MORE = ["prod_exact_bf16", "conv_e4m3_l3f4", "mul_int8", "mac_lmul_e4m3_fp32", "dot_exact_e4m3_fp32_4",
        "array_int8_int32_2x3_os", "matmul_lmul_bf16xe4m3_fp32_2x2_ws", "tile_lmul_e4m3_8x4_w10_p2", "tile_int8_4x4",
        "tile_log_l3f4_4x4_w10", "matmul_lmul_e4m3_8x4_w10_p3", "matmul_int8_4x4", "matmul_mxint8_4x4"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """By slug a folder with the design, its self-test and a bench, and the round that it does."""
    folder, known = tmp_path_factory.mktemp("selftest"), {}

    def make(slug, seed=1):
        if (slug, seed) not in known:
            design, here = parse(slug), folder / f"{slug}_{seed}"
            generate(design, here)
            about = json.loads((here / f"{slug}.json").read_text())
            one = round_of(design, about, seed=seed)
            (here / f"{slug}_selftest.v").write_text(selftest(about, one))
            (here / "bench.v").write_text(bench(slug))
            known[slug, seed] = here, about, one
        return known[slug, seed]

    return make


def run(folder, slug, simulator="icarus", core=None, test=None):
    """What the bench says, and whether its status is 0; ``core`` and ``test`` are Verilog in place of what is there."""
    sources = [folder / "bench.v"]
    for name, text in ((f"{slug}_selftest.v", test), (f"{slug}.v", core)):
        sources.append(folder / name)
        if text:
            sources[-1] = folder / f"broken_{name}"
            sources[-1].write_text(text)
    if simulator == "icarus":
        build = [["iverilog", "-g2012", "-Wall", "-o", "a.vvp", *sources], ["vvp", "a.vvp"]]
    else:
        build = [[tools.find("verilator").folder / "verilator", "--binary", "--timing", "-Wno-fatal", "-O0", "-CFLAGS",
                  "-O0 -std=c++20 -fcoroutines", "--Mdir", "built", "-o", "a", "--top-module", "selftest_bench",
                  *sources], ["built/a"]]
    for command in build:
        done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=300,
                              check=False)
    return done.stdout, done.returncode == 0


def faulty(about, what):
    """Verilog of a design that does as the right one does, but for a fault: in one result of 64, and one of these is in
    the first round; or, of results that are too many, in one cycle of 64."""
    slug, clock = about["slug"], about["clock"] or "clk"
    result = {"mul": "p"}.get(slug.split("_")[0]) or next(
        port["name"] for port in about["ports"] if port["name"] in ("c", "o__data", "m_axis_c_tdata"))
    valid = {"c": "valid", "o__data": "o__valid", "m_axis_c_tdata": "m_axis_c_tvalid"}.get(result)
    changed = {"bit": f"{result}_right ^ hit", "missing": f"{valid}_right & ~hit", "extra": f"{valid}_right | hit"}
    ports, pins, wires = [], [], []
    for port in about["ports"]:
        name, width = port["name"], f"[{port['width'] - 1}:0] " if port["width"] > 1 else ""
        broken = name == (result if what == "bit" else valid)
        ports.append(f"{port['direction']} {width}{name}")
        pins.append(f".{name}({name}{'_right' * broken})")
        wires += [f"wire {width}{name}_right; assign {name} = {changed[what]};"] * broken
    result_there = {"bit": valid, "missing": f"{valid}_right", "extra": "1'b1"}[what]
    tick = f"always @(posedge {clock}) if ({result_there}) count <= count + 1'b1;" if valid else ""
    when = f"count == 5 & {result_there}" if valid else "a[2:0] == 3'd5"
    return (f"module {slug} ({', '.join(ports)});\n  reg [5:0] count = 0;\n  {tick}\n  wire hit = {when};\n"
            f"  {' '.join(wires)}\n  {slug}_right right ({', '.join(pins)});\nendmodule\n")


def with_fault(folder, about, what):
    text = (folder / f"{about['slug']}.v").read_text()
    return re.sub(rf"\b{about['slug']}\b(?= *\()", f"{about['slug']}_right", text, count=1) + faulty(about, what)


def with_wrong_rom(folder, slug, one):
    """The self-test with the last result's lowest bit turned round."""
    text = (folder / f"{slug}_selftest.v").read_text()
    place = len(one.wanted.words) - 1
    found = re.search(rf"results_rom\[{place}\] = [^;]*?([0-9a-f])}}?;", text)
    return text[: found.start(1)] + f"{int(found[1], 16) ^ 1:x}" + text[found.end(1):]


@pytest.mark.icarus
@pytest.mark.parametrize("slug", [*QUICK, *(
    pytest.param(slug, marks=pytest.mark.regress) for slug in [*SLUGS, *MORE] if slug not in QUICK)])
def test_every_kind_of_design_passes_and_faults_are_seen(slug, made, seed):
    folder, about, one = made(slug, seed)
    said, passed = run(folder, slug)
    assert passed and said.startswith("pass: 3 rounds, no mismatch"), (seed, said)
    said, passed = run(folder, slug, test=with_wrong_rom(folder, slug, one))
    assert not passed and "FAIL: " in said and "mismatches 1, fail is 1" in said, (seed, said)
    if slug in SLUGS:
        for what in ("bit", "missing", "extra") if about["clock"] else ["bit"]:
            said, passed = run(folder, slug, core=with_fault(folder, about, what))
            assert not passed and "fail is 1" in said, (seed, what, said)


@pytest.mark.regress
@pytest.mark.parametrize("slug", SLUGS)
def test_verilator_says_the_same(slug, made):
    folder, about, one = made(slug)
    said, passed = run(folder, slug, "verilator")
    assert passed and "pass: 3 rounds, no mismatch" in said
    said, passed = run(folder, slug, "verilator", core=with_fault(folder, about, "bit"))
    assert not passed and "FAIL: " in said


@pytest.mark.icarus
def test_what_is_unknown_is_no_pass(made):
    """An X that leaves the design makes the light X, which a bench takes for no pass."""
    slug = "mac_lmul_e4m3_fixed"
    folder, about, _ = made(slug)
    text = with_fault(folder, about, "bit").replace("^ hit", "^ (hit ? 1'bx : 1'b0)")
    said, passed = run(folder, slug, core=text)
    assert not passed and "fail is x" in said


@pytest.mark.parametrize("slug", [*QUICK, *(
    pytest.param(slug, marks=pytest.mark.regress) for slug in SLUGS if slug not in QUICK)])
def test_verilog_is_clean_and_its_lines_are_short(slug, made):
    folder, _, one = made(slug)
    text = (folder / f"{slug}_selftest.v").read_text()
    assert max(map(len, text.splitlines())) <= 200
    done = subprocess.run([tools.verilator().folder / "verilator", "--lint-only", "-Wall", f"{slug}_selftest.v",
                           f"{slug}.v"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert one.bits <= ROM_BITS and GROUP > 1


def test_seeds_and_sizes(made):
    folder, about, one = made("mul_lmul_e4m3")
    design = parse("mul_lmul_e4m3")
    again, other = (round_of(design, about, seed=seed) for seed in (1, 2))
    assert again == one != other
    assert len(round_of(design, about, 1000).given[0].words) == 1000
    assert len(round_of(parse("mul_lmul_e2m1"), about | {"ports": [
        {"name": name, "width": 4} for name in "abp"]}, 1000).given[0].words) == 256  # all pairs
