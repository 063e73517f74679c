"""What the documents say runs: every command line of the README, its tables of slugs, its links; the way from a number
to a page, and the addition of an arithmetic, step by step; and the glossary names files that there are."""

import doctest
import re
import runpy
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from lmul.cli.main import main
from lmul.hdl.designs import parse
from lmul.hdl.verilog import generate

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    \$ lmul (.*?)(?:\s+#.*)?$", README, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_readme(command, tmp_path, monkeypatch, capsys, seed):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(seed)
    np.save("A.npy", rng.normal(size=(5, 20)))
    np.save("B.npy", rng.normal(size=(20, 9)))
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(command))
    captured = capsys.readouterr()
    assert stop.value.code == 0, captured.err
    assert captured.out


def test_python_of_the_readme():
    [python] = re.findall(r"^```pycon\n(.*?)^```$", README, re.M | re.S)
    said = []
    failed, _ = doctest.DocTestRunner().run(doctest.DocTestParser().get_doctest(python, {}, "README", None, 0),
                                            out=said.append)
    assert not failed, "".join(said)


def test_there_are_commands():
    assert len(COMMANDS) >= 5


def test_slugs_of_the_readme():
    slugs = re.findall(r"^\| `(\w+)`", README, re.M)
    assert len(slugs) >= 5
    for slug in slugs:
        assert parse(slug).slug == slug


@pytest.mark.parametrize(("document", "least"), [("from-a-number-to-a-page", 11), ("add-a-pe", 3), ("tile", 6),
                                                 ("command-line", 7), ("python", 4), ("soc", 2),
                                                 pytest.param("sweep", 3, marks=pytest.mark.regress),
                                                 ("packages", 2), ("zynq", 3), ("bench", 2)])
def test_steps_of_documents(document, least, tmp_path, monkeypatch):
    """Commands and Python of the document, in its order, in one folder and one session."""
    text = (ROOT / "docs" / f"{document}.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, content in re.findall(r"^```toml\n# (\w+\.toml)\n(.*?)^```$", text, re.M | re.S):
        Path(name).write_text(content)
    steps = re.findall(r"^    \$ lmul ([^\n]*)$|^```pycon\n(.*?)^```$", text, re.M | re.S)
    assert len(steps) >= least
    session = {}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for number, (command, python) in enumerate(steps, 1):
        if command:
            with pytest.raises(SystemExit) as stop:
                main(shlex.split(command))
            assert stop.value.code == 0, command
        else:
            said = []
            test = doctest.DocTestParser().get_doctest(python, session, f"step {number}", None, 0)
            failed, _ = runner.run(test, out=said.append, clear_globs=False)
            session = test.globs
            assert not failed, "".join(said)


def test_beats_of_the_zynq(tmp_path, monkeypatch, capsys):
    """What the document says that the script prints."""
    text = (ROOT / "docs" / "zynq.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    [python] = re.findall(r"^```pycon\n(.*?)^```$", text, re.M | re.S)
    exec("\n".join(line.removeprefix(">>> ") for line in python.splitlines()), {})  # noqa: S102
    printed = re.findall(r"^```text\n(.*?)^```$", text, re.M | re.S)
    slugs = ["matmul_int8_int32_2x2_os", "matmul_int8_2x2"]
    for slug, beats in zip(slugs, printed, strict=True):
        generate(parse(slug), tmp_path)
        monkeypatch.setattr(sys, "argv", ["pynq_matmul.py", f"{slug}.json", "A.npy", "B.npy", "--show"])
        runpy.run_path(str(ROOT / "examples" / "pynq_matmul.py"), run_name="__main__")
        assert capsys.readouterr().out == beats
    product = np.load("A.npy").astype(int) @ np.load("B.npy")
    assert re.search(", ".join(map(str, product[0])) + " and " + ", ".join(map(str, product[1])), text)


def test_quoted_code_is_that_of_the_files():
    """Each block of code under the name of a file stands in the file so, line by line."""
    text = (ROOT / "docs" / "add-a-pe.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^(?:`([\w/.]+)`:\n\n)?```(?:python|toml)\n(.*?)^```$", text, re.M | re.S)
    assert len(blocks) >= 5
    for file, code in blocks:
        assert file and code in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no\n{code}"


def test_the_glossary_is_sorted_and_names_what_there_is():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^\| ([a-zA-Z][\w ,]*) \| .* \| (.*) \|$", text, re.M)[1:]
    assert [word.lower() for word, _ in words] == sorted(word.lower() for word, _ in words)
    for _, places in words:
        for place in re.findall(r"`([\w/.]+)`", places):
            assert (ROOT / place).exists(), place
    known = {word for words, _ in words for word in words.split(", ")}
    for slanted in re.findall(r"\*([a-z ]+)\*", text.split("| --- |")[1]):
        assert slanted in known or slanted.removesuffix("s") in known, slanted


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", *(
    f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(document):
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_rooms_import_only_what_they_may():
    may = {"golden": set(), "hdl": {"golden"}, "sim": {"golden", "hdl"}, "boards": {"golden", "hdl", "sim"},
           "prove": {"golden", "hdl"}, "synth": {"golden", "hdl", "prove"},
           "models": {"golden"}, "claims": {"golden", "hdl", "synth", "models"},
           "packages": {"golden", "hdl", "sim", "boards"},
           "cli": {"golden", "hdl", "sim", "boards", "prove", "synth", "models", "claims", "packages"}}
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == {*may, "api"}  # `lmul` itself
    for path in (ROOT / "api").glob("*.py"):
        assert not re.search(r"^\s*from (\.\.|lmul\.cli)", path.read_text(encoding="utf-8"), re.M), path
    for room, allowed in may.items():
        for path in (ROOT / room).rglob("*.py"):
            for dots, other in re.findall(r"^\s*from (\.{2,3})(\w+)", path.read_text(encoding="utf-8"), re.M):
                if len(dots) == 1 + len(path.relative_to(ROOT / room).parts):
                    assert other in allowed, f"{path.relative_to(ROOT)} imports {other}"
            assert room != "golden" or "amaranth" not in path.read_text(encoding="utf-8")
