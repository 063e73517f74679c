"""What structures take on FPGAs and what clock they reach, placed and routed: docs/measured/fpga.md, and the README's
table of structures.

    python benchmarks/bench_fpga.py [SLUG...]

Needs the extra ``fpga``; about an hour on two cores, and what `lmul report --fpga` has kept it takes from there. With
slugs it prints their rows alone, and keeps no page.
"""

import re
import sys
from pathlib import Path

from lmul.cli.console import progress
from lmul.hdl.designs import parse
from lmul.synth import place
from lmul.synth.measure import run_report
from lmul.synth.store import user_store

ROOT = Path(__file__).parent.parent
#: Families that designs are placed on, and those of a few, `EVERYWHERE`. Rivals of tiles are `COUNTED` alone.
MOST, REST = ("ecp5", "ice40"), ("nexus", "gowin", "gatemate")
#: Of the README's table.
STRUCTURES = {
    "mul_lmul_e4m3": "multiplier, narrow product: rounded to the operand format",
    "mul_exact_e4m3_flush": "exact multiplier with L-Mul's subnormal policy: its fair rival",
    "prod_lmul_bf16xe4m3": "wide product of a bf16 activation and an e4m3 weight: what accumulators take",
    "conv_e4m3_l3f4": "conversion of a float to a [log code](docs/log-codes.md); `conv_l3f4_e4m3` goes back",
    "mac_lmul_e4m3_fixed": "multiplier and an exact fixed-point accumulator",
    "mac_lmul_e4m3_fp32": "multiplier and a float accumulator, an addition in each cycle",
    "mac_lmul_e4m3_fp32i4": "the same, interleaved over four partial sums: four cycles for an addition",
    "dot_exact_e4m3_fp32_16": "16 lanes, aligned to the largest exponent, one normalisation",
    "dot_exact_e4m3_fp32i4_16": "the same, interleaved over four partial sums",
    "array_lmul_e4m3_carrysave_4x4_os": "output-stationary systolic array",
    "matmul_lmul_e4m3_carrysave_4x4_os": "the same behind AXI4-Stream",
    "tile_lmul_e4m3_8x4_w10_p2": "[tile](docs/tile.md): 8 lanes by 4 columns, held weights, a window of 10 bits",
    "matmul_lmul_e4m3_8x4_w10_p3": "the same behind AXI4-Stream",
    "tile_lmul_e4m3_16x4_w10_p3": "16 lanes by 4 columns",
    "matmul_lmul_e4m3_16x4_w10_p3": "the same behind AXI4-Stream",
}
RIVALS = ("mac_exact_e4m3_fixed", "mac_exact_e4m3_fp32i4")
COUNTED = ("tile_log_l3f4_8x4_w10_p2", "tile_exact_e4m3_8x4_w10_p2", "tile_int8_8x4_p2")
EVERYWHERE = ("mul_lmul_e4m3", "mac_lmul_e4m3_fixed", "mac_lmul_e4m3_fp32i4")
HEAD = """# Structures on FPGAs

Made by `python benchmarks/bench_fpga.py`; what is counted and what a clock is says [fpga.md](../fpga.md). `lmul report
SLUG --fpga FAMILY` gives the same row. LUTs per product are for each product that a design begins in a cycle. The core
of a tile has the memory of partial sums, stream registers and the way out to fp32 in its figures.
"""
COLUMNS = ("| design | LUTs | per product | carry cells | flip-flops | MHz, median | by seed |\n"
           "| --- | ---: | ---: | ---: | ---: | ---: | --- |")
BEGIN, END = "<!-- structures: as benchmarks/bench_fpga.py writes them -->\n", "<!-- structures end -->\n"


def measured(slugs, placed=(), counted=()):
    """Rows, placed on these families, or counted alone."""
    with progress("fpga") as shown:
        return run_report(list(slugs), counted or None, families=placed, store=user_store(), progress=shown)["rows"]


def clock(row):
    return "–" if row["fmax_mhz"] is None else f"{row['fmax_mhz']:.0f}"


def line(row):
    luts, placed = row["luts"], row.get("placed")
    seeds = placed and placed["fmax_mhz"] and ", ".join(f"{each:.0f}" for each in placed["fmax_mhz"])
    return (f"| `{row['design']}` | {luts} | {luts / parse(row['design']).multipliers:.0f} | {row['carry']} | "
            f"{row['flip_flops']} | {clock(row)} | {seeds or row['reasons']['fmax_mhz']} |")


def page(rows):
    """Families, one below the other."""
    parts = [HEAD]
    for family in dict.fromkeys(row["technology"] for row in rows):
        device = place.DEVICES[family]
        its = [line(row) for row in rows if row["technology"] == family]
        parts.append("\n".join([f"## {family}\n\n{device.name}, {device.tool}.\n", COLUMNS, *its]) + "\n")
    return "\n".join(parts)


def table(rows):
    """The README's."""
    clocks = {(row["design"], row["technology"]): clock(row) for row in rows}
    lines = [f"| slug | design | MHz, {' | '.join(MOST)} |", "| --- | --- | ---: | ---: |"]
    lines += [f"| `{slug}` | {what} | {' | '.join(clocks[slug, family] for family in MOST)} |"
              for slug, what in STRUCTURES.items()]
    return "\n".join(lines) + "\n"


def main(slugs):
    if slugs:
        print(page(measured(slugs, MOST)))
        return
    place.check((*MOST, *REST))
    rows = measured((*STRUCTURES, *RIVALS), MOST) + measured(COUNTED, counted=MOST) + measured(EVERYWHERE, REST)
    (ROOT / "docs" / "measured" / "fpga.md").write_text(page(rows), encoding="utf-8")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{table(rows)}\n{END}", text, flags=re.S),
                      encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
