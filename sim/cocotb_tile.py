"""Bench of the tiles, ``tile_*``: passes through their streams against golden's partial sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from ..golden.formats import IntFormat
from ..golden.tile_sums import partial_sums
from ..hdl.verilog import component
from . import bench, passes
from .core import Tile
from .session import Session
from .streams import TRAFFIC

if TYPE_CHECKING:
    from ..hdl.designs import Design

TIMEOUT = {"timeout_time": 1, "timeout_unit": "ms"}


class Pass(NamedTuple):
    """Weights, vectors, and the partial sums that these come to: `passes.Operands` of one pass, and codes."""

    given: passes.Operands
    before: np.ndarray
    after: np.ndarray


class Passes(Session):
    """Passes, one after the other."""

    ports: Tile

    def send(self, one: Pass) -> None:
        given = one.given
        moving = self.ports.beats_of(given.a, given.b, *given.scales, given.place, given.top, one.before)
        self.put(one, moving, one.after)
        bench.count(vectors=one.after.size, macs=given.a.size * one.after.shape[1])

    def named(self, one: Pass, row: int) -> str:
        return f"vector {row} of {len(one.after)}"

    def shown(self, code: int) -> str:
        return bench.shown(IntFormat("word", self.ports.bits["o"]), code)

    def made_of(self, one: Pass, row: int, col: int) -> str:
        given = one.given
        scales = [f"0x{int(codes.ravel()[n % codes.size]):02x}"
                  for codes, n in ((given.scales.a, row), (given.scales.b, col)) if codes is not None]
        return (f"place {given.place}, top {given.top}, scales {scales}, before 0x{int(one.before[row, col]):x}; "
                f"operands {bench.shown_pairs(self.ports.design.multiplier, given.a[row], given.b[:, col])}")


async def begin(dut: Any, traffic: str = "always") -> tuple[Passes, np.random.Generator]:
    """A tile out of reset, in a session; and the generator of this test's operands."""
    ports, rng = Tile(dut), bench.generator()
    await ports.start()
    return Passes(ports, rng, traffic), rng


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
    ports = Tile(dut)
    await ports.start()
    await ports.idle()


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
    ports, rng = Tile(dut), bench.generator()
    await ports.start()
    count = ports.design.tile.lanes
    for when in (1, 2, count - 1, count, count + 1, count + 3, 2 * count, 3 * count + 4):
        session = Passes(ports, rng, "stalls" if when % 2 else "always")
        for _ in range(3):
            session.send(drawn(ports.design, "random", count, rng))
        await ClockCycles(ports.clk, when + 1)
        session.stop()
        await ports.reset()
        session = Passes(ports, rng)
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
        latency = session.output.ends[-1] - session.inputs["a"].ends[-1]
        assert latency == stated, f"{bench.run()}: latency must be {stated} cycles, not {latency}, for {rows} vectors"
        cycles = np.diff(session.cycles[-rows:]).tolist()
        assert cycles == [1] * (rows - 1), f"{bench.run()}: vectors must follow each other in each cycle, not {cycles}"
    for rows in (1, 5, 30):
        await session.run([drawn(design, "random", rows, rng) for _ in range(4)])
        periods = np.diff(session.output.ends[-4:]).tolist()
        assert periods == [count + rows + 1] * 3, (
            f"{bench.run()}: passes of {rows} vectors must take {count + rows + 1} cycles, not {periods}")
