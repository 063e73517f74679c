"""Sums of products in plain integers of any length, in the order of the gates."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .products import Product, rounded_shift


class Float:
    """A float format with Inf and NaN, as `bench.json` describes it, and its addition, rounded to nearest even."""

    def __init__(self, about: dict[str, Any], events: Counter) -> None:
        self.man_bits, self.bias, self.inf, self.nan = (about[name] for name in ("man_bits", "bias", "inf", "nan"))
        self.field_bits = about["width"] - 1
        self._events = events

    def rounded(self, total: int, exp: int) -> int:
        """The code nearest to ``total * 2**exp``; of nothing +0."""
        if not total:
            return 0
        size = abs(total)
        top = max(exp + size.bit_length() - 1 + self.bias, 1)  # biased; 1 for subnormals too
        shift = top - self.bias - self.man_bits - exp
        field = ((top - 1) << self.man_bits) + rounded_shift(size, shift)
        if shift > 0 and size & ((1 << shift) - 1):
            self._events["rounded"] += 1
        if field >= self.inf:
            self._events["overflowed"] += 1
        return min(field, self.inf) | (total < 0) << self.field_bits

    def added(self, acc: int, sign: int, size: int, exp: int, inf: bool = False, nan: bool = False) -> int:
        """The code of ``acc`` and ``(-1)**sign * size * 2**exp``, Inf or NaN."""
        acc_sign, field = acc >> self.field_bits, acc & ((1 << self.field_bits) - 1)
        if inf or nan or field >= self.inf:
            if nan or field > self.inf or (inf and field == self.inf and sign != acc_sign):
                return self.nan
            return sign << self.field_bits | self.inf if inf else acc
        if not size:
            return acc if field or sign == acc_sign else 0
        acc_size, acc_exp = self.number(field)
        low = min(exp, acc_exp)
        total = (-1) ** acc_sign * (acc_size << acc_exp - low) + (-1) ** sign * (size << exp - low)
        self._events["cancelled"] += not total
        found = self.rounded(total, low)
        self._events["absorbed"] += found == acc
        return found

    def added_code(self, acc: int, code: int) -> int:
        """The code of the sum of two codes."""
        sign, field = code >> self.field_bits, code & ((1 << self.field_bits) - 1)
        if field >= self.inf:
            return self.added(acc, sign, 0, 0, field == self.inf, field > self.inf)
        return self.added(acc, sign, *self.number(field))

    def number(self, field: int) -> tuple[int, int]:
        """Significand and exponent of a field."""
        exp = field >> self.man_bits
        sig = field & ((1 << self.man_bits) - 1) | (exp > 0) << self.man_bits
        return sig, max(exp, 1) - self.bias - self.man_bits


class Sums:
    """How a design sums; `bench.json` says which way.

    Attributes
    ----------
    events : Counter
        What happened on the way: for the coverage, which empties it.
    """

    def __init__(self, about: dict[str, Any], products: Any) -> None:
        self._about, self._products, self.events = about, products, Counter()
        self._float = Float(about["float"], self.events) if "float" in about else None
        self.code = getattr(self, f"_{about['kind']}")

    def __call__(self, a: list[int], b: list[int]) -> int:
        """The code of the sum of the products of two rows of codes."""
        return self.code(a, b)

    def _integer(self, a, b):
        total = sum(map(self._products.integer, a, b))
        bits = self._about["bits"]
        self.events["wrapped"] += not -(1 << bits - 1) <= total < 1 << bits - 1
        return total & ((1 << bits) - 1)

    def _steps(self, a, b):
        assert self._float
        return self._held([_term(found) for found in map(self._products.product, a, b)], self._float.added)

    def _held(self, terms, add):
        """Terms, each added in turn to the partial sum of those that are as far from the end, modulo the number of
        partial sums: one, unless the sum is interleaved."""
        assert self._float
        partial = [0] * self._about["interleave"]
        for left, term in zip(range(len(terms) - 1, -1, -1), terms, strict=True):
            place = left % len(partial)
            partial[place] = add(partial[place], *term)
        return self._joined(partial)

    def _joined(self, codes):
        """The sum of codes by pairs of neighbours, pairs of these, and so on, an odd one passing on."""
        assert self._float
        while len(codes) > 1:
            odd = codes[len(codes) // 2 * 2 :]
            codes = [self._float.added_code(x, y) for x, y in zip(codes[::2], codes[1::2])] + odd  # noqa: B905
        return codes[0]

    def _exact(self, a, b):
        assert self._float
        found = [self._products.product(x, y) for x, y in zip(a, b, strict=True)]
        infinities = {each.sign for each in found if each.inf}
        if any(each.nan for each in found) or len(infinities) == 2:
            return self._float.nan
        if infinities:
            return infinities.pop() << self._float.field_bits | self._float.inf
        numbers = [each for each in found if not each.zero]
        low = min((each.exp for each in numbers), default=0)
        total = sum((-1) ** each.sign * (each.sig << each.exp - low) for each in numbers)
        self.events["cancelled"] += bool(numbers) and not total
        return self._float.rounded(total, low)

    def _aligned(self, a, b):
        assert self._float
        return self._held([self._group(found) for found in self._groups(a, b)], self._float.added)

    def _group(self, found):
        """The sum of one vector of products: each aligned to the largest exponent among them, what leaves the window
        cut off."""
        infinities = {each.sign for each in found if each.inf}
        if any(each.nan for each in found) or len(infinities) == 2:
            return 0, 0, 0, False, True
        if infinities:
            return infinities.pop(), 0, 0, True, False
        numbers = [each for each in found if not each.zero]
        top, left, total = max((each.exp for each in numbers if each.sig), default=0), self._about["left"], 0
        for each in numbers:
            size, down = each.sig << left, top - each.exp
            total += (-1) ** each.sign * (size >> down)
            self.events["cut"] += bool(size & ((1 << down) - 1))
        self.events["cancelled"] += bool(numbers) and not total
        return int(total < 0), abs(total), top - left, False, False

    def _tree(self, a, b):
        assert self._float
        minus_zero = 1 << self._float.field_bits
        terms = [(self._joined([self._float.added(minus_zero, *_term(each)) for each in found]),)
                 for found in self._groups(a, b)]
        return self._held(terms, self._float.added_code)

    def _groups(self, a, b):
        found, lanes = list(map(self._products.product, a, b)), self._about["lanes"]
        return [found[first : first + lanes] for first in range(0, len(found), lanes)]


def _term(product: Product) -> tuple[int, int, int, bool, bool]:
    number = not (product.zero or product.inf or product.nan)
    return product.sign, product.sig * number, product.exp, product.inf and not product.nan, product.nan
