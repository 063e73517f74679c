"""Float sums that are interleaved: adders in stages, by the solver's theory of IEEE 754 and out of whatever state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from ..hdl.addend import Addend, expand
from ..hdl.fppipe import Normal, StagedAdder
from ..hdl.interleaved import partial_sum
from ..hdl.part import Part
from ..hdl.verilog import component
from . import float_theory, machine
from .float_sums import Sum
from .logic import FALSE, TRUE, Logic
from .obligation import Answer, Obligation, Source
from .solver import Question

if TYPE_CHECKING:
    from ..golden.formats import FloatFormat
    from ..golden.spec import Accumulator, Multiplier
    from ..hdl.designs import Design
    from .machine import Machine


class PairAdder(Part):
    """Two partial sums, codes of one format, as adders of pairs add them.

    Members
    -------
    en : ``In(1)``
    acc : ``In(fmt.width)``
    p : ``In``
        The addend, here ``fmt.width`` bits.
    sum : ``Out(fmt.width)``
    """

    en: Signal
    acc: Signal
    p: Signal
    sum: Signal

    def __init__(self, fmt: FloatFormat, addend: Addend, stages: int) -> None:
        self.fmt, self.addend, self.stages = fmt, addend, stages
        super().__init__({"en": In(1), "acc": In(fmt.width), "p": In(self._given()), "sum": Out(fmt.width)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        taken, code = self._taken(m)
        m.submodules.adder = adder = StagedAdder(self.fmt, taken, self.stages)
        m.d.comb += [adder.en.eq(self.en), adder.acc.eq(self.acc), adder.p.eq(code), self.sum.eq(adder.sum)]
        return m

    def _given(self):
        """Bits of what is given as an addend."""
        return self.fmt.width

    def _taken(self, m):
        """What the adder takes for addends, and the code of this one."""
        return self.addend, expand(self.fmt, self.p, self.addend.layout)


class ProductAdder(PairAdder):
    """A sum and an addend, ``addend.wide.width`` bits and made `Normal`, as the adder of the loop adds them."""

    def _given(self):
        return self.addend.wide.width

    def _taken(self, m):
        normal = Normal(self.fmt, self.addend)
        return normal.addend, normal.code(m, self.p)


class Staged:
    """An adder in stages as if it were none: its sum so many cycles with ``en`` later, out of whatever state, whatever
    is added after."""

    def __init__(self, machine: Machine, stages: int) -> None:
        self.machine, self.stages = machine, stages

    def build(self, logic: Logic, inputs: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
        """Output literals from input literals, as `Circuit.build`."""
        _, state = self.machine.step(logic, logic.inputs(self.machine.registers),
                                     {name: list(bits) for name, bits in inputs.items()} | {"en": [TRUE]})
        for _ in range(self.stages - 1):
            _, state = self.machine.step(logic, state, {"en": [TRUE]})
        return self.machine.step(logic, state, {})[0]


class Range(NamedTuple):
    """What sums can be, as `float_theory.is_sum` takes them."""

    fmt: FloatFormat
    specials: tuple[bool, bool]
    step: int
    largest: int


def added(circuits: Mapping[str, Any], seconds: float, case: Sum, stages: int) -> Answer:
    """`float_theory.added`, of an adder in stages."""
    return float_theory.added({"adder": cast(Any, Staged(circuits["adder"], stages))}, seconds, case)


def paired(circuits: Mapping[str, Any], seconds: float, before: Range, after: Range, stages: int) -> Answer:
    """Two sums that can be, by the gates of an adder of pairs, give what the solver's theory of IEEE addition says,
    rounded once, and again a sum that can be."""
    logic, fmt = Logic(), before.fmt
    given = {name: logic.inputs(fmt.width) for name in ("acc", "p")}
    given["sum"] = Staged(circuits["adder"], stages).build(logic, dict(given))["sum"]
    question = Question(logic)
    acc, p, total = (question.word(bits) for bits in given.values())
    right = float_theory.number_of_code(fmt, acc) + float_theory.number_of_code(fmt, p)
    possible = float_theory.is_sum(before, acc) & float_theory.is_sum(before, p)
    wrong = possible & (float_theory.differs(total, right, fmt) | ~float_theory.is_sum(after, total))
    verdict, witness, count = question.never_in_cases(wrong, float_theory.cases(Sum(fmt), acc, p, total), seconds,
                                                      {"acc": acc, "p": p, "gives": total})
    return Answer(verdict, witness, (count,))


def held(circuits: Mapping[str, Machine], seconds: float) -> Answer:
    """Out of whatever state: with ``en`` and reset low no register changes, and outputs do not look at other inputs."""
    unit, logic = circuits["unit"], Logic()
    state = logic.inputs(unit.registers)
    still = unit.running | {"en": [FALSE]}
    before, following = unit.step(logic, state, still)
    after, _ = unit.step(logic, state, still)
    pairs = [*zip(state, following, strict=True),
             *(pair for name in before for pair in zip(before[name], after[name], strict=True))]
    return Answer(*Question(logic).never_one(logic.any(logic.xor(x, y) for x, y in pairs), limit=seconds))


def of(name: str, spec: Multiplier, accumulator: Accumulator) -> list[Obligation]:
    """The obligations of the adders of an interleaved sum, called ``name``: that products are what it relies on, that
    it adds, and that sums of pairs are added.

    Returns
    -------
    list of Obligation
        None of products that are wider than `float_theory.SOLVED_BITS`.
    """
    fmt, stages = cast("FloatFormat", accumulator.fmt), accumulator.interleave
    case = Sum(fmt, spec)
    if case.addend.sig_bits > float_theory.SOLVED_BITS:
        return []
    means = f"SMT, floating-point theory, of {stages} stages out of any state, {{:,}} cases"
    shown: dict[str, Any] = {"acc": fmt, "gives": fmt}
    found = [float_theory.products(name, spec),
             Obligation(name, "every sum is IEEE's, rounded once", means + ", by induction", added, (case, stages),
                        {"adder": Source(machine.load, ProductAdder, (fmt, case.addend, stages))}, shown, weight=1000)]
    for level in range(stages.bit_length() - 1):
        addend = partial_sum(fmt, case.addend, level)
        claim, source = "every sum of two {} is IEEE's, rounded once", Source(machine.load, PairAdder,
                                                                             (fmt, addend, stages))
        if addend == Addend.code(fmt):
            claim = claim.format("codes")
            one = Obligation(f"codes into {fmt}", claim, means, added, (Sum(fmt), stages), {"adder": source},
                             shown | {"p": fmt}, weight=2000)
        else:
            ranges = [Range(fmt, case.specials, case.step, case.largest + (more << fmt.man_bits))
                      for more in (level, level + 1)]
            one = Obligation(name, claim.format(f"sums of {1 << level}" if level else "partial sums"), means, paired,
                             (*ranges, stages), {"adder": source}, shown | {"p": fmt}, weight=2000)
        if one.key not in [each.key for each in found]:
            found.append(one)
    return found


def unit(design: Design) -> Obligation:
    """The obligation of a `mac` or a `dot` that it waits while ``en`` is low."""
    return Obligation(design.slug, "with en low every register holds", "SMT, a step out of any state", held, (),
                      {"unit": Source(machine.load, component, (design,))})
