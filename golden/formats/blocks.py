"""Blocks: elements of one format under a scale that they share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..parallel import in_chunks
from ..refusal import Refusal
from .base import Format, code_dtype
from .scales import SCALES, Scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike


class Blocks(NamedTuple):
    """A tensor in blocks along its last axis: codes of the elements, of the tensor's shape, and of the scales, one for
    each block."""

    elements: np.ndarray
    scales: np.ndarray


@dataclass(frozen=True)
class Block:
    """``size`` elements under a scale: the number of an element is its own times its block's scale.

    The scale of E8M0 is the power of two that brings the block's largest magnitude into the elements' uppermost binade
    (OCP Microscaling Formats 1.0, section 6.3: elements then saturate); that of a float is the nearest to the
    block's largest magnitude over the elements' largest number.

    Parameters
    ----------
    name : str
    element : Format
    scale : Format
    size : int
    """

    name: str
    element: Format
    scale: Scale
    size: int

    def __str__(self) -> str:
        return self.name

    def encode(self, values: ArrayLike) -> Blocks:
        """`Blocks` of a tensor of finite numbers whose last axis is a multiple of ``size`` long.

        Raises
        ------
        Refusal
            If the last axis is not; or a number is NaN or Inf.
        """
        values = np.asarray(values, np.float64)
        if not values.ndim or values.shape[-1] % self.size:
            raise Refusal(f"Values for {self} must come in blocks of {self.size}, not in shape {values.shape}")
        if not np.isfinite(values).all():
            raise Refusal(f"Values for {self} must be finite numbers, not nan or inf")
        codes = np.empty(values.shape, code_dtype(self.element.width))
        scales = np.empty((*values.shape[:-1], values.shape[-1] // self.size), code_dtype(self.scale.width))
        in_chunks(self._encode, [values.reshape(-1, self.size)], [codes.reshape(-1, self.size), scales.reshape(-1)])
        return Blocks(codes, scales)

    def _encode(self, blocks):
        """Codes of rows that are blocks, and of their scales."""
        scales = self.scale.encode(self._scale(abs(blocks).max(axis=-1)))
        by = self.scale.decode(scales)
        by = np.where(by > 0, by, 1.0)  # a float's scale may be 0, of a block that is next to nothing
        return self.element.encode(blocks / by[:, None]), scales

    def decode(self, blocks: Blocks) -> np.ndarray:
        """The numbers of `Blocks`, float64 of the elements' shape."""
        values = self.element.decode(blocks.elements)
        parts = values.reshape(*values.shape[:-1], -1, self.size)
        return (parts * self.scale.decode(blocks.scales)[..., None]).reshape(values.shape)

    def tensor_scale(self, values: np.ndarray) -> float:
        """The scale of a tensor of finite numbers, by which they are divided before they are encoded: a power of two,
        1 where the blocks' scales reach far enough (`Scale.for_tensor`)."""
        largest = np.abs(values).max()
        return self.scale.for_tensor(float(self._scale(largest))) if largest else 1.0

    def _scale(self, largest):
        if not self.scale.sig_bits:  # a power of two
            _, exponent = np.frexp(largest)
            _, top = np.frexp(self.element.magnitude)
            return np.ldexp(np.sign(largest), exponent - top)  # of a block of zeros 0, coded as the smallest scale
        return largest / self.element.magnitude


def read(name: str, element: Callable[[str], Format]) -> Block | None:
    """The block format called ``mx...`` (32 elements under E8M0) or ``nvfp4`` (16 of e2m1 under UE4M3), or None.

    Parameters
    ----------
    name : str
    element : callable
        Gives the format of a name.
    """
    if name == "nvfp4":
        return Block(name, element("e2m1"), SCALES["ue4m3"], 16)
    match = re.fullmatch(r"mx(\w+)", name)
    return Block(name, element(match[1]), SCALES["e8m0"], 32) if match else None


def split(name: str) -> tuple[str, str | None, str | None]:
    """The formats of operands as slugs have them, one or ``AxB``, taken apart: those of the elements, written the same
    way, and the names of the blocks that ``a`` and ``b`` come in, or None."""
    match = re.match(r"(?:mx|nv)?[^x]*", name)
    assert match
    first, second = match[0], name[match.end() + 1 :]
    a, b = (word if re.match("mx|nvfp4$", word) else None for word in (first, second or first))
    elements = [("e2m1" if word == "nvfp4" else word.removeprefix("mx")) for word in (first, second) if word]
    return "x".join(elements), a, b
