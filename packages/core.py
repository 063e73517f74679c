"""What is packaged: a generated design, by its manifest alone, with or without streams as wide as DMA engines want."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..hdl.layout import comment
from . import require_streams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..hdl.designs import Design


@dataclass(frozen=True)
class Core:
    """A generated design as packages take it.

    Attributes
    ----------
    design : Design
    about : dict
        Its manifest.
    verilog : str
        Its Verilog.
    pad : bool
        Whether the top is the wrapper whose streams are padded.

    Raises
    ------
    Refusal
        If it is to be padded and has no streams.
    """

    design: Design
    about: Mapping[str, Any]
    verilog: str
    pad: bool = False

    def __post_init__(self) -> None:
        if self.pad:
            require_streams(self.design)

    @property
    def slug(self) -> str:
        return self.about["slug"]

    @property
    def top(self) -> str:
        """Name of the top module."""
        return f"{self.slug}_padded" if self.pad else self.slug

    @cached_property
    def files(self) -> dict[str, str]:
        """The Verilog by name of the file, in the order in which it is read."""
        return {f"{self.slug}.v": self.verilog, **({f"{self.top}.v": _wrapper(self)} if self.pad else {})}

    @cached_property
    def streams(self) -> list[dict[str, Any]]:
        """As in the manifest, ``data_bits`` being those of the top."""
        return [stream | {"data_bits": padded_bits(stream["data_bits"]) if self.pad else stream["data_bits"]}
                for stream in self.about["streams"]]

    @cached_property
    def ports(self) -> list[dict[str, Any]]:
        """The ports of the top, in order, as in the manifest."""
        widths = {stream["signals"]["data"]: stream["data_bits"] for stream in self.streams}
        return [port | {"width": widths.get(port["name"], port["width"])} for port in self.about["ports"]]


def padded_bits(bits: int) -> int:
    """The least power of two of bytes that has so many bits, in bits."""
    return max(8, 1 << (bits - 1).bit_length())


def _wrapper(core):
    """The module that joins ports to ports, and what is above the data to nothing."""
    narrow = {port["name"]: port["width"] for port in core.about["ports"]}
    ports, pins, joins = [], [], []
    for port in core.ports:
        name, width, own = port["name"], port["width"], narrow[port["name"]]
        span = f"[{width - 1}:0] " if width > 1 else ""
        ports.append(f"  {port['direction']:<6} wire {span}{name}")
        pins.append(f"    .{name}({name}{f'[{own - 1}:0]' if own != width else ''})")
        if own == width:
            continue
        above = f"{name}[{width - 1}:{own}]" if own + 1 < width else f"{name}[{own}]"
        if port["direction"] == "input":
            joins.append(f"  wire unused_{name} = | {above};")
        else:
            joins.append(f"  assign {above} = {width - own}'h0;")
    about = comment([f"{core.top}: {core.slug}, the data of its streams padded to powers of two of bytes",
                     "Bits above the data are ignored in operands and 0 in results."])
    body = [f"module {core.top}(", ",\n".join(ports), ");", *joins, f"  {core.slug} core (", ",\n".join(pins), "  );",
            "endmodule"]
    return about + "\n".join(body) + "\n"
