"""``lmul matmul``: a real product through the model, the simulated RTL, or a board on a serial line."""

from functools import partial

import click

from ...boards.line import BAUD, read_place
from ...hdl.designs import parse
from ..console import Failure, as_json, output_file, print_json, progress
from ..slugs import Slug


class Backend(click.ParamType):
    """``golden``, ``rtl``, or a board's place."""

    name = "golden|rtl|serial:PORT[@BAUD]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in ("golden", "rtl") and not value.startswith("serial:"):
            self.fail(f"{value!r} is not golden, rtl or serial:PORT[@BAUD]", param, ctx)
        return value


@click.command()
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.option("--design", required=True, type=Slug(), help="A slug of a design that has sums; for rtl and serial a "
              "matmul_* or tile_* one.")
@click.option("--backend", type=Backend(), default="golden", show_default=True,
              help=f"The model, its simulated RTL, or a board at a serial port, {BAUD} baud unless told otherwise.")
@click.option("--a-scales", type=click.Path(), help="Codes of the scales of A, where it is codes in blocks.")
@click.option("--b-scales", type=click.Path(), help="The same of B.")
@as_json
@click.option("-o", "--output", required=True, help="The .npy to write.")
def matmul(a: str, b: str, design: str, backend: str, a_scales: str | None, b_scales: str | None, as_json: bool,
           output: str) -> None:
    """Multiply the matrices A and B, each an .npy file, or by name F.npz:x or F.safetensors:x; all backends give the
    same bits. For tiles floats are quantised, by block where the design has blocks."""
    parsed = parse(design)
    place = read_place(backend) if backend.startswith("serial:") else None
    path = output_file(output)
    from ...boards.host import Differs, on_board
    from ...sim.matmul import matmul_files

    try:
        with progress("matmul") as update:
            done = matmul_files(a, b, parsed, backend, path, progress=update, a_scales=a_scales, b_scales=b_scales,
                                by=partial(on_board, place) if place else None)
    except Differs as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json(done.record)
    else:
        click.echo(done.line)
