"""What an arithmetic costs a language model: losses, token by token, beside those of float32, and measures of them."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..golden.parallel import mapped
from . import texts
from .quantised import SCOPES, Arithmetic, Products
from .smollm2 import NAME, SmolLM2
from .texts import LENGTH

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How many windows are read for each scope.
WINDOWS = {"attention": 16, "linear": 4, "all": 4}
RESAMPLES, SEED = 10_000, 1  # of the bootstrap


class Scores(NamedTuple):
    """Of each window, and in it of each token but the first: its loss, the negative logarithm of its probability, and
    the token that was most likely in its place, (tokens - 1,); and the logarithms of all tokens' probabilities there,
    float32 (tokens - 1, vocabulary)."""

    loss: list[np.ndarray]
    likeliest: list[np.ndarray]
    probabilities: list[np.ndarray]


class Evaluation:
    """A language model on texts, and what becomes of its predictions in another arithmetic.

    Parameters
    ----------
    model : SmolLM2, optional
    windows : dict of str to int, optional
        For each of `SCOPES`, at least as many as there are kinds of text; by default `WINDOWS`.

    Attributes
    ----------
    tokens : int array, (windows, tokens)
        Those of the scope with the most windows, the kinds of text in turn: a scope reads the first of them.
    kinds : list of str
        The kind of each window.

    Raises
    ------
    Refusal
        If the extra `models` is not installed.
    """

    def __init__(self, model: SmolLM2 | None = None, windows: Mapping[str, int] = WINDOWS) -> None:
        self.model = model or SmolLM2()
        self.counts = dict(windows)
        most = max(self.counts.values())
        each = -(-most // len(texts.KINDS))
        in_turn = zip(*(texts.windows(kind, self.model, each, LENGTH) for kind in texts.KINDS), strict=True)
        self.tokens = np.concatenate([np.stack(some) for some in in_turn])[:most]
        self.kinds = (list(texts.KINDS) * each)[:most]

    @property
    def identity(self) -> list:
        """All that its measures depend on, but for the arithmetic and the program."""
        return [self.model.weights_sha256, self.counts, self.tokens.tolist()]

    @cached_property
    def reference(self) -> Scores:
        """Those of float32, of all windows: 50 MB for each."""
        states = self.model.hidden(self.tokens)
        return Scores(*map(list, zip(*mapped(lambda at: self._scores(states, at), range(len(states))), strict=True)))

    def about(self) -> dict[str, Any]:
        """``model``, ``weights_sha256``, ``windows`` for each scope and their ``length``, ``texts`` (provenance by
        kind), and by kind float32's ``perplexity``."""
        return {"model": NAME, "weights_sha256": self.model.weights_sha256, "length": LENGTH, "windows": self.counts,
                "texts": {kind: texts.provenance(kind) for kind in texts.KINDS},
                "perplexity": self._by_kind(np.stack(self.reference.loss))}

    def measure(self, arithmetic: Arithmetic, scope: str) -> dict[str, Any]:
        """What an arithmetic does to the predictions, beside float32 on the same tokens.

        Returns
        -------
        dict, fit for JSON
            ``macs`` and ``seconds`` of its products; ``ratio`` of perplexities, ``low`` and ``high`` ends of its 95 %
            interval (`interval`), ``ratios`` by kind of text; ``agreement``, the share of tokens with the same
            likeliest one; ``divergence``, the mean Kullback-Leibler divergence from float32's probabilities, in nats.
        """
        hook = Products(arithmetic, SCOPES[scope])
        count = self.counts[scope]
        states = self.model.hidden(self.tokens[:count], hook)
        right = self.reference
        more, same, divergence = map(np.stack, zip(*mapped(lambda at: self._beside(right, states, at), range(count)),
                                                   strict=True))
        low, high = interval(more.ravel())
        return {"macs": hook.macs, "seconds": round(hook.seconds, 3), "ratio": float(np.exp(more.mean())),
                "low": low, "high": high, "ratios": self._by_kind(more), "agreement": float(np.mean(same)),
                "divergence": float(np.mean(divergence))}

    def _by_kind(self, loss):
        """By kind of text the exponential of the mean of the first windows' losses."""
        kinds = np.array(self.kinds[:len(loss)])
        return {kind: float(np.exp(loss[kinds == kind].mean())) for kind in texts.KINDS}

    def _scores(self, states, at):
        """Of a window the parts of `Scores`."""
        found = log_probabilities(self.model.head(states[at][:-1]))
        return -np.take_along_axis(found, self.tokens[at][1:, None], 1)[:, 0], found.argmax(axis=1), found

    def _beside(self, reference, states, at):
        """Of a window, token by token: what its loss is more than float32's, whether the likeliest token is the same,
        and the divergence from float32's probabilities."""
        loss, likeliest, found = self._scores(states, at)
        right_loss, right_likeliest, right = (part[at] for part in reference)
        return (loss - right_loss, likeliest == right_likeliest,
                np.sum(np.exp(right) * (right - found), axis=1, dtype=np.float64))


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of all tokens, float32 (places, vocabulary)."""
    less = logits - logits.max(axis=1, keepdims=True)
    return less - np.log(np.exp(less).sum(axis=1, keepdims=True, dtype=np.float64)).astype(np.float32)


def interval(more: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of a ratio of perplexities by a paired bootstrap over tokens: each resample draws as many
    tokens, with both their losses; of the resamples' ratios the 2.5th and the 97.5th percentile.

    Parameters
    ----------
    more : float array
        Each token's loss less its loss in float32.
    """
    low, high = np.exp(np.percentile(_resamples(len(more)) @ more / len(more), (2.5, 97.5)))
    return float(low), float(high)


@cache
def _resamples(tokens):
    """How often each resample draws each token, (resamples, tokens): the same for every arithmetic."""
    rng = np.random.default_rng(SEED)
    drawn = (rng.integers(tokens, size=tokens) for _ in range(RESAMPLES))
    return np.stack([np.bincount(each, minlength=tokens).astype(np.float32) for each in drawn])
