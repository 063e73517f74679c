"""Sums of the lanes of a `dot` that are exact: carry-save trees, by algebra on the gates of their Verilog."""

import json
import tempfile
from itertools import permutations, product
from pathlib import Path

from bitwuzla import Kind

from ..golden.formats import IntFormat
from ..hdl import yosys
from ..hdl.accumulator import Sum, running_sum
from ..hdl.addend import Addend
from ..hdl.dot import FixedTree, IntTree, PlacedAdder
from ..hdl.fixed import Window
from ..hdl.verilog import convert
from . import exhaust
from .adders import Placed, Theory, placement, wrong_total
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

    def simplify(self, kept=()):
        """Puts x + y for x ^ y and 2 (x & y), and x + y + z for x ^ y ^ z and twice their majority, while there is one:
        a weight w on x ^ y ^ z is one on x, y and z, less 2w on the majority. ``kept`` nodes stay."""
        changed = True
        while changed:
            changed = False
            for node in sorted(self.weights.keys() - kept, reverse=True):
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


def _summed(circuit, signed, logic, given):
    """What a tree with ``en`` high holds a cycle later: its bits, and a function that writes a word of them, its
    additions put for their results, as a `_Linear` modulo the word's width."""
    given = given | {name: logic.inputs(size) for name, size in circuit.inputs.items() if name not in given}
    found = circuit.build(logic, given | {"en": [TRUE]})
    after = dict(zip(given["$state"], found["$next"], strict=True))
    results = [given[f"$add{n}Y"] for n in range(len(signed))]

    def linear(word):
        total = _Linear(logic, len(word))

        def add(literals, sign):
            for n, result in enumerate(results):
                if literals[: len(word)] == result[: len(word)] and len(result) >= len(word):
                    add(found[f"$add{n}A"], all(signed[n]))
                    add(found[f"$add{n}B"], all(signed[n]))
                    return
            total.add_word(literals[: len(word)], 1, sign, len(word))

        add(word, False)
        return total

    # What no register holds becomes free, so that nothing can be shown of it.
    return [after[literal] if literal in after else logic.input() for literal in found["sum"]], linear


def integers(fmt, count, text=None):
    """Whether a tree of integers gives their sum a cycle later, whatever they are.

    Parameters
    ----------
    fmt, count
        As of `IntTree`.
    text : str
        Verilog of a module ``tree`` to be examined; by default that of `IntTree`.

    Returns
    -------
    (verdict, witness)
        ``undecided`` if the algebra leaves anything over: it finds no witness.
    """
    (circuit, signed), logic = _load(text or convert({"tree": IntTree(fmt, count)})["tree"]), Logic()
    width = fmt.width
    p = logic.inputs(width * count)
    after, linear = _summed(circuit, signed, logic, {"p": p})
    total = linear(after)
    total.simplify()
    for lane in range(count):
        total.add_word(p[lane * width : (lane + 1) * width], -1, fmt.signed, len(after))
    return UNDECIDED if total.weights or total.constant else PROVED, ""


def placed(window, count, text=None):
    """Whether a tree of float products gives, a cycle later, the sum of what `Placed` makes of each, modulo the
    window's width, and the OR of their flags.

    Parameters
    ----------
    window, count
        As of `FixedTree`.
    text : str
        Verilog of a module ``tree`` to be examined; by default that of `FixedTree`.
    """
    logic, width = Logic(), window.addend.wide.width
    one = exhaust.load(convert({"placed": Placed(window)}))["placed"]
    circuit, signed = _load(text or convert({"tree": FixedTree(window, count)})["tree"])
    p = logic.inputs(width * count)
    lanes = [one.build(logic, {"p": p[lane * width : (lane + 1) * width]})["placed"] for lane in range(count)]
    after, linear = _summed(circuit, signed, logic, {"p": p})
    bits = window.bits
    total = linear(after[:bits])
    total.add(after[bits], 1)
    total.simplify({literal >> 1 for lane in lanes for literal in lane[: bits + 1]})
    for lane in lanes:
        total.add_word(lane[:bits], -1)
        total.add(lane[bits], -1)
    seen = [logic.any(flags) for flags in zip(*(lane[bits + 1 :] for lane in lanes), strict=True)]
    verdict, witness = Question(logic).never_one(*map(logic.xor, after[bits + 1 :], seen), limit=60)
    return (UNDECIDED, "") if total.weights or total.constant else (verdict, witness)


def joined(window, words, narrow, limit=120, text=None):
    """Whether the adder of a fixed-point sum adds what a `FixedTree` gives, and joins the flags."""
    logic, adder = Logic(), PlacedAdder(window, words, narrow)
    raw, p = logic.inputs(words * window.bits + window.flags), logic.inputs(narrow.bits + 1 + narrow.flags)
    gates = exhaust.load({"adder": text or convert({"adder": adder})["adder"]})
    after = gates["adder"].build(logic, {"acc": raw, "p": p})["sum"]
    question = Theory(logic)
    number = question.extend(question.vector(p[: narrow.bits]), window.bits, signed=True)
    short = question.extend(question.vector([p[narrow.bits]]), window.bits)
    number = question(Kind.BV_ADD, number, short)
    wrong = wrong_total(question, window, words, raw, after, number, p[narrow.bits + 1 :])
    return question.never(wrong, limit, [("acc", question.vector(raw)), ("p", question.vector(p))])


def added(fmt, addend, limit=120):
    """Whether the adder of a sum of integers of format ``fmt`` adds one of format ``addend``, modulo its own width."""
    logic = Logic()
    adder = Sum(fmt, Addend(addend)).adder()
    acc, p = logic.inputs(fmt.width), logic.inputs(addend.width)
    total = exhaust.load(convert({"adder": adder}))["adder"].build(logic, {"acc": acc, "p": p})["sum"]
    question = Question(logic)
    x, y, found = (question.vector(bits) for bits in (acc, p, total))
    if fmt.width > addend.width:
        extend = Kind.BV_SIGN_EXTEND if addend.signed else Kind.BV_ZERO_EXTEND
        y = question(extend, y, indices=(fmt.width - addend.width,))
    elif fmt.width < addend.width:
        y = question(Kind.BV_EXTRACT, y, indices=(fmt.width - 1, 0))
    wrong = question(Kind.DISTINCT, found, question(Kind.BV_ADD, x, y))
    return question.never(wrong, limit, [("acc", x), ("p", question.vector(p)), ("sum", found)])


def of(spec, accumulator, count, limit=600):
    """Proofs of the sum of ``count`` lanes, and of its way into the running sum: of integers and of exact sums.

    Yields
    ------
    Proof
        By the name that `name` gives.
    """
    algebra = "algebra: full adders of the carry-save tree put for what they add"
    product = Addend.product(spec)
    if accumulator.integer:
        wide = spec.wide
        total = IntFormat("sum", wide.width + (count - 1).bit_length(), wide.signed)
        claims = [("the sum of all lanes is exact", algebra, lambda: integers(wide, count)),
                  ("the sum of lanes is added exactly", "SMT, bit vectors",
                   lambda: added(accumulator.result, total, limit))]
    elif accumulator.kind != "float":
        held, narrow = running_sum(accumulator, product), Window(product, count)
        claims = [("every product is placed exactly", "SMT, bit vectors", lambda: placement(spec, narrow, limit)),
                  ("the sum of all that is placed is exact", algebra, lambda: placed(narrow, count)),
                  ("the sum of lanes is added exactly", "SMT, bit vectors",
                   lambda: joined(held.window, held.words, narrow, limit))]
    else:
        claims = []
    for claim, means, examine in claims:
        yield proof(name(spec, accumulator, count), claim, means, examine)


def name(spec, accumulator, count):
    return f"{count} lanes of {spec.name} into {accumulator.name}"
