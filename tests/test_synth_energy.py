"""Energy: by hand, against a plain reading of OpenSTA's rules, and from embedded tables against full libraries."""

import itertools
import re

import numpy as np
import pytest
from gates import SMALL, Builder, multiplier, opensta, real_paths, small
from lmul.synth import boolean, library, table_file
from lmul.synth.activity import Activity, simulate
from lmul.synth.characterise import characterise
from lmul.synth.energy import CELL_KINDS, estimate
from lmul.synth.timing import Constraints, analyse

LIB = small()
QUIET = Constraints(output_load_ff=3.0, input_slew_ps=20.0)


def measured(lib, registered=True, bits=4, cycles=200, seed=1, period=None):
    netlist = multiplier(lib, bits, registered)
    timing = analyse(netlist)
    rng = np.random.default_rng(seed)
    activity = simulate(netlist, timing, {name: rng.integers(0, 1 << bits, cycles) for name in "ab"}, warmup=4,
                        period_ps=period)
    return netlist, timing, activity


def given(netlist, toggles, duty, cycles=1, period=1000.0):
    """An activity as if it had been simulated."""
    counts, share = np.zeros(len(netlist.net_names)), np.zeros(len(netlist.net_names))
    share[1] = 1
    for net in toggles:
        counts[net], share[net] = toggles[net], duty[net]
    return Activity(netlist, "timed", cycles, period, counts, share, {})


# By hand


def test_an_inverter():
    build = Builder(LIB)
    (a,) = build.input("a")
    y = build.gate(LIB.cells["INVX1"], a)
    build.output("y", [y])
    netlist = build.netlist()
    timing = analyse(netlist, constraints=QUIET)
    energy = estimate(netlist, timing, given(netlist, {a: 6, y: 6}, {a: 0.25, y: 0.75}, cycles=10), period_ps=2000.0)
    supply, ground = LIB.cells["INVX1"].powers
    per_toggle = [sum(power.energy[rf](20, 3.0) for rf in (0, 1)) / 2 for power in (supply, ground)]
    assert ground.ground and not supply.ground
    assert energy.by_kind["internal"] == pytest.approx(0.6 * sum(per_toggle))  # both tables, as OpenSTA adds them
    assert energy.ground_fj_per_op == pytest.approx(0.6 * per_toggle[1])
    assert energy.by_kind["switching"] == pytest.approx(0.6 * 0.5 * 3.0 * 1.2**2)
    assert energy.leakage_nw == pytest.approx(0.25 * 2 + 0.75 * 3)
    assert energy.by_kind["leakage"] == pytest.approx(energy.leakage_nw * 2000 * 1e-6)
    assert energy.by_kind["input_nets"] == pytest.approx(0.6 * 0.5 * 2.04 * 1.2**2)
    assert energy.by_kind["clock_net"] == energy.by_kind["clock_pins"] == 0
    assert energy.energy_fj_per_op == pytest.approx(sum(energy.by_kind[kind] for kind in CELL_KINDS))
    assert energy.power_uw == pytest.approx(energy.energy_fj_per_op / 2000 * 1000)


def test_energy_is_per_operation():
    netlist, timing, activity = measured(LIB)
    one, four = (estimate(netlist, timing, activity, ops_per_cycle=ops) for ops in (1, 4))
    assert four.energy_fj_per_op == pytest.approx(one.energy_fj_per_op / 4)
    assert four.power_uw == pytest.approx(one.power_uw) and four.leakage_nw == one.leakage_nw


def test_only_leakage_depends_on_the_period():
    netlist, timing, activity = measured(LIB)
    short, long = (estimate(netlist, timing, activity, period_ps=period) for period in (5e3, 5e5))
    assert long.by_kind["leakage"] == pytest.approx(100 * short.by_kind["leakage"])
    assert {**long.by_kind, "leakage": 0} == pytest.approx({**short.by_kind, "leakage": 0})


def test_clock_pins_are_a_kind_of_their_own():
    build = Builder(LIB)
    clock, d = build.input("clk")[0], build.input("d")[0]
    q = build.net()
    build.instances.append(("r", "top/inner", "DFFNX1", {"D": d, "CK": clock, "QN": q}))
    build.output("q", [q])
    netlist = build.netlist()
    timing = analyse(netlist, constraints=QUIET)
    energy = estimate(netlist, timing, given(netlist, {clock: 2, d: 0, q: 0}, {clock: 0.5, d: 0.5, q: 0.25}))
    states = {"D & QN": 0.125, "D & !QN": 0.375, "!D": 0.5}
    expected = sum(2 * share * sum(t(0, 0) for t in power.energy) / 2 for power in LIB.cells["DFFNX1"].powers
                   for when, share in states.items() if power.pin == "CK" and power.when == when)
    assert energy.by_kind["clock_pins"] == pytest.approx(expected) and expected > 0
    assert energy.by_kind["internal"] == energy.by_kind["switching"] == 0
    assert energy.by_kind["clock_net"] == pytest.approx(2 * 0.5 * 2.55 * 1.44)
    assert energy.by_module() == {"top": pytest.approx({"logic": 0, "registers": 0, "clock_pins": expected,
                                                        "leakage": energy.by_kind["leakage"]})}
    assert list(energy.by_module(depth=2)) == ["top/inner"]


def test_an_output_left_open_still_moves(seed):
    energies = []
    for open_output in (False, True):
        build = Builder(LIB)
        clock, d = build.input("clk")[0], build.input("d")[0]
        q = build.net()
        pins = {"D": d, "CK": clock, "Q": q} | ({} if open_output else {"QN": build.net()})
        build.instances.append(("r", "", "DFFQX1", pins))
        carry = {} if open_output else {"CO": build.net()}
        build.instances.append(("h", "", "HAX1", {"A": d, "B": q, "S": (total := build.net())} | carry))
        build.output("q", [total])
        netlist = build.netlist()
        timing = analyse(netlist, constraints=QUIET)
        activity = simulate(netlist, timing, {"d": np.random.default_rng(seed).integers(0, 2, 50)})
        energies.append(estimate(netlist, timing, activity).by_kind)
    assert energies[0] == pytest.approx(energies[1])


BIASED = """
    pg_pin (VNW) { pg_type : nwell; voltage_name : "VNW"; }
    pg_pin (VBK) { pg_type : backup_power; voltage_name : "VDD"; }
    leakage_power () { value : 5; when : "A"; related_pg_pin : VNW; }
    leakage_power () { value : 1; related_pg_pin : VBK; }
    pin (Y) {
      internal_power () {
        related_pin : "A"; related_pg_pin : VNW; rise_power (scalar) { values ("0.003"); }
        fall_power (scalar) { values ("0.005"); } }
      internal_power () {
        related_pin : "B"; related_pg_pin : VBK; when : "A"; power (scalar) { values ("0.006"); } }
      internal_power () { related_pin : "A"; power (scalar) { values ("0.001"); } }"""


def biased(folder):
    text = SMALL.read_text()
    own = text.index("    pin (Y) {", text.index("cell (NAND2X1)"))
    (folder / "biased.lib").write_text(text[:own] + BIASED + text[own:].removeprefix("    pin (Y) {"))
    return library.read([folder / "biased.lib"])


def test_each_supply_is_weighed_by_itself(tmp_path):
    """A NAND with 4 fJ at its n-well, 6 fJ at a backup supply and 1 fJ at none that is named, beside its own tables."""
    found = []
    for lib in (LIB, biased(tmp_path)):
        build = Builder(lib)
        (a,), (b,) = build.input("a"), build.input("b")
        y = build.gate(lib.cells["NAND2X1"], a, b)
        build.output("y", [y])
        netlist = build.netlist()
        activity = given(netlist, {a: 2, b: 1, y: 0.6}, {a: 0.5, b: 0.25, y: 0.875})
        found.append(estimate(netlist, analyse(netlist, constraints=QUIET), activity, period_ps=1e6))
    plain, with_bias = found
    # Each supply has one table, which has all of its weight: 0.6 toggles of Y at 4, 6 and 1 fJ. Averaged with the
    # tables of VDD they would make the cell cheaper.
    assert with_bias.by_kind["internal"] - plain.by_kind["internal"] == pytest.approx(0.6 * (4 + 6 + 1))
    assert with_bias.signoff["internal"] == with_bias.by_kind["internal"]
    assert with_bias.ground_fj_per_op == pytest.approx(plain.ground_fj_per_op) and plain.ground_fj_per_op > 0
    # What leaks there is 5 nW half of the time, and 1 nW; OpenSTA asks primary supplies alone.
    assert with_bias.leakage_nw - plain.leakage_nw == pytest.approx(0.5 * 5 + 1)
    assert with_bias.signoff["leakage"] == pytest.approx(plain.signoff["leakage"])


def test_supplies_survive_tables_and_liberty(tmp_path):
    lib = biased(tmp_path)
    table_file.write(lib, tmp_path / "t.json")
    lib.write_liberty(tmp_path / "again.lib", full=True)
    cell = lib.cells["NAND2X1"]
    supplies = [(power.supply, power.ground) for power in cell.powers]
    assert {("VNW", False), ("VBK", False), (None, False), ("VDD", False), ("VSS", True)} == set(supplies)
    for back in (table_file.read(tmp_path / "t.json"), library.read([tmp_path / "again.lib"])):
        again = back.cells["NAND2X1"]
        assert [(power.supply, power.ground) for power in again.powers] == supplies
        assert (again.leakage, again.bias_leakage) == (cell.leakage, cell.bias_leakage)
    assert cell.bias_leakage == {"VNW": [("A", 5)], "VBK": [(None, 1)]}


def test_modules_sum_to_the_whole():
    netlist, timing, activity = measured(LIB)
    energy = estimate(netlist, timing, activity)
    modules = energy.by_module()
    assert set(modules) == {"", "operands", "products", "sum", "result"}
    assert sum(sum(kinds.values()) for kinds in modules.values()) == pytest.approx(energy.energy_fj_per_op)
    assert modules["sum"]["registers"] == modules["sum"]["clock_pins"] == 0 < modules["sum"]["logic"]
    assert modules["result"]["clock_pins"] > 0
    assert sum(kinds["clock_pins"] for kinds in modules.values()) == pytest.approx(energy.by_kind["clock_pins"])


def test_glitches_cost_energy():
    netlist = multiplier(LIB, 6)
    timing = analyse(netlist)
    rng = np.random.default_rng(0)
    inputs = {name: rng.integers(0, 64, 300) for name in "ab"}
    timed, zero = (estimate(netlist, timing, simulate(netlist, timing, inputs, mode)) for mode in ("timed", "zero"))
    assert timed.energy_fj_per_op > 1.3 * zero.energy_fj_per_op


# A plain reading of the rules: one instance, one pin, one state at a time


def plain(netlist, timing, activity, ground):
    """(internal, switching, leakage in nW) of a netlist; ``ground`` tells which of the internal tables are summed."""
    internal = switching = leakage = 0.0
    for i in range(len(netlist.kind)):
        cell, nets = netlist.cells[netlist.kind[i]], netlist.pin_nets(i)
        density = {pin: activity.toggles[net] / activity.cycles for pin, net in nets.items()}
        duty = {pin: activity.duty[net] for pin, net in nets.items()}
        for output in cell.outputs:
            load = max(timing.load[nets[output]])
            switching += 0.5 * load * (cell.pins[output].voltage or netlist.library.voltage) ** 2 * density[output]
            groups = [p for p in cell.powers if p.pin == output and p.ground == ground]
            weights = [density[p.related] * listening(cell, output, p, duty) * p.times for p in groups]
            for power, weight in zip(groups, weights, strict=True):
                sense = next(arc.sense for arc in cell.arcs if (arc.source, arc.target) == (power.related, output))
                slew = timing.slew[nets[power.related]][:: 1 if sense >= 0 else -1]
                mean = sum(power.energy[rf](slew[rf], load) for rf in (0, 1) if power.energy[rf] is not None) / 2
                internal += weight / sum(weights) * mean * density[output] if sum(weights) else 0
        for power in cell.powers:
            if power.pin in cell.inputs and power.ground == ground:
                mean = sum(power.energy[rf](timing.slew[nets[power.pin], rf], 0) for rf in (0, 1)) / 2
                internal += mean * density[power.pin] * hidden(cell, power, duty)
        states = [(when, value) for when, value in cell.leakage if when]
        plain_value = [value for when, value in cell.leakage if not when]
        shares = [chance(cell, when, duty) for when, _ in states]
        leakage += sum(value * share for (_, value), share in zip(states, shares, strict=True))
        rest = sum(plain_value) if cell.cell_leakage is None or not states and plain_value else cell.cell_leakage
        leakage += rest * max(0, 1 - sum(shares))
    return internal, switching, leakage


def average(cell, duty, value):
    """The mean of ``value(state)`` over the states of the inputs, taken as independent."""
    total = 0.0
    for bits in itertools.product((False, True), repeat=len(cell.inputs)):
        state = dict(zip(cell.inputs, bits, strict=True))
        chance = np.prod([duty[pin] if on else 1 - duty[pin] for pin, on in state.items()])
        total += chance * value(state)
    return total


def truth(expression, state):
    names = list(state)
    return bool(boolean.truth(expression, names)[sum(state[name] << i for i, name in enumerate(names))])


def depends(function, pin, state):
    return truth(function, state | {pin: True}) != truth(function, state | {pin: False})


def listening(cell, output, power, duty):
    function = cell.pins[output].function
    if power.related in boolean.pins(function):
        return average(cell, duty, lambda state: depends(function, power.related, state))
    return every_pin(cell, power.when, duty) if power.when else 0.5


def hidden(cell, power, duty):
    if not power.when:
        return 1.0
    outputs = [name for name in boolean.pins(power.when) if name in cell.outputs]
    if outputs and power.pin in boolean.pins(cell.pins[outputs[0]].function):
        function = cell.pins[outputs[0]].function
        return average(cell, duty, lambda state: depends(function, power.pin, state))
    return every_pin(cell, power.when, duty)


def every_pin(cell, when, duty):
    """The chance of a condition, inputs and outputs all independent."""
    total = 0.0
    for bits in itertools.product((False, True), repeat=len(cell.pins)):
        state = dict(zip(cell.inputs + cell.outputs, bits, strict=True))
        total += np.prod([duty[pin] if on else 1 - duty[pin] for pin, on in state.items()]) * truth(when, state)
    return total


def chance(cell, when, duty):
    """The chance of a leakage state; an output follows the inputs, a register's does not."""
    if cell.flop:
        return every_pin(cell, when, duty)
    return average(cell, duty, lambda s: truth(when, s | {o: truth(cell.pins[o].function, s) for o in cell.outputs}))


@pytest.mark.parametrize("lib", ["small", *library.EMBEDDED])
@pytest.mark.parametrize("registered", [False, True])
def test_the_estimate_is_what_the_rules_give(lib, registered, seed):
    netlist, timing, activity = measured(LIB if lib == "small" else library.load(lib), registered, 3, seed=seed)
    energy = estimate(netlist, timing, activity)
    internal, switching, leakage = plain(netlist, timing, activity, ground=False)
    ground = plain(netlist, timing, activity, ground=True)[0]
    assert energy.ground_fj_per_op == pytest.approx(ground) and (ground > 0) == (lib != "sky130hd")
    assert energy.signoff["internal"] == pytest.approx(internal + ground)
    assert energy.by_kind["internal"] + energy.by_kind["clock_pins"] == pytest.approx(internal + ground)
    assert energy.by_kind["switching"] == energy.signoff["switching"] == pytest.approx(switching)
    assert energy.leakage_nw == pytest.approx(leakage)


def test_every_cell_of_the_small_library_follows_the_rules(seed):
    rng = np.random.default_rng(seed)
    for name, cell in LIB.cells.items():
        if not cell.flop:
            build = Builder(LIB)
            nets = [build.input(pin)[0] for pin in cell.inputs]
            outs = [build.net() for _ in cell.outputs]
            build.instances.append(("u", "", name, dict(zip(cell.inputs + cell.outputs, nets + outs, strict=True))))
            build.output("y", outs)
            netlist = build.netlist()
            timing = analyse(netlist, constraints=QUIET)
            every = nets + outs
            activity = given(netlist, *(dict(zip(every, rng.random(len(every)), strict=True)) for _ in range(2)))
            energy = estimate(netlist, timing, activity)
            internal, switching, leakage = plain(netlist, timing, activity, ground=False)
            found = energy.by_kind["internal"] - energy.ground_fj_per_op, energy.by_kind["switching"], energy.leakage_nw
            assert found == pytest.approx((internal, switching, leakage)), name


def test_a_state_that_names_the_output_is_not_lost():
    build = Builder(LIB)
    a, b = build.input("a")[0], build.input("b")[0]
    y = build.gate(LIB.cells["XOR2X1"], a, b)
    build.output("y", [y])
    netlist = build.netlist()
    activity = given(netlist, dict.fromkeys((a, b, y), 0), dict.fromkeys((a, b, y), 0.5))
    energy = estimate(netlist, analyse(netlist), activity)
    assert energy.leakage_nw == pytest.approx((5 + 4 + 3 + 2) / 4)
    assert energy.signoff["leakage"] == pytest.approx(energy.by_kind["leakage"] / 2)  # P(Y) once more


# Against others


@pytest.mark.parametrize("files", ["small", *library.EMBEDDED])
def test_opensta_agrees_on_switching(tmp_path, files):
    """Old versions weigh internal power otherwise; what they charge the nets with is the same."""
    paths = [SMALL] if files == "small" else real_paths(files)
    lib = LIB if files == "small" else library.load(None, paths)
    netlist = multiplier(lib, 4)
    timing = analyse(netlist)
    text = opensta(tmp_path, paths, netlist, timing, "set_power_activity -global -activity 0.4 -duty 0.5",
                   "report_power -digits 8")
    theirs = float(re.search(r"^Total +\S+ +(\S+)", text, re.MULTILINE)[1])
    nets = range(2, len(netlist.net_names))
    activity = given(netlist, dict.fromkeys(nets, 0.4), dict.fromkeys(nets, 0.5), period=100_000.0)
    ours = estimate(netlist, timing, activity).by_kind["switching"] / 100_000e-12 * 1e-15
    assert theirs in (pytest.approx(ours, rel=1e-5), pytest.approx(ours * 1e9, rel=1e-5))  # W, or the unit asked for


def compare(full, table, seed):
    for registered in (False, True):
        one, two = (estimate(*measured(lib, registered, 6, seed=seed, period=20_000.0)) for lib in (full, table))
        assert two.energy_fj_per_op == pytest.approx(one.energy_fj_per_op, rel=0.05)
        assert two.leakage_nw == pytest.approx(one.leakage_nw, rel=0.02)
        assert two.by_kind["switching"] == pytest.approx(one.by_kind["switching"], rel=0.05)


@pytest.mark.parametrize("technology", library.EMBEDDED)
def test_embedded_energies_are_those_of_the_full_library(technology, seed):
    compare(library.load(None, real_paths(technology)), library.load(technology), seed)


def test_a_compact_table_gives_the_same_energy_and_delay(tmp_path, seed):
    characterise([SMALL], tmp_path / "tiny.json")
    table = table_file.read(tmp_path / "tiny.json")
    compare(LIB, table, seed)
    for registered in (False, True):
        one, two = (analyse(multiplier(lib, 6, registered)).delay_ps for lib in (LIB, table))
        assert two == pytest.approx(one, rel=0.05)


def test_merged_tables_keep_their_weight(tmp_path):
    """C of AOI21X1 has two energy tables, A and B one each: so C weighs twice, in the compact table too."""
    characterise([SMALL], tmp_path / "tiny.json")
    energies = []
    for lib in (LIB, table_file.read(tmp_path / "tiny.json")):
        build = Builder(lib)
        nets = [build.input(name)[0] for name in "abc"]
        y = build.gate(lib.cells["AOI21X1"], *nets)
        build.output("y", [y])
        netlist = build.netlist()
        duties = dict(zip([*nets, y], (0.5, 0.5, 0.2, 0.4), strict=True))
        activity = given(netlist, dict.fromkeys(duties, 1), duties)
        energies.append(estimate(netlist, analyse(netlist, constraints=QUIET), activity).by_kind["internal"])
    assert energies[1] == pytest.approx(energies[0], rel=0.002)


@pytest.mark.parametrize("technology", library.EMBEDDED)
def test_what_is_handed_over_costs_the_same(tmp_path, technology):
    lib = library.load(technology)
    lib.write_liberty(tmp_path / "cells.lib", full=True)
    one, two = (estimate(*measured(each)) for each in (lib, library.read([tmp_path / "cells.lib"])))
    assert two.by_kind == pytest.approx(one.by_kind, rel=1e-6)
    assert two.ground_fj_per_op == pytest.approx(one.ground_fj_per_op, rel=1e-6)
