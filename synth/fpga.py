"""What designs take on FPGAs: Yosys' own mapping for each family, its counts, and netlists to place and route."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..golden.files import atomic_write
from ..golden.refusal import Refusal
from ..hdl import gowin, yosys
from ..hdl.designs import Design
from .harness import harness


@dataclass(frozen=True)
class Target:
    """How a family is mapped to, and which of its cells count as what.

    Parameters
    ----------
    title : str
    command : str
        Yosys' script for the family, without I/O pads and clock buffers.
    with_dsp, without_dsp : str
        Its options that allow and forbid multiplier blocks.
    luts, carry, dsp, flip_flops : dict of str to int
        How many each cell counts for, by the beginning of its name. Cells that only join LUTs count for none.
    pads : str
        Yosys' commands that put pads around what is to be placed, where nextpnr does not do so itself; ``{top}`` is it.
    timed : str
        Verilog that cells are mapped by once more before nextpnr has them, where it does not time them as they are.
    """

    title: str
    command: str
    with_dsp: str
    without_dsp: str
    luts: dict
    carry: dict
    dsp: dict
    flip_flops: dict
    pads: str = ""
    timed: str = ""


TARGETS = {
    "ice40": Target("Lattice iCE40", "synth_ice40", "-dsp", "", {"SB_LUT4": 1}, {"SB_CARRY": 1}, {"SB_MAC16": 1},
                    {"SB_DFF": 1}),
    # a CCU2C is two bits of carry chain and takes the two LUTs of its slice
    "ecp5": Target("Lattice ECP5", "synth_ecp5", "", "-nodsp", {"LUT4": 1, "CCU2C": 2}, {"CCU2C": 1},
                   {"MULT18X18D": 1, "ALU54B": 1}, {"TRELLIS_FF": 1}),
    # a CCU2 is two bits of carry chain in two LUTs; a WIDEFN9 is two LUTs and the choice between them
    "nexus": Target("Lattice Nexus", "synth_nexus -noiopad", "", "-nodsp",
                    {"LUT4": 1, "CCU2": 2, "WIDEFN9": 2, "INV": 1}, {"CCU2": 1}, {"MULT": 1}, {"FD1P3": 1},
                    "iopadmap -bits -inpad IB O:I -outpad OB I:O {top}"),
    # an ALU is a bit of carry chain, in place of a LUT
    "gowin": Target("Gowin GW1N", f"synth_gowin -family gw1n -noiopads {gowin.OPTIONS}", "", "-nodsp",
                    {"LUT": 1, "ALU": 1}, {"ALU": 1}, {"MULT": 1}, {"DFF": 1},
                    "iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O {top}", gowin.TIMED),
    # half of a CPE is a tree of three LUTs of two inputs (L2T4), or a bit of carry chain; a tree of five inputs (L2T5)
    # takes a whole one. A CC_MULT is made of CPEs too: a block only to Yosys
    "gatemate": Target("Cologne Chip GateMate", "synth_gatemate -luttree -nomx4 -nomx8 -noiopad -noclkbuf", "",
                       "-nomult", {"CC_L2T4": 1, "CC_L2T5": 2, "CC_LUT": 1, "CC_MX2": 1, "CC_ADDF": 1}, {"CC_ADDF": 1},
                       {"CC_MULT": 1}, {"CC_DFF": 1},
                       "iopadmap -bits -inpad CC_IBUF Y:I -outpad CC_OBUF A:O {top}"),
    # an inverter takes a LUT where nothing absorbs it
    "xc7": Target("AMD 7 series", "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf", "", "-nodsp",
                  {"LUT": 1, "INV": 1}, {"CARRY4": 1}, {"DSP48E1": 1}, {"FD": 1}),
}


def counts(designs: Sequence[Design], folder: str | Path, target: str, netlists: bool = False) -> dict[str,
           dict[str, Any]]:
    """LUTs, carry cells, multiplier blocks and flip-flops of several designs in one family.

    All are mapped in one run of Yosys, side by side and apart, for it reads the family's cells anew each time.

    Parameters
    ----------
    designs : list of Design
    folder : path
        Where `~lmul.hdl.verilog.generate_many` left their Verilog.
    target : str
        One of `TARGETS`.
    netlists : bool
        Whether to leave each design, mapped without multiplier blocks and in its `Harness`, as
        ``folder/target/slug.json``, for placement.

    Returns
    -------
    dict
        By slug ``{"luts", "carry", "dsp", "flip_flops", "with_dsp"}``. The first four are without multiplier blocks;
        ``with_dsp`` is the same four with such blocks allowed. The harness is not in them.

    Raises
    ------
    Refusal
        If the target is unknown.
    YosysError
        If Yosys is missing or fails.
    """
    if target not in TARGETS:
        raise Refusal(f"FPGA target must be one of {', '.join(TARGETS)}, not {target!r}")
    family, folder = TARGETS[target], Path(folder)
    plain = _mapped(designs, folder, target, family.without_dsp, netlists)
    multiplying = [design for design in designs if _multiplies(design, folder)]
    blocks = _mapped(multiplying, folder, target, family.with_dsp) if multiplying else {}
    return {slug: found | {"with_dsp": blocks.get(slug, found)} for slug, found in plain.items()}


def _multiplies(design, folder):
    """Whether the Verilog multiplies: only then can a multiplier block be of use."""
    return " * " in (folder / f"{design.slug}.v").read_text(encoding="utf-8")


def _mapped(designs, folder, target, options, netlists=False):
    family, slugs = TARGETS[target], [design.slug for design in designs]
    around = {slug: harness(slug, folder) for slug in slugs}
    name = "together"
    work = folder / target / f"{slugs[0]}_and_others"  # other processes may map others
    with atomic_write(work / f"{name}.v") as file:
        file.writelines(each.verilog for each in around.values())
        file.write(_together(name, around.values()))
    if family.timed:
        with atomic_write(work / "timed.v") as file:
            file.write(family.timed)
    apart = " ".join([*slugs, *(each.name for each in around.values())])
    script = [f"read_verilog ../../{slug}.v" for slug in slugs]
    script += [f"read_verilog {name}.v", f"setattr -mod -set keep_hierarchy 1 {apart}",
               f"{family.command} {options} -top {name}", f"tee -q -o {name}.stat stat -json", "design -save mapped"]
    for slug in slugs if netlists else ():
        script += ["design -load mapped", f"hierarchy -top {around[slug].name}",
                   *([family.pads.format(top=around[slug].name)] if family.pads else []),
                   *(["techmap -map timed.v"] if family.timed else []), f"write_json ../{slug}.json"]
    yosys.run(script, work)
    if target == "nexus":
        for slug in slugs if netlists else ():
            _loosen(work.parent / f"{slug}.json")
    modules = json.loads((work / f"{name}.stat").read_text())["modules"]
    return {slug: _count(family, modules["\\" + slug]["num_cells_by_type"]) for slug in slugs}


def _loosen(path):
    """Carry chains of Nexus begin with a cell whose carry in counts for nothing. Yosys puts a constant on it, which
    nextpnr refuses (github.com/YosysHQ/yosys/issues/4081): here nothing is on it."""
    netlist = json.loads(path.read_text(encoding="utf-8"))
    for module in netlist["modules"].values():
        low = {cell["connections"]["Z"][0] for cell in module["cells"].values() if cell["type"] == "VLO"}
        for cell in module["cells"].values():
            if cell["type"] == "CCU2" and {*cell["connections"]["CIN"]} & {"0", "x", *low}:
                cell["connections"]["CIN"] = []
    with atomic_write(path) as file:
        json.dump(netlist, file)


def _together(name, harnesses):
    """A module with every harness in it, inputs and outputs its own, so that none is optimised away."""
    instances = "".join(f"  {each.name} u{n} (clk, i[{n}], o[{n}]);\n" for n, each in enumerate(harnesses))
    high = len(harnesses) - 1
    return f"module {name} (input clk, input [{high}:0] i, output [{high}:0] o);\n{instances}endmodule\n"


def _count(family, cells):
    return {kind: sum(number * each for cell, number in cells.items() for start, each in getattr(family, kind).items()
                      if cell.startswith(start)) for kind in ("luts", "carry", "dsp", "flip_flops")}
