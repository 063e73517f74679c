"""Operand codes for tests and simulations."""

import numpy as np
import pytest
from lmul.golden import stimulus
from lmul.golden.codec import code_dtype, decode
from lmul.golden.formats import FORMATS, INT8
from lmul.golden.spec import Multiplier
from lmul.golden.stimulus import all_pairs, corner_pairs, corners, random_codes, random_pairs


@pytest.mark.parametrize("pair", [("e4m3",), ("bf16", "e2m1"), ("e2m1",)])
def test_all_pairs_once(pair):
    spec = Multiplier.make("lmul", *pair)
    a, b = all_pairs(spec)
    assert (a.dtype, b.dtype) == (code_dtype(spec.a.width), code_dtype(spec.b.width))
    assert b.max() < 1 << spec.b.width
    assert np.array_equal((a.astype(int) << spec.b.width) | b, np.arange(1 << (spec.a.width + spec.b.width)))


def test_all_pairs_refuses_too_many():
    with pytest.raises(ValueError, match="^Operands must have at most 24 bits together to take all pairs, not 32$"):
        all_pairs(Multiplier.make("exact", "bf16"))


def test_all_pairs_takes_as_many_as_it_may(monkeypatch):
    monkeypatch.setattr(stimulus, "_ALL_BITS", 16)
    assert len(all_pairs(Multiplier.make("exact", "e4m3"))[0]) == 1 << 16


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=str)
def test_corners_have_what_matters(fmt):
    codes = corners(fmt)
    assert codes.dtype == code_dtype(fmt.width)
    assert len(set(codes.tolist())) == len(codes)
    assert set(codes ^ codes.dtype.type(fmt.sign_mask)) == set(codes)  # both signs
    one = fmt.bias << fmt.man_bits
    wanted = {0, 1, fmt.min_normal - 1, fmt.min_normal, fmt.min_normal + 1, one - 1, one, one + 1,
              one + fmt.min_normal, one - fmt.min_normal, one + fmt.min_normal - 1, fmt.max_finite - 1, fmt.max_finite,
              fmt.field_mask}
    if fmt.has_inf:
        wanted |= {fmt.inf, fmt.inf + 1}
    if fmt.has_nan:
        wanted |= {fmt.nan}
    wanted |= {top | 1 << bit for top in (0, fmt.exp_mask << fmt.man_bits) for bit in range(fmt.man_bits)}
    assert wanted <= set(codes.tolist())
    values = decode(fmt, codes)
    assert {0.5, 1.0, 2.0} <= set(values[np.isfinite(values)])


def test_corners_by_hand():
    """Of bf16: two to either side of zero, of the smallest normal, of a quarter to 4, of 2**-63 and of Inf; the middle
    of the subnormals and of 1's binade, the last power of two, NaN; and single bits of the mantissa."""
    starts = (0x0000, 0x0080, 0x2000, 0x3E80, 0x3F00, 0x3F80, 0x4000, 0x4080, 0x7F80)
    fields = {start + step for start in starts for step in range(-2, 3)} - {-2, -1} | {0x40, 0x3FC0, 0x7F00, 0x7FFF}
    fields |= {top | bit for top in (0, 0x7F80) for bit in (1, 2, 4, 8, 16, 32, 64)}
    assert corners(FORMATS["bf16"]).tolist() == sorted(fields | {field | 0x8000 for field in fields})


def test_corners_of_integers():
    sizes = [0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127]
    assert corners(INT8).tolist() == [*sizes, 128, *(256 - size for size in sizes[:0:-1])]


def test_corner_pairs_cross():
    spec = Multiplier.make("exact", "bf16", "e4m3")
    a, b = corner_pairs(spec)
    assert set(zip(a.tolist(), b.tolist(), strict=True)) == {
        (x, y) for x in corners(spec.a).tolist() for y in corners(spec.b).tolist()}


def test_random_codes_repeat(seed):
    spec = Multiplier.make("exact", "tf32", "e2m1")
    a, b = random_pairs(spec, 5000, seed)
    again = random_pairs(spec, 5000, seed)
    assert np.array_equal(a, again[0]) and np.array_equal(b, again[1])
    assert set(b.tolist()) == set(range(16))
    assert a.max() < 1 << 19 and a.min() < 1 << 12 and a.max() > (1 << 19) - (1 << 12)
    assert not np.array_equal(random_codes(spec.a, 100, seed), random_codes(spec.a, 100, seed + 1))
