"""A core for LiteX: a module with stream endpoints, or plain signals, around the generated Verilog."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core import Core


def litex(core: Core) -> dict[str, str]:
    """``SLUG_litex.py``, to stand beside the Verilog: a Python module of LiteX with one class."""
    return {f"{core.slug}_litex.py": _module(core)}


def class_name(slug: str) -> str:
    """The class of a design: its slug's words, each with a capital."""
    return "".join(word[:1].upper() + word[1:] for word in slug.split("_"))


def endpoint(stream: dict[str, Any]) -> str:
    """What LiteX calls a stream: ``sink_a`` of ``s_axis_a`` or ``i_a``, ``source_c`` of ``m_axis_c``, ``source`` of
    ``o``."""
    name = re.sub(r"^(s_axis|m_axis|i|o)_?", "", stream["name"])
    return "_".join(filter(None, ["sink" if stream["direction"] == "in" else "source", name]))


def _module(core):
    slug, streams = core.slug, core.streams
    within = {port for stream in streams for port in stream["signals"].values()}
    clock, reset = core.about["clock"], core.about["reset"]
    plain = [port for port in core.ports if port["name"] not in {*within, clock, reset}]
    names = [*(["ClockSignal"] if clock else []), "Instance", *(["ResetSignal"] if reset else []),
             *(["Signal"] if plain else [])]
    version, files = core.about["versions"]["lmul"], ", ".join(map(_quoted, core.files))
    lines = [f'"""{slug} for LiteX, written by lmul {version}; {slug}.json describes it."""', "",
             "from pathlib import Path", "", "from litex.gen import LiteXModule",
             *(["from litex.soc.interconnect import stream"] if streams else []),
             f"from migen import {', '.join(names)}", "",
             "#: Verilog that must stand beside this file.", f"SOURCES = ({files},)", "", "",
             f"class {class_name(slug)}(LiteXModule):", f'    """{_text(core.about["summary"])}', ""]
    lines += [f"    {line}".rstrip() for line in _contract(core, plain)]
    lines += ['    """', "", "    def __init__(self, platform):", "        for name in SOURCES:",
              "            platform.add_source(str(Path(__file__).with_name(name)))"]
    lines += [f'        self.{endpoint(each)} = stream.Endpoint([("data", {each["data_bits"]})])' for each in streams]
    lines += [f'        self.{port["name"]} = Signal({port["width"]})' for port in plain]
    lines += ["        self.specials += Instance(", f"            {_quoted(core.top)},"]
    return "\n".join([*lines, *(f"            {pin}," for pin in _pins(core, streams, plain)), "        )", ""])


def _pins(core, streams, plain):
    about = core.about
    if about["clock"]:
        yield f'i_{about["clock"]}=ClockSignal("sys")'
    if about["reset"]:
        yield f'i_{about["reset"]}={"~" * (about["reset_active"] == "low")}ResetSignal("sys")'
    for each in streams:
        forward, back = ("i", "o") if each["direction"] == "in" else ("o", "i")
        for what, port in each["signals"].items():
            yield f"{back if what == 'ready' else forward}_{port}=self.{endpoint(each)}.{what}"
    for port in plain:
        yield f"{port['direction'][0]}_{port['name']}=self.{port['name']}"


def _contract(core, plain):
    """Lines of the docstring: domain, latency, endpoints, signals."""
    if core.about["clock"]:
        yield "Clock domain: sys, with its reset; ClockDomainsRenamer moves it to another."
        yield f"Latency: {core.about['latency']} cycles, as docs/ARCHITECTURE.md of lmul counts them."
    else:
        yield "Combinational."
    for each in core.streams:
        yield ""
        elements = f"{each['elements']} elements of {each['element_bits']} bits"
        yield f"{endpoint(each)} : data has {elements}, element i from bit {each['stride']} * i"
        yield f"    {_text(each['carries'])}; {_text(each['order'])}."
        yield f"    last is {_text(each['last'])}." if each["last"] else "    last is not used."
        for what, bits in each.get("above", {}).items():
            yield f"    Above the elements: {what}, {bits['width']} bits from bit {bits['lsb']}."
    for port in plain:
        yield ""
        yield f"{port['name']} : {port['direction']}, {port['width']} bit{'s' * (port['width'] > 1)}"


def _quoted(text):
    return f'"{text}"'


def _text(words):
    """Words in a docstring."""
    return words.replace("\\", "/").replace('"""', "'''")
