"""Energy of a mapped netlist from what switched in it.

The rules are OpenSTA's (``report_power``), so that its figures are: an output's toggle costs the internal energy of
its related inputs weighted by how often each of them toggles while the output listens to it; an input's toggle costs
its own internal energy in the states that name it; a net costs half C V^2 for each toggle; pins are taken as
independent. The tables of each power, ground and bias pin (``related_pg_pin``) are weighed apart, and added; those that
name none are a group of their own. Where a library has both supply and ground (ASAP7, for VDD and for VSS) they
describe the same charge twice, and `Energy.ground_fj_per_op` says how much that is.

Of leakage two rules differ, and `Energy.signoff` says what OpenSTA would make of them. In a state that names an output,
the output follows the inputs; OpenSTA takes it as one more independent pin, and so loses a share. And what leaks at a
bias or backup supply counts; OpenSTA takes primary supplies alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import boolean
from .cells import FALL, RISE
from .roles import CLOCK, ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .activity import Activity
    from .netlist import Netlist
    from .timing import Timing

#: Kinds of energy inside the cells and on the nets they drive; their sum is `Energy.energy_fj_per_op`.
CELL_KINDS = ("internal", "switching", "clock_pins", "leakage")
#: Energy that whatever is outside spends on the design's nets: named, and not in the sum.
OUTSIDE_KINDS = ("input_nets", "clock_net")


@dataclass(eq=False)
class Energy:
    """What `estimate` found, in fJ per operation.

    Attributes
    ----------
    energy_fj_per_op : float
        All that the cells and the nets they drive consume: what a sign-off tool reports for the netlist.
    by_kind : dict of str to float
        ``internal``, ``switching``, ``clock_pins`` (internal energy of the registers' clock pins), ``leakage``; their
        sum is the above. Beside it, ``input_nets`` and ``clock_net``: half C V^2 of the nets driven from outside.
    ground_fj_per_op : float
        What of it comes of tables measured at ground pins.
    leakage_nw : float
    power_uw : float
        `energy_fj_per_op` over the time of an operation.
    period_ps, ops_per_cycle : float
    signoff : dict of str to float
        ``internal``, ``switching``, ``leakage`` and ``total`` as OpenSTA 3 reports them.
    instances : dict of str to ndarray
        The four kinds of `CELL_KINDS` for each instance, fJ per operation.
    """

    netlist: Netlist
    energy_fj_per_op: float
    by_kind: dict
    ground_fj_per_op: float
    leakage_nw: float
    power_uw: float
    period_ps: float
    ops_per_cycle: float
    signoff: dict
    instances: dict

    def by_module(self, depth: int = 1) -> dict[str, dict[str, float]]:
        """fJ per operation of each module instance down to ``depth`` ("" is the top): {path: {kind: fJ}}.

        The kinds are ``logic`` and ``registers`` (internal and switching energy), ``clock_pins`` and ``leakage``;
        clock gates count as registers.
        """
        paths = ["/".join(path.split("/")[:depth]) for path in self.netlist.modules]
        names, which = np.unique(paths, return_inverse=True)
        dynamic = self.instances["internal"] + self.instances["switching"]
        flop = self.netlist.is_flop | self.netlist.is_gate
        columns = {"logic": np.where(flop, 0, dynamic), "registers": np.where(flop, dynamic, 0),
                   "clock_pins": self.instances["clock_pins"], "leakage": self.instances["leakage"]}
        sums = {kind: np.bincount(which, values, len(names)) for kind, values in columns.items()}
        return {str(name): {kind: float(sums[kind][n]) for kind in columns} for n, name in enumerate(names)}

    def by_role(self, roles: Sequence[str]) -> dict[str, float]:
        """fJ per operation of each role that some instance has: {role: fJ}; their sum is `energy_fj_per_op`.

        Parameters
        ----------
        roles : list of str
            Of each instance: `Roles.of`. Clock pins are the role ``clock``, whatever their register's.
        """
        inside = sum(values for kind, values in self.instances.items() if kind != "clock_pins")
        found = by_role(roles, np.asarray(inside))
        pins = float(self.instances["clock_pins"].sum())
        return found | {CLOCK: found.get(CLOCK, 0.0) + pins} if pins else found


def by_role(roles: Sequence[str], values: np.ndarray) -> dict[str, float]:
    """The sums of a figure of each instance by its role, known roles in their order: {role: float}."""
    names, which = np.unique(roles, return_inverse=True)
    sums = dict(zip(map(str, names), np.bincount(which, values, len(names)).tolist(), strict=True))
    return {role: sums[role] for role in (*(role for role in ROLES if role in sums), *sums)}


def estimate(netlist: Netlist, timing: Timing, activity: Activity, period_ps: float | None = None,
             ops_per_cycle: float = 1.0) -> Energy:
    """Energy of a netlist under an activity.

    Parameters
    ----------
    netlist, timing, activity
        `Netlist`, and its `Timing` and `Activity`.
    period_ps : float, optional
        From one vector to the next, for leakage and power; the activity's by default.
    ops_per_cycle : float
        Operations that one vector stands for.
    """
    period = activity.period_ps if period_ps is None else period_ps
    count = len(netlist.kind)
    density = activity.toggles / activity.cycles
    totals = {name: np.zeros(count) for name in (*CELL_KINDS, "ground", "leakage_nw", "leakage_signoff")}
    for k, cell in enumerate(netlist.cells):
        which = np.flatnonzero(netlist.kind == k)
        _Cells(cell, which, netlist, timing, density, activity.duty).add_to(totals)
    totals["leakage"] = totals["leakage_nw"] * period * 1e-6  # nW ps = 1e-6 fJ
    net_energy = 0.5 * timing.load.max(axis=1) * netlist.library.voltage**2 * density
    outside = {name: sum(net_energy[netlist.ports[port][1]].sum() for port in ports)
               for name, ports in (("input_nets", netlist.inputs), ("clock_net", filter(None, [netlist.clock])))}
    by_kind = {name: float(totals[name].sum()) / ops_per_cycle for name in CELL_KINDS}
    energy = sum(by_kind.values())
    by_kind |= {name: float(outside[name]) / ops_per_cycle for name in OUTSIDE_KINDS}
    signoff = {"internal": by_kind["internal"] + by_kind["clock_pins"], "switching": by_kind["switching"],
               "leakage": float(totals["leakage_signoff"].sum()) * period * 1e-6 / ops_per_cycle}
    signoff["total"] = sum(signoff.values())
    return Energy(netlist, energy, by_kind, float(totals["ground"].sum()) / ops_per_cycle,
                  float(totals["leakage_nw"].sum()), 1e3 * energy * ops_per_cycle / period, period, ops_per_cycle,
                  signoff, {name: totals[name] / ops_per_cycle for name in CELL_KINDS})


class _Cells:
    """All instances of one cell: their pins' toggles per cycle, duties, slews and loads, one row per pin."""

    def __init__(self, cell, which, netlist, timing, density, duty):
        self.cell = cell
        self.which = which
        self.pins = cell.inputs + cell.outputs
        nets = netlist.pin_net[netlist.pin_start[which][:, None] + np.arange(len(self.pins))].T
        self.density, self.duty = density[nets], duty[nets]
        self.slew, self.load = timing.slew[nets], timing.load[nets].max(axis=2)
        self.volt = netlist.library.voltage

    def add_to(self, totals):
        cell, which = self.cell, self.which
        clock = cell.flop.clock if cell.flop else None
        for output in cell.outputs:
            pin = cell.pins[output]
            row = self.pins.index(output)
            volt = self.volt if pin.voltage is None else pin.voltage
            totals["switching"][which] += 0.5 * self.load[row] * volt**2 * self.density[row]
            powers = [power for power in cell.powers if power.pin == output]
            for supply, ground in dict.fromkeys((power.supply, power.ground) for power in powers):
                found = self._output(output, row, [power for power in powers if power.supply == supply])
                totals["internal"][which] += found
                totals["ground"][which] += ground * found
        for power in cell.powers:
            if power.pin in cell.inputs:
                found = self._input(power)
                totals["clock_pins" if power.pin == clock else "internal"][which] += found
                totals["ground"][which] += power.ground * found
        totals["leakage_nw"][which] = self._leakage()
        totals["leakage_signoff"][which] = self._leakage_signoff()

    def _output(self, output, row, powers):
        """fJ per cycle of one output's toggles."""
        powers = [power for power in powers if power.related in self.pins]
        shares = [power.times * self.density[self.pins.index(power.related)] * self._listening(output, power)
                  for power in powers]
        whole = sum(shares, np.zeros(len(self.which)))
        energy = np.zeros(len(self.which))
        for power, share in zip(powers, shares, strict=True):
            source = self.pins.index(power.related)
            straight = self._positive(power.related, output)
            each = [self._energy(power.energy[rf], self.slew[source, :, rf if straight else 1 - rf], self.load[row])
                    for rf in (RISE, FALL)]
            energy += np.divide(share, whole, out=np.zeros(len(whole)), where=whole > 0) * sum(each) / 2
        return energy * self.density[row]

    def _listening(self, output, power):
        """How often the output depends on the related input."""
        function = self.cell.pins[output].function
        if not self.cell.clocked and power.related in boolean.pins(function):
            return self._sensitive(output, power.related)
        return self._probability(power.when) if power.when else 0.5

    def _sensitive(self, output, source):
        table = boolean.difference(self.cell.truth(output), self.cell.inputs.index(source))
        return boolean.probability(table, self.duty[:len(self.cell.inputs)])

    def _positive(self, source, output):
        senses = [arc.sense for arc in self.cell.arcs if arc.source == source and arc.target == output]
        return not senses or senses[0] >= 0

    def _input(self, power):
        """fJ per cycle of one input's toggles in one state."""
        row = self.pins.index(power.pin)
        each = [self._energy(power.energy[rf], self.slew[row, :, rf], 0.0) for rf in (RISE, FALL)]
        return sum(each) / 2 * self._share(power) * self.density[row]

    def _share(self, power):
        if not power.when:
            return 1.0
        named = [name for name in boolean.pins(power.when) if name in self.cell.outputs]
        if named and not self.cell.clocked and power.pin in boolean.pins(self.cell.pins[named[0]].function):
            return self._sensitive(named[0], power.pin)
        return self._probability(power.when)

    def _probability(self, when):
        return boolean.probability(boolean.truth(when, self.pins), self.duty)

    @staticmethod
    def _energy(table, slew, load):
        return 0.0 if table is None else table(slew, load)

    def _leakage(self):
        """nW by state, an output following the inputs."""
        cell = self.cell
        bias = sum(self._by_state(leakage, None) for leakage in cell.bias_leakage.values())
        return self._by_state(cell.leakage, cell.cell_leakage) + bias

    def _by_state(self, leakage, otherwise):
        """nW by state, and ``otherwise``, or what is given without a state, where no state says it."""
        states = [(when, value) for when, value in leakage if when]
        plain = [value for when, value in leakage if not when]
        rest = otherwise if otherwise is not None else sum(plain)
        if not states:
            return sum(plain) if plain else rest
        shares = [self._state(when) for when, _ in states]
        return sum(value * share for (_, value), share in zip(states, shares, strict=True)) + \
            rest * np.maximum(1 - sum(shares), 0)

    def _state(self, when):
        cell = self.cell
        if cell.clocked:
            return self._probability(when)
        table = boolean.truth_of_state(when, cell.inputs, {output: cell.truth(output) for output in cell.outputs})
        return boolean.probability(table, self.duty[:len(cell.inputs)])

    def _leakage_signoff(self):
        """nW as OpenSTA 3 sums it: outputs independent of inputs, the rest from ``cell_leakage_power`` alone."""
        cell = self.cell
        states = [(value, self._probability(when)) for when, value in cell.leakage if when]
        plain = [value for when, value in cell.leakage if not when]
        if states:
            rest = 1 - sum(share for value, share in states if value > 0)
            return sum(value * share for value, share in states) + (cell.cell_leakage or 0) * rest
        return plain[-1] if plain else cell.cell_leakage or 0.0
