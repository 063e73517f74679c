"""``lmul trace``: what a transformer multiplies."""

import click

from ..console import output_file, read_lines


@click.command()
@click.argument("sentences", required=False, type=click.Path())
@click.option("-o", "--output", required=True, help="The .npz to write.")
def trace(sentences: str | None, output: str) -> None:
    """Record the operands of attention and of one feed-forward layer, for the lines of a text file (default: our own).

    Needs the extra `models`.
    """
    path = output_file(output)
    lines = None if sentences is None else read_lines(sentences)
    from ...models.trace import record_trace

    click.echo(record_trace(lines, path))
