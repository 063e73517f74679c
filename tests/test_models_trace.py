"""The recorder, and the recording kept in the project as its output."""

from importlib.resources import as_file, files

import lmul.golden
import numpy as np
import pytest
from lmul.cli.commands import trace as command
from lmul.golden.operands import SHARES, load, load_recording
from lmul.models import trace
from lmul.models.trace import FeedForward, record_trace


def test_the_kept_recording_can_be_made_again(minilm, tmp_path):
    line = made_again("recording", "minilm", tmp_path)
    assert line.startswith(f"{tmp_path / 'one.npz'}: attention of 3 sentences (98 tokens) at layers 0, 5")


@pytest.mark.regress
def test_the_recording_of_smollm2_can_be_made_again(smollm2, monkeypatch, tmp_path):
    monkeypatch.setattr(trace.smollm2, "SmolLM2", lambda: smollm2)
    line = made_again("smollm2", "smollm2", tmp_path)
    assert line.startswith(f"{tmp_path / 'one.npz'}: attention of 1 sentence (33 tokens) at layers 1, 14, 28")


def test_models_of_the_command():
    assert [set(option.type.choices) for option in command.params if option.name == "model"] == [set(trace.MODELS)]


def made_again(recording, model, tmp_path):
    line = record_trace(None, tmp_path / "one.npz", model)
    record_trace(None, tmp_path / "two.npz", model)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with as_file(files(lmul.golden) / "data" / f"{recording}.npz") as path, np.load(path) as kept, \
            np.load(tmp_path / "one.npz") as made:
        assert kept.files == made.files and kept["metadata"].tobytes() == made["metadata"].tobytes()
        for name in set(kept.files) - {"metadata"}:  # another machine's BLAS sums in another order
            assert kept[name].dtype == np.float32 and np.allclose(kept[name], made[name], rtol=1e-4, atol=1e-5)
    assert load(tmp_path / "one.npz").provenance == load_recording(recording).provenance
    return line


def test_own_sentences(minilm, tmp_path):
    path = tmp_path / "own.npz"
    lines = ["# a comment", "Two words.", "", "  Three more words here.  "]
    record_trace(lines, path, layers=[4], heads=[0, 1, 11],
                 feed_forward=[FeedForward(2, "up", 5, 48), FeedForward(3, "down", 99, 1, 1000, 20)])
    source = load(path)
    assert source.name == "own" and set(source.shares) == set(SHARES)
    shapes = [(product.kind, product.a.shape, product.b.shape) for product in source.products]
    expected = []
    for tokens in (5, 7):
        expected += [("qk", (tokens, 32), (32, tokens))] * 3 + [("pv", (tokens, tokens), (tokens, 32))] * 3
    assert shapes == [*expected, ("ffn", (5, 384), (384, 48)), ("ffn", (12, 20), (20, 1))]


def test_refusals(minilm, tmp_path):
    for lines, options, sentence in (
            (["", "# x"], {}, "Sentences must be at least one, not none"),
            (["x"], {"layers": [6]}, "Layers must be 0 to 5, not [6, 2]"),
            (["x"], {"heads": [-1]}, "Heads must be 0 to 11, not [-1]")):
        with pytest.raises(ValueError) as error:
            record_trace(lines, tmp_path / "f.npz", **options)
        assert str(error.value) == sentence
    assert not list(tmp_path.iterdir())
