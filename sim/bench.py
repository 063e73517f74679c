"""What every bench is told by `lmul.sim.runner`, and what it tells back."""

import json
import os
from functools import cache
from pathlib import Path

import numpy as np

from ..golden.formats import Format
from ..golden.spec import Multiplier
from ..hdl.designs import Design, parse
from .messages import check as check
from .messages import read as read
from .messages import run as run

_figures = {}


@cache
def design() -> Design:
    """The design under test."""
    return parse(os.environ["LMUL_DESIGN"])


def seed() -> int:
    """The run's seed; cocotb's own differs from test to test."""
    return int(os.environ["LMUL_SEED"])


def generator() -> np.random.Generator:
    """A numpy generator for whoever asks: a function of the run's seed alone, whichever tests ran before."""
    return np.random.default_rng(seed())


def count(**figures: int) -> None:
    """Add to the run's figures, such as ``vectors``; the runner reads their sums."""
    for name, value in figures.items():
        _figures[name] = _figures.get(name, 0) + value
    Path(os.environ["LMUL_FIGURES"]).write_text(json.dumps(_figures))


def shown(fmt: Format, code: int | str) -> str:
    """A code of a format as hex and value; it may be text as `read` gives it."""
    if isinstance(code, str):
        return f"{code} (X or Z)"
    return f"0x{code:0{(fmt.width + 3) // 4}x} ({fmt.read(code)})"


def shown_pairs(spec: Multiplier, a: np.ndarray, b: np.ndarray) -> str:
    """The pairs that a sum is made of, the first few in full."""
    pairs = [f"{shown(spec.a, x)} x {shown(spec.b, y)}" for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    return ", ".join(pairs[:8] + ["..."] * (len(pairs) > 8))
