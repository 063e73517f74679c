"""Verilog to netlists: generic gates, transistors, and the cells of libraries.

One try is a structure (how carries and products are built), an optimiser (of the logic, whatever the library) and a
script (that maps it to cells for a target delay). An effort is the set of tries; every design that is compared with
another gets the same ones, and what is best of each is kept. Nothing depends on the time a machine takes; what depends
on chance, the order in which ABC happens to meet the logic, is given by a seed.

A registered design keeps its modules. All of them are mapped by a few tries; its *leaves*, modules without others in
them, such as the multiplier and the adder of an element, by more, and netlists are put together from the best. Where
its clock is to be gated (`gating`), the registers' modules are mapped a second time.
"""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from math import inf
from pathlib import Path
from typing import Any

from ..golden.refusal import Refusal
from ..hdl import yosys
from ..hdl.designs import Design
from ..prove.equivalence import MERGED_BITS
from . import gating
from .library import Library
from .mixing import Candidate, evenly, mix
from .netlist import identifier
from .polarity import BOX, with_inverted_outputs
from .together import assembled, choose, input_load

SCRIPTS = Path(__file__).parent / "scripts"

#: Full adders become cells of a library that has one; no mapper finds cells of two outputs. They are looked for in
#: cones of 6 gates deep: deeper ones hold no more of them, and take most of the time.
_BOXED = ("extract_fa -d 6 -fa", "techmap -map full_adder.v", "techmap", "opt -fast")

#: How carries and products are built, from the word operators of the Verilog: (pass before, techmap files, passes
#: after).
STRUCTURES = {
    "ripple": ("", ("ripple.v",), ()),
    "brent-kung": ("", (), ()),
    "sklansky": ("", ("+/choices/sklansky.v",), ()),
    "kogge-stone": ("", ("+/choices/kogge-stone.v",), ()),
    "booth": ("booth", (), ()),
    "full adders": ("", ("ripple.v",), _BOXED),
    "full adders and sklansky": ("", ("+/choices/sklansky.v",), _BOXED),
}

_RESUB = ("balance -l; resub -K 6 -l; rewrite -l; resub -K 6 -N 2 -l; refactor -l; resub -K 8 -l; balance -l; "
          "resub -K 8 -N 2 -l; rewrite -l; resub -K 10 -l; rewrite -z -l; resub -K 10 -N 2 -l; balance -l; "
          "resub -K 12 -l; refactor -z -l; resub -K 12 -N 2 -l; rewrite -z -l; balance -l; ")
_SEEDS = range(1, 5)
_CLEAN = "strash; ifraig; scorr; dc2; "

#: ABC scripts that make the logic smaller, before any library is known. A seeded `&deepsyn` ends after so many
#: attempts without gain, never after a time, so that it repeats.
OPTIMISERS = {
    "light": _CLEAN + "map -a",
    "resynthesis": _CLEAN + _RESUB + ("strash; dch -f; if -K 4 -a; mfs2 -a; fx; strash; " + _RESUB) * 5 + "map -a",
    **{f"deepsyn-{seed}": f"{_CLEAN}&get -n; &deepsyn -I 1 -J 2 -S {seed}; &put; map -a" for seed in _SEEDS},
    "deepsyn-brief": f"{_CLEAN}&get -n; &deepsyn -I 1 -J 1 -S 1; &put; map -a",
}

_SIZE = "topo; buffer; upsize {D}; dnsize {D}"

#: ABC scripts that map to cells; those with {D} are run for target delays, buffer high fan-outs and size the cells. The
#: "quick" ones do without structural choices, which take most of the time of large designs and gain them little.
MAPPERS = {
    "area": "strash; dch; amap -F 20",
    "area-xor": "strash; dch -f; amap -F 20 -x",
    "area-sized": "strash; dch; amap -F 20; " + _SIZE,
    "area-quick": "strash; amap -F 20; " + _SIZE,
    "delay": "strash; dch -f; map -B 0.9 {D}; " + _SIZE,
    "delay-quick": "strash; map -B 0.9 {D}; " + _SIZE,
    "delay-restructured": "strash; &get -n; &st; &syn3; &syn3; &put; strash; dch -f; map -B 0.9 {D}; " + _SIZE,
    "flow": "strash; &get -n; &st; &dch -f; &nf {D}; &put; " + _SIZE,
    "flow-quick": "strash; &get -n; &st; &nf {D}; &put; " + _SIZE,
}

#: ABC scripts to gates and to static CMOS, for counts: of registered designs, which are large, without choices, and of
#: combinational ones.
_COUNTING = {
    False: ("strash; map -a", "strash; amap -F 20"),
    True: ("strash; &get -n; &fraig -x; &put; scorr; dc2; strash; &get -n; &dch -f; &nf; &put", MAPPERS["area"]),
}


@dataclass(frozen=True)
class Try:
    """One structure and optimiser, and the ``maps`` made of it: (mapper, target delay or None), the target in parts of
    what the logic would take at one loaded NAND per level. One for leaves is for those of at most ``gates``."""

    structure: str
    optimiser: str
    maps: tuple
    gates: int | None = None

    @property
    def boxes(self) -> bool:
        """Whether its logic has boxes of full adders in it."""
        return bool(STRUCTURES[self.structure][2])


@dataclass(frozen=True)
class Effort:
    """The tries of one effort, for three kinds of design (`tries` says which is which).

    Parameters
    ----------
    narrow, wide : tuple of Try
        For combinational designs of narrow and of wide significands. `&deepsyn` finds much in the narrow ones and gets
        several seeds; in wide ones, where the array of partial products dominates, its gain falls as steeply as its
        time grows, and it gets a brief one. The widest, as fp32's, are not recoded (`tries`).
    registered : tuple of Try
        For designs with registers, which are many times as large as multipliers. One enable drives a gate for each bit
        of the operand registers, a load that needs buffers, and only mappers with a target delay put buffers in. An
        array is many times as large again and gets a single map, the last one of the last try. A dot product gets the
        same where ``leaves`` has tries for its tree, which is most of it.
    leaves : tuple of Try
        For the leaves of registered designs (multiplier, adder, tree), mapped by themselves as well.
    tiles : tuple of Try
        For the leaves of tiles.
    rounds : int
        In which these are chosen together.
    """

    narrow: tuple
    wide: tuple
    registered: tuple
    leaves: tuple = ()
    tiles: tuple = ()
    rounds: int = 1


def _cross(structures, optimisers, mappers, targets, gates=None):
    """Every structure with every optimiser, mapped by every mapper for every target."""
    maps = tuple((mapper, target) for mapper in mappers
                 for target in (targets if "{D}" in MAPPERS[mapper] else (None,)))
    return tuple(Try(structure, optimiser, maps, gates) for structure in structures for optimiser in optimisers)


_SMALL = (("area", None), ("area-xor", None))
_FAST = (("delay", 0.1), ("delay", 0.7))
_LEAVES = (("area-sized", 0.7), ("delay", 0.1))
_QUICK = (Try("sklansky", "light", (("area-quick", 0.7), ("delay-quick", 0.1))),)
_TREES = Try("full adders", "light", (("area-quick", 0.7),), 40000)  # of dot products: the largest leaves there are
_TARGETS = (0.1, 0.5, 0.7, 1.0)
_LIGHT = ("light", "resynthesis")
_SEEDED = tuple(f"deepsyn-{seed}" for seed in _SEEDS)
_HELD = ("area", "flow", "flow-quick", "delay")  # of leaves of tiles
_SIZED = ("area-sized", "area-quick", "delay", "delay-quick", "flow")

#: Trees of the library's own full adders, their last addition slow or quick.
_CELLS = tuple(Try(structure, "light", (("area", None),), 40000)
               for structure in ("full adders", "full adders and sklansky"))
_FLOWS = (("flow", 0.7), ("flow-quick", 0.7))

EFFORTS = {
    "low": Effort(
        (Try("sklansky", "deepsyn-3", (*_SMALL, *_FAST)),),
        (Try("kogge-stone", "resynthesis", (*_SMALL, *_FAST)), Try("full adders", "resynthesis", (("area", None),))),
        _QUICK, (Try("full adders", "resynthesis", _LEAVES, 1500),),
        (*_CELLS, Try("ripple", "light", (("area", None), ("flow", 0.7)), 1000))),
    "default": Effort(
        tuple(Try(*each, (*_SMALL, *_FAST, ("flow", 1.0)))
              for each in (("booth", "deepsyn-1"), ("booth", "deepsyn-2"), ("sklansky", "deepsyn-3"))),
        (Try("kogge-stone", "resynthesis", (*_FAST, ("delay-restructured", 0.1))),
         Try("ripple", "light", _SMALL), Try("booth", "deepsyn-brief", (*_SMALL, *_FAST, ("flow", 0.7))),
         Try("full adders", "resynthesis", (("area", None), ("flow", 0.7)))), _QUICK,
        (Try("booth", "deepsyn-1", _LEAVES, 350), Try("full adders", "resynthesis", _LEAVES, 1500), _TREES),
        (*_CELLS, Try("ripple", "light", (("area", None), *_FLOWS, ("delay", 0.7)), 1000),
         Try("sklansky", "light", _FLOWS, 1000))),
    "high": Effort(
        _cross(STRUCTURES, (*_LIGHT, *_SEEDED), MAPPERS, _TARGETS),
        _cross(STRUCTURES, _LIGHT, MAPPERS, _TARGETS) + _cross(("sklansky",), ("deepsyn-1",), MAPPERS, _TARGETS)
        + _cross(("booth",), ("deepsyn-brief",), MAPPERS, _TARGETS),
        _QUICK,
        _cross(("ripple", "sklansky", "full adders"), _LIGHT, _SIZED, _TARGETS, 4000)
        + _cross(("booth",), ("deepsyn-1",), _SIZED, _TARGETS, 1500) + (_TREES,),
        (*_CELLS, *_cross(("ripple", "sklansky", "full adders"), _LIGHT, _HELD, (0.3, 0.7), 1500),
         *_cross(("booth",), _SEEDED, _HELD, (0.7,), 700)), 3),
}

#: Narrow are significands that give at most so many partial product bits.
NARROW_BITS = 32

#: Netlists that are put together of one registered design; of an array, which takes long to simulate, 1.
MIXES = 4


@dataclass(frozen=True)
class Mapped:
    """What `map_design` found.

    Attributes
    ----------
    netlists : dict
        By library key the candidates, not sorted.
    gated : dict
        The same of those with clock gates; empty where none was asked for, or no enable has registers enough.
    generic : dict
        ``gates``: two-input gates and inverters (AND, NAND, OR, NOR, XOR, XNOR, with one input inverted or not; a
        multiplexer is expanded into them; flip-flops are not counted). ``transistors``: as Yosys estimates static CMOS
        from NAND, NOR, AND-OR-invert, OR-AND-invert, XOR, XNOR, multiplexers and inverters, flip-flops included. Each
        is the smallest of all tries, and without clock gates.
    """

    netlists: dict
    gated: dict
    generic: dict


@dataclass(frozen=True)
class Column:
    """A tile of one column, in which the netlists of a tile's leaves are weighed.

    Attributes
    ----------
    design : Design
    verilog : path
    weigh : function of (netlist, Library)
        Gives energy and delay of a netlist in Yosys' JSON.
    """

    design: Design
    verilog: Path
    weigh: Callable[[Any, Library], tuple[float, float]]


def map_design(design: Design, verilog: str | Path, libraries: dict[Any, Library], effort: str, folder: str | Path,
               seed: int = 0, gated: Collection[Any] = (), column: Column | None = None) -> Mapped:
    """Map the Verilog of a design.

    A combinational design is flattened; a registered one keeps its modules, each mapped once, but for the rows of an
    array, which are nothing but wires and the OR of its columns.

    Parameters
    ----------
    design : Design
    verilog : path
        Its Verilog.
    libraries : dict of key to Library
    effort : str
        One of `EFFORTS`.
    folder : path
        Where netlists are left, in a folder of the design's name.
    seed : int
        How often ABC permutes inputs and outputs before it optimises: the same logic, met in another order, becomes
        another netlist. 0: the order of the Verilog.
    gated : collection of key
        Libraries, each with a clock gate, for which netlists of a registered design with gates are wanted beside those
        without.
    column : Column, optional
        Of a tile: its leaves are chosen together (`together`).

    Returns
    -------
    Mapped

    Raises
    ------
    Refusal
        If the effort is unknown.
    YosysError
        If Yosys is missing or fails.
    """
    if effort not in EFFORTS:
        raise Refusal(f"Effort must be one of {', '.join(EFFORTS)}, not {effort!r}")
    folder = Path(folder) / "netlists" / design.slug
    folder.mkdir(parents=True, exist_ok=True)
    if column:
        return _map_tile(design, verilog, libraries, EFFORTS[effort], folder, seed, gated, column)
    whole = tries(design, EFFORTS[effort])
    leaves, found = _map_leaves(design, verilog, libraries, folder, seed, whole, EFFORTS[effort].leaves)
    gates = {}
    if gated and not design.combinational:
        wanted = {key: libraries[key] for key in gated}
        gates = _map_gated(design, verilog, wanted, EFFORTS[effort], folder, seed, leaves, found)
    if _for_leaves(leaves, EFFORTS[effort].leaves):
        found = {key: _mixed(design, whole, some, libraries[key]) for key, some in found.items()}
    return Mapped(found, gates, {"gates": _gates(whole, folder), "transistors": _transistors(whole, folder)})


def _map_leaves(design, verilog, libraries, folder, seed, whole, of_leaves):
    """Map a design by the tries of its ``whole``, and its leaves besides by theirs: the leaves with their gates, and by
    library key the candidates, those of the whole first."""
    yosys.run(_words(design, verilog, folder) + _optimise(design, whole, folder, seed), folder)
    leaves = {} if design.combinational else _leaves(folder / "0.gates", of_leaves)
    more = _for_leaves(leaves, of_leaves)
    if more:
        yosys.run(["read_rtlil words.il", _delete_but(leaves), "design -save words",
                   *_optimise(design, more, folder, seed, len(whole), leaves)], folder)
    script, found = _map(libraries, whole + more, folder, not design.combinational)
    yosys.run(script, folder)
    return leaves, found


def _map_tile(design, verilog, libraries, effort, folder, seed, gated, column):
    """A tile: its leaves are mapped in many ways and chosen in one column; all the rest, for which they are black
    boxes, by the tries of any design."""
    whole, one = tries(design, effort), column.design
    yosys.run(_words(design, verilog, folder) + _optimise(design, whole, folder, seed), folder)
    leaves = _leaves(folder / "0.gates", effort.tiles)
    more = _for_leaves(leaves, effort.tiles)
    yosys.run(["read_rtlil words.il", _delete_but(leaves), "design -save words",
               *_optimise(design, more, folder, seed, len(whole), leaves)], folder)
    script, mapped = _map(libraries, whole + more, folder, True, only=_delete_but(leaves))
    yosys.run(script, folder)
    names = [leaf.removeprefix(design.slug) for leaf in leaves]
    inner = folder / "column"
    frames = _frames(one, column.verilog, libraries, whole, inner, seed, names)
    choices = {key: choose(frames[key][0], one.slug, some, design.slug, partial(column.weigh, library=libraries[key]),
                           effort.rounds) for key, some in mapped.items()}
    # What is not in a leaf drives all columns.
    loads = {key: design.cols * max(input_load(frames[key][0], one.slug, choice, libraries[key]) for choice in some)
             for key, some in choices.items()}
    script, plain = _map(libraries, whole, folder, True, loads, _boxes(design, names))
    yosys.run(script, folder)
    frames = [plain]
    if gated:
        wanted = {key: libraries[key] for key in gated}
        frames.append(_map_gated(design, verilog, wanted, effort, folder, seed, {}, plain, loads, names))
    made = [{key: assembled(some[-1], design.slug, choices[key], libraries[key]) for key, some in each.items()}
            for each in frames]
    for key in made[-1] if gated else ():  # beside those with gates the ends will do
        made[0][key] = evenly(made[0][key], 2)
    return Mapped(made[0], made[1] if gated else {},
                  {"gates": _gates(whole, folder), "transistors": _transistors(whole, folder)})


def _frames(design, verilog, libraries, tries, folder, seed, leaves):
    """By library key the candidates of what is not in a leaf."""
    folder.mkdir(exist_ok=True)
    yosys.run([*_words(design, verilog, folder), _boxes(design, leaves), "design -save words",
               *_optimise(design, tries, folder, seed)], folder)
    script, found = _map(libraries, tries, folder, True, depths=folder.parent)
    yosys.run(script, folder)
    return found


def _boxes(design, leaves):
    """The command that makes black boxes of leaves, named without the design's name before them."""
    return "blackbox" + "".join(f" {design.slug}{leaf}" for leaf in leaves) if leaves else ""


def _for_leaves(leaves, tries):
    """Those of the tries that leaves of so many gates get."""
    return tuple(each for each in tries if min(leaves.values(), default=inf) <= each.gates)


def _mixed(design, whole, found, library):
    """Candidates put together from those of all of a design, which come first, and of its leaves."""
    return mix(found[:_maps(whole)], found, library, 1 if design.rows else MIXES)


def _maps(tries):
    return sum(len(each.maps) for each in tries)


def _map_gated(design, verilog, libraries, effort, folder, seed, leaves, plain, loads=None, boxes=()):
    """By library key the candidates with clock gates; of no library where no enable has registers enough.

    Leaves without gated registers are those of ``plain``, the candidates of the design without gates; or leaves are
    black boxes, ``boxes``.
    """
    inner = folder / "gated"
    inner.mkdir(exist_ok=True)
    yosys.run([*_words(design, verilog, inner, keep_enables=True), "write_json words.json"], inner)
    modules = json.loads((inner / "words.json").read_text(encoding="utf-8"))["modules"]
    places = gating.chosen(modules, design.slug)
    if not places:
        return {}
    _write(inner / "words.il", gating.marked((inner / "words.il").read_text(encoding="utf-8"), places))
    whole, holders = tries(design, effort), {module for module, _ in places}
    own = {leaf: gates for leaf, gates in leaves.items() if leaf in holders}
    more = _for_leaves(own, effort.leaves)
    script = ["read_rtlil words.il", _boxes(design, boxes), "design -save words",
              *_optimise(design, whole, inner, seed, gated=True)]
    yosys.run(list(filter(None, script)), inner)
    if more:
        yosys.run(["read_rtlil words.il", _delete_but(own), "design -save words",
                   *_optimise(design, more, inner, seed, len(whole), own, gated=True)], inner)
    script, found = _map(libraries, whole + more, inner, True, loads, depths=folder if boxes else None)
    yosys.run(script, inner)
    if not _for_leaves(leaves, effort.leaves):
        return found
    others = {key: [replace(each, without=frozenset(holders)) for each in some[_maps(whole):]]
              for key, some in plain.items()}
    return {key: _mixed(design, whole, some + others[key], libraries[key]) for key, some in found.items()}


def tries(design: Design, effort: Effort) -> tuple[Try, ...]:
    """The tries that a design gets from an `Effort`: the same for all that differ in their arithmetic alone."""
    if design.rows or design.lanes and _TREES in effort.leaves:
        last = effort.registered[-1]
        return (replace(last, maps=last.maps[-1:]),)
    if not design.combinational:
        return effort.registered
    widths = _multiplied(design.multiplier)
    if widths[0] * widths[1] <= NARROW_BITS:
        return effort.narrow
    if sum(widths) <= MERGED_BITS:
        return effort.wide
    # Beyond what a proof exhausts, netlists by Booth's recoding could not be proved.
    return tuple(dict.fromkeys(replace(each, structure="ripple") if each.structure == "booth" else each
                               for each in effort.wide))


def _multiplied(spec):
    """Bits of the multiplication in a design, or in the rival whose place it takes, so that both get the same tries."""
    return spec.multiplication or (spec.rival and spec.rival.multiplication) or (1, 1)


def _words(design, verilog, folder, keep_enables=False):
    """Commands that save the design as word operators: ``words``, of a registered one also as ``words.il``; registers
    with or without enables."""
    _write(folder / "design.v", Path(verilog).read_text(encoding="utf-8"))
    for name in ("ripple.v", "full_adder.v", "constants.v", "clock_gate.v"):
        _write(folder / name, (SCRIPTS / name).read_text(encoding="utf-8"))
    gates, cmos = _COUNTING[design.combinational]
    _write(folder / "gates.abc", gates)
    _write(folder / "cmos.abc", cmos)
    script = ["read_verilog design.v", f"hierarchy -check -top {design.slug}", "proc"]
    if not design.combinational:
        script += ["setattr -mod -set keep_hierarchy 1 *", "setattr -mod -unset keep_hierarchy *_row *_rows_*"]
    script += ["flatten -noscopeinfo", "opt_expr", "opt_clean",
               "opt -nosdff" if keep_enables else "opt -nodffe -nosdff",
               "wreduce", "peepopt", "opt_clean", "design -save words"]
    return script if design.combinational else [*script, "write_rtlil words.il"]


def _optimise(design, tries, folder, seed, first=0, leaves=None, gated=False):
    """Commands that leave each try's logic as ``{number}.il`` and, of a combinational design, ``.blif``, numbered from
    ``first``, and its figures as ``.depth`` and, but of leaves and of what is gated, ``.gates`` and ``.cmos``."""
    script = []
    for structure in dict.fromkeys(each.structure for each in tries):
        before, maps, after = STRUCTURES[structure]
        script += ["design -load words", before, "alumacc", "share", "opt", "opt -fast -full", "opt -undriven -fine",
                   " ".join(["techmap -map +/techmap.v", *(f"-map {file}" for file in maps)]), "opt -fast", *after,
                   *(gating.boxed() if gated else ["dfflegalize -cell $_DFF_P_ x"]), "opt_clean",
                   "rename -wire t:$_DFF_P_", "design -save logic"]
        for n, each in enumerate(tries, first):
            if each.structure == structure:
                _write(folder / f"{each.optimiser}.abc", seed * "strash; permute; " + OPTIMISERS[each.optimiser])
                script += ["design -load logic"]
                if leaves:
                    script += [_delete_but(leaf for leaf, gates in leaves.items() if gates <= each.gates)]
                script += [f"abc -g AND -script {each.optimiser}.abc", "opt_clean",
                           f"write_rtlil {n}.il", f"write_json {n}.boxes" * each.boxes,
                           f"write_blif {n}.blif" * design.combinational,
                           "design -save optimised", f"delete t:{design.slug}_*",
                           f"tee -q -o {n}.depth ltp -noff"]
                if not leaves and not after and not gated:
                    script += ["design -load optimised", "abc -g gates -script gates.abc", "opt_clean",
                               f"tee -q -o {n}.gates stat -json",
                               "design -load optimised", "abc -g cmos -script cmos.abc", "opt_clean",
                               f"tee -q -o {n}.cmos stat -json -tech cmos"]
    return [command for command in script if command]


def _leaves(path, tries):
    """Names of the leaves that any of the tries are for, and their gates. Those without an exclusive or, which but move
    data, and drains, which work but once a sum, are none."""
    most = max((each.gates for each in tries), default=0)
    modules = json.loads(path.read_text(encoding="utf-8"))["modules"]
    return {name.removeprefix("\\"): module["num_cells"] for name, module in modules.items()
            if not module["num_submodules"] and module["num_cells"] <= most and not name.endswith("_drain")
            and {"$_XOR_", "$_XNOR_"} & set(module["num_cells_by_type"])}


def _delete_but(modules):
    """The command that leaves just these modules."""
    return "delete *" + "".join(f" {name} %d" for name in modules)


def _map(libraries, tries, folder, registered, loads=None, only="", depths=None):
    """Commands that map every try to every library, and by library key the candidates that they leave; with ``loads``
    of what is driven, by library key in fF, where that is not the library's. The command ``only`` takes away of the
    logic what is not to be mapped; targets are of the depths in another folder, ``depths``, where leaves are black
    boxes in this one.

    Logic alone is read, mapped and written by ABC, in one call for all, because a call costs more than a small map.
    What has registers or boxes goes through Yosys' `abc`, which takes them out of ABC's way, in a call for each map.
    """
    script, alone, found = [], {}, {key: [] for key in libraries}
    for n, (key, library) in enumerate(libraries.items()):
        library.write_liberty(folder / f"{n}.lib")
        _write(folder / f"{n}.constr", constraints(library, (loads or {}).get(key)))
        if library.full_adder:
            _write(folder / f"{n}.v", _full_adder(library.full_adder))
        for t, each in enumerate(tries):
            if each.boxes and not library.full_adder:
                continue
            by_yosys = registered or each.boxes
            if by_yosys:
                script += ["design -reset", _logic(each, t, library, folder), *filter(None, [only]),
                           *([f"techmap -map {n}.v", "simplemap"] * each.boxes),
                           f"dfflibmap -liberty {n}.lib", "design -save logic"]
            for name, words, commands in _commands(n, t, each, library, depths or folder):
                found[key].append(Candidate(folder / f"{name}.json", words))
                if by_yosys:
                    _write(folder / f"{name}.abc", commands)
                    script += ["design -load logic", f"abc -liberty {n}.lib -constr {n}.constr -script {name}.abc",
                               "opt_clean -purge", f"write_json {name}.json"]
                else:
                    alone[name] = [f"read_lib -w {n}.lib", f"read_constr {n}.constr",  # anew, `map -B` changes it
                                   f"read_blif {t}.blif", commands, f"write_blif {name}.blif"]
    return script + (_by_abc(alone, f"{n}.lib", folder) if alone else []), found


def _by_abc(alone, library, folder):
    """Commands for all maps that ABC makes alone: it is started with any logic, here of try 0, and ends with it."""
    session = ["backup", *chain(*alone.values()), f"read_lib -w {library}", "restore", "strash", "map"]
    _write(folder / "session.abc", "\n".join(session))
    script = ["design -reset", "read_rtlil 0.il", f"abc -liberty {library} -script session.abc"]
    for name in alone:
        script += ["design -reset", f"read_blif -wideports {name}.blif", "techmap -map constants.v", "opt_clean -purge",
                   f"write_json {name}.json"]
    return script


def _commands(n, t, each, library, depths):
    """Name, description and ABC's commands of each map of try ``t`` to library ``n``."""
    level = _loaded_nand_ps(library) * _depth(depths / f"{t}.depth")
    for m, (mapper, target) in enumerate(each.maps):
        words, delay = f"{each.structure}, {each.optimiser}, {mapper}", ""
        if target is not None:
            ps = max(round(target * level), 1)
            words, delay = f"{words} to {ps} ps", f"-D {ps}"
        yield f"{n}-{t}-{m}", words, MAPPERS[mapper].replace("{D}", delay)


def _logic(each, t, library, folder):
    """The command that reads the logic of try ``t``, with inverters between full adders as the library wants them."""
    if not (each.boxes and library.full_adder.inverts):
        return f"read_rtlil {t}.il"
    boxed = json.loads((folder / f"{t}.boxes").read_text(encoding="utf-8"))
    _write(folder / f"{t}.inverted", json.dumps(boxed | {"modules": with_inverted_outputs(boxed["modules"])}))
    return f"read_json {t}.inverted"


def _full_adder(adder):
    """Verilog of a box of `scripts/full_adder.v` in a library's cell; one that inverts both outputs is the box."""
    pins = zip(adder.cell.inputs, "abc", strict=True)
    inputs = ", ".join(f".{identifier(pin)}({name})" for pin, name in pins)
    return (f"module {BOX} (input a, b, c, output sum, carry); wire s, k; "
            f"{adder.cell.name} cell ({inputs}, .{identifier(adder.sum)}(s), .{identifier(adder.carry)}(k)); "
            f"assign sum = {'~' * (adder.sum_inverted and not adder.inverts)}s, "
            f"carry = {'~' * (adder.carry_inverted and not adder.inverts)}k; endmodule")


def constraints(library: Library, load: float | None = None) -> str:
    """What ABC is told of a design's surroundings: the driving cell, and the load in fF, by default the library's."""
    load = library.output_load if load is None else load
    return f"set_driving_cell {library.driving_cell.name}\nset_load {load:g}\n"


def _loaded_nand_ps(library):
    """The delay of the reference NAND that drives two of its kind."""
    cell = library.reference_nand2
    load = 2 * max(cell.pins[cell.inputs[0]].capacitance)
    return max(float(table(table.x[0], load)) for arc in cell.arcs for table in arc.delay if table is not None)


def _depth(path):
    """The longest path in gates, of the deepest module."""
    return max(map(int, re.findall(r"\(length=(\d+)\)", path.read_text())))


def _gates(tries, folder):
    return min(sum(count for kind, count in _figures(folder / f"{n}.gates")["num_cells_by_type"].items()
                   if kind.startswith("$_") and "DFF" not in kind) for n in _counted(tries))


def _transistors(tries, folder):
    return min(int(_figures(folder / f"{n}.cmos")["estimated_num_transistors"]) for n in _counted(tries))


def _counted(tries):
    """Numbers of the tries that have figures; boxes are not counted."""
    return [n for n, each in enumerate(tries) if not each.boxes]


def _figures(path):
    """What `stat -json` says of the whole design, each module as often as it is used."""
    return json.loads(path.read_text(encoding="utf-8"))["design"]


def _write(path, text):
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
