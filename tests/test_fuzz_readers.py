"""Every reader with hostile input: it reads or refuses in a sentence, in time. What the program reads: slugs on the
command line, matrices (``.npy``), operands (``.npz``), Liberty, cell tables (the embedded ones and the cache), and a
``report.json``, the TOML of sweeps; and of its manifests only those that it has just written to a folder of its own."""

import ast
import gzip
import io
import json
import random
import zipfile
from pathlib import Path

import ml_dtypes  # noqa: F401 - numpy knows its types by their names
import numpy as np
import pytest
from fuzz import fuzz, spoilt_bytes, spoilt_text, spoilt_tree
from lmul.golden.formats import float_format
from lmul.golden.operands import load
from lmul.golden.refusal import Refusal
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.hdl.designs import catalogue, parse
from lmul.sim.matmul import read_matrix
from lmul.synth import boolean, library, record, sweep_spec
from lmul.synth.characterise import compact
from test_cli_pages import invented

ROOT = Path(__file__).parent.parent
SMALL = (Path(__file__).parent / "fixtures" / "small.lib").read_text()
SLUGS = [*catalogue(), "mul_lmul_e4m3_sub_ieee_offm3", "dot_lmul_bf16_fp32_8_w24", "dot_exact_e5m2_fp16_4_tree"]


def liberty_text():
    """The head of the small library and a few of its cells."""
    head, *cells = SMALL[:SMALL.rindex("}")].split("\n  cell (")
    kept = [cell for cell in cells if cell.split(")")[0] in ("INVX1", "BUFX1", "NAND2X1", "HAX1", "DFFX1")]
    return "\n  cell (".join([head, *kept]) + "\n}\n"


def slugs(folder):
    def read(slug):
        design = parse(slug)
        assert design.slug == slug and parse(design.slug) == design

    return read, lambda rng: spoilt_text(rng.choice(SLUGS), rng) if rng.random() < 0.9 else words(rng)


def words(rng):
    """A slug of true words in any order."""
    vocabulary = ["mul", "prod", "mac", "dot", "array", "matmul", "lmul", "exact", "mitchell", "int8", "e4m3",
                  "bf16xe4m3", "e2m1", "fp32", "e5m2", "sub", "flush", "ieee", "best", "none", "off3", "offm1", "fixed",
                  "fixed8", "int32", "carrysave", "16", "w24", "tree", "8x8", "64x1", "os", "ws", "e8m23", "fp32xe2m1"]
    return "_".join(rng.choices(vocabulary, k=rng.randrange(1, 9)))


def names(folder):
    def read(name):
        for function in (float_format, parse_accumulator):
            function(name)

    return read, lambda rng: spoilt_text(rng.choice(("e4m11", "fp32", "e5m2", "bf16", "e8m23")), rng)


def matrices(folder):
    valid = []
    for array in (np.arange(6.0).reshape(2, 3), np.ones((3, 2), np.uint8), np.ones((2, 2), ">f4"),
                  np.asfortranarray(np.eye(3, dtype=np.int8)), np.ones((2, 3), "float8_e5m2"),
                  np.ones((2, 3), "bfloat16")):
        file = io.BytesIO()
        np.save(file, array)
        valid.append(file.getvalue())
    return from_file(folder / "m.npy", lambda path: read_matrix("A", path), valid, spoilt_array)


def archives(folder):
    valid = []
    rng = np.random.default_rng(1)
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, a=rng.random((2, 3)), b=rng.random((3, 2)).astype(np.float32))
        valid.append(file.getvalue())
    shapes = {"q0": (1, 2, 3), "k0": (1, 2, 3), "p0": (1, 2, 2), "v0": (1, 2, 3), "x": (2, 3), "w": (3, 2)}
    about = {"model": "m", "summary": "s", "cases": [{"sentence": 0, "layer": 0}]}
    file = io.BytesIO()
    np.savez(file, metadata=np.frombuffer(json.dumps(about).encode(), np.uint8),
             **{name: rng.random(shape) for name, shape in shapes.items()})
    valid.append(file.getvalue())
    file = io.BytesIO()
    np.savez(file, a=np.ones((2, 3), "float8_e5m2"), b=np.full((3, 2), 3, "float8_e4m3fn"))
    valid.append(file.getvalue())
    specs = [Multiplier.make("exact", "e4m3")]
    return from_file(folder / "o.npz", lambda path: load(path, specs=specs), valid, spoilt_archive)


def safetensors(folder):
    pytest.importorskip("safetensors", reason="the extra `models` is not installed")
    header = {name: {"dtype": dtype, "shape": [2, 3], "data_offsets": [start, start + 6 * size]}
              for name, dtype, start, size in (("a", "F32", 0, 4), ("b", "BF16", 24, 2), ("c", "F8_E5M2", 36, 1))}
    text = json.dumps(header).encode()
    valid = len(text).to_bytes(8, "little") + text + np.ones(6, np.float32).tobytes() + bytes(18)
    return from_file(folder / "o.safetensors", load, [valid], spoilt_safetensors)


def spoilt_safetensors(data, rng):
    """A file spoilt anywhere; or in its header, the length of which is made right again."""
    if rng.random() < 0.3:
        return spoilt_bytes(data, rng)
    size = 8 + int.from_bytes(data[:8], "little")
    if rng.random() < 0.3:
        return data[:size] + rng.randbytes(len(data) - size)
    if rng.random() < 0.5:
        header = json.dumps(spoilt_tree(json.loads(data[8:size]), rng)).encode(errors="replace")
    else:
        header = spoilt_text(data[8:size].decode(), rng).encode(errors="replace")
    return len(header).to_bytes(8, "little") + header + data[size:]


def recordings(folder):
    """Whole archives whose arrays and metadata are not what a recording has."""
    rng = np.random.default_rng(1)
    shapes = {"q0": (1, 2, 3), "k0": (1, 2, 3), "p0": (1, 2, 2), "v0": (1, 2, 3), "x": (2, 3), "w": (3, 2)}
    valid = {name: rng.random(shape) for name, shape in shapes.items()}
    about = {"model": "m", "summary": "s", "cases": [{"sentence": 0, "layer": 0}]}
    path = folder / "r.npz"

    def spoil(rng):
        arrays = dict(valid)
        for _ in range(rng.randrange(3)):
            name = rng.choice([*arrays, "q1", "extra"])
            arrays[name] = rng.choice((np.ones(3), np.ones((1, 2)), np.ones((1, 3, 2)), np.array(1.0), np.array(["x"]),
                                       np.ones((0, 2)), np.full((2, 3), np.nan), np.ones((2, 3), int)))
        text = json.dumps(spoilt_tree(about, rng) if rng.random() < 0.7 else about)
        text = spoilt_text(text, rng) if rng.random() < 0.3 else text
        return arrays, text.encode(errors="surrogatepass")

    def read(given):
        arrays, text = given
        np.savez(path, metadata=np.frombuffer(text, np.uint8), **arrays)
        load(path)

    return read, spoil


def spoilt_array(data, rng):
    """An ``.npy`` file spoilt, often where its header says type and shape."""
    if rng.random() < 0.4:
        return spoilt_bytes(data, rng)
    size = 10 + int.from_bytes(data[8:10], "little")
    header = spoilt_text(data[10:size].decode("latin1"), rng).encode("latin1", "replace")[:60_000]
    return data[:8] + len(header).to_bytes(2, "little") + header + data[size:]


def spoilt_archive(data, rng):
    """An ``.npz`` file spoilt anywhere, or in a word of its headers with its checksums made right again."""
    if rng.random() < 0.7:
        return spoilt_bytes(data, rng)
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(file, "w") as spoilt:
        for name in archive.namelist():
            content = archive.read(name)
            spoilt.writestr(name, spoilt_array(content, rng) if rng.random() < 0.6 else content)
    return file.getvalue()


def liberty(folder):
    text = liberty_text()

    def spoil(rng):
        if rng.random() < 0.1:
            return spoilt_bytes(gzip.compress(text.encode()), rng)
        return spoilt_text(text, rng).encode(errors="surrogatepass")

    return used(folder / "l.lib"), spoil


def statements(folder):
    """Liberty that stays Liberty: statements dropped, repeated, swapped; their numbers and words replaced."""
    lines = liberty_text().splitlines()
    values = ["0", "-1", "1e30", "nan", '""', '"A & B"', '"A @ B"', "true", '"rising_edge"', '"D"', "input", "none"]

    def spoil(rng):
        text = list(lines)
        for _ in range(rng.choice((1, 1, 2, 4))):
            at, other = rng.randrange(2, len(text)), rng.randrange(2, len(text))
            match rng.randrange(5):
                case 0 if text[at].rstrip()[-1:] not in "{}":
                    del text[at]
                case 1:
                    text[at], text[other] = text[other], text[at]
                case 2 if " : " in text[at]:
                    text[at] = f"{text[at].split(' : ')[0]} : {rng.choice(values)};"
                case 3 if '"' in text[at]:
                    text[at] = text[at].replace(rng.choice(text[at].split('"')[1].split(", ")), rng.choice(values[:4]))
                case _:
                    text.insert(at, text[other])
        return "\n".join(text).encode()

    return used(folder / "s.lib"), spoil


def used(path):
    """Reads a library from what it is given, and uses all that a report uses before anything is mapped."""
    def read(data):
        path.write_bytes(data)
        try:
            lib = library.load(liberty_paths=[path])
        except Refusal as refusal:
            assert path.name in str(refusal) or lib_is_whole(path), str(refusal)
            raise
        assert lib.offered and lib.driving_cell and lib.output_load > 0
        assert lib.lacks is None or lib.no_register is None or str(lib.no_register)
        for full in (False, True):
            lib.write_liberty(path.with_suffix(".out"), full)
        compact(lib)

    return read


def lib_is_whole(path):
    """Whether a table is refused as a library, which has a name of its own."""
    return path.suffix == ".json"


def expressions(folder):
    def read(text):
        boolean.truth(text, boolean.pins(text))

    valid = "!A & B", "(A ^ B) + C'", "A B + !(C D)", '(!A1 | A2) & (B "C")'
    return read, lambda rng: spoilt_text(rng.choice(valid), rng)


def tables(folder):
    lib = ROOT / "synth" / "data" / "asap7.json"
    whole = json.loads(lib.read_text())
    whole["cells"] = {name: whole["cells"][name] for name in (
        "INVx1_ASAP7_75t_R", "NAND2xp5_ASAP7_75t_R", "BUFx2_ASAP7_75t_R", "DFFHQNx1_ASAP7_75t_R")}
    text = json.dumps(whole)
    read = used(folder / "t.json")
    return (lambda given: read(given.encode(errors="surrogatepass"))), lambda rng: spoilt_json(whole, text, rng)


def records(folder):
    whole = invented(1)
    whole["rows"] = whole["rows"][:2] + whole["rows"][-1:]
    text, path = json.dumps(whole), folder / "report.json"

    def read(given):
        path.write_text(given, encoding="utf-8", errors="surrogatepass")
        record.read(path)

    return read, lambda rng: spoilt_json(whole, text, rng)


def spoilt_json(tree, text, rng):
    """JSON text of a spoilt tree, or spoilt itself."""
    return json.dumps(spoilt_tree(tree, rng)) if rng.random() < 0.7 else spoilt_text(text, rng)


def from_file(path, read_path, valid, spoil):
    def read(data):
        path.write_bytes(data)
        read_path(path)

    return read, lambda rng: spoil(rng.choice(valid), rng)


def sweeps(folder):
    text = """vectors = 400
efforts = ["low"]
operands = ["uniform"]
[limit]
seconds = 5
[[designs]]
slug = "mac_{term}_{sum}"
term = ["lmul_e2m1", "exact_e2m1_flush"]
sum = ["fixed", "fp32"]
only = [{ sum = "fp32" }, { term = ["lmul_e2m1"] }]
without = [{ sum = ["fixed"] }]
"""
    def spoil(text, rng):
        return (text if rng.random() < 0.1 else spoilt_text(text, rng)).encode(errors="surrogatepass")

    return from_file(folder / "s.toml", sweep_spec.read, [text], spoil)


#: Each reader with its share of the cases.
READERS = {slugs: 14_000, names: 6_000, matrices: 8_000, archives: 6_000, safetensors: 3_000, recordings: 4_000,
           liberty: 8_000, statements: 8_000, expressions: 8_000, tables: 4_000, records: 6_000, sweeps: 3_000}
SAMPLE = 50  # the default run takes every so-manieth


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setattr(library, "_cache_folder", lambda: Path("/dev/null/none"))


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_sample(reader, tmp_path, seed):
    fuzz(*reader(tmp_path), READERS[reader] // SAMPLE, seed)


@pytest.mark.regress
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_all(reader, tmp_path, seed):
    fuzz(*reader(tmp_path), READERS[reader], seed + 1)


def test_there_are_fifty_thousand_cases():
    assert sum(READERS.values()) >= 50_000


def test_a_fault_of_a_reader_is_found(tmp_path, seed):
    for fault in (lambda given: [][len(given)], lambda given: 1 / (given.count("_") - 3)):
        with pytest.raises(AssertionError, match="case"):
            fuzz(fault, slugs(tmp_path)[1], 50, seed)


def test_toml_is_read_by_sweeps_alone():
    """Of which `READERS` has one."""
    for room in ("golden", "hdl", "sim", "prove", "synth", "models", "claims", "cli"):
        for path in (ROOT / room).rglob("*.py"):
            imported = {name.split(".")[0] for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                        if isinstance(node, ast.Import | ast.ImportFrom)
                        for name in [getattr(node, "module", None) or "", *(each.name for each in node.names)]}
            known = imported & {"tomllib", "tomli", "toml", "yaml", "configparser"}
            assert not known or path.name in ("sweep_spec.py", "exports.py"), path
    exports = (ROOT / "cli" / "exports.py").read_text(encoding="utf-8")
    assert "tomllib" not in exports and "yaml.dump" in exports and "load" not in exports  # YAML is written alone


class Trap:
    """Unpickled, it would leave a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_is_unpickled(tmp_path):
    trap = np.array([[Trap(tmp_path / "sprung")]], object)
    np.save(tmp_path / "m.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "o.npz", a=trap, b=trap)
    with pytest.raises(ValueError, match="^Matrix A must be a whole .npy file of plain numbers, not "):
        read_matrix("A", tmp_path / "m.npy")
    with pytest.raises(ValueError, match="^Operands must be a whole .npz file of plain numbers, not "):
        load(tmp_path / "o.npz")
    assert not (tmp_path / "sprung").exists()
    np.load(tmp_path / "m.npy", allow_pickle=True)
    assert (tmp_path / "sprung").exists()


def test_comments_before_a_fault_take_no_time():
    """Forty of them were tried in 2**40 ways once."""
    text = "library (x) {\n" + "/* a */\n" * 40 + "@"
    with pytest.raises(ValueError, match=r"^f:42: expected "):
        library.liberty.parse(text, "f")


def test_a_case_can_be_repeated():
    one, two = (spoilt_text("mul_lmul_e4m3", random.Random("5 7")) for _ in range(2))
    assert one == two
