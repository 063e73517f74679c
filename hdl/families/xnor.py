"""Dot products of signs: XNOR, and a count of ones."""

from amaranth.hdl import Module, Signal

from ..integers import IntegerPart


class XnorPopcount(IntegerPart):
    """``p``: as many pairs of signs that agree, less those that do not."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        size = self.spec.a.width
        differ = Signal(size, name="differ")
        m.d.comb += differ.eq(self.a ^ self.b)
        count = _count(m, [differ[i] for i in range(size)])
        m.d.comb += self.p.eq(size - (count << 1))
        return m


def _count(m, bits):
    """How many of the bits are 1, by a tree of additions."""
    numbers, level = list(bits), 0
    while len(numbers) > 1:
        level, sums = level + 1, []
        for n, (x, y) in enumerate(zip(numbers[::2], numbers[1::2], strict=False)):
            total = Signal(len(x) + 1, name=f"count{level}_{n}")
            m.d.comb += total.eq(x + y)
            sums.append(total)
        numbers = sums + numbers[len(numbers) // 2 * 2 :]
    return numbers[0]


component = XnorPopcount
