"""Matrix multiplication cores: a systolic array behind AXI4-Stream."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, Module, Mux, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..golden.refusal import Refusal
from ..golden.spec import Accumulator, Multiplier
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

    Members
    -------
    aclk, aresetn : ``In(1)``
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
    s_axis_a_tlast: Signal
    s_axis_a_tvalid: Signal
    s_axis_a_tready: Signal
    s_axis_b_tdata: Signal
    s_axis_b_tlast: Signal
    s_axis_b_tvalid: Signal
    s_axis_b_tready: Signal
    m_axis_c_tdata: Signal
    m_axis_c_tlast: Signal
    m_axis_c_tvalid: Signal
    m_axis_c_tready: Signal

    def __init__(self, multiplier: Multiplier, accumulator: Accumulator, rows: int, cols: int, dataflow: str) -> None:
        arrays = {"os": OutputStationaryArray, "ws": WeightStationaryArray}
        if dataflow not in arrays:
            raise Refusal(f"Dataflow must be 'os' or 'ws', not {dataflow!r}")
        self.array = arrays[dataflow](multiplier, accumulator, rows, cols)
        self.latency = self.array.latency + 2
        a, b, c = (_bytes(fmt) for fmt in (multiplier.a, multiplier.b, accumulator.result))
        super().__init__({
            "aclk": In(1), "aresetn": In(1),
            "s_axis_a_tdata": In(8 * rows * a),
            "s_axis_a_tlast": In(1), "s_axis_a_tvalid": In(1), "s_axis_a_tready": Out(1),
            "s_axis_b_tdata": In(8 * cols * b),
            "s_axis_b_tlast": In(1), "s_axis_b_tvalid": In(1), "s_axis_b_tready": Out(1),
            "m_axis_c_tdata": Out(8 * cols * c),
            "m_axis_c_tlast": Out(1), "m_axis_c_tvalid": Out(1), "m_axis_c_tready": In(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
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
            a.i.data.eq(_codes(self.s_axis_a_tdata, array.rows, array.multiplier.a)),
            a.i.last.eq(self.s_axis_a_tlast), a.i.valid.eq(self.s_axis_a_tvalid), self.s_axis_a_tready.eq(a.i.ready),
            b.i.data.eq(_codes(self.s_axis_b_tdata, array.cols, array.multiplier.b)),
            b.i.last.eq(self.s_axis_b_tlast), b.i.valid.eq(self.s_axis_b_tvalid), self.s_axis_b_tready.eq(b.i.ready),
            self.m_axis_c_tdata.eq(self._result(c.o.data, c.o.valid)),
            self.m_axis_c_tlast.eq(c.o.last), self.m_axis_c_tvalid.eq(c.o.valid), c.o.ready.eq(self.m_axis_c_tready),
        ]
        for name, data, count, fmt in (("unused_a", self.s_axis_a_tdata, array.rows, array.multiplier.a),
                                       ("unused_b", self.s_axis_b_tdata, array.cols, array.multiplier.b)):
            padding = _padding(data, count, fmt)
            if len(padding):
                # Named, and kept by that name, so that a linter sees that the bits are ignored on purpose.
                unused = Signal(len(padding), name=name, attrs={"keep": 1})
                m.d.comb += unused.eq(padding)
        return m

    def _result(self, data, valid):
        """Result codes as bytes; 0 while there is none, so that nothing unknown is ever seen."""
        bits = 8 * _bytes(self.array.accumulator.result)
        return Cat(Cat(code & valid.replicate(len(code)), Const(0, bits - len(code)))
                   for code in lanes(data, self.array.cols))


def _bytes(fmt):
    """Bytes that a code takes in a beat."""
    return -(-fmt.width // 8)


def _codes(data, count, fmt):
    """The codes of a beat of bytes, without gaps."""
    return Cat(element[: fmt.width] for element in lanes(data, count))


def _padding(data, count, fmt):
    """The bits of a beat of bytes that lie above its codes."""
    return Cat(element[fmt.width :] for element in lanes(data, count))
