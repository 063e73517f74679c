"""Operand codes that exercise a multiplier: all of them, the corners, and seeded random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .formats import Format, code_dtype
from .refusal import Refusal

if TYPE_CHECKING:
    from .spec import Multiplier

_ALL_BITS = 24


def all_pairs(spec: Multiplier) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of operand codes.

    Returns
    -------
    a, b : one-dimensional arrays of codes
        ``b`` changes fastest.

    Raises
    ------
    Refusal
        If the operands have more than 24 bits together.
    """
    bits = spec.a.width + spec.b.width
    if bits > _ALL_BITS:
        raise Refusal(f"Operands must have at most {_ALL_BITS} bits together to take all pairs, not {bits}")
    pairs = np.arange(1 << bits)
    a, b = pairs >> spec.b.width, pairs & ((1 << spec.b.width) - 1)
    return a.astype(code_dtype(spec.a.width)), b.astype(code_dtype(spec.b.width))


def corners(fmt: Format) -> np.ndarray:
    """The codes of a format where arithmetic goes wrong first, ascending and each once: `Format.corners`."""
    return fmt.corners()


def corner_pairs(spec: Multiplier) -> tuple[np.ndarray, np.ndarray]:
    """Every corner of the first operand with every corner of the second, as `all_pairs` gives them."""
    a, b = np.meshgrid(corners(spec.a), corners(spec.b), indexing="ij")
    return a.ravel(), b.ravel()


def random_codes(fmt: Format, count: int, seed: int | np.random.Generator) -> np.ndarray:
    """``count`` codes, uniform over the format's codes. ``seed`` is an integer or a numpy Generator."""
    return np.random.default_rng(seed).integers(0, 1 << fmt.width, count, code_dtype(fmt.width))


def random_pairs(spec: Multiplier, count: int, seed: int | np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """``count`` pairs, uniform over the operand codes, as `all_pairs` gives them."""
    generator = np.random.default_rng(seed)
    return random_codes(spec.a, count, generator), random_codes(spec.b, count, generator)
