"""Compiled sums of a tile's words, which are looked up."""

import numpy as np

from .kernels import Int, compiled


@compiled
def add_passes(table: np.ndarray, a: np.ndarray, b: np.ndarray, step: Int, guard: Int, top: Int, a_sig: np.ndarray,
               a_exp: np.ndarray, b_sig: np.ndarray, b_exp: np.ndarray, sums: np.ndarray,
               out: np.ndarray) -> None:
    """Add to ``out``, (rows, cols) int64, the words of ``a``, (rows, depth), by ``b``, (depth, cols), in passes of
    ``step``: each pass's sum by the significands of its scales, ``guard`` places up and then down by what their
    exponents lack to ``top``, (rows, passes) and (passes, cols); as it is where ``guard`` is negative.

    ``table`` has the word of each pair of codes; ``sums``, (cols,), is of a type that holds those of a pass.
    """
    cols, depth = b.shape[1], b.shape[0]
    for i in range(len(a)):
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
                    down = top - a_exp[i, n] - b_exp[n, j]
                    out[i, j] += ((np.int64(sums[j]) * a_sig[i, n] * b_sig[n, j]) << guard) >> min(down, 63)
