"""Programs in C: the library that designs' headers go with, built as its users would, and called from tests."""

import ctypes
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from lmul.golden.formats import Format

COMPILER = shutil.which("cc")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1"]
DATA = Path(str(resources.files("lmul.packages") / "data"))

needs_compiler = pytest.mark.skipif(not COMPILER, reason="a C compiler must be installed as cc: apt-get install gcc")

#: What calls functions of the library for whole arrays.
SHIM = """
#include "lmul_beats.h"
void decode_all(const lmul_format *f, const uint32_t *codes, double *values, size_t count)
{
    for (; count; count--)
        *values++ = lmul_decode(f, *codes++);
}
void encode_all(const lmul_format *f, const double *values, int overflow, uint32_t *codes, size_t count)
{
    for (; count; count--)
        *codes++ = lmul_encode(f, *values++, (lmul_overflow)overflow);
}
"""


class CFormat(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("width", ctypes.c_uint), ("exp_bits", ctypes.c_uint),
                ("man_bits", ctypes.c_uint), ("bias", ctypes.c_int), ("specials", ctypes.c_int),
                ("is_signed", ctypes.c_int)]


class CBlock(ctypes.Structure):
    _fields_ = [("element", CFormat), ("scale", CFormat), ("size", ctypes.c_size_t)]


KINDS = ["other", "float", "logarithm", "integer", "powerscale", "floatscale"]


def c_format(fmt: Format) -> CFormat:
    told = fmt.describe()
    return CFormat(KINDS.index(told["kind"]), told["width"], told.get("exp_bits", 0), told.get("man_bits", 0),
                   told.get("bias", 0), ["ieee", "nan_only", "finite"].index(told.get("specials", "ieee")),
                   int(told.get("signed", False)))


def compiled(sources, target, *options):
    """Build with every warning an error."""
    subprocess.run([COMPILER, *STRICT, f"-I{DATA}", *options, *map(str, sources), "-o", str(target), "-lm"], check=True)
    return target


def library(folder):
    """The codec and the beats as a library that Python can call."""
    (folder / "shim.c").write_text(SHIM)
    target = compiled([folder / "shim.c", DATA / "lmul_codec.c", DATA / "lmul_beats.c"], folder / "lmul.so", "-shared",
                      "-fPIC")
    found = ctypes.CDLL(str(target))
    for name in ("lmul_scale", "lmul_tensor_scale", "lmul_largest"):
        getattr(found, name).restype = ctypes.c_double
    found.lmul_encode_block.restype = ctypes.c_uint32
    return found


def pointer(array, kind):
    return array.ctypes.data_as(ctypes.POINTER(kind))


def decoded(found, fmt, codes):
    codes, values = np.ascontiguousarray(codes, np.uint32), np.empty(len(codes))
    found.decode_all(ctypes.byref(c_format(fmt)), pointer(codes, ctypes.c_uint32), pointer(values, ctypes.c_double),
                     ctypes.c_size_t(len(codes)))
    return values


def encoded(found, fmt, values, overflow="saturate"):
    values, codes = np.ascontiguousarray(values, np.float64), np.empty(len(values), np.uint32)
    found.encode_all(ctypes.byref(c_format(fmt)), pointer(values, ctypes.c_double), int(overflow == "ieee"),
                     pointer(codes, ctypes.c_uint32), ctypes.c_size_t(len(codes)))
    return codes
