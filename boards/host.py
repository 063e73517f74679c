"""The host's side of a board on a serial line: what is on it, and products of matrices by it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..golden.matrix_product import modelled
from ..golden.refusal import Refusal
from ..hdl import frames
from ..hdl.frames import CORE_ERROR, RECORD_ERROR, Command, Status
from . import records
from .line import Line, Place, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..golden.tile_sums import Scales, TileResult
    from ..hdl.designs import Design

SHORT, USUAL = 32, 256  # bytes of records in a command: on a line that errs, and to begin with
CLEAN = 8  # commands without an error after which longer ones are tried
STALLED = 5.0  # seconds in which a board takes nothing and gives nothing, after which it never will


class Differs(Exception):
    """What a board gave is not what the model gives."""


@dataclass(frozen=True)
class Carried:
    """What went over the line for a product. As text it goes on a sentence."""

    port: str
    baud: int
    bytes_sent: int
    bytes_received: int
    line_errors: dict[str, int]

    @property
    def record(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    def __str__(self) -> str:
        errors = f"; made good on the line: {told(self.line_errors)}" if self.line_errors else ""  # pyright: ignore
        return (f" ({self.port} at {self.baud} baud: {self.bytes_sent} bytes sent, {self.bytes_received} received, as "
                f"golden{errors})")


class Board:
    """A board that answers.

    Parameters
    ----------
    line : Line

    Attributes
    ----------
    slug : str
        The design that it says it has.
    room : int
        Bytes that it had room for when it last answered.

    Raises
    ------
    Refusal
        If it does not answer, or speaks another version.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        said = line.ask(Command.IDENTIFY).payload
        if not said or said[0] != frames.VERSION or len(said) < 6:
            raise Refusal(f"Board on {line.place} must speak protocol version {frames.VERSION}, not "
                          f"{said[0] if said else 'none'}")
        self.inbox, self.outbox = (int.from_bytes(said[at : at + 2], "little") for at in (1, 3))
        self.slug = said[5:].decode("ascii", "replace")
        self.room, self._most, self._clean = 0, min(USUAL, self.inbox), 0

    def expect(self, design: Design) -> None:
        """Refuse a board with another design."""
        wanted = records.core_of(design).slug
        if self.slug != wanted:
            raise Refusal(f"Board on {self.line.place} must have {wanted!r} on it, not {self.slug!r}")

    def reset(self) -> None:
        """Drop all that the board has."""
        self.room = self._ask(Command.RESET).room

    def write(self, data: bytes) -> int:
        """Send records, as many of their bytes as there is room for and the line bears; gives how many that were."""
        count = min(len(data), self.room, self._most)
        answer = self._ask(Command.WRITE, data[:count])
        self.room = answer.room
        return 0 if answer.status == Status.FULL else count

    def read(self) -> bytes:
        """The bytes of results that there are."""
        answer = self._ask(Command.READ)
        self.room = answer.room
        return answer.payload

    def _ask(self, command, payload=b""):
        errors = self.line.errors.total()
        answer = self.line.ask(command, payload)
        self._clean = 0 if self.line.errors.total() > errors else self._clean + 1
        if not self._clean:
            self._most = max(self._most // 2, SHORT)
        elif self._clean % CLEAN == 0:
            self._most = min(self._most * 2, self.inbox)
        if answer.flags:
            which = {CORE_ERROR: "passes of one run with unlike vectors", RECORD_ERROR: "a record of no stream"}
            raise Refusal(f"Board on {self.line.place} must be sent what its design takes, but says that it had "
                          + " and ".join(word for flag, word in which.items() if answer.flags & flag))
        return answer

    def multiply(self, design: Design, a: np.ndarray, b: np.ndarray, scales: Scales,
                 progress: Callable[[int, int, str], object] | None = None) -> np.ndarray | TileResult:
        """The product of matrices of codes, as `lmul.golden.matrix_product.modelled` gives it.

        Raises
        ------
        Refusal
            If the board has another design, does not answer, or stands still.
        """
        self.expect(design)
        plan = records.plan(design, a, b, scales)
        self.reset()
        total, data, waiting, owed = plan.rows * plan.row_bytes, bytearray(), b"", 0
        moved = time.monotonic()
        while len(data) < total:
            while len(waiting) < self.room and (following := next(plan.runs, None)) is not None:
                waiting, owed = waiting + following.records, owed + following.results
            before = len(waiting) + len(data)
            sent = self.write(waiting) if waiting and self.room else 0
            waiting = waiting[sent:]
            # Results that are not read hold the core up, and with it what is sent.
            if not sent or not waiting or owed - len(data) >= min(self._most, self.outbox // 2):
                data += self.read()
            if sent or len(waiting) + len(data) != before:
                moved = time.monotonic()
            elif time.monotonic() > moved + STALLED:
                raise Refusal(f"Board on {self.line.place} must take beats and give results, but has done neither for "
                              f"{STALLED:.0f} s: {len(data)} of {total} bytes came")
            if progress:
                progress(len(data) // plan.row_bytes, plan.rows, "rows")
        if len(data) > total:
            raise Refusal(f"Board on {self.line.place} must give {total} bytes of results, not {len(data)}")
        codes = records.results(design, bytes(data), (len(a), b.shape[1]))
        return records.tile_result(design, codes, a, b, scales) if design.declared.tiled else codes


def on_board(place: Place, design: Design, a: np.ndarray, b: np.ndarray, scales: Scales,
             progress: Callable[[int, int, str], object] | None = None) -> tuple[np.ndarray | TileResult, Carried]:
    """The product of matrices of codes by the board at a place, compared with the model's.

    Raises
    ------
    Refusal
        As `Board` and `Board.multiply`.
    Differs
        If its bits are not golden's.
    """
    with Line(place) as line:
        found = Board(line).multiply(design, a, b, scales, progress)
        how = Carried(place.port, place.baud, line.sent, line.received, dict(line.errors))
    codes, right = (each if isinstance(each, np.ndarray) else each.codes
                    for each in (found, modelled(design, a, b, scales)))
    if wrong := np.argwhere(codes != right).tolist():
        row, col = wrong[0]
        raise Differs(f"board on {place} and golden must give the same bits, but {len(wrong)} of {codes.size} codes "
                      f"differ, first row {row}, column {col}: {int(codes[row, col]):#x} instead of "
                      f"{int(right[row, col]):#x}")
    return found, how
