"""Integers times sums of signed powers of two."""


def product(spec, is_wide, a, b):
    """The sum over the powers of ``a`` times each, case by case of its field, as wide as port ``p``."""
    number = a.extend(spec.wide.width, signed=spec.a.signed)
    total, size = number.value(0), 1 + spec.b.exp_bits
    for place in range(spec.b.count):
        field, sign = b[place * size : place * size + spec.b.exp_bits], b[place * size + spec.b.exp_bits]
        power = number.value(0)
        for exponent in range(spec.b.largest_shift + 1):
            power = field.equals(exponent + 1).choose(number << exponent, power)
        total = sign.choose(total - power, total + power)
    return total
