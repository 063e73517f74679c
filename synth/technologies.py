"""Libraries and FPGA targets of a report: by which keys they are named, loaded once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..golden.refusal import Refusal
from ..hdl.designs import Design
from . import fpga, library
from .characterise import compact
from .library import Library

Key = str | tuple[str, ...]  # a technology's name, or paths of Liberty files


def names(technologies: Sequence[str] | None, liberty: Sequence[str | Path]) -> list[str]:
    """Names of the libraries and FPGA targets that `measure.run_report` would measure in."""
    keys, targets = chosen(technologies, liberty, ())
    return [*(loaded(key, "").name for key in keys), *targets]


def chosen(technologies: Sequence[str] | None, liberty: Sequence[str | Path],
           families: Sequence[str]) -> tuple[list[Key], list[str]]:
    """Keys of libraries, and FPGA targets; by default the embedded libraries.

    Raises
    ------
    Refusal
        If a technology is unknown.
    """
    known = (*library.EMBEDDED, *fpga.TARGETS)
    for name in technologies or ():
        if name not in known:
            raise Refusal(f"Technology must be one of {', '.join(known)}, not {name!r}; others come by --liberty")
    wanted = technologies if technologies else () if liberty or families else library.EMBEDDED
    keys: list[Key] = [name for name in wanted if name in library.EMBEDDED]
    targets = dict.fromkeys([*(name for name in wanted if name in fpga.TARGETS), *families])
    return keys + ([tuple(map(str, liberty))] if liberty else []), list(targets)


@lru_cache
def loaded(key: Key, dont_use: str) -> Library:
    """The library of a key; raises Refusal as `library.load` does."""
    return library.load(key, dont_use=dont_use) if isinstance(key, str) else library.load(None, key, dont_use)


@lru_cache
def table(key: Key, dont_use: str) -> Library:
    """What a library looks like to the mapper: its compact table, so that either gives the same netlists."""
    lib = loaded(key, dont_use)
    return lib if lib.licence else compact(lib)  # only tables state a licence


def identity(key: Key, dont_use: str) -> list[Any]:
    """What a library is known by to a store: the digests of its files; an embedded one is among the program's own."""
    if isinstance(key, str):
        return [key, dont_use]
    return [[Path(path).name, library.file_digest(path)] for path in key] + [dont_use]


def fits(design: Design, lib: Library) -> bool:
    """Whether a library has the registers that a design needs."""
    return design.combinational or not lib.no_register


def about(lib: Library) -> dict[str, Any]:
    """What a record says of a library."""
    return {"name": lib.name, "source": lib.source, "licence": lib.licence, "corner": lib.corner,
            "reference_nand2": lib.reference_nand2.name, "nand2_um2": lib.reference_nand2.area,
            "driving_cell": lib.driving_cell.name, "output_load_ff": lib.output_load,
            "cells": len(lib.names), "left_out": dict(Counter(lib.left_out.values())), "faults": lib.faults,
            "dont_use": sorted(c.name for c in lib.cells.values() if c.dont_use)}
