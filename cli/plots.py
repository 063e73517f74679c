"""The charts of a page, as inline SVG that follows the reader's light or dark theme.

Each function draws one panel and gives its SVG as text, the same bytes for the same data. Panels are small, so that a
phone shows them whole; a page sets several side by side. Text stays text, in the page's own font. Scales are linear and
begin at zero. ``name`` must differ between the panels of a page: identifiers inside the drawing are made from it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .document import number
from .theme import LIGHT

WIDTH = 360  # px of a panel
FONT = 12  # px
LINE = 17  # px from one bar to the next
GAP = 6  # px before a group's title
MARKS = "●◇□△▽○"  # of technologies, in the order of the report
LETTER = 6.9  # px of an average letter in the widest usual font


def bars(name: str, groups: Iterable[tuple[str, list[tuple[str, str, float | None]]]]) -> str:
    """Horizontal bars, rivals under their group's title, each bar with its figure at its end.

    ``groups`` is a list of (title, [(label, colour, value or None)]).
    """
    return stacked(name, [(title, [(label, [(colour, value)], value) for label, colour, value in rows])
                          for title, rows in groups])


def stacked(name: str, groups: Iterable[tuple[str, list[tuple[str, list[tuple[str, Any]], float | None]]]]) -> str:
    """Horizontal stacked bars with their total at the end: ``groups`` is a list of
    (title, [(label, [(colour, part)], total or None)])."""
    rows = [row for _, rows in groups for row in rows]
    left, right = 10 + LETTER * max(len(label) for label, *_ in rows), WIDTH - 52
    scale = (right - left) / max((total for *_, total in rows if total), default=1)
    drawing = Drawing(_height(groups, LINE))
    for y, title, row in _lines(groups, LINE):
        if row is None:
            drawing.text(2, y, title, weight="bold")
            continue
        label, parts, total = row
        drawing.text(left - 6, y, label, ha="right")
        drawing.line(left, y - LINE / 2, left, y + LINE / 2, "muted")
        if total is None:
            drawing.text(left + 5, y, "no figure", "muted")
            continue
        x = left
        for colour, part in parts:
            drawing.bar(x, y, part * scale, LINE - 4, colour)
            x += part * scale
        drawing.text(x + 5, y, number(total, 3))
    return drawing.svg(name)


def ratios(name: str, groups: Sequence[tuple[str, list]], marks: Sequence[int]) -> str:
    """Ratios to a rival, each joined to the line at 1, with whiskers.

    ``groups`` is a list of (title, [(label, [(ratio, whisker) or None for each technology])]), a whisker being the
    lower and the upper end of the ratio's margin, or None; ``marks`` gives the technologies' numbers in `MARKS`.
    """
    step = 14
    line = step * len(marks) + 5
    rows = [row for _, rows in groups for row in rows]
    largest = max([1.05, *(max(each[0], *(each[1] or ())) for _, values in rows for each in values if each)])
    left, right, top = 16 + LETTER * max(len(label) for label, _ in rows), WIDTH - 34, 22
    scale = (right - left) / largest
    bottom = _height(groups, line) + top
    drawing = Drawing(bottom)
    for tick in sorted({1.0, *_ticks(largest)}):
        drawing.line(left + tick * scale, top - 3, left + tick * scale, bottom, "ink" if tick == 1 else "line")
        drawing.text(left + tick * scale, 9, f"{tick:g}", "muted", FONT - 1, ha="center")
    for y, title, row in _lines(groups, line):
        if row is None:
            drawing.text(2, y + top, title, weight="bold", background=True)
            continue
        label, values = row
        drawing.text(left - 8, y + top, label, ha="right")
        for index, (mark, each) in enumerate(zip(marks, values, strict=True)):
            if each is not None:
                ratio, whisker = each
                low, high = (left + end * scale for end in whisker or (ratio, ratio))
                at, x = y + top + step * (index - (len(values) - 1) / 2), left + ratio * scale
                drawing.line(x, at, left + scale, at, "blue")
                drawing.whisker(low, high, at, "ink")
                drawing.mark(x, at, mark, "blue")
                right_of = ratio > 1 or low - 36 < left  # beyond its whisker, away from the line where there is room
                drawing.text(max(high, x + 5) + 3 if right_of else min(low, x - 5) - 3, at, f"{ratio:.2f}",
                             size=FONT - 1, ha="left" if right_of else "right", background=True)
    return drawing.svg(name)


def curves(name: str, series: Sequence[tuple[str, str, Sequence[tuple[float, float]]]], xlabel: str, ylabel: str,
           whole: bool = False) -> str:
    """Curves, each labelled right of its end, with its colour beside the label. ``series`` is a list of
    (label, colour, [(x, y)]); ``whole`` says that x counts something."""
    end = WIDTH - 18 - LETTER * max(len(label) for label, *_ in series)
    drawing, place, right = _axes([point for *_, curve in series for point in curve], xlabel, ylabel, end, whole)
    ends = []
    for label, colour, curve in reversed(series):  # the first is seen where curves cross
        places = [place(x, y) for x, y in curve]
        drawing.curve(places, colour)
        ends.append((places[-1][1], label, colour))
    # Labels stand right of the ends, pushed apart where the ends are close.
    above = drawing.height - 36 + FONT
    for y, label, colour in sorted(ends, reverse=True):
        above = min(y, above - FONT - 2)
        drawing.bar(right + 6, above, 6, 6, colour)
        drawing.text(right + 16, above, label, weight="bold")
    return drawing.svg(name)


def points(name: str, marks: Sequence[tuple[str, str, float, float]], xlabel: str, ylabel: str) -> str:
    """Points, each with its label beside it: a list of (label, colour, x, y)."""
    drawing, place, right = _axes([(x, y) for *_, x, y in marks], xlabel, ylabel, WIDTH - 12, False)
    above = drawing.height
    for label, colour, x, y in sorted(marks, key=lambda mark: mark[3]):
        at = place(x, y)
        drawing.curve([at], colour)
        above = min(at[1], above - FONT)  # pushed apart where points are close
        on_left = at[0] + 8 + LETTER * len(label) > right
        drawing.text(at[0] + (-7 if on_left else 7), above, label, size=FONT - 1, ha="right" if on_left else "left")
    return drawing.svg(name)


def _axes(points, xlabel, ylabel, right, whole):
    """A drawing with axes from 0 on that hold these points, where a point is in it, and where it ends."""
    left, top, bottom = 46, 24, 194
    across, up = 1.03 * max(x for x, _ in points), 1.06 * max(y for _, y in points)
    drawing = Drawing(bottom + 36)
    for x in _ticks(across, whole):
        at = left + x / across * (right - left)
        drawing.line(at, top, at, bottom, "line" if x else "muted")
        drawing.text(at, bottom + 10, f"{x:g}", "muted", FONT - 1, ha="center")
    for y in _ticks(up):
        at = bottom - y / up * (bottom - top)
        drawing.line(left, at, right, at, "line" if y else "muted")
        drawing.text(left - 5, at, f"{y:g}", "muted", FONT - 1, ha="right")
    drawing.text((left + right) / 2, bottom + 26, xlabel, "muted", FONT - 1, ha="center")
    drawing.text(2, 10, ylabel, "muted", FONT - 1)
    return drawing, lambda x, y: (left + x / across * (right - left), bottom - y / up * (bottom - top)), right


def _ticks(largest, whole=False):
    """Round values from 0 to ``largest``, about five of them; ``whole`` numbers if so asked."""
    from matplotlib.ticker import MaxNLocator

    locator = MaxNLocator(5, steps=[1, 2 if whole else 2.5, 5, 10])
    return [tick for tick in locator.tick_values(0, largest) if tick <= largest]


def _lines(groups, line) -> Iterator[tuple[float, Any, Any]]:
    """Where each title and row of the groups stands: (middle in px from the top, title, row or None)."""
    y = -GAP
    for title, rows in groups:
        y += GAP + LINE
        yield y - LINE / 2, title, None
        for row in rows:
            y += line
            yield y - line / 2, None, row


def _height(groups, line):
    return sum(GAP + LINE + line * len(rows) for _, rows in groups) - GAP


class Drawing:
    """A figure of `WIDTH` x ``height`` px, drawn on in px from its top left corner."""

    def __init__(self, height: float) -> None:
        from matplotlib.figure import Figure
        from matplotlib.transforms import Affine2D

        self.height = round(height)
        self.figure = Figure(figsize=(WIDTH / 72, self.height / 72), dpi=72)
        self.place: dict[str, Any] = {"transform": Affine2D().scale(1, -1).translate(0, self.height)}

    def text(self, x: float, y: float, text: str, colour: str = "ink", size: float = FONT, background: bool = False,
             **style: Any) -> None:
        box = {"bbox": {"facecolor": LIGHT["paper"], "linewidth": 0, "pad": 0.5}} if background else {}
        self.figure.text(x, y + 0.36 * size, text, color=LIGHT[colour], fontsize=size, **self.place, **box, **style)

    def bar(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        from matplotlib.patches import Rectangle

        self.figure.add_artist(Rectangle((x, y - height / 2), width, height, facecolor=LIGHT[colour], linewidth=0,
                                         **self.place))

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: str) -> None:
        self._line([x0, x1], [y0, y1], color=LIGHT[colour], linewidth=1)

    def whisker(self, low: float, high: float, y: float, colour: str) -> None:
        """A line with an end piece on either side, of any length."""
        self._line([low, high], [y, y], marker="|", markersize=5, color=LIGHT[colour], linewidth=1)

    def curve(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        self._line(*zip(*points, strict=True), color=LIGHT[colour], linewidth=1.6, marker="o", markersize=4)

    def mark(self, x: float, y: float, index: int, colour: str) -> None:
        """One of `MARKS`; the first is filled."""
        self._line([x], [y], marker="oDs^vo"[index % len(MARKS)], markersize=6, color=LIGHT[colour],
                   markerfacecolor=LIGHT["paper" if index else colour])

    def _line(self, xs, ys, **style):
        from matplotlib.lines import Line2D

        self.figure.add_artist(Line2D(xs, ys, **self.place, **style))

    def svg(self, name: str) -> str:
        """The drawing to stand inside HTML."""
        return inline(self.figure, name, WIDTH, self.height)


def inline(figure: Any, name: str, width: int, height: int) -> str:
    """A matplotlib figure of so many px as SVG to stand inside HTML: no prologue, metadata or fonts of its own, and the
    theme's colours. ``name`` differs between the drawings of a page."""
    svg = saved(figure, name, "svg", transparent=True).decode()
    body = svg[svg.index("</defs>") + len("</defs>") : svg.rindex("</svg>")]
    for pattern, substitute in TIDY:
        body = re.sub(pattern, substitute, body)
    for role, colour in LIGHT.items():
        body = body.replace(colour, f"var(--{role})")
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}">{body}</svg>'


#: What would tell one file from another that shows the same, by ending.
_DATED = {"svg": {"Date": None}, "png": {"Software": None}}


def saved(figure: Any, name: str, ending: str, **style: Any) -> bytes:
    """A matplotlib figure as an SVG or PNG file, the same bytes for the same drawing and name; text stays text."""
    import matplotlib

    file = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(file, format=ending, metadata=_DATED[ending], **style)
    return file.getvalue()


#: What an SVG file needs and a drawing inside a page does not: pattern, substitute.
TIDY = (
    (r' id="[^"]*[_.][^"]*"', ""),  # names of parts, as opposed to the hashes that the drawing refers to
    (r"xlink:href", "href"),
    (r"font-family: [^;\"]*;? ?", ""),
    (r' transform="rotate\(-0 [^"]*\)"', ""),
    (r"(\.\d\d)\d+", r"\1"),
    (r"\s*\n\s*", "\n"),
    (r"<g>\n(<[^<]*/>)\n</g>", r"\1"),
    (r"<g>\n(<text[^<]*</text>)\n</g>", r"\1"),
)
