"""Operand codes that exercise a multiplier: all of them, the corners, and seeded random ones."""

import numpy as np

from .codec import code_dtype
from .formats import IntFormat
from .refusal import Refusal

_ALL_BITS = 24


def all_pairs(spec):
    """Every pair of operand codes.

    Returns
    -------
    a, b : one-dimensional arrays of codes
        ``b`` changes fastest.

    Raises
    ------
    Refusal
        If the operands have more than 24 bits together.
    """
    bits = spec.a.width + spec.b.width
    if bits > _ALL_BITS:
        raise Refusal(f"Operands must have at most {_ALL_BITS} bits together to take all pairs, not {bits}")
    pairs = np.arange(1 << bits)
    a, b = pairs >> spec.b.width, pairs & ((1 << spec.b.width) - 1)
    return a.astype(code_dtype(spec.a.width)), b.astype(code_dtype(spec.b.width))


def corners(fmt):
    """The codes of a format where arithmetic goes wrong first, ascending and each once.

    Of either sign: zero, the ends of the subnormals, the ends of the normals, 1 and the powers of two about it, the
    ends of the binades about 1, the smallest and largest exponents, Inf, NaN with the usual and the largest payload;
    and, with the exponents of subnormals and of NaN, each bit of the mantissa alone. Of an integer: the powers of two,
    one less, and both negated.
    """
    if isinstance(fmt, IntFormat):
        sizes = [(1 << bit) - step for bit in range(fmt.width) for step in (0, 1)]
        return _codes(fmt, (sign * size % (1 << fmt.width) for size in sizes for sign in (1, -1)))
    one, binade = fmt.bias << fmt.man_bits, fmt.min_normal
    starts = [0, binade, *range(one - 2 * binade, one + 3 * binade, binade), (one + binade) // 2, fmt.max_finite + 1]
    fields = [field for start in starts for field in range(start - 2, start + 3)]
    fields += [one | binade >> 1, fmt.max_finite & ~fmt.man_mask, fmt.field_mask]
    fields += [exponent << fmt.man_bits | 1 << bit for exponent in (0, fmt.exp_mask) for bit in range(fmt.man_bits)]
    if fmt.has_nan:
        fields.append(fmt.nan)
    fields = [field for field in fields if 0 <= field <= fmt.field_mask]
    return _codes(fmt, (field | sign for field in fields for sign in (0, fmt.sign_mask)))


def _codes(fmt, codes):
    return np.array(sorted(set(codes)), code_dtype(fmt.width))


def corner_pairs(spec):
    """Every corner of the first operand with every corner of the second, as `all_pairs` gives them."""
    a, b = np.meshgrid(corners(spec.a), corners(spec.b), indexing="ij")
    return a.ravel(), b.ravel()


def random_codes(fmt, count, seed):
    """``count`` codes, uniform over the format's codes. ``seed`` is an integer or a numpy Generator."""
    return np.random.default_rng(seed).integers(0, 1 << fmt.width, count, code_dtype(fmt.width))


def random_pairs(spec, count, seed):
    """``count`` pairs, uniform over the operand codes, as `all_pairs` gives them."""
    generator = np.random.default_rng(seed)
    return random_codes(spec.a, count, generator), random_codes(spec.b, count, generator)
