"""Scatter: repeated runs differ as seeds do, their file is added to, and margins follow from them by the rule."""

import json
import math
from dataclasses import replace

import pytest
from lmul.cli.main import main
from lmul.hdl.designs import parse
from lmul.synth import margins, rivals, scatter, shared_clocks
from lmul.synth.measure import run_report
from lmul.synth.options import Options

PAIR = ["mul_lmul_e2m1", "mul_exact_e2m1_flush"]
OPTIONS = Options(effort="low", vectors=200)


def run(ratio, effort="default", technology="asap7", pair=("mul_lmul_e4m3", "mul_exact_e4m3_flush")):
    """A run of one pair, of which every figure has this ratio."""
    rows = []
    for slug, size in zip(pair, (ratio, 1.0), strict=True):
        at = {"clock_ps": 9.0, "area_um2": size, "energy_fj_per_op": size}
        rows.append({"design": slug, "technology": technology, "fmax_mhz": 1 / size, "gates": size, "luts": None,
                     "at": {"relaxed": at, "fast": at}})
    return {"options": {"effort": effort}, "rows": rows}


def margin(runs, effort="default", technology="asap7", slugs=("mul_lmul_e4m3", "mul_exact_e4m3_flush"), name="energy"):
    return margins.Scatter(runs, effort).margin(*slugs, technology, name)


def test_the_margin_is_twice_the_deviation_of_the_logarithm():
    assert margin([run(0.5), run(2.0)]) == (pytest.approx(2 * math.sqrt(2) * math.log(2)), "mul in asap7")
    assert margin([run(0.8), run(0.8), run(0.8)])[0] == pytest.approx(0)


def test_other_efforts_count_with_their_distance():
    """Two runs at 1 and two at twice that: by hand sqrt(2 ln(2)^2 / 3) about the mean of the first."""
    runs = [run(1.0), run(1.0), run(2.0, "high"), run(2.0, "high")]
    assert margin(runs)[0] == pytest.approx(2 * math.sqrt(2 / 3) * math.log(2))
    assert margin(runs, "low")[0] == pytest.approx(2 * math.sqrt(1 / 3) * math.log(2))  # about the mean of all


def test_a_pair_takes_its_own_or_its_structures_margin_whichever_is_larger():
    other = ("mul_lmul_bf16", "mul_exact_bf16_flush")
    runs = [run(0.5), run(0.5), run(0.5, pair=other), run(0.6, pair=other)]
    wide = 2 * math.log(1.2) / math.sqrt(2)
    assert margin(runs, slugs=other)[0] == pytest.approx(wide)
    assert margin(runs)[0] == pytest.approx(wide / math.sqrt(2))


@pytest.mark.parametrize(("slugs", "technology", "name", "words"), [
    (("mul_lmul_bf16", "mul_exact_bf16_flush"), "asap7", "energy", "mul in asap7"),
    (("mul_lmul_bf16", "mul_exact_bf16_flush"), "mine", "energy", "the widest of mul known, none in mine"),
    (("mac_lmul_e4m3_fp32", "mac_int8_int32"), "asap7", "energy", "the widest known, none of mac"),
    (("mul_lmul_bf16", "mul_exact_bf16_flush"), "ice40", "LUTs", "the widest of areas of mul, none of LUTs"),
    (("mac_lmul_e4m3_fp32", "mac_int8_int32"), "ice40", "LUTs", "the widest known of any figure")])
def test_what_was_not_measured_takes_the_widest_and_says_so(slugs, technology, name, words):
    runs = [run(0.5), run(0.6), run(0.5, technology="sky130hd"), run(0.9, technology="sky130hd")]
    found = margin(runs, "default", technology, slugs, name)
    assert found[1] == words
    assert found[0] == pytest.approx(math.sqrt(2) * math.log(1.2 if words == "mul in asap7" else 1.8))
    assert margins.Scatter([], "default").margin(*slugs, technology, name) is None


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    path = tmp_path_factory.mktemp("scatter") / "runs.json"
    scatter.repeat(path, PAIR, ["asap7"], options=OPTIONS, seeds=2, efforts=["low"])
    return path


@pytest.fixture(scope="module")
def second():
    """A report with the seeds of the second run."""
    return run_report(PAIR, ["asap7"], options=replace(OPTIONS, mapping_seed=1, seed=2), scatter=scatter.NONE)


@pytest.mark.regress
def test_seeds_change_netlists_and_operands(repeated, second):
    runs = json.loads(repeated.read_text())["runs"]
    assert [(each["options"]["mapping_seed"], each["options"]["seed"]) for each in runs] == [(0, 1), (1, 2)]
    rows = list(zip(*(each["rows"] for each in runs), strict=True))
    for ours, theirs in rows:
        assert ours["design"] == theirs["design"] and ours["at"]["relaxed"] != theirs["at"]["relaxed"]
    assert any(ours["at"][clock]["area_um2"] != theirs["at"][clock]["area_um2"] for clock in ("relaxed", "fast")
               for ours, theirs in rows)
    assert scatter.cut_down(second)["rows"] == runs[1]["rows"]


def test_the_file_has_the_spread_of_figures_and_ratios(repeated):
    found = json.loads(repeated.read_text())
    [energy] = [line for line in found["ratios"] if line["measure"] == "energy"]
    assert (energy["design"], energy["rival"], energy["runs"], energy["effort"]) == (*PAIR, 2, "low")
    values = []
    for each in found["runs"]:
        ours, exact = (row["at"]["relaxed"]["energy_fj_per_op"] for row in each["rows"])
        values.append(ours / exact)
    assert (energy["lowest"], energy["highest"]) == (pytest.approx(min(values)), pytest.approx(max(values)))
    assert energy["scatter"] == pytest.approx(abs(math.log(values[0] / values[1])) / math.sqrt(2))
    assert {line["design"] for line in found["figures"]} == set(PAIR)


def test_runs_that_are_there_are_not_made_again(repeated, second, tmp_path, monkeypatch):
    path, asked = tmp_path / "runs.json", []
    path.write_bytes(repeated.read_bytes())

    def measured(*_, options, **__):
        asked.append((options.mapping_seed, options.seed))
        return second

    monkeypatch.setattr(scatter.measure, "run_report", measured)
    scatter.repeat(path, PAIR, ["asap7"], options=OPTIONS, seeds=3, efforts=["low"])
    assert asked == [(2, 3)] and len(json.loads(path.read_text())["runs"]) == 3


@pytest.mark.regress
def test_a_report_takes_its_margins_from_a_file(repeated, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["report", *PAIR, "--tech", "asap7", "--effort", "low", "--vectors", "200", "--scatter", str(repeated),
              "-o", str(tmp_path)])
    assert stop.value.code == 0
    record = json.loads((tmp_path / "report.json").read_text())
    expected = margins.Scatter(json.loads(repeated.read_text())["runs"], "low").margin(*PAIR, "asap7", "energy")
    [energy] = [each for each in record["scatter"]["margins"] if each["measure"] == "energy"]
    assert (energy["margin"], energy["of"]) == expected and record["scatter"]["source"] == "runs.json"
    assert "2 runs of `lmul scatter` (runs.json)" in (tmp_path / "report.md").read_text()


def test_what_is_kept_is_what_the_command_wrote():
    """With the seeds, versions and commands of every run; and of every structure that a report has by default."""
    found = margins.kept()
    assert [found["figures"], found["ratios"]] == json.loads(json.dumps(scatter.spreads(found["runs"])))
    assert all(each["command"].startswith("lmul scatter ") and each["versions"]["yosys"] for each in found["runs"])
    known = margins.Scatter(found["runs"], "default").pooled
    for structure in ("mul", "prod", "mac", "dot", "array"):
        for technology in ("sky130hd", "asap7"):
            for each in rivals.MEASURES[:5]:
                assert 0 < known[structure, technology, each.name] < 1


@pytest.mark.parametrize("text", [
    "", "[]", '{"runs": [1]}', '{"runs": []}', '{"runs": [{"options": {}, "rows": []}]}',
    *(json.dumps({"runs": runs}) for runs in ([run(0.5)], [run(0.5), run(math.inf)])),
    json.dumps({"runs": [run(0.5)] * 2}).replace("0.5", '"1"'),
    json.dumps({"runs": [run(1.0)] * 2}).replace("mul_lmul", "mul_log")])
def test_other_files_are_refused(text, tmp_path, capsys):
    path = tmp_path / "runs.json"
    path.write_text(text)
    with pytest.raises(SystemExit) as stop:
        main(["report", *PAIR, "--scatter", str(path), "-o", str(tmp_path / "out")])
    line = capsys.readouterr().err
    assert stop.value.code == 2 and line.startswith("lmul: Scatter must ") and line.count("\n") == 1


def test_designs_that_share_a_clock():
    slugs = ["mac_lmul_e4m3_fp32", "mac_exact_e4m3_flush_fp32", "mac_lmul_bf16_fp32", "mac_int8_int32", "mul_int8"]
    designs = [parse(slug) for slug in slugs]
    groups = [rivals.groups(design, designs) for design in designs]
    assert groups[0] == groups[1] != groups[2] and groups[3] == [groups[0][0], groups[2][0]]
    assert groups[4] == [rivals.group(designs[4])]
    assert [(ours.slug, rival.slug) for ours, rival in rivals.pairs(designs)] == [
        (slugs[0], slugs[1]), (slugs[0], slugs[3]), (slugs[2], slugs[3])]


def test_int8_has_the_clock_of_each_of_its_rivals():
    """Sums of e4m3 and of bf16, 3 and 5 ps long at least; the fastest int8 takes 4 ps, its smallest netlist 9."""
    delays = {"mac_lmul_e4m3_fp32": (6.0, 3.0), "mac_lmul_bf16_fp32": (12.0, 5.0), "mac_int8_int32": (9.0, 4.0)}
    designs = [parse(slug) for slug in delays]
    found = {slug: {"points": [{"delay_ps": each} for each in both], "ungated": []} for slug, both in delays.items()}
    periods = list(shared_clocks.clocks(designs, found, None).values())
    assert periods[0] == {"fast": 4.0, "relaxed": 9.0} and periods[1] == {"fast": 5.0, "relaxed": 12.0}
    assert periods[2] == {"fast": 4.0, "relaxed": 9.0, "fast_2": 5.0, "relaxed_2": 12.0}


@pytest.mark.regress
def test_int8_is_measured_at_the_clock_of_each_rival():
    """Sums of e2m1 and of e3m2 each have a clock of their own with int8."""
    slugs = ["mac_lmul_e2m1_fixed16", "mac_lmul_e3m2_fixed16", "mac_int8_int32"]
    record = run_report(slugs, ["asap7"], options=OPTIONS, scatter=scatter.NONE)
    rows = {row["design"]: row for row in record["rows"]}
    for slug in slugs[:2]:
        assert rivals.MEASURES[1].ratio(rows[slug], rows[slugs[2]]) > 0
    at = rows[slugs[2]]["at"]
    assert at.keys() == {"relaxed", "fast", "relaxed_2", "fast_2"}
    assert {at[name]["clock_ps"] for name in ("fast", "fast_2")} == {
        rows[slug]["at"]["fast"]["clock_ps"] for slug in slugs[:2]}
    assert rows[slugs[2]]["clock_ps"] == at["relaxed"]["clock_ps"]
