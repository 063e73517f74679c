"""A matrix multiplier behind a serial line: frames, the buffers on both sides of the core, and the whole as one top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from amaranth.hdl import Cat, ClockSignal, Const, Module, Mux, ResetSignal, Signal, unsigned
from amaranth.lib.memory import Memory, MemoryData, ReadPort, WritePort
from amaranth.lib.wiring import In, Out

from ..golden.refusal import Refusal
from . import frames
from .frames import Command, Status
from .operand import ignored, looked_up, named
from .part import Part
from .streams import streams as declared_streams
from .systolic import lanes
from .uart import Receiver, Transmitter, divisor

if TYPE_CHECKING:
    from amaranth.hdl import Value

    from .designs import Design

BUFFER = 1024  # bytes, on either side of the core
QUIET_BYTES, QUIET_SECONDS = 32, 0.05  # the longer of them without a byte ends a frame


class Stream(NamedTuple):
    """One stream of a core on the line: which it is in records, and bytes of a beat."""

    index: int
    size: int


def streams(design: Design) -> dict[str, Stream]:
    """The streams of a ``matmul`` in the manifest's order, by the ends of their names: ``a``, ``b``, ...; the last is
    ``c``, which no record is for."""
    return {each.name.rpartition("_")[2]: Stream(index, each.data_bits // 8)
            for index, each in enumerate(declared_streams(design))}


def has_places(design: Design) -> bool:
    """Whether a core must be told where its window is, or the scales of its blocks."""
    return design.declared.tiled and (design.tile.window is not None or bool(design.tile.blocks))


class Crc(Part):
    """CRC-32 of bytes, a bit in each cycle.

    Timing: ``start`` takes a byte while not ``busy``, which it then is for 8 cycles.

    Members
    -------
    clear : ``In(1)``
        Begin anew.
    start, data : ``In(1)``, ``In(8)``
    plain : ``In(1)``
        With ``start``: shift ``low`` out by a byte instead of taking one in.
    busy : ``Out(1)``
    low : ``Out(8)``
        The next byte of the CRC, as it is sent.
    right : ``Out(1)``
        Whether the last four bytes were the CRC of those before.
    """

    POLYNOMIAL, RESIDUE = 0xEDB88320, 0xDEBB20E3  # bits of a byte go in lowest first

    clear: Signal
    start: Signal
    data: Signal
    plain: Signal
    busy: Signal
    low: Signal
    right: Signal

    def __init__(self) -> None:
        super().__init__({"clear": In(1), "start": In(1), "data": In(8), "plain": In(1), "busy": Out(1),
                          "low": Out(8), "right": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        state = Signal(32, reset_less=True, name="state")
        byte, left = Signal(8, reset_less=True, name="byte"), Signal(range(9), name="left")
        shifting = Signal(reset_less=True, name="shifting")
        feedback = named(m, "feedback", (state[0] ^ byte[0]) & ~shifting)
        m.d.comb += [self.busy.eq(left.any()), self.low.eq(~state[:8]), self.right.eq(state == self.RESIDUE)]
        with m.If(self.busy):
            m.d.sync += [state.eq((state >> 1) ^ (feedback.replicate(32) & self.POLYNOMIAL)), byte.eq(byte >> 1),
                         left.eq(left - 1)]
        with m.Elif(self.start):
            m.d.sync += [byte.eq(self.data), shifting.eq(self.plain), left.eq(8)]
        with m.If(self.clear):
            m.d.sync += state.eq((1 << 32) - 1)
        return m


class Bytes(Part):
    """A memory of bytes with a port that writes and one that reads in the cycle after, as block RAM has.

    Parameters
    ----------
    size : int
        A power of two.
    """

    write: Signal
    write_at: Signal
    i: Signal
    read_at: Signal
    o: Signal

    def __init__(self, size: int) -> None:
        self.size = size
        bits = (size - 1).bit_length()
        super().__init__({"write": In(1), "write_at": In(bits), "i": In(8), "read_at": In(bits), "o": Out(8)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        data = MemoryData(shape=unsigned(8), depth=self.size, init=[])
        data.name = "bytes"  # given, as it is found in the bytecode otherwise
        m.submodules.memory = memory = Memory(data)
        shape = {"addr_width": len(self.write_at), "shape": unsigned(8)}
        write: Any = WritePort(WritePort.Signature(**shape), memory=memory, domain="sync", path=("write",))
        read: Any = ReadPort(ReadPort.Signature(**shape), memory=memory, domain="sync", path=("read_port",))
        m.d.comb += [write.en.eq(self.write), write.addr.eq(self.write_at), write.data.eq(self.i), read.en.eq(1),
                     read.addr.eq(self.read_at), self.o.eq(read.data)]
        return m


class Inbox(Part):
    """Bytes that wait for the core: those of a frame count only when it is known to be right.

    Parameters
    ----------
    size : int
        Bytes, a power of two.

    Members
    -------
    clear : ``In(1)``
        Drop all.
    put, i : ``In(1)``, ``In(8)``
        Take a byte, for which there must be room.
    commit, drop : ``In(1)``
        What was taken counts; is forgotten.
    room : ``Out``
        Bytes that more could be taken, without those that do not count yet.
    o, valid, ready : ``Out(8)``, ``Out(1)``, ``In(1)``
        The byte that came first, at most in every second cycle.
    """

    clear: Signal
    put: Signal
    i: Signal
    commit: Signal
    drop: Signal
    room: Signal
    o: Signal
    valid: Signal
    ready: Signal

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__({"clear": In(1), "put": In(1), "i": In(8), "commit": In(1), "drop": In(1),
                          "room": Out(size.bit_length()), "o": Out(8), "valid": Out(1), "ready": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.bytes = memory = Bytes(self.size)
        bits = self.size.bit_length()  # one more than an address: full is not empty
        written, counting, read = (Signal(bits, name=name) for name in ("written", "counting", "read"))
        take = named(m, "take", self.valid & self.ready)
        m.d.comb += [
            memory.write.eq(self.put), memory.write_at.eq(written[:-1]), memory.i.eq(self.i),
            memory.read_at.eq(read[:-1]), self.o.eq(memory.o), self.room.eq(self.size - (counting - read)),
        ]
        m.d.sync += self.valid.eq((counting != read) & ~take & ~self.clear)
        with m.If(self.put):
            m.d.sync += written.eq(written + 1)
        with m.Elif(self.drop):
            m.d.sync += written.eq(counting)
        with m.If(self.commit):
            m.d.sync += counting.eq(written)
        with m.If(take):
            m.d.sync += read.eq(read + 1)
        with m.If(self.clear):
            m.d.sync += [written.eq(0), counting.eq(0), read.eq(0)]
        return m


class Outbox(Part):
    """Bytes that wait for the host, which may ask for the last of them again.

    Parameters
    ----------
    size : int
        Bytes, a power of two.

    Members
    -------
    clear : ``In(1)``
        Drop all.
    i, i_valid, i_ready : ``In(8)``, ``In(1)``, ``Out(1)``
    o, step : ``Out(8)``, ``In(1)``
        The next byte, and that it was sent. The one after it is there two cycles later.
    free : ``In(1)``
        What was sent is not needed any more.
    again : ``In(1)``
        Go back to the first that was not freed.
    waiting : ``Out``
        Bytes that were not sent.
    """

    clear: Signal
    i: Signal
    i_valid: Signal
    i_ready: Signal
    o: Signal
    step: Signal
    free: Signal
    again: Signal
    waiting: Signal

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__({"clear": In(1), "i": In(8), "i_valid": In(1), "i_ready": Out(1), "o": Out(8), "step": In(1),
                          "free": In(1), "again": In(1), "waiting": Out(size.bit_length())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.bytes = memory = Bytes(self.size)
        bits = self.size.bit_length()
        written, sent, kept = (Signal(bits, name=name) for name in ("written", "sent", "kept"))
        put = named(m, "put", self.i_valid & self.i_ready)
        m.d.comb += [
            self.i_ready.eq(written != kept ^ self.size), self.waiting.eq(written - sent),
            memory.write.eq(put), memory.write_at.eq(written[:-1]), memory.i.eq(self.i),
            memory.read_at.eq(sent[:-1]), self.o.eq(memory.o),
        ]
        with m.If(put):
            m.d.sync += written.eq(written + 1)
        with m.If(self.step):
            m.d.sync += sent.eq(sent + 1)
        with m.Elif(self.again):
            m.d.sync += sent.eq(kept)
        with m.If(self.free):
            m.d.sync += kept.eq(sent)
        with m.If(self.clear):
            m.d.sync += [written.eq(0), sent.eq(0), kept.eq(0)]
        return m


class Loader(Part):
    """Records of bytes to beats of streams, one after the other: a byte that says which stream and whether ``last``,
    then the beat's.

    A beat is offered until it is taken, so the host must send records in an order in which the core takes them.

    Parameters
    ----------
    sizes : tuple of int
        Bytes of a beat, by stream.
    places : bool
        Whether there is a record of places, which are kept until the next.

    Members
    -------
    clear : ``In(1)``
    i, i_valid, i_ready : ``In(8)``, ``In(1)``, ``Out(1)``
    data : ``Out``
        The beat, in the highest of these bits.
    last : ``Out(1)``
    valid, ready : ``Out``, ``In``
        A bit for each stream.
    place, top : ``Out(16)``
    error : ``Out(1)``
        Until ``clear``: there was a record of no stream. What follows means nothing.
    """

    clear: Signal
    i: Signal
    i_valid: Signal
    i_ready: Signal
    data: Signal
    last: Signal
    valid: Signal
    ready: Signal
    place: Signal
    top: Signal
    error: Signal

    def __init__(self, sizes: tuple[int, ...], places: bool) -> None:
        self.sizes, self.places = sizes, places
        bits = 16 * places
        self.longest = max(*sizes, 4 * places)
        super().__init__({"clear": In(1), "i": In(8), "i_valid": In(1), "i_ready": Out(1),
                          "data": Out(8 * self.longest), "last": Out(1), "valid": Out(len(sizes)),
                          "ready": In(len(sizes)), "place": Out(bits), "top": Out(bits), "error": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beat = Signal(8 * self.longest, reset_less=True, name="beat")
        left = Signal(range(self.longest + 1), name="left")  # bytes to come
        offered = Signal(len(self.sizes) + self.places, name="offered")  # which record it is, one-hot, when it is whole
        which, last = Signal(len(self.sizes) + self.places, name="which"), Signal(name="beat_last")
        whole = named(m, "whole", offered.any())
        m.d.comb += [
            self.i_ready.eq(~whole), self.data.eq(beat), self.last.eq(last),
            self.valid.eq(offered[: len(self.sizes)]),
        ]
        numbers = [*range(len(self.sizes)), *([frames.PLACES] * self.places)]
        known = Cat(self.i[:7] == number for number in numbers)
        sizes = [*self.sizes, *([4] * self.places)]
        with m.If(self.i_valid & self.i_ready):
            with m.If(~left.any()):
                m.d.sync += [which.eq(known), last.eq(self.i[7]), self.error.eq(self.error | ~known.any())]
                for one, size in zip(known, sizes, strict=True):
                    with m.If(one):
                        m.d.sync += left.eq(size)
            with m.Else():
                m.d.sync += [beat.eq(Cat(beat, self.i)[8:]), left.eq(left - 1)]
                with m.If(left == 1):
                    m.d.sync += offered.eq(which)
        taken = named(m, "taken", (self.valid & self.ready).any())
        with m.If(taken):
            m.d.sync += offered.eq(0)
        if self.places:
            with m.If(offered[-1]):
                m.d.sync += [Cat(self.place, self.top).eq(beat[-32:]), offered.eq(0)]
        with m.If(self.clear):
            m.d.sync += [left.eq(0), offered.eq(0), self.error.eq(0)]
        return m


class Unloader(Part):
    """Beats of results to bytes, the lowest first.

    Parameters
    ----------
    size : int
        Bytes of a beat.

    Members
    -------
    clear : ``In(1)``
    data, valid, ready : ``In``, ``In(1)``, ``Out(1)``
        A beat, which is taken with its last byte.
    o, o_valid, o_ready : ``Out(8)``, ``Out(1)``, ``In(1)``
    """

    clear: Signal
    data: Signal
    valid: Signal
    ready: Signal
    o: Signal
    o_valid: Signal
    o_ready: Signal

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__({"clear": In(1), "data": In(8 * size), "valid": In(1), "ready": Out(1), "o": Out(8),
                          "o_valid": Out(1), "o_ready": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.size == 1:
            m.d.comb += [self.o.eq(self.data), self.o_valid.eq(self.valid), self.ready.eq(self.o_ready)]
            return m
        at = Signal(range(self.size), name="at")
        end = named(m, "end", at == self.size - 1)
        m.d.comb += [self.o.eq(_byte(self.data, at)), self.o_valid.eq(self.valid),
                     self.ready.eq(end & self.o_ready)]
        with m.If(self.valid & self.o_ready):
            m.d.sync += at.eq(Mux(end, 0, at + 1))
        with m.If(self.clear):
            m.d.sync += at.eq(0)
        return m


class Frames(Part):
    """Commands in, answers out: what a byte of the line is, and whether a command is carried out.

    A frame counts when all of it is there and its CRC is right. After any error of the line the board waits until the
    line has been quiet, then answers with the error's name. A command with the sequence number of the one before is
    answered again and not carried out again, but for `Command.IDENTIFY` and `Command.RESET`, which may be repeated.

    Parameters
    ----------
    inbox, outbox : int
        Bytes of the buffers.
    quiet : int
        Ticks without a byte after which a frame that has begun is dropped.
    identity : bytes
        The payload of the answer to `Command.IDENTIFY`.

    Members
    -------
    data, valid, error, busy : ``In(8)``, ``In(1)``, ``In(1)``, ``In(1)``
        As a `Receiver` gives them.
    send, send_valid, send_ready, tick : ``Out(8)``, ``Out(1)``, ``In(1)``, ``In(1)``
        As a `Transmitter` takes them.
    put, commit, drop, room : ``Out(1)``, ``Out(1)``, ``Out(1)``, ``In``
        Of the `Inbox`; the byte is ``data``.
    result, step, free, again, waiting : ``In(8)``, ``Out(1)``, ``Out(1)``, ``Out(1)``, ``In``
        Of the `Outbox`.
    flags : ``In(2)``
        What is sent above the status.
    clear : ``Out(1)``
        One cycle: `Command.RESET`.
    working, failed : ``Out(1)``
        A command or an answer is on its way; the last command was not carried out.
    """

    data: Signal
    valid: Signal
    error: Signal
    busy: Signal
    send: Signal
    send_valid: Signal
    send_ready: Signal
    tick: Signal
    put: Signal
    commit: Signal
    drop: Signal
    room: Signal
    result: Signal
    step: Signal
    free: Signal
    again: Signal
    waiting: Signal
    flags: Signal
    clear: Signal
    working: Signal
    failed: Signal

    def __init__(self, inbox: int, outbox: int, quiet: int, identity: bytes) -> None:
        self.inbox, self.outbox, self.quiet, self.identity = inbox, outbox, quiet, identity
        super().__init__({
            "data": In(8), "valid": In(1), "error": In(1), "busy": In(1),
            "send": Out(8), "send_valid": Out(1), "send_ready": In(1), "tick": In(1),
            "put": Out(1), "commit": Out(1), "drop": Out(1), "room": In(inbox.bit_length()),
            "result": In(8), "step": Out(1), "free": Out(1), "again": Out(1), "waiting": In(outbox.bit_length()),
            "flags": In(2), "clear": Out(1), "working": Out(1), "failed": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = Crc()
        head = Signal(32, reset_less=True, name="head")  # of the command: its bytes after the first
        which, sequence, length = head[:8], head[8:16], head[16:]
        left = Signal(16, reset_less=True, name="left")  # bytes of the payload to come, of a command or an answer
        at = Signal(range(max(len(self.identity), 8)), name="at")  # which byte of a head, of a tail, of the identity
        before, any_before = Signal(8, reset_less=True, name="before"), Signal(name="any_before")
        answered = Signal(self.outbox.bit_length(), reset_less=True, name="answered")  # results in the last answer
        status = Signal(4, name="status")
        # No `Switch`: of one with all its cases Yosys makes a memory.
        identity = Const(int.from_bytes(self.identity, "little"), 8 * len(self.identity))

        write, read = named(m, "write", which == Command.WRITE), named(m, "read", which == Command.READ)
        reset, identify = named(m, "reset", which == Command.RESET), named(m, "identify", which == Command.IDENTIFY)
        repeated = named(m, "repeated", any_before & (sequence == before) & (write | read))
        long = named(m, "long", length > Mux(write, self.inbox, 0))
        fits = Signal(reset_less=True, name="fits")  # as it was when the payload began: there may be more room by now
        done = Signal(name="done")  # a command is carried out
        got, go = Signal(name="got"), Signal(name="go")  # a byte of a frame comes, goes
        ended, final = named(m, "ended", at == frames.TAIL - 1), named(m, "final", left == 1)
        silent = self._silent(m)

        with m.FSM(name="frame") as machine:
            with m.State("IDLE"):
                m.d.sync += at.eq(0)
                with m.If(self.error):
                    self._fail(m, status, Status.FRAMING)
                with m.Elif(self.valid & (self.data == frames.COMMAND_SYNC)):
                    m.next = "HEAD"
                with m.Elif(self.valid):
                    self._fail(m, status, Status.GARBAGE)
            with m.State("HEAD"):
                with m.If(got):
                    m.d.sync += [head.eq(Cat(head, self.data)[8:]), at.eq(at + 1)]
                    with m.If(at == frames.COMMAND_HEAD - 2):
                        m.next = "SIZE"
                self._watch(m, status, silent)
            with m.State("SIZE"):
                m.d.sync += [left.eq(length), at.eq(0), fits.eq(repeated | (length <= self.room))]
                m.next = "BODY"
                with m.If(~length.any()):
                    m.next = "TAIL"
            with m.State("BODY"):
                with m.If(got):
                    m.d.sync += left.eq(left - 1)
                    with m.If(final):
                        m.next = "TAIL"
                self._watch(m, status, silent)
            with m.State("TAIL"):
                with m.If(got):
                    m.d.sync += at.eq(at + 1)
                    with m.If(ended):
                        m.next = "CHECK"
                self._watch(m, status, silent)
            with m.State("CHECK"), m.If(~crc.busy):
                m.next = "REPLY"
                with m.If(~crc.right):
                    self._fail(m, status, Status.BAD_CRC)
                with m.Elif(~(write | read | reset | identify)):
                    m.d.sync += status.eq(Status.UNKNOWN)
                with m.Elif(long):
                    m.d.sync += status.eq(Status.TOO_LONG)
                with m.Elif(~fits):
                    m.d.sync += status.eq(Status.FULL)
                with m.Else():
                    m.d.sync += status.eq(Status.DONE)
                    m.d.comb += done.eq(1)
            with m.State("DRAIN"), m.If(silent):
                m.next = "REPLY"
            with m.State("REPLY"):
                size = Mux(identify, len(self.identity), Mux(read, answered, 0))
                m.d.sync += [at.eq(0), left.eq(Mux(status.any(), 0, size))]
                m.next = "SEND_HEAD"
            with m.State("SEND_HEAD"):
                words = Cat(Const(frames.ANSWER_SYNC, 8), status, Const(0, 2), self.flags, sequence, left,
                            self.room, Const(0, 16 - len(self.room)))
                m.d.comb += self.send.eq(_byte(words, at))
                with m.If(go):
                    m.d.sync += at.eq(at + 1)
                    with m.If(at == frames.ANSWER_HEAD - 1):
                        m.d.sync += at.eq(0)
                        m.next = "SEND_BODY"
                        with m.If(~left.any()):
                            m.next = "SEND_TAIL"
            with m.State("SEND_BODY"):
                m.d.comb += self.send.eq(Mux(identify, _byte(identity, at), self.result))
                with m.If(go):
                    m.d.sync += [at.eq(at + 1), left.eq(left - 1)]
                    with m.If(final):
                        m.d.sync += at.eq(0)
                        m.next = "SEND_TAIL"
            with m.State("SEND_TAIL"):
                m.d.comb += self.send.eq(crc.low)
                with m.If(go):
                    m.d.sync += at.eq(at + 1)
                    with m.If(ended):
                        m.next = "IDLE"

        idle, body = machine.ongoing("IDLE"), machine.ongoing("SEND_BODY")
        heads, tails = machine.ongoing("SEND_HEAD"), machine.ongoing("SEND_TAIL")
        m.d.comb += [
            got.eq(self.valid & (machine.ongoing("HEAD") | machine.ongoing("BODY") | machine.ongoing("TAIL"))),
            self.send_valid.eq((heads | body | tails) & ~crc.busy), go.eq(self.send_valid & self.send_ready),
            # The first byte of a frame is not of those that the CRC is taken of.
            crc.clear.eq(idle | machine.ongoing("REPLY")), crc.start.eq(got | (go & ~(heads & ~at.any()))),
            crc.data.eq(Mux(got, self.data, self.send)), crc.plain.eq(tails),
            self.put.eq(got & machine.ongoing("BODY") & write & fits & ~repeated), self.drop.eq(idle),
            self.commit.eq(done & write & ~repeated), self.clear.eq(done & reset),
            self.step.eq(go & body & read), self.again.eq(done & repeated), self.free.eq(done & ~repeated),
            self.working.eq(~idle), self.failed.eq(status.any()),
        ]
        with m.If(done & ~repeated):
            m.d.sync += [before.eq(sequence), any_before.eq(1), answered.eq(Mux(read, self.waiting, 0))]
        return m

    def _silent(self, m):
        """Whether the line has been quiet for as long as ends a frame."""
        quiet = Signal(range(self.quiet + 1), name="quiet")
        silent = named(m, "silent", quiet == self.quiet)
        with m.If(self.busy | self.valid | self.error):
            m.d.sync += quiet.eq(0)
        with m.Elif(self.tick & ~silent):
            m.d.sync += quiet.eq(quiet + 1)
        return silent

    def _watch(self, m, status, silent):
        """What may end a frame before its end."""
        with m.If(self.error):
            self._fail(m, status, Status.FRAMING)
        with m.Elif(silent):
            self._fail(m, status, Status.CUT_SHORT)

    def _fail(self, m, status, why):
        """Wait until the line is quiet: where the next frame begins is not known before."""
        m.d.sync += status.eq(why)
        m.next = "DRAIN"


class Link(Part):
    """Between the bytes of a line and the streams of a matrix multiplier: frames, and a buffer on either side.

    Timing: the line's; a byte needs 10 cycles and more. Nothing here waits for the core but bytes in the buffers: what
    finds no room is refused, and results that find none hold the core up until they are read.

    Parameters
    ----------
    slug : str
        What the board says it is.
    sizes : tuple of int
        Bytes of a beat, by stream, the results' last.
    places : bool
        Whether the core must be told places.
    quiet : int
        As for `Frames`.
    buffer : int
        Bytes of either buffer, a power of two.

    Members
    -------
    data, valid, error, busy, send, send_valid, send_ready, tick
        As for `Frames`.
    i_data, i_last, i_valid, i_ready, place, top
        As for `Loader`.
    o_data, o_valid, o_ready : ``In``, ``In(1)``, ``Out(1)``
        Results.
    core_error : ``In(1)``
    clear, working, failed : ``Out(1)``
        As for `Frames`.

    Raises
    ------
    Refusal
        If the buffers are no such size, or too small for a record.
    """

    data: Signal
    valid: Signal
    error: Signal
    busy: Signal
    send: Signal
    send_valid: Signal
    send_ready: Signal
    tick: Signal
    i_data: Signal
    i_last: Signal
    i_valid: Signal
    i_ready: Signal
    place: Signal
    top: Signal
    o_data: Signal
    o_valid: Signal
    o_ready: Signal
    core_error: Signal
    clear: Signal
    working: Signal
    failed: Signal

    def __init__(self, slug: str, sizes: tuple[int, ...], places: bool, quiet: int, buffer: int = BUFFER) -> None:
        if buffer & (buffer - 1) or not 2 <= buffer <= frames.MAX_BUFFER:
            raise Refusal(f"Buffers must be a power of two from 2 to {frames.MAX_BUFFER} bytes, not {buffer}")
        if max(sizes) >= buffer:
            raise Refusal(f"Buffers must hold a beat of {max(sizes)} bytes and one byte more, not {buffer}")
        self.slug, self.sizes, self.places, self.quiet, self.buffer = slug, sizes, places, quiet, buffer
        self.loader = Loader(sizes[:-1], places)
        super().__init__({
            "data": In(8), "valid": In(1), "error": In(1), "busy": In(1),
            "send": Out(8), "send_valid": Out(1), "send_ready": In(1), "tick": In(1),
            "i_data": Out(len(self.loader.data)), "i_last": Out(1), "i_valid": Out(len(sizes) - 1),
            "i_ready": In(len(sizes) - 1), "place": Out(16 * places), "top": Out(16 * places),
            "o_data": In(8 * sizes[-1]), "o_valid": In(1), "o_ready": Out(1), "core_error": In(1),
            "clear": Out(1), "working": Out(1), "failed": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        identity = frames.identity(self.slug, self.buffer, self.buffer)
        m.submodules.frames = frame = Frames(self.buffer, self.buffer, self.quiet, identity)
        m.submodules.inbox, m.submodules.outbox = inbox, outbox = Inbox(self.buffer), Outbox(self.buffer)
        m.submodules.loader, m.submodules.unloader = loader, unloader = self.loader, Unloader(self.sizes[-1])
        m.d.comb += [getattr(frame, name).eq(getattr(self, name)) for name in ("data", "valid", "error", "busy",
                                                                             "send_ready", "tick")]
        m.d.comb += [getattr(self, name).eq(getattr(frame, name)) for name in ("send", "send_valid", "clear", "working",
                                                                             "failed")]
        m.d.comb += [each.clear.eq(frame.clear) for each in (inbox, outbox, loader, unloader)]
        m.d.comb += [
            inbox.i.eq(self.data), inbox.put.eq(frame.put), inbox.commit.eq(frame.commit), inbox.drop.eq(frame.drop),
            frame.room.eq(inbox.room),
            loader.i.eq(inbox.o), loader.i_valid.eq(inbox.valid), inbox.ready.eq(loader.i_ready),
            self.i_data.eq(loader.data), self.i_last.eq(loader.last), self.i_valid.eq(loader.valid),
            loader.ready.eq(self.i_ready), self.place.eq(loader.place), self.top.eq(loader.top),
            unloader.data.eq(self.o_data), unloader.valid.eq(self.o_valid), self.o_ready.eq(unloader.ready),
            outbox.i.eq(unloader.o), outbox.i_valid.eq(unloader.o_valid), unloader.o_ready.eq(outbox.i_ready),
            frame.result.eq(outbox.o), frame.waiting.eq(outbox.waiting), outbox.step.eq(frame.step),
            outbox.free.eq(frame.free), outbox.again.eq(frame.again),
            frame.flags.eq(Cat(loader.error, self.core_error)),
        ]
        return m


class LinkTop(Part):
    """A matrix multiplier with a serial line for all its ports (`lmul.hdl.frames` has what goes over it).

    Timing: the line's. Reset drops everything, in the core as well.

    Parameters
    ----------
    design : Design
        A ``matmul`` of an array or of a tile.
    clock_hz, baud : float
    buffer : int
        As for `Link`.
    quiet : int or None
        Bits of silence that end a frame; None for `QUIET_BYTES` or `QUIET_SECONDS`.

    Members
    -------
    clk, rst : ``In(1)``
    rx, tx : ``In(1)``, ``Out(1)``
    working, failed : ``Out(1)``
        For lights: a command or an answer is on its way; the last command was not carried out.

    Raises
    ------
    Refusal
        If the design has no streams, or the baud rate cannot be had.
    """

    rx: Signal
    tx: Signal
    working: Signal
    failed: Signal

    def __init__(self, design: Design, clock_hz: float, baud: float, buffer: int = BUFFER,
                 quiet: int | None = None) -> None:
        if not design.declared.bus:
            raise Refusal(f"Design must be a matmul to be driven over a serial line, not {design.slug!r}")
        self.divisor = divisor(clock_hz, baud)
        self.core: Any = design.declared.component(design)
        self.streams = streams(design)
        self.link = Link(design.slug, tuple(stream.size for stream in self.streams.values()), has_places(design),
                         quiet or max(10 * QUIET_BYTES, round(baud * QUIET_SECONDS)), buffer)
        super().__init__({"rx": In(1), "tx": Out(1), "working": Out(1), "failed": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = Receiver(self.divisor)
        m.submodules.transmitter = transmitter = Transmitter(self.divisor)
        m.submodules.link, m.submodules.core = link, core = self.link, self.core
        m.d.comb += [
            receiver.rx.eq(self.rx), link.data.eq(receiver.data), link.valid.eq(receiver.valid),
            link.error.eq(receiver.error), link.busy.eq(receiver.busy),
            self.tx.eq(transmitter.tx), transmitter.data.eq(link.send), transmitter.valid.eq(link.send_valid),
            link.send_ready.eq(transmitter.ready), link.tick.eq(transmitter.tick),
            self.working.eq(link.working), self.failed.eq(link.failed),
            core.aclk.eq(ClockSignal()), core.aresetn.eq(~(ResetSignal() | link.clear)),
            link.o_data.eq(core.m_axis_c_tdata), link.o_valid.eq(core.m_axis_c_tvalid),
            core.m_axis_c_tready.eq(link.o_ready),
        ]
        ignored(m, "last", core.m_axis_c_tlast)  # a host knows how many results it waits for
        for name, stream in self.streams.items():
            if name == "c":
                continue
            data = getattr(core, f"s_axis_{name}_tdata")
            m.d.comb += [data.eq(link.i_data[-len(data):]),
                         getattr(core, f"s_axis_{name}_tvalid").eq(link.i_valid[stream.index])]
            if hasattr(core, f"s_axis_{name}_tlast"):
                m.d.comb += getattr(core, f"s_axis_{name}_tlast").eq(link.i_last)
        m.d.comb += link.i_ready.eq(Cat(getattr(core, f"s_axis_{name}_tready") for name in self.streams if name != "c"))
        if hasattr(core, "error"):
            m.d.comb += [link.core_error.eq(core.error), core.place.eq(link.place), core.top.eq(link.top)]
            ignored(m, "places", Cat(link.place[len(core.place):], link.top[len(core.top):]))
        return m


def _byte(word: Value, at: Value) -> Value:
    """The byte of a word at a place, 0 beyond its end."""
    count = -(-len(word) // 8)
    bits = (count - 1).bit_length()
    return looked_up(at[:bits], lanes(Cat(word, Const(0, 8 * (1 << bits) - len(word))), 1 << bits))
