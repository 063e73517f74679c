"""Bench of systolic arrays, ``array_*`` and ``matmul_*``: products of matrices through their streams."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from ..array_ports import ArrayPorts
from ..messages import name_run, run
from . import segments, settings, traffic, vectors
from .codes import Codes
from .coverage import coverage
from .coverage import holes_are_listed as holes_are_listed
from .products import rule
from .segments import TIMEOUT
from .sums import Sums

Operands = tuple[np.ndarray, np.ndarray]

_about = settings.about()
_rows, _cols, _result = _about["rows"], _about["cols"], Codes(_about["result"])
_widths = {"a": _about["a"]["width"], "b": _about["b"]["width"], "o": _result.width}
_sums = Sums(_about["sum"], rule(_about["product"]))


class Products(segments.Numbered):
    """Products of matrices: codes (rows, depth) and (depth, cols)."""

    ports: ArrayPorts

    def send(self, one: tuple[int | None, Operands]) -> None:
        number, (a, b) = one
        codes = np.array([[_sums(row, col) for col in b.T.tolist()] for row in a.tolist()], np.uint64)
        self.put(one, {"a": self.ports.a_beats(a), "b": self.ports.b_beats(b)}, codes)
        if number is not None:
            vectors.observe(a, b)
            coverage.classes("result", _result.classes, _result.classify(codes))
            coverage.hit("depth", _depth_bin(len(b)))
            for name, count in _sums.events.items():
                if count:
                    coverage.hit("sum", name, count)
        _sums.events.clear()

    def named(self, one: tuple[int | None, Operands], row: int) -> str:
        a, b = one[1]
        return f"{super().named(one, row)} of {len(a)}, depth {len(b)}"

    def shown(self, code: int) -> str:
        return _result.show(code)

    def made_of(self, one: tuple[int | None, Operands], row: int, col: int) -> str:
        a, b = one[1]
        return f"operands {vectors.show_pairs(a[row], b[:, col])}"


def depths() -> list[int]:
    """Depths about which the control could err, as far as a sum has room."""
    wanted = {1, 2, _rows - 1, _rows, _rows + 1, _cols, 2 * _rows + 3, 3 * (_rows + _cols)} - {0}
    return sorted({min(depth, _about["longest"]) for depth in wanted})


def vector(seed: int, number: int, depth: int | None = None) -> Operands:
    """The matrices of a number."""
    rng, some = vectors.generator(seed, number), depths()
    depth = depth or some[number // len(vectors.KINDS) % len(some)]
    return vectors.matrices(number, (_rows, depth, _cols), rng)


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(seed=settings.seeds())
async def products_are_right(dut: Any, seed: int) -> None:
    """Products of every kind and many depths, back to back, in one traffic after the other; between two of these a
    reset in the middle."""
    vectors.declare()
    coverage.point("result", _result.classes)
    coverage.point("depth", list(dict.fromkeys(map(_depth_bin, depths()))))
    coverage.point("sum", _about["events"])
    ports = ArrayPorts(dut, _widths, _cols)
    await ports.start()
    traffic.watch(ports)
    await segments.run(Products, ports, seed, vector, 2 * (_rows + _cols), depth=depths()[-1])


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def outputs_are_known_after_reset(dut: Any) -> None:
    """Nothing that leaves the core is X or offers a result, neither right after reset nor while it idles."""
    name_run(settings.slug())
    ports = ArrayPorts(dut, _widths, _cols)
    await ports.start()
    await ports.idle()


@cocotb.test(skip=settings.some(), **TIMEOUT)
async def latency_is_as_stated(dut: Any) -> None:
    """Unstalled, a product's last row comes as many cycles after its last beat as the manifest says; where a
    weight-stationary array fills a short run up, after the last of that."""
    ports, [seed, *_] = ArrayPorts(dut, _widths, _cols), settings.seeds()
    await ports.start()
    for depth in depths():
        filled = max(_rows - depth, 0) if _about["dataflow"] == "ws" else 0
        session = await segments.alone(Products, ports, seed, vector(seed, 0, depth))
        latency = session.output.ends[-1] - max(monitor.ends[-1] for monitor in session.inputs.values())
        wanted = _about["latency"] + filled
        assert latency == wanted, f"{run()}: latency must be {wanted} cycles, not {latency}, at depth {depth}"


def _depth_bin(depth):
    return f"{'less than' if depth < _rows else 'as many as' if depth == _rows else 'more than'} there are rows"
