"""``lmul characterise``: the compact cell table of a library."""

import click

from ..console import dont_use, output_file


@click.command()
@click.argument("liberty", metavar="LIB...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", required=True, help="File to write.")
@click.option("--source", help="Where the files come from; by default their names and digests.")
@click.option("--licence", help="Their licence.")
@dont_use
def characterise(liberty: tuple[str, ...], output: str, source: str | None, licence: str | None, dont_use: str) -> None:
    """Read the figures of a library's cells off its Liberty files into one compact table."""
    path = output_file(output)
    from ...synth.characterise import characterise as write

    click.echo(write(liberty, path, source, licence, dont_use))
