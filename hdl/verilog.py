"""From a design to files: Verilog, manifest and timing constraints."""

import hashlib
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from amaranth.lib.wiring import Component

from ..golden.files import write_together
from . import layout, yosys
from .designs import Design
from .heading import heading
from .part import Modules, Part
from .streams import streams
from .summary import special_values, summary
from .tile_core import ROWS


class Period(NamedTuple):
    """The clock period that the constraints state, None for none, and in words where it comes from, or why not."""

    ns: float | None
    source: str


# Drops bits that nothing reads, and gives each net one driver.
_TRIM = ("opt_expr", "wreduce", "splitnets -driver -format _", "opt_clean -purge")

# Puts an output whose parts are driven apart together in the end, so that no vector reads a bit of its own to make
# another, which simulators take for a loop. The buffers that do so pass for a cell nobody knows while the wires are
# cleaned: known ones would be cleaned away.
_JOIN = ("bufnorm", "bufnorm -reset", "chtype -set join t:$buf o:* %ci1 %i", "opt_clean -purge", *_TRIM[2:],
         "chtype -set $buf t:join")


def component(design: Design) -> Part:
    """The Amaranth component of a design; ``component(parse(slug))`` is what the Verilog of ``slug`` is made from."""
    return design.declared.component(design)


def verilog(design: Design) -> str:
    """The Verilog of a design.

    The text depends on the design and on the versions of this program, Amaranth and Yosys alone: no attributes, no
    source paths, no dates. Every name is a plain identifier, the top module is called by the slug, and the names of
    all other modules begin with it.

    Raises
    ------
    YosysError
        If Yosys is missing or fails.
    """
    return _generated(design, component(design))[0]


def convert(components: Mapping[str, Component]) -> dict[str, str]:
    """The Verilog of components, by the name of the top module, in one run of Yosys.

    Fast for many, but the order of a text's statements may depend on which others are converted before it.

    Parameters
    ----------
    components : dict of str to wiring.Component

    Returns
    -------
    dict of str to str
    """
    return {name: text for name, (text, _) in _converted(components).items()}


def _converted(components):
    """By name of the top module its Verilog, and what its modules are made of: `Modules.contents`."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "extend.v").write_text(_extend_map())
        script, modules = [], {name: Modules(top, name) for name, top in components.items()}
        for name, each in modules.items():
            (folder / f"{name}.il").write_text(each.rtlil)
            script += _script(name)
        yosys.run(script, folder)
        return {name: (_body((folder / f"{name}.v").read_text(), each.ports), each.contents)
                for name, each in modules.items()}


class Generated(NamedTuple):
    """What is made of a design: its manifest, its Verilog, and these and constraints as files by name, the manifest
    last."""

    about: dict[str, Any]
    verilog: str
    files: dict[str, str]


def made(design: Design, period: Callable[[str], Period] | None = None) -> Generated:
    """What `generate` writes, written nowhere."""
    top = component(design)
    text, about, contents = _generated(design, top)
    clock = period(text) if period else Period(None, "none was given or measured")
    about |= {"sha256": hashlib.sha256(text.encode()).hexdigest(), "period_ns": clock.ns,
              "period_source": clock.source, "modules": _modules(design, contents)}
    return Generated(about, text, {
        f"{design.slug}.v": text,
        f"{design.slug}.sdc": _constraints(about),
        f"{design.slug}.json": json.dumps(about, indent=2) + "\n",
    })


def generate(design: Design, folder: str | Path, period: Callable[[str], Period] | None = None) -> None:
    """Write ``<slug>.v``, ``.sdc`` and ``.json`` into a folder, each whole or not at all; the manifest last. It has the
    digest of the Verilog that it describes.

    Parameters
    ----------
    design : Design
    folder : path
    period : callable, optional
        The `Period` of the constraints, of the Verilog that it is called with; without it they set no clock.

    Raises
    ------
    YosysError
        If Yosys is missing or fails; then nothing is written.
    OSError
        If the folder cannot be written.
    """
    write_together(folder, made(design, period).files)


def generate_many(designs: Iterable[Design], folder: str | Path) -> None:
    """`generate` for several designs, as many at a time as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(generate, design, folder) for design in designs]:
            done.result()


def _generated(design, top):
    """The Verilog of a design, its manifest without what follows from the text, and what its modules are made of."""
    body, contents = _converted({design.slug: top})[design.slug]
    about = _manifest(design, layout.ports(design.slug, body), 0 if design.combinational else top.latency)
    labels = {next(iter(each["signals"].values())): f"{each['name']}: {each['elements']} x {each['carries']}"
              for each in about["streams"]}
    made = ", ".join(f"{name} {number}" for name, number in _versions().items())
    return f"// {design.slug}: generated by {made}\n{heading(about)}{layout.labelled(body, labels)}", about, contents


def _modules(design, contents):
    """What each module of the Verilog is made of, and for what: a lone multiplier is nothing else."""
    if design.combinational:
        return contents | {design.slug: contents[design.slug] | {"roles": {"*": "multiplier"}}}
    return contents


def _manifest(design, ports, latency):
    """What a user of the Verilog needs to know, as JSON data; places are kept for what follows from its text."""
    return {
        "slug": design.slug,
        "summary": summary(design),
        "module": design.slug,
        "verilog": f"{design.slug}.v",
        "sha256": None,
        "ports": ports,
        "streams": [stream.describe() for stream in streams(design)],
        "protocol": design.protocol,
        "combinational": design.combinational,
        "latency": latency,
        **_clocking(design),
        "period_ns": None,
        "period_source": None,
        "parameters": _parameters(design),
        "special_values": special_values(design),
        "neutral": _neutral(design),
        "versions": _versions(),
    }


def _neutral(design):
    """Codes of the pair that changes no sum, which fills up what is short; None where there is none."""
    pair = design.multiplier.neutral
    return dict(zip("ab", map(int, pair), strict=True)) if pair and not design.combinational else None


def _clocking(design):
    if design.combinational:
        return {"clock": None, "reset": None, "reset_active": None}
    if design.declared.bus:
        return {"clock": "aclk", "reset": "aresetn", "reset_active": "low"}
    return {"clock": "clk", "reset": "rst", "reset_active": "high"}


def _parameters(design):
    spec = design.multiplier
    parameters = {"structure": design.structure, "multiplier": spec.label,
                  **{name: value for name, value in spec.fields().items() if name != "kind"},
                  "a": spec.a.describe(), "b": spec.b.describe(), **spec.constants()}
    if design.accumulator is None:
        parameters["result" if design.declared.tiled else "product"] = design.result.describe()
    else:
        accumulator = design.accumulator
        parameters["accumulator"] = {"name": accumulator.name, "kind": accumulator.kind, "depth": accumulator.depth,
                                     "result": accumulator.result.describe()}
        if design.lanes and not design.tree and accumulator.fmt:
            parameters |= {"tree": False, "window": design.window}
        elif design.tree:
            parameters["tree"] = True
    if design.declared.tiled:
        parameters |= _tile(design)
    shape = {name: getattr(design, name) for name in ("lanes", "rows", "cols", "dataflow")}
    return parameters | {name: value for name, value in shape.items() if value is not None}


def _tile(design):
    """What is to be known of a tile: partial sums, and by which power of two results must be multiplied: ``constant``,
    and once or not at all the numbers on the ports ``place`` and ``top``."""
    tile = design.tile
    found = {"stages": design.stages, "word_bits": tile.word_bits, "nan_flag": bool(tile.flags), "depth": tile.depth,
             "exponent": {"constant": tile.exponent(0), "place": int(tile.window is not None),
                          "top": int(bool(tile.blocks))}}
    if tile.window is not None:
        found |= {"window": tile.window, "places": [tile.places[0], tile.places[-1]]}
    for name, block in (("a_block", tile.a_block), ("b_block", tile.b_block)):
        if block:
            found[name] = {"name": block.name, "size": block.size, "scale": block.scale.describe()}
    if design.declared.memory:
        found["partial_sums"] = ROWS
    return found


def _constraints(about):
    """Timing constraints, nothing taken off the period for the ports; comments where there is no period."""
    inputs, outputs = (
        " ".join(f"{port['name']}[*]" if port["width"] > 1 else port["name"] for port in about["ports"]
                 if port["direction"] == direction and port["name"] != about["clock"])
        for direction in ("input", "output")
    )
    name, target = (about["clock"], f" [get_ports {about['clock']}]") if about["clock"] else ("virtual", "")
    period = about["period_ns"]
    mark, number = ("# ", "NS") if period is None else ("", f"{period:g}")
    return f"""\
# {about["slug"]}: times in ns
# period: {about["period_source"]}
# another: lmul generate {about["slug"]} --period NS
{mark}create_clock -name {name} -period {number}{target}
{mark}set_input_delay 0 -clock {name} [get_ports {{{inputs}}}]
{mark}set_output_delay 0 -clock {name} [get_ports {{{outputs}}}]
"""


def _script(slug):
    return [
        "design -reset",
        f"read_rtlil {slug}.il",
        f"hierarchy -check -top {slug}",
        # Registers start from reset, never from an initial value.
        "proc -noopt -norom",  # a ROM is a memory with initial values
        "setattr -unset init w:*",
        "delete t:$meminit*",  # nor memories
        "pmuxtree",
        "opt_expr",
        "opt_merge",
        "opt_dff",
        *_TRIM * 2,
        # Operands as wide as their result, as lint wants them.
        "techmap -map extend.v",
        "opt_clean -purge",
        *_JOIN,
        "rename -unescape",
        f"write_verilog -noattr {slug}.v",
    ]


def _extend_map():
    """A Yosys techmap, in Verilog, that widens the operands of word cells."""
    return "".join(_EXTEND.format(cell=cell, name=cell[1:], width=width) for width, cells in (
        ("Y_WIDTH", ("$add", "$sub", "$mul", "$and", "$or", "$xor")),
        ("A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH", ("$lt", "$le", "$gt", "$ge", "$eq", "$ne")),
    ) for cell in cells) + "".join(_EXTEND_UNARY.format(cell=cell, name=cell[1:]) for cell in ("$not", "$neg")) + _NOT


_EXTEND = """
(* techmap_celltype = "{cell}" *)
module extend_{name} (A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  localparam WIDTH = {width};
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire [WIDTH-1:0] a, b;
  generate
    if (A_WIDTH == 0) assign a = 0;
    else if (A_SIGNED && B_SIGNED) assign a = $signed(A);
    else assign a = A;
    if (B_WIDTH == 0) assign b = 0;
    else if (A_SIGNED && B_SIGNED) assign b = $signed(B);
    else assign b = B;
  endgenerate
  \\{cell} #(.A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED), .A_WIDTH(WIDTH), .B_WIDTH(WIDTH), .Y_WIDTH(Y_WIDTH))
    _TECHMAP_REPLACE_ (.A(a), .B(b), .Y(Y));
  wire _TECHMAP_FAIL_ = A_WIDTH == WIDTH && B_WIDTH == WIDTH;
endmodule
"""

_EXTEND_UNARY = """
(* techmap_celltype = "{cell}" *)
module extend_{name} (A, Y);
  parameter A_SIGNED = 0, A_WIDTH = 1, Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  output [Y_WIDTH-1:0] Y;
  wire [Y_WIDTH-1:0] a;
  generate
    if (A_SIGNED) assign a = $signed(A);
    else assign a = A;
  endgenerate
  \\{cell} #(.A_SIGNED(A_SIGNED), .A_WIDTH(Y_WIDTH), .Y_WIDTH(Y_WIDTH)) _TECHMAP_REPLACE_ (.A(a), .Y(Y));
  wire _TECHMAP_FAIL_ = A_WIDTH == Y_WIDTH;
endmodule
"""

_NOT = """
(* techmap_celltype = "$logic_not" *)
module logic_not (A, Y);
  parameter A_SIGNED = 0, A_WIDTH = 1, Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  output [Y_WIDTH-1:0] Y;
  wire any = |A;
  assign Y = ~any;
endmodule
"""


def _body(text, ports):
    """Laid out, and without Yosys' own heading, which names the machine it was built on."""
    text = "".join(line + "\n" for line in text.splitlines() if not line.startswith("/*")).lstrip("\n")
    text = re.sub(r"(?ms)^module .*?^endmodule", lambda module: _name_unused(module[0]), text)
    text = layout.laid_out(text, ports)
    if text.count("\nendmodule") > 1:
        text = "// All modules of a design are in one file.\n/* verilator lint_off DECLFILENAME */\n" + text
    return text


def _name_unused(module):
    """The wires that take outputs which nothing reads, called unused, as lint wants them."""
    names = Counter(re.findall(r"\b_\d+_\b", module))
    return re.sub(r"\b_(\d+)_\b", lambda name: f"unused_{name[1]}" if names[name[0]] == 2 else name[0], module)


def _versions():
    return {"lmul": version("lmul"), "amaranth": version("amaranth"), "yosys": yosys.yosys()[1]}
