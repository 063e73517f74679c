"""Many designs measured, in parallel, stopped and resumed anywhere; each result is written as it comes, and let go."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from ..golden.files import atomic_write
from ..golden.operands import operands
from ..golden.pool import Here
from ..golden.refusal import Refusal
from ..hdl.designs import parse
from . import library, measure, place, program, technologies
from .options import Options
from .schedulers import Scheduler
from .shared_clocks import not_measured
from .store import Store, digest, user_store
from .sweep_spec import Setting, Sweep
from .unit import ROOMS, Unit
from .verilog_kept import written

if TYPE_CHECKING:
    from ..golden.operands import Operands

    Files = dict[str, tuple[str, bytes]]  # by digest the name and content of a Liberty file


class Job(NamedTuple):
    """A design to measure, as a worker elsewhere is told of it.

    Parameters
    ----------
    slug : str
    options : Options
    libraries : list of (str or list of str)
        Names of technologies, or digests of Liberty files.
    targets : list of str
        FPGA families to count in.
    identity : list of str
        `program.identity` of whoever wants it.
    cache : str or None
        As `user_store` takes it.
    """

    slug: str
    options: Options
    libraries: Sequence[Any]
    targets: Sequence[str]
    identity: Sequence[str]
    cache: str | None

    def key(self, source: Operands) -> str:
        """The digest of all that its result depends on."""
        return digest("sweep", self.slug, asdict(self.options), list(self.libraries), list(self.targets),
                      source.identity, list(self.identity))


def perform(job: Job, source: Operands, files: Files) -> dict[str, Any]:
    """Measure a design, on whichever machine: ``libraries`` (figures in the order of the job's), ``errors``,
    ``counted`` by FPGA family, and ``seconds``.

    Raises
    ------
    Refusal
        If this is not the program that the job comes from.
    """
    begun = time.monotonic()
    if program.identity(*ROOMS) != job.identity:
        raise Refusal("Workers must have the lmul, and the versions of Python and of its packages, of whoever sweeps; "
                      f"here they are {', '.join(program.identity(*ROOMS))}")
    design = parse(job.slug)
    with tempfile.TemporaryDirectory(prefix="lmul-", ignore_cleanup_errors=True) as folder:
        store = user_store(job.cache) or Store(Path(folder) / "store")
        text = written(design, store)
        unit = Unit(design, text, source, job.options)
        keys = [each if isinstance(each, str) else _local(each, files) for each in job.libraries]
        found = unit.kept([*keys, None], store)
        found |= unit.measure([key for key in (*keys, None) if key not in found], store)
        counted = place.measure([design], job.targets, (), 0, {design.slug: text}, Path(folder), store, Here())
        store.trim()
    return {"slug": job.slug, "libraries": [found[key] for key in keys], "errors": found[None],
            "counted": {family: counted[design.slug, family] for family in job.targets},
            "seconds": time.monotonic() - begun}


@cache
def _folder():
    """This process' own folder of Liberty files, which goes with it."""
    return tempfile.TemporaryDirectory(prefix="lmul-", ignore_cleanup_errors=True)


def _local(digests, files):
    """Paths of Liberty files on this machine."""
    paths = []
    for each in digests:
        name, content = files[each]
        path = Path(_folder().name, each, name)
        if not path.exists():
            with atomic_write(path, "wb") as file:
                file.write(content)
        paths.append(str(path))
    return tuple(paths)


class Plan:
    """A sweep with its operands and files, and which of its jobs are done.

    Parameters
    ----------
    sweep : Sweep
    folder : path
        Where results are and will be.
    cache : str or None
        Of workers: as `user_store` takes it.

    Raises
    ------
    Refusal
        If operands, a technology or a Liberty file are refused.
    """

    def __init__(self, sweep: Sweep, folder: Path, cache: str | None = None) -> None:
        self.sweep, self.folder = sweep, folder
        self.libraries = {key: technologies.loaded(key, "") for key in sweep.libraries}
        self.files: Files = {library.file_digest(path): (Path(path).name, Path(path).read_bytes())
                             for key in sweep.libraries if not isinstance(key, str) for path in key}
        portable = {key: key if isinstance(key, str) else [library.file_digest(path) for path in key]
                    for key in sweep.libraries}
        self.keys = {design.slug: [key for key in keys if technologies.fits(design, self.libraries[key])]
                     for design, keys, _ in sweep.designs}
        specs = [design.multiplier for design, *_ in sweep.designs]
        self.sources = {setting: operands(setting.operands, sweep.seed, sweep.pairing, specs)
                        for setting in sweep.settings}
        identity = program.identity(*ROOMS)
        longest_first = sorted(sweep.designs, key=lambda each: -measure.weight(each[0]))
        self.jobs = {setting: [Job(design.slug, sweep.options(setting),
                                   [portable[key] for key in self.keys[design.slug]], targets, identity, cache)
                               for design, _, targets in longest_first] for setting in sweep.settings}

    @property
    def count(self) -> int:
        return sum(map(len, self.jobs.values()))

    def missing(self, setting: Setting) -> list[Job]:
        """Jobs without a result."""
        return [job for job in self.jobs[setting] if not self.path(setting, job).exists()]

    def path(self, setting: Setting, job: Job) -> Path:
        return self.folder / "results" / f"{job.key(self.sources[setting])}.json"

    def seconds(self, workers: int) -> float | None:
        """How long what is missing will take, by what the results that are there took; None where there are none."""
        known, missing = [], 0.0
        for setting, jobs in self.jobs.items():
            for job in jobs:
                path, weight = self.path(setting, job), _cost(job)
                if path.exists():
                    known.append(json.loads(path.read_text(encoding="utf-8"))["seconds"] / weight)
                else:
                    missing += weight
        return missing * median(known) / workers if known else None

    def run(self, scheduler: Scheduler, progress: Callable[..., object]) -> dict[tuple[Setting, str], str]:
        """Measure what is missing; gives by setting and slug why what is still missing could not be measured.

        Parameters
        ----------
        scheduler : Scheduler
        progress : callable
            Called with (jobs done, jobs, text).
        """
        done, failed = self.count - sum(len(self.missing(setting)) for setting in self.jobs), {}
        progress(done, self.count, "designs")
        for setting in self.jobs:
            missing = self.missing(setting)
            common = (self.sources[setting], self.files)
            for number, result, error in scheduler.attempts(perform, missing, common, self.sweep.seconds,
                                                            self.sweep.retries):
                job = missing[number]
                if error is None:
                    with atomic_write(self.path(setting, job)) as file:
                        json.dump(result, file)
                else:
                    failed[setting, job.slug] = " ".join(str(error).split()) or type(error).__name__
                done += 1
                progress(done, self.count, job.slug)
        return failed

    def record(self, setting: Setting, failed: dict[tuple[Setting, str], str], command: str) -> dict[str, Any]:
        """The record of a setting: `record`; rows of what is missing say why."""
        found = {}
        for job in self.jobs[setting]:
            path = self.path(setting, job)
            if path.exists():
                found[job.slug] = json.loads(path.read_text(encoding="utf-8"))
        order = {design.slug: n for n, (design, *_) in enumerate(self.sweep.designs)}
        rows = []
        for key, lib in self.libraries.items():
            its = [design for design, *_ in self.sweep.designs if key in self.keys[design.slug]]
            there = [design for design in its if design.slug in found]
            measured = {design.slug: found[design.slug]["libraries"][self.keys[design.slug].index(key)]
                        for design in there}
            rows += measure.rows_in(lib, there, measured, None)
            rows += [self._without(design, lib.name, setting, failed) for design in its if design not in there]
        for design, _, targets in self.sweep.designs:
            rows += [measure.counted_row(design, target, found[design.slug]["counted"][target])
                     if design.slug in found else self._without(design, target, setting, failed) for target in targets]
        for row in rows:
            if row["design"] in found:
                measure.with_errors(row, found[row["design"]]["errors"])
        rows.sort(key=lambda row: (row["technology"], order[row["design"]]))
        return measure.record_of(rows, self.libraries.values(), self.sources[setting], self.sweep.options(setting),
                                 command)

    @staticmethod
    def _without(design, technology, setting, failed):
        return not_measured(design, technology, failed.get((setting, design.slug), "it was not measured yet"))


def _cost(job):
    return measure.weight(parse(job.slug)) * (len(job.libraries) + len(job.targets) or 1)
