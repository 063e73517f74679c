"""Sums by algebra: gates of full adders put for what they add, and additions left whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import permutations, product

from .exhaust import Circuit
from .logic import Logic
from .reading import modules

#: The gates of a tree, its additions left out, and of each addition whether its operands are signed.
Tree = tuple[Circuit, list[list[int]]]


def load(verilog: Mapping[str, str]) -> dict[str, Tree]:
    """Trees of Verilog texts, by the name of the top module, as `_tree` reads one."""
    return {name: _tree(name, text) for name, text in verilog.items()}


def _tree(name, text):
    """A module as gates, with additions left whole: its registers and its additions become ports of a `Circuit`; and
    of each addition whether its operands are signed."""
    module = modules({name: text}, [f"hierarchy -check -top {name}", "proc", "flatten -noscopeinfo", "opt_clean",
                                    "simplemap", "opt_clean"])[name]
    flops, sums, gates = [], [], {}
    for name, cell in module["cells"].items():
        if cell["type"] == "$_DFF_P_":
            flops.append(cell["connections"])
        elif cell["type"] == "$add":
            sums.append(cell)
        else:
            gates[name] = cell
    ports = module["ports"] | {"$state": {"direction": "input", "bits": [flop["Q"][0] for flop in flops]},
                               "$next": {"direction": "output", "bits": [flop["D"][0] for flop in flops]}}
    for n, cell in enumerate(sums):
        ports |= {f"$add{n}{pin}": {"direction": "input" if pin == "Y" else "output", "bits": bits}
                  for pin, bits in cell["connections"].items()}
    signed = [[int(cell["parameters"][f"{pin}_SIGNED"], 2) for pin in "AB"] for cell in sums]
    return Circuit({"ports": ports, "cells": gates}), signed


class Linear:
    """A sum of literals with weights, modulo a power of two."""

    def __init__(self, logic: Logic, bits: int) -> None:
        self.logic, self.mask, self.constant = logic, (1 << bits) - 1, 0
        self.weights: dict[int, int] = {}

    def add(self, literal: int, weight: int) -> None:
        """Add a literal so many times: ~x is 1 - x."""
        if literal & 1:
            self.constant, weight = self.constant + weight & self.mask, -weight
        node = literal >> 1
        self.weights[node] = self.weights.get(node, 0) + weight & self.mask
        if not node or not self.weights[node]:
            del self.weights[node]

    def add_word(self, literals: Sequence[int], weight: int = 1, signed: bool = False, width: int = 0) -> None:
        """Add a word, extended to ``width``, so many times."""
        for place in range(max(width, len(literals))):
            if place < len(literals) or signed:
                self.add(literals[min(place, len(literals) - 1)], weight << place)

    def simplify(self, kept: Collection[int] = ()) -> None:
        """Put x + y for x ^ y and 2 (x & y), and x + y + z for x ^ y ^ z and twice their majority, while there is one:
        a weight w on x ^ y ^ z is one on x, y and z, less 2w on the majority. ``kept`` nodes stay."""
        changed = True
        while changed:
            changed = False
            for node in sorted(self.weights.keys() - set(kept), reverse=True):
                changed |= self.logic.nodes[node][0] == 2 and self._without(node)

    def _without(self, node):
        if not (weight := self.weights.get(node, 0)):
            return False
        for terms in self._terms(*self.logic.nodes[node][1:]):
            for flips in product((0, 1), repeat=len(terms)):
                flipped = [literal ^ flip for literal, flip in zip(terms, flips, strict=True)]
                size = -weight if sum(flips) % 2 else weight  # of the sum of what is flipped
                for carry in self._carries(flipped) if 2 * size & self.mask else (0,):
                    wanted = -2 * size if carry & 1 else 2 * size
                    if not carry or self.weights.get(carry >> 1) == wanted & self.mask:
                        self.add(2 * node | sum(flips) % 2, -size)
                        self.add(carry, -2 * size)
                        for literal in flipped:
                            self.add(literal, size)
                        return True
        return False

    def _terms(self, u, v):
        yield u, v
        for x, y in ((u, v), (v, u)):
            kind, *parts = self.logic.nodes[x >> 1]
            if kind == 2:
                yield *parts, y

    def _carries(self, terms):
        logic = self.logic
        if len(terms) == 2:
            yield logic.and_(*terms)
        else:
            for x, y, z in permutations(terms):
                yield logic.or_(logic.or_(logic.and_(x, y), logic.and_(x, z)), logic.and_(y, z))


def outputs(circuit: Circuit, signed: Sequence[Sequence[int]], logic: Logic, given: Mapping[str, Sequence[int]],
            ) -> tuple[dict[str, list[int]], Callable[[Sequence[int]], Linear]]:
    """The outputs of a `Tree` for literals by port; and a function that writes a word of them as a `Linear` modulo its
    width, additions and their complements put for what they add."""
    given = dict(given) | {name: logic.inputs(size) for name, size in circuit.inputs.items() if name not in given}
    found = circuit.build(logic, given)
    results = [given[f"$add{n}Y"] for n in range(len(signed))]

    def written(word):
        total = Linear(logic, len(word))

        def add(literals, sign, weight):
            literals = literals[: len(word)]
            for n, result in enumerate(results):
                for flip in (0, 1):  # ~x is -x - 1
                    if [literal ^ flip for literal in literals] == result[: len(word)]:
                        total.constant = total.constant - flip * weight & total.mask
                        for pin in "AB":
                            add(found[f"$add{n}{pin}"], all(signed[n]), -weight if flip else weight)
                        return
            total.add_word(literals, weight, sign, len(word))

        add(list(word), False, 1)
        return total

    return found, written
