"""Compact cell tables: what an embedded technology holds, read off Liberty files.

Kept are the cells that logic is mapped to and the clock gate that netlists get, with their areas, functions, pin
capacitances and leakage as they are, the leakage by the states of the inputs. Their tables are thinned: of each, the
slews and loads that best give back the others over the range in which the cells of a design work, to three digits.
Conditional arcs of one sense become one, the worst of them, as static timing takes them; internal energies that are
only ever used as a sum or an average become one table.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from . import boolean, table_file
from .cells import FALL, RISE, Table, combined, locate
from .library import Library, adder, check_patterns, complete, read, without

DIGITS = 3
#: Slews and loads kept: of delays, of slews, of energies, of setup times.
_POINTS = {"delay": (4, 4), "slew": (2, 4), "energy": (2, 4), "time": (3, 3)}
#: The same of clock gates, whose delay counts in no figure, the clock being ideal.
_GATES_POINTS = _POINTS | {"delay": (2, 2), "slew": (2, 2)}


def characterise(paths: Sequence[str | Path], out: str | Path, source: str | None = None, licence: str | None = None,
                 dont_use: str = "") -> str:
    """Write the compact table of a library.

    Parameters
    ----------
    paths : list of path
        Liberty files, taken together.
    out : path
        JSON file to write; the technology is called as it is.
    source, licence : str, optional
        Stated in the table; by default the files with their digests, and that the licence is theirs.
    dont_use : str
        Patterns of cells to leave out: `library.without`.

    Returns
    -------
    str
        One line: what was written, and how far the thinned tables are from the full ones.

    Raises
    ------
    Refusal
        As `library.load`.
    """
    every = read(paths)
    check_patterns(dont_use, [every])
    full = complete(without(every, dont_use))
    library, errors = thin(full)
    library.name = Path(out).stem
    library.source = f"{source}: {full.source}" if source else full.source
    library.licence = licence or "that of the Liberty files"
    size = table_file.write(library, out, DIGITS)
    gate = " a clock gate," if library.gates else ""
    return (f"{library.name}: {len(library.cells)} cells,{gate} {size / 1000:.0f} kB; delays {np.mean(errors):.2%} off "
            f"on average, {np.quantile(errors, 0.99):.1%} at the 99th percentile")


def compact(library: Library) -> Library:
    """A `Library` as `characterise` would write it and `library.load` read it."""
    with tempfile.TemporaryDirectory(prefix="lmul-") as folder:
        table_file.write(thin(library)[0], Path(folder, "table.json"), DIGITS)
        return table_file.read(Path(folder, "table.json"))


def thin(library: Library) -> tuple[Library, list[float]]:
    """A `Library` of the offered cells with thinned tables, and how far off its delays are over the working range."""
    slews, unit = working_range(library)
    thinned, errors = {}, []
    gate = library.clock_gate
    for name in [*library.offered, *([gate.name] if gate else [])]:
        cell = library.cell(name)
        strength = max(1.0, max(max(cell.pins[pin].capacitance) for pin in cell.inputs) / unit)
        thinner = _Thinner(slews, np.geomspace(0.5, 16 * strength, 8) * unit, _GATES_POINTS if cell.gate else _POINTS)
        thinned[name] = thinner.cell(cell)
        errors += [] if cell.gate else thinner.errors
    cells = {name: thinned[name] for name in library.offered}
    return Library(library.name, library.source, library.corner, cells, library.offered, thresholds=library.thresholds,
                   wire_loads=library.wire_loads, gates={gate.name: thinned[gate.name]} if gate else {}), errors


def working_range(library: Library) -> tuple[np.ndarray, float]:
    """Slews (ps) at which cells are fed in a design, and the unit of load (fF): one input of the smallest NAND."""
    nand = library.reference_nand2
    unit = max(nand.pins[nand.inputs[0]].capacitance)
    tables = [t for name in library.offered for arc in library.cells[name].arcs for t in arc.slew if t is not None]
    found = [float(t(t.x[0], load * unit)) for t in tables for load in (1, 10)]
    return np.geomspace(max(min(found), 1e-3), max(np.quantile(found, 0.98), 1e-2), 8), unit


class _Thinner:
    def __init__(self, slews, loads, points):
        self.slews = slews
        self.loads = loads
        self.points = points
        self.errors = []

    def cell(self, cell):
        return replace(cell, arcs=self._arcs(cell), checks=self._checks(cell), powers=self._powers(cell),
                       leakage=_by_state(cell))

    def _arcs(self, cell):
        groups = {}
        for arc in cell.arcs:
            # A full adder's glitches hang on which of its arcs is how fast.
            when = arc.when if adder(cell) else None
            groups.setdefault((arc.source, arc.target, arc.sense, arc.edge, when), []).append(arc)
        merged = [replace(arcs[0], when=key[-1], delay=_worst(arcs, "delay"), slew=_worst(arcs, "slew"))
                  for key, arcs in groups.items()]
        delays = [t for arc in merged for t in arc.delay]
        slews = [t for arc in merged for t in arc.slew]
        keep_delay, keep_slew = (self._choose(tables, kind) for tables, kind in ((delays, "delay"), (slews, "slew")))
        thinned = [replace(arc, delay=tuple(_subset(t, *keep_delay) for t in arc.delay),
                           slew=tuple(_subset(t, *keep_slew) for t in arc.slew)) for arc in merged]
        for before, after in zip(merged, thinned, strict=True):
            for old, new in zip(before.delay, after.delay, strict=True):
                if old is not None:
                    at = self.slews[:, None], self.loads
                    self.errors += np.abs(new(*at) / old(*at) - 1).ravel().tolist()
        return thinned

    def _checks(self, cell):
        keep = self._choose([t for check in cell.checks for t in check.time], "time", self.slews)
        return [replace(check, time=tuple(_subset(t, *keep) for t in check.time)) for check in cell.checks]

    def _powers(self, cell):
        groups = {}
        for power in cell.powers:
            key = power.pin, power.related, power.supply, power.ground, _weight(cell, power)
            groups.setdefault(key, []).append(power)
        merged = []
        for (pin, *_), group in groups.items():
            # Of an output the average, standing for so many groups; of an input, where each counts by itself, the sum.
            table = _average([t for power in group for t in power.energy])
            if table is not None:
                times, scale = (len(group), 1) if pin in cell.outputs else (1, len(group))
                both = (Table(table.x, table.y, table.values * scale),) * 2
                merged.append(replace(group[0], energy=both, times=times))
        keep = {}
        for shape in {power.energy[0].values.shape for power in merged}:
            keep[shape] = self._choose([p.energy[0] for p in merged if p.energy[0].values.shape == shape], "energy")
        return [replace(p, energy=(_subset(p.energy[0], *keep[p.energy[0].values.shape]),) * 2) for p in merged]

    def _choose(self, tables, kind, loads=None):
        """Indices of the slews and of the loads to keep, those that give back ``tables`` best; all of one shape."""
        tables = [t for t in tables if t is not None and t.values.size > 1]
        if not tables:
            return None, None
        shape = max((t.values.shape for t in tables), key=lambda shape: sum(t.values.shape == shape for t in tables))
        tables = [t for t in tables if t.values.shape == shape]
        values = np.array([t.values for t in tables])
        x_axis, y_axis = tables[0].x, tables[0].y
        loads = self.loads if loads is None else loads
        whole_x, whole_y = _weights(x_axis, range(shape[0]), self.slews), _weights(y_axis, range(shape[1]), loads)
        exact = whole_x @ values @ whole_y.T
        scale = np.abs(exact).mean(axis=(1, 2), keepdims=True).clip(1e-12)

        def error(x, y):
            return np.sum(((x @ values @ y.T - exact) / scale) ** 2)

        points = self.points[kind]
        x = min(_choices(shape[0], points[0]), key=lambda kept: error(_weights(x_axis, kept, self.slews), whole_y))
        chosen_x = _weights(x_axis, x, self.slews)
        y = min(_choices(shape[1], points[1]), key=lambda kept: error(chosen_x, _weights(y_axis, kept, loads)))
        return x, y


def _by_state(cell):
    """The leakage of a cell, of a combinational one by the states of its inputs where each is named once.

    An output in a condition adds nothing, as it follows the inputs.
    """
    named = [(when, value) for when, value in cell.leakage if when]
    if cell.clocked or len(named) != 1 << len(cell.inputs):
        return cell.leakage
    values = {}
    for when, value in named:
        states = np.flatnonzero(boolean.truth_of_state(when, cell.inputs, {o: cell.truth(o) for o in cell.outputs}))
        if len(states) == 1:
            values[int(states[0])] = value
    if len(values) != len(named):
        return cell.leakage
    return [(when, values[state]) for state, when in enumerate(table_file.conditions(cell.inputs))]


def _choices(length, count):
    return list(combinations(range(length), min(count, length)))


def _weights(axis, kept, at):
    """Shape (points, axis): what each point of ``axis`` counts for at each of ``at``, when only ``kept`` are there."""
    kept = np.array(kept)
    i, s = locate(axis[kept], np.asarray(at))
    weights = np.zeros((len(at), len(axis)))
    rows = np.arange(len(at))
    weights[rows, kept[i]] = 1 - s
    weights[rows, kept[np.minimum(i + 1, len(kept) - 1)]] += s
    return weights


def _subset(table, x, y):
    """Rows ``x`` and columns ``y`` of a table; an axis that is shorter than the choice stays whole."""
    if table is None:
        return None
    rows = np.arange(len(table.x)) if x is None or max(x) >= len(table.x) else np.array(x)
    columns = np.arange(len(table.y)) if y is None or max(y) >= len(table.y) else np.array(y)
    return Table(table.x[rows], table.y[columns], table.values[np.ix_(rows, columns)])


def _worst(arcs, kind):
    return tuple(combined([getattr(arc, kind)[rf] for arc in arcs], np.max) for rf in (RISE, FALL))


def _average(tables):
    """A missing table counts as zero, as in the estimate of energy."""
    table = combined(tables, np.sum)
    return None if table is None else Table(table.x, table.y, table.values / len(tables))


def _weight(cell, power):
    """What `energy` weights an internal energy with: entries of equal weight can be added."""
    if cell.clocked or power.when is None:
        return power.when
    if power.pin in cell.outputs:
        return None if power.related in boolean.pins(cell.pins[power.pin].function) else power.when
    named = [name for name in boolean.pins(power.when) if name in cell.outputs]
    if named and power.pin in boolean.pins(cell.pins[named[0]].function):
        return f"output {named[0]}"
    return power.when
