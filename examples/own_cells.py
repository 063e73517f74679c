"""Cells of one's own: what L-Mul costs beside its rivals in the library of a Liberty file.

`python examples/own_cells.py [F.lib]`; by default in cells.lib beside this file, whose figures are made up.
"""

import sys
from pathlib import Path

import lmul

KEYS = ("area_um2", "delay_ps", "relaxed_energy_fj_per_op", "mean_relative_error")


def main(liberty=None):
    liberty = liberty or Path(__file__).with_name("cells.lib")
    rows = lmul.report("mul_lmul_e4m3", liberty=[liberty], rivals=True, effort="low")
    print(f"{'':24}", *(f"{key:>26}" for key in KEYS))
    for row in rows:
        print(f"{row['design']:24}", *(f"{row[key]:26.4g}" for key in KEYS))


if __name__ == "__main__":
    main(*sys.argv[1:])
