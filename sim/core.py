"""What stands between streams in a bench; and an array, behind its own ports or behind AXI4-Stream: the same streams of
codes either way."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from . import beats, bench
from .streams import PERIOD, Beat, Stream


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
                value = bench.read(handle)
                assert isinstance(value, int), f"{bench.run()}: {name} must be known after reset, not {value}"
            for meaning, handle in zero.items():
                assert handle.value == 0, f"{bench.run()}: {meaning}"


class Core(Clocked):
    """The ports of an ``array`` or ``matmul`` design.

    Attributes
    ----------
    a, b, o : Stream
    bits : tuple of int
        Bits that one element of each of them takes: its width, or for AXI4-Stream whole bytes.
    """

    def __init__(self, dut: Any) -> None:
        self.design = bench.design()
        self.axis = self.design.protocol == "axis"
        widths = self.design.multiplier.a.width, self.design.multiplier.b.width, self.design.result.width
        if self.axis:
            self.clk, self.rst, self.active = dut.aclk, dut.aresetn, 0
            self.bits = tuple(8 * -(-width // 8) for width in widths)
            self.a, self.b, self.o = (
                Stream(dut.aclk, *(getattr(dut, f"{name}_t{signal}") for signal in ("data", "last", "valid", "ready")))
                for name in ("s_axis_a", "s_axis_b", "m_axis_c"))
        else:
            self.clk, self.rst, self.active = dut.clk, dut.rst, 1
            self.bits = widths
            self.a, self.b, self.o = (
                Stream(dut.clk, *(getattr(dut, f"{name}__{signal}") for signal in ("data", "last", "valid", "ready")))
                for name in ("i_a", "i_b", "o"))

    @property
    def inputs(self) -> tuple[Stream, Stream]:
        return self.a, self.b

    def a_beats(self, codes: np.ndarray) -> list[Beat]:
        """The beats of a matrix A, codes (R, depth): a column each."""
        return self._beats(codes.T, self.bits[0])

    def b_beats(self, codes: np.ndarray) -> list[Beat]:
        """The beats of a matrix B, codes (depth, C): a row each."""
        return self._beats(codes, self.bits[1])

    def o_beats(self, codes: np.ndarray) -> list[Beat]:
        """The beats that a result, (R, C), is given out as."""
        return self._beats(codes, self.bits[2])

    def codes(self, words: Sequence[int]) -> np.ndarray:
        """Result beats as codes, (beats, C)."""
        return beats.unpack(words, self.design.grid[1], self.bits[2])

    def _beats(self, codes, bits):
        words = beats.pack(codes, bits)
        return [Beat(*beat) for beat in zip(words, beats.lasts(len(words)), strict=True)]
