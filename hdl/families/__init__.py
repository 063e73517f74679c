"""The components of the families: a file for each, as in ``golden/families``, whose registry finds them."""

from ...golden import families
from ...golden.refusal import Refusal
from ...golden.spec import Multiplier
from ..part import MultiplierPart


def component(spec: Multiplier, wide: bool) -> MultiplierPart:
    """The component that a `Multiplier`'s family builds for it: `hdl.multipliers.multiplier`."""
    family = families.family(spec)
    module = families.module(family, "hdl")
    if module is None:
        raise Refusal(f"Family {family!r} must have a module {families.sources()[family].format(room='hdl')}")
    return module.component(spec, wide)
