"""Products of integers as partials: that these add up to the product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from ..golden.stimulus import all_pairs
from ..hdl.partials import PartialProducts, Partials
from . import exhaust
from .families import specification
from .linear import Linear
from .logic import Logic
from .obligation import PROVED, REFUTED, UNDECIDED, Answer, Obligation, Source
from .solver import Question

if TYPE_CHECKING:
    from ..golden.formats import IntFormat
    from ..golden.spec import Multiplier
    from .exhaust import Circuit

EXHAUSTED_BITS = 16  # of both operands together

_CLAIM = "add up to the product, which is in its range, and 0 where b is 0"


def exhausted(circuits: Mapping[str, Circuit], seconds: float, spec: Multiplier, partials: Partials) -> Answer:
    """They do, for every pair of operand codes."""
    a, b = all_pairs(spec)
    [circuit] = circuits.values()
    planes = circuit.evaluate({"a": exhaust.to_planes(a, spec.a.width),
                               "b": exhaust.to_planes(b, spec.b.width)})["p"]
    total = np.full(len(a), partials.constant, np.int64)
    for plane, place in zip(planes, partials.places, strict=True):
        total += exhaust.from_planes([plane], len(a)).astype(np.int64) << place
    right = _wide(spec).numbers(exhaust.expected(spec, True, a, b))
    wrong = np.flatnonzero(((-total if partials.negative else total) != right) | ((b == 0) & (right != 0))
                           | (right < partials.low) | (right > partials.high))
    if not wrong.size:
        return Answer(PROVED)
    return Answer(REFUTED, {"a": int(a[wrong[0]]), "b": int(b[wrong[0]])})


def written_out(circuits: Mapping[str, Circuit], seconds: float, spec: Multiplier, partials: Partials) -> Answer:
    """They are the product as the family writes it out; undecided if they differ in one: the algebra finds no witness.
    The range is what the numbers farthest from 0 give."""
    says = specification(spec)
    assert says is not None and says.written_out is not None  # else `of` goes another way
    [circuit], logic = circuits.values(), Logic()
    a, b = logic.inputs(spec.a.width), logic.inputs(spec.b.width)
    total = Linear(logic, spec.a.width + spec.b.width + 2)
    add_partials(total, circuit.build(logic, {"a": a, "b": b})["p"], partials)
    for literal, weight in says.written_out(spec, logic, a, b):
        total.add(literal, -weight)
    ends = [x * y for x in (spec.a.low, spec.a.high) for y in (spec.b.low, spec.b.high)]
    right = not (total.weights or total.constant) and partials.low <= min(ends) and max(ends) <= partials.high
    return Answer(PROVED if right else UNDECIDED)


def _wide(spec):
    """Format of the product."""
    return cast("IntFormat", spec.wide)


def add_partials(total: Linear, bits: Sequence[int], partials: Partials, times: int = 1) -> None:
    """Add what partials stand for, so many times."""
    weight = -times if partials.negative else times
    for bit, place in zip(bits, partials.places, strict=True):
        total.add(bit, weight * (1 << place))
    total.constant = total.constant + weight * partials.constant & total.mask


def solved(circuits: Mapping[str, Circuit], seconds: float, spec: Multiplier, partials: Partials) -> Answer:
    """They do what the specification says, for all inputs."""
    says = specification(spec)
    assert says is not None  # else `of` goes another way
    [circuit], logic = circuits.values(), Logic()
    given = {"a": logic.inputs(spec.a.width), "b": logic.inputs(spec.b.width)}
    found = circuit.build(logic, dict(given))["p"]
    question = Question(logic)
    shown = {name: question.word(bits) for name, bits in given.items()}
    wanted, width = says.product(spec, True, shown["a"], shown["b"]), spec.wide.width + 2
    total = wanted.value(partials.constant, width)
    for bit, place in zip(found, partials.places, strict=True):
        total = total + (question.word([bit]).extend(width) << place)
    wanted = wanted.extend(width, _wide(spec).signed)
    wrong = (~(-total if partials.negative else total).equals(wanted) | (shown["b"].equals(0) & ~wanted.equals(0))
             | wanted.below(partials.low, signed=True) | wanted.value(partials.high).below(wanted, signed=True))
    return Answer(*question.never(wrong, limit=seconds, shown=shown))


def of(spec: Multiplier, negative: bool = False) -> list[Obligation]:
    """The obligation that the partials of a product, or with ``negative`` of one with its sign changed, are right; none
    where there are no means."""
    partials, says, bits = Partials.of(spec, negative), specification(spec), spec.a.width + spec.b.width
    if bits <= EXHAUSTED_BITS:
        means, examine = f"exhaustion, {1 << bits:,} pairs", exhausted
    elif says is None:
        return []
    elif says.written_out:
        means, examine = "algebra: the product written out", written_out
    else:
        means, examine = "SMT, bit vectors", solved
    source = Source(exhaust.load, PartialProducts, (spec, negative))
    return [Obligation(f"partials of {'-' * negative}{spec.name}", _CLAIM, means, examine, (spec, partials),
                       {"negated" if negative else "partials": source}, {"a": spec.a, "b": spec.b})]
