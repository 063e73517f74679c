"""Writes a `Library` back as Liberty: for Yosys and ABC, and in full for a sign-off tool."""

import os
import re
from dataclasses import replace

import numpy as np

from ..golden.files import atomic_write
from .cells import FALL, RISE, Table, combined
from .library import Library, adder

_HEAD = """library ({name}) {{
  delay_model : table_lookup;
  time_unit : "1ps";
  voltage_unit : "1V";
  current_unit : "1mA";
  leakage_power_unit : "1nW";
  pulling_resistance_unit : "1kohm";
  capacitive_load_unit (1, ff);
  nom_process : 1;
  nom_voltage : {voltage:g};
  nom_temperature : {temperature:g};
  operating_conditions (corner) {{
    process : 1;
    voltage : {voltage:g};
    temperature : {temperature:g};
  }}
  default_operating_conditions : corner;
"""
_TEMPLATES = {
    "delay": ("input_net_transition", "total_output_net_capacitance"),
    "setup": ("related_pin_transition", "constrained_pin_transition"),
    "energy": ("input_transition_time", "total_output_net_capacitance"),
    "input_energy": ("input_transition_time",),
}
_SENSES = {1: "positive_unate", -1: "negative_unate", 0: "non_unate"}


def write(library: Library, path: str | os.PathLike, full: bool = False) -> None:
    """Write the offered cells of ``library`` to ``path``; in full its clock gate too.

    Without ``full``: functions, areas, pin capacitances and one delay arc for each pair of pins, the worst of its
    conditional ones, which is what technology mappers read. With ``full``: every arc, setup times, internal power and
    leakage, in the units and at the resolution of ``library``. Supplies keep their names; all but grounds have the
    library's voltage.
    """
    text = "".join(_library(library, full))
    with atomic_write(path) as file:
        file.write(text)


def _library(library, full):
    yield _HEAD.format(name=_identifier(library.name), voltage=library.voltage,
                       temperature=library.corner["temperature"] or 25)
    for name, value in library.thresholds.items():
        yield f"  {name} : {value:g};\n"
    chosen = [library.cells[name] for name in library.offered]
    chosen += [library.clock_gate] if full and library.clock_gate else []
    for supply, ground in sorted({pair for cell in chosen for pair in _supplies(cell)} if full else ()):
        yield f"  voltage_map ({supply}, {0 if ground else library.voltage:g});\n"
    cells = "".join(text for cell in chosen if full or not adder(cell) for text in _cell(cell, full))
    for name in sorted(set(re.findall(r" \((\w+_\d+x\d+)\) ", cells))):
        yield from _template(name)
    yield cells + "}\n"


def _template(name):
    """ABC takes a table's shape from its template, so there is one for each shape; the indices stand in the table."""
    kind, _, shape = name.rpartition("_")
    yield f"  {'power_lut_template' if 'energy' in kind else 'lu_table_template'} ({name}) {{\n"
    for i, (variable, size) in enumerate(zip(_TEMPLATES[kind], shape.split("x"), strict=False), 1):
        yield f'    variable_{i} : {variable};\n    index_{i} ("{_row(range(1, int(size) + 1))}");\n'
    yield "  }\n"


def _identifier(name):
    return "".join(c if c.isalnum() or c == "_" else "_" for c in name)


def _cell(cell, full):
    yield f"  cell ({cell.name}) {{\n    area : {cell.area:.9g};\n"
    if cell.flop:
        yield from _flop(cell.flop)
    if cell.gate:
        yield from _gate(cell.gate)
    if full:
        for supply, ground in _supplies(cell):
            kind = "primary_ground" if ground else "nwell" if supply in cell.bias_leakage else "primary_power"
            yield f"    pg_pin ({supply}) {{ voltage_name : {supply}; pg_type : {kind}; }}\n"
        if cell.cell_leakage is not None:
            yield f"    cell_leakage_power : {cell.cell_leakage:.9g};\n"
        for supply, leakage in ((None, cell.leakage), *cell.bias_leakage.items()):
            at = f" related_pg_pin : {supply};" if supply else ""
            for when, value in leakage:
                condition = f' when : "{when}";' if when else ""
                yield f"    leakage_power () {{ value : {value:.9g};{condition}{at} }}\n"
    for pin in cell.pins.values():
        yield from _pin(cell, pin, full)
    yield "  }\n"


def _supplies(cell):
    """(pin, whether it is a ground) of the supplies that the figures of a cell name."""
    named = {(power.supply, power.ground) for power in cell.powers if power.supply}
    return sorted(named | {(supply, False) for supply in cell.bias_leakage})


def _flop(flop):
    clock = flop.clock if flop.edge == "rising" else f"!{flop.clock}"
    yield f"    ff ({flop.q}, {flop.qn}) {{\n      clocked_on : \"{clock}\";\n      next_state : \"{flop.data}\";\n"
    for name in ("clear", "preset"):
        if getattr(flop, name):
            yield f'      {name} : "{getattr(flop, name)}";\n'
    yield "    }\n"


def _gate(gate):
    """A clock gate's latch, open while the clock is 0; what its kind and its pins are is said as sign-off tools ask."""
    control = "_precontrol" * bool(gate.tests)
    yield f"    clock_gating_integrated_cell : latch_posedge{control};\n"
    controls = (gate.enable, *gate.tests)
    rows = [f"L {' '.join('L' * len(controls))} : - : L"]
    rows += [f"L {' '.join('H' if name == high else '-' for name in controls)} : - : H" for high in controls]
    rows += [f"H {' '.join('-' * len(controls))} : - : N"]
    yield f"    statetable (\"{' '.join((gate.clock, *controls))}\", \"state\") {{\n"
    yield f"      table : \"{', '.join(rows)}\";\n    }}\n"
    yield "    pin (state) { direction : internal; internal_node : \"state\"; }\n"


def _gate_role(gate, pin):
    """How a clock gate's pin is marked."""
    roles = {gate.clock: "clock", gate.enable: "enable", gate.output: "out"}
    yield f"      clock_gate_{roles.get(pin, 'test')}_pin : true;\n"
    if pin == gate.output:
        yield f'      state_function : "{gate.clock} * state";\n'


def _pin(cell, pin, full):
    name = f'"{pin.name}"' if "[" in pin.name else pin.name
    yield f"    pin ({name}) {{\n      direction : {pin.direction};\n"
    rise, fall = pin.capacitance
    if pin.direction == "input":
        yield f"      capacitance : {max(rise, fall):.9g};\n"
    if pin.direction == "input" or rise or fall:
        yield f"      rise_capacitance : {rise:.9g};\n      fall_capacitance : {fall:.9g};\n"
    if pin.name in (cell.flop and cell.flop.clock, cell.gate and cell.gate.clock):
        yield "      clock : true;\n"
    if cell.gate:
        yield from _gate_role(cell.gate, pin.name)
    if pin.function:
        yield f'      function : "{pin.function}";\n'
    if pin.max_capacitance is not None:
        yield f"      max_capacitance : {pin.max_capacitance:.9g};\n"
    arcs = [arc for arc in cell.arcs if arc.target == pin.name]
    for arc in arcs if full else _merged(arcs):
        yield from _arc(arc)
    if full:
        for check in cell.checks:
            if check.pin == pin.name:
                yield f'      timing () {{\n        related_pin : "{check.clock}";\n'
                yield f"        timing_type : setup_{check.edge};\n"
                yield from _condition(check.when)
                yield from _tables(("rise_constraint", "fall_constraint"), check.time, "setup")
                yield "      }\n"
        for power in cell.powers:
            if power.pin == pin.name:
                for _ in range(power.times):  # a sign-off tool gives each group its own weight
                    yield from _power(power, pin)
    yield "    }\n"


def _arc(arc):
    kind = f"{arc.edge}_edge" if arc.edge else "combinational"
    yield f'      timing () {{\n        related_pin : "{arc.source}";\n'
    yield f"        timing_sense : {_SENSES[arc.sense]};\n        timing_type : {kind};\n"
    yield from _condition(arc.when)
    yield from _tables(("cell_rise", "cell_fall"), arc.delay, "delay")
    yield from _tables(("rise_transition", "fall_transition"), arc.slew, "delay")
    yield "      }\n"


def _condition(when):
    if when:
        yield f'        when : "{when}";\n'


def _power(power, pin):
    yield "      internal_power () {\n"
    if power.related:
        yield f'        related_pin : "{power.related}";\n'
    if power.supply:
        yield f"        related_pg_pin : {power.supply};\n"
    yield from _condition(power.when)
    template = "energy" if pin.direction == "output" else "input_energy"
    yield from _tables(("rise_power", "fall_power"), power.energy, template)
    yield "      }\n"


def _tables(names, tables, template):
    for name, table in zip(names, tables, strict=True):
        if table is None:
            continue
        if table.values.size == 1:
            yield f'        {name} (scalar) {{ values ("{table.values[0, 0]:.9g}"); }}\n'
            continue
        table = _of_three(table) if template == "delay" else table
        shape = "x".join(map(str, table.values.shape))
        yield f"        {name} ({template}_{shape}) {{\n          index_1 (\"{_row(table.x)}\");\n"
        if len(_TEMPLATES[template]) == 2:
            yield f'          index_2 ("{_row(table.y)}");\n'
            rows = ", ".join(f'"{_row(row)}"' for row in table.values)
        else:
            rows = f'"{_row(table.values[:, 0])}"'
        yield f"          values ({rows});\n        }}\n"


def _of_three(table):
    """The same table, with three points where an axis has two: with two ABC fails."""
    x, y = (np.insert(axis, 1, axis.mean()) if len(axis) == 2 else axis for axis in (table.x, table.y))
    return table if x is table.x and y is table.y else Table(x, y, table(x[:, None], y))


def _row(values):
    return ", ".join(f"{value:.9g}" for value in values)


def _merged(arcs):
    """One arc for each source, edge by edge the worst of its arcs; of mixed senses, neither."""
    by_source = {}
    for arc in arcs:
        by_source.setdefault((arc.source, arc.edge), []).append(arc)
    for group in by_source.values():
        senses = {arc.sense for arc in group}
        delay, slew = (tuple(combined([getattr(arc, kind)[rf] for arc in group], np.max) for rf in (RISE, FALL))
                       for kind in ("delay", "slew"))
        yield replace(group[0], sense=senses.pop() if len(senses) == 1 else 0, when=None, delay=delay, slew=slew)
