"""The report's pages, from a record whose figures are invented: what a reader sees is what the rows say."""

import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from invented import NO_ENERGY, SLUGS, invented, scattered
from lmul.cli import comparison, document, pages
from lmul.cli.answer import answers, finding
from lmul.cli.comparison import MEASURES, entries, groups, pairs
from lmul.cli.document import number, to_html
from lmul.golden import files
from lmul.hdl.designs import parse
from lmul.synth import rivals
from lmul.synth.figures import FIGURES, FRACTION
from lmul.synth.record import LIMITS, missing, new_row


@pytest.fixture(scope="module")
def record(seed):
    return invented(seed)


@pytest.fixture(scope="module")
def folder(record, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    pages.write_pages(record, folder)
    return folder


def markdown_tables(text):
    """Title to table; a table is a list of dicts from header to cell."""
    tables, blocks = {}, text.split("\n\n")
    for title, block in zip(blocks, blocks[1:], strict=False):
        if block.startswith("|"):
            head, _, *lines = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
                               for line in block.splitlines()]
            tables[title] = [dict(zip(head, line, strict=True)) for line in lines]
    return tables


def every_row(tables, technology):
    """The table of a technology's rows; of FPGA families that were not placed its title says so."""
    return tables[f"{technology}: every row"
                  + (", counted after mapping, neither placed nor routed" if technology == "ice40" else "")]


def close(text, value, digits):
    """Whether the text is the value rounded to so many significant digits."""
    return float(text) == pytest.approx(value, rel=0.5000001 * 10 ** (1 - digits), abs=0)


def test_every_figure_of_a_row_is_in_its_table(record, folder):
    tables, checked = markdown_tables((folder / "report.md").read_text()), 0
    for row in record["rows"]:
        [line] = [line for line in every_row(tables, row["technology"]) if line["design"] == f"`{row['design']}`"]
        for key, figure in FIGURES.items():
            header = figure.title
            if header not in line:
                assert row[key] is None
            elif row[key] is None:
                assert line[header].startswith("–")
            elif figure.unit == FRACTION:
                assert close(line[header].removesuffix(" %"), 100 * row[key], 3)
            else:
                assert close(line[header], row[key], 4) or str(row[key]) == line[header]
            checked += 1
    assert checked == len(record["rows"]) * len(FIGURES)
    for line in every_row(tables, "ice40"):
        assert (line["LUTs, if DSP may be used"], line["DSP, if DSP may be used"]) == ("7", "1")


def test_every_column_says_what_it_is(folder):
    tables = markdown_tables((folder / "report.md").read_text())
    told = {line["figure"]: line["meaning"] for line in tables["What the columns are"]}
    assert told.items() <= {(figure.title, figure.meaning) for figure in FIGURES.values()}
    heads = {head for technology in ("sky130hd", "asap7", "ice40") for head in every_row(tables, technology)[0]}
    assert {head for head in heads if "if DSP" not in head} - {"design"} == told.keys()


def test_ratios_are_those_of_the_rows(record, folder):
    found = {(row["technology"], row["design"]): row for row in record["rows"]}
    tables = markdown_tables((folder / "report.md").read_text())
    [lines] = [table for title, table in tables.items() if re.match("Ratios .* exact rival", title)]
    rivals = {"mul_lmul_e4m3": "mul_exact_e4m3_flush", "mul_mitchell_e4m3": "mul_exact_e4m3_flush",
              "mul_lmul_e4m3_sub": "mul_exact_e4m3", "mul_lmul_bf16": "mul_exact_bf16_flush",
              "prod_lmul_e5m2": "prod_exact_e5m2_flush", "mac_lmul_bf16_fp32": "mac_exact_bf16_flush_fp32"}
    assert {line["design"].strip("`"): line["exact rival"].strip("`") for line in lines} == rivals
    for line in lines:
        ours, exact = (found.get(("ice40", line[column].strip("`"))) for column in ("design", "exact rival"))
        assert line["ice40, LUTs"] == (f"{ours['luts'] / exact['luts']:.2f}" if ours else "–")
        for technology in ("sky130hd", "asap7"):
            ours, exact = (found[technology, line[column].strip("`")] for column in ("design", "exact rival"))
            assert line[f"{technology}, shortest delay"] == f"{exact['fmax_mhz'] / ours['fmax_mhz']:.2f}"
            for key, name in (("area_um2", "area"), ("energy_fj_per_op", "energy")):
                for clock, tail in (("relaxed", ""), ("fast", ", fast clock")):
                    cell = line[f"{technology}, {name}{tail}"]
                    if exact[key] is None:
                        assert cell == "–"
                    else:
                        assert cell == f"{ours['at'][clock][key] / exact['at'][clock][key]:.2f}"


def test_missing_figures_say_why(record, folder):
    text = (folder / "report.md").read_text()
    notes = text.split("## Figures that are missing, and why")[1]
    place = re.escape(f"{NO_ENERGY}: `energy_fj_per_op` of `{SLUGS[-1]}` on asap7")
    [index] = re.findall(rf"(\d+)\. {place}", notes)
    [line] = [line for line in markdown_tables(text)["asap7: every row"] if line["design"] == f"`{SLUGS[-1]}`"]
    assert line["energy, fJ/op"] == f"– [{index}]"
    assert line["LUTs"] == "–" if "LUTs" in line else "`luts`" not in notes  # nobody expects any of a cell library


def test_the_answer_comes_first_then_its_picture_and_limits_last(record, folder):
    text = (folder / "report.md").read_text()
    places = [text.index(words) for words in (
        "L-Mul instead of exact: what it changes", "Figure (drawn in the HTML page): L-Mul over exact",
        "## Beside other rivals", "## Ratios", "## Every row", "## Limits", record["limits"][0], "## How to read this",
        "## Provenance")]
    assert places == sorted(places)
    assert text.startswith("# L-Mul instead of exact: what it saves and what it costs\n")


def test_provenance_is_whole(record, folder):
    text = (folder / "report.md").read_text()
    tables = markdown_tables(text)
    facts = {line["what"]: line["value"] for line in tables["What the report was made from"]}
    assert facts == {"command": record["command"], "versions, yosys": "Yosys of a test", "operands, source": "invented",
                     "operands, seed": str(record["operands"]["seed"]), "operands, vectors": "5",
                     "operands, glitches": "yes", "options, effort": "low", "options, wire load": "none",
                     "libraries, asap7, source": "nowhere", "libraries, asap7, corner": "a test's"}
    [origins] = [lines for title, lines in tables.items() if title.startswith("asap7: where each row's figures come")]
    assert origins[0] == {"design": "`mul_exact_e4m3_flush`", "mapped by": "a relaxed script",
                          "nets that switched": "88 of 90", "vectors": "5", "longest path": "`a[0]` to `p[7]`, 2 pins"}
    assert "formula that the paper prints is another function" in text


def test_glitches_in_or_out_is_said(record):
    for glitches, words in ((True, "Energy counts glitches"), (False, "Energy leaves glitches out")):
        page = pages.report_page(scattered({"rows": [], "limits": [], "operands": {"glitches": glitches}}))
        assert [item for block in page.blocks if hasattr(block, "items") for item in block.items if words in item]


class Checker(HTMLParser):
    """Collects what a page refers to, and sees that its tags are balanced."""

    VOID = {"meta", "link", "br", "img", "hr", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.ids, self.targets, self.text, self.drawn = [], set(), [], [], [], 0

    def handle_starttag(self, tag, attributes):
        self.drawn += ("role", "img") in attributes
        self.tags.add(tag)
        self.open += [] if tag in self.VOID else [tag]
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "src", "xlink:href", "action", "data"):
                self.targets.append((tag, value))
            self.targets += [(tag, target) for target in re.findall(r"url\(([^)]*)\)", value or "")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


def test_html_is_well_formed_and_refers_to_nothing_outside(folder):
    text = (folder / "report.html").read_text()
    page = Checker()
    page.feed(text)
    page.close()
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    inside = {f"#{name}" for name in page.ids}
    assert {target for tag, target in page.targets if tag != "a" or target.startswith("#")} <= inside
    assert all(target.startswith(("#", "https://")) for _, target in page.targets)
    assert not page.tags & {"link", "img", "iframe", "object", "embed", "image", "foreignobject"}
    assert "@import" not in text and "onload" not in text and "<script src" not in text
    assert text.count("<svg ") == page.drawn
    assert NO_ENERGY in "".join(page.text)


def test_html_and_markdown_have_the_same_cells(folder):
    page = Checker()
    page.feed((folder / "report.html").read_text())
    text = " ".join("".join(page.text).split())
    for lines in markdown_tables((folder / "report.md").read_text()).values():
        for line in lines:
            assert all(cell.replace("`", "") in text for cell in line.values())


def test_drawings_follow_the_theme(folder):
    drawings = re.findall(r"<svg.*?</svg>", (folder / "report.html").read_text(), re.S)
    assert len(drawings) > 20
    assert not any(re.search(r"#[0-9a-f]{6}\b(?!\w)", re.sub(r'"#\w+"|\(#\w+\)', "", drawing)) for drawing in drawings)
    assert all("var(--muted)" in drawing for drawing in drawings)


def test_bars_are_as_long_as_their_figures():
    from lmul.cli.plots import bars

    drawing = bars("test", [("group", [("a", "orange", 8.0), ("b", "blue", 2.0), ("c", "sky", None)])])
    paths = re.findall(r'<path d="M ([\d.]+) [\d.]+\s+L ([\d.]+) [^"]*" style="fill: var\(--(orange|blue)\)', drawing)
    lengths = {colour: float(end) - float(start) for start, end, colour in paths}
    assert lengths["orange"] == pytest.approx(4 * lengths["blue"], rel=0.01)
    assert "no figure" in drawing


def test_same_record_same_bytes(record, folder, tmp_path):
    (tmp_path / "record.json").write_text(json.dumps(record))
    script = ("import json, sys; from lmul.cli.pages import write_pages; "
              "write_pages(json.load(open(sys.argv[1] + '/record.json')), sys.argv[1])")
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True, env=os.environ | {"PYTHONHASHSEED": "7"})
    for name in ("report.json", "report.md", "report.html"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert json.loads((folder / "report.json").read_text()) == record


def test_each_file_is_the_old_or_the_new_one_and_pages_name_their_record(record, tmp_path, monkeypatch):
    names = ("report.html", "report.md", "report.json")
    seen, replace = [], os.replace

    def watched(source, target):
        replace(source, target)
        seen.append({name: (tmp_path / name).read_bytes() for name in names if (tmp_path / name).exists()})

    monkeypatch.setattr(files.os, "replace", watched)
    pages.write_pages(record, tmp_path)
    pages.write_pages(record | {"command": "another"}, tmp_path)
    old, new = seen[2], seen[5]
    for found in (old, new):
        digest = hashlib.sha256(found["report.json"]).hexdigest().encode()
        assert digest in found["report.html"] and digest in found["report.md"]
    assert seen[3:5] == [old | {name: new[name] for name in names[:count]} for count in (1, 2)]
    assert {path.name for path in tmp_path.iterdir()} == set(names)


def test_a_failure_leaves_the_old_set(tmp_path, monkeypatch):
    (tmp_path / "report.json").write_text("old")
    monkeypatch.setattr(document, "to_html", lambda page: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pages.write_pages(scattered({"limits": [], "rows": [], "operands": {"glitches": True}}), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert (tmp_path / "report.json").read_text() == "old"


def test_summary_is_the_first_table_and_the_finding_in_plain_lines(record):
    text = pages.summary(record)
    assert 6 <= len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 120  # 100 where FPGAs do not stand beside cells
    assert "\x1b" not in text
    [answer, *_] = answers(record)
    for line in answer.lines:
        for cell in line.cells.values():
            assert cell.words in text and cell.detail in text


@pytest.mark.parametrize("technology", ["asap7", "ice40"])
@pytest.mark.parametrize("slugs", [(), ("mul_int8",), ("mul_lmul_bf16",), ("mul_lmul_bf16", "mul_exact_bf16_flush")])
def test_a_record_with_little_in_it_renders(record, technology, slugs):
    rows = [row for row in record["rows"] if row["technology"] == technology and row["design"] in slugs]
    some = record | {"rows": [row | {"at": {}, "curve": []} for row in rows]}
    assert to_html(pages.report_page(some)).endswith("</html>")
    assert pages.summary(some).count("\n") < 14


@pytest.mark.parametrize(("technologies", "cells", "fpgas"), [
    (("asap7",), True, False), (("ice40",), False, True), (("asap7", "ice40"), True, True)])
def test_a_report_speaks_of_its_own_technologies(record, technologies, cells, fpgas):
    some = record | {"rows": [row for row in record["rows"] if row["technology"] in technologies],
                     "limits": list(LIMITS)}
    text = document.to_markdown(pages.report_page(some))
    for words in ("no capacitance", "ground pins counts", "Rivals share two clocks", "Energy counts glitches", "µm²"):
        assert (words in text) == cells, words
    for words in ("FPGA counts are of mapping", "| LUTs"):
        assert (words in text) == fpgas, words


def row(slug, technology, energy, error=None):
    return {"design": slug, "technology": technology, "mean_relative_error": error,
            "at": {"relaxed": {"clock_ps": 500.0, "energy_fj_per_op": energy}}}


def answered(record, kind="exact"):
    """Texts of the answer's table, without line ends, by structure and column."""
    [answer] = [answer for answer in answers(record) if answer.kind == kind]
    table = answer.table
    return {line[0].partition("\n")[0]: dict(zip(table.columns[1:], (cell.replace("\n", " ").replace("\u00a0", " ")
                                                                  for cell in line[1:]), strict=True))
            for line in table.rows}, table


def test_answer_weighs_every_format_technology_and_clock():
    rows = []
    for formats, ratios in {"e4m3": (0.5, 0.9), "e5m2": (0.9, 1.1), "bf16": (1.0, 0.97), "fp16": (1.1, 1.2)}.items():
        for technology, ratio in zip(("sky130hd", "asap7"), ratios, strict=True):
            rows += [row(f"mul_exact_{formats}_flush", technology, 10.0, 0.01),
                     row(f"mul_lmul_{formats}", technology, 10 * ratio, 0.05)]
    cells, table = answered(scattered({"rows": rows}))
    assert cells == {"Lone multiplier": {"energy": "saves in 3, costs in 3 of 8 -50 % to +20 %",
                                         "error of the result": "costs 5.00 %, exact 1.00 %"}}
    assert table.tones == {(0, 1): "same", (0, 2): "more"}
    assert finding(scattered({"rows": rows})) == (
        "L-Mul instead of exact makes no consistent difference to energy in lone multipliers (saves in 3, costs in 3 "
        "of 8: -50\u00a0% to +20\u00a0%). Its error of the result is larger.")


@pytest.mark.parametrize(("energies", "words", "tone"), [
    ((5.0, 9.0), "saves -50 % to -10 %", "less"), ((9.8, 10.2), "no difference -2 % to +2 %", "same"),
    ((12.0, 30.0), "costs +20 % to +200 %", "more"), ((5.0, 10.0), "saves in 1 of 2 -50 % to 0 %", "same"),
    ((10.0, 12.0), "costs in 1 of 2 0 % to +20 %", "same")])
def test_cells_say_what_all_comparisons_say(energies, words, tone):
    rows = [row("mac_exact_bf16_flush_fp32", technology, 10.0) for technology in ("sky130hd", "asap7")]
    rows += [row("mac_lmul_bf16_fp32", technology, energy)
             for technology, energy in zip(("sky130hd", "asap7"), energies, strict=True)]
    cells, table = answered(scattered({"rows": rows}))
    assert cells == {"Multiply-accumulate": {"energy": words}} and table.tones == {(0, 1): tone}


def test_answer_has_a_line_for_each_structure_the_largest_first():
    slugs = ("mul_{}", "prod_{}", "mac_{}_fp32", "dot_{}_fixed_16", "tile_{}_16x4_w10")
    rows = [row(slug.format(each), "asap7", energy) for slug in slugs
            for each, energy in (("lmul_e4m3", 9.0), ("exact_e4m3_flush", 10.0))]
    [answer, *others] = answers(scattered({"rows": rows}))
    assert not others
    assert [line.name for line in answer.lines] == [
        "tile", "dot product", "multiply-accumulate", "lone wide multiplier", "lone multiplier"]
    assert answer.lines[0].about == "e4m3; of 16 lanes by 4 columns, window of 10 bits"
    assert answer.lines[2].about == "e4m3; sums in fp32"


def test_answer_tells_of_slower_and_larger_designs():
    rows = [row("prod_lmul_e5m2", "asap7", 5.0), row("prod_exact_e5m2_flush", "asap7", 10.0)]
    for each, area, fmax in zip(rows, (22.0, 20.0), (75.0, 100.0), strict=True):
        each["at"]["relaxed"]["area_um2"], each["fmax_mhz"] = area, fmax
    cells, _ = answered(scattered({"rows": rows}))
    assert cells == {"Lone wide multiplier": {"area": "costs +10 %", "energy": "saves -50 %",
                                              "shortest delay": "costs +33 %"}}


def test_finding_without_energy_says_so():
    rows = [row("mul_lmul_e4m3", "asap7", None), row("mul_exact_e4m3_flush", "asap7", 3.0)]
    assert finding(scattered({"rows": rows})).startswith("No L-Mul design has an energy")
    assert pages.summary(scattered({"rows": rows})).count("\n") < 14


def test_figures_at_unlike_clocks_are_never_compared():
    rows = [row("mul_lmul_e4m3", "asap7", 1.0), row("mul_exact_e4m3_flush", "asap7", 3.0)]
    [pair] = pairs(scattered({"rows": rows}))
    energy = MEASURES[1]
    assert energy.name == "energy" and pair.ratio(energy) == 1 / 3
    rows[0]["at"]["relaxed"]["clock_ps"] = 501.0
    assert pair.ratio(energy) is None


def test_unlike_policies_are_never_compared():
    rows = [row("mul_lmul_e4m3", "asap7", 1.0), row("mul_exact_e4m3", "asap7", 3.0),
            row("mul_exact_e4m3_flush", "ice40", 3.0), row("prod_exact_e4m3_flush", "asap7", 3.0),
            row("mul_exact_bf16_flush", "asap7", 3.0)]
    assert pairs(scattered({"rows": rows})) == []


@pytest.mark.parametrize("value, text", [(0, "0"), (0.0, "0"), (7, "7"), (123456, "123456"), (123456.0, "123500"),
                                         (0.00012346, "0.0001235"), (999.96, "1000"), (5.0, "5.000")])
def test_number(value, text):
    assert number(value) == text


def test_the_margin_of_a_verdict_is_the_records():
    rows = [row("mul_lmul_e4m3", "asap7", 9.0), row("mul_exact_e4m3_flush", "asap7", 10.0)]
    for margin, words in ((0.05, "L-Mul instead of exact saves energy in lone multipliers (-10\u00a0%)."),
                          (0.2, "makes no clear difference to energy in lone multipliers (-10\u00a0%).")):
        assert words in finding(scattered({"rows": rows}, margin))
    unknown = scattered({"rows": rows}) | {"scatter": {"margins": []}}
    assert finding(unknown).startswith("No L-Mul design has an energy")


def test_whiskers_are_as_long_as_margins(record):
    from lmul.cli.charts import ratio_figure
    from lmul.cli.plots import ratios

    drawing = ratios("test", [("group", [("a", [(0.5, (0.4, 0.6)), None])])], [0, 1])
    level = re.findall(r'd="M ([\d.]+) ([\d.]+)\nL ([\d.]+) \2\n" style="fill: none; stroke: var\(--(\w+)\)', drawing)
    lengths = {colour: float(end) - float(start) for start, _, end, colour in level}
    assert lengths["ink"] == pytest.approx(lengths["blue"] * (0.6 - 0.4) / (1 - 0.5), rel=0.01)
    panels = ratio_figure(pairs(record), "exact").panels
    [energy] = [panel for panel in panels if panel.title == "Energy: L-Mul / exact"]
    for value, low, high in re.findall(r"([\d.]+) \(([\d.]+) to ([\d.]+)\)", energy.alt):
        assert float(low) == pytest.approx(float(value) / 1.05, abs=0.011)
        assert float(high) == pytest.approx(float(value) * 1.05, abs=0.011)


def driven(slug, energy, part, zero=0):
    """A row whose operands switched a part of its nets."""
    about = {"nets": 100, "nets_that_switched": part, "vectors": 200}
    codes = {"zero": zero, "flushed": 1, "largest": 2, "distinct": 3, "total": 200}
    each = row(slug, "asap7", energy, 0.01) | {"activity": about, "operand_codes": {"a": codes, "b": codes}}
    each = new_row(parse(slug), "asap7") | each
    each["at"]["relaxed"]["script"] = "a script"
    missing(each, "invented")
    return each


@pytest.mark.parametrize(("ours", "theirs", "evident"),
                         [(50, 50, True), (49, 99, False), (99, 49, False), (0, 0, False)])
def test_no_verdict_from_operands_that_drive_too_little(ours, theirs, evident):
    record = scattered({"rows": [driven("mul_lmul_e4m3", 5.0, ours), driven("mul_exact_e4m3_flush", 10.0, theirs, 67)],
                        "limits": [], "operands": {"glitches": True}})
    words, [pair] = finding(record), pairs(record)
    assert ("saves" in words) == evident and (pair.verdict(MEASURES[1]) is not None) == evident
    tables = markdown_tables(document.to_markdown(pages.report_page(record)))
    [line] = next(lines for title, lines in tables.items() if title.startswith("Ratios"))
    assert line["asap7, energy"] == ("0.50" if evident else "–")
    silent = [lines for title, lines in tables.items() if title.startswith("Pairs of which the operands drove")]
    assert len(silent) == (not evident)
    if not evident:
        assert "No verdict on the narrow product of e4m3" in words
        [mine, exact] = silent[0]
        assert (mine["nets that switched"], exact["nets that switched"]) == tuple(
            "0 %" if part == 0 else f"{part:.1f} %" for part in (ours, theirs))
        assert exact["codes of a, zero"] == "67" and exact["codes of b, distinct"] == "3"


def test_a_fast_netlist_that_was_not_driven_counts():
    rows = [driven("mul_lmul_e4m3", 5.0, 99), driven("mul_exact_e4m3_flush", 10.0, 99)]
    rows[1]["at"]["fast"] = {"clock_ps": 400.0, "activity": {"nets": 10, "nets_that_switched": 4}}
    [pair] = pairs(scattered({"rows": rows}))
    assert pair.undriven == "40 % of the nets switched"


@pytest.mark.parametrize("codes, words", [
    ({}, None), ({"zero": 102}, "51 % of the codes of b are zero to the multiplier"), ({"zero": 100}, None),
    ({"flushed": 150}, "75 % of the codes of b are zero to the multiplier"),
    ({"distinct": 1}, "b is one code throughout")])
def test_operands_that_are_mostly_zero_or_one_code_are_no_evidence(codes, words):
    """However many nets they switch once."""
    rows = [driven("mul_lmul_e4m3", 5.0, 99), driven("mul_exact_e4m3_flush", 10.0, 99)]
    rows[0]["operand_codes"] = {"a": rows[1]["operand_codes"]["a"], "b": rows[1]["operand_codes"]["b"] | codes}
    [pair] = pairs(scattered({"rows": rows}))
    assert pair.undriven == words
    assert ("saves" in finding(scattered({"rows": rows}))) == (words is None)


SUMS = ("mac_lmul_e4m3_fp32", "mac_exact_e4m3_flush_fp32", "mac_lmul_bf16_fixed", "mac_exact_bf16_flush_fixed")


def beside_int8():
    """Sums at clocks of their own, and int8 at both."""
    rows = [row(slug, "asap7", energy) | {"result_error": error}
            for slug, energy, error in zip(SUMS, (20.0, 25.0, 40.0, 80.0), (.06, .03, .02, .01), strict=True)]
    for each in rows[2:]:
        each["at"]["relaxed"]["clock_ps"] = 900.0
    int8 = row("mac_int8_int32", "asap7", 10.0) | {"result_error": 0.005}
    int8["at"]["relaxed_2"] = {"clock_ps": 900.0, "energy_fj_per_op": 11.0}
    return [*rows, int8]


def test_int8_is_a_rival_of_every_sum_at_its_clock():
    record = scattered({"rows": beside_int8()})
    found = {pair.ours.design.slug: pair for pair in pairs(record, "int8")}
    assert {slug: pair.ratio(MEASURES[1]) for slug, pair in found.items()} == {
        "mac_lmul_e4m3_fp32": 2.0, "mac_lmul_bf16_fixed": 40 / 11}
    words = finding(record)
    assert ("L-Mul instead of int8 costs energy in multiply-accumulate units (+100\u00a0% to +264\u00a0%). Its error "
            "of the result is larger.") in words
    assert answered(record, "int8")[0]["Multiply-accumulate"]["error of the result"] == (
        "costs 2.00 % to 6.00 %, int8 0.500 %")
    drawn = [[entry.design.slug for entry in group] for group in groups(entries(record))]
    assert drawn == [[*SUMS[2:][::-1], "mac_int8_int32"], [*SUMS[:2][::-1], "mac_int8_int32"]]
    energies = [group[-1].row["at"]["relaxed"]["energy_fj_per_op"] for group in groups(entries(record))]
    assert energies == [11.0, 10.0]


@pytest.mark.parametrize("sum_, int8, rivals", [
    ("dot_lmul_e4m3_fixed_16", "dot_int8_int32_16", 1), ("dot_lmul_e4m3_fp32_16", "dot_int8_int32_16", 1),
    ("dot_lmul_e4m3_fixed_16", "dot_int8_int32_8", 0),
    ("array_lmul_e4m3_carrysave_8x8_os", "array_int8_int32_8x8_os", 1),
    ("array_lmul_e4m3_carrysave_8x8_os", "array_int8_int32_8x8_ws", 0),
    ("array_lmul_e4m3_carrysave_8x8_os", "array_int8_int32_4x4_os", 0), ("mul_lmul_e4m3", "mul_int8", 0),
    ("mac_lmul_bf16xe4m3_sub_bf16", "mac_int8_int32", 1)])
def test_int8_is_a_rival_of_its_shape(sum_, int8, rivals):
    assert len(pairs(scattered({"rows": [row(sum_, "asap7", 1.0), row(int8, "asap7", 2.0)]}), "int8")) == rivals


def test_the_product_of_16_bits_is_said_to_be_one(folder):
    assert "int8, 16-bit product" in (folder / "report.html").read_text()


def test_result_errors_are_drawn_beside_each_other():
    from lmul.cli.charts import result_figure

    [panel] = result_figure(entries({"rows": beside_int8()})).panels
    assert "L-Mul 6.00, " in panel.alt and "int8 0.500" in panel.alt


def test_sums_of_integers_are_rivals_of_each_other():
    """Without floats beside them they share a clock, and the widest is the rival; the finding calls each by name."""
    slugs = ("mac_int4_int32", "mac_int8_int32", "mac_int8xternary_int32", "mul_int4")
    designs = [parse(slug) for slug in slugs]
    assert [(ours.slug, rival.slug) for ours, rival in rivals.pairs(designs)] == [(slugs[0], slugs[1]),
                                                                                 (slugs[2], slugs[1])]
    clocks = [rivals.groups(design, designs) for design in designs]
    assert clocks[0] == clocks[1] == clocks[2] != clocks[3]
    rows = [row(slug, "asap7", energy) for slug, energy in zip(slugs, (20.0, 40.0, 10.0, 1.0), strict=True)]
    for each in rows:
        each["result_error"] = each["at"]["relaxed"]["energy_fj_per_op"] / 1000
    words = finding(scattered({"rows": rows}))
    for title, change in (("int4", "-50"), ("int8 x ternary", "-75")):
        assert f"{title} instead of int8 saves energy in multiply-accumulate units ({change}\u00a0%). Its" in words


def test_of_several_in_one_place_the_first_stands_for_it():
    """Mitchell's multiplier is told of where L-Mul is not."""
    rows = [row(slug, "asap7", energy) for slug, energy in (
        ("mul_lmul_e4m3", 5.0), ("mul_mitchell_e4m3", 4.0), ("mul_exact_e4m3_flush", 10.0))]
    assert finding(scattered({"rows": rows})) == (
        "L-Mul instead of exact saves energy in lone multipliers (-50\u00a0%).")
    assert finding(scattered({"rows": rows[1:]})) == (
        "Mitchell instead of exact saves energy in lone multipliers (-60\u00a0%).")


def test_a_family_that_is_not_ours_has_a_colour_and_a_name(monkeypatch):
    from lmul.cli.theme import DARK, LIGHT, colour

    assert LIGHT.keys() == DARK.keys() and len(set(LIGHT.values())) == len(LIGHT)
    assert (colour("lmul"), colour("exact"), colour("operand registers")) == ("blue", "orange", "operand-registers")
    assert colour("somebody's") == colour("somebody's") in LIGHT
    monkeypatch.setattr(comparison.Entry, "kind", property(lambda entry: "somebody's"))
    monkeypatch.setattr(comparison.Entry, "title", property(lambda entry: "Somebody's"))
    page = pages.report_page(invented(1))
    html, other = to_html(page), colour("somebody's")
    assert f"var(--{other})" in html and "Somebody" in html
