"""A `Library` as one readable JSON file: the embedded tables, and the cache of Liberty files already read.

Axes are listed once; a table is ``[x axis, y axis, "values"]`` with the values row by row.
"""

import json

import numpy as np

from ..golden.files import atomic_write
from .cells import Arc, Cell, Check, Flop, Pin, Power, Table

FORMAT = 1
_FIELDS = ("name", "source", "licence", "corner", "left_out", "thresholds", "wire_loads")


def read(path):
    """The `Library` in a file; raises OSError when there is none and ValueError when it is damaged."""
    from .library import Library

    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        if data["format"] != FORMAT:
            raise ValueError(f"Cell table must be of format {FORMAT}, not {data['format']!r}")
        axes = [np.array(axis, float) for axis in data["axes"]]
        cells = {name: _cell(name, fields, axes) for name, fields in data["cells"].items()}
        return Library(cells=cells, **{name: data[name] for name in _FIELDS})
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"Cell table must be whole, not {str(path)!r}: {error!r}") from None


def write(library, path, digits=9):
    """Write a library's cells to ``path``, figures with so many significant digits. Returns the file's size in bytes."""
    axes = []
    cells = {name: _fields(c, axes, digits) for name, c in library.cells.items()}
    head = {"format": FORMAT} | {name: getattr(library, name) for name in _FIELDS} | {"axes": axes}
    lines = [f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}" for name, value in head.items()]
    body = [f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}" for name, value in cells.items()]
    text = "{\n" + ",\n".join(lines) + ',\n"cells":{\n' + ",\n".join(body) + "\n}}\n"
    with atomic_write(path) as file:
        file.write(text)
    return len(text.encode())


def _fields(c, axes, digits):
    def number(value):
        return None if value is None else float(f"{value:.{digits}g}")

    def table(t):
        if t is None:
            return None
        x, y = (_axis(axis, axes, digits) for axis in (t.x, t.y))
        return [x, y, " ".join(f"{v:.{digits}g}" for v in t.values.ravel())]

    def tables(pair):
        return [table(t) for t in pair]

    fields = {"area": number(c.area), "pins": [[p.name, p.direction[0], *map(number, p.capacitance), p.function,
                                                number(p.max_capacitance), number(p.voltage)] for p in c.pins.values()]}
    if c.flop:
        fields["flop"] = [c.flop.clock, c.flop.edge, c.flop.data, c.flop.q, c.flop.qn, c.flop.clear, c.flop.preset]
    fields["arcs"] = [[a.source, a.target, a.sense, a.edge, a.when, *tables(a.delay), *tables(a.slew)] for a in c.arcs]
    fields["checks"] = [[k.pin, k.clock, k.edge, k.when, *tables(k.time)] for k in c.checks]
    fields["powers"] = [[p.pin, p.related, p.when, int(p.ground), *tables(p.energy)] for p in c.powers]
    fields["leakage"] = [[when, number(value)] for when, value in c.leakage]
    if c.cell_leakage is not None:
        fields["cell_leakage"] = number(c.cell_leakage)
    if c.dont_use:
        fields["dont_use"] = True
    return fields


def _axis(axis, axes, digits):
    rounded = [float(f"{v:.{digits}g}") for v in axis]
    if rounded not in axes:
        axes.append(rounded)
    return axes.index(rounded)


def _cell(name, fields, axes):
    def table(t):
        if t is None:
            return None
        x, y = axes[t[0]], axes[t[1]]
        return Table(x, y, np.array(t[2].split(), float).reshape(len(x), len(y)))

    pins = {p[0]: Pin(p[0], {"i": "input", "o": "output"}[p[1]], (p[2], p[3]), *p[4:]) for p in fields["pins"]}
    flop = Flop(*fields["flop"]) if "flop" in fields else None
    arcs = [Arc(*a[:5], (table(a[5]), table(a[6])), (table(a[7]), table(a[8]))) for a in fields["arcs"]]
    checks = [Check(*k[:4], (table(k[4]), table(k[5]))) for k in fields["checks"]]
    powers = [Power(*p[:3], bool(p[3]), (table(p[4]), table(p[5]))) for p in fields["powers"]]
    return Cell(name, fields["area"], pins, arcs, checks, powers, [tuple(leak) for leak in fields["leakage"]],
                fields.get("cell_leakage"), flop, fields.get("dont_use", False))
