"""Bench of the combinational multipliers, ``mul_*`` and ``prod_*``: every vector against the golden product.

Operands of up to 16 bits together are exhausted; wider ones get every corner with every corner and seeded random pairs.
"""

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import Timer

from ..golden import stimulus
from ..golden.expected import expected
from ..golden.spec import Multiplier
from . import bench

EXHAUSTED_BITS = 16
RANDOM_PAIRS = 20_000


def vectors(spec: Multiplier) -> tuple[np.ndarray, np.ndarray]:
    """Operand codes to apply, as two arrays."""
    if spec.a.width + spec.b.width <= EXHAUSTED_BITS:
        return stimulus.all_pairs(spec)
    pairs = stimulus.corner_pairs(spec), stimulus.random_pairs(spec, RANDOM_PAIRS, bench.generator())
    a, b = (np.concatenate(codes) for codes in zip(*pairs, strict=True))
    return a, b


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def product_is_golden(dut: Any) -> None:
    """One vector each time step, the product read a step later."""
    design = bench.design()
    spec = design.multiplier
    result = design.result
    a, b = vectors(spec)
    mismatches = []
    # Handles and the trigger are looked up once: the loop runs 65,536 times.
    ports, port_p, settle = [getattr(dut, name) for name in spec.operands], dut.p, Timer(1, "step")
    for x, y, wanted in zip(a.tolist(), b.tolist(), expected(design, a, b).tolist(), strict=True):
        for port, code in zip(ports, (x, y), strict=False):  # of one operand there is one
            port.value = code
        await settle
        if (actual := bench.read(port_p)) != wanted:
            mismatches.append((x, y, wanted, actual))
    bench.count(vectors=len(a))
    bench.check(mismatches, len(a), lambda x, y, wanted, actual: (
        f"a {bench.shown(spec.a, x)} b {bench.shown(spec.b, y)}: expected {bench.shown(result, wanted)}, "
        f"actual {bench.shown(result, actual)}"))
