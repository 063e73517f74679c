"""Matrix multiplication cores: a tile behind AXI4-Stream, whose partial sums go round through a memory."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, Module, Mux, ResetSignal, Signal, unsigned
from amaranth.lib.memory import Memory, MemoryData, ReadPort, WritePort
from amaranth.lib.wiring import In, Out

from ..golden.refusal import Refusal
from ..golden.tile import Tile as Specification
from .axis import Buffer, Elements, Turns
from .fixed import FixedDrain
from .operand import ignored, named, passed
from .part import Part
from .systolic import lanes
from .tile import Tile, top_bits
from .tile_lanes import place_width

ROWS = 256  # of partial sums
MAX_ROWS = 1 << 16
#: In several stages: cycles that must lie between two vectors if the second needs the first one's sum.
SETTLING = 3


class Queue(Part):
    """A few words that wait, first in first out.

    Timing: a word may leave in the cycle after the one in which it came, and in every cycle one may come and one leave.
    The words must not be more than ``depth``, nor be taken where there is none.

    Members
    -------
    push, i : ``In(1)``, ``In(width)``
    pop, o : ``In(1)``, ``Out(width)``
        The word that came first.
    """

    push: Signal
    i: Signal
    pop: Signal
    o: Signal

    def __init__(self, width: int, depth: int) -> None:
        self.width, self.depth = width, depth
        super().__init__({"push": In(1), "i": In(width), "pop": In(1), "o": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = [Signal(self.width, reset_less=True, name=f"word_{n}") for n in range(self.depth)]
        # Where the next word goes, one-hot: bit n of 0b0100 says that two words wait.
        free = Signal(self.depth + 1, init=1, name="free")
        kept = Mux(self.pop, free >> 1, free)[: self.depth + 1]
        # A word that is free takes whatever there is, for ``push`` comes late; what it took counts if that is high.
        for n, word in enumerate(words):
            with m.If(self.pop):
                m.d.sync += word.eq(Mux(free[: n + 2].any(), self.i, words[n + 1]) if n + 1 < self.depth else self.i)
            with m.Elif(free[: n + 1].any()):
                m.d.sync += word.eq(self.i)
        m.d.sync += free.eq(Mux(self.push, kept << 1, kept))
        m.d.comb += self.o.eq(words[0])
        return m


class Sums(Part):
    """Partial sums that wait for the pass that adds to them: a memory of ``rows``, first in first out.

    The memory has a port that writes and one that reads in the cycle after, as block RAM has; its contents are not
    reset. The sum that is next is kept in the port's register, or in one behind that.

    Timing: a sum may leave 2 cycles after the one in which it came, or 3; one may come and one leave in each cycle.

    Parameters
    ----------
    width : int
    rows : int
        A power of two.
    apart : bool
        Whether there is a register behind the port's, for block RAM whose own is slow. Then there is room without
        asking: sums that wait must not be more than ``rows``.

    Members
    -------
    i, i_valid, i_ready : ``In(width)``, ``In(1)``, ``Out(1)``
    o, o_valid, o_ready : ``Out(width)``, ``Out(1)``, ``In(1)``
    """

    roles = {"*": "accumulator", "written": "control", "read": "control", "o_valid": "control"}

    i: Signal
    i_valid: Signal
    i_ready: Signal
    o: Signal
    o_valid: Signal
    o_ready: Signal

    def __init__(self, width: int, rows: int, apart: bool = False) -> None:
        self.width, self.rows, self.apart = width, rows, apart
        super().__init__({"i": In(width), "i_valid": In(1), "i_ready": Out(1),
                          "o": Out(width), "o_valid": Out(1), "o_ready": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = (self.rows - 1).bit_length()
        data = MemoryData(shape=unsigned(self.width), depth=self.rows, init=[])
        data.name = "rows"  # given, as it is found in the bytecode otherwise
        m.submodules.memory = memory = Memory(data)
        # Ports whose names are given: `memory.write_port()` would look for them in the bytecode.
        shape = {"addr_width": bits, "shape": unsigned(self.width)}
        write: Any = WritePort(WritePort.Signature(**shape), memory=memory, domain="sync", path=("write",))
        read_port: Any = ReadPort(ReadPort.Signature(**shape), memory=memory, domain="sync", path=("read_port",))
        # How many were written and read: equal, or but for the top bit equal where the memory is full. Apart it never
        # is, for what waits first has left it by then, and without that bit Yosys sees that no row which is read is
        # written meanwhile.
        written, read = (Signal(bits + 1 - self.apart, name=name) for name in ("written", "read"))
        full = Const(0) if self.apart else named(m, "full", written == read ^ self.rows)
        put = named(m, "put", self.i_valid & ~full)
        move = ~self.o_valid | self.o_ready
        got = Signal(name="got") if self.apart else self.o_valid  # whether there is one in the port's register
        get = named(m, "get", (written != read) & (~got | move if self.apart else move))
        m.d.comb += [
            self.i_ready.eq(~full), write.en.eq(put), write.addr.eq(written[:bits]), write.data.eq(self.i),
            read_port.en.eq(get), read_port.addr.eq(read[:bits]),
            self.o.eq(passed(m, "next", read_port.data, got & move) if self.apart else read_port.data),
        ]
        with m.If(put):
            m.d.sync += written.eq(written + 1)
        with m.If(get):
            m.d.sync += read.eq(read + 1)
        if self.apart:
            m.d.sync += [got.eq(get | (got & ~move)), self.o_valid.eq(got | ~move)]
        else:
            m.d.sync += self.o_valid.eq(get | (self.o_valid & ~self.o_ready))
        return m


@dataclass(frozen=True)
class Word:
    """What is drained: an integer in two's complement, and above it the flag of NaN where there is one."""

    bits: int
    flags: int
    unit: int = 0


def drain_steps(stages: int) -> int:
    """Cycles that rounding takes in a core whose tile has so many stages."""
    return 1 if stages == 1 else 4


class Results(Part):
    """Partial sums of one column each to results: fp32 with one rounding, NaN where flagged; or the word itself.

    Timing: ``latency`` cycles with ``en``, none for integers without blocks.

    Parameters
    ----------
    tile : Specification
    cols : int
    steps : int
        Cycles of rounding.

    Members
    -------
    en : ``In(1)``
    sums : ``In(cols * (word_bits + flags))``
    results : ``Out(cols * tile.result.width)``
    """

    roles = {"*": "drain"}

    en: Signal
    sums: Signal
    results: Signal

    def __init__(self, tile: Specification, cols: int, steps: int = 1) -> None:
        self.tile, self.cols, self.steps = tile, cols, steps
        self.drain = None if tile.result.integer else FixedDrain(Word(tile.word_bits, tile.flags), 1, steps)
        self.latency = self.drain.latency if self.drain else 0
        super().__init__({"en": In(int(self.drain is not None)), "sums": In(cols * (tile.word_bits + tile.flags)),
                          "results": Out(cols * tile.result.width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        results = lanes(self.sums, self.cols)
        if self.drain is not None:
            for n, total in enumerate(results):
                m.submodules[f"drain_{n}"] = drain = FixedDrain(self.drain.window, 1, self.steps)
                m.d.comb += [drain.en.eq(self.en), drain.raw.eq(total)]
                results[n] = drain.c
        m.d.comb += self.results.eq(Cat(results))
        return m


class TileMatmul(Part):
    """A tile with AXI4-Streams (AMBA 4 AXI4-Stream, ARM IHI 0051A) for weights, vectors, scales and results.

    A *run* is a product of (rows, depth) by (depth, cols) matrices, in passes of N, the tile's lanes, of the depth:
    rows n*N to n*N + N - 1 of B are the weights of pass n, and columns n*N to n*N + N - 1 of A its vectors, row 0 of A
    first. What is missing of the last N is filled up with neutral codes. Sums of the passes before the last wait in a
    memory. Results are rows of the product: fp32 with one rounding, NaN for a sum that a NaN or Inf went into; of
    integers without blocks the sum. What is computed says :mod:`lmul.golden.tile_sums`.

    Element i of a beat is in the low bits of bytes i*B to i*B + B - 1 of ``tdata``, with B the fewest bytes that hold
    it. Bits above a code are ignored in operands and 0 in results.

    Timing: weights are taken a tile ahead. Passes of V vectors take max(V, N) cycles each, run after run, while no
    stream stalls; where both are 2 or less, or in several stages 3, a pass may wait a cycle for the sums of the pass
    before. ``latency`` cycles pass from the one that takes a vector of a run's last pass, its weights being in place,
    to the one that offers its row of results. Streams do not depend on each other within a cycle. In several stages
    tile and rounding move as a whole: while two rows of results wait for who takes them, both hold.

    Reset, also in the middle of a run, drops everything.

    Parameters
    ----------
    tile : Specification
    cols : int
        1 to 64.
    stages : int
        Of the tile. With more than 1 there is a register behind the memory, and rounding takes `drain_steps` cycles.
    rows : int
        Of partial sums: how many vectors passes may have where a run has several. A power of two from 2 on.
    clocked : bool
        Whether it has a clock and a reset of its own; else it lives in the ``sync`` domain of what is around it.

    Members
    -------
    aclk, aresetn : ``In(1)``
        Where ``clocked``.
    s_axis_b_* : AXI4-Stream of ``cols`` codes
        Rows of weights. ``tlast`` with the last row of the run's last tile, and counts in no other row.
    s_axis_bs_* : AXI4-Stream of ``cols`` codes, without ``tlast``
        Where ``b`` is in blocks: the columns' scales, one beat for each tile of weights.
    s_axis_a_* : AXI4-Stream of ``lanes`` codes
        Vectors. ``tlast`` with the last one of a pass.
    s_axis_as_* : AXI4-Stream of one code, without ``tlast``
        Where ``a`` is in blocks: each vector's scale.
    m_axis_c_* : AXI4-Stream of ``cols`` codes of ``tile.result``
        Rows of results. ``tlast`` with the last one of a run.
    place : ``In``
        As the tile's; taken with each row of weights, in a run always the same.
    top : ``In``
        As the tile's; taken with each vector, in a run always the same.
    error : ``Out(1)``
        Until reset: a run has had several passes, of more vectors than there are ``rows``, or not all of as many. From
        then on no vectors are taken.

    Raises
    ------
    Refusal
        If there are too few or too many columns, or ``rows`` is no such power of two.
    """

    roles = {"buffer_*": "operand registers", "buffer_c": "drain", "tile": "control", "vectors": "control",
             "passes": "control"}

    aclk: Signal
    aresetn: Signal
    m_axis_c_tdata: Signal
    m_axis_c_tvalid: Signal
    m_axis_c_tready: Signal
    m_axis_c_tlast: Signal
    place: Signal
    top: Signal
    error: Signal

    def __init__(self, tile: Specification, cols: int, stages: int = 1, rows: int = ROWS,
                 clocked: bool = True) -> None:
        if not 1 <= cols <= 64:
            raise Refusal(f"Columns of a tile must be 1 to 64, not {cols}")
        if not 2 <= rows <= MAX_ROWS or rows & (rows - 1):
            raise Refusal(f"Rows of partial sums must be a power of two from 2 to {MAX_ROWS}, not {rows}")
        self.tile, self.cols, self.rows, self.clocked = tile, cols, rows, clocked
        self.core, self.out = Tile(tile, cols, ahead=True, stages=stages), Results(tile, cols, drain_steps(stages))
        self.latency = self.core.latency + self.out.latency + 2
        spec = tile.multiplier
        self.streams = {"a": Elements(tile.lanes, spec.a)}
        if tile.a_block:
            self.streams["as"] = Elements(1, tile.a_block.scale)
        self.streams["b"] = Elements(cols, spec.b)
        if tile.b_block:
            self.streams["bs"] = Elements(cols, tile.b_block.scale)
        self._of_vectors = Turns if stages > 1 else Buffer  # with more, the clock is one that the tile's stalls limit
        self.result = Elements(cols, tile.result)
        super().__init__({
            **({"aclk": In(1), "aresetn": In(1)} if clocked else {}),
            **{f"s_axis_{name}_{signal}": member for name, each in self.streams.items()
               for signal, member in _signals(each, In, Out, last=len(name) == 1).items()},
            **{f"m_axis_c_{signal}": member for signal, member in _signals(self.result, Out, In, last=True).items()},
            "place": In(place_width(tile)), "top": In(top_bits(tile)), "error": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.clocked:
            m.domains.sync = ClockDomain("sync")
            m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        m.submodules.tile = core = self.core
        place, top = self.place, self.top
        b, a = self._buffered(m, "b", place), self._buffered(m, "a", top, self._of_vectors)
        last_pass = self._weights(m, b)
        first = Signal(init=1, name="first")  # no pass of the run has ended
        take = self._vectors(m, a, first, last_pass)
        with m.If(take & core.i_a.last):
            m.d.sync += first.eq(last_pass)
        self._sums(m, take, first, last_pass)
        return m

    def _buffered(self, m, name, beside=None, kind: type[Buffer] | type[Turns] = Buffer):
        """A stream's buffer, of a kind, which takes ``beside`` along above the codes."""
        each, beside = self.streams[name], Const(0, 0) if beside is None else beside
        data = getattr(self, f"s_axis_{name}_tdata")
        m.submodules[f"buffer_{name}"] = buffer = kind(each.count * each.fmt.width + len(beside))
        last = getattr(self, f"s_axis_{name}_tlast", Const(0))
        m.d.comb += [
            buffer.i.data.eq(Cat(each.codes(data), beside)), buffer.i.last.eq(last),
            buffer.i.valid.eq(getattr(self, f"s_axis_{name}_tvalid")),
            getattr(self, f"s_axis_{name}_tready").eq(buffer.i.ready),
        ]
        ignored(m, name, each.padding(data))
        return buffer.o

    def _weights(self, m, b):
        """Rows to the tile; gives whether the pass of the weights in place is its run's last."""
        core, count = self.core, self.tile.lanes
        row = Signal(range(count), name="row")
        end = named(m, "rows_end", row == count - 1)
        codes = len(core.i_b.data)
        if "bs" in self.streams:
            scales = self._buffered(m, "bs")
            codes -= len(scales.data)
            may = scales.valid
            m.d.comb += [core.i_b.data.eq(Cat(b.data[:codes], scales.data)),
                         scales.ready.eq(core.i_b.ready & b.valid & end)]
        else:
            may = Const(1)
            m.d.comb += core.i_b.data.eq(b.data[:codes])
        # Whether a beat is there is not asked for where it is let go: the tile's ``ready`` comes late as it is.
        m.d.comb += [core.i_b.valid.eq(b.valid & may), b.ready.eq(core.i_b.ready & may), core.place.eq(b.data[codes:])]
        taken = named(m, "row_taken", core.i_b.ready & core.i_b.valid)
        with m.If(taken):
            m.d.sync += row.eq(Mux(end, 0, row + 1))
        # Of the weights in place, and of those that wait.
        m.submodules.passes = passes = Queue(1, 2)
        m.d.comb += [passes.push.eq(taken & end), passes.i.eq(b.last),
                     passes.pop.eq(core.i_a.valid & core.i_a.ready & core.i_a.last)]
        return passes.o

    def _vectors(self, m, a, first, last_pass):
        """Vectors to the tile, as long as a run is as it must be; gives whether one is taken."""
        core = self.core
        codes = len(core.i_a.data)
        few = Signal(SETTLING, name="few") if core.paced else None
        clear = ~self.error if few is None else named(m, "clear", ~self.error & ~self._too_soon(m, few, first))
        if "as" in self.streams:
            scale = self._buffered(m, "as", kind=self._of_vectors)
            codes -= len(scale.data)
            may = named(m, "may", scale.valid & clear)
            m.d.comb += [core.i_a.data.eq(Cat(a.data[:codes], scale.data)),
                         scale.ready.eq(core.i_a.ready & a.valid & clear)]
        else:
            may = named(m, "may", clear)
            m.d.comb += core.i_a.data.eq(a.data[:codes])
        valid = named(m, "vector_valid", a.valid & may)
        take = named(m, "take", core.i_a.ready & valid)
        m.d.comb += [core.i_a.valid.eq(valid), core.i_a.last.eq(a.last), a.ready.eq(core.i_a.ready & may),
                     core.top.eq(a.data[codes:])]
        # Which vector of its pass it is, and which the first pass ended with. There is a last one of ROWS + 1, beyond
        # the memory, where the count stays: passes that are alone may have any number.
        index, ended = Signal(range(self.rows + 1), name="index"), Signal(range(self.rows + 1), name="ended")
        many = named(m, "many", index[-1] & ~(first & last_pass))
        uneven = named(m, "uneven", ~first & (a.last != (index == ended)))
        with m.If(take):
            m.d.sync += [index.eq(Mux(a.last, 0, index + ~index[-1])), self.error.eq(many | uneven)]
            with m.If(first & a.last):
                m.d.sync += ended.eq(index)
                if few is not None:
                    m.d.sync += few.eq(Cat(index == n for n in range(SETTLING)))
        return take

    def _too_soon(self, m, few, first):
        """Whether the sum of the pass before might not have left the memory yet when the next vector needs it. That sum
        is of the vector so many before as a pass has, which ``few`` tells, one-hot from one on."""
        core = self.core
        recent = Signal(SETTLING, name="recent")  # in which cycles vectors were taken, the latest lowest
        with m.If(core.o.ready):
            m.d.sync += recent.eq(Cat(core.i_a.valid & core.i_a.ready, recent))
        least = [Cat(Cat(recent[n] for n in some).all() for some in combinations(range(SETTLING), count + 1)).any()
                 for count in range(SETTLING)]
        return named(m, "too_soon", ~first & (few & Cat(least)).any())

    def _sums(self, m, take, first, last_pass):
        """Partial sums to the tile; and those that it gives to the memory, or the last to the results."""
        core, out = self.core, self.out
        m.submodules.sums = sums = Sums(len(core.o.data), self.rows, self.core.stages > 1)
        # Of the vectors in the tile: whether their pass is the first, the last. Then of the sums that it offers.
        added = named(m, "added", core.i_c.valid & core.i_c.ready)
        if core.paced:
            stages = [Cat(first, last_pass)]
            for n in range(core.latency - 1):
                stages.append(passed(m, f"vectors_{n}", stages[-1], core.o.ready))
            begins, ends = stages[-1]
            m.d.comb += core.i_c.valid.eq(1)  # see `_too_soon`
        else:
            m.submodules.vectors = vectors = Queue(2, core.latency - 1)
            begins, ends = vectors.o[0], vectors.o[1]
            m.d.comb += [vectors.push.eq(take), vectors.i.eq(Cat(first, last_pass)), vectors.pop.eq(added),
                         core.i_c.valid.eq(begins | sums.o_valid)]
        m.d.comb += [
            sums.o_ready.eq(core.i_c.ready & ~begins),
            core.i_c.data.eq(sums.o & ~begins.replicate(len(sums.o))),
        ]
        done = Signal(name="done")
        with m.If(added):
            m.d.sync += done.eq(ends)

        m.submodules.buffer_c = buffer = Buffer(len(out.results))
        coming, lasts = Signal(out.latency, name="coming"), Signal(out.latency, name="lasts")
        leaves = named(m, "leaves", core.o.valid & done)
        found, found_last = Cat(leaves, coming)[-1], Cat(core.o.last, lasts)[-1]
        # In several stages all moves at once, or nothing, and a register says which.
        step = buffer.i.ready if core.paced else named(m, "step", ~found | buffer.i.ready)
        m.submodules.results = out
        m.d.comb += [
            sums.i.eq(core.o.data),
            sums.i_valid.eq(core.o.valid & ~done & step if core.paced else core.o.valid & ~done),
            core.o.ready.eq(step if core.paced else Mux(done, step, sums.i_ready)),
            # What is no result does not get as far as the drains.
            out.sums.eq(core.o.data & done.replicate(len(core.o.data))),
            buffer.i.data.eq(out.results), buffer.i.valid.eq(found), buffer.i.last.eq(found_last),
            buffer.o.ready.eq(self.m_axis_c_tready), self.m_axis_c_tvalid.eq(buffer.o.valid),
            self.m_axis_c_tlast.eq(buffer.o.last),
            self.m_axis_c_tdata.eq(self.result.padded(buffer.o.data & buffer.o.valid.replicate(len(buffer.o.data)))),
        ]
        if out.latency:
            moving = named(m, "moving", step & (leaves | coming.any()))
            m.d.comb += out.en.eq(moving)
            with m.If(moving):
                m.d.sync += [coming.eq(Cat(leaves, coming)), lasts.eq(Cat(core.o.last, lasts))]


def _signals(each, forth, back, last):
    """The signals of a stream of elements; ``forth`` is the way that beats go."""
    return {"tdata": forth(each.bits), "tvalid": forth(1), "tready": back(1), **({"tlast": forth(1)} if last else {})}
