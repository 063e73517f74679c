"""Designs by their slugs: what they are, their Amaranth components, their Verilog."""

from typing import TYPE_CHECKING

from lmul.hdl.designs import Design, catalogue, parse

if TYPE_CHECKING:
    from amaranth.lib.wiring import Component
    from lmul.hdl.part import Part

__all__ = ["catalogue", "component", "parse", "verilog"]


def component(design: str | Design) -> "Part":
    """The Amaranth component of a design, to be a submodule of one's own or to be simulated; its ports are in
    docs/ARCHITECTURE.md.

    Raises
    ------
    Refusal
        If the slug is refused.
    """
    from lmul.hdl.verilog import component as made

    return made(_design(design))


def verilog(design: "str | Design | Component", name: str = "") -> str:
    """The Verilog of a design, as ``lmul generate`` writes it; or of a component of one's own with designs in it.

    Parameters
    ----------
    design : str, Design or wiring.Component
    name : str
        Of a component's module; by default that of its class.

    Raises
    ------
    Refusal
        If the slug is refused.
    YosysError
        If Yosys fails.
    """
    from lmul.hdl.verilog import convert
    from lmul.hdl.verilog import verilog as written

    if isinstance(design, str | Design):
        return written(_design(design))
    name = name or type(design).__name__
    return convert({name: design})[name]


def _design(design):
    return parse(design) if isinstance(design, str) else design
