"""``lmul prove``: its table, its statuses, and what it keeps."""

import json
from dataclasses import replace

import pytest
from lmul.cli.main import main
from lmul.hdl.designs import parse
from lmul.prove import catalogue, exhaust, multipliers
from lmul.prove.catalogue import prove
from lmul.prove.obligation import IN_PARTS, NOT_PROVED, PROVED, REFUTED, UNDECIDED, Proof, discharge


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(["prove", *arguments])
    said = capsys.readouterr()
    return left.value.code, said.out, said.err


def test_table_and_record(capsys, tmp_path):
    status, out, _ = run(capsys, "mul_lmul_e2m1", "-o", str(tmp_path))
    assert status == 0
    assert out.startswith("mul_lmul_e2m1  proved ")
    assert "256 pairs" in out
    [proof] = json.loads((tmp_path / "proofs.json").read_text())["proofs"].values()
    assert proof["verdict"] == PROVED


@pytest.mark.parametrize(("verdict", "said"), [(REFUTED, "a=0x1 (0.5)"), (UNDECIDED, "not decided in 600 s")])
def test_what_is_not_proved_is_a_failure(capsys, monkeypatch, verdict, said):
    found = Proof("mul_lmul_e2m1", "what golden says", "exhaustion", verdict, 1.0,
                  {"a": "0x1 (0.5)"} if verdict == REFUTED else {})
    monkeypatch.setattr(catalogue, "prove", lambda *_: [found])
    status, out, err = run(capsys, "mul_lmul_e2m1")
    assert status == 1
    assert said in out + err
    assert "Traceback" not in err


@pytest.mark.parametrize("arguments", [(), ("--all", "mul_lmul_e4m3"), ("mul_lmul_e9m9",),
                                       ("mul_lmul_e4m3", "--limit", "0")])
def test_refusals(capsys, arguments):
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert err.startswith("lmul: ")
    assert err.count("\n") == 1


def test_a_run_that_was_stopped_goes_on(tmp_path, monkeypatch):
    first = prove(["mul_lmul_e2m1"], 10, tmp_path)

    def refuse(_, jobs, *__):
        assert not jobs, "done again"
        return ()

    monkeypatch.setattr(catalogue.Pool, "run", refuse)
    again = prove(["mul_lmul_e2m1"], 10, tmp_path)
    assert [proof.name for proof in again] == [proof.name for proof in first]
    record = json.loads((tmp_path / "proofs.json").read_text())
    for spoiled in (json.dumps(record | {"program_sha256": "0"}), "{", "[]"):
        (tmp_path / "proofs.json").write_text(spoiled)
        with pytest.raises(AssertionError, match="done again"):
            prove(["mul_lmul_e2m1"], 10, tmp_path)


def test_a_wrong_multiplier_is_shown_by_codes_and_values(monkeypatch):
    """Golden of another offset stands for the fault."""
    from lmul.golden.products import multiply
    from lmul.golden.spec import Multiplier

    other = Multiplier.make("lmul", "e2m1", offset="none")
    monkeypatch.setattr(exhaust, "expected", lambda spec, wide, a, b: multiply(other, a, b))
    [proof] = discharge(multipliers.of(parse("mul_lmul_e2m1")))
    assert proof.verdict == REFUTED
    assert proof.case == "a=0x2 (1) b=0x2 (1) gives 0x3 (1.5), not 0x2 (1)"


@pytest.mark.parametrize("slug", ["array_lmul_e4m3_fp32_2x2_os", "array_lmul_e4m3_carrysave_8x8_os",
                                  "array_int8_int32_4x4_ws", "matmul_lmul_bf16xe4m3_fp32_8x8_ws",
                                  "matmul_exact_e4m3_fixed_1x7_os"])
def test_a_named_array_is_proved_in_parts(slug):
    """What is to be proved of it is each part that its line names; and without any one of them it is not proved."""
    design = parse(slug)
    found = catalogue.parts(design)
    proofs = {each.key: Proof(each.name, each.claim, "", PROVED) for some in found.values() for each in some}

    def whole(found=found, proofs=proofs):
        [line] = catalogue._whole(design, found, proofs)
        return line

    assert whole().verdict == IN_PARTS and "streams, at" in whole().means
    for key, proof in proofs.items():
        for verdict in (REFUTED, UNDECIDED):
            assert whole(proofs=proofs | {key: replace(proof, verdict=verdict)}).verdict == NOT_PROVED
    for part in found:
        assert whole(found | {part: []}).verdict == NOT_PROVED


def test_a_family_without_a_specification_is_not_proved_beyond_exhaustion(monkeypatch):
    """And the command says so instead of failing."""
    monkeypatch.setattr(multipliers, "specification", lambda spec: None)
    [narrow] = prove(["mul_exact_e2m1"])
    assert narrow.verdict == PROVED
    [wide] = prove(["mul_int16"])
    assert wide.verdict == NOT_PROVED and "simulate" in wide.means


@pytest.mark.regress
def test_an_array_is_proved(capsys):
    status, out, _ = run(capsys, "array_lmul_e2m1_carrysave_2x2_os")
    assert status == 0 and " in parts " in out


@pytest.mark.regress
def test_the_whole_catalogue(request):
    """Stopped, it goes on where it was."""
    proofs = prove(None, 600, request.config.rootpath / "build" / "proofs")
    bad = [proof for proof in proofs if proof.verdict in (REFUTED, UNDECIDED)]
    assert not bad, bad
    assert all(proof.verdict == PROVED for proof in proofs if proof.name.startswith(("mul_", "prod_")))
