"""Energy of a unit by what it does: a netlist driven with operands of one kind, and what each cycle of that costs.

An action is one cycle of the unit, of which each multiply-accumulate (of a lone multiplier each product) has its share.
Every kind of operand drives the same netlist, in the same simulation as a report's, and the results of each are held
against golden.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import numpy as np

from ..golden.operands import Operands, Product, operands, pairs
from ..golden.refusal import Refusal
from ..hdl.designs import parse
from ..hdl.verilog import component
from ..hdl.yosys import run
from . import library
from .activity import simulate
from .drive import drivable, drive
from .energy import estimate
from .measure import run_report
from .netlist import Netlist
from .options import Options
from .timing import Constraints, analyse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..hdl.designs import Design
    from .store import Store

#: By action what the unit is given, in the order of files.
MEANINGS = {
    "new_operand": "both operands are new in every cycle; where weights are loaded, each is used once",
    "held_weight": "b is held, a is new in every cycle",
    "zero_operand": "a is zero in every cycle, b as before",
    "idle": "nothing is offered, inputs rest, the clock runs",
    "gated": "the clock stands as well: leakage alone",
}

HELD = 8  # weights that are held one after the other, each for its share of the vectors
REST = 64  # cycles of an idle unit that are counted


@dataclass(frozen=True)
class Characterised:
    """A design in a technology, and what each action costs.

    Attributes
    ----------
    design, technology : str
    area_um2, clock_ps, leakage_nw : float
    macs : int
        Multiply-accumulates that the unit can begin in a cycle; of a lone multiplier products.
    sizes : tuple of int
        The same along each of its dimensions: lanes, rows, columns.
    energies : dict of str to float
        fJ of each multiply-accumulate by action; one that the design does not have is left out.
    reasons : dict of str to str
        Why an action is left out.
    usual : str
        The action of most cycles: ``held_weight`` of units in which weights stay, else ``new_operand``.
    about : dict of str to str
        Where the figures come from.
    """

    design: str
    technology: str
    area_um2: float
    clock_ps: float
    leakage_nw: float
    macs: int
    sizes: tuple[int, ...]
    energies: dict[str, float]
    reasons: dict[str, str]
    usual: str
    about: dict[str, str]


def measure(slugs: Sequence[str], technologies: Sequence[str] = (), liberty: Sequence[str] = (), *,
            options: Options | None = None, command: str = "", store: Store | None = None,
            progress: Callable[..., object] | None = None) -> list[Characterised]:
    """The units of designs in cell libraries, at the relaxed clock of a report of them.

    Parameters
    ----------
    slugs : list of str
    technologies, liberty
        As `run_report` takes them; FPGAs have no energies and are refused.
    options : Options
    command : str
    store : Store, optional
        As `run_report` takes it.
    progress : callable, optional

    Raises
    ------
    Refusal
        If a slug, technology or Liberty file is refused, or a design cannot be driven.
    """
    options = options or Options()
    for slug in slugs:
        if why := drivable(parse(slug)):
            raise Refusal(f"Designs must be driven to have energies, and {slug} is not: {why}")
    for name in technologies:
        if name not in library.EMBEDDED:
            raise Refusal(f"Technology must be one of {', '.join(library.EMBEDDED)}, not {name!r}; others come by "
                          "--liberty")
    with tempfile.TemporaryDirectory(prefix="lmul-", ignore_cleanup_errors=True) as folder:
        record = run_report(slugs, technologies, liberty, options=options, command=command, keep=folder,
                            store=store, progress=progress)
        libraries = {name: library.load(name, dont_use=options.dont_use) for name in technologies or
                     (() if liberty else library.EMBEDDED)}
        if liberty:
            other = library.load(None, liberty, options.dont_use)
            libraries[other.name] = other
        source = operands(options.operands, options.seed, options.pairing,
                          [parse(slug).multiplier for slug in slugs])
        return [_unit(row, record, libraries[row["technology"]], Path(folder), source, options)
                for row in record["rows"]]


def _unit(row, record, lib, folder, source, options):
    design = parse(row["design"])
    if row["energy_fj_per_op"] is None:
        raise Refusal(f"{design.slug} must have an energy in {lib.name}, and has none: "
                      f"{row['reasons']['energy_fj_per_op']}")
    netlist = read_verilog(folder / lib.name / design.slug / "relaxed" / "netlist.v", lib)
    energies, reasons = actions(design, netlist, source, row["clock_ps"], options)
    [about] = [each for each in record["libraries"] if each["name"] == lib.name]
    about = {"command": record["command"],
             "program": f"lmul {record['versions']['lmul']} ({record['versions']['program']})",
             "library": about["source"], "operands": record["operands"]["source"], "seed": str(options.seed),
             "vectors": str(options.vectors), "effort": options.effort}
    usual = "held_weight" if design.protocol in _STATIONARY else "new_operand"
    return Characterised(design.slug, lib.name, row["area_um2"], row["clock_ps"], row["leakage_nw"],
                         design.multipliers, design.sizes, energies, reasons, usual, about)


def read_verilog(path: Path, lib: library.Library) -> Netlist:
    """A netlist that `handover` left, read again."""
    with tempfile.TemporaryDirectory(prefix="lmul-", ignore_cleanup_errors=True) as folder:
        copyfile(path, Path(folder, "netlist.v"))
        run(["read_verilog netlist.v", "write_json netlist.json"], folder)
        return Netlist.read(Path(folder, "netlist.json"), lib)


def actions(design: Design, netlist: Netlist, source: Operands, period_ps: float,
            options: Options) -> tuple[dict[str, float], dict[str, str]]:
    """What a mapped netlist burns by action: fJ of each multiply-accumulate, and why an action is missing.

    Parameters
    ----------
    design : Design
    netlist : Netlist
        Of the design, in any library.
    source : Operands
    period_ps : float
        The clock; not below the longest path.
    options : Options
        Of these ``seed``, ``vectors``, ``mode`` and ``wire_load``.

    Raises
    ------
    Mismatch
        If an output is not what golden says.
    """
    bench = _Bench(design, netlist, source, period_ps, options)
    energies, reasons = _STATIONARY.get(design.protocol, _Bench.streamed)(bench)
    idle, leakage = bench.idle()
    energies |= {"idle": idle, "gated": leakage}
    return {name: energies[name] for name in MEANINGS if name in energies}, reasons


class _Bench:
    """A netlist, its timing, and operands to drive it with."""

    def __init__(self, design, netlist, source, period_ps, options):
        self.design, self.netlist, self.options, self.source = design, netlist, options, source
        self.timing = analyse(netlist, netlist.library, Constraints.default(netlist.library, options.wire_load))
        self.period = max(period_ps, self.timing.delay_ps)
        self.latency = 0 if design.combinational else component(design).latency
        self.macs = design.multipliers

    def drive(self, source, vectors):
        return drive(self.design, self.latency, source, vectors, self.options.seed)

    def energy(self, driven, first=None, last=None, ops=None):
        """fJ of each of the ``ops`` in the cycles from ``first`` to ``last``, of all that count by default."""
        first = driven.warmup if first is None else first
        inputs = {port: codes[:last] for port, codes in driven.inputs.items()}
        activity = simulate(self.netlist, self.timing, inputs, self.options.mode, self.period, first)
        if last is None:
            driven.check(activity.outputs)
        per_cycle = (driven.ops if ops is None else ops) / activity.cycles
        return estimate(self.netlist, self.timing, activity, self.period, per_cycle).energy_fj_per_op

    def kinds(self):
        """Pairs as the source has them, over their scales: to be driven as they are."""
        spec = self.design.multiplier
        drawn = pairs(self.source, spec, self.options.vectors, self.options.seed)
        return drawn.a.values, drawn.b.values

    def of(self, a, b):
        """A source of these numbers, which are taken as they are."""
        own_a, own_b = self.design.multiplier.ranges
        return Operands("actions", "", (Product("actions", a, b, own_a, own_b),), {"actions": 1.0})

    @property
    def zero(self):
        """Why a cannot be zero, or None."""
        fmt = self.design.multiplier.a
        return None if not np.any(fmt.along(fmt.pack(np.zeros(8 * self.design.multiplier.per_code)), -1)) else \
            f"{fmt.name} has no zero"

    def streamed(self):
        """Units that take both operands in every cycle."""
        vectors, (a, b) = self.options.vectors, self.kinds()
        energies, reasons = {"new_operand": self.energy(self.drive(self.source, vectors))}, {}
        weights = b[np.linspace(0, len(b) - 1, HELD).astype(int)]
        held = [self.energy(self.drive(self.of(a, np.full_like(b, weight)), max(vectors // HELD, 1)))
                for weight in weights]
        energies["held_weight"] = float(np.mean(held))
        if self.zero:
            reasons["zero_operand"] = self.zero
        else:
            energies["zero_operand"] = self.energy(self.drive(self.of(np.zeros_like(a), b), vectors))
        return energies, reasons

    def passes(self):
        """Units that hold their weights: the cycles that load them, and those of vectors, apart."""
        a, b = self.kinds()
        driven = self.drive(self.source, self.options.vectors)
        loads, vectors = (_last_run(driven.inputs[port]) for port in ("i_b__valid", "i_a__valid"))
        held = self._vectors(driven, vectors)
        weights = (loads[1] - loads[0]) * self.design.cols
        energies = {"held_weight": held, "new_operand": held + self.energy(driven, *loads, ops=weights)}
        if self.zero:
            return energies, {"zero_operand": self.zero}
        quiet = self.drive(self.of(np.zeros_like(a), b), self.options.vectors)
        energies["zero_operand"] = self._vectors(quiet, _last_run(quiet.inputs["i_a__valid"]))
        return energies, {}

    def _vectors(self, driven, vectors):
        """fJ of a multiply-accumulate while vectors follow each other."""
        self.energy(driven)  # for its check
        first, last = vectors
        first = min(first + self.latency, last - 1)  # the pipeline is full
        return self.energy(driven, first, last, ops=(last - first) * self.macs)

    def idle(self):
        """fJ of each multiply-accumulate that a resting cycle takes the place of, and what of it is leakage."""
        driven = self.drive(self.source, max(self.options.vectors // 8, 1))
        rest = {port: np.repeat(codes[-1:], REST) for port, codes in driven.inputs.items()}
        for port in rest:
            if port == "en" or port.endswith("__valid"):
                rest[port] = np.zeros_like(rest[port])
        inputs = {port: np.concatenate([codes, rest[port], rest[port]]) for port, codes in driven.inputs.items()}
        activity = simulate(self.netlist, self.timing, inputs, self.options.mode, self.period, driven.cycles + REST)
        found = estimate(self.netlist, self.timing, activity, self.period, self.macs)
        return found.energy_fj_per_op, found.by_kind["leakage"]


#: Protocols of units in which weights stay.
_STATIONARY = {"passes": _Bench.passes}


def _last_run(valid):
    """The last cycles in a row in which a signal is 1: (first, one after the last)."""
    ones = np.flatnonzero(np.asarray(valid))
    breaks = np.flatnonzero(np.diff(ones) > 1)
    return int(ones[breaks[-1] + 1] if len(breaks) else ones[0]), int(ones[-1]) + 1
