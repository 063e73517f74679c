"""Netlists of a design, put together from the best netlists of its modules."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .activity import simulate
from .energy import estimate
from .library import Library
from .netlist import Netlist
from .timing import Constraints, analyse

CYCLES = 128  # of random inputs, to see how much a leaf's netlists burn beside each other


@dataclass(frozen=True)
class Candidate:
    """A mapped netlist: the path of its Yosys JSON, the try that made it, and modules not to be taken from it."""

    source: Path
    script: str
    without: frozenset = frozenset()


class _Point(NamedTuple):
    """A netlist of a leaf."""

    area: float
    energy: float
    delay: float
    script: str
    candidate: Candidate

    @property
    def cost(self):
        return np.sqrt(self.area * max(self.energy, 0.0))


def front(points: Iterable, key: Callable) -> list:
    """Of ``points`` those that no other beats in both cost and delay, from the cheapest to the fastest.

    ``key(point)`` gives cost, delay and what decides between equals; half a per cent of delay is nothing.
    """
    found = []
    for point in sorted(points, key=key):
        if not found or key(point)[1] < 0.995 * key(found[-1])[1]:
            found.append(point)
    return found


def evenly(points: Sequence, count: int) -> list:
    """At most so many of a list, the first and the last among them."""
    return [points[n] for n in sorted({round(n * (len(points) - 1) / (count - 1)) for n in range(count)})]


def mix(whole: Sequence[Candidate], candidates: Iterable[Candidate], library: Library, count: int) -> list[Candidate]:
    """Candidates put together of the netlists of leaves: modules that have no others in them.

    All leaves begin as their cheapest netlist, that of the smallest area times energy on random inputs; step by step
    one is exchanged for its next faster one, whichever gains most delay for the cost of all its instances. Some of
    these steps are made, the first and the last among them.

    Parameters
    ----------
    whole : list of Candidate
        Those that have all modules, from small to fast: what other modules are taken from.
    candidates : list of Candidate
        These, and those that have some of the leaves.
    library : Library
    count : int
        Candidates to make; if 1, the step of the smallest product of area, energy and delay.

    Returns
    -------
    list of Candidate
        From cheap to fast; their files lie beside those of ``whole``.
    """
    read = {each: json.loads(each.source.read_text(encoding="utf-8")) for each in candidates}
    instances = _instances(read[whole[0]]["modules"])
    steps = _steps(_fronts(read, library), instances)
    if count == 1:
        chosen = [(0.5, min(steps, key=lambda leaves: _product(leaves, instances)))]
    else:
        chosen = evenly([(n / max(len(steps) - 1, 1), leaves) for n, leaves in enumerate(steps)], count)
    return [_mixed(whole[round(part * (len(whole) - 1))], leaves, read) for part, leaves in chosen]


def _fronts(read, library):
    """Of each leaf its best netlists."""
    points = {}
    for each, source in read.items():
        for name, module in source["modules"].items():
            if name in each.without:
                continue
            cells = module["cells"].values()
            if cells and not any(cell["type"] in source["modules"] for cell in cells):
                netlist = Netlist.read({"modules": {name: module}}, library)
                points.setdefault(name, []).append(_Point(*_figures(netlist, library), each.script, each))
    return {name: front(found, key=lambda point: (point.cost, point.delay, point.script))
            for name, found in points.items()}


def _figures(netlist, library):
    """Area, energy on random inputs, the same for all netlists of a module, and delay."""
    timing = analyse(netlist, library, Constraints.default(library))
    rng = np.random.default_rng(1)
    inputs = {name: [int.from_bytes(rng.bytes(len(nets)), "little") & (1 << len(nets)) - 1 for _ in range(CYCLES)]
              for name, (way, nets) in sorted(netlist.ports.items()) if name in netlist.inputs}
    energy = estimate(netlist, timing, simulate(netlist, timing, inputs), timing.delay_ps, 1)
    return netlist.area_um2, energy.energy_fj_per_op, timing.delay_ps


def _instances(modules):
    """How often the whole has each module."""
    top = next(name for name, module in modules.items() if "top" in module["attributes"])
    counts = Counter()

    def add(name):
        counts[name] += 1
        for cell in modules[name]["cells"].values():
            if cell["type"] in modules:
                add(cell["type"])

    add(top)
    return counts


def _steps(fronts, instances):
    """From all leaves at their cheapest to all at their fastest: lists of points by leaf."""
    exchanges = []
    for name, points in fronts.items():
        price = 0
        for n, (before, after) in enumerate(pairwise(points), 1):
            price = max(price, instances[name] * (after.cost - before.cost) / (before.delay - after.delay))
            exchanges.append((price, name, n))
    at = dict.fromkeys(fronts, 0)
    steps = [{name: points[0] for name, points in fronts.items()}]
    for _, name, n in sorted(exchanges):
        at[name] = n
        steps.append({name: points[at[name]] for name, points in fronts.items()})
    return steps


def _product(leaves, instances):
    """Area, energy and delay of all leaves, one behind the other, multiplied."""
    area, energy = (sum(instances[name] * getattr(point, figure) for name, point in leaves.items())
                    for figure in ("area", "energy"))
    return area * energy * sum(point.delay for point in leaves.values())


def _mixed(frame, leaves, read):
    """The candidate ``frame`` with other leaves."""
    modules = read[frame]["modules"] | {name: read[point.candidate]["modules"][name] for name, point in leaves.items()}
    words = [frame.script, *(f"{name}: {point.script}" for name, point in leaves.items() if point.candidate != frame)]
    netlist = json.dumps(read[frame] | {"modules": modules})
    path = frame.source.with_name(f"{frame.source.stem}-{sha256(netlist.encode()).hexdigest()[:12]}.json")
    path.write_text(netlist, encoding="utf-8")
    return Candidate(path, "; ".join(words))
