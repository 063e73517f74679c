"""Conversion of codes: floats to logarithms and back, to the nearest in value."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Value

from ...golden.formats import FloatFormat, LogFormat
from ...golden.spec import Multiplier
from ..antilog import nearest, power
from ..operand import Operand, looked_up, named
from ..part import MultiplierPart
from ..shift import normalise

_TABLE_BITS = 8  # mantissas up to this length index a table; longer ones are compared


class ToLog(MultiplierPart):
    """The log code nearest in value to a float; beyond the largest number, and of Inf and NaN, the largest.

    Every octave has the same thresholds, so the exponent changes its bias, and the fraction is what the mantissa has
    passed of them; past the last it carries into the exponent. Below the octaves of the log format there is but one
    threshold, half the smallest number. Bit-exact with :func:`lmul.golden.products.multiply`.

    Timing: combinational.

    Parameters
    ----------
    spec : :class:`~lmul.golden.spec.Multiplier`
        Of kind ``conv``, of a float.

    Members
    -------
    a : ``In(spec.a.width)``
    p : ``Out(spec.narrow_width)``
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source, target = self.spec.a, self.spec.narrow
        assert isinstance(source, FloatFormat) and isinstance(target, LogFormat)
        code = Operand(m, "a", source, self.a, "exact")
        man, exp = code.man, code.exp
        if target.bias - source.bias >= -1:  # else all subnormals are far below the log codes
            shifted, minus_zeros = normalise(m, man, Const(0, 1), source.man_bits - 1)
            man = named(m, "man", Mux(code.normal, man, shifted.shift_left(1)[: source.man_bits]))
            exp = named(m, "exp", Mux(code.normal, exp, minus_zeros.as_signed()))
        fraction = named(m, "fraction", _passed(man, _thresholds(target.man_bits, source.man_bits)))
        # The range is judged by exponents as they come: of the octaves' numbers their own few bits are enough.
        lowest = source.bias - target.bias
        inside = named(m, "inside", exp >= lowest)
        octave = named(m, "octave", (exp - lowest)[: target.exp_bits])
        field = named(m, "field", octave.shift_left(target.man_bits) + fraction)
        # The code below the first is zero, halfway to which is an octave below the lowest, at its first fraction.
        first = inside & ~field.any() | (exp == lowest - 1) & (man >= _least_above(target, source))
        over = named(m, "over", (exp >= lowest + (1 << target.exp_bits)) | inside & field[-1] | code.special)
        field = (field[:-1] & inside.replicate(target.field_bits)) | first | over.replicate(target.field_bits)
        m.d.comb += self.p.eq(Cat(field & (~code.zero).replicate(target.field_bits), code.sign))
        return m


class ToFloat(MultiplierPart):
    """The float nearest in value to a log code; beyond the largest number the largest, and subnormal where it is less
    than the smallest normal one.

    The fraction's antilog, rounded to as many bits as the float has, is added to the exponent, into which it may carry.
    Among the subnormal floats every octave has an antilog of its own, of fewer bits. Bit-exact with
    :func:`lmul.golden.products.multiply`.

    Timing: combinational.

    Parameters
    ----------
    spec : :class:`~lmul.golden.spec.Multiplier`
        Of kind ``conv``, of a logarithm.

    Members
    -------
    a : ``In(spec.a.width)``
    p : ``Out(spec.narrow_width)``
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        source, target = self.spec.a, self.spec.narrow
        assert isinstance(source, LogFormat) and isinstance(target, FloatFormat)
        field, sign = self.a[:-1], self.a[-1]
        fraction, octave = field[: source.man_bits], field[source.man_bits :]
        rebias = target.bias - source.bias
        exp = named(m, "exp", octave + rebias)
        bits, places = target.man_bits, source.man_bits
        found = named(m, "found", exp.shift_left(bits) + _antilog(fraction, places, bits) - (1 << bits))
        largest = ((1 << source.exp_bits) + rebias) << bits
        if largest > target.max_finite:
            found = named(m, "inside", Mux(found > target.max_finite, target.max_finite, found))
        for below in range(max(rebias, -bits), 1):  # exponents that no normal number has
            small = _antilog(fraction, places, bits + below - 1)
            found = named(m, f"found_{1 - below}", Mux(exp == below, small, found))
        some = named(m, "some", field.any() & (exp >= -bits) if rebias < -bits else field.any())
        m.d.comb += self.p.eq(Cat(found[: target.field_bits] & some.replicate(target.field_bits), sign))
        return m


def component(spec: Multiplier, wide: bool = False) -> MultiplierPart:
    """The component of a conversion."""
    return (ToLog if spec.narrow.logarithmic else ToFloat)(spec, wide)


def _thresholds(places, bits):
    """For n from 1 to ``2**places`` the least mantissa of ``bits`` bits that is nearer to the power
    ``2**(n / 2**places)`` than to the one before: it is past half their sum."""
    exact = bits + 64  # half the sum is irrational, and no mantissa is so close to it
    sizes = [power(places, n, exact) for n in range((1 << places) + 1)]
    return [((low + high) >> (exact - bits + 1)) + 1 - (1 << bits) for low, high in zip(sizes, sizes[1:], strict=False)]


def _least_above(target, source):
    """The least mantissa that is above ``2**(1 / 2**places)``, which is twice half the smallest number."""
    exact = source.man_bits + 64
    return (power(target.man_bits, 1, exact) >> 64) + 1 - (1 << source.man_bits)


def _antilog(fraction, places, bits):
    """``2**f`` of a fraction in units of ``2**-bits``, to the nearest integer."""
    values = [nearest(places, n, bits) for n in range(1 << places)]
    return looked_up(fraction, [Const(value, max(values).bit_length()) for value in values])


def _passed(man: Value, thresholds: Sequence[int]) -> Value:
    """How many of the thresholds, which ascend, a mantissa has passed."""
    if len(man) <= _TABLE_BITS:
        counts = [sum(limit <= each for limit in thresholds) for each in range(1 << len(man))]
        return looked_up(man, [Const(count, len(thresholds).bit_length()) for count in counts])
    return _searched(man, thresholds)


def _searched(man, thresholds):
    """The same by comparison with one threshold for each bit, chosen by the bits above."""
    bits, found = len(thresholds).bit_length() - 1, Const(0, 0)
    for bit in reversed(range(bits)):
        limits = [Const(limit, len(man) + 1) for limit in thresholds[(1 << bit) - 1 : -1 : 2 << bit]]
        found = Cat(man >= looked_up(found, limits), found)
    return found + (man >= thresholds[-1])
