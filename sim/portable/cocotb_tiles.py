"""Bench of tiles behind AXI4-Stream: products of matrices, of any depth, through their streams."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from .. import beats
from ..beats import Beats
from ..messages import name_run, run
from ..streams import Beat
from ..tile_ports import CorePorts
from . import segments, settings, tiles, traffic, vectors
from .codes import Codes
from .coverage import coverage
from .coverage import holes_are_listed as holes_are_listed
from .segments import TIMEOUT

ROWS = (1, 2, 3, tiles.lanes, tiles.lanes + 1, 5)

_about = settings.about()
_result = Codes(_about["result"])


class Products(segments.Numbered):
    """Products of matrices, in passes."""

    ports: CorePorts

    def send(self, one: tuple[int | None, tiles.Operands]) -> None:
        (number, given), tile = one, tiles.Tile()
        codes = tile.product(given)
        self.put(one, beats_of(self.ports, given), codes)
        if number is not None:
            tiles.observe(tile, given)
            coverage.classes("result", _result.classes, _result.classify(codes))
            coverage.hit("rows", _rows_bin(len(given.a)))
            coverage.hit("passes", "one" if len(given.b) <= tiles.lanes else "several")

    def named(self, one: tuple[int | None, tiles.Operands], row: int) -> str:
        given = one[1]
        return f"{super().named(one, row)} of {len(given.a)}, depth {len(given.b)}"

    def shown(self, code: int) -> str:
        return _result.show(code)

    def made_of(self, one: tuple[int | None, tiles.Operands], row: int, col: int) -> str:
        return tiles.show(one[1], row, col)


def ports_of(dut: Any) -> CorePorts:
    """The ports of the core."""
    return CorePorts(dut, _about["stream_widths"], tiles.cols)


def beats_of(ports: CorePorts, given: tiles.Operands) -> dict[str, list[Beat]]:
    """What a product is on each stream that goes in."""
    parts = tiles.passes(given)
    a, b = np.concatenate([one.a for one in parts]), np.concatenate([one.b for one in parts])
    moving = {"b": Beats(b, beats.lasts(len(b)), given.place),
              "a": Beats(a, beats.lasts(len(given.a)) * len(parts), given.top)}
    for name, codes in (("bs", [one.b_scales for one in parts]), ("as", [one.a_scales for one in parts])):
        if name in ports.streams:
            every = np.concatenate([each for each in codes if each is not None])
            moving[name] = Beats(every, [0] * len(every))
    return ports.beats_of(moving)


def depths() -> list[int]:
    """Depths of one pass and of several, with and without something missing of the last."""
    lanes, step = tiles.lanes, tiles.about["depth_step"]
    return [step, 2 * step, 3 * step] if tiles.about["blocks"] else [1, lanes, lanes + 1, 2 * lanes, 5 * lanes - 1]


def vector(seed: int, number: int, rows: int | None = None, depth: int | None = None) -> tiles.Operands:
    """The product of a number."""
    turn, some = number // len(vectors.KINDS), depths()
    return tiles.vector(seed, number, rows or ROWS[turn % len(ROWS)], depth or some[turn // 2 % len(some)])


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(seed=settings.seeds())
async def products_are_right(dut: Any, seed: int) -> None:
    """Products of every kind of operands and scales, of one pass and of several, back to back, in one traffic after the
    other; between two of these a reset in the middle."""
    tiles.declare()
    coverage.point("result", _result.classes)
    coverage.point("rows", list(dict.fromkeys(map(_rows_bin, ROWS))))
    coverage.point("passes", list(dict.fromkeys("one" if depth <= tiles.lanes else "several" for depth in depths())))
    ports = ports_of(dut)
    await ports.start()
    traffic.watch(ports)
    await segments.run(Products, ports, seed, vector, 3 * depths()[-1], rows=3, depth=depths()[-1])


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def outputs_are_known_after_reset(dut: Any) -> None:
    """Nothing that leaves the core is X or offers a result, neither right after reset nor while it idles."""
    name_run(settings.slug())
    ports = ports_of(dut)
    await ports.start()
    await ports.idle()


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def passes_that_differ_are_told(dut: Any) -> None:
    """Passes of a product that have not as many vectors each raise ``error``, until reset; then all is well again."""
    ports, [seed, *_] = ports_of(dut), settings.seeds()
    await ports.start()
    session = Products(ports, vectors.Segment(seed, "always", [0]))
    given = vector(seed, 0, 6, max(2 * tiles.lanes, tiles.about["depth_step"]))
    for name, stream in beats_of(ports, given).items():
        session.drivers[name].send([*stream[:8], stream[8]._replace(last=1)] if name == "a" else stream)
    for _ in range(20 * tiles.lanes + 100):
        await RisingEdge(ports.clk)
        if ports.error.value == 1:
            break
    await ClockCycles(ports.clk, 20)
    assert ports.error.value == 1, f"{run()}: error must be 1, and stay so, after a pass that was too short"
    session.stop()
    await ports.reset()
    await segments.alone(Products, ports, seed, vector(seed, 0))


def _rows_bin(rows):
    return "fewer than lanes" if rows < tiles.lanes else "as many as lanes" if rows == tiles.lanes else "more"
