"""The Llama architecture in numpy: a causal decoder, every matrix product switchable.

Llama (arXiv 2302.13971) with query heads that share keys and values (arXiv 2305.13245), gated feed-forward layers
(arXiv 2002.05202), rotary positions (arXiv 2104.09864) and normalisation by the root mean square (arXiv 1910.07467).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .network import Hook, Site, float32_matmul, silu, softmax

#: Windows that go through the network together; more would take more memory and save no time.
BATCH = 8
#: The linear layers of a layer, by their names in a GGUF file.
LINEAR = {"query": "attn_q", "key": "attn_k", "value": "attn_v", "output": "attn_output",
          "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}


@dataclass(frozen=True)
class Shape:
    """Numbers that an instance of the architecture is made of: ``kv_heads`` divides ``heads``; ``head_width`` is
    even."""

    layers: int
    heads: int
    kv_heads: int
    head_width: int
    rope_base: float
    norm_eps: float


class Llama:
    """A network of given weights.

    Parameters
    ----------
    shape : Shape
    tensors : callable
        Gives a float32 tensor by GGUF's name for it and in GGUF's layout: a weight is (outputs, depth), and rows of
        queries and keys are in the order in which neighbours 2i and 2i + 1 are rotated together. The head is the
        embedding.
    """

    def __init__(self, shape: Shape, tensors: Callable[[str], np.ndarray]) -> None:
        self.shape = shape
        self._embedding = tensors("token_embd.weight")
        self._output_norm = tensors("output_norm.weight")
        self._norms = [{name: tensors(f"blk.{layer}.{name}_norm.weight") for name in ("attn", "ffn")}
                       for layer in range(shape.layers)]
        self._linear = [{name: np.ascontiguousarray(tensors(f"blk.{layer}.{path}.weight").T)
                         for name, path in LINEAR.items()} for layer in range(shape.layers)]

    def hidden(self, windows: np.ndarray, matmul: Hook = float32_matmul, progress: Callable | None = None
               ) -> np.ndarray:
        """The last layer's states, normalised: what `head` takes. A window does not depend on the others.

        Parameters
        ----------
        windows : int array, (windows, tokens)
        matmul : callable
            Takes every matrix product but the head's, as `float32_matmul` does; of a few windows at a time. In
            attention the heads of a window follow each other, and keys and values are repeated for the query heads that
            share them; all products of a window are computed, and of queries by keys those of the future are then left
            out.
        progress : callable or None
            Called as ``progress(done, total)`` in layers, before each and at the end.

        Returns
        -------
        float32, (windows, tokens, width)
        """
        batches = [windows[at:at + BATCH] for at in range(0, len(windows), BATCH)]
        total = len(batches) * self.shape.layers
        states = []
        for batch in batches:
            x = self._embedding[batch].reshape(batch.size, -1)
            for layer in range(self.shape.layers):
                if progress:
                    progress(len(states) * self.shape.layers + layer, total)
                x = self._layer(x, layer, batch.shape, matmul)
            states.append(self._norm(x, self._output_norm).reshape(*batch.shape, -1))
        if progress:
            progress(total, total)
        return np.concatenate(states)

    def head(self, states: np.ndarray) -> np.ndarray:
        """Logits of the next token, (..., tokens, vocabulary), from the states of `hidden`: always in float32."""
        return states @ self._embedding.T

    def _layer(self, x, layer, size, matmul):
        windows, length = size
        spans = [slice(at * length, (at + 1) * length) for at in range(windows)]

        def linear(x, name):
            return matmul(x, self._linear[layer][name], Site("linear", layer, name), spans)

        y = self._norm(x, self._norms[layer]["attn"])
        q, k, v = (self._by_head(linear(y, name), size) for name in ("query", "key", "value"))
        turn = rotations(length, self.shape.head_width, self.shape.rope_base)
        q, k = rotate(q, turn), rotate(k, turn)
        shared = self.shape.heads // self.shape.kv_heads
        k, v = (np.repeat(tensor, shared, axis=1) for tensor in (k, v))
        q, k, v = (tensor.reshape(-1, length, self.shape.head_width) for tensor in (q, k, v))
        own = [slice(0, length)] * windows
        scores = matmul(q, k.transpose(0, 2, 1), Site("qk", layer, "qk"), own)
        weights = softmax(scores / np.float32(math.sqrt(self.shape.head_width)) + future(length))
        mixed = matmul(weights, v, Site("pv", layer, "pv"), own)
        mixed = mixed.reshape(windows, self.shape.heads, length, -1).transpose(0, 2, 1, 3).reshape(len(x), -1)
        x = x + linear(mixed, "output")
        y = self._norm(x, self._norms[layer]["ffn"])
        return x + linear(silu(linear(y, "gate")) * linear(y, "up"), "down")

    def _by_head(self, x, size):
        """(tokens, heads * head_width) to (windows, heads, tokens, head_width)."""
        return x.reshape(*size, -1, self.shape.head_width).transpose(0, 2, 1, 3)

    def _norm(self, x, weight):
        return x / np.sqrt(np.square(x).mean(-1, keepdims=True) + np.float32(self.shape.norm_eps)) * weight


def rotations(length: int, width: int, base: float) -> np.ndarray:
    """Of each position the rotation of each pair of neighbours, complex64 (length, width / 2): pair i turns by
    ``base ** (-2 i / width)`` radians a position."""
    return np.exp(1j * np.outer(np.arange(length), base ** -(np.arange(0, width, 2) / width))).astype(np.complex64)


def rotate(x: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Numbers 2i and 2i + 1 of each token turned as a complex number is, by its position: float32 (..., length, width)
    and `rotations`."""
    return (np.ascontiguousarray(x).view(np.complex64) * turn).view(np.float32)


def future(length: int) -> np.ndarray:
    """What is added to scores (length, length) so that no token sees those that follow: 0, or minus infinity."""
    return np.triu(np.full((length, length), -np.inf, np.float32), 1)
