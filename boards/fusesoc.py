"""A project as a FuseSoC core (CAPI2): its bitstreams by the flows of edalize, and the bench of its self-test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .flow import FLOWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .project import Project

#: By family the flow of edalize, and how it calls a file of constraints.
_FLOWS = {"ice40": ("icestorm", "PCF"), "ecp5": ("trellis", "LPF"), "gowin": ("apicula", "CST")}


def core(project: Project) -> dict[str, str]:
    """The file ``SLUG_BOARD.core``: of each top a target of its name, and ``sim``; nothing where edalize has no flow
    for the board's family."""
    name = f"{project.design.slug}_{project.board.name}"
    return {f"{name}.core": "\n".join([*_lines(project, name), ""])} if project.board.family in _FLOWS else {}


def _lines(project, name) -> Iterator[str]:
    slug, flow = project.design.slug, FLOWS[project.board.family]
    edalize, constraints = _FLOWS[project.board.family]
    yield "CAPI=2:"
    yield f"name: lmul:boards:{name}:{project.about['versions']['lmul']}"
    yield f'description: "{slug} on {project.board.title}"'
    yield "\nfilesets:"
    for top in project.tops:
        design = f"{slug}.v, " * top.beside
        yield f"  {top.name}:\n    files: [{design}{slug}_{top.name}.v]\n    file_type: verilogSource"
        yield f"  {top.name}_pins:\n    files:\n      - {top.name}.v: {{file_type: verilogSource}}"
        yield f"      - {top.name}.{flow.suffixes[0]}: {{file_type: {constraints}}}"
        if top.bench:
            yield f"  {top.name}_bench:\n    files: [{top.name}_bench.v]\n    file_type: systemVerilogSource"
    yield "\ntargets:"
    for number, top in enumerate(project.tops):
        anchor = f" &{top.name}" if not number else ""
        yield f"  {top.name}:{anchor}\n    filesets: [{top.name}, {top.name}_pins]\n    toplevel: {top.name}"
        yield f"    flow: {edalize}\n    flow_options:"
        for key, value in _options(project.board, edalize):
            yield f"      {key}: {value}"
        if not number:
            yield f"  default: *{top.name}"
        if top.bench:
            yield f"  sim{f'_{top.name}' if number else ''}:\n    filesets: [{top.name}, {top.name}_bench]"
            yield f"    toplevel: {top.name}_bench\n    flow: sim\n    flow_options:\n      tool: icarus"
            yield "      iverilog_options: [-g2012]"


def _options(board, edalize):
    """What the tools of a flow are told."""
    if edalize == "apicula":  # which finds out how nextpnr is called for a device
        return [("device", board.data.part), ("device_family", "C"),
                ("gowin_pack_options", "[--sspi_as_gpio, --mspi_as_gpio]")]
    return [("nextpnr_options", f"[{', '.join(FLOWS[board.family].options(board).split())}]")]
