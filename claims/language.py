"""A language model with every product in another arithmetic: what each costs in perplexity, and in energy as a tile."""

from __future__ import annotations

import shlex
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ..golden.pool import Here
from ..hdl.designs import Design, parse
from ..synth import program
from ..synth.store import digest
from .attention import OPTION
from .rows import Row, again, selected
from .verdict import check, claim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..golden.pool import Pool
    from ..synth.store import Store
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
#: What all are beside, in the place of a slug and a scope.
REFERENCE = ("float32", "reference")
#: Those of the `sentence`.
LEADING = ("tile_mxint8_16x16", "tile_exact_mxe4m3_16x16_w10", "tile_lmul_mxe4m3_best_16x16_w10",
           "tile_log_mxl3f4_16x16_w10")


def name(slug: str, scope: str) -> str:
    """A row's name, ``language/SLUG/SCOPE``."""
    return f"language/{slug}/{scope}"


def part(wanted: Sequence[str] = ("language",), pool: Pool | None = None, store: Store | None = None) -> Row:
    """This part of the record: what `lmul.models.perplexity.Evaluation` says of itself, and a row for each of `ENTRIES`
    and its scopes with what it measures; each is kept as soon as it is there.

    Parameters
    ----------
    wanted : sequence of str
        Names of rows, or beginnings of them.
    pool : Pool or None
        Where they are measured, by a model in each of its processes; None here, one after the other.
    store : Store or None
        Where rows are kept.

    Raises
    ------
    Refusal
        If the extra `models` is not installed.
    """
    runs = [(entry, scope) for entry in ENTRIES for scope in entry.scopes if selected(name(entry.slug, scope), wanted)]
    # Some offsets that differ in name are the same integer, with the same results.
    leading: dict[tuple, str] = {}
    keys = {(entry.slug, scope): (leading.setdefault((_same(parse(entry.slug)), scope), entry.slug), scope)
            for entry, scope in runs}
    made_of = digest(_evaluation().identity, program.identity("golden", "hdl", "models"))

    def kept(key):
        return digest(made_of, list(key))

    asked = dict.fromkeys((REFERENCE, *keys.values()))
    known = {key: store.data("language", kept(key)) for key in asked} if store else {}
    found = {key: row for key, row in known.items() if row is not None}
    jobs = [(_measured, *key) for key in asked if key not in found]
    for key, row in (pool or Here()).run(jobs, "language model", lambda *words: " ".join(words)):
        found[key] = store.made("language", kept(key), lambda: row) if store else row  # noqa: B023
    return {"missing": None, **found[REFERENCE],
            "rows": [_row(entry, scope) | found[keys[entry.slug, scope]] for entry, scope in runs]}


def _measured(slug, scope):
    """A key, and what there is to say of it: of a design and a scope what it costs, of `REFERENCE` what it is."""
    evaluation = _evaluation()
    if (slug, scope) == REFERENCE:
        return REFERENCE, evaluation.about()
    return (slug, scope), evaluation.measure(_arithmetic(parse(slug)), scope)


@cache
def _evaluation():
    """One in a process, with the model and what float32 makes of its texts."""
    from ..models.perplexity import Evaluation

    return Evaluation()


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
