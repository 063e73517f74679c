"""Figures of designs, looked up in a record of `lmul.synth`; what is missing has a reason."""

import shlex

from ..hdl.designs import parse
from ..synth import library
from ..synth.fpga import TARGETS
from ..synth.measure import Options

EFFORT = "low"  # of what is measured for a page of claims
FLAGS = {"operands": "operands", "vectors": "vectors", "seed": "seed", "mode": "activity", "clock_ps": "clock",
         "wire_load": "wire-load", "effort": "effort"}  # options of a record, as `lmul report` calls them


class Figures:
    """Rows of a record, by design and technology.

    Parameters
    ----------
    record : dict or None
        As `lmul.synth.record` describes it; None: nothing was measured.
    """

    def __init__(self, record):
        self.record = record or {"rows": (), "libraries": (), "options": {"effort": EFFORT}}
        self.rows = {(row["design"], row["technology"]): row for row in self.record["rows"]}
        self.libraries = list(dict.fromkeys(each["name"] for each in self.record["libraries"])) or ["no library"]
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
        return reasons[0] if reasons else f"`{design}` is not in the record"

    def command(self, designs, technology=None):
        """The command line that measures rows of these designs again as the record has them: with the rivals that
        decided the clock, and the record's options. For cells that came from files it is the record's own."""
        if technology is not None and self.rows and technology not in (*library.EMBEDDED, *TARGETS):
            return self.record["command"]
        clocks = {(_group(design), self.of(design, technology, "clock_ps")) for design in designs}
        alike = [design for design in self.designs if (clock := self.of(design, technology, "clock_ps")) is not None
                 and (_group(design), clock) in clocks]
        words = ["lmul", "report", *dict.fromkeys((*designs, *alike))]
        words += ["--tech", technology] if technology in (*library.EMBEDDED, *TARGETS) else []
        for key, value in self.record["options"].items():
            if key in FLAGS and value != getattr(Options, key):
                words += [f"--{FLAGS[key]}", str(value)]
        return shlex.join([*words, "-o", "DIR"])


def _group(slug):
    """Equal for designs that differ in their arithmetic alone: they are compared at one clock."""
    spec = parse(slug).multiplier
    return slug.replace(spec.name, "", 1), spec.formats, spec.subnormals


def rival(slug):
    """The exact design that differs from an L-Mul design in its arithmetic alone."""
    formats = parse(slug).multiplier.formats
    return slug.replace(f"lmul_{formats}", f"exact_{formats}_flush", 1)
