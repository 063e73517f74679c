"""Integers times -1, 0 or 1."""


def product(spec, is_wide, a, b):
    """``a``, ``-a`` or 0, as wide as port ``p``."""
    number = a.extend(spec.wide.width, signed=spec.a.signed)
    signed = b[1].choose(number.value(0) - number, number)
    return b[0].choose(signed, number.value(0))
