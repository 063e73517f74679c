"""Yosys' Verilog as it is read: a port to a line and in order, repetition told once, lines broken.

White space is all that is changed in what is not a module's header or a repetition, and text with strings, comments or
directives is left alone: the meaning stays.
"""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

WIDTH = 120  # of lines that can be broken


def laid_out(text: str, order: Mapping[str, Sequence[str]]) -> str:
    """The Verilog of some modules, laid out.

    Parameters
    ----------
    text : str
        As Yosys writes it.
    order : dict of str to sequence of str
        Of each module its ports in the order of the header.
    """
    modules = re.split(r"(?m)^(?=module )", text)
    return broken(_folded("".join([modules[0], *(_header(module, order) for module in modules[1:])])))


def labelled(text: str, labels: Mapping[str, str]) -> str:
    """The same Verilog with a comment above some ports, by name, of its first module."""
    def above(found):
        return f"  // {labels[found[1]]}\n{found[0]}" if found[1] in labels else found[0]

    first, end, rest = text.partition("\n);\n")
    return re.sub(r"(?m)^  (?:input|output) .* (\w+),?$", above, first) + end + rest


def broken(text: str) -> str:
    """The same Verilog with no line longer than `WIDTH`, as far as there is white space to break at."""
    return "".join(line if len(line) <= WIDTH or re.search(r'["\\`]|//|/\*|\*/', line) else _broken(line)
                   for line in text.splitlines(keepends=True))


def _broken(line):
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(line.strip(), WIDTH, initial_indent=indent, subsequent_indent=indent + "    ",
                         break_long_words=False, break_on_hyphens=False) + "\n"


_HEADER = re.compile(r"module (\w+)\(([^)]*)\);\n")
_PORT = re.compile(r"^  (input|output)( \[\d+:\d+\])? (\w+);\n  (wire|reg)( \[\d+:\d+\])? \3;\n", re.M)


def _header(module, order):
    """A module whose ports are declared in its header; one whose order is not known, of a submodule that is no part of
    ours, stays as it is."""
    header = _HEADER.match(module)
    if not header or header[1] not in order:
        return module
    ports = {name: (direction, kind, width or "") for direction, width, name, kind, _ in _PORT.findall(module)}
    names = header[2].replace("\n", " ").replace(",", " ").split()
    assert set(names) == set(ports)
    span = max((len(width) for _, _, width in ports.values()), default=0)
    lines = []
    for name in sorted(names, key=order[header[1]].index):
        direction, kind, width = ports[name]
        lines.append(f"  {direction:<6} {kind:<4}{width:>{span}} {name},")
    lines[-1] = lines[-1][:-1]
    body = _PORT.sub("", module[header.end():])
    return "\n".join([f"module {header[1]}(", *lines, ");", body])


_SIGNAL = r"[A-Za-z_]\w*(?:\[\d+(?::\d+)?\])?"
_REPEATED = re.compile(rf"(?<=[{{,] )({_SIGNAL})((?:, \1){{2,}})(?=,| \}})")
_CONSTANT = re.compile(r"\b(\d+)'h([0-9a-f]+)\b")
_PART = 256  # bits of a constant
_ALONE = re.compile(r"\{ (\{\d+\{[\w:\[\]]+\}\}) \}")


def _folded(text):
    """Three or more of a signal side by side in a concatenation told once, with their number; long constants in parts.
    """
    text = _REPEATED.sub(lambda found: f"{{{found[2].count(', ') + 1}{{{found[1]}}}}}", text)
    return _CONSTANT.sub(_parted, _ALONE.sub(r"\1", text))


def _parted(found):
    """A constant that would make a line too long, as zeros counted or as a concatenation."""
    width, value = int(found[1]), int(found[2], 16)
    if width <= _PART:
        return found[0]
    if not value:
        return f"{{{width}{{1'h0}}}}"
    parts = [(min(_PART, width - low), value >> low & (1 << _PART) - 1) for low in range(0, width, _PART)]
    return "{ " + ", ".join(f"{bits}'h{part:0{-(-bits // 4)}x}" for bits, part in reversed(parts)) + " }"


def ports(module: str, text: str) -> list[dict[str, str | int]]:
    """The ports of a module that is laid out, in order: name, direction and width."""
    header = re.search(rf"^module {module}\(\n(.*?)^\);", text, re.M | re.S)
    assert header
    return [{"name": name, "direction": direction, "width": int(msb or 0) + 1} for direction, msb, name in
            re.findall(r"^  (input|output) +(?:wire|reg) *(?:\[(\d+):0\])? (\w+),?$", header[1], re.M)]


def comment(lines: Iterable[str]) -> str:
    """Lines as Verilog's comments, long ones broken."""
    found = []
    for line in lines:
        indent = re.match(r" *(?:\S+  +)?", line)
        hang = " " * (len(indent[0]) if indent else 0)
        found += textwrap.wrap(line, WIDTH - 3, subsequent_indent=hang, break_on_hyphens=False,
                               break_long_words=False) or [""]
    return "".join(f"// {line}".rstrip() + "\n" for line in found)
