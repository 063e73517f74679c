"""Netlists against their Verilog: that each means of comparing sees a changed gate."""

import numpy as np
import pytest
from lmul.hdl.designs import parse
from lmul.hdl.verilog import component, convert
from lmul.prove import equivalence, exhaust, machine
from lmul.prove.equivalence import Step, compare, twins
from lmul.prove.logic import FALSE, TRUE, Logic

SLUGS = {"mul_exact_e4m3": "exhaustive", "mul_lmul_bf16xe4m3": "exhaustive", "mul_lmul_bf16": "sat",
         "mul_exact_bf16_flush": "sat"}


@pytest.fixture(scope="module")
def circuits():
    return exhaust.load(convert({slug: component(parse(slug)) for slug in SLUGS}))


class Changed:
    """A circuit with one of its gates turned into another, and every output inverted twice."""

    def __init__(self, circuit, place=None):
        self.circuit, self.place = circuit, place
        self.inputs, self.outputs = circuit.inputs, circuit.outputs

    def build(self, logic, inputs):
        part = Logic()
        own = {name: part.inputs(width) for name, width in self.inputs.items()}
        outputs = self.circuit.build(part, own)
        literals = {0: FALSE}
        for name in own:
            literals.update((new >> 1, old) for new, old in zip(own[name], inputs[name], strict=True))
        for node, (kind, a, b) in enumerate(part.nodes):
            if node not in literals:
                x, y = literals[a >> 1] ^ a & 1, literals[b >> 1] ^ b & 1
                # Written otherwise, so that it does not become the very gate of the reference.
                gate = logic.and_(x, y) if (kind == 1) != (node == self.place) else logic.or_(
                    logic.and_(x, y ^ 1), logic.and_(x ^ 1, y))
                literals[node] = gate
        return {name: [literals[out >> 1] ^ out & 1 for out in port] for name, port in outputs.items()}


@pytest.mark.parametrize("slug", SLUGS)
def test_the_same_is_proved_and_a_changed_gate_refuted(circuits, slug):
    circuit = circuits[slug]
    logic = Logic()
    inputs = {name: logic.inputs(width) for name, width in circuit.inputs.items()}
    outputs = circuit.build(logic, inputs)["p"]
    gates = [node for node in logic.cone(outputs) if logic.nodes[node][0]]
    changed = [Changed(circuit, gates[n * len(gates) // 4 + 3]) for n in range(4)]
    same, *others = compare(circuit, [Changed(circuit), *changed], 30)
    assert (same.state, same.means, same.counterexample) == ("proved", SLUGS[slug], None)
    for verdict, other in zip(others, changed, strict=True):
        assert verdict.state == "refuted"
        codes = {name: np.array([code]) for name, code in verdict.counterexample.items()}
        found = other.build(Logic(), {name: [TRUE if code >> bit & 1 else FALSE for bit in range(circuit.inputs[name])]
                                      for name, code in verdict.counterexample.items()})["p"]
        assert int(circuit(**codes)["p"][0]) != sum((bit == TRUE) << n for n, bit in enumerate(found))


def test_other_ports_are_refused(circuits):
    with pytest.raises(ValueError, match="must have the ports"):
        compare(circuits["mul_exact_e4m3"], [circuits["mul_lmul_bf16"]])


def test_gates_do_what_they_say(seed):
    """Every function of two literals, simplified or not, on all patterns of both ways to evaluate."""
    logic = Logic()
    a, b, s = logic.inputs(3)
    roots = [logic.and_(a, b), logic.or_(a, b ^ 1), logic.xor(a ^ 1, b), logic.mux(s, a, b), logic.any([a, b, s]),
             logic.and_(a, a ^ 1), logic.or_(a, TRUE), logic.xor(a, a ^ 1), logic.and_(TRUE, b)]
    planes = [np.array([int("".join(str(n >> bit & 1) for n in range(7, -1, -1)) * 8, 2)], np.uint64)
              for bit in range(3)]
    found = logic.compiled([a, b, s], roots).evaluate(planes)
    x, y, z = (np.array([n >> bit & 1 for n in range(8)], bool) for bit in range(3))
    wanted = [x & y, x | ~y, ~(x ^ y), np.where(z, x, y), x | y | z, x & ~x, x | ~x, x | ~x, y]
    for plane, values in zip(found, wanted, strict=True):
        assert [int(plane[0]) >> n & 1 for n in range(8)] == values.astype(int).tolist()
    assert logic.compiled([a, b, s], [roots[5]]).first_nonzero() is None
    assert logic.compiled([a, b, s], [logic.and_(roots[0], s)]).first_nonzero() == 7


@pytest.mark.parametrize("slug", ["mul_exact_bf16_flush", "mul_exact_fp16"])
def test_gates_are_swept_where_no_part_can_be_exhausted(slug, monkeypatch):
    monkeypatch.setattr(equivalence, "_merged", lambda *unchanged: unchanged)
    [circuit] = exhaust.load(convert({slug: component(parse(slug))})).values()
    logic = Logic()
    circuit.build(logic, {name: logic.inputs(width) for name, width in circuit.inputs.items()})
    same, other = compare(circuit, [Changed(circuit), Changed(circuit, len(logic.nodes) // 2)], 30)
    assert (same.state, other.state) == ("proved", "refuted")


TWINS = """
module pair(input clk, input rst, input en, input d, input [15:0] key, output reg a, output reg b, output reg c);
  always @(posedge clk) begin
    if (en) a <= d;
    if (en) b <= d;
    if (en) c <= d ^ (key == 16'h1234);
  end
endmodule
"""


def test_registers_that_hold_the_same_are_twins():
    """``c`` differs from the others in so few cycles that random ones do not show it."""
    found = machine.load({"pair": TWINS})["pair"]
    assert sorted(found.names) == ["a", "b", "c"]
    assert twins(found, ["a"]) == {"b": "a"} and twins(found, ["c"]) == {} and twins(found, found.names) == {}
    assert twins(found, ["c", "a"]) == {"b": "a"}  # a wrong guess is followed by the right one
    [verdict] = compare(Step(found, ["a", "c"], {"b": "a"}), [Step(found, ["a", "c"], {"b": "a"})])
    assert verdict.state == "proved"
    with pytest.raises(ValueError, match="^Registers that are taken as one must stay equal, 'c' and 'a' do not$"):
        compare(Step(found, ["a", "b"], {"c": "a"}), [Step(found, ["a", "b"], {"c": "a"})])
