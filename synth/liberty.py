"""Reads Liberty text into groups and attributes. What they mean is the business of `library`.

One regular expression matches one statement, so that the 46 MB of a large library take about a second; the numbers
of its tables stay text until somebody asks for them.
"""

import gzip
import re
import zlib
from pathlib import Path

from ..golden.refusal import Refusal

# Possessive: where no statement follows, comments must not be tried over again as parts of each other.
_BLANK = r"[\s;\\]*+(?:(?:/\*(?s:.*?)\*/|//[^\n]*)[\s;\\]*+)*+"
_STRING = r'"[^"]*"'
_STATEMENT = re.compile(
    rf"""{_BLANK}(?:
        (\}})                                                  # 1 the end of a group
      | ([A-Za-z_][\w.\-]*|{_STRING})\s*                       # 2 a name, then
        (?: \(([^()"]*(?:{_STRING}[^()"]*)*)\)\s*(\{{)?          # 3 arguments: a group if 4, else a complex attribute
          | :\s*({_STRING}|[^;\n{{}}"]*)                         # 5 the value of a simple attribute
        ))""",
    re.VERBOSE,
)
_BLANKS = re.compile(_BLANK)
_ARGUMENT = re.compile(rf'{_STRING}|[^\s,"\\]+')
LARGEST = 1e60  # a number beyond is none; smaller ones stay finite in any unit
_NUMERIC = {"values", "index_1", "index_2", "index_3"}
_SEPARATORS = str.maketrans('"\\,', "   ")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


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

    def __init__(self, kind, args, position):
        self.kind = kind
        self.args = args
        self.attributes = {}
        self.repeated = []
        self.groups = []
        self.position = position

    @property
    def name(self):
        return self.args[0] if self.args else ""

    def __str__(self):
        return f"{self.kind} ({', '.join(self.args)})"

    def get(self, name, default=None):
        """The value of a simple attribute."""
        value = self.attributes.get(name, default)
        return value[0] if isinstance(value, list) and value else value

    def all(self, *kinds):
        """The groups of these kinds, in order."""
        return [group for group in self.groups if group.kind in kinds]


def read(path):
    """The ``library`` group of a Liberty file, ``.lib`` or ``.lib.gz``.

    Raises
    ------
    Refusal
        If the file cannot be read, is truncated or is not Liberty: one sentence with file, line and what was expected.
    """
    return parse(read_text(path), str(path))


def read_text(path):
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
    return data.decode("utf-8", errors="replace")


def parse(text, file="<text>"):
    """The ``library`` group of Liberty ``text``; ``file`` is named in errors, which are those of `read`."""
    root = Group("file", [], 0)
    stack = [root]
    group = root
    position = 0
    statement = _STATEMENT.match
    while match := statement(text, position):
        end, name, args, brace, value = match.groups()
        position = match.end()
        if value is not None:
            group.attributes[_unquote(name)] = _unquote(value.strip())
        elif brace:
            inner = Group(name, _arguments(args), match.start(2))
            group.groups.append(inner)
            stack.append(inner)
            group = inner
        elif name in _NUMERIC:
            group.attributes[name] = args
        elif end is None:
            values = _arguments(args)
            group.attributes[_unquote(name)] = values
            group.repeated.append((name, values))
        elif len(stack) > 1:
            stack.pop()
            group = stack[-1]
        else:
            raise _error(text, file, match.start(1), "a group or the end of the file", "'}'")
    position = _BLANKS.match(text, position).end()
    end = f"'}}' to end {group}, begun on line {_line(text, group.position)}"
    if position < len(text):
        found = repr(text[position:position + 40].split("\n")[0].strip())
        expected = "library (NAME) {" if group is root else f"an attribute, a group or {end}"
        raise _error(text, file, position, expected, found)
    if group is not root:
        raise _error(text, file, position, end, "the end of the file")
    libraries = root.all("library")
    if len(libraries) != 1:
        raise _error(text, file, 0, "one group library (NAME) {", f"{len(libraries)} of them")
    return libraries[0]


def numbers(group, name, where):
    """The floats of a complex attribute (``values``, ``index_1``), rows joined; ``where`` names it in errors."""
    words = _COMMENT.sub(" ", group.attributes.get(name, "")).translate(_SEPARATORS).split()
    try:
        values = [float(word) for word in words]
        if all(abs(value) <= LARGEST for value in values):
            return values
    except ValueError:
        pass
    bad = next(word for word in words if not _is_number(word))
    raise Refusal(f"{where}: {name} must be numbers, not {bad!r}")


def number(text, where, name):
    """A float of at most `LARGEST`; raises Refusal naming ``where`` and ``name``."""
    if not _is_number(text):
        raise Refusal(f"{where}: {name} must be a number, not {text!r}")
    return float(text)


def _is_number(word):
    try:
        return abs(float(word)) <= LARGEST
    except ValueError:
        return False


def _arguments(text):
    if "/*" in text:
        text = _COMMENT.sub(" ", text)
    return [_unquote(argument) for argument in _ARGUMENT.findall(text)]


def _unquote(text):
    return text[1:-1].strip() if text[:1] == '"' else text


def _line(text, position):
    return text.count("\n", 0, position) + 1


def _error(text, file, position, expected, found):
    return Refusal(f"{file}:{_line(text, position)}: expected {expected}, found {found}")
