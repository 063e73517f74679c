"""The record says which program made it, where and to which schema; a reader refuses what it cannot know."""

import json
import platform
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from lmul.cli import pages
from lmul.golden import codec, errors, formula, offsets, products
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import parse
from lmul.synth import program, record
from lmul.synth.figures import FIGURES, Figure
from test_cli_pages import invented, markdown_tables

ROOT = Path(__file__).parent.parent


def git(folder, *arguments):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=folder, check=True,
                   capture_output=True)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A program of two rooms, in place of this one."""
    for name in ("golden/__init__.py", "golden/data/table.json", "synth/__init__.py", "synth/program.py"):
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(program.__file__), tmp_path / "copy" / name)
    monkeypatch.setattr(program, "ROOT", tmp_path / "copy")
    monkeypatch.setattr(program, "__file__", str(tmp_path / "copy" / "synth" / "program.py"))
    return tmp_path / "copy"


def test_versions_name_the_python_and_the_program():
    versions = record.versions("Yosys of a test")
    assert versions["python"] == platform.python_version()
    assert versions["program"] == program.digest() and len(versions["program"]) == 12
    assert versions["commit"] == program.commit()


def test_the_digest_is_of_what_a_wheel_holds():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = {package: ["*.py", *tool["package-data"].get(package, ())] for package in tool["packages"]
                if package != "lmul"}  # what `import lmul` gives, which is no part of any figure
    shipped = {path.relative_to(ROOT).as_posix() for package, each in patterns.items() for pattern in each
               for path in (ROOT / tool["package-dir"][package]).glob(pattern)}
    assert set(program.sources()) == shipped


def test_the_digest_follows_every_file(copy):
    digests = {program.digest.__wrapped__()}
    for name in ("golden/data/table.json", "synth/__init__.py", "golden/new.py"):
        (copy / name).write_text("something else")
        digests.add(program.digest.__wrapped__())
    (copy / "golden" / "new.py").rename(copy / "golden" / "newer.py")
    digests.add(program.digest.__wrapped__())
    assert len(digests) == 5
    (copy / "tests").mkdir()
    (copy / "tests" / "test_new.py").write_text("no part of the program")
    (copy / "golden" / "__pycache__").mkdir()
    (copy / "golden" / "__pycache__" / "new.pyc").write_text("nor this")
    assert program.digest.__wrapped__() in digests


def test_the_commit_is_that_of_the_program_alone(copy, monkeypatch):
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    commit = program.commit.__wrapped__
    assert commit() is None
    git(copy.parent, "init")
    git(copy.parent, "commit", "--allow-empty", "-m", "of somebody who installed the program in a folder of theirs")
    assert commit() is None
    git(copy.parent, "add", ".")
    git(copy.parent, "commit", "-m", "of the program")
    clean = commit()
    assert len(clean) == 12 and int(clean, 16) >= 0
    monkeypatch.setenv("GIT_DIR", str(ROOT / ".git"))
    assert commit() == clean
    (copy / "golden" / "__init__.py").write_text("changed")
    assert commit() == f"{clean}-dirty"
    monkeypatch.setenv("PATH", "")
    assert commit() is None


def as_schema(two, schema):
    """A record as schema 2 had it, or 1: the specification as keys of the row, energy by names of modules."""
    rows = []
    for row in two["rows"]:
        spec = row["specification"]["multiplier"]
        old = {key: value for key, value in row.items() if not key.endswith("_by_role") and key != "specification"}
        rows.append(old | {"structure": row["specification"]["structure"], "multiplier": spec["kind"], "a": spec["a"],
                           "b": spec["b"], "subnormals": "flush", "overflow": "saturate", "offset": "paper",
                           "accumulator": None, "energy_fj_by_kind": {"multiplier": 1.0, "other logic": 2.0}})
    return {key: value for key, value in two.items() if key != "schema"} | schema | {"rows": rows}


def test_records_of_older_schemas_are_read(tmp_path, seed):
    path, today = tmp_path / "report.json", invented(seed)
    for schema in ({}, {"schema": 1}, {"schema": 2}):
        path.write_text(json.dumps(as_schema(today, schema)))
        found = record.read(path)
        assert found["schema"] == record.SCHEMA
        record.check(found)
        for old, row in zip(found["rows"], today["rows"], strict=True):
            assert old == row | {"area_um2_by_role": None, "energy_fj_by_role": None, "energy_fj_by_kind": None}
    path.write_text(json.dumps(today | {"schema": record.SCHEMA}))
    assert record.read(path) == today | {"schema": record.SCHEMA}


def test_pages_of_an_older_record_are_written(tmp_path, seed):
    path = tmp_path / "report.json"
    path.write_text(json.dumps(as_schema(invented(seed), {"schema": 2})))
    pages.write_pages(record.read(path), tmp_path)
    assert "Ratios" in (tmp_path / "report.md").read_text()


def test_a_figure_more_is_a_line(tmp_path, seed, monkeypatch):
    """A record from before is read, a new one must have the figure or a reason, and pages show its column."""
    before = invented(seed)
    monkeypatch.setitem(FIGURES, "wires_um", Figure("wires", "µm", "length of all wires", "less"))
    path = tmp_path / "report.json"
    path.write_text(json.dumps(before | {"schema": record.SCHEMA}))
    found = record.read(path)
    assert {row["wires_um"] for row in found["rows"]} == {None}
    assert {row["reasons"]["wires_um"] for row in found["rows"]} == {record._NOT_YET}
    row = next(row for row in found["rows"] if row["technology"] == "asap7")
    row["wires_um"] = 1234.0
    record.check(found)
    pages.write_pages(found, tmp_path)
    tables = markdown_tables((tmp_path / "report.md").read_text())
    [line] = [line for line in tables["asap7: every row"] if line["design"] == f"`{row['design']}`"]
    assert line["wires, µm"] == "1234"
    assert {"figure": "wires, µm", "meaning": "length of all wires"} in tables["What the columns are"]
    row["wires_um"] = -1.0
    with pytest.raises(Refusal, match=f"^wires_um of {row['design']} must be a figure or None, not -1.0$"):
        record.check(found)
    row |= {"wires_um": None, "reasons": {key: each for key, each in row["reasons"].items() if key != "wires_um"}}
    with pytest.raises(Refusal, match=f"^Row {row['design']} must say why it lacks wires_um$"):
        record.check(found)


def test_a_figure_nobody_knows_is_refused(seed):
    found = invented(seed)
    found["rows"][3]["wires_um"] = 1234.0
    with pytest.raises(Refusal, match="must have the keys of a row that this version of lmul knows, not wires_um$"):
        record.check(found)


def test_checking_runs_no_golden(seed, monkeypatch):
    found = invented(seed)
    for module in (codec, errors, formula, offsets, products):
        for name, value in list(vars(module).items()):
            if callable(value) and getattr(value, "__module__", "").startswith("lmul.golden") and name[0].islower():
                monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("golden was run"))
    monkeypatch.setattr(record, "mean_relative_error", lambda *_, **__: pytest.fail("golden was run"))
    record.check(found)


def test_rows_have_the_specification_as_fields():
    def of(slug):
        return record.new_row(parse(slug), "asap7")["specification"]

    lmul = {"kind": "lmul", "a": "bf16", "b": "e4m3", "subnormals": "exact", "overflow": "saturate", "offset": "best"}
    assert of("mul_lmul_bf16xe4m3_sub_best") == {"structure": "mul", "multiplier": lmul}
    assert of("array_lmul_bf16xe4m3_sub_best_carrysave256_2x3_ws") == {
        "structure": "array", "multiplier": lmul, "rows": 2, "cols": 3, "dataflow": "ws",
        "accumulator": {"name": "carrysave256", "kind": "carrysave", "depth": 256, "result": "fp32"}}
    dot = of("dot_exact_e4m3_flush_bf16_4_w24")
    assert (dot["lanes"], dot["window"], dot["tree"]) == (4, 24, False)


def test_every_figure_says_what_it_is():
    for key, figure in FIGURES.items():
        assert figure.heading and figure.meaning and figure.better in ("less", "more", None), key
        assert (figure.cost is not None) == (figure.better == "more"), key
    assert len({figure.title for figure in FIGURES.values()}) == len(FIGURES)


@pytest.mark.parametrize(("schema", "words"), [
    (record.SCHEMA + 1, f"^The schema of a record must be {record.SCHEMA} or lower for this version of lmul to read "
                        f"it, not {record.SCHEMA + 1}$"),
    *((value, "^The schema of a record must be a number from 1, not ") for value in (0, -1, True, 2.0, "2", None)),
])
def test_other_schemas_are_refused(schema, words, tmp_path, seed):
    (tmp_path / "report.json").write_text(json.dumps(invented(seed) | {"schema": schema, "rows": ["of another shape"]}))
    with pytest.raises(Refusal, match=words):
        record.read(tmp_path / "report.json")
