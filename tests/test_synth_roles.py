"""What is spent for what: roles that components declare reach every cell of a netlist, and no energy is lost."""

import json
import re
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out
from gates import Builder, small
from lmul.golden.spec import Multiplier
from lmul.hdl import verilog as hdl_verilog
from lmul.hdl.designs import parse
from lmul.hdl.multipliers import multiplier
from lmul.hdl.part import Part
from lmul.hdl.verilog import generate
from lmul.synth import library, mapping
from lmul.synth.activity import simulate
from lmul.synth.energy import by_role, estimate
from lmul.synth.netlist import Netlist
from lmul.synth.roles import ROLES, Roles
from lmul.synth.timing import Constraints, analyse
from lmul.synth.verilog_kept import Written

SPEC = Multiplier.make("lmul", "e4m3")


class Own(Part):
    """A sum of products in which nothing is called as it is in ours, and one register is not declared."""

    roles = {"times": "multiplier", "left": "operand registers", "q*": "accumulator"}

    def __init__(self, spec):
        self.spec = spec
        super().__init__({"x": In(8), "y": In(8), "total": Out(16)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.times = times = multiplier(self.spec, wide=True)
        left, right = Signal(8, name="left", reset_less=True), Signal(8, name="right", reset_less=True)
        total = Signal(16, name="q")
        m.d.sync += [left.eq(self.x), right.eq(self.y), total.eq(total + times.p)]
        m.d.comb += [times.a.eq(left), times.b.eq(right), self.total.eq(total)]
        return m


class Undeclared(Own):
    roles = {}

    def elaborate(self, platform):
        return super().elaborate(platform)


def mapped(component, folder, slug="mac_own"):
    """A netlist of a component, and its roles."""
    text, contents = hdl_verilog._converted({slug: component})[slug]
    (folder / f"{slug}.v").write_text(text)
    design = SimpleNamespace(slug=slug, combinational=False, rows=None, lanes=None)
    lib = library.load("sky130hd")
    found = mapping.map_design(design, folder / f"{slug}.v", {"lib": lib}, "low", folder)
    return Netlist.read(found.netlists["lib"][0].source, lib), Roles(contents, slug)


def test_a_component_of_ones_own_is_booked_as_it_declares(tmp_path, seed):
    netlist, roles = mapped(Own(SPEC), tmp_path)
    found, generator = roles.of(netlist), np.random.default_rng(seed)
    flops = Counter(found[n] for n in np.flatnonzero(netlist.is_flop))
    assert flops == {"operand registers": 8, "multiplier": 8, "accumulator": 16}  # whatever Yosys calls them
    assert {found[n] for n, origin in enumerate(netlist.origins) if origin == "times"} == {"multiplier"}
    assert not set(found) & {"undeclared"}
    timing = analyse(netlist, netlist.library, Constraints.default(netlist.library))
    inputs = {name: generator.integers(0, 1 << len(netlist.ports[name][1]), 300).tolist() for name in netlist.inputs}
    energy = estimate(netlist, timing, simulate(netlist, timing, inputs, "timed", 2 * timing.delay_ps))
    spent = energy.by_role(found)
    assert sum(spent.values()) == pytest.approx(energy.energy_fj_per_op, rel=1e-12)
    assert spent["clock"] == pytest.approx(energy.by_kind["clock_pins"])
    inside = np.array([origin == "times" for origin in netlist.origins])
    alone = sum(values[inside].sum() for values in energy.instances.values())
    assert spent["multiplier"] >= alone > 0  # and the undeclared register, which feeds nothing else
    assert list(spent) == [role for role in ROLES if role in spent]


def test_what_declares_nothing_is_said_to(tmp_path):
    netlist, roles = mapped(Undeclared(SPEC), tmp_path)
    assert set(roles.of(netlist)) == {"undeclared"}


@pytest.mark.parametrize("slug", [
    "mac_lmul_e2m1_fp32", "mac_exact_e2m1_flush_carrysave", "mac_int8_int32", "dot_lmul_e2m1_fp32_3",
    "dot_lmul_e2m1_fp32_4_tree", "dot_int8_int32_4", "dot_exact_e2m1_fixed_2", "array_int8_int32_3x2_os",
    "array_lmul_e2m1_fixed64_2x3_ws", "matmul_lmul_e2m1_fp32_2x2_os", "matmul_int8_int32_1x2_ws"])
def test_every_register_of_a_design_has_a_role_that_is_declared(slug, tmp_path):
    generate(parse(slug), tmp_path)
    text, roles = (tmp_path / f"{slug}.v").read_text(), Written.read(tmp_path, slug).roles(slug)
    about = json.loads((tmp_path / f"{slug}.json").read_text())["modules"]
    registers = {name: re.findall(r"^  (?:output )?reg +(?:\[\d+:0\] )?(\w+)", body, re.M)
                 for name, body in re.findall(r"(?ms)^module (\w+)\((.*?)^endmodule", text)}
    assert registers.keys() == about.keys()

    def walk(module, origin):
        for register in registers[module]:
            yield ".".join((*origin, register))
        for name, inside in about[module]["instances"].items():
            assert re.search(rf"^  {inside} {name} \(", text, re.M)
            yield from walk(inside, (*origin, name))

    places = list(walk(slug, ()))
    assert places and not [place for place in places if roles._declared(place)[0] not in ROLES]
    used = {roles._declared(place)[0] for place in places}
    assert {"accumulator", "operand registers", "control"} <= used


def test_a_role_holds_inside_until_another_is_declared():
    modules = {"top": {"instances": {"tree": "tree", "box": "box"}, "roles": {"tree": "tree", "valid": "control"}},
               "tree": {"instances": {"round_0": "add", "add_1": "add"}, "roles": {"round_0": "lane"}},
               "box": {"instances": {}, "roles": {"own": "a role of one's own", "*": "multiplier"}}}
    roles = Roles(modules, "top")
    expected = {"": None, "valid": "control", "tree": "tree", "tree.held": "tree", "tree.round_0": "lane",
                "tree.round_0.x": "lane", "tree.add_1": "tree", "box": "multiplier", "box.own": "a role of one's own",
                "elsewhere": None}
    assert {origin: roles._declared(origin)[0] for origin in expected} == expected


def test_logic_belongs_to_what_it_drives_or_else_to_what_drives_it():
    """An enable's multiplexer, a result's mask, and what serves several."""
    build = Builder(small(), "top")
    clock, en, x = build.input("clk")[0], build.input("en")[0], build.input("x")[0]
    enabled = build.gate(build.nand, en, x)  # feeds the operand register alone
    operand = build.flop(enabled, clock, module="held")
    inverted = build.gate(build.inv, en)  # feeds an operand's gate and the result's
    other = build.flop(build.gate(build.nand, operand, inverted), clock, module="held")
    total = build.flop(other, clock, module="sum")
    result = build.gate(build.nand, total, inverted)  # feeds a port: it belongs to the sum
    build.output("y", [result])
    netlist = build.netlist()
    modules = {"top": {"instances": {"held": "held", "sum": "sum"},
                       "roles": {"held": "operand registers", "sum": "accumulator"}}}
    found = Roles(modules, "top").of(netlist)
    role = {int(netlist.pin_nets(n)[netlist.cells[netlist.kind[n]].outputs[0]]): each for n, each in enumerate(found)}
    assert [role[net] for net in (enabled, operand, inverted, total, result)] == [
        "operand registers", "operand registers", "control", "accumulator", "accumulator"]


def test_sums_over_roles_lose_nothing(seed):
    generator = np.random.default_rng(seed)
    values = generator.random(1000)
    roles = generator.choice(["clock", "multiplier", "somebody's own", "tree"], 1000).tolist()
    found = by_role(roles, values)
    assert list(found) == ["multiplier", "tree", "clock", "somebody's own"]
    assert sum(found.values()) == pytest.approx(values.sum())
