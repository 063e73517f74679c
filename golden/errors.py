"""How far products are from the exact ones. Errors are relative: ``actual / exact - 1``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from .codec import decode, round_shift
from .formats import FloatFormat
from .products import multiply, product, wide_value
from .refusal import Refusal
from .stimulus import all_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from .spec import Multiplier

METHODS = ("add", "formula", "round", "truncate")

_EXHAUSTIVE_BITS = 20  # mantissa pairs that are enumerated
_GRID = 1009  # mantissas of either operand beyond that; a prime, so that their low bits vary


class Errors(NamedTuple):
    """Relative errors: the mean of their magnitudes, their mean, the mean of their squares, the largest magnitude, and
    how many products were measured."""

    mean: float
    mean_signed: float
    mean_square: float
    worst: float
    count: int


def measure(actual: np.ndarray, exact: np.ndarray) -> Errors:
    """`Errors` of arrays of products, over those whose exact value is a number other than zero.

    Raises
    ------
    Refusal
        If there is no such product.
    """
    counted = np.isfinite(exact) & (exact != 0)
    if not counted.any():
        raise Refusal("Exact products must have at least one number other than zero")
    error = actual[counted] / exact[counted] - 1
    size = abs(error)
    means = (float(array.mean()) for array in (size, error, np.square(error)))
    return Errors(*means, worst=float(size.max()), count=error.size)


def operand_errors(spec: Multiplier, a: ArrayLike, b: ArrayLike, wide: bool = False) -> Errors:
    """`Errors` of a multiplier on given codes, narrow or ``wide``; what it flushes or saturates counts as error.

    Parameters
    ----------
    spec : Multiplier
    a, b : arrays of codes
        They broadcast. Pairs whose exact product is zero, Inf or NaN are left out.
    wide : bool

    Raises
    ------
    Refusal
        If a code does not fit its format, or no pair is left.
    """
    actual = wide_value(spec, product(spec, a, b)) if wide else decode(spec.narrow, multiply(spec, a, b))
    return measure(actual, exact_product(spec, a, b))


class ResultErrors(NamedTuple):
    """How far sums are from what they should be: the root mean square of the error over that of the reference, and the
    factor of the reference that lies nearest to them (least squares): below 1 they are too small on the whole."""

    error: float
    gain: float


def result_errors(actual: np.ndarray, reference: np.ndarray) -> ResultErrors:
    """`ResultErrors` of arrays of results, float64 of one shape.

    Raises
    ------
    Refusal
        If a result or a reference is not finite, or the reference is zero throughout.
    """
    bad = actual.size - np.count_nonzero(np.isfinite(actual) & np.isfinite(reference))
    if bad:
        raise Refusal(f"Results must be finite to have an error, not {bad} Inf or NaN in {actual.size}")
    largest = abs(reference).max()
    if not largest:
        raise Refusal("Results must have at least one that should be other than zero")
    actual, reference = actual / largest, reference / largest  # squares neither overflow nor vanish
    power = np.square(reference).sum()
    return ResultErrors(float(np.sqrt(np.square(actual - reference).sum() / power)),
                        float((actual * reference).sum() / power))


def exact_product(spec: Multiplier, a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """The product of two codes' values, exactly: 48 bits of significand at most, well within float64's range."""
    return spec.true_products(a, b)


def mean_relative_error(spec: Multiplier, wide: bool = False) -> float:
    """The mean relative error of a multiplier's products, as reports give it: the same on every call, and quick.

    Operands of up to 16 bits together: over all pairs of normal numbers whose exact product lies among the normal
    numbers of the result's format (integers: all pairs). Wider floats: over pairs of mantissas alone, at the exponent
    of 1; all of them up to 20 mantissa bits together, else 1009 by 1009 evenly spaced ones. Wider integers: 1009 by
    1009 evenly spaced codes. A product that overflows though the exact one does not counts as the largest number,
    whatever the policy.
    """
    if spec.overflow != "saturate":
        spec = replace(spec, overflow="saturate")
    if spec.a.width + spec.b.width <= 16:
        a, b = normal_pairs(spec)
    elif spec.wide.integer:
        a, b = _spaced(spec.a.width)[:, None], _spaced(spec.b.width)
    else:
        fmt_a, fmt_b = cast(FloatFormat, spec.a), cast(FloatFormat, spec.b)
        x, y = mantissa_pairs(fmt_a.man_bits, fmt_b.man_bits)
        a, b = x + (fmt_a.bias << fmt_a.man_bits), y + (fmt_b.bias << fmt_b.man_bits)
    return operand_errors(spec, a, b, wide).mean


def normal_pairs(spec: Multiplier) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of codes of normal numbers whose exact product lies among the normal numbers of the result's format
    (integers: all pairs), of operands of up to 16 bits together."""
    a, b = all_pairs(spec)
    if spec.wide.integer:
        return a, b
    counted = _normal(spec.a, a) & _normal(spec.b, b) & _in_range(spec.narrow, exact_product(spec, a, b))
    return a[counted], b[counted]


def _normal(fmt, codes):
    field = codes & fmt.field_mask
    return (field >= fmt.min_normal) & (field <= fmt.max_finite)


def _in_range(fmt, values):
    smallest, largest = decode(fmt, [fmt.min_normal, fmt.max_finite])
    return (abs(values) >= smallest) & (abs(values) <= largest)


def mantissa_pairs(man_a: int, man_b: int) -> tuple[np.ndarray, np.ndarray]:
    """Mantissas uniform over [0, 1), as integers: every pair up to 20 bits together, else 1009 by 1009 evenly spaced
    ones. Gives two arrays that broadcast against each other."""
    if man_a + man_b <= _EXHAUSTIVE_BITS:
        return np.arange(1 << man_a)[:, None], np.arange(1 << man_b)
    return _spaced(man_a)[:, None], _spaced(man_b)


def _spaced(man_bits):
    count = min(_GRID, 1 << man_bits)
    return ((2 * np.arange(count) + 1) << man_bits) // (2 * count)


def mantissa_errors(method: str, man_a: int, man_b: int | None = None, offset: int = 0, guard_bits: int = 0,
                    scale: float = 1.0, mantissas: Sequence[np.ndarray] | None = None) -> Errors:
    """`Errors` of a way to multiply significands, exponents aside.

    Parameters
    ----------
    method : str
        ``add``: L-Mul's integer addition, the carry going to the exponent. ``formula``: the sum that the paper
        prints, ``1 + x + y + offset``. ``round``, ``truncate``: the exact product to ``man_a`` bits after the first,
        to nearest even or downwards.
    man_a, man_b : int
        Mantissa bits of the operands, ``man_b`` those of ``a`` unless given.
    offset : int
        The constant of ``add`` and ``formula``, in units of ``2**-(man_a + guard_bits)``.
    guard_bits : int
        Bits that the sum of ``add`` or ``formula`` has below its operands' last place.
    scale : float
        A factor applied to every product.
    mantissas : pair of int arrays
        Where to measure; default `mantissa_pairs`, uniform.

    Raises
    ------
    Refusal
        If there is no such method.
    """
    man_b = man_a if man_b is None else man_b
    x, y = mantissa_pairs(man_a, man_b) if mantissas is None else mantissas
    actual = significand_product(method, man_a, man_b, x, y, offset, guard_bits)
    return measure(scale * actual, (1 + x / (1 << man_a)) * (1 + y / (1 << man_b)))


def significand_product(method: str, man_a: int, man_b: int, x: ArrayLike, y: ArrayLike, offset: int = 0,
                        guard_bits: int = 0) -> np.ndarray:
    """What a ``method`` of `mantissa_errors` makes of significands ``1 + x * 2**-man_a`` and ``1 + y * 2**-man_b``:
    float64, exact."""
    x, y = np.asarray(x, np.int64), np.asarray(y, np.int64)
    if method in ("add", "formula"):
        bits = man_a + guard_bits
        total = (x << guard_bits) + (y << (bits - man_b)) + offset
        if method == "formula":
            return 1 + total / (1 << bits)
        one = 1 << bits
        return np.ldexp((one + (total & (one - 1))).astype(np.float64), ((total >> bits) - bits).astype(np.int32))
    exact = ((1 << man_a) + x) * ((1 << man_b) + y)
    shift = man_b + (exact >> (man_a + man_b + 1))
    if method == "round":
        kept = round_shift(exact, shift)
    elif method == "truncate":
        kept = exact >> shift
    else:
        raise Refusal(f"Method must be one of {', '.join(METHODS)}, not {method!r}")
    return np.ldexp(kept.astype(np.float64), (shift - man_a - man_b).astype(np.int32))
