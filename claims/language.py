"""A language model with every product in another arithmetic: what each costs in perplexity, and in energy as a tile."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from ..hdl.designs import Design, parse
from ..synth import program
from ..synth.store import Store, digest
from .attention import OPTION
from .rows import Row, again, selected
from .verdict import check, claim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .figures import Figures

BOUND = 1.01  # of the ratio of perplexities to that of float32, to count as almost lossless
CRITERION = f"perplexity at most {BOUND:g} of float32's, on a 95 % interval"

#: Where the energies of tiles are measured, all at one clock (ps), which the slowest of them reaches.
TECHNOLOGY, CLOCK = "asap7", 2500.0

ALL = ("attention", "linear", "all")
ENDS = ALL[::2]  # of what is like others
WHOLE = ALL[2:]  # of what differs from another tile by its window alone


class Entry(NamedTuple):
    """An arithmetic, as a design that computes it; what it is; and for which scopes it is tried."""

    slug: str
    said: str
    scopes: tuple[str, ...] = ALL


#: One scale for each tensor, products summed in fp32, or exactly as integers.
SUMS = (
    Entry("mac_exact_bf16_fp32", "bf16"), Entry("mac_exact_e4m3_fp32", "FP8 e4m3"),
    Entry("mac_exact_e5m2_fp32", "FP8 e5m2"), Entry("mac_exact_e3m4_fp32", "FP8 e3m4"),
    Entry("mac_lmul_bf16_fp32", "L-Mul bf16, the paper's offset"),
    Entry("mac_lmul_bf16_none_fp32", "L-Mul bf16, no offset", ENDS),
    Entry("mac_lmul_bf16_best_fp32", "L-Mul bf16, best offset", ENDS),
    Entry("mac_lmul_e4m3_fp32", "L-Mul e4m3, the paper's offset"),
    Entry("mac_lmul_e4m3_none_fp32", "L-Mul e4m3, no offset"),
    Entry("mac_lmul_e4m3_best_fp32", "L-Mul e4m3, best offset"),
    Entry("mac_lmul_e4m3_offh1_fp32", "L-Mul e4m3, half an offset"),
    Entry("mac_lmul_e5m2_fp32", "L-Mul e5m2, the paper's offset"),
    Entry("mac_lmul_e5m2_none_fp32", "L-Mul e5m2, no offset", ENDS),
    Entry("mac_lmul_e5m2_best_fp32", "L-Mul e5m2, best offset", ENDS),
    Entry("mac_lmul_e5m2_offh1_fp32", "L-Mul e5m2, half an offset", ENDS),
    Entry("mac_log_l3f4_fp32", "log codes of 8 bits"), Entry("mac_log_l3f5_fp32", "log codes of 9 bits", ENDS),
)
#: Tiles whose tensors have one scale, and tiles of blocks of 32.
TILES = (
    Entry("tile_int8_16x16", "INT8"), Entry("tile_exact_e4m3_flush_16x16_w10", "FP8 e4m3", ENDS),
    Entry("tile_lmul_e4m3_best_16x16_w10", "L-Mul e4m3, half an offset", ENDS),
    Entry("tile_log_l3f4_16x16_w10", "log codes of 8 bits", ENDS),
    Entry("tile_exact_bf16_flush_16x16_w12", "bf16", ENDS), Entry("tile_lmul_bf16_16x16_w12", "L-Mul bf16", ENDS),
    Entry("tile_mxint8_16x16", "MXINT8"),
    *(Entry(f"tile_exact_mxe4m3_16x16_w{window}", f"MXFP8 e4m3, window {window}", scopes)
      for window, scopes in ((8, WHOLE), (10, ALL), (12, WHOLE))),
    Entry("tile_exact_mxe5m2_16x16_w10", "MXFP8 e5m2", ENDS),
    Entry("tile_exact_mxe2m3_16x16_w10", "MXFP6 e2m3", ENDS), Entry("tile_exact_mxe3m2_16x16_w10", "MXFP6 e3m2", ENDS),
    Entry("tile_exact_mxe2m1_16x16_w10", "MXFP4"),
    Entry("tile_lmul_mxe4m3_16x16_w10", "L-Mul in blocks, the paper's offset", ENDS),
    *(Entry(f"tile_lmul_mxe4m3_best_16x16_w{window}", f"L-Mul in blocks, half an offset, window {window}", scopes)
      for window, scopes in ((8, WHOLE), (10, ALL), (12, WHOLE))),
    *(Entry(f"tile_log_mxl3f4_16x16_w{window}", f"log codes of 8 bits in blocks, window {window}", scopes)
      for window, scopes in ((8, WHOLE), (10, ALL), (12, WHOLE))),
    Entry("tile_log_mxl3f5_t7_16x16_w10", "log codes of 9 bits in blocks, a table", ENDS),
)
ENTRIES = (*SUMS, *TILES)
#: Those of the `sentence`.
LEADING = ("tile_mxint8_16x16", "tile_exact_mxe4m3_16x16_w10", "tile_lmul_mxe4m3_best_16x16_w10",
           "tile_log_mxl3f4_16x16_w10")


def name(slug: str, scope: str) -> str:
    """A row's name, ``language/SLUG/SCOPE``."""
    return f"language/{slug}/{scope}"


def part(wanted: Sequence[str] = ("language",), progress: Callable | None = None,
         store: Store | None = None) -> Row:
    """This part of the record: what `lmul.models.perplexity.Evaluation` says of itself, and a row for each of `ENTRIES`
    and its scopes with what it measures; each is kept as soon as it is there.

    Parameters
    ----------
    wanted : sequence of str
        Names of rows, or beginnings of them.
    progress : callable or None
        Called with (steps done, steps, text).
    store : Store or None
        Where rows are kept.

    Raises
    ------
    Refusal
        If the extra `models` is not installed.
    """
    from ..models.perplexity import Evaluation

    runs = [(entry, scope) for entry in ENTRIES for scope in entry.scopes if selected(name(entry.slug, scope), wanted)]
    evaluation = Evaluation()
    made_of = digest(evaluation.identity, program.identity("golden", "hdl", "models"))

    def kept(key, make):
        return store.made("language", digest(made_of, key), make) if store else make()

    rows, measured = [], {}
    about = kept("about", evaluation.about)
    for done, (entry, scope) in enumerate(runs):
        if progress:
            progress(done, len(runs), f"{entry.slug}, {scope}")
        design = parse(entry.slug)
        same = scope, _same(design)
        if same not in measured:
            arithmetic = _arithmetic(design)
            measured[same] = kept([scope, entry.slug], lambda: evaluation.measure(arithmetic, scope))  # noqa: B023
        rows.append(_row(entry, scope) | measured[same])
    if progress:
        progress(len(runs), len(runs), "")
    return {"missing": None, **about, "rows": rows}


def _row(entry, scope):
    design = parse(entry.slug)
    tiled = design.declared.tiled
    spec, row = design.multiplier, name(entry.slug, scope)
    return {"row": row, "design": entry.slug, "said": entry.said, "scope": scope, "command": again(row, OPTION),
            "bits": [spec.a.width, spec.b.width], "family": "integers" if spec.wide.integer else spec.kind,
            "tiled": tiled, "designs": [entry.slug] * tiled}


def _same(design):
    """What decides the results of a design: some offsets that differ in name are the same integer."""
    if design.declared.tiled:
        return design.tile
    return design.multiplier.products_key, design.summed_by


def _arithmetic(design: Design):
    from ..models.quantised import Summed, Tiled

    return Tiled(design.tile) if design.declared.tiled else Summed(design.multiplier, design.summed_by)


def with_energies(measured: Row, figures: Figures) -> Row:
    """The part with the ``technology`` and ``clock_ps`` of energies; each row with its tile's for a multiply-accumulate
    in fJ, ``energy_fj``, and the command that measures the energy; None where it was not measured."""
    rows = []
    for row in measured["rows"]:
        energy = figures.of(row["design"], TECHNOLOGY, "energy_fj_per_op") if row["tiled"] else None
        rows.append(row | {"energy_fj": energy, "energy_command": command([row["design"]]) if row["tiled"] else None})
    return measured | {"technology": TECHNOLOGY, "clock_ps": CLOCK, "rows": rows}


def ratio(row: Row, digits: int = 4) -> str:
    """A row's ratio and its interval."""
    return f"{row['ratio']:.{digits}f} ({row['low']:.{digits}f} to {row['high']:.{digits}f})"


def sentence(rows: Sequence[Row]) -> str:
    """What tiles in blocks do to perplexity, in attention alone and in all products; empty where these were not run."""
    found = {(row["design"], row["scope"]): row for row in rows}
    parts = []
    for scope, words in (("attention", "attention's products alone"), ("all", "every product but the head's")):
        some = [found[slug, scope] for slug in LEADING if (slug, scope) in found]
        ratios = [f"{ratio(row, 3)} with {row['said']}" for row in some]
        parts += [f"with {words} {'; '.join(ratios)}"] if ratios else []
    return f"By a language model, perplexity in tiles over float32's is, {', and '.join(parts)}." if parts else ""


def command(slugs: Sequence[str]) -> str:
    """The command line that measures energies of tiles as this part has them."""
    return shlex.join(["lmul", "report", *slugs, "--tech", TECHNOLOGY, "--clock", f"{CLOCK:g}", "-o", "DIR"])


def claims(measured: Row) -> list[Row]:
    """The claim about attention, judged by perplexity, for 8 and for 16 bits."""
    found = []
    for bits in (8, 16):
        rows = [row for row in measured["rows"]
                if row["scope"] == "attention" and row["family"] == "lmul" and max(row["bits"]) == bits]
        checks = [_check(row) for row in rows]
        if not checks:
            why = measured["missing"] or "These rows were not asked for."
            checks = [check("attention products", CRITERION, "", None, why, command=again("language", OPTION))]
        found.append(claim(f"attention-{bits}-bit", f"L-Mul of {bits} bits in place of the multiplications of "
                           "attention is almost lossless, by a language model's perplexity.", "language", checks))
    return found


def _check(row):
    low, high = row["low"], row["high"]
    holds = True if high <= BOUND else False if low > BOUND else None
    return check(f"{row['said']}{', as a tile' * row['tiled']}", CRITERION,
                 ratio(row), holds, command=row["command"],
                 unclear=None if holds is not None else f"the interval {low:.4f} to {high:.4f} holds {BOUND:g}")
