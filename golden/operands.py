"""Operand sources: recordings of transformers, a user's tensors, uniform and Gaussian numbers; and how they become
codes of a multiplier's formats, in the order in which a processing element meets them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from . import tensors
from .formats import FloatFormat, Format
from .refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .spec import Multiplier

PAIRINGS = ("elements", "matmul")
#: Recordings kept in the project, by name, and their networks: what attention and feed-forward layers multiply.
RECORDINGS = {"recording": "all-MiniLM-L6-v2", "smollm2": "SmolLM2-135M-Instruct"}
#: Every source that needs no file.
SOURCES = (*RECORDINGS, "uniform", "gaussian")
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
        Matrices (rows, depth) and (depth, cols), or as many of either, (..., rows, depth) and (..., depth, cols); or
        one-dimensional and of one length: pairs, element by element.
    a_own, b_own : Format or None
        The format whose codes a tensor was to begin with: for a multiplier of that format it is taken as it is.
    """

    kind: str
    a: np.ndarray
    b: np.ndarray
    a_own: Format | None = None
    b_own: Format | None = None

    @property
    def runs(self) -> int:
        """How many dot products, or runs of neighbouring element pairs, there are to draw."""
        return self.a[..., 0].size * self.b.shape[-1] if self.a.ndim > 1 else -(-len(self.a) // _RUN)

    def run(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The numbers that meet in one of them, in order: two float arrays of one length."""
        if self.a.ndim > 1:
            *batch, row, col = np.unravel_index(index, (*self.a.shape[:-1], self.b.shape[-1]))
            return self.a[*batch, row], self.b[*batch, :, col]
        part = slice(index * _RUN, (index + 1) * _RUN)
        return self.a[part], self.b[part]

    def block(self, rows: int, depth: int, cols: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Float matrices (rows, depth) and (depth, cols) cut out at a random place, beginning anew at an edge."""
        if self.a.ndim == 1:
            start = rng.integers(len(self.a))
            a, b = (array.take(np.arange(start, start + m * n), mode="wrap").reshape(m, n)
                    for array, m, n in ((self.a, rows, depth), (self.b, depth, cols)))
            return a, b
        *batch, row, start, col = (rng.integers(size) for size in (*self.a.shape, self.b.shape[-1]))
        along = np.arange(start, start + depth)
        return (self.a[*batch].take(np.arange(row, row + rows), 0, mode="wrap").take(along, 1, mode="wrap"),
                self.b[*batch].take(along, 0, mode="wrap").take(np.arange(col, col + cols), 1, mode="wrap"))

    def scales(self, spec: Multiplier) -> tuple[float, float]:
        """What the tensors are divided by, to become codes of a multiplier's formats: `scale_for`."""
        a, b = formats = spec.ranges
        if formats not in self._scales:
            self._scales[formats] = scale_for(a, self.a, self.a_own), scale_for(b, self.b, self.b_own)
        return self._scales[formats]

    @cached_property
    def _scales(self):
        """Scales that were found before: some take a sort of the tensor."""
        return {}


@dataclass(frozen=True)
class Operands:
    """A source of operands: ``name``, one sentence of ``provenance``, and the ``products`` to draw from, of which each
    kind supplies its share (``shares``: kind to fraction) of the pairs."""

    name: str
    provenance: str
    products: tuple
    shares: dict

    @cached_property
    def sha256(self) -> str:
        """Digest of the numbers and their shapes."""
        digest = hashlib.sha256()
        for product in self.products:
            for array in (product.a, product.b):
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @cached_property
    def identity(self) -> list:
        """All that is drawn from a source depends on: `sha256`, shares, kinds, and formats that tensors had of their
        own."""
        own = [[each.kind, *(fmt and fmt.name for fmt in (each.a_own, each.b_own))] for each in self.products]
        return [self.sha256, dict(self.shares), own]


def operands(name: str, seed: int = 1, pairing: str | None = None, specs: Iterable[Multiplier] = ()) -> Operands:
    """The source called ``name``: one of `SOURCES`, or tensors as `load` takes them.

    Raises
    ------
    Refusal
        If the tensors are refused; see `load`. If the pairing of others is asked for.
    """
    if name not in SOURCES:
        return load(name, pairing, specs)
    if pairing is not None:
        raise Refusal(f"Pairing must be left to {name}, which has its own, not {pairing!r}")
    if name in RECORDINGS:
        return load_recording(name)
    return {"uniform": uniform, "gaussian": gaussian}[name](_SYNTHETIC, seed)


def load_recording(name: str = "recording") -> Operands:
    """A recording kept in the project, by its name in `RECORDINGS`."""
    with as_file(files(str(__package__)) / "data" / f"{name}.npz") as path:
        return load(path)


def load(reference: str | Path, pairing: str | None = None, specs: Iterable[Multiplier] = ()) -> Operands:
    """Operands from files: a recording made by ``lmul trace``, or a user's own tensors.

    Parameters
    ----------
    reference : str or path
        ``F.npz`` or ``F.safetensors`` with ``a`` and ``b``; others by their names, ``F.npz:x,y``; or ``A.npy,B.npy``.
    pairing : str or None
        ``elements``: tensors of one shape pair element by element. ``matmul``: they are (..., rows, depth) and
        (..., depth, cols), what is before the last two dimensions broadcast as in `numpy.matmul`, and elements pair as
        they meet in the matrix products. None: whichever of the two the shapes allow.
    specs : iterable of Multiplier
        What the operands are for; says of which format codes are that come without a name (`tensors.numbers`).

    Raises
    ------
    Refusal
        If a file or a tensor is refused (`tensors`), the shapes do not pair, or could pair both ways: tensors of one
        shape that are square or have more than two dimensions must be told.
    """
    if "metadata" in tensors.archive(reference):
        return _recording(reference)
    a, b = (tensors.numbers(f"Operand {name}", tensor, {getattr(spec, name) for spec in specs})
            for name, tensor in zip("ab", tensors.read_pair("Operands", reference), strict=True))
    paired = _pairing(a.values.shape, b.values.shape, pairing)
    if paired == "elements":
        how, arrays = "element by element", (a.values.ravel(), b.values.ravel())
    else:
        batch = np.broadcast_shapes(a.values.shape[:-2], b.values.shape[:-2])
        arrays = [np.broadcast_to(each.values, (*batch, *each.values.shape[-2:])) for each in (a, b)]
        how = "rows of a with columns of b, as in " + (f"{np.prod(batch)} matrix products" if batch else
                                                       "the matrix product")
    name = ",".join(Path(part).name for part in str(reference).split(","))
    provenance = (f"{name}: a {a.dtype} {list(a.values.shape)}, b {b.dtype} {list(b.values.shape)}, paired {how}")
    return Operands(name, provenance, (Product("user", *arrays, a_own=a.own, b_own=b.own),), {"user": 1.0})


def _pairing(a, b, wanted):
    """How tensors of two shapes pair: as wanted, or the one way in which they can."""
    if wanted not in (None, *PAIRINGS):
        raise Refusal(f"Pairing must be one of {', '.join(PAIRINGS)}, not {wanted!r}")
    fits = {"elements": a == b, "matmul": _multiply(a, b)}
    possible = [way for way in PAIRINGS if fits[way] and wanted in (None, way)]
    if not possible:
        needed = [shapes for way, shapes in (("elements", "have one shape"),
                                             ("matmul", "be matrices (..., rows, depth) and (..., depth, cols)"))
                  if wanted in (None, way)]
        raise Refusal(f"Operands a and b must {', or '.join(needed)}, not {a} and {b}")
    same = a[-2:] == (1, 1)  # either way
    if wanted is None and fits["elements"] and (fits["matmul"] or len(a) > 2) and not same:
        raise Refusal(f"Operands a and b of one shape {a} must be told how to pair: --pairing elements, one by one, or "
                      "--pairing matmul, as matrices (..., rows, depth) and (..., depth, cols)")
    return possible[0]


def _multiply(a, b):
    """Whether tensors of two shapes have a matrix product, as `numpy.matmul` broadcasts them."""
    if min(len(a), len(b)) < 2 or a[-1] != b[-2]:
        return False
    return all(1 in sizes or sizes[0] == sizes[1] for sizes in zip(a[-3::-1], b[-3::-1], strict=False))


def _recording(path):
    """A recording; `lmul.models.trace` writes them and says what the arrays are."""
    [about] = tensors.members("Operands", path, ["metadata"])
    try:
        metadata = json.loads(about.array.tobytes())
        cases = range(len(metadata["cases"]))
        # Recordings of version 0.1.0 have one feed-forward layer, without a number.
        layers = range(len(metadata["feed_forward"])) if "feed_forward" in metadata else [""]
        provenance = (f"{metadata['model']}: {metadata['summary']}; "
                      + ", ".join(f"{kind} {100 * share:g} %" for kind, share in SHARES.items()) + " of the pairs")
    except (KeyError, TypeError, ValueError, RecursionError):
        raise _no_recording(path) from None
    if not cases or not layers:
        raise _no_recording(path)
    names = [*(f"{name}{case}" for case in cases for name in "qkpv"),
             *(f"{name}{layer}" for layer in layers for name in "xw")]
    held = {name: tensors.numbers(f"Operand {name}", tensor, ()).values
            for name, tensor in zip(names, tensors.members("Operands", path, names), strict=True)}
    if any(array.ndim != (2 if name[0] in "xw" else 3) for name, array in held.items()):
        raise _no_recording(path)
    stacks = []
    for case in cases:
        q, k, p, v = (held[f"{name}{case}"] for name in "qkpv")
        stacks += [("qk", q, k.transpose(0, 2, 1)), ("pv", p, v)]
    stacks += [("ffn", held[f"x{layer}"][None], held[f"w{layer}"][None]) for layer in layers]
    if any(len(a) != len(b) or a.shape[2] != b.shape[1] for _, a, b in stacks):
        raise _no_recording(path)
    products = tuple(Product(kind, *pair) for kind, a, b in stacks for pair in zip(a, b, strict=True))
    return Operands(Path(path).stem, provenance, products, SHARES)


def _no_recording(path):
    return Refusal(f"Operands with metadata must be a recording of `lmul trace`, not {str(path)!r}")


def uniform(count: int, seed: int) -> Operands:
    """``count`` pairs, uniform in [-1, 1)."""
    return _synthetic("uniform", count, seed, lambda rng: rng.uniform(-1, 1, count))


def gaussian(count: int, seed: int) -> Operands:
    """``count`` pairs from the standard normal distribution."""
    return _synthetic("gaussian", count, seed, lambda rng: rng.standard_normal(count))


def _synthetic(name, count, seed, draw):
    if count < 1:
        raise Refusal(f"Count must be at least 1, not {count!r}")
    rng = np.random.default_rng(seed)
    return Operands(name, f"{name}, {count} independent pairs, seed {seed}", (Product(name, draw(rng), draw(rng)),),
                    {name: 1.0})


def scale_for(fmt: Format, values: np.ndarray, own: Format | None = None) -> float:
    """The per-tensor scale: ``values / scale`` is what the codes of ``fmt`` stand for (`Format.scale_for`). Values that
    had codes of ``fmt`` already (``own``) keep them: 1; and so do zeros."""
    return 1.0 if own == fmt or not np.any(values) else fmt.scale_for(values)


def quantise(fmt: Format, values: np.ndarray, own: Format | None = None, axis: int = -1) -> tuple[np.ndarray, float]:
    """Codes of ``fmt`` for a tensor, and the tensor's scale (`scale_for`); round to nearest, of ties to even where
    a format has an even code. Formats of few numbers clip what is far from the rest; the others never clip.

    Parameters
    ----------
    fmt : Format
    values : finite floats, not empty
    own : Format or None
        The format whose codes the values were to begin with, if any.
    axis : int
        -1 or -2, along which a format that packs several numbers to a code takes them.

    Returns
    -------
    codes : unsigned ints, of the shape of ``values``, or ``per_code`` times shorter along the axis
    scale : float
        ``decode(fmt, codes) * scale`` is nearest to ``values``.
    """
    scale = scale_for(fmt, values, own)
    return fmt.pack(np.asarray(values, np.float64) / scale, axis), scale


class Operand(NamedTuple):
    """What a multiplier gets at one of its inputs.

    Attributes
    ----------
    codes : array of codes of the input's format
    values : float64 array
        What the codes round: the source's numbers, each over the scale of its tensor. Along the depth there are as many
        more of them as a code packs.
    """

    codes: np.ndarray
    values: np.ndarray


class Drawn(NamedTuple):
    """Operands drawn from a source, ``a`` and ``b`` of a multiplier."""

    a: Operand
    b: Operand

    @property
    def codes(self) -> tuple[np.ndarray, np.ndarray]:
        return self.a.codes, self.b.codes

    def reshape(self, a: tuple[int, ...], b: tuple[int, ...]) -> Drawn:
        """The same operands in other shapes: of ``a`` the last axis is the depth, of ``b`` the last but one."""
        return Drawn(*(Operand(codes.reshape(shape), values.reshape(_stretched(shape, axis, values.size // codes.size)))
                       for (codes, values), shape, axis in zip(self, (a, b), (-1, -2), strict=True)))


class Census(NamedTuple):
    """How many of an operand's codes are zero; count as zero though what they round is not (because it is smaller than
    any code, or a subnormal that the multiplier flushes); are at the largest magnitude, either sign; are distinct; and
    how many there are."""

    zero: int
    flushed: int
    largest: int
    distinct: int
    total: int


def census(fmt: Format, subnormals: str, operand: Operand) -> Census:
    """The `Census` of an `Operand` of a multiplier with this policy for subnormals; of the numbers in codes that pack
    several."""
    size = abs(fmt.decode(operand.codes))
    none = size < fmt.decode(cast(FloatFormat, fmt).min_normal) if subnormals == "flush" else size == 0
    flushed = none & (operand.values != 0) if none.any() else none
    counts = (size == 0, flushed, size >= fmt.magnitude)
    return Census(*map(int, map(np.count_nonzero, counts)), distinct=len(np.unique(operand.codes)), total=size.size)


def pairs(source: Operands, spec: Multiplier, count: int, seed: int) -> Drawn:
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
        One-dimensional, ``count`` codes of each.
    """
    count *= spec.per_code
    a, b = np.empty(count), np.empty(count)
    filled = 0
    scales = [product.scales(spec) for product in source.products]
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


def matrices(source: Operands, spec: Multiplier, rows: int, depth: int, cols: int, count: int = 1,
             seed: int = 0) -> Drawn:
    """Matrices for an array: blocks of the source's products, by kind in their shares, the largest share first.

    Each block is cut at a random place and wraps round where it is larger than what it is cut from. More blocks begin
    with the same as fewer.

    Returns
    -------
    Drawn
        ``a`` of shape (count, rows, depth), ``b`` (count, depth, cols).
    """
    rng = np.random.default_rng(seed)
    depth *= spec.per_code
    scales = [product.scales(spec) for product in source.products]
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
    return Drawn(Operand(spec.a.pack(a), a), Operand(spec.b.pack(b, -1 if b.ndim == 1 else -2), b))


def _stretched(shape, axis, times):
    """A shape with one axis so many times longer."""
    shape = list(shape)
    shape[axis] *= times
    return shape


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
