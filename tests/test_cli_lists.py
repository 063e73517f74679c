"""`lmul list`, the grammar of slugs, their completion, formats that no list has, and the rivals of a report."""

import json
import re

import pytest
from click.shell_completion import BashComplete
from lmul.cli.main import cli
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import catalogue, parse
from lmul.hdl.grammar import grammar
from lmul.synth.rivals import compared, pairs
from test_cli import refused, run

PARTS = {"ACCUMULATOR": "((fp32|bf16|fp16)(i[248])?|fixed|carrysave|int32)",
         "FORMATS": "[a-z][a-z0-9]+", "FORMAT": "[a-z0-9]+",
         "LANES": r"\d+", "ROWS": r"\d+", "COLS": r"\d+", "BITS": r"\d+", "STAGES": r"\d", "N": r"m?\d+"}


def as_expression(pattern, multiplier=""):
    """A pattern of the grammar as a regular expression."""
    groups = re.sub(r"\[([^\]]*)\]", r"(\1)?", pattern)
    return re.sub("|".join(["MULTIPLIER", *PARTS]), lambda word: PARTS.get(word[0], multiplier), groups)


@pytest.fixture(scope="module")
def spelled():
    """Whether the grammar has a slug."""
    found = grammar()
    multipliers = [as_expression(pattern) for pattern, text in found.items() if "a MULTIPLIER" in text]
    designs = [as_expression(pattern, f"({'|'.join(multipliers)})") for pattern, text in found.items()
               if re.match("[a-z]+_[A-Z]", pattern) and "a MULTIPLIER" not in text]
    return lambda slug: any(re.fullmatch(design, slug) for design in designs)


def test_the_grammar_has_every_design(spelled):
    assert not [slug for slug in catalogue() if not spelled(slug)]


@pytest.mark.parametrize("slug", ["mul", "mac_lmul_e4m3", "mac_lmul_e4m3_fp32_16", "dot_lmul_e4m3_fp32", "conv_e4m3",
                                  "array_lmul_e4m3_fp32_8x8", "dot_lmul_e4m3_fp32_16_w20_tree", "tile_lmul_e4m3_w10"])
def test_the_grammar_has_no_other(spelled, slug):
    assert not spelled(slug)
    with pytest.raises(Refusal):
        parse(slug)


@pytest.mark.parametrize("slug", ["mul_lmul_e5m7_sub_ieee_offm2", "dot_exact_bf16xe4m3_flush_r8_fp32_16_w20",
                                  "dot_lmul_e4m3_offh1_bf16_4_tree", "matmul_log_l3f4_t6_16x4_w10_p2"])
def test_the_grammar_has_more_than_the_catalogue(spelled, slug):
    assert spelled(slug) and parse(slug).slug == slug


def test_words_select(capsys):
    found = json.loads(run(capsys, "list", "mac", "e4m3", "fixed", "--json")[1])
    assert list(found) == ["designs"] and "mac_lmul_e4m3_fixed" in found["designs"]
    assert all(slug.startswith("mac_") and "e4m3" in slug for slug in found["designs"])
    found = json.loads(run(capsys, "list", "*_16", "--only", "designs", "--json")[1])
    assert found["designs"] and all(slug.endswith("_16") for slug in found["designs"])
    assert list(json.loads(run(capsys, "list", "--only", "formats", "--json")[1])) == ["formats"]
    assert list(json.loads(run(capsys, "list", "mul_lmul_e4m3", "--json")[1])["designs"]) == ["mul_lmul_e4m3"]
    assert "'zork'" in refused(capsys, "list", "zork")


def test_formats_that_no_list_has_say_what_they_are(capsys, tmp_path):
    described = json.loads(run(capsys, "list", "mul_lmul_e4m4", "--json")[1])["designs"]["mul_lmul_e4m4"]
    assert "Inf and NaN" in described
    said = run(capsys, "report", "mul_lmul_e4m4", "mul_exact_e4m4", "--tech", "none", "-o", tmp_path)[2]
    assert said.splitlines()[:-1] == ["e4m4 is no format of `lmul list`; its name means: 4 exponent, 4 mantissa bits, "
                                      "bias 7, Inf and NaN, as in IEEE 754"]
    assert "Inf" not in run(capsys, "report", "mul_lmul_e4m3", "--tech", "none", "-o", tmp_path)[2]


@pytest.mark.parametrize("before", [["generate"], ["simulate", "mul_int8"], ["prove"], ["report"], ["list"],
                                    ["matmul", "A.npy", "B.npy", "--design"], ["scatter"]])
def test_shells_complete_slugs(before):
    found = BashComplete(cli, {}, "lmul", "_LMUL_COMPLETE").get_completions(before, "mac_lmul_e4m3_f")
    assert [each.value for each in found] == [
        "mac_lmul_e4m3_fp32", "mac_lmul_e4m3_fixed", "mac_lmul_e4m3_fp32i4", "mac_lmul_e4m3_fp32i8"]


@pytest.mark.parametrize(("slug", "expected"), [
    ("mul_lmul_e4m3", {"mul_exact_e4m3_flush"}), ("mul_exact_e4m3_flush", {"mul_lmul_e4m3", "mul_mitchell_e4m3"}),
    ("dot_lmul_e4m3_fp32_8_w20", {"dot_exact_e4m3_flush_fp32_8_w20", "dot_exact_e4m3_flush_r4_fp32_8_w20",
                                  "dot_exact_e4m3_flush_t4_fp32_8_w20", "dot_int8_int32_8"}),
    ("tile_log_l3f4_16x4_w10", {"tile_int8_16x4"}), ("mac_xnor_sign8_int32", {"mac_int8_int32"}),
    ("conv_e4m3_l3f4", set()),
])
def test_rivals(slug, expected):
    assert set(compared([slug], catalogue())) == {slug} | expected
    if expected and not slug.startswith("tile_log"):  # which stands in no other's place: it has int8 beside it
        assert any(slug in (ours.slug, other.slug) for ours, other in pairs(map(parse, [slug, *expected])))


def test_rivals_of_nothing(capsys, tmp_path):
    assert "SLUG" in refused(capsys, "report", "--rivals", "-o", tmp_path)
