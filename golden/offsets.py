"""The constant that makes the integer addition as good as a constant can."""

from functools import cache, lru_cache

import numpy as np

from .refusal import Refusal

_ENUMERATED_BITS = 10  # mantissas of which all pairs are taken


@lru_cache(maxsize=256)
def best_offset(man_a: int, man_b: int, guard_bits: int = 0) -> int:
    """The integer offset that minimises the mean squared relative error of L-Mul's integer addition.

    The mean is over all pairs of mantissas, each pair once, against the exact product, and the addition carries into
    the exponent as hardware does. Mantissas of up to 10 bits are enumerated; beyond that the mean is taken by
    quadrature, so precisely that the integer is the same.

    Parameters
    ----------
    man_a, man_b : int
        Mantissa bits of the operands, ``man_a >= man_b``.
    guard_bits : int
        Bits that the sum has below the last place of the wider mantissa.

    Returns
    -------
    int
        In units of the sum's last place.

    Raises
    ------
    Refusal
        If there are guard bits beyond a mantissa that is enumerated.
    """
    if man_a <= _ENUMERATED_BITS:
        return _enumerated(man_a, man_b, guard_bits)
    if guard_bits:
        raise Refusal(f"Guard bits must be 0 for mantissas of more than {_ENUMERATED_BITS} bits, not {guard_bits}")
    return _by_quadrature(man_a, man_b)


def _enumerated(man_a, man_b, guard_bits=0):
    """The best offset from 0 to 1: already with 0 no product is too large, with 1/4 none too small. The error is a sum
    over sums of mantissas s of ``(V(s) / exact - 1)**2``, so ``1 / exact`` and its square need adding up once per s,
    not once per offset."""
    one = 1 << man_a
    x, y = np.arange(one), np.arange(1 << man_b) << (man_a - man_b)
    sums = (x[:, None] + y).ravel()
    inverse = 1 / ((1 + x[:, None] / one) * (1 + y / one)).ravel()
    first, second = np.bincount(sums, inverse), np.bincount(sums, inverse**2)
    sums = np.arange(len(first))
    step = one << guard_bits
    errors = []
    for offset in range(step):
        value = _value(sums / one + offset / step)
        errors.append(np.dot(value * value, second) - 2 * np.dot(value, first))
    return int(np.argmin(errors))


def _value(t):
    """What the addition makes of a sum of mantissas ``t``: the integer part goes to the exponent."""
    return np.ldexp(1 + t - np.floor(t), np.floor(t).astype(np.int32))


def _by_quadrature(man_a, man_b):
    """The integer nearest to the zero of the derivative, about which the error is a parabola."""
    low, high = 0.0, 0.25
    while high - low > 2.0 ** (-man_a - 8):
        middle = (low + high) / 2
        if _slope(middle, man_a, man_b) > 0:
            high = middle
        else:
            low = middle
    return round(low * (1 << man_a))


def _slope(offset, man_a, man_b):
    """Derivative of the mean squared relative error by the offset, both relative to 1.

    A mantissa grid of step h is replaced by the interval from -h/2 to 1 - h/2, each point by the cell about it: exact
    to second order in h. A short ``b`` is summed as it is.
    """
    start, end = -(0.5 ** (man_a + 1)), 1 - 0.5 ** (man_a + 1)
    kinks = [-offset, 1 - offset, 2 - offset]  # where x + y carries
    if man_b <= _ENUMERATED_BITS:
        y, weight = np.arange(1 << man_b) / (1 << man_b), np.full(1 << man_b, 0.5**man_b)
    else:
        first, last = -(0.5 ** (man_b + 1)), 1 - 0.5 ** (man_b + 1)
        # The integral over x bends where a kink enters or leaves its interval.
        bends = [np.clip(kink - x, first, last) for kink in kinks for x in (start, end)]
        y, weight = _gauss(np.unique([first, *bends, last]))
    edges = np.array([np.full_like(y, start), *(np.clip(kink - y, start, end) for kink in kinks), np.full_like(y, end)])
    total = 0.0
    for floor_t, a, b in zip((-1, 0, 1, 2), edges[:-1], edges[1:], strict=True):
        # Here V = scale * (x + constant), and the integrals of V / (1 + x)**2 and 1 / (1 + x) are elementary.
        scale, constant = 2.0**floor_t, 1 + y + offset - floor_t
        log = np.log1p(b) - np.log1p(a)
        inverse = 1 / (1 + a) - 1 / (1 + b)
        total = total + scale * (scale * (log + (constant - 1) * inverse) / (1 + y) ** 2 - log / (1 + y))
    return float(np.dot(weight, total))


@cache
def _legendre():
    return np.polynomial.legendre.leggauss(24)


def _gauss(breaks):
    """Gauss-Legendre nodes and weights over the intervals between ``breaks``."""
    nodes, weights = _legendre()
    half = np.diff(breaks)[:, None] / 2
    return ((breaks[:-1, None] + half) + half * nodes).ravel(), (half * weights).ravel()
