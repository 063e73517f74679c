"""Sums of lanes: carry-save trees proved by algebra, and broken ones not."""

from dataclasses import replace

import pytest
from lmul.golden.formats import IntFormat
from lmul.golden.spec import Accumulator
from lmul.hdl.addend import Addend
from lmul.hdl.designs import parse
from lmul.hdl.dot import FixedTree, IntTree, PlacedAdder
from lmul.hdl.fixed import Window
from lmul.hdl.verilog import convert
from lmul.prove import dots
from lmul.prove.solver import PROVED, REFUTED


@pytest.mark.parametrize("width, count", [(4, 2), (4, 3), (5, 7), (16, 16)])
def test_integers(width, count):
    for signed in (True, False):
        assert dots.integers(IntFormat("p", width, signed), count) == (PROVED, "")


@pytest.mark.parametrize("right, wrong", [(" & ", " | "), (" | ", " & "), (" ^ ", " & "), (" + ", " ^ "),
                                          ("p[11]", "p[10]")])
def test_broken_trees_are_not_proved(right, wrong):
    text = convert({"tree": IntTree(IntFormat("p", 4), 5)})["tree"]
    assert right in text
    assert dots.integers(IntFormat("p", 4), 5, text.replace(right, wrong, 1))[0] != PROVED


def test_parts_of_an_integer_dot():
    spec = parse("dot_int8_int32_16").multiplier
    assert [proof.verdict for proof in dots.of(spec, Accumulator("int"), 16)] == [PROVED] * 2


def window(slug, count):
    return Window(Addend.product(parse(slug).multiplier), count)


@pytest.mark.parametrize("slug, count", [("prod_lmul_e2m1", 3), ("prod_exact_e4m3", 4), ("prod_exact_e5m2", 16)])
def test_placed_products(slug, count):
    assert dots.placed(window(slug, count), count) == (PROVED, "")


@pytest.mark.parametrize("right, wrong", [(" & ", " | "), (" | ", " & "), (" ^ ", " & "), (" + ", " ^ "),
                                          ("p[7]", "p[6]"), (" ? ", " ? ~")])
def test_broken_trees_of_placed_products_are_not_proved(right, wrong):
    narrow = window("prod_exact_e3m2", 5)
    text = convert({"tree": FixedTree(narrow, 5)})["tree"]
    assert right in text
    for place in range(min(text.count(right), 3)):
        assert dots.placed(narrow, 5, replaced(text, right, wrong, place))[0] != PROVED


def replaced(text, right, wrong, place):
    """With one occurrence replaced."""
    parts = text.split(right)
    return right.join(parts[: place + 1]) + wrong + right.join(parts[place + 1 :])


def test_placement_is_of_the_window_s_products():
    spec = parse("prod_lmul_e4m3").multiplier
    assert dots.placement(spec, window("prod_lmul_e4m3", 16))[0] == PROVED
    product = Addend.product(spec)
    for other in (replace(product, largest=product.largest - 1), replace(product, highest=product.highest - 1)):
        assert dots.placement(spec, Window(other, 16))[0] == REFUTED


@pytest.mark.parametrize("words", [1, 2])
def test_joined(words):
    wide, narrow = (window("prod_exact_e5m2", count) for count in (64, 4))
    text = convert({"adder": PlacedAdder(wide, words, narrow)})["adder"]
    assert dots.joined(wide, words, narrow) == (PROVED, "")
    right = " + " if words == 1 else " ^ "
    assert dots.joined(wide, words, narrow, text=text.replace(right, " | ", 1))[0] == REFUTED


def test_parts_of_an_exact_dot():
    design = parse("dot_lmul_e4m3_carrysave_16")
    found = dots.of(design.multiplier, design.accumulator, design.lanes)
    assert [proof.verdict for proof in found] == [PROVED] * 3
