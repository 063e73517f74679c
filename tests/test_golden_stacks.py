"""Stacks of matrices: each product as if it were alone."""

import numpy as np
import pytest
from lmul.golden import matmul as module
from lmul.golden.matmul import matmul
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.golden.stimulus import corner_pairs, random_pairs

E4M3 = Multiplier.make("lmul", "e4m3")
SPECS = (E4M3, Multiplier.make("exact", "e5m2"), Multiplier.make("lmul", "bf16", "e4m3"),
         Multiplier.make("lmul", "bf16", subnormals="exact"), Multiplier.make("exact", "fp32"))


@pytest.mark.parametrize("sum_name", ["fp32", "bf16", "fixed", "carrysave64"])
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_each_is_as_if_alone(spec, sum_name, seed):
    accumulator = parse_accumulator(sum_name)
    for count, rows, depth, cols in ((3, 4, 5, 6), (1, 9, 3, 2), (2, 1, 1, 1), (2, 1, 2, 515)):
        size = count * depth * max(rows, cols)
        a, b = (np.resize(np.concatenate([corners.ravel(), randoms]), size)
                for corners, randoms in zip(corner_pairs(spec), random_pairs(spec, size, seed), strict=True))
        a = a[: count * rows * depth].reshape(count, rows, depth)
        b = b[::-1][: count * depth * cols].reshape(count, depth, cols)
        alone = [matmul(spec, accumulator, *pair) for pair in zip(a, b, strict=True)]
        assert np.array_equal(matmul(spec, accumulator, a, b), np.stack(alone))


def test_shared_out_or_not(monkeypatch, seed):
    accumulator = parse_accumulator("fp32")
    a, b = (codes.reshape(7, 20, 20) for codes in random_pairs(E4M3, 2800, seed))
    whole = matmul(E4M3, accumulator, a, b)
    monkeypatch.setattr(module, "_PART", 1)
    assert np.array_equal(matmul(E4M3, accumulator, a, b), whole)


@pytest.mark.parametrize(("a", "b", "message"), [
    ((2, 3, 4), (3, 4, 5), r"Stacks must be of one size, not of shapes \(2, 3, 4\) and \(3, 4, 5\)"),
    ((2, 3, 4), (4, 5), r"Stacks must be of one size, not of shapes \(2, 3, 4\) and \(4, 5\)"),
    ((2, 3, 4), (2, 3, 5), "Inner dimensions must be equal, not 4 and 3"),
    ((1, 2, 3, 4), (1, 2, 4, 5), r"The first operand must be a matrix, not of shape \(1, 2, 3, 4\)")])
def test_refusals(a, b, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        matmul(E4M3, parse_accumulator("fp32"), np.zeros(a, int), np.zeros(b, int))


def test_refusal_of_a_depth():
    """Of the depth, which here is not the number of rows or columns."""
    a, b = np.zeros((2, 3, 4), int), np.zeros((2, 4, 3), int)
    with pytest.raises(ValueError, match="^Depth must be at most 3 for fixed3, not 4$"):
        matmul(E4M3, parse_accumulator("fixed3"), a, b)
    matmul(E4M3, parse_accumulator("fixed3"), b, a)
