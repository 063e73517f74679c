"""Exact sums, a product at a time and of lanes at once: proved, and broken ones not."""

import re
from dataclasses import replace

import pytest
from lmul.golden.formats import IntFormat
from lmul.golden.spec import Accumulator, Multiplier
from lmul.hdl.addend import Addend
from lmul.hdl.designs import parse
from lmul.hdl.dot import FixedTree, IntTree, PlacedAdder
from lmul.hdl.fixed import FixedAdder, FixedDrain, Window
from lmul.hdl.verilog import convert
from lmul.prove import dots, exact_drain, exact_sums
from lmul.prove.catalogue import parts
from lmul.prove.obligation import PROVED, REFUTED, discharge

_E2M1 = Multiplier.make("lmul", "e2m1")
KINDS = {1: "fixed", 2: "carrysave"}


def broken(component, top, right, wrong, place=0):
    """The Verilog of a component with one occurrence of ``right`` replaced."""
    pieces = re.sub(r"\n {4,}", " ", convert({top: component})[top]).split(right)  # what is broken over lines as one
    assert len(pieces) > place + 1, right
    return {top: right.join(pieces[: place + 1]) + wrong + right.join(pieces[place + 1 :])}


def verdict(obligation, texts=None):
    [proof] = discharge([obligation], 300, texts)
    return proof.verdict


def window(slug, count):
    return Window(Addend.product(parse(slug).multiplier), count)


@pytest.mark.parametrize("words", [1, 2])
def test_exact_sums_are_proved(words):
    found = exact_sums.of("sum", _E2M1, Accumulator(KINDS[words], depth=16))
    found.append(exact_drain.by_cases("sum", Window(Addend.product(_E2M1), 16), words))
    assert len(found) == 4 and [proof.verdict for proof in discharge(found)] == [PROVED] * 4


@pytest.mark.parametrize("right, wrong", [(" + ", " | "), (" ^ ", " | "), (" | ", " & ")])
def test_broken_steps_of_exact_sums_are_not_proved(right, wrong):
    spec = Multiplier.make("exact", "e5m2")
    _, step, _ = exact_sums.of("sum", spec, Accumulator("fixed", depth=16))
    text = broken(FixedAdder(Window(Addend.product(spec), 16), 1), "adder", right, wrong)
    assert verdict(step, text) != PROVED


@pytest.mark.regress
def test_sums_beyond_fp32_are_proved_to_overflow_and_to_lose_places():
    """Their smallest products are below fp32's smallest, and their largest above its largest."""
    window = Window(Addend.product(Multiplier.make("exact", "e8m1")), 4)
    assert window.addend.unit < -149 and window.addend.unit + window.bits > 128
    assert not exact_drain.in_fp32(window)
    assert verdict(exact_drain.of("sum", window, 1)) == PROVED


@pytest.mark.parametrize("way", [exact_drain.by_theory, exact_drain.by_cases])
def test_solver_finds_a_broken_drain(way):
    window = Window(Addend.product(_E2M1), 16)
    text = broken(FixedDrain(window, 1), "drain", " + ", " | ")
    assert verdict(way("sum", window, 1), text) == REFUTED


@pytest.mark.parametrize("right, wrong", [(" + ", " | "), (" & ", " | "), (" | ", " & "), (" ? ", " ? ~")])
def test_solver_finds_a_broken_drain_of_two_words(right, wrong):
    window = Window(Addend.product(Multiplier.make("exact", "e5m2")), 16)
    text = broken(FixedDrain(window, 2), "drain", right, wrong)
    assert verdict(exact_drain.by_cases("sum", window, 2), text) == REFUTED


def test_placement_is_of_the_window_s_products():
    spec = parse("prod_lmul_e4m3").multiplier
    assert verdict(exact_sums.places("sum", spec, window("prod_lmul_e4m3", 16))) == PROVED
    product = Addend.product(spec)
    for other in (replace(product, largest=product.largest - 1), replace(product, highest=product.highest - 1)):
        assert verdict(exact_sums.places("sum", spec, Window(other, 16))) == REFUTED


# Lanes


@pytest.mark.parametrize("width, count", [(4, 2), (4, 3), (5, 7), (16, 16)])
def test_integers(width, count):
    for signed in (True, False):
        assert verdict(dots.of_integers("lanes", IntFormat("p", width, signed), count)) == PROVED


@pytest.mark.parametrize("right, wrong", [(" & ", " | "), (" | ", " & "), (" ^ ", " & "), (" + ", " ^ "),
                                          ("p[11]", "p[10]")])
def test_broken_trees_are_not_proved(right, wrong):
    fmt = IntFormat("p", 4)
    assert verdict(dots.of_integers("lanes", fmt, 5), broken(IntTree(fmt, 5), "tree", right, wrong)) != PROVED


@pytest.mark.parametrize("slug, count", [("prod_lmul_e2m1", 3), ("prod_exact_e4m3", 4), pytest.param(
    "prod_exact_e5m2", 16, marks=pytest.mark.regress)])
def test_placed_products(slug, count):
    assert verdict(dots.of_placed("lanes", window(slug, count), count)) == PROVED


@pytest.mark.parametrize("right, wrong", [("p[7]", "p[6]"), (" + ", " ^ "), *(
    pytest.param(*each, marks=pytest.mark.regress) for each in (
        (" & ", " | "), (" | ", " & "), (" ^ ", " & "), (" ? ", " ? ~")))])
def test_broken_trees_of_placed_products_are_not_proved(right, wrong):
    narrow = window("prod_exact_e3m2", 5)
    for place in range(min(convert({"tree": FixedTree(narrow, 5)})["tree"].count(right), 3)):
        text = broken(FixedTree(narrow, 5), "tree", right, wrong, place)
        assert verdict(dots.of_placed("lanes", narrow, 5), text) != PROVED


@pytest.mark.parametrize("words", [1, 2])
def test_joined(words):
    wide, narrow = (window("prod_exact_e5m2", count) for count in (64, 4))
    obligation = dots.of_joined("lanes", wide, words, narrow)
    assert verdict(obligation) == PROVED
    text = broken(PlacedAdder(wide, words, narrow), "adder", " + " if words == 1 else " ^ ", " | ")
    assert verdict(obligation, text) == REFUTED


@pytest.mark.parametrize("slug, count", [("dot_int8_int32_4", 2), ("dot_lmul_e2m1_carrysave_4", 6), *(
    pytest.param(*each, marks=pytest.mark.regress) for each in (
        ("dot_int8_int32_16", 2), ("dot_lmul_e4m3_carrysave_4", 6), ("dot_lmul_e4m3_carrysave_16", 6)))])
def test_parts_of_a_dot(slug, count):
    """What is to be proved of its sum: of integers the tree and the addition; of exact sums three things of the lanes
    and three of the sum behind them."""
    found = [each for part, some in parts(parse(slug)).items() if part.startswith("sum") for each in some]
    assert [proof.verdict for each in found for proof in discharge([each])] == [PROVED] * count
