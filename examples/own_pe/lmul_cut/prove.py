"""The specification."""

from lmul.prove.families import exact
from lmul.prove.specification import Operand
from lmul.prove.words import concat

#: The multiplication of an exact product may be put aside here as well.
multiplies = True


def product(spec, is_wide, a, b, multiply=lambda a, b: a * b):
    """The exact product of operands cut short."""
    return exact.product(spec.rival, is_wide, _cut(spec, spec.a, a), _cut(spec, spec.b, b), multiply)


def _cut(spec, fmt, code):
    operand = Operand(fmt, code, spec.subnormals)
    cut = concat(code[: spec.drop].value(0), code[spec.drop :])
    return (operand.inf | operand.nan).choose(code, cut)
