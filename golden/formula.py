"""The formula that the L-Mul paper prints, which is not the integer addition that hardware builds."""

import numpy as np
from numpy.typing import ArrayLike

from .codec import as_codes
from .formats import FloatFormat


def lmul_formula(fmt: FloatFormat, a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """``(1 + xm + ym + 2**-l(m)) * 2**(xe + ye)`` with the sign of the product (arXiv 2410.00907, equation 1).

    Where ``xm + ym + 2**-l`` reaches 1, the integer addition carries into the exponent and so weighs what lies above
    double; the formula does not.

    Parameters
    ----------
    fmt : FloatFormat
        Format of both operands.
    a, b : arrays of codes
        They broadcast. Subnormals count as zero; NaN, Inf and zeros give what a product of such numbers gives.

    Returns
    -------
    array of float64
        Exact, neither rounded to the format nor limited to its range.

    Raises
    ------
    Refusal
        If a code does not fit the format.
    """
    a, b = (as_codes(fmt, codes).astype(np.int64) for codes in (a, b))
    x, y = a & fmt.field_mask, b & fmt.field_mask
    significand = fmt.min_normal + (x & fmt.man_mask) + (y & fmt.man_mask) + (fmt.min_normal >> fmt.l_m)
    exp = (x >> fmt.man_bits) + (y >> fmt.man_bits) - 2 * fmt.bias - fmt.man_bits
    value = np.ldexp(significand.astype(np.float64), exp.astype(np.int32))
    zero = (x < fmt.min_normal) | (y < fmt.min_normal)
    value = np.where(zero, 0.0, value)
    if fmt.has_inf:
        inf = (x == fmt.inf) | (y == fmt.inf)
        value = np.where(inf, np.where(zero, np.nan, np.inf), value)
    value = np.where(fmt.is_nan(x) | fmt.is_nan(y), np.nan, value)
    return np.where((a ^ b) & fmt.sign_mask, -value, value)
