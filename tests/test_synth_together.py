"""Netlists of a tile's leaves, chosen together."""

import json

import pytest
from lmul.synth import library
from lmul.synth.mixing import Candidate
from lmul.synth.together import assembled, choose


def _netlist(lane, tree):
    """A tile of a lane and a tree, told apart by their cells."""
    return {"modules": {
        "t": {"attributes": {"top": "1"}, "cells": {
            "l": {"type": "t_lane", "connections": {}}, "s": {"type": "t_tree", "connections": {}}}},
        "t_lane": {"attributes": {}, "cells": {"g": {"type": lane, "connections": {}}}},
        "t_tree": {"attributes": {}, "cells": {"g": {"type": tree, "connections": {}}}}}}


@pytest.fixture
def candidates(tmp_path):
    found = []
    for n, (lane, tree) in enumerate((("small", "small"), ("quick", "quick"), ("even", "quick"), ("even", "small"))):
        path = tmp_path / f"{n}.json"
        path.write_text(json.dumps(_netlist(lane, tree)))
        found.append(Candidate(path, f"try {n}"))
    return found


#: Energy and delay by lane and tree: the lane that burns least alone makes the tree burn most.
FIGURES = {("small", "small"): (90, 9), ("small", "quick"): (80, 7), ("quick", "small"): (80, 6),
           ("quick", "quick"): (90, 4), ("even", "small"): (52, 6.5), ("even", "quick"): (50, 7)}


def _weigh(netlist):
    modules = netlist["modules"]
    return FIGURES[tuple(modules[f"t_{leaf}"]["cells"]["g"]["type"] for leaf in ("lane", "tree"))]


def _cells(choice):
    return {name: leaf.module["cells"]["g"]["type"] for name, leaf in choice.items()}


def test_the_pair_that_burns_least_is_found(candidates):
    choices = choose(candidates[0], candidates, "t", _weigh, 3)
    assert _cells(choices[0]) == {"_lane": "even", "_tree": "quick"}
    figures = [FIGURES[tuple(_cells(choice).values())] for choice in choices]
    assert figures == [(50, 7), (52, 6.5), (90, 4)]  # one that burns little more, and the fastest; (80, 6) is neither


def test_each_netlist_is_tried_once(candidates):
    tried = []

    def weigh(netlist):
        tried.append(json.dumps(netlist))
        return _weigh(netlist)

    choose(candidates[0], candidates * 2, "t", weigh, 3)
    assert len(tried) == len(set(tried))


def test_choices_become_candidates(candidates):
    choices = choose(candidates[0], candidates, "t", _weigh, 3)
    found = assembled(candidates[1], "t", choices, library.load("asap7"))
    netlists = [json.loads(each.source.read_text()) for each in found]
    assert [_weigh(netlist) for netlist in netlists] == [FIGURES[tuple(_cells(choice).values())] for choice in choices]
    assert all(each.script.startswith("try 1; ") for each in found)
    assert netlists[0]["modules"]["t"] == _netlist("", "")["modules"]["t"]
