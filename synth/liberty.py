"""Reads Liberty text into groups and attributes. What they mean is the business of `library`.

One regular expression matches one statement, so that the 46 MB of a large library take about a second; the numbers
of its tables stay text until somebody asks for them.
"""

import codecs
import gzip
import os
import re
import zlib
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import Any

from ..golden.refusal import Refusal

# Possessive: where no statement follows, comments must not be tried over again as parts of each other.
_COMMENT = r"/\*(?s:.*?)\*/|//[^\n]*"
_GAP = rf"\s*+(?:(?:{_COMMENT})\s*+)*+"
_BLANK = rf"[\s;\\]*+(?:(?:{_COMMENT})[\s;\\]*+)*+"
_STRING = r'"[^"\\]*+(?:\\(?s:.)[^"\\]*+)*+"'
_PLAIN = r'[^;\n{}"/]*+(?:/(?![*/])[^;\n{}"/]*+)*+'
_INSIDE = rf'[^()"/]*+(?:(?:{_STRING}|{_COMMENT}|/)[^()"/]*+)*+'
_STATEMENT = re.compile(
    rf"""{_BLANK}(?:
        (\}})                                                  # 1 the end of a group
      | ([A-Za-z_][\w.\-]*|{_STRING}){_GAP}                    # 2 a name, then
        (?: \(({_INSIDE})\){_GAP}(\{{)?                          # 3 arguments: a group if 4, else a complex attribute
          | :{_GAP}({_STRING}|{_PLAIN})                         # 5 the value of a simple attribute
        ))""",
    re.VERBOSE,
)
_BLANKS = re.compile(_BLANK)
_ARGUMENT = re.compile(rf'{_STRING}|(?:[^\s,"\\]|\\.)+')
_COMMENTS = re.compile(rf"({_STRING})|{_COMMENT}")
_ESCAPE = re.compile(r"\\(.)")
_LATE_END = re.compile(r"\\[ \t]+\n")  # spaces after a backslash, which nobody sees
_REMARK_END = re.compile(r"//[^\n]*\\\n")
LARGEST = 1e60  # a number beyond is none; smaller ones stay finite in any unit
_NUMERIC = {"values", "index_1", "index_2", "index_3"}
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
         (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Group:
    """A Liberty group: ``kind (args) { attributes and groups }``.

    Attributes
    ----------
    kind : str
        ``library``, ``cell``, ``pin``, ...
    args : list of str
        Its arguments, unquoted.
    attributes : dict
        Name to unquoted value: str for simple attributes, list of str for complex ones, and the text of those that hold
        numbers. Of a repeated name, the last.
    repeated : list of (str, list of str)
        Every complex attribute in order, for the few that may be repeated (``voltage_map``, ``fanout_length``).
    groups : list of Group
    position : int
        Offset of its statement in the text.
    """

    __slots__ = ("kind", "args", "attributes", "repeated", "groups", "position")

    def __init__(self, kind: str, args: list, position: int) -> None:
        self.kind = kind
        self.args = args
        self.attributes = {}
        self.repeated = []
        self.groups = []
        self.position = position

    @property
    def name(self) -> str:
        return self.args[0] if self.args else ""

    def __str__(self) -> str:
        return f"{self.kind} ({', '.join(self.args)})"

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a simple attribute."""
        value = self.attributes.get(name, default)
        return value[0] if isinstance(value, list) and value else value

    def all(self, *kinds: str) -> "list[Group]":
        """The groups of these kinds, in order."""
        return [group for group in self.groups if group.kind in kinds]


def read(path: str | os.PathLike) -> Group:
    """The ``library`` group of a Liberty file, ``.lib`` or ``.lib.gz``.

    Raises
    ------
    Refusal
        If the file cannot be read, is truncated or is not Liberty: one sentence with file, line and what was expected.
    """
    return parse(read_text(path), str(path))


def read_text(path: str | os.PathLike) -> str:
    """The text of a plain or gzipped file (told by its content); raises Refusal as `read` does."""
    try:
        data = Path(path).read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except OSError as error:
        reason = error.strerror or "its compressed data are damaged"
        raise Refusal(f"Liberty file must be readable, not {str(path)!r}: {reason}") from None
    except (EOFError, zlib.error):
        raise Refusal(f"Liberty file must be whole, not {str(path)!r}: its compressed data end too early") from None
    return _decoded(data)


def _decoded(data):
    """Bytes as text: by their byte order mark; of UTF-16 without one, by the zeros between letters; else UTF-8, or what
    every byte is a letter of."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark):].decode(name, errors="replace")
    if 0 in data[:2]:
        return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


class _Text:
    """Liberty text with its continued lines joined, and where each was in the file."""

    def __init__(self, text):
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if _LATE_END.search(text):
            text = _LATE_END.sub(lambda _: "\\\n", text)
        if _REMARK_END.search(text):  # a remark ends with its line
            text = _COMMENTS.sub(lambda match: match[1] or match[0].rstrip("\\"), text)
        self.pieces = text.split("\\\n")
        self.text = "".join(self.pieces)

    def line(self, position):
        """The line of the file that a position of `text` is on."""
        joints = bisect_right(list(accumulate(map(len, self.pieces[:-1]))), position)
        return self.text.count("\n", 0, position) + joints + 1

    def error(self, file, position, expected, found):
        return Refusal(f"{file}:{self.line(position)}: expected {expected}, found {found}")


def parse(text: str, file: str | os.PathLike = "<text>") -> Group:
    """The ``library`` group of Liberty ``text``; ``file`` is named in errors, which are those of `read`."""
    source = _Text(text)
    text = source.text
    root = Group("file", [], 0)
    stack = [root]
    group = root
    position = 0
    statement = _STATEMENT.match
    while match := statement(text, position):
        end, name, args, brace, value = match.groups()
        position = match.end()
        if value is not None:
            group.attributes[_name(name)] = _value(value)
        elif brace:
            inner = Group(name, _arguments(args), match.start(2))
            group.groups.append(inner)
            stack.append(inner)
            group = inner
        elif name in _NUMERIC:
            group.attributes[name] = args
        elif name == "include_file":
            raise source.error(file, match.start(2), "the statements of the file in its place", f"{name} ({args})")
        elif end is None:
            values = _arguments(args)
            group.attributes[_name(name)] = values
            group.repeated.append((name, values))
        elif len(stack) > 1:
            stack.pop()
            group = stack[-1]
        else:
            raise source.error(file, match.start(1), "a group or the end of the file", "'}'")
    if blanks := _BLANKS.match(text, position):
        position = blanks.end()
    end = f"'}}' to end {group}, begun on line {source.line(group.position)}"
    if position < len(text):
        found = repr(text[position:position + 40].split("\n")[0].strip())
        expected = "library (NAME) {" if group is root else f"an attribute, a group or {end}"
        raise source.error(file, position, expected, found)
    if group is not root:
        raise source.error(file, position, end, "the end of the file")
    libraries = root.all("library")
    if len(libraries) != 1:
        raise source.error(file, 0, "one group library (NAME) {", f"{len(libraries)} of them")
    return libraries[0]


def numbers(group: Group, name: str, where: str) -> tuple[list[float], list[int]]:
    """The floats of a complex attribute (``values``, ``index_1``), rows joined, and the length of each row, which is a
    string; ``where`` names it in errors."""
    text = group.attributes.get(name, "")
    if "/" in text:
        text = _uncommented(text)
    pieces = text.split('"')
    if len(pieces) == 1 or any(piece.strip(" \t\n,") for piece in pieces[::2]):
        pieces = ["", " ".join(pieces)]
    rows = [piece.replace(",", " ").split() for piece in pieces[1::2]]
    try:
        values = [float(word) for row in rows for word in row]
        if all(abs(value) <= LARGEST for value in values):
            return values, [len(row) for row in rows]
    except ValueError:
        pass
    bad = next(word for row in rows for word in row if not _is_number(word))
    raise Refusal(f"{where}: {name} must be numbers, not {bad!r}")


def number(text: str | float, where: str, name: str) -> float:
    """A float of at most `LARGEST`; raises Refusal naming ``where`` and ``name``."""
    if not _is_number(text):
        raise Refusal(f"{where}: {name} must be a number, not {text!r}")
    return float(text)


def _is_number(word):
    try:
        return abs(float(word)) <= LARGEST
    except ValueError:
        return False


def _uncommented(text):
    return _COMMENTS.sub(lambda match: match[1] or " ", text)


def _arguments(text):
    if "/" in text:
        text = _uncommented(text)
    return [_name(argument) for argument in _ARGUMENT.findall(text)]


def _name(text):
    """A name without the marks that let it hold any sign."""
    if text[:1] == '"':
        text = text[1:-1].strip()
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _value(text):
    """The text of an attribute. An expression in it has escapes of its own, which `boolean` reads."""
    if text[:1] == '"':
        text = text[1:-1].strip()
        return text.replace('\\"', '"') if "\\" in text else text
    return text.strip()
