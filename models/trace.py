"""Record what a transformer multiplies: real operands, for whoever has neither the network nor its weights."""

import io
import json
import os
import zipfile
from collections.abc import Iterable, Sequence

import numpy as np

from ..golden.files import atomic_write
from ..golden.refusal import Refusal
from .minilm import HEADS, LAYERS, NAME, MiniLM
from .network import float32_matmul
from .sentences import read_sentences, trace_sentences


def record_trace(sentences: Iterable[str] | None, out: str | os.PathLike, *, layers: Sequence[int] = (0, 5),
                 heads: Sequence[int] = (3, 8), ffn_layer: int = 2, ffn_rows: int = 64, ffn_cols: int = 48) -> str:
    """Write the operands of attention and of one feed-forward layer to an ``.npz``; same numbers, same bytes.

    Attention at every sentence, layer and head asked for; of the linear layer that widens the hidden state, the
    activations of the first ``ffn_rows`` tokens and the first ``ffn_cols`` columns of the weight. All is float32, as
    multiplied: a narrower type would leave the low mantissa bits of a wide multiplier idle.

    Arrays: ``q{c}``, ``k{c}``, ``v{c}`` (heads, tokens, 32) and ``p{c}`` (heads, tokens, tokens) for case ``c``; ``x``
    (tokens, 384) and ``w`` (384, cols); ``metadata``, JSON as bytes: ``model``, ``weights_sha256``, ``sentences``,
    ``heads``, ``cases`` (sentence and layer of each), ``ffn_layer``, ``dtype``, ``summary``.

    Parameters
    ----------
    sentences : list of str or None
        Blank lines and lines that begin with ``#`` are left out. None takes the project's own.
    out : path

    Returns
    -------
    str
        One line that says what was written.

    Raises
    ------
    Refusal
        If there is no sentence, a layer or head does not exist, or the extra `models` is not installed.
    """
    sentences = trace_sentences() if sentences is None else read_sentences(sentences)
    if not sentences:
        raise Refusal("Sentences must be at least one, not none")
    for name, values, count in (("Layers", (*layers, ffn_layer), LAYERS), ("Heads", heads, HEADS)):
        if not all(0 <= value < count for value in values):
            raise Refusal(f"{name} must be 0 to {count - 1}, not {list(values)!r}")
    model = MiniLM()
    tokens = model.tokens(sentences)
    arrays, cases, activations = {}, [], []

    for sentence, ids in enumerate(tokens):
        taken = {}

        def record(a, b, site, spans, taken=taken):
            taken[site.name, site.layer] = a, b
            return float32_matmul(a, b, site, spans)

        model.hidden_states([ids], record)
        for layer in layers:
            q, k = taken["qk", layer]
            p, v = taken["pv", layer]
            for name, array in (("q", q), ("k", k.transpose(0, 2, 1)), ("p", p), ("v", v)):
                arrays[f"{name}{len(cases)}"] = array[list(heads)]
            cases.append({"sentence": sentence, "layer": layer})
        x, w = taken["up", ffn_layer]
        activations.append(x)
    arrays["x"] = np.concatenate(activations)[:ffn_rows]
    arrays["w"] = w[:, :ffn_cols]
    metadata = {
        "model": NAME,
        "weights_sha256": model.weights_sha256,
        "sentences": sentences,
        "heads": list(heads),
        "cases": cases,
        "ffn_layer": ffn_layer,
        "dtype": "float32",
        "summary": f"attention of {len(sentences)} sentences ({sum(map(len, tokens))} tokens) at layers "
                   f"{_list(layers)} and heads {_list(heads)}, feed-forward of layer {ffn_layer} "
                   f"({arrays['x'].shape[0]} tokens, {arrays['w'].shape[1]} of {w.shape[1]} outputs), float32",
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
