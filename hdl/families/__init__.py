"""The components of the families: a file for each, as in ``golden/families``, whose registry finds them."""

from ...golden import families


def component(spec, wide):
    """The component that a `Multiplier`'s family builds for it: `hdl.multipliers.multiplier`."""
    return families.module(families.family(spec), "hdl").component(spec, wide)
