"""The answer of ``lmul choose``: a sentence, and a table for each technology."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..synth.margins import Scatter
from ..synth.rivals import MEASURES as COMPARED
from .document import percent
from .front import MEASURES, Point

#: Names of scatter by what a point is chosen by.
_SCATTER = {"energy_fj_per_mac": "energy_fj_per_op", "area_um2_per_mac": "area_um2", "luts_per_mac": "luts"}


@dataclass(frozen=True)
class Candidate:
    """A point within the error.

    Parameters
    ----------
    point : Point
    ratio : float
        Its cost over the best one's.
    clear : bool
        Whether that is beyond the scatter.
    """

    point: Point
    ratio: float
    clear: bool

    def as_row(self) -> dict[str, Any]:
        return {"design": self.point.entry.design.slug, "technology": self.point.entry.technology,
                "result_error": self.point.error, **self.point.figures, "over_the_best": self.ratio,
                "beyond_scatter": self.clear, "command": self.point.command}


@dataclass(frozen=True)
class Pick:
    """What was found in a technology: of points ``within`` the error, the best first; of all, the least ``error``."""

    technology: str
    within: Sequence[Candidate]
    error: float


def chosen(points: Iterable[Point], error: float, key: str, runs: Iterable[dict[str, Any]], effort: str) -> list[Pick]:
    """A `Pick` for each technology that has the figure ``key`` (of `front.MEASURES`).

    Parameters
    ----------
    points : list of Point
    error : float
        That a point may have, at most.
    key : str
    runs, effort
        From which the scatter follows: `Scatter`.
    """
    scatter, found = Scatter(runs, effort), {}
    name = next(each.name for each in COMPARED if each.key == _SCATTER[key])
    for point in points:
        if key in point.figures:
            found.setdefault(point.entry.technology, []).append(point)
    picks = []
    for technology, some in found.items():
        within = sorted((point for point in some if point.error <= error), key=lambda point: point.figures[key])
        candidates = []
        for point in within:
            ratio = point.figures[key] / within[0].figures[key]
            slugs = point.entry.design.slug, within[0].entry.design.slug
            margin = scatter.margin(*slugs, technology, name)
            candidates.append(Candidate(point, ratio, margin is not None and math.log(ratio) > margin[0]))
        picks.append(Pick(technology, candidates, min(point.error for point in some)))
    return picks


def answer(picks: Sequence[Pick], error: float, key: str) -> str:
    """The finding in words, a sentence or two for each technology."""
    name, unit = MEASURES[key]
    if not picks:
        return f"No row has {name} and an error of its result."
    sentences = []
    for pick in picks:
        if not pick.within:
            sentences.append(f"{pick.technology}: no unit stays within {percent(error)}; the least error of any is "
                             f"{percent(pick.error)}.")
            continue
        best = pick.within[0].point
        words = (f"{pick.technology}: within {percent(error)} {best.entry.design.slug} takes the least {name}, "
                 f"{best.figures[key]:.3g} {unit}".rstrip() + f" per multiply-accumulate, at {percent(best.error)}")
        other = next((each for each in pick.within if each.point.entry.kind != best.entry.kind), None)
        if other:
            more = f"{100 * (other.ratio - 1):.0f} % more" if other.clear else "no clear difference"
            entry = other.point.entry
            words += f"; the next arithmetic is {entry.arithmetic} in {entry.design.slug}, {more}"
        sentences.append(words + ".")
    return " ".join(sentences)


def table(pick: Pick, most: int) -> str:
    """The best of a technology as text."""
    keys = [key for key in MEASURES if any(key in each.point.figures for each in pick.within)]
    heads = ["", "error", *(" ".join(filter(None, MEASURES[key])) for key in keys), "over the best"]
    rows = [[each.point.entry.design.slug, percent(each.point.error),
             *(f"{each.point.figures[key]:.3g}" if key in each.point.figures else "–" for key in keys),
             f"{each.ratio:.2f}" + ("" if each.clear or each is pick.within[0] else ", not clearly")]
            for each in pick.within[:most]]
    widths = [max(len(row[n]) for row in [heads, *rows]) for n in range(len(heads))]
    lines = ["  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:],
                                                                                            strict=True))]).rstrip()
             for row in [heads, *rows]]
    left = len(pick.within) - len(rows)
    return "\n".join([f"{pick.technology}, per multiply-accumulate", *lines, *([f"and {left} more"] if left else [])])
