"""Full adders whose cells give both outputs inverted: where inverters go between them.

A full adder of three inverted bits gives the inverted sum and carry. So where a cell inverts both, and it takes
inverted bits, it gives the true ones; in a tree of them every other level takes what the level before gives, and hardly
an inverter is left. Mapped one by one, each would have two.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

BOX = "LMUL_FULL_ADDER"
_INPUTS, _OUTPUTS = "abc", ("sum", "carry")


class _Adders:
    """The boxes of full adders in a module, as Yosys' JSON has it.

    Attributes
    ----------
    names : list of str
    gives : dict of (name, pin) to net
    takes : dict of (name, pin) to (net, whether inverted)
        A net that is made of another one by inverters is told as that one.
    source : dict of net to name
    takers : dict of net to list of (name, or None for a port, whether inverted)
    """

    def __init__(self, module: Mapping[str, Any]) -> None:
        cells = module["cells"]
        inverters = {cell["connections"]["Y"][0]: cell["connections"]["A"][0]
                     for cell in cells.values() if cell["type"] == "$_NOT_"}

        def traced(bit):
            odd = False
            while bit in inverters:
                bit, odd = inverters[bit], not odd
            return bit, odd

        self.names = sorted(name for name, cell in cells.items() if cell["type"] == BOX)
        self.gives = {(name, pin): cells[name]["connections"][pin][0] for name in self.names for pin in _OUTPUTS}
        self.takes = {(name, pin): traced(cells[name]["connections"][pin][0])
                      for name in self.names for pin in _INPUTS}
        self.source = {net: name for (name, _), net in self.gives.items()}
        self.takers = {}
        for (name, _), (net, odd) in self.takes.items():
            self.takers.setdefault(net, []).append((name, odd))
        for port in module["ports"].values():
            for net, odd in map(traced, port["bits"] if port["direction"] == "output" else ()):
                self.takers.setdefault(net, []).append((None, odd))
        self._nets, self._near = {name: set() for name in self.names}, {name: set() for name in self.names}
        for net, some in self.takers.items():
            around = {self.source.get(net), *(name for name, _ in some)} - {None}
            for name in around:
                self._nets[name].add(net)
                self._near[name] |= around

    def turned(self) -> set[str]:
        """Those that shall take inverted bits, so that few inverters are left.

        From every other level on, full adders are turned over, each once in a pass, the one first that saves most or
        costs least; a pass ends where the fewest inverters were left (Fiduccia and Mattheyses 1982).
        """
        turned, saved = self._odd_levels(), True
        while saved:
            costs = {name: self._cost(name, turned) for name in self.names}
            order, total, saved, kept = [], 0, 0, 0
            while costs:
                name = min(costs, key=lambda each: (costs[each], each))
                total += costs.pop(name)
                turned ^= {name}
                order.append(name)
                if -total > saved:
                    saved, kept = -total, len(order)
                for near in self._near[name] & costs.keys():
                    costs[near] = self._cost(near, turned)
            turned ^= set(order[kept:])
        return turned

    def inverted(self, net: Any, turned: set[str]) -> bool:
        """Whether what is there of a net is its inverse."""
        return net in self.source and self.source[net] not in turned

    def inverters(self, turned: set[str], nets: Iterable | None = None) -> int:
        """That are needed, for these nets or all."""
        return sum(any(odd ^ (name in turned) ^ self.inverted(net, turned) for name, odd in self.takers[net])
                   for net in (self.takers if nets is None else nets))

    def _cost(self, name, turned):
        """Inverters more, were this one turned over."""
        return self.inverters(turned ^ {name}, self._nets[name]) - self.inverters(turned, self._nets[name])

    def _odd_levels(self):
        """The full adders at every other level, counted from the inputs."""
        level = {}
        for first in self.names:
            waiting = [first]
            while waiting:
                before = [self.source[net] for pin in _INPUTS
                          if (net := self.takes[waiting[-1], pin][0]) in self.source]
                missing = [name for name in before if name not in level]
                waiting += missing
                if not missing:
                    level[waiting.pop()] = 1 + max((level[name] for name in before), default=-1)
        return {name for name, far in level.items() if far % 2}


def with_inverted_outputs(modules: Mapping[str, Any]) -> dict[str, Any]:
    """Modules, as Yosys' JSON has them, whose boxes of full adders give both outputs inverted, as the cells do, with
    inverters where that is not what is taken."""
    return {name: _rewired(module) for name, module in modules.items()}


def _rewired(module):
    adders = _Adders(module)
    turned = adders.turned()
    cells = dict(module["cells"])
    bits = (bit for net in module["netnames"].values() for bit in net["bits"] if isinstance(bit, int))
    fresh = count(1 + max(bits, default=0))
    inverse: dict[Any, Any] = {"0": "1", "1": "0"}

    def inverter(source, target):
        cells[f"{BOX}_not_{target}"] = {
            "type": "$_NOT_", "parameters": {}, "attributes": {}, "connections": {"A": [source], "Y": [target]},
            "port_directions": {"A": "input", "Y": "output"}}

    for net in adders.source:
        if adders.inverted(net, turned):
            inverse[net] = next(fresh)
            inverter(inverse[net], net)
    for name in adders.names:
        pins = {}
        for pin in _OUTPUTS:
            net = adders.gives[name, pin]
            pins[pin] = [net if name in turned else inverse[net]]
        for pin in _INPUTS:
            net, odd = adders.takes[name, pin]
            if odd ^ (name in turned):
                if net not in inverse:
                    inverse[net] = next(fresh)
                    inverter(net, inverse[net])
                net = inverse[net]
            pins[pin] = [net]
        cells[name] = cells[name] | {"connections": pins}
    return module | {"cells": cells}
