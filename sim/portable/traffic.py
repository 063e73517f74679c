"""Traffic of streams as a coverage: which waits, gaps and meetings of runs there were."""

from __future__ import annotations

import cocotb
from cocotb.triggers import RisingEdge

from ..clocked import Clocked
from .coverage import coverage

#: A gap is a cycle within a run in which nothing is offered; of what comes out, one in which that is waited for.
BINS = ("waits", "gap", "beat after beat")
RESULT = "result"


def watch(ports: Clocked) -> None:
    """Count from now on what all streams do outside of a reset."""
    streams = {**ports.streams, RESULT: ports.o}
    coverage.point("traffic", [f"{name}: {each}" for name in streams for each in BINS] + ["reset in a run"])
    for name, stream in streams.items():
        cocotb.start_soon(_watch(name, stream, ports.rst, ports.active))


async def _watch(name, stream, rst, active):
    edge, moved, running, output = RisingEdge(stream.clk), False, False, name == RESULT
    while True:
        await edge
        valid, ready = stream.valid.value == 1, stream.ready.value == 1
        if rst.value == active:
            moved = running = False
            continue
        if valid and not ready:
            coverage.hit("traffic", f"{name}: waits")
        elif not valid and (ready if output else running):
            coverage.hit("traffic", f"{name}: gap")
        if moved and valid and ready:
            coverage.hit("traffic", f"{name}: beat after beat")
        moved = valid and ready
        running = stream.last.value == 0 if moved else running
