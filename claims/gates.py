"""The paper's pencil count of gates as a formula, a fuller count, and the gates of the designs.

The five printed figures come out exactly if an XOR counts as the four NANDs it is built of, and AND and OR as one: a
half adder (AND, XOR) is then 5, a full adder (2 AND, 2 XOR, OR) 11. A product of two numbers with j mantissa bits is an
XOR for the sign, (j+1)**2 ANDs, 3 half adders and 2j - 2 full adders for the mantissas, and three 8-bit adders for the
exponents, whatever their width. An L-Mul is the XOR and two adders: of 8 and 7 bits at fp8, of 16 and 8 at fp16. These
widths are found from the figures; no one rule that we know gives the 7 and the 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..golden.formats import FORMATS, FloatFormat
from ..golden.products import multiply
from ..golden.spec import Multiplier
from .figures import Figures
from .published import GATES
from .rows import Row, named
from .verdict import check, claim, within

FORMATS_COUNTED = ("e4m3", "e5m2", "fp16")
ADDED = ("e4m3", "e5m2")  # exact by addition
TOLERANCE = 0.10  # how much more than the paper's ratio a measured ratio may be


@dataclass(frozen=True)
class Parts:
    """Numbers of gates by kind; they add."""

    xors: int = 0
    ands: int = 0
    muxes: int = 0
    half_adders: int = 0
    full_adders: int = 0

    def __add__(self, other: Parts) -> Parts:
        return Parts(*(mine + theirs for mine, theirs in zip(self.values, other.values, strict=True)))

    @property
    def values(self) -> tuple[int, ...]:
        return self.xors, self.ands, self.muxes, self.half_adders, self.full_adders

    def gates(self, xor: int) -> int:
        """How many gates they are when an XOR counts ``xor`` of them; AND and OR count 1, a multiplexer 3."""
        half, full = 1 + xor, 3 + 2 * xor
        return xor * self.xors + self.ands + 3 * self.muxes + half * self.half_adders + full * self.full_adders


def adder(bits: int) -> Parts:
    """A ripple adder without carry in."""
    return Parts(half_adders=1, full_adders=bits - 1)


def paper_multiplier(fmt: FloatFormat) -> Parts:
    """The paper's parts of an exact product; see this module's head."""
    j = fmt.man_bits
    mantissas = Parts(xors=1, ands=(j + 1) ** 2, half_adders=3, full_adders=2 * j - 2)
    return mantissas + adder(8) + adder(8) + adder(8)


def paper_lmul(fmt: FloatFormat) -> Parts:
    """The paper's parts of an L-Mul."""
    return Parts(xors=1) + adder(fmt.width) + adder({8: 7, 16: 8}[fmt.width])


def full_multiplier(fmt: FloatFormat) -> Parts:
    """Parts of an exact product that an array multiplier of this format has: every partial product added, exponents at
    their width, a multiplexer per bit to normalise, a half adder per bit to round."""
    i, j = fmt.exp_bits, fmt.man_bits
    array = Parts(ands=(j + 1) ** 2, half_adders=j + 1, full_adders=j * j - 1)
    exponents = adder(i) + adder(i + 1) + Parts(half_adders=i + 1)
    return Parts(xors=1) + array + exponents + Parts(muxes=j + 1, half_adders=j + 1)


def full_lmul(fmt: FloatFormat) -> Parts:
    """Parts of an L-Mul: the fields' addition, and that of the constant with a carry more."""
    field = fmt.exp_bits + fmt.man_bits
    return Parts(xors=1) + adder(field) + adder(field + 1)


def added_multiplier(fmt: FloatFormat) -> Parts:
    """Parts of an exact product of a short mantissa, correctly rounded by the addition of the fields and a carry (arXiv
    2406.18441), in the paper's way of counting: the sign, the L-Mul's first adder with a carry in, and for the carry a
    multiplexer for each node of its decision diagram."""
    return Parts(xors=1, full_adders=fmt.width, muxes=_nodes(_carries(fmt)))


def _carries(fmt):
    """What the product of two mantissas, correctly rounded, is above their sum, in last places; of all pairs."""
    one = fmt.bias << fmt.man_bits
    codes = one + np.arange(1 << fmt.man_bits)
    products = multiply(Multiplier.make("exact", fmt), codes[:, None], codes).astype(np.int64)
    carries = products - (codes[:, None] + codes - one)
    assert set(np.unique(carries)) <= {0, 1}
    return tuple(carries.ravel().tolist())


def _nodes(table):
    """Nodes of the reduced decision diagram of a truth table, its uppermost variable first: the different subtables
    whose halves differ."""
    found, level = set(), {table}
    while half := len(next(iter(level))) // 2:
        found |= {each for each in level if each[:half] != each[half:]}
        level = {part for each in level for part in (each[:half], each[half:])}
    return len(found)


def count() -> list[Row]:
    """Rows of the pencil counts: the printed figure, the formula's, and the fuller count's; for short mantissas also
    the formula's for an exact product by addition, which nobody has printed."""
    rows = []
    for (kind, name), printed in GATES.items():
        fmt = FORMATS[name]
        counts = (paper_lmul, full_lmul) if kind == "lmul" else (paper_multiplier, full_multiplier)
        paper, full = (parts(fmt) for parts in counts)
        rows.append(named(f"gates/pencil/{kind}_{name}", kind=kind, format=name, printed=printed,
                          formula=paper.gates(4), formula_xor_1=paper.gates(1), full=full.gates(4),
                          full_xor_1=full.gates(1)))
    for name in ADDED:
        parts = added_multiplier(FORMATS[name])
        rows.append(named(f"gates/pencil/added_{name}", kind="added", format=name, printed=None, formula=parts.gates(4),
                          formula_xor_1=parts.gates(1), full=None, full_xor_1=None))
    return rows


def slug(structure: str, kind: str, name: str) -> str:
    """The design that is counted: subnormals flushed on both sides."""
    return f"{structure}_{kind}_{name}" + ("_flush" if kind == "exact" else "")


def measured(figures: Figures) -> list[Row]:
    """Gates, gate equivalents and transistors of the counted designs, narrow and wide.

    Parameters
    ----------
    figures : Figures
    """
    rows = []
    for kind, name in GATES:
        for structure in ("mul", "prod"):
            design = slug(structure, kind, name)
            row = {"row": f"gates/{design}", "kind": kind, "format": name, "structure": structure, "design": design,
                   "designs": [design], "command": figures.command([design])}
            row |= {key: figures.any(design, key) for key in ("gates", "transistors")}
            row["area_ge"] = {each: figures.of(design, each, "area_ge") for each in figures.libraries}
            rows.append(row | {"missing": figures.reason(design, "gates")})
    return rows


def claims(figures: Figures) -> list[Row]:
    """The claims about gates, judged."""
    formula = [check(f"{row['kind']} {row['format']}", "the documented formula gives the printed figure",
                     f"{row['formula']} against {row['printed']}", row["formula"] == row["printed"])
               for row in count() if row["printed"]]
    ratios, sixteen = [], []
    for name in FORMATS_COUNTED:
        printed = GATES["lmul", name] / GATES["exact", name]
        for structure, words in (("mul", "narrow"), ("prod", "wide")):
            ratios.append(_ratio(figures, f"{name}, {words} product", f"at most {1 + TOLERANCE:g} x {printed:.2f}",
                                 slug(structure, "lmul", name), slug(structure, "exact", name),
                                 (1 + TOLERANCE) * printed))
    for structure, words in (("mul", "narrow"), ("prod", "wide")):
        sixteen.append(_ratio(figures, f"{words} products", "below 1", slug(structure, "lmul", "fp16"),
                              slug(structure, "exact", "e4m3"), 1))
    return [
        claim("gates-count", "By pencil, an FP8 product takes 325 (e4m3) or 296 (e5m2) gates and L-Mul 157; at fp16 "
              "584 and 256.", "gates", formula),
        claim("gates-ratio", "L-Mul takes 0.48 (e4m3), 0.53 (e5m2), 0.44 (fp16) of an exact multiplier's gates.",
              "gates", ratios),
        claim("gates-16-bit", "An fp16 L-Mul takes fewer gates (256) than an e4m3 multiplier (325).", "gates", sixteen),
    ]


def _ratio(figures, condition, criterion, ours, rival, limit):
    about = {"designs": [ours, rival], "command": figures.command([ours, rival])}
    mine, theirs = (figures.any(design, "gates") for design in (ours, rival))
    if mine is None or theirs is None:
        missing = figures.reason(ours, "gates") or figures.reason(rival, "gates")
        return check(condition, criterion, "", None, missing, **about)
    ratio, margin = mine / theirs, figures.margin(ours, rival, "gates")
    measured = f"{mine} / {theirs} two-input gates = {ratio:.2f}"
    if margin is None:
        return check(condition, criterion, measured, None, "the scatter of gates is not known", **about)
    holds = within(ratio, limit, margin)
    return check(condition, criterion, measured, holds, **about,
                 unclear=f"within a factor of {math.exp(margin):.2f}" if holds is None else None)
