"""Reports repeated with other seeds and efforts, to see how far their figures and ratios scatter.

Mapping is a search, and where it ends depends on the order in which it meets the logic; energy depends on the operands
that were drawn. `margins` says what follows for verdicts.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from ..golden.files import atomic_write
from . import measure
from .margins import ALL, deviation, logarithms, read
from .options import Options
from .store import Store
from .technologies import names

_FIGURES = ("design", "technology", *(each.key for each in ALL if not each.clock))
_AT = ("clock_ps", *dict.fromkeys(each.key for each in ALL if each.clock))


NONE = {"source": "none", "runs": []}  # what a run's own margins would be made of


def repeat(path: str | Path, slugs: Sequence[str], technologies: Sequence[str] | None,
           liberty: Sequence[str | Path] = (), *, options: Options, seeds: int, efforts: Sequence[str],
           command: str = "", store: Store | None = None,
           progress: Callable[..., object] | None = None) -> dict[str, Any]:
    """Repeat a report, as far as the file at ``path`` does not have its runs, and write each run to it as it comes.

    Parameters
    ----------
    path : path
    slugs, technologies, liberty
        As `measure.run_report` takes them.
    options : Options
        Of every run, but for effort and seeds; its ``seed`` is the first run's.
    seeds : int
        Runs at each effort: the first as a report is made, each of the others with its own seeds of mapping and of
        operands. Both sides of a ratio have the same.
    efforts : sequence of str
    command : str
    store : Store, optional
        As `measure.run_report` takes it.
    progress : callable, optional
        Called with (steps done, steps, text).

    Returns
    -------
    dict
        What the file holds: ``runs``, and the spread of ``figures`` and of ``ratios`` (see `spreads`).

    Raises
    ------
    Refusal
        If the file is there and is none of runs, or a design, technology or library is refused.
    """
    runs = list(read(path)["runs"]) if Path(path).exists() else []
    wanted = {(slug, name) for slug in slugs for name in names(technologies, liberty)}
    each = [replace(options, effort=effort, mapping_seed=n, seed=options.seed + n)
            for effort in efforts for n in range(seeds)]
    for n, one in enumerate(each, 1):
        if any(asdict(Options()) | run["options"] == asdict(one) and wanted <= _measured(run) for run in runs):
            continue
        record = measure.run_report(slugs, technologies, liberty, options=one, command=command, scatter=NONE,
                                    store=store,
                                    progress=progress and partial(_shown, progress, f"run {n} of {len(each)}"))
        runs.append(cut_down(record))
        _write(path, runs)
    return _file(runs)


def _measured(run):
    """Design and technology of all that a run has."""
    return {(row["design"], row["technology"]) for row in run["rows"]}


def _shown(progress, run, done, total, text=""):
    progress(done, total, f"{run}: {text}")


def cut_down(record: dict[str, Any]) -> dict[str, Any]:
    """What of a record tells of scatter: the figures that are compared, and what they were measured with."""
    rows = [{key: _short(row[key]) for key in _FIGURES}
            | {"at": {name: {key: _short(at[key]) for key in _AT} for name, at in row["at"].items()}}
            for row in record["rows"]]
    return {key: record[key] for key in ("command", "versions", "operands", "options", "libraries")} | {"rows": rows}


def _short(value):
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _file(runs):
    figures, ratios = spreads(runs)
    return {"runs": runs, "figures": figures, "ratios": ratios}


def _write(path, runs):
    """A line for each row of anything, so that a file's history can be read."""
    text = json.dumps(_file(runs), ensure_ascii=False, allow_nan=False)
    with atomic_write(path) as file:
        file.write(re.sub(r'(?<=[\[}])(, )?(?=\{"(design|command)")', r"\1\n", text) + "\n")


def spreads(runs: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The spread of every figure and every ratio, by effort: two lists of dicts. ``scatter`` is the standard deviation
    of the logarithm over the runs, ``mean`` the geometric mean."""
    figures, ratios = {}, {}
    for run in runs:
        effort = run["options"]["effort"]
        for row in run["rows"]:
            for each in ALL:
                if value := each.of(row):
                    key = row["design"], row["technology"], each.name, effort
                    figures.setdefault(key, []).append(math.log(value))
    for (ours, rival, technology, name), found in logarithms(runs).items():
        for effort, value in found:
            ratios.setdefault((ours, rival, technology, name, effort), []).append(value)
    return ([dict(zip(("design", "technology", "measure", "effort"), key, strict=True)) | _spread(logs)
             for key, logs in figures.items()],
            [dict(zip(("design", "rival", "technology", "measure", "effort"), key, strict=True)) | _spread(logs)
             for key, logs in ratios.items()])


def _spread(logs):
    return {"runs": len(logs), "mean": math.exp(fmean(logs)), "lowest": math.exp(min(logs)),
            "highest": math.exp(max(logs)), "scatter": deviation(logs, fmean(logs))}
