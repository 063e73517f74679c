"""``lmul report``: area, delay, energy and error, with every assumption on the page."""

import click

from ..console import output_folder, progress


@click.command()
@click.argument("slugs", metavar="[SLUG...]", nargs=-1)
@click.option("--tech", "technologies", multiple=True, help="sky130hd or asap7; may be repeated. Default: both.")
@click.option("--liberty", multiple=True, type=click.Path(), help="Liberty file (.lib, .lib.gz); repeat for the files of one library.")
@click.option("--operands", default="recording", show_default=True, help="recording, uniform, gaussian, or an .npz with arrays a and b.")
@click.option("--effort", type=click.Choice(["low", "default", "high"]), default="default", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--keep", is_flag=True, help="Keep each row's netlist, constraints and activity.")
@click.option("-o", "--output", required=True, help="Folder to write to.")
def report(slugs, technologies, liberty, operands, effort, seed, keep, output):
    """Measure designs (default: the comparison of L-Mul with exact multipliers) and write report.json, .md and .html."""
    folder = output_folder(output)
    from ...synth.measure import run_report
    from ..pages import summary, write_pages

    with progress("report") as update:
        record = run_report(list(slugs) or None, technologies=list(technologies) or None, liberty=list(liberty),
                            operands=operands, effort=effort, seed=seed, keep=folder if keep else None, progress=update)
    write_pages(record, folder)
    click.echo(summary(record))
    click.echo(f"written: {folder / 'report.html'}, .md, .json")
