"""``lmul claims``: each claim of the L-Mul paper beside what is measured, with a verdict."""

from typing import Any

import click

from ..console import cache, command_line, dont_use, output_folder, progress


@click.command()
@click.option("--only", "wanted", multiple=True, metavar="PART|ROW",
              help="error, gates, energy, tiles, attention, language, corrections or others, or a row of one as the "
                   "page names it; may be repeated. Default: all.")
@click.option("--record", type=click.Path(),
              help="A report.json with figures of designs. Default: measure them.")
@click.option("--full", is_flag=True, help="Measure also what takes long: sums at every format.")
@click.option("--models", is_flag=True, help="Run the networks as well (an hour); needs `make models`.")
@dont_use
@cache
@click.option("-o", "--output", required=True, help="Folder to write to.")
def claims(wanted: tuple[str, ...], record: str | None, full: bool, models: bool, dont_use: str, output: str,
           store: Any) -> None:
    """Judge each claim of the paper (arXiv 2410.00907); write claims.json, .md and .html."""
    folder = output_folder(output)
    from ...claims.run import run
    from ...synth.record import read
    from ..claims_page import summary, write_claims

    report = None if record is None else read(record)
    with progress("claims") as update:
        found = run(wanted, report, models, full, command_line(), update, dont_use, store)
    written = write_claims(found, folder)
    click.echo(summary(found))
    click.echo(f"written, in {folder}: {', '.join(written)}")
