"""Netlists and operands to figures, at whatever clock is asked for: the second of the two steps of measuring.

A netlist is simulated once, clocked as fast as it can be. At a slower clock it switches no more and no less, and leaks
for longer: each energy is a straight line over the period. (How long nets rest at 1 changes a little too, and with it
what they leak: less than 1e-4 of the energy from the shortest period to twice as much; a test has it.)
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from .activity import Activity, simulate
from .drive import Mismatch
from .energy import CELL_KINDS, by_role, estimate
from .netlists import Mapped, timed
from .store import Store, digest

if TYPE_CHECKING:
    from ..hdl.designs import Design
    from .drive import Drive
    from .library import Library
    from .options import Options
    from .roles import Roles

Figures = dict[str, Any]


def measured(design: Design, points: Iterable[Mapped], driven: Drive | None, options: Options, roles: Roles,
             table: Library, store: Store, key: str) -> list[Figures]:
    """Figures of netlists, each at the shortest period that it reaches, as JSON data that `at` takes.

    Parameters
    ----------
    design : Design
    points : list of Mapped
        From `netlists.netlists`.
    driven : Drive or None
        What drives them; None: they have no activity and no energy.
    options : Options
    roles : Roles
        Of the design.
    table : Library
        By whose figures netlists are chosen (`cost`): what the mapper was given, so that a library and the table made
        of it give the same netlist.
    store : Store
        Keeps the activities.
    key : str
        The digest of all that the figures depend on, but for the netlist.

    Raises
    ------
    Mismatch
        If a netlist does not compute what golden says.
    """
    found = []
    for point in points:
        figures = _figures(design, point, driven, options, roles, store, key)
        judged = figures
        if table is not point.netlist.library:
            netlist, timing = timed(json.loads(point.text), table, options)
            other = Mapped(point.script, point.text, netlist, timing)
            judged = _figures(design, other, driven, options, roles, store, f"{key} by its table")
        figures["judged"] = {key: judged[key] for key in _COST}
        found.append(figures)
    return found


def at(figures: Figures, period_ps: float) -> Figures:
    """A netlist's figures at a clock period, as rows have them."""
    rate, longer = figures["leakage_fj_per_ps"], period_ps - figures["clock_ps"]
    found = {key: value for key, value in figures.items() if key not in ("judged", "path", "leakage_fj_per_ps",
                                                                         "netlist")}
    found["clock_ps"] = period_ps
    if rate:
        signoff = dict.fromkeys(("leakage", "total"), rate["signoff"])
        found["energy_fj_per_op"] += rate["all"] * longer
        found["energy_fj_by_role"] = _longer(found["energy_fj_by_role"], rate["by_role"], longer)
        found["energy_fj_by_kind"] = _longer(found["energy_fj_by_kind"], {"leakage": rate["all"]}, longer)
        found["energy_fj_signoff"] = _longer(found["energy_fj_signoff"], signoff, longer)
    return found


def cost(figures: Figures, period_ps: float) -> float:
    """Area times energy, by which a netlist is chosen for a clock: the very smallest often burns much more than the
    next, which nobody would take for it."""
    known = figures["judged"]
    energy, rate = known["energy_fj_per_op"], known["leakage_fj_per_ps"]
    if energy:
        energy += rate["all"] * (period_ps - known["clock_ps"])
    return known["area_um2"] * (energy or 1)


_COST = ("area_um2", "clock_ps", "energy_fj_per_op", "leakage_fj_per_ps")


def _longer(energies, rates, longer):
    return {name: energy + rates.get(name, 0.0) * longer for name, energy in energies.items()}


def activity(design: Design, point: Mapped, driven: Drive, options: Options, store: Store, key: str) -> Activity:
    """What switches in a netlist that is clocked as fast as it can be; kept.

    Parameters are those of `measured`.

    Raises
    ------
    Mismatch
        If it does not compute what golden says.
    """
    netlist, its = point.netlist, digest(key, point.text)
    kept = store.get("activity", its)
    if kept:
        with np.load(io.BytesIO(kept)) as arrays:
            return Activity(netlist, options.mode, int(arrays["cycles"]), float(arrays["period_ps"]),
                            arrays["toggles"].astype(np.int64), arrays["duty"], {}, None, arrays["start"])
    found = simulate(netlist, point.timing, driven.inputs, options.mode, point.timing.delay_ps, driven.warmup)
    try:
        driven.check(found.outputs)
    except Mismatch as error:
        raise Mismatch(f"Netlist of {design.slug} in {netlist.library.name} ({point.script}): {error}") from None
    file = io.BytesIO()
    np.savez(file, cycles=found.cycles, period_ps=found.period_ps, toggles=found.toggles.astype(np.int32),
             duty=found.duty, start=found.start)
    store.put("activity", its, file.getvalue())
    return found


def _figures(design, point, driven, options, roles, store, key):
    netlist, timing, lib = point.netlist, point.timing, point.netlist.library
    its = roles.of(netlist)
    area = np.array([cell.area for cell in netlist.cells])[netlist.kind]
    figures = {
        "clock_ps": timing.delay_ps, "area_um2": netlist.area_um2,
        "area_ge": netlist.area_um2 / lib.reference_nand2.area, "delay_ps": timing.delay_ps,
        "flip_flops": netlist.flip_flops, "script": point.script, "proof": point.proof,
        "area_um2_by_role": by_role(its, area), "energy_fj_per_op": None, "leakage_fj_per_ps": None,
        "path": [asdict(stage) for stage in timing.path], "netlist": digest(point.text),
    }
    if netlist.clock_gates:
        figures |= {"clock_gates": netlist.clock_gates, "gated_flip_flops": netlist.gated_flip_flops}
    if driven is None:
        return figures
    switched = activity(design, point, driven, options, store, key)
    energy = estimate(netlist, timing, switched, timing.delay_ps, driven.ops / switched.cycles)
    if not lib.lacks:
        leaks = energy.instances["leakage"] / timing.delay_ps
        figures |= {
            "energy_fj_per_op": energy.energy_fj_per_op, "leakage_nw": energy.leakage_nw,
            "ground_fj_per_op": energy.ground_fj_per_op, "energy_fj_by_role": energy.by_role(its),
            "energy_fj_by_kind": {kind: energy.by_kind[kind] for kind in CELL_KINDS},
            "energy_fj_signoff": energy.signoff,
            "leakage_fj_per_ps": {"all": float(leaks.sum()), "by_role": by_role(its, leaks),
                                  "signoff": energy.signoff["leakage"] / timing.delay_ps},
        }
    return figures | {
        "input_nets_fj_per_op": energy.by_kind["input_nets"], "clock_net_fj_per_op": energy.by_kind["clock_net"],
        "activity": {"mode": switched.mode, "vectors": switched.cycles, "nets": switched.nets,
                     "nets_that_switched": switched.covered},
    }
