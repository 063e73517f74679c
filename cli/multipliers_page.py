"""The page of ``lmul multipliers``: `multipliers.md` and `multipliers.html`, views of one record."""

from pathlib import Path

from ..claims.rows import Row
from .claims_page import provenance
from .document import Heading, Page, Table, Text, number, percent, write

NONE = "–"
LIBRARIES = ("sky130hd", "asap7")
_COLUMNS = (("um2", "area_um2"), ("ps", "delay_ps"), ("fJ", "energy_fj_per_op"))


def write_multipliers(record: Row, folder: str | Path) -> None:
    """Write ``multipliers.html``, ``.md`` and ``.json``, as `document.write` does."""
    write("multipliers", record, multipliers_page(record), folder)


def multipliers_page(record: Row) -> Page:
    """All multipliers, the two ways to an exact product, and what others have published, as a `Page`."""
    blocks = [Heading("Ours"), _ours(record["multipliers"])]
    if record["architectures"]:
        blocks += [Heading("Exact by addition, and by multiplication"), Text(_BOTH),
                   _architectures(record["architectures"])]
    blocks += [Heading("Others'"), Text(_QUOTED), _others(record)]
    return Page("Multipliers, ours and others'", _LEAD, blocks + provenance(record))


_LEAD = ("Narrow multipliers by format: what each computes, and what it costs. Area and energy are of the netlist for "
         "the relaxed clock that rivals share, as in a report, delay is the shortest; gates are two-input gates; LUTs "
         "are those of a 7-series FPGA, mapped.")
_BOTH = ("Up to three mantissa bits the correctly rounded product is the sum of the fields and a carry "
         "(arXiv 2406.18441). The other circuit multiplies the significands and rounds. Both are mapped by the same "
         "scripts, and both are proved.")
_QUOTED = ("Figures are quoted in their own technology and are not to be set beside ours as they stand. A dash stands "
           "where no figure of a lone multiplier is stated.")


def _ours(rows):
    heads = [f"{name} {unit}" for name in LIBRARIES for unit, _ in _COLUMNS]
    return Table("Multipliers.", ["design", "rounding", "subnormals", "specials", "too large", "mean relative error",
                                  "gates", *heads, "LUTs"],
                 [[f"`{row['design']}`", row["rounding"], row["subnormals"], row["specials"], row["overflow"],
                   NONE if row["error"] is None else percent(row["error"]), *_figures(row)] for row in rows],
                 words=(0, 1, 2, 3, 4))


def _figures(row):
    costs = row["costs"]
    return [_number(row["gates"]), *(_number(costs[name][key]) for name in LIBRARIES for _, key in _COLUMNS),
            _number(costs["xc7"]["luts"])]


def _architectures(rows):
    table = []
    for row in rows:
        added, multiplied = row["addition"], row["multiplication"]
        cells = [f"`{row['design']}`", _number(added["gates"]), _number(multiplied["gates"])]
        for name in LIBRARIES:
            for key in ("area_um2", "energy_fj_per_op"):
                ours, theirs = added["costs"][name][key], multiplied["costs"][name][key]
                cells.append(NONE if not (ours and theirs) else f"{ours / theirs:.2f}")
        table.append(cells)
    return Table("By addition, over by multiplication.", ["design", "gates, added", "gates, multiplied", *(
        f"{name} {what}" for name in LIBRARIES for what in ("area", "energy"))], table)


def _others(record):
    gates = {row["design"]: _number(row["gates"]) for row in record["multipliers"]}
    return Table("Published multipliers.", ["who", "computes", "states", "what differs", "nearest here, gates"], [
        [each["who"], each["computes"], each["states"] or NONE, each["differs"],
         ", ".join(f"`{slug}` {gates.get(slug, NONE)}" for slug in each["nearest"])] for each in record["published"]],
        words=(0, 1, 2, 3, 4))


def _number(value):
    return NONE if value is None else number(value)
