"""What a report says of tiles, before all else: where a multiply-accumulate is nothing but its arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..synth.figures import FIGURES
from ..synth.roles import ROLES
from . import charts, plots
from .comparison import technologies
from .document import Figure, Heading, Panel, Table, number, percent
from .theme import colour

if TYPE_CHECKING:
    from .comparison import Entry


def section(entries: list[Entry]) -> list:
    """The blocks of a page: energy against error, what energy is spent for, and the figures; none without tiles.

    Parameters
    ----------
    entries : list of Entry
        All rows, in reading order.
    """
    tiles = [entry for entry in entries if entry.design.declared.tiled]
    some = [entry for entry in tiles if entry.row.get("energy_fj_per_op") is not None]
    counted = [entry for entry in tiles if entry.row.get("luts") is not None]
    if not some and not counted:
        return []
    figures = [_against_error(some), charts.breakdown_figure(some)] if some else []
    return [Heading("Tiles: what a multiply-accumulate costs"), *(figure for figure in figures if figure.panels),
            *([_table(some)] if some else []), *([_look_up_tables(counted)] if counted else [])]


def label(entry: Entry) -> str:
    """The arithmetic and its operands, as the slug has them."""
    return entry.design.multiplier.named(entry.design.tile.formats).replace("_", " ")


def _against_error(entries):
    """A point for each tile: down and to the left is better."""
    panels, energy, error = [], FIGURES["energy_fj_per_op"], FIGURES["result_error"]
    for technology in technologies(entries):
        points = [(label(entry), colour(entry.kind), 100 * entry.row["result_error"], entry.row["energy_fj_per_op"])
                  for entry in entries if entry.technology == technology and entry.row.get("result_error") is not None]
        if points:
            words = [f"{name}: {number(y, 3)} at {number(x, 3)}" for name, _, x, y in points]
            title = f"{technology}: {energy.heading} against error of the result"
            drawing = plots.points(f"tile {title}", points, f"{error.heading}, %", energy.title)
            panels.append(Panel(title, drawing, f"{title}. {'; '.join(words)}"))
    return Figure("Energy of a multiply-accumulate in a tile, all of it, against the error of the tile's results: down "
                  "and to the left is better.", panels)


def _table(entries):
    roles = [role for role in ROLES if any(role in (entry.row["energy_fj_by_role"] or {}) for entry in entries)]
    lines = []
    for entry in entries:
        row, tile = entry.row, entry.design.tile
        macs = tile.lanes * entry.design.grid[1]
        parts = row["energy_fj_by_role"] or {}
        lines.append([f"`{entry.design.slug}`", entry.technology, _or_dash(row.get("result_error"), percent),
                      number(row["energy_fj_per_op"]), *(number(parts.get(role, 0.0), 3) for role in roles),
                      _or_dash(row.get("energy_fj_ungated"), number), number(row["area_um2"] / macs),
                      number(row["clock_ps"])])
    columns = ["design", "technology", "error of results", "energy", *roles, "ungated", "area", "clock, ps"]
    return Table("Tiles at their relaxed clock: energy in fJ for each multiply-accumulate, everything counted, and of "
                 "it each role's; the same without clock gates; area in µm² for each multiply-accumulate a cycle.",
                 columns, lines, words=(0, 1))


def _look_up_tables(entries):
    """Tiles on FPGAs."""
    placed = any(entry.row.get("fmax_mhz") is not None for entry in entries)
    lines = []
    for entry in entries:
        lanes, cols = entry.design.grid
        lines.append([f"`{entry.design.slug}`", entry.technology, _or_dash(entry.row.get("result_error"), percent),
                      *(number(entry.row[key] / (lanes * cols), 3) for key in ("luts", "flip_flops")),
                      *([_or_dash(entry.row.get("fmax_mhz"), number)] if placed else [])])
    return Table("Tiles on FPGAs: look-up tables and registers for each multiply-accumulate a cycle"
                 + (", and the clock where they were placed and routed." if placed else "."),
                 ["design", "technology", "error of results", "LUTs", "registers", *(["fmax, MHz"] if placed else [])],
                 lines, words=(0, 1))


def _or_dash(value, show):
    return "–" if value is None else show(value)
