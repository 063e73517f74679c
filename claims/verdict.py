"""A claim, the checks it is put to, and the verdict, which follows from the checks alone."""

import math
from collections.abc import Iterable, Sequence

from .rows import Row, again

LISTED = 4  # conditions that are named one by one

VERDICTS = ("holds", "holds only for", "does not hold", "no clear difference", "not measured")

RULE = ("A claim is put to checks, each a condition and a criterion. It holds if every check that could be made "
        "holds, does not hold if some fail and none holds, and otherwise holds only for the conditions of the checks "
        "that hold. A check whose figure lies within its margin of the limit makes no clear difference: it neither "
        "holds nor fails, and a claim with no other checks makes none. Checks that could not be made say why and count "
        "for nothing.")


def within(ratio: float, limit: float, margin: float) -> bool | None:
    """Whether a ratio is at most its limit: None where it lies within its margin, in the logarithm, of it."""
    return None if abs(math.log(ratio / limit)) <= margin else ratio <= limit


def check(condition: str, criterion: str, measured: str, holds: bool | None, missing: str | None = None,
          designs: Iterable[str] = (), command: str | None = None, unclear: str | None = None) -> Row:
    """One check.

    Parameters
    ----------
    condition, criterion : str
    measured : str
        The figures it was decided on, in words.
    holds : bool or None
        None if it could not be made; ``missing`` then says why; or if it makes no clear difference, and ``unclear``
        says by which margin.
    designs : sequence of str
        Slugs of the designs whose figures decide it.
    command : str or None
        What makes it again; by default what makes its claim again.
    """
    if [holds is not None, bool(missing), bool(unclear)].count(True) != 1:
        raise ValueError("A check must hold or not, or say what is missing or why it is unclear, not "
                         f"{holds!r}, {missing!r} and {unclear!r}")
    return {"condition": condition, "criterion": criterion, "measured": measured,
            "holds": None if holds is None else bool(holds), "missing": missing, "unclear": unclear,
            "designs": list(designs), "command": command}


def result(check: Row) -> str:
    """What came of a check, in words."""
    return {True: "holds", False: "does not hold",
            None: "no clear difference" if check["unclear"] else "not measured"}[check["holds"]]


def verdict(checks: Sequence[Row]) -> str:
    """One of `VERDICTS`, by `RULE`."""
    found = {result(each) for each in checks} - {"not measured"}
    if len(found) <= 1:
        return found.pop() if found else "not measured"
    return "holds only for" if "holds" in found else "does not hold"


def conditions(checks: Sequence[Row]) -> str:
    """Under which conditions a claim holds: each, or by the words before the comma where they are many."""
    made = [each for each in checks if not each["missing"]]
    kept = [each["condition"] for each in made if each["holds"]]
    if len(kept) <= LISTED:
        return "; ".join(kept)
    groups = {}
    for each in made:
        groups.setdefault(each["condition"].split(",")[0], []).append(bool(each["holds"]))
    return "; ".join(name if all(held) else f"{name} ({sum(held)} of {len(held)})"
                     for name, held in groups.items() if any(held))


def claim(name: str, text: str, part: str, checks: Sequence[Row]) -> Row:
    """A claim as it stands in the record: a row of its ``part``."""
    row = f"{part}/{name}"
    made = [each for each in checks if not each["missing"]]
    counts = [f"{sum(each['holds'] is True for each in made)} of {len(made)} checks hold"] if made else []
    if unclear := sum(bool(each["unclear"]) for each in made):
        counts.append(f"{unclear} within their margin")
    if len(made) < len(checks):
        counts.append(f"{len(checks) - len(made)} not made")
    count = ", ".join(counts)
    checks = [each | {"command": each["command"] or again(row)} for each in checks]
    return {"row": row, "name": name, "claim": text, "part": part, "verdict": verdict(checks),
            "conditions": conditions(checks), "count": count, "checks": checks}
