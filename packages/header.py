"""A design for programs in C: a header of its own, written from the manifest, and the library that the header goes
with, which is the same for all designs: numbers to codes, matrices to beats, a board on a serial line."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core import Core

#: Each includes those before.
LIBRARY = ("lmul_codec", "lmul_beats", "lmul_link")
_KINDS = {"float": "LMUL_FLOAT", "logarithm": "LMUL_LOG", "integer": "LMUL_INT", "powerscale": "LMUL_E8M0",
          "floatscale": "LMUL_UE4M3"}


def files(core: Core) -> dict[str, str]:
    """The header of a design, and the library, by file name."""
    found = {f"{core.slug}.h": header(core)}
    folder = resources.files("lmul.packages") / "data"
    for name in LIBRARY if _bus(core) else LIBRARY[:1]:
        found |= {f"{name}.{end}": (folder / f"{name}.{end}").read_text(encoding="utf-8") for end in ("h", "c")}
    return found


def header(core: Core) -> str:
    """``SLUG.h``: macros for ports, cycles and streams; formats; of a core behind AXI4-Stream an ``lmul_design``."""
    about, slug = core.about, core.slug
    word, name = slug.upper(), f"lmul_{slug}"
    lines = [f"/* {slug}: written from its manifest by lmul {about['versions']['lmul']}; do not edit.",
             f"   Again: lmul generate {slug} --for c -o DIR */",
             f"#ifndef LMUL_{word}_H", f"#define LMUL_{word}_H", "",
             f'#include "{LIBRARY[1] if _bus(core) else LIBRARY[0]}.h"', "",
             f"#define {word}_SLUG \"{slug}\"",
             f"#define {word}_VERILOG_SHA256 \"{about['sha256']}\"",
             f"#define {word}_LATENCY {about['latency']} /* cycles */", "",
             "/* Bits of the ports that are no single wires. */",
             *(f"#define {word}_{port['name'].upper()}_BITS {port['width']}" for port in about["ports"]
               if port["width"] > 1), ""]
    for stream in about["streams"]:
        lines += _stream(word, stream)
    parameters = about["parameters"]
    result = parameters["accumulator"]["result"] if "accumulator" in parameters else parameters.get(
        "result", parameters.get("product"))
    formats = {"a": parameters["a"], "b": parameters["b"], "result": result}
    if _bus(core):
        return "\n".join([*lines, "/* Formats, blocks and shape, for lmul_beats.h and lmul_link.h. */",
                          *_design(core, name, formats), "", "#endif", ""])
    lines += ["/* Formats of the operands and of the result. */"]
    for which, fmt in formats.items():
        lines.append(f"static const lmul_format {name}_{which} = {_format(fmt)}; /* {fmt['name']} */")
    for which in ("a", "b"):
        if block := parameters.get(f"{which}_block"):
            lines.append(f"static const lmul_block {name}_{which}_block = {_block(parameters, which)}; "
                         f"/* {block['name']} */")
    return "\n".join([*lines, "", "#endif", ""])


def _bus(core):
    return core.design.declared.bus


def _stream(word, stream):
    """Macros of a stream, and in words what its beats are."""
    name = f"{word}_{stream['name'].upper()}"
    words = [stream["order"], f"tlast {stream['last']}" if stream["last"] else ""]
    return [f"/* {stream['name']}: {'; '.join(word for word in words if word)}. */",
            f"#define {name}_ELEMENTS {stream['elements']}",
            f"#define {name}_ELEMENT_BITS {stream['element_bits']}",
            f"#define {name}_STRIDE_BITS {stream['stride']} /* from element to element */", ""]


def _format(fmt: dict[str, Any]) -> str:
    """An ``lmul_format``."""
    kind = _KINDS.get(fmt["kind"], "LMUL_OTHER")
    fields = {"kind": kind, "width": fmt["width"]}
    if kind in ("LMUL_FLOAT", "LMUL_LOG"):
        fields |= {each: fmt[each] for each in ("exp_bits", "man_bits", "bias")}
    if kind == "LMUL_FLOAT":
        fields["specials"] = f"LMUL_{fmt['specials'].upper()}"
    if kind == "LMUL_INT":
        fields["is_signed"] = int(fmt["signed"])
    return _braces(fields)


def _block(parameters, which):
    """An ``lmul_block``, of no elements where the operand is not in blocks."""
    block = parameters.get(f"{which}_block")
    if not block:
        return _braces({"size": 0})
    return _braces({"element": _format(parameters[which]), "scale": _format(block["scale"]), "size": block["size"]})


def _design(core, name, formats):
    parameters, design = core.about["parameters"], core.design
    tiled = design.declared.tiled
    neutral_a, neutral_b = design.multiplier.neutral or (0, 0)
    exponent, places = parameters.get("exponent", {}), parameters.get("places", [0, 0])
    fields = {
        "slug": f'"{core.slug}"', "tiled": int(tiled), "rows": parameters["lanes" if tiled else "rows"],
        "cols": parameters["cols"],
        **{which: _format(fmt) for which, fmt in formats.items()},
        **{f"{which}_block": _block(parameters, which) for which in "ab"},
        "neutral_a": f"{neutral_a:#x}", "neutral_b": f"{neutral_b:#x}", "vectors": parameters.get("partial_sums", 0),
        "has_places": int("window" in parameters or "a_block" in parameters or "b_block" in parameters),
        "first_place": places[0], "last_place": places[1], "exponent": exponent.get("constant", 0),
        "place_factor": exponent.get("place", 0), "top_factor": exponent.get("top", 0),
    }
    inner = [f"    .{each} = {value}," for each, value in fields.items()]
    return [f"static const lmul_design {name} = {{", *inner, "};"]


def _braces(fields):
    return "{" + ", ".join(f".{name} = {value}" for name, value in fields.items()) + "}"
