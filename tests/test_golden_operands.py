"""Operand sources: what is refused, how tensors become codes, and in which order pairs are handed out."""

import json
import re
import zipfile

import numpy as np
import pytest
from lmul.golden.codec import decode
from lmul.golden.families import parse
from lmul.golden.formats import FORMATS, INT8, float_format, format_named
from lmul.golden.operands import (
    RECORDINGS,
    SHARES,
    Operands,
    Product,
    _pairing,
    census,
    gaussian,
    load,
    load_recording,
    matrices,
    operands,
    pairs,
    quantise,
    scale_for,
    uniform,
)
from lmul.golden.refusal import Refusal
from lmul.golden.spec import Multiplier

SPECS = [Multiplier.make("lmul", "e4m3"), Multiplier.make("exact", "bf16", "e4m3"), Multiplier.make("exact", "fp32"),
         Multiplier.make("exact", "e2m1"), Multiplier.make("int8", None)]


@pytest.fixture(scope="module")
def recording():
    return load_recording()


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


# --- files ---


def test_arrays_of_one_shape_pair_element_by_element(tmp_path, seed):
    rng = np.random.default_rng(seed)
    for shape, pairing in (((), None), ((5,), None), ((3, 4), None), ((3, 3), "elements"), ((2, 3, 4), "elements"),
                           ((2, 3, 3), "elements"), ((1, 1), None), ((4, 1, 1), None)):
        for dtype in (np.float16, np.float32, np.float64, ">f4"):
            a, b = (np.array(rng.standard_normal(shape), dtype) for _ in "ab")
            source = load(save(tmp_path / "f.npz", a=a, b=b), pairing)
            assert np.array_equal(source.products[0].a, a.ravel()) and np.array_equal(source.products[0].b, b.ravel())
            assert "element by element" in source.provenance and source.name == "f.npz"


@pytest.mark.parametrize("shape", [(3, 3), (2, 2), (2, 3, 4), (2, 3, 3), (1, 2, 5), (2, 2, 3, 3), (5, 1, 2)])
def test_how_is_never_guessed(tmp_path, shape):
    path = save(tmp_path / "f.npz", a=np.ones(shape), b=np.ones(shape))
    with pytest.raises(Refusal, match=rf"^Operands a and b of one shape {re.escape(str(shape))} must be told how to "
                                      "pair: --pairing elements, one by one, or --pairing matmul, as matrices"):
        load(path)
    assert load(path, "elements").products[0].a.ndim == 1


@pytest.mark.parametrize("a, b, pairing, needed", [
    ((3, 4), (4, 3), "elements", "have one shape"),
    ((3, 4), (3, 4), "matmul", "be matrices (..., rows, depth) and (..., depth, cols)"),
    ((2, 3, 4), (3, 4, 5), None, "have one shape, or be matrices (..., rows, depth) and (..., depth, cols)"),
    ((4,), (4, 5), None, "have one shape, or be matrices (..., rows, depth) and (..., depth, cols)"),
])
def test_shapes_that_do_not_pair(tmp_path, a, b, pairing, needed):
    with pytest.raises(Refusal) as error:
        load(save(tmp_path / "f.npz", a=np.ones(a), b=np.ones(b)), pairing)
    assert str(error.value) == f"Operands a and b must {needed}, not {a} and {b}"


@pytest.mark.parametrize("a, b", [((2, 2, 3, 4), (2, 2, 4, 3)), ((5, 3, 3), (5, 3, 3)), ((3, 2, 4), (4, 2)),
                                  ((2, 1, 3, 2), (4, 2, 3)), ((3, 4), (6, 4, 2))])
def test_batches_are_matrix_products_as_numpy_has_them(tmp_path, a, b, seed):
    """Every product of every row with every column is drawn, each once: their sums are those of `numpy.matmul`."""
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(-8, 8, shape).astype(np.float32) for shape in (a, b))
    a.flat[0], b.flat[0] = 8, 8  # a scale of 8
    expected = a @ b
    depth = a.shape[-1]
    source = load(save(tmp_path / "f.npz", a=a, b=b), "matmul")
    spec = Multiplier.make("exact", "fp32")
    drawn = pairs(source, spec, expected.size * depth, 0)
    met = [decode(spec.a, codes).reshape(-1, depth) * 8 for codes in drawn.codes]
    assert sorted((met[0] * met[1]).sum(1)) == sorted(expected.ravel())
    assert source.provenance.endswith(f"as in {expected[..., 0, 0].size} matrix products")
    drawn = matrices(source, spec, 2, depth, 2, count=40, seed=seed)
    whole = {tuple(np.roll(row, shift)) for row in a.reshape(-1, depth) for shift in range(depth)}
    assert {tuple(row) for row in 8 * drawn.a.values.reshape(-1, depth)} <= whole


def test_pairing_of_other_sources_is_their_own():
    with pytest.raises(Refusal, match="^Pairing must be left to recording, which has its own, not 'matmul'$"):
        operands("recording", pairing="matmul")
    with pytest.raises(Refusal, match="^Pairing must be one of elements, matmul, not 'rows'$"):
        _pairing((3,), (3,), "rows")


def test_other_matrices_pair_as_in_their_product(tmp_path):
    a, b = np.arange(1.0, 7).reshape(2, 3), np.arange(1.0, 13).reshape(3, 4)
    source = load(save(tmp_path / "f.npz", a=a, b=b))
    spec = Multiplier.make("exact", "fp32")
    met = zip(*(decode(spec.a, codes) for codes in pairs(source, spec, 24, 0).codes), strict=True)
    scale_a, scale_b = scale_for(spec.a, a), scale_for(spec.b, b)
    assert sorted((x * scale_a, y * scale_b) for x, y in met) == \
        sorted((a[i, k], b[k, j]) for i in range(2) for j in range(4) for k in range(3))


def test_same_numbers_same_digest(tmp_path):
    a = np.arange(4.0)
    one, two = (load(save(tmp_path / name, a=a, b=a + 1)).sha256 for name in ("one.npz", "two.npz"))
    assert one == two != load(save(tmp_path / "one.npz", a=a, b=a + 2)).sha256


ONE = np.ones(3)
KINDS = ("Operand a must be float16, float32, float64, bfloat16, float8 or, for int8 designs, int8, not X; to convert, "
         "save x.astype(np.float32)")


@pytest.mark.parametrize("arrays, sentence", [
    ({"a": ONE}, "Operands must be the arrays a and b of '{path}', which holds a"),
    ({"x": ONE, "y": ONE}, "Operands must be the arrays a and b of '{path}', which holds x, y"),
    ({"a": ONE, "b": np.ones(4)}, "Operands a and b must have one shape, or be matrices (..., rows, depth) and "
                                  "(..., depth, cols), not (3,) and (4,)"),
    ({"a": np.ones((2, 3)), "b": np.ones((2, 4))}, "Operands a and b must have one shape, or be matrices (..., rows, "
                                                   "depth) and (..., depth, cols), not (2, 3) and (2, 4)"),
    ({"a": ONE, "b": np.array([1, np.nan, 2])}, "Operand b must hold finite numbers, not 1 NaN or Inf in 3"),
    ({"a": np.array([np.inf, -np.inf, 0]), "b": ONE}, "Operand a must hold finite numbers, not 2 NaN or Inf in 3"),
    ({"a": np.ones((0, 4)), "b": np.ones((0, 4))}, "Operand a must hold at least one number, not shape (0, 4)"),
    ({"a": np.ones(3, int), "b": ONE}, KINDS.replace("X", "int64")),
    ({"a": np.ones(3, complex), "b": ONE}, KINDS.replace("X", "complex128")),
    ({"a": np.array(["x"]), "b": ONE}, KINDS.replace("X", "str32")),
    ({"a": np.array([None]), "b": ONE}, "Operands must be a whole .npz file of plain numbers, not '{path}'"),
    *(({"metadata": metadata}, "Operands with metadata must be a recording of `lmul trace`, not '{path}'")
      for metadata in (ONE, *(np.frombuffer(json.dumps({"model": "m", "summary": "s", **parts}).encode(), np.uint8)
                              for parts in ({"cases": [], "feed_forward": [{}]}, {"cases": [{}], "feed_forward": []},
                                            {"cases": [{}], "feed_forward": 1})))),
])
def test_refuses(tmp_path, arrays, sentence):
    path = save(tmp_path / "f.npz", **arrays)
    with pytest.raises(ValueError) as error:
        load(path)
    assert str(error.value) == sentence.replace("{path}", str(path))


def test_refuses_what_is_no_archive(tmp_path):
    path = tmp_path / "f.npz"
    with pytest.raises(ValueError, match=r"^Operands must be readable, not '.*f\.npz': No such file"):
        operands(path)
    with pytest.raises(ValueError, match=r"^Operands must be readable, not '.*': Is a directory$"):
        operands(tmp_path)
    np.save(tmp_path / "f.npy", ONE)
    with pytest.raises(ValueError, match=r"^Operands must be two arrays, A\.npy,B\.npy or a and b of one \.npz, not "
                                         r"the single array in '.*f\.npy'$"):
        load(tmp_path / "f.npy")
    path.write_text("not an archive")
    with pytest.raises(ValueError, match=r"^Operands must be an \.npy, \.npz or \.safetensors file, not '.*f\.npz'$"):
        load(path)


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_refuses_every_truncation(tmp_path, write):
    path = tmp_path / "f.npz"
    write(path, a=np.arange(9.0), b=np.arange(9.0))
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=r"^Operands must be (a whole \.npz|an \.npy, \.npz or)"):
            load(path)


def test_refuses_a_flipped_bit(tmp_path):
    path = tmp_path / "f.npz"
    np.savez(path, a=np.full(64, np.pi), b=np.ones(64))
    content = bytearray(path.read_bytes())
    content[content.index(np.full(2, np.pi).tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^Operands must be a whole \.npz file of plain numbers, not '.*f\.npz'$"):
        load(path)


# --- quantisation ---


@pytest.mark.parametrize("fmt", [*FORMATS.values(), float_format("e4m4")], ids=str)
def test_float_scale_is_a_power_of_two_that_fits_and_loses_nothing(fmt, seed):
    rng = np.random.default_rng(seed)
    top = float(decode(fmt, fmt.max_finite))
    random = np.ldexp(rng.uniform(1, 2, 200), rng.integers(-300, 300, 200))
    for largest in [*random, 448.0, 448.1, top, np.nextafter(top, np.inf)]:
        scale = scale_for(fmt, np.array([largest / 3, -largest]))
        assert np.frexp(scale)[0] == 0.5
        if fmt.width <= 8:
            assert largest / scale <= top < 2 * largest / scale
        else:
            assert 1 <= largest / scale < 2


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=str)
def test_codes_of_a_format_quantise_to_themselves(fmt, seed):
    fields = np.random.default_rng(seed).integers(0, fmt.max_finite + 1, 500)
    if fmt.width <= 8:
        fields[0] = fmt.max_finite
    else:
        fields[0], fields[1:] = fmt.bias << fmt.man_bits, fields[1:] % (fmt.bias << fmt.man_bits)
    codes, scale = quantise(fmt, decode(fmt, fields) * 2.0**-40)
    assert scale == 2.0**-40 and np.array_equal(codes, fields)


def test_int8_is_symmetric(seed):
    values = np.random.default_rng(seed).standard_normal(1000)
    codes, scale = quantise(INT8, values)
    back = decode(INT8, codes)
    assert abs(back).max() == 127 and scale == abs(values).max() / 127
    assert abs(back * scale - values).max() <= scale / 2 * (1 + 1e-12)
    assert np.array_equal(decode(INT8, quantise(INT8, -values)[0]), -back)


FEW = [format_named(name) for name in ("int2", "int4", "int7", "uint4", "ternary", "pot3k2", "pot2", "sign1")]


def squared_error(fmt, values, scale):
    return np.square(fmt.along(fmt.pack(values / scale), -1) * scale - values).sum()


@pytest.mark.parametrize("fmt", FEW, ids=str)
def test_formats_of_few_numbers_have_the_scale_of_least_squares(fmt, recording, seed):
    """Never worse than the scale that clips nothing; and none of many others does much better."""
    rng = np.random.default_rng(seed)
    tensors = [rng.standard_normal(500), rng.standard_t(3, 500), *(recording.products[at].b for at in (0, 1, -1))]
    for values in [each.astype(float).ravel() for each in tensors]:
        largest = abs(values).max()
        scale = scale_for(fmt, values)
        error = squared_error(fmt, values, scale)
        assert error <= squared_error(fmt, values, largest / fmt.magnitude) * (1 + 1e-9)
        others = largest / fmt.magnitude * np.geomspace(0.002, 2, 400)
        assert error <= 1.1 * min(squared_error(fmt, values, other) for other in others)
        assert scale_for(fmt, rng.permutation(values)) == scale
        assert scale_for(fmt, 2.0**40 * values) == 2.0**40 * scale


@pytest.mark.parametrize("name", ["int4", "int8xternary"])
def test_most_of_the_recording_is_not_zero_in_few_bits(name, recording, seed):
    spec = parse(name.split("_"))[0]
    drawn = pairs(recording, spec, 20_000, seed)
    for fmt, operand in zip((spec.a, spec.b), drawn, strict=True):
        share = 0.55 if fmt.name == "ternary" else 0.5  # of ternary numbers least squares leave about half at zero
        assert census(fmt, spec.subnormals, operand).zero < share * len(operand.codes)


def test_numbers_of_few_bits_keep_their_scale():
    values = np.array([-7, 3, 0, 7, 1, -2.0])
    assert scale_for(format_named("int4"), values / 4) == 0.25
    assert scale_for(format_named("ternary"), np.array([-3.0, 0, 3, 3])) == 3
    assert scale_for(format_named("pot3k2"), np.array([-128.0, 96, 3, 0, 5])) == 1


def test_int8_has_the_scale_that_clips_nothing(seed):
    values = np.random.default_rng(seed).standard_t(3, 1000)
    for name, most in (("int8", 127), ("uint8", 255), ("int16", 32767)):
        assert scale_for(format_named(name), values) == abs(values).max() / most


@pytest.mark.parametrize("fmt", [*FORMATS.values(), INT8, *FEW], ids=str)
def test_extreme_tensors(fmt):
    assert quantise(fmt, np.zeros(3))[1] == 1
    assert not quantise(fmt, np.zeros(3))[0].any()
    for largest in (5e-324, 1e-310, np.finfo(np.float64).max):
        codes, scale = quantise(fmt, np.array([largest, 0]))
        assert 0 < scale < np.inf and np.isfinite(decode(fmt, codes)).all()
    assert scale_for(fmt, np.array([5e-324])) == np.finfo(np.float64).tiny  # a normal number, to divide by


# --- the recording ---


def test_recording_is_small_and_says_what_it_is(recording):
    assert recording.name == "recording"
    assert recording.provenance.startswith("all-MiniLM-L6-v2: attention of 3 sentences")
    assert recording.provenance.endswith("qk 25 %, pv 25 %, ffn 50 % of the pairs")
    assert {product.kind for product in recording.products} == set(SHARES)
    assert sum(product.a.nbytes + product.b.nbytes for product in recording.products) < 400_000
    for product in recording.products:
        assert product.a.dtype == product.b.dtype == np.float32 and product.a.shape[1] == product.b.shape[0]
        if product.kind == "pv":  # the rows of P are what a softmax gives
            assert np.allclose(product.a.sum(1), 1, atol=1e-5) and (product.a > 0).all()


def test_recording_of_a_language_model():
    source = operands("smollm2")
    assert source.name == "smollm2"
    assert source.provenance.startswith("SmolLM2-135M-Instruct: attention of 1 sentence (33 tokens)")
    qk, pv, ffn = ([product for product in source.products if product.kind == kind] for kind in SHARES)
    assert len(qk) == len(pv) == 6 and sum(product.a.nbytes + product.b.nbytes for product in source.products) < 400_000
    for scores, weights in zip(qk, pv, strict=True):
        expected = np.tril(np.exp(scores.a @ scores.b / np.sqrt(64)))  # no token sees those that follow
        assert scores.a.dtype == np.float32
        assert np.allclose(expected / expected.sum(1, keepdims=True), weights.a, atol=1e-5)
    assert [(product.a.shape, product.b.shape) for product in ffn] == [((16, 576), (576, 16)), ((16, 384), (384, 16)),
                                                                       ((16, 384), (384, 16))]
    outliers = [np.abs(product.a).max() / np.sqrt(np.square(product.a).mean()) for product in ffn]
    assert outliers[1] > .9 * np.sqrt(16 * 384) and outliers[2] < 40  # one number has most of the energy


def test_recorded_attention_agrees_with_itself(recording):
    """Softmax of the recorded queries by keys is the recorded P."""
    qk, pv = ([product for product in recording.products if product.kind == kind] for kind in ("qk", "pv"))
    for scores, weights in zip(qk, pv, strict=True):
        expected = np.exp(scores.a @ scores.b / np.sqrt(32))
        assert np.allclose(expected / expected.sum(1, keepdims=True), weights.a, atol=1e-5)


# --- drawing ---


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("name", ["recording", "smollm2", "uniform", "gaussian"])
def test_pairs_are_codes_and_repeat_with_the_seed(spec, name, seed):
    source = operands(name, seed)
    a, b = pairs(source, spec, 3001, seed).codes
    assert a.shape == b.shape == (3001,)
    for fmt, codes in ((spec.a, a), (spec.b, b)):
        values = decode(fmt, codes)
        assert np.isfinite(values).all() and np.count_nonzero(values) > 200
    again, other = (pairs(source, spec, 3001, s).a.codes for s in (seed, seed + 1))
    assert np.array_equal(a, again) and not np.array_equal(a, other)


@pytest.mark.parametrize("count", [1, 7, 500, 20_000])
def test_pairs_are_whole_dot_products_in_their_shares(recording, count, seed):
    spec = Multiplier.make("exact", "fp32")  # scaled by powers of two only: every pair can be found again
    a, b = (decode(spec.a, codes) for codes in pairs(recording, spec, count, seed).codes)
    known = {}
    for product in recording.products:
        scales = scale_for(spec.a, product.a), scale_for(spec.b, product.b)
        for run in range(product.runs):
            known.setdefault((product.run(run)[0] / scales[0]).astype(float).tobytes(), []).append(
                (product.kind, (product.run(run)[1] / scales[1]).astype(float)))
    lengths = sorted({product.a.shape[1] for product in recording.products})
    found, at = dict.fromkeys(SHARES, 0), 0
    while at + lengths[-1] <= count:
        kind, length = next((kind, length) for length in lengths
                            for kind, col in known.get(a[at:at + length].tobytes(), [])
                            if np.array_equal(col, b[at:at + length]))
        found[kind] += length
        at += length
    if count == 20_000:
        for kind, share in SHARES.items():
            assert found[kind] / at == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("values", [
    np.array([65504, 1, -3, 2**-14], np.float16),
    np.array([np.finfo(np.float32).max, -1e38, 1e20], np.float32),
    np.array([2.0**1023, -2.0**1000]),
], ids=["float16", "float32", "float64"])
def test_scaling_is_done_in_float64(values, seed):
    source = Operands("x", "x", (Product("x", values, values[::-1]),), {"x": 1.0})
    spec = Multiplier.make("exact", "fp32")
    scale = scale_for(spec.a, values)
    for codes in (*pairs(source, spec, len(values), seed).codes,
                  *matrices(source, spec, 1, len(values), 1, seed=seed).codes):
        assert sorted(decode(spec.a, codes).ravel() * scale) == sorted(values.astype(float))


def test_every_pair_is_used_before_any_comes_again(seed):
    source = Operands("x", "x", (Product("x", np.arange(1.0, 201), np.arange(1.0, 201)),), {"x": 1.0})
    spec = Multiplier.make("exact", "fp32")
    codes = pairs(source, spec, 400, seed).a.codes
    values = decode(spec.a, codes) * scale_for(spec.a, source.products[0].a)
    assert sorted(values[:200]) == sorted(values[200:]) == list(range(1, 201))
    assert np.count_nonzero(np.diff(values[:200]) == 1) >= 195  # neighbours stay neighbours, in runs of 64


def test_every_product_of_a_kind_takes_part(seed):
    products = tuple(Product("x", np.full((2, 1), value), np.full((1, 3), value)) for value in (1.0, 1.25, 1.5))
    spec = Multiplier.make("exact", "fp32")
    values = decode(spec.a, pairs(Operands("x", "x", products, {"x": 1.0}), spec, 36, seed).a.codes)
    for some in (values[:18], values[18:]):
        assert sorted(some) == [1.0] * 6 + [1.25] * 6 + [1.5] * 6


def test_kinds_take_turns_by_their_shares(seed):
    """The one furthest behind its share; of equals the one with the larger share, then the first."""
    products = tuple(Product(kind, np.full((4, 1), value), np.ones((1, 4)))
                     for kind, value in (("x", 1.0), ("y", 1.25), ("z", 1.5)))
    source = Operands("xyz", "xyz", products, {"x": 0.25, "y": 0.25, "z": 0.5})
    spec = Multiplier.make("exact", "fp32")
    for codes in (pairs(source, spec, 8, seed).a.codes,
                  matrices(source, spec, 1, 1, 1, count=8, seed=seed).a.codes):
        assert decode(spec.a, codes).ravel().tolist() == [1.5, 1.0, 1.25, 1.5] * 2


def test_blocks_begin_anywhere(seed):
    source = Operands("x", "x", (Product("x", np.arange(1.0, 17).reshape(8, 2), np.arange(1.0, 33).reshape(2, 16)),),
                      {"x": 1.0})
    spec = Multiplier.make("exact", "fp32")
    a, b = matrices(source, spec, 1, 1, 1, count=500, seed=seed).codes
    for codes, fmt, values in ((a, spec.a, source.products[0].a), (b, spec.b, source.products[0].b)):
        assert set(decode(fmt, codes).ravel() * scale_for(fmt, values)) == set(values.ravel())


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_matrices_are_blocks_of_the_source(recording, spec, seed):
    a, b = matrices(recording, spec, 8, 500, 4, count=4, seed=seed).codes
    assert a.shape == (4, 8, 500) and b.shape == (4, 500, 4)
    ffn = recording.products[-1]
    first = a[0]  # the feed-forward block has the largest share and comes first; its depth is 384
    assert np.array_equal(first[:, :116], first[:, 384:])
    expected = quantise(spec.a, ffn.a)[0]
    assert {bytes(np.sort(line[:384])) for line in first} <= {bytes(np.sort(line)) for line in expected}
    again = matrices(recording, spec, 8, 500, 4, count=4, seed=seed).codes
    assert np.array_equal(a, again[0]) and np.array_equal(b, again[1])


def test_matrices_of_element_pairs(seed):
    source = gaussian(1000, seed)
    spec = Multiplier.make("exact", "fp16")
    a, b = matrices(source, spec, 3, 5, 7, count=2, seed=seed).codes
    assert a.shape == (2, 3, 5) and b.shape == (2, 5, 7)
    assert set(a.ravel()) <= set(quantise(spec.a, source.products[0].a)[0])


def test_synthetic_sources(seed):
    values = uniform(20_000, seed).products[0]
    assert -1 <= values.a.min() < -.99 and .99 < values.a.max() < 1 and abs(values.a.mean()) < .03
    values = gaussian(20_000, seed).products[0]
    assert abs(values.b.std() - 1) < .03 and abs(np.corrcoef(values.a, values.b)[0, 1]) < .03
    with pytest.raises(ValueError, match="^Count must be at least 1, not 0$"):
        uniform(0, seed)
    assert len(uniform(1, seed).products[0].a) == 1


def test_defaults():
    spec = Multiplier.make("exact", "fp32")
    source = operands("gaussian")
    assert source.sha256 == operands("gaussian", seed=1).sha256
    for one, other in zip(matrices(source, spec, 2, 3, 4).codes,
                          matrices(source, spec, 2, 3, 4, count=1, seed=0).codes, strict=True):
        assert np.array_equal(one, other)


def test_shares_are_parts_of_one(recording, tmp_path, seed):
    for source in (recording, gaussian(5, seed), load(save(tmp_path / "f.npz", a=ONE, b=ONE))):
        assert sum(source.shares.values()) == 1


@pytest.mark.parametrize("name", RECORDINGS)
def test_recording_file_is_stored_with_fixed_dates(name):
    from importlib.resources import as_file, files

    import lmul.golden

    with as_file(files(lmul.golden) / "data" / f"{name}.npz") as path, zipfile.ZipFile(path) as archive:
        assert path.stat().st_size < 400_000
        assert {(item.date_time, item.compress_type) for item in archive.infolist()} == \
            {((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)}
