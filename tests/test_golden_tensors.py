"""Tensors of every type that people save: the same numbers as ml_dtypes has, or a sentence that says what to do."""

import json
import struct
import sys

import ml_dtypes  # noqa: F401 - numpy knows its types by their names
import numpy as np
import pytest
from lmul.golden.codec import decode
from lmul.golden.formats import FORMATS
from lmul.golden.operands import load, matrices, pairs, quantise
from lmul.golden.refusal import Refusal
from lmul.golden.spec import Multiplier
from lmul.golden.tensors import numbers, read, read_pair

TYPES = {"bfloat16": "bf16", "float8_e4m3fn": "e4m3", "float8_e5m2": "e5m2", "float8_e3m4": "e3m4",
         "float6_e2m3fn": "e2m3", "float6_e3m2fn": "e3m2", "float4_e2m1fn": "e2m1"}
NAMED = ("bfloat16", "float8_e5m2")


def finite(dtype, shape, rng):
    """Random finite numbers of a type of ml_dtypes: every code of the short ones is as likely."""
    fmt = FORMATS[TYPES[dtype]]
    codes = rng.integers(0, fmt.max_finite + 1, shape) | rng.choice([0, fmt.sign_mask], shape)
    array = codes.astype(f"u{np.dtype(dtype).itemsize}").view(dtype)
    array.flat[0] = np.array(-1, dtype)  # whatever the rest, more than the codes of four bits
    return array


def specs(*names):
    return [Multiplier.make("int8", None) if name == "int8" else Multiplier.make("exact", *name.split("x"))
            for name in names]


@pytest.mark.parametrize("dtype", TYPES)
def test_numbers_are_those_of_ml_dtypes(dtype, tmp_path, seed):
    fmt, rng = FORMATS[TYPES[dtype]], np.random.default_rng(seed)
    for shape, order in (((7, 30), "C"), ((4, 3), "F"), ((2, 3, 4), "C")):
        array = np.asarray(finite(dtype, shape, rng), order=order)
        np.save(tmp_path / "f.npy", array)
        found = numbers("A", read("A", tmp_path / "f.npy"), [fmt])
        assert found.own == fmt and found.values.dtype == np.float32
        assert np.array_equal(found.values, array.astype(np.float32))
        codes, scale = quantise(fmt, found.values, found.own)
        assert scale == 1 and np.array_equal(codes, array.view(f"u{array.itemsize}"))


@pytest.mark.parametrize("dtype", TYPES)
def test_drawn_codes_are_those_of_the_file(dtype, tmp_path, seed):
    array = finite(dtype, (2, 40), np.random.default_rng(seed))
    np.savez(tmp_path / "f.npz", a=array[0], b=array[1])
    [spec] = specs(TYPES[dtype])
    source = load(tmp_path / "f.npz", specs=[spec])
    file = {tuple(pair) for pair in array.view(f"u{array.itemsize}").T.tolist()}
    assert set(zip(*(codes.tolist() for codes in pairs(source, spec, 40, seed).codes), strict=True)) == file
    drawn = matrices(source, spec, 3, 4, 2, seed=seed)
    assert np.array_equal(decode(spec.a, drawn.a.codes), drawn.a.values)
    assert TYPES[dtype] in source.provenance or dtype in source.provenance


@pytest.mark.parametrize("dtype", NAMED)
def test_named_types_go_to_every_design(dtype, tmp_path, seed):
    """Two bytes are bfloat16, and float8_e5m2 has a name: another format's design gets them quantised as any floats."""
    array = finite(dtype, (2, 40), np.random.default_rng(seed))
    np.savez(tmp_path / "f.npz", a=array[0], b=array[1])
    np.savez(tmp_path / "g.npz", a=array[0].astype(np.float32), b=array[1].astype(np.float32))
    for spec in specs("e4m3", "e2m1", "fp16", "int8", "bf16xe4m3"):
        if spec.a.name != TYPES[dtype]:
            one, other = (pairs(load(tmp_path / name, specs=specs("e4m3", "e2m1")), spec, 40, seed).codes
                          for name in ("f.npz", "g.npz"))
            assert all(map(np.array_equal, one, other))


def test_one_byte_is_of_the_one_short_format_there(tmp_path, seed):
    array = finite("float8_e4m3fn", (2, 40), np.random.default_rng(seed))
    np.savez(tmp_path / "f.npz", a=array[0], b=array[1])
    source = load(tmp_path / "f.npz", specs=specs("e4m3", "bf16", "int8"))
    assert source.products[0].a_own == source.products[0].b_own == FORMATS["e4m3"]
    assert np.array_equal(source.products[0].a, array[0].astype(np.float32))
    assert "a bytes, taken as codes of e4m3, [40]" in source.provenance
    for names, listed in (([], "none"), (["bf16"], "bf16"), (["int8"], "int8"), (["e4m3", "e5m2"], "e4m3, e5m2"),
                          (["e4m3", "e2m1", "fp16"], "e2m1, e4m3, fp16"), (["bf16xe4m3"], "bf16")):
        with pytest.raises(Refusal) as error:
            load(tmp_path / "f.npz", specs=specs(*names))
        assert str(error.value) == (
            "Operand a has one byte for each number and does not say of which format: designs must have one float "
            f"format of at most 8 bits there, not {listed}; to convert, save x.astype(np.float32)")


@pytest.mark.parametrize("dtype, design, sentence", [
    ("float8_e4m3fn", "e2m1", "Operand a must have codes of 4 bits for e2m1, not only some up to 0xb8"),
    ("float8_e4m3fn", "e3m2", "Operand a must have codes of 6 bits for e3m2, not only some up to 0xb8"),
    ("float4_e2m1fn", "e4m3", "Operand a must have codes of 8 bits for e4m3, not only some up to 0xa"),
    ("int4", "e5m2", "Operand a must have codes of 8 bits for e5m2, not only some up to 0xf"),
])
def test_other_widths_are_refused(dtype, design, sentence, tmp_path):
    array = np.array([1, -1, 0]).astype(dtype)
    np.savez(tmp_path / "f.npz", a=array, b=array)
    with pytest.raises(Refusal, match=f"^{sentence}; to convert, save x.astype"):
        load(tmp_path / "f.npz", specs=specs(design))


@pytest.mark.parametrize(("codes", "fits"), [([0, 0], True), ([1, 0], False), ([15, 1], False), ([16, 1], True)])
def test_codes_that_could_be_shorter_ones(codes, fits, tmp_path):
    """Zeros are codes of any width; some that are all below 16 are rather those of four bits."""
    array = np.array(codes, np.uint8).view("V1")
    np.savez(tmp_path / "f.npz", a=array, b=array)
    if fits:
        assert load(tmp_path / "f.npz", specs=specs("e4m3")).products[0].a_own == FORMATS["e4m3"]
    else:
        with pytest.raises(Refusal, match="must have codes of 8 bits for e4m3, not only some up to 0x"):
            load(tmp_path / "f.npz", specs=specs("e4m3"))


def test_a_format_of_nine_bits_has_no_codes_of_one_byte(tmp_path):
    array = np.array([16, 17], np.uint8).view("V1")
    np.savez(tmp_path / "f.npz", a=array, b=array)
    with pytest.raises(Refusal, match="format of at most 8 bits there, not e4m4;"):
        load(tmp_path / "f.npz", specs=specs("e4m4"))


@pytest.mark.parametrize("count", [7, 8, 9, 10])
def test_a_refusal_names_eight_arrays_at_most(count, tmp_path):
    names = [f"n{i}" for i in range(count)]
    np.savez(tmp_path / "f.npz", **dict.fromkeys(names, np.ones(2)))
    with pytest.raises(Refusal) as error:
        load(f"{tmp_path}/f.npz:x,y")
    assert str(error.value).endswith(f"which holds {', '.join(names[:8])}{', ...' * (count > 8)}")


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_nan_codes_are_refused(dtype, tmp_path):
    array = np.array([1, np.nan, -2, np.nan]).astype(dtype)
    np.savez(tmp_path / "f.npz", a=array, b=array)
    with pytest.raises(Refusal, match="^Operand a must hold finite numbers, not 2 NaN or Inf in 4$"):
        load(tmp_path / "f.npz", specs=specs(TYPES[dtype]))


def test_int8_is_codes_of_int8(tmp_path, seed):
    a, b = np.random.default_rng(seed).integers(-128, 128, (2, 50), np.int8)
    np.savez(tmp_path / "f.npz", a=a, b=b)
    [spec] = specs("int8")
    found = pairs(load(tmp_path / "f.npz", specs=[spec]), spec, 50, seed)
    drawn = (codes.view(np.int8).tolist() for codes in found.codes)
    assert set(zip(*drawn, strict=True)) == set(zip(a.tolist(), b.tolist(), strict=True))
    for names in (["e4m3"], ["int8", "e4m3"]):
        with pytest.raises(Refusal, match="^Operand a is int8, codes for int8 designs alone, and the designs have"):
            load(tmp_path / "f.npz", specs=specs(*names))
    np.savez(tmp_path / "f.npz", a=a.view(np.uint8), b=b)
    with pytest.raises(Refusal, match=r"^Operand a must be float16, .*, not uint8; to convert, save x.astype"):
        load(tmp_path / "f.npz", specs=[spec])


@pytest.mark.parametrize("dtype, shown", [([("x", "u1")], "void8"), ([("x", "u1"), ("y", "u1")], "void16"),
                                          ("V3", "void24"), ("V4", "void32"), ("m8[s]", "timedelta64[s]")])
def test_other_types_are_refused(dtype, shown, tmp_path):
    np.savez(tmp_path / "f.npz", a=np.zeros(3, dtype), b=np.ones(3))
    with pytest.raises(Refusal) as error:
        load(tmp_path / "f.npz", specs=specs("e4m3"))
    assert f"int8, not {shown}; to convert" in str(error.value)


# --- references ---


def test_pairs_of_files_and_names(tmp_path, seed):
    a, b = np.random.default_rng(seed).standard_normal((2, 5))
    for name, array in (("a", a), ("b", b)):
        np.save(tmp_path / f"{name}.npy", array)
    np.savez(tmp_path / "f.npz", x=a, y=b, a=b, b=a)
    for reference, first, second in (("a.npy,{}/b.npy", a, b), ("f.npz:x,y", a, b), ("f.npz:y,x", b, a),
                                     ("f.npz", b, a), ("f.npz:x,{}/b.npy", a, b), ("a.npy,{}/f.npz:y", a, b)):
        found = read_pair("Operands", f"{tmp_path}/{reference}".replace("{}", str(tmp_path)))
        assert np.array_equal(found[0].array, first) and np.array_equal(found[1].array, second)
    source = load(f"{tmp_path}/a.npy,{tmp_path}/b.npy")
    assert source.name == "a.npy,b.npy" and source.provenance.startswith("a.npy,b.npy: a float64 [5], b float64 [5]")


SINGLE = "Operands must be two arrays, A.npy,B.npy or a and b of one .npz, not the single array in '{}/a.npy'"


@pytest.mark.parametrize("reference, sentence", [
    ("a.npy", SINGLE), ("a.npy:x,y", SINGLE),
    ("f.npz:x", "Operands must be named in pairs, F:a,b, not '{}/f.npz:x'"),
    ("f.npz:x,z", "Operands must be the arrays x and z of '{}/f.npz', which holds x"),
    ("a.npy,b.npy", "Operands must be readable, not 'b.npy': No such file or directory"),
    ("none.npz:x,y", "Operands must be readable, not '{}/none.npz': No such file or directory"),
    ("none", "Operands must be readable, not '{}/none': No such file or directory"),
    ("text", "Operands must be an .npy, .npz or .safetensors file, not '{}/text'"),
])
def test_references_that_are_refused(reference, sentence, tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    np.savez(tmp_path / "f.npz", x=np.ones(3))
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(Refusal) as error:
        load(f"{tmp_path}/{reference}")
    assert str(error.value) == sentence.replace("{}", str(tmp_path))


# --- .safetensors ---


def safetensors(path, **tensors):
    """Write a file by the format's definition: the header's length, the header, the bytes."""
    header, data = {"__metadata__": {"format": "a test's"}}, b""
    for name, (dtype, array) in tensors.items():
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_safetensors_by_name(tmp_path, seed):
    pytest.importorskip("safetensors", reason="the extra `models` is not installed")
    rng = np.random.default_rng(seed)
    arrays = {"F64": rng.standard_normal((2, 3)), "F32": rng.standard_normal((2, 3)).astype(np.float32),
              "F16": rng.standard_normal((2, 3)).astype(np.float16), "BF16": finite("bfloat16", (2, 3), rng),
              "F8_E4M3": finite("float8_e4m3fn", (2, 3), rng), "F8_E5M2": finite("float8_e5m2", (2, 3), rng)}
    path = safetensors(tmp_path / "m.safetensors", **{f"model.{dtype}": pair for dtype, pair in (
        (dtype, (dtype, array)) for dtype, array in arrays.items())})
    for first in arrays:
        for second in arrays:
            source = load(f"{path}:model.{first},model.{second}", specs=specs("e4m3"))
            [product] = source.products
            assert np.array_equal(product.a, arrays[first].astype(float).ravel())
            assert np.array_equal(product.b, arrays[second].astype(float).ravel())
    assert f"m.safetensors:model.F8_E5M2,model.F8_E5M2: a {'float8_e5m2'} [2, 3]" in source.provenance


def test_safetensors_that_are_refused(tmp_path):
    pytest.importorskip("safetensors", reason="the extra `models` is not installed")
    ones = np.ones(4, np.uint8)
    path = safetensors(tmp_path / "m.safetensors", a=("F8_E4M3", ones), b=("F8_E8M0", ones), c=("I8", ones))
    for names, sentence in (("", "Operand b must be float16, .*, not F8_E8M0; to convert"),
                            (":a,c", "Operand b is int8, codes for int8 designs alone, and the designs have e4m3"),
                            (":a,d", "Operands must be the arrays a and d of '.*', which holds a, b, c"),
                            (":a", "Operands must be named in pairs")):
        with pytest.raises(Refusal, match=f"^{sentence}"):
            load(f"{path}{names}", specs=specs("e4m3"))
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(Refusal, match="^Operands must be a whole .safetensors file, not '.*m.safetensors': "):
            load(path)


def test_safetensors_need_their_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    path = safetensors(tmp_path / "m.safetensors", a=("F32", np.ones(2, np.float32)))
    with pytest.raises(Refusal, match=r"^The extra `models` must be installed to read .safetensors, by "
                                      r"`.venv/bin/pip install -e '.\[models\]'`: safetensors is missing$"):
        load(path)
