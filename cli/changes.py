"""What changed between two records, in lines for a terminal."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .document import number

HEADS = ("design", "technology", "figure", "before", "after", "change", "margin", "")


def lines(found: dict[str, Any], everything: bool = False) -> Iterator[str]:
    """A comparison as text.

    Parameters
    ----------
    found : dict
        As `synth.compare.compare` gives it.
    everything : bool
        Also what is equal or within the scatter.
    """
    for name, (old, new) in found["unlike"].items():
        yield f"unlike: {name}: {_short(old)} / {_short(new)}"
    for key, where in (("only_a", "before"), ("only_b", "after")):
        if found[key]:
            yield f"only {where}: {', '.join(' in '.join(pair) for pair in found[key])}"
    for design, technology, figure in found["gone"]:
        yield f"no more: {figure} of {design} in {technology}"
    shown = [change for change in found["changes"] if everything or change.verdict in ("better", "worse")]
    table = [HEADS, *(_cells(change) for change in shown)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    if shown:
        for row in table:
            yield "  ".join(cell.ljust(width) if n < 3 or n == 7 else cell.rjust(width)
                            for n, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
    counts = Counter(change.verdict for change in found["changes"])
    yield (f"{len(found['changes'])} figures in both: {counts['better']} better, {counts['worse']} worse, "
           f"{counts['within scatter']} within their scatter, {counts['equal']} equal")


def _cells(change):
    ratio = "–" if change.ratio is None else f"{100 * (change.ratio - 1):+.1f} %"
    margin = "–" if change.margin is None else f"{100 * (math.exp(change.margin) - 1):.1f} %"
    return (change.design, change.technology, change.figure, number(change.a), number(change.b), ratio, margin,
            change.verdict)


def _short(value):
    text = str(value)
    return text if len(text) < 60 else text[:56] + " ..."
