"""Where the jobs of a sweep run: on the cores of this machine, or on the workers of a Dask cluster."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from ..golden.parallel import cores
from ..golden.pool import Pool, TooLong
from ..golden.refusal import Refusal

Outcome = tuple[int, Any, Exception | None]  # number of the job, its result, what it raised


class Scheduler(Protocol):
    """What runs jobs."""

    @property
    def workers(self) -> int:
        """How many jobs run at a time."""
        ...

    def attempts(self, function: Callable[..., Any], jobs: Sequence[Any], common: tuple, seconds: float | None,
                 retries: int) -> Iterator[Outcome]:
        """Outcomes of ``function(job, *common)`` as they come: what one job raises, or takes too long for, ends no
        other.

        Parameters
        ----------
        function : callable
        jobs : sequence
            Those that begin first are first.
        common : tuple
            Arguments that are the same for all, and may be large.
        seconds : float or None
            That a job may take; then it is stopped.
        retries : int
            How often a job is begun again that was stopped, or whose worker ended.
        """
        ...


class Cores:
    """Processes of this machine, as many as it has cores."""

    @property
    def workers(self) -> int:
        return cores()

    def attempts(self, function: Callable[..., Any], jobs: Sequence[Any], common: tuple, seconds: float | None,
                 retries: int) -> Iterator[Outcome]:
        """As `Scheduler` has it."""
        with Pool(most=cores()) as pool:
            yield from pool.attempts([(function, job, *common) for job in jobs], seconds, retries)


class Cluster:
    """The workers of a Dask scheduler, however many come and go.

    Each thread of a worker has one job at a time. A job that takes too long is stopped by ending its worker, which its
    nanny begins anew; one without a nanny is gone.

    Parameters
    ----------
    address : str
        As in ``tcp://HOST:PORT``.

    Raises
    ------
    Refusal
        If Dask is not installed, or no scheduler answers.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise Refusal("A Dask cluster must have dask's distributed installed here, and it is not: "
                          ".venv/bin/pip install -e '.[cluster]'") from None
        try:
            self.client: Any = Client(address, timeout=10, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise Refusal(f"Scheduler must be the address of a running Dask scheduler, such as tcp://HOST:8786, not "
                          f"{address!r}: {error}") from None

    @property
    def workers(self) -> int:
        return sum(self.client.nthreads().values())

    def attempts(self, function: Callable[..., Any], jobs: Sequence[Any], common: tuple, seconds: float | None,
                 retries: int) -> Iterator[Outcome]:
        """As `Scheduler` has it."""
        from distributed import as_completed

        # Not scattered: what the scheduler can make again outlives any worker.
        shared = [self.client.submit(_same, each, pure=False) for each in common]
        waiting, left = deque(range(len(jobs))), [retries] * len(jobs)
        running, since, completed = {}, {}, as_completed([], loop=self.client.loop)
        try:
            while waiting or running:
                while waiting and len(running) < max(self.workers, 1):
                    number = waiting.popleft()
                    future = self.client.submit(function, jobs[number], *shared, pure=False)
                    running[future] = number
                    completed.add(future)
                for future in self._done(completed):
                    number = running.pop(future, None)
                    if number is None or future.cancelled():
                        continue
                    error = future.exception()
                    result = None if error else future.result()
                    future.release()  # else it would be made again, should its worker end
                    yield number, result, error
                for future in self._late(running, since, seconds):
                    number = running.pop(future)
                    self._stop(future, since.pop(future)[0])
                    if left[number]:
                        left[number] -= 1
                        waiting.append(number)
                    else:
                        yield number, None, TooLong(f"It took longer than {seconds:g} s")
        finally:
            self.client.cancel(list(running))

    @staticmethod
    def _done(completed: Any) -> list[Any]:
        """All futures that ended, for their results are lost with their workers; after a second at most."""
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline and not completed.has_ready():
            time.sleep(0.02)
        return completed.next_batch(block=False) if completed.has_ready() else []

    def _late(self, running, since, seconds):
        """Jobs that are on a worker for longer than they may; ``since`` has the worker of each and when it was first
        seen there."""
        if not seconds:
            return []
        places = {key: worker for worker, keys in self.client.processing().items() for key in keys}
        now = time.monotonic()
        for future in running:
            worker = places.get(future.key)
            if worker and since.get(future, (None,))[0] != worker:
                since[future] = worker, now
        return [future for future in running if future in since and now - since[future][1] > seconds]

    def _stop(self, future, worker):
        future.cancel()
        if worker in self.client.nthreads():
            self.client.run(_end, workers=[worker], wait=False, on_error="ignore")
        deadline = time.monotonic() + 10
        while worker in self.client.nthreads() and time.monotonic() < deadline:  # else it would be given the next job
            time.sleep(0.05)


def _same(value):
    return value


async def _end():
    os.kill(os.getpid(), signal.SIGKILL)
