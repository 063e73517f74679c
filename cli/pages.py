"""The report's pages: `report.md`, `report.html` and the terminal summary, all views of one record."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..hdl.structures import STRUCTURES
from ..synth.figures import FIGURES, FRACTION
from ..synth.record import OF_CELLS, OF_FPGAS
from ..synth.rivals import switched, undriven
from . import charts, foreign_page, tile_section
from .answer import answers, finding, judge, listed, unsaid
from .comparison import across, beside, cost, entries, technologies
from .document import Figure, Heading, Items, Page, Table, Text, number, percent, write

if TYPE_CHECKING:
    from .comparison import Entry

RATIOS = (
    "A ratio is a design over a rival. The exact one, in whose place the design stands, differs in the multiplier's "
    "arithmetic alone: same structure, formats, policies, technology and clock. Wide products of L-Mul have two rivals "
    "more: exact ones rounded, or cut, to as many bits as L-Mul adds. The last rival of a sum is that of integer "
    "products of the same structure and shape, of the widest measured, at the same clock. Below 1 the design is "
    "cheaper.")
CLOCKS = (
    "Rivals share two clocks. The relaxed one is long enough for the smallest netlist of each, the fast one just long "
    "enough for the fastest netlist of each; at either clock a design shows, of its netlists that meet it, that of the "
    "smallest area times energy. Tables and bars are at the relaxed clock. The shortest delay is that of a design's "
    "fastest netlist.")
READING = (
    "Each format, technology and clock is a comparison. A cell of the first table says what all comparisons of its "
    "structure say together, or in how many of them the arithmetic saves or costs; its range is that of them all. "
    "Errors of results are those of the operands that drove the netlists, of lone multipliers of all significands; "
    "they have no margin.",
    "A narrow product is rounded back to the operands' format; a wide one is not rounded and goes to an accumulator.",
    "L-Mul adds the operands' exponent-and-mantissa fields as integers, less the bias, plus an offset; Mitchell is the "
    "same without the offset (1962). The formula that the paper prints is another function once the mantissas carry.",
)

GLITCHES = {
    True: "Energy counts glitches: the netlists were simulated with the delays of their cells.",
    False: "Energy leaves glitches out: the netlists were simulated without delays. A multiplier array then shows "
           "about half of its power, and exact multipliers look better than they are.",
}

#: Figures that every row on an FPGA, and every row in a cell library, is expected to have.
FPGA_FIGURES, CELL_FIGURES = ("luts",), ("area_um2", "energy_fj_per_op", "fmax_mhz")

#: Cells left out that a page names.
FAULTS_SHOWN = 12


def write_pages(record: dict[str, Any], folder: Path) -> None:
    """Write ``report.html``, ``report.md`` and ``report.json``, as `document.write` does."""
    write("report", record, report_page(record), folder)


def report_page(record: dict[str, Any]) -> Page:
    """The report as a `Page`: the answer, its picture, then ratios, figures, every row, what is missing, and last the
    limits, how to read it, provenance."""
    rows, notes, rivals = entries(record), Notes(entries(record)), beside(record)
    told = answers(record)
    blocks = []
    for answer in told[:1]:
        blocks += [answer.table, Text("[Limits](#limits) and [how to read this](#how-to-read-this) stand below."),
                   charts.ratio_figure(rivals[answer.kind], answer.kind)]
    if told[1:]:
        blocks += [Heading("Beside other rivals"), *(block for answer in told[1:] for block in _told(answer))]
    blocks += tile_section.section(rows)
    blocks += [Heading("Ratios")] if rivals else []
    for kind, some in rivals.items():
        drawn = [] if told and kind == told[0].kind else [charts.ratio_figure(some, kind)]
        blocks += [*drawn, _ratio_table(some, kind), _margin_table(some, kind)]
    blocks += foreign_page.section(record)
    silent = [pair for some in rivals.values() for pair in some if pair.undriven]
    if silent:
        blocks += [Heading("Operands that are no evidence"), _undriven_table(silent)]
    for structure, declared in STRUCTURES.items():
        if some := [entry for entry in rows if entry.structure == structure]:
            blocks += [Heading(declared.heading), charts.bar_figure(declared.heading, some),
                       *([] if declared.tiled else [charts.breakdown_figure(some)]),
                       charts.curve_figure(some, "area_um2"),
                       charts.curve_figure(some, "energy_fj_per_op", " All at the relaxed clock.")]
    blocks += [Heading("Error"), charts.error_figure(rows), charts.result_figure(rows)]
    blocks += [Heading("Every row"), _glossary(rows)] if rows else []
    for technology in technologies(rows):
        blocks += [_row_table(technology, rows, notes), *_placed_table(technology, rows)]
    if notes.items:
        blocks += [Heading("Figures that are missing, and why"), Items(notes.items, numbered=True)]
    blocks += _method(record, rows)
    lead = [told[0].sentence, unsaid(record)] if told and told[0].sentence else [finding(record)]
    return Page(_title(told, rows), " ".join(filter(None, lead)), _filled(blocks))


def _told(answer):
    """What a report says of an arithmetic beside a rival."""
    return [*([Text(answer.sentence)] if answer.sentence else []), answer.table]


def _title(told, rows):
    """What the report is about: the first arithmetic that it judges, or what there is of its rows."""
    if told:
        return f"{told[0].title}: what it saves and what it costs"
    names = [measure.name for measure in charts.measured(rows) if measure.clock != "fast"]
    return f"Designs: {listed([*names, 'error'])}"


def _filled(blocks):
    """Blocks without figures that are empty and headings that nothing follows."""
    some = [block for block in blocks if not (isinstance(block, Figure) and not block.panels)]
    return [block for block, after in zip(some, [*some[1:], Heading("", 1)], strict=True)
            if not (isinstance(block, Heading) and isinstance(after, Heading) and after.level <= block.level)]


def _method(record, rows):
    """The limits, how figures were obtained, and what from."""
    cells, fpgas = ([entry for entry in rows if (entry.row["luts"] is None) == which] for which in (True, False))
    foreign_to = [*(() if cells or not fpgas else OF_CELLS), *(() if fpgas or not cells else OF_FPGAS)]
    blocks = [Heading("Limits"), Items([limit for limit in record["limits"] if limit not in foreign_to]),
              Heading("How to read this"), Items([
                  RATIOS, *([CLOCKS] if cells or not fpgas else []), *READING, *_scatter(record["scatter"]),
                  *([GLITCHES[record["operands"]["glitches"]]] if cells or not fpgas else []), *_proofs(rows)])]
    unused = [sentence for library in record.get("libraries", ()) for sentence in _left_out(library)]
    if unused:
        blocks += [Heading("Cells of the libraries that are not used"), Items(unused)]
    origins = [_origin_table(technology, rows) for technology in technologies(rows)]
    return [*blocks, Heading("Provenance"), provenance(record), *(table for table in origins if table.rows)]


def _scatter(scatter):
    """Where margins come from, in sentences."""
    others = sorted({each["of"] for each in scatter["margins"] if "known" in each["of"] or "widest" in each["of"]})
    return [f"{scatter['rule']} On different sides in different technologies or at different clocks is called no clear "
            f"difference too. Margins here follow from {scatter['runs']} runs of `lmul scatter` ({scatter['source']}).",
            *([f"Where the scatter of a pair's own technology or structure was not measured, its margin is "
               f"{', or '.join(others)}."] if others else [])]


def _proofs(rows):
    """How many netlists are proved, in a sentence, if any were to be."""
    states = [point["proof"]["state"] for entry in rows for point in entry.row["curve"] if point["proof"]]
    if not states:
        return []
    return [f"{states.count('proved')} of {len(states)} netlists put to proof are proved to compute, for every input, "
            "what the Verilog does: those of combinational designs, and with `--prove` of registered ones. The outputs "
            "of every netlist were compared with the golden model on the operands that drive it."]


#: Errors that stand beside ratios.
ERRORS = ("mean_relative_error", "driven_relative_error", "result_error")


def _by_technology(some):
    """Technologies of pairs, and the measures that each has."""
    return [(technology, charts.measured([pair.ours for pair in some if pair.ours.technology == technology]))
            for technology in technologies([pair.ours for pair in some])]


def _ratio_table(some, kind):
    measured, judged = _by_technology(some), cost(some)
    errors = [key for key in ERRORS
              if any(entry.row.get(key) is not None for pair in some for entry in (pair.ours, pair.rival))]
    lines = []
    for alike in across(some).values():
        ours, rival = alike[0].ours, alike[0].rival
        lines.append([f"`{ours.design.slug}`", *_cells(alike, measured, lambda pair, measure: charts.ratio(
            pair.ratio(measure))), judge(alike, judged).words,
            *(_error(entry, key) for key in errors for entry in (ours, rival)), f"`{rival.design.slug}`"])
    names = [measure.name for _, measures in measured for measure in measures]
    columns = ["design", *names, judged[0].name if judged else "verdict", *["its own", f"{kind}'s"] * len(errors),
               f"{kind} rival"]
    return Table(f"Ratios of each design to its {kind} rival: below 1, the design is cheaper.", columns, lines,
                 words=(0, len(names) + 1, len(columns) - 1),
                 groups=[("", 1), *((technology, len(measures)) for technology, measures in measured), ("verdict", 1),
                         *((FIGURES[key].title, 2) for key in errors), ("", 1)])


def _margin_table(some, kind):
    """Margins as factors: a ratio beyond its margin of 1 is a difference."""
    measured = _by_technology(some)
    lines = [[f"`{slug}`", *_cells(alike, measured, lambda pair, measure: "–" if pair.ratio(measure) is None
                                   or measure.name not in pair.margins else
                                   f"{math.exp(pair.margins[measure.name]):.2f}")]
             for slug, alike in across(some).items()]
    return Table(f"Margins of these ratios to {kind}, as factors: a ratio is a clear difference above its margin, "
                 "or below 1 over it.",
                 ["design", *(measure.name for _, measures in measured for measure in measures)], lines,
                 groups=[("", 1), *((technology, len(measures)) for technology, measures in measured)])


def _cells(alike, measured, cell):
    """``cell(pair, measure)`` of pairs of one design, by technology and measure."""
    found = {pair.ours.technology: pair for pair in alike}
    return [cell(found[technology], measure) if technology in found else "–"
            for technology, measures in measured for measure in measures]


def _undriven_table(some):
    """What the operands drove of pairs that they are no evidence for."""
    counts = ("zero", "flushed", "largest", "distinct", "total")
    lines, entries = [], (entry for pair in some for entry in (pair.ours, pair.rival))
    for entry in {(entry.technology, entry.design): entry for entry in entries}.values():
        codes = entry.row.get("operand_codes") or {}
        lines.append([f"`{entry.design.slug}`", entry.technology, undriven(entry.row) or "its rival's",
                      "–" if (part := switched(entry.row)) is None else percent(part),
                      *(str(codes[side][count]) if side in codes else "–" for side in "ab" for count in counts)])
    return Table("Pairs of which the operands drove too little: their energy, and areas of netlists chosen by it, are "
                 "not compared. Codes are those that drive the netlists: so many are zero, become zero, are at the "
                 "largest, are distinct, of how many.",
                 ["design", "technology", "why", "nets that switched", *counts, *counts], lines, words=(0, 1, 2),
                 groups=[("", 4), ("codes of a", len(counts)), ("codes of b", len(counts))])


def _error(entry, key):
    value = entry.row.get(key)
    return "–" if value is None else percent(value)


def _glossary(rows):
    """What the columns are that any row has a figure in."""
    return Table("What the columns are", ["figure", "meaning"],
                 [[figure.title, figure.meaning] for key, figure in FIGURES.items()
                  if any(entry.row.get(key) is not None for entry in rows)], words=(0, 1))


class Notes:
    """Why figures are missing: each reason numbered once, with the rows that it holds for."""

    def __init__(self, rows: list[Entry]) -> None:
        self.rows = rows
        self.totals = Counter(entry.technology for entry in rows)
        self.reasons = {}

    def mark(self, entry: Entry, key: str) -> str:
        """Note that the row lacks this figure, if it could have one; gives what stands in its place."""
        if not self._expected(entry, key):
            return "–"
        reason = entry.row["reasons"][key]
        places = self.reasons.setdefault(reason, {})
        places.setdefault((entry.technology, key), []).append(entry.row["design"])
        return f"– [{list(self.reasons).index(reason) + 1}]"

    def _expected(self, entry, key):
        """Whether a figure is of the kind of technology and of the structure: such rows have it, or are nothing
        without it."""
        counted = entry.row["luts"] is not None
        return key in (FPGA_FIGURES if counted else CELL_FIGURES) or any(
            other.row.get(key) is not None for other in self.rows
            if other.structure == entry.structure and (other.row["luts"] is not None) == counted)

    @property
    def items(self) -> list[str]:
        """A sentence for each reason, in the order of their numbers."""
        return [f"{reason}: {'; '.join(self._places(places))}" for reason, places in self.reasons.items()]

    def _places(self, places):
        """Figures, rows and technologies, those alike together."""
        keys, names = {}, {}
        for (technology, key), designs in places.items():
            every = len(designs) == self.totals[technology]
            which = "every row" if every else ", ".join(f"`{design}`" for design in designs)
            keys.setdefault((technology, which), []).append(f"`{key}`")
        for (technology, which), figures in keys.items():
            names.setdefault((", ".join(figures), which), []).append(technology)
        return [f"{figures} of {which} on {' and '.join(where)}" for (figures, which), where in names.items()]


def _row_table(technology, rows, notes):
    """Every figure of one technology. A column that is empty throughout is left to the notes."""
    some = [entry for entry in rows if entry.technology == technology]
    cells = {key: [_figure(entry, key, notes) for entry in some] for key in FIGURES}
    columns = {figure.title: cells[key] for key, figure in FIGURES.items()
               if any(entry.row.get(key) is not None for entry in some)}
    blocks = [entry.row.get("with_dsp") for entry in some]
    if all(blocks):
        columns |= {f"{FIGURES[key].title}, if DSP may be used": [number(block[key]) for block in blocks]
                    for key in ("luts", "dsp")}
    slugs = [f"`{entry.row['design']}`" for entry in some]
    counted = all(entry.row["luts"] is not None and not entry.row.get("placed") for entry in some)
    return Table(f"{technology}: every row" + (", counted after mapping, neither placed nor routed" if counted else ""),
                 ["design", *columns],
                 [list(line) for line in zip(slugs, *columns.values(), strict=True)])


def _placed_table(technology, rows):
    """What placement and routing gave, where there was any: a list of one table, or none."""
    placed = [entry for entry in rows if entry.technology == technology and entry.row.get("placed")]
    if not placed:
        return []
    about = placed[0].row["placed"]
    lines = []
    for entry in placed:
        found, routed = entry.row.get("placed"), entry.row["fmax_mhz"] is not None
        lines.append([
            f"`{entry.row['design']}`", number(entry.row["fmax_mhz"]) if routed else "–", _range(found),
            ", ".join(f"{count} {kind}" for kind, count in found["cells"].items()) if routed else "–",
            str(found["harness_flip_flops"]), " to ".join(f"`{cell}`" for cell in found["path"]) if routed else "–",
        ])
    seeds = ", ".join(map(str, about["seeds"]))
    return [Table(f"{technology}: placed and routed on {about['device']} by {about['tool']}, without multiplier "
                  f"blocks, seeds {seeds}. Each design stands in a harness of registers: cells used are those of both. "
                  "The path is the slowest seed's.",
                  ["design", "median fmax, MHz", "lowest to highest, MHz", "cells used", "registers of the harness",
                   "longest path"], lines, words=(0, 3, 5))]


def _range(placed):
    """The lowest and the highest clock of all seeds."""
    clocks = placed["fmax_mhz"]
    return f"{number(min(clocks))} to {number(max(clocks))}" if clocks else "–"


def _figure(entry, key, notes):
    value = entry.row.get(key)
    if value is None:
        return notes.mark(entry, key)
    return percent(value) if FIGURES[key].unit == FRACTION else number(value)


def _origin_table(technology, rows):
    """How each row's figures were obtained."""
    lines = []
    for entry in rows:
        row = entry.row
        if entry.technology == technology and "relaxed" in row["at"]:
            activity, path = row["activity"], row["path"]
            lines.append([
                f"`{row['design']}`", row["at"]["relaxed"]["script"],
                f"{activity['nets_that_switched']} of {activity['nets']}" if activity else "–",
                str(activity["vectors"]) if activity else "–",
                f"`{path[0]['pin']}` to `{path[-1]['pin']}`, {len(path)} pins" if path else "–",
            ])
    return Table(f"{technology}: where each row's figures come from; the path in full is in report.json",
                 ["design", "mapped by", "nets that switched", "vectors", "longest path"], lines, words=(0, 1, 4))


_UNUSED = ("left_out", "faults", "dont_use")


def _left_out(library):
    """How many cells of a library were not used, and why, in a sentence for each of the ways."""
    name, cells = library["name"], library.get("cells")
    kinds, faults, forbidden = (library.get(key) or {} for key in _UNUSED)
    if faults:
        some = "; ".join(list(faults.values())[:FAULTS_SHOWN])
        more = f"; and {len(faults) - FAULTS_SHOWN} more, in `report.json`" if len(faults) > FAULTS_SHOWN else ""
        yield (f"{name}: {len(faults)} of {cells} cells {'is' if len(faults) == 1 else 'are'} left out for what the "
               f"description lacks or says: {some}{more}.")
    if forbidden:
        yield f"{name}: {len(forbidden)} of {cells} cells have `dont_use`, or were named so: {', '.join(forbidden)}."
    if kinds:
        yield (f"{name}: {sum(kinds.values())} of {cells} cells are of kinds that logic is not mapped to: "
               + "; ".join(f"{count} as {reason}" for reason, count in kinds.items()) + ".")


def provenance(record: dict[str, Any]) -> Table:
    """Everything else that the record says, key by key."""
    made_from = record | {"libraries": [{key: value for key, value in library.items() if key not in _UNUSED}
                                        for library in record.get("libraries", ())]}
    facts = [[name.replace("_", " "), _words(value)] for key in record if key not in ("rows", "limits", "scatter")
             for name, value in _leaves(made_from[key], key)]
    return Table("What the report was made from", ["what", "value"], facts, words=(0, 1))


def _leaves(tree, path):
    """(path, value) of everything inside a nest of dicts and lists; a named dict in a list goes by its name."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, f"{path}, {key}")
    elif isinstance(tree, list) and all(isinstance(each, dict) for each in tree):
        for index, each in enumerate(tree, 1):
            yield from _leaves({key: value for key, value in each.items() if key != "name"},
                               f"{path}, {each.get('name', index)}")
    else:
        yield path, tree


def _words(value):
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    if value is None:
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def summary(record: dict[str, Any]) -> str:
    """The report in about a dozen plain lines: the first table of the page, then the finding for all."""
    lines = [line for answer in answers(record)[:1] for line in answer.text()]
    odd = [f"{library['name']}: {len(faults)} of {library['cells']} cells left out; the page says why"
           for library in record.get("libraries", ()) if (faults := library.get("faults"))]
    return "\n".join([*lines, *_placed_lines(record), *foreign_page.lines(record),
                      *textwrap.wrap(finding(record), 100), *odd])


def _placed_lines(record):
    """The clocks that FPGAs reached, a line per design."""
    rows = [entry.row for entry in entries(record) if entry.row.get("placed") and entry.row["fmax_mhz"] is not None]
    width = max((len(row["design"]) for row in rows), default=0)
    for device in dict.fromkeys(row["placed"]["device"] for row in rows):
        some = [row for row in rows if row["placed"]["device"] == device]
        yield f"{device} after routing, median and range of {len(some[0]['placed']['seeds'])} seeds"
        yield f"{'':{width}}{'LUTs':>7}{'carry':>7}{'registers':>11}{'fmax, MHz':>11}"
        yield from (f"{row['design']:{width}}{row['luts']:>7}{row['carry']:>7}{row['flip_flops']:>11}"
                    f"{number(row['fmax_mhz']):>11}  {_range(row['placed'])}" for row in some)
