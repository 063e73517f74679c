"""Not a check but a carrier: streams the tiles of a matrix product through a ``matmul_*`` core without a pause.

`lmul.sim.matmul` leaves the tiles in the file ``LMUL_TILES`` and finds the results in ``LMUL_RESULTS``. One coroutine
moves whole vectors, and touches only what has changed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from itertools import chain, product
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from . import bench
from .clocked import Clocked
from .core import Core
from .streams import Beat, Stream

PROGRESS_SECONDS = 0.5


@cocotb.test
async def carry(dut: Any) -> None:
    """Every tile of rows with every tile of columns, the latter changing fastest."""
    core = Core(dut)
    with np.load(os.environ["LMUL_TILES"], allow_pickle=False) as tiles:
        a_tiles = [core.a_beats(tile) for tile in tiles["a"]]
        b_tiles = [core.b_beats(tile) for tile in tiles["b"]]
    runs = list(product(a_tiles, b_tiles))
    feeders = [Feeder(core.streams["a"], (a for a, _ in runs)), Feeder(core.streams["b"], (b for _, b in runs))]
    words = await carried(core, feeders, len(runs) * core.design.grid[0])
    np.save(os.environ["LMUL_RESULTS"], core.codes(words))


async def carried(core: Clocked, feeders: Sequence[Feeder], total: int) -> list[int]:
    """So many beats of results, of a design that is started here."""
    words, cycles = [], 0
    await core.start()
    for feeder in feeders:
        feeder.offer()
    core.o.ready.value = 1
    edge, o_valid, o_data = RisingEdge(core.clk), core.o.valid, core.o.data
    reported, when = 0, time.monotonic()
    while len(words) < total:
        await edge
        cycles += 1
        for feeder in feeders:
            feeder.step()
        if o_valid.value:
            words.append(int(o_data.value))
            if time.monotonic() > when + PROGRESS_SECONDS:
                bench.count(rows=len(words) - reported)
                reported, when = len(words), time.monotonic()
    bench.count(rows=total - reported, cycles=cycles - 1)
    return words


class Feeder:
    """Offers beats without a pause."""

    def __init__(self, stream: Stream, runs: Iterable[Iterable[Beat]]) -> None:
        self._stream = stream
        self._beats = chain.from_iterable(runs)
        self._last = None
        self._left = True

    def step(self) -> None:
        """To be called at each clock edge: goes on to the next beat if this one was taken."""
        if self._left and self._stream.ready.value:
            self.offer()

    def offer(self) -> None:
        stream, beat = self._stream, next(self._beats, None)
        self._left = beat is not None
        if beat is None:
            stream.valid.value = 0
            return
        stream.data.value = beat.data
        if beat.last != self._last:
            stream.last.value = self._last = beat.last
            stream.valid.value = 1
