"""Perplexity that tiles lose, against the energy of their multiply-accumulate: drawn in a page, and as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import plots
from .front import unbeaten
from .theme import LIGHT, colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..claims.rows import Row

WIDTH, HEIGHT, DPI = 720, 460, 72  # px
LEAST = 0.05  # per cent: nothing below is told from nothing
_FONT, _LETTER = 10, 5.4  # px of a label, and of its average letter


@dataclass(frozen=True)
class Point:
    """A tile: what it is called, the colour of its family, fJ, and what perplexity it loses, in per cent, with the ends
    of the interval."""

    label: str
    colour: str
    energy: float
    lost: float
    low: float
    high: float


def points(rows: Sequence[Row]) -> list[Point]:
    """Those of a record's rows that compute all products and have an energy, from the least energy on."""
    found = [Point(row["said"], colour(row["family"]), row["energy_fj"],
                   *(100 * (row[key] - 1) for key in ("ratio", "low", "high")))
             for row in rows if row["scope"] == "all" and row["energy_fj"] is not None]
    return sorted(found, key=lambda point: (point.energy, point.lost))


def drawing(some: Sequence[Point]) -> str:
    """Inline SVG that follows the page's theme."""
    return plots.inline(_figure(some), "perplexity", WIDTH, HEIGHT)


def file(some: Sequence[Point]) -> str:
    """An SVG file; the same for the same points."""
    return plots.saved(_figure(some), "perplexity", "svg").decode()


def _figure(some) -> Any:
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
    axes = figure.add_axes((0.09, 0.11, 0.9, 0.87), yscale="log")
    best = unbeaten(some, lambda point: point.energy, lambda point: point.lost)
    axes.plot([point.energy for point in best], [max(point.lost, LEAST) for point in best], "-", linewidth=1,
              color=LIGHT["muted"], drawstyle="steps-post")
    for point in some:
        low, high = (max(end, LEAST) for end in (point.low, point.high))
        axes.plot([point.energy] * 2, [low, high], "-", linewidth=1, color=LIGHT[point.colour])
        axes.plot([point.energy], [max(point.lost, LEAST)], "o", markersize=5, color=LIGHT[point.colour])
    axes.set_ylim(bottom=LEAST * 0.8)
    axes.set_xlim(left=0)
    axes.axhline(1, color=LIGHT["ink"], linewidth=0.8, linestyle=":")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: f"{'≤ ' if value <= 1.001 * LEAST else ''}{value:g}")
    axes.set_xlabel("energy of a multiply-accumulate, fJ", color=LIGHT["muted"])
    axes.set_ylabel("perplexity lost, %", color=LIGHT["muted"])
    axes.grid(color=LIGHT["line"], linewidth=0.5)
    axes.tick_params(colors=LIGHT["muted"])
    axes.spines[:].set_color(LIGHT["line"])
    figure.draw_without_rendering()  # fixes where points are
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in (_place(axes, point) for point in some)]
    for point in some:
        _label(axes, point, taken)
    return figure


def _place(axes, point):
    return tuple(axes.transData.transform((point.energy, max(point.lost, LEAST))))


def _label(axes, point, taken):
    """A point's label where none stands yet, of a few places beside it."""
    x, y = _place(axes, point)
    width = _LETTER * len(point.label)
    best = None
    for across, left in ((8, 0), (-8, -width), (0, -width / 2)):
        for up in (0, 8, -8, 16, -16):
            box = (x + across + left, y + up - _FONT / 2, x + across + left + width, y + up + _FONT / 2)
            overlap = sum(max(0, min(box[2], other[2]) - max(box[0], other[0]))
                          * max(0, min(box[3], other[3]) - max(box[1], other[1])) for other in taken)
            outside = max(0, box[2] - axes.bbox.x1) + max(0, axes.bbox.x0 - box[0])
            cost = overlap + 20 * outside + abs(up) / 10
            if best is None or cost < best[0]:
                best = cost, box
    assert best is not None
    box = best[1]
    taken.append(box)
    axes.annotate(point.label, (point.energy, max(point.lost, LEAST)), (box[0] - x, box[1] - y),
                  textcoords="offset pixels", fontsize=_FONT * 0.8, color=LIGHT["ink"])

