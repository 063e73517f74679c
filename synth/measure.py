"""Designs and technologies to rows: Verilog, netlists, a clock that rivals share, activity, energy."""

import pickle
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..golden.operands import operands
from ..golden.pool import Pool as _Pool
from ..golden.refusal import Refusal
from ..hdl.designs import parse
from ..hdl.foreign import Foreign
from ..hdl.verilog import generate_many
from ..hdl.yosys import origin, yosys
from . import foreign as theirs
from . import fpga, library, mapping, margins, opensta, place, rivals
from .accuracy import accuracy
from .activity import simulate
from .characterise import compact
from .drive import Mismatch, drivable, drive
from .energy import CELL_KINDS, by_role, estimate
from .gating import LEAST
from .handover import hand_over
from .mixing import evenly, front
from .netlist import Netlist
from .proof import prove, references
from .record import LIMITS, SCHEMA, check, missing, new_row, versions
from .roles import Roles
from .timing import Constraints, analyse

VECTORS = 2000
POINTS = 4  # of the trade-off between area and delay, for each row
SUMS = (("mac_{}_fp32", "e4m3"), ("dot_{}_fixed_16", "e4m3"))
MORE_SUMS = (("mac_{}_carrysave", "e4m3"), ("mac_{}_fp32", "bf16"), ("mac_{}_fp32", "bf16xe4m3"),
             ("array_{}_carrysave_4x4_os", "e4m3"), ("array_{}_carrysave_8x8_os", "e4m3"),
             ("array_{}_carrysave_8x8_ws", "e4m3"), ("array_{}_fp32_8x8_os", "e4m3"))
INTEGER_SUMS = ["mac_int8_int32", "dot_int8_int32_16"]  # rivals of `SUMS`
MORE_INTEGER_SUMS = ["array_int8_int32_4x4_os", "array_int8_int32_8x8_os", "array_int8_int32_8x8_ws"]
FORMATS = ("e4m3", "e5m2", "bf16", "fp16", "bf16xe4m3")
TILES = ["tile_log_l3f4_16x4_w10", "tile_lmul_e4m3_best_16x4_w10", "tile_exact_e4m3_flush_16x4_w10", "tile_int8_16x4"]
MORE_TILES = ["tile_log_l3f4_16x16_w10", "tile_lmul_e4m3_best_16x16_w10", "tile_exact_e4m3_flush_16x16_w10",
              "tile_int8_16x16", "tile_lmul_e4m3_16x16_w10", "tile_exact_e4m3_16x16_w10", "tile_log_l3f5_t7_16x16_w10",
              "tile_lmul_bf16xe4m3_16x16_w12", "tile_exact_bf16xe4m3_flush_16x16_w12", "tile_lmul_bf16_16x16_w12",
              "tile_exact_bf16_flush_16x16_w12"]


def default_designs(full: bool = False) -> list[str]:
    """Slugs of a default report: tiles of L-Mul, log codes, exact floats and int8; narrow multipliers at the formats
    that matter; and e4m3 in a sum of its own and in a dot product, beside int8 in each, in the first also exact
    products rounded to as many bits as L-Mul adds. ``full`` adds these in the others, tiles of other formats and larger
    ones, multipliers of fp16 and of e5m2 with subnormals, Mitchell's at the other formats, which no verdict rests on,
    wide products, other sums and arrays."""
    slugs = [*TILES, *(MORE_TILES if full else []), "mul_int8"]
    for formats in (each for each in FORMATS if full or each != "fp16"):
        kinds = (f"lmul_{formats}", *([f"mitchell_{formats}"] if full or formats == FORMATS[0] else []),
                 f"exact_{formats}_flush")
        slugs += [f"mul_{kind}" for kind in kinds]
        kept = ("e4m3", "e5m2") if full else ("e4m3",)
        slugs += [f"mul_lmul_{formats}_sub", f"mul_exact_{formats}"] if formats in kept else []
    structures = SUMS + ((*(("prod_{}", formats) for formats in FORMATS), *MORE_SUMS) if full else ())
    for structure, formats in structures:
        slugs += [structure.format(kind) for kind in (f"lmul_{formats}", f"exact_{formats}_flush")]
    slugs += [structure.format("exact_e4m3_flush_r4") for structure, _ in SUMS[: None if full else 1]]
    return slugs + INTEGER_SUMS + (MORE_INTEGER_SUMS if full else [])


def fpga_designs() -> list[str]:
    """Slugs of a report on FPGAs: small tiles, multipliers, sums and a small array, as `lmul report --fpga` places
    them."""
    slugs = [f"tile_{words}_p2" for words in ("log_l3f4_8x4_w10", "lmul_e4m3_best_8x4_w10", "exact_e4m3_flush_8x4_w10",
                                              "int8_8x4")]
    for kind, policy in (("lmul", ""), ("exact", "_flush")):
        e4m3, bf16 = f"{kind}_e4m3{policy}", f"{kind}_bf16{policy}"
        slugs += [f"mul_{e4m3}", f"mul_{bf16}", f"mac_{e4m3}_fp32", f"mac_{e4m3}_carrysave",
                  f"array_{e4m3}_carrysave_4x4_os"]
    return slugs


GATING = ("auto", "on", "off")


@dataclass(frozen=True)
class Options:
    """How a report is made.

    Parameters
    ----------
    operands : str
        ``recording``, ``uniform``, ``gaussian`` or files: `golden.operands.load`.
    pairing : str or None
        Of operands from files: ``elements`` or ``matmul``; None, where the shapes leave no choice.
    seed, vectors : int
        Of the operand pairs that drive each netlist.
    effort : str
        ``low``, ``default`` or ``high``: how long mapping searches.
    mapping_seed : int
        In which order mapping meets the logic: `mapping.map_design`.
    clock_ps : float or None
        A period to compare at, instead of the two that rivals share.
    wire_load : str or None
        Name of a library's wire load model.
    mode : str
        ``timed`` (glitches in) or ``zero`` (without).
    prove : bool
        Whether the netlists of registered designs are proved as well, by matching their registers; those of
        combinational ones always are.
    fpga_seeds : int
        Placements of each design on each FPGA family that is placed.
    dont_use : str
        Patterns of cells that no design is mapped to: `library.without`.
    gating : str
        One of `GATING`: registers with an enable get their clock through clock gates (`gating`), or keep their
        enables; ``auto``: as the design's structure says.
    """

    operands: str = "recording"
    seed: int = 1
    vectors: int = VECTORS
    effort: str = "default"
    mapping_seed: int = 0
    clock_ps: float | None = None
    wire_load: str | None = None
    mode: str = "timed"
    prove: bool = False
    fpga_seeds: int = place.SEEDS
    pairing: str | None = None
    dont_use: str = ""
    gating: str = "auto"


def run_report(slugs: Sequence[str] | None = None, technologies: Sequence[str] | None = None,
               liberty: Sequence[str | Path] = (), families: Sequence[str] = (), *, foreign: Sequence[Foreign] = (),
               options: Options | None = None, command: str = "",
               keep: str | Path | None = None, scatter: dict[str, Any] | None = None,
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
    names, targets = _technologies(technologies, liberty, families)
    libraries = {key: _library(key, options.dont_use) for key in names}
    library.check_patterns(options.dont_use, libraries.values())
    mappable = _mappable(designs, libraries)
    source = operands(options.operands, options.seed, options.pairing, [design.multiplier for design in designs])
    _, yosys_version = yosys()
    with tempfile.TemporaryDirectory(prefix="lmul-", ignore_cleanup_errors=True) as folder, _Pool(progress) as pool:
        rows = _measure(designs, mappable, libraries, targets, families, source, options, Path(folder), keep, pool)
    record = {
        "schema": SCHEMA,
        "command": command,
        "versions": versions(f"{yosys_version} ({origin()})") | place.versions(families) | opensta.versions(keep),
        "operands": {"source": source.provenance, "sha256": source.sha256, "seed": options.seed,
                     "vectors": options.vectors, "glitches": options.mode == "timed"},
        "options": asdict(options),
        "libraries": [_about(each) for each in libraries.values()],
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


def names(technologies: Sequence[str] | None, liberty: Sequence[str | Path]) -> list[str]:
    """Names of the libraries and FPGA targets that `run_report` would measure in."""
    keys, targets = _technologies(technologies, liberty, ())
    return [*(_library(key, "").name for key in keys), *targets]


def _technologies(technologies, liberty, families):
    """Keys of libraries (a technology's name, or a tuple of paths) and FPGA targets."""
    known = (*library.EMBEDDED, *fpga.TARGETS)
    for name in technologies or ():
        if name not in known:
            raise Refusal(f"Technology must be one of {', '.join(known)}, not {name!r}; others come by --liberty")
    chosen = technologies if technologies else () if liberty or families else library.EMBEDDED
    names = [name for name in chosen if name in library.EMBEDDED]
    targets = dict.fromkeys([*(name for name in chosen if name in fpga.TARGETS), *families])
    return names + ([tuple(map(str, liberty))] if liberty else []), list(targets)


@lru_cache
def _library(key, dont_use):
    return library.load(key, dont_use=dont_use) if isinstance(key, str) else library.load(None, key, dont_use)


@lru_cache
def _mapped_to(key, dont_use):
    """What a library looks like to the mapper: its compact table, so that either gives the same netlists."""
    lib = _library(key, dont_use)
    return lib if lib.licence else compact(lib)  # only tables state a licence


def _mappable(designs, libraries):
    """By slug the keys of libraries that a design can be mapped to; each library must have what one of them needs."""
    found = {design.slug: [key for key, lib in libraries.items() if design.combinational or not lib.no_register]
             for design in designs}
    for key, lib in libraries.items():
        if not any(key in keys for keys in found.values()):
            raise Refusal(f"Designs with registers need one; {lib.no_register}")
    return found


def _about(lib):
    return {"name": lib.name, "source": lib.source, "licence": lib.licence, "corner": lib.corner,
            "reference_nand2": lib.reference_nand2.name, "nand2_um2": lib.reference_nand2.area,
            "driving_cell": lib.driving_cell.name, "output_load_ff": lib.output_load,
            "cells": len(lib.names), "left_out": dict(Counter(lib.left_out.values())), "faults": lib.faults,
            "dont_use": sorted(c.name for c in lib.cells.values() if c.dont_use)}


def _measure(designs, mappable, libraries, targets, families, source, options, folder, keep, pool):
    """All rows, in the order of the designs, each with its technologies."""
    foreign = [design for design in designs if design.source]
    examined = dict(pool.run([(_examine, each, source, options) for each in foreign], "their Verilog", _name))
    for each in foreign:
        theirs.write(each, examined[each.slug], folder)
    halves = [designs[n::2] for n in range(2) if designs[n::2]]
    written, circuits = {}, {}
    jobs = [(_write, half, folder, options.prove) for half in halves]
    for some, others in pool.run(jobs, "Verilog", lambda half, *_: f"{len(half)} designs"):
        written |= some
        circuits |= others
    longest_first = sorted(designs, key=_weight, reverse=True)
    counted = place.measure(designs, targets, families, options.fpga_seeds, folder, pool)
    if keep:
        place.hand_over(designs, families, folder, keep)
    jobs = [(_map, design, mappable[design.slug], options, folder, circuits.get(design.slug), source)
            for design in longest_first if mappable[design.slug]]
    found = dict(pool.run(jobs, "netlists", _name))
    clocks = _clocks(designs, mappable, found, options)
    jobs = [(_row, design, key, found[design.slug], rivals.periods(rivals.groups(design, designs), clocks[key]),
             written[design.slug], source, options, keep, examined.get(design.slug))
            for design in longest_first for key in mappable[design.slug]]
    rows = dict(pool.run(jobs, "energy", _name))
    rows |= {(design.slug, target): new_row(design, target) | counted[design.slug, target]
             for target in targets for design in designs}
    rows |= {(design.slug, key): _not_mapped(design, lib) for key, lib in libraries.items() for design in designs
             if key not in mappable[design.slug]}
    right = dict(pool.run([(_accuracy, design, source, options) for design in longest_first if not design.source],
                          "errors", _name))
    right |= {each.slug: examined[each.slug].errors for each in foreign}
    for (slug, _), row in rows.items():
        row |= right[slug] | {"reasons": row["reasons"] | right[slug]["reasons"]}
        missing(row, "not a figure of this kind of technology")
    for each in foreign:
        for key in (*libraries, *targets):
            rows[each.slug, key] |= theirs.about(each, examined[each.slug])
    return [rows[design.slug, key] for key in (*libraries, *targets) for design in designs]


def _name(design, *_):
    return design.slug


def _weight(design):
    """Roughly what mapping costs, so that the longest work begins first."""
    spec = design.multiplier
    times = 4 if spec.multiplication and not spec.wide.integer else 1
    parts = (design.lanes or 1) * (design.rows or 1) * (design.cols or 1)
    return spec.a.width * spec.b.width * times * (1 if design.combinational else 7 + parts)


def _write(designs, folder, prove_all):
    """Writes designs' Verilog; gives their latency and roles, and of those whose netlists are to be proved the circuit.
    """
    generate_many([design for design in designs if not design.source], folder)
    circuits = {}
    for registered in (False, True) if prove_all else (False,):
        texts = {design.slug: (folder / f"{design.slug}.v").read_text(encoding="utf-8") for design in designs
                 if design.combinational != registered}
        circuits |= references(texts, registered) if texts else {}
    return {design.slug: (mapping.latency(folder, design), Roles.read(folder, design.slug)) for design in designs}, \
        circuits


def _examine(foreign, source, options):
    """What somebody else's Verilog does."""
    return foreign.slug, theirs.examine(foreign, source, options.vectors, options.seed)


def _map(design, keys, options, folder, reference, source):
    """Netlists of a design: its generic figures, and by library the points of its trade-off."""
    libraries = {key: _mapped_to(key, options.dont_use) for key in keys}
    gated = [key for key in keys if not _not_gated(design, libraries[key], options)]
    mapped = mapping.map_design(design, folder / f"{design.slug}.v", libraries, options.effort, folder,
                                options.mapping_seed, gated, _column(design, folder, source, options))
    plain = {key: mapped.netlists[key] for key in mapped.gated}
    points, plain = ({key: _points(design, some, _library(key, options.dont_use), options)
                      for key, some in each.items()} for each in (mapped.netlists | mapped.gated, plain))
    if reference:
        _prove(design, reference, [point for some in (*points.values(), *plain.values()) for point in some])
    return design.slug, {"points": points, "ungated": plain, "generic": mapped.generic}


def _column(design, folder, source, options):
    """The tile of one column in which a tile's leaves are weighed; None of any other design."""
    if not design.declared.tiled:
        return None
    one = replace(design, cols=1)
    generate_many([one], folder)
    driven = drive(one, mapping.latency(folder, one), source, options.vectors, options.seed)

    def weigh(netlist, library):
        found = Netlist.read(netlist, library)
        timing = analyse(found, library, Constraints.default(library, options.wire_load))
        activity = simulate(found, timing, driven.inputs, options.mode, timing.delay_ps, driven.warmup)
        return estimate(found, timing, activity).energy_fj_per_op, timing.delay_ps

    return mapping.Column(one, folder / f"{one.slug}.v", weigh)


def _not_gated(design, lib, options):
    """Why the registers of a design keep their enables in a library, or None where they get clock gates."""
    if design.combinational:
        return "the design has no registers"
    if options.gating == "off" or options.gating == "auto" and not design.declared.gated:
        return "registers keep their enables, clock gating was not asked for"
    if lib.clock_gate is None:
        return "registers keep their enables, the library has no integrated clock gate that netlists can have"
    return None


def _prove(design, reference, points):
    """Prove that a design's netlists compute what its Verilog does, and note by which means."""
    netlists = [pickle.loads(point["kept"].read_bytes())[0] for point in points]
    verdicts = prove(reference, netlists)
    for point, netlist, verdict in zip(points, netlists, verdicts, strict=True):
        if verdict.counterexample:
            at = ", ".join(f"{name} = {code:#x}" for name, code in verdict.counterexample.items())
            raise Mismatch(f"Netlist of {design.slug} in {netlist.library.name} ({point['script']}) must compute what "
                           f"the Verilog does, and does not at {at}")
        point["proof"] = {"state": verdict.state, "means": verdict.means}


def _points(design, candidates, lib, options):
    """Netlists to measure, from the slowest to the fastest: of candidates that no other beats in both area and delay,
    `POINTS`; of a registered design, whose candidates are chosen already, all."""
    points = []
    for candidate in candidates:
        netlist, timing = _timed(candidate.source, lib, options)
        points.append({"area_um2": netlist.area_um2, "delay_ps": timing.delay_ps, "script": candidate.script,
                       "kept": candidate.source.with_suffix(".pickle"), "timed": (netlist, timing)})
    if design.combinational:
        found = front(points, key=lambda point: (point["area_um2"], point["delay_ps"], point["script"]))
        points = evenly(found, POINTS)
    else:
        points.sort(key=lambda point: (-point["delay_ps"], point["area_um2"], point["script"]))
    for point in points:
        point["kept"].write_bytes(pickle.dumps(point.pop("timed")))  # ten times as quick to read as the JSON
    return points


def _timed(source, lib, options):
    """A netlist and its timing."""
    netlist = Netlist.read(source, lib)
    return netlist, analyse(netlist, lib, Constraints.default(lib, options.wire_load))


def _clocks(designs, mappable, found, options):
    """By library and group the periods to compare at: ``fast``, which every rival's fastest netlist reaches, then
    ``relaxed``, which their smallest reach too; those without clock gates as well, where there are both."""
    clocks = {}
    for design in designs:
        for key in mappable[design.slug]:
            both = [found[design.slug][which].get(key) for which in ("points", "ungated")]
            for group in rivals.groups(design, designs):
                at = clocks.setdefault(key, {}).setdefault(group, {"fast": 0.0, "relaxed": 0.0})
                for points in filter(None, both):
                    for name, point in (("fast", points[-1]), ("relaxed", points[0])):
                        at[name] = max(at[name], options.clock_ps or point["delay_ps"])
    return clocks


def _row(design, key, mapped, clocks, written, source, options, keep=None, examined=None):
    """The row of one design in one library; ``written`` is its latency and its roles; ``examined`` what somebody else's
    own Verilog gives."""
    (latency, roles), lib, points = written, _library(key, options.dont_use), mapped["points"][key]
    row = new_row(design, lib.name) | mapped["generic"]
    row["fmax_mhz"] = 1e6 / points[-1]["delay_ps"]
    why = drivable(design)
    driven = None if why else (theirs.driven(design, examined, source, options.vectors, options.seed) if examined else
                               drive(design, latency, source, options.vectors, options.seed))
    measured, costs = _weighed(design, points, key, driven, clocks["relaxed"], options, roles)
    ungated = _weighed(design, mapped["ungated"].get(key, ()), key, driven, clocks["relaxed"], options, roles)
    for each in measured:
        row["curve"].append({key: each.figures(max(clocks["relaxed"], each.timing.delay_ps))[key]
                             for key in ("area_um2", "delay_ps", "clock_ps", "energy_fj_per_op", "script", "proof")})
    for name, period in clocks.items():
        fit, plain = _fitting(measured, costs, period), _fitting(*ungated, period)
        if fit:
            row["at"][name] = fit.figures(period) | (plain.as_ungated(period) if plain else {})
            if name == "relaxed":
                row["path"] = [asdict(stage) for stage in fit.timing.path]
            if keep:
                row["at"][name] |= _kept(Path(keep) / lib.name / design.slug / name, fit, period, key)
    row |= {name: figure for name, figure in row["at"].get("relaxed", {}).items() if name in row}
    if not row["at"]:
        missing(row, f"no netlist reaches the clock asked for; the fastest takes {measured[-1].timing.delay_ps:.6g} ps",
                "area_um2", "area_ge", "delay_ps", "energy_fj_per_op", "leakage_nw", "flip_flops", "clock_ps",
                *_GATED)
    if key not in mapped["ungated"]:
        missing(row, _not_gated(design, lib, options) or f"no enable of the design has {LEAST} registers or more",
                *_GATED)
    if why:
        missing(row, why, "energy_fj_per_op", "ground_fj_per_op", "input_nets_fj_per_op", "clock_net_fj_per_op",
                *_UNGATED[1:])
    elif lib.lacks:
        missing(row, lib.lacks, "energy_fj_per_op", "ground_fj_per_op", "leakage_nw", "energy_fj_ungated")
    missing(row, "no netlist without clock gates reaches the clock", *_UNGATED)
    return (design.slug, key), row


def _weighed(design, points, key, driven, period, options, roles):
    """Netlists measured, and by what each costs they are chosen."""
    measured = judged = [_Measured(design, point, pickle.loads(point["kept"].read_bytes()), driven, period, options,
                                   roles) for point in points]
    table = _mapped_to(key, options.dont_use)
    if table is not _library(key, options.dont_use):  # chosen as by its table, so that both give the same netlist
        judged = [_Measured(design, point, _timed(point["kept"].with_suffix(".json"), table, options), driven, period,
                            options, roles) for point in points]
    return measured, [each.cost(period) for each in judged]


def _fitting(measured, costs, period):
    """The cheapest netlist that reaches a period, or None."""
    fits = [n for n, each in enumerate(measured) if each.timing.delay_ps <= period]
    return measured[min(fits, key=costs.__getitem__)] if fits else None


def _not_mapped(design, lib):
    """The row of a design with registers in a library that has none for it."""
    row = new_row(design, lib.name)
    missing(row, lib.no_register, *(key for key in _MAPPED if row[key] is None))
    return row


_UNGATED = ("area_um2_ungated", "energy_fj_ungated", "clock_net_fj_ungated")
_GATED = ("clock_gates", "gated_flip_flops", *_UNGATED)
_MAPPED = ("area_um2", "area_ge", "gates", "transistors", "flip_flops", "delay_ps", "clock_ps", "fmax_mhz",
           "energy_fj_per_op", "ground_fj_per_op", "input_nets_fj_per_op", "clock_net_fj_per_op", "leakage_nw",
           *_GATED)


def _accuracy(design, source, options):
    """Entries of a design's rows that belong to no technology."""
    return design.slug, accuracy(design, source, options.vectors, options.seed)


def _kept(folder, fit, period, key):
    """Leave what a sign-off tool needs, and say what OpenSTA makes of it, where there is one."""
    fit.lib.write_liberty(folder.parent.parent / "cells.lib", full=True)
    hand_over(folder, fit.timing, fit.activity, period)
    tool = opensta.opensta()
    files = () if isinstance(key, str) or Path(key[0]).suffix == ".json" else key
    return {"signoff": opensta.sign_off(folder, tool[0], files)} if tool else {}


class _Measured:
    """One netlist, simulated once, weighed at any period."""

    def __init__(self, design, point, timed, driven, period, options, roles):
        self.known, self.roles = {}, roles
        self.point, self.driven = point, driven
        self.netlist, self.timing = timed
        self.lib = self.netlist.library
        self.activity = None
        if driven:
            self.activity = simulate(self.netlist, self.timing, driven.inputs, options.mode,
                                     max(period, self.timing.delay_ps), driven.warmup)
            try:
                driven.check(self.activity.outputs)
            except Mismatch as error:
                raise Mismatch(f"Netlist of {design.slug} in {self.lib.name} ({point['script']}): {error}") from None

    def figures(self, period):
        """Figures of a row at a clock period."""
        if period not in self.known:
            self.known[period] = self._figures(period)
        return self.known[period]

    def cost(self, period):
        """Area times energy, by which a netlist is chosen for a clock: the very smallest often burns much more than the
        next, which nobody would take for it."""
        figures = self.figures(period)
        return figures["area_um2"] * (figures["energy_fj_per_op"] or 1)

    def as_ungated(self, period):
        """Figures at a clock period that stand beside those of the netlist with clock gates."""
        figures = self.figures(period)
        return {"area_um2_ungated": figures["area_um2"], "energy_fj_ungated": figures["energy_fj_per_op"],
                "clock_net_fj_ungated": figures.get("clock_net_fj_per_op")}

    def _figures(self, period):
        figures = {
            "clock_ps": period, "area_um2": self.netlist.area_um2,
            "area_ge": self.netlist.area_um2 / self.lib.reference_nand2.area, "delay_ps": self.timing.delay_ps,
            "flip_flops": self.netlist.flip_flops, "script": self.point["script"], "proof": self.point.get("proof"),
            "area_um2_by_role": self._area, "energy_fj_per_op": None,
        }
        if self.netlist.clock_gates:
            figures |= {"clock_gates": self.netlist.clock_gates, "gated_flip_flops": self.netlist.gated_flip_flops}
        if self.activity is None:
            return figures
        energy = estimate(self.netlist, self.timing, self.activity, period, self.driven.ops / self.activity.cycles)
        if not self.lib.lacks:
            figures |= {
                "energy_fj_per_op": energy.energy_fj_per_op, "leakage_nw": energy.leakage_nw,
                "ground_fj_per_op": energy.ground_fj_per_op, "energy_fj_by_role": energy.by_role(self._roles),
                "energy_fj_by_kind": {kind: energy.by_kind[kind] for kind in CELL_KINDS},
                "energy_fj_signoff": energy.signoff,
            }
        return figures | {
            "input_nets_fj_per_op": energy.by_kind["input_nets"], "clock_net_fj_per_op": energy.by_kind["clock_net"],
            "activity": {"mode": self.activity.mode, "vectors": self.activity.cycles, "nets": self.activity.nets,
                         "nets_that_switched": self.activity.covered},
        }

    @cached_property
    def _roles(self):
        return self.roles.of(self.netlist)

    @cached_property
    def _area(self):
        """µm² by role."""
        return by_role(self._roles, np.array([cell.area for cell in self.netlist.cells])[self.netlist.kind])
