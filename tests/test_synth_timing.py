"""Netlists and their static timing: by hand, and against OpenSTA."""

import re
from dataclasses import replace

import numpy as np
import pytest
from gates import SMALL, Builder, multiplier, opensta, real_paths, small
from lmul.synth import library
from lmul.synth.netlist import Netlist
from lmul.synth.timing import Constraints, analyse

LIB = small()
QUIET = Constraints(output_load_ff=3.0)


def chain():
    """a -> INVX1 -> y, and -> INVX2 -> z."""
    build = Builder(LIB, "chain")
    (a,) = build.input("a")
    y = build.gate(LIB.cells["INVX1"], a)
    z = build.gate(LIB.cells["INVX2"], y)
    build.output("z", [z])
    return build.netlist(), y, z


# Netlists


def test_yosys_json_is_flattened_under_plain_names():
    leaf = {"ports": {"i": {"direction": "input", "bits": [2]}, "o": {"direction": "output", "bits": [3]}},
            "cells": {"$abc$1$x": {"type": "INVX1", "connections": {"A": [2], "Y": [4]}},
                      "keep": {"type": "INVX1", "connections": {"A": [4], "Y": [3]}}},
            "netnames": {"middle": {"bits": [4], "hide_name": 0}}}
    top = {"attributes": {"top": "00000001"},
           "ports": {"p": {"direction": "output", "bits": [7, "0", 5]}, "x": {"direction": "input", "bits": [5, 6]}},
           "cells": {"one": {"type": "leaf", "connections": {"i": [5], "o": [8]}},
                     "two": {"type": "leaf", "connections": {"i": [8], "o": [7]}}}}
    netlist = Netlist.read({"modules": {"leaf": leaf, "top": top}}, LIB)
    assert netlist.instances == ["one__g0", "one__keep", "two__g2", "two__keep"]
    assert netlist.modules == ["one", "one", "two", "two"]
    assert netlist.ports["p"][1].tolist()[1] == 0 and netlist.ports["p"][1][2] == netlist.ports["x"][1][0]
    assert "one__middle" in netlist.net_names and netlist.count == {"INVX1": 4} and netlist.area_um2 == 4
    assert (netlist.inputs, netlist.outputs, netlist.clock, netlist.flip_flops) == (["x"], ["p"], None, 0)


def test_verilog_written_is_what_was_read(tmp_path):
    netlist = multiplier(LIB, 2, registered=True)
    netlist.write_verilog(tmp_path / "n.v")
    text = (tmp_path / "n.v").read_text()
    assert text.startswith("module multiplier (clk, a, b, p);\n") and text.count(";\n") > len(netlist.kind)
    for i, name in enumerate(netlist.instances):
        assert re.search(rf"^  {netlist.cells[netlist.kind[i]].name} {name} \(\.", text, re.MULTILINE)


def _broken(change):
    def build():
        netlist = Builder(LIB)
        a, b = netlist.input("a")[0], netlist.input("b")[0]
        y = netlist.gate(LIB.cells["NAND2X1"], a, b)
        netlist.output("y", [y])
        change(netlist, a, b, y)
        return netlist.netlist()

    return build


@pytest.mark.parametrize("build, message", [
    (_broken(lambda n, a, b, y: n.instances.append(("v", "", "INVX1", {"A": a, "Y": y}))),
     "A net must have one driver, 'n4' has more"),
    (_broken(lambda n, a, b, y: n.instances.append(("v", "", "INVX1", {"A": n.net("open"), "Y": n.net()}))),
     "A net must have a driver, 'open' has none"),
    (_broken(lambda n, a, b, y: n.instances.append(("v", "", "INVX1", {"Q": a}))),
     "Pins of INVX1 must be A, Y, not 'Q' (v)"),
    (_broken(lambda n, a, b, y: n.instances.append(("v", "", "LATX1", {}))),
     "Cell must be one that small offers to logic, not 'LATX1': it has a latch group"),
    (_broken(lambda n, a, b, y: n.instances.append(("v", "", "INVX9", {}))),
     "Cell must be one that small offers to logic, not 'INVX9': the library has no such cell"),
    (_broken(lambda n, a, b, y: n.instances.append(("v", "", "INVX1", dict.fromkeys("AY", n.net("loop"))))),
     "Combinational cells must form no loop, 'v' is in one"),
    (_broken(lambda n, a, b, y: [n.flop(a, clock) for clock in (a, b)]),
     "Registers must have one clock, an input of one bit, not a, b"),
    (_broken(lambda n, a, b, y: n.flop(a, y)), "Registers must have one clock, an input of one bit, not n4"),
])
def test_what_is_no_netlist_is_refused(build, message):
    with pytest.raises(ValueError) as error:
        build()
    assert str(error.value) == message


def test_json_that_is_no_netlist_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ValueError, match="^Netlist must be a readable JSON file, not '.*x.json': "):
        Netlist.read(tmp_path / "x.json", LIB)
    with pytest.raises(ValueError, match="^Netlist must mark one top module, not 0 of 0$"):
        Netlist.read({}, LIB)
    with pytest.raises(ValueError, match="^Top module must be one of none, not 'top'$"):
        Netlist.read({}, LIB, "top")
    word = {"modules": {"t": {"ports": {}, "cells": {"c": {"type": "$add", "connections": {"A": [2, 3]}}}}}}
    with pytest.raises(ValueError, match=r"^Netlist must be mapped to cells, 'c' is a '\$add'$"):
        Netlist.read(word, LIB)


# Timing by hand


def test_a_chain_of_two():
    netlist, y, z = chain()
    timing = analyse(netlist, constraints=replace(QUIET, input_slew_ps=30.0))
    one, two = LIB.cells["INVX1"].arcs[0], LIB.cells["INVX2"].arcs[0]
    load = LIB.cells["INVX2"].pins["A"].capacitance
    for rf in (0, 1):  # of z; y moves the other way
        first, middle = one.delay[1 - rf](30, load[1 - rf]), one.slew[1 - rf](30, load[1 - rf])
        assert timing.load[y, 1 - rf] == pytest.approx(load[1 - rf]) and timing.load[z, rf] == 3
        assert timing.slew[y, 1 - rf] == pytest.approx(middle)
        assert timing.arrival[z, rf] == pytest.approx(first + two.delay[rf](middle, 3.0))
        assert timing.slew[z, rf] == pytest.approx(two.slew[rf](middle, 3.0))
    assert timing.delay_ps == timing.arrival[z].max() and timing.groups == {"input_to_output": timing.delay_ps}
    assert timing.min_period_ps is None and timing.fmax_mhz is None
    assert [(stage.pin, stage.cell) for stage in timing.path] == [("a", None), ("u0/Y", "INVX1"), ("u1/Y", "INVX2")]
    assert [stage.edge for stage in timing.path] in (["rise", "fall", "rise"], ["fall", "rise", "fall"])
    assert sum(stage.delay_ps for stage in timing.path) == pytest.approx(timing.delay_ps)
    assert timing.path[-1].load_ff == 3 and timing.path[-1].arrival_ps == timing.delay_ps


def test_a_driving_cell_costs_what_the_load_adds():
    netlist, y, z = chain()
    timing = analyse(netlist, constraints=replace(QUIET, driving_cell="BUFX1"))
    arc, load = LIB.cells["BUFX1"].arcs[0], LIB.cells["INVX1"].pins["A"].capacitance
    a = netlist.ports["a"][1][0]
    for rf in (0, 1):
        assert timing.arrival[a, rf] == pytest.approx(arc.delay[rf](0, load[rf]) - arc.delay[rf](0, 0))
        assert timing.slew[a, rf] == pytest.approx(arc.slew[rf](0, load[rf]))


def test_the_worst_conditional_arc_and_slew_count():
    build = Builder(LIB)
    a, b = build.input("a")[0], build.input("b")[0]
    y = build.gate(LIB.cells["XOR2X1"], a, b)
    build.output("y", [y])
    timing = analyse(build.netlist(), constraints=replace(QUIET, input_slew_ps=20.0))
    arcs = LIB.cells["XOR2X1"].arcs
    for rf in (0, 1):
        assert timing.arrival[y, rf] == pytest.approx(max(arc.delay[rf](20, 3.0) for arc in arcs))
        assert timing.slew[y, rf] == pytest.approx(max(arc.slew[rf](20, 3.0) for arc in arcs))


def test_setup_and_clock_to_output():
    build = Builder(LIB)
    clock, d = build.input("clk")[0], build.input("d")[0]
    flop = LIB.cells["DFFNX1"]
    q = build.net("q")
    build.instances.append(("r", "", "DFFNX1", {"D": d, "CK": clock, "QN": q}))
    y = build.gate(LIB.cells["INVX1"], q)
    build.instances.append(("s", "", "DFFNX1", {"D": y, "CK": clock, "QN": build.net("p")}))
    build.output("p", [build.net_names.index("p")])
    netlist = build.netlist()
    timing = analyse(netlist, constraints=replace(QUIET, clock_slew_ps=25.0))
    assert set(timing.groups) == {"input_to_register", "register_to_register", "register_to_output"}
    clk_to_q, inv = flop.arcs[0], LIB.cells["INVX1"].arcs[0]
    worst = 0
    for rf in (0, 1):  # of y
        load = LIB.cells["INVX1"].pins["A"].capacitance[1 - rf]
        slew, to = clk_to_q.slew[1 - rf](25, load), flop.pins["D"].capacitance[rf]
        arrival = clk_to_q.delay[1 - rf](25, load) + inv.delay[rf](slew, to)
        worst = max(worst, arrival + flop.checks[0].time[rf](25, inv.slew[rf](slew, to)))
    assert timing.groups["register_to_register"] == pytest.approx(worst)
    assert timing.delay_ps == timing.min_period_ps == max(timing.groups.values())
    assert timing.fmax_mhz == pytest.approx(1e6 / timing.delay_ps)
    assert netlist.clock == "clk" and netlist.inputs == ["d"]


def test_a_wire_load_is_capacitance_by_fanout():
    netlist, y, z = chain()
    bare = analyse(netlist, constraints=QUIET)
    loaded = analyse(netlist, constraints=replace(QUIET, wire_load="short"))
    assert loaded.load[y] - bare.load[y] == pytest.approx([2, 2])  # 10 units of length, 0.2 fF each
    assert loaded.delay_ps > bare.delay_ps
    build = Builder(LIB)
    (a,) = build.input("a")
    build.output("y", [build.gate(build.inv, a) for _ in range(7)])
    netlist = build.netlist()
    bare, loaded = (analyse(netlist, constraints=replace(QUIET, wire_load=wire)).load for wire in (None, "short"))
    assert (loaded - bare)[a] == pytest.approx([9, 9])  # 30 units for 4, then a slope of 5 each
    with pytest.raises(ValueError, match="^Wire load must be one of short, not 'long'$"):
        analyse(netlist, constraints=replace(QUIET, wire_load="long"))


def test_constants_start_no_path():
    build = Builder(LIB)
    (a,) = build.input("a")
    build.output("y", [build.gate(build.nand, a, 1), 0, a])
    timing = analyse(build.netlist(), constraints=QUIET)
    assert timing.path[0].pin == "a" and timing.delay_ps > 0
    build = Builder(LIB)
    build.output("y", [1])
    assert analyse(build.netlist(), constraints=QUIET).delay_ps == 0 and analyse(build.netlist()).path == []


def test_a_falling_edge_register_is_refused():
    build = Builder(LIB)
    clock, d = build.input("clk")[0], build.input("d")[0]
    build.instances.append(("r", "", "DFFFX1", {"D": d, "CK": clock, "Q": build.net()}))
    with pytest.raises(ValueError, match="^Registers must take data at the rising edge, DFFFX1 does not$"):
        analyse(build.netlist())


# Against OpenSTA


def reported(text):
    """Arrival and setup of the path that report_checks prints."""
    arrival = float(re.search(r"([-\d.]+) +data arrival time", text)[1])
    setup = re.search(r"([-\d.]+) +[-\d.]+ +library setup time", text)
    stages = re.findall(r"^ +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+) [v^] (\S+) \(", text, re.MULTILINE)
    return arrival - (float(setup[1]) if setup else 0), stages


CHECKS = "report_checks -path_delay max -format full -fields {slew cap} -digits 4"


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("wire_load", [None, "short"])
def test_opensta_agrees_on_the_small_library(tmp_path, registered, wire_load):
    netlist = multiplier(LIB, 5, registered)
    timing = analyse(netlist, constraints=Constraints.default(LIB, wire_load))
    delay, stages = reported(opensta(tmp_path, [SMALL], netlist, timing, CHECKS))
    assert delay == pytest.approx(timing.delay_ps, rel=1e-5)
    ours = [stage for stage in timing.path if stage.load_ff is not None]
    assert [stage[4] for stage in stages] == [stage.pin for stage in ours if stage.pin != "clk"]
    for (load, slew, _, at, _), stage in zip(stages, [s for s in ours if s.pin != "clk"], strict=True):
        assert (float(load), float(slew), float(at)) == pytest.approx((stage.load_ff, stage.slew_ps, stage.arrival_ps),
                                                                      abs=2e-4, rel=1e-5)


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("technology", library.EMBEDDED)
def test_opensta_agrees_on_real_libraries(tmp_path, technology, registered):
    paths = real_paths(technology)
    lib = library.load(None, paths)
    netlist = multiplier(lib, 6, registered)
    timing = analyse(netlist)
    delay, _ = reported(opensta(tmp_path, paths, netlist, timing, CHECKS))
    assert delay == pytest.approx(timing.delay_ps, rel=1e-5)


@pytest.mark.parametrize("technology", library.EMBEDDED)
def test_opensta_agrees_on_full_adders(tmp_path, technology):
    """In ASAP7 the sum is also timed from the carry, which here goes on to the next."""
    paths = real_paths(technology)
    lib = library.load(None, paths)
    adder, build, sums = lib.full_adder, Builder(lib), []
    a, b, [carry] = build.input("a", 8), build.input("b", 8), build.input("c")
    for x, y in zip(a, b, strict=True):
        pins = dict(zip(adder.cell.inputs, (x, y, carry), strict=True))
        pins |= {adder.sum: build.net(), adder.carry: build.net()}
        build.instances.append((f"u{len(build.instances)}", "", adder.cell.name, pins))
        sums.append(pins[adder.sum])
        carry = pins[adder.carry]
    build.output("s", sums)
    netlist = build.netlist()
    timing = analyse(netlist)
    delay, _ = reported(opensta(tmp_path, paths, netlist, timing, CHECKS))
    assert delay == pytest.approx(timing.delay_ps, rel=1e-5)


@pytest.mark.parametrize("technology", library.EMBEDDED)
def test_opensta_agrees_on_what_is_handed_over(tmp_path, technology):
    lib = library.load(technology)
    lib.write_liberty(tmp_path / "cells.lib", full=True)
    netlist = multiplier(lib, 6, registered=True)
    timing = analyse(netlist)
    (tmp_path / "sta").mkdir()
    delay, _ = reported(opensta(tmp_path / "sta", [tmp_path / "cells.lib"], netlist, timing, CHECKS))
    assert delay == pytest.approx(timing.delay_ps, rel=1e-5)


@pytest.mark.parametrize("technology", library.EMBEDDED)
def test_embedded_delays_are_those_of_the_full_library(technology):
    full, embedded = library.load(None, real_paths(technology)), library.load(technology)
    for registered in (False, True):
        one, two = (analyse(multiplier(lib, 6, registered)) for lib in (full, embedded))
        assert one.netlist.area_um2 == pytest.approx(two.netlist.area_um2, rel=1e-6)
        assert two.delay_ps == pytest.approx(one.delay_ps, rel=0.05)


def test_forty_thousand_cells_take_seconds():
    lib = library.load("asap7")
    build = Builder(lib)
    nets = build.input("a", 8)
    rng = np.random.default_rng(0)
    for _ in range(40_000):
        x, y = rng.integers(max(0, len(nets) - 400), len(nets), 2)
        nets.append(build.gate(build.nand, nets[x], nets[y]))
    build.output("y", nets[-8:])
    netlist = build.netlist()
    analyse(multiplier(lib, 2))  # compiles
    import time

    start = time.process_time()
    assert analyse(netlist).delay_ps > 0
    assert time.process_time() - start < 3
