"""The record of a report (``report.json``): its keys with their units, and where its figures come from.

A record is ``{"command", "versions", "operands", "options", "libraries", "limits", "rows"}``. A row has every key of
`new_row`; a figure that is missing is None, and ``reasons`` says why.
"""

from importlib.metadata import version

from ..golden.errors import mean_relative_error
from ..hdl.designs import parse

#: Figures of a row: key, with its unit, and what it is.
FIGURES = {
    "area_um2": "cell area of the netlist",
    "area_ge": "the same over the library's smallest two-input NAND",
    "gates": "generic two-input gates and inverters",
    "transistors": "of a static CMOS mapping",
    "flip_flops": "registers",
    "delay_ps": "longest path of the netlist, setup time included",
    "clock_ps": "period of the comparison, at which energy is counted",
    "fmax_mhz": "of the fastest netlist found",
    "energy_fj_per_op": "cells and the nets they drive, glitches and leakage included",
    "input_nets_fj_per_op": "nets that the surroundings drive, not in the sum",
    "clock_net_fj_per_op": "the net of the ideal clock, not in the sum",
    "leakage_nw": "static power of the cells",
    "luts": "FPGA look-up tables",
    "carry": "FPGA carry cells",
    "dsp": "FPGA multiplier blocks",
    "mean_relative_error": "of the product against the exact one",
}

LIMITS = (
    "Netlists are mapped, not placed: wires have no capacitance and no delay, the clock is ideal.",
    "Figures belong to the integer addition that the RTL builds, not to the formula the paper prints.",
    "An op is one multiplication (mul, prod) or one multiply-accumulate (mac, dot, array).",
    "FPGA counts are of mapping; a clock (fmax) is given where `--fpga` placed and routed, and nowhere else.",
    "Mapping finds good netlists, not the best; `--effort high` searches longer, for both sides alike.",
)

_KEYS = ("command", "versions", "operands", "options", "libraries", "limits", "rows")


def new_row(design, technology):
    """A row that has its names and no figures but the error."""
    spec = design.multiplier
    return {
        "design": design.slug, "technology": technology, "structure": design.structure, "multiplier": spec.kind,
        "a": spec.a.name, "b": spec.b.name, "subnormals": spec.subnormals, "overflow": spec.overflow,
        "offset": spec.offset, "accumulator": design.accumulator.name if design.accumulator else None,
        **dict.fromkeys(FIGURES), "mean_relative_error": mean_relative_error(spec, wide=design.structure != "mul"),
        "curve": [], "at": {}, "energy_fj_by_kind": None, "activity": None, "path": None, "with_dsp": None,
        "placed": None, "reasons": {},
    }


def missing(row, reason, *keys):
    """Give the reason why figures are None; without keys, for all that are and have none yet."""
    for key in keys or FIGURES:
        if row[key] is None:
            row["reasons"].setdefault(key, reason)


def versions(yosys):
    """Versions of all that has a part in the figures."""
    return {"lmul": version("lmul"), "yosys": yosys, "amaranth": version("amaranth"), "numpy": version("numpy")}


def check(record):
    """See that a record keeps its contract.

    Raises
    ------
    ValueError
        If a key is missing or unknown, a row's slug is not a design, or a figure is None without a reason.
    """
    for key in _KEYS:
        if key not in record:
            raise ValueError(f"A record must have the key {key!r}")
    for row in record["rows"]:
        expected = new_row(parse(row["design"]), row["technology"])
        if row.keys() != expected.keys():
            raise ValueError(f"Row {row['design']} must have the keys of a row; they differ in "
                             f"{sorted(row.keys() ^ expected.keys())}")
        bare = [key for key in FIGURES if row[key] is None and key not in row["reasons"]]
        if bare:
            raise ValueError(f"Row {row['design']} must say why it lacks {', '.join(bare)}")
