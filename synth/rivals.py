"""Who is compared with whom, at which clock, and by which figures: one rule for measuring, pages and claims."""

from collections.abc import Collection, Hashable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Any

from ..golden.refusal import Refusal
from ..golden.spec import Multiplier, parse_accumulator
from ..hdl.designs import Design, parse
from .figures import FIGURES, Row


@dataclass(frozen=True)
class Measure:
    """A figure to compare, less being better: its key in the table of `figures`. ``clock`` names one of the periods
    that rivals are compared at; without one the figure is the design's own."""

    key: str
    clock: str | None = None

    @property
    def name(self) -> str:
        """Its heading; of the fast clock that too."""
        figure = FIGURES[self.key]
        return (figure.cost[0] if figure.cost else figure.heading) + (", fast clock" if self.clock == "fast" else "")

    @property
    def unit(self) -> str:
        figure = FIGURES[self.key]
        return figure.cost[1] if figure.cost else figure.unit

    def of(self, row: Row) -> float | None:
        """The row's figure, or where more of it is better what stands in its place; or None."""
        if self.clock:
            return row.get("at", {}).get(self.clock, {}).get(self.key)
        value, cost = row.get(self.key), FIGURES[self.key].cost
        return cost[2] / value if value and cost else value

    def ratio(self, row: Row, rival: Row) -> float | None:
        """The row's figure over its rival's, or None where either is missing or their clocks differ."""
        rival = beside(rival, row)
        ours, theirs = self.of(row), self.of(rival)
        if ours is None or not theirs:
            return None
        if self.clock and len({each["at"][self.clock]["clock_ps"] for each in (row, rival)}) > 1:
            return None
        return ours / theirs


MEASURES = (
    Measure("area_um2", "relaxed"),
    Measure("energy_fj_per_op", "relaxed"),
    Measure("fmax_mhz"),
    Measure("area_um2", "fast"),
    Measure("energy_fj_per_op", "fast"),
    Measure("luts"),
)
GATES = Measure("gates")

#: The part of its nets that a netlist must switch, and of the codes of either operand that must be numbers other than
#: zero, for its energy to say anything.
EVIDENCE = 0.5


def group(design: Design) -> tuple:
    """Equal for designs that differ in their arithmetic alone, which take the place of the same: they share a clock."""
    shape = tuple(getattr(design, field.name) for field in fields(Design) if field.name != "multiplier")
    return shape, design.multiplier.rival or design.multiplier


def shape(design: Design) -> tuple:
    """Structure, lanes, and rows, columns and dataflow: what a sum of integers shares with one of floats."""
    return design.structure, design.lanes, design.rows, design.cols, design.dataflow


def is_integer_sum(design: Design) -> bool:
    """Whether this is a sum of products that are integers: a rival of every sum of floats of its `shape`, since it has
    neither their formats nor their accumulators. A lone multiplier of integers is none: its product is not rounded."""
    return design.multiplier.wide.integer and not design.combinational


def groups(design: Design, designs: Iterable[Design]) -> list[tuple]:
    """The groups among ``designs`` at whose clocks a design is compared: its own, or of an integer sum those of all its
    rivals of floats; without these it shares a clock with all integer sums of its shape."""
    if not is_integer_sum(design):
        return [group(design)]
    rivals = [group(other) for other in designs if shape(other) == shape(design) and not is_integer_sum(other)]
    return list(dict.fromkeys(rivals)) or [("integers", shape(design))]


def reference(design: Design, designs: Iterable[Design]) -> Design | None:
    """The integer sum that sums of a design's shape are measured by: exact, of the widest operands; or None."""
    found = [other for other in designs if is_integer_sum(other) and shape(other) == shape(design)
             and other.multiplier.rival is None]
    return max(found, key=lambda other: other.multiplier.a.width + other.multiplier.b.width, default=None)


def pairs(designs: Collection[Design]) -> list[tuple[Design, Design]]:
    """Every (design, rival): the one in whose place the design's specification stands, of wide products also others
    that may stand there, and of sums the `reference` of their shape, for all that replace another and for all
    integers."""
    designs, found = list(designs), []
    for ours in designs:
        replaced = ours.multiplier.rival
        theirs = ours.multiplier.rivals if ours.unrounded else (replaced,)
        found += [(ours, other) for other in designs if other.multiplier in theirs and group(other) == group(ours)]
        wide = None if ours.combinational or not (replaced or is_integer_sum(ours)) else reference(ours, designs)
        if wide and wide != ours and (ours, wide) not in found:
            found.append((ours, wide))
    return found


def periods(groups: Iterable[Hashable], clocks: Mapping[Any, dict[str, float]]) -> dict[str, float]:
    """Names and periods of a design's clocks.

    Parameters
    ----------
    groups : list
        Those of the design.
    clocks : dict of group to dict
        Of each its periods by name.

    Returns
    -------
    dict
        The first group's as they are; names of the others' end in their number, as in ``relaxed_2``.
    """
    return {name if n == 1 else f"{name}_{n}": period for n, each in enumerate(groups, 1)
            for name, period in clocks[each].items()}


def beside(row: Row, other: Row) -> Row:
    """A row as it was measured at the clocks of another, where it was: see `periods`."""
    if all(other.get("at", {}).get(name, at)["clock_ps"] == at["clock_ps"] for name, at in row.get("at", {}).items()):
        return row
    clocks = {(name, at["clock_ps"]) for name, at in other.get("at", {}).items()}
    at = {name.partition("_")[0]: at for name, at in row["at"].items()
          if (name.partition("_")[0], at["clock_ps"]) in clocks}
    figures = {key: figure for key, figure in at.get("relaxed", {}).items() if key in row}
    return row | {"at": at, "curve": []} | figures if at else row  # the curve is at its own clock


def switched(row: Row) -> float | None:
    """The part of its nets that switched, of the row's netlist of which it was least; None where none was driven."""
    driven = [each.get("activity") for each in (row, *row.get("at", {}).values())]
    return min((each["nets_that_switched"] / each["nets"] for each in driven if each), default=None)


def undriven(row: Row) -> str | None:
    """Why the operands that drove a row's netlists say nothing of energy, nor of a netlist chosen by it; or None.

    They do not where too few nets switched, where most of an operand is zero to the multiplier, so that a net switches
    once and then rests, or where an operand never changes.
    """
    part = switched(row)
    if part is None:
        return None
    if part < EVIDENCE:
        return f"{100 * part:.0f} % of the nets switched"
    for name, codes in (row.get("operand_codes") or {}).items():
        zero = max(codes["zero"], codes["flushed"]) / codes["total"]
        if zero > 1 - EVIDENCE:
            return f"{100 * zero:.0f} % of the codes of {name} are zero to the multiplier"
        if codes["distinct"] == 1:
            return f"{name} is one code throughout"
    return None


def with_rivals(slugs: Iterable[str], known: Iterable[str]) -> list[str]:
    """Slugs, and those ``known`` that share a clock with any of them: measured together they have the clocks that all
    have."""
    designs, others = [parse(slug) for slug in slugs], [parse(slug) for slug in known]
    wanted = {group(design) for design in designs}
    shapes = {shape(design) for design in designs}
    return list(dict.fromkeys([*slugs, *(other.slug for other in others if group(other) in wanted
                                         or is_integer_sum(other) and shape(other) in shapes)]))


def compared(slugs: Iterable[str], known: Iterable[str]) -> list[str]:
    """Slugs, and beside each the designs that it is compared with (`pairs`); beside one that stands in no other's place
    those ``known`` that stand in its own, or else, of a sum, that of int8."""
    designs = [parse(slug) for slug in slugs]
    built = list(dict.fromkeys(other for design in designs for other in _built(design)))
    given = [design.slug for design in designs]
    pool = [*built, *(parse(slug) for slug in with_rivals(given, known))]  # int8 before what is as wide
    found, wanted = pairs(list(dict.fromkeys(pool))), list(given)
    for design in designs:
        theirs = [other for ours, other in found if ours == design]
        theirs = theirs or [ours for ours, other in found if other == design] or [
            other for other in built if is_integer_sum(other) and shape(other) == shape(design)]
        wanted += [each.slug for each in theirs]
    return list(dict.fromkeys(wanted))


def _built(design):
    """The designs that others are to be compared with this one by, whether a catalogue has them or not: each of its
    multiplier's rivals in its place, and of a sum that of int8 in its shape."""
    changes = [{"multiplier": rival} for rival in (design.multiplier.rival, *design.multiplier.rivals) if rival]
    if not design.combinational:
        accumulator = design.accumulator and parse_accumulator("int32")
        changes.append({"multiplier": Multiplier.make("int8"), "accumulator": accumulator, "tree": False,
                        "window": None if design.declared.tiled else Design.window, "a_block": None, "b_block": None})
    for change in changes:
        with suppress(Refusal):  # such a design there is not
            yield replace(design, **change)
