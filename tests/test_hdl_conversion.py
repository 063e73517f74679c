"""Conversion units: every one is proved to give what golden, or its specification, says."""

import pytest
from lmul.prove.catalogue import prove
from test_golden_conversion import TO_FLOAT, TO_LOG

SLUGS = [f"conv_{source}_{target}" for source, target in TO_LOG + TO_FLOAT] + ["conv_fp32_l3f4", "conv_fp32_l8f3"]
#: Slow to read, or to prove.
LONG = [slug for slug in SLUGS if "16" in slug or "l8f3" in slug]


@pytest.mark.parametrize("slugs", [
    [slug for slug in SLUGS if slug not in LONG], pytest.param(LONG, marks=pytest.mark.regress)], ids=["short", "long"])
def test_conversions_are_proved(slugs):
    assert {proof.verdict for proof in prove(slugs)} == {"proved"}
