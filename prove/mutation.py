"""Designs broken on purpose, to see what the checks are worth: which of many small faults do they find?

Yosys lists the faults of a design's gates (`mutate`): a pin stuck at 0 or 1, or inverted; clock pins are left out. The
mutants run side by side with the design itself: a *plane* is a Python integer that holds one signal, ``width`` bits
for the design, then as many for each mutant, so that each sees ``width`` streams of inputs. What no stimulus tells
from the design goes to a solver: it is *equivalent*, or a survivor.
"""

from __future__ import annotations

import itertools
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..golden.stimulus import all_pairs, corner_pairs, random_pairs
from ..hdl import yosys
from ..hdl.designs import Design
from ..hdl.verilog import verilog
from .logic import FALSE, TRUE, Logic
from .solver import PROVED, REFUTED, Question

EXHAUSTED_BITS = 16  # operands of multipliers of which every pair is tried
RANDOM_PAIRS = 20_000  # of the others, beside all corners with each other
SECONDS = 5  # of the solver, for one question about one mutant
LONG_SECONDS = 60  # for that of many cycles
_CLOCKS = ("clk", "aclk")

# One-bit gates: how they are written in Python over planes, and built in a `Logic`.
_GATES = {
    "$_BUF_": ("{A}", lambda logic, A: A),
    "$_NOT_": ("{A} ^ ones", lambda logic, A: A ^ 1),
    "$_AND_": ("{A} & {B}", lambda logic, A, B: logic.and_(A, B)),
    "$_OR_": ("{A} | {B}", lambda logic, A, B: logic.or_(A, B)),
    "$_XOR_": ("{A} ^ {B}", lambda logic, A, B: logic.xor(A, B)),
    "$_XNOR_": ("{A} ^ {B} ^ ones", lambda logic, A, B: logic.xor(A, B) ^ 1),
    "$_MUX_": ("{A} & ~{S} | {B} & {S}", lambda logic, A, B, S: logic.mux(S, B, A)),
}
_FLOP = "$_DFF_P_"


# What checks bring, as `Comparison` and `score` describe each.
Ports = Mapping[str, list[int]]
Seen = Callable[[Logic, Ports], list[int]]
Legal = Callable[[Logic, Ports], int]
Watch = Callable[[Logic, int], Callable[[Ports, Ports], int]]
Killed = Callable[["Gates", Design, int], np.ndarray]


class Mutation(NamedTuple):
    """A fault: what is done to which pin of which gate. ``mode`` is ``const0``, ``const1`` or ``inv``."""

    mode: str
    cell: str
    pin: str

    def of(self, cell: str, pin: str, literal: int) -> int:
        """What becomes of a literal at a pin."""
        if (cell, pin) != (self.cell, self.pin):
            return literal
        return {"const0": FALSE, "const1": TRUE, "inv": literal ^ 1}[self.mode]


@dataclass
class Score:
    """What became of the mutants of one design. ``equivalent`` counts those shown equal for every input of every
    length; ``alike`` those shown equal for every input of ``cycles`` cycles from a reset on; ``survivors`` says what
    the others are."""

    design: str
    mutants: int
    killed: int
    equivalent: int
    alike: int
    cycles: int
    survivors: list
    seconds: float

    @property
    def line(self) -> str:
        known = self.mutants - self.equivalent
        alike = f", {self.alike} the same for {self.cycles} cycles of any input" if self.alike else ""
        names = "".join(f"\n  survivor: {name}" for name in self.survivors)
        return (f"{self.design}: {self.killed} of {known} mutants killed ({100 * self.killed / max(known, 1):.1f} %), "
                f"{self.equivalent} of {self.mutants} equivalent{alike}, {len(self.survivors)} survived, "
                f"{self.seconds:.1f} s{names}")


class Gates:
    """The gates and flip-flops of one module, and a list of mutations.

    Attributes
    ----------
    inputs, outputs : dict of str to int
        Widths of the ports, without the clock.
    flops : int
    flop_names : list of str
    mutations : list of Mutation
    """

    def __init__(self, module: Mapping[str, Any], mutations: list[Mutation]) -> None:
        ports = {name: port for name, port in module["ports"].items() if name not in _CLOCKS}
        self._bits = {name: port["bits"] for name, port in ports.items()}
        self.inputs, self.outputs = ({name: len(port["bits"]) for name, port in ports.items()
                                      if port["direction"] == way} for way in ("input", "output"))
        self._cells = {name: (cell["type"], {pin: bits[0] for pin, bits in cell["connections"].items()})
                       for name, cell in module["cells"].items()}
        self._lines = {name: [int(line) for line in re.findall(r"design\.v:(\d+)", cell.get("attributes", {}).get(
            "src", ""))] for name, cell in module["cells"].items()}
        self._flops = [name for name, (kind, _) in self._cells.items() if kind == _FLOP]
        self._nets = {name: net["bits"] for name, net in module["netnames"].items()}
        self._gates = self._ordered()
        self.flops, self.mutations = len(self._flops), mutations

    @property
    def flop_names(self) -> list[str]:
        return self._flops

    def register(self, name: str, state: Sequence[int]) -> list[int]:
        """The literals of a register of the top module, lowest bit first, among those of all flip-flops."""
        number = {self._cells[flop][1]["Q"]: n for n, flop in enumerate(self._flops)}
        return [{"0": FALSE, "1": TRUE}[bit] if isinstance(bit, str) else state[number[bit]]
                for bit in self._nets[name]]

    def known_as(self) -> list[dict[str, int]]:
        """Of each flip-flop the nets that have its bit, and which of theirs it is."""
        number = {self._cells[flop][1]["Q"]: n for n, flop in enumerate(self._flops)}
        found: list[dict[str, int]] = [{} for _ in self._flops]
        for name, bits in self._nets.items():
            for place, bit in enumerate(bits):
                if bit in number:
                    found[number[bit]][name] = place
        return found

    def with_mutations(self, numbers: Iterable[int]) -> Gates:
        """The same with some of the mutations."""
        found = copy(self)
        found.mutations = [self.mutations[number] for number in numbers]
        return found

    def inside(self, text: str, modules: str) -> set[str]:
        """The gates that come of modules of the Verilog text whose names match a pattern."""
        lines, name = [""], ""
        for line in text.splitlines():
            found = re.match(r"module (\w+)", line)
            name = found[1] if found else name
            lines.append(name)
        return {cell for cell, some in self._lines.items()
                if any(line < len(lines) and re.fullmatch(modules, lines[line]) for line in some)}

    def behind(self, ports: Iterable[str]) -> list[str]:
        """The gates and flip-flops that outputs depend on, in whatever cycle."""
        driver = {pins[way]: name for name, (_, pins) in self._cells.items() for way in "YQ" if way in pins}
        found, stack = {}, [driver[bit] for port in ports for bit in self._bits[port] if bit in driver]
        while stack:
            name = stack.pop()
            if name not in found:
                found[name] = None
                sources = [bit for pin, bit in self._cells[name][1].items() if pin not in "YQC"]
                stack += [driver[bit] for bit in sources if bit in driver]
        return list(found)

    def every_fault(self, cells: Iterable[str]) -> list[Mutation]:
        """What can be done to each pin of some cells."""
        return [Mutation(mode, cell, pin) for cell in cells for pin in self._cells[cell][1] if pin != "C"
                for mode in ("const0", "const1", "inv")]

    def _ordered(self):
        """Names of the gates, drivers before loads."""
        driver = {pins["Y"]: name for name, (_, pins) in self._cells.items() if "Y" in pins}
        order, stack = {}, list(driver.values())
        while stack:
            name = stack[-1]
            waiting = [driver[net] for pin, net in self._cells[name][1].items()
                       if pin != "Y" and net in driver and driver[net] not in order]
            if name in order or not waiting:
                order.setdefault(stack.pop())
            else:
                stack += waiting
        return list(order)

    def function(self, width: int) -> Callable[[list[int], list[int]], tuple[list[int], list[int]]]:
        """One cycle of the design and all its mutants, as a Python function of planes.

        Returns
        -------
        callable
            ``(state, inputs) -> (outputs, next state)``, lists with a plane per bit; ports one after the other.
        """
        lane = (1 << width) - 1
        ones = (1 << width * (len(self.mutations) + 1)) - 1
        sites, constants = {}, {"ones": ones}
        for n, mutation in enumerate(self.mutations, 1):
            site = sites.setdefault((mutation.cell, mutation.pin), dict.fromkeys(("const0", "const1", "inv"), 0))
            site[mutation.mode] |= lane << width * n

        def at(cell, pin, expression):
            site = sites.get((cell, pin))
            if not site:
                return expression
            name = f"k{len(constants)}_"
            constants.update({name + "0": ones ^ site["const0"], name + "1": site["const1"], name + "i": site["inv"]})
            return f"((({expression}) & {name}0 | {name}1) ^ {name}i)"

        def net(bit):
            return {"0": "0", "1": "ones", "x": "0"}.get(bit, f"n{bit}")

        held = [self._cells[name][1] for name in self._flops]
        given = [bit for name in self.inputs for bit in self._bits[name]]
        lines = [f"n{bit} = inputs[{i}]" for i, bit in enumerate(given)]
        lines += [f"n{pins['Q']} = {at(name, 'Q', f'state[{i}]')}"
                  for i, (name, pins) in enumerate(zip(self._flops, held, strict=True))]
        for name in self._gates:
            kind, pins = self._cells[name]
            sources = {pin: at(name, pin, net(bit)) for pin, bit in pins.items() if pin != "Y"}
            lines.append(f"n{pins['Y']} = {at(name, 'Y', _GATES[kind][0].format(**sources))}")
        wanted = [net(bit) for name in self.outputs for bit in self._bits[name]]
        after = [at(name, "D", net(pins["D"])) for name, pins in zip(self._flops, held, strict=True)]
        lines.append(f"return [{', '.join(wanted)}], [{', '.join(after)}]")
        names: dict[str, Any] = dict(constants)
        exec("\n  ".join(["def step(state, inputs):", *lines]), names)
        return names["step"]

    def build(self, logic: Logic, inputs: Sequence[int], state: Sequence[int],
              mutation: Mutation | None = None) -> tuple[list[int], list[int]]:
        """One cycle of the design, or of one mutant, in a `Logic`: literals as `function` has planes."""
        change = mutation.of if mutation else lambda cell, pin, literal: literal
        nets = {"0": FALSE, "1": TRUE, "x": FALSE}
        nets |= {self._cells[name][1]["Q"]: change(name, "Q", literal)
                 for name, literal in zip(self._flops, state, strict=True)}
        given = [bit for name in self.inputs for bit in self._bits[name]]
        nets |= dict(zip(given, inputs, strict=True))
        for name in self._gates:
            kind, pins = self._cells[name]
            sources = {pin: change(name, pin, nets[bit]) for pin, bit in pins.items() if pin != "Y"}
            nets[pins["Y"]] = change(name, "Y", _GATES[kind][1](logic, **sources))
        outputs = [nets[bit] for name in self.outputs for bit in self._bits[name]]
        return outputs, [change(name, "D", nets[self._cells[name][1]["D"]]) for name in self._flops]


def load(design: Design, count: int, seed: int) -> Gates:
    """The gates of a design's Verilog, with ``count`` mutations that Yosys picks evenly."""
    return read(verilog(design), design.slug, count, seed)


def read(text: str, top: str, count: int, seed: int) -> Gates:
    """The gates of a Verilog text, with ``count`` mutations that Yosys picks evenly."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "design.v").write_text(text)
        yosys.run(["read_verilog design.v", f"hierarchy -check -top {top}", "proc", "flatten -noscopeinfo",
                   "opt_expr", "opt_clean", "techmap", "simplemap", "opt", f"dfflegalize -cell {_FLOP} x", "opt_clean",
                   "write_json gates.json", f"mutate -list {2 * count} -seed {seed % 2**31} -o list.txt"], folder)
        module = json.loads((folder / "gates.json").read_text())["modules"][top]
        listed = (folder / "list.txt").read_text()
    found = re.findall(r"^mutate -mode (\w+) .*?-cell (\S+) -port \\?(\w+)", listed, re.M)
    mutations = dict.fromkeys(Mutation(mode, cell.removeprefix("\\"), pin) for mode, cell, pin in found if pin != "C")
    return Gates(module, list(mutations)[:count])


class Simulation:
    """A design and its mutants, cycle by cycle, each with ``width`` streams, a multiple of 8.

    Attributes
    ----------
    killed : plane
        Where a difference has been seen.
    """

    def __init__(self, gates: Gates, width: int, rng: np.random.Generator) -> None:
        self.gates, self.width, self.lanes = gates, width, len(gates.mutations) + 1
        self._step = gates.function(width)
        self.state = [self.everywhere(rng.bytes(width // 8)) for _ in range(gates.flops)]
        self.killed = 0

    def everywhere(self, octets: bytes) -> int:
        """The plane of a signal that is the same in the design and all mutants, a bit per stream."""
        return int.from_bytes(octets * self.lanes, "little")

    def as_designed(self, plane: int) -> int:
        """The design's own value of a plane, for all mutants."""
        return self.everywhere((plane & ((1 << self.width) - 1)).to_bytes(self.width // 8, "little"))

    def step(self, inputs: list[int]) -> dict[str, list[int]]:
        """One cycle; gives the outputs' planes by port."""
        flat, self.state = self._step(self.state, inputs)
        return _by_port(self.gates.outputs, flat)

    def compare(self, planes: Iterable[int], where: int = -1) -> None:
        """Whoever differs from the design is killed; ``where`` is a plane that says where it matters."""
        for plane in planes:
            self.killed |= (plane ^ self.as_designed(plane)) & where

    def found(self) -> np.ndarray:
        """Of each mutant, whether it was killed."""
        octets = self.killed.to_bytes(self.lanes * self.width // 8, "little")
        return np.any(np.frombuffer(octets, np.uint8).reshape(self.lanes, -1), axis=1)[1:]


def planes_of(codes: np.ndarray, width: int) -> list[bytes]:
    """Bits of codes as octets: (bit) lists of bytes, a bit for each of the codes, whose number is a multiple of 8."""
    octets = np.ascontiguousarray(codes, "<u8").view(np.uint8).reshape(len(codes), 8)
    bits = np.unpackbits(octets, axis=1, count=width, bitorder="little")
    return [row.tobytes() for row in np.packbits(bits.T, axis=1, bitorder="little")]


def products(gates: Gates, design: Design, seed: int, block: int = 4096) -> np.ndarray:
    """Which mutants of a multiplier are killed by every pair of operands; where these are too many, by corners and
    random pairs."""
    spec = design.multiplier
    if spec.a.width + spec.b.width <= EXHAUSTED_BITS:
        a, b = all_pairs(spec)
    else:
        pairs = corner_pairs(spec), random_pairs(spec, RANDOM_PAIRS, seed)
        a, b = (np.concatenate(codes) for codes in zip(*pairs, strict=True))
    a, b = (np.resize(codes, -(-len(a) // block) * block) for codes in (a, b))
    simulation = Simulation(gates, block, np.random.default_rng(seed))
    for start in range(0, len(a), block):
        planes = planes_of(a[start:start + block], spec.a.width) + planes_of(b[start:start + block], spec.b.width)
        simulation.compare(simulation.step([simulation.everywhere(octets) for octets in planes])["p"])
    return simulation.found()


class Cycle(NamedTuple):
    """A cycle of a design: its ports, the state that it begins with, and the next one."""

    inputs: Ports
    outputs: Ports
    state: list[int]
    after: list[int]


class Known:
    """What is known of a design's states while its contract is kept; of any design nothing."""

    def sound(self, logic: Logic, state: list[int]) -> int:
        """True of every state that it comes to be in from a reset on."""
        return TRUE

    def legal(self, logic: Logic, cycle: Cycle) -> int:
        """Whether the inputs of a cycle keep the contract, where that depends on what came before."""
        return TRUE

    def forms(self, logic: Logic, state: list[int]) -> list[list[int]]:
        """Forms of a state, in which registers that hold nothing are 0: by one or another of them a mutant's state is
        perhaps like the design's where their bits are not."""
        return []


class Control(NamedTuple):
    """Flip-flops of few states, those behind some outputs: they depend on no inputs but ``signals``, of one bit each,
    and on no other flip-flops, in the design as in its mutants."""

    outputs: tuple[str, ...]
    signals: tuple[str, ...]
    reset: str = "rst"

    def flops(self, gates: Gates) -> list[int]:
        """Their numbers."""
        behind = set(gates.behind(self.outputs))
        return [n for n, name in enumerate(gates.flop_names) if name in behind]

    def reached(self, gates: Gates, mutation: Mutation) -> set[tuple[int, ...]]:
        """The states of the design and behind each that of a mutant, which both come to be in together: after a cycle
        of reset that they begin alike, whatever the signals are in each cycle."""
        flops, both = self.flops(gates), gates.with_mutations([])
        both.mutations = [mutation]
        count = len(flops)
        patterns = np.array(list(itertools.product((0, 1), repeat=len(self.signals))), np.uint8)
        places = np.arange(2 * count)

        def following(codes, reset):
            """Codes of the pairs that come of others, a bit for each flip-flop of the design and then of the mutant."""
            pairs = (codes[:, None] >> places & 1).astype(np.uint8)
            width = -(-len(pairs) * len(patterns) // 8) * 8
            sides = np.resize(pairs.repeat(len(patterns), 0), (width, 2 * count)).reshape(width, 2, count)
            signals = dict(zip(self.signals, np.resize(patterns, (width, len(self.signals))).T, strict=True))
            planes = [0] * gates.flops
            for k, n in enumerate(flops):
                planes[n] = _plane(sides[:, 0, k], sides[:, 1, k])
            given = {name: _plane(bits, bits) for name, bits in signals.items()}
            given[self.reset] = (1 << 2 * width) - 1 if reset else 0
            inputs = [given.get(name, 0) for name, bits in gates.inputs.items() for _ in range(bits)]
            after = both.function(width)(planes, inputs)[1]
            found = np.zeros(width, np.int64)
            for k, n in enumerate(flops):
                octets = np.frombuffer(after[n].to_bytes(2 * width // 8, "little"), np.uint8)
                for side, bits in enumerate(np.unpackbits(octets, bitorder="little").reshape(2, width)):
                    found |= bits.astype(np.int64) << k + side * count
            return np.unique(found)

        alike = np.arange(1 << count)
        new = found = following(alike | alike << count, reset=True)
        while len(new):
            new = np.setdiff1d(np.union1d(following(new, reset=False), following(new, reset=True)), found)
            found = np.union1d(found, new)
        return {tuple(int(bit) for bit in code >> places & 1) for code in found}


def _plane(*sides):
    """Bits of the design and of the mutant as a plane."""
    return int.from_bytes(np.packbits(np.concatenate(sides), bitorder="little").tobytes(), "little")


class Comparison:
    """Whether a mutant can be told from its design at all.

    Parameters
    ----------
    gates : Gates
    seen : callable
        ``seen(logic, outputs)`` gives the literals that count, from those of the outputs by port. What nobody may look
        at, such as a result that is not valid, does not count.
    legal : callable
        ``legal(logic, inputs)`` gives a literal: whether the inputs of a cycle, by port, keep the contract.
    reset : dict of str to int
        Inputs of the cycle of reset that comes first; None where there are no flip-flops.
    control : Control, optional
        Flip-flops whose states, of design and mutant together, are gone through from a reset on, where that is what it
        takes.
    watch : callable, optional
        ``watch(logic, cycles)`` gives what sees the cycles after the reset one by one: called with the inputs and the
        design's outputs by port, it gives a literal as ``legal`` does.
    known : Known, optional
    """

    def __init__(self, gates: Gates, seen: Seen, legal: Legal, reset: Mapping[str, int] | None = None,
                 watch: Watch | None = None, control: Control | None = None, known: Known | None = None) -> None:
        self.gates, self._seen, self._legal, self._reset, self._watch = gates, seen, legal, reset, watch
        self._control, self._known = control, known or Known()

    def _cycle(self, logic, inputs, state, mutation=None):
        """A cycle, and of its outputs what counts."""
        outputs, after = self.gates.build(logic, inputs, state, mutation)
        outputs = _by_port(self.gates.outputs, outputs)
        return Cycle(_by_port(self.gates.inputs, inputs), outputs, state, after), self._seen(logic, outputs)

    def _kept(self, logic, cycle):
        known = logic.and_(self._known.legal(logic, cycle), self._known.sound(logic, cycle.state))
        return logic.and_(self._legal(logic, cycle.inputs), known)

    @cached_property
    def _width(self):
        return sum(self.gates.inputs.values())

    def founded(self) -> bool:
        """Whether what is known of the states holds after a reset, and from each cycle that keeps the contract to the
        next."""
        logic = Logic()
        begun, _ = self._cycle(logic, self._first(logic), logic.inputs(self.gates.flops))
        cycle, _ = self._cycle(logic, logic.inputs(self._width), logic.inputs(self.gates.flops))
        cases = ((TRUE, begun.after), (self._kept(logic, cycle), cycle.after))
        return all(_same(logic, case, [self._known.sound(logic, state)], [TRUE]) for case, state in cases)

    def equivalent(self, mutation: Mutation) -> bool:
        """Whether it never differs: nothing that counts can differ in any cycle that begins with like states. These
        are as like as they stay: all bits of a mutant's state and of its forms are the design's, but for those that can
        come to differ."""
        return self._stays_alike(mutation) or bool(self._control) and self._stays_alike(mutation, self._control)

    def _stays_alike(self, mutation, control=None):
        """The same; if there is ``control``, this is in a state of both that is reached together, and all else is as
        like as it stays."""
        flops = control.flops(self.gates) if control else []
        pairs = sorted(control.reached(self.gates, mutation)) if control else []
        apart = {n for k, n in enumerate(flops) if any(pair[k] != pair[len(flops) + k] for pair in pairs)}
        fixed = {*flops} - apart
        # What is alike: bits of the state and of its forms, by number of the form and of the bit.
        count = 1 + len(self._known.forms(Logic(), [FALSE] * self.gates.flops))
        alike = {(form, n) for form in range(count) for n in range(self.gates.flops) if n not in flops}
        if self._reset is not None:
            logic = Logic()
            inputs, mine = self._first(logic), logic.inputs(self.gates.flops)
            (cycle, _), (other, _) = (self._cycle(logic, inputs, mine, each) for each in (None, mutation))
            alike -= _differing(logic, TRUE, self._differences(logic, cycle.after, other.after, alike))
        while True:
            logic = Logic()
            inputs, mine = logic.inputs(self._width), logic.inputs(self.gates.flops)
            others = [mine[n] if n in fixed or (0, n) in alike else logic.input() for n in range(self.gates.flops)]
            (cycle, seen), (other, theirs) = (self._cycle(logic, inputs, *each) for each in (
                (mine, None), (others, mutation)))
            differs = logic.any(self._differences(logic, mine, others, alike).values())
            if pairs:
                held = [side[n] for side in (mine, others) for n in flops]
                together = logic.any(logic.any(literal ^ bit for literal, bit in zip(held, pair, strict=True)) ^ 1
                                     for pair in pairs)
                differs = logic.or_(differs, together ^ 1)
            kept = logic.and_(self._kept(logic, cycle), differs ^ 1)
            if not _same(logic, kept, seen, theirs):
                return False
            gone = _differing(logic, kept, self._differences(logic, cycle.after, other.after, alike))
            if not gone:
                return True
            alike -= gone

    def _differences(self, logic, mine, others, wanted):
        """Of two states and their forms where they differ, of those bits that are wanted."""
        sides = [[state, *self._known.forms(logic, state)] for state in (mine, others)]
        return {(form, n): logic.xor(sides[0][form][n], sides[1][form][n]) for form, n in sorted(wanted)}

    def alike(self, mutation: Mutation, cycles: int) -> bool:
        """Whether no inputs of so many cycles tell it from the design, whatever its state was before the reset."""
        logic = Logic()
        mine = others = logic.inputs(self.gates.flops)
        all_seen, all_theirs, kept = [], [], TRUE
        watch = self._watch(logic, cycles) if self._watch else lambda inputs, outputs: TRUE
        for cycle in range(cycles + 1):
            inputs = logic.inputs(self._width) if cycle else self._first(logic)
            found, seen = self._cycle(logic, inputs, mine)
            other, theirs = self._cycle(logic, inputs, others, mutation)
            if cycle:
                all_seen += seen
                all_theirs += theirs
                watched = watch(found.inputs, found.outputs)
                kept = logic.and_(logic.and_(kept, self._kept(logic, found)), watched)
            mine, others = found.after, other.after
        return _same(logic, kept, all_seen, all_theirs, LONG_SECONDS)

    def _first(self, logic):
        """Inputs of the cycle of reset: those named, others free."""
        assert self._reset is not None
        literals = []
        for name, width in self.gates.inputs.items():
            code = self._reset.get(name)
            literals += logic.inputs(width) if code is None else [(FALSE, TRUE)[code >> i & 1] for i in range(width)]
        return literals


def _by_port(widths, flat):
    """Bits by port, from those of all ports one after the other."""
    found = iter(flat)
    return {name: [next(found) for _ in range(width)] for name, width in widths.items()}


def _same(logic, condition, literals, others, seconds=SECONDS):
    """Whether literals equal others for all inputs under a condition, as far as the solver can tell in time."""
    differs = logic.and_(condition, logic.any(map(logic.xor, literals, others)))
    return differs == FALSE or differs != TRUE and Question(logic).never_one(differs, limit=seconds)[0] == PROVED


def _differing(logic, condition, differences):
    """Of literals by name those that can be true under a condition, as far as the solver can tell in time."""
    found, left = set(), {name: literal for name, literal in differences.items() if literal != FALSE}
    while left:
        wrong = logic.and_(condition, logic.any(left.values()))
        verdict, witness = Question(logic).never_one(wrong, limit=SECONDS, shown={"differ": list(left.values())})
        if verdict == PROVED:
            break
        if verdict == REFUTED:
            gone = {name for n, name in enumerate(left) if witness["differ"] >> n & 1}
        else:
            gone = {name for name, literal in left.items() if not _same(logic, condition, [literal], [FALSE], 1)}
        found |= gone
        left = {name: literal for name, literal in left.items() if name not in gone}
        if verdict != REFUTED:
            break
    return found


def everything(logic: Logic, ports: Mapping[str, list[int]]) -> list[int]:
    """All outputs count."""
    return [bit for bits in ports.values() for bit in bits]


def anything(logic: Logic, inputs: object) -> int:
    """All inputs keep the contract."""
    return TRUE


def score(design: Design, count: int, seed: int, killed: Killed = products, seen: Seen = everything,
          legal: Legal = anything, reset: Mapping[str, int] | None = None, watch: Watch | None = None,
          cycles: int = 0) -> Score:
    """Break a design in ``count`` places, one at a time, and see how many of the faults are found.

    Parameters
    ----------
    design : Design
    count, seed : int
    killed : callable
        ``killed(gates, design, seed)`` puts the mutants to the test: of each, whether it was found.
    seen, legal, reset, watch
        As `Comparison` has them.
    cycles : int
        For how long those that are not shown equivalent are compared by the solver.

    Returns
    -------
    Score
    """
    gates = load(design, count, seed)
    return judged(design.slug, gates, lambda gates: killed(gates, design, seed),
                  Comparison(gates, seen, legal, reset, watch), cycles)


def judged(name: str, gates: Gates, killed: Callable[[Gates], np.ndarray], comparison: Comparison | None,
           cycles: int = 0) -> Score:
    """What becomes of the mutations of some gates.

    Parameters
    ----------
    name : str
    gates : Gates
    killed : callable
        Of each mutation, whether it was found.
    comparison : Comparison or None
        Where not every input was tried: the others are then equivalent.
    cycles : int
        As of `score`.
    """
    start = time.perf_counter()
    found = killed(gates)
    left = [mutation for mutation, dead in zip(gates.mutations, found, strict=True) if not dead]
    other = [mutation for mutation in left if comparison and not comparison.equivalent(mutation)]
    alike = [mutation for mutation in other if cycles and comparison and comparison.alike(mutation, cycles)]
    survivors = [f"{mutation.mode} of {mutation.cell} {mutation.pin}" for mutation in other if mutation not in alike]
    return Score(name, len(gates.mutations), int(found.sum()), len(left) - len(other), len(alike), cycles, survivors,
                 time.perf_counter() - start)
