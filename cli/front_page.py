"""The page of many designs: energy, area and LUTs against error, the front drawn, and every row; with files beside it.

A function of a record alone: `front.html`, `.md`, `.json`, `.csv` and `.tex`, and each picture as SVG and PNG.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from ..golden.files import atomic_write, write_together
from . import front_plot
from .answer import listed
from .comparison import technologies
from .document import Figure, Heading, Items, Page, Panel, Table, number, percent, to_html, to_markdown
from .front import MEASURES, finding, front, points
from .pages import provenance

if TYPE_CHECKING:
    from pathlib import Path

    from .front import Point


def write_front(record: dict[str, Any], folder: Path) -> list[str]:
    """Write the page of a record and the files beside it; gives their names, the page's first."""
    some, page = points(record), front_page(record)
    texts: dict[str, str] = {"front.html": to_html(page), "front.md": to_markdown(page),
                             "front.csv": _csv(some), "front.tex": _latex(some),
                             "front.json": json.dumps([_row(point) for point in some], indent=1, ensure_ascii=False,
                                                      allow_nan=False) + "\n"}
    pictures = {}
    for technology, here in _by_technology(some).items():
        for key in _measured(here):
            name = f"front-{re.sub(r'[^A-Za-z0-9.]+', '-', technology)}-{key}"
            texts[f"{name}.svg"], pictures[f"{name}.png"] = front_plot.files(
                here, key, f"{technology}: {MEASURES[key][0]} against error of the result")
    for name, picture in pictures.items():
        with atomic_write(folder / name, "wb") as file:
            file.write(picture)
    write_together(folder, dict(reversed(texts.items())))
    return [*texts, *pictures]


def front_page(record: dict[str, Any]) -> Page:
    """The page: fronts, a table of every row, provenance."""
    some = points(record)
    if not some:
        return Page("Designs against error", "No row of this record has an error of the result beside an energy, area "
                    "or LUTs: sums have one, lone products do not.", [])
    rows = {point: f"row-{n}" for n, point in enumerate(some)}
    key = list(dict.fromkeys((point.colour, point.family) for point in some))
    panels = []
    for technology, here in _by_technology(some).items():
        for measure in _measured(here):
            title = f"{technology}: {MEASURES[measure][0]} against error"
            best = [f"{point.label} {number(point.figures[measure], 3)} at {percent(point.error)}"
                    for point in front(here, measure)]
            panels.append(Panel(title, front_plot.panel(here, measure, rows),
                                f"{title}. The front: {'; '.join(best)}"))
    caption = ("Each point is a design; those on the line are beaten by no other in both at once. Down and to the left "
               "is better, both axes are logarithmic, and all figures are of one multiply-accumulate, at the design's "
               "own clock. A point leads to its row.")
    blocks = [Items(finding(some)), Figure(caption, panels, key, linked=True), Heading("Every design"),
              _table(some, rows), Heading("Limits"), Items(record["limits"]), Heading("Provenance"),
              provenance(record)]
    names = len({point.entry.design.slug for point in some})
    where = listed(technologies([point.entry for point in some]))
    return Page(f"{names} designs against error, on {where}",
                "What a multiply-accumulate costs, against the error of the results it makes.", blocks)


def _table(some, rows):
    keys = [key for key in MEASURES if any(key in point.figures for point in some)]
    best = {key: {point for here in _by_technology(some).values() for point in front(here, key)} for key in keys}
    lines = []
    for point in some:
        on = [MEASURES[key][0] for key in keys if point in best[key]]
        clock = point.entry.row["clock_ps"]
        lines.append([f"`{point.entry.design.slug}`", *point.facts.values(), percent(point.error),
                      *(number(point.figures[key]) if key in point.figures else "–" for key in keys),
                      "–" if clock is None else number(clock), ", ".join(on) or "–", f"`{point.command}`"])
    columns = ["design", *some[0].facts, "error of the result", *(", ".join(filter(None, MEASURES[key]))
                                                                  for key in keys), "clock, ps", "on the front of",
               "made again by"]
    words = (0, 1, 2, 3, 4, len(columns) - 2, len(columns) - 1)
    return Table("Every design, by error. Figures are of one multiply-accumulate.", columns, lines, words=words,
                 facts=[{"id": rows[point]} | {f"data-{name}": value for name, value in point.facts.items()}
                        for point in some])


def _row(point):
    """A point as data."""
    return {"design": point.entry.design.slug, **point.facts, "result_error": point.error,
            **{key: point.figures.get(key) for key in MEASURES}, "clock_ps": point.entry.row["clock_ps"],
            "command": point.command}


def _csv(some):
    file = io.StringIO()
    table = csv.DictWriter(file, ["design", "family", "structure", "width", "technology", "result_error", *MEASURES,
                                  "clock_ps", "command"], lineterminator="\n")
    table.writeheader()
    table.writerows(map(_row, some))
    return file.getvalue()


def _latex(some: list[Point]) -> str:
    """The fronts as a table of LaTeX, with booktabs."""
    lines = [r"% needs \usepackage{booktabs}", r"\begin{tabular}{lllrrr}", r"\toprule",
             r"technology & measure & design & error, \% & per MAC & unit \\"]
    for technology, here in _by_technology(some).items():
        for key in _measured(here):
            name, unit = MEASURES[key]
            lines.append(r"\midrule")
            lines += [" & ".join([_tex(technology), name, rf"\texttt{{{_tex(point.entry.design.slug)}}}",
                                  number(100 * point.error, 3), number(point.figures[key], 4),
                                  unit.replace("µm²", r"$\mu$m$^2$")]) + r" \\" for point in front(here, key)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _tex(text):
    return re.sub(r"([_%&#$])", r"\\\1", text)


def _by_technology(some):
    found = {}
    for point in some:
        found.setdefault(point.entry.technology, []).append(point)
    return found


def _measured(some):
    return [key for key in MEASURES if any(key in point.figures for point in some)]
