"""Parameter objects: what a multiplier and an accumulator are, told once for the model and for the hardware."""

import re
from dataclasses import dataclass
from functools import cached_property

from .formats import FORMATS, INT8, FloatFormat, IntFormat, Specials, float_format
from .refusal import Refusal

KINDS = ("lmul", "mitchell", "exact", "int8")


@dataclass(frozen=True)
class WideFormat:
    """An unrounded product: sign, exponent, significand and flags, packed low bit first in the order
    ``sig``, ``exp``, ``sign``, ``zero``, ``inf`` (if ``has_inf``), ``nan`` (if ``has_nan``).

    Value, when no flag is set: ``(-1)**sign * significand * 2**(exp - exp_bias - frac_bits)`` where the
    significand is ``sig``, plus ``2**frac_bits`` if ``implicit_one``. Flags have priority: ``nan``, then ``inf``,
    then ``zero``; ``sig`` and ``exp`` under a set flag are whatever the datapath computes, the same in model and RTL.
    """

    sig_bits: int
    frac_bits: int
    exp_bits: int
    exp_bias: int
    exp_signed: bool
    implicit_one: bool
    has_inf: bool
    has_nan: bool

    @property
    def fields(self):
        """(name, width) of each packed field, lowest bit first."""
        flags = ["zero", *(["inf"] if self.has_inf else []), *(["nan"] if self.has_nan else [])]
        return [("sig", self.sig_bits), ("exp", self.exp_bits), ("sign", 1), *((flag, 1) for flag in flags)]

    @property
    def width(self):
        return sum(width for _, width in self.fields)


@dataclass(frozen=True)
class Multiplier:
    """What a multiplier computes, in its narrow and its wide form.

    Parameters
    ----------
    kind : str
        ``lmul``, ``mitchell`` (L-Mul without offset), ``exact`` or ``int8``.
    a, b : FloatFormat or IntFormat
        Operand formats; ``a`` is the wider one of a mixed pair and the format of the narrow product.
    subnormals : str
        ``flush`` takes subnormal operands as zero; ``exact`` keeps them. For ``exact`` products it also says whether
        narrow results below the smallest normal are rounded to subnormals or flushed; L-Mul's are always flushed.
    overflow : str
        ``saturate`` to the largest finite code, or ``ieee``: Inf, or NaN where the format has no Inf.
    offset : str or int
        ``paper``, ``none``, ``best``, or an integer in units of the last place of ``a``'s mantissa. L-Mul only.

    Raises
    ------
    Refusal
        If the combination means nothing; the sentence names the value.
    """

    kind: str
    a: FloatFormat | IntFormat
    b: FloatFormat | IntFormat
    subnormals: str
    overflow: str = "saturate"
    offset: str | int = "none"

    def __post_init__(self):
        if self.kind not in KINDS:
            raise Refusal(f"Multiplier must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if (self.kind == "int8") != (self.a == self.b == INT8):
            raise Refusal(f"Operand formats of {self.kind} must be {'int8' if self.kind == 'int8' else 'floats'}, "
                             f"not {self.a} and {self.b}")
        if self.subnormals not in ("flush", "exact"):
            raise Refusal(f"Subnormals must be 'flush' or 'exact', not {self.subnormals!r}")
        if self.overflow not in ("saturate", "ieee"):
            raise Refusal(f"Overflow must be 'saturate' or 'ieee', not {self.overflow!r}")
        if self.kind == "int8":
            return
        if self.a.exp_bits < self.b.exp_bits or self.a.man_bits < self.b.man_bits:
            raise Refusal(f"The first operand of a mixed pair must be the wider, not {self.a} by {self.b}")
        if (self.b.has_inf and not self.a.has_inf) or (self.b.has_nan and not self.a.has_nan):
            raise Refusal(f"The first operand must have the specials of the second, not {self.a} by {self.b}")
        if self.overflow == "ieee" and self.a.specials is Specials.FINITE:
            raise Refusal(f"Overflow must be 'saturate' for {self.a}, which has neither Inf nor NaN, not 'ieee'")
        if self.kind != "lmul" and self.offset != "none":
            raise Refusal(f"Offset must be 'none' for {self.kind}, not {self.offset!r}")
        if isinstance(self.offset, str) and self.offset not in ("paper", "none", "best"):
            raise Refusal(f"Offset must be 'paper', 'none', 'best' or an integer, not {self.offset!r}")
        if abs(self.offset_value) >= 1 << self.a.man_bits:
            raise Refusal(f"Offset must be within +-{(1 << self.a.man_bits) - 1} for {self.a}, not {self.offset!r}")

    @classmethod
    def make(cls, kind, a, b=None, **policies):
        """A multiplier with its kind's default policies; formats by name or object."""
        if kind == "int8":
            return cls(kind, INT8, INT8, "exact", **policies)
        a = float_format(a) if isinstance(a, str) else a
        b = a if b is None else float_format(b) if isinstance(b, str) else b
        policies.setdefault("subnormals", "exact" if kind == "exact" else "flush")
        policies.setdefault("offset", "paper" if kind == "lmul" else "none")
        return cls(kind, a, b, **policies)

    @property
    def is_add(self):
        """Whether the product is the integer addition of the fields."""
        return self.kind in ("lmul", "mitchell")

    @property
    def neutral(self):
        """Codes of ``a`` and ``b`` whose product leaves any sum as it is: -0 and +0; for int8 two zeros."""
        return (0 if self.kind == "int8" else self.a.sign_mask), 0

    @property
    def formats(self):
        return self.a.name if self.a == self.b else f"{self.a}x{self.b}"

    @property
    def name(self):
        """The multiplier's part of a slug; `parse_multiplier` reads it back."""
        if self.kind == "int8":
            return "int8"
        default = Multiplier.make(self.kind, self.a, self.b)
        words = [self.kind, self.formats]
        if self.subnormals != default.subnormals:
            words.append({"exact": "sub", "flush": "flush"}[self.subnormals])
        if self.overflow != default.overflow:
            words.append("ieee")
        if self.offset != default.offset:
            words.append(self.offset if isinstance(self.offset, str) else f"off{self.offset}".replace("-", "m"))
        return "_".join(words)

    @cached_property
    def offset_value(self):
        """The constant that the integer addition adds, in units of the last place of ``a``'s mantissa."""
        if self.offset == "paper":
            return 1 << (self.a.man_bits - self.a.l_m)
        if self.offset == "none":
            return 0
        if self.offset == "best":
            from .offsets import best_offset

            return best_offset(self.a.man_bits, self.b.man_bits)
        return self.offset

    @property
    def align(self):
        """Left shift that aligns ``b``'s mantissa to ``a``'s."""
        return self.a.man_bits - self.b.man_bits

    @property
    def narrow_width(self):
        """Width of the narrow product in bits: ``a``'s own, or for int8 the full 16."""
        return 16 if self.kind == "int8" else self.a.width

    @cached_property
    def wide(self):
        """`WideFormat` of the wide product, or for int8 the 16-bit `IntFormat`."""
        if self.kind == "int8":
            return IntFormat("int16", 16)
        a, b = self.a, self.b
        flags = {"has_inf": a.has_inf or b.has_inf, "has_nan": a.has_nan or b.has_nan}
        if self.kind == "exact":
            return WideFormat(a.man_bits + b.man_bits + 2, a.man_bits + b.man_bits, a.exp_bits + 1, a.bias + b.bias,
                              False, False, **flags)
        # Normalised subnormals have exponents down to 1 - man_bits: the sum's exponent is then two's complement.
        signed = self.subnormals == "exact"
        largest = a.max_finite + (b.max_finite << self.align) + self.offset_value
        smallest = ((2 - a.man_bits - b.man_bits) << a.man_bits) + self.offset_value
        below = (~(smallest >> a.man_bits)).bit_length() if signed else 0
        exp_bits = max(largest.bit_length() - a.man_bits, below) + signed
        return WideFormat(a.man_bits, a.man_bits, exp_bits, a.bias + b.bias, signed, True, **flags)

    @cached_property
    def exp_range(self):
        """Lowest and highest exponent (``wide.exp``) of a wide product that is a number other than 0."""
        a, b = self.a, self.b
        if self.kind == "exact":
            return 2, (a.max_finite >> a.man_bits) + (b.max_finite >> b.man_bits)
        lowest, highest = (x + (y << self.align) + self.offset_value
                           for x, y in ((a.min_normal, b.min_normal), (a.max_finite, b.max_finite)))
        if self.subnormals == "exact":  # the smallest subnormal, normalised, is man_bits exponents lower
            lowest -= (a.man_bits + b.man_bits) << a.man_bits
        return lowest >> a.man_bits, highest >> a.man_bits


_POLICIES = {
    "sub": ("subnormals", "exact"),
    "flush": ("subnormals", "flush"),
    "ieee": ("overflow", "ieee"),
    "best": ("offset", "best"),
    "none": ("offset", "none"),
}


def parse_multiplier(words):
    """Read a multiplier off the front of a slug's words; gives the multiplier and the words left over.

    Raises
    ------
    Refusal
        If the words do not begin with a multiplier in its one spelling.
    """
    kind, *rest = words
    if kind == "int8":
        return Multiplier.make("int8", None), rest
    if kind not in KINDS:
        raise Refusal(f"Multiplier must be one of {', '.join(KINDS)}, not {kind!r}")
    if not rest:
        raise Refusal(f"A format must follow {kind!r}: one of {', '.join(FORMATS)} or e{{E}}m{{M}}")
    a, _, b = rest.pop(0).partition("x")
    policies = {}
    while rest:
        match = re.fullmatch(r"off(m?)(\d+)", rest[0])
        if match:
            key, value = "offset", int(match[2]) * (-1 if match[1] else 1)
        elif rest[0] in _POLICIES:
            key, value = _POLICIES[rest[0]]
        else:
            break
        if key in policies:
            raise Refusal(f"Policy {key} must be given once, not again as {rest[0]!r}")
        policies[key] = value
        rest.pop(0)
    return Multiplier.make(kind, a, b or None, **policies), rest


@dataclass(frozen=True)
class Accumulator:
    """How products are summed.

    Parameters
    ----------
    kind : str
        ``float``: rounded to nearest even into ``fmt`` at each step, in the hardware's order. ``fixed``: an exact
        fixed-point sum. ``carrysave``: the same sum held as two words, its loop one full adder deep.
        ``int``: a 32-bit integer, for int8 products.
    fmt : FloatFormat or None
        The float accumulator's format.
    depth : int or None
        How many products of the largest magnitude an exact sum holds without overflow.
    """

    kind: str
    fmt: FloatFormat | None = None
    depth: int | None = None

    DEFAULT_DEPTH = 4096

    @property
    def name(self):
        if self.kind == "float":
            return self.fmt.name
        if self.kind == "int":
            return "int32"
        return self.kind if self.depth == self.DEFAULT_DEPTH else f"{self.kind}{self.depth}"

    @property
    def result(self):
        """Format of the sum that is handed out."""
        return self.fmt if self.kind == "float" else IntFormat("int32", 32) if self.kind == "int" else FORMATS["fp32"]


def parse_accumulator(word):
    """The accumulator called ``word``: ``fp32``, ``bf16``, ``fp16`` or another float format with IEEE specials,
    ``fixed``, ``carrysave`` (either with a depth, as in ``fixed256``) or ``int32``.

    Raises
    ------
    Refusal
        If there is none of that name.
    """
    if word == "int32":
        return Accumulator("int")
    match = re.fullmatch(r"(fixed|carrysave)([1-9]\d{0,5})?", word)
    if match:
        return Accumulator(match[1], depth=int(match[2] or Accumulator.DEFAULT_DEPTH))
    try:
        fmt = float_format(word)
    except ValueError:
        fmt = None
    if fmt is None or fmt.specials is not Specials.IEEE:
        raise Refusal(f"Accumulator must be fp32, bf16, fp16, fixed, carrysave, int32 or an e{{E}}m{{M}} with "
                         f"Inf and NaN, not {word!r}")
    return Accumulator("float", fmt)
