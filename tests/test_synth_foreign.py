"""Somebody else's Verilog: read, held to a design's ports, compared, measured beside it; refused in a sentence."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from lmul.cli.main import main
from lmul.golden.operands import operands
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import parse
from lmul.hdl.foreign import read
from lmul.hdl.verilog import verilog
from lmul.synth.foreign import examine

FIXTURES = Path(__file__).parent / "fixtures" / "foreign"
MUL, MAC = "mul_lmul_e4m3", "mac_int8_int32"
SOURCE = operands("recording", 1)


def given(file, top, slug):
    return f"{FIXTURES / file}:{top}={slug}"


def run(capsys, *arguments):
    """Exit status, standard output and standard error of one command line."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


def examined(file, top, slug):
    return examine(read(given(file, top, slug)), SOURCE, 300, 1)


def test_a_multiplier_that_agrees_is_proved():
    found = examined("lmul_e4m3.v", "adding_mul", MUL)
    assert found.agrees == "proved: exhaustion, 65,536 pairs, against golden"
    assert found.errors["mean_relative_error"] == pytest.approx(0.0524, abs=0.0001)


def test_a_fault_has_a_counterexample_and_errors_of_its_own():
    right, wrong = examined("lmul_e4m3.v", "adding_mul", MUL), examined("lmul_e4m3.v", "doubling_mul", MUL)
    assert re.fullmatch(r"differs: a=0x8 .* b=0x.* gives .*, not .*", wrong.agrees)
    for key in ("mean_relative_error", "driven_relative_error"):
        assert wrong.errors[key] > 5 * right.errors[key]


def test_products_that_are_no_numbers_have_no_error(tmp_path):
    (tmp_path / "nan.v").write_text("module nan(input [7:0] a, b, output [7:0] p); assign p = 8'h7f; endmodule\n")
    found = examine(read(f"{tmp_path / 'nan.v'}:nan={MUL}"), SOURCE, 300, 1).errors
    assert found["mean_relative_error"] is None and "Inf or NaN" in found["reasons"]["mean_relative_error"]
    assert found["driven_relative_error"] is None and "Inf or NaN" in found["reasons"]["driven_relative_error"]


def test_wider_operands_are_proved_by_equivalence(tmp_path):
    text = verilog(parse("mul_lmul_bf16")).replace("module mul_lmul_bf16(", "module copy(")
    (tmp_path / "copy.v").write_text(text)
    found = examine(read(f"{tmp_path / 'copy.v'}:copy=mul_lmul_bf16"), SOURCE, 300, 1)
    assert found.agrees == "proved: equivalence with our Verilog, sat"
    (tmp_path / "copy.v").write_text(re.sub(r"assign p = \{ (\w+),", r"assign p = { ~\1,", text))
    wrong = examine(read(f"{tmp_path / 'copy.v'}:copy=mul_lmul_bf16"), SOURCE, 300, 1)
    assert wrong.agrees.startswith("differs: a=0x")
    assert wrong.errors["mean_relative_error"] is None and wrong.errors["reasons"]["mean_relative_error"]


def test_system_verilog_with_an_include():
    found = examined("mul_int8.sv", "signed_mul", "mul_int8")
    assert found.agrees.startswith("proved") and found.errors["mean_relative_error"] == 0


@pytest.mark.regress
def test_a_sum_without_a_proof_is_simulated_only():
    found = examined("mac_int8.v", "summing_mac", MAC)
    assert found.agrees.startswith("simulated only: 256 results agree; not proved")
    assert found.latency == 2 and found.errors["result_error_of_codes"] == 0


@pytest.mark.regress
def test_another_latency_is_found():
    found = examined("mac_int8.v", "early_mac", MAC)
    assert found.latency == 1 and found.difference == ""


@pytest.mark.regress
def test_a_wrong_sum_differs():
    found = examined("mac_int8.v", "unsigned_mac", MAC)
    assert re.match(r"differs: result \d+ on 'c' gives 0x\w+ \(.*\), not 0x\w+ \(.*\)", found.agrees)
    assert found.errors["result_error_of_codes"] > 0.1


def test_registers_that_match_are_proved_cycle_by_cycle(tmp_path):
    (tmp_path / "copy.v").write_text(verilog(parse(MAC)).replace(f"module {MAC}(", "module copy("))
    found = examine(read(f"{tmp_path / 'copy.v'}:copy={MAC}"), SOURCE, 300, 1)
    assert found.agrees.startswith("proved of every cycle, from registers that match by name; from reset 256 results")


@pytest.mark.parametrize(("file", "top", "slug", "words"), [
    ("none.v", "top", MUL, "Verilog must be a file that can be read, not '.*none.v': No such file or directory"),
    ("refused.v", "absent", MUL, "The top module must be one of asynchronous, .* in .*refused.v, not 'absent'"),
    ("refused.v", "a b", MUL, "The top module must be a plain Verilog name, not 'a b'"),
    ("refused.v", "narrow", MUL, "Ports of narrow must be those of mul_lmul_e4m3: 'b' must be an input of 8 bits, not "
                                 "an input of 7 bits"),
    ("refused.v", "latch", MAC, "'en' is missing .an input of 1 bit.; .*'p' is one more"),
    ("refused.v", "unknown_part", MUL, "can read and elaborate: Module `.nowhere' referenced"),
    ("refused.v", "boxed", MUL, "boxed must be given whole, and 'box' .*refused.v:\\d+. is a box"),
    ("refused.v", "box", MUL, "box must be given whole"),
    ("refused.v", "latch", MUL, "latch must have no latches, and 'p' .*refused.v:\\d+. is one"),
    ("refused.v", "registered", MUL, "registered must be combinational as mul_lmul_e4m3 is"),
    ("refused.v", "loop", MUL, "Every net of loop must have one driver and be in no loop: .*logic loop"),
    ("refused.v", "undriven", MUL, "Every net of undriven must have one driver .* has no driver"),
    ("refused.v", "released", MUL, "released must drive nets with 0 or 1 alone"),
    ("refused.v", "asynchronous", MAC, "must be set and reset at the clock's edge"),
    ("refused.v", "falling", MAC, "must have the rising edge of its clock port"),
    ("mul_int8.sv", "product", "mul_int8", "mul_int8.sv:4: Parameter `.N' has no default value"),
    ("mul_int8.sv", "signed_mul", "mul_int9x", "Unknown design 'mul_int9x'"),
])
def test_bad_input_is_refused(file, top, slug, words):
    with pytest.raises(Refusal, match=words) as refusal:
        read(given(file, top, slug))
    assert "\n" not in str(refusal.value)


def test_a_syntax_error_is_in_yosys_words(tmp_path):
    (tmp_path / "bad.v").write_text("module top(input a);\n  assign = a;\nendmodule\n")
    with pytest.raises(Refusal, match=r"elaborate: .*bad.v:2: syntax error, unexpected"):
        read(f"{tmp_path / 'bad.v'}:top={MUL}")


@pytest.mark.parametrize("spelling", ["F.v", "F.v:top", f"F.v={MUL}", f":top={MUL}", f"F.v,:top={MUL}"])
def test_the_spelling_is_refused(spelling):
    with pytest.raises(Refusal, match="must be given as F.v:TOP=SLUG, or A.v,B.sv:TOP=SLUG"):
        read(spelling)


def test_a_sum_that_never_ends_is_refused():
    with pytest.raises(Refusal, match="silent must put 'valid' to 1 when a result is there"):
        examined("refused.v", "silent", MAC)


def test_several_files_with_a_space_in_their_names(tmp_path):
    (tmp_path / "a part.v").write_text("module part(input [7:0] a, b, output [15:0] p);\n"
                                       "  assign p = $signed(a) * $signed(b);\nendmodule\n")
    (tmp_path / "top.sv").write_text("module top(input logic [7:0] a, b, output logic [15:0] p);\n"
                                     "  part part(.*);\nendmodule\n")
    foreign = read(f"{tmp_path / 'a part.v'},{tmp_path / 'top.sv'}:top=mul_int8")
    assert examine(foreign, SOURCE, 300, 1).agrees.startswith("proved")


#: Modules of two reports, in whose place they stand, what must be beside them, and what the page says.
SMALL = "mul_lmul_e2m1"
REPORTS = {
    "small": ([("lmul_e2m1.v", "adding_small", SMALL), ("lmul_e2m1.v", "doubling_small", SMALL)],
              {SMALL, "mul_exact_e2m1_flush"},
              {"adding_small": "proved: exhaustion", "doubling_small": "differs: a=0x"}),
    "products": ([("lmul_e4m3.v", "adding_mul", MUL), ("lmul_e4m3.v", "doubling_mul", MUL)],
                 {MUL, "mul_exact_e4m3_flush"}, {"adding_mul": "proved: exhaustion", "doubling_mul": "differs: a=0x"}),
    "sums": ([("mac_int8.v", "early_mac", MAC)], {MAC}, {"early_mac": r".*its latency is 1\."})}


@pytest.fixture(scope="module", params=["small", *(
    pytest.param(name, marks=pytest.mark.regress) for name in ("products", "sums"))])
def record(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    with pytest.raises(SystemExit) as stop:
        modules, *about = REPORTS[request.param]
        theirs = [word for module in modules for word in ("--verilog", given(*module))]
        main(["report", *theirs, "--tech", "sky130hd", "--tech", "ice40", "--effort", "low", "--vectors", "300", "-o",
              str(folder)])
    assert stop.value.code == 0
    return folder, json.loads((folder / "report.json").read_text()), *about


def test_a_report_has_it_beside_the_design_and_its_rivals(record):
    _, record, beside, words = record
    for technology in ("sky130hd", "ice40"):
        some = [row for row in record["rows"] if row["technology"] == technology]
        own = {row["design"]: row for row in some if not row["source"]}
        assert beside <= set(own)
        theirs = {row["source"]["top"]: row for row in some if row["source"]}
        assert list(theirs) == list(words)
        for top, row in theirs.items():
            verdict, colon, _ = words[top].partition(":")
            assert row["source"]["agrees"].startswith(verdict if colon else "")
        for row in theirs.values():
            clocks = [{name: at["clock_ps"] for name, at in each["at"].items()} for each in (row, own[row["design"]])]
            assert clocks[0] == clocks[1]
            if technology == "sky130hd":
                assert clocks[0] and row["energy_fj_per_op"] > 0 and row["area_um2"] > 0
                assert all(point["proof"]["state"] == "proved" for point in row["curve"] if point["proof"])
            else:
                assert row["luts"] > 0


def test_its_page_says_whether_it_agrees(record):
    folder, _, _, words = record
    page = (folder / "report.md").read_text()
    assert "## Somebody else's Verilog" in page
    for top, said in words.items():
        assert re.search(rf"{top} \(their Verilog\), of .*: {said}", page)
    assert "their Verilog" in (folder / "report.html").read_text()


def test_nothing_is_written_of_a_refused_module(tmp_path, capsys):
    for command in ("report", "simulate", "prove"):
        status, _, err = run(capsys, command, "--verilog", given("refused.v", "latch", MUL), "-o", tmp_path / "out")
        assert status == 2 and len(err.splitlines()) == 1 and "must have no latches" in err
        assert not (tmp_path / "out").exists()


def test_simulate_runs_the_bench_on_the_files_themselves(tmp_path, capsys):
    theirs = given("mul_int8.sv", "signed_mul", "mul_int8")
    status, out, _ = run(capsys, "simulate", "--verilog", theirs, "-o", tmp_path)
    assert status == 0 and out.count("passed") == 1


@pytest.mark.regress
def test_a_wrong_sum_of_others_fails_its_bench_and_a_right_one_passes(tmp_path, capsys):
    status, out, err = run(capsys, "simulate", "--verilog", given("mac_int8.v", "unsigned_mac", MAC), "-o", tmp_path)
    assert status == 1 and "expected 0x" in out and "1 of 1 designs failed" in err
    status, out, _ = run(capsys, "simulate", "--verilog", given("mac_int8.v", "summing_mac", MAC), "-o", tmp_path)
    assert status == 0 and out.count("passed") == 1


def test_prove_claims_no_more_than_it_proves(capsys):
    status, out, _ = run(capsys, "prove", "--verilog", given("lmul_e4m3.v", "adding_mul", MUL))
    assert status == 0 and "1 proved" in out
    status, out, err = run(capsys, "prove", "--verilog", given("lmul_e4m3.v", "doubling_mul", MUL))
    assert status == 1 and "1 refuted" in out and re.search(r"a=0x.* gives 0x.*, not 0x", err)
    status, out, _ = run(capsys, "prove", "--verilog", given("mac_int8.v", "summing_mac", MAC))
    assert status == 1 and "1 not proved" in out and "256 results of recorded operands agree" in out


@pytest.mark.regress
def test_the_commands_of_the_document(tmp_path, monkeypatch, capsys):
    text = (Path(__file__).parent.parent / "docs" / "verilog.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    \$ lmul (.*)$", text, re.M)
    assert len(commands) >= 3
    shutil.copy(FIXTURES / "lmul_e4m3.v", tmp_path / "theirs.v")
    monkeypatch.chdir(tmp_path)
    for command in commands:
        status, out, err = run(capsys, *shlex.split(command))
        assert status == 0 and out, err
