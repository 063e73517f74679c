"""Functional coverage: points with bins, counted over all tests of a simulation; what was not hit, by name."""

from __future__ import annotations

import json
import os
from typing import Any

import cocotb
import numpy as np

from . import settings


class Coverage:
    """Points, and of each how often its bins were hit. A bin that cannot be hit is none: ``left_out`` says why."""

    def __init__(self, left_out: dict[str, dict[str, str]]) -> None:
        self.points: dict[str, dict[str, int]] = {}
        self.left_out = left_out

    def point(self, name: str, bins: list[str]) -> None:
        """Declare a point, once or again."""
        out = self.left_out.get(name, {})
        self.points.setdefault(name, {each: 0 for each in bins if each not in out})

    def hit(self, point: str, name: str, count: int = 1) -> None:
        """Count a bin. One that was left out, and is hit all the same, shows as one that should not have been."""
        bins = self.points[point]
        bins[name] = bins.get(name, 0) + count

    def classes(self, point: str, names: list[str], places: np.ndarray) -> None:
        """Count classes by their places among ``names``."""
        for place, count in enumerate(np.bincount(np.ravel(places), minlength=len(names))):
            if count:
                self.hit(point, names[place], int(count))

    def cross(self, point: str, names: list[str], others: list[str], counts: np.ndarray) -> None:
        """Count pairs of classes, (names, others)."""
        for place, other in np.argwhere(counts):
            self.hit(point, f"{names[place]} x {others[other]}", int(counts[place, other]))

    @property
    def holes(self) -> dict[str, list[str]]:
        """By point the bins that were not hit."""
        found = {point: [name for name, count in bins.items() if not count] for point, bins in self.points.items()}
        return {point: names for point, names in found.items() if names}

    @property
    def record(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {"design": settings.slug(), "seeds": settings.seeds(), "points": self.points, "holes": self.holes,
                "left_out": {point: out for point, out in self.left_out.items() if out}}

    @property
    def table(self) -> str:
        """Points, and what was not hit, as lines."""
        lines = ["coverage: bins hit of those that can be"]
        for point, bins in self.points.items():
            lines.append(f"  {point}: {sum(map(bool, bins.values()))} of {len(bins)}")
            lines += [f"    hole: {name}" for name in self.holes.get(point, [])]
        return "\n".join(lines)

    def write(self) -> None:
        """Leave the record in ``coverage.json``, or the file that COVERAGE_FILE names."""
        with open(os.environ.get("COVERAGE_FILE") or "coverage.json", "w") as file:
            json.dump(self.record, file, indent=1)
            file.write("\n")


#: Of this simulation.
coverage = Coverage(settings.about()["left_out"])


@cocotb.test(stage=1, skip=settings.some())
async def holes_are_listed(dut: Any) -> None:
    """Not a test of the design: after the others, print what was covered."""
    coverage.write()
    dut._log.info(coverage.table)
    if settings.holes_fail():
        assert not coverage.holes, f"{settings.slug()}: bins that were not hit: {coverage.holes}"
