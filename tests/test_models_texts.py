"""Texts as windows of tokens: from files made here in the place of the package's."""

import bz2
import hashlib

import numpy as np
import pytest
from lmul.models import texts

PAGE = """{{About|the letter|{{nested|use}}}}
{| class="wikitable"
| A table. {| One in it. |}
|}
[[File:A.png|thumb|A picture of the [[letter]].]]
'''A''' ({{IPA|ei}}, named ''a''{{,}}) is the first [[letter (alphabet)|letter]] <ref name="x">A note.</ref>of the \
[[alphabet]] ({{IPAc-en}}; ).<ref name="y" /><!-- not yet -->

== A heading. ==
* An item of a list.
It came from [http://x.org/a the ox] &amp;nbsp;once &quot;and for all&quot;.
[[Category:Letters]]
"""
CLEAN = 'A (named a) is the first letter of the alphabet.\nIt came from the ox once "and for all".'


class Words:
    """A tokeniser: the length of each word."""

    def tokens(self, text):
        return np.array([len(word) for word in text.split()], np.int64)


@pytest.fixture
def package(monkeypatch, tmp_path):
    folder = tmp_path / "test" / "test_data"
    folder.mkdir(parents=True)
    monkeypatch.setattr(texts, "package_folder", lambda what, package: tmp_path)
    monkeypatch.setattr(texts.importlib.metadata, "version", lambda package: "1.2.3")
    return folder


def test_windows_are_consecutive_tokens_of_one_text(package):
    (package / "lee_background.cor").write_text("a aa aaa aaaa aaaaa\nb\ncc cc c \nd dd ddd dddd ddddd dddddd d\n")
    expected = [[1, 2, 3], [2, 2, 1], [1, 2, 3], [4, 5, 6]]
    for count in range(1, 5):
        found = texts.windows("news", Words(), count, 3)
        assert found.dtype == np.int64 and found.tolist() == expected[:count]
    with pytest.raises(ValueError, match="^Windows of 3 tokens of news must be at most 4, not 5$"):
        texts.windows("news", Words(), 5, 3)
    assert texts.provenance("news") == {
        "package": "gensim", "version": "1.2.3", "file": "lee_background.cor",
        "sha256": hashlib.sha256((package / "lee_background.cor").read_bytes()).hexdigest()}


def test_pages_are_read_without_their_markup(package):
    assert texts.sentences(PAGE.replace("&amp;", "&")) == CLEAN
    escaped = PAGE.replace("<", "&lt;").replace(">", "&gt;")
    dump = "<page><text xml:space=\"preserve\">#REDIRECT [[B]]</text></page>\n" + "".join(
        f"<page>\n  <text xml:space=\"preserve\">{text}</text>\n</page>\n" for text in (escaped, "B c d."))
    name, read = texts.KINDS["encyclopaedia"]
    (package / name).write_bytes(bz2.compress(dump.encode()))
    assert list(read(package / name)) == [CLEAN, "B c d."]
    assert texts.windows("encyclopaedia", Words(), 2, 3).tolist() == [[1, 6, 2], [1, 1, 2]]


def test_reviews_get_their_signs_back(package):
    name, read = texts.KINDS["reviews"]
    (package / name).write_text("_*0 i saw it ,  twice  ( or so )  .   good ! \n_*1 bad\n")
    assert list(read(package / name)) == ["i saw it, twice (or so). good!", "bad"]


def test_refusals(package, monkeypatch):
    for arguments, sentence in (
            (("poems", 1), "Kind of text must be one of news, encyclopaedia, reviews, not 'poems'"),
            (("news", 0), "Windows and their tokens must be at least 1, not 0 and 256"),
            (("news", 1), "Texts of news must be lee_background.cor, which gensim 1.2.3 has not")):
        (package / "lee_background.cor").write_text("a")
        if sentence.startswith("Texts"):
            (package / "lee_background.cor").unlink()
        with pytest.raises(ValueError) as error:
            texts.windows(arguments[0], Words(), arguments[1])
        assert str(error.value) == sentence
    monkeypatch.undo()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError) as error:
        texts.provenance("news")
    assert str(error.value) == "Texts must be installed, by `make models` or `pip install --no-deps gensim`"
