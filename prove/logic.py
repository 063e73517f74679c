"""Gates in one form, wherever they come from: two-input gates over literals, exhausted at compiled speed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

import numpy as np
from numba import njit

from ..golden.parallel import in_threads

FALSE, TRUE = 0, 1
_INPUT, _AND, _XOR = range(3)
_LOW = np.array([0xAAAAAAAAAAAAAAAA, 0xCCCCCCCCCCCCCCCC, 0xF0F0F0F0F0F0F0F0, 0xFF00FF00FF00FF00,
                 0xFFFF0000FFFF0000, 0xFFFFFFFF00000000], np.uint64)  # bits 0 to 5 of the number of a pattern
_PARTS = 64  # pieces of the work, for the threads
_BLOCK = 64  # words of 64 patterns evaluated at a time, so that all nets of a circuit stay in cache


class Logic:
    """Inputs and two-input gates, each built once: what is alike is shared.

    A *literal* is twice the number of a node, plus 1 if it is inverted; `FALSE` and `TRUE` are literals. Nodes are
    numbered in an order that evaluates.
    """

    def __init__(self) -> None:
        self.nodes = [(_INPUT, 0, 0)]  # node 0 is the constant 0
        self._known = {}

    def input(self) -> int:
        """The literal of a new input."""
        self.nodes.append((_INPUT, 0, 0))
        return 2 * len(self.nodes) - 2

    def inputs(self, count: int) -> list[int]:
        return [self.input() for _ in range(count)]

    def and_(self, a: int, b: int) -> int:
        a, b = min(a, b), max(a, b)
        if a == FALSE or a == b ^ 1:
            return FALSE
        return b if a in (TRUE, b) else self._gate(_AND, a, b)

    def or_(self, a: int, b: int) -> int:
        return self.and_(a ^ 1, b ^ 1) ^ 1

    def xor(self, a: int, b: int) -> int:
        inverted, a, b = (a ^ b) & 1, *sorted((a & ~1, b & ~1))
        if a == b:
            return inverted
        return b ^ inverted if a == FALSE else self._gate(_XOR, a, b) ^ inverted

    def mux(self, select: int, high: int, low: int) -> int:
        if select in (TRUE, FALSE):
            return high if select else low
        return self.xor(low, self.and_(select, self.xor(high, low)))

    def any(self, literals: Iterable[int]) -> int:
        """The OR of literals, as a balanced tree."""
        literals = list(literals) or [FALSE]
        while len(literals) > 1:
            pairs = zip(literals[::2], literals[1::2], strict=False)
            literals = [self.or_(a, b) for a, b in pairs] + ([literals[-1]] if len(literals) % 2 else [])
        return literals[0]

    def _gate(self, kind, a, b):
        if (kind, a, b) not in self._known:
            self.nodes.append((kind, a, b))
            self._known[kind, a, b] = 2 * len(self.nodes) - 2
        return self._known[kind, a, b]

    def cone(self, roots: Iterable[int], known: Container[int] = ()) -> list[int]:
        """The nodes that literals depend on, themselves included, ascending; but for ``known`` ones and what is behind
        them."""
        needed, stack = {0}, [literal >> 1 for literal in roots]
        while stack:
            node = stack.pop()
            if node not in needed and node not in known:
                needed.add(node)
                kind, a, b = self.nodes[node]
                stack += [a >> 1, b >> 1] if kind != _INPUT else []
        return sorted(needed)

    def supports(self) -> list[int]:
        """Of each node the inputs that it depends on, as a mask of bits by their order."""
        found, count = [], 0
        for node, (kind, a, b) in enumerate(self.nodes):
            if kind != _INPUT:
                found.append(found[a >> 1] | found[b >> 1])
            else:
                found.append(1 << count if node else 0)
                count += node > 0
        return found

    def rebuilt(self, inputs: Sequence[int], roots: Sequence[int],
                same: Mapping[int, int]) -> tuple[Logic, list[int], list[int]]:
        """The logic of roots in a new `Logic`, with nodes replaced: its inputs, and its roots.

        Parameters
        ----------
        inputs, roots : list of int
        same : dict of int to int
            The literal of an earlier node that a node is equal to.
        """
        new, literals = Logic(), {0: FALSE}
        literals.update((literal >> 1, new.input()) for literal in inputs)
        for node in self.cone([*roots, *same.values()]):
            kind, a, b = self.nodes[node]
            if node in same:
                literals[node] = literals[same[node] >> 1] ^ same[node] & 1
            elif kind != _INPUT:
                literals[node] = new._gate_of(kind, literals[a >> 1] ^ a & 1, literals[b >> 1] ^ b & 1)
        return new, [literals[literal >> 1] for literal in inputs], [literals[r >> 1] ^ r & 1 for r in roots]

    def _gate_of(self, kind, a, b):
        return self.and_(a, b) if kind == _AND else self.xor(a, b)

    def compiled(self, inputs: Sequence[int], roots: Sequence[int]) -> Program:
        """The logic from inputs to roots as a `Program`."""
        return Program(self, inputs, roots)


class Program:
    """Logic that is evaluated 64 patterns to a machine word.

    Parameters
    ----------
    logic : Logic
    inputs, roots : list of int
        Literals: of inputs, none inverted, and of what is wanted.
    """

    def __init__(self, logic: Logic, inputs: Sequence[int], roots: Sequence[int]) -> None:
        order = logic.cone(roots)
        number = {node: n for n, node in enumerate(order)}
        self._gates = np.array(
            [(kind, 2 * number[a >> 1] | a & 1, 2 * number[b >> 1] | b & 1) if kind != _INPUT else (_INPUT, 0, 0)
             for kind, a, b in (logic.nodes[node] for node in order)], np.int64)
        self._inputs = np.array([number.get(literal >> 1, -1) for literal in inputs], np.int64)
        self._roots = np.array([2 * number[literal >> 1] | literal & 1 for literal in roots], np.int64)

    def evaluate(self, planes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The roots' planes from the inputs': arrays of uint64 of one length, 64 patterns to a word."""
        rows = np.ascontiguousarray(np.broadcast_arrays(*planes), np.uint64)
        rows = rows.reshape(len(rows), -1)
        outputs = np.empty((len(self._roots), rows.shape[1]), np.uint64)
        blocks = -(-rows.shape[1] // _BLOCK)
        step = max(1, -(-blocks // _PARTS))

        def run(start):
            _evaluate(self._gates, self._inputs, self._roots, rows, outputs, start, min(blocks, start + step), _BLOCK)

        in_threads(run, range(0, blocks, step))
        return list(outputs)

    def signatures(self) -> tuple[list[int], list[int]]:
        """Of each root a hash of its values over all patterns of the inputs, and its value in the first."""
        patterns = 1 << len(self._inputs)
        blocks = max(1, patterns // (64 * _BLOCK))
        hashes, first = np.zeros(len(self._roots), np.uint64), np.zeros(len(self._roots), np.uint64)
        _hash(self._gates, self._inputs, self._roots, blocks, _LOW, _BLOCK, hashes, first)
        return hashes.tolist(), first.tolist()

    def first_nonzero(self) -> int | None:
        """Exhausts the inputs until a root is 1.

        Returns
        -------
        int or None
            The number of a pattern, bit i being the value of input i, for which a root is 1.
        """
        patterns = 1 << len(self._inputs)
        blocks = max(1, patterns // (64 * _BLOCK))
        step = max(1, -(-blocks // _PARTS))
        found = []

        def run(start):
            if not found:
                hit = _search(self._gates, self._inputs, self._roots, start, min(blocks, start + step), _LOW, _BLOCK)
                found.extend([hit] if hit >= 0 else [])

        in_threads(run, range(0, blocks, step))
        return found[0] & (patterns - 1) if found else None


@njit(nogil=True, cache=True)
def _step(gates, values, words):
    """The values of all gates, ``words`` of 64 patterns each."""
    for g in range(len(gates)):
        kind = gates[g, 0]
        if kind == 0:
            continue
        a, b, row = values[gates[g, 1] >> 1], values[gates[g, 2] >> 1], values[g]
        x, y = -np.uint64(gates[g, 1] & 1), -np.uint64(gates[g, 2] & 1)  # all ones where inverted
        if kind == 1:
            for w in range(words):
                row[w] = (a[w] ^ x) & (b[w] ^ y)
        else:
            for w in range(words):
                row[w] = a[w] ^ b[w]


@njit(nogil=True, cache=True)
def _evaluate(gates, inputs, roots, planes, outputs, start, end, block):
    values = np.zeros((len(gates), block), np.uint64)
    for first in range(start * block, end * block, block):
        words = min(block, planes.shape[1] - first)
        for i in range(len(inputs)):
            if inputs[i] >= 0:
                values[inputs[i], :words] = planes[i, first:first + words]
        _step(gates, values, words)
        for r in range(len(roots)):
            x = -np.uint64(roots[r] & 1)
            for w in range(words):
                outputs[r, first + w] = values[roots[r] >> 1, w] ^ x


@njit(nogil=True, cache=True)
def _count(inputs, values, low, first, block):
    """Sets the inputs to the patterns from word ``first`` on."""
    for i in range(len(inputs)):
        if inputs[i] >= 0:
            for w in range(block):
                values[inputs[i], w] = low[i] if i < 6 else -np.uint64(((first + w) >> (i - 6)) & 1)


@njit(nogil=True, cache=True)
def _hash(gates, inputs, roots, blocks, low, block, hashes, first):
    """Equal for roots that are equal or each other's inverse."""
    values = np.zeros((len(gates), block), np.uint64)
    for start in range(0, blocks * block, block):
        _count(inputs, values, low, start, block)
        _step(gates, values, block)
        for r in range(len(roots)):
            row = values[roots[r] >> 1]
            if start == 0:
                first[r] = row[0] & np.uint64(1)
            x, h = -first[r], hashes[r]
            for w in range(block):
                h = (h ^ row[w] ^ x) * np.uint64(0x9E3779B97F4A7C15)
                h ^= h >> np.uint64(29)
            hashes[r] = h


@njit(nogil=True, cache=True)
def _search(gates, inputs, roots, start, end, low, block):
    """The first pattern of blocks ``start`` to ``end`` that makes a root 1, or -1."""
    values = np.zeros((len(gates), block), np.uint64)
    for first in range(start * block, end * block, block):
        _count(inputs, values, low, first, block)
        _step(gates, values, block)
        for r in range(len(roots)):
            x = -np.uint64(roots[r] & 1)
            for w in range(block):
                hit = values[roots[r] >> 1, w] ^ x
                if hit != np.uint64(0):
                    bit = 0
                    while not (hit >> np.uint64(bit)) & np.uint64(1):
                        bit += 1
                    return (first + w) * 64 + bit
    return -1
