"""Parameter objects: what a multiplier and an accumulator are, told once for the model and for the hardware."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

import numpy as np

from .accumulators import Accumulator as Accumulator
from .accumulators import parse_accumulator as parse_accumulator
from .formats import Format, IntFormat, format_named
from .refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class WideFormat(Format):
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

    name = "wide product"

    @property
    def fields(self) -> list[tuple[str, int]]:
        """(name, width) of each packed field, lowest bit first."""
        flags = ["zero", *(["inf"] if self.has_inf else []), *(["nan"] if self.has_nan else [])]
        return [("sig", self.sig_bits), ("exp", self.exp_bits), ("sign", 1), *((flag, 1) for flag in flags)]

    @property
    def width(self) -> int:
        return sum(width for _, width in self.fields)

    def wrapped(self, exp: np.ndarray) -> np.ndarray:
        """Exponents as the format's field has them: only under a flag may they not fit, and then wrap."""
        exp = exp & ((1 << self.exp_bits) - 1)
        return exp - ((exp >> (self.exp_bits - 1)) << self.exp_bits) if self.exp_signed else exp

    def decode(self, codes: ArrayLike) -> np.ndarray:
        from .products import unpack_wide, value

        return value(self, unpack_wide(self, codes))

    def describe(self) -> dict[str, Any]:
        position, placed = 0, []
        for name, width in self.fields:
            placed.append({"name": name, "lsb": position, "width": width})
            position += width
        return {"kind": "wide", "width": self.width, "frac_bits": self.frac_bits, "exp_bias": self.exp_bias,
                "exp_signed": self.exp_signed, "implicit_one": self.implicit_one, "fields": placed}


class Policy(NamedTuple):
    """A field of a family that slugs spell: its name, the words for its values, and for integer values the letters
    before them (``off3`` and ``offm3`` with ``off``). With ``halves`` a number may also be an odd number of halves,
    which are counted behind an h (``offh3`` is 1.5, ``offhm1`` -0.5). With ``formats`` it is the name of a format."""

    name: str
    words: dict[str, str | int]
    number: str | None = None
    halves: bool = False
    formats: bool = False

    def read(self, word: str) -> str | float | None:
        """The value that a word means, or None; a `Refusal` where it should be a format and is none."""
        if self.formats:
            return format_named(word).name
        match = self.number and re.fullmatch(rf"{self.number}({'h?' if self.halves else ''})(m?)(\d+)", word)
        if not match:
            return self.words.get(word)
        value = int(match[3]) * (-1 if match[2] else 1)
        if not match[1]:
            return value
        return value / 2 if value % 2 else value // 2

    def choices(self, default: str | float | None) -> list[str]:
        """The words for all values but a default, numbers as N."""
        if self.formats:
            return ["FORMAT"]
        words = [word for word, value in self.words.items() if value != default]
        return words + ([f"{self.number}N"] if self.number else []) + ([f"{self.number}hN"] if self.halves else [])

    def write(self, value: str | float) -> str:
        """The word for a value."""
        if self.formats:
            return str(value)
        if self.number and isinstance(value, int):
            return f"{self.number}{value}".replace("-", "m")
        if self.halves and isinstance(value, float):
            return f"{self.number}h{int(2 * value)}".replace("-", "m")
        return next(word for word, meant in self.words.items() if meant == value)


@dataclass(frozen=True)
class Multiplier:
    """What a pair of operand codes adds to a sum, and the product as a number by itself: one member of a family.

    A family is a subclass in a module of its own (``golden/families``); its fields behind the formats are policies,
    each spelled by its `Policy`.

    Parameters
    ----------
    a, b : Format
        Operand formats; ``a`` takes activations, ``b`` weights.

    Attributes
    ----------
    kind : str
        The family's name: in slugs before the formats, where ``spelled``.
    title : str
        The family in words, for pages.
    summary : str
        One line of ``lmul list``.
    policies : tuple of Policy
        In the order of slugs.
    wide_policies : tuple of str
        Names of those that wide products alone depend on.
    subnormals, overflow, offset
        Policies of floats, and what they are where a family has none.
    cycles_per_pair : int
        The structures take a pair in every cycle: only 1 is built.
    form : str or None
        How compiled loops may make a term of two `factors`: ``fields`` (their sum, split at ``a``'s mantissa) or
        ``significands`` (their product); None: by `terms` alone.
    absorbing : bool
        Whether code 0 of either operand makes every product 0.
    multiplication : (int, int) or None
        Bits of the multiplication inside, which mapping tries several structures for.
    """

    a: Format
    b: Format

    kind: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str] = ""
    spelled: ClassVar[bool] = True
    policies: ClassVar[tuple[Policy, ...]] = ()
    wide_policies: ClassVar[tuple[str, ...]] = ()
    cycles_per_pair: ClassVar[int] = 1
    form: ClassVar[str | None] = None
    absorbing: ClassVar[bool] = True
    multiplication: ClassVar[tuple[int, int] | None] = None

    subnormals = "exact"
    overflow = "saturate"
    offset = "none"

    @classmethod
    def make(cls, kind: str, a: Format | str | None = None, b: Format | str | None = None,
             **policies: str | float | None) -> Multiplier:
        """A multiplier of the family called ``kind`` with its default policies, formats by name or object; or by the
        name of its formats alone where the family is spelled so: ``make("int8")``."""
        from . import families

        return families.make(kind, a, b, **policies)

    @classmethod
    def takes(cls, a: Format, b: Format) -> bool:
        """Whether a pair of formats is spelled without ``kind`` and means this family."""
        return False

    @classmethod
    def partner(cls, a: Format) -> Format:
        """Format of ``b`` where slugs name that of ``a`` alone."""
        return a

    @property
    def operands(self) -> dict[str, Format]:
        """Formats of the operands by name of the port; one of no bits has none."""
        return {name: fmt for name, fmt in (("a", self.a), ("b", self.b)) if fmt.width}

    @property
    def ranges(self) -> tuple[Format, Format]:
        """The formats whose ranges tensors of either operand are scaled to."""
        return self.a, self.b

    @property
    def formats(self) -> str:
        return self.a.name if self.a == self.b else f"{self.a}x{self.b}"

    @property
    def name(self) -> str:
        """The multiplier's part of a slug; `families.parse` reads it back."""
        return self.named(self.formats)

    def named(self, formats: str) -> str:
        """``name`` with other words for the formats."""
        words = [policy.write(getattr(self, policy.name)) for policy in self.given()]
        return "_".join([*[self.kind] * self.spelled, formats, *words])

    def given(self) -> list[Policy]:
        """The policies that are not the family's defaults."""
        return [policy for policy in self.policies if getattr(self, policy.name) != getattr(type(self), policy.name)]

    def fields(self) -> dict[str, Any]:
        """The specification as plain data: kind, formats and policies, but those that are None and say nothing."""
        return {"kind": self.kind, "a": self.a.name, "b": self.b.name,
                **{policy.name: value for policy in self.policies
                   if (value := getattr(self, policy.name)) is not None}}

    def constants(self) -> dict[str, Any]:
        """What follows from the specification and users of the Verilog want to know: plain data."""
        return {}

    @property
    def label(self) -> str:
        """The family as rows and manifests name it: its kind, or where slugs have none its formats."""
        return self.kind if self.spelled else self.formats

    @property
    def detail(self) -> str:
        """What pages say more of it than ``title``, beside others of the same title; or nothing."""
        return ""

    @property
    def per_code(self) -> int:
        """Products that one pair of codes stands for."""
        return self.a.per_code

    @property
    def neutral(self) -> tuple[int, int] | None:
        """Codes of ``a`` and ``b`` whose product leaves any sum as it is, or None where there are none."""
        return self.a.neutral, 0

    @property
    def wide_only(self) -> str | None:
        """Why there is no narrow product, as a sentence; None where there is one."""
        return None

    def check_narrow(self) -> None:
        """Refuse a narrow product where there is none."""
        if self.wide_only:
            raise Refusal(self.wide_only)

    @property
    def narrow(self) -> Format:
        """Of the product as a number by itself."""
        raise NotImplementedError

    @property
    def wide(self) -> WideFormat | IntFormat:
        """Of the addend: what accumulators get, unrounded."""
        raise NotImplementedError

    @property
    def layout(self) -> WideFormat:
        """``wide`` of a family of floats: where sign, exponent, significand and flags are."""
        return cast(WideFormat, self.wide)

    @property
    def narrow_width(self) -> int:
        """Width of the narrow product in bits."""
        return self.narrow.width

    @property
    def rival(self) -> Multiplier | None:
        """The `Multiplier` whose place this one takes: exact, of the same operands and policies; or None."""
        return None

    @property
    def rivals(self) -> tuple[Multiplier, ...]:
        """All with which this one is compared: the `rival`, and others whose place it may take in a sum."""
        return (self.rival,) if self.rival else ()

    @property
    def products_key(self) -> Hashable:
        """Equal for multipliers of equal wide products."""
        return self

    # What golden computes. Codes are one-dimensional arrays of the right dtypes; `products` checks and shares out.

    def narrow_products(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Codes of ``narrow``."""
        raise NotImplementedError

    def wide_products(self, a: np.ndarray, b: np.ndarray) -> Sequence[np.ndarray]:
        """The arrays of a `products.Wide`; where ``wide`` is an integer format, its codes alone, in a list."""
        raise NotImplementedError

    def true_products(self, a: ArrayLike, b: ArrayLike) -> np.ndarray:
        """What the products should be: float64, exactly, of arrays of codes that broadcast."""
        with np.errstate(invalid="ignore"):
            product = self.a.decode(a) * self.b.decode(b)
        return product.sum(axis=-1) if self.per_code > 1 else product

    # What an accumulator of floats needs to know of the addends; families of integers need none of it.

    @cached_property
    def exp_range(self) -> tuple[int, int]:
        """Lowest and highest exponent (``wide.exp``) of a wide product that is a number other than 0."""
        numbers = self._numbers
        return int(numbers.exp.min()), int(numbers.exp.max())

    @cached_property
    def largest(self) -> int:
        """Significand, hidden one included, of the largest magnitude; its exponent is the highest."""
        numbers = self._numbers
        highest = numbers.sig[numbers.exp == numbers.exp.max()]
        return int(highest.max()) + (self.layout.implicit_one << self.layout.frac_bits)

    @property
    def leading(self) -> int:
        """Zeros that the significand of a wide product other than 0 may begin with."""
        return 0 if self.layout.implicit_one else self.layout.sig_bits - 1

    @cached_property
    def _numbers(self):
        """All wide products that are numbers other than 0, of operands of up to 16 bits together."""
        from .products import Wide, product
        from .stimulus import all_pairs

        if self.a.width + self.b.width > 16:
            raise Refusal(f"Family {self.kind} must state exp_range and largest for {self.formats}, whose pairs of "
                          "codes are too many to take all")
        products = product(self, *all_pairs(self))
        keep = ~(products.zero | products.inf | products.nan)
        return Wide(*(each[keep] for each in products))
