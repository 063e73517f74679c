"""Drivers of a design's parts have the size that what they drive asks for."""

import pytest
from lmul.synth import library
from lmul.synth.driving import sized

COLUMNS = 40


def modules(lib, kind, cell, columns=COLUMNS):
    """A register, an inverter and a driver of so many columns; another such driver that leads to no column."""
    inverter, flop = lib.smallest("inverter"), lib.cell(lib.flops[0])
    ends = {"buffer": cell, "inverter": inverter}[kind]

    def instance(about, taken, given):
        return {"type": about.name, "connections": {about.inputs[0]: [taken], about.outputs[0]: [given]}}

    column = {"ports": {"x": {"direction": "input", "bits": [2]}, "o": {"direction": "output", "bits": [3]}},
              "cells": {"first": instance(inverter, 2, 3)}}
    cells = {"register": {"type": flop.name, "connections": {
        flop.flop.clock: [2], flop.flop.data: [3], flop.outputs[0]: [4]}}}
    cells |= {"before": instance(inverter, 4, 5), "driver": instance(ends, 5, 6), "alone": instance(cell, 4, 7)}
    cells |= {f"column_{n}": {"type": "column", "connections": {"x": [6], "o": [100 + n]}} for n in range(columns)}
    return {"top": {"ports": {}, "cells": cells}, "column": column}


@pytest.fixture(params=["asap7", "sky130hd"])
def lib(request):
    return library.load(request.param)


@pytest.mark.parametrize("kind", ["buffer", "inverter"])
def test_a_driver_of_many_columns_grows_and_what_drives_it_too(lib, kind):
    weakest = min((cell for cell in lib.cells.values() if lib.kind(cell.name) == "buffer"),
                  key=lambda cell: cell.pins[cell.inputs[0]].capacitance[0])
    before = modules(lib, kind, weakest)
    cells = sized(before, "top", lib)["cells"]
    load = COLUMNS * max(lib.smallest("inverter").pins[lib.smallest("inverter").inputs[0]].capacitance)
    driver = lib.driver(kind, load)
    assert cells["driver"]["type"] == driver.name != before["top"]["cells"]["driver"]["type"]
    assert cells["driver"]["connections"] == {driver.inputs[0]: [5], driver.outputs[0]: [6]}
    assert cells["before"]["type"] == lib.driver("inverter", max(driver.pins[driver.inputs[0]].capacitance)).name
    assert {name: cells[name] for name in ("register", "alone", "column_0")} == {
        name: before["top"]["cells"][name] for name in ("register", "alone", "column_0")}


def test_a_driver_of_little_is_small(lib):
    strongest = lib.driver("buffer", 1000.0)
    cells = sized(modules(lib, "buffer", strongest, 1), "top", lib)["cells"]
    assert lib.cell(cells["driver"]["type"]).area < strongest.area


def test_what_is_a_driver():
    lib = library.load("asap7")
    assert lib.kind(lib.driving_cell.name) == "buffer" and lib.kind(lib.smallest("inverter").name) == "inverter"
    assert lib.kind(lib.reference_nand2.name) is None and lib.kind("nothing") is None
