"""How a report is made."""

from dataclasses import dataclass

from .place import SEEDS

VECTORS = 2000
GATING = ("auto", "on", "off")


@dataclass(frozen=True)
class Options:
    """How a report is made.

    Parameters
    ----------
    operands : str
        One of `golden.operands.SOURCES`, or files: `golden.operands.load`.
    pairing : str or None
        Of operands from files: ``elements`` or ``matmul``; None, where the shapes leave no choice.
    seed, vectors : int
        Of the operand pairs that drive each netlist.
    effort : str
        ``low``, ``default`` or ``high``: how long mapping searches.
    mapping_seed : int
        In which order mapping meets the logic: `mapping.map_design`.
    clock_ps : float or None
        A period to compare at, instead of the two that rivals share.
    wire_load : str or None
        Name of a library's wire load model.
    mode : str
        ``timed`` (glitches in) or ``zero`` (without).
    prove : bool
        Whether the netlists of registered designs are proved as well, by matching their registers; those of
        combinational ones always are.
    fpga_seeds : int
        Placements of each design on each FPGA family that is placed.
    dont_use : str
        Patterns of cells that no design is mapped to: `library.without`.
    gating : str
        One of `GATING`: registers with an enable get their clock through clock gates (`gating`), or keep their
        enables; ``auto``: as the design's structure says.
    """

    operands: str = "recording"
    seed: int = 1
    vectors: int = VECTORS
    effort: str = "default"
    mapping_seed: int = 0
    clock_ps: float | None = None
    wire_load: str | None = None
    mode: str = "timed"
    prove: bool = False
    fpga_seeds: int = SEEDS
    pairing: str | None = None
    dont_use: str = ""
    gating: str = "auto"
