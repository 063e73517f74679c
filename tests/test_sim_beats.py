"""Codes in beats: the order of elements in time and of bits in a beat."""

import numpy as np
import pytest
from lmul.hdl.designs import parse
from lmul.sim import beats


@pytest.mark.parametrize("bits", [1, 4, 8, 12, 32, 57, 64])
def test_beats_unpack_to_what_was_packed(bits, seed):
    codes = np.random.default_rng(seed).integers(0, (1 << bits) - 1, (7, 5), np.uint64, endpoint=True)
    words = beats.pack(codes, bits)
    assert words[3] == sum(int(code) << (i * bits) for i, code in enumerate(codes[3]))
    assert np.array_equal(beats.unpack(words, 5, bits), codes)


def test_output_stationary_beats():
    design = parse("array_lmul_e4m3_fp32_2x3_os")
    a, b = np.array([[1, 2], [3, 4]], np.uint8), np.array([[5, 6, 7], [8, 9, 10]], np.uint8)
    a_beats, b_beats = beats.of_matrices(design, a, b)
    assert a_beats.tolist() == [[1, 3], [2, 4]]
    assert b_beats.tolist() == b.tolist()
    assert beats.pack(a_beats, 8) == [0x0301, 0x0402]


def test_weight_stationary_beats_are_filled_up():
    design = parse("array_lmul_e4m3_fp32_2x3_ws")
    a, b = np.array([[1, 2, 3], [4, 5, 6]], np.uint8), np.arange(9, dtype=np.uint8).reshape(3, 3)
    a_beats, b_beats = beats.of_matrices(design, a, b)
    assert a_beats.tolist() == [[1, 2], [4, 5], [3, 0x80], [6, 0x80]]
    assert b_beats.tolist() == b.tolist()


def test_neutral_pairs():
    assert beats.neutral(parse("mac_lmul_bf16xe4m3_fp32").multiplier) == (0x8000, 0)
    assert beats.neutral(parse("mac_int8_int32").multiplier) == (0, 0)
