"""For Quartus: a component of Platform Designer."""

from __future__ import annotations

from collections.abc import Iterator

from .core import Core


def quartus(core: Core) -> dict[str, str]:
    """``<slug>_hw.tcl``, which stands beside the Verilog where Platform Designer searches for components."""
    return {f"{core.slug}_hw.tcl": "\n".join(_commands(core)) + "\n"}


def _commands(core) -> Iterator[str]:
    about, slug = core.about, core.slug
    clock, reset, low = about["clock"], about["reset"], about["reset_active"] == "low"
    yield f"# {slug}: a component of Platform Designer; {slug}.json describes the core."
    yield "package require -exact qsys 16.0"
    for name, value in (("NAME", slug), ("VERSION", about["versions"]["lmul"]), ("DISPLAY_NAME", slug),
                        ("GROUP", "lmul"), ("DESCRIPTION", about["summary"]), ("EDITABLE", "false")):
        yield f"set_module_property {name} {{{value}}}"
    for name in ("QUARTUS_SYNTH", "SIM_VERILOG"):
        yield f'add_fileset {name} {name} "" ""'
        yield f"set_fileset_property {name} TOP_LEVEL {core.top}"
        for file in core.files:
            top = " TOP_LEVEL_FILE" if file == f"{core.top}.v" else ""
            yield f"add_fileset_file {file} VERILOG PATH {file}{top}"
    widths = {port["name"]: (port["direction"].capitalize(), port["width"]) for port in core.ports}
    placed = set()

    def port(interface, name, role):
        placed.add(name)
        return f"add_interface_port {interface} {name} {role} {widths[name][0]} {widths[name][1]}"

    if clock:
        yield f"add_interface {clock} clock end"
        yield port(clock, clock, "clk")
        yield f"add_interface {reset} reset end"
        yield f"set_interface_property {reset} associatedClock {clock}"
        yield f"set_interface_property {reset} synchronousEdges BOTH"
        yield port(reset, reset, "reset_n" if low else "reset")
    for stream in core.streams:
        name, axi = stream["name"], stream["bus"] == "axi4stream"
        way = {"in": "end", "out": "start"}[stream["direction"]]
        yield f"add_interface {name} {'axi4stream' if axi else 'avalon_streaming'} {way}"
        yield f"set_interface_property {name} associatedClock {clock}"
        yield f"set_interface_property {name} associatedReset {reset}"
        if not axi:
            bits = stream["stride"] if stream["data_bits"] % stream["stride"] == 0 else 1
            for key, value in (("dataBitsPerSymbol", bits), ("symbolsPerBeat", stream["data_bits"] // bits),
                               ("firstSymbolInHighOrderBits", "false"), ("readyLatency", 0)):
                yield f"set_interface_property {name} {key} {value}"
        for what, signal in stream["signals"].items():
            if axi:
                yield port(name, signal, f"t{what}")
            elif what != "last":  # Avalon's packets have a beginning, too: last is a conduit
                yield port(name, signal, what)
    for each in core.ports:
        if each["name"] not in placed:
            yield f"add_interface {each['name']} conduit end"
            if clock:
                yield f"set_interface_property {each['name']} associatedClock {clock}"
            yield port(each["name"], each["name"], "export")
