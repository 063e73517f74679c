"""The page of multipliers: ours, exact products by addition and by multiplication, and what others have published."""

import json
import re

import pytest
from lmul.claims import multipliers, published
from lmul.cli.main import main
from lmul.golden.refusal import Refusal
from lmul.golden.stimulus import all_pairs
from lmul.hdl.designs import parse
from lmul.hdl.families.exact import ExactMultiplier
from lmul.hdl.verilog import convert
from lmul.prove import exhaust


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("multipliers")
    with pytest.raises(SystemExit) as left:
        main(["multipliers", "--format", "e2m1", "--effort", "low", "-o", str(folder)])
    assert left.value.code == 0
    return json.loads((folder / "multipliers.json").read_text()), (folder / "multipliers.md").read_text()


@pytest.mark.regress
def test_every_multiplier_of_a_format_has_its_figures(page):
    record, text = page
    assert [row["design"] for row in record["multipliers"]] == multipliers.designs(["e2m1"])
    for row in record["multipliers"]:
        library = row["costs"]["sky130hd"]
        assert row["gates"] > 0 and library["area_um2"] > 0 and row["costs"]["xc7"]["luts"] > 0
        assert re.search(rf"`{row['design']}` \|.* {row['gates']} \|", text)


@pytest.mark.regress
def test_both_architectures_are_shown_as_they_were_measured(page):
    record, text = page
    [row] = record["architectures"]
    ours, other = (row[name]["costs"]["asap7"]["area_um2"] for name in ("addition", "multiplication"))
    assert row["design"] == "mul_exact_e2m1_flush" and ours != other
    assert f"{ours / other:.2f}" in text


@pytest.mark.regress
def test_others_are_quoted_with_what_differs(page):
    record, text = page
    assert len(record["published"]) == len(published.MULTIPLIERS)
    for each in published.MULTIPLIERS:
        assert each["who"] in text and each["differs"] in text
        assert all(parse(slug).combinational for slug in each["nearest"])


@pytest.mark.parametrize("slug", ["mul_exact_e4m3", *(pytest.param(slug, marks=pytest.mark.regress) for slug in (
    "mul_exact_e4m3_flush", "mul_exact_e5m2", "mul_exact_e2m1_flush"))])
def test_the_other_architecture_computes_the_same(slug):
    added, multiplied = (exhaust.load(convert({slug: ExactMultiplier(parse(slug).multiplier, multiplied=each)}))[slug]
                         for each in (False, True))
    spec = parse(slug).multiplier
    pairs = all_pairs(spec)
    assert not exhaust.mismatches(added, spec, False, *pairs).size
    assert not exhaust.mismatches(multiplied, spec, False, *pairs).size


def test_semantics_follow_from_the_specification():
    assert multipliers.computes(parse("mul_exact_e4m3_flush")) == {
        "rounding": "to nearest even", "specials": "NaN", "overflow": "to the largest", "subnormals": "count as zero"}
    assert multipliers.computes(parse("mul_lmul_e5m2_sub")) == {
        "rounding": "none: an addition", "specials": "Inf and NaN", "overflow": "to the largest", "subnormals": "kept"}
    assert multipliers.computes(parse("mul_int8")) == {
        "rounding": "none, exact", "specials": "none", "overflow": "fits", "subnormals": "none"}


def test_other_formats_are_refused():
    with pytest.raises(Refusal, match="Format must be one of e4m3, .* not 'fp64'"):
        multipliers.designs(["fp64"])
