"""Liberty files, the library made of them, and what is written back."""

import gzip
import time

import numpy as np
import pytest
from gates import FIXTURES, SMALL, find, real_paths, small
from lmul.synth import boolean, liberty, library, table_file
from lmul.synth.cells import Table
from lmul.synth.characterise import characterise

pytestmark = pytest.mark.usefixtures("own_cache")

TIMES = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")


# Text to groups


def test_statements_of_every_shape():
    text = """/* a head
    */ library ("my lib") { // remark
      time_unit : "1ns"
      define(note, cell, string) ; capacitive_load_unit (1,pf);
      cell(A){area:2.5;values ("1, 2", \\
        "3,4"); pin (X Y) { direction : input } pin("Z[0]") { } }
      voltage_map (VDD, 1.1); voltage_map (VSS, 0); }
    """
    lib = liberty.parse(text)
    assert (lib.kind, lib.name, lib.get("time_unit")) == ("library", "my lib", "1ns")
    assert [values for name, values in lib.repeated if name == "voltage_map"] == [["VDD", "1.1"], ["VSS", "0"]]
    (cell,) = lib.all("cell")
    assert cell.get("area") == "2.5"
    assert liberty.numbers(cell, "values", "here") == ([1, 2, 3, 4], [2, 2])
    assert [pin.args for pin in cell.all("pin")] == [["X", "Y"], ["Z[0]"]]


@pytest.mark.parametrize("text, message", [
    ("library (a) {\n cell (x) {\n area : 1.0;",
     "3: expected '}' to end cell (x), begun on line 2, found the end of the file"),
    ("library (a) {\n cell (x) { area 3; }\n}",
     "2: expected an attribute, a group or '}' to end cell (x), begun on line 2, found 'area 3; }'"),
    ("library (a) {\n}\n}", "3: expected a group or the end of the file, found '}'"),
    ("module top;\nendmodule", "1: expected library (NAME) {, found 'module top;'"),
    ("", "1: expected one group library (NAME) {, found 0 of them"),
    ('library (a) { values ("1, 2',
     "1: expected an attribute, a group or '}' to end library (a), begun on line 1, found 'values (\"1, 2'"),
])
def test_wrong_text_is_refused_with_its_line(text, message):
    with pytest.raises(ValueError) as error:
        liberty.parse(text, "f.lib")
    assert str(error.value) == f"f.lib:{message}"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match="^Liberty file must be readable, not '.*none.lib': No such file or direct"):
        liberty.read(tmp_path / "none.lib")
    whole = gzip.compress(SMALL.read_bytes())
    cut = tmp_path / "cut.lib.gz"
    cut.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(ValueError, match="^Liberty file must be whole, not '.*cut.lib.gz': its compressed data end"):
        liberty.read(cut)
    good = tmp_path / "good.lib.gz"
    good.write_bytes(whole)
    assert liberty.read(good).name == "small"


def test_every_truncation_is_refused():
    text = SMALL.read_text()
    for end in range(0, len(text) - 2, 997):
        with pytest.raises(ValueError, match=r"^f\.lib:\d+: expected "):
            liberty.parse(text[:end], "f.lib")


def test_any_bytes_are_read_or_refused(seed, tmp_path):
    rng = np.random.default_rng(seed)
    text = SMALL.read_bytes()[:6000] + b"}}}"
    path = tmp_path / "fuzz.lib"
    for _ in range(300):
        data = bytearray(text)
        for _ in range(rng.integers(1, 20)):
            data[rng.integers(len(data))] = rng.integers(256)
        path.write_bytes(data)
        try:
            library.read([path])
        except ValueError as error:
            assert str(error) and "\n" not in str(error)


# Expressions


@pytest.mark.parametrize("text, same", [
    ("!A & B", "~a & b"), ("A B + C'", "(a & b) | ~c"), ("A ^ B * C", "(a ^ b) & c"), ("!A ^ B + C", "(~a ^ b) | c"),
    ("(A+B)'", "~a & ~b"), ("A''", "a"), ("A && B || C", "(a & b) | c"), ("1", "a | ~a"), ("A ^ 1", "~a"),
])
def test_operators_are_those_of_python_bound_as_liberty_has_them(text, same):
    a, b, c = np.arange(8) >> np.arange(3)[:, None] & 1 > 0
    assert np.array_equal(boolean.truth(text, ["A", "B", "C"]), eval(same, {"a": a, "b": b, "c": c}))


@pytest.mark.parametrize("text", ["", "A &", "(A", "A)", "&A", "A @ B", "!", "(" * 5000])
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(ValueError, match="^Function must be a Boolean expression, not "):
        boolean.parse(text)


def test_probability_is_the_share_of_states(seed):
    rng = np.random.default_rng(seed)
    table, duties = rng.random(16) < 0.5, rng.random((4, 3))
    states = np.arange(16)
    for k in range(3):
        weights = np.prod([np.where(states >> i & 1, duties[i, k], 1 - duties[i, k]) for i in range(4)], axis=0)
        assert boolean.probability(table, duties)[k] == pytest.approx(weights[table].sum())


# Cells


def test_tables_are_linear_between_and_beyond_their_points():
    table = Table(np.array([1.0, 2, 4]), np.array([10.0, 30]), np.array([[1.0, 2], [3, 6], [3, 8]]))
    assert table(2, 30) == 6
    assert table(1.5, 20) == pytest.approx((1 + 2 + 3 + 6) / 4)
    assert table(0, 10) == pytest.approx(-1)  # below: the line of the first two points
    assert table(6, 50) == 17
    assert Table(np.zeros(1), np.zeros(1), np.array([[7.0]]))(5, 5) == 7


def test_figures_in_fixed_units():
    lib = small()
    inv = lib.cells["INVX1"]
    assert inv.pins["A"].capacitance == pytest.approx((2.04, 1.94))  # fF, from pF
    arc = inv.arcs[0]
    assert arc.delay[1].x.tolist() == pytest.approx([10, 80, 400])  # ps, from ns
    assert arc.delay[1](10, 1) == pytest.approx((0.012 + 5 * 0.001 + 0.16 * 0.01**0.8) * 1000, rel=1e-4)
    assert inv.powers[0].energy[0](10, 1) == pytest.approx(0.004 * (1 + 0.005 - 0.002) * 1000, rel=1e-4)  # fJ
    assert inv.leakage == [("A", 2.0), ("!A", 3.0)]
    assert (lib.voltage, lib.corner["temperature"]) == (1.2, 25)


def test_axes_in_the_other_order_and_senses_from_functions():
    lib = small()
    one, two = lib.cells["INVX1"].arcs[0], lib.cells["INVX2"].arcs[0]
    assert two.delay[0].values.shape == (3, 3)
    assert two.delay[0](400, 8) == pytest.approx(one.delay[0](400, 4), rel=1e-4)  # twice the strength
    assert two.sense == -1
    assert [arc.sense for arc in lib.cells["XOR2X1"].arcs] == [1, -1, 1, -1]


def test_units_of_another_library_give_the_same_figures(tmp_path):
    text = """library (u) {{ time_unit : "{0}"; capacitive_load_unit ({1}); leakage_power_unit : "{2}";
      lu_table_template (t) {{ variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
        index_1 ("1, 2"); index_2 ("1, 2"); }}
      nom_voltage : 1;
      cell (I) {{ area : 1; cell_leakage_power : {3};
        pin (A) {{ direction : input; capacitance : {4}; }}
        pin (Y) {{ direction : output; function : "!A";
          timing () {{ related_pin : A; timing_sense : negative_unate;
            TABLES }} }} }} }}"""
    table = '{} (t) {{{{ index_1 ("{{5}}"); index_2 ("{{6}}"); values ("{{5}}", "{{7}}"); }}}}'
    text = text.replace("TABLES", " ".join(table.format(name) for name in TIMES))
    figures = []
    for fields in (("1ps", "1, ff", "1pW", "5", "3", "10, 20", "1, 2", "30, 40"),
                   ("1ns", "1, pf", "1nW", "0.005", "0.003", "0.01, 0.02", "0.001, 0.002", "0.03, 0.04"),
                   ("10ps", "10, fF", "1uW", "5e-6", "0.3", "1, 2", "0.1, 0.2", "3, 4")):
        path = tmp_path / "u.lib"
        path.write_text(text.format(*fields))
        cell = library.read([path]).cells["I"]
        figures.append((cell.cell_leakage, cell.pins["A"].capacitance[0], float(cell.arcs[0].delay[0](15, 1.5))))
    assert figures[0] == pytest.approx((0.005, 3, 25)) and figures[1] == pytest.approx(figures[0])
    assert figures[2] == pytest.approx(figures[0])


@pytest.mark.parametrize("old, new, message", [
    ('"1ns"', '"1 fortnight"', "time_unit must be a number and a unit such as 1ns, not '1 fortnight'"),
    ("area : 1.0;", "area : large;", "cell INVX1: area must be a number, not 'large'"),
    ('"0.004012, ', '"0.0o4012, ', "rise_power (energy): values must be numbers, not '0.0o4012'"),
    ("area : 1.0;", "area : nan;", "cell INVX1: area must be a number, not 'nan'"),
    ("0.01, 0.08, 0.4", "0.01, 0.4, 0.08", "cell_rise (delay): index_1 must be rising numbers, not 0.01, 0.4, 0.08"),
])
def test_wrong_figures_are_refused_by_name(tmp_path, old, new, message):
    text = SMALL.read_text()
    assert old in text
    path = tmp_path / "bad.lib"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError) as error:
        library.read([path])
    assert message in str(error.value)


def test_registers_latches_and_cells_with_two_outputs():
    lib = small()
    assert lib.cells["DFFX1"].flop.data == "D" and lib.cells["DFFX1"].flop.edge == "rising"
    inverting = lib.cells["DFFNX1"]
    assert inverting.flop.data == "D" and inverting.pins["QN"].function == inverting.flop.qn
    assert lib.cells["DFFFX1"].flop.edge == "falling" and lib.cells["DFFRX1"].flop.clear == "!RN"
    assert lib.cells["HAX1"].outputs == ["CO", "S"]
    assert lib.left_out["LATX1"] == "it has a latch group"
    assert [check.edge for check in lib.cells["DFFX1"].checks] == ["rising"]


# The library


def test_cells_offered_to_logic():
    lib = small()
    assert lib.offered == ["AOI21X1", "BUFX1", "BUFX3", "DFFNX1", "INVX1", "INVX2", "INVX4", "MUX2X1", "NAND2X1",
                           "NAND2X2", "NAND3X1", "NOR2X1", "SLOWBUF", "XOR2X1"]
    assert lib.reference_nand2.name == "NAND2X1"
    assert lib.driving_cell.name == "BUFX1"  # SLOWBUF is smaller, but slow
    assert lib.output_load == pytest.approx(4 * 2.04)
    with pytest.raises(ValueError, match="^Cell must be one that small offers to logic, not 'TBUFX1': it drives a "):
        lib.cell("TBUFX1")


@pytest.mark.parametrize(("technology", "name", "inverted"), [("sky130hd", "sky130_fd_sc_hd__fa_1", False),
                                                              ("asap7", "FAx1_ASAP7_75t_R", True)])
def test_the_full_adder_of_a_library(technology, name, inverted, tmp_path):
    """Found by what its outputs are; mappers, which want one output, do not see it."""
    lib = library.load(technology)
    adder = lib.full_adder
    assert (adder.cell.name, adder.sum_inverted, adder.carry_inverted) == (name, inverted, inverted)
    for state in range(8):
        total = state.bit_count()
        assert adder.cell.truth(adder.sum)[state] == total % 2 ^ inverted
        assert adder.cell.truth(adder.carry)[state] == total // 2 ^ inverted
    for full in (False, True):
        lib.write_liberty(tmp_path / "cells.lib", full)
        assert (f"cell ({name})" in (tmp_path / "cells.lib").read_text()) == full
    assert small().full_adder is None


def test_a_cell_that_another_one_beats_is_not_offered(tmp_path):
    text = SMALL.read_text()
    start, end = text.index("  cell (BUFX1)"), text.index("  cell (BUFX3)")
    worse = text[start:end].replace("BUFX1", "BADBUF").replace("area : 1.6", "area : 1.7")
    path = tmp_path / "worse.lib"
    path.write_text(text[:end] + worse + text[end:])
    assert "BADBUF" in library.read([path]).cells
    assert library.read([path]).offered == small().offered


def test_several_files_are_one_library(tmp_path):
    text = SMALL.read_text()
    cut = text.index("  cell (XOR2X1)")
    (tmp_path / "one.lib").write_text(text[:cut] + "}\n")
    (tmp_path / "two.lib.gz").write_bytes(gzip.compress((text[:text.index("  cell (INVX1)")] + text[cut:]).encode()))
    lib = library.load(None, [tmp_path / "one.lib", tmp_path / "two.lib.gz"])
    assert lib.offered == small().offered
    with pytest.raises(ValueError, match="^A library must have a two-input NAND; small has no two-input NAND; the f"):
        library.load(None, [tmp_path / "two.lib.gz"])


def test_a_library_without_voltage_is_refused(tmp_path):
    path = tmp_path / "bare.lib"
    path.write_text(SMALL.read_text().replace("voltage : 1.2", "current : 1.2"))
    with pytest.raises(ValueError, match="^.*bare.lib: nom_voltage must be stated, above 0, not None$"):
        library.load(None, [path])


def test_what_load_refuses():
    with pytest.raises(ValueError, match="^A technology or Liberty files must be named, not both and not neither$"):
        library.load()
    with pytest.raises(ValueError, match="^Technology must be one of sky130hd, asap7, not 'tsmc7'$"):
        library.load("tsmc7")


def test_a_file_is_read_once(own_cache, monkeypatch):
    first = library.load(None, [SMALL])
    (file,) = own_cache.glob("*.json")
    monkeypatch.setattr(library, "read", lambda paths: pytest.fail("read again"))
    again = library.load(None, [SMALL])
    assert again.offered == first.offered and again.left_out == first.left_out
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(own_cache.parents[1]))
    for damage in ("", "{", file.read_text()[:5000], '{"format": 1}', '{"format": 0}'):
        file.write_text(damage)
        assert library.load(None, [SMALL]).offered == first.offered
        assert table_file.read(file).offered == first.offered


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert library.load(None, [SMALL]).offered == small().offered


def same_tables(one, two, digits=1e-6):
    for a, b in zip(one, two, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert np.allclose(a.values, b.values, rtol=digits) and np.allclose(a.x, b.x) and np.allclose(a.y, b.y)


@pytest.mark.parametrize("full", [False, True])
def test_liberty_written_is_liberty_read(tmp_path, full):
    lib = small()
    lib.write_liberty(tmp_path / "out.lib", full)
    back = library.read([tmp_path / "out.lib"])
    names = [name for name in lib.offered if full or not lib.cells[name].flop]  # mappers need no setup times
    assert sorted(back.cells) == names and back.thresholds == lib.thresholds
    for name in names:
        old, new = lib.cells[name], back.cells[name]
        assert new.area == old.area and new.inputs == old.inputs and new.outputs == old.outputs
        for pin in old.inputs:
            assert new.pins[pin].capacitance == pytest.approx(old.pins[pin].capacitance)
        if old.flop:
            assert (new.flop.data, new.flop.q, new.flop.edge) == (old.flop.data, old.flop.q, old.flop.edge)
        else:
            assert np.array_equal(new.truth("Y"), old.truth("Y"))
        if full:
            assert len(new.arcs) == len(old.arcs) and dict(new.leakage) == pytest.approx(dict(old.leakage))
            for a, b in zip(old.powers, new.powers, strict=True):
                assert (a.related, a.ground) == (b.related, b.ground)
                same_tables(a.energy, b.energy)
            for a, b in zip(old.arcs, new.arcs, strict=True):
                assert (a.source, a.sense, a.when) == (b.source, b.sense, b.when)
                same_tables(a.delay + a.slew, b.delay + b.slew)
    if not full:
        (arc,) = [arc for arc in back.cells["XOR2X1"].arcs if arc.source == "A"]
        worst = max(arc.delay[0](80, 8) for arc in lib.cells["XOR2X1"].arcs if arc.source == "A")
        assert arc.sense == 0 and arc.delay[0](80, 8) == pytest.approx(worst)


def test_what_was_read_before_is_what_was_read():
    """To the conditions of leakage, which a compact table has by state of the inputs."""
    first, *again = ({name: cell.leakage for name, cell in lib.cells.items()}
                     for lib in (small(), library.load(None, [SMALL]), library.load(None, [SMALL])))
    assert again == [first, first]
    assert any("Y" in (when or "") for leakage in first.values() for when, _ in leakage)


def test_yosys_maps_to_what_is_written(tmp_path, monkeypatch):
    from lmul.hdl import yosys

    lib = small()
    lib.write_liberty(tmp_path / "cells.lib")
    (tmp_path / "abc.constr").write_text(f"set_driving_cell {lib.driving_cell.name}\nset_load {lib.output_load}\n")
    (tmp_path / "top.v").write_text("module top(input clk, input [3:0] a, b, output reg [7:0] p);\n"
                                    "always @(posedge clk) p <= a * b + p;\nendmodule\n")
    yosys.run(["read_verilog top.v", "synth -flatten -top top", "dfflibmap -liberty cells.lib",
               "abc -liberty cells.lib -constr abc.constr -D 1000", "opt_clean -purge", "write_json top.json"],
              tmp_path)
    from lmul.synth.netlist import Netlist

    netlist = Netlist.read(tmp_path / "top.json", lib)
    assert netlist.flip_flops == 8 and netlist.clock == "clk" and set(netlist.count) <= set(lib.offered)
    assert netlist.count["DFFNX1"] == 8 and len(netlist.kind) > 40


# Compact tables


def test_a_compact_table_gives_back_the_library(tmp_path):
    text = characterise([SMALL], tmp_path / "tiny.json", source="here", licence="ours")
    assert text.startswith("tiny: 14 cells, ")
    lib, table = small(), table_file.read(tmp_path / "tiny.json")
    assert (table.name, table.licence, table.offered) == ("tiny", "ours", lib.offered)
    assert table.source.startswith("here: small.lib (sha256 ") and table.corner == lib.corner
    for name in lib.offered:
        assert table.cells[name].area == lib.cells[name].area
    old, new = lib.cells["NAND2X1"], table.cells["NAND2X1"]
    for a, b in zip(old.arcs, new.arcs, strict=True):
        assert b.delay[0](60, 6) == pytest.approx(a.delay[0](60, 6), rel=0.01)
    assert {when.replace(" ", "") for when, _ in new.leakage} == {"A&B", "A&!B", "!A&B", "!A&!B"}
    before = (tmp_path / "tiny.json").read_bytes()
    characterise([SMALL], tmp_path / "tiny.json", source="here", licence="ours")
    assert (tmp_path / "tiny.json").read_bytes() == before


@pytest.mark.parametrize("technology", library.EMBEDDED)
def test_embedded_tables_are_small_and_say_where_they_are_from(technology):
    lib = library.load(technology)
    assert (library._DATA / f"{technology}.json").stat().st_size < 100_000
    assert lib.name == technology and "sha256" in lib.source and lib.licence and lib.voltage in (0.7, 1.8)
    assert lib.reference_nand2 and lib.driving_cell and lib.flops
    assert lib.flops == [{"sky130hd": "sky130_fd_sc_hd__dfxtp_1", "asap7": "DFFHQNx1_ASAP7_75t_R"}[technology]]


@pytest.mark.parametrize("technology", library.EMBEDDED)
def test_real_files_are_read_right_and_fast(technology, monkeypatch):
    paths = real_paths(technology)
    start = time.process_time()
    lib = library.load(None, paths)
    assert time.process_time() - start < 10
    start = time.process_time()
    again = library.load(None, paths)
    assert time.process_time() - start < 2 and again.offered == lib.offered
    if technology == "asap7":
        cell, arc = lib.cells["AO21x1_ASAP7_75t_R"], lib.cells["AO21x1_ASAP7_75t_R"].arcs[0]
        assert (cell.area, arc.source, len(cell.arcs)) == (0.08748, "A1", 6)
        assert arc.delay[0](5, 0.72) == 16.8285 and arc.delay[0](320, 46.08) == 222.424
        assert cell.leakage[0] == ("(A1 * A2 * B * Y)", pytest.approx(0.0744052))
        assert sum(power.ground for power in cell.powers) == len(cell.powers) / 2
    else:
        cell = lib.cells["sky130_fd_sc_hd__dfxtp_1"]
        assert cell.area == 20.0192 and cell.pins["CLK"].capacitance == pytest.approx((1.877, 1.712))
        assert cell.arcs[0].delay[0](10, 0.5) == pytest.approx(269.2208)
        assert cell.checks[0].time[1](500, 10) == pytest.approx(-10.8092)
        assert lib.cells["sky130_fd_sc_hd__fa_1"].outputs == ["COUT", "SUM"]
    embedded = library.load(technology)
    assert embedded.offered == lib.offered and embedded.driving_cell.name == lib.driving_cell.name
    for name in lib.offered:
        assert embedded.cells[name].area == pytest.approx(lib.cells[name].area, rel=1e-6)
    assert embedded.output_load == pytest.approx(lib.output_load, rel=0.005)


def test_find_and_fixtures_exist():
    assert FIXTURES.is_dir() and find(small(), [True, False], 1).name == "INVX1"
