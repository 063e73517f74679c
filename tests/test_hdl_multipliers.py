"""Multipliers: the generated Verilog against golden, over all pairs where operands have 16 bits together."""

import itertools

import numpy as np
import pytest
from lmul.golden.formats import MIXED_PAIRS, float_format
from lmul.golden.spec import Multiplier
from lmul.golden.stimulus import all_pairs, corner_pairs, random_pairs
from lmul.hdl.designs import Design, parse
from lmul.hdl.multipliers import multiplier
from lmul.hdl.verilog import component, convert, verilog
from lmul.prove.exhaust import load, mismatches

RANDOM = 1 << 14
INT8 = Multiplier.make("int8", None)


def designs(a, b=None, offsets=("paper", "none", "best")):
    """Every multiplier of a pair of formats, narrow and wide: all kinds and policies, and the given offsets."""
    overflows = ("saturate", "ieee") if float_format(a).has_nan else ("saturate",)
    for kind, subnormals in itertools.product(("lmul", "mitchell", "exact"), ("flush", "exact")):
        yield from (Design("prod", Multiplier.make(kind, a, b, subnormals=subnormals, **policies))
                    for policies in wide_only(kind, a, b or a))
        for offset in offsets if kind == "lmul" else ("none",):
            policies = {"subnormals": subnormals, "offset": offset}
            yield Design("prod", Multiplier.make(kind, a, b, **policies))
            yield from (Design("mul", Multiplier.make(kind, a, b, overflow=overflow, **policies))
                        for overflow in overflows)


def wide_only(kind, a, b):
    """Policies that only wide products have: offsets of half a place, bits to which exact products are shortened."""
    if kind == "lmul":
        return [{"offset": offset} for offset in (0.5, -0.5)]
    man_a, man_b = float_format(a).man_bits, float_format(b).man_bits
    bits = sorted({2, man_a, man_a + 1, man_a + 2, man_a + man_b + 1} & set(range(2, man_a + man_b + 2)))
    return [{how: each} for each in bits for how in ("rounded", "cut")] if kind == "exact" else []


def every_offset(fmt):
    """Offsets by name, then integers: the ends, and one below 0."""
    reach = float_format(fmt).man_mask
    return ["paper", "none", "best", *sorted({-reach, -1, reach})]


def pairs(spec, seed):
    if spec.a.width + spec.b.width <= 16:
        return all_pairs(spec)
    return (np.concatenate(codes) for codes in zip(corner_pairs(spec), random_pairs(spec, RANDOM, seed), strict=True))


def check(designs, seed):
    designs = list(designs)
    circuits = load(convert({design.slug: component(design) for design in designs}))
    for design in designs:
        spec, circuit = design.multiplier, circuits[design.slug]
        wide = design.structure == "prod"
        assert circuit.inputs == {"a": spec.a.width, "b": spec.b.width}, design.slug
        assert circuit.outputs == {"p": spec.wide.width if wide else spec.narrow_width}, design.slug
        a, b = pairs(spec, seed)
        wrong = mismatches(circuit, spec, wide, a, b)
        assert not wrong.size, (f"{design.slug}: {wrong.size} of {a.size} pairs differ, "
                                f"first a={a[wrong[0]]:#x} b={b[wrong[0]]:#x}")


@pytest.mark.parametrize("fmt", ["e4m3", "e2m1", *(
    pytest.param(fmt, marks=pytest.mark.regress) for fmt in ("e5m2", "e3m4", "e2m3", "e3m2"))])
def test_all_pairs(fmt, seed):
    check(designs(fmt, offsets=every_offset(fmt)), seed)


@pytest.mark.parametrize("formats", [("e5m2",), ("e4m3", "e2m1"), *(
    pytest.param(each, marks=pytest.mark.regress) for each in (("e5m2", "e3m2"), ("e6m1",)))], ids="x".join)
def test_all_pairs_of_other_formats(formats, seed):
    check(designs(*formats), seed)


@pytest.mark.parametrize("formats", [("bf16", "e4m3"), *(pytest.param(each, marks=pytest.mark.regress) for each in (
    ("bf16",), ("fp16",), ("fp16", "e5m2"), ("fp32", "e2m1")))], ids="x".join)
def test_wider(formats, seed):
    check(designs(*formats, offsets=("paper",)), seed)


@pytest.mark.regress
def test_fp32(seed):
    check((design for design in designs("fp32", offsets=("paper",))
           if design.multiplier.kind != "mitchell" and design.multiplier.overflow == "saturate"), seed)


def test_any_format(seed):
    specs = [Multiplier.make("exact", "e8m12"), Multiplier.make("exact", "e3m8"), Multiplier.make("lmul", "e8m1"),
             Multiplier.make("lmul", "e2m9", subnormals="exact")]
    check((Design(structure, spec) for spec in specs for structure in ("mul", "prod")), seed)


def test_int8(seed):
    check([Design("mul", INT8), Design("prod", INT8)], seed)


# In one run of Yosys each.


def test_other_families(seed):
    names = ("int4", "uint8", "int8xint4", "uint8xint3", "int8xternary", "uint4xternary", "int8xpot3k2", "uint6xpot2k2",
             "int8xpot1", "xnor_sign8", "xnor_sign3")
    check([parse(f"{structure}_{name}") for name in names for structure in ("mul", "prod")], seed)


def test_log_codes(seed):
    found = []
    for name in ("l3f4", "l4f3", "l3f4xl3f2", "l4f3xl2f1", "l2f1"):
        wide = ("", "_none", "_off1", "_offm1", *(["_t4", "_t6", "_t12"] if "f4" in name else ["_t3", "_t7"]))
        found += [parse(f"mul_log_{name}"), *(parse(f"prod_log_{name}{policy}") for policy in wide)]
    check(found, seed)


@pytest.mark.regress
@pytest.mark.parametrize("formats", [("tf32",), ("fp32",), *MIXED_PAIRS, ("e2m5",), ("e2m23",), ("e3m10",), ("e8m15",),
                                     ("e7m6",), ("e5m2", "e2m1")], ids="x".join)
def test_every_policy(formats, seed):
    check(designs(*formats, offsets=every_offset(formats[0])), seed)


@pytest.mark.regress
@pytest.mark.parametrize("formats", [(a, b) for a, b in MIXED_PAIRS if a != "fp32"], ids="x".join)
def test_all_pairs_up_to_24_bits(formats):
    chosen = list(designs(*formats))
    circuits = load(convert({design.slug: component(design) for design in chosen}))
    for design in chosen:
        a, b = all_pairs(design.multiplier)
        wrong = mismatches(circuits[design.slug], design.multiplier, design.structure == "prod", a, b)
        assert not wrong.size, design.slug


@pytest.mark.parametrize("slug", ["mul_lmul_e4m3", "prod_exact_e4m3", "mul_log_l3f4", "prod_log_l3f2_t4"])
def test_broken_verilog_is_caught(slug):
    """One operator or constant of the text changed, each in turn: golden must then differ."""
    design = parse(slug)
    text, broken = verilog(design), {}
    for old, new in ((" & ", " | "), (" | ", " & "), (" ^ ", " | "), (" + ", " - "), (" * ", " + "), (" >= ", " > "),
                     (" <= ", " < "), (" ? ", " ? ~"), ("= ~ ", "= ")):
        pieces = text.split(old)
        for count in range(1, len(pieces)):
            name = f"broken_{len(broken)}"
            broken[name] = (old.join(pieces[:count]) + new + old.join(pieces[count:])).replace(slug, name)
    circuits = load(broken)
    survivors = [broken[name] for name in broken
                 if not mismatches(circuits[name], design.multiplier, design.wide, *all_pairs(design.multiplier)).size]
    assert len(broken) > 8
    assert not survivors, survivors[0]


def test_a_multiplier_says_what_it_is():
    spec = Multiplier.make("lmul", "bf16", "e4m3")
    narrow, wide = multiplier(spec), component(Design("prod", spec))
    assert (narrow.spec, narrow.wide, wide.wide) == (spec, False, True)
    assert len(narrow.p) == 16
    assert len(wide.p) == spec.wide.width
    for part in (narrow, wide, multiplier(Multiplier.make("exact", "e4m3")), multiplier(INT8)):
        for words in ("Timing: combinational", "Parameters", "Members", "a, b : ``In("):
            assert words in type(part).__doc__ or words in type(part).__base__.__doc__
