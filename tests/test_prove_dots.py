"""Sums of lanes: carry-save trees proved by algebra, and broken ones not."""

import pytest
from lmul.golden.spec import Accumulator
from lmul.hdl.designs import parse
from lmul.hdl.dot import IntTree
from lmul.hdl.verilog import convert
from lmul.prove import dots
from lmul.prove.solver import PROVED


@pytest.mark.parametrize("width, count", [(4, 2), (4, 3), (5, 7), (16, 16)])
def test_integers(width, count):
    assert dots.integers(width, count) == (PROVED, "")


@pytest.mark.parametrize("right, wrong", [(" & ", " | "), (" | ", " & "), (" ^ ", " & "), (" + ", " ^ "),
                                          ("p[11]", "p[10]")])
def test_broken_trees_are_not_proved(right, wrong):
    text = convert({"tree": IntTree(4, 5)})["tree"]
    assert right in text
    assert dots.integers(4, 5, text.replace(right, wrong, 1))[0] != PROVED


def test_parts_of_an_integer_dot():
    spec = parse("dot_int8_int32_16").multiplier
    assert [proof.verdict for proof in dots.of(spec, Accumulator("int"), 16)] == [PROVED] * 2
