"""Attention with L-Mul in a transformer with real weights: is it almost lossless?"""

from .verdict import check, claim

COSINE, RANKS, TOP1 = 0.99, 0.99, 0.95  # of what float32 gives, to count as almost lossless
QUICK_PAIRS = 20

CRITERION = (f"mean cosine with float32 at least {COSINE:g}, rank correlation at least {RANKS:g}, the same nearest "
             f"neighbour for at least {100 * TOP1:g} % of the sentences")


def part(full, progress=None):
    """The measures of `lmul.models.attention.evaluate`, with ``missing`` instead if the weights are not installed.

    Parameters
    ----------
    full : bool
        All sentences of the project, or 20 pairs of them.
    progress : callable or None
        Called with (steps done, steps, text).
    """
    from ..models.attention import evaluate
    from ..models.sentences import evaluation_sentences

    try:
        found = evaluate(None if full else evaluation_sentences(QUICK_PAIRS), progress=progress)
    except ValueError as refusal:
        return {"missing": str(refusal), "rows": []}
    return {"missing": None, **found}


def claims(measured):
    """The claim about attention, judged."""
    rows = [row for row in measured["rows"] if row["scope"] == "attention" and row["multiplier"].startswith("lmul")]
    checks = [check(row["multiplier"].replace("_", " ", 1) + ", attention products", CRITERION,
                    f"cosine {row['cosine_mean']:.4f}, ranks {row['spearman']:.4f}, nearest neighbour "
                    f"{100 * row['top1_agreement']:.1f} %",
                    row["cosine_mean"] >= COSINE and row["spearman"] >= RANKS and row["top1_agreement"] >= TOP1)
              for row in rows]
    if not checks:
        checks = [check("attention products", CRITERION, "", None, measured["missing"])]
    return [claim("attention", "L-Mul in place of the multiplications of attention is almost lossless.", "attention",
                  checks)]
