"""Operands to the cycles that a netlist is driven with, and what golden says must come out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..golden.expected import expected
from ..golden.operands import Drawn, Operand, matrices, pairs
from ..golden.tile_matrices import Quantised, numbers, quantised, ready
from ..golden.tile_sums import Scales, partial_sums, place_for, room_above, tile_matmul, top_for

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
    numbers : tuple of arrays
        What the codes of either operand stand for, float64.
    tiled : list of pairs of Quantised
        Of a tile's products: the operands as the tile takes them.
    """

    operands: Drawn
    results: np.ndarray
    numbers: tuple[np.ndarray, np.ndarray]
    tiled: list[tuple[Quantised, Quantised]] = field(default_factory=list)

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
    return Sums(drawn, expected(design, a, b)[..., None], _numbers(spec, drawn))


def _tiles(design, source, vectors, seed, least):
    """As deep as the array's utilisation is promised for."""
    spec, rows, cols = design.multiplier, design.rows, design.cols
    depth = min(8 * (rows + cols), design.accumulator.depth or 8 * (rows + cols))
    drawn = matrices(source, spec, rows, depth, cols, max(TILES, -(-least // (rows * cols))), seed)
    return Sums(drawn, expected(design, *drawn.codes), _numbers(spec, drawn))


def _numbers(spec, drawn):
    """What the codes of drawn matrices stand for."""
    return spec.a.along(drawn.a.codes, -1), spec.b.along(drawn.b.codes, -2)


def _products(design, source, vectors, seed, least):
    """Two passes deep, or a block. Results have the scales of tensors and the power of two that hardware leaves out."""
    tile, cols = design.tile, design.cols
    rows = max(tile.lanes, vectors // (2 * tile.lanes))
    depth = max([2 * tile.lanes, *(block.size for block in tile.blocks)])
    drawn = matrices(source, design.multiplier, rows, depth, cols, max(PASSES, -(-least // (rows * cols))), seed)
    tiled = [_taken(tile, *pair) for pair in zip(*map(_one_by_one, drawn), strict=True)]
    a, b = (Operand(np.array([each.codes for each in one]), operand.values)
            for one, operand in zip(zip(*tiled, strict=True), drawn, strict=True))
    results = [_codes(tile, *pair) for pair in tiled]
    decoded = [np.array([_decoded(*of, each) for each in one])
               for of, one in zip(((tile.multiplier.a, tile.a_block, -1), (tile.multiplier.b, tile.b_block, -2)),
                                  zip(*tiled, strict=True), strict=True)]
    return Sums(Drawn(a, b), np.array(results), (decoded[0], decoded[1]), tiled)


def _one_by_one(operand):
    return [Operand(*pair) for pair in zip(operand.codes, operand.values, strict=True)]


def _taken(tile, a, b):
    """Two `Operand` as a tile takes them: codes as they are, unless all that they make is below the window."""
    spec = tile.multiplier
    low = tile.window is not None and room_above(tile, a.codes, b.codes) > tile.span
    scale = 1.0 if low else None
    a, b = (quantised(fmt, block, operand.values, None, axis) if block else Quantised(operand.codes, None, scale)
            for fmt, block, operand, axis in ((spec.a, tile.a_block, a, -1), (spec.b, tile.b_block, b, -2)))
    return ready(tile, a, b)


def _codes(tile, a, b):
    """Results of two operands."""
    result = tile_matmul(tile, a.codes, b.codes, Scales(a.scales, b.scales))
    return result.codes if tile.result.integer else tile.result.encode(numbers(tile, result, a, b))


def _decoded(fmt, block, axis, tensor):
    """What the codes of a tensor stand for."""
    values = fmt.decode(tensor.codes) * (tensor.scale or 1.0)
    return values if block is None else values * np.repeat(block.scale.decode(tensor.scales), block.size, axis)


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
    tiled = _products(design, source, vectors, seed, 0).tiled[:PASSES]
    rows = len(tiled[0][0].codes)
    every, places, tops, results = [], [], [], []
    for a, b in tiled:
        place, top = place_for(tile, a.codes, b.codes), top_for(tile, Scales(a.scales, b.scales))
        (a_first, b_first, scales_first), second = (_of_pass(tile, a, b, number) for number in range(2))
        before = partial_sums(tile, place, a_first, b_first, np.zeros((rows, cols), np.uint64), top, scales_first)
        results.append(partial_sums(tile, place, *second[:2], before, top, second[2]))
        every.append((*second, before))
        places.append(place)
        tops.append(top)
    # Rows of weights, then vectors, whose sums are taken `latency - 1` cycles later, and a cycle for the last to leave.
    length, width = count + rows + 1, tile.word_bits + tile.flags
    blank = np.zeros(PASSES * length + latency, np.uint8)
    single = ("rst", "i_a__valid", "i_b__valid", "i_c__valid", "i_a__last")
    inputs: dict[str, np.ndarray] = {name: blank.copy() for name in single}
    data = {name: np.zeros(len(blank), object) for name in ("i_a__data", "i_b__data", "i_c__data")}
    for n, (a, b, scales, c) in enumerate(every):
        first = n * length
        vectors_at = first + count
        a, b = _packed(a, spec.a.width), _packed(b, spec.b.width)
        if tile.a_block:
            a = _above(a, count * spec.a.width, _packed(scales.a, tile.a_block.scale.width))
        if tile.b_block:
            b = _above(b, cols * spec.b.width, np.repeat(_packed(scales.b, tile.b_block.scale.width), count))
        for name, start, beats in (("b", first, b), ("a", vectors_at, a),
                                   ("c", vectors_at + latency - 1, _packed(c, width))):
            inputs[f"i_{name}__valid"][start : start + len(beats)] = 1
            data[f"i_{name}__data"][start : start + len(beats)] = beats
        inputs["i_a__last"][vectors_at + rows - 1] = 1
    inputs |= data
    current = np.minimum(np.arange(len(blank)) // length, PASSES - 1)
    if len(tile.places) > 1:
        inputs["place"] = np.array(places, object)[current]
    if tile.blocks:
        inputs["top"] = np.array(tops, object)[current]
    inputs = _framed(inputs, 2, 1)
    inputs["rst"][:2] = 1
    inputs["o__ready"] = np.ones_like(inputs["rst"])
    found = _packed(np.concatenate(results), width)
    return Drive(inputs, 2, PASSES * rows * count * cols, {"o__data": found}, valid="o__valid")


def _of_pass(tile, a, b, number):
    """What of two `Quantised` is in a pass: codes of either, and `Scales`."""
    along, scales = slice(number * tile.lanes, (number + 1) * tile.lanes), []
    for operand, block, axis in ((a, tile.a_block, 1), (b, tile.b_block, 0)):
        scales.append(block and operand.scales.take([along.start // block.size], axis))
    return a.codes[:, along], b.codes[along], Scales(*scales)


def _above(low, bits, high):
    """Integers in so many bits, and others above them."""
    return np.array([int(x) | int(y) << bits for x, y in zip(low, high, strict=True)], object)


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
