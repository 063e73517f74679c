"""Cells as timing, simulation and energy need them, made from Liberty groups.

Units are fixed here, whatever the file's: ps, fF, fJ, nW, um2, V.

What a file says wrongly is a `Refusal` of the file: a number that is none, a table that does not fit its axes. What one
cell lacks, or says in a way that logic cannot use, is `Unfit`: that cell is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from ..golden.refusal import Refusal
from . import boolean
from .liberty import LARGEST, number, numbers

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from typing import Any

    from numpy.typing import ArrayLike

    from .liberty import Group

RISE, FALL = 0, 1

_CLOCK_TYPES = {"rising_edge": "rising", "falling_edge": "falling"}
_COMBINATIONAL_TYPES = {"", "combinational", "combinational_rise", "combinational_fall"}
_SETUP_TYPES = {"setup_rising": "rising", "setup_falling": "falling"}
_SENSES = {"positive_unate": 1, "negative_unate": -1, "non_unate": 0}
#: Booleans that mark a cell as one that plain logic must not be mapped to, and attributes whose words do.
_SPECIAL = ("is_isolation_cell", "always_on", "is_level_shifter", "is_macro_cell", "is_memory", "pad_cell", "is_pad",
            "dont_touch")
_SPECIAL_WORDS = ("switch_cell_type", "clock_gating_integrated_cell", "retention_cell")
_DIRECTIONS = ("input", "output", "inout", "internal")


class Unfit(Refusal):
    """Why one cell of a library cannot be used; the others can."""


def flag(group: Group, name: str, where: str) -> bool:
    """A Boolean attribute, False where absent; raises Unfit when it is no Boolean."""
    word = str(group.get(name, "false")).lower()
    if word not in ("true", "false", "1", "0"):
        raise Unfit(f"{where}: {name} must be true or false, not {group.get(name)!r}")
    return word in ("true", "1")


@dataclass(frozen=True, eq=False)
class Table:
    """A figure over two axes, linear between its points and beyond them.

    ``x`` is the input slew (of a check: the clock's slew) in ps; ``y`` the output load in fF (of a check: the data's
    slew in ps); ``values`` has shape (len(x), len(y)), in ps or fJ.
    """

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray

    def __call__(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """The figure at points (x, y), which broadcast."""
        i, s = locate(self.x, np.asarray(x, float))
        j, t = locate(self.y, np.asarray(y, float))
        v = self.values
        i1, j1 = np.minimum(i + 1, len(self.x) - 1), np.minimum(j + 1, len(self.y) - 1)
        return (1 - s) * ((1 - t) * v[i, j] + t * v[i, j1]) + s * ((1 - t) * v[i1, j] + t * v[i1, j1])


def locate(axis: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The interval of each point and its position in it, below 0 or above 1 outside the axis."""
    if len(axis) == 1:
        return np.zeros(at.shape, int), np.zeros(at.shape)
    i = np.clip(np.searchsorted(axis, at, side="right") - 1, 0, len(axis) - 2)
    return i, (at - axis[i]) / (axis[i + 1] - axis[i])


def combined(tables: Iterable[Table | None], how: Callable[..., np.ndarray]) -> Table | None:
    """Tables point by point on the finest of their grids; None entries are left out, and of nothing comes None.

    ``how`` reduces an array along its axis 0, such as ``np.max``.
    """
    tables = [t for t in tables if t is not None]
    if not tables:
        return None
    grid = max(tables, key=lambda t: t.values.size)
    return Table(grid.x, grid.y, how([t(grid.x[:, None], grid.y) for t in tables], axis=0))


@dataclass(frozen=True)
class Pin:
    """A signal pin. ``capacitance`` is (rising, falling) in fF; ``voltage`` None means the library's."""

    name: str
    direction: str
    capacitance: tuple = (0.0, 0.0)
    function: str | None = None
    max_capacitance: float | None = None
    voltage: float | None = None


@dataclass(frozen=True, eq=False)
class Arc:
    """A delay from input ``source`` to output ``target``.

    ``sense``: 1 positive, -1 negative, 0 either. ``edge``: None, or ``rising`` / ``falling`` for a clock's arc.
    ``delay`` and ``slew``: (rise, fall) of the output, each a `Table` or None.
    """

    source: str
    target: str
    sense: int
    edge: str | None
    when: str | None
    delay: tuple
    slew: tuple


@dataclass(frozen=True, eq=False)
class Check:
    """A setup time of ``pin`` before an ``edge`` of ``clock``. ``time``: (rising, falling) data, `Table` or None."""

    pin: str
    clock: str
    edge: str
    when: str | None
    time: tuple


@dataclass(frozen=True, eq=False)
class Power:
    """Internal energy of a toggle of ``pin``; ``related`` is the input that caused an output's toggle.

    ``supply`` is the power, ground or bias pin that the table was measured at; None where it is not said. ``ground``
    marks a table measured at a ground pin, which describes the same charge as the supply's once more.
    ``energy``: (rise, fall), each a `Table` or None. ``times``: how many groups of a Liberty file it stands for.
    """

    pin: str
    related: str | None
    when: str | None
    supply: str | None
    ground: bool
    energy: tuple
    times: int = 1


@dataclass(frozen=True)
class Flop:
    """An edge-triggered register: ``edge`` of ``clock`` takes ``data``; state variables ``q`` and its inverse ``qn``.

    A register that stores the inverse of a pin is turned round here, so that ``data`` is the pin itself.
    """

    clock: str
    edge: str
    data: str
    q: str
    qn: str
    clear: str | None = None
    preset: str | None = None

    @classmethod
    def make(cls, clock: str, edge: str, data: str, q: str, qn: str, clear: str | None = None,
             preset: str | None = None) -> Flop:
        name, straight = boolean.literal(data)
        if name:
            if not straight:
                q, qn, clear, preset = qn, q, preset, clear
            data = name
        return cls(clock, edge, data, q, qn, clear, preset)


@dataclass(frozen=True)
class Gate:
    """An integrated clock gate for registers of the rising edge: a latch, open while ``clock`` is 0, and an AND.

    ``output`` follows ``clock`` through a cycle at whose start ``enable``, or one of ``tests``, was 1, and else stays
    0: with ``enable`` 1, 1, 0 before three rising edges there are two pulses.
    """

    clock: str
    enable: str
    output: str
    tests: tuple = ()


@dataclass(frozen=True, eq=False)
class Cell:
    """A combinational cell, a register or a clock gate.

    ``leakage``: (when or None, nW) pairs; ``cell_leakage``: nW or None; ``bias_leakage``: such
    pairs by supply, of what leaks beside that at bias and backup supplies.
    """

    name: str
    area: float
    pins: dict
    arcs: list = field(default_factory=list)
    checks: list = field(default_factory=list)
    powers: list = field(default_factory=list)
    leakage: list = field(default_factory=list)
    cell_leakage: float | None = None
    flop: Flop | None = None
    dont_use: bool = False
    bias_leakage: dict = field(default_factory=dict)
    gate: Gate | None = None

    @property
    def clocked(self) -> bool:
        """Whether its outputs hang on a state, and so have no truth table."""
        return self.flop is not None or self.gate is not None

    @property
    def inputs(self) -> list[str]:
        return [pin.name for pin in self.pins.values() if pin.direction == "input"]

    @property
    def outputs(self) -> list[str]:
        return [pin.name for pin in self.pins.values() if pin.direction == "output"]

    def truth(self, output: str) -> np.ndarray:
        """Truth table of a combinational output over `inputs`."""
        return boolean.truth(self.pins[output].function, self.inputs)


class Units:
    """Factors from a library's units to ours, and what its cells take from the library's head.

    Raises
    ------
    Refusal
        If a unit is not one: the sentence names it.
    """

    def __init__(self, library: Group, file: str) -> None:
        self.library = library
        self.file = file
        self.time = self._unit("time_unit", "1ns", "s", 1e12)
        self.volt = self._unit("voltage_unit", "1V", "V", 1)
        # leakage without a unit is no figure
        self.power = self._unit("leakage_power_unit", None, "W", 1e9) if library.get("leakage_power_unit") else None
        load = library.attributes.get("capacitive_load_unit", "")
        self.capacitance = self._scale("capacitive_load_unit", "".join(load), "f", 1e15)
        self.energy = self.volt**2 * self.capacitance
        self.supplies = {values[0]: number(values[1], file, name) * self.volt for name, values in library.repeated
                         if name == "voltage_map" and len(values) == 2}
        self.templates = {kind: self._named(kind) for kind in ("lu_table_template", "power_lut_template")}
        self.axes, self.points = {}, {}  # of tables, remembered
        leak = number(library.get("default_cell_leakage_power", 0), file, "default_cell_leakage_power")
        self.default_leakage = leak * self.power if leak > 0 and self.power else None  # 0 stands for none
        model = library.get("delay_model", "table_lookup")
        if model != "table_lookup":
            raise Refusal(f"{file}: delay_model must be table_lookup, not {model!r}")

    def _named(self, kind):
        found = {}
        for group in self.library.all(kind):
            if group.name in found:
                raise Refusal(f"{self.file}: {group} must be defined once, not twice")
            found[group.name] = group
        return found

    def template(self, name: str, energy: bool) -> Any:
        """The template of that name, for energies or for times; those of one kind may serve the other."""
        first, second = ("power_lut_template", "lu_table_template")[:: 1 if energy else -1]
        return self.templates[first].get(name) or self.templates[second].get(name)

    def _unit(self, name, default, unit, factor):
        return self._scale(name, self.library.get(name, default), unit, factor)

    def _scale(self, name, text, unit, factor):
        match = re.fullmatch(rf"\s*(\d*\.?\d+|\d+\.)\s*([munpfa]?){unit}\s*", text, re.IGNORECASE)
        if not match or not 0 < float(match[1]) < 1e6:
            raise Refusal(f"{self.file}: {name} must be a number and a unit such as 1n{unit}, not {text!r}")
        prefix = {"": 1, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18}[match[2].lower()]
        return round(float(match[1]) * prefix * factor, 12)


def gates_clock(group: Group, file: str | os.PathLike) -> bool:
    """Whether a Liberty ``cell`` group is a clock gate such as netlists get: for registers of the rising edge, of a
    latch and one pin each for clock, enable and output, which the file marks; raises Unfit where it cannot be told."""
    where = f"{file}: {group.kind} {group.name}"
    if group.get("clock_gating_integrated_cell", "") not in _GATES or any(flag(group, name, where)
                                                                          for name in _SPECIAL):
        return False
    marked = {role: _marked(group, role, where) for role in ("clock", "enable", "out", "test")}
    others = [name for pin in group.all("pin") if pin.get("direction") != "internal" for name in pin.args
              if not any(name in names for names in marked.values())]
    return [len(marked[role]) for role in ("clock", "enable", "out")] == [1, 1, 1] and not others


#: Kinds of clock gates, by the word that Liberty has for them. A test pin may be before the latch or behind it; in a
#: netlist it is 0 for good.
_GATES = ("latch_posedge", "latch_posedge_precontrol", "latch_posedge_postcontrol")


def _marked(group, role, where):
    """Names of the pins that a clock gate has for ``clock``, ``enable``, ``test`` or ``out``."""
    return tuple(name for pin in group.all("pin") for name in pin.args
                 if flag(pin, f"clock_gate_{role}_pin", f"{where}: pin {name}"))


def unusable(group: Group, file: str | os.PathLike) -> str | None:
    """Why a Liberty ``cell`` group is of a kind that logic is not mapped to, or None; raises Unfit where it cannot be
    told."""
    where = f"{file}: {group.kind} {group.name}"
    if any(flag(group, name, where) for name in _SPECIAL) or any(
            group.get(name, "none").lower() not in ("", "none", "false") for name in _SPECIAL_WORDS):
        return "it is a special-purpose cell"
    kinds = {inner.kind for inner in group.groups}
    for kind in ("latch", "latch_bank", "statetable", "ff_bank", "test_cell", "bus", "bundle"):
        if kind in kinds:
            return f"it has a {kind} group"
    for pin in group.all("pin"):
        if pin.get("direction") not in _DIRECTIONS:
            raise Unfit(f"{where}: {pin}: direction must be one of {', '.join(_DIRECTIONS)}, "
                        f"not {pin.get('direction')!r}")
    pins = [pin for pin in group.all("pin") if pin.get("direction") != "internal"]
    if any(pin.get("direction") == "inout" or pin.get("three_state") is not None for pin in pins):
        return "it drives a shared net"
    outputs = [name for pin in pins if pin.get("direction") == "output" for name in pin.args]
    if not outputs or any(pin.get("function") is None for pin in pins if pin.get("direction") == "output"):
        return "it has no logic function"
    if len(group.all("ff")) > 1:
        return "it has several registers"
    inputs = sum(len(pin.args) for pin in pins) - len(outputs)
    if not 1 <= inputs <= MAX_CELL_INPUTS or len(outputs) > 2:
        return f"it has {inputs} inputs and {len(outputs)} outputs"
    return None


#: Cells with more inputs are left out: technology mappers hardly ever find a use for them.
MAX_CELL_INPUTS = 4


def cell(group: Group, units: Units) -> Cell:
    """A `Cell` from its Liberty group; a clock gate where `gates_clock`.

    Raises
    ------
    Refusal
        If a number or a table is malformed: the sentence names file, cell, pin and table.
    Unfit
        If a figure is missing, or logic cannot use the cell: the same.
    """
    where = f"{units.file}: cell {group.name}"
    pins = _pins(group, units, where)
    flop = _flop(group, pins, where)
    gate = _gate(group, where) if gates_clock(group, units.file) else None
    if gate:  # its output follows from what it is
        pins = {name: replace(pin, function=None) for name, pin in pins.items()}
    elif flop:
        pins = {name: _of_state(pin, flop, where) for name, pin in pins.items()}
    else:
        inputs = [name for name, pin in pins.items() if pin.direction == "input"]
        for name, pin in pins.items():
            if pin.direction == "output":
                _function(pin, inputs, f"{where}: pin {name}: function")
    arcs, checks, powers = [], [], []
    grounds = _grounds(group, units)
    for pin_group in group.all("pin"):
        for name in set(pin_group.args) & set(pins):
            for timing in pin_group.all("timing"):
                _timing(name, timing, pins, flop or gate, units, f"{where}: pin {name}: timing", arcs, checks)
            for power in pin_group.all("internal_power"):
                powers += _powers(pins[name], power, pins, grounds, units, f"{where}: pin {name}: internal_power")
    if all(power.ground for power in powers):
        powers = [replace(power, ground=False) for power in powers]
    area = number(_stated(group, "area", where), where, "area")
    if area <= 0:
        raise Unfit(f"{where}: area must be above 0, not {area:g}")
    leakage, bias_leakage = _leakage(group, pins, grounds, units, where)
    total = units.default_leakage if not leakage else None
    if group.get("cell_leakage_power") is not None and units.power:
        total = number(group.get("cell_leakage_power"), where, "cell_leakage_power") * units.power
    found = Cell(group.name, area, pins, arcs, checks, powers, leakage, total, flop, flag(group, "dont_use", where),
                 bias_leakage, gate)
    _insist_on_times(found, where)
    _insist_on_energies(found, where)
    return found


def _stated(group, name, where):
    """The text of an attribute that must be there."""
    text = group.get(name)
    if text is None:
        raise Unfit(f"{where}: {name} must be stated, it is missing")
    return text


def _expression(text, names, where):
    """``text``, seen to be a Boolean expression of these names; "" is None."""
    if not text or not text.strip():
        return None
    try:
        unknown = [name for name in boolean.names(text) if name not in names]
    except Refusal as fault:
        raise Unfit(f"{where}: {fault}") from None
    if unknown:
        raise Unfit(f"{where}: {text!r} must be of {', '.join(names)}, not of {unknown[0]!r}")
    return text


def _function(pin, names, where):
    if not _expression(pin.function, names, where):
        raise Unfit(f"{where} must be a Boolean expression, not {pin.function!r}")


def _grounds(group, units):
    """Names of the ground pins: by their type, or by a supply of 0 V."""
    named = {pin.name for pin in group.all("pg_pin")
             if "ground" in pin.get("pg_type", "") or units.supplies.get(pin.get("voltage_name")) == 0}
    return named | {name for name, volt in units.supplies.items() if volt == 0}


def _pins(group, units, where):
    pins = {}
    if not _WORD.fullmatch(group.name):
        raise Unfit(f"{where}: its name must be of letters, digits and _ for mappers")
    for pin_group in group.all("pin"):
        for name in pin_group.args:
            if not _PIN.fullmatch(name):
                raise Unfit(f"{where}: pin {name}: its name must be of letters, digits and _, with an index such as "
                            "[0] at most, for mappers")
            if name in pins:
                raise Unfit(f"{where}: pin {name} must be described once, not twice")
            if pin_group.get("direction") in ("input", "output"):
                pins[name] = _pin(name, pin_group, group, units, f"{where}: pin {name}")
    return pins


_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PIN = re.compile(rf"{_WORD.pattern}(\[\d+\])?", re.ASCII)  # A[0] is a pin like any other, not a bit of a bus


def _pin(name, group, cell_group, units, where):
    direction = group.get("direction")
    limit = group.get("max_capacitance")
    return Pin(name, direction, tuple(_capacitance(group, edge, units, where) for edge in ("rise", "fall")),
               group.get("function") if direction == "output" else None,
               None if limit is None else number(limit, where, "max_capacitance") * units.capacitance,
               _voltage(group, cell_group, units) if direction == "output" else None)


def _capacitance(group, edge, units, where):
    """In fF. Of an input it must be stated, for the pin or for all of the library; an output has what is stated."""
    default = f"default_{group.get('direction')}_pin_cap"
    text = group.get(f"{edge}_capacitance", group.get("capacitance", units.library.get(default)))
    span = group.attributes.get(f"{edge}_capacitance_range")
    drives = group.get("direction") == "output"
    if span:
        value = max(number(word, where, f"{edge}_capacitance_range") for word in span)
    elif text is None and not drives:
        raise Unfit(f"{where}: capacitance must be stated (or {edge}_capacitance, or {default}), it is missing")
    else:
        value = number(text or "0", where, f"{edge}_capacitance")
    if value < 0 or value == 0 and not drives:
        raise Unfit(f"{where}: capacitance of {'an output must be 0 or' if drives else 'an input must be'} above, "
                    f"not {value:g} at its {edge}")
    return value * units.capacitance


def _voltage(pin, cell_group, units):
    for supply in cell_group.all("pg_pin"):
        if supply.name == pin.get("related_power_pin"):
            return units.supplies.get(supply.get("voltage_name"))
    return None


def _flop(group, pins, where):
    for ff in group.all("ff"):
        where = f"{where}: ff"
        if len(ff.args) != 2:
            raise Unfit(f"{where}: it must have two state variables, not {len(ff.args)}")
        if ff.get("clocked_on_also") is not None:
            raise Unfit(f"{where}: it must have one clock, not clocked_on_also")
        inputs = [name for name, pin in pins.items() if pin.direction == "input"]
        clock = _expression(_stated(ff, "clocked_on", where), inputs, f"{where}: clocked_on")
        name, rising = boolean.literal(clock or "0")
        if name is None:
            raise Unfit(f"{where}: clocked_on must be one pin, not {clock!r}")
        data = _expression(_stated(ff, "next_state", where), [*inputs, *ff.args], f"{where}: next_state")
        ways = [_expression(ff.get(way), inputs, f"{where}: {way}") for way in ("clear", "preset")]
        return Flop.make(name, "rising" if rising else "falling", data or "0", *ff.args, *ways)
    return None


def _gate(group, where):
    [clock], [enable], [output], tests = (_marked(group, role, where) for role in ("clock", "enable", "out", "test"))
    return Gate(clock, enable, output, tests)


def _of_state(pin, flop, where):
    """A pin of a register; an output is one of its state variables."""
    if pin.direction == "input":
        return pin
    where = f"{where}: pin {pin.name}: function"
    _function(pin, [flop.q, flop.qn], where)
    name, straight = boolean.literal(pin.function)
    if name is None:
        raise Unfit(f"{where} must be the register's state, not {pin.function!r}")
    return replace(pin, function=flop.q if (name == flop.q) == straight else flop.qn)


def _timing(name, timing, pins, state, units, where, arcs, checks):
    kind = timing.get("timing_type", "")
    if kind not in _SETUP_TYPES and kind not in _COMBINATIONAL_TYPES and kind not in _CLOCK_TYPES:
        return
    sources = _related(timing, pins, where)
    when = _expression(timing.get("when"), pins, f"{where}: when")
    if kind in _SETUP_TYPES:
        times = tuple(_table(timing, f"{edge}_constraint", units, where, _CHECK) for edge in ("rise", "fall"))
        checks += [Check(name, source, _SETUP_TYPES[kind], when, times) for source in sources]
        return
    if pins[name].direction != "output":
        raise Unfit(f"{where}: a delay must be that of an output")
    delay = tuple(_table(timing, f"cell_{edge}", units, where, _DELAY) for edge in ("rise", "fall"))
    slew = tuple(_table(timing, f"{edge}_transition", units, where, _DELAY) for edge in ("rise", "fall"))
    for one, other in ((delay, slew), (slew, delay)):
        for rf, edge in enumerate(("rise", "fall")):
            if one[rf] is not None and other[rf] is None:
                missing = f"{edge}_transition" if one is delay else f"cell_{edge}"
                raise Unfit(f"{where} from {sources[0]}: {missing} must be stated, it is missing")
    for source in sources:
        sense = _SENSES.get(timing.get("timing_sense", ""))
        if sense is None:
            sense = 0 if state else _unateness(pins[name].function, source)
        arcs.append(Arc(source, name, sense, _CLOCK_TYPES.get(kind), when, delay, slew))


def _related(group, pins, where):
    """The pins that a timing or an energy is related to, which must be there."""
    found = group.get("related_pin", "").split()
    if not found:
        raise Unfit(f"{where}: related_pin must be stated, it is missing")
    for name in found:
        if name not in pins:
            raise Unfit(f"{where}: related_pin must be one of {', '.join(pins)}, not {name!r}")
    return found


def _unateness(function, source):
    inputs = boolean.pins(function)
    if source not in inputs:
        return 0
    table = boolean.truth(function, inputs)
    bit = 1 << inputs.index(source)
    index = np.arange(len(table))
    low, high = table[index & ~bit], table[index | bit]
    if np.all(low <= high):
        return 1
    return -1 if np.all(high <= low) else 0


def _powers(pin, power, pins, grounds, units, where):
    both = _table(power, "power", units, where, _ENERGY)
    energy = (both, both)
    if both is None:
        energy = tuple(_table(power, f"{edge}_power", units, where, _ENERGY) for edge in ("rise", "fall"))
    related = _related(power, pins, where) if pin.direction == "output" else power.get("related_pin", "").split()
    when = _expression(power.get("when"), pins, f"{where}: when")
    supply = power.get("related_pg_pin")
    return [Power(pin.name, source, when, supply, supply in grounds, energy) for source in related or [None]]


def _leakage(group, pins, grounds, units, where):
    """(when or None, nW) at primary supplies, and by supply at others; at a ground it is the same current once more."""
    primary, others = [], {}
    secondary = {pin.name for pin in group.all("pg_pin") if pin.get("pg_type") != "primary_power"}
    for leak in group.all("leakage_power"):
        supply = leak.get("related_pg_pin")
        if supply not in grounds and units.power:
            at = f"{where}: leakage_power"
            value = number(_stated(leak, "value", at), at, "value") * units.power
            (others.setdefault(supply, []) if supply in secondary else primary).append(
                (_expression(leak.get("when"), pins, f"{at}: when"), value))
    return primary, others


def see_whole(c: Cell, where: str) -> None:
    """See that a cell from elsewhere than Liberty has what `cell` asks for, and names its own pins; raises Unfit."""
    states = (c.flop.q, c.flop.qn) if c.flop else c.inputs
    needed = [c.flop.clock] if c.flop else [c.gate.clock, c.gate.enable, *c.gate.tests] if c.gate else []
    if not c.inputs or not c.outputs or not _is_above(c.area) or not set(needed) <= set(c.inputs) \
            or c.gate and c.outputs != [c.gate.output]:
        raise Unfit(f"{where} must have an area, inputs, outputs and its clock")
    for pin in c.pins.values():
        if any(not _is_above(value, least=pin.direction == "output") for value in pin.capacitance):
            raise Unfit(f"{where}: pin {pin.name} must have its capacitance")
        if pin.direction == "output" and not c.gate:
            _function(pin, states, f"{where}: pin {pin.name}: function")
    tables = [t for arc in c.arcs for t in (*arc.delay, *arc.slew)] + [t for k in c.checks for t in k.time]
    for table in tables + [t for power in c.powers for t in power.energy]:
        if table is not None and not (len(table.x) and len(table.y) and np.all(np.isfinite(table.values))
                                      and all(np.all(np.diff(axis) > 0) for axis in (table.x, table.y))):
            raise Unfit(f"{where}: tables must have figures over rising axes")
    names = [name for each in c.arcs for name in (each.source, each.target)]
    names += [name for each in c.checks for name in (each.pin, each.clock)]
    names += [name for each in c.powers for name in (each.pin, each.related or each.pin)]
    for name in names:
        if name not in c.pins:
            raise Unfit(f"{where}: a pin must be one of {', '.join(c.pins)}, not {name!r}")
    leakage = [*c.leakage, *(leak for leaks in c.bias_leakage.values() for leak in leaks)]
    for when in [each.when for each in (*c.arcs, *c.checks, *c.powers)] + [when for when, _ in leakage]:
        _expression(when, c.pins, f"{where}: when")
    if any(not _is_above(abs(value), True) for _, value in leakage):
        raise Unfit(f"{where}: leakage must be a number")
    _insist_on_times(c, where)


def _is_above(value, least=False):
    """Whether a value is a number above 0, or ``least`` 0."""
    return type(value) in (int, float) and (value >= 0 if least else value > 0) and value <= LARGEST


def _insist_on_times(c, where):
    """See that every way through a cell has a delay and a slew for either edge, and a register its setup time."""
    for output in c.outputs:
        sources = [c.flop.clock] if c.flop else [c.gate.clock] if c.gate else [
            name for i, name in enumerate(c.inputs) if np.any(boolean.difference(c.truth(output), i))]
        for source in sources:
            edge = c.flop.edge if c.flop else None
            arcs = [arc for arc in c.arcs if (arc.source, arc.target, arc.edge) == (source, output, edge)]
            missing = [name for rf, names in enumerate((("cell_rise", "rise_transition"),
                                                        ("cell_fall", "fall_transition")))
                       if all(arc.delay[rf] is None for arc in arcs) for name in names]
            if missing:
                kind = f" of timing_type {edge}_edge" if edge else ""
                raise Unfit(f"{where}: pin {output}: timing from {source}{kind} must be stated, "
                            f"{_are(missing)} missing")
    held = None
    if c.flop and c.flop.data in c.inputs:
        held = c.flop.data, c.flop.clock, c.flop.edge
    elif c.gate:
        held = c.gate.enable, c.gate.clock, "rising"
    if held:
        checks = [k for k in c.checks if (k.pin, k.clock, k.edge) == held]
        missing = [f"{edge}_constraint" for rf, edge in enumerate(("rise", "fall"))
                   if all(check.time[rf] is None for check in checks)]
        if missing:
            pin, clock, edge = held
            raise Unfit(f"{where}: pin {pin}: timing of timing_type setup_{edge} to {clock} must be stated, "
                        f"{_are(missing)} missing")


def _are(names):
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _insist_on_energies(c, where):
    """See that what has an internal energy has it for either edge, in one group or in several."""
    found = {}
    for power in c.powers:
        known = found.setdefault((power.pin, power.related, power.when, power.supply), [False, False])
        for rf in (RISE, FALL):
            known[rf] |= power.energy[rf] is not None
    for (pin, related, when, _), known in found.items():
        for edge, there in zip(("rise", "fall"), known, strict=True):
            if not there:
                of = f" from {related}" if related else f" when {when}" if when else ""
                raise Unfit(f"{where}: pin {pin}: internal_power{of}: {edge}_power must be stated, it is missing")


@dataclass(frozen=True)
class _Axes:
    """The variables that are the two axes of a kind of table, and the units of the second and of the values."""

    x: tuple
    y: tuple
    y_unit: str
    unit: str


_LOAD = ("total_output_net_capacitance",)
_SLEW = ("input_net_transition", "input_transition_time")
_DELAY = _Axes(_SLEW, _LOAD, "capacitance", "time")
_ENERGY = _Axes(_SLEW, _LOAD, "capacitance", "energy")
_CHECK = _Axes(("related_pin_transition",), ("constrained_pin_transition",), "time", "time")
#: Third axes, the load of another output, at whose first point a table is taken.
_OTHERS = ("related_out_total_output_net_capacitance", "equal_or_opposite_output_net_capacitance")


def _table(group, name, units, where, kind):
    """The table in the subgroup ``name``, axes ordered and in our units, or None."""
    found = group.all(name)
    if not found:
        return None
    table = found[0]
    where = f"{where}: {name} ({table.name})"
    if len(found) > 1:
        raise Refusal(f"{where}: it must be stated once, not {len(found)} times")
    template, variables, order, others = _axes(table, units, where, kind)
    axes = [_axis(table if f"index_{n}" in table.attributes else template, f"index_{n}", units, where)
            for n in range(1, len(variables) + 1)]
    values, rows = numbers(table, "values", where)
    shape = tuple(map(len, axes))
    if len(values) != prod(shape) or len(shape) == 2 and len(rows) > 1 and rows != [shape[1]] * shape[0]:
        over = f"over {' and '.join(variables)} of template {table.name!r}" if variables else "without axes"
        raise Refusal(f"{where}: values must be {_size(shape)}, {over}, not {len(values)}"
                      + f" in rows of {', '.join(map(str, rows))}" * (len(rows) > 1))
    x, y = (None if n is None else axes[n] for n in order)
    x = np.zeros(1) if x is None else x * units.time
    y = np.zeros(1) if y is None else y * getattr(units, kind.y_unit)
    values = np.array(values).reshape(shape).transpose([n for n in order if n is not None] + others)
    return Table(x, y, values.reshape(len(x), len(y), -1)[..., 0] * getattr(units, kind.unit))


def _size(shape):
    return f"{' x '.join(map(str, shape))} = {prod(shape)}" if len(shape) > 1 else str(prod(shape))


def _axes(table, units, where, kind):
    """Of a table its template, the variables of that, and which of them are x and y (None where none is) and others."""
    key = table.name, kind, *(n for n in "123" if f"index_{n}" in table.attributes)
    if key not in units.axes:
        template = units.template(table.name, kind is _ENERGY)
        variables = [template.get(f"variable_{n}") for n in "123"] if template else []
        variables = variables[:next((n for n, variable in enumerate(variables) if variable is None), 3)]
        _insist_on_axes(table, template, variables, key[2:], where, kind)
        order = [next((n for n, variable in enumerate(variables) if variable in names), None)
                 for names in (kind.x, kind.y)]
        units.axes[key] = template, variables, order, [n for n in range(len(variables)) if n not in order]
    return units.axes[key]


def _insist_on_axes(table, template, variables, own, where, kind):
    if not template and (own or table.name not in ("", "scalar")):
        raise Refusal(f"{where}: its template must be defined in the file, {table.name!r} is not")
    if own and int(own[-1]) > len(variables):
        raise Refusal(f"{where}: index_{own[-1]} must have a variable in template {table.name!r}, which has "
                      f"{len(variables)}")
    for names in (kind.x, kind.y, _OTHERS):
        if sum(variable in names for variable in variables) > 1:
            raise Refusal(f"{where}: the axes of template {table.name!r} must be different quantities, not "
                          f"{' and '.join(variables)}")
    for variable in variables:
        if variable not in kind.x + kind.y + _OTHERS:
            raise Unfit(f"{where}: the axes of template {table.name!r} must be among "
                        f"{', '.join(kind.x + kind.y)}, not {variable}")


def _axis(holder, name, units, where):
    """The points of an axis; of the many tables of a library most have the same."""
    text = holder.attributes.get(name, "")
    if text not in units.points:
        points = np.array(numbers(holder, name, where)[0])
        if not len(points) or np.any(np.diff(points) <= 0):
            shown = ", ".join(f"{at:g}" for at in points) or "none"
            raise Refusal(f"{where}: {name} must be rising numbers, not {shown}")
        units.points[text] = points
    return units.points[text]
