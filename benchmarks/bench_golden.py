"""How fast the golden model is: products per second and multiply-accumulates per second, by format.

    python benchmarks/bench_golden.py [--size N] [--count N]

Prints one table of products, one of matrix products, one of tiles and one of L-Mul at the shapes of a transformer. On
two cores 200 million MAC/s are asked for in the last, 500 of tiles with codes of 8 bits, 50 of tiles with others. For
comparison, what numpy reaches with float32 values of the same shapes. Best of several runs after a first one that
compiles; codes are of normal random values.
"""

import argparse
import os
import platform
import time

import numpy as np
from lmul.golden.codec import encode
from lmul.golden.matmul import matmul
from lmul.golden.products import multiply, product
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.golden.tile_matrices import matmul_floats
from lmul.golden.tile_sums import Scales, tile_matmul
from lmul.hdl.designs import parse

PRODUCTS = [
    ("lmul", "e4m3"), ("exact", "e4m3"), ("lmul", "e5m2"), ("exact", "e5m2"), ("lmul", "e2m1"), ("int8", None),
    ("lmul", "bf16"), ("exact", "bf16"), ("lmul", "fp16"), ("exact", "fp16"), ("lmul", "fp32"), ("exact", "fp32"),
    ("lmul", "bf16", "e4m3"), ("exact", "bf16", "e4m3"),
]
SUMS = ["fp32", "bf16", "fixed"]
#: Matrix products of all-MiniLM-L6-v2: name, shapes of both operands.
SHAPES = [("linear, 1024 tokens", (1024, 384), (384, 1536)),
          ("attention, 32 x 12 heads", (384, 16, 32), (384, 32, 16))]
#: Tiles, and how many million MAC/s are asked for.
TILES = [("lmul_e4m3_16x16_w10", 500), ("log_l3f4_16x16_w10", 500), ("exact_e4m3_16x16_w10", 500), ("int8_16x16", 500),
         ("lmul_mxe4m3_16x16_w10", 500), ("log_mxl3f4_16x16_w10", 500), ("mxint8_16x16", 500),
         ("exact_nvfp4_16x16_w10", 500), ("log_mxl3f5_t7_16x16_w10", 50), ("lmul_bf16xmxe4m3_16x16_w12", 50),
         ("exact_bf16xmxe4m3_16x16_w12", 50), ("lmul_bf16_16x16_w12", 50), ("exact_bf16_16x16_w12", 50)]
REPEATS = 3


def codes(fmt, shape, generator):
    values = generator.normal(size=shape)
    return encode(fmt, values * 40 if fmt.name == "int8" else values)


def rate(function, work):
    """Millions of units of work per second."""
    function()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return work / min(times) / 1e6


def products(count, generator):
    values = [generator.normal(size=count).astype(np.float32) for _ in range(2)]
    numpy_rate = rate(lambda: values[0] * values[1], count)
    print(f"{'million products/s':24}{'narrow':>10}{'of numpy':>10}{'wide':>10}{'of numpy':>10}")
    print(f"{'numpy float32':24}{numpy_rate:10.0f}{1:10.2f}")
    for names in PRODUCTS:
        spec = Multiplier.make(*names)
        a, b = codes(spec.a, count, generator), codes(spec.b, count, generator)
        rates = [rate(lambda: function(spec, a, b), count) for function in (multiply, product)]  # noqa: B023
        print(f"{spec.name:24}" + "".join(f"{each:10.0f}{each / numpy_rate:10.2f}" for each in rates))


def sums(size, generator):
    values = [generator.normal(size=(size, size)).astype(np.float32) for _ in range(2)]
    numpy_rate = rate(lambda: values[0] @ values[1], size**3)
    print(f"{'million MAC/s':24}{'sum':>10}{'rate':>10}{'of numpy':>10}")
    print(f"{'numpy float32':24}{'':10}{numpy_rate:10.0f}{1:10.4f}")
    for names in PRODUCTS:
        spec = Multiplier.make(*names)
        a, b = codes(spec.a, (size, size), generator), codes(spec.b, (size, size), generator)
        for name in ["int32"] if spec.wide.integer else SUMS:
            accumulator = parse_accumulator(name)
            reached = rate(lambda: matmul(spec, accumulator, a, b), size**3)  # noqa: B023
            print(f"{spec.name:24}{name:>10}{reached:10.0f}{reached / numpy_rate:10.4f}")


def tiles(size, generator):
    values = [generator.normal(size=(size, size)) for _ in range(2)]
    print(f"{'million MAC/s':34}{'rate':>8}{'of what is asked for':>24}")
    for words, wanted in TILES:
        tile = parse(f"tile_{words}").tile
        found = matmul_floats(tile, *values)
        scales = Scales(found.a.scales, found.b.scales)
        reached = rate(lambda: tile_matmul(tile, found.a.codes, found.b.codes, scales), size**3)  # noqa: B023
        print(f"{'tile_' + words:34}{reached:8.0f}{reached / wanted:24.1f}")


def shapes(generator):
    print(f"{'million MAC/s, sum fp32':24}" + "".join(f"{name:>26}" for name, *_ in SHAPES))
    for fmt in ("e4m3", "e5m2", "bf16"):
        spec, line = Multiplier.make("lmul", fmt), ""
        for _, *both in SHAPES:
            a, b = (codes(spec.a, shape, generator) for shape in both)
            reached = rate(lambda: matmul(spec, parse_accumulator("fp32"), a, b), a.size * b.shape[-1])  # noqa: B023
            line += f"{reached:26.0f}"
        print(f"{spec.name:24}{line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1 << 22, help="products at a time")
    parser.add_argument("--size", type=int, default=256, help="side of the square matrices")
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    print(f"{os.cpu_count()} cores, {platform.machine()}, numpy {np.__version__}; products of {options.count} codes, "
          f"matrices {options.size} x {options.size}\n")
    products(options.count, generator)
    print()
    sums(options.size, generator)
    print()
    tiles(2 * options.size, generator)
    print()
    shapes(generator)


if __name__ == "__main__":
    main()
