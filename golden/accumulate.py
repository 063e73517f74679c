"""Sums of products as the accumulators form them, bit by bit and in the hardware's order."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast

import numpy as np

from . import floats, kernels, products
from .formats import as_codes, code_dtype
from .parallel import in_threads
from .refusal import Refusal
from .stimulus import all_pairs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .accumulators import Accumulator
    from .floats import FloatMultiplier
    from .formats import FloatFormat, IntFormat
    from .spec import Multiplier

MAX_LANES = 256
MAX_WINDOW = 53  # bits; with the carries of 256 lanes a sum stays below 2**61, as the kernels need
_TABLE_BITS = 16  # operand pairs that a table of terms may have
_BLOCK = 1 << 16  # products that a thread takes at a time


def accumulate(spec: Multiplier, accumulator: Accumulator, a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Sum the products of ``a`` and ``b`` over their last axis, in its order.

    A float accumulator starts from +0 and takes every product unrounded: each step rounds once, to nearest even, with
    subnormals; a NaN has sign 0. Where it is interleaved, so are its partial sums, which are added in pairs at the end
    (`Accumulator`). A fixed-point sum is exact, its Inf and NaN sticky, and is rounded once to fp32 at
    the end. An integer wraps.

    Parameters
    ----------
    spec : Multiplier
    accumulator : Accumulator
    a, b : arrays of codes, (..., depth)
        They broadcast.

    Returns
    -------
    array of codes of ``accumulator.result``, (...)

    Raises
    ------
    Refusal
        If a code does not fit its format, the shapes do not broadcast, the depth is 0 or more than the accumulator
        holds, or the accumulator does not take the product.
    """
    shape, a, b = _stacks(spec, accumulator, a, b)
    return sums(spec, accumulator, a, b).reshape(shape)


def dot(spec: Multiplier, accumulator: Accumulator, lanes: int, a: ArrayLike, b: ArrayLike, window: int = 32,
        tree: bool = False) -> np.ndarray:
    """As `accumulate`, for hardware that takes ``lanes`` products at a time. An exact or integer sum is the same.

    The products of a group are aligned to the largest exponent among them in a ``window`` of so many bits, what falls
    out being cut off, and summed exactly; the sum goes into the accumulator with one rounding. With ``tree`` each
    product is rounded to the accumulator's format instead, and so is every node of a tree of adders: lane 2i with
    lane 2i + 1, an odd one left over passing on. The last group is filled with products that are -0.

    Raises
    ------
    Refusal
        As `accumulate`; or if ``lanes`` is not 1 to 256, or the window does not hold a product's significand.
    """
    shape, a, b = _stacks(spec, accumulator, a, b)
    if not 1 <= lanes <= MAX_LANES:
        raise Refusal(f"Dot product lanes must be 1 to {MAX_LANES}, not {lanes!r}")
    if not accumulator.rounds:
        return sums(spec, accumulator, a, b).reshape(shape)
    width = spec.layout.sig_bits + spec.layout.implicit_one
    if not tree and not width <= window <= MAX_WINDOW:
        raise Refusal(f"Window must be {width} to {MAX_WINDOW} bits for {spec.name}, not {window!r}")
    neutral = cast("FloatMultiplier", spec).neutral
    missing = ((0, 0), (0, -a.shape[1] % lanes))
    a, b = (np.pad(codes, missing, constant_values=code) for codes, code in zip((a, b), neutral, strict=True))
    if tree:
        return _run(kernels.sum_tree, spec, accumulator, (accumulator.interleave, lanes), a, b).reshape(shape)
    parameters = accumulator.interleave, lanes, window - width
    return _run(kernels.sum_aligned, spec, accumulator, parameters, a, b).reshape(shape)


def sums(spec: Multiplier, accumulator: Accumulator, a: np.ndarray, b: np.ndarray,
         every_pair: bool = False) -> np.ndarray:
    """Sums over rows of codes, (n, depth): of the rows of ``a`` with the rows of ``b``, in pairs; or of every row of
    ``a`` with every row of ``b``, those of ``b`` changing fastest. Checks nothing."""
    if accumulator.rounds:
        return _run(kernels.sum_steps, spec, accumulator, (accumulator.interleave,), a, b, every_pair)
    if accumulator.integer:
        return _int_sums(spec, accumulator, a, b, every_pair)
    lowest, limbs = extent(spec)
    return _run(kernels.sum_exactly, spec, accumulator, (lowest, limbs), a, b, every_pair)


def check(spec: Multiplier, accumulator: Accumulator, depth: int) -> None:
    """Refuse an accumulator that does not take the products, or not so many."""
    accumulator.check(spec.wide, spec.name)
    if depth < 1:
        raise Refusal(f"Depth must be at least 1, not {depth}")
    if accumulator.depth is not None and depth > accumulator.depth:
        raise Refusal(f"Depth must be at most {accumulator.depth} for {accumulator.name}, not {depth}")


def extent(spec: Multiplier) -> tuple[int, int]:
    """Exponent of the last place of the smallest product, and how many limbs an exact sum of products takes."""
    wide = spec.layout
    lowest, highest = spec.exp_range
    bits = highest - lowest + wide.sig_bits + wide.implicit_one
    # One limb more, for carries and the upper part of the highest product.
    return lowest - wide.exp_bias - wide.frac_bits, bits // kernels.LIMB_BITS + 2


def target(fmt: FloatFormat) -> kernels.Target:
    """A format as the kernels take it."""
    assert fmt.inf is not None and fmt.nan is not None
    return kernels.Target(fmt.man_bits, fmt.field_bits, fmt.bias, fmt.inf, fmt.nan)


def rule(spec: FloatMultiplier, table: bool = False) -> kernels.Rule:
    """How the kernels make terms: by the form that the family offers, or by a ``table`` of all of them."""
    if table:
        return kernels.Rule(kernels.TABLE, 0, 0, 0, term_table(spec))
    scale = -spec.wide.exp_bias - spec.wide.frac_bits
    if spec.form == "fields":
        return kernels.Rule(kernels.FIELDS, spec.wide_offset, spec.wide.frac_bits, scale, _NO_TERMS)
    return kernels.Rule(kernels.SIGNIFICANDS, 0, 0, scale, _NO_TERMS)


def by_table(spec: Multiplier) -> bool:
    """Whether a table has all terms: of few operand bits together."""
    return spec.a.width + spec.b.width <= _TABLE_BITS


@lru_cache(maxsize=16)
def term_table(spec: Multiplier) -> kernels.Terms:
    """The terms of all pairs of codes, those of ``b`` changing fastest."""
    return terms(spec, *all_pairs(spec))


def terms(spec: Multiplier, a: np.ndarray, b: np.ndarray) -> kernels.Terms:
    """The products of codes, one-dimensional, as `kernels.Terms`."""
    wide, found = spec.layout, products.product(spec, a, b)
    number = ~(found.zero | found.inf | found.nan)
    mag = np.where(number, found.sig.astype(np.int64) + (wide.implicit_one << wide.frac_bits), 0)
    exp = np.where(number, found.exp.astype(np.int64) - wide.exp_bias - wide.frac_bits, 0)
    flags = np.where(found.nan, kernels.NAN, np.where(found.inf, kernels.INF, 0))
    return kernels.Terms(mag, exp.astype(np.int16), found.sign.astype(np.uint8), flags.astype(np.uint8))


_NO_TERMS = kernels.Terms(*(np.zeros(0, dtype) for dtype in (np.int64, np.int16, np.uint8, np.uint8)))


def factors(spec: FloatMultiplier, fmt: FloatFormat, codes: np.ndarray) -> kernels.Factors:
    """Codes of one operand, (n, depth), as the kernels take them for a form."""
    codes = np.ascontiguousarray(codes)  # other layouts would be compiled for again
    field = codes.astype(np.int64) & fmt.field_mask
    zero, inf, nan = floats.flags(fmt, field, spec.subnormals)
    sig, exp = spec.factors(fmt, field)
    sign = (codes >> fmt.field_bits).astype(np.uint8)
    flags = kernels.ZERO * zero | kernels.INF * inf | kernels.NAN * nan
    return kernels.Factors(sig, np.broadcast_to(exp, codes.shape).astype(np.int16), sign, flags.astype(np.uint8))


def _places(places):
    """Shares of a place in a table as the kernels take them."""
    none = np.zeros(places.shape, np.uint8)
    return kernels.Factors(np.ascontiguousarray(places, np.int64), none.astype(np.int16), none, none)


def _run(kernel, spec, accumulator, parameters, a, b, every_pair=False):
    """The rows that a kernel sums, shared out among threads."""
    repeat = len(b) if every_pair else 1
    out = np.empty(len(a) * repeat, np.int64)
    fmt = target(accumulator.result)
    block = max(1, _BLOCK // a.shape[1])
    if by_table(spec):
        how, first, second = rule(spec, table=True), _places(a.astype(np.int64) << spec.b.width), _places(b)
    elif spec.form:
        how, first, second = rule(spec), factors(spec, spec.a, a), factors(spec, spec.b, b)

    def run(start):
        some = out[start : start + block]
        if by_table(spec) or spec.form:
            kernel(fmt, how, *parameters, first, second, repeat, start, some)
            return
        # No form: a table of just the terms of this block.
        rows = np.arange(start, start + len(some))
        x, y = a[rows // repeat], b[rows % len(b)]
        table = kernels.Rule(kernels.TABLE, 0, 0, 0, terms(spec, x.ravel(), y.ravel()))
        places = np.arange(x.size).reshape(x.shape)
        kernel(fmt, table, *parameters, _places(places), _places(0 * places), 1, 0, some)

    in_threads(run, range(0, len(out), block))
    return out.astype(code_dtype(accumulator.result.width))


def _int_sums(spec, accumulator, a, b, every_pair):
    pair = (a, b.T) if every_pair else (a[:, None], b[:, :, None])  # of rows in pairs: as many products of 1 x 1
    total = exact_int_sums(spec, *pair)
    return accumulator.result.codes(total).ravel()


def exact_int_sums(spec: Multiplier, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix product of codes of integers, (..., rows, depth) and (..., depth, cols), int64."""
    if spec.a.per_code == spec.b.per_code == 1 and spec.wide.width <= 32:
        # Products of up to 32 bits: float64 sums are exact integers below 2**53, so up to a depth of 2**21.
        parts = range(0, a.shape[-1], 1 << 20)
        found = sum((spec.a.decode(a[..., k : k + (1 << 20)]) @ spec.b.decode(b[..., k : k + (1 << 20), :])
                     ).astype(np.int64) for k in parts)
        return cast(np.ndarray, found)
    total, wide = np.zeros((*a.shape[:-1], b.shape[-1]), np.int64), cast("IntFormat", spec.wide)
    for k in range(a.shape[-1]):
        total += wide.numbers(products.product(spec, a[..., k, None], b[..., k, None, :]))
    return total


def _stacks(spec, accumulator, a, b):
    """Broadcast operands as two stacks of rows, and the shape of the result."""
    a, b = np.broadcast_arrays(as_codes(spec.a, a), as_codes(spec.b, b))
    if a.ndim == 0:
        raise Refusal("Operands must have a last axis to sum over, not be single codes")
    check(spec, accumulator, a.shape[-1])
    return a.shape[:-1], a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1])
