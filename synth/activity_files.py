"""Activity for other tools: SAIF (counts) and VCD (events).

Both name pins, not nets, since that is what a sign-off tool annotates: the ports of the design, and all pins of every
instance, those that are tied to a constant or left open among them: a pin without activity is one that such a tool
makes up. The scope to give such a tool is the design's name.
"""

import os

import numpy as np

from ..golden.files import atomic_write
from ..golden.refusal import Refusal
from .activity import Activity
from .netlist import identifier

_FS = 1000  # in a ps: both files count whole femtoseconds, as the simulation does


def write_saif(activity: Activity, path: str | os.PathLike) -> None:
    """Write time at 0 and 1 (fs) and the number of transitions of every pin."""
    duration = round(activity.cycles * activity.period_ps * _FS)
    ones = np.round(activity.duty * duration).astype(np.int64)

    def entry(name, net):
        times = f"(T0 {duration - ones[net]}) (T1 {ones[net]}) (TX 0) (TZ 0)"
        escaped = name.replace("[", "\\[").replace("]", "\\]")
        return f"({escaped} {times} (TC {activity.toggles[net]}) (IG 0))\n"

    netlist = activity.netlist
    with atomic_write(path) as file:
        file.write('(SAIFILE\n(SAIFVERSION "2.0")\n(DIRECTION "backward")\n(DIVIDER /)\n(TIMESCALE 1 fs)\n'
                   f"(DURATION {duration})\n(INSTANCE {netlist.name}\n(NET\n")
        file.writelines(entry(name, net) for name, net in netlist.port_bits("input", "output"))
        file.write(")\n")
        for i, instance in enumerate(netlist.instances):
            file.write(f"(INSTANCE {instance}\n(NET\n")
            file.writelines(entry(pin, net) for pin, net in netlist.pin_nets(i).items())
            file.write("))\n")
        file.write("))\n")


def write_vcd(activity: Activity, path: str | os.PathLike) -> None:
    """Write every event since the end of the warm-up, in fs.

    Raises
    ------
    Refusal
        If the activity was not recorded.
    """
    if activity.events is None:
        raise Refusal("Activity must be recorded to be written as VCD, simulate it with record=True")
    with atomic_write(path) as file:
        file.writelines(_vcd(activity))


def _vcd(activity):
    netlist = activity.netlist
    yield f"$timescale 1 fs $end\n$scope module {netlist.name} $end\n"
    for name, net in netlist.port_bits("input", "output"):
        yield f"$var wire 1 {_code(net)} {name.replace('[', ' [')} $end\n"
    for i, instance in enumerate(netlist.instances):
        pins = "".join(f"$var wire 1 {_code(net)} {identifier(pin).strip()} $end\n"
                       for pin, net in netlist.pin_nets(i).items())
        yield f"$scope module {instance} $end\n{pins}$upscope $end\n"
    yield "$upscope $end\n$enddefinitions $end\n#0\n$dumpvars\n"
    value = activity.start.copy()
    yield "".join(f"{value[net]}{_code(net)}\n" for net in range(len(value))) + "$end\n"
    now = 0
    for time, net in _events(activity):
        if time > now:
            now = time
            yield f"#{time}\n"
        value[net] ^= 1
        yield f"{value[net]}{_code(net)}\n"
    yield f"#{round(activity.cycles * activity.period_ps * _FS)}\n"


def _events(activity):
    """The events with those of the clock, which the simulation takes for granted: up at the start of each cycle."""
    times, nets = activity.events
    if activity.netlist.clock:
        half = round(activity.period_ps * _FS / 2)
        clock = np.arange(2 * activity.cycles, dtype=np.int64) * half
        times = np.concatenate([clock, times])
        nets = np.concatenate([np.full(len(clock), activity.netlist.ports[activity.netlist.clock][1][0]), nets])
        order = np.argsort(times, kind="stable")
        times, nets = times[order], nets[order]
    return zip(times.tolist(), nets.tolist(), strict=True)


def _code(net):
    """A VCD identifier: the net's number in the printable characters."""
    code = ""
    while True:
        code += chr(33 + net % 94)
        net //= 94
        if not net:
            return code
