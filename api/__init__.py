"""L-Mul from Python: multiply matrices by a design, quantise tensors, measure designs, build them into one's own.

A design is called by its slug (``lmul list --only grammar``), a format by its name. Names are loaded when they are
first used, so that ``import lmul`` costs nothing; docs/python.md has examples. The rooms of the program are the
packages below (``lmul.golden``, ``lmul.hdl``, ...).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lmul.golden.refusal import Refusal

    from .arrays import MatrixProduct, Operand, format_named, matmul, quantise
    from .builds import catalogue, component, parse, verilog
    from .reports import read_report, report

    __version__: str

_HOMES = {
    "lmul.arrays": ("MatrixProduct", "Operand", "format_named", "matmul", "quantise"),
    "lmul.builds": ("catalogue", "component", "parse", "verilog"),
    "lmul.golden.refusal": ("Refusal",),
    "lmul.reports": ("read_report", "report"),
}

__all__ = ["MatrixProduct", "Operand", "Refusal", "catalogue", "component", "format_named", "matmul", "parse",
           "quantise", "read_report", "report", "verilog"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("lmul")
    for home, names in _HOMES.items():
        if name in names:
            found = globals()[name] = getattr(import_module(home), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
