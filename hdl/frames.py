"""The frames that a host and a board exchange over a serial line: what both sides, and the C driver, know of them.

The host sends a command and waits for its answer; the board never speaks unasked. ``docs/link.md`` has the frames as
tables. Numbers of several bytes have the lowest first.
"""

from __future__ import annotations

import zlib
from enum import IntEnum
from typing import NamedTuple

VERSION = 1
COMMAND_SYNC, ANSWER_SYNC = 0xA5, 0x5A  # what frames begin with: different, so that no echo passes for an answer
COMMAND_HEAD, ANSWER_HEAD, TAIL = 5, 7, 4  # bytes before the payload, and of the CRC behind it
MAX_BUFFER = 1 << 15
CORE_ERROR, RECORD_ERROR = 0x80, 0x40  # flags beside the status of an answer
LAST = 0x80  # beside the stream of a record
PLACES = 0x7F  # the record that is no beat but where the window and the scales are: int16 and uint16


class Command(IntEnum):
    """What a host asks for."""

    IDENTIFY = 1  #: payload of the answer: version, bytes of both buffers, slug
    WRITE = 2  #: records for the core
    READ = 3  #: bytes of results that there are
    RESET = 4  #: the core, both buffers, and what was asked before


class Status(IntEnum):
    """What a board answers; only the first is a command that was carried out."""

    DONE = 0
    BAD_CRC = 1
    FRAMING = 2
    GARBAGE = 3
    CUT_SHORT = 4
    UNKNOWN = 5
    TOO_LONG = 6
    FULL = 7


#: Statuses in words.
WORDS = {
    Status.DONE: "done",
    Status.BAD_CRC: "wrong CRC of a command",
    Status.FRAMING: "stop bit missing in a command",
    Status.GARBAGE: "bytes before a command",
    Status.CUT_SHORT: "command cut short",
    Status.UNKNOWN: "unknown command",
    Status.TOO_LONG: "payload too long",
    Status.FULL: "buffer full",
}

#: Errors of the line, after which a command is sent again.
LINE_ERRORS = {Status.BAD_CRC, Status.FRAMING, Status.GARBAGE, Status.CUT_SHORT}


class Answer(NamedTuple):
    """A board's answer: status, flags, the sequence number that it answers, bytes of room for records, payload."""

    status: int
    flags: int
    sequence: int
    room: int
    payload: bytes


def command(which: int, sequence: int, payload: bytes = b"") -> bytes:
    """A command as it goes over the line."""
    body = bytes([which, sequence]) + len(payload).to_bytes(2, "little") + payload
    return bytes([COMMAND_SYNC]) + body + crc(body)


def answer(given: Answer) -> bytes:
    """An answer as it goes over the line."""
    body = bytes([given.status | given.flags, given.sequence]) + len(given.payload).to_bytes(2, "little")
    body += given.room.to_bytes(2, "little") + given.payload
    return bytes([ANSWER_SYNC]) + body + crc(body)


def read_answer(data: bytes) -> Answer | None:
    """The answer that a whole frame is, or None if its CRC is wrong."""
    body, tail = data[1:-TAIL], data[-TAIL:]
    if crc(body) != tail:
        return None
    flags = body[0] & (CORE_ERROR | RECORD_ERROR)
    return Answer(body[0] & ~flags, flags, body[1], int.from_bytes(body[4:6], "little"), body[ANSWER_HEAD - 1 :])


def answer_length(head: bytes) -> int:
    """Bytes of the frame that begins with these, at least `ANSWER_HEAD`."""
    return ANSWER_HEAD + int.from_bytes(head[3:5], "little") + TAIL


def crc(body: bytes) -> bytes:
    """CRC-32 as in Ethernet and gzip."""
    return zlib.crc32(body).to_bytes(TAIL, "little")


def identity(slug: str, inbox: int, outbox: int) -> bytes:
    """What a board says of itself."""
    return bytes([VERSION]) + inbox.to_bytes(2, "little") + outbox.to_bytes(2, "little") + slug.encode("ascii")
