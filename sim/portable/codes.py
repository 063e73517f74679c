"""Codes of a format: the classes that they fall into, how they are drawn and how they are shown."""

from __future__ import annotations

from typing import Any

import numpy as np


class Codes:
    """A format, as `bench.json` describes it.

    Attributes
    ----------
    width : int
        Bits of a code.
    classes : list of str
        What every code is one of, as ``+zero`` or ``nan``.
    """

    def __init__(self, about: dict[str, Any]) -> None:
        self.about, self.width = about, about["width"]
        self.classes = [name for name, _ in about["classes"]]
        self.ranges = dict(about["classes"])
        starts = sorted((low, number) for number, name in enumerate(self.classes) for low, _ in self.ranges[name])
        self._starts = np.array([low for low, _ in starts], np.uint64)
        self._of = np.array([number for _, number in starts])

    def classify(self, codes: np.ndarray) -> np.ndarray:
        """Places in ``classes``."""
        return self._of[np.searchsorted(self._starts, np.asarray(codes, np.uint64), "right") - 1]

    def draw(self, name: str, shape: Any, rng: np.random.Generator) -> np.ndarray:
        """Codes of one class, all as likely."""
        return self._draw(self.ranges[name], shape, rng)

    def numbers(self, shape: Any, rng: np.random.Generator) -> np.ndarray:
        """Codes that are neither Inf nor NaN, all as likely."""
        return self._draw([each for name in self.finite for each in self.ranges[name]], shape, rng)

    def any_class(self, shape: Any, rng: np.random.Generator) -> np.ndarray:
        """Numbers, each class as likely."""
        picked = rng.integers(len(self.finite), size=shape)
        found = np.zeros(shape, np.uint64)
        for number, name in enumerate(self.finite):
            found = np.where(picked == number, self.draw(name, shape, rng), found)
        return found

    def specials(self, shape: Any, rng: np.random.Generator) -> np.ndarray:
        """Inf and NaN; of formats without, whatever ends their range."""
        names = [name for name in self.classes if name not in self.finite] or self.largest
        return self._draw([each for name in names for each in self.ranges[name]], shape, rng)

    def negative(self, codes: np.ndarray) -> np.ndarray:
        """Codes of the negated numbers, where a sign can be told; else the codes."""
        if self.about["kind"] in ("float", "log"):
            return codes ^ np.uint64(1 << (self.width - 1))
        if self.about.get("signed"):
            return (~codes + np.uint64(1)) & np.uint64((1 << self.width) - 1)
        return codes

    @property
    def finite(self) -> list[str]:
        """Classes of numbers."""
        return [name for name in self.classes if not name.endswith(("inf", "nan"))]

    @property
    def largest(self) -> list[str]:
        """Classes of the ends of the range."""
        return [name for name in self.classes if name.endswith(("largest", "lowest", "highest"))] or self.finite

    @property
    def smallest(self) -> list[str]:
        """Classes of zero and what is next to it."""
        return [name for name in self.finite if name.endswith(("zero", "subnormal", "smallest"))] or self.finite

    @property
    def least(self) -> str:
        """A class of magnitudes that are small, but not 0 whatever the policy."""
        return next((name for name in self.finite if name.endswith(("smallest", "positive"))), self.finite[0])

    def show(self, code: int | str) -> str:
        """A code as hex, and its number or its class."""
        if isinstance(code, str):
            return f"{code} (X or Z)"
        return f"0x{code:0{-(-self.width // 4)}x} ({self._read(code)})"

    def _read(self, code):
        about = self.about
        name = self.classes[int(self.classify(np.array([code]))[0])]
        if about["kind"] == "integer":
            return code - (1 << self.width if about["signed"] and code >> (self.width - 1) else 0)
        if about["kind"] != "float" or name.endswith(("inf", "nan")):
            return name
        man_bits, field = about["man_bits"], code & ((1 << (self.width - 1)) - 1)
        exp, man = field >> man_bits, field & ((1 << man_bits) - 1)
        size = (man | (exp > 0) << man_bits) * 2.0 ** (max(exp, 1) - about["bias"] - man_bits)
        return f"{-size if code >> (self.width - 1) else size:.9g}"

    @staticmethod
    def _draw(ranges, shape, rng):
        ends = np.cumsum([high - low + 1 for low, high in ranges])
        place = rng.integers(int(ends[-1]), size=shape)
        which = np.searchsorted(ends, place, "right")
        before = ends - [high - low + 1 for low, high in ranges]
        return (np.array([low for low, _ in ranges])[which] + place - before[which]).astype(np.uint64)


class WideCodes:
    """Unrounded products, as `bench.json` describes their fields; what stands under a flag counts for nothing."""

    classes = ["+zero", "-zero", "+number", "-number", "+inf", "-inf", "nan"]

    def __init__(self, about: dict[str, Any]) -> None:
        self.about, self.width = about, about["width"]
        self.fields = {each["name"]: (each["lsb"], each["width"]) for each in about["fields"]}

    def field(self, codes: Any, name: str) -> Any:
        """One field of codes; 0 where the format has none of that name."""
        low, width = self.fields.get(name, (0, 0))
        return codes >> low & ((1 << width) - 1)

    def classify(self, codes: np.ndarray) -> np.ndarray:
        codes = np.asarray(codes).astype(np.int64)
        sign = self.field(codes, "sign")
        found = np.where(self.field(codes, "zero") > 0, sign, 2 + sign)
        found = np.where(self.field(codes, "inf") > 0, 4 + sign, found)
        return np.where(self.field(codes, "nan") > 0, 6, found)

    def what_counts(self, code: int) -> int:
        """The code without what stands under its flags, of which NaN comes first, then Inf, then zero."""
        flag = next((name for name in ("nan", "inf", "zero") if self.field(code, name)), None)
        if flag is None:
            return code
        sign = self.field(code, "sign") if flag != "nan" else 0
        return 1 << self.fields[flag][0] | sign << self.fields["sign"][0]

    def show(self, code: int | str) -> str:
        if isinstance(code, str):
            return f"{code} (X or Z)"
        parts = ", ".join(f"{name} {self.field(code, name)}" for name in self.fields)
        return f"0x{code:0{-(-self.width // 4)}x} ({parts})"


def codes_of(about: dict[str, Any]) -> Codes | WideCodes:
    """A format of results."""
    return WideCodes(about) if about["kind"] == "wide" else Codes(about)


FLAGS = "flushed to zero", "at the largest or beyond", "NaN of no NaN"


def flags(formats: tuple[Any, Any, Any], a: np.ndarray, b: np.ndarray, result: np.ndarray) -> dict[str, int]:
    """How often products were what operands alone do not show: of places of classes, by the names in `FLAGS`."""

    def ends(place, codes, *words):
        return np.array([name.endswith(words) for name in formats[place].classes])[codes]

    special = ends(0, a, "inf", "nan") | ends(1, b, "inf", "nan")
    which = (ends(2, result, "zero") & ~ends(0, a, "zero") & ~ends(1, b, "zero"),
             ends(2, result, "largest", "lowest", "highest", "inf", "nan") & ~special,
             ends(2, result, "nan") & ~ends(0, a, "nan") & ~ends(1, b, "nan"))
    return {name: int(np.count_nonzero(found)) for name, found in zip(FLAGS, which, strict=True) if found.any()}
