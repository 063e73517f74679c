"""Tiles, where a multiply-accumulate is hardly more than its arithmetic: what L-Mul and log codes save there, and at
which error of the results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..hdl.designs import parse
from .energy import saved, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .figures import Figures
    from .rows import Row

#: Designs with an addition in the place of a multiplication, and their rivals: the exact product of the same formats,
#: and 8-bit integers where these have 8 bits.
PAIRS = {
    "tile_lmul_e4m3_best_16x4_w10": ("tile_exact_e4m3_flush_16x4_w10", "tile_int8_16x4"),
    "tile_log_l3f4_16x4_w10": ("tile_exact_e4m3_flush_16x4_w10", "tile_int8_16x4"),
    "tile_lmul_bf16xe4m3_16x4_w12": ("tile_exact_bf16xe4m3_flush_16x4_w12",),
    "tile_lmul_bf16_16x4_w12": ("tile_exact_bf16_flush_16x4_w12",),
}
QUICK = tuple(PAIRS)[:2]  # the quick form measures these alone


def part(figures: Figures) -> Row:
    """This part of the record: ``savings``, and their `sentence` as ``finding``."""
    return {"savings": savings(figures)}


def savings(figures: Figures) -> list[Row]:
    """Rows of `PAIRS` by technology: both energies per multiply-accumulate in fJ at one clock, what ours saves, the
    margin and verdict of that, and the errors of both results (root mean square over that of the right ones)."""
    rows = []
    for ours, rivals in PAIRS.items():
        for rival in rivals:
            for technology in figures.libraries:
                row = {"row": f"tiles/{ours}/{rival}", "design": ours, "rival": rival, "technology": technology,
                       "slow": ours not in QUICK} | saved(figures, ours, rival, technology)
                errors = {key: figures.any(slug, "result_error")
                          for key, slug in (("error", ours), ("rival_error", rival))}
                rows.append(row | errors)
    return rows


def sentence(rows: Sequence[Row]) -> str:
    """What each design saves beside each rival, and where it makes no clear difference in every technology."""
    found, unclear, unknown = [], [], []
    pairs = dict.fromkeys((row["design"], row["rival"]) for row in rows)
    for design, rival in pairs:
        some = [row for row in rows if (row["design"], row["rival"]) == (design, rival)]
        names = f"{_name(design, some[0]['error'])} beside {_name(rival, some[0]['rival_error'])}"
        if any(row["missing"] for row in some):
            unknown.append(names)
        elif {row["verdict"] for row in some} == {"less"}:
            found.append(f"{names} {spread([row['saving'] for row in some])}")
        else:
            unclear.append(f"{names} ({spread([row['saving'] for row in some])})")
    where = " and ".join(dict.fromkeys(row["technology"] for row in rows))
    parts = [f"these save energy, by so much: {'; '.join(found)}"] if found else []
    parts += [f"these do not clearly pay: {'; '.join(unclear)}"] if unclear else []
    parts += [f"not measured here: {'; '.join(unknown)}"] if unknown else []
    return f"In tiles, on {where}, with the error of their results in brackets, {'. In tiles, '.join(parts)}."


def _name(slug, error):
    spec, tile = parse(slug).multiplier, parse(slug).tile
    name = spec.named(tile.formats).replace("_", " ")
    return name if error is None else f"{name} ({100 * error:.1f} %)"
