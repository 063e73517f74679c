"""Verilog as Yosys breaks it up: what the readers of combinational modules begin with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..hdl import yosys


class Ports:
    """The ports of a module in Yosys' JSON.

    Attributes
    ----------
    inputs, outputs : dict of str to int
        Widths of the ports.
    """

    def __init__(self, module: Mapping[str, Any]) -> None:
        ports = module["ports"]
        self.inputs = {name: len(port["bits"]) for name, port in ports.items() if port["direction"] == "input"}
        self.outputs = {name: len(port["bits"]) for name, port in ports.items() if port["direction"] == "output"}
        self._bits = {name: port["bits"] for name, port in ports.items()}


def modules(verilog: Mapping[str, str], commands: Sequence[str]) -> dict[str, Any]:
    """Modules in Yosys' JSON, by the names of the texts that they are the top of, in one run.

    Parameters
    ----------
    verilog : dict of str to str
        Verilog text by the name of its top module.
    commands : sequence of str
        What Yosys does to all of them once they are read.

    Raises
    ------
    YosysError
        If Yosys is missing, or cannot read a text.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, text in verilog.items():
            Path(folder, f"{name}.v").write_text(text)
        yosys.run([f"read_verilog {' '.join(f'{name}.v' for name in verilog)}", *commands, "write_json read.json"],
                  folder)
        found = json.loads(Path(folder, "read.json").read_text())["modules"]
    return {name: found[name] for name in verilog}
