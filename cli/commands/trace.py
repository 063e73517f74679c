"""``lmul trace``: what a transformer multiplies."""

from pathlib import Path

import click

from ..console import output_file


@click.command()
@click.argument("sentences", required=False, type=click.Path())
@click.option("-o", "--output", required=True, help="The .npz to write.")
def trace(sentences, output):
    """Record the operands of attention and of one feed-forward layer, for the lines of a text file (default: our own).

    Needs the extra `models`.
    """
    path = output_file(output)
    lines = None if sentences is None else Path(sentences).read_text(encoding="utf-8").splitlines()
    from ...models.trace import record_trace

    click.echo(record_trace(lines, path))
