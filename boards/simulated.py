"""A board that is simulated: its serial line is a pseudo-terminal, so that a host is tried without hardware.

``python -m lmul.boards.simulated SLUG`` says where it is, and goes on until it is interrupted.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..golden.pool import Pool
from ..golden.refusal import Refusal
from ..hdl.designs import parse
from ..hdl.link import BUFFER, LinkTop
from ..hdl.verilog import convert
from ..sim.runner import simulate
from .records import core_of

if TYPE_CHECKING:
    from ..hdl.designs import Design

DIVISOR = 4  # clock cycles to a bit: few, so that simulation is quick
QUIET = 2000  # bits of silence that end a frame: a pause of the machine is none


def source(design: Design, buffer: int = BUFFER) -> str:
    """The Verilog of a board's top, called by the slug of its core."""
    core = core_of(design)
    return convert({core.slug: LinkTop(core, DIVISOR, 1, buffer, QUIET)})[core.slug]


def uart_installed() -> bool:
    """Whether there is the UART at the other end of a simulated line."""
    return bool(importlib.util.find_spec("cocotbext") and importlib.util.find_spec("cocotbext.uart"))


@contextlib.contextmanager
def simulated(design: Design, folder: str | Path | None = None, faults: dict[str, dict[int, str]] | None = None,
              verilog: str | None = None) -> Iterator[str]:
    """A board with a design, while the block goes on; gives the name of its port.

    Parameters
    ----------
    design : Design
        A ``matmul``, or a tile.
    folder : path or None
        Where it is built, as for `lmul.sim.runner.simulate`.
    faults : dict or None
        What happens ``to_board`` and ``to_host``, by the number of the byte: words of `lmul.sim.cocotb_link.Faults`.
    verilog : str or None
        Instead of the top's own.

    Raises
    ------
    Refusal
        If a tool is missing.
    """
    if not uart_installed():
        raise Refusal("cocotbext-uart must be installed to simulate a serial line: pip install cocotbext-uart")
    with tempfile.TemporaryDirectory(prefix="lmul-") as scratch:
        port, stop = Path(scratch) / "port", Path(scratch) / "stop"
        settings = {"LMUL_LINK_PORT": str(port), "LMUL_LINK_STOP": str(stop), "LMUL_LINK_DIVISOR": str(DIVISOR),
                    "LMUL_LINK_FAULTS": json.dumps(faults or {})}
        job = functools.partial(simulate, folder=folder or scratch, bench="lmul.sim.cocotb_link", settings=settings,
                                source=verilog or source(design))
        ended = []

        def run():
            try:
                with Pool() as pool:
                    ended.extend(pool.run([(job, core_of(design))], "board"))
            except BaseException as error:
                ended.append(error)

        board = threading.Thread(target=run)
        board.start()
        try:
            while not port.exists() and not ended:
                time.sleep(0.02)
            if ended:
                raise ended[0] if isinstance(ended[0], BaseException) else RuntimeError(ended[0].line)
            yield port.read_text(encoding="utf-8")
        finally:
            stop.touch()
            board.join()
        if isinstance(ended[0], BaseException):
            raise ended[0]
        if not ended[0].passed:
            raise RuntimeError(ended[0].line)


if __name__ == "__main__":
    try:
        with simulated(parse(sys.argv[1])) as found, contextlib.suppress(KeyboardInterrupt):
            print(f"serial:{found}", flush=True)
            while True:
                time.sleep(1)
    except Refusal as refusal:
        sys.exit(f"lmul: {refusal}")
