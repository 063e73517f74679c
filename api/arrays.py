"""Arrays through the model of a design, by its slug."""

from typing import Any

import numpy as np
from lmul.golden.formats import Block, Format
from lmul.golden.matrix_product import MatrixProduct, Operand, multiply
from lmul.golden.matrix_product import named as format_named
from lmul.golden.matrix_product import quantise as _quantise
from lmul.golden.tensors import Tensor, of
from lmul.hdl.designs import Design, parse
from numpy.typing import ArrayLike

from .first import first

__all__ = ["MatrixProduct", "Operand", "format_named", "matmul", "quantise"]


def matmul(a: ArrayLike | Operand, b: ArrayLike | Operand, design: str | Design, *, a_scales: ArrayLike | None = None,
           b_scales: ArrayLike | None = None) -> MatrixProduct:
    """The product of two matrices, bit for bit as the design computes it.

    Parameters
    ----------
    a, b : arrays or Operand
        (rows, depth) and (depth, cols). Floats, also bfloat16 and float8 of ml_dtypes, are quantised to the design's
        formats and the result is scaled back; unsigned integers are codes; of designs of integers signed integers are
        their numbers. What is an `Operand` is quantised already.
    design : str or Design
        A slug of one that has sums: ``mac_*``, ``dot_*``, ``array_*``, ``matmul_*`` or ``tile_*``.
    a_scales, b_scales : arrays, optional
        Codes of the scales of blocks, of tiles whose operands are codes in blocks.

    Returns
    -------
    MatrixProduct
        ``values`` (float64), ``codes``, ``exact`` (the float64 product of what was given) and ``error``: the root mean
        square of ``values - exact`` over that of ``exact``.

    Raises
    ------
    Refusal
        If the slug or an operand is refused: one sentence.
    """
    design = parse(design) if isinstance(design, str) else design
    first()
    of_a, of_b = (None if each is None else of(np.asarray(each)) for each in (a_scales, b_scales))
    return multiply(design, _operand(a), _operand(b), of_a, of_b)


def quantise(values: ArrayLike, fmt: str | Format | Block, axis: int = -1) -> Operand:
    """A tensor as codes of a format, by name: ``e4m3``, ``bf16``, ``int4``, ``l3f4``, or blocks, ``mxe4m3``, ``nvfp4``.

    Parameters
    ----------
    values : array of finite floats
    fmt : str, Format or Block
    axis : int
        Along which there are blocks: -1, as of the first matrix of a product, or -2, as of the second.

    Returns
    -------
    Operand
        ``codes``, ``scale``, ``values`` (the numbers that the codes stand for) and ``error``: the root mean square of
        what quantisation changed over that of the tensor.

    Raises
    ------
    Refusal
        If there is no such format, or the values are no such floats.
    """
    return _quantise(values, fmt, axis)


def _operand(given: Any) -> Tensor | Operand:
    return given if isinstance(given, Operand) else of(given)
