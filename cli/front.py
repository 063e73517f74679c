"""Which designs of a record no other beats: energy, area and LUTs of a multiply-accumulate against error of the result.

A point is a row that has an error of the result: of sums, not of lone products. Figures are of one multiply-accumulate
that the design can begin in a cycle, at the clock of its row.
"""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..hdl.structures import STRUCTURES
from ..synth import fpga, library
from ..synth.options import Options
from .comparison import Entry, entries
from .document import number, percent
from .theme import colour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: What points are drawn against the error by: key, heading, unit.
MEASURES = {"energy_fj_per_mac": ("energy", "fJ"), "area_um2_per_mac": ("area", "µm²"),
            "energy_area": ("energy times area", "fJ µm²"), "luts_per_mac": ("LUTs", "")}

#: Options of a report that a row depends on, by their names on the command line.
_OPTIONS = {"operands": "--operands", "pairing": "--pairing", "seed": "--seed", "vectors": "--vectors",
            "effort": "--effort", "mapping_seed": "--mapping-seed", "wire_load": "--wire-load", "mode": "--activity",
            "dont_use": "--dont-use"}
_GATING = {"on": "--clock-gating", "off": "--no-clock-gating"}


@dataclass(frozen=True, eq=False)
class Point:
    """A row as a point."""

    entry: Entry
    command: str

    @property
    def error(self) -> float:
        """In parts of 1."""
        return self.entry.row["result_error"]

    @cached_property
    def figures(self) -> dict[str, float]:
        """Those of `MEASURES` that the row has, above 0."""
        row, design = self.entry.row, self.entry.design
        macs = design.multipliers
        energy, area, luts = row["energy_fj_per_op"], row["area_um2"], row["luts"]
        found = {"energy_fj_per_mac": energy, "area_um2_per_mac": area and area / macs,
                 "energy_area": energy and area and energy * area / macs, "luts_per_mac": luts and luts / macs}
        return {key: value for key, value in found.items() if value}

    @property
    def family(self) -> str:
        """As pages call it; integers of all widths together."""
        return "integers" if self.entry.design.multiplier.wide.integer else self.entry.title

    @property
    def colour(self) -> str:
        """The name of the colour of the point's family."""
        return colour(self.family if self.entry.design.multiplier.wide.integer else self.entry.kind)

    @property
    def facts(self) -> dict[str, str]:
        """By what a reader chooses among points."""
        multiplier = self.entry.design.multiplier
        return {"family": self.family, "structure": STRUCTURES[self.entry.structure].title,
                "width": f"{multiplier.a.width} x {multiplier.b.width} bits", "technology": self.entry.technology}

    @property
    def label(self) -> str:
        """What is computed, and in what, in words."""
        return ", ".join(dict.fromkeys([self.entry.arithmetic, self.entry.operands, self.facts["structure"]]))


def points(record: dict[str, Any]) -> list[Point]:
    """The points of a record, the least error first, in one technology after the other."""
    found = [Point(entry, again(entry, record["options"])) for entry in entries(record)
             if entry.row.get("result_error")]
    order = list(dict.fromkeys(row["technology"] for row in record["rows"]))
    return sorted((point for point in found if point.figures),
                  key=lambda point: (order.index(point.entry.technology), point.error, point.entry.design.slug))


def front(some: Iterable[Point], key: str) -> list[Point]:
    """Points that no other beats in error and one measure at once, the least error first; of equal ones the first."""
    return unbeaten((point for point in some if key in point.figures), lambda point: point.error,
                    lambda point: point.figures[key])


def unbeaten(some: Iterable[Any], first: Callable[[Any], float], second: Callable[[Any], float]) -> list[Any]:
    """What no other beats in two measures at once, the least of the first measure first; of equals the first."""
    found = []
    for each in sorted(some, key=lambda each: (first(each), second(each))):
        if not found or second(each) < second(found[-1]):
            found.append(each)
    return found


def again(entry: Entry, options: dict[str, Any]) -> str:
    """The command that makes a row again, at its clock."""
    row, plain = entry.row, asdict(Options())
    where = ["--tech", row["technology"]] if row["technology"] in (*library.EMBEDDED, *fpga.TARGETS) else \
        ["--liberty", "FILES"]
    if row.get("placed"):
        where = ["--fpga", row["technology"], "--fpga-seeds", str(options.get("fpga_seeds", plain["fpga_seeds"]))]
    elif row["clock_ps"]:
        where += ["--clock", repr(row["clock_ps"])]
    for name, flag in _OPTIONS.items():
        value = options.get(name, plain[name])
        if value != plain[name]:
            where += [flag, str(value)]
    where += filter(None, [_GATING.get(options.get("gating", "auto"))])
    return shlex.join(["lmul", "report", row["design"], *where, "-o", "DIR"])


def finding(some: Sequence[Point]) -> list[str]:
    """The ends of the front of energy, or else of LUTs or area, a sentence for each technology."""
    sentences = []
    for technology in dict.fromkeys(point.entry.technology for point in some):
        here = [point for point in some if point.entry.technology == technology]
        key = next(key for key in ("energy_fj_per_mac", "luts_per_mac", "area_um2_per_mac")
                   if any(key in each.figures for each in here))
        best, (name, unit) = front(here, key), MEASURES[key]
        ends = [f"{number(point.figures[key], 3)} {unit}".rstrip() + f" at {percent(point.error)} ({point.label})"
                for point in dict.fromkeys((best[0], best[-1]))]
        count = sum(key in each.figures for each in here)
        sentences.append(f"{technology}: no other design beats {len(best)} of {count} in {name} and error of the "
                         f"result at once, {'from ' if len(ends) > 1 else ''}{' to '.join(ends)}.")
    return sentences
