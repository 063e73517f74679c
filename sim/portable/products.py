"""Products of two codes, in plain integers: by a table beside the bench, by the definition of products of floats, or of
integers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from . import settings


class Product(NamedTuple):
    """An unrounded product: ``(-1)**sign * sig * 2**exp``, but zero, Inf or NaN where a flag is set. ``place`` is the
    exponent as the gates have it: with the formats' biases, of the bit before the significand's point."""

    sign: int
    sig: int
    exp: int
    place: int
    zero: bool = False
    inf: bool = False
    nan: bool = False


class Table:
    """Products from a file: for each pair of codes, those of ``b`` changing fastest, a line of hex digits.

    A line's bits, lowest first: ``sig_bits`` of significand, 16 of the exponent in two's complement, sign, zero, Inf,
    NaN. Where products are integers, a line is the integer in 64 bits of two's complement.
    """

    def __init__(self, about: dict[str, Any]) -> None:
        self._about = about
        self._shift = about["b_width"]
        lines = (settings.FOLDER / about["file"]).read_text().splitlines()
        self._lines = [int(line, 16) for line in lines if not line.startswith("//")]
        self.product = lru_cache(maxsize=None)(self._product)

    def line(self, a: int, b: int) -> int:
        """What the file has for a pair."""
        return self._lines[a << self._shift | b]

    def integer(self, a: int, b: int) -> int:
        """The product of a pair, an integer."""
        return signed(self.line(a, b), 64)

    def _product(self, a, b):
        line, bits = self.line(a, b), self._about["sig_bits"]
        sig, line = line & ((1 << bits) - 1), line >> bits
        place, flags = signed(line & 0xFFFF, 16), line >> 16
        return Product(flags & 1, sig, place + self._about["scale"], place, bool(flags & 2), bool(flags & 4),
                       bool(flags & 8))


class Integers:
    """Products of integers."""

    def __init__(self, about: dict[str, Any]) -> None:
        self._formats, self._width = about["formats"], about["width"]

    def integer(self, a: int, b: int) -> int:
        """The product of a pair."""
        x, y = (signed(code, width) if is_signed else code
                for code, (width, is_signed) in zip((a, b), self._formats, strict=True))
        return x * y

    def code(self, a: int, b: int) -> int:
        """The product as a code of the result."""
        return self.integer(a, b) & ((1 << self._width) - 1)


class Operand(NamedTuple):
    """A code of a float, taken apart: ``field`` is the code without its sign."""

    sign: int
    field: int
    zero: bool
    inf: bool
    nan: bool


class Floats:
    """Products of floats as gates form them: ``fields``, whose sum and a constant is the product (L-Mul, Mitchell),
    or ``significands``, whose product it is.

    Codes have a *field*: exponent and mantissa as one integer. L-Mul of e4m3 adds them: 1.5 is 0b0111_100, 1.75 is
    0b0111_110, and with the constant 1 the sum less a bias is 0b1000_011, 2.75.
    """

    def __init__(self, about: dict[str, Any]) -> None:
        self._about, self._a, self._b = about, about["a"], about["b"]
        self.product = lru_cache(maxsize=1 << 16)(self._product)

    def code(self, a: int, b: int) -> int:
        """The product as a code of its result: rounded to the first operand's format, or unrounded in fields."""
        return self._wide(a, b) if self._about["wide"] else self._narrow(a, b)

    def _product(self, a, b):
        x, y, about = self._split(self._a, a), self._split(self._b, b), self._about
        flags = self._flags(x, y)
        if about["form"] == "fields":
            total = ((self._addend(self._a, x) + (self._addend(self._b, y) << about["align"])) << about["half"])
            total += about["wide_offset"]
            frac = about["frac_bits"]
            place, sig = total >> frac, total & ((1 << frac) - 1) | 1 << frac
        else:
            normal = about["kept"] is not None
            (sig_x, exp_x), (sig_y, exp_y) = (self._significand(fmt, each, normal)
                                              for fmt, each in ((self._a, x), (self._b, y)))
            place, sig = exp_x + exp_y, sig_x * sig_y
            if normal:
                sig, more = self._shortened(sig)
                place += more
        if about["exp_signed"]:
            place = signed(place & ((1 << about["exp_bits"]) - 1), about["exp_bits"])
        return Product(x.sign ^ y.sign, sig, place + about["scale"], place, *flags)

    def _wide(self, a, b):
        found, position, code = self._product(a, b), 0, 0
        parts = {"sig": found.sig, "exp": found.place, "sign": found.sign, "zero": found.zero, "inf": found.inf,
                 "nan": found.nan}
        for each in self._about["fields"]:
            code |= (int(parts[each["name"]]) & ((1 << each["width"]) - 1)) << position
            position += each["width"]
        return code

    def _narrow(self, a, b):
        x, y, fmt, about = self._split(self._a, a), self._split(self._b, b), self._a, self._about
        zero, inf, nan = self._flags(x, y)
        sign, man_bits, lost = (x.sign ^ y.sign) << fmt["width"] - 1, fmt["man_bits"], 0
        if nan:
            return sign | fmt["nan"]
        if inf:
            return sign | fmt["inf"]
        if zero:
            return sign
        if about["form"] == "fields":
            total = self._addend(fmt, x) + (self._addend(self._b, y) << about["align"])
            field = total + about["offset"] - (self._b["bias"] << man_bits)
            flushed = True
        else:
            (sig_x, exp_x), (sig_y, exp_y) = self._significand(fmt, x), self._significand(self._b, y)
            sig, exp = sig_x * sig_y, exp_x + exp_y - self._b["bias"]  # biased, of the bit before the point
            lost = self._b["man_bits"]  # places of the product below the result's last
            flushed = about["subnormals"] == "flush"
            above = sig.bit_length() - (man_bits + lost + 1)
            least = exp + above if flushed else max(exp + above, 1)
            field = ((least - 1) << man_bits) + rounded_shift(sig, lost + least - exp)
        if flushed and field < 1 << man_bits:
            return sign
        if field > fmt["max_finite"]:
            field = fmt["max_finite"] if about["overflow"] == "saturate" else fmt["inf"] or fmt["nan"]
        return sign | field

    def _split(self, fmt, code):
        field = code & ((1 << fmt["width"] - 1) - 1)
        zero = field < 1 << fmt["man_bits"] if self._about["subnormals"] == "flush" else field == 0
        inf = fmt["inf"] is not None and field == fmt["inf"]
        nan = field > fmt["inf"] if fmt["inf"] is not None else fmt["nan"] is not None and field == fmt["nan"]
        return Operand(code >> fmt["width"] - 1, field, zero, inf, nan)

    @staticmethod
    def _flags(x, y):
        return (x.zero or y.zero, x.inf or y.inf,
                x.nan or y.nan or (x.inf and y.zero) or (y.inf and x.zero))

    def _significand(self, fmt, operand, normal=False):
        """Significand with its hidden bit, and the exponent field; 1 for that of a subnormal, or less if ``normal``:
        then it is shifted until it has a hidden bit."""
        exp, man_bits = operand.field >> fmt["man_bits"], fmt["man_bits"]
        if self._about["subnormals"] == "exact":
            exp = max(exp, 1)
        sig = operand.field - ((exp - 1) << man_bits)
        if normal and sig:
            up = man_bits + 1 - sig.bit_length()
            sig, exp = sig << up, exp - up
        return sig or (1 << man_bits if normal else 0), exp

    def _addend(self, fmt, operand):
        """The field; of a subnormal that is kept as if exponents went on below."""
        if self._about["subnormals"] == "flush" or operand.field >> fmt["man_bits"] or not operand.field:
            return operand.field
        sig, exp = self._significand(fmt, operand, normal=True)
        return ((exp - 1) << fmt["man_bits"]) + sig

    def _shortened(self, sig):
        """A product of normal significands in the bits that are kept, and what that adds to the exponent."""
        full, kept = self._about["product_bits"], self._about["kept"]
        above = sig >> full - 1
        sig <<= 1 - above
        short = sig >> full - kept if self._about["cut"] else rounded_shift(sig, full - kept)
        carry = short >> kept
        return short >> carry, above + carry


def rounded_shift(number: int, places: int) -> int:
    """A number shifted down, to the nearest, ties to even."""
    if places <= 0:
        return number << -places
    kept, rest, half = number >> places, number & ((1 << places) - 1), 1 << places - 1
    return kept + (rest > half or (rest == half and kept & 1))


def signed(code: int, width: int) -> int:
    """A code as two's complement."""
    return code - (code >> width - 1 << width)


def rule(about: dict[str, Any]) -> Any:
    """The products that `bench.json` describes."""
    return {"table": Table, "integers": Integers, "floats": Floats}[about["rule"]](about)
