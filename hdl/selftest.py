"""A design that tests itself: operands and the results that they must give in ROMs, around the design, as Verilog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CHUNK = 128  # bits of a word in one line of a ROM
GROUP = 16  # bits of a result that are compared in one cycle
RESULTS = "results"


@dataclass(frozen=True)
class Given:
    """What moves into a design on some of its ports: a word in each cycle in which ``valid`` and ``ready`` are 1.

    Attributes
    ----------
    name : str
        A Verilog identifier.
    ports : dict of str to int
        Ports that a word is made of, and their widths, the lowest bits first.
    words : tuple of int
    valid, ready : str or None
        The ports that say that a word is there, and that it is taken; None: always.
    """

    name: str
    ports: Mapping[str, int]
    words: tuple[int, ...]
    valid: str | None = None
    ready: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What must come out of it, in this order and no more: a word in each cycle with ``valid`` and ``enable``.

    Attributes
    ----------
    ports, words
        As for `Given`.
    valid, ready : str or None
        An output and an input of the design; with no ``valid`` there is a result for each word that goes in.
    enable : str or None
        An input without which the outputs hold, and what they say is no news.
    """

    ports: Mapping[str, int]
    words: tuple[int, ...]
    valid: str | None = None
    ready: str | None = None
    enable: str | None = None


@dataclass(frozen=True)
class Round:
    """What a self-test does again and again; the design is reset before."""

    given: tuple[Given, ...]
    wanted: Wanted

    @property
    def bits(self) -> int:
        """Of all ROMs, each as deep as a power of two."""
        return sum((1 << _address(each.words)) * sum(each.ports.values()) for each in (*self.given, self.wanted))


def selftest(about: Mapping[str, Any], one: Round) -> str:
    """The Verilog of a self-test.

    The module ``SLUG_selftest`` has the ports ``clk``, ``rst`` (synchronous, active high), ``pass``, ``fail``,
    ``mismatches`` and ``rounds``, and the design in the instance ``core``. It runs for ever: in each round it resets
    the design, offers all that it has, takes every result at once, and ends when nothing has moved for so long that
    nothing more can come. A result that differs, is not expected or has not come is a mismatch. ``fail`` stays 1 from
    the first one to reset; while there is none, ``pass`` blinks: bit ``BLINK`` of a counter of cycles, from the end of
    the first round.

    Nothing has an initial value but the ROMs. In a simulation an X among the results makes ``fail`` X.

    Parameters
    ----------
    about : dict
        The design's manifest.
    one : Round
    """
    slug, wanted = about["slug"], one.wanted
    # A quiet design may still be at work for its latency, or be filling up a short run.
    quiet = (4 * about["latency"] + 63).bit_length()
    widths = {port["name"]: port["width"] for port in about["ports"]}
    outputs = [port["name"] for port in about["ports"] if port["direction"] == "output"]
    pins = {about["clock"]: "clk", about["reset"]: "running" if about["reset_active"] == "low" else "~running"}
    pins = {port: net for port, net in pins.items() if port}
    lines: list[str] = []
    for each in one.given:
        lines += _giver(each)
        pins |= _slices(each.ports, f"{each.name}_word")
        if each.valid:
            pins[each.valid] = f"{each.name}_here"
    if wanted.ready:
        pins[wanted.ready] = "1'b1"
    pins |= {port: f"core_{port}" for port in outputs}
    assert pins.keys() == widths.keys(), pins.keys() ^ widths.keys()
    read = {*wanted.ports, wanted.valid, *(each.ready for each in one.given)}
    wires = [f"  wire {_range(widths[port])}core_{port};" for port in outputs if port in read]
    # Of no interest here: named so that a linter sees it.
    pins |= {port: f"unused_{port}" for port in outputs if port not in read}
    wires += [f"  wire {_range(widths[port])}unused_{port};" for port in outputs if port not in read]
    moves = [f"{each.name}_moved" for each in one.given]
    taken = f"running & core_{wanted.valid}" if wanted.valid else moves[0]
    if wanted.enable:
        taken += f" & {pins[wanted.enable]}"
    instance = ",\n".join(f"    .{port}({pins[port]})" for port in widths)
    return "\n".join([
        f"// {slug}_selftest: {slug} on operands in ROMs, its results compared with those of the golden model.",
        f"// {', '.join(f'{len(each.words)} words of {each.name}' for each in one.given)}; "
        f"{len(wanted.words)} results; {one.bits} bits of ROM.",
        "",
        f"module {slug}_selftest #(",
        "    parameter BLINK = 22  // the bit of a counter of cycles that pass shows",
        ") (",
        "    input clk,",
        "    input rst,",
        "    output pass,",
        "    output reg fail,",
        "    output reg [15:0] mismatches,  // stays at its largest",
        "    output reg [15:0] rounds  // begins again from 0",
        ");",
        "  // A round: as many cycles of reset as nothing may move for, then the words.",
        "  reg running;",
        f"  reg [{quiet}:0] still;",
        f"  wire over = still[{quiet}];",
        *wires,
        *lines,
        f"  {slug} core (\n{instance}\n  );",
        "",
        *_taker(wanted, taken),
        f"  wire moved = {' | '.join([*moves, 'taken'])};",
        "  reg missing, finished;",
        "  reg [BLINK:0] beat;",
        "  wire wrong = differs | missing;",
        "  assign pass = finished & ~fail & beat[BLINK];",
        "  always @(posedge clk) begin",
        "    still <= rst | over | (running & moved) ? 0 : still + 1'b1;",
        "    running <= ~rst & (running ^ over);",
        "    missing <= ~rst & running & over & ~all;",
        "    finished <= ~rst & (finished | (running & over));",
        "    rounds <= rst ? 0 : rounds + {15'd0, running & over};",
        "    beat <= rst ? 0 : beat + 1'b1;",
        "    fail <= ~rst & (fail | wrong);",
        "    mismatches <= rst ? 0 : mismatches + {15'd0, wrong & ~&mismatches};",
        "  end",
        "endmodule\n",
    ])


def _giver(each: Given) -> Iterable[str]:
    """The ROM of what is given: its word is read in the cycle before."""
    name, high = each.name, _address(each.words)
    ready = f" & core_{each.ready}" if each.ready else ""
    return [
        "",
        *_rom(name, each),
        f"  reg [{high}:0] {name}_at;",
        f"  wire {name}_here = running & {name}_at != {len(each.words)};",
        f"  wire {name}_moved = {name}_here{ready};",
        f"  wire [{high}:0] {name}_next = running ? {name}_at + {{{high}'d0, {name}_moved}} : 0;",
        "  always @(posedge clk) begin",
        f"    {name}_at <= {name}_next;",
        f"    {name}_word <= {name}_rom[{name}_next[{high - 1}:0]];",
        "  end",
        "",
    ]


def _taker(wanted: Wanted, taken: str) -> Iterable[str]:
    """Results beside what they must be: read, compared in groups of bits, put together, a cycle for each."""
    name, high, width = RESULTS, _address(wanted.words), sum(wanted.ports.values())
    groups = [(first, min(first + GROUP, width) - 1) for first in range(0, width, GROUP)]
    count = len(groups)
    result = ", ".join(f"core_{port}" for port in reversed([*wanted.ports]))
    unequal = ",\n      ".join(f"came[{last}:{first}] != {name}_word[{last}:{first}]"
                              for first, last in reversed(groups))
    return [
        *_rom(name, wanted),
        f"  reg [{width - 1}:0] came;",
        f"  reg [{high}:0] {name}_at;",
        f"  reg [{count - 1}:0] unequal;",
        "  reg here, compared, extra, too_many, differs;",
        f"  wire taken = {taken};",
        f"  wire all = {name}_at == {len(wanted.words)};",
        "  always @(posedge clk) begin",
        f"    {name}_at <= running ? {name}_at + {{{high}'d0, taken & ~all}} : 0;",
        f"    {name}_word <= {name}_rom[{name}_at[{high - 1}:0]];",
        f"    came <= {{{result}}};",
        "    here <= ~rst & taken;",
        "    extra <= all;",
        "    unequal <= {",
        f"      {unequal}}};",
        "    compared <= ~rst & here;",
        "    too_many <= extra;",
        "    differs <= ~rst & compared & (too_many | |unequal);",
        "  end",
        "",
    ]


def _rom(name: str, each: Given | Wanted) -> Iterable[str]:
    """A ROM and its register; zeros where it is deeper than it has words, so that nothing in it is unknown."""
    width, depth = sum(each.ports.values()), 1 << _address(each.words)
    words = [*each.words, *[0] * (depth - len(each.words))]
    contents = (f"    {name}_rom[{place}] = {_number(word, width)};" for place, word in enumerate(words))
    return [f"  reg [{width - 1}:0] {name}_rom [0:{depth - 1}];", f"  reg [{width - 1}:0] {name}_word;",
            "  initial begin", *contents, "  end"]


def _number(word: int, width: int) -> str:
    """A number in Verilog, in lines that are not too long."""
    parts = [f"{size}'h{word >> first & ((1 << size) - 1):0{-(-size // 4)}x}" for first in range(0, width, CHUNK)
             for size in [min(CHUNK, width - first)]]
    return parts[0] if len(parts) == 1 else "{" + ",\n      ".join(reversed(parts)) + "}"


def _slices(ports: Mapping[str, int], word: str) -> dict[str, str]:
    """Of each port its bits of a word."""
    found, first = {}, 0
    for port, width in ports.items():
        found[port] = f"{word}[{first + width - 1}:{first}]"
        first += width
    return found


def _address(words: Sequence[int]) -> int:
    """Bits of an address."""
    return max(1, (len(words) - 1).bit_length())


def _range(width: int) -> str:
    return f"[{width - 1}:0] " if width > 1 else ""
