"""Clock gates: which cells they are, which registers get them, and that netlists with them do what the Verilog says."""

import json
from dataclasses import replace

import numpy as np
import pytest
from gates import FIXTURES, SMALL, Builder, opensta, small
from lmul.claims.figures import Figures
from lmul.cli.main import main
from lmul.hdl.designs import parse
from lmul.hdl.structures import STRUCTURES
from lmul.synth import gating, library, mapping, table_file
from lmul.synth.activity import simulate
from lmul.synth.activity_files import write_saif, write_vcd
from lmul.synth.characterise import compact
from lmul.synth.energy import estimate
from lmul.synth.measure import run_report
from lmul.synth.netlist import CONST1, Netlist
from lmul.synth.netlists import not_gated
from lmul.synth.options import Options
from lmul.synth.proof import prove, references
from lmul.synth.roles import Roles
from lmul.synth.timing import Constraints, analyse

GATES = FIXTURES / "gates.lib"
SHELL = "mac_lmul_e2m1_fixed16"  # Verilog of our own is mapped as that of a registered design, under its name
#: Two modules that share an enable with a register of the top: 10 registers. ``other`` has 2 of its own, too few, and 2
#: alike, which mapping joins with these.
VERILOG = f"""
module held(input clk, input en, input [3:0] d, output reg [3:0] q);
  always @(posedge clk) if (en) q <= d;
endmodule
module {SHELL}(input clk, input rst, input en, input go, input other, input [3:0] a, input [3:0] b, input [1:0] c,
               output [3:0] p, output [3:0] q, output reg [1:0] r, output reg [1:0] s, output reg [1:0] t,
               output reg [3:0] count);
  wire both;
  assign both = en & go;
  held x(.clk(clk), .en(both), .d(a ^ b), .q(p));
  held y(.clk(clk), .en(both), .d(a + b), .q(q));
  always @(posedge clk) begin
    if (both) s <= c;
    if (other) r <= c;
    if (other) t <= c;
    count <= rst ? 4'd0 : count + 4'd1;
  end
endmodule
"""
CYCLES = 400


def toy():
    """The test library with clock gates."""
    return library.read([SMALL, GATES])


LIBRARIES = {"small": toy, "asap7": lambda: library.load("asap7"), "sky130hd": lambda: library.load("sky130hd")}


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """Libraries, and `VERILOG` mapped to each, without and with gates."""
    folder = tmp_path_factory.mktemp("gating")
    (folder / "design.v").write_text(VERILOG)
    libraries = {name: load() for name, load in LIBRARIES.items()}
    return libraries, mapping.map_design(parse(SHELL), folder / "design.v", libraries, "low", folder,
                                         gated=list(libraries))


def netlists(mapped, name, gated=True):
    libraries, found = mapped
    some = (found.gated if gated else found.netlists)[name]
    return [Netlist.read(each.source, libraries[name]) for each in some]


def stimulus(seed, share):
    """Random inputs, ``go`` at 1 in that share of the cycles; reset in the first two."""
    rng = np.random.default_rng(seed)
    inputs = {name: rng.integers(0, 1 << width, CYCLES) for name, width in
              (("en", 1), ("other", 1), ("a", 4), ("b", 4), ("c", 2))}
    return inputs | {"go": (rng.random(CYCLES) < share).astype(int), "rst": (np.arange(CYCLES) < 2).astype(int)}


def expected(inputs):
    """What `VERILOG` puts out at the end of each cycle, from registers at 0."""
    p = q = r = s = count = 0
    found = {name: [] for name in ("p", "q", "r", "s", "t", "count")}
    for n in range(CYCLES):
        for name, value in zip(found, (p, q, r, s, r, count), strict=True):
            found[name].append(value)
        now = {name: int(codes[n]) for name, codes in inputs.items()}
        if now["en"] and now["go"]:
            p, q, s = now["a"] ^ now["b"], now["a"] + now["b"] & 15, now["c"]
        r = now["c"] if now["other"] else r
        count = 0 if now["rst"] else count + 1 & 15
    return found


def spent(netlist, inputs, period_ps=20_000):
    """An activity, and fJ per cycle with what the clock's net takes."""
    timing = analyse(netlist)
    activity = simulate(netlist, timing, inputs, period_ps=period_ps)
    found = estimate(netlist, timing, activity)
    return activity, found.energy_fj_per_op + found.by_kind["clock_net"]


def test_which_cells_are_clock_gates():
    lib = toy()
    assert list(lib.gates) == ["GATEX1", "GATETX1"] and not set(lib.gates) & set(lib.cells)
    gate = lib.gates["GATETX1"].gate
    assert (gate.clock, gate.enable, gate.output, gate.tests) == ("CK", "EN", "Y", ("SE",))
    assert lib.clock_gate.name == "GATEX1" and lib.clock_gate.gate.tests == ()
    assert lib.has("GATEX1") and lib.cell("GATEX1").clocked and "GATEX1" not in lib.offered
    assert all(lib.left_out[name] == "it is a special-purpose cell" for name in ("GATENX1", "GATEOX1", "GATEMX1"))
    assert lib.faults["GATESX1"] == ("gates.lib: cell GATESX1: pin EN: timing of timing_type setup_rising to CK must "
                                     "be stated, rise_constraint, fall_constraint are missing")
    assert library.without(lib, "GATEX*").clock_gate.name == "GATETX1"
    assert library.without(lib, "GATE*").clock_gate is None is small().clock_gate


@pytest.mark.parametrize("technology, name", [("asap7", "ICGx1_ASAP7_75t_R"),
                                              ("sky130hd", "sky130_fd_sc_hd__dlclkp_1")])
def test_embedded_tables_have_theirs(technology, name):
    lib = library.load(technology)
    assert list(lib.gates) == [name] and name not in lib.offered
    assert name not in lib.cells and lib.cell(name).checks and lib.cell(name).powers


@pytest.mark.parametrize("written", ["table", "compact", "liberty"])
def test_a_clock_gate_is_read_as_it_was_written(tmp_path, written):
    lib = library.without(toy(), "GATEX1")  # that with a test pin
    if written == "table":
        table_file.write(lib, tmp_path / "t.json")
        back = table_file.read(tmp_path / "t.json")
    elif written == "compact":
        back = compact(lib)
    else:
        lib.write_liberty(tmp_path / "t.lib", full=True)
        back = library.read([tmp_path / "t.lib"])
    old, new = lib.clock_gate, back.clock_gate
    assert back.offered == lib.offered and old.gate.tests == ("SE",)
    assert (new.gate, new.area, new.inputs) == (old.gate, old.area, old.inputs)
    assert [new.pins[pin].capacitance for pin in new.pins] == [pytest.approx(old.pins[pin].capacitance)
                                                               for pin in new.pins]
    assert new.pins["Y"].max_capacitance == pytest.approx(50)
    assert [(k.pin, k.clock, k.edge) for k in new.checks] == [(k.pin, k.clock, k.edge) for k in old.checks]
    assert float(new.checks[0].time[0](10, 10)) == pytest.approx(80)
    assert {(p.pin, p.when) for p in new.powers} == {(p.pin, p.when) for p in old.powers}
    assert dict(new.leakage) == pytest.approx(dict(old.leakage))


def test_mappers_do_not_see_them(tmp_path):
    toy().write_liberty(tmp_path / "t.lib")
    assert "GATE" not in (tmp_path / "t.lib").read_text()


def words(**cells):
    """A module of Yosys' JSON with these cells and a port each for the nets 2 to 5."""
    ports = {name: {"direction": "input", "bits": [bit]} for bit, name in enumerate("abcd", 2)}
    return {"ports": ports, "cells": cells}


def register(width, clock, enable, polarity="1"):
    return {"type": "$dffe", "parameters": {"EN_POLARITY": polarity},
            "connections": {"CLK": [clock], "EN": [enable], "D": list(range(50, 50 + width)),
                            "Q": list(range(90, 90 + width))}}


def use(module, *nets):
    return {"type": module, "parameters": {}, "connections": dict(zip("abcd", ([net] for net in nets), strict=False))}


def test_registers_are_counted_through_modules(monkeypatch):
    monkeypatch.setattr(gating, "LEAST", 6)
    modules = {
        "row": words(r=register(2, 2, 3), alone=register(5, 2, 4), down=register(3, 2, 3, "0")),
        "top": words(one=use("row", 2, 3, 4), two=use("row", 2, 3, 5), own=register(2, 2, 3), both=use("pair", 2, 3)),
        "pair": words(most=register(3, 2, 3), wide=register(6, 3, 2)),
    }
    assert gating.chosen(modules, "top") == {("row", "r"), ("row", "down"), ("top", "own"), ("pair", "most"),
                                             ("pair", "wide")}
    modules["top"]["cells"] |= {"two": use("row", 2, 5, 4)}  # too few in one copy of ``r`` and ``down``: in none
    assert gating.chosen(modules, "top") == {("top", "own"), ("pair", "most"), ("pair", "wide"), ("row", "alone")}


def test_a_mark_stands_before_its_register():
    text = "module \\top\n  cell $dffe $12\n  end\nend\nmodule \\other\n  cell $dffe $12\n  end\nend"
    assert gating.marked(text, {("other", "$12")}) == text.replace(
        "other\n  cell", "other\n  attribute \\lmul_gated 1\n  cell")


@pytest.mark.parametrize("name", LIBRARIES)
def test_one_enable_in_several_modules_has_one_gate(mapped, name):
    for netlist in netlists(mapped, name):
        assert (netlist.flip_flops, netlist.gated_flip_flops, netlist.clock_gates) == (16, 10, 1)
        assert netlist.clock == "clk" and netlist.count[mapped[0][name].clock_gate.name] == 1
        [gate] = np.flatnonzero(netlist.is_gate).tolist()
        assert netlist.modules[gate] == "" and gate not in netlist.order
        kept = sorted({netlist.origins[i].rpartition(".")[2] or netlist.instances[i] for i in netlist.gate_of})
        assert not any(plain in word for word in kept for plain in ("count", "r_reg"))
        assert set(netlist.pin_net.tolist()) | set(netlist.ports["clk"][1].tolist()) >= set(
            range(2, len(netlist.net_names)))  # no net is left without a pin
    for netlist in netlists(mapped, name, gated=False):
        assert (netlist.flip_flops, netlist.gated_flip_flops, netlist.clock_gates) == (16, 0, 0)


@pytest.mark.parametrize("name", LIBRARIES)
def test_netlists_with_gates_are_their_verilog(mapped, name, seed):
    [reference] = references({SHELL: VERILOG}, registered=True).values()
    some = [*netlists(mapped, name), *netlists(mapped, name, gated=False)]
    assert [verdict.state for verdict in prove(reference, some)] == ["proved"] * len(some)
    inputs = stimulus(seed, 0.5)
    for netlist in some:
        outputs = spent(netlist, inputs)[0].outputs
        assert {port: codes.tolist() for port, codes in outputs.items()} == expected(inputs)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_gate_that_opens_at_the_wrong_time_is_found(mapped, name, seed):
    """Its enable is an input beside the right one; then one that is always 1."""
    [reference] = references({SHELL: VERILOG}, registered=True).values()
    inputs = stimulus(seed, 0.5)
    for wrong in ("other", None):
        netlist = netlists(mapped, name)[0]
        [gate] = np.flatnonzero(netlist.is_gate).tolist()
        cell = netlist.cells[netlist.kind[gate]]
        place = netlist.pin_start[gate] + cell.inputs.index(cell.gate.enable)
        netlist.pin_net[place] = netlist.ports[wrong][1][0] if wrong else CONST1
        [verdict] = prove(reference, [netlist])
        assert verdict.state == "refuted" and verdict.counterexample
        outputs = spent(netlist, inputs)[0].outputs
        assert {port: codes.tolist() for port, codes in outputs.items()} != expected(inputs)


@pytest.mark.parametrize("name", LIBRARIES)
def test_an_idle_enable_saves_energy(mapped, name, seed):
    costs = {}
    for share in (0.05, 1.0):
        inputs = stimulus(seed, share)
        for gated in (False, True):
            costs[share, gated] = min(spent(netlist, inputs)[1] for netlist in netlists(mapped, name, gated))
    assert costs[0.05, True] < 0.85 * costs[0.05, False]
    assert costs[0.05, True] / costs[0.05, False] < costs[1.0, True] / costs[1.0, False]


def test_what_a_gate_and_its_net_do(mapped, seed, tmp_path):
    """Pulses in the cycles before whose edge the enable stood at 1, and energy as the library has it."""
    netlist = netlists(mapped, "small")[0]
    inputs = stimulus(seed, 0.5)
    timing = analyse(netlist)
    activity = simulate(netlist, timing, inputs, period_ps=20_000, record=True)
    opened = (inputs["en"] & inputs["go"])[:-1].sum()  # those of the last cycle show after the end
    [gate] = np.flatnonzero(netlist.is_gate).tolist()
    pins = netlist.pin_nets(gate)
    net, cycles = pins["Y"], CYCLES - 1
    assert activity.toggles[net] == 2 * opened and activity.duty[net] == pytest.approx(opened / cycles / 2)
    times = activity.events[0][activity.events[1] == net]
    assert set((times % 20_000_000).tolist()) == {0, 10_000_000} and len(times) == 2 * opened
    write_saif(activity, tmp_path / "a.saif")
    assert f"(TC {2 * opened})" in (tmp_path / "a.saif").read_text().partition(netlist.instances[gate])[2].split(
        "(INSTANCE")[0].partition("(Y ")[2].split("\n")[0]
    write_vcd(activity, tmp_path / "a.vcd")
    found = estimate(netlist, timing, activity)
    cell, load = netlist.cells[netlist.kind[gate]], timing.load[net].max()
    flop = netlist.library.cells["DFFX1"].pins["CK"].capacitance
    assert load == pytest.approx(10 * max(flop))
    toggles, duty = activity.toggles / cycles, activity.duty
    assert found.instances["switching"][gate] == pytest.approx(0.5 * load * 1.2**2 * toggles[net])
    output = next(power for power in cell.powers if power.pin == "Y")
    inside = sum(float(table(0, load)) for table in output.energy) / 2 * toggles[net]
    inside += 3.5 * 2 * (1 - duty[net]) + 3.5 * toggles[pins["EN"]]
    assert found.instances["internal"][gate] == pytest.approx(inside)
    idle = simulate(netlist, timing, inputs | {"go": 0 * inputs["go"]}, period_ps=20_000)
    assert idle.toggles[net] == 0 == estimate(netlist, timing, idle).instances["switching"][gate]
    gated = sorted(netlist.gate_of)
    assert found.instances["clock_pins"][gated].min() > 0 == estimate(
        netlist, timing, idle).instances["clock_pins"][gated].max()


def test_what_gates_take_has_a_role(mapped, seed):
    netlist = netlists(mapped, "small")[0]
    roles = Roles({SHELL: {"instances": {"x": "held", "y": "held"}, "roles": {"*": "operand registers"}},
                   "held": {"instances": {}, "roles": {"*": "operand registers"}}}, SHELL).of(netlist)
    [gate] = np.flatnonzero(netlist.is_gate).tolist()
    assert roles[gate] == "gating"
    timing = analyse(netlist)
    found = estimate(netlist, timing, simulate(netlist, timing, stimulus(seed, 0.5), period_ps=20_000))
    by_role = found.by_role(roles)
    assert sum(by_role.values()) == pytest.approx(found.energy_fj_per_op)
    assert by_role["gating"] >= sum(found.instances[kind][gate] for kind in ("internal", "switching", "leakage"))
    assert found.by_module(0)[""]["registers"] > 0


@pytest.mark.parametrize("count, parts", [(20, [20]), (32, [32]), (33, [16, 17]), (64, [32, 32]), (65, [21, 22, 22])])
def test_a_gate_has_no_more_registers_than_it_may(count, parts):
    assert sorted(map(len, gating._parts(list(range(count)), 32))) == parts
    lib = toy()
    few = replace(lib.clock_gate, pins=lib.clock_gate.pins | {
        "Y": replace(lib.clock_gate.pins["Y"], max_capacitance=21.0)})
    assert gating._most(few, lib.cells["DFFX1"]) == 8 and gating._most(lib.clock_gate, lib.cells["DFFX1"]) == 19


def test_a_netlist_for_gates_needs_a_library_that_has_one(mapped):
    _, found = mapped
    with pytest.raises(ValueError, match="^Registers can be gated by a library that has a clock gate, not by small$"):
        Netlist.read(found.gated["small"][0].source, small())


def late(lib, depth):
    """A register behind a gate whose enable comes through so many inverters."""
    build = Builder(lib)
    [clock], [data], net = build.input("clk"), build.input("d"), build.input("en")[0]
    for _ in range(depth):
        net = build.gate(build.inv, net)
    gated = build.net("gated")
    build.instances.append(("opener", "", "GATETX1", {"CK": clock, "EN": net, "Y": gated}))
    build.output("q", [build.flop(data, gated)])
    return build.netlist()


def test_an_enable_must_be_there_before_the_clock():
    lib = toy()
    netlist = late(lib, 8)
    timing = analyse(netlist, lib, Constraints(None, 2.0, 10.0))
    last = timing.path[-1]
    assert (last.pin, last.cell) == ("opener/EN", "GATETX1") and timing.path[0].pin == "en"
    assert timing.groups["input_to_register"] == timing.delay_ps > timing.groups["register_to_output"]
    check = lib.gates["GATETX1"].checks[0]
    edge = ("rise", "fall").index(last.edge)
    assert last.delay_ps == pytest.approx(float(check.time[edge](0, last.slew_ps)))
    assert timing.delay_ps == pytest.approx(timing.path[-2].arrival_ps + last.delay_ps)
    clocked = netlist.net_names.index("gated")
    assert not timing.slew[clocked].any() and not timing.arrival[clocked].any()  # the clock is ideal behind it


def test_a_test_pin_in_use_is_refused():
    netlist = late(toy(), 1)
    [gate] = np.flatnonzero(netlist.is_gate).tolist()
    netlist.pin_net[netlist.pin_start[gate] + 2] = CONST1
    with pytest.raises(ValueError, match="^Test pins of clock gates must be held at 0, those of opener are not$"):
        simulate(netlist, analyse(netlist), {"d": [0, 1], "en": [0, 1]})


def test_opensta_has_the_same_delay(tmp_path):
    netlist = late(toy(), 8)
    timing = analyse(netlist)
    said = opensta(tmp_path, [SMALL, GATES], netlist, timing, "report_checks -path_delay max -digits 4")
    assert "opener" in said and f"{timing.path[-2].arrival_ps:.2f}"[:-1] in said


@pytest.mark.regress
def test_a_report_has_figures_with_and_without(tmp_path):
    options = Options(effort="low", vectors=300, gating="on", prove=True)
    record = run_report([SHELL, "mul_lmul_e2m1"], ["asap7"], options=options, command="a test", keep=tmp_path)
    json.dumps(record, allow_nan=False)
    gated, multiplier = record["rows"]
    assert gated["clock_gates"] > 0 and 0 < gated["gated_flip_flops"] < gated["flip_flops"]
    assert all(each["proof"]["state"] == "proved" for each in gated["curve"])
    assert gated["energy_fj_by_role"]["gating"] > 0 and gated["area_um2_by_role"]["gating"] > 0
    assert sum(gated["energy_fj_by_role"].values()) == pytest.approx(gated["energy_fj_per_op"])
    [plain] = run_report([SHELL], ["asap7"], options=replace(options, gating="off", prove=False))["rows"]
    assert gated["clock_net_fj_per_op"] < plain["clock_net_fj_per_op"] and gated["area_um2"] < plain["area_um2"]
    assert plain["clock_gates"] is plain["energy_fj_ungated"] is None
    assert plain["reasons"]["clock_gates"] == "registers keep their enables, clock gating was not asked for"
    assert plain["gates"] == gated["gates"] and plain["transistors"] == gated["transistors"]
    for row, at in ((gated, gated["at"]["relaxed"]), (gated, gated)):
        assert row["area_um2_ungated"] == at["area_um2_ungated"]
    assert multiplier["reasons"]["clock_gates"] == "the design has no registers"
    folder = tmp_path / "asap7" / SHELL / "relaxed"
    assert "ICGx1_ASAP7_75t_R gate_" in (folder / "netlist.v").read_text()
    assert "clock_gating_integrated_cell : latch_posedge" in (tmp_path / "asap7" / "cells.lib").read_text()
    assert "gate_" in (folder / "activity.saif").read_text()


@pytest.mark.regress
def test_both_netlists_meet_one_clock():
    """An array has a single netlist of each, so that one must wait for the other."""
    slug = "array_lmul_e2m1_fixed64_2x1_ws"
    [row] = run_report([slug], ["asap7"], options=Options(effort="low", vectors=300, gating="on"))["rows"]
    assert row["clock_gates"] > 0 and row["area_um2_ungated"] > 0 and row["energy_fj_ungated"] > 0
    assert row["clock_net_fj_ungated"] > row["clock_net_fj_per_op"]
    assert all(at["energy_fj_ungated"] and at["delay_ps"] <= at["clock_ps"] for at in row["at"].values())


@pytest.mark.regress
def test_a_library_without_gates_keeps_enables_and_says_so():
    [row] = run_report([SHELL], liberty=[SMALL], options=Options(effort="low", vectors=300, gating="on"))["rows"]
    assert row["energy_fj_per_op"] > 0 and row["clock_gates"] is row["area_um2_ungated"] is None
    assert row["reasons"]["clock_gates"] == ("registers keep their enables, the library has no integrated clock gate "
                                             "that netlists can have")


@pytest.mark.parametrize("word, gating", [
    ("--clock-gating", "on"), *(pytest.param(*each, marks=pytest.mark.regress)
                                for each in (("--no-clock-gating", "off"), (None, "auto")))])
def test_the_command_line_says_it_and_is_told_again(tmp_path, word, gating):
    words = ["report", "mul_lmul_e2m1", "--tech", "ice40", "--vectors", "200", *filter(None, [word])]
    with pytest.raises(SystemExit) as left:
        main([*words, "-o", str(tmp_path / "out")])
    assert left.value.code == 0
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    assert record["options"]["gating"] == gating
    again = Figures(record).command(["mul_lmul_e2m1"], "ice40").split()
    assert [each for each in again if "gating" in each] == list(filter(None, [word]))


def test_structures_say_whether_they_are_gated(monkeypatch):
    design, lib = parse(SHELL), toy()
    assert not_gated(design, lib, Options()) == "registers keep their enables, clock gating was not asked for"
    monkeypatch.setitem(STRUCTURES, "mac", replace(STRUCTURES["mac"], gated=True))
    assert not_gated(design, lib, Options()) is None
    assert not_gated(design, lib, Options(gating="off")) and not_gated(design, small(), Options())


def test_gating_is_one_of_three():
    with pytest.raises(ValueError, match="^Clock gating must be one of auto, on, off, not 'maybe'$"):
        run_report([SHELL], ["asap7"], options=Options(gating="maybe"))
