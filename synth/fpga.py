"""What designs take on FPGAs: counts after Yosys' own mapping for each family, before placement and routing."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..golden.files import atomic_write
from ..hdl import yosys


@dataclass(frozen=True)
class Target:
    """How a family is mapped to, and which of its cells count as what.

    Parameters
    ----------
    command : str
        Yosys' script for the family, without I/O pads and clock buffers.
    with_dsp, without_dsp : str
        Its options that allow and forbid multiplier blocks.
    luts, carry, dsp, flip_flops : dict of str to int
        How many each cell counts for, by the beginning of its name. Cells that only join LUTs count for none.
    """

    command: str
    with_dsp: str
    without_dsp: str
    luts: dict
    carry: dict
    dsp: dict
    flip_flops: dict


TARGETS = {
    "ice40": Target("synth_ice40", "-dsp", "", {"SB_LUT4": 1}, {"SB_CARRY": 1}, {"SB_MAC16": 1}, {"SB_DFF": 1}),
    # a CCU2C is two bits of carry chain and takes the two LUTs of its slice
    "ecp5": Target("synth_ecp5", "", "-nodsp", {"LUT4": 1, "CCU2C": 2}, {"CCU2C": 1}, {"MULT18X18D": 1, "ALU54B": 1},
                   {"TRELLIS_FF": 1}),
    # an inverter takes a LUT where nothing absorbs it
    "xc7": Target("synth_xilinx -family xc7 -flatten -noiopad -noclkbuf", "", "-nodsp", {"LUT": 1, "INV": 1},
                  {"CARRY4": 1}, {"DSP48E1": 1}, {"FD": 1}),
}


def counts(designs, folder, target):
    """LUTs, carry cells, multiplier blocks and flip-flops of several designs in one family.

    All are mapped in one run of Yosys, side by side and apart, for it reads the family's cells anew each time.

    Parameters
    ----------
    designs : list of Design
    folder : path
        Where `~lmul.hdl.verilog.generate_many` left their Verilog.
    target : str
        One of `TARGETS`.

    Returns
    -------
    dict
        By slug ``{"luts", "carry", "dsp", "flip_flops", "with_dsp"}``. The first four are without multiplier blocks;
        ``with_dsp`` is the same four with such blocks allowed.

    Raises
    ------
    ValueError
        If the target is unknown.
    YosysError
        If Yosys is missing or fails.
    """
    if target not in TARGETS:
        raise ValueError(f"FPGA target must be one of {', '.join(TARGETS)}, not {target!r}")
    plain = _mapped(designs, Path(folder), target, TARGETS[target].without_dsp)
    multiplying = [design for design in designs if _multiplies(design, Path(folder))]
    blocks = _mapped(multiplying, Path(folder), target, TARGETS[target].with_dsp) if multiplying else {}
    return {slug: found | {"with_dsp": blocks.get(slug, found)} for slug, found in plain.items()}


def _multiplies(design, folder):
    """Whether the Verilog multiplies: only then can a multiplier block be of use."""
    return " * " in (folder / f"{design.slug}.v").read_text(encoding="utf-8")


def _mapped(designs, folder, target, options):
    family = TARGETS[target]
    name = "together"
    with atomic_write(folder / target / f"{name}.v") as file:
        file.write(_together(name, designs, folder))
    script = [f"read_verilog ../{design.slug}.v" for design in designs]
    script += [f"setattr -mod -set keep_hierarchy 1 {' '.join(design.slug for design in designs)}",
               f"read_verilog {name}.v", f"{family.command} {options} -top {name}",
               f"tee -q -o {name}.stat stat -json"]
    yosys.run(script, folder / target)
    modules = json.loads((folder / target / f"{name}.stat").read_text())["modules"]
    return {design.slug: _count(family, modules["\\" + design.slug]["num_cells_by_type"]) for design in designs}


def _together(name, designs, folder):
    """A module with every design in it, inputs and outputs its own, so that none is optimised away."""
    widths, instances = {"input": 0, "output": 0}, []
    for design in designs:
        manifest = json.loads((folder / f"{design.slug}.json").read_text(encoding="utf-8"))
        pins = []
        for port in manifest["ports"]:
            way, first = port["direction"], widths[port["direction"]]
            widths[way] += port["width"]
            pins.append(f".{port['name']}({way[0]}[{first + port['width'] - 1}:{first}])")
        instances.append(f"  {design.slug} u_{design.slug} ({', '.join(pins)});\n")
    return (f"module {name} (input [{widths['input'] - 1}:0] i, output [{widths['output'] - 1}:0] o);\n"
            + "".join(instances) + "endmodule\n")


def _count(family, cells):
    return {kind: sum(number * each for cell, number in cells.items() for start, each in getattr(family, kind).items()
                      if cell.startswith(start)) for kind in ("luts", "carry", "dsp", "flip_flops")}
