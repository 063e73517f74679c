"""What must come out of a design: one answer for simulation, synthesis, proofs and tests.

Of tiles, which take places and scales besides, `tile_sums` has it: `partial_sums` of a pass, `tile_matmul` of a core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .accumulate import accumulate, dot
from .matmul import matmul
from .products import multiply, pack, product

if TYPE_CHECKING:
    from .spec import Multiplier


def expected(design: Any, a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """The codes that a design gives.

    Parameters
    ----------
    design : Design
    a, b : arrays of codes
        By protocol. ``combinational``: pairs, which broadcast. ``runs``: (..., depth), one run of pairs each, lane by
        lane where the design has several. ``streams`` and ``axis``: matrices (..., rows, depth) and (..., depth, cols).

    Returns
    -------
    array of codes of ``design.result``: of the pairs' shape; (...); (..., rows, cols)

    Raises
    ------
    Refusal
        As `products.multiply`, `accumulate.dot` and `matmul.matmul`.
    """
    return _EXPECTED[design.protocol](design, a, b)


def products(spec: Multiplier, wide: bool, a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """The codes that a `Multiplier` gives in its narrow or its wide form."""
    return pack(spec, product(spec, a, b)) if wide else multiply(spec, a, b)


def _products(design, a, b):
    return products(design.multiplier, design.wide, a, b)


def _runs(design, a, b):
    spec, accumulator = design.multiplier, design.accumulator
    if design.lanes is None:
        return accumulate(spec, accumulator, a, b)
    return dot(spec, accumulator, design.lanes, a, b, design.window, design.tree)


def _matrices(design, a, b):
    return matmul(design.multiplier, design.accumulator, a, b)


_EXPECTED = {"combinational": _products, "runs": _runs, "streams": _matrices, "axis": _matrices}
