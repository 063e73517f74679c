"""Matrices that are codes of a format, or integers each of which is one of its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .codec import as_codes, code_dtype
from .refusal import Refusal

if TYPE_CHECKING:
    from .formats import Format
    from .tensors import Tensor


def code_operand(name: str, fmt: Format, tensor: Tensor, axis: int, exactly: bool = True) -> np.ndarray | None:
    """The codes of a `Tensor` of unsigned codes, or, ``exactly``, of signed integers for a format of integers, along an
    axis; None of any other, whose numbers are to be quantised."""
    if tensor.dtype.startswith("uint"):
        if tensor.dtype != code_dtype(fmt.width):
            raise Refusal(f"Matrix {name} must be of floats or of {code_dtype(fmt.width)} codes of {fmt}, "
                          f"not {tensor.dtype}")
        return as_codes(fmt, tensor.array)
    if tensor.dtype.startswith("int") and fmt.integer and exactly:
        return _exactly(name, fmt, tensor, axis)
    return None


def _exactly(name, fmt, tensor, axis):
    """Codes of integers, every one a number of the format."""
    numbers = tensor.array.astype(tensor.dtype, copy=False)
    codes = fmt.pack(numbers.astype(np.float64), axis)
    wrong = np.argwhere(fmt.along(codes, axis) != numbers)
    if len(wrong):
        known = np.unique(fmt.decode(np.arange(1 << fmt.width)))
        listed = f"{known[0]:g} to {known[-1]:g}" if len(known) > 3 else ", ".join(f"{number:g}" for number in known)
        raise Refusal(f"Matrix {name} must hold numbers of {fmt}, {listed}, and {len(wrong)} of {numbers.size} are "
                      f"not, first {numbers[tuple(wrong[0])]} at {wrong[0].tolist()}")
    return codes
