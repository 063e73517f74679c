"""What is to be proved of multipliers: all pairs of operands up to 16 bits, the specification beyond."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..golden.formats import float_format
from ..golden.spec import Multiplier
from ..golden.stimulus import all_pairs
from ..hdl.designs import Design
from . import exhaust, theorems
from .families import specification
from .obligation import PROVED, REFUTED, Answer, Obligation

if TYPE_CHECKING:
    from .exhaust import Circuit

EXHAUSTED_BITS = 16  # of both operands together

#: Pairs of formats of which every policy and offset is exhausted.
PAIRS = (("e4m3",), ("e5m2",), ("e3m4",), ("e2m3",), ("e3m2",), ("e2m1",), ("e4m3", "e2m1"), ("e4m3", "e2m3"),
         ("e5m2", "e2m1"), ("e5m2", "e3m2"), ("e6m5", "e2m1"))


def variants(a: str, b: str | None = None) -> Iterator[Design]:
    """Every multiplier of a pair of float formats, narrow and wide: all kinds, policies and named offsets, and of those
    that are numbers both ends, in halves too, -1 and half of it; exact products rounded and cut to the fewest and the
    most bits, and to those of the wider mantissa."""
    reach = float_format(a).man_mask
    overflows = ("saturate", "ieee") if float_format(a).has_nan else ("saturate",)
    most = float_format(a).man_bits + float_format(b or a).man_bits + 1
    for kind, subnormals in itertools.product(("lmul", "mitchell", "exact"), ("flush", "exact")):
        for offset in (-reach - 0.5, -0.5, reach + 0.5) if kind == "lmul" else ():
            yield Design("prod", Multiplier.make(kind, a, b, subnormals=subnormals, offset=offset))
        for bits in sorted({2, float_format(a).man_bits + 1, most}) if kind == "exact" else ():
            for how in ("rounded", "cut"):
                yield Design("prod", Multiplier.make(kind, a, b, subnormals=subnormals, **{how: bits}))
        for offset in ("paper", "none", "best", *sorted({-reach, -1, reach})) if kind == "lmul" else ("none",):
            policies = {"subnormals": subnormals, "offset": offset}
            yield Design("prod", Multiplier.make(kind, a, b, **policies))
            yield from (Design("mul", Multiplier.make(kind, a, b, overflow=overflow, **policies))
                        for overflow in overflows)


def of(design: Design) -> list[Obligation]:
    """The obligations of a combinational design; none where there are no means."""
    says = specification(design.multiplier)
    found = [every_pair(design)] if _bits(design) <= EXHAUSTED_BITS else says and [theorems.by_specification(design)]
    return [*(found or []), *(says.further(design) if says else [])]


def _bits(design):
    return design.multiplier.a.width + design.multiplier.b.width


def every_pair(design: Design) -> Obligation:
    """The obligation that a multiplier gives what golden says."""
    means = f"exhaustion, {1 << _bits(design):,} pairs"
    return theorems.obligation(design, "what golden says", means, exhausted, exhaust.load)


def exhausted(circuits: Mapping[str, Circuit], seconds: float, design: Design) -> Answer:
    """A multiplier gives what golden says, for every pair of operand codes."""
    circuit, spec = circuits[design.slug], design.multiplier
    a, b = all_pairs(spec)
    wrong = exhaust.mismatches(circuit, spec, design.wide, a, b)
    if not wrong.size:
        return Answer(PROVED)
    return Answer(REFUTED, witness(circuit, design, {"a": int(a[wrong[0]]), "b": int(b[wrong[0]])}))


def witness(circuit: Circuit, design: Design, codes: Mapping[str, int]) -> dict[str, int]:
    """What a circuit makes of operand codes, by port, and what it should."""
    spec = design.multiplier
    x, y = (np.array([codes.get(name, 0)]) for name in "ab")
    return {**{name: codes[name] for name in spec.operands}, "gives": circuit(a=x, b=y)["p"][0],
            "not": exhaust.expected(spec, design.wide, x, y)[0]}


def of_variants(pair: Sequence[str]) -> Obligation:
    """The obligation of all `variants` of a pair of formats."""
    designs = list(variants(*pair))
    pairs = sum(1 << _bits(design) for design in designs)
    sources = {name: source for design in designs for name, source in every_pair(design).sources.items()}
    return Obligation("x".join(pair), f"what golden says, {len(designs)} designs: every policy and offset",
                      f"exhaustion, {pairs:,} pairs", all_exhausted, (designs,), sources, weight=0)


def all_exhausted(circuits: Mapping[str, Circuit], seconds: float, designs: Sequence[Design]) -> Answer:
    """Multipliers give what golden says; of the first that does not, its name and a pair of operands."""
    for design in designs:
        answer = exhausted(circuits, seconds, design)
        if answer.verdict != PROVED:
            shown = every_pair(design).shown(answer.witness)
            return Answer(answer.verdict, {"design": design.slug, **shown})
    return Answer(PROVED)
