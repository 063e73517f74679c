"""Systolic arrays: a grid of processing elements, operands skewed on the way in, results deskewed on the way out.

Rows of elements are halved until they are single, and equal halves are one module: the Verilog of a large array is
hardly larger than a small one's.
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .accumulator import running_sum
from .addend import Addend
from .part import Part
from .pe import PE, WeightStationaryPE


class Beats(wiring.Signature):
    """A stream of vectors: a beat moves in a cycle in which ``valid`` and ``ready`` are high; ``last`` ends a run."""

    def __init__(self, width):
        super().__init__({"data": Out(width), "last": Out(1), "valid": Out(1), "ready": In(1)})


class Skew(Part):
    """Delays lane i of a vector by i cycles with ``en``, or with ``reverse`` lane ``lanes - 1`` not at all and each one
    below by a cycle more. Not reset.

    Members
    -------
    en : ``In(1)``
    i, o : ``In(lanes * width)``, ``Out(lanes * width)``
    """

    def __init__(self, lanes, width, reverse=False):
        self.lanes, self.width, self.reverse = lanes, width, reverse
        super().__init__({"en": In(1), "i": In(lanes * width), "o": Out(lanes * width)})

    def elaborate(self, platform):
        m = Module()
        for lane in range(self.lanes):
            part = slice(lane * self.width, (lane + 1) * self.width)
            delay = self.lanes - 1 - lane if self.reverse else lane
            line = Signal(delay * self.width, reset_less=True, name=f"line_{lane}")
            with m.If(self.en):
                m.d.sync += line.eq(Cat(self.i[part], line))
            m.d.comb += self.o[part].eq(Cat(self.i[part], line)[delay * self.width :])
        return m


def skew(m, name, en, vector, count, reverse=False):
    """A vector of ``count`` lanes, delayed by a `Skew`."""
    if count == 1:
        return vector
    m.submodules[name] = delay = Skew(count, len(vector) // count, reverse)
    m.d.comb += [delay.en.eq(en), delay.i.eq(vector)]
    return delay.o


def lanes(value, count):
    """A vector's ``count`` elements, the lowest first."""
    width = len(value) // count
    return [value[i * width : (i + 1) * width] for i in range(count)]


class Rows(Part):
    """Rows of elements: two halves, and in the end one row. A subclass says how either is made and connected."""

    def __init__(self, multiplier, accumulator, rows, cols):
        self.multiplier, self.accumulator, self.rows, self.cols = multiplier, accumulator, rows, cols
        self.held = running_sum(accumulator, Addend.product(multiplier))
        super().__init__(self._ports())

    @property
    def module_name(self):
        return f"rows_{self.rows}" if self.rows > 1 else "row"

    def elaborate(self, platform):
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


class OutputStationaryRows(Rows):
    """Rows of output-stationary elements.

    One ``a`` with its ``valid`` and ``clear`` enters each row from the left, one ``b`` each column from above. Ports
    are those of `PE` as vectors: ``clear_out`` of the first row's last element, ``b_out`` of the last row; ``sum`` of
    each column, joined by OR.
    """

    def _ports(self):
        b = self.cols * self.multiplier.b.width
        return {
            "en": In(1),
            "a": In(self.rows * self.multiplier.a.width), "valid": In(self.rows), "clear": In(self.rows), "b": In(b),
            "clear_out": Out(1), "b_out": Out(b), "sum": Out(self.cols * self.held.width),
        }

    def _halves(self, m, upper, lower):
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

    One ``a`` with its ``turn`` enters each row from the left; each column has its ``b`` for all rows, and its ``sum``,
    which goes in above and comes out below. Ports are those of `WeightStationaryPE` as vectors.
    """

    def _ports(self):
        total = self.cols * self.held.width
        return {
            "en": In(1),
            "a": In(self.rows * self.multiplier.a.width), "turn": In(self.rows),
            "b": In(self.cols * self.multiplier.b.width), "sum": In(total), "sum_out": Out(total),
        }

    def _halves(self, m, upper, lower):
        m.d.comb += [
            Cat(upper.a, lower.a).eq(self.a), Cat(upper.turn, lower.turn).eq(self.turn),
            upper.b.eq(self.b), lower.b.eq(self.b),
            upper.sum.eq(self.sum), lower.sum.eq(upper.sum_out), self.sum_out.eq(lower.sum_out),
        ]

    def _elements(self, m):
        pes = [WeightStationaryPE(self.multiplier, self.accumulator) for _ in range(self.cols)]
        left = self.a, self.turn
        columns = zip(pes, lanes(self.b, self.cols), lanes(self.sum, self.cols), strict=True)
        for col, (pe, b, total) in enumerate(columns):
            m.submodules[f"pe_{col}"] = pe
            a, turn = left
            m.d.comb += [pe.en.eq(self.en), pe.a.eq(a), pe.turn.eq(turn), pe.b.eq(b), pe.sum.eq(total)]
            left = pe.a_out, pe.turn_out
        m.d.comb += self.sum_out.eq(Cat(pe.sum_out for pe in pes))


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
    ValueError
        If a side is not 1 to 64.
    """

    MAX_SIDE = 64

    def __init__(self, multiplier, accumulator, rows, cols):
        for name, side in (("rows", rows), ("cols", cols)):
            if not 1 <= side <= self.MAX_SIDE:
                raise ValueError(f"Array {name} must be 1 to {self.MAX_SIDE}, not {side!r}")
        self.multiplier, self.accumulator, self.rows, self.cols = multiplier, accumulator, rows, cols
        self.held = running_sum(accumulator, Addend.product(multiplier))
        super().__init__({
            "i_a": In(Beats(rows * multiplier.a.width)),
            "i_b": In(Beats(cols * multiplier.b.width)),
            "o": Out(Beats(cols * accumulator.result.width)),
        })

    @property
    def latency(self):
        return self.rows + self.cols + self.held.drain_latency + self.extra_latency

    def results(self, m, en, sums, row, last, delay):
        """Offer results on ``o``: a row in each cycle with ``en`` in which ``row`` was high ``delay`` such cycles ago,
        its sums coming out of the grid one column after the other."""
        results = lanes(sums, self.cols)
        for col in range(self.cols):
            if drain := self.held.drain():
                m.submodules[f"drain_{col}"] = drain
                m.d.comb += [drain.en.eq(en), drain.raw.eq(results[col])]
                results[col] = drain.c
        data = skew(m, "deskew", en, Cat(results), self.cols, reverse=True)
        coming, lasts = Signal(delay), Signal(delay)
        given = Signal()  # the row was taken, but the array has not moved on
        with m.If(en):
            m.d.sync += [coming.eq(Cat(row, coming)), lasts.eq(Cat(last, lasts)), given.eq(0)]
        with m.Elif(self.o.ready):
            m.d.sync += given.eq(coming[-1])
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

    extra_latency = 1

    def elaborate(self, platform):
        m = Module()
        en, take, last = Signal(), Signal(), Signal()
        ended = Signal()  # the pair before was a run's last
        leaving = Signal(range(self.rows))  # cycles until the sums before have left the first row's way
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

        valids, clears = Signal(self.rows), Signal(self.rows)
        with m.If(en):
            m.d.sync += [valids.eq(Cat(take, valids)), clears.eq(Cat(ended, clears))]

        m.submodules.rows = rows = OutputStationaryRows(self.multiplier, self.accumulator, self.rows, self.cols)
        m.d.comb += [
            rows.en.eq(en),
            rows.a.eq(skew(m, "skew_a", en, self.i_a.data, self.rows)),
            rows.b.eq(skew(m, "skew_b", en, self.i_b.data, self.cols)),
            rows.valid.eq(Cat(take, valids)), rows.clear.eq(Cat(ended, clears)),
        ]
        sums = Signal.like(rows.sum, reset_less=True)
        with m.If(en):
            m.d.sync += sums.eq(rows.sum)

        # Row 0 of the last column has its sum on the way; the rows below follow, one a cycle.
        first, below = rows.clear_out, Signal(range(self.rows))
        with m.If(en):
            m.d.sync += below.eq(Mux(first, self.rows - 1, below - below.any()))
        final = first if self.rows == 1 else below == 1
        self.results(m, en, sums, first | below.any(), final, 1 + self.held.drain_latency)
        return m


class TurnControl(Part):
    """When a weight-stationary array takes beats, and when it moves.

    Time goes in turns of ``rows`` steps, a step in each cycle with ``en``. A turn multiplies, if weights are loaded,
    and loads the next weights, if a run of ``b`` is open or another begins. It waits for the beats that it needs; only
    between runs do steps go by that belong to no turn.

    Members
    -------
    stop : ``In(1)``
        Whether the array must hold, because results wait.
    a_valid, a_last, b_valid, b_last : ``In(1)``
    a_ready, b_ready : ``Out(1)``
    en : ``Out(1)``
    turn : ``Out(rows)``
        Whether row r's weight is to be changed in this step, in the first column.
    fill : ``Out(1)``
        Whether the weight to load is +0, the run of ``b`` having ended.
    fresh : ``Out(1)``
        Whether the turn is the first of a run.
    row, last : ``Out(1)``
        Steps after a run's last turn in which its ``rows`` sums leave the first column, and the last of these.
    """

    def __init__(self, rows):
        self.rows = rows
        super().__init__({
            "stop": In(1),
            "a_valid": In(1), "a_last": In(1), "b_valid": In(1), "b_last": In(1),
            "a_ready": Out(1), "b_ready": Out(1),
            "en": Out(1), "turn": Out(rows), "fill": Out(1), "fresh": Out(1), "row": Out(1), "last": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        step = Signal(range(self.rows))
        # The turn under way: whether it multiplies, loads, is the first of a run.
        multiplying, loading, first = Signal(), Signal(), Signal()
        loaded = Signal()  # the next weights are there
        running = Signal()  # a run has begun and its last turn not ended: the sums in the grid are wanted
        open_b = Signal()  # a run of b has begun and not ended
        left = Signal(range(self.rows + 1))  # finished sums yet to leave

        begin, end = step == 0, step == self.rows - 1
        multiply, load, take_a, take_b, go, move = (Signal() for _ in range(6))
        m.d.comb += [
            multiply.eq(Mux(begin, loaded, multiplying)),
            load.eq(Mux(begin, open_b | self.b_valid, loading)),
            take_a.eq(multiply),
            take_b.eq(load & ~self.fill),
            go.eq((multiply | load) & (self.a_valid | ~take_a) & (self.b_valid | ~take_b)),
            move.eq(go & ~self.stop),
            self.en.eq(move | (begin & ~running & ~self.stop)),
            self.a_ready.eq(move & take_a),
            self.b_ready.eq(move & take_b),
            self.turn.eq(Cat(go & (step == r) for r in range(self.rows))),
            self.fresh.eq(Mux(begin, ~running, first)),
            self.row.eq(left.any()),
            self.last.eq(left == 1),
        ]
        with m.If(self.en & left.any()):
            m.d.sync += left.eq(left - 1)
        with m.If(move):
            m.d.sync += [
                step.eq(Mux(end, 0, step + 1)),
                multiplying.eq(multiply), loading.eq(load), first.eq(self.fresh),
            ]
            with m.If(take_a):
                m.d.sync += running.eq(~(end & self.a_last))
                with m.If(end & self.a_last):
                    m.d.sync += left.eq(self.rows)
            with m.If(take_b):
                m.d.sync += [open_b.eq(~self.b_last), self.fill.eq(self.b_last)]
            with m.If(end):
                m.d.sync += [loaded.eq(load), self.fill.eq(0)]
        return m


class WeightStationaryArray(Array):
    """Systolic array whose elements hold weights: an R x K by K x C product in ceil(K / R) turns of R cycles.

    A turn sends R rows of ``a`` through the grid, each picking up R products a column; the sums come out below and
    go in above for the next turn, so that they add in the order of k. Meanwhile the weights of the turn after are
    loaded. Beat m of turn s on ``i_a`` is A[m, s*R : (s+1)*R], ``last`` on the last beat of the last turn; beat k of
    ``i_b`` is row k of B, ``last`` on the last. Rows missing in the last turn are filled with +0; the elements of
    ``a`` that meet them must be -0.

    Timing: as many cycles as turns times R, runs following each other without a gap; R cycles to load weights first
    when idle. The array stands still while ``o`` waits, and while a beat is missing within a run.
    """

    extra_latency = 0

    def elaborate(self, platform):
        m = Module()
        m.submodules.control = control = TurnControl(self.rows)
        en = control.en
        m.d.comb += [
            control.stop.eq(self.o.valid & ~self.o.ready),
            control.a_valid.eq(self.i_a.valid), control.a_last.eq(self.i_a.last), self.i_a.ready.eq(control.a_ready),
            control.b_valid.eq(self.i_b.valid), control.b_last.eq(self.i_b.last), self.i_b.ready.eq(control.b_ready),
        ]
        fresh = Signal(self.cols)  # by column: whether the sum that goes in above begins a run
        with m.If(en):
            m.d.sync += fresh.eq(Cat(control.fresh, fresh))
        weights = self.i_b.data & ~control.fill.replicate(len(self.i_b.data))
        m.submodules.rows = rows = WeightStationaryRows(self.multiplier, self.accumulator, self.rows, self.cols)
        m.d.comb += [
            rows.en.eq(en), rows.turn.eq(control.turn),
            rows.a.eq(skew(m, "skew_a", en, self.i_a.data, self.rows)),
            rows.b.eq(skew(m, "skew_b", en, weights, self.cols)),
            rows.sum.eq(rows.sum_out & ~Cat(bit.replicate(self.held.width) for bit in fresh)),
        ]
        self.results(m, en, rows.sum_out, control.row, control.last, self.cols + self.held.drain_latency)
        return m
