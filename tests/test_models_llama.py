"""The Llama architecture on a small network of random weights, against the same written out in float64."""

import numpy as np
import pytest
from lmul.models.llama import BATCH, LINEAR, Llama, Shape, rotate, rotations
from lmul.models.network import float32_matmul, silu

SHAPE = Shape(layers=2, heads=4, kv_heads=2, head_width=6, rope_base=100.0, norm_eps=1e-5)
WIDTH, INNER, VOCABULARY, LENGTH = 24, 40, 50, 9


@pytest.fixture(scope="module")
def tensors(seed):
    rng = np.random.default_rng(seed)

    def weight(*shape):
        return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    outputs = {"query": WIDTH, "key": WIDTH // 2, "value": WIDTH // 2, "output": WIDTH, "gate": INNER, "up": INNER,
               "down": WIDTH}
    found = {"token_embd.weight": weight(VOCABULARY, WIDTH), "output_norm.weight": 1 + weight(WIDTH)}
    for layer in range(SHAPE.layers):
        for name, path in LINEAR.items():
            found[f"blk.{layer}.{path}.weight"] = weight(outputs[name], INNER if name == "down" else WIDTH)
        for name in ("attn", "ffn"):
            found[f"blk.{layer}.{name}_norm.weight"] = 1 + weight(WIDTH)
    return found


@pytest.fixture(scope="module")
def network(tensors):
    return Llama(SHAPE, tensors.__getitem__)


@pytest.fixture(scope="module")
def windows(seed):
    return np.random.default_rng(seed + 1).integers(VOCABULARY, size=(BATCH + 2, LENGTH))


def written_out(tensors, ids):
    """Logits of one window, a token, a head and a pair of numbers at a time."""
    def normed(x, name):
        return x / np.sqrt(np.mean(x * x) + 1e-5) * tensors[name].astype(float)

    def turned(x, position):
        y = np.empty(6)
        for pair in range(3):
            angle = position / 100 ** (pair / 3)
            y[2 * pair] = x[2 * pair] * np.cos(angle) - x[2 * pair + 1] * np.sin(angle)
            y[2 * pair + 1] = x[2 * pair] * np.sin(angle) + x[2 * pair + 1] * np.cos(angle)
        return y

    stream = [tensors["token_embd.weight"][token].astype(float) for token in ids]
    for layer in range(2):
        def times(path, x, layer=layer):
            return tensors[f"blk.{layer}.{path}.weight"].astype(float) @ x

        keys, values = [], []
        for position, x in enumerate(stream):
            y = normed(x, f"blk.{layer}.attn_norm.weight")
            q, k, v = (times(path, y).reshape(-1, 6) for path in ("attn_q", "attn_k", "attn_v"))
            keys.append([turned(head, position) for head in k])
            values.append(v)
            mixed = []
            for head in range(4):
                scores = np.array([turned(q[head], position) @ key[head // 2] / 6 ** .5 for key in keys])
                shares = np.exp(scores) / np.exp(scores).sum()
                mixed.append(sum(share * value[head // 2] for share, value in zip(shares, values, strict=True)))
            x = x + times("attn_output", np.concatenate(mixed))
            y = normed(x, f"blk.{layer}.ffn_norm.weight")
            gate = times("ffn_gate", y)
            stream[position] = x + times("ffn_down", gate / (1 + np.exp(-gate)) * times("ffn_up", y))
    return np.stack([tensors["token_embd.weight"].astype(float) @ normed(x, "output_norm.weight") for x in stream])


def test_logits_are_those_written_out(network, tensors, windows):
    steps = []
    states = network.hidden(windows, progress=lambda *step: steps.append(step))
    assert states.dtype == np.float32 and states.shape == (*windows.shape, WIDTH)
    assert steps == [(done, 4) for done in range(5)]  # two batches of two layers
    for window, state in zip(windows, states, strict=True):
        logits = network.head(state)
        assert logits.dtype == np.float32 and np.abs(logits - written_out(tensors, window)).max() < 2e-5


def test_no_token_depends_on_those_that_follow(network, windows):
    states = network.hidden(windows[:1])
    other = windows[:1].copy()
    other[0, 5:] = (other[0, 5:] + 1) % VOCABULARY
    changed = np.abs(network.hidden(other) - states).max(-1)[0]
    assert changed[:5].max() < 2e-5 and changed[5:].min() > 1e-3
    assert np.abs(network.hidden(windows[:1, :5]) - states[:, :5]).max() < 2e-5


def test_positions_count_by_their_distance(seed):
    rng = np.random.default_rng(seed)
    q, k = rng.standard_normal((2, 1, 64)).astype(np.float32)
    turn = rotations(300, 64, 100000.0)
    turned_q, turned_k = (rotate(np.repeat(x, 300, axis=0), turn) for x in (q, k))
    assert np.allclose(np.linalg.norm(turned_q, axis=1), np.linalg.norm(q), rtol=1e-5)
    products = turned_q @ turned_k.T
    for distance in (0, 1, 77):
        diagonal = np.diagonal(products, distance)
        assert np.ptp(diagonal) < 1e-4 and abs(diagonal[0]) > 1e-3
    assert np.array_equal(turned_q[0], q[0])
    quarter = rotate(np.array([[1, 0, 1, 0]], np.float32), np.array([[1j, 1]], np.complex64))
    assert quarter.tolist() == [[0, 1, 1, 0]]


def test_every_product_goes_through_the_hook(network, windows):
    seen = []

    def record(a, b, site, spans):
        assert site.kind != "linear" or b.flags.c_contiguous
        seen.append((site.kind, site.layer, site.name, a.shape, b.shape, spans))
        return float32_matmul(a, b, site, spans)

    network.hidden(windows, record)
    expected = []
    for count in (BATCH, 2):
        spans = [slice(at, at + LENGTH) for at in range(0, count * LENGTH, LENGTH)]
        own, tokens, heads = [slice(0, LENGTH)] * count, count * LENGTH, count * 4
        for layer in range(2):
            expected += [("linear", layer, name, (tokens, WIDTH), (WIDTH, outputs), spans)
                         for name, outputs in (("query", WIDTH), ("key", WIDTH // 2), ("value", WIDTH // 2))]
            expected += [("qk", layer, "qk", (heads, LENGTH, 6), (heads, 6, LENGTH), own),
                         ("pv", layer, "pv", (heads, LENGTH, LENGTH), (heads, LENGTH, 6), own)]
            expected += [("linear", layer, name, (tokens, depth), (depth, outputs), spans) for name, depth, outputs in (
                ("output", WIDTH, WIDTH), ("gate", WIDTH, INNER), ("up", WIDTH, INNER), ("down", INNER, WIDTH))]
    assert seen == expected


def test_silu():
    x = np.array([-1e4, -2, 0, 2, 1e4], np.float32)
    assert silu(x).dtype == np.float32
    assert silu(x) == pytest.approx([0, -2 / (1 + np.e ** 2), 0, 2 / (1 + np.e ** -2), 1e4])
