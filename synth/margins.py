"""The margins of verdicts: how far a ratio scatters when a report is repeated, from runs of `scatter`.

A *run* is a report of designs with seeds and an effort of its own, cut down to the figures that are compared. Those of
the embedded technologies are kept with the program, as ``lmul scatter`` wrote them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from statistics import fmean

from ..golden.refusal import Refusal
from ..hdl.designs import parse
from .figures import Row
from .rivals import GATES, MEASURES, pairs

RULE = ("The margin of a ratio is twice the standard deviation of its logarithm. The deviation is that of repeated "
        "runs with other seeds of mapping and of operands; those at other efforts count with their distance from the "
        "mean of the runs at the report's. It is the pair's own or that of all pairs of its structure and technology, "
        "whichever is larger. A ratio within its margin of 1 is no clear difference.")
SIGMAS = 2

ALL = (*MEASURES, GATES)

#: Design, rival, technology and measure.
Key = tuple[str, str, str, str]


def logarithms(runs: Iterable[Row]) -> dict[Key, list[tuple[str, float]]]:
    """By design, rival, technology and measure the (effort, logarithm of the ratio) of every run."""
    found = {}
    for run in runs:
        rows = {(row["design"], row["technology"]): row for row in run["rows"] if not row.get("source")}
        designs = [parse(slug) for slug in dict.fromkeys(slug for slug, _ in rows)]
        for ours, rival in pairs(designs):
            for technology in dict.fromkeys(technology for _, technology in rows):
                row, other = rows.get((ours.slug, technology)), rows.get((rival.slug, technology))
                if not row or not other:
                    continue
                for each in ALL:
                    if ratio := each.ratio(row, other):
                        found.setdefault((ours.slug, rival.slug, technology, each.name), []).append(
                            (run["options"]["effort"], math.log(ratio)))
    return found


def deviation(logs: Sequence[float], middle: float) -> float | None:
    """Standard deviation about ``middle``, or None of a single run."""
    return math.sqrt(sum((each - middle) ** 2 for each in logs) / (len(logs) - 1)) if len(logs) > 1 else None


class Scatter:
    """The margins that runs give to ratios of a report made at an ``effort``."""

    def __init__(self, runs: Iterable[Row], effort: str | None) -> None:
        self.own = {}
        for key, found in logarithms(runs).items():
            at_effort = [value for each, value in found if each == effort]
            logs = [value for _, value in found]
            spread = deviation(logs, fmean(at_effort or logs))
            if spread is not None:
                self.own[key] = SIGMAS * spread
        self.pooled = {}
        for (ours, _, technology, name), margin in self.own.items():
            self.pooled.setdefault((parse(ours).structure, technology, name), []).append(margin)
        self.pooled = {key: math.sqrt(fmean(each * each for each in margins)) for key, margins in self.pooled.items()}

    def margin(self, ours: str, rival: str, technology: str, name: str) -> tuple[float, str] | None:
        """The margin of a ratio, in its logarithm, and whose it is in words; None if nothing is known at all.

        Parameters
        ----------
        ours, rival : str
            Slugs.
        technology : str
        name : str
            Of a measure.
        """
        structure = parse(ours).structure
        if (key := (structure, technology, name)) in self.pooled:
            margin = max(self.pooled[key], self.own.get((ours, rival, technology, name), 0))
            return margin, f"{structure} in {technology}"
        for wanted, words in (
                ({"structure": structure, "name": name}, f"the widest of {structure} known, none in {technology}"),
                ({"name": name}, f"the widest known, none of {structure}"),
                ({"structure": structure, "name": "area"}, f"the widest of areas of {structure}, none of {name}"),
                ({}, "the widest known of any figure")):
            if some := self._alike(**wanted):
                return max(some), words
        return None

    def _alike(self, **wanted):
        return [margin for (structure, _, name), margin in self.pooled.items()
                if wanted.items() <= {"structure": structure, "name": name}.items()]


def of_record(record: Row, scatter: Row) -> Row:
    """What a record keeps of the scatter: its source, the rule, and the margin of every ratio of its rows.

    Parameters
    ----------
    record : dict
        With ``rows`` and ``options``.
    scatter : dict
        A file of runs, as `read` gives it.
    """
    found = Scatter(scatter["runs"], record["options"]["effort"])
    margins = []
    for (ours, rival, technology, name) in logarithms([record]):
        margin = found.margin(ours, rival, technology, name)
        if margin:
            margins.append({"design": ours, "rival": rival, "technology": technology, "measure": name,
                            "margin": margin[0], "of": margin[1]})
    return {"source": scatter["source"], "rule": RULE, "runs": len(scatter["runs"]), "margins": margins}


def kept() -> Row:
    """The runs of the embedded technologies that are kept with the program."""
    path = files(str(__package__)) / "data" / "scatter.json"
    return json.loads(path.read_text(encoding="utf-8")) | {"source": "kept with lmul"}


def read(path: str | Path) -> Row:
    """A file of runs.

    Raises
    ------
    Refusal
        If it cannot be read or is none.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Refusal(f"Scatter must be readable, not {str(path)!r}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        found = None
    if found is None or not _is_scatter(found):
        raise Refusal(f"Scatter must be a file of runs that `lmul scatter` wrote, not {str(path)!r}")
    if not Scatter(found["runs"], None).pooled:
        raise Refusal(f"Scatter must have two runs or more of two rivals, and there are none in {str(path)!r}")
    return found | {"source": Path(path).name}


def _is_scatter(found):
    """Whether this has the form of a file of runs."""
    try:
        return all(isinstance(run["options"]["effort"], str) and isinstance(row["technology"], str)
                   and parse(row["design"]) and all(_is_figure(each.of(row)) for each in ALL)
                   and all(_is_figure(at["clock_ps"]) for at in row["at"].values())
                   for run in found["runs"] for row in run["rows"])
    except (TypeError, KeyError, AttributeError, ValueError):  # of what has another form
        return False


def _is_figure(value):
    return value is None or type(value) in (int, float) and 0 <= value < math.inf
