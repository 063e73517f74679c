"""A generated core as others take it in: the packages of vendors' and open tools, all from the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..golden.refusal import Refusal

if TYPE_CHECKING:
    from ..hdl.designs import Design
    from ..hdl.verilog import Period
    from .core import Core

# Modules are imported when they are used: names are known without Amaranth.


def _vivado(core):
    from .vivado import vivado

    return vivado(core)


def _quartus(core):
    from .quartus import quartus

    return quartus(core)


def _header(core):
    from .header import files

    return files(core)


def _litex(core):
    from .litex import litex

    return litex(core)


#: For whom `lmul generate --for` packages a core: functions of a `Core` that give contents by file name, relative to
#: the folder of the Verilog.
PACKAGES: dict[str, Callable[[Core], dict[str, str]]] = {"vivado": _vivado, "quartus": _quartus, "c": _header,
                                                         "litex": _litex}


def require_streams(design: Design) -> None:
    """Raise a `Refusal` where a design has no streams to pad."""
    if not design.declared.streams:
        raise Refusal(f"Padding is of streams, and {design.slug} has none: --pad must be left out")


def generate(design: Design, folder: str | Path, period: Callable[[str], Period] | None = None,
             packages: Iterable[str] = (), pad: bool = False) -> None:
    """Write what `lmul.hdl.verilog.generate` does, a FuseSoC core, and packages: all of it or nothing, the manifest
    last.

    Parameters
    ----------
    design : Design
    folder : path
    period : callable, optional
        The `Period` of the constraints, of the Verilog that it is called with.
    packages : iterable of str
        Names in `PACKAGES`.
    pad : bool
        Whether the top of packages is ``<slug>_padded``, which is then written too: streams whose data is a power of
        two of bytes wide.

    Raises
    ------
    Refusal
        If ``pad`` is asked for a design without streams.
    YosysError
        If Yosys is missing or fails; then nothing is written.
    OSError
        If the folder cannot be written.
    """
    from ..golden.files import write_together
    from ..hdl.verilog import made
    from .core import Core
    from .fusesoc import fusesoc

    generated = made(design, period)
    core = Core(design, generated.about, generated.verilog, pad)
    files = core.files | fusesoc(core)
    for name in packages:
        files |= PACKAGES[name](core)
    write_together(folder, files | generated.files)
