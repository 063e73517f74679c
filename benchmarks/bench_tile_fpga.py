"""What tiles and their cores take on FPGAs, and their clocks placed and routed: docs/measured/tiles-fpga.md.

    python benchmarks/bench_tile_fpga.py > docs/measured/tiles-fpga.md

Needs the extra ``fpga``. Each design stands in its harness (docs/fpga.md); LUTs are the design's own, mapped without
multiplier blocks, and for each product of a cycle. Designs that are to reach a clock are placed and routed, with seeds
1 to `place.SEEDS`; the rest are counted only, unless ``--all`` is given. Families may be named.
"""

import sys
import tempfile

from lmul.hdl.designs import parse
from lmul.hdl.verilog import generate_many
from lmul.synth import fpga, place

#: Slug, what it is, and whether there is a clock for it to reach.
DESIGNS = [
    ("tile_lmul_e4m3_8x4_w10_p2", "tile, L-Mul", True),
    ("tile_log_l3f4_8x4_w10_p2", "tile, log codes", False),
    ("tile_exact_e4m3_8x4_w10_p2", "tile, exact", False),
    ("tile_int8_8x4_p2", "tile, int8", False),
    ("matmul_lmul_e4m3_8x4_w10_p3", "core, L-Mul", True),
]
GOALS = {"ecp5": 120, "ice40": 70}  # MHz, of L-Mul


def row(design, said, placed, family, folder):
    counted = fpga.counts([design], folder, family, netlists=True)[design.slug]
    clock = each = ""
    if placed:
        runs = {seed: place.route(design.slug, family, seed, folder) for seed in range(1, place.SEEDS + 1)}
        found = place.figures(design.slug, family, runs, folder)
        clock, each = "none", found["reasons"].get("fmax_mhz")
        if found["fmax_mhz"] is not None:
            clock, each = f"{found['fmax_mhz']:.0f}", ", ".join(f"{one:.0f}" for one in found["placed"]["fmax_mhz"])
    per_mac = counted["luts"] / (design.tile.lanes * design.cols)
    return (f"| `{design.slug}` | {said} | {counted['luts']} | {per_mac:.0f} | {counted['carry']} | "
            f"{counted['flip_flops']} | {clock} | {each} |")


def main():
    families = [word for word in sys.argv[1:] if word != "--all"] or list(GOALS)
    place.check(families)
    designs = [(parse(slug), said, goal or "--all" in sys.argv) for slug, said, goal in DESIGNS]
    print("# Tiles on FPGAs\n\nMade by `python benchmarks/bench_tile_fpga.py > docs/measured/tiles-fpga.md`; what is "
          "counted and what a clock is say its head and [fpga.md](../fpga.md).\nA core has the memory of partial sums, "
          "stream registers and the way out to fp32 in its figures.\n")
    with tempfile.TemporaryDirectory() as folder:
        generate_many([design for design, *_ in designs], folder)
        for family in families:
            device = place.DEVICES[family]
            print(f"## {family}\n\n{device.name}, {device.tool}; L-Mul's tile and core are to reach {GOALS[family]} "
                  "MHz.\n\n| design | what | LUTs | LUTs per MAC | carry cells | flip-flops | MHz, median | by seed |\n"
                  "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |")
            for design, said, placed in designs:
                print(row(design, said, placed, family, folder), flush=True)
            print()


if __name__ == "__main__":
    main()
