"""What an arithmetic costs a language model: measures by hand, and of a network small enough to follow."""

import json

import numpy as np
import pytest
from lmul.golden.spec import Multiplier
from lmul.models import perplexity
from lmul.models.network import Site, float32_matmul
from lmul.models.perplexity import Evaluation, interval, log_probabilities
from lmul.models.quantised import Summed

VOCABULARY, WIDTH = 7, 32


class Small:
    """A token's embedding through one linear layer; no token sees another."""

    weights_sha256 = "of a test"

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.embedding = rng.normal(size=(VOCABULARY, WIDTH)).astype(np.float32)
        self.weight = rng.normal(size=(WIDTH, WIDTH)).astype(np.float32) / 6

    def hidden(self, windows, matmul=float32_matmul):
        length = windows.shape[1]
        spans = [slice(n * length, (n + 1) * length) for n in range(len(windows))]
        found = matmul(self.embedding[windows.ravel()], self.weight, Site("linear", 0, "only"), spans)
        return found.reshape(*windows.shape, WIDTH)

    def head(self, states):
        return states @ self.embedding.T


@pytest.fixture
def evaluation(monkeypatch, seed):
    """Of two kinds of text, windows of 9 tokens."""
    rng = np.random.default_rng(seed)
    texts = {kind: rng.integers(VOCABULARY, size=(3, 9)) for kind in ("news", "prose")}

    class Texts:
        KINDS = tuple(texts)

        @staticmethod
        def windows(kind, tokenizer, count, length):
            return texts[kind][:count]

        @staticmethod
        def provenance(kind):
            return f"{kind} of a test"

    monkeypatch.setattr(perplexity, "texts", Texts)
    monkeypatch.setattr(perplexity, "LENGTH", 9)
    return Evaluation(Small(seed), {"attention": 5, "linear": 4, "all": 2})


def test_measures_are_those_of_the_definition(evaluation):
    """Softmax and logarithm in float64, token by token."""
    spec = Multiplier.make("lmul", "e5m2")
    found = evaluation.measure(Summed(spec), "linear")
    model, macs = evaluation.model, 0
    losses, agree, divergence = {"news": [], "prose": []}, [], []
    assert evaluation.kinds == ["news", "prose", "news", "prose", "news"]
    for kind, window in zip(evaluation.kinds[:4], evaluation.tokens, strict=False):
        logits = [model.head(model.hidden(window[None], hook))[0].astype(np.float64)
                  for hook in (float32_matmul, perplexity.Products(Summed(spec), ["linear"]))]
        macs += window.size * WIDTH * WIDTH
        for place, token in enumerate(window[1:]):
            right, ours = (np.exp(each[place]) / np.exp(each[place]).sum() for each in logits)
            losses[kind].append(np.log(right[token]) - np.log(ours[token]))
            agree.append(right.argmax() == ours.argmax())
            divergence.append(np.sum(right * np.log(right / ours)))
    every = [value for some in losses.values() for value in some]
    assert found["macs"] == macs
    assert found["ratio"] == pytest.approx(np.exp(np.mean(every)), rel=1e-5) and abs(found["ratio"] - 1) > 1e-4
    assert found["ratios"] == pytest.approx({kind: np.exp(np.mean(some)) for kind, some in losses.items()}, rel=1e-5)
    assert found["agreement"] == np.mean(agree)
    assert found["divergence"] == pytest.approx(np.mean(divergence), rel=1e-3)
    assert found["low"] < found["ratio"] < found["high"]
    assert json.loads(json.dumps(found)) == found


def test_products_of_no_scope_change_nothing(evaluation):
    """The network has linear layers alone."""
    found = evaluation.measure(Summed(Multiplier.make("lmul", "e5m2")), "attention")
    assert (found["ratio"], found["low"], found["high"], found["agreement"], found["divergence"]) == (1, 1, 1, 1, 0)


def test_what_it_says_of_itself(evaluation):
    about = evaluation.about()
    assert about["windows"] == {"attention": 5, "linear": 4, "all": 2} and about["length"] == 9
    assert set(about["perplexity"]) == set(about["texts"]) == {"news", "prose"}
    logits = evaluation.model.head(evaluation.model.hidden(evaluation.tokens[::2]))
    found = np.concatenate([log_probabilities(each) for each in logits[:, :-1]])
    chosen = found[np.arange(len(found)), evaluation.tokens[::2, 1:].ravel()]
    assert about["perplexity"]["news"] == pytest.approx(np.exp(-chosen.mean()), rel=1e-5)


def test_the_interval_is_that_of_means(seed):
    """Of many tokens, nearly the normal one."""
    more = np.random.default_rng(seed).normal(.02, .5, 4000)
    low, high = interval(more)
    reach = 1.96 * more.std() / np.sqrt(len(more))
    assert np.log([low, high]) == pytest.approx([more.mean() - reach, more.mean() + reach], abs=.06 * reach)


def test_probabilities_do_not_overflow():
    found = log_probabilities(np.array([[1000, 999, -1000]], np.float32))
    least = np.log1p(np.exp(-1))
    assert found[0] == pytest.approx([-least, -1 - least, -2000 - least])
