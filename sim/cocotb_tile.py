"""Bench of the tiles, ``tile_*``: passes through their streams against golden's partial sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from ..golden.formats import IntFormat
from ..golden.tile_sums import partial_sums
from ..hdl.verilog import component
from . import beats, bench, passes
from .clocked import Clocked
from .streams import TRAFFIC, Beat, Checker, Driver, Joined, Monitor, Sink, Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..hdl.designs import Design

TIMEOUT = {"timeout_time": 1, "timeout_unit": "ms"}


class Pass(NamedTuple):
    """Weights, vectors, and the partial sums that these come to: `passes.Operands` of one pass, and codes."""

    given: passes.Operands
    before: np.ndarray
    after: np.ndarray


class Ports(Clocked):
    """The ports of a ``tile``. The window's place goes with the rows of weights, that of the scales with the vectors.

    Attributes
    ----------
    a, b, c, o : Stream
    """

    def __init__(self, dut: Any) -> None:
        self.design = bench.design()
        self.clk, self.rst, self.active = dut.clk, dut.rst, 1
        self.place, top = getattr(dut, "place", None), getattr(dut, "top", None)
        ends = {"i_a": dut.i_a__last, "o": dut.o__last}
        beside = {"i_a": top, "i_b": self.place}
        self.a, self.b, self.c, self.o = (
            Stream(dut.clk, Joined(getattr(dut, f"{name}__data"), beside.get(name)), Joined(ends.get(name)),
                   getattr(dut, f"{name}__valid"), getattr(dut, f"{name}__ready"))
            for name in ("i_a", "i_b", "i_c", "o"))
        self.data_bits = len(dut.i_a__data), len(dut.i_b__data)

    @property
    def inputs(self) -> tuple[Stream, Stream, Stream]:
        return self.a, self.b, self.c

    def beats_of(self, one: Pass) -> tuple[list[Beat], list[Beat], list[Beat], list[Beat]]:
        """What a pass is on each stream."""
        (a, b, scales, place, top), spec, bits = one.given, self.design.multiplier, self.sum_bits
        vectors = beats.pack(a, spec.a.width)
        rows = beats.pack(b, spec.b.width)
        if scales.a is not None:
            vectors = [word | int(scale) << a.shape[1] * spec.a.width
                       for word, scale in zip(vectors, scales.a[:, 0], strict=True)]
        if scales.b is not None:
            above = sum(int(scale) << n * cast(Any, self.design.b_block).scale.width
                        for n, scale in enumerate(scales.b[0]))
            rows = [word | above << b.shape[1] * spec.b.width for word in rows]
        lasts, place_bits = beats.lasts(len(a)), len(self.place) if self.place is not None else 0
        beside = top << self.data_bits[0], (place & ((1 << place_bits) - 1)) << self.data_bits[1]
        return ([Beat(word | beside[0], last) for word, last in zip(vectors, lasts, strict=True)],
                [Beat(word | beside[1], 0) for word in rows],
                [Beat(word, 0) for word in beats.pack(one.before, bits)],
                [Beat(word, last) for word, last in zip(beats.pack(one.after, bits), lasts, strict=True)])

    @property
    def sum_bits(self) -> int:
        """Of a partial sum, with its flag."""
        return self.design.tile.word_bits + self.design.tile.flags


class Session:
    """A tile with drivers on its inputs, a sink on its output, monitors everywhere and a checker at the end."""

    def __init__(self, ports: Ports, rng: np.random.Generator, traffic: str = "always") -> None:
        source, sink = TRAFFIC[traffic]
        self.ports = ports
        self.checker = Checker(self._describe)
        self.words, self.cycles = [], []
        self.drivers = [Driver(stream, source(child), child)
                        for stream, child in zip((ports.a, ports.b, ports.c), rng.spawn(3), strict=True)]
        self.sink = Sink(ports.o, sink(rng.spawn(1)[0]), late=traffic == "late")
        self.inputs = Monitor(ports.a, "a"), Monitor(ports.b, "b"), Monitor(ports.c, "c")
        self.output = Monitor(ports.o, "sum", self._on_sum)

    def send(self, one: Pass) -> None:
        a, b, c, o = self.ports.beats_of(one)
        for driver, stream in zip(self.drivers, (a, b, c), strict=True):
            driver.send(stream)
        for row, beat in enumerate(o):
            self.checker.expect(beat, (one, row))
        bench.count(vectors=one.after.size, macs=one.given.a.size * one.after.shape[1])

    async def run(self, several: Sequence[Pass]) -> list[int]:
        """Passes back to back; gives the words that came out, once each is known to be golden."""
        first = len(self.words)
        for one in several:
            self.send(one)
        await self.output.moved.wait(first + sum(len(one.after) for one in several))
        self.checker.done()
        return self.words[first:]

    def stop(self) -> None:
        for each in (*self.drivers, self.sink, *self.inputs, self.output):
            each.stop()

    def _on_sum(self, beat):
        self.words.append(beat.data)
        self.cycles.append(self.output.cycle)
        self.checker(beat)

    def _describe(self, context, expected, actual):
        if expected is None:
            return f"sum {actual} was not expected"
        (one, row), tile, spec = context, self.ports.design.tile, self.ports.design.multiplier
        if isinstance(actual.data, str) or actual.last != expected.last:
            return f"vector {row} of {len(one.after)}: expected {expected}, actual {actual}"
        bits, cols = self.ports.sum_bits, one.after.shape[1]
        want, got = beats.unpack([expected.data, actual.data], cols, bits)
        col, word = int(np.flatnonzero(want != got)[0]), IntFormat("word", tile.word_bits + tile.flags)
        scales = [f"0x{int(codes.ravel()[n % codes.size]):02x}" for codes, n in ((one.given.scales.a, row),
                                                                             (one.given.scales.b, col))
                  if codes is not None]
        return (f"vector {row} of {len(one.after)}, column {col}: expected {bench.shown(word, int(want[col]))}, actual "
                f"{bench.shown(word, int(got[col]))}; place {one.given.place}, top {one.given.top}, scales {scales}, "
                f"before 0x{int(one.before[row, col]):x}; operands "
                f"{bench.shown_pairs(spec, one.given.a[row], one.given.b[:, col])}")


async def begin(dut: Any, traffic: str = "always") -> tuple[Session, np.random.Generator]:
    """A tile out of reset, in a session; and the generator of this test's operands."""
    ports, rng = Ports(dut), bench.generator()
    await ports.start()
    return Session(ports, rng, traffic), rng


def drawn(design: Design, kind: str, rows: int, rng: np.random.Generator) -> Pass:
    """A pass of so many vectors."""
    tile = design.tile
    given = passes.operands(design, kind, rows, tile.lanes, rng)
    before = passes.sums(tile, (rows, cast(int, design.cols)), rng)
    after = partial_sums(tile, given.place, given.a, given.b, before, given.top, given.scales)
    return Pass(given, before, after)


def passes_of_all_kinds(design: Design, rng: np.random.Generator) -> list[Pass]:
    """Passes of every kind and many lengths, in random order."""
    lengths = sorted({1, 2, design.tile.lanes, design.tile.lanes + 1, int(rng.integers(3, 41))})
    cases = [(kind, rows) for kind in passes.KINDS for rows in lengths]
    return [drawn(design, kind, rows, rng) for kind, rows in rng.permutation(np.array(cases, object))]


@cocotb.test(**TIMEOUT)
async def outputs_are_known_after_reset(dut: Any) -> None:
    """Nothing that leaves the tile is X or offers a sum, neither right after reset nor while it idles."""
    ports = Ports(dut)
    await ports.start()
    known = {f"{name} ready": getattr(ports, name).ready for name in "abc"} | {"sum valid": ports.o.valid}
    await ports.idle(known, {"a sum is offered after reset, though there was no vector": ports.o.valid})


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(traffic=list(TRAFFIC))
async def sums_are_golden(dut: Any, traffic: str) -> None:
    """Passes of every kind of operands, scales and partial sums, of many lengths, back to back."""
    session, rng = await begin(dut, traffic)
    await session.run(passes_of_all_kinds(session.ports.design, rng))


@cocotb.test(**TIMEOUT)
async def passes_apart_match_passes_back_to_back(dut: Any) -> None:
    """Nothing of a pass is left behind in the next one."""
    session, rng = await begin(dut)
    several = passes_of_all_kinds(session.ports.design, rng)
    together = await session.run(several)
    for one in several:
        await ClockCycles(session.ports.clk, int(rng.integers(1, 40)))
        alone = await session.run([one])
        assert alone == together[: len(alone)], f"{bench.run()}: a pass differs from itself among others"
        del together[: len(alone)]


@cocotb.test(**TIMEOUT)
async def reset_in_mid_pass_recovers(dut: Any) -> None:
    """After one cycle of reset, whatever was under way is forgotten and the next pass is right."""
    ports, rng = Ports(dut), bench.generator()
    await ports.start()
    count = ports.design.tile.lanes
    for when in (1, 2, count - 1, count, count + 1, count + 3, 2 * count, 3 * count + 4):
        session = Session(ports, rng, "stalls" if when % 2 else "always")
        for _ in range(3):
            session.send(drawn(ports.design, "random", count, rng))
        await ClockCycles(ports.clk, when + 1)
        session.stop()
        await ports.reset()
        session = Session(ports, rng)
        await session.run([drawn(ports.design, "random", rows, rng) for rows in (2, count)])
        session.stop()


@cocotb.test(**TIMEOUT)
async def timing_is_as_stated(dut: Any) -> None:
    """Unstalled, sums come ``latency`` cycles after their vectors, one a cycle; and the rows of the next weights are
    taken as soon as the last vector has been used."""
    session, rng = await begin(dut)
    design = session.ports.design
    stated, count = component(design).latency, design.tile.lanes
    for rows in (1, 2, 40):
        await session.run([drawn(design, "random", rows, rng)])
        latency = session.output.ends[-1] - session.inputs[0].ends[-1]
        assert latency == stated, f"{bench.run()}: latency must be {stated} cycles, not {latency}, for {rows} vectors"
        cycles = np.diff(session.cycles[-rows:]).tolist()
        assert cycles == [1] * (rows - 1), f"{bench.run()}: vectors must follow each other in each cycle, not {cycles}"
    for rows in (1, 5, 30):
        await session.run([drawn(design, "random", rows, rng) for _ in range(4)])
        periods = np.diff(session.output.ends[-4:]).tolist()
        assert periods == [count + rows + 1] * 3, (
            f"{bench.run()}: passes of {rows} vectors must take {count + rows + 1} cycles, not {periods}")
