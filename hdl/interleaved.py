"""Float sums interleaved over partial sums, each of which takes every S-th addend: so an adder has S cycles for one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib.wiring import In, Out

from ..golden.formats import FloatFormat
from ..golden.spec import Accumulator, Multiplier
from .addend import Addend, expand
from .fpadd import FloatAdder
from .fppipe import Normal, StagedAdder
from .multipliers import multiplier
from .operand import passed
from .part import Part


class InterleavedSum(Part):
    """Sums of runs of addends, each over ``parts`` partial sums that are added in pairs at the end.

    An adder of ``parts`` stages adds each addend to the sum that it gave so many cycles before, so that it gives the
    partial sums of a run one after the other, over and over. Of four, with the run's last addend at t, the result is
    (x[t] + x[t-1]) + (x[t-2] + x[t-3]): one adder gives y[t] = x[t] + x[t-1] for every t, another y[t] + y[t-2]. What
    is of a run before is +0, in the loop and in these sums.

    Addends are made `Normal` before they come into the loop, where a shift costs latency alone.

    Timing: ``latency`` cycles with ``en`` from a run's last addend to its sum, one addend per such cycle, runs of any
    length without a gap. With ``en`` low everything holds. Reset drops what is under way.

    Parameters
    ----------
    fmt : FloatFormat
        Of the sums; has IEEE specials.
    addend : Addend
    parts : int
        2, 4 or 8.

    Members
    -------
    en : ``In(1)``
    p : ``In(addend.wide.width)``
    first, last : ``In(1)``
        Whether the addend begins a run, and whether it ends one.
    valid : ``Out(1)``
    c : ``Out(fmt.width)``
        The sum while ``valid``, else 0.
    """

    roles = {"loop": "accumulator", "product": "accumulator", "normal": "accumulator", "sunk": "accumulator",
             "addend": "accumulator", "kept*": "accumulator", "join_*": "drain", "earlier*": "drain",
             "ended": "control", "begun": "control"}

    en: Signal
    p: Signal
    first: Signal
    last: Signal
    valid: Signal
    c: Signal

    def __init__(self, fmt: FloatFormat, addend: Addend, parts: int) -> None:
        self.fmt, self.addend, self.parts = fmt, addend, parts
        self.levels = parts.bit_length() - 1
        self.normal = Normal(fmt, addend)
        # Adders of the pairs have as many stages as that of the loop.
        self.latency = 1 + self.normal.latency + parts * (1 + self.levels)
        super().__init__({
            "en": In(1), "p": In(addend.wide.width), "first": In(1), "last": In(1),
            "valid": Out(1), "c": Out(fmt.width),
        })

    def elaborate(self, platform: object) -> Module:
        m, stages, before = Module(), self.parts, self.normal.latency
        m.submodules.loop = loop = StagedAdder(self.fmt, self.normal.addend, stages)
        begun, ended = Signal(self.latency, name="begun"), Signal(self.latency, name="ended")
        with m.If(self.en):
            m.d.sync += [begun.eq(Cat(self.first, begun)), ended.eq(Cat(self.last, ended))]
        begins = [self.first, *begun]  # of the addends that came 0, 1, ... cycles ago

        def cut(name, value):
            return passed(m, name, value, self.en)

        addend = self.normal.code(m, cut("product", self.p) if before else self.p, cut)
        kept = self._kept(m, begins[before : before + stages], "kept")
        m.d.comb += [
            loop.en.eq(self.en), loop.p.eq(cut("addend", addend)),
            loop.acc.eq(loop.sum & kept.replicate(self.fmt.width)),
        ]
        code = loop.sum
        for level in range(self.levels):
            distance, age = 1 << level, before + stages * (1 + level)
            earlier = code
            for _ in range(distance):
                earlier = cut("earlier", earlier)
            kept = self._kept(m, begins[age : age + distance], f"kept_{level}")
            addend = partial_sum(self.fmt, self.addend, level)
            m.submodules[f"join_{level}"] = join = StagedAdder(self.fmt, addend, stages)
            m.d.comb += [
                join.en.eq(self.en), join.acc.eq(code),
                join.p.eq(expand(self.fmt, earlier & kept.replicate(self.fmt.width), addend.layout)),
            ]
            code = join.sum
        m.d.comb += [self.valid.eq(ended[-1]), self.c.eq(code & self.valid.replicate(self.fmt.width))]
        return m

    def _kept(self, m, begins, name):
        """Whether, a cycle later, what came as many cycles before as there are bits is of the same run."""
        return passed(m, name, ~Cat(begins).any(), self.en)


def partial_sum(fmt: FloatFormat, addend: Addend, level: int) -> Addend:
    """What the adders of a level of pairs add: sums of so many sums, two by two, of addends. Where these can neither be
    subnormal nor overflow it is said so, and adders are the simpler."""
    adder, first = FloatAdder(fmt, addend), addend.unit + fmt.bias
    # A sum stops growing when addends fall below half its last place.
    last = adder.high + fmt.man_bits + 2 + level
    if first <= fmt.man_bits + 1 or last + fmt.man_bits + 3 > fmt.exp_mask:
        return Addend.code(fmt)
    code, nan = Addend.code(fmt), adder.has_inf and addend.wide.has_inf or addend.wide.has_nan
    return replace(code, wide=replace(code.layout, has_inf=adder.has_inf, has_nan=nan), lowest=first, highest=last)


class InterleavedMac(Part):
    """Multiply-accumulate unit whose sums are interleaved. Parameters, ports and timing are those of
    :class:`~lmul.hdl.pe.Mac`, but that with ``en`` low every register holds.

    Raises
    ------
    Refusal
        If the accumulator does not take the products.
    """

    roles = {"multiplier": "multiplier", "runs": "accumulator", "a_held": "operand registers",
             "b_held": "operand registers", "next_first": "control", "first": "control", "last_held": "control"}

    en: Signal
    a: Signal
    b: Signal
    last: Signal
    valid: Signal
    c: Signal

    def __init__(self, multiplier_spec: Multiplier, accumulator_spec: Accumulator) -> None:
        self.multiplier = multiplier_spec
        addend = Addend.product(multiplier_spec)
        accumulator_spec.check(addend.wide, f"addends that are {addend.wide}")
        self.runs = InterleavedSum(cast(FloatFormat, accumulator_spec.fmt), addend, accumulator_spec.interleave)
        self.latency = 1 + self.runs.latency
        super().__init__({
            "en": In(1),
            "a": In(multiplier_spec.a.width), "b": In(multiplier_spec.b.width), "last": In(1),
            "valid": Out(1), "c": Out(accumulator_spec.result.width),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.multiplier = product = multiplier(self.multiplier, wide=True)
        ends = begins_runs(m, self.last, self.en, 1)
        m.d.comb += [
            product.a.eq(passed(m, "a_held", self.a, self.en)), product.b.eq(passed(m, "b_held", self.b, self.en)),
        ]
        add_runs(m, self, self.runs, product.p, *ends)
        return m


def add_runs(m: Module, unit: Any, runs: InterleavedSum, addend: Value, first: Value, last: Value) -> None:
    """Have ``runs`` add an addend in each cycle, and give the result by the ports of a unit, those of a
    `~lmul.hdl.pe.Mac`; ``first`` and ``last`` are those of `begins_runs`."""
    m.submodules.runs = runs
    m.d.comb += [
        runs.en.eq(unit.en), runs.p.eq(addend), runs.first.eq(first), runs.last.eq(last),
        unit.valid.eq(runs.valid), unit.c.eq(runs.c),
    ]


def begins_runs(m: Module, last: Value, en: Value, cycles: int) -> tuple[Value, Value]:
    """Whether what came so many cycles with ``en`` ago began a run, which what comes after reset does, and whether it
    ended one; neither, of what came before reset."""
    next_first = Signal(init=1, name="next_first")
    first, ends = Signal(cycles, name="first"), Signal(cycles, name="last_held")
    with m.If(en):
        m.d.sync += [next_first.eq(last), first.eq(Cat(next_first, first)), ends.eq(Cat(last, ends))]
    return first[-1], ends[-1]
