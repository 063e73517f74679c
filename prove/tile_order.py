"""Order in the cores of tiles: rows of partial sums go from pass to pass, and from the last pass out.

A core of one column, few lanes and a memory of few rows is taken through every state that it comes to be in from reset,
under every traffic, beside the definition of what it owes (`tile_owed`). One vector and one row of weights, whichever,
are the largest numbers, all others 0: so each result says whether these two have met, and it is in the place of the
vector's row. What is offered without being valid is as large.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..golden.tile_sums import drained, partial_sums, place_for
from ..hdl.designs import parse
from ..hdl.tile_core import TileMatmul
from .handshake import followed_data
from .logic import FALSE, TRUE, Logic
from .machine import load
from .obligation import PROVED, REFUTED, UNDECIDED, Answer, Obligation, Source
from .reached import States
from .solver import Question
from .tile_kept import Kept, after_reset
from .tile_owed import Owed

if TYPE_CHECKING:
    from ..golden.tile import Tile as Specification
    from .machine import Machine

MOST = 1 << 24  # states: a gigabyte or two
TRIED = 200_000  # states of a core of which it is not known what counts
_PLAYS, _LONG = 64, 200  # words of 64 patterns, and cycles, of random traffic
UNSOUND = "queues and memory are not as long as the tile has vectors and weights"
_ONES = ~np.uint64(0)


class Small(NamedTuple):
    """A core that is gone through: a tile of one column, and how many rows of partial sums it keeps."""

    slug: str
    rows: int

    @property
    def name(self) -> str:
        return f"matmul of {self.slug}, {self.rows} rows"

    @property
    def component(self) -> TileMatmul:
        """Its component."""
        design = parse(self.slug)
        return TileMatmul(design.tile, 1, design.stages, self.rows)


#: Cores that are gone through: of results that are words, and of those that leave as fp32.
CORES = (Small("tile_int4_2x1", 2), Small("tile_lmul_e4m3_2x1_w4", 2))
#: One whose passes can be long enough to follow each other without a pause.
STEADY = Small("tile_int4_2x1", 4)
#: Cores of several stages, whose tiles ask for sums without looking.
STAGED = tuple(Small(f"tile_int4_2x1_p{stages}", 4) for stages in (2, 3))


class Choice(NamedTuple):
    """What the surroundings do in a cycle, as literals or bits: a vector and a row of weights, each as whether it is
    offered, its mark and ``last``, and whether they are ready for results."""

    a: tuple[int, int, int]
    b: tuple[int, int, int]
    ready: int

    @property
    def flat(self) -> list[int]:
        return [*self.a, *self.b, self.ready]


_BEATS = ((0, 0, 0), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1))
EVERY = tuple(Choice(*each) for each in itertools.product(_BEATS, _BEATS, (0, 1)))
UNMARKED = tuple(each for each in EVERY if not each.a[1] | each.b[1])  # what there is for control
QUIET = Choice((0, 0, 0), (0, 0, 0), 1)
OPEN = tuple(Choice((1, 0, last), (1, 0, other), 1) for last, other in itertools.product((0, 1), repeat=2))


class Core:
    """The ports of a core: its inputs from a `Choice`, and what a marked result is, by golden."""

    def __init__(self, small: Small, machine: Machine) -> None:
        component, tile = small.component, parse(small.slug).tile
        self.small, self.machine, self.lanes, self.latency = small, machine, tile.lanes, component.latency
        self._streams, spec = component.streams, tile.multiplier
        self._largest = {"a": spec.a.max_finite, "b": spec.b.max_finite}
        a = np.full((1, tile.lanes), self._largest["a"])
        b = np.where(np.arange(tile.lanes)[:, None] == 0, self._largest["b"], 0)
        self._place = place_for(tile, a, b)
        self.result = int(drained(tile, partial_sums(tile, self._place, a, b, np.zeros((1, 1), np.uint64)))[0, 0])
        assert self.result

    def step(self, logic: Logic, state: list[int], choice: Choice) -> tuple[dict[str, list[int]], list[int]]:
        """A cycle out of reset: outputs by port, and the next state."""
        idle, bits = choice.b[0] ^ 1, range(self.machine.inputs.get("place", 0))
        inputs = {"m_axis_c_tready": [choice.ready], **self._offered(logic, "a", *choice.a),
                  **self._offered(logic, "b", *choice.b),
                  "place": [logic.xor(idle, self._place >> n & 1) for n in bits]}
        return self.machine.step(logic, state, inputs | self.machine.running)

    def _offered(self, logic, name, valid, mark, last):
        each, bit = self._streams[name], logic.or_(mark, valid ^ 1)
        code = [logic.and_(bit, self._largest[name] >> n & 1) for n in range(8 * each.bytes)]
        port = f"s_axis_{name}_t"
        return {port + "valid": [valid], port + "last": [logic.or_(last, valid ^ 1)], port + "data": code * each.count}


class Walk:
    """All states of a core, and beside it what it owes, that come of `EVERY` choice in each cycle.

    Parameters
    ----------
    core : Core
    kept : Kept, optional
        What counts of a state, if that is known: states that are alike in it are one.
    """

    def __init__(self, core: Core, kept: Kept | None) -> None:
        self.core, logic, machine = core, Logic(), core.machine
        results = core.latency + 4
        fresh = Owed(logic, core.lanes, core.small.rows, results).bits
        state, before = logic.inputs(machine.registers), logic.inputs(len(fresh))
        a, a_mark, a_last, b, b_mark, b_last, ready = logic.inputs(7)
        wanted = Choice((a, a_mark, a_last), (b, b_mark, b_last), ready)
        owed = Owed(logic, core.lanes, core.small.rows, results, iter(before))
        a_mark, b_mark = logic.and_(a_mark, owed.used_a ^ 1), logic.and_(b_mark, owed.used_b ^ 1)  # one of each
        choice = Choice((a, a_mark, a_last), (b, b_mark, b_last), ready)
        found, after = core.step(logic, state, choice)
        (valid,), (last,), (error,), a_ready, b_ready = (found[name] for name in (
            "m_axis_c_tvalid", "m_axis_c_tlast", "error", "s_axis_a_tready", "s_axis_b_tready"))
        there, mark, end = owed.results.entries[0]
        differ = logic.any(logic.xor(bit, logic.and_(mark, core.result >> n & 1))
                           for n, bit in enumerate(found["m_axis_c_tdata"]))
        wrong = {"out of nothing": logic.and_(valid, there ^ 1), "last": logic.and_(valid, logic.xor(last, end)),
                 "result": logic.and_(valid, differ)}
        # Of what comes with an error or behind it nothing is said.
        unfounded = logic.and_(error, owed.dead ^ 1)
        same = self._same(logic, owed, wanted, a_ready[0], b_ready[0], valid)
        moves = [logic.and_(each[0], ready[0]) for each, ready in ((choice.a, a_ready), (choice.b, b_ready))]
        owed.results.pop(logic.and_(valid, choice.ready))
        owed.step((moves[0], *choice.a[1:]), (moves[1], *choice.b[1:]))
        wrong["more taken than there is room for"] = owed.over
        wrong = {name: logic.and_(each, error ^ 1) for name, each in wrong.items()} | {"error": unfounded}
        if kept:
            wrong[UNSOUND] = kept.sound(logic, state) ^ 1
            after = kept(logic, after)
        self._rules, self._bits = list(wrong), len(state) + len(before)
        begun = [kept.start] if kept else [after_reset(machine, bit) for bit in (FALSE, TRUE)]
        self._starts = [[*each, *fresh] for each in begun]
        self._program = logic.compiled([*state, *before, *wanted.flat], [
            *after, *owed.bits, *wrong.values(), logic.or_(same, error), *moves, error, owed.results.entries[0][0],
            owed.dead])

    @staticmethod
    def _same(logic, owed, choice, a_ready, b_ready, valid):
        """Whether another choice does the same: of a stream that does not move, of a second mark, of a last row of
        weights where none ends, of who is not ready for nothing."""
        (a, a_mark, _), (b, b_mark, b_last) = choice.a, choice.b
        return logic.any([logic.and_(a, a_ready ^ 1), logic.and_(b, b_ready ^ 1), logic.and_(a_mark, owed.used_a),
                          logic.and_(b_mark, owed.used_b), logic.and_(valid ^ 1, choice.ready ^ 1),
                          logic.any([b ^ 1, b_last, owed.row[-1]]) ^ 1])

    def _cycle(self, planes, choice):
        """Next planes, which rules are broken, and the rest that the program tells."""
        given = [np.full(planes[0].shape, _ONES if bit else 0, np.uint64) for bit in choice.flat]
        return self._evaluated(planes, given)

    def _evaluated(self, planes, given):
        found = self._program.evaluate([*planes, *given])
        rest = self._bits + len(self._rules)
        return found[: self._bits], found[self._bits : rest], found[rest:]

    def _begun(self):
        """The first states by bits, and how many there are."""
        return [np.array([sum(each[n] << k for k, each in enumerate(self._starts))], np.uint64)
                for n in range(self._bits)], len(self._starts)

    def played(self, within: int) -> str:
        """What is wrong in random traffic, or stuck in the end; a cheap look before all states are gone through."""
        rng, shape = np.random.default_rng(0), (_PLAYS,)
        kinds = np.arange(_PLAYS) % 8
        # Most have passes of one length, which it takes for runs of several.
        size, index = rng.integers(1, self.core.small.rows + 1, 64 * _PLAYS), np.zeros(64 * _PLAYS, int)
        even = rng.random(64 * _PLAYS) < 0.8

        def chance(*eighths):
            """Set in so many eighths of the patterns, by kinds."""
            bits = [rng.integers(0, 1 << 64, shape, np.uint64) for _ in range(3)]
            planes = []
            for wanted in eighths:
                plane = np.zeros(shape, np.uint64)
                for code in range(wanted):
                    plane |= np.bitwise_and.reduce([bit if code >> n & 1 else ~bit for n, bit in enumerate(bits)])
                planes.append(plane)
            return np.choose(kinds, [planes[n % len(planes)] for n in range(8)])

        start = [np.full(shape, _ONES if bit else 0, np.uint64) for bit in self._starts[-1]]
        planes = start
        for _ in range(_LONG):
            last = np.where(even, index == size - 1, _bits(chance(4, 7, 2)))
            given = [chance(8, 4, 7, 6), chance(1) & chance(2), _plane(last), chance(8, 7, 4), chance(1) & chance(2),
                     chance(3, 1, 5), chance(8, 1, 6, 4, 2)]
            planes, wrong, (_, moved, _, error, _, _) = self._evaluated(planes, given)
            index = np.where(_bits(error), 0, np.where(_bits(moved), np.where(last, 0, index + 1), index))
            for rule, plane in zip(self._rules, wrong, strict=True):
                if plane.any():
                    return rule
            planes = [begin & error | plane & ~error for begin, plane in zip(start, planes, strict=True)]
        return self._stuck(planes, filled(64 * _PLAYS), within)

    def through(self, most: int, choices: Sequence[Choice] = EVERY) -> tuple[States, str]:
        """The states, and what is wrong in a cycle out of one of them; no more than ``most`` and those of a range."""
        states = States(self._bits)
        begun, count = self._begun()
        states.add(begun, filled(count))
        for first, last in states:
            planes, some = states.planes(first, last), filled(last - first)
            for choice in choices:
                after, wrong, (same, *_) = self._cycle(planes, choice)
                for rule, plane in zip(self._rules, wrong, strict=True):
                    if (plane & some).any():
                        return states, rule
                states.add(after, some & ~same)
            if states.count > most:
                break
        return states, ""

    def stuck(self, states: States, within: int) -> str:
        """`_stuck` of all states."""
        found = (self._stuck(states.planes(first, last), filled(last - first), within) for first, last in states)
        return next(filter(None, found), "")

    def _stuck(self, begin, some, within):
        """What does not happen within so many cycles out of a state: with nothing more offered, that all results that
        are owed come; with all streams open, that vectors are taken and, if each ends a pass, weights; with a run that
        cannot be, that `error` says so."""
        planes, due, error = begin, some, some
        for _ in range(within):
            planes, _, (*_, error, due, _) = self._cycle(planes, QUIET)
        if (due & ~error & some).any():
            return "withheld"
        for choice in OPEN:
            planes, moved, weighted, dead = begin, np.zeros_like(some), np.zeros_like(some), some
            for _ in range(within):
                planes, _, (_, a, b, error, _, dead) = self._cycle(planes, choice)
                moved, weighted = moved | a, weighted | b
            stays = ~moved | (~weighted if choice.a[2] else 0) | dead
            if (stays & ~error & some).any():
                return "deadlock"
        return ""


def _bits(plane):
    """A plane as one truth for each pattern."""
    return np.unpackbits(plane.view(np.uint8), bitorder="little").astype(bool)


def _plane(bits):
    return np.packbits(bits, bitorder="little").view(np.uint64)


def filled(count: int) -> np.ndarray:
    """A plane of which so many bits are set."""
    plane = np.full(-(-count // 64), _ONES)
    if count % 64:
        plane[-1] >>= np.uint64(64 - count % 64)
    return plane


def order(circuits: Mapping[str, Machine], seconds: float, small: Small, within: int,
          first: int | None = None) -> Answer:
    """Each result is of its row and its run, of vectors that met their weights, once, in order, ``last`` with the run's
    last; an `error` is of a run that cannot be; nothing is withheld. In every state that is reached from reset,
    undecided beyond `MOST`; or in the ``first`` of them."""
    core = Core(small, circuits["core"])
    if wrong := Walk(core, None).played(within):
        return Answer(REFUTED, {"case": wrong}, (0,))
    kept = Kept(core.machine)
    kept = kept if kept.known and kept.proved(seconds) else None
    walk, most = Walk(core, kept), (first or MOST) if kept else TRIED
    states, wrong = walk.through(most)
    wrong = wrong or walk.stuck(states, within)
    if wrong and wrong != UNSOUND:
        return Answer(REFUTED, {"case": wrong}, (states.count,))
    all_of_them = kept and not wrong and (first or states.count <= most)
    return Answer(PROVED if all_of_them else UNDECIDED, told=(states.count,))


def hold(circuits: Mapping[str, Machine], seconds: float, small: Small) -> Answer:
    """Out of whatever state: a result that waits for ``ready`` stays as it is, and an `error` until a reset; and with
    it a vector that is not taken."""
    machine, logic = circuits["core"], Logic()
    before, state = machine.step(logic, logic.inputs(machine.registers), machine.running | {"m_axis_c_tready": [FALSE]})
    after, state = machine.step(logic, state, machine.running)
    third, _ = machine.step(logic, state, machine.running)  # behind states that no buffer comes to be in
    changed = logic.any(logic.xor(x, y) for signal in ("valid", "last", "data") for x, y in
                        zip(before[f"m_axis_c_t{signal}"], after[f"m_axis_c_t{signal}"], strict=True))
    [error], (ready, later) = before["error"], (each["s_axis_a_tready"][0] for each in (after, third))
    wrong = [logic.and_(before["m_axis_c_tvalid"][0], changed), logic.and_(error, after["error"][0] ^ 1),
             logic.any([error ^ 1, ready, later ^ 1]) ^ 1]
    return Answer(*Question(logic).never_one(*wrong, limit=seconds))


def rate(circuits: Mapping[str, Machine], seconds: float, small: Small, cycles: int) -> Answer:
    """From reset, all streams open, passes of as many vectors as lanes and one or more: two vectors are taken at once,
    before there are weights; when the first has left the buffer, one is taken in every cycle, and each row of results
    comes a latency behind its vector."""
    core, logic = Core(small, circuits["core"]), Logic()
    state, wrong, due = core.machine.reset(logic), [], []
    owed = Owed(logic, core.lanes, small.rows, core.latency + 4)
    begun, blocked = FALSE, FALSE
    for cycle in range(cycles):
        last, final = logic.inputs(2)
        last = logic.and_(last, logic.any(owed.index[core.lanes :]))
        found, state = core.step(logic, state, Choice((TRUE, FALSE, last), (TRUE, FALSE, final), TRUE))
        [moved], [taken] = found["s_axis_a_tready"], found["s_axis_b_tready"]
        begun = logic.or_(begun, logic.and_(blocked, moved))
        blocked = logic.or_(blocked, moved ^ 1)
        wrong += [blocked] * (cycle < 2)
        legal = owed.dead ^ 1
        wrong.append(logic.any([begun ^ 1, moved, legal ^ 1]) ^ 1)
        if cycle >= core.latency:
            came, there = due[cycle - core.latency]
            wrong.append(logic.any([there ^ 1, legal ^ 1, logic.xor(found["m_axis_c_tvalid"][0], came) ^ 1]) ^ 1)
        owed.results.clear(TRUE)
        owed.step((moved, FALSE, last), (taken, FALSE, final))
        due.append((owed.results.entries[0][0], begun))
    return Answer(*Question(logic).never_one(*wrong, begun ^ 1, limit=seconds))


def settled(circuits: Mapping[str, Machine], seconds: float, small: Small, cycles: int) -> Answer:
    """From reset, in every traffic: when the tile adds to a sum of the pass before, this has left the memory."""
    machine, logic = circuits["core"], Logic()
    state, wrong = machine.reset(logic), []
    names = ("buffer_c_full", "error", f"vectors_{parse(small.slug).stages}_0", r"sums\w*_o_valid",
             f"tile_some_{parse(small.slug).stages}")
    for _ in range(cycles):
        _, state = machine.step(logic, state, machine.running)
        full, error, begins, there, some = (
            bit for name in names for bit, each in zip(state, machine.names, strict=True) if re.fullmatch(name, each))
        wrong.append(logic.any([full, error, begins, some ^ 1, there]) ^ 1)
    return Answer(*Question(logic).never_one(*wrong, limit=seconds))


def independence(circuits: Mapping[str, Machine], seconds: float, small: Small) -> Answer:
    """Valid, ready, last and `error` follow from each other and their own registers alone: no data come into them."""
    machine = circuits["core"]
    seen = followed_data(machine, lambda name: name.endswith("tdata") or name == "place")
    return Answer(REFUTED, {"port": " ".join(seen)}) if seen else Answer(PROVED)


def staged(stages: int) -> list[Small]:
    """Those of `STAGED` of so many stages."""
    return [small for small in STAGED if parse(small.slug).stages == stages]


def followed(tile: Specification, stages: int) -> list[Small]:
    """Those of `CORES` whose sums go round as those of a tile's core do: results leave through drains or as they are,
    and of as many stages. With blocks that holds of vectors and weights with their scales (`tile_joined`)."""
    def kind(tile, stages):
        return tile.result.integer, stages

    return [small for small in CORES if kind(parse(small.slug).tile, parse(small.slug).stages) == kind(tile, stages)]


def of_staged(small: Small) -> list[Obligation]:
    """The obligation of one of `STAGED`."""
    design, cycles = parse(small.slug), 18
    return [Obligation(small.name, "sums of a pass are there when vectors of the next are added to them",
                       f"model check, {cycles} cycles from reset, every traffic", settled, (small, cycles),
                       {"core": Source(load, TileMatmul, (design.tile, 1, design.stages, small.rows))},
                       batch=small.name)]


def of(small: Small) -> list[Obligation]:
    """The obligations of one of `CORES`, and of the rate."""
    component = small.component
    within = component.latency + 2 * component.tile.lanes + small.rows + 4
    cycles = 24

    def obligation(small, claim, means, examine, *arguments, weight=1.0):
        design = parse(small.slug)
        return Obligation(small.name, claim, means, examine, (small, *arguments),
                          {"core": Source(load, TileMatmul, (design.tile, 1, design.stages, small.rows))},
                          batch=small.name, weight=weight)

    return [obligation(small, "control does not look at data", "cone of logic", independence),
            obligation(small, "a result holds until it is taken, an error until reset, in which no vector is taken",
                       "induction, any state", hold),
            obligation(STEADY, "long passes follow without a pause, results a latency behind",
                       f"model check, {cycles} cycles from reset, open streams", rate, cycles),
            obligation(small, "sums of a pass meet their rows of the next, the last ones go out: none lost, doubled or "
                       f"reordered; what is owed comes within {within} cycles",
                       "all {:,} states that are reached from reset, every traffic", order, within, weight=300)]
