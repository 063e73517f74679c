"""Tiles: what a matrix unit with a static window is, told once for the model and for the hardware (docs/tile.md)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

from .formats import FORMATS, Block, Format, IntFormat
from .refusal import Refusal
from .spec import Multiplier

if TYPE_CHECKING:
    from .integers import IntegerMultiplier
    from .signed_fields import FieldMultiplier

DEPTH_BITS = 8  # passes of a sum, as a power of two: no sum of so many overflows
GUARD_BITS = 16  # places that sums of blocks have below a window's half place
MIN_WINDOW, MAX_WINDOW = 4, 24
LOWEST = -2  # the lowest place of an exponent whose products count: a quarter of a place is nearer to a half than to 0
MAX_LANES = 64


@dataclass(frozen=True)
class Tile:
    """A tile: ``lanes`` products a cycle for each column, cut to one window, and their sum.

    Parameters
    ----------
    multiplier : Multiplier
    lanes : int
    window : int or None
        Bits of a lane's word, sign included; None of integers, whose products are not cut.
    a_block, b_block : Block or None
        Of operands in blocks: elements are those of ``multiplier``, and a block is a whole number of passes.

    Raises
    ------
    Refusal
        If the combination means nothing; the sentence names the value.
    """

    multiplier: Multiplier
    lanes: int
    window: int | None = None
    a_block: Block | None = None
    b_block: Block | None = None

    def __post_init__(self) -> None:
        name = self.multiplier.name
        if not 2 <= self.lanes <= MAX_LANES:
            raise Refusal(f"Lanes of a tile must be 2 to {MAX_LANES}, not {self.lanes}")
        if self.multiplier.overflow != "saturate":
            raise Refusal("A tile takes wide products, which never overflow: 'ieee' must be left out")
        if self.multiplier.neutral is None:
            raise Refusal(f"A tile needs a pair of codes whose product is 0, which {name} has not")
        if self.multiplier.wide.integer:
            if self.window is not None:
                raise Refusal(f"Products of integers are not cut to a window: w{self.window} must be left out")
        elif self.window is None:
            raise Refusal(f"A tile of {name} must say its window, as in _w10")
        elif not MIN_WINDOW <= self.window <= MAX_WINDOW:
            raise Refusal(f"Window must be {MIN_WINDOW} to {MAX_WINDOW} bits for {name}, not {self.window}")
        for block in self.blocks:
            if block.size % self.lanes:
                raise Refusal(f"A block of {block} must be a whole number of vectors: lanes must divide {block.size}, "
                              f"not be {self.lanes}")

    @property
    def blocks(self) -> list[Block]:
        """Those of the operands that have any."""
        return [block for block in (self.a_block, self.b_block) if block]

    @property
    def formats(self) -> str:
        """The operands' formats as slugs have them: of blocks these, else the codes'."""
        a, b = self.a_block or self.multiplier.a, self.b_block or self.multiplier.b
        return a.name if a == b else f"{a.name}x{b.name}"

    # The window. An exponent is `wide.exp` of a product; its *place* in the window is that less the window's.

    @property
    def _int_bits(self):
        """Bits of a significand before its point, a hidden one included."""
        layout = self.multiplier.layout
        return layout.sig_bits - layout.frac_bits + layout.implicit_one

    @property
    def highest(self) -> int:
        """The highest exponent, above the window's place, whose products are in it: then the top bit is the word's."""
        assert self.window is not None
        return self.window - 1 - self._int_bits

    @property
    def lowest(self) -> int:
        """The lowest. A significand is at least 1, so its products are at least a quarter of the last place, and count
        half a place; what is below is nearer to nothing."""
        return LOWEST

    @property
    def span(self) -> int:
        """From the lowest to the highest."""
        return self.highest - self.lowest

    @cached_property
    def places(self) -> range:
        """The places that the window may have. Its last has the largest product of all codes at the top. From its first
        on, an operand ``a`` whose exponent field is 0 is below the window whatever ``b`` is, so that lanes need no
        flag; where the window is too wide for that, it has one place, and where no product needs all of it the smallest
        is at the bottom."""
        multiplier = self.multiplier
        if self.window is None:
            return range(1)
        lowest, top = multiplier.exp_range
        last = max(top - self.highest, lowest - multiplier.layout.frac_bits)
        return range(min(self._sinks("a"), last), last + 1)

    def _sinks(self, name):
        """The place from which on an operand with exponent field 0 makes nothing but products below the window. Its
        mantissa and the other's may carry into the exponent; where subnormals are kept, theirs is 1."""
        multiplier = cast("FieldMultiplier", self.multiplier)
        its, other = (multiplier.a, multiplier.b) if name == "a" else (multiplier.b, multiplier.a)
        of_other = multiplier.exp_range[1] - (its.max_finite >> its.man_bits) + int(other.has_inf)
        kept = multiplier.subnormals == "exact" and not its.logarithmic
        return of_other + 2 + kept - self.lowest

    @property
    def flagged(self) -> bool:
        """Whether zeros must be told apart, because the window reaches down to where they would be."""
        return self.window is not None and self.places[0] < self._sinks("a")

    @property
    def low_weights(self) -> bool:
        """Whether weights with exponent field 0 must be told apart, for that reason."""
        return self.window is not None and self.places[0] < self._sinks("b")

    # Widths.

    @property
    def word_range(self) -> tuple[int, int]:
        """The smallest and the largest number that a lane adds: of a window in half places."""
        if self.window is None:
            return cast("IntegerMultiplier", self.multiplier).range
        return 1 - (1 << self.window), (1 << self.window) - 1

    @property
    def sum_bits(self) -> int:
        """Of the sum of all lanes, in two's complement."""
        low, high = self.word_range
        return max((~(self.lanes * low)).bit_length(), (self.lanes * high).bit_length()) + 1

    @property
    def scale_bits(self) -> int:
        """Of the significand of the product of the scales; 0 if that is always 1."""
        return sum(block.scale.sig_bits for block in self.blocks)

    @property
    def word_bits(self) -> int:
        """Of a partial sum."""
        if self.blocks:
            return self.sum_bits + self.scale_bits + GUARD_BITS + DEPTH_BITS
        return 32 if self.window is None else self.sum_bits + DEPTH_BITS

    @property
    def flags(self) -> int:
        """Bits of a partial sum above its word: 1 for NaN, where an operand or a scale can be no number."""
        formats = [self.multiplier.a, self.multiplier.b, *(block.scale for block in self.blocks)]
        return int(any(fmt.has_nan or fmt.has_inf for fmt in formats))

    @property
    def depth(self) -> int:
        """How long sums may be."""
        return self.lanes << DEPTH_BITS

    @property
    def result(self) -> Format:
        """Format of results: fp32; of integers without blocks the sum itself, which wraps."""
        return IntFormat("int32", 32) if self.window is None and not self.blocks else FORMATS["fp32"]

    def exponent(self, place: int, top: int = 0) -> int:
        """The weight of a partial sum's last place, as a power of two, where the window is at ``place`` and the scales
        of a block at ``top``."""
        half = 0 if self.window is None else place - self.multiplier.layout.exp_bias - 1
        return half + (top - sum(block.scale.bias for block in self.blocks) - GUARD_BITS if self.blocks else 0)
