"""Every multiplier with what it computes and what it costs here, beside those that others have published."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..golden.families.exact import Exact
from ..golden.refusal import Refusal
from ..hdl.designs import Design, parse
from ..hdl.families.exact import ExactMultiplier, adds
from ..hdl.foreign import Foreign, read
from ..hdl.verilog import convert
from ..synth.measure import run_report
from ..synth.options import Options
from ..synth.store import Store
from . import published
from .figures import Figures
from .rows import Row
from .run import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

TECHNOLOGIES = ("sky130hd", "asap7", "xc7")

#: By format the multipliers that are compared, where floats have every arithmetic.
FORMATS = {**dict.fromkeys(("e4m3", "e5m2", "e3m4", "e2m3", "e3m2", "e2m1", "bf16", "fp16"),
                           ("exact_{}_flush", "exact_{}", "lmul_{}", "lmul_{}_sub", "mitchell_{}")),
           "l3f4": ("log_{}",), "l4f3": ("log_{}",), "int8": ("{}",), "int4": ("{}",)}
KEYS = ("area_um2", "delay_ps", "energy_fj_per_op", "luts")


def designs(formats: Iterable[str]) -> list[str]:
    """Slugs of the multipliers of formats: narrow products, and the wide ones that published units are nearest to.

    Raises
    ------
    Refusal
        If a format is none of `FORMATS`.
    """
    for name in formats:
        if name not in FORMATS:
            raise Refusal(f"Format must be one of {', '.join(FORMATS)}, not {name!r}")
    own = [f"mul_{name.format(fmt)}" for fmt in formats for name in FORMATS[fmt]]
    nearest = [slug for each in published.MULTIPLIERS for slug in each["nearest"]
               if parse(slug).multiplier.formats in formats]
    return list(dict.fromkeys([*own, *nearest]))


def computes(design: Design) -> dict[str, str]:
    """What a multiplier computes, in words: ``rounding``, ``subnormals``, ``specials`` and ``overflow``."""
    spec = design.multiplier
    if spec.wide.integer or spec.a.logarithmic:
        rounding = "none, exact"
    elif spec.rival is None:
        rounding = "to nearest even" if not design.unrounded else "none, exact"
    else:
        rounding = "none: an addition"
    fmt = spec.a
    special = [name for name, has in (("Inf", fmt.has_inf), ("NaN", fmt.has_nan)) if has]
    overflow = "fits" if spec.wide.integer or design.unrounded else "to the largest"
    return {"rounding": rounding, "specials": " and ".join(special) or "none", "overflow": overflow,
            "subnormals": {"flush": "count as zero", "exact": "kept"}[spec.subnormals] if fmt.floating else "none"}


def multiplied(slugs: Iterable[str], folder: str | Path) -> list[Foreign]:
    """Those exact multipliers that are an addition and a carry, as they would be with a multiplication and rounding;
    their Verilog is written to a folder."""
    known = {design.slug: design.multiplier for design in map(parse, slugs) if not design.unrounded}
    added = {slug: spec for slug, spec in known.items() if isinstance(spec, Exact) and adds(spec)}
    parts = {f"multiplied_{slug}": ExactMultiplier(spec, multiplied=True) for slug, spec in added.items()}
    found = []
    for slug, (top, text) in zip(added, convert(parts).items(), strict=True):
        path = Path(folder, f"{top}.v")
        path.write_text(text, encoding="utf-8")
        found.append(read(f"{path}:{top}={slug}"))
    return found


def run(formats: Sequence[str] = (), options: Options | None = None, command: str = "",
        progress: Callable | None = None, store: Store | None = None) -> Row:
    """The record of ``lmul multipliers``.

    Parameters
    ----------
    formats : sequence of str
        Those of `FORMATS`; by default all.
    options : Options or None
        How designs are measured; by default as a report does.
    command : str
        For the record.
    progress : callable or None
        Called with (steps done, steps, text).
    store : Store or None
        As `run_report` takes it.

    Returns
    -------
    dict, fit for JSON
        ``multipliers``: by design what it computes and its figures by technology, None where one is missing;
        ``architectures``: exact multipliers by addition and by multiplication; ``published``; ``hardware``: the record
        of the designs, without curves and paths.

    Raises
    ------
    Refusal
        If a format is none of `FORMATS`.
    """
    slugs = designs(list(dict.fromkeys(formats)) or FORMATS)
    with tempfile.TemporaryDirectory(prefix="lmul-") as folder:
        report = run_report(slugs, TECHNOLOGIES, foreign=multiplied(slugs, folder), options=options, command=command,
                            store=store, progress=progress)
    ours, other = ([row for row in report["rows"] if bool(row["source"]) == is_other] for is_other in (False, True))
    figures, others = Figures(report | {"rows": ours}), Figures(report | {"rows": other})
    return {"command": command, "multipliers": [_row(figures, slug) for slug in slugs],
            "architectures": [{"design": slug, "addition": _costs(figures, slug),
                               "multiplication": _costs(others, slug)} for slug in others.designs],
            "published": [each | {"nearest": list(each["nearest"])} for each in published.MULTIPLIERS],
            "hardware": short(report)}


def _row(figures, slug) -> dict[str, Any]:
    design = parse(slug)
    return {"design": slug, "format": design.multiplier.formats, **computes(design),
            "error": figures.any(slug, "mean_relative_error"), **_costs(figures, slug)}


def _costs(figures, name):
    """Gates, and by technology the figures that it has."""
    return {"gates": figures.any(name, "gates"),
            "costs": {technology: {key: figures.of(name, technology, key) for key in KEYS}
                      for technology in TECHNOLOGIES}}
