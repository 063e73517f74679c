"""The clock of a design's constraints: measured, or given, or absent."""

import json

import pytest
from lmul.cli.main import main
from lmul.hdl.designs import parse
from lmul.hdl.verilog import Period, verilog
from lmul.synth import period


def generated(tmp_path, capsys, slug, *options):
    with pytest.raises(SystemExit) as stop:
        main(["generate", slug, "-o", str(tmp_path), *options])
    said = capsys.readouterr().err
    about = json.loads((tmp_path / f"{slug}.json").read_text()) if stop.value.code == 0 else None
    return stop.value.code, said, about


@pytest.mark.parametrize("slug", ["mul_lmul_e2m1", "mac_lmul_e2m1_fixed16"])
def test_a_period_is_measured(slug, tmp_path, capsys):
    _, _, about = generated(tmp_path, capsys, slug)
    assert 0.1 < about["period_ns"] < 20 and about["period_source"].startswith("measured in sky130hd: ")
    assert f" -period {about['period_ns']:g}" in (tmp_path / f"{slug}.sdc").read_text()
    assert period.measure(parse(slug), (tmp_path / f"{slug}.v").read_text()) == \
        Period(about["period_ns"], about["period_source"])


def test_more_logic_takes_longer():
    small, large = (period.measure(parse(slug), verilog(parse(slug))).ns
                    for slug in ("mul_lmul_e2m1", "mul_exact_e4m3"))
    assert small < large


def test_a_period_is_given(tmp_path, capsys):
    _, _, about = generated(tmp_path, capsys, "mul_lmul_e2m1", "--period", "0.75")
    assert (about["period_ns"], about["period_source"]) == (0.75, "given by --period")
    assert "create_clock -name virtual -period 0.75\n" in (tmp_path / "mul_lmul_e2m1.sdc").read_text()


@pytest.mark.parametrize(("value", "why"), [
    ("0", "0.0 is not in the range x>0"), ("-1", "-1.0 is not in the range x>0"), ("nan", "nan is no finite number"),
    ("inf", "inf is no finite number")])
def test_no_other_number_is_a_period(value, why, tmp_path, capsys):
    status, said, _ = generated(tmp_path, capsys, "mul_lmul_e2m1", f"--period={value}")
    assert status == 2 and f"Invalid value for '--period': {why}" in said
    assert not list(tmp_path.iterdir())


def test_a_design_too_large_has_none():
    assert period.measure(parse("array_lmul_e4m3_fp32_9x8_ws"), "") == \
        Period(None, "not measured, a design of 72 multipliers being too large for that")
