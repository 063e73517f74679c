"""A design in a bench, between drivers, sink, monitors and a checker. Stand-alone benches have this file too."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .clocked import Clocked
from .messages import run
from .streams import TRAFFIC, Beat, Checker, Driver, Monitor, Sink


class Session:
    """A design with drivers on its inputs, a sink on its output, monitors everywhere and a checker at the end.

    What is sent, and how a difference is told, says who inherits this.

    Parameters
    ----------
    ports : Clocked
    rng : numpy Generator
        What traffic and rubbish are drawn from.
    traffic : str
        One of `TRAFFIC`.

    Attributes
    ----------
    ports : Clocked
    drivers : dict of str to Driver
    inputs : dict of str to Monitor
    output : Monitor
    words, cycles : list of int
        What came out, and in which cycles.
    """

    ports: Any

    def __init__(self, ports: Clocked, rng: np.random.Generator, traffic: str = "always") -> None:
        source, sink = TRAFFIC[traffic]
        *children, last = rng.spawn(len(ports.streams) + 1)
        self.ports, self.words, self.cycles, self._due = ports, [], [], 0
        self.drivers = {name: Driver(stream, source(child), child)
                        for (name, stream), child in zip(ports.streams.items(), children, strict=True)}
        self.sink = Sink(ports.o, sink(last), late=traffic == "late")
        self.inputs = {name: Monitor(stream, name) for name, stream in ports.streams.items()}
        self.output, self.checker = Monitor(ports.o, "result", self._on_beat), Checker(self._describe)

    def send(self, one: Any) -> None:
        """One of what is multiplied: calls `put`."""
        raise NotImplementedError

    def named(self, one: Any, row: int) -> str:
        """Which row of the result of ``one`` this is, for messages."""
        raise NotImplementedError

    def shown(self, code: int) -> str:
        """An element of a result, for messages."""
        raise NotImplementedError

    def made_of(self, one: Any, row: int, col: int) -> str:
        """What an element of the result of ``one`` is made of, for messages."""
        raise NotImplementedError

    def put(self, one: Any, moving: Mapping[str, Iterable[Beat]], codes: np.ndarray) -> None:
        """Send beats, by stream, and expect codes, (rows, cols)."""
        for name, stream in moving.items():
            self.drivers[name].send(stream)
        for row, beat in enumerate(self.ports.results(codes)):
            self.checker.expect(beat, (one, row))
        self._due += len(codes)

    async def run(self, several: Iterable[Any]) -> list[int]:
        """Send them back to back, and wait until all has come out; gives the words that came, once each is known to be
        right."""
        first = len(self.words)
        for one in several:
            self.send(one)
        await self.output.moved.wait(self._due)
        self.checker.done()
        error = self.ports.error
        assert error is None or error.value == 0, f"{run()}: error must be 0 while all is as it must be"
        return self.words[first:]

    def stop(self) -> None:
        for each in (*self.drivers.values(), self.sink, *self.inputs.values(), self.output):
            each.stop()

    def _on_beat(self, beat):
        self.words.append(beat.data)
        self.cycles.append(self.output.cycle)
        self.checker(beat)

    def _describe(self, context, expected, actual):
        if expected is None:
            return f"row {actual} was not expected"
        one, row = context
        which = self.named(one, row)
        if not isinstance(actual.data, str) and actual.last == expected.last:
            want, got = self.ports.codes([expected.data, actual.data])
            for col in np.flatnonzero(want != got)[:1].tolist():
                return (f"{which}, column {col}: expected {self.shown(int(want[col]))}, actual "
                        f"{self.shown(int(got[col]))}; {self.made_of(one, row, col)}")
        return f"{which}: expected {expected}, actual {actual}"
