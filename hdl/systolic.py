"""Systolic arrays: a grid of processing elements, operands skewed on the way in, results deskewed on the way out.

Rows of elements are halved until they are single, and equal halves are one module: the Verilog of a large array is
hardly larger than a small one's.
"""

from __future__ import annotations

from typing import Protocol, Self

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..golden.refusal import Refusal
from ..golden.spec import Accumulator, Multiplier
from .accumulator import running_sum
from .addend import Addend
from .part import Part
from .pe import PE, WeightStationaryPE


class Beats(wiring.Signature):
    """A stream of vectors: a beat moves in a cycle in which ``valid`` and ``ready`` are high; ``last``, where there is
    one, ends a run."""

    def __init__(self, width: int, last: bool = True) -> None:
        super().__init__({"data": Out(width), "valid": Out(1), "ready": In(1), **({"last": Out(1)} if last else {})})


class Stream(Protocol):
    """The ports of `Beats`."""

    data: Signal
    last: Signal
    valid: Signal
    ready: Signal


class Skew(Part):
    """Delays lane i of a vector by i cycles with ``en``, or with ``reverse`` lane ``lanes - 1`` not at all and each one
    below by a cycle more. Not reset.

    Members
    -------
    en : ``In(1)``
    i, o : ``In(lanes * width)``, ``Out(lanes * width)``
    """

    en: Signal
    i: Signal
    o: Signal

    def __init__(self, lanes: int, width: int, reverse: bool = False) -> None:
        self.lanes, self.width, self.reverse = lanes, width, reverse
        super().__init__({"en": In(1), "i": In(lanes * width), "o": Out(lanes * width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for lane in range(self.lanes):
            part = slice(lane * self.width, (lane + 1) * self.width)
            delay = self.lanes - 1 - lane if self.reverse else lane
            line = Signal(delay * self.width, reset_less=True, name=f"line_{lane}")
            with m.If(self.en):
                m.d.sync += line.eq(Cat(self.i[part], line))
            m.d.comb += self.o[part].eq(Cat(self.i[part], line)[delay * self.width :])
        return m


def skew(m: Module, name: str, en: Value, vector: Value, count: int, reverse: bool = False) -> Value:
    """A vector of ``count`` lanes, delayed by a `Skew`."""
    if count == 1:
        return vector
    m.submodules[name] = delay = Skew(count, len(vector) // count, reverse)
    m.d.comb += [delay.en.eq(en), delay.i.eq(vector)]
    return delay.o


def lanes(value: Value, count: int) -> list[Value]:
    """A vector's ``count`` elements, the lowest first."""
    width = len(value) // count
    return [value[i * width : (i + 1) * width] for i in range(count)]


class Rows(Part):
    """Rows of elements: two halves, and in the end one row. A subclass says how either is made and connected."""

    en: Signal
    a: Signal
    clear: Signal
    b: Signal

    def __init__(self, multiplier: Multiplier, accumulator: Accumulator, rows: int, cols: int) -> None:
        self.multiplier, self.accumulator, self.rows, self.cols = multiplier, accumulator, rows, cols
        self.held = running_sum(accumulator, Addend.product(multiplier))
        super().__init__(self._ports())

    @property
    def module_name(self) -> str:
        return f"rows_{self.rows}" if self.rows > 1 else "row"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.rows == 1:
            self._elements(m)
        else:
            upper, lower = (type(self)(self.multiplier, self.accumulator, rows, self.cols)
                            for rows in (self.rows // 2, self.rows - self.rows // 2))
            m.submodules.upper, m.submodules.lower = upper, lower
            m.d.comb += [upper.en.eq(self.en), lower.en.eq(self.en)]
            self._halves(m, upper, lower)
        return m

    def _ports(self) -> dict[str, wiring.Member]:
        raise NotImplementedError

    def _halves(self, m: Module, upper: Self, lower: Self) -> None:
        """Connect the ports of both halves."""
        raise NotImplementedError

    def _elements(self, m: Module) -> None:
        """Make and connect the elements of one row."""
        raise NotImplementedError


class OutputStationaryRows(Rows):
    """Rows of output-stationary elements.

    One ``a`` with its ``valid`` and ``clear`` enters each row from the left, one ``b`` each column from above. Ports
    are those of `PE` as vectors: ``clear_out`` of the first row's last element, ``b_out`` of the last row; ``sum`` of
    each column, joined by OR.
    """

    valid: Signal
    clear_out: Signal
    b_out: Signal
    sum: Signal

    def _ports(self):
        b = self.cols * self.multiplier.b.width
        return {
            "en": In(1),
            "a": In(self.rows * self.multiplier.a.width), "valid": In(self.rows), "clear": In(self.rows), "b": In(b),
            "clear_out": Out(1), "b_out": Out(b), "sum": Out(self.cols * self.held.shown),
        }

    def _halves(self, m: Module, upper: Self, lower: Self) -> None:
        m.d.comb += [
            Cat(upper.a, lower.a).eq(self.a), upper.b.eq(self.b), lower.b.eq(upper.b_out), self.b_out.eq(lower.b_out),
            Cat(upper.valid, lower.valid).eq(self.valid), Cat(upper.clear, lower.clear).eq(self.clear),
            self.clear_out.eq(upper.clear_out), self.sum.eq(upper.sum | lower.sum),
        ]

    def _elements(self, m):
        pes = [PE(self.multiplier, self.accumulator) for _ in range(self.cols)]
        left = self.a, self.valid, self.clear
        for col, (pe, b) in enumerate(zip(pes, lanes(self.b, self.cols), strict=True)):
            m.submodules[f"pe_{col}"] = pe
            a, valid, clear = left
            m.d.comb += [pe.en.eq(self.en), pe.a.eq(a), pe.valid.eq(valid), pe.clear.eq(clear), pe.b.eq(b)]
            left = pe.a_out, pe.valid_out, pe.clear_out
        m.d.comb += [
            self.clear_out.eq(left[-1]),
            self.b_out.eq(Cat(pe.b_out for pe in pes)),
            self.sum.eq(Cat(pe.sum for pe in pes)),
        ]


class WeightStationaryRows(Rows):
    """Rows of weight-stationary elements.

    One ``a`` with its ``turn`` and ``clear`` enters each row from the left; each column has its ``b`` for all rows, and
    its ``sum``, which goes in above and comes out below. Ports are those of `WeightStationaryPE` as vectors; ``shown``
    of each column, joined by OR.
    """

    turn: Signal
    sum: Signal
    sum_out: Signal
    shown: Signal

    def _ports(self):
        total = self.cols * self.held.width
        return {
            "en": In(1),
            "a": In(self.rows * self.multiplier.a.width), "turn": In(self.rows), "clear": In(self.rows),
            "b": In(self.cols * self.multiplier.b.width), "sum": In(total), "sum_out": Out(total),
            "shown": Out(self.cols * self.held.shown),
        }

    def _halves(self, m: Module, upper: Self, lower: Self) -> None:
        m.d.comb += [
            Cat(upper.a, lower.a).eq(self.a), Cat(upper.turn, lower.turn).eq(self.turn),
            Cat(upper.clear, lower.clear).eq(self.clear), upper.b.eq(self.b), lower.b.eq(self.b),
            upper.sum.eq(self.sum), lower.sum.eq(upper.sum_out), self.sum_out.eq(lower.sum_out),
            self.shown.eq(upper.shown | lower.shown),
        ]

    def _elements(self, m):
        pes = [WeightStationaryPE(self.multiplier, self.accumulator) for _ in range(self.cols)]
        left = self.a, self.turn, self.clear
        columns = zip(pes, lanes(self.b, self.cols), lanes(self.sum, self.cols), strict=True)
        for col, (pe, b, total) in enumerate(columns):
            m.submodules[f"pe_{col}"] = pe
            a, turn, clear = left
            m.d.comb += [pe.en.eq(self.en), pe.a.eq(a), pe.turn.eq(turn), pe.clear.eq(clear), pe.b.eq(b),
                         pe.sum.eq(total)]
            left = pe.a_out, pe.turn_out, pe.clear_out
        m.d.comb += [self.sum_out.eq(Cat(pe.sum_out for pe in pes)), self.shown.eq(Cat(pe.shown for pe in pes))]


class Array(Part):
    """What both systolic arrays share: ports, and the way from sums to results.

    Parameters
    ----------
    multiplier : Multiplier
    accumulator : Accumulator
    rows, cols : int

    Members
    -------
    i_a, i_b : ``In(Beats(rows * multiplier.a.width))``, ``In(Beats(cols * multiplier.b.width))``
        Operands, element 0 lowest.
    o : ``Out(Beats(cols * accumulator.result.width))``
        Rows of the result, row 0 first; ``last`` with the last.

    Attributes
    ----------
    latency : int
        Cycles from the one that takes the last beat of a run to the one that offers the last row of its result.

    Raises
    ------
    Refusal
        If a side is not 1 to 64.
    """

    MAX_SIDE = 64

    roles = {"skew_*": "operand registers", "feed_*": "operand registers", "deskew": "drain", "drain_*": "drain",
             "shown": "drain", "control": "control",
             **dict.fromkeys(("ended", "leaving", "valids", "clears", "below", "coming", "lasts", "given",
                              "o__valid"), "control")}

    i_a: Stream
    i_b: Stream
    o: Stream

    def __init__(self, multiplier: Multiplier, accumulator: Accumulator, rows: int, cols: int) -> None:
        for name, side in (("rows", rows), ("cols", cols)):
            if not 1 <= side <= self.MAX_SIDE:
                raise Refusal(f"Array {name} must be 1 to {self.MAX_SIDE}, not {side!r}")
        self.multiplier, self.accumulator, self.rows, self.cols = multiplier, accumulator, rows, cols
        self.held = running_sum(accumulator, Addend.product(multiplier))
        super().__init__({
            "i_a": In(Beats(rows * multiplier.a.width)),
            "i_b": In(Beats(cols * multiplier.b.width)),
            "o": Out(Beats(cols * accumulator.result.width)),
        })

    @property
    def latency(self) -> int:
        return self.rows + self.cols + self.held.drain_latency + 1

    def results(self, m: Module, en: Value, sums: Value, first: Value, delay: int, pausing: bool = False) -> None:
        """Offer results on ``o``: the sums of row 0 come out of the grid's last column ``delay`` cycles with ``en``
        after ``first``, and the rows below follow, one a cycle. ``pausing`` says whether the array may stand still
        though a row was taken."""
        shown = Signal.like(sums, reset_less=True, name="shown")
        with m.If(en):
            m.d.sync += shown.eq(sums)
        results = lanes(shown, self.cols)
        for col in range(self.cols):
            if drain := self.held.drain():
                m.submodules[f"drain_{col}"] = drain
                m.d.comb += [drain.en.eq(en), drain.raw.eq(results[col])]
                results[col] = drain.c
        data = skew(m, "deskew", en, Cat(results), self.cols, reverse=True)

        below = Signal(range(self.rows), name="below")  # rows that follow
        row, last = first | below.any(), first if self.rows == 1 else below == 1
        delay += 1 + self.held.drain_latency
        coming, lasts = Signal(delay, name="coming"), Signal(delay, name="lasts")
        with m.If(en):
            m.d.sync += [
                below.eq(Mux(first, self.rows - 1, below - below.any())),
                coming.eq(Cat(row, coming)), lasts.eq(Cat(last, lasts)),
            ]
        given = Signal(name="given") if pausing else Const(0)  # the row was taken, but the array has not moved on
        if pausing:
            m.d.sync += given.eq(~en & (given | (coming[-1] & self.o.ready)))
        m.d.comb += [
            self.o.valid.eq(coming[-1] & ~given), self.o.last.eq(lasts[-1]),
            self.o.data.eq(data & coming[-1].replicate(len(self.o.data))),
        ]


class OutputStationaryArray(Array):
    """Systolic array whose elements hold the sums: an R x K by K x C product in K cycles.

    Beat k of ``i_a`` is column k of A, beat k of ``i_b`` row k of B, taken in pairs; ``last`` on either stream ends
    the run. One pair per cycle, whatever was taken before, except that a run's last pair waits until R cycles
    have passed since that of the run before, because a result takes R cycles to leave.

    A pair takes a bit along that says so, in a skew of one cycle a row and a column. The pair after a run's last has
    another, ``clear``. It makes an element show the finished sum to its column just when the element above has shown
    its own: so a column of sums needs one path out, and no registers.

    Stalls: while ``o`` waits everything holds. Missing input holds nothing up.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        en, take, last = Signal(name="en"), Signal(name="take"), Signal(name="last")
        ended = Signal(name="ended")  # the pair before was a run's last
        leaving = Signal(range(self.rows), name="leaving")  # cycles until the sums before have left the first row's way
        m.d.comb += [
            en.eq(~self.o.valid | self.o.ready),
            last.eq(self.i_a.last | self.i_b.last),
            take.eq(self.i_a.valid & self.i_b.valid & ~(last & leaving.any())),
            self.i_a.ready.eq(en & take),
            self.i_b.ready.eq(en & take),
        ]
        with m.If(en):
            m.d.sync += [
                ended.eq(take & last),
                leaving.eq(Mux(take & last, self.rows - 1, leaving - leaving.any())),
            ]

        valids, clears = Signal(self.rows, name="valids"), Signal(self.rows, name="clears")
        with m.If(en):
            m.d.sync += [valids.eq(Cat(take, valids)), clears.eq(Cat(ended, clears))]

        m.submodules.rows = rows = OutputStationaryRows(self.multiplier, self.accumulator, self.rows, self.cols)
        m.d.comb += [
            rows.en.eq(en),
            rows.a.eq(skew(m, "skew_a", en, self.i_a.data, self.rows)),
            rows.b.eq(skew(m, "skew_b", en, self.i_b.data, self.cols)),
            rows.valid.eq(Cat(take, valids)), rows.clear.eq(Cat(ended, clears)),
        ]
        self.results(m, en, rows.sum, rows.clear_out, 0)
        return m


class Feed(Part):
    """Gives a vector's lanes one after the other: lane 0 in the cycle with ``turn``, then one more in each with ``en``.

    Members
    -------
    en, turn : ``In(1)``
    i, o : ``In(lanes * width)``, ``Out(width)``
    """

    en: Signal
    turn: Signal
    i: Signal
    o: Signal

    def __init__(self, lanes: int, width: int) -> None:
        self.lanes, self.width = lanes, width
        super().__init__({"en": In(1), "turn": In(1), "i": In(lanes * width), "o": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line = Signal((self.lanes - 1) * self.width, reset_less=True, name="line")
        now = Mux(self.turn, self.i, line)
        with m.If(self.en):
            m.d.sync += line.eq(now[self.width :])
        m.d.comb += self.o.eq(now[: self.width])
        return m


class TurnControl(Part):
    """When a weight-stationary array takes beats, when it moves, and which row each beat is for.

    A pair of beats is for the row below that of the pair before, the first row following the last. Within a run the
    array moves with its pairs; between runs it moves on its own. A run shorter than ``rows`` is filled up.

    Members
    -------
    stop : ``In(1)``
        Whether the array must hold, because results wait.
    valid, last : ``In(1)``
        Whether a pair is there; whether it is a run's last.
    ready, en : ``Out(1)``
    fill : ``Out(1)``
        Whether this cycle's pair is to be a neutral one.
    turn : ``Out(rows)``
        Whether row r takes the pair of this cycle.
    clear : ``Out(rows)``
        Whether row r begins a sum with its pair instead of adding to the sum that comes from the row above: that one is
        finished (a result of the run before), or belongs to no run, as before the first.
    ended : ``Out(1)``
        Whether the pair before was a run's last.
    """

    stop: Signal
    valid: Signal
    last: Signal
    ready: Signal
    en: Signal
    fill: Signal
    turn: Signal
    clear: Signal
    ended: Signal

    def __init__(self, rows: int) -> None:
        self.rows = rows
        super().__init__({
            "stop": In(1), "valid": In(1), "last": In(1), "ready": Out(1), "en": Out(1), "fill": Out(1),
            "turn": Out(rows), "clear": Out(rows), "ended": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        row = Signal(self.rows, init=1, name="row")  # whose turn it is, one-hot
        clear = Signal(self.rows, name="clear")
        running = Signal(name="running")  # a run has begun and not ended
        left = Signal(range(self.rows), init=self.rows - 1, name="left")  # pairs to come before a run may end
        step, last, end = Signal(name="step"), Signal(name="last"), Signal(name="end")
        m.d.comb += [
            step.eq(self.fill | self.valid),
            last.eq(self.fill | self.last),
            end.eq(step & last & ~left.any()),
            self.en.eq(~self.stop & (step | ~running)),
            self.ready.eq(~self.stop & self.valid & ~self.fill),
            self.turn.eq(row & step.replicate(self.rows)),
            self.clear.eq(Mux(running, clear & ~row, clear | row)),
        ]
        with m.If(self.en):
            m.d.sync += [clear.eq(self.clear), self.ended.eq(end)]
            with m.If(step):
                m.d.sync += [
                    row.eq(row.rotate_left(1)),
                    running.eq(~end),
                    self.fill.eq(last & ~end),
                    left.eq(Mux(end, self.rows - 1, left - left.any())),
                ]
        return m


class WeightStationaryArray(Array):
    """Systolic array whose elements hold weights, while the sums go round: an R x K by K x C product in K cycles.

    Beat k of ``i_a`` is column k of A, beat k of ``i_b`` row k of B, taken in pairs; ``last`` on either stream ends
    the run. Row k mod R of the grid takes row k of B for its weights and, in the R cycles that it holds them, adds the
    products with column k of A, one element after the other, to the R sums that come from the row above; the first
    row comes after the last. A run begins where the one before ended, so no row waits for another run's end. Below
    its last row finished sums leave by their column's OR. One pair per cycle; a run of fewer than R takes R cycles.

    The array stands still while ``o`` waits, and while a pair is missing within a run.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.control = control = TurnControl(self.rows)
        en = control.en
        m.d.comb += [
            control.stop.eq(self.o.valid & ~self.o.ready),
            control.valid.eq(self.i_a.valid & self.i_b.valid), control.last.eq(self.i_a.last | self.i_b.last),
            self.i_a.ready.eq(control.ready), self.i_b.ready.eq(control.ready),
        ]
        spec, neutral = self.multiplier, self.multiplier.neutral
        assert neutral is not None  # else `Design` has refused it
        neutral_a, neutral_b = (Const(code, fmt.width)
                                for code, fmt in zip(neutral, (spec.a, spec.b), strict=True))
        column = Mux(control.fill, neutral_a.replicate(self.rows), self.i_a.data)
        weights = self.i_b.data & ~control.fill.replicate(len(self.i_b.data))
        if neutral_b.value:
            weights = weights | (neutral_b.replicate(self.cols) & control.fill.replicate(len(self.i_b.data)))
        feeds = [Feed(self.rows, self.multiplier.a.width) for _ in range(self.rows)]
        for r, feed in enumerate(feeds):
            m.submodules[f"feed_{r}"] = feed
            m.d.comb += [feed.en.eq(en), feed.turn.eq(control.turn[r]), feed.i.eq(column)]

        m.submodules.rows = rows = WeightStationaryRows(self.multiplier, self.accumulator, self.rows, self.cols)
        m.d.comb += [
            rows.en.eq(en), rows.turn.eq(control.turn), rows.clear.eq(control.clear),
            rows.a.eq(Cat(feed.o for feed in feeds)),
            rows.b.eq(skew(m, "skew_b", en, weights, self.cols)),
            rows.sum.eq(rows.sum_out),
        ]
        self.results(m, en, rows.shown, control.ended, self.cols, pausing=True)
        return m
