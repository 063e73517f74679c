"""Which rows of a record may be compared, their ratios, and the verdicts: every figure comes from the rows, and the
margin of every verdict from the record's scatter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..golden.families import members
from ..golden.spec import Multiplier
from ..hdl.designs import Design, parse
from ..hdl.structures import STRUCTURES
from ..synth import rivals
from ..synth.rivals import MEASURES, Measure

#: What designs are judged by, the first that a report has.
COSTS = ("energy_fj_per_op", "luts")


@dataclass(frozen=True)
class Entry:
    """A row with the design that its slug names."""

    row: dict
    design: Design

    @property
    def technology(self) -> str:
        return self.row["technology"]

    @property
    def structure(self) -> str:
        return self.design.structure

    @property
    def kind(self) -> str:
        """The arithmetic's family, by which its colour goes."""
        return self.design.multiplier.label

    @property
    def title(self) -> str:
        """The family as pages call it."""
        return self.design.multiplier.title

    @property
    def is_default(self) -> bool:
        """Whether this stands in another's place, with its family's default policies or its best constant, or is of
        integers."""
        multiplier = self.design.multiplier
        if multiplier.rival is None:
            return multiplier.wide.integer
        plain = f"{multiplier.kind}_{multiplier.formats}"
        return multiplier.name in (plain, f"{plain}_best", multiplier.formats)

    @property
    def arithmetic(self) -> str:
        """What the multiplier computes, in a word or two."""
        multiplier = self.design.multiplier
        offset = getattr(multiplier, "offset", None)
        plain = (offset is None or multiplier.rival is None
                 or offset == Multiplier.make(multiplier.kind, multiplier.a, multiplier.b).offset)
        return ", ".join(filter(None, [self.title, "" if plain else f"offset {offset}", multiplier.detail]))

    @property
    def operands(self) -> str:
        """The operands' formats, and the policies where they are not the usual ones."""
        multiplier = self.design.multiplier
        if multiplier.wide.integer:
            width = multiplier.wide.width
            return f"{self.title}, {width}-bit product" if self.design.combinational else self.title
        words = [multiplier.formats.replace("x", " x ")]
        if multiplier.subnormals == "exact" and multiplier.a.floating:
            words.append("subnormals kept")
        if multiplier.overflow != "saturate":
            words.append("overflow to Inf or NaN")
        return ", ".join(words)

    @cached_property
    def shape(self) -> str:
        """The accumulator, and lanes or rows and columns and dataflow: what follows the multiplier in the slug."""
        shape = self.design.declared.shape.write(self.design)
        if self.design.accumulator is None:
            return " ".join(["of", *shape] if shape else [])
        return " ".join(["into", self.design.accumulator.name, *(["by", *shape] if shape else [])])

    @property
    def setting(self) -> str:
        """What rivals share apart from structure and technology."""
        return ", ".join(filter(None, [self.operands, self.shape]))

    @property
    def family(self) -> str:
        """Structure, accumulator and shape: what designs for different operands share."""
        return " ".join(filter(None, [self.design.declared.title, self.shape]))

    @property
    def parts(self) -> list[tuple[str, float]]:
        """Energy per op in fJ of a clocked design, by role: a list of (role, energy), or empty."""
        return [] if self.design.combinational else list((self.row.get("energy_fj_by_role") or {}).items())

    @property
    def order(self) -> tuple:
        """Sorts arithmetics for a reader: floats before integers, then the exact one before its replacements, each as
        families are registered, and by its label."""
        multiplier = self.design.multiplier
        return multiplier.wide.integer, multiplier.rival is not None, list(members()).index(multiplier.kind), self.kind

    @cached_property
    def rank(self) -> tuple:
        """Sorts rows for a reader: structure, width of the operands, policy, then exact before its replacements."""
        multiplier = self.design.multiplier
        return (list(STRUCTURES).index(self.structure), self.shape, multiplier.a.width + multiplier.b.width,
                multiplier.formats, multiplier.subnormals != "flush", self.operands,
                self.order, self.arithmetic)


@dataclass(frozen=True)
class Pair:
    """A design and a rival: the exact design in whose place it stands, of the same structure, formats and policies, the
    same with products rounded or cut to fewer bits, or the sum of integers of the same structure and shape; in one
    technology. ``margins`` are those of its ratios, by measure, in the logarithm."""

    ours: Entry
    rival: Entry
    margins: dict

    @property
    def replaces(self) -> bool:
        """Whether the design stands in its rival's place."""
        return self.ours.design.multiplier.rival == self.rival.design.multiplier

    @property
    def undriven(self) -> str | None:
        """Why the operands are no evidence of either, or None."""
        return rivals.undriven(self.ours.row) or rivals.undriven(self.rival.row)

    def ratio(self, measure: Measure) -> float | None:
        """Our figure over the rival's, or None where either is missing, their clocks differ, or the operands that it
        rests on drove too little."""
        if measure.clock and self.undriven:
            return None
        return measure.ratio(self.ours.row, self.rival.row)

    def whisker(self, measure: Measure) -> tuple[float, float] | None:
        """The ratio's lowest and highest value within its margin; None without either."""
        ratio, margin = self.ratio(measure), self.margins.get(measure.name)
        return None if ratio is None or margin is None else (ratio * math.exp(-margin), ratio * math.exp(margin))

    def verdict(self, measure: Measure) -> str | None:
        """``less``, ``more`` or ``same``, which is no clear difference; None where there is no ratio or no margin."""
        whisker = self.whisker(measure)
        return whisker and ("less" if whisker[1] < 1 else "more" if whisker[0] > 1 else "same")


def entries(record: dict[str, Any]) -> list[Entry]:
    """The record's rows of our own designs in reading order."""
    return _entries(row for row in record["rows"] if not row.get("source"))


def foreign(record: dict[str, Any]) -> list[Entry]:
    """Rows of somebody else's Verilog in reading order."""
    return _entries(row for row in record["rows"] if row.get("source"))


def _entries(rows):
    return sorted((Entry(row, parse(row["design"])) for row in rows), key=lambda entry: entry.rank)


def technologies(entries: Iterable[Entry]) -> list[str]:
    """Names of the technologies, in the record's order."""
    return list(dict.fromkeys(entry.technology for entry in entries))


def groups(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Rivals together, in reading order: a list of lists. Sums of integers stand in the group of every sum of
    floats of their shape, as they were measured at its clocks."""
    found = {}
    for entry in entries:
        designs = [other.design for other in entries if other.technology == entry.technology]
        for group in rivals.groups(entry.design, designs):
            found.setdefault((entry.technology, group), []).append(entry)
    found = [sorted(some, key=lambda entry: rivals.is_integer_sum(entry.design)) for some in found.values()]
    return [[replace(entry, row=rivals.beside(entry.row, some[0].row)) for entry in some] for some in found]


def pairs(record: dict[str, Any], kind: str = "exact") -> list[Pair]:
    """Every row that has a rival called so, in reading order."""
    return beside(record).get(kind, [])


def beside(record: dict[str, Any]) -> dict[str, list[Pair]]:
    """By what their rivals are called every pair of the record, in reading order: rivals in whose place designs stand
    come first."""
    margins = {}
    for each in record["scatter"]["margins"]:
        key = each["design"], each["rival"], each["technology"]
        margins.setdefault(key, {})[each["measure"]] = each["margin"]
    found = []
    for technology in technologies(rows := entries(record)):
        some = {entry.design: entry for entry in rows if entry.technology == technology}
        found += [Pair(some[ours], some[rival], margins.get((ours.slug, rival.slug, technology), {}))
                  for ours, rival in rivals.pairs(list(some))]
    named = {}
    for pair in sorted(found, key=lambda pair: (not pair.replaces, pair.ours.rank)):
        named.setdefault(pair.rival.title, []).append(pair)
    return named


def subject(pairs: Iterable[Pair]) -> str:
    """What the designs of pairs are called together."""
    return " and ".join(dict.fromkeys(pair.ours.title for pair in pairs))


def across(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """Pairs of one design together, whatever the technology: a dict of slug to list, in reading order."""
    found = {}
    for pair in pairs:
        found.setdefault(pair.ours.design.slug, []).append(pair)
    return found


def headline(pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs that stand for an arithmetic as it comes, with its default policies: of several that stand in one
    rival's place, as L-Mul and Mitchell do, the first."""
    found = {}
    for pair in pairs:
        if pair.ours.is_default:
            found.setdefault((pair.rival.technology, pair.rival.design, pair.ours.setting), pair)
    return list(found.values())


def cost(pairs: Sequence[Pair]) -> list[Measure]:
    """The measures that designs are judged by: the first of `COSTS` that the pairs have."""
    for key in COSTS:
        some = [measure for measure in MEASURES if measure.key == key]
        if any(pair.verdict(measure) for pair in pairs for measure in some):
            return some
    return []
