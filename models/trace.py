"""Record what a transformer multiplies: real operands, for whoever has neither the network nor its weights."""

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..golden.files import atomic_write
from ..golden.refusal import Refusal
from . import minilm, smollm2
from .network import float32_matmul
from .sentences import read_sentences, trace_sentences


@dataclass(frozen=True)
class FeedForward:
    """What is recorded of a linear layer of a feed-forward part: the activations of the first ``rows`` tokens, and the
    first ``cols`` columns of the weight; of the sums of products so many as ``depth`` says, from ``start``, or all.
    ``name`` is as in `network.Site`."""

    layer: int
    name: str
    rows: int
    cols: int
    start: int = 0
    depth: int | None = None


@dataclass(frozen=True)
class Plan:
    """What is recorded of a network: attention of these layers and heads, linear layers, and, where a user has no
    sentences of his own, so many of the project's."""

    layers: Sequence[int]
    heads: Sequence[int]
    feed_forward: Sequence[FeedForward]
    sentences: int


@dataclass(frozen=True)
class Model:
    """A network that can be recorded.

    Parameters
    ----------
    name : str
    layers, heads : int
        How many it has.
    load : callable
        Gives the network, and what takes a sentence through it: ``run(sentence, hook) -> number of tokens``.
    plan : Plan
    """

    name: str
    layers: int
    heads: int
    load: Callable[[], tuple[Any, Callable]]
    plan: Plan


def _minilm():
    network = minilm.MiniLM()

    def run(sentence, hook):
        tokens = network.tokens([sentence])
        network.hidden_states(tokens, hook)
        return len(tokens[0])

    return network, run


def _smollm2():
    network = smollm2.SmolLM2()

    def run(sentence, hook):
        tokens = network.tokens(sentence)
        network.hidden(tokens[None], hook)
        return len(tokens)

    return network, run


#: The networks, by the names that `lmul trace` knows them by. Of SmolLM2's layers, the inputs of ``down`` in layer 11
#: have by far the largest outlier of the sentence, at 1229, and those in layer 20 none.
MODELS = {
    "minilm": Model(minilm.NAME, minilm.LAYERS, minilm.HEADS, _minilm,
                    Plan((0, 5), (3, 8), (FeedForward(2, "up", 64, 48),), 3)),
    "smollm2": Model(smollm2.NAME, smollm2.LAYERS, smollm2.HEADS, _smollm2,
                     Plan((1, 14, 28), (2, 7), (
                         FeedForward(2, "up", 16, 16), FeedForward(11, "down", 16, 16, 1152, 384),
                         FeedForward(20, "down", 16, 16, 1152, 384)), 1)),
}


def record_trace(sentences: Iterable[str] | None, out: str | os.PathLike, model: str = "minilm", **changes: Any) -> str:
    """Write the operands of attention and of feed-forward layers to an ``.npz``; same numbers, same bytes.

    Attention at every sentence, layer and head of the network's plan; of linear layers activations and a part of the
    weight. All is float32, as multiplied: a narrower type would leave the low mantissa bits of a wide multiplier idle.

    Arrays: ``q{c}``, ``k{c}``, ``v{c}`` (heads, tokens, head's width) and ``p{c}`` (heads, tokens, tokens) for case
    ``c``; ``x{n}`` (tokens, depth) and ``w{n}`` (depth, cols) for linear layer ``n``; ``metadata``, JSON as bytes:
    ``model``, ``weights_sha256``, ``sentences``, ``heads``, ``cases`` (sentence and layer of each), ``feed_forward``
    (layer, name and first input of each), ``dtype``, ``summary``.

    Parameters
    ----------
    sentences : list of str or None
        Blank lines and lines that begin with ``#`` are left out. None takes the project's own.
    out : path
    model : str
        A key of `MODELS`.
    changes
        Fields of the `Plan` that are to be others.

    Returns
    -------
    str
        One line that says what was written.

    Raises
    ------
    Refusal
        If there is no sentence, a layer or head does not exist, or the extra `models` is not installed.
    """
    about = MODELS[model]
    plan = replace(about.plan, **changes)
    sentences = trace_sentences()[:plan.sentences] if sentences is None else read_sentences(sentences)
    if not sentences:
        raise Refusal("Sentences must be at least one, not none")
    linear = [part.layer for part in plan.feed_forward]
    for name, values, count in (("Layers", (*plan.layers, *linear), about.layers), ("Heads", plan.heads, about.heads)):
        if not all(0 <= value < count for value in values):
            raise Refusal(f"{name} must be 0 to {count - 1}, not {list(values)!r}")
    network, run = about.load()
    arrays, cases, tokens = {}, [], 0
    inputs, weights = [[] for _ in plan.feed_forward], []

    for sentence, text in enumerate(sentences):
        taken = {}

        def record(a, b, site, spans, taken=taken):
            taken[site.name, site.layer] = a, b
            return float32_matmul(a, b, site, spans)

        tokens += run(text, record)
        for layer in plan.layers:
            q, k = taken["qk", layer]
            p, v = taken["pv", layer]
            for name, array in (("q", q), ("k", k.transpose(0, 2, 1)), ("p", p), ("v", v)):
                arrays[f"{name}{len(cases)}"] = array[list(plan.heads)]
            cases.append({"sentence": sentence, "layer": layer})
        for rows, part in zip(inputs, plan.feed_forward, strict=True):
            rows.append(taken[part.name, part.layer][0])
        weights = [taken[part.name, part.layer][1] for part in plan.feed_forward]
    described = []
    for number, (part, rows, weight) in enumerate(zip(plan.feed_forward, inputs, weights, strict=True)):
        along = slice(part.start, part.depth and part.start + part.depth)
        x = arrays[f"x{number}"] = np.concatenate(rows)[:part.rows, along]
        w = arrays[f"w{number}"] = weight[along, :part.cols]
        inputs_of = "" if len(w) == len(weight) else f"{len(w)} of {len(weight)} inputs, "
        described.append(f"of layer {part.layer} ({len(x)} tokens, {inputs_of}{w.shape[1]} of {weight.shape[1]} "
                         "outputs)")
    metadata = {
        "model": about.name,
        "weights_sha256": network.weights_sha256,
        "sentences": sentences,
        "heads": list(plan.heads),
        "cases": cases,
        "feed_forward": [{"layer": part.layer, "name": part.name, "start": part.start} for part in plan.feed_forward],
        "dtype": "float32",
        "summary": f"attention of {len(sentences)} sentence{'s' * (len(sentences) > 1)} ({tokens} tokens) at layers "
                   f"{_list(plan.layers)} and heads {_list(plan.heads)}, feed-forward {_list(described)}, float32",
    }
    arrays["metadata"] = np.frombuffer(json.dumps(metadata, indent=1).encode(), np.uint8)
    size = _write_npz(out, arrays)
    return f"{out}: {metadata['summary']}, {size / 1000:.0f} kB"


def _list(numbers):
    return ", ".join(map(str, numbers))


def _write_npz(path, arrays):
    """An ``.npz`` whose bytes depend on the arrays alone: stored, members dated 1980. Returns the size in bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
    with atomic_write(path, "wb") as file:
        file.write(content.getvalue())
    return content.tell()
