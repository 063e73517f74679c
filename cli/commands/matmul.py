"""``lmul matmul``: a real product through the model or the simulated RTL."""

import click

from ...hdl.designs import parse
from ..console import as_json, output_file, print_json, progress
from ..slugs import Slug


@click.command()
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.option("--design", required=True, type=Slug(), help="A slug of a design that has sums; for rtl a matmul_* or "
              "tile_* one.")
@click.option("--backend", type=click.Choice(["golden", "rtl"]), default="golden", show_default=True)
@click.option("--a-scales", type=click.Path(), help="Codes of the scales of A, where it is codes in blocks.")
@click.option("--b-scales", type=click.Path(), help="The same of B.")
@as_json
@click.option("-o", "--output", required=True, help="The .npy to write.")
def matmul(a: str, b: str, design: str, backend: str, a_scales: str | None, b_scales: str | None, as_json: bool,
           output: str) -> None:
    """Multiply the matrices A and B, each an .npy file, or by name F.npz:x or F.safetensors:x; both backends give the
    same bits. For tiles floats are quantised, by block where the design has blocks."""
    parsed = parse(design)
    path = output_file(output)
    from ...sim.matmul import matmul_files

    with progress("matmul") as update:
        done = matmul_files(a, b, parsed, backend, path, progress=update, a_scales=a_scales, b_scales=b_scales)
    if as_json:
        print_json(done.record)
    else:
        click.echo(done.line)
