"""``lmul claims``: each claim of the L-Mul paper beside what is measured, with a verdict."""

import json
import shlex
import sys
from pathlib import Path

import click

from ..console import output_folder, progress


@click.command()
@click.option("--only", "parts", multiple=True,
              help="error, gates, energy, attention, corrections or others; may be repeated. Default: all.")
@click.option("--record", type=click.Path(), help="A report.json with figures of designs. Default: measure them.")
@click.option("--full", is_flag=True, help="Measure also the sums that take long, at every format.")
@click.option("--models", is_flag=True, help="Run the transformer on all sentences (minutes); needs `make models`.")
@click.option("-o", "--output", required=True, help="Folder to write to.")
def claims(parts, record, full, models, output):
    """Judge each claim of the paper (arXiv 2410.00907); write claims.json, .md and .html."""
    folder = output_folder(output)
    report = None if record is None else _read(record)
    from ...claims.run import run
    from ..claims_page import summary, write_claims

    with progress("claims") as update:
        found = run(parts, report, models, full, shlex.join(["lmul", *sys.argv[1:]]), update)
    write_claims(found, folder)
    click.echo(summary(found))
    click.echo(f"written: {folder / 'claims.html'}, .md, .json")


def _read(path):
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        record = None
    if not isinstance(record, dict):
        raise ValueError(f"Record must be a report.json of `lmul report`, not {path!r}")
    return record
