"""The cell library that netlists are mapped to, timed and weighed with.

A library is a set of Liberty files, or one of the embedded tables. Whatever it came from, the same rule (`offer`)
says which of its cells logic is mapped to. What is wrong with a file refuses it, what is wrong with a cell leaves
the cell out.
"""

import contextlib
import difflib
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

import numpy as np

from ..golden.refusal import Refusal
from . import boolean, liberty, table_file
from .areas import implausible
from .cells import Cell, Unfit, Units, cell, gates_clock, unusable

EMBEDDED = ("sky130hd", "asap7")
_DATA = Path(__file__).parent / "data"
_TRUTHS = {"nand2": (1, 1, 1, 0), "inverter": (1, 0), "buffer": (0, 1)}


@dataclass(eq=False)
class Library:
    """Cells in ps, fF, fJ, nW, um2 and V.

    Attributes
    ----------
    name : str
        The technology's name, or the Liberty libraries' own.
    source : str
        Where the figures come from: files with their digests, or the origin and licence of an embedded table.
    corner : dict
        ``process``, ``voltage`` (V), ``temperature`` (C).
    cells : dict of str to `Cell`
        Every cell that logic could use.
    gates : dict of str to `Cell`
        Integrated clock gates; netlists get the one that is `clock_gate`.
    offered : list of str
        The cells that logic is mapped to: `offer`. Mappers take those of one output; full adders are put in by hand.
    left_out : dict of str to str
        Cells of kinds that logic does not use, each with the reason.
    faults : dict of str to str
        Cells that logic could use but for what their description lacks or says, each with the place and the reason.
    thresholds : dict
        Where slews and delays are measured, percent of the swing, and ``slew_derate``.
    wire_loads : dict
        By name: fF of wire by fanout, as (fanouts, fF) arrays. None is used unless asked for.
    """

    name: str
    source: str
    corner: dict
    cells: dict
    offered: list
    left_out: dict = field(default_factory=dict)
    faults: dict = field(default_factory=dict)
    thresholds: dict = field(default_factory=dict)
    wire_loads: dict = field(default_factory=dict)
    licence: str = ""
    gates: dict = field(default_factory=dict)

    @property
    def voltage(self) -> float:
        return self.corner["voltage"]

    def cell(self, name: str) -> Cell:
        """The cell called ``name``; raises Refusal if there is none that netlists can have."""
        if name in self.gates:
            return self.gates[name]
        if name not in self.cells:
            reason = (self.left_out | self.faults).get(name, "the library has no such cell")
            raise Refusal(f"Cell must be one that {self.name} offers to logic, not {name!r}: {reason}")
        return self.cells[name]

    def has(self, name: str) -> bool:
        """Whether the technology has a cell of this name, of use to logic or not."""
        return any(name in some for some in (self.cells, self.gates, self.left_out, self.faults))

    @property
    def names(self) -> list[str]:
        """Names of all its cells, of use or not."""
        return [*self.cells, *self.gates, *self.left_out, *self.faults]

    @property
    def lacks(self) -> str | None:
        """What no energy can be told without and cells offered do not state, in a sentence; or None."""
        for what, has in _ENERGIES.items():
            if any(not has(self.cells[name]) for name in self.offered):
                return f"the library states no {what} of its cells"
        return None

    @property
    def no_register(self) -> str | None:
        """Why no design with registers can be mapped, in a sentence; or None when one can."""
        if self.flops:
            return None
        found = {f"{c.name} {_unsuited(c)}": 1 for c in self.cells.values() if c.flop}
        kinds = Counter(reason for reason in self.left_out.values() if reason in _STATEFUL)
        found |= {f"of {count} each is left out because {reason}": count for reason, count in kinds.items()}
        return ("a register must take one data pin at the rising edge of its clock; "
                + self._none_of("register", found))

    def _none_of(self, what, found):
        """That this library has none of a kind that is needed. ``found``: what there is instead, with how many."""
        found = found | dict.fromkeys(self.faults.values(), 1)
        told = "; ".join(list(found)[:SHOWN]) + f"; and {len(found) - SHOWN} more" * (len(found) > SHOWN)
        out = (f"{sum(found.values())} of its {len(self.names)} cells might be but cannot be used: {told}" if found
               else "the file that has them is probably missing")
        return f"{self.name} has no {what}; {out}; a library is all its files together, read was {self.source}"

    def smallest(self, kind: str) -> Cell | None:
        """The smallest cell that is a ``nand2``, ``inverter`` or ``buffer``, or None; of equals, the strongest."""
        return min(self._all(kind), key=_size, default=None)

    def _all(self, kind):
        return [c for c in self.cells.values() if _is(c, _TRUTHS[kind]) and not c.dont_use]

    @property
    def reference_nand2(self) -> Cell:
        """The smallest two-input NAND: its area is one gate equivalent."""
        return cast(Cell, self.smallest("nand2"))

    @property
    def driving_cell(self) -> Cell:
        """What drives the inputs of a design: a buffer for `output_load`."""
        return self.driver("buffer", self.output_load)

    def driver(self, kind: str, load: float) -> Cell:
        """The smallest ``inverter`` or ``buffer`` that takes at most half as long again as the fastest to drive a load
        in fF; delay cells and the like are slower."""
        cells = self._all(kind)
        delays = [_delays(c, np.array([load]))[0] for c in cells]
        return min((c for c, delay in zip(cells, delays, strict=True) if delay <= 1.5 * min(delays)), key=_size)

    def kind(self, name: str) -> str | None:
        """Whether a cell is an ``inverter`` or a ``buffer``; None of any other, and of none of the library's."""
        cell = self.cells.get(name)
        return next((kind for kind in ("inverter", "buffer") if cell and _is(cell, _TRUTHS[kind])), None)

    @property
    def output_load(self) -> float:
        """What an output of a design drives, in fF: four times the input of the smallest inverter."""
        inverter = min(self._all("inverter"), key=_size)
        return 4 * max(inverter.pins[inverter.inputs[0]].capacitance)

    @property
    def full_adder(self) -> "FullAdder | None":
        """The `FullAdder` offered, or None."""
        return next(filter(None, (adder(self.cells[name]) for name in self.offered)), None)

    @property
    def clock_gate(self) -> Cell | None:
        """The clock gate that netlists get, or None: the smallest; of equals, the lightest load of the clock."""
        return min((c for c in self.gates.values() if not c.dont_use), default=None,
                   key=lambda c: (c.area, max(c.pins[c.gate.clock].capacitance), c.name))

    @property
    def flops(self) -> list[str]:
        """Names of the offered registers."""
        return [name for name in self.offered if self.cells[name].flop]

    def write_liberty(self, path: str | os.PathLike, full: bool = False) -> None:
        """Write the offered cells as Liberty, for Yosys and ABC; ``full`` as `liberty_writer.write` has it."""
        from .liberty_writer import write

        write(self, path, full)


#: Reasons that a sentence names.
SHOWN = 3
_STATEFUL = {"it has several registers", *(f"it has a {kind} group" for kind in (
    "latch", "latch_bank", "statetable", "ff_bank", "test_cell"))}
_ENERGIES = {"leakage": lambda c: c.leakage or c.cell_leakage is not None, "internal energy": lambda c: c.powers}


def load(technology: str | None = None, liberty_paths: Sequence[str | os.PathLike] = (), dont_use: str = "") -> Library:
    """The library of an embedded ``technology``, or of the Liberty files ``liberty_paths`` taken together, or of the
    one ``.json`` that `characterise` made of such files. Cells that match a pattern of ``dont_use`` (`without`) are
    taken as if their library said so.

    Reading Liberty files is remembered in a cache folder of the user's, by the digest of their content.

    Raises
    ------
    Refusal
        If both or neither is named, the technology is unknown, or a file cannot be read, is not Liberty or lacks what a
        design needs: a two-input NAND, an inverter and a buffer.
    """
    if (technology is None) == (not liberty_paths):
        raise Refusal("A technology or Liberty files must be named, not both and not neither")
    if technology is not None:
        if technology not in EMBEDDED:
            raise Refusal(f"Technology must be one of {', '.join(EMBEDDED)}, not {technology!r}")
        return complete(without(table_file.read(_DATA / f"{technology}.json"), dont_use))
    if len(liberty_paths) == 1 and Path(liberty_paths[0]).suffix == ".json":
        return complete(without(table_file.read(liberty_paths[0]), dont_use))
    return complete(without(_cached([Path(path) for path in liberty_paths]), dont_use))


def without(library: Library, dont_use: str) -> Library:
    """The library as if those of its cells had ``dont_use`` whose name matches one of the patterns, which stand in one
    text, as a shell has them."""
    patterns = dont_use.split()
    hidden = {name for name in (*library.cells, *library.gates) if any(fnmatchcase(name, pattern)
                                                                       for pattern in patterns)}
    if not hidden:
        return library
    cells, gates = ({name: replace(c, dont_use=c.dont_use or name in hidden) for name, c in some.items()}
                    for some in (library.cells, library.gates))
    compact = library.offered == sorted(library.cells)  # a table holds what was chosen before
    offered = [name for name in library.offered if name not in hidden] if compact else offer(cells)
    return replace(library, cells=cells, offered=offered, gates=gates)


def check_patterns(dont_use: str, libraries: Iterable[Library]) -> None:
    """See that each pattern matches a cell of one of the libraries; raises Refusal with the nearest names."""
    names = sorted({name for library in libraries for name in library.names})
    for pattern in dont_use.split():
        if not any(fnmatchcase(name, pattern) for name in names):
            near = difflib.get_close_matches(pattern.strip("*"), names, 3, 0.4)
            near = near or difflib.get_close_matches(pattern, names, 3, 0)
            raise Refusal(f"Cells not to be used must be of the library, {pattern!r} matches none; "
                          + (f"the nearest are {', '.join(near)}" if near else "there is no cell library"))


def complete(library: Library) -> Library:
    """The library, seen to have what every design needs; raises Refusal as `load` does."""
    for kind, what in (("nand2", "a two-input NAND"), ("inverter", "an inverter"), ("buffer", "a buffer")):
        if library.smallest(kind) is None:
            found = {f"{c.name} has dont_use": 1 for c in library.cells.values() if _is(c, _TRUTHS[kind])}
            raise Refusal(f"A library must have {what}; {library._none_of(_NAMES[kind], found)}")
    if not library.voltage:
        raise Refusal(f"A library must state its voltage, {library.name} does not")
    areas = {c.area for c in library.cells.values()}
    if len(areas) == 1 and len(library.offered) > SHOWN:
        raise Refusal(f"Areas must be those of the cells' layouts, {library.name} has {areas.pop():g} for every cell")
    return library


_NAMES = {"nand2": "two-input NAND", "inverter": "inverter", "buffer": "buffer"}


def read(paths: Sequence[str | os.PathLike]) -> Library:
    """The `Library` of Liberty files, uncached and at full resolution, `complete` or not; raises Refusal as `load`
    does."""
    cells, gates, left_out, faults, files, heads = {}, {}, {}, {}, {}, []
    for path in paths:
        group = liberty.read(path)
        units = Units(group, str(path))
        heads.append((group, units))
        _agree(heads)
        for inner in group.all("cell"):
            if inner.name in files:
                raise Refusal(f"A cell must be described once, {inner.name} is in {files[inner.name]} and in {path}")
            files[inner.name] = path
            try:
                reason = None if gates_clock(inner, path) else unusable(inner, path)
                if reason:
                    left_out[inner.name] = reason
                else:
                    found = cell(inner, units)
                    (gates if found.gate else cells)[inner.name] = found
            except Unfit as fault:
                faults[inner.name] = f"{Path(path).name}{str(fault).removeprefix(str(path))}"
    for name, reason in (_unstated(cells | gates) | implausible(cells)).items():
        del (gates if name in gates else cells)[name]
        faults[name] = f"{Path(files[name]).name}: cell {name}: {reason}"
    group, units = heads[0]
    digests = [f"{Path(path).name} (sha256 {file_digest(path)[:12]})" for path in paths]
    name = os.path.commonprefix([head.name for head, _ in heads]).rstrip("_") or group.name
    return Library(name, ", ".join(digests), _corner(group, units), cells, offer(cells), left_out, faults,
                   _thresholds(group, units.file), _wire_loads(heads), gates=gates)


def _unstated(cells):
    """Cells without an energy that most others state, each with the reason; what most lack is the library's lack."""
    found = {}
    for what, has in _ENERGIES.items():
        lacking = [name for name, c in cells.items() if not has(c)]
        if 2 * len(lacking) < len(cells):
            found |= dict.fromkeys(lacking, f"{what} must be stated, as most cells of the library do")
    return found


def _agree(heads):
    """See that files are parts of one library: of one corner, measured alike. Each states its voltage."""
    known = {}
    for group, units in heads:
        corner = _corner(group, units)
        if not corner["voltage"]:
            raise Refusal(f"{units.file}: nom_voltage must be stated, above 0, not {corner['voltage']}")
        _at_nominal(group, units, corner)
        for name, value in (corner | _thresholds(group, units.file)).items():
            before, file = known.setdefault(name, (value, units.file))
            if value is not None and before is not None and value != before:
                raise Refusal(f"Files of a library must be of one corner: {name} is {before:g} in {file} and {value:g} "
                              f"in {units.file}")


def _at_nominal(group, units, corner):
    """See that cells need no scaling to their operating conditions: those at which they were characterised."""
    scaled = any(name.startswith("k_") and _nonzero(value) for name, value in group.attributes.items())
    for name, value in corner.items():
        nominal = group.get(f"nom_{name}")
        if nominal is None or value is None or not (name == "voltage" or scaled or group.all("scaled_cell")):
            continue
        nominal = liberty.number(nominal, units.file, f"nom_{name}") * (units.volt if name == "voltage" else 1)
        if nominal != value:
            raise Refusal(f"{units.file}: default_operating_conditions must be those of its cells: {name} is {value:g} "
                          f"there, nom_{name} is {nominal:g}, and figures are not scaled")


def _nonzero(value):
    with contextlib.suppress(Refusal):
        return liberty.number(value, "", "") != 0
    return False


def offer(cells: dict[str, Cell]) -> list[str]:
    """The names of the cells that logic is mapped to, sorted.

    Of the cells with one output and no ``dont_use``, those of one function (up to a permutation of the inputs) are
    sorted by area; one that is no smaller than another and no faster at any of four loads is dropped, and the
    smallest few (`STRENGTHS`) remain. Of full adders, the smallest. Of the registers, one: the smallest that takes its
    data pin at the rising edge, without set or reset where there is such a one, with one output where there is such a
    one.
    """
    by_function = {}
    for c in cells.values():
        if c.flop is None and not c.dont_use and len(c.outputs) == 1 and len(c.inputs) < len(STRENGTHS):
            by_function.setdefault(_function_key(c), []).append(c)
    names = []
    for key, group in by_function.items():
        names += [c.name for c in _pareto(group)[:STRENGTHS[key[0]]]]
    adders = sorted((c for c in cells.values() if adder(c) and not c.dont_use), key=_size)
    return sorted(names + [c.name for c in adders[:1]] + _registers(cells))


#: Drive strengths offered of one function, by its number of inputs; functions of more inputs are not offered. Mappers
#: do no better with all the cells of a library (docs/liberty.md has the figures).
STRENGTHS = (0, 6, 3, 2)


@dataclass(frozen=True)
class FullAdder:
    """The cell that is one, its output pins, and whether these are inverted."""

    cell: Cell
    sum: str
    carry: str
    sum_inverted: bool
    carry_inverted: bool

    @property
    def inverts(self) -> bool:
        """Whether both are."""
        return self.sum_inverted and self.carry_inverted


def adder(c: Cell) -> FullAdder | None:
    """The `FullAdder` that a cell is, or None."""
    if c.flop or len(c.inputs) != 3 or len(c.outputs) != 2:
        return None
    ones = np.array([state.bit_count() for state in range(8)])
    found = {}
    for name in c.outputs:
        for what, truth in (("sum", ones & 1), ("carry", ones >> 1)):
            if np.all(c.truth(name) == truth) or np.all(c.truth(name) != truth):
                found |= {what: name, f"{what}_inverted": bool(c.truth(name)[0])}
    return FullAdder(c, **found) if len(found) == 4 else None


def _function_key(c):
    return len(c.inputs), boolean.in_any_order(c.truth(c.outputs[0]), len(c.inputs))


def _is(c, truth):
    return (c.flop is None and len(c.outputs) == 1 and len(truth) == 1 << len(c.inputs)
            and tuple(c.truth(c.outputs[0]).astype(int)) == truth)


def _size(c):
    """Order by area; transistors twice as wide in the same area make the better cell, and the heavier load."""
    return c.area, -sum(c.pins[name].capacitance[0] for name in c.inputs), c.name


def _pareto(group):
    """By area, without cells that another one beats."""
    kept = []
    unit = min(min(c.pins[name].capacitance[0] for name in c.inputs) for c in group)
    loads = np.array([1, 4, 16, 64]) * max(unit, 1e-3)
    for c in sorted(group, key=_size):
        delays = _delays(c, loads)
        if not any(np.all(other <= delays * 1.02) for _, other in kept):
            kept.append((c, delays))
    return [c for c, _ in kept]


def _delays(c, loads):
    """The worst delay of a cell at each load, with its fastest tabulated slew at the input."""
    worst = np.zeros(len(loads))
    for arc in c.arcs:
        for table in arc.delay:
            if table is not None:
                worst = np.maximum(worst, table(table.x[0], loads))
    return worst


def _registers(cells):
    flops = [c for c in cells.values() if c.flop and not _unsuited(c)]
    plain = [c for c in flops if c.flop.clear is None and c.flop.preset is None and len(c.inputs) == 2]
    best = min(plain or flops, key=lambda c: (len(c.outputs), c.area, c.name), default=None)
    return [best.name] if best else []


def _unsuited(c):
    """Why a register is not one that designs are mapped to, or None."""
    if c.dont_use:
        return "has dont_use"
    if c.flop.edge != "rising":
        return f"takes its data at the {c.flop.edge} edge"
    if c.flop.data not in c.inputs or c.flop.data == c.flop.clock:
        return f"takes {c.flop.data!r}, not one data pin"
    return None


def _corner(group, units):
    conditions = {inner.name: inner for inner in group.all("operating_conditions")}
    chosen = conditions.get(group.get("default_operating_conditions"), group)
    def figure(short, factor=1.0):
        value = chosen.get(short) or group.get(f"nom_{short}")
        return None if value is None else liberty.number(value, units.file, short) * factor

    return {"process": figure("process"), "voltage": figure("voltage", units.volt),
            "temperature": figure("temperature")}


def _thresholds(group, file):
    names = {f"{kind}_{edge}": default for kind, default in
             (("input_threshold_pct", 50), ("output_threshold_pct", 50), ("slew_lower_threshold_pct", 20),
              ("slew_upper_threshold_pct", 80)) for edge in ("rise", "fall")}
    names["slew_derate_from_library"] = 1
    return {name: liberty.number(group.get(name, default), file, name) for name, default in names.items()}


def _wire_loads(heads):
    """The wire loads of all files by name; raises Refusal where two files have one name for different ones."""
    loads, files = {}, {}
    for group, units in heads:
        for wire in group.all("wire_load"):
            load = _wire_load(wire, units, f"{units.file}: {wire}")
            if load is None:
                continue
            before = loads.setdefault(wire.name, load)
            if before["fanout"] != load["fanout"] or not all(np.allclose(before[key], load[key], 1e-9, 0)
                                                             for key in ("ff", "slope_ff")):
                raise Refusal(f"A wire load must be the same in all files of a library, {wire.name!r} is another in "
                              f"{files[wire.name]} than in {units.file}")
            files.setdefault(wire.name, units.file)
    return loads


def _wire_load(wire, units, where):
    """fF by fanout of a ``wire_load`` group, or None where no point is stated."""
    points = sorted([liberty.number(value, where, name) for value in values[:2]] for name, values in wire.repeated
                    if name == "fanout_length" and len(values) >= 2)
    farads = liberty.number(wire.get("capacitance", 0), where, "capacitance") * units.capacitance
    slope = liberty.number(wire.get("slope", 0), where, "slope")
    if not points:
        return None
    return {"fanout": [n for n, _ in points], "ff": [length * farads for _, length in points],
            "slope_ff": slope * farads}


def file_digest(path: str | os.PathLike) -> str:
    """The SHA-256 of a Liberty file; raises Refusal if it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise Refusal(f"Liberty file must be readable, not {str(path)!r}: {error.strerror}") from None


def _cached(paths):
    """`read`, or what it gave before for the same content under the same names."""
    key = hashlib.sha256()
    for name in ("liberty.py", "boolean.py", "cells.py", "areas.py", "library.py", "table_file.py"):
        key.update(Path(__file__).with_name(name).read_bytes())  # what another version made is not taken for ours
    for path in paths:
        key.update(f"{path.name} {file_digest(path)} ".encode())
    file = _cache_folder() / f"{key.hexdigest()[:32]}.json"
    with contextlib.suppress(OSError, ValueError):  # absent or damaged: read the files and write it anew
        return table_file.read(file)
    library = read(paths)
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
        table_file.write(library, file)
    return library


def _cache_folder():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lmul" / "liberty"


__all__ = ["EMBEDDED", "Cell", "Library", "load", "offer", "read"]
