"""``lmul generate``: Verilog, manifest, FuseSoC core and SDC."""

from functools import partial
from math import inf

import click

from ...golden.refusal import Refusal
from ...hdl.designs import parse
from ..console import output_folder, progress


@click.command()
@click.argument("slugs", metavar="SLUG...", nargs=-1, required=True)
@click.option("--period", "period_ns", type=float, metavar="NS",
              help="Clock period of the SDC. Without it, what a quick mapping to sky130hd reaches.")
@click.option("-o", "--output", required=True, help="Folder to write to.")
def generate(slugs, period_ns, output):
    """Write one .v, .json manifest, FuseSoC .core and .sdc per design."""
    designs = [parse(slug) for slug in slugs]
    if period_ns is not None and not 0 < period_ns < inf:
        raise Refusal(f"Period must be a number of ns above 0, not {period_ns}")
    folder = output_folder(output)
    from ...hdl.verilog import Period
    from ...hdl.verilog import generate as write
    from ...synth.period import measure

    def given(design, verilog):
        return Period(period_ns, "given by --period")

    with progress("generate") as update:
        for done, design in enumerate(designs):
            update(done, len(designs), design.slug)
            write(design, folder, partial(measure if period_ns is None else given, design))
        update(len(designs), len(designs))
    for design in designs:
        click.echo(folder / f"{design.slug}.v")
