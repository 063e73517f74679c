"""Sums of the products of signs."""


def product(spec, is_wide, a, b):
    """1 for each pair of signs that agree, -1 for each that do not, as wide as port ``p``."""
    differ = a ^ b
    one = a[0].value(1, spec.wide.width)
    total = one.value(0)
    for place in range(spec.a.width):
        total = differ[place].choose(total - one, total + one)
    return total
