"""A claim, the checks it is put to, and the verdict, which follows from the checks alone."""

from .rows import again

LISTED = 4  # conditions that are named one by one

VERDICTS = ("holds", "holds under stated conditions", "does not hold", "not measured")

RULE = ("A claim is put to checks, each a condition and a criterion. It holds if every check that could be made "
        "holds, does not hold if none does, and holds under stated conditions (those of the checks that hold) "
        "otherwise. Checks that could not be made say why and count for nothing.")


def check(condition, criterion, measured, holds, missing=None, designs=(), command=None):
    """One check.

    Parameters
    ----------
    condition, criterion : str
    measured : str
        The figures it was decided on, in words.
    holds : bool or None
        None if it could not be made; ``missing`` then says why.
    designs : sequence of str
        Slugs of the designs whose figures decide it.
    command : str or None
        What makes it again; by default what makes its claim again.
    """
    if (holds is None) != bool(missing):
        raise ValueError(f"A check must hold or not, or say what is missing, not {holds!r} and {missing!r}")
    return {"condition": condition, "criterion": criterion, "measured": measured,
            "holds": None if holds is None else bool(holds), "missing": missing, "designs": list(designs),
            "command": command}


def verdict(checks):
    """One of `VERDICTS`, by `RULE`."""
    made = [each["holds"] for each in checks if each["holds"] is not None]
    if not made:
        return "not measured"
    return "holds" if all(made) else "holds under stated conditions" if any(made) else "does not hold"


def conditions(checks):
    """Under which conditions a claim holds: each, or by the words before the comma where they are many."""
    made = [each for each in checks if each["holds"] is not None]
    kept = [each["condition"] for each in made if each["holds"]]
    if len(kept) <= LISTED:
        return "; ".join(kept)
    groups = {}
    for each in made:
        groups.setdefault(each["condition"].split(",")[0], []).append(each["holds"])
    return "; ".join(name if all(held) else f"{name} ({sum(held)} of {len(held)})"
                     for name, held in groups.items() if any(held))


def claim(name, text, part, checks):
    """A claim as it stands in the record: a row of its ``part``."""
    row = f"{part}/{name}"
    made = [each for each in checks if each["holds"] is not None]
    counts = [f"{sum(each['holds'] for each in made)} of {len(made)} checks hold"] if made else []
    if len(made) < len(checks):
        counts.append(f"{len(checks) - len(made)} not made")
    count = ", ".join(counts)
    checks = [each | {"command": each["command"] or again(row)} for each in checks]
    return {"row": row, "name": name, "claim": text, "part": part, "verdict": verdict(checks),
            "conditions": conditions(checks), "count": count, "checks": checks}
