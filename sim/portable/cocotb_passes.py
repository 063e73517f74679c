"""Bench of tiles, ``tile_*``: passes through their streams, from partial sums to partial sums."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from ..messages import name_run, run
from ..tile_ports import TilePorts
from . import segments, settings, tiles, traffic, vectors
from .coverage import coverage
from .coverage import holes_are_listed as holes_are_listed
from .segments import TIMEOUT

ROWS = {"one": 1, "as many as there are lanes": tiles.lanes, "more": tiles.lanes + 1, "some": 7, "two": 2}

_BIN = {rows: name for name, rows in ROWS.items()}  # of two names of one number, one

_about, _of_b = settings.about(), tiles.about["b_block"]
_sum_bits = tiles.about["word_bits"] + tiles.about["flags"]
_widths = {"a": _about["a"]["width"], "b": _about["b"]["width"], "c": _sum_bits, "o": _sum_bits}
_widths |= {"bs": _of_b["width"]} if _of_b else {}


class Pass:
    """Operands, and the partial sums that they come to."""

    def __init__(self, given: tiles.Operands, before: np.ndarray) -> None:
        self.tile = tiles.Tile()
        self.given, self.before, self.after = given, before, self.tile.added(given, before)


class Passes(segments.Numbered):
    """Passes, one after the other."""

    ports: TilePorts

    def send(self, one: tuple[int | None, Pass]) -> None:
        number, sent = one
        self.put(one, self.ports.beats_of(*sent.given, sent.before), sent.after)
        if number is not None:
            _observe(sent)

    def named(self, one: tuple[int | None, Pass], row: int) -> str:
        return f"{super().named(one, row)} of {len(one[1].after)}"

    def shown(self, code: int) -> str:
        return f"0x{code:x}"

    def made_of(self, one: tuple[int | None, Pass], row: int, col: int) -> str:
        sent = one[1]
        return f"before 0x{int(sent.before[row, col]):x}; {tiles.show(sent.given, row, col)}"


def vector(seed: int, number: int, rows: int | None = None) -> Pass:
    """The pass of a number."""
    some = list(ROWS.values())
    rows = rows or some[number // len(vectors.KINDS) % len(some)]
    given = tiles.vector(seed, number, rows, tiles.lanes)
    rng, shape, word_bits = np.random.default_rng([seed, 2, number]), (rows, tiles.cols), tiles.about["word_bits"]
    words = rng.integers(1 << 63, size=shape, dtype=np.uint64) & np.uint64((1 << word_bits) - 1)
    nan = (rng.random(shape) < rng.choice([0, 1 / 8])).astype(np.uint64) * np.uint64(tiles.about["flags"])
    return Pass(given, words * np.uint64(rng.random() < 0.75) | nan << np.uint64(word_bits))


def ports_of(dut: Any) -> TilePorts:
    """The ports of the tile."""
    return TilePorts(dut, _widths, tiles.cols)


def _observe(one):
    tiles.observe(one.tile, one.given)
    if tiles.about["flags"] and (one.before >> np.uint64(tiles.about["word_bits"])).any():
        coverage.hit("NaN", "before")
    coverage.hit("vectors of a pass", _BIN[len(one.after)])
    coverage.hit("sums before", "some" if one.before.any() else "none")


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(seed=settings.seeds())
async def sums_are_right(dut: Any, seed: int) -> None:
    """Passes of every kind of operands, scales and partial sums, of many lengths, back to back, in one traffic after
    the other; between two of these a reset in the middle."""
    tiles.declare()
    coverage.point("vectors of a pass", list(_BIN.values()))
    coverage.point("sums before", ["some", "none"])
    ports = ports_of(dut)
    await ports.start()
    traffic.watch(ports)
    await segments.run(Passes, ports, seed, vector, 4 * tiles.lanes, rows=tiles.lanes)


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def outputs_are_known_after_reset(dut: Any) -> None:
    """Nothing that leaves the tile is X or offers a sum, neither right after reset nor while it idles."""
    name_run(settings.slug())
    ports = ports_of(dut)
    await ports.start()
    await ports.idle()


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def latency_is_as_stated(dut: Any) -> None:
    """Unstalled, sums come as many cycles after their vectors as the manifest says."""
    ports, [seed, *_] = ports_of(dut), settings.seeds()
    await ports.start()
    for rows in (1, 2, 9):
        session = await segments.alone(Passes, ports, seed, vector(seed, 0, rows))
        latency = session.output.ends[-1] - session.inputs["a"].ends[-1]
        wanted = _about["latency"]
        assert latency == wanted, f"{run()}: latency must be {wanted} cycles, not {latency}, for {rows} vectors"
