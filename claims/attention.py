"""Attention with L-Mul in a transformer with real weights: is it almost lossless?"""

from collections.abc import Callable, Sequence

from ..synth import program
from ..synth.store import Store, digest
from .rows import Row, again, selected
from .verdict import check, claim

COSINE, RANKS, TOP1 = 0.99, 0.99, 0.95  # of what float32 gives, to count as almost lossless

OPTION = " --models"
ABSENT = {"missing": "The transformer runs with `--models`, after `make models`.", "rows": []}

CRITERION = (f"mean cosine with float32 at least {COSINE:g}, rank correlation at least {RANKS:g}, the same nearest "
             f"neighbour for at least {100 * TOP1:g} % of the sentences")


def name(multiplier: str, scope: str) -> str:
    """A row's name, ``attention/SCOPE/MULTIPLIER``."""
    return f"attention/{scope}/{multiplier}"


def part(wanted: Sequence[str] = ("attention",), progress: Callable | None = None, store: Store | None = None) -> Row:
    """This part of the record: the measures of `lmul.models.attention.evaluate`, each kept as soon as it is there.

    Parameters
    ----------
    wanted : sequence of str
        Names of rows, or beginnings of them.
    progress : callable or None
        Called with (steps done, steps, text).
    store : Store or None
        Where they are kept.

    Raises
    ------
    Refusal
        If the extra `models` is not installed.
    """
    from ..models.attention import RUNS, evaluate

    runs = [(scope, multiplier) for scope, multiplier in RUNS if selected(name(multiplier.name, scope), wanted)]

    def kept(key, make):
        return store.made("attention", digest(program.identity("golden", "models"), key), make) if store else make()

    found = evaluate(runs=runs, progress=progress, kept=kept)
    rows = []
    for row in found["rows"]:
        title = name(row["multiplier"], row["scope"])
        rows.append({"row": title, **row, "command": again(title, OPTION)})
    return {"missing": None, **found, "rows": rows}


def claims(measured: Row) -> list[Row]:
    """The claim about attention, judged."""
    rows = [row for row in measured["rows"] if row["scope"] == "attention" and row["multiplier"].startswith("lmul")]
    checks = [check(row["multiplier"].replace("_", " ", 1) + ", attention products", CRITERION,
                    f"cosine {row['cosine_mean']:.4f}, ranks {row['spearman']:.4f}, nearest neighbour "
                    f"{100 * row['top1_agreement']:.1f} %",
                    row["cosine_mean"] >= COSINE and row["spearman"] >= RANKS and row["top1_agreement"] >= TOP1,
                    command=row["command"])
              for row in rows]
    if not checks:
        checks = [check("attention products", CRITERION, "", None,
                        measured["missing"] or "These rows were not asked for.", command=again("attention", OPTION))]
    return [claim("attention", "L-Mul in place of the multiplications of attention is almost lossless.", "attention",
                  checks)]
