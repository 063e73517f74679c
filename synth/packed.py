"""Cells as arrays, for the compiled loops of timing and simulation.

An *edge* is one transition of an output caused by one transition of an input, through one arc of the library: a
conditional arc that is positive unate gives two of them. Timing gives each edge of each instance its delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

from . import boolean
from .cells import FALL, RISE

if TYPE_CHECKING:
    from .cells import Cell


@dataclass(eq=False)
class PackedCells:
    """Arrays over the cells ``cells`` of a netlist.

    ``edge_start[k]:edge_start[k + 1]`` are the edges of cell k: ``edge_in`` and ``edge_out`` number its inputs and
    outputs (of an edge from one output to another, which come last, ``edge_in`` goes on numbering where inputs end),
    ``edge_in_rf`` and ``edge_out_rf`` are 0 for rising and 1 for falling, ``edge_delay`` and ``edge_slew``
    index ``tables``. ``edge_arc`` is (cell, arc).

    ``tables``: (x, y, values, shape) with shape rows (start in x, length, start in y, length, start in values).

    ``truth[truth_start[k] + output * 2**inputs + state]`` is the value of an output (those of registers and clock
    gates have none), and ``choice[choice_start[k] + (output * inputs + input) * 2**inputs + state]`` the edge, counted
    from ``edge_start[k]``, that a change of ``input`` into ``state`` takes; -1 where there is none.
    """

    cells: list
    inputs: np.ndarray
    outputs: np.ndarray
    edge_start: np.ndarray
    edge_in: np.ndarray
    edge_out: np.ndarray
    edge_in_rf: np.ndarray
    edge_out_rf: np.ndarray
    edge_delay: np.ndarray
    edge_slew: np.ndarray
    tables: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    truth_start: np.ndarray
    truth: np.ndarray
    choice_start: np.ndarray
    choice: np.ndarray


class _Tables:
    def __init__(self):
        self.index = {}
        self.x, self.y, self.values, self.shape = [], [], [], []

    def add(self, table):
        if id(table) not in self.index:
            self.index[id(table)] = len(self.shape)
            self.shape.append((len(self.x), len(table.x), len(self.y), len(table.y), len(self.values)))
            self.x += table.x.tolist()
            self.y += table.y.tolist()
            self.values += table.values.ravel().tolist()
        return self.index[id(table)]

    def arrays(self):
        return (np.array(self.x), np.array(self.y), np.array(self.values),
                np.array(self.shape, np.int64).reshape(-1, 5))


def pack(cells: list[Cell]) -> PackedCells:
    """`PackedCells` of a list of cells."""
    tables = _Tables()
    edges, edge_start, truth, truth_start, choice, choice_start = [], [0], [], [], [], []
    for cell in cells:
        own = _edges(cell, tables)
        edges += [edge[:6] for edge in own]
        edge_start.append(len(edges))
        truth_start.append(len(truth))
        choice_start.append(len(choice))
        if not cell.clocked:
            states = {output: cell.truth(output) for output in cell.outputs}
            truth += [bit for output in cell.outputs for bit in states[output].tolist()]
            choice += _choices(cell, own, states)
    columns = np.array(edges, np.int32).reshape(-1, 6).T
    return PackedCells(
        cells, np.array([len(c.inputs) for c in cells], np.int32), np.array([len(c.outputs) for c in cells], np.int32),
        np.array(edge_start, np.int32), *(np.ascontiguousarray(column) for column in columns), tables=tables.arrays(),
        truth_start=np.array(truth_start, np.int32), truth=np.array(truth, np.uint8),
        choice_start=np.array(choice_start, np.int32), choice=np.array(choice, np.int16))


def _edges(cell, tables):
    """(input, output, input edge, output edge, delay table, slew table, when) of every edge of a cell."""
    edges, pins = [], cell.inputs + cell.outputs
    for arc in sorted(cell.arcs, key=lambda arc: arc.source in cell.outputs):
        ways = {1: [(RISE, RISE), (FALL, FALL)], -1: [(RISE, FALL), (FALL, RISE)]}.get(
            arc.sense, [(a, b) for a in (RISE, FALL) for b in (RISE, FALL)])
        if arc.edge:
            start = RISE if arc.edge == "rising" else FALL
            ways = [(start, RISE), (start, FALL)]
        for in_rf, out_rf in ways:
            delay, slew = arc.delay[out_rf], arc.slew[out_rf]
            if delay is not None and slew is not None:
                edges.append((pins.index(arc.source), cell.outputs.index(arc.target), in_rf, out_rf,
                              tables.add(delay), tables.add(slew), arc.when))
    return edges


def _choices(cell, edges, states):
    """For each output, input and state after the change: the edge whose condition the state meets, else one without."""
    n = len(cell.inputs)
    index = np.arange(1 << n)
    chosen = np.full((len(cell.outputs), n, 1 << n), -1, np.int16)
    rank = np.zeros(chosen.shape, int)
    for e, (source, target, in_rf, out_rf, _, _, when) in enumerate(edges):
        if source >= n:
            continue
        falling_in = (index >> source) & 1 == 0
        value = states[cell.outputs[target]]
        fits = (falling_in == bool(in_rf)) & (value == (out_rf == RISE))
        if when:
            fits &= boolean.truth_of_state(when, cell.inputs, states)
        better = fits & (rank[target, source] < (2 if when else 1))
        chosen[target, source, better] = e
        rank[target, source, better] = 2 if when else 1
    return chosen.ravel().tolist()


@numba.njit(cache=True, inline="always")
def locate(axis: np.ndarray, start: int, length: int, at: float) -> tuple[int, float]:
    """Index and position of ``at`` in an axis, as `cells.Table` has it."""
    if length == 1:
        return 0, 0.0
    i = 0
    while i < length - 2 and at >= axis[start + i + 1]:
        i += 1
    low = axis[start + i]
    return i, (at - low) / (axis[start + i + 1] - low)


@numba.njit(cache=True)
def look_up(x: np.ndarray, y: np.ndarray, values: np.ndarray, shape: np.ndarray, table: int, at_x: float,
            at_y: float) -> float:
    """The value of a packed table."""
    x0, nx, y0, ny, v0 = shape[table]
    i, s = locate(x, x0, nx, at_x)
    j, t = locate(y, y0, ny, at_y)
    row = v0 + i * ny
    right = 1 if ny > 1 else 0
    below = ny if nx > 1 else 0
    low = (1.0 - t) * values[row + j] + t * values[row + j + right]
    high = (1.0 - t) * values[row + below + j] + t * values[row + below + j + right]
    return float((1.0 - s) * low + s * high)
