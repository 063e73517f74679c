"""The serial link: the line's bytes, frames with every kind of error, commands repeated, buffers that are full."""

import binascii
import itertools

import numpy as np
import pytest
from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator
from link_bench import QUIET, SIZES, Board, framed, record
from lmul.golden.refusal import Refusal
from lmul.hdl import frames
from lmul.hdl.designs import parse
from lmul.hdl.frames import Command, Status
from lmul.hdl.link import Link, LinkTop
from lmul.hdl.uart import Receiver, Transmitter, divisor, usual_baud

IDENTIFY, WRITE, READ, RESET = 1, 2, 3, 4
DONE, BAD_CRC, FRAMING, GARBAGE, CUT_SHORT, UNKNOWN, TOO_LONG, FULL = range(8)


def told(story, **board):
    """Run a coroutine of a `Board`, and give that."""
    found = Board(**board)
    found.run(story)
    return found


def test_numbers_are_those_of_the_program():
    assert list(Command) == [IDENTIFY, WRITE, READ, RESET]
    assert list(Status) == [DONE, BAD_CRC, FRAMING, GARBAGE, CUT_SHORT, UNKNOWN, TOO_LONG, FULL]
    assert frames.command(WRITE, 7, b"abc") == framed(WRITE, 7, b"abc")


def test_identity():
    async def story(board):
        assert await board.ask(framed(IDENTIFY, 9)) == (DONE, 0, 9, 64, b"\x01\x40\x00\x40\x00matmul_name")

    told(story, slug="matmul_name")


def test_beats_and_results():
    """Records of two streams to their beats; results of several beats, in two answers; the room that there is."""
    sent = [record(0, b"abc"), record(1, b"de", 1), record(0, b"fgh", 1)]

    async def story(board):
        assert await board.ask(framed(RESET, 1)) == (DONE, 0, 1, 64, b"")
        status, _, sequence, _, payload = await board.ask(framed(WRITE, 2, b"".join(sent)))
        assert (status, sequence, payload) == (DONE, 2, b"")
        assert (await board.ask(framed(READ, 3)))[3:] == (64, b"")
        board.results.extend([b"1234", b"5678"])
        assert (await board.ask(framed(READ, 4)))[4] == b"12345678"
        board.results.append(b"90ab")
        assert (await board.ask(framed(READ, 5)))[4] == b"90ab"

    board = told(story)
    assert board.beats == [(0, b"abc", 0), (1, b"de", 1), (0, b"fgh", 1)]
    assert board.cleared == 1


def test_places_and_unknown_records():
    async def story(board):
        await board.ask(framed(WRITE, 1, record(0x7F, b"\xfe\xff\x34\x12") + record(0, b"abc")))
        assert board.ctx.get(board.link.place) == 0xFFFE
        assert board.ctx.get(board.link.top) == 0x1234
        assert (await board.ask(framed(READ, 2)))[1] == 0
        assert (await board.ask(framed(WRITE, 3, record(5, b""))))[0] == DONE
        assert (await board.ask(framed(READ, 4)))[1] == 1
        assert (await board.ask(framed(RESET, 5)))[1] == 0
        board.ctx.set(board.link.core_error, 1)
        assert (await board.ask(framed(READ, 6)))[1] == 2

    board = told(story, places=True)
    assert [beat for _, beat, _ in board.beats] == [b"abc"]


def test_a_repeated_command_is_answered_and_not_carried_out():
    async def story(board):
        written, read = framed(WRITE, 1, record(1, b"xy")), framed(READ, 2)
        assert (await board.ask(written))[0] == DONE
        assert (await board.ask(written))[0] == DONE
        board.results.append(b"1234")
        await board.ctx.tick().repeat(20)
        assert (await board.ask(read))[4] == b"1234"
        board.results.append(b"5678")  # what came since is not of that answer
        assert (await board.ask(read))[4] == b"1234"
        assert (await board.ask(read))[4] == b"1234"
        assert (await board.ask(framed(READ, 3)))[4] == b"5678"
        assert (await board.ask(framed(READ, 4)))[4] == b""

    assert told(story).beats == [(1, b"xy", 0)]


def test_a_full_buffer_is_said_and_nothing_is_lost():
    """What is refused may be sent again under its number, and fits when the core has taken what was before."""
    ten = [record(1, bytes([n, n])) for n in range(30)]

    async def story(board):
        board.taking = False
        status, _, _, room, _ = await board.ask(framed(WRITE, 1, b"".join(ten[:20])))
        assert (status, room >= 4) == (DONE, True)
        status, _, _, room, _ = await board.ask(framed(WRITE, 2, b"".join(ten[20:])))
        assert (status, room) == (FULL, 7)  # 60 bytes came and one record waits for the core
        board.taking = True
        assert (await board.ask(framed(WRITE, 2, b"".join(ten[20:]))))[0] == DONE
        assert (await board.ask(framed(WRITE, 3, bytes(65))))[0] == TOO_LONG
        assert (await board.ask(framed(READ, 4, b"x")))[0] == TOO_LONG
        assert (await board.ask(framed(READ, 5)))[3] == 64

    assert [beat for _, beat, _ in told(story).beats] == [bytes([n, n]) for n in range(30)]


def test_results_that_find_no_room_wait():
    async def story(board):
        board.results.extend(bytes([n] * 4) for n in range(20))
        heard = b""
        for sequence in range(4):
            heard += (await board.ask(framed(READ, sequence)))[4]
        assert heard == b"".join(bytes([n] * 4) for n in range(20))

    told(story)


#: What is said, which of its bytes lack a stop bit, and what the board says of it.
WORD = framed(WRITE, 7, record(0, b"abc") + record(1, b"de"))
BROKEN = {
    "garbage": (b"\x00\x37" + WORD, (), GARBAGE),
    "cut in the head": (WORD[:3], (), CUT_SHORT),
    "cut in the payload": (WORD[:8], (), CUT_SHORT),
    "cut in the CRC": (WORD[:-1], (), CUT_SHORT),
    "a byte dropped": (WORD[:7] + WORD[8:], (), CUT_SHORT),
    "a byte doubled": (WORD[:8] + WORD[7:], (), BAD_CRC),
    "a stop bit": (WORD, (6,), FRAMING),
    "a stop bit first": (WORD, (0,), FRAMING),
    "unknown": (framed(5, 7, b"abc"), (), UNKNOWN),
    "shorter than it is": (WORD[:3] + b"\x02" + WORD[4:], (), BAD_CRC),
    "longer than it is": (WORD[:3] + b"\xff" + WORD[4:], (), CUT_SHORT),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_errors_are_named_and_leave_no_trace(kind):
    """Whatever is wrong, the core sees nothing of it, and the next command is carried out."""
    said, errors, status = BROKEN[kind]

    async def story(board):
        answer = await board.ask(said, errors)
        assert (answer[0], answer[4]) == (status, b"")
        assert board.ctx.get(board.link.failed)
        assert (await board.ask(WORD))[0] == DONE
        assert not board.ctx.get(board.link.failed)

    assert told(story).beats == [(0, b"abc", 0), (1, b"de", 0)]


def test_a_board_that_heard_an_error_waits_until_the_line_is_quiet():
    """It does not speak while more comes, of which it cannot tell where a command begins."""
    async def story(board):
        await board.say(WORD + WORD, errors=(2,))
        await board.ctx.tick().repeat(QUIET - 5)
        assert not board.ctx.get(board.link.send_valid)
        await board.ctx.tick().repeat(20)
        assert board.ctx.get(board.link.send_valid)
        assert (await board.hear())[1] == FRAMING

    assert told(story).beats == []


@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.regress)])
def test_every_flipped_bit_is_seen(step):
    """Of a command that would be carried out: none of the frames with one bit wrong is."""
    word = framed(WRITE, 7, record(1, b"de"))

    async def story(board):
        for bit in range(8, 8 * len(word), step):
            wrong = bytearray(word)
            wrong[bit // 8] ^= 1 << bit % 8
            status, *_ = await board.ask(wrong)
            assert status in (BAD_CRC, CUT_SHORT), bit
            assert not board.beats

    told(story)


def test_two_flipped_bits_leave_no_right_crc():
    """All pairs of bits of a frame: no two of them have the same effect on its CRC, nor is any without one."""
    length = 300
    effects = {binascii.crc32(b"".join([bytes(place // 8), bytes([1 << place % 8]), bytes(length - 1 - place // 8)]))
               ^ binascii.crc32(bytes(length)) for place in range(8 * length)}
    assert len(effects) == 8 * length
    # A bit of the CRC itself changes that bit alone.
    assert not effects & {1 << bit for bit in range(32)} and 0 not in effects


@pytest.mark.parametrize("count", [4, 5, pytest.param(16, marks=pytest.mark.regress)])
def test_bytes_over_a_line(count, seed):
    """A transmitter into a receiver, without a gap between bytes."""
    data = np.random.default_rng(seed).integers(256, size=20).tolist()
    assert carried(count, data) == [(byte, 0) for byte in data]


def carried(count, data, receiver=None, disturb=lambda cycle, line: line):
    """What a receiver makes of bytes that a transmitter sends: (byte, framing error)."""
    m, domain = Module(), ClockDomain("sync")
    m.domains += domain
    m.submodules.sender, m.submodules.receiver = sender, receiver = Transmitter(count), receiver or Receiver(count)
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    heard, waiting = [], list(data)

    async def bench(ctx):
        ctx.set(domain.rst, 1)
        await ctx.tick()
        ctx.set(domain.rst, 0)
        for cycle in itertools.count():
            ctx.set(receiver.rx, disturb(cycle, ctx.get(sender.tx)))
            ctx.set(sender.valid, bool(waiting))
            ctx.set(sender.data, waiting[0] if waiting else 0)
            _, _, taken, byte, valid, error = await ctx.tick().sample(
                sender.valid & sender.ready, receiver.data, receiver.valid, receiver.error)
            if taken:
                waiting.pop(0)
            if valid | error:
                heard.append((byte, error))
            if cycle > 12 * count * (len(data) + 2):
                return

    simulator.add_testbench(bench)
    simulator.run()
    return heard


def test_a_line_that_is_disturbed():
    """Pulses of a cycle change nothing; a short 0 is no start bit; one where a stop bit should be is an error."""
    data = [0x55, 0x00, 0xFF]
    assert carried(16, data, disturb=lambda cycle, line: line ^ (cycle % 7 == 0)) == [(byte, 0) for byte in data]
    assert carried(16, [], disturb=lambda cycle, line: line & ~(40 <= cycle < 44)) == []
    held = carried(16, [], disturb=lambda cycle, line: 0 if 20 <= cycle < 300 else 1)
    assert held == [(0, 1)]  # once, however long


def test_a_slow_sender_is_understood():
    """4 % off, either way: what both ends may be together."""
    data = [0x00, 0xA5, 0xFF, 0x01]
    for count in (24, 26):
        assert carried(count, data, Receiver(25)) == [(byte, 0) for byte in data]


def test_divisors():
    assert divisor(12e6, 115200) == 104
    assert divisor(4, 1) == 4
    with pytest.raises(Refusal, match="Baud rate must be at most 3000000 with a clock of 12000000 Hz, not 4e"):
        divisor(12e6, 4e6)
    with pytest.raises(Refusal, match="from which the nearest, 2400000, is 7.7% off"):
        divisor(12e6, 2.6e6)
    with pytest.raises(Refusal, match="must be above 0, not 0 and"):
        divisor(0, 9600)
    assert [usual_baud(hz) for hz in (12e6, 750e3, 38.4e3)] == [115200, 57600, 9600]
    with pytest.raises(Refusal, match="Baud rate must be at most 5000 with a clock of 20000 Hz, not 9600"):
        usual_baud(20e3)


def test_refused():
    with pytest.raises(Refusal, match="Buffers must be a power of two from 2 to 32768 bytes, not 100"):
        Link("matmul", SIZES, False, 40, 100)
    with pytest.raises(Refusal, match="Buffers must hold a beat of 4 bytes and one byte more, not 4"):
        Link("matmul", SIZES, False, 40, 4)
    with pytest.raises(Refusal, match="Design must be a matmul to be driven over a serial line, not 'mul_int8'"):
        LinkTop(parse("mul_int8"), 12e6, 115200)


@pytest.mark.parametrize("slug", ["matmul_lmul_bf16xe4m3_fp32_2x3_os", "matmul_exact_nvfp4_16x4_w10",
                                  "matmul_int8_16x2"])
def test_beats_are_as_long_as_the_core_has_them(slug):
    top = LinkTop(parse(slug), 12e6, 115200)
    for name, stream in top.streams.items():
        port = "m_axis_c_tdata" if name == "c" else f"s_axis_{name}_tdata"
        assert len(getattr(top.core, port)) == 8 * stream.size
