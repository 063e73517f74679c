"""Conversion units: every one is proved to give what golden, or its specification, says."""

from lmul.prove.catalogue import prove
from test_golden_conversion import TO_FLOAT, TO_LOG


def test_every_conversion_is_proved():
    slugs = [f"conv_{source}_{target}" for source, target in TO_LOG + TO_FLOAT]
    wider = ["conv_fp32_l3f4", "conv_fp32_l8f3"]
    assert {proof.verdict for proof in prove(slugs + wider)} == {"proved"}
