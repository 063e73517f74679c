"""Figures of designs, looked up in a record of `lmul.synth`; what is missing has a reason."""

from ..hdl.designs import parse


class Figures:
    """Rows of a record, by design and technology.

    Parameters
    ----------
    record : dict or None
        As `lmul.synth.record` describes it; None: nothing was measured.
    """

    def __init__(self, record):
        self.record = record
        self.rows = {(row["design"], row["technology"]): row for row in (record or {}).get("rows", ())}
        self.libraries = list(dict.fromkeys(each["name"] for each in (record or {}).get("libraries", ())))
        self.designs = list(dict.fromkeys(design for design, _ in self.rows))

    def of(self, design, technology, key):
        """The figure, or None."""
        return self.rows.get((design, technology), {}).get(key)

    def any(self, design, key):
        """A figure that belongs to the design and not to a technology, such as ``gates``; or None."""
        found = (row.get(key) for (name, _), row in self.rows.items() if name == design)
        return next((value for value in found if value is not None), None)

    def reason(self, design, key, technology=None):
        """Why a figure is missing, or None if it is there."""
        value = self.of(design, technology, key) if technology else self.any(design, key)
        if value is not None:
            return None
        rows = [row for (name, where), row in self.rows.items() if name == design and technology in (None, where)]
        reasons = [row["reasons"][key] for row in rows if key in row["reasons"]]
        return reasons[0] if reasons else f"`{design}` is not in the record: `lmul report` measures it, or `--full`"


def rival(slug):
    """The exact design that differs from an L-Mul design in its arithmetic alone."""
    formats = parse(slug).multiplier.formats
    return slug.replace(f"lmul_{formats}", f"exact_{formats}_flush", 1)
