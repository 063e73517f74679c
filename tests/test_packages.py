"""What others take a core in by: the same files every time, read by those whom they are for."""

import json
import subprocess

import pytest
from lmul.cli.main import main
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import parse
from lmul.hdl.verilog import Period
from lmul.packages import PACKAGES, generate
from lmul.packages.core import padded_bits
from lmul.sim import tools

PADDED = ["matmul_exact_e4m3_flush_r4_3x3_w10", "array_int4_int16_3x2_ws", "tile_exact_nvfp4_4x3_w10"]
SLUGS = ["mul_lmul_e4m3", "mac_lmul_e4m3_fp32", "matmul_int8_int32_3x2_os"]


def period(text):
    return Period(4.0, "invented")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of `SLUGS`, and padded those of `PADDED`, with all packages."""
    folder = tmp_path_factory.mktemp("packages")
    for slug in SLUGS + PADDED:
        generate(parse(slug), folder, period, PACKAGES, slug in PADDED)
    return folder


def manifest(folder, slug):
    return json.loads((folder / f"{slug}.json").read_text())


def test_fusesoc_core(folder):
    number = manifest(folder, "mul_lmul_e4m3")["versions"]["lmul"]
    assert (folder / "mul_lmul_e4m3.core").read_text() == f"""\
CAPI=2:
name: lmul:cores:mul_lmul_e4m3:{number}
description: "multiplier, narrow product: lmul e4m3, subnormals flushed; mul_lmul_e4m3.json describes it"

filesets:
  rtl:
    files: [mul_lmul_e4m3.v]
    file_type: verilogSource
  constraints:
    files: [mul_lmul_e4m3.sdc]
    file_type: SDC

targets:
  default: &default
    filesets: [rtl, constraints]
    toplevel: mul_lmul_e4m3
  lint:
    <<: *default
    filesets: [rtl]
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
"""


@pytest.mark.parametrize("slug", PADDED)
def test_padded_widths(folder, slug):
    text = (folder / f"{slug}_padded.v").read_text()
    for stream in manifest(folder, slug)["streams"]:
        bits = padded_bits(stream["data_bits"])
        assert bits >= stream["data_bits"] > bits // 2 and bits & (bits - 1) == 0 == bits % 8
        assert f"wire [{bits - 1}:0] {stream['signals']['data']}" in text


@pytest.mark.parametrize("slug", PADDED)
def test_padded_is_clean(folder, slug):
    command = [tools.verilator().folder / "verilator", "--lint-only", "-Wall", "--top", f"{slug}_padded",
               f"{slug}.v", f"{slug}_padded.v"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.returncode and not done.stderr


def test_padding_without_streams_is_refused(tmp_path, capsys):
    says = "Padding is of streams, and mul_int8 has none: --pad must be left out"
    with pytest.raises(Refusal, match=f"^{says}$"):
        generate(parse("mul_int8"), tmp_path, pad=True)
    with pytest.raises(SystemExit) as stop:
        main(["generate", "mul_int8", "--pad", "-o", str(tmp_path / "none")])
    assert stop.value.code == 2 and not list(tmp_path.iterdir())
    assert capsys.readouterr().err.strip() == f"lmul: {says}"
