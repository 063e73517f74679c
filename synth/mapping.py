"""Verilog to netlists: generic gates, transistors, and the cells of libraries.

One try is a structure (how carries and products are built), an optimiser (of the logic, whatever the library) and a
script (that maps it to cells for a target delay). An effort is the set of tries; every design that is compared with
another gets the same ones, and what is best of each is kept. Nothing depends on the time a machine takes.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ..hdl import yosys

SCRIPTS = Path(__file__).parent / "scripts"

#: How carries and products are built, from the word operators of the Verilog: (pass before, techmap files).
STRUCTURES = {
    "ripple": ("", ("ripple.v",)),
    "brent-kung": ("", ()),
    "sklansky": ("", ("+/choices/sklansky.v",)),
    "kogge-stone": ("", ("+/choices/kogge-stone.v",)),
    "booth": ("booth", ()),
}

_RESUB = ("balance -l; resub -K 6 -l; rewrite -l; resub -K 6 -N 2 -l; refactor -l; resub -K 8 -l; balance -l; "
          "resub -K 8 -N 2 -l; rewrite -l; resub -K 10 -l; rewrite -z -l; resub -K 10 -N 2 -l; balance -l; "
          "resub -K 12 -l; refactor -z -l; resub -K 12 -N 2 -l; rewrite -z -l; balance -l; ")
_CLEAN = "strash; ifraig; scorr; dc2; "

#: ABC scripts that make the logic smaller, before any library is known. A seeded `&deepsyn` ends after so many
#: attempts without gain, never after a time, so that it repeats.
OPTIMISERS = {
    "light": _CLEAN + "map -a",
    "resynthesis": _CLEAN + _RESUB + ("strash; dch -f; if -K 4 -a; mfs2 -a; fx; strash; " + _RESUB) * 5 + "map -a",
    **{f"deepsyn-{seed}": f"{_CLEAN}&get -n; &deepsyn -I 1 -J 2 -S {seed}; &put; map -a" for seed in range(1, 5)},
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
}


@dataclass(frozen=True)
class Try:
    """One structure and optimiser, and the ``maps`` made of it: (mapper, target delay or None), the target in parts of
    what the logic would take at one loaded NAND per level."""

    structure: str
    optimiser: str
    maps: tuple


@dataclass(frozen=True)
class Effort:
    """The tries of one effort, for four kinds of design (`tries` says which is which).

    Parameters
    ----------
    narrow, wide : tuple of Try
        For combinational designs of narrow and of wide significands. `&deepsyn` finds much in the narrow ones; in wide
        ones, where the array of partial products dominates, its gain falls as steeply as its time grows.
    registered : tuple of Try
        For designs with registers. They are many times as large, and their enables need the buffers that only the
        mappers with a target delay put in.
    arrays : tuple of Try
        For arrays, which are many times as large again.
    """

    narrow: tuple
    wide: tuple
    registered: tuple
    arrays: tuple


def _cross(structures, optimisers, mappers, targets):
    """Every structure with every optimiser, mapped by every mapper for every target."""
    maps = tuple((mapper, target) for mapper in mappers
                 for target in (targets if "{D}" in MAPPERS[mapper] else (None,)))
    return tuple(Try(structure, optimiser, maps) for structure in structures for optimiser in optimisers)


_SMALL = (("area", None), ("area-xor", None))
_FAST = (("delay", 0.1), ("delay", 0.7))
_QUICK = (("area-quick", 0.7), ("delay-quick", 0.1))
_ARRAYS = (Try("sklansky", "light", (("delay-quick", 0.1),)),)
_TARGETS = (0.1, 0.5, 0.7, 1.0)
_LIGHT = ("light", "resynthesis")
_REGISTERED = _cross(("ripple", "sklansky"), _LIGHT, ("area-sized", "area-quick", "delay", "delay-quick", "flow"),
                     _TARGETS)

EFFORTS = {
    "low": Effort(
        (Try("sklansky", "deepsyn-3", (*_SMALL, *_FAST)),),
        (Try("kogge-stone", "resynthesis", (*_SMALL, *_FAST)),),
        (Try("sklansky", "light", _QUICK),), _ARRAYS),
    "default": Effort(
        tuple(Try(*each, (*_SMALL, *_FAST, ("flow", 1.0)))
              for each in (("booth", "deepsyn-1"), ("booth", "deepsyn-2"), ("sklansky", "deepsyn-3"))),
        (Try("kogge-stone", "resynthesis", (*_SMALL, *_FAST, ("flow", 0.7), ("delay-restructured", 0.1))),
         Try("ripple", "light", (*_SMALL, *_FAST, ("flow", 0.7)))),
        (Try("sklansky", "light", _QUICK),), _ARRAYS),
    "high": Effort(
        _cross(STRUCTURES, OPTIMISERS, MAPPERS, _TARGETS),
        _cross(STRUCTURES, _LIGHT, MAPPERS, _TARGETS) + _cross(("sklansky",), ("deepsyn-1",), MAPPERS, _TARGETS),
        _REGISTERED, _REGISTERED),
}

#: Narrow are significands that give at most so many partial product bits.
NARROW_BITS = 32


@dataclass(frozen=True)
class Candidate:
    """A mapped netlist: the path of its Yosys JSON, and the try that made it."""

    source: Path
    script: str


@dataclass(frozen=True)
class Mapped:
    """What `map_design` found.

    Attributes
    ----------
    netlists : dict
        By library key the candidates, not sorted.
    generic : dict
        ``gates``: two-input gates and inverters (AND, NAND, OR, NOR, XOR, XNOR, with one input inverted or not; a
        multiplexer is expanded into them; flip-flops are not counted). ``transistors``: as Yosys estimates static CMOS
        from NAND, NOR, AND-OR-invert, OR-AND-invert, XOR, XNOR, multiplexers and inverters, flip-flops included. Each
        is the smallest of all tries.
    """

    netlists: dict
    generic: dict


def latency(folder, design):
    """The latency in cycles that the manifest of a generated design states."""
    return json.loads((Path(folder) / f"{design.slug}.json").read_text(encoding="utf-8"))["latency"]


def map_design(design, verilog, libraries, effort, folder):
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

    Returns
    -------
    Mapped

    Raises
    ------
    ValueError
        If the effort is unknown.
    YosysError
        If Yosys is missing or fails.
    """
    if effort not in EFFORTS:
        raise ValueError(f"Effort must be one of {', '.join(EFFORTS)}, not {effort!r}")
    folder = Path(folder) / "netlists" / design.slug
    folder.mkdir(parents=True, exist_ok=True)
    chosen = tries(design, EFFORTS[effort])
    yosys.run(_optimise(design, verilog, chosen, folder), folder)
    netlists = {}
    script = []
    for n, (key, library) in enumerate(libraries.items()):
        library.write_liberty(folder / f"{n}.lib")
        _write(folder / f"{n}.constr", _constraints(library))
        commands, netlists[key] = _map(n, library, chosen, folder)
        script += commands
    yosys.run(script, folder)
    return Mapped(netlists, {"gates": _gates(chosen, folder), "transistors": _transistors(chosen, folder)})


def tries(design, effort):
    """The tries that a design gets from an `Effort`: the same for all that differ in their arithmetic alone."""
    if not design.combinational:
        return effort.arrays if design.rows else effort.registered
    spec = design.multiplier
    widths = (8, 8) if spec.kind == "int8" else (spec.a.man_bits + 1, spec.b.man_bits + 1)
    return effort.narrow if widths[0] * widths[1] <= NARROW_BITS else effort.wide


def _optimise(design, verilog, tries, folder):
    """Commands that leave each try's logic as ``{try}.il`` and its figures as ``.depth``, ``.gates`` and ``.cmos``."""
    _write(folder / "design.v", Path(verilog).read_text(encoding="utf-8"))
    _write(folder / "ripple.v", (SCRIPTS / "ripple.v").read_text(encoding="utf-8"))
    _write(folder / "cmos.abc", MAPPERS["area"])
    script = ["read_verilog design.v", f"hierarchy -check -top {design.slug}", "proc"]
    if not design.combinational:
        script += ["setattr -mod -set keep_hierarchy 1 *", "setattr -mod -unset keep_hierarchy *_row *_rows_*"]
    script += ["flatten -noscopeinfo"]
    script += ["opt_expr", "opt_clean", "opt -nodffe -nosdff", "wreduce", "peepopt", "opt_clean", "design -save words"]
    for structure in dict.fromkeys(each.structure for each in tries):
        before, maps = STRUCTURES[structure]
        script += ["design -load words", before, "alumacc", "share", "opt", "opt -fast -full", "opt -undriven -fine",
                   " ".join(["techmap -map +/techmap.v", *(f"-map {file}" for file in maps)]), "opt -fast",
                   "dfflegalize -cell $_DFF_P_ x", "opt_clean", "rename -wire t:$_DFF_P_", "design -save logic"]
        for n, each in enumerate(tries):
            if each.structure == structure:
                _write(folder / f"{each.optimiser}.abc", OPTIMISERS[each.optimiser])
                script += ["design -load logic", f"abc -g AND -script {each.optimiser}.abc", "opt_clean",
                           f"write_rtlil {n}.il", "design -save optimised",
                           f"delete t:{design.slug}_*", f"tee -q -o {n}.depth ltp -noff", "design -load optimised",
                           "abc -g gates", "opt_clean", f"tee -q -o {n}.gates stat -json",
                           "design -load optimised", "abc -g cmos -script cmos.abc", "opt_clean",
                           f"tee -q -o {n}.cmos stat -json -tech cmos"]
    return [command for command in script if command]


def _map(n, library, tries, folder):
    """Commands that map every try to library ``n``, and the candidates that they leave."""
    script, candidates = [], []
    unit = _loaded_nand_ps(library)
    for t, each in enumerate(tries):
        script += ["design -reset", f"read_rtlil {t}.il", f"dfflibmap -liberty {n}.lib", "design -save logic"]
        for m, (mapper, target) in enumerate(each.maps):
            name = f"{n}-{t}-{m}"
            delay = 1 if target is None else max(round(target * unit * _depth(folder / f"{t}.depth")), 1)
            _write(folder / f"{name}.abc", MAPPERS[mapper].replace("{D}", f"-D {delay}"))
            script += ["design -load logic",
                       f"abc -liberty {n}.lib -constr {n}.constr -D {delay} -script {name}.abc",
                       "opt_clean -purge", f"write_json {name}.json"]
            words = f"{each.structure}, {each.optimiser}, {mapper}" + ("" if target is None else f" to {delay} ps")
            candidates.append(Candidate(folder / f"{name}.json", words))
    return script, candidates


def _constraints(library):
    return f"set_driving_cell {library.driving_cell.name}\nset_load {library.output_load:g}\n"


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
                   if kind.startswith("$_") and "DFF" not in kind) for n in range(len(tries)))


def _transistors(tries, folder):
    return min(int(_figures(folder / f"{n}.cmos")["estimated_num_transistors"]) for n in range(len(tries)))


def _figures(path):
    """What `stat -json` says of the whole design, each module as often as it is used."""
    return json.loads(path.read_text(encoding="utf-8"))["design"]


def _write(path, text):
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
