"""Order in interleaved float sums: which addend meets which partial sum, and which partial sums are added.

Multipliers, the tree of lanes and the adders are left closed: what they give may be anything, so that what is shown of
the words they are given holds whatever they compute. With ``en`` high, out of any state, for any addend t of S partial
sums:

- the loop's adder is given it, made `Normal`, and what the same adder gives then, which is what it made of addend
  t - S; or +0, if a run ended between the two;
- the adder of pairs of level l is given what the one below it made for addend t and for addend t - 2**l; or +0 in the
  place of the second, if a run ended between the two;
- if t ends a run, the last of these adders gives the result, ``latency`` cycles after the pair was taken, and ``valid``
  is high then and only then.

Addends before a reset are of another run. An adder gives its sum as many cycles later as it has stages, which is an
obligation of its own (`interleaved`), and so is that with ``en`` low all waits. So of a run's addends, however many,
each is added once, to the sum of those that are S, 2S, ... before it, and these sums are added as golden does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from ..hdl.addend import Addend, expand
from ..hdl.fppipe import Normal
from ..hdl.interleaved import partial_sum
from ..hdl.part import Part
from ..hdl.verilog import component
from . import exhaust, machine
from .logic import FALSE, TRUE, Logic
from .obligation import PROVED, Answer, Obligation, Source
from .solver import Question

if TYPE_CHECKING:
    from ..golden.formats import FloatFormat
    from ..hdl.designs import Design
    from ..hdl.interleaved import InterleavedSum
    from .exhaust import Circuit
    from .machine import Machine

Cycle = Mapping[str, list[int]]  # literals by port: what is given, and what comes of it

_CLOSED = ("*_prod_*", "*_aligned_sum*", "*_float_tree*", "*_staged_adder*")


class Normalised(Part):
    """An addend as the loop's adder takes it, without registers.

    Members
    -------
    p : ``In(addend.wide.width)``
    code : ``Out``
        As of `Normal`.
    """

    p: Signal
    code: Signal

    def __init__(self, fmt: FloatFormat, addend: Addend) -> None:
        self.normal = Normal(fmt, addend)
        super().__init__({"p": In(addend.wide.width), "code": Out(self.normal.addend.wide.width)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.code.eq(self.normal.code(m, self.p))
        return m


class Expanded(Part):
    """A sum as an adder of pairs takes it.

    Members
    -------
    p : ``In(fmt.width)``
    code : ``Out(addend.wide.width)``
    """

    p: Signal
    code: Signal

    def __init__(self, fmt: FloatFormat, addend: Addend) -> None:
        self.fmt, self.addend = fmt, addend
        super().__init__({"p": In(fmt.width), "code": Out(addend.wide.width)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.code.eq(expand(self.fmt, self.p, self.addend.layout))
        return m


def load(verilog: Mapping[str, str]) -> dict[str, Machine]:
    """Units whose words are followed, and not what is made of them."""
    return machine.load(verilog, _CLOSED)


class _Unit:
    """A unit's cycles with ``en`` high, and what is wrong in them."""

    def __init__(self, circuits: Mapping[str, Any], design: Design) -> None:
        self.logic, self.machine, self.circuits, self.design = Logic(), circuits["unit"], circuits, design
        self.parts, self.unit = design.summed_by.interleave, component(design)
        self.runs = _runs(self.unit)
        self.cycles: list[Cycle] = []

    def run(self, state: list[int], count: int) -> None:
        """So many cycles more, whatever is given in each."""
        for _ in range(count):
            given = {name: self.logic.inputs(width) for name, width in self.machine.inputs.items()}
            given |= self.machine.running | {"en": [TRUE]}
            found, state = self.machine.step(self.logic, state, given)
            self.cycles.append(given | found)

    def masked(self, code: Sequence[int], taken: int, distance: int) -> list[int]:
        """A code; or +0, if a run ended in one of so many cycles before the one in which a pair was taken. That before
        the first is reset, which ends what was before."""
        ends = [FALSE if cycle < -1 else TRUE if cycle < 0 else self.cycles[cycle]["last"][0]
                for cycle in range(taken - distance, taken)]
        kept = self.logic.any(ends) ^ 1
        return [self.logic.and_(bit, kept) for bit in code]

    def differs(self, taken: int) -> list[int]:
        """Literals that are all false if the pair taken in a cycle goes the way that it should."""
        cycles, wrong, unit = self.cycles, [], self.unit

        def equal(at, name, wanted):
            wrong.extend(self.logic.xor(bit, right) for bit, right in zip(cycles[at][name], wanted, strict=True))

        def made(name, code):
            return cast("Circuit", self.circuits[name]).build(self.logic, {"p": code})["code"]

        at, lanes = taken + 1, self.design.lanes or 1
        names = [f"multiplier_{lane}" for lane in range(lanes)] if self.design.lanes else ["multiplier"]
        for port in "ab":
            words, width = cycles[taken][port], len(cycles[taken][port]) // lanes
            for lane, name in enumerate(names):
                equal(at, f"{name}.{port}", words[lane * width : (lane + 1) * width])
        code = [bit for name in names for bit in cycles[at][f"{name}.p"]]
        if self.design.lanes:
            equal(at, "tree.p", code)
            at += unit.latency - self.runs.latency - 1
            code = cycles[at]["tree.sum"]
        at += 1 + self.runs.normal.latency
        equal(at, "runs.loop.p", made("normal", code))
        equal(at, "runs.loop.acc", self.masked(cycles[at]["runs.loop.sum"], taken, self.parts))
        source = "runs.loop.sum"
        for level in range(self.runs.levels):
            at += self.parts
            name, distance = f"runs.join_{level}", 1 << level
            equal(at, f"{name}.acc", cycles[at][source])
            equal(at, f"{name}.p", made(f"pair_{level}", self.masked(cycles[at - distance][source], taken, distance)))
            source = f"{name}.sum"
        at += self.parts
        assert at == taken + unit.latency
        last = cycles[taken]["last"][0]
        equal(at, "valid", [last])
        equal(at, "c", [self.logic.and_(bit, last) for bit in cycles[at][source]])
        wrong += [enable ^ 1 for cycle in cycles for name in cycle if name.endswith(".en") for enable in cycle[name]]
        return wrong


def _runs(unit):
    return cast("InterleavedSum", unit.runs)


def ordered(circuits: Mapping[str, Any], seconds: float, design: Design) -> Answer:
    """The way of a pair out of any state, in which there were at least as many as there are partial sums; and of all
    that come before there were so many, from reset."""
    any_state, reset = _Unit(circuits, design), _Unit(circuits, design)
    latency, parts = any_state.unit.latency, any_state.parts
    any_state.run(any_state.logic.inputs(any_state.machine.registers), parts + latency + 1)
    answer = _never(any_state.logic, any_state.differs(parts), seconds)
    if answer.verdict != PROVED:
        return answer
    reset.run(reset.machine.reset(reset.logic), parts + latency)
    wrong = [literal for taken in range(parts) for literal in reset.differs(taken)]
    wrong += [literal for cycle in reset.cycles[:latency] for name in ("valid", "c") for literal in cycle[name]]
    return _never(reset.logic, wrong, seconds)


def _never(logic, literals, seconds):
    return Answer(*Question(logic).never_one(logic.any(literals), limit=seconds))


def of(design: Design) -> list[Obligation]:
    """The obligation of an interleaved `mac` or `dot`."""
    accumulator, addend = design.summed_by, _runs(component(design)).addend
    fmt = cast("FloatFormat", accumulator.fmt)
    sources = {"unit": Source(load, component, (design,)), "normal": Source(exhaust.load, Normalised, (fmt, addend))}
    for level in range(accumulator.interleave.bit_length() - 1):
        sources[f"pair_{level}"] = Source(exhaust.load, Expanded, (fmt, partial_sum(fmt, addend, level)))
    means = "SMT, out of any state and from reset, runs of any length, whatever multipliers and adders give"
    return [Obligation(design.slug, "each addend is added to the right partial sum, and these in pairs", means, ordered,
                       (design,), sources)]
