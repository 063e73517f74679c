"""Somebody else's Verilog in place of a design: read by Yosys, held to the design's ports, written as one plain text.

Nothing here says what a module computes: `lmul.prove` and `lmul.synth` do.
"""

import hashlib
import json
import re
import tempfile
from dataclasses import dataclass, field, fields
from pathlib import Path

from ..golden.refusal import Refusal
from . import yosys
from .designs import Design, parse
from .verilog import verilog

_SPELLING = "F.v:TOP=SLUG, or A.v,B.sv:TOP=SLUG of several files"
_NAME = re.compile(r"[A-Za-z_]\w*")
_INCLUDE = re.compile(r'^\s*`include\s+"([^"]+)"', re.M)

#: Word cells of Yosys that store, by what is said of them.
_LATCHES = ("$dlatch", "$adlatch", "$dlatchsr", "$sr")
_ASYNCHRONOUS = ("$adff", "$adffe", "$aldff", "$aldffe", "$dffsr", "$dffsre", "$ff")
_CLOCKED = ("$dff", "$dffe", "$sdff", "$sdffe", "$sdffce")


@dataclass(frozen=True)
class Source:
    """Files of somebody else's Verilog.

    Attributes
    ----------
    names : tuple of str
        The files as they were given, in the order in which they are read.
    top : str
        The module that stands in place of a design.
    texts : tuple of (str, bytes)
        Contents by a path of their own: of the files, ``N/NAME`` with N from 0, and of what they include beside them.
    """

    names: tuple
    top: str
    texts: tuple

    @property
    def sha256(self) -> str:
        """Digest of the contents of all files, those included too."""
        digest = hashlib.sha256()
        for path, text in self.texts:
            digest.update(f"{path}\0{len(text)}\0".encode() + text)
        return digest.hexdigest()

    @property
    def paths(self) -> tuple[str, ...]:
        """The path of each file of ``names``."""
        return tuple(_path(n, name) for n, name in enumerate(self.names))

    def write(self, folder: str | Path) -> list[Path]:
        """Write all files below a folder; gives the paths of those that are to be read."""
        for path, text in self.texts:
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)
        return [Path(folder, path) for path in self.paths]

    def named(self, words: str) -> str:
        """What a tool said, with the files called as they were given."""
        for path, name in zip(self.paths, self.names, strict=True):
            words = words.replace(path, name)
        return words


@dataclass(frozen=True)
class Foreign(Design):
    """A design as somebody else built it: all of the `Design` in whose place it stands, but its slug, which is a name
    for files, modules and rows of a report.

    Attributes
    ----------
    source : Source
    text : str
        What Yosys read, as plain Verilog: its top module is called by the slug, others begin with it.
    registers : bool
        Whether there are any.
    """

    source: Source = field(kw_only=True)
    text: str = ""
    registers: bool = False

    @property
    def slug(self) -> str:
        return f"{super().slug}__{self.source.top}_{self.source.sha256[:8]}"

    @property
    def ours(self) -> Design:
        """The `Design` in whose place this stands."""
        return Design(**{field.name: getattr(self, field.name) for field in fields(Design)})

    @property
    def title(self) -> str:
        """The module's name for readers."""
        return f"{self.source.top} (their Verilog)"


def read(given: str) -> Foreign:
    """Somebody else's module, read and held to the ports of a design.

    Parameters
    ----------
    given : str
        ``F.v:TOP=SLUG``, or ``A.v,B.sv:TOP=SLUG``. Files that end in ``.sv`` are read as SystemVerilog. Parameters
        have their defaults; initial values are dropped, since no cell library keeps them.

    Returns
    -------
    Foreign

    Raises
    ------
    Refusal
        If the spelling, the slug, a file, its syntax, the module, one of its ports, or how it stores is refused.
    YosysError
        If Yosys is missing, or fails at what it was not given.
    """
    files, top, design = _spelled(given)
    source = Source(files, top, tuple(_texts(files)))
    with tempfile.TemporaryDirectory(prefix="lmul-") as folder:
        folder = Path(folder)
        _elaborate(source, design, folder)
        module = _module(folder / "flat.json", top)
        _check_ports(source, module, design, _module(folder / "ours.json", design.slug))
        registers = _check_cells(source, module, design)
        _check_drivers(source, (folder / "check.txt").read_text(encoding="utf-8", errors="replace"))
        own = {field.name: getattr(design, field.name) for field in fields(Design)}
        unwritten = Foreign(**own, source=source, registers=registers)
        return Foreign(**own, source=source, registers=registers, text=_written(unwritten, folder))


def _spelled(given):
    """Files, top module and design."""
    files, colon, top = given.rpartition("=")[0].rpartition(":")
    slug = given.rpartition("=")[2]
    files = tuple(files.split(","))
    if not colon or not all(files) or not slug:
        raise Refusal(f"Somebody else's Verilog must be given as {_SPELLING}, not {given!r}")
    if not _NAME.fullmatch(top):
        raise Refusal(f"The top module must be a plain Verilog name, not {top!r} in {given!r}")
    return files, top, parse(slug)


def _path(n, name):
    return f"{n}/{re.sub(r'[^A-Za-z0-9_.]', '_', Path(name).name)}"


def _texts(files):
    """(path, contents) of files, and of what they include that lies beside them."""
    for n, name in enumerate(files):
        try:
            text = Path(name).read_bytes()
        except OSError as error:
            raise Refusal(f"Verilog must be a file that can be read, not {name!r}: {error.strerror}") from None
        except ValueError as error:  # a name with a NUL in it
            raise Refusal(f"Verilog must be a file that can be read, not {name!r}: {error}") from None
        yield _path(n, name), text
        yield from _included(Path(name).parent, f"{n}", text, set())


def _included(folder, prefix, text, known):
    for name in _INCLUDE.findall(text.decode("utf-8", "replace")):
        path = folder / name
        if name in known or not path.is_file():
            continue  # Yosys says of what is missing where it was asked for
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise Refusal(f"A file to include must lie beside the file that includes it or below, not at {name!r}")
        known.add(name)
        found = path.read_bytes()
        yield f"{prefix}/{name}", found
        yield from _included(folder, prefix, found, known)


def _elaborate(source, design, folder):
    """Have Yosys read it: leaves ``design.il``, ``flat.json``, ``check.txt`` and our own ports in ``ours.json``."""
    source.write(folder)
    (folder / "ours.v").write_text(verilog(design), encoding="utf-8")
    script = ["read_verilog ours.v", f"hierarchy -top {design.slug}", "proc", "write_json ours.json", "design -reset"]
    script += [f"read_verilog {'-sv ' if path.endswith('.sv') else ''}{path}" for path in source.paths]
    script += ["tee -q -o modules.txt ls", f"hierarchy -check -top {source.top}", "proc",
               "delete t:$print t:$check t:$assert t:$assume t:$cover t:$live t:$fair",
               "setattr -unset init w:*", "write_rtlil design.il",
               "memory", "flatten -noscopeinfo", "tribuf", "opt_clean", "write_json flat.json",
               "techmap", "simplemap", "opt_clean", "tee -q -o check.txt check -noinit"]
    try:
        yosys.run(script, folder)
    except yosys.YosysError as error:
        raise _complaint(source, folder, error) from None


def _complaint(source, folder, error):
    """Why Yosys does not take it, in Yosys' words."""
    modules = folder / "modules.txt"
    if modules.exists():
        names = [line.strip().removeprefix("$abstract\\") for line in modules.read_text(encoding="utf-8").splitlines()
                 if line.startswith("  ")]
        if source.top not in names:
            return Refusal(f"The top module must be one of {', '.join(names) or 'none'} in {', '.join(source.names)}, "
                           f"not {source.top!r}")
    log = folder / "yosys.log"
    said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    errors = [line.strip() for line in said.splitlines() if re.search(r"\bERROR:", line)]
    if not errors:
        return error
    words = re.sub(r"\s+", " ", re.sub(r"ERROR:\s*", "", source.named(errors[0]))).rstrip("!.")
    return Refusal(f"Verilog must be what Yosys can read and elaborate: {words}")


def _module(path, name):
    return json.loads(path.read_text(encoding="utf-8"))["modules"][name]


def _ports(module):
    """(direction, width) by port."""
    return {name: (port["direction"], len(port["bits"])) for name, port in module["ports"].items()}


def _check_ports(source, module, design, own):
    """See that a module has the ports of the design."""
    theirs, ours = _ports(module), _ports(own)
    faults = [f"{name!r} is missing ({_port(*ours[name])})" for name in ours if name not in theirs]
    faults += [f"{name!r} must be {_port(*ours[name])}, not {_port(*theirs[name])}"
               for name in ours if name in theirs and theirs[name] != ours[name]]
    faults += [f"{name!r} is one more ({_port(*theirs[name])})" for name in theirs if name not in ours]
    if faults:
        raise Refusal(f"Ports of {source.top} must be those of {design.slug}: {'; '.join(faults)}; a module around it "
                      "can set parameters and rename ports")


def _port(direction, width):
    return f"{'an' if direction[0] in 'io' else 'a'} {direction} of {width} bit{'s' * (width > 1)}"


def _check_cells(source, module, design):
    """See that a module stores in flip-flops of the design's clock alone, all of it given; whether it stores at all."""
    clocks = [bit for name in ("clk", "aclk") if name in module["ports"] for bit in module["ports"][name]["bits"]]
    names = {bit: name for name, net in module["netnames"].items() for bit in net["bits"]}
    registers = False
    if "blackbox" in module.get("attributes", {}):
        raise Refusal(f"{source.top} must be given whole, and is a box that nothing is known of")
    for name, cell in module["cells"].items():
        kind, pins = cell["type"], cell["connections"]
        where = _where(source, cell)
        what = repr(names.get(next(iter(pins.get("Q", ())), None), name))
        if not kind.startswith("$"):
            raise Refusal(f"{source.top} must be given whole, and {kind!r}{where} is a box that nothing is known of")
        if kind in _LATCHES:
            raise Refusal(f"{source.top} must have no latches, and {what}{where} is one: some case does not assign it")
        if kind == "$tribuf":
            raise Refusal(f"{source.top} must drive nets with 0 or 1 alone, and {where.strip(' ()') or name} may let "
                          "one go (Z)")
        if kind in (*_ASYNCHRONOUS, *_CLOCKED):
            if design.combinational:
                raise Refusal(f"{source.top} must be combinational as {design.slug} is, and {what}{where} is a "
                              "register")
            if kind in _ASYNCHRONOUS:
                raise Refusal(f"Registers of {source.top} must be set and reset at the clock's edge, as those of "
                              f"{design.slug} are, and {what}{where} is not: take the reset out of its sensitivity "
                              "list")
            if pins["CLK"] != clocks or not int(cell["parameters"]["CLK_POLARITY"], 2):
                raise Refusal(f"Registers of {source.top} must have the rising edge of its clock port, and "
                              f"{what}{where} has another clock")
            registers = True
    if not design.combinational and not registers:
        raise Refusal(f"{source.top} must have registers as {design.slug} has, and has none")
    return registers


def _where(source, cell):
    """File and line of a cell, in parentheses."""
    found = re.match(r"(\d+/[^:|]+):(\d+)", cell.get("attributes", {}).get("src", ""))
    return f" ({source.named(found[1])}:{found[2]})" if found else ""


def _check_drivers(source, said):
    """See that every net has one driver and no loop, by what Yosys' `check` said."""
    warnings = [line.partition("Warning:")[2].strip() for line in said.splitlines() if "Warning:" in line]
    if warnings:
        words = source.named(warnings[0]).replace(f"{source.top}.\\", "").replace("\\", "").rstrip(".:")
        raise Refusal(f"Every net of {source.top} must have one driver and be in no loop: Yosys says {words}")


def _written(foreign, folder):
    """The text: modules called by the slug, nothing in it but names, registers and gates."""
    path = folder / "design.il"
    text = path.read_text(encoding="utf-8")
    names = {}
    for n, name in enumerate(re.findall(r"^module (\S+)$", text, re.M)):
        clean = re.sub(r"\W+", "_", name.removeprefix("\\")).strip("_")[:40]
        names[name] = f"\\{foreign.slug}" if name == f"\\{foreign.source.top}" else f"\\{foreign.slug}_{n}_{clean}"
    # Yosys' own `rename` leaves the instances of a module as they were.
    text = re.sub(r"^(module|  cell) (\S+)", lambda found: f"{found[1]} {names.get(found[2], found[2])}", text,
                  flags=re.M)
    path.write_text(text, encoding="utf-8")
    yosys.run(["read_rtlil design.il", f"hierarchy -check -top {foreign.slug}", "memory", "opt_clean",
               "rename -unescape", "write_verilog -noattr foreign.v"], folder)
    lines = (folder / "foreign.v").read_text(encoding="utf-8").splitlines()
    return "".join(line + "\n" for line in lines if not line.startswith("/*")).lstrip("\n")
