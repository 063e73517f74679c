"""Figures of designs, looked up in a record of `lmul.synth`; what is missing has a reason."""

import shlex
from collections.abc import Collection, Iterable
from typing import Any

from ..hdl.designs import parse
from ..synth import library, rivals
from ..synth.fpga import TARGETS
from ..synth.options import Options
from .rows import Row

FLAGS = {"operands": "operands", "pairing": "pairing", "vectors": "vectors", "seed": "seed", "mode": "activity",
         "clock_ps": "clock", "wire_load": "wire-load", "effort": "effort", "dont_use": "dont-use",
         "mapping_seed": "mapping-seed"}  # options of a record, as `lmul report` calls them

GATING = {"on": ["--clock-gating"], "off": ["--no-clock-gating"]}


class Figures:
    """Rows of a record, by design and technology.

    Parameters
    ----------
    record : dict or None
        As `lmul.synth.record` describes it; None: nothing was measured.
    """

    def __init__(self, record: Row | None) -> None:
        self.record = record or {"rows": (), "libraries": (), "options": {}, "scatter": {"margins": ()}}
        self.rows = {(row["design"], row["technology"]): row for row in self.record["rows"]}
        self.libraries = list(dict.fromkeys(each["name"] for each in self.record["libraries"])) or ["no library"]
        self.margins = {tuple(each[key] for key in ("design", "rival", "technology", "measure")): each["margin"]
                        for each in self.record["scatter"]["margins"]}
        self.designs = list(dict.fromkeys(design for design, _ in self.rows))
        known = {slug: parse(slug) for slug in self.designs}
        self.groups = {slug: set(rivals.groups(design, known.values())) for slug, design in known.items()}

    def of(self, design: str, technology: str, key: str) -> Any:
        """The figure, or None."""
        return self.rows.get((design, technology), {}).get(key)

    def any(self, design: str, key: str) -> Any:
        """A figure that belongs to the design and not to a technology, such as ``gates``; or None."""
        found = (row.get(key) for (name, _), row in self.rows.items() if name == design)
        return next((value for value in found if value is not None), None)

    def reason(self, design: str, key: str, technology: str | None = None) -> str | None:
        """Why a figure is missing, or None if it is there."""
        value = self.of(design, technology, key) if technology else self.any(design, key)
        if value is not None:
            return None
        rows = [row for (name, where), row in self.rows.items() if name == design and technology in (None, where)]
        reasons = [row["reasons"][key] for row in rows if key in row["reasons"]]
        return reasons[0] if reasons else f"`{design}` is not in the record"

    def margin(self, ours: str, rival: str, measure: str, technology: str | None = None) -> float | None:
        """The margin of a ratio of two designs' figures, in its logarithm: the pair's own in the record, or for two
        that are no rivals the widest of their structure; None where the record has none.

        ``technology`` is None for a figure that belongs to the design, such as ``gates``.
        """
        alike = {key: margin for key, margin in self.margins.items()
                 if key[3] == measure and technology in (None, key[2])}
        own = [margin for key, margin in alike.items() if key[:2] == (ours, rival)]
        return max(own or [margin for key, margin in alike.items()
                           if key[0].partition("_")[0] == ours.partition("_")[0]], default=None)

    def undriven(self, designs: Iterable[str], technology: str) -> str | None:
        """Why operands are no evidence of these designs' energy, nor of netlists chosen by it; None where they are."""
        rows = [self.rows[design, technology] for design in designs if (design, technology) in self.rows]
        why = next(filter(None, map(rivals.undriven, rows)), None)
        return why and f"these operands are no evidence: {why}"

    def command(self, designs: Collection[str], technology: str | None = None) -> str:
        """The command line that measures rows of these designs again as the record has them: with the rivals that
        decided the clock, and the record's options. For cells that came from files it is the record's own."""
        if technology is not None and self.rows and technology not in (*library.EMBEDDED, *TARGETS):
            return self.record["command"]
        alike = [design for design in self.designs
                 if any(self._share(design, each, technology) for each in designs)]
        words = ["lmul", "report", *dict.fromkeys((*designs, *alike))]
        words += ["--tech", technology] if technology in (*library.EMBEDDED, *TARGETS) else []
        words += GATING.get(self.record["options"].get("gating"), [])
        for key, value in self.record["options"].items():
            if key in FLAGS and value != getattr(Options, key):
                words += [f"--{FLAGS[key]}", str(value)]
        return shlex.join([*words, "-o", "DIR"])

    def _share(self, design, other, technology):
        """Whether two designs were measured at one clock because they are rivals."""
        return bool(self.groups.get(design, set()) & self.groups.get(other, set())
                    and self._clocks(design, technology) & self._clocks(other, technology))

    def _clocks(self, design, technology):
        row = self.rows.get((design, technology), {"clock_ps": None, "at": {}})
        return {row["clock_ps"], *(at["clock_ps"] for at in row["at"].values())} - {None}


def rival(slug: str) -> str:
    """The exact design that differs from an L-Mul design in its arithmetic alone."""
    formats = parse(slug).multiplier.formats
    return slug.replace(f"lmul_{formats}", f"exact_{formats}_flush", 1)
