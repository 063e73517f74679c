"""What a bench reads off signals and says when they are wrong. Imports nothing of lmul: stand-alone benches have this
file too."""

import os
from collections.abc import Callable
from typing import Any

SHOWN = 5  # mismatches printed in full

_name = ""


def name_run(name: str) -> None:
    """Say which run the messages that follow are of."""
    global _name
    _name = name


def run() -> str:
    """Which run this is, for messages: as `name_run` has it, else the design and the seed that the simulation was begun
    with."""
    return _name or f"{os.environ['LMUL_DESIGN']}, seed {os.environ['LMUL_SEED']}"


def read(handle: Any) -> int | str:
    """The signal's code, or its bits as text when one of them is X or Z."""
    value = handle.value
    try:
        return int(value)
    except ValueError:
        return str(value)


def check(mismatches: list[tuple], total: int, describe: Callable[..., str]) -> None:
    """Fail if there are mismatches: print the run, and what ``describe`` says of the first few."""
    if mismatches:
        lines = "".join(f"\n  {describe(*mismatch)}" for mismatch in mismatches[:SHOWN])
        raise AssertionError(f"{run()}: {len(mismatches)} of {total} wrong{lines}")
