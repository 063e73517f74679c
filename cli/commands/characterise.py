"""``lmul characterise``: the compact cell table of a library."""

import click

from ..console import output_file


@click.command()
@click.argument("liberty", metavar="LIB...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", required=True, help="File to write.")
def characterise(liberty, output):
    """Read the figures of a library's cells off its Liberty files into one compact table."""
    path = output_file(output)
    from ...synth.characterise import characterise as write

    click.echo(write(liberty, path))
