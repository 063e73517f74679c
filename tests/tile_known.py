"""What is known of the states of a small tile of one column: its contract, what holds from a reset on, and when its
registers hold nothing."""

import itertools
import re

from lmul.golden.tile import GUARD_BITS
from lmul.prove.logic import FALSE, TRUE, Logic
from lmul.prove.mutation import Known
from lmul.prove.tile_kept import minus


class TileKnown(Known):
    """Of the gates of one of `tile_streams.TILES` with one column.

    The contract: the window's place is one that it may have, and as the scales of the columns the same in each row of a
    pass; the place of the scales is not below the product of a vector's scale and that of the weights which it meets.
    """

    def __init__(self, gates, small):
        self.gates, self.tile = gates, small.component.tile
        self.ahead, self.staged = small.ahead, small.component.stages > 1
        self.nets = gates.known_as()
        self.names = {name for nets in self.nets for name in nets}
        spec = self.tile.multiplier
        self.several = spec.b.has_nan or spec.b.has_inf  # weights of which each row may set the flag
        # What is the same in all rows of a pass: where it comes from, and where it goes by way of.
        self.constant = []
        if self.tile.b_block:
            self.constant.append(("i_b__data", spec.b.width, "prepared_scales",
                                  "b_scales_coming" if self.ahead else "b_scales"))
        if "column_0.place" in self.names:
            self.constant.append(("place", 0, "prepared_place",
                                  "place_held_coming" if self.ahead else "column_0.place"))

        self.activations, self.weights = self._images()

    def _register(self, name, state):
        return self.gates.register(name, state)

    def _one(self, name, state):
        return self.gates.register(name, state)[0]

    def _last(self, logic, row):
        return _is(logic, row, self.tile.lanes - 1)

    # The contract

    def legal(self, logic, cycle):
        [valid] = cycle.inputs["i_b__valid"]
        row, there, later = self._rows(logic, cycle.state)
        wrong = []
        for port, low, waits, stands in self.constant:
            known = self._register(stands, cycle.state)
            if there != FALSE:
                known = [logic.mux(there, x, y) for x, y in zip(self._register(waits, cycle.state), known, strict=True)]
            wrong.append(logic.and_(later, _differ(logic, cycle.inputs[port][low:], known)))
        if cycle.inputs.get("place"):
            wrong.append(self._possible(logic, cycle.inputs["place"]) ^ 1)
        found = [logic.and_(valid, each) for each in wrong]
        if self.tile.blocks:
            taken = logic.and_(cycle.inputs["i_a__valid"][0], cycle.outputs["i_a__ready"][0])
            width = self.tile.lanes * self.tile.multiplier.a.width
            found.append(logic.and_(taken, self._above(
                logic, cycle.inputs["i_a__data"][width:], self._scales(cycle.after), cycle.inputs["top"])))
        return logic.any(found) ^ 1

    def _rows(self, logic, state):
        """The count of rows, whether one waits, and whether that which comes is not the first."""
        row = self._register("row", state)
        there = self._one("there", state) if self.staged else FALSE
        return row, there, logic.mux(there, self._last(logic, row) ^ 1, logic.any(row))

    def _scales(self, state):
        return self._register("b_scales", state) if self.tile.b_block else []

    @staticmethod
    def _above(logic, a, b, top):
        """Whether the sum of two exponents is above a place."""
        a, b, top = (bits + [FALSE] * (len(top) + 2 - len(bits)) for bits in (a, b, top))
        return minus(logic, minus(logic, top, a), b)[-1]

    # What holds

    def _images(self):
        """What codes of activations and of weights become in the registers that take them: by place the bits of all
        that there is; of formats of many codes nothing."""
        tile, spec = self.tile, self.tile.multiplier
        if max(spec.a.width, spec.b.width) > 4:
            return [], []
        codes = [{"i_a__data": code, "i_a__valid": 1, "o__ready": 1} for code in range(1 << spec.a.width)]
        rows = [{"i_b__data": code, "i_b__valid": 1, "place": place, "o__ready": 1}
                for code, place in itertools.product(range(1 << spec.b.width), tile.places)]
        first = "prepared_b_0" if self.staged else f"column_0.{'next' if self.ahead else 'held'}_0"
        return ([self._taken("column_0.lane_0.x", each, "full") for each in codes],
                [self._taken(first, each) for each in rows])

    def _taken(self, name, given, standing=""):
        """A register after a cycle with such inputs, out of a state in which only one bit stands."""
        inputs = [given.get(port, 0) >> bit & 1 for port, width in self.gates.inputs.items() for bit in range(width)]
        state = [TRUE if standing in nets else FALSE for nets in self.nets]
        return self._places(name, self.gates.build(Logic(), inputs, state)[1])

    def _places(self, name, state):
        """The bits of a register by their place; without those that are no flip-flop's."""
        return {nets[name]: state[n] for n, nets in enumerate(self.nets) if name in nets}

    def _of_no_code(self, logic, state):
        """What is wrong where a register has bits that no code becomes."""
        first, *_ = self._register("some", state)
        places = [(first, f"column_0.lane_{n}.x", self.activations) for n in range(self.tile.lanes)]
        full, there = self._one("full", state), self._rows(logic, state)[1]
        if self.staged:
            places.append((there, "prepared_b_0", self.weights))
        for n, come in enumerate(self._come(logic, state)):
            places.append((come, f"column_0.{'next' if self.ahead else 'held'}_{n}", self.weights))
            if self.ahead:
                places.append((full, f"column_0.held_{n}", self.weights))
        for holds, name, images in places:
            bits = self._places(name, state)
            assert all(image.keys() == bits.keys() for image in images), name
            if images:
                yield logic.and_(holds, logic.any(
                    logic.any(bits[place] ^ bit for place, bit in image.items()) ^ 1 for image in images) ^ 1)

    def _out_of_place(self, logic, state):
        """What is wrong where a place of the window is held that it may not have."""
        row, there, _ = self._rows(logic, state)
        full = self._one("full", state)
        come = logic.or_(self._one("waiting", state) if self.ahead else full, logic.any(row))
        for port, _, waits, goes in self.constant:
            if port == "place":
                held = [(come, goes), (full, "column_0.place"), *[(there, waits)] * self.staged]
                yield logic.any(logic.and_(one, self._possible(logic, self._register(name, state)) ^ 1)
                                for one, name in held)

    def _possible(self, logic, bits):
        return logic.any(_is(logic, bits, place) for place in self.tile.places)

    def _come(self, logic, state):
        """Of each lane whether its next weight, or without weights ahead its only one, has come."""
        row, _, _ = self._rows(logic, state)
        stands = self._one("waiting" if self.ahead else "full", state)
        return [logic.or_(stands, logic.any(_is(logic, row, count) for count in range(n + 1, self.tile.lanes)))
                for n in range(self.tile.lanes)]

    def _unmarked(self, logic, state):
        """What is wrong where a flag is not that of the scale beside it, and nothing else sets it."""
        if self.several or not self.tile.b_block:
            return
        row, there, _ = self._rows(logic, state)
        full, coming = self._one("full", state), "_coming" if self.ahead else ""
        stands = self._one("waiting", state) if self.ahead else full
        come = logic.or_(stands, logic.any(row))
        pairs = [(full, "b_scales", "b_nan"), (come, f"b_scales{coming}", f"b_nan{coming}")]
        pairs += [(there, "prepared_scales", "prepared_special")] * self.staged
        for holds, scale, flag in pairs:
            nan = _is(logic, self._register(scale, state), (1 << self.tile.b_block.scale.width) - 1)
            yield logic.and_(holds, logic.xor(nan, self._one(flag, state)))

    def sound(self, logic, state):
        some, lasts = (self._register(name, state) for name in ("some", "lasts"))
        row, there, _ = self._rows(logic, state)
        stands = self._one("waiting" if self.ahead else "full", state)
        wrong = [logic.and_(some[0], self._one("full", state) ^ 1), logic.and_(stands, logic.any(row)),
                 *(logic.and_(last, one ^ 1) for last, one in zip(lasts, some, strict=True))]
        if self.staged:
            wrong.append(logic.xor(self._one("final_", state), self._last(logic, row)))
            for _, _, waits, goes in self.constant:
                differ = _differ(logic, self._register(waits, state), self._register(goes, state))
                wrong.append(logic.and_(logic.and_(there, logic.any(row)), differ))
        if self.tile.blocks:
            a, top = (self._register(name, state) for name in ("a_scale", "top_taken"))
            wrong.append(logic.and_(some[0], self._above(logic, a, self._scales(state), top)))
        more = itertools.chain(self._out_of_place(logic, state), self._of_no_code(logic, state),
                               self._unmarked(logic, state))
        return logic.any([*wrong, *more]) ^ 1

    # What registers hold

    def forms(self, logic, state):
        """Two: in the first what is the same in all rows is held from the first row on, in the second from the last."""
        found = []
        for late in (False, True):
            holds = [[] for _ in state]
            for there, pattern in self._rules(logic, state, late):
                for each, nets in zip(holds, self.nets, strict=True):
                    if any(re.fullmatch(pattern, name) for name in nets):
                        each.append(there)
            form = [logic.and_(logic.any(each), bit) if each else bit
                    for each, bit in zip(holds, self._cut(logic, state), strict=True)]
            found.append(form)
        return found

    def _rules(self, logic, state, late):
        """Literals and patterns: which registers hold something where a literal is true, and not otherwise."""
        first, *some = self._register("some", state)
        row, there, _ = self._rows(logic, state)
        yield first, "x|a_nan|a_scale|top_taken"
        *summed, added = some
        for n, one in enumerate(some):
            yield one, rf"(?:sum_nan|down_0|sig_0)_{n}"
        for one, name in zip(summed, ("words", "pair"), strict=False):
            yield one, rf"column_0\.{name}"
        yield added, r"column_0\.adder\.(?:sum|down|sig)"
        yield self._one("o__valid", state), r"column_0\.o|nan_0|o__last"
        stands, goes, coming = self._one("full", state), "held", ""
        if self.ahead:
            yield stands, r"column_0\.held_\d+|b_nan|b_scales|column_0\.place"
            stands, goes, coming = self._one("waiting", state), "next", "_coming"
        for n, come in enumerate(self._come(logic, state)):
            yield come, rf"column_0\.{goes}_{n}"
        whole, last = logic.or_(stands, logic.any(row)), logic.and_(there, self._last(logic, row))
        constant = f"b_scales{coming}|" + ("place_held_coming" if self.ahead else r"column_0\.place")
        yield stands if late else whole, constant
        yield stands if late and not self.several else whole, f"b_nan{coming}"
        if self.staged:
            yield there, r"prepared_b_\d+"
            yield last if late else there, "prepared_(?:scales|place)"
            yield last if late and not self.several else there, "prepared_special"

    def _cut(self, logic, state):
        """The state with all distances that leave nothing but the sign as one."""
        found = list(state)
        most = self.tile.sum_bits + self.tile.scale_bits + GUARD_BITS - 1
        for name in self.names:
            if re.fullmatch(r"down_0_\d|column_0\.down", name):
                places = {nets[name]: n for n, nets in enumerate(self.nets) if name in nets}
                value = [state[places[bit]] for bit in sorted(places)]
                assert len(value) == (most + 1).bit_length()
                far = logic.any(_is(logic, value, each) for each in range(most, 1 << len(value)))
                for n in places.values():
                    found[n] = logic.or_(state[n], far)
        return found


def _is(logic, bits, number):
    """Whether a word, of either sign, is a number."""
    return logic.any(bit ^ (number >> place & 1) for place, bit in enumerate(bits)) ^ 1


def _differ(logic, bits, others):
    return logic.any(logic.xor(x, y) for x, y in zip(bits, others, strict=True))
