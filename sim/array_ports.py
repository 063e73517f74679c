"""The ports of an array in a bench, behind AXI4-Stream or not: the same streams of codes either way. Stand-alone
benches have this file too."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import beats
from .clocked import Clocked
from .streams import Beat, Stream


class ArrayPorts(Clocked):
    """The ports of an ``array`` or ``matmul`` design.

    Parameters
    ----------
    dut : handle
    widths : dict of str to int
        Of the codes of ``a``, ``b`` and ``o``.
    cols : int
    """

    def __init__(self, dut: Any, widths: Mapping[str, int], cols: int) -> None:
        super().__init__(dut)
        axis, self.cols = self.active == 0, cols
        self.bits = {name: beats.whole_bytes(width) for name, width in widths.items()} if axis else widths
        a, b, self.o = (Stream.named(dut, name) for name in (
            ("s_axis_a", "s_axis_b", "m_axis_c") if axis else ("i_a", "i_b", "o")))
        self.streams = {"a": a, "b": b}

    def a_beats(self, codes: np.ndarray) -> list[Beat]:
        """The beats of a matrix A, codes (rows, depth): a column each."""
        return self.packed("a", beats.run(codes.T))

    def b_beats(self, codes: np.ndarray) -> list[Beat]:
        """The beats of a matrix B, codes (depth, cols): a row each."""
        return self.packed("b", beats.run(codes))
