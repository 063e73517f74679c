"""One end of a serial line: a command goes out and its answer comes back, or a refusal says why not. Nothing hangs."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import time
from collections import Counter
from typing import Any, NamedTuple

from ..golden.refusal import Refusal
from ..hdl import frames
from ..hdl.frames import Answer, Command, Status

BAUD = 115200
ATTEMPTS = 6
PATIENCE = 1.0  # seconds without a byte after which no more is waited for
SETTLED = 0.05  # seconds of silence after an answer that was not understood


class Place(NamedTuple):
    """Where a board is: a port, and bits a second on it. As text as it is given on the command line."""

    port: str
    baud: int = BAUD

    def __str__(self) -> str:
        return f"serial:{self.port}" + (f"@{self.baud}" if self.baud != BAUD else "")


def read_place(text: str) -> Place:
    """The `Place` that ``serial:PORT`` or ``serial:PORT@BAUD`` is.

    Raises
    ------
    Refusal
    """
    match = re.fullmatch(r"serial:(.+?)(?:@(\d+))?", text)
    if not match or match[2] and not int(match[2]):
        raise Refusal(f"A board must be given as serial:PORT or serial:PORT@BAUD, not {text!r}")
    return Place(match[1], int(match[2] or BAUD))


class _Wrong(Exception):
    """An answer did not come, or not as it should: the command is sent again."""


class Line:
    """A port that is open, with the frames that go over it.

    Parameters
    ----------
    place : Place
    attempts : int
        How often a command is sent.
    patience : float
        Seconds without a byte after which no more is waited for.

    Attributes
    ----------
    errors : Counter
        What went wrong on the line, in words, and how often; all of it was made good.
    sent, received : int
        Bytes.

    Raises
    ------
    Refusal
        If pyserial is missing, or the port cannot be opened.
    """

    def __init__(self, place: Place, attempts: int = ATTEMPTS, patience: float = PATIENCE) -> None:
        if importlib.util.find_spec("serial") is None:
            raise Refusal("pyserial must be installed for a board on a serial line: pip install pyserial")
        import serial

        self.place, self.attempts, self.patience = place, attempts, patience
        self.errors: Counter[str] = Counter()
        self.sent = self.received = 0
        self._sequence = 0
        self._gone: tuple[type[Exception], ...] = (serial.SerialException, OSError)
        with contextlib.suppress(ImportError):  # where there is none pyserial does without
            import termios

            self._gone += (termios.error,)
        try:
            self._port: Any = serial.Serial(place.port, place.baud, timeout=patience, write_timeout=patience + 10,
                                            exclusive=True)
        except (*self._gone, ValueError) as error:
            raise Refusal(f"Serial port must be there and free, not {place.port!r}: {_said(error)}") from None

    def close(self) -> None:
        with contextlib.suppress(*self._gone):
            self._port.close()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, command: Command, payload: bytes = b"") -> Answer:
        """The answer to a command: that it was carried out, or that a buffer is full.

        Raises
        ------
        Refusal
            If none comes however often it is sent, or the board does not take such a command.
        """
        self._sequence = (self._sequence + 1) % 256
        frame, failed = frames.command(command, self._sequence, payload), Counter()
        for _ in range(self.attempts):
            try:
                answer = self._once(frame)
            except _Wrong as wrong:
                failed[str(wrong)] += 1
                self.errors[str(wrong)] += 1
                continue
            except self._gone as error:
                raise Refusal(f"Board must stay connected, but {self.place} is gone: {_said(error)}") from None
            if answer.status in (Status.DONE, Status.FULL):
                return answer
            word = frames.WORDS.get(Status(answer.status)) if answer.status in list(Status) else f"{answer.status}"
            raise Refusal(f"Board on {self.place} must take what protocol version {frames.VERSION} has, but answered "
                          f"{command.name.lower()} with: {word}")
        raise Refusal(f"Board on {self.place} must answer, but did not: {command.name.lower()} was sent "
                      f"{self.attempts} times ({told(failed)})")

    def _once(self, frame):
        """Send a frame and hear its answer."""
        self._port.reset_input_buffer()
        self._port.write(frame)
        self.sent += len(frame)
        answer = self._hear(time.monotonic() + self.patience + self._seconds(len(frame)), frame[2])
        if answer.status in frames.LINE_ERRORS:
            raise _Wrong(frames.WORDS[Status(answer.status)])
        return answer

    def _hear(self, until, sequence):
        """The answer that comes by then."""
        skipped = 0
        while True:
            left = until - time.monotonic()
            byte = self._read(1, left) if left > 0 else b""
            if not byte:
                raise _Wrong("bytes that are no answer" if skipped else "no answer")
            if byte[0] != frames.ANSWER_SYNC:
                skipped += 1
                continue
            head = byte + self._rest(frames.ANSWER_HEAD - 1)
            count = frames.answer_length(head) - len(head)
            answer = frames.read_answer(head + self._rest(count)) if count <= frames.MAX_BUFFER else None
            if answer is None:
                self._settle()
                raise _Wrong("wrong CRC of an answer")
            if skipped:
                self.errors["bytes before an answer"] += 1
            if answer.sequence == sequence or answer.status in frames.LINE_ERRORS:
                return answer
            self.errors["answer to an earlier command"] += 1  # which was sent again for it

    def _rest(self, count):
        """The bytes that must follow."""
        found = self._read(count, self.patience + self._seconds(count))
        if len(found) < count:
            self._settle()
            raise _Wrong("answer cut short")
        return found

    def _read(self, count, seconds):
        self._port.timeout = seconds
        found = self._port.read(count)
        self.received += len(found)
        return found

    def _settle(self):
        """Hear until the line is quiet, but not for ever: where the next answer begins is not known before."""
        until = time.monotonic() + self.patience
        while self._read(256, SETTLED) and time.monotonic() < until:
            pass

    def _seconds(self, count):
        """What so many bytes take, and half as much again."""
        return 15 * count / self.place.baud


def told(errors: Counter[str]) -> str:
    """Errors and how often they were, in words."""
    return ", ".join(f"{count} x {word}" for word, count in errors.items())


def _said(error):
    return str(getattr(error, "strerror", None) or (error.args[-1] if error.args else error))
