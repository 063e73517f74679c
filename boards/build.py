"""Bitstreams made: the Makefile of a project run step by step, and what clock was reached."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..golden.refusal import Refusal
from .flow import FLOWS
from .project import DIVISORS, Project

if TYPE_CHECKING:
    from .tops import Top


@dataclass(frozen=True)
class Built:
    """A bitstream.

    Attributes
    ----------
    top : str
    path : Path
    mhz, wanted_mhz : float
        The clock that nextpnr promises, and the one that the design gets.
    cells : dict of str to tuple of int
        By nextpnr's names, what is used of the device and what it has.
    """

    top: str
    path: Path
    mhz: float
    wanted_mhz: float
    cells: dict[str, tuple[int, int]]

    @property
    def met(self) -> bool:
        return self.mhz >= self.wanted_mhz

    @property
    def line(self) -> str:
        return (f"{self.path}: {self.mhz:.1f} MHz reached, {self.wanted_mhz:g} wanted; "
                + ", ".join(f"{used} of {there} {kind}" for kind, (used, there) in self.cells.items()))


def build(project: Project, divide: bool, progress: Callable[[int, int, str], Any]) -> tuple[Project, list[Built]]:
    """Make the bitstreams of a project that was written.

    Parameters
    ----------
    project : Project
    divide : bool
        Whether the clock may be divided further where it is not reached; then the project is written anew.
    progress : callable
        ``progress(done, total, text)``.

    Returns
    -------
    project : Project
        With the divisor that it has in the end.
    built : list of Built

    Raises
    ------
    Refusal
        If a tool is missing, or the design does not fit: in nextpnr's words.
    """
    check(project)
    while True:
        steps = [(top, step) for top in project.tops for step in (0, 1, 2)]
        for done, (top, step) in enumerate(steps):
            progress(done, len(steps), f"{top.name}: {('Yosys', 'nextpnr', 'packer')[step]}")
            _make(project, top, step)
        progress(len(steps), len(steps), "")
        built = [_built(project, top) for top in project.tops]
        slowest = min(each.mhz / each.wanted_mhz for each in built)
        enough = [each for each in DIVISORS if each * slowest / project.divide >= 1]
        if slowest >= 1 or not divide or not enough:
            return project, built
        project = replace(project, divide=enough[0])
        project.write()


def check(project: Project) -> None:
    """See that there is all that bitstreams are made with.

    Raises
    ------
    Refusal
        If there is not.
    """
    if shutil.which("make") is None:
        raise Refusal("make must be installed to build bitstreams (Debian: apt-get install make)")
    flow, path = FLOWS[project.board.family], _environment()["PATH"]
    for names in flow.tools.values():
        if not any(shutil.which(name, path=path) for name in names):
            raise Refusal(f"Bitstreams for {project.board.name} must be made by {' or '.join(names)}, which cannot be "
                          f"found: .venv/bin/pip install {' '.join(flow.packages)}")


def _environment():
    """Programs of this Python's packages are found, wherever its folder is."""
    return os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}


def _make(project, top, step):
    target = f"{top.name}.{('mapped', *FLOWS[project.board.family].suffixes[1:])[step]}"
    done = subprocess.run(["make", "--silent", "-C", str(project.folder), target, "OPTIONS=--timing-allow-fail"],
                          env=_environment(), capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = re.findall(r"^(?:ERROR|error): (.*)", done.stderr + done.stdout, re.MULTILINE)
        words = said or [line for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"]
        raise Refusal(f"{target} of {project.design.slug} could not be made for {project.board.name}: "
                      f"{words[0].strip()}")


def _built(project: Project, top: Top) -> Built:
    report = json.loads((project.folder / f"{top.name}.report").read_text(encoding="utf-8"))
    clocks = {name: each["achieved"] for name, each in report["fmax"].items()}
    # Where there is a divider, it has a clock of its own, which is fast enough for any oscillator.
    own = {name: mhz for name, mhz in clocks.items() if not re.match(rf"{project.board.clock}\b", name)}
    mhz = min((own if project.divide > 1 and own else clocks).values(), default=float("inf"))
    cells = {kind: (each["used"], each["available"]) for kind, each in report["utilization"].items() if each["used"]}
    suffix = FLOWS[project.board.family].suffixes[2]
    return Built(top.name, project.folder / f"{top.name}.{suffix}", mhz, project.clock_hz / 1e6, cells)
