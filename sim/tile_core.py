"""A tile's AXI4-Stream core in a bench: its ports, and matrices as what moves through them."""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from . import beats, bench
from .streams import PERIOD, Beat, Joined, Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..golden.formats import Format
    from ..hdl.designs import Design
    from .passes import Operands


class Beats(NamedTuple):
    """What moves on one stream in a run: codes (beats, elements), ``last`` of each, and what else its beats are taken
    with."""

    codes: np.ndarray
    lasts: list[int]
    beside: int = 0


class TileCore:
    """The ports of a ``core`` design. The window's place goes with the rows of weights, that of the scales with the
    vectors.

    Attributes
    ----------
    streams : dict of str to Stream
        Those that go in: ``b``, ``a``, and where there are blocks ``bs``, ``as``.
    o : Stream
    """

    def __init__(self, dut: Any) -> None:
        self.design = bench.design()
        self.clk, self.rst, self.error = dut.aclk, dut.aresetn, dut.error
        place, top = getattr(dut, "place", None), getattr(dut, "top", None)
        self.place_bits = 0 if place is None else len(place)
        self.streams = {name: self._stream(dut, f"s_axis_{name}", {"b": place, "a": top}.get(name))
                        for name in formats(self.design)}
        self.data_bits = {name: len(getattr(dut, f"s_axis_{name}_tdata")) for name in self.streams}
        self.o = self._stream(dut, "m_axis_c")

    @staticmethod
    def _stream(dut, name, beside=None):
        data, last, valid, ready = (getattr(dut, f"{name}_t{signal}", None)
                                    for signal in ("data", "last", "valid", "ready"))
        return Stream(dut.aclk, Joined(data, beside), Joined(last), valid, ready)

    async def start(self) -> None:
        """Quiet inputs, a running clock, and after a few cycles in whatever state the core woke up, one of reset."""
        for stream in self.streams.values():
            for signal in (stream.data, stream.last, stream.valid):
                signal.value = 0
        self.o.ready.value = 0
        self.rst.value = 1
        Clock(self.clk, PERIOD, unit="step").start()
        await ClockCycles(self.clk, 3)
        await self.reset()

    async def reset(self) -> None:
        """One cycle of reset."""
        self.rst.value = 0
        await RisingEdge(self.clk)
        self.rst.value = 1

    def beats_of(self, given: Operands) -> dict[str, list[Beat]]:
        """What a run is on each stream that goes in."""
        return {name: self.packed(name, each) for name, each in run(self.design, given).items()}

    def packed(self, name: str, each: Beats) -> list[Beat]:
        """Beats of a stream."""
        beside = (each.beside & ((1 << self.place_bits) - 1) if name == "b" else each.beside) << self.data_bits[name]
        words = beats.pack(each.codes, element_bits(formats(self.design)[name]))
        return [Beat(word | beside, last) for word, last in zip(words, each.lasts, strict=True)]

    def o_beats(self, codes: np.ndarray) -> list[Beat]:
        """The beats that a result, (rows, cols), is given out as."""
        words = beats.pack(codes, element_bits(self.design.result))
        return [Beat(*beat) for beat in zip(words, beats.lasts(len(words)), strict=True)]

    def codes(self, words: Sequence[int]) -> np.ndarray:
        """Result beats as codes, (beats, cols)."""
        return beats.unpack(words, cast(int, self.design.cols), element_bits(self.design.result))


def formats(design: Design) -> dict[str, Format]:
    """The streams that go in, and the format of the elements of each."""
    found = {"b": design.multiplier.b, "a": design.multiplier.a}
    blocks = {"bs": design.b_block, "as": design.a_block}
    return found | {name: block.scale for name, block in blocks.items() if block}


def element_bits(fmt: Format) -> int:
    """Bits that an element takes: whole bytes."""
    return 8 * -(-fmt.width // 8)


def depth_step(design: Design) -> int:
    """What depths are multiples of: whole blocks."""
    return lcm(*(block.size for block in design.tile.blocks))


def run(design: Design, given: Operands) -> dict[str, Beats]:
    """A run: by stream its beats. What is missing of the last pass is neutral."""
    tile, spec, (a, b, scales, place, top) = design.tile, design.multiplier, given
    fill_a, fill_b = cast("tuple[int, int]", spec.neutral)
    missing = -a.shape[1] % tile.lanes
    a = np.pad(a, ((0, 0), (0, missing)), constant_values=fill_a)
    b = np.pad(b, ((0, missing), (0, 0)), constant_values=fill_b)
    count = len(b) // tile.lanes
    found = {"b": Beats(b, beats.lasts(len(b)), place),
             "a": Beats(a.reshape(len(a), count, -1).swapaxes(0, 1).reshape(-1, tile.lanes),
                        beats.lasts(len(a)) * count, top)}
    firsts = np.arange(count) * tile.lanes
    if tile.b_block:
        assert scales.b is not None
        found["bs"] = Beats(scales.b[firsts // tile.b_block.size], [0] * count)
    if tile.a_block:
        assert scales.a is not None
        of_a = scales.a.T[firsts // tile.a_block.size].reshape(-1, 1)
        found["as"] = Beats(of_a, [0] * len(of_a))
    return found
