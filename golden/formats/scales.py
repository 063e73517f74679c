"""Scales: what a block of numbers is multiplied by (OCP Microscaling Formats 1.0, and unsigned FP8)."""

from dataclasses import dataclass

import numpy as np

from .base import Format


class Scale(Format):
    """A format of scales: each is an integer, its significand, times a power of two.

    Attributes
    ----------
    sig_bits, exp_bits : int
        Of the significand, 0 where it is always 1, and of the exponent.
    bias : int
    """

    sig_bits: int
    exp_bits: int
    bias: int

    def parts(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Significands and exponents, int64: a scale is ``significand * 2**(exponent - bias)``. NaN as if a number."""
        raise NotImplementedError

    def for_tensor(self, largest: float) -> float:
        """The scale of a whole tensor whose largest block has the scale ``largest``, above 0: a power of two, by which
        the scales of all blocks are divided before they are coded."""
        raise NotImplementedError


_ROOM = 64  # octaves that scales have, at the least, below that of a tensor's largest block


@dataclass(frozen=True)
class PowerScale(Scale):
    """E8M0: the powers of two from ``2**-127`` to ``2**127``, and NaN as 255. There is no zero."""

    name: str = "e8m0"
    width: int = 8

    has_nan = True
    neutral = 127
    sig_bits, exp_bits, bias = 0, 8, 127

    @property
    def max_finite(self) -> int:
        return 254

    def parts(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.ones(codes.shape, np.int64), codes.astype(np.int64)

    def for_tensor(self, largest: float) -> float:
        """1, but for a largest scale above ``2**127``, or so small that those of other blocks would lack room."""
        _, exponent = np.frexp(largest)
        return float(np.ldexp(1.0, exponent - np.clip(exponent, _ROOM - 127, 128)))

    def _values(self, codes):
        return np.where(codes == 255, np.nan, np.ldexp(1.0, codes.astype(np.int32) - 127))

    def _nearest(self, values, overflow):
        """The power of two nearest to a positive number, halves upwards: 0 and what is negative become the smallest."""
        mantissa, exponent = np.frexp(np.maximum(values, 2.0**-127))
        codes = exponent - 1 + (mantissa >= 0.75) + 127
        beyond = 254 if overflow == "saturate" else 255
        codes = np.where(np.isposinf(values) | (codes > 254), beyond, codes)
        return np.where(np.isnan(values), 255, codes)


@dataclass(frozen=True)
class FloatScale(Scale):
    """UE4M3: the codes 0 to 127 of e4m3, which are its numbers without a sign; NaN is 127. In eight bits, the upper 0.
    """

    name: str = "ue4m3"
    width: int = 7

    has_nan = True
    sig_bits, exp_bits, bias = 4, 4, 10

    @property
    def max_finite(self) -> int:
        return 126

    def parts(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        exp, man = codes.astype(np.int64) >> 3, codes.astype(np.int64) & 7
        return man | (exp > 0) << 3, np.maximum(exp, 1)

    def for_tensor(self, largest: float) -> float:
        """What brings the largest scale into the uppermost octave that has no NaN in it: above 224, to 448."""
        mantissa, exponent = np.frexp(largest / self.magnitude)
        return float(np.ldexp(1.0, exponent - (mantissa == 0.5)))

    def _values(self, codes):
        return _e4m3().decode(codes)

    def _nearest(self, values, overflow):
        codes = _e4m3().encode(np.maximum(values, 0.0), overflow)
        return np.where(np.isnan(values), 127, codes & 127)


def _e4m3():
    from .floats import FORMATS

    return FORMATS["e4m3"]


SCALES = {scale.name: scale for scale in (PowerScale(), FloatScale())}


def read(name: str) -> Format | None:
    """The scale called ``name``, or None."""
    return SCALES.get(name)
