"""Measurements to rows: the clocks that rivals share, chosen from their curves, and which netlist fits each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import curve, rivals
from .gating import LEAST
from .record import missing, new_row

if TYPE_CHECKING:
    from ..hdl.designs import Design
    from .curve import Figures
    from .figures import Row
    from .library import Library

#: Of each netlist of a curve, what a row has.
CURVE = ("area_um2", "delay_ps", "clock_ps", "energy_fj_per_op", "script", "proof")
_UNGATED = ("area_um2_ungated", "energy_fj_ungated", "clock_net_fj_ungated")
_GATED = ("clock_gates", "gated_flip_flops", *_UNGATED)
_MAPPED = ("area_um2", "area_ge", "gates", "transistors", "flip_flops", "delay_ps", "clock_ps", "fmax_mhz",
           "energy_fj_per_op", "ground_fj_per_op", "input_nets_fj_per_op", "clock_net_fj_per_op", "leakage_nw",
           *_GATED)


def clocks(designs: Iterable[Design], measured: Mapping[str, Mapping[str, Any]],
           clock_ps: float | None) -> dict[str, dict[str, float]]:
    """By slug the names and periods of each design's clocks in one library.

    ``fast`` is the period that every rival's fastest netlist reaches, ``relaxed`` that which their smallest reach too;
    those without clock gates as well, where there are both. Of a design with several kinds of rivals: `rivals.periods`.

    Parameters
    ----------
    designs : list of Design
        Those compared.
    measured : dict of slug to dict
        What `Unit.measure` found of each in this library.
    clock_ps : float or None
        A period to compare at in place of these.
    """
    designs, found = [design for design in designs if design.slug in measured], {}
    groups = {design.slug: rivals.groups(design, designs) for design in designs}
    for design in designs:
        for group in groups[design.slug]:
            at = found.setdefault(group, {"fast": 0.0, "relaxed": 0.0})
            for points in filter(None, (measured[design.slug][which] for which in ("points", "ungated"))):
                for name, point in (("fast", points[-1]), ("relaxed", points[0])):
                    at[name] = max(at[name], clock_ps or point["delay_ps"])
    return {slug: rivals.periods(some, found) for slug, some in groups.items()}


def fitting(points: Collection[Figures], period_ps: float) -> Figures | None:
    """The cheapest netlist that reaches a period, or None."""
    return min((point for point in points if point["delay_ps"] <= period_ps),
               key=lambda point: curve.cost(point, period_ps), default=None)


def row(design: Design, lib: Library, measured: Mapping[str, Any], periods: Mapping[str, float]) -> Row:
    """The row of a design in a library, measured, at its clocks."""
    points, ungated = measured["points"], measured["ungated"]
    row = new_row(design, lib.name) | measured["generic"]
    row["fmax_mhz"] = 1e6 / points[-1]["delay_ps"]
    row["curve"] = [{key: point[key] for key in CURVE} | _leaks(point) for point in points]
    for name, period in periods.items():
        fit, plain = fitting(points, period), fitting(ungated, period)
        if fit:
            row["at"][name] = curve.at(fit, period) | (_as_ungated(curve.at(plain, period)) if plain else {})
            if name == "relaxed":
                row["path"] = fit["path"]
    row |= {name: figure for name, figure in row["at"].get("relaxed", {}).items() if name in row}
    not_driven, lacks = measured["not_driven"], lib.lacks
    if not row["at"]:
        missing(row, f"no netlist reaches the clock asked for; the fastest takes {points[-1]['delay_ps']:.6g} ps",
                "area_um2", "area_ge", "delay_ps", "energy_fj_per_op", "leakage_nw", "flip_flops", "clock_ps",
                *_GATED)
    if not ungated:
        missing(row, measured["not_gated"] or f"no enable of the design has {LEAST} registers or more", *_GATED)
    if not_driven:
        missing(row, not_driven, "energy_fj_per_op", "ground_fj_per_op", "input_nets_fj_per_op",
                "clock_net_fj_per_op", *_UNGATED[1:])
    elif lacks:
        missing(row, lacks, "energy_fj_per_op", "ground_fj_per_op", "leakage_nw", "energy_fj_ungated")
    missing(row, "no netlist without clock gates reaches the clock", *_UNGATED)
    return row


def not_mapped(design: Design, lib: Library) -> Row:
    """The row of a design with registers in a library that has none for it."""
    row = new_row(design, lib.name)
    assert lib.no_register
    missing(row, lib.no_register, *(key for key in _MAPPED if row[key] is None))
    return row


def not_measured(design: Design, technology: str, why: str) -> Row:
    """The row of a design that could not be measured."""
    row = new_row(design, technology)
    missing(row, why)
    return row


def _leaks(point):
    """How much more each op takes at a longer period, in fJ for each ps."""
    rate = point["leakage_fj_per_ps"]
    return {"leakage_fj_per_ps": rate and rate["all"]}


def _as_ungated(figures):
    """Figures that stand beside those of the netlist with clock gates."""
    return {"area_um2_ungated": figures["area_um2"], "energy_fj_ungated": figures["energy_fj_per_op"],
            "clock_net_fj_ungated": figures.get("clock_net_fj_per_op")}
