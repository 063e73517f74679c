"""Somebody else's Verilog on a report's page: whether it agrees, and its figures beside the design's in whose place it
stands."""

from collections.abc import Iterator

from ..synth.figures import FIGURES, FRACTION
from ..synth.rivals import MEASURES
from . import charts
from .comparison import entries, foreign
from .document import Heading, Items, Table, number, percent

_SHOWN = ("area_um2", "gates", "flip_flops", "luts", "fmax_mhz", "energy_fj_per_op", "mean_relative_error",
          "driven_relative_error", "result_error")


def section(record: dict) -> list:
    """Blocks of a page: a heading, what each module is and whether it agrees, a table for each technology; or none."""
    theirs = foreign(record)
    if not theirs:
        return []
    blocks = [Heading("Somebody else's Verilog"), Items([
        "Each module has the ports of a design and stands in its place: mapped, timed and driven as that design is, at "
        "the same clock, with the same operands. Ratios are of the module over the design. Netlists were compared "
        "with the module's own Verilog.", *dict.fromkeys(map(_sentence, theirs))])]
    for technology in dict.fromkeys(entry.technology for entry in theirs):
        blocks += _table(technology, [entry for entry in theirs if entry.technology == technology], entries(record))
    return blocks


def lines(record: dict) -> Iterator[str]:
    """What a terminal shows of it: a line per module and technology."""
    for entry, ours in _beside(record):
        ratios = ", ".join(f"{measure.name} {charts.ratio(found)}" for measure in MEASURES
                           if ours and (found := measure.ratio(entry.row, ours.row)) is not None)
        yield f"{_name(entry)} / {entry.row['design']} in {entry.technology}: {ratios or 'no ratios'}"
    yield from dict.fromkeys(map(_sentence, foreign(record)))


def _beside(record):
    ours = {(entry.technology, entry.design): entry for entry in entries(record)}
    return [(entry, ours.get((entry.technology, entry.design))) for entry in foreign(record)]


def _name(entry):
    return f"{entry.row['source']['top']} (their Verilog)"


def _sentence(entry):
    source = entry.row["source"]
    late = f"; its latency is {source['latency']}" if not entry.design.combinational else ""
    return (f"{_name(entry)}, of {', '.join(source['verilog'])} (SHA-256 {source['sha256'][:12]}), in place of "
            f"{entry.row['design']}: {source['agrees']}{late}.")


def _table(technology, theirs, ours):
    """Modules and designs, line under line, and why figures are missing."""
    beside = {entry.design: entry for entry in ours if entry.technology == technology}
    shown = [each for entry in theirs for each in (entry, beside.get(entry.design)) if each]
    shown = list({id(entry): entry for entry in shown}.values())
    keys = [key for key in _SHOWN if any(entry.row[key] is not None for entry in shown)]
    measures = [measure for measure in MEASURES if any(
        measure.ratio(entry.row, beside[entry.design].row) is not None for entry in theirs if entry.design in beside)]
    lines, reasons = [], {}
    for entry in shown:
        rival = beside.get(entry.design) if entry.row["source"] else None
        name = _name(entry) if entry.row["source"] else f"`{entry.row['design']}`"
        for key in keys:
            if entry.row[key] is None:
                reasons.setdefault(entry.row["reasons"][key], set()).add(f"`{key}` of {name}")
        lines.append([name, *(_cell(entry.row[key], key) for key in keys), *(
            charts.ratio(measure.ratio(entry.row, rival.row)) if rival else "–" for measure in measures)])
    columns = ["module", *(FIGURES[key].title for key in keys), *(f"{each.name}, ratio" for each in measures)]
    table = Table(f"{technology}: somebody else's modules, and the designs in whose place they stand.", columns, lines)
    return [table, *([Items([f"{why}: {', '.join(sorted(names))}" for why, names in reasons.items()])]
                     if reasons else [])]


def _cell(value, key):
    return "–" if value is None else percent(value) if FIGURES[key].unit == FRACTION else number(value)
