"""Sums of the lanes of a `dot` that are exact: carry-save trees, by algebra on the gates of their Verilog."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations, product
from typing import TYPE_CHECKING, Any, cast

from ..golden.formats import IntFormat
from ..hdl.accumulator import running_sum
from ..hdl.addend import Addend
from ..hdl.dot import FixedTree, IntTree, PlacedAdder
from ..hdl.fixed import Window
from . import exact_sums, exhaust, integer_sums
from .exact_sums import Placed, wrong_total
from .exhaust import Circuit
from .logic import TRUE, Logic
from .obligation import PROVED, UNDECIDED, Answer, Obligation, Source
from .reading import modules
from .solver import Question

if TYPE_CHECKING:
    from ..golden.spec import Accumulator, Multiplier
    from ..hdl.accumulator import FixedSum


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


def integers(circuits: Mapping[str, Tree], seconds: float, fmt: IntFormat, count: int) -> Answer:
    """A tree gives the sum of ``count`` integers a cycle later, whatever they are; undecided if the algebra leaves
    anything over: it finds no witness."""
    (circuit, signed), logic, width = circuits["tree"], Logic(), fmt.width
    p = logic.inputs(width * count)
    after, linear = _summed(circuit, signed, logic, {"p": p})
    total = linear(after)
    total.simplify()
    for lane in range(count):
        total.add_word(p[lane * width : (lane + 1) * width], -1, fmt.signed, len(after))
    return Answer(UNDECIDED if total.weights or total.constant else PROVED)


def placed(circuits: Mapping[str, Any], seconds: float, window: Window, count: int) -> Answer:
    """A tree gives, a cycle later, the sum of what `Placed` makes of each of ``count`` float products, modulo the
    window's width, and the OR of their flags."""
    logic, width, (circuit, signed) = Logic(), window.addend.wide.width, circuits["tree"]
    p = logic.inputs(width * count)
    lanes = [circuits["placed"].build(logic, {"p": p[lane * width : (lane + 1) * width]})["placed"]
             for lane in range(count)]
    after, linear = _summed(circuit, signed, logic, {"p": p})
    bits = window.bits
    total = linear(after[:bits])
    total.add(after[bits], 1)
    total.simplify({literal >> 1 for lane in lanes for literal in lane[: bits + 1]})
    for lane in lanes:
        total.add_word(lane[:bits], -1)
        total.add(lane[bits], -1)
    seen = [logic.any(flags) for flags in zip(*(lane[bits + 1 :] for lane in lanes), strict=True)]
    if total.weights or total.constant:
        return Answer(UNDECIDED)
    return Answer(*Question(logic).never_one(*map(logic.xor, after[bits + 1 :], seen), limit=seconds))


def joined(circuits: Mapping[str, Circuit], seconds: float, window: Window, words: int, narrow: Window) -> Answer:
    """The adder of a fixed-point sum adds what a `FixedTree` gives, and joins the flags."""
    logic = Logic()
    raw, p = logic.inputs(words * window.bits + window.flags), logic.inputs(narrow.bits + 1 + narrow.flags)
    after = circuits["adder"].build(logic, {"acc": raw, "p": p})["sum"]
    question = Question(logic)
    raw, p, after = (question.word(bits) for bits in (raw, p, after))
    number = p[: narrow.bits].extend(window.bits, signed=True) + p[narrow.bits].extend(window.bits)
    flags = [p[n] for n in range(narrow.bits + 1, p.width)]
    wrong = wrong_total(window, words, raw, after, number, flags)
    return Answer(*question.never(wrong, limit=seconds, shown={"acc": raw, "p": p}))


_ALGEBRA = "algebra: full adders of the carry-save tree put for what they add"


def of_integers(name: str, fmt: IntFormat, count: int) -> Obligation:
    """The obligation of a tree of ``count`` integers."""
    return Obligation(name, "the sum of all lanes is exact", _ALGEBRA, integers, (fmt, count),
                      {"tree": Source(load, IntTree, (fmt, count))})


def of_placed(name: str, window: Window, count: int) -> Obligation:
    """The obligation of a tree of ``count`` products in a window."""
    return Obligation(name, "the sum of all that is placed is exact", _ALGEBRA, placed, (window, count), {
        "tree": Source(load, FixedTree, (window, count)), "placed": Source(exhaust.load, Placed, (window,))})


def of_joined(name: str, window: Window, words: int, narrow: Window) -> Obligation:
    """The obligation of the adder behind such a tree."""
    return Obligation(name, "the sum of lanes is added exactly", "SMT, bit vectors", joined, (window, words, narrow),
                      {"adder": Source(exhaust.load, PlacedAdder, (window, words, narrow))})


def of(name: str, spec: Multiplier, accumulator: Accumulator, count: int) -> list[Obligation]:
    """The obligations of the sum of ``count`` lanes, called ``name``, and of its way into the running sum: of integers
    and of exact sums.

    Returns
    -------
    list of Obligation
    """
    product = Addend.product(spec)
    if accumulator.integer:
        wide, held = cast(IntFormat, spec.wide), cast(IntFormat, accumulator.result)
        total = IntFormat("sum", wide.width + (count - 1).bit_length(), wide.signed)
        return [of_integers(name, wide, count),
                integer_sums.of(name, "the sum of lanes is added exactly", held, total)]
    if accumulator.rounds:
        return []
    held, narrow = cast("FixedSum", running_sum(accumulator, product)), Window(product, count)
    return [exact_sums.places(name, spec, narrow), of_placed(name, narrow, count),
            of_joined(name, held.window, held.words, narrow)]
