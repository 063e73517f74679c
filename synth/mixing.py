"""Netlists of a design, put together from the best netlists of its modules."""

import json
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from .netlist import Netlist
from .timing import Constraints, analyse


@dataclass(frozen=True)
class Candidate:
    """A mapped netlist: the path of its Yosys JSON, and the try that made it."""

    source: Path
    script: str


def front(points, key):
    """Of ``points`` those that no other beats in both area and delay, from the smallest to the fastest.

    ``key(point)`` gives area, delay and what decides between equals; half a per cent of delay is nothing.
    """
    found = []
    for point in sorted(points, key=key):
        if not found or key(point)[1] < 0.995 * key(found[-1])[1]:
            found.append(point)
    return found


def evenly(points, count):
    """At most so many of a list, the first and the last among them."""
    return [points[n] for n in sorted({round(n * (len(points) - 1) / (count - 1)) for n in range(count)})]


def mix(whole, candidates, library, count):
    """Candidates put together of the netlists of leaves: modules that have no others in them.

    All leaves begin as their smallest netlist; step by step one is exchanged for its next faster one, whichever gains
    most delay for the area of all its instances. Some of these steps are made, the first and the last among them.

    Parameters
    ----------
    whole : list of Candidate
        Those that have all modules, from small to fast: what other modules are taken from.
    candidates : list of Candidate
        These, and those that have some of the leaves.
    library : Library
    count : int
        Candidates to make; if 1, the step of the smallest product of area and delay, of the leaves one after another.

    Returns
    -------
    list of Candidate
        From small to fast; their files lie beside those of ``whole``.
    """
    read = {each: json.loads(each.source.read_text(encoding="utf-8")) for each in candidates}
    steps = _steps(_fronts(read, library), _instances(read[whole[0]]["modules"]))
    if count == 1:
        chosen = [(0.5, min(steps, key=lambda step: step[0] * step[1]))]
    else:
        chosen = evenly([(n / max(len(steps) - 1, 1), step) for n, step in enumerate(steps)], count)
    return [_mixed(whole[round(part * (len(whole) - 1))], leaves, read) for part, (_, _, leaves) in chosen]


def _fronts(read, library):
    """Of each leaf its best netlists: lists of (area, delay, words, candidate)."""
    points = {}
    for each, source in read.items():
        for name, module in source["modules"].items():
            if not any(cell["type"] in source["modules"] for cell in module["cells"].values()):
                netlist = Netlist.read({"modules": {name: module}}, library)
                delay = analyse(netlist, library, Constraints.default(library)).delay_ps
                points.setdefault(name, []).append((netlist.area_um2, delay, each.script, each))
    return {name: front(found, key=lambda point: point[:3]) for name, found in points.items()}


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
    """From all leaves at their smallest to all at their fastest: lists of (area, delay, candidate by leaf)."""
    exchanges = []
    for name, points in fronts.items():
        price = 0
        for n, (before, after) in enumerate(pairwise(points), 1):
            price = max(price, instances[name] * (after[0] - before[0]) / (before[1] - after[1]))
            exchanges.append((price, name, n))
    at, steps = dict.fromkeys(fronts, 0), []
    for change in [{}, *({name: n} for _, name, n in sorted(exchanges))]:
        at |= change
        chosen = {name: fronts[name][n] for name, n in at.items()}
        steps.append((sum(instances[name] * point[0] for name, point in chosen.items()),
                      sum(point[1] for point in chosen.values()), {name: point[3] for name, point in chosen.items()}))
    return steps


def _mixed(frame, leaves, read):
    """The candidate ``frame`` with other leaves."""
    modules = read[frame]["modules"] | {name: read[each]["modules"][name] for name, each in leaves.items()}
    words = [frame.script, *(f"{name}: {each.script}" for name, each in leaves.items() if each != frame)]
    netlist = json.dumps(read[frame] | {"modules": modules})
    path = frame.source.with_name(f"{frame.source.stem}-{sha256(netlist.encode()).hexdigest()[:12]}.json")
    path.write_text(netlist, encoding="utf-8")
    return Candidate(path, "; ".join(words))
