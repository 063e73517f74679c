"""Dot-product units: lanes of products into one accumulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_
from typing import cast

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib.wiring import In, Out

from ..golden.formats import FloatFormat, IntFormat
from ..golden.refusal import Refusal
from ..golden.spec import Accumulator, Multiplier
from .accumulator import FixedSum, RunningSum, Sum, running_sum
from .addend import Addend, expand
from .aligned import AlignedSum, aligned
from .fixed import Window, compress
from .fpadd import FloatAdder
from .fppipe import Normal, StagedAdder
from .heap import gather
from .integers import number
from .interleaved import InterleavedSum, add_runs, begins_runs
from .multipliers import multiplier
from .operand import passed
from .part import MultiplierPart, Part
from .partials import PartialProducts, Partials
from .pe import accumulate, counts, give_result
from .systolic import lanes


class FloatTree(Part):
    """The sum of float products by a tree of adders: each product is rounded to ``fmt``, and so is the sum of lanes
    2i and 2i + 1, an odd one left over passing on, and so forth.

    Timing: ``latency`` cycles with ``en``, one sum per such cycle; each adder takes ``stages`` of them. Of several,
    products are held and made `Normal` before. Members are those of `AlignedSum`.
    """

    roles = {"round_*": "lane", "product": "lane", "normal": "lane", "sunk": "lane", "add_*": "tree"}

    en: Signal
    p: Signal
    sum: Signal

    def __init__(self, fmt: FloatFormat, addend: Addend, count: int, stages: int = 1) -> None:
        self.fmt, self.addend, self.count, self.stages = fmt, addend, count, stages
        self.total = Addend.code(fmt)
        self.normal = Normal(fmt, addend)
        self.adders = 1 + (count - 1).bit_length()  # one after the other
        self.latency = stages * self.adders + (max(1, self.normal.latency) if stages > 1 else 0)
        super().__init__({"en": In(1), "p": In(count * addend.wide.width), "sum": Out(self.total.wide.width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        addend = self.normal.addend if self.stages > 1 else self.addend
        codes = [self._sum(m, f"round_{lane}", addend, Const(self.fmt.sign_mask, self.fmt.width), self._product(m, p))
                 for lane, p in enumerate(lanes(self.p, self.count))]
        for level in range(1, self.adders):
            sums = [self._sum(m, f"add_{level}_{node}", self.total, x, expand(self.fmt, y))
                    for node, (x, y) in enumerate(zip(codes[::2], codes[1::2], strict=False))]
            rest = codes[len(sums) * 2 :]
            for _ in range(self.stages):
                rest = self._later(m, rest)
            codes = sums + rest
        m.d.comb += self.sum.eq(expand(self.fmt, codes[0]))
        return m

    def _sum(self, m, name, addend, code, p):
        if self.stages > 1:
            m.submodules[name] = staged = StagedAdder(self.fmt, addend, self.stages)
            m.d.comb += [staged.en.eq(self.en), staged.acc.eq(code), staged.p.eq(p)]
            return staged.sum
        m.submodules[name] = adder = FloatAdder(self.fmt, addend)
        m.d.comb += [adder.acc.eq(code), adder.p.eq(p)]
        return self._later(m, [adder.sum])[0]

    def _product(self, m, p):
        if self.stages == 1:
            return p

        def cut(name, value):
            return passed(m, name, value, self.en)

        return self.normal.code(m, cut("product", p), cut)

    def _later(self, m, codes):
        held = [Signal(self.fmt.width, reset_less=True, name="held") for _ in codes]
        with m.If(self.en):
            m.d.sync += [signal.eq(code) for signal, code in zip(held, codes, strict=True)]
        return held


class IntTree(Part):
    """The sum of integers, by a carry-save tree.

    Timing: 1 cycle with ``en``, one sum per such cycle.

    Parameters
    ----------
    fmt : IntFormat
        Of the integers.
    count : int

    Members
    -------
    en : ``In(1)``
    p : ``In(count * fmt.width)``
    sum : ``Out(fmt.width + bits)``
        The bits that ``count`` takes more; signed as ``fmt`` is.
    """

    latency = 1

    en: Signal
    p: Signal
    sum: Signal

    def __init__(self, fmt: IntFormat, count: int) -> None:
        self.fmt, self.count = fmt, count
        bits = fmt.width + (count - 1).bit_length()
        super().__init__({"en": In(1), "p": In(count * fmt.width), "sum": Out(bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = Signal.like(self.sum, reset_less=True, name="total")
        words = []
        for lane, p in enumerate(lanes(self.p, self.count)):
            word = Signal(len(total), name=f"word_{lane}")
            m.d.comb += word.eq(number(self.fmt, p))
            words.append(word)
        (x, y), _ = compress(m, words, [Const(0)] * self.count)
        with m.If(self.en):
            m.d.sync += total.eq(x + y)
        m.d.comb += self.sum.eq(total)
        return m


class PartialTree(Part):
    """The sum of products of integers that are given as partials: all in one tree of full adders, with one addition.

    Timing: 1 cycle with ``en``, one sum per such cycle.

    Parameters
    ----------
    partials : Partials
        Of each product.
    bits : int
        Of the sum.
    count : int

    Members
    -------
    en : ``In(1)``
    p : ``In(count * len(partials.places))``
    sum : ``Out(bits)``
    """

    latency = 1

    en: Signal
    p: Signal
    sum: Signal

    def __init__(self, partials: Partials, bits: int, count: int) -> None:
        self.partials, self.count = partials, count
        super().__init__({"en": In(1), "p": In(count * len(partials.places)), "sum": Out(bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = Signal.like(self.sum, reset_less=True, name="total")
        gathered = gather(m, self.partials, lanes(self.p, self.count), len(total))
        with m.If(self.en):
            m.d.sync += total.eq(gathered)
        m.d.comb += self.sum.eq(total)
        return m


class FixedTree(Part):
    """The exact sum of float products, by a carry-save tree.

    Timing: 1 cycle with ``en``, one sum per such cycle.

    Parameters
    ----------
    window : Window
        For ``count`` products.
    count : int

    Members
    -------
    en : ``In(1)``
    p : ``In(count * window.addend.wide.width)``
    sum : ``Out(window.bits + 1 + window.flags)``
        A number, a bit to add to it, and flags, as `Window.place` gives them.
    """

    latency = 1

    en: Signal
    p: Signal
    sum: Signal

    def __init__(self, window: Window, count: int) -> None:
        self.window, self.count = window, count
        super().__init__({
            "en": In(1), "p": In(count * window.addend.wide.width), "sum": Out(window.bits + 1 + window.flags),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        placed = [self.window.place(m, p) for p in lanes(self.p, self.count)]
        (x, y), carries = compress(m, [number for number, _, _ in placed], [negative for _, negative, _ in placed])
        seen = reduce(or_, (flags for _, _, flags in placed))
        total = Signal.like(self.sum, reset_less=True, name="total")
        with m.If(self.en):
            m.d.sync += total.eq(Cat((x + y + carries[0])[: self.window.bits], carries[1], seen))
        m.d.comb += self.sum.eq(total)
        return m


class PlacedAdder(Part):
    """``sum = acc + p`` in a window, ``p`` being what a `FixedTree` for ``narrow`` sums up.

    Timing and the other members are those of `FixedAdder`.
    """

    acc: Signal
    p: Signal
    sum: Signal

    def __init__(self, window: Window, words: int, narrow: Window) -> None:
        self.window, self.words, self.narrow = window, words, narrow
        width = words * window.bits + window.flags
        super().__init__({"acc": In(width), "p": In(narrow.bits + 1 + narrow.flags), "sum": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits, number = self.narrow.bits, Signal(self.window.bits, name="number")
        m.d.comb += number.eq(self.p[:bits].as_signed())
        m.d.comb += self.sum.eq(self.window.add(self.acc, self.words, number, self.p[bits], self.p[bits + 1 :]))
        return m


@dataclass(frozen=True)
class PlacedSum(FixedSum):
    """An exact sum of what a `FixedTree` sums up."""

    narrow: Window

    @property
    def addend(self) -> Addend:
        return Addend(IntFormat("placed", self.narrow.bits + 1 + self.narrow.flags))

    def adder(self) -> PlacedAdder:
        return PlacedAdder(self.window, self.words, self.narrow)


class Dot(Part):
    """Dot-product unit: ``count`` products at a time into one accumulator.

    Products that go into a float accumulator are aligned to the largest among them and added exactly (`AlignedSum`), or
    with ``tree`` added in a tree of floating-point adders (`FloatTree`); the sum is added to the accumulator with one
    rounding. Exact and integer sums need no such choice.

    A float sum that is interleaved is an `InterleavedSum`; adders of a tree have as many stages, and an `AlignedSum` is
    staged.

    Takes a vector of pairs in every cycle with ``en``; otherwise ports and timing are those of
    :class:`~lmul.hdl.pe.Mac`, ``a`` and ``b`` being vectors, lane 0 lowest. Lanes without a pair take
    the codes of -0 and +0 (int8: 0).

    Parameters
    ----------
    multiplier : Multiplier
    accumulator : Accumulator
    count : int
        Lanes, at least 2.
    window : int
        Bits of the window of `AlignedSum`.
    tree : bool

    Raises
    ------
    Refusal
        If there are too few lanes, or the accumulator does not take the products, or the window not the significands.
    """

    roles = {"multiplier_*": "multiplier", "tree": "tree", "accumulator": "accumulator", "acc": "accumulator",
             "drain": "drain", "a_held": "operand registers", "b_held": "operand registers", "valid": "control",
             "clear": "control", "ended": "control", "under_way": "control", "runs": "accumulator",
             "next_first": "control", "first": "control", "last_held": "control"}

    en: Signal
    a: Signal
    b: Signal
    last: Signal
    valid: Signal
    c: Signal

    def __init__(self, multiplier: Multiplier, accumulator: Accumulator, count: int, window: int = 32,
                 tree: bool = False) -> None:
        if count < 2:
            raise Refusal(f"Dot product lanes must be at least 2, not {count!r}")
        self.multiplier, self.accumulator, self.count, self.window, self.tree = (
            multiplier, accumulator, count, window, tree)
        self._partials = Partials.of(multiplier, negative=True) if accumulator.integer else None
        self.held, self._tree = self._sums()
        self.runs = self._interleaved()
        self.latency = 1 + self._tree().latency + (self.runs.latency if self.runs else 1 + self.held.drain_latency)
        super().__init__({
            "en": In(1),
            "a": In(count * multiplier.a.width), "b": In(count * multiplier.b.width), "last": In(1),
            "valid": Out(1), "c": Out(accumulator.result.width),
        })

    def _product(self) -> MultiplierPart | PartialProducts:
        """What multiplies in a lane."""
        return PartialProducts(self.multiplier, True) if self._partials else multiplier(self.multiplier, wide=True)

    def _sums(self) -> tuple[RunningSum, Callable[[], AlignedSum | FloatTree | IntTree | PartialTree | FixedTree]]:
        """How the running sum is held, and what makes the component that adds up the lanes."""
        count, product = self.count, Addend.product(self.multiplier)
        held = running_sum(self.accumulator, product)
        if self.accumulator.integer:
            each = product.integers
            bits = each.width + (count - 1).bit_length()
            tree = (partial(PartialTree, self._partials, bits, count) if self._partials
                    else partial(IntTree, each, count))
            return Sum(self.accumulator.result, Addend(IntFormat("sum", bits, each.signed))), tree
        if self.accumulator.exact:
            narrow, wide = Window(product, count), cast(FixedSum, held)
            return PlacedSum(wide.window, wide.words, narrow), partial(FixedTree, narrow, count)
        fmt = cast(FloatFormat, self.accumulator.fmt)
        if self.tree:
            return Sum(fmt, Addend.code(fmt)), partial(FloatTree, fmt, product, count, self.accumulator.interleave)
        staged = self.accumulator.interleave > 1
        return Sum(fmt, aligned(product, count, self.window)), partial(AlignedSum, product, count, self.window, staged)

    def _interleaved(self) -> InterleavedSum | None:
        """The component that sums what the lanes add up to, where sums are interleaved."""
        if self.accumulator.interleave == 1:
            return None
        return InterleavedSum(cast(FloatFormat, self.accumulator.fmt), cast(Sum, self.held).addend,
                              self.accumulator.interleave)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a = Signal.like(self.a, reset_less=True, name="a_held")
        b = Signal.like(self.b, reset_less=True, name="b_held")
        if self.runs:
            total = self._added_lanes(m, a, b)
            with m.If(self.en):
                m.d.sync += [a.eq(self.a), b.eq(self.b)]
            ends = begins_runs(m, self.last, self.en, self.latency - self.runs.latency)
            add_runs(m, self, self.runs, total, *ends)
            return m
        # Along with a vector goes whether it is one, and whether it begins a run, the one before having ended its own.
        stages = self.latency - self.held.drain_latency - 1
        valid, clear, ended = Signal(stages, name="valid"), Signal(stages, name="clear"), Signal(name="ended")
        with m.If(self.en):
            m.d.sync += [
                a.eq(self.a), b.eq(self.b), ended.eq(self.last),
                valid.eq(Cat(Const(1), valid)), clear.eq(Cat(ended, clear)),
            ]
        _, total = self.held.gated(b, self._added_lanes(m, a, b), counts(valid[-1], self.en))
        give_result(m, self, accumulate(m, self.held, total, clear[-1], self.en), clear[-1])
        return m

    def _added_lanes(self, m, a, b):
        """The sum of the lanes' products."""
        products = []
        for lane, (x, y) in enumerate(zip(lanes(a, self.count), lanes(b, self.count), strict=True)):
            m.submodules[f"multiplier_{lane}"] = product = self._product()
            m.d.comb += [product.a.eq(x), product.b.eq(y)]
            products.append(product.p)
        m.submodules.tree = tree = self._tree()
        m.d.comb += [tree.en.eq(self.en), tree.p.eq(Cat(products))]
        return tree.sum
