"""What stands between streams in a bench: ports with a clock and a reset. Stand-alone benches have this file too."""

from collections.abc import Iterable, Mapping
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from .messages import read, run
from .streams import PERIOD, Stream


class Clocked:
    """Ports with a clock and a reset.

    Attributes
    ----------
    clk, rst : handle
    active : int
        The level of a reset.
    o : Stream
        What comes out.
    """

    clk: Any
    rst: Any
    active: int
    o: Stream

    @property
    def inputs(self) -> Iterable[Stream]:
        """What goes in."""
        raise NotImplementedError

    async def start(self) -> None:
        """Quiet inputs, a running clock, and after a few cycles in whatever state the design woke up, one of reset."""
        for stream in self.inputs:
            for signal in (stream.data, stream.last, stream.valid):
                signal.value = 0
        self.o.ready.value = 0
        self.rst.value = 1 - self.active
        Clock(self.clk, PERIOD, unit="step").start()
        await ClockCycles(self.clk, 3)
        await self.reset()

    async def reset(self) -> None:
        """One cycle of reset."""
        self.rst.value = self.active
        await RisingEdge(self.clk)
        self.rst.value = 1 - self.active

    async def idle(self, known: Mapping[str, Any], zero: Mapping[str, Any]) -> None:
        """Some cycles in which nothing is asked for.

        Parameters
        ----------
        known : dict of str to handle
            By name what must not be X.
        zero : dict of str to handle
            What must be 0, by what it would mean if it were not.
        """
        for _ in range(20):
            await RisingEdge(self.clk)
            for name, handle in known.items():
                value = read(handle)
                assert isinstance(value, int), f"{run()}: {name} must be known after reset, not {value}"
            for meaning, handle in zero.items():
                assert handle.value == 0, f"{run()}: {meaning}"
