"""Mapped netlists as circuits that can be proved equal to the Verilog they were mapped from."""

from ..prove.equivalence import compare
from ..prove.exhaust import load
from ..prove.logic import FALSE, TRUE
from . import boolean
from .netlist import CONST0, CONST1


class MappedCircuit:
    """A `Netlist` of combinational cells, each by the function its library states.

    Attributes
    ----------
    inputs, outputs : dict of str to int
        Widths of the ports.
    """

    def __init__(self, netlist):
        if netlist.flip_flops:
            raise ValueError(f"Netlist must have no registers, {netlist.name} has {netlist.flip_flops}")
        self.netlist = netlist
        self.inputs = {name: len(netlist.ports[name][1]) for name in netlist.inputs}
        self.outputs = {name: len(netlist.ports[name][1]) for name in netlist.outputs}

    def build(self, logic, inputs):
        """Output literals from input literals, by port, in a `Logic`."""
        nets = {CONST0: FALSE, CONST1: TRUE}
        for name, literals in inputs.items():
            nets.update(zip(self.netlist.ports[name][1].tolist(), literals, strict=True))
        for i in self.netlist.order.tolist():
            cell = self.netlist.cells[self.netlist.kind[i]]
            pins = self.netlist.pin_nets(i)
            values = {pin: nets.get(pins[pin], FALSE) for pin in cell.inputs}
            for pin in cell.outputs:
                if pins[pin] >= 0:
                    nets[pins[pin]] = _literal(logic, boolean.parse(cell.pins[pin].function), values)
        return {name: [nets[net] for net in self.netlist.ports[name][1].tolist()] for name in self.outputs}


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


def references(verilog):
    """Circuits of combinational Verilog texts, by the name of the top module: what netlists are compared with.

    One run of Yosys for all; picklable. Raises YosysError as `lmul.prove.exhaust.load` does.
    """
    return load(verilog)


def prove(reference, netlists, seconds=60.0):
    """Prove that mapped netlists compute what their Verilog does.

    Parameters
    ----------
    reference : Circuit
        Of `references`.
    netlists : list of Netlist
        Of one design, combinational.
    seconds : float
        Time limit of the solver for each.

    Returns
    -------
    list of Verdict
        ``state`` is ``proved``, ``refuted`` (``counterexample`` has the codes by port) or ``not decided``; ``means`` is
        ``exhaustive`` or ``sat``; ``seconds``.
    """
    return compare(reference, [MappedCircuit(netlist) for netlist in netlists], seconds)
