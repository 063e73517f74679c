"""What the core of a tile owes for the vectors and rows of weights that it took: results in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .handshake import selected
from .logic import FALSE, TRUE

if TYPE_CHECKING:
    from .logic import Logic

WAITING, TILES = 3, 4  # vectors, and tiles of weights, that wait for each other at the most, and one more of each
_WORD = 3  # bits: whether there is one, its mark, ``last``


class Queue:
    """Words that wait, first in first out: of each whether there is one, and its bits, which are 0 where there is none.

    Attributes
    ----------
    entries : list of list of int
        The first first.
    """

    def __init__(self, logic: Logic, entries: list[list[int]]) -> None:
        self.logic, self.entries = logic, entries

    def pop(self, when: int) -> None:
        after = [*self.entries[1:], [FALSE] * len(self.entries[0])]
        self.entries = [[self.logic.mux(when, new, old) for new, old in zip(*each, strict=True)]
                        for each in zip(after, self.entries, strict=True)]

    def push(self, when: int, *word: int) -> int:
        """Whether there was no room for it."""
        before, entries, full = TRUE, [], self.entries[-1][0]
        for entry in self.entries:
            here = self.logic.any([when ^ 1, before ^ 1, entry[0]]) ^ 1
            entries.append([self.logic.or_(old, self.logic.and_(here, new))
                            for old, new in zip(entry, [TRUE, *word], strict=True)])
            before = entry[0]
        self.entries = entries
        return self.logic.and_(when, full)

    def clear(self, where: int) -> None:
        self.entries = [[self.logic.and_(where ^ 1, bit) for bit in entry] for entry in self.entries]


class Owed:
    """The definition of a core's order, a step a cycle: vectors and rows of weights are taken, a vector is paired with
    its weights, and the rows of a run's last pass are owed.

    A row of results is marked where a marked vector of that row met marked weights, in whichever pass.

    Parameters
    ----------
    logic : Logic
    bits : iterator of int, optional
        The state; by default that after reset.
    lanes, rows, results : int
        Rows of weights of a tile, rows of partial sums, and how many results can be owed at once.

    Attributes
    ----------
    used_a, used_b : int
        Whether the marked vector, the marked row of weights has come.
    dead : int
        Whether a run has had passes of more vectors than there are rows, or not all of as many; from then on nothing
        more is owed.
    results : Queue
        Mark, and ``last``.
    over : int
        Whether more was taken than a core has room for.
    """

    def __init__(self, logic: Logic, lanes: int, rows: int, results: int, bits: Iterator[int] | None = None) -> None:
        def some(count):
            return [next(bits) if bits else FALSE for _ in range(count)]

        def place(count):
            return some(count) if bits else [TRUE] + [FALSE] * (count - 1)

        self.logic, self.over = logic, FALSE
        self.used_a, self.used_b, self.dead, self.later, self.part = some(5)
        self.row, self.index, self.ended = place(lanes), place(rows + 1), place(rows + 1)
        self.memory = some(rows)
        self.vectors, self.tiles, self.results = (Queue(logic, [some(_WORD) for _ in range(count)])
                                                  for count in (WAITING, TILES, results))

    @property
    def bits(self) -> list[int]:
        """The state, in the order in which it is taken."""
        entries = [*self.vectors.entries, *self.tiles.entries, *self.results.entries]
        return [self.used_a, self.used_b, self.dead, self.later, self.part, *self.row, *self.index, *self.ended,
                *self.memory, *(bit for entry in entries for bit in entry)]

    def step(self, vector: tuple[int, int, int], weights: tuple[int, int, int]) -> None:
        """A vector and a row of weights, each as whether it is taken, its mark and ``last``."""
        self._vector(*vector)
        self._weights(*weights)
        self._pair()
        self._forget()

    def _vector(self, taken, mark, last):
        logic = self.logic
        self.used_a = logic.or_(self.used_a, logic.and_(taken, mark))
        self._noted(self.vectors.push(logic.and_(taken, self.dead ^ 1), mark, last))

    def _weights(self, taken, mark, last):
        logic, end = self.logic, self.row[-1]
        self.used_b = logic.or_(self.used_b, logic.and_(taken, mark))
        part = logic.or_(self.part, mark)
        self._noted(self.tiles.push(logic.any([taken ^ 1, self.dead, end ^ 1]) ^ 1, part, last))
        self.part = logic.mux(taken, logic.and_(part, end ^ 1), self.part)
        self.row = self._moved(taken, self.row, [self.row[-1], *self.row[:-1]])

    def _noted(self, over):
        self.over = self.logic.or_(self.over, over)

    def _moved(self, when, bits, to):
        return [self.logic.mux(when, new, old) for new, old in zip(to, bits, strict=True)]

    def _pair(self):
        """The first vector with its weights, where both are there."""
        logic = self.logic
        (some, mark, last), (there, other, final) = self.vectors.entries[0], self.tiles.entries[0]
        pair, alone = logic.and_(some, there), logic.and_(self.later ^ 1, final)
        total = logic.or_(logic.and_(mark, other), selected(logic, self.index[:-1], self.memory))
        uneven = logic.xor(last, selected(logic, self.index, self.ended))
        bad = logic.or_(logic.and_(self.index[-1], alone ^ 1), logic.and_(self.later, uneven))
        self.dead = logic.or_(self.dead, logic.and_(pair, bad))
        good = logic.and_(pair, bad ^ 1)
        end = logic.and_(good, last)
        self._noted(self.results.push(logic.and_(good, final), total, last))
        self.vectors.pop(good)
        self.tiles.pop(end)
        kept = logic.and_(total, final ^ 1)
        self.memory = [logic.mux(logic.and_(good, here), kept, old)
                       for here, old in zip(self.index, self.memory, strict=False)]
        begin = [TRUE] + [FALSE] * (len(self.index) - 1)
        ended = self._moved(final, self.index, begin)  # of no use behind the run
        self.ended = self._moved(logic.and_(end, logic.or_(final, self.later ^ 1)), self.ended, ended)
        further = [FALSE, *self.index[:-2], logic.or_(*self.index[-2:])]
        self.index = self._moved(good, self.index, self._moved(last, further, begin))
        self.later = logic.mux(end, final ^ 1, self.later)

    def _forget(self):
        """Of a dead run nothing counts but what was owed before."""
        logic, dead = self.logic, self.dead
        self.vectors.clear(dead)
        self.tiles.clear(dead)
        self.row, self.index, self.ended = (self._moved(dead, bits, [TRUE] + [FALSE] * (len(bits) - 1))
                                            for bits in (self.row, self.index, self.ended))
        self.memory = [logic.and_(dead ^ 1, bit) for bit in self.memory]
        self.part, self.later = (logic.and_(dead ^ 1, bit) for bit in (self.part, self.later))
