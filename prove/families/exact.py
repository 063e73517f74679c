"""Exact products of floats: IEEE 754, one rounding to nearest even."""

from ..specification import product

__all__ = ["product"]
