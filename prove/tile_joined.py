"""Order in the cores of tiles with blocks: what comes with its scale passes as in a core without.

A vector and its scale leave their buffers together, and so do the last row of weights and the columns' scales. Behind
the buffers control is that of a core without blocks (`tile_order`) whose vectors and weights are there where these and
their scales are: a step of both, out of whatever state that is alike, leaves them alike, and words of partial sums go
the same ways. What is there stays until it is taken, on either side, and nothing else is said of when a beat comes; so
every traffic of the core with blocks, behind its buffers, is one of the core without.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..hdl.designs import parse
from ..hdl.tile_core import TileMatmul
from .logic import FALSE, TRUE, Logic
from .machine import load
from .obligation import Answer, Obligation, Source
from .solver import Question
from .tile_kept import Kept
from .tile_order import CORES, Small

if TYPE_CHECKING:
    from ..golden.tile import Tile as Specification
    from .machine import Machine

#: Cores with blocks of both operands, of either one; and the core without whose results leave as theirs do.
BLOCKED = tuple(Small(slug, CORES[1].rows) for slug in (
    "tile_exact_mxe2m1_2x1_w4", "tile_exact_e2m1xmxe2m1_2x1_w4", "tile_exact_mxe2m1xe2m1_2x1_w4"))
PLAIN = CORES[1]

_CONTROL = (r"coming|done|ended|error|first|index|lasts|row|passes_\w+|vectors_\w+|buffer_c_(?:full|o_valid)|"
            r"tile_(?:full|lasts|o_last|o_valid|row|some|waiting)|sums_(?:read|written|o_valid)")
_WORDS = r"sums_(?:\d+|memory_\d+)"  # what the memory's port has read, and its rows


class _Side:
    """A core, its registers by names that do not hang on how many lines it was written in, and one step of it."""

    def __init__(self, small: Small, machine: Machine) -> None:
        self.machine, tile = machine, parse(small.slug).tile
        self.bits = tile.word_bits
        self.place: dict[tuple[str, int], int] = {}
        for n, name in enumerate(machine.names):
            found = re.fullmatch(r"(.*?)(?:_(\d+))?", re.sub(r"^(sums|results)_\d+", r"\1", name))
            assert found
            self.place[found[1], int(found[2] or 0)] = n

    def linked(self) -> dict[tuple[str, int | str], int]:
        """Registers that are the same on both sides, by name and bit; of words the low bits, and the flag as such."""
        found: dict[tuple[str, int | str], int] = {}
        for (name, bit), n in self.place.items():
            if re.fullmatch(_CONTROL, name):
                found[name, bit] = n
            elif re.fullmatch(_WORDS, name):
                found[name, "flag" if bit == self.bits else bit] = n
        return found

    def last(self, name: str) -> int:
        """The highest bit of a register, which of a buffer's beats is ``last``."""
        return self.place[name, max(bit for each, bit in self.place if each == name)]


def joined(circuits: Mapping[str, Machine], seconds: float, small: Small) -> Answer:
    """One step of both, and one of reset, out of states that are alike, with nothing offered."""
    logic, tile = Logic(), parse(small.slug).tile
    core, plain = _Side(small, circuits["core"]), _Side(PLAIN, circuits["plain"])
    links, others = core.linked(), plain.linked()
    common = [key for key in links if key in others]
    missing = {name for name, _ in {*links} ^ {*others}} - {name for name, _ in common}
    assert not missing, missing
    mine, theirs = (logic.inputs(side.machine.registers) for side in (core, plain))
    for side, state in ((core, mine), (plain, theirs)):
        for (name, _), n in side.place.items():
            if re.fullmatch(r"buffer_(?:as?|bs?)_full", name):
                state[n] = FALSE
    for key in common:
        theirs[others[key]] = logic.mux(_held(logic, core, mine, key), mine[links[key]], theirs[others[key]])
    for (name, bit), n in plain.place.items():  # sums on their way to the memory
        if name in ("tile_column_0_o", "tile_nan"):
            theirs[n] = mine[core.place[name, bit]]
    scales = {"a": "as" if tile.a_block else None, "b": "bs" if tile.b_block else None}

    def there(side, state, stream):
        return state[side.place[f"buffer_{stream}_o_valid", 0]]

    for stream, scale in scales.items():
        both = logic.and_(there(core, mine, stream), there(core, mine, scale) if scale else TRUE)
        theirs[plain.place[f"buffer_{stream}_o_valid", 0]] = both
        theirs[plain.last(f"buffer_{stream}_first")] = mine[core.last(f"buffer_{stream}_first")]
    for name in ("buffer_c_first", "buffer_c_second"):
        theirs[plain.last(name)] = mine[core.last(name)]
    quiet = {f"s_axis_{stream}_tvalid": [FALSE] for stream in ("a", "as", "b", "bs")}
    quiet["m_axis_c_tready"] = logic.inputs(1)
    wrong = []
    for signals in (core.machine.running, {"rst": [TRUE], "aresetn": [FALSE]}):
        (found, after), (other, following) = (side.machine.step(logic, state, quiet | signals)
                                              for side, state in ((core, mine), (plain, theirs)))
        wrong += [logic.and_(_held(logic, core, after, key), logic.xor(after[links[key]], following[others[key]]))
                  for key in common]
    found, after = core.machine.step(logic, mine, quiet | core.machine.running)
    other, following = plain.machine.step(logic, theirs, quiet | plain.machine.running)
    wrong += [logic.xor(found[name][0], other[name][0]) for name in ("m_axis_c_tvalid", "m_axis_c_tlast", "error")]
    wrong += [logic.xor(after[core.last(name)], following[plain.last(name)])
              for name in ("buffer_c_first", "buffer_c_second")]

    def taken(side, state, then, stream):
        return logic.and_(there(side, state, stream), there(side, then, stream) ^ 1)

    for stream, scale in scales.items():
        gone = taken(core, mine, after, stream)
        wrong.append(logic.xor(gone, taken(plain, theirs, following, stream)))
        if scale:  # one scale of a vector, and one of all rows of weights
            row = [mine[n] for (name, _), n in core.place.items() if name == "row"]
            end = logic.any(bit ^ 1 for bit in row) ^ 1 if stream == "b" else TRUE
            wrong.append(logic.xor(taken(core, mine, after, scale), logic.and_(gone, end)))
    sound = Kept(plain.machine).sound(logic, theirs)  # as all states that it comes to be in
    return Answer(*Question(logic).never_one(*(logic.and_(sound, each) for each in wrong), limit=seconds))


def _held(logic, side, state, key):
    """Whether a register holds something: of queues a word does while so many wait."""
    found = re.fullmatch(r"(passes|vectors)_(o|word(?:_1)?)", key[0])
    if not found:
        return TRUE
    number = int(found[2] != "o")
    return logic.any(state[n] for (each, bit), n in side.place.items() if each == f"{found[1]}_free" and bit > number)


def followed(tile: Specification, stages: int) -> list[Small]:
    """That of `BLOCKED` in which the same operands have scales."""
    def kind(tile, stages):
        return [block is not None for block in (tile.a_block, tile.b_block)], stages

    return [small for small in BLOCKED if kind(parse(small.slug).tile, 1) == kind(tile, stages)]


def of(small: Small) -> list[Obligation]:
    """The obligation of one of `BLOCKED`; those of `PLAIN` belong to it."""
    def source(small):
        design = parse(small.slug)
        return Source(load, TileMatmul, (design.tile, 1, design.stages, small.rows))

    return [Obligation(small.name, f"vectors, weights and their scales go together, and on as in {PLAIN.name}",
                       "induction, any state", joined, (small,), {"core": source(small), "plain": source(PLAIN)},
                       batch=small.name)]
