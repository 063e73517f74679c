"""Texts that a language model is measured on: they install with the package ``gensim``, of which nothing else is used.

News are the articles of the Australian Broadcasting Corporation that Lee's corpus is made of, encyclopaedia Wikipedia's
first articles of 2016, without their markup, and reviews what ten visitors of the Internet Movie Database wrote of
films, in small letters.
"""

import bz2
import hashlib
import html
import importlib.metadata
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..golden.refusal import Refusal
from .network import package_folder

PACKAGE = "gensim"
LENGTH = 256  # tokens of a window


def windows(kind: str, tokenizer: Any, count: int, length: int = LENGTH) -> np.ndarray:
    """The first windows of a kind: consecutive tokens of one text each. First come those that begin a text, one of
    each text that is long enough, then those that follow them, and so on.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.
    tokenizer : object
        Has ``tokens(text)``, as a network has.

    Returns
    -------
    int64, (count, length)

    Raises
    ------
    Refusal
        If there is no such kind, or not so many windows, or the texts are not installed.
    """
    texts = _texts(kind)
    if count < 1 or length < 1:
        raise Refusal(f"Windows and their tokens must be at least 1, not {count} and {length}")
    found = list(islice(_windows(texts, tokenizer, length), count))
    if len(found) < count:
        raise Refusal(f"Windows of {length} tokens of {kind} must be at most {len(found)}, not {count}")
    return np.stack(found)


def provenance(kind: str) -> dict[str, str]:
    """Where the texts of a kind come from: ``package``, ``version``, ``file`` and its ``sha256``.

    Raises
    ------
    Refusal
        If there is no such kind, or the texts are not installed.
    """
    path = _file(kind)
    return {"package": PACKAGE, "version": importlib.metadata.version(PACKAGE), "file": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _windows(texts, tokenizer, length):
    kept = []
    for text in texts:
        tokens = tokenizer.tokens(text)
        if len(tokens) >= length:
            kept.append(tokens)
            yield tokens[:length]
    for at in range(length, max(map(len, kept), default=0), length):
        yield from (tokens[at:at + length] for tokens in kept if len(tokens) >= at + length)


def _file(kind):
    if kind not in KINDS:
        raise Refusal(f"Kind of text must be one of {', '.join(KINDS)}, not {kind!r}")
    return package_folder("Texts", PACKAGE) / "test" / "test_data" / KINDS[kind][0]


def _texts(kind):
    path = _file(kind)
    if not path.is_file():
        raise Refusal(f"Texts of {kind} must be {path.name}, which {PACKAGE} "
                      f"{importlib.metadata.version(PACKAGE)} has not")
    return KINDS[kind][1](path)


def _news(path: Path) -> Iterator[str]:
    return (line.strip() for line in path.read_text(encoding="utf-8").splitlines())


def _reviews(path: Path) -> Iterator[str]:
    """Each line has a number before and blanks around its signs, which are taken away."""
    for line in path.read_text(encoding="utf-8").splitlines():
        _, _, text = line.partition(" ")
        text = re.sub(r"\s+([.,;:!?)])", r"\1", text.replace("( ", "("))
        yield " ".join(text.split())


def _encyclopaedia(path: Path) -> Iterator[str]:
    page = []
    with bz2.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if "<text" in line:
                page = [line[line.index(">", line.index("<text")) + 1:]]
            elif page:
                page.append(line)
            if "</text>" in line:
                text = "".join(page)
                page = []
                if not text.startswith("#"):  # a redirect
                    yield sentences(html.unescape(text[:text.rindex("</text>")]))


def sentences(markup: str) -> str:
    """The paragraphs of a page in MediaWiki's markup, as they are read: without notes, tables, pictures, lists,
    headings and whatever a template would have put there."""
    text = re.sub(r"<!--.*?-->|<ref[^<>]*/>|<(ref|math|gallery|blockquote)\b.*?</\1>", "", markup, flags=re.S)
    for pattern in (r"\{\{[^{}]*\}\}", r"\{\|(?:(?!\{\||\|\}).)*\|\}"):
        text = _all_gone(pattern, text)
    text = re.sub(r"\[\[(?!\w+:)(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]", r"\1", text)
    text = _all_gone(r"\[\[\w+:[^\[\]]*\]\]", text)  # pictures, whose captions had links, and categories
    text = re.sub(r"\[\w+://\S+ ([^\]]*)\]", r"\1", text)
    text = html.unescape(re.sub(r"'{2,}|<[^<>]*>", "", text)).replace("\N{NO-BREAK SPACE}", " ")
    text = re.sub(r"\([\s;,]*\)", "", text)  # brackets that held a template
    text = re.sub(r"(?<=\()[ ;,]+|[ ;,]+(?=\))|[ \t]+(?=[ ,.;])", "", text)
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if re.fullmatch(r"\w[^{}\[\]|<>]*[.!?\"]", line))


def _all_gone(pattern, text):
    """A text without what matches, innermost first."""
    before = None
    while before != text:
        before, text = text, re.sub(pattern, "", text, flags=re.S)
    return text


#: Of each kind its file, and what gives its texts.
KINDS: dict[str, tuple[str, Callable[[Path], Iterator[str]]]] = {
    "news": ("lee_background.cor", _news),
    "encyclopaedia": ("enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2", _encyclopaedia),
    "reviews": ("alldata-id-10.txt", _reviews)}
