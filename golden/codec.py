"""Codes and the numbers they stand for: a format's own codec, as functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .formats.base import as_codes, code_dtype
from .formats.floats import round_shift

if TYPE_CHECKING:
    from .formats import Format

__all__ = ["as_codes", "code_dtype", "decode", "encode", "round_shift"]


def decode(fmt: Format, codes: ArrayLike) -> np.ndarray:
    """The values of ``codes``, exactly: `Format.decode`."""
    return fmt.decode(codes)


def encode(fmt: Format, values: ArrayLike, overflow: str = "saturate") -> np.ndarray:
    """The codes nearest to ``values``: `Format.encode`."""
    return fmt.encode(values, overflow)
