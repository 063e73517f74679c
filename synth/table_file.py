"""A `Library` as one readable JSON file: the embedded tables, and the cache of Liberty files already read.

``axes`` lists the axes (slews in ps, loads in fF) once each, ``grids`` pairs of them. A pair of tables, for rising and
falling, is ``[grid, "values"]`` where both are the same, ``[grid, "rising", "falling"]``, or ``[grid, "rising", grid,
"falling"]``; values stand row by row, one row for each slew, in ps or fJ. ``states`` is the leakage in nW by state of
the inputs, the first input being bit 0 of the state; ``leakage`` gives it by condition, where it is not so regular.
``supplies`` lists the pins that energies were measured at, ``[name, 1 if it is a ground]``; an energy has the index.
``offered`` is ``"all"`` or a list of cells. A cell with ``gate``, ``[clock, enable, output, tests...]``, is a clock
gate.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ..golden.files import atomic_write
from ..golden.refusal import Refusal
from .cells import Arc, Cell, Check, Flop, Gate, Pin, Power, Table, see_whole
from .liberty import LARGEST

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from .library import Library

FORMAT = 2
_FIELDS = ("name", "source", "licence", "corner", "offered", "left_out", "thresholds", "wire_loads")


def read(path: str | os.PathLike) -> Library:
    """The `Library` in a file; raises OSError when there is none and Refusal when it is damaged."""
    from .library import Library

    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        if data["format"] != FORMAT:
            raise Refusal(f"Cell table must be of format {FORMAT}, not {data['format']!r}")
        axes = [np.array(axis, float) for axis in data["axes"]]
        grids = [(axes[x], axes[y]) for x, y in data["grids"]]
        supplies = [(name, bool(ground)) for name, ground in data["supplies"]]
        every = {name: _cell(name, fields, grids, supplies) for name, fields in data["cells"].items()}
        cells, gates = ({name: c for name, c in every.items() if bool(c.gate) == gate} for gate in (False, True))
        fields = {name: data[name] for name in _FIELDS} | {"faults": data.get("faults", {})}
        if fields["offered"] == "all":
            fields["offered"] = sorted(cells)
        library = Library(cells=cells, gates=gates, **fields)
        _see_whole(library)
        return library
    except Refusal as fault:
        raise Refusal(f"Cell table must be whole, not {str(path)!r}: {fault}") from None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise Refusal(f"Cell table must be whole, not {str(path)!r}: {error!r}") from None


def _see_whole(library):
    """See that what a library names is in it, and that figures are figures; raises what `read` makes refusals of."""
    for field in ("name", "source", "licence"):
        _insist(isinstance(getattr(library, field), str), field)
    for name in ("process", "voltage", "temperature"):
        _insist(library.corner[name] is None or _is_figure(library.corner[name], -300), name)
    for field in ("left_out", "faults"):
        _insist(all(isinstance(reason, str) for reason in getattr(library, field).values()), field)
    _insist(all(_is_figure(value, 0) for value in library.thresholds.values()), "thresholds")
    for name in library.offered:
        library.cell(name)
    for c in (*library.cells.values(), *library.gates.values()):
        see_whole(c, f"cell {c.name}")


def _insist(condition, what):
    if not condition:
        raise Refusal(f"{what} is none")


def _is_figure(value, least):
    return type(value) in (int, float) and least <= value <= LARGEST


def write(library: Library, path: str | os.PathLike, digits: int = 17) -> int:
    """Write a library to ``path``, figures with so many significant digits. Returns the size in bytes."""
    writer = _Writer(digits)
    cells = {name: writer.cell(c) for name, c in (library.cells | library.gates).items()}
    head = {"format": FORMAT} | {name: getattr(library, name) for name in _FIELDS}
    head |= {"faults": library.faults} if library.faults else {}
    head |= {"offered": "all" if library.offered == sorted(library.cells) else library.offered}
    head |= {"supplies": writer.supplies, "axes": writer.axes, "grids": writer.grids}
    text = ("{\n" + "".join(f"{_json(name)}:{_json(value)},\n" for name, value in head.items()) + '"cells":{\n'
            + ",\n".join(f"{_json(name)}:{_json(value)}" for name, value in cells.items()) + "\n}}\n")
    with atomic_write(path) as file:
        file.write(text)
    return len(text.encode())


def _json(value):
    return json.dumps(value, separators=(",", ":"))


class _Writer:
    def __init__(self, digits):
        self.digits = digits
        self.axes, self.grids, self.supplies = [], [], []
        self.index = {}

    def number(self, value):
        if value is None:
            return None
        value = float(f"{value:.{self.digits}g}")
        return int(value) if value == int(value) else value

    def pair(self, tables):
        rise, fall = tables
        if rise is None and fall is None:
            return None
        if rise is fall:
            return [self.grid(rise), self.values(rise)]
        if rise is not None and fall is not None and self.grid(rise) == self.grid(fall):
            return [self.grid(rise), self.values(rise), self.values(fall)]
        return [part for t in tables for part in ((None, None) if t is None else (self.grid(t), self.values(t)))]

    def grid(self, table):
        axes = [self.place(self.axes, [self.number(v) for v in axis]) for axis in (table.x, table.y)]
        return self.place(self.grids, axes)

    def place(self, entries, entry):
        """Where ``entry`` is in a list, which it joins if it is not there."""
        key = id(entries), _json(entry)
        if key not in self.index:
            self.index[key] = len(entries)
            entries.append(entry)
        return self.index[key]

    def values(self, table):
        return " ".join(str(self.number(v)) for v in table.values.ravel())

    def cell(self, c):
        fields = {"area": float(f"{c.area:.9g}"), "in": [self.input(c.pins[name]) for name in c.inputs],
                  "out": [self.output(c.pins[name]) for name in c.outputs]}
        if c.flop:
            fields["flop"] = [c.flop.clock, c.flop.edge, c.flop.data, c.flop.q, c.flop.qn, c.flop.clear, c.flop.preset]
        if c.gate:
            fields["gate"] = [c.gate.clock, c.gate.enable, c.gate.output, *c.gate.tests]
        fields["arcs"] = [[a.source, a.target, a.sense, a.edge, a.when, self.pair(a.delay), self.pair(a.slew)]
                          for a in c.arcs]
        if c.checks:
            fields["checks"] = [[k.pin, k.clock, k.edge, k.when, self.pair(k.time)] for k in c.checks]
        fields["powers"] = [[p.pin, p.related, p.when, self.place(self.supplies, [p.supply, int(p.ground)]),
                             self.pair(p.energy), *([p.times] * (p.times > 1))] for p in c.powers]
        if [when for when, _ in c.leakage] == conditions(c.inputs):
            fields["states"] = " ".join(str(self.number(value)) for _, value in c.leakage)
        else:
            fields["leakage"] = [[when, self.number(value)] for when, value in c.leakage]
        if c.bias_leakage:
            fields["bias_leakage"] = {supply: [[when, self.number(value)] for when, value in pairs]
                                      for supply, pairs in c.bias_leakage.items()}
        if c.cell_leakage is not None:
            fields["cell_leakage"] = self.number(c.cell_leakage)
        if c.dont_use:
            fields["dont_use"] = True
        return fields

    def input(self, pin):
        return [pin.name, *map(self.number, pin.capacitance)]

    def output(self, pin):
        fields = [pin.name, pin.function, *map(self.number, (pin.max_capacitance, pin.voltage, *pin.capacitance))]
        while not fields[-1]:
            fields.pop()
        return fields


def _cell(name, fields, grids, supplies):
    def table(grid, values):
        if grid is None:
            return None
        x, y = grids[grid]
        return Table(x, y, np.array(values.split(), float).reshape(len(x), len(y)))

    def pair(data):
        if data is None:
            return None, None
        if len(data) == 2:
            both = table(*data)
            return both, both
        if len(data) == 3:
            return table(data[0], data[1]), table(data[0], data[2])
        return table(data[0], data[1]), table(data[2], data[3])

    inputs = [Pin(name, "input", (rise, fall)) for name, rise, fall in fields["in"]]
    outputs = [_output(*data) for data in fields["out"]]
    flop = Flop(*fields["flop"]) if "flop" in fields else None
    gate = None
    if "gate" in fields:
        clock, enable, output, *tests = fields["gate"]
        gate = Gate(clock, enable, output, tuple(tests))
    arcs = [Arc(*a[:5], delay=pair(a[5]), slew=pair(a[6])) for a in fields["arcs"]]
    checks = [Check(*k[:4], time=pair(k[4])) for k in fields.get("checks", ())]
    powers = [Power(*p[:3], *supplies[p[3]], energy=pair(p[4]), times=p[5] if p[5:] else 1) for p in fields["powers"]]
    leakage = [tuple(leak) for leak in fields.get("leakage", ())]
    if "states" in fields:
        leakage = list(zip(conditions([pin.name for pin in inputs]), map(float, fields["states"].split()), strict=True))
    bias_leakage = {supply: [tuple(leak) for leak in pairs] for supply, pairs in fields.get("bias_leakage", {}).items()}
    return Cell(name, fields["area"], {pin.name: pin for pin in inputs + outputs}, arcs, checks, powers, leakage,
                fields.get("cell_leakage"), flop, fields.get("dont_use", False), bias_leakage, gate)


def _output(name, function=None, max_capacitance=None, voltage=None, rise=0.0, fall=0.0):
    return Pin(name, "output", (rise, fall), function, max_capacitance, voltage)


def conditions(inputs: Sequence[str]) -> list[str]:
    """Each state of the inputs as a condition, the first input being bit 0 of the state."""
    return [" & ".join(("" if state >> i & 1 else "!") + name for i, name in enumerate(inputs))
            for state in range(1 << len(inputs))]
