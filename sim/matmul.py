"""Real matrices through a design, from files to a file: by the model, or a ``matmul_*`` or a tile by its simulated RTL.

What matrices may be, and what of them is written: `lmul.golden.matrix_product`. The product of floats is float64 if an
operand is, else float32; that of codes is codes of the result, and of signed integers signed integers: int32 for an
accumulator of 32 bits.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from ..golden import tensors
from ..golden.accumulate import check
from ..golden.codec import code_dtype, decode
from ..golden.files import atomic_write
from ..golden.formats import IntFormat
from ..golden.matrix_product import MatrixProduct, modelled, multiply
from ..golden.matrix_product import check as check_design
from ..golden.refusal import Refusal
from ..golden.tensors import Tensor
from ..golden.tile_sums import Scales, TileResult
from ..hdl.designs import Design
from . import tile_rtl
from .carried import Progress, Ran, carried, ran

BACKENDS = ("golden", "rtl")


class Told(Protocol):
    """What is to be told of a product by other means: as plain data, and as text that goes on a sentence."""

    @property
    def record(self) -> dict[str, Any]: ...


#: What multiplies codes by other means than ours: of the design, two matrices of codes, scales of blocks and progress.
By = Callable[[Design, np.ndarray, np.ndarray, Scales, Progress | None], tuple[np.ndarray | TileResult, Told]]


@dataclass(frozen=True)
class Multiplied:
    """What `matmul_files` did.

    Attributes
    ----------
    product : MatrixProduct
    written : array
        What is in the file.
    backend : str
    seconds : float
        Of the multiplication of codes.
    ran : Ran or Told or None
        Of ``rtl``, the simulation; of other means than ours, what they tell.
    path : path
    """

    product: MatrixProduct
    written: np.ndarray
    backend: str
    seconds: float
    ran: Ran | Told | None
    path: str | Path

    @property
    def record(self) -> dict[str, Any]:
        """All but the product itself, as plain data; keys of what there is not are None."""
        product, tile = self.product, self.product.design.tile if self.product.design.declared.tiled else None
        windowed, blocks = tile is not None and tile.window is not None, tile is not None and bool(tile.blocks)
        infinite, no_number = self._specials
        return {
            "design": product.design.slug, "backend": self.backend,
            **dict(zip(("rows", "depth", "cols"), product.shape, strict=True)), "mac": int(np.prod(product.shape)),
            "seconds": self.seconds, "simulation": self.ran.record if isinstance(self.ran, Ran) else None,
            "board": self.ran.record if self.ran and not isinstance(self.ran, Ran) else None,
            "a_scale": product.a.scale, "b_scale": product.b.scale,
            "window_place": product.result.place if windowed else None,
            "block_scales_place": product.result.top if blocks else None,
            "exponent": product.result.exponent, "inf": infinite, "nan": no_number, "result_error": product.error,
            "dtype": str(self.written.dtype), "output": str(self.path),
        }

    @property
    def line(self) -> str:
        """All in one line."""
        found, product = self.record, self.product
        rows, depth, cols = product.shape
        words = [f"{found['design']}, {self.backend}: {(rows, depth)} x {(depth, cols)}, {found['mac']} MAC in "
                 f"{self.seconds:.2f} s{self.ran or ''}"]
        if found["window_place"] is not None:
            words.append(f"window at {found['window_place']}")
        if found["block_scales_place"] is not None:
            words.append(f"scales of blocks at {found['block_scales_place']}")
        if product.design.declared.tiled and not product.design.result.integer:
            words.append(f"codes of results times 2**{found['exponent']}")
        if product.a.scale is not None:
            words.append(f"scales {product.a.scale:.6g} and {product.b.scale:.6g}")
        if not product.design.result.integer:
            words.append(f"{found['inf']} Inf and {found['nan']} NaN in the result")
        if found["result_error"] is not None:
            words.append(f"error {100 * found['result_error']:.3g} % of the exact product's root mean square")
        return "; ".join([*words, f"wrote {self.path}"])

    @property
    def _specials(self):
        """How many results are Inf and NaN, those among them that became so when they were scaled back."""
        floats = self.written.dtype.kind == "f"
        values = self.written if floats else decode(self.product.design.result, self.product.codes)
        return int(np.count_nonzero(np.isinf(values))), int(np.count_nonzero(np.isnan(values)))


def matmul_files(a: str | Path, b: str | Path, design: Design, backend: str, path: str | Path,
                 progress: Progress | None = None, simulator: str = "verilator",
                 folder: str | Path | None = None, a_scales: str | Path | None = None,
                 b_scales: str | Path | None = None, by: By | None = None) -> Multiplied:
    """Multiply the matrices in two files and write the product to a third.

    Parameters
    ----------
    a, b : str or path
        Matrices (M, K) and (K, N), both float, or both codes: ``F.npy``, ``F.npz:x`` or ``F.safetensors:x``.
    design : Design
        One that has sums; for ``rtl`` a ``matmul``, or a tile, whose results are those of its core.
    backend : str
        ``golden`` or ``rtl``: the same bits either way. With ``by`` its name.
    path : path
        The ``.npy`` to write, (M, N); whole or not at all.
    progress : callable or None
        Called as ``progress(done, total, text)`` while the simulation goes on.
    simulator, folder
        Where ``rtl`` simulates; without a folder in a temporary one.
    a_scales, b_scales : str, path or None
        Codes of the scales of blocks, for operands of a tile that are codes in blocks.
    by : callable, optional
        What multiplies codes instead, as a board does; of a ``matmul`` or a tile.

    Raises
    ------
    Refusal
        If the design, a file or a matrix is refused, or a sum leaves the range of an integer accumulator: one sentence.
    """
    check_design(design)
    if by is None and backend not in BACKENDS:
        raise Refusal(f"Backend must be one of {', '.join(BACKENDS)}, not {backend!r}")
    if backend != "golden" and design.protocol != "axis" and not design.declared.tiled:
        how = "simulated with" if backend == "rtl" else "sent"
        raise Refusal(f"Design must be a matmul or a tile to be {how} matrices, not {design.slug!r}")
    first, second = read_matrix("A", a), read_matrix("B", b)
    scales = [read_matrix(f"of scales of {name}", given) if given else None
              for name, given in (("A", a_scales), ("B", b_scales))]
    seconds, how = 0.0, None

    def timed(design, a, b, scales):
        nonlocal seconds, how
        start = time.perf_counter()
        if by is not None:
            codes, how = by(design, a, b, scales, progress)
        elif backend == "golden":
            codes = modelled(design, a, b, scales)
        else:
            simulated = tile_rtl.on_rtl if design.declared.tiled else on_rtl
            codes, how = simulated(design, a, b, scales, simulator, folder, progress)
        seconds = time.perf_counter() - start
        return codes

    product = multiply(design, first, second, *scales, by=timed)
    written = result(product, {first.dtype, second.dtype})
    with atomic_write(path, "wb") as file:
        np.save(file, written)
    return Multiplied(product, written, backend, seconds, how, path)


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


def result(product: MatrixProduct, dtypes: Collection[str]) -> np.ndarray:
    """A product as matrices of these types, names, call for."""
    if product.a.scale is not None:
        with np.errstate(over="ignore"):
            return product.values.astype(np.float64 if "float64" in dtypes else np.float32)
    if any(name.startswith("int") for name in dtypes):
        numbers = cast(IntFormat, product.design.result).numbers(product.codes)
        return numbers.astype(f"i{product.codes.dtype.itemsize}")
    return product.codes


def on_rtl(design: Design, a: np.ndarray, b: np.ndarray, scales: Scales = Scales(),  # noqa: B008
           simulator: str = "verilator", folder: str | Path | None = None,
           progress: Progress | None = None) -> tuple[np.ndarray, Ran]:
    """The product of code matrices by the simulated RTL, of any size: tile by tile, depth whole.

    Returns
    -------
    codes : array, (M, N)
    ran : Ran
    """
    check(design.multiplier, design.summed_by, a.shape[1])
    a_tiles, b_tiles = tiles(design, a, b)
    rows, cols = design.grid
    codes, run = carried(design, "lmul.sim.cocotb_product", {"a": a_tiles, "b": b_tiles},
                         len(a_tiles) * len(b_tiles) * rows, a.size * b.shape[1], simulator, folder, progress)
    codes = codes.reshape(len(a_tiles), len(b_tiles), rows, cols).transpose(0, 2, 1, 3)
    codes = codes.reshape(len(a_tiles) * rows, -1)[: a.shape[0], : b.shape[1]]
    how = ran(run, a.size * b.shape[1], rows * cols)
    return np.ascontiguousarray(codes, code_dtype(design.result.width)), how


def tiles(design: Design, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tiles of rows, codes (tiles, R, K), and of columns, (tiles, K, C); what lies beyond the matrices is neutral."""
    rows, cols = design.grid
    fill_a, fill_b = design.multiplier.neutral or (0, 0)
    a = np.pad(a, ((0, -len(a) % rows), (0, 0)), constant_values=fill_a)
    b = np.pad(b, ((0, 0), (0, -b.shape[1] % cols)), constant_values=fill_b)
    return a.reshape(-1, rows, a.shape[1]), b.reshape(len(b), -1, cols).swapaxes(0, 1)
