"""Lanes of tiles: one product a cycle, cut to the window, as bits with weights."""

from __future__ import annotations

from functools import reduce
from operator import add, or_
from typing import TYPE_CHECKING, cast

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from ..golden.formats import IntFormat
from ..golden.tile import Tile
from .addend import Addend
from .antilog import nearest
from .families import recodable
from .multipliers import multiplier
from .operand import ignored, looked_up, named
from .part import Part
from .partials import Partials, offered

if TYPE_CHECKING:
    from ..golden.families.exact import Exact
    from ..golden.families.lmul import FieldSum
    from ..golden.families.log import Log

_DIGITS_BITS = 16  # of both significands up to which weights are taken in digits
_DECODED_BITS = 5  # bits of significand up to which each bit of a word is an OR of decoded exponents


class Lane(Part):
    """A lane of a tile: what an activation by a held weight adds to the sum.

    Activations are prepared once for all columns (`activation`), weights once when they are held (`held`): both are
    logic outside of the lane, in the tile.

    Timing: combinational.

    Parameters
    ----------
    tile : Tile
    late : bool
        Whether the sign of a word in a window is put to its size by who takes it, with `finished`; words of integers
        are the same either way.

    Members
    -------
    x : ``In(x_bits)``
        The activation, prepared.
    y : ``In(y_bits)``
        The weight, prepared.
    place : ``In(place_bits)``
        The window's place, of lanes that do not have it in the weight.
    word : ``Out(len(weights))``
        A bit for each of ``weights``, when it is `finished`.

    Attributes
    ----------
    weights : tuple of int
        Places of the bits of ``word``: each counts a power of two.
    constant : int
        What has to be added to the bits of a lane to make its number.
    """

    x_bits: int
    y_bits: int
    x: Signal
    y: Signal
    place: Signal
    word: Signal

    def __init__(self, tile: Tile, late: bool = False) -> None:
        self.tile = tile
        self.late = late and tile.window is not None
        self.spec = tile.multiplier
        self._measure()
        super().__init__({"x": In(self.x_bits), "y": In(self.y_bits), "place": In(self.place_bits),
                          "word": Out(len(self.weights))})

    @property
    def module_name(self) -> str:
        return "lane"

    @property
    def weights(self) -> tuple[int, ...]:
        """Of a window: whether there is a product in it, half a place; its size, signed; and the sign's inverse."""
        return tuple(range(self._window + 1))

    @property
    def constant(self) -> int:
        return -(1 << self._window)

    @property
    def place_bits(self) -> int:
        """Of the port ``place``, where a lane needs it."""
        return 0

    @property
    def _window(self):
        return cast(int, self.tile.window)

    def _measure(self) -> None:
        """Set ``x_bits`` and ``y_bits``."""
        self.x_bits, self.y_bits = self.spec.a.width, self.spec.b.width

    def activation(self, m: Module, name: str, code: Value) -> Value:
        """``x`` of a code."""
        return code

    def held(self, m: Module, name: str, code: Value, place: Value) -> Value:
        """``y`` of a code, where the window is at ``place``."""
        return code

    def finished(self, word: Value) -> Value:
        """Of a word that a lane gives the one that counts."""
        return self._signed(word[0], word[1:-1], word[-1]) if self.late else word

    def _give(self, m, inside, size, sign):
        """The word of a product of this size, cut to the window's bits below the sign; nothing unless ``inside``, with
        a size of 0. Of a negative one all bits are inverted: that counts half a place more, which makes it odd again.
        """
        negative = named(m, "negative", sign & inside)
        m.d.comb += self.word.eq(Cat(inside, size, negative) if self.late else self._signed(inside, size, negative))

    @staticmethod
    def _signed(inside, size, negative):
        return Cat(inside, size ^ negative.replicate(len(size)), ~negative)


class FieldLane(Lane):
    """L-Mul and log codes: one addition. The weight is held as its field with the offset and less the lowest exponent
    that counts, which is never positive; so the carry of the sum with an activation's field says that the product
    counts, and the sum's upper part how far above the lowest it is."""

    spec: FieldSum | Log

    def _measure(self) -> None:
        spec = self.spec
        self._offset = spec.wide_offset >> getattr(spec, "half", 0)
        lowest = self.tile.places[0] + self.tile.lowest
        largest = (spec.b.field_mask << spec.align) + self._offset - (lowest << spec.a.man_bits)
        self._sum_bits = max(spec.a.field_bits, largest.bit_length()) + 1 if self.tile.flagged else spec.a.field_bits
        self.x_bits = self.y_bits = self._sum_bits + 1

    def activation(self, m: Module, name: str, code: Value) -> Value:
        """The field, and the sign. Where zeros must be told apart a one above the field says that it is none: so much
        that no weight brings a sum without it to the window."""
        if not self.tile.flagged:
            return code
        some = named(m, f"{name}_some", self._some(self.spec.a, code))
        field = code[:-1] & some.replicate(self.spec.a.field_bits)
        return Cat(field, Const(0, self._sum_bits - 1 - len(field)), some, code[-1])

    def held(self, m: Module, name: str, code: Value, place: Value) -> Value:
        spec, bits = self.spec, self._sum_bits
        flag = self.tile.flagged << (bits - 1)
        low = Cat(Const(0, spec.a.man_bits), place + self.tile.lowest).as_signed()
        field = Signal(range(-(1 << bits + 2), 1 << bits + 1), name=f"{name}_less_place")
        m.d.comb += field.eq(code[:-1].shift_left(spec.align) + (self._offset - flag) - low)
        above = ~field[bits:].all()  # less than the most negative number that is held
        keep = named(m, f"{name}_keep", self._some(spec.b, code) & ~above)
        return Cat(field[:bits] & keep.replicate(bits), code[-1])

    @staticmethod
    def _some(fmt, code):
        """Whether a code is not zero."""
        return code[:-1].any() if fmt.logarithmic else code[fmt.man_bits : -1].any()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, bits = self.spec, self._sum_bits
        total = named(m, "total", self.x[:bits] + self.y[:bits])
        fraction, exp, reached = total[: spec.a.man_bits], total[spec.a.man_bits : bits], total[bits]
        inside = named(m, "inside", reached & (exp <= self.tile.span))
        if self._decoded:
            exps = [named(m, f"exp_is_{n}", reached & (exp == n - self.tile.lowest))
                    for n in range(self.tile.highest + 1)]
            size = self._decode(exps, self._significand(fraction))
        else:
            size = self._shift(m, inside, exp, self._significand(fraction))
        self._give(m, inside, size, self.x[-1] ^ self.y[-1])
        return m

    @property
    def _decoded(self):
        return self.spec.wide.frac_bits < _DECODED_BITS

    def _significand(self, fraction):
        """The significand, lowest bit first, its hidden one at the top."""
        table = getattr(self.spec, "table", 0)
        if table:
            below = [nearest(len(fraction), n, table - 1) - (1 << (table - 1)) for n in range(1 << len(fraction))]
            fraction = looked_up(fraction, [Const(each, table - 1) for each in below])
        return Cat(Const(1, getattr(self.spec, "half", 0)), fraction, Const(1, 1))

    def _decode(self, exps, significand):
        """Each bit of the size: a bit of the significand for each exponent that brings it there."""
        bits = list(reversed(significand))
        return Cat(reduce(or_, (exps[place + n] & bit for n, bit in enumerate(bits) if place + n < len(exps)))
                   for place in range(len(exps)))

    def _shift(self, m, inside, exp, significand):
        """The significand shifted to its place, less what falls below."""
        value = significand & inside.replicate(len(significand))
        frac, width = len(significand) - 1 - self.tile.lowest, self._window - 1
        value = _shifted_left(m, value, exp[: self.tile.span.bit_length()], frac, width)
        return Cat(value, Const(0, width))[:width]


class ExactLane(Lane):
    """The product of the significands, shifted down from the top of the window by a distance: the weight is held with
    what an activation of exponent 0 would be shifted by, and the activation's exponent taken off.

    The weight's significand is taken in radix-4 digits, which do not change while it is held; all columns share three
    times the activation's. So a product takes half the rows that one bit by bit does, and nothing is recoded. Wider
    significands than can be proved so are multiplied.
    """

    spec: Exact

    def _measure(self) -> None:
        a, b = self.spec.a, self.spec.b
        self._kept = self.spec.subnormals == "exact"
        # Whether activations, weights that are subnormal count.
        self._hidden, self._hidden_y = (low and self._kept for low in (self.tile.flagged, self.tile.low_weights))
        # Bits of three times the significand, where digits are taken.
        self._triple = a.man_bits + 3 if a.man_bits + b.man_bits + 2 <= _DIGITS_BITS else 0
        # The largest distance stands for a weight of 0; no activation brings it back to the window.
        self._far = (1 << (a.exp_mask + self._window).bit_length()) - 1
        self.x_bits = a.width + self.tile.flagged + self._hidden + self._triple
        self.y_bits = b.man_bits + self._hidden_y + self._far.bit_length() + 1

    def activation(self, m: Module, name: str, code: Value) -> Value:
        """Three times the significand, then mantissa, exponent, the hidden bit and whether it is not zero where these
        count, and the sign."""
        fmt = self.spec.a
        man, exp, sign = code[: fmt.man_bits], code[fmt.man_bits : -1], code[-1]
        normal = named(m, f"{name}_normal", exp.any()) if self.tile.flagged else Const(1)
        one = Cat(man, normal if self._hidden else Const(1))
        triple = named(m, f"{name}_triple", one + (one << 1)) if self._triple else Const(0, 0)
        if not self.tile.flagged:
            return Cat(triple, code)
        if not self._kept:
            return Cat(triple, man, exp, normal, sign)
        return Cat(triple, man, exp[0] | ~normal, exp[1:], normal, normal | man.any(), sign)

    def held(self, m: Module, name: str, code: Value, place: Value) -> Value:
        fmt, bits = self.spec.b, self._far.bit_length()
        man, exp, sign = code[: fmt.man_bits], code[fmt.man_bits : -1], code[-1]
        normal = named(m, f"{name}_normal", exp.any()) if self.tile.low_weights else Const(1)
        some = normal | man.any() if self._hidden_y else normal
        first = Cat(exp[0] | ~normal, exp[1:]) if self._hidden_y else exp
        distance = Signal(range(-(2 << bits), 2 << bits), name=f"{name}_distance")
        m.d.comb += distance.eq(place + self.tile.highest - first)
        far = named(m, f"{name}_far", ~some | distance[bits:].any())
        return Cat(man, *([normal] if self._hidden_y else []), distance[:bits] | far.replicate(bits), sign)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a, b = self.spec.a, self.spec.b
        triple, x = self.x[: self._triple], self.x[self._triple :]
        man_x, exp_x = x[: a.man_bits], x[a.man_bits : a.field_bits]
        man_y, rest = self.y[: b.man_bits], self.y[b.man_bits :]
        hidden_x = x[a.field_bits] if self._hidden else Const(1)
        hidden_y = rest[0] if self._hidden_y else Const(1)
        down = named(m, "down", rest[int(self._hidden_y) : -1] - exp_x)  # signed: below 0 it is above the window
        inside = ~down[-1] & (down[:-1] <= self.tile.span)
        if self.tile.flagged:
            inside &= self.x[-2]
        inside = named(m, "inside", inside)
        width = self._window - 1
        product = named(m, "product", self._product(m, Cat(man_x, hidden_x), triple, Cat(man_y, hidden_y))[-width:])
        value = Cat(Const(0, width - len(product)), product) & inside.replicate(width)
        amount, size = down[: self.tile.span.bit_length()], value
        for stage in reversed(range(len(amount))):  # the longest first: it has most zeros to shift in
            shifted = Signal(width, name=f"right_{1 << stage}")
            m.d.comb += shifted.eq(Mux(amount[stage], size[1 << stage :], size))
            size = shifted
        self._give(m, inside, size, self.x[-1] ^ self.y[-1])
        return m

    def _product(self, m, one, triple, weight):
        """The product of significands: of each radix-4 digit of the weight's, once, twice or three times the other."""
        if not self._triple:
            return one * weight
        rows = []
        for n in range(0, len(weight), 2):
            low, high = weight[n], weight[n + 1] if n + 1 < len(weight) else Const(0)
            some = ((one, low & ~high), (one << 1, high & ~low), (triple, low & high))
            row = reduce(or_, (multiple & chosen.replicate(len(triple)) for multiple, chosen in some))
            rows.append(named(m, f"row_{n // 2}", row)[: len(triple)] << n)
        total = reduce(add, rows)
        return total[: len(one) + len(weight)]


class ProductLane(Lane):
    """Any other family of floats: its wide product, shifted to the window."""

    def _measure(self) -> None:
        super()._measure()
        self.addend = Addend.product(self.spec)

    @property
    def place_bits(self) -> int:
        return place_width(self.tile)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.multiplier = product = multiplier(self.spec, wide=True)
        m.d.comb += [product.a.eq(self.x), product.b.eq(self.y)]
        p = self.addend.fields(product.p)
        flags = self.spec.wide.has_inf + self.spec.wide.has_nan
        ignored(m, "flags", product.p[len(product.p) - flags :])  # told at the edge
        place = self.place.as_signed() if self.place_bits else Const(self.tile.places[0], 16)
        up = named(m, "up", p.exp - place - self.tile.lowest)  # from the lowest that counts
        inside = named(m, "inside", ~(p.zero | up[-1]) & (up[:-1] <= self.tile.span))
        value = p.sig & inside.replicate(len(p.sig))
        drop = self.spec.layout.frac_bits - self.tile.lowest
        value = _shifted_left(m, value, up[: self.tile.span.bit_length()], drop, self._window - 1)
        size = Cat(value, Const(0, self._window))[: self._window - 1]
        self._give(m, inside, size, p.sign)
        return m


class IntegerLane(Lane):
    """Products of integers, as partial products where the family has them, else whole."""

    @property
    def _partials(self):
        return Partials.of(self.spec)

    @property
    def _product(self):
        return cast(IntFormat, self.spec.wide)

    @property
    def weights(self) -> tuple[int, ...]:
        return self._partials.places if self._partials else tuple(range(self.spec.wide.width))

    @property
    def constant(self) -> int:
        if self._partials:
            return self._partials.constant
        return -(1 << (self._product.width - 1)) if self._product.signed else 0

    def elaborate(self, platform: object) -> Module:
        m = Module()
        found = offered(self.spec, m, self.x, self.y)
        if found is not None:
            m.d.comb += self.word.eq(Cat(~each.bit if each.minus else each.bit for each in found))
            return m
        m.submodules.multiplier = product = multiplier(self.spec, wide=True)
        m.d.comb += [product.a.eq(self.x), product.b.eq(self.y)]
        top = product.p[-1:] ^ int(self._product.signed)
        m.d.comb += self.word.eq(Cat(product.p[:-1], top))
        return m


class BoothLane(Lane):
    """Products of signed integers, of radix-4 digits: the weight is held as digits from -2 to 2 (Booth 1951, MacSorley
    1961), each as whether it is negative, 1 and 2 in size. A row is the activation times a digit, all bits inverted
    where that is negative, and a 1, which does not change while the weight is held."""

    _row: int

    def _measure(self) -> None:
        self._digits = self.spec.b.width // 2
        self._row = self.spec.a.width + 1  # twice the least number, inverted, is the largest: no bit more
        self.x_bits, self.y_bits = self.spec.a.width, 3 * self._digits

    @property
    def weights(self) -> tuple[int, ...]:
        return tuple(2 * n + place for n in range(self._digits) for place in (*range(self._row), 0))

    @property
    def constant(self) -> int:
        return -sum(1 << (2 * n + self._row - 1) for n in range(self._digits))

    def held(self, m: Module, name: str, code: Value, place: Value) -> Value:
        # Of bits 2n + 1, 2n and 2n - 1: 000 is 0, 001 and 010 are 1, 011 is 2, 100 is -2, and so forth.
        found = []
        for n in range(self._digits):
            low, middle, high = (code[2 * n - 1] if n else Const(0)), code[2 * n], code[2 * n + 1]
            one, two = middle ^ low, (middle ^ high) & ~(middle ^ low)
            found += [high & ~(middle & low), one, two]
        return named(m, f"{name}_digits", Cat(found))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = []
        wide = Cat(self.x, self.x[-1])
        for n in range(self._digits):
            minus, one, two = self.y[3 * n : 3 * n + 3]
            row = (wide & one.replicate(self._row)) | (wide.shift_left(1)[: self._row] & two.replicate(self._row))
            row = named(m, f"row_{n}", row ^ minus.replicate(self._row))
            bits += [row[:-1], ~row[-1], minus]
        m.d.comb += self.word.eq(Cat(bits))
        return m


def place_width(tile: Tile) -> int:
    """Bits of the port that says where the window is, two's complement; 0 where it has one place."""
    first, last = tile.places[0], tile.places[-1]
    return 0 if first == last else max((~first).bit_length(), last.bit_length()) + 1


def _shifted_left(m, value, amount, drop, width):
    """``width`` bits, or fewer, of a value shifted left, from bit ``drop`` up."""
    for stage, far in enumerate(amount):
        least = drop if stage == len(amount) - 1 else 0  # what falls below is dropped in the end
        shifted = Signal(min(len(value) + (1 << stage), drop + width) - least, name=f"left_{1 << stage}")
        m.d.comb += shifted.eq(Mux(far, value << (1 << stage), value)[least:])
        value = shifted
    return value


def _has_digits(spec):
    """Whether the weights of a family of integers can be held as digits: of operands whose lane can be exhausted."""
    signed = recodable(spec) and spec.a.signed and spec.b.signed
    return signed and spec.b.width % 2 == 0 and spec.a.width + spec.b.width <= 16


def lane(tile: Tile, late: bool = False) -> Lane:
    """The lane of a tile."""
    return _kind(tile.multiplier)(tile, late)


def _kind(spec):
    if spec.wide.integer:
        return BoothLane if _has_digits(spec) else IntegerLane
    if spec.a.logarithmic or (spec.form == "fields" and spec.subnormals == "flush"):
        return FieldLane
    return ExactLane if spec.form == "significands" else ProductLane
