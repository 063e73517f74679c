"""Which units multiply given tensors within an error: errors on these tensors, costs from rows, a verdict no finer than
the scatter."""

import json

import numpy as np
import pytest
from lmul.cli.choice import answer, chosen, table
from lmul.cli.front import points
from lmul.cli.main import main
from lmul.golden.operands import operands
from lmul.hdl.designs import parse
from lmul.synth import margins
from lmul.synth.accuracy import accuracy
from lmul.synth.choice import errors
from test_cli_front import many


@pytest.fixture(scope="module")
def record(seed):
    found = many(seed)
    return found | {"rows": [row for row in found["rows"] if "_4x4" in row["design"]]}


@pytest.fixture(scope="module")
def tensors(tmp_path_factory, seed):
    rng, path = np.random.default_rng(seed), tmp_path_factory.mktemp("tensors") / "mine.npz"
    np.savez(path, a=rng.normal(size=(24, 64)), b=rng.normal(size=(64, 24)))
    return path


def picks(record, error, key="energy_fj_per_mac"):
    return chosen(points(record), error, key, margins.kept()["runs"], "default")


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["choose", *arguments])
    said = capsys.readouterr()
    return stop.value.code, said.out, said.err


def test_errors_are_those_of_the_tensors(record, tensors):
    found = errors(record, str(tensors), None, 400, 1)
    assert found.keys() == {row["design"] for row in record["rows"]}
    source = operands(str(tensors))
    for slug in list(found)[:2]:
        assert found[slug] == accuracy(parse(slug), source, 400, 1)["result_error"] > 0


@pytest.mark.parametrize("key, technology", [("energy_fj_per_mac", "asap7"), ("area_um2_per_mac", "asap7"),
                                             ("luts_per_mac", "ice40")])
def test_the_best_is_the_least_of_those_within_the_error(record, key, technology):
    some = [point for point in points(record) if point.entry.technology == technology]
    error = sorted(point.error for point in some)[len(some) // 2]
    [pick] = [pick for pick in picks(record, error, key) if pick.technology == technology]
    assert {each.point.entry.design.slug for each in pick.within} == {
        point.entry.design.slug for point in some if point.error <= error}
    costs = [each.point.figures[key] for each in pick.within]
    assert costs == sorted(costs) and pick.within[0].ratio == 1 and not pick.within[0].clear
    assert pick.within[0].point.entry.design.slug in answer([pick], error, key)
    assert len(table(pick, 2).splitlines()) == 4 + (len(costs) > 2) - (len(costs) < 2)


def test_what_is_within_the_scatter_is_no_clear_difference(record):
    """Two tiles whose energies differ by little, and then by much."""
    slugs = ["tile_lmul_e4m3_best_4x4_w6", "tile_exact_e4m3_flush_4x4_w6"]
    rows = {row["design"]: row for row in record["rows"] if row["technology"] == "asap7"}
    for more, clear in ((1.001, False), (1.9, True)):
        two = [rows[slugs[0]] | {"energy_fj_per_op": 40.0, "result_error": 0.01},
               rows[slugs[1]] | {"energy_fj_per_op": 40.0 * more, "result_error": 0.01}]
        [pick] = picks(record | {"rows": two}, 0.02)
        assert [each.clear for each in pick.within] == [False, clear]
        assert ("no clear difference" in answer([pick], 0.02, "energy_fj_per_mac")) is not clear


def test_an_error_that_nothing_meets_is_said(record):
    [first, *_] = found = picks(record, 1e-6)
    assert not first.within and f"{first.technology}: no unit stays within" in answer(found, 1e-6, "energy_fj_per_mac")


def test_the_command(record, tensors, tmp_path, capsys):
    path = tmp_path / "report.json"
    path.write_text(json.dumps(record))
    status, out, _ = run(capsys, "--operands", str(tensors), "--error", "40%", "--rows", str(path), "--vectors", "400")
    assert status == 0 and "takes the least energy" in out and str(tensors) in out
    status, out, _ = run(capsys, "--operands", str(tensors), "--error", "0.4", "--rows", str(path), "--vectors", "400",
                         "--by", "luts", "--json")
    assert status == 0 and all(row["luts_per_mac"] for row in json.loads(out)["rows"])


@pytest.mark.parametrize("arguments, says", [
    (("--error", "3"), "must be a part of the result"), (("--error", "much"), "must be a part of the result"),
    (("--error", "3%", "--rows", "nothing.json"), "Record must be readable"),
])
def test_bad_input_is_refused_in_one_line(arguments, says, tensors, capsys):
    status, _, err = run(capsys, "--operands", str(tensors), *arguments)
    assert status == 2 and says in err and err.count("\n") == 1


def test_an_unknown_technology_is_refused(record, tensors, tmp_path, capsys):
    path = tmp_path / "report.json"
    path.write_text(json.dumps(record))
    status, _, err = run(capsys, "--operands", str(tensors), "--error", "3%", "--rows", str(path), "--tech", "n7")
    assert status == 2 and "--tech must be one of sky130hd, asap7, ice40" in err
