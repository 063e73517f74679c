"""The pages of ``lmul claims``: `claims.md` and `claims.html`, views of one record, `claims.json`."""

import math
import textwrap
from pathlib import Path

from ..claims.energy import LONE
from ..claims.error import OPERANDS, WAYS, WHOLE
from ..claims.rows import Row
from ..claims.run import counts
from ..claims.verdict import result
from ..golden.files import atomic_write
from . import language_page, language_plot, plots
from .charts import capital, whiskered
from .document import Figure, Heading, Items, Page, Panel, Table, Text, number, percent, write

#: Measures of relative errors: what they are called, and what they are shown in.
MEASURES = {"mean": ("mean error, %", 100), "mean_signed": ("mean signed error, %", 100),
            "mean_square": ("mean square error, ppm", 1e6), "worst": ("worst error, %", 100)}
COLOURS = dict(zip((name for name, *_ in WAYS), ("blue", "sky", "other-1", "other-3", "other-2", "orange"),
                   strict=True))
NONE = "–"

#: Verdicts in a sentence, of one claim and of several.
LEAD = {"holds": ("holds", "hold"),
        "holds only for": ("holds only for some conditions", "hold only for some conditions"),
        "does not hold": ("does not hold", "do not hold"),
        "no clear difference": ("rests on no clear difference", "rest on no clear difference"),
        "not measured": ("not measured", "not measured")}
AGAIN = "measure again"  # head of the column with the rows' commands

#: What a reader must know of a table; lines are joined.
NOTES = {name: " ".join(text.split()) for name, text in {
    "error": """
        Products of significands against the exact product of the same operands, exponents aside. Add is the
        integer addition that the RTL builds, with the offset named; the printed formula is the paper's. Uniform
        mantissas are every pair once; Gaussian numbers and the recording are 65,536 pairs rounded to the width.""",
    "framings": """
        The paper's expectations, of operands with 7 bits truncated to k: f1 is what truncation loses, f1 + f2
        what is lost with L-Mul. They are signed: errors of opposite sign cancel, and the error of a multiplier
        that truncates its operands is all of one sign.""",
    "pencil": """
        The printed counts come out exactly when an XOR counts as four NANDs, AND and OR as one: half adder 5,
        full adder 11. An exact product is then an XOR, (m+1)^2 ANDs, 3 half adders and 2m - 2 full adders, and
        three 8-bit adders; an L-Mul is an XOR and two adders, of 8 and 7 bits at fp8, of 16 and 8 at fp16. The
        widths 7 and 8 are found from the figures, by no one rule.""",
    "full count": """
        With an XOR counted as one gate the same parts give other figures. Nor are the parts a multiplier's: an
        array that adds up every partial product has m + 1 half adders and m^2 - 1 full adders, and exponents need
        adders of their own width. The full count has those, a multiplexer per bit to normalise, and half adders
        to round. And at three mantissa bits or fewer nobody need multiply: the exact product, correctly rounded, is
        the L-Mul's first adder with a carry in, and no second one. Its count has a multiplexer for each node of the
        carry's decision diagram.""",
    "attention": """
        Each tensor is rounded to the format with one scale, and products are summed in fp32, bit-exact to the
        hardware. Scope attention replaces the products of queries by keys and of attention weights by values;
        scope all the linear layers too. The partner of a sentence says the same in other words.""",
    "corrections": """
        What costs little: another offset; a scale folded into a factor that the output has anyway, which takes
        the mean error out; guard bits in the wide product, so that the offset can be finer than the last place.
        The RTL has every offset and no guard bits: what those cost is not measured.""",
    "fpga": """
        Placed by hand on UltraScale+ with LUT6_2 and CARRY8, registers at inputs and outputs (e4m3: 25
        flip-flops, 4 CARRY8, 617 MHz, 1.34 mW). Ours are mapped to 7-series by Yosys, without registers or
        placement, and count a LUT for each function, where a LUT6_2 holds two of five inputs; `lmul multipliers
        --luts` counts those, with their policies. What a narrow
        product takes beyond the wide one of its kind is the price of staying in range. They give no exact FP8
        multiplier beside theirs.""",
    "ucsd": """
        The exact multiplier's subnormals and rounding are much of what it costs, so the policy and the product's
        form move the ratio, as the rows show; in a multiply-accumulate the fp32 adder dilutes it.""",
}.items()}



def write_claims(record: Row, folder: str | Path) -> list[str]:
    """Write ``claims.html``, ``claims.md`` and ``claims.json``, as `document.write` does, and where a language model
    was run ``perplexity.svg``; their names."""
    write("claims", record, claims_page(record), folder)
    some = language_plot.points(record.get("language", {}).get("rows", ()))
    if some:
        with atomic_write(Path(folder) / "perplexity.svg") as file:
            file.write(language_plot.file(some))
    return ["claims.html", "claims.md", "claims.json", *["perplexity.svg"] * bool(some)]


def claims_page(record: Row) -> Page:
    """The claims as a `Page`: verdicts, the checks behind each, then every part's figures."""
    blocks = [Heading("Verdicts"), _verdicts(record), *_measured(record), Text(record["rule"]), Heading("The checks")]
    blocks = blocks if record["claims"] else []
    for claim in record["claims"]:
        blocks += _checks(claim)
    for name, part in PARTS.items():
        if name in record["parts"]:
            blocks += part(record[name])
    blocks = [block for block in blocks if not _is_empty(block)]
    return Page("The claims of the L-Mul paper, measured", lead(record), blocks + provenance(record))


def _is_empty(block):
    """Of a record with some rows alone, most tables have none."""
    return ((isinstance(block, Table) and not block.rows) or (isinstance(block, Figure) and not block.panels)
            or (isinstance(block, Text) and not block.text))


def lead(record: Row) -> str:
    """What came out, in words."""
    found = ", ".join(f"{count} {LEAD[verdict][count > 1]}" for verdict, count in counts(record).items() if count)
    words = f"Of {len(record['claims'])} claims of {record['source']}: {found}." if record["claims"] else ""
    findings = [record.get(part, {}).get("finding") for part in ("energy", "tiles", "language")]
    return " ".join(filter(None, [words, *findings]))


def summary(record: Row) -> str:
    """The verdicts in plain lines, then the finding."""
    width = max((len(claim["name"]) for claim in record["claims"]), default=0)
    lines = [f"{claim['name']:<{width}}  {_verdict(claim)} ({claim['count']})" for claim in record["claims"]]
    return "\n".join([*lines, *textwrap.wrap(lead(record), 100)])


def _note(name):
    return Text(NOTES[name])


def _table(caption, columns, rows, lines, words=(0,), groups=()):
    """A table with each row's command in a last column; one that they share stands in the caption instead.

    ``lines`` are the cells of the ``rows`` of the record.
    """
    commands = [row["command"] and f"`{row['command']}`" for row in rows]
    if len(set(commands)) == 1:
        return Table(f"{caption} {capital(AGAIN)}: {commands[0]}", columns, lines, words, list(groups))
    lines = [[*line, command or "quoted"] for line, command in zip(lines, commands, strict=True)]
    groups = [*groups, ("", 1)] if groups else []
    return Table(caption, [*columns, AGAIN], lines, (*words, len(columns)), groups)


def _verdict(claim):
    """A claim's verdict, with the conditions where it has some."""
    return " ".join(filter(None, [claim["verdict"], claim["verdict"] == "holds only for" and claim["conditions"]]))


def _verdicts(record):
    return Table("Each claim, and what its checks say.", ["claim", "verdict", "checks"],
                 [[f"[{each['claim']}](#{each['name']})", _verdict(each), each["count"].replace(" checks hold", "")]
                  for each in record["claims"]], words=(0, 1, 2))


def _measured(record):
    """How figures of designs were measured, and how far they scatter, in a sentence or two; or nothing."""
    hardware = record["hardware"]
    if hardware is None:
        return []
    options, scatter = hardware["options"], hardware["scatter"]
    how = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in options.items()
                    if key in ("effort", "vectors", "seed"))
    return [Text(f"Designs were measured as by `lmul report`: {how}. {scatter['rule']} Margins here follow from "
                 f"{scatter['runs']} runs of `lmul scatter` ({scatter['source']}).")]


def _checks(claim):
    """The claim and its verdict, then its checks; a criterion that they share stands above them."""
    checks = claim["checks"]
    criteria = {each["criterion"] for each in checks}
    lines = [[each["condition"], *([each["criterion"]] if len(criteria) > 1 else []),
              ", ".join(filter(None, [each["measured"] or each["missing"], each["unclear"]])), result(each)]
             for each in checks]
    columns = ["condition", *(["criterion"] if len(criteria) > 1 else []), "measured", "result"]
    shared = f" Criterion: {criteria.pop()}." if len(criteria) == 1 else ""
    return [Heading(capital(claim["name"].replace("-", " ")), 3),
            Text(f"{claim['claim']} Verdict: {_verdict(claim)}."),
            _table(f"{capital(claim['count'])}.{shared}", columns, checks, lines, tuple(range(len(columns))))]


def _error(part):
    blocks = [Heading("Error by mantissa width"), _note("error"), _error_figure(part["by_width"])]
    blocks += [_by_width(part["by_width"], source, key) for source in OPERANDS for key in MEASURES]
    blocks.append(_table("Multipliers as built, on the recording: flushed and saturated products count as error.",
                         ["multiplier", "product", *(name for name, _ in MEASURES.values())], part["on_recording"],
                         [[f"`{row['multiplier']}`", row["product"], *_measures(row)] for row in part["on_recording"]],
                         words=(0, 1)))
    blocks += [Heading("The two framings of precision"), _note("framings")]
    blocks.append(_table("Expectation of the signed error, from the paper's formulas, for mantissas uniform over "
                         f"{WHOLE} bits.", ["kept bits k", "exact, abs(f1)", "f2", "L‑Mul, abs(f1 + f2)"],
                         part["expectations"],
                         [[str(row["kept"]), *(f"{value:.3f}" for value in (abs(row["f1"]), row["f2"], row["lmul"]))]
                          for row in part["expectations"]]))
    return blocks + [_by_framing(part["by_framing"], framing)
                     for framing in dict.fromkeys(row["framing"] for row in part["by_framing"])]


def _measures(row):
    return [_number(times * row[key]) for key, (_, times) in MEASURES.items()]


def _by_width(rows, source, key):
    name, times = MEASURES[key]
    widths = {}
    for row in rows:
        if row["operands"] == source:
            widths.setdefault(row["man_bits"], []).append(row)
    return _table(f"{capital(name)}; {source} operands.", ["mantissa bits", *(name for name, *_ in WAYS)],
                  [ways[0] for ways in widths.values()],
                  [[str(bits), *(_number(times * row[key]) for row in ways)] for bits, ways in widths.items()])


def _by_framing(rows, framing):
    some = {(row["operands"], row["kept"]): row for row in rows if row["framing"] == framing}
    kept = list(dict.fromkeys(bits for _, bits in some))
    methods = {"exact": "exact", "formula": "printed formula", "add": "add, offset paper"}
    pairs = [(source, method) for source in OPERANDS for method in methods]
    return _table(f"{capital(framing)}, in per cent, at k bits.", ["k", *(methods[method] for _, method in pairs)],
                  [some[OPERANDS[0], bits] for bits in kept],
                  [[str(bits), *(_number(100 * some[source, bits][method]) for source, method in pairs)]
                   for bits in kept], groups=[("", 1), *((source, len(methods)) for source in OPERANDS)])


def _error_figure(rows):
    panels = []
    for source in OPERANDS:
        series = [(name.rpartition(", ")[2].removeprefix("printed "), COLOURS[name],
                   [(row["man_bits"], 100 * row["mean"]) for row in rows
                    if (row["operands"], row["way"]) == (source, name) and row["man_bits"] > 1]) for name, *_ in WAYS]
        if not all(len(curve) > 1 for *_, curve in series):
            continue
        title = f"{capital(source)} operands"
        words = [f"{name}: " + ", ".join(f"{number(y, 3)} at {x}" for x, y in curve) for name, _, curve in series]
        drawing = plots.curves(f"error {source}", series, "mantissa bits", "mean relative error, %", whole=True)
        panels.append(Panel(title, drawing,
                            f"{title}: mean relative error in per cent by mantissa bits. {'; '.join(words)}"))
    return Figure("Mean relative error of each way to multiply, from 2 mantissa bits on.", panels,
                  [(COLOURS[name], name) for name, *_ in WAYS])


def _gates(part):
    keys = ("printed", "formula", "formula_xor_1", "full", "full_xor_1")
    technologies = list(part["measured"][0]["area_ge"]) if part["measured"] else []
    return [
        Heading("Gates"),
        _note("pencil"),
        _note("full count"),
        _table("The pencil count.",
               ["", "format", "printed", "formula, XOR = 4", "same, XOR = 1", "full count, XOR = 4", "same, XOR = 1"],
               part["pencil"],
               [[_kind(row), row["format"], *(_whole(row[key]) for key in keys)] for row in part["pencil"]],
               words=(0, 1)),
        _table("Gates of the generated designs, subnormals flushed on both sides: two-input gates and inverters, "
               "transistors of a static CMOS mapping, gate equivalents of the smallest netlist.",
               ["design", "product", "two-input gates", "transistors", *(f"{each}, GE" for each in technologies)],
               part["measured"],
               [[f"`{row['design']}`", {"mul": "narrow", "prod": "wide"}[row["structure"]],
                 *(_whole(row[key]) for key in ("gates", "transistors")),
                 *(_number(row["area_ge"][each]) for each in technologies)] for row in part["measured"]], words=(0, 1)),
    ]


def _energy(part):
    rows = [row for row in part["savings"] if row["saving"] is not None]
    absent = list({row["row"]: row for row in part["savings"] if row["missing"]}.values())
    table = part["operation_pj"]
    return [
        Heading("Energy"),
        Text(part.get("finding", "")),
        Table(f"Energy of an operation, {part['source']}; there is no FP8 row.", ["", *table],
              [["pJ", *(f"{value:g}" for value in table.values())]]),
        _table("The paper's percentages, derived from that table.", ["replacement", "sum", "saving"], part["derived"],
               [[row["what"], row["sum"], percent(row["saving"])] for row in part["derived"]], words=(0, 1)),
        _energy_figure(rows),
        _savings("Measured energy of an operation, L-Mul beside exact, at one clock. Both flush subnormals; an "
                 "operation of a sum is a multiply-accumulate.", rows, "exact_fj_per_op", ("structure",), "exact"),
        _savings("Sums beside sums of integers, at one clock: no claim is judged by them, but int8 is what L-Mul "
                 "competes with. A saving below zero is energy that L-Mul spends on top.",
                 [row for row in part.get("other_rivals", ()) if row["saving"] is not None], "rival_fj_per_op",
                 ("design", "rival"), "rival"),
        _table("Not measured for this page; `lmul claims --full` measures all.", ["structure", "formats", "why"],
               absent, [[row["structure"], row["formats"], row["missing"]] for row in absent], words=(0, 1, 2)),
    ]


def _tiles(part):
    rows = [row for row in part["savings"] if row["saving"] is not None]
    absent = [row for row in part["savings"] if row["missing"]]
    return [
        Heading("Tiles"),
        Text(part.get("finding", "")),
        _table("Energy of a multiply-accumulate in a tile, all of it, at one clock, and the error of the results, root "
               "mean square.", ["design", "rival", "technology", "saving", "it spends", "margin, as a factor", "fJ",
                                "rival, fJ", "error", "rival's error", "clock, ps"], rows,
               [[f"`{row['design']}`", f"`{row['rival']}`", row["technology"], percent(row["saving"]), row["verdict"],
                 f"{math.exp(row['margin']):.2f}", _number(row["lmul_fj_per_op"]), _number(row["rival_fj_per_op"]),
                 *(NONE if row[key] is None else percent(row[key]) for key in ("error", "rival_error")),
                 _number(row["clock_ps"])] for row in rows],
               words=(0, 1, 2, 4)),
        _table("Not measured for this page; `lmul claims --full` measures all.",
               ["design", "rival", "technology", "why"], absent,
               [[f"`{row['design']}`", f"`{row['rival']}`", row["technology"], row["missing"]] for row in absent],
               words=(0, 1, 2, 3)),
    ]


def _savings(caption, rows, key, names, rival):
    """A table of savings, with what a row has under ``names`` in front; the rival's energy is under ``key``."""
    return _table(
        caption, [*names, "formats", "technology", "saving", "L‑Mul spends", "margin, as a factor", "L‑Mul, fJ",
                  f"{rival}, fJ", "clock, ps"], rows,
        [[*(f"`{row[name]}`" if name in ("design", "rival") else row[name] for name in names), row["formats"],
          row["technology"], percent(row["saving"]), row["verdict"], f"{math.exp(row['margin']):.2f}",
          *(_number(row[each]) for each in ("lmul_fj_per_op", key, "clock_ps"))] for row in rows],
        words=(*range(len(names) + 2), len(names) + 3))


def _energy_figure(rows):
    """Ratios of energies, lone multipliers and sums apart."""
    technologies = list(dict.fromkeys(row["technology"] for row in rows))
    panels = []
    for title, lone in (("Lone multipliers", True), ("Sums", False)):
        drawn = {}
        for row in rows:
            if (row["structure"] in LONE) == lone:
                ratios = drawn.setdefault(row["structure"], {}).setdefault(row["formats"], [None] * len(technologies))
                ratio, margin = 1 - row["saving"], math.exp(row["margin"])
                ratios[technologies.index(row["technology"])] = ratio, (ratio / margin, ratio * margin)
        if drawn:
            words = [f"{name}, {formats}: {', '.join(map(whiskered, ratios))}"
                     for name, some in drawn.items() for formats, ratios in some.items()]
            drawing = plots.ratios(title, [(name, list(some.items())) for name, some in drawn.items()],
                                   range(len(technologies)))
            panels.append(Panel(title, drawing, f"{title}: energy per operation, L-Mul / exact. {'; '.join(words)}"))
    marks = ", ".join(f"{mark} {name}" for mark, name in zip(plots.MARKS, technologies, strict=False))
    return Figure(f"Energy per operation, L-Mul over exact ({marks}). Left of the line at 1, L-Mul spends less. "
                  "Whiskers show the margins.", panels)


def _attention(part):
    if part["missing"]:
        return [Heading("Attention"), Text(part["missing"])]
    figures = {"cosine_mean": "mean cosine", "cosine_min": "least cosine", "spearman": "rank correlation",
               "top1_agreement": "same nearest neighbour", "top1_partner": "partner found"}
    layers = len(part["rows"][0]["layer_error"]) if part["rows"] else 0
    panels = [_layers(part["rows"], *shown) for shown in
              dict.fromkeys((row["scope"], row["multiplier"].split("_")[1]) for row in part["rows"])]
    return [
        Heading("Attention"),
        Text(f"{part['model']}, {part['sentences']} sentences, {part['tokens']} tokens, beside float32, in which "
             f"the partner is the nearest sentence for {percent(part['top1_partner_float32'])} of them."),
        _note("attention"),
        _table("Sentence embeddings beside float32.", ["multiplier", "scope", *figures.values()], part["rows"],
               [[f"`{row['multiplier']}`", row["scope"], *(f"{row[key]:.5f}" for key in figures)]
                for row in part["rows"]], words=(0, 1)),
        Figure("Growth of the error by layer: root mean square of the hidden state's error over its own.", panels,
               [("orange", "exact"), ("blue", "L-Mul, paper's offset"), ("sky", "no offset"),
                ("other-1", "best offset")]),
        _table("The same in figures: error in per cent after each layer.",
               ["multiplier", "scope", *map(str, range(1, layers))], part["rows"],
               [[f"`{row['multiplier']}`", row["scope"], *(number(100 * value, 3) for value in row["layer_error"][1:])]
                for row in part["rows"]], words=(0, 1)),
    ]


def _layers(rows, scope, fmt):
    colours = {"exact": "orange", "lmul": "blue", "none": "sky", "best": "other-1"}
    series = []
    for row in rows:
        kind, formats, *rest = row["multiplier"].split("_")
        if (row["scope"], formats) == (scope, fmt):
            word = rest[0] if rest else kind
            series.append((word if rest or kind == "exact" else "paper", colours[word],
                           [(layer, 100 * value) for layer, value in enumerate(row["layer_error"])]))
    title = f"{fmt}, {'attention products' if scope == 'attention' else 'all products'}"
    words = [f"{label}: {', '.join(number(y, 3) for _, y in curve)}" for label, _, curve in series]
    return Panel(title, plots.curves(f"layers {title}", series, "layer", "relative error, %", whole=True),
                 f"{title}: relative error in per cent after the embedding and each layer. {'; '.join(words)}")


def _corrections(part):
    advice = part["recommended"]
    return [
        Heading("Corrections"),
        _note("corrections"),
        _table("Recommended by format, with the wide product's cost in two-input gates. Errors are root mean square, "
               "in per cent, for uniform mantissas; the last is what guard bits (so many) and a scale would give.",
               ["formats", "design", "scale", "error", "error, paper's", "error, guarded", "gates", "gates, paper's",
                "gates, exact"], advice,
               [[row["formats"], f"`{row['design']}`", f"{row['scale']:.4f}", _number(100 * row["rms"]),
                 _number(100 * row["rms_paper"]), f"{_number(100 * row['rms_guarded'])} ({row['guarded_bits']})",
                 *(_whole(row[f"gates_{key}"]) for key in ("design", "paper", "exact"))] for row in advice],
               words=(0, 1)),
        *(_variants(part["variants"], each) for each in dict.fromkeys(row["formats"] for row in part["variants"])),
    ]


def _variants(rows, formats):
    rows = [row for row in rows if row["formats"] == formats]
    return _table(f"Every correction at {formats}, for uniform mantissas if nothing else is said.",
                  ["offset", "value", "guard bits", "scale", *(name for name, _ in MEASURES.values()),
                   *(f"mean error, {source}" for source in OPERANDS[1:])], rows,
                  [[row["offset"] or "exact, rounded", "" if row["offset_value"] is None else str(row["offset_value"]),
                    str(row["guard_bits"]), f"{row['scale']:.4f}", *_measures(row),
                    *(_number(100 * row[source]["mean"]) for source in OPERANDS[1:])] for row in rows])


def _others(part):
    return [
        Heading("Others' figures"),
        Text(part["chen"] + ". " + NOTES["fpga"]),
        _table("Look-up tables of FP8 multipliers, theirs and ours.",
               ["format", "multiplier", "their LUTs", "our LUTs", "our carry cells"], part["luts"],
               [[row["format"], row["multiplier"], *(_whole(row[key]) for key in ("their_luts", "luts", "carry"))]
                for row in part["luts"]], words=(0, 1)),
        _table("Mean relative error, uniform mantissas: they give the printed formula's, but build the addition.",
               ["format", "printed formula", "addition, as built", "exact, rounded"], part["errors"],
               [[row["format"], *(percent(row[key]) for key in ("formula", "circuit", "exact"))]
                for row in part["errors"]]),
        Text(part["ucsd"] + ". " + NOTES["ucsd"]),
        _table("Area of an e4m3 L-Mul over the exact one; here, of the smallest netlists.",
               ["who", "what", "technology", "L‑Mul / exact"], part["areas"],
               [[row["who"], row["what"], row["technology"], NONE if row["ratio"] is None else f"{row['ratio']:.3f}"]
                for row in part["areas"]], words=(0, 1, 2)),
    ]


PARTS = {"error": _error, "gates": _gates, "energy": _energy, "tiles": _tiles, "attention": _attention,
         "language": language_page.section, "corrections": _corrections, "others": _others}


def provenance(record: Row) -> list:
    """The blocks that say where figures come from."""
    hardware = record["hardware"]
    blocks = [Heading("Provenance"), Text(f"Made by `{record['command']}`.")]
    if hardware is None:
        return blocks
    facts = [f"{name} {value}" for name, value in hardware["versions"].items() if value is not None]
    facts += [f"{name}: {value}" for key in ("operands", "options") for name, value in hardware[key].items()]
    facts += [f"library {each['name']}: {each['source']}" for each in hardware["libraries"]]
    source = f"the record of `{hardware['command']}`" if hardware["command"] else "a measurement for this page"
    return [*blocks, Text(f"Figures of designs come from {source}."), Items(facts), Items(hardware["limits"])]


def _kind(row):
    return {"exact": "exact", "lmul": "L-Mul", "added": "exact, by addition"}[row["kind"]]


def _whole(value):
    return NONE if value is None else str(value)


def _number(value):
    """Four significant digits; a mean that is only rounding noise is zero."""
    if value is None:
        return NONE
    return "0" if abs(value) < 1e-12 else number(value)
