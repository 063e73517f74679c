"""Bits of many weights added up by one tree of full adders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Cat, Const, Module, Signal, Value

if TYPE_CHECKING:
    from .partials import Partials


class Heap:
    """Bits to be added up, by the place of their weight, and a constant."""

    def __init__(self, width: int, constant: int) -> None:
        self.columns: list[list[Value]] = [[] for _ in range(width)]
        self.ones = [bool(constant >> place & 1) for place in range(width)]

    def add(self, bit: Value, place: int) -> None:
        """Put a bit in; those that are there first are put in first. What is too high is lost."""
        if place < len(self.columns):
            self.columns[place].append(bit)

    def reduce(self, m: Module) -> tuple[Value, Value]:
        """Two words whose sum is that of all bits, modulo the width. In stages three bits of a column become, by a full
        adder, one of it and one of the next; full adders of a stage that stand side by side are words."""
        stage = 0
        while any(len(column) + one > 2 for column, one in zip(self.columns, self.ones, strict=True)):
            self._stage(m, stage)
            stage += 1
        for column, one in zip(self.columns, self.ones, strict=True):
            column += [Const(1)] * one + [Const(0, 1)] * 2
        x, y = (Cat(column[n] for column in self.columns) for n in range(2))
        return x, y

    def _stage(self, m, stage):
        counts = [(len(column) + one) // 3 for column, one in zip(self.columns, self.ones, strict=True)]
        taken = [column[: 3 * count - one] for column, one, count in zip(self.columns, self.ones, counts, strict=True)]
        ones = [one and count > 0 for one, count in zip(self.ones, counts, strict=True)]
        self.ones = [one and not count for one, count in zip(self.ones, counts, strict=True)]
        # What is left over waits longest, so the next stage begins with it.
        self.columns = [column[len(bits) :] for column, bits in zip(self.columns, taken, strict=True)]
        for n in range(max(counts)):
            having = [(place, ones[place] and not n) for place, count in enumerate(counts) if count > n]
            for one, places in _runs(having):
                bits = [[taken[place].pop(0) for _ in range(3 - one)] for place in places]
                self._add_words(m, f"{stage}_{n}_{places[0]}", places, [Cat(row) for row in zip(*bits, strict=True)])

    def _add_words(self, m, name, places, words):
        """Full adders side by side, of three words, or of two and ones."""
        total, carry = Signal(len(places), name=f"sum_{name}"), Signal(len(places), name=f"carry_{name}")
        if len(words) == 2:
            x, y = words
            m.d.comb += [total.eq(~(x ^ y)), carry.eq(x | y)]
        else:
            x, y, z = words
            m.d.comb += [total.eq(x ^ y ^ z), carry.eq((x & y) | (x & z) | (y & z))]
        for word, up in ((total, 0), (carry, 1)):
            for n, place in enumerate(places):
                self.add(word[n], place + up)


def _runs(having):
    """Neighbouring places that have the same: lists of places, each with what they have."""
    runs = []
    for place, what in having:
        if runs and runs[-1][0] == what and runs[-1][1][-1] == place - 1:
            runs[-1][1].append(place)
        else:
            runs.append((what, [place]))
    return runs


def gather(m: Module, partials: Partials, products: list[Value], width: int, acc: Value | None = None,
           more: int = 0) -> Value:
    """A signal ``gathered``: the sum of products, given as partials, of ``acc``, unsigned, and of ``more``, modulo
    ``2**width``, by one tree of full adders and one addition."""
    assert acc is None or not partials.negative
    # Of partials of the other sign the complement is added up, which is less by one than the sum with its sign changed.
    rest = len(products) * partials.constant
    heap = Heap(width, rest - more - 1 if partials.negative else rest + more)
    for place, bit in enumerate(acc if acc is not None else ()):
        heap.add(bit, place)
    for n, place in enumerate(partials.places):  # the same partial of all products, one after the other
        for product in products:
            heap.add(product[n], place)
    x, y = heap.reduce(m)
    gathered = Signal(width, name="gathered")
    m.d.comb += gathered.eq(~(x + y) if partials.negative else x + y)
    return gathered
