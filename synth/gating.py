"""Clock gates: which registers get their clock through one, and how the mapper's boxes become cells of the library.

The Verilog has enables. Of registers with an enable those are gated that share it with enough others, in whatever
modules of the design they are: a row of held weights has one enable and lies in as many modules as there are columns.
Yosys' own pass looks at one module at a time.

1. `chosen` finds these registers among the words of the design, `marked` marks them.
2. The mapper puts them behind boxes (``scripts/clock_gate.v``); all others keep their enables as multiplexers.
3. `insert` joins the boxes of one enable and puts cells in their place, of at most `MOST` registers each.
"""

from __future__ import annotations

import re
from collections import Counter
from os.path import commonprefix
from typing import TYPE_CHECKING

import numpy as np

from ..golden.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from typing import Any

    from .cells import Cell
    from .library import Library

#: Registers with one enable that are gated, at least: from so many on nothing is lost, were the enable always 1
#: (benchmarks/bench_gating.py).
LEAST = 6
#: Registers behind one gate, at most: a clock tree has a fan-out. Two gates of 20 take the place of one of 40.
MOST = 32

MARK = "lmul_gated"
BOX = "LMUL_CLOCK_GATE"
_CLOCK, _ENABLE, _GATED = "CEG"


def chosen(modules: Mapping[str, Any], top: str) -> set[tuple[str, str]]:
    """(module, cell) of the registers to gate, in the words of a design as Yosys' JSON has them.

    A module is mapped once however often it is used, so a register is gated where it pays in all of its copies.

    Parameters
    ----------
    modules : dict
        Of each module the ports, and the cells; those of type ``$dffe`` are registers with an enable.
    top : str
    """
    sizes, groups = Counter(), {}
    _walk(modules, top, (), {}, sizes, groups)
    return {place for place, some in groups.items() if min(sizes[group] for group in some) >= LEAST}


def _walk(modules, name, path, nets, sizes, groups):
    """Count the bits of registers by (clock, enable, its polarity) in ``sizes``, and note in ``groups`` in which of
    these each register is. ``nets`` has of the module's bits those that come from outside, as nets of the design."""
    def net(bit):
        return nets.get(bit, (path, bit))

    for cell_name, cell in modules[name]["cells"].items():
        pins = cell["connections"]
        if cell["type"] in modules:
            ports = modules[cell["type"]]["ports"]
            inner = {bit: net(outer) for port, bits in pins.items() if port in ports
                     for bit, outer in zip(ports[port]["bits"], bits, strict=False)}
            _walk(modules, cell["type"], (*path, cell_name), inner, sizes, groups)
        elif cell["type"] == "$dffe":
            group = net(pins["CLK"][0]), net(pins["EN"][0]), cell["parameters"]["EN_POLARITY"]
            sizes[group] += len(pins["Q"])
            groups.setdefault((name, cell_name), set()).add(group)


def marked(rtlil: str, places: Collection[tuple[str, str]]) -> str:
    """A design in Yosys' RTLIL with the attribute `MARK` on these registers."""
    module, lines = "", []
    for line in rtlil.split("\n"):
        words = line.split()
        if words[:1] == ["module"]:
            module = words[1].removeprefix("\\")
        elif words[:1] == ["cell"] and (module, words[2].removeprefix("\\")) in places:
            lines.append(f"  attribute \\{MARK} 1")
        lines.append(line)
    return "\n".join(lines)


def boxed() -> list[str]:
    """Yosys' commands that leave plain registers, marked ones behind boxes."""
    return ["dfflegalize -cell $_DFF_P_ x -cell $_DFFE_PP_ x", f"dffunmap -ce-only t:$_DFFE_PP_ a:{MARK} %d",
            "techmap -map clock_gate.v", "opt_clean"]


def insert(instances: Iterable[tuple], origins: Iterable[str], net_names: list[str], ports: Mapping[str, tuple],
           library: Library, fresh: Callable[[str], str]) -> tuple[list[tuple], list[str], list[str], dict[str, tuple]]:
    """Put clock gates of a library in the place of boxes, in a flat netlist.

    Parameters
    ----------
    instances : list of (name, module path, cell name, {pin: net})
    origins : list of str
        Of each instance its place in the Verilog.
    net_names : list of str
    ports : dict of str to (direction, nets)
    library : Library
    fresh : function of str
        Makes a name one that nothing has.

    Returns
    -------
    (instances, origins, net_names, ports)
        Gates come last. Each stands in the innermost module that has all of its registers.

    Raises
    ------
    Refusal
        If there are boxes and the library has no clock gate.
    """
    cells, places, behind = [], [], {}
    for instance, origin in zip(instances, origins, strict=True):
        if instance[2] == BOX:
            pins = instance[3]
            behind[pins[_GATED]] = pins[_CLOCK], pins.get(_ENABLE, 0)
        else:
            cells.append(instance)
            places.append(origin)
    if not behind:
        return cells, places, net_names, dict(ports)
    gate, names = library.clock_gate, list(net_names)
    pins = gate and gate.gate
    if not gate or not pins:
        raise Refusal(f"Registers can be gated by a library that has a clock gate, not by {library.name}")
    for (clock, enable), some in _groups(cells, behind, library).items():
        for part in _parts(some, _most(gate, library.cell(cells[some[0]][2]))):
            gated = len(names)
            name = fresh("gate_" + re.sub(r"\W+", "_", names[enable]).strip("_"))
            names.append(fresh(f"{name}_{pins.output}"))
            for n in part:
                *about, kind, nets = cells[n]
                cells[n] = *about, kind, nets | {_clock_pin(library, kind): gated}
            path = "/".join(commonprefix([cells[n][1].split("/") for n in part]))
            cells.append((name, path, gate.name, {pins.clock: clock, pins.enable: enable, pins.output: gated}))
            places.append(path.replace("/", "."))
    return _without_gaps(cells, places, names, ports)


def _groups(cells, behind, library):
    """By (clock, enable) the numbers of the registers that have a clock which a box gives."""
    found = {}
    for n, (_, _, kind, pins) in enumerate(cells):
        clock = _clock_pin(library, kind)
        if clock and pins[clock] in behind:
            found.setdefault(behind[pins[clock]], []).append(n)
    return found


def _clock_pin(library: Library, kind: str) -> str | None:
    """The clock pin of a register; None of other cells."""
    flop = library.cell(kind).flop
    return flop and flop.clock


def _most(gate: Cell, register: Cell) -> int:
    """How many registers a gate may drive: `MOST`, or fewer where its library says so."""
    assert gate.gate and register.flop
    limit, load = gate.pins[gate.gate.output].max_capacitance, max(register.pins[register.flop.clock].capacitance)
    return MOST if limit is None else max(min(MOST, int(limit / load)), 1)


def _parts(some, most):
    """A list in as few parts of at most so many as will do, nearly equal ones."""
    count = -(-len(some) // most)
    return [some[n * len(some) // count:(n + 1) * len(some) // count] for n in range(count)]


def _without_gaps(cells, places, names, ports):
    """The same without nets that nothing is on any more."""
    kept = sorted({0, 1}.union(*(pins.values() for *_, pins in cells), *(nets.tolist() for _, nets in ports.values())))
    number = {net: n for n, net in enumerate(kept)}
    cells = [(*about, {pin: number[net] for pin, net in pins.items()}) for *about, pins in cells]
    return cells, places, [names[net] for net in kept], {
        name: (way, np.array([number[net] for net in nets.tolist()], np.int32)) for name, (way, nets) in ports.items()}
