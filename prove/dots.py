"""Sums of the lanes of a `dot`: carry-save trees, by algebra on the gates of their Verilog."""

import json
import tempfile
from itertools import permutations, product
from pathlib import Path

from bitwuzla import Kind

from ..golden.formats import IntFormat
from ..golden.spec import Accumulator
from ..hdl import yosys
from ..hdl.accumulator import Sum
from ..hdl.addend import Addend
from ..hdl.dot import IntTree
from ..hdl.verilog import convert
from . import exhaust
from .exhaust import Circuit
from .logic import TRUE, Logic
from .solver import PROVED, UNDECIDED, Question, proof


def _load(text):
    """A module ``tree`` as gates, with additions left whole: its registers and its additions become ports of a
    `Circuit`; and the additions, as widths of both operands, whether they are signed, and of the result."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "tree.v").write_text(text)
        yosys.run(["read_verilog tree.v", "hierarchy -check -top tree", "proc", "flatten -noscopeinfo", "opt_clean",
                   "simplemap", "opt_clean", "write_json tree.json"], folder)
        module = json.loads((folder / "tree.json").read_text())["modules"]["tree"]
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


class _Linear:
    """A sum of literals with weights, modulo a power of two."""

    def __init__(self, logic, bits):
        self.logic, self.mask, self.weights, self.constant = logic, (1 << bits) - 1, {}, 0

    def add(self, literal, weight):
        if literal & 1:
            self.constant, weight = self.constant + weight & self.mask, -weight
        node = literal >> 1
        self.weights[node] = self.weights.get(node, 0) + weight & self.mask
        if not node or not self.weights[node]:
            del self.weights[node]

    def add_word(self, literals, weight=1, signed=False, width=0):
        """A word, extended to ``width``."""
        for place in range(max(width, len(literals))):
            if place < len(literals) or signed:
                self.add(literals[min(place, len(literals) - 1)], weight << place)

    def simplify(self):
        """Puts x + y for x ^ y and 2 (x & y), and x + y + z for x ^ y ^ z and twice their majority, while there is one:
        a weight w on x ^ y ^ z is one on x, y and z, less 2w on the majority."""
        changed = True
        while changed:
            changed = False
            for node in sorted(self.weights, reverse=True):
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


def integers(width, count, text=None):
    """Whether a tree of integers gives their sum a cycle later, whatever they are.

    Parameters
    ----------
    width, count : int
        As of `IntTree`.
    text : str
        Verilog of a module ``tree`` to be examined; by default that of `IntTree`.

    Returns
    -------
    (verdict, witness)
        ``undecided`` if the algebra leaves anything over: it finds no witness.
    """
    (circuit, signed), logic = _load(text or convert({"tree": IntTree(width, count)})["tree"]), Logic()
    given = {name: logic.inputs(size) for name, size in circuit.inputs.items()} | {"en": [TRUE]}
    found = circuit.build(logic, given)
    after, bits = dict(zip(given["$state"], found["$next"], strict=True)), len(found["sum"])
    if len(signed) != 1 or any(literal not in after for literal in found["sum"]):
        return UNDECIDED, ""
    if [after[literal] for literal in found["sum"]] != given["$add0Y"]:
        return UNDECIDED, ""
    total = _Linear(logic, bits)
    for pin in "AB":
        total.add_word(found[f"$add0{pin}"], 1, all(signed[0]), bits)
    total.simplify()
    for lane in range(count):
        total.add_word(given["p"][lane * width : (lane + 1) * width], -1, True, bits)
    return UNDECIDED if total.weights or total.constant else PROVED, ""


def added(width, limit=120):
    """Whether the adder of a sum of integers adds one of ``width`` bits, modulo its own width."""
    fmt, logic = Accumulator("int").result, Logic()
    adder = Sum(fmt, Addend(IntFormat("sum", width))).adder()
    acc, p = logic.inputs(fmt.width), logic.inputs(width)
    total = exhaust.load(convert({"adder": adder}))["adder"].build(logic, {"acc": acc, "p": p})["sum"]
    question = Question(logic)
    x, y, found = (question.vector(bits) for bits in (acc, p, total))
    y = question(Kind.BV_SIGN_EXTEND, y, indices=(fmt.width - width,))
    wrong = question(Kind.DISTINCT, found, question(Kind.BV_ADD, x, y))
    return question.never(wrong, limit, [("acc", x), ("p", question.vector(p)), ("sum", found)])


def of(spec, accumulator, count, limit=600):
    """Proofs of the sum of ``count`` lanes, and of its way into the running sum: so far of integers.

    Yields
    ------
    Proof
        By the name that `name` gives.
    """
    if accumulator.kind == "int":
        width = spec.wide.width
        yield proof(name(spec, accumulator, count), "the sum of all lanes is exact",
                    "algebra: full adders of the carry-save tree put for what they add", lambda: integers(width, count))
        yield proof(name(spec, accumulator, count), "the sum of lanes is added exactly", "SMT, bit vectors",
                    lambda: added(width + (count - 1).bit_length(), limit))


def name(spec, accumulator, count):
    return f"{count} lanes of {spec.name} into {accumulator.name}"
