"""What the bench is told: the files beside it, and the variables of the environment."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

#: The folder that `bench.json` and the tables are in.
FOLDER = Path(os.environ.get("BENCH_FOLDER") or Path(__file__).parent.parent)


@cache
def about() -> dict[str, Any]:
    """What the design is, as `bench.json` has it."""
    return json.loads((FOLDER / "bench.json").read_text())


def slug() -> str:
    """The design's name."""
    return about()["slug"]


def seeds() -> list[int]:
    """``SEEDS``, as ``3`` or ``1..8``; one where it is not set."""
    return _numbers("SEEDS", "1")


def count() -> int:
    """``COUNT``: vectors of each seed."""
    [number] = _numbers("COUNT", str(about()["count"]))
    return number


def numbers() -> list[int]:
    """The vectors to run, by number: ``VECTOR``, as ``17`` or ``10..17``, else the first `count`."""
    return _numbers("VECTOR", f"0..{count() - 1}")


def some() -> bool:
    """Whether ``VECTOR`` asks for some vectors alone: nothing else is then run."""
    return bool(os.environ.get("VECTOR"))


def holes_fail() -> bool:
    """``HOLES=fail``: whether a bin of the coverage that was not hit is a failure."""
    return os.environ.get("HOLES") == "fail"


def again(seed: int, first: int, last: int) -> str:
    """The command that runs some vectors again."""
    which = str(first) if first == last else f"{first}..{last}"
    return f"make SEEDS={seed} VECTOR={which}"


def _numbers(name, default):
    text = os.environ.get(name) or default
    match = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text)
    if not match or int(match[2] or match[1]) < int(match[1]):
        raise ValueError(f"{name} must be a number or a range as 1..8, not {text!r}")
    if name == "COUNT":
        return [int(text)] if not match[2] and int(text) else _numbers_error(name, text)
    return list(range(int(match[1]), int(match[2] or match[1]) + 1))


def _numbers_error(name, text):
    raise ValueError(f"{name} must be a number above 0, not {text!r}")
