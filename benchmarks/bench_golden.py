"""How fast the golden model is: products per second and multiply-accumulates per second, by format.

    python benchmarks/bench_golden.py [--size N] [--count N]

Prints tables of products, of matrix products, of tiles, of tiles and sums in fp32 at the shapes of a transformer, and
of numbers that become codes. On two cores 500 million MAC/s are asked of tiles, or 50 where codes are longer than 8
bits and shapes are none of a transformer, and of sums in fp32 at such shapes 200. For comparison, what numpy reaches
with float32 values. Best of several runs after a first one that compiles; codes are of normal random values,
attention's weights (p) of a causal softmax.
"""

import argparse
import os
import platform
import time

import numpy as np
from lmul.golden.codec import encode
from lmul.golden.formats import Block
from lmul.golden.matmul import matmul
from lmul.golden.matrix_product import named
from lmul.golden.operands import quantise
from lmul.golden.products import multiply, product
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.golden.tile_matrices import matmul_floats, quantised
from lmul.golden.tile_sums import Scales, tile_matmul
from lmul.hdl.designs import parse

PRODUCTS = [
    ("lmul", "e4m3"), ("exact", "e4m3"), ("lmul", "e5m2"), ("exact", "e5m2"), ("lmul", "e2m1"), ("int8", None),
    ("lmul", "bf16"), ("exact", "bf16"), ("lmul", "fp16"), ("exact", "fp16"), ("lmul", "fp32"), ("exact", "fp32"),
    ("lmul", "bf16", "e4m3"), ("exact", "bf16", "e4m3"),
]
SUMS = ["fp32", "bf16", "fixed"]
#: Matrix products of SmolLM2-135M with windows of 256 tokens, and of all-MiniLM-L6-v2: name, shapes of both operands.
#: Tiles take a matrix at a time, and so not what is small and many.
SHAPES = [("up", (256, 576), (576, 1536)), ("down", (256, 1536), (1536, 576)), ("keys", (256, 576), (576, 192)),
          ("q by k", (9, 256, 64), (9, 64, 256)), ("p by v", (9, 256, 256), (9, 256, 64)),
          ("MiniLM up", (1024, 384), (384, 1536))]
SMALL = [("MiniLM q by k", (384, 16, 32), (384, 32, 16))]
SHAPED_TILES = ["lmul_e4m3_16x16_w10", "exact_e4m3_16x16_w10", "exact_e5m2_16x16_w12", "log_l3f4_16x16_w10",
                "lmul_bf16_16x16_w12", "exact_bf16_16x16_w12", "lmul_mxe4m3_16x16_w10", "log_mxl3f5_t7_16x16_w10",
                "exact_mxe2m1_16x16_w10", "mxint8_16x16", "int8_16x16"]
SHAPED_SUMS = [(kind, fmt) for fmt in ("e4m3", "e5m2", "e3m4", "bf16") for kind in ("lmul", "exact")]
FORMATS = ["e4m3", "e5m2", "bf16", "int8", "l3f4", "l3f5", "mxe4m3", "mxint8", "mxe2m1", "mxl3f4"]
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
    """Rates at the shapes of a transformer, and behind each what it is of what is asked for."""
    pairs = [(weights(a, generator) if name == "p by v" else generator.normal(size=a), generator.normal(size=b))
             for name, a, b in [*SHAPES, *SMALL]]
    print(f"{'million MAC/s, and of 500':32}" + "".join(f"{name:>14}" for name, *_ in SHAPES))
    for words in SHAPED_TILES:
        tile = parse(f"tile_{words}").tile
        line(f"tile_{words}", 500, pairs[: len(SHAPES)], lambda a, b: by_tile(tile, a, b))  # noqa: B023
    print(f"\n{'sums in fp32, and of 200':32}" + "".join(f"{name:>14}" for name, *_ in [*SHAPES, *SMALL]))
    for names in SHAPED_SUMS:
        spec = Multiplier.make(*names)
        line(spec.name, 200, pairs, lambda a, b: by_sums(spec, a, b))  # noqa: B023


def weights(shape, generator):
    """A stack of what a causal softmax makes: zeros above the diagonal, and many numbers that are next to nothing."""
    scores = np.tril(np.exp(3 * generator.normal(size=shape)))
    return scores / scores.sum(axis=-1, keepdims=True)


def line(name, wanted, pairs, made):
    """Print rates of what is made for each pair of operands, and what they are of the rate that is wanted."""
    rates = [rate(made(a, b), a.size * b.shape[-1]) for a, b in pairs]
    print(f"{name:32}" + "".join(f"{each:7.0f} {each / wanted:6.1f}" for each in rates), flush=True)


def by_tile(tile, a, b):
    """The matrix products of a stack, codes beforehand, by a tile."""
    stacks = (each.reshape(-1, *each.shape[-2:]) for each in (a, b))
    found = [matmul_floats(tile, *pair) for pair in zip(*stacks, strict=True)]

    def run():
        for each in found:
            tile_matmul(tile, each.a.codes, each.b.codes, Scales(each.a.scales, each.b.scales))

    return run


def by_sums(spec, a, b):
    """The same with sums in fp32."""
    a, b = quantise(spec.a, a)[0], quantise(spec.b, b)[0]
    return lambda: matmul(spec, parse_accumulator("fp32"), a, b)


def quantised_numbers(generator):
    values = generator.normal(size=(576, 1536)).astype(np.float32)
    print("million numbers/s that become codes, along the last axis and along the one before")
    for name in FORMATS:
        fmt = named(name)
        element, block = (fmt.element, fmt) if isinstance(fmt, Block) else (fmt, None)
        rates = [rate(lambda: quantised(element, block, values, None, axis), values.size)  # noqa: B023
                 for axis in (-1, -2)]
        print(f"{name:10}" + "".join(f"{each:8.0f}" for each in rates))


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
    print()
    quantised_numbers(generator)


if __name__ == "__main__":
    main()
