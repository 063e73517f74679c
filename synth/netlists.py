"""A design, libraries and an effort to netlists: the first of the two steps of measuring.

What comes out depends on the Verilog, the library and how mapping searches; a tile's leaves are chosen together, by
what a column burns, so on its operands too. Neither a clock nor what else is measured has a part in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import mapping
from .activity import simulate
from .drive import Mismatch, drive
from .energy import estimate
from .mixing import evenly, front
from .netlist import Netlist
from .proof import prove, references
from .store import Store, digest
from .timing import Constraints, Timing, analyse
from .verilog_kept import Written, written

if TYPE_CHECKING:
    from ..golden.operands import Operands
    from ..hdl.designs import Design
    from .library import Library
    from .options import Options

POINTS = 4  # of the trade-off between area and delay, for each row
#: Of the vectors of a report, the part by which leaves of tiles are weighed beside each other.
WEIGHED = 4


@dataclass(frozen=True, eq=False)
class Mapped:
    """A netlist of a design in a library.

    Attributes
    ----------
    script : str
        The try that made it.
    text : str
        As Yosys' JSON has it.
    netlist, timing : Netlist, Timing
    proof : dict or None
        ``state`` and ``means`` of the proof that it computes what its Verilog does; None where that was not asked for.
    """

    script: str
    text: str
    netlist: Netlist
    timing: Timing
    proof: dict | None = None


@dataclass(frozen=True)
class Netlists:
    """Those of one design in one library.

    Attributes
    ----------
    points : list of Mapped
        From the slowest to the fastest: of a combinational design, of those that no other beats in both area and delay,
        `POINTS`; of a registered one, whose candidates are chosen already, all.
    ungated : list of Mapped
        The same without clock gates, where ``points`` have them.
    generic : dict
        Figures of the design that belong to no library: `mapping.Mapped`.
    """

    points: list[Mapped]
    ungated: list[Mapped]
    generic: dict[str, int]


def netlists(design: Design, verilog: Written, libraries: dict[Any, Library], tables: dict[Any, Library],
             options: Options, source: Operands, about: dict[Any, str], store: Store,
             folder: Path) -> dict[Any, Netlists]:
    """Netlists of a design, proved, by library key; kept in a store.

    Parameters
    ----------
    design : Design
    verilog : Written
    libraries, tables : dict of key to Library
        Each library, and what the mapper is given of it.
    options : Options
    source : Operands
    about : dict of key to str
        Digests of all that the netlists of a library depend on.
    store : Store
    folder : path
        For files on the way.

    Raises
    ------
    Mismatch
        If a netlist does not compute what the Verilog does.
    """
    found, missing = {}, {}
    for key, lib in libraries.items():
        kept = _kept(store, about[key], lib, options)
        if kept:
            found[key] = kept
        else:
            missing[key] = tables[key]
    if missing:
        gated = [key for key, table in missing.items() if not not_gated(design, table, options)]
        path = folder / f"{design.slug}.v"
        path.write_text(verilog.text, encoding="utf-8")
        mapped = mapping.map_design(design, path, missing, options.effort, folder, options.mapping_seed, gated,
                                    _column(design, folder, source, options, store))
        for key in missing:
            with_gates = key in mapped.gated
            points = _points(design, mapped.gated[key] if with_gates else mapped.netlists[key], libraries[key], options)
            plain = _points(design, mapped.netlists[key], libraries[key], options) if with_gates else []
            found[key] = Netlists(points, plain, mapped.generic)
            _keep(store, about[key], found[key])
    if not design.combinational and not options.prove:
        return found
    return _proved(design, verilog, found, store, about)


def not_gated(design: Design, lib: Library, options: Options) -> str | None:
    """Why the registers of a design keep their enables in a library, or None where they get clock gates."""
    if design.combinational:
        return "the design has no registers"
    if options.gating == "off" or options.gating == "auto" and not design.declared.gated:
        return "registers keep their enables, clock gating was not asked for"
    if lib.clock_gate is None:
        return "registers keep their enables, the library has no integrated clock gate that netlists can have"
    return None


def timed(source: Any, lib: Library, options: Options) -> tuple[Netlist, Timing]:
    """A netlist in Yosys' JSON, and its timing."""
    netlist = Netlist.read(source, lib)
    return netlist, analyse(netlist, lib, Constraints.default(lib, options.wire_load))


def _points(design, candidates, lib, options):
    points = []
    for candidate in candidates:
        text = candidate.source.read_text(encoding="utf-8")
        points.append(Mapped(candidate.script, text, *timed(json.loads(text), lib, options)))

    def order(point):
        return point.netlist.area_um2, point.timing.delay_ps, point.script

    if design.combinational:
        return evenly(front(points, key=order), POINTS)
    return sorted(points, key=lambda point: (-point.timing.delay_ps, *order(point)))


def _column(design, folder, source, options, store):
    """The tile of one column in which a tile's leaves are weighed; None of any other design."""
    if not design.declared.tiled:
        return None
    one = replace(design, cols=1)
    text, path = written(one, store), folder / f"{one.slug}.v"
    path.write_text(text.text, encoding="utf-8")
    driven = drive(one, text.latency, source, options.vectors // WEIGHED, options.seed)

    def weigh(netlist, library):
        found, timing = timed(netlist, library, options)
        activity = simulate(found, timing, driven.inputs, options.mode, timing.delay_ps, driven.warmup)
        return estimate(found, timing, activity).energy_fj_per_op, timing.delay_ps

    return mapping.Column(one, path, weigh)


def _keep(store, key, found):
    """Keep netlists, each once, and what they are."""
    def kept(points):
        for point in points:
            store.put("netlist", digest(point.text), point.text.encode())
        return [(point.script, digest(point.text)) for point in points]

    about = {"points": kept(found.points), "ungated": kept(found.ungated), "generic": found.generic}
    store.put("netlists", key, json.dumps(about).encode())


def _kept(store, key, lib, options):
    """What `_keep` kept, or None where any of it is no longer there."""
    about = store.data("netlists", key)
    texts = about and {name: store.get("netlist", name) for which in ("points", "ungated") for _, name in about[which]}
    if not texts or None in texts.values():
        return None
    points, ungated = ([Mapped(script, texts[name].decode(), *timed(json.loads(texts[name]), lib, options))
                        for script, name in about[which]] for which in ("points", "ungated"))
    return Netlists(points, ungated, about["generic"])


def _proved(design, verilog, found, store, about):
    """The same with what their proofs say; those of netlists that were proved before are kept."""
    @cache
    def reference():
        return references({design.slug: verilog.text}, not design.combinational)[design.slug]

    def with_proofs(points, its):
        keys = [digest(its, point.text) for point in points]
        known = [store.data("proof", key) for key in keys]
        missing = [n for n, proof in enumerate(known) if proof is None]
        verdicts = prove(reference(), [points[n].netlist for n in missing]) if missing else []
        for n, verdict in zip(missing, verdicts, strict=True):
            _refuse(design, points[n], verdict)
            known[n] = {"state": verdict.state, "means": verdict.means}
            if verdict.state == "proved":  # what a solver had no time for may be proved another time
                store.put("proof", keys[n], json.dumps(known[n]).encode())
        return [replace(point, proof=proof) for point, proof in zip(points, known, strict=True)]

    return {key: replace(some, points=with_proofs(some.points, about[key]),
                         ungated=with_proofs(some.ungated, about[key])) for key, some in found.items()}


def _refuse(design, point, verdict):
    if verdict.counterexample:
        at = ", ".join(f"{name} = {code:#x}" for name, code in verdict.counterexample.items())
        raise Mismatch(f"Netlist of {design.slug} in {point.netlist.library.name} ({point.script}) must compute what "
                       f"the Verilog does, and does not at {at}")
