"""Errors of the designs of a record on other operands than it was measured with; the record kept with the program."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ..golden.operands import operands
from ..golden.pool import Pool
from ..hdl.designs import Design, parse
from .accuracy import accuracy
from .record import current

if TYPE_CHECKING:
    from ..golden.operands import Operands
    from .figures import Row

_BATCH = 8  # designs of a job


def errors(record: Row, name: str, pairing: str | None, vectors: int, seed: int,
           progress: Callable[..., object] | None = None) -> dict[str, float | None]:
    """By slug the error of the result of each design of a record, None where it has none.

    Parameters
    ----------
    record : dict
    name, pairing, vectors, seed
        Of the operands: `~lmul.golden.operands.operands`, `accuracy`.
    progress : callable, optional
        Called with (steps done, steps, text).

    Raises
    ------
    Refusal
        If the tensors are refused.
    """
    designs = [parse(slug) for slug in dict.fromkeys(row["design"] for row in record["rows"])]
    designs = [design for design in designs if not design.combinational]  # a lone product is no sum
    source = operands(name, seed, pairing, [design.multiplier for design in designs])
    jobs = [(_errors, designs[n:n + _BATCH], source, vectors, seed) for n in range(0, len(designs), _BATCH)]
    found = {}
    with Pool(progress) as pool:
        for some in pool.run(jobs, "errors"):
            found |= some
    return found


def _errors(designs: list[Design], source: Operands, vectors: int, seed: int) -> dict[str, Any]:
    return {design.slug: accuracy(design, source, vectors, seed)["result_error"] for design in designs}


def kept() -> Row:
    """The record of ``examples/sweep.toml`` that is kept with the program."""
    path = files(str(__package__)) / "data" / "sweep.json.gz"
    return current(json.loads(gzip.decompress(path.read_bytes())))
