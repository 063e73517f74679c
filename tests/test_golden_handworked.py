"""Products worked by hand from the definition, and the paper's printed formula against fractions."""

from fractions import Fraction

import numpy as np
import pytest
import rational
from lmul.golden import families
from lmul.golden.formats import float_format
from lmul.golden.formula import lmul_formula
from lmul.golden.products import multiply
from lmul.golden.stimulus import corners, random_codes

# (multiplier, a, b, product). L-Mul adds fields, takes the bias off once and adds the offset:
# e4m3: s = x + y - (7 << 3) + 1, mantissa in eighths; e5m2: s = x + y - (15 << 2) + 1, mantissa in quarters;
# bf16: s = x + y - (127 << 7) + 8, mantissa in 128ths.
HANDWORKED = [
    # 1.5 * 1.5: 0x3C + 0x3C = 120, - 56 + 1 = 65 = 0x41 = 2.25, which is the true product.
    ("lmul_e4m3", 0x3C, 0x3C, 0x41),
    # 1.875 * 1.875 = 3.515625: 63 + 63 - 56 + 1 = 71 = 0x47 = 3.75; the mantissas carry into the exponent.
    ("lmul_e4m3", 0x3F, 0x3F, 0x47),
    # -2 * 3 = -6: 64 + 68 - 56 + 1 = 77 = 0x4D = 6.5; signs differ.
    ("lmul_e4m3", 0xC0, 0x44, 0xCD),
    # the smallest normal squared: 8 + 8 - 55 is below 8, so +0; with signs that differ, -0.
    ("lmul_e4m3", 0x08, 0x08, 0x00),
    ("lmul_e4m3", 0x88, 0x08, 0x80),
    # just at the smallest normal: 8 + 55 - 55 = 8, and one less is 0.
    ("lmul_e4m3", 0x08, 0x37, 0x08),
    ("lmul_e4m3", 0x08, 0x36, 0x00),
    # 448 * 448: 126 + 126 - 55 is far above 0x7E; saturated, or NaN where overflow is IEEE's, there being no Inf.
    ("lmul_e4m3", 0x7E, 0x7E, 0x7E),
    ("lmul_e4m3_ieee", 0x7E, 0x7E, 0x7F),
    # 126 + 56 - 55 = 127 is the NaN's field: above the largest finite one, so saturated all the same.
    ("lmul_e4m3", 0x7E, 0x38, 0x7E),
    # NaN, whatever the other operand; the sign is still that of the product.
    ("lmul_e4m3", 0x7F, 0x80, 0xFF),
    # the largest subnormal, 7 * 2**-9, times 256: flushed, or normalised first: 1.75 * 2**-7 has field (0 << 3) + 6,
    # and 6 + 120 - 55 = 71 = 0x47 = 3.75 (the product is 3.5).
    ("lmul_e4m3", 0x07, 0x78, 0x00),
    ("lmul_e4m3_sub", 0x07, 0x78, 0x47),
    # without offset, 1 * 1 is 1; with the least, an eighth above; with an offset of -1, an eighth of 1/2 below.
    ("mitchell_e4m3", 0x38, 0x38, 0x38),
    ("lmul_e4m3", 0x38, 0x38, 0x39),
    ("lmul_e4m3_offm1", 0x38, 0x38, 0x37),
    # 1.75 * 1.25 in e5m2: 0x3F + 0x3D = 124, - 60 + 1 = 65 = 0x41 = 2.5 (2.1875).
    ("lmul_e5m2", 0x3F, 0x3D, 0x41),
    # Inf * -2 = -Inf; Inf * 0 = NaN (top mantissa bit), its sign that of the product.
    ("lmul_e5m2", 0x7C, 0xC0, 0xFC),
    ("lmul_e5m2", 0x7C, 0x80, 0xFE),
    # pi * e in bf16: 0x4049 + 0x402E - 0x3F80 + 8 = 0x40FF = 7.96875 (3.140625 * 2.71875 = 8.5386).
    ("lmul_bf16", 0x4049, 0x402E, 0x40FF),
    # 3 * 2**-1 of e4m3: the narrow field 0x30 moves 4 places up: 0x4040 + 0x300 - (7 << 7) + 8 = 0x3FC8 = 1.5625.
    ("lmul_bf16xe4m3", 0x4040, 0x30, 0x3FC8),
    # -1.5 of fp16 times 1.5 of e2m1: 0x3E00 + (3 << 9) - (1 << 10) + 64 = 0x4040 = 2.125 (2.25).
    ("lmul_fp16xe2m1", 0xBE00, 0x03, 0xC040),
    # Exact: 1.5 * 1.5 = 2.25; 1.875**2 = 3.515625 lies between 3.5 and 3.75, nearer 3.5.
    ("exact_e4m3", 0x3C, 0x3C, 0x41),
    ("exact_e4m3", 0x3F, 0x3F, 0x46),
    # 1.125 * 1.5 = 1.6875, halfway between 1.625 (0x3D) and 1.75 (0x3E): to even.
    ("exact_e4m3", 0x39, 0x3C, 0x3E),
    # the smallest subnormal, 2**-9, times a half: halfway to 0, which is even; times 0.75: up again.
    ("exact_e4m3", 0x01, 0x30, 0x00),
    ("exact_e4m3", 0x01, 0x34, 0x01),
    # -128 squared is 16384, in 16 bits.
    ("int8", 0x80, 0x80, 0x4000),
]


@pytest.mark.parametrize(("name", "a", "b", "expected"), HANDWORKED)
def test_worked_by_hand(name, a, b, expected):
    spec, rest = families.parse(name.split("_"))
    assert not rest
    assert int(multiply(spec, a, b)) == expected


def printed_formula(fmt, a, b):
    """(1 + xm + ym + 2**-l(m)) * 2**(xe + ye) in fractions, subnormals as zero; None for what is no number."""
    x, y = rational.operand(fmt, a, "flush"), rational.operand(fmt, b, "flush")
    if not isinstance(x, Fraction) or not isinstance(y, Fraction):
        return None
    if x == 0 or y == 0:
        return Fraction(0)
    exp_x, exp_y = rational.exponent(x), rational.exponent(y)
    mantissas = x / rational.power(exp_x) + y / rational.power(exp_y) - 2
    value = (1 + mantissas + Fraction(1, 1 << fmt.l_m)) * rational.power(exp_x + exp_y)
    return -value if (a ^ b) >> fmt.field_bits else value


@pytest.mark.parametrize("name", ["e4m3", "e5m2", "e2m1", "bf16", "fp16", "fp32"])
def test_formula_against_fractions(name, seed):
    """Corner codes and a thousand random ones."""
    fmt, generator = float_format(name), np.random.default_rng(seed)
    a, b = (np.concatenate([corners(fmt), random_codes(fmt, 1000, generator)]).astype(np.int64) for _ in range(2))
    b = generator.permutation(b)
    for x, y, value in zip(a.tolist(), b.tolist(), lmul_formula(fmt, a, b).tolist(), strict=True):
        expected = printed_formula(fmt, x, y)
        assert np.isfinite(value) == (expected is not None), (hex(x), hex(y))
        assert expected is None or Fraction(value) == expected, (hex(x), hex(y))
