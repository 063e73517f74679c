"""Processing elements: one multiplier, one accumulator, and the registers that pass operands on."""

from __future__ import annotations

from typing import Protocol

from amaranth.hdl import Cat, Module, ResetSignal, Signal, Value
from amaranth.lib.wiring import In, Out

from ..golden.spec import Accumulator, Multiplier
from .accumulator import RunningSum, running_sum
from .addend import Addend
from .part import Part


class PE(Part):
    """Output-stationary processing element: adds ``a * b`` to the sum that it holds, and passes the operands on.

    Operands are registered, multiplied, and added to the sum one cycle later. ``clear`` comes with the first pair of a
    sum, which then begins from +0; in the cycle in which that pair is added, ``sum`` shows the sum that was finished
    before. At all other times ``sum`` is 0, so that the sums of many elements can be joined by OR.

    Timing: a pair is in the sum after 2 cycles; one pair per cycle. With ``en`` low everything holds. ``rst``
    empties the sum and drops what is under way; operand registers are not reset.

    Parameters
    ----------
    multiplier : Multiplier
    accumulator : Accumulator

    Members
    -------
    en : ``In(1)``
    a, b : ``In(multiplier.a.width)``, ``In(multiplier.b.width)``
        Operand codes.
    valid, clear : ``In(1)``
        Whether the operands are a pair to add; whether the sum begins anew.
    a_out, b_out, valid_out, clear_out : ``Out``
        The same, a cycle later.
    sum : ``Out(shown)``
        A finished sum as the accumulator shows it, or 0.
    """

    roles = {"multiplier": "multiplier", "accumulator": "accumulator", "acc": "accumulator",
             "a_held": "operand registers", "b_held": "operand registers", "valid_out": "control",
             "clear_out": "control"}

    en: Signal
    a: Signal
    b: Signal
    valid: Signal
    clear: Signal
    a_out: Signal
    b_out: Signal
    valid_out: Signal
    clear_out: Signal
    sum: Signal

    def __init__(self, multiplier_spec: Multiplier, accumulator_spec: Accumulator) -> None:
        self.multiplier, self.accumulator = multiplier_spec, accumulator_spec
        self.held = running_sum(accumulator_spec, Addend.product(multiplier_spec))
        a, b = multiplier_spec.a.width, multiplier_spec.b.width
        super().__init__({
            "en": In(1),
            "a": In(a), "b": In(b), "valid": In(1), "clear": In(1),
            "a_out": Out(a), "b_out": Out(b), "valid_out": Out(1), "clear_out": Out(1),
            "sum": Out(self.held.shown),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.multiplier = product = self.held.multiplier(self.multiplier)
        a = Signal.like(self.a, reset_less=True, name="a_held")
        b = Signal.like(self.b, reset_less=True, name="b_held")
        with m.If(self.en):
            m.d.sync += [a.eq(self.a), b.eq(self.b), self.valid_out.eq(self.valid), self.clear_out.eq(self.clear)]
        gated, p = self.held.gated(b, product.p, counts(self.valid_out, self.en))
        m.d.comb += [
            self.a_out.eq(a), self.b_out.eq(b),
            product.a.eq(a), product.b.eq(gated),
            self.sum.eq(accumulate(m, self.held, p, self.clear_out, self.en)),
        ]
        return m


class WeightStationaryPE(Part):
    """Weight-stationary processing element: adds ``a * weight`` to the sum that comes from above and hands it down.

    ``turn`` comes with the first ``a`` that meets the next weight, which is taken from ``b`` in that same cycle: so a
    change of weights costs no cycle, and no second register. With ``clear``, ``shown`` shows the sum from above, and
    the element's own begins from +0; at all other times ``shown`` is 0, so that those of a column can be joined by OR.

    Timing: an operand is multiplied the cycle after it came, with the ``sum`` of that cycle, and the new sum is there
    another cycle later. With ``en`` low everything holds. Only ``turn_out`` and ``clear_out`` are reset.

    Parameters
    ----------
    multiplier : Multiplier
    accumulator : Accumulator

    Members
    -------
    en, turn, clear : ``In(1)``
    a, b : ``In(multiplier.a.width)``, ``In(multiplier.b.width)``
        Operand; weight to take.
    sum : ``In(width)``
    a_out, turn_out, clear_out : ``Out``
        The same, a cycle later.
    sum_out, shown : ``Out(width)``, ``Out(shown)``
    """

    roles = {"multiplier": "multiplier", "accumulator": "accumulator", "total": "accumulator",
             "a_held": "operand registers", "weight": "operand registers", "turn_out": "control",
             "clear_out": "control"}

    en: Signal
    a: Signal
    turn: Signal
    clear: Signal
    b: Signal
    sum: Signal
    a_out: Signal
    turn_out: Signal
    clear_out: Signal
    sum_out: Signal
    shown: Signal

    def __init__(self, multiplier_spec: Multiplier, accumulator_spec: Accumulator) -> None:
        self.multiplier, self.accumulator = multiplier_spec, accumulator_spec
        self.held = running_sum(accumulator_spec, Addend.product(multiplier_spec))
        a, b, width = multiplier_spec.a.width, multiplier_spec.b.width, self.held.width
        super().__init__({
            "en": In(1),
            "a": In(a), "turn": In(1), "clear": In(1), "b": In(b), "sum": In(width),
            "a_out": Out(a), "turn_out": Out(1), "clear_out": Out(1), "sum_out": Out(width),
            "shown": Out(self.held.shown),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.multiplier = product = self.held.multiplier(self.multiplier)
        a = Signal.like(self.a, reset_less=True, name="a_held")
        weight = Signal.like(self.b, reset_less=True, name="weight")
        total = Signal.like(self.sum, reset_less=True, name="total")
        after, finished = self.held.step(m, self.sum, ~self.clear_out, product.p)
        with m.If(self.en):
            m.d.sync += [a.eq(self.a), self.turn_out.eq(self.turn), self.clear_out.eq(self.clear), total.eq(after)]
            with m.If(self.turn):
                m.d.sync += weight.eq(self.b)
        m.d.comb += [
            self.a_out.eq(a), self.sum_out.eq(total), self.shown.eq(finished & self.clear_out.replicate(len(finished))),
            product.a.eq(a), product.b.eq(weight),
        ]
        return m


class Mac(Part):
    """Multiply-accumulate unit: a `PE` that sums runs of pairs, and the way from its sum to a result.

    Takes a pair in every cycle with ``en``; ``last`` comes with the last pair of a run. From ``latency`` such cycles
    after it until the next of them has passed, ``valid`` is high and ``c`` is the run's result; ``c`` is 0 otherwise.
    The next run may follow without a gap. Reset drops what is under way.

    Parameters
    ----------
    multiplier : Multiplier
    accumulator : Accumulator

    Members
    -------
    en, last : ``In(1)``
    a, b : ``In(multiplier.a.width)``, ``In(multiplier.b.width)``
    valid : ``Out(1)``
    c : ``Out(accumulator.result.width)``
    """

    roles = {"drain": "drain", "ended": "control", "under_way": "control"}

    en: Signal
    a: Signal
    b: Signal
    last: Signal
    valid: Signal
    c: Signal

    def __init__(self, multiplier_spec: Multiplier, accumulator_spec: Accumulator) -> None:
        self.multiplier, self.accumulator = multiplier_spec, accumulator_spec
        self.held = running_sum(accumulator_spec, Addend.product(multiplier_spec))
        self.latency = 2 + self.held.drain_latency
        super().__init__({
            "en": In(1),
            "a": In(multiplier_spec.a.width), "b": In(multiplier_spec.b.width), "last": In(1),
            "valid": Out(1), "c": Out(accumulator_spec.result.width),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.pe = pe = PE(self.multiplier, self.accumulator)
        ended = Signal(name="ended")  # the pair before was a run's last
        with m.If(self.en):
            m.d.sync += ended.eq(self.last)
        m.d.comb += [pe.en.eq(self.en), pe.a.eq(self.a), pe.b.eq(self.b), pe.valid.eq(1), pe.clear.eq(ended)]
        give_result(m, self, pe.sum, pe.clear_out)
        return m


class Unit(Protocol):
    """What sums runs: how the sum is held, and the ports about its result."""

    held: RunningSum
    en: Signal
    valid: Signal
    c: Signal


def counts(valid: Value, en: Value) -> Value:
    """Whether a product is to be added. To hold a sum nothing is added to it, which costs less than an enable on each
    of its bits."""
    return valid & en & ~ResetSignal()


def accumulate(m: Module, held: RunningSum, p: Value, clear: Value, en: Value) -> Value:
    """Add ``p`` to a sum in each cycle; ``clear`` with ``en`` begins it anew.

    Gives the sum that was finished before while ``clear`` is high, else 0. Reset empties the sum.
    """
    acc = Signal(held.width, reset_less=True, name="acc")
    # A mask empties the sum: that costs less than a reset on each of its bits.
    after, finished = held.step(m, acc, ~(ResetSignal() | (clear & en)), p)
    m.d.sync += acc.eq(after)
    # The finished sum shows for one cycle and is 0 in all others, so that a column's elements, which finish one after
    # the other, share an OR instead of a result register each: 0 | 0 | sum | 0.
    return finished & clear.replicate(len(finished))


def give_result(m: Module, unit: Unit, total: Value, finished: Value) -> None:
    """Drive ``c`` and ``valid`` of a unit from a sum, which is 0 until the bit ``finished`` says that it is one."""
    drain = unit.held.drain()
    if drain is None:
        m.d.comb += [unit.c.eq(total), unit.valid.eq(finished)]
        return
    m.submodules.drain = drain
    under_way = Signal(unit.held.drain_latency, name="under_way")
    with m.If(unit.en):
        m.d.sync += under_way.eq(Cat(finished, under_way))
    m.d.comb += [
        drain.en.eq(unit.en), drain.raw.eq(total),
        unit.valid.eq(under_way[-1]), unit.c.eq(drain.c & under_way[-1].replicate(len(unit.c))),
    ]
