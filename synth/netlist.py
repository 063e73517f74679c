"""A mapped netlist, flat, in arrays; read from Yosys JSON, written as Verilog."""

from __future__ import annotations

import json
import re
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..golden.files import atomic_write
from ..golden.refusal import Refusal
from . import gating

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .library import Library

CONST0, CONST1 = 0, 1
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z")
_PUBLIC = re.compile(r"[A-Za-z_][\w.]*\Z")  # a name from the Verilog, with dots where hierarchy was flattened


class Netlist:
    """Cells of a library, connected by nets.

    Nets are numbered; 0 and 1 are the constants. Instances are numbered; the pins of instance i are
    ``pin_net[pin_start[i]:pin_start[i + 1]]``, the cell's inputs first, then its outputs, each in the cell's order.
    An output left open has a net of its own, which drives nothing but moves; an input left open is 0, as an undefined
    bit is. Registers count as instances like any other.

    Attributes
    ----------
    name : str
        The top module.
    library : Library
    ports : dict of str to (str, ndarray)
        Direction (``input`` or ``output``) and nets, least significant bit first.
    clock : str or None
        The port that clocks the registers, some of them through clock gates; None when there are none.
    cells : list of `Cell`
        The distinct cells; ``kind[i]`` indexes it.
    kind : ndarray of int
    instances : list of str
        Plain identifiers, unique: hierarchy is joined by ``__``.
    modules : list of str
        Of each instance, the path of module instances around it, joined by ``/``; "" at the top.
    origins : list of str
        Of each instance, its place in the Verilog: the names of the modules' instances around it and, of a register,
        its own, as in ``rows.upper.pe_0.acc``, those that mapping flattened included.
    pin_start, pin_net : ndarray of int
    net_names : list of str
        Plain identifiers or ``port[bit]``, unique.
    order : ndarray of int
        The combinational instances, drivers before loads.
    """

    def __init__(self, name: str, library: Library, ports: dict[str, tuple[str, Any]],
                 instances: list[tuple[str, str, str, dict[str, int]]], net_names: list[str]) -> None:
        """``instances``: list of (name, module path, cell name, {pin: net}).

        Raises
        ------
        Refusal
            If a cell is not in the library, has pins it does not know, a net has two drivers or none, registers have
            several clocks or one that is not an input, or there is a loop of combinational cells.
        """
        self.name = name
        self.library = library
        self.ports = ports
        self.net_names = list(net_names)
        self.instances = [entry[0] for entry in instances]
        self.modules = [entry[1] for entry in instances]
        self.origins = [path.replace("/", ".") for path in self.modules]
        self._connect(instances)
        self.clock = self._clock()
        self.order = self._sort()

    @classmethod
    def read(cls, source: str | Path | dict[str, Any], library: Library, top: str | None = None) -> Netlist:
        """The netlist in a Yosys JSON file, or in the dictionary it holds.

        ``top`` names the module; by default the one marked as top, or the only one. Module instances are expanded.
        Raises ValueError as the constructor does, and when the JSON is not a netlist.
        """
        if isinstance(source, dict):
            held = source
        else:
            try:
                held = json.loads(Path(source).read_text(encoding="utf-8"))
            except (OSError, json.JSONDecodeError) as error:
                raise Refusal(f"Netlist must be a readable JSON file, not {str(source)!r}: {error}") from None
        modules = held.get("modules", {})
        top = top or _top(modules)
        if top not in modules:
            raise Refusal(f"Top module must be one of {', '.join(modules) or 'none'}, not {top!r}")
        flat = _Flattener(modules, library)
        ports = flat.expand(top)
        instances, origins, net_names, ports = gating.insert(
            flat.instances, flat.origins, flat.net_names, ports, library, lambda name: _unique(name, flat.taken))
        netlist = cls(str(top), library, ports, instances, net_names)
        netlist.origins = origins
        return netlist

    @property
    def inputs(self) -> list[str]:
        """Names of the input ports, without the clock."""
        return [name for name, (way, _) in self.ports.items() if way == "input" and name != self.clock]

    @property
    def outputs(self) -> list[str]:
        return [name for name, (way, _) in self.ports.items() if way == "output"]

    def port_bits(self, *ways: str) -> Iterator[tuple[str, int]]:
        """(name, net) of each bit of the ports of these directions, named ``a[3]``, or ``a`` where there is but one."""
        for name, (way, nets) in self.ports.items():
            if way in ways:
                yield from ((f"{name}[{bit}]" if len(nets) > 1 else name, net) for bit, net in enumerate(nets.tolist()))

    @cached_property
    def output_nets(self) -> np.ndarray:
        """The nets of the output ports, in order."""
        return np.concatenate([self.ports[name][1] for name in self.outputs] or [np.zeros(0)]).astype(np.int32)

    @cached_property
    def area_um2(self) -> float:
        return float(sum(self.cells[k].area for k in self.kind))

    @cached_property
    def count(self) -> dict[str, int]:
        """Instances by cell name."""
        numbers = np.bincount(self.kind, minlength=len(self.cells))
        return {cell.name: int(n) for cell, n in zip(self.cells, numbers, strict=True)}

    @cached_property
    def is_flop(self) -> np.ndarray:
        return np.array([cell.flop is not None for cell in self.cells], bool)[self.kind]

    @cached_property
    def is_gate(self) -> np.ndarray:
        """Whether each instance is a clock gate."""
        return np.array([cell.gate is not None for cell in self.cells], bool)[self.kind]

    @cached_property
    def gate_of(self) -> dict[int, int]:
        """By register the clock gate that its clock comes from, of those that have one."""
        gates = np.flatnonzero(self.is_gate).tolist()
        driven = {self.pin_nets(i)[self.cells[self.kind[i]].gate.output]: i for i in gates}
        clocks = {i: self._clock_net(i) for i in np.flatnonzero(self.is_flop).tolist()} if gates else {}
        return {i: driven[net] for i, net in clocks.items() if net in driven}

    def enable(self, gate: int) -> int:
        """The net that opens a clock gate; raises Refusal where a test pin is in use."""
        about, pins = self.cells[self.kind[gate]].gate, self.pin_nets(gate)
        if any(pins[name] != CONST0 for name in about.tests):
            raise Refusal(f"Test pins of clock gates must be held at 0, those of {self.instances[gate]} are not")
        return pins[about.enable]

    def _clock_net(self, i):
        """The net at the clock pin of a register or gate."""
        cell = self.cells[self.kind[i]]
        return self.pin_nets(i)[(cell.flop or cell.gate).clock]

    @property
    def flip_flops(self) -> int:
        return int(self.is_flop.sum())

    @property
    def clock_gates(self) -> int:
        return int(self.is_gate.sum())

    @property
    def gated_flip_flops(self) -> int:
        """How many registers have their clock from a gate."""
        return len(self.gate_of)

    def pin_nets(self, i: int | np.integer) -> dict[str, int]:
        """{pin: net} of instance ``i``."""
        cell = self.cells[self.kind[i]]
        return dict(zip(cell.inputs + cell.outputs, self.pin_net[self.pin_start[i]:self.pin_start[i + 1]], strict=True))

    def _connect(self, instances):
        self.cells, kinds = [], {}
        self._taken = set(self.net_names)
        kind, start, nets = [], [0], []
        for name, _, cell_name, pins in instances:
            if cell_name not in kinds:
                kinds[cell_name] = len(self.cells)
                self.cells.append(self.library.cell(cell_name))
            kind.append(kinds[cell_name])
            cell = self.cells[kinds[cell_name]]
            unknown = sorted(set(pins) - set(cell.pins))
            if unknown:
                raise Refusal(f"Pins of {cell_name} must be {', '.join(cell.pins)}, not {unknown[0]!r} ({name})")
            nets += [pins.get(pin, CONST0) for pin in cell.inputs]
            nets += [pins[pin] if pin in pins else self._open(f"{name}_{pin}") for pin in cell.outputs]
            start.append(len(nets))
        self.kind = np.array(kind, np.int32)
        self.pin_start = np.array(start, np.int32)
        self.pin_net = np.array(nets, np.int32)
        self._drive()

    def _open(self, name):
        """A net for an output that is left open."""
        self.net_names.append(_unique(re.sub(r"\W", "_", name), self._taken))
        return len(self.net_names) - 1

    def _drive(self):
        """``driver[net]``: the driving pin (an index into ``pin_net``), -1 for a port or constant."""
        ways = [np.arange(len(cell.pins)) >= len(cell.inputs) for cell in self.cells]
        is_output = np.concatenate([ways[k] for k in self.kind] or [np.zeros(0, bool)])
        self.pin_is_output = is_output
        self.driver = np.full(len(self.net_names), -1, np.int32)
        pins = np.flatnonzero(is_output)
        inputs = [net for way, nets in self.ports.values() if way == "input" for net in nets]
        driven, times = np.unique(np.concatenate([self.pin_net[pins], inputs]).astype(int), return_counts=True)
        if np.any(times > 1):
            raise Refusal(f"A net must have one driver, {self.net_names[driven[times > 1][0]]!r} has more")
        self.driver[self.pin_net[pins]] = pins
        known = set(driven.tolist()) | {CONST0, CONST1}
        for net in set(np.concatenate([self.pin_net[~is_output], self.output_nets]).astype(int).tolist()) - known:
            raise Refusal(f"A net must have a driver, {self.net_names[net]!r} has none")

    @cached_property
    def pin_instance(self) -> np.ndarray:
        """The instance of each pin."""
        return np.repeat(np.arange(len(self.kind), dtype=np.int32), np.diff(self.pin_start))

    def _clock(self):
        clocked = set(np.flatnonzero(self.is_flop | self.is_gate).tolist()) - self.gate_of.keys()
        clocks = {int(self._clock_net(i)) for i in clocked}
        ports = {int(nets[0]): name for name, (way, nets) in self.ports.items() if way == "input" and len(nets) == 1}
        if not clocks:
            return None
        if len(clocks) > 1 or not clocks <= set(ports):
            names = ", ".join(self.net_names[net] for net in sorted(clocks))
            raise Refusal(f"Registers must have one clock, an input of one bit, not {names}")
        return ports[clocks.pop()]

    def _sort(self):
        """Kahn's algorithm over the combinational instances."""
        instance_of = self.pin_instance
        combinational = ~(self.is_flop | self.is_gate)
        pins = np.flatnonzero(~self.pin_is_output & combinational[instance_of])
        drivers = self.driver[self.pin_net[pins]]
        pins, drivers = pins[drivers >= 0], instance_of[drivers[drivers >= 0]]
        pins, drivers = pins[combinational[drivers]], drivers[combinational[drivers]]
        loads = {}
        for driver, load in zip(drivers.tolist(), instance_of[pins].tolist(), strict=True):
            loads.setdefault(driver, []).append(load)
        waits = np.bincount(instance_of[pins], minlength=len(self.kind)).tolist()
        ready = [i for i in np.flatnonzero(combinational).tolist() if not waits[i]]
        order = []
        while ready:
            following = []
            for i in ready:
                for load in loads.get(i, ()):
                    waits[load] -= 1
                    if waits[load] == 0:
                        following.append(load)
            order += ready
            ready = following
        if len(order) < combinational.sum():
            stuck = next(i for i, count in enumerate(waits) if count)
            raise Refusal(f"Combinational cells must form no loop, {self.instances[stuck]!r} is in one")
        return np.array(order, np.int32)

    def write_verilog(self, path: str | Path) -> None:
        """Write the flat netlist as structural Verilog, under the names used here."""
        with atomic_write(path) as file:
            file.writelines(self._verilog())

    def _verilog(self):
        yield f"module {self.name} ({', '.join(self.ports)});\n"
        named = {CONST0: "1'b0", CONST1: "1'b1"}
        assigns = []
        for port, (way, nets) in sorted(self.ports.items(), key=lambda item: item[1][0]):  # inputs first
            yield f"  {way} {f'[{len(nets) - 1}:0] ' if len(nets) > 1 else ''}{port};\n"
            for bit, net in enumerate(nets.tolist()):
                name = f"{port}[{bit}]" if len(nets) > 1 else port
                if net in named:
                    assigns.append(f"  assign {name} = {named[net]};\n")
                else:
                    named[net] = name
        wires = [net for net in np.unique(self.pin_net).tolist() if net not in named]
        named |= {net: self.net_names[net] for net in wires}
        yield from (f"  wire {named[net]};\n" for net in wires)
        yield from assigns
        for i, instance in enumerate(self.instances):
            pins = ", ".join(f".{identifier(pin)}({named[net]})" for pin, net in self.pin_nets(i).items())
            yield f"  {self.cells[self.kind[i]].name} {instance} ({pins});\n"
        yield "endmodule\n"


def identifier(name: str) -> str:
    r"""A name as Verilog writes it: ``A[0]`` would be bit 0 of a bus ``A``, ``\A[0] `` with the space is the name."""
    return name if _IDENTIFIER.fullmatch(name) else f"\\{name} "


def _top(modules):
    marked = [name for name, module in modules.items() if int(str(module.get("attributes", {}).get("top", "0")), 2)]
    if len(marked) != 1 and len(modules) != 1:
        raise Refusal(f"Netlist must mark one top module, not {len(marked)} of {len(modules)}")
    return marked[0] if marked else next(iter(modules))


def _unique(name, taken):
    """The name, with a number where it is taken; from now on it is."""
    if name not in taken:
        taken.add(name)
        return name
    name = next(each for each in (f"{name}_{n}" for n in count(2)) if each not in taken)
    taken.add(name)
    return name


_CONSTANTS = {"0": CONST0, "1": CONST1, "x": CONST0, "z": CONST0}  # an undefined bit is taken as 0


class _Flattener:
    """Expands module instances, giving nets and instances plain unique names."""

    def __init__(self, modules, library):
        self.modules = modules
        self.library = library
        self.instances = []
        self.origins = []
        self.net_names = ["0", "1"]
        self.same = []  # pairs of nets that a module joins: a wire through it, or a constant that it puts out
        self.taken = set()

    def expand(self, top):
        module = self.modules[top]
        nets = dict(_CONSTANTS)
        ports = {}
        inputs_first = sorted(module["ports"].items(), key=lambda item: item[1]["direction"])  # they name shared nets
        for name, port in inputs_first:
            if port["direction"] not in ("input", "output"):
                raise Refusal(f"Ports must be inputs or outputs, {name!r} is {port['direction']!r}")
            for i, bit in enumerate(port["bits"]):
                if bit not in nets:
                    nets[bit] = self._net(f"{name}[{i}]" if len(port["bits"]) > 1 else name)
            ports[name] = (port["direction"], np.array([nets[bit] for bit in port["bits"]], np.int32))
        self._module(top, "", nets, ())
        number = self._join()
        renumbered = number.tolist()
        if self.same:
            self.instances = [(*names, {pin: renumbered[net] for pin, net in pins.items()})
                              for *names, pins in self.instances]
        return {name: (ports[name][0], number[ports[name][1]].astype(np.int32)) for name in module["ports"]}

    def _join(self):
        """The new number of each net, joined ones having one, the first's; drops the names of the others."""
        first = list(range(len(self.net_names)))

        def find(net):
            while first[net] != net:
                net = first[net]
            return net

        for pair in self.same:
            low, high = sorted(map(find, pair))
            first[high] = low
        kept, number = np.unique([find(net) for net in first], return_inverse=True)
        self.net_names = [self.net_names[net] for net in kept]
        return number

    def _net(self, name):
        self.net_names.append(_unique(name, self.taken))
        return len(self.net_names) - 1

    @cached_property
    def _prepared(self):
        """By module what `_prepare` gives, of those met so far."""
        return {}

    def _prepare(self, kind):
        """A module's names of bits, and of each cell its name, its place, its type and its pins; of a module's instance
        the pairs of bits inside and outside. A module is used many times."""
        module = self.modules[kind]
        cells = []
        for name, cell in module["cells"].items():
            pins, of = cell["connections"], cell["type"]
            if of in self.modules and not self.library.has(of):
                ports = self.modules[of]["ports"]
                bits = [pair for port, inside in ports.items()
                        for pair in zip(inside["bits"], pins.get(port, ()), strict=False)]
                cells.append((_plain(name), _place(name), of, bits, True))
                continue
            known = self.library.cells.get(of.lstrip("\\"))
            pins = [each for pin, bits in pins.items() for each in _as_pins(pin, bits, known)]
            if any(len(bits) != 1 for _, bits in pins):
                raise Refusal(f"Netlist must be mapped to cells, {name!r} is a {of!r}")
            cells.append((_plain(name), _place(name), of.lstrip("\\"), [(pin, bits[0]) for pin, bits in pins], False))
        return _public_names(module), cells

    def _module(self, kind, path, nets, origin):
        if kind not in self._prepared:
            self._prepared[kind] = self._prepare(kind)
        names, cells = self._prepared[kind]
        prefix = path.replace("/", "__") + "__" if path else ""

        def net(bit):
            if bit not in nets:
                nets[bit] = self._net(prefix + names.get(bit, f"n{bit}"))
            return nets[bit]

        for plain, place, of, pins, inside in cells:
            plain = plain or f"g{len(self.instances)}"
            if inside:
                inner = dict(_CONSTANTS)
                for bit, outside in pins:
                    known = inner.setdefault(bit, net(outside))
                    if known != net(outside):
                        self.same.append((known, net(outside)))
                self._module(of, f"{path}/{plain}" if path else plain, inner, (*origin, *place))
            else:
                self.instances.append((_unique(prefix + plain, self.taken), path, of,
                                       {pin: nets[bit] if bit in nets else net(bit) for pin, bit in pins}))
                self.origins.append(".".join((*origin, *place)))


def _plain(name):
    """A cell's name as an identifier; that of a register, which Yosys names after what it drives, with ``_reg``; "" of
    one that has no name of its own."""
    if name.endswith("$_DFF_P_"):
        return re.sub(r"\W+", "_", name.removesuffix("$_DFF_P_")).strip("_") + "_reg"
    return name.replace(".", "_") if _PUBLIC.match(name) else ""


def _place(name):
    """A cell's place in its module of the Verilog: names of flattened instances, and its own; Yosys' names are none."""
    name, register, _ = name.partition("$_DFF_P_")
    if register:
        name = re.sub(r"\[\d+\]\Z", "", name)
    return tuple(name.split(".")) if _PUBLIC.match(name) else ()


def _as_pins(pin, bits, cell):
    """(pin, its one bit) of a cell's connection. Of pins ``A[0]``, ``A[1]`` mappers may make one connection ``A`` of
    two bits; one that no such pin has is "x"."""
    if cell is None or pin in cell.pins:
        return [(pin, bits)]
    found = [(f"{pin}[{i}]", [bit]) for i, bit in enumerate(bits) if f"{pin}[{i}]" in cell.pins]
    return found or [(pin, bits)]


def _public_names(module):
    """Bit to a name a person gave it, made an identifier."""
    names = {}
    for name, entry in module.get("netnames", {}).items():
        if not entry.get("hide_name") and not name.startswith("$"):
            plain = re.sub(r"\W", "_", name)
            plain = plain if _IDENTIFIER.match(plain) else f"n_{plain}"
            for i, bit in enumerate(entry["bits"]):
                names.setdefault(bit, f"{plain}_{i}" if len(entry["bits"]) > 1 else plain)
    return names
