"""What a multiplier must compute, as terms of the solver: written from the definition, apart from golden and the RTL.

L-Mul: arXiv 2410.00907, equation 1, as one addition of the fields. Exact: IEEE 754, one rounding to nearest even.
"""

from ..golden.formats import Specials
from .words import concat


class Operand:
    """A code taken apart.

    Attributes
    ----------
    sign, field, exp, man : Word
    zero, inf, nan : Word
        Conditions; a subnormal counts as zero when they are flushed.
    significand, exponent : Word
        ``significand`` has a hidden bit above the mantissa: of a normal number, or always when subnormals are flushed.
        The exponent of a subnormal that is kept is 1.
    """

    def __init__(self, fmt, code, subnormals):
        self.fmt = fmt
        self.sign, self.field = code[fmt.field_bits], code[:fmt.field_bits]
        self.man, self.exp = self.field[:fmt.man_bits], self.field[fmt.man_bits:]
        normal = ~self.exp.equals(0)
        self.zero = ~normal if subnormals == "flush" else self.field.equals(0)
        never = normal.value(0)
        top = self.exp.equals(fmt.exp_mask)
        self.inf = top & self.man.equals(0) if fmt.specials is Specials.IEEE else never
        self.nan = {Specials.IEEE: top & ~self.man.equals(0), Specials.NAN_ONLY: self.field.equals(fmt.field_mask),
                    Specials.FINITE: never}[fmt.specials]
        hidden = normal if subnormals == "exact" else ~never
        self.significand = concat(self.man, hidden)
        self.exponent = (normal if subnormals == "exact" else ~never).choose(self.exp, self.exp.value(1))

    def normalised(self):
        """(places, significand) for each way to shift a subnormal's first one into the hidden bit, with a condition."""
        bits = self.fmt.man_bits
        for places in range(1, bits + 1):
            below = bits - places
            first = self.man[below]
            if places > 1:
                first = first & self.man[below + 1:].equals(0)
            yield places, self.exp.equals(0) & first


def product(spec, wide, a, b, multiply=lambda a, b: a * b):
    """The product that a `Multiplier` must give, narrow or wide.

    Parameters
    ----------
    spec : Multiplier
    wide : bool
    a, b : Word
        Operand codes.
    multiply : callable
        Of two significands, widened to their product's width.

    Returns
    -------
    Word
        As wide as port ``p``.
    """
    x, y = Operand(spec.a, a, spec.subnormals), Operand(spec.b, b, spec.subnormals)
    sign = x.sign ^ y.sign
    flags = {"zero": x.zero | y.zero, "inf": x.inf | y.inf,
             "nan": x.nan | y.nan | (x.inf & y.zero) | (y.inf & x.zero)}
    if wide:
        sig, exp = _wide_sum(spec, x, y) if spec.form == "fields" else _wide_product(spec, x, y, multiply)
        parts = {"sig": sig, "exp": exp, "sign": sign, **flags}
        return concat(*(parts[name] for name, _ in spec.wide.fields))
    field, width = _narrow_sum(spec, x, y) if spec.form == "fields" else _rounded(spec, x, y, multiply)
    return concat(_special(spec, field, width, flags), sign)


def _special(spec, field, width, flags):
    """The field of the product from a signed integer of ``width`` bits, range and special values minded."""
    fmt = spec.a
    if spec.form == "fields" or spec.subnormals == "flush":
        flags = flags | {"zero": flags["zero"] | field.below(fmt.min_normal, signed=True)}
    beyond = fmt.max_finite if spec.overflow == "saturate" else fmt.inf if fmt.has_inf else fmt.nan
    over = field.value(fmt.max_finite).below(field, signed=True)
    result = over.choose(field.value(beyond), field)
    result = flags["zero"].choose(field.value(0), result)
    if fmt.has_inf:
        result = flags["inf"].choose(field.value(fmt.inf), result)
    if fmt.has_nan:
        result = flags["nan"].choose(field.value(fmt.nan), result)
    return result[:fmt.field_bits]


def _addend(spec, operand, width):
    """The integer that L-Mul adds: the field, or that of the normalised value, whose exponent is below 1."""
    field = operand.field.extend(width)
    if spec.subnormals == "exact":
        plain = operand.field.extend(width)
        for places, here in operand.normalised():
            # A hidden bit counts as one exponent, so that `places` of them are taken off.
            moved = (plain << places) - (places << operand.fmt.man_bits)
            field = here.choose(moved, field)
    return field


def _sum(spec, x, y):
    width = spec.a.field_bits + 6
    return _addend(spec, x, width) + (_addend(spec, y, width) << spec.align) + spec.offset_value


def _wide_sum(spec, x, y):
    total, man_bits = _sum(spec, x, y), spec.a.man_bits
    return total[:man_bits], total[man_bits:man_bits + spec.wide.exp_bits]


def _narrow_sum(spec, x, y):
    total = _sum(spec, x, y) - (spec.b.bias << spec.a.man_bits)
    return total, total.width


def _wide_product(spec, x, y, multiply):
    bits = spec.a.man_bits + spec.b.man_bits + 2
    exp_bits = spec.wide.exp_bits
    return (multiply(x.significand.extend(bits), y.significand.extend(bits)),
            x.exponent.extend(exp_bits) + y.exponent.extend(exp_bits))


def _rounded(spec, x, y, multiply):
    """The exact product rounded to nearest even, as an integer that may lie beyond the format's fields.

    With p the exponent of the product's first one, the last place kept weighs 2**(p - man_bits), but no less than the
    smallest subnormal where those are kept.
    """
    man, bits = spec.a.man_bits, spec.a.man_bits + spec.b.man_bits + 2
    exact = multiply(x.significand.extend(bits), y.significand.extend(bits))
    width = max(spec.a.exp_bits, bits.bit_length()) + 3
    exp = x.exponent.extend(width) + y.exponent.extend(width) - spec.b.bias + 1  # if the first one is uppermost
    first, zeros = exact, exp.value(0)
    for place in range(bits - 1):
        here = exact[place] & exact[place + 1:].equals(0)  # the first one
        first = here.choose(exact << (bits - 1 - place), first)
        zeros = here.choose(zeros.value(bits - 1 - place), zeros)
    exp = exp - zeros
    small = exp.below(1, signed=True)
    # Room below for all that a shift to the smallest subnormal's place moves down; further, nothing would be left.
    below = man + 2
    room = concat(first.value(0, below), first)
    if spec.subnormals == "exact":
        places = exp.value(1) - exp
        places = exp.value(below).below(places, signed=True).choose(exp.value(below), places)
        gone = small.choose(places, exp.value(0)).extend(room.width)
        shifted = room >> gone
        lost = ~(shifted << gone).equals(room)
        room = concat(shifted[0] | lost, shifted[1:])
        exp = small.choose(exp.value(1), exp)
    kept, rest = room[room.width - man - 1:], room[:room.width - man - 1]
    half = rest[rest.width - 1]
    more = rest[:rest.width - 1].any()
    up = half & (more | kept[0])
    total = width + man
    field = ((exp.extend(total, signed=True) - 1) << man) + kept.extend(total) + up.extend(total)
    return field, total
