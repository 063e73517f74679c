"""With --json a command prints one JSON document on standard output, and nothing else there; and a range of seeds."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from lmul.cli.main import main
from lmul.prove.obligation import Proof
from test_cli import refused


@pytest.fixture
def document(capfd):
    """``document(*arguments, status=0)``: what a command line prints, with the descriptors themselves watched."""
    def printed(*arguments, status=0):
        with pytest.raises(SystemExit) as stop:
            main([*map(str, arguments), "--json"])
        out, err = capfd.readouterr()
        assert stop.value.code == status, err
        return json.loads(out)
    return printed


@pytest.mark.parametrize(("slug", "given"), [
    ("matmul_lmul_e4m3_fp32_4x4_os", {"window_place": None, "exponent": 0}),
    ("tile_exact_mxe4m3_32x8_w10", {"inf": 0, "nan": 0}), ("dot_lmul_e4m3_bf16_4", {"simulation": None})])
def test_matmul(slug, given, document, tmp_path, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(3, 20)), rng.normal(size=(20, 5))
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", b)
    found = document("matmul", tmp_path / "a.npy", tmp_path / "b.npy", "--design", slug, "-o", tmp_path / "c.npy")
    assert (found["design"], found["rows"], found["depth"], found["cols"], found["mac"]) == (slug, 3, 20, 5, 300)
    assert given.items() <= found.items()
    wrong, right = np.load(tmp_path / "c.npy") - a @ b, a @ b
    assert found["result_error"] == pytest.approx(np.sqrt(np.square(wrong).mean() / np.square(right).mean()))


def test_matmul_of_results_that_are_no_numbers(document, tmp_path):
    """An error there is none, and JSON has no NaN."""
    np.save(tmp_path / "a.npy", np.full((1, 1), 0x7F, np.uint8))
    found = document("matmul", tmp_path / "a.npy", tmp_path / "a.npy", "--design", "mac_exact_e4m3_fp32", "-o",
                     tmp_path / "c.npy")
    assert (found["nan"], found["result_error"]) == (1, None)


def test_prove(document, monkeypatch):
    """A refuted one is in the document, and in the exit status."""
    proof = Proof("mul_lmul_e2m1", "what golden says", "exhaustion", "refuted", 0.12345, {"a": "0x2 (1)"})
    monkeypatch.setattr("lmul.prove.catalogue.prove", lambda *_: [proof])
    assert document("prove", "mul_lmul_e2m1", status=1)["proofs"] == [asdict(proof) | {"seconds": 0.123}]


def test_report(document, tmp_path, monkeypatch):
    """What is printed is the file."""
    kept = {"rows": [], "what": "a record"}
    monkeypatch.setattr("lmul.synth.measure.run_report", lambda *_, **__: kept)
    monkeypatch.setattr("lmul.cli.pages.write_pages", lambda *_: None)
    assert document("report", "mul_lmul_e4m3", "-o", tmp_path) == kept


@pytest.mark.regress
def test_a_whole_report(document, tmp_path):
    printed = document("report", "mul_lmul_e2m1", "--rivals", "--tech", "asap7", "--effort", "low", "-o", tmp_path)
    assert printed == json.loads((tmp_path / "report.json").read_text())
    assert [row["design"] for row in printed["rows"]] == ["mul_lmul_e2m1", "mul_exact_e2m1_flush"]


@pytest.mark.icarus
def test_seeds_and_failures(document, tmp_path):
    """Each run keeps its log; what fails is in the document, and in the exit status."""
    (tmp_path / "wrong.v").write_text("module wrong(input [3:0] a, b, output [3:0] p); assign p = a & b; endmodule\n")
    runs = document("simulate", "--verilog", f"{tmp_path}/wrong.v:wrong=mul_lmul_e2m1", "--seeds", "-1..0",
                    "--simulator", "icarus", "-o", tmp_path, status=1)["runs"]
    assert [run["seed"] for run in runs] == [-1, 0] and len({Path(run["log"]).read_text() for run in runs}) == 2
    assert not any(run["passed"] for run in runs) and all(run["failures"] and run["failure"] for run in runs)


@pytest.mark.parametrize("seeds", ["3..1", "1-3", "1..", "a..b"])
def test_seeds_that_are_none(seeds, capsys, tmp_path):
    line = refused(capsys, "simulate", "mul_lmul_e2m1", "--seeds", seeds, "-o", tmp_path)
    assert f"{seeds!r} is not A..B" in line


def test_a_refusal_has_no_document(capfd, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["prove", "mul_lmul_e4m33", "--json"])
    assert (stop.value.code, capfd.readouterr().out) == (2, "")
