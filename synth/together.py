"""Netlists of a tile's leaves, chosen together, by what a column burns.

Two thirds of what a tree of adders burns are glitches, which come out of what feeds it: a lane that is a little larger,
and whose outputs come at one time, can save more in the tree than it costs. So leaves are not weighed one by one, but
in a tile of one column, driven with the operands of the report.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from .driving import sized
from .mixing import Candidate, front
from .netlist import Netlist
from .timing import Constraints, analyse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from .library import Library

LANE = "_lane"  # the module that activations go into


#: What faster netlists may burn, in parts of the least, to be taken beside the one that burns least: clocks are often
#: just missed.
NEAR = (1.05, 1.15)


class Leaf(NamedTuple):
    """A netlist of a leaf: the try that made it, and the module as Yosys' JSON has it."""

    script: str
    module: Any


Choice = dict[str, Leaf]  # by name, without that of the design before it


def choose(frame: Candidate, top: str, candidates: Iterable[Candidate], prefix: str,
           weigh: Callable[[Any], tuple[float, float]], rounds: int) -> list[Choice]:
    """Netlists of the leaves of a tile, up to four for each: those that burn least, the fastest of those that burn
    little more (`NEAR`), and the fastest.

    Leaf by leaf, the largest first, the netlist is taken that burns least with those of all the others, until none is
    exchanged any more.

    Parameters
    ----------
    frame : Candidate
        What is not a leaf of the column in which they are weighed.
    top : str
        The column's name.
    candidates : list of Candidate
        The leaves and nothing else, each of one try.
    prefix : str
        Of the leaves' names: the name of the design that they are of.
    weigh : callable
        Gives energy and delay of a netlist, in Yosys' JSON.
    rounds : int
        That the search goes through all leaves, at most.
    """
    netlist = json.loads(frame.source.read_text(encoding="utf-8"))
    leaves = _leaves(candidates, prefix)
    names = sorted(leaves, key=lambda name: (-len(leaves[name][0].module["cells"]), name))
    known: dict[tuple[int, ...], tuple[float, float]] = {}

    def weighed(picks):
        if picks not in known:
            choice = {name: leaves[name][n] for name, n in zip(names, picks, strict=True)}
            known[picks] = weigh(with_leaves(netlist, top, choice))
        return known[picks]

    picks = tuple(0 for _ in names)
    for _ in range(rounds):
        before = picks
        for place, name in enumerate(names):
            tried = [(*picks[:place], n, *picks[place + 1 :]) for n in range(len(leaves[name]))]
            picks = min(tried, key=lambda each: (weighed(each), each))
        if picks == before:
            break
    best = front(known, key=lambda each: (*known[each], each))
    near = [[each for each in best if known[each][0] <= part * known[best[0]][0]][-1] for part in NEAR]
    kept = dict.fromkeys((best[0], *near, best[-1]))
    return [{name: leaves[name][n] for name, n in zip(names, picks, strict=True)} for picks in kept]


def _leaves(candidates, prefix):
    """By name the netlists of each leaf, each once."""
    found = {}
    for each in candidates:
        for name, module in json.loads(each.source.read_text(encoding="utf-8"))["modules"].items():
            key = json.dumps(module["cells"], sort_keys=True)
            found.setdefault(name.removeprefix(prefix), {}).setdefault(key, Leaf(each.script, module))
    return {name: list(some.values()) for name, some in found.items()}


def input_load(frame: Candidate, top: str, choice: Choice, library: Library) -> float:
    """What one activation's bit drives in a column, in fF: the mean of a lane's, its widest input."""
    column = json.loads(frame.source.read_text(encoding="utf-8"))
    netlist = Netlist.read(with_leaves(column, top, choice), library, top + LANE)
    loads = analyse(netlist, library, Constraints.default(library)).load.max(axis=1)
    return float(loads[netlist.ports["x"][1]].mean())


def with_leaves(netlist: Any, top: str, choice: Choice) -> Any:
    """A netlist with other leaves."""
    return netlist | {"modules": netlist["modules"] | {top + name: leaf.module for name, leaf in choice.items()}}


def assembled(frame: Candidate, top: str, choices: Sequence[Choice], library: Library) -> list[Candidate]:
    """Candidates of a tile, for each choice of leaves; their files lie beside that of ``frame``, of which all the rest
    is taken, with drivers of the leaves' size (`sized`)."""
    netlist, found = json.loads(frame.source.read_text(encoding="utf-8")), []
    for n, choice in enumerate(choices):
        words = [frame.script, *(f"{name.removeprefix('_')}: {leaf.script}" for name, leaf in choice.items())]
        path = frame.source.with_name(f"{frame.source.stem}-together-{n}.json")
        whole = with_leaves(netlist, top, choice)
        whole = whole | {"modules": whole["modules"] | {top: sized(whole["modules"], top, library)}}
        path.write_text(json.dumps(whole), encoding="utf-8")
        found.append(Candidate(path, "; ".join(words)))
    return found
