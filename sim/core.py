"""An array in a bench, behind its own ports or behind AXI4-Stream: the same streams of codes either way."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import beats, bench
from .clocked import Clocked
from .streams import Beat, Stream


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
