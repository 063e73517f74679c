"""Points and their front, drawn: in a page, where each leads to its row, and as SVG and PNG files."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from . import plots
from .front import MEASURES, front
from .theme import LETTER, LIGHT, SPACING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .front import Point

WIDTH, HEIGHT = 560, 380  # px of a panel
LEFT, RIGHT, TOP, BOTTOM = 62, WIDTH - 14, 26, HEIGHT - 46
STEPS = (1, 2, 5)


def panel(some: Sequence[Point], key: str, rows: dict[Point, str]) -> str:
    """Inline SVG that follows the page's theme: a point for each that has the measure, its front drawn through.

    Parameters
    ----------
    some : list of Point
        Of one technology.
    key : str
        Of `MEASURES`.
    rows : dict of Point to str
        Identifiers of the rows of the page that points lead to.
    """
    shown = [point for point in some if key in point.figures]
    across, up = _scale([100 * point.error for point in shown]), _scale([point.figures[key] for point in shown])
    best = front(shown, key)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">']
    for value, at in across.ticks:
        x = LEFT + at * (RIGHT - LEFT)
        parts.append(_line(x, TOP, x, BOTTOM) + _text(x, BOTTOM + 16, _tick(value), "middle", "muted"))
    for value, at in up.ticks:
        y = BOTTOM - at * (BOTTOM - TOP)
        parts.append(_line(LEFT, y, RIGHT, y) + _text(LEFT - 6, y + 4, _tick(value), "end", "muted"))
    name, unit = MEASURES[key]
    parts.append(_text((LEFT + RIGHT) / 2, HEIGHT - 8, "error of the result, %", "middle", "muted"))
    parts.append(_text(2, 14, f"{name}, {unit}" if unit else name, "start", "muted"))
    places = {point: (LEFT + across(100 * point.error) * (RIGHT - LEFT),
                      BOTTOM - up(point.figures[key]) * (BOTTOM - TOP)) for point in shown}
    parts.append(f'<path class="front" d="{_path([places[point] for point in best])}"/>')
    named = _named(best, places)
    for point in sorted(shown, key=best.__contains__):
        x, y = places[point]
        facts = "".join(f' data-{name}="{html.escape(value)}"' for name, value in point.facts.items())
        title = (f"{point.entry.design.slug}, {point.entry.technology}: error {100 * point.error:.3g} %, "
                 f"{name} {point.figures[key]:.4g} {unit}".rstrip())
        back = x + 7 + LETTER * len(_label(point)) > WIDTH
        state = f"{' on' if point in best else ''}{' named' if point in named else ''}"
        parts.append(
            f'<g class="dot{state}"{facts} data-x="{x:.1f}" data-y="{y:.1f}">'
            f'<a href="#{rows[point]}" aria-label="{html.escape(title)}"><title>{html.escape(title)}</title>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" style="fill: var(--{point.colour})"/></a>'
            + _text(x + (-7 if back else 7), y - 6, _label(point), "end" if back else "start", "ink") + "</g>")
    return "\n".join([*parts, "</svg>"])


def files(some: Sequence[Point], key: str, title: str) -> tuple[str, bytes]:
    """The same without a page, as an SVG and as a PNG file; the same bytes for the same points."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    shown = [point for point in some if key in point.figures]
    best = front(shown, key)
    figure = Figure(figsize=(6, 4), dpi=160, layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log")
    for family in dict.fromkeys(point.family for point in shown):
        alike = [point for point in shown if point.family == family]
        axes.plot([100 * point.error for point in alike], [point.figures[key] for point in alike], "o", markersize=4,
                  color=LIGHT[alike[0].colour], label=family)
    axes.plot([100 * point.error for point in best], [point.figures[key] for point in best], "-", linewidth=1,
              color=LIGHT["ink"], drawstyle="steps-post")
    name, unit = MEASURES[key]
    axes.set(xlabel="error of the result, %", ylabel=f"{name}, {unit}" if unit else name, title=title)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=STEPS))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(lambda value, _: _tick(value))
    axes.legend(fontsize=8)
    axes.grid(which="both", color=LIGHT["line"], linewidth=0.5)
    return plots.saved(figure, title, "svg").decode(), plots.saved(figure, title, "png")


class _scale:
    """A logarithmic axis that holds values: where one is on it, 0 to 1, and its ticks as (value, place)."""

    def __init__(self, values):
        low, high = math.log10(min(values)), math.log10(max(values))
        margin = max(0.06 * (high - low), 0.02)
        self.low, self.high = low - margin, high + margin
        every = [step * 10.0**power for power in range(math.floor(self.low), math.ceil(self.high) + 1)
                 for step in (STEPS if self.high - self.low > 0.5 else range(1, 10))]
        self.ticks = [(value, self(value)) for value in every if 0 <= self(value) <= 1]

    def __call__(self, value):
        return (math.log10(value) - self.low) / (self.high - self.low)


def _label(point):
    return " ".join(dict.fromkeys([point.entry.design.multiplier.formats.replace("x", " x "), point.entry.title]))


def _named(best, places):
    """Those of the front whose labels do not run into the one before, from the left: the page's script does so too."""
    found, end, level = set(), -math.inf, 0.0
    for point in best:
        x, y = places[point]
        if x > end or abs(y - level) > SPACING:
            found.add(point)
            end, level = x + LETTER * len(_label(point)), y
    return found


def _path(places):
    """Steps from point to point: what the front promises at each error."""
    steps = [f"M{places[0][0]:.1f} {places[0][1]:.1f}"] if places else []
    return " ".join(steps + [f"H{x:.1f} V{y:.1f}" for x, y in places[1:]])


def _tick(value):
    return f"{value:g}".replace("e+0", "e")


def _line(x0, y0, x1, y1):
    return f'<path class="grid" d="M{x0:.1f} {y0:.1f} L{x1:.1f} {y1:.1f}"/>'


def _text(x, y, text, anchor, role):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="fill: var(--{role})">'
            f"{html.escape(text)}</text>")
