"""The ports of the design under test, with the design itself: of an array, of a tile, of a tile's core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from . import bench
from .array_ports import ArrayPorts
from .tile_ports import CorePorts, TilePorts
from .tile_runs import formats, run

if TYPE_CHECKING:
    from .passes import Operands
    from .streams import Beat


class Core(ArrayPorts):
    """The ports of an ``array`` or ``matmul`` design."""

    def __init__(self, dut: Any) -> None:
        self.design = bench.design()
        spec = self.design.multiplier
        super().__init__(dut, {"a": spec.a.width, "b": spec.b.width, "o": self.design.result.width},
                         self.design.grid[1])


class Tile(TilePorts):
    """The ports of a ``tile`` design."""

    def __init__(self, dut: Any) -> None:
        self.design = design = bench.design()
        spec, sums = design.multiplier, design.tile.word_bits + design.tile.flags
        scales = {"bs": design.b_block.scale.width} if design.b_block else {}
        super().__init__(dut, {"a": spec.a.width, "b": spec.b.width, "c": sums, "o": sums} | scales,
                         cast(int, design.cols))


class TileCore(CorePorts):
    """The ports of a ``core`` design."""

    def __init__(self, dut: Any) -> None:
        self.design = bench.design()
        widths = {name: fmt.width for name, fmt in formats(self.design).items()}
        super().__init__(dut, widths | {"o": self.design.result.width}, cast(int, self.design.cols))

    def moving(self, given: Operands) -> dict[str, list[Beat]]:
        """What a run is on each stream that goes in."""
        return self.beats_of(run(self.design, given))
