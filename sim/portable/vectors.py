"""Vectors by number: each is made from the seed and its number alone. And which of them run together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from . import settings
from .codes import Codes
from .coverage import coverage

#: Kinds of operands, by the number of a vector.
KINDS = ("classes", "numbers", "specials", "largest", "smallest", "zeros", "spread", "few")
SEGMENT = 16  # vectors, by number, that meet one traffic, and follow each other without reset

_A, _B = (Codes(settings.about()[name]) for name in "ab")


class Segment(NamedTuple):
    """Vectors that run together: of a seed, by number, in a traffic."""

    seed: int
    traffic: str
    numbers: list[int]

    @property
    def name(self) -> str:
        """For messages."""
        first, last = self.numbers[0], self.numbers[-1]
        return (f"{settings.slug()}, seed {self.seed}, vectors {first} to {last}, traffic {self.traffic} "
                f"(again: {settings.again(self.seed, first, last)})")

    @property
    def generator(self) -> np.random.Generator:
        """What traffic and rubbish are drawn from."""
        return np.random.default_rng([self.seed, 1, self.numbers[0] // SEGMENT])


def segments(seed: int, traffic: list[str]) -> Iterator[Segment]:
    """The vectors that are to run, one traffic after the other."""
    for index, numbers in groupby(settings.numbers(), lambda number: number // SEGMENT):
        yield Segment(seed, traffic[index % len(traffic)], list(numbers))


def generator(seed: int, number: int) -> np.random.Generator:
    """What a vector is drawn from."""
    return np.random.default_rng([seed, 0, number])


def named(seed: int, number: int | None) -> str:
    """A vector in messages; None is one that is not of those asked for."""
    if number is None:
        return f"seed {seed}, a vector beside those by number"
    return f"seed {seed}, vector {number} (again: {settings.again(seed, number, number)})"


def matrices(number: int, shape: tuple[int, int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Codes (rows, depth) and (depth, cols) of the kind that a number has. Somewhere among them, but for the last kind,
    two classes meet, another pair of them in each vector."""
    rows, depth, cols = shape
    turn, place = divmod(number, len(KINDS))
    a, b = _codes(_A, KINDS[place], (rows, depth), rng), _codes(_B, KINDS[place], (depth, cols), rng)
    if KINDS[place] == "largest" and depth > 2:  # and at last one that may be too small to count
        a[:, -1], b[-1] = (fmt.draw(fmt.least, size, rng) for fmt, size in ((_A, rows), (_B, cols)))
    if place < len(KINDS) - 1:
        first, second = divmod((turn * (len(KINDS) - 1) + place) % (len(_A.classes) * len(_B.classes)),
                               len(_B.classes))
        row, step, col = (rng.integers(size) for size in shape)
        a[row, step], b[step, col] = _A.draw(_A.classes[first], (), rng), _B.draw(_B.classes[second], (), rng)
    return a, b


def observe(a: np.ndarray, b: np.ndarray) -> None:
    """Count the operands of a vector, codes (rows, depth) and (depth, cols), and which classes met."""
    for name, fmt, codes in (("a", _A, a), ("b", _B, b)):
        coverage.classes(name, fmt.classes, fmt.classify(codes))
    one_hot = [np.eye(len(fmt.classes), dtype=np.int64)[fmt.classify(codes)].sum(axis)
               for fmt, codes, axis in ((_A, a, 0), (_B, b, 1))]
    coverage.cross("a x b", _A.classes, _B.classes, one_hot[0].T @ one_hot[1])


def declare() -> None:
    """The points of `observe`."""
    coverage.point("a", _A.classes)
    coverage.point("b", _B.classes)
    coverage.point("a x b", [f"{x} x {y}" for x in _A.classes for y in _B.classes])


def show_pairs(a: Any, b: Any) -> str:
    """The pairs that a sum is made of, the first few in full."""
    pairs = [f"{_A.show(int(x))} x {_B.show(int(y))}" for x, y in zip(a, b, strict=True)]
    return ", ".join(pairs[:8] + ["..."] * (len(pairs) > 8))


def _codes(fmt, kind, shape, rng):
    if kind == "classes":
        return fmt.any_class(shape, rng)
    if kind == "few":  # few numbers and their negatives: sums that cancel
        few = fmt.numbers(2, rng)
        return rng.choice(np.concatenate([few, fmt.negative(few)]), shape)
    if kind == "specials":  # so few that sums with none, with one and with several of them are all common
        return np.where(rng.random(shape) < 0.5 / max(shape), fmt.specials(shape, rng), fmt.any_class(shape, rng))
    if kind in ("largest", "smallest"):
        names = getattr(fmt, kind)
        names = names if rng.random() < 0.5 else [str(rng.choice(names))]
        picked = rng.integers(len(names), size=shape)
        return np.choose(picked, [fmt.draw(name, shape, rng) for name in names])
    if kind == "zeros":
        return np.where(rng.random(shape) < 0.75, fmt.draw(fmt.finite[0], shape, rng), fmt.any_class(shape, rng))
    if kind == "spread":
        ends = [fmt.draw(str(rng.choice(getattr(fmt, each))), shape, rng) for each in ("smallest", "largest")]
        return np.where(rng.random(shape) < 0.5, *ends)
    return fmt.numbers(shape, rng)
