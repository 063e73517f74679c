"""Which rows of a record may be compared, their ratios, and the finding in words: every figure comes from the rows."""

from collections import Counter
from dataclasses import dataclass, fields
from functools import cached_property

from ..golden.spec import Multiplier
from ..hdl.designs import Design, parse
from .document import percent

STRUCTURES = {
    "mul": "narrow product",
    "prod": "wide product",
    "mac": "multiply-accumulate",
    "dot": "dot product",
    "array": "systolic array",
    "matmul": "matrix multiplier",
}
KINDS = {"exact": "exact", "lmul": "L-Mul", "mitchell": "Mitchell", "int8": "int8"}

#: What L-Mul is judged by, the first that a report has, with the words for less, no clear difference, and more of it.
COSTS = {
    "energy_fj_per_op": {"less": "L-Mul saves energy in", "same": "It makes no clear or consistent difference in",
                         "more": "It costs energy in"},
    "luts": {"less": "L-Mul saves LUTs in", "same": "It makes no clear or consistent difference in LUTs in",
             "more": "It costs LUTs in"},
}

#: A ratio nearer to 1 than this makes no clear difference.
MARGIN = 0.05


@dataclass(frozen=True)
class Entry:
    """A row with the design that its slug names."""

    row: dict
    design: Design

    @property
    def technology(self):
        return self.row["technology"]

    @property
    def structure(self):
        return self.design.structure

    @property
    def kind(self):
        return self.design.multiplier.kind

    @property
    def is_default(self):
        """Whether this is L-Mul with its default policies."""
        multiplier = self.design.multiplier
        return multiplier.kind == "lmul" and multiplier == Multiplier.make("lmul", multiplier.a, multiplier.b)

    @property
    def arithmetic(self):
        """What the multiplier computes, in a word or two."""
        multiplier = self.design.multiplier
        plain = multiplier.kind != "lmul" or multiplier.offset == "paper"
        return KINDS[multiplier.kind] + ("" if plain else f", offset {multiplier.offset}")

    @property
    def operands(self):
        """The operands' formats, and the policies where they are not the usual ones."""
        multiplier = self.design.multiplier
        words = [multiplier.formats.replace("x", " x ") if multiplier.kind != "int8" else "int8"]
        if multiplier.kind != "int8" and multiplier.subnormals == "exact":
            words.append("subnormals kept")
        if multiplier.overflow != "saturate":
            words.append("overflow to Inf or NaN")
        return ", ".join(words)

    @cached_property
    def shape(self):
        """The accumulator, and lanes or rows and columns and dataflow: what follows the multiplier in the slug."""
        if self.design.accumulator is None:
            return ""
        accumulator, *shape = self.design.slug.split(f"{self.design.multiplier.name}_", 1)[1].split("_")
        return " ".join(["into", accumulator, *(["by", *shape] if shape else [])])

    @property
    def setting(self):
        """What rivals share apart from structure and technology."""
        return ", ".join(filter(None, [self.operands, self.shape]))

    @property
    def family(self):
        """Structure, accumulator and shape: what designs for different operands share."""
        return " ".join(filter(None, [STRUCTURES[self.structure], self.shape]))

    @property
    def parts(self):
        """Energy per op in fJ of a clocked design, by what spends it: a list of (part, energy), or empty."""
        return [] if self.design.combinational else list((self.row.get("energy_fj_by_kind") or {}).items())

    @cached_property
    def key(self):
        """Equal for rivals: everything but the multiplier's arithmetic."""
        multiplier = self.design.multiplier
        shape = tuple(getattr(self.design, field.name) for field in fields(Design) if field.name != "multiplier")
        return self.technology, shape, multiplier.a, multiplier.b, multiplier.subnormals, multiplier.overflow

    @cached_property
    def rank(self):
        """Sorts rows for a reader: structure, width of the operands, policy, then exact before its replacements."""
        multiplier = self.design.multiplier
        return (list(STRUCTURES).index(self.structure), self.shape, multiplier.a.width + multiplier.b.width,
                multiplier.formats, multiplier.subnormals != "flush", self.operands, list(KINDS).index(self.kind),
                self.arithmetic)


@dataclass(frozen=True)
class Pair:
    """A design that adds instead of multiplying, and its exact rival: same structure, formats, policies, technology."""

    ours: Entry
    exact: Entry

    def ratio(self, measure):
        """Our figure over the exact rival's, or None where either is missing or their clocks differ."""
        ours, exact = measure.of(self.ours.row), measure.of(self.exact.row)
        if ours is None or not exact:
            return None
        if measure.clock and len({entry.row["at"][measure.clock]["clock_ps"] for entry in (self.ours, self.exact)}) > 1:
            return None
        return ours / exact


def entries(record):
    """The record's rows in reading order."""
    return sorted((Entry(row, parse(row["design"])) for row in record["rows"]), key=lambda entry: entry.rank)


def technologies(entries):
    """Names of the technologies, in the record's order."""
    return list(dict.fromkeys(entry.technology for entry in entries))


def groups(entries):
    """Rivals together, in reading order: a list of lists."""
    found = {}
    for entry in entries:
        found.setdefault(entry.key, []).append(entry)
    return list(found.values())


def pairs(entries):
    """Every L-Mul or Mitchell row that has an exact rival, in reading order."""
    return [Pair(entry, exact) for group in groups(entries) for exact in group if exact.kind == "exact"
            for entry in group if entry.design.multiplier.is_add]


def across(pairs):
    """Pairs of one design together, whatever the technology: a dict of slug to list, in reading order."""
    found = {}
    for pair in pairs:
        found.setdefault(pair.ours.design.slug, []).append(pair)
    return found


def headline(pairs):
    """The pairs that stand for L-Mul as it comes: the paper's offset, subnormals flushed on both sides."""
    return [pair for pair in pairs if pair.ours.is_default]


def verdicts(pairs, measures):
    """Sort designs by what their ratios say, in every technology and by every measure that has one: a dict of ``less``,
    ``more`` and ``same`` (no clear difference, or they disagree) to lists of (entry, the ratio least in its favour)."""
    found = {"less": [], "more": [], "same": []}
    for alike in across(pairs).values():
        ratios = [ratio for pair in alike for measure in measures if (ratio := pair.ratio(measure)) is not None]
        if ratios:
            word = "less" if max(ratios) <= 1 - MARGIN else "more" if min(ratios) >= 1 + MARGIN else "same"
            found[word].append((alike[0].ours, max(ratios)))
    return found


def finding(pairs):
    """Where L-Mul pays and where not, and for what error: words made from the rows of the default designs."""
    pairs = headline(pairs)
    judged = _judged(pairs)
    if judged is None:
        return ("No L-Mul design has an energy or LUTs beside its exact rival's, so this report cannot say whether "
                "L-Mul pays.")
    found, words = judged
    totals = Counter(alike[0].ours.structure for alike in across(pairs).values())
    sentences = [f"{words[verdict]} {_listed(found[verdict], totals)}." for verdict in words if found[verdict]]
    for key, adjective in (("fmax_mhz", "slower"), ("area_um2", "larger")):
        other = verdicts(pairs, [measure for measure in MEASURES if measure.key == key])
        worse = [(entry, ratio) for members in other.values() for entry, ratio in members if ratio >= 1 + MARGIN]
        sentences += [f"It is {adjective} in {_listed(worse, totals)}."] if worse else []
    return f"L-Mul / exact, worst technology and clock: {' '.join(sentences)}{_price(pairs)}"


def _judged(pairs):
    """Verdicts on the first of `COSTS` that the report has, and its words; or None."""
    for key, words in COSTS.items():
        found = verdicts(pairs, [measure for measure in MEASURES if measure.key == key])
        if any(found.values()):
            return found, words
    return None


def _listed(members, totals):
    """Designs by structure: all of it, several, or each by name; with the range of their ratios."""
    structures = {}
    for entry, ratio in members:
        structures.setdefault(entry.structure, []).append((entry, ratio))
    parts = []
    for structure, some in structures.items():
        name, total = STRUCTURES[structure], totals[structure]
        which = (f"every {name}" if len(some) == total > 1 else
                 f"the {name} of {' and '.join(' '.join([entry.operands, entry.shape]).strip() for entry, _ in some)}"
                 if len(some) < 3 else f"{len(some)} of {total} {name}s")
        parts.append(f"{which} ({_span([ratio for _, ratio in some], '{:.2f}'.format)})")
    return "; ".join(parts)


def _price(pairs):
    """What the narrow products lose in accuracy, as a sentence, or nothing where no error was measured."""
    errors = [[entry.row.get("mean_relative_error") for entry in (pair.ours, pair.exact)]
              for pair in pairs if pair.ours.structure == "mul"]
    errors = [both for both in errors if None not in both]
    if not errors:
        return ""
    ours, exact = (_span(side, percent).replace(" %", "\u00a0%") for side in zip(*errors, strict=True))
    return f" The price: a narrow product's mean relative error is {ours}, exact's {exact}."


def _span(values, show):
    low, high = show(min(values)), show(max(values))
    return low if low == high else f"{low} to {high}"
