"""``lmul compare``: what changed between two reports, by how much against the scatter."""

import json

import click


@click.command()
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.option("--scatter", "scatter_file", type=click.Path(),
              help="File of `lmul scatter` that the margins follow from. Default: that of the embedded technologies, "
                   "kept with the program.")
@click.option("--all", "everything", is_flag=True, help="Also what is equal or within the scatter.")
@click.option("--json", "as_json", is_flag=True, help="All changes as JSON.")
def compare(a: str, b: str, scatter_file: str | None, everything: bool, as_json: bool) -> None:
    """What changed from the report A.json to B.json: figures that are better or worse by more than their scatter.

    Less is better in all that is shown. Settings, operands and versions that differ are said first: figures of unlike
    reports are compared all the same.
    """
    from ...synth import margins
    from ...synth.compare import RULE
    from ...synth.compare import compare as compared
    from ...synth.record import read
    from ..changes import lines

    runs = (margins.kept() if scatter_file is None else margins.read(scatter_file))["runs"]
    found = compared(read(a), read(b), runs)
    if as_json:
        shown = found | {"changes": [change.as_row() for change in found["changes"]], "rule": RULE}
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        click.echo("\n".join(lines(found, everything)))
