"""Static timing of a mapped netlist.

The method is OpenSTA's, so that its figures are: delays and slews from the library's tables at the actual slew and
load, linear between and beyond their points; at each pin the worst slew of all arcs, for rising and falling edges
apart; every conditional arc counts; wires have no delay and the clock is ideal, through clock gates as well: their
output rises when the clock does, and what opens them must be there a setup time before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numba
import numpy as np

from ..golden.refusal import Refusal
from .cells import FALL, RISE
from .library import Library
from .netlist import CONST0, CONST1, Netlist
from .packed import PackedCells, look_up, pack

#: Where paths begin.
FROM_INPUT, FROM_REGISTER = 0, 1
_NEVER = -1e30
_EDGES = ("rise", "fall")


@dataclass(frozen=True)
class Constraints:
    """What surrounds a design.

    Parameters
    ----------
    driving_cell : str or None
        Cell that drives each input except the clock, its own input ideal; None: inputs have ``input_slew_ps``.
    output_load_ff : float
        On each bit of each output.
    input_slew_ps, clock_slew_ps : float
        Slew at an undriven input, and at every clock pin (an ideal clock: 0).
    wire_load : str or None
        Name of a wire load of the library: capacitance by fanout. None: wires have no capacitance.
    """

    driving_cell: str | None = None
    output_load_ff: float = 0.0
    input_slew_ps: float = 0.0
    clock_slew_ps: float = 0.0
    wire_load: str | None = None

    @classmethod
    def default(cls, library: Library, wire_load: str | None = None) -> Constraints:
        """The library's driving cell and output load, an ideal clock, wires as given."""
        return cls(library.driving_cell.name, library.output_load, wire_load=wire_load)

    def sdc(self, netlist: Netlist, period_ps: float) -> str:
        """The same in SDC, in ps and fF; combinational designs get a virtual clock.

        Every net gets its wire capacitance, 0 if wires have none, lest a tool takes the library's default wire load.
        """
        inputs = " ".join(netlist.inputs)
        lines = ["# ps and fF"]
        if netlist.clock:
            lines.append(f"create_clock -name clock -period {period_ps:.6g} [get_ports {netlist.clock}]")
        else:
            lines.append(f"create_clock -name clock -period {period_ps:.6g}")
        if self.clock_slew_ps and netlist.clock:
            lines.append(f"set_clock_transition {self.clock_slew_ps:.6g} [get_clocks clock]")
        if inputs:
            lines.append(f"set_input_delay 0 -clock clock [get_ports {{{inputs}}}]")
            if self.driving_cell:
                lines.append(f"set_driving_cell -lib_cell {self.driving_cell} [get_ports {{{inputs}}}]")
            elif self.input_slew_ps:
                lines.append(f"set_input_transition {self.input_slew_ps:.6g} [get_ports {{{inputs}}}]")
        lines += ["set_output_delay 0 -clock clock [all_outputs]", f"set_load {self.output_load_ff:.6g} [all_outputs]"]
        lines.append("set_load 0 [get_nets *]")
        if self.wire_load is not None:
            wire = _wire(netlist.library, self.wire_load, _fanout(netlist))
            inside = sorted(set(np.flatnonzero(wire).tolist()) - set(netlist.output_nets.tolist()) - {CONST0, CONST1})
            lines += [f"set_load {wire[net]:.6g} [get_nets {{{netlist.net_names[net]}}}]" for net in inside]
            # at an output, a load on the net is ignored
            lines += [f"set_load {self.output_load_ff + wire[net]:.6g} [get_ports {{{name}}}]"
                      for name, net in netlist.port_bits("output")]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Stage:
    """One pin of a path: the transition there, when it comes, how steep it is and what it drives."""

    pin: str
    cell: str | None
    edge: str
    delay_ps: float
    arrival_ps: float
    slew_ps: float
    load_ff: float | None


@dataclass(eq=False)
class Timing:
    """What `analyse` found.

    Attributes
    ----------
    delay_ps : float
        The longest path: into a register with its setup time, or to an output. 0 for a design without paths.
    groups : dict of str to float
        The longest path of each kind that there is: ``input_to_output``, ``input_to_register``,
        ``register_to_register``, ``register_to_output``.
    path : list of Stage
        The longest path, from its start on; a register at the end adds a last stage, its setup time.
    slew, load, arrival : ndarray, shape (nets, 2)
        Of each net, rising and falling, in ps and fF; arrival is the later of both path starts, below zero if none.
    edge_start, edge_delay : ndarray
        ``edge_delay[edge_start[i] + e]`` is the delay in ps of edge e (`packed.PackedCells`) of instance i.
    packed : PackedCells
    constraints : Constraints
    """

    netlist: Netlist
    constraints: Constraints
    packed: PackedCells
    delay_ps: float
    groups: dict
    slew: np.ndarray
    load: np.ndarray
    arrival: np.ndarray
    edge_start: np.ndarray
    edge_delay: np.ndarray
    endpoint: tuple | None = None
    _cause: np.ndarray | None = field(default=None, repr=False)

    @property
    def min_period_ps(self) -> float | None:
        """The shortest clock period, None for a combinational design."""
        return self.delay_ps if self.netlist.clock else None

    @property
    def fmax_mhz(self) -> float | None:
        return 1e6 / self.delay_ps if self.netlist.clock and self.delay_ps else None

    @cached_property
    def path(self) -> list:
        return _trace(self)


def analyse(netlist: Netlist, library: Library | None = None, constraints: Constraints | None = None) -> Timing:
    """Time a netlist.

    Parameters
    ----------
    netlist : Netlist
    library : Library, optional
        The netlist's own by default.
    constraints : Constraints, optional
        `Constraints.default` of the library.

    Raises
    ------
    Refusal
        If a constraint names what the library lacks, or a register is not one of a rising edge.
    """
    library = library or netlist.library
    constraints = constraints or Constraints.default(library)
    packed = pack(netlist.cells)
    load = _loads(netlist, library, constraints)
    slew = np.zeros((len(netlist.net_names), 2))
    arrival = np.full((len(netlist.net_names), 2, 2), _NEVER)
    _drive_inputs(netlist, library, constraints, load, slew, arrival)
    for gate in set(netlist.gate_of.values()):
        _clocked(netlist.pin_nets(gate)[netlist.cells[netlist.kind[gate]].gate.output], constraints, slew, arrival)
    for cell in netlist.cells:
        if cell.flop and cell.flop.edge != "rising":
            raise Refusal(f"Registers must take data at the rising edge, {cell.name} does not")
    edge_counts = np.diff(packed.edge_start)[netlist.kind] if len(netlist.kind) else np.zeros(0, int)
    edge_start = np.concatenate([[0], np.cumsum(edge_counts)]).astype(np.int64)
    edge_delay = np.zeros(edge_start[-1])
    cause = np.full((len(netlist.net_names), 2, 2, 2), -1, np.int32)
    registers = np.flatnonzero(netlist.is_flop).astype(np.int32)
    _propagate(np.concatenate([registers, netlist.order]), len(registers), netlist.kind, netlist.pin_start,
               netlist.pin_net, packed.inputs, packed.edge_start, packed.edge_in, packed.edge_out, packed.edge_in_rf,
               packed.edge_out_rf, packed.edge_delay, packed.edge_slew, *packed.tables, constraints.clock_slew_ps, load,
               slew, arrival, cause, edge_start, edge_delay)
    groups, worst, endpoint = _endpoints(netlist, constraints, slew, arrival)
    return Timing(netlist, constraints, packed, worst, groups, slew, load, arrival.max(axis=2), edge_start, edge_delay,
                  endpoint, cause)


def _loads(netlist, library, constraints):
    """fF that each net's driver sees, rising and falling: every pin on the net, outputs of the design, the wire."""
    own = [np.array([cell.pins[pin].capacitance for pin in cell.inputs + cell.outputs]) for cell in netlist.cells]
    capacitance = np.concatenate([own[k] for k in netlist.kind] or [np.zeros((0, 2))])
    count = len(netlist.net_names)
    load = np.stack([np.bincount(netlist.pin_net, capacitance[:, rf], count) for rf in (RISE, FALL)], axis=1)
    np.add.at(load, netlist.output_nets, constraints.output_load_ff)
    if constraints.wire_load is not None:
        load += _wire(library, constraints.wire_load, _fanout(netlist))[:, None]
    return load


def _fanout(netlist):
    """Pins and outputs of the design that each net feeds."""
    fed = netlist.pin_net[~netlist.pin_is_output]
    return np.bincount(np.concatenate([fed, netlist.output_nets]), minlength=len(netlist.net_names))


def _wire(library, name, fanout):
    """fF of wire by fanout: the model's points, linear between them, its slope beyond."""
    if name not in library.wire_loads:
        raise Refusal(f"Wire load must be one of {', '.join(library.wire_loads) or 'none'}, not {name!r}")
    model = library.wire_loads[name]
    within = np.interp(fanout, model["fanout"], model["ff"])
    beyond = np.maximum(fanout - model["fanout"][-1], 0) * model["slope_ff"]
    return np.where(fanout > 0, within + beyond, 0.0)


def _drive_inputs(netlist, library, constraints, load, slew, arrival):
    """Slew of the input nets, and the delay that their load costs the driving cell beyond its unloaded one."""
    for name in netlist.inputs:
        nets = netlist.ports[name][1]
        slew[nets] = constraints.input_slew_ps
        arrival[nets, :, FROM_INPUT] = 0.0
        if constraints.driving_cell is not None:
            cell = library.cell(constraints.driving_cell)
            for arc in cell.arcs:
                for rf in (RISE, FALL):
                    if arc.source == cell.inputs[0] and arc.delay[rf] is not None:
                        at = load[nets, rf]
                        arrival[nets, rf, FROM_INPUT] = arc.delay[rf](0.0, at) - arc.delay[rf](0.0, 0.0)
                        slew[nets, rf] = np.maximum(arc.slew[rf](0.0, at), 0.0)
    if netlist.clock:
        _clocked(netlist.ports[netlist.clock][1], constraints, slew, arrival)


def _clocked(nets, constraints, slew, arrival):
    """Nets of the ideal clock."""
    slew[nets] = constraints.clock_slew_ps
    arrival[nets, :, FROM_REGISTER] = 0.0


@numba.njit(cache=True)
def _propagate(sequence, registers, kind, pin_start, pin_net, inputs, cell_edges, edge_in, edge_out, edge_in_rf,
               edge_out_rf, delay_table, slew_table, x, y, values, shape, clock_slew, load, slew, arrival, cause,
               edge_start, edge_delay):
    """Slews, arrivals and edge delays of every instance in ``sequence``, drivers before loads."""
    for position in range(len(sequence)):
        i = sequence[position]
        first_pin = pin_start[i]
        k = kind[i]
        first = cell_edges[k]
        for e in range(first, cell_edges[k + 1]):
            source = pin_net[first_pin + edge_in[e]]
            target = pin_net[first_pin + inputs[k] + edge_out[e]]
            a, b = edge_in_rf[e], edge_out_rf[e]
            constant = source < 2
            in_slew = clock_slew if position < registers else (0.0 if constant else slew[source, a])
            delay = look_up(x, y, values, shape, delay_table[e], in_slew, load[target, b])
            edge_delay[edge_start[i] + e - first] = delay
            if constant:
                continue
            out_slew = max(look_up(x, y, values, shape, slew_table[e], in_slew, load[target, b]), 0.0)
            if out_slew > slew[target, b]:
                slew[target, b] = out_slew
            for start in range(2):
                at = arrival[source, a, start]
                if at > -1e29 and at + delay > arrival[target, b, start]:
                    arrival[target, b, start] = at + delay
                    cause[target, b, start, 0] = i
                    cause[target, b, start, 1] = e - first


def _endpoints(netlist, constraints, slew, arrival):
    """The longest path of each kind, and of all with its end: (net, edge, start, setup time, instance or -1)."""
    outputs = netlist.output_nets
    ends = {"output": (np.tile(outputs, 2), np.repeat([RISE, FALL], len(outputs)), np.zeros(2 * len(outputs)),
                       np.full(2 * len(outputs), -1)),
            "register": _setups(netlist, constraints, slew)}
    groups, worst, endpoint = {}, 0.0, None
    for start, origin in enumerate(("input", "register")):
        for end, (nets, edges, setup, instances) in ends.items():
            at = arrival[nets, edges, start]
            reached = np.flatnonzero(at > _NEVER / 2)
            if len(reached):
                last = reached[np.argmax((at + setup)[reached])]
                groups[f"{origin}_to_{end}"] = delay = float(at[last] + setup[last])
                if delay > worst or endpoint is None:
                    worst = delay
                    endpoint = (int(nets[last]), int(edges[last]), start, float(setup[last]), int(instances[last]))
    return groups, worst, endpoint


def _setups(netlist, constraints, slew):
    """Nets, edges, setup times and instances of every data pin of the registers, and of what opens clock gates."""
    columns = [[np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0, int)]]
    for k, cell in enumerate(netlist.cells):
        instances = np.flatnonzero(netlist.kind == k)
        for check in cell.checks if cell.clocked else ():
            nets = netlist.pin_net[netlist.pin_start[instances] + cell.inputs.index(check.pin)].astype(int)
            used = nets > CONST1
            for rf in (RISE, FALL):
                if check.time[rf] is not None:
                    time = check.time[rf](constraints.clock_slew_ps, slew[nets[used], rf])
                    columns.append([nets[used], np.full(used.sum(), rf), time, instances[used]])
    return [np.concatenate(column) for column in zip(*columns, strict=True)]


def _trace(timing):
    """Backwards from the endpoint."""
    if timing.endpoint is None:
        return []
    netlist, (net, rf, start, setup, end) = timing.netlist, timing.endpoint
    stages = []
    total = timing.delay_ps
    if end >= 0:
        cell = netlist.cells[netlist.kind[end]]
        pin = next(pin for pin, n in netlist.pin_nets(end).items() if n == net and pin in cell.inputs)
        stages.append(Stage(f"{netlist.instances[end]}/{pin}", cell.name, _EDGES[rf], setup, total,
                            float(timing.slew[net, rf]), None))
        total -= setup
    while True:
        i, e = timing._cause[net, rf, start]
        slew, load = float(timing.slew[net, rf]), float(timing.load[net, rf])
        if i < 0:
            stages.append(Stage(netlist.net_names[net], None, _EDGES[rf], total, total, slew, load))
            return stages[::-1]
        k = netlist.kind[i]
        cell = netlist.cells[k]
        at = timing.packed.edge_start[k] + e
        delay = float(timing.edge_delay[timing.edge_start[i] + e])
        output = cell.outputs[timing.packed.edge_out[at]]
        stages.append(Stage(f"{netlist.instances[i]}/{output}", cell.name, _EDGES[rf], delay, total, slew, load))
        total -= delay
        net = netlist.pin_net[netlist.pin_start[i] + timing.packed.edge_in[at]]
        rf = timing.packed.edge_in_rf[at]


__all__ = ["Constraints", "Stage", "Timing", "analyse"]
