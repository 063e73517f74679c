"""Bench of ``mac_*`` and ``dot_*``: runs of pairs, or of vectors of pairs, against golden sums."""

from collections.abc import Sequence
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from ..golden.expected import expected
from ..hdl.designs import Design
from ..hdl.verilog import component
from . import beats, bench, tiles
from .runs import Driver, Monitor, begin, reset
from .streams import TRAFFIC, Checker

TIMEOUT = {"timeout_time": 1, "timeout_unit": "ms"}
LENGTHS = (1, 1, 1, 2, 3, 7, 40)


class Session:
    """The unit under test, out of reset, with driver, monitor and checker."""

    def __init__(self, dut: Any, rng: np.random.Generator, traffic: str = "always") -> None:
        self.design = bench.design()
        self.lanes = self.design.lanes or 1
        self.checker = Checker(self._describe)
        self.sums = []
        self._sent = 0
        self._latency = component(self.design).latency
        self._driver = Driver(dut, TRAFFIC[traffic][0](rng), rng)
        self._monitor = Monitor(dut, self._latency, self._on_sum)

    def send(self, a: np.ndarray, b: np.ndarray) -> None:
        """One run: codes of equal length, a multiple of the lanes."""
        spec = self.design.multiplier
        words = [beats.pack(codes.reshape(-1, self.lanes), fmt.width) for codes, fmt in ((a, spec.a), (b, spec.b))]
        self._driver.queue.extend(zip(*words, beats.lasts(len(words[0])), strict=True))
        self.checker.expect(int(expected(self.design, a, b)), (a, b))
        self._sent += 1
        bench.count(vectors=len(words[0]), macs=len(a))

    async def sum(self, runs: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[int | str]:
        """The sums of runs, sent back to back, once each is known to be golden."""
        for a, b in runs:
            self.send(a, b)
        end = self._sent
        # Only further steps push results out of the pipeline.
        for _ in range(self._latency):
            self.send(*(np.full(self.lanes, code) for code in self.design.multiplier.neutral or (0, 0)))
        await self._monitor.came.wait(end)
        self.checker.check()
        return self.sums[end - len(runs) : end]

    def stop(self) -> None:
        self._driver.stop()
        self._monitor.stop()

    def _on_sum(self, code):
        self.sums.append(code)
        self.checker(code)

    def _describe(self, context, expected, actual):
        a, b = context
        spec, result = self.design.multiplier, self.design.result
        return (f"run of {len(a)}: expected {bench.shown(result, expected)}, actual {bench.shown(result, actual)}; "
                f"operands {bench.shown_pairs(spec, a, b)}")


def random_run(design: Design, kind: str, steps: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Codes of one run of so many steps, or as many as the sum has room for, of a kind that `tiles` knows."""
    steps = min(steps, tiles.longest(design))
    a, b = tiles.matrices(design.multiplier, kind, 1, steps * (design.lanes or 1), 1, rng)
    return a[0], b[:, 0]


def runs_of_all_kinds(design: Design, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = [(kind, steps) for kind in tiles.KINDS for steps in LENGTHS]
    return [random_run(design, kind, steps, rng) for kind, steps in rng.permutation(np.array(cases, object))]


@cocotb.test(**TIMEOUT)
async def outputs_are_known_after_reset(dut: Any) -> None:
    """``valid`` is 0, not X, from reset on while nothing ends."""
    await begin(dut)
    for _ in range(20):
        await RisingEdge(dut.clk)
        valid = bench.read(dut.valid)
        assert valid == 0, f"{bench.run()}: valid must be 0 after reset, not {valid}"


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(traffic=["always", "stalls", "gaps"])  # that differ in their sources
async def sums_are_golden(dut: Any, traffic: str) -> None:
    """Runs of every kind of operands and of many lengths, back to back."""
    await begin(dut)
    rng = bench.generator()
    await Session(dut, rng, traffic).sum(runs_of_all_kinds(bench.design(), rng))


@cocotb.test(**TIMEOUT)
async def runs_apart_match_runs_back_to_back(dut: Any) -> None:
    """Nothing of a run is left behind in the next one."""
    await begin(dut)
    rng = bench.generator()
    session = Session(dut, rng)
    runs = runs_of_all_kinds(session.design, rng)
    together = await session.sum(runs)
    for run, wanted in zip(runs, together, strict=True):
        await ClockCycles(dut.clk, int(rng.integers(1, 20)))
        alone = await session.sum([run])
        assert alone == [wanted], f"{bench.run()}: a run differs from itself among others"


@cocotb.test(**TIMEOUT)
async def reset_in_mid_run_recovers(dut: Any) -> None:
    """After one cycle of reset, whatever was under way is forgotten and the next run is right."""
    await begin(dut)
    rng = bench.generator()
    for when in range(2, 40, 3):
        await reset(dut)
        session = Session(dut, rng, "stalls")
        session.send(*random_run(session.design, "random", 40, rng))
        await ClockCycles(dut.clk, when)
        session.stop()
        await reset(dut)
        session = Session(dut, rng)
        await session.sum([random_run(session.design, "random", steps, rng) for steps in (1, 5)])
        session.stop()
