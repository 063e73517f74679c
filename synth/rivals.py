"""Who is compared with whom, at which clock, and by which figures: one rule for measuring, pages and claims."""

from dataclasses import dataclass, fields

from ..hdl.designs import Design


@dataclass(frozen=True)
class Measure:
    """A figure to compare, less being better: its name, its unit, and where a row keeps it. ``clock`` names one of the
    periods that rivals are compared at; without one the figure is the design's own."""

    name: str
    unit: str
    key: str
    clock: str | None = None

    def of(self, row, period=None):
        """The row's figure, or None; with a ``period`` in ps its figure at that clock alone."""
        if self.clock:
            return next((at.get(self.key) for name, at in row.get("at", {}).items()
                         if name.partition("_")[0] == self.clock and period in (None, at["clock_ps"])), None)
        value = row.get(self.key)
        return 1e6 / value if value and self.key == "fmax_mhz" else value

    def ratio(self, row, rival):
        """The row's figure over its rival's, or None where either is missing or their clocks differ."""
        period = row.get("at", {}).get(self.clock, {}).get("clock_ps")
        ours, theirs = self.of(row), self.of(rival, period)
        return None if ours is None or not theirs else ours / theirs


MEASURES = (
    Measure("area", "µm²", "area_um2", "relaxed"),
    Measure("energy", "fJ/op", "energy_fj_per_op", "relaxed"),
    Measure("shortest delay", "ps", "fmax_mhz"),
    Measure("area, fast clock", "µm²", "area_um2", "fast"),
    Measure("energy, fast clock", "fJ/op", "energy_fj_per_op", "fast"),
    Measure("LUTs", "", "luts"),
)
GATES = Measure("gates", "", "gates")


def group(design):
    """Equal for designs that differ in their arithmetic alone: they share a clock."""
    spec = design.multiplier
    shape = tuple(getattr(design, field.name) for field in fields(Design) if field.name != "multiplier")
    return shape, spec.a, spec.b, spec.subnormals, spec.overflow


def shape(design):
    """Structure, lanes, and rows, columns and dataflow: what a sum of integers shares with one of floats."""
    return design.structure, design.lanes, design.rows, design.cols, design.dataflow


def is_integer_sum(design):
    """Whether this is a sum of int8 products: a rival of every sum of floats of its `shape`, since it has neither
    their formats nor their accumulators. A lone int8 multiplier is none: its product has 16 bits and is not rounded."""
    return design.multiplier.kind == "int8" and not design.combinational


def groups(design, designs):
    """The groups among ``designs`` at whose clocks a design is compared: its own, or of an integer sum those of all its
    rivals."""
    rivals = [group(other) for other in designs if is_integer_sum(design) and shape(other) == shape(design)
              and not is_integer_sum(other)]
    return list(dict.fromkeys(rivals)) or [group(design)]


def pairs(designs):
    """Every (design that adds instead of multiplying, rival): the exact one of its group, and the integer sum of its
    shape."""
    return [(ours, rival) for ours in designs if ours.multiplier.is_add for rival in designs
            if (is_integer_sum(rival) and shape(rival) == shape(ours)
                or rival.multiplier.kind == "exact" and group(rival) == group(ours))]
