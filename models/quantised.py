"""Matrix products of a network on quantised operands, bit-exact to the hardware: into an accumulator, or by a tile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from ..golden.formats import FORMATS
from ..golden.matmul import matmul
from ..golden.parallel import mapped
from ..golden.spec import Accumulator, Multiplier
from ..golden.tile_matrices import Quantised, numbers, quantised, ready
from ..golden.tile_sums import Scales, tile_matmul
from .network import Site, float32_matmul

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..golden.tile import Tile

FP32 = Accumulator("float", FORMATS["fp32"])

#: Scopes: which kinds of products an arithmetic computes, those of attention, all linear layers, or both.
SCOPES = {"attention": ("qk", "pv"), "linear": ("linear",), "all": ("qk", "pv", "linear")}


class Arithmetic(Protocol):
    """How float matrices are multiplied: operands are quantised, each with scales of its own, then multiplied."""

    def first(self, values: np.ndarray) -> Quantised:
        """Codes of a first operand, float32 (..., rows, depth)."""
        ...

    def second(self, values: np.ndarray) -> Quantised:
        """Codes of a second operand, float32 (..., depth, cols)."""
        ...

    def by_weight(self, parts: Sequence[Quantised], weight: Quantised) -> np.ndarray:
        """The products of first operands (rows, depth) with one second operand, below each other."""
        ...

    def in_stacks(self, parts: Sequence[tuple[Quantised, Quantised]]) -> np.ndarray:
        """The products of pairs of stacks (n, rows, depth) and (n, depth, cols), one after the other."""
        ...


@dataclass(frozen=True)
class Summed:
    """Products of a multiplier, summed in the hardware's order, as ``mac_{multiplier}_{accumulator}`` does; a tensor
    has one scale."""

    multiplier: Multiplier
    accumulator: Accumulator = FP32

    def first(self, values: np.ndarray) -> Quantised:
        return quantised(self.multiplier.a, None, values)

    def second(self, values: np.ndarray) -> Quantised:
        return quantised(self.multiplier.b, None, values)

    def by_weight(self, parts: Sequence[Quantised], weight: Quantised) -> np.ndarray:
        sums = self._sums(np.concatenate([part.codes for part in parts]), weight.codes)
        factors = [cast(float, part.scale) * cast(float, weight.scale) for part in parts]
        return sums * np.repeat(np.asarray(factors, np.float32), [len(part.codes) for part in parts])[:, None]

    def in_stacks(self, parts: Sequence[tuple[Quantised, Quantised]]) -> np.ndarray:
        sums = self._sums(*(np.concatenate([part.codes for part in side]) for side in zip(*parts, strict=True)))
        factors = [cast(float, a.scale) * cast(float, b.scale) for a, b in parts]
        return sums * np.repeat(np.asarray(factors, np.float32), [len(a.codes) for a, _ in parts])[:, None, None]

    def _sums(self, a, b):
        codes = matmul(self.multiplier, self.accumulator, a, b)
        if self.accumulator == FP32:
            return codes.view(np.float32)
        return self.accumulator.result.decode(codes).astype(np.float32)


@dataclass(frozen=True)
class Tiled:
    """Products by a tile, as ``tile_...`` does, window and all; a tensor has one scale, or one for each of its blocks
    along the depth. The window stands, for each matrix product, as low as the largest of its products allows."""

    tile: Tile

    def first(self, values: np.ndarray) -> Quantised:
        return quantised(self.tile.multiplier.a, self.tile.a_block, values, axis=-1)

    def second(self, values: np.ndarray) -> Quantised:
        return quantised(self.tile.multiplier.b, self.tile.b_block, values, axis=-2)

    def by_weight(self, parts: Sequence[Quantised], weight: Quantised) -> np.ndarray:
        return np.concatenate(mapped(lambda part: self._product(part, weight), parts))

    def in_stacks(self, parts: Sequence[tuple[Quantised, Quantised]]) -> np.ndarray:
        pairs = [(_matrix(a, n), _matrix(b, n)) for a, b in parts for n in range(len(a.codes))]
        return np.stack(mapped(lambda pair: self._product(*pair), pairs))

    def _product(self, a, b):
        a, b = ready(self.tile, a, b)
        result = tile_matmul(self.tile, a.codes, b.codes, Scales(a.scales, b.scales))
        return numbers(self.tile, result, a, b).astype(np.float32)


def _matrix(stack, n):
    """One of a stack of quantised matrices."""
    return Quantised(stack.codes[n], None if stack.scales is None else stack.scales[n], stack.scale)


class Products:
    """A ``matmul`` hook (`lmul.models.network.float32_matmul`) that computes some kinds of products by an `Arithmetic`,
    and the others in float32.

    Scales are those of a weight, or of what one sentence brings to a product (all its heads), so that a result does not
    depend on which sentences share a batch.

    Parameters
    ----------
    arithmetic : Arithmetic
        Its first operands are queries, attention weights and activations; its second keys, values and weights.
    kinds : collection of str
        Which of ``qk``, ``pv``, ``linear`` it computes.

    Attributes
    ----------
    macs : int
        Multiply-accumulates done so far.
    seconds : float
        Time spent on them, quantisation included.
    """

    def __init__(self, arithmetic: Arithmetic, kinds: Iterable[str]) -> None:
        self.arithmetic = arithmetic
        self.kinds = frozenset(kinds)
        self.macs = 0
        self.seconds = 0.0
        self._weights = {}

    def __call__(self, a: np.ndarray, b: np.ndarray, site: Site, spans: Sequence[slice]) -> np.ndarray:
        if site.kind not in self.kinds:
            return float32_matmul(a, b, site, spans)
        start = time.perf_counter()
        result = self._linear(a, b, site, spans) if site.kind == "linear" else self._attention(a, b, spans)
        self.macs += a.size * b.shape[-1]
        self.seconds += time.perf_counter() - start
        return result

    def _linear(self, a, weight, site, spans):
        if site not in self._weights:
            # A weight may come transposed; the compiled product reads rows, and is several times faster on whole ones.
            self._weights[site] = self.arithmetic.second(np.ascontiguousarray(weight))
        parts = mapped(lambda span: self.arithmetic.first(a[span]), spans)
        return self.arithmetic.by_weight(parts, self._weights[site])

    def _attention(self, a, b, spans):
        stacks = (np.split(tensor, len(spans)) for tensor in (a, b))
        return self.arithmetic.in_stacks(mapped(
            lambda pair: (self.arithmetic.first(pair[0]), self.arithmetic.second(pair[1])),
            list(zip(*stacks, strict=True))))
