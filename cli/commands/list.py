"""``lmul list``: what there is."""

import json

import click

from ...golden import families
from ...golden.formats import FORMATS, Specials
from ...hdl.designs import catalogue, parse

ACCUMULATORS = {
    "fp32": "rounded to nearest even at each step; also bf16, fp16 and any e{E}m{M}",
    "fixed": "exact fixed-point sum, drained to fp32 with one rounding; fixed256 holds 256 products",
    "carrysave": "the fixed sum as two words, its loop one full adder deep",
    "int32": "for products of integers; also int16 to int64",
}
SPECIALS = {Specials.IEEE: "Inf and NaN", Specials.NAN_ONLY: "NaN, no Inf", Specials.FINITE: "neither Inf nor NaN"}
SUBNORMALS = {"flush": "subnormals flushed", "exact": "subnormals kept"}
STRUCTURES = {
    "mul": "multiplier, narrow product",
    "prod": "multiplier, wide product",
    "mac": "multiplier and accumulator",
    "dot": "dot product into one accumulator",
    "array": "systolic array",
    "matmul": "systolic array behind AXI4-Stream",
}
TECHNOLOGIES = {
    "sky130hd": "SkyWater 130 nm, embedded cell table",
    "asap7": "ASAP7 predictive 7 nm, embedded cell table",
    "ice40": "Lattice iCE40, mapping",
    "ecp5": "Lattice ECP5, mapping",
    "xc7": "AMD 7 series, mapping",
}


def describe(design):
    """One line about a design."""
    spec = design.multiplier
    words = [STRUCTURES[design.structure] + ":", *[spec.kind] * spec.spelled]
    if spec.wide.integer:
        words.append(spec.formats.replace("x", " x "))
    else:
        words += [spec.formats.replace("x", " x ") + ",", SUBNORMALS[spec.subnormals]]
    if design.accumulator is not None:
        words.append(f"into {design.accumulator.name}")
    if design.lanes:
        words.append(f"over {design.lanes} lanes")
    if design.rows:
        flow = {"os": "output-stationary", "ws": "weight-stationary"}[design.dataflow]
        words.append(f"on {design.rows} x {design.cols} elements, {flow}")
    return " ".join(words)


def contents():
    """Everything ``lmul list`` shows, as a dict of name to description by section."""
    formats = {
        fmt.name: f"{fmt.exp_bits} exponent, {fmt.man_bits} mantissa bits, bias {fmt.bias}, {SPECIALS[fmt.specials]}"
        for fmt in FORMATS.values()
    }
    return {
        "formats": formats,
        "multipliers": {kind: member.summary for kind, (member, _) in families.members().items()},
        "accumulators": ACCUMULATORS,
        "technologies": TECHNOLOGIES,
        "designs": {slug: describe(parse(slug)) for slug in catalogue()},
    }


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def list_command(as_json):
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
