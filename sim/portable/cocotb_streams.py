"""Bench of systolic arrays, ``array_*`` and ``matmul_*``: products of matrices through their streams."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from .. import beats
from ..clocked import Clocked
from ..messages import name_run, run
from ..streams import TRAFFIC, Beat, Checker, Driver, Monitor, Sink, Stream
from . import settings, traffic, vectors
from .codes import Codes
from .coverage import coverage
from .coverage import holes_are_listed as holes_are_listed
from .products import rule
from .sums import Sums

TIMEOUT = {"timeout_time": 100, "timeout_unit": "ms"}

_about = settings.about()
_rows, _cols, _result = _about["rows"], _about["cols"], Codes(_about["result"])
_sums = Sums(_about["sum"], rule(_about["product"]))


class Core(Clocked):
    """The ports of the array, or of the core around it: streams of codes either way.

    Attributes
    ----------
    a, b, o : Stream
    bits : tuple of int
        Bits of an element of each.
    """

    def __init__(self, dut: Any) -> None:
        axis = _about["protocol"] == "axis"
        self.clk, self.rst, self.active = (dut.aclk, dut.aresetn, 0) if axis else (dut.clk, dut.rst, 1)
        names, join = (("s_axis_a", "s_axis_b", "m_axis_c"), "_t") if axis else (("i_a", "i_b", "o"), "__")
        self.a, self.b, self.o = (Stream(self.clk, *(getattr(dut, f"{name}{join}{signal}") for signal in (
            "data", "last", "valid", "ready"))) for name in names)
        self.bits = tuple(len(stream.data) // count for stream, count in (
            (self.a, _rows), (self.b, _cols), (self.o, _cols)))

    @property
    def inputs(self) -> tuple[Stream, Stream]:
        return self.a, self.b


class Session:
    """A core with drivers on its inputs, a sink on its output, monitors everywhere and a checker at the end."""

    def __init__(self, core: Core, segment: vectors.Segment) -> None:
        name_run(segment.name)
        source, sink = TRAFFIC[segment.traffic]
        rng = segment.generator
        self.core, self._seed, self._sent = core, segment.seed, 0
        self.checker = Checker(self._describe)
        self.drivers = [Driver(stream, source(child), child)
                        for stream, child in zip(core.inputs, rng.spawn(2), strict=True)]
        self.sink = Sink(core.o, sink(rng.spawn(1)[0]), late=segment.traffic == "late")
        self.inputs = Monitor(core.a, "a"), Monitor(core.b, "b")
        self.output = Monitor(core.o, "result", self.checker)

    def send(self, number: int | None, a: np.ndarray, b: np.ndarray) -> None:
        """One product: codes (rows, depth) and (depth, cols)."""
        for driver, codes, bits in zip(self.drivers, (a.T, b), self.core.bits[:2], strict=True):
            driver.send(_beats(codes, bits))
        codes = np.array([[_sums(row, col) for col in b.T.tolist()] for row in a.tolist()], np.uint64)
        for row, beat in enumerate(_beats(codes, self.core.bits[2])):
            self.checker.expect(beat, (number, a, b, row))
        self._sent += len(codes)
        if number is not None:
            vectors.observe(a, b)
            coverage.classes("result", _result.classes, _result.classify(codes))
            coverage.hit("depth", _depth_bin(len(b)))
            for name, count in _sums.events.items():
                if count:
                    coverage.hit("sum", name, count)
        _sums.events.clear()

    async def finish(self) -> None:
        """Wait until every row of what was sent has come out, and fail if one was wrong."""
        await self.output.moved.wait(self._sent)
        self.checker.done()

    def stop(self) -> None:
        for each in (*self.drivers, self.sink, *self.inputs, self.output):
            each.stop()

    def _describe(self, context, expected, actual):
        if expected is None:
            return f"row {actual} was not expected"
        number, a, b, row = context
        which = f"{vectors.named(self._seed, number)}, row {row} of {len(a)}, depth {len(b)}"
        if isinstance(actual.data, str) or actual.last != expected.last:
            return f"{which}: expected {expected}, actual {actual}"
        want, got = beats.unpack([expected.data, actual.data], _cols, self.core.bits[2]).tolist()
        col = next((col for col, pair in enumerate(zip(want, got, strict=True)) if pair[0] != pair[1]), None)
        if col is None:
            return f"{which}: expected {expected}, actual {actual}"
        return (f"{which}, column {col}: expected {_result.show(want[col])}, actual {_result.show(got[col])}; operands "
                f"{vectors.show_pairs(a[row], b[:, col])}")


def depths() -> list[int]:
    """Depths about which the control could err, as far as a sum has room."""
    wanted = {1, 2, _rows - 1, _rows, _rows + 1, _cols, 2 * _rows + 3, 3 * (_rows + _cols)} - {0}
    return sorted({min(depth, _about["longest"]) for depth in wanted})


def vector(seed: int, number: int, depth: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The matrices of a number."""
    rng, some = vectors.generator(seed, number), depths()
    depth = depth or some[number // len(vectors.KINDS) % len(some)]
    return vectors.matrices(number, (_rows, depth, _cols), rng)


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(seed=settings.seeds())
async def products_are_right(dut: Any, seed: int) -> None:
    """Products of every kind and many depths, back to back, in one traffic after the other; between two of these a
    reset in the middle."""
    vectors.declare()
    coverage.point("result", _result.classes)
    coverage.point("depth", list(dict.fromkeys(map(_depth_bin, depths()))))
    coverage.point("sum", _about["events"])
    traffic.declare(["a", "b", "result"])
    core = Core(dut)
    await core.start()
    traffic.watch({"a": core.a, "b": core.b, "result": core.o}, core.rst, core.active)
    for segment in vectors.segments(seed, list(TRAFFIC)):
        session = Session(core, segment)
        for number in segment.numbers:
            session.send(number, *vector(seed, number))
        await session.finish()
        session.stop()
        if not settings.some():
            session = Session(core, segment)
            for number in segment.numbers[:3]:
                session.send(None, *vector(seed, number, depths()[-1]))
            await ClockCycles(core.clk, int(segment.generator.integers(2, 2 * (_rows + _cols))))
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
    await core.idle({"a ready": core.a.ready, "b ready": core.b.ready, "result valid": core.o.valid},
                    {"a result is offered after reset, though nothing was multiplied": core.o.valid})


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def latency_is_as_stated(dut: Any) -> None:
    """Unstalled, a product's last row comes as many cycles after its last beat as the manifest says; where a
    weight-stationary array fills a short run up, after the last of that."""
    core, [seed, *_] = Core(dut), settings.seeds()
    await core.start()
    for depth in depths():
        session = Session(core, vectors.Segment(seed, "always", [0]))
        filled = max(_rows - depth, 0) if _about["dataflow"] == "ws" else 0
        session.send(None, *vector(seed, 0, depth))
        await session.finish()
        session.stop()
        latency = session.output.ends[-1] - max(monitor.ends[-1] for monitor in session.inputs)
        wanted = _about["latency"] + filled
        assert latency == wanted, f"{run()}: latency must be {wanted} cycles, not {latency}, at depth {depth}"


def _depth_bin(depth):
    return f"{'less than' if depth < _rows else 'as many as' if depth == _rows else 'more than'} there are rows"


def _beats(codes, bits):
    words = beats.pack(codes, bits)
    return [Beat(*beat) for beat in zip(words, beats.lasts(len(words)), strict=True)]
