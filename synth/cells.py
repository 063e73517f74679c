"""Cells as timing, simulation and energy need them, made from Liberty groups.

Units are fixed here, whatever the file's: ps, fF, fJ, nW, um2, V.
"""

import re
from dataclasses import dataclass, field, replace

import numpy as np

from ..golden.refusal import Refusal
from . import boolean
from .liberty import number, numbers

RISE, FALL = 0, 1

_CLOCK_TYPES = {"rising_edge": "rising", "falling_edge": "falling"}
_COMBINATIONAL_TYPES = {"", "combinational", "combinational_rise", "combinational_fall"}
_SETUP_TYPES = {"setup_rising": "rising", "setup_falling": "falling"}
_SENSES = {"positive_unate": 1, "negative_unate": -1, "non_unate": 0}
#: Attributes that mark a cell as one that plain logic must not be mapped to.
_SPECIAL = ("is_isolation_cell", "always_on", "is_level_shifter", "switch_cell_type", "is_macro_cell", "is_memory",
            "pad_cell", "is_pad", "clock_gating_integrated_cell", "retention_cell", "dont_touch")


@dataclass(frozen=True, eq=False)
class Table:
    """A figure over two axes, linear between its points and beyond them.

    ``x`` is the input slew (of a check: the clock's slew) in ps; ``y`` the output load in fF (of a check: the data's
    slew in ps); ``values`` has shape (len(x), len(y)), in ps or fJ.
    """

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray

    def __call__(self, x, y):
        """The figure at points (x, y), which broadcast."""
        i, s = locate(self.x, np.asarray(x, float))
        j, t = locate(self.y, np.asarray(y, float))
        v = self.values
        i1, j1 = np.minimum(i + 1, len(self.x) - 1), np.minimum(j + 1, len(self.y) - 1)
        return (1 - s) * ((1 - t) * v[i, j] + t * v[i, j1]) + s * ((1 - t) * v[i1, j] + t * v[i1, j1])


def locate(axis, at):
    """The interval of each point and its position in it, below 0 or above 1 outside the axis."""
    if len(axis) == 1:
        return np.zeros(at.shape, int), np.zeros(at.shape)
    i = np.clip(np.searchsorted(axis, at, side="right") - 1, 0, len(axis) - 2)
    return i, (at - axis[i]) / (axis[i + 1] - axis[i])


def combined(tables, how):
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
    def make(cls, clock, edge, data, q, qn, clear=None, preset=None):
        names = boolean.pins(data)
        if len(names) == 1:
            straight = bool(boolean.truth(data, names)[1])
            if not straight:
                q, qn, clear, preset = qn, q, preset, clear
            data = names[0]
        return cls(clock, edge, data, q, qn, clear, preset)


@dataclass(frozen=True, eq=False)
class Cell:
    """A combinational cell or a register.

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

    @property
    def inputs(self):
        return [pin.name for pin in self.pins.values() if pin.direction == "input"]

    @property
    def outputs(self):
        return [pin.name for pin in self.pins.values() if pin.direction == "output"]

    def truth(self, output):
        """Truth table of a combinational output over `inputs`."""
        return boolean.truth(self.pins[output].function, self.inputs)


class Units:
    """Factors from a library's units to ours, and what its cells take from the library's head.

    Raises
    ------
    Refusal
        If a unit is not one: the sentence names it.
    """

    def __init__(self, library, file):
        self.library = library
        self.file = file
        self.time = self._unit("time_unit", "1ns", "s", 1e12)
        self.volt = self._unit("voltage_unit", "1V", "V", 1)
        self.power = self._unit("leakage_power_unit", "1nW", "W", 1e9)
        load = library.attributes.get("capacitive_load_unit", ["1", "pf"])
        self.capacitance = self._scale("capacitive_load_unit", "".join(load), "f", 1e15)
        self.energy = self.volt**2 * self.capacitance
        self.supplies = {values[0]: number(values[1], file, name) * self.volt for name, values in library.repeated
                         if name == "voltage_map" and len(values) == 2}
        self.templates = {group.name: group for group in library.all("lu_table_template", "power_lut_template")}
        self.default_cap = {way: number(library.get(f"default_{way}_pin_cap", 0), file, f"default_{way}_pin_cap")
                            for way in ("input", "output")}

    def _unit(self, name, default, unit, factor):
        return self._scale(name, self.library.get(name, default), unit, factor)

    def _scale(self, name, text, unit, factor):
        match = re.fullmatch(rf"\s*(\d*\.?\d+|\d+\.)\s*([munpfa]?){unit}\s*", text, re.IGNORECASE)
        if not match or not 0 < float(match[1]) < 1e6:
            raise Refusal(f"{self.file}: {name} must be a number and a unit such as 1n{unit}, not {text!r}")
        prefix = {"": 1, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18}[match[2].lower()]
        return round(float(match[1]) * prefix * factor, 12)


def unusable(group):
    """Why a Liberty ``cell`` group is not one that logic is mapped to, or None."""
    if any(group.get(name, "false") != "false" for name in _SPECIAL):
        return "it is a special-purpose cell"
    kinds = {inner.kind for inner in group.groups}
    for kind in ("latch", "latch_bank", "statetable", "ff_bank", "test_cell", "bus", "bundle"):
        if kind in kinds:
            return f"it has a {kind} group"
    pins = [pin for pin in group.all("pin") if pin.get("direction") in ("input", "output", "inout")]
    if any(pin.get("direction") == "inout" or pin.get("three_state") is not None for pin in pins):
        return "it drives a shared net"
    outputs = [pin for pin in pins if pin.get("direction") == "output"]
    if not outputs or any(pin.get("function") is None for pin in outputs):
        return "it has no logic function"
    if len(group.all("ff")) > 1:
        return "it has several registers"
    inputs = len(pins) - len(outputs)
    if not 1 <= inputs <= MAX_CELL_INPUTS or len(outputs) > 2:
        return f"it has {inputs} inputs and {len(outputs)} outputs"
    return None


#: Cells with more inputs are left out: technology mappers hardly ever find a use for them.
MAX_CELL_INPUTS = 4


def cell(group, units):
    """A `Cell` from its Liberty group; raises Refusal with file and cell when a figure is missing or malformed."""
    where = f"{units.file}: cell {group.name}"
    pins = {}
    arcs, checks, powers = [], [], []
    grounds = _grounds(group, units)
    for pin_group in group.all("pin"):
        for name in pin_group.args:
            pin = _pin(name, pin_group, group, units)
            if pin.direction in ("input", "output"):
                pins[name] = pin
    flop = _flop(group, pins, where)
    state = (flop.q, flop.qn) if flop else ()
    for pin_group in group.all("pin"):
        for name in set(pin_group.args) & set(pins):
            for timing in pin_group.all("timing"):
                _timing(name, timing, pins, state, units, where, arcs, checks)
            for power in pin_group.all("internal_power"):
                powers += _powers(name, power, grounds, units, where)
    leakage, bias_leakage = _leakage(group, grounds, units)
    total = group.get("cell_leakage_power")
    if all(power.ground for power in powers):
        powers = [replace(power, ground=False) for power in powers]
    try:
        return Cell(group.name, number(group.get("area", "0"), where, "area"), pins, arcs, checks, powers, leakage,
                    None if total is None else number(total, where, "cell_leakage_power") * units.power, flop,
                    group.get("dont_use", "false").lower() == "true", bias_leakage)
    except KeyError as error:
        raise Refusal(f"{where}: a pin must be declared, {error} is not") from None


def _grounds(group, units):
    """Names of the ground pins: by their type, or by a supply of 0 V."""
    named = {pin.name for pin in group.all("pg_pin")
             if "ground" in pin.get("pg_type", "") or units.supplies.get(pin.get("voltage_name")) == 0}
    return named | {name for name, volt in units.supplies.items() if volt == 0}


def _pin(name, group, cell_group, units):
    where = f"{units.file}: cell {cell_group.name}: pin {name}"
    direction = group.get("direction", "input")
    base = number(group.get("capacitance", units.default_cap.get(direction, 0)), where, "capacitance")
    edges = []
    for edge in ("rise", "fall"):
        value = number(group.get(f"{edge}_capacitance", base), where, f"{edge}_capacitance")
        span = group.attributes.get(f"{edge}_capacitance_range")
        if span:
            value = max(number(word, where, f"{edge}_capacitance_range") for word in span)
        edges.append(value * units.capacitance)
    limit = group.get("max_capacitance")
    return Pin(name, direction, tuple(edges), group.get("function"),
               None if limit is None else number(limit, where, "max_capacitance") * units.capacitance,
               _voltage(group, cell_group, units) if direction == "output" else None)


def _voltage(pin, cell_group, units):
    for supply in cell_group.all("pg_pin"):
        if supply.name == pin.get("related_power_pin"):
            return units.supplies.get(supply.get("voltage_name"))
    return None


def _flop(group, pins, where):
    for ff in group.all("ff"):
        clock = ff.get("clocked_on", "")
        names = boolean.pins(clock) if clock else []
        if len(names) != 1 or names[0] not in pins or ff.get("next_state") is None or len(ff.args) != 2:
            raise Refusal(f"{where}: ff must have two state variables, clocked_on one pin and next_state")
        rising = boolean.truth(clock, names)[1]
        return Flop.make(names[0], "rising" if rising else "falling", ff.get("next_state"), *ff.args,
                         ff.get("clear"), ff.get("preset"))
    return None


def _timing(name, timing, pins, state, units, where, arcs, checks):
    kind = timing.get("timing_type", "")
    where = f"{where}: timing of {name}"
    sources = [source for source in timing.get("related_pin", "").split() if source in pins]
    when = timing.get("when")
    if kind in _SETUP_TYPES:
        times = tuple(_table(timing, f"{edge}_constraint", units, units.time, where, True) for edge in ("rise", "fall"))
        checks += [Check(name, source, _SETUP_TYPES[kind], when, times) for source in sources]
    elif kind in _COMBINATIONAL_TYPES or kind in _CLOCK_TYPES:
        delay = tuple(_table(timing, f"cell_{edge}", units, units.time, where) for edge in ("rise", "fall"))
        slew = tuple(_table(timing, f"{edge}_transition", units, units.time, where) for edge in ("rise", "fall"))
        for source in sources:
            sense = _SENSES.get(timing.get("timing_sense", ""))
            if sense is None:
                sense = 0 if state else _unateness(pins[name].function, source)
            arcs.append(Arc(source, name, sense, _CLOCK_TYPES.get(kind), when, delay, slew))


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


def _powers(name, power, grounds, units, where):
    where = f"{where}: internal_power of {name}"
    both = _table(power, "power", units, units.energy, where)
    energy = (both, both)
    if both is None:
        energy = tuple(_table(power, f"{edge}_power", units, units.energy, where) for edge in ("rise", "fall"))
    related = power.get("related_pin", "").split() or [None]
    supply = power.get("related_pg_pin")
    return [Power(name, source, power.get("when"), supply, supply in grounds, energy) for source in related]


def _leakage(group, grounds, units):
    """(when or None, nW) at primary supplies, and by supply at others; at a ground it is the same current once more."""
    primary, others = [], {}
    secondary = {pin.name for pin in group.all("pg_pin") if pin.get("pg_type") != "primary_power"}
    for leak in group.all("leakage_power"):
        supply = leak.get("related_pg_pin")
        if supply not in grounds:
            where = f"{units.file}: cell {group.name}: leakage_power"
            (others.setdefault(supply, []) if supply in secondary else primary).append(
                (leak.get("when"), number(leak.get("value", "0"), where, "value") * units.power))
    return primary, others


_X = ("input_net_transition", "input_transition_time", "related_pin_transition")
_Y = ("total_output_net_capacitance", "constrained_pin_transition")


def _table(group, name, units, factor, where, check=False):
    """The table in the subgroup ``name``, axes ordered and in our units, or None."""
    for table in group.all(name):
        where = f"{where}: {name}"
        values = numbers(table, "values", where)
        template = units.templates.get(table.name)
        axes = []
        for n in "12":
            holder = table if f"index_{n}" in table.attributes else template
            if holder is None or f"index_{n}" not in holder.attributes:
                break
            variable = template.get(f"variable_{n}", "") if template else ""
            axes.append((variable, np.array(numbers(holder, f"index_{n}", where))))
        shape = tuple(len(axis) for _, axis in axes)
        count = int(np.prod(shape))
        if len(values) % count or not values or any(np.any(np.diff(axis) <= 0) for _, axis in axes):
            size = " x ".join(map(str, shape)) or "1"
            raise Refusal(f"{where}: values must be {size} over rising axes, not {len(values)}")
        # A third axis (the load of a related output) is taken at its first point.
        values = np.array(values).reshape(shape + (-1,))[..., 0] * factor
        return _oriented(axes, values, units, check, where)
    return None


def _oriented(axes, values, units, check, where):
    x = y = np.zeros(1)
    order = []
    for variable, axis in axes:
        if variable in _X:
            x = axis * units.time
            order.append(0)
        elif variable in _Y:
            y = axis * (units.time if check else units.capacitance)
            order.append(1)
        else:
            raise Refusal(f"{where}: an axis must be one of {', '.join(_X + _Y)}, not {variable!r}")
    if order == [1, 0]:
        values = values.T
    return Table(x, y, values.reshape(len(x), len(y)))
