"""Products of matrices by a design: floats quantised and scaled back, or codes; and how far they are from exact ones.

Float matrices are quantised to the design's operand formats, each with one scale for the whole tensor
(`operands.quantise`), or by block where a tile has blocks. Matrices of unsigned integers are codes. For formats of
integers, matrices of signed integers are numbers, each of which must be the format's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from . import matmul, tensors
from .code_operands import code_operand
from .errors import ResultErrors, result_errors
from .expected import expected
from .formats import Block, Blocks, Format, blocks, format_named
from .refusal import Refusal
from .tensors import Tensor
from .tile_matrices import Quantised, quantised
from .tile_operands import check_alike
from .tile_operands import operands as tile_operands
from .tile_sums import Scales, TileResult, tile_matmul

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

_RUNS = 1 << 22  # pairs of codes that dot products take at a time


@dataclass(frozen=True, eq=False)
class Operand:
    """A tensor as codes of a format.

    Attributes
    ----------
    format : Format or Block
    tensor : Quantised
        Codes; codes of the scales of blocks, or None; and the scale of the whole tensor.
    shape : tuple of int
        Of the tensor: there are more codes where blocks were filled up, fewer where a code packs several numbers.
    axis : int
        Along which there are blocks, or numbers in a code: -1, as of a first operand, or -2, as of a second.
    error : float or None
        Root mean square of what quantisation changed, over that of the tensor; None of zeros.
    """

    format: Format | Block
    tensor: Quantised
    shape: tuple[int, ...]
    axis: int = -1
    error: float | None = None

    @property
    def codes(self) -> np.ndarray:
        """Those of the elements, where there are blocks."""
        return self.tensor.codes

    @property
    def scale(self) -> float:
        """The factor of the numbers of all codes."""
        return 1.0 if self.tensor.scale is None else self.tensor.scale

    @cached_property
    def values(self) -> np.ndarray:
        """The numbers that the codes stand for, float64."""
        block = self.format if isinstance(self.format, Block) else None
        element = block.element if block else cast(Format, self.format)
        return _numbers(element, block, self.tensor, self.axis)[tuple(slice(size) for size in self.shape)]


def quantise(values: ArrayLike, fmt: str | Format | Block, axis: int = -1) -> Operand:
    """A tensor of floats as codes of a format, or of blocks, by name (``e4m3``, ``int4``, ``l3f4``, ``mxe4m3``).

    Parameters
    ----------
    values : array of finite floats, not empty
    fmt : str, Format or Block
    axis : int
        -1 or -2, along which there are blocks: of a matrix that is to be the second operand -2.

    Raises
    ------
    Refusal
        If there is no such format, or the values are no such floats.
    """
    found: Format | Block = named(fmt) if isinstance(fmt, str) else fmt
    block = found if isinstance(found, Block) else None
    element = block.element if block else cast(Format, found)
    tensor = tensors.of(values)
    if axis not in (-1, -2) or tensor.array.ndim < -axis:
        raise Refusal(f"Axis must be -1 or -2 and one of the tensor's, not {axis} of shape {tensor.array.shape}")
    numbers = tensors.numbers("Tensor", tensor, [element])
    operand = Operand(found, quantised(element, block, numbers.values, numbers.own, axis), tensor.array.shape, axis)
    errors = _errors(operand.values, numbers.values.astype(np.float64))
    return replace(operand, error=errors and errors.error)


def named(name: str) -> Format | Block:
    """The format or the block format called ``name``; raises Refusal where there is neither."""
    return blocks.read(name, format_named) or format_named(name)


@dataclass(frozen=True, eq=False)
class MatrixProduct:
    """A product of matrices by a design.

    Attributes
    ----------
    design : Design
    result : TileResult
        Codes of the results; of tiles also the window's place, that of the scales, and the power of two by which
        results are to be multiplied, which else are 0.
    a, b : Quantised
        The operands as the design takes them.
    shape : (int, int, int)
        Rows, depth and columns.
    given : (Tensor or None, Tensor or None)
        Operands that were floats, before they were quantised.
    """

    design: Any
    result: TileResult
    a: Quantised
    b: Quantised
    shape: tuple[int, int, int]
    given: tuple[Tensor | None, Tensor | None] = field(repr=False, default=(None, None))

    @property
    def codes(self) -> np.ndarray:
        """Of ``design.result``, (rows, cols)."""
        return self.result.codes

    @cached_property
    def values(self) -> np.ndarray:
        """The numbers of the codes, float64, scaled back."""
        with np.errstate(over="ignore"):
            found = np.ldexp(self.design.result.decode(self.codes), self.result.exponent)
            return found * (self.a.scale or 1.0) * (self.b.scale or 1.0)

    @cached_property
    def exact(self) -> np.ndarray:
        """The product of what was given, in float64: of floats, or of what codes stand for."""
        spec, tile = self.design.multiplier, self.design.tile if self.design.declared.tiled else None
        depth = self.shape[1]
        a, b = (_numbers(fmt, block, each, axis) if given is None else tensors.numbers("Matrix", given, [fmt]).values
                for fmt, block, each, axis, given in ((spec.a, tile and tile.a_block, self.a, -1, self.given[0]),
                                                   (spec.b, tile and tile.b_block, self.b, -2, self.given[1])))
        with np.errstate(invalid="ignore", over="ignore"):
            return a[:, :depth].astype(np.float64) @ b[:depth].astype(np.float64)

    @cached_property
    def errors(self) -> ResultErrors | None:
        """How far ``values`` are from ``exact``; None where a result is not finite, or all should be zero."""
        return _errors(self.values, self.exact)

    @property
    def error(self) -> float | None:
        """Root mean square of the error of ``values``, over that of ``exact``; None as ``errors``."""
        return self.errors and self.errors.error


def multiply(design: Any, a: Tensor | Operand, b: Tensor | Operand, a_scales: Tensor | None = None,
             b_scales: Tensor | None = None,
             by: Callable[[Any, np.ndarray, np.ndarray, Scales], np.ndarray | TileResult] | None = None
             ) -> MatrixProduct:
    """The product of two matrices by a design that has sums.

    Parameters
    ----------
    design : Design
    a, b : Tensor or Operand
        (rows, depth) and (depth, cols).
    a_scales, b_scales : Tensor or None
        Codes of the scales of blocks, of tensors that are codes in blocks.
    by : callable, optional
        What multiplies codes, of the design, two matrices of codes and the scales of blocks: codes of results, of tiles
        a `TileResult`. By default the model.

    Raises
    ------
    Refusal
        If the design has no sums; a tensor is of a type or shape that it does not take, has numbers that are not
        finite, or codes that do not fit; the inner dimensions differ; or a sum leaves the range of integers.
    """
    check(design)
    shape = _shape(a, b)
    first, second = (_taken(design, name, each) for name, each in (("a", a), ("b", b)))
    if design.declared.tiled:
        of_a, of_b = tile_operands(design.tile, first, second, a_scales, b_scales)
    elif a_scales or b_scales:
        raise Refusal(f"Scales of blocks must be left out for {design.slug!r}, which has no blocks")
    else:
        of_a, of_b = _quantised("A", design.multiplier.a, first, -1), _quantised("B", design.multiplier.b, second, -2)
        check_alike(of_a, of_b)
        matmul.refuse_wrapped(design.multiplier, design.summed_by, of_a.codes, of_b.codes)
    codes = (by or modelled)(design, of_a.codes, of_b.codes, Scales(of_a.scales, of_b.scales))
    result = codes if isinstance(codes, TileResult) else TileResult(codes, 0, 0, 0)
    return MatrixProduct(design, result, of_a, of_b, shape, (_floats(a, of_a), _floats(b, of_b)))


def check(design: Any) -> None:
    """Refuse a design without sums."""
    if not design.declared.accumulates and not design.declared.tiled:
        raise Refusal(f"Design must have sums, as mac, dot, array, matmul and tile have, to multiply matrices, not "
                      f"{design.slug!r}")


def modelled(design: Any, a: np.ndarray, b: np.ndarray, scales: Scales) -> np.ndarray | TileResult:
    """The product of matrices of codes by the model of a design."""
    if design.declared.tiled:
        return tile_matmul(design.tile, a, b, scales)
    if design.protocol != "runs" or design.lanes is None:
        return matmul.matmul(design.multiplier, design.summed_by, a, b)
    rows = max(1, _RUNS // max(b.size, 1))
    parts = [expected(design, a[row : row + rows, None], b.T[None]) for row in range(0, len(a), rows)]
    return np.concatenate(parts)


def _errors(actual, right):
    """`ResultErrors`, or None where there are none."""
    try:
        return result_errors(actual, right)
    except Refusal:
        return None


def _shape(a, b):
    """Rows, depth and columns."""
    shapes = [each.shape if isinstance(each, Operand) else each.array.shape for each in (a, b)]
    for name, shape in zip("AB", shapes, strict=True):
        if len(shape) != 2 or 0 in shape:
            raise Refusal(f"Matrix {name} must have two dimensions, none of them 0, not shape {shape}")
    if shapes[0][1] != shapes[1][0]:
        raise Refusal(f"Inner dimensions must be equal, not {shapes[0][1]} and {shapes[1][0]}")
    return shapes[0][0], shapes[0][1], shapes[1][1]


def _taken(design, name, operand):
    """An operand as a tensor, or quantised before, and then in the design's format."""
    if not isinstance(operand, Operand):
        return operand
    block = getattr(design.tile, f"{name}_block") if design.declared.tiled else None
    wanted, axis = block or getattr(design.multiplier, name), -1 if name == "a" else -2
    if operand.format != wanted:
        raise Refusal(f"Matrix {name.upper()} must be quantised to {wanted} for {design.slug!r}, not {operand.format}")
    if operand.axis != axis and (block or wanted.per_code > 1):
        raise Refusal(f"Matrix {name.upper()} must be quantised along its axis {axis}, not {operand.axis}")
    return operand.tensor


def _quantised(name, fmt, tensor, axis):
    """Codes without blocks."""
    if isinstance(tensor, Quantised):
        return tensor
    codes = code_operand(name, fmt, tensor, axis)
    if codes is not None:
        return Quantised(codes, None, None)
    numbers = tensors.numbers(f"Matrix {name}", tensor, [fmt])
    return quantised(fmt, None, numbers.values, numbers.own, axis)


def _floats(given, found):
    """A tensor that was floats and is codes now; else None."""
    return given if isinstance(given, Tensor) and found.scale is not None else None


def _numbers(fmt, block, tensor, axis):
    """What the codes of a tensor stand for."""
    if block is None:
        return fmt.along(tensor.codes, axis) * (tensor.scale or 1.0)
    elements, scales = (np.moveaxis(each, axis, -1) for each in (tensor.codes, tensor.scales))
    return np.moveaxis(block.decode(Blocks(elements, scales)), -1, axis) * (tensor.scale or 1.0)
