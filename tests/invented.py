"""Invented records: figures that mean nothing, and margins to judge them by."""

import math

from lmul.synth import margins

MARGIN = 0.05


def scattered(record, margin=MARGIN):
    """The record with one margin for every ratio of its rows, in parts of 1."""
    ratios = margins.logarithms([record | {"options": {"effort": "low"}}])
    return record | {"scatter": {"source": "invented", "rule": "A rule.", "runs": 3, "margins": [
        dict(zip(("design", "rival", "technology", "measure"), key, strict=True))
        | {"margin": math.log1p(margin), "of": "a test's"} for key in ratios]}}
