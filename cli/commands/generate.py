"""``lmul generate``: Verilog, manifest, FuseSoC core and SDC."""

import click

from ...hdl.designs import parse
from ..console import output_folder, progress


@click.command()
@click.argument("slugs", metavar="SLUG...", nargs=-1, required=True)
@click.option("-o", "--output", required=True, help="Folder to write to.")
def generate(slugs, output):
    """Write one .v, .json manifest, FuseSoC .core and .sdc per design."""
    designs = [parse(slug) for slug in slugs]
    folder = output_folder(output)
    from ...hdl.verilog import generate as write

    with progress("generate") as update:
        for done, design in enumerate(designs):
            update(done, len(designs), design.slug)
            write(design, folder)
        update(len(designs), len(designs))
    for design in designs:
        click.echo(folder / f"{design.slug}.v")
