"""The record of `lmul claims`: every part that was asked for, and the claims judged from it."""

from collections.abc import Callable, Iterable, Sequence

from ..golden.pool import Pool
from ..golden.refusal import Refusal
from ..synth.defaults import default_designs
from ..synth.measure import run_report
from ..synth.options import Options
from ..synth.record import current
from ..synth.rivals import with_rivals
from ..synth.store import Store
from . import attention, corrections, energy, error, gates, language, others, published, tiles
from .figures import Figures
from .rows import Row, selected
from .verdict import RULE, VERDICTS

PARTS = ("error", "gates", "energy", "tiles", "attention", "language", "corrections", "others")
#: Parts that run a network, and only if told to.
NETWORKS = ("attention", "language")
TECHNOLOGIES = ("sky130hd", "asap7")


def run(wanted: Iterable[str] | None = None, report: Row | None = None, models: bool = False, full: bool = False,
        command: str = "", progress: Callable | None = None, dont_use: str = "", store: Store | None = None) -> Row:
    """Judge the claims.

    Parameters
    ----------
    wanted : sequence of str or None
        Parts (`PARTS`), or names of rows, or beginnings of names; None is all parts.
    report : dict or None
        A record of `lmul report` to take figures of designs from; None measures them, as a report does.
    models : bool
        Run the networks; they need the extra `models`.
    full : bool
        Measure what takes long as well.
    command : str
        For the record.
    progress : callable or None
        Called with (steps done, steps, text).
    dont_use : str
        Patterns of cells that nothing measured is mapped to: `synth.library.without`.
    store : Store or None
        As `run_report` takes it.

    Returns
    -------
    dict, fit for JSON
        ``command``, ``source``, ``rule``, ``parts``, ``claims`` (see `verdict`), a key for each part, ``hardware``: the
        record of designs that the figures were taken from, without curves and paths, or None.

    Raises
    ------
    Refusal
        If there is no such part or row, ``report`` is not a record or comes with ``dont_use``, or the extra `models` is
        needed and missing.
    """
    wanted = tuple(dict.fromkeys(wanted or PARTS))
    parts = [part for part in PARTS if any(name.split("/")[0] == part for name in wanted)]
    for name in wanted:
        if name.split("/")[0] not in PARTS:
            raise Refusal(f"Part must be one of {', '.join(PARTS)}, or a row of one, not {name!r}")
    if report is not None:
        report = current(report)
        if dont_use:
            raise Refusal("Cells not to be used must be named to `lmul report`, which measures, not beside its record")
    # Whatever is refused is refused before anything is measured.
    found = judged(parts, wanted, Figures(report))
    _insist([name for name in wanted if not (models and name.split("/")[0] in NETWORKS)], found)
    ran = {}
    if models and "attention" in parts:
        ran["attention"] = attention.part(wanted, progress, store)
    if models and "language" in parts:
        with Pool(progress) as pool:
            ran["language"] = language.part(wanted, pool, store)
    found = judged(parts, wanted, Figures(report), ran)
    report = report or measure(needed(found, wanted, full), progress, dont_use, store)
    found = judged(parts, wanted, Figures(report), ran)
    _insist(wanted, found)
    return {"command": command, "source": published.LMUL, "rule": RULE, **found, "hardware": report and short(report)}


def _insist(names, found):
    for name in names:
        if not any(selected(row["row"], [name]) for row in all_rows(found)):
            part = name.split("/")[0]
            option = attention.OPTION if part in NETWORKS else ""
            raise Refusal(f"Row must be named as in the record of `lmul claims --only {part}{option}`, not {name!r}")


def judged(parts: Sequence[str], wanted: Sequence[str], figures: Figures, ran: dict[str, Row] | None = None) -> Row:
    """``parts``, their tables, and the claims of the record, as far as they are wanted. ``ran`` has the parts of
    `NETWORKS` that were run."""
    ran = dict.fromkeys(NETWORKS, attention.ABSENT) | (ran or {})
    found, claims = {}, []
    if "error" in parts:
        found["error"], claims = error.part(), error.claims()
    if "gates" in parts:
        found["gates"] = {"pencil": gates.count(), "measured": gates.measured(figures)}
        claims += gates.claims(figures)
    if "energy" in parts:
        found["energy"] = energy.part(figures)
        claims += energy.claims(figures)
    if "tiles" in parts:
        found["tiles"] = tiles.part(figures)
    if "attention" in parts:
        found["attention"] = dict(ran["attention"])
        claims += attention.claims(ran["attention"])
    if "language" in parts:
        found["language"] = language.with_energies(ran["language"], figures)
        claims += language.claims(ran["language"])
    if "corrections" in parts:
        found["corrections"] = corrections.part(figures)
    if "others" in parts:
        found["others"] = others.part(figures)
    for part in found.values():
        part |= {name: _kept(rows, wanted) for name, rows in part.items() if _is_table(rows)}
    for name, table, words in (("energy", "savings", energy.sentence), ("tiles", "savings", tiles.sentence),
                               ("language", "rows", language.sentence)):
        if found.get(name, {}).get(table):
            found[name]["finding"] = words(found[name][table])
    return {"parts": list(parts), "claims": _kept(claims, wanted), **found}


def _is_table(value):
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _kept(rows, wanted):
    return [row for row in rows if selected(row["row"], wanted)]


def all_rows(record: Row) -> list[Row]:
    """Every row of a record, claims among them."""
    tables = (table for part in record["parts"] for table in record[part].values() if _is_table(table))
    return [*record["claims"], *(row for table in tables for row in table)]


def needed(skeleton: Row, wanted: Sequence[str], full: bool) -> dict[str, list[str]]:
    """The designs whose figures rows and checks lack, in batches that are measured together: pairs of rivals and their
    like, designs for their gates alone, tiles that a language model was computed with, and designs on an FPGA.

    Parameters
    ----------
    skeleton : dict
        What is `judged` without any figures.
    wanted : sequence of str
    full : bool
        With what takes long; rows that are ``slow`` are otherwise left out, unless asked for by more than their part.
    """
    rows = all_rows(skeleton)
    rows += [check | {"row": claim["row"]} for claim in skeleton["claims"] for check in claim["checks"]]
    narrower = [name for name in wanted if name not in PARTS]
    slow = set() if full else {design for row in rows if row.get("slow") and not selected(row["row"], narrower)
                               for design in row["designs"]}
    batches = {"rivals": {}, "gates": {}, "language": {}, others.FPGA: {}}
    for row in rows:
        part = row["row"].split("/")[0]
        batch = (others.FPGA if row.get("technology") == others.FPGA else
                 "gates" if part == "corrections" else "language" if part == "language" else "rivals")
        batches[batch] |= dict.fromkeys(design for design in row.get("designs", ()) if design not in slow)
    batches["gates"] = {design: None for design in batches["gates"] if design not in batches["rivals"]}
    return {name: list(designs) for name, designs in batches.items()}


def measure(batches: dict[str, list[str]], progress: Callable | None = None, dont_use: str = "",
            store: Store | None = None) -> Row | None:
    """A record of the designs that were found `needed`, as a report has them: with its options, and beside all rivals
    that it would measure them with. None if there are none."""
    record = None
    for name, designs in batches.items():
        if designs:
            technologies = {others.FPGA: [others.FPGA], "language": [language.TECHNOLOGY]}.get(name, TECHNOLOGIES)
            designs = with_rivals(designs, default_designs()) if name == "rivals" else designs
            options = Options(dont_use="" if name == others.FPGA else dont_use,
                              clock_ps=language.CLOCK if name == "language" else None)
            found = run_report(designs, technologies, options=options, store=store, progress=progress)
            if record is None:
                record = found
            else:
                record["rows"] += found["rows"]
                record["scatter"]["margins"] += found["scatter"]["margins"]
    return record


def short(report: Row) -> Row:
    """The record of designs, still a record, without what the claims do not need."""
    return report | {"rows": [row | {"curve": [], "at": {}, "path": None} for row in report["rows"]]}


def counts(record: Row) -> dict[str, int]:
    """How many claims have each verdict."""
    return {verdict: sum(each["verdict"] == verdict for each in record["claims"]) for verdict in VERDICTS}
