"""Quantised products of the network, and the measures of what they do to its output."""

import json

import ml_dtypes
import numpy as np
import pytest
from lmul.golden.accumulate import accumulate
from lmul.golden.operands import quantise, scale_for
from lmul.golden.spec import Accumulator, Multiplier
from lmul.golden.tile_matrices import Quantised, matmul_floats, numbers
from lmul.golden.tile_sums import tile_matmul
from lmul.hdl.designs import parse
from lmul.models import attention
from lmul.models.attention import VARIANTS, compare, evaluate, layer_errors, nearest, spearman
from lmul.models.network import Site
from lmul.models.quantised import FP32, Products, Summed, Tiled
from lmul.models.sentences import evaluation_sentences

CASTS = {"e4m3": ml_dtypes.float8_e4m3fn, "e5m2": ml_dtypes.float8_e5m2, "bf16": ml_dtypes.bfloat16}
COARSER = ("exact_fp16", "exact_bf16", "lmul_bf16", "lmul_e5m2")
QK, QUERY = Site("qk", 0, "qk"), Site("linear", 0, "query")


SPANS = [slice(0, 5), slice(5, 6), slice(6, 13)]


@pytest.fixture(scope="module")
def heads(seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 5, 8)).astype(np.float32), rng.standard_normal((4, 8, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def layer(seed):
    """Activations of three sentences of different magnitude, and a weight."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((13, 40)) * np.repeat([1, 30, .01], [5, 1, 7])[:, None]
    return a.astype(np.float32), rng.standard_normal((40, 7)).astype(np.float32)


def cast(fmt, tensor):
    """``tensor`` through somebody else's narrow type, with our scale."""
    scale = scale_for(fmt, tensor)
    return (tensor / scale).astype(CASTS[fmt.name]).astype(np.float64) * scale


@pytest.mark.parametrize("name", CASTS)
def test_exact_products_agree_with_casts(name, heads, layer):
    spec = Multiplier.make("exact", name)
    a, b = heads
    result = Products(Summed(spec), ["qk"])(a, b, QK, [slice(0, 5)])
    assert result.dtype == np.float32 and np.allclose(result, cast(spec.a, a) @ cast(spec.b, b), rtol=1e-5, atol=1e-5)
    a, w = layer
    result = Products(Summed(spec), ["linear"])(a, w, QUERY, SPANS)
    for span in SPANS:
        expected = cast(spec.a, a[span]) @ cast(spec.b, w)
        assert np.allclose(result[span], expected, rtol=1e-5, atol=1e-5 * abs(expected).max())


@pytest.mark.parametrize("spec", VARIANTS, ids=lambda spec: spec.name)
def test_products_are_the_accumulators(spec, heads, layer):
    """Bit for bit what one accumulator after another gives."""
    def sums(x, y):
        (x, x_scale), (y, y_scale) = quantise(spec.a, x), quantise(spec.b, y)
        codes = accumulate(spec, FP32, x[..., :, None, :], np.swapaxes(y, -1, -2)[..., None, :, :])
        return codes.view(np.float32) * np.float32(x_scale * y_scale)

    a, b = heads
    assert np.array_equal(Products(Summed(spec), ["qk"])(a, b, QK, [slice(0, 5)]), sums(a, b))
    a, w = layer
    expected = np.concatenate([sums(a[span], w) for span in SPANS])
    assert np.array_equal(Products(Summed(spec), ["linear"])(a, w, QUERY, SPANS), expected)


def test_each_sentence_has_its_own_scale(heads):
    """Sentences of one length share a product, and nothing else."""
    a, b = heads
    spans = [slice(0, 5)]
    pairs = [(a, b), (30 * a, .01 * b[::-1]), (a[::-1], 7 * b)]
    alone = [Products(Summed(VARIANTS[1]), ["qk"])(*pair, QK, spans) for pair in pairs]
    together = Products(Summed(VARIANTS[1]), ["qk"])(*map(np.concatenate, zip(*pairs, strict=True)), QK, 3 * spans)
    assert np.array_equal(together, np.concatenate(alone))


def test_sums_of_integers(heads):
    """What an integer accumulator gives is scaled back."""
    spec = Multiplier.make("int8")
    a, b = heads
    (x, x_scale), (y, y_scale) = quantise(spec.a, a), quantise(spec.b, b)
    right = (spec.a.decode(x) @ spec.b.decode(y)) * x_scale * y_scale
    found = Products(Summed(spec, Accumulator("int", bits=32)), ["qk"])(a, b, QK, [slice(0, 5)])
    assert found.dtype == np.float32 and np.allclose(found, right, rtol=1e-6)


@pytest.mark.parametrize("slug", ["tile_lmul_e4m3_best_16x16_w10", "tile_int8_16x16", "tile_exact_mxe4m3_16x16_w8",
                                  "tile_log_mxl3f4_16x16_w10", "tile_lmul_bf16xmxe4m3_16x16_w12"])
def test_products_of_tiles_are_the_tiles(slug, heads, layer):
    """As each matrix multiplied by itself; of blocks, which no tensor shares, scales are a row's own."""
    tile = parse(slug).tile
    a, b = heads
    if tile.blocks:  # a stack of operands under one scale is quantised as one
        right = np.stack([matmul_floats(tile, x, y).values for x, y in zip(a, b, strict=True)])
    else:
        scales = [scale_for(fmt, each) for fmt, each in ((tile.multiplier.a, a), (tile.multiplier.b, b))]
        codes = [tile.multiplier.a.encode(a / scales[0]), tile.multiplier.b.encode(b / scales[1])]
        right = np.stack([numbers(tile, tile_matmul(tile, *pair), *(Quantised(None, None, each) for each in scales))
                          for pair in zip(*codes, strict=True)])
    close = {"rtol": 1e-6, "atol": 1e-6 * abs(right).max()}
    assert np.allclose(Products(Tiled(tile), ["qk"])(a, b, QK, [slice(0, 5)]), right, **close)
    a, w = layer
    found = Products(Tiled(tile), ["linear"])(a, w, QUERY, SPANS)
    for span in SPANS:
        assert np.allclose(found[span], matmul_floats(tile, a[span], w).values, **close)


def test_only_the_kinds_asked_for_are_quantised(heads):
    a, b = heads
    hook = Products(Summed(VARIANTS[0]), ["pv"])
    assert np.array_equal(hook(a, b, QK, [slice(0, 5)]), a @ b) and hook.macs == 0
    assert not np.array_equal(hook(a, b, Site("pv", 0, "pv"), [slice(0, 5)]), a @ b) and hook.macs == 4 * 5 * 8 * 6


def test_spearman_by_hand():
    assert spearman([1, 2, 3, 4], [10, 20, 30, 40]) == pytest.approx(1)
    assert spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert spearman([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]) == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert spearman([1, 2, 2, 4], [1, 2, 3, 4]) == pytest.approx(4.5 / np.sqrt(4.5 * 5))  # ranks 1, 2.5, 2.5, 4


def test_measures_by_hand():
    plane = np.radians([0, 10, 90, 95])
    reference = np.stack([np.cos(plane), np.sin(plane)], axis=1)
    assert nearest(reference @ reference.T).tolist() == [1, 0, 3, 2]
    assert compare(reference, reference) == pytest.approx({"cosine_mean": 1, "cosine_min": 1, "spearman": 1,
                                                           "top1_agreement": 1, "top1_partner": 1})
    plane[3] = np.radians(-5)  # now nearest to the first, and the first to it
    turned = compare(np.stack([np.cos(plane), np.sin(plane)], axis=1), reference)
    assert turned["cosine_min"] == pytest.approx(np.cos(np.radians(100)))
    assert (turned["top1_agreement"], turned["top1_partner"]) == (.25, .25)


def test_layer_error_is_relative_to_each_layer():
    reference = np.ones((3, 4, 5)) * np.array([1, 1, 100])[:, None, None]
    states = reference * np.array([1, 1.5, .9])[:, None, None]
    assert layer_errors(states, reference) == pytest.approx([0, .5, .1])


def test_refuses_what_is_no_pairs():
    with pytest.raises(ValueError, match="^Sentences must come in two pairs or more, not 5 of them$"):
        evaluate(["a"] * 5)


@pytest.fixture(scope="module")
def rows(minilm):
    steps = []
    runs = [(scope, Multiplier.make(*words.split("_"))) for scope in attention.SCOPES for words in COARSER]
    record = evaluate(evaluation_sentences(3), runs, progress=lambda *step: steps.append(step))
    assert [step[:2] for step in steps] == [(done, 8) for done in range(9)]
    assert json.loads(json.dumps(record)) == record and record["sentences"] == 6
    return {(row["multiplier"], row["scope"]): row for row in record["rows"]}


def test_wide_exact_products_change_next_to_nothing(rows):
    for scope in attention.SCOPES:
        row = rows["exact_fp16", scope]
        assert row["cosine_min"] > 1 - 1e-5 and row["spearman"] > .999 and row["top1_agreement"] == 1
        assert row["layer_error"][0] == 0 and 0 < max(row["layer_error"]) < 3e-3


def test_coarser_products_hurt_more(rows):
    for scope in attention.SCOPES:
        errors = [rows[name, scope]["layer_error"][-1] for name in COARSER]
        assert errors == sorted(errors) and errors[-1] < .8
    for name in COARSER:
        assert rows[name, "attention"]["layer_error"][-1] < rows[name, "all"]["layer_error"][-1]
        assert rows[name, "attention"]["macs"] < rows[name, "all"]["macs"]
