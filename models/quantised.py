"""Matrix products of the network on quantised operands, bit-exact to the hardware."""

import time
from collections.abc import Iterable, Sequence

import numpy as np

from ..golden.formats import FORMATS
from ..golden.matmul import matmul
from ..golden.operands import quantise
from ..golden.spec import Accumulator, Multiplier
from .network import Site, float32_matmul

FP32 = Accumulator("float", FORMATS["fp32"])


class Quantised:
    """A ``matmul`` hook (`lmul.models.network.float32_matmul`): wide products of one multiplier, summed in fp32 in the
    hardware's order, as ``mac_{multiplier}_fp32`` does.

    Every tensor is quantised with one scale: a weight, or what one sentence brings to a product (all its heads), so a
    result does not depend on which sentences share a batch. Products of other kinds stay float32.

    Parameters
    ----------
    multiplier : Multiplier
        Its ``a`` takes queries, attention weights and activations; its ``b`` keys, values and weights.
    kinds : collection of str
        Which of ``qk``, ``pv``, ``linear`` it computes.

    Attributes
    ----------
    macs : int
        Multiply-accumulates done so far.
    seconds : float
        Time spent on them, quantisation included.
    """

    def __init__(self, multiplier: Multiplier, kinds: Iterable[str]) -> None:
        self.multiplier = multiplier
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
            # A weight comes transposed; the compiled product reads rows, and is several times faster on whole ones.
            self._weights[site] = quantise(self.multiplier.b, np.ascontiguousarray(weight))
        codes, scale = self._weights[site]
        parts, scales = zip(*(quantise(self.multiplier.a, a[span]) for span in spans), strict=True)
        sums = self._sums(np.concatenate(parts), codes)
        for span, part_scale in zip(spans, scales, strict=True):
            sums[span] *= part_scale * scale
        return sums

    def _attention(self, a, b, spans):
        (a_codes, a_scales), (b_codes, b_scales) = (
            zip(*(quantise(fmt, heads) for heads in np.split(tensor, len(spans))), strict=True)
            for fmt, tensor in ((self.multiplier.a, a), (self.multiplier.b, b)))
        sums = self._sums(np.concatenate(a_codes), np.concatenate(b_codes))
        scales = np.float32(np.multiply(a_scales, b_scales))
        return sums * np.repeat(scales, len(a) // len(spans))[:, None, None]

    def _sums(self, a, b):
        return matmul(self.multiplier, FP32, a, b).view(np.float32)
