"""Designs with streams as components of Amaranth's own streams, for systems that are built in Amaranth."""

from __future__ import annotations

import re
from typing import Any

from amaranth.hdl import Cat, Const, Module, Value
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from ..golden.refusal import Refusal
from .designs import Design, parse
from .part import Part
from .streams import Stream, streams


class Streamed(Part):
    """A design with streams, its streams those of :mod:`amaranth.lib.stream`, in the ``sync`` domain of what is around
    it and with its reset.

    A payload has the codes of a beat as ``elements``, an array; ``last`` where the stream has it; and in bare tiles
    with blocks the scales that go with the elements. Which beat comes when, and what its elements are, says
    docs/ARCHITECTURE.md and the design's manifest.

    Timing: the design's, ``latency`` as there. There is no combinational path between the streams of a core behind
    AXI4-Stream; in arrays and tiles an input's ``ready`` may depend on the other inputs' ``valid``.

    Parameters
    ----------
    slug : str
        Of an ``array_*``, ``matmul_*`` or ``tile_*`` design.

    Members
    -------
    a, b, ... : ``In(stream.Signature(payload))``
        For each stream of operands, named as its ports behind ``s_axis_`` or ``i_``.
    c or o : ``Out(stream.Signature(payload))``
        Results: of ``matmul_*`` ``c``, else ``o``.
    place, top, error
        As the design has them.

    Raises
    ------
    Refusal
        If the slug is refused, or the design has no streams.
    """

    def __init__(self, slug: str) -> None:
        design = parse(slug)
        self.design, self.streams = design, {name_of(each): each for each in streams(design)}
        if not self.streams:
            raise Refusal(f"A component with streams must be of an array, matmul or tile design, not of {slug!r}: "
                          "lmul.component has its ports")
        self.core = _core(design)
        self.latency = self.core.latency
        ports = {name.split("__")[0] for each in self.streams.values() for name in each.signals.values()}
        self.plain = [name for name in self.core.signature.members if name not in ports]
        super().__init__({
            **{name: (In if each.direction == "in" else Out)(stream.Signature(payload(each)))
               for name, each in self.streams.items()},
            **{name: self.core.signature.members[name] for name in self.plain},
        })

    @property
    def module_name(self) -> str:
        return f"{self.design.slug}_streamed"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        for name, each in self.streams.items():
            outer, inner = getattr(self, name), {what: _port(core, path) for what, path in each.signals.items()}
            if each.direction == "in":
                m.d.comb += [inner["data"].eq(_beat(each, outer.payload)), inner["valid"].eq(outer.valid),
                             outer.ready.eq(inner["ready"])]
                if "last" in inner:
                    m.d.comb += inner["last"].eq(outer.payload.last)
            else:
                m.d.comb += [Value.cast(outer.payload).eq(Cat(*_fields(each, inner))), outer.valid.eq(inner["valid"]),
                             inner["ready"].eq(outer.ready)]
        for name in self.plain:
            given, port = getattr(core, name), getattr(self, name)
            m.d.comb += given.eq(port) if core.signature.members[name].flow is In else port.eq(given)
        return m


def name_of(each: Stream) -> str:
    """What a stream is called here: ``a`` of ``s_axis_a`` or ``i_a``."""
    return re.sub(r"^(s_axis|m_axis|i)_", "", each.name)


def payload(each: Stream) -> data.StructLayout:
    """The payload of a stream: elements, what is above them, last."""
    return data.StructLayout({
        "elements": data.ArrayLayout(each.element_bits, each.elements),
        **{name: field["width"] for name, field in each.above.items()},
        **({"last": 1} if each.last is not None else {}),
    })


def _core(design: Design) -> Any:
    """The component inside, without a clock of its own."""
    return design.declared.component(design, clocked=False) if design.declared.bus else (
        design.declared.component(design))


def _port(core, path):
    """A port by its name in Verilog: ``i_a__data`` is ``data`` of ``i_a``."""
    for name in path.split("__"):
        core = getattr(core, name)
    return core


def _beat(each, given):
    """The data of a beat: each element in the low bits of its stride, then what is above them."""
    gap = each.stride - each.element_bits
    elements = [Cat(given.elements[i], Const(0, gap)) for i in range(each.elements)]
    return Cat(*elements, *(given[name] for name in each.above))


def _fields(each, inner):
    """The bits of a payload, field by field, from the data of a beat."""
    for i in range(each.elements):
        yield inner["data"][i * each.stride : i * each.stride + each.element_bits]
    for field in each.above.values():
        yield inner["data"][field["lsb"] : field["lsb"] + field["width"]]
    if "last" in inner:
        yield inner["last"]
