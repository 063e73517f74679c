"""Energy per operation: Horowitz's table, from which the paper's percentages come, beside what was measured."""

import math
from collections.abc import Sequence

from ..hdl.designs import parse
from ..synth import rivals
from .figures import Figures, rival
from .published import HOROWITZ, OPERATION_PJ, SAVINGS
from .rows import Row, named
from .verdict import check, claim, within

FORMATS = ("fp32", "fp16", "bf16", "e4m3", "e5m2", "bf16xe4m3")

#: Structures by name: the slug around its multiplier.
STRUCTURES = {"narrow multiplier": "mul_{}", "wide multiplier": "prod_{}",
              "multiply-accumulate into fp32": "mac_{}_fp32", "16-lane dot product into fp32": "dot_{}_fp32_16",
              "8x8 array into fp32": "array_{}_fp32_8x8_os"}
LONE, SUMS = list(STRUCTURES)[:2], list(STRUCTURES)[2:]

WINDOWS = {"fp32": "_w48"}  # of a dot product, where 32 bits are too few for the exact product

#: Structures of which the quick form measures these formats alone, whose mapping and simulation are quick.
QUICK = {LONE[1]: FORMATS[1:], SUMS[0]: ("bf16", "e4m3"), SUMS[1]: (), SUMS[2]: ()}

ROUNDING = 0.025  # claimed savings are rounded to 5 %


def design(structure: str, formats: str) -> str:
    """The slug of L-Mul in one of `STRUCTURES`, subnormals flushed."""
    slug = STRUCTURES[structure].format(f"lmul_{formats}")
    return slug + WINDOWS.get(formats, "") if slug.startswith("dot") else slug


def horowitz() -> list[Row]:
    """The paper's savings from Horowitz's table, as the arithmetic goes."""
    pj = OPERATION_PJ
    sums = [
        {"what": "fp32 multiplication by int32 addition", "saving": 1 - pj["int32 add"] / pj["fp32 mul"],
         "sum": "1 - 0.1 / 3.7", "claimed": "multiplier"},
        {"what": "fp16 multiplication by int16 addition", "saving": 1 - pj["int16 add"] / pj["fp16 mul"],
         "sum": "1 - 0.05 / 1.1", "claimed": "multiplier"},
        {"what": "fp32 multiply-add by int32 and fp32 addition",
         "saving": 1 - (pj["int32 add"] + pj["fp32 add"]) / (pj["fp32 mul"] + pj["fp32 add"]),
         "sum": "1 - (0.1 + 0.9) / (3.7 + 0.9)", "claimed": "dot"},
        {"what": "fp16 multiply-add by int16 and fp16 addition",
         "saving": 1 - (pj["int16 add"] + pj["fp16 add"]) / (pj["fp16 mul"] + pj["fp16 add"]),
         "sum": "1 - (0.05 + 0.4) / (1.1 + 0.4)", "claimed": "dot"},
    ]
    return [named(f"energy/table/{number}", **each) for number, each in enumerate(sums, 1)]


def part(figures: Figures) -> Row:
    """This part of the record; its ``finding`` is the `sentence` of the savings."""
    return {"operation_pj": OPERATION_PJ, "source": HOROWITZ, "derived": horowitz(), "savings": savings(figures),
            "other_rivals": other_rivals(figures)}


def savings(figures: Figures) -> list[Row]:
    """Rows of structure, formats and technology: both energies per op in fJ at one clock, what L-Mul saves, the
    margin of their ratio in its logarithm, and the verdict of that.
    Those of `STRUCTURES` and `FORMATS`, measured or not, and any other pair of rivals in the record; but no tiles:
    they are a part of their own."""
    wanted = [(name, formats, design(name, formats)) for name in STRUCTURES for formats in FORMATS]
    known = {slug for *_, slug in wanted}
    for slug in figures.designs:
        found = parse(slug)
        spec = found.multiplier
        another = spec.name == f"lmul_{spec.formats}" and slug not in known and not found.declared.tiled
        if another and rival(slug) in figures.designs:
            wanted.append((slug.replace(f"{spec.name}_", "", 1).replace("_", " "), spec.formats, slug))
    rows = []
    for name, formats, slug in wanted:
        for technology in figures.libraries:
            row = {"row": f"energy/{slug}", "structure": name, "formats": formats, "technology": technology,
                   "design": slug, "rival": rival(slug), "slow": formats not in QUICK.get(name, FORMATS)}
            rows.append(row | saved(figures, slug, rival(slug), technology))
    return [_renamed(row, "rival_fj_per_op", "exact_fj_per_op") for row in rows]


def other_rivals(figures: Figures) -> list[Row]:
    """Rows as those of `savings`, of its designs beside their other rivals in the record, such as sums of integers:
    ``rival_fj_per_op`` stands in the place of ``exact_fj_per_op``. The claims are not judged by them."""
    known = {slug: parse(slug) for slug in figures.designs}
    slugs = {design: slug for slug, design in known.items()}
    others = {}
    for design, other in rivals.pairs(known.values()):
        others.setdefault(slugs[design], []).append(slugs[other])
    return [{"row": f"{row['row']}/{other}"}
            | {key: row[key] for key in ("structure", "formats", "technology", "design")} | {"rival": other}
            | saved(figures, row["design"], other, row["technology"])
            for row in savings(figures) for other in others.get(row["design"], ()) if other != row["rival"]]


def _renamed(row, old, new):
    return {new if key == old else key: value for key, value in row.items()}


def saved(figures: Figures, slug: str, other: str, technology: str) -> Row:
    """What a design saves beside another, at one clock: figures of a row, or in ``missing`` why there are none."""
    key = "energy_fj_per_op"
    mine, theirs = (figures.of(each, technology, key) for each in (slug, other))
    row = {"lmul_fj_per_op": mine, "rival_fj_per_op": theirs, "clock_ps": figures.of(slug, technology, "clock_ps"),
           "saving": None, "margin": figures.margin(slug, other, "energy", technology), "verdict": None,
           "missing": None, "designs": [slug, other], "command": figures.command([slug, other], technology)}
    if mine is None or theirs is None:
        row["missing"] = figures.reason(slug, key, technology) or figures.reason(other, key, technology)
        return row
    beside = rivals.beside(figures.rows[other, technology], figures.rows[slug, technology])
    row["rival_fj_per_op"] = theirs = beside[key]
    if row["clock_ps"] != beside["clock_ps"]:
        row["missing"] = f"`{slug}` and `{other}` were measured at different clocks: measure them in one report"
    elif silent := figures.undriven([slug, other], technology):
        row["missing"] = silent
    elif row["margin"] is None:
        row["missing"] = f"the scatter of `{slug}` beside `{other}` is not known"
    else:
        row["saving"] = 1 - mine / theirs
        row["verdict"] = {True: "less", False: "more", None: "no clear difference"}[
            within(mine / theirs, 1, row["margin"])]
    return row


def claims(figures: Figures) -> list[Row]:
    """The claims about energy, judged."""
    rows, derived = savings(figures), []
    for each in horowitz():
        least = SAVINGS[each["claimed"]] - ROUNDING
        derived.append(check(each["what"], f"saves at least {100 * least:g} %, as claimed figures are rounded to 5 %",
                             f"{each['sum']} = {100 * each['saving']:.1f} %", each["saving"] >= least,
                             command=each["command"]))
    judged = [claim("energy-table", "The 95 % (multiplication) and 80 % (dot product) follow from Horowitz's table of "
                    "energies at 45 nm.", "energy", derived)]
    for name, text, kind, structures in (
            ("energy-95", "Up to 95 % less energy for element-wise multiplication.", "multiplier", LONE),
            ("energy-80", "80 % less energy for dot products.", "dot", SUMS)):
        least = SAVINGS[kind] - ROUNDING
        criterion = f"saves at least {100 * least:g} %"
        checks = [_check(row, criterion, least) for row in rows if row["structure"] in structures]
        judged.append(claim(name, text, "energy", checks))
    return judged


def _check(row, criterion, least):
    """Whether a row saves at least this part."""
    holds = None if row["saving"] is None else within(1 - row["saving"], 1 - least, row["margin"])
    unclear = None if holds is not None or row["missing"] else f"within a factor of {math.exp(row['margin']):.2f}"
    return check(f"{row['structure']}, {row['formats']}, {row['technology']}", criterion, _measured(row), holds,
                 row["missing"], row["designs"], row["command"], unclear)


def _measured(row):
    if row["saving"] is None:
        return ""
    lmul, exact = (f"{value:.4g}" if value < 1000 else f"{value:.0f}"
                   for value in (row["lmul_fj_per_op"], row["exact_fj_per_op"]))
    return f"{lmul} against {exact} fJ: {100 * row['saving']:.1f} %"


def sentence(rows: Sequence[Row]) -> str:
    """For which formats and structures L-Mul pays, and how much, in one sentence made from rows of `savings`: it does
    where the verdict is ``less`` in every technology."""
    pays, does_not, unknown = [], [], []
    for name in dict.fromkeys(row["structure"] for row in rows):
        found = {}
        for row in rows:
            if row["structure"] == name:
                found.setdefault(row["formats"], []).append(row)
        measured = {formats: some for formats, some in found.items() if not any(row["missing"] for row in some)}
        clear = {formats for formats, some in measured.items() if {row["verdict"] for row in some} == {"less"}}
        for words, which in ((pays, clear), (does_not, measured.keys() - clear)):
            if which:
                parts = [f"{formats} {spread([row['saving'] for row in some])}" for formats, some in measured.items()
                         if formats in which]
                words.append(f"{name} ({', '.join(parts)})")
        absent = [formats for formats in found if formats not in measured]
        if absent:
            unknown.append(f"{name} ({', '.join(absent)})" if measured else name)
    where = " and ".join(dict.fromkeys(row["technology"] for row in rows))
    words = (f"Beside the exact design, on {where}, L-Mul saves energy in the {', the '.join(pays)}" if pays else
             f"In nothing that was measured does L-Mul clearly save energy on {where}")
    if does_not:
        words += ("; it does not clearly pay, beyond the scatter and in every technology, in the "
                  f"{', the '.join(does_not)}")
    return words + (f"; not measured here: the {', the '.join(unknown)}." if unknown else ".")


def spread(values: Sequence[float]) -> str:
    """Savings in whole per cent, lowest and highest."""
    low, high = (round(100 * value) for value in (min(values), max(values)))
    return f"{low} %" if low == high else f"{low} to {high} %"
