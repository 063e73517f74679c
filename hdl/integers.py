"""What multipliers of integers share."""

from amaranth.hdl import Value

from ..golden.formats import IntFormat
from .part import MultiplierPart, Part


class IntegerPart(MultiplierPart):
    """A multiplier of integers: ``p`` is the whole product, narrow and wide alike.

    Timing: combinational.

    Parameters
    ----------
    spec : :class:`~lmul.golden.spec.Multiplier`
    wide : bool
        Without effect.

    Members
    -------
    a, b : ``In(spec.a.width)``, ``In(spec.b.width)``
        Operand codes.
    p : ``Out(spec.wide.width)``
        The product, signed as ``spec.wide`` says.
    """

    module_name = Part.module_name  # one name, since the product is the same either way


def number(fmt: IntFormat, code: Value) -> Value:
    """A code of an `IntFormat` as a value with its sign."""
    return code.as_signed() if fmt.signed else code.as_unsigned()
