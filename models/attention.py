"""How much a transformer's output suffers when its matrix products are computed by a cheaper multiplier."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..golden.refusal import Refusal
from ..golden.spec import Multiplier
from . import quantised
from .minilm import NAME, MiniLM, pool
from .quantised import Products, Summed
from .sentences import evaluation_sentences

#: Which products a variant computes: those of attention, or those and all linear layers.
SCOPES = {name: quantised.SCOPES[name] for name in ("attention", "all")}

VARIANTS = tuple(
    multiplier for fmt in ("e4m3", "e5m2", "bf16")
    for multiplier in (Multiplier.make("exact", fmt),
                       *(Multiplier.make("lmul", fmt, offset=offset) for offset in ("paper", "none", "best"))))

RUNS = tuple((scope, multiplier) for scope in SCOPES for multiplier in VARIANTS)


def evaluate(sentences: Iterable[str] | None = None, runs: Sequence[tuple[str, Multiplier]] = RUNS,
             progress: Callable | None = None,
             kept: Callable[[list, Callable], dict] = lambda key, make: make()) -> dict[str, Any]:
    """Run the network once per scope and multiplier and compare it with float32.

    Parameters
    ----------
    sentences : list of str or None
        In pairs of like meaning, 2i and 2i + 1, at least two pairs. None takes all of the project's own.
    runs : sequence of (str, Multiplier)
        A key of `SCOPES`, and a multiplier whose wide products are summed in fp32, bit-exact to the hardware.
    progress : callable or None
        Called as ``progress(done, total, text)`` before each run.
    kept : callable
        Called as ``kept(key, make)`` for what a run measures, fit for JSON: it gives what is known under that key, or
        what ``make()`` gives. All that decides it but for the program is in the key.

    Returns
    -------
    dict, fit for JSON
        ``model``, ``weights_sha256``, ``sentences`` and ``tokens`` (counts), ``top1_partner_float32`` and ``rows``.
        A row: ``multiplier``, ``scope``, ``macs``, ``seconds``; the measures of `compare`; ``layer_error``, the
        root-mean-square error of the hidden state relative to its root mean square in float32, after the embedding and
        each layer. Multipliers whose offsets are the same integer are run once, and their rows differ in name only.

    Raises
    ------
    Refusal
        If the sentences do not come in two pairs or more, or the extra `models` is not installed.
    """
    sentences = evaluation_sentences() if sentences is None else list(sentences)
    if len(sentences) < 4 or len(sentences) % 2:
        raise Refusal(f"Sentences must come in two pairs or more, not {len(sentences)} of them")
    model = MiniLM()
    tokens = model.tokens(sentences)
    reference = model.hidden_states(tokens)
    expected = pool(reference[-1], tokens)

    def measure(scope, multiplier):
        hook = Products(Summed(multiplier), SCOPES[scope])
        states = model.hidden_states(tokens, hook)
        return {"macs": hook.macs, "seconds": round(hook.seconds, 3), **compare(pool(states[-1], tokens), expected),
                "layer_error": layer_errors(states, reference)}

    rows, measured = [], {}
    for done, (scope, multiplier) in enumerate(runs):
        if progress:
            progress(done, len(runs), f"{multiplier.name}, {scope}")
        same = scope, multiplier.products_key
        if same not in measured:
            key = [model.weights_sha256, sentences, scope, multiplier.name]
            measured[same] = kept(key, partial(measure, scope, multiplier))
        rows.append({"multiplier": multiplier.name, "scope": scope, **measured[same]})
    if progress:
        progress(len(runs), len(runs), "")
    return {"model": NAME, "weights_sha256": model.weights_sha256, "sentences": len(sentences),
            "tokens": sum(map(len, tokens)), "top1_partner_float32": partners_found(similarities(expected)),
            "rows": rows}


def compare(embeddings: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Measures of embeddings beside reference embeddings of the same sentences, (sentences, width) of unit length.

    Returns
    -------
    dict
        ``cosine_mean`` and ``cosine_min``: of each embedding with its reference. ``spearman``: rank correlation of the
        similarities of all pairs of sentences. ``top1_agreement``: fraction of sentences that keep their nearest
        neighbour among the others; ``top1_partner``: fraction whose nearest neighbour is the other of its pair.
    """
    cosines = np.sum(embeddings * reference, axis=1, dtype=np.float64)
    ours, theirs = similarities(embeddings), similarities(reference)
    upper = np.triu_indices(len(ours), 1)
    return {"cosine_mean": float(cosines.mean()), "cosine_min": float(cosines.min()),
            "spearman": spearman(ours[upper], theirs[upper]),
            "top1_agreement": float(np.mean(nearest(ours) == nearest(theirs))),
            "top1_partner": partners_found(ours)}


def layer_errors(states: np.ndarray, reference: np.ndarray) -> list[float]:
    """Relative root-mean-square error per layer, of hidden states (1 + layers, tokens, width)."""
    def energy(x):
        return np.square(x, dtype=np.float64).sum((1, 2))

    return np.sqrt(energy(states - reference) / energy(reference)).tolist()


def similarities(embeddings: np.ndarray) -> np.ndarray:
    """Cosines of all pairs: float64 (sentences, sentences)."""
    embeddings = embeddings.astype(np.float64)
    return embeddings @ embeddings.T


def nearest(similarity: np.ndarray) -> np.ndarray:
    """For each sentence the most similar other one."""
    return np.argmax(similarity - 9 * np.eye(len(similarity)), axis=1)


def partners_found(similarity: np.ndarray) -> float:
    """Fraction of sentences whose most similar other one is the other of its pair, 2i and 2i + 1."""
    return float(np.mean(nearest(similarity) == np.arange(len(similarity)) ^ 1))


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation; equal values share the mean of their ranks."""
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def _ranks(values):
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
