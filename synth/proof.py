"""Mapped netlists as circuits that can be proved equal to the Verilog they were mapped from."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..prove import exhaust, machine
from ..prove.equivalence import Step, Verdict, compare, twins
from ..prove.logic import FALSE, TRUE, Logic
from . import boolean
from .netlist import CONST0, CONST1, Netlist


def references(verilog: Mapping[str, str], registered: bool = False) -> dict[str, Any]:
    """What netlists are compared with: circuits of Verilog texts, by top module; in one run of Yosys."""
    return (machine if registered else exhaust).load(verilog)


def prove(reference: Any, netlists: Sequence[Netlist], seconds: float = 60.0) -> list[Verdict]:
    """Prove that mapped netlists compute what their Verilog does: registered ones that from states that match they give
    the same outputs, and states that match again.

    Parameters
    ----------
    reference : Circuit or Machine
        Of `references`.
    netlists : list of Netlist
    seconds : float
        Time limit of the solver for each.

    Returns
    -------
    list of Verdict
        ``undecided`` also where a register matters that has no partner of its name on the other side.
    """
    circuits = [MappedCircuit(netlist) for netlist in netlists]
    if not isinstance(reference, machine.Machine):
        return compare(reference, circuits, seconds)
    return [_matched(reference, circuit, seconds) for circuit in circuits]


def _matched(reference, circuit, seconds):
    names = sorted(set(reference.names) & set(circuit.names))
    try:
        [verdict] = compare(Step(reference, names, twins(reference, names)), [Step(circuit, names)], seconds)
    except ValueError as error:
        return Verdict("undecided", str(error), 0.0)
    return verdict


class MappedCircuit:
    """A `Netlist`, its cells by the functions that their library states; the clock is left out.

    Attributes
    ----------
    inputs, outputs : dict of str to int
        Widths of the ports.
    names : list of str
        Of each register, as `register_name` gives it.
    """

    def __init__(self, netlist: Netlist) -> None:
        self.netlist = netlist
        self.inputs = {name: len(netlist.ports[name][1]) for name in netlist.inputs}
        self.outputs = {name: len(netlist.ports[name][1]) for name in netlist.outputs}
        self._flops = np.flatnonzero(netlist.is_flop).tolist()
        self.names = [machine.register_name(netlist.instances[i]) for i in self._flops]

    def build(self, logic: Logic, inputs: Mapping[str, list[int]]) -> dict[str, list[int]]:
        """Output literals from input literals, by port, in a `Logic`; of a netlist without registers."""
        return self.step(logic, [], inputs)[0]

    def step(self, logic: Logic, state: list[int], inputs: Mapping[str, list[int]]) -> tuple[dict[str, list[int]],
             list[int]]:
        """A cycle: outputs by port, and the next state, from literals."""
        nets = {CONST0: FALSE, CONST1: TRUE}
        for name, literals in inputs.items():
            nets.update(zip(self.netlist.ports[name][1].tolist(), literals, strict=True))
        for i, literal in zip(self._flops, state, strict=True):
            flop = self._cell(i).flop
            self._drive(logic, nets, i, {flop.q: literal, flop.qn: literal ^ 1})
        for i in self.netlist.order.tolist():
            pins = self.netlist.pin_nets(i)
            self._drive(logic, nets, i, {pin: nets.get(pins[pin], FALSE) for pin in self._cell(i).inputs})
        following = [self._next(logic, nets, i, literal) for i, literal in zip(self._flops, state, strict=True)]
        return {name: [nets[net] for net in self.netlist.ports[name][1].tolist()] for name in self.outputs}, following

    def _next(self, logic, nets, i, held):
        """What a register holds after the clock's edge; one behind a clock gate takes its data when that is open."""
        data = nets[self.netlist.pin_nets(i)[self._cell(i).flop.data]]
        gate = self.netlist.gate_of.get(i)
        if gate is None:
            return data
        opened = nets[self.netlist.enable(gate)]
        return logic.mux(opened, data, held)

    def _cell(self, i):
        return self.netlist.cells[self.netlist.kind[i]]

    def _drive(self, logic, nets, i, values):
        """Nets that an instance drives, from what its functions are of."""
        pins, cell = self.netlist.pin_nets(i), self._cell(i)
        for pin in cell.outputs:
            nets[pins[pin]] = _literal(logic, boolean.parse(cell.pins[pin].function), values)


def _literal(logic, expression, values):
    kind, *parts = expression
    if kind == "pin":
        return values[parts[0]]
    if kind == "const":
        return TRUE if parts[0] else FALSE
    literals = [_literal(logic, part, values) for part in parts]
    if kind == "not":
        return literals[0] ^ 1
    return {"and": logic.and_, "or": logic.or_, "xor": logic.xor}[kind](*literals)
