"""Jobs in processes of their own, which end when this one leaves them: whatever they do, with all that they started.

No queue, lock or thread is shared, so that nothing can be left locked: each worker has a pipe of its own, takes a job
when it has none, and is killed when it is no longer wanted.
"""

from __future__ import annotations

import contextlib
import gc
import math
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, Self, cast

from . import keeper
from .parallel import THREADS, cores, threads

WORKERS = 2


class WorkerDied(RuntimeError):
    """A process ended in the middle of a job; the message, one line, says which and how."""


class TooLong(RuntimeError):
    """A job took longer than it may."""


class Pool:
    """Worker processes, as many as there are cores, `WORKERS` at most unless more are asked for. They share the
    threads that this process may have at work (`parallel.threads`).

    They begin with the first job; leaving the block, for whatever reason, kills them, what they started and their
    temporary files, within a second.

    Parameters
    ----------
    progress : callable, optional
        Called with (jobs done, jobs, text).
    most : int
        Workers, at most.
    """

    def __init__(self, progress: Callable[[int, int, str], object] | None = None, most: int = WORKERS) -> None:
        self._progress = progress or (lambda done, total, text="": None)
        self._most = most
        self._workers: list[_Worker] = []
        self._keeper: subprocess.Popen[str] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._keeper:
            assert self._keeper.stdin and self._folder
            self._keeper.stdin.close()
            self._keeper.wait()
            for worker in self._workers:
                worker.process.join()
            self._workers, self._keeper = [], None
            self._folder.cleanup()

    def run(self, jobs: Sequence[tuple], text: str, label: Callable[..., str] | None = None) -> Iterator[Any]:
        """Results of jobs as they come.

        Parameters
        ----------
        jobs : sequence of (function, *arguments)
            What can be pickled; the first begins first.
        text : str
            What they are, for progress.
        label : callable, optional
            What one of them works on, in a word, from its arguments: for progress, and for whoever reads of its end.

        Raises
        ------
        WorkerDied
            If a worker ends in the middle of a job.
        Exception
            What a job raised, with a note of where.
        """
        if not jobs:
            return
        waiting, busy, done = deque(jobs), {}, 0
        self._start(min(len(jobs), self._most, cores()) - len(self._workers))
        idle = list(self._workers)
        try:
            while idle and waiting or busy:
                while idle and waiting:
                    worker, (function, *arguments) = idle.pop(), waiting.popleft()
                    busy[worker.pipe] = worker, label(*arguments) if label else text
                    worker.give(function, arguments, busy[worker.pipe][1])
                names = ", ".join(dict.fromkeys(name for _, name in busy.values())) if label else ""
                self._progress(done, len(jobs), f"{text}: {names}" if names else text)
                for pipe in wait(list(busy)):
                    worker, name = busy[pipe]
                    result = worker.result(name)
                    del busy[pipe]
                    idle.append(worker)
                    done += 1
                    yield result
            self._progress(done, len(jobs), text)
        finally:
            if busy:  # left in the middle: what they still work on is not wanted
                self.__exit__()

    def attempts(self, jobs: Sequence[tuple], seconds: float | None,
                 retries: int) -> Iterator[tuple[int, Any, Exception | None]]:
        """(number, result, error) of each job as they come: what one raises or takes too long for ends no other.

        Parameters
        ----------
        jobs : sequence of (function, *arguments)
            What can be pickled; the first begins first.
        seconds : float or None
            That a job may take, before its worker is killed.
        retries : int
            How often a job is begun again that took too long, or whose worker ended.
        """
        waiting, left = deque(range(len(jobs))), [retries] * len(jobs)
        busy: dict[Any, tuple[_Worker, int, float]] = {}
        self._start(min(len(jobs), self._most, cores()) - len(self._workers))
        idle = list(self._workers)
        try:
            while waiting or busy:
                while idle and waiting:
                    worker, number = idle.pop(), waiting.popleft()
                    function, *arguments = jobs[number]
                    try:
                        worker.give(function, arguments, str(number))
                    except WorkerDied:  # while it had nothing to do
                        idle.append(self._replacement(worker))
                        waiting.appendleft(number)
                        continue
                    busy[worker.pipe] = worker, number, time.monotonic() + (seconds or math.inf)
                rest = min(end for *_, end in busy.values()) - time.monotonic()
                ready = wait(list(busy), max(rest, 0) if seconds else None)
                for pipe in ready or [pipe for pipe, (*_, end) in busy.items() if end <= time.monotonic()]:
                    worker, number, _ = busy.pop(pipe)
                    outcome = None
                    try:
                        if not ready:
                            raise TooLong(f"It took longer than {seconds:g} s")
                        outcome = number, worker.result(str(number)), None
                    except (TooLong, WorkerDied) as error:
                        worker = self._replacement(worker)
                        if left[number]:
                            left[number] -= 1
                            waiting.append(number)
                        else:
                            outcome = number, None, error
                    except Exception as error:
                        outcome = number, None, error
                    idle.append(worker)
                    if outcome:
                        yield outcome
        finally:
            if busy:
                self.__exit__()

    def _replacement(self, worker):
        worker.kill()
        self._workers.remove(worker)
        self._start(1)
        return self._workers[-1]

    def _start(self, count):
        if count > 0 and not self._keeper:
            self._folder = tempfile.TemporaryDirectory(prefix="lmul-", ignore_cleanup_errors=True)
            self._keeper = subprocess.Popen([sys.executable, "-SI", keeper.__file__], stdin=subprocess.PIPE, text=True,
                                            start_new_session=True)
        share = max(1, threads() // (len(self._workers) + max(count, 1)))
        for _ in range(count):
            assert self._keeper and self._folder
            worker = _Worker(self._folder.name, share)
            self._workers.append(worker)
            print(worker.process.pid, file=self._keeper.stdin, flush=True)


class Here(Pool):
    """The same without processes: jobs are done one after the other by whoever asks."""

    def run(self, jobs: Sequence[tuple], text: str, label: Callable[..., str] | None = None) -> Iterator[Any]:
        """As `Pool` has it."""
        for done, (function, *arguments) in enumerate(jobs):
            self._progress(done, len(jobs), f"{text}: {label(*arguments)}" if label else text)
            yield function(*arguments)
        self._progress(len(jobs), len(jobs), text)


class _Worker:
    """This side of a worker: its process and its pipe."""

    def __init__(self, folder, share):
        # spawned, not forked: nothing of this process is in it, and it is our own child
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, folder), daemon=True)
        with _main_left_out(), _threads_at_work(share):
            self.process.start()
        theirs.close()  # so that the pipe ends when the worker does

    def give(self, function, arguments, name):
        try:
            self.pipe.send((function, arguments))
        except OSError:
            raise self._death(name) from None

    def kill(self):
        """End it with all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(cast(int, self.process.pid), signal.SIGKILL)
        self.process.kill()
        self.process.join()

    def result(self, name):
        """The result of the job that it was given; raises what the job raised."""
        try:
            result, error = self.pipe.recv()
        except (EOFError, OSError):
            raise self._death(name) from None
        if error is not None:
            raise error
        return result

    def _death(self, name):
        self.process.join()
        time.sleep(0.2)  # whoever ends our workers may be about to end us: then that is what there is to say
        status = cast(int, self.process.exitcode)
        return WorkerDied(f"The process that worked on {name} was ended by {how_it_ended(status)}")


def how_it_ended(status: int) -> str:
    """The exit status of a child process in words."""
    if status >= 0:
        return f"itself, with status {status}"
    hint: dict[int, str] = {signal.SIGKILL: " (as systems do when memory runs out)",
                            signal.SIGSEGV: " (a fault in compiled code)"}
    known: dict[int, str] = {number.value: number.name for number in signal.Signals}
    return known.get(-status, f"signal {-status}") + hint.get(-status, "")


@contextmanager
def _main_left_out():
    """A worker does without the file of the program that began it: a script would begin again in every one."""
    main = vars(sys.modules["__main__"])
    path = main.pop("__file__", None)
    try:
        yield
    finally:
        if path is not None:
            main["__file__"] = path


@contextmanager
def _threads_at_work(count):
    """A process that is started has so many; libraries read this once, before it could say so itself."""
    before = os.environ.get(THREADS)
    os.environ[THREADS] = str(count)
    try:
        yield
    finally:
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before


def _work(pipe, folder):
    """A worker: job after job, until it is killed or its parent is gone. It leads a session, by which it is killed with
    all that it started, and puts its temporary files where its parent removes them."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(100_000, 50, 50)  # netlists are many small objects: looked through seldom
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = pickle.dumps((function(*arguments), None))
        except BaseException as raised:
            answer = pickle.dumps((None, _portable(raised)))
        pipe.send_bytes(answer)


def _portable(error):
    """An exception that survives the pipe, with where it was raised as a note."""
    where = "".join(traceback.format_exception(error)).rstrip()
    try:
        copy = pickle.loads(pickle.dumps(error))
        error = copy if isinstance(copy, Exception) else RuntimeError(repr(error))  # SystemExit is not for our parent
    except Exception:  # some cannot be pickled, others not be made again
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"Raised in another process:\n{where}")
    return error
