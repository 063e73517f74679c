"""Mapping: netlists that compute what golden says, sizes that hold, tries that are equal for rivals."""

import re

import numpy as np
import pytest
from lmul.golden.products import multiply, pack, product
from lmul.golden.stimulus import all_pairs, random_pairs
from lmul.hdl.designs import catalogue, parse
from lmul.hdl.verilog import generate_many
from lmul.hdl.yosys import YosysError
from lmul.synth import library, mapping
from lmul.synth.activity import simulate
from lmul.synth.netlist import Netlist
from lmul.synth.timing import analyse


@pytest.fixture(scope="module")
def libraries():
    return {name: library.load(name) for name in library.EMBEDDED}


@pytest.fixture(scope="module")
def mapped(libraries, tmp_path_factory):
    """``mapped(slug, effort)``: the design mapped in both libraries, once."""
    folder, found = tmp_path_factory.mktemp("mapping"), {}

    def get(slug, effort="low"):
        if (slug, effort) not in found:
            design = parse(slug)
            generate_many([design], folder / effort)
            found[slug, effort] = mapping.map_design(design, folder / effort / f"{slug}.v", libraries, effort,
                                                     folder / effort)
        return found[slug, effort]

    return get


def points(candidates, lib):
    """(area, delay) of each candidate."""
    netlists = [Netlist.read(candidate.source, lib) for candidate in candidates]
    return [(netlist.area_um2, analyse(netlist).delay_ps) for netlist in netlists]


def outputs(candidate, lib, **inputs):
    """What the netlist puts out on ``p``."""
    netlist = Netlist.read(candidate.source, lib)
    # the first vector is the warm-up, which is not counted but put out all the same
    return simulate(netlist, analyse(netlist), inputs, "zero").outputs["p"]


def expected(design, a, b):
    spec = design.multiplier
    return multiply(spec, a, b) if design.structure == "mul" else pack(spec, product(spec, a, b))


@pytest.mark.parametrize("slug", ["mul_exact_e2m1", *(pytest.param(slug, marks=pytest.mark.regress) for slug in (
    "prod_lmul_e2m3_sub", "mul_lmul_e2m2_ieee", "mul_exact_e3m2_flush"))])
def test_every_netlist_of_every_try_computes_every_product(slug, mapped, libraries):
    design = parse(slug)
    a, b = all_pairs(design.multiplier)
    for name, lib in libraries.items():
        candidates = mapped(slug, "default").netlists[name]
        assert len(candidates) > 5
        for candidate in candidates:
            assert np.array_equal(outputs(candidate, lib, a=a, b=b), expected(design, a, b)), (name, candidate.script)


@pytest.mark.parametrize("slug", ["mul_lmul_e4m3", *(pytest.param(slug, marks=pytest.mark.regress) for slug in (
    "mul_exact_e4m3", "mul_int8"))])
def test_netlists_of_eight_bits_compute_every_product(slug, mapped, libraries):
    design = parse(slug)
    a, b = all_pairs(design.multiplier)
    for name, lib in libraries.items():
        for candidate in mapped(slug).netlists[name]:
            assert np.array_equal(outputs(candidate, lib, a=a, b=b), expected(design, a, b)), (name, candidate.script)


@pytest.mark.regress
@pytest.mark.parametrize("effort", ["low", "default"])
def test_netlists_of_sixteen_bits_compute_random_products(effort, mapped, libraries, seed):
    design = parse("mul_exact_bf16_flush")
    a, b = random_pairs(design.multiplier, 5000, seed)
    for name, lib in libraries.items():
        for candidate in mapped(design.slug, effort).netlists[name]:
            assert np.array_equal(outputs(candidate, lib, a=a, b=b), expected(design, a, b)), (name, candidate.script)


def test_area_is_traded_for_delay(mapped, libraries):
    for name, lib in libraries.items():
        found = points(mapped("mul_exact_bf16_flush").netlists[name], lib)
        smallest, fastest = min(found), min(found, key=lambda point: point[1])
        assert fastest[1] < 0.75 * smallest[1] and smallest[0] < 0.85 * fastest[0]


def test_more_effort_is_never_worse(mapped, libraries):
    for name, lib in libraries.items():
        low, default = (points(mapped("mul_exact_e2m1", effort).netlists[name], lib) for effort in ("low", "default"))
        assert min(default) <= min(low) and min(delay for _, delay in default) <= min(delay for _, delay in low)


def test_mapping_repeats(mapped, libraries, tmp_path):
    design = parse("mul_exact_e2m1")
    generate_many([design], tmp_path)
    again = mapping.map_design(design, tmp_path / f"{design.slug}.v", libraries, "default", tmp_path)
    texts = [[(candidate.script, candidate.source.read_text())
              for candidates in found.netlists.values() for candidate in candidates]
             for found in (mapped(design.slug, "default"), again)]
    assert texts[0] == texts[1] and any("deepsyn" in script for script, _ in texts[0])


#: Two-input gates that a careful design stays within.
AIMS = {"mul_exact_e4m3": 252, "mul_exact_e4m3_flush": 165, "prod_exact_e4m3": 124, "mul_lmul_e4m3": 90,
        "prod_lmul_e4m3": 75}


@pytest.mark.parametrize("slug", [slug if slug == "mul_lmul_e4m3" else pytest.param(slug, marks=pytest.mark.regress)
                                  for slug in AIMS])
def test_multipliers_stay_within_their_aims(slug, mapped):
    assert 0 < mapped(slug).generic["gates"] <= AIMS[slug]


def test_gates_and_transistors_are_counted_as_said(tmp_path, libraries):
    """A hand-made circuit: three two-input gates, one inverter and two flip-flops."""
    design = parse("mac_lmul_e4m3_fp32")
    (tmp_path / "x.v").write_text(f"""
        module {design.slug} (input clk, a, b, c, d, output reg p, q);
          always @(posedge clk) begin p <= (a & b) ^ (c | d); q <= ~a; end
        endmodule""")
    found = mapping.map_design(design, tmp_path / "x.v", {"sky130hd": libraries["sky130hd"]}, "low", tmp_path)
    assert found.generic["gates"] == 4
    # NAND 4, XNOR or XOR 12, OAI or NOR with inverters: a handful; each flip-flop 16
    assert 2 * 16 + 12 <= found.generic["transistors"] <= 2 * 16 + 12 + 20
    for candidate in found.netlists["sky130hd"]:
        assert Netlist.read(candidate.source, libraries["sky130hd"]).flip_flops == 2


@pytest.mark.regress
def test_registered_designs_keep_their_modules(mapped, libraries):
    design = "mac_lmul_e2m1_bf16"
    netlist = Netlist.read(mapped(design).netlists["asap7"][0].source, libraries["asap7"])
    assert {"pe/multiplier", "pe/accumulator"} <= set(netlist.modules)
    assert netlist.clock == "clk" and netlist.flip_flops > 16
    assert analyse(netlist).min_period_ps > 0


@pytest.mark.regress
def test_a_registered_netlist_is_put_together_from_the_best_of_its_leaves(mapped, libraries):
    slug = "mac_lmul_e2m1_bf16"
    default = mapped(slug, "default").netlists["asap7"]
    assert 2 < len(default) <= mapping.MIXES
    assert min(points(default, libraries["asap7"])) < max(points(default, libraries["asap7"]))
    parts = {part for candidate in default for part in candidate.script.split("; ")[1:]}
    leaves = {part.split(": ")[0].removeprefix(f"{slug}_") for part in parts}
    assert {"prod_lmul_e2m1", "add_or_subtract", "coded"} <= leaves
    assert leaves <= {"prod_lmul_e2m1", "distance", "placed", "shifted", "add_or_subtract", "rounded", "coded"}
    assert len(parts) > 3 and any("deepsyn" in part for part in parts)


@pytest.mark.regress
def test_full_adders_become_cells_that_are_ones(mapped, libraries):
    """An exact product has rows of them, and is proved with them elsewhere; here every netlist is simulated."""
    for name, lib in libraries.items():
        adder = lib.full_adder
        netlists = [(candidate, Netlist.read(candidate.source, lib))
                    for candidate in mapped("mul_exact_bf16_flush", "default").netlists[name]]
        having = [candidate.script for candidate, netlist in netlists if netlist.count.get(adder.cell.name)]
        assert having and all(script.startswith("full adders, ") for script in having)


@pytest.mark.parametrize("dataflow", ["os", pytest.param("ws", marks=pytest.mark.regress)])
def test_rows_of_an_array_dissolve(dataflow, mapped, libraries):
    """Their OR is built with what is around it; the elements stay whole."""
    netlist = Netlist.read(mapped(f"array_lmul_e2m1_fixed16_2x1_{dataflow}").netlists["asap7"][0].source,
                           libraries["asap7"])
    elements = [path for path in set(netlist.modules) if path.endswith("/multiplier")]
    assert sorted(elements) == ["rows_lower_pe_0/multiplier", "rows_upper_pe_0/multiplier"]


def test_rivals_get_the_same_tries():
    tried = {}
    for slug in catalogue():
        design = parse(slug)
        spec = design.multiplier
        for name, effort in mapping.EFFORTS.items():
            tries = mapping.tries(design, effort)
            assert tries, (slug, name)
            key = name, design.combinational, bool(design.lanes), design.rows, spec.a.name, spec.b.name
            assert tried.setdefault(key, tries) == tries, slug


@pytest.mark.parametrize("effort", ["default", "high"])
def test_what_could_not_be_proved_is_not_recoded(effort):
    structures = {slug: {each.structure for each in mapping.tries(parse(slug), mapping.EFFORTS[effort])}
                  for slug in ("mul_exact_fp16", "prod_lmul_fp16", "mul_exact_fp32", "prod_lmul_fp32")}
    assert "booth" in structures["mul_exact_fp16"] and "booth" in structures["prod_lmul_fp16"]
    assert "booth" not in structures["mul_exact_fp32"] | structures["prod_lmul_fp32"]


def test_efforts_name_what_there_is():
    for effort in mapping.EFFORTS.values():
        for each in (*effort.narrow, *effort.wide, *effort.registered, *effort.leaves):
            assert each.structure in mapping.STRUCTURES and each.optimiser in mapping.OPTIMISERS
            assert (each.gates is not None) == (each in effort.leaves)
            for mapper, target in each.maps:
                assert ("{D}" in mapping.MAPPERS[mapper]) == (target is not None)


def test_an_unknown_effort_is_refused(tmp_path, libraries):
    with pytest.raises(ValueError, match=r"^Effort must be one of low, default, high, not 'most'$"):
        mapping.map_design(parse("mul_lmul_e4m3"), tmp_path / "x.v", libraries, "most", tmp_path)


def test_verilog_that_yosys_refuses_is_one_line(tmp_path, libraries):
    (tmp_path / "x.v").write_text("module mul_lmul_e4m3 (input a\nendmodule\n")
    with pytest.raises(YosysError, match=r"^Yosys failed: .*syntax error") as caught:
        mapping.map_design(parse("mul_lmul_e4m3"), tmp_path / "x.v", libraries, "low", tmp_path)
    assert "\n" not in str(caught.value)


def test_the_time_of_the_machine_decides_nothing():
    """No ABC script has a time limit, which would give other netlists on another machine."""
    for script in (*mapping.OPTIMISERS.values(), *mapping.MAPPERS.values()):
        assert "-T" not in script
        assert "&deepsyn" not in script or re.search(r"&deepsyn -I \d+ -J \d+ -S \d+;", script)
