"""The record says which program made it, where and to which schema; a reader refuses what it cannot know."""

import json
import platform
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from lmul.golden.refusal import Refusal
from lmul.synth import program, record
from test_cli_pages import invented

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
    patterns = {package: ["*.py", *tool["package-data"].get(package, ())] for package in tool["packages"]}
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


def test_records_of_older_schemas_are_read(tmp_path, seed):
    path = tmp_path / "report.json"
    for schema in ({}, {"schema": 1}, {"schema": record.SCHEMA}):
        path.write_text(json.dumps(invented(seed) | schema))
        assert record.read(path) == invented(seed) | schema


@pytest.mark.parametrize(("schema", "words"), [
    (record.SCHEMA + 1, f"^The schema of a record must be {record.SCHEMA} or lower for this version of lmul to read "
                        f"it, not {record.SCHEMA + 1}$"),
    *((value, "^The schema of a record must be a number from 1, not ") for value in (0, -1, True, 2.0, "2", None)),
])
def test_other_schemas_are_refused(schema, words, tmp_path, seed):
    (tmp_path / "report.json").write_text(json.dumps(invented(seed) | {"schema": schema, "rows": ["of another shape"]}))
    with pytest.raises(Refusal, match=words):
        record.read(tmp_path / "report.json")
