"""Designs and technologies to a record: what is known is taken from a store, the rest is measured, in processes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..golden.operands import operands
from ..golden.pool import Pool as _Pool
from ..golden.refusal import Refusal
from ..hdl.designs import parse
from ..hdl.foreign import Foreign
from ..hdl.yosys import origin, yosys
from . import foreign as theirs
from . import library, margins, opensta, place, rivals, shared_clocks, verilog_kept
from .defaults import default_designs, fpga_designs
from .options import GATING, Options
from .record import LIMITS, SCHEMA, check, missing, new_row, versions
from .store import Store
from .technologies import about, chosen, fits, loaded
from .unit import Unit
from .verilog_kept import Written

if TYPE_CHECKING:
    from ..golden.operands import Operands
    from ..hdl.designs import Design
    from .figures import Row
    from .library import Library


def run_report(slugs: Sequence[str] | None = None, technologies: Sequence[str] | None = None,
               liberty: Sequence[str | Path] = (), families: Sequence[str] = (), *, foreign: Sequence[Foreign] = (),
               options: Options | None = None, command: str = "", keep: str | Path | None = None,
               scatter: dict[str, Any] | None = None, store: Store | None = None,
               progress: Callable[..., object] | None = None) -> dict[str, Any]:
    """Measure designs in technologies.

    Parameters
    ----------
    slugs : list of str, optional
        `default_designs` by default; of ``families``, `fpga_designs`.
    technologies : list of str, optional
        Embedded libraries, and FPGA targets to count in; by default the embedded libraries, or just the ``liberty`` or
        ``families`` given.
    liberty : list of path
        Files of one more library.
    families : list of str
        FPGA targets to place and route in as well: `place`.
    foreign : list of Foreign
        Somebody else's Verilog, measured beside the designs in whose place it stands and their rivals.
    options : Options
    command : str
        The command line, for the record.
    keep : path, optional
        Folder for what a sign-off tool needs to check the rows: `handover`.
    scatter : dict, optional
        Runs that the margins of ratios follow from, by default those `margins.kept` with the program.
    store : Store, optional
        Has what was measured before, and keeps what is measured now; by default nothing outlives the call.
    progress : callable, optional
        Called with (steps done, steps, text).

    Returns
    -------
    dict
        The record; see `record`.

    Raises
    ------
    Refusal
        If a slug, technology, Liberty or operands file is refused.
    Mismatch
        If a netlist does not compute what golden says.
    """
    options = options or Options()
    if options.gating not in GATING:
        raise Refusal(f"Clock gating must be one of {', '.join(GATING)}, not {options.gating!r}")
    place.check(families)
    slugs = slugs or () if foreign else slugs or (fpga_designs() if families else default_designs())
    designs = [parse(slug) for slug in dict.fromkeys([*slugs, *_beside(foreign)])] + list(dict.fromkeys(foreign))
    names, targets = chosen(technologies, liberty, families)
    libraries = {key: loaded(key, options.dont_use) for key in names}
    library.check_patterns(options.dont_use, libraries.values())
    mappable = _mappable(designs, libraries)
    source = operands(options.operands, options.seed, options.pairing, [design.multiplier for design in designs])
    with tempfile.TemporaryDirectory(prefix="lmul-", ignore_cleanup_errors=True) as folder, _Pool(progress) as pool:
        store = store or Store(Path(folder) / "store")
        rows = _measure(designs, mappable, libraries, targets, families, source, options, Path(folder), keep, store,
                        pool)
        store.trim()
    return record_of(rows, libraries.values(), source, options, command, families, keep, scatter)


def record_of(rows: list[Row], libraries: Iterable[Library], source: Operands, options: Options, command: str,
              families: Sequence[str] = (), keep: object = None, scatter: dict[str, Any] | None = None) -> Row:
    """A record of rows, checked; parameters as `run_report` has them."""
    _, yosys_version = yosys()
    record = {
        "schema": SCHEMA,
        "command": command,
        "versions": versions(f"{yosys_version} ({origin()})") | place.versions(families) | opensta.versions(keep),
        "operands": {"source": source.provenance, "sha256": source.sha256, "seed": options.seed,
                     "vectors": options.vectors, "glitches": options.mode == "timed"},
        "options": asdict(options),
        "libraries": [about(each) for each in libraries],
        "limits": list(LIMITS),
        "rows": rows,
    }
    record["scatter"] = margins.of_record(record, scatter or margins.kept())
    check(record)
    return record


def _beside(foreign):
    """Slugs of the designs in whose place somebody else's stand, and of their rivals."""
    designs = [each.ours for each in foreign]
    exact = [replace(design, multiplier=design.multiplier.rival).slug for design in designs
             if design.multiplier.rival]
    slugs = [design.slug for design in designs]
    return rivals.with_rivals(slugs, [*exact, *default_designs()]) if slugs else []


def _mappable(designs, libraries):
    """By slug the keys of libraries that a design can be mapped to; each library must have what one of them needs."""
    found = {design.slug: [key for key, lib in libraries.items() if fits(design, lib)]
             for design in designs}
    for key, lib in libraries.items():
        if not any(key in keys for keys in found.values()):
            raise Refusal(f"Designs with registers need one; {lib.no_register}")
    return found


def _measure(designs, mappable, libraries, targets, families, source, options, folder, keep, store, pool):
    """All rows, in the order of the designs, each with its technologies."""
    foreign = [each for each in designs if each.source]
    examined = dict(pool.run([(_examine, each, source, options) for each in foreign], "their Verilog", _name))
    written = _written(designs, examined, folder, store, pool)
    counted = place.measure(designs, targets, families, options.fpga_seeds, written, folder, None if keep else store,
                            pool)
    if keep:
        place.hand_over(designs, families, folder, keep)
    units = {each.slug: Unit(each, written[each.slug], source, options, examined.get(each.slug)) for each in designs}
    measured = _figures(units.values(), mappable, store, pool)
    rows, kept = {}, []
    for key, lib in libraries.items():
        found = {each.slug: measured[each.slug, key] for each in designs if key in mappable[each.slug]}
        rows |= {(row["design"], key): row for row in rows_in(lib, designs, found, options.clock_ps)}
        if keep:
            kept += [(_handed_over, units[slug], key, found[slug],
                      {name: at["clock_ps"] for name, at in rows[slug, key]["at"].items()}, Path(keep) / lib.name,
                      store) for slug in found]
    for slug, key, signed in pool.run(kept, "hand-over", _name):
        for name, about_it in signed.items():
            rows[slug, key]["at"][name] |= about_it
    rows |= {(each.slug, target): counted_row(each, target, counted[each.slug, target])
             for target in targets for each in designs}
    for (slug, _), row in rows.items():
        with_errors(row, measured[slug, None])
    for each in foreign:
        for key in (*libraries, *targets):
            rows[each.slug, key] |= theirs.about(each, examined[each.slug])
    return [rows[design.slug, key] for key in (*libraries, *targets) for design in designs]


def rows_in(lib: Library, designs: Sequence[Design], measured: Mapping[str, Any], clock_ps: float | None) -> list[Row]:
    """Rows of designs in a library, at the clocks that rivals among them share; ``measured`` as `Unit.measure` gives
    it, by slug, of those that can be mapped to it."""
    clocks = shared_clocks.clocks(designs, measured, clock_ps)
    return [shared_clocks.row(each, lib, measured[each.slug], clocks[each.slug]) if each.slug in measured
            else shared_clocks.not_mapped(each, lib) for each in designs]


def counted_row(design: Design, target: str, counted: Row) -> Row:
    """The row of a design on an FPGA family, as `place.measure` counts it."""
    return new_row(design, target) | counted


def with_errors(row: Row, errors: Row) -> None:
    """Add to a row what belongs to no technology, and say of what it still lacks that it is not of its kind."""
    row |= errors | {"reasons": row["reasons"] | errors["reasons"]}
    missing(row, "not a figure of this kind of technology")


def _written(designs, examined, folder, store, pool):
    """By slug the Verilog of each design."""
    found = {}
    for each in designs:
        if each.source:
            theirs.write(each, examined[each.slug], folder)
            found[each.slug] = Written.read(folder, each.slug)
        else:
            found[each.slug] = verilog_kept.kept(each, store)
    jobs = [(_write, each, store) for each in designs if found[each.slug] is None]
    return found | dict(pool.run(jobs, "Verilog", _name))


def _figures(units, mappable, store, pool):
    """By (slug, key of library) what was measured, and by (slug, None) what belongs to no library."""
    found, jobs = {}, []
    for unit in sorted(units, key=lambda unit: weight(unit.design), reverse=True):  # the longest work begins first
        slug = unit.slug
        keys = [*mappable[slug], None]
        known = unit.kept(keys, store)
        found |= {(slug, key): figures for key, figures in known.items()}
        if missed := [key for key in keys if key not in known]:
            jobs.append((_measured, unit, missed, store))
    for slug, some in pool.run(jobs, "netlists and energy", _name):
        found |= {(slug, key): figures for key, figures in some.items()}
    return found


def _name(design, *_):
    return design.slug


def weight(design: Design) -> int:
    """Roughly what mapping costs, so that the longest work begins first."""
    spec = design.multiplier
    times = 4 if spec.multiplication and not spec.wide.integer else 1
    return spec.a.width * spec.b.width * times * (1 if design.combinational else 7 + design.multipliers)


def _write(design, store):
    return design.slug, verilog_kept.written(design, store)


def _measured(unit, keys, store):
    return unit.slug, unit.measure(keys, store)


def _handed_over(unit, key, figures, periods, folder, store):
    return unit.slug, key, unit.hand_over(key, figures, periods, folder, store)


def _examine(foreign, source, options):
    """What somebody else's Verilog does."""
    return foreign.slug, theirs.examine(foreign, source, options.vectors, options.seed)


