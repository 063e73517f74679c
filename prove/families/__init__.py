"""The specifications of the families, from their definitions, apart from golden and the RTL: a file for each, as in
``golden/families``, whose registry finds them.

A file has ``product(spec, is_wide, a, b)``: what a `Multiplier` must give for two operand codes (for one, where ``b``
has no bits), as a `Word` as wide as port ``p``. It may have ``multiplies = True``, if its product takes the
multiplication of two words as a further argument, and ``further(design)``, obligations beyond the usual ones. For
integers that go into sums as partial products (`hdl.partials`) and are too wide for exhaustion,
``written_out(spec, logic, a, b)`` gives a product as literals of gates, each with its weight; without it the solver
adds the partial products up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...golden import families

if TYPE_CHECKING:
    from ...golden.spec import Multiplier


@dataclass(frozen=True)
class Specification:
    """What a family says of its products; a file's words, and what holds where it is silent."""

    product: Callable
    multiplies: bool = False
    further: Callable = lambda design: []
    written_out: Callable | None = None


def specification(spec: Multiplier) -> Specification | None:
    """The `Specification` of a multiplier's family; None where the family brings none, and only exhaustion can prove
    its products."""
    found = families.module(families.family(spec), "prove")
    if found is None:
        return None
    told = {name: getattr(found, name) for name in ("multiplies", "further", "written_out") if hasattr(found, name)}
    return Specification(found.product, **told)
