"""Tiles: lanes, sums, scales, flags and streams proved, and those broken on purpose found out."""

import re

import pytest
from lmul.hdl.designs import catalogue, parse
from lmul.hdl.tile_core import Word, drain_steps
from lmul.hdl.verilog import convert
from lmul.prove import exact_drain, machine, tile_lanes, tile_queue, tile_scales, tile_streams, tile_sums, tiles
from lmul.prove.catalogue import prove
from lmul.prove.obligation import IN_PARTS, PROVED, REFUTED, UNDECIDED, discharge

LANES = ["exact_e2m1_4x1_w5", "lmul_e2m1_sub_4x1_w5", "int4_4x1", "log_l2f2_4x1_w5", "log_l2f5_4x1_w6",
         "lmul_e2m5_4x1_w6"]
WIDE_LANES = ["lmul_bf16xe4m3_16x16_w12", "lmul_bf16_16x16_w12", "exact_bf16xe4m3_16x16_w12", "exact_bf16_16x16_w12",
              "exact_bf16_flush_16x16_w12", "lmul_fp16_16x16_w14", "exact_fp16_16x16_w14", "lmul_bf16_sub_16x16_w12",
              "exact_bf16_flush_r8_16x16_w12", "lmul_fp32_16x16_w24", "log_l5f5_16x16_w10",
              "uint16xint8_16x16"]
SUMS = ["exact_nvfp4_4x1_w6", "lmul_e4m3_16x16_w10_p3", "lmul_e4m3_16x16_w10", "int8_16x16", "exact_nvfp4_16x16_w10",
        "log_mxl3f4_32x8_w10"]
EDGES = ["exact_nvfp4_16x16_w10", "exact_mxe4m3xe2m1_32x8_w10", "lmul_bf16xe4m3_16x16_w12"]
TILE = tile_streams.TILES[0]._replace(cycles=10)

# A fault of the Verilog of a part, and the claim that it breaks.
PARTS = [
    ("lane", tile_lanes, "lmul_e2m1_4x1_w5", r"(negative = \w+) & inside_", r"\1", REFUTED),  # what is 0 gets a sign
    ("lane", tile_lanes, "exact_bf16_16x16_w12", r"9'h00b", "9'h00a", REFUTED),  # the lowest place is left out
    ("tree", tile_sums, "lmul_e4m3_4x1_w5", r" \^ ", " | ", UNDECIDED),
    ("scaled", tile_sums, "exact_nvfp4_16x16_w10", r"down\[1\]", "down[0]", REFUTED),
    ("factor", tile_scales, "exact_nvfp4_16x16_w10", r"= \| b\[6:3\]", "= | b[6:4]", REFUTED),  # subnormal too early
    ("lane", tile_lanes, "lmul_bf16_16x16_w12", r"(negative = \w+) & inside_", r"\1", REFUTED),
    ("special", tile_scales, "exact_nvfp4_16x16_w10", r"& b_scale", "| b_scale", REFUTED),
    ("special", tile_scales, "lmul_bf16xe4m3_16x16_w12", r"& a\[14:7\]", "& a[14:8]", REFUTED),
]
#: A fault of the Verilog of a whole tile, and the examination that finds it.
STREAMS = [
    (r"(assign i_c__ready = [^;]*) & free;", r"\1;", "traffic"),  # a partial sum is taken and lost
    (r"assign ended = (\S*) & step;", r"assign ended = \1;", "traffic"),  # weights change under a vector that waits
    (r"assign step = \w+ \| en;", "assign step = 1'h1;", "traffic"),  # a vector is run over
    (r"(assign last = take) & i_a__last;", r"\1;", "traffic"),
    (r"= b_nan & \w+;", "= b_nan;", "flags"),  # a NaN of one pass is that of the next
    (r"assign (\w+) = a_nan \| b_nan|assign (\w+) = b_nan \| a_nan", r"assign \1\2 = b_nan", "flags"),
    (r"assign free = \w+ \| o__ready;", "assign free = 1'h1;", "hold"),
    (r"assign i_a__ready = .*;", "assign i_a__ready = 1'h0;", "progress"),
    (r"assign free = \w+ \| o__ready;", "assign free = o__ready;", "progress"),  # sums wait for who is to take them
    (r"(assign i_a__ready = .*);", r"\1 & ~o__valid;", "rate"),
    (r"(assign take = .*);", r"\1 & ~i_a__data[0];", "independence"),
]


def tile(words):
    return parse(f"tile_{words}").tile


def few(cases, count):
    """All of them, of which the default suite has the first few."""
    return [pytest.param(*(each if isinstance(each, tuple) else [each]), marks=[pytest.mark.regress] * (n >= count))
            for n, each in enumerate(cases)]


def obligations(room, words):
    return room.of(words, tile(words))



@pytest.mark.parametrize("words", few(["lmul_e2m1_4x1_w5", "exact_bf16xe4m3_16x16_w12", *LANES], 2))
def test_lane_is_proved(words):
    [proof] = discharge(obligations(tile_lanes, words))
    assert proof.verdict == PROVED, proof


@pytest.mark.parametrize("words", few(["lmul_e2m1_4x1_w5", "exact_e2m1_4x1_w5", "exact_bf16_flush_r8_16x16_w12"], 1))
def test_lane_whose_sign_comes_late_is_proved(words):
    [proof] = discharge(tile_lanes.of(words, tile(words), late=True), 300)
    assert proof.verdict == PROVED, proof


@pytest.mark.regress
@pytest.mark.parametrize("words", WIDE_LANES)
def test_wide_lane_is_proved(words):
    [proof] = discharge(obligations(tile_lanes, words), 300)
    assert proof.verdict == PROVED, proof


@pytest.mark.parametrize("words", few(SUMS, 1))
def test_sums_are_proved(words):
    design = parse(f"tile_{words}")
    found = discharge(tile_sums.of(words, design.tile, design.stages))
    assert len(found) == 2 and {each.verdict for each in found} == {PROVED}, found


@pytest.mark.parametrize("words", few(EDGES, 1))
def test_scales_and_flags_are_proved(words):
    found = discharge(obligations(tile_scales, words))
    assert len(found) == 1 + bool(tile(words).blocks) and {each.verdict for each in found} == {PROVED}, found


@pytest.mark.parametrize(("source", "room", "words", "old", "new", "verdict"), few(PARTS, 5))
def test_broken_part_is_found(source, room, words, old, new, verdict):
    [obligation] = [each for each in obligations(room, words) if source in each.sources]
    made = obligation.sources[source]
    text, count = re.subn(old, new, convert({source: made.make(*made.arguments)})[source], count=1)
    assert count
    [proof] = discharge([obligation], 60, {source: text})
    assert proof.verdict == verdict, proof


@pytest.mark.regress
def test_a_witness_shows_codes_and_place():
    [obligation] = obligations(tile_lanes, "exact_bf16_16x16_w12")
    made = obligation.sources["lane"]
    text = re.sub(r"9'h00b", "9'h00a", convert({"lane": made.make(*made.arguments)})["lane"])
    [proof] = discharge([obligation], 60, {"lane": text})
    assert set(proof.witness) == {"a", "b", "place", "gives", "not"}
    assert int(proof.witness["place"]) in tile("exact_bf16_16x16_w12").places
    assert proof.witness["gives"] == "0" and abs(int(proof.witness["not"])) in (1, 3)


@pytest.fixture(scope="module")
def machines():
    """The tile as it is and those of `STREAMS`, read in one run of Yosys."""
    made = tile_streams.of(TILE)[0].sources["tile"]
    text, texts = convert({"tile": made.make(*made.arguments)})["tile"], {}
    for n, (old, new, _) in enumerate([("$^", "", ""), *STREAMS]):
        broken, count = re.subn(old, new, text)
        assert count == (n > 0), old
        texts[f"tile_{n}"] = re.sub(r"\b(module )tile\b", rf"\1tile_{n}", broken)
    return list(machine.load(texts).values())


def examined(made, examination):
    """The verdict of one examination of a tile's machine."""
    of = dict(zip(("independence", "hold", "progress", "rate", "traffic", "flags"), tile_streams.of(TILE), strict=True))
    return of[examination].examine({"tile": made}, 300, *of[examination].arguments).verdict


@pytest.mark.parametrize("fault", range(len(STREAMS)), ids=lambda fault: f"{STREAMS[fault][2]}-{fault}")
def test_broken_streams_are_found(machines, fault):
    assert examined(machines[1 + fault], STREAMS[fault][2]) == REFUTED


@pytest.mark.parametrize("examination", ["independence", "hold", "progress", "rate", "traffic", "flags"])
def test_streams_are_proved(machines, examination):
    assert examined(machines[0], examination) == PROVED


@pytest.mark.regress
@pytest.mark.parametrize("small", tile_streams.TILES, ids=lambda small: small.name)
def test_streams_of_all_small_tiles_are_proved(small):
    found = discharge(tile_streams.of(small), 600)
    assert len(found) == 6 and {each.verdict for each in found} == {PROVED}, found


def test_every_tile_of_the_catalogue_has_means_for_all_parts():
    for slug in catalogue():
        if (design := parse(slug)).declared.tiled:
            assert all(tiles.parts(design).values()), slug


@pytest.mark.regress
@pytest.mark.parametrize("words", ["lmul_e4m3_16x16_w10", "log_mxl3f4_32x8_w10", "exact_nvfp4_16x16_w10"])
def test_words_leave_as_fp32(words):
    word = Word(tile(words).word_bits, tile(words).flags)
    for steps in (1, drain_steps(2)):
        [proof] = discharge([exact_drain.of("word", word, 1, steps)], 300)
        assert proof.verdict == PROVED, proof


@pytest.mark.parametrize(("fault", "verdict"), [
    (("^$", ""), PROVED),
    ((r"free\[0\] \? i", "push ? i"), REFUTED),  # a word takes the place of the first
    ((r"word_1 <= \w+", "word_1 <= i"), REFUTED)])
def test_queue(fault, verdict):
    obligation = tile_queue.of(2)
    made = obligation.sources["queue"]
    text = convert({"queue": made.make(*made.arguments)})["queue"]
    broken, count = re.subn(*fault, text, count=1)
    assert count or verdict == PROVED, text
    [proof] = discharge([obligation], 60, {"queue": broken})
    assert proof.verdict == verdict, proof


@pytest.mark.regress
@pytest.mark.parametrize("slug", ["tile_lmul_e4m3_16x16_w10", "tile_exact_nvfp4_16x16_w10"])
def test_a_tile_is_proved_in_parts(slug):
    found = prove([slug], 300)
    assert found[-1].name == slug and found[-1].verdict == IN_PARTS, found
