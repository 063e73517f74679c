"""The queues of a tile's core: that words come out in the order in which they went in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..hdl.tile import Tile
from ..hdl.tile_core import Queue
from .logic import FALSE, TRUE, Logic
from .machine import load
from .obligation import Answer, Obligation, Source
from .solver import Question

if TYPE_CHECKING:
    from ..hdl.designs import Design
    from .machine import Machine

WIDTH = 2


def depth(design: Design) -> int:
    """How many vectors wait for their partial sums at the most."""
    return Tile(design.tile, 1, stages=design.stages).latency - 1


def queue(circuits: Mapping[str, Machine], seconds: float, depth: int) -> Answer:
    """True after reset, and of each cycle if of the one before: the registers hold so many words in their order. A word
    comes only where there is room or one leaves, and one leaves only where there is one."""
    machine, logic = circuits["queue"], Logic()
    counts = [[TRUE if place == count else FALSE for place in range(depth + 1)] for count in range(depth + 1)]

    def differs(state, count, words):
        """Whether a state is other than so many words, ``count`` one-hot."""
        held = dict(zip(machine.names, state, strict=True))
        free = [held[f"free_{n}"] for n in range(depth + 1)]
        wrong = [logic.xor(x, y) for x, y in zip(free, count, strict=True)]
        for n, word in enumerate(words):
            there = logic.any(count[n + 1 :])
            name = f"word_{n}" if n else "o"  # the first is the output
            wrong += [logic.and_(there, logic.xor(held[f"{name}_{bit}"], literal)) for bit, literal in enumerate(word)]
        return logic.any(wrong)

    start = differs(machine.reset(logic), counts[0], [])
    state, count = logic.inputs(machine.registers), logic.inputs(depth + 1)
    words, new = [logic.inputs(WIDTH) for _ in range(depth)], logic.inputs(WIDTH)
    push, pop = logic.inputs(2)
    one = logic.any(logic.any(logic.xor(x, y) for x, y in zip(count, each, strict=True)) ^ 1 for each in counts)
    room = logic.or_(count[depth] ^ 1, pop)
    legal = logic.any([one ^ 1, logic.and_(push, room ^ 1), logic.and_(pop, count[0]),
                       differs(state, count, words)]) ^ 1
    found, after = machine.step(logic, state, machine.running | {"push": [push], "pop": [pop], "i": new})
    front = logic.any(logic.xor(x, y) for x, y in zip(found["o"], words[0], strict=True))
    # What a queue does: the first word leaves, then the new one joins.
    left = [logic.mux(pop, above, here) for here, above in zip(count, [*count[1:], FALSE], strict=True)]
    then = [logic.mux(push, below, here) for here, below in zip(left, [FALSE, *left], strict=False)]
    moved = [[logic.mux(pop, y, x) for x, y in zip(here, above, strict=True)]
             for here, above in zip(words, [*words[1:], [FALSE] * WIDTH], strict=True)]
    joined = [[logic.mux(logic.and_(push, left[n]), x, y) for x, y in zip(new, word, strict=True)]
              for n, word in enumerate(moved)]
    wrong = logic.or_(logic.and_(count[0] ^ 1, front), differs(after, then, joined))
    return Answer(*Question(logic).never_one(start, logic.and_(legal, wrong), limit=seconds))


def of(depth: int) -> Obligation:
    """The obligation of a queue of so many words."""
    return Obligation(f"queue of {depth}", "words leave in the order in which they came, for ever",
                      "induction, one step", queue, (depth,),
                      {"queue": Source(load, Queue, (WIDTH, depth))})
