"""The scale with which the few numbers of a format come nearest to a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .base import LARGEST_SCALE, SMALLEST_SCALE, sorted_values

if TYPE_CHECKING:
    from .base import Format

#: Scales tried first, over the one that clips nothing: close together where the largest numbers decide, then on to one
#: that all but the smallest numbers clip.
_TRIED = [2.0 ** (-step / 48) for step in (*range(-48, 144), *range(144, 576, 6))]
_ROUNDS = 30
_LEAST_GAIN = 1e-12  # of the sum of squares: less is rounding, and would spoil a scale that is exact


def least_squares(fmt: Format, values: np.ndarray) -> float:
    """The scale ``s`` for the least sum of ``(values - s * codes)**2``, codes being the nearest ones; or next to it,
    since the sum has many minima where numbers are many.

    For ternary numbers that is what Ternary Weight Networks ask for (arXiv 1605.04711, equation 2), whose threshold of
    0.7 mean magnitudes, and the mean magnitude as a scale of BitNet b1.58 (arXiv 2402.17764), come near it. Here the
    best of a row of scales is made better in turns: the nearest codes for the scale, then the scale for these codes,
    ``sum(values * codes) / sum(codes**2)``; neither can enlarge the error (Lloyd 1982). One of the row is the one that
    clips nothing, so the error is never above that one's.

    Parameters
    ----------
    fmt : Format
        Of up to 16 bits and one number to a code.
    values : float array
        One of them is not 0.

    Returns
    -------
    float
        Larger than 0, and the same for the same values in any order.
    """
    largest = float(np.abs(values).max())
    tensor = _Sums(np.sort(np.asarray(values, np.float64).ravel()) / largest)  # squares of any tensor's are finite
    numbers = sorted_values(fmt)[0] / fmt.magnitude
    errors, better = tensor.fit(numbers, np.array(_TRIED))
    best = np.argmin(errors)
    scale, error, next_scale = _TRIED[best], errors[best], better[best]
    for _ in range(_ROUNDS):
        [next_error], [after] = tensor.fit(numbers, np.array([next_scale]))
        if not next_error < error - _LEAST_GAIN * abs(error):
            break
        scale, error, next_scale = next_scale, next_error, after
    return min(max(float(scale) * (largest / fmt.magnitude), SMALLEST_SCALE), LARGEST_SCALE)


class _Sums:
    """Sorted numbers, and what any run of neighbours among them sums to, at once."""

    def __init__(self, values):
        self.values = values
        self.before = np.concatenate([[0.0], np.cumsum(values)])

    def fit(self, numbers, scales):
        """For each scale the error with which ``numbers`` (ascending) times the scale stand for the values, less the
        sum of their squares; and the best scale for the codes that this one gives."""
        between = (numbers[1:] + numbers[:-1]) / 2
        ends = np.searchsorted(self.values, between * scales[:, None])
        ends = np.pad(ends, ((0, 0), (1, 1)))
        ends[:, -1] = len(self.values)
        counts, sums = np.diff(ends, axis=1), np.diff(self.before[ends], axis=1)
        mixed, squared = (sums * numbers).sum(axis=1), (counts * numbers**2).sum(axis=1)
        errors = scales * (scales * squared - 2 * mixed)
        return errors, np.divide(mixed, squared, out=np.zeros_like(mixed), where=squared > 0)
