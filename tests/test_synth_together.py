"""Netlists of a tile's leaves, chosen together."""

import json

import pytest
from lmul.golden.operands import operands
from lmul.hdl.designs import parse
from lmul.synth import library
from lmul.synth.mixing import Candidate
from lmul.synth.options import Options
from lmul.synth.store import Store
from lmul.synth.together import assembled, choose
from lmul.synth.unit import Unit
from lmul.synth.verilog_kept import written


def _leaves(lane, tree):
    """A lane and a tree of the design u, told apart by their cells."""
    return {"modules": {"u_lane": {"attributes": {}, "cells": {"g": {"type": lane, "connections": {}}}},
                        "u_tree": {"attributes": {}, "cells": {"g": {"type": tree, "connections": {}}}}}}


@pytest.fixture
def frame(tmp_path):
    """The column t of such a design, its leaves black boxes."""
    path = tmp_path / "frame.json"
    path.write_text(json.dumps({"modules": {
        "t": {"attributes": {"top": "1"}, "cells": {
            "l": {"type": "t_lane", "connections": {}}, "s": {"type": "t_tree", "connections": {}}}},
        "t_lane": {"attributes": {"blackbox": "1"}, "cells": {}},
        "t_tree": {"attributes": {"blackbox": "1"}, "cells": {}}}}))
    return Candidate(path, "a frame")


@pytest.fixture
def candidates(tmp_path):
    found = []
    for n, (lane, tree) in enumerate((("small", "small"), ("quick", "quick"), ("even", "quick"), ("even", "small"))):
        path = tmp_path / f"{n}.json"
        path.write_text(json.dumps(_leaves(lane, tree)))
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


def test_the_pair_that_burns_least_is_found(frame, candidates):
    choices = choose(frame, "t", candidates, "u", _weigh, 3)
    assert _cells(choices[0]) == {"_lane": "even", "_tree": "quick"}
    figures = [FIGURES[tuple(_cells(choice).values())] for choice in choices]
    assert figures == [(50, 7), (52, 6.5), (90, 4)]  # one that burns little more, and the fastest; (80, 6) is neither


def test_each_netlist_is_tried_once(frame, candidates):
    tried = []

    def weigh(netlist):
        tried.append(json.dumps(netlist))
        return _weigh(netlist)

    choose(frame, "t", candidates * 2, "u", weigh, 3)
    assert len(tried) == len(set(tried))


def test_choices_become_candidates(frame, candidates):
    choices = choose(frame, "t", candidates, "u", _weigh, 3)
    found = assembled(frame, "t", choices, library.load("asap7"))
    netlists = [json.loads(each.source.read_text()) for each in found]
    assert [_weigh(netlist) for netlist in netlists] == [FIGURES[tuple(_cells(choice).values())] for choice in choices]
    assert all(each.script.startswith("a frame; ") for each in found)
    assert netlists[0]["modules"]["t"] == json.loads(frame.source.read_text())["modules"]["t"]


def test_a_lane_may_have_modules_of_its_own(tmp_path):
    """A rounded product stands in a module inside the lane, which is then no leaf."""
    design, store = parse("tile_exact_e2m2_flush_r2_2x2_w5"), Store(tmp_path)
    own = Unit(design, written(design, store), operands("recording"), Options(effort="low", vectors=200))
    points = own.measure(["asap7"], store)["asap7"]["points"]
    assert points and all("prod_" in point["script"] for point in points)
