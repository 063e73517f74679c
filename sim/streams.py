"""Valid/ready streams in a bench: driver, sink, monitor and in-order checker, and the traffic that shakes both ends.
Stand-alone benches have this file too."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import Any, NamedTuple

import cocotb
import numpy as np
from cocotb.triggers import Event, RisingEdge, SimTimeoutError, with_timeout

from .messages import check, read, run

PERIOD = 2  # of every clock, in steps
PATIENCE = 10_000  # cycles without a result after which none will come: a few times the longest that a test causes


class Joined:
    """Signals that move together, as one: the first lowest. None of them, and ``value`` is 0."""

    def __init__(self, *handles: Any) -> None:
        self.handles = [handle for handle in handles if handle is not None]

    def __len__(self) -> int:
        return sum(map(len, self.handles))

    @property
    def value(self) -> int | str:
        """Their bits; as text where one is X or Z."""
        text = "".join(str(handle.value) for handle in reversed(self.handles)) or "0"
        return int(text, 2) if set(text) <= {"0", "1"} else text

    @value.setter
    def value(self, bits: int) -> None:
        for handle in self.handles:
            handle.value = bits & ((1 << len(handle)) - 1)
            bits >>= len(handle)


class Stream(NamedTuple):
    """The signals of one stream. A beat moves in a cycle in which ``valid`` and ``ready`` are both 1."""

    clk: Any
    data: Any
    last: Any
    valid: Any
    ready: Any

    @classmethod
    def named(cls, dut: Any, name: str, beside: Any = None) -> "Stream":
        """The stream of a name: its signals are called as AXI4-Stream has them if its name does, else as Amaranth has
        them. A signal ``beside`` them moves with its data, above that."""
        clk, join = (dut.aclk, "_t") if "_axis_" in name else (dut.clk, "__")
        data, last, valid, ready = (getattr(dut, f"{name}{join}{signal}", None)
                                    for signal in ("data", "last", "valid", "ready"))
        return cls(clk, data if beside is None else Joined(data, beside), Joined() if last is None else last, valid,
                   ready)

    def beats(self, words: Iterable[int], lasts: Iterable[int], beside: int = 0) -> list["Beat"]:
        """Words of data as beats, ``beside`` in the signal that moves with each of them, if there is one."""
        width = len(self.data)
        data = len(self.data.handles[0]) if isinstance(self.data, Joined) else width
        above = (beside & (1 << width - data) - 1) << data
        return [Beat(word | above, last) for word, last in zip(words, lasts, strict=True)]


class Beat(NamedTuple):
    """What moves in one cycle; as a monitor saw it, bits as text where one is X or Z."""

    data: int | str
    last: int | str


# Traffic: for each cycle, whether an end that could go on does.


def always(rng: np.random.Generator) -> Iterator[bool]:
    """Every cycle."""
    return repeat(True)


def random_stalls(rng: np.random.Generator) -> Iterator[bool]:
    """Half of the cycles."""
    while True:
        yield from (rng.random(256) < 0.5).tolist()


def idle_gaps(rng: np.random.Generator) -> Iterator[bool]:
    """Bursts of 1 to 20 cycles, and as long pauses."""
    while True:
        burst, gap = rng.integers(1, 21, 2).tolist()
        yield from chain(repeat(True, burst), repeat(False, gap))


def long_stalls(rng: np.random.Generator) -> Iterator[bool]:
    """Stretches of up to 150 cycles, then 100 to 200 cycles of nothing."""
    while True:
        go, stall = int(rng.integers(1, 151)), int(rng.integers(100, 201))
        yield from chain(repeat(True, go), repeat(False, stall))


#: Name: what the sources do, and what the sink does.
TRAFFIC = {
    "always": (always, always),
    "stalls": (random_stalls, random_stalls),
    "gaps": (idle_gaps, always),
    "blocks": (always, long_stalls),
    "late": (always, random_stalls),  # and `Sink` is ready only for what it has seen waiting
}


class Driver:
    """Sends beats in order: holds each until it is taken; drives rubbish while it has none, or pauses.

    Parameters
    ----------
    stream : Stream
    go : iterator of bool
        Whether to offer a beat in a cycle; a beat once offered stays.
    rubbish : numpy Generator or None
        Where the rubbish comes from; None leaves the last beat.
    """

    def __init__(self, stream: Stream, go: Iterator[bool], rubbish: np.random.Generator | None = None) -> None:
        self.stream = stream
        self.queue = deque()
        self._go = go
        self._rubbish = rubbish
        stream.valid.value = 0
        self._task = cocotb.start_soon(self._run())

    def send(self, beats: Iterable[Beat]) -> None:
        self.queue.extend(beats)

    def stop(self) -> None:
        """Send no more, and take back what is offered."""
        self._task.cancel()
        self.stream.valid.value = 0

    async def _run(self):
        stream, queue, edge = self.stream, self.queue, RisingEdge(self.stream.clk)
        offered = False
        while True:
            await edge
            if offered and stream.ready.value != 1:
                continue
            if queue and next(self._go):
                self._put(queue.popleft())
                if not offered:
                    stream.valid.value = offered = True
            elif offered:
                stream.valid.value = offered = False
                if self._rubbish is not None:
                    width = len(stream.data)
                    data = int.from_bytes(self._rubbish.bytes(-(-width // 8)), "little") & ((1 << width) - 1)
                    self._put(Beat(data, int(self._rubbish.integers(2))))

    def _put(self, beat):
        self.stream.data.value = beat.data
        self.stream.last.value = beat.last


class Sink:
    """Takes beats: ``ready`` as ``go`` says, whether or not there is anything to take; or if ``late``, only when a beat
    has been waiting, and for that one."""

    def __init__(self, stream: Stream, go: Iterator[bool], late: bool = False) -> None:
        self.stream, self.late = stream, late
        self._go = go
        stream.ready.value = 0
        self._task = cocotb.start_soon(self._run())

    def stop(self) -> None:
        self._task.cancel()
        self.stream.ready.value = 0

    async def _run(self):
        edge, ready = RisingEdge(self.stream.clk), None
        while True:
            await edge
            go = next(self._go) and (not self.late or (not ready and self.stream.valid.value == 1))
            if go != ready:
                self.stream.ready.value = ready = go


class Arrivals:
    """Counts what has come, and lets a test wait for more."""

    def __init__(self) -> None:
        self.count = 0
        self._came = Event()

    def add(self) -> None:
        self.count += 1
        self._came.set()

    async def wait(self, count: int) -> None:
        """Until ``count`` have come in all; fails the test when nothing comes for `PATIENCE`."""
        while self.count < count:
            self._came.clear()
            try:
                await with_timeout(self._came.wait(), PATIENCE * PERIOD, "step")
            except SimTimeoutError:
                raise AssertionError(f"{run()}: {self.count} results of {count} came, "
                                     f"then none for {PATIENCE} cycles") from None


class Monitor:
    """Watches a stream and calls ``on_beat(beat)`` for every beat that moves.

    Fails the test if ``valid`` or ``ready`` is ever X or Z, or if a beat that waits is changed or withdrawn.

    Attributes
    ----------
    moved : Arrivals
        The beats that moved.
    cycle : int
        Cycles since the monitor began.
    ends : list of int
        Cycles in which a beat with ``last`` moved.
    """

    def __init__(self, stream: Stream, name: str, on_beat: Callable[[Beat], None] = lambda beat: None) -> None:
        self.stream = stream
        self.name = name
        self.moved = Arrivals()
        self.cycle = 0
        self.ends = []
        self._on_beat = on_beat
        self._task = cocotb.start_soon(self._run())

    def stop(self) -> None:
        self._task.cancel()

    async def _run(self):
        stream, edge, waiting = self.stream, RisingEdge(self.stream.clk), None
        while True:
            await edge
            self.cycle += 1
            valid, ready = read(stream.valid), read(stream.ready)
            self._insist(not isinstance(valid, str) and not isinstance(ready, str), f"valid {valid}, ready {ready}")
            if not valid:
                self._insist(waiting is None, "a waiting beat was withdrawn")
                continue
            beat = Beat(read(stream.data), read(stream.last))
            self._insist(waiting in (None, beat), f"a waiting beat changed from {waiting} to {beat}")
            waiting = None if ready else beat
            if ready:
                if beat.last:
                    self.ends.append(self.cycle)
                self._on_beat(beat)
                self.moved.add()

    def _insist(self, condition, complaint):
        assert condition, f"{run()}: {self.name} in cycle {self.cycle}: {complaint}"


class Checker:
    """Compares beats, in order, with what `expect` announced.

    ``describe(context, expected, actual)`` says what is wrong, ``context`` being what was given with the expected beat;
    both are None for a beat that was not expected.
    """

    def __init__(self, describe: Callable[..., str]) -> None:
        self.total = 0
        self._describe = describe
        self._expected = deque()
        self._wrong = []

    def expect(self, beat: object, context: object = None) -> None:
        self._expected.append((context, beat))

    def __call__(self, beat: object) -> None:
        self.total += 1
        context, expected = self._expected.popleft() if self._expected else (None, None)
        if beat != expected:
            self._wrong.append((context, expected, beat))

    def check(self) -> None:
        """Fail if a beat was wrong or came without being expected."""
        check(self._wrong, self.total, self._describe)

    def done(self) -> None:
        """Fail as `check` does, or if a beat did not come."""
        self.check()
        assert not self._expected, f"{run()}: {len(self._expected)} results are missing"
