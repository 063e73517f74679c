"""How a float sum and what is added to it lie to each other in a report's runs: the shares in docs/float-sums.md.

    python benchmarks/bench_float_sums.py [SLUG...]     # mac_lmul_e4m3_fp32 and mac_exact_e4m3_fp32 by default
"""

import sys

import numpy as np
from lmul.golden.accumulate import accumulate
from lmul.golden.codec import decode
from lmul.golden.operands import operands
from lmul.golden.products import product, wide_value
from lmul.hdl.designs import parse
from lmul.synth.drive import sums
from lmul.synth.options import VECTORS


def shares(slug):
    """Of each kind of addition its share, and how many bits of the sum change in one."""
    design = parse(slug)
    spec, fmt = design.multiplier, design.accumulator.result
    driven = sums(design, operands("recording"), VECTORS, 1)
    a, b = (codes.reshape(-1, driven.depth) for codes in driven.operands.codes)
    terms = wide_value(spec, product(spec, a, b))
    so_far = [accumulate(spec, design.accumulator, a[:, :n], b[:, :n]) for n in range(1, driven.depth + 1)]
    codes = np.stack([np.zeros_like(so_far[0]), *so_far], axis=1).astype(np.int64)
    held = decode(fmt, codes[:, :-1])
    apart = np.frexp(held)[1] - np.frexp(terms)[1]
    takes = np.signbit(held) != np.signbit(terms)
    both = (held != 0) & (terms != 0)
    kinds = {
        "the sum is two exponents or more above": both & (apart >= 2),
        "exponents at most one apart, signs alike": both & (abs(apart) <= 1) & ~takes,
        "exponents at most one apart, signs unlike": both & (abs(apart) <= 1) & takes,
        "the product is two exponents or more above": both & (apart <= -2),
        "the product is the larger": both & (abs(terms) > abs(held)),
    }
    changed = np.array([int(word).bit_count() for word in (codes[:, 1:] ^ codes[:, :-1]).ravel()])
    return {name: f"{100 * kind.mean():.1f} %" for name, kind in kinds.items()} | {
        "bits of the sum that change": f"{changed.mean():.1f}"}


if __name__ == "__main__":
    for slug in sys.argv[1:] or ["mac_lmul_e4m3_fp32", "mac_exact_e4m3_fp32"]:
        print(slug)
        for name, share in shares(slug).items():
            print(f"  {name:44} {share}")
