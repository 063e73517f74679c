"""Bench of tiles behind AXI4-Stream: products of matrices, of any depth, through their streams."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from .. import beats
from ..clocked import Clocked
from ..messages import name_run, run
from ..streams import TRAFFIC, Beat, Checker, Driver, Joined, Monitor, Sink, Stream
from . import settings, tiles, traffic, vectors
from .codes import Codes
from .coverage import coverage
from .coverage import holes_are_listed as holes_are_listed

TIMEOUT = {"timeout_time": 100, "timeout_unit": "ms"}
ROWS = (1, 2, 3, tiles.lanes, tiles.lanes + 1, 5)

_about = settings.about()
_result = Codes(_about["result"])
_bits = {name: 8 * -(-width // 8) for name, width in _about["stream_widths"].items()}  # whole bytes


class Core(Clocked):
    """The ports of the core. The window's place goes with the rows of weights, that of the scales with the vectors.

    Attributes
    ----------
    streams : dict of str to Stream
        Those that go in: ``b``, ``a``, and where there are blocks ``bs``, ``as``.
    o : Stream
    """

    def __init__(self, dut: Any) -> None:
        self.clk, self.rst, self.active, self.error = dut.aclk, dut.aresetn, 0, dut.error
        place, top = getattr(dut, "place", None), getattr(dut, "top", None)
        self._place_bits = 0 if place is None else len(place)
        names = [name for name in _bits if name != "c"]
        self.streams = {name: self._stream(dut, f"s_axis_{name}", {"b": place, "a": top}.get(name)) for name in names}
        self._data_bits = {name: len(getattr(dut, f"s_axis_{name}_tdata")) for name in names}
        self.o = self._stream(dut, "m_axis_c")

    @staticmethod
    def _stream(dut, name, beside=None):
        data, last, valid, ready = (getattr(dut, f"{name}_t{signal}", None)
                                    for signal in ("data", "last", "valid", "ready"))
        return Stream(dut.aclk, Joined(data, beside), Joined(last), valid, ready)

    @property
    def inputs(self) -> Iterable[Stream]:
        return self.streams.values()

    def beats_of(self, given: tiles.Operands) -> dict[str, list[Beat]]:
        """What a product is on each stream that goes in."""
        parts = tiles.passes(given)
        place = (given.place & ((1 << self._place_bits) - 1)) << self._data_bits["b"]
        top = given.top << self._data_bits["a"]
        b, a = np.concatenate([one.b for one in parts]), np.concatenate([one.a for one in parts])
        found = {"b": (b, beats.lasts(len(b)), place), "a": (a, beats.lasts(len(given.a)) * len(parts), top)}
        for name, codes in (("bs", [one.b_scales for one in parts]), ("as", [one.a_scales for one in parts])):
            if name in self.streams:
                every = np.concatenate([each for each in codes if each is not None])
                found[name] = every, [0] * len(every), 0
        return {name: [Beat(word | beside, last) for word, last in zip(
            beats.pack(codes, _bits[name]), lasts, strict=True)] for name, (codes, lasts, beside) in found.items()}


class Session:
    """A core with drivers on its inputs, a sink on its output, monitors everywhere and a checker at the end."""

    def __init__(self, core: Core, segment: vectors.Segment) -> None:
        name_run(segment.name)
        source, sink = TRAFFIC[segment.traffic]
        self.core, self._seed, self._sent, self.tile = core, segment.seed, 0, tiles.Tile()
        self.checker = Checker(self._describe)
        children = segment.generator.spawn(len(core.streams) + 1)
        self.drivers = {name: Driver(stream, source(child), child)
                        for (name, stream), child in zip(core.streams.items(), children[1:], strict=True)}
        self.sink = Sink(core.o, sink(children[0]), late=segment.traffic == "late")
        self.inputs = {name: Monitor(stream, name) for name, stream in core.streams.items()}
        self.output = Monitor(core.o, "result", self.checker)

    def send(self, number: int | None, given: tiles.Operands) -> None:
        """One product."""
        for name, stream in self.core.beats_of(given).items():
            self.drivers[name].send(stream)
        codes = self.tile.product(given)
        words = beats.pack(codes, _bits["c"])
        for row, (word, last) in enumerate(zip(words, beats.lasts(len(words)), strict=True)):
            self.checker.expect(Beat(word, last), (number, given, row))
        self._sent += len(words)
        if number is None:
            self.tile.words.clear()
            return
        tiles.observe(self.tile, given)
        coverage.classes("result", _result.classes, _result.classify(codes))
        coverage.hit("rows", _rows_bin(len(given.a)))
        coverage.hit("passes", "one" if len(given.b) <= tiles.lanes else "several")

    async def finish(self) -> None:
        """Wait until every row of what was sent has come out, and fail if one was wrong."""
        await self.output.moved.wait(self._sent)
        self.checker.done()
        assert self.core.error.value == 0, f"{run()}: error must be 0 after products as they must be"

    def stop(self) -> None:
        for each in (*self.drivers.values(), self.sink, *self.inputs.values(), self.output):
            each.stop()

    def _describe(self, context, expected, actual):
        if expected is None:
            return f"row {actual} was not expected"
        number, given, row = context
        which = f"{vectors.named(self._seed, number)}, row {row} of {len(given.a)}, depth {len(given.b)}"
        if isinstance(actual.data, str) or actual.last != expected.last:
            return f"{which}: expected {expected}, actual {actual}"
        want, got = beats.unpack([expected.data, actual.data], tiles.cols, _bits["c"])
        col = int(np.flatnonzero(want != got)[0])
        return (f"{which}, column {col}: expected {_result.show(int(want[col]))}, actual "
                f"{_result.show(int(got[col]))}; {tiles.show(given, row, col)}")


def depths() -> list[int]:
    """Depths of one pass and of several, with and without something missing of the last."""
    lanes, step = tiles.lanes, tiles.about["depth_step"]
    return [step, 2 * step, 3 * step] if tiles.about["blocks"] else [1, lanes, lanes + 1, 2 * lanes, 5 * lanes - 1]


def vector(seed: int, number: int, rows: int | None = None, depth: int | None = None) -> tiles.Operands:
    """The product of a number."""
    turn, some = number // len(vectors.KINDS), depths()
    return tiles.vector(seed, number, rows or ROWS[turn % len(ROWS)], depth or some[turn // 2 % len(some)])


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(seed=settings.seeds())
async def products_are_right(dut: Any, seed: int) -> None:
    """Products of every kind of operands and scales, of one pass and of several, back to back, in one traffic after the
    other; between two of these a reset in the middle."""
    tiles.declare()
    coverage.point("result", _result.classes)
    coverage.point("rows", list(dict.fromkeys(map(_rows_bin, ROWS))))
    coverage.point("passes", list(dict.fromkeys("one" if depth <= tiles.lanes else "several" for depth in depths())))
    core = Core(dut)
    traffic.declare([*core.streams, "result"])
    await core.start()
    traffic.watch(core.streams | {"result": core.o}, core.rst, core.active)
    for segment in vectors.segments(seed, list(TRAFFIC)):
        session = Session(core, segment)
        for number in segment.numbers:
            session.send(number, vector(seed, number))
        await session.finish()
        session.stop()
        if not settings.some():
            session = Session(core, segment)
            for number in segment.numbers[:3]:
                session.send(None, vector(seed, number, 3, depths()[-1]))
            await ClockCycles(core.clk, int(segment.generator.integers(2, 3 * depths()[-1])))
            coverage.hit("traffic", "reset in a run")
            session.stop()
            await core.reset()
        coverage.write()


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def outputs_are_known_after_reset(dut: Any) -> None:
    """Nothing that leaves the core is X or offers a result, neither right after reset nor while it idles."""
    name_run(settings.slug())
    core = Core(dut)
    await core.start()
    known = {f"{name} ready": stream.ready for name, stream in core.streams.items()}
    await core.idle(known | {"result valid": core.o.valid, "error": core.error}, {
        "a result is offered after reset, though nothing was multiplied": core.o.valid,
        "an error is told of after reset, though nothing was multiplied": core.error})


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def passes_that_differ_are_told(dut: Any) -> None:
    """Passes of a product that have not as many vectors each raise ``error``, until reset; then all is well again."""
    core, [seed, *_] = Core(dut), settings.seeds()
    await core.start()
    session = Session(core, vectors.Segment(seed, "always", [0]))
    given = vector(seed, 0, 6, max(2 * tiles.lanes, tiles.about["depth_step"]))
    for name, stream in core.beats_of(given).items():
        session.drivers[name].send([*stream[:8], stream[8]._replace(last=1)] if name == "a" else stream)
    for _ in range(20 * tiles.lanes + 100):
        await RisingEdge(core.clk)
        if core.error.value == 1:
            break
    await ClockCycles(core.clk, 20)
    assert core.error.value == 1, f"{run()}: error must be 1, and stay so, after a pass that was too short"
    session.stop()
    await core.reset()
    session = Session(core, vectors.Segment(seed, "always", [0]))
    session.send(None, vector(seed, 0))
    await session.finish()
    session.stop()


def _rows_bin(rows):
    return "fewer than lanes" if rows < tiles.lanes else "as many as lanes" if rows == tiles.lanes else "more"
