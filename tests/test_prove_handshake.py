"""Streams of arrays and stream registers: proved, and arrays broken on purpose found out."""

import re

import pytest
from lmul.hdl.axis import Buffer, Turns
from lmul.hdl.designs import parse
from lmul.hdl.verilog import convert, verilog
from lmul.prove import handshake, machine
from lmul.prove.obligation import PROVED, REFUTED, discharge

SLUG = "array_mitchell_e2m1_carrysave2_2x1_os"
BUFFERS = [
    (r"full \| i__valid", "i__valid"),  # the second beat is lost
    (r"\? 1'h1 : full", "? 1'h0 : full"),
    (r"assign i__ready = ~ full", "assign i__ready = 1'h1"),
    (r"(assign o__data = \w+)\[7:0\]", r"\1[8:1]"),
    (r"= rst \? 1'h0 : (\w+);", r"= rst ? 1'h1 : \1;"),  # not empty after reset
]
TURNS = [
    (r"assign i__ready = ~ full", "assign i__ready = 1'h1"),
    (r"(assign get = \w+) & o__ready", r"\1"),  # a beat leaves unasked
    (r"= read \^ get", "= read"),  # the second beat is never its turn
]
# A fault, and the rules of which one is broken by it.
ARRAYS = [
    # One stream's beats are taken without the other's.
    (r"(assign i_a__ready = \w+) & \w+;", r"\1;", "withheld|result|out of nothing"),
    # A waiting result is run over.
    (r"assign (\w+) = \w+ \| o__ready;", r"assign \1 = 1'h1;", "result|last|out of nothing|withheld"),
    # The second row is never offered.
    (r"clear_out \| below;", "clear_out;", "last"),
    (r"assign o__last = (\w+)\[3\];", r"assign o__last = \1[2];", "last"),
    # A run of one pair follows another of one at once, and their results meet.
    (r"= last & leaving;", "= 1'h0;", "result|last"),
]
STUCK = r"= rst \? 1'h0 : (\w+);", r"= rst ? 1'h0 : 1'h1;"
NOSY = "= i_a__valid & i_b__valid;", "= i_a__valid & i_b__valid & ~i_a__data[0];"


def machines(text, faults):
    """The machine of a text and those with one fault each, in one run of Yosys."""
    top, texts = SLUG if SLUG in text else "buffer", {}
    for n, (old, new, *_) in enumerate([("$^", ""), *faults]):
        broken, count = re.subn(old, new, text)
        assert count or not n, old
        texts[f"{top}_{n}"] = re.sub(rf"\b{top}\b", f"{top}_{n}", broken)
    return list(machine.load(texts).values())


@pytest.fixture(scope="module")
def buffers():
    return machines(convert({"buffer": Buffer(8)})["buffer"], BUFFERS)


@pytest.fixture(scope="module")
def turns():
    return machines(convert({"buffer": Turns(8)})["buffer"], TURNS)


@pytest.fixture(scope="module")
def cores():
    """The array as it is, those of `ARRAYS`, the stuck one and the nosy one."""
    return [{SLUG: made} for made in machines(verilog(parse(SLUG)), [*ARRAYS, STUCK, NOSY])]


def test_stream_register_is_a_queue(buffers):
    assert handshake.queue({"buffer": buffers[0]}, 60, 8).verdict == PROVED


@pytest.mark.parametrize("fault", range(len(BUFFERS)))
def test_broken_stream_register_is_found(buffers, fault):
    assert handshake.queue({"buffer": buffers[1 + fault]}, 60, 8).verdict == REFUTED


@pytest.mark.parametrize("fault", range(-1, len(TURNS)))
def test_stream_register_of_turns(turns, fault):
    assert handshake.queue({"buffer": turns[1 + fault]}, 60, 8).verdict == (PROVED if fault < 0 else REFUTED)


def test_array_is_proved(cores):
    core = cores[0]
    for answer in (handshake.independence(core, 60, SLUG), handshake.hold(core, 60, SLUG),
                   handshake.progress(core, 60, SLUG, 6), handshake.traffic(core, 300, SLUG, 12)):
        assert answer.verdict == PROVED, answer


@pytest.mark.parametrize("fault", range(len(ARRAYS)))
def test_broken_array_is_found(cores, fault):
    answer = handshake.traffic(cores[1 + fault], 300, SLUG, 12)
    assert answer.verdict == REFUTED
    assert any(answer.witness.get(rule) for rule in ARRAYS[fault][2].split("|")), answer


def test_result_that_does_not_hold_is_found(cores):
    assert handshake.hold(cores[2], 60, SLUG).verdict == REFUTED


def test_deadlock_is_found(cores):
    assert handshake.progress(cores[-2], 60, SLUG, 5).verdict == REFUTED


def test_control_that_looks_at_data_is_found(cores):
    answer = handshake.independence(cores[-1], 60, SLUG)
    assert (answer.verdict, answer.witness) == (REFUTED, {"stream": "a"})


@pytest.mark.regress
@pytest.mark.parametrize("slug", handshake.ARRAYS)
def test_streams_of_arrays(slug):
    proofs = discharge(handshake.of(slug), 300)
    assert len(proofs) == 4 and all(proof.verdict == PROVED for proof in proofs), proofs
