"""A set of states of gates, kept in the order in which they came; 64 at a time to a machine word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numba import njit

_CHUNK = 1 << 14  # states in one range


class States:
    """States of so many bits.

    Attributes
    ----------
    bits : int
    count : int
        How many there are.
    """

    def __init__(self, bits: int) -> None:
        self.bits, self.count = bits, 0
        self._rows = np.empty((1 << 12, -(-bits // 64)), np.uint64)
        self._table = np.full(1 << 14, -1, np.int32)  # numbers of rows, by hash

    def add(self, planes: Sequence[np.ndarray], where: np.ndarray) -> None:
        """States by bits, a plane of uint64 each: those for which ``where`` is set and which are new."""
        rows = np.zeros((int(np.bitwise_count(where).sum()), self._rows.shape[1]), np.uint64)
        _rows_of(np.array(planes), where, rows)
        most = self.count + len(rows)
        if most > len(self._rows):
            more = np.empty((max(len(self._rows) // 2, len(rows)), rows.shape[1]), np.uint64)
            self._rows = np.concatenate([self._rows, more])
        if 2 * most > len(self._table):
            self._table = np.full(1 << (4 * most).bit_length(), -1, np.int32)
            _enter(self._rows, 0, self._rows[: self.count], self._table)
        self.count = _enter(self._rows, self.count, rows, self._table)

    def planes(self, start: int, end: int) -> list[np.ndarray]:
        """The states of a range by bits; what is left of the last word is filled up with the last state."""
        rows = self._rows[np.minimum(np.arange(start, start + -(-(end - start) // 64) * 64), end - 1)]
        planes = np.zeros((self.bits, len(rows) // 64), np.uint64)
        _planes_of(rows, planes)
        return list(planes)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Ranges of all states, of those too that are added meanwhile."""
        start = 0
        while start < self.count:
            end = min(self.count, start + _CHUNK)
            yield start, end
            start = end


@njit(nogil=True, cache=True)
def _enter(rows, count, new, table):
    """Writes those of the new rows behind ``count`` others that the table does not know; gives how many they are then.
    With an empty table the new rows are these others themselves."""
    mask = len(table) - 1
    for n in range(len(new)):
        h = np.uint64(0)
        for word in new[n]:
            h = (h ^ word) * np.uint64(0x9E3779B97F4A7C15)
            h ^= h >> np.uint64(29)
        at = np.int64(h) & mask
        while table[at] >= 0:
            same = True
            for k in range(new.shape[1]):
                same &= rows[table[at], k] == new[n, k]
            if same:
                break
            at = (at + 1) & mask
        if table[at] < 0:
            table[at] = count
            for k in range(new.shape[1]):
                rows[count, k] = new[n, k]
            count += 1
    return count


@njit(nogil=True, cache=True)
def _rows_of(planes, where, rows):
    """Bit by bit to state by state, of those states that are set in ``where``."""
    first = 0
    for w in range(planes.shape[1]):
        places = [k for k in range(64) if where[w] >> np.uint64(k) & np.uint64(1)]
        for bit in range(planes.shape[0]):
            word, place, shift = planes[bit, w] & where[w], bit // 64, np.uint64(bit % 64)
            if word:
                for n, k in enumerate(places):
                    rows[first + n, place] |= (word >> np.uint64(k) & np.uint64(1)) << shift
        first += len(places)


@njit(nogil=True, cache=True)
def _planes_of(rows, planes):
    """State by state to bit by bit."""
    for bit in range(planes.shape[0]):
        place, shift = bit // 64, np.uint64(bit % 64)
        for w in range(planes.shape[1]):
            word = np.uint64(0)
            for n in range(64):
                word |= (rows[64 * w + n, place] >> shift & np.uint64(1)) << np.uint64(n)
            planes[bit, w] = word
