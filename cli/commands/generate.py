"""``lmul generate``: Verilog, manifest, SDC, FuseSoC core and packages for others."""

from functools import partial

import click

from ...hdl.designs import parse
from ...packages import PACKAGES, require_streams
from ..console import Number, output_folder, progress
from ..slugs import Slug


@click.command()
@click.argument("slugs", metavar="SLUG...", nargs=-1, required=True, type=Slug())
@click.option("--period", "period_ns", type=Number(min=0, min_open=True), metavar="NS",
              help="Clock period of the SDC. Without it, what a quick mapping to sky130hd reaches.")
@click.option("--for", "packages", multiple=True, type=click.Choice(sorted(PACKAGES)),
              help="Also what this takes the core in by; may be repeated (docs/packages.md).")
@click.option("--pad", is_flag=True, help="Streams padded to powers of two of bytes, as DMA engines want: SLUG_padded, "
              "which is then the top of what --for gives.")
@click.option("-o", "--output", required=True, help="Folder to write to.")
def generate(slugs: tuple[str, ...], period_ns: float | None, packages: tuple[str, ...], pad: bool,
             output: str) -> None:
    """Write one .v, .json manifest, FuseSoC .core and .sdc per design."""
    designs = [parse(slug) for slug in slugs]
    if pad:
        for design in designs:
            require_streams(design)
    folder = output_folder(output)
    from ...hdl.verilog import Period
    from ...packages import generate as write
    from ...synth.period import measure

    def given(design, verilog):
        return Period(period_ns, "given by --period")

    with progress("generate") as update:
        for done, design in enumerate(designs):
            update(done, len(designs), design.slug)
            write(design, folder, partial(measure if period_ns is None else given, design), packages, pad)
        update(len(designs), len(designs))
    for design in designs:
        click.echo(folder / f"{design.slug}.v")
