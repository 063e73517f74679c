"""Gate-level circuits in one form, wherever they come from: two-input gates over literals, simulated at compiled speed."""

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

    def __init__(self):
        self.nodes = [(_INPUT, 0, 0)]  # node 0 is the constant 0
        self._known = {}

    def input(self):
        """The literal of a new input."""
        self.nodes.append((_INPUT, 0, 0))
        return 2 * len(self.nodes) - 2

    def inputs(self, count):
        return [self.input() for _ in range(count)]

    def and_(self, a, b):
        a, b = min(a, b), max(a, b)
        if a == FALSE or a == b ^ 1:
            return FALSE
        return b if a in (TRUE, b) else self._gate(_AND, a, b)

    def or_(self, a, b):
        return self.and_(a ^ 1, b ^ 1) ^ 1

    def xor(self, a, b):
        inverted, a, b = (a ^ b) & 1, *sorted((a & ~1, b & ~1))
        if a == b:
            return inverted
        return b ^ inverted if a == FALSE else self._gate(_XOR, a, b) ^ inverted

    def mux(self, select, high, low):
        return self.xor(low, self.and_(select, self.xor(high, low)))

    def any(self, literals):
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

    def cone(self, roots):
        """The nodes that literals depend on, themselves included, ascending."""
        needed, stack = {0}, [literal >> 1 for literal in roots]
        while stack:
            node = stack.pop()
            if node not in needed:
                needed.add(node)
                kind, a, b = self.nodes[node]
                stack += [a >> 1, b >> 1] if kind != _INPUT else []
        return sorted(needed)

    def compiled(self, inputs, roots):
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

    def __init__(self, logic, inputs, roots):
        order = logic.cone(roots)
        number = {node: n for n, node in enumerate(order)}
        self._gates = np.array(
            [(kind, 2 * number[a >> 1] | a & 1, 2 * number[b >> 1] | b & 1) if kind != _INPUT else (_INPUT, 0, 0)
             for kind, a, b in (logic.nodes[node] for node in order)], np.int64)
        self._inputs = np.array([number.get(literal >> 1, -1) for literal in inputs], np.int64)
        self._roots = np.array([2 * number[literal >> 1] | literal & 1 for literal in roots], np.int64)

    def evaluate(self, planes):
        """The roots' planes from the inputs': arrays of uint64 of one length, 64 patterns to a word."""
        planes = np.ascontiguousarray(np.broadcast_arrays(*planes), np.uint64)
        planes = planes.reshape(len(planes), -1)
        outputs = np.empty((len(self._roots), planes.shape[1]), np.uint64)
        blocks = -(-planes.shape[1] // _BLOCK)
        step = max(1, -(-blocks // _PARTS))

        def run(start):
            _evaluate(self._gates, self._inputs, self._roots, planes, outputs, start, min(blocks, start + step), _BLOCK)

        in_threads(run, range(0, blocks, step))
        return list(outputs)

    def first_nonzero(self):
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
def _search(gates, inputs, roots, start, end, low, block):
    """The first pattern of blocks ``start`` to ``end`` that makes a root 1, or -1."""
    values = np.zeros((len(gates), block), np.uint64)
    for first in range(start * block, end * block, block):
        for i in range(len(inputs)):
            if inputs[i] >= 0:
                for w in range(block):
                    values[inputs[i], w] = low[i] if i < 6 else -np.uint64(((first + w) >> (i - 6)) & 1)
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
