"""Streams of beats: that arrays and stream registers lose, double, reorder and withhold nothing.

Arrays are followed from reset for a stated number of cycles, through every pattern of valid, ready and run lengths at
once (bounded model checking on the gates of the Verilog). One beat, whichever, carries a 1 in row r of A and column c
of B, whichever, and all else is 0: so the results say where each beat's products went. That control does not look at
data is shown by its cone of logic, and so what holds for these data holds for the way of any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..golden.accumulate import accumulate
from ..golden.codec import code_dtype, encode
from ..hdl.axis import Buffer, Turns
from ..hdl.designs import parse
from ..hdl.verilog import component
from .logic import FALSE, TRUE, Logic
from .machine import load
from .obligation import PROVED, REFUTED, Answer, Obligation, Source
from .solver import Question

if TYPE_CHECKING:
    from ..hdl.designs import Design
    from .machine import Machine

#: Designs that are followed, and for how many cycles. Their arithmetic is the smallest: what is examined is the way.
ARRAYS = {f"{structure}_mitchell_e2m1_carrysave2_{shape}_{dataflow}": cycles
          for structure, shape, dataflow, cycles in [
              ("array", "1x1", "os", 16), ("array", "2x2", "os", 16), ("array", "2x3", "os", 14),
              ("array", "3x1", "os", 16), ("matmul", "1x1", "os", 14), ("matmul", "2x2", "os", 16),
              ("array", "1x1", "ws", 13), ("array", "2x2", "ws", 14), ("matmul", "2x1", "ws", 16)]}
BUFFER_WIDTHS = (1, 8, 64, 257)


class Core:
    """The streams of an ``array`` or ``matmul`` design, by its ports.

    Parameters
    ----------
    design : Design
    machine : Machine
    """

    def __init__(self, design: Design, machine: Machine) -> None:
        self.design, self.machine = design, machine
        assert design.rows and design.cols  # an array has both
        self.rows, self.cols = design.rows, design.cols
        axis = design.protocol == "axis"
        self._names = {stream: f"{side}_axis_{stream}_t" if axis else name for stream, side, name in
                       (("a", "s", "i_a__"), ("b", "s", "i_b__"), ("c", "m", "o__"))}

    def port(self, stream: str, signal: str) -> str:
        return self._names[stream] + signal

    def beat(self, stream: str, chosen: Sequence[int]) -> list[int]:
        """Data of a beat whose element i is 1 where literal i is true, else 0."""
        spec = self.design.multiplier
        fmt = getattr(spec, stream)
        one, pitch = int(encode(fmt, 1.0)), self.machine.inputs[self.port(stream, "data")] // len(chosen)
        return [literal if one >> bit & 1 else FALSE for literal in chosen for bit in range(pitch)]

    @property
    def unit(self) -> int:
        """The code of the sum whose one product is 1 times 1."""
        spec = self.design.multiplier
        a, b = ([code_dtype(fmt.width).type(encode(fmt, 1.0))] for fmt in (spec.a, spec.b))
        return int(accumulate(spec, self.design.summed_by, a, b))

    def result(self, chosen: Sequence[int]) -> list[int]:
        """What the results of a beat must be."""
        pitch = self.machine.outputs[self.port("c", "data")] // self.cols
        return [literal if self.unit >> bit & 1 else FALSE for literal in chosen for bit in range(pitch)]

    def step(self, logic: Logic, state: list[int],
             signals: Mapping[tuple[str, str], list[int]]) -> tuple[dict[tuple[str, str], list[int]], list[int]]:
        """A cycle out of reset; signals by (stream, signal), and so the outputs."""
        inputs = {self.port(*name): literals for name, literals in signals.items()}
        found, state = self.machine.step(logic, state, inputs | self.machine.running)
        return {(stream, signal): found[self.port(stream, signal)] for stream, signals in
                (("a", ["ready"]), ("b", ["ready"]), ("c", ["valid", "last", "data"])) for signal in signals}, state


def shifted(logic: Logic, move: int, bits: Sequence[int], first: int = FALSE) -> list[int]:
    """Bits moved up a place where ``move``."""
    return [logic.mux(move, below, bit) for below, bit in zip([first, *bits], bits, strict=False)]


def chosen_of(logic: Logic, count: int) -> list[int]:
    """One of ``count`` literals, whichever, or none."""
    index = logic.inputs(count.bit_length())
    return [logic.any(bit ^ 1 ^ (n >> place & 1) for place, bit in enumerate(index)) ^ 1 for n in range(count)]


def selected(logic: Logic, bits: Iterable[int], values: Iterable[int]) -> int:
    """The value where a bit is set."""
    return logic.any(logic.and_(bit, value) for bit, value in zip(bits, values, strict=False))


class Followed:
    """What is followed through some cycles from reset, and what was seen to be wrong.

    Attributes
    ----------
    logic : Logic
    ends : list of int
        Literals: what ends a run, or a pass.
    wrong : dict of str to list of int
        By rule, literals that are true where it is broken.
    trace : dict of str to list of int
        What a witness shows besides.
    """

    logic: Logic
    ends: list[int]
    wrong: dict[str, list[int]]
    trace: dict[str, list[int]]

    def withheld(self, owed: Iterable[int], given: Iterable[int]) -> None:
        """What is owed must have been given in the end."""
        self.wrong["withheld"].append(self.logic.any(self.logic.and_(due, done ^ 1)
                                                     for due, done in zip(owed, given, strict=True)))

    def verdict(self, limit: float = 300) -> Answer:
        """Whether nothing is ever wrong; if it is, what, and in which traffic."""
        wrong = {rule: self.logic.any(literals) for rule, literals in self.wrong.items()}
        shown = {**{rule: [literal] for rule, literal in wrong.items()}, "ends": self.ends, **self.trace}
        cycles = zip(*(self.wrong[rule] for rule in ("out of nothing", "last", "result")), strict=True)
        verdict, witness = Question(self.logic).never_one(*(literal for cycle in cycles for literal in cycle),
                                                          *self.wrong["withheld"], limit=limit, shown=shown)
        return Answer(verdict, {name: code for name, code in witness.items() if code or name not in self.wrong})


class Traffic(Followed):
    """Everything that may happen at the streams of a core in some cycles from reset, and what must come of it.

    Parameters
    ----------
    core : Core
    cycles : int
    closing : int
        At least so many are given to bring out what was taken before: all streams are open from some cycle on,
        whichever; if for so long, then all results of before have come at the end.
    """

    def __init__(self, core: Core, cycles: int, closing: int) -> None:
        self.core, self.cycles, self.closing, self.logic = core, cycles, closing, Logic()
        logic = self.logic
        self.ends = logic.inputs(cycles)  # which pairs end a run
        self.mark = chosen_of(logic, cycles)  # the pair that is not 0
        self.row, self.col = chosen_of(logic, core.rows), chosen_of(logic, core.cols)
        self.wrong = {"out of nothing": [], "last": [], "result": [], "withheld": []}
        self.trace = {"valid a": [], "valid b": [], "ready": []}
        self._run()

    def _marked_run(self):
        """Which run the pair that is not 0 belongs to."""
        run, marked = [TRUE] + [FALSE] * self.cycles, []
        for end in self.ends:
            marked.append(run)
            run = shifted(self.logic, end, run)
        return [selected(self.logic, self.mark, [at[n] for at in marked]) for n in range(self.cycles)]

    def _run(self):
        logic, core, none = self.logic, self.core, [FALSE] * self.cycles
        target = self._marked_run()
        beat = {stream: [TRUE, *none] for stream in "ab"}  # which pair the stream offers
        waiting = dict.fromkeys("ab", FALSE)
        runs = dict.fromkeys("ab", none)  # bit n: run n was taken to its end
        given, out_run, out_row = none, [TRUE, *none], [TRUE] + [FALSE] * (core.rows - 1)
        opened, state = FALSE, core.machine.reset(logic)
        for cycle in range(self.cycles):
            opened = logic.or_(opened, logic.input())
            if cycle == self.cycles - self.closing:
                owed = [logic.and_(opened, logic.and_(a, b)) for a, b in zip(runs["a"], runs["b"], strict=True)]
            signals = {("c", "ready"): [logic.or_(opened, logic.input())]}
            for stream, places in (("a", self.row), ("b", self.col)):
                valid = logic.any([opened, waiting[stream], logic.input()])
                marked = selected(logic, beat[stream], self.mark)
                signals[stream, "valid"] = [valid]
                signals[stream, "last"] = [selected(logic, beat[stream], self.ends)]
                signals[stream, "data"] = core.beat(stream, [logic.and_(marked, place) for place in places])
                self.trace[f"valid {stream}"].append(valid)
            found, state = core.step(logic, state, signals)
            (ready,), (valid,), (last,) = signals["c", "ready"], found["c", "valid"], found["c", "last"]
            self.trace["ready"].append(ready)

            there = selected(logic, out_run, [logic.and_(*both) for both in zip(runs["a"], runs["b"], strict=True)])
            here = logic.and_(selected(logic, out_run, target), selected(logic, out_row, self.row))
            expected = core.result([logic.and_(here, col) for col in self.col])
            differ = logic.any(logic.xor(x, y) for x, y in zip(found["c", "data"], expected, strict=True))
            self.wrong["out of nothing"].append(logic.and_(valid, there ^ 1))
            self.wrong["last"].append(logic.and_(valid, logic.xor(last, out_row[-1])))
            self.wrong["result"].append(logic.and_(valid, differ))

            move = logic.and_(valid, ready)
            finished = logic.and_(move, out_row[-1])
            given = shifted(logic, finished, given, TRUE)
            out_run = shifted(logic, finished, out_run)
            out_row = shifted(logic, move, out_row, out_row[-1])
            for stream in "ab":
                taken = logic.and_(signals[stream, "valid"][0], found[stream, "ready"][0])
                waiting[stream] = logic.and_(signals[stream, "valid"][0], taken ^ 1)
                runs[stream] = shifted(logic, logic.and_(taken, signals[stream, "last"][0]), runs[stream], TRUE)
                beat[stream] = shifted(logic, taken, beat[stream])
        self.withheld(owed, given)


def traffic(circuits: Mapping[str, Machine], seconds: float, slug: str, cycles: int,
            closing: int | None = None) -> Answer:
    """Results of all runs come complete, in order, once, ``last`` with row R-1, and only of what was taken; runs taken
    ``closing`` cycles ago, if all streams have been open since, have been given out whole."""
    core = Core(parse(slug), circuits[slug])
    closing = closing or core.rows * 2 + core.cols + 7
    return Traffic(core, cycles, min(closing, cycles - 2)).verdict(seconds)


def hold(circuits: Mapping[str, Machine], seconds: float, slug: str) -> Answer:
    """Out of whatever state: a result that waits for ``ready`` stays as it is."""
    core, logic = Core(parse(slug), circuits[slug]), Logic()
    state = logic.inputs(core.machine.registers)
    before, state = core.step(logic, state, {("c", "ready"): [FALSE]})
    after, _ = core.step(logic, state, {})
    changed = logic.any(logic.xor(x, y) for signal in ("valid", "last", "data")
                        for x, y in zip(before["c", signal], after["c", signal], strict=True))
    return Answer(*Question(logic).never_one(logic.and_(before["c", "valid"][0], changed), limit=seconds))


def progress(circuits: Mapping[str, Machine], seconds: float, slug: str, within: int) -> Answer:
    """Out of whatever state: with all streams open, both inputs move within so many cycles."""
    core, logic, moved = Core(parse(slug), circuits[slug]), Logic(), {"a": [], "b": []}
    state = logic.inputs(core.machine.registers)
    for _ in range(within):
        found, state = core.step(logic, state, {("a", "valid"): [TRUE], ("b", "valid"): [TRUE],
                                                ("c", "ready"): [TRUE]})
        for stream, ready in moved.items():
            ready += found[stream, "ready"]
    stuck = logic.any(logic.any(ready) ^ 1 for ready in moved.values())
    return Answer(*Question(logic).never_one(stuck, limit=seconds))


def independence(circuits: Mapping[str, Machine], seconds: float, slug: str) -> Answer:
    """Valid, ready and last follow from each other and their own registers alone: no data come into them."""
    core = Core(parse(slug), circuits[slug])
    data = {core.port(stream, "data"): stream for stream in "ab"}
    seen = [data[name] for name in followed_data(core.machine, data.__contains__)]
    return Answer(REFUTED, {"stream": "".join(seen)}) if seen else Answer(PROVED)


def followed_data(machine: Machine, data: Callable[[str], bool]) -> list[str]:
    """Ports for which ``data`` holds whose bits come, in whatever cycle, into an output other than data."""
    logic = Logic()
    state = logic.inputs(machine.registers)
    given = {name: logic.inputs(width) for name, width in machine.inputs.items() if data(name)}
    found, following = machine.step(logic, state, given | machine.running)
    place = {literal >> 1: n for n, literal in enumerate(state)}
    control, new = set(), {literal >> 1 for name, bits in found.items() if not name.endswith("data")
                           for literal in bits}
    while new:
        reached = set(logic.cone([2 * node for node in new]))
        control |= reached
        new = {following[place[node]] >> 1 for node in reached if node in place} - control
    return [name for name, bits in given.items() if any(literal >> 1 in control for literal in bits)]


def queue(circuits: Mapping[str, Machine], seconds: float, width: int) -> Answer:
    """A stream register is a queue of two beats, for ever: true after reset, and of each cycle if of the one before.

    Parameters
    ----------
    width : int
        Of its data.
    """
    machine = circuits["buffer"]

    def differs(logic, state, beats):
        """Whether a state is other than the queue of ``beats``, (there, beat) each: emptied, it would give others."""
        wrong = []
        for n in range(3):
            found, state = machine.step(logic, state, machine.running | {"i__valid": [FALSE], "o__ready": [TRUE]})
            there, beat = beats[n] if n < 2 else (FALSE, [])
            full = beats[1][0] if n == 0 else FALSE
            given = zip([*found["o__data"], *found["o__last"]], beat, strict=False)
            wrong += [logic.xor(found["o__valid"][0], there), logic.xor(found["i__ready"][0], full ^ 1),
                      *(logic.and_(there, logic.xor(x, y)) for x, y in given)]
        return logic.any(wrong)

    logic = Logic()
    start = differs(logic, machine.reset(logic), [(FALSE, []), (FALSE, [])])
    state = logic.inputs(machine.registers)
    (some, full, valid, ready), first, second, beat = logic.inputs(4), *(logic.inputs(width + 1) for _ in range(3))
    before = logic.or_(logic.and_(full, some ^ 1), differs(logic, state, [(some, first), (full, second)]))
    _, state = machine.step(logic, state, machine.running | {
        "i__data": beat[:-1], "i__last": beat[-1:], "i__valid": [valid], "o__ready": [ready]})
    # What a queue does: the first beat leaves, then the new one joins.
    put, get = logic.and_(valid, full ^ 1), logic.and_(some, ready)
    some_left, full_left = logic.mux(get, full, some), logic.and_(full, get ^ 1)
    front = [logic.mux(get, y, x) for x, y in zip(first, second, strict=True)]
    after = differs(logic, state, [
        (logic.or_(some_left, put), [logic.mux(some_left, x, y) for x, y in zip(front, beat, strict=True)]),
        (logic.or_(full_left, logic.and_(some_left, put)),
         [logic.mux(full_left, x, y) for x, y in zip(second, beat, strict=True)])])
    return Answer(*Question(logic).never_one(logic.or_(start, logic.and_(before ^ 1, after)), limit=seconds))


def kind(design: Design) -> tuple[str, str | None]:
    """What the way of beats through a design depends on, its shape apart: structure and dataflow."""
    return design.structure, design.dataflow


def followed(design: Design) -> list[str]:
    """Those of `ARRAYS` that pass beats on as a design does."""
    return [slug for slug in ARRAYS if kind(parse(slug)) == kind(design)]


def of(slug: str) -> list[Obligation]:
    """The obligations of the streams of one of `ARRAYS`."""
    design, cycles = parse(slug), ARRAYS[slug]
    assert design.rows
    within = design.rows + 4
    state = "induction, any state"

    def obligation(claim, means, examine, *arguments, weight=1.0):
        return Obligation(slug, claim, means, examine, (slug, *arguments), {slug: Source(load, component, (design,))},
                          batch=f"streams of {slug}", weight=weight)

    return [obligation("control does not look at data", "cone of logic", independence),
            obligation("a result holds until it is taken", state, hold),
            obligation(f"no deadlock: open streams move within {within} cycles", state, progress, within),
            obligation("no result lost, doubled, reordered or withheld",
                       f"model check, {cycles} cycles from reset, every traffic", traffic, cycles, weight=1000)]


def registers() -> list[Obligation]:
    """The obligations of stream registers."""
    return [Obligation(f"{name}, {width} bits", "a queue of two beats, for ever", "induction, one step", queue,
                       (width,), {"buffer": Source(load, kind, (width,))})
            for name, kind in (("stream register", Buffer), ("stream register of turns", Turns))
            for width in BUFFER_WIDTHS]
