"""What a free correction of L-Mul buys, and the configuration that follows by format."""

from functools import cache
from typing import Any

from ..golden.errors import mantissa_errors
from ..golden.formats import float_format
from ..golden.offsets import best_offset
from .error import OPERANDS, shorten, significands
from .figures import Figures
from .rows import Row, named

#: Formats of the operands: name, and the mantissa bits of both.
FORMATS = {name: tuple(float_format(each).man_bits for each in name.split("x") * (1 if "x" in name else 2))
           for name in ("e4m3", "e5m2", "bf16", "fp16", "bf16xe4m3")}
GUARD_BITS = range(1, 4)
WORTH = 0.05  # the root mean square error must fall by this part for a correction to be recommended


def errors_of(formats: str, *way: Any) -> Row:
    """`Errors` of a way to multiply (`mantissa_errors`) at a format: of uniform mantissas, and under their names those
    of the other sources of operands, rounded to the format."""
    man_a, man_b = bits = FORMATS[formats]
    found = mantissa_errors(way[0], man_a, man_b, *way[1:])._asdict()
    for source in OPERANDS[1:]:
        given = [shorten(each, width, "round")[0] for each, width in zip(significands(source), bits, strict=True)]
        found[source] = mantissa_errors(way[0], man_a, man_b, *way[1:], mantissas=given)._asdict()
    return found


@cache
def variants(formats: str) -> list[Row]:
    """Errors of every correction at a format: offsets, each with and without a scale that takes the mean error out, and
    guard bits with the best offset for them. ``built``: whether the RTL has it, a scale being the user's to fold in."""
    man_a, man_b = FORMATS[formats]
    fmt = float_format(formats.split("x")[0])
    offsets = [("paper", 1 << (man_a - fmt.l_m), 0), ("none", 0, 0), ("best", best_offset(man_a, man_b), 0)]
    offsets += [("best", best_offset(man_a, man_b, guard), guard) for guard in GUARD_BITS]
    row, rows = f"corrections/variants/{formats}", []
    for name, offset, guard in offsets:
        scale = 1 / (1 + mantissa_errors("add", man_a, man_b, offset, guard).mean_signed)
        for factor in (1.0, scale):
            rows.append(named(row, formats=formats, offset=name, offset_value=offset, guard_bits=guard, scale=factor,
                              built=guard == 0, **errors_of(formats, "add", offset, guard, factor)))
    rows.append(named(row, formats=formats, offset=None, offset_value=None, guard_bits=0, scale=1.0, built=True,
                      **errors_of(formats, "round")))
    return rows


def slug(formats: str, offset: str | None, structure: str = "prod") -> str:
    """The design with an offset; None is the exact one."""
    words = {"paper": f"lmul_{formats}", "none": f"mitchell_{formats}", "best": f"lmul_{formats}_best",
             None: f"exact_{formats}_flush"}
    return f"{structure}_{words[offset]}"


def recommended(figures: Figures) -> list[Row]:
    """By format what to build, with its cost: the paper's offset, unless another takes off `WORTH` or more of the root
    mean square error; and a scale if that does so again. Where offsets are as good, ``none`` goes before ``best``."""
    rows = []
    for formats in FORMATS:
        tried = [row for row in variants(formats) if row["built"] and row["offset"]]
        paper = chosen = next(row for row in tried if row["offset"] == "paper" and row["scale"] == 1)
        for scaled in (False, True):
            best = min((row for row in tried if (row["scale"] != 1) == scaled), key=lambda row: row["mean_square"])
            if best["mean_square"] <= (1 - WORTH) ** 2 * chosen["mean_square"]:
                chosen = best
        guarded = min((row for row in variants(formats) if not row["built"]), key=lambda row: row["mean_square"])
        offsets = {"design": chosen["offset"], "paper": "paper", "exact": None}
        designs = {name: slug(formats, offset) for name, offset in offsets.items()}
        cost = {f"gates_{name}": figures.any(design, "gates") for name, design in designs.items()}
        missing = next(filter(None, (figures.reason(design, "gates") for design in designs.values())), None)
        rows.append({**chosen, "row": f"corrections/recommended/{formats}", "design": designs["design"], **cost,
                     "missing": missing, "designs": list(designs.values()),
                     "command": figures.command(designs.values()),
                     "rms": chosen["mean_square"] ** 0.5, "rms_paper": paper["mean_square"] ** 0.5,
                     "rms_guarded": guarded["mean_square"] ** 0.5, "guarded_bits": guarded["guard_bits"]})
    return rows


def part(figures: Figures) -> Row:
    """This part of the record."""
    return {"variants": [row for formats in FORMATS for row in variants(formats)], "recommended": recommended(figures)}
