"""The page of ``lmul multipliers --luts``: `luts.md` and `luts.html`, views of one record."""

from pathlib import Path

from ..claims.luts import fewest
from ..claims.rows import Row
from .document import Heading, Page, Table, Text, write

NONE = "–"
_ALONE, _CHAINED = ("luts", "functions", "levels"), ("luts", "functions", "carry8", "levels")
_HEADS = {"luts": "LUTs", "functions": "functions", "carry8": "CARRY8", "levels": "levels"}


def write_luts(record: Row, folder: str | Path) -> None:
    """Write ``luts.html``, ``.md`` and ``.json``, as `document.write` does."""
    write("luts", record, luts_page(record), folder)


def luts_page(record: Row) -> Page:
    """What others have built beside ours, then what each special costs, as a `Page`."""
    blocks = [Text(_HOW), Text(_BESIDE), Heading("As others have built them"), _theirs(record), Text(_READ),
              Heading("What specials cost"), Text(_STEPS), *_steps(record["steps"]), Heading("Provenance"),
              Text(f"Made by `{record['command']}`, with Yosys {record['yosys']}. Chen: {record['chen']}. UCSD: "
                   f"{record['ucsd']}, `hardware_accelerators/rtllib/lmul.py`.")]
    return Page("Multipliers in 6-input look-up tables", lead(record), blocks)


def lead(record: Row) -> str:
    """What came out, in words."""
    words = []
    for row in record["theirs"]:
        stated = row["stated"]
        if stated:
            exact = next(each for each in record["theirs"] if each["arithmetic"] != row["arithmetic"]
                         and all(each[key] == row[key] for key in ("format", "who", "what")))
            words.append(f"L-Mul of {row['format']} with Chen et al.'s policies takes {_both(row)}, "
                         f"after mapping, where they state {stated['luts']} LUTs and {stated['carry']} CARRY8 after "
                         f"placement. The exact product, correctly rounded, with the same policies takes "
                         f"{_both(exact)}.")
            break
    return " ".join(words)


def _both(row):
    alone, chained = row["alone"], row["chained"]
    return f"{alone['luts']} LUTs alone, or {chained['luts']} and {chained['carry8']} CARRY8"


_HOW = ("Each multiplier is mapped from several forms, tables alone and with a carry chain that takes more or less of "
        "the bias with it, by every script, at two prices of tables, L-Mul and exact alike; of both kinds the smallest "
        "are kept. Netlists, in AMD's cells between registers, are proved equal to golden over all pairs of operands, "
        "by Yosys' models of the cells. LUTs are LUT6_2, each with one function of six inputs or two of five shared "
        "ones, by the largest matching of those that can share; functions are what would be counted if none shared; "
        "each position of a chain takes one. Levels are tables one behind the other on the longest way, a chain being "
        "one.")
_BESIDE = ("Their figures are after Vivado's place and route of cells placed by hand, ours after mapping: what has "
           "fewer LUTs here is not placed, and its clock is not measured. UCSD state no LUTs: their multipliers are "
           "here for their policies. A count is the smallest that was found, not the smallest that there is.")
_READ = ("None of these sees NaN, and none saturates as OFP8 asks: Chen's wraps beyond one more bit of exponent, "
         "UCSD's simple one in the format itself, and their fast one has no zero and may give the code of NaN.")
_STEPS = ("Each row has all that those above it have. The last row but one computes what `mul_lmul_*` and "
          "`mul_exact_*_flush` compute, the last what keeps subnormals. Exact is the addition of the fields and a "
          "carry of all bits of both mantissas (arXiv 2406.18441).")


def _theirs(record):
    rows = []
    for row in record["theirs"]:
        stated = row["stated"]
        theirs = [str(stated[key]) for key in ("luts", "carry", "flip_flops")] if stated else [NONE] * 3
        rows.append([row["format"], row["who"], row["what"], row["arithmetic"], *_counts(row["alone"], _ALONE),
                     *_counts(row["chained"], _CHAINED), str(row["alone"]["flip_flops"]), *theirs])
    columns = ["format", "policies of", "what", "arithmetic", *(_HEADS[key] for key in (*_ALONE, *_CHAINED)),
               "flip-flops", "LUTs", "CARRY8", "flip-flops"]
    return Table("Multipliers with others' policies, between registers.", columns, rows, (0, 1, 2, 3),
                 [("", 4), ("tables alone", 3), ("with a chain", 4), ("ours", 1), ("stated, placed", 3)])


def _steps(rows):
    tables = []
    for name in dict.fromkeys(row["format"] for row in rows):
        both = {}
        for row in rows:
            if row["format"] == name:
                words = row["what"].partition(":")[0]
                both.setdefault(words, {})[row["arithmetic"]] = row
        lines, last = [], {}
        for words, found in both.items():
            line = [words]
            for arithmetic, row in found.items():
                more = f"{fewest(row) - last[arithmetic]:+d}" if arithmetic in last else NONE
                last[arithmetic] = fewest(row)
                line += [str(fewest(row)), more, *_counts(row["alone"], ("luts", "levels")),
                         *_counts(row["chained"], ("luts", "levels"))]
            lines.append(line)
        heads = ["LUTs", "more", "alone", "levels", "with a chain", "levels"]
        tables.append(Table(f"{name}, special by special: the fewest LUTs, what that is more than the row above, and "
                            "both netlists. A chain is one CARRY8.", ["what", *heads * 2], lines, (0,),
                            [("", 1), *((arithmetic, 6) for arithmetic in next(iter(both.values())))]))
    return tables


def _counts(found, keys):
    return [NONE if found is None else str(found[key]) for key in keys]
