"""The record of a report (``report.json``): its keys with their units, and where its figures come from.

A record is ``{"schema", "command", "versions", "operands", "options", "libraries", "limits", "rows", "scatter"}``.
A row has every key of `new_row`: its figures are those of the table in `figures`; one that is missing is None, and
``reasons`` says why. ``specification`` has the design's fields, so that nobody need take its slug apart.
``area_um2_by_role`` and ``energy_fj_by_role`` say what of it is for what (`roles`), ``energy_fj_by_kind`` how the
energy is spent (`energy`). ``operand_codes`` has a `Census` of the codes of ``a`` and of ``b`` that drive the netlist,
``result_sums`` the number and depth of the sums that result errors are of. ``source`` says of somebody else's
Verilog which it is, in place of ``design``, and whether it agrees. ``scatter`` has the margin of every ratio of our own
rows: see `margins`.

Records of older schemas are read, and so are those from before a figure was added: `current` fills in what they lack.
"""

import json
import math
import platform
from importlib.metadata import version
from pathlib import Path

from ..golden.errors import mean_relative_error
from ..golden.refusal import Refusal
from ..hdl.designs import Design, parse
from . import program
from .energy import CELL_KINDS
from .figures import FIGURES, Row

#: What the keys of a record mean: 1 more whenever one is renamed, goes, or means something else. Records without the
#: key are of schema 1. A figure more leaves it as it is.
SCHEMA = 3

#: Keys of rows up to schema 2 that went into ``specification``.
_OLD = ("structure", "multiplier", "a", "b", "subnormals", "overflow", "offset", "accumulator")

#: Why a figure is missing from a record made before it was known.
_NOT_YET = "not a figure of the version that made this record"

#: Limits that hold of cell libraries alone, and of FPGAs alone.
OF_CELLS = (
    "Netlists are mapped, not placed: wires have no capacitance and no delay, the clock is ideal.",
    "Internal power at ground pins counts beside the supply's, as in sign-off tools; asap7 has both for one charge.",
)
OF_FPGAS = ("FPGA counts are of mapping; a clock (fmax) is given where `--fpga` placed and routed, and nowhere else.",)
LIMITS = (
    OF_CELLS[0],
    "Figures belong to the integer addition that the RTL builds, not to the formula the paper prints.",
    "An op is one multiplication (mul, prod) or one multiply-accumulate (mac, dot, array).",
    OF_CELLS[1],
    *OF_FPGAS,
    "Mapping finds good netlists, not the best; `--effort high` searches longer, for both sides alike.",
)

_KEYS = {"command": str, "versions": dict, "operands": dict, "options": dict, "libraries": list, "limits": list,
         "rows": list, "scatter": dict}

#: Figures that ratios are made of.
_DIVISORS = ("area_um2", "area_ge", "gates", "transistors", "delay_ps", "clock_ps", "fmax_mhz", "energy_fj_per_op")


def specification(design: Design) -> Row:
    """The fields of a design, as plain data: ``structure``, ``multiplier``, and what else it has."""
    accumulator = design.accumulator
    fields = {"structure": design.structure, "multiplier": design.multiplier.fields()}
    if accumulator is not None:
        fields["accumulator"] = {"name": accumulator.name, "kind": accumulator.kind, "depth": accumulator.depth,
                                 "result": accumulator.result.name}
    return fields | {name: getattr(design, name) for name in design.declared.shape.fields}


def new_row(design: Design, technology: str) -> Row:
    """A row that has its names and no figures but the error over all significands."""
    error = mean_relative_error(design.multiplier, wide=design.unrounded)
    return _empty(design, technology) | {"mean_relative_error": error}


def _empty(design, technology):
    return {
        "design": design.slug, "technology": technology, "specification": specification(design),
        **dict.fromkeys(FIGURES), "curve": [], "at": {}, "area_um2_by_role": None, "energy_fj_by_role": None,
        "energy_fj_by_kind": None, "activity": None, "path": None, "with_dsp": None, "placed": None,
        "source": None, "operand_codes": None, "result_sums": None, "reasons": {},
    }


def missing(row: Row, reason: str, *keys: str) -> None:
    """Give the reason why figures are None; without keys, for all that are and have none yet."""
    for key in keys or FIGURES:
        if row[key] is None:
            row["reasons"].setdefault(key, reason)


def versions(yosys: str) -> dict[str, str | None]:
    """Versions of all that has a part in the figures; of this program also what its sources are, and their commit."""
    return {"lmul": version("lmul"), "program": program.digest(), "commit": program.commit(), "yosys": yosys,
            "python": platform.python_version(), "amaranth": version("amaranth"), "numpy": version("numpy")}


def read(path: str | Path) -> Row:
    """The record in a ``report.json``, as `current` gives it.

    Raises
    ------
    Refusal
        If the file cannot be read, is no record as `current` has it, or has a figure of 0 that others are divided by.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_not_json)
    except OSError as error:
        raise Refusal(f"Record must be readable, not {str(path)!r}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise Refusal(f"Record must be a report.json of `lmul report`, not {str(path)!r}") from None
    record = current(record)
    for row in record["rows"]:
        for key in _DIVISORS:
            _insist(row[key] != 0, f"{key} of {row['design']} must be above 0", row[key])
    return record


def check(record: Row) -> None:
    """See that a record keeps its contract; raises as `current` does."""
    current(record)


def current(record: Row) -> Row:
    """A record as this version has it: checked, and what an older one lacks filled in, with the reason for its absence.

    Raises
    ------
    Refusal
        If the schema is a newer one, a key is unknown, missing or of another type, a row's slug is not a design, or a
        figure is None without a reason.
    """
    _insist(isinstance(record, dict), "A record must be a dict", type(record).__name__)
    schema = record.get("schema", 1)
    _insist(type(schema) is int and schema >= 1, "The schema of a record must be a number from 1", schema)
    _insist(schema <= SCHEMA, f"The schema of a record must be {SCHEMA} or lower for this version of lmul to read it",
            schema)
    _check_about(record)
    return record | {"schema": SCHEMA, "rows": [_current_row(row, schema) for row in record["rows"]]}


def _check_about(record):
    """See that all but the rows is as it must be."""
    for key, kind in _KEYS.items():
        _insist(isinstance(record.get(key), kind), f"A record must have the key {key!r} with a {kind.__name__}",
                record.get(key))
    for key in ("versions", "operands", "options"):
        for name, value in record[key].items():
            _insist(value is None or isinstance(value, str | int | float), f"{key}, {name} must be a scalar", value)
    for library in record["libraries"]:
        _insist(isinstance(library, dict) and all(isinstance(library.get(key), str) for key in ("name", "source")),
                "Libraries must have a name and a source", library)
    for limit in record["limits"]:
        _insist(isinstance(limit, str), "Limits must be sentences", limit)
    margins = record["scatter"].get("margins")
    _insist(isinstance(margins, list), "scatter must have a list of margins", margins)
    for each in margins:
        _insist(isinstance(each, dict) and _is_figure(each.get("margin"), signed=False)
                and all(isinstance(each.get(key), str) for key in ("design", "rival", "technology", "measure", "of")),
                "A margin must be a figure, of design, rival, technology and measure", each)
    about = {key: record["scatter"].get(key) for key in ("source", "rule", "runs")}
    _insist(list(map(type, about.values())) == [str, str, int], "scatter must have a source, a rule and runs", about)


def _is_driven(activity):
    """Whether this says how many of how many nets switched, or None."""
    return activity is None or (isinstance(activity, dict) and _is_figure(activity.get("nets_that_switched"), False)
                                and _is_figure(activity.get("nets"), False) and activity["nets"] > 0)


def _is_census(codes):
    """Whether these are counts of the codes of operands, or None."""
    return codes is None or isinstance(codes, dict) and all(
        isinstance(each, dict) and all(_is_figure(each.get(key), False)
                                       for key in ("zero", "flushed", "largest", "distinct", "total"))
        and each["total"] > 0 for each in codes.values())


def _current_row(row, schema):
    """A row with all keys of this version, checked."""
    names = ("design", "technology", "reasons")
    _insist(isinstance(row, dict) and [type(row.get(key)) for key in names] == [str, str, dict],
            "A row must be a dict with design, technology and reasons", row)
    empty = _empty(parse(row["design"]), row["technology"])
    if schema < 3:
        row = {key: value for key, value in row.items() if key not in _OLD}
        if set(row.get("energy_fj_by_kind") or ()) - set(CELL_KINDS):  # by parts of a design, told by their names
            row["energy_fj_by_kind"] = None
    if unknown := sorted(row.keys() - empty.keys()):
        raise Refusal(f"Row {row['design']} must have the keys of a row that this version of lmul knows, not "
                      f"{', '.join(unknown)}")
    later = {key: _NOT_YET for key in FIGURES if key not in row}
    row = empty | row | {"reasons": row["reasons"] | later}
    _check_row(row)
    return row


def _check_row(row):
    spec = row["specification"]
    _insist(isinstance(spec, dict) and isinstance(spec.get("structure"), str)
            and isinstance(spec.get("multiplier"), dict),
            f"specification of {row['design']} must have a structure and a multiplier", spec)
    for key in ("area_um2_by_role", "energy_fj_by_role", "energy_fj_by_kind"):
        _insist(row[key] is None or isinstance(row[key], dict)
                and all(_is_figure(part, signed=True) for part in row[key].values()),
                f"{key} of {row['design']} must be figures by name, or None", row[key])
    _insist(row["source"] is None or isinstance(row["source"], dict) and all(
        isinstance(row["source"].get(key), str) for key in ("top", "sha256", "agrees"))
        and isinstance(row["source"].get("verilog"), list),
        f"source of {row['design']} must have verilog, top, sha256 and agrees", row["source"])
    _insist(isinstance(row["at"], dict), f"at of {row['design']} must have figures by clock", row["at"])
    for name, at in row["at"].items():
        _insist(isinstance(at, dict) and _is_figure(at.get("clock_ps"), False) and _is_driven(at.get("activity")),
                f"{name} of {row['design']} must have a clock and figures", at)
    _insist(_is_driven(row["activity"]), f"activity of {row['design']} must count nets", row["activity"])
    _insist(_is_census(row["operand_codes"]), f"operand_codes of {row['design']} must be counts", row["operand_codes"])
    for key, reason in row["reasons"].items():
        _insist(isinstance(reason, str), f"The reason for {key} must be a sentence", reason)
    for key in FIGURES:
        _insist(row[key] is None or _is_figure(row[key], signed=FIGURES[key].signed),
                f"{key} of {row['design']} must be a figure or None", row[key])
    bare = [key for key in FIGURES if row[key] is None and key not in row["reasons"]]
    if bare:
        raise Refusal(f"Row {row['design']} must say why it lacks {', '.join(bare)}")


def _is_figure(value, signed):
    try:
        return type(value) in (int, float) and (signed or value >= 0) and math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _insist(condition, sentence, value):
    if not condition:
        shown = repr(value)
        raise Refusal(f"{sentence}, not {shown if len(shown) < 80 else shown[:76] + ' ...'}")


def _not_json(word):
    raise Refusal(f"{word} is not JSON")
