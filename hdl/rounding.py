"""Rounding of a product by a carry into the sum of the mantissas (arXiv 2406.18441)."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from .operand import named

MAN_BITS = 3  # of the longer mantissa, up to which the carry is never more than 1


class Rounding:
    """The product of two significands, rounded to nearest even (or ``cut``) to the precision of the first, beside the
    sum of their mantissas: ``1.x * 1.y`` is ``x + y`` above 1, or one last place more. Of 1.010 and 1.010, 25 / 16, the
    sum of the mantissas is 100 and the nearest is 1.100, 24 / 16: no carry, and ``more`` than that is left.

    Each method gives one bit, a function of both mantissas.

    Parameters
    ----------
    man_bits, other_bits : int
        Of the mantissas; the second are aligned to the first. At most `MAN_BITS`.
    """

    def __init__(self, m: Module, man_bits: int, other_bits: int, cut: bool = False) -> None:
        self._m = m
        one, other = 1 << man_bits, 1 << other_bits
        self._pairs = [(x, y) for y in range(other) for x in range(one)]
        self._carry, self._below, self._above = [], [], []
        for x, y in self._pairs:
            exact = (one + x) * (other + y)  # in units of the last places of both; a last place of the product is
            unit = other if exact < 2 * one * other else 2 * other
            rounded, rest = divmod(exact, unit)
            rounded += not cut and (2 * rest > unit or (2 * rest == unit and rounded % 2))
            field = rounded - one if unit == other else rounded  # a carry into the exponent counts as 1.0
            self._carry.append(field - x - y * one // other)
            self._below.append(exact > rounded * unit)
            self._above.append(exact < rounded * unit)
        assert set(self._carry) <= {0, 1}

    def carry(self, x: Value, y: Value) -> Signal:
        """What the rounded product is above the sum of the mantissas, in last places."""
        return self._of("round_carry", self._carry, x, y)

    def below(self, x: Value, y: Value) -> Signal:
        """Whether the rounded product is below the exact one."""
        return self._of("round_below", self._below, x, y)

    def above(self, x: Value, y: Value) -> Signal:
        """Whether the rounded product is above the exact one."""
        return self._of("round_above", self._above, x, y)

    def _of(self, name, values, x, y):
        return named(self._m, name, _chosen([int(value) for value in values], list(Cat(x, y))))


def _chosen(table, bits):
    """The entry of a table of bits that ``bits`` count, the lowest first. A shift of the table by them would have more
    bits than one, of which lint complains."""
    if len(set(table)) == 1:
        return Const(table[0], 1)
    half = len(table) // 2
    return Mux(bits[-1], _chosen(table[half:], bits[:-1]), _chosen(table[:half], bits[:-1]))
