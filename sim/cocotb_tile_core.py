"""Bench of tiles behind AXI4-Stream: products of any depth through their streams against golden's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from ..golden.tile_sums import tile_matmul
from ..hdl.verilog import component
from . import bench, passes
from .core import TileCore
from .session import Session
from .streams import TRAFFIC
from .tile_runs import depth_step

if TYPE_CHECKING:
    from ..hdl.designs import Design
    from ..hdl.tile_core import TileMatmul

TIMEOUT = {"timeout_time": 1, "timeout_unit": "ms"}


class Runs(Session):
    """Products of any depth, in passes."""

    ports: TileCore

    def send(self, one: passes.Operands) -> None:
        codes = tile_matmul(self.ports.design.tile, one.a, one.b, one.scales, one.place, one.top).codes
        self.put(one, self.ports.moving(one), codes)
        bench.count(vectors=codes.size, macs=codes.size * one.a.shape[1])

    def named(self, one: passes.Operands, row: int) -> str:
        return f"row {row} of {len(one.a)}, depth {len(one.b)}"

    def shown(self, code: int) -> str:
        return bench.shown(self.ports.design.result, code)

    def made_of(self, one: passes.Operands, row: int, col: int) -> str:
        return (f"place {one.place}, top {one.top}; operands "
                f"{bench.shown_pairs(self.ports.design.multiplier, one.a[row], one.b[:, col])}")


async def begin(dut: Any, traffic: str = "always") -> tuple[Runs, np.random.Generator]:
    """A core out of reset, in a session; and the generator of this test's operands."""
    core, rng = TileCore(dut), bench.generator()
    await core.start()
    return Runs(core, rng, traffic), rng


def depths(design: Design) -> list[int]:
    """Depths of one pass and of several, with and without something missing of the last."""
    lanes, step = design.tile.lanes, depth_step(design)
    return [step, 2 * step, 3 * step] if design.tile.blocks else [1, lanes, lanes + 1, 2 * lanes, 5 * lanes - 1]


def runs_of_all_kinds(design: Design, rng: np.random.Generator) -> list[passes.Operands]:
    """Runs of every kind at every depth, of few rows and of some, in random order."""
    lanes = design.tile.lanes
    cases = [(kind, depth) for kind in passes.KINDS for depth in depths(design)]
    return [passes.operands(design, kind, int(rng.choice([1, 2, 3, lanes, lanes + 1, int(rng.integers(4, 13))])), depth,
                            rng)
            for kind, depth in rng.permutation(np.array(cases, object))]


@cocotb.test(**TIMEOUT)
async def outputs_are_known_after_reset(dut: Any) -> None:
    """Nothing that leaves the core is X or offers a result, neither right after reset nor while it idles."""
    core = TileCore(dut)
    await core.start()
    await core.idle()


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(traffic=list(TRAFFIC))
async def products_are_golden(dut: Any, traffic: str) -> None:
    """Runs of every kind of operands and scales, of one pass and of several, back to back."""
    session, rng = await begin(dut, traffic)
    await session.run(runs_of_all_kinds(session.ports.design, rng))


@cocotb.test(**TIMEOUT)
async def runs_apart_match_runs_back_to_back(dut: Any) -> None:
    """Nothing of a run is left behind in the next one."""
    session, rng = await begin(dut)
    several = runs_of_all_kinds(session.ports.design, rng)
    together = await session.run(several)
    for given in several:
        await ClockCycles(session.ports.clk, int(rng.integers(1, 40)))
        alone = await session.run([given])
        assert alone == together[: len(alone)], f"{bench.run()}: a run differs from itself among others"
        del together[: len(alone)]


def _room(design):
    """How many partial sums there is room for."""
    return cast("TileMatmul", component(design)).rows


@cocotb.test(**TIMEOUT)
async def memory_is_used_whole(dut: Any) -> None:
    """Passes of as many vectors as partial sums have room, and a lone pass of more."""
    session, rng = await begin(dut)
    design = session.ports.design
    rows, lanes, step = _room(design), design.tile.lanes, depth_step(design)
    whole = rows, max(2 * lanes, step)
    alone = [(rows + 3, lanes)] if step in (1, lanes) else []  # else a block takes several passes
    await session.run([passes.operands(design, "random", count, depth, rng)
                            for count, depth in (whole, *alone, whole)])


@cocotb.test(**TIMEOUT)
async def reset_in_mid_run_recovers(dut: Any) -> None:
    """After one cycle of reset, whatever was under way is forgotten and the next run is right."""
    core, rng = TileCore(dut), bench.generator()
    await core.start()
    design, lanes, depth = core.design, core.design.tile.lanes, depths(core.design)[-1]
    count = max(depth // lanes, 1) * lanes
    for when in (1, 2, lanes, lanes + 3, count, count + 5, 2 * count + 7, 3 * count):
        session = Runs(core, rng, "stalls" if when % 2 else "always")
        for _ in range(3):
            session.send(passes.operands(design, "random", lanes, depth, rng))
        await ClockCycles(core.clk, when + 1)
        session.stop()
        await core.reset()
        session = Runs(core, rng)
        await session.run([passes.operands(design, "random", rows, deep, rng)
                                for rows, deep in ((2, depths(design)[0]), (lanes, depth))])
        session.stop()


@cocotb.test(**TIMEOUT)
async def what_does_not_fit_is_told(dut: Any) -> None:
    """Several passes of more vectors than there is room for, or of differently many, raise ``error`` until reset."""
    core, rng = TileCore(dut), bench.generator()
    await core.start()
    design, lanes = core.design, core.design.tile.lanes
    rows, depth = _room(design), max(2 * lanes, depth_step(design))
    for case in ("many", "shorter", "longer"):
        session = Runs(core, rng)
        given = passes.operands(design, "random", rows + 1 if case == "many" else 6, depth, rng)
        for name, each in core.moving(given).items():
            if case == "shorter":
                each = {"a": [*each[:8], *([each[8]._replace(last=1)] if name == "a" else [])]}.get(name, each)
            elif case == "longer" and name == "a":
                each[11] = each[11]._replace(last=0)
                each += each[:1]
            session.drivers[name].send(each)
        for _ in range(20 * rows):
            await RisingEdge(core.clk)
            if core.error.value == 1:
                break
        assert core.error.value == 1, f"{bench.run()}: {case}: error must be 1"
        await ClockCycles(core.clk, 20)
        assert core.error.value == 1, f"{bench.run()}: {case}: error must stay 1"
        session.stop()
        await core.reset()
        session = Runs(core, rng)
        await session.run([passes.operands(design, "random", 3, depth, rng)])
        session.stop()


@cocotb.test(**TIMEOUT)
async def timing_is_as_stated(dut: Any) -> None:
    """Unstalled, a run's last row comes ``latency`` cycles after its last vector; passes and runs follow each other
    without a bubble, and no vector waits but for weights."""
    session, rng = await begin(dut)
    design = session.ports.design
    stated, lanes, step = component(design).latency, design.tile.lanes, depth_step(design)
    for rows in (1, lanes, 2 * lanes + 3):
        for count in (1, 3):
            depth = max(count * lanes, step)
            depth -= depth % step
            await session.run([passes.operands(design, "random", rows, depth, rng)])
            latency = session.output.ends[-1] - session.inputs["a"].ends[-1]
            assert rows <= lanes or latency == stated, (  # of few rows, the last too may have waited for weights
                f"{bench.run()}: latency must be {stated} cycles, not {latency}, for {rows} rows by {depth}")
            several = [passes.operands(design, "random", rows, depth, rng) for _ in range(4)]
            await session.run(several)
            periods = np.diff(session.output.ends[-4:]).tolist()
            wanted = depth // lanes * max(rows, lanes)
            waits = depth > lanes and max(rows, lanes) < 3 + (design.stages > 1)  # for the sums of the pass before
            assert waits or periods == [wanted] * 3, (
                f"{bench.run()}: runs of {rows} rows by {depth} must take {wanted} cycles, not {periods}")
