"""Liberty files that lack something, contradict themselves or are odd: refused, or a cell left out, in words."""

import json
import re

import numpy as np
import pytest
from gates import SMALL, real_paths, small
from lmul.cli.document import to_markdown
from lmul.cli.pages import report_page
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import parse
from lmul.synth import boolean, liberty, library, measure, table_file
from lmul.synth.areas import implausible
from lmul.synth.characterise import characterise
from lmul.synth.measure import run_report
from lmul.synth.options import Options

TEXT = SMALL.read_text()
NAND = re.search(r"  cell \(NAND2X1\) \{\n.*?\n  \}\n", TEXT, re.DOTALL)[0]

pytestmark = pytest.mark.usefixtures("own_cache")


def read(folder, *texts):
    """The library of files with these texts (or bytes), complete."""
    paths = [folder / f"f{n}.lib" for n in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return library.complete(library.read(paths))


def edited(*pairs, text=TEXT):
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def in_cell(name, *pairs, count=1):
    """The small library with edits of one cell; of each the first ``count`` places, or all (0)."""
    start = TEXT.index(f"  cell ({name}) {{")
    end = TEXT.index("\n  }\n", start)
    body = TEXT[start:end]
    for old, new in pairs:
        assert old in body, old
        body = body.replace(old, new, count or -1)
    return TEXT[:start] + body + TEXT[end:]


def without(pattern, text):
    changed, count = re.subn(pattern, "", text, flags=re.DOTALL)
    assert count
    return changed


# The shape of tables


TABLE = '"0.0'  # the first of a row


@pytest.mark.parametrize("old, new, said", [
    ("cell_rise (delay) {", "cell_rise (dleay) {", r"dleay\): its template must be defined in the file, 'dleay'"),
    ("cell_rise (delay) {", 'cell_rise (delay) { index_2 ("0.001, 0.008");',
     "values must be 3 x 2 = 6, over input_net_transition and total_output_net_capacitance of template 'delay', not"),
    ("cell_rise (delay) {", 'cell_rise (delay) { index_3 ("1, 2");', "index_3 must have a variable in template"),
    ("cell_rise (delay) {", "cell_rise (scalar) {", "values must be 1, without axes, not 9"),
    ("cell_rise (delay) {", 'cell_rise (scalar) { index_1 ("1, 2, 3");', "must be defined in the file, 'scalar'"),
    ("cell_rise (delay) {", 'cell_rise (delay) { index_1 ("0.01, 0.01, 0.4");', "index_1 must be rising numbers"),
    ("cell_rise (delay) {", 'cell_rise (delay) { index_1 ("");', "index_1 must be rising numbers, not none"),
    ("cell_rise (delay) {", "cell_rise (input_energy) {", "values must be 3, over input_transition_time of template"),
    ("cell_rise (delay) {", 'cell_rise (delay) { values ("1"); } cell_rise (delay) {', "it must be stated once, not"),
])
def test_a_table_fits_its_axes(tmp_path, old, new, said):
    with pytest.raises(Refusal, match=rf"f0\.lib: cell INVX1: pin Y: timing: cell_rise \(.*{said}"):
        read(tmp_path, in_cell("INVX1", (old, new)))


def test_rows_are_those_of_the_axes(tmp_path):
    """Six numbers are two rows of three, not three of two."""
    def given(rows):
        tables = "".join(f"{name} (two) {{ values ({rows}); }}" for name in
                         ("cell_rise", "cell_fall", "rise_transition", "fall_transition"))
        return edited(("  cell (INVX1)", '  lu_table_template (two) { variable_1 : input_net_transition; variable_2 : '
                       'total_output_net_capacitance; index_1 ("0.1, 0.2"); index_2 ("0.1, 0.2, 0.3"); } cell (INVX1)'),
                      text=in_cell("INVX1", ("timing () {", f"timing () {{ related_pin : A; {tables} }} timing () {{ "
                                             "timing_type : hold_rising;")))

    for rows in ('"1, 2, 3", "4, 5, 6"', '"1, 2, 3, 4, 5, 6"', "1, 2, 3, 4, 5, 6"):
        table = read(tmp_path, given(rows)).cells["INVX1"].arcs[0].delay[0]
        assert table.values.tolist() == [[1000, 2000, 3000], [4000, 5000, 6000]]
    for rows in ('"1, 2", "3, 4", "5, 6"', '"1, 2, 3, 4", "5, 6"', '"1, 2, 3", "4, 5, 6", "7, 8, 9"'):
        with pytest.raises(Refusal, match="values must be 2 x 3 = 6, over .* in rows of "):
            read(tmp_path, given(rows))


def test_two_axes_are_two_quantities(tmp_path):
    same = ("variable_2 : total_output_net_capacitance;", "variable_2 : input_transition_time;")
    with pytest.raises(Refusal, match="the axes of template 'delay' must be different quantities, not input_net_trans"):
        read(tmp_path, edited(same))
    lib = read(tmp_path, in_cell("XOR2X1", ("cell_rise (delay)", "cell_rise (setup)")))
    assert lib.faults == {
        "XOR2X1": "f0.lib: cell XOR2X1: pin Y: timing: cell_rise (setup): the axes of template 'setup' must be among "
        "input_net_transition, input_transition_time, total_output_net_capacitance, not related_pin_transition"}


def test_a_third_axis_is_taken_at_its_first_point_wherever_it_stands(tmp_path):
    plain = small().cells["INVX1"].arcs[0].delay[0].values
    head = ("  cell (INVX1)", '  lu_table_template (three) { variable_1 : related_out_total_output_net_capacitance; '
            'variable_2 : input_net_transition; variable_3 : total_output_net_capacitance; index_1 ("1, 2"); '
            'index_2 ("0.01, 0.08, 0.4"); index_3 ("0.001, 0.008, 0.05"); }\n  cell (INVX1)')
    start = TEXT.index("cell_rise (delay) {")
    rows = re.findall(r'"[^"]*"', TEXT[start:TEXT.index("}", start)])
    body = TEXT[start:TEXT.index("}", start)]
    text = TEXT.replace(body, "cell_rise (three) { values (" + ", ".join(rows + ['"9, 9, 9"'] * 3) + "); ", 1)
    assert np.array_equal(read(tmp_path, edited(head, text=text)).cells["INVX1"].arcs[0].delay[0].values, plain)


def test_templates_of_times_and_of_energies_have_their_own_names(tmp_path):
    text = edited(("power_lut_template (energy)", "power_lut_template (delay)"))
    text = text.replace("_power (energy)", "_power (delay)")
    axes = "power_lut_template (delay) { variable_1 : input_transition_time; variable_2 : total_output_net_capacitance"
    text = edited((axes + '; index_1 ("0.01', axes + '; index_1 ("0.02'), text=text)
    cell = read(tmp_path, text).cells["INVX1"]
    assert cell.arcs[0].delay[0].x[0] == pytest.approx(10) and cell.powers[0].energy[0].x[0] == pytest.approx(20)
    with pytest.raises(Refusal, match=r"lu_table_template \(delay\) must be defined once, not twice"):
        read(tmp_path, edited(("lu_table_template (delay_swapped)", "lu_table_template (delay)")))


# Figures that are absent


@pytest.mark.parametrize("cell, pairs, said", [
    ("XOR2X1", [("area : ", "areal : ")], "area must be stated, it is missing"),
    ("XOR2X1", [("area : ", "area : 0; was : ")], "area must be above 0, not 0"),
    ("XOR2X1", [("area : ", "area : -1; was : ")], "area must be above 0, not -1"),
    ("XOR2X1", [('function : "A ^ B";', 'function : "";')], "pin Y: function must be a Boolean expression, not ''"),
    ("XOR2X1", [('function : "A ^ B";', 'function : "A ^ C";')], "pin Y: function: 'A ^ C' must be of A, B, not of"),
    ("XOR2X1", [("related_pin", "related_pine")], "pin Y: timing: related_pin must be stated, it is missing"),
    ("XOR2X1", [('related_pin : "A"', 'related_pin : "C"')], "Y: timing: related_pin must be one of A, B, Y, not"),
    ("XOR2X1", [("cell_fall (", "fell_fall (")], "pin Y: timing from A: cell_fall must be stated, it is missing"),
    ("XOR2X1", [("fall_transition (", "fell (")], "pin Y: timing from A: fall_transition must be stated"),
    ("NAND2X2", [("timing () {", "timings () {")], "pin Y: timing from A must be stated, cell_rise, rise_transition, "
     "cell_fall, fall_transition are missing"),
    ("NAND2X2", [("rise_power (", "raise_power (")], "pin Y: internal_power from A: rise_power must be stated"),
    ("XOR2X1", [("direction : output", "direction : out")], "pin (Y): direction must be one of input, output, inout, "
     "internal, not 'out'"),
    ("XOR2X1", [('when : "', 'when : "== ')], "must be a Boolean expression, not '== "),
    ("DFFX1", [("setup_rising", "hold_rising")], "pin D: timing of timing_type setup_rising to CK must be stated, "
     "rise_constraint, fall_constraint are missing"),
    ("DFFX1", [("rise_constraint (", "none (")], "pin D: timing of timing_type setup_rising to CK must be stated, "
     "rise_constraint is missing"),
    ("DFFX1", [("rising_edge", "falling_edge")], "pin Q: timing from CK of timing_type rising_edge must be stated"),
    ("DFFX1", [('clocked_on : "CK"', 'clocked_in : "CK"')], "ff: clocked_on must be stated, it is missing"),
    ("DFFX1", [('clocked_on : "CK"', 'clocked_on : "CK D"')], "ff: clocked_on must be one pin, not 'CK D'"),
    ("DFFX1", [('function : "IQ"', 'function : "IQ ^ IQN"')], "pin Q: function must be the register's state"),
    ("DFFX1", [("value : ", "amount : ")], "leakage_power: value must be stated, it is missing"),
    ("XOR2X1", [("pin (B)", "pin (A)")], "pin A must be described once, not twice"),
    ("XOR2X1", [("area : ", "dont_use : maybe; area : ")], "dont_use must be true or false, not 'maybe'"),
])
def test_a_cell_without_a_figure_is_left_out_by_place(tmp_path, cell, pairs, said):
    lib = read(tmp_path, in_cell(cell, *pairs))
    assert list(lib.faults) == [cell] and cell not in lib.cells and cell not in lib.offered
    assert lib.faults[cell].startswith(f"f0.lib: cell {cell}: ") and said in lib.faults[cell], lib.faults[cell]
    with pytest.raises(Refusal, match=f"not '{cell}': f0.lib: cell {cell}: "):
        lib.cell(cell)


def test_a_capacitance_is_that_of_the_pin_or_of_the_library(tmp_path):
    text = in_cell("NOR2X1", ("capacitance : ", "not_said : "), count=0)
    assert read(tmp_path, text).cells["NOR2X1"].pins["A"].capacitance == pytest.approx((2, 2))  # default_input_pin_cap
    text = edited(("default_input_pin_cap : 0.002;", ""), text=text)
    assert "pin A: capacitance must be stated (or rise_capacitance, or default_input_pin_cap), it is missing" in \
        read(tmp_path, text).faults["NOR2X1"]
    text = in_cell("NOR2X1", ("rise_capacitance : ", "rise_capacitance : 0; was : "))
    assert "capacitance of an input must be above, not 0 at its rise" in read(tmp_path, text).faults["NOR2X1"]


def test_one_edge_here_and_the_other_there_are_both(tmp_path):
    """Conditional arcs may have one edge each; together they must have both."""
    body = TEXT[TEXT.index("  cell (INVX1)"):TEXT.index("  cell (INVX2)")]
    arc = re.search(r"      timing \(\) \{.*?\n      \}\n", body, re.DOTALL)[0]
    rise = without(r"        (cell_fall|fall_transition) \(delay\) \{.*?\n        \}\n", arc)
    fall = without(r"        (cell_rise|rise_transition) \(delay\) \{.*?\n        \}\n", arc)
    assert len(read(tmp_path, TEXT.replace(arc, rise + fall, 1)).cells["INVX1"].arcs) == 2
    with pytest.raises(Refusal, match="cell INVX1: pin Y: timing from A must be stated, cell_fall, fall_transition"):
        read(tmp_path, re.sub(r"  cell \(INVX[24]\).*?\n  \}\n", "", TEXT.replace(arc, rise, 1), flags=re.DOTALL))


def test_what_most_cells_state_is_asked_of_each(tmp_path):
    text = in_cell("NAND3X1", ("cell_leakage_power", "leaks"))
    assert read(tmp_path, text).faults == {
        "NAND3X1": "f0.lib: cell NAND3X1: leakage must be stated, as most cells of the library do"}
    assert not read(tmp_path, edited(("default_output", "default_cell_leakage_power : 3; default_output"),
                                     text=text)).faults


@pytest.mark.parametrize("edit, said", [
    (lambda text: edited(('leakage_power_unit : "1nW";', ""), text=text), "the library states no leakage of its cells"),
    (lambda text: text.replace("internal_power ()", "external_power ()"), "the library states no internal energy of"),
])
def test_what_no_cell_states_is_no_figure(tmp_path, edit, said):
    lib = read(tmp_path, edit(TEXT))
    assert not lib.faults and lib.lacks.startswith(said)


def test_a_unit_of_load_is_asked_for(tmp_path):
    with pytest.raises(Refusal, match="f0.lib: capacitive_load_unit must be a number and a unit such as 1nf, not ''"):
        read(tmp_path, edited(("capacitive_load_unit (1, pf);", "")))


# What a library must have


def test_a_kind_of_cell_that_is_needed_is_asked_for_with_what_was_left_out(tmp_path):
    text = without(r"  cell \((?!NAND2X1|INVX1|BUFX1)\w+\) \{\n.*?\n  \}\n", TEXT)
    assert sorted(read(tmp_path, text).cells) == ["BUFX1", "INVX1", "NAND2X1"]
    with pytest.raises(Refusal) as refusal:
        read(tmp_path, text.replace('function : "!A"', 'function : "A @"'))
    assert str(refusal.value).startswith(
        "A library must have an inverter; small has no inverter; 1 of its 3 cells might be but cannot be used: f0.lib: "
        "cell INVX1: pin Y: function: Function must be a Boolean expression, not 'A @'; a library is all its files")
    with pytest.raises(Refusal, match="A library must have a buffer; small has no buffer; 1 of its 3 cells"):
        read(tmp_path, text.replace('function : "A"', 'function : "A @"'))
    with pytest.raises(Refusal, match="a two-input NAND; .*might be but cannot be used: NAND2X1 has dont_use; a"):
        read(tmp_path, text.replace("area : 1.4;", "area : 1.4; dont_use : True;"))


REGISTERS = ("DFFX1", "DFFNX1", "DFFRX1", "DFFQX1")


def no_rising_registers():
    text = TEXT
    for name in REGISTERS:
        if f"  cell ({name})" in text:
            text = without(rf"  cell \({name}\) \{{\n.*?\n  \}}\n", text)
    return text


def test_a_register_is_asked_for_before_anything_is_mapped(tmp_path, monkeypatch):
    text = no_rising_registers()
    lib = read(tmp_path, text)
    assert not lib.flops and "2 of its " in lib.no_register
    assert "DFFFX1 takes its data at the falling edge; of 1 each is left out because it has a latch" in lib.no_register
    monkeypatch.setattr(measure, "_Pool", lambda *_: pytest.fail("a report began"))
    with pytest.raises(Refusal, match="^Designs with registers need one; a register must take one data pin at the "):
        run_report(["mac_lmul_e2m1_fixed"], liberty=[tmp_path / "f0.lib"])
    bare = without(r"  cell \((?:DFF|LAT)\w+\) \{\n.*?\n  \}\n", text)
    assert "small has no register; the file that has them is probably missing; a library is all its files together, " \
        "read was f0.lib (sha256 " in read(tmp_path, bare).no_register


def test_a_report_says_what_was_left_out_and_what_is_no_figure(tmp_path, monkeypatch):
    """A library without a register for designs, without leakage, and with an odd cell: combinational designs have what
    it can tell."""
    path = tmp_path / "f.lib"
    path.write_text(edited(('leakage_power_unit : "1nW";', ""), ('function : "A ^ B"', 'function : "A @ B"'),
                           text=no_rising_registers()))
    options = Options(effort="low", vectors=200, dont_use="NOR2*")
    record = run_report(["mul_lmul_e2m1", "mac_lmul_e2m1_fixed"], liberty=[path], options=options)
    mul, mac = record["rows"]
    assert mul["delay_ps"] and mul["input_nets_fj_per_op"] and mul["energy_fj_per_op"] is mul["leakage_nw"] is None
    assert mul["reasons"]["energy_fj_per_op"] == "the library states no leakage of its cells"
    assert mac["area_um2"] is mac["fmax_mhz"] is None
    assert mac["reasons"]["area_um2"].startswith("a register must take one data pin at the rising edge of its clock; ")
    (about,) = record["libraries"]
    cells = about["cells"]
    assert cells == path.read_text().count("  cell (") and list(about["faults"]) == ["XOR2X1"]
    assert about["left_out"]["it has a latch group"] == 1 and about["dont_use"] == ["NOR2X1", "OLDBUF"]
    assert record["options"]["dont_use"] == "NOR2*"
    page = to_markdown(report_page(json.loads(json.dumps(record))))
    for said in (f"small: 1 of {cells} cells is left out for what the description lacks or says: f.lib: cell XOR2X1: ",
                 f"small: 2 of {cells} cells have `dont_use`, or were named so: NOR2X1, OLDBUF.",
                 "1 as it has a latch group", "DFFFX1 takes its data at the falling edge"):
        assert said in page, said


# Parts that contradict each other


@pytest.mark.parametrize("old, new, said", [
    ("nom_voltage : 1.2", "nom_voltage : 0.9", "default_operating_conditions must be those of its cells: voltage is 1"),
    ("voltage : 1.2", "voltage : 1.1", "must be of one corner: voltage is 1.2 in .*f0.lib and 1.1 in .*f1.lib$"),
    ("temperature : 25", "temperature : 125", "must be of one corner: temperature is 25 in .*f0.lib and 125 in"),
    ("process : 1", "process : 1.2", "must be of one corner: process is 1 in .* and 1.2 in"),
    ("slew_lower_threshold_pct_rise : 30", "slew_lower_threshold_pct_rise : 20", "slew_lower_threshold_pct_rise is 30"),
    ("library (small)", "library (other)", "A cell must be described once, INVX1 is in .*f0.lib and in .*f1.lib$"),
])
def test_files_of_one_library_are_of_one_corner(tmp_path, old, new, said):
    text = TEXT.replace(old, new) if "nom" not in old else edited((old, new))
    with pytest.raises(Refusal, match=said):
        read(tmp_path, TEXT, text)


def test_a_cell_is_in_a_file_once(tmp_path):
    with pytest.raises(Refusal, match="A cell must be described once, NAND2X1 is in .*f0.lib and in .*f0.lib$"):
        read(tmp_path, edited((NAND, NAND + NAND)))


def _cell_free(text):
    """The head of a library, without its cells."""
    return text[:text.index("  cell (")] + "}\n"


def test_wire_loads_are_those_of_all_files(tmp_path):
    """A name of the second file alone is known; one name must mean one load, whatever the units of the files."""
    longer = edited(("wire_load (short)", "wire_load (long)"), ("(1, 10)", "(1, 20)"))
    known = read(tmp_path, TEXT, _cell_free(longer)).wire_loads
    assert list(known) == ["short", "long"]
    assert known["short"]["ff"] == pytest.approx([2, 3.6, 6]) and known["long"]["ff"] == pytest.approx([4, 3.6, 6])
    same = edited(("capacitive_load_unit (1, pf)", "capacitive_load_unit (1, ff)"),
                  ("capacitance : 0.0002", "capacitance : 0.2"))
    assert list(read(tmp_path, TEXT, _cell_free(same)).wire_loads) == ["short"]
    with pytest.raises(Refusal, match="^A wire load must be the same in all files of a library, 'short' is another in "
                                      ".*f0.lib than in .*f1.lib$"):
        read(tmp_path, TEXT, _cell_free(edited(("(2, 18)", "(2, 19)"))))


def test_figures_at_other_conditions_are_not_scaled(tmp_path):
    text = edited(("temperature : 25; }", "temperature : 85; }"))
    assert read(tmp_path, text).corner["temperature"] == 85
    with pytest.raises(Refusal, match="temperature is 85 there, nom_temperature is 25, and figures are not scaled"):
        read(tmp_path, edited(("default_operating", "k_temp_cell_rise : 0.001; default_operating"), text=text))


def stronger(name, strength, area, cell=NAND):
    """A copy of the small NAND, of so many times the drive and the load."""
    def scaled(match):
        return '"' + ", ".join(f"{float(word) / strength:.6g}" for word in match[1].split(",")) + '"'

    head, tables = cell.split("      timing () {", 1)
    tables = re.sub(r'"([\d.,\s]+)"', scaled, tables)
    head = re.sub(r"(apacitance : )([\d.]+)", lambda match: f"{match[1]}{float(match[2]) * strength:.6g}", head)
    return re.sub(r"area : [\d.]+", f"area : {area}", (head + "      timing () {" + tables).replace("NAND2X1", name))


@pytest.mark.parametrize("strength, area, fault", [(16, 1.4, True), (4, 0.7, True), (2, 1.0, True), (16, 12, False),
                                                   (2, 1.4, False), (3, 1.4, False)])
def test_a_stronger_cell_is_not_smaller(tmp_path, strength, area, fault):
    lib = read(tmp_path, edited((NAND, NAND + stronger("NANDBIG", strength, area))))
    assert list(lib.faults) == ["NANDBIG"] * fault and lib.reference_nand2.area == 1.4
    if fault:
        assert re.search(rf"NANDBIG: area {area:g} must be a placeholder: (NANDBIG of {area:g}|the cell) drives",
                         lib.faults["NANDBIG"])


def test_many_placeholders_go_and_the_others_stay(tmp_path):
    """As where many strong cells have the smallest area; and a weak cell that is too large goes, not the stronger."""
    text = edited((NAND, NAND + "".join(stronger(f"NANDX{n}", n, 1.4) for n in (8, 12, 16))))
    lib = read(tmp_path, text)
    assert sorted(lib.faults) == ["NANDX12", "NANDX16", "NANDX8"] and lib.reference_nand2.name == "NAND2X1"
    text = edited((NAND, NAND + stronger("NANDX4", 4, 4) + stronger("NANDX8", 8, 8)))
    text = text.replace(NAND, NAND.replace("area : 1.4;", "area : 14;"))
    assert list(read(tmp_path, text).faults) == ["NAND2X1"]


def test_areas_that_are_all_the_same_are_none(tmp_path):
    with pytest.raises(Refusal, match="Areas must be those of the cells' layouts, small has 1 for every cell"):
        read(tmp_path, re.sub(r"area : [\d.]+", "area : 1", TEXT))


@pytest.mark.parametrize("technology", library.EMBEDDED)
def test_real_areas_are_plausible(technology):
    assert implausible(library.load(technology).cells) == {}


@pytest.mark.regress
@pytest.mark.parametrize("technology", library.EMBEDDED)
def test_no_cell_of_a_real_library_is_at_fault(technology):
    lib = library.load(None, real_paths(technology))
    assert lib.faults == {} and lib.lacks is None and lib.no_register is None


# Lexical rules, and statements that change what is read


def same(one, two):
    assert one.offered == two.offered and one.left_out == two.left_out and one.faults == two.faults
    for name, c in one.cells.items():
        other = two.cells[name]
        assert (c.area, c.inputs, c.leakage) == (other.area, other.inputs, other.leakage)
        for a, b in zip(c.arcs, other.arcs, strict=True):
            for x, y in zip(a.delay + a.slew, b.delay + b.slew, strict=True):
                assert np.array_equal(x.values, y.values)


@pytest.mark.parametrize("text", [
    re.sub(r"(?<=[;{]) ", " \\\\\n ", TEXT), re.sub(r" : ", "\\\\\n : \\\\\r\n", TEXT),
    edited(("nom_voltage", "nom_vol\\\ntage"), ('"A ^ B"', '"A \\\n^ \\\nB"'), ("(INVX1)", "\\\n(INV\\\nX1)")),
    TEXT.replace(" \\\n", " \\ \t\n"), TEXT.replace("\n", "\r\n"), TEXT.replace("\n", "\r"),
    b"\xef\xbb\xbf" + TEXT.encode(), TEXT.encode("utf-16"), TEXT.encode("utf-16-le"), TEXT.encode("utf-16-be"),
    TEXT.encode("utf-32"), TEXT.replace("made-up", "erdacht in München").encode("latin-1"),
    TEXT.replace("area : ", "area /* of \" the ( */ : /* { */ ").replace("values (", "values /* \" */ ( /* \" ) */"),
    TEXT.replace("time_unit : ", 'comment : "say \\"so\\" // {"; // C:\\lib\\\n  time_unit : '),
    TEXT.replace("area : ", "dont_touch : FALSE; is_macro_cell : 0; dont_use : \"False\"; always_on : false; area : "),
], ids=range(15))
def test_how_it_is_written_changes_nothing(tmp_path, text):
    (tmp_path / "f.lib").write_bytes(text if isinstance(text, bytes) else text.encode())
    same(small(), library.read([tmp_path / "f.lib"]))


def test_lines_of_errors_are_those_of_the_file():
    with pytest.raises(Refusal, match="^f:5: expected "):
        liberty.parse("library (a) { b \\\n : \\\n 1; /* \\\n */ c : 2;\n @ }", "f")


def test_escaped_names_are_names():
    (cell,) = liberty.parse('library (l) { cell ("A\\[0\\]", \\B+1 ) { } }').groups
    assert cell.args == ["A[0]", "B+1"]
    assert boolean.pins(boolean.parse("!(A\\[0\\] + \\B+1 )")) == ["A[0]", "B+1"]


@pytest.mark.parametrize("text", ["1A", "A == 1", "A & 01"])
def test_a_constant_is_a_word_of_its_own(text):
    with pytest.raises(Refusal, match="^Function must be a Boolean expression"):
        boolean.parse(text)


@pytest.mark.parametrize("old, new, said", [
    ("delay_model : table_lookup", "delay_model : generic_cmos", "delay_model must be table_lookup, not 'generic"),
    ('time_unit : "1ns";', 'include_file (x.lib); time_unit : "1ns";',
     r"f0\.lib:\d+: expected the statements of the file in its place, found include_file \(x\.lib\)"),
])
def test_statements_that_change_what_is_read_are_refused(tmp_path, old, new, said):
    with pytest.raises(Refusal, match=said):
        read(tmp_path, edited((old, new)))


@pytest.mark.parametrize("value, special", [("TRUE", True), ("True", True), ('"true"', True), ("1", True),
                                            ("false", False), ("FALSE", False), ("0", False)])
def test_booleans_have_one_reader(tmp_path, value, special):
    lib = read(tmp_path, in_cell("XOR2X1", ("area : ", f"is_macro_cell : {value}; area : ")))
    assert lib.left_out.get("XOR2X1") == ("it is a special-purpose cell" if special else None)
    lib = read(tmp_path, in_cell("XOR2X1", ("area : ", f"dont_use : {value}; area : ")))
    assert lib.cells["XOR2X1"].dont_use == special == ("XOR2X1" not in lib.offered)


# Cells that are not to be used


def test_cells_not_to_be_used(tmp_path):
    path = tmp_path / "f.lib"
    path.write_text(TEXT)
    whole = library.load(None, [path])
    lib = library.load(None, [path], "NAND2X1 *X4")
    assert not {"NAND2X1", "INVX4"} & set(lib.offered) and lib.reference_nand2.name == "NAND2X2"
    assert lib.cells["NAND2X1"].dont_use and not whole.cells["NAND2X1"].dont_use
    assert library.load(None, [path]).offered == whole.offered  # what was remembered is the whole
    assert library.load(None, [path], "DFFNX1").flops == ["DFFX1"]
    with pytest.raises(Refusal, match="a two-input NAND; .* NAND2X1 has dont_use; NAND2X2 has dont_use; "):
        library.load(None, [path], "NAND2*")
    embedded = library.load("sky130hd", dont_use="*_fa_? *nand2_1")
    assert embedded.full_adder is None and embedded.reference_nand2.name == "sky130_fd_sc_hd__nand2_2"


def test_a_pattern_matches_something(tmp_path):
    with pytest.raises(Refusal, match="'NAD2\\*' matches none; the nearest are NAND2X"):
        library.check_patterns("INV* NAD2*", [small()])
    with pytest.raises(Refusal, match="matches none; there is no cell library"):
        run_report(["mul_lmul_e2m1"], ["ice40"], options=Options(dont_use="X*"))
    library.check_patterns("*nand2_1 INVx1*", [library.load(name) for name in library.EMBEDDED])
    with pytest.raises(Refusal, match="matches none"):
        characterise([SMALL], tmp_path / "t.json", dont_use="Q*")
    characterise([SMALL], tmp_path / "t.json", dont_use="XOR2X1 DFFNX1")
    assert not {"XOR2X1", "DFFNX1"} & set(table_file.read(tmp_path / "t.json").cells)


def test_registered_designs_know_what_they_lack():
    lib = small()
    designs = [parse("mul_lmul_e2m1"), parse("mac_lmul_e2m1_fixed")]
    assert measure._mappable(designs, {"a": lib}) == {design.slug: ["a"] for design in designs}


# Pins named like bits of a bus


def _indexed(text):
    """The library with indices on the names of pins: those of NANDs, registers and full adders among them."""
    for name in ("A", "D", "Q", "Y", "S"):
        text = re.sub(rf"(pin \()({name})(\))", r'\1"\2[0]"\3', text)
        text = re.sub(r'((?:function|related_pin|when|next_state) : )"(.*?)"', lambda match: match[1] + '"' + re.sub(
            rf"\b{name}\b(?!\[)", f"{name}[0]", match[2]) + '"', text)  # noqa: B023
    return text


@pytest.mark.parametrize("slug", ["mul_lmul_e2m1", pytest.param("mac_int2_int16", marks=pytest.mark.regress)])
def test_pins_with_an_index_are_pins_like_others(slug, tmp_path):
    """Figures are those of the same library with plain names, and what is handed over has the names escaped."""
    rows = []
    for name, text in (("plain", TEXT), ("indexed", _indexed(TEXT))):
        path = tmp_path / f"{name}.lib"
        path.write_text(text)
        record = run_report([slug], liberty=[path], options=Options(effort="low", vectors=200),
                            keep=tmp_path / name)
        rows.append([{key: row[key] for key in ("area_um2", "delay_ps", "energy_fj_per_op", "flip_flops")}
                     for row in record["rows"]])
    assert rows[0] == rows[1] and rows[0][0]["energy_fj_per_op"]
    folder = tmp_path / "indexed" / "small" / slug / "relaxed"
    assert re.search(r"\.\\\w+\[0\] \(", (folder / "netlist.v").read_text())
    assert re.search(r"\(\w+\\\[0\\\] \(T0 ", (folder / "activity.saif").read_text())
    assert 'pin ("A[0]")' in (folder.parents[1] / "cells.lib").read_text()


@pytest.mark.parametrize("name", ["A[1:0]", "A[x]", "A.B", "A$"])
def test_other_names_leave_the_cell_out(tmp_path, name):
    text = in_cell("XOR2X1", ("pin (A)", f'pin ("{name}")'))
    assert f"pin {name}: its name must be of letters, digits and _, with an index such as [0] at most" in \
        read(tmp_path, text).faults["XOR2X1"]
