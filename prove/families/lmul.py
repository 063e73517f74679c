"""L-Mul and Mitchell: arXiv 2410.00907, equation 1, as one addition of the fields."""

from ..specification import product

__all__ = ["product"]
