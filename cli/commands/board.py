"""``lmul board``: a project for an FPGA board, down to a bitstream."""

import click

from ...golden.refusal import Refusal
from ...hdl.designs import parse
from ..console import Failure, output_folder, progress
from ..slugs import Slug


@click.command()
@click.argument("slug", required=False, type=Slug())
@click.option("--board", "name", help="Its name; --list has them.")
@click.option("--list", "show", is_flag=True, help="List the boards.")
@click.option("--build", "make", is_flag=True,
              help="Make the bitstreams as well: synthesis, placement, routing, packing. Fails if the clock is not "
                   "reached.")
@click.option("--divide", type=int,
              help="Cycles of the board's oscillator to one of the design's: 1, 2, 4, 8 or 16. Default: 1, or with "
                   "--build as many as the design needs.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the self-test's operands.")
@click.option("--vectors", type=click.IntRange(min=1, max=1 << 16),
              help="Words of operands in the self-test's ROMs. Default: 256, less where they are wide.")
@click.option("--baud", type=click.IntRange(min=1), help="Of the serial line of a matmul_*. Default: 115200, or a "
              "usual rate below that, to which the clock can be divided.")
@click.option("--top", "tops", multiple=True, type=click.Choice(["selftest", "link"]),
              help="Only this one: the self-test, or a matmul_* on a serial line; may be repeated.")
@click.option("-o", "--output", help="Folder to write to.")
def board(slug: str | None, name: str | None, show: bool, make: bool, divide: int | None, seed: int,
          vectors: int | None, baud: int | None, tops: tuple[str, ...], output: str | None) -> None:
    """Write a project that puts a design on an FPGA board: it tests itself there, against golden; and a matmul_* on a
    serial line, where a host gives it matrices."""
    from ...boards.catalogue import BOARDS
    from ...boards.catalogue import board as find

    if show:
        for each in BOARDS.values():
            click.echo(f"{each.name:22} {each.title}")
        return
    if slug is None or name is None or output is None:
        raise Refusal("A project must have a design, a board and a folder: lmul board SLUG --board NAME -o DIR; "
                      "`lmul board --list` lists boards")
    from ...boards.build import build, check
    from ...boards.project import Project, checked

    project = Project(parse(slug), find(name), output_folder(output), seed, vectors, checked(divide or 1), baud, tops)
    if not project.tops:
        raise Refusal(f"Design must be a matmul to be put on a serial line, not {slug!r}")
    if make:
        check(project)
    built = []
    with progress(f"{slug} on {name}") as update:
        project.write()
        if make:
            project, built = build(project, divide is None, update)
    for each in built:
        click.echo(each.line)
    click.echo(f"written: {project.folder / 'README.md'}, Makefile, ...")
    missed = [each for each in built if not each.met]
    if missed:
        raise Failure(f"{missed[0].top} of {slug} reaches {missed[0].mhz:.1f} MHz on {name}, not "
                      f"{missed[0].wanted_mhz:g}: give --divide a larger number than {project.divide}")
