"""How right a design is on the operands it is driven with: the codes it gets, its products, the results of its sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..golden.codec import decode
from ..golden.errors import operand_errors, result_errors
from ..golden.operands import census, pairs
from ..golden.refusal import Refusal
from .drive import drivable, sums
from .figures import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..golden.operands import Operands
    from ..hdl.designs import Design

RESULTS = 256  # of sums, at least


def accuracy(design: Design, source: Operands, vectors: int, seed: int) -> Row:
    """Entries of a row: figures, ``reasons`` for those that are None, ``operand_codes`` and ``result_sums``.

    Parameters are those of `drive.drive`. Sums are those that the netlist is driven with, and as many more of the same
    source, seed and depth as make `RESULTS`. A reference is the float64 matrix product of the operands as they were
    before they were rounded to codes, or of the codes' values; both over the scales of their tensors, as the design has
    them, so that a tensor counts for no more by being large.
    """
    spec, wide = design.multiplier, design.unrounded
    row = {"operand_codes": None, "result_sums": None, "reasons": {}}
    if why := drivable(design):
        return without(row, why, "driven_relative_error", *RESULT)
    lone = design.combinational
    driven = pairs(source, spec, vectors, seed) if lone else sums(design, source, vectors, seed).operands
    row["operand_codes"] = {name: census(fmt, spec.subnormals, operand)._asdict()
                            for (name, fmt), operand in zip(spec.operands.items(), driven, strict=False)}
    met = driven.codes if lone else _met(*driven.codes)
    filled(row, lambda: [operand_errors(spec, *met, wide).mean], "driven_relative_error")
    if lone:
        return without(row, "a lone product is no sum", *RESULT)
    measured = sums(design, source, vectors, seed, RESULTS)
    row["result_sums"] = {"count": measured.results.size, "depth": measured.depth}
    actual = decode(design.result, measured.results)
    a, b = measured.operands
    filled(row, lambda: result_errors(actual, a.values @ b.values), *RESULT[:2])
    filled(row, lambda: result_errors(actual, measured.numbers[0] @ measured.numbers[1]), *RESULT[2:])
    return row


RESULT = ("result_error", "result_gain", "result_error_of_codes", "result_gain_of_codes")


def filled(row: Row, figures: Callable[[], Iterable], *keys: str) -> None:
    """Put what ``figures`` gives under ``keys`` of a row; where that is refused, None and the reason."""
    try:
        found = figures()
    except Refusal as reason:
        without(row, str(reason), *keys)
        return
    row |= zip(keys, found, strict=True)
    for key in keys:
        row["reasons"].pop(key, None)


def without(row: Row, reason: str, *keys: str) -> Row:
    """None under ``keys`` of a row, and the reason; gives the row."""
    row |= dict.fromkeys(keys)
    row["reasons"] |= dict.fromkeys(keys, reason)
    return row


def _met(a, b):
    """Codes of matrices, (count, rows, depth) and (count, depth, cols), as they meet in the product: they broadcast to
    (count, rows, depth, cols)."""
    return a[..., None], b[:, None]
