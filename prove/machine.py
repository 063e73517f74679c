"""Clocked Verilog as gates between registers: the step from one cycle to the next, to be unrolled or examined alone."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..hdl import yosys
from .exhaust import Circuit
from .logic import FALSE, TRUE

if TYPE_CHECKING:
    from .logic import Logic

_CLOCKS = ("clk", "aclk")


class Machine:
    """One clocked module: what its outputs and its registers become of its inputs and its registers.

    Attributes
    ----------
    inputs, outputs : dict of str to int
        Widths of the ports, the clock left out. Of an instance that was left closed, ``tree.sum`` and the like: what it
        gives is an input, which may be anything, and what it is given an output.
    names : list of str
        Of each bit of state, as `register_name` gives it.
    """

    def __init__(self, module: Mapping[str, Any]) -> None:
        flops = {name: cell["connections"] for name, cell in module["cells"].items() if cell["type"] == "$_DFF_P_"}
        gates = {name: cell for name, cell in module["cells"].items() if cell["type"].startswith("$")
                 and name not in flops}
        closed = {name: cell for name, cell in module["cells"].items() if not cell["type"].startswith("$")}
        state, following = ([flop[pin][0] for flop in flops.values()] for pin in "QD")
        ports = module["ports"] | {"$state": {"direction": "input", "bits": state},
                                   "$next": {"direction": "output", "bits": following}}
        for name, cell in closed.items():
            for pin, bits in cell["connections"].items():
                side = "input" if cell["port_directions"][pin] == "output" else "output"
                ports[f"{name}.{pin}"] = {"direction": side, "bits": bits}
        self._circuit = Circuit({"ports": ports, "cells": gates})
        self._clocks = [name for name in _CLOCKS if name in ports]
        self.inputs = {name: width for name, width in self._circuit.inputs.items()
                       if name not in (*_CLOCKS, "$state")}
        self.outputs = {name: width for name, width in self._circuit.outputs.items() if name != "$next"}
        self.names = [register_name(name) for name in flops]

    @property
    def registers(self) -> int:
        """How many bits of state there are."""
        return len(self.names)

    def step(self, logic: Logic, state: list[int],
             inputs: Mapping[str, list[int]]) -> tuple[dict[str, list[int]], list[int]]:
        """A cycle: outputs by port, and the next state, from literals; inputs that are not given are new and free."""
        given = {name: inputs.get(name) or logic.inputs(width) for name, width in self.inputs.items()}
        found = self._circuit.build(logic, given | {"$state": state} | {clock: [FALSE] for clock in self._clocks})
        return found, found.pop("$next")

    def reset(self, logic: Logic) -> list[int]:
        """The state after one cycle of reset, whatever was before."""
        reset = {"rst": [TRUE]} if "rst" in self.inputs else {"aresetn": [FALSE]}
        return self.step(logic, logic.inputs(self.registers), reset)[1]

    @property
    def running(self) -> dict[str, list[int]]:
        """The reset input while it is not at work."""
        return {"rst": [FALSE], "aresetn": [TRUE]}


def register_name(name: str) -> str:
    """A register's name without the marks of hierarchy and of bits, which differ from netlist to netlist."""
    return re.sub(r"[\W_]+", "_", name.removesuffix("$_DFF_P_").removesuffix("_reg")).strip("_")


def load(verilog: Mapping[str, str], closed: Sequence[str] = ()) -> dict[str, Machine]:
    """Clocked modules of Verilog texts, by the name of the top module; as `exhaust.load`, in one run of Yosys. What is
    in modules whose names fit patterns is left ``closed``."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        script = []
        for name, text in verilog.items():
            (folder / f"{name}.v").write_text(text)
            script += ["design -reset", f"read_verilog {name}.v", f"hierarchy -check -top {name}",
                       *(f"blackbox {pattern}" for pattern in closed), "proc",
                       "opt_expr", "opt_clean", "memory_collect", "memory_map", "alumacc", "techmap", "simplemap",
                       "opt -nodffe -nosdff", "dfflegalize -cell $_DFF_P_ x", "opt_clean",
                       "rename -wire t:$_DFF_P_",  # after what they drive
                       "flatten -noscopeinfo", "opt_clean", f"write_json {name}.json"]
        yosys.run(script, folder)
        return {name: Machine(json.loads((folder / f"{name}.json").read_text())["modules"][name]) for name in verilog}
