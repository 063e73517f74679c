"""What every format offers: codes, the numbers that they stand for, and the codes that tests begin with."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..parallel import in_chunks
from ..refusal import Refusal

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

TABLE_BITS = 16  # formats up to this width are decoded by a table
SMALLEST_SCALE = sys.float_info.min  # a normal number, to divide by
LARGEST_SCALE = sys.float_info.max


def code_dtype(width: int) -> np.dtype:
    """The smallest unsigned numpy dtype that holds ``width`` bits."""
    return np.dtype(f"u{next(size for size in (1, 2, 4, 8) if 8 * size >= width)}")


def as_codes(fmt: Format, codes: ArrayLike) -> np.ndarray:
    """``codes`` as an array of ``code_dtype(fmt.width)``.

    Raises
    ------
    Refusal
        If they are not integers, or one does not fit the format's width.
    """
    codes = np.asarray(codes)
    if codes.dtype.kind not in "iu":
        raise Refusal(f"Codes of {fmt} must be integers, not {codes.dtype}")
    dtype = code_dtype(fmt.width)
    # A dtype as wide as the format has no code that could fail to fit.
    if codes.size and not (codes.dtype == dtype and 8 * dtype.itemsize == fmt.width):
        for extreme in (codes.min(), codes.max()):
            if not 0 <= extreme < 1 << fmt.width:
                raise Refusal(f"Codes of {fmt} must be 0 to {(1 << fmt.width) - 1}, not {extreme}")
    return codes.astype(dtype, copy=False)


class Format:
    """A set of codes of ``width`` bits, and the numbers that they stand for.

    A format is a hashable value; a subclass gives ``_values`` and overrides the rest where the default, which goes by
    the table of all values, would be slow or mean something else.

    Attributes
    ----------
    name : str
        In slugs: a plain identifier without underscores, and without the letter x but behind its first.
    width : int
        Bits of a code.
    per_code : int
        Numbers that a code stands for, 1 but in formats that pack several; `decode` then has a last axis of them.
    integer : bool
        Whether every number is an integer.
    low, high : int
        The smallest and the largest number, of integers that are not packed.
    binary : bool
        Whether a code is its number in binary: two's complement, or unsigned.
    floating : bool
        Whether a code is sign, exponent and mantissa.
    logarithmic : bool
        Whether a code is a sign and a logarithm.
    signs : bool
        Whether a code is a row of signs, each for 1 or -1.
    powers : int
        Signed powers of two that a number is the sum of, each in a field of its own; else 0.
    has_inf, has_nan : bool
    max_finite : int
        Code of the largest number.
    neutral : int
        A code whose number is zero, or else any.
    """

    name: str
    width: int
    low: int
    high: int
    per_code = 1
    integer = binary = floating = logarithmic = signs = False
    powers = 0
    has_inf = has_nan = False
    neutral = 0

    def __str__(self) -> str:
        return self.name

    def decode(self, codes: ArrayLike) -> np.ndarray:
        """The values of ``codes``, exactly.

        Parameters
        ----------
        codes : array of int

        Returns
        -------
        array of float64, of the same shape, or with ``per_code`` numbers along one more axis
            Signed zeros, Inf and NaN where the format has them.

        Raises
        ------
        Refusal
            If a code does not fit the format.
        """
        codes = as_codes(self, codes)
        return _value_table(self)[codes] if self.width <= TABLE_BITS else self._values(codes)

    def read(self, code: int) -> str:
        """The number of a code in words, or the numbers that it packs."""
        return ", ".join(f"{value:.9g}" for value in np.atleast_1d(self.decode(int(code))))

    def encode(self, values: ArrayLike, overflow: str = "saturate") -> np.ndarray:
        """The codes nearest to ``values``.

        Parameters
        ----------
        values : array of float
            With ``per_code`` numbers along the last axis where that is more than 1.
        overflow : str
            ``saturate``: beyond the largest number comes the largest. ``ieee``: Inf, or NaN, in formats that have one.

        Returns
        -------
        array of codes, of the same shape, or without its last axis

        Raises
        ------
        Refusal
            If a value is NaN and the format has none, or ``overflow`` is not possible.
        """
        if overflow not in ("saturate", "ieee"):
            raise Refusal(f"Overflow must be 'saturate' or 'ieee', not {overflow!r}")
        values = np.asarray(values, np.float64)
        if not self.has_nan:
            if np.isnan(values).any():
                raise Refusal(f"Values for {self} must be numbers, not nan")
            if overflow == "ieee":
                raise Refusal(f"Overflow must be 'saturate' for {self}, which has neither Inf nor NaN, not 'ieee'")
        if self.per_code > 1:
            return self._nearest(values, overflow).astype(code_dtype(self.width))
        codes = np.empty(values.shape, code_dtype(self.width))
        in_chunks(lambda some: [self._nearest(some, overflow)], [values.ravel()], [codes.reshape(-1)])
        return codes

    def along(self, codes: np.ndarray, axis: int) -> np.ndarray:
        """As `decode`, where a code stands for several numbers with these along the ``axis`` (-1 or -2) of the codes,
        which is so many times longer."""
        values = self.decode(codes)
        if self.per_code == 1:
            return values
        shape = list(codes.shape)
        shape[axis] *= self.per_code
        return np.moveaxis(values, -1, axis).reshape(shape)

    def pack(self, values: np.ndarray, axis: int = -1) -> np.ndarray:
        """As `encode`, of numbers along an ``axis`` (-1 or -2), ``per_code`` to a code.

        Raises
        ------
        Refusal
            As `encode`; or if the axis is no multiple of ``per_code`` long.
        """
        if self.per_code == 1:
            return self.encode(values)
        if values.shape[axis] % self.per_code:
            raise Refusal(f"Values for {self} must come {self.per_code} to a code, not {values.shape[axis]} in a row")
        shape = list(values.shape)
        shape[axis:] = [shape[axis] // self.per_code, self.per_code, *shape[axis:][1:]]
        return self.encode(np.moveaxis(values.reshape(shape), axis, -1))

    def _values(self, codes):
        """The numbers of codes of the right dtype, float64."""
        raise NotImplementedError

    def _nearest(self, values, overflow):
        """Codes of numbers: of two that are equally near the one of smaller magnitude."""
        numbers, codes = sorted_values(self)
        above = np.clip(np.searchsorted(numbers, values), 1, len(numbers) - 1)
        low, high = numbers[above - 1], numbers[above]
        up = (high - values < values - low) | ((high - values == values - low) & (abs(high) < abs(low)))
        return codes[above - 1 + up]

    @property
    def max_finite(self) -> int:
        return int(sorted_values(self)[1][-1])

    @property
    def magnitude(self) -> float:
        """The largest magnitude that both signs have, what a tensor's largest number is scaled to."""
        return float(np.abs(self.decode([self.max_finite])).max())

    def scale_for(self, values: np.ndarray) -> float:
        """The scale of a tensor, floats of which one is not 0: its numbers over the scale become codes. Here the
        smallest scale that clips none; formats of few numbers have that of `fitting.least_squares`."""
        return max(float(np.abs(values).max()) / self.magnitude, SMALLEST_SCALE)

    def corners(self) -> np.ndarray:
        """The codes where arithmetic goes wrong first, ascending and each once: here all, or up to 256 of them evenly
        spaced."""
        count = 1 << self.width
        return np.unique(np.linspace(0, count - 1, min(count, 256)).astype(code_dtype(self.width)))

    def sample(self, kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Codes of a kind, drawn by a numpy Generator.

        ``kind`` is ``random`` (any number), ``nothing`` (zeros, or what is nearest to it), ``subnormals`` and
        ``smallest`` (zero and the smallest magnitudes), or ``largest`` (the ends of the range, either or one).
        """
        numbers, codes = sorted_values(self)
        if kind == "largest":
            some = codes[[0, -1]][_signs(shape, rng)]
        else:
            size = np.sort(np.unique(abs(numbers)))
            limit = {"random": size[-1], "nothing": size[0]}.get(kind, size[:2][-1])
            some = rng.choice(codes[abs(numbers) <= limit], shape)
        return np.broadcast_to(some, shape).astype(code_dtype(self.width))

    def describe(self) -> dict[str, Any]:
        """The format as plain data, for manifests."""
        return {"name": self.name, "kind": type(self).__name__.lower(), "width": self.width}


class SignedFields(Format):
    """Codes that are a sign above a *field*, two parts as one number: an exponent, or the integer part of a logarithm,
    above a mantissa or fraction.

    Attributes
    ----------
    exp_bits, man_bits : int
        Widths of the parts.
    """

    exp_bits: int
    man_bits: int

    @property
    def field_bits(self) -> int:
        return self.exp_bits + self.man_bits

    @property
    def width(self) -> int:
        return 1 + self.field_bits

    @property
    def sign_mask(self) -> int:
        return 1 << self.field_bits

    @property
    def field_mask(self) -> int:
        return (1 << self.field_bits) - 1

    @property
    def man_mask(self) -> int:
        return (1 << self.man_bits) - 1

    @property
    def neutral(self) -> int:
        """Code of -0, which leaves any sum as it is."""
        return self.sign_mask

    def _drawn(self, kind, low, high, shape, rng):
        """Codes of fields from ``low`` to ``high``, of both signs; of kind ``largest`` half of the time of one."""
        signs = _signs(shape, rng) if kind == "largest" else rng.integers(2, size=shape)
        return (rng.integers(low, high, shape, endpoint=True) | signs * self.sign_mask).astype(code_dtype(self.width))


def _signs(shape, rng):
    """Zeros and ones: of ``shape``, or one for all."""
    return rng.integers(2, size=1 if rng.random() < 0.5 else shape)


@lru_cache(maxsize=64)
def _value_table(fmt):
    table = fmt._values(np.arange(1 << fmt.width, dtype=code_dtype(fmt.width)))
    table.setflags(write=False)
    return table


@lru_cache(maxsize=64)
def sorted_values(fmt: Format) -> tuple[np.ndarray, np.ndarray]:
    """The finite numbers of a format of up to 16 bits, ascending, each once, and the lowest code of each; of formats
    that pack several numbers every code, by the sum of its numbers."""
    values = _value_table(fmt)
    if fmt.per_code > 1:
        values = values.sum(axis=1)
    finite = np.flatnonzero(np.isfinite(values))
    numbers, first = np.unique(values[finite], return_index=True)
    return numbers, finite[first]
