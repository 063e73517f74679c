"""Products of integers."""


def product(spec, is_wide, a, b):
    """The product of two integers, as wide as port ``p``."""
    x, y = (code.extend(spec.wide.width, signed=fmt.signed) for fmt, code in ((spec.a, a), (spec.b, b)))
    return x * y
