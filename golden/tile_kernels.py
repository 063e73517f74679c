"""Compiled sums of a tile's words, which are looked up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .kernels import Int, compiled


class Factors(NamedTuple):
    """What sums of passes are multiplied by: significands and exponents, int64, of the scales of ``a``, (rows, passes),
    and of ``b``, (passes, cols)."""

    a_sig: np.ndarray
    a_exp: np.ndarray
    b_sig: np.ndarray
    b_exp: np.ndarray


@compiled
def add_passes(table: np.ndarray, a: np.ndarray, b: np.ndarray, first: Int, last: Int, step: Int, guard: Int, top: Int,
               factors: Factors, sums: np.ndarray, out: np.ndarray) -> None:
    """Add to rows ``first`` to ``last`` of ``out``, (rows, cols) int64, the words of ``a``, (rows, depth), by ``b``,
    (depth, cols), in passes of ``step``: each pass's sum by the significands, ``guard`` places up and then down by what
    the exponents lack to ``top``; as it is where ``guard`` is negative.

    ``table`` has the word of each pair of codes; ``sums``, (cols,), is of a type that holds those of a pass.
    """
    cols, depth = b.shape[1], b.shape[0]
    for i in range(first, last):
        for n in range((depth + step - 1) // step):
            sums[:] = 0
            for k in range(n * step, min((n + 1) * step, depth)):
                found, codes = table[a[i, k]], b[k]
                for j in range(cols):
                    sums[j] += found[codes[j]]
            if guard < 0:
                for j in range(cols):
                    out[i, j] += sums[j]
            else:
                for j in range(cols):
                    down = top - factors.a_exp[i, n] - factors.b_exp[n, j]
                    scaled = np.int64(sums[j]) * factors.a_sig[i, n] * factors.b_sig[n, j]
                    out[i, j] += (scaled << guard) >> min(down, 63)
