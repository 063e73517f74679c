"""Runs of pairs in a bench, as ``mac_*`` and ``dot_*`` take them: driver, monitor, reset. Stand-alone benches have this
file too."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from .messages import read, run
from .streams import PERIOD, Arrivals


class Driver:
    """Applies steps ``(a, b, last)`` with ``en`` in cycles in which ``go`` says so; in the others rubbish without."""

    def __init__(self, dut: Any, go: Iterator[bool], rubbish: np.random.Generator) -> None:
        self.queue = deque()
        self._task = cocotb.start_soon(self._run(dut, go, rubbish))
        self._en = dut.en

    def stop(self) -> None:
        self._task.cancel()
        self._en.value = 0

    async def _run(self, dut, go, rubbish):
        edge = RisingEdge(dut.clk)
        while True:
            await edge
            dut.en.value = en = bool(self.queue) and next(go)
            a, b, last = self.queue.popleft() if en else (*(_random_bits(port, rubbish) for port in (dut.a, dut.b)), 1)
            dut.a.value = a
            dut.b.value = b
            dut.last.value = last


def _random_bits(port, rng):
    return int.from_bytes(rng.bytes(-(-len(port) // 8)), "little") & ((1 << len(port)) - 1)


class Monitor:
    """Watches ``valid`` and ``c``, and calls ``on_result(c)`` once for each result.

    Fails the test if ``valid`` is X, is not 1 exactly ``latency`` enabled cycles after each ``last``, or if the result
    changes while it is held.
    """

    def __init__(self, dut: Any, latency: int, on_result: Callable[[int | str], None]) -> None:
        self.came = Arrivals()
        self._task = cocotb.start_soon(self._run(dut, latency, on_result))

    def stop(self) -> None:
        self._task.cancel()

    async def _run(self, dut, latency, on_result):
        edge, due, held = RisingEdge(dut.clk), deque([0] * latency, latency), None
        while True:
            await edge
            valid = read(dut.valid)
            after = f"after {self.came.count} results"
            assert valid == due[0], f"{run()}: valid must be {due[0]} {after}, not {valid}"
            if valid and held is None:
                held = read(dut.c)
                on_result(held)
                self.came.add()
            elif valid:
                assert read(dut.c) == held, f"{run()}: a result changed while it was held, from {held}"
            if dut.en.value == 1:
                due.append(int(dut.last.value))
                held = None


async def begin(dut: Any) -> None:
    """Quiet inputs, a running clock, and after a few cycles in whatever state the unit woke up, one of reset."""
    for port in (dut.en, dut.last, dut.a, dut.b):
        port.value = 0
    dut.rst.value = 0
    Clock(dut.clk, PERIOD, unit="step").start()
    await ClockCycles(dut.clk, 3)
    await reset(dut)


async def reset(dut: Any) -> None:
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    dut.rst.value = 0
