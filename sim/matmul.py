"""Real matrices through a ``matmul_*`` design: read, quantised, cut into tiles, multiplied, and scaled back.

Float matrices are quantised to the design's operand formats, each with one scale for the whole tensor
(`lmul.golden.operands.quantise`), and the result is scaled back: float64 if an operand is, else float32. Floats are
numpy's, bfloat16 and float8 (`lmul.golden.tensors`); those of the design's own format keep their codes. Matrices of
unsigned integers are codes, and give the codes of the result. For formats of integers, matrices of signed integers are
numbers, each of which must be the format's, and give signed integers: int32 for an accumulator of 32 bits. For tiles,
whose operands may come in blocks, see `tile_matmul`.
"""

import time
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from ..golden import matmul as golden
from ..golden import tensors, tile_sums
from ..golden.accumulate import check
from ..golden.codec import code_dtype, decode
from ..golden.files import atomic_write
from ..golden.formats import IntFormat
from ..golden.operands import quantise
from ..golden.refusal import Refusal
from ..golden.spec import Multiplier
from ..golden.tensors import Tensor
from ..hdl.designs import Design
from . import tile_matmul, tile_rtl
from .carried import Progress, carried, told
from .codes import code_operand

BACKENDS = ("golden", "rtl")


def matmul_files(a: str | Path, b: str | Path, design: Design, backend: str, path: str | Path,
                 progress: Progress | None = None, simulator: str = "verilator",
                 folder: str | Path | None = None, a_scales: str | Path | None = None,
                 b_scales: str | Path | None = None) -> str:
    """Multiply the matrices in two files and write the product to a third.

    Parameters
    ----------
    a, b : str or path
        Matrices (M, K) and (K, N), both float, or both codes: ``F.npy``, ``F.npz:x`` or ``F.safetensors:x``.
    design : Design
        A ``matmul``, or a tile, whose results are those of its core.
    backend : str
        ``golden`` or ``rtl``: the same bits either way.
    path : path
        The ``.npy`` to write, (M, N); whole or not at all.
    progress : callable or None
        Called as ``progress(done, total, text)`` while the simulation goes on.
    simulator, folder
        Where ``rtl`` simulates; without a folder in a temporary one.
    a_scales, b_scales : str, path or None
        Codes of the scales of blocks, for operands of a tile that are codes in blocks.

    Returns
    -------
    str
        What was done, in one line: for floats with how many results are Inf and NaN, for tiles with the window's place
        and that of the scales, for ``rtl`` with the share of the array's peak that did useful work.

    Raises
    ------
    Refusal
        If the design, a file or a matrix is refused, or a sum leaves the range of an integer accumulator: one sentence.
    """
    if design.protocol != "axis" and not design.declared.tiled:
        raise Refusal(f"Design must be a matmul or a tile to multiply matrices, not {design.slug!r}")
    if backend not in BACKENDS:
        raise Refusal(f"Backend must be one of {', '.join(BACKENDS)}, not {backend!r}")
    first, second = read_matrix("A", a), read_matrix("B", b)
    scales = [given and read_matrix(f"of scales of {name}", given)
              for name, given in (("A", a_scales), ("B", b_scales))]
    if design.declared.tiled:
        run = _by_tile(design, first, second, scales, backend, simulator, folder, progress)
    elif any(scales):
        raise Refusal(f"Scales of blocks must be left out for {design.slug!r}, which has no blocks")
    else:
        run = _by_array(design, first, second, backend, simulator, folder, progress)
    with atomic_write(path, "wb") as file:
        np.save(file, run.product)
    shapes = first.array.shape, second.array.shape
    macs = first.array.size * shapes[1][1]
    return (f"{design.slug}, {backend}: {shapes[0]} x {shapes[1]}, {macs} MAC in {run.seconds:.2f} s{run.how}"
            f"{_specials(design, run.codes, run.product)}; wrote {path}")


class _Run(NamedTuple):
    """A product: codes of results, and what of them is written; how long that took, and what is said of it."""

    codes: np.ndarray
    product: np.ndarray
    seconds: float
    how: str


def _by_array(design, first, second, backend, simulator, folder, progress):
    a, b, scales = operands(design.multiplier, first, second)
    golden.refuse_wrapped(design.multiplier, design.summed_by, a, b)
    start = time.perf_counter()
    if backend == "golden":
        codes, how = golden.matmul(design.multiplier, design.summed_by, a, b), ""
    else:
        codes, how = on_rtl(design, a, b, simulator, folder, progress)
    seconds = time.perf_counter() - start
    scaled = "" if scales is None else f"; scales {scales[0]:.6g} and {scales[1]:.6g}"
    return _Run(codes, result(design, codes, {first.dtype, second.dtype}, scales), seconds, how + scaled)


def _by_tile(design, first, second, scales, backend, simulator, folder, progress):
    tile = design.tile
    a, b = tile_matmul.operands(tile, first, second, *scales)
    given = a.codes, b.codes, tile_matmul.scales(a, b)
    start = time.perf_counter()
    if backend == "golden":
        found, how = tile_sums.tile_matmul(tile, *given), ""
    else:
        found, how = tile_rtl.on_rtl(design, *given, simulator, folder, progress)
    seconds = time.perf_counter() - start
    product = tile_matmul.product(tile, found, a, b, {first.dtype, second.dtype})
    return _Run(found.codes, product, seconds, how + tile_matmul.told(tile, found, a, b))


def _specials(design, codes, product):
    """How many results are Inf and NaN, those among them that became so when they were scaled back; of floats."""
    if design.result.integer:
        return ""
    values = product if product.dtype.kind == "f" else decode(design.result, codes)
    return f"; {np.count_nonzero(np.isinf(values))} Inf and {np.count_nonzero(np.isnan(values))} NaN in the result"


def read_matrix(name: str, reference: str | Path) -> Tensor:
    """The matrix that a reference names, a `Tensor`.

    Raises
    ------
    Refusal
        As `lmul.golden.tensors.read`, or if it is no matrix.
    """
    tensor = tensors.read(f"Matrix {name}", reference)
    if tensor.array.ndim != 2 or not tensor.array.size:
        raise Refusal(f"Matrix {name} must have two dimensions, none of them 0, not shape {tensor.array.shape}")
    return tensor


def operands(spec: Multiplier, a: Tensor, b: Tensor) -> tuple[np.ndarray, np.ndarray, tuple[float, float] | None]:
    """Two matrices, `Tensor`, as codes; and their scales, two floats, or None if they were codes to begin with.

    Raises
    ------
    Refusal
        If the dtypes are not such as the module says, a float is not finite, a code does not fit, or the inner
        dimensions differ.
    """
    if a.array.shape[1] != b.array.shape[0]:
        raise Refusal(f"Inner dimensions must be equal, not {a.array.shape[1]} and {b.array.shape[0]}")
    (a_codes, a_scale), (b_codes, b_scale) = _operand("A", spec.a, a, -1), _operand("B", spec.b, b, -2)
    if (a_scale is None) != (b_scale is None):
        kinds = ["codes" if scale is None else "floats" for scale in (a_scale, b_scale)]
        raise Refusal(f"Matrices must be both floats or both codes, not {kinds[0]} and {kinds[1]}")
    return a_codes, b_codes, None if a_scale is None or b_scale is None else (a_scale, b_scale)


def _operand(name, fmt, tensor, axis):
    """Codes, and their scale or None."""
    codes = code_operand(name, fmt, tensor, axis)
    if codes is not None:
        return codes, None
    numbers = tensors.numbers(f"Matrix {name}", tensor, [fmt])
    return quantise(fmt, numbers.values, numbers.own, axis)


def result(design: Design, codes: np.ndarray, dtypes: Collection[str],
           scales: tuple[float, float] | None) -> np.ndarray:
    """Result codes as what matrices of these types, names, call for."""
    if scales is not None:
        dtype = np.float64 if "float64" in dtypes else np.float32
        with np.errstate(over="ignore"):
            return (decode(design.result, codes) * scales[0] * scales[1]).astype(dtype)
    if any(name.startswith("int") for name in dtypes):
        return cast(IntFormat, design.result).numbers(codes).astype(f"i{codes.dtype.itemsize}")
    return codes


def on_rtl(design: Design, a: np.ndarray, b: np.ndarray, simulator: str = "verilator",
           folder: str | Path | None = None, progress: Progress | None = None) -> tuple[np.ndarray, str]:
    """The product of code matrices by the simulated RTL, of any size: tile by tile, depth whole.

    Returns
    -------
    codes : array, (M, N)
    how : str
        Cycles, utilisation and times, for `matmul_files`.
    """
    check(design.multiplier, design.summed_by, a.shape[1])
    a_tiles, b_tiles = tiles(design, a, b)
    rows, cols = design.grid
    codes, run = carried(design, "lmul.sim.cocotb_product", {"a": a_tiles, "b": b_tiles},
                         len(a_tiles) * len(b_tiles) * rows, a.size * b.shape[1], simulator, folder, progress)
    codes = codes.reshape(len(a_tiles), len(b_tiles), rows, cols).transpose(0, 2, 1, 3)
    codes = codes.reshape(len(a_tiles) * rows, -1)[: a.shape[0], : b.shape[1]]
    how = told(run, a.size * b.shape[1], rows * cols)
    return np.ascontiguousarray(codes, code_dtype(design.result.width)), how


def tiles(design: Design, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tiles of rows, codes (tiles, R, K), and of columns, (tiles, K, C); what lies beyond the matrices is neutral."""
    rows, cols = design.grid
    fill_a, fill_b = design.multiplier.neutral or (0, 0)
    a = np.pad(a, ((0, -len(a) % rows), (0, 0)), constant_values=fill_a)
    b = np.pad(b, ((0, 0), (0, -b.shape[1] % cols)), constant_values=fill_b)
    return a.reshape(-1, rows, a.shape[1]), b.reshape(len(b), -1, cols).swapaxes(0, 1)
