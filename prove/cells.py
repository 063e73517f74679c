"""Generated Verilog as terms of the solver, word by word: a multiplication of the text stays one multiplication."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..golden.refusal import Refusal
from .reading import Ports, modules
from .words import Word, concat

_BITWISE = {"$and": Word.__and__, "$or": Word.__or__, "$xor": Word.__xor__, "$add": Word.__add__,
            "$sub": Word.__sub__, "$mul": Word.__mul__, "$xnor": lambda a, b: ~(a ^ b)}
_COMPARED = {
    "$eq": lambda a, b, _: a.equals(b),
    "$ne": lambda a, b, _: ~a.equals(b),
    "$lt": lambda a, b, signed: a.below(b, signed),
    "$ge": lambda a, b, signed: ~a.below(b, signed),
    "$gt": lambda a, b, signed: b.below(a, signed),
    "$le": lambda a, b, signed: ~b.below(a, signed),
}
_REDUCED = {"$reduce_or": Word.any, "$reduce_bool": Word.any, "$reduce_and": Word.all,
            "$logic_not": lambda a: ~a.any()}


class WordCircuit(Ports):
    """One combinational module as cells of words."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        super().__init__(module)
        self._cells = list(module["cells"].values())
        self._driver = {bit: cell for cell in self._cells for bit in cell["connections"]["Y"]}

    def build(self, inputs: Mapping[str, Word],
              multiply: Callable[[Word, Word], Word] | None = None) -> dict[str, Word]:
        """Output words from input words, by port.

        ``multiply(a, b)``, two words of the product's width, gives what stands for their product; by default it is.
        """
        bits = {}
        zero = next(iter(inputs.values())).value(0, 1)
        bits.update({"0": zero, "1": ~zero})
        for name, word in inputs.items():
            bits.update((bit, word[n]) for n, bit in enumerate(self._bits[name]))
        done, stack = set(), [self._driver[bit] for name in self.outputs for bit in self._bits[name]
                              if bit in self._driver]
        while stack:
            cell = stack[-1]
            if id(cell) in done:
                stack.pop()
                continue
            pins = cell["connections"]
            waiting = [self._driver[bit] for pin, sources in pins.items() if pin != "Y" for bit in sources
                       if bit not in bits]
            if waiting:
                stack += waiting
                continue
            word = _cell(cell, {pin: concat(*(bits[bit] for bit in sources)) for pin, sources in pins.items()
                                if pin != "Y"}, multiply or Word.__mul__)
            bits.update((bit, word[n]) for n, bit in enumerate(pins["Y"]))
            done.add(id(cell))
        return {name: concat(*(bits[bit] for bit in self._bits[name])) for name in self.outputs}


def _cell(cell, pins, multiply):
    """The output word of a cell of Yosys' internal library."""
    kind, width = cell["type"], len(cell["connections"]["Y"])
    signed = all(int(cell["parameters"].get(f"{pin}_SIGNED", "0"), 2) for pin in "AB" if pin in pins)
    a, b = pins["A"], pins.get("B")
    if kind == "$mux":
        return pins["S"].choose(b, a)
    if kind == "$shr":
        common = max(a.width, b.width, width)
        return (a.extend(common) >> b.extend(common)).extend(width)
    if kind in ("$not", "$pos", "$neg"):
        a = a.extend(width, signed)
        return ~a if kind == "$not" else a if kind == "$pos" else a.value(0) - a
    if kind in _BITWISE:
        a, b = a.extend(width, signed), b.extend(width, signed)
        return multiply(a, b) if kind == "$mul" else _BITWISE[kind](a, b)
    if kind in _COMPARED:
        common = max(a.width, b.width)
        return _COMPARED[kind](a.extend(common, signed), b.extend(common, signed), signed).extend(width)
    if kind in _REDUCED:
        return _REDUCED[kind](a).extend(width)
    raise Refusal(f"Cell must be combinational and of a kind that is known, not {kind!r}")


def load(verilog: Mapping[str, str]) -> dict[str, WordCircuit]:
    """Combinational modules of Verilog texts as `WordCircuit`, by the name of the top module, in one run of Yosys.

    Raises
    ------
    YosysError
        If Yosys is missing, or cannot read a text.
    """
    found = modules(verilog, ["hierarchy -check", "proc", "flatten -noscopeinfo", "opt_clean"])
    return {name: WordCircuit(module) for name, module in found.items()}
