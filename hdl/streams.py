"""The streams of a design: what beats carry, in which order, as manifests tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..golden.formats import Format
from .axis import Elements

if TYPE_CHECKING:
    from .designs import Design

#: Of a stream's signals the order in headers.
ORDER = ("data", "valid", "ready", "last")


@dataclass(frozen=True)
class Stream:
    """A stream of a design's ports.

    Attributes
    ----------
    name : str
        What its ports begin with.
    direction : str
        ``in`` or ``out``: of its data.
    bus : bool
        Whether it is AXI4-Stream.
    elements : int
        In a beat, the first in the lowest bits.
    element_bits, stride : int
        Bits of an element; from one element's lowest bit to the next one's.
    data_bits : int
        Of a beat.
    carries : str
        What an element is, in words.
    order : str
        Which beat comes when, and what its elements are.
    last : str or None
        What the signal of the last beat means; None: the stream has none.
    above : dict
        Of what stands above the elements, by name its lowest bit and its bits.
    """

    name: str
    direction: str
    bus: bool
    elements: int
    element_bits: int
    stride: int
    data_bits: int
    carries: str
    order: str
    last: str | None
    above: dict[str, dict[str, int]]

    @property
    def signals(self) -> dict[str, str]:
        """Names of its ports by what they are, in the order of headers."""
        join = f"{self.name}_t" if self.bus else f"{self.name}__"
        return {what: join + what for what in ORDER if what != "last" or self.last is not None}

    def describe(self) -> dict[str, Any]:
        """The stream as plain data, for manifests."""
        return {"name": self.name, "direction": self.direction, "bus": "axi4stream" if self.bus else "valid_ready",
                "signals": self.signals, "elements": self.elements, "element_bits": self.element_bits,
                "stride": self.stride, "data_bits": self.data_bits, "carries": self.carries, "order": self.order,
                "last": self.last, **({"above": self.above} if self.above else {})}


def streams(design: Design) -> list[Stream]:
    """The streams of a design in the order of its ports; none where it has no handshake of valid and ready."""
    return list(_STREAMS.get(design.protocol, lambda design: ())(design))


def _stream(name, direction, bus, count, fmt: Format, order, last, extra=(), bits=None, carries=None):
    """A `Stream` of elements of a format; ``extra`` has names and bits of what is above them."""
    bits = bits or fmt.width
    stride = 8 * Elements(count, fmt).bytes if bus else bits
    above, lsb = {}, count * stride
    for what, width in extra:
        above[what] = {"lsb": lsb, "width": width}
        lsb += width
    return Stream(name, direction, bus, count, bits, stride, lsb, carries or f"code of {fmt}", order, last, above)


def _matrices(design):
    """The streams of an array, bare or behind AXI4-Stream."""
    spec, rows, cols = design.multiplier, design.rows, design.cols
    bus = design.declared.bus
    a, b, c = ("s_axis_a", "s_axis_b", "m_axis_c") if bus else ("i_a", "i_b", "o")
    run = "with the last beat of a run, k = K-1"
    yield _stream(a, "in", bus, rows, spec.a, "beat k is column k of A: element r is A[r, k]", run)
    yield _stream(b, "in", bus, cols, spec.b, "beat k is row k of B: element c is B[k, c]", run)
    yield _stream(c, "out", bus, cols, design.result, "beat r is row r of the result: element c is C[r, c]",
                  f"with a run's last row, r = {rows - 1}")


def _passes(design):
    """The streams of a tile."""
    tile, spec, cols = design.tile, design.multiplier, design.cols
    sums = {"bits": tile.word_bits + tile.flags,
            "carries": f"partial sum of {tile.word_bits} bits" + (" and NaN" if tile.flags else "")}
    scale = [("scale", tile.a_block.scale.width)] if tile.a_block else []
    scales = [(f"scale_{col}", tile.b_block.scale.width) for col in range(cols)] if tile.b_block else []
    yield _stream("i_a", "in", False, tile.lanes, spec.a, "a beat is a vector: element n is multiplied in lane n",
                  "with the last vector that the weights are for", scale)
    yield _stream("i_b", "in", False, cols, spec.b,
                  f"beat n of {tile.lanes} is row n of the weights: element c is held in column c of lane n", None,
                  scales)
    yield _stream("i_c", "in", False, cols, design.result, "beat v is for vector v: element c is added to in column c",
                  None, **sums)
    yield _stream("o", "out", False, cols, design.result, "beat v is of vector v: element c is column c's sum",
                  "with the sums of the pass's last vector", **sums)


def _tiles(design):
    """The streams of a tile's core."""
    tile, spec, cols = design.tile, design.multiplier, design.cols
    lanes = tile.lanes
    yield _stream("s_axis_a", "in", True, lanes, spec.a,
                  f"for each pass of {lanes} of the depth all rows of A: element n of pass p is A[r, {lanes}*p+n]",
                  "with the last row of each pass")
    if tile.a_block:
        yield _stream("s_axis_as", "in", True, 1, tile.a_block.scale, "a scale for each beat of s_axis_a", None)
    yield _stream("s_axis_b", "in", True, cols, spec.b,
                  f"rows of B, {lanes} for each pass, the last pass filled up: element c is B[k, c]",
                  "with the last row of the run's last pass")
    if tile.b_block:
        yield _stream("s_axis_bs", "in", True, cols, tile.b_block.scale,
                      f"the columns' scales, a beat for each {lanes} of s_axis_b", None)
    yield _stream("m_axis_c", "out", True, cols, tile.result,
                  "beat r is row r of the result: element c is C[r, c]", "with the run's last row")


_STREAMS = {"axis": _matrices, "streams": _matrices, "passes": _passes, "tiles": _tiles}
