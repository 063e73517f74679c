"""FPGA counts: what the family's own flow gives for each design alone."""

import json

import pytest
from lmul.hdl import yosys
from lmul.hdl.designs import parse
from lmul.hdl.verilog import generate_many
from lmul.synth import fpga

SLUGS = ("mul_int8", "mul_lmul_e3m2", "mac_lmul_e2m1_bf16")
ALONE = {
    "ice40": ("synth_ice40", "-dsp", {"luts": ("SB_LUT4",), "carry": ("SB_CARRY",), "dsp": ("SB_MAC16",)}),
    "ecp5": ("synth_ecp5", "", {"luts": ("LUT4", "CCU2C", "CCU2C"), "carry": ("CCU2C",), "dsp": ("MULT18X18D",)}),
    "nexus": ("synth_nexus -noiopad", "", {"luts": ("LUT4", "CCU2", "CCU2", "WIDEFN9", "WIDEFN9", "INV"),
                                           "carry": ("CCU2",), "dsp": ("MULT9X9",)}),
    "gowin": ("synth_gowin -family gw1n -noiopads -nowidelut", "", {
        "luts": ("LUT1", "LUT2", "LUT3", "LUT4", "ALU"), "carry": ("ALU",), "dsp": ("MULT9X9",)}),
    "gatemate": ("synth_gatemate -luttree -nomx4 -nomx8 -noiopad -noclkbuf", "", {
        "luts": ("CC_L2T4", "CC_L2T5", "CC_L2T5", "CC_LUT1", "CC_LUT2", "CC_MX2", "CC_ADDF"), "carry": ("CC_ADDF",),
        "dsp": ("CC_MULT",)}),
    "xc7": ("synth_xilinx -family xc7 -flatten -noiopad -noclkbuf", "",
            {"luts": ("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "INV"), "carry": ("CARRY4",),
             "dsp": ("DSP48E1",)}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fpga")
    generate_many([parse(slug) for slug in SLUGS], folder)
    return folder


class Counts(dict):
    """By target, made when they are asked for."""

    def __init__(self, folder):
        self.folder = folder

    def __missing__(self, target):
        self[target] = fpga.counts([parse(slug) for slug in SLUGS], self.folder, target)
        return self[target]


@pytest.fixture(scope="module")
def counts(folder):
    return Counts(folder)


TARGETS = ["ice40", *(pytest.param(target, marks=pytest.mark.regress) for target in fpga.TARGETS if target != "ice40")]


@pytest.mark.parametrize("target", TARGETS)
def test_a_design_among_others_counts_as_it_does_alone(target, folder, counts):
    command, with_dsp, cells = ALONE[target]
    found = {}
    for slug, options in (("mul_lmul_e3m2", ""), ("mul_int8", with_dsp)):
        script = [f"read_verilog {slug}.v", f"{command} {options} -top {slug}", "tee -q -o alone.stat stat -json"]
        yosys.run(script, folder)
        found[slug] = json.loads((folder / "alone.stat").read_text())["design"]["num_cells_by_type"]
    for kind, names in cells.items():
        assert counts[target]["mul_lmul_e3m2"][kind] == sum(found["mul_lmul_e3m2"].get(name, 0) for name in names)
        assert counts[target]["mul_int8"]["with_dsp"][kind] == sum(found["mul_int8"].get(name, 0) for name in names)


@pytest.mark.parametrize("target", TARGETS)
def test_multiplier_blocks_are_used_only_where_allowed(target, counts):
    found = counts[target]["mul_int8"]
    assert found["dsp"] == 0 and found["with_dsp"]["dsp"] == 1 and found["with_dsp"]["luts"] < 0.2 * found["luts"]
    lmul = counts[target]["mul_lmul_e3m2"]
    assert lmul["with_dsp"] == {kind: lmul[kind] for kind in ("luts", "carry", "dsp", "flip_flops")}
    assert lmul["dsp"] == 0 and 0 < lmul["luts"] < found["luts"] and lmul["carry"] > 0


@pytest.mark.regress
def test_registers_are_the_same_in_every_family(counts):
    assert len({counts[target]["mac_lmul_e2m1_bf16"]["flip_flops"] for target in fpga.TARGETS}) == 1
    for target in fpga.TARGETS:
        assert counts[target]["mac_lmul_e2m1_bf16"]["flip_flops"] > 16
        assert counts[target]["mul_int8"]["flip_flops"] == 0


def test_an_unknown_family_is_refused(folder):
    with pytest.raises(ValueError, match=r"^FPGA target must be one of ice40, .*, gatemate, xc7, not 'stratix'$"):
        fpga.counts([parse("mul_int8")], folder, "stratix")
