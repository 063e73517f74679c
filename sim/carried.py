"""Matrices through a simulated core: what the bench that carries them is given, gives back, and how far it is."""

from __future__ import annotations

import contextlib
import functools
import json
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..golden.pool import Pool
from .runner import simulate

if TYPE_CHECKING:
    from ..hdl.designs import Design
    from .runner import Result

LONG = 8_000_000  # products from which on a simulation worth more time to build is sooner done

Progress = Callable[[int, int, str], object]


def carried(design: Design, bench: str, arrays: dict[str, np.ndarray], rows: int, products: int, simulator: str,
            folder: str | Path | None, progress: Progress | None) -> tuple[np.ndarray, Result]:
    """What the results of a simulation are.

    Parameters
    ----------
    design : Design
    bench : str
        The module that finds ``arrays`` in the file ``LMUL_TILES``, and leaves the results in ``LMUL_RESULTS``.
    arrays : dict of str to array
    rows : int
        How many rows of results there will be.
    products : int
    simulator, folder, progress
        As for `lmul.sim.matmul.matmul_files`.

    Returns
    -------
    results : array
        Codes.
    run : Result
    """
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lmul-"))
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lmul-")))
        np.savez(scratch / "tiles.npz", **arrays)  # pyright: ignore[reportArgumentType]
        files = {"LMUL_TILES": str(scratch / "tiles.npz"), "LMUL_RESULTS": str(scratch / "results.npy")}
        job = functools.partial(simulate, folder=folder, simulator=simulator, bench=bench, settings=files,
                                long=products > LONG)
        with _watched(Path(folder) / design.slug / simulator / "figures.json", rows, progress), Pool() as pool:
            [run] = pool.run([(job, design)], design.slug)
        if not run.passed:
            raise RuntimeError(run.line)
        return np.load(scratch / "results.npy"), run


@dataclass(frozen=True)
class Ran:
    """A simulation that carried matrices: on which simulator, seconds, cycles, and what part of the array's peak was
    useful work. As text it goes on a sentence."""

    simulator: str
    version: str
    build_seconds: float
    run_seconds: float
    cycles: int
    utilisation: float

    @property
    def record(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    def __str__(self) -> str:
        return (f" ({self.simulator} {self.version}: build {self.build_seconds:.1f} s, run {self.run_seconds:.1f} s), "
                f"{self.cycles} cycles, utilisation {100 * self.utilisation:.1f} %")


def ran(run: Result, products: int, peak: int) -> Ran:
    """A run of so many products, of an array of so many a cycle."""
    cycles = run.figures["cycles"]
    return Ran(run.simulator, run.version, run.build_seconds, run.seconds, cycles, products / (cycles * peak))


@contextlib.contextmanager
def _watched(figures, total, progress):
    """Report the ``rows`` in a simulation's figures while it goes on."""
    if progress is None:
        yield
        return
    done = threading.Event()

    def watch():
        while not done.wait(0.5):
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):  # not there yet, or half there
                progress(json.loads(figures.read_text()).get("rows", 0), total, "rows")

    progress(0, total, "building")
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        progress(total, total, "rows")
