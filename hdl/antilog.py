"""Powers of two whose exponents have fractions, by integers alone: thresholds and tables of log codes."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def power(places: int, n: int, bits: int) -> int:
    """``2**(bits + n / 2**places)``, rounded down: the largest integer whose power is not above, bit by bit."""
    steps, found = 1 << places, 0
    for bit in range(bits + 1, -1, -1):
        if (found | 1 << bit) ** steps <= 1 << (bits * steps + n):
            found |= 1 << bit
    return found


def nearest(places: int, n: int, bits: int) -> int:
    """The integer nearest to ``2**(bits + n / 2**places)``. Halfway is only n = 0 of -1 bits, which goes to 0."""
    if n == 0 or bits < -1:
        return 1 << bits if bits >= 0 else 0
    return (power(places, n, bits + 1) + 1) >> 1
