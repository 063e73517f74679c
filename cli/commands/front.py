"""``lmul front``: many designs of a record against their error, as a page and files."""

import click

from ..console import output_folder


@click.command()
@click.argument("record", type=click.Path())
@click.option("-o", "--output", required=True, help="Folder to write to.")
def front(record: str, output: str) -> None:
    """Draw the designs of a report.json against the error of their results, with the front of those that no other
    beats: front.html and .md, .csv, .json, .tex, and pictures as .svg and .png."""
    from ...synth.record import read
    from ..front import finding, points
    from ..front_page import write_front

    found = read(record)
    folder = output_folder(output)
    names = write_front(found, folder)
    click.echo("\n".join(finding(points(found)) or ["no row has an error of the result"]))
    click.echo(f"written: {folder / names[0]} and {len(names) - 1} files beside it")
