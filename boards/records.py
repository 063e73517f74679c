"""Matrices as the bytes that go to a board for them, run after run, and the bytes that come back as codes.

A record is a byte that says which stream a beat is for, and whether it is the last, then the beat. The core takes a
run's records in the order in which they are here, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..golden.accumulate import check
from ..golden.codec import code_dtype
from ..golden.tile_sums import Scales, TileResult, place_for, top_for
from ..hdl import frames
from ..hdl.link import has_places, streams
from ..sim.matmul import tiles
from ..sim.passes import Operands
from ..sim.tile_rtl import runs_of
from ..sim.tile_runs import formats, run

if TYPE_CHECKING:
    from ..hdl.designs import Design


class Run(NamedTuple):
    """What one run is on the line: the bytes of its records, and how many of results they make."""

    records: bytes
    results: int


class Plan(NamedTuple):
    """A product of matrices, cut into runs.

    Attributes
    ----------
    runs : iterator of Run
    rows : int
        Rows of results of all of them, each a beat.
    row_bytes : int
        Of such a row.
    """

    runs: Iterator[Run]
    rows: int
    row_bytes: int


def core_of(design: Design) -> Design:
    """The design that a board has for one: of a tile its core."""
    return replace(design, structure="core") if design.declared.tiled else design


def plan(design: Design, a: np.ndarray, b: np.ndarray, scales: Scales) -> Plan:
    """How matrices of codes go to the board.

    Parameters
    ----------
    design : Design
        A ``matmul``, or a tile.
    a, b : array of codes, (rows, depth), (depth, cols)
    scales : Scales
    """
    core = core_of(design)
    size = streams(core)["c"].size
    if not core.declared.tiled:
        check(core.multiplier, core.summed_by, a.shape[1])
        a_tiles, b_tiles = tiles(core, a, b)
        rows = core.grid[0]
        runs = (Run(array_records(core, *pair), rows * size) for pair in product(a_tiles, b_tiles))
        return Plan(runs, len(a_tiles) * len(b_tiles) * rows, size)
    given = Operands(a, b, scales, place_for(core.tile, a, b), top_for(core.tile, scales))
    cut = runs_of(core, given)
    runs = (Run(tile_records(core, each), len(each.a) * size) for each in cut)
    return Plan(runs, sum(len(each.a) for each in cut), size)


def array_records(design: Design, a: np.ndarray, b: np.ndarray) -> bytes:
    """A run of an array: a column of ``a``, (rows, depth), then a row of ``b``, (depth, cols), and so on."""
    depth, of = len(b), streams(design)
    lasts = np.arange(depth) == depth - 1
    found = [_records(of["a"].index, element_bytes(a.T, design.multiplier.a.width), lasts),
             _records(of["b"].index, element_bytes(b, design.multiplier.b.width), lasts)]
    return np.concatenate(found, axis=1).tobytes()


def tile_records(design: Design, given: Operands) -> bytes:
    """A run of a tile's core: where window and scales are; then by passes the scales of the weights, the weights, and
    vector by vector its scale and itself."""
    of, lanes = streams(design), design.tile.lanes
    widths = {name: fmt.width for name, fmt in formats(design).items()}
    parts = {name: _records(of[name].index, element_bytes(each.codes, widths[name]), np.array(each.lasts, bool))
             for name, each in run(design, given).items()}
    passes, vectors = len(parts["b"]) // lanes, len(given.a)
    of_vectors = np.concatenate([parts[name] for name in ("as", "a") if name in parts], axis=1)
    found = []
    if has_places(design):
        found.append(bytes([frames.PLACES]) + given.place.to_bytes(2, "little", signed=True)
                     + given.top.to_bytes(2, "little"))
    for each in range(passes):
        if "bs" in parts:
            found.append(parts["bs"][each].tobytes())
        found.append(parts["b"][each * lanes : (each + 1) * lanes].tobytes())
        found.append(of_vectors[each * vectors : (each + 1) * vectors].tobytes())
    return b"".join(found)


def element_bytes(codes: np.ndarray, width: int) -> np.ndarray:
    """Codes, (beats, elements), as bytes, (beats, bytes): each in the fewest that hold it, the lowest first."""
    size = -(-width // 8)
    wide = np.ascontiguousarray(codes, "<u8").view(np.uint8).reshape(*codes.shape, 8)
    return wide[..., :size].reshape(len(codes), -1)


def _records(index, data, lasts):
    """Beats with the byte that goes before them."""
    return np.concatenate([(index | frames.LAST * lasts).astype(np.uint8)[:, None], data], axis=1)


def results(design: Design, data: bytes, shape: tuple[int, int]) -> np.ndarray:
    """The codes that the bytes of all results are, (rows, cols)."""
    core, (rows, cols) = core_of(design), shape
    width, across = core.result.width, core.grid[1]
    size = -(-width // 8)
    elements = np.zeros((len(data) // size, 8), np.uint8)
    elements[:, :size] = np.frombuffer(data, np.uint8).reshape(-1, size)
    codes = elements.view("<u8").reshape(-1, across)
    if core.declared.tiled:  # runs come by columns, and of these by rows
        codes = codes.reshape(-1, rows, across).swapaxes(0, 1).reshape(rows, -1)
    else:
        high, wide = core.grid[0], -(-cols // across)
        codes = codes.reshape(-1, wide, high, across).swapaxes(1, 2).reshape(-1, wide * across)
    return np.ascontiguousarray(codes[:rows, :cols], code_dtype(width))


def tile_result(design: Design, codes: np.ndarray, a: np.ndarray, b: np.ndarray, scales: Scales) -> TileResult:
    """Codes of a tile's results with the places that they are of."""
    place, top = place_for(design.tile, a, b), top_for(design.tile, scales)
    return TileResult(codes, place, top, design.tile.exponent(place, top))

