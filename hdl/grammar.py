"""How slugs are spelled, put together from what structures, families and accumulators declare."""

from ..golden import families
from ..golden.accumulators import KINDS
from ..golden.formats import FORMATS
from .designs import MAX_SIDE, MAX_STAGES, MAX_WINDOW
from .structures import STRUCTURES


def grammar() -> dict[str, str]:
    """Patterns of slugs and of their parts, and what each is.

    Capitals stand for what is to be put there. ``[_a|_b]`` may be left out, ``(_a|_b)`` may not.
    """
    members = families.members()
    found = {}
    for name, structure in STRUCTURES.items():
        if structure.kind:
            parts = _multiplier(members[structure.kind][0])
        else:
            parts = "MULTIPLIER" + "_ACCUMULATOR" * structure.accumulates
        found[f"{structure.word or name}_{parts}{structure.shape.spelling}"] = structure.summary
    alone = {structure.kind for structure in STRUCTURES.values()}
    several = [member for kind, (member, _) in members.items() if kind not in alone]
    found |= {_multiplier(member): f"a MULTIPLIER: {member.summary}" for member in several if member.spelled}
    integers = "; ".join(member.summary for member in several if not member.spelled)
    return found | {
        "FORMATS": "FORMAT, of both operands, or FORMATxFORMAT, activation times weight; of tiles also blocks: mxe4m3; "
                   f"by itself a MULTIPLIER where it is an {integers}",
        "FORMAT": f"{', '.join(FORMATS)}; any e{{E}}m{{M}}, which has Inf and NaN as IEEE 754 does; l{{E}}f{{F}}; "
                  "of integers int4, uint8, ternary, pot3k2, sign8, ...",
        "ACCUMULATOR": "; ".join(f"{kind.example}: {kind.summary}" for kind in KINDS.values()),
        "N": "a number; m before it is minus: offm2; behind an h it counts halves",
        "LANES, ROWS, COLS": f"up to {MAX_SIDE}; LANES of a dot up to 256",
        "BITS": f"of the window in which products are added, up to {MAX_WINDOW}",
        "STAGES": f"of a tile, 2 or {MAX_STAGES}; 1 is left out",
    }


def _multiplier(member):
    """Kind, formats and policies of a family."""
    words = [*[member.kind] * member.spelled, "FORMAT" if any(each.formats for each in member.policies) else "FORMATS"]
    return "_".join(words) + "".join(_policy(policy, getattr(member, policy.name, None)) for policy in member.policies)


def _policy(policy, default):
    words = "|".join(f"_{word}" for word in policy.choices(default))
    return words if policy.formats else f"[{words}]"
