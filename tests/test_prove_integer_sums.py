"""Sums of integers: partials, halves and trees are proved, and broken ones are not."""

from dataclasses import replace
from itertools import product

import pytest
from lmul.golden.families import make
from lmul.hdl.designs import parse
from lmul.hdl.dot import PartialTree
from lmul.hdl.integer_sum import Halves, HalvesAdder
from lmul.hdl.partials import PartialProducts, Partials
from lmul.prove import dots, integer_sums, partials
from lmul.prove.catalogue import parts
from lmul.prove.integer_sums import Gathered
from lmul.prove.obligation import PROVED, REFUTED, discharge
from test_prove_exact_sums import broken, verdict

NARROW = [f"{a}x{b}" for a, b in product(("int1", "int2", "int3", "uint1", "uint2"), repeat=2)]
OTHERS = ["int8", "int3xternary", "uint2xternary", "int4xpot2", "int3xpot2k2", "uint3xpot2k2"]
WIDE = ["int16", "uint16xint9", "int16xternary", "uint12xpot3k2"]


def of(spec, negative=False):
    found = Partials.of(spec, negative)
    assert found is not None
    return found


def some(first, *others):
    """The first of them; the others in the regression."""
    return [first, *(pytest.param(*each, marks=pytest.mark.regress) for each in others)]


@pytest.mark.parametrize("name, more", [("int9", 9), ("int2xuint3", 1), ("int1xuint1", 1), *some(*(
    (name, more) for name in [*NARROW, *OTHERS, *WIDE] for more in (0, 1, 2)))[1:]])
def test_everything_is_proved(name, more):
    """Partials, a tree, and sums that are so much wider than a product: where that is little, the upper half has one
    bit or none."""
    spec = make(name)
    found = [*partials.of(spec), *partials.of(spec, True),
             dots.of_partials("lanes", of(spec, True), spec.wide.width + 2, 3),
             *integer_sums.of_halves("sum", Halves(spec.wide.width + more, of(spec)))]
    assert [proof.verdict for proof in discharge(found)] == [PROVED] * 5


@pytest.mark.parametrize("name, right, wrong", some(*(
    (name, *change) for change in ((" & ", " | "), ("b[1]", "b[0]"), ("~", ""))
    for name in ("int9", "int3", "int16xternary"))))
def test_broken_partials_are_not_proved(name, right, wrong):
    spec = make(name)
    [obligation] = partials.of(spec)
    text = broken(PartialProducts(spec), "partials", right, wrong)
    found = verdict(obligation, text)
    assert found == REFUTED or "algebra" in obligation.means and found != PROVED


@pytest.mark.parametrize("right, wrong", some((" & ", " | "), (" | ", " & "), (" ^ ", " & "), (" + ", " ^ "),
                                              ("p[11]", "p[10]")))
def test_broken_gathering_is_not_proved(right, wrong):
    halves = Halves(20, of(make("int4")))
    gathers, _ = integer_sums.of_halves("sum", halves)
    assert verdict(gathers, broken(Gathered(halves), "gathered", right, wrong)) != PROVED


@pytest.mark.parametrize("right, wrong", some(
    ("gathered[8:7]", "gathered[7:6]"), ("$signed(acc", "~(acc"), ("upper & {", "upper | {"),
    ("~ gathered[7]", "gathered[7]"), ("gathered[6:0] }", "gathered[7:1] }"), ("{ upper, acc", "{ acc[19:7], acc")))
def test_broken_halves_are_not_proved(right, wrong):
    halves = Halves(20, of(make("int4")))
    _, halved = integer_sums.of_halves("sum", halves)
    assert verdict(halved, broken(HalvesAdder(halves), "adder", right, wrong)) != PROVED


@pytest.mark.parametrize("right, wrong", some((" + ", " ^ "), (" & ", " | "), (" | ", " & "), (" ^ ", " & "),
                                              ("p[20]", "p[19]"), ("~", "")))
def test_broken_trees_are_not_proved(right, wrong):
    found = of(make("int3"), True)
    obligation = dots.of_partials("lanes", found, 8, 3)
    assert verdict(obligation, broken(PartialTree(found, 8, 3), "tree", right, wrong)) != PROVED


def test_partials_are_held_to_their_range():
    """One that is told too narrow is refuted: the halves rely on it."""
    spec = make("int4")
    [obligation] = partials.of(spec)
    narrow = replace(obligation, arguments=(spec, replace(of(spec), low=-55)))
    assert verdict(obligation) == PROVED and verdict(narrow) == REFUTED


@pytest.mark.parametrize("slug", ["mac_int8_int32", "dot_int8_int32_16", "array_int4_int32_8x8_ws"])
def test_parts_of_a_design(slug):
    """Its products are its partials, not the multiplier that stands alone."""
    first, *_ = found = parts(parse(slug))
    assert first == f"partials of {'-' * slug.startswith('dot')}{parse(slug).multiplier.name}"
    assert all(found.values())
