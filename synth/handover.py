"""What a sign-off tool needs to check a row: netlist, constraints, activity and scripts, in one folder."""

from dataclasses import replace
from pathlib import Path

from ..golden.files import atomic_write
from .activity import Activity
from .activity_files import write_saif
from .energy import estimate
from .timing import Timing


def hand_over(folder: Path, timing: Timing, activity: Activity | None, period_ps: float) -> None:
    """Write ``netlist.v``, ``constraints.sdc``, ``activity.saif`` (where there is an activity), ``opensta.tcl`` and
    ``openroad.tcl`` into a folder: see ``docs/signoff.md``.

    The scripts take the Liberty files that the environment variable ``LIBERTY`` lists, separated by spaces, or else
    ``../../cells.lib``. They end with our figures, for comparison. Units of the constraints are ps and fF.
    """
    folder.mkdir(parents=True, exist_ok=True)
    netlist = timing.netlist
    netlist.write_verilog(folder / "netlist.v")
    _write(folder / "constraints.sdc", timing.constraints.sdc(netlist, period_ps))
    ours = f"area {netlist.area_um2:.6g} um2, longest path {timing.delay_ps:.6g} ps"
    power = []
    if activity is not None:
        write_saif(replace(activity, period_ps=period_ps), folder / "activity.saif")
        found = estimate(netlist, timing, activity, period_ps, 1).signoff  # fJ in a cycle: over ps, mW
        ours += f", power {1e-3 * found['total'] / period_ps:.6g} W"
        power = [f"read_saif -scope {netlist.name} activity.saif", "report_activity_annotation -report_unannotated",
                 "report_power -digits 6"]
    for tool, before, area in (("opensta", [], _AREA), ("openroad", [_LEF], ["report_design_area"])):
        lines = [
            f"# in this folder: LIBERTY='...' {_CALL[tool]} {tool}.tcl", *before, *_LIBERTY,
            "read_verilog netlist.v", f"link_design {netlist.name}",
            "set_cmd_units -time ps -capacitance fF -power nW", "read_sdc constraints.sdc", *area,
            "report_checks -path_delay max -fields {slew capacitance} -digits 4", *power, f'puts "lmul: {ours}"',
        ]
        _write(folder / f"{tool}.tcl", "\n".join(lines) + "\n")


_CALL = {"opensta": "sta -exit", "openroad": "LEF='...' openroad -exit"}
_LIBERTY = [
    "set files ../../cells.lib",
    "if {[info exists ::env(LIBERTY)]} { set files $::env(LIBERTY) }",
    "foreach file $files { read_liberty $file }",
]
_LEF = "foreach file $::env(LEF) { read_lef $file }"
_AREA = [
    "set area 0.0",
    "foreach cell [get_cells *] { set area [expr {$area + [get_property [get_property $cell liberty_cell] area]}] }",
    'puts "area $area"',
]


def _write(path, text):
    with atomic_write(path) as file:
        file.write(text)
