"""Operand matrices that exercise an array."""

from functools import cache

import numpy as np

from ..golden import operands, stimulus
from ..golden.formats import IntFormat

KINDS = ("random", "recorded", "zeros", "subnormals", "specials", "largest", "spread")


def matrices(spec, kind, rows, depth, cols, rng):
    """Codes of a pair of matrices, (rows, depth) and (depth, cols).

    ``kind`` is ``random`` (finite codes), ``recorded`` (of a transformer), ``zeros`` (most of them, of both signs),
    ``subnormals`` (in one operand or both), ``specials`` (a few Inf, NaN and other corners among random codes),
    ``largest`` (magnitudes, of both signs or of one, so that sums grow as far as they can) or ``spread`` (the smallest
    normal numbers beside the largest). Integers know no specials: their extremes stand in.
    """
    if kind == "recorded":
        seed = int(rng.integers(1 << 32))
        drawn = operands.matrices(_recording(), spec, rows, depth, cols, seed=seed)
        return tuple(stack[0] for stack in drawn.codes)
    kinds = kind, kind
    if kind == "subnormals":
        kinds = ("subnormals", "subnormals"), ("subnormals", "random"), ("random", "subnormals")
        kinds = kinds[rng.integers(3)]
    return tuple(codes(fmt, each, shape, rng)
                 for fmt, each, shape in zip((spec.a, spec.b), kinds, ((rows, depth), (depth, cols)), strict=True))


_recording = cache(operands.load_recording)


def codes(fmt, kind, shape, rng):
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
    if isinstance(fmt, IntFormat):
        return _integers(fmt, kind, shape, rng)
    low, high = {"random": (0, fmt.max_finite), "nothing": (0, 0), "subnormals": (0, fmt.min_normal - 1),
                 "smallest": (fmt.min_normal, fmt.min_normal + fmt.man_mask),
                 "largest": (fmt.max_finite, fmt.max_finite)}[kind]
    sign = rng.integers(0, 2, _alike(kind, shape, rng)) * fmt.sign_mask
    return (rng.integers(low, high, shape, endpoint=True) | sign).astype(corners.dtype)


def _alike(kind, shape, rng):
    """The shape of signs: one for all of some of the largest."""
    return 1 if kind == "largest" and rng.random() < 0.5 else shape


def _integers(fmt, kind, shape, rng):
    limit = 1 << (fmt.width - 1)
    if kind == "largest":
        values = np.broadcast_to(rng.choice([-limit, limit - 1], _alike(kind, shape, rng)), shape)
    else:
        low, high = {"random": (-limit, limit - 1), "nothing": (0, 0), "subnormals": (-1, 1), "smallest": (-1, 1)}[kind]
        values = rng.integers(low, high, shape, endpoint=True)
    return (values & (2 * limit - 1)).astype(stimulus.corners(fmt).dtype)
