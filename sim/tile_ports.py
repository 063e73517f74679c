"""The ports of a tile in a bench, and of the core around it. Stand-alone benches have this file too.

The window's place goes with the rows of weights, that of the scales with the vectors.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import beats
from .clocked import Clocked
from .streams import Beat, Stream


class TilePorts(Clocked):
    """The ports of a ``tile`` design.

    Parameters
    ----------
    dut : handle
    widths : dict of str to int
        Of the codes of ``a`` and ``b``, of the scales of the columns, ``bs``, if there are any, and of partial sums
        with their flag, ``c`` and ``o``.
    cols : int
    """

    def __init__(self, dut: Any, widths: Mapping[str, int], cols: int) -> None:
        super().__init__(dut)
        self.bits, self.cols = widths, cols
        beside = _beside(dut)
        self.streams = {name: Stream.named(dut, f"i_{name}", beside.get(name)) for name in "abc"}
        self.o = Stream.named(dut, "o")

    def beats_of(self, a: np.ndarray, b: np.ndarray, a_scales: np.ndarray | None, b_scales: np.ndarray | None,
                 place: int, top: int, before: np.ndarray) -> dict[str, list[Beat]]:
        """What a pass is on each stream that goes in.

        Parameters
        ----------
        a, b : array
            Codes, (rows, lanes) and (lanes, cols).
        a_scales, b_scales : array or None
            Codes of scales, (rows, 1) and (1, cols): they stand above the codes, in each row of ``b`` the same.
        place, top : int
        before : array
            Partial sums, (rows, cols).
        """
        vectors, rows = beats.pack(a, self.bits["a"]), beats.pack(b, self.bits["b"])
        if a_scales is not None:
            vectors = [word | int(scale) << a.shape[1] * self.bits["a"]
                       for word, scale in zip(vectors, a_scales[:, 0], strict=True)]
        if b_scales is not None:
            [above] = beats.pack(b_scales, self.bits["bs"])
            rows = [word | above << b.shape[1] * self.bits["b"] for word in rows]
        return {"a": self.streams["a"].beats(vectors, beats.lasts(len(a)), top),
                "b": self.streams["b"].beats(rows, [0] * len(b), place),
                "c": self.packed("c", beats.Beats(before, [0] * len(before)))}


class CorePorts(Clocked):
    """The ports of a tile behind AXI4-Stream.

    Parameters
    ----------
    dut : handle
    widths : dict of str to int
        Of the elements of the streams that go in, ``b``, ``a``, and where there are blocks ``bs`` and ``as``; and of
        results, ``o``.
    cols : int
    """

    def __init__(self, dut: Any, widths: Mapping[str, int], cols: int) -> None:
        super().__init__(dut)
        self.bits, self.cols = {name: beats.whole_bytes(width) for name, width in widths.items()}, cols
        beside = _beside(dut)
        self.streams = {name: Stream.named(dut, f"s_axis_{name}", beside.get(name)) for name in widths if name != "o"}
        self.o, self.error = Stream.named(dut, "m_axis_c"), dut.error

    def beats_of(self, moving: Mapping[str, beats.Beats]) -> dict[str, list[Beat]]:
        """What moves, by stream, as its beats."""
        return {name: self.packed(name, each) for name, each in moving.items()}


def _beside(dut):
    """What is taken with the beats of a stream, by its name: None for what a design has not."""
    return {"a": getattr(dut, "top", None), "b": getattr(dut, "place", None)}
