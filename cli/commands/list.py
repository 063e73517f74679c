"""``lmul list``: what there is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ...golden import families
from ...golden.accumulators import KINDS
from ...golden.formats import FORMATS, Specials, block_format
from ...hdl.designs import catalogue, parse

if TYPE_CHECKING:
    from ...golden.formats import Block
    from ...hdl.designs import Design

SPECIALS = {Specials.IEEE: "Inf and NaN", Specials.NAN_ONLY: "NaN, no Inf", Specials.FINITE: "neither Inf nor NaN"}
SUBNORMALS = {"flush": "subnormals flushed", "exact": "subnormals kept"}
BLOCKS = ("mxe5m2", "mxe4m3", "mxe3m2", "mxe2m3", "mxe2m1", "mxint8", "mxl3f4", "nvfp4")
TECHNOLOGIES = {
    "sky130hd": "SkyWater 130 nm, embedded cell table",
    "asap7": "ASAP7 predictive 7 nm, embedded cell table",
    "ice40": "Lattice iCE40, mapping",
    "ecp5": "Lattice ECP5, mapping",
    "xc7": "AMD 7 series, mapping",
}


def describe(design: Design) -> str:
    """One line about a design."""
    spec = design.multiplier
    words = [design.declared.summary + ":", *[spec.kind] * spec.spelled]
    formats = spec.formats.replace("x", " x ")
    if design.declared.tiled:
        formats = " x ".join(dict.fromkeys(map(str, (design.a_block or spec.a, design.b_block or spec.b))))
    words += [f"{formats},", SUBNORMALS[spec.subnormals]] if spec.a.floating else [formats]
    if design.accumulator is not None:
        words.append(f"into {design.accumulator.name}")
    return " ".join(filter(None, [*words, design.declared.shape.describe(design)]))


def describe_block(block: Block) -> str:
    """One line about a format of blocks."""
    return f"{block.size} of {block.element} under a scale in {block.scale}: operands of tiles"


def contents() -> dict[str, dict[str, str]]:
    """Everything ``lmul list`` shows, as a dict of name to description by section."""
    formats = {
        fmt.name: f"{fmt.exp_bits} exponent, {fmt.man_bits} mantissa bits, bias {fmt.bias}, {SPECIALS[fmt.specials]}"
        for fmt in FORMATS.values()
    }
    return {
        "formats": formats,
        "blocks": {name: describe_block(block_format(name)) for name in BLOCKS},
        "multipliers": {kind: member.summary for kind, (member, _) in families.members().items()},
        "accumulators": {kind.example: kind.summary for kind in KINDS.values()},
        "technologies": TECHNOLOGIES,
        "designs": {slug: describe(parse(slug)) for slug in catalogue()},
    }


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def list_command(as_json: bool) -> None:
    """Formats, multipliers, accumulators, technologies and designs, a line each."""
    sections = contents()
    if as_json:
        click.echo(json.dumps(sections, indent=2))
        return
    for section, entries in sections.items():
        click.echo(f"{section}:")
        width = max(map(len, entries))
        for name, text in entries.items():
            click.echo(f"  {name:<{width}}  {text}")
