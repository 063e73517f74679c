"""Not a check but a board: a `lmul.hdl.link.LinkTop` whose serial line is a pseudo-terminal.

The UART at the other end of the design's line is that of cocotbext-uart. The name of the terminal is left in the file
``LMUL_LINK_PORT``; the board goes on until there is a file ``LMUL_LINK_STOP``, or nothing has come for a while. What is
to happen to bytes on the way says ``LMUL_LINK_FAULTS``, as `Faults` reads it.
"""

from __future__ import annotations

import json
import logging
import os
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Timer

from ..golden.files import atomic_write
from .streams import PERIOD

IDLE_SECONDS = 120  # without a byte: whoever began this is gone
POLL = 64  # cycles between two looks at the terminal
AWAKE, NAP = 400, 0.001  # looks without a byte after which the machine may rest for seconds at a time
BREAK = -1  # instead of a byte: the line is 0 for longer than one


class Faults:
    """What happens to bytes of one direction: by the number of the byte, counted from 0, a word.

    ``flip`` turns its bit 4 over; ``drop`` takes it out; ``double`` sends it twice; ``garbage`` puts three bytes before
    it; ``cut`` takes it and the five after it out; ``break`` holds the line at 0 instead.
    """

    KINDS = ("flip", "drop", "double", "garbage", "cut", "break")

    def __init__(self, faults: dict[str, str]) -> None:
        self._at = {int(number): kind for number, kind in faults.items()}
        self._count = self._cut = 0

    def __call__(self, data: bytes) -> Iterator[int]:
        """What becomes of the next bytes."""
        for byte in data:
            kind = self._at.get(self._count)
            self._count += 1
            self._cut = 6 if kind == "cut" else max(self._cut - 1, 0)
            if self._cut or kind == "drop":
                continue
            if kind == "garbage":
                yield from (0x00, 0xFF, 0x37)
            if kind == "break":
                yield BREAK
                continue
            yield byte ^ 0x10 * (kind == "flip")
            if kind == "double":
                yield byte


@cocotb.test
async def serve(dut: Any) -> None:
    """Be a board until told to stop."""
    from cocotbext.uart import UartSink, UartSource

    faults = {way: Faults(each) for way, each in json.loads(os.environ.get("LMUL_LINK_FAULTS") or "{}").items()}
    bit = int(os.environ["LMUL_LINK_DIVISOR"]) * PERIOD  # ns, a step each
    logging.getLogger("cocotb").setLevel(logging.WARNING)  # of each byte there would be a line
    source, sink = UartSource(dut.rx, 10**9 // bit), UartSink(dut.tx, 10**9 // bit)
    Clock(dut.clk, PERIOD, unit="step").start()
    dut.rst.value = 1
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0

    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    with atomic_write(os.environ["LMUL_LINK_PORT"]) as file:
        file.write(os.ttyname(slave))
    stop, poll, when = Path(os.environ["LMUL_LINK_STOP"]), Timer(POLL * PERIOD, "step"), time.monotonic()
    to_board, to_host = (faults.get(way, Faults({})) for way in ("to_board", "to_host"))
    looks = 0
    while not stop.exists() and time.monotonic() < when + IDLE_SECONDS:
        await poll
        looks = looks + 1 if source.idle() and sink.idle() else 0
        if looks > AWAKE:  # by then all frames have ended
            time.sleep(NAP)
        if data := _read(master):
            when, looks = time.monotonic(), 0
            for byte in to_board(data):
                if byte == BREAK:
                    await source.wait()
                    dut.rx.value = 0
                    await Timer(12 * bit, "step")
                    dut.rx.value = 1
                    await Timer(2 * bit, "step")
                else:
                    source.write_nowait([byte])
        if not sink.empty():
            os.write(master, bytes(byte for byte in to_host(bytes(sink.read_nowait())) if byte != BREAK))
    os.close(slave)
    os.close(master)


def _read(master):
    """Bytes that are there, none if none."""
    try:
        return os.read(master, 4096)
    except BlockingIOError:
        return b""
