"""Netlists put together from those of modules: the right ones, in the right order."""

import json

import pytest
from lmul.synth import library
from lmul.synth.mixing import Candidate, evenly, front, mix
from lmul.synth.netlist import Netlist
from lmul.synth.timing import analyse

INVERTERS = {"small": "INVx1_ASAP7_75t_R", "large": "INVx5_ASAP7_75t_R"}
LEAVES = {"often": 3, "once": 1}  # instances


@pytest.fixture(scope="module")
def asap7():
    return library.load("asap7")


def inverters(kind, length=4):
    """A module of inverters in a row."""
    cells = {f"g{n}": {"type": INVERTERS[kind], "connections": {"A": [n + 2], "Y": [n + 3]}} for n in range(length)}
    ports = {"i": {"direction": "input", "bits": [2]}, "o": {"direction": "output", "bits": [length + 2]}}
    return {"attributes": {}, "ports": ports, "cells": cells, "netnames": {}}


def whole(kind):
    """A top with all leaves in a row, each of inverters of a kind."""
    row = [leaf for leaf, times in LEAVES.items() for _ in range(times)]
    cells = {f"u{n}": {"type": leaf, "connections": {"i": [n + 2], "o": [n + 3]}} for n, leaf in enumerate(row)}
    ports = {"i": {"direction": "input", "bits": [2]}, "o": {"direction": "output", "bits": [len(row) + 2]}}
    top = {"attributes": {"top": "1"}, "ports": ports, "cells": cells, "netnames": {}}
    return {"modules": {"top": top} | {leaf: inverters(kind) for leaf in LEAVES}}


def candidate(folder, name, netlist):
    (folder / f"{name}.json").write_text(json.dumps(netlist))
    return Candidate(folder / f"{name}.json", name)


def kinds(found, lib):
    """Of each leaf, the inverters it has."""
    netlist = Netlist.read(found.source, lib)
    cells = {path: netlist.cells[kind].name for path, kind in zip(netlist.modules, netlist.kind, strict=True)}
    return {"often": cells["u0"], "once": cells["u3"]}


def test_leaves_become_faster_one_by_one(asap7, tmp_path):
    small, large = (candidate(tmp_path, name, whole(name)) for name in INVERTERS)
    found = mix([small], [small, large], asap7, 3)
    assert [kinds(each, asap7) for each in found] == [
        {"often": INVERTERS["small"], "once": INVERTERS["small"]},
        {"often": INVERTERS["small"], "once": INVERTERS["large"]},  # as much delay for a third of the cost
        {"often": INVERTERS["large"], "once": INVERTERS["large"]}]
    assert [each.script for each in found] == ["small", "small; once: large", "small; often: large; once: large"]
    netlists = [Netlist.read(each.source, asap7) for each in found]
    areas, delays = [each.area_um2 for each in netlists], [analyse(each).delay_ps for each in netlists]
    assert areas == sorted(areas) and delays[-1] < delays[0]


def test_one_candidate_has_the_smallest_product_of_area_and_delay(asap7, tmp_path):
    small = candidate(tmp_path, "small", whole("small"))
    better = candidate(tmp_path, "better", {"modules": {"often": inverters("small", 2)}})
    [found] = mix([small], [small, better], asap7, 1)
    assert found.script == "small; often: better"
    assert Netlist.read(found.source, asap7).area_um2 < Netlist.read(small.source, asap7).area_um2


def test_what_is_not_a_leaf_goes_from_small_to_fast(asap7, tmp_path):
    small, large = (candidate(tmp_path, name, whole(name)) for name in INVERTERS)
    assert [each.script for each in mix([small, large], [small, large], asap7, 2)] == [
        "small", "large"]


def test_the_front_has_no_point_that_another_beats():
    points = [(3, 5), (1, 9), (2, 9), (2, 8.99), (4, 5), (5, 1)]
    assert front(points, key=lambda point: point) == [(1, 9), (3, 5), (5, 1)]


@pytest.mark.parametrize(("count", "expected"), [(2, [0, 9]), (4, [0, 3, 6, 9]), (20, list(range(10)))])
def test_points_are_chosen_evenly(count, expected):
    assert evenly(list(range(10)), count) == expected
