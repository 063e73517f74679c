"""Conversions: every code becomes the nearest in value, as both formats have their numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from lmul.golden.errors import mean_relative_error
from lmul.golden.families.conversion import ONE
from lmul.golden.formats import format_named
from lmul.golden.products import multiply
from lmul.golden.refusal import Refusal
from lmul.golden.spec import Multiplier
from lmul.hdl.designs import Design, parse

TO_LOG = [("e4m3", "l3f4"), ("e3m4", "l3f4"), ("e4m3", "l4f3"), ("e5m2", "l3f5"), ("bf16", "l3f4"), ("fp16", "l3f4"),
          ("e2m1", "l2f1"), ("e4m3", "l6f2"), ("fp16", "l5f2")]
TO_FLOAT = [("l3f4", "e4m3"), ("l3f4", "bf16"), ("l3f5", "e4m3"), ("l3f4", "fp16"), ("l4f3", "e4m3"), ("l5f2", "e4m3"),
            ("l6f2", "fp16"), ("l8f3", "fp32"), ("l4f3", "e2m1"), ("l4f3", "e3m2")]


def golden(source, target, codes):
    return multiply(Multiplier.make("conv", source, to=target), codes, np.zeros_like(codes))


def is_nearest(value, target, code):
    """Whether no other number of a float format is nearer to a value, by fractions; of two the even one."""
    field = code & target.field_mask
    distance = abs(Fraction(float(target.decode(field))) - value)
    for other in {max(field - 1, 0), min(field + 1, target.max_finite)} - {field}:
        its = abs(Fraction(float(target.decode(other))) - value)
        if its < distance or (its == distance and field % 2):
            return False
    return True


@pytest.mark.parametrize(("source", "target"), TO_FLOAT)
def test_floats_of_log_codes_are_the_nearest(source, target):
    fmt, floats = format_named(source), format_named(target)
    codes = np.arange(1 << fmt.width, dtype=np.uint16)
    for code, found in zip(codes.tolist(), golden(source, target, codes).tolist(), strict=True):
        field = code & fmt.field_mask
        assert found >> floats.field_bits == code >> fmt.field_bits
        # Powers of two to 100 bits, by roots of integers.
        root = 1 << ((100 << fmt.man_bits) + (field & fmt.man_mask))
        for _ in range(fmt.man_bits):
            root = math.isqrt(root)
        value = Fraction(root, 1 << 100) * Fraction(2) ** ((field >> fmt.man_bits) - fmt.bias) if field else Fraction(0)
        assert is_nearest(value, floats, found)


@pytest.mark.parametrize(("source", "target"), TO_LOG)
def test_log_codes_of_floats_are_the_nearest(source, target):
    fmt, logs = format_named(source), format_named(target)
    codes = np.arange(1 << fmt.width, dtype=np.uint16)
    found, values = golden(source, target, codes), fmt.decode(codes)
    number = np.isfinite(values)
    sizes = np.abs(logs.decode(np.arange(logs.max_finite + 1)))
    nearest = np.abs(np.minimum(np.abs(values[number]), sizes[-1])[:, None] - sizes).argmin(axis=1)
    assert np.array_equal(found[number] & logs.field_mask, nearest)
    assert ((found & logs.field_mask) == logs.max_finite)[~number].all()
    assert np.array_equal(found >> logs.field_bits, codes >> fmt.field_bits)


def test_names_and_ports():
    design = parse("conv_e4m3_l3f4")
    assert design.result == format_named("l3f4") and list(design.multiplier.operands) == ["a"]
    assert ONE.decode(0) == 1


@pytest.mark.parametrize("source", ["e4m3", "fp32"])
def test_errors_are_less_than_half_a_step(source):
    error = mean_relative_error(Multiplier.make("conv", source, to="l3f4"))
    assert 0.3 * (2**0.0625 - 1) / 2 < error < (2**0.0625 - 1) / 2


@pytest.mark.parametrize(("slug", "wrong"), [
    ("conv", "a format must follow"), ("conv_e4m3", "to must be given"), ("conv_e4m3_l3f44x", "l3f44x"),
    ("conv_e4m3_e5m2", "not of e4m3 to e5m2"), ("conv_int8_l3f4", "not of int8 to l3f4"),
    ("conv_e4m3_int8", "not of e4m3 to int8"), ("conv_e4m3_one", "not of e4m3 to one"),
    ("conv_e4m3xe5m2_l3f4", "must have no second operand, not e5m2"), ("mul_e4m3_l3f4", "'e4m3'"),
    ("conv_e4m3_l3f4_l3f4", "given once"), ("conv_lmul_e4m3", "'lmul'")])
def test_what_is_none_is_refused(slug, wrong):
    with pytest.raises(Refusal, match=wrong):
        parse(slug)


def test_a_conversion_stands_alone():
    with pytest.raises(Refusal, match="must be conv, not mul"):
        Design("mul", Multiplier.make("conv", "e4m3", to="l3f4"))
    with pytest.raises(Refusal, match="must be of kind conv, not lmul"):
        Design("conv", Multiplier.make("lmul", "e4m3"))
