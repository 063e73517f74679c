"""Columns of a tile are alike: one that is measured in its surroundings tells what the whole burns, data apart."""

import re

import numpy as np
import pytest
from lmul.golden.operands import operands
from lmul.hdl.designs import parse
from lmul.hdl.verilog import generate
from lmul.synth import library, mapping
from lmul.synth.activity import simulate
from lmul.synth.drive import drive
from lmul.synth.energy import estimate
from lmul.synth.netlist import Netlist
from lmul.synth.timing import analyse
from lmul.synth.verilog_kept import Written

ROLES = ("lane", "tree", "accumulator")
VECTORS = 600


@pytest.mark.regress
@pytest.mark.parametrize("slug", ["tile_lmul_e4m3_16x4_w10", "tile_log_l3f4_16x4_w10", "tile_int8_16x4"])
def test_a_column_in_its_surroundings_tells_the_whole(slug, tmp_path, record_property):
    """The first column, behind activation registers that drive all, against the mean of all, all with its weights and
    partial sums: within 3 % in what it has of its own, lanes, tree and accumulator together. With weights of their own
    columns differ by more than that, which is why reports measure the whole."""
    design, lib = parse(slug), library.load("asap7")
    generate(design, tmp_path)
    mapped = mapping.map_design(design, tmp_path / f"{slug}.v", {"lib": lib}, "low", tmp_path, gated=["lib"])
    netlist = Netlist.read(mapped.gated["lib"][0].source, lib)
    timing = analyse(netlist, lib)
    driven = drive(design, mapping.latency(tmp_path, design), operands("recording"), VECTORS, 1)
    roles = Written.read(tmp_path, slug).roles(slug).of(netlist)

    def columns(inputs):
        """What each column has of its own burns, as shares of the mean."""
        energy = estimate(netlist, timing, simulate(netlist, timing, inputs, "timed", timing.delay_ps, driven.warmup))
        found = np.zeros(design.cols)
        for fj, role, origin in zip(sum(energy.instances.values()), roles, netlist.origins, strict=True):
            if role in ROLES and (column := re.match(r"column_(\d+)\b", origin)):
                found[int(column[1])] += fj
        assert found.min() > 0
        return found / found.mean()

    own, same = columns(driven.inputs), columns(driven.inputs | {
        name: [alike(int(code), len(netlist.ports[name][1]), design.cols) for code in driven.inputs[name]]
        for name in ("i_b__data", "i_c__data")})
    record_property("score", f"{slug}: columns with the same weights within {100 * abs(same - 1).max():.1f} % of their "
                             f"mean, with their own within {100 * abs(own - 1).max():.1f} %")
    assert same == pytest.approx(np.ones(design.cols), rel=0.03)


def alike(code, width, count):
    """A beat of which each of so many parts is the first."""
    part = width // count
    return sum((code & (1 << part) - 1) << n * part for n in range(count))
