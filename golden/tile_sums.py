"""What tiles compute: lanes' words, partial sums, results (docs/tile.md has the definition)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from .accumulate import exact_int_sums
from .formats import as_codes
from .parallel import in_threads
from .products import product
from .refusal import Refusal
from .stimulus import all_pairs
from .tile import GUARD_BITS, MAX_LANES
from .tile_cut import cut, largest_field
from .tile_kernels import Passes, add_looked_up, add_products

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .integers import IntegerMultiplier
    from .signed_fields import FieldMultiplier
    from .tile import Tile

_TABLE_BITS = 20  # operand pairs whose words are looked up
_ROWS = 32  # of a result that one thread makes at a time


class TileResult(NamedTuple):
    """A matrix product by a tile: codes of ``tile.result``, (rows, cols); the window's place, and that of the scales;
    and the power of two by which a result must be multiplied, which hardware leaves to who scales the tensors."""

    codes: np.ndarray
    place: int
    top: int
    exponent: int


class Scales(NamedTuple):
    """Codes of the scales of blocks: ``a`` (rows, blocks), ``b`` (blocks, cols); None of an operand without."""

    a: np.ndarray | None = None
    b: np.ndarray | None = None


def words(tile: Tile, place: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What lanes add for pairs of codes, int64: of a window in half places, odd where a product is in it, else 0."""
    if tile.window is None:
        return cast("IntegerMultiplier", tile.multiplier).integers(a, b)
    spec, layout = cast("FieldMultiplier", tile.multiplier), tile.multiplier.layout
    found = product(spec, a, b)
    exp = found.exp.astype(np.int64)
    if (layout.has_nan or layout.has_inf) and not layout.exp_signed:
        # Of NaN by NaN an exponent may not fit its field, and wraps: it is then less than NaN's own.
        wraps = (found.nan | found.inf) & (exp < (1 << spec.b.exp_bits) - 1)
        exp += wraps.astype(np.int64) << layout.exp_bits
    exp -= place
    sig = found.sig.astype(np.int64) | (layout.implicit_one << layout.frac_bits)
    inside = ~found.zero & (exp >= tile.lowest) & (exp <= tile.highest)
    shift = np.where(inside, exp - layout.frac_bits, 0)
    size = np.where(shift >= 0, sig << np.maximum(shift, 0), sig >> np.maximum(-shift, 0))
    word = np.where(inside, 2 * size + 1, 0)
    return np.where(found.sign, -word, word)


def partial_sums(tile: Tile, place: int, a: ArrayLike, b: ArrayLike, c: ArrayLike, top: int = 0,
                 scales: Scales = Scales()) -> np.ndarray:  # noqa: B008
    """One pass: partial sums and what the vectors ``a`` by the weights ``b`` add to them.

    Parameters
    ----------
    tile : Tile
    place : int
        The window's, one of ``tile.places``.
    a : array of codes, (rows, lanes)
    b : array of codes, (lanes, cols)
    c : array of codes, (rows, cols)
        Partial sums: words of ``tile.word_bits``, and above them, where there is one, the flag of NaN.
    top : int
        Exponent of the scales' product at which a sum is not shifted down; no product has a higher one.
    scales : Scales
        Of this pass: ``a`` (rows, 1), ``b`` (1, cols).

    Returns
    -------
    array of codes, (rows, cols)
    """
    a, b, c = as_codes(tile.multiplier.a, a), as_codes(tile.multiplier.b, b), np.asarray(c, np.uint64)
    mask = np.uint64((1 << tile.word_bits) - 1)
    sums, nan = _sums(tile, place, a, b, scales, top)
    flags = (c >> np.uint64(tile.word_bits)) | nan
    return ((c + sums.view(np.uint64)) & mask) | (flags.astype(np.uint64) << np.uint64(tile.word_bits))


def drained(tile: Tile, c: np.ndarray) -> np.ndarray:
    """Codes of results of partial sums: the nearest fp32, ties to even, or NaN; of integers without blocks the word."""
    word = np.asarray(c, np.uint64) & np.uint64((1 << tile.word_bits) - 1)
    sign = np.uint64(1 << (tile.word_bits - 1))
    number = (word ^ sign).view(np.int64) - np.int64(sign)
    nan = (np.asarray(c, np.uint64) >> np.uint64(tile.word_bits)).astype(bool)
    return _results(tile, number, nan)


def tile_matmul(tile: Tile, a: ArrayLike, b: ArrayLike, scales: Scales = Scales(),  # noqa: B008
                place: int | None = None, top: int | None = None) -> TileResult:
    """The matrix product of codes by a tile.

    Parameters
    ----------
    tile : Tile
    a : array of codes of ``tile.multiplier.a``, (rows, depth)
    b : array of codes of ``tile.multiplier.b``, (depth, cols)
    scales : Scales
        Of operands in blocks.
    place, top : int, optional
        By default those of `place_for` and `top_for`.

    Raises
    ------
    Refusal
        If shapes do not match, a code does not fit, the depth is 0 or more than ``tile.depth``, scales are missing or
        too many, a place is none of the tile's, or no product would be in the window.
    """
    a, b = as_codes(tile.multiplier.a, a), as_codes(tile.multiplier.b, b)
    _check(tile, a, b, scales)
    place = place_for(tile, a, b) if place is None else place
    if place not in tile.places:
        raise Refusal(f"Place of the window must be {tile.places[0]} to {tile.places[-1]}, not {place}")
    needed = top_for(tile, scales)
    top = needed if top is None else top
    if top < needed:
        raise Refusal(f"Place of the scales must be at least {needed}, that of their largest product, not {top}")
    sums, nan = _sums(tile, place, a, b, scales, top)
    return TileResult(_results(tile, sums, nan), place, top, tile.exponent(place, top))


def place_for(tile: Tile, a: np.ndarray, b: np.ndarray) -> int:
    """The lowest place of the window that has no product of these codes above it, or of those that the tile has the
    first.

    Raises
    ------
    Refusal
        If the operands are so small that no product would be in the window.
    """
    if tile.window is None:
        return 0
    zero, exp = _largest_product(tile, a, b)
    if not zero and exp - tile.places[0] < tile.lowest:
        raise Refusal(f"Operands of {tile.multiplier.name} must be scaled up: their largest product has exponent "
                      f"{exp}, and the lowest window begins at {tile.places[0] + tile.lowest}")
    return min(max(exp - tile.highest, tile.places[0]), tile.places[-1])


def room_above(tile: Tile, a: np.ndarray, b: np.ndarray) -> int:
    """How many octaves higher products of these codes could be at the lowest of the window's places."""
    if tile.window is None:
        return 0
    zero, exp = _largest_product(tile, a, b)
    return 0 if zero else max(tile.places[0] + tile.highest - exp, 0)


def top_for(tile: Tile, scales: Scales) -> int:
    """The largest exponent of a product of two scales: the sum of the largest of either."""
    return sum(int(block.scale.parts(np.asarray(codes))[1].max(initial=0))
               for block, codes in ((tile.a_block, scales.a), (tile.b_block, scales.b)) if block)


def _largest_product(tile, a, b):
    """Whether the largest product of codes is zero, and its exponent."""
    spec = tile.multiplier
    found = product(spec, *(np.array([largest_field(fmt, codes)]) for fmt, codes in ((spec.a, a), (spec.b, b))))
    return bool(found.zero[0]), int(found.exp[0])


def check_depth(tile: Tile, depth: int) -> None:
    """Refuse a depth that no sum of the tile has."""
    if not 1 <= depth <= tile.depth:
        raise Refusal(f"Depth must be 1 to {tile.depth} for a tile of {tile.lanes} lanes, not {depth}: longer sums are "
                      "those of parts of the depth, added")


def _check(tile, a, b, scales):
    for name, operand in (("first", a), ("second", b)):
        if operand.ndim != 2:
            raise Refusal(f"The {name} operand must be a matrix, not of shape {operand.shape}")
    if a.shape[1] != b.shape[0]:
        raise Refusal(f"Inner dimensions must be equal, not {a.shape[1]} and {b.shape[0]}")
    depth = a.shape[1]
    check_depth(tile, depth)
    for name, block, codes, shape in (("a", tile.a_block, scales.a, lambda size: (a.shape[0], -(-depth // size))),
                                      ("b", tile.b_block, scales.b, lambda size: (-(-depth // size), b.shape[1]))):
        if (block is None) != (codes is None):
            raise Refusal(f"Scales of {name} must be {'given' if block else 'left out'} for {tile.formats}")
        if block and (depth % block.size or np.shape(codes) != shape(block.size)):
            raise Refusal(f"Scales of {name} must be of shape {shape(block.size)}, one for each whole block of "
                          f"{block.size}, not {np.shape(codes)} for a depth of {depth}")


def _sums(tile, place, a, b, scales, top):
    """Sums of any depth, int64, and which are NaN, of checked operands."""
    spec = tile.multiplier
    nan = np.any(_special(spec.a, a), axis=1, keepdims=True) | np.any(_special(spec.b, b), axis=0)
    step = tile.lanes if tile.blocks else MAX_LANES  # so many words fit the kernels' int32
    passes = np.arange(-(-a.shape[1] // step))
    of_a, a_nan = _scale_parts(tile.a_block, scales.a, passes * step, 1, (len(a), len(passes)))
    of_b, b_nan = _scale_parts(tile.b_block, scales.b, passes * step, 0, (len(passes), b.shape[1]))
    nan = nan | a_nan[:, None] | b_nan
    if tile.window is None and not tile.blocks:
        return exact_int_sums(spec, a, b), nan
    guard = GUARD_BITS if tile.blocks else -1
    parts, out = Passes(step, guard, top, *of_a, *of_b), np.zeros((len(a), b.shape[1]), np.int64)
    kernel, operands = _kernel(tile, place, a, b)
    if kernel is not None:
        in_threads(lambda first: kernel(*operands, (first, min(first + _ROWS, len(a))), parts, out),
                   range(0, len(a), _ROWS))
        return out, nan
    for n in passes:
        total = np.zeros_like(out)
        for k in range(n * step, min((n + 1) * step, a.shape[1])):
            total += words(tile, place, a[:, k, None], b[None, k])
        if tile.blocks:
            down = top - parts.a_exp[:, n, None] - parts.b_exp[n]
            total = (total * parts.a_sig[:, n, None] * parts.b_sig[n] << guard) >> np.minimum(down, 63)
        out += total
    return out, nan


def _kernel(tile: Tile, place: int, a: np.ndarray, b: np.ndarray) -> tuple[Any, Any]:
    """The compiled loop for checked operands, and what it takes of them; or None of both."""
    spec = tile.multiplier
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)  # for other layouts loops would be compiled again
    if not (_special(spec.a, a).any() or _special(spec.b, b).any()) and (found := cut(tile, place, a, b)) is not None:
        return add_products, found
    if spec.a.width + spec.b.width <= _TABLE_BITS:
        return add_looked_up, (_table(tile, place), a, b)
    return None, None


def _scale_parts(block, codes, places, axis, shape):
    """Significands and exponents, of ``shape``, of the scales at places of the depth, an ``axis`` of the codes; and
    along the other axis, where one is NaN."""
    if block is None:
        return (np.ones(shape, np.int64), np.zeros(shape, np.int64)), np.zeros(shape[1 - axis], bool)
    found = np.take(np.asarray(codes), places // block.size, axis)
    return map(np.ascontiguousarray, block.scale.parts(found)), (found > block.scale.max_finite).any(axis=axis)


def _special(fmt, codes):
    """Which codes are NaN or Inf."""
    if not (fmt.has_nan or fmt.has_inf):
        return np.zeros(codes.shape, bool)
    return (codes & fmt.field_mask) > fmt.max_finite


def _results(tile, number, nan):
    if tile.result.integer:
        return tile.result.codes(number)
    codes = number.astype(np.float32).view(np.uint32)
    return np.where(nan, np.uint32(tile.result.nan), codes)


@lru_cache(maxsize=8)
def _table(tile, place):
    a, b = all_pairs(tile.multiplier)
    table = words(tile, place, a, b).reshape(1 << tile.multiplier.a.width, 1 << tile.multiplier.b.width)
    return table.astype(np.int32)

