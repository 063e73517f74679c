"""Codes and the numbers they stand for: a format's own codec, as functions."""

from .formats.base import as_codes, code_dtype
from .formats.floats import round_shift

__all__ = ["as_codes", "code_dtype", "decode", "encode", "round_shift"]


def decode(fmt, codes):
    """The values of ``codes``, exactly: `Format.decode`."""
    return fmt.decode(codes)


def encode(fmt, values, overflow="saturate"):
    """The codes nearest to ``values``: `Format.encode`."""
    return fmt.encode(values, overflow)
