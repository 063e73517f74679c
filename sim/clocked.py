"""What stands between streams in a bench: ports with a clock and a reset. Stand-alone benches have this file too."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from . import beats
from .messages import read, run
from .streams import PERIOD, Beat, Stream


class Clocked:
    """Ports with a clock and a reset; what else they are says who inherits this.

    Attributes
    ----------
    clk, rst : handle
    active : int
        The level of a reset.
    streams : dict of str to Stream
        What goes in.
    o : Stream
        What comes out.
    bits : dict of str to int
        Bits that one element of a stream takes, by its name.
    cols : int
        Elements that come out together.
    error : handle or None
        What stays 0 while all is as it must be.
    """

    streams: Mapping[str, Stream]
    o: Stream
    bits: Mapping[str, int]
    cols: int
    error: Any = None

    def __init__(self, dut: Any) -> None:
        axis = hasattr(dut, "aclk")
        self.clk, self.rst, self.active = (dut.aclk, dut.aresetn, 0) if axis else (dut.clk, dut.rst, 1)

    async def start(self) -> None:
        """Quiet inputs, a running clock, and after a few cycles in whatever state the design woke up, one of reset."""
        for stream in self.streams.values():
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

    def packed(self, name: str, moving: beats.Beats) -> list[Beat]:
        """What moves on a stream, as its beats."""
        stream = self.o if name == "o" else self.streams[name]
        return stream.beats(beats.pack(moving.codes, self.bits[name]), moving.lasts, moving.beside)

    def results(self, codes: np.ndarray) -> list[Beat]:
        """The beats that a result, (rows, cols), comes out as."""
        return self.packed("o", beats.run(codes))

    def codes(self, words: Sequence[int]) -> np.ndarray:
        """Words that came out as codes, (words, cols)."""
        return beats.unpack(words, self.cols, self.bits["o"])

    async def idle(self) -> None:
        """Some cycles in which nothing is asked for: nothing that leaves is X, or offers or tells of anything."""
        known = {f"{name} ready": stream.ready for name, stream in self.streams.items()}
        zero = {"result valid": self.o.valid} | ({} if self.error is None else {"error": self.error})
        for _ in range(20):
            await RisingEdge(self.clk)
            for name, handle in (known | zero).items():
                value = read(handle)
                assert isinstance(value, int), f"{run()}: {name} must be known after reset, not {value}"
                assert name in known or value == 0, f"{run()}: {name} must be 0 while nothing is asked for"
