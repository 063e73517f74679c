"""``lmul trace``: what a transformer multiplies."""

import click

from ..console import output_file, read_lines

#: Keys of `lmul.models.trace.MODELS`, which help need not load.
_MODELS = ("minilm", "smollm2")


@click.command()
@click.argument("sentences", required=False, type=click.Path())
@click.option("-o", "--output", required=True, help="The .npz to write.")
@click.option("--model", type=click.Choice(_MODELS), default="minilm", show_default=True,
              help="all-MiniLM-L6-v2, a sentence encoder, or SmolLM2-135M-Instruct, a language model.")
def trace(sentences: str | None, output: str, model: str) -> None:
    """Record the operands of attention and of feed-forward layers, for the lines of a text file (default: our own).

    Needs the extra `models`.
    """
    path = output_file(output)
    lines = None if sentences is None else read_lines(sentences)
    from ...models.trace import record_trace

    click.echo(record_trace(lines, path, model))
