"""Reports as rows that a table takes: one dictionary of plain values for each design and technology."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lmul.golden.refusal import Refusal
from lmul.hdl.designs import catalogue
from lmul.synth import record
from lmul.synth.figures import FIGURES, Row
from lmul.synth.measure import run_report
from lmul.synth.options import Options
from lmul.synth.rivals import compared
from lmul.synth.store import user_store

from .first import first

__all__ = ["read_report", "report"]

_SHAPE = ("lanes", "window", "tree", "rows", "cols", "dataflow", "stages")


def report(slugs: str | Iterable[str] | None = None, technologies: Sequence[str] | None = None, *,
           liberty: Sequence[str | Path] = (), fpga: Sequence[str] = (), rivals: bool = False,
           cache: str | Path | None = None, progress: Callable[..., object] | None = None, **options: Any) -> list[Row]:
    """Measure designs: area, delay, energy and error, as ``lmul report`` does.

    Parameters
    ----------
    slugs : str or several, optional
        By default the designs of ``lmul report``.
    technologies : list of str, optional
        ``sky130hd``, ``asap7``, or to count LUTs a family of `lmul.synth.fpga.TARGETS`. By default the first two, or
        just the library of ``liberty``.
    liberty : list of path
        Files of one more library.
    fpga : list of str
        Families of `lmul.synth.fpga.TARGETS` to place and route in; those without a device in
        `lmul.synth.place.DEVICES` are counted alone.
    rivals : bool
        Measure beside each design what it is compared with, too.
    cache : path, optional
        Folder of what was measured before, by default that of ``lmul cache``; ``none``: measure all of it.
    progress : callable, optional
        Called with (steps done, steps, text).
    options
        Of `lmul.synth.options.Options`: ``operands``, ``vectors``, ``seed``, ``effort``, ``clock_ps``, ...

    Returns
    -------
    list of dict
        All with the same keys: `read_report`.

    Raises
    ------
    Refusal
        If a slug, technology or file is refused: one sentence.
    """
    given = [slugs] if isinstance(slugs, str) else None if slugs is None else list(slugs)
    if given == [] or rivals and given is None:
        raise Refusal("Designs to measure must be given as one slug or more")
    first()
    found = run_report(compared(given, catalogue()) if given and rivals else given, technologies, liberty, fpga,
                       options=Options(**options), store=user_store(cache and str(cache)), progress=progress)
    return rows(found)


def read_report(path: str | Path) -> list[Row]:
    """The rows of a ``report.json``: of each ``design`` and ``technology`` what the design is made of (``structure``,
    ``kind``, ``a``, ``b``, policies, ``accumulator``, shape), its figures, units in their keys, and its figures at the
    clocks that rivals share (``relaxed_energy_fj_per_op``, ``fast_area_um2``, ...); None where there is none.

    Raises
    ------
    Refusal
        If the file is no such record.
    """
    return rows(record.read(path))


def rows(found: Row) -> list[Row]:
    """The rows of a record, flat: `read_report` says what is in them."""
    flat = [_flat(row) for row in found["rows"]]
    keys = dict.fromkeys(key for row in flat for key in row)
    return [{key: row.get(key) for key in keys} for row in flat]


def _flat(row):
    spec = row["specification"]
    accumulator = spec.get("accumulator")
    flat = {"design": row["design"], "technology": row["technology"], "structure": spec["structure"],
            **spec["multiplier"], "accumulator": accumulator and accumulator["name"],
            **{name: spec.get(name) for name in _SHAPE}, **{key: row[key] for key in FIGURES}}
    for clock, at in row["at"].items():
        flat |= {f"{clock}_{key}": at[key] for key in ("clock_ps", *FIGURES) if key in at}
    return flat
