"""From rows to figures: which panels a report shows, each with its title and, in words, what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..hdl.structures import STRUCTURES
from ..synth.figures import FIGURES, FRACTION
from ..synth.roles import ROLES
from . import plots
from .comparison import MEASURES, across, groups, headline, subject, technologies
from .document import Figure, Panel, number
from .theme import colour

if TYPE_CHECKING:
    from ..synth.rivals import Measure
    from .comparison import Entry, Pair

#: What errors are headed by.
ERROR, RESULT = (FIGURES[key].heading for key in ("mean_relative_error", "result_error"))


def measured(entries: list[Entry]) -> list[Measure]:
    """The measures that any of the rows has."""
    return [measure for measure in MEASURES if any(measure.of(entry.row) is not None for entry in entries)]


def ratio_figure(pairs: list[Pair], kind: str) -> Figure:
    """Ratios of the default designs to one kind of rival, a panel per measure."""
    pairs = headline(pairs)
    names = technologies([pair.ours for pair in pairs])
    panels, ours = [], subject(pairs)
    for measure in MEASURES:
        some = [pair for pair in pairs if pair.ratio(measure) is not None]
        used, families = technologies([pair.ours for pair in some]), {}
        for alike in across(some).values():
            found = {pair.ours.technology: (pair.ratio(measure), pair.whisker(measure)) for pair in alike}
            row = alike[0].ours.operands, [found.get(technology) for technology in used]
            families.setdefault(alike[0].ours.family, []).append(row)
        if some:
            title = f"{capital(measure.name)}: {ours} / {kind}"
            words = [f"{family}, {operands}: {', '.join(map(whiskered, found))}"
                     for family, rows in families.items() for operands, found in rows]
            drawing = plots.ratios(title, list(families.items()), [names.index(technology) for technology in used])
            panels.append(Panel(title, drawing, f"{title}, on {' and '.join(used)}. {'; '.join(words)}"))
    key = ", ".join(f"{mark} {name}" for mark, name in zip(plots.MARKS, names, strict=False))
    flushed = all(getattr(entry.design.multiplier, "subnormals", None) == "flush" for pair in pairs
                  for entry in (pair.ours, pair.rival))
    policy = ", both flushing subnormals" if pairs and flushed else ""
    return Figure(f"{ours} over {kind}{policy} ({key}). Left of the line at 1, {ours} is cheaper. Whiskers show the "
                  "margin of each ratio: where they reach the line there is no clear difference.", panels)


def whiskered(found: tuple[float, tuple[float, float]] | None) -> str:
    """A ratio and its whisker in words."""
    if found is None:
        return "–"
    value, whisker = found
    return ratio(value) + (f" ({whisker[0]:.2f} to {whisker[1]:.2f})" if whisker else "")


def ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


def bar_figure(title: str, entries: list[Entry]) -> Figure:
    """What each design needs by itself in every technology, rivals together."""
    panels, shown = [], [measure for measure in measured(entries) if measure.clock != "fast"]
    for technology in technologies(entries):
        some = _of(entries, technology)
        panels += [_bars(f"{technology}: {measure.name}{measure.unit and f', {measure.unit}'}", some,
                         lambda entry, measure=measure: measure.of(entry.row))
                   for measure in measured(some) if measure in shown]
    clock = ", area and energy at the relaxed clock" if any(measure.clock for measure in shown) else ""
    return Figure(f"{title}, rivals together{clock}. Where nothing is said of subnormals, they are flushed.", panels,
                  _key(entries))


def error_figure(entries: list[Entry]) -> Figure:
    """Mean relative errors: a matter of arithmetic, so one technology's rows stand for all, and larger designs, which
    would repeat their multipliers', are left out where there are multipliers."""
    once = list({entry.row["design"]: entry for entry in entries}.values())
    once = [entry for entry in once if entry.design.combinational] or once
    panels = [_bars(f"{capital(family)}: {ERROR}, {FRACTION}", [entry for entry in once if entry.family == family],
                    lambda entry: 100 * entry.row["mean_relative_error"])
              for family in dict.fromkeys(entry.family for entry in once)]
    return Figure(f"{capital(ERROR)}: of the product beside the exact, unrounded one; the same in every technology.",
                  panels, _key(once))


def result_figure(entries: list[Entry]) -> Figure:
    """Errors of the results of sums on the operands that drove them, rivals together; the same in every technology."""
    names = technologies(entries)
    once = [entry for entry in _of(entries, names[0]) if entry.row.get("result_error") is not None] if names else []
    panels = [_bars(f"{capital(STRUCTURES[structure].title)}: {RESULT}, {FRACTION}",
                    [entry for entry in once if entry.structure == structure],
                    lambda entry: 100 * entry.row["result_error"])
              for structure in dict.fromkeys(entry.structure for entry in once)]
    return Figure(f"{capital(RESULT)}, root mean square over that of the result, beside float64 sums of the operands "
                  "before they were rounded to any format.", panels, _key(once))


def curve_figure(entries: list[Entry], key: str, note: str = "") -> Figure:
    """A figure of the sweep over delay: a panel for each technology and each default design with its rivals."""
    panels, figure, delay = [], FIGURES[key], FIGURES["delay_ps"]
    for technology in technologies(entries):
        for group in groups(_of(entries, technology)):
            series = [(entry.arithmetic, colour(entry.kind), curve) for entry in group if (curve := _curve(entry, key))]
            if len(series) > 1 and any(entry.is_default for entry in group):
                title = f"{technology}: {group[0].setting}"
                words = [f"{label}: " + ", ".join(f"{number(y, 3)} at {number(x, 3)}" for x, y in curve)
                         for label, _, curve in series]
                drawing = plots.curves(f"{key} {group[0].structure} {title}", series, delay.title, figure.title)
                panels.append(Panel(title, drawing, f"{title}. {figure.heading} in {figure.unit} at a {delay.heading} "
                                                    f"in {delay.unit}. {'; '.join(words)}"))
    return Figure(f"{capital(figure.heading)} against delay, a point per netlist of the sweep: down and to the left is "
                  f"better.{note}", panels)


def _curve(entry, key):
    """(delay in ps, figure) of the sweep's points, fastest first."""
    points = [(point["delay_ps"], point[key]) for point in entry.row.get("curve") or []]
    return sorted(point for point in points if point[1] is not None)


def breakdown_figure(entries: list[Entry]) -> Figure:
    """Energy per op by role, a panel per technology; of the clocked designs."""
    panels, used, total = [], set(), FIGURES["energy_fj_per_op"]
    for technology in technologies(entries):
        some = [entry for entry in _of(entries, technology) if entry.parts]
        bars = [(group[0].setting, [(entry.arithmetic, entry.parts, entry.row["energy_fj_per_op"]) for entry in group])
                for group in groups(some)]
        if bars:
            used |= {part for entry in some for part, _ in entry.parts}
            title = f"{technology}: {total.title}"
            words = [f"{setting}, {label}: " + ", ".join(f"{part} {number(value, 3)}" for part, value in parts)
                     for setting, rows in bars for label, parts, _ in rows]
            drawn = [(setting, [(label, [(colour(part), value) for part, value in parts], whole)
                                for label, parts, whole in rows]) for setting, rows in bars]
            panels.append(Panel(title, plots.stacked(f"parts {some[0].structure} {title}", drawn),
                                f"{title}. {'; '.join(words)}"))
    parts = [*(role for role in ROLES if role in used), *sorted(used - set(ROLES))]
    return Figure("What the energy of a multiply-accumulate is spent for, at the relaxed clock. Registers and leakage "
                  "count where they belong; the clock is that of all registers. " + _meanings(parts), panels,
                  [(colour(part), part) for part in parts])


def _meanings(roles):
    """What belongs to roles, in a sentence."""
    return "; ".join(f"{role}: {ROLES[role]}" for role in roles if role in ROLES) + "."


def _of(entries, technology):
    return [entry for entry in entries if entry.technology == technology]


def _key(entries):
    titles = {}
    for entry in sorted(entries, key=lambda entry: entry.order):
        titles.setdefault(entry.kind, entry.title)
    return [(colour(kind), title) for kind, title in titles.items()]


def _bars(title, entries, figure):
    """A panel of one figure of each row, ``figure(entry)``."""
    bars = [(group[0].setting, [(entry.arithmetic, colour(entry.kind), figure(entry)) for entry in group])
            for group in groups(entries)]
    words = [f"{setting}: " + ", ".join(f"{label} {'no figure' if value is None else number(value, 3)}"
                                        for label, _, value in rows) for setting, rows in bars]
    return Panel(title, plots.bars(f"bars {entries[0].structure} {title}", bars), f"{title}. {'; '.join(words)}")
