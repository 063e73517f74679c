"""Whether circuits of gates compute the same: mapped netlists and the Verilog that they were mapped from.

A circuit has ``inputs`` and ``outputs``, widths by port, and ``build(logic, inputs)``, which adds it to a `Logic` and
gives its output literals by port: `exhaust.Circuit` is one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..golden.refusal import Refusal
from .logic import FALSE, Logic
from .solver import PROVED, REFUTED, UNDECIDED, Question

EXHAUSTED_BITS = 24  # of inputs, up to which every pattern is tried
MERGED_BITS = 22  # of inputs of the parts that are exhausted and joined
_PROBE_SECONDS = 0.3  # additions are decided sooner, multiplications never
_QUESTION_SECONDS = 2.0  # whether two gates are equal
_CYCLES, _TRACED = 64, 4  # of random inputs, and words of 64 patterns, by which registers are told apart
_WORDS = 128  # of 64 patterns, by which gates are told apart first
_CONSTANT = np.array([0, 2**64 - 1], np.uint64)


class Combinational(Protocol):
    """A circuit of gates without registers."""

    @property
    def inputs(self) -> dict[str, int]: ...

    @property
    def outputs(self) -> dict[str, int]: ...

    def build(self, logic: Logic, inputs: Mapping[str, list[int]], /) -> dict[str, list[int]]: ...


class Clocked(Protocol):
    """What a `Step` is made of: gates between registers, such as a `Machine`."""

    @property
    def inputs(self) -> dict[str, int]: ...

    @property
    def outputs(self) -> dict[str, int]: ...

    @property
    def names(self) -> list[str]: ...

    def step(self, logic: Logic, state: list[int],
             inputs: Mapping[str, list[int]], /) -> tuple[dict[str, list[int]], list[int]]: ...


@dataclass(frozen=True)
class Verdict:
    """What came of a comparison.

    Attributes
    ----------
    state : str
        ``proved``, ``refuted`` or ``undecided``: the time was up.
    means : str
        ``exhaustive``, or ``sat``: parts of few inputs exhausted and joined, a solver over all inputs for the rest.
    seconds : float
    counterexample : dict of str to int, or None
        When refuted, codes by input port.
    """

    state: str
    means: str
    seconds: float
    counterexample: dict | None = None


class Step:
    """One cycle of a clocked module as a circuit without a clock: its registers become two ports. ``$state`` has what
    they hold before the clock's edge, ``$next`` what they hold after the edge. Of a 2-bit counter, ``$state`` 01 gives
    ``$next`` 10.

    Parameters
    ----------
    machine : Clocked
    names : list of str
        The registers in ``$state``, lowest bit first. Two circuits are compared by the registers that both have. What
        one has alone is 0 if it stays 0 as long as all such registers are 0, and else a free bit: equal circuits are
        then equal whatever such a register holds, which means that it does not matter.
    twins : dict of str to str
        Of registers that the other circuit lacks those, among ``names``, whose value they have (`twins`).
    """

    def __init__(self, machine: Clocked, names: list[str], twins: Mapping[str, str] | None = None) -> None:
        self.machine, self.names, self.twins = machine, names, twins or {}
        self.inputs = machine.inputs | {"$state": len(names)}
        self.outputs = machine.outputs | {"$next": len(names)}

    def build(self, logic: Logic, inputs: Mapping[str, list[int]]) -> dict[str, list[int]]:
        known = dict(zip(self.names, inputs["$state"], strict=True))
        known |= {name: known[twin] for name, twin in self.twins.items()}
        free, zero = {}, {name: FALSE for name in self.machine.names if name not in known}
        ports = {name: literals for name, literals in inputs.items() if name != "$state"}
        while True:
            values = known | free | zero
            found, following = self.machine.step(logic, [values[name] for name in self.machine.names], ports)
            following = dict(zip(self.machine.names, following, strict=True))
            changing = [name for name in zero if following[name] != FALSE]
            if not changing:
                break
            free |= {name: logic.input() for name in changing}
            zero = {name: FALSE for name in zero if name not in free}
        found["$next"] = [following[name] for name in self.names]
        for name, twin in self.twins.items():
            if following[name] != following[twin]:
                raise Refusal(f"Registers that are taken as one must stay equal, {name!r} and {twin!r} do not")
        cone = set(logic.cone([literal for literals in found.values() for literal in literals]))
        for name, literal in free.items():
            if literal >> 1 in cone:
                raise Refusal(f"A register that matters must be on both sides, {name!r} is not")
        return found


def twins(machine: Clocked, names: Sequence[str]) -> dict[str, str]:
    """Of registers that are not among ``names`` those that hold what one of these holds: from a state in which the two
    are equal they stay so, whatever comes in. Mapping makes one of such a pair, which are joined by an enable that they
    share: in Verilog ``if (en) a <= d;`` and ``if (en) b <= d;``.

    Which may be twins is seen from what they hold in some random cycles; that they are follows from their gates.
    """
    lone = [name for name in machine.names if name not in set(names)]
    if not lone:
        return {}
    traces = _traces(machine)
    alike = {}
    for name in names:
        alike.setdefault(traces[name], []).append(name)
    guesses = {name: list(alike[traces[name]]) for name in lone if traces[name] in alike}
    while guesses:
        logic = Logic()
        state = {name: logic.input() for name in machine.names}
        state |= {name: state[some[0]] for name, some in guesses.items()}
        ports = {name: logic.inputs(width) for name, width in machine.inputs.items()}
        following = dict(zip(machine.names, machine.step(logic, [state[name] for name in machine.names], ports)[1],
                             strict=True))
        wrong = [name for name, some in guesses.items() if following[name] != following[some[0]]]
        if not wrong:
            break
        for name in wrong:
            guesses[name].pop(0)
        guesses = {name: some for name, some in guesses.items() if some}
    return {name: some[0] for name, some in guesses.items()}


def _traces(machine):
    """What each register holds in some random cycles from a state of zeros, as bytes."""
    logic, rng = Logic(), np.random.default_rng(1)
    state = logic.inputs(len(machine.names))
    ports = {name: logic.inputs(width) for name, width in machine.inputs.items()}
    inputs = [literal for literals in ports.values() for literal in literals]
    program = logic.compiled([*state, *inputs], machine.step(logic, state, ports)[1])
    held, found = list(np.zeros((len(state), _TRACED), np.uint64)), []
    for _ in range(_CYCLES):
        planes = rng.integers(0, 2**64, (2, len(inputs), _TRACED), np.uint64)
        planes[1, :, ::2] = _CONSTANT[1]  # in every other word an input is 1 in half of the patterns, else in a quarter
        held = program.evaluate([*held, *(planes[0] & planes[1])])
        found.append(np.stack(held))
    return {name: np.stack([each[n] for each in found]).tobytes() for n, name in enumerate(machine.names)}


def compare(reference: Combinational, circuits: Sequence[Combinational], seconds: float = 60.0) -> list[Verdict]:
    """Compare circuits with a reference, over all inputs.

    Parameters
    ----------
    reference : Combinational
    circuits : sequence of Combinational
        With the reference's ports. What several have in common is looked at but once.
    seconds : float
        Time limit of the solver for each.

    Returns
    -------
    list of Verdict

    Raises
    ------
    Refusal
        If a circuit has other ports.
    """
    started = time.perf_counter()
    logic = Logic()
    ports = {name: logic.inputs(width) for name, width in reference.inputs.items()}
    inputs = [literal for literals in ports.values() for literal in literals]
    wanted = reference.build(logic, ports)
    roots = [_difference(logic, reference, wanted, circuit, ports) for circuit in circuits]
    exhaustive = len(inputs) <= EXHAUSTED_BITS
    if not exhaustive and roots and _solve(logic, inputs, roots[0], _PROBE_SECONDS)[0] == UNDECIDED:
        logic, inputs, roots = _merged(logic, inputs, roots)
        if _solve(logic, inputs, roots[0], _PROBE_SECONDS)[0] == UNDECIDED:
            logic, inputs, roots = _swept(logic, inputs, roots, seconds * len(roots))
    share = (time.perf_counter() - started) / max(len(circuits), 1)
    return [_decide(logic, reference.inputs, inputs, root, seconds, share, exhaustive) for root in roots]


def _difference(logic, reference, wanted, circuit, ports):
    """A literal that is 1 where the circuit differs from what is wanted."""
    if (circuit.inputs, circuit.outputs) != (reference.inputs, reference.outputs):
        raise Refusal(f"Circuit must have the ports {reference.inputs} and {reference.outputs}, "
                         f"not {circuit.inputs} and {circuit.outputs}")
    found = circuit.build(logic, ports)
    return logic.any(logic.xor(x, y) for name in wanted for x, y in zip(wanted[name], found[name], strict=True))


def _merged(logic, inputs, roots):
    """The same with nodes joined that depend on but few inputs, the same ones, and are equal for all their values:
    the significands' products, which no solver sees through."""
    supports = logic.supports()
    cone = [node for node in logic.cone(roots) if node and 1 < supports[node].bit_count() <= MERGED_BITS]
    if not cone:
        return logic, inputs, roots
    counts = Counter(supports[node] for node in cone)

    def size(support):
        return sum(count for other, count in counts.items() if not other & ~support)

    support = max((each for each, _ in counts.most_common(200)), key=size)
    nodes = [node for node in cone if not supports[node] & ~support]
    chosen = [literal for bit, literal in enumerate(inputs) if support >> bit & 1]
    hashes, first = logic.compiled(chosen, [2 * node for node in nodes]).signatures()
    known, same = {}, {}
    for node, value, one in zip(nodes, hashes, first, strict=True):
        twin = known.setdefault(value, 2 * node | one)
        if twin >> 1 != node:
            same[node] = twin ^ one
    # Equal hashes are only a hint.
    unequal = [logic.xor(2 * node, twin) for node, twin in same.items()]
    if logic.compiled(chosen, unequal).first_nonzero() is not None:
        return logic, inputs, roots
    return logic.rebuilt(inputs, roots, same)


def _swept(logic, inputs, roots, seconds):
    """The same with nodes joined that a solver shows to be equal, from the inputs on: where both circuits add up the
    same partial products, each of its questions is about few gates."""
    end = time.perf_counter() + seconds
    values = _Values(logic, inputs, roots)
    new, literals = Logic(), {0: FALSE}
    literals.update((literal >> 1, new.input()) for literal in inputs)
    ports = [literals[literal >> 1] for literal in inputs]
    ask = Question(new).asker(ports)
    known = set()
    alike = {}  # nodes that stand for their class
    for node in values.order:
        kind, a, b = logic.nodes[node]
        if kind:
            literals[node] = new._gate_of(kind, literals[a >> 1] ^ a & 1, literals[b >> 1] ^ b & 1)
        if literals[node] >> 1 in known:
            continue
        others = alike.setdefault(values.key(node), [])
        for other in others:
            inverted = values.inverted(node, other)
            if inverted is None or time.perf_counter() > end:
                continue
            twin = literals[other] ^ inverted
            verdict, pattern = ask(literals[node], twin, _QUESTION_SECONDS)
            if verdict == PROVED:
                literals[node] = twin
                break
            if pattern is not None:
                values.add(pattern)
        else:
            others.append(node)
            known.add(literals[node] >> 1)
    return new, ports, [literals[root >> 1] ^ root & 1 for root in roots]


class _Values:
    """Values of the nodes that roots depend on, for some patterns of the inputs: which nodes may be equal, or each
    other's inverse."""

    def __init__(self, logic, inputs, roots):
        self.order = logic.cone(roots)
        self._row = {node: row for row, node in enumerate(self.order)}
        self._count, self._random = len(inputs), np.random.default_rng(1)
        self._program = logic.compiled(inputs, [2 * node for node in self.order])
        self._values = self._evaluated(self._random.integers(0, 2**64, (self._count, _WORDS), np.uint64))
        self._more = np.zeros((len(self.order), 0), np.uint64)

    def _evaluated(self, planes):
        """With runs of inputs all alike in most words, as exponents of all ones are."""
        for word in range(planes.shape[1] // 4, planes.shape[1]):
            start, end = sorted(self._random.integers(0, self._count + 1, 2))
            planes[start:end, word] = self._random.choice(_CONSTANT)
        return np.stack(self._program.evaluate(list(planes)))

    def key(self, node):
        values = self._values[self._row[node]]
        return (values ^ _CONSTANT[values[0] & np.uint64(1)]).tobytes()

    def inverted(self, node, other):
        """1 if the node may be the other's inverse, 0 if it may equal it, None if neither."""
        x, y = self._row[node], self._row[other]
        inverted = int(self._values[x, 0] ^ self._values[y, 0]) & 1
        same = np.array_equal(self._more[x], self._more[y] ^ _CONSTANT[inverted])
        return inverted if same else None

    def add(self, pattern):
        """One more pattern, and some that differ from it in a few inputs."""
        flips = self._random.integers(0, 2**64, (4, self._count), np.uint64)
        flips = np.bitwise_and.reduce(flips, axis=0) & ~np.uint64(1)
        bits = [_CONSTANT[pattern >> bit & 1] for bit in range(self._count)]
        found = self._program.evaluate(list((flips ^ bits)[:, None]))
        self._more = np.hstack([self._more, np.stack(found)])


def _decide(logic, widths, inputs, root, seconds, share, exhaustive):
    started = time.perf_counter()
    if exhaustive:
        hit = logic.compiled(inputs, [root]).first_nonzero()
        state = PROVED if hit is None else REFUTED
    else:
        state, hit = _solve(logic, inputs, root, seconds)
    took = share + time.perf_counter() - started
    return Verdict(state, "exhaustive" if exhaustive else "sat", took, None if hit is None else _codes(widths, hit))


def _codes(widths, pattern):
    codes = {}
    for name, width in widths.items():
        codes[name] = pattern & ((1 << width) - 1)
        pattern >>= width
    return codes


def _solve(logic, inputs, root, seconds):
    """``proved`` if no pattern of the inputs makes the root 1; else ``refuted`` and such a pattern."""
    verdict, witness = Question(logic).never_one(root, limit=seconds, shown={"inputs": inputs})
    return verdict, witness.get("inputs")
