"""Operands to the cycles that a netlist is driven with, and what golden says must come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..golden.expected import expected
from ..golden.operands import Drawn, matrices, pairs
from ..golden.tile_sums import partial_sums, place_for

if TYPE_CHECKING:
    from ..golden.operands import Operands
    from ..hdl.designs import Design

PASSES = 3  # of a tile
RUN = 64  # steps of one sum, where the accumulator holds as many
TILES = 2  # products of an array, back to back


class Mismatch(Exception):
    """A netlist does not compute what golden says."""


@dataclass
class Drive:
    """Cycles to drive a netlist with.

    Attributes
    ----------
    inputs : dict of str to array
        Of each input port, its code in each cycle; Python integers where a port has more than 64 bits.
    warmup : int
        Cycles at the start that are not counted.
    ops : int
        Multiplications, or multiply-accumulates, in the cycles that are counted.
    expected : dict of str to array
        Of each output port that carries results, the codes that golden gives.
    valid : str or None
        The output that says in which cycles a result is there; None: in every cycle.
    always : tuple of str
        Outputs that must be 1 in every counted cycle: the design takes what it is offered.
    """

    inputs: dict
    warmup: int
    ops: int
    expected: dict
    valid: str | None = None
    always: tuple = ()

    @property
    def cycles(self) -> int:
        return len(next(iter(self.inputs.values())))

    def check(self, outputs: dict[str, Any]) -> None:
        """Compare a netlist's outputs with golden.

        Raises
        ------
        Mismatch
            At the first difference; names port, place, expected and actual code.
        """
        for port in self.always:
            if not np.asarray(outputs[port][self.warmup:]).all():
                raise Mismatch(f"{port} must stay 1 while operands are offered back to back, and does not")
        for port, wanted in self.expected.items():
            actual = outputs[port]
            if self.valid is not None:
                actual = [code for code, there in zip(actual, outputs[self.valid], strict=True) if there]
            if len(actual) != len(wanted):
                raise Mismatch(f"{port} must give {len(wanted)} results, not {len(actual)}")
            for place, (want, got) in enumerate(zip(wanted, actual, strict=True)):
                if int(want) != int(got):
                    raise Mismatch(f"{port}[{place}] must be {int(want):#x}, not {int(got):#x}")


def drive(design: Design, latency: int, source: Operands, vectors: int, seed: int) -> Drive:
    """The `Drive` of a design with about ``vectors`` operand pairs of a source.

    Parameters
    ----------
    design : Design
    latency : int
        Of the design's Verilog.
    source : Operands
    vectors : int
    seed : int
    """
    return _DRIVES[design.protocol](design, latency, source, vectors, seed)


@dataclass(frozen=True)
class Sums:
    """Matrix products, as a mac, a dot or an array is driven with them one after the other; a mac's and a dot's are of
    one row by one column.

    Attributes
    ----------
    operands : Drawn
        ``a`` of shape (count, rows, depth), ``b`` (count, depth, cols).
    results : array of codes, (count, rows, cols)
        As golden has them.
    """

    operands: Drawn
    results: np.ndarray

    @property
    def depth(self) -> int:
        return self.operands.a.codes.shape[2]


def sums(design: Design, source: Operands, vectors: int, seed: int, least: int = 0) -> Sums:
    """The `Sums` that a design is driven with by about ``vectors`` operand pairs; or these and more of their
    kind, until they have at ``least`` so many results."""
    return _SUMS[design.protocol](design, source, vectors, seed, least)


def _runs(design, source, vectors, seed, least):
    spec, lanes = design.multiplier, design.lanes or 1
    depth = lanes * min(RUN, (design.accumulator.depth or RUN * lanes) // lanes)
    runs = max(vectors // depth, 2, least)
    drawn = pairs(source, spec, runs * depth, seed).reshape((runs, 1, depth), (runs, depth, 1))
    a, b = drawn.a.codes, drawn.b.codes.transpose(0, 2, 1)
    return Sums(drawn, expected(design, a, b)[..., None])


def _tiles(design, source, vectors, seed, least):
    """As deep as the array's utilisation is promised for."""
    spec, rows, cols = design.multiplier, design.rows, design.cols
    depth = min(8 * (rows + cols), design.accumulator.depth or 8 * (rows + cols))
    drawn = matrices(source, spec, rows, depth, cols, max(TILES, -(-least // (rows * cols))), seed)
    return Sums(drawn, expected(design, *drawn.codes))


def _products(design, source, vectors, seed, least):
    """Two passes deep."""
    tile, cols = design.tile, design.cols
    rows = max(tile.lanes, vectors // (2 * tile.lanes))
    count = max(PASSES, -(-least // (rows * cols)))
    drawn = matrices(source, design.multiplier, rows, 2 * tile.lanes, cols, count, seed)
    return Sums(drawn, expected(design, *drawn.codes))


_SUMS = {"runs": _runs, "streams": _tiles, "passes": _products}


def _product(design, latency, source, vectors, seed):
    spec = design.multiplier
    codes = pairs(source, spec, vectors + 1, seed).codes
    return Drive(dict(zip(spec.operands, codes, strict=False)), 1, vectors, {"p": expected(design, *codes)})


def _sum(design, latency, source, vectors, seed):
    """A mac, or a dot: one run of steps after the other, one step per cycle."""
    spec, lanes = design.multiplier, design.lanes or 1
    driven = sums(design, source, vectors, seed)
    a, b = (codes.reshape(-1, lanes) for codes in driven.operands.codes)
    steps, run = len(a), driven.depth // lanes
    ones = np.ones(steps, np.uint8)
    last = (np.arange(steps) % run == run - 1).astype(np.uint8)
    inputs = {"rst": 0 * ones, "en": ones, "a": _packed(a, spec.a.width), "b": _packed(b, spec.b.width), "last": last}
    inputs = _framed(inputs, 2, latency + 1)
    inputs["rst"][:2] = 1
    inputs["en"][:] = 1
    return Drive(inputs, 2, steps * lanes, {"c": driven.results.ravel()}, valid="valid")


def _array(design, latency, source, vectors, seed):
    """Tiles back to back."""
    spec, rows, cols = design.multiplier, design.rows, design.cols
    driven = sums(design, source, vectors, seed)
    a, b = driven.operands.codes
    steps, depth = len(a) * driven.depth, driven.depth
    ones = np.ones(steps, np.uint8)
    last = (np.arange(steps) % depth == depth - 1).astype(np.uint8)
    inputs = {"rst": 0 * ones, "i_a__data": _packed(a.transpose(0, 2, 1).reshape(steps, rows), spec.a.width),
              "i_b__data": _packed(b.reshape(steps, cols), spec.b.width), "i_a__last": last, "i_b__last": last,
              "i_a__valid": ones, "i_b__valid": ones, "o__ready": ones}
    inputs = _framed(inputs, 2, latency + 1)
    inputs["rst"][:2] = 1
    inputs["o__ready"][:] = 1
    results = _packed(driven.results.reshape(-1, cols), design.accumulator.result.width)
    return Drive(inputs, 2, steps * rows * cols, {"o__data": results}, valid="o__valid")


def _passes(design, latency, source, vectors, seed):
    """Weights, and vectors back to back; then the next weights. Partial sums are those of a pass before."""
    tile, cols = design.tile, design.cols
    spec, count = design.multiplier, tile.lanes
    drawn = _products(design, source, vectors, seed, 0).operands
    rows = drawn.a.codes.shape[1]
    every, places, results = [], [], []
    for a, b in zip(*drawn.codes, strict=True):
        place = place_for(tile, a, b)
        before = partial_sums(tile, place, a[:, :count], b[:count], np.zeros((rows, cols), np.uint64))
        results.append(partial_sums(tile, place, a[:, count:], b[count:], before))
        every.append((a[:, count:], b[count:], before))
        places.append(place)
    # Rows of weights, then vectors, whose sums are taken `latency - 1` cycles later, and a cycle for the last to leave.
    length, width = count + rows + 1, tile.word_bits + tile.flags
    blank = np.zeros(PASSES * length + latency, np.uint8)
    single = ("rst", "i_a__valid", "i_b__valid", "i_c__valid", "i_a__last")
    inputs: dict[str, np.ndarray] = {name: blank.copy() for name in single}
    data = {name: np.zeros(len(blank), object) for name in ("i_a__data", "i_b__data", "i_c__data")}
    for n, (a, b, c) in enumerate(every):
        first = n * length
        vectors_at = first + count
        for name, start, codes, bits in (("b", first, b, spec.b.width), ("a", vectors_at, a, spec.a.width),
                                         ("c", vectors_at + latency - 1, c, width)):
            inputs[f"i_{name}__valid"][start : start + len(codes)] = 1
            data[f"i_{name}__data"][start : start + len(codes)] = _packed(codes, bits)
        inputs["i_a__last"][vectors_at + rows - 1] = 1
    inputs |= data
    if len(tile.places) > 1:
        inputs["place"] = np.array(places, object)[np.minimum(np.arange(len(blank)) // length, PASSES - 1)]
    inputs = _framed(inputs, 2, 1)
    inputs["rst"][:2] = 1
    inputs["o__ready"] = np.ones_like(inputs["rst"])
    found = _packed(np.concatenate(results), width)
    return Drive(inputs, 2, PASSES * rows * count * cols, {"o__data": found}, valid="o__valid")


_DRIVES = {"combinational": _product, "runs": _sum, "streams": _array, "passes": _passes}


def drivable(design: Design) -> str | None:
    """Why a design cannot be driven here, or None."""
    if design.protocol not in _DRIVES:
        return "its bus is driven by `lmul simulate`; the array inside it is measured as array_*"
    return None


def _packed(codes, width):
    """Codes of shape (cycles, elements) as one integer per cycle, element 0 lowest."""
    if codes.shape[1] * width <= 64:
        shifts = np.arange(codes.shape[1], dtype=np.uint64) * np.uint64(width)
        return np.bitwise_or.reduce(codes.astype(np.uint64) << shifts, axis=1)
    return np.array([sum(int(code) << (width * i) for i, code in enumerate(row)) for row in codes], object)


def _framed(inputs, before, after):
    """Zeros before and after the cycles of each port."""
    return {port: np.concatenate([np.zeros(before, codes.dtype), codes, np.zeros(after, codes.dtype)])
            for port, codes in inputs.items()}
