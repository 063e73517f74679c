"""Float products aligned to the largest among them, and summed up exactly."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from ..golden.refusal import Refusal
from ..golden.spec import WideFormat
from .addend import Addend
from .fixed import compress, full_adders
from .operand import passed
from .part import Part
from .shift import leading_zeros, normalise, shift_left, shift_right
from .systolic import lanes

_COMPARISONS, _FULL_ADDERS = 2, 6  # of one stage, one after the other


def aligned(addend: Addend, count: int, window: int) -> Addend:
    """What an `AlignedSum` gives: an `Addend`, normalised.

    Raises
    ------
    Refusal
        If the window does not hold a product's significand.
    """
    if window < addend.sig_bits:
        raise Refusal(f"Window must be at least {addend.sig_bits} bits for such products, not {window!r}")
    wide, bits = addend.layout, (count * ((1 << window) - 1)).bit_length()
    lowest = addend.lowest - bits + 1
    exp_bits = max((-lowest).bit_length(), addend.highest.bit_length()) + 1
    # Before it is normalised, a sum's lowest bit weighs as a product's, but for the bits that the window has below.
    frac_bits = wide.frac_bits + window - addend.sig_bits
    total = WideFormat(bits, frac_bits, exp_bits, wide.exp_bias, True, False, wide.has_inf, wide.has_nan)
    return Addend(total, lowest, addend.highest, (1 << bits) - 1)


class AlignedSum(Part):
    """The sum of float products, aligned to the largest exponent among them.

    Each significand, its top bit at the top of ``window`` bits, is shifted right by what its exponent lacks to the
    largest of a product that is a number other than 0; what leaves the window is cut off. The sum of what is left is
    exact, and normalised. If it is 0 it is +0. NaN, and Inf of both signs, give NaN.

    Timing: ``latency`` cycles with ``en``, one sum per such cycle: 2, or ``staged`` as many as it takes for none of
    them to be longer than the adders of an interleaved sum are, 10 of 16 lanes. Products are then held first.

    Parameters
    ----------
    addend : Addend
        The products.
    count : int
        Lanes.
    window : int
        Bits.
    staged : bool

    Members
    -------
    en : ``In(1)``
    p : ``In(count * addend.wide.width)``
    sum : ``Out``
        As `aligned` says.
    """

    en: Signal
    p: Signal
    sum: Signal

    def __init__(self, addend: Addend, count: int, window: int, staged: bool = False) -> None:
        self.addend, self.count, self.window, self.staged = addend, count, window, staged
        self.total = aligned(addend, count, window)
        self.bits = self.total.sig_bits
        compared, added = -(-(count - 1).bit_length() // _COMPARISONS), -(-full_adders(count) // _FULL_ADDERS)
        self.latency = 7 + compared + added if staged else 2
        super().__init__({"en": In(1), "p": In(count * addend.wide.width), "sum": Out(self.total.wide.width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        wide, products = self.addend.layout, [self.addend.fields(p) for p in lanes(self.p, self.count)]
        counts, exps = [], []  # whether a product counts for the largest exponent; exponents, from the lowest up
        for lane, p in enumerate(products):
            number, exp = Signal(name=f"number_{lane}"), Signal(wide.exp_bits, name=f"exp_{lane}")
            m.d.comb += number.eq(~(p.zero | p.inf | p.nan))
            m.d.comb += exp.eq(Cat(p.exp[:-1], ~p.exp[-1]) if wide.exp_signed else p.exp)
            counts.append(number)
            exps.append(exp)
        sigs = [p.sig & number.replicate(len(p.sig)) for p, number in zip(products, counts, strict=True)]
        signs = [p.sign & number for p, number in zip(products, counts, strict=True)]
        seen = Cat(*(Cat(p.inf & (p.sign == sign) for p in products).any() for sign in (0, 1)),
                   Cat(p.nan for p in products).any())

        largest = [exp & number.replicate(len(exp)) for exp, number in zip(exps, counts, strict=True)]
        if self.staged:
            largest, sigs, signs, seen = self._cut(m, "product", largest, sigs, signs, seen)
            exps = largest  # of what does not count, any will do
        level = 0
        while len(largest) > 1:
            largest, level = self._larger(m, largest), level + 1
            if level % _COMPARISONS == 0 or len(largest) == 1:
                largest, exps, sigs, signs, seen = self._cut(m, "larger", largest, exps, sigs, signs, seen)
        [largest] = largest
        distances = [(largest - exp)[: wide.exp_bits] for exp in exps]
        largest, distances, sigs, signs, seen = self._cut(m, "apart", largest, distances, sigs, signs, seen)
        words, negative = [], []
        for lane, (sig, distance, minus) in enumerate(zip(sigs, distances, signs, strict=True)):
            word, sign = Signal(self.bits + 1, name=f"word_{lane}"), Signal(name=f"sign_{lane}")
            sig = Cat(Const(0, self.window - len(sig)), sig)
            aligned, _ = shift_right(m, sig, distance, Const(0))
            m.d.comb += sign.eq(minus)
            m.d.comb += word.eq(Cat(aligned, Const(0, self.bits + 1 - self.window)) ^ sign.replicate(self.bits + 1))
            words.append(word)
            negative.append(sign)
        words, negative, largest, seen = self._cut(m, "aligned", words, negative, largest, seen)
        depth = full_adders(self.count)
        ends = {*range(_FULL_ADDERS, depth, _FULL_ADDERS), *[depth] * (depth > 0)}
        words, carries = compress(m, words, negative, lambda level, values: self._cut(m, "level", values)[0]
                                  if level in ends else values)
        for _ in ends:
            largest, seen = self._cut(m, "level", largest, seen)

        total, short = Signal(self.bits + 1, reset_less=True, name="total"), Signal(reset_less=True, name="short")
        exp, flags = Signal(wide.exp_bits, reset_less=True, name="exp"), Signal(3, reset_less=True, name="flags")
        code = Signal.like(self.sum, reset_less=True, name="code")
        sums = total, short, exp.as_signed() if wide.exp_signed else exp, flags
        packed = self._packed(m, *sums) if self.staged else None
        with m.If(self.en):
            m.d.sync += [
                total.eq(words[0] + words[1] + carries[0]), short.eq(carries[1]),
                exp.eq(Cat(largest[:-1], ~largest[-1]) if wide.exp_signed else largest),
                flags.eq(seen),
            ]
            m.d.sync += code.eq(self._packed(m, *sums) if packed is None else packed)
        m.d.comb += self.sum.eq(code)
        return m

    def _cut(self, m: Module, name: str, *values: Any) -> Any:
        """Values, and lists of such, as they are a cycle later where the sum is staged."""
        if not self.staged:
            return values
        return [self._cut(m, name, *value) if isinstance(value, list) else passed(m, name, value, self.en)
                for value in values]

    def _larger(self, m, exps):
        """Of each pair of neighbours the larger; an odd one passes on."""
        larger = []
        for x, y in zip(exps[::2], exps[1::2], strict=False):
            exp = Signal(len(x), name="larger")
            m.d.comb += exp.eq(Mux(x > y, x, y))
            larger.append(exp)
        return larger + exps[len(exps) // 2 * 2 :]

    def _packed(self, m, total, short, exp, flags):
        """The code of a sum that is ``total``, and 1 more if ``short``."""
        negative = total[-1]
        magnitude = Signal(self.bits, name="magnitude")
        m.d.comb += magnitude.eq((total ^ negative.replicate(len(total))) + (negative ^ short))
        if self.staged:
            magnitude, *rest = self._cut(m, "magnitude", magnitude, negative, exp, flags)
            zeros = leading_zeros(m, magnitude)
            magnitude, zeros, negative, held, flags = self._cut(m, "zeros", magnitude, zeros, *rest)
            sig, exp = shift_left(m, magnitude, zeros), (held.as_signed() if exp.shape().signed else held) - zeros
        else:
            sig, exp = normalise(m, magnitude, exp, self.bits - 1)
        packed_exp = Signal(self.total.layout.exp_bits, name="packed_exp")
        m.d.comb += packed_exp.eq(exp)
        zero = ~sig[-1]
        positive_inf, negative_inf, nan = flags
        inf = positive_inf | negative_inf
        fields = {"inf": inf, "nan": nan | (positive_inf & negative_inf),
                  "sign": Mux(inf, negative_inf, negative & ~zero), "zero": zero, "sig": sig, "exp": packed_exp}
        return Cat(fields[name] for name, _ in self.total.layout.fields)
