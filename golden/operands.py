"""Operand sources: the recording of a transformer, a user's ``.npz``, uniform and Gaussian numbers; and how they become
codes of a multiplier's formats, in the order in which a processing element meets them."""

import hashlib
import json
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .codec import decode, encode
from .formats import IntFormat
from .refusal import Refusal

SHARES = {"qk": 0.25, "pv": 0.25, "ffn": 0.5}  # of the pairs drawn from a recording
_RUN = 64  # element pairs are drawn in runs of this many neighbours
_SYNTHETIC = 1 << 16


@dataclass(frozen=True)
class Product:
    """Two tensors that a product brings together.

    Parameters
    ----------
    kind : str
        What the product is, a key of `Operands.shares`.
    a, b : float arrays
        Matrices (rows, depth) and (depth, cols); or one-dimensional and of one length: pairs, element by element.
    """

    kind: str
    a: np.ndarray
    b: np.ndarray

    @property
    def runs(self):
        """How many dot products, or runs of neighbouring element pairs, there are to draw."""
        return len(self.a) * self.b.shape[1] if self.a.ndim == 2 else -(-len(self.a) // _RUN)

    def run(self, index):
        """The numbers that meet in one of them, in order: two float arrays of one length."""
        if self.a.ndim == 2:
            row, col = divmod(index, self.b.shape[1])
            return self.a[row], self.b[:, col]
        part = slice(index * _RUN, (index + 1) * _RUN)
        return self.a[part], self.b[part]

    def block(self, rows, depth, cols, rng):
        """Float matrices (rows, depth) and (depth, cols) cut out at a random place, beginning anew at an edge."""
        if self.a.ndim == 1:
            start = rng.integers(len(self.a))
            return tuple(array.take(np.arange(start, start + m * n), mode="wrap").reshape(m, n)
                         for array, m, n in ((self.a, rows, depth), (self.b, depth, cols)))
        row, start, col = (rng.integers(size) for size in (*self.a.shape, self.b.shape[1]))
        along = np.arange(start, start + depth)
        return (self.a.take(np.arange(row, row + rows), 0, mode="wrap").take(along, 1, mode="wrap"),
                self.b.take(along, 0, mode="wrap").take(np.arange(col, col + cols), 1, mode="wrap"))


@dataclass(frozen=True)
class Operands:
    """A source of operands: ``name``, one sentence of ``provenance``, and the ``products`` to draw from, of which each
    kind supplies its share (``shares``: kind to fraction) of the pairs."""

    name: str
    provenance: str
    products: tuple
    shares: dict

    @cached_property
    def sha256(self):
        """Digest of the numbers and their shapes."""
        digest = hashlib.sha256()
        for product in self.products:
            for array in (product.a, product.b):
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def operands(name, seed=1):
    """The source called ``name``: ``recording``, ``uniform``, ``gaussian``, or the path of an ``.npz``.

    Raises
    ------
    Refusal
        If the file is refused; see `load_npz`.
    """
    if name == "recording":
        return load_recording()
    if name in ("uniform", "gaussian"):
        return {"uniform": uniform, "gaussian": gaussian}[name](_SYNTHETIC, seed)
    return load_npz(name)


def load_recording():
    """The recording kept in the project: what attention and a feed-forward layer of all-MiniLM-L6-v2 multiply."""
    with as_file(files(__package__) / "data" / "recording.npz") as path:
        return load_npz(path)


def load_npz(path):
    """Operands from an ``.npz`` file: a recording made by ``lmul trace``, or a user's own arrays ``a`` and ``b``.

    Two arrays of one shape, whatever it is, are pairs element by element. Otherwise they must be matrices (rows, depth)
    and (depth, cols), whose elements pair as they meet in the matrix product.

    Raises
    ------
    Refusal
        If the file is missing, is not a whole ``.npz``, lacks an array, or its arrays are of another dtype, are empty,
        hold NaN or Inf, or do not pair. One sentence says which.
    """
    arrays = _read_npz(Path(path))
    if "metadata" in arrays:
        return _recording(path, arrays)
    a, b = (_checked(name, arrays[name]) for name in ("a", "b"))
    if a.shape == b.shape:
        pairing, product = "element by element", Product("user", a.ravel(), b.ravel())
    elif a.ndim == b.ndim == 2 and a.shape[1] == b.shape[0]:
        pairing, product = "as in the matrix product", Product("user", a, b)
    else:
        raise Refusal("Operands a and b must have one shape, or be matrices (rows, depth) and (depth, cols), "
                         f"not {a.shape} and {b.shape}")
    provenance = (f"{Path(path).name}: a {a.dtype.name} {list(a.shape)}, b {b.dtype.name} {list(b.shape)}, "
                  f"paired {pairing}")
    return Operands(Path(path).name, provenance, (product,), {"user": 1.0})


def _read_npz(path):
    try:
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise Refusal(f"Operands must be an .npz archive, not the single array in {str(path)!r}")
            if "a" not in archive and "metadata" in archive:
                return dict(archive)
            if not {"a", "b"} <= set(archive):
                raise Refusal(f"Operands must hold the arrays a and b, not {', '.join(archive) or 'none'}, "
                                 f"in {str(path)!r}")
            return {name: archive[name] for name in ("a", "b")}
    except OSError as error:
        raise Refusal(f"Operands file must be readable, not {str(path)!r}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError):
        raise Refusal(f"Operands must be a whole .npz archive, not {str(path)!r}, which is damaged") from None
    except Exception as error:  # numpy and zipfile let out whatever they come upon in a damaged header
        if isinstance(error, ValueError) and "Operands" in str(error):
            raise
        raise Refusal(f"Operands must be an .npz archive of plain arrays, not {str(path)!r}") from None


def _checked(name, array):
    if not isinstance(array, np.ndarray):  # a member that is no .npy
        raise Refusal(f"Operand {name} must be an array, not {type(array).__name__}")
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise Refusal(f"Operand {name} must be float16, float32 or float64, not {array.dtype}")
    if not array.size:
        raise Refusal(f"Operand {name} must hold at least one number, not shape {array.shape}")
    bad = array.size - np.count_nonzero(np.isfinite(array))
    if bad:
        raise Refusal(f"Operand {name} must hold finite numbers, not {bad} NaN or Inf in {array.size}")
    return array


def _recording(path, arrays):
    """A recording; `lmul.models.trace` writes them and says what the arrays are."""
    try:
        metadata = json.loads(np.asarray(arrays["metadata"]).tobytes())
        products = []
        for case, _ in enumerate(metadata["cases"]):
            q, k, p, v = (_checked(f"{name}{case}", arrays[f"{name}{case}"]) for name in "qkpv")
            products += [Product("qk", *pair) for pair in zip(q, k.transpose(0, 2, 1), strict=True)]
            products += [Product("pv", *pair) for pair in zip(p, v, strict=True)]
        products.append(Product("ffn", _checked("x", arrays["x"]), _checked("w", arrays["w"])))
        provenance = (f"{metadata['model']}: {metadata['summary']}; "
                      + ", ".join(f"{kind} {100 * share:g} %" for kind, share in SHARES.items()) + " of the pairs")
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError):
        raise Refusal(f"Operands with metadata must be a recording of `lmul trace`, not {str(path)!r}") from None
    return Operands(Path(path).stem, provenance, tuple(products), SHARES)


def uniform(count, seed):
    """``count`` pairs, uniform in [-1, 1)."""
    return _synthetic("uniform", count, seed, lambda rng: rng.uniform(-1, 1, count))


def gaussian(count, seed):
    """``count`` pairs from the standard normal distribution."""
    return _synthetic("gaussian", count, seed, lambda rng: rng.standard_normal(count))


def _synthetic(name, count, seed, draw):
    if count < 1:
        raise Refusal(f"Count must be at least 1, not {count!r}")
    rng = np.random.default_rng(seed)
    return Operands(name, f"{name}, {count} independent pairs, seed {seed}", (Product(name, draw(rng), draw(rng)),),
                    {name: 1.0})


def scale_for(fmt, values):
    """The per-tensor scale: ``values / scale`` is what the codes of ``fmt`` stand for.

    Floats get a power of two, so that scaling loses nothing. Up to 8 bits it is the smallest that clips no value: the
    range is short, so the largest magnitude belongs in its upper binade. Wider formats have range to spare, and what
    would spend it is the sum of the products: there the largest magnitude comes to lie in [1, 2). Integers get the
    largest magnitude over the largest code, as is usual for symmetric quantisation. All zeros: 1.
    """
    largest = float(np.abs(values).max())
    if not largest:
        return 1.0
    if isinstance(fmt, IntFormat):
        return max(largest / fmt.max_finite, np.finfo(np.float64).tiny)
    mantissa, exponent = np.frexp(largest)  # largest = mantissa * 2**exponent, mantissa in [.5, 1)
    top = 1
    if fmt.width <= 8:
        significand = (fmt.max_finite & fmt.man_mask) + fmt.min_normal
        top_mantissa = significand / (2 * fmt.min_normal)
        top = (fmt.max_finite >> fmt.man_bits) - fmt.bias + 1
        exponent += mantissa > top_mantissa
    return float(np.ldexp(1.0, max(exponent - top, -1022)))


def quantise(fmt, values):
    """Codes of ``fmt`` for a tensor, and the tensor's scale (`scale_for`); round to nearest even, never clipped.

    Parameters
    ----------
    fmt : FloatFormat or IntFormat
    values : finite floats, not empty

    Returns
    -------
    codes : unsigned ints, of the shape of ``values``
    scale : float
        ``decode(fmt, codes) * scale`` is nearest to ``values``.
    """
    scale = scale_for(fmt, values)
    return encode(fmt, np.asarray(values, np.float64) / scale), scale


class Operand(NamedTuple):
    """What a multiplier gets at one of its inputs.

    Attributes
    ----------
    codes : array of codes of the input's format
    values : float64 array of the same shape
        What the codes round: the source's numbers, each over the scale of its tensor.
    """

    codes: np.ndarray
    values: np.ndarray


class Drawn(NamedTuple):
    """Operands drawn from a source, ``a`` and ``b`` of a multiplier."""

    a: Operand
    b: Operand

    @property
    def codes(self):
        return self.a.codes, self.b.codes

    def reshape(self, a, b):
        """The same operands in other shapes."""
        return Drawn(*(Operand(*(array.reshape(shape) for array in operand))
                       for operand, shape in zip(self, (a, b), strict=True)))


class Census(NamedTuple):
    """How many of an operand's codes are zero; count as zero though what they round is not (because it is smaller than
    any code, or a subnormal that the multiplier flushes); are at the largest magnitude, either sign; are distinct; and
    how many there are."""

    zero: int
    flushed: int
    largest: int
    distinct: int
    total: int


def census(fmt, subnormals, operand):
    """The `Census` of an `Operand` of a multiplier with this policy for subnormals."""
    size = abs(decode(fmt, operand.codes))
    none = size < decode(fmt, fmt.min_normal) if subnormals == "flush" else size == 0
    counts = (size == 0, none & (operand.values != 0), size >= decode(fmt, fmt.max_finite))
    return Census(*map(int, map(np.count_nonzero, counts)), len(np.unique(operand.codes)), operand.codes.size)


def pairs(source, spec, count, seed):
    """Operand pairs in the order in which an output-stationary processing element meets them.

    Whole dot products, a row of one matrix with a column of the other along the depth, follow each other. Which ones is
    drawn from the seed, each once before any comes again, and by kind so that every kind keeps to its share.
    Each tensor has its own scale. More pairs begin with the same as fewer.

    Parameters
    ----------
    source : Operands
    spec : Multiplier
        ``a`` takes queries, attention weights and activations; ``b`` keys, values and weights.
    count : int
    seed : int

    Returns
    -------
    Drawn
        One-dimensional, ``count`` of each.
    """
    a, b = np.empty(count), np.empty(count)
    filled = 0
    scales = _scales(source, spec)
    drawn = _draw(source, np.random.default_rng(seed))
    given = dict.fromkeys(source.shares, 0)
    while filled < count:
        kind = _next_kind(source.shares, given)
        index, run = next(drawn[kind])
        for target, values, scale in zip((a, b), source.products[index].run(run), scales[index], strict=True):
            part = values[:count - filled]
            target[filled:filled + len(part)] = part.astype(np.float64) / scale
        filled += len(part)
        given[kind] += len(part)
    return _drawn(spec, a, b)


def matrices(source, spec, rows, depth, cols, count=1, seed=0):
    """Matrices for an array: blocks of the source's products, by kind in their shares, the largest share first.

    Each block is cut at a random place and wraps round where it is larger than what it is cut from. More blocks begin
    with the same as fewer.

    Returns
    -------
    Drawn
        ``a`` of shape (count, rows, depth), ``b`` (count, depth, cols).
    """
    rng = np.random.default_rng(seed)
    scales = _scales(source, spec)
    drawn = _draw(source, rng)
    given = dict.fromkeys(source.shares, 0)
    a, b = np.empty((count, rows, depth)), np.empty((count, depth, cols))
    for block in range(count):
        kind = _next_kind(source.shares, given)
        index, _ = next(drawn[kind])
        values = source.products[index].block(rows, depth, cols, rng)
        a[block], b[block] = (value.astype(np.float64) / scale
                              for value, scale in zip(values, scales[index], strict=True))
        given[kind] += 1
    return _drawn(spec, a, b)


def _drawn(spec, a, b):
    return Drawn(*(Operand(encode(fmt, values), values) for fmt, values in ((spec.a, a), (spec.b, b))))


def _scales(source, spec):
    return [(scale_for(spec.a, product.a), scale_for(spec.b, product.b)) for product in source.products]


def _next_kind(shares, given):
    """The kind that is furthest behind its share; of equals the one with the larger share."""
    return min(shares, key=lambda kind: (given[kind] / shares[kind], -shares[kind]))


def _draw(source, rng):
    """Per kind an endless iterator over (index of the product, its run), each run once a round."""
    return {kind: _rounds([(index, product.runs) for index, product in enumerate(source.products)
                           if product.kind == kind], rng.spawn(1)[0]) for kind in source.shares}


def _rounds(runs, rng):
    starts = np.cumsum([0, *(count for _, count in runs)])
    while True:
        for pick in rng.permutation(starts[-1]):
            which = np.searchsorted(starts, pick, side="right") - 1
            yield runs[which][0], int(pick - starts[which])
