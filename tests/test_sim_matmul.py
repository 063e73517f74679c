"""Real matrices through the model and through the simulated core: the same bits, and refusals in one sentence."""

import re
import resource

import ml_dtypes
import numpy as np
import pytest
from lmul.golden import matmul as golden
from lmul.golden.accumulate import accumulate
from lmul.golden.codec import decode
from lmul.golden.operands import quantise
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import parse
from lmul.sim.matmul import matmul_files

DESIGN = "matmul_lmul_e4m3_fp32_2x3_os"


@pytest.fixture
def multiply(tmp_path, sim_folder):
    """``multiply(slug, backend, a, b)``: the product by way of files, and the line that says what was done."""
    def run(slug, backend, a, b):
        for name, matrix in (("a", a), ("b", b)):
            np.save(tmp_path / f"{name}.npy", matrix)
        path = tmp_path / "c.npy"
        line = matmul_files(tmp_path / "a.npy", tmp_path / "b.npy", parse(slug), backend, path, folder=sim_folder).line
        return np.load(path), line
    return run


@pytest.mark.parametrize(("slug", "shape"), [(DESIGN, (7, 9, 5)), (DESIGN, (1, 1, 1)), *(
    pytest.param(*each, marks=pytest.mark.regress) for each in (
        (DESIGN, (2, 40, 3)), ("matmul_lmul_e5m2_carrysave_4x1_ws", (7, 9, 5)),
        ("matmul_lmul_e5m2_carrysave_4x1_ws", (1, 1, 1)), ("matmul_lmul_e5m2_carrysave_4x1_ws", (2, 40, 3))))])
def test_rtl_is_golden(slug, shape, multiply, seed):
    """Also where the matrices do not fill the tiles, nor the depth the array's rows."""
    rows, depth, cols = shape
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((rows, depth)), rng.standard_normal((depth, cols)).astype(np.float32)
    by_rtl, line = multiply(slug, "rtl", a, b)
    by_golden, _ = multiply(slug, "golden", a, b)
    assert by_rtl.shape == (rows, cols)
    assert by_rtl.tobytes() == by_golden.tobytes()
    assert f"({rows}, {depth}) x ({depth}, {cols}), {rows * depth * cols} MAC" in line
    assert "utilisation" in line


def test_floats_are_quantised_and_scaled_back(multiply, seed):
    rng = np.random.default_rng(seed)
    a, b = 1000 * rng.standard_normal((4, 6)), rng.standard_normal((6, 5)) / 1000
    spec, accumulator = parse(DESIGN).multiplier, parse(DESIGN).accumulator
    (a_codes, a_scale), (b_codes, b_scale) = quantise(spec.a, a), quantise(spec.b, b)
    sums = accumulate(spec, accumulator, a_codes[:, None, :], b_codes.T[None, :, :])
    product, _ = multiply(DESIGN, "golden", a, b)
    assert product.dtype == np.float64
    assert np.array_equal(product, decode(accumulator.result, sums) * a_scale * b_scale)
    assert multiply(DESIGN, "golden", a.astype(np.float32), b.astype(np.float16))[0].dtype == np.float32


def test_codes_give_codes(multiply, seed):
    a, b = np.random.default_rng(seed).integers(0, 256, (2, 3, 3), np.uint8)
    product, _ = multiply(DESIGN, "golden", a, b)
    assert product.dtype == np.uint32
    spec, accumulator = parse(DESIGN).multiplier, parse(DESIGN).accumulator
    assert np.array_equal(product, accumulate(spec, accumulator, a[:, None, :], b.T[None, :, :]))


def test_int8_is_exact(multiply, seed):
    a, b = np.random.default_rng(seed).integers(-128, 128, (2, 5, 5), np.int8)
    product, _ = multiply("matmul_int8_int32_2x3_os", "golden", a, b)
    assert product.dtype == np.int32
    assert np.array_equal(product, a.astype(int) @ b.astype(int))
    assert multiply("matmul_int8_int32_2x3_os", "golden", a.view(np.uint8), b.view(np.uint8))[0].dtype == np.uint32


FAMILIES = ["int4", "uint8", "int8xternary", "int8xpot3k2", "xnor_sign8", "int16"]


def numbers_of(spec, rows, depth, cols, seed):
    """Matrices of random numbers of a multiplier's formats, of a type that can hold them."""
    rng = np.random.default_rng(seed)
    return [fmt.along(fmt.sample("random", shape, rng), axis).astype(dtype) for dtype, fmt, shape, axis
            in ((np.int16, spec.a, (rows, depth), -1), (np.int64, spec.b, (depth, cols), -2))]


@pytest.mark.parametrize("backend", ["golden", pytest.param("rtl", marks=pytest.mark.regress)])
@pytest.mark.parametrize("family", FAMILIES)
def test_integers_of_every_family_are_exact(family, backend, multiply, seed):
    """Also where a code packs several numbers; the product is numpy's."""
    for slug in (f"matmul_{family}_int32_2x3_os", f"matmul_{family}_int64_2x1_ws"):
        a, b = numbers_of(parse(slug).multiplier, 5, 3, 4, seed)
        product, line = multiply(slug, backend, a, b)
        assert product.dtype == (np.int32 if "int32" in slug else np.int64)
        assert np.array_equal(product, a.astype(int) @ b.astype(int))
        assert "scales" not in line


@pytest.mark.parametrize("family", FAMILIES)
def test_floats_for_integers_are_scaled_back(family, multiply, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((4, 64)), rng.standard_normal((64, 4))
    spec = parse(f"mul_{family}").multiplier
    (a_codes, a_scale), (b_codes, b_scale) = quantise(spec.a, a), quantise(spec.b, b, axis=-2)
    product, line = multiply(f"matmul_{family}_int32_2x3_os", "golden", a, b)
    wanted = (spec.a.along(a_codes, -1) @ spec.b.along(b_codes, -2)) * a_scale * b_scale
    assert product.dtype == np.float64 and np.allclose(product, wanted, rtol=1e-12)
    assert f"scales {a_scale:.6g} and {b_scale:.6g}" in line


NOT_OF = "must hold numbers of"


@pytest.mark.parametrize(("family", "a", "b", "complaint"), [
    ("int4", [[1, 8]], [[1], [1]], rf"Matrix A {NOT_OF} int4, -8 to 7, and 1 of 2 are not, first 8 at \[0, 1\]"),
    ("int4", [[-9.0]], [[np.nan]], "Matrix B must hold finite numbers, not 1 NaN or Inf in 1"),
    ("uint8", [[-1]], [[1]], rf"Matrix A {NOT_OF} uint8, 0 to 255, and 1 of 1 are not, first -1 at \[0, 0\]"),
    ("int8xternary", [[1]], [[2]], f"Matrix B {NOT_OF} ternary, -1, 0, 1, and 1 of 1 are not, first 2"),
    ("int8xpot3k2", [[1, 1]], [[4], [11]], f"Matrix B {NOT_OF} pot3k2, -128 to 128, and 1 of 2 are not, first 11"),
    ("xnor_sign8", [[1] * 8], [[1]] * 7 + [[0]], f"Matrix B {NOT_OF} sign8, -1, 1, and 1 of 8 are not, first 0"),
    ("xnor_sign8", [[1] * 9], [[1]] * 9, "Values for sign8 must come 8 to a code, not 9 in a row"),
])
def test_refused_integers(family, a, b, complaint, multiply, tmp_path):
    with pytest.raises(Refusal, match=f"^{complaint}"):
        multiply(f"matmul_{family}_int32_2x3_os", "golden", np.array(a), np.array(b))
    assert not (tmp_path / "c.npy").exists()


def test_codes_that_do_not_fit_are_refused(multiply):
    codes = np.array([[3]], np.uint8)
    with pytest.raises(Refusal, match="^Codes of int4 must be 0 to 15, not 16$"):
        multiply("matmul_int4_int32_2x3_os", "golden", codes + np.uint8(13), codes)
    with pytest.raises(Refusal, match="^Codes of ternary must be 0 to 3, not 4$"):
        multiply("matmul_int8xternary_int32_2x3_os", "golden", codes, codes + np.uint8(1))


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn"])
def test_codes_of_the_design_stay_what_they_are(dtype, multiply, seed):
    """Floats of the design's own format are not scaled: the sums are those of their codes, and come out as floats."""
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal(shape).astype(getattr(ml_dtypes, dtype)) for shape in ((4, 6), (6, 5)))
    design = parse({"bfloat16": "matmul_lmul_bf16_fp32_2x2_os", "float8_e4m3fn": DESIGN}[dtype])
    product, line = multiply(design.slug, "golden", a, b)
    codes = [matrix.view(f"u{matrix.itemsize}") for matrix in (a, b)]
    sums = golden.matmul(design.multiplier, design.accumulator, *codes)
    assert product.dtype == np.float32 and np.array_equal(product, decode(design.accumulator.result, sums))
    assert "; scales 1 and 1; 0 Inf and 0 NaN in the result; " in line


def test_bfloat16_for_other_designs_is_quantised(multiply, seed):
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal(shape).astype(ml_dtypes.bfloat16) for shape in ((4, 6), (6, 5)))
    product, _ = multiply(DESIGN, "golden", a, b)
    assert np.array_equal(product, multiply(DESIGN, "golden", a.astype(np.float32), b.astype(np.float32))[0])


def test_matrices_by_name(tmp_path, seed):
    a, b = np.random.default_rng(seed).standard_normal((2, 3, 3))
    np.savez(tmp_path / "f.npz", x=a, y=b)
    np.save(tmp_path / "a.npy", a)
    products = []
    for first in ("f.npz:x", "a.npy"):
        matmul_files(f"{tmp_path}/{first}", f"{tmp_path}/f.npz:y", parse(DESIGN), "golden", tmp_path / "c.npy")
        products.append(np.load(tmp_path / "c.npy"))
    assert np.array_equal(*products)
    with pytest.raises(Refusal, match="Matrix A must be an .npy file, or a tensor by name, F:x, not all of '.*f.npz'"):
        matmul_files(tmp_path / "f.npz", tmp_path / "a.npy", parse(DESIGN), "golden", tmp_path / "c.npy")


def test_inf_and_nan_are_counted(multiply):
    """65504 is fp16's largest: its double is Inf, and Inf less Inf is NaN."""
    slug = "matmul_exact_fp16_fp16_2x2_os"
    large, inf = np.float16(65504).view(np.uint16), np.float16(np.inf).view(np.uint16)
    one = np.float16(1).view(np.uint16)
    a, b = np.array([[large, large], [inf, one], [one, one]]), np.array([[one, one], [one, inf ^ 0x8000]])
    product, line = multiply(slug, "golden", a, b)
    values = product.view(np.float16)
    assert np.isinf(values).sum() == 4 and np.isnan(values).sum() == 1
    assert "; 4 Inf and 1 NaN in the result; wrote" in line
    assert "; 1 Inf and 0 NaN" in multiply(DESIGN, "golden", np.array([[1e30, 1e30]], np.float32),
                                           np.array([[1e30], [1e30]], np.float32))[1]  # scaled back beyond float32


@pytest.mark.parametrize("backend", ["golden", "rtl"])
def test_sums_that_leave_int32_are_refused(backend, multiply, tmp_path):
    """Of 131072 products of -128 by -128 the sum is 2**31; one product fewer, and it fits."""
    deep = np.full((2, 131072), -128, np.int8)
    deep[1, 0] = 0
    with pytest.raises(Refusal, match=r"^Sums must stay within int32, and 1 of 2 do not, first 2147483648 at \[0, 0\]; "
                                      "those of at most 131071 products always do$"):
        multiply("matmul_int8_int32_4x4_os", backend, deep, deep[:1].T)
    assert not (tmp_path / "c.npy").exists()
    if backend == "golden":
        product, line = multiply("matmul_int8_int32_4x4_os", backend, deep[1:], deep[:1].T)
        assert product == 131071 * 2**14 and "Inf" not in line


ONES = np.ones((3, 3), np.float32)
NAN = np.where(np.eye(3), np.nan, 1)


@pytest.mark.parametrize(("a", "b", "complaint"), [
    (ONES, np.ones((4, 3)), "Inner dimensions must be equal, not 3 and 4"),
    (np.ones((3, 0)), np.ones((0, 3)), r"Matrix A must have two dimensions, none of them 0, not shape \(3, 0\)"),
    (ONES, np.ones(3), r"Matrix B must have two dimensions, none of them 0, not shape \(3,\)"),
    (NAN, ONES, "Matrix A must hold finite numbers, not 3 NaN or Inf in 9"),
    (ONES, np.full((3, 3), -np.inf), "Matrix B must hold finite numbers, not 9 NaN or Inf in 9"),
    (ONES, ONES.astype(np.int64), "Matrix B must be float16, .* int8, not int64; to convert, save"),
    (ONES.astype(bool), ONES, "Matrix A must be float16, .* int8, not bool"),
    (ONES.astype(complex), ONES, "Matrix A must be float16, .* int8, not complex128"),
    (ONES.astype(np.uint16), ONES, "Matrix A must be of floats or of uint8 codes of e4m3, not uint16"),
    (ONES, ONES.astype(np.uint8), "Matrices must be both floats or both codes, not floats and codes"),
    (ONES, ONES.astype(object), "Matrix B must be a whole .npy file of plain numbers, not"),
])
@pytest.mark.parametrize("backend", ["golden", "rtl"])
def test_refused_matrices(a, b, complaint, backend, multiply):
    with pytest.raises(ValueError, match=complaint):
        multiply(DESIGN, backend, a, b)


@pytest.mark.parametrize("backend", ["golden", "rtl"])
def test_depth_beyond_an_exact_sum_is_refused(backend, multiply):
    with pytest.raises(ValueError, match="Depth must be at most 4 for fixed4, not 5"):
        multiply("matmul_lmul_e4m3_fixed4_2x2_os", backend, np.ones((1, 5)), np.ones((5, 1)))


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_damaged_file_is_refused(content, tmp_path):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match="Matrix A must be (a whole .npy file of .*|an .npy, .*), not '.*a.npy'"):
        matmul_files(tmp_path / "a.npy", tmp_path / "b.npy", parse(DESIGN), "golden", tmp_path / "c.npy")


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Matrix A must be readable, not '.*a.npy': No such file or directory"):
        matmul_files(tmp_path / "a.npy", tmp_path / "b.npy", parse(DESIGN), "golden", tmp_path / "c.npy")


def test_truncated_file_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", ONES)
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-1])
    with pytest.raises(ValueError, match="Matrix A must be a whole .npy file"):
        matmul_files(tmp_path / "a.npy", tmp_path / "b.npy", parse(DESIGN), "golden", tmp_path / "c.npy")


def test_other_designs_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Design must have sums, .*, not 'mul_lmul_e4m3'"):
        matmul_files(tmp_path / "a.npy", tmp_path / "b.npy", parse("mul_lmul_e4m3"), "golden", tmp_path / "c.npy")


@pytest.mark.regress
@pytest.mark.parametrize("dataflow", ["os", "ws"])
def test_128_cubed_in_a_minute(dataflow, tmp_path, seed):
    """Building included, from nothing; with the array at 95 % of its peak or more. The minute is one of processor time,
    on however many cores: a busy machine is no slower by it."""
    for name, matrix in zip("ab", np.random.default_rng(seed).standard_normal((2, 128, 128)), strict=True):
        np.save(tmp_path / f"{name}.npy", matrix)
    design = parse(f"matmul_lmul_e4m3_fp32_8x8_{dataflow}")
    products = {}
    for backend in ("golden", "rtl"):
        start = _processor_seconds()
        line = matmul_files(tmp_path / "a.npy", tmp_path / "b.npy", design, backend, tmp_path / "c.npy").line
        seconds = _processor_seconds() - start
        products[backend] = np.load(tmp_path / "c.npy")
    assert np.array_equal(products["rtl"], products["golden"])
    assert float(re.search(r"utilisation ([\d.]+) %", line)[1]) >= 95
    assert seconds < 60


def _processor_seconds():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
