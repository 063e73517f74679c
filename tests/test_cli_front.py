"""Many designs against their error: which no other beats, the page of them, and the files beside it."""

import csv
import json
import random
import re
import shlex

import pytest
from browser import CONTRAST, SPILLED, Browser, chromium
from invented import invented
from lmul.cli import front_page
from lmul.cli.front import MEASURES, again, front, points
from lmul.cli.main import main
from lmul.hdl.designs import parse
from lmul.synth.measure import run_report
from lmul.synth.options import Options
from lmul.synth.record import new_row

FAMILIES = ("lmul_e4m3_best", "exact_e4m3_flush", "lmul_e5m2", "exact_bf16_flush", "int8")


def many(seed):
    """An invented record of tiles and dots, in two libraries and on an FPGA."""
    rng, record = random.Random(seed), invented(seed)
    slugs = [f"tile_{family}_{lanes}x4{'' if family == 'int8' else f'_w{lanes + 2}'}" for family in FAMILIES
             for lanes in (4, 8)]
    slugs += [f"dot_{family}_{'int32' if family == 'int8' else 'fixed'}_8" for family in FAMILIES]
    rows = []
    for technology in ("sky130hd", "asap7", "ice40"):
        model = next(row for row in record["rows"] if row["technology"] == technology)
        for slug in slugs:
            design = parse(slug)
            row = model | {"design": design.slug, "specification": new_row(design, technology)["specification"],
                           "result_error": rng.uniform(0.005, 0.1)}
            row["reasons"] = {key: why for key, why in row["reasons"].items() if key != "result_error"}
            for key in ("energy_fj_per_op", "area_um2", "luts"):
                if row[key] is not None:
                    row[key] = rng.randrange(1, 500) if key == "luts" else row[key] * rng.uniform(0.2, 5)
            rows.append(row)
    return record | {"rows": rows}


@pytest.fixture(scope="module")
def record(seed):
    return many(seed)


@pytest.fixture(scope="module")
def folder(record, tmp_path_factory):
    folder = tmp_path_factory.mktemp("front")
    front_page.write_front(record, folder)
    return folder


def beats(one, other, key):
    """Whether a point is no worse than another in both, and better in one."""
    pairs = ((one.error, other.error), (one.figures[key], other.figures[key]))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


@pytest.mark.parametrize("technology", ["sky130hd", "asap7", "ice40"])
@pytest.mark.parametrize("key", MEASURES)
def test_the_front_is_what_no_other_beats(record, technology, key):
    some = [point for point in points(record) if point.entry.technology == technology and key in point.figures]
    best = front(some, key)
    assert set(best) == {point for point in some if not any(beats(other, point, key) for other in some)}
    assert bool(some) == ((technology == "ice40") == (key == "luts_per_mac"))


def test_figures_are_of_one_multiply_accumulate(record):
    for point in points(record):
        row, (lanes, cols) = point.entry.row, (point.entry.design.lanes, point.entry.design.cols or 1)
        if row["luts"]:
            assert point.figures == {"luts_per_mac": row["luts"] / (lanes * cols)}
        else:
            area = row["area_um2"] / (lanes * cols)
            assert point.figures == pytest.approx({
                "energy_fj_per_mac": row["energy_fj_per_op"], "area_um2_per_mac": area,
                "energy_area": row["energy_fj_per_op"] * area})


def test_each_point_leads_to_its_row(record, folder):
    text = (folder / "front.html").read_text()
    rows = dict(re.findall(r'<tr id="(row-\d+)".*?<th scope="row" class="word"><code>(\w+)</code>', text))
    assert len(rows) == len(points(record)) == len(record["rows"])
    dots = re.findall(r'<a href="#(row-\d+)" aria-label="(\w+), (\w+): error ([\d.]+) %', text)
    assert len(dots) == sum(len(point.figures) for point in points(record))
    assert all(rows[row] == slug for row, slug, _, _ in dots)
    assert "<script src" not in text and "lmul report tile_" in text


def test_csv_json_and_latex_have_the_same_points(record, folder):
    some = points(record)
    table = list(csv.DictReader((folder / "front.csv").read_text().splitlines()))
    data = json.loads((folder / "front.json").read_text())
    assert [row["design"] for row in table] == [row["design"] for row in data] == [point.entry.design.slug
                                                                                  for point in some]
    for row, other, point in zip(table, data, some, strict=True):
        assert float(row["result_error"]) == other["result_error"] == point.error
        assert {key: other[key] for key in MEASURES if other[key] is not None} == point.figures
    lines = [line for line in (folder / "front.tex").read_text().splitlines() if "texttt" in line]
    assert len(lines) == sum(len(front([point for point in some if point.entry.technology == technology], key))
                             for technology in ("sky130hd", "asap7", "ice40") for key in MEASURES)
    assert all(line.count(" & ") == 5 and line.endswith(r" \\") and "\\_" in line for line in lines)


def on_fpga(record):
    """The record's rows of the one FPGA, of which there is one picture."""
    return record | {"rows": [row for row in record["rows"] if row["technology"] == "ice40"]}


def test_pictures_stand_beside_and_bytes_are_the_same(record, folder, tmp_path):
    for ending in ("png", "svg"):
        assert len(list(folder.glob(f"*.{ending}"))) == 2 * 3 + 1
    assert (folder / "front-asap7-energy_area.png").read_bytes().startswith(b"\x89PNG")
    one, other = tmp_path / "one", tmp_path / "other"
    names = [front_page.write_front(on_fpga(record), each) for each in (one, other)]
    assert names[0] == names[1] and sorted(names[0]) == sorted(path.name for path in one.iterdir())
    for name in names[0]:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_a_row_says_how_it_is_made_again(record):
    [point] = [point for point in points(record) if point.entry.design.slug == "tile_int8_8x4"
               and point.entry.technology == "asap7"]
    options = {"effort": "low", "mapping_seed": 3, "gating": "off", "seed": 1, "operands": "a b.npz"}
    assert again(point.entry, options) == ("lmul report tile_int8_8x4 --tech asap7 --clock 1000.0 --operands 'a b.npz' "
                                           "--effort low --mapping-seed 3 --no-clock-gating -o DIR")


def test_the_command_writes_and_a_record_without_sums_says_so(record, tmp_path, capsys):
    lone = record | {"rows": [row | {"result_error": None, "reasons": row["reasons"] | {"result_error": "none"}}
                              for row in record["rows"]]}
    for name, each, words in (("many", on_fpga(record), "no other design beats"),
                              ("lone", lone, "no row has an error")):
        (tmp_path / f"{name}.json").write_text(json.dumps(each))
        with pytest.raises(SystemExit) as stop:
            main(["front", str(tmp_path / f"{name}.json"), "-o", str(tmp_path / name)])
        assert not stop.value.code and words in capsys.readouterr().out
        assert (tmp_path / name / "front.html").exists()
    with pytest.raises(SystemExit) as stop:
        main(["front", str(tmp_path / "none.json"), "-o", str(tmp_path / "none")])
    assert stop.value.code == 2 and not (tmp_path / "none").exists()


def test_a_choice_of_points_has_its_own_front(record, folder):
    path = chromium()
    if not path:
        pytest.skip("Chromium must be installed to look at pages, as by `apt-get install chromium`, and is not")
    with Browser(path) as browser:
        browser.show(folder / "front.html", 1280, 900, False)
        browser.run("""[...document.querySelectorAll(".choose input")].filter(
            box => ["exact", "dot product"].includes(box.value)).forEach(box => box.click())""")
        left = [point for point in points(record) if point.family != "exact"
                and point.facts["structure"] != "dot product"]
        assert browser.run('document.querySelector(".choose output").textContent') == (
            f"{len(left)} of {len(record['rows'])} rows")
        assert len(left) == browser.run(
            """[...document.querySelectorAll("tr[data-family]")].filter(row => !row.hidden).length""")
        shown = browser.run("""[...document.querySelectorAll(".dot.on a")].map(
            each => each.getAttribute("aria-label").split(":")[0])""")
        wanted = [f"{point.entry.design.slug}, {technology}" for technology in ("sky130hd", "asap7", "ice40")
                  for key in MEASURES
                  for point in front([point for point in left if point.entry.technology == technology], key)]
        assert sorted(shown) == sorted(wanted)
        for width, dark in ((1280, True), (390, False)):
            browser.show(folder / "front.html", width, 900, dark)
            assert browser.run(CONTRAST) == [] and browser.run(SPILLED) == []
            assert browser.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.regress
def test_the_command_of_a_row_makes_it_again(tmp_path):
    options = Options(effort="low", vectors=400, seed=5)
    made = run_report(["mac_int4_int16", "mac_int8_int32"], ["asap7"], options=options)
    for point in points(made):
        command = shlex.split(point.command)
        with pytest.raises(SystemExit) as stop:
            main([*command[1:-1], str(tmp_path)])
        assert not stop.value.code
        [row] = json.loads((tmp_path / "report.json").read_text())["rows"]
        for key in ("energy_fj_per_op", "area_um2", "clock_ps", "result_error"):
            assert row[key] == point.entry.row[key]
