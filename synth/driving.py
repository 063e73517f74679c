"""Buffers and inverters in front of a design's parts, as large as what they drive asks for.

A mapper sizes a module by its slowest path, and lets all else become as slow. In a tile the weights' preparation is the
slowest, so that buffers which drive an activation to all columns would shrink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .library import Library


def sized(modules: Mapping[str, Any], top: str, library: Library) -> dict[str, Any]:
    """The module ``top`` with its buffers and inverters that lead to instances of other modules exchanged, each for the
    `Library.driver` of what it drives.

    Parameters
    ----------
    modules : dict
        All modules, as Yosys' JSON has them.
    top : str
    library : Library
    """
    cells, loads = dict(modules[top]["cells"]), _loads(modules, top, library, {})
    kinds = {name: kind for name, cell in cells.items() if (kind := library.kind(cell["type"]))}
    drivers, takers, done = {}, {}, set()
    for name in kinds:
        given, taken = _ends(cells[name], library)
        drivers[given] = name
        takers.setdefault(taken, []).append(name)

    def size(name):
        """Exchange a driver; those after it come first, for they are its load."""
        if name in done:
            return
        done.add(name)
        given, taken = _ends(cells[name], library)
        for other in takers.get(given, ()):
            size(other)
        old, new = library.cell(cells[name]["type"]), library.driver(kinds[name], loads.get(given, 0.0))
        loads[taken] += _capacitance(new, new.inputs[0]) - _capacitance(old, old.inputs[0])
        cells[name] = _exchanged(cells[name], old, new)
        if taken in drivers:
            size(drivers[taken])

    for cell in list(cells.values()):
        if cell["type"] in modules:
            for net in (net for nets in cell["connections"].values() for net in nets if net in drivers):
                size(drivers[net])
    return modules[top] | {"cells": cells}


def _ends(instance, library):
    """The nets that a buffer or inverter gives and takes."""
    cell = library.cell(instance["type"])
    return instance["connections"][cell.outputs[0]][0], instance["connections"][cell.inputs[0]][0]


def _exchanged(instance, old, new):
    given, taken = (instance["connections"][pin] for pin in (old.outputs[0], old.inputs[0]))
    return instance | {"type": new.name, "connections": {new.inputs[0]: taken, new.outputs[0]: given}}


def _capacitance(cell, pin):
    return max(cell.pins[pin].capacitance)


def _loads(modules, name, library, known):
    """What the cells in a module put on each of its nets, by bit."""
    if name not in known:
        loads = known[name] = {}
        for cell in modules[name]["cells"].values():
            inner = modules.get(cell["type"])
            for pin, nets in cell["connections"].items():
                if inner:
                    within = _loads(modules, cell["type"], library, known)
                    each = [within.get(bit, 0.0) for bit in inner["ports"][pin]["bits"]]
                else:
                    about = library.cells.get(cell["type"])
                    each = [_capacitance(about, pin) if about and pin in about.inputs else 0.0] * len(nets)
                for net, load in zip(nets, each, strict=False):
                    loads[net] = loads.get(net, 0.0) + load
    return known[name]
