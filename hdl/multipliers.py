"""The combinational multiplier of any specification."""

from ..golden.spec import Multiplier
from .families import component
from .part import MultiplierPart


def multiplier(spec: Multiplier, wide: bool = False) -> MultiplierPart:
    """The component that multiplies as ``spec`` says, in its narrow or its wide form.

    Parameters
    ----------
    spec : :class:`~lmul.golden.spec.Multiplier`
    wide : bool
        Whether the product is the unrounded one, packed as ``spec.wide`` says.

    Members
    -------
    a, b : ``In(spec.a.width)``, ``In(spec.b.width)``
        Operand codes.
    p : ``Out(spec.wide.width if wide else spec.narrow_width)``
        The product.
    """
    return component(spec, wide)
