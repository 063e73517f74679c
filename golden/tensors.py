"""Tensors as people save them: the array of an ``.npy`` file, or one by its name in an ``.npz`` or ``.safetensors``.

Files name the types of their elements, with one exception: numpy writes most of the types of ml_dtypes as bytes without
a name. Two bytes can only be bfloat16. One byte may be any float of 8 bits or less: it is read as a code of the format
that the designs have.
"""

from __future__ import annotations

import io
import json
import re
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .codec import decode
from .formats import FORMATS, INT8, Format
from .refusal import Refusal

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

UNNAMED = "bytes"

#: Formats of codes, by the name of their type.
_CODES = {"bfloat16": FORMATS["bf16"], "float8_e4m3fn": FORMATS["e4m3"], "float8_e5m2": FORMATS["e5m2"], "int8": INT8}
_FLOATS = ("float16", "float32", "float64")
_SAFETENSORS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn",
                "F8_E5M2": "float8_e5m2", "I8": "int8", "U8": "uint8", "U16": "uint16", "U32": "uint32"}

#: What numpy and zipfile let out when a header or its data are not what they should be.
_DAMAGED = (ValueError, TypeError, SyntaxError, LookupError, AttributeError, EOFError, ArithmeticError, MemoryError,
            RuntimeError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error)


class Tensor(NamedTuple):
    """What a file holds.

    Attributes
    ----------
    array : array
        Floats, integers, or the unsigned codes of another type.
    dtype : str
        The type's name, numpy's or ml_dtypes'; or `UNNAMED`.
    """

    array: np.ndarray
    dtype: str


class Numbers(NamedTuple):
    """A tensor's numbers.

    Attributes
    ----------
    values : float array
        Finite, at least one.
    own : Format or None
        The format whose codes the file has; None for numpy's own floats, which have a code in no design's format yet.
    dtype : str
        The type's name, for the record.
    """

    values: np.ndarray
    own: Format | None
    dtype: str


def of(values: ArrayLike) -> Tensor:
    """An array as if it came from a file: numpy's, or of ml_dtypes' bfloat16 and float8; what else is a sequence of
    numbers becomes float64."""
    array = np.asarray(values) if hasattr(values, "dtype") else np.asarray(values, np.float64)
    name = array.dtype.name
    return Tensor(array.view(f"u{_CODES[name].width // 8}"), name) if name in _CODES else Tensor(array, name)


def read_pair(what: str, reference: str | Path) -> list[Tensor]:
    """The two tensors of a reference: ``F.npz`` or ``F.safetensors``, which hold ``a`` and ``b``; ``F.npz:x,y``, which
    holds others; or two of which each is one as `read` takes it, ``A.npy,B.npy``. Errors are those of `read`."""
    first, comma, second = str(reference).partition(",")
    path, name = _split(first)
    if not comma or Path(reference).exists():
        if name:
            raise Refusal(f"{what} must be named in pairs, F:a,b, not {str(reference)!r}")
        return members(what, reference, ("a", "b"))
    if name and not second.endswith(".npy") and not _split(second)[1]:
        return members(what, path, (name, second))
    return [read(what, first), read(what, second)]


def read(what: str, reference: str | Path) -> Tensor:
    """The tensor of a reference: ``F.npy``, ``F.npz:x`` or ``F.safetensors:x``.

    Parameters
    ----------
    what : str
        What a refusal calls it.
    reference : str or path

    Raises
    ------
    Refusal
        If the file is missing or damaged, is of another kind, or lacks the tensor; or needs a library that is missing.
    """
    path, name = _split(reference)
    if name:
        return members(what, path, [name])[0]
    with _opened(what, path) as file:
        if _kind(what, path, file) == ".npy":
            with _whole(what, path, ".npy"):
                return _npy(file)
    raise Refusal(f"{what} must be an .npy file, or a tensor by name, F:x, not all of {str(path)!r}")


def archive(path: str | Path) -> list[str]:
    """Names of the arrays in an ``.npz`` file; none of what is no such file. Errors are those of `read`."""
    if not zipfile.is_zipfile(path):
        return []
    with _opened("Operands", path) as file, _whole("Operands", path, ".npz"), zipfile.ZipFile(file) as opened:
        return _names(opened)


def members(what: str, path: str | Path, names: Sequence[str]) -> list[Tensor]:
    """Tensors by their names in an ``.npz`` or ``.safetensors`` file. Errors are those of `read`."""
    with _opened(what, path) as file:
        kind = _kind(what, path, file)
        if kind == ".safetensors":
            return _safetensors(what, path, names, file)
        if kind == ".npy":
            raise Refusal(f"{what} must be two arrays, A.npy,B.npy or a and b of one .npz, not the single array in "
                          f"{str(path)!r}")
        with _whole(what, path, ".npz"), zipfile.ZipFile(file) as opened:
            _insist(what, path, names, _names(opened))
            return [_npy(opened.open(f"{name}.npy")) for name in names]


def numbers(name: str, tensor: Tensor, formats: Iterable[Format]) -> Numbers:
    """The `Numbers` of a tensor that goes to designs with these formats.

    Parameters
    ----------
    name : str
        What a refusal calls it.
    tensor : Tensor
    formats : iterable of Format
        Operand formats: they tell what bytes without a name are.

    Raises
    ------
    Refusal
        If elements are of no float type and not int8 for int8 designs; are codes without a name, and the formats have
        not exactly one that they can be of; or are not finite, or none.
    """
    array, dtype = tensor
    own = _own(name, tensor, set(formats))
    if not array.size:
        raise Refusal(f"{name} must hold at least one number, not shape {array.shape}")
    if dtype == UNNAMED:
        _check_width(name, own, array.max())
        dtype = f"{dtype}, taken as codes of {own},"
    if own is not None:
        array = decode(own, array).astype(np.float32)  # holds them all
    bad = array.size - np.count_nonzero(np.isfinite(array))
    if bad:
        raise Refusal(f"{name} must hold finite numbers, not {bad} NaN or Inf in {array.size}")
    return Numbers(array.astype(array.dtype.newbyteorder("=")), own, dtype)


def _check_width(name, own, largest):
    """Refuse codes that are longer than the format's; or of 4 bits at most, where the format has more."""
    if largest >> own.width or 0 < largest < 16 < 1 << own.width:
        raise _advice(f"{name} must have codes of {own.width} bits for {own}, not only some up to {largest:#x}")


def _own(name, tensor, formats):
    """The format of a tensor's codes, or None."""
    if tensor.dtype in _FLOATS:
        return None
    listed = ", ".join(sorted(map(str, formats)))
    if tensor.dtype == UNNAMED:
        short = [fmt for fmt in formats if not fmt.integer and fmt.width <= 8]
        if len(short) == 1:
            return short[0]
        raise _advice(f"{name} has one byte for each number and does not say of which format: designs must have one "
                      f"float format of at most 8 bits there, not {listed or 'none'}")
    if tensor.dtype not in _CODES:
        raise _advice(f"{name} must be float16, float32, float64, bfloat16, float8 or, for int8 designs, int8, not "
                      f"{tensor.dtype}")
    if tensor.dtype == "int8" and formats - {INT8}:
        raise _advice(f"{name} is int8, codes for int8 designs alone, and the designs have {listed}")
    return _CODES[tensor.dtype]


def _advice(sentence):
    return Refusal(f"{sentence}; to convert, save x.astype(np.float32)")


def _split(reference):
    """Path and name of ``F.npz:x``; no name in what is a file as it stands."""
    named = re.fullmatch(r"(.+?\.(?:npz|npy|safetensors)):(.+)", str(reference), re.DOTALL)
    return named.groups() if named and not Path(reference).exists() else (reference, None)


@contextmanager
def _opened(what, path):
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise Refusal(f"{what} must be readable, not {str(path)!r}: {error.strerror or error}") from None


def _kind(what, path, file):
    start = file.read(6)
    file.seek(0)
    if Path(path).suffix == ".safetensors":
        return ".safetensors"
    for kind, magic in ((".npz", b"PK"), (".npy", b"\x93NUMPY")):
        if start.startswith(magic):
            return kind
    raise Refusal(f"{what} must be an .npy, .npz or .safetensors file, not {str(path)!r}")


@contextmanager
def _whole(what, path, kind):
    """Around what only numpy and zipfile do: their complaints are about the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            yield
    except Refusal:
        raise
    except _DAMAGED:
        raise Refusal(f"{what} must be a whole {kind} file of plain numbers, not {str(path)!r}") from None


def _names(opened):
    return [name.removesuffix(".npy") for name in opened.namelist() if name.endswith(".npy")]


def _insist(what, path, names, held):
    if not set(names) <= set(held):
        some = ", ".join(sorted(held)[:8]) + (", ..." if len(held) > 8 else "")
        arrays = f"array{'s' * (len(names) > 1)} {' and '.join(names)}"
        raise Refusal(f"{what} must be the {arrays} of {str(path)!r}, which holds {some or 'none'}")


def _npy(file):
    """The tensor in an ``.npy`` stream."""
    start = file.read(10)
    head = start + file.read(int.from_bytes(start[8:], "little"))
    unknown = b"'<f1'" in head  # what ml_dtypes has for float8_e5m2, alone of its kind, and numpy cannot read
    if unknown:
        file = io.BytesIO(head.replace(b"'<f1'", b"'|V1'") + file.read())
    else:
        file.seek(0)
    array = np.lib.format.read_array(file, allow_pickle=False)
    if array.dtype.kind != "V" or array.dtype.names is not None or array.dtype.itemsize > 2:
        return Tensor(array, array.dtype.name) if array.dtype != np.int8 else Tensor(array.view(np.uint8), "int8")
    array = array.view(f"u{array.dtype.itemsize}")
    return Tensor(array, "bfloat16" if array.itemsize == 2 else "float8_e5m2" if unknown else UNNAMED)


def _safetensors(what, path, names, file):
    """Tensors by their names. The library sees that the file is whole; it has no arrays of bfloat16 and float8."""
    try:
        from safetensors import SafetensorError, safe_open  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError:
        raise Refusal("The extra `models` must be installed to read .safetensors, by `.venv/bin/pip install -e "
                      "'.[models]'`: safetensors is missing") from None
    try:
        with safe_open(path, "np"):
            pass
    except SafetensorError as error:
        raise Refusal(f"{what} must be a whole .safetensors file, not {str(path)!r}: {error}") from None
    start = 8 + int.from_bytes(file.read(8), "little")
    header = json.loads(file.read(start - 8))
    _insist(what, path, names, header.keys() - {"__metadata__"})
    return [_element(file, start, **header[name]) for name in names]


def _element(file, start, dtype: str, shape, data_offsets):
    first, end = data_offsets
    file.seek(start + first)
    data = bytearray(file.read(end - first))
    name = _SAFETENSORS.get(dtype, dtype)
    codes = name in _CODES
    if not codes and name == dtype:
        return Tensor(np.frombuffer(data, np.uint8), dtype)  # of a type that is refused by its name
    stored = f"<u{_CODES[name].width // 8}" if codes else np.dtype(name).newbyteorder("<")
    return Tensor(np.frombuffer(data, stored).reshape(shape), name)
