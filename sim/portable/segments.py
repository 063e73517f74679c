"""Vectors by number through streams: a segment of them after the other, each in its traffic, and resets in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from cocotb.triggers import ClockCycles

from ..clocked import Clocked
from ..messages import name_run
from ..session import Session
from ..streams import TRAFFIC
from . import settings, vectors
from .coverage import coverage

TIMEOUT = {"timeout_time": 100, "timeout_unit": "ms"}


class Numbered(Session):
    """What `send` takes is a pair: the number of a vector, or None where it is not to be counted, and the vector."""

    def __init__(self, ports: Clocked, segment: vectors.Segment) -> None:
        name_run(segment.name)
        self._seed = segment.seed
        super().__init__(ports, segment.generator, segment.traffic)

    def named(self, one: tuple[int | None, Any], row: int) -> str:
        return f"{vectors.named(self._seed, one[0])}, row {row}"


Kind = TypeVar("Kind", bound=Numbered)


async def alone(kind: type[Kind], ports: Clocked, seed: int, one: Any) -> Kind:
    """The session of a vector that was sent without a stall, when its result has come out."""
    session = kind(ports, vectors.Segment(seed, "always", [0]))
    await session.run([(None, one)])
    session.stop()
    return session


async def run(kind: type[Numbered], ports: Clocked, seed: int, vector: Callable[..., Any], cycles: int,
              **longer: int) -> None:
    """All vectors of a seed, back to back, in one traffic after the other; between two of these a reset in the middle.

    Parameters
    ----------
    kind : type
        Of the sessions.
    ports : Clocked
    seed : int
    vector : callable
        Gives the vector of a seed and a number.
    cycles : int
        Within which the reset is.
    longer
        What ``vector`` is told besides for those that the reset comes into.
    """
    for segment in vectors.segments(seed, list(TRAFFIC)):
        session = kind(ports, segment)
        await session.run((number, vector(seed, number)) for number in segment.numbers)
        session.stop()
        if not settings.some():
            session = kind(ports, segment)
            for number in segment.numbers[:3]:
                session.send((None, vector(seed, number, **longer)))
            await ClockCycles(ports.clk, int(segment.generator.integers(2, cycles)))
            coverage.hit("traffic", "reset in a run")
            session.stop()
            await ports.reset()
        coverage.write()
