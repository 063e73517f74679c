"""Work on large arrays: in pieces that fit the cache, spread over the processor's cores."""

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import prod
from typing import Any

import numpy as np

THREADS = "OMP_NUM_THREADS"

_CHUNK = 1 << 14


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """Threads that this process should have at work: as many as it has cores, or fewer if ``OMP_NUM_THREADS`` says so,
    which numpy's matrix products heed as well."""
    asked = os.environ.get(THREADS, "")
    return min(cores(), int(asked)) if asked.isdecimal() and int(asked) else cores()


def in_threads(function: Callable, items: Sequence[Any]) -> None:
    """Call ``function`` on each item, over as many threads as there should be; for functions that release the GIL.

    This thread is one of them: on few or small items it has done most before another has even begun."""
    count = min(threads(), len(items))
    waiting = deque(items)

    def work():
        while True:
            try:
                item = waiting.popleft()
            except IndexError:
                return
            function(item)

    if count < 2:
        work()
        return
    with ThreadPoolExecutor(count - 1) as pool:
        helpers = [pool.submit(work) for _ in range(count - 1)]
        try:
            work()
            for helper in helpers:
                helper.result()
        finally:
            waiting.clear()  # whoever leaves here early waits for no more than what has begun


def mapped(function: Callable, items: Sequence[Any]) -> list[Any]:
    """What ``function`` gives for each item, in their order, found as `in_threads` does."""
    found: list[Any] = [None] * len(items)

    def find(place):
        found[place] = function(items[place])

    in_threads(find, range(len(items)))
    return found


def in_chunks(function: Callable, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
    """Fill ``outputs`` with the arrays that ``function(*inputs)`` gives, chunk by chunk.

    Parameters
    ----------
    function : callable
        Element-wise; takes as many arrays as there are inputs and gives a sequence of as many as there are outputs.
    inputs, outputs : sequences of arrays
        All of one length, which may be of rows.
    """
    rows = max(1, _CHUNK // prod(inputs[0].shape[1:]))

    def run(start):
        chunk = slice(start, start + rows)
        for output, result in zip(outputs, function(*(array[chunk] for array in inputs)), strict=True):
            output[chunk] = result

    in_threads(run, range(0, len(inputs[0]), rows))
