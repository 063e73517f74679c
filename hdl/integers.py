"""What multipliers of integers share: ports, and name."""

from amaranth.hdl import Value
from amaranth.lib.wiring import In, Out

from ..golden.formats import IntFormat
from ..golden.spec import Multiplier
from .part import MultiplierPart


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

    def __init__(self, spec: Multiplier, wide: bool = False) -> None:
        self.spec = spec
        super().__init__({"a": In(spec.a.width), "b": In(spec.b.width), "p": Out(spec.wide.width)})


def number(fmt: IntFormat, code: Value) -> Value:
    """A code of an `IntFormat` as a value with its sign."""
    return code.as_signed() if fmt.signed else code.as_unsigned()
