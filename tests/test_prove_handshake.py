"""Streams of arrays and stream registers: proved, and arrays broken on purpose found out."""

import re

import pytest
from lmul.hdl.axis import Buffer
from lmul.hdl.designs import parse
from lmul.hdl.verilog import convert, verilog
from lmul.prove import handshake, machine
from lmul.prove.solver import PROVED, REFUTED

SLUG = "array_mitchell_e2m1_carrysave2_2x1_os"


@pytest.fixture(scope="module")
def text():
    return verilog(parse(SLUG))


@pytest.mark.parametrize("width", [1, 24])
def test_stream_register_is_a_queue(width):
    proof = handshake.buffer(width)
    assert proof.verdict == PROVED, proof


@pytest.mark.parametrize(("old", "new"), [
    (r"full \| i__valid", "i__valid"),  # the second beat is lost
    (r"\? 1'h1 : full", "? 1'h0 : full"),
    (r"assign i__ready = ~ full", "assign i__ready = 1'h1"),
    (r"(assign o__data = \w+)\[7:0\]", r"\1[8:1]"),
    (r"(<= rst|= rst) \? 1'h0 : (\w+);", r"\1 ? 1'h1 : \2;"),  # not empty after reset
])
def test_broken_stream_register_is_found(old, new):
    text, count = re.subn(old, new, convert({"buffer": Buffer(8)})["buffer"])
    assert count
    assert handshake.buffer(8, machine.load({"buffer": text})["buffer"]).verdict == REFUTED


def test_array_is_proved(text):
    core = handshake.read(SLUG, text)
    for proof in (handshake.independence(core), handshake.hold(core), handshake.progress(core, core.rows + 2),
                  handshake.traffic(core, 12)):
        assert proof.verdict == PROVED, proof


@pytest.mark.parametrize(("old", "new", "rules"), [
    # One stream's beats are taken without the other's.
    (r"(assign i_a__ready = \w+) & \w+;", r"\1;", "withheld|result|out of nothing"),
    # A waiting result is run over.
    (r"assign (\w+) = \w+ \| o__ready;", r"assign \1 = 1'h1;", "result|last|out of nothing|withheld"),
    # The second row is never offered.
    (r"clear_out \| below;", "clear_out;", "last"),
    (r"assign o__last = (\w+)\[3\];", r"assign o__last = \1[2];", "last"),
    # A run of one pair follows another of one at once, and their results meet.
    (r"= last & leaving;", "= 1'h0;", "result|last"),
])
def test_broken_array_is_found(text, old, new, rules):
    text, count = re.subn(old, new, text)
    assert count == 1
    proof = handshake.traffic(handshake.read(SLUG, text), 12)
    assert proof.verdict == REFUTED
    assert re.search(rf"({rules}) 0x1", proof.witness), proof


def test_dropped_result_is_found(text):
    text, count = re.subn(r"(assign o__valid = .*);", r"\1 & o__ready;", text)
    assert count == 1
    core = handshake.read(SLUG, text)
    assert handshake.progress(core, core.rows + 2).verdict == PROVED
    text, count = re.subn(r"\? 1'h0 : (\w+);", r"? 1'h0 : 1'h1;", text)
    core = handshake.read(SLUG, text)
    assert handshake.progress(core, core.rows + 2).verdict == REFUTED


def test_result_that_does_not_hold_is_found(text):
    text, count = re.subn(r"= (\w+) \| o__ready;", "= 1'h1;", text)
    assert count == 1
    assert handshake.hold(handshake.read(SLUG, text)).verdict == REFUTED


def test_control_that_looks_at_data_is_found(text):
    text, count = re.subn("= i_a__valid & i_b__valid;", "= i_a__valid & i_b__valid & ~i_a__data[0];", text)
    assert count == 1
    proof = handshake.independence(handshake.read(SLUG, text))
    assert (proof.verdict, proof.witness) == (REFUTED, "a")


@pytest.mark.regress
@pytest.mark.parametrize("slug", handshake.ARRAYS)
def test_streams_of_arrays(slug):
    core = handshake.read(slug)
    for proof in (handshake.independence(core), handshake.hold(core), handshake.progress(core, core.rows + 2),
                  handshake.traffic(core, handshake.ARRAYS[slug])):
        assert proof.verdict == PROVED, proof
