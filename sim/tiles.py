"""Operand matrices that exercise an array."""

from functools import cache

import numpy as np

from ..golden import operands, stimulus
from ..golden.formats import Format
from ..golden.spec import Multiplier
from ..hdl.designs import Design

KINDS = ("random", "recorded", "zeros", "subnormals", "specials", "largest", "spread")


def matrices(spec: Multiplier, kind: str, rows: int, depth: int, cols: int,
             rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Codes of a pair of matrices, (rows, depth) and (depth, cols).

    ``kind`` is ``random`` (finite codes), ``recorded`` (of a transformer), ``zeros`` (most of them, of both signs),
    ``subnormals`` (in one operand or both), ``specials`` (a few Inf, NaN and other corners among random codes),
    ``largest`` (magnitudes, of both signs or of one, so that sums grow as far as they can) or ``spread`` (the smallest
    normal numbers beside the largest). Integers know no specials: their extremes stand in.
    """
    if kind == "recorded":
        seed = int(rng.integers(1 << 32))
        drawn = operands.matrices(_recording(), spec, rows, depth, cols, seed=seed)
        a, b = drawn.codes
        return a[0], b[0]
    kinds = kind, kind
    if kind == "subnormals":
        kinds = ("subnormals", "subnormals"), ("subnormals", "random"), ("random", "subnormals")
        kinds = kinds[rng.integers(3)]
    a, b = (codes(fmt, each, shape, rng)
            for fmt, each, shape in zip((spec.a, spec.b), kinds, ((rows, depth), (depth, cols)), strict=True))
    return a, b


def longest(design: Design) -> int:
    """How many steps a run may have: an exact sum has room for so many products."""
    depth = design.summed_by.depth
    return depth // (design.lanes or 1) if depth else 1 << 30


_recording = cache(operands.load_recording)


def codes(fmt: Format, kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Codes of one format, of a kind that `matrices` knows."""
    corners = stimulus.corners(fmt)
    if kind == "specials":
        # So few that sums with none, with one and with several of them are all common.
        few = rng.random(shape) < 0.5 / max(shape)
        return np.where(few, rng.choice(corners, shape), codes(fmt, "random", shape, rng))
    if kind == "zeros":
        return np.where(rng.random(shape) < 0.75, codes(fmt, "nothing", shape, rng), codes(fmt, "random", shape, rng))
    if kind == "spread":
        return np.where(rng.random(shape) < 0.5, codes(fmt, "smallest", shape, rng), codes(fmt, "largest", shape, rng))
    return fmt.sample(kind, shape, rng)
