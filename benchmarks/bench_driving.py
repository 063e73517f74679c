"""What it is worth that inputs change behind their driving cells: energy with the delay that the load of each input
costs its driver, over energy with all inputs changing at once (slews are the same in both), and over energy without
driving cells at all, all inputs being steps.

    python benchmarks/bench_driving.py [SLUG...]

Multipliers, on the smallest netlist of effort ``low`` in each embedded technology; about a minute for the default ones.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from lmul.golden.operands import operands
from lmul.hdl.designs import parse
from lmul.hdl.verilog import generate
from lmul.synth import library, mapping
from lmul.synth.activity import simulate
from lmul.synth.drive import drive
from lmul.synth.energy import estimate
from lmul.synth.netlist import Netlist
from lmul.synth.timing import analyse

SLUGS = ("mul_lmul_e4m3", "mul_exact_e4m3_flush", "mul_lmul_bf16", "mul_exact_bf16_flush")


def main(slugs):
    libraries = {name: library.load(name) for name in library.EMBEDDED}
    print("| design | technology | energy, driven over at once | driven over steps |\n| --- | --- | --- | --- |")
    for slug in slugs:
        design = parse(slug)
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            folder = Path(folder)
            generate(design, folder)
            found = mapping.map_design(design, folder / f"{slug}.v", libraries, "low", folder)
            driven = drive(design, 0, operands("recording"), 1000, 1)
            for name, lib in libraries.items():
                netlist = min((Netlist.read(each.source, lib) for each in found.netlists[name]),
                              key=lambda netlist: netlist.area_um2)
                timing = analyse(netlist)
                at_once = replace(timing, arrival=np.minimum(timing.arrival, 0.0))
                steps = analyse(netlist, constraints=replace(timing.constraints, driving_cell=None))
                period = max(timing.delay_ps, steps.delay_ps)
                behind, together, undriven = (
                    estimate(netlist, slews, simulate(netlist, delays, driven.inputs, period_ps=period), period)
                    for slews, delays in ((timing, timing), (timing, at_once), (steps, steps)))
                ratios = (f"{behind.energy_fj_per_op / other.energy_fj_per_op:.3f}" for other in (together, undriven))
                print(f"| `{slug}` | {name} | {' | '.join(ratios)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or SLUGS)
