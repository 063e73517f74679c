"""Multipliers in 6-input look-up tables, beside those that others have built: what each special costs, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..golden.bare import Bare, steps
from ..golden.formats import FORMATS, FloatFormat
from ..golden.pool import Pool
from ..golden.refusal import Refusal
from ..hdl.yosys import yosys
from ..synth import lut6
from . import published
from .rows import Row

ARITHMETICS = {"L-Mul": False, "exact, by addition": True}
TABLES = ("theirs", "steps")


class Wanted(NamedTuple):
    """A row to be: in which table, of whose semantics, what it multiplies, and its `lut6.Subject` with arguments."""

    table: str
    fmt: str
    arithmetic: str
    who: str | None
    what: str
    source: tuple[Callable[..., lut6.Subject], Bare | str, bool]


def semantics(fmt: FloatFormat, rounded: bool) -> list[tuple[str, str, Bare, bool]]:
    """Multipliers that others have built, and exact ones with just their policies: who, what, the definition, and
    whether the registers' reset makes zero."""
    chen = Bare(fmt, rounded, spare=1, zero="fields")
    return [("Chen", "as published: zero operands give zero, a bit of exponent above the format's, no flags, wraps",
             chen, False),
            ("Chen", "the same; the product's registers are reset where it is zero", chen, True),
            ("UCSD", "`lmul_simple`: the sum, wrapping", Bare(fmt, rounded), False),
            ("UCSD", "`lmul_fast`: below 0, 0, above the largest code, that", Bare(fmt, rounded, floor=0,
             ceiling=fmt.field_mask), False)]


def wanted(formats: Iterable[str]) -> list[Wanted]:
    """All rows.

    Raises
    ------
    Refusal
        If a format is none that others have built.
    """
    found = []
    for name in formats:
        if name not in published.CHEN_FPGA:
            raise Refusal(f"Format must be one of {', '.join(published.CHEN_FPGA)}, not {name!r}")
        fmt = FORMATS[name]
        for arithmetic, rounded in ARITHMETICS.items():
            found += [Wanted("theirs", name, arithmetic, who, what, (lut6.bare, spec, cleared))
                      for who, what, spec, cleared in semantics(fmt, rounded)]
        for arithmetic, rounded in ARITHMETICS.items():
            found += [Wanted("steps", name, arithmetic, None, what, (lut6.bare, spec, False))
                      for what, spec in steps(fmt, rounded).items()]
            slug = f"mul_exact_{name}" if rounded else f"mul_lmul_{name}_sub"
            found.append(Wanted("steps", name, arithmetic, None, f"and subnormals are kept: `{slug}`",
                                (lut6.design, slug, False)))
    return found


def run(formats: Iterable[str] = (), command: str = "", progress: Callable | None = None,
        scripts: Iterable[str] = tuple(lut6.SCRIPTS)) -> Row:
    """The record of ``lmul multipliers --luts``.

    Parameters
    ----------
    formats : iterable of str
        Of `published.CHEN_FPGA`; by default all.
    command : str
        For the record.
    progress : callable or None
        Called with (rows done, rows, text).
    scripts : iterable of str
        Of `lut6.SCRIPTS`: those that are tried.

    Returns
    -------
    dict, fit for JSON
        ``theirs`` and ``steps``: rows with format, arithmetic, what is multiplied, and the counts of the netlist of
        tables ``alone`` and of the ``chained`` one (or None), with how each was found; of an L-Mul that others have
        built, what they state, or None.

    Raises
    ------
    Refusal
        If a format is none of those.
    """
    rows = wanted(list(dict.fromkeys(formats)) or list(published.CHEN_FPGA))
    sources = list(dict.fromkeys(row.source for row in rows))
    with Pool(progress) as pool:
        figures = dict(pool.run([(_measured, source, tuple(scripts)) for source in sources], "look-up tables"))
    record: Row = {"command": command, "yosys": yosys()[1], "chen": published.CHEN, "ucsd": published.UCSD,
                   **{table: [] for table in TABLES}}
    for row in rows:
        stated = published.CHEN_FPGA[row.fmt] if row.who == "Chen" and not ARITHMETICS[row.arithmetic] else None
        record[row.table].append({"format": row.fmt, "arithmetic": row.arithmetic, "who": row.who, "what": row.what,
                                  **figures[row.source], "stated": stated})
    return record


def _measured(source, scripts):
    """A source, and what its smallest netlists take: of tables alone, and with a chain."""
    make, spec, cleared = source
    found: dict[str, Row | None] = {"alone": None, "chained": None}
    for each in lut6.best(make(spec, cleared), scripts):
        found["chained" if each.chain else "alone"] = {
            key: getattr(each, key) for key in ("luts", "functions", "carry8", "flip_flops", "levels", "form", "script",
                                                "price")}
    return source, found


def fewest(row: Row) -> int:
    """LUTs of the smaller netlist of a row."""
    return min(each["luts"] for each in (row["alone"], row["chained"]) if each)
