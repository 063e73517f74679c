"""Which rows of a record may be compared, their ratios, and the finding in words: every figure comes from the rows,
and the margin of every verdict from the record's scatter."""

from __future__ import annotations

import math
from collections import Counter
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
from .document import percent

#: What designs are judged by, the first that a report has, with the words for less, no clear difference, and more.
COSTS = {
    "energy_fj_per_op": {"less": "{} saves energy in", "same": "It makes no clear or consistent difference in",
                         "more": "It costs energy in"},
    "luts": {"less": "{} saves LUTs in", "same": "It makes no clear or consistent difference in LUTs in",
             "more": "It costs LUTs in"},
}


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


def consensus(pairs: Iterable[Pair], measures: Sequence[Measure]) -> str | None:
    """What the verdicts of pairs of one design say together: that of all, or ``same`` where they disagree; or None."""
    found = {word for pair in pairs for measure in measures if (word := pair.verdict(measure))}
    return found.pop() if len(found) == 1 else "same" if found else None


def verdicts(pairs: Iterable[Pair], measures: Sequence[Measure]) -> dict[str, list[tuple[Entry, float]]]:
    """Sort designs by what their ratios say, in every technology and by every measure that has one: a dict of ``less``,
    ``more`` and ``same`` (no clear difference, or they disagree) to lists of (entry, the ratio least in its favour)."""
    found = {"less": [], "more": [], "same": []}
    for alike in across(pairs).values():
        word = consensus(alike, measures)
        if word:
            found[word].append((alike[0].ours, max(ratio for pair in alike for measure in measures
                                                   if (ratio := pair.ratio(measure)) is not None)))
    return found


def finding(record: dict[str, Any]) -> str:
    """Where designs pay beside their rivals and where not, and for what error: words made from the rows of the default
    designs. Each arithmetic is told of by itself, beside one kind of rival after the other."""
    found = {kind: headline(some) for kind, some in beside(record).items()}
    titles = dict.fromkeys(pair.ours.title for some in found.values() for pair in some)
    told = [(title, {kind: [pair for pair in some if pair.ours.title == title] for kind, some in found.items()})
            for title in titles]
    parts = [_beside(title, some, kind) for title, of in told for kind, some in of.items()]
    parts.append(_undriven([pair for some in found.values() for pair in some]))
    if not any(parts):
        names = dict.fromkeys(entry.title for entry in entries(record) if entry.design.multiplier.rival)
        name = next(iter(names), "")
        return (f"No {name + ' ' if name else ''}design has an energy or LUTs beside a rival's, so this report cannot "
                f"say whether {name or 'any of them'} pays.")
    return " ".join(filter(None, [*parts, *(sentence for title, of in told for sentence in _price(title, of))]))


def _beside(title, pairs, kind):
    """The verdicts of one arithmetic beside one kind of rival, in sentences; or nothing."""
    judged = cost(pairs)
    if not judged:
        return ""
    found, words = verdicts(pairs, judged), COSTS[judged[0].key]
    totals = Counter(alike[0].ours.structure for alike in across(pairs).values())
    sentences = [f"{words[verdict].format(title)} {_listed(found[verdict], totals)}."
                 for verdict in words if found[verdict]]
    for key, adjective in (("fmax_mhz", "slower"), ("area_um2", "larger")):
        worse = []
        for alike in across(pairs).values():
            ratios = [ratio for pair in alike for each in MEASURES if each.key == key
                      and pair.verdict(each) == "more" and (ratio := pair.ratio(each)) is not None]
            worse += [(alike[0].ours, max(ratios))] if ratios else []
        sentences += [f"It is {adjective} in {_listed(worse, totals)}."] if worse else []
    return f"{title} / {kind}, worst technology and clock: {' '.join(sentences)}"


def _undriven(pairs):
    """Where the operands are no evidence, as a sentence, or nothing."""
    silent = across([pair for pair in pairs if pair.undriven])
    if not silent:
        return ""
    why = "; ".join(dict.fromkeys(filter(None, (alike[0].undriven for alike in silent.values()))))
    names = _names([alike[0].ours for alike in silent.values()])
    return f"No verdict on {names}: these operands are no evidence ({why})."


def _listed(members, totals):
    """Designs by structure: all of it, several, or each by name; with the range of their ratios."""
    structures = {}
    for entry, ratio in members:
        structures.setdefault(entry.structure, []).append((entry, ratio))
    parts = []
    for structure, some in structures.items():
        name, total = STRUCTURES[structure].title, totals[structure]
        which = (f"every {name}" if len(some) == total > 1 else
                 _names([entry for entry, _ in some]) if len(some) < 3 else f"{len(some)} of {total} {name}s")
        parts.append(f"{which} ({_span([ratio for _, ratio in some], '{:.2f}'.format)})")
    return "; ".join(parts)


def _names(entries):
    """Designs by name, those of one structure together."""
    structures = {}
    for entry in entries:
        structures.setdefault(entry.structure, []).append(" ".join([entry.operands, entry.shape]).strip())
    return "; ".join(f"the {STRUCTURES[structure].title} of {' and '.join(names)}"
                     for structure, names in structures.items())


def _price(title, beside):
    """What is lost in accuracy by one arithmetic, in sentences: of narrow products their errors, of sums those of the
    results."""
    sentences, every = [], [pair for some in beside.values() for pair in some]
    for kind, some in beside.items():
        narrow = [pair for pair in some if not pair.ours.design.unrounded]
        words = [f"{f', {kind} '.join(sides)} {of}" for key, of in (
            ("mean_relative_error", "over all significands"), ("driven_relative_error", "of the products driven"))
            if (sides := _errors([[pair.ours, pair.rival] for pair in narrow], key))]
        if words:
            sentences.append(f"The price: a narrow product's mean relative error is {', '.join(words)}.")
    for structure in dict.fromkeys(pair.ours.structure for pair in every if not pair.ours.design.combinational):
        ours = _errors([[pair.ours] for pair in every if pair.ours.structure == structure], "result_error")
        theirs = [f"{kind} {error}" for kind, some in beside.items()
                  for error in _errors([[pair.rival] for pair in some if pair.ours.structure == structure],
                                       "result_error")]
        if ours:
            sentences.append(f"The error of the result of the {STRUCTURES[structure].title}, root mean square: "
                             f"{', '.join([f'{title} {ours[0]}', *theirs])}.")
    return sentences


def _errors(rows, key):
    """The range of an error, in words, for each of the sides that ``rows`` have, or nothing where one is missing."""
    found = [errors for some in rows if None not in (errors := [entry.row.get(key) for entry in some])]
    return [_span(side, percent).replace(" %", "\u00a0%") for side in zip(*found, strict=True)]


def _span(values, show):
    low, high = show(min(values)), show(max(values))
    return low if low == high else f"{low} to {high}"
