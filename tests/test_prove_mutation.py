"""Mutants: what part of the faults in a design's gates does the regression find?

Multipliers are put to every pair; what is clocked to the traffic of the cocotb benches, each mutant with streams of its
own that wait for its handshake. A mutant is found when the bench would complain: a wrong result, one too many or too
few, a beat that changes or is withdrawn while it waits, another latency or throughput.
"""

import numpy as np
import pytest
from lmul.golden.accumulate import accumulate, dot
from lmul.golden.matmul import matmul
from lmul.hdl.designs import parse
from lmul.prove.mutation import Comparison, Simulation, anything, everything, load, planes_of, products, score
from lmul.sim import beats, tiles
from mutant_bench import MutantBench

KINDS = [kind for kind in tiles.KINDS if kind != "recorded"]
LENGTHS = (1, 1, 1, 2, 3, 7, 40)
RESET = 2  # the cycle of the first reset, after some in whatever state a design wakes up


# Units: mac and dot


def unit_steps(design, cycles, rng, stalls):
    """One stream of a unit: codes of a and b, (cycles, lanes), en, last; and the results that golden gives."""
    spec, lanes = design.multiplier, design.lanes or 1
    a, b, last, expected = [], [], [], []
    while sum(map(len, a)) < cycles:
        steps = min(int(rng.choice(LENGTHS)), (design.accumulator.depth or 1000) // lanes)
        x, y = tiles.matrices(spec, str(rng.choice(KINDS)), 1, steps * lanes, 1, rng)
        if not spec.wide.integer and rng.random() < 0.7:
            kinds = [cancelling, extremes] + [rounded] * design.accumulator.rounds
            x, y = kinds[rng.integers(len(kinds))](design, x, y, rng)
        a.append(x.reshape(steps, lanes))
        b.append(y.reshape(steps, lanes))
        last += beats.lasts(steps)
        expected.append((x[0], y[:, 0]))
    en = (rng.random(cycles) >= stalls) & (np.arange(cycles) > RESET)
    taken = np.cumsum(en) - 1
    a, b, last = (np.concatenate(codes)[taken] for codes in (a, b, [last]))
    rubbish = rng.integers(0, 1 << 8, (2, cycles, 1))
    a, b = (np.where(en[:, None], codes, noise) for codes, noise in zip((a, b), rubbish, strict=True))
    return a, b, en, np.where(en, last, 1), expected


def cancelling(design, a, b, rng):
    """Operands of like exponents, every other product about the opposite of the one before."""
    spec = design.multiplier
    for fmt, codes in ((spec.a, a.ravel()), (spec.b, b.ravel())):
        one, spread = fmt.bias << fmt.man_bits, int(rng.integers(1, 4)) << fmt.man_bits
        codes[:] = np.clip(one + rng.integers(-spread, spread, codes.shape), 0, fmt.max_finite)
        codes[1::2] = np.where(rng.random(codes[1::2].shape) < 0.7, codes[::2][:len(codes) // 2], codes[1::2])
    a.ravel()[1::2] ^= spec.a.sign_mask
    return a, b


def extremes(design, a, b, rng):
    """Products from the ends of their range, the tiniest beside the largest, of either sign."""
    spec = design.multiplier
    huge = rng.random(a.size) < 0.5
    for fmt, codes in ((spec.a, a), (spec.b, b)):
        near = rng.integers(0, rng.choice([2, 1 << fmt.man_bits, 3 << fmt.man_bits]), codes.shape)
        near = np.minimum(near, fmt.max_finite - fmt.min_normal)
        field = np.where(huge.reshape(codes.shape), fmt.max_finite - near, fmt.min_normal + near)
        codes[:] = field | rng.integers(0, 2, codes.shape) * fmt.sign_mask
    return a, b


def rounded(design, a, b, rng):
    """Exponents of products rise, fall or jump by about as many places as the sum has, few bits set."""
    spec, count = design.multiplier, a.size
    reach = [(fmt.max_finite >> fmt.man_bits) - 1 for fmt in (spec.a, spec.b)]
    span = min(design.accumulator.result.man_bits + rng.integers(-3, 6), sum(reach))
    order = rng.choice(["rise", "fall", "jump"])
    steps = rng.integers(0, span + 1, count)
    steps = steps if order == "jump" else np.sort(steps)[::1 if order == "rise" else -1]
    total = steps + rng.integers(sum(reach) - span + 1)
    first = rng.integers(np.maximum(total - reach[1], 0), np.minimum(total, reach[0]) + 1)
    for fmt, codes, exponents in ((spec.a, a, first), (spec.b, b, total - first)):
        mantissas = rng.integers(0, fmt.man_mask + 1, (2, count))
        few = np.where(rng.random(count) < 0.5, mantissas[0], mantissas[0] & mantissas[1])
        signs = rng.integers(0, 2, count) * fmt.sign_mask
        codes[:] = (exponents + 1 << fmt.man_bits | few | signs).reshape(codes.shape)
    return a, b


def golden_sum(design, a, b):
    if design.lanes:
        return int(dot(design.multiplier, design.accumulator, design.lanes, a, b, design.window, design.tree))
    return int(accumulate(design.multiplier, design.accumulator, a, b))


def units(gates, design, seed):
    """Which mutants of a ``mac`` or ``dot`` are found: what few streams do not find is put to many."""
    found = play_unit(gates, design, seed, 64)
    if not found.all():
        found[~found] = play_unit(gates.with_mutations(np.flatnonzero(~found)), design, seed + 1, 2048)
    return found


def play_unit(gates, design, seed, width, cycles=600):
    """Which mutants ``width`` streams of their own find."""
    rng = np.random.default_rng(seed)
    simulation = Simulation(gates, width, rng)
    streams = [unit_steps(design, cycles, rng, stalls) for stalls in np.linspace(0, 0.6, width).round(1)]
    a, b, en, last = (np.stack([stream[i] for stream in streams], 1) for i in range(4))
    rst = np.zeros((cycles, width), int)
    rst[RESET] = 1
    rst[rng.integers(20, cycles, width // 2), np.arange(width // 2, width)] = 1  # in the later half once more
    codes = {"rst": rst[..., None], "en": en[..., None], "last": last[..., None], "a": a, "b": b}
    sums = [[] for _ in range(width // 2)]
    for cycle in range(cycles):
        inputs = []
        for name, bits in gates.inputs.items():
            elements = codes[name][cycle].T
            inputs += [simulation.everywhere(octets) for element in elements
                       for octets in planes_of(element, bits // len(elements))]
        outputs = simulation.step(inputs)
        if cycle <= RESET:
            continue
        valid = simulation.as_designed(outputs["valid"][0])
        simulation.compare(outputs["valid"])
        simulation.compare(outputs["c"], valid)
        for stream, found in enumerate(sums):
            if en[cycle, stream] and outputs["valid"][0] >> stream & 1:
                found.append(sum((plane >> stream & 1) << bit for bit, plane in enumerate(outputs["c"])))
    for found, (*_, runs) in list(zip(sums, streams, strict=False))[::8]:
        assert len(found) > 5 and found == [golden_sum(design, *run) for run in runs[:len(found)]]
    return simulation.found()


def unit_seen(logic, ports):
    [valid] = ports["valid"]
    return [valid, *(logic.and_(valid, bit) for bit in ports["c"])]


# Arrays, bare and behind AXI4-Stream


class Ports:
    """Names of an array's ports, and the bits that an element takes in each stream."""

    def __init__(self, design):
        spec, result = design.multiplier, design.accumulator.result
        widths = spec.a.width, spec.b.width, result.width
        if design.structure == "array":
            self.streams, self.signal, self.rst, self.active = ("i_a", "i_b", "o"), "{}__{}", "rst", 1
            self.bits = widths
        else:
            self.streams, self.signal = ("s_axis_a", "s_axis_b", "m_axis_c"), "{}_t{}"
            self.rst, self.active = "aresetn", 0
            self.bits = tuple(8 * -(-width // 8) for width in widths)

    def __call__(self, stream, signal):
        return self.signal.format(self.streams["abo".index(stream)], signal)


def bit_rows(codes, bits):
    """Codes, (beats, elements), as bits of beats, (beats, elements * bits), lowest first."""
    octets = np.ascontiguousarray(codes, "<u8").view(np.uint8).reshape(*codes.shape, 8)
    return np.unpackbits(octets, axis=2, count=bits, bitorder="little").reshape(len(codes), -1)


class Tiles:
    """What a stream multiplies: beats of a, b and of the result as bits, the last of which is ``last``."""

    def __init__(self, design, ports, rng, count):
        rows, cols = design.rows, design.cols
        depths = sorted({1, 2, rows - 1, rows, rows + 1, 2 * rows + 3, 3 * (rows + cols), 16} - {0})
        found = [], [], []
        self.first = []  # for each beat of a and of b, the results that came before its tile
        for tile in range(count):
            a, b = tiles.matrices(design.multiplier, str(rng.choice(KINDS)), rows, int(rng.choice(depths)), cols, rng)
            if rng.random() < 0.2:  # all but the largest: only so do sums reach the uppermost bits
                largest(design.multiplier.a, a, rng.integers(0, 2, (rows, 1)), rng)
                largest(design.multiplier.b, b, rng.integers(0, 2, (1, cols)), rng)
            c = matmul(design.multiplier, design.accumulator, a, b)
            for beats_of, codes, bits in zip(found, (a.T, b, c), ports.bits, strict=True):
                beats_of.append(np.c_[bit_rows(codes, bits), beats.lasts(len(codes))])
            self.first.append([np.full(len(found[i][-1]), tile * rows) for i in (0, 1)])
        self.a, self.b, self.o = (np.concatenate(parts).astype(np.uint8) for parts in found)
        self.first = [np.concatenate([each[i] for each in self.first]) for i in (0, 1)]


def largest(fmt, codes, signs, rng):
    """Sets codes to the largest, a few of them to any, of the signs given."""
    others = rng.integers(0, fmt.max_finite + 1, codes.shape)
    codes[:] = np.where(rng.random(codes.shape) < 0.15, others, fmt.max_finite) | signs * fmt.sign_mask


SHY = -1  # a sink that is ready only once it has seen a result wait

#: Traffic of the streams: how often the sources and the sink go on, and whether a tile waits for the one before.
TRAFFIC = [(1, 1, False), (1, 1, True), (0.5, 0.5, False), (0.3, 1, False), (1, 0.2, False), (1, SHY, False),
           (0.5, 1, False), (1, 0.5, True)]


class ArrayBench(MutantBench):
    """All mutants of an array with the streams of `TRAFFIC`, each waiting for the handshake of its own mutant."""

    def __init__(self, gates, design, rng):
        super().__init__(gates, TRAFFIC, rng)
        self.design, self.ports = design, Ports(design)
        self.rst, self.active = self.ports.rst, self.ports.active

    def play(self, cycles=None, count=8):
        """Tiles through all; watched, to the end, or without ``cycles`` given so many cycles and nobody looks."""
        work = [Tiles(self.design, self.ports, self.rng, count) for _ in TRAFFIC]
        words = {name: padded([getattr(each, name) for each in work]) for name in "abo"}
        total = {name: np.array([len(getattr(each, name)) for each in work])[self.stream] for name in "abo"}
        first = [padded([each.first[i] for each in work]) for i in (0, 1)]
        done = {name: np.zeros(self.count, int) for name in "abo"}
        offered = {name: np.zeros(self.count, bool) for name in "ab"}
        source, sink, apart = (np.array(column) for column in zip(*TRAFFIC, strict=True))
        waiting, held = np.zeros(self.count, bool), np.zeros((words["o"].shape[2], self.count), np.uint8)
        ends = np.zeros((count, self.count), int)
        limit, cycle = cycles or 20_000, 0
        while cycle < limit:
            inputs = {}
            for i, name in enumerate("ab"):
                more = done[name] < total[name]
                at = np.minimum(done[name], total[name] - 1)
                ready = (self.rng.random(len(TRAFFIC)) < source)[self.stream]
                ready &= ~apart[self.stream] | (done["o"] >= first[i][self.stream, at])
                offered[name] = more & (offered[name] | ready)
                word = np.where(offered[name][:, None], words[name][self.stream, at],
                                self.noise(words[name].shape[2])).T
                inputs[self.ports(name, "data")], inputs[self.ports(name, "last")] = word[:-1], word[-1:]
                inputs[self.ports(name, "valid")] = offered[name][None].astype(np.uint8)
            ready = (self.rng.random(len(TRAFFIC)) < sink)[self.stream] | (sink == SHY)[self.stream] & waiting
            inputs[self.ports("o", "ready")] = ready[None].astype(np.uint8)
            outputs = self.cycle(inputs)
            for name in "ab":
                moved = offered[name] & (self.bits(outputs[self.ports(name, "ready")])[0] == 1)
                done[name] += moved
                offered[name] &= ~moved
            valid = self.bits(outputs[self.ports("o", "valid")])[0] == 1
            if valid.any() or waiting.any():
                word = self.bits([*outputs[self.ports("o", "data")], *outputs[self.ports("o", "last")]])
                at = np.minimum(done["o"], total["o"] - 1)
                right = (words["o"][self.stream, at] == word.T).all(1) & (done["o"] < total["o"])
                wrong = valid & ~right | waiting & (~valid | (word != held).any(0))
                moved = valid & ready
                ended = moved & (word[-1] == 1) & right
                ends[np.minimum(done["o"], total["o"] - 1)[ended] // self.design.rows, np.flatnonzero(ended)] = cycle
                done["o"] += moved
                waiting, held = valid & ~ready, word
                if not cycles:
                    self.wrong |= wrong
            cycle += 1
            if not cycles and limit == 20_000 and (done["o"] == total["o"])[:len(TRAFFIC)].all():
                limit = 2 * cycle + 100  # patience with the others
        if not cycles:
            assert limit < 20_000, "the design itself does not finish"
            self.wrong |= done["o"] != total["o"]
            steady = np.array([source == sink == 1 for source, sink, _ in TRAFFIC])[self.stream]
            self.wrong |= steady & (ends != ends[:, :len(TRAFFIC)][:, self.stream]).any(0)

    def reset(self):
        self.cycle({name: self.rng.integers(0, 2, (width, len(TRAFFIC)), np.uint8)[:, self.stream]
                    for name, width in self.gates.inputs.items()}, reset=True)


def padded(arrays):
    """Arrays of different lengths as one, filled up with zeros."""
    found = np.zeros((len(arrays), max(map(len, arrays)), *arrays[0].shape[1:]), arrays[0].dtype)
    for row, array in zip(found, arrays, strict=True):
        row[:len(array)] = array
    return found


def arrays(gates, design, seed):
    """Which mutants of an ``array`` or ``matmul`` are found: what one run does not find has more of them."""
    found = play_array(gates, design, seed)
    for more in range(1, 9):
        if not found.all():
            found[~found] = play_array(gates.with_mutations(np.flatnonzero(~found)), design, seed + more)
    return found


def play_array(gates, design, seed):
    bench = ArrayBench(gates, design, np.random.default_rng(seed))
    for cycles in (3, 12, 37):
        bench.play(cycles)
        bench.reset()
        bench.play()
    wrong = bench.wrong.reshape(-1, len(TRAFFIC)).any(1)
    assert not wrong[0], "the design itself is wrong"
    return wrong[1:]


def array_seen(logic, ports):
    """Handshakes, and the result while it is valid."""
    data, last, valid = (next(bits for name, bits in ports.items() if name in (f"o__{end}", f"m_axis_c_t{end}"))
                         for end in ("data", "last", "valid"))
    readies = [bit for name, bits in ports.items() if name.endswith("ready") for bit in bits]
    return [*valid, *readies, *(logic.and_(valid[0], bit) for bit in (*data, *last))]


def array_legal(logic, ports):
    """Of a pair of beats both are the last or neither; what waits for a partner is free. Behind AXI4-Stream pairs are
    not seen in one cycle: `Pairs`."""
    if "i_a__last" not in ports:
        return 1
    both = logic.and_(ports["i_a__valid"][0], ports["i_b__valid"][0])
    return logic.and_(both, logic.xor(ports["i_a__last"][0], ports["i_b__last"][0])) ^ 1


class Pairs:
    """The contract of AXI4-Stream over some cycles without a reset: beat n of ``a`` and of ``b`` both end a run, or
    neither."""

    def __init__(self, logic, cycles):
        self.logic, self.ends = logic, logic.inputs(cycles)
        self.at = {stream: [1] + [0] * (cycles - 1) for stream in "ab"}  # which beat comes next

    def __call__(self, inputs, outputs):
        logic, wrong = self.logic, [inputs["aresetn"][0] ^ 1]
        for stream, at in self.at.items():
            valid, last = (inputs[f"s_axis_{stream}_t{signal}"][0] for signal in ("valid", "last"))
            end = logic.any(map(logic.and_, at, self.ends))
            wrong.append(logic.and_(valid, logic.xor(last, end)))
            moved = logic.and_(valid, outputs[f"s_axis_{stream}_tready"][0])
            self.at[stream] = [logic.mux(moved, before, here) for before, here in zip([0, *at], at, strict=False)]
        return logic.any(wrong) ^ 1


# Scores

UNIT = {"killed": units, "seen": unit_seen, "reset": {"rst": 1}}
ARRAY = {"killed": arrays, "seen": array_seen, "legal": array_legal, "reset": {"rst": 1}}
MATMUL = ARRAY | {"reset": {"aresetn": 0}, "watch": Pairs, "cycles": 10}

#: Designs of each kind: how its mutants are put to the test, those that are clocked for as many cycles as the solver
#: can follow. Of fixed-point sums those of few products, so that the uppermost bits are reached.
DESIGNS = {
    "mul_lmul_e4m3": {}, "mul_lmul_e5m2_sub": {}, "mul_exact_e4m3": {}, "mul_exact_e5m2": {},
    "mul_exact_e5m2_flush": {}, "mul_int8": {}, "mul_lmul_bf16": {}, "mul_lmul_bf16xe4m3": {},
    "prod_lmul_e4m3": {}, "prod_exact_e5m2": {},
    "mac_lmul_e4m3_fp32": UNIT | {"cycles": 5}, "mac_lmul_e2m1_fixed16": UNIT | {"cycles": 7},
    "mac_exact_e2m1_carrysave16": UNIT | {"cycles": 7},
    "dot_lmul_e2m1_e5m4_4_w8": UNIT | {"cycles": 5}, "dot_exact_e2m1_e5m4_4_tree": UNIT | {"cycles": 6},
    "array_lmul_e2m1_fixed16_2x2_os": ARRAY | {"cycles": 16}, "array_lmul_e2m1_fixed16_2x2_ws": ARRAY | {"cycles": 8},
    "matmul_lmul_e2m1_fixed16_2x2_os": MATMUL, "matmul_lmul_e2m1_fixed16_2x2_ws": MATMUL,
}
SAMPLE = {"mul_exact_e5m2": 200, "mac_lmul_e2m1_fixed16": 40, "array_lmul_e2m1_fixed16_2x2_os": 40}


def scored(slug, count, seed, record_property):
    found = score(parse(slug), count, seed, **DESIGNS[slug])
    record_property("score", found.line)
    assert found.mutants == count == found.killed + found.equivalent + found.alike + len(found.survivors)
    return found


@pytest.mark.parametrize(("slug", "count"), SAMPLE.items())
def test_sample(slug, count, seed, record_property):
    found = scored(slug, count, seed, record_property)
    assert len(found.survivors) <= 0.05 * count, found.line


@pytest.mark.regress
@pytest.mark.parametrize("slug", DESIGNS)
def test_all(slug, seed, record_property):
    found = scored(slug, 250, seed, record_property)
    assert len(found.survivors) <= (0 if slug.startswith(("mul", "prod")) else 0.05 * 250), found.line


@pytest.mark.regress
def test_the_solver_tells_most_mutants_from_the_design_by_what_keeps_the_contract(seed):
    slug = "matmul_lmul_e2m1_fixed16_2x2_os"
    gates, how = load(parse(slug), 250, seed), DESIGNS[slug]
    comparison = Comparison(gates, how["seen"], how["legal"], how["reset"], how["watch"])
    alike = [comparison.alike(mutation, how["cycles"]) for mutation in gates.mutations[::12]]
    assert sum(alike) < 0.3 * len(alike)


@pytest.mark.regress
def test_what_no_pair_tells_apart_is_equivalent_to_the_solver_too(seed):
    """65,536 pairs are all there are, so they show it as well: the solver must agree on each mutant."""
    gates = load(parse("mul_exact_e5m2"), 200, seed)
    comparison = Comparison(gates, everything, anything)
    found = products(gates, parse("mul_exact_e5m2"), seed)
    assert not found.all()
    for n, (mutation, dead) in enumerate(zip(gates.mutations, found, strict=True)):
        if not dead or n % 8 == 0:
            assert comparison.equivalent(mutation) == (not dead), mutation


def test_a_bench_that_does_not_look_kills_nothing(seed):
    found = score(parse("mul_lmul_e2m1"), 40, seed, killed=lambda gates, design, seed: np.zeros(40, bool))
    assert found.killed == 0 and len(found.survivors) > 30
    assert "survivor: " in found.line and f"{len(found.survivors)} survived" in found.line
