"""Whether the loops of the model and of the simulator of netlists are compiled, or will be at their first use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NOTICE = "Compiling the model's loops for this machine: a minute, once"
_ROOMS = ("golden", "synth")

_told = False


def compiled() -> bool:
    """Whether numba has kept what it compiled: where it was told to, beside the sources, or where these cannot be
    written in the user's cache."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return any(Path(chosen).rglob("*.nbi"))
    beside = (Path(__file__).parents[1] / room for room in _ROOMS)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~"), ".cache")) / "numba"
    theirs = (folder for room in _ROOMS for folder in cache.glob(f"{room}_*"))
    return any(any(folder.rglob("*.nbi")) for folder in (*beside, *theirs))


def announce(tell: Callable[[str], object]) -> None:
    """Tell, once in a process, that the loops are about to be compiled, if they are."""
    global _told
    if not _told and not compiled():
        tell(NOTICE)
    _told = True
