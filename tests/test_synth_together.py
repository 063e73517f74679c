"""Netlists of a tile's leaves, chosen together."""

import json

import pytest
from lmul.synth.mixing import Candidate
from lmul.synth.together import assembled, choose


def _netlist(lane, tree):
    """A tile of a lane and a tree, told apart by their cells."""
    return {"modules": {
        "t": {"attributes": {"top": "1"}, "cells": {"l": {"type": "t_lane"}, "s": {"type": "t_tree"}}},
        "t_lane": {"attributes": {}, "cells": {"g": {"type": lane}}},
        "t_tree": {"attributes": {}, "cells": {"g": {"type": tree}}}}}


@pytest.fixture
def candidates(tmp_path):
    found = []
    for n, (lane, tree) in enumerate((("small", "small"), ("quick", "quick"), ("even", "quick"), ("even", "small"))):
        path = tmp_path / f"{n}.json"
        path.write_text(json.dumps(_netlist(lane, tree)))
        found.append(Candidate(path, f"try {n}"))
    return found


#: Energy and delay by lane and tree: the lane that burns least alone makes the tree burn most.
FIGURES = {("small", "small"): (9, 9), ("small", "quick"): (8, 7), ("quick", "small"): (8, 6),
           ("quick", "quick"): (9, 4), ("even", "small"): (7, 8), ("even", "quick"): (5, 7)}


def _weigh(netlist):
    modules = netlist["modules"]
    return FIGURES[tuple(modules[f"t_{leaf}"]["cells"]["g"]["type"] for leaf in ("lane", "tree"))]


def _cells(choice):
    return {name: leaf.module["cells"]["g"]["type"] for name, leaf in choice.items()}


def test_the_pair_that_burns_least_is_found(candidates):
    choices = choose(candidates[0], candidates, "t", _weigh, 4, 3)
    assert _cells(choices[0]) == {"_lane": "even", "_tree": "quick"}
    figures = [FIGURES[tuple(_cells(choice).values())] for choice in choices]
    assert figures == sorted(figures) and all(b[1] < a[1] for a, b in zip(figures, figures[1:], strict=False))


def test_each_netlist_is_tried_once(candidates):
    tried = []

    def weigh(netlist):
        tried.append(json.dumps(netlist))
        return _weigh(netlist)

    choose(candidates[0], candidates * 2, "t", weigh, 4, 3)
    assert len(tried) == len(set(tried))


def test_choices_become_candidates(candidates):
    choices = choose(candidates[0], candidates, "t", _weigh, 4, 3)
    found = assembled(candidates[1], "t", choices)
    netlists = [json.loads(each.source.read_text()) for each in found]
    assert [_weigh(netlist) for netlist in netlists] == [FIGURES[tuple(_cells(choice).values())] for choice in choices]
    assert all(each.script.startswith("try 1; ") for each in found)
    assert netlists[0]["modules"]["t"] == _netlist("", "")["modules"]["t"]
