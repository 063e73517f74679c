"""The figures of a row: one table of their keys, headings, units and meanings, and of which way each is better."""

from dataclasses import dataclass
from typing import Any

#: A row of a record, or a record: what JSON can hold, by name.
Row = dict[str, Any]

#: The unit of parts of 1, which pages show in per cent.
FRACTION = "%"


@dataclass(frozen=True)
class Figure:
    """What a figure is.

    Parameters
    ----------
    heading : str
        Its name where figures stand side by side.
    unit : str
        "" for counts and factors, `FRACTION` for parts of 1.
    meaning : str
    better : str or None
        ``less``, ``more``, or None where neither is.
    signed : bool
        Whether it may be below 0.
    cost : tuple of (str, str, float) or None
        Where more is better, what is compared in its place, less of it being better: heading, unit, and what it is
        times the figure.
    """

    heading: str
    unit: str
    meaning: str
    better: str | None = None
    signed: bool = False
    cost: tuple | None = None

    @property
    def title(self) -> str:
        """Heading and unit, as a table's column has them."""
        return f"{self.heading}, {self.unit}" if self.unit and self.unit != FRACTION else self.heading


#: By key of a row. A figure more is a line more, and the place where it is measured; records made before are read
#: without it.
FIGURES = {
    "area_um2": Figure("area", "µm²", "cell area of the netlist", "less"),
    "area_ge": Figure("area", "GE", "the same over the library's smallest two-input NAND", "less"),
    "gates": Figure("gates", "", "generic two-input gates and inverters", "less"),
    "transistors": Figure("transistors", "", "of a static CMOS mapping", "less"),
    "flip_flops": Figure("flip-flops", "", "registers", "less"),
    "luts": Figure("LUTs", "", "FPGA look-up tables", "less"),
    "carry": Figure("carry", "", "FPGA carry cells", "less"),
    "dsp": Figure("DSP", "", "FPGA multiplier blocks", "less"),
    "delay_ps": Figure("delay", "ps", "longest path of the netlist, setup time included", "less"),
    "clock_ps": Figure("clock", "ps", "period of the comparison, at which energy is counted"),
    "fmax_mhz": Figure("fmax", "MHz", "of the fastest netlist found", "more", cost=("shortest delay", "ps", 1e6)),
    "energy_fj_per_op": Figure("energy", "fJ/op", "cells and the nets they drive, glitches and leakage included",
                               "less"),
    "ground_fj_per_op": Figure("of it at ground pins", "fJ/op", "its part from tables at ground pins: the supply's "
                               "charge once more, which sign-off tools add", "less"),
    "input_nets_fj_per_op": Figure("input nets", "fJ/op", "nets that the surroundings drive, not in the sum", "less"),
    "clock_net_fj_per_op": Figure("clock net", "fJ/op", "the net of the ideal clock, not in the sum", "less"),
    "clock_gates": Figure("clock gates", "", "integrated clock-gating cells, where the clock is gated"),
    "gated_flip_flops": Figure("gated flip-flops", "", "registers whose clock comes through such a cell"),
    "area_um2_ungated": Figure("area without gates", "µm²", "of the netlist that takes the place of this one where "
                               "registers keep their enables", "less"),
    "energy_fj_ungated": Figure("energy without gates", "fJ/op", "of that netlist", "less"),
    "clock_net_fj_ungated": Figure("clock net without gates", "fJ/op", "of that netlist; what clock gates drive counts "
                                   "in the energy, not here", "less"),
    "leakage_nw": Figure("leakage", "nW", "static power of the cells", "less"),
    "mean_relative_error": Figure("mean relative error, all significands", FRACTION, "mean relative error over all "
                                  "significands: of products of all pairs of normal numbers, or, beyond 16 bits "
                                  "together, of mantissas", "less"),
    "driven_relative_error": Figure("mean relative error, products driven", FRACTION, "the same of the products that "
                                    "the netlist is driven with; what is flushed or saturates counts in full", "less"),
    "result_error": Figure("error of the result", FRACTION, "of sums: root mean square of the error over that of the "
                           "result, against float64 of the operands before they were rounded to codes", "less"),
    "result_gain": Figure("its gain", "", "the factor of the right results that lies nearest to the sums (least "
                          "squares)", signed=True),
    "result_error_of_codes": Figure("error of the result, against the codes", FRACTION, "of sums, against float64 of "
                                    "the codes' values: what the arithmetic alone adds", "less"),
    "result_gain_of_codes": Figure("gain against the codes", "", "their factor", signed=True),
}
