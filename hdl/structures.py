"""The structures: what each stands for, how it is spelled, and which component it is made of; new ones go in here."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..golden.refusal import Refusal

if TYPE_CHECKING:
    from .designs import Design
    from .part import Part


class Shape:
    """What follows the accumulator in a slug: here nothing.

    Attributes
    ----------
    fields : tuple of str
        Those of a `Design` that the words are read into.
    spelling : str
        The words, with capitals for what is to be put there: [_A|_B] may be left out, (_A|_B) may not.
    """

    fields: tuple[str, ...] = ()
    spelling: str = ""

    def begins(self, words: list[str]) -> bool:
        """Whether words can be this shape rather than an accumulator."""
        return False

    def read(self, structure: str, words: list[str]) -> dict[str, Any]:
        """Take the shape off the front of ``words``: values of ``fields``.

        Raises
        ------
        Refusal
            If the words do not begin with a shape.
        """
        return {}

    def write(self, design: "Design") -> list[str]:
        """The words of a design's shape."""
        return []

    def describe(self, design: "Design") -> str:
        """The shape as ``lmul list`` says it."""
        return ""


class Lanes(Shape):
    """How many products are taken in one cycle, and how they become one number."""

    fields = ("lanes", "window", "tree")
    spelling = "_LANES[_wBITS|_tree]"

    def read(self, structure: str, words: list[str]) -> dict[str, Any]:
        if not words or not re.fullmatch(r"[1-9]\d{0,3}", words[0]):
            raise Refusal("a dot product ends with its lanes, as in _16")
        found: dict[str, Any] = {"lanes": int(words.pop(0))}
        if words and re.fullmatch(r"w[1-9]\d?", words[0]):
            found["window"] = int(words.pop(0)[1:])
        if words and words[0] == "tree":
            found["tree"] = bool(words.pop(0))
        return found

    def write(self, design: "Design") -> list[str]:
        window = [f"w{design.window}"] if design.window != type(design).window else []
        return [str(design.lanes), *window, *(["tree"] if design.tree else [])]

    def describe(self, design: "Design") -> str:
        return f"over {design.lanes} lanes"


class Grid(Shape):
    """Rows and columns of elements, and which operand stays in them."""

    fields = ("rows", "cols", "dataflow")
    spelling = "_ROWSxCOLS(_os|_ws)"

    def read(self, structure: str, words: list[str]) -> dict[str, Any]:
        shape = re.fullmatch(r"(\d{1,4})x(\d{1,4})", words[0]) if words else None
        if not shape or len(words) < 2 or words[1] not in ("os", "ws"):
            raise Refusal(f"{'an' if structure[0] in 'aeiou' else 'a'} {structure} ends with its shape and dataflow, "
                          "as in _8x8_os or _8x8_ws")
        del words[0]
        return {"rows": int(shape[1]), "cols": int(shape[2]), "dataflow": words.pop(0)}

    def write(self, design: "Design") -> list[str]:
        return [f"{design.rows}x{design.cols}", str(design.dataflow)]

    def describe(self, design: "Design") -> str:
        flow = {"os": "output-stationary", "ws": "weight-stationary"}[str(design.dataflow)]
        return f"on {design.rows} x {design.cols} elements, {flow}"


class TileShape(Shape):
    """Lanes and columns of a tile, the bits of its window but of integers, and its stages if more than one."""

    fields = ("lanes", "cols", "window", "stages")
    spelling = "_LANESxCOLS[_wBITS][_pSTAGES]"

    def begins(self, words: list[str]) -> bool:
        return bool(words and self._sides(words[0]) and (len(words) == 1 or re.match(r"[wp]\d", words[1])))

    @staticmethod
    def _sides(word):
        return re.fullmatch(r"(\d{1,4})x(\d{1,4})", word)

    def read(self, structure: str, words: list[str]) -> dict[str, Any]:
        shape = self._sides(words[0]) if words else None
        if not shape:
            raise Refusal(f"a {structure} ends with its lanes and columns, and where products are cut to a window with "
                          "that, as in _16x16_w10")
        del words[0]
        window = int(words.pop(0)[1:]) if words and re.fullmatch(r"w[1-9]\d?", words[0]) else None
        stages = int(words.pop(0)[1:]) if words and re.fullmatch(r"p[1-9]", words[0]) else 1
        return {"lanes": int(shape[1]), "cols": int(shape[2]), "window": window, "stages": stages}

    def write(self, design: "Design") -> list[str]:
        return [f"{design.lanes}x{design.cols}", *([f"w{design.window}"] if design.window else []),
                *([f"p{design.stages}"] if design.stages > 1 else [])]

    def describe(self, design: "Design") -> str:
        window = f", window of {design.window} bits" if design.window else ""
        stages = f", in {design.stages} stages" if design.stages > 1 else ""
        return f"of {design.lanes} lanes by {design.cols} columns{window}{stages}"


@dataclass(frozen=True)
class Structure:
    """What multipliers stand in.

    Parameters
    ----------
    protocol : str
        How operands come in and results go out: ``combinational``, ``runs``, ``streams``, ``axis``, ``passes`` or
        ``tiles``. Benches, drives and proofs go by the protocol.
    component : function of a Design
        Gives the Amaranth component; of a bus, with ``clocked=False``, one without a clock of its own.
    summary, title, heading : str
        In ``lmul list``; one of them, and several, on a report's pages.
    kind : str or None
        The one kind of multiplier that it is of, which slugs then leave out; None for any that is of no such structure.
    wide : bool
        Whether its multipliers give unrounded products.
    shape : Shape
    examples : tuple of str
        What follows the accumulator in the slugs of the catalogue.
    word : str
        What slugs begin with, where it is another structure's word too.
    gated : bool
        Whether reports gate the clock of its registers unless they are told otherwise; the Verilog has enables.
    memory : bool
        Whether there is a memory in it, which is no cell of a library.
    """

    protocol: str
    component: "Callable[..., Part]"
    summary: str
    title: str
    heading: str
    kind: str | None = None
    wide: bool = True
    shape: Shape = Shape()
    examples: Sequence[str] = ("",)
    word: str = ""
    gated: bool = False
    memory: bool = False

    @property
    def tiled(self) -> bool:
        """Whether it is a tile, or has one in it, whose sums have no accumulator of their own in the slug."""
        return isinstance(self.shape, TileShape)

    @property
    def bus(self) -> bool:
        """Whether its streams are AXI4-Stream."""
        return self.protocol in ("axis", "tiles")

    @property
    def streams(self) -> bool:
        """Whether operands come and results go by streams of valid and ready."""
        return self.bus or self.protocol in ("streams", "passes")

    @property
    def accumulates(self) -> bool:
        """Whether an accumulator belongs to it."""
        return self.protocol != "combinational" and not self.tiled


# Components are imported when one is made: a slug is read without Amaranth.


def _multiplier(design):
    from .multipliers import multiplier

    return multiplier(design.multiplier, wide=design.wide)


def _mac(design):
    if design.summed_by.interleave > 1:
        from .interleaved import InterleavedMac

        return InterleavedMac(design.multiplier, design.accumulator)
    from .pe import Mac

    return Mac(design.multiplier, design.accumulator)


def _dot(design):
    from .dot import Dot

    return Dot(design.multiplier, design.accumulator, design.lanes, design.window, design.tree)


def _array(design):
    from .systolic import OutputStationaryArray, WeightStationaryArray

    array = {"os": OutputStationaryArray, "ws": WeightStationaryArray}[design.dataflow]
    return array(design.multiplier, design.accumulator, design.rows, design.cols)


def _matmul(design, clocked=True):
    from .axis import Matmul

    return Matmul(design.multiplier, design.accumulator, design.rows, design.cols, design.dataflow, clocked=clocked)


def _tile(design):
    from .tile import Tile

    return Tile(design.tile, design.cols, stages=design.stages)


def _tile_core(design, clocked=True):
    from .tile_core import TileMatmul

    return TileMatmul(design.tile, design.cols, design.stages, clocked=clocked)


_SQUARES = ("_8x8_os", "_8x8_ws")

#: Every structure, in the order of pages, by the word that slugs begin with, or where they share that by its own.
STRUCTURES = {
    "mul": Structure("combinational", _multiplier, "multiplier, narrow product", "narrow product",
                     "Multipliers, narrow product", wide=False),
    "prod": Structure("combinational", _multiplier, "multiplier, wide product", "wide product",
                      "Multipliers, wide product"),
    "conv": Structure("combinational", _multiplier, "conversion of codes", "conversion", "Conversions of codes",
                      kind="conv", wide=False),
    "mac": Structure("runs", _mac, "multiplier and accumulator", "multiply-accumulate", "Multiply-accumulate units"),
    "dot": Structure("runs", _dot, "dot product into one accumulator", "dot product", "Dot products",
                     shape=Lanes(), examples=("_16",)),
    "array": Structure("streams", _array, "systolic array", "systolic array", "Systolic arrays",
                       shape=Grid(), examples=_SQUARES),
    "matmul": Structure("axis", _matmul, "systolic array behind AXI4-Stream", "matrix multiplier",
                        "Matrix multipliers behind AXI4-Stream", shape=Grid(), examples=_SQUARES),
    "tile": Structure("passes", _tile, "tile of weights that stay", "tile", "Tiles", shape=TileShape(),
                      gated=True),
    "core": Structure("tiles", _tile_core, "tile behind AXI4-Stream", "matrix multiplier of a tile",
                      "Tiles behind AXI4-Stream", shape=TileShape(), word="matmul", gated=True,
                      memory=True),
}
