"""Parameter objects: formats against others', wide products by the extremes of their exponents, refusals in words."""

import ml_dtypes
import numpy as np
import pytest
import rational
from lmul.golden import families
from lmul.golden.families.exact import Exact
from lmul.golden.families.integer import Integer
from lmul.golden.families.lmul import LMul, Mitchell
from lmul.golden.formats import FORMATS, INT8, MIXED_PAIRS, FloatFormat, IntFormat, Specials, float_format
from lmul.golden.spec import Accumulator, Multiplier, WideFormat, parse_accumulator

E4M3, E5M2, E2M1, BF16, FP32 = (FORMATS[name] for name in ("e4m3", "e5m2", "e2m1", "bf16", "fp32"))
FINITE = FloatFormat("finite", 4, 3, 7, Specials.FINITE)


# Formats


@pytest.mark.parametrize(("name", "outsider"), [
    ("e4m3", ml_dtypes.float8_e4m3fn), ("e5m2", ml_dtypes.float8_e5m2), ("e3m4", ml_dtypes.float8_e3m4),
    ("e2m3", ml_dtypes.float6_e2m3fn), ("e3m2", ml_dtypes.float6_e3m2fn), ("e2m1", ml_dtypes.float4_e2m1fn),
    ("bf16", ml_dtypes.bfloat16), ("fp16", np.float16), ("fp32", np.float32), ("e5m10", np.float16)])
def test_formats_are_somebody_elses(name, outsider):
    fmt, info = float_format(name), ml_dtypes.finfo(outsider)
    assert (fmt.width, fmt.exp_bits, fmt.man_bits, 1 - fmt.bias) == (info.bits, info.nexp, info.nmant, info.minexp)
    assert fmt.has_inf == bool(np.isinf(np.array(np.inf, np.float64).astype(outsider)))
    assert [rational.magnitude(fmt, field) for field in (fmt.min_normal, fmt.max_finite)] == [info.tiny, info.max]


@pytest.mark.parametrize(("fmt", "expected"), [
    # field_bits, width, sign_mask, field_mask, man_mask, exp_mask, min_normal, max_finite, inf, nan, l_m
    (E4M3, (7, 8, 0x80, 0x7F, 7, 15, 8, 0x7E, None, 0x7F, 3)),
    (E5M2, (7, 8, 0x80, 0x7F, 3, 31, 4, 0x7B, 0x7C, 0x7E, 2)),
    (E2M1, (3, 4, 8, 7, 1, 3, 2, 7, None, None, 1)),
    (float_format("e3m4"), (7, 8, 0x80, 0x7F, 15, 7, 16, 0x6F, 0x70, 0x78, 3)),
    (float_format("e8m5"), (13, 14, 0x2000, 0x1FFF, 31, 255, 32, 0x1FDF, 0x1FE0, 0x1FF0, 4)),
    (BF16, (15, 16, 0x8000, 0x7FFF, 127, 255, 128, 0x7F7F, 0x7F80, 0x7FC0, 4))], ids=str)
def test_codes_of_formats_by_hand(fmt, expected):
    assert (fmt.field_bits, fmt.width, fmt.sign_mask, fmt.field_mask, fmt.man_mask, fmt.exp_mask, fmt.min_normal,
            fmt.max_finite, fmt.inf, fmt.nan, fmt.l_m) == expected


def test_formats_by_name():
    assert all(float_format(name) is fmt and fmt.name == str(fmt) == name for name, fmt in FORMATS.items())
    assert float_format("e6m9") == FloatFormat("e6m9", 6, 9, 31)
    assert (FORMATS["tf32"].exp_bits, FORMATS["tf32"].man_bits, FORMATS["tf32"].bias) == (8, 10, 127)
    assert (str(INT8), INT8.width) == ("int8", 8)
    for exp_bits, man_bits in ((2, 1), (8, 23)):
        assert float_format(f"e{exp_bits}m{man_bits}").width == 1 + exp_bits + man_bits


# Multipliers


def extremes(spec):
    """Exponents of the smallest and the largest wide product that is a number other than 0, by definition."""
    least = [1 if spec.subnormals == "exact" else fmt.min_normal for fmt in (spec.a, spec.b)]
    place = spec.wide.exp_bias + spec.wide.frac_bits
    return tuple(rational.significand(spec, *fields)[1] + place
                 for fields in (least, [spec.a.max_finite, spec.b.max_finite]))


SPECS = [Multiplier.make(kind, *pair, subnormals=subnormals, offset=offset)
         for pair in [*((name,) for name in FORMATS), ("e2m9",), ("e2m8",), ("e4m9",), ("e2m10",), ("e2m3", "e2m1"),
                      ("e3m16", "e2m1"), ("e2m23", "e2m10"), *MIXED_PAIRS]
         for kind in ("lmul", "exact") for subnormals in ("flush", "exact")
         for reach in [float_format(pair[0]).man_mask]
         for offset in (("paper", 0, -1, 1, reach, -reach, 0.5, -reach - 0.5) if kind == "lmul" else ("none",))]
SPECS += [Multiplier.make("exact", *pair, subnormals=subnormals, **{how: bits})
          for pair, bits in [*((["e2m3"], bits) for bits in (2, 3, 4, 7)), (["e4m3"], 4), (["e5m2"], 2), (["e2m1"], 3),
                             (["bf16"], 8), (["fp16", "e4m3"], 2), (["fp32"], 24)]
          for subnormals in ("flush", "exact") for how in ("rounded", "cut")]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_wide_products_by_definition(spec):
    wide, least, largest = spec.wide, *extremes(spec)
    assert spec.exp_range == (least, largest)
    assert wide.exp_bias == spec.a.bias + spec.b.bias
    if spec.form is None:
        kept = spec.rounded or spec.cut
        assert (wide.sig_bits, wide.frac_bits, wide.implicit_one) == (kept - 1, kept - 1, True)
        bits = next(bits for bits in range(99) if -(1 << bits) <= least and largest < 1 << bits)
        assert (wide.exp_bits, wide.exp_signed) == (bits + (least < 0), least < 0)
    elif spec.kind == "exact":
        assert (wide.sig_bits, wide.frac_bits) == (spec.a.man_bits + spec.b.man_bits + 2,
                                                   spec.a.man_bits + spec.b.man_bits)
        assert (wide.exp_bits, wide.exp_signed, wide.implicit_one) == (spec.a.exp_bits + 1, False, False)
    else:
        below = spec.a.man_bits + isinstance(spec.offset, float)  # half a place
        assert (wide.sig_bits, wide.frac_bits, wide.implicit_one) == (below, below, True)
        # One bit more than an operand's, or as many as the exponents take; and a sign where they go below 0.
        signed = spec.subnormals == "exact"
        bits = next(bits for bits in range(spec.a.exp_bits + 1, 99)
                    if (-(1 << bits) if signed else 0) <= least and largest < 1 << bits)
        assert (wide.exp_bits, wide.exp_signed) == (bits + signed, signed)


def test_wide_layout():
    assert Multiplier.make("lmul", "e4m3").wide == WideFormat(3, 3, 5, 14, False, True, False, True)
    assert Multiplier.make("exact", "e5m2").wide == WideFormat(6, 4, 6, 30, False, False, True, True)
    mixed = Multiplier.make("lmul", "bf16", "e2m1").wide
    assert mixed.fields == [("sig", 7), ("exp", 9), ("sign", 1), ("zero", 1), ("inf", 1), ("nan", 1)]
    assert mixed.width == 20 and Multiplier.make("lmul", "e2m1").wide.width == 1 + 3 + 1 + 1
    assert Multiplier.make("int8", None).wide == IntFormat("int16", 16)


def test_places_of_packed_fields():
    described = Multiplier.make("lmul", "bf16", "e2m1").wide.describe()
    places = [(each["name"], each["lsb"], each["width"]) for each in described["fields"]]
    assert places == [("sig", 0, 7), ("exp", 7, 9), ("sign", 16, 1), ("zero", 17, 1), ("inf", 18, 1), ("nan", 19, 1)]
    assert described["width"] == 20


def test_what_is_said_of_wide_products_by_default():
    """Of a family that states nothing by itself: as ours state of themselves."""
    for spec in (Multiplier.make("exact", "e4m3"), Multiplier.make("lmul", "e5m2", "e2m1")):
        assert Multiplier.leading.fget(spec) == spec.leading
        for figure in ("exp_range", "largest"):
            assert vars(Multiplier)[figure].func(spec) == getattr(spec, figure)


def test_true_products_of_packed_signs():
    """Of 1, 1 and 1, -1 and -1, -1 with 1, 1."""
    assert Multiplier.make("xnor", "sign2").true_products([0b00, 0b10, 0b11], 0b00).tolist() == [2, 0, -2]
    assert Multiplier.make("xnor", "sign1").true_products([0, 1], 1).tolist() == [-1, 1]


def test_numbers_of_policies():
    offset = LMul.policies[-1]
    for word, value in (("off3", 3), ("offm3", -3), ("off0", 0), ("offh3", 1.5), ("offhm1", -0.5), ("offh5", 2.5),
                        ("offh4", 2), ("offhm6", -3), ("paper", "paper"), ("r3", None), ("off", None)):
        assert offset.read(word) == value and type(offset.read(word)) is type(value)
        assert value is None or word in ("offh4", "offhm6") or offset.write(value) == word
    assert Integer(INT8, INT8).rivals == () == Exact(E4M3, E4M3).rivals
    assert LMul(E4M3, E4M3).rivals[0] == LMul(E4M3, E4M3).rival


def test_policies_by_default():
    """Exact products keep subnormals, and L-Mul has the paper's offset."""
    specs = (Multiplier.make(kind, "e4m3") for kind in ("lmul", "mitchell", "exact"))
    policies = {spec.kind: (spec.subnormals, spec.overflow, spec.offset, spec.form) for spec in specs}
    assert policies == {"lmul": ("flush", "saturate", "paper", "fields"),
                        "mitchell": ("flush", "saturate", "none", "fields"),
                        "exact": ("exact", "saturate", "none", "significands")}
    int8 = Multiplier.make("int8", None)
    assert (int8.a, int8.b, int8.form, int8.neutral, int8.narrow_width) == (INT8, INT8, None, (0, 0), 16)
    mixed = Multiplier.make("lmul", BF16, E4M3)
    assert mixed == Multiplier.make("lmul", "bf16", "e4m3") and Multiplier.make("exact", E4M3).b is E4M3
    assert (mixed.align, mixed.neutral, mixed.narrow_width) == (4, (0x8000, 0), 16)


NO_KIND = ("Multiplier must be one of lmul, mitchell, exact, xnor, log, or integers (int8, uint4, int8xint4, ...), "
           "int8xternary, int8xpot3k2, ..., not 'half'")


@pytest.mark.parametrize(("slug", "spec"), [
    ("int8", Integer(INT8, INT8)),
    ("lmul_e4m3", LMul(E4M3, E4M3, "flush", offset="paper")),
    ("lmul_bf16xe2m1_sub_ieee_best", LMul(BF16, E2M1, "exact", "ieee", "best")),
    ("lmul_e5m2_none", LMul(E5M2, E5M2, "flush", offset="none")),
    ("lmul_e4m3_off0", LMul(E4M3, E4M3, "flush", offset=0)),
    ("lmul_e4m3_off7", LMul(E4M3, E4M3, "flush", offset=7)),
    ("lmul_e4m3_offm7", LMul(E4M3, E4M3, "flush", offset=-7)),
    ("mitchell_fp32", Mitchell(FP32, FP32, "flush")),
    ("exact_e4m3_flush_ieee", Exact(E4M3, E4M3, "flush", "ieee")),
    ("exact_e2m1", Exact(E2M1, E2M1, "exact"))])
def test_names_of_multipliers(slug, spec):
    assert spec.name == slug
    assert families.parse([*slug.split("_"), "fp32", "sub"]) == (spec, ["fp32", "sub"])
    assert families.parse(slug.split("_")) == (spec, [])


def test_values_of_offsets():
    """The paper's is 2**-l(m); the others are what they say."""
    names = ("e2m1", "e5m2", "e3m4", "bf16", "fp32", "bf16_none", "bf16_best", "bf16_offm3", "bf16_off3")
    offsets = [families.parse(f"lmul_{name}".split("_"))[0].offset_value for name in names]
    assert offsets == [1, 1, 2, 8, 1 << 19, 0, 7, -3, 3]


@pytest.mark.parametrize(("call", "message"), [
    (lambda: FloatFormat("f", 1, 3, 0), "Exponent bits must be 2 to 8, not 1"),
    (lambda: FloatFormat("f", 9, 3, 0), "Exponent bits must be 2 to 8, not 9"),
    (lambda: FloatFormat("f", 2, 0, 0), "Mantissa bits must be 1 to 23, not 0"),
    (lambda: FloatFormat("f", 2, 24, 0), "Mantissa bits must be 1 to 23, not 24"),
    (lambda: float_format("e4n3"),
     "Format must be one of e4m3, e5m2, e3m4, e2m3, e3m2, e2m1, bf16, fp16, tf32, fp32 or e{E}m{M}, not 'e4n3'"),
    (lambda: Multiplier.make("half", "e4m3"), NO_KIND),
    (lambda: Multiplier.make("e4m3"), NO_KIND.replace("half", "e4m3")),
    (lambda: Multiplier.make("int8xe4m3"), NO_KIND.replace("half", "int8xe4m3")),
    (lambda: Multiplier.make("int17"), "Integer operands must have 1 to 16 bits, not 17"),
    (lambda: Integer(INT8, E4M3), "Operand formats of int must be integers, not int8 and e4m3"),
    (lambda: LMul(INT8, INT8, "flush"), "Operand formats of lmul must be floats, not int8 and int8"),
    (lambda: LMul(E4M3, E4M3, "keep"), "Subnormals must be 'flush' or 'exact', not 'keep'"),
    (lambda: LMul(E4M3, E4M3, "flush", "wrap"), "Overflow must be 'saturate' or 'ieee', not 'wrap'"),
    (lambda: Multiplier.make("lmul", "e4m3", "e5m2"), "The first operand of a mixed pair must be the wider, "
                                                      "not e4m3 by e5m2"),
    (lambda: Multiplier.make("lmul", "e5m2", "e4m3"), "The first operand of a mixed pair must be the wider, "
                                                      "not e5m2 by e4m3"),
    (lambda: Multiplier.make("lmul", "e4m3", "e4m2"), "The first operand must have the specials of the second, "
                                                      "not e4m3 by e4m2"),
    (lambda: Multiplier.make("lmul", FINITE, E4M3), "The first operand must have the specials of the second, "
                                                    "not finite by e4m3"),
    (lambda: Multiplier.make("lmul", "e2m1", overflow="ieee"),
     "Overflow must be 'saturate' for e2m1, which has neither Inf nor NaN, not 'ieee'"),
    (lambda: Multiplier.make("exact", "e4m3", offset=1), "Offset must be 'none' for exact, not 1"),
    (lambda: Multiplier.make("lmul", "e4m3", offset="worst"),
     "Offset must be 'paper', 'none', 'best', an integer or half of an odd one, not 'worst'"),
    (lambda: Multiplier.make("lmul", "e4m3", offset=1.0),
     "Offset must be 'paper', 'none', 'best', an integer or half of an odd one, not 1.0"),
    (lambda: Multiplier.make("lmul", "e4m3", offset=-8.5), "Offset must be within +-7.5 for e4m3, not -8.5"),
    (lambda: Multiplier.make("exact", "e4m3", rounded=8),
     "Bits to which wide products are rounded must be 2 to 7 for e4m3, not 8"),
    (lambda: Multiplier.make("exact", "bf16", "e4m3", cut=1),
     "Bits to which wide products are cut must be 2 to 11 for bf16xe4m3, not 1"),
    (lambda: Multiplier.make("exact", "e4m3", rounded=4, cut=4),
     "A wide product must be rounded or cut, not both: 'r4' or 't4' must be left out"),
    (lambda: Multiplier.make("lmul", "e4m3", rounded=4), "Rounded must be left out for lmul, not 4"),
    (lambda: Multiplier.make("lmul", "e4m3", offset=8), "Offset must be within +-7 for e4m3, not 8"),
    (lambda: Multiplier.make("lmul", "e4m3", offset=-8), "Offset must be within +-7 for e4m3, not -8"),
    (lambda: families.parse(["half"]), NO_KIND),
    (lambda: families.parse(["lmul"]), "A format must follow 'lmul': one of e4m3, e5m2, e3m4, e2m3, e3m2, e2m1, "
                                         "bf16, fp16, tf32, fp32, e{E}m{M} or l{E}f{F}"),
    (lambda: families.parse(["lmul", "e4m3", "sub", "flush"]),
     "Policy subnormals must be given once, not again as 'flush'"),
    (lambda: families.parse(["lmul", "e4m3", "best", "off1"]),
     "Policy offset must be given once, not again as 'off1'"),
])
def test_refusals(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message


# Accumulators


@pytest.mark.parametrize(("name", "accumulator", "result"), [
    ("fp32", Accumulator("float", FP32), FP32), ("bf16", Accumulator("float", BF16), BF16),
    ("e6m9", Accumulator("float", float_format("e6m9")), float_format("e6m9")),
    ("fixed", Accumulator("fixed", None, 4096), FP32), ("carrysave", Accumulator("carrysave", None, 4096), FP32),
    ("fixed256", Accumulator("fixed", None, 256), FP32), ("carrysave999999", Accumulator("carrysave", None, 999_999),
                                                          FP32),
    ("int32", Accumulator("int"), IntFormat("int32", 32))])
def test_names_of_accumulators(name, accumulator, result):
    assert parse_accumulator(name) == accumulator
    assert (accumulator.name, accumulator.result) == (name, result)


@pytest.mark.parametrize("name", ["e4m3", "e2m1", "fixed0", "fixed1000000", "int8", "int65", "e9m9", "carry"])
def test_accumulators_refused(name):
    with pytest.raises(ValueError) as error:
        parse_accumulator(name)
    assert str(error.value) == ("Accumulator must be fp32, bf16, fp16, fixed, carrysave, int32 or an e{E}m{M} with Inf "
                                "and NaN, floats also interleaved over 2, 4 or 8 partial sums as in fp32i4, not "
                                f"{name!r}")
