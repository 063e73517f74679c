"""Streams of tiles: that no vector is lost, doubled, withheld or multiplied by weights of another pass.

Small tiles are followed from reset for a stated number of cycles, through every traffic at once, as arrays are
(`handshake`). One element of one vector, whichever, is the largest number, so is one weight of one row, whichever; one
partial sum that comes in has a bit, and all else is 0: so the sums say which vectors met which weights and which
partial sums. A second time these are NaN, and the flags say the same. That control does not look at data is shown by
its cone of logic, so that what holds for these data holds for the way of any. Of a tile that is `paced` partial sums
are always there, and nothing is said while nobody is ready for its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..golden.codec import encode
from ..golden.tile_sums import Scales, partial_sums, place_for, top_for
from ..hdl.designs import parse
from ..hdl.tile import Tile
from .handshake import Followed, chosen_of, followed_data, selected, shifted
from .logic import FALSE, TRUE, Logic
from .machine import load
from .obligation import PROVED, REFUTED, Answer, Obligation, Source
from .solver import Question

if TYPE_CHECKING:
    from ..golden.tile import Tile as Specification
    from .machine import Machine


class Small(NamedTuple):
    """A tile that is followed."""

    slug: str
    ahead: bool
    cycles: int

    @property
    def name(self) -> str:
        return self.slug + " with weights ahead" * self.ahead

    @property
    def component(self) -> Tile:
        """Its component."""
        design = parse(self.slug)
        return Tile(design.tile, design.cols or 1, self.ahead, design.stages)


#: Tiles that are followed: of few lanes, of codes that have NaN, or of scales that have; lanes of the third kind have
#: the window's place themselves, others in their weights.
TILES = tuple(Small(f"tile_{words}", ahead, cycles) for words, ahead, cycles in (
    ("lmul_e4m3_2x1_w4", False, 14), ("lmul_e4m3_2x2_w4", False, 12), ("lmul_e4m3_sub_2x1_w4", False, 12),
    ("lmul_e4m3_3x1_w4", False, 12), ("exact_mxe2m1_2x1_w4", False, 13), ("exact_mxe2m1_2x2_w4", False, 12),
    ("lmul_e4m3_2x1_w4_p2", False, 13), ("exact_mxe2m1_2x1_w4_p2", False, 13),
    ("lmul_e4m3_2x1_w4_p3", False, 13), ("exact_mxe2m1_2x1_w4_p3", False, 13),
    ("lmul_e4m3_2x1_w4", True, 14), ("lmul_e4m3_2x2_w4", True, 12), ("lmul_e4m3_sub_2x1_w4", True, 12),
    ("lmul_e4m3_3x1_w4", True, 12), ("exact_mxe2m1_2x1_w4", True, 12),
    ("lmul_e4m3_2x1_w4_p2", True, 12), ("exact_mxe2m1_2x1_w4_p2", True, 12),
    ("lmul_e4m3_2x1_w4_p3", True, 12), ("exact_mxe2m1_2x1_w4_p3", True, 12)))
_INPUTS = ("a", "b", "c")


class Codes:
    """What followed tiles are given, and what they must make of it.

    Attributes
    ----------
    a, b : (int, int)
        Codes of an element that is 0, and of one that is marked.
    a_scale, b_scale : (int, int, int) or None
        Codes of scales: the usual one, one half of it, and NaN.
    bit : int
        What a partial sum comes with where it is marked.
    """

    def __init__(self, tile: Specification) -> None:
        self.tile, spec = tile, tile.multiplier
        self.a, self.b = ((0, fmt.max_finite) for fmt in (spec.a, spec.b))
        self.nans = tuple(getattr(fmt, "nan", None) for fmt in (spec.a, spec.b))
        self.a_scale, self.b_scale = (block and self._scales(block) for block in (tile.a_block, tile.b_block))
        usual = Scales(*(np.array([[scale[0]]]) if scale else None for scale in (self.a_scale, self.b_scale)))
        self.place = place_for(tile, np.array([[self.a[1]]]), np.array([[self.b[1]]]))
        self.top = top_for(tile, usual)
        self.bit = 1 << (tile.word_bits - 2)

    @staticmethod
    def _scales(block):
        return int(encode(block.scale, 1.0)), int(encode(block.scale, 0.5)), block.scale.max_finite + 1

    def sum(self, a_low: int, b_low: int) -> int:
        """The word of a vector whose one element is multiplied by its one weight, each under its usual scale or half of
        it; by golden."""
        scales = Scales(*(np.array([[scale[low]]]) if scale else None
                          for scale, low in ((self.a_scale, a_low), (self.b_scale, b_low))))
        a, b = np.array([[self.a[0]] * self.tile.lanes]), np.array([[self.b[0]]] * self.tile.lanes)
        a[0, 0], b[0, 0] = self.a[1], self.b[1]
        found = int(partial_sums(self.tile, self.place, a, b, np.zeros((1, 1), np.uint64), self.top, scales)[0, 0])
        assert found and found < self.bit
        return found


class Core:
    """The ports of a tile: its inputs by stream and signal; a cycle out of reset."""

    def __init__(self, small: Small, machine: Machine) -> None:
        self.design, self.machine = parse(small.slug), machine
        self.tile, self.cols = self.design.tile, self.design.cols or 1
        self.codes, self.latency, self.paced = Codes(self.tile), small.component.latency, small.component.paced
        # The window's place comes with rows of weights, that of the scales with vectors; at other times both are free.
        self.places = {name: [TRUE if value >> bit & 1 else FALSE for bit in range(machine.inputs[name])]
                       for name, value in (("place", self.codes.place), ("top", self.codes.top))
                       if name in machine.inputs}

    @staticmethod
    def port(stream: str, signal: str) -> str:
        return f"{'o' if stream == 'o' else f'i_{stream}'}__{signal}"

    def step(self, logic: Logic, state: list[int], signals: Mapping[tuple[str, str], list[int]],
             ) -> tuple[dict[tuple[str, str], list[int]], list[int]]:
        """A cycle; signals by (stream, signal), those that are not given free, and so the outputs."""
        inputs = {self.port(*name): literals for name, literals in signals.items()}
        places = {name: [logic.mux(signals[stream, "valid"][0], bit, logic.input()) for bit in self.places[name]]
                  for name, stream in (("place", "b"), ("top", "a"))
                  if name in self.places and (stream, "valid") in signals}
        found, state = self.machine.step(logic, state, places | inputs | self.machine.running)
        wanted = [(stream, "ready") for stream in _INPUTS] + [("o", signal) for signal in ("valid", "last", "data")]
        return {name: found[self.port(*name)] for name in wanted}, state


def _coded(logic, width, usual, *others):
    """Bits of a code: the usual one, or another under a literal, the last that holds."""
    bits = [TRUE if usual >> bit & 1 else FALSE for bit in range(width)]
    for literal, code in others:
        bits = [logic.mux(literal, TRUE if code >> n & 1 else FALSE, bit) for n, bit in enumerate(bits)]
    return bits


class Traffic(Followed):
    """Everything that may happen at the streams of a tile in some cycles from reset, and what must come of it.

    Parameters
    ----------
    core : Core
    cycles : int
    closing : int
        All streams are open from some cycle on, whichever; what was taken so many cycles before the end must have
        come out if it was before that.
    nan : bool
        Whether what is marked is NaN; flags are then compared, else words.
    """

    def __init__(self, core: Core, cycles: int, closing: int, nan: bool) -> None:
        self.core, self.cycles, self.closing, self.nan, self.logic = core, cycles, closing, nan, Logic()
        logic, lanes = self.logic, core.tile.lanes
        self.ends = logic.inputs(cycles)  # which vectors end a pass
        self.mark = {stream: chosen_of(logic, cycles) for stream in _INPUTS}
        self.lane, self.col, self.c_col = (chosen_of(logic, n) for n in (lanes, core.cols, core.cols))
        self.low_a, self.low_b = logic.inputs(cycles), logic.inputs(-(-cycles // lanes))  # halved scales
        self.wrong = {"out of nothing": [], "last": [], "result": [], "withheld": []}
        self.trace = {"valid a": [], "valid b": [], "valid c": [], "ready": []}
        self._expect()
        self._run()

    def _expect(self):
        """Of each vector what its sums must be: words, or flags, by column."""
        logic, core, lanes, count = self.logic, self.core, self.core.tile.lanes, self.cycles
        passes = len(self.low_b)
        marked_pass = [logic.any(self.mark["b"][p * lanes : (p + 1) * lanes]) for p in range(passes)]
        met = logic.any(logic.and_(self.lane[n], logic.any(self.mark["b"][n::lanes])) for n in range(lanes))
        lane = TRUE if core.codes.a_scale else logic.any(self.lane)  # a NaN is in a lane, or it is the scale
        at, self.expected = [TRUE] + [FALSE] * (passes - 1), []
        for n in range(count):
            here = selected(logic, at, marked_pass)
            low_b = selected(logic, at, self.low_b)
            columns = []
            for col, c_col in zip(self.col, self.c_col, strict=True):
                bit = logic.and_(self.mark["c"][n], c_col)
                if self.nan:
                    columns.append([logic.any([logic.and_(self.mark["a"][n], lane), logic.and_(here, col), bit])])
                    continue
                hit = logic.any([self.mark["a"][n] ^ 1, here ^ 1, met ^ 1, col ^ 1]) ^ 1
                word = [FALSE] * core.tile.word_bits
                for a_low in (0, 1):
                    for b_low in (0, 1):
                        both = logic.and_(self.low_a[n] ^ 1 ^ a_low, low_b ^ 1 ^ b_low)
                        code = core.codes.sum(a_low, b_low)
                        word = [logic.or_(logic.and_(logic.and_(hit, both), code >> place & 1), old)
                                for place, old in enumerate(word)]
                columns.append([logic.or_(old, logic.and_(bit, core.codes.bit >> place & 1))
                                for place, old in enumerate(word)])
            self.expected.append(columns)
            at = shifted(logic, self.ends[n], at)

    def _vector(self, beat):
        """Data of ``i_a``, of the beat that is offered."""
        logic, codes, tile = self.logic, self.core.codes, self.core.tile
        fmt, marked = tile.multiplier.a, selected(logic, beat, self.mark["a"])
        zero, one = codes.a[0], codes.nans[0] if self.nan and codes.nans[0] is not None else codes.a[1]
        data = [bit for lane in self.lane for bit in _coded(logic, fmt.width, zero, (logic.and_(marked, lane), one))]
        if codes.a_scale and tile.a_block:
            usual, low, nan = codes.a_scale
            data += _coded(logic, tile.a_block.scale.width, usual, (selected(logic, beat, self.low_a), low),
                           (marked if self.nan else FALSE, nan))
        return data

    def _row(self, beat):
        """Data of ``i_b``: scales are those of its pass, in each row."""
        logic, codes, tile, lanes = self.logic, self.core.codes, self.core.tile, self.core.tile.lanes
        fmt, marked = tile.multiplier.b, selected(logic, beat, self.mark["b"])
        zero, one = codes.b[0], codes.nans[1] if self.nan and codes.nans[1] is not None else codes.b[1]
        data = [bit for col in self.col for bit in _coded(logic, fmt.width, zero, (logic.and_(marked, col), one))]
        if codes.b_scale and tile.b_block:
            usual, low, nan = codes.b_scale
            at = [logic.any(beat[p * lanes : (p + 1) * lanes]) for p in range(len(self.low_b))]
            of_pass = selected(logic, at, [logic.any(self.mark["b"][p * lanes : (p + 1) * lanes])
                                           for p in range(len(self.low_b))])
            for col in self.col:
                sick = logic.and_(of_pass, col) if self.nan else FALSE
                data += _coded(logic, tile.b_block.scale.width, usual, (selected(logic, at, self.low_b), low),
                               (sick, nan))
        return data

    def _partial(self, beat):
        """Data of ``i_c``."""
        logic, codes, tile = self.logic, self.core.codes, self.core.tile
        marked = selected(logic, beat, self.mark["c"])
        code = 1 << tile.word_bits if self.nan else codes.bit
        return [bit for col in self.c_col
                for bit in _coded(logic, tile.word_bits + tile.flags, 0, (logic.and_(marked, col), code))]

    def _seen(self, data):
        """Of the sums that are offered what is compared, by column."""
        tile, size = self.core.tile, self.core.tile.word_bits + self.core.tile.flags
        columns = [data[n * size : (n + 1) * size] for n in range(self.core.cols)]
        return [column[tile.word_bits :] if self.nan else column[: tile.word_bits] for column in columns]

    def _run(self):
        logic, core, none = self.logic, self.core, [FALSE] * self.cycles
        beat = {stream: [TRUE, *none] for stream in _INPUTS}  # which one the stream offers
        waiting = dict.fromkeys(_INPUTS, FALSE)
        taken = dict.fromkeys(_INPUTS, none)  # bit n: beat n was
        given, out = none, [TRUE, *none]
        opened, state = FALSE, core.machine.reset(logic)
        owed = []
        for cycle in range(self.cycles):
            opened = logic.or_(opened, logic.input())
            if cycle == self.cycles - self.closing:
                owed = [logic.and_(opened, vector) for vector in taken["a"]]
            signals = {("o", "ready"): [logic.or_(opened, logic.input())],
                       ("a", "data"): self._vector(beat["a"]), ("b", "data"): self._row(beat["b"]),
                       ("c", "data"): self._partial(beat["c"]), ("a", "last"): [selected(logic, beat["a"], self.ends)]}
            for stream in _INPUTS:
                always = TRUE if stream == "c" and core.paced else opened
                signals[stream, "valid"] = [logic.any([always, waiting[stream], logic.input()])]
                self.trace[f"valid {stream}"] += signals[stream, "valid"]
            found, state = core.step(logic, state, signals)
            (ready,), (valid,), (last,) = signals["o", "ready"], found["o", "valid"], found["o", "last"]
            self.trace["ready"].append(ready)
            there = selected(logic, out, [logic.and_(*both) for both in zip(taken["a"], taken["c"], strict=True)])
            pairs = [(x, selected(logic, out, [columns[n][place] for columns in self.expected]))
                     for n, column in enumerate(self._seen(found["o", "data"])) for place, x in enumerate(column)]
            self.wrong["out of nothing"].append(logic.and_(valid, there ^ 1))
            self.wrong["last"].append(logic.and_(valid, logic.xor(last, selected(logic, out, self.ends))))
            self.wrong["result"].append(logic.and_(valid, logic.any(logic.xor(*pair) for pair in pairs)))
            move = logic.and_(valid, ready)
            given, out = shifted(logic, move, given, TRUE), shifted(logic, move, out)
            for stream in _INPUTS:
                moved = logic.and_(signals[stream, "valid"][0], found[stream, "ready"][0])
                waiting[stream] = logic.and_(signals[stream, "valid"][0], moved ^ 1)
                taken[stream] = shifted(logic, moved, taken[stream], TRUE)
                beat[stream] = shifted(logic, moved, beat[stream])
        self.withheld(owed, given)


def traffic(circuits: Mapping[str, Machine], seconds: float, small: Small, nan: bool) -> Answer:
    """No vector lost, doubled, withheld or given another's weights or partial sum, in every traffic."""
    core = Core(small, circuits["tile"])
    closing = core.tile.lanes + core.latency + 2 + (core.design.stages > 1)  # with stages rows come a cycle later
    return Traffic(core, small.cycles, closing, nan).verdict(seconds)


def hold(circuits: Mapping[str, Machine], seconds: float, small: Small) -> Answer:
    """Out of whatever state: sums that are valid and not taken stay."""
    core, logic = Core(small, circuits["tile"]), Logic()
    before, state = core.step(logic, logic.inputs(core.machine.registers), {("o", "ready"): [FALSE]})
    after, _ = core.step(logic, state, {})
    changed = logic.any(logic.xor(x, y) for signal in ("valid", "last", "data")
                        for x, y in zip(before["o", signal], after["o", signal], strict=True))
    return Answer(*Question(logic).never_one(logic.and_(before["o", "valid"][0], changed), limit=seconds))


_OPEN = {**{(stream, "valid"): [TRUE] for stream in _INPUTS}, ("o", "ready"): [TRUE]}


def progress(circuits: Mapping[str, Machine], seconds: float, small: Small, within: int) -> Answer:
    """Out of whatever state: with all streams open, a vector is taken and sums are offered within so many cycles; and
    sums are offered also where nobody is ready for them, but by a tile that is `paced`."""
    core, logic = Core(small, circuits["tile"]), Logic()
    taken, offered = [], {TRUE: []} if core.paced else {TRUE: [], FALSE: []}
    begin = logic.inputs(core.machine.registers)
    for ready, times in offered.items():
        state = begin
        for _ in range(within):
            found, state = core.step(logic, state, _OPEN | {("o", "ready"): [ready]})
            times += found["o", "valid"]
            taken += found["a", "ready"] if ready else []
    stuck = logic.any(logic.any(times) ^ 1 for times in (taken, *offered.values()))
    return Answer(*Question(logic).never_one(stuck, limit=seconds))


def rate(circuits: Mapping[str, Machine], seconds: float, small: Small) -> Answer:
    """From reset, all streams open: a vector is taken in every cycle, but between passes; with weights ahead there too,
    where passes have as many vectors as there are lanes. Sums are offered ``latency`` cycles behind each."""
    core, logic = Core(small, circuits["tile"]), Logic()
    latency = core.latency
    state, wrong = core.machine.reset(logic), []
    began, ended, since = FALSE, FALSE, [FALSE] * core.tile.lanes  # since: bit n, n + 1 vectors came in this pass
    taken: list[int] = []
    for cycle in range(small.cycles + latency):
        last = logic.input()
        if small.ahead:  # no earlier than with the vector that makes them as many as there are lanes
            last = logic.and_(last, since[core.tile.lanes - 2])
        found, state = core.step(logic, state, {**_OPEN, ("a", "last"): [last]})
        [moved] = found["a", "ready"]
        wrong.append(logic.and_(moved ^ 1, logic.and_(began, TRUE if small.ahead else ended ^ 1)))
        due = taken[cycle - latency] if cycle >= latency else FALSE
        wrong.append(logic.xor(found["o", "valid"][0], due))
        began, ended = logic.or_(began, moved), logic.mux(moved, last, ended)
        since = [logic.mux(moved, logic.and_(new, last ^ 1), old)
                 for new, old in zip([TRUE, *since], since, strict=False)]
        taken.append(moved)
    return Answer(*Question(logic).never_one(*wrong, logic.any(taken) ^ 1, limit=seconds))


def independence(circuits: Mapping[str, Machine], seconds: float, small: Small) -> Answer:
    """Valid, ready and last follow from each other and their own registers alone: no data come into them."""
    core = Core(small, circuits["tile"])
    seen = followed_data(core.machine, lambda name: name.endswith("__data") or name in core.places)
    return Answer(REFUTED, {"port": " ".join(seen)}) if seen else Answer(PROVED)


def followed(tile: Specification, stages: int = 1, ahead: bool = False) -> list[Small]:
    """Those of `TILES` that pass beats on as a tile does, in as many stages: with blocks or without. Where scales and
    weights can both be no number, a flag comes of the scales of the last row and of the weights of all: then with and
    without."""
    spec = tile.multiplier
    kinds = {bool(tile.blocks), bool(tile.blocks) and not (spec.b.has_nan or spec.b.has_inf)}
    designs = {small: parse(small.slug) for small in TILES if small.ahead == ahead}
    return [small for small, each in designs.items() if bool(each.tile.blocks) in kinds and each.stages == stages]


def of(small: Small) -> list[Obligation]:
    """The obligations of the streams of one of `TILES`."""
    design = parse(small.slug)
    rows = 1 << (design.tile.lanes - 1).bit_length()  # that the count of rows may be away from none, in any state
    within = rows + small.component.latency + 2 + (design.stages > 1)
    state, cycles = "induction, any state", f"{small.cycles} cycles from reset"

    def obligation(claim, means, examine, *arguments, weight=1.0):
        return Obligation(small.name, claim, means, examine, (small, *arguments),
                          {"tile": Source(load, Tile, (design.tile, design.cols, small.ahead, design.stages))},
                          batch=f"streams of {small.name}", weight=weight)

    return [obligation("control does not look at data", "cone of logic", independence),
            obligation("sums hold until they are taken", state, hold),
            obligation(f"no deadlock: open streams move within {within} cycles", state, progress, within),
            obligation("a vector in every cycle, its sums a latency behind", f"model check, {cycles}, open streams",
                       rate),
            obligation("no vector lost, doubled or withheld, each with its weights and partial sum",
                       f"model check, {cycles}, every traffic", traffic, False, weight=500),
            obligation("flags of NaN go with their vectors, weights and partial sums",
                       f"model check, {cycles}, every traffic", traffic, True, weight=500)]
