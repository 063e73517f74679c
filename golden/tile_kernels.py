"""Compiled sums of a tile's words: looked up, or of products that the processor's floating point makes and cuts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .kernels import Int, compiled, float_product

_ROWS, _COLS = 16, 256  # of the result, made together: their sums and one row of B stay in the first cache


class Passes(NamedTuple):
    """How sums of passes are added up.

    ``step`` is the depth of a pass. A pass's sum goes ``guard`` places up, is multiplied by the significands of the
    scales, and goes down by what their exponents lack to ``top``; where ``guard`` is negative, sums are added as they
    are. Significands and exponents, int64: of ``a`` (rows, passes), of ``b`` (passes, cols).
    """

    step: int
    guard: int
    top: int
    a_sig: np.ndarray
    a_exp: np.ndarray
    b_sig: np.ndarray
    b_exp: np.ndarray


class Cut(NamedTuple):
    """An operand: ``word`` is what `float_product` makes products of, in units of the window's last place; ``size``,
    int32, says which count, those of two sizes with a sum that is large enough."""

    word: np.ndarray
    size: np.ndarray


@compiled
def add_looked_up(table: np.ndarray, a: np.ndarray, b: np.ndarray, rows: tuple[Int, Int], passes: Passes,
                  out: np.ndarray) -> None:
    """Add to ``rows`` (the first and the end) of ``out``, (rows, cols) int64, the words of ``a``, (rows, depth), by
    ``b``, (depth, cols). ``table`` has the word of each pair of codes, int32, which holds the sum of a pass."""
    depth, cols = b.shape
    sums = np.empty((_ROWS, _COLS), np.int32)
    for left in range(0, cols, _COLS):
        for top in range(rows[0], rows[1], _ROWS):
            bottom = min(top + _ROWS, rows[1])
            for n in range(passes.b_sig.shape[0]):
                sums[:] = 0
                for k in range(n * passes.step, min((n + 1) * passes.step, depth)):
                    codes = b[k, left : left + _COLS]
                    for i in range(top, bottom):
                        total, found = sums[i - top], table[a[i, k]]
                        for j in range(len(codes)):
                            total[j] += found[codes[j]]
                _add_scaled(top, bottom, left, n, passes, sums, out)


@compiled
def add_products(lowest: Int, a: Cut, b: Cut, rows: tuple[Int, Int], passes: Passes, out: np.ndarray) -> None:
    """As `add_looked_up`, of operands none of whose products is above the window. Those with sizes that have at least
    the sum ``lowest`` are cut to it."""
    depth, cols = b.word.shape
    sums = np.empty((_ROWS, _COLS), np.int32)
    for left in range(0, cols, _COLS):
        for top in range(rows[0], rows[1], _ROWS):
            bottom = min(top + _ROWS, rows[1])
            for n in range(passes.b_sig.shape[0]):
                sums[:] = 0
                for k in range(n * passes.step, min((n + 1) * passes.step, depth)):
                    _add_row(lowest, a, b, k, top, bottom, left, sums)
                _add_scaled(top, bottom, left, n, passes, sums, out)


@compiled
def _add_row(lowest: Int, a: Cut, b: Cut, k: Int, top: Int, bottom: Int, left: Int, sums: np.ndarray) -> None:
    """Add the words of one row of ``b`` by some rows of ``a`` to sums."""
    y, size = b.word[k, left : left + _COLS], b.size[k, left : left + _COLS]
    for i in range(top, bottom):
        x, least, total = a.word[i, k], np.int32(lowest - a.size[i, k]), sums[i - top]
        for j in range(len(y)):
            product = float_product(x, y[j])
            word = 2 * np.int32(product) + (1 if product > 0 else -1)
            if size[j] >= least:
                total[j] += word


@compiled
def _add_scaled(top: Int, bottom: Int, left: Int, n: Int, passes: Passes, sums: np.ndarray, out: np.ndarray) -> None:
    """Add the sums of a pass to a part of the result."""
    for i in range(top, bottom):
        total, result = sums[i - top], out[i, left : left + _COLS]
        if passes.guard < 0:
            for j in range(len(result)):
                result[j] += total[j]
        else:
            sig, short = passes.a_sig[i, n], passes.top - passes.a_exp[i, n]
            b_sig, b_exp = passes.b_sig[n, left : left + _COLS], passes.b_exp[n, left : left + _COLS]
            for j in range(len(result)):
                scaled = np.int64(total[j]) * sig * b_sig[j]
                result[j] += (scaled << passes.guard) >> min(short - b_exp[j], 63)
