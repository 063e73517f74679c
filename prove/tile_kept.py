"""What counts of the state of a tile's core: states that are alike in it are told apart by no traffic."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .handshake import selected
from .logic import FALSE, TRUE, Logic
from .solver import PROVED, Question

if TYPE_CHECKING:
    from .machine import Machine

Rule = tuple[int, str]  # a literal, and a pattern: the registers that hold something where it is true


class Kept:
    """States of a core with one column, in a form in which alike ones are equal: registers that hold nothing are 0, and
    the memory is turned so that its first row is the next to be read.

    Parameters
    ----------
    machine : Machine
        Whose registers are called as `lmul.hdl.tile_core` calls them.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._place = {name: n for n, name in enumerate(machine.names)}
        self._memory = self._numbered(r"sums\w*_memory_(\d+)_(\d+)")

    @property
    def known(self) -> bool:
        """Whether all registers are there: of a faulty core some may be constants."""
        ones = [*(f"buffer_{stream}_{bit}" for stream in "abc" for bit in ("full", "o_valid")), "tile_o_valid",
                "tile_full", "tile_waiting", "first", "error", "done", r"sums\w*_o_valid"]
        counts = [len(self._numbered(rf"sums\w*_{name}_(\d+)")) for name in ("written", "read")]
        rows, bits = (len({key[n] for key in self._memory}) for n in (0, 1))
        some, lasts, vectors, passes = (len(self._numbered(rf"{name}_(\d+)")) for name in (
            "tile_some", "tile_lasts", "vectors_free", "passes_free"))
        return (all(len(self._numbered(each)) == 1 for each in ones) and counts[0] == counts[1] == rows.bit_length()
                and len(self._memory) == rows * bits and some == lasts == vectors - 1 and passes == 3
                and len(self._numbered(r"row(?:_(\d+))?")) == len(self._numbered(r"tile_row(?:_(\d+))?")))

    def _numbered(self, pattern):
        """Places of registers by the numbers that a pattern finds in their names."""
        found = ((re.fullmatch(pattern, name), n) for name, n in self._place.items())
        return {tuple(int(number or 0) for number in match.groups()): n for match, n in found if match}

    def _bits(self, state, pattern):
        """The bits of one register, the lowest first; none of one that is not there."""
        return [state[n] for _, n in sorted(self._numbered(pattern + r"(?:_(\d+))?").items())]

    def __call__(self, logic: Logic, state: list[int]) -> list[int]:
        """A state in that form."""
        found = list(state)
        for there, pattern in self._rules(logic, state):
            for name, n in self._place.items():
                if re.fullmatch(pattern + r"(?:_\d+)?", name):
                    found[n] = logic.and_(there, state[n])
        self._turn(logic, state, found)
        return found

    def _rules(self, logic, state) -> Iterator[Rule]:
        def one(pattern):
            [bit] = self._bits(state, pattern)
            return bit

        for stream in "abc":
            yield one(f"buffer_{stream}_full"), f"buffer_{stream}_second"
            yield one(f"buffer_{stream}_o_valid"), f"buffer_{stream}_first"
        first, *others = self._bits(state, "tile_some")
        yield first, "tile_(?:x|a_nan)"
        for n, there in enumerate(others):
            yield there, f"tile_sum_nan_{n}" if len(others) > 1 else "tile_sum_nan"
            yield there, "tile_column_0_sum" if n == len(others) - 1 else f"tile_column_0_{('words', 'pair')[n]}"
        yield one("tile_o_valid"), "(?:tile_column_0_o|tile_nan|tile_o_last|done)"
        # A vector in the first stage is still to be multiplied, and its weights are in place for that long.
        yield logic.or_(one("tile_full"), first), r"tile_(?:column_0_held_\d+|b_nan)"
        row, waiting = self._bits(state, "tile_row"), one("tile_waiting")
        for lane in range(1 << len(row)):
            come = logic.any(_equals(logic, row, count) for count in range(lane + 1, 1 << len(row)))
            yield logic.or_(waiting, come), rf"tile_column_0_next_{lane}"
        yield logic.any([waiting, *row]), "tile_b_nan_coming"
        for queue in ("vectors", "passes"):
            free = self._bits(state, f"{queue}_free")
            for n in range(len(free) - 1):
                yield logic.any(free[n + 1 :]), f"{queue}_word_{n}" if n else f"{queue}_o"
        yield logic.any([one("first"), one("error")]) ^ 1, "ended"
        coming = self._bits(state, "coming")
        for n, there in enumerate(coming):
            yield there, f"lasts_{n}" if len(coming) > 1 else "lasts"
            yield there, r"results\w*_c" if n == len(coming) - 1 else r"results\w*_(?:magnitude|held)"
        yield one(r"sums\w*_o_valid"), r"sums_\d+_\d+"  # the register of the port that reads

    def _turn(self, logic, state, found):
        written, read = (self._numbered(rf"sums\w*_{name}(?:_(\d+))?") for name in ("written", "read"))
        write, reads = ([state[n] for _, n in sorted(each.items())] for each in (written, read))
        count, rows = minus(logic, write, reads), 1 << len(reads) - 1
        for (row, bit), n in self._memory.items():
            there = logic.any(_equals(logic, count, more) for more in range(row + 1, 2 * rows))
            stands = [_equals(logic, reads[:-1], (place - row) % rows) for place in range(rows)]
            value = selected(logic, stands, [state[self._memory[place, bit]] for place in range(rows)])
            found[n] = logic.and_(there, value)
        for (_, n), bit in zip(sorted(written.items()), count, strict=True):
            found[n] = bit
        for n in read.values():
            found[n] = FALSE

    def sound(self, logic: Logic, state: list[int]) -> int:
        """Whether as many words stand in the queues as there are vectors and weights in the tile, and no more sums wait
        or come than a pass may have, the first of them outside of the memory; else nothing is said of a state."""
        bits = [self._bits(state, f"tile_{name}") for name in ("some", "full", "waiting", "lasts", "row")]
        some, [full], [waiting], [ending, *_], row = bits
        wrong = [logic.xor(x, y) for x, y in zip(row, self._bits(state, "row"), strict=True)]
        for queue, each in (("vectors", some), ("passes", [logic.and_(full, ending ^ 1), waiting])):
            count = [TRUE]
            for bit in each:
                count = [logic.mux(bit, low, high) for low, high in zip([FALSE, *count], [*count, FALSE], strict=True)]
            wrong += [logic.xor(x, y) for x, y in zip(count, self._bits(state, f"{queue}_free"), strict=True)]
        [first], [error], ended, written, read = (self._bits(state, name) for name in (
            "first", "error", "ended", r"sums\w*_written", r"sums\w*_read"))
        wrong.append(logic.any([first, error, ended[-1] ^ 1]) ^ 1)
        wrong += self._crowded(logic, state, minus(logic, written, read))
        return logic.any(wrong) ^ 1

    def _crowded(self, logic, state, count):
        """Of sums that stand in the memory, as many as that, whether they should not."""
        [there], [offered], [done] = (self._bits(state, name) for name in (r"sums\w*_o_valid", "tile_o_valid", "done"))
        rows = 1 << len(count) - 1
        wrong = [count[-1], logic.and_(logic.any(count[1:]), there ^ 1)]
        comes = logic.any([offered ^ 1, done, there ^ 1]) ^ 1  # behind one that is outside
        return [*wrong, logic.and_(comes, _equals(logic, count, rows - 1))]

    def proved(self, seconds: float) -> bool:
        """Whether of each state, `sound` as it may be, and its form all outputs are the same and so are the forms of
        what follows, for all inputs; and all states after a reset have one form, that of `start`."""
        logic, machine = Logic(), self.machine
        state, differ = logic.inputs(machine.registers), []
        given = {name: logic.inputs(width) for name, width in machine.inputs.items()} | machine.running
        (found, after), (others, other) = (machine.step(logic, each, given) for each in (state, self(logic, state)))
        differ = [logic.xor(x, y) for name in found for x, y in zip(found[name], others[name], strict=True)]
        differ += [logic.xor(x, y) for x, y in zip(self(logic, after), self(logic, other), strict=True)]
        sound = self.sound(logic, state)
        begun = [logic.xor(x, y) for x, y in zip(self(logic, machine.reset(logic)), self.start, strict=True)]
        wrong = [*begun, *(logic.and_(sound, each) for each in differ)]
        return Question(logic).never_one(*wrong, limit=seconds)[0] == PROVED

    @property
    def start(self) -> list[int]:
        """The form of the states after reset: of registers that were all 0."""
        return self(Logic(), after_reset(self.machine, FALSE))


def after_reset(machine: Machine, before: int) -> list[int]:
    """The state after a reset in which no inputs were there, of registers that all were `FALSE`, or `TRUE`."""
    none = {name: [FALSE] * width for name, width in machine.inputs.items()}
    return machine.step(Logic(), [before] * machine.registers, none | {"rst": [TRUE], "aresetn": [FALSE]})[1]


def minus(logic: Logic, x: list[int], y: list[int]) -> list[int]:
    """The difference of two numbers of as many bits, modulo that."""
    carry, found = TRUE, []
    for a, b in zip(x, y, strict=True):
        half = logic.xor(a, b ^ 1)
        found.append(logic.xor(half, carry))
        carry = logic.or_(logic.and_(a, b ^ 1), logic.and_(half, carry))
    return found


def _equals(logic, bits, number):
    """Whether bits, lowest first, are those of a number."""
    return logic.any(bit ^ (number >> n & 1) for n, bit in enumerate(bits)) ^ 1
