"""Netlists with modules that have wires straight through them: nets that a module joins are one net."""

import numpy as np
import pytest
from gates import small
from lmul.synth.activity import simulate
from lmul.synth.netlist import CONST0, CONST1, Netlist
from lmul.synth.timing import analyse

LIB = small()


def port(way, *bits):
    return {"direction": way, "bits": list(bits)}


def cell(kind, **pins):
    return {"type": kind, "connections": {pin: [bit] for pin, bit in pins.items()}}


def inverter(source, target):
    return cell("INVX1", A=source, Y=target)


#: One input to two outputs, and a constant.
THROUGH = {"ports": {"i": port("input", 2), "o": port("output", 2), "again": port("output", 2),
                     "one": port("output", "1")}, "cells": {}, "netnames": {}}


def read(ports, cells, **modules):
    top = {"attributes": {"top": "00000001"}, "ports": ports, "cells": cells, "netnames": {}}
    return Netlist.read({"modules": {"through": THROUGH, **modules, "top": top}}, LIB)


def nets(netlist, name):
    return netlist.ports[name][1].tolist()


def outputs(netlist, **inputs):
    """What the outputs settle to, in zero-delay simulation."""
    codes = {name: np.array([0, *values]) for name, values in inputs.items()}
    found = simulate(netlist, analyse(netlist), codes, "zero").outputs
    return {name: [int(code) for code in found[name]][1:] for name in netlist.outputs}


def test_a_wire_through_a_module_joins_its_nets():
    netlist = read({"a": port("input", 2), "y": port("output", 9)},
                   {"first": inverter(2, 3), "wires": cell("through", i=3, o=4), "last": inverter(4, 9)})
    assert netlist.instances == ["first", "last"]
    assert netlist.pin_nets(0)["Y"] == netlist.pin_nets(1)["A"]
    assert outputs(netlist, a=[0, 1]) == {"y": [0, 1]}


def test_one_wire_to_several_outputs_of_a_module():
    netlist = read({"a": port("input", 2), "y": port("output", 3), "z": port("output", 4)},
                   {"wires": cell("through", i=2, o=3, again=4)})
    assert nets(netlist, "a") == nets(netlist, "y") == nets(netlist, "z") and netlist.instances == []


def test_wires_through_modules_in_a_row_and_inside_each_other():
    outer = {"ports": {"i": port("input", 5), "o": port("output", 7)}, "netnames": {},
             "cells": {"one": cell("through", i=5, o=6), "two": cell("through", i=6, o=7)}}
    netlist = read({"a": port("input", 2), "y": port("output", 6)},
                   {"gate": inverter(2, 3), "far": cell("outer", i=4, o=5), "near": cell("through", i=3, o=4),
                    "end": inverter(5, 6)}, outer=outer)
    assert outputs(netlist, a=[1, 0]) == {"y": [1, 0]}
    assert len(set(netlist.net_names)) == len(netlist.net_names) == 5  # two constants, a, the wire, y


def test_a_constant_comes_out_of_a_module():
    netlist = read({"a": port("input", 2), "y": port("output", 4), "z": port("output", 3)},
                   {"wires": cell("through", i=2, one=3), "gate": cell("NAND2X1", A=2, B=3, Y=4)})
    assert nets(netlist, "z") == [CONST1] and netlist.pin_nets(0)["B"] == CONST1
    assert outputs(netlist, a=[0, 1]) == {"y": [1, 0], "z": [1, 1]}


def test_a_constant_goes_through_a_module():
    netlist = read({"a": port("input", 2), "y": port("output", 4)},
                   {"wires": cell("through", i="0", o=3), "gate": cell("NAND2X1", A=2, B=3, Y=4)})
    assert netlist.pin_nets(0)["B"] == CONST0 and outputs(netlist, a=[0, 1]) == {"y": [1, 1]}


def test_two_drivers_on_one_wire_are_refused():
    with pytest.raises(ValueError, match="^A net must have one driver, '.*' has more$"):
        read({"a": port("input", 2), "b": port("input", 3), "y": port("output", 5)},
             {"one": inverter(2, 4), "two": inverter(3, 5), "wires": cell("through", i=4, o=5)})


def test_verilog_of_joined_nets_names_each_once(tmp_path):
    netlist = read({"a": port("input", 2), "y": port("output", 3), "z": port("output", 9)},
                   {"wires": cell("through", i=2, o=3), "gate": inverter(3, 9)})
    netlist.write_verilog(tmp_path / "n.v")
    text = (tmp_path / "n.v").read_text()
    assert "  assign y = a;\n" in text and "(.A(a), .Y(z));" in text and "wire" not in text
