"""The components of the families: a file for each, as in ``golden/families``, whose registry finds them."""

from __future__ import annotations

from collections.abc import Callable

from ...golden import families
from ...golden.refusal import Refusal
from ...golden.spec import Multiplier
from ..part import MultiplierPart


def component(spec: Multiplier, wide: bool) -> MultiplierPart:
    """The component that a `Multiplier`'s family builds for it: `hdl.multipliers.multiplier`."""
    return _module(spec).component(spec, wide)


def partials(spec: Multiplier) -> Callable | None:
    """``partials(m, spec, a, b)`` of a family that offers it: the partial products of two codes, a list of
    `hdl.partials.Partial`, with what makes them put into a module; with 0 for ``b`` their sum is 0. Else None."""
    return getattr(_module(spec), "partials", None)


def recodable(spec: Multiplier) -> bool:
    """Whether a family says, by ``RECODABLE``, that its products are those of the numbers, so that any form of them
    will do that is made of the operands."""
    return getattr(_module(spec), "RECODABLE", False)


def _module(spec):
    family = families.family(spec)
    module = families.module(family, "hdl")
    if module is None:
        raise Refusal(f"Family {family!r} must have a module {families.sources()[family].format(room='hdl')}")
    return module
