"""cocotb on the generated Verilog of multipliers, in both simulators."""

import pytest
from lmul.hdl.designs import catalogue, parse
from lmul.sim.runner import simulate

# Each structure and kind of product; every pair of operand codes where they have 16 bits together. Of Verilator, the
# README's command has run `mul_lmul_e4m3`.
QUICK = {
    "verilator": ["prod_lmul_bf16xe4m3_sub"],
    "icarus": ["mul_lmul_e4m3", "mul_exact_e4m3_flush", "mul_mitchell_e2m1", "prod_exact_fp32"],
}
MULTIPLIERS = [slug for slug in catalogue() if parse(slug).combinational]
IN_BOTH = ("e4m3", "e5m2", "bf16", "bf16xe4m3")


@pytest.mark.parametrize(("simulator", "slug"), [(name, slug) for name, slugs in QUICK.items() for slug in slugs])
def test_multiplier(simulator, slug, sim_folder, seed, waves):
    _multiply(simulator, slug, sim_folder, seed, waves)


@pytest.mark.regress
@pytest.mark.parametrize(("simulator", "slug"), [
    (simulator, slug) for slug in MULTIPLIERS for simulator in ("icarus", "verilator")
    if simulator == "icarus" or parse(slug).multiplier.formats in IN_BOTH])
def test_every_multiplier(simulator, slug, sim_folder, seed, waves):
    _multiply(simulator, slug, sim_folder, seed, waves)


def _multiply(simulator, slug, folder, seed, waves):
    design = parse(slug)
    result = simulate(design, folder=folder, simulator=simulator, seed=seed, waves=waves)
    assert result.passed, result.line
    bits = design.multiplier.a.width + design.multiplier.b.width
    assert result.vectors == 1 << bits if bits <= 16 else result.vectors > 20_000
