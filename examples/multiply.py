"""Matrices through several tiles, and how far the results are off by the bits of the window, as a plot.

`python examples/multiply.py errors.svg`, or .png, .pdf.
"""

import sys

import lmul
import numpy as np
from matplotlib.figure import Figure

TILES = {"L-Mul e4m3": "tile_lmul_e4m3_16x16_w{}", "exact e4m3": "tile_exact_e4m3_flush_16x16_w{}",
         "log l3f4": "tile_log_l3f4_16x16_w{}", "exact mxe4m3": "tile_exact_mxe4m3_32x16_w{}"}
WINDOWS = range(7, 15)


def errors(a, b):
    """The error of the product, root mean square over that of the exact one, by tile and window."""
    return {name: [lmul.matmul(a, b, slug.format(window)).error for window in WINDOWS] for name, slug in TILES.items()}


def plot(found, path):
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, values in found.items():
        axes.plot(WINDOWS, [100 * value for value in values], marker="o", label=name)
    axes.set(xlabel="window, bits", ylabel="error of the result, %", ylim=(0, None))
    axes.legend()
    figure.savefig(path)


def main(path):
    rng = np.random.default_rng(1)
    found = errors(rng.normal(size=(64, 256)), rng.normal(size=(256, 64)))
    for name, values in found.items():
        print(f"{name:14}", *(f"{100 * value:6.2f} %" for value in values))
    plot(found, path)


if __name__ == "__main__":
    main(*sys.argv[1:] or ["errors.svg"])
