"""Registers around a design, so that every path in it is one between registers and any device has pins enough."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

FAN_IN = 4  # bits that a level of the parity takes together: what one look-up table of every family does


@dataclass(frozen=True)
class Harness:
    """A module ``name`` with the ports ``clk``, ``i`` and ``o`` around the instance ``dut`` of a design.

    Every input of the design but its clock comes from a register, a stage of one shift register that begins at ``i``;
    every output goes into a register. A pipelined parity of those, `FAN_IN` bits a stage, ends at ``o``: so nothing
    is optimised away, and no path of the harness is longer than a look-up table. Designs of the same ports have the
    same harness.

    Attributes
    ----------
    name : str
    verilog : str
    flip_flops : int
        How many registers it has.
    """

    name: str
    verilog: str
    flip_flops: int


def harness(slug: str, folder: str | os.PathLike) -> Harness:
    """The `Harness` of a design whose manifest is in a folder."""
    about = json.loads((Path(folder) / f"{slug}.json").read_text(encoding="utf-8"))
    ports = [port for port in about["ports"] if port["name"] != about["clock"]]
    pins = [f".{about['clock']}(clk)"] if about["clock"] else []
    width = {}
    for way, bus in (("input", "held"), ("output", "result")):
        first = 0
        for port in ports:
            if port["direction"] == way:
                pins.append(f".{port['name']}({bus}[{first + port['width'] - 1}:{first}])")
                first += port["width"]
        width[way] = first
    stages = [width["output"]]
    while stages[-1] > 1:
        stages.append(-(-stages[-1] // FAN_IN))
    last = len(stages) - 1
    lines = [
        f"module registered_{slug} (input clk, input i, output o);",
        f"  reg [{width['input'] - 1}:0] held;",
        f"  wire [{width['output'] - 1}:0] result;",
        *(f"  reg [{bits - 1}:0] parity{n};" for n, bits in enumerate(stages)),
        f"  {slug} dut ({', '.join(pins)});",
        "  always @(posedge clk) begin",
        "    held <= {held, i};",
        "    parity0 <= result;",
        *(f"    parity{n} <= {_parities(n - 1, stages[n - 1])};" for n in range(1, last + 1)),
        "  end",
        f"  assign o = parity{last};",
        "endmodule\n",
    ]
    return Harness(f"registered_{slug}", "\n".join(lines), width["input"] + sum(stages))


def _parities(stage, bits):
    """The parities of `FAN_IN` neighbours each, as a Verilog concatenation."""
    groups = [f"^parity{stage}[{min(first + FAN_IN, bits) - 1}:{first}]" for first in range(0, bits, FAN_IN)]
    return f"{{{', '.join(reversed(groups))}}}"
