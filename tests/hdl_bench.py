"""Benches in Amaranth's simulator for units and arrays: what drives and watches them, and what golden expects."""

from itertools import product

import numpy as np
from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator
from lmul.golden.accumulate import accumulate, dot
from lmul.golden.matmul import matmul
from lmul.sim import beats, tiles

PATIENCE = 3000  # cycles without a result before a bench gives up


class Bench:
    """A component with its clock and reset, and what a bench may do to it."""

    def __init__(self, component):
        # A component with a clock of its own is given another.
        self.dut, self.domain = component, ClockDomain("outer" if hasattr(component, "aclk") else "sync")

    def tick(self, ctx):
        """A trigger for the next clock edge."""
        return ctx.tick(self.domain.name)

    async def reset(self, ctx):
        """One cycle of reset."""
        ctx.set(self.domain.rst, 1)
        await self.tick(ctx)
        ctx.set(self.domain.rst, 0)

    async def follows_nothing(self, ctx, outputs, inputs, generator):
        """No output changes within a cycle, whatever inputs do; both are lists of names."""
        for _ in range(200):
            before = [ctx.get(getattr(self.dut, name)) for name in outputs]
            for name in inputs:
                port = getattr(self.dut, name)
                ctx.set(port, int(generator.integers(1 << min(len(port), 62))))
                assert [ctx.get(getattr(self.dut, name)) for name in outputs] == before
            await self.tick(ctx)

    def run(self, bench):
        """Run until ``bench(ctx)`` ends."""
        m = Module()
        m.domains += self.domain
        m.submodules.dut = self.dut
        if hasattr(self.dut, "aclk"):
            m.d.comb += [self.dut.aclk.eq(self.domain.clk), self.dut.aresetn.eq(~self.domain.rst)]
        simulator = Simulator(m)
        simulator.add_clock(1e-6, domain=self.domain.name)
        simulator.add_testbench(bench)
        simulator.run()


def unit_runs(design, depths, generator, *kinds):
    """Runs for a ``mac`` or ``dot``: steps, packed (a, b, last), and the results. Kinds are of `tiles`, or
    ``smallest``: all depths of each; random if none is named."""
    spec, lanes = design.multiplier, design.lanes or 1
    steps, expected = [], []
    for kind, depth in product(kinds or ["random"], depths):
        a, b = (_smallest(fmt, (depth, lanes), generator) if kind == "smallest"
                else tiles.codes(fmt, kind, (depth, lanes), generator) for fmt in (spec.a, spec.b))
        steps += zip(beats.pack(a, spec.a.width), beats.pack(b, spec.b.width), beats.lasts(depth), strict=True)
        a, b = a.ravel(), b.ravel()
        expected.append(int(dot(spec, design.accumulator, lanes, a, b, design.window, design.tree) if design.lanes
                            else accumulate(spec, design.accumulator, a, b)))
    return steps, expected


def _smallest(fmt, shape, generator):
    """The two smallest normal numbers of either sign."""
    return fmt.min_normal + generator.integers(0, 2, shape) | generator.choice([0, fmt.sign_mask], shape)


def run_unit(unit, design, steps, generator, stalls=0.0, reset_after=None):
    """Give the steps, stalling at random, and neutral ones after them; with ``reset_after`` first so many and a reset.

    Returns
    -------
    results : list of int
    delays : list of int
        For each result, the steps from the one that ended its run.
    """
    bench, runs = Bench(unit), sum(last for _, _, last in steps)
    results, delays = [], []

    async def play(ctx, count):
        results.clear()
        delays.clear()
        ended, taken = [], 0
        while taken != count and len(results) < runs:
            assert taken < len(steps) + PATIENCE
            a, b, last = steps[taken] if taken < len(steps) else _idle(design)
            en = generator.random() >= stalls
            for port, value in ((unit.a, a), (unit.b, b), (unit.last, last), (unit.en, en)):
                ctx.set(port, value)
            _, _, valid, c = await bench.tick(ctx).sample(unit.valid, unit.c)
            assert valid or c == 0
            if en:
                ended += [taken] * last
                taken += 1
                if valid:
                    delays.append(taken - 1 - ended[len(results)])
                    results.append(c)

    async def main(ctx):
        if reset_after:
            await play(ctx, reset_after)
            await bench.reset(ctx)
        await play(ctx, None)

    bench.run(main)
    return results, delays


def _idle(design):
    a, b = design.multiplier.neutral
    lanes = design.lanes or 1
    return beats.pack(np.full((1, lanes), a), design.multiplier.a.width)[0], b, 0


def array_runs(design, depths, generator, kind="random"):
    """Runs for an ``array`` or ``matmul``: the words of a, of b and of the result, each (codes of a beat, last)."""
    words = [], [], []
    for depth in depths:
        a, b = tiles.matrices(design.multiplier, kind, design.rows, depth, design.cols, generator)
        c = matmul(design.multiplier, design.accumulator, a, b)
        for stream, codes in zip(words, (a.T, b, c), strict=True):
            stream += zip(codes, beats.lasts(len(codes)), strict=True)
    return words


class Moved:
    """What moved through the ports of an array: result words, and the cycles in which words of each stream moved."""

    def __init__(self):
        self.results, self.times = [], ([], [], [])


def run_array(array, design, words, generator, stalls=0.0, reset_after=None):
    """Move words, as `array_runs` makes them, through an array or a matrix multiplier, stalling at random on all three
    streams; with ``reset_after`` for so many cycles, then a reset, and then all.

    Returns
    -------
    moved : Moved
    expected : list of (int, int)
        What the results must be.
    """
    bench, ports, bits = Bench(array), *_ports(array, design)
    packed = [[(beats.pack(codes[None], width)[0], last) for codes, last in stream]
              for stream, width in zip(words, bits, strict=True)]

    async def play(ctx, cycles):
        moved, offered, waiting = Moved(), [False, False], None
        for cycle in range(cycles or 100_000):
            if len(moved.results) == len(packed[2]):
                break
            assert cycle < PATIENCE + max(map(max, filter(len, moved.times)), default=0)
            for i in (0, 1):
                done = len(moved.times[i])
                offered[i] = done < len(packed[i]) and (offered[i] or generator.random() >= stalls)
                ctx.set(ports[i][2], offered[i])
                if offered[i]:
                    for port, value in zip(ports[i][:2], packed[i][done], strict=True):
                        ctx.set(port, value)
            ready = generator.random() >= stalls
            ctx.set(ports[2][3], ready)
            _, _, *taken, valid, data, last = await bench.tick(ctx).sample(
                ports[0][3], ports[1][3], ports[2][2], ports[2][0], ports[2][1])
            for i in (0, 1):
                if offered[i] and taken[i]:
                    moved.times[i].append(cycle)
                    offered[i] = False
            assert waiting in (None, (data, last)) and (waiting is None or valid), "a waiting result must stay"
            waiting = (data, last) if valid and not ready else None
            if valid and ready:
                moved.results.append((data, last))
                moved.times[2].append(cycle)
        return moved

    async def main(ctx):
        nonlocal moved
        if reset_after:
            await play(ctx, reset_after)
            await bench.reset(ctx)
        moved = await play(ctx, None)

    moved = None
    bench.run(main)
    return moved, packed[2]


def _ports(array, design):
    """(data, last, valid, ready) of a, b and the result, and the bits that elements take."""
    spec, result = design.multiplier, design.accumulator.result
    widths = [fmt.width for fmt in (spec.a, spec.b, result)]
    if design.structure == "array":
        return [(s.data, s.last, s.valid, s.ready) for s in (array.i_a, array.i_b, array.o)], widths
    names = "s_axis_a", "s_axis_b", "m_axis_c"
    ports = [[getattr(array, f"{name}_t{port}") for port in ("data", "last", "valid", "ready")] for name in names]
    return ports, [8 * -(-width // 8) for width in widths]
