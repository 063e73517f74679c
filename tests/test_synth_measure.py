"""From slugs to a record: every figure is there or says why not, rivals share a clock, a wrong netlist is an error."""

import json

import numpy as np
import pytest
from lmul.golden.operands import operands
from lmul.hdl.designs import parse
from lmul.hdl.verilog import verilog
from lmul.synth import netlists, rivals, unit
from lmul.synth import record as records
from lmul.synth.accuracy import accuracy
from lmul.synth.defaults import default_designs
from lmul.synth.drive import Mismatch, drive
from lmul.synth.measure import run_report
from lmul.synth.options import Options
from lmul.synth.proof import references
from lmul.synth.store import Store
from lmul.synth.verilog_kept import written

SLUGS = ["mul_lmul_e2m1", "mul_exact_e2m1_flush", "prod_exact_e2m1_flush", "mac_lmul_e2m1_fixed16",
         "array_lmul_e2m1_fixed64_2x1_os", "array_lmul_e2m1_fixed64_2x1_ws"]


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    keep = tmp_path_factory.mktemp("keep")
    steps = []
    record = run_report(SLUGS, ["sky130hd", "ice40"], options=Options(effort="low", vectors=300), command="a test",
                        keep=keep, progress=lambda done, total, text: steps.append((done, total)))
    assert steps and steps[-1][0] == steps[-1][1]
    return record, keep


def rows(record, technology):
    return {row["design"]: row for row in record[0]["rows"] if row["technology"] == technology}


def test_every_row_is_there(record):
    records.check(record[0])
    for technology in ("sky130hd", "ice40"):
        assert list(rows(record, technology)) == SLUGS
    json.dumps(record[0], allow_nan=False)


def test_cells_are_weighed_at_one_clock(record):
    found = rows(record, "sky130hd")
    ours, exact = found["mul_lmul_e2m1"], found["mul_exact_e2m1_flush"]
    assert {name: at["clock_ps"] for name, at in ours["at"].items()} == \
           {name: at["clock_ps"] for name, at in exact["at"].items()}
    for row in found.values():
        assert row["area_um2"] > 0 and row["energy_fj_per_op"] > 0 and row["leakage_nw"] > 0 and row["path"]
        assert row["area_ge"] == pytest.approx(row["area_um2"] / record[0]["libraries"][0]["nand2_um2"])
        assert all(at["delay_ps"] <= at["clock_ps"] for at in row["at"].values())
        areas, delays = ([point[key] for point in row["curve"]] for key in ("area_um2", "delay_ps"))
        assert delays == sorted(delays, reverse=True)
        # Of registered designs netlists are kept for what they burn as well.
        assert areas == sorted(areas) or not parse(row["design"]).combinational
        for whole, parts in (("energy_fj_per_op", "energy_fj_by_kind"), ("energy_fj_per_op", "energy_fj_by_role"),
                             ("area_um2", "area_um2_by_role")):
            assert sum(row["at"]["relaxed"][parts].values()) == pytest.approx(row[whole], rel=1e-9)
            assert row[parts] == row["at"]["relaxed"][parts]
    assert found["mac_lmul_e2m1_fixed16"]["flip_flops"] > 0 == ours["flip_flops"]


def test_fpga_rows_count_and_say_what_they_lack(record):
    for row in rows(record, "ice40").values():
        assert row["luts"] > 0 and row["area_um2"] is None and row["reasons"]["area_um2"]


def test_errors_belong_to_no_technology(record):
    cells, counted = rows(record, "sky130hd"), rows(record, "ice40")
    for slug, row in cells.items():
        found = accuracy(parse(slug), operands("recording", 1), 300, 1)
        assert all(row[key] == counted[slug][key] == found[key] for key in found if key != "reasons")
        assert all(row["reasons"][key] == counted[slug]["reasons"][key] == reason
                   for key, reason in found["reasons"].items())
    assert cells["mac_lmul_e2m1_fixed16"]["result_error"] > cells["mac_lmul_e2m1_fixed16"]["result_error_of_codes"] > 0


def test_repeats(record):
    again = run_report(SLUGS[:2], ["sky130hd"], options=Options(effort="low", vectors=300), command="a test")
    assert again["rows"] == [rows(record, "sky130hd")[slug] for slug in SLUGS[:2]]


def test_what_is_behind_the_rows_is_kept(record):
    for slug in SLUGS:
        for clock in ("fast", "relaxed"):
            names = {path.name for path in (record[1] / "sky130hd" / slug / clock).iterdir()}
            assert names == {"netlist.v", "constraints.sdc", "activity.saif", "opensta.tcl", "openroad.tcl"}


def test_a_wrong_output_is_named(seed):
    design = parse("mul_lmul_e4m3")
    driven = drive(design, 0, operands("gaussian", seed), 200, seed)
    right = {"p": np.array(driven.expected["p"])}
    driven.check(right)
    right["p"][7] ^= 1
    with pytest.raises(Mismatch, match=r"^p\[7\] must be 0x\w+, not 0x\w+$"):
        driven.check(right)


def test_netlists_are_proved(record):
    for row in rows(record, "sky130hd").values():
        combinational = row["specification"]["structure"] in ("mul", "prod")
        for netlist in (*row["curve"], *row["at"].values()):
            assert netlist["proof"] == ({"state": "proved", "means": "exhaustive"} if combinational else None)


def test_a_wrong_netlist_is_refuted(tmp_path, monkeypatch):
    """Another design's Verilog in place of the one that was mapped."""
    other = references({"mul_mitchell_e2m1": verilog(parse("mul_mitchell_e2m1"))})["mul_mitchell_e2m1"]
    design = parse("mul_lmul_e2m1")
    monkeypatch.setattr(netlists, "references", lambda *_: {design.slug: other})
    store = Store(tmp_path)
    own = unit.Unit(design, written(design, store), operands("recording"), Options(effort="low"))
    with pytest.raises(Mismatch, match="^Netlist of mul_lmul_e2m1 in asap7 .* must compute what the Verilog does, and "
                                       r"does not at a = 0x\w, b = 0x\w$"):
        own.measure(["asap7"], store)


def test_default_designs_are_designs():
    slugs = default_designs()
    assert len(set(slugs)) == len(slugs)
    for formats in ("e4m3", "e5m2", "bf16", "fp16", "bf16xe4m3"):
        found = set(default_designs(full=formats in ("bf16", "fp16")))
        assert {f"mul_lmul_{formats}", f"mul_exact_{formats}_flush"} <= found
        assert f"mul_mitchell_{formats}" in default_designs(full=True)
    assert "mul_mitchell_e4m3" in slugs and set(slugs) < set(default_designs(full=True))
    assert all(parse(slug).slug == slug for slug in slugs)


@pytest.mark.parametrize("full", [False, True])
def test_every_sum_of_a_report_has_int8_beside_it(full):
    designs = [parse(slug) for slug in default_designs(full)]
    sums = [design for design in designs if design.multiplier.rival and not design.combinational]
    beside = {ours.slug for ours, rival in rivals.pairs(designs) if rival.multiplier.label == "int8"}
    assert beside == {design.slug for design in sums} != set()
