"""Conversion units: every one is proved to give what golden, or its specification, says."""

import pytest
from lmul.prove.catalogue import prove
from test_golden_conversion import TO_FLOAT, TO_LOG

SLUGS = [f"conv_{source}_{target}" for source, target in TO_LOG + TO_FLOAT] + ["conv_fp32_l3f4", "conv_fp32_l8f3"]
#: Slow to read, or to prove; or like one of the others.
LONG = [slug for slug in SLUGS if "16" in slug or "l8f3" in slug or slug in (
    "conv_e3m4_l3f4", "conv_e4m3_l4f3", "conv_l3f5_e4m3", "conv_l4f3_e4m3", "conv_l4f3_e3m2")]


@pytest.mark.parametrize("slugs", [
    [slug for slug in SLUGS if slug not in LONG], pytest.param(LONG, marks=pytest.mark.regress)], ids=["short", "long"])
def test_conversions_are_proved(slugs):
    assert {proof.verdict for proof in prove(slugs)} == {"proved"}
