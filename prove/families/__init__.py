"""The specifications of the families, from their definitions, apart from golden and the RTL: a file for each, as in
``golden/families``, whose registry finds them."""

from ...golden import families


def specification(spec):
    """What says, as terms of the solver, what a `Multiplier` of a family must give: `prove.specification.product`; or
    None where the family brings nothing, and only exhaustion can prove its products."""
    found = families.module(families.family(spec), "prove")
    return found and found.product
