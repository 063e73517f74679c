"""Bench of tiles' cores behind somebody else's bus model: the AXI4-Stream sources and sinks of cocotbext-axi."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import with_timeout
from cocotbext.axi import AxiStreamFrame

from ..golden.tile_sums import tile_matmul
from . import bench
from .cocotb_axis import as_bytes, bus_ends, dirtied
from .cocotb_tile_core import TIMEOUT, runs_of_all_kinds
from .core import TileCore
from .streams import PATIENCE, PERIOD
from .tile_runs import element_bits, formats, run


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(traffic=["always", "stalls", "gaps", "blocks"])
async def frames_are_golden(dut: Any, traffic: str) -> None:
    """A run is one frame of weights and of results, and each of its passes one of vectors; the places stay."""
    core, rng = TileCore(dut), bench.generator()
    await core.start()
    design = core.design
    sources, sink = bus_ends(dut, core.streams, traffic, rng)
    runs = runs_of_all_kinds(design, rng)
    place, top = runs[0].place, max(given.top for given in runs)
    if hasattr(dut, "place"):
        dut.place.value = place & ((1 << len(dut.place)) - 1)
    if design.tile.blocks:
        dut.top.value = top
    for given in runs:
        for name, (codes, lasts, _) in run(design, given).items():
            ends = np.flatnonzero(lasts) + 1
            for part in np.split(codes, ends[:-1]):
                fmt = formats(design)[name]
                await sources[name].send(AxiStreamFrame(dirtied(part, fmt, element_bits(fmt), rng)))
    wrong, total = [], 0
    for index, given in enumerate(runs):
        frame = await with_timeout(sink.recv(), PATIENCE * PERIOD, "step")
        codes = tile_matmul(design.tile, given.a, given.b, given.scales, place, top).codes
        expected = as_bytes(codes, element_bits(design.result))
        total += codes.size
        if bytes(frame.tdata) != expected:
            wrong.append((index, len(given.b), expected.hex(), bytes(frame.tdata).hex()))
    bench.count(vectors=total)
    bench.check(wrong, len(runs), lambda index, depth, expected, actual: (
        f"frame {index}, depth {depth}: expected {expected}, actual {actual}"))
    assert sink.empty(), f"{bench.run()}: {sink.count()} frames more than were asked for"
    assert dut.error.value == 0, f"{bench.run()}: error must be 0 after runs as they must be"
