"""Mutants of tiles: what part of the faults of lanes, trees, scales and control does the regression find?

Lanes of up to 16 operand bits are put to every pair of codes at every place, so that what is not found there is
equivalent; others, trees and scales to many operands, and what these do not find to the solver. Whole tiles have the
traffic of the cocotb bench, each mutant with streams of its own that wait for its handshake.
"""

import numpy as np
import pytest
from lmul.golden.stimulus import all_pairs, corner_pairs, random_pairs
from lmul.golden.tile_sums import Scales, partial_sums
from lmul.hdl.designs import parse
from lmul.hdl.tile_column import Scaled, Tree
from lmul.hdl.tile_lanes import lane
from lmul.hdl.verilog import convert
from lmul.prove import tile_streams
from lmul.prove.mutation import Comparison, Control, Simulation, anything, everything, judged, planes_of, read
from lmul.prove.tile_lanes import WholeLane
from mutant_bench import MutantBench
from tile_known import TileKnown

COUNT = 220
BLOCK = 2048  # patterns at a time


def gates_of(part, count, seed):
    return read(convert({"part": part})["part"], "part", count, seed)


def play(gates, codes, seed, seen=lambda planes: planes):
    """Which mutants differ from the design for some codes, by port of one length: in what ``seen`` makes of outputs."""
    simulation = Simulation(gates, BLOCK, np.random.default_rng(seed))
    size = -(-len(next(iter(codes.values()))) // BLOCK) * BLOCK
    codes = {name: np.resize(code, (size, *code.shape[1:])) for name, code in codes.items()}
    for start in range(0, size, BLOCK):
        inputs = []
        for name, width in gates.inputs.items():
            code = codes[name][start : start + BLOCK]
            if code.ndim == 1:
                octets = planes_of(code, width)
            else:  # bits, (patterns, bits)
                octets = [row.tobytes() for row in np.packbits(code.T, axis=1, bitorder="little")]
            inputs += [simulation.everywhere(each) for each in octets]
        outputs = simulation.step(inputs)
        simulation.compare(seen([plane for planes in outputs.values() for plane in planes]))
    return simulation.found()


def counted(its):
    """What planes of a lane's word count, as planes: of words that count the same none is wrong."""
    bits = max(its.weights) + 2

    def added(planes):
        heap = [[] for _ in range(bits)]
        for plane, place in zip(planes, its.weights, strict=True):
            heap[place].append(plane)
        for place, column in enumerate(heap):
            while len(column) > 1:
                x, y, z = column.pop(), column.pop(), column.pop() if column else 0
                column.append(x ^ y ^ z)
                if place + 1 < bits:
                    heap[place + 1].append(x & y | x & z | y & z)
        return [column[0] if column else 0 for column in heap]

    return added


#: Of each kind of lane one that is exhausted; behind it wide ones.
LANES = {"decoded": "lmul_e4m3_16x16_w10", "decoded, flagged": "log_l3f4_16x16_w10",
         "shifted": "lmul_e2m5_16x16_w10", "exact": "exact_e4m3_16x16_w10",
         "exact, flush": "exact_e4m3_flush_16x16_w10", "exact, flagged": "exact_e2m3_16x16_w12",
         "product": "lmul_e4m3_sub_16x16_w10",
         "rounded product": "exact_e4m3_flush_r4_16x16_w10", "integer": "int8_16x16",
         "decoded, late": "lmul_e4m3_16x16_w10_p3", "exact, late": "exact_e4m3_16x16_w10_p3",
         "product, late": "lmul_e4m3_sub_16x16_w10_p3"}
WIDE = {"shifted": "lmul_bf16xe4m3_16x16_w12", "exact": "exact_bf16xe4m3_16x16_w12",
        "shifted, bf16": "lmul_bf16_16x16_w12", "exact, bf16": "exact_bf16_16x16_w12", "integer": "int16_16x16",
        "exact, late": "exact_bf16xe4m3_16x16_w12_p3"}


def whole(words):
    """A lane of a tile, from codes; its sign is put in behind it where the tile's are."""
    design = parse(f"tile_{words}")
    return WholeLane(design.tile, design.stages > 2)


def legal_places(tile):
    """Whether the place that a lane is given is one that the window may have."""
    def legal(logic, ports):
        if not ports.get("place"):
            return 1
        return logic.any(logic.any(bit ^ (place >> n & 1) for n, bit in enumerate(ports["place"])) ^ 1
                         for place in tile.places)

    return legal


def lane_codes(tile, a, b, rng):
    """Pairs at every place; where there are too many, each at any."""
    width = WholeLane(tile).place.shape().width
    places = np.array(tile.places) & (1 << width) - 1
    if not width:
        return {"a": a, "b": b}
    if len(places) > 8:
        return {"a": a, "b": b, "place": rng.choice(places, len(a))}
    pairs = [np.tile(code, len(places)) for code in (a, b)]
    return dict(zip(("a", "b", "place"), [*pairs, np.repeat(places, len(a))], strict=True))


@pytest.mark.regress
@pytest.mark.parametrize("kind", LANES)
def test_lanes(kind, seed, record_property):
    tile = parse(f"tile_{LANES[kind]}").tile
    codes = lane_codes(tile, *all_pairs(tile.multiplier), np.random.default_rng(seed))
    gates = gates_of(whole(LANES[kind]), COUNT, seed)
    found = judged(f"lane, {kind}", gates, lambda gates: play(gates, codes, seed, counted(lane(tile))), None)
    record_property("score", found.line)
    assert found.mutants == COUNT == found.killed + found.equivalent, found.line
    # Where the window is above all products of subnormals, what normalises these does not count.
    assert found.killed > (0.6 if kind.startswith("product") else 0.8) * COUNT, found.line


@pytest.mark.regress
@pytest.mark.parametrize("kind", WIDE)
def test_wide_lanes(kind, seed, record_property):
    tile, rng = parse(f"tile_{WIDE[kind]}").tile, np.random.default_rng(seed)
    pairs = [corner_pairs(tile.multiplier), random_pairs(tile.multiplier, 100_000, seed)]
    if tile.window:
        pairs.append(near(tile, 100_000, rng))
    codes = lane_codes(tile, *(np.concatenate(each) for each in zip(*(each[:2] for each in pairs), strict=True)), rng)
    if tile.window:
        codes["place"][-100_000:] = pairs[-1][2]
    gates = gates_of(whole(WIDE[kind]), COUNT, seed)
    found = judged(f"wide lane, {kind}", gates, lambda gates: play(gates, codes, seed),
                   Comparison(gates, everything, legal_places(tile)))
    record_property("score", found.line)
    assert found.mutants >= 200 and not found.survivors, found.line


def near(tile, count, rng):
    """Pairs of codes and places at which their products are about the window."""
    spec = tile.multiplier
    a, b = (rng.integers(0, 1 << fmt.width, count) for fmt in (spec.a, spec.b))
    exps = ((a & spec.a.field_mask) >> spec.a.man_bits) + ((b & spec.b.field_mask) >> spec.b.man_bits)
    place = np.clip(exps - rng.integers(tile.lowest - 2, tile.highest + 3, count), tile.places[0], tile.places[-1])
    return a, b, place & (1 << WholeLane(tile).place.shape().width) - 1


@pytest.mark.regress
@pytest.mark.parametrize("words", ["lmul_e4m3_16x16_w10", "lmul_e4m3_16x16_w10_p3", "int8_16x16"])
def test_trees(words, seed, record_property):
    design, rng = parse(f"tile_{words}"), np.random.default_rng(seed)
    gates = gates_of(Tree(design.tile, design.stages < 3), COUNT, seed)
    chance = rng.choice([0.05, 0.3, 0.5, 0.7, 0.95], (40 * BLOCK, 1))
    bits = (rng.random((40 * BLOCK, gates.inputs["words"])) < chance).astype(np.uint8)
    found = judged(f"tree, {words}", gates, lambda gates: play(gates, {"words": bits}, seed),
                   Comparison(gates, everything, anything))
    record_property("score", found.line)
    assert found.mutants >= 200 and not found.survivors, found.line


@pytest.mark.regress
@pytest.mark.parametrize("words", ["exact_nvfp4_16x16_w10", "log_mxl3f4_16x16_w10"])
def test_scaled(words, seed, record_property):
    tile, rng, count = parse(f"tile_{words}").tile, np.random.default_rng(seed), 40 * BLOCK
    gates = gates_of(Scaled(tile), COUNT, seed)
    codes = {name: rng.integers(0, 1 << width, count, dtype=np.uint64) for name, width in gates.inputs.items()}
    codes["sum"] >>= rng.integers(0, tile.sum_bits, count).astype(np.uint64)
    codes["sum"] ^= rng.integers(0, 2, count).astype(np.uint64) * np.uint64((1 << tile.sum_bits) - 1)
    for name in ("sum", "sig") if tile.scale_bits else ("sum",):  # a fifth of them at the ends, or about a power of two
        width = gates.inputs[name]
        ends = (1 << rng.integers(0, width, count // 5)) + rng.integers(-2, 3, count // 5) & (1 << width) - 1
        codes[name][rng.permutation(count)[: count // 5]] = ends
    codes["down"][::4] = 0
    codes["c"][::2] = 0
    found = judged(f"scaled, {words}", gates, lambda gates: play(gates, codes, seed),
                   Comparison(gates, everything, anything))
    record_property("score", found.line)
    assert found.mutants >= 200 and not found.survivors, found.line


# Whole tiles

SHY = -1  # a sink that is ready only once it has seen sums wait
#: How often the sources of vectors, weights and partial sums and the sink go on.
TRAFFIC = [(1, 1, 1, 1), (1, 1, 1, SHY), (0.5, 1, 1, 0.5), (0.3, 0.5, 1, 1), (1, 1, 1, 0.2), (1, 0.3, 1, 1),
           (1, 1, 0.3, 1), (0.6, 0.6, 0.6, 0.6)]
#: The same for tiles that are paced: these move only for a sink that is ready, and do not wait for partial sums.
PACED = [(a, b, 1, 0.5 if ready == SHY else ready) for a, b, _, ready in TRAFFIC]
INPUTS = ("a", "b", "c")


def bits_of(codes, width):
    """Codes, (beats, elements), as bits of beats, (beats, elements * width), lowest first."""
    octets = np.ascontiguousarray(codes, "<u8").view(np.uint8).reshape(*codes.shape, 8)
    return np.unpackbits(octets, axis=2, count=width, bitorder="little").reshape(len(codes), -1)


class Work:
    """What a stream of each kind brings: bits of beats by stream, ``last`` behind those of ``a`` and ``o``, and the
    places of the window and of the scales that go with ``b`` and ``a``."""

    def __init__(self, tile, cols, widths, rng, count):
        self.beats = {name: [] for name in ("a", "b", "c", "o", "place", "top")}
        for _ in range(count):
            self._pass(tile, cols, widths, rng, int(rng.choice([1, 1, 2, 3, 5, tile.lanes, 9])))
        self.beats = {name: np.concatenate(each).astype(np.uint8) for name, each in self.beats.items()}

    def _pass(self, tile, cols, widths, rng, rows):
        spec, flags = tile.multiplier, tile.flags
        place = int(rng.choice(tile.places if rng.random() < 0.5 else tile.places[:: max(len(tile.places) - 1, 1)]))
        a, b = (self._codes(fmt, shape, rng) for fmt, shape in ((spec.a, (rows, tile.lanes)),
                                                                (spec.b, (tile.lanes, cols))))
        c = self._words(tile, (rows, cols), rng)
        c |= (rng.random((rows, cols)) < 0.15).astype(np.uint64) * np.uint64(flags) << np.uint64(tile.word_bits)
        scales = [self._scales(block, shape, rng) for block, shape in ((tile.a_block, (rows, 1)),
                                                                       (tile.b_block, (1, cols)))]
        exps = [np.zeros((1, 1), int) if block is None else block.scale.parts(each)[1]
                for block, each in zip((tile.a_block, tile.b_block), scales, strict=True)]
        needed = np.broadcast_to(exps[0] + exps[1].max(), (rows, 1))
        # Stated tops are far above too, so that distances are of all sizes and more than can be told.
        above = rng.integers(0, rng.choice([1, 12, 40, 500]), (rows, 1))
        top = needed + above if tile.blocks else needed
        top = np.minimum(top, (1 << widths["top"]) - 1) if widths["top"] else top
        sums = [partial_sums(tile, place, a[n : n + 1], b, c[n : n + 1], int(top[n, 0]), Scales(
            None if scales[0] is None else scales[0][n : n + 1], scales[1])) for n in range(rows)]
        last = (np.arange(rows) == rows - 1)[:, None]
        a_bits, b_bits = bits_of(a, spec.a.width), bits_of(b, spec.b.width)
        if tile.a_block:
            a_bits = np.hstack([a_bits, bits_of(scales[0], tile.a_block.scale.width)])
        if tile.b_block:
            b_scales = bits_of(scales[1], tile.b_block.scale.width)
            b_bits = np.hstack([b_bits, np.repeat(b_scales, tile.lanes, 0)])
        word = tile.word_bits + flags
        for name, bits in (
                ("a", np.hstack([a_bits, last])), ("b", b_bits), ("c", bits_of(c, word)),
                ("o", np.hstack([bits_of(np.concatenate(sums), word), last])),
                ("place", bits_of(np.full((tile.lanes, 1), place & (1 << widths["place"]) - 1), widths["place"])),
                ("top", bits_of(top, widths["top"]))):
            self.beats[name].append(bits)

    @staticmethod
    def _words(tile, shape, rng):
        """Partial sums; most have a run of ones or of zeros, through which a carry goes far."""
        words = rng.integers(0, 1 << tile.word_bits, shape)
        low, high = np.sort(rng.integers(0, tile.word_bits, (2, *shape)), axis=0)
        run, kind = (1 << high) - (1 << low), rng.integers(0, 3, shape)
        return np.select([kind == 0, kind == 1], [words | run, words & ~run], words).astype(np.uint64)

    @staticmethod
    def _codes(fmt, shape, rng):
        """Codes; of some passes many are of the least and the largest, or no number."""
        codes, last = rng.integers(0, 1 << fmt.width, shape), fmt.max_finite
        near = codes % rng.choice([2, 1 << fmt.man_bits, 2 << fmt.man_bits])
        ends = np.where(rng.random(shape) < 0.5, near, last - near) | (codes & ~fmt.field_mask)
        codes = np.where(rng.random(shape) < rng.choice([0, 0, 0.5, 1]), ends, codes)
        if fmt.has_nan or fmt.has_inf:
            codes = np.where(codes & fmt.field_mask > last, 0, codes)
            codes = np.where(rng.random(shape) < rng.choice([0, 0.01, 0.2]), last + 1, codes)
        return codes

    @staticmethod
    def _scales(block, shape, rng):
        if block is None:
            return None
        last = (1 << block.scale.width) - 1
        spread = int(rng.choice([7, 40]))
        codes = np.clip(int(rng.integers(last)) + rng.integers(1 - spread, spread, shape), 0, block.scale.max_finite)
        return np.where(rng.random(shape) < 0.05, last, codes)


class TileBench(MutantBench):
    """All mutants of a tile with streams of some traffic, each waiting for the handshake of its own mutant."""

    def __init__(self, gates, tile, cols, rng, traffic=TRAFFIC):
        super().__init__(gates, traffic, rng)
        self.tile, self.cols, self.kinds = tile, cols, traffic
        self.widths = {name: gates.inputs.get(name, 0) for name in ("place", "top")}

    def play(self, cycles=None, count=8):
        """Passes through all; watched, to the end, or without it given so many cycles and nobody looks."""
        work = [Work(self.tile, self.cols, self.widths, self.rng, count) for _ in self.kinds]
        words = {name: padded([each.beats[name] for each in work]) for name in work[0].beats}
        total = {name: np.array([len(each.beats[name]) for each in work])[self.stream] for name in (*INPUTS, "o")}
        done = {name: np.zeros(self.count, int) for name in total}
        offered = {name: np.zeros(self.count, bool) for name in INPUTS}
        chances = dict(zip((*INPUTS, "o"), np.array(self.kinds).T, strict=True))
        waiting, held = np.zeros(self.count, bool), np.zeros((words["o"].shape[2], self.count), np.uint8)
        ends = np.zeros((total["o"].max(), self.count), int)
        limit, cycle, looking = cycles or 20_000, 0, not cycles
        while cycle < limit:
            inputs = {}
            for name in INPUTS:
                at = np.minimum(done[name], total[name] - 1)
                goes = (self.rng.random(len(self.kinds)) < chances[name])[self.stream]
                offered[name] = (done[name] < total[name]) & (offered[name] | goes)
                noise = self.noise(words[name].shape[2])
                word = np.where(offered[name][:, None], words[name][self.stream, at], noise).T
                if name == "a":
                    inputs["i_a__last"], word = word[-1:], word[:-1]
                inputs[f"i_{name}__data"] = word
                inputs[f"i_{name}__valid"] = offered[name][None].astype(np.uint8)
                for other in [other for other in {"a": ("top",), "b": ("place",)}.get(name, ()) if self.widths[other]]:
                    inputs[other] = np.where(offered[name][:, None], words[other][self.stream, at],
                                             self.noise(self.widths[other])).T
            ready = (self.rng.random(len(self.kinds)) < chances["o"])[self.stream]
            ready |= (chances["o"] == SHY)[self.stream] & waiting
            inputs["o__ready"] = ready[None].astype(np.uint8)
            outputs = self.cycle(inputs)
            for name in INPUTS:
                moved = offered[name] & (self.bits(outputs[f"i_{name}__ready"])[0] == 1)
                done[name] += moved
                offered[name] &= ~moved
            valid = self.bits(outputs["o__valid"])[0] == 1
            if valid.any() or waiting.any():
                word = self.bits([*outputs["o__data"], *outputs["o__last"]])
                at = np.minimum(done["o"], total["o"] - 1)
                right = (words["o"][self.stream, at] == word.T).all(1) & (done["o"] < total["o"])
                wrong = valid & ~right | waiting & (~valid | (word != held).any(0))
                moved = valid & ready
                ends[at[moved & right], np.flatnonzero(moved & right)] = cycle
                done["o"] += moved
                waiting, held = valid & ~ready, word
                if looking:
                    self.wrong |= wrong
            cycle += 1
            if looking and limit == 20_000 and (done["o"] == total["o"])[: len(self.kinds)].all():
                limit = 2 * cycle + 100  # patience with the others
        if looking:
            assert limit < 20_000, "the design itself does not finish"
            self.wrong |= done["o"] != total["o"]
            steady = np.array([set(chances) == {1} for chances in self.kinds])[self.stream]
            self.wrong |= steady & (ends != ends[:, : len(self.kinds)][:, self.stream]).any(0)

    def reset(self):
        self.cycle({name: self.noise(width).T for name, width in self.gates.inputs.items()}, reset=True)


def padded(arrays):
    """Arrays of different lengths as one, filled up with zeros."""
    found = np.zeros((len(arrays), max(map(len, arrays)), *arrays[0].shape[1:]), arrays[0].dtype)
    for row, array in zip(found, arrays, strict=True):
        row[: len(array)] = array
    return found


def streamed(gates, tile, cols, seed, again=8, traffic=TRAFFIC):
    """Which mutants of a tile are found: what one run does not find has more of them."""
    found = np.zeros(len(gates.mutations), bool)
    for more in range(1 + again):
        if found.all():
            break
        rng = np.random.default_rng(seed + more)
        bench = TileBench(gates.with_mutations(np.flatnonzero(~found)), tile, cols, rng, traffic)
        for cycles in (3, 12, 37):
            bench.play(cycles)
            bench.reset()
            bench.play()
        wrong = bench.wrong.reshape(-1, len(TRAFFIC)).any(1)
        assert not wrong[0], "the design itself is wrong"
        found[~found] = wrong[1:]
    return found


def seen(logic, ports):
    """Handshakes, and sums while they are valid."""
    [valid] = ports["o__valid"]
    readies = [ports[f"i_{name}__ready"][0] for name in INPUTS]
    return [valid, *readies, *(logic.and_(valid, bit) for bit in (*ports["o__data"], *ports["o__last"]))]


TILES = {small.name: small for small in tile_streams.TILES if parse(small.slug).cols == 1 and "3x1" not in small.slug}
SIGNALS = ("i_a__valid", "i_a__last", "i_b__valid", "i_c__valid", "o__ready")
CONTROL = ("i_a__ready", "i_b__ready", "i_c__ready", "o__valid", "o__last")


def comparison(small, gates):
    return Comparison(gates, seen, anything, {"rst": 1}, control=Control(CONTROL, SIGNALS),
                      known=TileKnown(gates, small))


def scored(small, mutations, again, seed, gates):
    tile, traffic = parse(small.slug).tile, PACED if small.component.paced else TRAFFIC
    if mutations is not None:
        gates.mutations = mutations
    return judged(small.name, gates, lambda gates: streamed(gates, tile, 1, seed, again, traffic),
                  comparison(small, gates))


@pytest.mark.regress
@pytest.mark.parametrize("name", TILES)
def test_what_is_known(name, seed):
    """What is taken for true of a tile's states is, and no fault that a run finds is called equivalent."""
    gates = gates_of(TILES[name].component, 40, seed)
    compared, traffic = comparison(TILES[name], gates), PACED if TILES[name].component.paced else TRAFFIC
    assert compared.founded()
    found = streamed(gates, parse(TILES[name].slug).tile, 1, seed, 0, traffic)
    killed = [mutation for mutation, dead in zip(gates.mutations, found, strict=True) if dead]
    assert len(killed) > 20 and not any(map(compared.equivalent, killed[::4]))


@pytest.mark.regress
@pytest.mark.parametrize("name", TILES)
def test_control(name, seed, record_property):
    """Every fault of the gates behind valid, ready and last."""
    gates = gates_of(TILES[name].component, COUNT, seed)
    found = scored(TILES[name], gates.every_fault(gates.behind(CONTROL)), 8, seed, gates)
    record_property("score", "control, " + found.line)
    assert found.mutants >= 200 and found.mutants == found.killed + found.equivalent, found.line


@pytest.mark.regress
@pytest.mark.parametrize("name", TILES)
def test_tiles(name, seed, record_property):
    """All but lanes and trees, which are put to more than a tile's registers let through, and judged, by themselves."""
    text = convert({"part": TILES[name].component})["part"]
    gates = read(text, "part", 8 * COUNT, seed)
    apart = gates.inside(text, r"part_(?:lane|tree|prod|mul)\w*")
    found = scored(TILES[name], [each for each in gates.mutations if each.cell not in apart][:COUNT], 8, seed, gates)
    record_property("score", found.line)
    assert found.mutants == COUNT == found.killed + found.equivalent, found.line


def test_sample_of_control(seed, record_property):
    small = next(iter(TILES.values()))
    gates = gates_of(small.component, COUNT, seed)
    gates.mutations = gates.every_fault(gates.behind(CONTROL))[::9]
    found = streamed(gates, parse(small.slug).tile, 1, seed, 0)
    record_property("score", f"{found.sum()} of {len(found)} killed by one run")
    assert found.mean() > 0.8


def test_sample_of_a_lane(seed, record_property):
    tile = parse("tile_lmul_e2m1_4x1_w5").tile
    codes = lane_codes(tile, *all_pairs(tile.multiplier), np.random.default_rng(seed))
    gates = gates_of(WholeLane(tile), 60, seed)
    found = judged("lane", gates, lambda gates: play(gates, codes, seed, counted(lane(tile))),
                   Comparison(gates, everything, legal_places(tile)))
    record_property("score", found.line)
    assert not found.survivors, found.line
