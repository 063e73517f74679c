"""What a self-test gives a design, and what golden says must come out: operands of every kind as words of ports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..golden import stimulus
from ..golden.expected import expected
from ..golden.tile_sums import partial_sums, tile_matmul
from ..hdl.selftest import Given, Round, Wanted
from . import beats, passes, tile_runs, tiles
from .tile_runs import element_bits

if TYPE_CHECKING:
    from ..hdl.designs import Design

VECTORS = 256  # what a block RAM of the smallest families is deep
ROM_BITS = 72 * 1024  # by default: 60 % of the block RAM of an iCE40UP5K
LENGTHS = (1, 1, 2, 3, 7, 16)


def round_of(design: Design, about: Mapping[str, Any], vectors: int | None = None, seed: int = 1) -> Round:
    """A self-test's round.

    Parameters
    ----------
    design : Design
    about : dict
        Its manifest.
    vectors : int, optional
        How many words go in, on the design's busiest stream, about. Default: `VECTORS`, or less where the ROMs would
        have more than `ROM_BITS`.
    seed : int
        Of all operands.
    """
    make, widths = _ROUNDS[design.protocol], {port["name"]: port["width"] for port in about["ports"]}
    if vectors:
        return make(design, _Ports(widths, about["latency"]), vectors, np.random.default_rng(seed))
    count = VECTORS
    while True:
        found = make(design, _Ports(widths, about["latency"]), count, np.random.default_rng(seed))
        if found.bits <= ROM_BITS or count <= 8:
            return found
        count //= 2


class _Ports:
    """A design's ports and their widths."""

    def __init__(self, widths: Mapping[str, int], latency: int) -> None:
        self.widths, self.latency = widths, latency

    def given(self, name: str, columns: Mapping[str, Iterable[int]], valid: str | None = None,
              ready: str | None = None) -> Given:
        """Columns of words by port; what the design has no port for is left out."""
        return Given(name, *self._packed(columns), valid, ready)

    def wanted(self, columns: Mapping[str, Iterable[int]], *protocol: str | None) -> Wanted:
        return Wanted(*self._packed(columns), *protocol)

    def _packed(self, columns):
        ports = {port: self.widths[port] for port in columns if port in self.widths}
        words = []
        for values in zip(*(columns[port] for port in ports), strict=True):
            word = first = 0
            for value, width in zip(values, ports.values(), strict=True):
                word |= (int(value) & ((1 << width) - 1)) << first
                first += width
            words.append(word)
        return ports, tuple(words)


def _products(design, ports, vectors, rng):
    """Corners beside each other, and any codes; every pair, where there are no more."""
    spec = design.multiplier
    if 1 << spec.a.width + spec.b.width <= vectors:
        a, b = stimulus.all_pairs(spec)
    else:
        corners = stimulus.corner_pairs(spec)
        chosen = rng.permutation(len(corners[0]))[: vectors // 2]
        others = stimulus.random_pairs(spec, vectors - len(chosen), rng)
        a, b = (np.concatenate([corner[chosen], other]) for corner, other in zip(corners, others, strict=True))
    return Round((ports.given("operands", {"a": a, "b": b}),), ports.wanted({"p": expected(design, a, b)}))


def _sums(design, ports, vectors, rng):
    """Runs back to back; then steps that move the last results on."""
    spec, lanes = design.multiplier, design.lanes or 1

    def run(kind):
        depth = min(int(rng.choice(LENGTHS)), tiles.longest(design))
        a, b = (codes.reshape(-1, lanes) for codes in tiles.matrices(spec, kind, 1, depth * lanes, 1, rng))
        steps = {"a": beats.pack(a, spec.a.width), "b": beats.pack(b, spec.b.width), "last": beats.lasts(depth)}
        return {"steps": steps,
                "out": {"c": [int(expected(design, a.ravel(), b.ravel()))]}}

    found = _filled(map(run, _kinds(tiles.KINDS, rng)), vectors - ports.latency)
    steps = {port: [*values, *[0] * ports.latency] for port, values in found["steps"].items()}
    return Round((ports.given("steps", steps, "en"),), ports.wanted(found["out"], "valid", None, "en"))


def _arrays(design, ports, vectors, rng):
    """Products back to back, of several depths."""
    spec, (rows, cols), axis = design.multiplier, design.grid, design.declared.bus
    formats = spec.a, spec.b, design.result
    bits = [element_bits(fmt) if axis else fmt.width for fmt in formats]
    names = {"a": "s_axis_a_t", "b": "s_axis_b_t", "out": "m_axis_c_t"} if axis else {
        "a": "i_a__", "b": "i_b__", "out": "o__"}

    def product(kind):
        depth = min(int(rng.choice([1, 2, rows, rows + 1, 2 * (rows + cols)])), tiles.longest(design))
        a, b = tiles.matrices(spec, kind, rows, depth, cols, rng)
        moved = a.T, b, expected(design, a, b)
        return {name: {f"{port}data": beats.pack(codes, each), f"{port}last": beats.lasts(len(codes))}
                for (name, port), codes, each in zip(names.items(), moved, bits, strict=True)}

    found = _filled(map(product, _kinds(tiles.KINDS, rng)), vectors)
    return Round(tuple(ports.given(name, found[name], f"{names[name]}valid", f"{names[name]}ready") for name in "ab"),
                 ports.wanted(found["out"], f"{names['out']}valid", f"{names['out']}ready"))


def _passes(design, ports, vectors, rng):
    """Passes of a tile: weights, vectors, and partial sums of before."""
    tile, spec, cols = design.tile, design.multiplier, cast(int, design.cols)
    bits = tile.word_bits + tile.flags

    def one(kind):
        rows = int(rng.choice([1, 2, tile.lanes, 2 * tile.lanes + 1]))
        given = passes.operands(design, kind, rows, tile.lanes, rng)
        before = passes.sums(tile, (rows, cols), rng)
        after = partial_sums(tile, given.place, given.a, given.b, before, given.top, given.scales)
        a, b, lasts = beats.pack(given.a, spec.a.width), beats.pack(given.b, spec.b.width), beats.lasts(rows)
        if given.scales.a is not None:
            a = _above(a, tile.lanes * spec.a.width, beats.pack(given.scales.a, tile.a_block.scale.width))
        if given.scales.b is not None:
            b = _above(b, cols * spec.b.width, beats.pack(given.scales.b, tile.b_block.scale.width) * len(b))
        return {"a": {"i_a__data": a, "top": [given.top] * rows, "i_a__last": lasts},
                "b": {"i_b__data": b, "place": [given.place] * len(b)}, "c": {"i_c__data": beats.pack(before, bits)},
                "out": {"o__data": beats.pack(after, bits), "o__last": lasts}}

    found = _filled(map(one, _kinds(passes.KINDS, rng)), vectors)
    return Round(tuple(ports.given(name, found[name], f"i_{name}__valid", f"i_{name}__ready") for name in "abc"),
                 ports.wanted(found["out"], "o__valid", "o__ready"))


def _cores(design, ports, vectors, rng):
    """Runs of a tile's core, of one pass and of several."""
    tile, step, formats = design.tile, tile_runs.depth_step(design), tile_runs.formats(design)
    beside = {"a": "top", "b": "place"}

    def run(kind):
        rows = int(rng.choice([1, 2, tile.lanes + 1]))
        depth = int(rng.choice([1, 2, 3])) * step if tile.blocks else int(rng.integers(1, 3 * tile.lanes + 1))
        given = passes.operands(design, kind, rows, depth, rng)
        piece = {}
        for name, each in tile_runs.run(design, given).items():
            words = beats.pack(each.codes, element_bits(formats[name]))
            piece[name] = {f"s_axis_{name}_tdata": words, f"s_axis_{name}_tlast": each.lasts,
                           beside.get(name, ""): [each.beside] * len(words)}
        words = beats.pack(tile_matmul(tile, given.a, given.b, given.scales, given.place, given.top).codes,
                           element_bits(design.result))
        return piece | {"out": {"m_axis_c_tdata": words, "m_axis_c_tlast": beats.lasts(rows), "error": [0] * rows}}

    found = _filled(map(run, _kinds(passes.KINDS, rng)), vectors)
    return Round(tuple(ports.given(name, found[name], f"s_axis_{name}_tvalid", f"s_axis_{name}_tready")
                       for name in formats),
                 ports.wanted(found["out"], "m_axis_c_tvalid", "m_axis_c_tready"))


def _filled(pieces: Iterable[Mapping[str, Mapping[str, list[int]]]], vectors: int) -> dict[str, dict[str, list[int]]]:
    """Pieces one after the other, by stream and port, while no stream has more than so many words; one at least."""
    found: dict[str, dict[str, list[int]]] = {}
    for piece in pieces:
        words = [len(values) for columns in found.values() for values in columns.values()]
        new = [len(values) for columns in piece.values() for values in columns.values()]
        if found and max(old + more for old, more in zip(words, new, strict=True)) > vectors:
            return found
        found = {name: {port: [*found.get(name, {}).get(port, []), *values] for port, values in columns.items()}
                 for name, columns in piece.items()}
    raise AssertionError("pieces must not end")


def _above(low, bits, high):
    return [word | more << bits for word, more in zip(low, high, strict=True)]


def _kinds(kinds: Sequence[str], rng: np.random.Generator) -> Iterable[str]:
    """Each kind in turn, in an order of its own, again and again."""
    while True:
        yield from map(str, rng.permutation(np.array(kinds)))


_ROUNDS = {"combinational": _products, "runs": _sums, "streams": _arrays, "axis": _arrays, "passes": _passes,
           "tiles": _cores}
