"""How right the results of tiles are, by operands and window: the tables of docs/measured/tile-errors.md.

    python benchmarks/bench_tile_errors.py > docs/measured/tile-errors.md

An error is the root mean square of a result's over that of the right one, in percent, beside the float64 product of
the operands before they became codes. Operands are all products of the recording kept in the project, by kind, and
normal random matrices, 128 x 512 by 512 x 128; blocks are of 32 along the depth. Everything is the golden model's.
"""

import dataclasses

import numpy as np
from lmul.golden.errors import result_errors
from lmul.golden.formats import Blocks
from lmul.golden.operands import load_recording
from lmul.golden.tile import Tile
from lmul.golden.tile_matrices import matmul_floats
from lmul.golden.tile_sums import Scales, tile_matmul
from lmul.hdl.designs import parse

SEED = 5
#: Multipliers in the words of slugs, and what they are.
BLOCKS = [
    ("lmul_mxe4m3", "L-Mul, the paper's offset"),
    ("lmul_mxe4m3_offh1", "L-Mul, half an offset"),
    ("log_mxl3f4", "log codes of 8 bits, linear antilog"),
    ("log_mxl3f4_t6", "log codes of 8 bits, antilog by a table of 6 bits"),
    ("log_mxl3f5", "log codes of 9 bits, linear antilog"),
    ("log_mxl3f5_t6", "log codes of 9 bits, antilog by a table of 6 bits"),
    ("log_mxl3f5_t7", "log codes of 9 bits, antilog by a table of 7 bits"),
    ("exact_mxe4m3", "exact"),
    ("exact_mxe3m4", "exact, of more mantissa"),
    ("exact_mxe5m2", "exact, of more exponent"),
    ("exact_mxe2m3", "exact, of 6 bits"),
    ("exact_mxe3m2", "exact, of 6 bits"),
    ("exact_mxe2m1", "exact, of 4 bits"),
]
INTEGERS = [("mxint8", "integers of 8 bits"), ("mxint6", "integers of 6 bits")]
MIXED = [("lmul_bf16xmxe4m3", "L-Mul, activations in bf16"), ("exact_bf16xmxe4m3", "exact, activations in bf16"),
         ("lmul_bf16", "L-Mul, bf16, one scale per tensor")]
WHOLE = [("lmul_e4m3_offh1", "L-Mul, half an offset"), ("log_l3f4", "log codes of 8 bits"), ("exact_e4m3", "exact")]
RULES = ["log_mxl3f4", "log_mxl3f5_t7", "lmul_mxe4m3_offh1", "exact_mxe4m3", "exact_mxe3m4", "exact_mxe2m1"]


def operands():
    """Pairs of float matrices by kind."""
    found = {}
    for product in load_recording().products:
        found.setdefault(product.kind, []).append((product.a, product.b))
    generator = np.random.default_rng(SEED)
    return found | {"Gaussian": [(generator.normal(size=(128, 512)), generator.normal(size=(512, 128)))]}


def error(product, pairs):
    """Of all results of the pairs together, in percent."""
    pairs = [[np.asarray(each, np.float64) for each in pair] for pair in pairs]
    actual = np.concatenate([product(a, b).ravel() for a, b in pairs])
    return 100 * result_errors(actual, np.concatenate([(a @ b).ravel() for a, b in pairs])).error


def row(slug, said, product, sources):
    errors = " | ".join(f"{error(product, pairs):.2f}" for pairs in sources.values())
    print(f"| `{slug}` | {said} | {errors} |", flush=True)


def heading(*words, sources):
    columns = [*words, *sources]
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")


def table(multipliers, windows, sources):
    heading("tile", "multiplier", sources=sources)
    for words, said in multipliers:
        for window in windows:
            slug = f"tile_{words}_16x16" + (f"_w{window}" if window else "")
            tile = parse(slug).tile
            row(slug, said, lambda a, b: matmul_floats(tile, a, b).values, sources)  # noqa: B023
    print()


def scales_down(block, blocks):
    """OCP's: the largest magnitude in the uppermost binade, where it may saturate."""
    return block._scale(abs(blocks).max(axis=-1))


def scales_up(block, blocks):
    """An octave higher where the largest would be above the largest code: none saturates."""
    down, largest = scales_down(block, blocks), abs(blocks).max(axis=-1)
    return np.where(largest > down * block.element.magnitude, 2 * down, down)


def scales_least(block, blocks):
    """Of these two the one with the least squared error of the block."""
    found = [scales_down(block, blocks), scales_up(block, blocks)]
    errors = []
    for scales in found:
        by = np.where(scales > 0, scales, 1)[..., None]
        errors.append(np.square(block.element.decode(block.element.encode(blocks / by)) * by - blocks).sum(axis=-1))
    return np.where(errors[1] < errors[0], found[1], found[0])


def by_rule(tile, rule):
    """The product by a tile whose blocks have scales of another rule."""
    def blocked(block, values):
        values = np.pad(values, ((0, 0), (0, -values.shape[1] % block.size)))
        blocks = values.reshape(len(values), -1, block.size)
        scales = block.scale.encode(rule(block, blocks))
        elements = block.element.encode(blocks / block.scale.decode(scales)[..., None])
        return Blocks(elements.reshape(values.shape), scales)

    def product(a, b):
        of_a, of_b = blocked(tile.a_block, a), blocked(tile.b_block, b.T)
        result = tile_matmul(tile, of_a.elements, of_b.elements.T, Scales(of_a.scales, of_b.scales.T))
        return np.ldexp(tile.result.decode(result.codes), result.exponent)

    return product


def rules(sources):
    heading("tile", "scales of blocks", sources=sources)
    for words in RULES:
        slug = f"tile_{words}_16x16_w10"
        for said, rule in (("down (as built)", scales_down), ("up", scales_up), ("least squares", scales_least)):
            row(slug, said, by_rule(parse(slug).tile, rule), sources)
    print()


def lowest(sources):
    """Tiles whose windows end elsewhere below."""
    heading("tile", "lowest p that counts", sources=sources)
    for words in ("log_mxl3f4", "log_mxl3f5_t7", "exact_mxe4m3", "exact_mxe3m4"):
        slug = f"tile_{words}_16x16_w10"
        built = parse(slug).tile
        for end in (0, -1, built.lowest, -3):
            other = type("Other", (Tile,), {"lowest": end})
            tile = other(**{field.name: getattr(built, field.name) for field in dataclasses.fields(built)})
            said = f"{end}{' (as built)' * (end == built.lowest)}"
            row(slug, said, lambda a, b: matmul_floats(tile, a, b).values, sources)  # noqa: B023
    print()


def main():
    sources = operands()
    print("# Errors of the results of tiles\n\n"
          "Made by `python benchmarks/bench_tile_errors.py > docs/measured/tile-errors.md`; what an error is, and of\n"
          f"which operands, its head says. The seed of the normal random matrices is {SEED}. [tile.md](../tile.md) has "
          "the definition.\n\n## Operands in blocks of 32, by window\n")
    table(BLOCKS, (8, 10, 12), sources)
    table(INTEGERS, (None,), sources)
    print("## Activations of 16 bits\n")
    table(MIXED, (10, 12), sources)
    print("## One scale per tensor\n")
    table(WHOLE, (10, 12, 14), sources)
    print("## The scale of a block\n\nDown: the power of two of OCP Microscaling, which has the largest magnitude in "
          "the uppermost binade of the elements, where it may saturate. Up: an\noctave more where it would. Least "
          "squares: of these two the one that the block's elements are nearest with.\n")
    rules(sources)
    print("## Where the window ends below\n\nA product smaller than a place counts half a place, if its p is the "
          "lowest that counts or above.\n")
    lowest(sources)


if __name__ == "__main__":
    main()
