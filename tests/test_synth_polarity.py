"""Full adders of inverted outputs: netlists compute the same, with hardly an inverter between them."""

import itertools
import json
import random

import pytest
from lmul.hdl.designs import parse
from lmul.hdl.verilog import generate_many
from lmul.synth import library, mapping
from lmul.synth.polarity import BOX, _Adders, with_inverted_outputs


def a_module(chance, adders, inputs=4):
    """Full adders that take any of what is there, some through an inverter or two, one of them twice."""
    cells, there, fresh = {}, list(range(2, 2 + inputs)), itertools.count(2 + inputs)
    ports = {"i": {"direction": "input", "bits": list(there)}}

    def taken():
        bit = chance.choice(there)
        for _ in range(chance.choice((0, 0, 1, 2))):
            given = next(fresh)
            cells[f"not_{given}"] = {"type": "$_NOT_", "connections": {"A": [bit], "Y": [given]}}
            bit = given
        return bit

    for n in range(adders):
        pins = {pin: [taken()] for pin in "abc"} | {"sum": [next(fresh)], "carry": [next(fresh)]}
        cells[f"adder_{n}"] = {"type": BOX, "connections": pins}
        there += pins["sum"] + pins["carry"]
    left = [next(fresh) for _ in range(2)]
    cells["gate"] = {"type": "$_AND_", "connections": {"A": [there[-1]], "B": [there[0]], "Y": [left[0]]}}
    cells["last"] = {"type": "$_NOT_", "connections": {"A": [there[-2]], "Y": [left[1]]}}
    out = [*left, *(chance.choice(there) for _ in range(4))]
    ports["o"] = {"direction": "output", "bits": out}
    return {"ports": ports, "cells": cells, "netnames": {"all": {"bits": list(range(2, next(fresh)))}}}


def outputs(module, given, inverts):
    """What a module gives; ``inverts``: whether its full adders invert what they give."""
    values = {"0": 0, "1": 1} | dict(zip(module["ports"]["i"]["bits"], given, strict=True))
    waiting = dict(module["cells"])
    while waiting:
        ready = [name for name, cell in waiting.items() if all(
            bits[0] in values for pin, bits in cell["connections"].items() if pin not in ("Y", "sum", "carry"))]
        assert ready
        for name in ready:
            cell = waiting.pop(name)
            pins = {pin: values.get(bits[0]) for pin, bits in cell["connections"].items()}
            if cell["type"] == BOX:
                total = pins["a"] + pins["b"] + pins["c"]
                values[cell["connections"]["sum"][0]] = total & 1 ^ inverts
                values[cell["connections"]["carry"][0]] = total >> 1 ^ inverts
            else:
                given = 1 - pins["A"] if cell["type"] == "$_NOT_" else pins["A"] & pins["B"]
                values[cell["connections"]["Y"][0]] = given
    return [values[bit] for bit in module["ports"]["o"]["bits"]]


@pytest.mark.parametrize("adders", [1, 2, 5, 12])
def test_what_is_computed_stays(adders, seed):
    chance = random.Random(seed + adders)
    for _ in range(20):
        module = a_module(chance, adders)
        there = with_inverted_outputs({"m": module})["m"]
        for given in itertools.product((0, 1), repeat=4):
            assert outputs(there, given, True) == outputs(module, given, False)


def test_no_way_to_turn_few_of_them_needs_fewer_inverters(seed):
    chance, sums = random.Random(seed), [0, 0]
    for _ in range(30):
        adders = _Adders(a_module(chance, 6))
        best = min(adders.inverters(set(some)) for n in range(7) for some in itertools.combinations(adders.names, n))
        found = adders.inverters(adders.turned())
        assert best <= found <= adders.inverters(set())
        sums[0] += best
        sums[1] += found
    assert sums[1] <= 1.1 * sums[0]  # not each time the best


def test_a_module_without_full_adders_stays_as_it_is():
    module = a_module(random.Random(1), 0)
    assert with_inverted_outputs({"m": module}) == {"m": module}


def test_trees_are_left_with_few_inverters(tmp_path):
    design = parse("dot_int4_int32_16")
    generate_many([design], tmp_path)
    lib = library.load("asap7")
    assert lib.full_adder.inverts and not library.load("sky130hd").full_adder.inverts
    mapped = mapping.map_design(design, tmp_path / f"{design.slug}.v", {"asap7": lib}, "low", tmp_path)
    counted = []
    for each in mapped.netlists["asap7"]:
        for module in json.loads(each.source.read_text())["modules"].values():
            types = [cell["type"] for cell in module["cells"].values()]
            having = types.count(lib.full_adder.cell.name)
            if having > 8:
                counted.append(having)
                assert sum(lib.kind(each) == "inverter" for each in types) < 1.5 * having  # 2 for each, and more
    assert counted
