"""A core's self-checking simulation, in plain Verilog: its self-test, and a bench whose status says how that ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from ..boards.tops import bench as bench_of
from ..hdl.selftest import Given, Round, Wanted, selftest
from ..sim.rounds import round_of
from .core import Core

Words = TypeVar("Words", Given, Wanted)

VECTORS = 48  # words of its busiest stream: enough to see that a flow works, of operands of every kind


def bench(core: Core) -> dict[str, str]:
    """The self-test of the core's top, ``<top>_selftest.v``, and its bench, ``<top>_bench.v``: results that the model
    gives, for operands of every kind."""
    about = {**core.about, "slug": core.top, "ports": core.ports}
    one = _widened(round_of(core.design, core.about, VECTORS), {port["name"]: port["width"] for port in core.ports})
    return {f"{core.top}_selftest.v": selftest(about, one), f"{core.top}_bench.v": bench_of(core.top)}


def _widened(one: Round, widths: Mapping[str, int]) -> Round:
    """A round for ports that are wider, by zeros above."""
    return Round(tuple(_wider(each, widths) for each in one.given), _wider(one.wanted, widths))


def _wider(each: Words, widths: Mapping[str, int]) -> Words:
    ports = {port: widths[port] for port in each.ports}
    return replace(each, ports=ports, words=tuple(_spread(word, each.ports, ports) for word in each.words))


def _spread(word, narrow, wide):
    """A word whose parts are put where they have more room."""
    found = first = 0
    for port, width in narrow.items():
        found |= (word & ((1 << width) - 1)) << first
        word, first = word >> width, first + wide[port]
    return found
