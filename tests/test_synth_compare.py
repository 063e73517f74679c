"""What changed between two records: against the scatter, on the command line, and from release to release."""

import copy
import importlib.util
import json
import math
from pathlib import Path

import pytest
from invented import invented
from lmul.cli.main import main
from lmul.golden.refusal import Refusal
from lmul.synth.compare import Spread, compare

ROOT = Path(__file__).parent.parent
DESIGN, TECHNOLOGY = "mul_lmul_e4m3", "asap7"


@pytest.fixture(scope="module")
def record(seed):
    return invented(seed)


def run(area, effort="default"):
    """A run of `scatter` of one row."""
    return {"options": {"effort": effort}, "rows": [
        {"design": DESIGN, "technology": TECHNOLOGY, "at": {"relaxed": {"clock_ps": 1.0, "area_um2": area}}}]}


def changed(record, **factors):
    """The record with figures of one row times a factor."""
    other = copy.deepcopy(record)
    [row] = [row for row in other["rows"] if (row["design"], row["technology"]) == (DESIGN, TECHNOLOGY)]
    for key, factor in factors.items():
        for place in (row, row["at"]["relaxed"]):
            if key in place:
                place[key] *= factor
    return other


def verdicts(found):
    return {change.figure: change.verdict for change in found["changes"]
            if (change.design, change.technology) == (DESIGN, TECHNOLOGY)}


def test_the_margin_of_a_change_is_that_of_two_draws():
    """Areas 90, 100 and 111.11 have logarithms 0.1054 apart, which is their standard deviation."""
    spread = Spread([run(90.0), run(100.0), run(100 / 0.9), run(500.0, "low")], "default")
    assert spread.margin(DESIGN, TECHNOLOGY, "area") == pytest.approx(2 * math.sqrt(2) * math.log(1 / 0.9))
    assert spread.margin("mac_int8_int32", "sky130hd", "energy") == spread.margin(DESIGN, TECHNOLOGY, "area")
    assert Spread([run(90.0)], "default").margin(DESIGN, TECHNOLOGY, "area") is None


@pytest.mark.parametrize(("factor", "verdict"), [
    (1.0, "equal"), (1.3, "within scatter"), (0.8, "within scatter"), (1.4, "worse"), (0.7, "better")])
def test_a_change_is_weighed_against_the_scatter(record, factor, verdict):
    runs = [run(90.0), run(100.0), run(100 / 0.9)]
    found = compare(record, changed(record, area_um2=factor), runs)
    assert verdicts(found)["area"] == verdict and verdicts(found)["energy"] == "equal"
    assert {change.verdict for change in found["changes"] if change.design != DESIGN} == {"equal"}


def test_an_error_changes_when_it_shows_another_figure(record):
    for factor, verdict in ((1.00001, "equal"), (1.001, "worse"), (0.999, "better")):
        found = compare(record, changed(record, result_error=factor), [])
        assert verdicts(found)["error of the result"] == verdict


def test_more_is_better_of_a_clock(record):
    assert verdicts(compare(record, changed(record, fmax_mhz=2.0), []))["shortest delay"] == "better"


def test_rows_settings_and_figures_that_only_one_has_are_said(record):
    other = changed(record)
    other["rows"][0]["result_error"] = None
    gone = other["rows"].pop()
    other["options"]["effort"] = "high"
    found = compare(record, other, [])
    assert found["only_a"] == [(gone["design"], gone["technology"])] and found["only_b"] == []
    assert found["gone"] == [(other["rows"][0]["design"], "sky130hd", "error of the result")]
    assert found["unlike"] == {"options, effort": ("low", "high")}


def test_the_command_tells_of_changes_as_text_and_as_json(record, tmp_path, capsys):
    for name, each in (("a", record), ("b", changed(record, energy_fj_per_op=3.0))):
        (tmp_path / f"{name}.json").write_text(json.dumps(each))
    said = {}
    for option in ("--all", "--json"):
        with pytest.raises(SystemExit) as stop:
            main(["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json"), option])
        assert not stop.value.code
        said[option] = capsys.readouterr().out
    shown = json.loads(said["--json"])
    worse = [change for change in shown["changes"] if change["verdict"] == "worse"]
    assert [(change["design"], change["technology"], change["figure"]) for change in worse] == [
        (DESIGN, TECHNOLOGY, "energy")]
    assert worse[0]["ratio"] == pytest.approx(3) and worse[0]["margin"] > 0 and shown["rule"]
    lines = said["--all"].splitlines()
    assert lines[0].split()[:3] == ["design", "technology", "figure"]
    assert len(lines) == len(shown["changes"]) + 2
    [line] = [line for line in lines if line.endswith("worse")]
    assert line.startswith(DESIGN) and "+200.0 %" in line
    assert lines[-1].startswith(f"{len(shown['changes'])} figures in both: 0 better, 1 worse, ")


def test_what_is_no_record_is_refused(tmp_path, capsys):
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(SystemExit) as stop:
        main(["compare", str(tmp_path / "a.json"), str(tmp_path / "none.json")])
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def history():
    spec = importlib.util.spec_from_file_location("history", ROOT / "benchmarks" / "history.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_history_shows_a_regression(record, tmp_path):
    module, path = history(), tmp_path / "history.json"
    record = record | {"versions": {"lmul": "1.2.3", "commit": "0123456789ab"}}
    module.add(path, record)
    with pytest.raises(Refusal, match="1.2.3\\+0123456 is there already"):
        module.add(path, record)
    module.add(path, changed(record, energy_fj_per_op=3.0), "2.0")
    releases = json.loads(path.read_text())
    assert [release["release"] for release in releases] == ["1.2.3+0123456", "2.0"]
    told = list(module.told(releases))
    assert told[0] == "from 1.2.3+0123456 to 2.0"
    assert [line.split()[:3] for line in told if line.endswith("worse")] == [[DESIGN, TECHNOLOGY, "energy"]]


def test_the_history_that_is_kept_can_be_compared(capsys):
    releases = json.loads((ROOT / "benchmarks" / "history.json").read_text())
    assert releases and all(release["rows"] for release in releases)
    list(history().told([releases[-1], releases[-1] | {"release": "again"}]))
