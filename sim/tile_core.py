"""A tile's AXI4-Stream core in a bench: its ports, and what moves through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from . import beats, bench
from .clocked import Clocked
from .streams import Beat, Joined, Stream
from .tile_runs import Beats, element_bits, formats, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    from .passes import Operands


class TileCore(Clocked):
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
        self.clk, self.rst, self.active, self.error = dut.aclk, dut.aresetn, 0, dut.error
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

    @property
    def inputs(self) -> Iterable[Stream]:
        return self.streams.values()

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
