"""One column of a tile: its held weights, its lanes, and the sum that all of them go into."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from ..golden.tile import GUARD_BITS, Tile
from .heap import Heap
from .operand import named, passed
from .part import Part
from .systolic import lanes
from .tile_lanes import lane


class Tree(Part):
    """The sum of the lanes' words: one tree of full adders, one addition; or without that the two words that it adds.

    Timing: combinational.

    Members
    -------
    words : ``In``
        Of all lanes, the first lowest.
    sum : ``Out(tile.sum_bits)``, or of twice as many bits
    """

    words: Signal
    sum: Signal

    def __init__(self, tile: Tile, added: bool = True) -> None:
        self.tile, self.added, self.lane = tile, added, lane(tile)
        width = tile.sum_bits if added else 2 * tile.sum_bits
        super().__init__({"words": In(tile.lanes * len(self.lane.weights)), "sum": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        heap = Heap(self.tile.sum_bits, self.tile.lanes * self.lane.constant)
        words = lanes(self.words, self.tile.lanes)
        for n, place in enumerate(self.lane.weights):
            for word in words:
                heap.add(word[n], place)
        x, y = heap.reduce(m)
        m.d.comb += self.sum.eq(x + y if self.added else Cat(x, y))
        return m


class Added(Part):
    """A partial sum and the sum of the lanes.

    Timing: combinational.

    Members
    -------
    sum : ``In(tile.sum_bits)``
    c, o : ``In(tile.word_bits)``, ``Out(tile.word_bits)``
    """

    sum: Signal
    c: Signal
    o: Signal

    def __init__(self, tile: Tile) -> None:
        super().__init__({"sum": In(tile.sum_bits), "c": In(tile.word_bits), "o": Out(tile.word_bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.o.eq(self.c + self.sum.as_signed())
        return m


class Scaled(Part):
    """A partial sum and a block's sum by its scales: up by `GUARD_BITS` and by the product of the significands, then
    down by what their exponents lack to the top; what falls below is cut off, towards minus infinity.

    Timing: combinational.

    Members
    -------
    sum : ``In(tile.sum_bits)``
    sig : ``In(tile.scale_bits)``
        Product of the significands, where there are any.
    down : ``In``
        Places, up to the word's and a little more; at the most so many are told apart.
    c, o : ``In(tile.word_bits)``, ``Out(tile.word_bits)``
    """

    sum: Signal
    sig: Signal
    down: Signal
    c: Signal
    o: Signal

    def __init__(self, tile: Tile) -> None:
        self.tile = tile
        super().__init__({"sum": In(tile.sum_bits), "sig": In(tile.scale_bits), "down": In(down_bits(tile)),
                          "c": In(tile.word_bits), "o": Out(tile.word_bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        product = self.sum.as_signed() * self.sig if self.tile.scale_bits else self.sum.as_signed()
        value = named(m, "product", product)
        value = Cat(Const(0, GUARD_BITS), value)[: self.tile.sum_bits + self.tile.scale_bits + GUARD_BITS]
        sign = value[-1]
        for stage in range(len(self.down)):
            distance = min(1 << stage, len(value))
            shifted = Signal(len(value), name=f"right_{1 << stage}")
            m.d.comb += shifted.eq(Mux(self.down[stage], Cat(value[distance:], sign.replicate(distance)), value))
            value = shifted
        m.d.comb += self.o.eq(self.c + value.as_signed())
        return m


def down_bits(tile: Tile) -> int:
    """Bits of a distance that brings a block's sum below its word."""
    return (tile.sum_bits + tile.scale_bits + GUARD_BITS).bit_length()


class Column(Part):
    """A column: weights that are held, a lane for each, their tree, and the register of the partial sum.

    Timing: the sum of what the activation registers hold comes ``stages + 1`` cycles later: one with each bit of ``on``
    and one with ``en``.

    Parameters
    ----------
    tile : Tile
    ahead : bool
        Whether the next tile's weights have registers of their own, which ``swap`` puts in place; or else a row is
        written where it is used.
    stages : int
        1: lanes and tree between registers; 2: registers between them; 3: others before the tree's addition, and signs
        are put to words behind the registers of these.

    Members
    -------
    x : ``In(lanes * lane.x_bits)``
        Activations, prepared.
    y, load : ``In(lane.y_bits)``, ``In(lanes)``
        A weight, prepared, and which lane takes it.
    swap : ``In(1)``
    place : ``In``
        As lanes want it.
    on, en : ``In(stages)``, ``In(1)``
        Which stages pass on what they have, and whether the partial sum is taken.
    sig, down : ``In``
        Of `Scaled`, with the sum of the lanes.
    c, o : ``In(tile.word_bits)``, ``Out(tile.word_bits)``
        Partial sums.
    """

    roles = {"held_*": "operand registers", "next_*": "operand registers", "lane_*": "lane", "tree": "tree",
             "adder": "accumulator", "words": "tree", "pair": "tree", "sum": "accumulator", "word": "accumulator"}

    x: Signal
    y: Signal
    load: Signal
    swap: Signal
    place: Signal
    en: Signal
    on: Signal
    sig: Signal
    down: Signal
    c: Signal
    o: Signal

    def __init__(self, tile: Tile, ahead: bool = False, stages: int = 1) -> None:
        self.tile, self.ahead, self.stages, self.lane = tile, ahead, stages, lane(tile, stages > 2)
        blocks = bool(tile.blocks)
        super().__init__({
            "x": In(tile.lanes * self.lane.x_bits), "y": In(self.lane.y_bits), "load": In(tile.lanes),
            "swap": In(int(ahead)), "place": In(self.lane.place_bits), "en": In(1),
            "on": In(stages),
            "sig": In(tile.scale_bits), "down": In(down_bits(tile) * blocks),
            "c": In(tile.word_bits), "o": Out(tile.word_bits),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tile = self.tile
        words = []
        for n, x in enumerate(lanes(self.x, tile.lanes)):
            if self.ahead:
                coming = passed(m, f"next_{n}", self.y, self.load[n])
                if self.stages > 1 and n == tile.lanes - 1:  # the last may come when it is put in place
                    coming = Mux(self.load[n], self.y, coming)
                held = passed(m, f"held_{n}", coming, self.swap)
            else:
                held = passed(m, f"held_{n}", self.y, self.load[n])
            m.submodules[f"lane_{n}"] = product = lane(tile, self.lane.late)
            m.d.comb += [product.x.eq(x), product.y.eq(held), product.place.eq(self.place)]
            words.append(product.word)
        m.submodules.tree = tree = Tree(tile, added=self.stages < 3)
        given = passed(m, "words", Cat(words), self.on[0]) if self.stages > 1 else Cat(words)
        m.d.comb += tree.words.eq(Cat(self.lane.finished(word) for word in lanes(given, tile.lanes))
                                  if self.lane.late else given)
        summed = tree.sum
        if self.stages > 2:
            x, y = lanes(passed(m, "pair", summed, self.on[1]), 2)
            summed = x + y
        total = passed(m, "sum", summed[: tile.sum_bits], self.on[-1])
        if tile.blocks:
            m.submodules.adder = adder = Scaled(tile)
            m.d.comb += [adder.sig.eq(self.sig), adder.down.eq(self.down)]
        else:
            m.submodules.adder = adder = Added(tile)
        m.d.comb += [adder.sum.eq(total), adder.c.eq(self.c), self.o.eq(passed(m, "word", adder.o, self.en))]
        return m
