"""Netlists proved equal to their Verilog, registers and all; and a spoilt one refuted."""

import pytest
from lmul.hdl.designs import parse
from lmul.hdl.verilog import generate_many
from lmul.synth import library, mapping
from lmul.synth.netlist import Netlist
from lmul.synth.proof import MappedCircuit, prove, references


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """``mapped(slug)``: its Verilog, and a netlist in each embedded library, the ASAP7 one with inverting registers."""
    folder = tmp_path_factory.mktemp("proof")
    libraries = {name: library.load(name) for name in library.EMBEDDED}

    def get(slug):
        generate_many([parse(slug)], folder)
        found = mapping.map_design(parse(slug), folder / f"{slug}.v", libraries, "low", folder)
        netlists = [Netlist.read(found.netlists[name][0].source, lib) for name, lib in libraries.items()]
        return (folder / f"{slug}.v").read_text(), netlists

    return get


def reference(slug, verilog):
    return references({slug: verilog}, registered=True)[slug]


@pytest.mark.parametrize("slug", ["mac_lmul_e2m1_fixed16", *(
    pytest.param(slug, marks=pytest.mark.regress) for slug in (
        "array_exact_e2m1_carrysave16_2x2_ws", "dot_exact_e2m1_fixed16_2", "array_lmul_e2m1_fixed16_2x2_os"))])
def test_registered_netlists_are_proved(slug, mapped):
    verilog, netlists = mapped(slug)
    assert [verdict.state for verdict in prove(reference(slug, verilog), netlists)] == ["proved"] * 2
    assert all(netlist.flip_flops == len(set(MappedCircuit(netlist).names)) > 10 for netlist in netlists)


def test_a_spoilt_netlist_is_refuted(mapped):
    slug = "mac_lmul_e2m1_fixed16"
    verilog, netlists = mapped(slug)
    spoilt = verilog.replace("assign negative = ", "assign negative = ~", 1)
    assert spoilt != verilog
    for verdict in prove(reference(slug, spoilt), netlists):
        assert verdict.state == "refuted"
        assert set(verdict.counterexample) == {"rst", "en", "a", "b", "last", "$state"}


def test_registers_without_a_partner_leave_it_undecided(mapped):
    slug = "mac_lmul_e2m1_fixed16"
    verilog, netlists = mapped(slug)
    [verdict] = prove(reference(slug, verilog.replace("clear_out", "cleared")), netlists[:1])
    assert (verdict.state, verdict.counterexample) == ("undecided", None)
    assert "clear" in verdict.means


@pytest.mark.regress
@pytest.mark.parametrize("slug", ["mul_exact_fp32_flush", "mul_exact_fp32"])
def test_netlists_of_the_widest_multipliers_are_proved(slug, mapped):
    verilog, netlists = mapped(slug)
    [reference] = references({slug: verilog}).values()
    assert [verdict.state for verdict in prove(reference, netlists)] == ["proved"] * 2
