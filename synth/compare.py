"""What changed between two records: figure by figure, against how far a figure scatters when a report is repeated."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ..hdl.designs import parse
from .figures import FIGURES, FRACTION, Row
from .margins import SIGMAS, deviation
from .rivals import MEASURES

#: Errors of a row, which mapping does not move: with the same operands any change is one of the arithmetic.
ERRORS = tuple(key for key in FIGURES if FIGURES[key].unit == FRACTION)

RULE = ("Each side is one draw of a search: the margin of a change is twice the standard deviation of the figure's "
        "logarithm over repeated runs, times the square root of two. The deviation is the figure's own or that of all "
        "designs of its structure and technology, whichever is larger; of figures that were never repeated it is the "
        "widest that is known. Errors have no margin: what shows another figure has changed.")


@dataclass(frozen=True)
class Change:
    """One figure in both records.

    Parameters
    ----------
    design, technology, figure : str
        ``figure`` is the name of a measure, or the heading of an error.
    a, b : float
        The first record's and the second's; less is better.
    margin : float or None
        Of the ratio b / a, in its logarithm; None of errors, and where nothing is known.
    """

    design: str
    technology: str
    figure: str
    a: float
    b: float
    margin: float | None

    @property
    def ratio(self) -> float | None:
        """b / a, or None where a is 0."""
        return self.b / self.a if self.a else None

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``within scatter`` or ``equal``, to four digits."""
        if f"{self.a:.4g}" == f"{self.b:.4g}":
            return "equal"
        if self.margin is not None and self.ratio and abs(math.log(self.ratio)) <= self.margin:
            return "within scatter"
        return "better" if self.b < self.a else "worse"

    def as_row(self) -> Row:
        """For JSON."""
        return {"design": self.design, "technology": self.technology, "figure": self.figure, "a": self.a, "b": self.b,
                "ratio": self.ratio, "margin": self.margin, "verdict": self.verdict}


class Spread:
    """Margins of a figure's change, from runs of `scatter`."""

    def __init__(self, runs: Iterable[Row], effort: str | None) -> None:
        logs = {}
        for run in runs:
            for row in run["rows"]:
                for each in MEASURES:
                    if value := each.of(row):
                        key = row["design"], row["technology"], each.name
                        logs.setdefault(key, {}).setdefault(run["options"]["effort"], []).append(math.log(value))
        self.own = {}
        for key, by_effort in logs.items():
            found = by_effort.get(effort) or max(by_effort.values(), key=len)
            if (spread := deviation(found, fmean(found))) is not None:
                self.own[key] = SIGMAS * math.sqrt(2) * spread
        pooled = {}
        for (design, technology, name), margin in self.own.items():
            pooled.setdefault((parse(design).structure, technology, name), []).append(margin)
        self.pooled = {key: math.sqrt(fmean(each * each for each in some)) for key, some in pooled.items()}

    def margin(self, design: str, technology: str, name: str) -> float | None:
        """The margin of a change of a measure, in the logarithm; None if nothing is known at all."""
        structure = parse(design).structure
        if (key := (structure, technology, name)) in self.pooled:
            return max(self.pooled[key], self.own.get((design, technology, name), 0))
        for alike in ({"structure": structure, "name": name}, {"name": name}, {}):
            some = [margin for (kind, _, measure), margin in self.pooled.items()
                    if alike.items() <= {"structure": kind, "name": measure}.items()]
            if some:
                return max(some)
        return None


def compare(a: Row, b: Row, runs: Iterable[Row]) -> Row:
    """What changed from one record to another.

    Parameters
    ----------
    a, b : dict
        Records; of each ``rows``, ``options``, ``operands`` and ``versions`` are read.
    runs : list of dict
        Runs of `scatter`, which margins follow from.

    Returns
    -------
    dict
        ``unlike``: settings that differ, by name the two values; ``changes``: list of `Change`; ``only_a`` and
        ``only_b``: (design, technology) of rows that the other lacks; ``gone``: (design, technology, figure) that
        ``b`` lacks in a row that both have.
    """
    rows, others = _rows(a), _rows(b)
    spread, changes, gone = Spread(runs, b["options"].get("effort")), [], []
    for key in (key for key in others if key in rows):
        design, technology = key[:2]
        for figure, each, margin in [(measure.name, measure.of, spread.margin(design, technology, measure.name))
                                     for measure in MEASURES] + [
                (FIGURES[error].heading, lambda row, error=error: row.get(error), None) for error in ERRORS]:
            old, new = each(rows[key]), each(others[key])
            if old is not None and new is not None:
                changes.append(Change(design, technology, figure, old, new, margin))
            elif old is not None:
                gone.append((design, technology, figure))
    return {"unlike": _unlike(a, b), "changes": changes, "gone": sorted(gone),
            "only_a": [key[:2] for key in rows if key not in others],
            "only_b": [key[:2] for key in others if key not in rows]}


def _rows(record):
    """Rows by what they are of; somebody else's Verilog by what it is."""
    return {(row["design"], row["technology"], (row.get("source") or {}).get("sha256")): row for row in record["rows"]}


def _unlike(a: Row, b: Row) -> dict[str, tuple[Any, Any]]:
    """Options, operands and versions that differ."""
    found = {}
    for part in ("options", "operands", "versions"):
        for name in dict.fromkeys([*a.get(part, {}), *b.get(part, {})]):
            old, new = a.get(part, {}).get(name), b.get(part, {}).get(name)
            if old != new:
                found[f"{part}, {name}".replace("_", " ")] = (old, new)
    return found
