"""Matrices in files through tiles: floats and codes, by the golden model; refusals in one sentence."""

import numpy as np
import pytest
from lmul.golden.refusal import Refusal
from lmul.golden.tile_matrices import matmul_floats
from lmul.golden.tile_sums import Scales, tile_matmul
from lmul.hdl.designs import parse
from lmul.sim.matmul import matmul_files


@pytest.fixture
def multiply(tmp_path):
    """``multiply(words, a=..., b=..., ...)``: the product by way of files, and the line that says what was done."""
    def run(words, backend="golden", **arrays):
        files = {}
        for name, array in arrays.items():
            files[name] = tmp_path / f"{name}.npy"
            np.save(files[name], array)
        path = tmp_path / "c.npy"
        line = matmul_files(files.pop("a"), files.pop("b"), parse(words), backend, path, **files).line
        return np.load(path), line
    return run


@pytest.mark.parametrize("words", ["tile_log_mxl3f4_16x2_w10", "tile_lmul_e4m3_16x2_w12", "tile_exact_nvfp4_16x2_w10",
                                   "tile_lmul_bf16xmxe4m3_16x2_w12", "tile_mxint8_16x2", "tile_int8_16x2"])
def test_floats(words, multiply, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(3, 40)), rng.normal(size=(40, 5))
    found, (product, line) = matmul_floats(parse(words).tile, a, b), multiply(words, a=a, b=b)
    assert product.dtype == np.float64 and np.array_equal(product, found.values)
    assert f"; scales {found.a.scale:.6g} and {found.b.scale:.6g}" in line
    assert (f"; window at {found.result.place}" in line) == ("int" not in words)
    assert (f"; scales of blocks at {found.result.top}" in line) == bool(parse(words).tile.blocks)
    if "int8_16x2" not in words or "mx" in words:
        assert f"; codes of results times 2**{found.result.exponent}" in line
    short, _ = multiply(words, a=a.astype(np.float32), b=b.astype(np.float16))
    assert short.dtype == np.float32


def test_codes_in_blocks(multiply, seed):
    """Also of a depth that is no whole number of blocks: the rest is zeros."""
    rng, tile = np.random.default_rng(seed), parse("tile_exact_mxe4m3_16x2_w10").tile
    a, b = rng.integers(0, 0x7F, (3, 50), np.uint8), rng.integers(0, 0x7F, (50, 2), np.uint8)
    of_a, of_b = rng.integers(120, 130, (3, 2), np.uint8), rng.integers(120, 130, (2, 2), np.uint8)
    product, line = multiply("tile_exact_mxe4m3_16x2_w10", a=a, b=b, a_scales=of_a, b_scales=of_b)
    filled = np.pad(a, ((0, 0), (0, 14))), np.pad(b, ((0, 14), (0, 0)))
    wanted = tile_matmul(tile, *filled, Scales(of_a, of_b))
    assert product.dtype == np.uint32 and np.array_equal(product, wanted.codes)
    assert f"codes of results times 2**{wanted.exponent}; 0 Inf and 0 NaN" in line
    of_a[1, 0] = 255
    assert "; 0 Inf and 2 NaN in the result" in multiply("tile_exact_mxe4m3_16x2_w10", a=a, b=b, a_scales=of_a,
                                                         b_scales=of_b)[1]


def test_integers(multiply, seed):
    a, b = np.random.default_rng(seed).integers(-128, 128, (2, 5, 5), np.int8)
    product, line = multiply("tile_int8_16x2", a=a, b=b)
    assert product.dtype == np.int32 and np.array_equal(product, a.astype(int) @ b.astype(int))
    assert "times" not in line and "scales" not in line
    assert multiply("tile_int8_16x2", a=a.view(np.uint8), b=b.view(np.uint8))[0].dtype == np.uint32
    large = np.full((1, 4), -(1 << 15), np.int16)
    with pytest.raises(Refusal, match="Sums must stay within int32, and 1 of 1 do not, first 4294967296"):
        multiply("tile_int16_16x2", a=large, b=large.T)


CODES, SCALES = {"a": np.zeros((2, 64), np.uint8), "b": np.zeros((64, 2), np.uint8)}, np.zeros((2, 2), np.uint8)


@pytest.mark.parametrize(("words", "given", "complaint"), [
    ("log_mxl3f4_16x2_w10", {}, "Scales of A must be given, as --a-scales F.npy, where its codes are in blocks of mxl"),
    ("log_mxl3f4_16x2_w10", {"a_scales": SCALES}, "Scales of B must be given, as --b-scales"),
    ("log_mxl3f4_16x2_w10", {"a_scales": SCALES[:1]}, r"Scales of A must be of shape \(2, 2\), one for each block"),
    ("log_mxl3f4_16x2_w10", {"a_scales": SCALES.astype(np.uint16)}, "Scales of A must be uint8 codes of e8m0, not"),
    ("log_l3f4_16x2_w10", {"b_scales": SCALES}, "Scales of B must be left out: the design has no blocks there"),
    ("log_mxl3f4_16x2_w10", {"a": np.ones((2, 64)), "b": np.ones((64, 2)), "a_scales": SCALES},
     "Scales of A must be left out: floats are quantised, scales and all"),
    ("log_l3f4_16x2_w10", {"a": np.ones((2, 64))}, "Matrices must be both floats or both codes, not floats and codes"),
    ("log_l3f4_16x2_w10", {"a": np.zeros((2, 63), np.uint8)}, "Inner dimensions must be equal, not 63 and 64"),
    ("lmul_e4m3_16x2_w10", {"a": np.ones((1, 4097)), "b": np.ones((4097, 1))},
     "Depth must be 1 to 4096 for a tile of 16 lanes, not 4097: longer sums are those of parts of the depth, added"),
    ("lmul_e4m3_16x2_w10", {"a": np.full((2, 64), np.nan), "b": np.ones((64, 2))}, "Matrix A must hold finite numbers"),
    ("lmul_bf16_16x2_w10", {}, "Matrix A must be of floats or of uint16 codes of bf16, not uint8"),
    ("lmul_e4m3_16x2_w10", {"a": np.full((2, 64), 9, np.uint8), "b": np.full((64, 2), 9, np.uint8)},
     "Operands of lmul_e4m3 must be scaled up"),
])
def test_refused(words, given, complaint, multiply, tmp_path):
    with pytest.raises(Refusal, match=complaint):
        multiply(f"tile_{words}", **(CODES | given))
    assert not (tmp_path / "c.npy").exists()


def test_arrays_have_no_scales(multiply):
    with pytest.raises(Refusal, match="Scales of blocks must be left out for 'matmul_int8_int32_2x2_os', which has no"):
        multiply("matmul_int8_int32_2x2_os", **CODES, a_scales=SCALES)
