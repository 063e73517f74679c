"""Products of matrices by the simulated core of a tile: cut into runs, which the core takes one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from ..golden.codec import code_dtype
from ..golden.tile_sums import Scales, TileResult, place_for, top_for
from ..hdl.verilog import component
from .carried import carried, ran
from .passes import Operands
from .tile_runs import run

if TYPE_CHECKING:
    from pathlib import Path

    from ..hdl.designs import Design
    from ..hdl.tile_core import TileMatmul
    from .carried import Progress, Ran


def on_rtl(design: Design, a: np.ndarray, b: np.ndarray, scales: Scales, simulator: str = "verilator",
           folder: str | Path | None = None, progress: Progress | None = None) -> tuple[TileResult, Ran]:
    """The product of code matrices by the simulated core of a tile.

    Parameters
    ----------
    design : Design
        A tile, or its core.
    a, b : array of codes, (rows, depth), (depth, cols)
    scales : Scales
    simulator, folder, progress
        As for `lmul.sim.matmul.matmul_files`.

    Returns
    -------
    result : TileResult
    ran : Ran
    """
    core, tile = replace(design, structure="core"), design.tile
    place, top = place_for(tile, a, b), top_for(tile, scales)
    runs = runs_of(core, Operands(a, b, scales, place, top))
    arrays = {"place": np.array(place), "top": np.array(top)}
    moving = [run(core, given) for given in runs]
    for name in moving[0]:
        arrays[name] = np.concatenate([each[name].codes for each in moving])
        arrays[f"{name}_last"] = np.concatenate([each[name].lasts for each in moving])
    lengths = [len(given.a) for given in runs]
    products = a.size * b.shape[1]
    rows, done = carried(core, "lmul.sim.cocotb_tile_product", arrays, sum(lengths), products, simulator, folder,
                         progress)
    # Runs come by columns, and of these by rows.
    cols = cast(int, core.cols)
    found = rows.reshape(-1, len(a), cols).swapaxes(0, 1).reshape(len(a), -1)[:, : b.shape[1]]
    codes = np.ascontiguousarray(found, code_dtype(tile.result.width))
    return TileResult(codes, place, top, tile.exponent(place, top)), ran(done, products, tile.lanes * cols)


def runs_of(core: Design, given: Operands) -> list[Operands]:
    """Runs of whole tiles' columns, and of as many rows as there is room for partial sums; what is missing of the last
    columns is neutral."""
    spec, cols = core.multiplier, cast(int, core.cols)
    room = cast("TileMatmul", component(core)).rows
    missing = -given.b.shape[1] % cols
    _, neutral = cast("tuple[int, int]", spec.neutral)
    b = np.pad(given.b, ((0, 0), (0, missing)), constant_values=neutral)
    b_scales = None if given.scales.b is None else np.pad(given.scales.b, ((0, 0), (0, missing)))  # the lowest scale
    found = []
    for col in range(0, b.shape[1], cols):
        for row in range(0, len(given.a), room):
            rows, columns = slice(row, row + room), slice(col, col + cols)
            scales = Scales(None if given.scales.a is None else given.scales.a[rows],
                            None if b_scales is None else b_scales[:, columns])
            found.append(given._replace(a=given.a[rows], b=b[:, columns], scales=scales))
    return found
