"""The cell library that netlists are mapped to, timed and weighed with.

A library is a set of Liberty files, or one of the embedded tables. Whatever it came from, the same rule (`offered`)
says which of its cells logic is mapped to.
"""

import contextlib
import hashlib
import os
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

import numpy as np

from ..golden.refusal import Refusal
from . import liberty, table_file
from .cells import Cell, Units, cell, unusable

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
    offered : list of str
        The cells that logic is mapped to: `offer`. Mappers take those of one output; full adders are put in by hand.
    left_out : dict of str to str
        The other cells, each with the reason.
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
    thresholds: dict = field(default_factory=dict)
    wire_loads: dict = field(default_factory=dict)
    licence: str = ""

    @property
    def voltage(self):
        return self.corner["voltage"]

    def cell(self, name):
        """The cell called ``name``; raises Refusal if there is none that logic can use."""
        if name not in self.cells:
            reason = self.left_out.get(name, "the library has no such cell")
            raise Refusal(f"Cell must be one that {self.name} offers to logic, not {name!r}: {reason}")
        return self.cells[name]

    def has(self, name):
        """Whether the technology has a cell of this name, of use to logic or not."""
        return name in self.cells or name in self.left_out

    def smallest(self, kind):
        """The smallest cell that is a ``nand2``, ``inverter`` or ``buffer``, or None; of equals, the strongest."""
        return min(self._all(kind), key=_size, default=None)

    def _all(self, kind):
        return [c for c in self.cells.values() if _is(c, _TRUTHS[kind]) and not c.dont_use]

    @property
    def reference_nand2(self):
        """The smallest two-input NAND: its area is one gate equivalent."""
        return self.smallest("nand2")

    @property
    def driving_cell(self):
        """What drives the inputs of a design: the smallest buffer (where there is none, inverter) that takes at most
        half as long again as the fastest one to drive `output_load`; delay cells and the like are slower."""
        cells = self._all("buffer") or self._all("inverter")
        delays = [_delays(c, np.array([self.output_load]))[0] for c in cells]
        return min((c for c, delay in zip(cells, delays, strict=True) if delay <= 1.5 * min(delays)), key=_size)

    @property
    def output_load(self):
        """What an output of a design drives, in fF: four times the input of the smallest inverter."""
        inverter = self.smallest("inverter")
        return 4 * max(inverter.pins[inverter.inputs[0]].capacitance)

    @property
    def full_adder(self):
        """The `FullAdder` offered, or None."""
        return next(filter(None, (adder(self.cells[name]) for name in self.offered)), None)

    @property
    def flops(self):
        """Names of the offered registers."""
        return [name for name in self.offered if self.cells[name].flop]

    def write_liberty(self, path, full=False):
        """Write the offered cells as Liberty, for Yosys and ABC; ``full`` as `liberty_writer.write` has it."""
        from .liberty_writer import write

        write(self, path, full)


def load(technology=None, liberty_paths=()):
    """The library of an embedded ``technology``, or of the Liberty files ``liberty_paths`` taken together, or of the
    one ``.json`` that `characterise` made of such files.

    Reading Liberty files is remembered in a cache folder of the user's, by the digest of their content.

    Raises
    ------
    Refusal
        If both or neither is named, the technology is unknown, or a file cannot be read, is not Liberty or lacks what a
        design needs: a two-input NAND and an inverter, their areas, a voltage.
    """
    if (technology is None) == (not liberty_paths):
        raise Refusal("A technology or Liberty files must be named, not both and not neither")
    if technology is not None:
        if technology not in EMBEDDED:
            raise Refusal(f"Technology must be one of {', '.join(EMBEDDED)}, not {technology!r}")
        return table_file.read(_DATA / f"{technology}.json")
    if len(liberty_paths) == 1 and Path(liberty_paths[0]).suffix == ".json":
        return table_file.read(liberty_paths[0])
    return complete(_cached([Path(path) for path in liberty_paths]), liberty_paths)


def complete(library, paths):
    """The library of Liberty files, seen to have what a design needs; raises Refusal as `load` does."""
    names = ", ".join(map(str, paths))
    for kind, what in (("nand2", "a two-input NAND"), ("inverter", "an inverter")):
        if library.smallest(kind) is None:
            raise Refusal(f"Liberty files must have {what}, {names} have none")
    if not library.voltage or not library.reference_nand2.area:
        raise Refusal(f"Liberty files must state their voltage and the areas of cells, {names} do not")
    return library


def read(paths):
    """The `Library` of Liberty files, uncached and at full resolution, `complete` or not; raises Refusal as `load`
    does."""
    cells, left_out, heads = {}, {}, []
    for path in paths:
        group = liberty.read(path)
        units = Units(group, str(path))
        heads.append((group, units))
        for inner in group.all("cell"):
            reason = unusable(inner)
            if reason:
                left_out[inner.name] = reason
            else:
                cells[inner.name] = cell(inner, units)
    group, units = heads[0]
    digests = [f"{Path(path).name} (sha256 {_digest(path)[:12]})" for path in paths]
    name = os.path.commonprefix([head.name for head, _ in heads]).rstrip("_") or group.name
    return Library(name, ", ".join(digests), _corner(group, units), cells, offer(cells), left_out,
                   _thresholds(group, units.file), _wire_loads(group, units))


def offer(cells):
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


def adder(c):
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
    table = c.truth(c.outputs[0])
    n = len(c.inputs)
    index = np.arange(len(table))
    keys = []
    for order in permutations(range(n)):
        moved = sum(((index >> i) & 1) << order[i] for i in range(n))
        keys.append(tuple(table[moved].astype(int)))
    return n, min(keys)


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
    flops = [c for c in cells.values() if c.flop and not c.dont_use and c.flop.edge == "rising"
             and c.flop.data in c.pins and c.flop.data != c.flop.clock
             and any(arc.edge == "rising" for arc in c.arcs)]
    plain = [c for c in flops if c.flop.clear is None and c.flop.preset is None and len(c.inputs) == 2]
    best = min(plain or flops, key=lambda c: (len(c.outputs), c.area, c.name), default=None)
    return [best.name] if best else []


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


def _wire_loads(group, units):
    loads = {}
    for wire in group.all("wire_load"):
        where = f"{units.file}: {wire}"
        points = sorted([liberty.number(value, where, name) for value in values[:2]] for name, values in wire.repeated
                        if name == "fanout_length" and len(values) >= 2)
        farads = liberty.number(wire.get("capacitance", 0), where, "capacitance") * units.capacitance
        slope = liberty.number(wire.get("slope", 0), where, "slope")
        if points:
            loads[wire.name] = {"fanout": [n for n, _ in points], "ff": [length * farads for _, length in points],
                                "slope_ff": slope * farads}
    return loads


def _digest(path):
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise Refusal(f"Liberty file must be readable, not {str(path)!r}: {error.strerror}") from None


def _cached(paths):
    """`read`, or what it gave before for the same content under the same names."""
    key = hashlib.sha256()
    for name in ("liberty.py", "boolean.py", "cells.py", "library.py", "table_file.py"):
        key.update(Path(__file__).with_name(name).read_bytes())  # what another version made is not taken for ours
    for path in paths:
        key.update(f"{path.name} {_digest(path)} ".encode())
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
