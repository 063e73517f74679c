"""The specification."""

from lmul.prove.specification import Operand
from lmul.prove.specification import product as exact
from lmul.prove.words import concat


def product(spec, wide, a, b, multiply=lambda a, b: a * b):
    """The exact product of operands cut short."""
    return exact(spec.rival, wide, _cut(spec, spec.a, a), _cut(spec, spec.b, b), multiply)


def _cut(spec, fmt, code):
    operand = Operand(fmt, code, spec.subnormals)
    cut = concat(code[: spec.drop].value(0), code[spec.drop :])
    return (operand.inf | operand.nan).choose(code, cut)
