"""Designs and their slugs: one spelling each, and refusals word for word."""

import pytest
from lmul.hdl.designs import Design, catalogue, parse

OTHERS = [
    "mul_lmul_e4m3_sub_ieee_best", "mul_lmul_e4m3_offm3", "prod_lmul_e5m2_none", "mul_exact_e4m3_flush_ieee",
    "mul_lmul_e6m9_off12", "mul_exact_fp32xe5m2", "dot_exact_e4m3_fp32_16_w24", "dot_lmul_bf16_bf16_2_tree",
    "mac_lmul_e4m3_fixed256", "array_exact_e5m2_carrysave64_64x1_ws", "prod_lmul_e4m3_offh1",
    "prod_lmul_e4m3_sub_offhm3",
    "prod_exact_e4m3_flush_r4", "mac_exact_bf16_t8_fp32", "dot_exact_e4m3_r4_fixed_16", "prod_lmul_e4m3_offhm15",
]


def test_catalogue_slugs_parse_back():
    slugs = catalogue()
    assert len(set(slugs)) == len(slugs) > 300
    for slug in slugs:
        assert parse(slug).slug == slug
        assert slug.isidentifier()


@pytest.mark.parametrize("slug", OTHERS)
def test_other_slugs_parse_back(slug):
    assert parse(slug).slug == slug


def test_policies_are_read():
    spec = parse("mul_lmul_bf16xe4m3_sub_ieee_offm7").multiplier
    assert (spec.kind, spec.a.name, spec.b.name) == ("lmul", "bf16", "e4m3")
    assert (spec.subnormals, spec.overflow, spec.offset, spec.offset_value) == ("exact", "ieee", -7, -7)
    assert parse("mul_exact_e4m3_flush").multiplier.subnormals == "flush"
    assert parse("mul_lmul_e4m3").multiplier.subnormals == "flush"


@pytest.mark.parametrize(("slug", "reason"), [
    ("", "a design begins with mul, prod, conv, mac, dot, array, matmul or tile, not ''"),
    ("mull_lmul_e4m3", "a design begins with mul, prod, conv, mac, dot, array, matmul or tile, not 'mull'"),
    ("mul", "a multiplier must follow 'mul'"),
    ("mul_lmul", "A format must follow 'lmul': one of e4m3, e5m2, e3m4, e2m3, e3m2, e2m1, bf16, fp16, tf32, "
                 "fp32, e{E}m{M} or l{E}f{F}"),
    ("mul_half_e4m3", "Multiplier must be one of lmul, mitchell, exact, xnor, log, or integers (int8, uint4, "
                      "int8xint4, ...), int8xternary, int8xpot3k2, ..., not 'half'"),
    ("mul_lmul_fp8", "Format must be one of e4m3, e5m2, e3m4, e2m3, e3m2, e2m1, bf16, fp16, tf32, fp32 or e{E}m{M}, "
                     "not 'fp8'"),
    ("mul_lmul_e9m3", "Exponent bits must be 2 to 8, not 9"),
    ("mul_lmul_e4m24", "Mantissa bits must be 1 to 23, not 24"),
    ("mul_lmul_e4m3xbf16", "The first operand of a mixed pair must be the wider, not e4m3 by bf16"),
    ("mul_lmul_e4m3xe4m2", "The first operand must have the specials of the second, not e4m3 by e4m2"),
    ("mul_lmul_e2m1_ieee", "Overflow must be 'saturate' for e2m1, which has neither Inf nor NaN, not 'ieee'"),
    ("mul_exact_e4m3_best", "Offset must be 'none' for exact, not 'best'"),
    ("mul_lmul_e4m3_off8", "Offset must be within +-7 for e4m3, not 8"),
    ("mul_exact_e4m3_r4", "Products rounded or cut to 4 bits are wide ones, so 'r4' must be left out of a narrow one"),
    ("mul_exact_e4m3_flush_t5", "Products rounded or cut to 5 bits are wide ones, so 't5' must be left out of a "
                                "narrow one"),
    ("mul_lmul_e4m3_offhm3", "An offset of half a place must go with a wide product, whose significand has it below: "
                             "a narrow one takes -2 or -1, not -1.5"),
    ("prod_exact_e4m3_r4_t4", "A wide product must be rounded or cut, not both: 'r4' or 't4' must be left out"),
    ("prod_exact_e4m3_r8", "Bits to which wide products are rounded must be 2 to 7 for e4m3, not 8"),
    ("prod_lmul_e4m3_r4", "Rounded must be left out for lmul, not 4"),
    ("prod_lmul_e4m3_offh17", "Offset must be within +-7.5 for e4m3, not 8.5"),
    ("mul_lmul_e4m3_sub_sub", "Policy subnormals must be given once, not again as 'sub'"),
    ("mul_lmul_e4m3_x", "nothing may follow, but 'x' does"),
    ("mul_int8_e4m3", "nothing may follow, but 'e4m3' does"),
    ("prod_lmul_e4m3_ieee", "A wide product never overflows, so 'ieee' must be left out of a prod design"),
    ("mac_lmul_e4m3", "an accumulator must follow 'lmul_e4m3'"),
    ("mac_lmul_e4m3_int32", "Accumulator must be a float format, fixed or carrysave for lmul_e4m3, not 'int32'"),
    ("mac_int8_fp32", "Accumulator must be int32 for int8, not 'fp32'"),
    ("mac_lmul_e4m3_ieee_fp32", "An accumulator takes wide products, which never overflow: 'ieee' must be left out"),
    ("mac_lmul_e4m3_e4m3", "Accumulator must be fp32, bf16, fp16, fixed, carrysave, int32 or an e{E}m{M} with "
                           "Inf and NaN, floats also interleaved over 2, 4 or 8 partial sums as in fp32i4, not 'e4m3'"),
    ("dot_lmul_e4m3_fp32", "a dot product ends with its lanes, as in _16"),
    ("dot_lmul_e4m3_fp32_1", "Dot product lanes must be 2 to 256, not 1"),
    ("array_lmul_e4m3_fp32_8x8", "an array ends with its shape and dataflow, as in _8x8_os or _8x8_ws"),
    ("matmul_lmul_e4m3_fp32", "a matmul ends with its shape and dataflow, as in _8x8_os or _8x8_ws"),
    ("array_lmul_e4m3_fp32_65x8_os", "Array rows must be 1 to 64, not 65"),
    ("array_lmul_e4m3_fp32i4_8x8_os", "Interleaved sums must be those of a mac or a dot, which take runs, not those "
                                      "of an array: 'fp32' must stand for 'fp32i4'"),
    ("array_lmul_e4m3_fp32_8x0_os", "Array cols must be 1 to 64, not 0"),
])
def test_refusals(slug, reason):
    with pytest.raises(ValueError) as refusal:
        parse(slug)
    message, _, hint = str(refusal.value).rpartition("; ")
    assert message == f"Unknown design {slug!r}: {reason}"
    if hint != "`lmul list` shows the designs":
        nearest = hint.removeprefix("nearest: ").split(", ")
        assert 1 <= len(nearest) <= 3
        assert set(nearest) <= set(catalogue())


@pytest.mark.parametrize(("slug", "spelling"), [
    ("mul_lmul_e4m3_ieee_sub", "mul_lmul_e4m3_sub_ieee"),
    ("mul_lmul_e4m3_paper", None),
    ("prod_exact_e4m3_r04", "prod_exact_e4m3_r4"),
    ("prod_exact_e4m3_r4_flush", "prod_exact_e4m3_flush_r4"),
    ("prod_lmul_e4m3_offh2", "prod_lmul_e4m3_off1"),
    ("mul_lmul_e4m3_flush", "mul_lmul_e4m3"),
    ("mul_lmul_e4m3_off01", "mul_lmul_e4m3_off1"),
    ("mul_lmul_e4m3xe4m3", "mul_lmul_e4m3"),
])
def test_one_spelling(slug, spelling):
    with pytest.raises(ValueError) as refusal:
        parse(slug)
    if spelling:
        assert str(refusal.value) == f"Unknown design {slug!r}: its one spelling is {spelling!r}"


def test_the_nearest_names_help():
    with pytest.raises(ValueError, match="nearest: .*mul_exact_bf16"):
        parse("mul_exakt_bf16")


def test_a_design_is_equal_to_its_parsed_slug():
    design = parse("mul_lmul_e4m3")
    assert design == Design("mul", design.multiplier)
    assert design.combinational
    assert not parse("mac_lmul_e4m3_fp32").combinational


def test_a_structure_is_declared_once(monkeypatch):
    """One entry, and a component: slugs, `lmul list`, Verilog, golden and pages take the rest from what it declares."""
    from dataclasses import replace

    from lmul.cli.commands.list import describe
    from lmul.cli.comparison import Entry
    from lmul.golden.expected import expected
    from lmul.hdl.structures import STRUCTURES
    from lmul.hdl.verilog import verilog
    from lmul.synth.record import new_row

    monkeypatch.setitem(STRUCTURES, "sum", replace(STRUCTURES["dot"], summary="sum of products", title="sum",
                                                   heading="Sums"))
    design = parse("sum_int4_int32_2")
    assert describe(design) == "sum of products: int4 into int32 over 2 lanes"
    assert "module sum_int4_int32_2(" in verilog(design)
    assert expected(design, [1, 2, 3, 4], [5, 6, 7, 7]) == 1 * 5 + 2 * 6 + 3 * 7 + 4 * 7
    assert {f"sum_{rest}" for rest in ("int8_int32_16", "lmul_e4m3_fp32_16", "int4_int32_16")} <= set(catalogue())
    entry = Entry(new_row(design, "asap7"), design)
    assert entry.family == "sum into int32 by 2" and entry.row["specification"]["lanes"] == 2
    assert parse("prod_lmul_e4m3").unrounded and design.unrounded and not parse("mul_lmul_e4m3").unrounded
