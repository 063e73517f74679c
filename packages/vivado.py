"""For Vivado: an IP in a folder of its own, by IP-XACT and by the script that packages it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as XML

from .core import Core

#: IEEE 1685-2009, the edition whose names Vivado reads and writes.
NAMESPACE = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"
FAMILIES = ("artix7", "kintex7", "virtex7", "spartan7", "zynq", "kintexu", "virtexu", "artixuplus", "kintexuplus",
            "virtexuplus", "zynquplus", "versal")
_LOGICAL = {"data": "TDATA", "valid": "TVALID", "ready": "TREADY", "last": "TLAST"}


class Interface(NamedTuple):
    """A bus interface of the IP: its bus, its mode, ports by logical name, parameters."""

    name: str
    bus: str
    mode: str
    ports: dict[str, str]
    parameters: dict[str, str]

    @property
    def vlnv(self) -> tuple[str, str, str, str]:
        """Vendor, library, name and version of the bus."""
        library, name = self.bus.split(":")
        return "xilinx.com", library, name, "1.0"


def vivado(core: Core) -> dict[str, str]:
    """A folder ``<slug>_vivado``, an IP as a repository has it: ``component.xml``, the Verilog, an XDC for synthesis
    out of context, and ``package_ip.tcl``, which has Vivado write its own ``component.xml``."""
    return {f"{core.slug}_vivado/{name}": text for name, text in {
        **core.files,
        f"{core.slug}_ooc.xdc": _constraints(core),
        "package_ip.tcl": _script(core),
        "component.xml": _component(core),
    }.items()}


def interfaces(core: Core) -> list[Interface]:
    """The AXI4-Streams, the clock and the reset."""
    clock, reset = core.about["clock"], core.about["reset"]
    streams = [stream for stream in core.streams if stream["bus"] == "axi4stream"]
    found = [Interface(stream["name"], "interface:axis", "slave" if stream["direction"] == "in" else "master",
                       {_LOGICAL[what]: port for what, port in stream["signals"].items()},
                       {"TDATA_NUM_BYTES": str(stream["data_bits"] // 8), "HAS_TREADY": "1",
                        "HAS_TLAST": str(int(stream["last"] is not None)), "HAS_TKEEP": "0"}) for stream in streams]
    if clock:
        busses = {"ASSOCIATED_BUSIF": ":".join(stream["name"] for stream in streams)} if streams else {}
        found.append(Interface(clock, "signal:clock", "slave", {"CLK": clock}, busses | {"ASSOCIATED_RESET": reset}))
        found.append(Interface(reset, "signal:reset", "slave", {"RST": reset},
                               {"POLARITY": f"ACTIVE_{core.about['reset_active'].upper()}"}))
    return found


def version(core: Core) -> tuple[str, str]:
    """The IP's, of two numbers, and its revision."""
    major, minor, revision = (core.about["versions"]["lmul"].split(".") + ["0", "0"])[:3]
    return f"{major}.{minor}", "".join(filter(str.isdigit, revision)) or "0"


def _component(core):
    root = XML.Element("spirit:component", {
        "xmlns:spirit": NAMESPACE, "xmlns:xilinx": "http://www.xilinx.com",
        "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"})
    number, revision = version(core)
    _texts(root, vendor="lmul", library="cores", name=core.slug, version=number)
    busses = interfaces(core)
    if busses:
        each = _add(root, "busInterfaces")
        for bus in busses:
            _interface(each, bus)
    model = _add(root, "model")
    views = _add(model, "views")
    for name, purpose in (("xilinx_anylanguagesynthesis", "synthesis"),
                          ("xilinx_anylanguagebehavioralsimulation", "simulation")):
        view = _add(views, "view")
        _texts(view, name=name, envIdentifier=f":vivado.xilinx.com:{purpose}", language="Verilog", modelName=core.top)
        _texts(_add(view, "fileSetRef"), localName=name)
    ports = _add(model, "ports")
    for port in core.ports:
        _port(ports, port, sides=not any(port["name"] in bus.ports.values() for bus in busses))
    sets = _add(root, "fileSets")
    for name in ("xilinx_anylanguagesynthesis", "xilinx_anylanguagebehavioralsimulation"):
        _files(sets, name, [(file, ["fileType=verilogSource"]) for file in core.files] + [
            (f"{core.slug}_ooc.xdc", ["userFileType=xdc", "userFileType=USED_IN_out_of_context"])] * (
                name == "xilinx_anylanguagesynthesis"))
    _texts(root, description=core.about["summary"])
    _parameters(root, {"Component_Name": f"{core.slug}_0"}, "user")
    extensions = _add(_add(root, "vendorExtensions"), "xilinx:coreExtensions")
    families = _add(extensions, "xilinx:supportedFamilies")
    for family in FAMILIES:
        _add(families, "xilinx:family", family).set("xilinx:lifeCycle", "Production")
    _add(_add(extensions, "xilinx:taxonomies"), "xilinx:taxonomy", "/UserIP")
    _add(extensions, "xilinx:displayName", core.slug)
    _add(extensions, "xilinx:coreRevision", revision)
    XML.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + XML.tostring(root, encoding="unicode") + "\n"


def _add(parent, name, text=None):
    found = XML.SubElement(parent, name if ":" in name else f"spirit:{name}")
    found.text = text
    return found


def _texts(parent, **texts):
    for name, text in texts.items():
        _add(parent, name, text)


def _interface(parent, bus):
    found = _add(parent, "busInterface")
    _texts(found, name=bus.name)
    vendor, library, name, number = bus.vlnv
    for what, called in (("busType", name), ("abstractionType", f"{name}_rtl")):
        _add(found, what).attrib.update({"spirit:vendor": vendor, "spirit:library": library, "spirit:name": called,
                                         "spirit:version": number})
    _add(found, bus.mode)
    maps = _add(found, "portMaps")
    for logical, physical in bus.ports.items():
        each = _add(maps, "portMap")
        _texts(_add(each, "logicalPort"), name=logical)
        _texts(_add(each, "physicalPort"), name=physical)
    _parameters(found, bus.parameters, f"BUSIFPARAM_VALUE.{bus.name.upper()}")


def _parameters(parent, parameters, prefix):
    """Parameters, whose values Vivado refers to by identifiers of its own."""
    found = _add(parent, "parameters")
    for name, value in parameters.items():
        each = _add(found, "parameter")
        _texts(each, name=name)
        place = {"spirit:resolve": "user", "spirit:id": f"PARAM_VALUE.{name}"} if prefix == "user" else {
            "spirit:id": f"{prefix}.{name}"}
        _add(each, "value", value).attrib.update(place)


def _port(parent, port, sides):
    """A port; one at no interface is 0 where nothing is joined to it."""
    found = _add(parent, "port")
    _texts(found, name=port["name"])
    wire = _add(found, "wire")
    _texts(wire, direction={"input": "in", "output": "out"}[port["direction"]])
    if port["width"] > 1:
        _texts(_add(wire, "vector"), left=str(port["width"] - 1), right="0")
    definition = _add(_add(wire, "wireTypeDefs"), "wireTypeDef")
    _texts(definition, typeName="wire", viewNameRef="xilinx_anylanguagesynthesis")
    _texts(definition, viewNameRef="xilinx_anylanguagebehavioralsimulation")
    if sides and port["direction"] == "input":
        _texts(_add(wire, "driver"), defaultValue="0")


def _files(parent, name, files):
    found = _add(parent, "fileSet")
    _texts(found, name=name)
    for file, types in files:
        each = _add(found, "file")
        _texts(each, name=file)
        for kind, value in (each.split("=") for each in types):
            _add(each, kind, value)


def _constraints(core):
    """The clock of the core by itself, for synthesis out of context."""
    about, clock = core.about, core.about["clock"]
    head = f"# {core.slug}: the clock for synthesis out of context, in ns\n# period: {about['period_source']}\n"
    if clock is None:
        return head + "# no clock: the core is combinational\n"
    number = "NS" if about["period_ns"] is None else f"{about['period_ns']:g}"
    mark = "# " if about["period_ns"] is None else ""
    return (f"{head}# another: lmul generate {core.slug} --period NS --for vivado\n"
            f"{mark}create_clock -name {clock} -period {number} [get_ports {clock}]\n")


def _script(core):
    """Vivado's packager, told what `_component` says."""
    return "\n".join(_commands(core)) + "\n"


def _commands(core) -> Iterator[str]:
    number, revision = version(core)
    yield f"# {core.slug}: packages the core again: vivado -mode batch -source package_ip.tcl"
    yield "set here [file normalize [file dirname [info script]]]"
    yield "create_project -in_memory"
    for file in core.files:
        yield f"add_files -norecurse [file join $here {file}]"
    yield f"add_files -fileset constrs_1 -norecurse [file join $here {core.slug}_ooc.xdc]"
    yield f"set_property USED_IN {{synthesis implementation out_of_context}} [get_files {core.slug}_ooc.xdc]"
    yield f"set_property top {core.top} [current_fileset]"
    yield "ipx::package_project -root_dir $here -vendor lmul -library cores -taxonomy /UserIP -force"
    yield "set core [ipx::current_core]"
    for name, value in (("name", core.slug), ("version", number), ("core_revision", revision),
                        ("display_name", core.slug), ("description", core.about["summary"]),
                        ("supported_families", " ".join(f"{family} Production" for family in FAMILIES))):
        yield f"set_property {name} {{{value}}} $core"
    yield "# Interfaces as told here, not as guessed."
    yield "foreach bus [ipx::get_bus_interfaces -of_objects $core] {"
    yield "  ipx::remove_bus_interface [get_property name $bus] $core"
    yield "}"
    for bus in interfaces(core):
        vendor, library, name, edition = bus.vlnv
        yield f"set bus [ipx::add_bus_interface {bus.name} $core]"
        yield f"set_property bus_type_vlnv {vendor}:{library}:{name}:{edition} $bus"
        yield f"set_property abstraction_type_vlnv {vendor}:{library}:{name}_rtl:{edition} $bus"
        yield f"set_property interface_mode {bus.mode} $bus"
        for logical, physical in bus.ports.items():
            yield f"set_property physical_name {physical} [ipx::add_port_map {logical} $bus]"
        for parameter, value in bus.parameters.items():
            yield f"set_property value {{{value}}} [ipx::add_bus_parameter {parameter} $bus]"
    yield "ipx::create_xgui_files $core"
    yield "ipx::update_checksums $core"
    yield "ipx::check_integrity $core"
    yield "ipx::save_core $core"
