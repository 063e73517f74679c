"""What tiles compute, in plain integers: words of lanes, partial sums, results; and vectors for them by number."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from . import settings, vectors
from .codes import Codes
from .coverage import coverage
from .products import Product, rule, signed
from .sums import Float

SCALE_KINDS = ("near", "near", "any", "ends", "lowest")
SCALES = ("lowest", "between", "largest", "nan")
WORDS = ("zero", "below the window", "in the window", "above the window")
NAN = ("of a", "of b", "of a scale", "before")

_about = settings.about()
about: dict[str, Any] = _about["tile"]
lanes, cols = about["lanes"], about["cols"]
formats = {name: Codes(_about[name]) for name in "ab"}
_rule, _result = rule(_about["product"]), Codes(_about["result"])


class Operands(NamedTuple):
    """Operands: codes (rows, depth) and (depth, cols); codes of the scales of their blocks, (rows, blocks) and
    (blocks, cols), or None; the place of the window, and that of the scales."""

    a: np.ndarray
    b: np.ndarray
    a_scales: np.ndarray | None
    b_scales: np.ndarray | None
    place: int
    top: int


class Tile:
    """A tile's arithmetic.

    Attributes
    ----------
    words : Counter
        Where lanes' products were, by the names in `WORDS`: for the coverage, which empties it.
    """

    def __init__(self) -> None:
        self.words = Counter()
        self._float = Float(about["float"], Counter()) if "float" in about else None

    def added(self, given: Operands, before: np.ndarray) -> np.ndarray:
        """Partial sums after one pass: words, and above them the flag of NaN where there is one; (rows, cols)."""
        word_bits, scale = about["word_bits"], {"a": about["a_block"], "b": about["b_block"]}
        nan = [np.asarray(_special(name, codes).any(axis=axis)) for name, codes, axis in (
            ("a", given.a, 1), ("b", given.b, 0))]
        parts = [np.array([(1, 0)] * each.size) for each in nan]
        for n, (name, codes) in enumerate((("a", given.a_scales), ("b", given.b_scales))):
            if codes is not None:
                flat = codes.ravel().tolist()
                parts[n] = np.array([scale_parts(scale[name], code) for code in flat])
                nan[n] = nan[n] | (codes.ravel() > scale[name]["max_finite"])
        found = np.zeros(before.shape, np.uint64)
        weights = given.b.T.tolist()
        for row, codes in enumerate(given.a.tolist()):
            for col in range(len(weights)):
                total = self._lanes(codes, weights[col], given.place)
                if about["blocks"]:
                    (x, down_x), (y, down_y) = parts[0][row].tolist(), parts[1][col].tolist()
                    total = (total * x * y << about["guard"]) >> given.top - down_x - down_y
                old = int(before[row, col])
                flag = old >> word_bits | bool(nan[0][row] or nan[1][col])
                found[row, col] = (old + total & (1 << word_bits) - 1) | flag << word_bits
        return found

    def product(self, given: Operands) -> np.ndarray:
        """Codes of the results of a product of matrices, in passes of as many of the depth as there are lanes."""
        sums = np.zeros((len(given.a), given.b.shape[1]), np.uint64)
        for one in passes(given):
            sums = self.added(one, sums)
        return np.array([[self.result(int(code)) for code in row] for row in sums], np.uint64)

    def result(self, code: int) -> int:
        """A partial sum as the code of a result: rounded once to fp32, or of integers without blocks as it is."""
        word_bits = about["word_bits"]
        if self._float is None:
            return code
        return self._float.nan if code >> word_bits else self._float.rounded(signed(code, word_bits), 0)

    def _lanes(self, a, b, place):
        if about["window"] is None:
            return sum(map(_rule.integer, a, b))
        lowest, highest, frac_bits, total, counts = about["lowest"], about["highest"], about["frac_bits"], 0, self.words
        for found in map(_rule.product, a, b):
            exp = found.place - place
            if found.zero:
                counts["zero"] += 1
            elif exp < lowest:
                counts["below the window"] += 1
            elif exp > highest:
                counts["above the window"] += 1
            else:
                counts["in the window"] += 1
                shift = exp - frac_bits
                word = 2 * (found.sig << shift if shift >= 0 else found.sig >> -shift) + 1
                total += -word if found.sign else word
        return total


def passes(given: Operands) -> list[Operands]:
    """A product as passes; what is missing of the last is neutral."""
    missing = -given.a.shape[1] % lanes
    fill_a, fill_b = _about["neutral"]
    a = np.pad(given.a, ((0, 0), (0, missing)), constant_values=np.uint64(fill_a))
    b = np.pad(given.b, ((0, missing), (0, 0)), constant_values=np.uint64(fill_b))
    found = []
    for first in range(0, len(b), lanes):
        a_scales, b_scales = (
            None if codes is None else np.take(codes, [first // about[f"{name}_block"]["size"]], axis)
            for name, codes, axis in (("a", given.a_scales, 1), ("b", given.b_scales, 0)))
        found.append(given._replace(a=a[:, first : first + lanes], b=b[first : first + lanes], a_scales=a_scales,
                                    b_scales=b_scales))
    return found


def scale_parts(scale: dict[str, Any], code: int) -> tuple[int, int]:
    """Significand and exponent of a scale."""
    man_bits = scale["man_bits"]
    if not man_bits:
        return 1, code
    exp = code >> man_bits
    return code & (1 << man_bits) - 1 | (exp > 0) << man_bits, max(exp, 1)


def vector(seed: int, number: int, rows: int, depth: int) -> Operands:
    """Operands of a number, of a shape."""
    rng = vectors.generator(seed, number)
    a, b = vectors.matrices(number, (rows, depth, cols), rng)
    a_scales, b_scales = (_scales(about[f"{name}_block"], count, depth, name == "b", rng)
                          for name, count in (("a", rows), ("b", cols)))
    needed = _needed(a_scales, b_scales)
    top = int(rng.choice([needed, needed, min(needed + int(rng.integers(1, 40)), about["top_limit"])]))
    return Operands(a, b, a_scales, b_scales, _place(a, b, rng), top if about["blocks"] else 0)


def declare() -> None:
    """The points that tiles and their cores share."""
    vectors.declare()
    coverage.point("NaN", list(NAN))
    if about["window"] is not None:
        coverage.point("products", list(WORDS))
        if about["places"][0] < about["places"][1]:
            coverage.point("place", ["lowest", "between", "highest"])
    if about["blocks"]:
        coverage.point("scales", list(SCALES))
        coverage.point("top", ["lowest that is allowed", "higher"])


def observe(tile: Tile, given: Operands) -> None:
    """Count what was given."""
    vectors.observe(given.a, given.b)
    for name, codes in (("a", given.a), ("b", given.b)):
        _hit("NaN", f"of {name}", _special(name, codes).any())
    for name, count in tile.words.items():
        coverage.hit("products", name, count)
    tile.words.clear()
    if "place" in coverage.points:
        first, last = about["places"]
        coverage.hit("place", {first: "lowest", last: "highest"}.get(given.place, "between"))
    for name, codes in (("a", given.a_scales), ("b", given.b_scales)):
        if codes is None:
            continue
        last = about[f"{name}_block"]["max_finite"]
        for which, found in zip(SCALES, (codes == 0, (codes > 0) & (codes < last), codes == last, codes > last),
                                strict=True):
            _hit("scales", which, np.count_nonzero(found))
        _hit("NaN", "of a scale", (codes > last).any())
    if about["blocks"]:
        higher = given.top > _needed(given.a_scales, given.b_scales)
        coverage.hit("top", "higher" if higher else "lowest that is allowed")


def show(given: Operands, row: int, col: int) -> str:
    """What one result is made of, for messages."""
    scales = [f"{name} {codes.tolist()}" for name, codes in (
        ("a", given.a_scales[row] if given.a_scales is not None else None),
        ("b", given.b_scales[:, col] if given.b_scales is not None else None)) if codes is not None]
    return (f"place {given.place}, top {given.top}, scales {', '.join(scales) or 'none'}; operands "
            f"{vectors.show_pairs(given.a[row], given.b[:, col])}")


def _needed(a_scales, b_scales):
    """The lowest place that scales may be at: that of their largest product."""
    return sum(max(scale_parts(about[f"{name}_block"], code)[1] for code in codes.ravel().tolist())
               for name, codes in (("a", a_scales), ("b", b_scales)) if codes is not None)


def _special(name, codes):
    fmt = formats[name]
    return np.array([each.endswith(("inf", "nan")) for each in fmt.classes])[fmt.classify(codes)]


def _hit(point, name, count):
    if count:
        coverage.hit(point, name, int(count))


def _scales(scale, count, depth, by_columns, rng):
    """Codes of the scales of an operand in blocks, for so many rows or columns; None of one that is in none."""
    if scale is None:
        return None
    shape = (count, -(-depth // scale["size"]))
    shape = shape[::-1] if by_columns else shape
    last, kind = (1 << scale["width"]) - 1, rng.choice(SCALE_KINDS)
    if kind == "lowest":
        return np.zeros(shape, np.uint64)
    if kind == "any":
        return rng.integers(last + 1, size=shape).astype(np.uint64)
    if kind == "ends":
        return rng.choice(np.array([0, 1, scale["max_finite"] - 1, scale["max_finite"], last], np.uint64), shape)
    middle = int(rng.integers(last))
    return np.clip(middle + rng.integers(-12, 13, shape), 0, scale["max_finite"]).astype(np.uint64)


def _place(a, b, rng):
    """The place that has the largest product at the top of the window, one near to it, or any."""
    first, last = about["places"]
    if about["window"] is None or first == last:
        return first
    products: list[Product] = [_rule.product(x, y) for step in range(a.shape[1])
                               for x in a[:, step].tolist() for y in b[step].tolist()]
    chosen = max((each.place for each in products if not (each.zero or each.inf or each.nan)), default=0)
    chosen -= about["highest"]
    found = rng.choice([chosen, chosen, chosen + rng.integers(-3, 4), rng.choice([first, last]),
                        rng.integers(first, last + 1)])
    return int(np.clip(found, first, last))
