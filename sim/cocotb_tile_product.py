"""Not a check but a carrier: streams the runs of a matrix product through a tile's core without a pause.

`lmul.sim.tile_rtl` leaves what moves in the file ``LMUL_TILES`` and finds the results in ``LMUL_RESULTS``.
"""

import os
from typing import Any

import cocotb
import numpy as np

from .beats import Beats
from .cocotb_product import Feeder, carried
from .core import TileCore


@cocotb.test
async def carry(dut: Any) -> None:
    """All runs, the window and the scales where they are."""
    core = TileCore(dut)
    with np.load(os.environ["LMUL_TILES"], allow_pickle=False) as file:
        beside = {"b": int(file["place"]), "a": int(file["top"])}
        moving = {name: core.packed(name, Beats(file[name], file[f"{name}_last"].tolist(), beside.get(name, 0)))
                  for name in core.streams}
        lanes, cols = file["a"].shape[1], file["b"].shape[1]
        # Every pass of a run has the same vectors: results are as many as those of its last.
        ends = np.flatnonzero(file["a_last"])
        lengths, tiles = np.diff(ends, prepend=-1), len(file["b"]) // lanes
        total = int(lengths[np.flatnonzero(file["b_last"]) // lanes].sum())
    assert len(lengths) == tiles
    assert cols == core.design.cols
    feeders = [Feeder(stream, [moving[name]]) for name, stream in core.streams.items()]
    words = await carried(core, feeders, total)
    assert core.error.value == 0
    np.save(os.environ["LMUL_RESULTS"], core.codes(words))
