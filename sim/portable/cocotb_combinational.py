"""Bench of a multiplier without a clock: a pair of codes in each time step, the product a step later."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import Timer

from ..messages import check, name_run, read
from . import settings, vectors
from .codes import FLAGS, Codes, WideCodes, codes_of, flags
from .coverage import coverage
from .coverage import holes_are_listed as holes_are_listed
from .products import rule

BATCH = 4096

_about = settings.about()
_a, _b = (Codes(_about[name]) for name in "ab")
_result, _rule = codes_of(_about["result"]), rule(_about["product"])
_exhausted = _a.width + _b.width <= 16


def expected(a: int, b: int) -> int:
    """The product's code."""
    return _rule.line(a, b) if _about["product"]["rule"] == "table" else _rule.code(a, b)


def pair(seed: int, number: int) -> tuple[int, int]:
    """The pair of a number. Of up to 16 bits together, so many numbers are every pair once; of more, classes meet in
    turn, then any numbers do."""
    bits = _a.width + _b.width
    if _exhausted:
        place = (number * 40503 + seed * 977) % (1 << bits)
        return place >> _b.width, place & ((1 << _b.width) - 1)
    rng, pairs = vectors.generator(seed, number), len(_a.classes) * len(_b.classes)
    if number // pairs % 2:
        return int(_a.numbers((), rng)), int(_b.numbers((), rng))
    first, second = divmod(number % pairs, len(_b.classes))
    return int(_a.draw(_a.classes[first], (), rng)), int(_b.draw(_b.classes[second], (), rng))


def observe(a: list[int], b: list[int], wanted: list[int]) -> None:
    """Count operands, which classes met, what came of them."""
    x, y, z = _a.classify(np.array(a)), _b.classify(np.array(b)), _result.classify(np.array(wanted))
    coverage.classes("a", _a.classes, x)
    coverage.classes("result", _result.classes, z)
    if _b.width:
        coverage.classes("b", _b.classes, y)
        counts = np.zeros((len(_a.classes), len(_b.classes)), np.int64)
        np.add.at(counts, (x, y), 1)
        coverage.cross("a x b", _a.classes, _b.classes, counts)
    for name, count in flags((_a, _b, _result), x, y, z).items():
        coverage.hit("flags", name, count)


@cocotb.test()
@cocotb.parametrize(seed=settings.seeds())
async def products_are_right(dut: Any, seed: int) -> None:
    """Every product is what the reference says; what stands under a flag of an unrounded one is not looked at."""
    name_run(f"{settings.slug()}, seed {seed}")
    ports = [getattr(dut, name) for name, fmt in (("a", _a), ("b", _b)) if fmt.width]
    coverage.point("a", _a.classes)
    if _b.width:
        vectors.declare()
    coverage.point("result", _result.classes)
    coverage.point("flags", list(FLAGS))
    mismatches, settle, product, total = [], Timer(1, "step"), dut.p, 0
    for first in range(0, len(settings.numbers()), BATCH):
        numbers = settings.numbers()[first : first + BATCH]
        pairs = [pair(seed, number) for number in numbers]
        wanted = [expected(*each) for each in pairs]
        for number, codes, right in zip(numbers, pairs, wanted, strict=True):
            for port, code in zip(ports, codes, strict=False):  # of one operand there is one
                port.value = code
            await settle
            if (actual := read(product)) != right and not _same(right, actual):
                mismatches.append((number, *codes, right, actual))
        observe([a for a, _ in pairs], [b for _, b in pairs], wanted)
        total += len(numbers)
    coverage.write()
    check(mismatches, total, lambda number, a, b, right, actual: (
        f"{vectors.named(seed, number)}: a {_a.show(a)} b {_b.show(b)}: expected {_result.show(right)}, "
        f"actual {_result.show(actual)}"))


def _same(right, actual):
    return isinstance(_result, WideCodes) and isinstance(actual, int) and (
        _result.what_counts(right) == _result.what_counts(actual))
