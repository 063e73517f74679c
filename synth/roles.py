"""What each cell of a netlist is for: roles that components declare, and where logic belongs that has none."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .netlist import Netlist

#: Roles, in the order in which they are shown, and what belongs to each. Components may declare others.
ROLES = {
    "multiplier": "the products",
    "lane": "what each lane of a tree of floats does with its product before the tree",
    "tree": "the sum of the lanes, in aligned and fixed-point sums with the lanes' shifters",
    "accumulator": "the adder of the running sum, its registers, and the masks that hold and empty it",
    "drain": "the way from a finished sum to a result that is handed out",
    "operand registers": "registers that operands pass on their way, skews and buffers, with their enables",
    "control": "what says when, and logic that serves several of these",
    "clock": "clock pins of all registers",
    "gating": "clock gates, what they drive, and logic that is there for them alone",
    "undeclared": "modules whose components declare no roles",
}
CLOCK, CONTROL, GATING, UNDECLARED = "clock", "control", "gating", "undeclared"


class Roles:
    """The roles of a design's modules, as its manifest has them.

    Parameters
    ----------
    modules : dict of str to dict
        By module ``instances`` (name to module) and ``roles`` (name to role), as `~lmul.hdl.part.Modules.contents`.
    top : str
    """

    def __init__(self, modules: dict[str, dict], top: str) -> None:
        self.modules, self.top = modules, top
        self._declared = cache(self._declared)

    def __reduce__(self) -> tuple:
        return Roles, (self.modules, self.top)

    def of(self, netlist: Netlist) -> list[str]:
        """The role of each instance of a netlist, a list of str.

        A cell has the role that the innermost module around it declares for it. Logic that none declares has the role
        of all that it drives, where this is one; else that of all that drives it, control aside; else it is control, or
        ``undeclared`` where its module declares nothing. So has a register, but for what it drives over such logic.
        Clock gates have a role of their own.
        """
        found = [self._declared(origin) for origin in netlist.origins]
        roles = [GATING if gate else role for (role, _), gate in zip(found, netlist.is_gate.tolist(), strict=True)]
        _follow(netlist, roles)
        return [role or (CONTROL if own else UNDECLARED) for role, (_, own) in zip(roles, found, strict=True)]

    def _declared(self, origin):
        """The declared role of what is at this place, or None, and whether the module that it is in declares any."""
        module, role = self.top, None
        for word in origin.split(".") if origin else ():
            role = self._match(module, word) or role
            inside = self.modules.get(module, {}).get("instances", {})
            if word not in inside:  # a register, or the instance of a module that nobody tells about
                break
            module = inside[word]
        else:
            role = self._match(module, "") or role
        return role, bool(self.modules.get(module, {}).get("roles"))

    def _match(self, module, name):
        roles = self.modules.get(module, {}).get("roles", {})
        return roles.get(name, roles.get("*"))


def _follow(netlist, roles):
    """Fill in roles that are None from those of the cells around, as far as that tells."""
    loads, drivers = _neighbours(netlist, [n for n, role in enumerate(roles) if role is None])
    for n in loads:
        if netlist.is_flop[n]:
            roles[n] = _one(roles[each] for each in loads[n] if roles[each])
    for n in reversed(netlist.order.tolist()):
        if roles[n] is None:
            roles[n] = _one(roles[each] for each in loads[n])
    for n in (*netlist.order.tolist(), *np.flatnonzero(netlist.is_flop).tolist()):
        if roles[n] is None:
            roles[n] = _one(roles[each] for each in drivers[n] if roles[each] not in (None, CONTROL, GATING))


def _one(roles):
    """The role, where all are one and the same; else None."""
    found = set(roles)
    return found.pop() if len(found) == 1 else None


def _neighbours(netlist, wanted):
    """The instances that each of some instances drives, and those that drive it: two dicts of lists."""
    starts, nets, instance = netlist.pin_start, netlist.pin_net, netlist.pin_instance
    pins = {n: range(starts[n], starts[n + 1]) for n in wanted}
    outputs = {n: [nets[pin] for pin in span if netlist.pin_is_output[pin]] for n, span in pins.items()}
    driven = np.zeros(len(netlist.net_names), bool)
    driven[[net for some in outputs.values() for net in some]] = True
    by_net = {}
    for pin in np.flatnonzero(~netlist.pin_is_output & driven[nets]).tolist():
        by_net.setdefault(int(nets[pin]), []).append(int(instance[pin]))
    drivers = {n: [int(instance[driver]) for pin in span if not netlist.pin_is_output[pin]
                   and (driver := netlist.driver[nets[pin]]) >= 0] for n, span in pins.items()}
    return {n: [each for net in some for each in by_net.get(int(net), ())] for n, some in outputs.items()}, drivers
