"""Proofs of multipliers: that they find what is wrong, and that the specification is what golden and others say."""

import re

import bitwuzla
import ml_dtypes
import numpy as np
import pytest
from lmul.golden.products import multiply, pack, product
from lmul.golden.spec import Multiplier
from lmul.golden.stimulus import corner_pairs, random_pairs
from lmul.hdl.designs import Design, parse
from lmul.hdl.verilog import component, convert
from lmul.prove import cells, exhaust, multipliers, theorems
from lmul.prove.catalogue import prove
from lmul.prove.families import specification
from lmul.prove.logic import Logic
from lmul.prove.multipliers import variants
from lmul.prove.obligation import PROVED, REFUTED, UNDECIDED, discharge
from lmul.prove.solver import Question
from lmul.prove.words import Word

NARROW = ["mul_lmul_e4m3", "mul_exact_e4m3_flush_ieee", "prod_lmul_e2m1_sub", "prod_exact_e4m3", "prod_log_l3f4_t6"]
WIDE = ["mul_log_l3f5", "prod_log_l3f5", "mul_lmul_fp16_sub_ieee_best", "prod_lmul_bf16xe4m3_sub", "mul_exact_bf16",
        "prod_exact_fp32", "prod_exact_bf16_r8", "prod_exact_fp16_t5", "prod_lmul_bf16_sub_offh3"]


def texts(slugs):
    return convert({slug: component(parse(slug)) for slug in slugs})


def broken(text, count):
    """Texts with an operator changed, spread over the places where one can be."""
    swaps = {" & ": " | ", " | ": " & ", " ^ ": " | ", " + ": " - ", " - ": " + ", " == ": " != "}
    places = list(re.finditer("|".join(map(re.escape, swaps)), text))
    for match in places[:: max(1, len(places) // count)]:
        yield text[: match.start()] + swaps[match[0]] + text[match.end() :]


def evaluate(spec, wide, a, b):
    """What the specification gives for codes."""
    found = []
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        question = Question(Logic())
        codes = [Word(question, question.constant(code, fmt.width), fmt.width)
                 for code, fmt in ((x, spec.a), (y, spec.b))]
        term = specification(spec).product(spec, wide, *codes).term
        found.append(int(bitwuzla.Bitwuzla(question.terms).simplify_term(term).value(2), 2))
    return np.array(found)


@pytest.mark.parametrize("spec", [
    Multiplier.make("lmul", "fp16"), Multiplier.make("lmul", "bf16", "e4m3", subnormals="exact", overflow="ieee"),
    Multiplier.make("exact", "fp16"), Multiplier.make("exact", "e4m3", overflow="ieee"),
    Multiplier.make("log", "l3f5"), Multiplier.make("log", "l3f5", "l3f4", table=7),
    Multiplier.make("log", "l8f7", "l2f1"),
    Multiplier.make("exact", "fp32", "e2m1", subnormals="flush"), Multiplier.make("exact", "e4m3", rounded=4),
    Multiplier.make("exact", "bf16", rounded=8, subnormals="flush"), Multiplier.make("exact", "fp16", "e5m2", cut=2),
    Multiplier.make("lmul", "fp16", offset="best"), Multiplier.make("lmul", "e4m3", offset=-1.5, subnormals="exact"),
], ids=lambda spec: spec.name)
def test_specification_is_golden(spec, seed):
    a, b = (np.concatenate([codes[::97], other]) for codes, other in
            zip(corner_pairs(spec), random_pairs(spec, 30, seed), strict=True))
    if not spec.wide_only:
        assert (evaluate(spec, False, a, b) == multiply(spec, a, b)).all()
    assert (evaluate(spec, True, a, b) == pack(spec, product(spec, a, b))).all()


@pytest.mark.parametrize(("name", "dtype"), [("fp16", np.float16), ("bf16", ml_dtypes.bfloat16), ("fp32", np.float32),
                                             ("e5m2", ml_dtypes.float8_e5m2)])
def test_specification_is_the_product_of_others(name, dtype, seed):
    spec = Multiplier.make("exact", name, overflow="ieee")
    a, b = (np.concatenate([codes[::61], other]) for codes, other in
            zip(corner_pairs(spec), random_pairs(spec, 30, seed), strict=True))
    wide = np.float64 if name == "fp32" else np.float32
    with np.errstate(all="ignore"):
        wanted = (a.view(dtype).astype(wide) * b.view(dtype).astype(wide)).astype(dtype)
    number = ~np.isnan(wanted.astype(wide))
    found = evaluate(spec, False, a, b)
    assert (found[number] == wanted.view(a.dtype)[number]).all()
    field = found[~number] & spec.a.field_mask
    assert (field == spec.a.nan).all()


@pytest.mark.parametrize("slugs", [NARROW, pytest.param(WIDE, marks=pytest.mark.regress)], ids=["narrow", "wide"])
def test_right_verilog_is_proved(slugs):
    proofs = prove(slugs, 60)
    assert {proof.name for proof in proofs} == set(slugs)
    assert all(proof.verdict == PROVED for proof in proofs), proofs
    means = {proof.name: proof.means for proof in proofs}
    assert all(("exhaustion" in means[slug]) == (slug in NARROW) for slug in slugs)


@pytest.mark.parametrize("slug", ["mul_lmul_bf16", "mul_exact_bf16_flush", "prod_exact_fp16", "mul_exact_bf16"])
def test_wrong_verilog_is_refuted(slug):
    """By the specification: the witness is one for golden too."""
    design, text = parse(slug), texts([slug])[slug]
    spec, wide = design.multiplier, design.structure == "prod"
    mutants = {f"m{n}": re.sub(rf"\b{slug}\b", f"m{n}", each) for n, each in enumerate(broken(text, 6))}
    circuits, gates = cells.load(mutants), exhaust.load(mutants)
    assert len(mutants) >= 5
    for name, circuit in circuits.items():
        answer = theorems.specified({slug: circuit}, 20, design)
        assert answer.verdict == REFUTED, mutants[name]
        a, b = (np.array([answer.witness[port]], np.uint16) for port in "ab")
        assert exhaust.mismatches(gates[name], spec, wide, a, b).size


@pytest.mark.parametrize("slug", ["mul_exact_e5m2", "mul_exact_fp16_ieee"])
def test_theory_of_floats_refutes(slug):
    design, text = parse(slug), texts([slug])[slug]
    mutants = {f"m{n}": re.sub(rf"\b{slug}\b", f"m{n}", each) for n, each in enumerate(broken(text, 4))}
    for name, circuit in cells.load(mutants).items():
        verdicts = [examine({slug: circuit}, 5, design).verdict for examine in (theorems.ieee, theorems.specified)]
        assert PROVED not in verdicts, mutants[name]
        assert verdicts[1] == REFUTED


def test_theory_of_floats_is_of_ieee_formats():
    assert not theorems.ieee_applies(Multiplier.make("exact", "e4m3"))
    with pytest.raises(ValueError, match="must be exact"):
        theorems.ieee({"mul_lmul_fp16": None}, 1, parse("mul_lmul_fp16"))


def test_a_product_within_its_bounds_proves_no_other_multiplication(monkeypatch):
    """The significands of another pair, or one of them twice, are not what the specification multiplies."""
    monkeypatch.setattr(theorems, "PLAIN_SECONDS", 0.001)
    slug = "mul_exact_fp16_flush"
    text = texts([slug])[slug]
    line = re.search(r"assign sig_product = .*;", text)[0]
    twice = re.sub(r"b\[", "a[", line)
    assert twice != line
    obligation = theorems.by_specification(parse(slug))
    [proof] = discharge([obligation], 2, {slug: text.replace(line, twice)})
    assert proof.verdict in (REFUTED, UNDECIDED)
    [proof] = discharge([obligation], 20)
    assert proof.verdict == PROVED and "bounds" in proof.means


def test_time_that_runs_out_is_no_verdict(monkeypatch):
    monkeypatch.setattr(theorems, "PLAIN_SECONDS", 0.001)
    [proof] = discharge([theorems.by_specification(parse("mul_exact_fp16"))], 0.001)
    assert proof.verdict == UNDECIDED


def test_variants_are_every_policy():
    found = {design.slug for design in variants("e4m3")}
    for slug in ("mul_lmul_e4m3_sub_ieee_best", "prod_lmul_e4m3_offm7", "mul_exact_e4m3_flush_ieee", "prod_exact_e4m3"):
        assert slug in found
    assert all(parse(slug) for slug in found)


@pytest.mark.regress
def test_words_and_gates_agree(seed):
    """Both readings of the Verilog, on all pairs, through the specification's solver."""
    for slug in ("mul_lmul_e4m3_sub", "mul_exact_e5m2"):
        design = parse(slug)
        proofs = discharge([theorems.by_specification(design), multipliers.of(design)[0]])
        assert [proof.verdict for proof in proofs] == [PROVED] * 2 and "exhaustion" in proofs[1].means


def test_a_design_above_a_multiplier_is_proved_in_parts():
    proofs = prove(["dot_lmul_e2m1_fixed_2", "mac_lmul_e2m1_fixed", "dot_lmul_e2m1_e5m4_2"], 60)
    found = [(proof.name, proof.verdict) for proof in proofs]
    assert sorted(found[:-3]) == [
        *[("2 lanes of lmul_e2m1 into fixed", PROVED)] * 3, *[("lmul_e2m1 into fixed", PROVED)] * 3,
        (Design("prod", Multiplier.make("lmul", "e2m1")).slug, PROVED)]
    assert found[-3:] == [("dot_lmul_e2m1_fixed_2", "in parts"), ("mac_lmul_e2m1_fixed", "in parts"),
                          ("dot_lmul_e2m1_e5m4_2", "not proved")]
