"""What a report answers first: each arithmetic beside each kind of rival, a line for every structure, in words.

A *comparison* is the ratio of a design to its rival in one technology, by one figure, at one clock. Lines and lead tell
of the default designs; what is said of several comparisons is said with their number and their range.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..hdl.structures import STRUCTURES
from ..synth.rivals import MEASURES, Measure
from .charts import RESULT, capital
from .comparison import Pair, across, beside, cost, entries, headline, technologies
from .document import Table, percent

#: What lines are judged by, as columns stand: keys of measures, which at either clock count together.
COLUMNS = ("area_um2", "energy_fj_per_op", "luts", "fmax_mhz")

#: By verdict: of all comparisons, in a sentence about a figure, and of an error beside another.
WORDS = {"less": ("saves", "saves {} in", "smaller"),
         "same": ("no difference", "makes no clear difference to {} in", "the same"),
         "more": ("costs", "costs {} in", "larger")}


@dataclass(frozen=True)
class Judgement:
    """What several verdicts say together.

    Parameters
    ----------
    verdicts : list of str
        ``less``, ``same`` and ``more``, one for each comparison.
    detail : str
        The range of what was compared.
    against : str
        The rival's, where ``detail`` has one side's.
    without : str
        In place of words where there are no verdicts.
    """

    verdicts: list[str]
    detail: str = ""
    against: str = ""
    without: str = ""

    @property
    def tone(self) -> str:
        """The verdict of all, ``same`` where they disagree, or "" where there is none."""
        return "" if not self.verdicts else self.verdicts[0] if self.agreed else "same"

    @property
    def agreed(self) -> bool:
        return len(set(self.verdicts)) == 1

    @property
    def words(self) -> str:
        if not self.verdicts:
            return self.without
        if self.agreed:
            return WORDS[self.verdicts[0]][0]
        some = [f"{WORDS[verdict][0]} in {count}" for verdict in ("less", "more")
                if (count := self.verdicts.count(verdict))]
        return f"{', '.join(some)} of {len(self.verdicts)}"

    @property
    def text(self) -> str:
        """The cell of a table: words, and on the next line what they rest on."""
        return "\n".join(filter(None, [self.words, ", ".join(filter(None, [self.detail, self.against]))]))


@dataclass(frozen=True)
class Line:
    """One structure: its pairs, and the judgement by key of `COLUMNS`; of errors by that of the error."""

    structure: str
    pairs: list[Pair]
    cells: dict[str, Judgement]
    error: Judgement

    @property
    def name(self) -> str:
        """What it is called: a multiplier by itself is a lone one."""
        declared = STRUCTURES[self.structure]
        return declared.title if not self._lone else f"lone {'wide ' if declared.wide else ''}multiplier"

    @property
    def plural(self) -> str:
        heading = STRUCTURES[self.structure].heading
        return f"{self.name}s" if self._lone else heading[0].lower() + heading[1:]

    @property
    def _lone(self):
        return self.pairs[0].ours.design.combinational

    @property
    def about(self) -> str:
        """Formats and shapes in words."""
        ours = [pair.ours for pair in self.pairs]
        product = STRUCTURES[self.structure].title if self._lone else ""
        shapes = dict.fromkeys(entry.design.declared.shape.describe(entry.design) for entry in ours)
        sums = dict.fromkeys(f"sums in {entry.design.accumulator.name}" for entry in ours if entry.design.accumulator)
        formats = ", ".join(dict.fromkeys(entry.operands for entry in ours))
        return "; ".join(filter(None, [product, formats, *sums, *shapes]))


@dataclass(frozen=True)
class Answer:
    """One arithmetic beside one kind of rival, by their names, and the pairs of both."""

    ours: str
    kind: str
    pairs: list[Pair]

    @property
    def title(self) -> str:
        return f"{self.ours} instead of {self.kind}"

    @property
    def columns(self) -> list[tuple[str, list[Measure]]]:
        """(key, measures) of `COLUMNS` that any line has."""
        found = [(key, [measure for measure in MEASURES if measure.key == key]) for key in COLUMNS]
        return [(key, some) for key, some in found
                if any(pair.ratio(measure) is not None for pair in self.pairs for measure in some)]

    @property
    def names(self) -> list[str]:
        """What the columns are called, the error's last."""
        errors = [RESULT] if any(line.error.verdicts for line in self.lines) else []
        return [*(measures[0].name for _, measures in self.columns), *errors]

    @property
    def lines(self) -> list[Line]:
        """From the largest structure to the lone multiplier."""
        found = {}
        for pair in self.pairs:
            found.setdefault(pair.ours.structure, []).append(pair)
        order = sorted(found, key=list(STRUCTURES).index, reverse=True)
        return [Line(structure, some := found[structure], {key: judge(some, measures)
                                                           for key, measures in self.columns}, _erring(some))
                for structure in order]

    @property
    def table(self) -> Table:
        """The answer as a page has it."""
        rows, tones = [], {}
        for number, line in enumerate(self.lines):
            cells = [*line.cells.values(), *([line.error] if RESULT in self.names else [])]
            rows.append([f"{capital(line.name)}\n{line.about}", *(cell.text or "–" for cell in cells)])
            tones |= {(number, column): cell.tone for column, cell in enumerate(cells, 1) if cell.tone}
        where = listed(technologies([pair.ours for pair in self.pairs]))
        clocks = ", at both clocks" if any(measure.clock for _, some in self.columns for measure in some) else ""
        return Table(f"{self.title}: what it changes, on {where}{clocks}. Ranges are from the least to the greatest "
                     "change; a change within its margin is no clear difference.",
                     ["structure", *self.names], rows, words=tuple(range(len(self.names) + 1)), tones=tones,
                     stacked=True)

    @property
    def sentence(self) -> str:
        """The verdicts on what it is judged by, and on the error; or nothing."""
        judged = cost(self.pairs)
        if not judged:
            return ""
        found, errors = {}, {}
        for line in self.lines:
            cell = line.cells[judged[0].key]
            if cell.verdicts:
                verb = WORDS[cell.tone][1] if cell.agreed else "makes no consistent difference to {} in"
                counted = "" if cell.agreed else f"{cell.words}: "
                found.setdefault(verb.format(judged[0].name), []).append(f"{line.plural} ({counted}{cell.detail})")
            if line.error.verdicts:
                words = WORDS[line.error.tone][2] if line.error.agreed else "not the same for all formats"
                errors.setdefault(words, []).append(line.plural)
        words = listed(f"{verb} {listed(some)}" for verb, some in found.items())
        all_alike = " in all of them" if len(self.lines) > 1 else ""
        priced = "; ".join(words + (all_alike if len(errors) == 1 else f" in {listed(some)}")
                           for words, some in errors.items())
        return f"{self.title} {words}." + (f" Its error of the result is {priced}." if priced else "")

    def text(self) -> list[str]:
        """The table as lines for a terminal, two for a structure."""
        rows = [(capital(line.name), [*line.cells.values(), line.error]) for line in self.lines]
        lines = [f"{self.title}: change", f"{'':20}" + "".join(f"{name:<18}" for name in self.names)]
        for name, cells in rows:
            lines.append(f"{name:<20}" + "".join(f"{cell.words or '–':<18}" for cell in cells[:-1])
                         + " ".join(filter(None, [cells[-1].words and f"{cells[-1].words}:", cells[-1].detail])))
            lines.append(f"{'':20}" + "".join(f"{cell.detail:<18}" for cell in cells[:-1]) + cells[-1].against)
        return [line.rstrip() for line in lines]


def answers(record: dict[str, Any]) -> list[Answer]:
    """All that a record answers, the arithmetic first that stands in its rival's place: a list, maybe empty."""
    found = {kind: headline(some) for kind, some in beside(record).items()}
    titles = dict.fromkeys(pair.ours.title for some in found.values() for pair in some)
    told = [Answer(title, kind, [pair for pair in some if pair.ours.title == title])
            for title in titles for kind, some in found.items()]
    return [answer for answer in told if answer.pairs and (answer.columns or any(
        line.error.verdicts for line in answer.lines))]


def finding(record: dict[str, Any]) -> str:
    """Where designs pay beside their rivals and where not, for what error: a few sentences made from the rows."""
    sentences = [*(answer.sentence for answer in answers(record)), unsaid(record)]
    if not any(sentences):
        names = dict.fromkeys(entry.title for entry in entries(record) if entry.design.multiplier.rival)
        name = next(iter(names), "")
        return (f"No {name + ' ' if name else ''}design has an energy or LUTs beside a rival's, so this report cannot "
                f"say whether {name or 'any of them'} pays.")
    return " ".join(filter(None, sentences))


def unsaid(record: dict[str, Any]) -> str:
    """Where the operands are no evidence, as a sentence, or nothing."""
    silent = across([pair for some in beside(record).values() for pair in headline(some) if pair.undriven])
    if not silent:
        return ""
    why = "; ".join(dict.fromkeys(filter(None, (alike[0].undriven for alike in silent.values()))))
    names = {}
    for alike in silent.values():
        names.setdefault(STRUCTURES[alike[0].ours.structure].title, {})[alike[0].ours.operands] = None
    told = "; ".join(f"the {title} of {listed(operands)}" for title, operands in names.items())
    return f"No verdict on {told}: these operands are no evidence ({why})."


def judge(pairs: Sequence[Pair], measures: Sequence[Measure]) -> Judgement:
    """What the ratios of pairs say together, by measures of one figure."""
    found = [(pair.verdict(measure), ratio) for pair in pairs for measure in measures
             if (ratio := pair.ratio(measure)) is not None]
    if not found:
        silent = any(pair.undriven for pair in pairs)
        return Judgement([], without="no verdict" if silent else "not measured",
                         detail="operands are no evidence" if silent else "")
    return Judgement([verdict for verdict, _ in found if verdict], _span([ratio for _, ratio in found], _change),
                     without="no margin known")


def _erring(pairs):
    """Errors of the results, of lone products of these: they belong to no technology, and have no margin."""
    key = "result_error" if any(pair.ours.row.get("result_error") is not None for pair in pairs) else \
        "mean_relative_error"
    found = [(ours, theirs) for pair, *_ in across(pairs).values()
             if None not in (ours := pair.ours.row.get(key), theirs := pair.rival.row.get(key))]
    if not found:
        return Judgement([])
    ours, theirs = (_span(side, percent) for side in zip(*found, strict=True))
    return Judgement([_larger(*errors) for errors in found], ours, f"{pairs[0].rival.title} {theirs}")


def _larger(ours, theirs):
    """The verdict on an error: what shows the same is the same."""
    return "same" if percent(ours) == percent(theirs) else "less" if ours < theirs else "more"


def listed(words: Iterable[str]) -> str:
    """Words as a sentence has them, with "and" before the last."""
    *rest, last = words
    return f"{', '.join(rest)} and {last}" if rest else last


def _change(ratio):
    """A ratio as the change that it is, in whole per cent."""
    whole = round(100 * (ratio - 1))
    return f"{whole:+d} %" if whole else "0 %"


def _span(values: Sequence[float], show):
    low, high = (show(value).replace(" %", "\u00a0%") for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
