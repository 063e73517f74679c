"""Names of rows, by which a reader selects them, and the commands that measure them again.

A name is a path: the part of the record, then what the row is about, as in ``error/uniform/4``.
"""

from collections.abc import Iterable
from typing import Any

#: A row of a table of the record, or a part of it: what JSON can hold, by name.
Row = dict[str, Any]


def again(name: str, options: str = "") -> str:
    """The command line that measures a row of this record again."""
    return f"lmul claims --only {name}{options} -o DIR"


def named(name: str, **figures: Any) -> Row:
    """A row with its name and command."""
    return {"row": name, **figures, "command": again(name)}


def selected(name: str, wanted: Iterable[str]) -> bool:
    """Whether a row is among those ``wanted``, which are names or beginnings of names up to a slash."""
    return any(f"{name}/".startswith(f"{each}/") for each in wanted)
