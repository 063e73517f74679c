"""Bench of the systolic arrays, ``array_*`` and ``matmul_*``: tiles through their streams against golden matrices."""

from collections.abc import Sequence
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from ..golden import codec, products
from ..golden.expected import expected
from ..hdl.designs import Design
from ..hdl.verilog import component
from . import bench, tiles
from .core import Core
from .session import Session
from .streams import TRAFFIC

TIMEOUT = {"timeout_time": 1, "timeout_unit": "ms"}


class Products(Session):
    """Tiles: codes (R, depth) and (depth, C)."""

    ports: Core

    def send(self, one: tuple[np.ndarray, np.ndarray]) -> None:
        (a, b), ports = one, self.ports
        self.put(one, {"a": ports.a_beats(a), "b": ports.b_beats(b)}, expected(ports.design, a, b))
        bench.count(vectors=a.shape[0] * b.shape[1], macs=a.shape[0] * b.size)

    async def multiply(self, operands: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Tiles back to back; gives their results, (tiles, R, C), once each is known to be golden."""
        rows, cols = self.ports.design.grid
        return self.ports.codes(await self.run(operands)).reshape(len(operands), rows, cols)

    def named(self, one: tuple[np.ndarray, np.ndarray], row: int) -> str:
        a, b = one
        return f"row {row} of {len(a)}, depth {len(b)}"

    def shown(self, code: int) -> str:
        return bench.shown(self.ports.design.result, code)

    def made_of(self, one: tuple[np.ndarray, np.ndarray], row: int, col: int) -> str:
        a, b = one
        return f"operands {bench.shown_pairs(self.ports.design.multiplier, a[row], b[:, col])}"


async def begin(dut: Any, traffic: str = "always") -> tuple[Products, np.random.Generator]:
    """A core out of reset, in a session; and the generator of this test's operands."""
    core, rng = Core(dut), bench.generator()
    await core.start()
    return Products(core, rng, traffic), rng


def depths(design: Design) -> list[int]:
    """Depths of a run about which the control could err, as far as the sum has room for them."""
    rows, cols = design.grid
    wanted = {1, 2, rows - 1, rows, rows + 1, cols, 2 * rows, 2 * rows + 3, 3 * (rows + cols)} - {0}
    return sorted({min(depth, tiles.longest(design)) for depth in wanted})


def tile(design: Design, kind: str, depth: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Codes of one tile, (R, depth) and (depth, C), no deeper than the sum has room for."""
    depth = min(depth, tiles.longest(design))
    rows, cols = design.grid
    return tiles.matrices(design.multiplier, kind, rows, depth, cols, rng)


def operands_of_all_kinds(design: Design, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tiles of every kind at every depth, in random order."""
    cases = [(kind, depth) for kind in tiles.KINDS for depth in depths(design)]
    return [tile(design, kind, depth, rng) for kind, depth in rng.permutation(np.array(cases, object))]


@cocotb.test(**TIMEOUT)
async def outputs_are_known_after_reset(dut: Any) -> None:
    """Nothing that leaves the core is X or offers a result, neither right after reset nor while it idles."""
    core = Core(dut)
    await core.start()
    await core.idle()


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(traffic=list(TRAFFIC))
async def products_are_golden(dut: Any, traffic: str) -> None:
    """Tiles of every kind of operands and of many depths, back to back."""
    session, rng = await begin(dut, traffic)
    await session.multiply(operands_of_all_kinds(session.ports.design, rng))


@cocotb.test(**TIMEOUT)
async def tiles_apart_match_tiles_back_to_back(dut: Any) -> None:
    """Nothing of a tile is left behind in the next one."""
    session, rng = await begin(dut)
    operands = operands_of_all_kinds(session.ports.design, rng)
    together = await session.multiply(operands)
    for (a, b), wanted in zip(operands, together, strict=True):
        await ClockCycles(session.ports.clk, int(rng.integers(1, 40)))
        alone = await session.multiply([(a, b)])
        assert np.array_equal(alone[0], wanted), f"{bench.run()}: a tile differs from itself among others"


@cocotb.test(**TIMEOUT)
async def algebra_holds(dut: Any) -> None:
    """Multiplying by one gives each element's own product with one; a zero row stays zero; columns permute."""
    session, rng = await begin(dut)
    design = session.ports.design
    spec, result = design.multiplier, design.result
    _, cols = design.grid
    a, b = tile(design, "random", cols, rng)
    order = rng.permutation(cols)
    plain, permuted = await session.multiply([(a, b), (a, b[:, order])])
    assert np.array_equal(permuted, plain[:, order]), f"{bench.run()}: permuted columns do not permute the result"
    if not spec.absorbing:
        return
    one = int(spec.b.encode(1.0))
    identity = (np.eye(cols, dtype=np.int64) * one).astype(b.dtype)
    zero_row = a.copy()
    zero_row[0] = 0
    by_one, zeroed = await session.multiply([(a, identity), (zero_row, b)])
    wanted = products.wide_value(spec, products.product(spec, a, np.full_like(a, one, b.dtype)))
    if not spec.wide.integer:
        wanted = codec.decode(result, codec.encode(result, wanted, "ieee"))
    assert np.array_equal(codec.decode(result, by_one), wanted), f"{bench.run()}: A by identity is not A by one"
    assert not zeroed[0].any(), f"{bench.run()}: a zero row gives {zeroed[0]}"


@cocotb.test(**TIMEOUT)
async def reset_in_mid_run_recovers(dut: Any) -> None:
    """After one cycle of reset, whatever was under way is forgotten and the next tile is right."""
    core, rng = Core(dut), bench.generator()
    await core.start()
    design = core.design
    rows, cols = design.grid
    full = 3 * (rows + cols)
    for when in (1, 2, rows, full // 2, full - 1, full + rows // 2, 2 * full):
        session = Products(core, rng, "stalls" if when % 2 else "always")
        for _ in range(3):
            session.send(tile(design, "random", full, rng))
        await ClockCycles(core.clk, when + 1)
        session.stop()
        await core.reset()
        session = Products(core, rng)
        await session.multiply([tile(design, "random", depth, rng) for depth in (2, full)])
        session.stop()


@cocotb.test(**TIMEOUT)
async def timing_is_as_stated(dut: Any) -> None:
    """Unstalled, a tile's last row comes ``latency`` cycles after its last beat, or the last that a weight-stationary
    array fills a short run up with; and tiles follow without a bubble."""
    session, rng = await begin(dut)
    design = session.ports.design
    rows, cols = design.grid
    for depth in depths(design):
        filled = max(rows - depth, 0) if design.dataflow == "ws" else 0
        stated = component(design).latency + filled
        await session.multiply([tile(design, "random", depth, rng)])
        latency = session.output.ends[-1] - max(monitor.ends[-1] for monitor in session.inputs.values())
        assert latency == stated, f"{bench.run()}: latency must be {stated} cycles, not {latency}, at depth {depth}"
    for depth in (1, min(8 * (rows + cols), tiles.longest(design))):
        await session.multiply([tile(design, "random", depth, rng) for _ in range(5)])
        periods = np.diff(session.output.ends[-5:]).tolist()
        assert periods == [max(depth, rows)] * 4, (
            f"{bench.run()}: tiles of depth {depth} must take {max(depth, rows)} cycles, not {periods}")
