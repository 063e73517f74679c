"""The clock period that a design reaches, measured in passing for its constraints."""

import math
import tempfile
from pathlib import Path

from ..hdl import yosys
from ..hdl.designs import Design
from ..hdl.verilog import Period
from . import library
from .mapping import MAPPERS, constraints
from .netlist import Netlist
from .timing import analyse

TECHNOLOGY = "sky130hd"
#: Designs of more multipliers take too long for a figure that is wanted in passing.
MOST = 64


def measure(design: Design, verilog: str) -> Period:
    """The `Period` of a design: of one quick mapping for speed, rounded up to 10 ps.

    Parameters
    ----------
    design : Design
    verilog : str

    Raises
    ------
    YosysError
        If Yosys is missing or fails.
    """
    if design.declared.memory:
        return Period(None, "not measured, the design having a memory, which is no cell of a library")
    if design.multipliers > MOST:
        return Period(None, f"not measured, a design of {design.multipliers} multipliers being too large for that")
    cells = library.load(TECHNOLOGY)
    with tempfile.TemporaryDirectory(prefix="lmul-") as folder:
        folder = Path(folder)
        (folder / "design.v").write_text(verilog, encoding="utf-8")
        (folder / "map.abc").write_text(MAPPERS["delay-quick"].format(D="-D 1"), encoding="utf-8")
        (folder / "map.constr").write_text(constraints(cells), encoding="utf-8")
        cells.write_liberty(folder / "map.lib")
        yosys.run(["read_verilog design.v", f"synth -noabc -top {design.slug}",
                   "dfflegalize -cell $_DFF_P_ x", "opt -fast", "dfflibmap -liberty map.lib",
                   "abc -liberty map.lib -constr map.constr -script map.abc", "opt_clean", "write_json design.json"],
                  folder)
        delay_ps = analyse(Netlist.read(folder / "design.json", cells)).delay_ps
    return Period(math.ceil(delay_ps / 10) / 100,
                  f"measured in {TECHNOLOGY}: one quick mapping for speed by Yosys {yosys.yosys()[1]}, wires and clock "
                  "ideal, so a layout needs more")
