"""Log codes: their numbers, their nearest codes, their products and antilogs, against decimals of 60 digits."""

import json
from decimal import Decimal, localcontext

import numpy as np
import pytest
from lmul.golden import families
from lmul.golden.accumulate import accumulate
from lmul.golden.errors import mean_relative_error, result_errors
from lmul.golden.families.log import Log
from lmul.golden.formats import LogFormat, format_named
from lmul.golden.matmul import matmul
from lmul.golden.operands import quantise
from lmul.golden.products import multiply, pack, product, unpack, wide_value
from lmul.golden.refusal import Refusal
from lmul.golden.spec import Multiplier, parse_accumulator
from lmul.golden.stimulus import all_pairs, random_pairs
from lmul.hdl.designs import parse

FORMATS = ["l3f4", "l4f3", "l3f5", "l3f2", "l2f1", "l2f6", "l2f7"]  # every number of fraction bits


@pytest.fixture(autouse=True)
def digits():
    with localcontext() as context:
        context.prec = 60
        yield


def numbers(fmt):
    """The magnitudes of a format, by field."""
    step, bias = 1 << fmt.man_bits, (1 << (fmt.exp_bits - 1)) - 1
    return [Decimal(0), *(Decimal(2) ** (Decimal(field) / step - bias) for field in range(1, 1 << fmt.field_bits))]


@pytest.mark.parametrize("name", [*FORMATS, "l8f2"])
def test_every_code(name):
    fmt = format_named(name)
    wanted = [float(number) for number in numbers(fmt)]
    codes = np.arange(1 << fmt.width)
    values = fmt.decode(codes)
    assert values.tolist() == wanted + [-number for number in wanted] and np.signbit(values[len(wanted)])
    assert fmt.name == name and fmt.width == 1 + sum(map(int, name[1:].split("f"))) and fmt.magnitude == wanted[-1]
    assert fmt.decode([fmt.bias << fmt.man_bits]) == 1 and fmt.decode(fmt.max_finite) == values.max()
    assert fmt.decode(fmt.min_normal) == wanted[1] and not fmt.is_nan(codes).any()
    assert np.array_equal(fmt.encode(values), codes) and np.array_equal(fmt.nearest_in_log(values), codes)
    assert fmt.decode(fmt.encode([-1e99, 1e99, -np.inf, np.inf])).tolist() == [values.min(), values.max()] * 2
    assert np.isin(fmt.corners(), codes).all() and (np.diff(fmt.corners().astype(int)) > 0).all()
    json.dumps(fmt.describe())
    for call in (fmt.encode, fmt.nearest_in_log):
        with pytest.raises(Refusal, match="must be numbers, not nan"):
            call([np.nan])
    with pytest.raises(Refusal, match="has neither Inf nor NaN"):
        fmt.encode([0.0], "ieee")


@pytest.mark.parametrize("name", FORMATS)
def test_float64s_about_every_threshold(name):
    """The four nearest to what is halfway, in value and in the logarithm, each on its side."""
    fmt, half = format_named(name), Decimal("0.5")
    every, step = numbers(fmt), 1 << fmt.man_bits
    for call, limits in (
            (fmt.encode, [(low + high) / 2 for low, high in zip(every, every[1:], strict=False)]),
            (fmt.nearest_in_log, [Decimal(2) ** ((field - half) / step - fmt.bias) for field in range(1, len(every))])):
        near = np.array([float(limit) for limit in limits])
        for values in (near, np.nextafter(near, 0), np.nextafter(near, 99), np.nextafter(np.nextafter(near, 99), 99)):
            wanted = [field + (Decimal(float(value)) > limit)
                      for field, (value, limit) in enumerate(zip(values, limits, strict=True))]
            assert call(values).tolist() == wanted
            assert call(-values).tolist() == [field | fmt.sign_mask for field in wanted]


@pytest.mark.parametrize("kind", ["random", "nothing", "subnormals", "smallest", "largest"])
def test_samples(kind, seed):
    fmt = format_named("l3f4")
    codes = fmt.sample(kind, (50, 7), np.random.default_rng(seed))
    field = codes & fmt.field_mask
    low, high = {"random": (0, 127), "nothing": (0, 0), "subnormals": (0, 1), "smallest": (1, 16),
                 "largest": (127, 127)}[kind]
    assert codes.shape == (50, 7) and field.min() >= low and field.max() <= high
    assert kind != "random" or len(np.unique(codes)) > 100


@pytest.mark.parametrize(("name", "fields"), [
    ("l3f4", {0, 1, 2, *range(0x0E, 0x13), *range(0x1E, 0x23), *range(0x2E, 0x33), *range(0x36, 0x3B),
              *range(0x3E, 0x43), 0x7D, 0x7E, 0x7F}),
    ("l4f3", {0, 1, 2, *range(6, 0x0B), *range(0x2E, 0x33), *range(0x36, 0x43), 0x7D, 0x7E, 0x7F})])
def test_corners(name, fields):
    """Two fields either way from 0, the second octave, the octaves about 1 (0x30, 0x38), halfway up, the largest."""
    assert set(format_named(name).corners().tolist()) == {field | sign for field in fields for sign in (0, 0x80)}


def test_scales():
    fmt, wide = format_named("l3f4"), format_named("l8f3")
    for largest in (1.0, fmt.magnitude, np.nextafter(fmt.magnitude, 99), 8 * fmt.magnitude, 1e-290):
        scale = fmt.scale_for(np.array([0.0, -largest]))
        assert largest / scale <= fmt.magnitude < 2 * largest / scale and np.frexp(scale)[0] == 0.5
        assert 1 <= largest / wide.scale_for(np.array([largest])) < 2
    assert fmt.scale_for(np.array([5e-324])) == 2.0**-1022  # a normal number, to divide by
    for name in ("l5f2", "l2f1"):  # up to five integer bits the largest is brought below the largest number
        fmt = format_named(name)
        assert fmt.scale_for(np.array([fmt.magnitude])) == 1 == format_named("l6f2").scale_for(np.array([1.5]))


@pytest.mark.parametrize("name", ["l3f4", "l4f3", "l3f4xl3f2", "l4f3xl2f1"])
def test_every_narrow_product(name):
    spec, rest = families.parse(["log", name, "fp32"])
    assert rest == ["fp32"] and spec.name == f"log_{name}"
    a, b = (codes.astype(int) for codes in all_pairs(spec))
    wanted = []
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        first, second = x & spec.a.field_mask, y & spec.b.field_mask
        total = first + second * 2 ** (spec.a.man_bits - spec.b.man_bits) - spec.b.bias * 2**spec.a.man_bits
        field = 0 if not first or not second or total < 0 else min(total, spec.a.field_mask)
        wanted.append(field | (x >> spec.a.field_bits ^ y >> spec.b.field_bits) << spec.a.field_bits)
    codes = multiply(spec, a, b)
    assert codes.tolist() == wanted
    exact, found = spec.true_products(a, b), spec.a.decode(codes)
    inside = (abs(exact) >= spec.a.decode(1)) & (abs(exact) <= spec.a.magnitude)
    assert np.array_equal(found[inside], exact[inside]) and mean_relative_error(spec) == 0
    assert np.allclose(exact, spec.a.decode(a) * spec.b.decode(b), rtol=1e-15, atol=0)


def antilog(fraction, bits):
    """``2**fraction`` to the nearest of so many bits."""
    return int((Decimal(2) ** fraction * 2 ** (bits - 1)).quantize(1)) / 2 ** (bits - 1)


@pytest.mark.parametrize(("name", "policies"), [
    ("l3f4", {}), ("l3f4", {"offset": "none"}), ("l3f4", {"offset": 15}), ("l3f4", {"offset": -15}),
    ("l4f3", {}), ("l2f1", {"offset": -1}), ("l3f4", {"table": 6}), ("l3f4", {"table": 12}), ("l3f4", {"table": 4}),
    ("l3f4", {"offset": -2}), ("l3f4xl3f2", {"offset": -5}), ("l4f3xl2f1", {"table": 3}), ("l2f2", {"table": 2})])
def test_every_wide_product(name, policies):
    spec = Multiplier.make("log", *name.split("x"), **policies)
    a, b = all_pairs(spec)
    products = product(spec, a, b)
    ratio = 1 << (spec.a.man_bits - spec.b.man_bits)
    x, y = (codes.astype(int) & fmt.field_mask for codes, fmt in ((a, spec.a), (b, spec.b)))
    fields = np.stack([x, y * ratio])
    for (addends, exponents), field in ((spec.factors(spec.a, x), x), (spec.factors(spec.b, y), y * ratio)):
        assert np.array_equal(addends, field) and exponents == 0
    total = fields.sum(axis=0) + (0 if spec.table else spec.offset_value)
    step, exponent = 1 << spec.a.man_bits, total >> spec.a.man_bits
    sizes = np.array([antilog(Decimal(f) / step, spec.table) if spec.table else 1 + f / step for f in range(step)])
    wanted = np.ldexp(sizes[total % step], (exponent - spec.a.bias - spec.b.bias).astype(np.int32))
    wanted *= (fields > 0).all(axis=0) * np.where((a >> spec.a.field_bits) ^ (b >> spec.b.field_bits), -1, 1)
    assert np.array_equal(wide_value(spec, products), wanted)
    assert np.array_equal(wide_value(spec, unpack(spec, pack(spec, products))), wanted)
    some = ~products.zero
    assert spec.exp_range == (products.exp[some].min(), products.exp[some].max())
    top = products.exp == spec.exp_range[1]
    assert spec.largest == products.sig[top & some].max() + (1 << spec.wide.frac_bits)
    assert not wide_value(spec, product(spec, *spec.neutral)) and multiply(spec, *spec.neutral) == spec.a.sign_mask
    if spec.table:
        assert spec.title == f"log codes, antilog by a table of {spec.table} bits" and spec.form is None
        assert spec.constants() == {"antilog": "table",
                                    "significands": (sizes * 2 ** (spec.table - 1)).astype(int).tolist()}
    else:
        assert spec.title == "log codes, linear antilog" and spec.form == "fields"
        assert spec.constants() == {"antilog": "linear", "offset_value": spec.offset_value}


def test_the_offset_is_the_best():
    """By the mean squared relative error over all fractions, in decimals."""
    for man_bits in range(1, 6):
        spec, one = Multiplier.make("log", f"l3f{man_bits}"), 1 << man_bits
        errors, exact = {}, [Decimal(2) ** (Decimal(fraction) / one) for fraction in range(one)]
        for offset in range(1 - one, one):
            parts = [divmod(fraction + offset, one) for fraction in range(one)]
            found = [(1 + Decimal(rest) / one) * Decimal(2) ** exponent for exponent, rest in parts]
            errors[offset] = sum((size / wanted - 1) ** 2 for size, wanted in zip(found, exact, strict=True))
        assert spec.offset_value == min(errors, key=errors.get)
    assert Multiplier.make("log", "l3f4").offset_value == -1


@pytest.mark.parametrize("accumulator", ["fp32", "fixed", "bf16"])
@pytest.mark.parametrize("name", ["log_l3f4", "log_l3f4_t6", "log_l3f5", "log_l3f5_t7", "log_l3f5xl3f2"])
def test_sums(name, accumulator, seed):
    """Of codes that the loops take by their form, by a table of pairs, and by terms alone; and a matrix at a time."""
    spec, _ = families.parse(name.split("_"))
    kind = parse_accumulator(accumulator)
    a, b = (codes.reshape(6, 40) for codes in random_pairs(spec, 240, seed))
    found = kind.result.decode(accumulate(spec, kind, a, b))
    terms = wide_value(spec, product(spec, a, b))
    if accumulator == "fixed":
        assert np.array_equal(found, terms.sum(axis=1).astype(np.float32))
    else:
        wanted = np.zeros(6)
        for column in terms.T:
            wanted = kind.result.decode(kind.result.encode(wanted + column, "ieee"))
        assert np.array_equal(found, wanted)
    assert np.array_equal(kind.result.decode(matmul(spec, kind, a, b.T)).diagonal(), found)


def test_dot_products_beside_floats_of_the_same_width(seed):
    """On Gaussian numbers log codes with the linear antilog are nearer than L-Mul and than the exact product of e4m3;
    by table they are nearer still."""
    rng, found = np.random.default_rng(seed), {}
    a, b = rng.standard_normal((200, 256)), rng.standard_normal((200, 256))
    for name in ("lmul_e4m3", "exact_e4m3", "log_l3f4", "log_l3f4_none", "log_l3f4_t6"):
        spec, _ = families.parse(name.split("_"))
        (x, scale_a), (y, scale_b) = quantise(spec.a, a), quantise(spec.b, b)
        sums = parse_accumulator("fp32").result.decode(accumulate(spec, parse_accumulator("fp32"), x, y))
        found[name] = result_errors(sums * scale_a * scale_b, (a * b).sum(axis=1))[0]
    assert found["log_l3f4_t6"] < found["log_l3f4"] < found["exact_e4m3"] < found["lmul_e4m3"], found
    assert found["log_l3f4"] < found["log_l3f4_none"]


def test_refused():
    logarithm, e4m3 = format_named("l3f4"), format_named("e4m3")
    with pytest.raises(Refusal, match="logarithm must be 1 to 7, not 0"):
        LogFormat("l3f0", 3, 0, 3)
    for pair in ((logarithm, e4m3), (e4m3, logarithm)):
        with pytest.raises(Refusal, match="Operand formats of log must be logarithms"):
            Log(*pair)
    for bits in (1, 13):
        with pytest.raises(Refusal, match=f"Table must be of 2 to 12 bits for l2f1, not {bits}"):
            Multiplier.make("log", "l2f1", table=bits)
    for name, message in (("l1f4", "logarithm must be 2 to 8, not 1"), ("l9f4", "logarithm must be 2 to 8, not 9"),
                          ("l3f8", "logarithm must be 1 to 7, not 8"), ("l3", "Format must be one of")):
        with pytest.raises(Refusal, match=message):
            format_named(name)
    for slug, message in (
            ("mul_log_e4m3", "must be logarithms, as l3f4, not e4m3"), ("mul_lmul_l3f4", "must be floats"),
            ("mul_log_l3f2xl3f4", "must be the wider"), ("mul_log", "A format must follow"),
            ("mul_log_l3f4_t6", "narrow product has no table, so 't6' must be left out"),
            ("mul_log_l3f4_offm2", "narrow product has no offset, so 'offm2' must be left out"),
            ("prod_log_l3f4_off16", r"within \+-15 for l3f4, not 16"),
            ("prod_log_l3f4_t3", "4 to 12 bits for l3f4, not 3"), ("prod_log_l3f4_t13", "not 13"),
            ("prod_log_l3f4_tm5", "not -5"), ("prod_log_l3f4_none_t6", "Offset must be left out"),
            ("prod_log_l3f4_paper", "nothing may follow, but 'paper' does"),
            ("prod_log_l3f4_flush", "Subnormals must be 'exact' for log"),
            ("prod_log_l3f4_sub", "one spelling is 'prod_log_l3f4'")):
        with pytest.raises(Refusal, match=message):
            parse(slug)
