"""Cores of tiles with blocks: that scales go with what they belong to is proved, and broken ones are found."""

import re

import pytest
from lmul.hdl.verilog import convert
from lmul.prove import tile_joined
from lmul.prove.obligation import PROVED, REFUTED, discharge


@pytest.mark.regress
@pytest.mark.parametrize("small", tile_joined.BLOCKED, ids=lambda small: small.slug)
def test_scales_go_with_what_they_belong_to(small):
    [proof] = discharge(tile_joined.of(small), 300)
    assert proof.verdict == PROVED, proof


@pytest.mark.regress
def test_a_scale_that_goes_alone_is_found():
    [each] = tile_joined.of(tile_joined.BLOCKED[0])
    made = each.sources["core"]
    text, count = re.subn(r"(assign may = ).*;", r"\1~error;", convert({"core": made.make(*made.arguments)})["core"])
    assert count == 1
    [proof] = discharge([each], 300, {"core": text})
    assert proof.verdict == REFUTED, proof
