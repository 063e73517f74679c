"""Components with Amaranth's own streams: every kind of design that has streams, in Amaranth's simulator."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator
from lmul import soc
from lmul.golden.matmul import matmul
from lmul.golden.refusal import Refusal
from lmul.golden.tile_sums import tile_matmul
from lmul.hdl.designs import parse
from lmul.hdl.streamed import Streamed
from lmul.sim import beats, passes, tile_runs, tiles

PATIENCE = 3000  # cycles


def carried(core, given, count, generator, stalls=0.3, **plain):
    """What comes out of a component's stream of results, payload by payload, when each stream of operands is given its
    payloads; all stall at random."""
    [out] = [name for name in core.streams if name not in given]
    found, seeds = [], generator.spawn(len(given) + 1)

    def sends(name, payloads, rng):
        async def bench(ctx):
            stream = getattr(core, name)
            for payload in payloads:
                while rng.random() < stalls:
                    await ctx.tick()
                ctx.set(stream.payload, payload)
                ctx.set(stream.valid, 1)
                await ctx.tick().until(stream.ready)
                ctx.set(stream.valid, 0)
        return bench

    async def receives(ctx):
        stream = getattr(core, out)
        for port, value in plain.items():
            ctx.set(getattr(core, port), value)
        for _ in range(PATIENCE):
            ready = seeds[-1].random() >= stalls
            ctx.set(stream.ready, ready)
            *_, valid, payload = await ctx.tick().sample(stream.valid, stream.payload)
            if valid and ready:
                found.append(payload)
            if len(found) == count:
                return
        raise AssertionError(f"only {len(found)} beats of {count}")

    m = Module()
    m.submodules.core = core
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    for (name, payloads), rng in zip(given.items(), seeds, strict=False):
        simulator.add_testbench(sends(name, payloads, rng), background=True)
    simulator.add_testbench(receives)
    simulator.run()
    return found


def payloads(codes, lasts=None, **above):
    """Beats of codes, (beats, elements), as payloads."""
    return [{"elements": row, **({"last": last} if lasts else {}), **above}
            for row, last in zip(np.asarray(codes).tolist(), lasts or [0] * len(codes), strict=True)]


@pytest.mark.parametrize("slug", ["matmul_lmul_e4m3_fp32_3x2_os", "matmul_lmul_e2m3_fixed_2x3_ws",
                                  "matmul_int4_int20_3x2_os", "array_int4_int16_3x2_os"])
def test_matrices_through_arrays(slug, seed):
    """Codes narrower than their bytes too: e2m3 has six bits, int20 twenty."""
    generator, design = np.random.default_rng(seed), parse(slug)
    spec, (rows, cols) = design.multiplier, (design.rows, design.cols)
    core, given, expected = soc.Core(slug), {"a": [], "b": []}, []
    for depth in (5, 1, 4):
        a, b = (tiles.codes(fmt, "random", shape, generator)
                for fmt, shape in ((spec.a, (rows, depth)), (spec.b, (depth, cols))))
        given["a"] += payloads(a.T, beats.lasts(depth))
        given["b"] += payloads(b, beats.lasts(depth))
        expected += matmul(spec, design.accumulator, a, b).tolist()
    found = carried(core, given, len(expected), generator)
    assert [[int(code) for code in row.elements] for row in found] == expected, f"seed {seed}"
    assert [int(row.last) for row in found] == beats.lasts(rows) * 3
    assert core.latency == core.core.latency


@pytest.mark.parametrize("slug", ["matmul_lmul_e4m3_4x3_w10", "matmul_exact_mxe4m3_4x4_w10"])
def test_matrices_through_tiles(slug, seed):
    """With a stream of scales for each operand where there are blocks."""
    generator, design = np.random.default_rng(seed), parse(slug)
    depth = max(8, tile_runs.depth_step(design))
    run = passes.operands(design, "random", 3, depth, generator)
    core = soc.Core(slug)
    given = {name: payloads(each.codes, each.lasts if len(name) == 1 else None)
             for name, each in tile_runs.run(design, run).items()}
    plain = {name: getattr(run, name) for name in core.plain if name != "error"}
    found = carried(core, given, 3, generator, **plain)
    expected = tile_matmul(design.tile, run.a, run.b, run.scales, place=run.place, top=run.top).codes.tolist()
    assert [[int(code) for code in row.elements] for row in found] == expected, f"seed {seed}"
    assert [int(row.last) for row in found] == [0, 0, 1]


def test_a_bare_tile_has_scales_in_its_payloads():
    core = soc.Core("tile_exact_mxe4m3_4x3_w10")
    assert set(core.streams) == {"a", "b", "c", "o"} and set(core.plain) == {"place", "top"}
    assert [name for name, _ in core.a.payload.shape()] == ["elements", "scale", "last"]
    assert [name for name, _ in core.b.payload.shape()] == ["elements", "scale_0", "scale_1", "scale_2"]


def test_cores_without_a_clock_have_none():
    assert {"clk", "rst", "aclk", "aresetn"}.isdisjoint(Streamed("matmul_int8_int32_3x2_os").signature.members)


@pytest.mark.parametrize("slug", ["mul_lmul_e4m3", "mac_lmul_e4m3_fp32"])
def test_designs_without_streams_are_refused(slug):
    with pytest.raises(Refusal, match=f"^A component with streams must be .*, not of '{slug}': lmul.component has its"):
        soc.Core(slug)
