"""Codes in beats: the order of elements in time and of bits in a beat."""

import numpy as np
import pytest
from lmul.sim import beats


@pytest.mark.parametrize("bits", [1, 4, 8, 12, 32, 57, 64])
def test_beats_unpack_to_what_was_packed(bits, seed):
    codes = np.random.default_rng(seed).integers(0, (1 << bits) - 1, (7, 5), np.uint64, endpoint=True)
    words = beats.pack(codes, bits)
    assert words[3] == sum(int(code) << (i * bits) for i, code in enumerate(codes[3]))
    assert np.array_equal(beats.unpack(words, 5, bits), codes)
