"""Matrix products, bit-exact with the systolic arrays: every element sums its products in the order of the depth.

Where it can be done without a change to any bit, the accumulator's step is made many columns at a time: by the
processor's own fp32 addition, which is the same function as the accumulator's, as long as the products are fp32
numbers; by a table of all products, for exact sums of short codes. Everything else goes through `accumulate.sums`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from . import kernels
from .accumulate import check, exact_int_sums, extent, factors, rule, sums, target
from .formats import FORMATS, as_codes, code_dtype
from .parallel import in_threads
from .products import product
from .refusal import Refusal
from .stimulus import all_pairs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .integers import IntegerMultiplier
    from .spec import Accumulator, Multiplier

_FP32 = FORMATS["fp32"]
_TABLE_BITS = 16  # operand pairs that a table may have
_CODE_BITS = 16  # of formats whose codes are all looked up
_PARTS, _PART = 16, 1 << 21  # that tiles are shared out in: at most so many, of at least so many products
_ROWS, _COLS = 8, 512  # of the result, made together: their sums and one row of B stay in the first cache


def matmul(spec: Multiplier, accumulator: Accumulator, a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """The matrix product of ``a`` and ``b``.

    Parameters
    ----------
    spec : Multiplier
    accumulator : Accumulator
        Sums as in `accumulate.accumulate`: integers wrap, as in hardware; `out_of_range` tells which sums do.
    a : array of codes of ``spec.a``, (rows, depth), or a stack of such matrices, (n, rows, depth)
    b : array of codes of ``spec.b``, (depth, cols), or a stack of as many, (n, depth, cols)

    Returns
    -------
    array of codes of ``accumulator.result``, (rows, cols) or (n, rows, cols)

    Raises
    ------
    Refusal
        If an operand is not a matrix or has a code that does not fit its format, stacks differ in size, the inner
        dimensions differ, the depth is 0 or more than the accumulator holds, or the accumulator does not take the
        product.
    """
    a, b = _operands(spec, accumulator, a, b)
    out = np.empty((*a.shape[:-1], b.shape[-1]), code_dtype(accumulator.result.width))
    if not out.size:
        return out
    stacks = [array.reshape(-1, *array.shape[-2:]) for array in (a, b, out)]
    if spec.form and accumulator.rounds and _is_fp32(accumulator.fmt) and _fits_fp32(spec):
        _sum_fp32(spec, accumulator.interleave, *stacks)
    else:
        for matrices in zip(*stacks, strict=True):
            _sum_one(spec, accumulator, *matrices)
    return out


class OutOfRange(NamedTuple):
    """Sums that leave the range of an integer accumulator: their places in the result, (count, dimensions of the
    result), their true values, int64, and up to which depth there can be none."""

    places: np.ndarray
    values: np.ndarray
    safe_depth: int


def out_of_range(spec: Multiplier, accumulator: Accumulator, a: ArrayLike, b: ArrayLike) -> OutOfRange:
    """The `OutOfRange` sums of a matrix product.

    There can be none but of integers: exact sums of other formats refuse a depth that they cannot hold, floats become
    Inf.
    Parameters and errors are those of `matmul`.
    """
    a, b = _operands(spec, accumulator, a, b)
    depth = a.shape[-1]
    if not accumulator.integer:
        return OutOfRange(np.empty((0, a.ndim), int), np.empty(0, np.int64), depth)
    largest = accumulator.result.max_finite
    safe = largest // max(map(abs, cast("IntegerMultiplier", spec).range))
    sums = exact_int_sums(spec, a, b) if depth > safe else np.empty((0,) * a.ndim, np.int64)
    out = (sums > largest) | (sums < -largest - 1)
    return OutOfRange(np.argwhere(out), sums[out], safe)


def refuse_wrapped(spec: Multiplier, accumulator: Accumulator, a: ArrayLike, b: ArrayLike) -> None:
    """Refuse codes of which a sum is `out_of_range`."""
    found = out_of_range(spec, accumulator, a, b)
    if len(found.values):
        raise Refusal(f"Sums must stay within {accumulator.name}, and {len(found.values)} of "
                      f"{len(np.asarray(a)) * np.shape(b)[1]} do not, first {found.values[0]} at "
                      f"{found.places[0].tolist()}; those of at most {found.safe_depth} products always do")


def _operands(spec, accumulator, a, b):
    """Operands as `matmul` takes them, as contiguous arrays of codes."""
    a, b = (np.ascontiguousarray(as_codes(fmt, codes)) for fmt, codes in ((spec.a, a), (spec.b, b)))
    for name, operand in (("first", a), ("second", b)):
        if operand.ndim not in (2, 3):
            raise Refusal(f"The {name} operand must be a matrix, not of shape {operand.shape}")
    if a.shape[:-2] != b.shape[:-2]:
        raise Refusal(f"Stacks must be of one size, not of shapes {a.shape} and {b.shape}")
    if a.shape[-1] != b.shape[-2]:
        raise Refusal(f"Inner dimensions must be equal, not {a.shape[-1]} and {b.shape[-2]}")
    check(spec, accumulator, a.shape[-1])
    return a, b


def _sum_one(spec, accumulator, a, b, out):
    if accumulator.exact and _by_table(spec, a, b):
        _sum_table(spec, a, b, out)
    else:
        out[...] = sums(spec, accumulator, a, b.T, every_pair=True).reshape(out.shape)


def _tiles(shape):
    """The tiles of a result: first and end of their rows, first and end of their columns."""
    rows, cols = shape
    return [((i, min(i + _ROWS, rows)), (j, min(j + _COLS, cols)))
            for j in range(0, cols, _COLS) for i in range(0, rows, _ROWS)]


def _shared_tiles(shape, depth):
    """The tiles of a stack of results as `kernels.tiles_in_fp32` takes them, in as many arrays as threads are worth."""
    count, rows, cols = shape
    tiles = np.array([(n, *some, *others) for n in range(count) for some, others in _tiles((rows, cols))])
    return np.array_split(tiles, max(1, min(len(tiles), _PARTS, count * rows * cols * depth // _PART)))


def _is_fp32(fmt):
    return (fmt.exp_bits, fmt.man_bits, fmt.bias) == (_FP32.exp_bits, _FP32.man_bits, _FP32.bias)


def _fits_fp32(spec):
    """Whether every product's significand, if not its exponent, is one of fp32."""
    return spec.wide.sig_bits + spec.wide.implicit_one <= _FP32.man_bits + 1


def _sum_fp32(spec, parts, a, b, out):
    """Fill the stack ``out`` (uint32) by the processor's addition, step by step where a product is not an fp32 number.
    Inf and NaN are no such numbers, so that only steps make a NaN, the accumulator's, and additions leave it."""
    fields, unit = spec.form == "fields", spec.wide.frac_bits
    rebias = ((_FP32.bias - spec.wide.exp_bias) << unit) + spec.wide_offset if fields else 0
    a, a_numbers = _numbers(spec, spec.a, a, 0)
    b, b_numbers = _numbers(spec, spec.b, b, rebias)
    word, kept = np.empty(b.shape, b_numbers.word.dtype), np.empty(b.shape, np.int32)
    rows = kernels.Rows(b, word, kept, np.empty(b.shape[:2]), np.empty(b.shape[:2]))
    kernels.look_up(b_numbers, rows)
    limits = (float(1 << unit), float(255 << unit)) if fields else (2.0**-126, 2.0**128)
    arrays = a, a_numbers, rows, b_numbers, out.view(np.int32)
    in_threads(lambda some: kernels.tiles_in_fp32(target(_FP32), rule(spec), limits, parts, some, *arrays),
               _shared_tiles(out.shape, a.shape[2]))


def _numbers(spec, fmt, codes, constant):
    """Places of codes and what stands there, for sums of fields with a constant more: all codes of a short format, else
    those of the operand."""
    if fmt.width <= _CODE_BITS:
        return codes.astype(np.int32), _every_number(spec, fmt, constant)
    places = np.arange(codes.size, dtype=np.int32).reshape(codes.shape)
    return places, _as_numbers(spec, fmt, codes.reshape(-1, 1), constant)


@lru_cache(maxsize=16)
def _every_number(spec, fmt, constant):
    return _as_numbers(spec, fmt, np.arange(1 << fmt.width, dtype=code_dtype(fmt.width))[:, None], constant)


def _as_numbers(spec, fmt, codes, constant):
    found = factors(spec, fmt, codes)
    if spec.form == "fields":
        field = found.sig[:, 0] + constant
        word = (field << (_FP32.man_bits - spec.wide.frac_bits)) + (found.sign[:, 0].astype(np.int64) << 31)
        return kernels.Numbers(word.astype(np.int32), field.astype(np.float64), found)
    values = fmt.decode(codes)[:, 0].astype(np.float32)  # zeros, whatever their numbers, are left out
    return kernels.Numbers(values, abs(values).astype(np.float64), found)


@lru_cache(maxsize=16)
def _exact_table(spec):
    """All products as numbers of the exact sum's last place: (limbs, codes of a, codes of b), of as few limbs as hold
    them; specials are 0 here."""
    products = product(spec, *all_pairs(spec))
    flagged = products.zero | products.inf | products.nan
    sig = np.where(flagged, 0, products.sig.astype(np.int64) + (spec.wide.implicit_one << spec.wide.frac_bits))
    position = products.exp - spec.wide.exp_bias - spec.wide.frac_bits - extent(spec)[0]
    limbs = []
    bits = int(position[~flagged].max()) + spec.wide.sig_bits + spec.wide.implicit_one
    for low in range(0, bits, kernels.LIMB_BITS):
        # The part of sig << position within this limb; sig is short enough to be shifted over a whole one.
        left = np.clip(position - low, 0, kernels.LIMB_BITS)
        right = np.clip(low - position, 0, kernels.LIMB_BITS)
        limbs.append(((sig << left) >> right) & ((1 << kernels.LIMB_BITS) - 1))
    table = np.where(products.sign, -np.array(limbs), np.array(limbs))
    return table.reshape(-1, 1 << spec.a.width, 1 << spec.b.width)


def _by_table(spec, a, b):
    """Whether there are few enough pairs of codes, and all are of numbers: the table has no others."""
    finite = ((codes & fmt.field_mask).max() <= fmt.max_finite for fmt, codes in ((spec.a, a), (spec.b, b)))
    return spec.a.width + spec.b.width <= _TABLE_BITS and all(finite)


def _sum_table(spec, a, b, out):
    lowest, length = extent(spec)
    arrays = _exact_table(spec), a.astype(np.uint16), b.astype(np.uint8), out
    in_threads(lambda tile: kernels.tile_by_table(target(_FP32), lowest, length, tile[0], tile[1], *arrays),
               _tiles(out.shape))
