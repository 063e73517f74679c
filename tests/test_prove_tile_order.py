"""Cores of tiles: that rows of partial sums go from pass to pass is proved, and control broken on purpose found out."""

import itertools
import re
from copy import copy

import numpy as np
import pytest
from lmul.hdl.verilog import convert
from lmul.prove import machine, tile_order
from lmul.prove.logic import TRUE, Logic
from lmul.prove.obligation import PROVED, REFUTED, discharge
from lmul.prove.reached import States
from lmul.prove.solver import Question
from lmul.prove.tile_kept import Kept

CORE, NAMES = tile_order.CORES[0], ("independence", "hold", "rate", "order")
SOME = 4000  # states
#: A fault of the Verilog, and what is said of it.
FAULTS = [
    (r"memory\[written\[0\]\]", "memory[written[1]]", "result"),  # a sum runs over the one before
    (r"(assign i_c__data = \w+) & .*;", r"\1;", "result"),  # a run begins with the sums of another
    (r"(assign i_c__valid =) .*;", r"\1 1'h1;", "result"),  # a sum is taken that is not there
    (r"(assign o_ready =) i_c__ready & \w+;", r"\1 i_c__ready;", "result"),  # and one that nothing is added to
    (r"(assign pop = \S+) & i_a__last;", r"\1;", "error"),  # every vector ends a pass
    (r"(assign uneven =) .*;", r"\1 1'h0;", "out of nothing"),
    (r"(assign many =) .*;", r"\1 index[1];", "error"),  # a pass that is alone may have any number of vectors
    (r"(added \? \w+)\[1\]", r"\1[0]", "out of nothing"),  # the first pass leaves, not the last
    (r"(assign get = \w+) & \w+;", r"\1;", "result"),  # a sum that waits is run over
    (r"(i__last)\(i__last_\w+\)", r"\1(error)", "last"),
    (r"(assign _\w+_ = )written( \+ 2'h1;)", r"\1read\2", "result"),
]


#: Faults of cores whose tiles ask for sums without looking: what of them waits, and how long.
IN_TIME = [
    (r"(assign too_soon =) .*;", r"\1 1'h0;"),
    (r"\{ recent\[1:0\], take \}", "{ 1'h0, recent[0], take }"),
    (r"(assign \w+ = few & \{) \w+,", r"\1 1'h0,"),  # of passes of three
]


def obligations(small):
    return dict(zip(NAMES, tile_order.of(small), strict=True))


def examined(made, examination, *more, small=CORE):
    each = obligations(small)[examination]
    return each.examine({"core": made}, 600, *each.arguments, *more)


@pytest.fixture(scope="module")
def machines():
    """The core as it is and those of `FAULTS`, read in one run of Yosys."""
    text, texts = convert({"core": CORE.component})["core"], {}
    for n, (old, new, _) in enumerate([("$^", "", ""), *FAULTS]):
        broken, count = re.subn(old, new, text)
        assert count == (n > 0), old
        texts[f"core_{n}"] = re.sub(r"\b(module )core\b", rf"\1core_{n}", broken)
    return list(machine.load(texts).values())


@pytest.mark.parametrize("fault", range(len(FAULTS)), ids=lambda fault: f"{FAULTS[fault][2]}-{fault}")
def test_broken_order_is_found(machines, fault):
    found = examined(machines[1 + fault], "order")
    assert found.verdict == REFUTED and found.witness == {"case": FAULTS[fault][2]}


@pytest.mark.parametrize("examination", ["independence", "hold"])
def test_control_is_proved(machines, examination):
    assert examined(machines[0], examination).verdict == PROVED


def test_the_first_states_are_right(machines):
    found = examined(machines[0], "order", SOME)
    assert found.verdict == PROVED and found.told[0] > SOME


@pytest.mark.parametrize(("examination", "old", "new"), [
    ("rate", r"(assign i_a__valid = .*);", r"\1 & ~m_axis_c_tvalid;"),
    ("hold", r"(\? _\w+_ :) error;", r"\1 1'h0;"),
    ("hold", r"(assign may =) .*;", r"\1 1'h1;"),
    ("independence", r"(assign push = .*);", r"\1 & ~s_axis_a_tdata[0];"),
    ("rate", "^$", "")])
def test_other_claims(examination, old, new):
    each = obligations(CORE)[examination]
    text = convert({"core": each.sources["core"].make(*each.sources["core"].arguments)})["core"]
    broken, count = re.subn(old, new, text)
    assert count == (old != "^$"), old
    [proof] = discharge([each], 300, {"core": broken})
    assert proof.verdict == (REFUTED if count else PROVED), proof


@pytest.mark.parametrize("small", [tile_order.STAGED[1], pytest.param(tile_order.STAGED[0], marks=pytest.mark.regress)],
                         ids=lambda small: small.name)
def test_sums_are_there_in_time(small):
    """But not of a core that does not wait for them, or not as long."""
    [each] = tile_order.of_staged(small)
    text = convert({"core": small.component})["core"]
    texts = {"core": text}
    for n, (old, new) in enumerate(IN_TIME):
        broken, count = re.subn(old, new, text)
        assert count == 1, old
        texts[f"core_{n}"] = re.sub(r"\b(module )core\b", rf"\1core_{n}", broken)
    found = [each.examine({"core": made}, 300, *each.arguments).verdict for made in machine.load(texts).values()]
    assert found == [PROVED] + [REFUTED] * len(IN_TIME)


@pytest.mark.regress
@pytest.mark.parametrize("small", [*tile_order.STAGED, tile_order.Small("tile_int4_3x1_p3", 8)],
                         ids=lambda small: small.name)
def test_staged_cores(small):
    """Results are right in random traffic; and passes of four vectors and more follow without a pause, of three not."""
    made = machine.load({"core": convert({"core": small.component})["core"]})["core"]
    assert not tile_order.Walk(tile_order.Core(small, made), None).played(obligations(small)["order"].arguments[1])
    lanes = tile_order.Core(small, made).lanes  # passes of more are played
    assert tile_order.rate({"core": made}, 300, small, 24).verdict == (PROVED if lanes > 2 else REFUTED)
    for name in ("independence", "hold"):
        assert examined(made, name, small=small).verdict == PROVED


def test_states_are_a_set_in_order(seed):
    """A counter of 70 bits that also goes to where it was."""
    rng, states, known = np.random.default_rng(seed), States(70), []
    for count in (1, 63, 64, 65, 5000, 20_000):
        new = [int(n) << 66 | int(n) % 7 for n in rng.integers(0, 12, count)] if count < 70 else [
            int(n) for n in rng.integers(0, 9000, count)]
        planes = [np.packbits([n >> bit & 1 for n in new] + [1] * (-count % 64), bitorder="little").view(np.uint64)
                  for bit in range(70)]
        states.add(planes, tile_order.filled(count))
        known = list(dict.fromkeys([*known, *new]))
    found = []
    for first, last in states:
        bits = [np.unpackbits(plane.view(np.uint8), bitorder="little", count=last - first)
                for plane in states.planes(first, last)]
        found += [sum(int(row[k]) << bit for bit, row in enumerate(bits)) for k in range(last - first)]
    assert found == known


@pytest.mark.regress
@pytest.mark.parametrize("small", tile_order.CORES, ids=lambda small: small.name)
def test_order_is_proved(small):
    found = discharge(tile_order.of(small), 3600)
    assert {each.verdict for each in found} == {PROVED}, found


# Mutants


def faulty(made, net, pin, mode):
    """A machine with one fault: an input of the gate that drives a net is inverted, or a constant."""
    found = copy(made)
    circuit = found._circuit = copy(made._circuit)
    circuit._gates = []
    for out, kind, sources in made._circuit._gates:
        if out == net:
            if mode == "inv":
                circuit._gates.append(("faulty", "$_NOT_", [sources[pin]]))
            sources = [*sources[:pin], {"inv": "faulty"}.get(mode, mode), *sources[pin + 1 :]]
        circuit._gates.append((out, kind, sources))
    return found


def control_faults(machine):
    """What can be done to the gates behind control: valid, ready, last, counts, queues, and what selects data."""
    circuit = machine._circuit
    driver = {net: sources for net, _, sources in circuit._gates}
    control = [n for n, name in enumerate(machine.names) if not re.search(
        r"buffer_._(first|second)|tile_x|column|results|nan|memory|sums\w*_\d+_\d+$", name)]
    stack = [circuit._bits["$next"][n] for n in control]
    stack += [bit for name in circuit.outputs if name not in ("$next", "m_axis_c_tdata") for bit in circuit._bits[name]]
    stack += [sources[2] for _, kind, sources in circuit._gates if kind == "$_MUX_"]
    found = {}
    while stack:
        net = stack.pop()
        if net in driver and net not in found:
            found[net] = None
            stack += driver[net]
    return [(net, pin, mode) for net in found for pin in range(len(driver[net])) for mode in ("0", "1", "inv")]


def counted(logic, found, others):
    """What counts of the outputs of two cores, in pairs: ``last`` where the design says that there is a result."""
    [valid] = found["m_axis_c_tvalid"]
    masks = {"m_axis_c_tlast": valid}
    return [(logic.and_(masks.get(name, TRUE), x), logic.and_(masks.get(name, TRUE), y))
            for name in found for x, y in zip(found[name], others[name], strict=True)]


def alike(design, mutant, seconds=20):
    """Whether one step from any state in which the queues are sound shows no difference, in what counts."""
    logic, kept = Logic(), Kept(design)
    state = logic.inputs(design.registers)
    given = {name: logic.inputs(width) for name, width in design.inputs.items()} | design.running
    (found, after), (others, other) = (each.step(logic, state, given) for each in (design, mutant))
    differ = [logic.xor(x, y) for x, y in counted(logic, found, others)]
    differ += [logic.xor(x, y) for x, y in zip(kept(logic, after), kept(logic, other), strict=True)]
    sound = kept.sound(logic, state)
    return Question(logic).never_one(*(logic.and_(sound, each) for each in differ), limit=seconds)[0] == PROVED


def alike_in_pairs(design, mutant, most=4, seconds=20):
    """Whether registers that a fault may set otherwise are so few, and go such ways, that nobody sees it: they are in
    states of both that are reached together, from a reset on, all others being equal and staying so."""
    logic, kept = Logic(), Kept(design)
    state = logic.inputs(design.registers)
    given = {name: logic.inputs(width) for name, width in design.inputs.items()} | design.running
    after, other = (each.step(logic, state, given)[1] for each in (design, mutant))
    sound, names = kept.sound(logic, state), [re.sub(r"_\d+$", "", name) for name in design.names]
    apart = {names[n] for n in range(design.registers) if Question(logic).never_one(logic.and_(
        sound, logic.xor(after[n], other[n])), limit=seconds)[0] != PROVED}
    places = [n for n, name in enumerate(names) if name in apart]
    if len(places) > most:
        return False
    pairs = {(state, state) for state in itertools.product((0, 1), repeat=len(places))}
    logic = Logic()
    state, free = logic.inputs(design.registers), logic.inputs(len(places))
    theirs = list(state)
    for n, literal in zip(places, free, strict=True):
        theirs[n] = literal
    given = {name: logic.inputs(width) for name, width in design.inputs.items()} | design.running
    (found, after), (others, other) = (each.step(logic, at, given) for each, at in ((design, state), (mutant, theirs)))
    both = [*(state[n] for n in places), *free]
    following = [*(after[n] for n in places), *(other[n] for n in places)]

    def never(*literals):
        together = logic.any(logic.any(logic.xor(x, y) for x, y in zip(both, [*mine, *its], strict=True)) ^ 1
                             for mine, its in sorted(pairs))
        here = logic.and_(kept.sound(logic, state), together)
        return Question(logic).never_one(*(logic.and_(here, each) for each in literals), limit=seconds)[0] == PROVED

    while True:
        new = {pair for pair in itertools.product(itertools.product((0, 1), repeat=len(places)), repeat=2)
               if pair not in pairs and not never(logic.any(
                   logic.xor(x, y) for x, y in zip(following, [*pair[0], *pair[1]], strict=True)) ^ 1)}
        if not new:
            break
        pairs |= new
    differ = [logic.xor(x, y) for x, y in counted(logic, found, others)]
    differ += [logic.xor(after[n], other[n]) for n in range(design.registers) if n not in places]
    return never(*differ)


@pytest.mark.regress
def test_all_states_of_control_are_sound():
    """Those of the core whose control is broken below, of as many rows as a pass needs to be long."""
    made = machine.load({"core": convert({"core": tile_order.STEADY.component})["core"]})["core"]
    kept = Kept(made)
    assert kept.known and kept.proved(600)
    walk = tile_order.Walk(tile_order.Core(tile_order.STEADY, made), kept)
    states, wrong = walk.through(tile_order.MOST, tile_order.UNMARKED)
    assert not wrong and SOME < states.count <= tile_order.MOST


@pytest.mark.regress
def test_faults_of_control(seed, record_property):
    """Random traffic, the rate and what holds find them, or one step from any state shows that they are none."""
    small, count = tile_order.STEADY, 240
    made = machine.load({"core": convert({"core": small.component})["core"]})["core"]
    faults, rng = control_faults(made), np.random.default_rng(seed)
    killed, equal, left = 0, 0, []
    for n in rng.permutation(len(faults))[:count]:
        broken = faulty(made, *faults[n])
        walk = tile_order.Walk(tile_order.Core(small, broken), None)
        if walk.played(obligations(small)["order"].arguments[1]) or any(
                examined(broken, name, small=small).verdict == REFUTED for name in ("hold", "rate")):
            killed += 1
        elif alike(made, broken) or alike_in_pairs(made, broken):
            equal += 1
        else:
            left.append(faults[n])
    record_property("score", f"core of a tile: {killed} of {count - equal} faults of control killed, {equal} of "
                             f"{count} equivalent, {len(left)} survived {left or ''}")
    assert count >= 200 and not left, left
