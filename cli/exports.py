"""Units for other tools: the files that Accelergy, Timeloop and ZigZag read, and a table of everything.

Energies are in pJ, areas in um2, each of one multiply-accumulate that the unit can begin in a cycle; of a lone
multiplier of one product.
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..hdl.designs import parse
from ..synth.actions import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..synth.actions import Characterised

#: What the actions are called in Accelergy's classes of multiply-accumulate units.
ACCELERGY = {"new_operand": "mac_random", "held_weight": "mac_reused", "zero_operand": "mac_zero", "idle": "idle",
             "gated": "mac_gated"}

ACCURACY = 90  # per cent, by which Accelergy prefers one estimator to another


def csv_files(units: Sequence[Characterised], **_: Any) -> dict[str, str]:
    """One table, a row for each unit and action."""
    about = list(dict.fromkeys(key for unit in units for key in unit.about))
    heads = ["design", "technology", "clock_ps", "macs_per_cycle", "area_um2", "area_um2_per_mac", "action",
             "energy_pj_per_mac", "energy_pj_per_cycle", "meaning", *about]
    rows = [[unit.design, unit.technology, _number(unit.clock_ps), unit.macs, _number(unit.area_um2),
             _number(unit.area_um2 / unit.macs), action, _number(energy / 1000), _number(energy * unit.macs / 1000),
             MEANINGS[action], *(unit.about.get(key, "") for key in about)]
            for unit in units for action, energy in unit.energies.items()]
    return {"actions.csv": _table([heads, *rows])}


def accelergy_files(units: Sequence[Characterised], **_: Any) -> dict[str, str]:
    """A set of tables for Accelergy's table-based plug-in for each technology: its identifier, and a table for each
    class of components, which are called as the designs are."""
    files = {}
    for technology in dict.fromkeys(unit.technology for unit in units):
        some = [unit for unit in units if unit.technology == technology]
        files[f"lmul_{technology}.table.yaml"] = _commented(some, _yaml(
            {"name": f"lmul_{technology}", "technology": technology, "accuracy": ACCURACY,
             "path_to_data_dir": f"./{technology}"}), *(f"{ACCELERGY[action]} is {_plain(action)}: {meaning}"
                                                       for action, meaning in MEANINGS.items()))
        for unit in some:
            rows = [[technology, ACCELERGY[action], _number(energy / 1000), _number(unit.area_um2 / unit.macs)]
                    for action, energy in unit.energies.items()]
            files[f"{technology}/{unit.design}.csv"] = _table([["technology", "action", "energy", "area"], *rows])
    return files


def timeloop_files(units: Sequence[Characterised], component: str = "mac", **_: Any) -> dict[str, str]:
    """For each unit the energy and area reference tables that Timeloop takes in place of its own model, for the
    arithmetic level called ``component``: what a cycle of computing and one that is gated cost."""
    files = {}
    for unit in units:
        name = f"system.{component}"
        energies = {"compute": unit.energies[unit.usual], "compute_gated": unit.energies["gated"]}
        actions = [{"name": action, "arguments": {}, "energy": energy / 1000} for action, energy in energies.items()]
        files[f"{unit.design}.{unit.technology}.yaml"] = _commented([unit], _yaml({
            "ERT": {"version": 0.4, "tables": [{"name": name, "actions": actions}]},
            "ART": {"version": 0.4, "tables": [{"name": name, "area": unit.area_um2 / unit.macs}]}}),
            f"compute is {_plain(unit.usual)}, compute_gated is gated", *_energies(unit))
    return files


def zigzag_files(units: Sequence[Characterised], **_: Any) -> dict[str, str]:
    """For each unit an accelerator for ZigZag: the unit as its operational array, and one memory that costs nothing, to
    be replaced by those of the accelerator in mind. ZigZag knows one energy: that of the unit's usual action."""
    files = {}
    for unit in units:
        spec = parse(unit.design).multiplier
        dimensions = [f"D{n}" for n, _ in enumerate(unit.sizes, 1)]
        port = {"name": "rw_port_1", "type": "read_write", "bandwidth_min": 8, "bandwidth_max": 1 << 20,
                "allocation": ["I1, tl", "I2, tl", "O, tl", "O, fl"]}
        memory = {"size": 1 << 40, "r_cost": 0.0, "w_cost": 0.0, "area": 0.0, "latency": 1,
                  "operands": ["I1", "I2", "O"], "ports": [port], "served_dimensions": dimensions}
        files[f"{unit.design}.{unit.technology}.yaml"] = _commented([unit], _yaml({
            "name": unit.design, "operational_array": {
                "input_precision": [spec.a.width, spec.b.width], "unit_energy": unit.energies[unit.usual] / 1000,
                "unit_area": unit.area_um2 / unit.macs, "dimensions": dimensions, "sizes": list(unit.sizes)},
            "memories": {"outside": memory}}), f"unit_energy is {_plain(unit.usual)}; the memory costs nothing",
            *_energies(unit))
    return files


#: By name what `lmul export --to` writes: function of units, to file names and texts.
TARGETS = {"accelergy": accelergy_files, "timeloop": timeloop_files, "zigzag": zigzag_files, "csv": csv_files}


def lines(units: Iterable[Characterised]) -> list[str]:
    """Units as a table for a terminal, energies in fJ."""
    units = list(units)
    width = max(len(unit.design) for unit in units) + 2
    technologies = max(len(unit.technology) for unit in units) + 2
    heads = "".join(f"{_plain(action):>14}" for action in MEANINGS)
    found = [f"{'':{width}}{'':{technologies}}{'area, um2':>11}{heads}  fJ, of each multiply-accumulate"]
    for unit in units:
        cells = (f"{unit.energies[action]:14.4g}" if action in unit.energies else f"{'–':>14}" for action in MEANINGS)
        found.append(f"{unit.design:{width}}{unit.technology:{technologies}}{unit.area_um2 / unit.macs:11.4g}"
                     + "".join(cells))
        found += [f"{'':{width}}no {_plain(action)}: {why}" for action, why in unit.reasons.items()]
    return found


def _commented(units, text, *more):
    """A file, and above it in comments what it is of."""
    notes = [f"{unit.design} in {unit.technology}: clock {_number(unit.clock_ps)} ps, multiply-accumulates in a cycle "
             f"{unit.macs}; energies in pJ and areas in um2 of one" for unit in units]
    about = [f"{key}: {' '.join(value.split())}" for key, value in units[0].about.items()]
    return "".join(f"# {line}\n" for line in (*notes, *more, *about)) + text


def _energies(unit):
    """Every action's energy in words."""
    return [f"{_plain(action)}, {MEANINGS[action]}: {_number(energy / 1000)} pJ"
            for action, energy in unit.energies.items()]


def _plain(action):
    return action.replace("_", " ")


def _yaml(tree: dict[str, Any]) -> str:
    """A nest of dicts, lists and scalars as YAML, in their order."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Floats as `_number` writes them, lists set in."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
            super().increase_indent(flow, False)

    Dumper.add_representer(float, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float",
                                                                                _number(value)))
    return yaml.dump(tree, Dumper=Dumper, sort_keys=False, width=200)


def _number(value):
    """Seven digits, always with a point and never with an exponent, which not every reader of YAML takes."""
    text = f"{Decimal(f'{value:.7g}'):f}"
    return text if "." in text else f"{text}.0"


def _table(rows):
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
