"""Bench of ``mac_*`` and ``dot_*``: runs of pairs, or of vectors of pairs, against the reference's sums."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from .. import beats
from ..messages import name_run, read, run
from ..runs import Driver, Monitor, begin, reset
from ..streams import TRAFFIC, Checker
from . import settings, vectors
from .codes import Codes
from .coverage import coverage
from .coverage import holes_are_listed as holes_are_listed
from .products import rule
from .sums import Sums

TIMEOUT = {"timeout_time": 100, "timeout_unit": "ms"}
STEPS = (1, 1, 2, 3, 7, 1, 16, 40)  # of runs, by their numbers
LENGTHS = {"1": 1, "2": 2, "3 to 8": 8, "9 and more": 1 << 30}
TRAFFIC_BINS = ("en low in a run", "en low between runs", "en low while a result is held", "run after run",
                "reset in a run")

_about = settings.about()
_widths = _about["a"]["width"], _about["b"]["width"]
_lanes, _latency, _result = _about["lanes"], _about["latency"], Codes(_about["result"])
_sums = Sums(_about["sum"], rule(_about["product"]))


def vector(seed: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The run of a number: codes (steps, lanes) of either operand."""
    rng = vectors.generator(seed, number)
    steps = min(STEPS[number // len(vectors.KINDS) % len(STEPS)], _about["longest"])
    a, b = vectors.matrices(number, (1, steps * _lanes, 1), rng)
    return a.reshape(steps, _lanes), b.reshape(steps, _lanes)


class Session:
    """The unit under test, out of reset, with driver, monitor and checker."""

    def __init__(self, dut: Any, segment: vectors.Segment) -> None:
        rng = segment.generator
        name_run(segment.name)
        self.checker = Checker(self._describe)
        self._sent, self._seed = 0, segment.seed
        self._driver = Driver(dut, TRAFFIC[segment.traffic][0](rng), rng)
        self._monitor = Monitor(dut, _latency, self.checker)

    def send(self, number: int | None, a: np.ndarray, b: np.ndarray) -> None:
        """One run, codes (steps, lanes); without a number what only pushes others out."""
        words = [beats.pack(codes, width) for codes, width in zip((a, b), _widths, strict=True)]
        self._driver.queue.extend(zip(*words, beats.lasts(len(a)), strict=True))
        code = _sums(*(codes.ravel().tolist() for codes in (a, b)))
        self.checker.expect(code, (number, a, b))
        self._sent += 1
        if number is not None:
            vectors.observe(a.reshape(1, -1), b.reshape(-1, 1))
            coverage.classes("result", _result.classes, _result.classify(np.array([code])))
            coverage.hit("steps", next(name for name, most in LENGTHS.items() if len(a) <= most))
            for name, count in _sums.events.items():
                if count:
                    coverage.hit("sum", name, count)
        _sums.events.clear()

    async def finish(self) -> None:
        """Wait until every run that was sent has come out, and fail if one was wrong."""
        end = self._sent
        for _ in range(_latency):
            self.send(None, *(np.full((1, _lanes), code, np.uint64) for code in _about["neutral"]))
        await self._monitor.came.wait(end)
        self.stop()
        self.checker.check()

    def stop(self) -> None:
        self._driver.stop()
        self._monitor.stop()

    def _describe(self, context, expected, actual):
        number, a, b = context
        which = "a run of neutral pairs" if number is None else vectors.named(self._seed, number)
        return (f"{which}, {len(a)} steps: expected {_result.show(expected)}, actual {_result.show(actual)}; operands "
                f"{vectors.show_pairs(a.ravel(), b.ravel())}")


async def watch(dut: Any) -> None:
    """Count what the traffic does, for ever."""
    edge, running, before = RisingEdge(dut.clk), False, False
    while True:
        await edge
        en, last = dut.en.value == 1, dut.last.value == 1
        if dut.rst.value == 1:
            running = before = False
        elif en:
            if before and not running:
                coverage.hit("traffic", "run after run")
            running, before = not last, True
        else:
            coverage.hit("traffic", "en low in a run" if running else "en low between runs")
            if read(dut.valid) == 1:
                coverage.hit("traffic", "en low while a result is held")
            before = False


def declare() -> None:
    """The points of this bench."""
    vectors.declare()
    coverage.point("result", _result.classes)
    coverage.point("steps", list(LENGTHS))
    coverage.point("sum", _about["events"])
    coverage.point("traffic", list(TRAFFIC_BINS))


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(seed=settings.seeds())
async def sums_are_right(dut: Any, seed: int) -> None:
    """Runs of every kind and many lengths, back to back, in one traffic after the other; between two of these a reset
    in the middle of a run."""
    declare()
    await begin(dut)
    cocotb.start_soon(watch(dut))
    for segment in vectors.segments(seed, ["always", "stalls", "gaps"]):
        session = Session(dut, segment)
        for number in segment.numbers:
            session.send(number, *vector(seed, number))
        await session.finish()
        await reset(dut)
        if not settings.some():
            await _reset_in_a_run(dut, segment)
        coverage.write()


async def _reset_in_a_run(dut, segment):
    """A run of which a part is taken, and a reset: the vectors that follow must not know of it."""
    rng, session = segment.generator, Session(dut, segment)
    steps = min(40, _about["longest"])
    a, b = vectors.matrices(0, (1, steps * _lanes, 1), rng)
    session.send(None, a.reshape(steps, _lanes), b.reshape(steps, _lanes))
    await ClockCycles(dut.clk, 3 + int(rng.integers(max(steps - 6, 1))))
    coverage.hit("traffic", "reset in a run", int(steps > 6))
    session.stop()
    await reset(dut)


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def valid_is_known_after_reset(dut: Any) -> None:
    """``valid`` is 0, not X, from reset on while nothing ends."""
    name_run(settings.slug())
    await begin(dut)
    for _ in range(20):
        await RisingEdge(dut.clk)
        assert read(dut.valid) == 0, f"{run()}: valid must be 0 after reset, not {read(dut.valid)}"
