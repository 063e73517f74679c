"""Logarithms: a sign, and the base-two logarithm of the magnitude in fixed point."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..refusal import Refusal
from .base import SignedFields, code_dtype

_SIGNIFICAND = 52  # bits of a float64 below its first one
_EXTRA_BITS = 8  # that decide on which side of a float64 a number halfway between two codes lies
_RANGE_BITS = 5  # integer bits up to which the whole range is used, as that of floats of up to 8 bits is


@dataclass(frozen=True)
class LogFormat(SignedFields):
    """A sign, and a field that is the base-two logarithm of the magnitude: with ``x`` the code without its sign bit,
    the number is ``+-2**(x / 2**man_bits - bias)``. Field 0 is zero, of either sign. There is no Inf and no NaN.

    With three integer bits, four fraction bits and bias 3, ``0b0_011_0000`` is 1, ``0b1_011_1000`` is -sqrt(2).

    A number's code is the nearest in value; `nearest_in_log` gives the nearest in the logarithm. No float64 lies
    halfway between two codes, since halfway is irrational. What is beyond the largest number, Inf too, saturates.

    Parameters
    ----------
    name : str
    exp_bits, man_bits : int
        Integer and fraction bits of the logarithm, where a float has its exponent and its mantissa.
    bias : int
        What the logarithm is larger by in the code.

    Raises
    ------
    Refusal
        If a width is out of range: 2..8 integer bits, 1..7 fraction bits.
    """

    name: str
    exp_bits: int
    man_bits: int
    bias: int

    logarithmic = True
    min_normal = 1  # field of the smallest number

    def __post_init__(self) -> None:
        if not 2 <= self.exp_bits <= 8:
            raise Refusal(f"Integer bits of a logarithm must be 2 to 8, not {self.exp_bits!r}")
        if not 1 <= self.man_bits <= 7:
            raise Refusal(f"Fraction bits of a logarithm must be 1 to 7, not {self.man_bits!r}")

    @property
    def max_finite(self) -> int:
        """Field of the largest number: all ones."""
        return self.field_mask

    def is_nan(self, field: np.ndarray) -> np.ndarray:
        """Which fields are NaN: none."""
        return np.zeros(np.shape(field), bool)

    def size(self, fields: np.ndarray) -> np.ndarray:
        """``2**(fields / 2**man_bits)``, float64, the nearest to it: of integers of any size and sign."""
        fields = np.asarray(fields, np.int64)
        powers = _powers(self.man_bits)
        return np.ldexp(powers[fields & self.man_mask], (fields >> self.man_bits).astype(np.int32))

    def _values(self, codes):
        field = codes.astype(np.int64) & self.field_mask
        number = np.where(field == 0, 0.0, self.size(field - (self.bias << self.man_bits)))
        return np.where(codes >> self.field_bits, -number, number)

    def _nearest(self, values, overflow):
        return self._coded(values, _halfway)

    def nearest_in_log(self, values: np.ndarray) -> np.ndarray:
        """The codes nearest to numbers in the logarithm. Zero, whose logarithm is infinitely far, takes what would be
        rounded to field 0 or below.

        Raises
        ------
        Refusal
            If a value is NaN.
        """
        values = np.asarray(values, np.float64)
        if np.isnan(values).any():
            raise Refusal(f"Values for {self} must be numbers, not nan")
        return self._coded(values, _between).astype(code_dtype(self.width))

    def _coded(self, values, way):
        """Codes by the thresholds between fields: of the bucket that a number is in its first field, and whether the
        one threshold that may be there lies below."""
        thresholds, first, fields = _buckets(self, way)
        size = np.abs(values)
        bucket = (size.view(np.int64) >> self._below_buckets) - first
        field = fields[np.clip(bucket, 0, len(fields) - 1)]
        field = field + (size >= thresholds[field])
        return field | np.where(np.signbit(values), self.sign_mask, 0)

    @property
    def _below_buckets(self):
        """Bits of a float64 that do not tell its bucket. With a bit more than a fraction has, buckets are shorter than
        steps between numbers: of ``2**(1 / n)``, more than ``1 + 1 / 2n``."""
        return _SIGNIFICAND - self.man_bits - 1

    @property
    def magnitude(self) -> float:
        return float(self.decode(self.max_finite))

    def scale_for(self, values: np.ndarray) -> float:
        """A power of two, as for floats: the smallest that clips no value; of more
        than five integer bits, whose products could leave a sum's range, that which brings the largest into [1, 2)."""
        mantissa, exponent = np.frexp(float(np.abs(values).max()))
        top, above = np.frexp(self.magnitude) if self.exp_bits <= _RANGE_BITS else (1.0, 1)
        return float(np.ldexp(1.0, max(exponent - above + (mantissa > top), -1022)))

    def corners(self) -> np.ndarray:
        """Of either sign: zero and the smallest numbers, the ends of the octaves about 1, 1 and the numbers about it,
        the largest numbers."""
        one, octave = self.bias << self.man_bits, 1 << self.man_bits
        starts = [0, octave, one - octave, one, one + octave, one + octave // 2, self.field_mask]
        fields = {field for start in starts for field in range(start - 2, start + 3)}
        codes = {field | sign for field in fields if 0 <= field <= self.field_mask for sign in (0, self.sign_mask)}
        return np.array(sorted(codes), code_dtype(self.width))

    def sample(self, kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        top = self.max_finite
        low, high = {"random": (0, top), "nothing": (0, 0), "subnormals": (0, 1), "smallest": (1, 1 << self.man_bits),
                     "largest": (top, top)}[kind]
        return self._drawn(kind, low, high, shape, rng)

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "kind": "logarithm", "width": self.width, "exp_bits": self.exp_bits,
                "man_bits": self.man_bits, "bias": self.bias}


def power(place: int, places: int, bits: int) -> int:
    """``2**(bits + place / 2**places)``, rounded down to an integer: by roots of integers alone."""
    root = 1 << ((bits << places) + place)
    for _ in range(places):
        root = math.isqrt(root)  # the floor of a root of a floor is that of the root
    return root


@lru_cache(maxsize=64)
def _powers(man_bits):
    """The powers of two from 1 to below 2, the nearest float64 of each: between two there is none, but for 1."""
    doubled = [power(place, man_bits, _SIGNIFICAND + 1) for place in range(1 << man_bits)]
    return np.ldexp(np.array([(each + 1) >> 1 for each in doubled], np.float64), -_SIGNIFICAND)


def _halfway(man_bits, place, bits):
    """The sum of ``2**(place / 2**man_bits)`` and its successor, over 2, in units of ``2**-bits``: rounded down, or one
    unit less."""
    return power(place, man_bits, bits - 1) + power(place + 1, man_bits, bits - 1)


def _halfway_to_zero(man_bits, place, bits):
    """``2**(1 / 2**man_bits)``, over 2, in units of ``2**-bits``, rounded down."""
    return power(1, man_bits, bits - 1)


def _between(man_bits, place, bits):
    """``2**((place + 1/2) / 2**man_bits)`` in units of ``2**-bits``, rounded down."""
    return power(2 * place + 1, man_bits + 1, bits)


@lru_cache(maxsize=64)
def _thresholds(fmt, way: Callable[[int, int, int], int]):
    """For each field from 1 on the smallest float64 that is nearer to its number than to the one below."""
    steps = np.array([_above(way, fmt.man_bits, place) for place in range(1 << fmt.man_bits)])
    below = np.arange(fmt.max_finite)
    limits = np.ldexp(steps[below & fmt.man_mask], (below >> fmt.man_bits).astype(np.int32) - fmt.bias)
    if way is _halfway:
        limits[0] = _above(_halfway_to_zero, fmt.man_bits, 0) * 0.5**fmt.bias
    return limits


@lru_cache(maxsize=64)
def _buckets(fmt, way):
    """Thresholds; and of buckets of float64s, from the one below the first threshold to that of the last, the first
    one's number and the field at the beginning of each."""
    thresholds = _thresholds(fmt, way)
    low, high = (int(each) >> fmt._below_buckets for each in thresholds[[0, -1]].view(np.int64))
    starts = (np.arange(low - 1, high + 1) << fmt._below_buckets).view(np.float64)
    return thresholds, low - 1, np.searchsorted(thresholds, starts, side="right")


def _above(way, man_bits, place):
    """The smallest float64 above an irrational number from 1/2 to 2, which ``way`` gives to so many bits that none of
    these numbers is as near to a float64: the tests compare all of them with decimals."""
    bits = _SIGNIFICAND + 1 + _EXTRA_BITS  # of a number below 1 the last place is 2**-53
    low = way(man_bits, place, bits)
    drop = _EXTRA_BITS + (low >> bits)
    return math.ldexp((low >> drop) + 1, drop - bits)


def read(name: str) -> LogFormat | None:
    """The format called ``l{E}f{F}``, its bias ``2**(E - 1) - 1`` as that of floats, or None.

    Raises
    ------
    Refusal
        If its widths are out of range.
    """
    match = re.fullmatch(r"l([1-9]\d?)f([1-9]\d?)", name)
    if not match:
        return None
    exp_bits, man_bits = map(int, match.groups())
    return LogFormat(name, exp_bits, man_bits, (1 << (exp_bits - 1)) - 1)
