"""What a sign-off tool needs to check a row: netlist, constraints, activity and a script, in one folder."""

from dataclasses import replace

from ..golden.files import atomic_write
from .activity_files import write_saif


def hand_over(folder, timing, activity, period_ps):
    """Write ``netlist.v``, ``constraints.sdc``, ``activity.saif`` (where there is an activity), ``opensta.tcl`` and
    ``openroad.tcl`` into a folder.

    The scripts take the library's Liberty files from the environment variable ``LIBERTY``, separated by spaces: this
    project hands out none. Units of the constraints are ps and fF.
    """
    folder.mkdir(parents=True, exist_ok=True)
    netlist = timing.netlist
    netlist.write_verilog(folder / "netlist.v")
    _write(folder / "constraints.sdc", timing.constraints.sdc(netlist, period_ps))
    if activity is not None:
        write_saif(replace(activity, period_ps=period_ps), folder / "activity.saif")
    for tool, read in (("opensta", _OPENSTA), ("openroad", _OPENROAD)):
        _write(folder / f"{tool}.tcl", _script(read, netlist, activity is not None))


_LIBERTY = """foreach file [split $::env(LIBERTY)] { read_liberty $file }"""
_OPENSTA = _LIBERTY
_OPENROAD = """foreach file [split $::env(LEF)] { read_lef $file }\n""" + _LIBERTY


def _script(read, netlist, active):
    lines = [read, "read_verilog netlist.v", f"link_design {netlist.name}",
             "set_cmd_units -time ps -capacitance fF -power nW", "read_sdc constraints.sdc",
             "report_checks -path_delay max -fields {slew capacitance} -digits 4"]
    if active:
        lines += [f"read_saif -scope {netlist.name} activity.saif", "report_activity_annotation",
                  "report_power -digits 6"]
    return "\n".join(lines) + "\n"


def _write(path, text):
    with atomic_write(path) as file:
        file.write(text)
