"""``lmul bench``: the bench of a design, as a cocotb folder that stands alone."""

from __future__ import annotations

import click

from ...hdl.designs import parse
from ..console import output_folder, progress
from ..slugs import Slug


@click.command()
@click.argument("slug", metavar="SLUG", type=Slug())
@click.option("-o", "--output", required=True, help="Folder to write to.")
def bench(slug: str, output: str) -> None:
    """Write the bench of a design as a cocotb folder that needs no lmul: Verilog, reference, vectors by number,
    coverage with its holes listed."""
    design = parse(slug)
    folder = output_folder(output)
    from ...sim.standalone import write

    with progress("bench") as update:
        update(0, 1, slug)
        files = write(design, folder)
        update(1, 1)
    for path in files:
        click.echo(path)
    click.echo(f"run it: cd {folder} && pip install -r requirements.txt && make")
