"""Tiles: lanes by columns, weights that stay, and partial sums that pass (docs/tile.md)."""

from __future__ import annotations

from typing import cast

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from ..golden.formats import Block, FloatFormat, Format
from ..golden.tile import Tile as Specification
from .operand import named, passed
from .part import Part
from .systolic import Beats, Stream, lanes
from .tile_column import Column, down_bits
from .tile_lanes import lane, place_width


class Tile(Part):
    """A tile of ``lanes`` by ``cols``: partial sums of ``cols`` columns and a vector of activations by the weights held
    give partial sums. What is computed says :mod:`lmul.golden.tile_sums`.

    Weights come as ``lanes`` beats of ``i_b``, the first lane's first. Then vectors are taken, one a cycle, until one
    has ``last``: when it has been used, the next weights are taken; with ``ahead`` they are taken meanwhile, and their
    vectors follow in the next cycle, if ``lanes`` cycles have passed since the ones before.

    Each vector needs a beat of ``i_c``. Streams may pause: everything holds until a sum can move on. With ``ahead`` and
    several stages the tile is `paced`: it moves as a whole when ``o`` is ready, and only then; beats of ``i_c`` must be
    there when they are asked for.

    Timing: ``latency`` cycles from the one that takes a vector to the one that offers its sums. With several stages a
    row of weights is in place a cycle later than with one, and one row waits for its place meanwhile.

    Parameters
    ----------
    tile : Specification
    cols : int
    ahead : bool
        Whether weights have registers of their own for the tile that follows.
    stages : int
        Cycles from an activation to the sum of the lanes: 1 to 3, as of `Column`.

    Members
    -------
    i_a : ``In(Beats)``
        Vectors: a code for each lane, the first lowest; above them with blocks the code of their scale.
    i_b : ``In(Beats)``
        Rows of weights: a code for each column; above them, with blocks, the codes of the columns' scales, the same in
        each row.
    i_c, o : ``In(Beats)``, ``Out(Beats)``
        Partial sums: for each column ``word_bits``, and above them the flag of NaN where there is one. ``last`` of
        ``o`` is that of the vector.
    place : ``In``
        The window's, where it can have several: in two's complement, the same for all rows of a tile of weights; taken
        with each.
    top : ``In``
        With blocks: the largest exponent of a product of two scales, or a larger one; taken with each vector.
    """

    roles = {"column_*": "control", "x": "operand registers", "prepared_*": "operand registers"}

    i_a: Stream
    i_b: Stream
    i_c: Stream
    o: Stream
    place: Signal
    top: Signal

    def __init__(self, tile: Specification, cols: int, ahead: bool = False, stages: int = 1) -> None:
        self.tile, self.cols, self.ahead, self.stages, self.lane = tile, cols, ahead, stages, lane(tile)
        self.latency, self.paced = stages + 2, ahead and stages > 1
        spec = tile.multiplier
        sums = cols * (tile.word_bits + tile.flags)
        super().__init__({
            "i_a": In(Beats(tile.lanes * spec.a.width + _scale_width(tile.a_block))),
            "i_b": In(Beats(cols * (spec.b.width + _scale_width(tile.b_block)), last=False)),
            "i_c": In(Beats(sums, last=False)), "o": Out(Beats(sums)),
            "place": In(place_width(tile)), "top": In(top_bits(tile)),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tile, spec, count = self.tile, self.tile.multiplier, self.tile.lanes
        codes = lanes(self.i_a.data[: count * spec.a.width], count)
        weights = lanes(self.i_b.data[: self.cols * spec.b.width], self.cols)
        place = self.place.as_signed() if len(self.place) else Const(tile.places[0], 16)

        # Control. A vector stands in `x`, in the end as a sum of lanes; `give` makes it a partial sum.
        some, lasts = Signal(self.stages + 1, name="some"), Signal(self.stages + 1, name="lasts")
        offered, offered_last = Signal(name="offered"), Signal(name="offered_last")
        if self.paced:
            free = step = self.o.ready
            give = named(m, "give", some[-1] & step)
        else:
            free = named(m, "free", ~offered | self.o.ready)
            give = named(m, "give", some[-1] & free & self.i_c.valid)
            step = named(m, "step", ~some[-1] | give)
        take, last = Signal(name="take"), Signal(name="last")
        ending = lasts[0]  # the vector in `x` is the last that the weights are for
        ended, room = named(m, "ended", ending & step), Signal(name="room")
        load, done = self._rows(m, room)
        swap, usable = self._exchange(m, done, room, ending, ended)
        m.d.comb += [
            self.i_c.ready.eq(some[-1] & free),
            self.i_a.ready.eq(step & usable), take.eq(self.i_a.ready & self.i_a.valid), last.eq(take & self.i_a.last),
            self.o.valid.eq(offered), self.o.last.eq(offered_last),
        ]
        with m.If(step):
            m.d.sync += [some.eq(Cat(take, some)), lasts.eq(Cat(last, lasts))]
        with m.If(free):
            m.d.sync += [offered.eq(give), offered_last.eq(lasts[-1])]
        # Which stages pass on what they have: those with a vector, or, where stalls limit the clock, all that may.
        passing = step.replicate(self.stages)
        on = named(m, "on", passing if self.paced else passing & some[:-1])

        # Rows of weights, prepared: with one stage on their way into the columns, with more a cycle before that.
        def prepared(name, value):
            return passed(m, f"prepared_{name}", value, self.i_b.ready) if self.stages > 1 else value

        # Activations, prepared, once for all columns.
        x = passed(m, "x", Cat(self.lane.activation(m, f"a_{n}", code) for n, code in enumerate(codes)), take)
        # Lanes that have the place in the weight have none of their own.
        of_row = prepared("place", self.place) if self.lane.place_bits else place
        held = self._kept(m, "place_held", lambda old: of_row, load, swap) if self.lane.place_bits else place
        nans = self._nans(m, codes, weights, prepared, load, swap, take, on)
        sigs, downs = self._scaling(m, prepared, load, swap, take, on)
        for n, (weight, c, o) in enumerate(zip(weights, lanes(self.i_c.data, self.cols),
                                               lanes(self.o.data, self.cols), strict=True)):
            m.submodules[f"column_{n}"] = column = Column(tile, self.ahead, self.stages)
            m.d.comb += [
                column.x.eq(x), column.load.eq(load), column.swap.eq(swap), column.place.eq(held),
                column.y.eq(prepared(f"b_{n}", self.lane.held(m, f"b_{n}", weight, place))),
                column.en.eq(give), column.on.eq(on), column.c.eq(c[: tile.word_bits]),
                column.sig.eq(sigs[n]), column.down.eq(downs[n]), o[: tile.word_bits].eq(column.o),
            ]
            if tile.flags:
                m.d.comb += o[-1].eq(passed(m, f"nan_{n}", nans[n] | c[-1], give))
        return m

    def _rows(self, m, room):
        """Rows of weights on their way, where there is ``room``: which lane takes one, and whether it is the last."""
        count, staged = self.tile.lanes, self.stages > 1
        row = Signal(range(count), name="row")
        there, final = (Signal(name="there"), Signal(name="final")) if staged else (self.i_b.valid, row == count - 1)
        taken = named(m, "row_taken", room & there)
        done = named(m, "rows_done", taken & final)
        load = named(m, "load", Cat(taken & (row == n) for n in range(count)))
        if staged:  # a row waits in front of its lane, and that the last one comes is known before
            with m.If(taken):
                m.d.sync += final.eq(row == count - 2)
            m.d.sync += there.eq(self.i_b.valid | (there & ~room))
        m.d.comb += self.i_b.ready.eq(room | ~there if staged else room)
        with m.If(taken):
            m.d.sync += row.eq(Mux(row == count - 1, 0, row + 1))
        return load, done

    def _exchange(self, m, done, room, ending, ended):
        """When weights are put in place, and there is ``room`` for others: ``swap``, and whether those in place are for
        a vector that comes now."""
        full, swap = Signal(name="full"), Signal(name="swap")
        if not self.ahead:
            m.d.comb += room.eq(~full)
            m.d.sync += full.eq((full & ~ended) | done)
            return swap, full & ~ending
        waiting = Signal(name="waiting")  # the next weights are complete
        if self.stages > 1:  # how rows go hangs on registers alone, for `ended` comes late
            # The last row may go straight to where weights are used.
            complete = named(m, "complete", waiting | done)
            m.d.comb += [swap.eq(complete & (~full | ended)), room.eq(~waiting)]
            m.d.sync += [waiting.eq(complete & ~swap), full.eq((full & ~ended) | swap)]
            # Asked for where vectors step, when ``ended`` is ``ending``.
            return swap, complete | (full & ~ending)
        m.d.comb += [swap.eq(waiting & (~full | ended)), room.eq(~waiting | swap)]
        m.d.sync += [waiting.eq((waiting & ~swap) | done), full.eq((full & ~ended) | swap)]
        return swap, swap | (full & ~ending)

    def _kept(self, m, name, value, load, swap):
        """What belongs to a tile of weights: ``value``, a function of what stood before, as rows of them come; and with
        these put in place."""
        coming = Signal(len(value(Const(0))), reset_less=True, name=f"{name}_coming" if self.ahead else name)
        new = value(coming)
        with m.If(load.any()):
            m.d.sync += coming.eq(new)
        if not self.ahead:
            return coming
        return passed(m, name, Mux(load[-1], new, coming)[: len(coming)] if self.stages > 1 else coming, swap)

    def _nans(self, m, codes, weights, prepared, load, swap, take, on):
        """Whether what comes next for each column is NaN."""
        tile, spec = self.tile, self.tile.multiplier
        if not tile.flags:
            return Const(0, self.cols)
        a_scale, b_scales = self._scale_codes()
        special_a = Cat(*(special(spec.a, code) for code in codes), no_scale(tile.a_block, a_scale)).any()
        special_b = prepared("special", Cat(special(spec.b, code) | no_scale(tile.b_block, scale)
                                            for code, scale in zip(weights, b_scales, strict=True)))
        # Scales are the same in each row, so that of codes that are all numbers the last row says it.
        several = spec.b.has_nan or spec.b.has_inf
        of_b = self._kept(m, "b_nan", lambda old: (special_b | (old & ~load[0].replicate(self.cols)) if several
                                                   else special_b)[: self.cols], load, swap)
        of_a = passed(m, "a_nan", special_a, take)
        return self._along(m, "sum_nan", of_b | of_a.replicate(self.cols), on)

    @staticmethod
    def _along(m, name, value, on):
        """A value that goes with the vector in `x`, when this has become a sum of lanes."""
        for n, en in enumerate(on):
            value = passed(m, f"{name}_{n}", value, en)
        return value

    def _scaling(self, m, prepared, load, swap, take, on):
        """By column the significand of the scales' product, and how far it is below the top."""
        tile = self.tile
        none = [Const(0, 0)] * self.cols
        if not tile.blocks:
            return none, none
        a_code, b_codes = self._scale_codes()
        of_row = prepared("scales", Cat(b_codes))
        held = lanes(self._kept(m, "b_scales", lambda old: of_row, load, swap), self.cols)
        of_a, top = passed(m, "a_scale", a_code, take), passed(m, "top_taken", self.top, take)
        sigs, downs = [], []
        for n, code in enumerate(held):
            sig, down = factor(m, tile, f"far_{n}", of_a, code, top)
            downs.append(self._along(m, f"down_{n}", down, on))
            sigs.append(self._along(m, f"sig_{n}", sig[: tile.scale_bits], on))
        return sigs, downs

    def _scale_codes(self):
        """The code of the vector's scale, and those of the columns'; of no bits where there is none."""
        tile, spec = self.tile, self.tile.multiplier
        of_a = self.i_a.data[tile.lanes * spec.a.width :]
        of_b = self.i_b.data[self.cols * spec.b.width :]
        return of_a, lanes(of_b, self.cols) if len(of_b) else [Const(0, 0)] * self.cols


def _scale_width(block: Block | None) -> int:
    return block.scale.width if block else 0


def top_bits(tile: Specification) -> int:
    """Bits of the port that says where the scales are; 0 without blocks."""
    return max(block.scale.exp_bits for block in tile.blocks) + len(tile.blocks) - 1 if tile.blocks else 0


def factor(m: Module, tile: Specification, name: str, a_code: Value, b_code: Value, top: Value) -> tuple[Value, Value]:
    """Of the product of two scales the significand, and how far its exponent is below the top, all ones if farther than
    can be told."""
    (a_sig, a_exp), (b_sig, b_exp) = _parts(tile.a_block, a_code), _parts(tile.b_block, b_code)
    far = Signal(signed(top_bits(tile) + 2), name=name)
    m.d.comb += far.eq(top - (a_exp + b_exp))
    bits = down_bits(tile)
    return a_sig * b_sig, far[:bits] | far[bits:].any().replicate(bits)


def special(fmt: Format, code: Value) -> Value:
    """Whether a code is NaN or Inf."""
    if not (fmt.has_nan or fmt.has_inf):
        return Const(0)
    return code[cast(FloatFormat, fmt).man_bits : -1].all() if fmt.has_inf else code[:-1].all()


def no_scale(block: Block | None, code: Value) -> Value:
    """Whether a scale is NaN: all ones."""
    return code.all() if block else Const(0)


def _parts(block: Block | None, code: Value) -> tuple[Value, Value]:
    """Significand and exponent of a scale."""
    if block is None:
        return Const(1, 1), Const(0, 1)
    if not block.scale.sig_bits:
        return Const(1, 1), code
    man = block.scale.sig_bits - 1
    some = code[man:].any()
    return Cat(code[:man], some), Cat(code[man] | ~some, code[man + 1 :])
