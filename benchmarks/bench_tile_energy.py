"""What a multiply-accumulate takes in tiles, by arithmetic: the tables of docs/measured/tiles-energy.md.

    python benchmarks/bench_tile_energy.py > docs/measured/tiles-energy.md

Reports of tiles of 16 lanes by 16 columns, in each technology at one clock, then of tiles for OCP MX blocks of 32
beside the figures of somebody else's unit. A quarter of an hour on two cores; ``small`` measures tiles of 2 columns at
low effort, to see that it works.
"""

import sys

from lmul.claims.published import MX_DOTP, MX_DOTP_MAC
from lmul.hdl.designs import parse
from lmul.synth.measure import run_report
from lmul.synth.options import Options

CLOCKS = {"asap7": 1600.0, "sky130hd": 14000.0}  # ps; what the smallest netlist of each reaches
WIDE = {"asap7": 2000.0, "sky130hd": 18000.0}  # of bf16
#: Words of a slug, without and with what says the window.
TILES = [
    ("log_l3f4", "_w10", "log codes of 8 bits", CLOCKS), ("lmul_e4m3_best", "_w10", "L-Mul, best offset", CLOCKS),
    ("exact_e4m3_flush", "_w10", "exact", CLOCKS), ("int8", "", "integers", CLOCKS),
    ("log_l3f5_t7", "_w10", "log codes of 9 bits, antilog by a table", CLOCKS),
    ("lmul_bf16xe4m3", "_w12", "L-Mul, activations in bf16", WIDE),
    ("exact_bf16xe4m3_flush", "_w12", "exact, activations in bf16", WIDE),
    ("lmul_bf16", "_w12", "L-Mul", WIDE), ("exact_bf16_flush", "_w12", "exact", WIDE),
]
#: By element of `MX_DOTP` the words of a slug, and of what takes its place here.
MX = [("exact_mxe4m3", "_w10", "e4m3"), ("lmul_mxe4m3_best", "_w10", "e4m3"), ("log_mxl3f4", "_w10", "e4m3"),
      ("mxint8", "", "int8"), ("exact_mxe2m1", "_w10", "e2m1")]
DIFFERS = """What differs: theirs is one dot product of 32, summed exactly and rounded to fp32 once; here
a product is cut to a window of 10 bits (integers and e2m1 are exact), weights stay and are not counted while they do,
and 32 lanes share activation registers with 8 columns. Theirs has its clock tree in the figures and no glitches; here
the clock net is without a tree. So the column without glitches is the one to put beside theirs."""


def measured(slugs, technology, clock, effort, mode="timed"):
    """Rows by slug."""
    options = Options(effort=effort, clock_ps=clock, mode=mode)
    return {row["design"]: row for row in run_report(slugs, [technology], options=options)["rows"]}


def per_mac(row):
    lanes, cols = parse(row["design"]).grid
    return row["area_um2"] / (lanes * cols)


def figures(row):
    """Energy, without clock gates, area and delay of a row; why there are none."""
    if row["energy_fj_per_op"] is None:
        return f"{row['reasons']['energy_fj_per_op']} | | | "
    return " | ".join(f"{value:.4g}" for value in (row["energy_fj_per_op"], row["energy_fj_ungated"], per_mac(row),
                                                   row["delay_ps"]))


def main():
    small = "small" in sys.argv
    effort, cols, lanes, columns = ("low", 2, 8, 2) if small else ("default", 16, 32, 8)
    print("# Energy of tiles\n\nMade by `python benchmarks/bench_tile_energy.py > docs/measured/tiles-energy.md`, by "
          "`lmul report` on the recording\nkept in the project: fJ and µm² for each multiply-accumulate, everything "
          "counted, glitches in. Errors are root mean\nsquare over that of the right results, a scale for each "
          "tensor.\n")
    for technology in CLOCKS:
        print(f"## {technology}\n\n"
              "| design | what | clock, ps | fJ | without clock gates | µm² | delay, ps | error, % |\n"
              "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for clocks in (CLOCKS, WIDE):
            some = {f"tile_{words}_16x{cols}{window}": what for words, window, what, its in TILES if its is clocks}
            rows = measured(list(some), technology, clocks[technology], effort)
            for slug, what in some.items():
                error = 100 * rows[slug]["result_error"]
                print(f"| `{slug}` | {what} | {clocks[technology]:g} | {figures(rows[slug])} | {error:.2f} |",
                      flush=True)
        print()
    slugs = [f"tile_{words}_{lanes}x{columns}{window}" for words, window, _ in MX]
    timed, quiet = (measured(slugs, "asap7", WIDE["asap7"], effort, mode) for mode in ("timed", "zero"))
    print(f"## MX beside others\n\n{DIFFERS}\n\nTheirs: {MX_DOTP}.\n\n"
          "| design | fJ | without glitches | theirs | µm² | theirs |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for slug, (*_, element) in zip(slugs, MX, strict=True):
        area, energy = MX_DOTP_MAC[element]
        ours = (row["energy_fj_per_op"] for row in (timed[slug], quiet[slug]))
        print(f"| `{slug}` | {' | '.join(f'{each:.4g}' for each in ours)} | {energy} | {per_mac(timed[slug]):.4g} | "
              f"{area} |")


if __name__ == "__main__":
    main()
