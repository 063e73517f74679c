"""Products and sums written down again from their definitions, for one number at a time, in exact arithmetic: Python
integers and fractions. Shares nothing with `lmul.golden` but the parameter objects."""

from fractions import Fraction
from functools import lru_cache
from math import floor

INF, NAN = "inf", "nan"


def power(exp):
    """2 to an integer power."""
    return Fraction(1 << exp) if exp >= 0 else Fraction(1, 1 << -exp)


def exponent(value):
    """The exponent of a positive number's leading bit."""
    top = value.numerator.bit_length() - value.denominator.bit_length()
    return top if power(top) <= value else top - 1


def split(fmt, code):
    """Sign, exponent field and mantissa field."""
    return code >> fmt.field_bits, (code >> fmt.man_bits) & fmt.exp_mask, code & fmt.man_mask


@lru_cache(maxsize=1 << 20)
def magnitude(fmt, code):
    """A code's value without its sign: a fraction, INF or NAN."""
    _, exp, man = split(fmt, code)
    if fmt.specials.value == "ieee" and exp == fmt.exp_mask:
        return NAN if man else INF
    if fmt.specials.value == "nan_only" and exp == fmt.exp_mask and man == fmt.man_mask:
        return NAN
    if exp == 0:
        return man * power(1 - fmt.bias - fmt.man_bits)
    return (power(fmt.man_bits) + man) * power(exp - fmt.bias - fmt.man_bits)


def operand(fmt, code, subnormals):
    """A code's magnitude under a policy for subnormals."""
    return Fraction(0) if subnormals == "flush" and split(fmt, code)[1] == 0 else magnitude(fmt, code)


def mitchell(a, b, offset):
    """The product of two positive numbers by adding exponents and mantissas, and the offset to the mantissas."""
    exp_a, exp_b = exponent(a), exponent(b)
    mantissas = a / power(exp_a) - 1 + b / power(exp_b) - 1 + offset
    carry = floor(mantissas)
    return (1 + mantissas - carry) * power(exp_a + exp_b + carry)


def product(spec, a, b, wide=True):
    """The magnitude of the product of two codes, wide or before it is rounded to the narrow one: a fraction, INF or
    NAN."""
    a, b = operand(spec.a, a, spec.subnormals), operand(spec.b, b, spec.subnormals)
    if NAN in (a, b) or {a, b} == {INF, 0}:
        return NAN
    if INF in (a, b):
        return INF
    if a == 0 or b == 0:
        return Fraction(0)
    if spec.kind == "exact":
        return shortened(spec, a * b) if wide else a * b
    halves = spec.offset_halves if wide else 2 * spec.offset_value
    return mitchell(a, b, Fraction(halves, 2 << spec.a.man_bits))


def shortened(spec, value):
    """A positive number rounded to nearest even, or cut, to the bits of significand that a specification keeps."""
    bits = spec.cut if spec.rounded is None else spec.rounded
    if bits is None:
        return value
    place = power(exponent(value) - bits + 1)
    return (floor if spec.rounded is None else round)(value / place) * place


def narrow(spec, value):
    """The field of a wide product's magnitude in the format of the narrow product."""
    fmt = spec.a
    if value in (INF, NAN):
        return fmt.inf if value == INF else fmt.nan
    flush = spec.subnormals == "flush" or spec.kind != "exact"
    field = nearest(fmt, value, gradual=not flush)
    if flush and field < fmt.min_normal:
        return 0
    if field <= fmt.max_finite:
        return field
    if spec.overflow == "saturate":
        return fmt.max_finite
    return fmt.nan if fmt.inf is None else fmt.inf


def nearest(fmt, value, gradual=True):
    """The field nearest to a magnitude, ties to even, the exponent unbounded above, and below unless ``gradual``."""
    if value == 0:
        return 0
    exp = exponent(value)
    if gradual:
        exp = max(exp, 1 - fmt.bias)
    significand = round(value / power(exp - fmt.man_bits))
    return ((exp + fmt.bias - 1) << fmt.man_bits) + significand


# Sums


def value(fmt, code):
    """A code's value: a fraction with its sign, INF or NAN."""
    size = magnitude(fmt, code)
    return -size if code & fmt.sign_mask and isinstance(size, Fraction) else size


def accumulated(fmt, acc, sign, size):
    """The code of ``acc`` plus a number given by sign and magnitude: INF, NAN or a fraction. IEEE 754 addition rounded
    once to ``fmt``, every NaN the same."""
    sign_acc, size_acc = acc >> fmt.field_bits, magnitude(fmt, acc)
    if NAN in (size, size_acc) or (size == size_acc == INF and sign != sign_acc):
        return fmt.nan
    if INF in (size, size_acc):
        return ((sign if size == INF else sign_acc) << fmt.field_bits) | fmt.inf
    if size == size_acc == 0:
        return (sign & sign_acc) << fmt.field_bits
    return rounded(fmt, (-size if sign else size) + (-size_acc if sign_acc else size_acc))


def rounded(fmt, total):
    """The code nearest to a fraction; of zero, +0."""
    return (fmt.sign_mask if total < 0 else 0) | min(nearest(fmt, abs(total)), fmt.inf)


def products(spec, a, b, wide=True):
    """Signs and magnitudes of the products of two rows of codes."""
    return [((x >> spec.a.field_bits) ^ (y >> spec.b.field_bits), product(spec, x, y, wide))
            for x, y in zip(map(int, a), map(int, b), strict=True)]


def accumulate(spec, accumulator, a, b):
    """The sum of the products of two rows of codes, as an accumulator forms it."""
    fmt = accumulator.result
    terms = products(spec, a, b)
    if accumulator.rounds:
        acc = 0
        for sign, size in terms:
            acc = accumulated(fmt, acc, sign, size)
        return acc
    infinities = {sign for sign, size in terms if size == INF}
    if any(size == NAN for _, size in terms) or len(infinities) == 2:
        return fmt.nan
    if infinities:
        return (infinities.pop() << fmt.field_bits) | fmt.inf
    return rounded(fmt, sum((-size if sign else size for sign, size in terms), Fraction(0)))


def significand(spec, a, b):
    """Significand and exponent of the wide product of two codes that are numbers: the exact one's is not normalised."""
    if spec.wide.implicit_one:
        size = product(spec, a, b)
        exp = exponent(size) - spec.wide.frac_bits
        return int(size / power(exp)), exp
    parts = []
    for fmt, code in ((spec.a, a), (spec.b, b)):
        _, exp, man = split(fmt, code)
        parts.append((man + (fmt.min_normal if exp else 0), max(exp, 1) - fmt.bias - fmt.man_bits))
    return parts[0][0] * parts[1][0], parts[0][1] + parts[1][1]


def aligned(spec, fmt, window, acc, a, b):
    """``acc`` plus a group of products, aligned to the largest exponent in a window of bits."""
    width = spec.wide.sig_bits + spec.wide.implicit_one
    terms = products(spec, a, b)
    infinities = {sign for sign, size in terms if size == INF}
    if any(size == NAN for _, size in terms) or len(infinities) == 2:
        return accumulated(fmt, acc, 0, NAN)
    if infinities:
        return accumulated(fmt, acc, infinities.pop(), INF)
    numbers = [(sign, *significand(spec, int(x), int(y))) for (sign, size), x, y in zip(terms, a, b, strict=True)
               if size != 0]
    if not numbers:
        return accumulated(fmt, acc, 0, Fraction(0))
    largest = max(exp for _, _, exp in numbers)
    total = 0
    for sign, sig, exp in numbers:
        shifted = floor(sig * power(window - width) * power(exp - largest))
        total += -shifted if sign else shifted
    return accumulated(fmt, acc, int(total < 0), abs(total) * power(largest - (window - width)))


def tree(spec, fmt, acc, a, b):
    """``acc`` plus a group of products, each rounded, summed in pairs."""
    codes = [accumulated(fmt, fmt.sign_mask, sign, size) for sign, size in products(spec, a, b)]
    while len(codes) > 1:
        pairs = [_plus(fmt, *codes[i : i + 2]) for i in range(0, len(codes) - 1, 2)]
        codes = pairs + codes[len(codes) // 2 * 2 :]
    return _plus(fmt, acc, codes[0])


def _plus(fmt, x, y):
    return accumulated(fmt, x, y >> fmt.field_bits, magnitude(fmt, y))
