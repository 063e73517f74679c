"""``lmul scatter``: how far figures and ratios move when a report is repeated."""

from typing import Any

import click

from ...golden.operands import PAIRINGS
from ..console import cache, command_line, dont_use, output_file, progress
from ..slugs import Slug


@click.command()
@click.argument("slugs", metavar="[SLUG...]", nargs=-1, type=Slug())
@click.option("--tech", "technologies", multiple=True,
              help="As for `lmul report`; may be repeated. Default: sky130hd and asap7.")
@click.option("--liberty", multiple=True, type=click.Path(), help="As for `lmul report`.")
@dont_use
@click.option("--seeds", type=click.IntRange(min=2), default=5, show_default=True,
              help="Runs at each effort, each with its own seeds of mapping and of operands.")
@click.option("--effort", "efforts", multiple=True, type=click.Choice(["low", "default", "high"]), default=["default"],
              show_default=True, help="May be repeated.")
@click.option("--operands", default="recording", show_default=True, help="As for `lmul report`.")
@click.option("--pairing", type=click.Choice(PAIRINGS), help="As for `lmul report`.")
@click.option("--vectors", type=click.IntRange(min=200), default=2000, show_default=True,
              help="Operand pairs per netlist.")
@cache
@click.option("-o", "--output", required=True, help="File to write; runs that it has are not made again.")
def scatter(slugs: tuple[str, ...], technologies: tuple[str, ...], liberty: tuple[str, ...], seeds: int,
            efforts: tuple[str, ...], output: str, store: Any, **choices: Any) -> None:
    """Repeat a report with other seeds and efforts; `lmul report --scatter FILE` takes its margins from that."""
    path = output_file(output)
    from ...synth.defaults import default_designs
    from ...synth.options import Options
    from ...synth.scatter import repeat

    with progress("scatter") as update:
        found = repeat(path, slugs or default_designs(), technologies, liberty, options=Options(**choices), seeds=seeds,
                       efforts=efforts, command=command_line(), store=store, progress=update)
    for line in found["ratios"]:
        if line["scatter"] is not None:
            click.echo(f"{line['design']} / {line['rival']}, {line['technology']}, {line['measure']}, "
                       f"{line['effort']} effort: {line['mean']:.2f}, from {line['lowest']:.2f} to "
                       f"{line['highest']:.2f} in {line['runs']} runs")
    click.echo(f"written: {path}")
