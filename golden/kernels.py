"""Compiled sums of wide products, one step at a time in the hardware's order. Integers throughout.

A term is ``(-1)**sign * mag * 2**exp`` with ``mag < 2**61``, or special. Sums are over rows of factors: operands taken
apart beforehand, so that a product costs one addition (L-Mul) or one multiplication. Row ``n`` of a result sums the
products of row ``n // repeat`` of ``a`` with row ``n % len(b)`` of ``b``: with ``repeat`` 1 the rows of two equal
stacks, with ``repeat = len(b)`` every row of ``a`` with every row of ``b``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

ZERO, INF, NAN = 1, 2, 4  # flags of a factor; a product's are the factors' together
LIMB_BITS = 40  # of a long fixed-point sum: an int64 limb takes 2**22 parts before it must be carried
_PART_BITS = 24  # of a magnitude: shifted within a limb, a part stays below 2**63

compiled = njit(cache=True, nogil=True)


class Target(NamedTuple):
    """A float format with IEEE specials, as kernels take it: `FloatFormat`'s numbers."""

    man_bits: int
    field_bits: int
    bias: int
    inf: int
    nan: int


class Terms(NamedTuple):
    """Terms as arrays: magnitude (int64), exponent of its last place (int16), sign and INF, NAN or 0 (uint8)."""

    mag: np.ndarray
    exp: np.ndarray
    sign: np.ndarray
    flags: np.ndarray


class Factors(NamedTuple):
    """Operands for the kernels, two-dimensional arrays.

    ``sig`` (int64) is the significand, or the field for sums of fields, or the operand's share of a place in the table
    of terms; ``exp`` (int16) the significand's exponent, and nothing otherwise; ``sign`` (uint8) and ``flags`` (uint8)
    as above, and 0 for a table.
    """

    sig: np.ndarray
    exp: np.ndarray
    sign: np.ndarray
    flags: np.ndarray


Int = int | np.int64  # in compiled code an int64

FIELDS, SIGNIFICANDS, TABLE = range(3)  # forms of a rule


class Rule(NamedTuple):
    """How two factors make a term: by one of the forms. FIELDS: their sum plus ``offset`` splits at ``man_bits``, so
    with 3 bits the sum 0b1010 is exponent 1 and significand 0b1010. SIGNIFICANDS: their product. ``scale`` is added to
    the term's exponent and makes it that of the last place. TABLE: the entry of ``terms`` at the sum of both."""

    form: int
    offset: int
    man_bits: int
    scale: int
    terms: Terms


class Numbers(NamedTuple):
    """What stands at the places of codes, (places,): ``word``, of which `float_product` makes a product in fp32;
    ``size``, float64, of exact products the magnitude, of sums of fields the field; and ``factors``, (places, 1).

    For L-Mul ``b``'s fields are in units of ``a``'s last place, with the offset and what turns the two biases into
    fp32's. In e4m3, 1.5 and 1.75 become 60 and 62 + 905, and 967 + 60 = 1027 is exponent 128 and mantissa 3 of 8: with
    both words shifted left to fp32's place, the number 2.75.
    """

    word: np.ndarray
    size: np.ndarray
    factors: Factors


class Rows(NamedTuple):
    """A stack of operands ``b``, (n, depth, cols): ``place`` among `Numbers`; ``word``; and ``kept``, int32, which are
    not zero. Of each row, (n, depth): the ``least`` size that is not zero, and the ``most``, infinite with specials."""

    place: np.ndarray
    word: np.ndarray
    kept: np.ndarray
    least: np.ndarray
    most: np.ndarray


def _count_leading_zeros(typing_context, integer):
    def generate(context, builder, signature, arguments):
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), generate


def _multiply(typing_context, x, y):
    if x != y:
        return None
    result = {types.int32: types.float32, types.int64: types.float64}.get(x, x)

    def generate(context, builder, signature, arguments):
        if result == x:
            return builder.fmul(*arguments)
        return builder.bitcast(builder.add(*arguments), context.get_value_type(result))

    return result(x, y), generate


#: (int64) -> int64, in compiled code alone.
_leading_zeros: Any = intrinsic(_count_leading_zeros)
#: The product of two floats of one type; or of two integers, shares of its bits, the float whose bits are their sum:
#: the signs, uppermost, add up to that of the product.
float_product: Any = intrinsic(_multiply)


@compiled
def rounded(fmt: Target, sign: Int, mag: Int, exp: Int) -> Int:
    """The code of ``fmt`` nearest to a term, ties to even, subnormals kept, overflow to Inf; here ``mag < 2**63``."""
    if mag == 0:
        return sign << fmt.field_bits
    # Biased exponent of the result, 1 for subnormals: its last place decides how far to shift.
    top = max(exp + 63 - _leading_zeros(mag) + fmt.bias, 1)
    shift = top - fmt.bias - fmt.man_bits - exp
    if shift <= 0:
        sig = mag << -shift
    elif shift > 63:
        sig = 0
    else:
        sig = mag >> shift
        rest, half = mag - (sig << shift), 1 << (shift - 1)
        if rest > half or (rest == half and sig & 1):
            sig += 1
    # The hidden bit adds one to the exponent field; a subnormal has none.
    field = min(((top - 1) << fmt.man_bits) + sig, fmt.inf)
    return (sign << fmt.field_bits) | field


@compiled
def added(fmt: Target, acc: Int, sign: Int, mag: Int, exp: Int, flags: Int) -> Int:
    """``acc`` plus a term, rounded once to ``fmt``: the accumulator's step. ``flags`` has INF or NAN for a special."""
    acc_sign = acc >> fmt.field_bits
    field = acc & ((1 << fmt.field_bits) - 1)
    if flags or field >= fmt.inf:
        if flags & NAN or field > fmt.inf or (flags and field == fmt.inf and sign != acc_sign):
            return fmt.nan
        return (sign << fmt.field_bits) | fmt.inf if flags else acc
    if mag == 0:
        return acc if field or sign == acc_sign else 0
    man, biased = field & ((1 << fmt.man_bits) - 1), field >> fmt.man_bits
    if biased:
        man |= 1 << fmt.man_bits
    acc_exp = max(biased, 1) - fmt.bias - fmt.man_bits
    # Both with their highest bit at 61. What is shifted out of the smaller is kept as one odd bit below: after a
    # shift of 2 or more the result is above 2**60, so that bit is far below the place where the sum is rounded;
    # a shift of 1 loses nothing, since magnitudes are below 2**61.
    left = _leading_zeros(man) - 2
    big, big_exp, big_sign = man << left, acc_exp - left, acc_sign
    left = _leading_zeros(mag) - 2
    small, small_exp, small_sign = mag << left, exp - left, sign
    if small_exp > big_exp:
        big, small = small, big
        big_exp, small_exp = small_exp, big_exp
        big_sign, small_sign = small_sign, big_sign
    right = min(big_exp - small_exp, 63)
    kept = small >> right
    kept |= (kept << right) != small
    total = big + kept if big_sign == small_sign else big - kept
    if total == 0:
        return 0
    if total < 0:
        total, big_sign = -total, small_sign
    return rounded(fmt, big_sign, total, big_exp)


@compiled
def term(rule: Rule, a: Factors, b: Factors, i: Int, j: Int, k: Int) -> tuple[Int, Int, Int, Int]:
    """Product of factor ``k`` of rows ``i`` and ``j``: sign, magnitude, exponent of its last place, INF or NAN or 0."""
    if rule.form == TABLE:
        n, found = a.sig[i, k] + b.sig[j, k], rule.terms
        return np.int64(found.sign[n]), np.int64(found.mag[n]), np.int64(found.exp[n]), np.int64(found.flags[n])
    sign = np.int64(a.sign[i, k] ^ b.sign[j, k])
    flags = np.int64(a.flags[i, k] | b.flags[j, k])
    if flags:
        if flags & NAN or flags == ZERO | INF:
            return sign, 0, 0, NAN
        return sign, 0, 0, flags & INF
    if rule.form == FIELDS:
        total = a.sig[i, k] + b.sig[j, k] + rule.offset
        one = 1 << rule.man_bits
        return sign, (total & (one - 1)) | one, (total >> rule.man_bits) + rule.scale, 0
    return sign, a.sig[i, k] * b.sig[j, k], np.int64(a.exp[i, k]) + b.exp[j, k] + rule.scale, 0


@compiled
def sum_steps(fmt: Target, rule: Rule, parts: Int, a: Factors, b: Factors, repeat: Int, start: Int,
              out: np.ndarray) -> None:
    """Fill ``out`` with result rows from ``start`` on: each product added and rounded in turn, to the one of so many
    partial sums that has those as far from the end modulo their number; these are `joined`."""
    sums = np.empty(parts, np.int64)
    for n in range(len(out)):
        i, j = (start + n) // repeat, (start + n) % len(b.sig)
        sums[:] = 0
        for k in range(a.sig.shape[1]):
            part = int((a.sig.shape[1] - 1 - k) % parts)
            sign, mag, exp, flags = term(rule, a, b, i, j, k)
            sums[part] = added(fmt, sums[part], sign, mag, exp, flags)
        out[n] = joined(fmt, sums)


@compiled
def sum_tree(fmt: Target, rule: Rule, parts: Int, lanes: Int, a: Factors, b: Factors, repeat: Int, start: Int,
             out: np.ndarray) -> None:
    """As `sum_steps`, for ``lanes`` products at once: each rounded, `joined`, their sum then accumulated."""
    sums, codes = np.empty(parts, np.int64), np.empty(lanes, np.int64)
    for n in range(len(out)):
        i, j = (start + n) // repeat, (start + n) % len(b.sig)
        sums[:] = 0
        for first in range(0, a.sig.shape[1], lanes):
            for lane in range(lanes):
                sign, mag, exp, flags = term(rule, a, b, i, j, first + lane)
                # -0 added to a term leaves it, whatever its sign.
                codes[lane] = added(fmt, 1 << fmt.field_bits, sign, mag, exp, flags)
            part = int((a.sig.shape[1] - 1 - first) // lanes % parts)
            sums[part] = added_code(fmt, sums[part], joined(fmt, codes))
        out[n] = joined(fmt, sums)


@compiled
def joined(fmt: Target, codes: np.ndarray) -> Int:
    """The sum of codes by pairs of neighbours, pairs of these, and so on, an odd one passing on. They are used up."""
    width = len(codes)
    while width > 1:
        for node in range(width // 2):
            codes[node] = added_code(fmt, codes[2 * node], codes[2 * node + 1])
        if width % 2:
            codes[width // 2] = codes[width - 1]
        width = (width + 1) // 2
    return codes[0]


@compiled
def added_code(fmt: Target, acc: Int, code: Int) -> Int:
    """``acc`` plus a number of its own format."""
    sign, field = code >> fmt.field_bits, code & ((1 << fmt.field_bits) - 1)
    man, biased = field & ((1 << fmt.man_bits) - 1), field >> fmt.man_bits
    if field >= fmt.inf:
        return added(fmt, acc, sign, 0, 0, INF if field == fmt.inf else NAN)
    if biased:
        man |= 1 << fmt.man_bits
    return added(fmt, acc, sign, man, max(biased, 1) - fmt.bias - fmt.man_bits, 0)


@compiled
def sum_aligned(fmt: Target, rule: Rule, parts: Int, lanes: Int, left: Int, a: Factors, b: Factors, repeat: Int,
                start: Int, out: np.ndarray) -> None:
    """As `sum_steps`, for ``lanes`` products at once: each shifted ``left``, aligned to the largest exponent among
    them by a truncating right shift, summed exactly, their sum then accumulated."""
    sums, mags, exps = np.empty(parts, np.int64), np.empty(lanes, np.int64), np.empty(lanes, np.int64)
    for n in range(len(out)):
        i, j = (start + n) // repeat, (start + n) % len(b.sig)
        sums[:] = 0
        for first in range(0, a.sig.shape[1], lanes):
            largest, seen, specials = -(1 << 62), 0, 0
            for lane in range(lanes):
                sign, mag, exp, flags = term(rule, a, b, i, j, first + lane)
                mags[lane], exps[lane] = -mag if sign else mag, exp
                if flags == INF:
                    seen |= 1 << sign
                specials |= flags
                if mag:
                    largest = max(largest, exp)
            total = 0
            for lane in range(lanes):
                aligned = (abs(mags[lane]) << left) >> max(0, min(largest - exps[lane], 63))
                total += -aligned if mags[lane] < 0 else aligned
            if seen == 3:
                specials |= NAN
            sign = seen >> 1 if specials else np.int64(total < 0)
            part = int((a.sig.shape[1] - 1 - first) // lanes % parts)
            sums[part] = added(fmt, sums[part], sign, abs(total), largest - left, specials)
        out[n] = joined(fmt, sums)


@compiled
def drained(fmt: Target, limbs: np.ndarray, exp: Int) -> Int:
    """The code of ``fmt`` nearest to a long sum: at least two limbs of ``LIMB_BITS`` bits, lowest first, not carried
    yet, the last with room for it; ``exp`` is the exponent of its last place. The limbs are used up."""
    mask = (1 << LIMB_BITS) - 1
    sign = 0
    for _ in range(2):
        carry = 0
        for index in range(len(limbs)):
            carry += limbs[index]
            limbs[index] = carry & mask
            carry >>= LIMB_BITS
        if carry == 0:
            break
        # Negative: carry the negated limbs.
        sign = 1
        for index in range(len(limbs)):
            limbs[index] = -limbs[index]
        limbs[-1] -= carry << LIMB_BITS
    high = len(limbs) - 1
    while high > 1 and limbs[high] == 0:
        high -= 1
    # The two highest limbs as 41 to 62 bits, or both as they are; all below as one odd bit.
    left = min(LIMB_BITS, _leading_zeros(limbs[high]) - 2)
    right = LIMB_BITS - left
    mag = (limbs[high] << left) | (limbs[high - 1] >> right)
    rest = limbs[high - 1] & ((1 << right) - 1)
    for index in range(high - 1):
        rest |= limbs[index]
    return rounded(fmt, sign, mag | (rest != 0), exp + high * LIMB_BITS - left)


@compiled
def sum_exactly(fmt: Target, rule: Rule, lowest: Int, length: Int, a: Factors, b: Factors, repeat: Int, start: Int,
                out: np.ndarray) -> None:
    """As `sum_steps`, by an exact sum of ``length`` limbs, rounded once at the end. ``lowest`` is the exponent of the
    last place of the smallest product."""
    limbs = np.empty(length, np.int64)
    for n in range(len(out)):
        i, j = (start + n) // repeat, (start + n) % len(b.sig)
        limbs[:] = 0
        seen = 0  # bits: +Inf, -Inf, NaN
        for k in range(a.sig.shape[1]):
            sign, mag, exp, flags = term(rule, a, b, i, j, k)
            if flags:
                seen |= 4 if flags & NAN else 1 << sign
            position = exp - lowest
            while mag:
                part = mag & ((1 << _PART_BITS) - 1)
                limb = position // LIMB_BITS
                part <<= position - limb * LIMB_BITS
                low, high = part & ((1 << LIMB_BITS) - 1), part >> LIMB_BITS
                limbs[limb] += -low if sign else low
                limbs[limb + 1] += -high if sign else high
                mag >>= _PART_BITS
                position += _PART_BITS
        if seen == 0:
            out[n] = drained(fmt, limbs, lowest)
        elif seen < 3:
            out[n] = ((seen >> 1) << fmt.field_bits) | fmt.inf
        else:
            out[n] = fmt.nan


@compiled
def look_up(numbers: Numbers, rows: Rows) -> None:
    """Fill in rows whose places are known."""
    for n in range(rows.place.shape[0]):
        for k in range(rows.place.shape[1]):
            least, most = np.inf, -np.inf
            for j in range(rows.place.shape[2]):
                place = rows.place[n, k, j]
                flags = numbers.factors.flags[place, 0]
                rows.word[n, k, j] = numbers.word[place]
                rows.kept[n, k, j] = flags == 0
                if flags == 0:
                    least, most = min(least, numbers.size[place]), max(most, numbers.size[place])
                elif flags != ZERO:
                    most = np.inf
            rows.least[n, k], rows.most[n, k] = least, most


@compiled
def tiles_in_fp32(fmt: Target, rule: Rule, limits: tuple[float, float], parts: Int, tiles: np.ndarray, a: np.ndarray,
                  a_numbers: Numbers, b: Rows, b_numbers: Numbers, out: np.ndarray) -> None:
    """Tiles of a stack of matrix products with the accumulator fp32, many columns at a time by the processor's own
    addition.

    A row of ``tiles`` has the matrix, the first and the end of a tile's rows, and those of its columns; ``a``, (n,
    rows, depth), has places. Where a number's products with a row of ``b`` are numbers of fp32, from the first of the
    ``limits`` to below the second, its step is the processor's; where it is zero, none; else it is `added`. The
    partial sums of a sum that is interleaved over so many ``parts`` are made one after the other, and added as `joined`
    does.
    """
    for n in range(len(tiles)):
        matrix, top, bottom, left, right = tiles[n]
        sums = np.zeros((parts, bottom - top, right - left), np.int32)
        for part in range(parts):
            _tile_in_fp32(fmt, rule, limits, part, parts, matrix, top, left, a, a_numbers, b, b_numbers, sums[part])
        width = parts
        while width > 1:
            width //= 2
            for part in range(width):
                _add_in_fp32(fmt, sums[2 * part], sums[2 * part + 1], sums[part])
        for i in range(top, bottom):  # slices would bring numba's words for shapes that differ: seconds to compile
            for j in range(left, right):
                out[matrix, i, j] = sums[0, i - top, j - left]


@compiled
def _add_in_fp32(fmt, x, y, out):
    x_values, y_values, values = x.view(np.float32), y.view(np.float32), out.view(np.float32)
    for i in range(len(out)):
        for j in range(out.shape[1]):
            values[i, j] = x_values[i, j] + y_values[i, j]
            if values[i, j] != values[i, j]:  # the processor's NaN may have another sign
                out[i, j] = fmt.nan


@compiled
def _tile_in_fp32(fmt, rule, limits, part, parts, n, top, left, a, a_numbers, b, b_numbers, sums):
    values, codes, right = sums.view(np.float32), sums.view(np.uint32), left + sums.shape[1]
    for k in range((a.shape[2] - 1 - part) % parts, a.shape[2], parts):
        least, most = b.least[n, k], b.most[n, k]
        y, kept = b.word[n, k, left:right], b.kept[n, k, left:right]
        for i in range(top, top + len(sums)):
            place, acc = a[n, i, k], values[i - top]
            x, size, flags = a_numbers.word[place], a_numbers.size[place], a_numbers.factors.flags[place, 0]
            if flags == ZERO and most < np.inf:
                continue
            smallest = largest = np.inf
            if flags == 0:
                smallest, largest = (size + least, size + most) if rule.form == FIELDS else (size * least, size * most)
            if smallest >= limits[0] and largest < limits[1]:
                for j in range(len(y)):
                    acc[j] += float_product(x, y[j]) if kept[j] else np.float32(0)
            else:
                for j in range(right - left):
                    sign, mag, exp, flags = term(rule, a_numbers.factors, b_numbers.factors, place,
                                                 b.place[n, k, left + j], 0)
                    codes[i - top, j] = added(fmt, np.int64(codes[i - top, j]), sign, mag, exp, flags)


@compiled
def tile_by_table(fmt: Target, lowest: Int, length: Int, rows: tuple[Int, Int], cols: tuple[Int, Int],
                  table: np.ndarray, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """One tile of a matrix product with an exact sum: ``table``, (limbs, codes of a, codes of b), has the products in
    limbs, each of which is summed by itself; the rest as in `tiles_in_fp32` and `sum_exactly`, codes for factors."""
    limbs = np.empty(length, np.int64)
    parts = np.empty((len(table), cols[1] - cols[0]), np.int64)
    for i in range(rows[0], rows[1]):
        parts[:] = 0
        for k in range(a.shape[1]):
            codes = b[k, cols[0] : cols[1]]
            for limb in range(len(table)):
                products, sums = table[limb, a[i, k]], parts[limb]
                for j in range(len(codes)):
                    sums[j] += products[codes[j]]
        for j in range(parts.shape[1]):
            limbs[:] = 0
            for limb in range(len(table)):
                limbs[limb] = parts[limb, j]
            out[i, cols[0] + j] = drained(fmt, limbs, lowest)
