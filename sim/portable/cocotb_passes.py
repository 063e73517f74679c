"""Bench of tiles, ``tile_*``: passes through their streams, from partial sums to partial sums."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from .. import beats
from ..clocked import Clocked
from ..messages import name_run, run
from ..streams import TRAFFIC, Beat, Checker, Driver, Joined, Monitor, Sink, Stream
from . import settings, tiles, traffic, vectors
from .coverage import coverage
from .coverage import holes_are_listed as holes_are_listed

TIMEOUT = {"timeout_time": 100, "timeout_unit": "ms"}
ROWS = {"one": 1, "as many as there are lanes": tiles.lanes, "more": tiles.lanes + 1, "some": 7, "two": 2}

_BIN = {rows: name for name, rows in ROWS.items()}  # of two names of one number, one

_about = settings.about()
_sum_bits = tiles.about["word_bits"] + tiles.about["flags"]
_widths = _about["a"]["width"], _about["b"]["width"]


class Pass:
    """Operands, and the partial sums that they come to."""

    def __init__(self, given: tiles.Operands, before: np.ndarray) -> None:
        self.tile = tiles.Tile()
        self.given, self.before, self.after = given, before, self.tile.added(given, before)


class Ports(Clocked):
    """The ports of a tile. The window's place goes with the rows of weights, that of the scales with the vectors.

    Attributes
    ----------
    a, b, c, o : Stream
    """

    def __init__(self, dut: Any) -> None:
        self.clk, self.rst, self.active = dut.clk, dut.rst, 1
        self.place, top = getattr(dut, "place", None), getattr(dut, "top", None)
        ends = {"i_a": dut.i_a__last, "o": dut.o__last}
        beside = {"i_a": top, "i_b": self.place}
        self.a, self.b, self.c, self.o = (
            Stream(dut.clk, Joined(getattr(dut, f"{name}__data"), beside.get(name)), Joined(ends.get(name)),
                   getattr(dut, f"{name}__valid"), getattr(dut, f"{name}__ready"))
            for name in ("i_a", "i_b", "i_c", "o"))
        self._data_bits = len(dut.i_a__data), len(dut.i_b__data)

    @property
    def inputs(self) -> tuple[Stream, Stream, Stream]:
        return self.a, self.b, self.c

    def beats_of(self, one: Pass) -> tuple[list[Beat], ...]:
        """What a pass is on each stream."""
        given, about = one.given, tiles.about
        vectors_, rows = beats.pack(given.a, _widths[0]), beats.pack(given.b, _widths[1])
        if given.a_scales is not None:
            vectors_ = [word | int(scale) << tiles.lanes * _widths[0]
                        for word, scale in zip(vectors_, given.a_scales[:, 0], strict=True)]
        if given.b_scales is not None:
            width = about["b_block"]["width"]
            above = sum(int(scale) << n * width for n, scale in enumerate(given.b_scales[0]))
            rows = [word | above << tiles.cols * _widths[1] for word in rows]
        lasts, place_bits = beats.lasts(len(given.a)), len(self.place) if self.place is not None else 0
        top = given.top << self._data_bits[0]
        place = (given.place & ((1 << place_bits) - 1)) << self._data_bits[1]
        return ([Beat(word | top, last) for word, last in zip(vectors_, lasts, strict=True)],
                [Beat(word | place, 0) for word in rows],
                [Beat(word, 0) for word in beats.pack(one.before, _sum_bits)],
                [Beat(word, last) for word, last in zip(beats.pack(one.after, _sum_bits), lasts, strict=True)])


class Session:
    """A tile with drivers on its inputs, a sink on its output, monitors everywhere and a checker at the end."""

    def __init__(self, ports: Ports, segment: vectors.Segment) -> None:
        name_run(segment.name)
        source, sink = TRAFFIC[segment.traffic]
        rng = segment.generator
        self._ports, self._seed, self._sent = ports, segment.seed, 0
        self.checker = Checker(self._describe)
        self.drivers = [Driver(stream, source(child), child)
                        for stream, child in zip(ports.inputs, rng.spawn(3), strict=True)]
        self.sink = Sink(ports.o, sink(rng.spawn(1)[0]), late=segment.traffic == "late")
        self.inputs = Monitor(ports.a, "a"), Monitor(ports.b, "b"), Monitor(ports.c, "c")
        self.output = Monitor(ports.o, "sum", self.checker)

    def send(self, number: int | None, one: Pass) -> None:
        *streams, results = self._ports.beats_of(one)
        for driver, stream in zip(self.drivers, streams, strict=True):
            driver.send(stream)
        for row, beat in enumerate(results):
            self.checker.expect(beat, (number, one, row))
        self._sent += len(results)
        if number is not None:
            _observe(one)

    async def finish(self) -> None:
        """Wait until all sums of what was sent have come out, and fail if one was wrong."""
        await self.output.moved.wait(self._sent)
        self.checker.done()

    def stop(self) -> None:
        for each in (*self.drivers, self.sink, *self.inputs, self.output):
            each.stop()

    def _describe(self, context, expected, actual):
        if expected is None:
            return f"sum {actual} was not expected"
        number, one, row = context
        which = f"{vectors.named(self._seed, number)}, row {row} of {len(one.after)}"
        if isinstance(actual.data, str) or actual.last != expected.last:
            return f"{which}: expected {expected}, actual {actual}"
        want, got = beats.unpack([expected.data, actual.data], tiles.cols, _sum_bits)
        col = int(np.flatnonzero(want != got)[0])
        return (f"{which}, column {col}: expected 0x{int(want[col]):x}, actual 0x{int(got[col]):x}, before "
                f"0x{int(one.before[row, col]):x}; {tiles.show(one.given, row, col)}")


def vector(seed: int, number: int, rows: int | None = None) -> Pass:
    """The pass of a number."""
    some = list(ROWS.values())
    rows = rows or some[number // len(vectors.KINDS) % len(some)]
    given = tiles.vector(seed, number, rows, tiles.lanes)
    rng, shape, word_bits = np.random.default_rng([seed, 2, number]), (rows, tiles.cols), tiles.about["word_bits"]
    words = rng.integers(1 << 63, size=shape, dtype=np.uint64) & np.uint64((1 << word_bits) - 1)
    nan = (rng.random(shape) < rng.choice([0, 1 / 8])).astype(np.uint64) * np.uint64(tiles.about["flags"])
    return Pass(given, words * np.uint64(rng.random() < 0.75) | nan << np.uint64(word_bits))


def _observe(one):
    tiles.observe(one.tile, one.given)
    if tiles.about["flags"] and (one.before >> np.uint64(tiles.about["word_bits"])).any():
        coverage.hit("NaN", "before")
    coverage.hit("vectors of a pass", _BIN[len(one.after)])
    coverage.hit("sums before", "some" if one.before.any() else "none")


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(seed=settings.seeds())
async def sums_are_right(dut: Any, seed: int) -> None:
    """Passes of every kind of operands, scales and partial sums, of many lengths, back to back, in one traffic after
    the other; between two of these a reset in the middle."""
    tiles.declare()
    coverage.point("vectors of a pass", list(_BIN.values()))
    coverage.point("sums before", ["some", "none"])
    traffic.declare(["a", "b", "c", "sum"])
    ports = Ports(dut)
    await ports.start()
    traffic.watch({"a": ports.a, "b": ports.b, "c": ports.c, "sum": ports.o}, ports.rst, ports.active)
    for segment in vectors.segments(seed, list(TRAFFIC)):
        session = Session(ports, segment)
        for number in segment.numbers:
            session.send(number, vector(seed, number))
        await session.finish()
        session.stop()
        if not settings.some():
            session = Session(ports, segment)
            for number in segment.numbers[:3]:
                session.send(None, vector(seed, number, tiles.lanes))
            await ClockCycles(ports.clk, int(segment.generator.integers(2, 4 * tiles.lanes)))
            coverage.hit("traffic", "reset in a run")
            session.stop()
            await ports.reset()
        coverage.write()


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def outputs_are_known_after_reset(dut: Any) -> None:
    """Nothing that leaves the tile is X or offers a sum, neither right after reset nor while it idles."""
    name_run(settings.slug())
    ports = Ports(dut)
    await ports.start()
    known = {f"{name} ready": getattr(ports, name).ready for name in "abc"} | {"sum valid": ports.o.valid}
    await ports.idle(known, {"a sum is offered after reset, though there was no vector": ports.o.valid})


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def latency_is_as_stated(dut: Any) -> None:
    """Unstalled, sums come as many cycles after their vectors as the manifest says."""
    ports, [seed, *_] = Ports(dut), settings.seeds()
    await ports.start()
    for rows in (1, 2, 9):
        session = Session(ports, vectors.Segment(seed, "always", [0]))
        session.send(None, vector(seed, 0, rows))
        await session.finish()
        session.stop()
        latency = session.output.ends[-1] - session.inputs[0].ends[-1]
        wanted = _about["latency"]
        assert latency == wanted, f"{run()}: latency must be {wanted} cycles, not {latency}, for {rows} vectors"
