"""Compiled sums of a tile's words: looked up, or of products cut to the window one by one."""

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


class Window(NamedTuple):
    """How two factors make a word: whether by their sum, whose upper part is the exponent, or else by their product;
    bits of a significand below its point; and the lowest and the highest exponent that count."""

    fields: int
    frac_bits: int
    lowest: int
    highest: int


class Cut(NamedTuple):
    """Operands for products that are cut, int64 arrays: significands or fields, their exponents, and 1 or -1. Of zeros
    these are so low that no product counts; of one operand they are less the window's place."""

    sig: np.ndarray
    exp: np.ndarray
    sign: np.ndarray


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
        for n in range(factors.b_sig.shape[0]):
            sums[:] = 0
            for k in range(n * step, min((n + 1) * step, depth)):
                found, codes = table[a[i, k]], b[k]
                for j in range(cols):
                    sums[j] += found[codes[j]]
            _add_scaled(i, n, guard, top, factors, sums, out)


@compiled
def add_products(window: Window, a: Cut, b: Cut, first: Int, last: Int, step: Int, guard: Int, top: Int,
                 factors: Factors, sums: np.ndarray, out: np.ndarray) -> None:
    """As `add_passes`, of operands whose pairs are too many for a table."""
    depth, cols = b.sig.shape
    frac = window.frac_bits
    one = 1 << frac
    for i in range(first, last):
        for n in range(factors.b_sig.shape[0]):
            sums[:] = 0
            for k in range(n * step, min((n + 1) * step, depth)):
                for j in range(cols):
                    if window.fields:
                        total = a.sig[i, k] + b.sig[k, j]
                        exp, sig = total >> frac, (total & (one - 1)) | one
                    else:
                        exp, sig = a.exp[i, k] + b.exp[k, j], a.sig[i, k] * b.sig[k, j]
                    if window.lowest <= exp <= window.highest:
                        size = sig << (exp - frac) if exp > frac else sig >> (frac - exp)
                        sums[j] += a.sign[i, k] * b.sign[k, j] * (2 * size + 1)
            _add_scaled(i, n, guard, top, factors, sums, out)


@compiled
def _add_scaled(i: Int, n: Int, guard: Int, top: Int, factors: Factors, sums: np.ndarray, out: np.ndarray) -> None:
    """Add the sums of a pass to a row."""
    for j in range(len(sums)):
        if guard < 0:
            out[i, j] += sums[j]
        else:
            down = top - factors.a_exp[i, n] - factors.b_exp[n, j]
            scaled = np.int64(sums[j]) * factors.a_sig[i, n] * factors.b_sig[n, j]
            out[i, j] += (scaled << guard) >> min(down, 63)
