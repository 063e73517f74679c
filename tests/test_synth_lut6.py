"""Multipliers in 6-input look-up tables: what others' multipliers compute, matchings, netlists and their proofs."""

import itertools
import json
import random
from dataclasses import replace

import numpy as np
import pytest
from lmul.claims import luts
from lmul.cli.luts_page import lead
from lmul.cli.main import main
from lmul.golden import products
from lmul.golden.bare import Bare, steps
from lmul.golden.formats import FORMATS
from lmul.golden.refusal import Refusal
from lmul.golden.stimulus import all_pairs
from lmul.hdl.bare import BareMultiplier
from lmul.hdl.designs import parse
from lmul.hdl.verilog import convert
from lmul.prove import exhaust
from lmul.synth import lut6

E4M3 = FORMATS["e4m3"]
CHEN = Bare(E4M3, spare=1, zero="fields")


@pytest.mark.parametrize("name", ["e4m3", "e5m2"])
@pytest.mark.parametrize("rounded", [False, True])
def test_the_last_step_is_the_product_that_designs_compute(name, rounded):
    spec = parse(f"mul_exact_{name}_flush" if rounded else f"mul_lmul_{name}").multiplier
    a, b = all_pairs(spec)
    found = list(steps(FORMATS[name], rounded).values())
    assert np.array_equal(found[-1].multiply(a, b), products.multiply(spec, a, b))
    assert all((one.multiply(a, b) != other.multiply(a, b)).any() for one, other in itertools.pairwise(found))


@pytest.mark.parametrize("name", ["e4m3", "e5m2"])
def test_chens_policies_are_those_of_the_equations(name):
    """arXiv 2412.18948, equations 5 to 7 and tables II and III, number by number."""
    fmt = FORMATS[name]
    man, one = fmt.man_bits, 1 << fmt.man_bits
    a, b = all_pairs(parse(f"mul_lmul_{name}").multiplier)
    expected = []
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        sign, x, y = (x ^ y) >> 7, x & 127, y & 127
        total = x % one + y % one + 1
        carry, mantissa, exponent = total >> man, total % one, (x >> man) + (y >> man) - fmt.bias
        if carry == 2:
            mantissa = one // 2 | mantissa >> 1
        exponent = (exponent + {0: 0, 1: 1, 2: 1, 3: 2}[carry]) % (2 << fmt.exp_bits)
        if x == 0 or y == 0:
            mantissa = exponent = 0
        expected.append(sign << 8 | exponent << man | mantissa)
    assert Bare(fmt, spare=1, zero="fields").multiply(a, b).tolist() == expected


@pytest.mark.parametrize(("spec", "x", "y", "product"), [
    (Bare(E4M3), 0x40, 0x40, 0x49),  # 2 by 2: 64 + 64 - 56 + 1
    (Bare(E4M3), 0x08, 0x08, 0x59),  # 8 + 8 - 55 = -39, and 128 more
    (Bare(E4M3), 0x80, 0x40, 0x89),  # minus zero has no zero here
    (CHEN, 0x80, 0x40, 0x100),
    (CHEN, 0x7E, 0x7E, 0xC5),  # 252 - 55, in a bit of exponent more
    (Bare(E4M3, floor=0, ceiling=127), 0x7E, 0x7E, 0x7F),
    (Bare(E4M3, floor=0, ceiling=127), 0x08, 0x88, 0x80),
    (Bare(E4M3, rounded=True), 0x3A, 0x3A, 0x3C),  # 1.25 by 1.25 is 1.5625, of 1.5 and 1.625 the nearer even one
    (Bare(E4M3, rounded=True), 0x3B, 0x3B, 0x3F),  # 1.375 by 1.375 is 1.890625, and 1.875 the nearest: a carry
])
def test_products_worked_by_hand(spec, x, y, product):
    assert int(spec.multiply(x, y)) == product


def test_a_policy_that_there_is_not_is_refused():
    with pytest.raises(Refusal, match="^Operands that count as zero must be 'fields', 'exponents' or None, not 'all'$"):
        Bare(E4M3, zero="all")


@pytest.mark.parametrize("name", ["e4m3", pytest.param("e5m2", marks=pytest.mark.regress)])
def test_the_hardware_computes_what_is_defined(name):
    fmt = FORMATS[name]
    a, b = all_pairs(parse(f"mul_lmul_{name}").multiplier)
    specs = [spec for rounded in (False, True) for spec in (
        *list(steps(fmt, rounded).values())[-1:], Bare(fmt, rounded, 1, "fields"),
        Bare(fmt, rounded, floor=0, ceiling=127))]
    ways = ((0, True), (fmt.bias, False), (fmt.bias + 1, True))
    parts = {f"n{n}_{exponent}_{cleared:d}": BareMultiplier(spec, exponent, cleared)
             for n, spec in enumerate(specs) for exponent, cleared in ways}
    circuits = exhaust.load(convert(parts))
    for top, part in parts.items():
        found = circuits[top](a=a, b=b)
        product = found["p"].astype(np.int64)
        if part.cleared:
            sign = product >> part.spec.field_bits << part.spec.field_bits
            product = np.where(found["clear"] == 1, sign, product)
        assert np.array_equal(product, part.spec.multiply(a, b)), top


def test_matchings_are_the_largest(seed):
    rng = random.Random(seed)
    for _ in range(300):
        count = rng.randrange(9)
        edges = {pair for pair in itertools.combinations(range(count), 2) if rng.random() < rng.choice((0.2, 0.5))}
        found = lut6.matched(count, lambda i, j, edges=edges: (i, j) in edges)
        nodes = [node for pair in found for node in pair]
        assert set(found) <= edges and len(set(nodes)) == len(nodes)
        assert len(found) == largest(tuple(range(count)), edges), (seed, edges)


def largest(nodes, edges):
    """The size of the largest matching, by trying all."""
    if len(nodes) < 2:
        return 0
    first, *rest = nodes
    return max(largest(tuple(rest), edges), *(
        1 + largest(tuple(each for each in rest if each != other), edges) for other in rest if (first, other) in edges),
        0)


@pytest.fixture(scope="module")
def mapped():
    """Chen's L-Mul by one script, all forms."""
    return list(lut6.candidates(lut6.bare(CHEN), ["again"]))


def test_netlists_are_proved_and_faults_in_them_found(mapped):
    """The smallest, and one of each chain; then with one bit of a table wrong, and with another constant."""
    smallest = min(mapped, key=lambda each: each.luts)
    chains = {each.form: each for each in mapped if each.chain}
    assert smallest.luts <= 20 and smallest.flip_flops == 25 and len(chains) == 3
    for each in (smallest, *chains.values()):
        assert lut6.mismatches(each) == 0, each.form
        assert each.positions == (8 if each.form.startswith("a chain less") else 7 if each.chain else 0)
    output = smallest.tables[0]
    wrong = (output._replace(values=output.values ^ 1), *smallest.tables[1:])
    assert lut6.mismatches(replace(smallest, tables=wrong)) > 0
    chained = chains["a chain less 56"]
    assert lut6.mismatches(replace(chained, chain=replace(chained.chain, constant=-48))) > 0


def test_two_functions_share_a_table_where_they_have_five_inputs(mapped):
    for each in mapped:
        assert all(lut6.shared(each.tables[i], each.tables[j]) for i, j in each.pairs)
        assert each.luts == len(each.tables) + each.positions - len(each.pairs)
    one, other = lut6.Table("y", ("a", "b", "c", "d", "e"), 1), lut6.Table("z", ("f",), 1)
    assert not lut6.shared(one, other) and lut6.shared(one, other._replace(inputs=("a", "1'b1")))


def test_registers_may_make_zero(mapped):
    subject = lut6.bare(CHEN, cleared=True)
    tables = replace(subject, forms=subject.forms[:1])
    cleared = min(lut6.candidates(tables, ["again"]), key=lambda each: each.luts)
    assert lut6.mismatches(cleared) == 0 and cleared.luts < min(each.luts for each in mapped)
    unclear = cleared.ports | {"clear": ("1'b0",)}
    assert lut6.mismatches(replace(cleared, ports=unclear)) > 0


def test_a_wrong_netlist_is_not_taken(monkeypatch):
    subject = lut6.bare(Bare(E4M3))
    subject = replace(subject, forms=subject.forms[:1])
    with pytest.raises(AssertionError, match="bare: 128 products differ"):
        lut6.best(replace(subject, multiply=lambda a, b: subject.multiply(a, b) ^ (a == 255) * (b > 127)), ["choices"])


@pytest.mark.regress
def test_the_command_writes_what_was_found(tmp_path):
    with pytest.raises(SystemExit) as left:
        main(["multipliers", "--luts", "--format", "e4m3", "-o", str(tmp_path)])
    assert left.value.code == 0
    record, text = json.loads((tmp_path / "luts.json").read_text()), (tmp_path / "luts.md").read_text()
    [chen] = [row for row in record["theirs"] if row["stated"] and "same" not in row["what"]]
    assert luts.fewest(chen) <= 20 and chen["stated"]["luts"] == 22 and lead(record) in text
    for row in record["theirs"] + record["steps"]:
        for each in filter(None, (row["alone"], row["chained"])):
            assert 0 < each["luts"] <= each["functions"]
        assert (row["chained"] is None) == ("`mul_" in row["what"])
    assert len(record["steps"]) == 14


def test_other_formats_are_refused():
    with pytest.raises(Refusal, match="^Format must be one of e4m3, e5m2, not 'bf16'$"):
        luts.run(["bf16"])
