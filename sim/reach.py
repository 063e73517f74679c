"""Which bins of a stand-alone bench's coverage cannot be hit, or hardly, and why: these are left out of it."""

from __future__ import annotations

from math import ceil, log2
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..golden.expected import expected
from ..golden.stimulus import all_pairs, corner_pairs, random_pairs
from .portable.codes import FLAGS, Codes, codes_of, flags

if TYPE_CHECKING:
    from ..golden.formats import FloatFormat
    from ..golden.integers import IntegerMultiplier
    from ..hdl.designs import Design

Reasons = dict[str, dict[str, str]]
STEPS = 40  # of the longest run
_ALL_BITS = 20
_PAIRS = 200_000


def of_products(design: Design, about: dict[str, Any]) -> Reasons:
    """Classes of products that do not occur: among all, or where these are too many among very many."""
    spec = design.multiplier
    every = spec.a.width + spec.b.width <= _ALL_BITS
    if every:
        a, b = all_pairs(spec)
    else:
        pairs = corner_pairs(spec), random_pairs(spec, _PAIRS, 1)
        a, b = (np.concatenate(codes) for codes in zip(*pairs, strict=True))
    formats = Codes(about["a"]), Codes(about["b"]), codes_of(about["result"])
    places = [fmt.classify(codes) for fmt, codes in zip(formats, (a, b, expected(design, a, b)), strict=True)]
    seen = {formats[2].classes[place] for place in np.unique(places[2])}
    found = flags(formats, *places)
    why = f"no product of {'any pair' if every else f'{len(a)} pairs, all corners among them,'} is so"
    return {"result": {name: why for name in formats[2].classes if name not in seen},
            "flags": {name: why for name in FLAGS if name not in found}}


def of_runs(design: Design, steps: int) -> Reasons:
    """What sums of at most so many steps do not come to."""
    found = _of_sums(design, min(steps, STEPS) * (design.lanes or 1))
    found["steps"] = {name: f"a run has at most {steps} steps" for name, least in
                      (("2", 2), ("3 to 8", 3), ("9 and more", 9)) if steps < least}
    if steps <= 6:
        found["traffic"] = {"reset in a run": f"a run of {steps} steps is over too soon"}
    return found


def of_matrices(design: Design, depth: int) -> Reasons:
    """What sums of arrays do not come to, of at most so many products."""
    return _of_sums(design, depth)


def of_tile(design: Design) -> Reasons:
    """What operands, products and results of a tile do not come to."""
    tile, spec = design.tile, design.multiplier
    found: Reasons = {"NaN": {}, "products": {}, "place": {}, "result": {}}
    for name, formats in (("of a", [spec.a]), ("of b", [spec.b]), ("of a scale", [each.scale for each in tile.blocks])):
        if not any(fmt.has_nan or fmt.has_inf for fmt in formats):
            found["NaN"][name] = "no code is NaN or Inf" if formats else "there are no scales"
    if not tile.flags:
        found["NaN"]["before"] = "a partial sum has no flag"
    elif design.protocol == "tiles":
        found["NaN"]["before"] = "partial sums stay inside"
    if tile.window is not None:
        low, high = spec.exp_range
        if high - tile.places[0] <= tile.highest:
            found["products"]["above the window"] = "no product is above the lowest place of the window"
        if low - tile.places[-1] >= tile.lowest:
            found["products"]["below the window"] = "no product is below the highest place of the window"
        if len(tile.places) == 2:
            found["place"]["between"] = "there are two places"
    if not tile.result.integer:
        why = "a result is an integer, rounded; of nothing +0"
        found["result"] |= dict.fromkeys(("-zero", "+subnormal", "-subnormal", "+inf", "-inf"), why)
        if not tile.flags:
            found["result"]["nan"] = "there is no NaN"
    return found


def _of_sums(design, terms):
    if design.summed_by.integer:
        return _of_integers(design, terms)
    spec, fmt = design.multiplier, cast("FloatFormat", design.result)
    layout = spec.layout
    low, high = (exp - layout.exp_bias - layout.frac_bits for exp in spec.exp_range)
    top = high + int(spec.largest).bit_length() + ceil(log2(terms))  # every sum is below two to this
    least = spec.exp_range[0] - layout.exp_bias if layout.implicit_one else low
    first = 1 - fmt.bias  # exponent of the smallest normal number
    results, events = {}, {}
    if low >= first:
        results |= dict.fromkeys(("+subnormal", "-subnormal"), f"every sum is a multiple of 2**{low}, a normal number")
    if least > first - fmt.man_bits - 1:
        results["-zero"] = "no sum is so small that it is rounded to -0, and 0 + -0 is +0"
    elif design.summed_by.interleave > 1:
        results["-zero"] = "it takes -0 in every partial sum"
    if not (layout.has_inf or layout.has_nan):
        results["nan"] = "no operand is Inf or NaN"
    if top <= fmt.bias + 1:
        events["overflowed"] = f"sums of {terms} products stay below 2**{top}"
        if not layout.has_inf:
            results |= dict.fromkeys(("+inf", "-inf"), f"no operand is Inf, and {events['overflowed']}")
    # A sum leaves the numbers of the format a bit above its significand, and loses a term a significand above that.
    for name, bits in (("rounded", fmt.man_bits + 1), ("absorbed", fmt.man_bits + 1 + least - low)):
        needed = ceil((1 << bits) / (int(spec.largest) << high - low))
        if needed > terms / 4:
            events[name] = f"it takes {needed} of the largest products; the longest run has {terms}"
    return {"result": results, "sum": events}


def _of_integers(design, terms):
    low, high = cast("IntegerMultiplier", design.multiplier).range
    bits = design.summed_by.bits
    needed = min(-(-(1 << bits - 1) // max(high, 1)), (1 << bits - 1) // max(-low, 1) + 1)
    found = {"result": {}, "sum": {}}
    if needed > terms:
        found["sum"]["wrapped"] = f"it takes a sum of {needed} products, more than the {terms} of the longest here"
        if low >= 0:
            found["result"]["negative"] = "no product is negative"
    return found
