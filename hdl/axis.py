"""Matrix multiplication cores: a systolic array behind AXI4-Stream."""

from typing import NamedTuple

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, Module, Mux, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..golden.formats import Format
from ..golden.refusal import Refusal
from ..golden.spec import Accumulator, Multiplier
from .operand import ignored, passed
from .part import Part
from .systolic import Beats, OutputStationaryArray, Stream, WeightStationaryArray, lanes


class Buffer(Part):
    """Two beats of storage that leave no combinational path between the sides of a stream.

    Timing: latency 1 cycle, one beat per cycle.

    Members
    -------
    i, o : ``In(Beats(width))``, ``Out(Beats(width))``
    """

    i: Stream
    o: Stream

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__({"i": In(Beats(width)), "o": Out(Beats(width))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        first = Signal(self.width + 1, reset_less=True, name="first")
        second = Signal(self.width + 1, reset_less=True, name="second")
        some, full = Signal(name="some"), Signal(name="full")
        beat, moving = Cat(self.i.data, self.i.last), self.o.ready | ~some
        with m.If(moving):
            m.d.sync += [first.eq(Mux(full, second, beat)), some.eq(full | self.i.valid), full.eq(0)]
        with m.Elif(self.i.valid & ~full):
            m.d.sync += full.eq(1)
        with m.If(~full):
            m.d.sync += second.eq(beat)
        m.d.comb += [
            self.i.ready.eq(~full),
            self.o.data.eq(first), self.o.last.eq(first[-1] & some), self.o.valid.eq(some),
        ]
        return m


class Turns(Buffer):
    """A `Buffer` whose two beats take turns: what lets a beat go, which may come late, goes to three registers and not
    to those of the data. These are one choice away from the output instead."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        some, full = Signal(name="some"), Signal(name="full")
        put, get = Signal(name="put"), Signal(name="get")
        read = Signal(name="read")  # which of the beats is next; what comes goes to it, or if it is there to the other
        beats = [passed(m, f"beat_{n}", Cat(self.i.data, self.i.last), put & ((read ^ some) == n)) for n in range(2)]
        front = Signal(self.width + 1, name="front")
        m.d.comb += [
            put.eq(self.i.valid & ~full), get.eq(some & self.o.ready), front.eq(Mux(read, *reversed(beats))),
            self.i.ready.eq(~full),
            self.o.data.eq(front), self.o.last.eq(front[-1] & some), self.o.valid.eq(some),
        ]
        m.d.sync += [read.eq(read ^ get), some.eq(put | Mux(get, full, some)), full.eq(~get & (full | (some & put)))]
        return m


class Elements(NamedTuple):
    """The beats of one AXI4-Stream: so many elements of a format, each in the low bits of its bytes."""

    count: int
    fmt: Format

    @property
    def bytes(self) -> int:
        """Of an element."""
        return -(-self.fmt.width // 8)

    @property
    def bits(self) -> int:
        """Of a beat."""
        return 8 * self.bytes * self.count

    def codes(self, data: Value) -> Value:
        """The codes of a beat of bytes, without gaps."""
        return Cat(element[: self.fmt.width] for element in lanes(data, self.count))

    def padding(self, data: Value) -> Value:
        """The bits of a beat that lie above its codes."""
        return Cat(element[self.fmt.width :] for element in lanes(data, self.count))

    def padded(self, codes: Value) -> Value:
        """A beat of bytes."""
        return Cat(Cat(code, Const(0, 8 * self.bytes - self.fmt.width)) for code in lanes(codes, self.count))


class Matmul(Part):
    """A systolic array with AXI4-Streams (AMBA 4 AXI4-Stream, ARM IHI 0051A) for operands and results.

    Beats are the array's, ``tlast`` being its ``last``; element i of a beat is in the low bits of bytes i*B to
    i*B + B - 1 of ``tdata``, with B the fewest bytes that hold it. Bits above a code are ignored in operands and 0 in
    results.

    Timing: the array's, and ``latency`` 2 cycles more; streams do not depend on each other within a cycle.
    Reset, also in the middle of a run, drops everything.

    Parameters
    ----------
    multiplier : Multiplier
    accumulator : Accumulator
    rows, cols : int
        1 to 64.
    dataflow : str
        ``os`` or ``ws``.
    clocked : bool
        Whether it has a clock and a reset of its own; else it lives in the ``sync`` domain of what is around it.

    Members
    -------
    aclk, aresetn : ``In(1)``
        Where ``clocked``.
    s_axis_a_*, s_axis_b_* : AXI4-Stream of ``rows`` and ``cols`` operand codes
    m_axis_c_* : AXI4-Stream of ``cols`` result codes

    Raises
    ------
    Refusal
        If a side is not 1 to 64, or the dataflow is neither.
    """

    roles = {"buffer_a": "operand registers", "buffer_b": "operand registers", "buffer_c": "drain"}

    aclk: Signal
    aresetn: Signal
    s_axis_a_tdata: Signal
    s_axis_a_tvalid: Signal
    s_axis_a_tready: Signal
    s_axis_a_tlast: Signal
    s_axis_b_tdata: Signal
    s_axis_b_tvalid: Signal
    s_axis_b_tready: Signal
    s_axis_b_tlast: Signal
    m_axis_c_tdata: Signal
    m_axis_c_tvalid: Signal
    m_axis_c_tready: Signal
    m_axis_c_tlast: Signal

    def __init__(self, multiplier: Multiplier, accumulator: Accumulator, rows: int, cols: int, dataflow: str,
                 clocked: bool = True) -> None:
        arrays = {"os": OutputStationaryArray, "ws": WeightStationaryArray}
        if dataflow not in arrays:
            raise Refusal(f"Dataflow must be 'os' or 'ws', not {dataflow!r}")
        self.clocked = clocked
        self.array = arrays[dataflow](multiplier, accumulator, rows, cols)
        self.latency = self.array.latency + 2
        self.a, self.b = Elements(rows, multiplier.a), Elements(cols, multiplier.b)
        self.result = Elements(cols, accumulator.result)
        super().__init__({
            **({"aclk": In(1), "aresetn": In(1)} if clocked else {}),
            "s_axis_a_tdata": In(self.a.bits),
            "s_axis_a_tvalid": In(1), "s_axis_a_tready": Out(1), "s_axis_a_tlast": In(1),
            "s_axis_b_tdata": In(self.b.bits),
            "s_axis_b_tvalid": In(1), "s_axis_b_tready": Out(1), "s_axis_b_tlast": In(1),
            "m_axis_c_tdata": Out(self.result.bits),
            "m_axis_c_tvalid": Out(1), "m_axis_c_tready": In(1), "m_axis_c_tlast": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.clocked:
            m.domains.sync = ClockDomain("sync")
            m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        m.submodules.array = array = self.array
        m.submodules.buffer_a = a = Buffer(len(array.i_a.data))
        m.submodules.buffer_b = b = Buffer(len(array.i_b.data))
        m.submodules.buffer_c = c = Buffer(len(array.o.data))
        wiring.connect(m, a.o, array.i_a)
        wiring.connect(m, b.o, array.i_b)
        wiring.connect(m, array.o, c.i)
        m.d.comb += [
            a.i.data.eq(self.a.codes(self.s_axis_a_tdata)),
            a.i.last.eq(self.s_axis_a_tlast), a.i.valid.eq(self.s_axis_a_tvalid), self.s_axis_a_tready.eq(a.i.ready),
            b.i.data.eq(self.b.codes(self.s_axis_b_tdata)),
            b.i.last.eq(self.s_axis_b_tlast), b.i.valid.eq(self.s_axis_b_tvalid), self.s_axis_b_tready.eq(b.i.ready),
            # 0 while there is none, so that nothing unknown is ever seen.
            self.m_axis_c_tdata.eq(self.result.padded(c.o.data & c.o.valid.replicate(len(c.o.data)))),
            self.m_axis_c_tlast.eq(c.o.last), self.m_axis_c_tvalid.eq(c.o.valid), c.o.ready.eq(self.m_axis_c_tready),
        ]
        ignored(m, "a", self.a.padding(self.s_axis_a_tdata))
        ignored(m, "b", self.b.padding(self.s_axis_b_tdata))
        return m
